"""Columns: the plan that turns each into features, on any table that has it.

`NumberPlan`, `BooleanPlan`, `CategoryPlan` and `DatePlan` are learnt on training rows by
`learning`, written into the run file, and applied again to every table that is predicted.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from descend.errors import InputError
from descend.tables.table import quoted

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.tables.table import Table

POOLED, MISSING = "(other)", "(missing)"
DATE_PARTS = {
    "year": "year",
    "month": "month",
    "day": "day",
    "weekday": "isodow",
    "hour": "hour",
    "minute": "minute",
}
TIME_PARTS = ("hour", "minute")
_SHOWN = 5


@final
@dataclass(frozen=True)
class NumberPlan:
    """(x - mean) / scale, the mean where x is missing, and an indicator if any was in training."""

    kind: ClassVar[str] = "number"
    name: str
    mean: float
    scale: float
    indicator: bool

    @property
    def features(self) -> list[str]:
        """The features' names."""
        return [self.name, *([f"{self.name} {MISSING}"] if self.indicator else [])]

    @property
    def units(self) -> list[tuple[float, float]]:
        """The shift and scale of each feature."""
        return [(self.mean, self.scale), *([(0.0, 1.0)] if self.indicator else [])]

    def transform(self, table: Table, notes: list[str]) -> list[Floats]:
        """Return the features of every row."""
        values = _numbers(table, self.name)
        gone = np.isnan(values)
        if gone.any() and not self.indicator:
            notes.append(_never_missing(self.name, gone, "its mean stands in"))
        scaled = np.where(gone, 0.0, (values - self.mean) / self.scale)
        return [scaled, *([gone.astype(float)] if self.indicator else [])]


@final
@dataclass(frozen=True)
class BooleanPlan:
    """0 or 1, the share of true where it is missing, and an indicator if any was in training."""

    kind: ClassVar[str] = "boolean"
    name: str
    fill: float
    indicator: bool

    @property
    def features(self) -> list[str]:
        """The features' names."""
        return [self.name, *([f"{self.name} {MISSING}"] if self.indicator else [])]

    @property
    def units(self) -> list[tuple[float, float]]:
        """The shift and scale of each feature."""
        return [(0.0, 1.0)] * len(self.features)

    def transform(self, table: Table, notes: list[str]) -> list[Floats]:
        """Return the features of every row."""
        values = _numbers(table, self.name, "true and false")
        gone = np.isnan(values)
        strange = np.flatnonzero(~gone & (values != 0) & (values != 1))
        if strange.size:
            msg = (
                f"The column {self.name!r} held true and false in training; "
                f"{table.place(int(strange[0]) + 1)} holds {values[strange[0]]:g}. Mend the value."
            )
            raise InputError(msg)
        if gone.any() and not self.indicator:
            notes.append(_never_missing(self.name, gone, "the share of true stands in"))
        filled = np.where(gone, self.fill, values)
        return [filled, *([gone.astype(float)] if self.indicator else [])]


@final
@dataclass(frozen=True)
class CategoryPlan:
    """A feature per level, 1 where the row has it; rare levels share one."""

    kind: ClassVar[str] = "category"
    name: str
    levels: tuple[str, ...]
    pooled: tuple[str, ...]
    missing: bool

    @property
    def features(self) -> list[str]:
        """The features' names."""
        shown = [*self.levels, *([POOLED] if self.pooled else []), *([MISSING] * self.missing)]
        return [f"{self.name}={level}" for level in shown]

    @property
    def units(self) -> list[tuple[float, float]]:
        """The shift and scale of each feature."""
        return [(0.0, 1.0)] * len(self.features)

    def transform(self, table: Table, notes: list[str]) -> list[Floats]:
        """Return the features of every row; levels never seen are counted."""
        name = table.find(self.name, "feature")
        if table.kind(name) == "other":
            msg = (
                f"The column {name!r} held a category in training and holds values of type "
                f"{table.declared(name)} here; give it as text."
            )
            raise InputError(msg)
        found, codes = table.levels(name)
        other = len(self.levels) if self.pooled else -1
        place = {level: i for i, level in enumerate(self.levels)}
        place |= dict.fromkeys(self.pooled, other)
        gone = len(self.levels) + bool(self.pooled) if self.missing else -1
        # The last entry is where the code -1 of missing entries leads.
        feature_of = np.array([place.get(level, other) for level in found] + [gone])
        self._report(found, codes, place, notes)
        features = feature_of[codes]
        return [(features == i).astype(float) for i in range(len(self.features))]

    def _report(
        self, found: list[str], codes: Array, place: dict[str, int], notes: list[str]
    ) -> None:
        counts = np.bincount(codes + 1, minlength=len(found) + 1)
        if counts[0] and not self.missing:
            notes.append(_never_missing(self.name, codes < 0, "taken as none of the known levels"))
        strange = {v: int(c) for v, c in zip(found, counts[1:], strict=True) if v not in place}
        if not strange:
            return
        most = sorted(strange.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = ", ".join(f"{level!r} ({count})" for level, count in most[:_SHOWN])
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        where = f"counted as {POOLED}" if self.pooled else "taken as none of the known levels"
        notes.append(
            f"{self.name!r} has {_rows(sum(strange.values()))} with levels not seen in training, "
            f"{where}: {shown}{more}."
        )


@final
@dataclass(frozen=True)
class DatePlan:
    """Year, month, day, weekday, hour, minute: those that vary, standardised."""

    kind: ClassVar[str] = "date"
    name: str
    parts: tuple[tuple[str, float, float], ...]
    indicator: bool

    @property
    def features(self) -> list[str]:
        """The features' names."""
        shown = [f"{self.name} {part}" for part, _, _ in self.parts]
        return [*shown, *([f"{self.name} {MISSING}"] if self.indicator else [])]

    @property
    def units(self) -> list[tuple[float, float]]:
        """The shift and scale of each feature."""
        return [(m, s) for _, m, s in self.parts] + [(0.0, 1.0)] * self.indicator

    def transform(self, table: Table, notes: list[str]) -> list[Floats]:
        """Return the features of every row."""
        found, gone = [], np.zeros(table.rows, dtype=bool)
        columns = date_parts(table, self.name, [part for part, _, _ in self.parts])
        for (_, mean, scale), values in zip(self.parts, columns, strict=True):
            gone = np.isnan(values)
            found.append(np.where(gone, 0.0, (values - mean) / scale))
        if gone.any() and not self.indicator:
            notes.append(_never_missing(self.name, gone, "the means of its parts stand in"))
        return [*found, *([gone.astype(float)] if self.indicator else [])]


PLANS: dict[str, Any] = {p.kind: p for p in (NumberPlan, BooleanPlan, CategoryPlan, DatePlan)}


# ---------------------------------------------------------------- as plain data


def describe(plan: Any) -> dict[str, Any]:
    """Return a plan as plain data."""
    return {"kind": plan.kind, **asdict(plan)}


def restore(record: dict[str, Any]) -> Any:
    """Return the plan that `describe` described.

    Raises
    ------
    ValueError
        If a field is missing, unknown, or of another kind.
    """
    plan = PLANS[record["kind"]]
    wanted = {field.name for field in fields(plan)}
    if set(record) != wanted | {"kind"}:
        msg = f"a plan of kind {record['kind']} has {sorted(wanted)}, not {sorted(record)}"
        raise ValueError(msg)
    return plan(**{name: _CHECKS[name](record[name]) for name in wanted})


def text(value: Any) -> str:
    """Return `value` if it is text."""
    if not isinstance(value, str):
        msg = f"{value!r} is not text"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for all wrong records
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return `value` as a tuple if it is a list of different texts."""
    found = tuple(text(v) for v in _list(value))
    if len(set(found)) != len(found):
        msg = f"{value!r} holds a text twice"
        raise ValueError(msg)
    return found


def finite(value: Any) -> float:
    """Return `value` as a float if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{value!r} is not a finite number"
        raise ValueError(msg)
    return float(value)


def positive(value: Any) -> float:
    """Return `value` as a float if it is above 0."""
    found = finite(value)
    if not found > 0:
        msg = f"the scale {value!r} is not above 0"
        raise ValueError(msg)
    return found


def flag(value: Any) -> bool:
    """Return `value` if it is true or false."""
    if not isinstance(value, bool):
        msg = f"{value!r} is neither true nor false"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for all wrong records
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        msg = f"{value!r} is not a list"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for all wrong records
    return list(value)


def _parts(value: Any) -> tuple[tuple[str, float, float], ...]:
    found = tuple((text(p), finite(m), positive(s)) for p, m, s in map(_list, _list(value)))
    names = [part for part, _, _ in found]
    if not names or len(set(names)) != len(names) or not set(names) <= set(DATE_PARTS):
        msg = f"{names} are not parts of a date"
        raise ValueError(msg)
    return found


_CHECKS = {
    "name": text,
    "mean": finite,
    "scale": positive,
    "fill": finite,
    "indicator": flag,
    "missing": flag,
    "levels": texts,
    "pooled": texts,
    "parts": _parts,
}


# ---------------------------------------------------------------- values of a column


def date_parts(table: Table, name: str, parts: list[str]) -> list[Floats]:
    """Return parts of a column of dates or times of day, missing as NaN."""
    name = table.find(name, "feature")
    kind = table.kind(name)
    if kind == "time" and set(parts) <= set(TIME_PARTS):
        column = quoted(name)
    elif kind == "date":
        column = f"CAST({quoted(name)} AS TIMESTAMP)"
    elif _empty(table, name):
        return [np.full(table.rows, np.nan) for _ in parts]
    else:
        msg = (
            f"The column {name!r} held dates in training; {_first(table, name)}, which is "
            f"{kind_word(kind)}. Give it as dates."
        )
        raise InputError(msg)
    return table.doubles([f"{DATE_PARTS[part]}({column})" for part in parts])


def kind_word(kind: str) -> str:
    """Return a kind of column as a noun for a sentence."""
    return {
        "other": "of another type",
        "boolean": "true or false",
        "time": "a time of day",
        "text": "text",
    }.get(kind, f"a {kind}")


def moments(values: Floats, weights: Floats | None) -> tuple[float, float]:
    """Return the mean and the population standard deviation, in one fixed order of summation.

    The values are divided by a power of two first, which is exact, so that squares of very large
    and very small numbers stay within range.
    """
    largest = float(np.abs(values).max()) if values.size else 0.0
    unit = math.ldexp(1.0, min(max(math.frexp(largest)[1], -1000), 1000)) if largest else 1.0
    small = values / unit
    mean = float(np.average(small, weights=weights))
    scale = math.sqrt(float(np.average((small - mean) ** 2, weights=weights)))
    return mean * unit, scale * unit


def _numbers(table: Table, name: str, held: str = "numbers") -> Floats:
    """Return a column of numbers, or say where it holds something else."""
    name = table.find(name, "feature")
    kind = table.kind(name)
    if kind in {"number", "boolean"}:
        return table.numbers(name)
    if _empty(table, name):
        return np.full(table.rows, np.nan)
    where = _first(table, name)
    if kind == "text" and (found := table.slips(name)).strange:
        where = f"{table.place(found.row)} holds {found.first[:60]!r}"
    msg = (
        f"The column {name!r} held {held} in training; {where}, which is {kind_word(kind)}. "
        "Mend the value, or give the column as it was."
    )
    raise InputError(msg)


def _empty(table: Table, name: str) -> bool:
    return not table.first_row_where(f"{quoted(name)} IS NOT NULL")


def _first(table: Table, name: str) -> str:
    """Return where the first entry of a column is, and what it is."""
    row = table.first_row_where(f"{quoted(name)} IS NOT NULL")
    shown = str(table.values(f"CAST({quoted(name)} AS VARCHAR)")[row - 1])[:60]
    return f"{table.place(row)} holds {shown!r}"


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _never_missing(name: str, gone: Array, instead: str) -> str:
    count = int(gone.sum())
    return f"{name!r} is missing in {_rows(count)} and never was in training; {instead}."
