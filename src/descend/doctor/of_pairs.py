"""Histories whose loss compared every score with every target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.doctor.curves import arrived
from descend.doctor.findings import Finding, Fix
from descend.doctor.recomputing import Meaning, meaning, of_scores, sigmoid, targets
from descend.doctor.retracing import retraced

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# Predictions that vary by less than this share of the targets are one number.
SPREAD = 0.05
# A descent that has come so much of its way will not learn much more.
SETTLED = 0.9


def broadcast(chart: Chart) -> Finding | None:
    """Find losses that are those of every score with every target, computed again from the rows.

    Or, where only the final scores came along: they are the same for every row, the mean of the
    targets, though a straight line through the rows does far better, and the loss has settled.
    """
    if chart.run is not None:
        return None
    found, again = meaning(chart), retraced(chart)
    of_pairs = found.loss if found is not None and found.kind == "broadcast" else None
    if again is not None and again.crossed:
        of_pairs = "squared error"
    if of_pairs is not None:
        return _broadcast(chart, f"its figures are those of the {of_pairs} averaged over all pairs")
    last = _last(chart, found)
    loss = chart.of("loss")
    if last is None or loss is None or not np.isfinite(loss[-1]):
        return None
    scores, y = last
    claimed = of_scores(scores, y, float(loss[-1]))
    if claimed is not None:
        return _broadcast(
            chart, f"its last figure is that of the {claimed} averaged over all pairs"
        )
    settled = (arrived(loss) or 0.0) > SETTLED
    one = _is_the_mean(scores, y, float(loss[-1])) or _is_the_mean(
        sigmoid(scores), y, float(loss[-1])
    )
    if settled and one and _told(chart, y) > 0.3:  # noqa: PLR2004 - a line does far better
        return _broadcast(
            chart, "the predictions have become the mean of the targets for every row"
        )
    return None


def _last(chart: Chart, found: Meaning | None) -> tuple[Floats, Floats] | None:
    """Return the final scores and the targets, (n,) each, or None."""
    y, scores, theta = targets(chart), chart.of("scores"), chart.of("theta")
    if scores is None and found is not None and theta is not None:
        scores = found.scores(theta[-1])
    if y is None or scores is None:
        return None
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores  # noqa: PLR2004
    usable = scores.shape == y.shape and np.isfinite(scores).all() and y.std() > 0
    return (scores, y) if usable else None


def _is_the_mean(predicted: Floats, y: Floats, loss: float) -> bool:
    """Tell whether predictions are one number, the mean of the targets, and cost what it costs."""
    near = SPREAD * y.std()
    if predicted.std() >= near or abs(predicted.mean() - y.mean()) >= near:
        return False
    costs = [float(y.var())]
    p = float(y.mean())
    if np.isin(y, (0.0, 1.0)).all() and 0 < p < 1:
        costs.append(float(-p * np.log(p) - (1 - p) * np.log(1 - p)))
    scales = (0.5, 1.0, len(y), len(y) ** 2)
    return any(abs(loss - k * c) <= SPREAD * k * c for c in costs for k in scales)


def _told(chart: Chart, y: Floats) -> float:
    """Return the share of the targets' variance that a straight line through the rows tells."""
    X, _ = chart.given or (None, None)
    try:
        X = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        return 0.0
    X = X[:, None] if X.ndim == 1 else X
    if X.ndim != 2 or len(X) != len(y) or not np.isfinite(X).all() or len(y) < 3 * X.shape[1]:  # noqa: PLR2004
        return 0.0
    design = np.column_stack([X - X.mean(axis=0), np.ones(len(y))])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    spare = max(len(y) - design.shape[1], 1)
    return float(1.0 - rest.var() / y.var() * len(y) / spare)


def _broadcast(chart: Chart, how: str) -> Finding:
    y = targets(chart)
    return Finding(
        "broadcast",
        "illness",
        f"The loss compares every score with every target: {how}, as (n, 1) minus (n,) makes "
        "(n, n) of them, so the best it can do is to predict the mean.",
        {} if y is None else {"rows": len(y), "targets' spread": float(y.std())},
        Fix("give scores and targets the same shape before subtracting them"),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (broadcast,)
