"""What a figure says at its head: how the loss went, in how many updates, and why it stopped.

>>> from descend.errors import Outcome
>>> why(Outcome("epochs", "Stopped after all 9 epochs.", step=9, loss=0.5))
'stopped: all epochs were done'
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from descend.errors import InputError
from descend.plots.words import counted, number
from descend.showing.curves import curves_of

if TYPE_CHECKING:
    from descend.errors import Outcome
    from descend.run import Run
    from descend.showing.curves import Curve

REASONS = {
    "epochs": "all epochs were done",
    "gradient": "the gradient became small",
    "settled": "the loss stopped moving",
    "stalled": "no step lowered the loss any more",
    "validation": "validation got no better",
    "diverged": "it diverged",
    "interrupted": "it was interrupted",
    "callback": "a callback asked for it",
    "led": "it was led by hand",
    "exact": "it was solved outright",
}
# Less than this share of the loss is no fall and no rise.
_STILL = 1e-3
# Fewer epochs than these make no curve; then it has so many points.
_FEW_EPOCHS, _BLOCKS = 8, 60


def recorded(run: Run) -> Run:
    """Return a run that has updates on record.

    Raises
    ------
    InputError
        If it has none.
    """
    if len(run.history.updates):
        return run
    done = counted(run.state.step, "update")
    why_not = "nothing was recorded (record=0)" if run.state.step else "so nothing has happened yet"
    msg = (
        f"There are no curves to draw: this run did {done}, {why_not}; train it, and with a record."
    )
    raise InputError(msg)


def course(run: Run, *, brief: bool = False) -> str:
    """Return a sentence on how the loss went, in how many updates, and why it stopped."""
    first, last, what = ends(run)
    if not math.isfinite(last):
        went = f"{what} grows from {number(first)} beyond all numbers"
    elif abs(last - first) <= _STILL * abs(first):
        went = f"{what} {'stays at' if run.outcome.best_step is None else 'is'} {number(last)}"
    else:
        verb = "falls" if last < first else "grows" if run.outcome.diverged else "rises"
        went = f"{what} {verb} from {number(first)} to {number(last)}"
    return f"{went} {when(run)}" + ("" if brief else f"; {why(run.outcome)}")


def when(run: Run) -> str:
    """Return which state a run returned: ``in 9 updates``, ``at update 6 of 9, the one kept``."""
    done, best = run.outcome.step, run.outcome.best_step
    if best in {None, done}:
        return f"in {counted(done, 'update')}"
    return f"at update {number(best or 0, 9)} of {number(done, 9)}, the one kept"


def ends(run: Run) -> tuple[float, float, str]:
    """Return the first loss, that of the state returned, and what they are.

    With batches, those are means: a batch's own loss says little.  Of the state returned it is the
    mean that was complete when it was reached.
    """
    if run.setup.full_batch:
        return float(run.history["loss"][0]), float(run.outcome.loss), "Loss"
    means, of = means_of(run)
    best = run.outcome.best_step
    place = len(means.y) if best is None else int(np.searchsorted(means.x, best, side="right"))
    return float(means.y[0]), float(means.y[max(place - 1, 0)]), f"Mean loss of {of}"


def means_of(run: Run) -> tuple[Curve, str]:
    """Return the course of a run on batches: means of epochs, or of updates where those are few.

    With the curve come words for what each mean is taken over.
    """
    curves = {curve.name: curve for curve in curves_of(run)}
    if "epoch_loss" in curves and len(curves["epoch_loss"].y) >= _FEW_EPOCHS:
        return curves["epoch_loss"], "an epoch"
    coarse = next(curve for curve in curves_of(run, _BLOCKS) if curve.name == "loss")
    over = max(run.state.step // max(len(coarse.y), 1), 1)
    return coarse._replace(low=None, high=None), counted(over, "update")


def why(outcome: Outcome) -> str:
    """Return why a run stopped, in few words."""
    return f"stopped: {REASONS[outcome.reason]}"
