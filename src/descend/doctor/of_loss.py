"""A loss that does not fit what is predicted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from descend import losses
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import logistic_line, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart

NUMBERS = (
    "squared_error",
    "half_squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "log_cosh",
)
ENOUGH = 10
MOST_CLASSES = 10
CHANCE = 1e-6


def loss_mismatch(chart: Chart) -> Finding | None:
    """Find a loss for numbers on labels, or the squared error of a probability that is stuck.

    A target of two values is a label whatever they are called.  Whole numbers 0 … k-1, each of
    them frequent, are codes of classes; counts thin out towards their largest, so the rarest of
    them falls below a third of an equal share.  The squared error of a probability (`brier`)
    loses its slope p (1 - p) where it is sure and wrong: it is ill when a straight line under
    cross-entropy, or the nearest neighbours, tell the labels apart better than the run does.
    """
    task = chart.task
    if task is None:
        return None
    name = task.loss.name if task.loss.name != "custom" else _recognised(chart)
    if name == "brier":
        return _brier(chart)
    if name in NUMBERS:
        return _labels_as_numbers(chart, name)
    if name == "poisson":
        return _two_values_as_counts(chart)
    return None


# ---------------------------------------------------------------- numbers that are labels


def _labels_as_numbers(chart: Chart, name: str) -> Finding | None:
    table = chart.table
    if table is None or table.y.ndim != 2 or len(table.y) < ENOUGH:  # noqa: PLR2004
        return None
    y = table.y
    values = [np.unique(column, return_counts=True) for column in y.T]
    if all(len(v) == 2 and c.min() >= 2 for v, c in values):  # noqa: PLR2004
        one_hot = y.shape[1] > 1 and _zeros_and_ones(y) and bool((y.sum(axis=1) == 1).all())
        if y.shape[1] > 1 and not _zeros_and_ones(y):
            return None
        shown = "0 and 1, one 1 to a row" if one_hot else _listed(values[0][0])
        return _labels(name, f"takes two values ({shown}): a label", "logistic", values[0])
    if y.shape[1] > 1:
        return None
    found, counts = values[0]
    codes = len(found) <= MOST_CLASSES and bool((found == np.arange(len(found))).all())
    if not codes or counts.min() * 3 * len(found) < len(y) or counts.min() < 5:  # noqa: PLR2004
        return None
    what = f"holds the codes 0 to {len(found) - 1} of {len(found)} classes"
    return _labels(name, what, "softmax", values[0])


def _zeros_and_ones(y: Array) -> bool:
    return bool(np.isin(y, (0.0, 1.0)).all())


def _listed(values: Array) -> str:
    return " and ".join(f"{v:g}" for v in values)


def _labels(name: str, what: str, better: str, seen: tuple[Array, Array]) -> Finding:
    return Finding(
        "loss-mismatch",
        "illness",
        f"The target {what}, and {name} treats it as a number: it punishes a row for being "
        "right by too much, and what it predicts is no probability.",
        {"loss": name, "values": seen[0].tolist(), "rows_of_each": seen[1].tolist()},
        Fix(f"take the loss {better}", {"loss": better}),
    )


def _two_values_as_counts(chart: Chart) -> Finding | None:
    """Ask whether chance made counts 0 or 1: of mean μ they are with ((1 + μ) e^-μ)^n."""
    table = chart.table
    if table is None or table.y.shape[1] != 1 or len(table.y) < ENOUGH:
        return None
    values, counts = np.unique(table.y[:, 0], return_counts=True)
    if values.tolist() != [0.0, 1.0]:
        return None
    mean = float(table.y.mean())
    if table.total * (math.log1p(mean) - mean) > math.log(CHANCE):
        return None
    return _labels(
        "poisson",
        "is 0 or 1, and never a larger count: a label",
        "logistic",
        (values, counts),
    )


# ---------------------------------------------------------------- probabilities under a square


def _recognised(chart: Chart) -> str | None:
    """Return which loss of this library a loss of one's own is a multiple of, or None."""
    task = chart.task
    if task is None or chart.table is None or chart.table.y.ndim != 2:  # noqa: PLR2004
        return None
    y = chart.table.y
    if y.shape[1] != 1:
        return None
    values = np.unique(y)
    if len(values) > MOST_CLASSES:
        return None
    scores = np.tile(np.linspace(-4, 4, 33), len(values))[:, None]
    targets = np.repeat(values, 33)[:, None]
    try:
        own = np.asarray(task.loss(scores, targets), dtype=np.float64)
    except Exception:  # noqa: BLE001 - the function is somebody else's
        return None
    for name in ("squared_error", "brier"):
        known = losses.rows(losses.LOSSES.make(name), scores, targets)
        if own.shape != known.shape or not np.isfinite(own).all():
            continue
        factor = float(own @ known / (known @ known))
        if factor > 0 and np.allclose(own, factor * known, rtol=1e-4, atol=1e-6 * factor):
            return name
    return None


def _brier(chart: Chart) -> Finding | None:
    table, scores = chart.table, chart.end_scores
    if table is None or scores is None or scores.shape[1] != 1 or not np.isfinite(scores).all():
        return None
    y, s = table.y[:, 0], scores[:, 0]
    signs = 2 * y - 1
    own = float((signs * s > 0).mean())
    p = 1 / (1 + np.exp(-np.clip(np.abs(s), 0, 700)))
    wrong = signs * s < 0
    kept = float((4 * p * (1 - p))[wrong].mean()) if wrong.any() else 1.0
    within = _within_reach(chart, y)
    n = len(y)
    error = math.sqrt(max(own * (1 - own), 1 / n) / n)
    stuck = within is not None and within - own > max(0.03, 4 * error)
    evidence = {
        "accuracy": own,
        "accuracy_within_reach": within,
        "rows_wrong": int(wrong.sum()),
        "slope_left_of_wrong_rows": kept,
    }
    if not stuck:
        return Finding(
            "loss-mismatch",
            "information",
            "The loss is the squared error of a probability, whose slope vanishes where the model "
            "is sure and wrong; this run did not suffer from it, but cross-entropy has no such "
            "trap.",
            evidence,
            Fix("take the loss logistic", {"loss": "logistic"}),
        )
    return Finding(
        "loss-mismatch",
        "illness",
        f"The loss is the squared error of a probability, whose slope vanishes where the model is "
        f"sure and wrong: {100 * own:.3g} % of the rows are told right, where "
        f"{100 * (within or 0):.3g} % are within reach of a far simpler method.",
        evidence,
        Fix("take the loss logistic", {"loss": "logistic"}),
    )


def _within_reach(chart: Chart, y: Floats) -> float | None:
    """Return the share of rows told right by the better of two simple methods.

    A straight line under cross-entropy; and, each row left out, its nearest neighbours' vote.
    """
    found = [max(float(y.mean()), 1 - float(y.mean()))]
    line = _line(chart, y)
    if line is not None:
        found.append(line)
    few = 12
    if chart.net is not None and chart.table is not None and chart.table.given.shape[1] <= few:
        near = nearest(chart.table.X, 7)
        if near is not None:
            votes = y[near.rows][near.neighbours].mean(axis=1)
            found.append(float(((votes > 0.5) == (y[near.rows] > 0.5)).mean()))  # noqa: PLR2004
    return max(found)


def _line(chart: Chart, y: Floats) -> float | None:
    """Return the accuracy of logistic regression on the sample."""
    table = chart.table
    if table is None:
        return None
    most = 2e7
    if table.X.shape[0] * table.X.shape[1] ** 2 > most * 10:
        return None

    fitted = logistic_line(table.X, y)
    return None if fitted is None else float(((fitted > 0) == (y > 0.5)).mean())  # noqa: PLR2004


RULES: tuple[Callable[[Chart], Finding | None], ...] = (loss_mismatch,)
