"""Whether a history's updates go down its loss, by how much, and whether its loss is what it says.

Along an update the loss changes by the mean of the slopes at its two ends (the trapezoid: exact for
a quadratic), so gradients, updates and losses can be held against one another without knowing the
loss.  Plain descent with rate r moves by -r g.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.doctor.curves import arrived
from descend.doctor.findings import Finding, Fix
from descend.doctor.recomputing import Meaning, meaning, of_scores, sigmoid, targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart

# Steps of which ratios are taken, and how alike they must be to be one number.
FEWEST, ALIKE = 5, 0.05
# A factor nearer to 1 than this may be the curvature's.
FACTOR = 0.2
# Updates that are looked at.
LOOKS = 24
# Two gradients whose directions agree less than this are not the same.
PARALLEL = 0.999
# Predictions that vary by less than this share of the targets are one number.
SPREAD = 0.05
# A descent that has come so much of its way will not learn much more.
SETTLED = 0.9
# What is left of a right gradient beside the true one: rounding, in single precision too.
LEFT_OVER = 1e-3


class Steps(NamedTuple):
    """What the updates did: the loss's change, the trapezoid's, and how gradients turned."""

    change: Floats
    expected: Floats


def meant(chart: Chart) -> Meaning | None:
    """Return what the history's loss is, where its parameters and rows tell."""
    return meaning(chart)


def steps_of(chart: Chart) -> Steps | None:
    """Return the changes of the loss, and what gradients and updates say they are."""
    loss, theta, g = chart.of("loss"), chart.of("theta"), chart.of("gradient")
    if loss is None or theta is None or g is None:
        return None
    if theta.ndim != 2 or g.shape[1:] != theta.shape[1:]:  # noqa: PLR2004
        return None
    m = min(len(loss), len(theta), len(g))
    if m <= FEWEST:
        return None
    moved = np.diff(theta[:m], axis=0)
    expected = 0.5 * np.sum((g[: m - 1] + g[1:m]) * moved, axis=1)
    change = np.diff(loss[:m])
    good = np.isfinite(change) & np.isfinite(expected)
    # What is nearly 0 on either side is rounding.
    good &= np.abs(expected) > 1e-9 * np.abs(loss[: m - 1])
    if good.sum() < FEWEST:
        return None
    return Steps(change[good], expected[good])


def climbs(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words for updates that go up the loss, or None."""
    found = steps_of(chart)
    if found is not None:
        ratio = float(np.median(found.change / found.expected))
        same = (np.sign(found.change) == -np.sign(found.expected)).mean()
        if ratio < -FACTOR and same > 0.9:  # noqa: PLR2004 - all but rounding
            return (
                (
                    "The gradient points the wrong way: along its updates the loss changes by "
                    f"{ratio:.3g} times what the gradient says."
                ),
                {"change of the loss over the gradient's": ratio},
            )
        uphill = float((found.expected > 0).mean())
        if uphill > 0.9 and (found.change > 0).mean() > 0.9 and _along(chart):  # noqa: PLR2004
            return (
                (
                    f"The updates go up the loss: {uphill:.0%} of them follow the gradient instead of "
                    "going against it."
                ),
                {"share of updates that climb": uphill},
            )
        return None
    return _climbs_by_norms(chart)


def _along(chart: Chart) -> bool:
    """Tell whether updates point along their own gradients: past a step's limit they do not."""
    theta, g = chart.of("theta"), chart.of("gradient")
    if theta is None or g is None:
        return False
    m = min(len(theta), len(g))
    moved = np.diff(theta[:m], axis=0)
    with np.errstate(invalid="ignore"):
        return bool((np.sum(g[: m - 1] * moved, axis=1) > 0).mean() > 0.9)  # noqa: PLR2004


def _climbs_by_norms(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words for a climb that losses, norms and rates alone show, or None.

    For a quadratic whose gradient grows by q at each step, the loss changes by
    (q - 1)/2 of rate times norm squared going down, and by (q + 1)/2 of it going up.
    """
    loss, norm, rate = chart.of("loss"), chart.of("gradient_norm"), chart.of("learning_rate")
    if loss is None or norm is None or rate is None:
        return None
    m = min(len(loss), len(norm), len(rate))
    if m <= FEWEST:
        return None
    with np.errstate(all="ignore"):
        c = np.diff(loss[:m]) / (rate[: m - 1] * norm[: m - 1] ** 2)
        q = norm[1:m] / norm[: m - 1]
        up = (np.abs(c - (q + 1) / 2) < 0.25) & (q > 0.8)  # noqa: PLR2004 - half way to (q - 1)/2
    good = np.isfinite(c) & np.isfinite(q)
    if good.sum() < FEWEST or not up[good].mean() > 0.9:  # noqa: PLR2004
        return None
    return (
        (
            "The loss rises at every update by the learning rate times the gradient's square, as it "
            "falls where a step goes against the gradient: the updates climb."
        ),
        {"rise over rate times gradient squared": float(np.median(c[good]))},
    )


# ---------------------------------------------------------------- gradients that are not the loss's


def wrong_gradient(chart: Chart) -> Finding | None:
    """Find gradients that are not those of the losses beside them.

    With theta and gradients the loss's change over the trapezoid's is 1; a steady other number is
    a factor.  With the rows as well, the gradient itself is computed again.
    """
    if chart.run is not None or climbs(chart) is not None:
        return None
    by_rows = _by_rows(chart)
    if by_rows is not None:
        return by_rows
    found = steps_of(chart)
    if found is None:
        return None
    ratios = found.change / found.expected
    middle = float(np.median(ratios))
    steady = (np.abs(ratios - middle) <= ALIKE * abs(middle)).mean() > 0.9  # noqa: PLR2004
    if not steady or abs(middle - 1.0) <= FACTOR:
        return None
    return _finding(
        "wrong-gradient",
        f"Along every update the loss changes by {middle:.4g} times what the gradient says, so "
        f"the gradient is {1 / middle:.4g} times that of the loss.",
        {"given over true": 1 / middle},
        f"multiply the gradient by {middle:.4g}; look for a lost 2, or a division by the rows",
    )


def _by_rows(chart: Chart) -> Finding | None:
    """Compare the gradients with those computed again from the rows."""
    found = meant(chart)
    theta = chart.of("theta")
    if found is None or theta is None or found.kind != "plain":
        return None
    places = _places(chart, theta)
    if len(places) < 2:  # noqa: PLR2004
        return None
    given = _given_gradients(chart, theta, places)
    true = np.array([found.truth(theta[i]) for i in places])
    usable = _sizeable(true) & _sizeable(given)
    given, true, places = given[usable], true[usable], places[usable]
    return _compared(chart, found, theta[places], given, true) if len(given) > 1 else None


def _compared(
    chart: Chart, found: Meaning, thetas: Floats, given: Floats, true: Floats
) -> Finding | None:
    """Return what is wrong with gradients beside the true ones, or None."""
    cosines = _cosines(given, true)
    if np.median(cosines) < -PARALLEL:
        return _finding(
            "wrong-sign",
            f"The gradient is that of the {found.loss} with its sign turned round: every update "
            "climbs.",
            {"cosine with the true gradient": float(np.median(cosines))},
            "step against the gradient: theta = theta - rate * gradient",
        )
    crossed = np.array([found.crossed(theta) for theta in thetas])
    of_pairs = _sizeable(crossed)
    alike = _cosines(given, crossed)[of_pairs]
    if cosines.min() < PARALLEL < alike.min(initial=1.0) and len(alike) > 1:
        return _finding(
            "broadcast",
            f"The gradient compares every score with every target: it is that of the {found.loss} "
            "averaged over all pairs, as (n, 1) minus (n,) makes them.",
            {"cosine with that": float(alike.min())},
            "give scores and targets the same shape before subtracting them",
        )
    if chart.of("gradient") is not None:
        return _another(found, given, true)
    # Momentum, batches and scaled steps do not point along the gradient, but not against it.
    if len(cosines) > 2 and (cosines < 0).all() and np.diff(_early(chart)).min(initial=1.0) > 0:  # noqa: PLR2004
        return _finding(
            "wrong-sign",
            f"Every update looked at climbs the {found.loss}, and so does its figure.",
            {"updates looked at": len(cosines)},
            "step against the gradient: theta = theta - rate * gradient",
        )
    return None


def _another(found: Meaning, given: Floats, true: Floats) -> Finding | None:
    """Find recorded gradients that differ from the true ones, and not by the noise of batches.

    A formula's error changes little from one update to the next; that of a batch is drawn anew.
    """
    scale = float(np.median(np.sum(given * true, axis=1) / np.sum(true * true, axis=1)))
    rest = given - scale * true
    sizes = np.linalg.norm(rest, axis=1) / (np.linalg.norm(true, axis=1) * max(abs(scale), 1e-12))
    if np.median(sizes) <= LEFT_OVER or np.median(_cosines(rest[1:], rest[:-1])) < 0.5:  # noqa: PLR2004
        return None
    still = np.flatnonzero((np.abs(given).max(axis=0) == 0) & (np.abs(true).max(axis=0) > 0))
    missing = f" It is always 0 for parameter {', '.join(map(str, still))}." if len(still) else ""
    cosine = float(np.median(_cosines(given, true)))
    return _finding(
        "wrong-gradient",
        f"The gradient is not that of the {found.loss}: {np.median(sizes):.2g} of it is left over "
        f"when the true one is taken away.{missing}",
        {"cosine with the true gradient": cosine},
        "derive it again, term by term; descend.check_gradient names the mistake",
    )


def _early(chart: Chart) -> Floats:
    """Return the finite losses at the beginning."""
    loss = chart.of("loss")
    early = np.zeros(0) if loss is None else loss[: max(len(loss) // 2, 2)]
    return early[np.isfinite(early)]


def _places(chart: Chart, theta: Floats) -> Any:
    """Return updates in a row, from the first on, at which gradients are looked at."""
    g = chart.of("gradient")
    m = len(theta) - 1 if g is None else min(len(theta), len(g))
    places = np.arange(min(max(m // 2, 4), m, LOOKS))
    finite = np.isfinite(theta[places]).all(axis=1) & np.isfinite(
        _given_gradients(chart, theta, places)
    ).all(axis=1)
    return places[finite]


def _given_gradients(chart: Chart, theta: Floats, places: Any) -> Floats:
    """Return gradients (m, P): as recorded, or as the updates went."""
    g = chart.of("gradient")
    found: Floats = theta[places] - theta[places + 1] if g is None else g[places]
    return found


def _sizeable(gradients: Floats) -> Any:
    """Tell which gradients are no rounding beside the first."""
    sizes = np.linalg.norm(gradients, axis=1)
    return np.isfinite(sizes) & (sizes > 1e-6 * sizes[0])


def _cosines(a: Floats, b: Floats) -> Floats:
    with np.errstate(all="ignore"):
        size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        found: Floats = np.nan_to_num(np.sum(a * b, axis=1) / size)
    return found


# ---------------------------------------------------------------- every score with every target


def broadcast(chart: Chart) -> Finding | None:
    """Find losses that are those of every score with every target, computed again from the rows.

    Or, where only the final scores came along: they are the same for every row, the mean of the
    targets, though a straight line through the rows does far better, and the loss has settled.
    """
    if chart.run is not None:
        return None
    found = meant(chart)
    if found is not None and found.kind == "broadcast":
        return _broadcast(f"its figures are those of the {found.loss} averaged over all pairs")
    last = _last(chart, found)
    loss = chart.of("loss")
    if last is None or loss is None or not np.isfinite(loss[-1]):
        return None
    scores, y = last
    claimed = of_scores(scores, y, float(loss[-1]))
    if claimed is not None:
        return _broadcast(f"its last figure is that of the {claimed} averaged over all pairs")
    settled = (arrived(loss) or 0.0) > SETTLED
    one = _is_the_mean(scores, y, float(loss[-1])) or _is_the_mean(
        sigmoid(scores), y, float(loss[-1])
    )
    if settled and one and _told(chart, y) > 0.3:  # noqa: PLR2004 - a line does far better
        return _broadcast("the predictions have become the mean of the targets for every row")
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
    return 1.0 - float(rest.var() / y.var()) * len(y) / spare


def _broadcast(how: str) -> Finding:
    return _finding(
        "broadcast",
        f"The loss compares every score with every target: {how}, as (n, 1) minus (n,) makes "
        "(n, n) of them, so the best it can do is to predict the mean.",
        {},
        "give scores and targets the same shape before subtracting them",
    )


def _finding(code: str, sentence: str, evidence: dict[str, Any], fix: str) -> Finding:
    return Finding(code, "illness", sentence, evidence, Fix(fix))


RULES: tuple[Callable[[Chart], Finding | None], ...] = (wrong_gradient, broadcast)
