"""Learning: what to do with each column, decided on its training rows alone, and said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.tables.columns import (
    DATE_PARTS,
    MISSING,
    POOLED,
    TIME_PARTS,
    BooleanPlan,
    CategoryPlan,
    DatePlan,
    NumberPlan,
    date_parts,
    moments,
)

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.tables.table import Table

# Levels of a category beyond these, and levels rarer than this share, are pooled.
MOST_LEVELS = 20
RARE = 0.01
# Text that differs in this share of its rows identifies rows; text of more letters than this is
# prose, unless its levels repeat, as the answers of a form do.
UNIQUE = 0.9
PROSE = 60
REPEATED = 0.2
# Text of which this share is numbers is a column of numbers with slips of the pen.
NEARLY = 0.9
# A handful of whole numbers may well be consecutive without counting rows.
COUNTER = 10


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

    Raises
    ------
    InputError
        If it is a column of numbers with a slip in it: an infinity, a word, a decimal comma.
    """
    kind = table.kind(name)
    if kind == "other":
        declared = table.declared(name)
        return _aside(name, f"values of type {declared} cannot be used as numbers or categories")
    learners = {
        "number": _learn_number,
        "boolean": _learn_boolean,
        "text": _learn_text,
        "date": _learn_date,
        "time": _learn_date,
    }
    return learners[kind](table, name, train, weights)


def _aside(name: str, reason: str) -> Learnt:
    return Learnt(None, "set aside", f"{name!r} is set aside: {reason}.")


def _learn_number(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    everywhere = table.numbers(name)
    values = everywhere[train]
    there = ~np.isnan(values)
    gone = int((~there).sum())
    if not there.any():
        return _aside(name, "it is missing in every training row")
    if values[there].min() == values[there].max():
        return _constant(table, name, train)
    own = None if weights is None else weights[train][there]
    if own is not None and not own.any():
        return _aside(name, "its rows all have weight 0")
    mean, scale = moments(values[there], own)
    if not (scale > 0 and math.isfinite(scale) and math.isfinite(mean)):
        return _aside(name, "it hardly varies in the training rows that have weight")
    filled = f"; {_entries(gone)} the mean and a feature {name + ' ' + MISSING!r}" if gone else ""
    unit = " (in seconds)" if table.declared(name) == "INTERVAL" else ""
    sentence = (
        f"{name!r} is standardised{unit}: mean {mean:.6g}, deviation {scale:.6g}{filled}."
        f"{_counter_warning(name, everywhere)}"
    )
    return Learnt(NumberPlan(name, mean, scale, gone > 0), "number", sentence)


def _entries(count: int) -> str:
    return "1 missing entry gets" if count == 1 else f"{count} missing entries get"


def _constant(table: Table, name: str, train: Array) -> Learnt:
    """Return what to do with one value: nothing, unless it is there in some rows only."""
    levels, codes = table.levels(name)
    met = sorted({int(code) for code in codes[train]})
    if met[0] >= 0:
        return _aside(name, f"it is {levels[met[0]]} in every training row")
    level = levels[met[1]]
    sentence = f"{name!r} is {level} or missing in the training rows, a category of those two."
    return Learnt(CategoryPlan(name, (level,), (), missing=True), "category", sentence)


def _counter_warning(name: str, values: Floats) -> str:
    if len(values) > COUNTER and bool((np.diff(values) == 1).all()):
        return (
            f" It counts the rows, as an identifier does; if it is one, say --id-column {name!r}."
        )
    return ""


def _learn_boolean(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    values = table.numbers(name)[train]
    there = ~np.isnan(values)
    if not there.any():
        return _aside(name, "it is missing in every training row")
    if values[there].min() == values[there].max():
        return _constant(table, name, train)
    own = None if weights is None else weights[train][there]
    if own is not None and not own.any():
        return _aside(name, "its rows all have weight 0")
    fill, _ = moments(values[there], own)
    gone = int((~there).sum())
    also = f"; {_entries(gone)} the share of true and a feature {name + ' ' + MISSING!r}"
    plan = BooleanPlan(name, fill, gone > 0)
    sentence = f"{name!r} is 1 for true and 0 for false{also if gone else ''}."
    return Learnt(plan, "boolean", sentence)


# ---------------------------------------------------------------- text


def _learn_text(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    del weights
    if table.typed_by_sniffing:
        refuse_nearly_numbers(table, name, "column", "leave the column out (--exclude)")
    found, codes = table.levels(name)
    counts = np.bincount(codes[train] + 1, minlength=len(found) + 1)
    gone, there = int(counts[0]), int(counts[1:].sum())
    by_count = sorted(
        ((found[i], int(counts[i + 1])) for i in np.flatnonzero(counts[1:])),
        key=lambda pair: (-pair[1], pair[0]),
    )
    if not by_count:
        return _aside(name, "it is missing in every training row")
    if len(by_count) == 1 and not gone:
        return _aside(name, f"it is {by_count[0][0]!r} in every training row")
    kept = [v for v, count in by_count[:MOST_LEVELS] if count >= RARE * (there + gone)]
    refused = _unusable_text(table, name, by_count, there, kept)
    if refused:
        return _aside(name, refused)
    pooled = sorted({v for v, _ in by_count} - set(kept))
    if len(pooled) == 1:  # a pool of one level would only hide its name
        kept, pooled = kept + pooled, []
    plan = CategoryPlan(name, tuple(sorted(kept)), tuple(pooled), gone > 0)
    return Learnt(plan, "category", _category_sentence(table, plan, gone))


def _category_sentence(table: Table, plan: CategoryPlan, gone: int) -> str:
    count = len(plan.levels)
    also = f"; {len(plan.pooled)} rare levels share {POOLED!r}" if plan.pooled else ""
    if gone:
        also += "; 1 missing entry is" if gone == 1 else f"; {gone} missing entries are"
        also += f" the level {MISSING!r}"
    if not table.slips(plan.name).strange:
        also += "; its levels are numbers stored as text"
    return f"{plan.name!r} is a category of {count} level{'' if count == 1 else 's'}{also}."


def _unusable_text(
    table: Table, name: str, by_count: list[tuple[str, int]], there: int, kept: list[str]
) -> str:
    """Return why a text column cannot be a category, or an empty string."""
    distinct = len(by_count)
    found, numbers = table.slips(name), ""
    if not found.strange:
        numbers = "; it holds numbers stored as text, give it as numbers to use it"
    elif found.strange < 0.5 * found.there:
        numbers = (
            f"; it holds numbers except for {found.strange} entries, the first "
            f"{found.first[:60]!r} in {table.place(found.row)}"
        )
    letters = sum(len(v) * count for v, count in by_count) / there
    if letters > PROSE and distinct > REPEATED * there:
        return f"it is free text ({letters:.0f} letters on average)"
    every = distinct == there and there > 2  # noqa: PLR2004 - two rows may well differ
    if every or (distinct > MOST_LEVELS and distinct >= UNIQUE * there):
        return (
            f"it differs in {'every' if every else 'nearly every'} row ({distinct} of {there}), "
            f"as an identifier does{numbers}"
        )
    if not kept:
        return f"none of its {distinct} levels is in {RARE:.0%} of the training rows{numbers}"
    return ""


def refuse_nearly_numbers(table: Table, name: str, role: str, way_out: str) -> None:
    """Raise `InputError` if sniffed text is numbers with a few slips, or with decimal commas."""
    found = table.slips(name)
    if not found.strange:
        return
    numbers = found.there - found.strange
    if found.commas and found.commas + numbers >= NEARLY * found.there:
        msg = (
            f"The {role} {name!r} holds numbers with a decimal comma, such as {found.example!r}; "
            "read them with --decimal \",\" (decimal=',')."
        )
        raise InputError(msg)
    if numbers >= NEARLY * found.there:
        others = "" if found.strange == 1 else f" (and {found.strange - 1} more)"
        msg = (
            f"The {role} {name!r} holds numbers, except for {found.first[:60]!r} in "
            f"{table.place(found.row)}{others}; mend the value, or {way_out}."
        )
        raise InputError(msg)


def _learn_date(table: Table, name: str, train: Array, weights: Floats | None) -> Learnt:
    wanted = list(TIME_PARTS if table.kind(name) == "time" else DATE_PARTS)
    columns = [values[train] for values in date_parts(table, name, wanted)]
    there = ~np.isnan(columns[0])
    gone = int((~there).sum())
    if not there.any():
        return _aside(name, "it is missing in every training row")
    own = None if weights is None else weights[train][there]
    if own is not None and not own.any():
        return _aside(name, "its rows all have weight 0")
    parts = []
    for part, values in zip(wanted, columns, strict=True):
        mean, scale = moments(values[there], own)
        if values[there].min() < values[there].max() and scale > 0:
            parts.append((part, mean, scale))
    if not parts:
        return _aside(name, "it is the same date in every training row")
    shown = ", ".join(part for part, _, _ in parts)
    what = "time of day" if table.kind(name) == "time" else "date"
    zone = " in UTC" if "WITH TIME ZONE" in table.declared(name) else ""
    also = f"; {_entries(gone)} the means and a feature {name + ' ' + MISSING!r}" if gone else ""
    plan = DatePlan(name, tuple(parts), gone > 0)
    return Learnt(plan, "date", f"{name!r} is a {what}{zone}, taken apart into {shown}{also}.")
