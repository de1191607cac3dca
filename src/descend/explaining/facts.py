"""Everything that happened in one update, computed again from the run.

The state is the run's own, replayed.  Forward, loss and gradient are done by hand in NumPy, a block
of rows at a time, and held against what the run's engine finds; the update is held against the
state that the run went on with.  What a part of one's own does not tell stays None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend import losses, models, penalties, schedules
from descend.activations import backward as backward_through
from descend.arrays import Array, Floats, State
from descend.custom import CustomLoss, CustomModel
from descend.errors import InputError
from descend.optimizers import apply, clipped
from descend.scaling import fold, unfold

if TYPE_CHECKING:
    from descend.arrays import Rows
    from descend.engines import Problem
    from descend.run import Run

BLOCK = 1 << 14
# How far two ways of computing the same may be apart, of the largest entry.
CLOSE = {"float64": 1e-12, "float32": 1e-5}


class Layer(NamedTuple):
    """A layer on the rows that are shown: what came in, its sums, and the gradient by them."""

    weight: Floats
    bias: Floats | None
    inputs: Floats
    sums: Floats
    back: Floats | None


class Rate(NamedTuple):
    """The learning rate, and what it is the product of."""

    value: float
    base: float
    factor: float
    scale: float


class ByHand(NamedTuple):
    """One pass forward and back: per row, and the gradient by the loss alone (P,)."""

    scores: Floats
    per_row: Floats
    dscores: Floats | None
    by_loss: Floats | None


@final
@dataclass(frozen=True, eq=False)
class Facts:
    """One update in numbers.

    Attributes
    ----------
    run, problem, step
        Whose, and after how many updates.
    rows, shown
        Which training rows the batch holds, and how many of them are shown one by one.
    X, y, weights
        The batch as the engine sees it.
    before, after
        The states around the update.
    future
        Whether the run stopped before this update.
    hand, layers
        The pass by hand, and its layers on the rows shown (none for a model of one's own).
    mass
        What the sum of the losses is divided by.
    loss, penalty, objective
        The reduced loss, what the penalty adds, and both.
    by_penalty, gradient
        (P,): the squared penalty's part, and the gradient of the objective.
    engine_loss, engine_gradient
        The same by the run's engine.
    used
        The gradient that goes into the update: ours, unless rounding has been blown up by it.
    rate
        The learning rate.
    then
        The objective of the same rows after the update.
    """

    run: Run
    problem: Problem
    step: int
    rows: Array
    shown: int
    X: Rows
    y: Array
    weights: Floats | None
    before: State
    after: State
    future: bool
    hand: ByHand
    layers: tuple[Layer, ...]
    mass: float
    loss: float
    penalty: float
    objective: float
    by_penalty: Floats
    gradient: Floats
    engine_loss: float
    engine_gradient: Floats
    used: Floats
    rate: Rate
    then: float

    @property
    def n(self) -> int:
        """Rows of the batch."""
        return len(self.rows)

    @property
    def outputs(self) -> int:
        """Over how many outputs a row's loss is the mean."""
        loss: Any = self.problem.task.loss
        alone = isinstance(loss, CustomLoss) or loss.targets == "labels"
        return 1 if alone else int(self.hand.scores.shape[1])

    @property
    def by_hand(self) -> bool:
        """Whether the gradient could be found by hand, layer by layer."""
        return self.hand.by_loss is not None


def close_to(a: Any, b: Any, dtype: str) -> bool:
    """Tell whether two arrays are the same but for rounding."""
    with np.errstate(all="ignore"):
        scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
        apart = np.abs(np.subtract(a, b, dtype=np.float64))
        same: Any = (apart <= CLOSE[dtype] * scale) | np.equal(a, b) | (np.isnan(a) & np.isnan(b))
    return bool(same.all())


def facts_of(run: Run, step: int, shown: int) -> Facts:
    """Return the facts of the update after `step` updates, `shown` rows one by one."""
    run = run.at(step).run  # with the task and the rate of that step
    problem, program = run.problem, run.program
    before, after, future, scale = _states(run, step)
    X, y, weights, rows = _batch(problem, before.step)
    shown = min(shown, len(rows))
    with np.errstate(all="ignore"):
        hand = _by_hand(problem, before.theta, X, y, weights)
        layers = _layers(problem, before.theta, X[:shown], y[:shown], weights, len(rows))
        engine_loss, engine_gradient = program.value_and_gradient(before.theta, before.step)
        loss = losses.reduce(hand.per_row, weights, problem.task.reduction)
        penalty = penalties.value(problem.l1, problem.l2, before.theta)
        by_penalty = np.zeros_like(before.theta) + problem.l2 * before.theta
        gradient = engine_gradient if hand.by_loss is None else hand.by_loss + by_penalty
        then = program.value_and_gradient(after.theta, before.step)[0]
    rate = Rate(
        problem.rate(before.step, scale),
        problem.learning_rate,
        schedules.factor(problem.task.optimizer.schedule, before.step),
        scale,
    )
    return Facts(
        run=run,
        problem=problem,
        step=before.step,
        rows=rows,
        shown=shown,
        X=X,
        y=y,
        weights=weights,
        before=before,
        after=after,
        future=future,
        hand=hand,
        layers=layers,
        mass=losses.mass(weights, len(rows), problem.task.reduction),
        loss=loss,
        penalty=penalty,
        objective=loss + penalty,
        by_penalty=by_penalty,
        gradient=gradient,
        engine_loss=engine_loss,
        engine_gradient=engine_gradient,
        used=_used(problem, before, after, gradient, engine_gradient, rate.value),
        rate=rate,
        then=then,
    )


def _states(run: Run, step: int) -> tuple[State, State, bool, float]:
    """Return the states around an update; of the one after the last, where it would lead."""
    before = run.at(step).state
    scale = run.scale_at(before.step)[0]
    if before.step < run.state.step:
        after = run.at(before.step + 1).state
        if any(e["kind"] == "edit" and e["step"] == after.step for e in run.events):
            # The update's own work, and not what was then set by hand.
            after = run.program.advance(before, 1, scale).state
        return before, after, False, scale
    if not np.isfinite(before.theta).all():
        msg = (
            f"There is no update to explain after step {before.step}: the run ended with "
            f"parameters that are not finite; ask for a step from 0 to {before.step - 1}."
        )
        raise InputError(msg)
    scale = run.controller.scale
    return before, run.program.advance(before, 1, scale).state, True, scale


def _batch(problem: Problem, update: int) -> tuple[Rows, Array, Floats | None, Array]:
    rows = np.arange(problem.n)
    if problem.full_batch:
        return problem.X, problem.y, problem.weights, rows
    chosen = problem.batch(update, problem.order(update // problem.batches_per_epoch))
    weights = None if problem.weights is None else problem.weights[chosen]
    return problem.X[chosen], problem.y[chosen], weights, rows[chosen]


def _by_hand(problem: Problem, theta: Floats, X: Rows, y: Array, weights: Any) -> ByHand:
    """Go forward and back over the whole batch, a block of rows at a time."""
    task, n = problem.task, X.shape[0]
    divisor = losses.mass(weights, n, task.reduction)
    point, layout = fold(theta, problem.layout, problem.scaling)
    scores, per_row, dscores, gradient = [], [], [], np.zeros_like(point)
    differentiable = _differentiable(task)
    for first in range(0, n, BLOCK):
        part = slice(first, first + BLOCK)
        s, tape = models.forward(task.model, point, layout, X if n <= BLOCK else X[part])
        scores.append(s)
        per_row.append(losses.rows(task.loss, s, y[part]))
        if differentiable:
            w = None if weights is None else weights[part]
            dscores.append(losses.slopes(task.loss, s, y[part], w, divisor))
            back = models.backward(task.model, point, layout, tape, dscores[-1])
            gradient = back if n <= BLOCK else gradient + back
    return ByHand(
        np.concatenate(scores),
        np.concatenate(per_row),
        np.concatenate(dscores) if differentiable else None,
        unfold(gradient, problem.layout, problem.scaling) if differentiable else None,
    )


def _differentiable(task: Any) -> bool:
    """Tell whether NumPy can go back: not through parts of one's own without a gradient."""
    parts = (task.model, task.loss)
    return all(p.gradient is not None for p in parts if isinstance(p, CustomModel | CustomLoss))


def _layers(  # noqa: PLR0913, PLR0917 - a batch in parts
    problem: Problem, theta: Floats, X: Rows, y: Array, weights: Any, n: int
) -> tuple[Layer, ...]:
    """Return the layers on a few rows, the columns standardised if the model meets them so."""
    task = problem.task
    if isinstance(task.model, CustomModel):
        return ()
    dense: Any = X if isinstance(X, np.ndarray) else X.toarray()  # type: ignore[attr-defined]
    if problem.scaling is not None:
        dense = ((dense - problem.scaling.mean) / problem.scaling.deviation).astype(theta.dtype)
    scores, tape = models.forward(task.model, theta, problem.layout, dense)
    stack = models.layers(task.model, problem.layout.split(theta))
    backs: list[Floats | None] = [None] * len(stack)
    if _differentiable(task):
        divisor = losses.mass(weights, n, task.reduction)
        few = None if weights is None else weights[: len(y)]
        g = losses.slopes(task.loss, scores, y, few, divisor)
        backs[-1] = g
        for depth in range(len(stack) - 1, 0, -1):
            below = g @ stack[depth][0].T
            z, a = tape.sums[depth - 1], tape.inputs[depth]
            g = backward_through(task.model.activation, z, a, below)
            backs[depth - 1] = g
    return tuple(
        Layer(weight, bias, tape.inputs[i], tape.sums[i], backs[i])
        for i, (weight, bias) in enumerate(stack)
    )


def _used(  # noqa: PLR0913, PLR0917 - an update in parts
    problem: Problem, before: State, after: State, ours: Floats, theirs: Floats, rate: float
) -> Floats:
    """Return our gradient, or the engine's where only that leads to where the run went.

    Both are right to rounding; but a rule that divides by a gradient's own size makes a step of
    rounding, once there is nothing else left.
    """
    if problem.task.optimizer.rule.searches:
        return ours
    moved, _ = updated(problem, before, ours, rate)
    return ours if close_to(moved, after.theta, problem.X.dtype.name) else theirs


def updated(problem: Problem, before: State, gradient: Floats, rate: float) -> tuple[Any, Any]:
    """Return theta and the slots after an update by the rule's formula."""
    optimizer = problem.task.optimizer
    with np.errstate(all="ignore"):
        return apply(
            optimizer.rule,
            before.theta,
            clipped(optimizer, gradient),
            before.slots,
            rate,
            before.step + 1,
            problem.l1,
            problem.weight_marks,
        )


def distance(a: Floats, b: Floats) -> float:
    """Return the largest difference between two arrays."""
    with np.errstate(all="ignore"):
        apart = float(np.max(np.abs(np.subtract(a, b, dtype=np.float64)), initial=0.0))
    return apart if math.isfinite(apart) else math.nan
