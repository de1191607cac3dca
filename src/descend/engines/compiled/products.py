"""Wide layers: their products by BLAS, and all that lies between them by the pieces.

The products

    sums       z = a W + b
    gradient   aᵀ g            into its place in the flat gradient, no copy made
    way back   g Wᵀ

are NumPy's, which runs them on all processors; weights are views of the flat parameters. Hidden
layers lie as rows x units; what is elementwise does not mind. The last layer's scores lie as units
x rows, as the pieces of losses take them.

Nothing else is shared among threads here: BLAS's own go on spinning after a product, on the
processors that ours would need.
"""

from __future__ import annotations

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
def _activate(model, layer, count):
    """Write a hidden layer's activations, below its sums."""
    return call(model.activate, (model.activation, layer, 0, count, count, layer.shape[1]))


@kernel
def _back(model, layer, count):
    """Turn the gradient by a hidden layer's activations, below them, into that by its sums."""
    return call(model.back, (model.activation, layer, 0, count, 2 * count, count, layer.shape[1]))


@kernel
def _score(model, rows, begun, scores, outputs):
    """Load a block's targets and weights; return its loss and write the slopes below the scores."""
    count, y = scores.shape[1], 2 * outputs
    w = y + rows.y.shape[1]
    load_targets(rows, begun, count, scores, y, w)
    return call(model.score, (model.loss, scores, 0, outputs, y, w, w + 1, outputs, count))


@final
class Products:
    """The sweep of a wide perceptron over batches of rows."""

    def __init__(self, model: Model, dtype: Any) -> None:
        self.model, self.dtype = model, dtype
        self._sizes = [int(size) for size in model.sizes]
        self._memory: dict[int, tuple[Floats, list[Floats], Floats]] = {}

    def sweep(self, rows: Rows, first: int, last: int, theta: Floats, gradient: Floats) -> float:
        """Write the gradient of rows `first` to `last`; return their summed loss."""
        with np.errstate(all="ignore"):  # an explosion is recorded, not warned of
            total = self._block(rows, first, min(first + BLOCK, last), theta, gradient)
            for begun in range(first + BLOCK, last, BLOCK):
                part = np.empty_like(gradient)
                total += self._block(rows, begun, min(begun + BLOCK, last), theta, part)
                gradient += part
        return total

    def _room(self, count: int, rows: Rows) -> tuple[Floats, list[Floats], Floats]:
        """Return memory for a block: the rows; hidden sums, activations, gradients; scores."""
        if count not in self._memory:
            d, *hidden, k = self._sizes
            self._memory[count] = (
                np.empty((count, d), self.dtype),
                [np.empty((3 * count, h), self.dtype) for h in hidden],
                np.empty((2 * k + rows.y.shape[1] + 3, count), self.dtype),
            )
        return self._memory[count]

    def _parts(self, flat: Floats) -> list[tuple[Floats, Floats | None]]:
        """Return each layer's weights and biases, or their gradients, as views."""
        found, place = [], 0
        for d, h in zip(self._sizes, self._sizes[1:], strict=False):
            weights = flat[place : place + d * h].reshape(d, h)
            place += d * h
            found.append((weights, flat[place : place + h] if self.model.bias else None))
            place += h if self.model.bias else 0
        return found

    def _block(self, rows: Rows, begun: int, ended: int, theta: Floats, gradient: Floats) -> float:
        model, count = self.model, ended - begun
        X, hidden, scores = self._room(count, rows)
        if rows.order.size:
            np.take(rows.X, rows.order[begun:ended], axis=0, out=X, mode="clip")
        else:
            X = rows.X[begun:ended]
        *layers, (W, b) = self._parts(theta)
        *slopes, (dW, db) = self._parts(gradient)
        inputs = [X]
        for layer, (weights, biases) in zip(hidden, layers, strict=True):
            np.matmul(inputs[-1], weights, out=layer[:count])
            if biases is not None:
                layer[:count] += biases
            _activate(model, layer, count)
            inputs.append(layer[count : 2 * count])
        k = self._sizes[-1]
        np.matmul(W.T, inputs[-1].T, out=scores[:k])
        if b is not None:
            scores[:k] += b[:, None]
        total = float(_score(model, rows, begun, scores, k))
        g = scores[k : 2 * k].T
        np.matmul(inputs[-1].T, g, out=dW)
        if db is not None:
            g.sum(axis=0, out=db)
        for i in range(len(hidden) - 1, -1, -1):
            below = hidden[i][2 * count :]
            np.matmul(g, W.T, out=below)
            _back(model, hidden[i], count)
            g, (W, _), (dW, db) = below, layers[i], slopes[i]
            np.matmul(inputs[i].T, g, out=dW)
            if db is not None:
                g.sum(axis=0, out=db)
        return total
