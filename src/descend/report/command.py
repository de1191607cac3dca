"""The command that repeats a run, read back from the run itself, and quoted for the shell.

>>> from descend.datasets import shipped_table
>>> from descend.fitting import fit
>>> run = fit(shipped_table("diabetes"), "progression", hidden=4, epochs=1, progress=False).run
>>> command_of(run).partition("diabetes.csv ")[2]
'--target progression --hidden 4 --epochs 1'
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from descend import fitting
from descend.models import MLP, Linear
from descend.optimizers import RULES

if TYPE_CHECKING:
    from descend.run import Run

# Options of the table, with what they are unless said otherwise.
_TABLE: dict[str, Any] = {
    "id_column": None,
    "weight": None,
    "split_by": None,
    "seed": 0,
    "encoding": "utf-8",
    "delimiter": None,
    "decimal": ".",
}


def command_of(run: Run) -> str | None:
    """Return the command line that fits the run again, or None where none can say it.

    A run on arrays, with an own model or loss, a schedule, or clipping, is repeated in Python.
    """
    task, source = run.task, run.source
    rule = task.optimizer
    own = not isinstance(task.model, Linear | MLP) or task.loss.name == "custom"
    bent = rule.schedule or rule.clip_value or rule.clip_norm or task.reduction != "mean"
    if source is None or run.encoder is None or own or bent:
        return None
    return shlex.join(
        ["descend", "fit", str(source["named"]), "--target", str(source["target"])]
        + [word for option in (*_of_model(run), *_of_training(run)) for word in option]
        + _of_table(source["how"])
    )


def _of_model(run: Run) -> list[tuple[str, str]]:
    task, found = run.task, []
    if isinstance(task.model, MLP):
        found.append(("--hidden", ",".join(map(str, task.model.hidden))))
        if task.model.activation.name != "tanh":
            found.append(("--activation", task.model.activation.name))
    usual = {"number": "squared_error", "labels": "logistic"}
    kind = str((run.encoder or {})["target"]["kind"])
    several = len(run.classes or ()) > 2  # noqa: PLR2004 - two labels are logistic's
    if task.loss.name != ("softmax" if several else usual[kind]):
        found.append(("--loss", words(task.loss)))
    if task.penalty is not None:
        found.append(("--penalty", words(task.penalty)))
    return found


def _of_training(run: Run) -> list[tuple[str, str]]:
    setup, rule = run.setup, run.task.optimizer
    net = isinstance(run.task.model, MLP)
    usual = fitting.NET if net else fitting.LINEAR
    found = []
    if words(rule.rule) != words(fitting.part(RULES, usual["optimizer"]).rule):
        found.append(("--optimizer", words(rule.rule)))
    if rule.learning_rate != "auto":
        found.append(("--learning-rate", repr(rule.learning_rate)))
    if setup.epochs != usual["epochs"]:
        found.append(("--epochs", str(setup.epochs)))
    size = 0 if rule.rule.searches else usual["batch_size"]
    if (setup.batch_size or 0) != size:
        found.append(("--batch-size", str(setup.batch_size or 0)))
    patience = fitting.PATIENCE["mlp" if net else "linear"]
    if setup.patience is not None and setup.patience != patience:
        found.append(("--patience", str(setup.patience)))
    if setup.gradient_tolerance not in {None, fitting.TOLERANCE}:
        found.append(("--tolerance", repr(setup.gradient_tolerance)))
    return found


def _of_table(how: dict[str, Any]) -> list[str]:
    found = [word for name in how["exclude"] for word in ("--exclude", str(name))]
    for name, usual in _TABLE.items():
        if how.get(name, usual) != usual:
            found += [f"--{name.replace('_', '-')}", str(how[name])]
    return [*found, "--in-order"] if how["in_order"] else found


def words(part: Any) -> str:
    """Return a part as the command line takes it: its name, its numbers after colons.

    >>> from descend.losses import huber
    >>> words(huber(1.5))
    'huber:1.5'
    """
    numbers = [repr(v) for v in part._asdict().values() if not isinstance(v, bool)]
    return ":".join([str(part.name), *numbers])
