"""Rows as kernels see them: where they lie, in which order they come, what they weigh.

`Rows` bundles a problem's arrays. An order of None means the rows' own, and weights of None that
all weigh 1: kernels are compiled for each case, so neither costs anything in the loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from descend.engines.compiled.scalars import STRICT


class Rows(NamedTuple):
    """The rows of a problem: X (n, d), y (n, k) or labels (n,), weights (n,), order (n,)."""

    X: Any
    y: Any
    weights: Any
    order: Any


@njit(**STRICT)
def row_of(order, i):
    """Return which row comes at place `i`."""
    if order is None:
        return i
    return order[i]


@njit(**STRICT)
def weight_of(weights, row):
    """Return what a row weighs."""
    if weights is None:
        return 1.0
    return weights[row]


@njit(**STRICT)
def mass_of(weights, order, first, last):
    """Return the sum of the weights of the rows at places `first` to `last`."""
    if weights is None:
        return float(last - first)
    total = 0.0
    for i in range(first, last):
        total += weights[row_of(order, i)]
    return total


@intrinsic  # type: ignore[untyped-decorator]
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
        # To read (0), to keep close (3), data (1).
        builder.call(function, [place, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), code
