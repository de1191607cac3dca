"""Comparisons that raise by themselves, and the judges that tests share.

A difference is measured against the largest entry of what is expected, so that a small entry of a
vector is not asked for digits that no arithmetic could give it.  NaN and infinities must be in the
same places.  `test_oracles` hands every comparison here a wrong answer.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np

from descend.parts import formulas_of


def assert_close(found, expected, tolerance=1e-12, what=""):
    """Raise unless `found` has the shape of `expected` and is near it; nothing is broadcast."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what} shapes {found.shape} and {expected.shape}"
    if not expected.size:
        return
    finite = np.isfinite(expected)
    scale = float(np.abs(expected[finite]).max()) if finite.any() else 0.0
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=tolerance * (scale or 1.0), equal_nan=True, err_msg=what
    )


def assert_bits(found, expected, what=""):
    """Raise unless both have the same type, shape and bits."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype, f"{what} types {found.dtype} and {expected.dtype}"
    assert found.shape == expected.shape, f"{what} shapes {found.shape} and {expected.shape}"
    assert found.tobytes() == expected.tobytes(), f"{what} differs: {found} is not {expected}"


def assert_digits(found, certified, digits, what=""):
    """Raise unless each number agrees with the certified one to `digits` significant digits."""
    found, certified = np.asarray(found, dtype=float), np.asarray(certified, dtype=float)
    assert found.shape == certified.shape, f"{what} shapes {found.shape} and {certified.shape}"
    np.testing.assert_allclose(found, certified, rtol=10.0**-digits, atol=0, err_msg=what)


def assert_same_series(found, expected):
    """Raise unless two series of a history hold the same figures in the same blocks."""
    assert found.names == expected.names
    assert (found.block, found.count) == (expected.block, expected.count)
    kept, wanted = found.arrays(), expected.arrays()
    assert set(kept) == set(wanted)
    for part, array in wanted.items():
        assert_bits(kept[part], array, part)


def assert_same_keyframes(found, expected):
    """Raise unless two lists of keyframes hold the same states."""
    assert (found.limit, found.stride) == (expected.limit, expected.stride)
    assert found.steps == expected.steps
    for step in expected.steps:
        assert_bits(found.before(step).theta, expected.before(step).theta, f"theta at {step}")
        assert_bits(found.before(step).slots, expected.before(step).slots, f"slots at {step}")


def assert_same_run(found, expected):
    """Raise unless two runs hold the same in every figure: state, history, keyframes, outcome."""
    assert_bits(found.theta, expected.theta, "theta")
    assert_bits(found.state.theta, expected.state.theta, "state")
    assert_bits(found.state.slots, expected.state.slots, "slots")
    assert found.state.step == expected.state.step
    assert repr(found.outcome) == repr(expected.outcome)
    assert repr(found.controller.describe()) == repr(expected.controller.describe())
    assert list(found.events) == list(expected.events)
    assert_same_series(found.history.updates, expected.history.updates)
    assert_same_series(found.history.epochs, expected.history.epochs)
    assert_same_keyframes(found.keyframes, expected.keyframes)


def central_differences(function, at, h):
    """Return the derivative of an elementwise function at each point of `at`."""
    at = np.asarray(at, dtype=float)
    return (function(at + h) - function(at - h)) / (2 * h)


@contextmanager
def jax_in_double():
    """Lend JAX double precision; the process's own setting is as it was afterwards."""
    import jax

    with jax.enable_x64(True):
        yield jax


def torch_formulas(part):
    """Return a part's own formulas, written for PyTorch tensors."""
    import array_api_compat.torch as xp

    return formulas_of(type(part), xp)


def jax_formulas(part):
    """Return a part's own formulas, written for JAX arrays."""
    import jax.numpy as jnp

    return formulas_of(type(part), jnp)


def torch_slope(function, at):
    """Return the derivative of an elementwise (or summed) function by PyTorch's autograd."""
    import torch

    point = torch.tensor(np.asarray(at), dtype=torch.float64, requires_grad=True)
    function(point).sum().backward()
    assert point.grad is not None
    return point.grad.numpy()


@contextmanager
def silence_is_kept():
    """Raise if anything inside warns, floating-point errors included."""
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        yield
