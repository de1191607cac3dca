"""History and keyframes: what is kept depends on how much came, never on how it was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import assert_bits, assert_close, assert_same_keyframes, assert_same_series

import descend as ds
from descend.arrays import State
from descend.errors import InputError
from descend.run import Keyframes, Series
from descend.run.keyframes import MOST, limit_for

ROWS = np.random.default_rng(0).normal(size=(700, 2)) * [1.0, 1e6]


def series_of(cuts, count, capacity, expected=0):
    series, at = Series(("a", "b"), capacity), 0
    for cut in [*cuts, count]:
        stop = min(at + cut, count)
        series.extend(ROWS[at:stop], expected)
        at = stop
    return series


@given(
    st.lists(st.integers(0, 90), max_size=40),
    st.integers(0, 700),
    st.sampled_from([8, 16, 64, 128]),
    st.sampled_from([0, 10, 700]),
)
def test_blocks_do_not_know_how_they_were_cut(cuts, count, capacity, expected):
    assert_same_series(series_of(cuts, count, capacity, expected), series_of([], count, capacity))


@given(st.integers(0, 700), st.sampled_from([8, 16, 64, 1024]))
def test_blocks_are_means_lows_and_highs_of_their_rows(count, capacity):
    series = series_of([], count, capacity)
    spans = series.spans()
    assert len(series) == len(spans) <= capacity
    assert np.array_equal(spans[1:, 0], spans[:-1, 1])
    assert count == (spans[-1, 1] if len(spans) else 0)
    for j, name in enumerate(("a", "b")):
        parts = [ROWS[first:last, j] for first, last in spans]
        assert_close(series.column(name), [p.mean() for p in parts], 1e-12)
        assert_bits(series.lows(name), np.array([p.min() for p in parts], dtype=float))
        assert_bits(series.highs(name), np.array([p.max() for p in parts], dtype=float))


@given(st.lists(st.integers(0, 300), max_size=6), st.sampled_from([8, 64]))
def test_a_series_saved_and_restored_goes_on_as_itself(cuts, capacity):
    whole, saved, at = series_of([], min(sum(cuts), 700), capacity), Series(("a", "b"), capacity), 0
    for cut in cuts:
        kept = {name: array.copy() for name, array in saved.arrays().items()}
        saved = Series.restored(saved.names, saved.capacity, saved.block, saved.count, kept)
        saved.extend(ROWS[at : at + cut], 0)
        at = min(at + cut, 700)
    assert_same_series(saved, whole)


def test_nothing_is_lost_until_the_series_is_full_and_memory_stays_bounded():
    assert_bits(series_of([], 64, 64).column("a"), ROWS[:64, 0])
    assert series_of([], 65, 64).block == 8
    series = Series(("a",), 64)
    for _ in range(200):
        series.extend(np.ones((1000, 1)), 0)
    assert len(series) <= 32
    assert sum(a.size for a in series.arrays().values()) <= 96


def test_a_copy_grows_alone():
    series = series_of([], 100, 64)
    before = {name: a.copy() for name, a in series.arrays().items()}
    series.copy().extend(ROWS[100:300], 0)
    assert series.count == 100
    for name, array in series.arrays().items():
        assert_bits(array, before[name])


def test_nan_and_infinity_stay_visible_in_blocks():
    rows = np.ones((100, 1))
    rows[10], rows[50] = np.nan, np.inf
    series = Series(("a",), 16)
    series.extend(rows, 0)
    assert np.isnan(series.column("a")).any()
    assert np.isinf(series.highs("a")).any()


# ---------------------------------------------------------------- keyframes


def frames_of(count, limit, skip=()):
    frames = Keyframes(limit)
    for step in range(count):
        if step not in skip or step % frames.stride == 0:
            frames.add(State(np.array([float(step)]), np.zeros((0, 1)), step))
    return frames


@given(st.integers(1, 300), st.integers(0, 20), st.sets(st.integers(1, 300), max_size=200))
def test_keyframes_do_not_know_how_they_were_offered(count, limit, skip):
    assert_same_keyframes(frames_of(count, limit, skip), frames_of(count, limit))


@given(st.integers(1, 300), st.integers(0, 20))
def test_keyframes_stand_at_multiples_of_a_stride_within_the_limit(count, limit):
    frames = frames_of(count, limit)
    assert len(frames) <= max(limit, 2)
    assert frames.steps == list(range(0, count, frames.stride))
    assert frames.stride & (frames.stride - 1) == 0
    for step in range(count):
        nearest = frames.before(step).step
        assert nearest <= step < nearest + frames.stride
        assert frames.before(step).theta[0] == nearest


def test_keyframes_saved_and_restored_go_on_as_themselves():
    frames = frames_of(50, 8)
    again = Keyframes.restored(frames.limit, frames.stride, frames.arrays())
    for step in range(50, 90):
        again.add(State(np.array([float(step)]), np.zeros((0, 1)), step))
    assert_same_keyframes(again, frames_of(90, 8))
    assert_same_keyframes(frames, frames_of(50, 8))


def test_the_budget_decides_how_many_keyframes_there_are():
    assert limit_for(0, 10, 1, 8) == 2
    assert limit_for(1600, 10, 1, 8) == 10
    assert limit_for(10**12, 10, 1, 8) == MOST


# ---------------------------------------------------------------- of a run


def run_of(**asked):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.05))
    return ds.train(task, X, X.sum(axis=1), epochs=60, batch_size=4, **asked)


def test_a_tiny_record_holds_the_means_of_the_whole_one():
    whole, tiny = run_of(), run_of(record=0.004)
    assert tiny.history.updates.block > 1
    for name in whole.history.updates.names:
        figures = whole.history[name]
        wanted = [figures[a:b].mean() for a, b in tiny.history.steps]
        assert_close(tiny.history[name], wanted, 1e-12)
        lows, highs = tiny.history.range_of(name)
        assert_bits(lows, np.array([figures[a:b].min() for a, b in tiny.history.steps]))
        assert_bits(highs, np.array([figures[a:b].max() for a, b in tiny.history.steps]))


@pytest.mark.parametrize("record", ["auto", 0.004])
def test_every_figure_has_as_many_rows_as_its_spans(record):
    history = run_of(record=record, validation=0.2).history
    for name in history:
        spans = history.steps if name in history.updates.names else history.epoch_spans
        assert len(history[name]) == len(spans)
        assert name in history
    assert history.steps[-1, 1] == 60 * 6
    assert history.epoch_spans[-1, 1] == 60


def test_an_unknown_figure_is_named():
    with pytest.raises(InputError, match=r"has no 'los'.*did you mean 'loss'"):
        run_of().history["los"]
    assert "los" not in run_of().history


def test_what_is_read_is_a_copy():
    run = run_of()
    run.history["loss"][:] = 0
    assert run.history["loss"].any()
