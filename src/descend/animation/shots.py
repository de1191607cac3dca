"""Shots: the recorded states that a film shows, one to a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.plots.words import counted
from descend.showing.frames import Frames, frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Array, Floats
    from descend.run import Run

# Frames of a film unless asked otherwise, and at most.
USUAL, MOST = 120, 2000


def shots_of(run: Run, frames: int | Sequence[int] | None, *, finite: bool = True) -> Frames:
    """Return recorded states: the early ones closer together, or as asked.

    Parameters
    ----------
    run
        With its keyframes.
    frames
        How many, evenly over the updates; or the updates to show; default about 120, the early
        ones closer together.  Nothing is replayed: each frame is the last recorded state at or
        before its update, and says which it is.
    finite
        Whether only states whose parameters are all finite are wanted.

    Raises
    ------
    InputError
        If nothing was recorded on the way, or an update was never reached.
    """
    if run.keyframes is None:
        msg = (
            "A film shows the states on the way, and this file holds a model without its "
            "keyframes; take the run file it came from."
        )
        raise InputError(msg)
    if run.state.step == 0:
        msg = "A film shows how a run went on, and this one did no update; train it first."
        raise InputError(msg)
    found = frames_of(run, USUAL) if frames is None else _at(run, _asked(run, frames))
    if not finite:
        return found
    known = np.isfinite(found.theta).all(axis=1)
    if not known.any():
        msg = (
            "No recorded state of this run is finite, so there is nothing to film; lower the rate."
        )
        raise InputError(msg)
    returned = int(np.searchsorted(np.flatnonzero(known), found.returned))
    kept = found.steps[known], found.theta[known]
    return Frames(*kept, min(returned, int(known.sum()) - 1))


def _asked(run: Run, frames: int | Sequence[int]) -> Array:
    """Return the updates asked for, checked."""
    done = run.state.step
    if isinstance(frames, int | np.integer) and not isinstance(frames, bool):
        if frames < 2:  # noqa: PLR2004 - from one state to another
            msg = f"A film has at least 2 frames; got frames={frames}."
            raise InputError(msg)
        count = int(frames)
        return np.rint(np.linspace(0, done, min(count, MOST))).astype(np.int64)
    steps: Any = np.asarray(frames if np.ndim(frames) else [])
    fine = steps.ndim == 1 and steps.size and steps.dtype.kind in "iu"
    if not fine or steps.min() < 0 or steps.max() > done:
        msg = (
            f"This run did {counted(done, 'update')}: frames are how many to show, or whole "
            f"updates from 0 to {done}; got {frames!r}."
        )
        raise InputError(msg)
    return np.sort(steps[:MOST]).astype(np.int64)


def _at(run: Run, steps: Array) -> Frames:
    kept = [_state(run, int(step)) for step in steps]
    places = np.array([step for step, _ in kept])
    best = run.outcome.best_step
    returned = run.state.step if best is None else best
    theta = np.stack([theta for _, theta in kept]).astype(np.float64)
    return Frames(places, theta, int(np.abs(places - returned).argmin()))


def _state(run: Run, step: int) -> tuple[int, Floats]:
    if step >= run.state.step or run.keyframes is None:
        return run.state.step, run.state.theta
    state = run.keyframes.before(step)
    return state.step, state.theta
