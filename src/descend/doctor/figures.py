"""Figures that somebody reports, computed again to see what they really are.

Beside the codes of a run (`descend.doctor.codes`) a figure knows those of `CODES`.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import losses, penalties
from descend.arrays import as_matrix
from descend.doctor.conventions import Way, shares, ways
from descend.doctor.findings import Finding, Fix
from descend.engines import scores_of
from descend.errors import InputError, ShapeError
from descend.parts import choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.arrays import Array, Floats
    from descend.losses import Loss
    from descend.run import Run

CODES = {
    "other-convention": "it is computed another way than its name says",
    "stale-figure": "it belongs to the parameters of another step",
    "wrong-axis": "probabilities add up to 1 along the wrong axis",
    "not-reproduced": "no usual way to compute it gives it",
}
FIXES = {
    "other-convention": "say which figure it is, or compute the one that is named",
    "stale-figure": "report a figure with the parameters it was computed from",
    "wrong-axis": "take the softmax of each row: sum over the last axis, with keepdims",
    "not-reproduced": "compute it again, on the rows and parameters it is reported with",
    "broadcast": "give scores and targets the same shape before subtracting them",
    "wrong-sign": "put the lost minus back",
    "loss-mismatch": "give the loss raw scores, or take the one that fits what is predicted",
    "non-finite-data": "compute it from scores: log(1 + e^-z), the largest score taken off first",
}
# Names of figures that are no losses: of which loss, and how it is reduced.
FIGURES = {
    "rmse": ("squared_error", "root"),
    "mse": ("squared_error", "mean"),
    "mae": ("absolute_error", "mean"),
}
# What single precision leaves of a figure; and a number is taken to have three digits at least.
SINGLE, DIGITS = 1e-6, 5e-4
# What floating point leaves of a sum that ought to be 0.
ROUNDING = 1e-12


def check_figure(  # noqa: PLR0913 - rows, or a run: two ways to say where it comes from
    claimed: float | str,
    scores: Any = None,
    y: Any = None,
    what: str | None = None,
    *,
    sample_weight: Any = None,
    run: Run | None = None,
    step: int | None = None,
) -> Finding:
    """Tell what a reported figure really is: computed anew in every usual way, from its rows.

    The mean, the sum, half of either, roots, other losses, the sign lost, every score compared with
    every target, probabilities taken for scores; of a run also the steps beside, the validation
    rows, the batch, and the loss without its penalty.  With few digits several ways may fit: the
    plainest is told, and the evidence has the others.

    Parameters
    ----------
    claimed
        The figure.  Text is taken to be rounded to the digits it shows, and so is a number, of
        which at least three are taken as known.
    scores, y
        Raw scores (n,) or (n, k), and targets (n,) or (n, k), or labels (n,).
    what
        The name of a loss, ``"rmse"``, ``"mse"``, ``"mae"`` or ``"accuracy"``.  Default
        ``"squared_error"``; of a run its own loss, with its reduction and penalty.
    sample_weight
        (n,), or None.
    run, step
        Instead of scores and y: a run with its rows, and after how many updates; default the last.

    Returns
    -------
    Finding
        ``healthy``, or what the figure is instead.

    Raises
    ------
    InputError
        If neither scores and y nor a run are given, or they do not fit one another.

    Examples
    --------
    >>> import numpy as np
    >>> y, scores = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.5, 2.5, 3.5, 7.5])
    >>> check_figure(0.5, scores, y, "rmse").code
    'healthy'
    >>> found = check_figure(1.0, scores, y, "rmse")
    >>> found.code
    'other-convention'
    >>> print(found.sentence.partition(";")[0])
    The figure 1.0 is the root of the squared error summed over the rows, not averaged
    """
    figure, close = _read(claimed)
    name = what or ("squared_error" if run is None else run.task.loss.name)
    asked = _of_rows(scores, y, name, sample_weight) if run is None else _of_run(run, step, name)
    first = next(asked)
    if not math.isfinite(figure):
        return _not_a_number(claimed, first, name, scores, y)
    if not math.isfinite(first.value):
        return _not_again(claimed, first)
    found = [first]
    if abs(first.value - figure) > close:
        found += [way for way in asked if math.isfinite(way.value)]
    near = max(close, ROUNDING * max(abs(way.value) for way in found))
    fits = [way for way in found if abs(way.value - figure) <= near]
    return _told(claimed, figure, first, fits) if fits else _none(claimed, figure, found)


def _told(claimed: float | str, figure: float, first: Way, fits: list[Way]) -> Finding:
    way, others = fits[0], [other.how for other in fits[1:]]
    evidence: dict[str, Any] = {"figure": figure, first.how: first.value}
    if way.code == "healthy":
        said = f"The figure {claimed} is {way.how}."
        return Finding("healthy", "information", said, evidence, Fix("none is needed"))
    if others:
        evidence["also fits"] = others
    said = f"The figure {claimed} is {way.how}; {first.how} is {first.value:.9g}."
    return _finding(way.code, said, evidence)


def _not_again(claimed: float | str, first: Way) -> Finding:
    return _finding(
        "non-finite-data",
        f"The figure {claimed} cannot be computed again: {first.how} is {first.value}.",
        {first.how: first.value},
    )


def _finding(code: str, sentence: str, evidence: dict[str, Any]) -> Finding:
    return Finding(code, "illness", sentence, evidence, Fix(FIXES[code]))


def _none(claimed: float | str, figure: float, found: list[Way]) -> Finding:
    first = found[0]
    nearest = min(found, key=lambda way: abs(way.value - figure))
    beside = (
        "nearer than every other way tried"
        if nearest == first
        else f"nearest is {nearest.how}, {nearest.value:.9g}"
    )
    return _finding(
        "not-reproduced",
        f"None of {len(found)} ways to compute it gives the figure {claimed}: {first.how} is "
        f"{first.value:.9g}, {beside}.",
        {"figure": figure, first.how: first.value, "off by": figure - first.value},
    )


def _read(claimed: float | str) -> tuple[float, float]:
    """Return a figure, and how far the one it was rounded from may be."""
    plain = isinstance(claimed, str | int | float | np.number)
    try:
        exact = Decimal(str(claimed if plain else float(claimed)).strip())
    except (InvalidOperation, TypeError, ValueError) as error:
        msg = f"The 'claimed' parameter of check_figure must be a number. Got {claimed!r} instead."
        raise InputError(msg) from error
    figure = float(exact)
    if not math.isfinite(figure):
        return figure, 0.0
    exponent = exact.as_tuple().exponent
    place = 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0
    if not isinstance(claimed, str):
        place = min(place, DIGITS * abs(figure))
    return figure, max(place * (1 + 1e-9), SINGLE * abs(figure))


# ---------------------------------------------------------------- from scores and targets


def _of_rows(scores: Any, y: Any, name: str, weights: Any) -> Iterator[Way]:
    if scores is None or y is None:
        msg = "check_figure computes a figure anew from scores and y, or from run=; give either."
        raise InputError(msg)
    choice("check_figure", "what", name, (*losses.LOSSES, *FIGURES, "accuracy"))
    s = as_matrix(scores, "scores", np.float64)
    w = None if weights is None else as_matrix(weights, "sample_weight", np.float64)[:, 0]
    if name == "accuracy":
        kind = losses.softmax() if s.shape[1] > 1 and np.ndim(y) == 1 else losses.logistic()
        return shares(s, _targets(kind, s, y), w)
    of, how = FIGURES.get(name, (name, "mean"))
    loss = losses.LOSSES.make(of)
    return ways(loss, s, _targets(loss, s, y), w, how)


def _targets(loss: Loss, s: Floats, y: Any) -> Array:
    """Return targets as the loss takes them; 0 and 1, or 0 … k - 1, are what they say."""
    found = np.asarray(y)
    codes = range(s.shape[1]) if loss.targets == "labels" else (0, 1)
    if loss.targets in {"labels", "two labels"} and np.isin(found, list(codes)).all():
        wide = found.reshape(len(found), -1)
        encoded: Array = wide[:, 0].astype(int) if loss.targets == "labels" else wide * 1.0
    else:
        encoded = losses.encode_targets(loss, found)[0]
    wanted = (len(s),) if loss.targets == "labels" else s.shape
    if encoded.shape != wanted:
        msg = (
            f"check_figure needs a target for each score: scores are {s.shape} and targets "
            f"{encoded.shape}; give them the same shape."
        )
        raise ShapeError(msg)
    return encoded


# ---------------------------------------------------------------- from a run


def _of_run(run: Run, step: int | None, name: str) -> Iterator[Way]:
    if run.data is None:
        msg = "This run holds no rows to compute a figure from; give them with run.attach(X, y)."
        raise InputError(msg)
    k = run.state.step if step is None else step
    theta = run.at(k).theta
    s, y, weights = _scores(run, theta), run.data.y, run.data.weights
    if name != run.task.loss.name:
        return chain(_of_rows(s, y, name, weights), _elsewhere(run, k))
    first = Way("healthy", f"the loss {_after(k)}", _objective(run, theta))
    others = ways(run.task.loss, s, y, weights, run.task.reduction)
    return chain([first], _elsewhere(run, k), _demoted(others))


def _demoted(others: Iterator[Way]) -> Iterator[Way]:
    """Yield ways of which the first is not what was asked: it leaves the penalty out."""
    for way in others:
        yield way._replace(code="other-convention") if way.code == "healthy" else way


def _scores(run: Run, theta: Floats) -> Floats:
    X, scaling = run.problem.X, run.problem.scaling
    found: Floats = scores_of(run.task, run.layout, theta, X, scaling=scaling)
    return found.astype(np.float64)


def _objective(run: Run, theta: Floats) -> float:
    problem = run.problem
    with np.errstate(all="ignore"):
        per_row = losses.rows(run.task.loss, _scores(run, theta), problem.y)
        cost = losses.reduce(per_row, problem.weights, run.task.reduction)
        return cost + penalties.value(problem.l1, problem.l2, theta)


def _elsewhere(run: Run, k: int) -> Iterator[Way]:
    """Yield the losses of the steps beside, of other rows, and of the parameters returned."""
    for j in (k - 1, k + 1):
        if 0 <= j <= run.state.step:
            yield Way("stale-figure", f"the loss {_after(j)}", _objective(run, run.at(j).theta))
    if not run.problem.full_batch:
        yield Way("other-convention", f"the loss of the batch {_after(k)}", run.at(k).loss)
    if k:
        start = _objective(run, run.at(0).theta)
        yield Way("stale-figure", f"the loss {_after(0)}", start)
    yield Way("stale-figure", "the loss at the returned parameters", _objective(run, run.theta))
    held = run.data.validation if run.data is not None else None
    if held is not None and run.data is not None:
        X, scaling = run.data.seen_validation
        s = scores_of(run.task, run.layout, run.at(k).theta, X, scaling=scaling)
        value = losses.reduce(losses.rows(run.task.loss, s, held[1]), held[2], run.task.reduction)
        yield Way("other-convention", f"the loss of the validation rows {_after(k)}", value)


def _after(k: int) -> str:
    return f"after {k:,} update{'s' * (k != 1)}" if k else "before the first update"


# ---------------------------------------------------------------- figures that are no numbers


def _not_a_number(claimed: Any, true: Way, name: str, scores: Any, y: Any) -> Finding:
    """Return what is known of a NaN: the logarithm of a probability that was rounded to 0."""
    said, evidence = "", {true.how: true.value}
    if name == "logistic" and scores is not None and math.isfinite(true.value):
        s = as_matrix(scores, "scores", np.float64)
        naive = _by_probabilities(s, _targets(losses.logistic(), s, y))
        if not math.isfinite(naive):
            said = (
                f": from probabilities it is {naive}, for those of scores from {s.min():.4g} to "
                f"{s.max():.4g} are rounded to 0 or 1, and log 0 is infinite"
            )
            evidence["by way of probabilities"] = naive
    return _finding(
        "non-finite-data",
        f"The figure {claimed} is not finite{said}; {true.how}, computed from the scores, is "
        f"{true.value:.9g}.",
        evidence,
    )


def _by_probabilities(s: Floats, y: Floats) -> float:
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-s))
        return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
