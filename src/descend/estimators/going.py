"""Going on: a fitted estimator's run, taken further on the same rows or on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.run import make_data
from descend.training import carry, resume

if TYPE_CHECKING:
    from descend.estimators.base import Rows
    from descend.run import Run
    from descend.task import Task


def on(run: Run, task: Task, rows: Rows, epochs: int, how: dict[str, Any]) -> Run:
    """Return the run, so many epochs further.

    On the same rows under the same task it is resumed, bit for bit as if it had never stopped;
    otherwise the parameters, the optimizer's memory and the count of updates are carried over.
    """
    again = _again(run, task, rows, how)
    if again is None:
        return carry(run, rows.X, rows.y, task=task, sample_weight=rows.weights, epochs=epochs, **how)
    done = -(-again.state.step // again.setup.batches_per_epoch)
    if again.outcome.reason not in {"epochs", "callback", "interrupted"}:
        return again  # it has ended by its own rule, and nothing has changed
    return resume(again, epochs=done + epochs, callbacks=how["callbacks"], progress=how["progress"])


def _again(run: Run, task: Task, rows: Rows, how: dict[str, Any]) -> Run | None:
    """Return the run with its rows, if these are its rows and it was asked the same; else None."""
    s = run.setup
    rules = ("gradient_tolerance", "loss_tolerance", "patience")
    same = run.task == task and s.batch_size == how["batch_size"]
    same = same and all(getattr(s, rule) == how.get(rule) for rule in rules)
    if not same or not s.record:
        return None
    held = how["validation"]
    if (s.validation == "given") != (held is not None) and not isinstance(held, float):
        return None
    data = make_data(
        run.task.loss,
        rows.X,
        rows.y,
        validation=held,
        sample_weight=rows.weights,
        seed=s.seed,
        dtype=rows.X.dtype,
        classes=run.classes,
    )
    known = run.fingerprint if run.data is None else run.data.fingerprint
    return run.with_data(data) if known == data.fingerprint else None
