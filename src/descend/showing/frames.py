"""Frames: recorded states of theta to be looked at one after another.

They are keyframes of the run and never replayed, so a run on lost rows has the same ones.

>>> from descend.losses import squared_error
>>> from descend.models import Linear
>>> from descend.optimizers import gradient_descent
>>> from descend.task import Task
>>> from descend.training import train
>>> task = Task(Linear(), squared_error(), gradient_descent(0.1))
>>> frames_of(train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=3)).steps
array([0, 1, 2, 3])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.parts import whole

if TYPE_CHECKING:
    from descend.run import Run

# The start, the end and what was returned.
FEWEST = 3


class Frames(NamedTuple):
    """Recorded states of theta.

    Attributes
    ----------
    steps
        (F,) updates done, ascending.
    theta
        (F, P) in double precision.
    returned
        The place of the frame that equals the returned parameters.
    """

    steps: Array
    theta: Floats
    returned: int


def frames_of(run: Run, limit: int = 300) -> Frames:
    """Return at most `limit` recorded states of theta, the early ones closer together.

    Parameters
    ----------
    run
        With or without rows.
    limit
        At least 3: the start (where it is recorded), the last state and the returned parameters
        are always among the frames.
    """
    recorded = [] if run.keyframes is None else run.keyframes.steps
    last = run.state.step
    returned = last if run.outcome.best_step is None else run.outcome.best_step
    steps = sorted({*recorded, last, returned})
    places = _chosen(len(steps), whole("frames_of", "limit", limit, low=FEWEST))
    _let_in(places, steps.index(returned))
    kept = [steps[place] for place in places]
    theta = np.stack([_theta(run, step, returned) for step in kept]).astype(np.float64)
    return Frames(np.array(kept, dtype=np.int64), theta, kept.index(returned))


def _theta(run: Run, step: int, returned: int) -> Floats:
    if step == returned:
        return run.theta
    if step == run.state.step or run.keyframes is None:
        return run.state.theta
    return run.keyframes.before(step).theta


def _chosen(count: int, limit: int) -> list[int]:
    """Return the places of at most `limit` of `count`: first and last, growing further apart.

    >>> _chosen(12, 6)
    [0, 1, 2, 4, 7, 11]
    """
    if count <= limit:
        return list(range(count))
    # A parabola from the first to the last; where it is flatter than one place to a frame, every
    # place is taken.  It is convex, so the last frame still lands on the last place.
    ideal = np.rint((count - 1) * (np.arange(limit) / (limit - 1)) ** 2).astype(int)
    order = np.arange(limit)
    places: list[int] = (np.maximum.accumulate(ideal - order) + order).tolist()
    return places


def _let_in(places: list[int], place: int) -> None:
    """Put `place` among the places, for the nearest one that is neither first nor last."""
    if place in places:
        return
    inner = range(1, len(places) - 1)
    nearest = min(inner, key=lambda i: abs(places[i] - place))
    places[nearest] = place
    places.sort()
