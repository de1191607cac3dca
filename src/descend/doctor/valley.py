"""The mathematics of a descent: how far it was from the least loss, and what other steps would do.

For a linear model under a smooth convex loss the least loss is known, and around it the objective
is a quadratic: along each eigenvector of the Hessian the distance x and the rule's memory shrink
by themselves, by the powers of the rule's own matrix (see `descend.forecasting.motion`), and the
gap is 1/2 sum l x².  So what T updates at any step would have left can be told without
training, in the columns as they are and as they would be standardised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.engines.hessian import hessian
from descend.forecasting import matrix_of, motion_of
from descend.models import layered

if TYPE_CHECKING:
    from descend.doctor.chart import Chart


# Eigenvalues are computed outright up to this many parameters.
MOST = 600
# A least loss below this share of the best constant's is that of classes that can be separated.
_NOTHING = 1e-3
# Eigenvalues below this share of the largest belong to directions that change nothing.
NULL = 1e-12
# Distances from the least loss that count as arrived: as a share of what is there to learn.
ARRIVED, CLOSE = 1e-2, 1e-3


class Valley(NamedTuple):
    """The objective of a linear task around its least.

    Attributes
    ----------
    least, theta
        The least objective over the chart's sample, and where.
    curvatures, distances
        (P,) eigenvalues, and how far the start was along each eigenvector; null ones left out.
    standard_curvatures, standard_distances
        The same for standardised columns and a start at zeros.
    to_learn
        What there was to gain: from the start, or from the best constant, whichever is less.
    gap
        What was left at the returned theta.
    bounded
        Whether there is a place where it is least: none where classes can be separated.
    """

    least: float
    theta: Floats
    curvatures: Floats
    distances: Floats
    standard_curvatures: Floats
    standard_distances: Floats
    to_learn: float
    gap: float
    bounded: bool = True

    @property
    def condition(self) -> float:
        """The largest curvature over the smallest."""
        return float(self.curvatures[-1] / self.curvatures[0])

    @property
    def standard_condition(self) -> float:
        """The same, were the columns standardised."""
        return float(self.standard_curvatures[-1] / self.standard_curvatures[0])


def valley(chart: Chart) -> Valley | None:
    """Return the valley of a linear task, or None where the least loss is not known."""
    sample, run = chart.sample, chart.run
    if sample is None or run is None or sample.layout.size > MOST:
        return None
    best = chart.best
    if best is None:
        return None
    least, theta = best
    start, end = chart.start, chart.end_loss
    begun, constant = chart.start_loss, chart.constant_loss
    bounded = not chart.labels or constant is None or least > _NOTHING * constant
    point = theta if bounded or chart.end is None else chart.end
    H = hessian(sample, point)
    known = [v for v in (begun, constant) if v is not None and np.isfinite(v)]
    if not np.isfinite(H).all() or start is None or not known or end is None:
        return None
    curvatures, vectors = np.linalg.eigh(H)
    kept = curvatures > NULL * curvatures[-1]
    if not kept.any():
        return None
    A = standardising(chart)
    there = np.linalg.solve(A, theta)
    # The penalty is on the weights as they are: of standardised columns, on theirs.
    penalty = np.broadcast_to(np.asarray(sample.l2, dtype=float), len(H))
    standard, turned = np.linalg.eigh(A.T @ (H - np.diag(penalty)) @ A + np.diag(penalty))
    wide = standard > NULL * standard[-1]
    return Valley(
        least,
        theta,
        curvatures[kept],
        (vectors.T @ (start - theta))[kept],
        standard[wide],
        (turned.T @ there)[wide],
        max(min(known) - least, 0.0),
        end - least,
        bounded,
    )


def standardising(chart: Chart) -> Floats:
    """Return A with theta = A theta', theta' the parameters of standardised columns."""
    rows, run = chart.rows, chart.run
    if rows is None or run is None:
        raise AssertionError
    bias = layered(run.task.model).bias
    weights = None if rows.weights is None else rows.weights
    mean = np.average(rows.X, axis=0, weights=weights)
    centre = mean if bias else np.zeros_like(mean)
    deviation = np.sqrt(np.average((rows.X - centre) ** 2, axis=0, weights=weights))
    size = np.abs(rows.X).max(axis=0, initial=0.0)
    deviation[deviation <= 1e-12 * size] = 1.0
    d = len(mean)
    A = np.diag(np.append(1 / deviation, 1.0) if bias else 1 / deviation)
    if bias:
        A[d, :d] = -mean / deviation
    k = run.layout.size // len(A)
    found: Floats = np.kron(A, np.eye(k))
    return found


def left(curvatures: Floats, distances: Floats, rate: float, updates: int, rule: Any) -> float:
    """Return the gap that some updates of a rule at a step would leave."""
    still, moved = matrix_of(rule, 0.0), matrix_of(rule, 1.0)
    steps = (rate * curvatures)[:, None, None]
    with np.errstate(all="ignore"):
        shrunk = np.linalg.matrix_power(still + steps * (moved - still), updates)[:, 0, 0]
        found = 0.5 * float(np.sum(curvatures * (shrunk * distances) ** 2))
    return found if np.isfinite(found) else np.inf


def least_left(
    curvatures: Floats, distances: Floats, updates: int, rule: Any
) -> tuple[float, float]:
    """Return the least gap that some updates of a rule at any one step can leave, and that step."""
    low, high = float(curvatures[0]), float(curvatures[-1])
    motion = motion_of(rule)
    if motion is None:
        raise AssertionError
    shares = np.append(2.0 ** -np.arange(0.25, 8, 0.5), 0.95)
    rates = np.append(shares * motion.limit / high, motion.best_rate(low, high))
    gaps = [left(curvatures, distances, float(r), updates, rule) for r in rates]
    place = int(np.argmin(gaps))
    return gaps[place], float(rates[place])
