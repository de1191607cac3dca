"""The array libraries a custom part may be written for, each imported only when it is needed."""

from __future__ import annotations

import dis
import functools
import importlib.util
import inspect
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARIES = ("numpy", "jax", "torch")
TITLES = {"numpy": "NumPy", "jax": "JAX", "torch": "PyTorch"}
# Packages that build on one of them: a function that mentions one needs its library.
_BUILT_ON = {"numpy": "numpy", "scipy": "numpy", "jax": "jax", "flax": "jax", "equinox": "jax"}
_BUILT_ON |= {"optax": "jax", "torch": "torch"}
# How far to follow the functions that a function calls.
_DEPTH = 4


def installed(library: str) -> bool:
    """Tell whether a library is there, without importing it."""
    return importlib.util.find_spec(library) is not None


def _jax() -> Any:
    import jax  # noqa: PLC0415 - slow, and an extra

    return jax


def _torch() -> Any:
    import torch  # noqa: PLC0415 - slow, and an extra

    return torch


_IMPORTS = {"jax": _jax, "torch": _torch}


def imported(library: str) -> Any:
    """Return a library's module, or say how to install it."""
    try:
        return _IMPORTS[library]()
    except ImportError as error:
        msg = (
            f"The engine {library!r} needs {TITLES[library]}, which is not installed; run "
            f"pip install 'descend[{library}]', or use engine=\"auto\"."
        )
        raise InputError(msg) from error


@contextmanager
def in_double() -> Iterator[Any]:
    """Lend JAX double precision and the settings our formulas and draws are written for.

    The process's own are as they were afterwards.
    """
    jax = imported("jax")
    with (
        jax.enable_x64(True),  # noqa: FBT003 - they have no names
        jax.threefry_partitionable(True),  # noqa: FBT003
        jax.numpy_rank_promotion("allow"),
        jax.transfer_guard("allow"),
    ):
        yield jax


def jax_key(seed: int) -> Any:
    """Return JAX's key for a seed, of one kind whatever the process prefers."""
    return imported("jax").random.key(seed % 2**63, impl="threefry2x32")


# ---------------------------------------------------------------- which one a function needs


def needed_by(function: Callable[..., Any]) -> str | None:
    """Return the library whose names a function mentions, or None if it mentions none.

    A function of operators alone, such as ``(s - y) ** 2``, works with all of them.  Where NumPy
    and another are mentioned, it is the other: NumPy's constants suit any of them.
    """
    found = _mentioned(function, _DEPTH)
    others = sorted(found - {"numpy"})
    if len(others) > 1:
        named = getattr(function, "__qualname__", repr(function))
        msg = (
            f"The function {named} mentions both JAX and PyTorch; say which one its arrays are of "
            'with library="jax" or library="torch".'
        )
        raise InputError(msg)
    return others[0] if others else ("numpy" if found else None)


def library_of(value: object) -> str | None:
    """Return the library that an object's own classes come from, or None."""
    for cls in type(value).__mro__:
        found = _BUILT_ON.get(cls.__module__.partition(".")[0])
        if found:
            return found
    return None


def _mentioned(function: Any, depth: int) -> set[str]:
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType):
        found, called_as = (
            library_of(function),
            inspect.getattr_static(type(function), "__call__", None),
        )
        if found or not isinstance(called_as, FunctionType):
            return {found} if found else set()
        function = called_as
    names = set(_names_in(function.__code__))
    seen = [v for name, v in function.__globals__.items() if name in names]
    seen += [_content(cell) for cell in function.__closure__ or ()]
    libraries = {name.partition(".")[0] for name in names} & {"jax", "torch"}
    for value in seen:
        if isinstance(value, ModuleType):
            libraries |= {_BUILT_ON.get(value.__name__.partition(".")[0], "")}
            continue
        home = _BUILT_ON.get(str(getattr(value, "__module__", "")).partition(".")[0])
        libraries |= {home or library_of(value) or ""}
        if depth and callable(value) and value is not function:
            libraries |= _mentioned(value, depth - 1)
    return libraries - {""}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a cell that is not filled yet
        return None


def _names_in(code: Any) -> Iterator[str]:
    """Yield the names of globals and imports; of ``jax.nn``, jax and not nn."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME"}:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _names_in(constant)


# ---------------------------------------------------------------- to a library and back


def called_on_numbers(library: str | None, function: Callable[..., Any], *arrays: Any) -> Any:
    """Return what a library's function makes of NumPy arrays, as a NumPy array."""
    if library == "jax":
        with in_double() as jax:
            return np.asarray(function(*(jax.numpy.asarray(a) for a in arrays)))
    if library == "torch":
        torch = imported("torch")
        with torch.no_grad():
            found = function(*(torch.tensor(a) for a in arrays))
            return found.detach().cpu().numpy() if torch.is_tensor(found) else np.asarray(found)
    return np.asarray(function(*arrays))


def called(value: object) -> str:
    """Return the name of a function, a class or an object, for messages."""
    while isinstance(value, functools.partial):
        value = value.func
    found = getattr(value, "__name__", None)
    return str(found) if found else type(value).__name__
