"""Sweeps: forward and backward over a stretch of rows, reading each row once.

    sweep(model, rows, first, last, theta, gradient, work) -> summed loss

goes over the rows at places `first` to `last` in blocks that stay in the cache, adds their gradient
(sums over the rows, not divided by anything) to `gradient` in double precision, and returns the sum
of their losses. Sweeps are pieces; losses and activations are pieces that they call:

    row_sweep     scores are one number a row, x · w + b
    layers_sweep  any perceptron, the linear model with several outputs among them; activations
                  are kept feature-major (units x rows), so that the innermost loop runs across rows

Sums within a block may be taken in any order; blocks follow each other in theirs.

The rows' own matrix is indexed by row and column: a row taken out of it as an array would be
counted as one more owner of its memory, by an instruction that threads wait for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.pieces import call
from descend.engines.compiled.rows import load_targets, prefetch, row_of
from descend.engines.compiled.scalars import REORDERED, STRICT, wide

# Rows to a block, at most; and the bytes of rows that stay in the second-level cache.
BLOCK = 256
_BLOCK_BYTES = 1 << 15
_LINE = 64  # bytes to a cache line


class Model(NamedTuple):
    """A model with its loss: layer l has sizes[l] inputs and sizes[l + 1] units.

    Attributes
    ----------
    sizes, bias
        Units of each layer, the inputs first; and whether layers have biases.
    block
        Rows that are swept at once.
    loss, score
        Where the loss's hyperparameters and its piece are.
    activation, activate, back
        Where the activation's hyperparameters and its pieces are; 0 without hidden layers.
    """

    sizes: Any
    bias: bool
    block: int
    loss: int
    score: int
    activation: int
    activate: int
    back: int


def row_block(d: int, itemsize: int) -> int:
    """Return how many rows a block of `row_sweep` has: a multiple of 4."""
    return max(8, min(BLOCK, _BLOCK_BYTES // max(d * itemsize, 1))) // 4 * 4


def work_for(model: Model, rows: Any, size: int, dtype: Any) -> Any:
    """Return the memory that a sweep works in: one row for each purpose."""
    k = rows.y.shape[1]
    if len(model.sizes) == 2 and model.sizes[1] == 1:  # noqa: PLR2004 - one layer
        return np.empty((_PART + 1, max(size, model.block)), dtype=dtype)
    units = int(model.sizes.sum())
    return np.empty((3 * units + k + 3, model.block), dtype=dtype)


# ---------------------------------------------------------------- one output

# The rows of `work`: scores, slopes, targets, weights, two to spare, the gradient of a block.
_SCORES, _SLOPES, _TARGETS, _WEIGHTS, _SPARE, _PART = 0, 1, 2, 3, 4, 6


@kernel
def row_sweep(model, rows, first, last, theta, gradient, work):
    """Sweep a linear model with one output."""
    wide()
    X, d = rows.X, rows.X.shape[1]
    total = 0.0
    for begun in range(first, last, model.block):
        ended = min(begun + model.block, last)
        count = ended - begun
        _row_scores(X, rows.order, begun, ended, last, theta, model.bias, work[_SCORES])
        load_targets(rows, begun, count, work, _TARGETS, _WEIGHTS)
        total += call(
            model.score,
            (model.loss, work, _SCORES, _SLOPES, _TARGETS, _WEIGHTS, _SPARE, 1, count),
        )
        _row_gradient(X, rows.order, begun, ended, last, work[_SLOPES], work[_PART])
        for j in range(d):
            gradient[j] += work[_PART, j]
        if model.bias:
            slopes = 0.0
            for i in range(count):
                slopes += work[_SLOPES, i]
            gradient[d] += slopes
    return total


@njit(**REORDERED)
def _row_scores(X, order, begun, ended, last, theta, bias, scores):
    """Write the scores of rows `begun` to `ended`, four rows at a time."""
    wide()
    d, zero, size = X.shape[1], X.dtype.type(0), ended - begun
    b = theta[d] if bias else zero
    i = begun
    while i + 4 <= ended:
        _ask(X, order, i + size, last, 0, d // 2)
        r0, r1 = row_of(order, i), row_of(order, i + 1)
        r2, r3 = row_of(order, i + 2), row_of(order, i + 3)
        s0, s1, s2, s3 = zero, zero, zero, zero
        for j in range(d):
            w = theta[j]
            s0 += X[r0, j] * w
            s1 += X[r1, j] * w
            s2 += X[r2, j] * w
            s3 += X[r3, j] * w
        scores[i - begun], scores[i - begun + 1] = s0 + b, s1 + b
        scores[i - begun + 2], scores[i - begun + 3] = s2 + b, s3 + b
        i += 4
    while i < ended:
        r0, s = row_of(order, i), zero
        for j in range(d):
            s += X[r0, j] * theta[j]
        scores[i - begun] = s + b
        i += 1


@njit(**STRICT)
def _ask(X, order, i, last, begun, ended):
    """Ask for the memory of four rows of the next block, columns `begun` to `ended`.

    One half is asked for while scores are taken, the other while the gradient is: what is asked
    for at once would be waited for.
    """
    if i + 4 <= last:
        for k in range(4):
            place = row_of(order, i + k) * X.shape[1]
            for j in range(begun, ended, _LINE // X.itemsize):
                prefetch(X, place + j)


@njit(**REORDERED)
def _row_gradient(X, order, begun, ended, last, slopes, part):
    """Write the sum of slope times row over a block."""
    wide()
    d, size = X.shape[1], ended - begun
    for j in range(d):
        part[j] = 0
    i = begun
    while i + 4 <= ended:
        _ask(X, order, i + size, last, d // 2, d)
        r0, r1 = row_of(order, i), row_of(order, i + 1)
        r2, r3 = row_of(order, i + 2), row_of(order, i + 3)
        g0, g1 = slopes[i - begun], slopes[i - begun + 1]
        g2, g3 = slopes[i - begun + 2], slopes[i - begun + 3]
        for j in range(d):
            part[j] += (X[r0, j] * g0 + X[r1, j] * g1) + (X[r2, j] * g2 + X[r3, j] * g3)
        i += 4
    while i < ended:
        r0, g = row_of(order, i), slopes[i - begun]
        for j in range(d):
            part[j] += X[r0, j] * g
        i += 1


# ---------------------------------------------------------------- layers


@kernel
def layers_sweep(model, rows, first, last, theta, gradient, work):
    """Sweep a perceptron.

    `work` holds, feature-major, each layer's inputs, then its sums, then the gradients by them;
    then targets, weights and two rows to spare.
    """
    zero, one = np.intp(0), np.intp(1)  # as literals they would be compiled for anew
    sizes = model.sizes
    layers = sizes.size - 1
    units = 0
    for size in sizes:
        units += size
    outputs = sizes[layers]
    sums, slopes, targets = units, 2 * units, 3 * units
    weights = targets + rows.y.shape[1]
    total = 0.0
    for begun in range(first, last, model.block):
        count = min(model.block, last - begun)
        _load(rows, begun, count, work)
        load_targets(rows, begun, count, work, targets, weights)
        here, place = zero, zero  # where the layer's inputs and its parameters begin
        for layer in range(layers):
            d, h = sizes[layer], sizes[layer + 1]
            above = here + d
            z = work[sums + above : sums + above + h]
            _fill(z, theta, place + d * h if model.bias else -one, count)
            _combine(work[here:above], theta, place, h, one, z, count)
            if layer < layers - 1:
                call(model.activate, (model.activation, work, sums + above, above, h, count))
            here = above
            place += (d + 1) * h if model.bias else d * h
        total += call(
            model.score,
            (
                model.loss,
                work,
                sums + here,
                slopes + here,
                targets,
                weights,
                weights + 1,
                outputs,
                count,
            ),
        )
        for back in range(layers):
            layer = layers - 1 - back
            d, h = sizes[layer], sizes[layer + 1]
            place -= (d + 1) * h if model.bias else d * h
            here -= d
            g = work[slopes + here + d : slopes + here + d + h]
            _affine_gradient(work[here : here + d], g, gradient, place, model.bias, count)
            if layer > 0:
                below = work[slopes + here : slopes + here + d]
                _fill(below, theta, -one, count)
                _combine(g, theta, place, one, h, below, count)
                call(
                    model.back,
                    (model.activation, work, sums + here, here, slopes + here, d, count),
                )
    return total


@njit(**REORDERED)
def _load(rows, begun, count, inputs):
    """Copy a block of rows, feature-major.

    Column by column: of many in a row each line of memory is read once, and none is written twice.
    """
    X, d = rows.X, rows.X.shape[1]
    for j in range(d):
        for i in range(count):
            inputs[j, i] = X[row_of(rows.order, begun + i), j]


@njit(**REORDERED)
def _combine(a, theta, place, along, across, out, count):
    """Add to each row of `out` a combination of the rows of `a`, four of them at a time.

    The weight of row i of `a` in row u of `out` is theta[place + i along + u across]: a layer's
    matrix W read by columns is its sums, Wᵀ a; read by rows it is the way back, W g.
    """
    wide()
    d = a.shape[0]
    for u in range(out.shape[0]):
        sums, i, at = out[u], 0, place + u * across
        while i + 4 <= d:
            w0, w1 = theta[at], theta[at + along]
            w2, w3 = theta[at + 2 * along], theta[at + 3 * along]
            a0, a1, a2, a3 = a[i], a[i + 1], a[i + 2], a[i + 3]
            for r in range(count):
                sums[r] += (a0[r] * w0 + a1[r] * w1) + (a2[r] * w2 + a3[r] * w3)
            i += 4
            at += 4 * along
        while i < d:
            w0, a0 = theta[at], a[i]
            for r in range(count):
                sums[r] += a0[r] * w0
            i += 1
            at += along


@njit(**REORDERED)
def _fill(out, theta, place, count):
    """Write a number to each row of `out`: theta from `place` on; nothing but 0 if that is -1."""
    wide()
    for u in range(out.shape[0]):
        b = theta[place + u] if place >= 0 else theta.dtype.type(0)
        for r in range(count):
            out[u, r] = b


@njit(**REORDERED)
def _affine_gradient(a, g, gradient, place, bias, count):
    """Add the gradient by a layer's weights and biases: a gᵀ and the sums of g."""
    wide()
    d, h = a.shape[0], g.shape[0]
    zero = g.dtype.type(0)
    for u in range(h):
        gu = g[u]
        i, at = 0, place + u
        while i + 4 <= d:
            a0, a1, a2, a3 = a[i], a[i + 1], a[i + 2], a[i + 3]
            s0, s1, s2, s3 = zero, zero, zero, zero
            for r in range(count):
                s0 += a0[r] * gu[r]
                s1 += a1[r] * gu[r]
                s2 += a2[r] * gu[r]
                s3 += a3[r] * gu[r]
            gradient[at] += s0
            gradient[at + h] += s1
            gradient[at + 2 * h] += s2
            gradient[at + 3 * h] += s3
            i += 4
            at += 4 * h
        while i < d:
            a0, s0 = a[i], zero
            for r in range(count):
                s0 += a0[r] * gu[r]
            gradient[at] += s0
            i += 1
            at += h
        if bias:
            s0 = zero
            for r in range(count):
                s0 += gu[r]
            gradient[place + d * h + u] += s0
