"""Keyed draws: every random number is a function of (seed, purpose, epoch, index).

Nothing here has a memory, so any draw can be made again at any time: a resumed run equals an
uninterrupted one, and a step can be revisited without the steps before it.

Two kinds of draw.  *Orders* (which rows form a batch) come from a keyed permutation: a Feistel
network over the smallest power of two that holds n, walked until it lands below n.  It uses
only 32-bit multiplications, shifts and exclusive ors, so that NumPy, a compiled kernel, JAX and
JavaScript compute the same integers, and any element costs O(1).  *Numbers* (initial weights)
come from the Philox counter generator's raw words, turned into normals by the inverse
distribution function, so they depend on no library's private stream.

    >>> permutation(5, seed=0, purpose="batches", epoch=0)
    array([1, 0, 3, 4, 2])

References: M. Luby and C. Rackoff, "How to construct pseudorandom permutations from
pseudorandom functions", SIAM J. Comput. 17 (1988); J. Black and P. Rogaway, "Ciphers with
arbitrary finite domains", CT-RSA 2002 (cycle walking); J. Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", SC 2011 (Philox).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from descend.errors import InputError

# What a draw is for.  The numbers are part of the run file's meaning: never renumber them.
PURPOSES = {"initialisation": 1, "split": 2, "batches": 3, "sample": 4, "model": 5}
# Half-blocks of a few bits mix slowly: with 8 rounds the orders of 5 rows are visibly uneven.
ROUNDS_SMALL, ROUNDS_LARGE, SMALL = 16, 8, 1 << 10
_LARGEST = 2**32


def mix(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return a thorough scramble of 32-bit words: xor-shift, multiply, thrice.

    The constants are Chris Wellons' "triple32" (2018), measured to have almost no bias.
    """
    x = x ^ (x >> np.uint32(17))
    x = x * np.uint32(0xED5AD4BB)
    x = x ^ (x >> np.uint32(11))
    x = x * np.uint32(0xAC4C1B51)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x31848BAB)
    return x ^ (x >> np.uint32(14))


def round_keys(seed: int, purpose: str, epoch: int) -> npt.NDArray[np.uint32]:
    """Return the 32-bit round keys of the permutation for (seed, purpose, epoch)."""
    keys: npt.NDArray[np.uint32] = keys_of_epochs(seed, purpose, epoch, 1)[0]
    return keys


def keys_of_epochs(seed: int, purpose: str, first: int, count: int) -> npt.NDArray[np.uint32]:
    """Return the round keys of `count` epochs from `first` on, a row for each."""
    epochs = np.arange(first, first + count, dtype=np.uint64)
    key = np.zeros(count, dtype=np.uint32)
    for word in (seed, seed >> 32, PURPOSES[purpose], epochs, epochs >> np.uint64(32)):
        low = np.asarray(word & 0xFFFFFFFF).astype(np.uint32)
        key = mix(key ^ low) + np.uint32(0x9E3779B9)
    rounds = np.arange(1, ROUNDS_SMALL + 1, dtype=np.uint32) * np.uint32(0x9E3779B9)
    return mix(key[:, None] + rounds[None, :])


def permute(
    index: npt.NDArray[np.uint32], n: int, keys: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return where the permutation of 0 … n-1 with these round keys sends each index.

    An unbalanced Feistel network: the low and the high bits take turns to be scrambled by the
    other half.  Results at or above n are walked on, which keeps it one-to-one.
    """
    bits = max((n - 1).bit_length(), 1)
    low_bits = np.uint32(bits // 2)
    low_mask = np.uint32((1 << (bits // 2)) - 1)
    high_mask = np.uint32((1 << (bits - bits // 2)) - 1)
    rounds = ROUNDS_SMALL if n <= SMALL else ROUNDS_LARGE

    def once(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        high, low = x >> low_bits, x & low_mask
        for r in range(0, rounds, 2):
            high = (high ^ mix(low + keys[r])) & high_mask
            low = (low ^ mix(high + keys[r + 1])) & low_mask
        return (high << low_bits) | low

    found = once(index)
    outside = np.flatnonzero(found >= n)
    while outside.size:
        found[outside] = once(found[outside])
        outside = outside[found[outside] >= n]
    return found


def permutation(n: int, seed: int, purpose: str, epoch: int = 0) -> npt.NDArray[np.int64]:
    """Return the whole permutation of 0 … n-1 for (seed, purpose, epoch).

    Parameters
    ----------
    n
        How many, 0 to 2³².
    seed
        The run's seed, 0 to 2⁶⁴-1.
    purpose
        One of `PURPOSES`.
    epoch
        Which pass over the data, from 0.
    """
    if n > _LARGEST:
        msg = f"At most 2**32 rows can be shuffled; asked for {n}. Read the table in order instead."
        raise InputError(msg)
    if n <= 1:
        return np.zeros(n, dtype=np.int64)
    keys = round_keys(seed, purpose, epoch)
    return permute(np.arange(n, dtype=np.uint32), n, keys).astype(np.int64)


def uniforms(count: int, seed: int, purpose: str, epoch: int = 0) -> npt.NDArray[np.float64]:
    """Return `count` numbers in (0, 1): the middles of 2⁵² equal cells."""
    key = np.array([seed, PURPOSES[purpose]], dtype=np.uint64)
    counter = np.array([0, 0, epoch, 0], dtype=np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(count)
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def generator(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return a generator for (seed, purpose, epoch), for functions that draw as they please."""
    key = np.array([seed, PURPOSES[purpose]], dtype=np.uint64)
    counter = np.array([0, 0, epoch, 1], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normals(count: int, seed: int, purpose: str, epoch: int = 0) -> npt.NDArray[np.float64]:
    """Return `count` standard normal numbers."""
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import, and rarely needed

    drawn: npt.NDArray[np.float64] = ndtri(uniforms(count, seed, purpose, epoch))
    return drawn
