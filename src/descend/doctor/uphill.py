"""Whether a history's updates go down its loss, by how much, and whether its loss is what it says.

Along an update the loss changes by the mean of the slopes at its two ends (the trapezoid: exact for
a quadratic), so gradients, updates and losses can be held against one another without knowing the
loss.  Plain descent with rate r moves by -r g.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.doctor.findings import Finding, Fix
from descend.doctor.recomputing import Meaning, meaning, of_scores, targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# Steps of which ratios are taken, and how alike they must be to be one number.
FEWEST, ALIKE = 5, 0.05
# A factor nearer to 1 than this may be the curvature's.
FACTOR = 0.2
# Two gradients whose directions agree less than this are not the same.
PARALLEL = 0.999


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
    good &= np.abs(expected) > 1e-9 * np.nanmax(np.abs(loss[:m]))
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
                "The gradient points the wrong way: along its updates the loss changes by "
                f"{ratio:.3g} times what the gradient says.",
                {"change of the loss over the gradient's": ratio},
            )
        uphill = float((found.expected > 0).mean())
        if uphill > 0.9 and (found.change > 0).mean() > 0.9 and _along(chart):  # noqa: PLR2004
            return (
                f"The updates go up the loss: {uphill:.0%} of them follow the gradient instead of "
                "going against it.",
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
        "The loss rises at every update by the learning rate times the gradient's square, as it "
        "falls where a step goes against the gradient: the updates climb.",
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
    found = meant(chart)
    theta = chart.of("theta")
    if found is None or theta is None or found.kind != "plain":
        return None
    given, places = _given_gradients(chart)
    if given is None:
        return None
    true = np.array([found.truth(theta[i]) for i in places])
    crossed = np.array([found.crossed(theta[i]) for i in places])
    sizes = np.linalg.norm(true, axis=1) * np.linalg.norm(given, axis=1)
    usable = (np.linalg.norm(true, axis=1) > 1e-6 * np.abs(true).max()) & (sizes > 0)
    if usable.sum() < 2:  # noqa: PLR2004
        return None
    if _cosines(given, true)[usable].min() > PARALLEL:
        return None
    if np.median(_cosines(given, true)[usable]) < -PARALLEL:
        return _finding(
            "wrong-sign",
            f"The gradient is that of the {found.loss} with its sign turned round: every update "
            "climbs.",
            {"cosine with the true gradient": -1.0},
            "step against the gradient: theta = theta - rate * gradient",
        )
    if np.linalg.norm(crossed, axis=1)[usable].min() > 0 and (
        _cosines(given, crossed)[usable].min() > PARALLEL
    ):
        return _finding(
            "broadcast",
            f"The gradient compares every score with every target: it is that of the {found.loss} "
            "averaged over all pairs, as (n, 1) minus (n,) makes them.",
            {"rows": len(targets(chart) if targets(chart) is not None else [])},
            "give scores and targets the same shape before subtracting them",
        )
    if chart.of("gradient") is None:
        return None  # momentum, batches and scaled steps do not point along the gradient
    still = np.flatnonzero(
        (np.abs(given[usable]).max(axis=0) == 0) & (true[usable].std(axis=0) > 0)
    )
    missing = f" It is always 0 for parameter {', '.join(map(str, still))}." if len(still) else ""
    cosine = float(np.median(_cosines(given, true)[usable]))
    return _finding(
        "wrong-gradient",
        f"The gradient is not that of the {found.loss}: its direction agrees with the true one to "
        f"{cosine:.3g} only.{missing}",
        {"cosine with the true gradient": cosine},
        "derive it again, term by term; descend.check_gradient names the mistake",
    )


def _given_gradients(chart: Chart) -> tuple[Floats | None, Any]:
    """Return gradients (m, P) and at which theta: as recorded, or as the updates went."""
    theta, g = chart.of("theta"), chart.of("gradient")
    if theta is None:
        return None, []
    m = len(theta) if g is None else min(len(theta), len(g))
    places = np.unique(np.linspace(0, max(m // 2, min(m - 1, 3)) - 1, 7).astype(int))
    places = places[places >= 0]
    found = -np.diff(theta, axis=0)[places] if g is None else g[places]
    return (
        (found, places)
        if np.isfinite(found).all() and np.isfinite(theta[places]).all()
        else (None, [])
    )


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
    y, scores, loss = targets(chart), chart.of("scores"), chart.of("loss")
    if y is None or scores is None or loss is None or not np.isfinite(loss[-1]):
        return None
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores  # noqa: PLR2004
    if scores.shape != y.shape or not np.isfinite(scores).all() or not y.std() > 0:
        return None
    claimed = of_scores(scores, y, float(loss[-1]))
    spread = float(scores.std() / y.std())
    if claimed is not None and claimed[1] == "broadcast" and spread > 1e-3:  # noqa: PLR2004
        return _broadcast(f"its last figure is that of the {claimed[0]} averaged over all pairs")
    if spread < 0.02 and abs(scores.mean() - y.mean()) < 0.1 * y.std() and _told(chart, y) > 0.5:  # noqa: PLR2004
        return _broadcast("the scores have become the mean of the targets for every row")
    return None


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
    return 1.0 - float(rest.var() / y.var()) * len(y) / max(len(y) - design.shape[1], 1)


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
