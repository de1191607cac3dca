"""Standardised columns: measured without cancelling, folded by a map whose transpose unfolds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles import assert_bits, assert_close, assert_same_run
from tests.test_run_files import assert_refused, forged

import descend as ds
from descend import scaling as scalings
from descend.arrays import as_rows
from descend.curvature import ready
from descend.engines import ByHand
from descend.engines.check import judge
from descend.losses import LOSSES
from descend.run.files import pack, unpack
from descend.scaling import Scaling, applied, fold, measured, standardize_of, unfold

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 4)) * [1.0, 1e-3, 50.0, 2.0] + [0.0, 3.0, -7.0, 1.0]
X[:, 3] *= RNG.uniform(size=40) < 0.4
Y = np.sin(X[:, 0]) + X[:, 3] + X[:, 2] / 50
KINDS = {"dense": np.asarray, "sparse": lambda X: as_rows(sp.csr_array(X), "X")}
LAYOUTS = {
    "linear": ds.Linear().layout(4, 2),
    "no bias": ds.Linear(bias=False).layout(4, 2),
    "net": ds.MLP((3,)).layout(4, 2),
    "net, no bias": ds.MLP((3,), bias=False).layout(4, 2),
}


def by_hand(X, w=None):
    mean = np.average(X, axis=0, weights=w)
    return mean, np.sqrt(np.average((X - mean) ** 2, axis=0, weights=w))


# ---------------------------------------------------------------- measuring


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1 << 12, 7])
def test_mean_and_deviation_are_numpy_s(kind, block, monkeypatch):
    monkeypatch.setattr(scalings, "BLOCK", block)
    for w in (None, RNG.uniform(size=40), np.arange(40) % 3 * 1.0):
        found = measured(KINDS[kind](X), w)
        mean, deviation = by_hand(X, w)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(found.deviation, deviation, rtol=1e-12)
        assert found.varies.all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_three_is_three_copies_and_of_none_is_no_row(kind):
    w = np.arange(40) % 4
    found = measured(KINDS[kind](X), w * 1.0)
    copies = measured(KINDS[kind](np.repeat(X, w, axis=0)), None)
    np.testing.assert_allclose(found.mean, copies.mean, rtol=1e-13)
    np.testing.assert_allclose(found.deviation, copies.deviation, rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", [2.0**1023, 2.0**-1000])
def test_only_the_proportions_of_weights_matter(kind, unit):
    w = RNG.uniform(0.5, 1, size=40)
    for found, wanted in zip(
        measured(KINDS[kind](X), w * unit), measured(KINDS[kind](X), w), strict=True
    ):
        assert_bits(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.1, -0.1, 1e300, 5e-324, 0.0, 1 / 3])
@pytest.mark.parametrize("n", [1, 3, 1000])
def test_a_column_that_does_not_vary_is_known_exactly(kind, value, n):
    w = RNG.uniform(0.1, 1, size=n)
    for weights in (None, w):
        found = measured(KINDS[kind](np.full((n, 1), value)), weights)
        assert_bits(found.mean, [value])
        assert_bits(found.deviation, [1.0])
        assert not found.varies.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_varies_only_in_rows_without_weight_does_not_vary(kind):
    found = measured(KINDS[kind](np.array([[0.1], [0.1], [5.0]])), np.array([1.0, 2.0, 0.0]))
    assert_bits(found.mean, [0.1])
    assert not found.varies.any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", [1e300, 1e-300, 1e-160, 1e160])
def test_very_large_and_very_small_columns_keep_their_digits(kind, unit):
    column = np.array([[1.0], [2.0], [0.0], [5.0]])
    found = measured(KINDS[kind](column * unit), None)
    np.testing.assert_allclose(found.mean, [2.0 * unit], rtol=1e-14)
    np.testing.assert_allclose(found.deviation, [np.sqrt(3.5) * unit], rtol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_far_from_zero_keeps_its_deviation(kind):
    near = np.array([[0.0], [1.0], [2.0], [3.0]])
    found = measured(KINDS[kind](near + 1e9), None)
    np.testing.assert_allclose(found.deviation, by_hand(near)[1], rtol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_measured_in_double(kind):
    rows = KINDS[kind](X.astype(np.float32))
    found = measured(rows, None)
    assert found.mean.dtype == found.deviation.dtype == np.float64
    mean, deviation = by_hand(X.astype(np.float32).astype(float))
    np.testing.assert_allclose(found.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(found.deviation, deviation, rtol=1e-12)
    assert applied(rows, found)[0].dtype == np.float32


# ---------------------------------------------------------------- folding


@pytest.mark.parametrize("kind", LAYOUTS)
def test_folded_parameters_score_raw_rows_as_theta_scores_standard_ones(kind):
    layout, scaling = LAYOUTS[kind], measured(X, None)
    bias = "no bias" not in kind
    model = ds.MLP((3,), bias=bias) if "net" in kind else ds.Linear(bias=bias)
    from descend.models import forward

    theta = RNG.normal(size=layout.size)
    point, folded = fold(theta, layout, scaling)
    standard, left = applied(X, scaling)
    assert left is None
    assert applied(sp.csr_array(X), scaling)[1] is scaling
    assert_close(
        forward(model, point, folded, X)[0], forward(model, theta, layout, standard)[0], 1e-10
    )
    assert point.size == folded.size == layout.size + (0 if bias else layout.entries[0][1][1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_unfolding_is_the_transpose_of_folding(kind, dtype):
    layout, scaling = LAYOUTS[kind], measured(X, None)
    theta = RNG.normal(size=layout.size).astype(dtype)
    point, folded = fold(theta, layout, scaling)
    gradient = RNG.normal(size=folded.size).astype(dtype)
    back = unfold(gradient, layout, scaling)
    assert point.dtype == back.dtype == dtype
    assert back.shape == theta.shape
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    norm = float(np.abs(point) @ np.abs(gradient))
    assert abs(float(point @ gradient) - float(theta @ back)) < tolerance * norm


def test_without_a_scaling_nothing_is_touched():
    layout = LAYOUTS["linear"]
    theta = RNG.normal(size=layout.size)
    assert fold(theta, layout, None) == (theta, layout)
    assert unfold(theta, layout, None) is theta
    assert applied(X, None) == (X, None)


def test_the_gradient_by_the_weight_of_a_still_column_is_exactly_zero():
    rows = np.column_stack([X, np.full(40, 0.1)]).astype(np.float32)
    run = ds.train(
        ds.Task(ds.Linear(), "logistic", ds.adam(0.05)),
        sp.csr_array(rows),
        np.median(Y) < Y,
        epochs=30,
        standardize=True,
    )
    assert run.params["weight"][4] == 0.0
    assert (run.params["weight"][:4] != 0.0).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_gradient_of_folded_rows_agrees_with_differences(loss, bias):
    y = {
        "numbers": RNG.normal(size=(40, 2)),
        "counts": RNG.poisson(2, size=(40, 2)),
        "two labels": RNG.integers(0, 2, size=(40, 2)),
        "labels": np.arange(40) % 3,
    }[LOSSES.make(loss).targets]
    task = ds.Task(ds.Linear(bias=bias), loss, "adam", ds.l2(0.1))
    w = RNG.uniform(0.2, 2, size=40)
    problem = replace(ready(task, sp.csr_array(X), y, w), scaling=measured(X, w))
    program, theta = ByHand(problem), RNG.normal(size=problem.layout.size)
    value, gradient = program.value_and_gradient(theta)
    assert value == program.value(theta)
    assert judge(program.value, gradient, theta, h=1e-6).error < 1e-7


# ---------------------------------------------------------------- through train


def standard(X, w=None):
    scaling = measured(X, w)
    return (X - scaling.mean) / scaling.deviation


@pytest.mark.parametrize("model", [ds.Linear(), ds.MLP((3,)), ds.MLP((3,), bias=False)])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_dense_rows_are_standardised_once_and_the_run_is_that_of_a_copy(model, batch_size):
    task, w = ds.Task(model, "squared_error", ds.adam(0.05)), RNG.uniform(size=40)
    asked = {"epochs": 20, "batch_size": batch_size, "sample_weight": w}
    run = ds.train(task, X, Y, standardize=True, validation=(X[:9], Y[:9]), **asked)
    held = standard(X, w)[:9]
    plain = ds.train(task, standard(X, w), Y, validation=(held, Y[:9]), **asked)
    assert_same_run(run, plain)
    assert_bits(run.scores(X), plain.scores(standard(X, w)))
    assert plain.scaling is None
    assert_bits(run.data.X, X)


def test_only_training_rows_are_measured():
    run = ds.train(
        ds.Task(ds.Linear(), "squared_error", ds.adam(0.1)),
        X,
        Y,
        epochs=3,
        validation=0.4,
        standardize=True,
    )
    assert_close(run.scaling.mean, run.data.X.mean(axis=0), 1e-13)
    assert len(run.data.X) == 24


@pytest.mark.parametrize("rows", [X, sp.csr_array(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("model", [ds.Linear(), ds.Linear(bias=False)])
def test_raw_params_are_in_the_units_of_the_raw_columns(model, rows):
    run = ds.train(
        ds.Task(model, "squared_error", ds.momentum(0.05)), rows, Y, epochs=50, standardize=True
    )
    raw = run.raw_params
    assert_close(X @ raw["weight"] + raw["bias"], run.scores(rows), 1e-10)
    assert_close(X @ raw["weight"] + raw["bias"], run.scores(X), 1e-10)
    bias = run.params["bias"] if model.bias else 0.0
    assert_close(standard(X) @ run.params["weight"] + bias, run.scores(X), 1e-12)
    plain = ds.train(ds.Task(model, "squared_error", ds.adam(0.1)), X, Y, epochs=5)
    assert set(plain.raw_params) == set(plain.params)
    assert_bits(plain.raw_params["weight"], plain.params["weight"])


def test_a_badly_scaled_table_trains_where_raw_it_diverges():
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.3))
    for rows in (X, sp.csr_array(X)):
        assert ds.train(task, rows, Y, epochs=200).outcome.diverged
        run = ds.train(task, rows, Y, epochs=200, standardize=True, gradient_tolerance=1e-6)
        assert run.outcome.converged


@pytest.mark.parametrize("rows", [X, sp.csr_array(X)], ids=["dense", "sparse"])
def test_a_standardised_run_comes_back_from_its_file_and_is_resumed(rows, tmp_path):
    task = ds.Task(ds.Linear(), "logistic", ds.adam(0.05), ds.l2(0.01))
    asked = {"batch_size": 7, "standardize": True, "validation": 0.2, "patience": 50}
    y = np.median(Y) < Y
    whole = ds.train(task, rows, y, epochs=12, **asked)
    stop = ds.Callback(step=lambda now: now.step >= 17)
    ds.train(task, rows, y, epochs=12, callbacks=stop, **asked).save(tmp_path / "a.run")
    again = ds.load(tmp_path / "a.run")
    for part in Scaling._fields:
        assert_bits(getattr(again.scaling, part), getattr(whole.scaling, part))
    attached = again.attach(rows, y)
    assert_bits(attached.at(11).theta, whole.at(11).theta)
    resumed = attached.resume()
    assert_same_run(resumed, whole)
    assert pack(resumed) == pack(whole)
    assert_bits(unpack(pack(whole)).predict(X[:5]), whole.predict(X[:5]))
    assert_bits(unpack(pack(whole)).raw_params["weight"], whole.raw_params["weight"])


def test_files_of_runs_that_did_not_standardise_are_as_they_were():
    run = ds.train(ds.Task(ds.Linear(), "squared_error", ds.adam(0.1)), X, Y, epochs=3)
    content = pack(run)
    assert b"scaling" not in content
    assert b"standard" not in content
    assert unpack(content).scaling is None


LIES = [
    lambda held: held.pop("scaling.mean"),
    lambda held: held.pop("scaling.varies"),
    lambda held: held.update({"scaling.mean": np.zeros(3)}),
    lambda held: held.update({"scaling.deviation": np.zeros(4)}),
    lambda held: held.update({"scaling.deviation": np.full(4, -1.0)}),
    lambda held: held.update({"scaling.deviation": np.full(4, np.inf)}),
    lambda held: held.update({"scaling.mean": np.full(4, np.nan)}),
    lambda held: held.update({"scaling.mean": np.zeros(4, dtype=np.float32)}),
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_file_whose_scaling_lies_is_refused(lie):
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    content = pack(ds.train(task, X, Y, epochs=3, standardize=True))
    assert unpack(content).scaling is not None
    assert_refused(forged(content, arrays=lie))


# ---------------------------------------------------------------- scaled, not centred


def rms(X, w=None):
    return np.sqrt(np.average(X**2, axis=0, weights=w))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1 << 12, 7])
def test_uncentred_the_deviation_is_the_root_mean_square(kind, block, monkeypatch):
    monkeypatch.setattr(scalings, "BLOCK", block)
    for w in (None, RNG.uniform(size=40), np.arange(40) % 3 * 1.0):
        found = measured(KINDS[kind](X), w, centre=False)
        assert_bits(found.mean, np.zeros(4))
        np.testing.assert_allclose(found.deviation, rms(X, w), rtol=1e-13)
        assert found.varies.all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.1, -0.1, 1e300, 5e-324, 1 / 3])
def test_uncentred_a_constant_column_becomes_exactly_one(kind, value):
    rows = KINDS[kind](np.column_stack([np.full(3, value), np.zeros(3)]))
    found = measured(rows, np.array([0.3, 0.1, 0.7]), centre=False)
    assert_bits(found.deviation, [abs(value), 1.0])
    assert found.varies.tolist() == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_uncentred_a_row_without_weight_counts_for_nothing(kind):
    rows = KINDS[kind](np.array([[3.0], [4.0], [50.0]]))
    found = measured(rows, np.array([1.0, 1.0, 0.0]), centre=False)
    np.testing.assert_allclose(found.deviation, [np.sqrt(12.5)], rtol=1e-15)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("rows", [X, sp.csr_array(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("bias", [False, True])
def test_a_scaled_run_is_that_of_divided_columns(rows, bias, engine):
    w = RNG.uniform(0.1, 2, size=40)
    task = ds.Task(ds.Linear(bias=bias), "squared_error", ds.momentum(0.05), ds.l2(0.1))
    asked = {"epochs": 30, "batch_size": 7, "sample_weight": w, "engine": engine}
    run = ds.train(task, rows, Y, standardize="scale", **asked)
    plain = ds.train(task, X / rms(X, w), Y, **asked)
    assert_close(run.theta, plain.theta, 1e-12)
    assert_close(run.scores(X[:5]), plain.scores((X / rms(X, w))[:5]), 1e-12)
    raw = run.raw_params
    assert_close(
        X @ raw["weight"] + raw["bias"] if bias else X @ raw["weight"], run.scores(X), 1e-12
    )
    if not bias:
        assert_bits(raw["bias"], [0.0])


@pytest.mark.parametrize("rows", [X, sp.csr_array(X)], ids=["dense", "sparse"])
def test_a_scaled_run_comes_back_from_its_file_and_is_resumed(rows, tmp_path):
    task = ds.Task(ds.Linear(bias=False), "squared_error", ds.adam(0.05))
    whole = ds.train(task, rows, Y, epochs=12, batch_size=7, standardize="scale")
    half = ds.train(task, rows, Y, epochs=6, batch_size=7, standardize="scale")
    half.save(tmp_path / "a.run")
    again = ds.load(tmp_path / "a.run")
    for part in Scaling._fields:
        assert_bits(getattr(again.scaling, part), getattr(whole.scaling, part))
    assert standardize_of(again.scaling) == "scale"
    assert_bits(again.predict(X[:5]), half.predict(X[:5]))
    assert_same_run(again.attach(rows, Y).resume(epochs=12), whole)


def test_what_was_asked_is_told_from_the_scaling():
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.05))
    for asked in (False, True, "scale"):
        run = ds.train(task, X, Y, epochs=1, standardize=asked)
        assert standardize_of(run.scaling) == asked


@pytest.mark.parametrize("asked", ["standard", None, 1, np.ones(2)])
def test_another_word_for_standardising_is_refused(asked):
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.05))
    with pytest.raises(ds.ParameterError, match=r"must be True, False or 'scale'\. Got"):
        ds.train(task, X, Y, epochs=1, standardize=asked)
