"""How a training ended, or stands: the outcome, its sentence, and the run that is handed out."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from descend.errors import Outcome, Reason
from descend.run import History, Run
from descend.run.files import versions
from descend.training import stopping
from descend.training.arriving import falls_short
from descend.training.callbacks import listeners

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.training.arriving import Short
    from descend.training.loop import Loop

# The endings that claim to have arrived.
_CLAIMS = ("gradient", "settled", "stalled")


def finished(loop: Loop) -> Run:
    """Train to the end and return the run."""
    loop.so_far = partial(so_far, loop)
    reason = loop.run()
    run = ended(loop, reason, restores=reason == "epochs" and loop.setup.patience is not None)
    for callback in listeners(loop.callbacks, "end"):
        callback(run)
    return run


def ended(loop: Loop, reason: Reason, *, restores: bool = False) -> Run:
    """Return the run of a training that came to its end; `restores` the best parameters known."""
    controller = loop.controller
    theta, best_step = loop.state.theta, None
    if (restores or reason == "validation") and controller.best_theta is not None:
        theta, best_step = controller.best_theta, controller.best_step
    loss = loop.program.value(theta)
    reason = _judged_at_the_end(loop, reason, loss)
    short = falls_short(loop.problem, theta, loss) if reason in _CLAIMS else None
    outcome = Outcome(
        reason,
        _sentence(loop, reason, loss, best_step)
        if short is None
        else _short(loop, reason, loss, short),
        loop.state.step,
        loss,
        best_step,
        controller.diverged_at,
        None if short is None else short.condition,
    )
    return recorded(loop, theta, outcome)


def recorded(loop: Loop, theta: Floats, outcome: Outcome) -> Run:
    """Return what a training has recorded; the run shares its records with the loop."""
    return Run(
        task=loop.problem.task,
        setup=loop.setup,
        layout=loop.problem.layout,
        theta=theta,
        outcome=outcome,
        history=History(loop.updates, loop.epochs),
        keyframes=loop.keyframes,
        events=tuple(loop.events),
        state=loop.state,
        controller=loop.controller,
        classes=loop.data.classes,
        names=loop.data.names,
        engine_used=loop.engine,
        versions=versions(loop.engine),
        scaling=loop.data.scaling,
        data=loop.data,
    )


def so_far(loop: Loop) -> Run:
    """Return the run as it stands, a record that the training under way no longer changes."""
    step, loss = loop.state.step, loop.program.value(loop.state.theta)
    sentence = f"Under way: {step} of {loop.setup.updates} updates; loss {loss:.6g}."
    outcome = Outcome("callback", sentence, step, loss, None, loop.controller.diverged_at)
    return apart(recorded(loop, loop.state.theta, outcome))


def apart(run: Run) -> Run:
    """Return the run with records of its own."""
    return replace(
        run,
        history=History(run.history.updates.copy(), run.history.epochs.copy()),
        keyframes=None if run.keyframes is None else run.keyframes.copy(),
        controller=run.controller.copy(),
    )


def _judged_at_the_end(loop: Loop, reason: Reason, loss: float) -> Reason:
    """Judge the last update too, whose loss no later update has looked at."""
    controller = loop.controller
    if controller.diverged_at is None:
        worth_a_look = controller.suspicion is not None and not loss <= controller.suspicion
        if worth_a_look and stopping.has_diverged(
            controller.copy(), loop.problem, loop.program, loop.state.theta, loss
        ):
            controller.diverged_at = loop.state.step
            return "diverged"
        return reason
    return "diverged" if reason != "interrupted" else reason


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"all {count} epochs"


def _sentence(loop: Loop, reason: Reason, loss: float, best_step: int | None) -> str:
    s, c, step = loop.setup, loop.controller, loop.state.step
    updates = f"{step} update{'' if step == 1 else 's'}"
    if reason == "diverged":
        why = (
            "the loss is no longer a number"
            if not math.isfinite(loss)
            else f"the loss is {loss:.4g}"
        )
        went_on = "" if step == c.diverged_at else f", and was told to go on to update {step}"
        if loop.problem.task.optimizer.rule.searches:  # it never goes up: it began there
            return (
                f"Diverged at update {c.diverged_at}{went_on}: {why}, and a search needs a number "
                "to start from; scale the features, or give another start (init)."
            )
        return (
            f"Diverged at update {c.diverged_at}{went_on}: {why}, far above what the best "
            f"constant or the start would score; the learning rate {s.learning_rate:.4g} is too "
            "large for these rows (scale the features, or lower it)."
        )
    ends = {
        "epochs": f"Stopped after {_epochs(s.epochs)} ({updates}); loss {loss:.6g}.",
        "gradient": (
            f"Converged after {updates}: the gradient is at most {s.gradient_tolerance} of its "
            f"first length; loss {loss:.6g}."
        ),
        "settled": (
            f"Settled after {updates}: ten epochs lowered the loss by less than "
            f"{s.loss_tolerance} of it; loss {loss:.6g}."
        ),
        "stalled": (
            f"Went as low as {s.dtype} can tell after {updates}: no step lowers the loss any more; "
            f"{_gradient_left(loop) if reason == 'stalled' else ''}; loss {loss:.6g}."
        ),
        "interrupted": f"Interrupted after {updates}; loss {loss:.6g}. It can be resumed.",
        "callback": f"Stopped by a callback after {updates}; loss {loss:.6g}.",
        "led": f"Trained for {updates} so far; loss {loss:.6g}.",
        "validation": (
            f"Stopped after {updates}: {s.patience} epochs brought no lower validation loss; "
            f"the parameters of update {best_step} were restored (loss {loss:.6g})."
        ),
    }
    sentence = ends[reason]
    if reason == "epochs" and best_step is not None and best_step != step:
        sentence = sentence[:-1] + f", restored from update {best_step}, the best in validation."
    return sentence


def _short(loop: Loop, reason: Reason, loss: float, short: Short) -> str:
    """Say that a descent has not arrived, though its rule said so."""
    s, step = loop.setup, loop.state.step
    rules = {
        "gradient": f"the gradient is at most {s.gradient_tolerance} of its first length",
        "settled": f"ten epochs lowered the loss by less than {s.loss_tolerance} of it",
        "stalled": f"no step lowers the loss any more in {s.dtype}",
    }
    return (
        f"Stopped short of the least after {step} update{'' if step == 1 else 's'}: "
        f"{rules[reason]}, but the columns are ill-conditioned (condition number "
        f"{short.condition:.2g}) and the least loss is {short.least:.6g}; loss {loss:.6g}. Solve "
        "it outright (solve), or drop or penalise columns."
    )


def _gradient_left(loop: Loop) -> str:
    """Say how long the gradient is; beside its first length, if that was recorded."""
    here = float(np.linalg.norm(loop.program.value_and_gradient(loop.state.theta)[1]))
    first = loop.updates.column("gradient_norm")[:1]
    share = f", {here / first[0]:.2g} of its first length" if first.size and first[0] > 0 else ""
    return f"the gradient is {here:.2g} long{share}"
