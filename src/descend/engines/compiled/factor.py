"""All rows of a squared loss in one triangular factor.

For a linear model the summed squared error is |A theta - y|², with A = [√w X √w]. An orthogonal
Q changes no length, so with A = Q R and z = Qᵀy it is |R theta - z|² + rest: d + 1 rows say all
that n rows said, and a step costs O(d²). R comes from reflections, a block of rows after another,
never from AᵀA, whose rounding would cost half of the digits of a fit that is nearly exact.

Reference: J. Demmel, L. Grigori, M. Hoemmen and J. Langou, "Communication-optimal parallel and
sequential QR and LU factorizations", SIAM J. Sci. Comput. 34 (2012), section 1: QR of blocks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.engines.compiled.caching import kernel
from descend.engines.compiled.scalars import wide
from descend.engines.compiled.threads import spread
from descend.models import layered
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.engines.problem import Problem

# Columns, the targets' among them, up to which the factor is worth its price.
WIDEST = 256
_BLOCK = 256  # rows that are absorbed at once
_BLOCKS, _CHUNKS = 16, 64  # blocks to a chunk, at least; and chunks, at most


def suits(problem: Problem) -> bool:
    """Tell whether a factor stands for the problem: squared errors, linear, all rows, not wide."""
    task = problem.task
    return (
        task.loss.name in {"squared_error", "half_squared_error"}
        and task.model.linear
        and problem.full_batch
        and problem.X.shape[1] + problem.y.shape[1] < WIDEST
    )


class Factor(NamedTuple):
    """Squared losses over all rows: their sum is share |R theta - Z|² + rest.

    The column of ones is among the others: a bias is one more weight.
    """

    R: Floats
    Z: Floats
    share: float
    rest: float


@kernel
def absorb(R, rows, count):
    """Turn the triangle R into that of [R; rows]: one reflection for each column, as Householder's.

    Rows come as columns x rows, so that inner loops run along memory; they are used up.
    """
    wide()
    width = R.shape[0]
    for j in range(width):
        below = 0.0
        for r in range(count):
            below += rows[j, r] * rows[j, r]
        if below == 0.0:
            continue
        length = -math.copysign(math.sqrt(R[j, j] * R[j, j] + below), R[j, j])
        first = R[j, j] - length
        scale = 2.0 / (first * first + below)
        R[j, j] = length
        for k in range(j + 1, width):
            along = first * R[j, k]
            for r in range(count):
                along += rows[j, r] * rows[k, r]
            along *= scale
            R[j, k] -= along * first
            for r in range(count):
                rows[k, r] -= along * rows[j, r]


@kernel
def _load(X, y, weights, begun, count, bias, rows):
    """Copy rows [X 1 y], times the roots of their weights, to columns x rows."""
    d, k = X.shape[1], y.shape[1]
    for j in range(d):
        for r in range(count):
            rows[j, r] = X[begun + r, j]
    if bias:
        for r in range(count):
            rows[d, r] = 1.0
    for u in range(k):
        for r in range(count):
            rows[rows.shape[0] - k + u, r] = y[begun + r, u]
    if weights.size:
        for j in range(rows.shape[0]):
            for r in range(count):
                rows[j, r] *= math.sqrt(weights[begun + r])


def factor_of(problem: Problem) -> Factor:
    """Return R (p, p), Z (p, k), and the part of the loss that no theta can lower."""
    X, y, k, bias = problem.X, problem.y, problem.y.shape[1], layered(problem.task.model).bias
    p = X.shape[1] + int(bias)
    width = p + k
    weights = np.empty(0) if problem.weights is None else problem.weights
    blocks = max(-(-problem.n // _BLOCK), 1)
    chunks = min(-(-blocks // _BLOCKS), _CHUNKS)
    factors = np.zeros((chunks, width, width))

    def reduce(chunk: int, _worker: int) -> None:
        rows = np.empty((width, _BLOCK))
        for b in range(chunk * blocks // chunks, (chunk + 1) * blocks // chunks):
            count = min(_BLOCK, problem.n - b * _BLOCK)
            _load(X, y, weights, b * _BLOCK, count, bias, rows)
            absorb(factors[chunk], rows, count)

    spread(chunks, reduce)
    R = factors[0]
    for other in factors[1:]:
        absorb(R, np.ascontiguousarray(other.T), width)
    # Squared errors count whole, half squared errors half; over outputs it is their mean.
    share = formulas_of(type(problem.task.loss), np).value(problem.task.loss, 1.0, 0.0) / k
    rest = share * float((R[p:, p:] ** 2).sum())
    return Factor(np.ascontiguousarray(R[:p, :p]), np.ascontiguousarray(R[:p, p:]), share, rest)
