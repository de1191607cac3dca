"""Forecasts are held against what runs then do, on both sides of every limit."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.oracles import assert_close

import descend as ds
from descend.curvature import QUADRATIC, automatic_rate, moments, ready
from descend.datasets import houses, line_by_hand, line_sgd, sliders
from descend.forecasting import motion_of, of_problem
from descend.forecasting import spectrum as spectra
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.parts import formulas_of

LIMITED = [name for name in RULES if not RULES.make(name).rule.scaled]
BOUNDED = ["logistic", "softmax", "huber", "log_cosh", "squared_hinge", "brier"]


def rows(n=40, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.linspace(1, 3, d) + 0.5
    return X, X.sum(axis=1) + rng.normal(size=n)


def targets(loss, signal):
    kind = LOSSES.make(loss).targets
    return {
        "numbers": signal,
        "counts": np.random.default_rng(1).poisson(np.exp(signal / 5)),
        "two labels": signal > np.median(signal),
        "labels": np.searchsorted(np.quantile(signal, [0.3, 0.7]), signal),
    }[kind]


def task(rate="auto", rule="gradient_descent", loss="squared_error", model=None, **more):
    optimizer = RULES.make(rule, **({} if "bfgs" in rule else {"learning_rate": rate}))
    return ds.Task(model or ds.Linear(), loss, optimizer, **more)


def trained(asked, X, y, epochs, **more):
    return ds.train(
        asked, X, y, epochs=epochs, engine="numpy", on_divergence="continue", progress=False, **more
    )


# ---------------------------------------------------------------- known figures


def test_the_classics_figures_come_out():
    X, y = houses()
    summed = ds.forecast(task(0.05, reduction="sum"), X, y)
    assert_close(summed.largest_stable_step, 1.3068507401175884e-07, 1e-13)
    assert (summed.stable, summed.null_directions, summed.exact) == (False, 1, True)
    by_row = ds.forecast(task(0.05, reduction="sum"), X, y, batch_size=1).per_row
    assert [float(f"{limit:.3g}") for limit in by_row.limits] == [5.93e-7, 2.70e-7, 4.31e-7]
    assert (by_row.row, by_row.smallest) == (1, by_row.limits[1])
    mean = ds.forecast(task(0.05), X, y)
    assert_close(mean.standardized.largest_stable_step, 0.34663129988468694, 1e-13)
    X, y = line_sgd()
    line = ds.forecast(task(1e-3), X, y)
    assert_close(line.curvatures, (2.52797282, 0.13269606), 1e-8)
    assert_close(line.largest_stable_step, 0.7911477471924098, 1e-13)
    assert_close(line.standardized.largest_stable_step, 1.0, 1e-13)
    assert round(line.steps_to_one_percent, -2) == 34_700
    hand = line_by_hand()
    found = ds.forecast(task(0.1), hand.X, hand.y)
    assert_close(found.largest_stable_step, 0.8055058612732189, 1e-13)
    assert_close(found.best_step, 0.7593065327455951, 1e-13)
    assert_close(ds.forecast(task(), *sliders()).largest_stable_step, 0.11762376237623767, 1e-13)


# ---------------------------------------------------------------- motions


@pytest.mark.parametrize("name", LIMITED)
def test_a_motion_is_the_rule_s_own_matrix(name):
    rule = RULES.make(name).rule
    motion, beta = motion_of(rule), getattr(rule, "beta", 0.0)
    closed = {
        "gradient_descent": 2.0,
        "momentum": 2 * (1 + beta),
        "nesterov": 2 * (1 + beta) / (1 + 2 * beta),
    }
    if name in closed:
        assert_close(motion.limit, closed[name], 1e-14)
    for s in (1e-9, 0.01, 0.3, 0.99, 1.0, 1.3, 2.5, 5.0):
        roots = np.abs(np.roots([1.0, -motion.trace(s), motion.determinant(s)]))
        assert_close(motion.radius(s), roots.max(), 1e-7)
        if motion.radius(s) > 0:
            assert_close(math.exp(motion.log_radius(s)), motion.radius(s), 1e-12)
    assert_close(motion.log_radius(1e-12), -1e-12 / (1 - beta), 1e-9)


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("condition", [1.0, 3.0, 50.0, 1e5])
def test_no_fixed_step_is_better_than_the_best(name, condition):
    motion = motion_of(RULES.make(name).rule)
    best = motion.best_rate(1.0, condition)

    def slowest(rate):
        return max(motion.radius(rate), motion.radius(rate * condition))

    others = best * np.linspace(0.02, 1.6, 400)
    assert slowest(best) <= min(slowest(rate) for rate in others) + 1e-7


def test_rules_that_scale_have_no_motion():
    for name in RULES:
        assert (motion_of(RULES.make(name).rule) is None) == (name not in LIMITED)


# ---------------------------------------------------------------- what runs then do


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_step_below_the_limit_converges_and_one_above_grows(name, reduction):
    X, y = rows()
    limit = ds.forecast(task(rule=name, reduction=reduction), X, y).largest_stable_step
    below = task(0.98 * limit, name, reduction=reduction)
    assert ds.forecast(below, X, y).stable is True
    norms = trained(below, X, y, 800).history["gradient_norm"]
    assert norms[-1] < 1e-6 * norms[0]
    above = task(1.02 * limit, name, reduction=reduction)
    assert ds.forecast(above, X, y).stable is False
    norms = trained(above, X, y, 800).history["gradient_norm"]
    assert norms[-1] > 100 * norms[0]


@pytest.mark.parametrize("name", LIMITED)
def test_gradients_grow_by_the_factor_forecast_to_nine_digits(name):
    X, y = rows()
    limit = ds.forecast(task(rule=name), X, y).largest_stable_step
    steep = task(1.5 * limit, name, penalty=ds.l2(0.1))
    found = ds.forecast(steep, X, y)
    norms = trained(steep, X, y, 120).history["gradient_norm"]
    assert found.growth_per_step > 1.01
    np.testing.assert_allclose(norms[-1] / norms[-2], found.growth_per_step, rtol=1e-9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(norms[-1] / norms[-2], found.growth_per_step + 1e-7, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.02, "best"])
def test_the_steps_to_one_percent_are_those_of_a_run(rate):
    X, y = rows()
    found = ds.forecast(task(0.02), X, y)
    rate = found.best_step if rate == "best" else rate
    steps = found.steps_at_best if rate == found.best_step else found.steps_to_one_percent
    A = np.column_stack([X, np.ones(len(X))])
    flat = np.linalg.eigh(A.T @ A)[1][:, 0]
    run = trained(task(rate), X, y, steps + 5)
    target = np.linalg.lstsq(A, y, rcond=None)[0]
    left = [abs(flat @ (run.at(k).theta - target)) for k in range(steps + 5)]
    arrived = next(k for k, gap in enumerate(left) if gap <= 0.01 * left[0])
    assert abs(arrived - steps) <= 1


def test_what_is_left_after_the_epochs_is_what_a_run_leaves():
    X, y = line_sgd(500)
    found = ds.forecast(task(0.05), X, y, epochs=200)
    assert_close(found.left_after, found.contraction**200, 1e-9)
    assert "% is left" in str(found)


@pytest.mark.parametrize("loss", BOUNDED)
@pytest.mark.parametrize("name", LIMITED)
def test_below_a_guarantee_no_run_diverges(loss, name):
    X, signal = rows()
    y = targets(loss, signal)
    found = ds.forecast(task(rule=name, loss=loss), X, y)
    assert (found.basis, found.exact) == ("bound", False)
    step = found.guaranteed_step
    if step is None:
        assert (loss, name) == ("brier", "nesterov")
        return
    assert step <= found.largest_stable_step
    run = trained(task(0.99 * step, name, loss), X, y, 300)
    assert ds.forecast(task(0.99 * step, name, loss), X, y).stable is True
    assert run.outcome.loss < run.history["loss"][0]
    assert run.history["gradient_norm"][-1] < run.history["gradient_norm"][0]


@pytest.mark.parametrize("loss", ["huber", "log_cosh", "logistic", "softmax", "squared_hinge"])
@pytest.mark.parametrize("name", LIMITED)
def test_a_bound_is_never_above_what_diverges(loss, name):
    # Every row twice, once with each label (or a target of 0): the optimum is 0, and there the loss
    # is as curved as it can be, so the bound is the very step at which runs turn.
    X = np.repeat(rows(15, 2)[0], 2, axis=0)
    y = np.zeros(30) if LOSSES.make(loss).targets == "numbers" else np.arange(30) % 2
    limit = ds.forecast(task(rule=name, loss=loss), X, y).largest_stable_step
    beside = 1e-6 * np.random.default_rng(0).normal(size=6 if loss == "softmax" else 3)

    def norms(step):
        asked = task(step, name, loss, ds.Linear(init=beside))
        return trained(asked, X, y, 400).history["gradient_norm"]

    above, below = norms(1.02 * limit), norms(0.98 * limit)
    assert above.max() > 100 * above[0]
    assert below[-1] < 0.5 * below[0]


def test_poisson_states_its_box():
    X, signal = rows()
    y = targets("poisson", signal)
    found = ds.forecast(task(loss="poisson"), X, y)
    assert (found.basis, found.stable, found.guaranteed_step) == ("bound", None, None)
    assert f"largest count, {y.max()}" in str(found)
    assert not trained(task(loss="poisson"), X, y, 200).outcome.diverged


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_batches_below_the_guarantee_do_not_run_away(batch_size, reduction):
    X, y = rows()
    asked = task(reduction=reduction)
    found = ds.forecast(asked, X, y, batch_size=batch_size)
    assert found.basis == "indicator"
    assert_close(automatic_rate(ready_batches(asked, X, y, batch_size)), found.learning_rate)
    assert_close(found.largest_stable_step, 2 * found.learning_rate)
    below = replace(asked, optimizer=ds.gradient_descent(0.99 * found.guaranteed_step))
    assert ds.forecast(below, X, y, batch_size=batch_size).stable is True
    run = trained(below, X, y, 30, batch_size=batch_size)
    assert np.isfinite(run.theta).all()
    assert not run.outcome.diverged
    assert found.guaranteed_step <= found.largest_stable_step * (1 + 1e-12)


def test_a_batch_s_sum_is_as_steep_as_its_mean_times_its_rows():
    X, y = rows()
    mean = ds.forecast(task(8e-3), X, y, batch_size=8)
    summed = ds.forecast(task(1e-3, reduction="sum"), X, y, batch_size=8)
    assert mean.contraction < 1
    assert_close(summed.contraction, mean.contraction, 1e-12)
    assert_close(summed.largest_stable_step, mean.largest_stable_step / 8, 1e-12)


def ready_batches(asked, X, y, batch_size):
    return replace(ready(asked, X, y), batch_size=batch_size)


def test_row_limits_are_those_of_the_rows_alone():
    X, y = rows(6)
    by_row = ds.forecast(task(), X, y, batch_size=1).per_row
    alone = [ds.forecast(task(), X[i : i + 1], y[i : i + 1]).largest_stable_step for i in range(6)]
    assert_close(by_row.limits, np.array(alone), 1e-12)
    weights = np.array([2.0, 1.0, 0.0, 1.0, 3.0, 0.5])
    weighted = ds.forecast(task(), X, y, batch_size=1, sample_weight=weights).per_row
    assert np.isinf(weighted.limits[2])
    assert_close(np.delete(weighted.limits, 2), np.delete(np.array(alone), 2), 1e-12)


# ---------------------------------------------------------------- the shape of the bowl


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", [None, ds.l2(0.3), ds.l2(0.3, biases=True)])
@pytest.mark.parametrize("ill", [0.1, 1e8])
def test_the_ends_of_the_spectrum_are_those_of_the_hessian(bias, penalty, ill, monkeypatch):
    monkeypatch.setattr(spectra, "ILL", ill)
    X, y = rows()
    weights = 1.0 + np.arange(40) % 3
    asked = task(model=ds.Linear(bias=bias), penalty=penalty)
    found = ds.forecast(asked, X, y, sample_weight=weights)
    A = np.column_stack([X, np.ones(40)]) if bias else X
    reach = np.ones(A.shape[1]) * (0.0 if penalty is None else 0.3)
    if bias and penalty is not None and not penalty.biases:
        reach[-1] = 0.0
    H = 2 * A.T @ (A * weights[:, None]) / weights.sum() + np.diag(reach)
    values, vectors = np.linalg.eigh(H)
    assert_close(found.curvatures, (values[-1], values[0]), 1e-12)
    assert_close(found.condition_number, values[-1] / values[0], 1e-11)
    shares = sorted((vectors[:, -1] ** 2).tolist(), reverse=True)
    assert_close([c.share for c in found.columns], shares, 1e-10)


@pytest.mark.parametrize("factored", [500, 0])
@pytest.mark.parametrize("units", [1.0, 1e6])
def test_directions_no_row_tells_apart_are_counted_in_any_units(units, factored, monkeypatch):
    monkeypatch.setattr(spectra, "FACTORED", factored)
    X, y = rows(40, 3)
    twice = np.column_stack([X, X[:, 0] + X[:, 1], np.full(40, 7.0)]) * [1, units, 1, 1, 1]
    twice[:, 3] = X[:, 0] + units * X[:, 1]
    assert ds.forecast(task(), X, y).null_directions == 0
    assert ds.forecast(task(), twice, y).null_directions == 2
    assert ds.forecast(task(model=ds.Linear(bias=False)), twice, y).null_directions == 1
    assert ds.forecast(task(penalty=ds.l2(0.1)), twice, y).null_directions == 0


def test_columns_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(0)
    X = 1e6 + rng.normal(size=(500, 2))
    exact = (X.astype(np.longdouble) - X.mean(axis=0).astype(np.longdouble)).astype(float)
    found = ds.forecast(task(), X, exact[:, 0])
    values = np.linalg.eigvalsh(np.corrcoef(exact.T))
    assert_close(found.standardized.condition_number, values[-1] / values[0], 1e-6)
    # Of (x, 1) with mean m and deviation s the smallest eigenvalue is s²/(1 + m²) times its size.
    one = ds.forecast(task(), X[:, :1], exact[:, 0])
    assert_close(one.curvatures[1], 2 * exact[:, 0].var() / (1 + 1e12), 1e-5)


def test_what_standardising_would_change_is_what_it_changes():
    X, y = rows()
    X = X * [1, 100, 0.01]
    for more in ({}, {"batch_size": 4}, {"sample_weight": 1.0 + np.arange(40) % 2}):
        said = ds.forecast(task(), X, y, **more).standardized
        done = ds.forecast(task(), X, y, standardize=True, **more)
        assert done.standardized is None
        for name in ("largest_stable_step", "best_step", "condition_number", "curvatures"):
            assert_close(getattr(said, name), getattr(done, name), 1e-9, name)
        assert said.steps_at_best == done.steps_at_best


def test_the_columns_that_cause_it_come_first():
    X, y = rows()
    found = ds.forecast(task(), X * [1, 1000, 1], y)
    assert (found.columns[0].name, found.columns[0].share > 0.99) == ("x2", True)
    assert "x2" in str(found)
    assert_close(sum(c.share for c in found.columns), 1.0)
    assert_close(sum(c.flat_share for c in found.columns), 1.0)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("batch_size", [None, 4])
def test_sparse_rows_are_forecast_as_dense_ones_and_stay_sparse(
    standardize, batch_size, monkeypatch
):
    X, y = rows()
    X[::2, 0] = 0.0
    X[:, 2] = 1e4 + X[:, 2]
    dense = ds.forecast(task(), X, y, standardize=standardize, batch_size=batch_size)
    monkeypatch.setattr(csr_array, "toarray", _never_whole(csr_array.toarray, X.shape))
    sparse = ds.forecast(task(), csr_array(X), y, standardize=standardize, batch_size=batch_size)
    for name in ("largest_stable_step", "condition_number", "best_step", "curvatures"):
        assert_close(getattr(sparse, name), getattr(dense, name), 1e-7, name)
    assert (sparse.standardized is None) == (dense.standardized is None)


def _never_whole(toarray, shape):
    def guarded(self, *args, **more):
        assert self.shape != shape, "the rows were made dense"
        return toarray(self, *args, **more)

    return guarded


class Counted(np.ndarray):
    """Rows that count how many of them are read."""

    def __getitem__(self, key):
        found = np.asarray(self)[key]
        Counted.read += len(found)
        return found

    def __array_ufunc__(self, ufunc, method, *inputs, **more):
        Counted.read += len(self)
        plain = [np.asarray(i) if isinstance(i, Counted) else i for i in inputs]
        return getattr(ufunc, method)(*plain, **more)

    def __array_function__(self, function, types, args, kwargs):
        Counted.read += len(self)
        plain = [np.asarray(a) if isinstance(a, Counted) else a for a in args]
        return function(*plain, **kwargs)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("batch_size", [None, 7])
def test_a_linear_model_is_looked_at_in_three_passes_at_most(loss, batch_size):
    X, signal = rows(9000)
    problem = ready(task(loss=loss), X, targets(loss, signal))
    problem = replace(
        problem, X=problem.X.view(Counted), batch_size=batch_size, learning_rate=math.nan
    )
    Counted.read = 0
    found = of_problem(problem)
    assert Counted.read == found.passes * 9000
    assert found.passes == (2 if batch_size is None else 3)
    np.square(problem.X)  # one look more is seen
    assert Counted.read == (found.passes + 1) * 9000


# ---------------------------------------------------------------- what is not exact says so


def test_the_quadratic_losses_are_those_of_one_curvature():
    s, y = np.linspace(-3, 3, 7)[:, None], np.tile([[0.0], [1.0]], (4, 1))[:7]
    for cls in LOSSES.classes():
        if cls.name == "softmax":
            continue
        loss = LOSSES.make(cls.name)
        bends = formulas_of(cls, np).curvature(loss, s, y)
        assert (bool(np.ptp(bends) == 0) and bends.max() > 0) == (cls.name in QUADRATIC), cls.name


@pytest.mark.parametrize("rate", [0.01, 5.0])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_nets_are_never_told_what_will_happen(rate, batch_size):
    X, y = rows()
    found = ds.forecast(task(rate, model=ds.MLP((4,))), X, y, batch_size=batch_size)
    words = str(found)
    assert "will" not in words.split()
    assert ("risky" in words) == (rate == 5.0)
    assert (found.basis, found.stable, found.exact) == ("indicator", None, False)
    assert (found.condition_number, found.steps_to_one_percent) == (None, None)
    assert (found.growth_per_step, found.standardized) == (None, None)


def test_nets_look_at_a_sample_and_say_so():
    X, y = rows(3000)
    found = ds.forecast(task(model=ds.MLP((2,))), X, y)
    assert (found.rows_looked_at, found.rows) == (2048, 3000)
    assert "2048 of 3000 rows" in str(found)
    summed = ds.forecast(task(model=ds.MLP((2,)), reduction="sum"), X, y)
    assert_close(summed.curvatures[0], 3000 * found.curvatures[0], 1e-9)


@pytest.mark.parametrize("loss", [c.name for c in LOSSES.classes() if not c.smooth])
def test_a_kink_sets_no_limit(loss):
    X, signal = rows()
    found = ds.forecast(task(50.0, loss=loss), X, targets(loss, signal))
    assert (found.largest_stable_step, found.stable, found.basis) == (None, None, "indicator")
    assert (found.contraction, found.growth_per_step, found.steps_to_one_percent) == (None,) * 3
    assert "kink" in str(found)


@pytest.mark.parametrize("name", [n for n in RULES if n not in LIMITED])
def test_rules_that_scale_or_search_have_no_limit(name):
    X, y = rows()
    found = ds.forecast(ds.Task(ds.Linear(), "squared_error", name), X, y)
    assert (found.largest_stable_step, found.stable, found.exact) == (None, None, False)
    assert found.condition_number > 1
    if name in ELEMENTWISE:
        assert found.learning_rate == found.best_step == RULES.make(name).rule.usual_rate
    else:
        assert (found.learning_rate, found.best_step) == (None, None)


def test_clipping_schedules_and_absolute_penalties_are_spoken_of():
    X, y = rows()
    clipped = ds.forecast(
        ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(9, clip_norm=1)), X, y
    )
    assert (clipped.stable, clipped.growth_per_step) == (False, None)
    assert "Clipping" in str(clipped)
    schedule = ds.schedules.cosine(steps=10)
    changing = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(9, schedule=schedule))
    assert ds.forecast(changing, X, y).stable is None
    assert "schedule cosine" in str(ds.forecast(changing, X, y))
    kinked = ds.forecast(task(0.01, penalty=ds.l1(0.1)), X, y)
    assert (kinked.basis, kinked.stable) == ("bound", True)


def test_the_automatic_rate_is_the_one_training_takes():
    X, y = rows()
    for rule in ("gradient_descent", "momentum", "nesterov", "adam"):
        for batch_size in (None, 8):
            found = ds.forecast(task(rule=rule), X, y, batch_size=batch_size)
            run = trained(task(rule=rule), X, y, 1, batch_size=batch_size)
            assert found.learning_rate == run.setup.learning_rate


def test_rows_without_any_slope_or_number_break_nothing():
    zeros = ds.forecast(task(model=ds.Linear(bias=False)), np.zeros((3, 2)), np.ones(3))
    assert (zeros.largest_stable_step, zeros.null_directions) == (None, 2)
    huge = ds.forecast(task(0.1), [[1e200], [2e200]], [0.0, 1.0])
    assert (huge.largest_stable_step, huge.curvatures) == (None, None)
    assert str(zeros)
    assert str(huge)


def test_a_model_of_one_s_own_is_an_indication():
    model = ds.custom_model(
        lambda rng: {"w": np.array([[0.1]])},
        lambda p, X: X @ p["w"],
        gradient=lambda p, X, ds_: {"w": X.T @ ds_},
    )
    X, y = rows(20, 1)
    found = ds.forecast(ds.Task(model, "squared_error", ds.gradient_descent(0.01)), X, y)
    assert (found.basis, found.stable) == ("indicator", None)
    assert_close(found.curvatures[0], 2 * float(np.mean(X**2)), 1e-6)


def test_what_cannot_be_trained_cannot_be_forecast():
    for X, y in ([[np.nan]], [1.0]), ([[1.0], [2.0]], [1.0]), ([], []):
        with pytest.raises(ds.InputError) as ours:
            ds.forecast(task(), X, y)
        with pytest.raises(ds.InputError) as theirs:
            ds.train(task(), X, y)
        assert str(ours.value) == str(theirs.value)
    with pytest.raises(ds.InputError, match="forecast needs a Task"):
        ds.forecast("linear", [[1.0]], [1.0])


def test_the_moments_are_numpy_s():
    X, y = rows(5000)
    weights = np.arange(5000) % 4 * 1.0
    mean, centred, total = moments(ready(task(), X, y, weights))
    assert_close(mean, np.average(X, axis=0, weights=weights), 1e-13)
    assert_close(centred / total, np.cov(X.T, aweights=weights, bias=True), 1e-12)


# ---------------------------------------------------------------- the command


def test_a_table_is_forecast_as_it_would_be_fitted(descend):
    asked = ("diabetes", "--target", "progression", "--learning-rate", "0.5")
    status, out, _ = descend("forecast", *asked, "--optimizer", "gradient_descent")
    assert status == 0
    for words in ("it will not converge", "Condition number", "Largest stable step"):
        assert words in out
    status, out, _ = descend(
        "forecast", *asked, "--hidden", "4", "--optimizer", "momentum:0.5", "--json"
    )
    found = json.loads(out)
    assert (status, found["basis"], found["learning_rate"]) == (0, "indicator", 0.5)
    assert found["sentences"]


def test_the_command_takes_the_step_that_fit_takes(descend):
    _, out, _ = descend("forecast", "diabetes", "--target", "progression", "--json")
    run = ds.fit(ds.datasets.shipped_table("diabetes"), "progression", epochs=1, engine="numpy").run
    assert json.loads(out)["learning_rate"] == run.setup.learning_rate
    names = {column["name"] for column in json.loads(out)["columns"]}
    assert names <= {*run.names, "(intercept)"}


def test_the_command_refuses_what_fit_refuses(descend):
    for asked, words in (
        (("diabetes",), "needs a target"),
        (("diabetes", "--target", "nothing"), "nothing"),
        (("diabetes", "--target", "progression", "--learning-rate", "fast"), "fast"),
    ):
        status, out, err = descend("forecast", *asked)
        assert (status, out) == (2, "")
        assert words in err
