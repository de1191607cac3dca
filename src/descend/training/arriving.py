"""Whether a descent that stopped has arrived: on ill-conditioned columns a small gradient lies.

Along a direction in which the columns hardly vary the gradient is small everywhere, and descent
hardly moves.  For a linear model under a squared error it is known how far above the least the
objective still is.  With B = U S Vᵀ the columns the model meets, rows multiplied by the root of
their weights and a row for each penalised parameter below them, and r what is left of the target,

    gap  =  c/2 |Uᵀ r|² / (mass k)

over the directions that the rows' precision can tell from none at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.curvature import QUADRATIC, known, outputs_averaged, ridge
from descend.losses import mass
from descend.models import layered

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem

# From this condition number on, descent would take about its square of updates.
ILL = 1e6
# What is left to gain, as a share of the loss, where a run has not arrived.
LEFT = 1e-6
# The same where the columns are not that bad; and from which condition number on that is said.
MUCH, STEEP = 1e-3, 30.0
# Multiplications up to which it is looked at.
_MOST = 2_000_000_000


class Short(NamedTuple):
    """Why a run has not arrived: the condition number of its columns, and the least objective."""

    condition: float
    least: float


def falls_short(problem: Problem, theta: Floats, loss: float) -> Short | None:
    """Return what keeps a run that stopped from having arrived, or None.

    None too where it is not known: other losses, nets, an absolute penalty, too many columns.
    """
    task, n, d = problem.task, problem.n, problem.X.shape[1]
    quadratic = known(problem) and task.loss.name in QUADRATIC
    if not quadratic or (task.penalty is not None and task.penalty.l1 > 0):
        return None
    if n * (d + 1) ** 2 > _MOST or not (math.isfinite(loss) and np.isfinite(theta).all()):
        return None
    B, r, scale = _rows(problem, theta)
    if not (np.isfinite(B).all() and np.isfinite(r).all()):
        return None
    condition, gap = _cheaply(B, r) or _closely(B, r, float(np.finfo(problem.X.dtype).eps))
    gap *= scale
    if condition < STEEP or gap <= (LEFT if condition >= ILL else MUCH) * loss:
        return None
    return Short(condition, max(loss - gap, 0.0))


def _cheaply(B: Floats, r: Floats) -> tuple[float, float] | None:
    """Return the condition number and |Uᵀ r|² from BᵀB; None where that has too few digits."""
    squares, V = np.linalg.eigh(B.T @ B)
    if not squares[0] * ILL**1.5 > squares[-1]:
        return None
    parts = np.square(V.T @ (B.T @ r)) / squares[:, None]
    return math.sqrt(squares[-1] / squares[0]), float(parts.sum())


def _closely(B: Floats, r: Floats, eps: float) -> tuple[float, float]:
    """Return the same from singular values, over the directions that are told from none."""
    U, sizes, _ = np.linalg.svd(B, full_matrices=False)
    told = sizes > max(B.shape) * eps * sizes[0]
    if not told.any():
        return 1.0, 0.0
    return float(sizes[0] / sizes[told][-1]), float(np.square(U[:, told].T @ r).sum())


def _rows(problem: Problem, theta: Floats) -> tuple[Floats, Floats, float]:
    """Return B, r (m, k), and what their squares are multiplied by in the objective."""
    found: Any = problem.X
    X: Floats = found if isinstance(found, np.ndarray) else found.toarray()
    X = X.astype(np.float64)
    if problem.scaling is not None:
        mean, deviation, varies = problem.scaling
        X = np.where(varies, (X - mean) / deviation, 0.0)
    if layered(problem.task.model).bias:
        X = np.column_stack([X, np.ones(problem.n)])
    y = problem.y.astype(np.float64)
    W = theta.astype(np.float64).reshape(X.shape[1], y.shape[1])
    w = np.ones(problem.n) if problem.weights is None else problem.weights.astype(np.float64)
    total = mass(problem.weights, problem.n, problem.task.reduction) * outputs_averaged(problem)
    scale = problem.task.loss.steepest_curvature / (2.0 * total)
    pull = np.sqrt(ridge(problem) / (2.0 * scale))
    root = np.sqrt(w)[:, None]
    B = np.vstack([root * X, np.diag(pull)])
    return B, np.vstack([root * (y - X @ W), -pull[:, None] * W]), scale
