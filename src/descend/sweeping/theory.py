"""The boundary on the map: the largest step that theory calls stable, for one row of it.

Along a direction of curvature h a quadratic objective moves by a matrix of two by two, whose
eigenvalues lie within the unit circle

    plain             up to  2 / h
    with momentum     up to  2 (1 + beta) / h
    Nesterov's form   up to  2 (1 + beta) / ((1 + 2 beta) h)

and the largest curvature decides.  On batches the largest curvature becomes their expected
smoothness, and what was a fact becomes an indication.

References: B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
Comput. Math. Math. Phys. 4 (1964); G. Goh, "Why momentum really works", Distill (2017); J. Cohen
et al., "Gradient descent on neural networks typically occurs at the edge of stability", ICLR 2021,
appendix B; R. Gower et al., "SGD: general analysis and improved rates", ICML 2019, section 3.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from descend.curvature import DIRECT, automatic_rate, largest

if TYPE_CHECKING:
    from descend.engines import Problem
    from descend.optimizers import Rule

Basis = Literal["exact", "bound", "indicator", "none"]
QUADRATIC = ("squared_error", "half_squared_error")


class Limit(NamedTuple):
    """The largest stable step of a row.

    Attributes
    ----------
    step
        The learning rate, or NaN where there is none.
    basis
        ``"exact"``: below it a run converges and above it diverges; ``"bound"``: below it a run
        cannot diverge, above it may; ``"indicator"``: it was found at the start, or for the
        average batch; ``"none"``.
    formula
        What it is computed by.
    """

    step: float
    basis: Basis
    formula: str


NO_LIMIT = Limit(math.nan, "none", "")


def limit_of(problem: Problem) -> Limit:
    """Return the largest stable step of a problem's rule."""
    rule = problem.task.optimizer.rule
    if rule.scaled or rule.searches:
        return NO_LIMIT
    if problem.full_batch:
        step = widened(rule) * 2.0 / largest(problem)
        formula = _formula(rule)
    else:
        step, formula = 2.0 * automatic_rate(problem), _formula_of_batches(rule)
    if not (math.isfinite(step) and step > 0):
        return NO_LIMIT
    return Limit(step, _basis(problem), formula)


def widened(rule: Rule) -> float:
    """Return how many times 2/h the largest stable step of a rule is."""
    beta = float(getattr(rule, "beta", 0.0))
    return (1.0 + beta) / (1.0 + 2.0 * beta) if rule.name == "nesterov" else 1.0 + beta


def _formula(rule: Rule) -> str:
    return {
        "momentum": "2(1 + β)/λmax",
        "nesterov": "2(1 + β)/((1 + 2β) λmax)",
    }.get(rule.name, "2/λmax")


def _formula_of_batches(rule: Rule) -> str:
    return f"2{'(1 - β)' if hasattr(rule, 'beta') else ''}/expected smoothness"


def _basis(problem: Problem) -> Basis:
    task, optimizer = problem.task, problem.task.optimizer
    clipped = optimizer.clip_value is not None or optimizer.clip_norm is not None
    changes = optimizer.schedule is not None and optimizer.schedule.name != "constant"
    if not task.model.linear or task.loss.name == "custom" or not problem.full_batch:
        return "indicator"
    if clipped or changes or problem.X.shape[1] > DIRECT:
        return "indicator"
    kinked = task.penalty is not None and task.penalty.l1 > 0
    if task.loss.name in QUADRATIC:
        return "bound" if kinked else "exact"
    bounded = math.isfinite(task.loss.steepest_curvature)
    return "bound" if bounded and optimizer.name == "gradient_descent" else "indicator"
