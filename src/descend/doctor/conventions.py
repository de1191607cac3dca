"""The ways in which people compute one figure from scores and targets.

A cost is a mean over rows with a name; a reduction turns it into a figure.  What was asked comes
first, then other reductions, other costs, and slips: every score compared with every target.

    >>> import numpy as np
    >>> from descend.losses import squared_error
    >>> s, y = np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])
    >>> [(way.how, way.value) for way in ways(squared_error(), s, y)][:2]
    [('the mean squared error', 2.0), ('the squared error summed over the rows', 4.0)]
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from descend.arrays import Array, Floats
    from descend.losses import Loss

# Up to so many rows every score is compared with every target, so many scores at a time.
PAIRED, AT_ONCE = 4096, 256


class Way(NamedTuple):
    """A figure, what it is, and the finding that it was taken for another: "healthy" if asked."""

    code: str
    how: str
    value: float


class Cost(NamedTuple):
    """A mean over `many` rows, or pairs of them; `noun` says of what, and whether of squares."""

    code: str
    noun: str
    mean: float
    many: float
    square: bool = False


# Its words with {} for the noun, and what it makes of a mean over n rows.
REDUCTIONS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "mean": ("the mean {}", lambda m, _: m),
    "sum": ("the {} summed over the rows", lambda m, n: m * n),
    "half": ("half the mean {}", lambda m, _: m / 2),
    "half sum": ("half the {} summed over the rows", lambda m, n: m * n / 2),
    "twice": ("twice the mean {}", lambda m, _: m * 2),
    "minus": ("the mean {} with its sign lost", lambda m, _: -m),
    "minus sum": ("the {} summed over the rows with its sign lost", lambda m, n: -m * n),
}
ROOTS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "root": ("the root of the mean {}", lambda m, _: math.sqrt(m)),
    "root sum": (
        "the root of the {} summed over the rows, not averaged",
        lambda m, n: math.sqrt(m * n),
    ),
}
FREEDOM: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "n - 1": ("the summed {} over n - 1", lambda m, n: m * n / (n - 1) if n > 1 else math.nan),
    "n - 2": ("the summed {} over n - 2", lambda m, n: m * n / (n - 2) if n > 2 else math.nan),  # noqa: PLR2004
}
BITS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "bits": ("the mean {} in bits", lambda m, _: m / math.log(2)),
}
SHARES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "mean": ("the share of {}", lambda m, _: m),
    "per cent": ("the share of {}, in per cent", lambda m, _: 100 * m),
    "sum": ("the number of {}", lambda m, n: m * n),
    "rest": ("the share of all but {}", lambda m, _: 1 - m),
}
SQUARES = ("squared_error", "half_squared_error", "brier")
LIKELIHOODS = ("logistic", "softmax", "poisson")


def ways(
    loss: Loss, s: Floats, y: Array, weights: Floats | None = None, asked: str = "mean"
) -> Iterator[Way]:
    """Yield the figures that scores (n, k) and targets may have been given, the asked one first."""
    table = REDUCTIONS | ROOTS
    if loss.name in LIKELIHOODS:
        table |= BITS
    if loss.name in SQUARES:
        table |= FREEDOM
    yield from _reduced(_costs(loss, s, y, weights), table, asked)


def shares(s: Floats, y: Array, weights: Floats | None = None) -> Iterator[Way]:
    """Yield the figures that may have been called an accuracy; y holds 0 and 1, or classes."""
    yield from _reduced(_hits(s, y, weights), SHARES, "mean")


def _reduced(
    costs: Iterator[Cost], table: dict[str, tuple[str, Callable[[float, float], float]]], asked: str
) -> Iterator[Way]:
    for place, cost in enumerate(costs):
        for name in sorted(table, key=lambda n: (n != asked, (n in ROOTS) != (asked in ROOTS))):
            if (name in ROOTS and not cost.square) or (name in FREEDOM and place):
                continue
            words, make = table[name]
            code = cost.code
            if place == 0:
                code = "healthy" if name == asked else "other-convention"
                code = "wrong-sign" if name.startswith("minus") else code
            with np.errstate(all="ignore"):
                value = make(cost.mean, cost.many) if math.isfinite(cost.mean) else math.nan
            yield Way(code, words.format(cost.noun), value)


def _costs(loss: Loss, s: Floats, y: Array, weights: Floats | None) -> Iterator[Cost]:
    """Yield the asked loss, then what else may have been averaged."""
    noun = _noun(loss)
    square, per_row = loss.name in SQUARES, losses.rows(loss, s, y)
    yield _cost("healthy", noun, per_row, weights)._replace(square=square)
    if weights is not None:
        words = f"{noun}, weights left out,"
        yield _cost("other-convention", words, per_row, None)._replace(square=square)
    if loss.targets != "labels" and s.shape[1] > 1:
        words, every = f"{noun}, added up over the outputs,", per_row * s.shape[1]
        yield _cost("other-convention", words, every, weights)._replace(square=square)
    if loss.targets == "numbers" and loss.name != "absolute_error":
        off = np.abs(s - y).mean(axis=1)
        yield _cost("other-convention", "absolute error", off, weights)
    if loss.targets == "two labels":
        yield from _of_two_labels(loss, s, y, weights)
    if loss.targets == "labels":
        yield from _of_labels(s, y, weights)
    elif s.shape[1] == 1 and len(s) <= PAIRED and loss.name != "custom":
        pairs = _every(lambda few, all_y: losses.rows(loss, few, all_y), s, y)
        words = f"{noun} of every score with every target"
        yield Cost("broadcast", words, pairs, len(s), square)


def _noun(loss: Loss) -> str:
    own = getattr(loss, "label", "") if loss.name == "custom" else ""
    return (
        f"loss {own!r}"
        if own
        else f"{loss.name.replace('_', ' ')} loss".replace("error loss", "error")
    )


def _cost(code: str, noun: str, per_row: Floats, weights: Floats | None) -> Cost:
    mean = losses.reduce(per_row, weights, "mean")
    return Cost(code, noun, mean, losses.mass(weights, len(per_row), "mean"))


def _of_two_labels(loss: Loss, s: Floats, y: Floats, weights: Floats | None) -> Iterator[Cost]:
    p = losses.predicted(losses.logistic(), s)
    for other in (losses.logistic(), losses.brier()):
        if other.name != loss.name:
            found = losses.rows(other, s, y)
            yield _cost("other-convention", _noun(other), found, weights)
    twice = losses.rows(loss, p, y)
    yield _cost("loss-mismatch", f"{_noun(loss)} of probabilities taken for scores", twice, weights)
    raw = ((s - y) ** 2).mean(axis=1)
    yield _cost("loss-mismatch", "squared error of raw scores", raw, weights)


def _of_labels(s: Floats, y: Array, weights: Floats | None) -> Iterator[Cost]:
    p = losses.predicted(losses.softmax(), s)
    twice = losses.rows(losses.softmax(), p, y)
    words = "softmax loss of probabilities taken for scores"
    yield _cost("loss-mismatch", words, twice, weights)
    own = np.take_along_axis(s, y[:, None], axis=1)[:, 0]
    whole = _log_sum(s.ravel()[None])[0] - own
    yield _cost("wrong-axis", "softmax loss, its sum over the whole batch,", whole, weights)
    down = _log_sum(s.T)[y] - own
    yield _cost("wrong-axis", "softmax loss, its sum over the rows,", down, weights)
    each = losses.rows(losses.softmax(), s, y) / s.shape[1]
    yield _cost("other-convention", "softmax loss over rows and classes", each, weights)


def _log_sum(s: Floats) -> Floats:
    top = s.max(axis=1)
    found: Floats = top + np.log(np.exp(s - top[:, None]).sum(axis=1))
    return found


def _hits(s: Floats, y: Array, weights: Floats | None) -> Iterator[Cost]:
    if y.ndim == 1:
        yield _cost("healthy", "rows told right", (s.argmax(axis=1) == y) * 1.0, weights)
        return
    right = ((s > 0) == (y > 0)).mean(axis=1)
    yield _cost("healthy", "rows told right", right, weights)
    at_half = ((s > 0.5) == (y > 0)).mean(axis=1)  # noqa: PLR2004 - the threshold of a probability
    words = "rows told right, scores cut at 0.5,"
    yield _cost("other-convention", words, at_half, weights)
    if s.shape[1] == 1 and len(s) <= PAIRED:
        pairs = _every(lambda few, all_y: ((few > 0) == (all_y > 0))[:, 0] * 1.0, s, y)
        yield Cost("broadcast", "pairs of a score and a target that agree", pairs, len(s) ** 2)


def _every(costs: Callable[[Any, Any], Any], s: Floats, y: Floats) -> float:
    """Return the mean over every score with every target: scores and targets are columns."""
    total, n = 0.0, len(s)
    for first in range(0, n, AT_ONCE):
        few = np.repeat(s[first : first + AT_ONCE], n, axis=0)
        total += float(np.sum(costs(few, np.tile(y, (len(few) // n, 1)))))
    return total / n**2
