"""Columns that follow from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import penalties
from descend.arrays import Array
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import normal_scores, solved, spread, standard
from descend.doctor.of_labels import perfect_separation

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# A column is told by others when they leave this share of its variance: 0.5 % of its spread.
TOLD = 2.5e-5
# In nets it matters less, so it has to be all but exact.
TOLD_IN_NETS = 1e-6
# Parts below this of the largest in a dependence do not take part.
PART = 0.05
# Mean squares of standardised columns below this are rounding.
ROUNDING = 1e-12
# What cannot be told within this is not a matter of tables: rows that are looked at.
MOST_ROWS = 4096


class Dependence(NamedTuple):
    """Columns of which one follows from the others.

    Attributes
    ----------
    columns
        Their places, the one that follows first.
    left
        Which share of its variance the others leave, in rows that were not used to find it.
    """

    columns: Array
    left: float


def collinear_columns(chart: Chart) -> Finding | None:
    """Find columns that are (nearly) linear combinations of others.

    The variance inflation of a column is 1/(1 - R²) with R² from all others; tables of real
    measurements reach some thousands (the radius and perimeter of a cell), so what counts is
    40 000: the others tell the column to within 0.5 % of its spread.  The dependence is found in
    one half of the rows and must hold in the other, where the column must vary as well, so that
    columns which hardly ever vary do not count, nor wide tables, whose columns always depend on
    one another.  A complete set of levels (0/1 columns that add up to 1) and powers of one
    variable are mentioned only: they are meant that way.
    """
    table = chart.table
    if table is None:
        return None
    rows = spread(len(table.given), MOST_ROWS)
    Z = standard(table.given[rows])
    kept = np.flatnonzero((Z != 0).any(axis=0))
    if len(kept) < 2:  # noqa: PLR2004 - it takes two
        return None
    found = _dependence(Z[:, kept]) or _copies(Z[:, kept])
    limit = TOLD_IN_NETS if chart.net is not None or chart.custom else TOLD
    if found is None or found.left >= limit:
        return _wide(chart)
    columns = kept[found.columns]
    meant = _meant(table.given[rows][:, columns])
    return _found(chart, columns, found.left, meant)


def _dependence(Z: Floats) -> Dependence | None:
    """Return the strongest dependence of one half of the rows, as it holds in the other."""
    _n, d = Z.shape
    first, second = Z[::2], Z[1::2]
    if len(first) < d + 5:
        return None
    found: Dependence | None = None
    gram = first.T @ first / len(first)
    values, vectors = np.linalg.eigh(gram)
    # Every dependence within the limit shows as an eigenvalue of at most d times it.
    for value, vector in zip(values[:3], vectors.T[:3], strict=False):
        if value > TOLD * d:
            break
        parts = np.abs(vector)
        chosen = np.argsort(-parts)[: int((parts > PART * parts.max()).sum())]
        if len(chosen) < 2:  # noqa: PLR2004 - it takes two
            continue
        target, others = chosen[0], chosen[1:]
        told = solved(first[:, others], first[:, target], 1e-12)
        held = second[:, target]
        varies = float(held.var())
        if varies < 1e-2:  # noqa: PLR2004 - it stands still in half of the rows
            continue
        rest = held - second[:, others] @ told
        left = float(rest.var()) / varies
        if found is None or left < found.left:
            found = Dependence(chosen, left)
    return found


def _copies(Z: Floats) -> Dependence | None:
    """Return two columns that are one and the same up to scale, for tables too wide for more."""
    n, _d = Z.shape
    enough = 10
    off = (np.abs(Z - np.median(Z, axis=0)) > ROUNDING).sum(axis=0)
    kept = np.flatnonzero(off >= enough)
    if n < enough or len(kept) < 2:  # noqa: PLR2004 - it takes two
        return None
    signs = Z[:, kept] * np.where(Z[np.abs(Z[:, kept]).argmax(axis=0), kept] < 0, -1.0, 1.0)
    # Equal columns are neighbours once they are sorted by their first rows.
    order = np.lexsort(np.round(signs[:4], 6))
    apart = ((signs[:, order[1:]] - signs[:, order[:-1]]) ** 2).mean(axis=0)
    place = int(apart.argmin())
    if apart[place] > ROUNDING:
        return None
    return Dependence(kept[order[place : place + 2]], float(apart[place]))


def _meant(columns: Floats) -> str | None:
    """Say what a dependence is that was meant, or None."""
    kinds = [np.unique(column) for column in columns.T]
    if all(len(kind) == 2 for kind in kinds):  # noqa: PLR2004 - two levels each
        marks = columns == np.array([kind[1] for kind in kinds])
        if bool((marks.sum(axis=1) == 1).all()):
            return "levels"
    if len(kinds) > 2:  # noqa: PLR2004 - powers of one variable
        ranks, plain = normal_scores(columns), standard(columns)
        sizes = np.abs(normal_scores(np.abs(columns - np.median(columns, axis=0))))
        alike = np.abs(_correlation(ranks)) > 1 - 1e-6
        alike |= _correlation(sizes) > 1 - 1e-6
        bent = np.abs(_correlation(plain)) < 1 - 1e-5
        partner = (alike & bent & ~np.eye(len(kinds), dtype=bool)).any(axis=1)
        if partner.mean() > 0.5:  # noqa: PLR2004 - most of them
            return "powers"
    return None


def _correlation(X: Floats) -> Floats:
    Z = standard(X)
    found: Floats = Z.T @ Z / len(Z)
    return found


def _found(chart: Chart, columns: Array, left: float, meant: str | None) -> Finding:
    named = chart.names
    names = [named[int(j)] if named else f"x{int(j) + 1}" for j in columns]
    target, others = names[0], names[1:]
    shown = ", ".join(map(repr, others[:4])) + (" and others" if len(others) > 4 else "")  # noqa: PLR2004
    penalty = None if chart.task is None else chart.task.penalty
    settled = penalty is not None and penalty.l2 > 0
    evidence: dict[str, Any] = {
        "columns": names,
        "share_of_variance_left": left,
        "variance_inflation": 1 / max(left, 1e-16),
    }
    sentence = (
        f"The column {target!r} follows from {shown} to within {100 * left**0.5:.2g} % of its "
        "spread, so many different weights fit equally well and no data can tell which are right."
    )
    if meant == "levels":
        sentence = (
            f"The columns {target!r}, {shown} are all levels of one category and add up to 1; one "
            "of them follows from the others, which does no harm to predictions."
        )
    if settled:
        sentence += " The penalty on the weights settles which are taken."
    mild = settled or meant is not None or chart.custom
    return Finding(
        "collinear-columns",
        "information" if mild else "illness",
        sentence,
        evidence,
        Fix(f"leave out {target!r}", {"drop_columns": [target]} if chart.run else {}),
    )


def _wide(chart: Chart) -> Finding | None:
    """Mention that a linear model with no more rows than parameters has many exact fits."""
    run, table = chart.run, chart.table
    if run is None or table is None or not chart.linear or run.task.penalty is not None:
        return None
    if run.setup.patience is not None:
        return None
    parameters = run.layout.size // run.setup.k
    # Classes that are told apart without fail are what comes of it, and that is said elsewhere.
    if run.setup.n >= parameters or perfect_separation(chart) is not None:
        return None
    return Finding(
        "collinear-columns",
        "information",
        f"There are {run.setup.n} rows and {parameters} parameters to each output, so infinitely "
        "many different weights fit these rows exactly, and the data cannot say which are right.",
        {"rows": run.setup.n, "parameters": parameters},
        Fix(
            "more rows than parameters, fewer columns, or a penalty on the weights",
            {"penalty": penalties.l2(1e-3)},
        ),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (collinear_columns,)
