"""Histories from elsewhere that are those of plain descent on a line, trained again in closed form.

From zeros, with a known step, the squared error of a line is a quadratic whose every loss can be
told beforehand: where c is 1 or 1/2, A the rows and H = 2 c A'A/n,

    theta' = theta - eta (H theta - b),   b = 2 c A't/n,   loss = c |A theta - t|²/n + rest,

with t the targets, or, where every score met every target, their mean, and rest their variance.  A
history that has these losses, update by update, is this descent: nothing else has its figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import standard
from descend.doctor.recomputing import rows_given
from descend.doctor.valley import ARRIVED, NULL, least_left
from descend.optimizers import gradient_descent

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart

# Updates whose losses are told beforehand, the fewest that will do, and how closely they agree.
FIRST, FEWEST, CLOSE = 12, 4, 1e-5
# Columns, and the ones of the bias, that differ in size by this much are uneven.
UNEVEN = 10.0
# Columns at most whose eigenvalues are computed.
MOST = 300


class Retraced(NamedTuple):
    """A history that was told beforehand.

    Attributes
    ----------
    factor
        What a squared difference is multiplied by: 1 or 1/2, of the mean; n times it of the sum.
    bias
        Whether there is one.
    rate
        The step.
    crossed
        Whether every score met every target.
    """

    factor: float
    bias: bool
    rate: float
    crossed: bool


def retraced(chart: Chart) -> Retraced | None:
    """Return which plain descent on a line a history is, or None."""
    loss, rates, rows = chart.of("loss"), chart.of("learning_rate"), rows_given(chart)
    if chart.run is not None or loss is None or rates is None or rows is None:
        return None
    X, y = rows
    m = min(FIRST, len(loss), len(rates))
    known = loss[:m]
    steady = m >= FEWEST and np.isfinite(known).all() and np.ptp(rates) == 0 < rates[0]
    if not steady or X.shape[1] > MOST or not np.ptp(known) > 1e-4 * abs(known[0]):
        return None
    n, rate = len(y), float(rates[0])
    for bias in (True, False):
        A = _design(X, bias=bias)
        for factor in (1.0, 0.5, float(n), n / 2):
            for crossed in (False, True):
                way = Retraced(factor, bias, rate, crossed)
                if np.abs(_told(A, y, way, m) - known).max() <= CLOSE * np.abs(known).min():
                    return way
    return None


def _design(X: Floats, *, bias: bool) -> Floats:
    return np.column_stack([X, np.ones(len(X))]) if bias else X


def _told(A: Floats, y: Floats, way: Retraced, m: int) -> Floats:
    """Return the first losses of this descent."""
    factor, rate = way.factor, way.rate
    target = np.full_like(y, y.mean()) if way.crossed else y
    rest = factor * float(y.var()) if way.crossed else 0.0
    theta, found = np.zeros(A.shape[1]), []
    for _ in range(m):
        error = A @ theta - target
        found.append(factor * float(np.mean(error**2)) + rest)
        theta = theta - rate * 2 * factor * (A.T @ error) / len(y)
    return np.array(found)


# ---------------------------------------------------------------- columns


def raw_columns(chart: Chart) -> Finding | None:
    """Find a plain descent on a line that columns of very different sizes kept from arriving.

    What it left is far more than the least loss; no step would have come there in as many
    updates; and in standardised columns one would have.
    """
    found, rows = retraced(chart), rows_given(chart)
    loss = chart.of("loss")
    if found is None or found.crossed or rows is None or loss is None:
        return None
    X, y = rows
    A, Z = _design(X, bias=found.bias), _design(standard(X), bias=found.bias)
    if not np.isfinite(loss[-1]):
        return None
    sizes = np.sqrt(np.mean(A**2, axis=0))
    order = [int(i) for i in np.argsort(sizes) if sizes[i] > 0]
    narrowest, widest = order[0], order[-1]
    if sizes[widest] <= UNEVEN * sizes[narrowest]:
        return None
    raw, flat = _valley(A, y, found.factor), _valley(Z, y, found.factor)
    constant = found.factor * float(y.var() if found.bias else np.mean(y**2))
    to_learn = min(constant, float(loss[0])) - raw.least
    left = float(loss[-1]) - raw.least
    if not to_learn > 0 or left <= ARRIVED * to_learn:
        return None
    at_best, at_even = (
        least_left(v.curvatures, v.distances, len(loss), gradient_descent().rule)[0]
        for v in (raw, flat)
    )
    if at_best <= ARRIVED * to_learn or at_even > ARRIVED * to_learn:
        return None
    names = [f"column {i}" for i in range(X.shape[1])] + ["the bias"]
    return Finding(
        "features-unscaled",
        "illness",
        f"The columns differ so much in size that no step suits all of them: {names[widest]} "
        f"allows one so small that {names[narrowest]} hardly moves, and the loss stands at "
        f"{float(loss[-1]):.4g} where {raw.least:.4g} can be had. In standardised columns as many "
        "updates would have come there.",
        {
            "widest": names[widest],
            "narrowest": names[narrowest],
            "sizes": sizes[[widest, narrowest]].tolist(),
            "condition number": raw.condition,
            "condition number, standardised": flat.condition,
            "loss at the end": float(loss[-1]),
            "least loss": raw.least,
            "learning rate": found.rate,
        },
        Fix("standardise the columns: subtract each one's mean, divide by its deviation"),
    )


class _Valley(NamedTuple):
    least: float
    curvatures: Floats
    distances: Floats

    @property
    def condition(self) -> float:
        return float(self.curvatures[-1] / self.curvatures[0])


def _valley(A: Floats, y: Floats, factor: float) -> _Valley:
    theta = np.linalg.lstsq(A, y, rcond=None)[0]
    least = factor * float(np.mean((A @ theta - y) ** 2))
    curvatures, vectors = np.linalg.eigh(2 * factor * A.T @ A / len(y))
    kept: Any = curvatures > NULL * curvatures[-1]
    return _Valley(least, curvatures[kept], (vectors.T @ theta)[kept])


RULES: tuple[Callable[[Chart], Finding | None], ...] = (raw_columns,)
