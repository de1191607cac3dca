"""A few rows that decide everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend import losses
from descend.doctor.course import diverged
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import Tail, apart, as_targets, deviation, solved, spread, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart

# Losses that grow like the square of a large error; the others bear with outliers.
SQUARES = ("squared_error", "half_squared_error")
ROBUST = ("huber", "absolute_error", "quantile", "log_cosh")
# How much better all other rows must be fitted once the few are left out.
BETTER = 1.25
# Work that a robust fit may be: rows times columns squared.
WORK = 4e8
MOST_ROWS = 4096


def outliers_dominate(chart: Chart) -> Finding | None:
    """Find the few rows (at most 5 %) that hold most of the loss, or that bend the fit.

    In the target: residuals of a robust fit (for nets, the run's own), of which the few stand
    apart by a gap that a smooth tail, however heavy, does not have (see `measures.apart`), lie
    beyond 8 robust deviations and hold more than half of the squares.  In a column: the few hold
    more than half of its squares, and leaving them out fits ALL OTHER rows at least a quarter
    better, for a far point of the right slope helps; or the run blew up, and most of the whole
    curvature is theirs.  Losses that grow like |e| are meant for the
    first, so with those there is no illness.
    """
    table = chart.table
    if table is None or table.y.shape[-1] == 0:
        return None
    rows = spread(len(table.given), MOST_ROWS)
    X, y = table.given[rows], table.y[rows]
    d = X.shape[1]
    if len(rows) < 20 or len(rows) < d + 10:  # noqa: PLR2004
        return None
    labels = chart.labels or y.ndim == 1
    Y = as_targets(y)
    found = _in_columns(chart, X, Y)
    name = None if chart.task is None else chart.task.loss.name
    if found is None and not labels and (name is None or name in SQUARES):
        found = _in_target(chart, X, Y, rows)
    return found


# ---------------------------------------------------------------- in the target


def _in_target(chart: Chart, X: Floats, Y: Floats, rows: Array) -> Finding | None:
    for output in range(Y.shape[1]):
        y = Y[:, output]
        rest = _residuals(chart, X, y, rows, output)
        if rest is None:
            continue
        tail = apart(rest, Y.shape[1])
        if tail is not None:
            size = np.abs(rest - np.median(rest))
            return _of_target(chart, rows[size >= tail.least], tail, len(rows))
    return None


def _residuals(chart: Chart, X: Floats, y: Floats, rows: Array, output: int) -> Floats | None:
    """Return errors of the run's net, or of a robust linear fit, which outliers do not bend."""
    robust = _robust(X, y) if len(X) * X.shape[1] ** 2 <= WORK else y - float(np.median(y))
    if chart.net is None and not chart.custom:
        return robust
    scores = chart.end_scores
    if scores is None or diverged(chart) or not np.isfinite(scores).all():
        return robust
    own = y - scores[rows, output]
    # A net that has followed them shows nothing any more; then what is linear may.
    better = np.median(np.abs(own)) < np.median(np.abs(robust))
    tail = apart(own)
    # Of a net that knows most rows by heart a few are left over; outliers leave the target's range.
    return own if better and tail is not None and tail.least > deviation(y) else robust


def _robust(X: Floats, y: Floats) -> Floats:
    """Return the errors of Huber's fit, by a few reweighted least squares."""
    A = np.column_stack([standard(X), np.ones(len(X))])
    scale = max(float(np.abs(y).max()), np.finfo(float).tiny)
    t = y / scale
    rest = t - np.median(t)
    ridge = 1e-12 * len(A) * np.eye(A.shape[1])  # columns that repeat one another may share
    for _ in range(8):
        usual = 1.4826 * float(np.median(np.abs(rest)))
        if usual <= 1e-13:  # noqa: PLR2004 - exact on half of the rows
            break
        w = np.minimum(1.0, 1.345 * usual / np.maximum(np.abs(rest), 1e-300))
        weighted = A * w[:, None]
        rest = t - A @ np.linalg.solve(weighted.T @ A + ridge, weighted.T @ t)
    found: Floats = rest * scale
    return found


def _of_target(chart: Chart, rows: Array, tail: Tail, looked: int) -> Finding:
    table = chart.table
    index = rows if table is None else table.places[rows]
    delta = 1.5 * tail.usual
    return Finding(
        "outliers-dominate",
        "illness",
        f"{tail.members} of {looked} rows miss by more than {tail.least / tail.usual:.3g} times "
        f"the usual error, and {100 * tail.share:.3g} % of the squared error is theirs, so the fit "
        "follows them and not the others.",
        {
            "rows": index.tolist(),
            "share_of_squares": tail.share,
            "usual_error": tail.usual,
            "least_of_theirs": tail.least,
        },
        Fix(
            f"take the Huber loss, whose pull stops growing at an error of {delta:.3g}",
            {"loss": losses.huber(delta)} if chart.run else {},
        ),
    )


# ---------------------------------------------------------------- in a column


def _in_columns(chart: Chart, X: Floats, Y: Floats) -> Finding | None:
    d = X.shape[1]
    suspects: list[tuple[int, Tail]] = []
    for j in range(d):
        if np.median(X[:, j] == np.median(X[:, j])) == 1.0:  # mostly one value: a mark, not a size
            continue
        tail = apart(X[:, j], d)
        if tail is not None:
            suspects.append((j, tail))
    if not suspects:
        return None
    far = np.zeros(len(X), dtype=bool)
    for j, tail in suspects:
        far |= np.abs(X[:, j] - np.median(X[:, j])) >= tail.least
    if far.sum() > 0.1 * len(X):
        return None
    if not _bends(X, Y, far) and not _steepest(chart, far):
        return None
    return _of_columns(chart, suspects, int(far.sum()), len(X))


def _bends(X: Floats, Y: Floats, far: Array) -> bool:
    """Tell whether the other rows are fitted much better once the far ones are left out."""
    A = np.column_stack([standard(X), np.ones(len(X))])
    usual = A[~far]
    if len(usual) < 2 * A.shape[1]:
        return False
    B = np.column_stack([standard(X[~far]), np.ones(len(usual))])
    whole = solved(A, Y, 1e-12)
    clean = solved(B, Y[~far], 1e-12)
    bent = ((Y[~far] - usual @ whole) ** 2).sum(axis=0)
    straight = ((Y[~far] - B @ clean) ** 2).sum(axis=0)
    floor = 1e-12 * (Y[~far] ** 2).sum(axis=0)
    free = len(usual) / (len(usual) - A.shape[1])
    return bool((bent > BETTER * (free * straight) + floor).any())


def _steepest(chart: Chart, far: Array) -> bool:
    """Tell whether a run blew up for their sake: they hold most of all curvature there is."""
    table = chart.table
    if table is None or not diverged(chart):
        return False
    squares = (table.X[spread(len(table.X), MOST_ROWS)] ** 2).sum(axis=1)
    return bool(squares[far].sum() > 0.5 * squares.sum())


def _of_columns(
    chart: Chart, suspects: list[tuple[int, Tail]], count: int, looked: int
) -> Finding | None:
    data = None if chart.run is None else chart.run.data
    named = chart.names
    j, tail = max(suspects, key=lambda s: s[1].share)
    name = named[j] if named else f"x{j + 1}"
    index = _far_rows(chart, suspects) if data is not None else []
    changes: dict[str, Any] = {"drop_rows": index} if index else {}
    return Finding(
        "outliers-dominate",
        "illness",
        f"{count} of {looked} rows lie as far as {tail.least / tail.usual:.3g} times the usual "
        f"spread from the others in {name!r} and hold {100 * tail.share:.3g} % of its squares; "
        "they decide its weight, and without them all other rows are fitted better.",
        {
            "columns": [named[s[0]] if named else f"x{s[0] + 1}" for s in suspects],
            "rows": index,
            "share_of_squares": tail.share,
            "usual_spread": tail.usual,
            "least_of_theirs": tail.least,
        },
        Fix("mend those rows (a wrong unit, a code for missing?), or leave them out", changes),
    )


def _far_rows(chart: Chart, suspects: list[tuple[int, Tail]]) -> list[int]:
    """Return all training rows that are as far off, not only those of the sample."""
    data, table = chart.run.data if chart.run else None, chart.table
    if data is None or table is None:
        return []
    far = np.zeros(data.X.shape[0], dtype=bool)
    for j, tail in suspects:
        column: Any = data.X[:, [j]]
        values = column if isinstance(column, np.ndarray) else column.toarray()
        middle = float(np.median(table.given[:, j]))
        far |= np.abs(values[:, 0] - middle) >= tail.least * (1 - 1e-9)
    found: list[int] = np.flatnonzero(far).tolist()
    return found


RULES: tuple[Callable[[Chart], Finding | None], ...] = (outliers_dominate,)
