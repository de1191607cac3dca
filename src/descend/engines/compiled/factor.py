"""All rows of a squared loss in one triangular factor.

For a linear model the summed squared error is |A theta - y|², with A = [√w X √w]. An orthogonal
Q changes no length, so with A = Q R and z = Qᵀy it is |R theta - z|² + rest: d + 1 rows say all
that n rows said, and a step costs O(d²). R comes from orthogonal transformations of blocks of rows,
never from AᵀA, whose rounding would cost half of the digits of a fit that is nearly exact.

Reference: J. Demmel, L. Grigori, M. Hoemmen and J. Langou, "Communication-optimal parallel and
sequential QR and LU factorizations", SIAM J. Sci. Comput. 34 (2012), section 1: QR of blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.engines.compiled.threads import spread, workers
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.engines.problem import Problem

# Columns, the targets' among them, up to which the factor is worth its price.
WIDEST = 256
_BLOCK_BYTES = 1 << 21  # of rows to a block: what the second-level cache holds
_CHUNKS = 64


def suits(problem: Problem) -> bool:
    """Tell whether a factor stands for the problem: squared errors, linear, all rows, not wide."""
    task = problem.task
    return (
        task.loss.name in {"squared_error", "half_squared_error"}
        and not task.model.hidden
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


def factor_of(problem: Problem) -> Factor:
    """Return R (p, p), Z (p, k), and the part of the loss that no theta can lower."""
    X, k = problem.X, problem.y.shape[1]
    p = X.shape[1] + int(problem.task.model.bias)
    width = p + k
    block = max(_BLOCK_BYTES // (8 * width), 4 * width)
    blocks = max(-(-problem.n // block), 1)
    chunks = min(blocks, _CHUNKS)
    factors = np.zeros((chunks, width, width))

    def reduce(chunk: int, _worker: int) -> None:
        R = np.zeros((0, width))
        for b in range(chunk * blocks // chunks, (chunk + 1) * blocks // chunks):
            rows = slice(b * block, (b + 1) * block)
            R = _triangle(np.vstack([R, _columns(problem, rows, p)]))
        factors[chunk, : len(R)] = R

    with np.errstate(all="ignore"):
        spread(chunks, reduce, workers() if chunks > 1 else 1)
        R = factors[0] if chunks == 1 else _triangle(factors.reshape(-1, width))
    # Squared errors count whole, half squared errors half; over outputs it is their mean.
    share = formulas_of(type(problem.task.loss), np).value(problem.task.loss, 1.0, 0.0) / k
    rest = share * float((R[p:, p:] ** 2).sum())
    return Factor(np.ascontiguousarray(R[:p, :p]), np.ascontiguousarray(R[:p, p:]), share, rest)


def _columns(problem: Problem, rows: slice, p: int) -> Any:
    """Return the weighted rows [X 1 y] in double precision."""
    X, y = problem.X[rows], problem.y[rows]
    found = np.empty((len(X), p + y.shape[1]))
    found[:, : X.shape[1]] = X
    found[:, X.shape[1] : p] = 1.0
    found[:, p:] = y
    if problem.weights is not None:
        found *= np.sqrt(problem.weights[rows].astype(np.float64))[:, None]
    return found


def _triangle(rows: Any) -> Any:
    """Return R of the QR factorisation, square: padded with zeros if there are too few rows."""
    width = rows.shape[1]
    if len(rows) < width:
        rows = np.vstack([rows, np.zeros((width - len(rows), width))])
    return np.linalg.qr(rows, mode="r")
