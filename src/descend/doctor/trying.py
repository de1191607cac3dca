"""`try it`: the run again with the fix, beside the old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import is_sparse
from descend.errors import InputError
from descend.losses import LOSSES
from descend.models import MLP, Linear, layered
from descend.optimizers import RULES, Optimizer
from descend.penalties import PENALTIES
from descend.scaling import standardize_of
from descend.training import train

if TYPE_CHECKING:
    from descend.doctor.findings import Finding
    from descend.run import Data, Run
    from descend.task import Task

# What a fix may change: of the optimizer, of the model, of the task, of the rows; else of `train`.
_OPTIMIZER = ("learning_rate", "schedule", "clip_norm", "clip_value")
_MODEL = ("hidden", "activation", "init", "bias")
_TASK = ("loss", "penalty", "reduction", "optimizer", "model")
_ROWS = ("drop_columns", "drop_rows", "drop_validation_rows", "resplit")


@final
@dataclass(frozen=True, eq=False)
class Trial:
    """A run, and the same run with a fix.

    Attributes
    ----------
    finding
        What was mended.
    before, after
        The two runs.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(9.0))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> trial = run.diagnose()[0].try_it()
    >>> trial.before.outcome.reason, trial.after.outcome.loss < 1e-6
    ('diverged', True)
    """

    finding: Finding
    before: Run
    after: Run

    def __str__(self) -> str:
        """Return both side by side."""
        rows = [("", "before", "with the fix"), *_compared(self.before, self.after)]
        wide = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"Tried: {self.finding.fix.sentence}"]
        lines += [f"  {a:{wide[0]}}  {b:>{wide[1]}}  {c:>{wide[2]}}" for a, b, c in rows]
        return "\n".join([*lines, f"  {self.after.outcome.sentence}"])

    def as_dict(self) -> dict[str, Any]:
        """Return both runs' figures as plain data."""
        return {
            "code": self.finding.code,
            "fix": self.finding.fix.sentence,
            "figures": {name: [a, b] for name, a, b in _compared(self.before, self.after)},
            "outcome": self.after.outcome.sentence,
        }


def try_it(run: Run, finding: Finding, epochs: int | None = None) -> Trial:
    """Train the run again with a finding's fix; return both."""
    changes = dict(finding.fix.changes)
    if not changes:
        msg = (
            f"There is nothing to try for {finding.code}: its fix is not one a machine can make "
            f"({finding.fix.sentence})."
        )
        raise InputError(msg)
    if run.data is None:
        msg = "Trying a fix needs the run's rows; give them back with run.attach(X, y) (or --data)."
        raise InputError(msg)
    if epochs is not None:
        changes["epochs"] = epochs
    return Trial(finding, run, retrained(run, run.data, changes))


def retrained(run: Run, data: Data, changes: dict[str, Any]) -> Run:
    """Return the run trained anew with changes."""
    asked = run.setup
    rows = {name: changes.pop(name) for name in _ROWS if name in changes}
    balanced = changes.pop("class_weight", None) == "balanced"
    task = changed(run.task, changes)
    X, y, weights, validation = _rows(run, data, rows)
    if balanced:
        weights = _balanced(y, weights)
    keyword: dict[str, Any] = {
        "epochs": asked.epochs,
        "batch_size": asked.batch_size,
        "shuffle": asked.shuffle,
        "validation": validation,
        "sample_weight": weights,
        "seed": asked.seed,
        "engine": run.engine_used.split("/")[0],
        "dtype": asked.dtype,
        "gradient_tolerance": asked.gradient_tolerance,
        "loss_tolerance": asked.loss_tolerance,
        "patience": asked.patience if validation is not None else None,
        "standardize": standardize_of(run.scaling),
        "progress": False,
    }
    unknown = [name for name in changes if name not in {*keyword, "on_divergence", "metrics"}]
    if unknown:
        raise AssertionError(unknown)
    return train(task, X, y, **{**keyword, **changes})


def changed(task: Task, changes: dict[str, Any]) -> Task:
    """Return the task with what concerns it taken out of the changes and made."""
    parts = {name: changes.pop(name) for name in _TASK if name in changes}
    for name, family in (("loss", LOSSES), ("penalty", PENALTIES), ("optimizer", RULES)):
        if isinstance(parts.get(name), str):
            parts[name] = family.make(parts[name])
    task = replace(task, **parts)
    of_model = {name: changes.pop(name) for name in _MODEL if name in changes}
    if of_model:
        model = layered(task.model)
        if isinstance(model, Linear) and {"hidden", "activation"} & set(of_model):
            model = MLP(of_model.pop("hidden", ()), bias=model.bias)
        task = replace(task, model=replace(model, **of_model))
    of_optimizer = {name: changes.pop(name) for name in _OPTIMIZER if name in changes}
    optimizer: Optimizer = replace(task.optimizer, **of_optimizer)
    return replace(task, optimizer=optimizer)


def _rows(run: Run, data: Data, changes: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Return X, y, weights and validation with columns or rows left out."""
    X, y, weights, held = data.X, data.y, data.weights, data.validation
    columns = [list(run.names).index(name) for name in changes.get("drop_columns", ())]
    kept = np.setdiff1d(np.arange(X.shape[1]), columns)
    rows = np.setdiff1d(np.arange(X.shape[0]), np.asarray(changes.get("drop_rows", ()), dtype=int))
    if columns:
        X = X[:, kept]
    if len(rows) < X.shape[0]:
        X, y, weights = X[rows], y[rows], None if weights is None else weights[rows]
    if held is not None:
        Xv, yv, wv = held
        out = np.asarray(changes.get("drop_validation_rows", ()), dtype=int)
        left = np.setdiff1d(np.arange(Xv.shape[0]), out)
        Xv = Xv[left][:, kept] if columns else Xv[left]
        held = (Xv, yv[left], None if wv is None else wv[left])
    if "resplit" in changes:
        return _mixed(X, y, weights, held, changes["resplit"])
    return X, y, weights, held


def _mixed(X: Any, y: Any, weights: Any, held: Any, fraction: float) -> tuple[Any, Any, Any, Any]:
    """Return all rows together, and which fraction of them to hold out at random."""
    if held is None or held[0].shape[0] == 0:
        return X, y, weights, fraction
    Xv, yv, wv = held
    if is_sparse(X):
        from scipy.sparse import vstack  # noqa: PLC0415 - slow to import

        X = vstack([X, Xv]).tocsr()
    else:
        X = np.concatenate([X, Xv])
    if weights is not None or wv is not None:
        both = (np.ones(len(part)) if w is None else w for part, w in ((y, weights), (yv, wv)))
        weights = np.concatenate(list(both))
    return X, np.concatenate([y, yv]), weights, fraction


def _balanced(y: Any, weights: Any) -> Any:
    """Return weights under which all classes count alike."""
    labels = y.reshape(-1).astype(np.int64)
    given = np.ones(len(labels)) if weights is None else weights
    counts = np.bincount(labels, weights=given)
    return given * (given.sum() / ((counts > 0).sum() * counts[labels]))


def _compared(before: Run, after: Run) -> list[tuple[str, str, str]]:
    """Return what both runs have to show, by name."""
    found = [
        ("loss", f"{before.outcome.loss:.6g}", f"{after.outcome.loss:.6g}"),
        ("updates", str(before.outcome.step), str(after.outcome.step)),
        ("ended", before.outcome.reason, after.outcome.reason),
    ]
    for name in after.history.epochs.names:
        if name in before.history and name != "epoch_loss":
            a, b = before.history[name], after.history[name]
            if len(a) and len(b):
                found.append((name, f"{a[-1]:.6g}", f"{b[-1]:.6g}"))
    return found
