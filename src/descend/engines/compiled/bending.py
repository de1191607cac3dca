"""The Hessian of a linear model with one score: Aᵀ diag(c) A over blocks that stay in the cache.

With A = [X 1] and c the weighted curvature of each row's loss. A block is held as columns x rows,
each column times the roots of c, so an entry of the Hessian is a product of two columns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.generics import curvature
from descend.engines.compiled.pieces import Handle, address_for, call, part_of
from descend.engines.compiled.rows import weight_of
from descend.engines.compiled.scalars import REORDERED, wide
from descend.engines.compiled.threads import spread
from descend.models import layered

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines.compiled.rows import Rows
    from descend.engines.problem import Problem

_BLOCK = 256  # rows to a block
_BLOCKS, _CHUNKS = 8, 32  # blocks to a chunk, at least; and chunks, at most


@kernel
def bends(kind, scores, targets, weights, count):
    """Turn scores into the weighted curvatures of their losses; return the smallest."""
    loss, lowest = part_of(kind), math.inf
    for r in range(count):
        c = weights[r] * curvature(loss, scores[r], targets[r])
        scores[r] = c
        lowest = c if c < lowest else lowest
    return lowest


@kernel
def _add(bend, loss, rows, first, last, bias, theta, H, A, beside):
    """Add what rows `first` to `last` contribute to the upper triangle of H."""
    lowest = math.inf
    for begun in range(first, last, A.shape[1]):
        count = min(A.shape[1], last - begun)
        _load(rows, begun, count, bias, theta, A, beside)
        low = call(bend, (loss, beside[0], beside[1], beside[2], count))
        lowest = low if low < lowest else lowest
        for r in range(count):
            beside[0, r] = math.sqrt(beside[0, r])
        for j in range(H.shape[0]):
            for r in range(count):
                A[j, r] *= beside[0, r]
        _multiply(A, count, H)
    return lowest


@njit(**REORDERED)
def _load(rows, begun, count, bias, theta, A, beside):
    """Copy a block to columns x rows; write its scores, targets and weights.

    Column by column: of eight in a row each line of memory is read once.
    """
    wide()
    X, d = rows.X, rows.X.shape[1]
    for r in range(count):
        beside[0, r] = theta[d] if bias else 0.0
        beside[1, r] = rows.y[begun + r, 0]
        beside[2, r] = weight_of(rows.weights, begun + r)
        if bias:
            A[d, r] = 1.0
    for j in range(d):
        for r in range(count):
            x = float(X[begun + r, j])
            A[j, r] = x
            beside[0, r] += x * theta[j]


@njit(**REORDERED)
def _multiply(A, count, H):
    """Add A Aᵀ to the upper triangle of H, four entries at a time."""
    wide()
    size = H.shape[0]
    for j in range(size):
        k = j
        while k + 4 <= size:
            h0, h1, h2, h3 = 0.0, 0.0, 0.0, 0.0
            for r in range(count):
                a = A[j, r]
                h0 += a * A[k, r]
                h1 += a * A[k + 1, r]
                h2 += a * A[k + 2, r]
                h3 += a * A[k + 3, r]
            H[j, k] += h0
            H[j, k + 1] += h1
            H[j, k + 2] += h2
            H[j, k + 3] += h3
            k += 4
        while k < size:
            h0 = 0.0
            for r in range(count):
                h0 += A[j, r] * A[k, r]
            H[j, k] += h0
            k += 1


def hessian_of(problem: Problem, rows: Rows, theta: Floats) -> Floats | None:
    """Return the summed Hessian (P, P) without penalty, or None if a row bends downwards."""
    size, bias = problem.layout.size, bool(layered(problem.task.model).bias)
    loss, line = Handle(problem.task.loss), np.empty(_BLOCK)
    bend = address_for(bends, loss, line, line, line, 0)
    blocks = max(-(-problem.n // _BLOCK), 1)
    chunks = min(-(-blocks // _BLOCKS), _CHUNKS)
    parts, lowest = np.zeros((chunks, size, size)), np.zeros(chunks)

    def add(c: int, _worker: int) -> None:
        first, last = c * blocks // chunks * _BLOCK, (c + 1) * blocks // chunks * _BLOCK
        A, beside = np.empty((size, _BLOCK)), np.empty((3, _BLOCK))
        last = min(last, problem.n)
        lowest[c] = _add(bend, loss.address, rows, first, last, bias, theta, parts[c], A, beside)

    spread(chunks, add)
    if not (lowest >= 0).all():
        return None
    total: Any = parts[0]
    for part in parts[1:]:
        total += part
    found: Floats = np.triu(total) + np.triu(total, 1).T
    return found
