"""What labels do: a rare class, wrong labels, classes that can be separated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import penalties
from descend.doctor.course import at_rest, diverged, way
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import nearest, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart, Rows

# A class is rare below this part of an equal share; and it must have a few rows at least.
RARE, FEWEST = 0.25, 5
# It is nearly never predicted where fewer than this share of its rows are.
FOUND = 0.25
# How well scores must rank it: the area under the curve, and how improbable by chance.
RANKED, SIGMAS = 0.72, 4.0
MOST_ROWS = 4096


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
    quarter of its rows, and fewer predictions than that.  Ranked well: the area under the
    curve is at least 0.72 and four deviations above chance (Hanley and McNeil's bound), so that
    a balanced choice would do better, and labels nothing can tell do not count.  Of a run that
    has not come to rest nothing is said: its scores are all alike because it has not moved yet.
    """
    found = outcomes(chart, chart.end, chart.rows)
    if found is None or diverged(chart) or not _has_learnt(chart):
        return None
    k = found.scores.shape[1]
    counts = np.bincount(found.y, minlength=k)
    chosen = found.scores.argmax(axis=1)
    for c in np.argsort(counts):
        n = int(counts[c])
        if n < FEWEST or n > RARE / k * len(found.y):
            continue
        right = int(((chosen == c) & (found.y == c)).sum())
        if right > FOUND * n or int((chosen == c).sum()) > FOUND * n:
            continue
        area = _area(found, int(c))
        error = 0.5 / math.sqrt(min(n, len(found.y) - n))
        if area < max(RANKED, 0.5 + SIGMAS * error / math.sqrt(3)):
            continue
        return _rare(chart, found, int(c), right, area)
    return None


def _has_learnt(chart: Chart) -> bool:
    gone = way(chart)
    if gone is not None:
        return gone >= 0.8  # noqa: PLR2004 - most of the way
    return at_rest(chart)


def _area(found: Outcomes, c: int) -> float:
    """Return the area under the curve of one class against all others."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    others = np.delete(found.scores, c, axis=1)
    odds = found.scores[:, c] - others.max(axis=1)
    ranks = rankdata(odds)
    mine = found.y == c
    n, m = int(mine.sum()), int((~mine).sum())
    return float((ranks[mine].sum() - n * (n + 1) / 2) / (n * m))


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


# ---------------------------------------------------------------- wrong labels

# A share of wrong labels below this is not told apart from a hard row here and there.
WRONG = 0.04
# Twice the log-likelihood ratio: chance reaches it once in 10^6 (chi-squared, one degree).
EVIDENCE = 24.0
# Which share of the rows must be far from any boundary, ...
FAR_SHARE = 0.3
# ... and how much of the error of the nearer half of those the farther half must still have.
FLAT = 0.55


def label_noise(chart: Chart) -> Finding | None:
    """Find labels that are wrong as often far from every boundary as anywhere.

    Where classes merely overlap, errors get rarer the surer the score: P(y|s) = softmax(a s).
    With a share q of labels drawn at random there is a floor that no sureness goes below:
    (1 - q) softmax(a s) + q/k.  Both are fitted to the scores, a and q; ill where q is at least 4 %,
    the likelihood ratio is beyond chance, at least 30 % of the rows lie on the floor, the error
    of the surer half of those is not much below that of the others, and the wrong rows stand
    among neighbours of another label, so that they are no group of their own which the model
    cannot tell.  A weak signal has no such floor within the scores' reach.  A model that has
    learnt how often labels are wrong shows no floor either; see `_even`.
    """
    run = chart.run
    if run is None or diverged(chart):
        return None
    for rows in _witnesses(chart):
        found = outcomes(chart, chart.end, rows)
        if found is None or len(found.y) < 100:  # noqa: PLR2004 - too few to see a floor
            continue
        floor = _floor(found) or _even(found, rows)
        if floor is not None and _alone(rows, found, floor):
            return _wrong(chart, floor, found, held=rows is chart.validation)
    return None


def _witnesses(chart: Chart) -> list[Any]:
    """Training rows, whose errors are those left by a model that tried to follow them all.

    And validation rows, where the net went on to follow its training rows into their noise.
    """
    found: list[Any] = [chart.rows] if _has_learnt(chart) or chart.net is not None else []
    history = chart.of("validation_loss")
    calm = history is not None and history[-1] <= 1.1 * float(np.nanmin(history))  # noqa: PLR2004
    if chart.validation is not None and (chart.linear or calm):
        found.append(chart.validation)
    return found


class Floor(NamedTuple):
    """What the fit of a floor found.

    Attributes
    ----------
    share
        Of labels that are wrong.
    evidence
        Twice the log-likelihood ratio.
    far
        (m,): which rows are far from every boundary.
    error
        The share of those whose label is another than what the scores say.
    """

    share: float
    evidence: float
    far: Array
    error: float


def _floor(found: Outcomes) -> Floor | None:
    rows = spread(len(found.y), MOST_ROWS)
    scores, y = found.scores[rows], found.y[rows]
    scores = scores - scores.max(axis=1, keepdims=True)
    k = scores.shape[1]
    typical = float(np.median(-np.sort(scores, axis=1)[:, -2]))
    if not typical > 0:
        return None
    best: tuple[float, float, float] | None = None
    plain = -np.inf
    shares = np.arange(0.0, 0.46, 0.01)
    for a in np.geomspace(0.1, 60.0, 40) / typical:
        e = np.exp(a * scores)
        p = e[np.arange(len(y)), y] / e.sum(axis=1)
        mixed = np.log(
            np.maximum(p[:, None] * (1 - shares * k / (k - 1)) + shares / (k - 1), 1e-300)
        ).sum(axis=0)
        plain = max(plain, float(mixed[0]))
        place = int(mixed.argmax())
        if best is None or mixed[place] > best[0]:
            best = (float(mixed[place]), float(shares[place]), float(a))
    if best is None or best[1] < WRONG or 2 * (best[0] - plain) < EVIDENCE:
        return None
    e = np.exp(best[2] * scores)
    top = e.max(axis=1) / e.sum(axis=1)
    far = top > 1 - best[1] / 4
    wrong = scores.argmax(axis=1) != y
    if far.mean() < FAR_SHARE:
        return None
    sure = np.argsort(-np.where(far, top, -1.0), kind="stable")[: int(far.sum())]
    half = len(sure) // 2
    # Sureness itself, where the softmax has reached 1 in double precision.
    margin = -np.sort(scores, axis=1)[:, -2]
    sure = sure[np.argsort(-margin[sure], kind="stable")]
    farther, nearer = float(wrong[sure[:half]].mean()), float(wrong[sure[half:]].mean())
    if farther < WRONG / 2 or farther < FLAT * nearer:
        return None
    whole = np.zeros(len(found.y), dtype=bool)
    whole[rows[far]] = True
    return Floor(best[1], 2 * (best[0] - plain), whole, float(wrong[far].mean()))


# Wrong rows of the surer half beside those of all, above what overlapping classes have.
EVEN, MORE = 0.6, 0.15
MOST_WRONG = 0.35


def _even(found: Outcomes, rows: Any) -> Floor | None:
    """Look for errors that are spread evenly, so that even the surer half has its share.

    A model that has learnt the wrong labels' share is never surer than that, and no floor shows.
    Where classes overlap, though, errors crowd at the boundary: with log-odds spread normally
    about it, the surer half has the share that `_overlap` gives.  Tables of few different rows
    are left out, for there every row may be as uncertain as any other.
    """
    if len(np.unique(rows.X, axis=0)) < len(rows.X) / 2:
        return None
    wrong = found.scores.argmax(axis=1) != found.y
    ordered = np.sort(found.scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    k = found.scores.shape[1]
    error = float(wrong.mean())
    # Labels drawn among k classes are wrong (k - 1)/k of the time; two are the reference.
    error_of_two = error * k / (2 * (k - 1))
    if not WRONG <= error_of_two <= MOST_WRONG:
        return None
    sure = np.argsort(-margin, kind="stable")[: len(margin) // 2]
    count = int(wrong[sure].sum())
    usual = _overlap(error_of_two)
    ratio = count / len(sure) / error
    if ratio < max(EVEN, usual + MORE):
        return None
    from scipy.stats import binom  # noqa: PLC0415 - slow to import

    chance = float(binom.sf(count - 1, len(sure), usual * error))
    if chance > 1e-4 or count / len(sure) < WRONG:  # noqa: PLR2004 - one table in 10 000
        return None
    far = np.zeros(len(wrong), dtype=bool)
    far[sure] = True
    return Floor(count / len(sure), -2 * math.log(max(chance, 1e-300)), far, count / len(sure))


def _overlap(error: float) -> float:
    """Return the error of the surer half beside that of all, for log-odds spread normally."""
    from scipy.special import expit, ndtri  # noqa: PLC0415 - slow to import

    places = np.abs(ndtri((np.arange(400) + 0.5) / 800))[::-1]  # from 0 on
    errors = [expit(-spread_ * places) for spread_ in np.geomspace(0.3, 40.0, 60)]
    nearest_ = min(errors, key=lambda e: abs(float(e.mean()) - error))
    return float(nearest_[200:].mean() / nearest_.mean())


def _alone(rows: Any, found: Outcomes, floor: Floor) -> bool:
    """Tell whether wrong rows far from the boundaries stand among neighbours of another label."""
    k = 8
    near = nearest(rows.X, k)
    if near is None:
        return True
    chosen = found.scores.argmax(axis=1)
    wrong = (floor.far & (chosen != found.y))[near.rows]
    if wrong.sum() < 3:  # noqa: PLR2004 - none of the few that were looked at
        return bool(floor.error > WRONG)
    labels = found.y[near.rows]
    agree = (labels[near.neighbours] == labels[:, None]).mean(axis=1)
    usual = (labels[near.neighbours] == chosen[near.rows][:, None]).mean(axis=1)
    # Neighbours of a wrong row side with what the model says of it, rather than with its label.
    return bool(agree[wrong].mean() < 0.5 * usual[wrong].mean())  # noqa: PLR2004


def _wrong(chart: Chart, floor: Floor, found: Outcomes, *, held: bool) -> Finding:
    chosen = found.scores.argmax(axis=1)
    rows = chart.validation if held else chart.rows
    wrong = np.flatnonzero(floor.far & (chosen != found.y))
    index = [] if rows is None else rows.index[wrong].tolist()
    where = "validation rows" if held else "rows"
    changes: dict[str, Any] = {}
    whole = rows is not None and rows.total == len(rows.index)
    if not held and whole:
        changes = {"drop_rows": index}
    return Finding(
        "label-noise",
        "illness",
        f"About {100 * floor.share:.2g} % of the labels contradict their surroundings: even among "
        f"the {where} the model is surest of, {100 * floor.error:.2g} % have another label, and "
        "that does not get better with sureness, as it does where classes overlap.",
        {
            "share_of_labels": floor.share,
            "error_where_sure": floor.error,
            "log_likelihood_ratio": floor.evidence,
            "suspicious_rows": index,
        },
        Fix("look at the suspicious rows, and correct their labels or leave them out", changes),
    )


# ---------------------------------------------------------------- classes that can be separated

# Below this mean loss all rows are right by a margin, and growing weights is all that happens.
SURE = 0.05


def perfect_separation(chart: Chart) -> Finding | None:
    """Find a linear model under cross-entropy, without penalty, that tells all rows right.

    Then scaling the weights up lowers the loss for ever: there is no optimum to arrive at, only
    a direction (A. Albert and J. Anderson, Biometrika 71, 1984).  Positive margins on ALL training
    rows prove it.  Ill where the loss is below 0.05 per row, the stage at which the growth of the
    weights is all that happens; else, and with restored parameters, or no more rows than
    parameters, where separation is certain beforehand, it is only mentioned.
    """
    run, problem, end = chart.run, chart.problem, chart.end
    if run is None or problem is None or end is None or not chart.linear or chart.custom:
        return None
    task = run.task
    if task.loss.name not in {"logistic", "softmax"} or task.penalty is not None:
        return None
    if diverged(chart) or getattr(task.optimizer.rule, "decay", 0.0):
        return None
    margins = _margins(chart)
    if margins is None or not margins.min() > 0:
        return None
    parameters = run.layout.size // run.setup.k
    loss = chart.end_loss or 0.0
    per_row = loss if task.reduction == "mean" else loss / problem.n
    wide = problem.n <= parameters
    restored = run.outcome.best_step is not None
    ill = per_row < SURE and not wide and not restored
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


def _margins(chart: Chart) -> Floats | None:
    """Return by how much each training row is told right, over all rows."""
    from descend.engines import scores_of  # noqa: PLC0415 - the one rule that needs all rows

    run, problem, end = chart.run, chart.problem, chart.end
    if run is None or problem is None or end is None:
        return None
    # The sample is looked at first: hardly any run gets past it.
    few = outcomes(chart, end, chart.rows)
    if few is None or not _least(few.scores, few.y) > 0:
        return None
    scores = scores_of(run.task, run.layout, run.theta, problem.X, scaling=problem.scaling)
    if problem.y.ndim == 1:
        return _by(scores, problem.y)
    both = np.column_stack([np.zeros(len(scores)), scores[:, 0]])
    return _by(both, problem.y[:, 0].astype(np.int64))


def _least(scores: Floats, y: Array) -> float:
    return float(_by(scores, y).min())


def _by(scores: Floats, y: Array) -> Floats:
    rows = np.arange(len(y))
    own = scores[rows, y].astype(np.float64)
    others = scores.astype(np.float64).copy()
    others[rows, y] = -np.inf
    found: Floats = own - others.max(axis=1)
    return found


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    class_imbalance,
    label_noise,
    perfect_separation,
)
