"""Sparse rows: sweeps over the stored entries alone, and scaling folded into the parameters.

A row's score is a sum over its own entries, and its gradient falls on their columns alone, so a
sweep costs what is stored and nothing is ever dense but vectors of theta's length. The pieces are
sweeps like those of `descend.engines.compiled.sweeps`, called in their place:

    sparse_sweep  a linear model with any number of outputs, over rows that are `Csr`
    folded_sweep  the same with columns standardised: theta folded, swept, the gradient unfolded

Folding is linear, so each of several chunks may unfold the gradient of its own rows; see
`descend.scaling` for the algebra, of which `_fold` and `_unfold` are the second form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.pieces import call
from descend.engines.compiled.rows import load_targets, row_of
from descend.engines.compiled.scalars import REORDERED, STRICT
from descend.engines.compiled.sweeps import Model, row_block

if TYPE_CHECKING:
    from descend.arrays import Sparse
    from descend.scaling import Scaling


class Csr(NamedTuple):
    """Rows in the form of `descend.arrays.Sparse`, as kernels take them."""

    data: Any
    indices: Any
    indptr: Any
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.indptr.size - 1, self.columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        found: np.dtype[Any] = self.data.dtype
        return found


class Folded(NamedTuple):
    """A model whose columns are standardised: the sweep underneath, its model, and the scaling."""

    sweep: int
    model: Model
    mean: Any
    deviation: Any
    varies: Any


class Scratch(NamedTuple):
    """What `folded_sweep` works in: that of the sweep underneath; theta and gradient, folded."""

    work: Any
    theta: Any
    gradient: Any


def csr_of(X: Sparse) -> Csr:
    """Return SciPy's rows as kernels take them; what is contiguous is shared."""
    data, indices, indptr = (np.ascontiguousarray(part) for part in (X.data, X.indices, X.indptr))
    return Csr(data, indices, indptr, int(X.shape[1]))


def entries_block(X: Csr) -> int:
    """Return how many rows a block of `sparse_sweep` has: its entries stay in the cache."""
    return row_block(X.data.size // max(X.shape[0], 1), X.data.itemsize + X.indices.itemsize)


def folded(sweep: int, model: Model, scaling: Scaling) -> Folded:
    """Return what `folded_sweep` takes for a model, given the address of the sweep underneath."""
    mean, deviation, varies = (np.ascontiguousarray(part) for part in scaling)
    return Folded(sweep, model, mean, deviation, varies)


def sparse_work(model: Model | Folded, rows: Any) -> Any:
    """Return the memory that a sweep works in: rows of a block's numbers, the last of one row's."""
    if isinstance(model, Folded):
        d, k = (int(size) for size in model.model.sizes)
        point = np.empty(d * k + k, rows.X.dtype)
        return Scratch(sparse_work(model.model, rows), point, np.empty(d * k + k))
    k = int(model.sizes[1])
    return np.empty((2 * k + rows.y.shape[1] + 4, max(model.block, k)), dtype=rows.X.dtype)


# ---------------------------------------------------------------- rows as they are


@njit(**STRICT)
def place(j):
    """Return a place that is known not to be negative: without asking, access is twice as fast."""
    return np.uint64(j)


@kernel
def sparse_sweep(model, rows, first, last, theta, gradient, work):
    """Sweep a linear model over sparse rows.

    `work` holds scores, slopes and targets, a row for each output; then weights, two rows to
    spare, and a row for the numbers of all outputs at one row of the data.
    """
    k = model.sizes[1]
    targets = 2 * k
    weights = targets + rows.y.shape[1]
    total = 0.0
    for begun in range(first, last, model.block):
        count = min(model.block, last - begun)
        if k == 1:
            _score(rows, begun, count, theta, model.bias, work[0])
        else:
            _scores(rows, begun, count, theta, model.bias, work, k, work[weights + 3])
        load_targets(rows, begun, count, work, targets, weights)
        total += call(
            model.score, (model.loss, work, 0, k, targets, weights, weights + 1, k, count)
        )
        if k == 1:
            _gradient(rows, begun, count, work[1], model.bias, gradient)
        else:
            _gradients(rows, begun, count, work, model.bias, gradient, k, work[weights + 3])
    return total


@njit(**STRICT)
def _score(rows, begun, count, theta, bias, scores):
    """Write a block's scores of one output; reordered for vectors, gathering would be slower."""
    X = rows.X
    b = theta[theta.size - 1] if bias else theta.dtype.type(0)
    for i in range(count):
        row, s = row_of(rows.order, begun + i), b
        for p in range(X.indptr[row], X.indptr[row + 1]):
            s += X.data[place(p)] * theta[place(X.indices[place(p)])]
        scores[i] = s


@njit(**STRICT)
def _gradient(rows, begun, count, slopes, bias, gradient):
    """Add a block's gradient of one output."""
    X, total = rows.X, 0.0
    for i in range(count):
        row, g = row_of(rows.order, begun + i), float(slopes[i])
        for p in range(X.indptr[row], X.indptr[row + 1]):
            gradient[place(X.indices[place(p)])] += X.data[place(p)] * g
        total += g
    if bias:
        gradient[gradient.size - 1] += total


@njit(**REORDERED)
def _scores(rows, begun, count, theta, bias, work, k, own):
    """Write a block's scores of several outputs; `own` are those of one row."""
    X = rows.X
    for i in range(count):
        row = row_of(rows.order, begun + i)
        for u in range(k):
            own[u] = theta[theta.size - k + u] if bias else theta.dtype.type(0)
        for p in range(X.indptr[row], X.indptr[row + 1]):
            x, at = X.data[p], X.indices[p] * k
            for u in range(k):
                own[u] += x * theta[place(at + u)]
        for u in range(k):
            work[u, i] = own[u]


@njit(**REORDERED)
def _gradients(rows, begun, count, work, bias, gradient, k, own):
    """Add a block's gradient of several outputs; `own` are the slopes of one row."""
    X = rows.X
    for i in range(count):
        row = row_of(rows.order, begun + i)
        for u in range(k):
            own[u] = work[k + u, i]
        for p in range(X.indptr[row], X.indptr[row + 1]):
            x, at = float(X.data[p]), X.indices[p] * k
            for u in range(k):
                gradient[place(at + u)] += x * own[u]
        if bias:
            for u in range(k):
                gradient[gradient.size - k + u] += own[u]


# ---------------------------------------------------------------- columns standardised


@kernel
def folded_sweep(model, rows, first, last, theta, gradient, work):
    """Sweep standardised columns: fold theta, sweep the rows as they are, unfold the gradient."""
    _fold(model, theta, work.theta, work.gradient)
    for j in range(work.gradient.size):
        work.gradient[j] = 0.0
    total = call(
        model.sweep, (model.model, rows, first, last, work.theta, work.gradient, work.work)
    )
    _unfold(model, work.gradient, gradient)
    return total


@njit(**REORDERED)
def _fold(model, theta, point, sums):
    """Write the folded theta, W' = W / s and b' = b - m W'; b' is summed at the end of `sums`."""
    d, k = model.mean.size, model.model.sizes[1]
    b = d * k
    for u in range(k):
        sums[b + u] = theta[b + u] if theta.size > b else 0.0
    for j in range(d):
        for u in range(k):
            w = theta[j * k + u] / model.deviation[j]
            point[j * k + u] = w
            sums[b + u] -= model.mean[j] * w
    for u in range(k):
        point[b + u] = sums[b + u]


@njit(**REORDERED)
def _unfold(model, folded_gradient, gradient):
    """Add the gradient by theta; by a column that does not vary it is exactly 0."""
    d, k = model.mean.size, model.model.sizes[1]
    b = d * k
    for j in range(d):
        if model.varies[j]:
            for u in range(k):
                g = folded_gradient[j * k + u] - model.mean[j] * folded_gradient[b + u]
                gradient[j * k + u] += g / model.deviation[j]
    if gradient.size > b:
        for u in range(k):
            gradient[b + u] += folded_gradient[b + u]
