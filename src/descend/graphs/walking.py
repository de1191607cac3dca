"""Forward and back through a model once, keeping every array on the way.

The engines keep only the gradient by theta; a graph shows the ones between, too.  The formulas are
the families' own: what is here is their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, models, penalties
from descend.activations import backward as backward_through
from descend.arrays import Array

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem


class Walk(NamedTuple):
    """By the names of nodes: the values, and the gradients of the objective by them."""

    values: dict[str, Array]
    gradients: dict[str, Array]


def walk(problem: Problem, theta: Floats, update: int) -> Walk:
    """Return every value and gradient at theta, on the (dense) rows that an update sees."""
    order = problem.order(update // problem.batches_per_epoch)
    rows = problem.batch(update, order)
    X: Any = problem.X
    weights = None if problem.weights is None else problem.weights[rows]
    with np.errstate(all="ignore"):
        values, tape = _forward(problem, theta, X[rows], problem.y[rows], weights)
        return Walk(values, _back(problem, theta, values, tape))


def _forward(
    problem: Problem, theta: Floats, X: Floats, y: Array, weights: Floats | None
) -> tuple[dict[str, Any], models.Tape]:
    task, layout = problem.task, problem.layout
    scores, tape = models.forward(task.model, theta, layout, X)
    per_row = losses.rows(task.loss, scores, y)
    reduced = losses.reduce(per_row, weights, task.reduction)
    penalty = penalties.value(problem.l1, problem.l2, theta)
    values: dict[str, Any] = {"X": X, "y": y, **layout.split(theta)}
    for i in range(1, len(tape.sums)):
        values[f"z{i}"], values[f"a{i}"] = tape.sums[i - 1], tape.inputs[i]
    values.update(scores=scores, loss=per_row, penalty=penalty, objective=reduced + penalty)
    values[task.reduction] = reduced
    if weights is not None:
        values["weights"] = weights
    return values, tape


def _back(
    problem: Problem, theta: Floats, values: dict[str, Any], tape: models.Tape
) -> dict[str, Any]:
    task, layout = problem.task, problem.layout
    weights, scores = values.get("weights"), values["scores"]
    divisor = losses.mass(weights, len(scores), task.reduction)
    g = losses.slopes(task.loss, scores, values["y"], weights, divisor)
    by_theta = models.backward(task.model, theta, layout, tape, g) + problem.l2 * theta
    one = np.ones((), dtype=scores.dtype)
    per_row = np.ones(len(scores), dtype=scores.dtype) if weights is None else weights
    found: dict[str, Any] = {"objective": one, task.reduction: one, "loss": per_row / divisor}
    found.update(scores=g, penalty=one, **layout.split(by_theta))
    model = models.layered(task.model)
    stack = models.layers(model, layout.split(theta))
    for i in range(len(stack) - 1, 0, -1):
        found[f"a{i}"] = g @ stack[i][0].T
        g = backward_through(model.activation, tape.sums[i - 1], tape.inputs[i], found[f"a{i}"])
        found[f"z{i}"] = g
    return found
