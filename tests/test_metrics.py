"""Brier score and calibration: against scikit-learn, and a weight of k against k copies."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve

from descend.errors import InputError, ParameterError, ShapeError
from descend.metrics import Calibration, brier_score, calibration

RNG = np.random.default_rng


def drawn(n=240, seed=3, ties=False):
    rng = RNG(seed)
    p = rng.random(n)
    if ties:
        p = p.round(1)
    return p, (rng.random(n) < p**1.5).astype(float), rng.integers(0, 4, n)


def rows_of(found):
    """Return the figures without the ends of the bins."""
    return found.predicted, found.observed, found.mass


# Brier -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_of_two_labels_it_is_that_of_the_second(weighted):
    p, y, w = drawn()
    w = w if weighted else None
    found = brier_score(np.column_stack([1 - p, p]), y.astype(int), w)
    assert_allclose(found, theirs.brier_score_loss(y, p, sample_weight=w), rtol=1e-13)


@pytest.mark.parametrize("labels", [3, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_of_more_labels_it_is_the_sum_over_them(labels, weighted):
    rng = RNG(labels)
    p = rng.dirichlet(np.ones(labels), 60)
    codes = np.concatenate([np.arange(labels), rng.integers(0, labels, 60 - labels)])
    w = rng.random(60) if weighted else None
    asked = theirs.brier_score_loss(codes, p, sample_weight=w, labels=range(labels))
    assert_allclose(brier_score(p, codes, w), asked, rtol=1e-13)


def test_its_probabilities_are_left_as_they_were():
    p = np.array([[0.5, 0.5], [0.25, 0.75]])
    brier_score(p, np.array([0, 1]))
    assert_array_equal(p, [[0.5, 0.5], [0.25, 0.75]])


def test_it_is_computed_in_double_precision():
    p = RNG(0).dirichlet(np.ones(3), 1000).astype(np.float32)
    codes = RNG(1).integers(0, 3, 1000)
    assert brier_score(p, codes) == brier_score(p.astype(np.float64), codes)


# Calibration -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("bins", [1, 4, 10])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [240, 2000])
def test_calibration_is_scikit_learns_where_bins_divide_the_rows(strategy, bins, ties, n):
    p, y, _ = drawn(n, ties=ties)
    found = calibration(p, y, bins, strategy=strategy)
    observed, predicted = calibration_curve(y, p, n_bins=bins, strategy=strategy)
    assert_allclose(found.observed, observed, rtol=1e-13)
    assert_allclose(found.predicted, predicted, rtol=1e-13)
    assert found.mass.sum() == len(p)


def test_bins_of_equal_width_are_theirs_for_any_number_of_rows():
    p, y, _ = drawn(97)
    found = calibration(p, y, 7, strategy="uniform")
    observed, predicted = calibration_curve(y, p, n_bins=7)
    assert_allclose(found.observed, observed, rtol=1e-13)
    assert_allclose(found.predicted, predicted, rtol=1e-13)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_bins_without_rows_are_left_out(strategy):
    p, y = np.repeat([0.1, 0.9], 20), np.tile([0, 1], 20)
    found = calibration(p, y, 8, strategy=strategy)
    assert_allclose(found.predicted, [0.1, 0.9])
    assert_array_equal(found.mass, [20, 20])
    assert len(calibration_curve(y, p, n_bins=8, strategy=strategy)[0]) == 2


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n", [50, 97])
@pytest.mark.parametrize("ties", [False, True])
def test_a_weight_of_k_is_k_copies_and_none_is_absence(strategy, n, ties):
    p, y, w = drawn(n, ties=ties)
    p[:2], w[:2] = [0.0, 1.0], 0
    found = calibration(p, y, 6, w, strategy)
    copies = calibration(np.repeat(p, w), np.repeat(y, w), 6, strategy=strategy)
    for ours, copied in zip(found, copies, strict=True):
        assert_allclose(ours, copied, rtol=1e-13)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_weights_count_by_their_ratios(strategy):
    p, y, w = drawn(60)
    found, scaled = calibration(p, y, 7, w, strategy), calibration(p, y, 7, w / 3, strategy)
    for one, other in zip(rows_of(found), rows_of(scaled), strict=True):
        assert_allclose(one, other * (3 if one is found.mass else 1), rtol=1e-12)


def test_bins_hold_what_their_ends_say():
    p, y, _ = drawn(97)
    found = calibration(p, y, 8)
    assert found.low[0] == p.min()
    assert found.high[-1] == p.max()
    assert_array_equal(found.low[1:], found.high[:-1])
    inside = [
        ((p > low) | (p == p.min()) & (low == p.min())) & (p <= high)
        for low, high in zip(found.low, found.high, strict=True)
    ]
    assert_array_equal([rows.sum() for rows in inside], found.mass)
    assert_allclose([y[rows].mean() for rows in inside], found.observed)


def test_the_expected_error_is_the_mean_distance_over_rows():
    one = Calibration(
        *(np.array(v) for v in ([0, 0.5], [0.5, 1], [0.2, 0.7], [0.3, 0.4], [30, 10]))
    )
    assert_allclose(one.expected_calibration_error, (30 * 0.1 + 10 * 0.3) / 40)
    p = np.array([0.0, 0.0, 1.0, 1.0])
    assert calibration(p, p, 2).expected_calibration_error == 0.0
    assert calibration(p, 1 - p, 2).expected_calibration_error == 1.0


def test_it_reads_as_a_table():
    p, y, _ = drawn(40)
    found = calibration(p, y, 4)
    lines = str(found).splitlines()
    assert len(lines) == 6
    assert len({len(line) for line in lines[:-1]}) == 1
    assert f"{found.observed[2]:.4f}" in lines[3]
    assert lines[-1] == f"expected calibration error {found.expected_calibration_error:.4f}"


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"p": [[0.1, 0.9]]}, ShapeError, r"found shapes \(1, 2\), \(2,\) and \(1, 2\)"),
        ({"y": [0, 1, 1]}, ShapeError, r"found shapes \(2,\), \(3,\)"),
        ({"weights": [1.0]}, ShapeError, r"and \(1,\)"),
        ({"p": [0.1, 1.5]}, InputError, r"probabilities .* in \[0, 1\]; found 1.5 at row 1"),
        ({"p": [-0.5, 0.5]}, InputError, "found -0.5 at row 0"),
        ({"p": [np.nan, 0.5]}, InputError, "found nan at row 0"),
        ({"y": [1, 2]}, InputError, "The y .* 0 or 1; found 2.0 at row 1"),
        ({"weights": [1.0, -1.0]}, InputError, "weights .* found -1.0 at row 1"),
        ({"weights": [0.0, 0.0]}, InputError, "at least one row"),
        ({"bins": 0}, ParameterError, "'bins' parameter of calibration"),
        ({"strategy": "quantil"}, ParameterError, "did you mean 'quantile'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(asked, error, words):
    asked = {"p": [0.2, 0.6], "y": [0, 1], **asked}
    with warnings.catch_warnings(), pytest.raises(error, match=words):
        calibration(asked.pop("p"), asked.pop("y"), **asked)
