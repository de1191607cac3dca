"""Made-up rows: what a model is checked by where it goes, without a word of anyone's data.

Every row is drawn from the column plans alone: numbers about their mean, every kind of level,
dates of a few years, and gaps wherever a column may have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.export import predict

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.export.portable import Portable

ROWS = 9
_GOLDEN, _SQUARE = (5**0.5 - 1) / 2, 2**0.5
UNSEEN = "never seen in training"


@final
@dataclass(frozen=True, eq=False)
class Check:
    """Rows and what is to be predicted for them.

    Attributes
    ----------
    cells
        Column by column, the entries as a CSV file holds them; "" is missing.
    features
        (rows, d): what the columns become.
    scores
        (rows, k).
    prediction
        As `Run.predict` returns it: numbers (rows,) or (rows, k), or labels.
    probabilities
        As `Run.predict_proba` returns them, or None.
    """

    cells: list[list[str]]
    features: Floats
    scores: Floats
    prediction: Array
    probabilities: Floats | None


def check_of(model: Portable) -> Check:
    """Return made-up rows for a model, with what its run predicts for them."""
    cells = [_entries(plan, column) for column, plan in enumerate(model.columns)]
    columns = [
        np.array([predict.encode(plan, text) for text in texts], dtype=np.float64)
        for plan, texts in zip(model.columns, cells, strict=True)
    ]
    features, run = np.hstack(columns), model.run
    # `given` columns are standardised here already; the run wants them as they were given.
    rows = features if model.on_table else np.array(cells, dtype=float).T
    return Check(
        cells,
        features,
        run.scores(rows),
        run.predict(rows),
        run.predict_proba(rows) if model.loss.proper else None,
    )


def _entries(plan: dict[str, Any], column: int) -> list[str]:
    """Return a column's entries; gaps stand in other rows from column to column."""
    found = _KINDS[plan["kind"]](plan, column)
    if plan["fill"] is not None:
        found[column % ROWS] = ""
    return found


def _draws(column: int) -> list[float]:
    """Return numbers between -2 and 2, as evenly spread as multiples of the golden ratio are."""
    return [4 * ((row * _GOLDEN + column * _SQUARE) % 1) - 2 for row in range(1, ROWS + 1)]


def _numbers(plan: dict[str, Any], column: int) -> list[str]:
    ((_, mean, scale),) = plan["parts"]
    return [repr(mean + scale * draw) for draw in _draws(column)]


def _booleans(plan: dict[str, Any], column: int) -> list[str]:
    del plan
    return ["true" if draw > 0 else "false" for draw in _draws(column)]


def _levels(plan: dict[str, Any], column: int) -> list[str]:
    levels = [level for level in plan["places"] if level not in predict.MISSING]
    chosen = [levels[i % len(levels)] if levels else "" for i in range(column, column + ROWS)]
    chosen[(column + 4) % ROWS] = UNSEEN
    return chosen


def _dates(plan: dict[str, Any], column: int) -> list[str]:
    mean = {part: mean for part, mean, _ in plan["parts"]}
    year = round(min(max(mean.get("year", 2020.0), 1000.0), 9000.0))
    return [
        f"{year + row - 4}-{1 + (row * 5 + column) % 12:02}-{1 + (row * 11 + column) % 28:02}"
        f" {row * 7 % 24:02}:{(row * 17 + column) % 60:02}:30"
        for row in range(ROWS)
    ]


_KINDS = {
    "number": _numbers,
    "given": _numbers,
    "boolean": _booleans,
    "category": _levels,
    "date": _dates,
}
