"""Every comparison helper is handed a wrong answer, and must say so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from tests.oracles import (
    assert_bits,
    assert_close,
    assert_digits,
    assert_same_keyframes,
    assert_same_run,
    assert_same_series,
    central_differences,
    jax_in_double,
    silence_is_kept,
    torch_slope,
)

from descend.arrays import State
from descend.optimizers import gradient_descent
from descend.run import Keyframes, Series

ONE_TWO = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    "wrong",
    [
        np.array([1.0, 2.0 + 1e-10]),
        np.array([1.0]),
        np.array([[1.0, 2.0]]),
        np.float64(1.0),
        np.array([1.0, np.nan]),
        np.array([1.0, np.inf]),
    ],
    ids=str,
)
def test_assert_close_sees_a_wrong_number_shape_or_nan(wrong):
    with pytest.raises(AssertionError):
        assert_close(wrong, ONE_TWO)
    with pytest.raises(AssertionError):
        assert_close(ONE_TWO, wrong)


def test_assert_close_measures_against_the_largest_entry():
    assert_close([1e6, 1e-9], [1e6, 0.0])
    with pytest.raises(AssertionError):
        assert_close([1e6, 1e-3], [1e6, 0.0])
    with pytest.raises(AssertionError):
        assert_close([1e-11], [0.0])
    assert_close([np.inf, np.nan, 1.0], [np.inf, np.nan, 1.0])
    with pytest.raises(AssertionError):
        assert_close([np.inf, 1.0], [-np.inf, 1.0])


@pytest.mark.parametrize(
    "wrong",
    [[*ONE_TWO, 0, 2 ** (-51)], ONE_TWO.astype(np.float32), ONE_TWO[None], np.array([1, 2])],
    ids=str,
)
def test_assert_bits_sees_one_bit_a_type_and_a_shape(wrong):
    assert_bits(ONE_TWO.copy(), ONE_TWO)
    with pytest.raises(AssertionError):
        assert_bits(wrong, ONE_TWO)


def test_assert_bits_tells_minus_zero_from_zero():
    with pytest.raises(AssertionError):
        assert_bits(np.array([-0.0]), np.array([0.0]))


def test_assert_digits_counts_digits_of_each_number():
    assert_digits([1.00000001, 1e-9], [1.0, 1e-9], 7)
    with pytest.raises(AssertionError):
        assert_digits([1.0, 1.1e-9], [1.0, 1e-9], 7)
    with pytest.raises(AssertionError):
        assert_digits([1.0], [1.0, 1.0], 7)


def _series(rows, capacity=16):
    series = Series(("loss",), capacity)
    series.extend(np.asarray(rows, dtype=float)[:, None], 0)
    return series


@pytest.mark.parametrize("wrong", [[1, 2], [1, 2, 4], [1, 2, 3, 4], list(range(17))])
def test_assert_same_series_sees_a_difference(wrong):
    assert_same_series(_series([1, 2, 3]), _series([1, 2, 3]))
    with pytest.raises(AssertionError):
        assert_same_series(_series(wrong), _series([1, 2, 3]))


def _frames(*numbers, slot=0.0):
    frames = Keyframes(8)
    for step, number in enumerate(numbers):
        frames.add(State(np.array([number]), np.array([[slot]]), step))
    return frames


@pytest.mark.parametrize("wrong", [_frames(1.0), _frames(1.0, 3.0), _frames(1.0, 2.0, slot=1.0)])
def test_assert_same_keyframes_sees_a_difference(wrong):
    assert_same_keyframes(_frames(1.0, 2.0), _frames(1.0, 2.0))
    with pytest.raises(AssertionError):
        assert_same_keyframes(wrong, _frames(1.0, 2.0))


def test_assert_same_run_sees_another_start_rate_and_length():
    import descend as ds

    def run(epochs=5, rate=0.1):
        task = ds.Task(ds.Linear(), ds.squared_error(), gradient_descent(rate))
        return ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=epochs)

    assert_same_run(run(), run())
    with pytest.raises(AssertionError):
        assert_same_run(run(6), run())
    with pytest.raises(AssertionError):
        assert_same_run(run(5, 0.1 + 1e-12), run())


def test_the_judges_find_the_slope_of_the_cube_and_no_other():
    at = np.array([1.0, 2.0])
    for found in (central_differences(lambda x: x**3, at, 1e-5), torch_slope(lambda x: x**3, at)):
        assert_close(found, 3 * at**2, 1e-9)
        with pytest.raises(AssertionError):
            assert_close(found, 3.001 * at**2, 1e-9)


def test_jax_gets_its_own_precision_back():
    import jax
    import jax.numpy as jnp

    before = bool(jax.config.read("jax_enable_x64"))
    with jax_in_double():
        assert jnp.asarray(np.float64(1.0)).dtype == np.float64
    assert bool(jax.config.read("jax_enable_x64")) == before


@pytest.mark.parametrize(
    "noise", [lambda: np.exp(np.array(1e4)), lambda: warnings.warn("!", stacklevel=1)]
)
def test_silence_is_kept_sees_an_overflow_and_a_warning(noise):
    with pytest.raises((RuntimeWarning, UserWarning)), silence_is_kept():
        noise()
