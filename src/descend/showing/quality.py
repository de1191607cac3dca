"""Quality in arrays: confusion, ROC, precision and recall, calibration, residuals.

Conventions are scikit-learn's: rows of the confusion matrix are the truth, columns the prediction;
a score at the threshold counts as positive; of equal scores only the last makes a point.

>>> found = roc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
>>> found.area, found.true_positive
(0.75, array([0. , 0.5, 0.5, 1. , 1. ]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array
from descend.errors import InputError
from descend.showing.judged import judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.run import Run
    from descend.showing.judged import Judged

# Standard deviations on both sides that hold 95 % of a normal distribution.
Z95 = 1.959963984540054
_DEFAULT_BINS = 10


class Confusion(NamedTuple):
    """How often each label was taken for each.

    Attributes
    ----------
    classes
        (c,) the labels as text.
    counts
        (c, c): rows (or their weight) of the true label i that were predicted as j.
    recall, precision
        (c,): shares of the true rows found, and of the predicted ones right; NaN where none.
    """

    classes: tuple[str, ...]
    counts: Array
    recall: Array
    precision: Array


class Roc(NamedTuple):
    """What share of both labels lies above each threshold.

    Attributes
    ----------
    false_positive, true_positive
        (m,): ascending from 0 to 1.
    threshold
        (m,): descending; the first is infinite, above which nothing lies.
    area
        Under the curve, 0.5 for guessing: how likely a row of the second label scores higher
        than one of the first, a tie counting half.
    """

    false_positive: Array
    true_positive: Array
    threshold: Array
    area: float


class PrecisionRecall(NamedTuple):
    """How many found rows are right, and how many right rows are found, at each threshold.

    Attributes
    ----------
    precision, recall
        (m,): recall ascending; it starts with precision 1 at recall 0.
    threshold
        (m,): descending from infinity.
    average
        Precision averaged over the steps of recall.
    base
        The share of the second label: the precision of guessing.
    """

    precision: Array
    recall: Array
    threshold: Array
    average: float
    base: float


class Calibration(NamedTuple):
    """Whether events of probability p happen in a share p of the rows.

    Attributes
    ----------
    edges
        (b, 2): from where to where each bin that has rows goes.
    mean
        (b,): the mean probability in it.
    share, low, high
        (b,): how often it happened, and a 95 % interval (Wilson's).
    n
        (b,): its rows.
    error
        The mean distance of share and mean, over rows: 0 where calibrated.
    brier
        The mean squared distance of probability and event.
    """

    edges: Array
    mean: Array
    share: Array
    low: Array
    high: Array
    n: Array
    error: float
    brier: float


class Residuals(NamedTuple):
    """What was true less what was predicted, in the target's own unit.

    Attributes
    ----------
    part
        Of which part of the rows.
    predicted, truth, residual
        (m, k).
    weight
        (m,) or None.
    rows
        (m,): their positions in their part.
    sentence
        Which rows these are.
    """

    part: str
    predicted: Array
    truth: Array
    residual: Array
    weight: Array | None
    rows: Array
    sentence: str


def confusion(truth: Any, predicted: Any, classes: Sequence[Any], weight: Any = None) -> Confusion:
    """Return how often each label was taken for each, from codes (n,) into `classes`.

    >>> confusion([0, 0, 1], [0, 1, 1], ["no", "yes"]).counts
    array([[1., 1.],
           [0., 1.]])
    """
    c = len(classes)
    cell = np.asarray(truth, dtype=np.int64) * c + np.asarray(predicted, dtype=np.int64)
    counts = np.bincount(cell, weights=weight, minlength=c * c).reshape(c, c).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        right = counts.diagonal()
        recall, precision = right / counts.sum(axis=1), right / counts.sum(axis=0)
    return Confusion(tuple(map(str, classes)), counts, recall, precision)


def roc(score: Any, truth: Any, weight: Any = None) -> Roc:
    """Return the receiver operating characteristic of scores (n,) for truth (n,) of 0 and 1.

    Raises
    ------
    InputError
        If a label is missing, or a score is not a number.
    """
    negative, positive, threshold = _above(score, truth, weight, "A ROC curve")
    false, true = negative / negative[-1], positive / positive[-1]
    start = np.zeros(1)
    false, true = np.concatenate([start, false]), np.concatenate([start, true])
    area = float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))
    return Roc(false, true, np.concatenate([[np.inf], threshold]), area)


def precision_recall(score: Any, truth: Any, weight: Any = None) -> PrecisionRecall:
    """Return precision against recall of scores (n,) for truth (n,) of 0 and 1.

    Raises
    ------
    InputError
        If a label is missing, or a score is not a number.
    """
    negative, positive, threshold = _above(score, truth, weight, "A precision-recall curve")
    with np.errstate(invalid="ignore"):
        precision = positive / (positive + negative)
    precision = np.where(np.isnan(precision), 1.0, precision)  # above are rows of weight 0 only
    recall = positive / positive[-1]
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return PrecisionRecall(
        np.concatenate([[1.0], precision]),
        np.concatenate([[0.0], recall]),
        np.concatenate([[np.inf], threshold]),
        average,
        float(positive[-1] / (positive[-1] + negative[-1])),
    )


def _above(score: Any, truth: Any, weight: Any, what: str) -> tuple[Array, Array, Array]:
    """Return the weight of both labels at or above each different score, highest first."""
    score, truth = np.asarray(score, dtype=np.float64), np.asarray(truth).astype(bool)
    w = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=np.float64)
    if np.isnan(score).any():
        msg = (
            f"{what} sorts rows by score, and {np.isnan(score).sum()} scores are no numbers; take "
            "a step before the run diverged."
        )
        raise InputError(msg)
    order = np.argsort(-score, kind="stable")
    score, truth, w = score[order], truth[order], w[order]
    last = np.flatnonzero(score != np.append(score[1:], np.nan))  # NaN differs from all
    positive, negative = np.cumsum(w * truth), np.cumsum(w * ~truth)
    if not len(score) or not positive[-1] or not negative[-1]:
        msg = f"{what} compares two labels, and there are not rows of both; take more rows."
        raise InputError(msg)
    return negative[last], positive[last], score[last]


def calibration(p: Any, truth: Any, bins: int = _DEFAULT_BINS, weight: Any = None) -> Calibration:
    """Return how often events of probability p (n,) happened, in bins of equal width.

    A probability on an edge belongs to the bin below.  Where rows are weighed, the interval is
    that of as many equal rows as carry the same information, (sum w)² / sum w².

    Raises
    ------
    InputError
        If there is no row, or a probability is outside 0 to 1.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am.
    Stat. Assoc. 22 (1927).
    """
    p, truth = np.asarray(p, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    w = np.ones(len(p)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(p) or not ((p >= 0) & (p <= 1)).all() or not w.any():
        found = "there is none" if not len(p) else "some are outside, or no row has weight"
        msg = (
            f"A calibration curve needs rows with probabilities of 0 to 1; {found}. Take another "
            "part of the rows, or an earlier step."
        )
        raise InputError(msg)
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], p)
    mass, rows = np.bincount(place, w, bins), np.bincount(place, w > 0, bins)
    used = mass > 0
    mass, squares = mass[used], np.bincount(place, w * w, bins)[used]
    mean = np.bincount(place, w * p, bins)[used] / mass
    share = np.bincount(place, w * truth, bins)[used] / mass
    low, high = wilson(share, mass * mass / squares)
    gap = float(mass @ np.abs(share - mean) / mass.sum())
    brier = float(np.average((p - truth) ** 2, weights=w))
    held = np.column_stack([edges[:-1], edges[1:]])[used]
    return Calibration(held, mean, share, low, high, rows[used].astype(int), gap, brier)


def wilson(share: Any, n: Any, z: float = Z95) -> tuple[Array, Array]:
    """Return Wilson's interval for shares of n rows: the p with |share - p| <= z sqrt(p(1-p)/n).

    >>> wilson(0.5, 10)[0].round(4), wilson(0.0, 10)[1].round(4)
    (np.float64(0.2366), np.float64(0.2775))
    """
    share, n = np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64)
    middle = share + z * z / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (middle - reach) / scale, (middle + reach) / scale
    return np.clip(low, 0.0, share), np.clip(high, share, 1.0)  # rounding must not pass the share


def residuals(run: Run | Judged, part: str | None = None) -> Residuals:
    """Return what was true less what was predicted.

    Parameters
    ----------
    run
        Of numbers, with its rows attached; or rows that are judged already.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.

    Raises
    ------
    InputError
        If the run predicts labels, or has no rows at hand.
    """
    found = run if isinstance(run, tuple) else judged(run, part)
    if found.truth.dtype.kind != "f":
        msg = (
            "Residuals are differences of numbers, and this run predicts labels; look at its "
            "confusion matrix instead."
        )
        raise InputError(msg)
    with np.errstate(all="ignore"):
        left = found.truth - found.predicted
    return Residuals(
        found.part, found.predicted, found.truth, left, found.weight, found.rows, found.sentence
    )
