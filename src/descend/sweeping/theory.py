"""The boundary on the map: the largest step that theory calls stable, for one row of it.

The figure is the forecast's (`descend.forecasting`); here it is only asked how far to trust it.
At h, the largest curvature, it is

    plain             2 / h
    with momentum     2 (1 + beta) / h
    Nesterov's form   2 (1 + beta) / ((1 + 2 beta) h)

On batches h becomes their expected smoothness, and what was a fact becomes an indication.

References: B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
Comput. Math. Math. Phys. 4 (1964); G. Goh, "Why momentum really works", Distill (2017); J. Cohen
et al., "Gradient descent on neural networks typically occurs at the edge of stability", ICLR 2021,
appendix B; R. Gower et al., "SGD: general analysis and improved rates", ICML 2019, section 3.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from descend.forecasting import of_problem
from descend.forecasting.grounds import changes, clips

if TYPE_CHECKING:
    from descend.engines import Problem
    from descend.forecasting import Forecast
    from descend.optimizers import Rule

Basis = Literal["exact", "bound", "indicator", "none"]


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
    forecast = of_problem(problem)
    if forecast.largest_stable_step is None:
        return NO_LIMIT
    formula = (_formula if problem.full_batch else _formula_of_batches)(problem.task.optimizer.rule)
    return Limit(forecast.largest_stable_step, _basis(problem, forecast), formula)


def _formula(rule: Rule) -> str:
    return {
        "momentum": "2(1 + β)/λmax",
        "nesterov": "2(1 + β)/((1 + 2β) λmax)",
    }.get(rule.name, "2/λmax")


def _formula_of_batches(rule: Rule) -> str:
    return f"2{'(1 - β)' if hasattr(rule, 'beta') else ''}/expected smoothness"


def _basis(problem: Problem, forecast: Forecast) -> Basis:
    """Return how far the boundary is to be trusted: a bound is one that a theorem promises."""
    if changes(problem) or clips(problem):
        return "indicator"
    if forecast.exact:
        return "exact"
    sure, limit = forecast.guaranteed_step, forecast.largest_stable_step
    return "bound" if sure and limit and math.isclose(sure, limit, rel_tol=1e-9) else "indicator"
