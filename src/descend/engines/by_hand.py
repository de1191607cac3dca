"""The reference engine: NumPy, with every derivative written out.

One update is five moves, each a line of `value_and_gradient` or `advance`:

    forward    scores = model(theta, rows)
    loss       objective = reduced loss(scores, targets) + penalty(theta)
    slope      how the objective changes with each score
    backward   the chain rule through the model, down to theta
    update     the optimizer's rule

Sparse rows go the same way: the products of the first layer are SciPy's.  Where they are to be
standardised, theta is folded before going forward and the gradient unfolded after coming back.
Other engines may be faster; none may differ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import losses, models, penalties
from descend.arrays import Array, Floats, State
from descend.engines.problem import Advance, Problem, Trace, scores_of
from descend.optimizers import apply, clipped
from descend.scaling import fold, unfold

if TYPE_CHECKING:
    from descend.arrays import Rows

# Rows go forward and backward this many at a time, so that a net's tape stays bounded.
BLOCK = 1 << 16


@final
class ByHand:
    """The NumPy engine at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._order: tuple[int, Array | None] = (-1, None)

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        problem, optimizer = self.problem, self.problem.task.optimizer
        theta, slots = state.theta, state.slots
        trace, kept = Trace(np.empty((updates, 4))), []
        with np.errstate(all="ignore"):  # a run that explodes is an outcome, not a warning
            for i in range(updates):
                update = state.step + i
                loss, gradient = self.value_and_gradient(theta, update)
                rate = problem.rate(update, scale)
                step = clipped(optimizer, gradient)
                moved, slots = apply(
                    optimizer.rule,
                    theta,
                    step,
                    slots,
                    rate,
                    update + 1,
                    problem.l1,
                    problem.weight_marks,
                )
                trace.loss[i] = loss
                trace.gradient_norm[i] = self._steepness(theta, gradient)
                trace.update_norm[i] = _length(moved - theta)
                trace.learning_rate[i] = rate
                theta = moved
                if every and (update + 1) % every == 0:
                    kept.append(State(theta, slots, update + 1))
        return Advance(State(theta, slots, state.step + updates), trace, kept)

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows."""
        problem, model, loss = self.problem, self.problem.task.model, self.problem.task.loss
        X, y, weights = self._rows(update)
        n = X.shape[0]
        divisor = losses.mass(weights, n, problem.task.reduction)
        with np.errstate(all="ignore"):
            point, layout = fold(theta, problem.layout, problem.scaling)
            per_row, gradient = [], np.zeros_like(point)
            for first in range(0, n, BLOCK):
                part = slice(first, first + BLOCK)
                w = None if weights is None else weights[part]
                rows = X if n <= BLOCK else X[part]  # a part of sparse rows is a copy
                scores, tape = models.forward(model, point, layout, rows)
                per_row.append(losses.rows(loss, scores, y[part]))
                dscores = losses.slopes(loss, scores, y[part], w, divisor)
                back = models.backward(model, point, layout, tape, dscores)
                gradient = back if n <= BLOCK else gradient + back
            gradient = unfold(gradient, problem.layout, problem.scaling)
            reduced = losses.reduce(_joined(per_row), weights, problem.task.reduction)
            value = reduced + penalties.value(problem.l1, problem.l2, theta)
            return value, gradient + problem.l2 * theta

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        problem = self.problem
        with np.errstate(all="ignore"):
            scores = scores_of(
                problem.task, problem.layout, theta, problem.X, BLOCK, scaling=problem.scaling
            )
            per_row = losses.rows(problem.task.loss, scores, problem.y)
            reduced = losses.reduce(per_row, problem.weights, problem.task.reduction)
            return reduced + penalties.value(problem.l1, problem.l2, theta)

    def _rows(self, update: int | None) -> tuple[Rows, Array, Floats | None]:
        problem = self.problem
        if update is None or problem.full_batch:
            return problem.X, problem.y, problem.weights
        epoch = update // problem.batches_per_epoch
        if self._order[0] != epoch:
            self._order = (epoch, problem.order(epoch))
        rows = problem.batch(update, self._order[1])
        weights = None if problem.weights is None else problem.weights[rows]
        return problem.X[rows], problem.y[rows], weights

    def _steepness(self, theta: Floats, gradient: Floats) -> float:
        """Return the length of the gradient, or of the shortest subgradient under |w|."""
        l1 = self.problem.l1
        if isinstance(l1, float):
            return _length(gradient)
        pulled = np.sign(gradient) * np.maximum(np.abs(gradient) - l1, 0)
        return _length(np.where(theta == 0, pulled, gradient + l1 * np.sign(theta)))


def _joined(pieces: list[Any]) -> Any:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _length(vector: Floats) -> float:
    """Return the Euclidean length, in double precision and without overflow."""
    wide = vector.astype(np.float64, copy=False)
    square = float(wide @ wide)
    if math.isinf(square):
        largest = float(np.abs(wide).max())
        return largest * float(np.linalg.norm(wide / largest)) if largest < math.inf else largest
    return math.sqrt(square)
