"""Penalties: exact zeros, scikit-learn's minimisers, and a refusal where they mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from tests.oracles import assert_bits, assert_close, jax_in_double

import descend as ds
from descend import penalties
from descend.arrays import Layout
from descend.errors import InputError, ParameterError
from descend.optimizers import RULES
from descend.parts import choice
from descend.penalties import PENALTIES, soft_threshold

NAMES = list(PENALTIES)
PROXIMAL = [rule.name for rule in RULES.classes() if rule.proximal]
OTHERS = [rule.name for rule in RULES.classes() if not rule.proximal]


def rows(seed=0, n=40, d=8):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.linspace(0.5, 2, d) + 0.3
    y = (
        X @ np.where(np.arange(d) % 2, 0.0, 2.0 - 0.3 * np.arange(d))
        + 1.5
        + rng.normal(size=n) * 0.3
    )
    return X, y


def fitted(optimizer, penalty, X, y, epochs=4000):
    task = ds.Task(ds.Linear(), ds.half_squared_error(), RULES.make(optimizer), penalty)
    return ds.train(task, X, y, epochs=epochs, record=False)


@pytest.mark.parametrize("optimizer", PROXIMAL)
@pytest.mark.parametrize("ratio", [1.0, 0.6])
def test_the_minimiser_is_scikit_learn_s_with_the_same_exact_zeros(optimizer, ratio):
    X, y = rows()
    strength = 0.4
    penalty = ds.l1(strength) if ratio == 1.0 else ds.elastic_net(strength, ratio)
    theirs = (Lasso if ratio == 1.0 else ElasticNet)(
        alpha=strength, tol=1e-14, max_iter=100_000, **({} if ratio == 1.0 else {"l1_ratio": ratio})
    ).fit(X, y)
    run = fitted(optimizer, penalty, X, y)
    weight = run.params["weight"][:, 0]
    assert_close(weight, theirs.coef_, 1e-8)
    assert_close(run.params["bias"][0], theirs.intercept_, 1e-8)
    zeros = theirs.coef_ == 0
    assert 2 <= zeros.sum() < len(zeros)
    assert (weight[zeros] == 0.0).all()
    assert (weight[~zeros] != 0.0).all()


@pytest.mark.parametrize("optimizer", PROXIMAL)
def test_the_ridge_minimiser_is_scikit_learn_s(optimizer):
    X, y = rows()
    run = fitted(optimizer, ds.l2(0.4), X, y)
    theirs = Ridge(alpha=0.4 * len(X)).fit(X, y)  # theirs is not divided by n
    assert_close(run.params["weight"][:, 0], theirs.coef_, 1e-10)
    assert_close(run.params["bias"][0], theirs.intercept_, 1e-10)


@pytest.mark.parametrize("optimizer", PROXIMAL)
def test_momentum_does_not_change_which_penalty_is_minimised(optimizer):
    # One number: |s - 3|²/2 + 1|s| has its minimum at 2; a threshold too small by 1 - beta would
    # settle at 2.9.
    task = ds.Task(
        ds.Linear(bias=False),
        "half_squared_error",
        RULES.make(optimizer, learning_rate=0.1),
        ds.l1(1.0),
    )
    assert_close(ds.train(task, [[1.0]], [3.0], epochs=2000).theta, [2.0], 1e-10)


@pytest.mark.parametrize("penalty", [ds.l1(0.1), ds.elastic_net(0.1, 0.5)])
@pytest.mark.parametrize("name", OTHERS)
def test_where_a_threshold_has_no_meaning_it_is_refused(name, penalty):
    with pytest.raises(InputError) as error:
        ds.Task(ds.Linear(), ds.squared_error(), RULES.make(name), penalty)
    assert str(error.value) == (
        f"The penalty {penalty.name} works by a proximal step, which has no meaning with {name}; "
        f"use l2, or one of {', '.join(PROXIMAL)}."
    )


@pytest.mark.parametrize("name", [*PROXIMAL, *OTHERS])
def test_ridge_and_a_strength_of_zero_go_with_every_rule(name):
    for penalty in (ds.l2(0.1), ds.l1(0.0), ds.elastic_net(0.3, 0.0)):
        ds.Task(ds.Linear(), ds.squared_error(), RULES.make(name), penalty)


def test_the_rules_a_threshold_goes_with_are_these():
    assert PROXIMAL == ["gradient_descent", "momentum", "nesterov"]


def test_the_objective_holds_the_penalty_and_leaves_biases_alone():
    X, y = rows()
    theta = np.arange(9.0) - 3
    start = {"weight": theta[:8, None], "bias": theta[8:]}
    for penalty, added in [
        (ds.l2(0.5), 0.25 * (theta[:8] ** 2).sum()),
        (ds.l2(0.5, biases=True), 0.25 * (theta**2).sum()),
        (ds.l1(0.5), 0.5 * np.abs(theta[:8]).sum()),
        (ds.l1(0.5, biases=True), 0.5 * np.abs(theta).sum()),
        (ds.elastic_net(0.5, 0.2), 0.1 * np.abs(theta[:8]).sum() + 0.2 * (theta[:8] ** 2).sum()),
    ]:
        for reduction in ("mean", "sum"):
            task = ds.Task(
                ds.Linear(init=start),
                "squared_error",
                ds.gradient_descent(1e-9),
                penalty,
                reduction,
            )
            errors = (X @ theta[:8] + theta[8] - y) ** 2
            wanted = (errors.mean() if reduction == "mean" else errors.sum()) + added
            assert_close(ds.train(task, X, y, epochs=1).history["loss"][0], wanted, 1e-13)


def test_the_threshold_minimises_what_it_says():
    soft = soft_threshold(np)
    for z in (-2.0, -0.3, 0.0, 0.1, 0.3, 5.0):
        w = np.linspace(-6, 6, 1_200_001)
        best = w[np.argmin(0.3 * np.abs(w) + (w - z) ** 2 / 2)]
        assert abs(soft(np.float64(z), 0.3) - best) <= 1e-5
    assert soft(np.float64(0.3), 0.3) == 0.0
    assert np.isnan(soft(np.float64(np.nan), 0.3))


def test_a_threshold_of_zero_changes_no_bit():
    z = np.array([1.0, -2.5, 1e-310, 0.0, np.inf])
    with np.errstate(invalid="ignore"):
        assert_bits(soft_threshold(np)(z, 0.0), z)


def test_the_threshold_is_the_same_in_jax_and_pytorch():
    import torch

    z = np.linspace(-1, 1, 21)
    ours = soft_threshold(np)(z, 0.3)
    assert_close(soft_threshold(torch)(torch.tensor(z), 0.3).numpy(), ours, 1e-15)
    with jax_in_double() as jax:
        assert_close(np.asarray(soft_threshold(jax.numpy)(jax.numpy.asarray(z), 0.3)), ours, 1e-15)


def test_the_value_is_taken_in_double():
    theta = np.full(1000, 0.1, dtype=np.float32)
    wide = theta.astype(float)
    assert_close(penalties.value(1.0, 2.0, theta), np.abs(wide).sum() + (wide**2).sum(), 1e-14)


def test_reach_follows_the_names():
    layout = Layout((("layer1.weight", (2, 1)), ("layer1.bias", (1,))))
    assert penalties.reach(ds.l2(1.0), layout).tolist() == [1, 1, 0]
    assert penalties.reach(ds.l2(1.0, biases=True), layout).tolist() == [1, 1, 1]
    assert penalties.reach(None, layout).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_described_and_restored_it_is_the_same(name):
    for penalty in (
        PENALTIES.make(name, strength=0.3),
        PENALTIES.make(name, strength=2, biases=True),
    ):
        assert PENALTIES.restore(PENALTIES.describe(penalty)) == penalty
    assert PENALTIES.make("l1", strength=0.3) != PENALTIES.make("l2", strength=0.3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [-0.1, np.nan, np.inf, "1", None])
def test_a_strength_outside_its_range_is_refused(name, strength):
    with pytest.raises(ParameterError) as error:
        PENALTIES.make(name, strength=strength)
    sentence = (
        f"The 'strength' parameter of {name} must be a float in [0, inf). Got {strength!r} instead."
    )
    assert str(error.value) == sentence


def test_a_ratio_outside_its_range_is_refused():
    with pytest.raises(
        ParameterError, match=r"'l1_ratio' parameter of elastic_net must be a float in \[0, 1\]"
    ):
        ds.elastic_net(1.0, 1.1)
    with pytest.raises(ParameterError, match="did you mean 'mean'"):
        choice("Task", "reduction", "meen", ("mean", "sum"))
