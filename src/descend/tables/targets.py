"""Targets: what is to be predicted, and how its entries become numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.parts import choice
from descend.tables.columns import finite, flag, positive, text, texts
from descend.tables.learning import refuse_nearly_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.arrays import Array
    from descend.tables.table import Table

# More labels than this, with fewer rows to each than below, and the column is no class.
MANY_LABELS = 20
FEW_ROWS = 3
KINDS = ("auto", "number", "labels")
_SHOWN = 6


@final
@dataclass(frozen=True)
class TargetPlan:
    """How a column became the target.

    Attributes
    ----------
    name
        The column.
    kind
        ``"number"`` or ``"labels"``.
    classes
        The labels as text, sorted; empty for numbers.
    counts
        Whether all entries are whole numbers of 0 and above.
    mean, scale
        Numbers are trained on as (y - mean)/scale, and predicted in their own units again.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    counts: bool
    mean: float = 0.0
    scale: float = 1.0

    def describe(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "classes": list(self.classes),
            "counts": self.counts,
            "mean": self.mean,
            "scale": self.scale,
        }

    @classmethod
    def restore(cls, record: Any) -> TargetPlan:
        """Return the plan that `describe` described.

        Raises
        ------
        ValueError
            If a field is missing, unknown, or of another kind.
        """
        wanted = {field.name for field in fields(cls)}
        if set(record) != wanted:
            msg = f"a target has {sorted(wanted)}, not {sorted(record)}"
            raise ValueError(msg)
        kind, classes = record["kind"], texts(record["classes"])
        if kind not in {"number", "labels"} or (len(classes) > 1) != (kind == "labels"):
            msg = f"a target of kind {kind!r} cannot have the classes {list(classes)}"
            raise ValueError(msg)
        return cls(
            text(record["name"]),
            kind,
            classes,
            flag(record["counts"]),
            finite(record["mean"]),
            positive(record["scale"]),
        )

    def encode(self, table: Table) -> Array:
        """Return the target of every row: floats, or integer codes; missing is NaN or -1."""
        name = table.find(self.name, "target")
        if self.kind == "number":
            return _as_numbers(table, name)
        found, codes = table.levels(name)
        known = {label: code for code, label in enumerate(self.classes)}
        strange = [label for label in found if label not in known]
        if strange:
            row = int(np.argmax(codes == found.index(strange[0]))) + 1
            msg = (
                f"The target column {name!r} must hold the labels of training, "
                f"{_listed(self.classes)}; {table.place(row)} holds {strange[0]!r}. Drop or mend "
                "such rows."
            )
            raise InputError(msg)
        return np.array([*(known[label] for label in found), -1], dtype=np.int64)[codes]


def _as_numbers(table: Table, name: str) -> Array:
    kind = table.kind(name)
    if kind in {"number", "boolean"}:
        return table.numbers(name)
    if kind != "text":
        msg = (
            f"The target column {name!r} must hold numbers or labels; it holds values of type "
            f"{table.declared(name)}. Choose another target."
        )
        raise InputError(msg)
    found = table.slips(name)
    if found.strange:
        msg = (
            f"The target column {name!r} must hold numbers; {table.place(found.row)} holds "
            f"{found.first[:60]!r}. Mend the value, or take the column as labels."
        )
        raise InputError(msg)
    return np.array([np.nan if t is None else float(t) for t in table.texts(name)])


def decide(table: Table, name: str, wanted: str = "auto") -> tuple[TargetPlan, Array, list[str]]:
    """Return the plan for a target column, its encoded entries, and what should be said of it.

    Parameters
    ----------
    table, name
        Which column of which table.
    wanted
        ``"auto"``, ``"number"`` or ``"labels"``.

    Raises
    ------
    InputError
        If the column cannot be a target: missing throughout, constant, or of another kind.
    """
    choice("prepare", "target_kind", wanted, KINDS)
    name = table.find(name, "target")
    kind = table.kind(name)
    if kind in {"date", "time", "other"}:
        msg = (
            f"The target column {name!r} must hold numbers or labels; it holds values of type "
            f"{table.declared(name)}. Choose another target."
        )
        raise InputError(msg)
    if kind == "text" and wanted == "auto":
        way_out = "take all of them as labels with --loss softmax"
        refuse_nearly_numbers(table, name, "target column", way_out)
    if kind == "number" and wanted != "labels":
        table.numbers(name)  # refuses infinities
        if (distinct := _few(table, name)) is None:
            return _number(table, name, wanted)
    else:
        distinct = table.levels(name)[0]
    if not distinct:
        msg = f"The target column {name!r} has no entry in any row; choose another target."
        raise InputError(msg)
    two = kind == "number" and len(distinct) == 2  # noqa: PLR2004
    if wanted == "number" or (wanted == "auto" and kind == "number" and not two):
        return _number(table, name, wanted)
    plan, codes = _labels(table, name, kind)
    notes = []
    if two and wanted == "auto":
        notes.append(
            f"The target {name!r} has two values, {' and '.join(plan.classes)}, and is taken as "
            "labels; --loss squared_error takes it as a number."
        )
    return plan, codes, notes


def _few(table: Table, name: str) -> list[str] | None:
    """Return the different texts of a column of numbers, or None if there are clearly many."""
    values = table.numbers(name)
    there = values[~np.isnan(values)][:1000]
    return None if len(np.unique(there)) > 2 else table.levels(name)[0]  # noqa: PLR2004


def _number(table: Table, name: str, wanted: str) -> tuple[TargetPlan, Array, list[str]]:
    values = _as_numbers(table, name)
    there = values[~np.isnan(values)]
    if there.min() == there.max():
        msg = (
            f"The target column {name!r} is {there[0]:g} in every row; there is nothing to learn. "
            "Choose another target."
        )
        raise InputError(msg)
    counts = bool((there >= 0).all() and (there == np.floor(there)).all())
    notes = []
    if counts and wanted == "auto":
        notes.append(f"The target {name!r} holds whole counts; --loss poisson is made for them.")
    return TargetPlan(name, "number", (), counts), values, notes


def _labels(table: Table, name: str, kind: str) -> tuple[TargetPlan, Array]:
    found, codes = table.levels(name)
    # Decimal, since two large whole numbers may be one and the same float.
    ordered = sorted(found, key=Decimal) if kind == "number" else sorted(found)
    there = int((codes >= 0).sum())
    if len(ordered) == 1:
        msg = (
            f"The target column {name!r} holds the single label {ordered[0]!r}; at least two are "
            "needed. Choose another target."
        )
        raise InputError(msg)
    every = len(ordered) == there and there > 2  # noqa: PLR2004 - two rows may well differ
    if every or (len(ordered) > MANY_LABELS and there < FEW_ROWS * len(ordered)):
        msg = (
            f"The target column {name!r} has {len(ordered)} different labels in {there} rows, such "
            f"as {_listed(ordered[:3])}; that is an identifier or free text, not a class. Choose "
            "another target, or --loss squared_error if these are numbers."
        )
        raise InputError(msg)
    plan = TargetPlan(name, "labels", tuple(ordered), counts=False)
    code_of = {label: code for code, label in enumerate(ordered)}
    return plan, np.array([*(code_of[label] for label in found), -1], dtype=np.int64)[codes]


def _listed(labels: Iterable[str]) -> str:
    shown = list(labels)
    return ", ".join(map(repr, shown[:_SHOWN])) + (", …" if len(shown) > _SHOWN else "")
