"""Frames: states of theta to be looked at one after another.

They are keyframes of the run and, where its rows are at hand and it costs little, states between
them, replayed to the last bit: a run that was planned for 3000 updates and stopped after 77 has a
keyframe at every eighth alone, and its whole story in the first few.

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
from weakref import WeakKeyDictionary

import numpy as np

from descend.arrays import Array, Floats
from descend.custom import CustomModel
from descend.parts import whole

if TYPE_CHECKING:
    from descend.run import Run

# The start, the end and what was returned.
FEWEST = 3
# Replayed are as many of the first updates as take this many products of an entry of a row and a
# parameter, a second or so, and no more than this many updates.
WORK, UPDATES = 300_000_000, 20_000


class Frames(NamedTuple):
    """States of theta.

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


def frames_of(run: Run, limit: int = 300, *, replayed: bool = True) -> Frames:
    """Return at most `limit` states of theta, the early ones closer together.

    Parameters
    ----------
    run
        With or without rows.
    limit
        At least 3: the start (where it is recorded), the last state and the returned parameters
        are always among the frames.
    replayed
        Whether states between keyframes are replayed; default yes.
    """
    whole("frames_of", "limit", limit, low=FEWEST)
    known = _KNOWN.setdefault(run, {})
    if (limit, replayed) not in known:
        known[limit, replayed] = _made(run, limit, _replayed(run) if replayed else 0)
    return known[limit, replayed]


# Figures, films and pages of one run ask for the same frames.
_KNOWN: WeakKeyDictionary[Run, dict[tuple[int, bool], Frames]] = WeakKeyDictionary()


def _made(run: Run, limit: int, replayed: int) -> Frames:
    recorded = [] if run.keyframes is None else run.keyframes.steps
    last = run.state.step
    returned = last if run.outcome.best_step is None else run.outcome.best_step
    steps = sorted({*recorded, *range(min(replayed, last)), last, returned})
    places = _chosen(len(steps), limit)
    _let_in(places, steps.index(returned))
    kept = [steps[place] for place in places]
    theta = np.stack(_thetas(run, kept, returned)).astype(np.float64)
    return Frames(np.array(kept, dtype=np.int64), theta, kept.index(returned))


def _replayed(run: Run) -> int:
    """Return how many of the first updates are replayed; none without rows and a quick engine."""
    slow = not run.engine_used.startswith("num") or isinstance(run.task.model, CustomModel)
    if run.data is None or run.keyframes is None or slow:
        return 0
    rows = run.setup.n if run.setup.full_batch else min(run.setup.batch_size or 1, run.setup.n)
    return min(WORK // max(rows * len(run.theta), 1), UPDATES)


def _thetas(run: Run, steps: list[int], returned: int) -> list[Floats]:
    """Return theta at ascending steps."""
    found: list[Floats] = []
    state = None
    for step in steps:
        if step == returned:
            found.append(run.theta)
            continue
        if step == run.state.step or run.keyframes is None:
            found.append(run.state.theta)
            continue
        nearest = run.keyframes.before(step)
        if state is None or state.step < nearest.step:
            state = nearest
        if state.step < step:
            state = run.replay(state, step)
        found.append(state.theta)
    return found


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
