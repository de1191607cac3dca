"""The functions of single numbers that kernels are made of, against extended precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from descend.engines.compiled import scalars
from descend.engines.compiled.scalars import SCALARS, STRICT

# Units in the last place that are allowed.
ULPS = {"exp": 2, "expm1": 3, "log": 2, "log1p": 2, "tanh": 3}
RANGES = {
    "exp": [(-745, 709.7), (-1, 1), (-1e-8, 1e-8)],
    "expm1": [(-50, 709.7), (-1, 1), (-1e-8, 1e-8)],
    "log": [(0, 1e300), (0.5, 2), (1 - 1e-9, 1 + 1e-9), (0, 1e-300)],
    "log1p": [(-1, 1e300), (-0.9, 2), (-1e-9, 1e-9)],
    "tanh": [(-25, 25), (-1, 1), (-1e-8, 1e-8)],
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -5e-324]
SPECIAL += [709.0, 709.79, -708.0, -745.0, -746.0, 20.0, -20.0, 2.2250738585072014e-308]


def over(name):
    """Return the function run over an array, as kernels run it: in vectors."""
    function = getattr(SCALARS, name)

    @njit(**STRICT)
    def run(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        found = np.empty(len(x))
        run(np.asarray(x, dtype=float), found)
        return found

    return call


def ulps(found, expected):
    """Return the largest error in units of the expected numbers' last place."""
    exact = expected.astype(np.longdouble)
    unit = np.spacing(np.abs(expected).astype(np.float64)).astype(np.longdouble)
    return float((np.abs(found.astype(np.longdouble) - exact) / unit).max())


@pytest.mark.parametrize("name", list(ULPS))
def test_within_a_few_units_in_the_last_place(name):
    rng = np.random.default_rng(1)
    run = over(name)
    for low, high in RANGES[name]:
        x = rng.uniform(low, high, 20_000)
        x = np.concatenate([x, x * 2.0 ** rng.integers(-30, 1, len(x))])
        x = x[(x > 0) if name == "log" else (x > -1) | (name != "log1p")]
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x.astype(np.longdouble))
        keep = np.abs(expected) > 1e-307  # below, numbers lose digits by themselves
        assert ulps(run(x)[keep], expected[keep]) <= ULPS[name]


@pytest.mark.parametrize("name", [*ULPS, "sign"])
def test_what_is_special_is_as_numpy_has_it(name):
    x = np.array(SPECIAL)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    found = over(name)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)
    assert (np.isnan(found) == np.isnan(expected)).all()


def test_where_takes_neither_branch():
    @njit
    def chosen(x):
        return scalars.where(x > 0, x, -1.0)

    assert chosen(2.0) == 2.0
    assert chosen(-2.0) == chosen(math.nan) == -1.0


def test_ulps_sees_an_error_of_one_unit():
    right = np.array([1.0, 1e100])
    assert ulps(right, right.astype(np.longdouble)) == 0
    assert ulps(np.nextafter(right, np.inf), right.astype(np.longdouble)) >= 1
