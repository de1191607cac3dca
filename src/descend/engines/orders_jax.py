"""The keyed permutation of `descend.randomness` on JAX's arrays: the same integers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from descend.randomness import ROUNDS_LARGE, ROUNDS_SMALL, SMALL, mix


def permutations(n: int, keys: Any) -> Any:
    """Return the permutation (n,) of 0 … n-1 with these round keys."""
    bits = max((n - 1).bit_length(), 1)
    low_bits = jnp.uint32(bits // 2)
    low_mask = jnp.uint32((1 << (bits // 2)) - 1)
    high_mask = jnp.uint32((1 << (bits - bits // 2)) - 1)
    rounds = ROUNDS_SMALL if n <= SMALL else ROUNDS_LARGE

    def once(x: Any) -> Any:
        high, low = x >> low_bits, x & low_mask
        for r in range(0, rounds, 2):
            high = (high ^ mix(low + keys[r])) & high_mask
            low = (low ^ mix(high + keys[r + 1])) & low_mask
        return (high << low_bits) | low

    def outside(found: Any) -> Any:
        return (found >= n).any()

    def walked(found: Any) -> Any:
        return jnp.where(found >= n, once(found), found)

    found = jax.lax.while_loop(outside, walked, once(jnp.arange(n, dtype=jnp.uint32)))
    return found.astype(jnp.int32)
