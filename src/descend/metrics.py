"""Metrics: figures for people, beside the loss that training minimises.

Each takes what `Run` predicts and the true targets, with optional weights, and returns one number.

    >>> import numpy as np
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.errors import InputError, ShapeError
from descend.parts import choice, whole

if TYPE_CHECKING:
    from descend.arrays import Array

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


def brier_score(probabilities: Floats, codes: Array, weights: Floats | None = None) -> float:
    """Return the Brier score: the mean squared distance of probabilities from what came true.

    For two labels mean (p - y)², p the probability of the second label: 0 to 1.  For more, the mean
    over rows of the sum over labels of (p - [label is the true one])²: 0 to 2.  These are the
    scales of scikit-learn's ``brier_score_loss``; over both of two labels the sum is twice the
    first.

    Parameters
    ----------
    probabilities
        (n, labels), as `Run.predict_proba` returns them.
    codes
        (n,) of ints: the place of each row's label.
    weights
        (n,) of 0 or more; default all alike.

    Returns
    -------
    float

    Examples
    --------
    >>> brier_score(np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0, 1]))
    0.15625

    References
    ----------
    G. Brier, "Verification of forecasts expressed in terms of probability", Mon. Weather Rev. 78
    (1950), who takes the sum for two labels as well.
    """
    off = probabilities.astype(np.float64)
    off[np.arange(len(off)), codes] -= 1.0
    squares = np.square(off)
    return _mean(squares[:, 1] if off.shape[1] == 2 else squares.sum(axis=1), weights)  # noqa: PLR2004


class Calibration(NamedTuple):
    """How often what was given a probability came true, by bins of that probability.

    Attributes
    ----------
    low, high
        (bins,): the ends of each bin; it holds what is above `low` and at most `high`, the first
        one its `low` too.
    predicted
        (bins,): the mean probability of its rows.
    observed
        (bins,): the share of them that came true.
    mass
        (bins,): how many rows they are, or the sum of their weights.
    """

    low: Floats
    high: Floats
    predicted: Floats
    observed: Floats
    mass: Floats

    @property
    def expected_calibration_error(self) -> float:
        """The mean of abs(observed - predicted) over rows: 0 for the well calibrated, at most 1."""
        return _mean(np.abs(self.observed - self.predicted), self.mass)

    def __str__(self) -> str:
        """Return a table, a line per bin."""
        lines = [f"{'probability':^17}{'predicted':>11}{'observed':>11}{'rows':>10}"]
        lines += [
            f"{low:7.4f} - {high:7.4f}{predicted:11.4f}{observed:11.4f}{mass:10.6g}"
            for low, high, predicted, observed, mass in zip(*self, strict=True)
        ]
        error = self.expected_calibration_error
        return "\n".join([*lines, f"expected calibration error {error:.4f}"])


def calibration(
    probabilities: Floats,
    y: Array,
    bins: int = 10,
    weights: Floats | None = None,
    strategy: str = "quantile",
) -> Calibration:
    """Return how often what was given a probability came true, in bins of that probability.

    Bins without rows are left out.  A row of weight k counts as k rows, one of weight 0 not at all.

    Parameters
    ----------
    probabilities
        (n,) in [0, 1]: of the second label.
    y
        (n,) of 0 and 1: whether the second label came true.
    bins
        How many at most, at least 1; default 10.
    weights
        (n,) of 0 or more; default all alike.
    strategy
        ``"quantile"`` (default): as many rows to each bin, as far as that goes (equal
        probabilities are never parted); or ``"uniform"``: bins of equal width.  The ends of the
        former are probabilities that occur, the least below which a share of j / bins of the
        weight lies, so that multiplying all weights changes nothing; scikit-learn's
        ``calibration_curve`` goes between two of them, and so has the same bins where their
        number divides n, and may else differ by a row.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If something is outside its range, or shapes differ.

    Examples
    --------
    >>> p, y = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.9]), np.array([0, 0, 1, 1, 1, 0])
    >>> print(calibration(p, y, bins=2))
       probability      predicted   observed      rows
     0.1000 -  0.3000     0.2000     0.3333         3
     0.3000 -  0.9000     0.8667     0.6667         3
    expected calibration error 0.1667

    References
    ----------
    M. Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI 2015.
    """
    bins = whole("calibration", "bins", bins)
    choice("calibration", "strategy", strategy, ("quantile", "uniform"))
    p, truth, w = _binary(probabilities, y, weights)
    edges = np.linspace(0.0, 1.0, bins + 1) if strategy == "uniform" else _quantiles(p, w, bins)
    place = np.searchsorted(edges[1:-1], p, side="left")
    mass: Floats = np.bincount(place, w, bins).astype(np.float64)
    kept = mass > 0
    sums = [np.bincount(place, w * values, bins)[kept] for values in (p, truth)]
    mass = mass[kept]
    return Calibration(edges[:-1][kept], edges[1:][kept], sums[0] / mass, sums[1] / mass, mass)


def _binary(probabilities: Any, y: Any, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Return probabilities, 0 or 1, and weights of the rows that weigh anything, checked."""
    p, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(y, dtype=np.float64)
    w = np.ones(p.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if p.ndim != 1 or truth.shape != p.shape or w.shape != p.shape:
        msg = (
            "calibration needs a probability, a 0 or 1 and a weight per row; found shapes "
            f"{p.shape}, {truth.shape} and {w.shape}. Pass predict_proba(X)[:, 1]."
        )
        raise ShapeError(msg)
    for what, fine, asked in (
        ("probabilities", (p >= 0) & (p <= 1), "in [0, 1]"),
        ("y", (truth == 0) | (truth == 1), "0 or 1"),
        ("weights", (w >= 0) & np.isfinite(w), "0 or more"),
    ):
        if not fine.all():
            row = int(np.argmin(fine))
            found = {"probabilities": p, "y": truth, "weights": w}[what][row]
            msg = f"The {what} of calibration must be {asked}; found {found} at row {row}."
            raise InputError(msg)
    counts = w > 0
    if not counts.any():
        msg = "calibration needs at least one row that weighs something; found none."
        raise InputError(msg)
    return p[counts], truth[counts], w[counts]


def _quantiles(p: Floats, w: Floats, bins: int) -> Floats:
    """Return the ends of bins of (nearly) equal weight (bins + 1,)."""
    order = np.argsort(p, kind="stable")
    reached = np.cumsum(w[order]) * bins
    # A billionth of a bin less: the sum of thirds may end up a rounding below 1.
    wanted = (np.arange(1, bins) - 1e-9) * (reached[-1] / bins)
    inner = p[order][np.searchsorted(reached, wanted, side="left")]
    return np.concatenate([p[order][:1], inner, p[order][-1:]])


def _per_row(values: Any) -> Any:
    return values if values.ndim == 1 else values.mean(axis=1)
