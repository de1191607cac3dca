"""Verdicts: converged, slow, oscillating or diverged, by definitions without units.

Every threshold is a share of something the runs themselves show, so that a verdict stays the same
when the loss is multiplied by a number, or the rows are measured in other units.

    >>> falling = Course(np.arange(9), 0.5 ** np.arange(9.0), 1.0, 0.5**9)
    >>> verdict(falling, least=0.0, gap=1.0)
    'converged'
    >>> verdict(falling, least=-1.0, gap=2.0)
    'slow'
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from descend.arrays import Floats

Verdict = Literal["converged", "slow", "oscillating", "diverged"]
VERDICTS: tuple[Verdict, ...] = ("converged", "slow", "oscillating", "diverged")
# What is left of the first gap to the least objective when a run has converged.
NEAR = 0.01
# A run goes up and down if it loses in rising more than this share of what it gains in falling,
# and if what it loses is more than `NEAR` of what it still has to go.
UNDONE = 0.5
# Parts of the objective below which a difference is rounding.
_ROUNDING = 1e-12


class Course(NamedTuple):
    """How the objective of a run went.

    Attributes
    ----------
    steps
        (m,): updates done at each of the losses.
    losses
        (m,): the objective before each update; for a run on batches the mean of each epoch.
    first, last
        The objective over all rows at the start and at the end.
    turning
        The cosine of the angle between the last two updates: -1 where they undo one another; 0
        where it is not known.
    diverged
        Whether the run was found to have diverged.
    """

    steps: Any
    losses: Floats
    first: float
    last: float
    turning: float = 0.0
    diverged: bool = False


def verdict(course: Course, least: float, gap: float) -> Verdict:
    """Return how a run went.

    - *diverged*: it was found to have diverged while it was trained, or the objective is no number,
      or it ended above where it began and was rising: over the second half of the run it rose more
      than twice as much as it fell.
    - *converged*: it ended within 1 % of `gap` above `least`.
    - *oscillating*: neither, and it goes to and fro: over the second half of the run the objective
      rose by more than half of what it fell (and by more than 1 % of what is left to go), or
      the last two updates point against one another.
    - *slow*: the rest.

    Parameters
    ----------
    course
        Of the run.
    least
        The least objective known.
    gap
        How far above it training begins.
    """
    rises, falls = swings(course.losses)
    rising = rises > 2.0 * falls
    if course.diverged or not math.isfinite(course.last) or not np.isfinite(course.losses).all():
        return "diverged"
    left = course.last - least
    if left <= near(course.first, least, gap):
        return "converged"
    if rising and course.last > course.first:
        return "diverged"
    swaying = rises > UNDONE * falls and rises > NEAR * left
    return "oscillating" if swaying or course.turning < 0.0 else "slow"


def near(first: float, least: float, gap: float) -> float:
    """Return how far above the least objective a run may end and still have converged."""
    return max(NEAR * gap, _ROUNDING * max(abs(first), abs(least)))


def swings(losses: Floats) -> tuple[float, float]:
    """Return how much the second half of some losses rises and falls, each added up.

    >>> swings(np.array([9.0, 9.0, 3.0, 1.0, 2.0, 0.0]))
    (1.0, 2.0)
    """
    with np.errstate(all="ignore"):
        changes = np.diff(losses[len(losses) // 2 :])
        return float(changes[changes > 0].sum()), -float(changes[changes < 0].sum())


def arrival(course: Course, least: float, gap: float) -> int | None:
    """Return after how many updates a run had come within 1 % for good, or None."""
    limit = near(course.first, least, gap)
    with np.errstate(all="ignore"):
        far = np.flatnonzero(~(course.losses - least <= limit))
    if not course.last - least <= limit:
        return None
    place = far[-1] + 1 if len(far) else 0
    return int(course.steps[min(place, len(course.steps) - 1)]) if len(course.steps) else 0
