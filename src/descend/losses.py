"""Losses: how wrong raw scores are, each with its derivatives beside its formula.

Conventions: ``s`` are raw scores (n, k), ``y`` targets of the SAME shape (softmax: integer labels
(n,)), ``e = s - y``.  A loss owns its inverse link, so it takes the model's raw scores and no
probability is ever clipped.  Sign and scale are in the name: every loss is to be minimised,
`squared_error` is e² and `half_squared_error` half of it.  A loss called on (s, y) gives one
number per row, (n,), the mean over the k outputs; `reduce` alone turns rows into one number.

Elementwise losses state, for one score and one target,

* ``value(loss, s, y)``, ``slope(loss, s, y)`` its derivative by s, ``curvature(loss, s, y)`` the
  second derivative, and ``link(loss, s)``, what the score predicts (a mean, a probability).

Values are written so that a library that differentiates them finds `slope` at every score, the
kinks and 0 included: there ``abs`` has the derivative 1 in one library and 0 in another, so e^-|s|
chooses its sign by ``where``.

Labels are sorted and the second is the positive one: `logistic` and `brier` meet y in {0, 1},
and the hinges turn that into -1 and +1 themselves.

    >>> loss = squared_error()
    >>> loss(np.array([[1.0], [2.0]]), np.array([[3.0], [2.0]]))
    array([4., 0.])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np

from descend.arrays import Array, Floats, as_array, as_matrix
from descend.custom import CustomLoss
from descend.errors import InputError, ShapeError
from descend.parts import Family, Namespace, formulas_of, number

Targets = Literal["numbers", "counts", "two labels", "labels"]
Reduction = Literal["mean", "sum"]


class Loss(Protocol):
    """A loss: a named value with formulas, callable on scores and targets.

    Attributes
    ----------
    targets
        What y may hold: any numbers, counts (0 and above), two labels, or any labels.
    steepest_curvature
        The largest second derivative by the score, or infinity when there is no bound.
    proper
        Whether `link` gives probabilities.
    convex
        Whether it is convex in the score, so that a linear model has no minimum but the least.
    smooth
        Whether its slope is continuous: no kink.
    """

    name: ClassVar[str]
    targets: ClassVar[Targets]
    steepest_curvature: ClassVar[float]
    proper: ClassVar[bool]
    convex: ClassVar[bool]
    smooth: ClassVar[bool]

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Return this loss's functions for the namespace `xp`."""

    def _asdict(self) -> dict[str, Any]: ...

    def __call__(self, scores: Any, y: Any) -> Any:
        """Return the loss of each row (n,), after checking that the shapes agree."""


class Formulas(NamedTuple):
    """The functions of a loss; elementwise, or along rows for softmax."""

    value: Callable[..., Any]
    slope: Callable[..., Any]
    curvature: Callable[..., Any]
    link: Callable[..., Any]


def _raw(loss: Loss, s: Any) -> Any:
    """The link of losses whose scores are already what they predict."""
    del loss
    return s


def _call(self: Loss, scores: Any, y: Any) -> Any:
    scores, y = np.asarray(scores), np.asarray(y)
    check_shapes(self, scores, y)
    return rows(self, scores, y)


LOSSES: Family[Loss] = Family("loss", call=_call)


# ---------------------------------------------------------------- numbers


@LOSSES.add(
    "squared_error",
    targets="numbers",
    steepest_curvature=2.0,
    proper=False,
    convex=True,
    smooth=True,
)
class SquaredError(NamedTuple):
    """e², slope 2 e, curvature 2."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """d/ds (s - y)² = 2 (s - y)."""
        del xp

        def value(loss, s, y):
            return (s - y) * (s - y)

        def slope(loss, s, y):
            return 2 * (s - y)

        def curvature(loss, s, y):
            return (s - y) * 0 + 2

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "half_squared_error",
    targets="numbers",
    steepest_curvature=1.0,
    proper=False,
    convex=True,
    smooth=True,
)
class HalfSquaredError(NamedTuple):
    """e²/2, slope e, curvature 1."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """The half buys a slope without the 2."""
        del xp

        def value(loss, s, y):
            return 0.5 * (s - y) * (s - y)

        def slope(loss, s, y):
            return s - y

        def curvature(loss, s, y):
            return (s - y) * 0 + 1

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "absolute_error",
    targets="numbers",
    steepest_curvature=math.inf,
    proper=False,
    convex=True,
    smooth=False,
)
class AbsoluteError(NamedTuple):
    """|e|, slope the sign of e, and 0 at the kink."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """The curvature is 0 wherever it exists."""
        sign = xp.sign

        def value(loss, s, y):
            e = s - y
            return e * sign(e)

        def slope(loss, s, y):
            return sign(s - y)

        def curvature(loss, s, y):
            return (s - y) * 0

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "huber",
    targets="numbers",
    steepest_curvature=1.0,
    proper=False,
    convex=True,
    smooth=True,
)
class Huber(NamedTuple):
    """e²/2 up to |e| = delta and delta (|e| - delta/2) beyond: slope e, held within ±delta."""

    delta: float

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """Value and slope are continuous at |e| = delta."""
        sign, where = xp.sign, xp.where

        def value(loss, s, y):
            e = abs(s - y)
            return where(e <= loss.delta, 0.5 * e * e, loss.delta * (e - 0.5 * loss.delta))

        def slope(loss, s, y):
            e = s - y
            return where(abs(e) <= loss.delta, e, loss.delta * sign(e))

        def curvature(loss, s, y):
            e = s - y
            return where(abs(e) <= loss.delta, e * 0 + 1, e * 0)

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "quantile",
    targets="numbers",
    steepest_curvature=math.inf,
    proper=False,
    convex=True,
    smooth=False,
)
class Quantile(NamedTuple):
    """q (y - s) where s is too small and (1 - q)(s - y) where it is too large."""

    q: float

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """The slope is -q below the target, 1 - q above it, and 0 at the kink."""
        where = xp.where

        def value(loss, s, y):
            e = s - y
            return where(e < 0, -loss.q * e, where(e > 0, (1 - loss.q) * e, e * 0))

        def slope(loss, s, y):
            e = s - y
            return where(e < 0, e * 0 - loss.q, where(e > 0, e * 0 + (1 - loss.q), e * 0))

        def curvature(loss, s, y):
            return (s - y) * 0

        return Formulas(value, slope, curvature, _raw)


_LOG_2 = math.log(2.0)


@LOSSES.add(
    "log_cosh",
    targets="numbers",
    steepest_curvature=1.0,
    proper=False,
    convex=True,
    smooth=True,
)
class LogCosh(NamedTuple):
    """log cosh e, slope tanh e, curvature 1 - tanh² e."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """log cosh e = |e| + log(1 + e^(-2|e|)) - log 2."""
        exp, log1p, tanh = xp.exp, xp.log1p, xp.tanh

        def value(loss, s, y):
            e = abs(s - y)
            return e + log1p(exp(-2 * e)) - _LOG_2

        def slope(loss, s, y):
            return tanh(s - y)

        def curvature(loss, s, y):
            t = tanh(s - y)
            return 1 - t * t

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "poisson",
    targets="counts",
    steepest_curvature=math.inf,
    proper=False,
    convex=True,
    smooth=True,
)
class Poisson(NamedTuple):
    """e^s - y s, slope e^s - y, curvature e^s: the likelihood of counts without log y!."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """The expected count is e^s."""
        exp = xp.exp

        def value(loss, s, y):
            return exp(s) - y * s

        def slope(loss, s, y):
            return exp(s) - y

        def curvature(loss, s, y):
            return exp(s)

        def link(loss, s):
            return exp(s)

        return Formulas(value, slope, curvature, link)


# ---------------------------------------------------------------- labels


@LOSSES.add(
    "logistic",
    targets="two labels",
    steepest_curvature=0.25,
    proper=True,
    convex=True,
    smooth=True,
)
class Logistic(NamedTuple):
    """log(1 + e^s) - y s, slope p - y with p = 1/(1 + e^-s), curvature p (1 - p)."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """log(1 + e^s) = max(s, 0) + log(1 + e^-|s|); score and cross-entropy cancel to p - y."""
        exp, log1p, where = xp.exp, xp.log1p, xp.where

        def value(loss, s, y):
            return where(s >= 0, s, s * 0) - y * s + log1p(exp(where(s >= 0, -s, s)))

        def link(loss, s):
            e = exp(where(s >= 0, -s, s))
            return where(s >= 0, 1 / (1 + e), e / (1 + e))

        def slope(loss, s, y):
            e = exp(where(s >= 0, -s, s))
            return where(s >= 0, 1 / (1 + e), e / (1 + e)) - y

        def curvature(loss, s, y):
            e = exp(where(s >= 0, -s, s))
            return e / ((1 + e) * (1 + e))

        return Formulas(value, slope, curvature, link)


@LOSSES.add(
    "softmax",
    targets="labels",
    # The Hessian of a row is diag(p) - p pᵀ, whose largest eigenvalue is at most 1/2.
    steepest_curvature=0.5,
    proper=True,
    convex=True,
    smooth=True,
)
class Softmax(NamedTuple):
    """log sum_j e^s_j - s_y for the labelled class y: slope p - onehot(y)."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """The row's largest score is taken off first: it cancels, and nothing overflows."""

        def chosen(s, y):
            return xp.arange(s.shape[1])[None, :] == y[:, None]

        def value(loss, s, y):
            top = xp.max(s, axis=1, keepdims=True)
            spread = xp.log(xp.sum(xp.exp(s - top), axis=1))
            return spread + top[:, 0] - xp.sum(xp.where(chosen(s, y), s, s * 0), axis=1)

        def link(loss, s):
            e = xp.exp(s - xp.max(s, axis=1, keepdims=True))
            return e / xp.sum(e, axis=1, keepdims=True)

        def slope(loss, s, y):
            p = link(loss, s)
            return xp.where(chosen(s, y), p - 1, p)

        def curvature(loss, s, y):
            p = link(loss, s)
            return p * (1 - p)

        return Formulas(value, slope, curvature, link)


@LOSSES.add(
    "brier",
    targets="two labels",
    # The largest |curvature|, at y = 0 and p = (15 - sqrt(33))/24; a test finds it again.
    steepest_curvature=0.1540585701213505,
    proper=True,
    convex=False,
    smooth=True,
)
class Brier(NamedTuple):
    """(p - y)² with p = 1/(1 + e^-s), slope 2 (p - y) p (1 - p): it vanishes where p is sure."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """With v = p (1 - p) = dp/ds: slope 2 (p - y) v, curvature 2 v² + 2 (p - y) v (1 - 2 p)."""
        exp, where = xp.exp, xp.where

        def link(loss, s):
            e = exp(where(s >= 0, -s, s))
            return where(s >= 0, 1 / (1 + e), e / (1 + e))

        def value(loss, s, y):
            e = exp(where(s >= 0, -s, s))
            p = where(s >= 0, 1 / (1 + e), e / (1 + e))
            return (p - y) * (p - y)

        def slope(loss, s, y):
            e = exp(where(s >= 0, -s, s))
            p = where(s >= 0, 1 / (1 + e), e / (1 + e))
            return 2 * (p - y) * (e / ((1 + e) * (1 + e)))

        def curvature(loss, s, y):
            e = exp(where(s >= 0, -s, s))
            p = where(s >= 0, 1 / (1 + e), e / (1 + e))
            v = e / ((1 + e) * (1 + e))
            return 2 * v * v + 2 * (p - y) * v * (1 - 2 * p)

        return Formulas(value, slope, curvature, link)


@LOSSES.add(
    "hinge",
    targets="two labels",
    steepest_curvature=math.inf,
    proper=False,
    convex=True,
    smooth=False,
)
class Hinge(NamedTuple):
    """max(0, 1 - m) with the margin m = ±s: slope ∓1 inside the margin, 0 outside and on it."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """Labels 0 and 1 become the signs -1 and +1."""
        where = xp.where

        def value(loss, s, y):
            gap = 1 - (2 * y - 1) * s
            return where(gap > 0, gap, gap * 0)

        def slope(loss, s, y):
            sign = 2 * y - 1
            gap = 1 - sign * s
            return where(gap > 0, gap * 0 - sign, gap * 0)

        def curvature(loss, s, y):
            return s * 0

        return Formulas(value, slope, curvature, _raw)


@LOSSES.add(
    "squared_hinge",
    targets="two labels",
    steepest_curvature=2.0,
    proper=False,
    convex=True,
    smooth=True,
)
class SquaredHinge(NamedTuple):
    """max(0, 1 - m)² with the margin m = ±s: slope ∓2 (1 - m) inside the margin."""

    @staticmethod
    def formulas(xp: Namespace) -> Formulas:
        """Labels 0 and 1 become the signs -1 and +1."""
        where = xp.where

        def value(loss, s, y):
            gap = 1 - (2 * y - 1) * s
            return where(gap > 0, gap * gap, gap * 0)

        def slope(loss, s, y):
            sign = 2 * y - 1
            gap = 1 - sign * s
            return where(gap > 0, -2 * sign * gap, gap * 0)

        def curvature(loss, s, y):
            gap = 1 - (2 * y - 1) * s
            return where(gap > 0, gap * 0 + 2, gap * 0)

        return Formulas(value, slope, curvature, _raw)


# ---------------------------------------------------------------- from scores to one number


def check_shapes(loss: Loss, scores: Any, y: Any) -> None:
    """Raise `ShapeError`, showing both shapes, unless scores and targets belong together."""
    if len(scores.shape) != 2:  # noqa: PLR2004 - (n, k)
        msg = (
            f"{loss.name} takes scores of shape (n, k); found {tuple(scores.shape)}, with "
            f"targets of shape {tuple(y.shape)}. Turn a vector of scores into a column with "
            "scores[:, None]."
        )
        raise ShapeError(msg)
    wanted = scores.shape[:1] if loss.targets == "labels" else scores.shape
    if tuple(y.shape) != tuple(wanted):
        msg = (
            f"{loss.name} takes targets of shape {tuple(wanted)} for scores of shape "
            f"{tuple(scores.shape)}; found {tuple(y.shape)}. Nothing is broadcast: "
            "reshape the targets first."
        )
        raise ShapeError(msg)


def rows(loss: Loss, scores: Any, y: Any, xp: Namespace = np) -> Any:
    """Return the loss of each row (n,): over several outputs, their mean."""
    if isinstance(loss, CustomLoss):
        return loss.rows(scores, y) if xp is np else loss.traced(scores, y)
    with np.errstate(over="ignore"):  # e^s of Poisson may honestly be infinite
        value = formulas_of(type(loss), xp).value(loss, scores, y)
    return value if loss.targets == "labels" else value.mean(axis=1)


def reduce(per_row: Floats, weights: Floats | None, reduction: str) -> float:
    """Return one number from the loss of each row: sum(w l) / sum(w), or sum(w l) for "sum".

    Sums are taken in double precision whatever the rows are in.
    """
    wide = per_row if weights is None else np.multiply(per_row, weights, dtype=np.float64)
    return float(wide.sum(dtype=np.float64) / mass(weights, len(per_row), reduction))


def mass(weights: Floats | None, n: int, reduction: str) -> float:
    """Return what the sum of losses is divided by: sum(w), the row count, or 1 for "sum".

    A batch whose rows all have weight 0 is as good as absent: its loss and slopes are 0, not 0/0.
    """
    if reduction == "sum":
        return 1.0
    return float(n) if weights is None else float(weights.sum(dtype=np.float64)) or 1.0


def slopes(loss: Loss, scores: Floats, y: Array, weights: Floats | None, divisor: float) -> Floats:
    """Return the derivative of the reduced loss by the scores, (n, k); see `mass`."""
    if isinstance(loss, CustomLoss):
        slope, outputs = loss.slopes(scores, y).astype(scores.dtype, copy=False), 1
    else:
        slope = formulas_of(type(loss), np).slope(loss, scores, y)
        outputs = 1 if loss.targets == "labels" else scores.shape[1]
    if weights is not None:
        slope = slope * weights[:, None]
    scaled: Floats = slope * slope.dtype.type(1.0 / (divisor * outputs))
    return scaled


def evaluate(
    loss: Loss, scores: Any, y: Any, weights: Any = None, reduction: str = "mean"
) -> float:
    """Return the loss of scores (n, k) against targets as one number, checking the shapes.

    >>> evaluate(squared_error(), np.array([[1.0], [2.0]]), np.array([[3.0], [2.0]]))
    2.0
    """
    per_row = loss(np.asarray(scores), np.asarray(y))
    return reduce(per_row, None if weights is None else np.asarray(weights), reduction)


def predicted(loss: Loss, scores: Floats) -> Floats:
    """Return what scores (n, k) predict: means, or probabilities where the loss has them."""
    if isinstance(loss, CustomLoss):
        return scores
    with np.errstate(over="ignore"):
        found: Floats = formulas_of(type(loss), np).link(loss, scores)
    return found


def best_constant(loss: Loss, y: Array, weights: Floats | None, k: int) -> Floats:
    """Return the constant scores (k,) that the loss likes best: the model that knows nothing.

    The mean for squared error, the median for absolute error, the log-odds for logistic …
    Closed forms where there are some; otherwise the zero of the summed slope, by bisection.  Of
    a loss of one's own nothing is known, and 0 stands for it.
    """
    if isinstance(loss, CustomLoss):
        return np.zeros(k)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if loss.targets == "labels":
        shares = np.bincount(y, weights=w, minlength=k) / w.sum()
        logs: Floats = np.log(np.maximum(shares, 1e-13))
        return logs
    columns = np.asarray(y, dtype=float)
    means = w @ columns / w.sum()
    if loss.name in {"squared_error", "half_squared_error"}:
        return np.asarray(means)
    tiny = 1e-13  # a share of 0 or 1 would put the best score at infinity
    if loss.name in {"logistic", "brier"}:
        shares = np.clip(means, tiny, 1 - tiny)
        return np.asarray(np.log(shares) - np.log1p(-shares))
    if loss.name == "poisson":
        return np.asarray(np.log(np.maximum(means, tiny)))
    return np.array([_bisect(loss, columns[:, j], w) for j in range(columns.shape[1])])


def _bisect(loss: Loss, y: Floats, w: Floats) -> float:
    slope = formulas_of(type(loss), np).slope
    signs = loss.targets == "two labels"
    low, high = (-2.0, 2.0) if signs else (float(y.min()), float(y.max()))
    for _ in range(80):
        middle = low + (high - low) / 2
        if w @ slope(loss, np.full_like(y, middle), y) > 0:
            high = middle
        else:
            low = middle
    return low + (high - low) / 2


# ---------------------------------------------------------------- targets


def encode_targets(
    loss: Loss, y: Any, classes: list[Any] | None = None, dtype: Any = np.float64
) -> tuple[Array, list[Any] | None]:
    """Return targets as the loss takes them, and the sorted labels if it takes labels.

    Parameters
    ----------
    loss
        Decides what y may hold.
    y
        (n,) or (n, k); labels may be text, bools or numbers.
    classes
        Labels that are already known (from the training rows), or None to learn them.
    dtype
        float32 or float64, for targets that are numbers.

    Raises
    ------
    InputError
        If y holds something else: a single label, three labels for a loss of two, a negative
        count, a label that is not among `classes`.
    """
    if loss.targets in {"numbers", "counts"}:
        numbers = as_matrix(y, "y", dtype)
        if loss.targets == "counts" and numbers.size and numbers.min() < 0:
            row = int(np.argwhere(numbers < 0)[0][0])
            msg = (
                f"{loss.name} takes counts of 0 and above; found {numbers.min()} (row {row} is "
                "the first below 0). Use squared_error for numbers that can be negative."
            )
            raise InputError(msg)
        return numbers, None
    labels = as_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] == 1:  # noqa: PLR2004 - a column is a vector
        labels = labels[:, 0]
    if labels.ndim == 2:  # noqa: PLR2004 - several outputs
        return _several_two_label_outputs(loss, labels, dtype)
    if classes is None:
        classes = _learn_classes(loss, labels)
    codes = _codes(labels, classes)
    if loss.targets == "labels":
        return codes, classes
    return codes[:, None].astype(dtype), classes


def _several_two_label_outputs(loss: Loss, labels: Array, dtype: Any) -> tuple[Array, list[Any]]:
    numbers = as_matrix(labels, "y", dtype)
    if loss.targets == "labels" or not np.isin(numbers, (0.0, 1.0)).all():
        msg = f"{loss.name} with targets of shape {labels.shape} needs " + (
            "one label per row, shape (n,)." if loss.targets == "labels" else "zeros and ones."
        )
        raise InputError(msg)
    return numbers, [0, 1]


def _learn_classes(loss: Loss, labels: Array) -> list[Any]:
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        row = int(np.flatnonzero(np.isnan(labels))[0])
        msg = f"y must have a label in every row; row {row} has none. Drop such rows first."
        raise InputError(msg)
    try:
        classes: list[Any] = np.unique(labels).tolist()
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        msg = f"Labels must be of one kind to be sorted; y mixes {', '.join(kinds)}."
        raise InputError(msg) from error
    shown = ", ".join(repr(c) for c in classes[:5]) + (", …" if len(classes) > 5 else "")  # noqa: PLR2004
    if len(classes) < 2:  # noqa: PLR2004 - one label leaves nothing to tell apart
        msg = f"{loss.name} needs at least two labels; y has {len(classes)}: {shown}."
        raise InputError(msg)
    if loss.targets == "two labels" and len(classes) > 2:  # noqa: PLR2004
        msg = (
            f"{loss.name} takes two labels; y has {len(classes)}: {shown}. "
            "Use softmax for three or more, or squared_error for numbers."
        )
        raise InputError(msg)
    return classes


def _codes(labels: Array, classes: list[Any]) -> Array:
    known = np.asarray(classes, dtype=labels.dtype if labels.dtype != object else None)
    order = np.argsort(known, kind="stable")  # labels read from tables may be sorted as numbers
    place = np.minimum(np.searchsorted(known, labels, sorter=order), len(known) - 1)
    codes: Array = order[place]
    strange = known[codes] != labels
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        found = labels[row].item() if hasattr(labels[row], "item") else labels[row]
        msg = (
            f"Labels must be among those of the training rows, {classes[:8]}; "
            f"found {found!r} at row {row}."
        )
        raise InputError(msg)
    return codes.astype(np.int64)


# ---------------------------------------------------------------- public makers


@LOSSES.maker
def squared_error() -> Loss:
    """Return the squared error: (s - y)².  Its mean is "MSE".

    Returns
    -------
    SquaredError

    Examples
    --------
    >>> squared_error()(np.array([[1.0]]), np.array([[3.0]]))
    array([4.])

    References
    ----------
    A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes" (1805).
    """
    return LOSSES.value(SquaredError())


@LOSSES.maker
def half_squared_error() -> Loss:
    """Return half the squared error: (s - y)²/2, whose slope is s - y.

    Returns
    -------
    HalfSquaredError

    Examples
    --------
    >>> half_squared_error()(np.array([[1.0]]), np.array([[3.0]]))
    array([2.])
    """
    return LOSSES.value(HalfSquaredError())


@LOSSES.maker
def absolute_error() -> Loss:
    """Return the absolute error: |s - y|, which a median minimises.

    Returns
    -------
    AbsoluteError

    Examples
    --------
    >>> absolute_error()(np.array([[1.0]]), np.array([[3.0]]))
    array([2.])
    """
    return LOSSES.value(AbsoluteError())


@LOSSES.maker
def huber(delta: float = 1.0) -> Loss:
    """Return Huber's loss: e²/2 for |e| <= delta and delta (|e| - delta/2) beyond.

    Parameters
    ----------
    delta
        Where the square turns into a line, positive, in the units of y; default 1.

    Returns
    -------
    Huber

    Raises
    ------
    ParameterError
        If delta is not positive.

    Examples
    --------
    >>> huber(1.0)(np.array([[0.5], [3.0]]), np.array([[0.0], [0.0]]))
    array([0.125, 2.5  ])

    References
    ----------
    P. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35 (1964).
    """
    return LOSSES.value(Huber(number("huber", "delta", delta, low=0)))


@LOSSES.maker
def quantile(q: float = 0.5) -> Loss:
    """Return the quantile (pinball) loss: q (y - s) if s < y, else (1 - q)(s - y).

    Parameters
    ----------
    q
        Which quantile to predict, in (0, 1); default 0.5, half the absolute error.

    Returns
    -------
    Quantile

    Raises
    ------
    ParameterError
        If q is not between 0 and 1.

    Examples
    --------
    >>> quantile(0.9)(np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]]))
    array([0.9, 0.1])

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978).
    """
    return LOSSES.value(Quantile(number("quantile", "q", q, low=0, high=1)))


@LOSSES.maker
def log_cosh() -> Loss:
    """Return log cosh(s - y): near e²/2 for small errors and |e| - log 2 for large ones.

    Returns
    -------
    LogCosh

    Examples
    --------
    >>> log_cosh()(np.array([[1e4]]), np.array([[0.0]]))
    array([9999.30685282])
    """
    return LOSSES.value(LogCosh())


@LOSSES.maker
def poisson() -> Loss:
    """Return the Poisson loss: e^s - y s for counts y; the expected count is e^s.

    The term log y! of the likelihood, which no parameter changes, is left out; so the loss may
    be negative.

    Returns
    -------
    Poisson

    Examples
    --------
    >>> poisson()(np.array([[0.0]]), np.array([[3.0]]))
    array([1.])

    References
    ----------
    J. Nelder and R. Wedderburn, "Generalized linear models", J. R. Statist. Soc. A 135 (1972).
    """
    return LOSSES.value(Poisson())


@LOSSES.maker
def logistic() -> Loss:
    """Return the logistic loss (binary cross-entropy): log(1 + e^s) - y s for y in {0, 1}.

    Returns
    -------
    Logistic

    Examples
    --------
    >>> logistic()(np.array([[0.0], [1e4], [-1e4]]), np.array([[1.0], [1.0], [1.0]]))
    array([6.93147181e-01, 0.00000000e+00, 1.00000000e+04])

    References
    ----------
    D. Cox, "The regression analysis of binary sequences", J. R. Statist. Soc. B 20 (1958).
    """
    return LOSSES.value(Logistic())


@LOSSES.maker
def softmax() -> Loss:
    """Return the softmax cross-entropy: log sum_j e^s_j - s_y, for one integer label per row.

    For exclusive classes.  Where a row can have several labels at once, use `logistic` with one
    output per label.

    Returns
    -------
    Softmax

    Examples
    --------
    >>> softmax()(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([1, 0]))
    array([0.69314718, 0.        ])

    References
    ----------
    J. Bridle, "Training stochastic model recognition algorithms as networks can lead to maximum
    mutual information estimation of parameters", NIPS 1989.
    """
    return LOSSES.value(Softmax())


@LOSSES.maker
def brier() -> Loss:
    """Return the Brier loss: the squared error of the probability, (p - y)², p = 1/(1 + e^-s).

    This is "MSE on a sigmoid".  Its slope carries p (1 - p), so it stalls where a model is sure
    and wrong; `logistic` does not.

    Returns
    -------
    Brier

    Examples
    --------
    >>> brier()(np.array([[0.0], [1e4]]), np.array([[1.0], [0.0]]))
    array([0.25, 1.  ])

    References
    ----------
    G. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78 (1950).
    """
    return LOSSES.value(Brier())


@LOSSES.maker
def hinge() -> Loss:
    """Return the hinge loss: max(0, 1 - m), where m is s for the second label and -s else.

    Returns
    -------
    Hinge

    Examples
    --------
    >>> hinge()(np.array([[0.5], [0.5]]), np.array([[1.0], [0.0]]))
    array([0.5, 1.5])

    References
    ----------
    C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20 (1995).
    """
    return LOSSES.value(Hinge())


@LOSSES.maker
def squared_hinge() -> Loss:
    """Return the squared hinge loss: max(0, 1 - m)², where m is s for the second label, -s else.

    Returns
    -------
    SquaredHinge

    Examples
    --------
    >>> squared_hinge()(np.array([[0.5], [0.5]]), np.array([[1.0], [0.0]]))
    array([0.25, 2.25])
    """
    return LOSSES.value(SquaredHinge())
