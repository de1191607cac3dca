"""Samples: the rows to show, as the model meets them, and the units to show them in.

Where there are too many rows, the keyed permutation draws some, and a sentence says so: the same
run shows the same rows wherever it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np

from descend.arrays import Array, Floats
from descend.parts import whole
from descend.randomness import permute, round_keys

if TYPE_CHECKING:
    from descend.arrays import Rows as Given
    from descend.run import Run
    from descend.scaling import Scaling

# Entries of X that are shown at most: wide tables show fewer rows.
ENTRIES = 4_000_000
# Of the rows shown, at least this share are training rows where there are validation rows too.
_TRAINING = 0.5


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to show.

    Attributes
    ----------
    X
        (m, d) as the model meets them: standardised where the run standardises, dense.
    y
        (m, k), or codes (m, 1) for labels.
    part
        (m,): 0 for training rows, 1 for validation rows.
    weight
        (m,), or None where no row is weighed.
    index
        (m,): each row's position in its part.
    count, of
        How many rows of each part are shown, and how many there are.
    sentence
        Which rows these are.
    """

    X: Floats
    y: Floats
    part: Array
    weight: Floats | None
    index: Array
    count: dict[str, int]
    of: dict[str, int]
    sentence: str


class Units(NamedTuple):
    """The columns' own units: a value is mean + scale · (what the model meets).

    Attributes
    ----------
    features
        The features' names (d,).
    mean, scale
        (d,) each.
    target
        Its name, "y" where it has none.
    target_mean, target_scale
        The same for the target.
    classes
        The labels as text, or None.
    """

    features: tuple[str, ...]
    mean: Floats
    scale: Floats
    target: str
    target_mean: float
    target_scale: float
    classes: tuple[str, ...] | None


def rows_of(run: Run, limit: int = 5000) -> Rows | None:
    """Return at most `limit` rows of a run, or None if it holds none.

    Parameters
    ----------
    run
        With its rows attached.
    limit
        Of training and validation rows together; shared out by their numbers.
    """
    data = run.data
    if data is None:
        return None
    limit = max(min(whole("rows_of", "limit", limit, low=2), ENTRIES // max(run.setup.d, 1)), 2)
    held = data.validation
    of = {"train": len(data.y), "validation": 0 if held is None else len(held[1])}
    count = _shared(of, limit)
    parts = [(data.X, data.y, data.weights)] + ([] if held is None else [held])
    chosen = [drawn(of[name], count[name], run.setup.seed) for name in count][: len(parts)]
    pieces = list(zip(parts, chosen, strict=True))
    weighed = any(weights is not None for _, _, weights in parts)
    return Rows(
        np.concatenate([met(X, rows, data.scaling) for (X, _, _), rows in pieces]),
        np.concatenate([_column(y[rows]) for (_, y, _), rows in pieces]),
        np.repeat(np.arange(len(parts), dtype=np.uint8), [len(rows) for rows in chosen]),
        np.concatenate([_weights(w, rows) for (_, _, w), rows in pieces]) if weighed else None,
        np.concatenate(chosen),
        count,
        of,
        _sentence(count, of),
    )


def drawn(n: int, count: int, seed: int) -> Array:
    """Return the positions of `count` of `n` rows, ascending, drawn by the keyed permutation.

    >>> drawn(100, 4, seed=0)
    array([23, 40, 42, 68])
    >>> drawn(3, 4, seed=0)
    array([0, 1, 2])
    """
    if count >= n:
        return np.arange(n)
    first = np.arange(count, dtype=np.uint32)
    return np.sort(permute(first, n, round_keys(seed, "sample", 0)).astype(np.int64))


def met(X: Given, rows: Array, scaling: Scaling | None) -> Floats:
    """Return some rows (m, d) as the model meets them, dense, in double precision."""
    taken = X[rows]
    found: Floats = taken if isinstance(taken, np.ndarray) else taken.toarray()
    if scaling is not None:
        with np.errstate(all="ignore"):
            found = (found - scaling.mean) / scaling.deviation
    return found.astype(np.float64)


def units_of(run: Run) -> Units:
    """Return the units a run's columns were given in, those of the table where there is one."""
    d = run.setup.d
    mean, scale = np.zeros(d), np.ones(d)
    name, target_mean, target_scale = "y", 0.0, 1.0
    if run.encoder is not None:
        from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

        encoder = Encoder.from_json(run.encoder)
        table = np.array([u for plan in encoder.columns for u in plan.units]).reshape(-1, 2)
        mean, scale = table[:, 0], table[:, 1]
        target = encoder.target
        name, target_mean, target_scale = target.name, target.mean, target.scale
    if run.scaling is not None:
        mean, scale = mean + scale * run.scaling.mean, scale * run.scaling.deviation
    classes = None if run.classes is None else tuple(str(label) for label in run.classes)
    return Units(tuple(run.names), mean, scale, name, target_mean, target_scale, classes)


def _shared(of: dict[str, int], limit: int) -> dict[str, int]:
    """Return how many rows of each part to show: by their numbers, training rows never starved.

    >>> _shared({"train": 900, "validation": 100}, 50)
    {'train': 45, 'validation': 5}
    """
    total = sum(of.values())
    if total <= limit:
        return dict(of)
    train = round(limit * max(of["train"] / total, _TRAINING))
    train = min(train, of["train"], limit - min(of["validation"], 1))
    return {"train": train, "validation": min(limit - train, of["validation"])}


def _column(y: Array) -> Floats:
    found: Floats = (y[:, None] if y.ndim == 1 else y).astype(np.float64)
    return found


def _weights(weights: Floats | None, rows: Array) -> Floats:
    return np.ones(len(rows)) if weights is None else weights[rows].astype(np.float64)


def _sentence(count: dict[str, int], of: dict[str, int]) -> str:
    """Return which rows are shown.

    >>> _sentence({"train": 5000, "validation": 0}, {"train": 1_000_000, "validation": 0})
    '5000 of 1 000 000 training rows, drawn by the keyed permutation'
    """
    said = " and ".join(_part(name, count[name], of[name]) for name in of if of[name])
    return said + (", drawn by the keyed permutation" if count != of else "")


def _part(name: str, count: int, of: int) -> str:
    kind = {"train": "training", "validation": "validation"}[name]
    rows = f"{kind} row" if of == 1 else f"{kind} rows"
    if count < of:
        return f"{spaced(count)} of {spaced(of)} {rows}"
    return f"the only {rows}" if of == 1 else f"all {spaced(of)} {rows}"


def spaced(number: int) -> str:
    """Return a number with its thousands apart, from five digits on."""
    return f"{number:,}".replace(",", " ") if number >= 10_000 else str(number)  # noqa: PLR2004
