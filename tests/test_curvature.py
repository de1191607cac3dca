"""Curvature: the stable step is where gradient descent turns, found by running it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles import assert_close

import descend as ds
from descend import curvature
from descend.curvature import automatic_rate, eigenvalues, hessian, largest, ready, stable_step
from descend.engines import ByHand
from descend.losses import LOSSES
from descend.optimizers import RULES

BOUNDED = [c.name for c in LOSSES.classes() if np.isfinite(c.steepest_curvature)]


def rows(n=40, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.linspace(1, 3, d) + 0.5, rng


def problem_of(loss="squared_error", optimizer="gradient_descent", model=None, n=40, d=3, **task):
    X, rng = rows(n, d)
    kind = LOSSES.make(loss).targets
    signal = X.sum(axis=1) + rng.normal(size=n)
    y = {
        "numbers": signal,
        "counts": rng.poisson(np.exp(signal / 5)),
        "two labels": signal > np.median(signal),
        "labels": np.searchsorted(np.quantile(signal, [0.3, 0.7]), signal),
    }[kind]
    return ready(ds.Task(model or ds.Linear(), loss, RULES.make(optimizer), **task), X, y)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", [None, ds.l2(0.7), ds.l2(0.7, biases=True)])
def test_the_hessian_of_squared_errors_is_the_differences_of_gradients(penalty, bias, reduction):
    problem = problem_of(model=ds.Linear(bias=bias), penalty=penalty, reduction=reduction)
    program, size = ByHand(problem), problem.layout.size
    columns = [
        (program.value_and_gradient(v)[1] - program.value_and_gradient(-v)[1]) / 2
        for v in np.eye(size)
    ]
    assert_close(hessian(problem), np.array(columns), 1e-12)
    assert_close(largest(problem), np.linalg.eigvalsh(np.array(columns))[-1], 1e-12)
    assert_close(eigenvalues(problem), np.linalg.eigvalsh(np.array(columns)), 1e-12)


@pytest.mark.parametrize("loss", BOUNDED)
def test_no_point_is_more_curved_than_the_bound(loss):
    problem = problem_of(loss, penalty=ds.l2(0.1))
    program, rng = ByHand(problem), np.random.default_rng(1)
    size, bound = problem.layout.size, largest(problem)
    for scale in (0.0, 0.3, 2.0):
        theta = scale * rng.normal(size=size)
        H = np.array(
            [
                (
                    program.value_and_gradient(theta + 1e-5 * v)[1]
                    - program.value_and_gradient(theta - 1e-5 * v)[1]
                )
                / 2e-5
                for v in np.eye(size)
            ]
        )
        assert np.abs(np.linalg.eigvalsh((H + H.T) / 2)).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradient_descent_converges_just_below_the_stable_step_and_not_just_above(reduction):
    limit = stable_step(problem_of(reduction=reduction))
    X, rng = rows()
    y = X.sum(axis=1) + rng.normal(size=40)

    def run(step):
        task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(step), None, reduction)
        return ds.train(task, X, y, epochs=3000, on_divergence="continue")

    least = ByHand(problem_of(reduction=reduction)).value(
        np.linalg.lstsq(np.column_stack([X, np.ones(40)]), y, rcond=None)[0]
    )
    assert_close(run(0.99 * limit).outcome.loss, least, 1e-10)
    above = run(1.01 * limit)
    assert above.outcome.diverged


def test_the_automatic_rate_is_one_over_the_largest_curvature():
    for name in ("gradient_descent", "momentum", "nesterov"):
        problem = problem_of(optimizer=name)
        assert_close(automatic_rate(problem), 1 / largest(problem))
        assert_close(stable_step(problem), 2 / largest(problem))


@pytest.mark.parametrize("name", [r.name for r in RULES.classes() if r.scaled])
def test_rules_that_scale_themselves_take_their_paper_s_rate(name):
    rule = RULES.make(name).rule
    assert automatic_rate(problem_of(optimizer=name)) == rule.usual_rate
    usual = {"adagrad": 0.01, "nadam": 0.002, "lbfgs": 1.0, "newton": 1.0}
    assert rule.usual_rate == usual.get(name, 0.001)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("batch_size", [None, 1, 8])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_automatic_rate_trains_every_loss_without_diverging(loss, batch_size, reduction):
    problem = problem_of(loss)
    y = problem.y if loss == "softmax" else problem.y[:, 0]
    for optimizer in ("gradient_descent", "momentum"):
        task = ds.Task(ds.Linear(), loss, RULES.make(optimizer), None, reduction)
        run = ds.train(task, problem.X, y, epochs=15, batch_size=batch_size)
        assert not run.outcome.diverged
        assert run.outcome.loss < ByHand(run.problem).value(run.at(0).theta)


def test_a_net_s_curvature_is_pytorch_s_largest_eigenvalue_at_the_start():
    import torch

    problem = problem_of(model=ds.MLP((4,), "tanh"))
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def objective(theta):
        p = problem.layout.split(theta)
        a = torch.tanh(X @ p["layer1.weight"] + p["layer1.bias"])
        return ((a @ p["layer2.weight"] + p["layer2.bias"] - y) ** 2).mean()

    H = torch.autograd.functional.hessian(objective, torch.tensor(problem.start().theta))
    steepest = np.abs(np.linalg.eigvalsh(H.numpy())).max()
    assert abs(largest(problem) / steepest - 1) < 0.05


def test_a_wide_problem_is_bounded_without_its_matrix(monkeypatch):
    problem = problem_of(d=30, penalty=ds.l2(0.3))
    exact = largest(problem)
    monkeypatch.setattr(curvature, "DIRECT", 5)
    assert exact <= largest(problem) <= 1.03 * exact


def test_weights_count_as_copies():
    X, _rng = rows()
    y, w = X.sum(axis=1), np.arange(40) % 3
    task = ds.Task(ds.Linear(), "squared_error", "gradient_descent")
    weighted = ready(task, X, y, w.astype(float))
    copies = ready(task, np.repeat(X, w, axis=0), np.repeat(y, w))
    assert_close(hessian(weighted), hessian(copies), 1e-13)


def test_columns_of_zeros_give_no_infinite_rate():
    task = ds.Task(ds.Linear(bias=False), "squared_error", "gradient_descent")
    assert automatic_rate(ready(task, np.zeros((3, 2)), np.ones(3))) == 0.01


@pytest.mark.parametrize("loss", [ds.absolute_error(), ds.quantile(0.8), ds.huber(), ds.poisson()])
def test_the_automatic_rate_counts_weights_as_copies(loss):
    generator = np.random.default_rng(3)
    X, y = generator.normal(size=(12, 2)), generator.poisson(3.0, size=12).astype(float)
    weights = np.arange(12) % 4 + 1
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent("auto"))
    weighted = ds.train(task, X, y, sample_weight=weights, epochs=1)
    copied = ds.train(task, np.repeat(X, weights, axis=0), np.repeat(y, weights), epochs=1)
    assert_close(weighted.setup.learning_rate, copied.setup.learning_rate)
