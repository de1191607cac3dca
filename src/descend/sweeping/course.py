"""The course of a run: what its record says of how the objective went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.sweeping.verdicts import Course

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.run import Run


def course_of(run: Run, first: float) -> Course:
    """Return the course of a run with its rows; `first` is the objective at its start."""
    steps, losses = _path(run)
    diverged = run.outcome.diverged
    turning = 0.0 if diverged else _turning(run)
    return Course(steps, losses, first, run.outcome.loss, turning, diverged)


def _path(run: Run) -> tuple[Any, Floats]:
    """Return updates done and the objective there: at each update, or the mean of each epoch."""
    history = run.history
    if run.setup.full_batch:
        return _unfolded(history, "loss", history.steps[:, 0], history.updates.block)
    steps = history.epoch_spans[:, 1] * run.setup.batches_per_epoch
    return _unfolded(history, "epoch_loss", steps, history.epochs.block)


def _unfolded(history: Any, name: str, steps: Any, block: int) -> tuple[Any, Floats]:
    """Return a column; of rows joined into blocks, the largest and the smallest of each.

    The order of the two is that of the whole, so that a loss that only falls shows no rise.
    """
    if block == 1:
        return steps, history[name]
    low, high = history.range_of(name)
    falls = not low[-1] > low[len(low) // 2]
    pairs = np.column_stack([high, low] if falls else [low, high])
    return np.repeat(steps, 2), pairs.ravel()


def _turning(run: Run) -> float:
    """Return the cosine of the angle between the last two updates of a full-batch run."""
    last = run.state.step
    if not run.setup.full_batch or last < 2:  # noqa: PLR2004 - two updates make an angle
        return 0.0
    points = [run.at(step).theta.astype(np.float64) for step in (last - 2, last - 1, last)]
    before, after = np.diff(points, axis=0)
    lengths = float(np.linalg.norm(before)) * float(np.linalg.norm(after))
    rounding = np.finfo(run.theta.dtype).eps * float(np.linalg.norm(points[-1]))
    if not lengths > rounding**2:
        return 0.0
    return float(before @ after) / lengths
