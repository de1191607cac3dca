"""Profiles: what each column of a table holds, and what was done to it.

Read back from the encoded rows, so that nothing of the table need be at hand but what was prepared;
without them, what the run itself remembers.

>>> from descend.datasets import shipped_table
>>> from descend.fitting import fit
>>> done = fit(shipped_table("diabetes"), "progression", epochs=1, progress=False)
>>> for column in profiles(done.run, done.prepared)[1:3]:
...     print(column.name, column.kind, column.holds, sep=": ")
sex: number: 1 to 2, mean 1.468
bmi: number: 18 to 42.2, mean 26.38
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.scaling import standardize_of
from descend.showing.samples import spaced, units_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.arrays import Array
    from descend.run import Run
    from descend.tables import Encoder, Prepared

BARS = 12
_ROUNDING = 1e-12
_LEVELS = 6
# How the encoder counts what its training rows lack.
_GONE = re.compile(r"(?<=; )(\d+ missing entr(?:y|ies))(?= (?:gets?|is|are) the )")
_PARTS = ("train", "validation", "test")
# What a treatment makes of a column, in a word.
_KINDS = {
    "boolean": "yes or no",
    "target": "target",
    "set aside": "not used",
    "excluded": "not used",
}


class Profile(NamedTuple):
    """A column.

    Attributes
    ----------
    name, kind
        ``"number"``, ``"category"``, ``"yes or no"``, ``"date"``, ``"target"``, ``"not used"``,
        ``"id"``, ``"weight"``, ``"group"``.
    holds
        Its range, or its levels and their shares of what is there; empty where unknown.
    missing
        Entries that are not there, in all rows, or None where unknown.
    done
        What was done to it, a sentence.
    features
        How many features it became.
    bars
        Rows in each of 12 equal parts of its range; empty for what is no number.
    """

    name: str
    kind: str
    holds: str
    missing: int | None
    done: str
    features: int
    bars: tuple[int, ...] = ()


def profiles(run: Run, prepared: Prepared | None = None) -> tuple[Profile, ...]:
    """Return what each column holds and what was done to it.

    Parameters
    ----------
    run
        On a table or on arrays, with its rows or without.
    prepared
        The table's rows, as `descend.tables.prepare` made them ready, if at hand.
    """
    if prepared is not None:
        return tuple(_of_table(prepared))
    if run.encoder is not None:
        return tuple(_remembered(run))
    return tuple(_of_arrays(run))


# ---------------------------------------------------------------- from a table's rows


def _of_table(prepared: Prepared) -> Iterable[Profile]:
    encoder = prepared.encoder
    plans, first = {}, 0
    for plan in encoder.columns:
        plans[plan.name] = (plan, first)
        first += len(plan.features)
    for column in prepared.columns:
        kind = _KINDS.get(column.treatment, column.treatment)
        known = (column.name, kind)
        if column.treatment == "target":
            yield _of_target(prepared, *known, column.sentence)
        elif column.name not in plans:
            yield Profile(*known, "", None, column.sentence, 0)
        else:
            plan, start = plans[column.name]
            yield _of_plan(prepared, plan, start, *known, _learnt(column.sentence))


def _learnt(done: str) -> str:
    """Return what was done, saying of which rows its count is: the others stand beside it.

    >>> _learnt("'a' is standardised; 8 missing entries get the mean.")
    "'a' is standardised; 8 missing entries of the training rows get the mean."
    """
    return _GONE.sub(r"\1 of the training rows", done)


def _share(hits: Array) -> float:
    return float(hits.mean()) if len(hits) else 0.0


def _stacked(prepared: Prepared, column: int) -> Array:
    found: Array = np.concatenate([getattr(prepared, part).X[:, column] for part in _PARTS])
    return found


def _of_plan(  # noqa: PLR0913, PLR0917 - a plan with its words
    prepared: Prepared, plan: Any, start: int, name: str, kind: str, done: str
) -> Profile:
    columns = [_stacked(prepared, start + i) for i in range(len(plan.features))]
    lacking = plan.missing if plan.kind == "category" else plan.indicator
    gone = int(columns[-1].sum()) if lacking else 0
    count = len(plan.features)
    bars: tuple[int, ...] = ()
    there = columns[-1] == 0 if gone else np.ones(len(columns[0]), dtype=bool)
    if plan.kind == "number":
        values = columns[0][there] * plan.scale + plan.mean
        values[np.abs(values) < _ROUNDING * plan.scale] = 0.0  # what was 0 came back as nearly so
        holds, bars = _range(values), _bars(values)
    elif plan.kind == "boolean":
        holds = f"true in {_percent(float(columns[0][there].mean()))}"
    elif plan.kind == "category":
        levels = len(columns) - bool(lacking)  # what is missing is counted beside them
        labels = [feature.removeprefix(f"{plan.name}=") for feature in plan.features[:levels]]
        holds = _shares(labels, [_share(column[there]) for column in columns[:levels]])
    else:
        spans = zip(plan.parts, columns, strict=False)
        holds = "; ".join(f"{part} {_ends(c[there] * s + m)}" for (part, m, s), c in spans)
    return Profile(name, kind, holds, gone, done, count, bars)


def _of_target(prepared: Prepared, name: str, kind: str, done: str) -> Profile:
    y = np.concatenate([getattr(prepared, part).y for part in _PARTS])
    gone, target = prepared.rows["without_target"], prepared.encoder.target
    if gone:
        done = f"{done[:-1]}; rows without it were left out."
    if target.kind == "number":
        return Profile(name, kind, _range(y), gone, done, 0, _bars(y))
    shares = np.bincount(y, minlength=len(target.classes)) / len(y)
    return Profile(name, kind, _shares(list(target.classes), shares.tolist()), gone, done, 0)


# ---------------------------------------------------------------- from what a run remembers


def _remembered(run: Run) -> Iterable[Profile]:
    from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

    encoder = Encoder.from_json(run.encoder or {})
    target = encoder.target
    labels = _shares(list(target.classes), []) if target.classes else ""
    yield Profile(target.name, "target", labels, None, "What is to be predicted.", 0)
    for plan in encoder.columns:
        kind = _KINDS.get(plan.kind, plan.kind)
        yield Profile(plan.name, kind, "", None, _told(plan), len(plan.features))
    for name, kind in _others(encoder):
        yield Profile(name, kind, "", None, f"It is the {kind} of the rows.", 0)


def _others(encoder: Encoder) -> list[tuple[str, str]]:
    named = ((encoder.id_column, "id"), (encoder.weight, "weight"))
    return [(name, kind) for name, kind in named if name is not None]


def _told(plan: Any) -> str:
    if plan.kind == "number":
        return f"Standardised: mean {plan.mean:.6g}, deviation {plan.scale:.6g}."
    if plan.kind == "category":
        shown = ", ".join(map(repr, plan.levels[:_LEVELS]))
        return f"A category of {len(plan.levels)} levels, a feature each: {shown}" + (
            ", …" if len(plan.levels) > _LEVELS else "."
        )
    if plan.kind == "boolean":
        return "1 for true, 0 for false."
    return f"Taken apart into {', '.join(part for part, _, _ in plan.parts)}."


# ---------------------------------------------------------------- from arrays


def _of_arrays(run: Run) -> Iterable[Profile]:
    units, data = units_of(run), run.data
    for j, name in enumerate(units.features):
        done = "Used as it is."
        if run.scaling is not None:
            done = f"Standardised: mean {units.mean[j]:.6g}, deviation {units.scale[j]:.6g}."
            if standardize_of(run.scaling) == "scale":
                done = f"Scaled: divided by its root mean square, {units.scale[j]:.6g}."
        if data is None:
            yield Profile(str(name), "number", "", None, done, 1)
            continue
        parts = [data.X] + ([] if data.validation is None else [data.validation[0]])
        values = np.concatenate([_dense(part[:, j : j + 1]) for part in parts])
        yield Profile(str(name), "number", _range(values), 0, done, 1, _bars(values))
    yield _target_of_arrays(run, units.target)


def _dense(column: Any) -> Array:
    found = column if isinstance(column, np.ndarray) else column.toarray()
    return np.asarray(found, dtype=np.float64)[:, 0]


def _target_of_arrays(run: Run, name: str) -> Profile:
    done = "What is to be predicted."
    if run.data is None:
        return Profile(name, "target", "", None, done, 0)
    held = run.data.validation
    y = np.concatenate([run.data.y] + ([] if held is None else [held[1]])).astype(np.float64)
    if run.classes is None:
        return Profile(name, "target", _range(y.ravel()), 0, done, 0, _bars(y.ravel()))
    shares = [float((y == code).mean()) for code in range(len(run.classes))]
    return Profile(name, "target", _shares(list(map(str, run.classes)), shares), 0, done, 0)


# ---------------------------------------------------------------- words


def _range(values: Array) -> str:
    if not len(values):
        return ""
    return f"{_ends(values)}, mean {float(values.mean()):.4g}"


def _ends(values: Array) -> str:
    if not len(values):
        return "nowhere"
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _bars(values: Array) -> tuple[int, ...]:
    """Return how many values lie in each of 12 equal parts of their range; none if they are one."""
    if not len(values) or not np.isfinite(values).all() or values.min() == values.max():
        return ()
    with np.errstate(all="ignore"):
        low = values.min() / 2
        place = (values / 2 - low) / (values.max() / 2 - low)  # halves, for ranges beyond all range
    counts = np.bincount(np.minimum(place * BARS, BARS - 1).astype(int), minlength=BARS)
    return tuple(counts.tolist())


def _shares(labels: list[str], shares: list[float]) -> str:
    """Return the levels with their shares, most frequent first.

    >>> _shares(["a", "b"], [0.25, 0.75]), _shares(["a", "b"], [])
    ("2 levels: 'b' 75 %, 'a' 25 %", "2 levels: 'a', 'b'")
    """
    order = sorted(range(len(shares)), key=lambda i: -shares[i])
    listed = [f"{labels[i]!r} {_percent(shares[i])}" for i in order] or list(map(repr, labels))
    more = f" and {len(listed) - _LEVELS} more" if len(listed) > _LEVELS else ""
    count = f"{spaced(len(labels))} level{'' if len(labels) == 1 else 's'}"
    return f"{count}: {', '.join(listed[:_LEVELS])}{more}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
