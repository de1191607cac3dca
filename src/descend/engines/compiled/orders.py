"""The keyed permutation of `descend.randomness`, compiled: the same integers, faster.

It is written a second time because the first is for arrays of NumPy's wrapping integers; the test
of parity runs over both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, uint32

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.scalars import STRICT
from descend.randomness import ROUNDS_LARGE, ROUNDS_SMALL, SMALL, round_keys

if TYPE_CHECKING:
    import numpy.typing as npt

_BLOCK = 1024


@njit(**STRICT)
def _mix(x):
    x = uint32(x ^ (x >> 17))
    x = uint32(x * uint32(0xED5AD4BB))
    x = uint32(x ^ (x >> 11))
    x = uint32(x * uint32(0xAC4C1B51))
    x = uint32(x ^ (x >> 15))
    x = uint32(x * uint32(0x31848BAB))
    return uint32(x ^ (x >> 14))


@njit(**STRICT)
def _once(x, low_bits, low_mask, high_mask, keys, rounds):
    high, low = uint32(x >> low_bits), uint32(x & low_mask)
    for r in range(0, rounds, 2):
        high = uint32((high ^ _mix(uint32(low + keys[r]))) & high_mask)
        low = uint32((low ^ _mix(uint32(high + keys[r + 1]))) & low_mask)
    return uint32((high << low_bits) | low)


@kernel
def _fill(order, low_bits, low_mask, high_mask, keys, rounds):
    n = order.size
    high, low = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.uint32)
    for begun in range(0, n, _BLOCK):
        count = min(_BLOCK, n - begun)
        for i in range(count):
            x = uint32(begun + i)
            high[i], low[i] = uint32(x >> low_bits), uint32(x & low_mask)
        for r in range(0, rounds, 2):  # round after round over the block: loops of plain arithmetic
            first, second = keys[r], keys[r + 1]
            for i in range(count):
                high[i] = uint32((high[i] ^ _mix(uint32(low[i] + first))) & high_mask)
            for i in range(count):
                low[i] = uint32((low[i] ^ _mix(uint32(high[i] + second))) & low_mask)
        for i in range(count):
            order[begun + i] = uint32((high[i] << low_bits) | low[i])
    for i in range(n):
        while order[i] >= n:
            order[i] = _once(uint32(order[i]), low_bits, low_mask, high_mask, keys, rounds)


def order_of(n: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the order of the rows in an epoch, as `randomness.permutation` gives it."""
    order: Any = np.zeros(n, dtype=np.int64)
    if n > 1:
        bits = max((n - 1).bit_length(), 1)
        low = bits // 2
        masks = np.uint32((1 << low) - 1), np.uint32((1 << (bits - low)) - 1)
        rounds = ROUNDS_SMALL if n <= SMALL else ROUNDS_LARGE
        _fill(order, np.uint32(low), *masks, round_keys(seed, "batches", epoch), rounds)
    found: npt.NDArray[np.int64] = order
    return found
