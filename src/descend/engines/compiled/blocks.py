"""What happens to a block of units x rows: activations there and back, and the losses at the end.

Each function here is a piece (`descend.engines.compiled.pieces`). They work on `work`, whose rows
of numbers are named by their places: `z` is the place of the first of a layer's sums, one row of
`work` for each unit, one column for each row of the data.

Elementwise parts run their one formula over the block. What works along rows (softmax, as an
activation and as a loss) has its second form here: its rows lie across the block's columns.
"""

from __future__ import annotations

from typing import Any

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.generics import activate, activation_slope, slope, value
from descend.engines.compiled.pieces import part_of
from descend.engines.compiled.scalars import exp, log, wide

# ---------------------------------------------------------------- activations


@kernel
def activations(kind, work, z, a, units, count):
    """Write the activations of the sums at `z` to `a`."""
    wide()
    activation = part_of(kind)
    for u in range(units):
        zu, au = work[z + u], work[a + u]
        for r in range(count):
            au[r] = activate(activation, zu[r])
    return 0.0


@kernel
def activations_back(kind, work, z, a, g, units, count):
    """Turn the gradient by activations, at `g`, into that by sums, in place."""
    wide()
    activation = part_of(kind)
    for u in range(units):
        zu, au, gu = work[z + u], work[a + u], work[g + u]
        for r in range(count):
            gu[r] *= activation_slope(activation, zu[r], au[r])
    return 0.0


@kernel
def softmax_activations(kind, work, z, a, units, count):
    """Write the softmax of each row's sums."""
    for r in range(count):
        top = work[z, r]
        for u in range(1, units):
            top = work[z + u, r] if work[z + u, r] > top else top
        total = 0.0
        for u in range(units):
            e = exp(work[z + u, r] - top)
            work[a + u, r] = e
            total += e
        for u in range(units):
            work[a + u, r] /= total
    return 0.0


@kernel
def softmax_activations_back(kind, work, z, a, g, units, count):
    """Turn the gradient by softmax activations into that by sums: a (g - a · g)."""
    for r in range(count):
        along = 0.0
        for u in range(units):
            along += work[a + u, r] * work[g + u, r]
        for u in range(units):
            work[g + u, r] = work[a + u, r] * (work[g + u, r] - along)
    return 0.0


# ---------------------------------------------------------------- losses


@kernel
def scores(kind, work, s, g, y, w, spare, k, count):
    """Write the slopes `g` of the losses of scores `s` at targets `y`; return the summed loss.

    `w` is the row of weights. Over several outputs both are divided by their number; over rows, by
    nothing.
    """
    wide()
    loss = part_of(kind)
    share, total, weights = 1.0 / k, 0.0, work[w]
    for u in range(k):
        su, gu, yu = work[s + u], work[g + u], work[y + u]
        for r in range(count):
            weight = share * weights[r]
            total += weight * value(loss, su[r], yu[r])
            gu[r] = weight * slope(loss, su[r], yu[r])
    return total


@kernel
def softmax_scores(kind, work, s, g, y, w, spare, k, count):
    """Write the slopes of the cross-entropy of softmax scores; `y` is the row of labels.

    `spare` and the row after it are free to be written to.
    """
    wide()
    labels, weights, top, sums = work[y], work[w], work[spare], work[spare + 1]
    for r in range(count):
        top[r] = work[s, r]
        sums[r] = 0
    for u in range(1, k):
        su = work[s + u]
        for r in range(count):
            top[r] = su[r] if su[r] > top[r] else top[r]
    for u in range(k):
        su, gu = work[s + u], work[g + u]
        for r in range(count):
            e = exp(su[r] - top[r])
            gu[r] = e
            sums[r] += e
    total = 0.0
    for r in range(count):
        weight = float(weights[r])
        total += weight * (log(sums[r]) + top[r] - work[s + int(labels[r]), r])
        sums[r] = weight / sums[r]
    for u in range(k):
        gu = work[g + u]
        for r in range(count):
            gu[r] *= sums[r]
    for r in range(count):
        work[g + int(labels[r]), r] -= weights[r]
    return total


def pieces_of_activation(activation: Any) -> tuple[Any, Any]:
    """Return the pieces of an activation: there, and back."""
    if activation.rowwise:
        return softmax_activations, softmax_activations_back
    return activations, activations_back


def piece_of_loss(loss: Any) -> Any:
    """Return the piece of a loss."""
    return softmax_scores if loss.targets == "labels" else scores
