"""The rows in units in which nothing cancels, and the way back to their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.scaling import fold, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.run import Run

_EPSILON = float(np.finfo(np.float64).eps)
# Numbers in a block of rows, which the second-level cache holds.
_BLOCK = 1 << 16


class Design(NamedTuple):
    """Rows of weight above 0, and the units in which they are looked at.

    Attributes
    ----------
    X, y, w
        (n, d), dense or CSR; (n, k) or codes (n,); (n,).
    centre, scale, ones
        (d,), (d,); whether there is a column of ones.
    T
        (q, p), from coefficients in these units to own units, the intercept last.
    rounding
        (p,): what rounding the entries makes of each column, by its length.
    """

    X: Any
    y: Array
    w: Floats
    centre: Floats
    scale: Floats
    ones: bool
    T: Floats
    rounding: Floats

    @property
    def total(self) -> float:
        """The rows, each counted as often as it weighs."""
        return math.fsum(self.w)

    @property
    def dof(self) -> float:
        """Rows less coefficients."""
        return self.total - float(self.T.shape[1])


def designed(run: Run) -> Design:
    """Return the run's rows in good units."""
    data: Any = run.data
    X, y, n = data.X, data.y, data.X.shape[0]
    w = np.ones(n) if data.weights is None else data.weights.astype(np.float64)
    if not w.all():
        X, y, w = X[w > 0], y[w > 0], w[w > 0]
    ones = len(run.layout.entries) > 1
    centre, scale, varies = measured(X, w)
    if not ones and run.scaling is not None:
        centre, scale = run.scaling.mean, run.scaling.deviation
    elif not ones:
        size = np.hypot(centre, np.where(varies, scale, 0.0))
        centre, scale = np.zeros_like(centre), np.where(size > 0, size, 1.0)
    largest = np.asarray(
        abs(X).max(axis=0).toarray() if hasattr(X, "indptr") else abs(X).max(axis=0)
    )
    rounding = 16.0 * _EPSILON + np.finfo(X.dtype).eps * largest.ravel().astype(np.float64) / scale
    own_centre, own_scale = _in_table_units(run, centre, scale)
    T = np.diag(1.0 / own_scale)
    if ones or own_centre.any():
        T = np.vstack([T, -own_centre / own_scale])
    if ones:
        T = np.column_stack([T, np.eye(len(T))[-1]])
        rounding = np.append(rounding, 16.0 * _EPSILON)
    return Design(X, y, w, centre, scale, ones, T, rounding)


def _in_table_units(run: Run, centre: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Return a centre and a scale of encoded columns in the units of the run's table."""
    if run.encoder is None:
        return centre, scale
    from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

    plans = Encoder.from_json(run.encoder).columns
    mean, unit = np.array([u for plan in plans for u in plan.units]).reshape(-1, 2).T
    return mean + unit * centre, scale * unit


def blocks(design: Design, wide: int = 1) -> Iterator[tuple[slice, Floats]]:
    """Yield the rows as they are looked at, so many that `wide` times as much fits in memory."""
    n, p = design.X.shape[0], design.T.shape[1]
    rows = max(_BLOCK // (p * wide), 4 * p)
    for first in range(0, n, rows):
        part = slice(first, min(first + rows, n))
        found = design.X[part]
        X = np.asarray(found.toarray() if hasattr(found, "indptr") else found, dtype=np.float64)
        B = np.ones((len(X), p))
        B[:, : X.shape[1]] = (X - design.centre) / design.scale
        yield part, B


def below(R: Floats, rows: Floats) -> Floats:
    """Return the triangle of the rows under R: of all rows so far, RᵀR = Σ a aᵀ."""
    return np.asarray(np.linalg.qr(np.vstack([R, rows]), mode="r"))


def triangle(design: Design, y: Floats | None = None) -> Floats:
    """Return the triangle of the weighted rows, with columns y beside them if given."""
    R = np.zeros((0, design.T.shape[1] + (0 if y is None else y.shape[1])))
    for part, B in blocks(design):
        rows = B if y is None else np.column_stack([B, y[part]])
        R = below(R, rows * np.sqrt(design.w[part, None]))
    return R


def of_run(run: Run, design: Design) -> Floats:
    """Return the run's coefficients in the design's units, (m, p)."""
    theta, layout = fold(run.theta.astype(np.float64), run.layout, run.scaling)
    weight, *bias = layout.split(theta).values()
    points = weight * design.scale[:, None]
    if design.ones:
        points = np.vstack([points, bias[0] + design.centre @ weight])
    return _against_first(points.T) if run.task.loss.targets == "labels" else points.T


def _against_first(points: Floats) -> Floats:
    return points[1:] - points[:1]


def own(design: Design, points: Floats) -> Floats:
    """Return coefficients in own units: (m, p) to (m, q)."""
    return points @ design.T.T
