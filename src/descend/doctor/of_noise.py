"""Labels that are wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.doctor.course import diverged
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import Near, binomial_tail, left, nearest, spread, standard
from descend.doctor.of_labels import Outcomes, has_learnt, margins, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart, Rows

MOST_ROWS = 4096
# Parameters to a row of a linear model whose training errors can be trusted.
FEW_PARAMETERS = 0.1
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
    (1 - q) softmax(a s) + q/k.  Both are fitted to the scores, a and q; ill where q is at least
    4 %, the likelihood ratio is beyond chance, at least 30 % of the rows lie on the floor, the
    error
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
            return _wrong(chart, floor, held=rows is chart.validation)
    floor = _across_a_gap(chart)
    return None if floor is None else _wrong(chart, floor, held=False)


def _witnesses(chart: Chart) -> list[Any]:
    """Return the rows whose errors can be trusted.

    Training rows: what is wrong there is left by a model that tried to follow them all; of linear
    models only with ten rows to a parameter, for with fewer the sure ones are those it bent to,
    and with thirty where scores are no log-odds.  Validation rows, unless the net has followed
    its training rows into their noise.
    """
    run, found = chart.run, list[Any]()
    if run is None:
        return found
    few = FEW_PARAMETERS if run.task.loss.proper else FEW_PARAMETERS / 3
    trustworthy = chart.net is not None or run.layout.size <= few * run.setup.n
    if trustworthy and (run.task.loss.proper or chart.linear) and has_learnt(chart):
        found.append(chart.rows)
    history = chart.of("validation_loss")
    calm = history is not None and history[-1] <= 1.1 * float(np.nanmin(history))
    if chart.validation is not None and run.task.loss.proper and calm:
        found.append(chart.validation)
    return found


# Neighbours told to be of another class, beside those of one cloud cut in the same place: a cloud
# that is even from end to end has 0.7, and a wave, which dwells at its ends, 0.56.
GAP = 0.4
# Which share of the rows must lie beyond a gap, and how many of them be wrong.
BEYOND_A_GAP, FEWEST = 0.2, 8


def _across_a_gap(chart: Chart) -> Floor | None:
    """Look for classes with a gap between them, and labels that are wrong beyond it all the same.

    Where classes merely overlap, the boundary runs through rows: among neighbours of a row there
    is as often another told class as in one normal cloud of the same covariance and number, cut
    along the same direction into the same parts.  Two fifths of that is a gap, and two clouds with
    such a gap have hardly a row on the wrong side; so labels that are wrong there evenly, however
    far from the boundary, are not the overlap's.  The told classes are what counts, so a model
    with many parameters to a row can only hide wrong labels, not feign them.
    """
    rows = chart.rows
    found = outcomes(chart, chart.end, rows)
    if found is None or rows is None or len(found.y) < 100 or not has_learnt(chart):  # noqa: PLR2004
        return None
    chosen = found.scores.argmax(axis=1)
    wrong = chosen != found.y
    k = found.scores.shape[1]
    largest = float(np.bincount(found.y).max()) / len(found.y)
    error = float(wrong.mean())
    if not WRONG <= error <= min(MOST_WRONG, BEYOND * (1 - largest)):
        return None
    near = nearest(rows.X, 8)
    if near is None or _by_groups(rows.X, found.scores):
        return None
    far = np.zeros(len(wrong), dtype=bool)
    for c in range(1 if k == 2 else 0, k):  # noqa: PLR2004
        told = chosen == c
        if min(told.mean(), 1 - told.mean()) < ASIDE or not _gap(rows.X, told, near):
            continue
        far |= np.ones_like(told) if k == 2 else told  # noqa: PLR2004
    count = int(wrong[far].sum())
    if far.mean() < BEYOND_A_GAP or count < max(FEWEST, WRONG * far.sum()):
        return None
    margin = np.where(far, margins(found.scores, chosen), -np.inf)
    sure = np.argsort(-margin, kind="stable")[: int(far.sum())]
    half = len(sure) // 2
    farther, nearer = float(wrong[sure[:half]].mean()), float(wrong[sure[half:]].mean())
    # Of a few wrong rows the halves differ by chance; of many they may not.
    chance = 1 - binomial_tail(int(wrong[sure[:half]].sum()) + 1, count, 1 / 2)
    if farther < WRONG or (farther < FLAT * nearer and chance < 0.1):  # noqa: PLR2004
        return None
    share = count / int(far.sum())
    floor = Floor(share, float(count), far, share)
    return floor if _alone(rows, found, floor) else None


def _gap(X: Floats, told: Array, near: Near) -> bool:
    """Tell whether a gap lies between the rows that are told to be of a class, and the others."""
    Z, mine = standard(X)[near.rows], told[near.rows]
    n, d = Z.shape
    if not 0 < mine.sum() < n:
        return False
    seen = float((mine[near.neighbours] != mine[:, None]).mean())
    gram = Z.T @ Z / n + 1e-9 * np.eye(d)
    along = np.linalg.solve(gram, Z[mine].mean(axis=0) - Z[~mine].mean(axis=0))
    draw = np.random.Generator(np.random.PCG64(0))
    cloud = draw.normal(size=(n, d)) @ np.linalg.cholesky(gram).T
    other = nearest(cloud, near.neighbours.shape[1])
    if other is None:
        return False
    scores = cloud @ along
    cut = scores > np.quantile(scores, 1 - mine.mean())
    usual = float((cut[other.neighbours] != cut[:, None]).mean())
    return seen < GAP * usual


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
MOST_WRONG, MOST_OF_MANY = 0.35, 0.25
# How much less must be wrong than without a model, and how many sure rows be of another class.
BEYOND, ASIDE = 0.75, 0.15
FEW_VALUES = 10


def _even(found: Outcomes, rows: Any) -> Floor | None:
    """Look for errors that are spread evenly, so that even the surer half has its share.

    A model that has learnt the wrong labels' share is never surer than that, and no floor shows.
    Where classes overlap, though, errors crowd at the boundary: with log-odds spread normally
    about it, the surer half has the share that `_overlap` gives.  Where columns of few
    values decide, nothing is said, for there all rows of a group are uncertain alike.
    """
    if _by_groups(rows.X, found.scores):
        return None
    wrong = found.scores.argmax(axis=1) != found.y
    ordered = np.sort(found.scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    k = found.scores.shape[1]
    error = float(wrong.mean())
    # Labels drawn among k classes are wrong (k - 1)/k of the time; two are the reference, and
    # of how many classes overlap at once nothing is known where errors are many.
    error_of_two = error * k / (2 * (k - 1))
    many = k > 2 and error > MOST_OF_MANY  # noqa: PLR2004
    largest = float(np.bincount(found.y).max()) / len(found.y)
    # Saying the largest class every time errs evenly as well.
    if many or not WRONG <= error_of_two <= MOST_WRONG or error > BEYOND * (1 - largest):
        return None
    sure = np.argsort(-margin, kind="stable")[: len(margin) // 2]
    said = np.bincount(found.scores[sure].argmax(axis=1)) / len(sure)
    if said.max() > 1 - ASIDE:
        return None
    count = int(wrong[sure].sum())
    usual = _overlap(error_of_two)
    ratio = count / len(sure) / error
    if ratio < max(EVEN, usual + MORE):
        return None
    chance = binomial_tail(count, len(sure), usual * error)
    if chance > 1e-4 or count / len(sure) < WRONG:  # noqa: PLR2004 - one table in 10 000
        return None
    far = np.zeros(len(wrong), dtype=bool)
    far[sure] = True
    return Floor(count / len(sure), -2 * math.log(max(chance, 1e-300)), far, count / len(sure))


def _by_groups(X: Any, scores: Any) -> bool:
    """Tell whether columns of few values decide the scores: then rows come in groups."""
    few = np.array([len(np.unique(column)) <= FEW_VALUES for column in X.T])
    if not few.any():
        return False
    apart = scores - scores.mean(axis=1, keepdims=True)
    return bool(few.all()) or bool(left(X[:, few], apart).min() < 1 / 2)


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
    return bool(agree[wrong].mean() < 0.75 * usual[wrong].mean())


def _wrong(chart: Chart, floor: Floor, *, held: bool) -> Finding:
    suspicious = _suspicious(chart, chart.rows, floor.share)
    of_validation = _suspicious(chart, chart.validation, floor.share)
    changes: dict[str, Any] = {}
    if chart.rows is not None and chart.rows.total == len(chart.rows.places):
        changes = {"drop_rows": suspicious}
        if of_validation:
            changes["drop_validation_rows"] = of_validation
    where = "validation rows" if held else "rows"
    return Finding(
        "label-noise",
        "illness",
        f"About {100 * floor.share:.2g} % of the labels contradict their surroundings: even among "
        f"the {where} the model is surest of, {100 * floor.error:.2g} % have another label, and "
        "that does not get better with sureness, as it does where classes overlap.",
        {
            "share_of_labels": floor.share,
            "error_where_sure": floor.error,
            "evidence": floor.evidence,
            "suspicious_rows": suspicious,
            "suspicious_validation_rows": of_validation,
        },
        Fix("look at the suspicious rows, and correct their labels or leave them out", changes),
    )


def _suspicious(chart: Chart, rows: Rows | None, share: float) -> list[int]:
    """Return the rows told wrong, the surest first, as many as labels are thought to be wrong.

    C. Northcutt, L. Jiang and I. Chuang, "Confident learning", J. Artif. Intell. Res. 70 (2021).
    """
    found = outcomes(chart, chart.end, rows)
    if found is None or rows is None:
        return []
    by = -margins(found.scores, found.y)
    most = math.ceil(1.2 * share * len(by))
    chosen = np.argsort(-by, kind="stable")[:most]
    index: list[int] = rows.places[chosen[by[chosen] > 0]].tolist()
    return index


RULES: tuple[Callable[[Chart], Finding | None], ...] = (label_noise,)
