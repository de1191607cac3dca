"""Opening: a table or a recorded run that a lab is given, read once and kept while it is open."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from descend import fitting
from descend.errors import InputError
from descend.lab.adapting import USUAL_LOSS
from descend.lab.address import Address, from_query, to_query
from descend.lab.settings import Settings, usual_values
from descend.lab.sources import RUN, TABLE, TARGETS
from descend.losses import LOSSES
from descend.models import MLP, Linear
from descend.optimizers import RULES
from descend.run import Run
from descend.run.files import load
from descend.tables import read
from descend.tables.targets import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from descend.tables import Table

# Of a table's digest, as many letters name it in an address.
DIGEST = 16
# From this many rows on, updates see batches unless asked for otherwise.
MANY_ROWS, BATCH = 50_000, 1024
# Columns that are likely targets, by name.
_LIKELY = ("target", "label", "class", "y", "outcome", "price")
# How many columns are tried as the target, from the last, before the choice is left to people.
_TRIED = 5


@final
class Opened:
    """A table or a run that is open.

    Parameters
    ----------
    name
        What it is called.
    table
        The table, or None for a run on arrays.
    run
        The run, or None.
    target
        The column to predict, or None to suggest one.
    how
        How the table is prepared, where it is not as usual: see `descend.tables.prepare`.
    asked
        What a run of the lab says of itself, or None.
    on_close
        What removes what was put down for it.

    Attributes
    ----------
    data
        Under which name settings find it.
    digest
        By which addresses know a table.
    lock
        Held while it is read: several sessions may share it.
    kept
        The rows made last, by what they were made for.
    """

    def __init__(  # noqa: PLR0913 - what there is to say of what was opened
        self,
        name: str,
        *,
        table: Table | None = None,
        run: Run | None = None,
        target: str | None = None,
        how: dict[str, Any] | None = None,
        asked: Address | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.name, self.table, self.run, self.asked = name, table, run, asked
        self.how, self.on_close = dict(how or {}), on_close
        self.lock = threading.RLock()
        self.kept: dict[Any, Any] = {}
        self._kinds: dict[str, str] = {}
        self.digest = "" if table is None else _digest(table)
        self.data = TABLE if table is not None else RUN if asked is None else asked.settings.data
        if table is None:
            self.target = ""
        else:
            self.target = self._suggested() if target is None else table.find(target, "target")
        if self.target:
            self.kind(self.target)

    def kind(self, target: str) -> str | None:
        """Return what a column's entries are as targets; None without a column.

        Raises
        ------
        InputError
            If it cannot be a target; the sentence says why.
        """
        if self.table is None:
            return None if self.run is None else str(self.run.task.loss.targets)
        if not target:
            return None
        with self.lock:
            if target not in self._kinds:
                plan, _, _ = decide(self.table, target)
                numbers = "counts" if plan.counts else "numbers"
                labels = "two labels" if len(plan.classes) == 2 else "labels"  # noqa: PLR2004
                self._kinds[target] = labels if plan.kind == "labels" else numbers
            return self._kinds[target]

    @property
    def usual(self) -> dict[str, Any]:
        """The settings that are its own: values by name."""
        if self.asked is not None:
            return self.asked.settings.values()
        if self.run is not None:
            return of_run(self.run, self).values()
        found = self.kind(self.target)
        loss = {} if found is None else {"loss": LOSSES.make(USUAL_LOSS[found])}
        return {"data": TABLE, "table": self.digest, "target": self.target, **loss, **self._pace()}

    def _pace(self) -> dict[str, Any]:
        """Return how very many rows are gone through."""
        if self.table is None or self.table.rows < MANY_ROWS:
            return {}
        return {"batch_size": BATCH, "optimizer": RULES.make("adam").rule, "learning_rate": 0.01}

    def settings(self, change: Mapping[str, Any] | None = None) -> Settings:
        """Return the settings it is opened with, or changed from those."""
        begun = Settings(**{**usual_values({"data": self.data}), **self.usual})
        return begun.with_changes(change or {}, self)[0]

    def address(self) -> str:
        """Return the address of what it is opened with; a run of the lab says it itself."""
        if self.asked is None:
            return to_query(self.settings())
        a = self.asked
        return to_query(a.settings, a.changes, a.step, a.lock, a.goal)

    def columns(self) -> list[dict[str, Any]]:
        """Return the table's columns: each with its name and its kind of entries."""
        if self.table is None:
            names = [] if self.run is None else list(self.run.names)
            return [{"name": str(name), "kind": "number"} for name in names]
        return [{"name": name, "kind": self.table.kind(name)} for name in self.table.names]

    def close(self) -> None:
        """Let go of what was put down for it."""
        self.kept.clear()
        if self.on_close is not None:
            self.on_close()
            self.on_close = None

    def _suggested(self) -> str:
        """Return the column that is likely to be the target, or "" to ask for it."""
        if self.table is None:
            return ""
        likely = [name for name in self.table.names if name.lower() in _LIKELY]
        for name in [*likely, *reversed(self.table.names[-_TRIED:])]:
            try:
                self.kind(name)
            except InputError:
                continue
            return name
        return ""


def _digest(table: Table) -> str:
    """Return the beginning of the digest of a table's files, or of its shape for those without."""
    digests = [str(file["sha256"]) for file in table.source["files"]]
    return digests[0][:DIGEST] if len(digests) == 1 else ""


# ---------------------------------------------------------------- tables


def open_table(source: Any, name: str | None = None, target: str | None = None) -> Opened:
    """Return a table that is open: a path, a glob, or a table of pandas, polars or Arrow.

    Parameters
    ----------
    source
        As for `descend.tables.read`.
    name
        What it is called; default the file's name.
    target
        The column to predict; default one that is likely to be.

    Raises
    ------
    InputError
        If it cannot be read, or the target cannot be one.
    """
    table = read(source)
    path = isinstance(source, str | os.PathLike)
    called = name or (Path(source).name if path else "table")
    if target is None:
        target = TARGETS.get(Path(called).stem)
        target = target if target in table.names else None
    return Opened(called, table=table, target=target)


# ---------------------------------------------------------------- runs


def open_run(source: Any, data: Any = None) -> Opened:
    """Return a recorded run that is open, with its rows.

    Parameters
    ----------
    source
        A run, or the path of its file.
    data
        Its table, if it is no longer where the run says.

    Raises
    ------
    InputError
        If the run cannot be read, or its rows are not at hand.
    """
    run = source if isinstance(source, Run) else load(source)
    name = "run" if isinstance(source, Run) else Path(source).name
    asked = _asked(run)
    if asked is not None and asked.settings.data != TABLE:
        return Opened(name, run=run, asked=asked)
    if run.encoder is None and run.data is not None:
        return Opened(name, run=run)
    reopened, _ = fitting.reopen(run, data)
    made_from = run.source or {}
    table = read(_table_of(made_from) if data is None else data, **_reading(made_from))
    return Opened(
        name,
        table=table,
        run=reopened,
        target=made_from["target"],
        how=made_from["how"],
        asked=asked,
    )


def _table_of(source: dict[str, Any]) -> str:
    files = source["files"]
    return str(files[0]["path"] if len(files) == 1 else source["named"])


def _reading(source: dict[str, Any]) -> dict[str, Any]:
    return {n: source["how"][n] for n in ("encoding", "delimiter", "decimal") if n in source["how"]}


def _asked(run: Run) -> Address | None:
    """Return what a run of the lab says of itself."""
    notes = [event for event in run.events if event["kind"] == "lab" and "address" in event]
    return from_query(notes[-1]["address"]) if notes else None


def of_run(run: Run, opened: Opened) -> Settings:
    """Return the settings that train a recorded run again.

    Raises
    ------
    InputError
        If it has what settings cannot say: a model or a loss of one's own.
    """
    task, model = run.task, run.task.model
    if not isinstance(model, Linear | MLP) or task.loss not in LOSSES:
        msg = (
            f"The lab needs models and losses of this library; this run is of {task}. Take "
            "`descend report`, which shows it as it is."
        )
        raise InputError(msg)
    drawn = isinstance(model.init, str)
    beside = ("learning_rate", "schedule", "clip_value", "clip_norm")
    return Settings.of(
        {
            "data": opened.data,
            "table": opened.digest,
            "target": opened.target,
            **_split(opened.how, opened),
            "hidden": list(model.hidden),
            "activation": model.activation if model.hidden else "tanh",
            "bias": model.bias,
            "init": model.init if drawn else "auto",
            "start": None if drawn else [float(v) for v in run.at(0).theta],
            "loss": task.loss,
            "reduction": task.reduction,
            "penalty": task.penalty,
            "optimizer": task.optimizer.rule,
            **{name: getattr(task.optimizer, name) for name in beside},
            "batch_size": run.setup.batch_size,
            "seed": run.setup.seed,
            "standardize": run.scaling is not None,
        }
    )


def _split(how: dict[str, Any], opened: Opened) -> dict[str, Any]:
    """Return the settings of a table's split and columns, as a fit recorded them."""
    if opened.table is None:
        return {}
    out = {opened.table.find(name, "excluded") for name in how.get("exclude", ())}
    kept = [n for n in opened.table.names if n not in out and n != opened.target]
    return {
        "features": kept if out else [],
        "data_seed": how.get("seed", 0),
        "validation": how.get("validation_fraction", 0.15),
    }
