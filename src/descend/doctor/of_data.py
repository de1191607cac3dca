"""What the rows and columns alone can say: numbers that cannot be computed with, and constants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.doctor import of_columns, of_labels, of_leak, of_loss, of_noise, of_outliers, of_split
from descend.doctor.findings import Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart

# Rows below which a column may well be constant by chance.
FEW_ROWS = 8
# A column is nearly blank where all but this share of its rows have one and the same value.
BLANK = 0.02


def non_finite(chart: Chart) -> Finding | None:
    """Find numbers that are missing or infinite, or whose squares are.

    Every curvature is a mean of x² and every squared loss a mean of y²: where those are beyond the
    largest number of the run's dtype there is no step that suits, not even 0 would be small
    enough.  That is a limit of the arithmetic, not one that was chosen.
    """
    if chart.run is None:
        return _not_numbers(chart)
    problem = chart.problem
    if problem is None:
        return None
    limit = float(np.finfo(problem.X.dtype).max)
    X: Any = problem.X.data if is_sparse(problem.X) else problem.X
    largest = math.sqrt(limit)
    x_most = float(np.abs(X).max()) if X.size else 0.0
    labels = problem.y.dtype.kind == "i"
    y_most = 0.0 if labels else float(np.abs(problem.y).max())
    if not math.isfinite(x_most) or x_most > largest:
        return _too_large_columns(chart, largest)
    if y_most <= largest:
        return None
    rows = np.flatnonzero((np.abs(problem.y) > largest).any(axis=1))
    few = len(rows) <= problem.n // 20
    changes: dict[str, Any] = {"drop_rows": rows.tolist()} if few else {}
    return Finding(
        "non-finite-data",
        "illness",
        f"The target is as large as {y_most:.3g}, and its square is beyond the largest number of "
        f"{problem.X.dtype.name} ({limit:.3g}), so the loss cannot be computed.",
        {"rows": rows.tolist(), "largest_target": y_most, "largest_square": limit},
        Fix(
            f"leave out the {len(rows)} rows concerned" if few else "divide the target by its size",
            changes,
        ),
    )


def _too_large_columns(chart: Chart, largest: float) -> Finding | None:
    problem, run = chart.problem, chart.run
    if problem is None or run is None or run.data is None:
        return None
    most = _extremes(problem.X)
    columns = np.flatnonzero(~(most <= largest))
    names = [chart.names[int(j)] for j in columns]
    given = _extremes(run.data.X)
    scales = bool(np.isfinite(given).all()) and run.scaling is None
    return Finding(
        "non-finite-data",
        "illness",
        f"The column {names[0]!r} holds numbers as large as {most[columns[0]]:.3g}, and their "
        f"squares are beyond the largest number of {problem.X.dtype.name}, so the gradient cannot "
        "be computed.",
        {"columns": names, "largest": most[columns].tolist(), "dtype": problem.X.dtype.name},
        Fix(
            "standardise the columns" if scales else "bring the column to ordinary units",
            {"standardize": True} if scales else {},
        ),
    )


def _extremes(X: Any) -> Floats:
    """Return each column's largest size."""
    if is_sparse(X):
        found = np.zeros(X.shape[1])
        np.maximum.at(found, X.indices, np.abs(X.data))
        return found
    return np.abs(X).max(axis=0).astype(np.float64)  # type: ignore[no-any-return]


def _not_numbers(chart: Chart) -> Finding | None:
    """Look for NaN and infinity in rows that came with a history; `train` refuses such rows."""
    if chart.given is None:
        return None
    seen: dict[str, Any] = {}
    for name, part in zip("Xy", chart.given, strict=True):
        values = None if part is None else np.asarray(part)
        if values is None or values.dtype.kind not in "fO":
            continue
        try:
            wrong = ~np.isfinite(values.astype(np.float64))
        except (TypeError, ValueError):
            continue
        if wrong.any():
            places = np.argwhere(wrong)
            seen[f"rows_of_{name}"] = np.unique(places[:, 0]).tolist()
            if name == "X" and wrong.ndim > 1:
                seen["columns"] = np.unique(places[:, 1]).tolist()
    if not seen:
        return None
    rows = sorted({row for name in seen if name != "columns" for row in seen[name]})
    return Finding(
        "non-finite-data",
        "illness",
        f"{len(rows)} rows hold numbers that are missing or infinite (the first is row {rows[0]}), "
        "and one such number turns every sum it enters into no number.",
        seen,
        Fix("leave those rows out, or fill in what is missing"),
    )


def constant_column(chart: Chart) -> Finding | None:
    """Find columns that do not vary over all training rows, and so tell nothing.

    Beside a bias such a column says what the bias says; as 0 it says nothing at all.  Exempt: the
    only constant of a model without a bias, for it is its intercept.  Blank columns among others
    that are nearly blank are natural (pixels at the rim, rare levels of a category): a column
    that is rarely more than 0 is sometimes never; they are only mentioned.
    """
    whole = _all_rows(chart)
    if whole is None or whole.shape[0] < FEW_ROWS:
        return None
    constant, value = _constants(whole)
    bias = chart.task is None or getattr(chart.task.model, "bias", True)
    if chart.task is None:  # a column of ones is the intercept of somebody's own formula
        constant &= value != 1.0
    if not bias and int((constant & (value != 0)).sum()) == 1:
        constant &= value == 0
    columns = np.flatnonzero(constant)
    if not len(columns):
        return None
    natural = bool((value[columns] == 0).all()) and _nearly_blank(chart) >= len(columns)
    return _constant_found(chart, columns, value[columns], natural=natural)


def _all_rows(chart: Chart) -> Any:
    if chart.run is not None and chart.run.data is not None:
        return chart.run.data.X
    return None if chart.table is None else chart.table.given


def _constants(X: Any) -> tuple[Array, Floats]:
    """Return which columns vary by no more than rounding, and what they hold."""
    if is_sparse(X):
        stored = np.bincount(X.indices, minlength=X.shape[1])
        low, high = np.full(X.shape[1], np.inf), np.full(X.shape[1], -np.inf)
        np.minimum.at(low, X.indices, X.data)
        np.maximum.at(high, X.indices, X.data)
        low = np.where(stored < X.shape[0], np.minimum(low, 0.0), low)
        high = np.where(stored < X.shape[0], np.maximum(high, 0.0), high)
        eps = np.finfo(X.data.dtype).eps
    else:
        low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
        eps = np.finfo(X.dtype).eps if X.dtype.kind == "f" else 0.0
    rounding = 8 * eps * np.maximum(np.abs(low), np.abs(high))
    return high - low <= rounding, low


def _nearly_blank(chart: Chart) -> int:
    """Return how many columns vary, but in hardly any row."""
    table = chart.table
    if table is None:
        return 0
    middle = np.median(table.given, axis=0)
    off = (table.given != middle).mean(axis=0)
    return int(((off > 0) & (off <= BLANK)).sum())


def _constant_found(chart: Chart, columns: Array, values: Floats, *, natural: bool) -> Finding:
    named = chart.names
    names = [named[int(j)] if named else f"x{int(j) + 1}" for j in columns]
    held = None if chart.validation is None else chart.validation.given[:, columns]
    moves = held is not None and bool((held != values).any())
    also = ", though it varies in the validation rows" if moves else ""
    several = len(columns) > 1
    what = (
        f"The columns {', '.join(map(repr, names[:3]))}" if several else f"The column {names[0]!r}"
    )
    says = "say nothing" if several else "says nothing"
    holds = "hold one and the same number each" if several else f"is {values[0]:g}"
    evidence: dict[str, Any] = {"columns": names, "values": values.tolist()}
    if moves:
        evidence["varies_in_validation"] = True
    if natural:
        return Finding(
            "constant-column",
            "information",
            f"{what} {'are' if several else 'is'} 0 in every training row{also}; among columns "
            "that are nearly always 0 this is natural, and it does no harm.",
            evidence,
            Fix("none is needed; the columns may be left out"),
        )
    rows = chart.table.total if chart.table is not None else 0
    return Finding(
        "constant-column",
        "illness",
        f"{what} {holds} in all {rows} training rows{also}, so it {says} that the bias does not "
        "say already.".replace("so it say ", "so they say "),
        evidence,
        Fix(f"leave out {', '.join(names[:3])}", {"drop_columns": names} if chart.run else {}),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    non_finite,
    constant_column,
    *of_columns.RULES,
    *of_leak.RULES,
    *of_loss.RULES,
    *of_split.RULES,
    *of_outliers.RULES,
    *of_labels.RULES,
    *of_noise.RULES,
)
