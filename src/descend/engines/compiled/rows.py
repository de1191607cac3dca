"""Rows as kernels see them: where they lie, in which order they come, what they weigh.

`Rows` bundles a problem's arrays. An order of no length means the rows' own, and weights of no
length that all weigh 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from descend.engines.compiled.scalars import REORDERED, STRICT

NO_ORDER = np.empty(0, dtype=np.int64)


class Rows(NamedTuple):
    """The rows of a problem: X (n, d), y (n, k) or labels (n, 1), weights (n,), order (n,)."""

    X: Any
    y: Any
    weights: Any
    order: Any


@njit(**STRICT)
def row_of(order, i):
    """Return which row comes at place `i`."""
    return order[i] if order.size else i


@njit(**STRICT)
def weight_of(weights, row):
    """Return what a row weighs."""
    return float(weights[row]) if weights.size else 1.0


@njit(**REORDERED)
def mass_of(rows, first, last):
    """Return the sum of the weights of the rows at places `first` to `last`."""
    if rows.weights.size == 0:
        return float(last - first)
    total = 0.0
    for i in range(first, last):
        total += rows.weights[row_of(rows.order, i)]
    return total


@njit(**REORDERED)
def load_targets(rows, begun, count, work, y, w):
    """Copy a block's targets to the rows of `work` from `y` on, and its weights to row `w`."""
    for u in range(rows.y.shape[1]):
        for i in range(count):
            work[y + u, i] = rows.y[row_of(rows.order, begun + i), u]
    for i in range(count):
        work[w, i] = weight_of(rows.weights, row_of(rows.order, begun + i))


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the memory of a contiguous array around flat `index`; nothing waits for it."""
    del typing_context

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        data = context.make_array(kind)(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        wanted = ir.FunctionType(ir.VoidType(), [place.type, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], wanted)
        # To read (0), into the second-level cache (2), data (1).
        builder.call(function, [place, flag(0), flag(2), flag(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), code
