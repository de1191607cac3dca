"""Losses and gradients that are not what they should be.

Only parts of one's own can be wrong: what this library brings is judged by its tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.custom import CustomLoss, CustomModel
from descend.doctor.findings import Finding, Fix
from descend.doctor.gradients import disagreement

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart

# Rows that a loss is asked about, and how sure of a label it is asked to be.
ASKED, SURE = 256, (1.0, 3.0, 10.0)
# How far from the target, in its deviations.
FAR = (0.0, 0.25, 1.0, 4.0, 16.0)
# What floating point leaves of two equal sums.
SAME = 1e-9
# A score that changes by half its spread with the rows beside it says nothing of its own row.
MIXED = 0.5


def loss_upside_down(chart: Chart) -> Finding | None:
    """Find a loss that is smaller the further the scores are from the targets.

    The loss itself is asked.  Labels: it is upside down if being sure of the wrong label costs
    less than being sure of the right one, at every sureness.  Numbers: as the score moves along a
    line through the target, every loss of a prediction is a valley, or falls on one side; a peak,
    lower both ways, is what a lost minus makes of a valley.  A likelihood or a utility that may
    be negative is a valley still, and what falls on one side only is left alone.
    """
    asked = _asked(chart)
    if asked is None or not upside_down(*asked):
        return None
    first, last = chart.start_loss, chart.end_loss
    seen: dict[str, Any] = {"loss at the start": first, "loss at the end": last}
    seen |= _agreement(chart)
    fell = (
        f"; it fell from {first:.4g} to {last:.4g} while the predictions left the targets"
        if first is not None and last is not None and last < first
        else ""
    )
    return Finding(
        "wrong-sign",
        "illness",
        f"The loss {asked[0].label!r} is smaller the further a prediction is from its target, so "
        f"what was minimised is its opposite{fell}.",
        seen,
        Fix("put the lost minus back: return the loss with its sign turned round"),
    )


def _asked(chart: Chart) -> tuple[CustomLoss, Array, int] | None:
    """Return the loss of one's own, some targets, and how many scores a row has."""
    task, rows, scores = chart.task, chart.rows, chart.start_scores
    if task is None or rows is None or scores is None or not isinstance(task.loss, CustomLoss):
        return None
    if task.loss.function is None:
        return None
    y = rows.y[:ASKED]
    return task.loss, y if y.dtype.kind == "i" else y.astype(np.float64), scores.shape[1]


def upside_down(loss: CustomLoss, y: Array, k: int) -> bool:
    """Tell whether a loss of one's own prefers to be wrong."""
    try:
        if loss.targets == "labels":
            right = np.eye(k)[y]
            return _prefers_wrong(loss, y, 2 * right - 1)
        values = np.unique(y)
        if len(values) == 2:  # noqa: PLR2004 - two labels, whatever they are called
            return _prefers_wrong(loss, y, np.where(y == values[1], 1.0, -1.0))
        return _is_a_peak(loss, np.asarray(y, dtype=np.float64))
    except Exception:  # noqa: BLE001 - a loss need not take what it was never given
        return False


def _prefers_wrong(loss: CustomLoss, y: Array, sign: Floats) -> bool:
    """Tell whether each label's own rows cost more when they are right, however sure."""
    labels = y if y.ndim == 1 else y[:, 0]
    for sure in SURE:
        dearer = np.asarray(loss.rows(sure * sign, y)) - np.asarray(loss.rows(-sure * sign, y))
        if not all(np.median(dearer[labels == label]) > 0 for label in np.unique(labels)):
            return False
    return True


def _is_a_peak(loss: CustomLoss, y: Floats) -> bool:
    """Tell whether the loss along a line through the target is a peak for most rows."""
    spread = float(y.std())
    if not spread > 0:
        return False
    steps = np.array([*(-t for t in FAR[:0:-1]), *FAR]) * spread
    costs = np.array([loss.rows(y + step, y) for step in steps])
    with np.errstate(invalid="ignore"):
        rises = np.nan_to_num(np.diff(costs, axis=0))
    top = np.nanargmax(costs, axis=0)
    before = np.arange(len(steps) - 1)[:, None] < top
    outward = np.where(before, -rises, rises)  # away from the top, whichever side
    peak = (outward <= 0).all(axis=0) & (costs[0] < costs.max(axis=0))
    peak &= costs[-1] < costs.max(axis=0)
    valley = (costs.min(axis=0) < costs[0]) & (costs.min(axis=0) < costs[-1])
    return bool(peak.mean() > MIXED and not valley.any())


def _agreement(chart: Chart) -> dict[str, Any]:
    """Return how predictions and targets go together at the end."""
    scores, rows = chart.end_scores, chart.rows
    if scores is None or rows is None or not np.isfinite(scores).all():
        return {}
    if rows.y.ndim == 1:
        return {"accuracy": float((scores.argmax(axis=1) == rows.y).mean())}
    if scores.shape != rows.y.shape or not (scores[:, 0].std() and rows.y[:, 0].std()):
        return {}
    found = np.corrcoef(scores[:, 0], rows.y[:, 0].astype(float))[0, 1]
    return {"correlation of score and target": float(found)}


# ---------------------------------------------------------------- rows that meet


def every_score_with_every_target(chart: Chart) -> Finding | None:
    """Find a loss that does not care which target belongs to which row.

    A column of scores minus a row of targets is every score against every target, and its sum is
    the same whatever order the targets are in.  No loss that compares each score with its own
    target is: so the targets are given another order, and whether they matter at all is seen by
    moving them.  A loss that uses its neighbours as well (balanced weights, ranks, contrasts)
    still depends on the order.
    """
    asked = _asked(chart)
    if asked is None:
        return None
    loss, y, k = asked
    what = _regardless(loss, y, k)
    if what is None:
        return None
    scores = chart.end_scores
    seen = {} if scores is None else {"spread of the predictions": float(scores.std())}
    return Finding(
        "broadcast",
        "illness",
        f"The {what} of {loss.label!r} stays the same when the targets change places among the "
        "rows: every score is compared with every target, as (n, 1) minus (n,) does by making "
        "(n, n), so the best it can do is to predict the same for every row.",
        {"rows looked at": len(y), **seen, "targets": float(np.asarray(y).std())},
        Fix("give scores and targets the same shape before they meet: y.reshape(scores.shape)"),
    )


def _regardless(loss: CustomLoss, y: Array, k: int) -> str | None:
    """Return what does not depend on the order of the targets: the loss, its gradient, or None."""
    rng = np.random.default_rng(0)
    wide = np.asarray(y, dtype=np.float64)
    if len(y) < 4 or not wide.std() > 0:  # noqa: PLR2004 - too few to change places
        return None
    labels = loss.targets == "labels"
    size, middle = (1.0, 0.0) if labels or len(np.unique(y)) == 2 else (wide.std(), wide.mean())  # noqa: PLR2004
    scores = middle + size * rng.standard_normal((len(y), k))
    orders = [rng.permutation(len(y)) for _ in range(3)]
    try:
        if _unmoved(lambda s, t: np.sum(loss.rows(s, t)), scores, y, orders):
            return "loss"
        if loss.gradient is not None and (
            _unmoved(loss.slopes, scores, y, orders)
            or _unmoved(lambda t, s: loss.slopes(s, t), y, scores, orders)
        ):
            return "gradient"
    except Exception:  # noqa: BLE001 - a loss need not take what it was never given
        return None
    return None


def _unmoved(function: Callable[..., Any], kept: Array, moved: Array, orders: list[Array]) -> bool:
    """Tell whether the second argument matters to a function, and its order does not."""
    whole = np.asarray(function(kept, moved), dtype=np.float64)
    # All the same: as many labels changed one way as the other would leave a mean as it is.
    changed = np.full_like(moved, moved.max())
    if not np.isfinite(whole).all() or _close(whole, function(kept, changed)):
        return False
    return all(_close(whole, function(kept, moved[order])) for order in orders)


def _close(a: Any, b: Any) -> bool:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return bool(np.abs(a - b).max() <= SAME * np.abs(a).max())


def rows_mixed(chart: Chart) -> Finding | None:
    """Find a model whose score of a row depends on which rows are beside it.

    Half the rows are scored alone, as the model evaluates (so that a batch norm uses what it has
    learnt), and compared with their scores among all.
    """
    run, rows = chart.run, chart.few
    if run is None or rows is None or not isinstance(run.task.model, CustomModel):
        return None
    half = len(rows.X) // 2
    worst = 0.0
    for theta in (chart.start, chart.end):
        if theta is None or not np.isfinite(theta).all() or half < 2:  # noqa: PLR2004
            continue
        try:
            whole = run.task.model.scores(theta, rows.X)
            alone = run.task.model.scores(theta, rows.X[:half])
        except Exception:  # noqa: BLE001 - a model may insist on a number of rows
            return None
        spread = float(np.std(whole, axis=0).max())
        apart = float(np.sqrt(np.mean((alone - whole[:half]) ** 2)))
        size = max(spread, SAME * float(np.abs(whole).max()), np.finfo(float).tiny)
        worst = max(worst, apart / size if np.isfinite(apart) else 0.0)
    if worst <= 1e-4:  # noqa: PLR2004 - what single precision leaves of equal scores
        return None
    return Finding(
        "broadcast",
        "illness" if worst > MIXED else "information",
        f"The model {run.task.model.label!r} gives a row another score when other rows are beside "
        f"it: half the rows alone differ from the same among all by {worst:.2g} of the spread of "
        "the scores. Rows meet inside it, by a mean over the rows or by a column that met a row.",
        {"difference in spreads": worst, "rows": half},
        Fix("compute each row from itself: take means and softmaxes over the last axis"),
    )


def softmax_over_rows(chart: Chart) -> Finding | None:
    """Find probabilities of labels that add up over the rows, not over the labels.

    What the loss gives a row for label c is -log of a probability; over the labels of one row
    these are 1 together.  Where they are 1 over the rows instead, or over everything, the sum
    below the fraction ran along the wrong axis.
    """
    asked = _asked(chart)
    if asked is None or asked[0].targets != "labels":
        return None
    loss, y, k = asked
    scores = np.random.default_rng(0).standard_normal((len(y), k))
    try:
        costs = [loss.rows(scores, np.full_like(y, label)) for label in range(k)]
        p = np.exp(-np.stack(costs, axis=1).astype(np.float64))
    except Exception:  # noqa: BLE001 - a loss need not take what it was never given
        return None
    off = np.abs(p.sum(axis=1) - 1).max() > SAME * len(y)
    over_rows = np.abs(p.sum(axis=0) - 1).max() < SAME * len(y)
    over_all = abs(p.sum() - 1) < SAME * len(y)
    if len(y) <= k or not off or not (over_rows or over_all):
        return None
    where = "the rows" if over_rows else "everything"
    return Finding(
        "broadcast",
        "illness",
        f"The probabilities in {loss.label!r} add up to 1 over {where}, not over "
        "the labels of each row: its softmax sums along the wrong axis, so rows take "
        "probability from one another.",
        {"sum over a row's labels": float(p.sum(axis=1).mean()), "rows": len(y)},
        Fix("take the softmax of each row: sum over the last axis, with keepdims"),
    )


# ---------------------------------------------------------------- gradients


def gradient_by_hand(chart: Chart) -> Finding | None:
    """Find a gradient that is not that of the loss: see `descend.doctor.gradients`."""
    if not chart.custom:
        return None
    found = disagreement(chart)
    if found is None:
        return None
    asked = _asked(chart)
    if found.code == "wrong-sign" and asked is not None and upside_down(*asked):
        return None  # it is the loss that is upside down, and said already
    if asked is not None and _regardless(*asked) is not None:
        return None  # as is that targets and rows do not belong together
    return Finding(found.code, "illness", found.sentence, found.evidence, Fix(found.fix))


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    loss_upside_down,
    every_score_with_every_target,
    softmax_over_rows,
    rows_mixed,
    gradient_by_hand,
)
