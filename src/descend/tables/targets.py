"""Targets: what is to be predicted, and how its entries become numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError, RunFileError

if TYPE_CHECKING:
    from descend.arrays import Array
    from descend.tables.reading import Table

# More labels than this, with fewer rows to each than below, and the column is no class.
MANY_LABELS = 20
FEW_ROWS = 3
# Up to this share of words in a column of numbers are slips of the pen.
SLIPS = 0.1


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
        """Return the plan that `describe` described."""
        if record["kind"] not in {"number", "labels"}:
            msg = f"A target is of kind number or labels, not {record['kind']!r}."
            raise RunFileError(msg)
        classes = tuple(map(str, record["classes"]))
        return cls(
            str(record["name"]),
            record["kind"],
            classes,
            bool(record["counts"]),
            float(record["mean"]),
            float(record["scale"]),
        )

    def encode(self, table: Table) -> Array:
        """Return the target of every row: floats, or integer codes; missing is NaN or -1."""
        name = table.find(self.name, "target")
        if self.kind == "number":
            return _as_numbers(table, name)
        texts = table.texts(name)
        known = {label: code for code, label in enumerate(self.classes)}
        strange = sorted({t for t in texts if t is not None and t not in known})
        if strange:
            msg = (
                f"The target column {name!r} must hold the labels of training, "
                f"{_listed(self.classes)}; found {_listed(strange)}."
            )
            raise InputError(msg)
        return np.array([-1 if t is None else known[t] for t in texts], dtype=np.int64)


def _as_numbers(table: Table, name: str) -> Array:
    kind = table.kind(name)
    if kind in {"number", "boolean"}:
        return table.numbers(name)
    if kind == "text":
        _, strange, first = table.count_text_that_is_no_number(name)
        if not strange:
            return np.array([np.nan if t is None else float(t) for t in table.texts(name)])
        msg = f"The target column {name!r} must hold numbers; it holds {first!r}."
        raise InputError(msg)
    msg = f"The target column {name!r} must hold numbers or labels; it holds {kind} values."
    raise InputError(msg)


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
    name = table.find(name, "target")
    kind = table.kind(name)
    if kind in {"date", "other"}:
        msg = f"The target column {name!r} must hold numbers or labels; it holds {kind} values."
        raise InputError(msg)
    texts = table.texts(name) if kind != "number" or wanted == "labels" else None
    there = table.numbers(name) if kind == "number" else np.zeros(0)
    there = there[~np.isnan(there)]
    if (texts is not None and not any(t is not None for t in texts)) or (
        texts is None and not there.size
    ):
        msg = f"The target column {name!r} has no entry in any row; choose another target."
        raise InputError(msg)
    if kind == "text" and wanted == "auto":
        _refuse_nearly_numbers(table, name)
    notes: list[str] = []
    distinct = np.unique(there)
    two = kind == "number" and len(distinct) == 2  # noqa: PLR2004
    if wanted == "number" or (wanted == "auto" and kind == "number" and not two):
        return _number(table, name, notes, wanted)
    if two and wanted == "auto":
        low, high = _shown(distinct[0]), _shown(distinct[1])
        notes.append(
            f"The target {name!r} has two values, {low} and {high}, and is taken as labels; "
            "--loss squared_error takes it as a number."
        )
    return _labels(table, name, kind, notes)


def _refuse_nearly_numbers(table: Table, name: str) -> None:
    """Refuse a few words among numbers: they are slips, and nothing is guessed silently."""
    there, strange, first = table.count_text_that_is_no_number(name)
    if strange and strange <= SLIPS * there:
        row = table.texts(name).index(first) + 1
        msg = (
            f"The target column {name!r} holds numbers except for {strange} of {there} entries, "
            f"the first {first!r} in row {row}; mend them, or take all of them as labels with "
            "--loss softmax."
        )
        raise InputError(msg)


def _number(
    table: Table, name: str, notes: list[str], wanted: str
) -> tuple[TargetPlan, Array, list[str]]:
    values = _as_numbers(table, name)
    there = values[~np.isnan(values)]
    if there.size and there.min() == there.max():
        msg = (
            f"The target column {name!r} is {_shown(there[0])} in every row; there is nothing to "
            "learn. Choose another target."
        )
        raise InputError(msg)
    counts = bool((there >= 0).all() and (there == np.floor(there)).all())
    if counts and wanted == "auto":
        notes.append(f"The target {name!r} holds whole counts; --loss poisson is made for them.")
    return TargetPlan(name, "number", (), counts), values, notes


def _labels(
    table: Table, name: str, kind: str, notes: list[str]
) -> tuple[TargetPlan, Array, list[str]]:
    texts = table.texts(name)
    there = [t for t in texts if t is not None]
    found = set(there)
    ordered = sorted(found, key=float) if kind == "number" else sorted(found)
    if len(ordered) == 1:
        msg = (
            f"The target column {name!r} holds the single label {ordered[0]!r}; at least two are "
            "needed."
        )
        raise InputError(msg)
    if len(ordered) > MANY_LABELS and len(there) < FEW_ROWS * len(ordered):
        msg = (
            f"The target column {name!r} has {len(ordered)} different labels in {len(there)} rows, "
            "such as "
            f"{_listed(ordered[:3])}; that is an identifier or free text, not a class. Choose "
            "another target, or --loss squared_error if these are numbers."
        )
        raise InputError(msg)
    plan = TargetPlan(name, "labels", tuple(ordered), counts=False)
    known = {label: code for code, label in enumerate(ordered)}
    codes = np.array([-1 if t is None else known[t] for t in texts], dtype=np.int64)
    return plan, codes, notes


def _shown(value: float) -> str:
    return f"{value:g}"


def _listed(labels: Any) -> str:
    labels = list(labels)
    return ", ".join(map(repr, labels[:6])) + (", …" if len(labels) > 6 else "")  # noqa: PLR2004
