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
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines.problem import Problem

# Multiplications to a block of rows times a column: about 8 MB of doubles.
_BLOCK = 1 << 20


def hessian(problem: Problem, theta: Floats) -> Floats:
    """Return the Hessian (P, P) of the objective at theta; the model has no hidden layers."""
    task, (n, d) = problem.task, problem.X.shape
    size = d + int(task.model.bias)
    points = theta.astype(np.float64).reshape(size, -1)  # W row by row, then b: [W; b]
    k = points.shape[1]
    H = np.zeros((size, k, size, k))
    rows = max(_BLOCK // max(size, 1), 1)
    with np.errstate(all="ignore"):
        for first in range(0, n, rows):
            part = slice(first, first + rows)
            A = np.ones((len(problem.X[part]), size))
            A[:, :d] = problem.X[part]
            _add(H, problem, A, A @ points, part)
        H /= losses.mass(problem.weights, n, task.reduction)
        if task.loss.targets != "labels":
            H /= k
    found: Floats = H.reshape(size * k, size * k)
    found[np.diag_indices_from(found)] += problem.l2
    return found


def _add(H: Floats, problem: Problem, A: Floats, scores: Floats, part: slice) -> None:
    """Add what some rows contribute."""
    loss, k = problem.task.loss, scores.shape[1]
    formulas: Any = formulas_of(type(loss), np)
    w = 1.0 if problem.weights is None else problem.weights[part, None].astype(np.float64)
    if loss.targets != "labels":
        curved = formulas.curvature(loss, scores, problem.y[part]) * w
        for j in range(k):
            H[:, j, :, j] += A.T @ (A * curved[:, j : j + 1])
        return
    p = formulas.link(loss, scores)
    for j in range(k):
        for other in range(j + 1):
            shared = p[:, j : j + 1] * (float(j == other) - p[:, other : other + 1]) * w
            block = A.T @ (A * shared)
            H[:, j, :, other] += block
            if other != j:
                H[:, other, :, j] += block  # symmetric: AᵀDA is its own transpose
