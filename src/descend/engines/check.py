"""The judge of derivatives: central differences along random directions.

For a direction v, (f(theta + h v) - f(theta - h v)) / 2h must equal gradient · v. One random
direction sees every entry of the gradient at once; a few of them miss an error with probability
0. Errors are measured against |gradient| |v|, so that a small entry is not asked for impossible
digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats


class Verdict(NamedTuple):
    """How far a gradient is from the differences: the worst over the directions.

    Attributes
    ----------
    error
        The largest |gradient · v - difference| / (|gradient| |v|).
    claimed, found
        Gradient · v and the difference, in that direction.
    """

    error: float
    claimed: float
    found: float


def judge(  # noqa: PLR0913 - how to look is the caller's choice
    value: Callable[[Floats], float],
    gradient: Floats,
    point: Floats,
    *,
    directions: int = 4,
    seed: int = 0,
    h: float = 1e-5,
) -> Verdict:
    """Return how far `gradient` is from the differences of `value` at `point`.

    Parameters
    ----------
    value
        A function of theta (P,) that returns one number, in double precision.
    gradient, point
        (P,): what is judged, and where.
    directions
        How many random directions; default 4.
    seed
        Of the directions.
    h
        The length of the step, relative to 1 + |point|; default 1e-5, near the cube root of the
        unit roundoff, where the errors of truncation and of rounding are alike.

    Examples
    --------
    >>> square = lambda theta: float(theta @ theta)
    >>> judge(square, np.array([2.0, 4.0]), np.array([1.0, 2.0])).error < 1e-9
    True
    >>> judge(square, np.array([2.0, 5.0]), np.array([1.0, 2.0])).error > 1e-3
    True
    """
    rng = np.random.default_rng(seed)
    worst = Verdict(-1.0, 0.0, 0.0)
    for _ in range(directions):
        v = rng.standard_normal(point.size)
        v /= np.linalg.norm(v)
        step = h * (1.0 + float(np.linalg.norm(point)))
        found = (value(point + step * v) - value(point - step * v)) / (2 * step)
        claimed = float(gradient @ v)
        scale = max(float(np.linalg.norm(gradient)), abs(found), np.finfo(float).tiny)
        verdict = Verdict(abs(claimed - found) / scale, claimed, found)
        # `not <` lets a NaN win: it is the worst error there is.
        if not verdict.error < worst.error:
            worst = verdict
    return worst
