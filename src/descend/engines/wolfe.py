"""How far to go along a direction: a search for the strong Wolfe conditions.

Along theta + a p the objective is a function f of the one number a, with slope f'(a) = g(a)·p.
A length is taken when it lowers f in proportion, and when the slope has become flat enough:

    f(a) <= f(0) + 1e-4 a f'(0)        and        |f'(a)| <= 0.9 |f'(0)|

First the length grows until it is good or has gone too far; then the interval shrinks.  What
cannot be evaluated (an overflow) counts as too far.

Reference: J. Nocedal and S. Wright, "Numerical optimization", 2nd ed. (2006), algorithms 3.5, 3.6
and equation 3.59.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from descend.arrays import Floats

LOWER, FLATTER = 1e-4, 0.9
# A length grows at most this much at once, and that many times; then the interval shrinks.
FARTHER, LONGER, SHORTER = 10.0, 30, 40
_EPSILON = float(np.finfo(np.float64).eps)


class Point(NamedTuple):
    """A point along the direction: how far, the objective and its slope there, and where it is."""

    length: float
    loss: float
    slope: float
    theta: Floats
    gradient: Floats


Along: TypeAlias = Callable[[float], Point]


def search(along: Along, start: Point, first: float) -> Point:
    """Return a point that meets the conditions; or the lowest seen; or `start`, if none is lower.

    Parameters
    ----------
    along
        Evaluates a length.
    start
        The point of length 0; its slope is negative.
    first
        The length tried first.
    """
    before, length = start, first
    for _ in range(LONGER):
        here = along(length)
        if not _lower(here, start) or here.loss > before.loss:
            return _between(along, start, before, here)
        if _flat(here, start):
            return here
        if here.slope >= 0:
            return _between(along, start, here, before)
        before, length = here, _longer(before, here)
    return before


def _lower(here: Point, start: Point) -> bool:
    known = math.isfinite(here.loss) and math.isfinite(here.slope)
    return known and here.loss <= start.loss + LOWER * here.length * start.slope


def _flat(here: Point, start: Point) -> bool:
    return abs(here.slope) <= -FLATTER * start.slope


def _longer(before: Point, here: Point) -> float:
    """Return where the slope would be 0 if it went on as a line, within bounds."""
    bend = here.slope - before.slope
    asked = math.inf if bend <= 0 else -here.slope * (here.length - before.length) / bend
    return min(max(here.length + asked, 1.1 * here.length), FARTHER * here.length)


def _between(along: Along, start: Point, low: Point, high: Point) -> Point:
    """Shrink the interval: `low` is the lowest point so far, and its slope leads towards `high`."""
    for _ in range(SHORTER):
        # What can still be gained is lost in rounding.
        if abs(low.slope * (high.length - low.length)) <= _EPSILON * abs(low.loss):
            break
        here = along(_minimum(low, high))
        if here.length in {low.length, high.length}:
            break
        if not _lower(here, start) or here.loss > low.loss:
            high = here
            continue
        if _flat(here, start):
            return here
        if here.slope * (high.length - low.length) >= 0:
            high = low
        low = here
    return low


def _minimum(low: Point, high: Point) -> float:
    """Return where the cubic through both ends has its minimum, or the middle if that is no use."""
    width = high.length - low.length
    middle = low.length + 0.5 * width
    if not (math.isfinite(high.loss) and math.isfinite(high.slope)):
        return middle
    d1 = low.slope + high.slope - 3 * (low.loss - high.loss) / (low.length - high.length)
    inside = d1 * d1 - low.slope * high.slope
    if not 0 <= inside < math.inf:
        return middle
    d2 = math.copysign(math.sqrt(inside), width)
    below = high.slope - low.slope + 2 * d2
    share = 1 - (high.slope + d2 - d1) / below if below else 0.5  # 0 at low, 1 at high
    return low.length + share * width if 0.05 <= share <= 0.95 else middle  # noqa: PLR2004
