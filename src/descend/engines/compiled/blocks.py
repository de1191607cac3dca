"""What happens to a block of units x rows: activations there and back, and the losses at the end.

Elementwise parts run their one formula over the block. What works along rows (softmax, as an
activation and as a loss) has its second form here: its rows lie across the block's columns.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from descend.engines.compiled.generics import activate, activation_slope, along_rows, slope, value
from descend.engines.compiled.rows import row_of, weight_of
from descend.engines.compiled.scalars import REORDERED, exp, log


def activate_block(activation: Any, z: Any, a: Any, count: Any) -> None:
    """Write the activations `a` of the sums `z`, both (units, rows), for `count` rows."""
    raise NotImplementedError


@overload(activate_block, jit_options=REORDERED)
def _activate_block(activation, z, a, count):
    def elementwise(activation, z, a, count):
        for u in range(z.shape[0]):
            zu, au = z[u], a[u]
            for r in range(count):
                au[r] = activate(activation, zu[r])

    def softmax(activation, z, a, count):
        for r in range(count):
            top = z[0, r]
            for u in range(1, z.shape[0]):
                top = z[u, r] if z[u, r] > top else top
            total = 0.0
            for u in range(z.shape[0]):
                a[u, r] = exp(z[u, r] - top)
                total += a[u, r]
            for u in range(z.shape[0]):
                a[u, r] /= total

    return softmax if along_rows(activation) else elementwise


def activation_back(activation: Any, z: Any, a: Any, g: Any, count: Any) -> None:
    """Turn the gradient `g` by activations into that by sums, in place."""
    raise NotImplementedError


@overload(activation_back, jit_options=REORDERED)
def _activation_back(activation, z, a, g, count):
    def elementwise(activation, z, a, g, count):
        for u in range(z.shape[0]):
            zu, au, gu = z[u], a[u], g[u]
            for r in range(count):
                gu[r] *= activation_slope(activation, zu[r], au[r])

    def softmax(activation, z, a, g, count):
        for r in range(count):
            along = 0.0
            for u in range(z.shape[0]):
                along += a[u, r] * g[u, r]
            for u in range(z.shape[0]):
                g[u, r] = a[u, r] * (g[u, r] - along)

    return softmax if along_rows(activation) else elementwise


def score_block(loss: Any, rows: Any, begun: Any, count: Any, s: Any, g: Any, spare: Any) -> Any:
    """Write the slopes `g` of the losses of scores `s`, both (k, rows); return the summed loss.

    Over several outputs both are divided by their number; over rows, by nothing.
    """
    raise NotImplementedError


@overload(score_block, jit_options=REORDERED)
def _score_block(loss, rows, begun, count, s, g, spare):
    def elementwise(loss, rows, begun, count, s, g, spare):
        k = rows.y.shape[1]
        share, total = 1.0 / k, 0.0
        for u in range(k):
            su, gu, target = s[u], g[u], spare[u]
            for r in range(count):
                target[r] = rows.y[row_of(rows.order, begun + r), u]
            for r in range(count):
                w = share * weight_of(rows.weights, row_of(rows.order, begun + r))
                total += w * value(loss, su[r], target[r])
                gu[r] = w * slope(loss, su[r], target[r])
        return total

    def softmax(loss, rows, begun, count, s, g, spare):
        k = s.shape[0]
        top, sums = spare[0], spare[1]
        for r in range(count):
            top[r] = s[0, r]
            sums[r] = 0
        for u in range(1, k):
            su = s[u]
            for r in range(count):
                top[r] = su[r] if su[r] > top[r] else top[r]
        for u in range(k):
            su, gu = s[u], g[u]
            for r in range(count):
                e = exp(su[r] - top[r])
                gu[r] = e
                sums[r] += e
        total = 0.0
        for r in range(count):
            row = row_of(rows.order, begun + r)
            w = weight_of(rows.weights, row)
            total += w * (log(float(sums[r])) + top[r] - s[rows.y[row], r])
            sums[r] = w / sums[r]
        for u in range(k):
            gu = g[u]
            for r in range(count):
                gu[r] *= sums[r]
        for r in range(count):
            row = row_of(rows.order, begun + r)
            g[rows.y[row], r] -= weight_of(rows.weights, row)
        return total

    return softmax if along_rows(loss) else elementwise
