"""The split: deterministic, complete, in exact shares; strata kept, groups never torn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descend.errors import InputError
from descend.tables import split


@given(st.integers(4, 400), st.integers(0, 2**64 - 1))
def test_every_row_goes_to_one_part_and_no_part_is_empty(n, seed):
    parts = split(n, seed)
    assert parts.shape == (n,)
    assert set(parts.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(parts, split(n, seed))


@pytest.mark.parametrize("n", [20, 100, 569, 1000])
def test_shares_are_exact(n):
    counts = np.bincount(split(n, 3))
    assert counts[1] == round(0.15 * n)
    assert counts[2] == round(0.15 * n)
    assert counts.sum() == n


def test_another_seed_is_another_split():
    assert (split(100, 0) != split(100, 1)).any()


@given(st.integers(0, 1000), st.lists(st.integers(5, 60), min_size=2, max_size=5))
def test_every_label_keeps_its_share_to_within_two_rows(seed, sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = split(len(labels), seed, labels=labels)
    for label, size in enumerate(sizes):
        held = np.bincount(parts[labels == label], minlength=3)
        np.testing.assert_allclose(held, np.array([0.7, 0.15, 0.15]) * size, atol=2.0)


@given(st.integers(0, 200), st.integers(1, 3))
def test_a_rare_label_is_always_in_training(seed, rare):
    labels = np.array([0] * 60 + [1] * rare)
    parts = split(len(labels), seed, labels=labels)
    assert (parts[labels == 1] == 0).any()


@given(st.integers(0, 100), st.lists(st.integers(0, 9), min_size=30, max_size=80))
def test_groups_are_never_torn(seed, groups):
    groups = np.array([*groups, 0, 1, 2])
    parts = split(len(groups), seed, groups=groups)
    assert set(parts.tolist()) == {0, 1, 2}
    for group in np.unique(groups):
        assert len(set(parts[groups == group].tolist())) == 1


def test_in_order_keeps_time():
    parts = split(50, 9, in_order=True)
    assert (np.diff(parts) >= 0).all()
    assert np.bincount(parts).tolist() == [34, 8, 8]


@pytest.mark.parametrize(
    ("n", "more", "words"),
    [
        (3, {}, "at least 4 rows"),
        (30, {"validation_fraction": 0.0}, "must be in (0, 1)"),
        (30, {"validation_fraction": 0.6, "test_fraction": 0.6}, "leave rows to train on"),
        (30, {"groups": np.zeros(30)}, "at least 3 groups"),
    ],
)
def test_what_cannot_be_split_is_said_in_a_sentence(n, more, words):
    with pytest.raises(InputError) as error:
        split(n, 0, **more)
    assert words in str(error.value)
