"""What the engines that differentiate for us have in common, written for any array namespace.

Their forward formulas are the ones every engine has (`descend.losses`, `descend.activations`,
`descend.models`); the way back is the library's.  After it an update is the same arithmetic on
flat vectors: clip, apply the rule, measure.

Sums over rows are taken in double precision, whatever theta is in; a rule's corrections are too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, models
from descend.custom import CustomLoss, CustomModel
from descend.custom.model import Scored
from descend.errors import InputError
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.engines.problem import Problem
    from descend.optimizers import Optimizer


class Library(NamedTuple):
    """What formulas need of an array library.

    Attributes
    ----------
    xp
        Its functions under NumPy's names.
    cast
        ``(array, other) -> array`` in the other's type; ``(array, None)``: in double precision.
    """

    xp: Any
    cast: Callable[[Any, Any], Any]


class Penalised(NamedTuple):
    """A problem's penalties and marks as the library's arrays, in double precision.

    Attributes
    ----------
    l1, l2
        (P,), or 0.0 where there is none.
    weights
        (P,): 1 on weights.
    trained
        (P,): 1 on what may move; None where all of it may.
    """

    l1: Any
    l2: Any
    weights: Any
    trained: Any

    @classmethod
    def of(cls, problem: Problem, put: Callable[[Any], Any]) -> Penalised:
        """Return a problem's, put where they are needed."""
        l1, l2, trained = problem.l1, problem.l2, problem.layout.trained()
        return cls(
            l1 if isinstance(l1, float) else put(l1.astype(np.float64)),
            l2 if isinstance(l2, float) else put(l2.astype(np.float64)),
            put(problem.weight_marks.astype(np.float64)),
            None if trained.all() else put(trained.astype(problem.X.dtype)),
        )


# ---------------------------------------------------------------- forward


def scored(problem: Problem, theta: Any, X: Any, draw: Any, xp: Any) -> Scored:
    """Return the scores of some rows, and the buffers a module of one's own leaves."""
    model = problem.task.model
    if not isinstance(model, CustomModel):
        return Scored(models.forward(model, theta, problem.layout, X, xp)[0])
    found = model.given().scored(theta, X, draw)
    outputs = None if problem.task.loss.targets == "labels" else problem.y.shape[1]
    model.check(getattr(found.scores, "shape", ()), X.shape[0], outputs)
    if found.scores.dtype != theta.dtype:
        msg = (
            f"The model {model.label!r} must return scores of the type of its parameters, "
            f"{_named(theta.dtype)}; it returned {_named(found.scores.dtype)}. Make its constants "
            "of the type of X, or train with dtype="
            f'"{_named(found.scores.dtype)}".'
        )
        raise InputError(msg)
    return found


def _named(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def reduced(  # noqa: PLR0913, PLR0917 - a loss has its scores, targets, weights and library
    problem: Problem, library: Library, scores: Any, y: Any, weights: Any, divisor: Any
) -> Any:
    """Return the loss of some rows as one number in double precision."""
    loss = problem.task.loss
    per_row = losses.rows(loss, scores, y, library.xp)
    if isinstance(loss, CustomLoss) and per_row.dtype != scores.dtype:
        msg = (
            f"The custom loss {loss.label!r} must return numbers of the type of the scores, "
            f"{_named(scores.dtype)}; it returned {_named(per_row.dtype)}."
        )
        raise InputError(msg)
    wide = library.cast(per_row, None)
    if weights is not None:
        wide = wide * library.cast(weights, None)
    return library.xp.sum(wide) / divisor


def squared(library: Library, penalised: Penalised, theta: Any) -> Any:
    """Return what the squared penalty adds to the objective, or 0.0 where there is none."""
    if isinstance(penalised.l2, float):
        return penalised.l2
    wide = library.cast(theta, None)
    return 0.5 * library.xp.sum(penalised.l2 * wide * wide)


def absolute(library: Library, penalised: Penalised, theta: Any) -> Any:
    """Return what the absolute one adds, whose gradient is the rule's affair; or 0.0."""
    if isinstance(penalised.l1, float):
        return penalised.l1
    return library.xp.sum(penalised.l1 * abs(library.cast(theta, None)))


# ---------------------------------------------------------------- after the gradient


def moved(  # noqa: PLR0913, PLR0917 - an update has its state, gradient, rate and number
    optimizer: Optimizer,
    library: Library,
    penalised: Penalised,
    theta: Any,
    slots: Any,
    gradient: Any,
    rate: Any,
    t: Any,
) -> tuple[Any, Any, Any, Any]:
    """Return the next theta and slots, and the lengths of the gradient and of the step."""
    xp = library.xp
    wide, steep, l1 = library.cast(theta, None), library.cast(gradient, None), penalised.l1
    update = formulas_of(type(optimizer.rule), xp)
    after, memory = update(
        optimizer.rule,
        wide,
        _clipped(optimizer, library, steep),
        tuple(library.cast(slots[i], None) for i in range(len(optimizer.rule.slots))),
        rate,
        t,
        l1,
        penalised.weights,
    )
    after = library.cast(after, theta)
    if memory:
        slots = library.cast(xp.stack(list(memory)), theta)
    if not isinstance(l1, float):
        pulled = xp.sign(steep) * xp.maximum(abs(steep) - l1, steep * 0)
        steep = xp.where(wide == 0, pulled, steep + l1 * xp.sign(wide))
    taken = library.cast(after, None) - wide
    return after, slots, length(library, steep), length(library, taken)


def length(library: Library, vector: Any) -> Any:
    """Return the Euclidean length, in double precision and without overflow."""
    xp = library.xp
    largest = xp.max(abs(vector))
    usable = (largest > 0) & (largest < np.inf)
    unit = xp.where(usable, largest, largest * 0 + 1)
    scaled = vector / unit
    return xp.where(usable, largest * xp.sqrt(xp.sum(scaled * scaled)), largest)


def _clipped(optimizer: Optimizer, library: Library, gradient: Any) -> Any:
    xp = library.xp
    if optimizer.clip_value is not None:
        gradient = xp.clip(gradient, -optimizer.clip_value, optimizer.clip_value)
    if optimizer.clip_norm is not None:
        whole = length(library, gradient)
        gradient = gradient * xp.where(
            whole > optimizer.clip_norm, optimizer.clip_norm / whole, whole * 0 + 1
        )
    return gradient
