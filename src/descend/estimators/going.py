"""Going on: a fitted estimator's run, taken further on the same rows or on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.estimators.history import EpochHistory
from descend.run import make_data
from descend.training import Callback, carry, resume

if TYPE_CHECKING:
    from descend.estimators.base import Rows
    from descend.run import Run
    from descend.task import Task


def on(
    run: Run, task: Task, rows: Rows, epochs: int, how: dict[str, Any]
) -> tuple[Run, EpochHistory | None]:
    """Return the run, so many epochs further, and those epochs where the run has no record of them.

    On the same rows under the same task it is resumed, bit for bit as if it had never stopped;
    otherwise the parameters, the optimizer's memory and the count of updates are carried over.
    """
    again = _again(run, task, rows, how)
    if again is None:
        seen: list[dict[str, float]] = []
        watch = Callback(epoch=lambda now: seen.append(now.figures))
        how = how | {"callbacks": (*how["callbacks"], watch)}
        further = carry(
            run, rows.X, rows.y, task=task, sample_weight=rows.weights, epochs=epochs, **how
        )
        return further, _history(seen)
    if again.outcome.reason not in {"epochs", "callback", "interrupted"}:
        return again, None  # it has ended by its own rule, and nothing has changed
    done = -(-again.state.step // again.setup.batches_per_epoch)
    watching = {name: how[name] for name in ("callbacks", "progress")}
    return resume(again, epochs=done + epochs, **watching), None


def _history(seen: list[dict[str, float]]) -> EpochHistory:
    """Return epochs as a history, of what a run calls its figures."""
    losses = [one.get("epoch_loss", one["loss"]) for one in seen]
    held = [name for name in (seen[0] if seen else ()) if name.startswith("validation_")]
    return EpochHistory.of_epochs(losses, **{name: [one[name] for one in seen] for name in held})


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
