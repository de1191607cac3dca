"""Levels of categories: against the average of their column, which is all that rows can settle.

A category becomes a feature for every level, and those add up to the intercept's ones: adding a
constant to all levels and taking it from the intercept predicts alike.  Each level is therefore
given less the mean of its column's levels, weighted by their shares p of the training rows, and the
intercept with those means,

    w_l - Σ p_m w_m            b + Σ p_m w_m

which no such constant moves, and which predict what the parameters predict.  Of labels without a
penalty, a level whose rows lack a label runs off without end (see `separation`) and would take the
mean along: its share counts as 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Array
    from descend.run import Run


def levels_of(run: Run) -> list[slice]:
    """Return which features are the levels of a category, a slice for each category."""
    if run.encoder is None:
        return []
    from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

    found, first = [], 0
    for plan in Encoder.from_json(run.encoder).columns:
        count = len(plan.features)
        if plan.kind == "category":
            found.append(slice(first, first + count))
        first += count
    return found


def centring(run: Run) -> Array | None:
    """Return the matrix (d + 1, d) that takes from levels their column's average.

    Its last row holds the shares, which the intercept takes.  None where there are no categories,
    or no rows at hand to count.
    """
    groups = levels_of(run)
    if run.data is None or not groups:
        return None
    d = run.setup.d
    C = np.eye(d + 1, d)
    for own in groups:
        share = np.average(run.data.X[:, own], axis=0, weights=run.data.weights)
        share = share.astype(np.float64) * _steady(run, own)
        share /= share.sum()
        C[own, own] -= share
        C[d, own] = share
    return C


def _steady(run: Run, own: slice) -> Array:
    """Return which levels have rows of every label; all, where none has or none needs them."""
    data, task = run.data, run.task
    every: Array = np.ones(own.stop - own.start, dtype=bool)
    if data is None or run.classes is None or task.penalty is not None:
        return every
    y = data.y[:, None] == np.arange(len(run.classes)) if data.y.ndim == 1 else data.y > 0
    level = data.X[:, own] > 0
    count = level.T.astype(np.float64) @ y
    whole: Array = np.all(count > 0, axis=1)
    if data.y.ndim > 1:
        whole &= np.all(count < level.sum(axis=0)[:, None], axis=1)
    return whole if whole.any() else every
