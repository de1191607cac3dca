"""Keyed draws: the permutation again in plain Python, one-to-one, even, and pinned for ever."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.oracles import assert_bits

from descend.errors import InputError
from descend.randomness import PURPOSES, normals, permutation, permute, round_keys, uniforms

WORD = 0xFFFFFFFF

UNIFORMS = [0.8133540609793565, 0.7513314251083366, 0.6716490436969985]
NORMALS = [0.8903241113278909, 0.6786855090559125, 0.4444712468735613]


def mixed(x):
    x ^= x >> 17
    x = x * 0xED5AD4BB & WORD
    x ^= x >> 11
    x = x * 0xAC4C1B51 & WORD
    x ^= x >> 15
    x = x * 0x31848BAB & WORD
    return x ^ x >> 14


def by_hand(n, seed, purpose, epoch):
    """Return the permutation, written from the format's description with Python's integers."""
    key = 0
    for word in (seed & WORD, seed >> 32, purpose, epoch & WORD, epoch >> 32):
        key = (mixed(key ^ word) + 0x9E3779B9) & WORD
    rounds = 16 if n <= 1024 else 8
    keys = [mixed((key + r * 0x9E3779B9) & WORD) for r in range(1, rounds + 1)]
    bits = max((n - 1).bit_length(), 1)
    low_bits, high_bits = bits // 2, bits - bits // 2

    def once(x):
        high, low = x >> low_bits, x % 2**low_bits
        for r in range(0, rounds, 2):
            high = (high ^ mixed(low + keys[r] & WORD)) % 2**high_bits
            low = (low ^ mixed(high + keys[r + 1] & WORD)) % 2**low_bits
        return high << low_bits | low

    found = []
    for i in range(n):
        x = once(i)
        while x >= n:
            x = once(x)
        found.append(x)
    return found


def test_every_length_up_to_300_is_one_to_one():
    for n in range(301):
        for seed, epoch in ((0, 0), (2**64 - 1, 7)):
            found = permutation(n, seed, "batches", epoch)
            assert found.dtype == np.int64
            assert sorted(found.tolist()) == list(range(n))


@pytest.mark.parametrize("n", [1023, 1024, 1025, 4097, 65536, 100_003])
def test_larger_lengths_are_one_to_one(n):
    assert_bits(np.sort(permutation(n, 5, "split")), np.arange(n))


@given(
    st.integers(1, 3000),
    st.integers(0, 2**64 - 1),
    st.sampled_from(sorted(PURPOSES)),
    st.integers(0, 2**40),
)
def test_plain_python_gives_the_same_integers(n, seed, purpose, epoch):
    assert permutation(n, seed, purpose, epoch).tolist() == by_hand(
        n, seed, PURPOSES[purpose], epoch
    )


# Part of the run file's meaning: a change here breaks every file that was ever written.
GOLDEN = [
    ((5, 0, "batches", 0), [1, 0, 3, 4, 2]),
    ((10, 0, "split", 0), [2, 3, 6, 7, 8, 9, 4, 0, 1, 5]),
    ((10, 2**64 - 1, "batches", 2**33), [4, 6, 8, 5, 3, 2, 1, 9, 7, 0]),
]


@pytest.mark.parametrize(("key", "expected"), GOLDEN)
def test_the_integers_are_pinned(key, expected):
    assert permutation(*key).tolist() == expected


@pytest.mark.parametrize("n", [3, 4, 5])
def test_all_orders_of_a_few_rows_are_equally_likely(n):
    orders = dict.fromkeys(itertools.permutations(range(n)), 0)
    epochs = 20 * len(orders)
    for epoch in range(epochs):
        orders[tuple(permutation(n, 11, "batches", epoch).tolist())] += 1
    assert stats.chisquare(list(orders.values())).pvalue > 1e-3


def test_every_place_receives_every_row_equally_often():
    n, epochs = 12, 1500
    counts = np.zeros((n, n))
    for epoch in range(epochs):
        counts[np.arange(n), permutation(n, 3, "batches", epoch)] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("n", [50, 5000])
def test_orders_do_not_follow_one_another(n):
    a, b = permutation(n, 0, "batches", 0), permutation(n, 0, "batches", 1)
    for x, y in ((np.arange(n), a), (a, b), (a, permutation(n, 1, "batches", 0)), (a[:-1], a[1:])):
        assert stats.spearmanr(x, y).pvalue > 1e-3


def test_seed_purpose_and_epoch_each_matter_in_all_their_bits():
    keys = [(0, "batches", 0), (0, "split", 0), (0, "sample", 0), (0, "batches", 1)]
    keys += [(1 << bit, "batches", 0) for bit in range(64)]
    keys += [(0, "batches", 1 << bit) for bit in range(1, 64)]
    assert len({tuple(permutation(1000, *key).tolist()) for key in keys}) == len(keys)


def test_any_element_can_be_asked_for_alone():
    whole = permutation(777, 9, "batches", 4)
    keys = round_keys(9, "batches", 4)
    for i in (0, 1, 500, 776):
        assert permute(np.array([i], dtype=np.uint32), 777, keys)[0] == whole[i]


def test_too_many_rows_are_refused_in_words():
    with pytest.raises(
        InputError, match="At most 2\\*\\*32 rows can be shuffled; asked for 4294967297"
    ):
        permutation(2**32 + 1, 0, "batches")


# ---------------------------------------------------------------- numbers


def test_uniforms_are_even_and_strictly_inside():
    u = uniforms(200_000, 1, "initialisation")
    assert 0 < u.min() < u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert abs(u.mean() - 1 / 2) < 5 * (1 / 12 / u.size) ** 0.5
    assert abs(u.var() - 1 / 12) < 5 * (1 / 180 / u.size) ** 0.5


def test_normals_have_the_moments_and_the_distribution():
    z = normals(200_000, 1, "initialisation")
    assert stats.kstest(z, "norm").pvalue > 1e-3
    for power, wanted, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - wanted) < 5 * (variance / z.size) ** 0.5


def test_more_draws_begin_with_the_same_ones():
    for draw in (uniforms, normals):
        assert_bits(draw(1000, 7, "initialisation", 2)[:10], draw(10, 7, "initialisation", 2))


def test_draws_of_other_keys_are_unrelated():
    base = uniforms(5000, 1, "initialisation", 0)
    for key in ((2, "initialisation", 0), (1, "split", 0), (1, "initialisation", 1)):
        assert abs(np.corrcoef(base, uniforms(5000, *key))[0, 1]) < 5 / 5000**0.5


def test_the_numbers_are_pinned():
    assert uniforms(3, 0, "initialisation").tolist() == UNIFORMS
    np.testing.assert_allclose(normals(3, 0, "initialisation"), NORMALS, rtol=1e-14)


def test_the_purposes_keep_their_numbers():
    assert PURPOSES == {"initialisation": 1, "split": 2, "batches": 3, "sample": 4, "model": 5}
