"""On what a forecast rests: exact, a bound, or an indication; and what theorems promise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from descend.curvature import DIRECT, QUADRATIC, curvatures_of_rows, known, steepest
from descend.models import layered

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem


class Grounds(NamedTuple):
    """On what the figures rest: a word, and a sentence that says why."""

    basis: str
    because: str


def grounds(problem: Problem) -> Grounds:
    """Return on what a forecast of a problem rests."""
    rule = problem.task.optimizer.rule
    if rule.searches:
        return Grounds(
            "indicator", f"The rule {rule.name} finds the length of each step itself, by searching."
        )
    if rule.scaled:
        return Grounds(
            "indicator",
            f"The rule {rule.name} divides by the gradient's own size, so curvature sets no limit; "
            f"its usual step is {rule.usual_rate:g}, about what each parameter moves at a time.",
        )
    if not known(problem):
        return Grounds(
            "indicator",
            "An indication: the curvature was found at the start, and it changes as training goes.",
        )
    return _of_linear(problem)


def _of_linear(problem: Problem) -> Grounds:
    loss = problem.task.loss
    if not loss.smooth:
        return Grounds(
            "indicator",
            f"An indication: {loss.name} has a kink, so its curvature is nowhere or without "
            "bound; the kink is taken as rounded off over a tenth of the target's spread.",
        )
    if problem.X.shape[1] > DIRECT:
        return Grounds(
            "indicator",
            f"An indication: with more than {DIRECT} columns the largest curvature is found by "
            "power iteration, to about 1 %; the smallest, and so the number of steps, is not "
            "known.",
        )
    if not problem.full_batch:
        return Grounds(
            "indicator",
            "An indication: updates see batches, so the figures are those of their average path, "
            "and of their expected smoothness.",
        )
    return _of_full_batch(problem)


def _of_full_batch(problem: Problem) -> Grounds:
    loss, rule = problem.task.loss, problem.task.optimizer.rule
    if loss.name in QUADRATIC and not _kinked(problem):
        return Grounds("exact", "Exact: the loss is quadratic, so its curvature is known.")
    if loss.name == "poisson":
        return Grounds(
            "bound",
            "A bound, while no prediction exceeds the largest count, "
            f"{steepest(problem):.6g}: the curvature of the Poisson loss is the prediction itself.",
        )
    if loss.name in QUADRATIC:
        return Grounds(
            "bound", "A bound: the absolute penalty holds some weights at 0, and so some steps."
        )
    near = "" if rule.name == "gradient_descent" else " near the optimum"
    return Grounds(
        "bound",
        f"A bound{near}: {loss.name} is nowhere more curved than {steepest(problem):.4g} in the "
        "score, and mostly less.",
    )


def _kinked(problem: Problem) -> bool:
    penalty = problem.task.penalty
    return penalty is not None and penalty.l1 > 0


def guaranteed(problem: Problem, L: float, limit: float | None, squares: Floats | None) -> float:
    """Return the step below which a theorem says that no run diverges, or NaN.

    For quadratic losses it is the limit itself.  Else 2/L for plain descent, with an absolute
    penalty too (P. Combettes and V. Wajs, "Signal recovery by proximal forward-backward splitting",
    Multiscale Model. Simul. 4 (2005)); 2(1 - beta)/L with momentum (P. Ochs et al., "iPiano:
    inertial proximal algorithm for nonconvex optimization", SIAM J. Imaging Sci. 7 (2014)): up to
    2(1 + beta)/L there are convex losses on which it circles for ever (L. Lessard, B. Recht and A.
    Packard, "Analysis and design of optimization algorithms via integral quadratic constraints",
    SIAM J. Optim. 26 (2016)); 1/L with Nesterov's form and a convex loss (H. Attouch and A. Cabot,
    "Convergence rates of inertial forward-backward algorithms", SIAM J. Optim. 28 (2018)).

    In batches plain descent on a convex loss brings no two paths further apart while every batch is
    below its own limit, and a batch's mean is no steeper than its steepest row.
    """
    loss, rule = problem.task.loss, problem.task.optimizer.rule
    bounded = known(problem) and math.isfinite(loss.steepest_curvature)
    if not bounded or limit is None or problem.X.shape[1] > DIRECT:
        return math.nan
    if not problem.full_batch:
        if rule.name != "gradient_descent" or not loss.convex or squares is None:
            return math.nan
        many = (problem.batch_size or 1) if problem.task.reduction == "sum" else 1
        return 2.0 / (float(curvatures_of_rows(problem, squares).max()) * many)
    if loss.name in QUADRATIC and not _kinked(problem):
        return limit
    beta = float(getattr(rule, "beta", 0.0))
    if rule.name == "nesterov":
        return 1.0 / L if loss.convex else math.nan
    return 2.0 * (1.0 - beta) / L if rule.name in {"gradient_descent", "momentum"} else math.nan


def changes(problem: Problem) -> bool:
    """Tell whether a schedule changes the step."""
    schedule = problem.task.optimizer.schedule
    return schedule is not None and schedule.name != "constant"


def clips(problem: Problem) -> bool:
    """Tell whether gradients are clipped."""
    optimizer = problem.task.optimizer
    return optimizer.clip_value is not None or optimizer.clip_norm is not None


def notes(problem: Problem) -> tuple[str, ...]:
    """Return sentences on what else bears on the figures."""
    task, found = problem.task, []
    if not task.loss.smooth and known(problem):
        found.append(
            f"The slope of {task.loss.name} is bounded, so no step makes it run away; a fixed one "
            "ends up going back and forth about the optimum, the wider the larger it is."
        )
    if changes(problem):
        name = getattr(task.optimizer.schedule, "name", "")
        found.append(f"The schedule {name} changes the step; the figures are for it as given.")
    if clips(problem):
        found.append(
            "Clipping shortens large gradients, so what is too steep wanders and cannot grow "
            "without end."
        )
    if _kinked(problem):
        found.append("The absolute penalty is no part of the curvature.")
    if known(problem) and problem.task.loss.targets == "labels" and layered(task.model).bias:
        found.append("Adding one number to all scores of a row changes nothing under softmax.")
    return tuple(found)
