"""What titles say of a slice through a model: the state looked at, its loss, and what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.losses import evaluate
from descend.plots.slices import raw_scores
from descend.plots.telling import when
from descend.plots.words import counted, number, short

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.plots.slices import Look
    from descend.run import Run


def at_step(run: Run, step: int | None) -> tuple[Floats, str]:
    """Return recorded parameters and in words after how many updates: those returned, or a step's.

    Raises
    ------
    InputError
        If the step was never reached, or nothing was recorded on the way.
    """
    done, best = run.state.step, run.outcome.best_step
    if step is None:
        return run.theta, f"after {counted(done, 'update')}" if best in {None, done} else when(run)
    asked: Any = step
    whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
    if not whole or not 0 <= step <= done:
        msg = (
            f"This run did {counted(done, 'update')}: ask for a step from 0 to {done}; "
            f"got {step!r}."
        )
        raise InputError(msg)
    if step == done:
        return run.state.theta, f"after {counted(done, 'update')}"
    if run.keyframes is None:
        msg = "This file holds a model without its keyframes, so only its last step can be drawn."
        raise InputError(msg)
    kept = run.keyframes.before(int(step))
    near = "" if kept.step == step else f" (the last recorded before {step:,})"
    return kept.theta, f"after {counted(kept.step, 'update')}{near}"


def column_name(seen: Look, j: int) -> str:
    """Return a column's name, its place where it has none."""
    return short(seen.names[j]).strip() or f"column {j}"


def others(seen: Look, *shown: int) -> str:
    """Return in brackets that the columns not shown are held, or nothing where there are none."""
    left = [j for j in range(len(seen.names)) if j not in shown]
    if not left:
        return ""
    if len(left) == 1:
        return f" ({column_name(seen, left[0])} held at its mean)"
    return f" (the other {len(left)} columns held at their mean)"


def loss_now(seen: Look, theta: Floats) -> float:
    """Return the loss, without penalty, over the training rows shown."""
    train = seen.rows.part == 0
    y: Any = seen.rows.y[train]
    task = seen.run.task
    if task.loss.targets == "labels":
        y = y[:, 0].astype(np.int64)
    weight = None if seen.rows.weight is None else seen.rows.weight[train]
    with np.errstate(all="ignore"):
        scores = raw_scores(seen, theta, seen.rows.X[train])
        return evaluate(
            task.loss, scores, y.astype(scores.dtype, copy=False), weight, task.reduction
        )


def loss_name(run: Run) -> str:
    """Return the loss in words: ``mean squared error``, ``summed logistic loss``."""
    words = run.task.loss.name.replace("_", " ")
    kind = "" if words.endswith(("error", "loss")) else " loss"
    return f"{'mean' if run.task.reduction == 'mean' else 'summed'} {words}{kind}"


def loss_said(seen: Look, theta: Floats) -> str:
    """Return the loss over the training rows shown, in words."""
    found = loss_now(seen, theta)
    said = number(found) if np.isfinite(found) else f"is {number(found)}"
    standard = seen.units.target_scale != 1 or seen.units.target_mean != 0
    return f"{loss_name(seen.run)}{' of the standardised target' if standard else ''} {said}"


def answer_name(seen: Look, output: int = 0) -> str:
    """Return what an answer is: the target, or the probability or score of a label."""
    run, classes = seen.run, seen.units.classes
    if not seen.labels or classes is None:
        return target_name(seen, output)
    many = run.task.loss.targets == "labels"
    label = short(classes[output] if many else classes[-1])
    target = short(seen.units.target) if many else target_name(seen, output)
    return f"probability that {target} is {label}" if run.task.loss.proper else f"score of {label}"


def target_name(seen: Look, output: int = 0) -> str:
    """Return the target's name, with the place of its output where there are several."""
    name = short(seen.units.target)
    return name if seen.k == 1 else f"{name}[{output}]"


def shown(seen: Look) -> str:
    """Return the note on which rows are shown."""
    return f"Shown: {seen.rows.sentence}."


def begun(title: str) -> str:
    """Return a title that begins with one of our words with a capital letter."""
    ours = title.startswith(("probability", "score of", "prediction"))
    return title[0].upper() + title[1:] if ours else title
