"""A history with its parameters and rows, computed again: which loss and gradient it has.

A linear model with one output is assumed, its bias first, last or absent; the claimed losses must
be those of a formula at every step looked at, or nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.doctor.chart import Chart

# Steps and rows that are looked at; how closely losses must agree (single precision loses digits).
STEPS, ROWS, CLOSE = 9, 1500, 1e-5
# Of the last loss alone, as a share of what lies between the formulas.
APART = 2e-3


class Meaning(NamedTuple):
    """What a history's loss was found to be.

    Attributes
    ----------
    loss
        The formula's name.
    kind
        "plain", "turned" (its opposite) or "broadcast" (every score with every target).
    truth
        The plain formula's gradient by theta at a step, (P,).
    crossed
        The broadcast formula's.
    scores
        The scores (n,) at a theta.
    """

    loss: str
    kind: str
    truth: Callable[[Floats], Floats]
    crossed: Callable[[Floats], Floats]
    scores: Callable[[Floats], Floats]


def _softplus(s: Floats) -> Floats:
    return np.logaddexp(0.0, s)


def sigmoid(s: Floats) -> Floats:
    """Return 1/(1 + e^-s), without overflow."""
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * s))
    return found


# Name: the loss of a score and a target, its slope by the score, whether targets are 0 and 1.
FORMULAS: dict[str, tuple[Any, Any, bool]] = {
    "squared error": (lambda s, y: (s - y) ** 2, lambda s, y: 2 * (s - y), False),
    "half squared error": (lambda s, y: 0.5 * (s - y) ** 2, lambda s, y: s - y, False),
    "absolute error": (lambda s, y: np.abs(s - y), lambda s, y: np.sign(s - y), False),
    "cross-entropy": (lambda s, y: _softplus(s) - y * s, lambda s, y: sigmoid(s) - y, True),
    "squared error on probabilities": (
        lambda s, y: (sigmoid(s) - y) ** 2,
        lambda s, y: 2 * (sigmoid(s) - y) * sigmoid(s) * sigmoid(-s),
        True,
    ),
}


def of_scores(scores: Floats, y: Floats, claimed: float) -> str | None:
    """Return of which formula a claimed loss is the mean over all pairs, or None.

    The scores may be an update later than the loss: it must be far nearer to the mean over all
    pairs than that is to the mean over the rows, and no formula's own mean over the rows.
    """
    n = len(y)
    if n > ROWS:
        return None
    fits = None
    for name, (value, _, labels) in FORMULAS.items():
        if labels and not np.isin(y, (0.0, 1.0)).all():
            continue
        own, every = float(np.mean(value(scores, y))), _every(value, scores, y)
        gap = abs(own - every)
        for times in (1.0, float(n)):
            if abs(claimed - times * own) <= APART * times * max(gap, own):
                return None
        for times in (1.0, float(n), float(n) ** 2):
            near = abs(claimed - times * every) <= APART * times * gap
            if near and gap > 1e3 * CLOSE * abs(every):
                fits = name
    return fits


def _every(value: Any, scores: Floats, y: Floats) -> float:
    """Return the mean over every score with every target."""
    few = slice(0, ROWS)
    return float(np.mean(value(scores[few, None], y[None, few])))


def meaning(chart: Chart) -> Meaning | None:
    """Return what the history's loss is, from its theta and the rows given; None if unknown."""
    found = rows_given(chart)
    theta, loss = chart.of("theta"), chart.of("loss")
    if found is None or theta is None or loss is None:
        return None
    X, y = found
    for design, shift in _designs(X, theta):
        steps = _steps(loss, len(theta), shift)
        if steps is None:
            continue
        scores = theta[steps + shift] @ design.T
        claimed = loss[steps]
        for name, (value, slope, labels) in FORMULAS.items():
            if labels and not np.isin(y, (0.0, 1.0)).all():
                continue
            kind = _kind(value, scores, y, claimed)
            if kind is not None:
                return _meaning(name, kind, design, y, slope)
    return None


def _meaning(name: str, kind: str, design: Floats, y: Floats, slope: Any) -> Meaning:
    n = len(y)
    few = slice(0, ROWS)

    def truth(theta: Floats) -> Floats:
        found: Floats = design.T @ slope(design @ theta, y) / n
        return found

    def crossed(theta: Floats) -> Floats:
        s = design @ theta
        found: Floats = design.T @ slope(s[:, None], y[None, few]).mean(axis=1) / n
        return found

    return Meaning(name, kind, truth, crossed, lambda theta: design @ theta)


def _kind(value: Any, scores: Floats, y: Floats, claimed: Floats) -> str | None:
    n = len(y)
    own = np.array([np.mean(value(s, y)) for s in scores])
    kinds: list[tuple[str, Floats, tuple[float, ...]]] = [
        ("plain", own, (1.0, n)),
        ("turned", -own, (1.0, n)),
    ]
    if n <= ROWS:
        every = np.array([_every(value, s, y) for s in scores])
        kinds.append(("broadcast", every, (1.0, n, float(n) ** 2)))
    for kind, formula, scales in kinds:
        for scale in scales:
            gap = np.abs(claimed - scale * formula)
            # What is clipped or clamped towards the end need not agree there.
            agree = gap <= CLOSE * np.abs(claimed) + CLOSE * 1e-3 * np.abs(claimed).max()
            if agree.mean() >= 0.5 and agree.sum() >= 3 and np.ptp(claimed[agree]) > 0:  # noqa: PLR2004
                return kind
    return None


def rows_given(chart: Chart) -> tuple[Floats, Floats] | None:
    """Return the rows that came with the history as (n, d) and (n,), or None."""
    X, y = chart.given or (None, None)
    if X is None or y is None:
        return None
    try:
        X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    X = X[:, None] if X.ndim == 1 else X
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y  # noqa: PLR2004
    good = X.ndim == 2 and y.ndim == 1 and len(X) == len(y) > 2  # noqa: PLR2004
    return (X, y) if good and np.isfinite(X).all() and np.isfinite(y).all() else None


def targets(chart: Chart) -> Floats | None:
    """Return the targets that came with the history as (n,), or None."""
    _, y = chart.given or (None, None)
    try:
        found = None if y is None else np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if found is None or found.size < 3 or not np.isfinite(found).all():  # noqa: PLR2004
        return None
    if found.ndim == 2 and found.shape[1] == 1:  # noqa: PLR2004
        return found[:, 0]
    return found if found.ndim == 1 else None


def _designs(X: Floats, theta: Floats) -> Iterator[tuple[Floats, int]]:
    """Yield ways to read theta: columns (n, P), and how many steps later its states are."""
    if theta.ndim != 2:  # noqa: PLR2004
        return
    one = np.ones((len(X), 1))
    d, P = X.shape[1], theta.shape[1]
    ways = {d: [X], d + 1: [np.hstack([X, one]), np.hstack([one, X])]}.get(P, [])
    for design in ways:
        for shift in (0, 1, -1):
            yield design, shift


def _steps(loss: Floats, states: int, shift: int) -> Any:
    """Return updates at which the losses are looked at, or None where they do not vary."""
    usable = np.flatnonzero(np.isfinite(loss))
    usable = usable[(usable + shift >= 0) & (usable + shift < states)]
    if len(usable) < 3:  # noqa: PLR2004 - one or two losses may be anything's
        return None
    # Where it has blown up only its first losses can be computed again closely.
    size = np.abs(loss[usable])
    usable = usable[size < 1e6 * size.min() + 1e-300]
    steps = np.unique(usable[np.linspace(0, len(usable) - 1, STEPS).astype(int)])
    enough = len(steps) >= 3 and np.ptp(loss[steps]) > 1e-4 * size.min()  # noqa: PLR2004
    return steps if enough else None
