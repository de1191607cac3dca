"""What was learnt: too little, or (`of_overfit`) too much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, optimum
from descend.doctor import of_overfit
from descend.doctor.course import at_rest, diverged
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import as_targets, left, nearest, spread, standard
from descend.doctor.of_overfit import row_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# Which share of what is left must be there to be explained.
STRUCTURE = 0.5
# And which share of the target's variance that must be: less is a polish, not a cure.
WORTH = 0.1
MOST_ROWS = 4096
# Columns up to which nearest neighbours are near, and squares and products few.
NEAR, PRODUCTS = 8, 30


class Structure(NamedTuple):
    """What is left of a target, and could be explained.

    Attributes
    ----------
    share
        Of the variance of what is left.
    how
        In words.
    """

    share: float
    how: str


def underfit(chart: Chart) -> Finding | None:
    """Find structure in what a finished run has left unexplained.

    Noise is what neighbours do not share: half the mean squared difference of a residual and its
    nearest neighbour's estimates the variance of the noise alone (the delta test), so 1 less its
    share of the whole is structure.  In more columns, squares and products of columns are fitted
    to the residuals (Ramsey's test), corrected for how many there are.  Ill where at least half
    of what is left is structure, and a tenth of the target's variance, for every table has a
    little; and for linear models, where a
    penalty keeps at least half from being explained.  A run that has not come to rest is none
    of this rule's business, and one that is at rest at its noise has no structure left.
    """
    run, rows = chart.run, chart.rows
    if run is None or rows is None or chart.custom or diverged(chart):
        return None
    rest = _residuals(chart)
    if rest is None or len(rest) < 50:  # noqa: PLR2004 - too few to tell
        return None
    held_down = _held_down(chart)
    if held_down is not None:
        return held_down if at_rest(chart) else None
    found = _structure(rows.X, rest)
    if found is None or found.share * _left_over(chart, rest) < WORTH or not at_rest(chart):
        return None
    return _too_weak(chart, found)


def _left_over(chart: Chart, rest: Floats) -> float:
    """Return which share of the target's variance the run leaves."""
    if chart.rows is None:
        return 0.0
    target = as_targets(chart.rows.y, rest.shape[1])
    return float(rest.var(axis=0).sum() / max(float(target.var(axis=0).sum()), 1e-300))


def _residuals(chart: Chart) -> Floats | None:
    """Return target less prediction; of labels, indicator less probability."""
    scores, rows, task = chart.end_scores, chart.rows, chart.task
    if scores is None or rows is None or task is None or not np.isfinite(scores).all():
        return None
    if chart.labels:
        if not task.loss.proper:
            return None
        return as_targets(rows.y, scores.shape[1]) - losses.predicted(task.loss, scores)
    if task.loss.name == "quantile":  # its errors are meant to lie to one side
        return None
    return rows.y.astype(np.float64) - losses.predicted(task.loss, scores)


def _structure(X: Floats, rest: Floats) -> Structure | None:
    whole = rest - rest.mean(axis=0)
    variance = float((whole**2).sum(axis=1).mean())
    if not variance > 0:
        return None
    constant = np.ptp(X, axis=0) > 0
    X = X[:, constant]
    d = X.shape[1]
    if 0 < d <= NEAR:
        near = nearest(X, 2)
        if near is not None:
            mine = whole[near.rows]
            first = mine[near.neighbours[:, 0]]
            noise = 0.5 * float(((mine - first) ** 2).sum(axis=1).mean())
            here = float((mine**2).sum(axis=1).mean())
            share = 1 - noise / max(here, 1e-300)
            if share >= STRUCTURE and _certain(mine, first):
                return Structure(share, "neighbouring rows miss alike")
    return _products(X, whole)


def _certain(mine: Floats, theirs: Floats) -> bool:
    """Tell whether neighbours' residuals agree beyond chance: a correlation over its error."""
    together = (mine * theirs).sum(axis=1)
    error = float(together.std()) / max(len(together) - 1, 1) ** 0.5
    return bool(float(together.mean()) > 5 * error)


def _products(X: Floats, rest: Floats) -> Structure | None:
    rows = spread(len(X), MOST_ROWS)
    Z = np.clip(standard(X), -5, 5)[rows]
    n, d = Z.shape
    squares = [Z * Z]
    if d <= PRODUCTS:
        squares += [Z[:, [i]] * Z[:, i + 1 :] for i in range(d - 1)]
    more = np.column_stack([Z, *squares])
    if n < 2 * more.shape[1] + 20:
        return None
    share = 1 - float(
        (left(more, rest[rows]) * rest[rows].var(axis=0)).sum() / rest[rows].var(axis=0).sum()
    )
    if share < STRUCTURE:
        return None
    return Structure(share, "squares and products of the columns explain what is left")


def _too_weak(chart: Chart, found: Structure) -> Finding:
    net = chart.net
    width = 16 if net is None else 4 * max(net.hidden)
    hidden: tuple[int, ...] = (min(max(width, 16), 64),)
    changes: dict[str, Any] = {"hidden": hidden, "activation": "tanh"}
    task = chart.task
    if net is not None and task is not None and task.penalty is not None:
        changes = {"penalty": None}
    else:
        changes |= {"optimizer": "adam", "learning_rate": 0.01, "standardize": True, "init": "auto"}
        if task is not None and task.penalty is not None and task.penalty.l1 > 0:
            changes["penalty"] = None
    said = (
        "without its penalty" if changes == {"penalty": None} else f"with {hidden[0]} hidden units"
    )
    return Finding(
        "underfit",
        "illness",
        f"The run has come to rest, but {100 * found.share:.3g} % of what it leaves unexplained is "
        f"no noise: {found.how}, so the model is too simple for these rows.",
        {"share_of_what_is_left": found.share, "by": found.how},
        Fix(f"take a net {said}", changes),
    )


def _held_down(chart: Chart) -> Finding | None:
    """Compare with the optimum without the penalty, for linear models of many rows."""
    task, sample, run = chart.task, chart.sample, chart.run
    if task is None or sample is None or run is None or task.penalty is None or not chart.linear:
        return None
    parameters = run.layout.size
    if sample.n < 5 * parameters:
        return None
    free = replace(sample, task=replace(task, penalty=None))
    best = optimum.least_of(replace(run, task=free.task), free)
    rows = chart.rows
    mine = None if rows is None else row_losses(chart, chart.end, rows)
    if best is None or mine is None:
        return None
    own = losses.reduce(mine, rows.weights if rows is not None else None, task.reduction)
    knows_nothing = chart.constant_loss
    if knows_nothing is None:
        return None
    could = knows_nothing - best[0]
    # At least a twentieth of the whole could be explained at all, and half of that was not.
    if could <= 0.05 * abs(knows_nothing) or own - best[0] <= STRUCTURE * could:
        return None
    return Finding(
        "underfit",
        "illness",
        f"The penalty {task.penalty.name} holds the weights down so far that the loss stays at "
        f"{own:.4g}, where {best[0]:.4g} could be reached and knowing nothing gives "
        f"{knows_nothing:.4g}.",
        {"loss": own, "loss_without_penalty": best[0], "loss_of_a_constant": knows_nothing},
        Fix("leave the penalty out, or make it far smaller", {"penalty": None}),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (*of_overfit.RULES, underfit)
