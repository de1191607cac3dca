"""Derivatives without a formula: central differences with extrapolation, and the complex step.

Central differences at h, h/2 and h/4 are extrapolated to h = 0 twice (Richardson), which leaves an
error of order h^6; the last two columns of the tableau tell how large it is.  The step starts wide,
where rounding hurts least, and shrinks where that does not settle, as beside a kink.  AT a kink no
step settles: the two one-sided differences part, and by how much is added to the error.

The complex step, Im f(theta + i h) / h, subtracts nothing and is exact to rounding; but it needs an
f that takes complex numbers and drops no imaginary part (as `abs` does), so it is only believed
where it agrees with the differences.

References: L. Richardson, "The deferred approach to the limit", Phil. Trans. R. Soc. A 226 (1927);
W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
Review 40 (1998).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
# An error below this, relative to the largest entry, is not worth another step.
SETTLED = 1e-9
COMPLEX_STEP = 1e-30


def central(value: Callable[[Floats], float], theta: Floats) -> tuple[Floats, Floats]:
    """Return the gradient (P,) of `value` by central differences, and the error of each entry.

    A `value` that is computed in single precision is noticed, and trusted less.

    >>> found, error = central(lambda theta: float(theta @ theta), np.array([1.0, 2.0]))
    >>> found.round(9), bool(error.max() < 1e-9)
    (array([2., 4.]), True)
    """
    found = np.full(theta.size, np.nan)
    error = np.full(theta.size, np.inf)
    middle = value(theta)
    nearby = [middle, *(value(theta * (1 + t) + t) for t in (0.0123, -0.0231, 0.0377))]
    single = all(float(np.float32(v)) == v for v in nearby)
    noise = abs(middle) * float(np.finfo(np.float32 if single else np.float64).eps)
    for h in STEPS:
        scale = float(np.abs(found[np.isfinite(found)]).max(initial=0.0))
        open_ones = np.flatnonzero(~(error <= SETTLED * max(scale, np.finfo(float).tiny)))
        if not open_ones.size:
            break
        for i in open_ones:
            slope, uncertain = _slope(value, theta, int(i), h, middle)
            uncertain += 4 * noise / h
            if uncertain < error[i]:
                found[i], error[i] = slope, uncertain
    return found, error


def _slope(
    value: Callable[[Floats], float], theta: Floats, i: int, h: float, middle: float
) -> tuple[float, float]:
    """Return the derivative by theta[i] with steps about h, and how far it is to be trusted."""
    first, bent = [], []
    for part in (1.0, 0.5, 0.25):
        there, back = theta.copy(), theta.copy()
        step = part * h * max(1.0, abs(theta[i]))
        there[i] += step
        back[i] -= step
        width = there[i] - back[i]
        high, low = value(there), value(back)
        first.append((high - low) / width)
        bent.append((high - 2 * middle + low) / width)
    second = [(4 * first[1] - first[0]) / 3, (4 * first[2] - first[1]) / 3]
    third = (16 * second[1] - second[0]) / 15
    # What bends shrinks with h; what is left of it at h = 0 is a kink.
    kink = abs(2 * bent[2] - bent[1])
    uncertain = abs(third - second[1]) + kink
    return third, uncertain if np.isfinite(uncertain) else np.inf


def along(
    value: Callable[[Floats], float], theta: Floats, directions: Floats
) -> tuple[Floats, Floats]:
    """Return the derivatives (m,) along the rows of `directions` (m, P), and their errors.

    >>> found, _ = along(lambda theta: float(theta @ theta), np.ones(2), np.array([[3.0, 4.0]]))
    >>> found.round(9)
    array([14.])
    """
    return central(lambda steps: value(theta + steps @ directions), np.zeros(len(directions)))


def complex_step(value: Callable[[Any], Any], theta: Floats) -> Floats | None:
    """Return the gradient (P,) by the complex step, or None where `value` will not have it.

    >>> complex_step(lambda theta: (theta * theta).sum(), np.array([1.0, 2.0]))
    array([2., 4.])
    """
    found = np.empty(theta.size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an imaginary part that is thrown away is only warned of
        for i in range(theta.size):
            moved = theta.astype(complex)
            moved[i] += 1j * COMPLEX_STEP
            try:
                # Whatever the user's function raises, it will not have complex numbers.
                reached = np.asarray(value(moved))
            except Exception:  # noqa: BLE001
                return None
            if reached.size != 1 or reached.dtype.kind != "c":
                return None
            found[i] = reached.item().imag / COMPLEX_STEP
    return found if np.isfinite(found).all() else None
