"""Encoding: the plans of all columns together, as one value that can be saved and applied again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import DescendError, InputError, RunFileError, did_you_mean
from descend.tables import columns
from descend.tables.reading import read
from descend.tables.table import Table
from descend.tables.targets import TargetPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Array, Floats


# What a record of an encoder holds, and what it says of how files are read.
ENCODER = ("columns", "target", "id_column", "weight", "options")
OPTIONS = ("encoding", "delimiter", "decimal")


@final
@dataclass(frozen=True, eq=False)
class Encoded:
    """A table as numbers.

    Attributes
    ----------
    X
        (rows, features).
    y
        (rows,): numbers with NaN, or integer codes with -1, where the target is missing; None if
        it was not asked for.
    ids
        What the id column holds, as text, or None.
    weights
        (rows,) or None.
    report
        What had to be done that training had not seen, a sentence each.
    """

    X: Floats
    y: Array | None
    ids: list[str | None] | None
    weights: Floats | None
    report: list[str]


@final
@dataclass(frozen=True)
class Encoder:
    """How the columns of a table become features, learnt on its training rows.

    Attributes
    ----------
    columns
        A plan per column that is used.
    target
        The plan of the target.
    id_column, weight
        Their names, or None.
    options
        How files are read: encoding, delimiter, decimal.
    """

    columns: tuple[Any, ...]
    target: TargetPlan
    id_column: str | None = None
    weight: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def feature_names(self) -> list[str]:
        """The features' names, in order."""
        return [name for plan in self.columns for name in plan.features]

    def transform(self, source: Any, *, need_target: bool = False) -> Encoded:
        """Return a table as numbers, in the order and units of training.

        Parameters
        ----------
        source
            A `Table`, a path or a DataFrame with the columns of training; others are ignored.
        need_target
            Whether the target is wanted: its column must then be there, and hold what it held in
            training; else it is not looked at, and `y` is None.

        Raises
        ------
        InputError
            If a column is missing or holds something else than in training.
        """
        table = read(source, **dict(self.options)) if not isinstance(source, Table) else source
        self._check_columns(table)
        if table.rows == 0:
            msg = "The table has no rows; there is nothing to predict."
            raise InputError(msg)
        notes: list[str] = []
        X = np.empty((table.rows, len(self.feature_names)))
        self.fill([X], [slice(None)], table, notes)
        used = {plan.name.lower() for plan in self.columns}
        used |= {str(n).lower() for n in (self.target.name, self.id_column, self.weight)}
        extra = [n for n in table.names if n.lower() not in used]
        if extra:
            shown = ", ".join(map(repr, extra[:8])) + (", …" if len(extra) > 8 else "")  # noqa: PLR2004
            notes.append(f"Columns that training did not use are ignored: {shown}.")
        y = self.target.encode(table) if need_target else None
        return Encoded(X, y, self.ids(table), self.weights(table), notes)

    def fill(
        self, parts: Sequence[Floats], rows: Sequence[Any], table: Table, notes: list[str]
    ) -> None:
        """Write the features of some rows of a table into each of `parts`, column by column.

        The whole matrix and its parts would otherwise be in memory at once.
        """
        column = 0
        for plan in self.columns:
            for values in plan.transform(table, notes):
                for part, own in zip(parts, rows, strict=True):
                    part[:, column] = values[own]
                column += 1

    def ids(self, table: Table) -> list[str | None] | None:
        """Return what the id column holds, or None without one."""
        if self.id_column is None or self.id_column not in table.names:
            return None
        return table.texts(self.id_column)

    def weights(self, table: Table) -> Floats | None:
        """Return what the weight column holds, or None without one."""
        if self.weight is None or self.weight not in table.names:
            return None
        return row_weights(table, self.weight)

    def _check_columns(self, table: Table) -> None:
        folded = {n.lower() for n in table.names}
        missing = [plan.name for plan in self.columns if plan.name.lower() not in folded]
        if not missing:
            return
        shown = ", ".join(map(repr, missing[:8])) + (", …" if len(missing) > 8 else "")  # noqa: PLR2004
        plural = "s" if len(missing) > 1 else ""
        msg = (
            f"The table lacks the column{plural} {shown} that training used"
            f"{did_you_mean(missing[0], table.names)}; add or rename."
        )
        raise InputError(msg)

    def original_units(
        self, weight: Floats, bias: Floats
    ) -> tuple[list[tuple[str, Floats]], Floats]:
        """Return the coefficients (k,) of each feature and the intercept (k,) in original units.

        Of ``w (x - mean)/scale + b`` the coefficient of x is w/scale and the intercept
        b - sum w mean/scale.
        """
        units = np.array([u for plan in self.columns for u in plan.units]).reshape(-1, 2)
        scaled = weight / units[:, 1:]
        intercept = bias - units[:, 0] @ scaled
        return list(zip(self.feature_names, scaled, strict=True)), intercept

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        return {
            "columns": [columns.describe(plan) for plan in self.columns],
            "target": self.target.describe(),
            "id_column": self.id_column,
            "weight": self.weight,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Encoder:
        """Return the encoder that `to_json` described.

        Raises
        ------
        RunFileError
            If the record is not one.
        """
        try:
            _check_keys(record, ENCODER, ENCODER)
            _check_keys(record["options"], OPTIONS, ())
            return cls(
                tuple(columns.restore(plan) for plan in record["columns"]),
                TargetPlan.restore(record["target"]),
                _text_or_none(record["id_column"]),
                _text_or_none(record["weight"]),
                tuple((name, _text_or_none(v)) for name, v in record["options"].items()),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = error if isinstance(error, DescendError) else f"{type(error).__name__}: {error}"
            msg = f"The run's encoder is not one this library wrote ({what})."
            raise RunFileError(msg) from error


def _check_keys(record: Mapping[str, Any], known: tuple[str, ...], needed: tuple[str, ...]) -> None:
    if not set(needed) <= set(record) <= set(known):
        msg = f"it must hold {sorted(known)}; it holds {sorted(record)}"
        raise ValueError(msg)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else columns.text(value)


def row_weights(table: Table, name: str) -> Floats:
    """Return a column of weights, checked to be 0 or more and there in every row."""
    name = table.find(name, "weight")
    if table.kind(name) != "number":
        msg = f"The weight column {name!r} must hold numbers; it holds {table.kind(name)} values."
        raise InputError(msg)
    values = table.numbers(name)
    wrong = np.flatnonzero(~(values >= 0))
    if wrong.size:
        found = "nothing" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
        msg = (
            f"The weight column {name!r} must hold numbers of 0 and above; "
            f"{table.place(int(wrong[0]) + 1)} holds {found}. Mend it, or drop the row."
        )
        raise InputError(msg)
    return values
