"""Metrics: figures for people, beside the loss that training minimises.

Each takes what `Run` predicts and the true targets, with optional weights, and returns one number.

    >>> import numpy as np
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Array, Floats

# Rounding of probabilities to 0 or 1 must not make a whole table's log loss infinite.
SMALLEST = float(np.finfo(np.float64).tiny)


def _mean(values: Array, weights: Floats | None) -> float:
    wide = np.asarray(values, dtype=np.float64)
    return float(wide.mean() if weights is None else np.average(wide, weights=weights, axis=0))


def mse(predicted: Array, y: Array, weights: Floats | None = None) -> float:
    """Return the mean squared error: mean (ŷ - y)²."""
    return _mean(_per_row((predicted - y) ** 2), weights)


def rmse(predicted: Array, y: Array, weights: Floats | None = None) -> float:
    """Return the root of the mean squared error, in the units of y."""
    return math.sqrt(mse(predicted, y, weights))


def mae(predicted: Array, y: Array, weights: Floats | None = None) -> float:
    """Return the mean absolute error, in the units of y."""
    return _mean(_per_row(np.abs(predicted - y)), weights)


def r2(predicted: Array, y: Array, weights: Floats | None = None) -> float:
    """Return the share of the variance explained: 1 - sum (ŷ - y)² / sum (y - mean y)².

    0 for the mean itself, below 0 for worse; NaN where y does not vary.  Over several outputs,
    their mean.
    """
    w = np.ones(len(y)) if weights is None else weights
    centre = np.average(y, weights=w, axis=0)
    left = w @ (predicted - y) ** 2
    spread = w @ (y - centre) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.mean(np.where(spread > 0, 1 - left / spread, np.nan)))


def accuracy(predicted: Array, y: Array, weights: Floats | None = None) -> float:
    """Return the share of rows whose label is right; over several outputs, of labels."""
    return _mean(_per_row((predicted == y).astype(float)), weights)


def log_loss(probabilities: Floats, codes: Array, weights: Floats | None = None) -> float:
    """Return minus the mean log-probability of the true class: p (n, labels), codes (n,)."""
    chosen = np.take_along_axis(probabilities, codes[:, None], axis=1)[:, 0]
    return _mean(-np.log(np.maximum(chosen, SMALLEST)), weights)


def _per_row(values: Any) -> Any:
    return values if values.ndim == 1 else values.mean(axis=1)
