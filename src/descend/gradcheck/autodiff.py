"""The derivative of a user's function by JAX or PyTorch, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats


def derivative(
    library: str, function: Callable[..., Any], theta: Floats, arguments: list[Any]
) -> Floats:
    """Return the gradient (P,) of `function` by the library asked for."""
    way = {"jax": _by_jax, "torch": _by_torch}[library]
    try:
        found = way(function, theta, arguments)
    except ImportError as error:
        msg = (
            f"autodiff={library!r} needs {library}, which is not installed; "
            f"pip install 'descend[{library}]' brings it."
        )
        raise UnavailableError(msg) from error
    except Exception as error:
        name = type(error).__name__
        first = str(error).strip().split("\n")[0][:160]
        msg = (
            f"autodiff={library!r} could not go through f ({name}: {first}); write f with "
            f"{library}'s own functions, or leave autodiff out."
        )
        raise InputError(msg) from error
    return np.asarray(found, dtype=np.float64).ravel()


def _by_jax(function: Callable[..., Any], theta: Floats, arguments: list[Any]) -> Any:
    import jax  # noqa: PLC0415 - only when asked for

    with jax.enable_x64(True):  # noqa: FBT003 - JAX's own signature; the host's setting returns
        given = [jax.numpy.asarray(part) for part in arguments]
        return np.asarray(jax.grad(function)(jax.numpy.asarray(theta), *given))


def _by_torch(function: Callable[..., Any], theta: Floats, arguments: list[Any]) -> Any:
    import torch  # noqa: PLC0415 - only when asked for

    point = torch.tensor(theta, requires_grad=True)
    value = function(point, *[torch.tensor(part) for part in arguments])
    (found,) = torch.autograd.grad(value, point)
    return found.numpy()
