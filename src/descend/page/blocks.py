r"""Blocks: arrays in one row of bytes, filtered so that what follows compresses well.

Floats that change little from row to row share their leading bytes: XORed with the row before,
those become 0; sorted by place ("shuffle": all first bytes, then all second bytes …), they stand
together.  Both lose nothing.

>>> blocks = Blocks()
>>> blocks.add("x", np.array([1, 2, 3, 4]), "int32", "shuffle")
>>> blocks.described
{'x': {'dtype': 'int32', 'shape': [4], 'offset': 0, 'bytes': 16, 'filter': 'shuffle'}}
>>> blocks.data()
b'\x01\x02\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Array

Kind = Literal["float32", "float64", "int32", "uint8"]
Filter = Literal["none", "shuffle", "xor-shuffle"]

_LITTLE = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "|u1"}
# Every block begins at a multiple of this, so that a browser can look at it in place.
_APART = 8


@final
class Blocks:
    """Arrays on their way into one row of bytes.

    Attributes
    ----------
    described
        For each name its dtype, shape, offset, bytes and filter.
    """

    def __init__(self) -> None:
        self.described: dict[str, dict[str, Any]] = {}
        self._pieces: list[bytes] = []
        self._length = 0

    def add(self, name: str, values: Array, dtype: Kind, filtered: Filter) -> None:
        """Add an array; floats too large for `dtype` become infinite."""
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(values, dtype=_LITTLE[dtype])
        content = filtered_bytes(array, filtered)
        self.described[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "offset": self._length,
            "bytes": len(content),
            "filter": filtered,
        }
        padded = content + bytes(-len(content) % _APART)
        self._pieces.append(padded)
        self._length += len(padded)

    def data(self) -> bytes:
        """Return the bytes of all blocks."""
        return b"".join(self._pieces)


def filtered_bytes(array: Array, filtered: Filter) -> bytes:
    """Return the bytes of an array, filtered."""
    if filtered == "none":
        return array.tobytes()
    width = array.dtype.itemsize
    if filtered == "xor-shuffle":
        words = array.view(f"<u{width}")
        array = words.copy()
        array[1:] ^= words[:-1]
    planes = array.reshape(-1).view(np.uint8).reshape(-1, width).T
    return planes.tobytes()


def rounded(values: Array, bits: int) -> Array:
    """Return numbers in single precision with only their first `bits` significant bits.

    Whatever is not finite stays as it is.  A few bits less make rows a third smaller.

    >>> float(rounded(np.array([1 / 3]), 16)[0]) - 1 / 3 < 2**-17
    True
    """
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype="<f4")
    lost = np.uint32(24 - bits)
    words = single.view("<u4")
    half = np.uint32(1) << (lost - np.uint32(1))
    found = ((words + half) >> lost << lost).view("<f4")
    return np.where(np.isfinite(single) & np.isfinite(found), found, single)
