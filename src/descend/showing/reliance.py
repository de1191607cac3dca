"""What a model relies on: how much worse it does when a column is shuffled among the rows.

A shuffled column keeps its values and loses its meaning.  The drop of the metric is how much the
predictions on these rows rest on the column; not how well another model could do without it, for
columns that say nearly the same stand in for one another.

All features that came from one column of a table are shuffled together.

References: A. Fisher, C. Rudin and F. Dominici, "All models are wrong, but many are useful", J.
Mach. Learn. Res. 20 (2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.errors import InputError
from descend.randomness import permutation
from descend.showing.intervals import MORE_IS_BETTER, measures
from descend.showing.judged import judged_rows, sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.arrays import Array
    from descend.run import Run

REPEATS = 10
# Rows that are predicted again, and products of rows, parameters and shuffles, at most.
ROWS, _WORK = 4000, 4e9
_FEWEST_ROWS = 200
# Columns beyond which nobody reads on.
_MOST_COLUMNS = 500


class Column(NamedTuple):
    """How much a metric suffers when a column is shuffled.

    Attributes
    ----------
    name
        Of the column.
    drop, deviation
        The mean loss of the metric (above 0: worse) over the shuffles, and their deviation.
    low, high
        The least and the largest.
    """

    name: str
    drop: float
    deviation: float
    low: float
    high: float


class Reliance(NamedTuple):
    """All columns, the most relied on first.

    Attributes
    ----------
    metric, value
        What was measured, and what it is unshuffled.
    columns
        In order of the drop.
    sentences
        On which rows, how often, and what to mind.
    """

    metric: str
    value: float
    columns: tuple[Column, ...]
    sentences: tuple[str, ...]


def reliance(  # noqa: PLR0913 - the rows, and how thoroughly
    run: Run,
    X: Any,
    y: Array,
    weight: Any = None,
    *,
    metric: str | None = None,
    part: str = "test",
    repeats: int = REPEATS,
) -> Reliance:
    """Return how much worse the run does on rows when each column is shuffled among them.

    Parameters
    ----------
    run
        Of any model.
    X, y, weight
        Rows as `train` met them (of a table: encoded), preferably ones the run has not seen; y in
        its own unit, or codes of labels.
    metric
        ``"r2"``, ``"rmse"``, ``"mae"``, ``"accuracy"`` or ``"log_loss"``; default r2 for numbers,
        log_loss for labels with probabilities, which feels what accuracy does not.
    part
        What these rows are called.
    repeats
        Shuffles of each column, keyed by the run's seed.

    Raises
    ------
    InputError
        If there are fewer than two rows, too many columns, or the metric has no value.
    """
    groups = _groups(run)
    if len(groups) > _MOST_COLUMNS:
        msg = (
            f"Shuffling each of {len(groups)} columns would take too long, and {_MOST_COLUMNS} is "
            "the most; look at the parameters instead."
        )
        raise InputError(msg)
    work = max(run.theta.size * repeats * len(groups), 1)
    limit = int(np.clip(_WORK / work, _FEWEST_ROWS, ROWS))
    rows, sentence = sampled(len(y), limit, run.setup.seed, f"{part} row")
    found: Any = X[rows]
    X = np.array(found if isinstance(found, np.ndarray) else found.toarray())
    y, weight = y[rows], None if weight is None else weight[rows]
    there = len(y) > 1 and (weight is None or weight.any())
    metric = _usual(run) if metric is None else metric
    value = _measured(run, X, y, weight, metric) if there else np.nan
    if not np.isfinite(value):
        msg = f"On {sentence} there is nothing to shuffle, or no metric to lose; take more rows."
        raise InputError(msg)
    sign = 1.0 if metric in MORE_IS_BETTER else -1.0
    columns = []
    for g, (name, features) in enumerate(groups):
        drops = np.array(
            [
                sign * (value - one)
                for one in _shuffled(run, (X, y, weight, metric), features, g, repeats)
            ]
        )
        spread = (float(v) for v in (drops.mean(), drops.std(), drops.min(), drops.max()))
        columns.append(Column(name, *spread))
    columns.sort(key=lambda column: -column.drop)
    said = (
        f"Each column was shuffled {repeats} times among {sentence}, with all else left as it was.",
        "A column that says much the same as another can look idle, for the other stands in.",
    )
    return Reliance(metric, value, tuple(columns), said)


def _groups(run: Run) -> list[tuple[str, list[int]]]:
    """Return the columns, and the features that each became."""
    if run.encoder is None:
        return [(str(run.names[j]), [j]) for j in range(run.setup.d)]
    from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

    groups, first = [], 0
    for plan in Encoder.from_json(run.encoder).columns:
        groups.append((plan.name, list(range(first, first + len(plan.features)))))
        first += len(plan.features)
    return groups


def _usual(run: Run) -> str:
    if run.classes is None:
        return "r2"
    return "log_loss" if run.task.loss.proper else "accuracy"


def _measured(run: Run, X: Array, y: Array, weight: Any, metric: str) -> float:
    return measures(judged_rows(run, X, y, weight))[metric]


def _shuffled(
    run: Run, rows: tuple[Array, Array, Any, str], features: list[int], group: int, repeats: int
) -> Iterator[float]:
    """Yield the metric with some features shuffled together, then put X right again."""
    X, *others = rows
    kept = X[:, features]
    for draw in range(group * repeats, (group + 1) * repeats):
        X[:, features] = kept[permutation(len(X), run.setup.seed, "sample", 1 + draw)]
        yield _measured(run, X, *others)
    X[:, features] = kept
