"""Columns: what is done to each, learnt on the training rows and written down.

A *plan* turns one column into features, on any table that has it: `NumberPlan`, `BooleanPlan`,
`CategoryPlan`, `DatePlan`.  What cannot be used is set aside, with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from descend.errors import InputError
from descend.tables.reading import quoted

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.tables.reading import Table

# Levels of a category beyond these, and levels rarer than this share, are pooled.
MOST_LEVELS = 20
RARE = 0.01
# Text that differs in this share of its rows identifies rows; longer text than this is prose.
UNIQUE = 0.9
PROSE = 60
POOLED, MISSING = "(other)", "(missing)"
DATE_PARTS = {
    "year": "year",
    "month": "month",
    "day": "day",
    "weekday": "isodow",
    "hour": "hour",
    "minute": "minute",
}


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
            notes.append(
                f"{self.name!r} is missing in {int(gone.sum())} rows and never was in training; "
                "its mean stands in."
            )
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
        values = _numbers(table, self.name)
        gone = np.isnan(values)
        if gone.any() and not self.indicator:
            notes.append(
                f"{self.name!r} is missing in {int(gone.sum())} rows and never was in training."
            )
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
        texts = table.texts(table.find(self.name, "feature"))
        place: dict[str | None, int] = {level: i for i, level in enumerate(self.levels)}
        other = len(self.levels) if self.pooled else -1
        place |= dict.fromkeys(self.pooled, other)
        if self.missing:
            place[None] = len(self.levels) + bool(self.pooled)
        strange = Counter(t for t in texts if t not in place)
        self._report(strange, notes)
        codes = np.array([place.get(t, other if t is not None else -1) for t in texts], dtype=int)
        return [(codes == i).astype(float) for i in range(len(self.features))]

    def _report(self, strange: Counter[str | None], notes: list[str]) -> None:
        gone = strange.pop(None, 0)
        if gone:
            notes.append(f"{self.name!r} is missing in {gone} rows and never was in training.")
        if strange:
            named = ", ".join(f"{level!r} ({count})" for level, count in strange.most_common(5))
            more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""  # noqa: PLR2004
            where = f"counted as {POOLED}" if self.pooled else "as none of the known levels"
            notes.append(
                f"{self.name!r} has {sum(strange.values())} rows with levels not seen in training, "
                f"{where}: {named}{more}."
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
        for part, mean, scale in self.parts:
            values = date_part(table, self.name, part)
            gone = np.isnan(values)
            found.append(np.where(gone, 0.0, (values - mean) / scale))
        if gone.any() and not self.indicator:
            notes.append(
                f"{self.name!r} is missing in {int(gone.sum())} rows and never was in training."
            )
        return [*found, *([gone.astype(float)] if self.indicator else [])]


PLANS: dict[str, Any] = {p.kind: p for p in (NumberPlan, BooleanPlan, CategoryPlan, DatePlan)}


def describe(plan: Any) -> dict[str, Any]:
    """Return a plan as plain data."""
    return {"kind": plan.kind, **asdict(plan)}


def restore(record: dict[str, Any]) -> Any:
    """Return the plan that `describe` described."""
    fields = {k: _tupled(v) for k, v in record.items() if k != "kind"}
    return PLANS[record["kind"]](**fields)


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value


def date_part(table: Table, name: str, part: str) -> Floats:
    """Return one part of a column of dates, missing as NaN."""
    name = table.find(name, "feature")
    if table.kind(name) != "date":
        msg = (
            f"The column {name!r} held dates in training and holds {table.kind(name)} values here; "
            "give it as dates."
        )
        raise InputError(msg)
    column = f"CAST({quoted(name)} AS TIMESTAMP)"
    found = table.values(f"CAST({DATE_PARTS[part]}({column}) AS DOUBLE)")
    return np.array(np.ma.filled(found.astype(np.float64), np.nan))


def _numbers(table: Table, name: str) -> Floats:
    """Return a column of numbers, even where the file's sniffing took it for text."""
    name = table.find(name, "feature")
    kind = table.kind(name)
    if kind == "text":
        _, strange, first = table.count_text_that_is_no_number(name)
        if strange:
            texts = table.texts(name)
            row = texts.index(first) + 1
            msg = (
                f"The column {name!r} held numbers in training; row {row} of this table holds "
                f"{first!r}. Mend the value."
            )
            raise InputError(msg)
        return np.array([np.nan if t is None else float(t) for t in table.texts(name)])
    if kind not in {"number", "boolean"}:
        msg = (
            f"The column {name!r} held numbers in training and holds {kind} values here; give it "
            "as numbers."
        )
        raise InputError(msg)
    return table.numbers(name)


# ---------------------------------------------------------------- learning a plan


@final
@dataclass(frozen=True)
class Learnt:
    """A plan, or None with the reason; and a sentence that says what was done."""

    plan: Any
    treatment: str
    sentence: str


def learn(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    """Return what to do with a column, from its training rows alone.

    Parameters
    ----------
    table, name
        Which column of which table.
    train
        (rows,) whether a row trains.
    weights
        (rows,) or None.
    """
    kind = table.kind(name)
    if kind == "other":
        declared = table.types[table.names.index(name)]
        return _aside(name, f"values of type {declared} cannot be used as numbers or categories")
    learners = {
        "number": _learn_number,
        "boolean": _learn_boolean,
        "text": _learn_text,
        "date": _learn_date,
    }
    return learners[kind](table, name, train, weights)


def _aside(name: str, reason: str) -> Learnt:
    return Learnt(None, "set aside", f"{name!r} is set aside: {reason}.")


def moments(values: Floats, weights: Floats | None) -> tuple[float, float]:
    """Return the mean and the population standard deviation, in one fixed order of summation."""
    if weights is None:
        return float(values.mean()), float(values.std())
    mean = float(np.average(values, weights=weights))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _learn_number(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    values = table.numbers(name)[train]
    there = ~np.isnan(values)
    if not there.any():
        return _aside(name, "it is missing in every training row")
    if weights is not None and not weights[train][there].any():
        return _aside(name, "its rows all have weight 0")
    mean, scale = moments(values[there], None if weights is None else weights[train][there])
    if values[there].min() == values[there].max() or not scale > 0:
        return _aside(name, f"it is {values[there][0]:g} in every training row")
    gone = int((~there).sum())
    filled = (
        f"; {gone} missing entries get the mean and a feature {name + ' ' + MISSING!r}"
        if gone
        else ""
    )
    looks = _counter_warning(name, values[there])
    sentence = f"{name!r} is standardised: mean {mean:.6g}, deviation {scale:.6g}{filled}.{looks}"
    return Learnt(NumberPlan(name, mean, scale, gone > 0), "number", sentence)


def _counter_warning(name: str, values: Floats) -> str:
    whole = bool((values == np.floor(values)).all())
    many = len(values) > 10  # noqa: PLR2004 - a handful of numbers may well be consecutive
    distinct = whole and many and len(np.unique(values)) == len(values)
    if distinct and values.max() - values.min() < 2 * len(values) and (np.diff(values) > 0).all():
        return f" It looks like a row counter; if it is one, say --id-column {name!r}."
    return ""


def _learn_boolean(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    values = table.numbers(name)[train]
    there = ~np.isnan(values)
    if not there.any():
        return _aside(name, "it is missing in every training row")
    if values[there].min() == values[there].max():
        return _aside(name, f"it is {bool(values[there][0])} in every training row".lower())
    fill, _ = moments(values[there], None if weights is None else weights[train][there])
    gone = int((~there).sum())
    also = f"; {gone} missing entries get the share of true and a feature of their own" * (gone > 0)
    plan = BooleanPlan(name, fill, gone > 0)
    return Learnt(plan, "boolean", f"{name!r} is 1 for true and 0 for false{also}.")


def _learn_text(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    del weights
    texts = [t for t, used in zip(table.texts(name), train, strict=True) if used]
    there = [t for t in texts if t is not None]
    if not there:
        return _aside(name, "it is missing in every training row")
    counts = Counter(there)
    gone = len(texts) - len(there)
    if len(counts) == 1 and not gone:
        return _aside(name, f"it is {there[0]!r} in every training row")
    refused = _unusable_text(table, name, there, counts)
    if refused:
        return _aside(name, refused)
    by_count = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = [level for level, count in by_count[:MOST_LEVELS] if count >= RARE * len(texts)]
    pooled = sorted(set(counts) - set(kept))
    if len(pooled) == 1:  # a pool of one level would only hide its name
        kept, pooled = kept + pooled, []
    plan = CategoryPlan(name, tuple(sorted(kept)), tuple(pooled), gone > 0)
    also = f"; {len(pooled)} rare levels share {POOLED!r}" if pooled else ""
    also += f"; {gone} missing entries are a level of their own" if gone else ""
    return Learnt(plan, "category", f"{name!r} is a category of {len(kept)} levels{also}.")


def _unusable_text(table: Table, name: str, there: list[str], counts: Counter[str]) -> str:
    numerals, strange, first = table.count_text_that_is_no_number(name)
    if numerals and strange < 0.5 * numerals and len(counts) > MOST_LEVELS:
        if strange == 0:
            return (
                f"it holds numbers written as text, {len(counts)} different ones; give it as "
                "numbers to use it"
            )
        row = table.texts(name).index(first) + 1
        return (
            f"it holds numbers except for {strange} entries, the first {first!r} in row {row}; "
            "mend them to use it"
        )
    if len(counts) > MOST_LEVELS and len(counts) >= UNIQUE * len(there):
        return f"it differs in nearly every row ({len(counts)} of {len(there)}), as a name would"
    if sum(map(len, there)) / len(there) > PROSE:
        return f"it is free text ({sum(map(len, there)) / len(there):.0f} letters on average)"
    return ""


def _learn_date(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    parts, gone = [], 0
    for part in DATE_PARTS:
        values = date_part(table, name, part)[train]
        there = ~np.isnan(values)
        gone = int((~there).sum())
        if not there.any():
            return _aside(name, "it is missing in every training row")
        mean, scale = moments(values[there], None if weights is None else weights[train][there])
        if values[there].min() < values[there].max() and scale > 0:
            parts.append((part, mean, scale))
    if not parts:
        return _aside(name, "it is the same date in every training row")
    shown = ", ".join(part for part, _, _ in parts)
    also = f"; {gone} missing entries get the means and a feature of their own" * (gone > 0)
    plan = DatePlan(name, tuple(parts), gone > 0)
    return Learnt(plan, "date", f"{name!r} is a date, taken apart into {shown}{also}.")
