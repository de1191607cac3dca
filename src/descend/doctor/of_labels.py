"""What labels do: a rare class, and classes that can be separated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import penalties
from descend.arrays import Array, Floats
from descend.doctor.course import diverged, way
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import logistic_line, ranks
from descend.engines import scores_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart, Rows

# A class is rare below this part of an equal share; and it must have a few rows at least.
RARE, RARE_OF_MANY, FEWEST = 0.25, 0.2, 5
# It is nearly never predicted where fewer than this share of its rows are.
FOUND, SAID = 0.25, 0.5
# When a run has learnt more than how often each label comes; of linear ones the way is known.
NOT_CONSTANT, MOST_OF_THE_WAY = 0.99, 0.8
# A hinge that says one class every time is at its end within this; and rows for a new ranking.
NEARLY_CONSTANT, ROWS_TO_A_COLUMN = 1.1, 10
# How well scores must rank it: the area under the curve, and how improbable by chance.
RANKED, SIGMAS = 0.7, 4.0


class Outcomes(NamedTuple):
    """Labels beside log-probabilities up to a row's constant.

    Attributes
    ----------
    scores, y
        (m, k), and integer labels (m,).
    """

    scores: Floats
    y: Array


def outcomes(chart: Chart, theta: Floats | None, rows: Rows | None) -> Outcomes | None:
    """Return scores of each class and labels, for one label per row; None otherwise."""
    scores = chart.scores(theta, rows)
    if not chart.labels or rows is None or scores is None or not np.isfinite(scores).all():
        return None
    if rows.y.ndim == 1:
        return Outcomes(scores, rows.y)
    if rows.y.shape[1] != 1:
        return None
    both = np.column_stack([np.zeros(len(scores)), scores[:, 0]])
    return Outcomes(both, rows.y[:, 0].astype(np.int64))


def _classes(chart: Chart) -> list[Any]:
    return list(chart.run.classes or []) if chart.run is not None else []


# ---------------------------------------------------------------- a rare class


def class_imbalance(chart: Chart) -> Finding | None:
    """Find a rare class that the model ranks well and yet (nearly) never predicts.

    Rare: at most a quarter of an equal share (12.5 %, of two).  Never predicted: fewer than a
    quarter of its rows, and it is said of no more than half as many.  Ranked well: the area
    under the curve is at least 0.7 and four deviations above chance
    (Hanley and McNeil's bound), so that a balanced choice would do better, and labels nothing can
    tell do not count.  Of a run that is no better than a constant nothing is said: its scores may
    be alike because it hardly moved; except of a hinge, for which saying the larger class every
    time is (nearly) the optimum: there a logistic regression tells what could be ranked.
    """
    found = outcomes(chart, chart.end, chart.rows)
    if found is None or diverged(chart):
        return None
    k = found.scores.shape[1]
    ranking = found
    constant = _says_one_class(chart, found)
    if constant:
        ranking = _ranked_anew(chart, found) or found
    counts = np.bincount(found.y, minlength=k)
    chosen = found.scores.argmax(axis=1)
    for c in np.argsort(counts):
        n = int(counts[c])
        if n < FEWEST or n > (RARE if k == 2 else RARE_OF_MANY) / k * len(found.y):  # noqa: PLR2004
            continue
        right = int(((chosen == c) & (found.y == c)).sum())
        if right > FOUND * n or int((chosen == c).sum()) > SAID * n:
            continue
        area = _area(ranking, int(c))
        error = 0.5 / math.sqrt(min(n, len(found.y) - n))
        if area < max(
            RANKED,
            0.5 + SIGMAS * error / math.sqrt(3),
        ):
            continue
        if not constant and not has_learnt(chart):
            return None
        return _rare(chart, found, int(c), right, area)
    return None


def _says_one_class(chart: Chart, found: Outcomes) -> bool:
    """Tell whether a hinge has come to its constant: to say the larger of two classes every time.

    Where a class is rare that is the optimum itself, or nearly, and the scores are all alike.
    """
    task, end, constant = chart.task, chart.end_loss, chart.constant_loss
    if task is None or task.loss.proper or found.scores.shape[1] != 2:  # noqa: PLR2004
        return False
    if end is None or constant is None or task.loss.targets != "two labels":
        return False
    said = found.scores.argmax(axis=1)
    return bool((said == said[0]).all()) and end <= NEARLY_CONSTANT * constant


def _ranked_anew(chart: Chart, found: Outcomes) -> Outcomes | None:
    """Return scores of a logistic regression on the same rows, which tell what could be told."""
    rows = chart.rows
    if rows is None or len(found.y) < ROWS_TO_A_COLUMN * rows.X.shape[1]:
        return None
    scores = logistic_line(rows.X, found.y.astype(np.float64))
    if scores is None:
        return None
    return Outcomes(np.column_stack([np.zeros(len(scores)), scores]), found.y)


def has_learnt(chart: Chart) -> bool:
    """Tell whether the run went most of its way, or does better than any constant would.

    From scores that are all alike the first thing learnt is how often each label comes; only
    after that is a label that is not predicted one that was not chosen.
    """
    end, constant = chart.end_loss, chart.constant_loss
    if end is not None and constant is not None and end < NOT_CONSTANT * constant:
        return True
    gone = way(chart)
    return gone is not None and gone >= MOST_OF_THE_WAY


def _area(found: Outcomes, c: int) -> float:
    """Return the area under the curve of one class against all others."""
    others = np.delete(found.scores, c, axis=1)
    odds = found.scores[:, c] - np.logaddexp.reduce(others, axis=1)
    places = ranks(odds)
    mine = found.y == c
    n, m = int(mine.sum()), int((~mine).sum())
    return float((places[mine].sum() - n * (n + 1) / 2) / (n * m))


def _rare(chart: Chart, found: Outcomes, c: int, right: int, area: float) -> Finding:
    counts = np.bincount(found.y, minlength=found.scores.shape[1])
    n, total = int(counts[c]), len(found.y)
    labels = _classes(chart)
    label = labels[c] if c < len(labels) else c
    accuracy = float((found.scores.argmax(axis=1) == found.y).mean())
    majority = float(counts.max() / total)
    return Finding(
        "class-imbalance",
        "illness",
        f"Only {100 * n / total:.3g} % of the rows are {label!r}, and the model says so of "
        f"{right} of those {n}; its accuracy of {accuracy:.4g} is about what saying the largest "
        f"class every time gives ({majority:.4g}), though its scores do rank {label!r} higher.",
        {
            "class": label,
            "rows": n,
            "found": right,
            "accuracy": accuracy,
            "largest_class": majority,
            "area_under_the_curve": area,
        },
        Fix("weigh rows so that all classes count alike", {"class_weight": "balanced"}),
    )


# ---------------------------------------------------------------- classes that can be separated

# Below this mean loss all rows are right by a margin, and growing weights is all that happens.
SURE = 0.05


def perfect_separation(chart: Chart) -> Finding | None:
    """Find a linear model under cross-entropy, without penalty, that tells all rows right.

    Then scaling the weights up lowers the loss for ever: there is no optimum to arrive at, only
    a direction (A. Albert and J. Anderson, Biometrika 71, 1984).  Positive margins on ALL training
    rows prove it, also where it was certain beforehand, with no more rows than parameters.  Ill
    where the loss is below 0.05 per row, the stage at which the growth of the weights is all that
    happens; else, and with restored parameters, it is only mentioned.
    """
    run, problem, end = chart.run, chart.problem, chart.end
    if run is None or problem is None or end is None or not chart.linear or chart.custom:
        return None
    task = run.task
    if task.loss.name not in {"logistic", "softmax"} or task.penalty is not None:
        return None
    if diverged(chart) or _decays(task.optimizer.rule):
        return None
    margins = _margins(chart)
    if margins is None or not margins.min() > 0:
        return None
    parameters = run.layout.size // run.setup.k
    loss = chart.end_loss or 0.0
    per_row = loss if task.reduction == "mean" else loss / problem.n
    wide = problem.n <= parameters
    restored = run.outcome.best_step is not None
    ill = per_row < SURE and not restored
    why = f"With {problem.n} rows and {parameters} parameters that is always so: " if wide else ""
    return Finding(
        "perfect-separation",
        "illness" if ill else "information",
        f"{why}Every training row is told right, with a margin of {margins.min():.3g} at least, so "
        "larger weights always give a lower loss: they grow without end, and the probabilities go "
        "to 0 and 1 whatever the data can vouch for.",
        {
            "smallest_margin": float(margins.min()),
            "length_of_weights": float(np.linalg.norm(end)),
            "loss": per_row,
        },
        Fix(
            "put a small penalty on the weights, l2(0.01)",
            {"penalty": penalties.l2(0.01)},
        ),
    )


def _decays(rule: Any) -> bool:
    """Tell whether the rule itself pulls weights towards 0."""
    return bool(getattr(rule, "weight_decay", 0.0))


def _margins(chart: Chart) -> Floats | None:
    """Return by how much each training row is told right, over all rows."""
    run, problem, end = chart.run, chart.problem, chart.end
    if run is None or problem is None or end is None:
        return None
    # The sample is looked at first: hardly any run gets past it.
    few = outcomes(chart, end, chart.rows)
    if few is None or not _least(few.scores, few.y) > 0:
        return None
    scores = scores_of(run.task, run.layout, run.theta, problem.X, scaling=problem.scaling)
    if problem.y.ndim == 1:
        return margins(scores, problem.y)
    both = np.column_stack([np.zeros(len(scores)), scores[:, 0]])
    return margins(both, problem.y[:, 0].astype(np.int64))


def _least(scores: Floats, y: Array) -> float:
    return float(margins(scores, y).min())


def margins(scores: Floats, y: Array) -> Floats:
    """Return each row's score of its own class less the best of the others."""
    rows = np.arange(len(y))
    own = scores[rows, y].astype(np.float64)
    others = scores.astype(np.float64).copy()
    others[rows, y] = -np.inf
    found: Floats = own - others.max(axis=1)
    return found


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    class_imbalance,
    perfect_separation,
)
