"""How fits end, in words: which of the endings it was, and that what is suggested helps."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import descend as ds
from descend.estimators import ending
from descend.estimators.ending import (
    data_warnings,
    divergence_message,
    is_at_an_end,
    kind_of_ending,
    largest_stable_step,
    stop_reason,
)

N = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
Y = X @ [1.0, 2.0, 3.0, 4.0] + RNG.normal(size=N)
SIDES = (Y + RNG.normal(size=N) > 0).astype(int)
UNITS = np.array([1.0, 1.0, 1e-2, 1e-3])
NET = ds.MLP((20,))


def drawn(size, seed=1):
    return np.random.default_rng(seed).normal(size=size)


def trained(optimizer, loss=None, X=X, y=Y, model=None, penalty=None, **asked):
    task = ds.Task(model or ds.Linear(), loss or ds.squared_error(), optimizer, penalty)
    return ds.train(task, X, y, **asked)


def curvatures(X, c=2.0):
    """Return the eigenvalues of c AᵀA / n, smallest first: by the singular values of A = [X 1]."""
    s = np.linalg.svd(np.column_stack([X, np.ones(len(X))]), compute_uv=False)
    return np.sort(c * s**2 / len(X))


TOP = curvatures(X)[-1]


def suggested(sentence, name):
    """Return the numbers that a sentence suggests for a parameter."""
    return [float(v) for v in re.findall(rf"{name}=([0-9.e+-]*[0-9])", sentence)]


# Well ended --------------------------------------------------------------------------------------


def test_of_a_converged_run_the_outcome_is_all_there_is_to_say(monkeypatch):
    run = trained(ds.nesterov(), epochs=2000, gradient_tolerance=1e-4)
    monkeypatch.setattr(ending, "of_problem", None)  # nothing is to be looked at
    monkeypatch.setattr(ending, "_Seen", None)
    assert run.outcome.converged
    assert stop_reason(run) == run.outcome.sentence
    assert kind_of_ending(run) == "converged"
    assert is_at_an_end(run)


def test_so_it_is_of_a_run_that_was_stopped():
    early = trained(ds.adam(0.1), model=NET, epochs=600, validation=0.3, patience=5)
    asked = trained(ds.adam(0.1), epochs=9, callbacks=ds.Callback(step=lambda now: now.step > 4))
    for run, reason in ((early, "validation"), (asked, "callback")):
        assert run.outcome.reason == reason
        assert (kind_of_ending(run), stop_reason(run)) == ("stopped", run.outcome.sentence)
        assert is_at_an_end(run)


def test_with_no_rule_to_stop_by_a_run_may_arrive():
    run = trained(ds.nesterov(), epochs=3000)
    assert not run.outcome.converged
    assert kind_of_ending(run) == "arrived"
    assert "Nothing was left to gain" in stop_reason(run)
    assert is_at_an_end(run)


# Out of epochs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "epochs"),
    [
        (ds.gradient_descent(0.01), 60),
        (ds.gradient_descent(0.01), 300),
        (ds.momentum(0.01), 60),
        (ds.nesterov(0.005), 60),
        (ds.adam(0.1), 60),
    ],
    ids=lambda v: getattr(v, "name", v),
)
def test_out_of_epochs_the_number_that_is_suggested_is_enough(optimizer, epochs):
    asked = {"gradient_tolerance": 1e-4}
    run = trained(optimizer, epochs=epochs, **asked)
    assert kind_of_ending(run) == "out of epochs"
    assert not is_at_an_end(run)
    said = stop_reason(run)
    assert said.startswith(run.outcome.sentence)
    (more,) = suggested(said, "max_iter")
    again = trained(optimizer, epochs=int(more), **asked)
    assert again.outcome.converged
    assert again.outcome.step > more / 6


def test_out_of_epochs_under_a_tolerance_of_the_loss():
    asked = {"model": NET, "loss_tolerance": 1e-3}
    run = trained(ds.adam(0.01), epochs=60, **asked)
    assert kind_of_ending(run) == "out of epochs"
    (more,) = suggested(stop_reason(run), "max_iter")
    assert 60 < more < 2000


@pytest.mark.parametrize("asked", [{"epochs": 3}, {"epochs": 60, "record": False}])
def test_of_what_has_no_shape_ten_times_as_many_are_tried(asked):
    run = trained(ds.gradient_descent(0.01), **asked)
    assert kind_of_ending(run) == "out of epochs"
    assert suggested(stop_reason(run), "max_iter") == [10 * asked["epochs"]]


def test_a_run_without_its_rows_is_judged_by_its_history():
    run = trained(ds.gradient_descent(0.01), epochs=60, gradient_tolerance=1e-4)
    bare = replace(run, data=None)
    assert stop_reason(bare) == stop_reason(run)
    assert data_warnings(bare) == []
    assert largest_stable_step(bare) is None


# Slow --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "logistic"])
def test_slow_is_said_with_the_condition_number_and_a_solver(loss):
    quadratic = loss == "squared_error"
    Z, y = X * UNITS, Y if quadratic else SIDES
    asked = {"X": Z, "y": y, "epochs": 100, "gradient_tolerance": 1e-8}
    run = trained(ds.nesterov(), ds.losses.LOSSES.make(loss), **asked)
    assert kind_of_ending(run) == "slow"
    said = stop_reason(run)
    found = curvatures(Z, 2.0 if quadratic else 0.25)
    condition = float(re.search(r"condition number ([0-9.e+]+)\)", said)[1])
    assert_allclose(condition, found[-1] / found[0], rtol=0.06)  # two digits are shown
    assert f"solver='{'exact' if quadratic else 'newton'}'" in said
    assert "scale='standard'" in said
    asked["epochs"] = 1000
    both = [
        trained(ds.nesterov(), run.task.loss, standardize=s, **asked).outcome for s in (False, True)
    ]
    assert [outcome.converged for outcome in both] == [False, True]


def test_collinear_columns_are_slow_at_any_scale():
    Z = np.column_stack([X, X[:, 0] + 1e-4 * drawn(N)])
    asked = {"X": Z, "epochs": 300, "standardize": True}
    run = trained(ds.nesterov(), gradient_tolerance=1e-9, **asked)
    assert kind_of_ending(run) == "slow"
    assert "scale=" not in stop_reason(run)
    assert "solver='exact'" in stop_reason(run)


def test_a_step_far_too_small_is_slow_and_the_one_suggested_converges():
    run = trained(ds.gradient_descent(1e-5), epochs=300, gradient_tolerance=1e-4)
    assert kind_of_ending(run) == "slow"
    said = stop_reason(run)
    assert f"largest stable step, {2 / TOP:.3g};" in said
    rate = float(re.search(r"'auto' or ([0-9.]+) would", said)[1])
    again = trained(ds.gradient_descent(rate), epochs=300, gradient_tolerance=1e-4)
    assert again.outcome.converged


def test_what_ended_by_a_rule_and_did_not_converge_is_ill_conditioned():
    run = trained(ds.newton(), X=X * UNITS, epochs=50)
    o = run.outcome
    assert kind_of_ending(run) == "converged"
    said = {"sentence": o.sentence, "diverged": False, "best_step": None, "loss": o.loss}
    run = replace(run, outcome=SimpleNamespace(reason=o.reason, converged=False, **said))
    assert kind_of_ending(run) == "slow"
    assert "ill-conditioned (condition number 9.2e+05)" in stop_reason(run)
    assert "solver='exact'" in stop_reason(run)
    assert not is_at_an_end(run)


# Too large ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("beyond", [1.01, 1.02])
def test_a_step_beyond_the_limit_is_too_large(beyond):
    rate = 2 * beyond / TOP
    run = trained(ds.gradient_descent(rate), epochs=60, gradient_tolerance=1e-4)
    assert not run.outcome.diverged
    assert kind_of_ending(run) == "too large"
    said = stop_reason(run)
    assert f"largest stable step, {2 / TOP:.3g};" in said
    (better,) = suggested(said, "learning_rate")
    again = trained(ds.gradient_descent(better), epochs=60, gradient_tolerance=1e-4)
    assert again.outcome.converged


def test_just_below_the_limit_it_is_not():
    run = trained(ds.gradient_descent(1.98 / TOP), epochs=60, gradient_tolerance=1e-4)
    assert kind_of_ending(run) == "out of epochs"


def test_the_ripples_of_momentum_are_not_too_large():
    run = trained(ds.momentum(0.3, beta=0.97), epochs=60, gradient_tolerance=1e-4)
    loss = run.history["loss"][-15:]
    assert (np.diff(loss) > 0).mean() > 0.2
    assert kind_of_ending(run) == "out of epochs"


@pytest.mark.parametrize("loss", [ds.absolute_error(), ds.quantile(0.9)])
def test_about_a_kink_a_smaller_step_comes_closer(loss):
    run = trained(ds.gradient_descent(0.5), loss, epochs=300)
    assert kind_of_ending(run) == "too large"
    (better,) = suggested(stop_reason(run), "learning_rate")
    again = trained(ds.gradient_descent(better), loss, epochs=3000)
    assert again.outcome.loss < run.outcome.loss


def test_batches_know_their_own_limit():
    run = trained(ds.gradient_descent(0.25), epochs=60, batch_size=4)
    assert kind_of_ending(run) == "too large"
    (better,) = suggested(stop_reason(run), "learning_rate")
    again = trained(ds.gradient_descent(better), epochs=60, batch_size=4)
    assert again.outcome.loss < run.outcome.loss


# Plateau -----------------------------------------------------------------------------------------


def test_a_rate_that_has_faded_leaves_a_plateau():
    schedule = ds.schedules.exponential(0.8)
    run = trained(ds.gradient_descent(0.01, schedule=schedule), epochs=100)
    assert kind_of_ending(run) == "plateau"
    said = stop_reason(run)
    assert "the schedule had brought the learning rate down" in said
    (better,) = suggested(said, "learning_rate")
    again = trained(ds.gradient_descent(better, schedule=schedule), epochs=100)
    assert again.outcome.loss < run.outcome.loss


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_batches_that_throw_it_about_are_a_plateau(seed):
    rows = {"X": X[:20], "y": 10 * drawn(20, seed), "seed": seed}
    run = trained(ds.adam(0.5), epochs=150, batch_size=1, **rows)
    assert kind_of_ending(run) == "plateau"
    said = stop_reason(run)
    (better,) = suggested(said, "learning_rate")
    assert suggested(said, "batch_size") == [8]
    again = trained(ds.adam(better), epochs=150, batch_size=1, **rows)
    assert again.outcome.loss < run.outcome.loss


# Divergence --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (ds.gradient_descent, 2.0),
        (lambda rate: ds.momentum(rate, beta=0.5), 3.0),
        (lambda rate: ds.nesterov(rate, beta=0.5), 1.5),
    ],
    ids=["gradient_descent", "momentum", "nesterov"],
)
@pytest.mark.parametrize("rate", ["auto", 0.01])
def test_the_largest_stable_step_is_the_rules_own(make, limit, rate):
    run = trained(make(rate), epochs=5)
    assert_allclose(largest_stable_step(run), limit / TOP, rtol=1e-9)
    inside, outside = (
        trained(make(f * limit / TOP), epochs=5000, gradient_tolerance=1e-4) for f in (0.99, 1.01)
    )
    assert inside.outcome.converged
    assert outside.outcome.diverged


def test_where_curvature_sets_no_limit_there_is_none():
    for run in (
        trained(ds.adam(0.1), epochs=3),
        trained(ds.lbfgs(), epochs=3),
        trained(ds.nesterov(), ds.absolute_error(), epochs=3),
    ):
        assert largest_stable_step(run) is None


def test_of_many_rows_the_limit_is_a_close_estimate(monkeypatch):
    ordered = 3 * X[np.argsort(np.linalg.norm(X, axis=1))]  # the first rows are not like all
    exact = largest_stable_step(trained(ds.gradient_descent(0.01), X=ordered, epochs=3))
    monkeypatch.setattr(ending, "PRODUCTS", 100 * 4 * 4)
    run = trained(ds.gradient_descent(0.01), X=ordered, epochs=3)
    assert ending._few(run.problem).n == 100
    found = largest_stable_step(run)
    assert found != exact
    assert_allclose(found, exact, rtol=0.3)


def test_of_many_columns_it_is_found_without_their_spectrum():
    wide = drawn((30, 2500))
    run = trained(ds.gradient_descent(1e-5), X=wide, y=Y[:30], epochs=3)
    assert_allclose(largest_stable_step(run), 2 / curvatures(wide)[-1], rtol=0.02)


@pytest.mark.parametrize("standardize", [False, True])
def test_divergence_is_told_in_one_sentence_with_the_limit(standardize):
    Z = X * [1, 1, 5, 1] + 3
    run = trained(ds.gradient_descent(9.0), X=Z, standardize=standardize)
    seen = (Z - Z.mean(axis=0)) / Z.std(axis=0) if standardize else Z
    limit = 2 / curvatures(seen)[-1]
    said = divergence_message(run)
    assert said.startswith(f"Training diverged at update {run.outcome.diverged_at}: the learning")
    assert f"the learning rate 9 is beyond the largest stable step, {limit:.3g}:" in said
    assert ("scale='standard'" in said) is not standardize
    assert said.count(". ") == 0
    assert said.endswith(".")
    (better,) = suggested(said, "learning_rate")
    assert_allclose(better, limit / 2, rtol=0.06)
    assert kind_of_ending(run) == "diverged"
    assert f"largest stable step, {limit:.3g}" in stop_reason(run)
    assert not is_at_an_end(run)


def test_a_diverged_run_that_went_on_is_diverged():
    run = trained(ds.gradient_descent(9.0), on_divergence="continue", epochs=9)
    assert kind_of_ending(run) == "diverged"


def test_a_net_that_diverged_is_given_a_smaller_step():
    run = trained(ds.gradient_descent(90.0), model=NET)
    (better,) = suggested(divergence_message(run), "learning_rate")
    again = trained(ds.gradient_descent(better), model=NET, epochs=100)
    assert not again.outcome.diverged


def test_a_rule_of_its_own_size_is_given_its_usual_one():
    run = trained(ds.adam(1e30), epochs=50)
    assert run.outcome.diverged
    assert suggested(divergence_message(run), "learning_rate") == [0.01]


def test_a_start_that_is_no_number_is_not_blamed_on_the_step():
    for optimizer in (ds.gradient_descent(1e-9), ds.lbfgs()):
        run = trained(optimizer, y=1e200 * Y, epochs=5)
        assert run.outcome.diverged
        said = divergence_message(run)
        assert "no number at the start" in said
        assert "learning_rate" not in said


# What is the matter with the rows ----------------------------------------------------------------


def constant_among(names, **asked):
    Z = np.insert(X, [1, 4], [[0.1, 0.0]], axis=1)
    frame = {f"c{j}": Z[:, j] for j in range(6)} if names else None
    table = Z
    if names:
        pd = pytest.importorskip("pandas")
        table = pd.DataFrame(frame)
    return data_warnings(trained(ds.nesterov(), X=table, epochs=3, **asked))


@pytest.mark.parametrize("standardize", [False, True])
def test_constant_columns_are_named(standardize):
    (said,) = constant_among(names=True, standardize=standardize)
    assert said.startswith("The columns 'c1', 'c5' are constant in the training rows")
    (said,) = constant_among(names=False, standardize=standardize)
    assert said.startswith("The columns 'x2', 'x6' are constant")


@pytest.mark.parametrize("standardize", [False, "scale"])
def test_without_an_intercept_a_constant_column_may_be_one(standardize):
    (said,) = constant_among(names=False, model=ds.Linear(bias=False), standardize=standardize)
    assert said.startswith("The column 'x6' is constant")


def test_rows_of_no_weight_do_not_make_a_column_vary():
    Z, w = X.copy(), np.ones(N)
    Z[:, 2], Z[7, 2], w[7] = 5.0, 6.0, 0.0
    assert data_warnings(trained(ds.nesterov(), X=Z, epochs=3)) == []
    (said,) = data_warnings(trained(ds.nesterov(), X=Z, epochs=3, sample_weight=w))
    assert "'x3'" in said


def test_of_many_columns_the_first_few_are_named():
    Z = np.column_stack([X, np.ones((N, 9))])
    (said,) = data_warnings(trained(ds.nesterov(), X=Z, epochs=3))
    assert "'x5', 'x6', 'x7', 'x8', 'x9' and 4 more are constant" in said


APART = X[np.abs(X[:, 0]) > 0.5]
LEFT = (APART[:, 0] > 0).astype(int)
# One row amid the others of the right that is said to be of the left: nothing parts it from them.
AMID = int(np.linalg.norm(APART - APART[LEFT == 1].mean(axis=0), axis=1).argmin())
MIXED = np.where(np.arange(len(LEFT)) == AMID, 0, LEFT)


@pytest.mark.parametrize("loss", [ds.logistic(), ds.softmax()])
def test_classes_that_can_be_separated_are_named_as_by_the_doctor(loss):
    asked = {"X": APART, "y": LEFT, "epochs": 4000}
    run = trained(ds.nesterov(), loss, **asked)
    (said,) = data_warnings(run)
    assert said.startswith("The classes can be told apart perfectly, so without a penalty")
    assert "perfect-separation" in run.diagnose().codes
    assert "a penalty, say alpha=0.01" in stop_reason(run)
    held = trained(ds.nesterov(), loss, penalty=ds.penalties.l2(0.01), **asked)
    mixed = trained(ds.nesterov(), loss, **{**asked, "y": MIXED})
    for run in (held, mixed):
        assert data_warnings(run) == []
        assert "perfect-separation" not in run.diagnose().codes


def test_more_labels_can_be_separated_too():
    places = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    y = np.arange(60) % 3
    Z = places[y] + drawn((60, 2))
    run = trained(ds.nesterov(), ds.softmax(), X=Z, y=y, epochs=300)
    (said,) = data_warnings(run)
    assert "told apart perfectly" in said
    y[0] = 1  # one of the first is said to be of the second: the third stands apart
    run = trained(ds.nesterov(), ds.softmax(), X=Z, y=y, epochs=300)
    (said,) = data_warnings(run)
    assert "Some classes can be told apart perfectly" in said
    y[:3] = [1, 2, 0]
    run = trained(ds.nesterov(), ds.softmax(), X=Z, y=y, epochs=300)
    assert data_warnings(run) == []


def test_of_several_outputs_the_one_is_named():
    both = np.column_stack([SIDES[: len(APART)], LEFT])
    run = trained(ds.nesterov(), ds.logistic(), X=APART, y=both, epochs=2000)
    (said,) = data_warnings(run)
    assert "The classes of output 1 can be" in said


def test_with_no_more_rows_than_parameters_it_is_said_to_be_so_always():
    run = trained(ds.nesterov(), ds.logistic(), X=X[:4], y=SIDES[:4], epochs=2000)
    assert len(set(SIDES[:4])) == 2
    (said,) = data_warnings(run)
    assert "(with 4 rows and 5 parameters that is always so)" in said


def test_rows_of_no_weight_do_not_mix_classes():
    w = np.ones(len(LEFT))
    w[AMID] = 0.0
    asked = {"X": APART, "y": MIXED, "epochs": 2000}
    assert len(data_warnings(trained(ds.nesterov(), ds.logistic(), sample_weight=w, **asked))) == 1
    assert data_warnings(trained(ds.nesterov(), ds.logistic(), **asked)) == []


def test_a_step_that_fell_to_a_kink_has_arrived():
    generator = np.random.default_rng(2)
    X = generator.normal(size=(60, 2))
    y = X @ [1.0, -2.0] + generator.normal(size=60)
    for schedule, kind in ((ds.schedules.cosine(400), "arrived"), (None, "too large")):
        rule = ds.nesterov(0.3, schedule=schedule)
        run = ds.train(ds.Task(ds.Linear(), ds.absolute_error(), rule), X, y, epochs=400)
        assert ending.kind_of_ending(run) == kind


@pytest.mark.parametrize(("last", "apart"), [(3.0, True), (2.5, False)])
def test_classes_that_touch_are_found(last, apart):
    """Albert and Anderson's quasi-separation: two rows at 3, one of each label."""
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [last]])
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    run = trained(ds.newton(), ds.logistic(), X=X, y=y, epochs=20)
    assert bool(data_warnings(run)) == apart


def test_a_run_that_ends_above_its_start_was_made_worse():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 3))
    y = (X[:, 0] + generator.normal(size=80) > 0).astype(int)
    worse = trained(ds.gradient_descent(200.0), ds.logistic(), X=X, y=y, epochs=50)
    assert worse.outcome.loss > 2 * worse.history["loss"][0]
    assert not worse.outcome.diverged
    assert ending.ended_above_its_start(worse)
    assert "from 0.6931 to" in divergence_message(worse)
    better = trained(ds.gradient_descent(0.5), ds.logistic(), X=X, y=y, epochs=50)
    assert not ending.ended_above_its_start(better)
