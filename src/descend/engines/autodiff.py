"""What the engines that differentiate for us have in common, written for any array namespace.

Their forward formulas are the ones every engine has (`descend.losses`, `descend.activations`,
`descend.models`); the way back is the library's.  After it an update is the same arithmetic on
flat vectors: clip, apply the rule, measure.

Sums over rows are taken in double precision, whatever theta is in; a rule's corrections are too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, models
from descend.arrays import Layout
from descend.custom import CustomLoss, CustomModel
from descend.custom.model import Scored
from descend.errors import InputError
from descend.parts import formulas_of
from descend.task import Task

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
    norm
        The Euclidean length of a vector.
    """

    xp: Any
    cast: Callable[[Any, Any], Any]
    norm: Callable[[Any], Any]


class Sentence(NamedTuple):
    """What of a problem its formulas depend on, beside arrays.

    Attributes
    ----------
    task, layout
        Of the problem.
    outputs
        k, or None where the model decides it.
    """

    task: Task
    layout: Layout
    outputs: int | None

    @classmethod
    def of(cls, problem: Problem) -> Sentence:
        """Return a problem's."""
        k = None if problem.task.loss.targets == "labels" else int(problem.y.shape[1])
        return cls(problem.task, problem.layout, k)


def kind_of(task: Task) -> Task:
    """Return a task without what is an argument of an update: its start, rate and schedule."""
    optimizer = replace(task.optimizer, learning_rate="auto", schedule=None)
    if isinstance(task.model, CustomModel):
        return replace(task, optimizer=optimizer)
    return replace(task, model=replace(task.model, init="zeros"), optimizer=optimizer)


class Penalised(NamedTuple):
    """A problem's penalties and marks as the library's arrays, in double precision.

    Attributes
    ----------
    l1, l2
        (P,), or None where there is none.
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
            None if isinstance(l1, float) else put(l1.astype(np.float64)),
            None if isinstance(l2, float) else put(l2.astype(np.float64)),
            put(problem.weight_marks.astype(np.float64)),
            None if trained.all() else put(trained.astype(problem.X.dtype)),
        )


# ---------------------------------------------------------------- forward


def scored(sentence: Sentence, theta: Any, X: Any, draw: Any, xp: Any) -> Scored:
    """Return the scores of some rows, and the buffers a module of one's own leaves."""
    model = sentence.task.model
    if not isinstance(model, CustomModel):
        return Scored(models.forward(model, theta, sentence.layout, X, xp)[0])
    found = model.given().scored(theta, X, draw)
    model.check(getattr(found.scores, "shape", ()), X.shape[0], sentence.outputs)
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


def passed(sentence: Sentence, library: Library, theta: Any, rows: Any, draw: Any) -> Any:
    """Return the scores of some rows, the buffers or None, and the loss of each row."""
    X, y, _ = rows
    found = scored(sentence, theta, X, draw, library.xp)
    return (*found, losses.rows(sentence.task.loss, found.scores, y, library.xp))


def objective(  # noqa: PLR0913, PLR0917 - the objective of a task at a point over some rows
    sentence: Sentence, library: Library, penalised: Penalised, theta: Any, rows: Any, draw: Any
) -> tuple[Any, Any, Any]:
    """Return the objective over some rows, without the absolute penalty and with it.

    And theta with a module's buffers as they are now, or None.
    """
    X, y, weights = rows
    found = scored(sentence, theta, X, draw, library.xp)
    value = _reduced(sentence.task, library, found.scores, y, weights)
    if penalised.l2 is not None:
        wide = library.cast(theta, None)
        value = value + 0.5 * library.xp.sum(penalised.l2 * wide * wide)
    whole = value
    if penalised.l1 is not None:
        whole = value + library.xp.sum(penalised.l1 * abs(library.cast(theta, None)))
    return value, whole, found.theta


def _reduced(task: Task, library: Library, scores: Any, y: Any, weights: Any) -> Any:
    """Return the loss of some rows as one number in double precision."""
    loss, xp = task.loss, library.xp
    per_row = losses.rows(loss, scores, y, xp)
    if isinstance(loss, CustomLoss) and per_row.dtype != scores.dtype:
        msg = (
            f"The custom loss {loss.label!r} must return numbers of the type of the scores, "
            f"{_named(scores.dtype)}; it returned {_named(per_row.dtype)}."
        )
        raise InputError(msg)
    wide = library.cast(per_row, None)
    if weights is None:
        return xp.sum(wide) / (float(len(wide)) if task.reduction == "mean" else 1.0)
    weights = library.cast(weights, None)
    total = xp.sum(wide * weights)
    if task.reduction == "sum":
        return total
    mass = xp.sum(weights)
    return total / xp.where(mass == 0, mass * 0 + 1, mass)


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
        0.0 if l1 is None else l1,
        penalised.weights,
    )
    after = library.cast(after, theta)
    if memory:
        slots = library.cast(xp.stack(list(memory)), theta)
    if l1 is not None:
        pulled = xp.sign(steep) * xp.maximum(abs(steep) - l1, steep * 0)
        steep = xp.where(wide == 0, pulled, steep + l1 * xp.sign(wide))
    taken = library.cast(after, None) - wide
    return after, slots, library.norm(steep), library.norm(taken)


def length(xp: Any, vector: Any) -> Any:
    """Return the Euclidean length without overflow."""
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
        whole = library.norm(gradient)
        gradient = gradient * xp.where(
            whole > optimizer.clip_norm, optimizer.clip_norm / whole, whole * 0 + 1
        )
    return gradient
