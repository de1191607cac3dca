"""Wide layers: their products by BLAS, and all that lies between them by the pieces.

A batch's activations lie feature-major (units x rows) in `work`, as in `sweeps.layers_sweep`, so
losses and activations are the same pieces. The products

    sums       z = Wᵀ a + b
    gradient   a gᵀ            into its place in the flat gradient, no copy made
    way back   W g

are NumPy's, which runs them on all processors. Weights are views of the flat parameters.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.pieces import call
from descend.engines.compiled.rows import load_targets

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines.compiled.rows import Rows
    from descend.engines.compiled.sweeps import Model

# Rows to a product, at most: what lies between products then stays in the cache.
BLOCK = 1024


@kernel
def _activate(model, work, z, a, units):
    """Write a layer's activations."""
    return call(model.activate, (model.activation, work, z, a, units, work.shape[1]))


@kernel
def _back(model, work, z, a, g, units):
    """Turn the gradient by activations into that by sums."""
    return call(model.back, (model.activation, work, z, a, g, units, work.shape[1]))


@kernel
def _score(model, rows, begun, work, s, g, y, w, outputs):
    """Load a block's targets and weights; return its loss and write the slopes."""
    count = work.shape[1]
    load_targets(rows, begun, count, work, y, w)
    return call(model.score, (model.loss, work, s, g, y, w, w + 1, outputs, count))


@final
class Products:
    """The sweep of a wide perceptron over batches of rows."""

    def __init__(self, model: Model, dtype: Any) -> None:
        self.model, self.bias, self.dtype = model, model.bias, dtype
        self._sizes = [int(size) for size in model.sizes]
        self._works: dict[int, tuple[Floats, Floats]] = {}
        self._gathered: tuple[Any, Any] | None = None

    def sweep(self, rows: Rows, first: int, last: int, theta: Floats, gradient: Floats) -> float:
        """Write the gradient of rows `first` to `last`; return their summed loss."""
        total, part = 0.0, gradient
        for begun in range(first, last, BLOCK):
            total += self._block(rows, begun, min(begun + BLOCK, last), theta, part)
            if part is not gradient:
                gradient += part
            part = np.empty_like(gradient) if part is gradient and begun + BLOCK < last else part
        return total

    def gather(self, rows: Rows, first: int, last: int) -> None:
        """Copy the rows that come next, in advance."""
        if rows.order.size and last > first:
            count = min(last - first, BLOCK)
            X = self._work(count, rows)[1]
            np.take(rows.X, rows.order[first : first + count], axis=0, out=X, mode="clip")
            self._gathered = (rows.order, (first, first + count))

    def _work(self, count: int, rows: Rows) -> tuple[Floats, Floats]:
        """Return memory for a block: units x rows, and the rows themselves."""
        if count not in self._works:
            lines = 3 * sum(self._sizes) + rows.y.shape[1] + 3
            X = np.empty((count, self._sizes[0]), self.dtype)
            self._works[count] = np.empty((lines, count), self.dtype), X
        return self._works[count]

    def _block(self, rows: Rows, begun: int, ended: int, theta: Floats, gradient: Floats) -> float:
        model, sizes = self.model, self._sizes
        units, count = sum(sizes), ended - begun
        work, X = self._work(count, rows)
        if not rows.order.size:
            X = rows.X[begun:ended]
        elif (
            self._gathered is None
            or self._gathered[0] is not rows.order
            or (self._gathered[1] != (begun, ended))
        ):
            self.gather(rows, begun, ended)
        self._gathered = None
        below, here, place = X.T, 0, 0
        inputs, places = [], []
        for layer, (d, h) in enumerate(pairwise(sizes)):
            inputs.append(below)
            places.append(place)
            above = here + d
            z = work[units + above : units + above + h]
            np.matmul(theta[place : place + d * h].reshape(d, h).T, below, out=z)
            place += d * h
            if self.bias:
                z += theta[place : place + h, None]
                place += h
            if layer < len(sizes) - 2:
                _activate(model, work, units + above, above, h)
                below = work[above : above + h]
            here = above
        y = 3 * units
        total = _score(
            model,
            rows,
            begun,
            work,
            units + here,
            2 * units + here,
            y,
            y + rows.y.shape[1],
            sizes[-1],
        )
        for layer in range(len(sizes) - 2, -1, -1):
            d, h, place = sizes[layer], sizes[layer + 1], places[layer]
            g = work[2 * units + here : 2 * units + here + h]
            np.matmul(inputs[layer], g.T, out=gradient[place : place + d * h].reshape(d, h))
            if self.bias:
                g.sum(axis=1, out=gradient[place + d * h : place + d * h + h])
            here -= d
            if layer > 0:
                weights = theta[place : place + d * h].reshape(d, h)
                np.matmul(weights, g, out=work[2 * units + here : 2 * units + here + d])
                _back(model, work, units + here, here, 2 * units + here, d)
        return float(total)
