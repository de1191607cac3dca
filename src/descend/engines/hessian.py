"""The Hessian of a linear model's objective, in NumPy and in double precision.

With A = [X 1], c the loss's curvature at each score and p the softmax's probabilities:

    elementwise losses    Aᵀ diag(w c_j) A / (mass k)              a block for each output j
    softmax               Aᵀ diag(w p_j (δ_jl - p_l)) A / mass     a block for each pair j, l

and the squared penalty on the diagonal.  Rows are taken a block at a time, so memory is that of
one block and of H.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend import losses
from descend.models import layered
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines.problem import Problem

# Bytes of a block of rows: what the second-level cache holds.
_BLOCK_BYTES = 1 << 20


def hessian(problem: Problem, theta: Floats) -> Floats:
    """Return the Hessian (P, P) of the objective at theta; the model has no hidden layers."""
    task, (n, d) = problem.task, problem.X.shape
    size = d + int(layered(task.model).bias)
    points = theta.astype(np.float64).reshape(size, -1)  # W row by row, then b: [W; b]
    k = points.shape[1]
    H = np.zeros((k, k, size, size))
    rows = min(max(_BLOCK_BYTES // (8 * size), 64), n)
    A, curved = np.ones((rows, size)), np.empty((rows, size))
    with np.errstate(all="ignore"):
        for first in range(0, n, rows):
            part = slice(first, min(first + rows, n))
            count = part.stop - first
            A[:count, :d] = _standard(problem, part)
            _add(H, problem, A[:count], A[:count] @ points, part, curved[:count])
        H /= losses.mass(problem.weights, n, task.reduction)
        if task.loss.targets != "labels":
            H /= k
    for j in range(k):
        for other in range(j):
            H[other, j] = H[j, other]  # symmetric: AᵀDA is its own transpose
    found: Floats = H.transpose(2, 0, 3, 1).reshape(size * k, size * k)
    found[np.diag_indices_from(found)] += problem.l2
    return found


def _standard(problem: Problem, part: slice) -> Floats:
    """Return some rows, dense, as the model meets them."""
    found: Any = problem.X[part]
    X: Floats = found if isinstance(found, np.ndarray) else found.toarray()
    if problem.scaling is None:
        return X
    mean, deviation, varies = problem.scaling
    standard: Floats = np.where(varies, (X - mean) / deviation, 0.0)
    return standard


def _add(  # noqa: PLR0913, PLR0917 - a block has its rows, scores and place
    H: Floats, problem: Problem, A: Floats, scores: Floats, part: slice, curved: Floats
) -> None:
    """Add what some rows contribute; `curved` is room for as many."""
    loss, k = problem.task.loss, scores.shape[1]
    formulas: Any = formulas_of(type(loss), np)
    w = 1.0 if problem.weights is None else problem.weights[part, None].astype(np.float64)
    if loss.targets != "labels":
        bends = formulas.curvature(loss, scores, problem.y[part]) * w
        for j in range(k):
            _add_block(H[j, j], A, bends[:, j : j + 1], curved)
        return
    p = formulas.link(loss, scores)
    for j in range(k):
        for other in range(j + 1):
            shared = p[:, j : j + 1] * (float(j == other) - p[:, other : other + 1]) * w
            _add_block(H[j, other], A, shared, curved)


def _add_block(H: Floats, A: Floats, bends: Floats, curved: Floats) -> None:
    """Add Aᵀ diag(bends) A: half the work where no bend is negative, for then it is a square."""
    if (bends >= 0).all():
        np.multiply(A, np.sqrt(bends), out=curved)
        H += curved.T @ curved
    else:
        np.multiply(A, bends, out=curved)
        H += A.T @ curved
