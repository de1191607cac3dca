"""Toy data: the documents' numbers to the last bit, and scikit-learn as the judge of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.linear_model import LogisticRegression

from descend.datasets import toy

PLANE = (toy.moons, toy.circles, toy.blobs, toy.spiral, toy.xor, toy.checkerboard)
DRAWN = (*PLANE, toy.line_sgd)


def same(ours, theirs):
    """Raise unless two pairs (X, y) are equal bit for bit."""
    for mine, other in zip(ours, theirs, strict=True):
        assert_array_equal(mine, other, strict=mine.dtype.kind == "f")


def test_one_wrong_bit_is_seen():
    X, y = toy.moons(20)
    with pytest.raises(AssertionError):
        same((X, y), (np.nextafter(X, 9.0), y))
    with pytest.raises(AssertionError):
        same((X, y), (X, 1 - y))


@pytest.mark.parametrize(("n", "noise", "seed"), [(200, 0.1, 0), (7, 0.3, 5), (2, 0.0, 1)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_moons_are_scikit_learns(n, noise, seed, shuffle):
    theirs = make_moons(n, noise=noise, random_state=seed, shuffle=shuffle)
    same(toy.moons(n, noise, seed, shuffle=shuffle), theirs)


@pytest.mark.parametrize(("n", "noise", "seed"), [(200, 0.1, 0), (7, 0.3, 5)])
def test_circles_are_scikit_learns(n, noise, seed):
    theirs = make_circles(n, noise=noise, random_state=seed, factor=0.5)
    same(toy.circles(n, noise, seed), theirs)


@pytest.mark.parametrize("centers", [[[0.0, 1.0], [0.0, -1.0]], [[1.0], [2.0], [5.0]]])
def test_blobs_are_scikit_learns(centers):
    same(toy.blobs(200, centers, 3), make_blobs(200, centers=centers, random_state=3))


@pytest.mark.parametrize("make", DRAWN)
def test_the_same_seed_gives_the_same_rows_and_another_seed_others(make):
    same(make(seed=1), make(seed=1))
    assert (make(seed=1)[0] != make(seed=2)[0]).any() or (make(seed=1)[1] != make(seed=2)[1]).any()


@pytest.mark.parametrize("make", PLANE)
def test_no_straight_line_parts_them(make):
    X, y = make(seed=0)
    assert set(y.tolist()) == {0, 1}
    found = LogisticRegression(C=1e6).fit(X, y).score(X, y)
    assert found < 0.92, found


def test_houses_are_the_documents():
    X, y = toy.houses()
    assert X.tolist() == [[1250, 350, 3], [1700, 900, 6], [1400, 600, 3]]
    assert y.tolist() == [345000, 580000, 360000]


def test_lines_lie_where_the_documents_put_them():
    for (X, y), slope, intercept, spread in (
        (toy.line_sgd(10_000), 3.0, 8.0, 0.3),
        (toy.sliders(noise=1.0), 2.0, 20.0, 1.0),
    ):
        assert X.shape == (len(y), 1)
        noise = y - slope * X[:, 0] - intercept
        assert_allclose(np.sqrt(np.mean(noise**2)), spread, rtol=0.15)
        assert_allclose(np.polyfit(X[:, 0], noise, 1), 0.0, atol=12 * spread / len(y) ** 0.5)
    X, y = toy.sliders()
    assert_array_equal(y, 2 * X[:, 0] + 20)


def test_the_two_sets_share_no_row_and_are_the_documents_hundred():
    rows = toy.line_by_hand()
    assert rows.X.shape == rows.y.shape == (80, 1)
    assert rows.X_validation.shape == rows.y_validation.shape == (20, 1)
    both = np.sort(np.concatenate([rows.X, rows.X_validation])[:, 0])
    assert_array_equal(both, np.sort(toy.legacy(42).rand(100)))
    assert_allclose((rows.y - 2 * rows.X - 1).std(), 0.1, rtol=0.15)
