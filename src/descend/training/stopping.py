"""The decisions of the loop: has it diverged, is there anything left to gain, should the rate fall.

Divergence is a decision about growth. A run has diverged when its objective over ALL training
rows exceeds `GROWTH` times what the best constant would score, or what the run itself scored at
its start, whichever is more; or when it is no number. A batch's loss only raises the suspicion,
and looking into it costs one pass over the data, so a noisy batch, a bad start or a ride along
the edge of stability is not mistaken for an explosion. The best constant is used, not the run's
own best: a run that fits exactly may grow a thousandfold within rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from descend import losses
from descend.engines import scores_of

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem, Program, Trace
    from descend.run import Controller
    from descend.schedules import ReduceOnPlateau

GROWTH = 1e4
# Each false alarm makes the loop this much less suspicious, so there can be only a few hundred.
CALMER = 10.0
# Epochs in a row without progress before a loss counts as settled.
SETTLED = 10
# A loss above the lowest by more than this share of it is not at rest.
RISEN = 0.5
# Units in the last place that a gradient's sum may be off.
ROUNDING = 16
PROGRESS = 1e-12


def suspect(controller: Controller, losses_seen: Floats) -> int | None:
    """Return the first of some updates' losses that is worth a look, or None."""
    if controller.suspicion is None:
        first = float(losses_seen[0])
        controller.suspicion = GROWTH * abs(first) if math.isfinite(first) else 0.0
    calm = np.abs(losses_seen) <= controller.suspicion  # False for NaN
    return None if calm.all() else int(np.argmin(calm))


def has_diverged(
    controller: Controller, problem: Problem, program: Program, theta: Floats, loss: float
) -> bool:
    """Look into a suspicious loss: judge the whole objective; grow calmer if it is fine."""
    if not math.isfinite(loss) or not np.isfinite(theta).all():
        return True
    if controller.ceiling is None:
        controller.ceiling = ceiling(problem, program)
    if not program.value(theta) <= controller.ceiling:
        return True
    batch = problem.n if problem.full_batch else (problem.batch_size or problem.n)
    share = batch / problem.n if problem.task.reduction == "sum" else 1.0
    controller.suspicion = max(controller.ceiling * share, CALMER * abs(loss))
    return False


def ceiling(problem: Problem, program: Program) -> float:
    """Return the objective above which a run has diverged."""
    k = 1 if problem.y.ndim == 1 else problem.y.shape[1]
    if problem.task.loss.targets == "labels":
        theta = problem.start().theta
        k = scores_of(problem.task, problem.layout, theta, problem.X[:1]).shape[1]
    constant = losses.best_constant(problem.task.loss, problem.y, problem.weights, k)
    scores = np.broadcast_to(constant, (problem.n, k))
    per_row = losses.rows(problem.task.loss, scores, problem.y)
    knows_nothing = losses.reduce(per_row, problem.weights, problem.task.reduction)
    start = program.value(problem.start().theta)
    known = [abs(v) for v in (knows_nothing, start) if math.isfinite(v)]
    return GROWTH * max(*known, np.finfo(float).tiny) if known else math.inf


def small_gradient(
    controller: Controller, program: Program, trace: Trace, tolerance: float
) -> int | None:
    """Return the first update whose gradient is small against the first one's, or None."""
    if controller.first_gradient is None:
        controller.first_gradient = first_length(program, float(trace.gradient_norm[0]), tolerance)
    small = trace.gradient_norm <= tolerance * controller.first_gradient
    return int(np.argmax(small)) if small.any() else None


def stalled(trace: Trace) -> int | None:
    """Return the first update whose search found nothing lower, or None."""
    stuck = trace.learning_rate == 0
    return int(np.argmax(stuck)) if stuck.any() else None


def first_length(program: Program, first: float, tolerance: float) -> float:
    """Return the length that gradients are compared with: the first, or more if that is rounding.

    A run that starts at its minimum has nothing but rounding to compare with: a few last digits
    of what the gradient is where all parameters are 0.
    """
    problem = program.problem
    if problem.task.optimizer.rule.searches or tolerance == 0:
        return first
    nothing = np.zeros(problem.layout.size, problem.X.dtype)
    length = float(np.linalg.norm(program.value_and_gradient(nothing)[1]))
    rounding = ROUNDING * float(np.finfo(problem.X.dtype).eps) * length / tolerance
    return rounding if first < rounding < math.inf else first


def settled(controller: Controller, loss: float, tolerance: float) -> bool:
    """Take an epoch's loss; tell whether the last ten brought less than the tolerance."""
    if loss < controller.settled_loss - tolerance * abs(loss):
        controller.settled_loss, controller.settled_waited = loss, 0
        return False
    if loss > controller.settled_loss + RISEN * abs(controller.settled_loss):
        controller.settled_waited = 0  # a loss that rose has not settled
        return False
    controller.settled_waited += 1
    return controller.settled_waited >= SETTLED


def out_of_patience(
    controller: Controller, loss: float, step: int, theta: Floats, patience: int
) -> bool:
    """Take an epoch's validation loss; remember the best; tell whether to wait no longer."""
    if loss < controller.best_loss - PROGRESS * abs(loss):
        controller.best_loss, controller.best_step = loss, step
        controller.best_theta, controller.waited = theta, 0
        return False
    controller.waited += 1
    return controller.waited >= patience


def plateau(controller: Controller, loss: float, schedule: ReduceOnPlateau) -> bool:
    """Take an epoch's loss; lower the scale after a plateau; tell whether it was lowered."""
    if loss < controller.plateau_loss - schedule.tolerance * abs(controller.plateau_loss):
        controller.plateau_loss, controller.plateau_waited = loss, 0
        return False
    if math.isinf(controller.plateau_loss):
        controller.plateau_loss = loss
        return False
    controller.plateau_waited += 1
    if controller.plateau_waited < schedule.patience:
        return False
    controller.plateau_waited = 0
    lowered = max(controller.scale * schedule.gamma, schedule.smallest)
    fell, controller.scale = lowered < controller.scale, min(lowered, controller.scale)
    return fell
