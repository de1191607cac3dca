"""The shape of a curve of losses: does it fall, how fast at the end, does it swing, does it climb.

Everything is a ratio of differences of the curve itself, so its scale and offset do not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Floats

# A tenth of a curve is its end, and its beginning; but never fewer than two figures.
TENTH = 10
# Below this many figures a curve has no shape.
SHORTEST = 5
# Neighbouring differences of white noise change their sign in 2 cases of 3.
ALTERNATES = 0.9


class Curve(NamedTuple):
    """What a curve does.

    Attributes
    ----------
    first, last, least, most
        Levels: its beginning's and end's medians, its smallest and largest figure.
    noise
        The size of what is not smooth in it, from second differences, robustly.
    rising, falling
        Shares of its steps that go up, and down, by more than rounding.
    early, late
        Speed: the mean change of a step within the first tenth and the last.
    fastest
        The largest change of a step of any tenth, by size.
    alternates
        The share of neighbouring steps that go opposite ways.
    growing
        How its swings at the end compare with those at the beginning.
    """

    first: float
    last: float
    least: float
    most: float
    noise: float
    rising: float
    falling: float
    early: float
    late: float
    fastest: float
    alternates: float
    growing: float

    @property
    def drop(self) -> float:
        """How far it came down."""
        return self.first - self.last


def curve(values: Floats) -> Curve | None:
    """Return the shape of a finite curve, or None where it is too short."""
    n = len(values)
    if n < SHORTEST or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    size = float(np.abs(values).max()) or 1.0
    rounding = 1e-12 * size
    width = max(n // TENTH, 2)
    ends = np.linspace(0, n - 1, min(TENTH, n - 1) + 1).astype(int)
    speeds = np.diff(values[ends]) / np.diff(ends)
    turns = steps[1:] * steps[:-1] < 0
    swings = np.abs(np.diff(steps)) / 4.0
    half = len(swings) // 2
    return Curve(
        float(np.median(values[: min(width, 3)])) if n > 3 * TENTH else float(values[0]),
        float(np.median(values[-width:])) if n > 3 * TENTH else float(values[-1]),
        float(values.min()),
        float(values.max()),
        float(np.median(swings) * 2.0),
        float((steps > rounding).mean()),
        float((steps < -rounding).mean()),
        float(speeds[0]),
        float(speeds[-1]),
        float(speeds[np.argmax(np.abs(speeds))]),
        float(turns.mean()),
        float(np.median(swings[half:]) / max(np.median(swings[:half]), rounding, 1e-300)),
    )


def arrived(values: Floats) -> float | None:
    """Return how much of its whole way down a falling curve has come, or None if it does not tell.

    The rest of the way is what is left at the last speed if it goes on dying away as it did over
    the last half: for speeds v1 in the third quarter and v2 in the fourth, decaying
    geometrically, v2/(v1/v2 - 1) of a quarter.
    """
    n = len(values)
    if n < 4 * SHORTEST:
        return None
    marks = np.linspace(0, n - 1, 9).astype(int)
    levels = np.array([np.mean(values[max(i - n // 40, 0) : i + n // 40 + 1]) for i in marks])
    come = levels[0] - levels[-1]
    before, after = levels[4] - levels[6], levels[6] - levels[8]
    if not come > 0:
        return None
    if after <= 0 or before <= 0:
        return 1.0
    if after >= before:
        return 0.0
    rest = after * (after / before) / (1.0 - after / before)
    return float(come / (come + rest))
