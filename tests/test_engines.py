"""The reference engine: the gradient of every loss through every activation, by three judges."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_close, jax_formulas, jax_in_double, torch_formulas

import descend as ds
from descend import models
from descend.activations import ACTIVATIONS
from descend.curvature import ready
from descend.engines import ENGINES, ByHand, by_hand, engine_for
from descend.engines.check import judge
from descend.errors import ParameterError
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES

PAIRS = [(loss, activation) for loss in LOSSES for activation in ACTIVATIONS]
SOME = [(loss, "tanh") for loss in LOSSES] + [("squared_error", a) for a in ACTIVATIONS]


def problem_of(loss, activation, reduction="mean", weighted=True, *, n=9):
    rng = np.random.default_rng(len(loss) + 17 * len(activation))
    loss = LOSSES.make(loss)
    X = rng.normal(size=(n, 3))
    y = {
        "numbers": rng.normal(scale=2, size=(n, 2)),
        "counts": rng.poisson(2, size=(n, 2)),
        "two labels": rng.integers(0, 2, size=(n, 2)),
        "labels": np.arange(n) % 3,
    }[loss.targets]
    model = ds.MLP((4, 3), activation, init="lecun")
    task = ds.Task(model, loss, "gradient_descent", ds.l2(0.1), reduction)
    weights = rng.uniform(0.2, 2, size=n) if weighted else None
    problem = ready(task, X, y, weights)
    theta = models.start(model, problem.layout, 1) + 0.1 * rng.normal(size=problem.layout.size)
    return problem, theta


def objective(problem, theta, formulas, loss_formulas, exact):
    """Write the objective again, by hand, from the formulas of activation and loss alone."""
    task, parts, a = problem.task, problem.layout.split(theta), exact(problem.X)
    for i in (1, 2):
        z = a @ parts[f"layer{i}.weight"] + parts[f"layer{i}.bias"]
        a = formulas.value(task.model.activation, z)
    s = a @ parts["layer3.weight"] + parts["layer3.bias"]
    rows = loss_formulas.value(task.loss, s, exact(problem.y))
    if rows.ndim == 2:
        rows = rows.sum(1) / rows.shape[1]
    w = exact(np.ones(problem.n) if problem.weights is None else problem.weights)
    total = (w * rows).sum()
    total = total / w.sum() if task.reduction == "mean" else total
    squares = sum((parts[f"layer{i}.weight"] ** 2).sum() for i in (1, 2, 3))
    return total + 0.05 * squares


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_gradient_agrees_with_differences(loss, activation):
    for reduction in ("mean", "sum"):
        for weighted in (True, False):
            problem, theta = problem_of(loss, activation, reduction, weighted)
            program = ByHand(problem)
            value, gradient = program.value_and_gradient(theta)
            assert value == program.value(theta)
            assert judge(program.value, gradient, theta, h=1e-6).error < 1e-7


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("loss", "activation"), SOME)
def test_value_and_gradient_are_pytorch_s(loss, activation, reduction):
    import torch

    problem, theta = problem_of(loss, activation, reduction)
    point = torch.tensor(theta, requires_grad=True)
    formulas = torch_formulas(problem.task.model.activation), torch_formulas(problem.task.loss)
    theirs = objective(problem, point, *formulas, torch.tensor)
    theirs.backward()
    value, gradient = ByHand(problem).value_and_gradient(theta)
    assert_close(value, theirs.item(), 1e-13)
    assert_close(gradient, point.grad.numpy(), 1e-12)


@pytest.mark.parametrize(("loss", "activation"), SOME)
def test_value_and_gradient_are_jax_s(loss, activation):
    problem, theta = problem_of(loss, activation)
    with jax_in_double() as jax:
        formulas = jax_formulas(problem.task.model.activation), jax_formulas(problem.task.loss)

        def value(theta):
            return objective(problem, theta, *formulas, jax.numpy.asarray)

        theirs, slope = jax.value_and_grad(value)(jax.numpy.asarray(theta))
        theirs, slope = float(theirs), np.asarray(slope)
    found, gradient = ByHand(problem).value_and_gradient(theta)
    assert_close(found, theirs, 1e-13)
    assert_close(gradient, slope, 1e-12)


def test_the_judge_sees_one_wrong_entry_and_a_nan():
    problem, theta = problem_of("logistic", "tanh")
    program = ByHand(problem)
    gradient = program.value_and_gradient(theta)[1]
    assert judge(program.value, gradient, theta).error < 1e-7
    for wrong in (np.nan, 1.01 * np.abs(gradient).max(), 0.0):
        broken = gradient.copy()
        broken[np.argmax(np.abs(gradient))] = wrong
        assert not judge(program.value, broken, theta).error < 1e-4


# ---------------------------------------------------------------- blocks, batches, steps


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_rows_in_blocks_give_what_all_rows_give(loss, reduction, monkeypatch):
    problem, theta = problem_of(loss, "tanh", reduction, n=101)
    value, gradient = ByHand(problem).value_and_gradient(theta)
    monkeypatch.setattr(by_hand, "BLOCK", 8)
    blocked, parts = ByHand(problem).value_and_gradient(theta)
    assert_close(blocked, value, 1e-12)
    assert_close(parts, gradient, 1e-12)
    assert_close(ByHand(problem).value(theta), value, 1e-12)


def rows(n=23):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 2))
    return X, X @ [1.0, -2.0] + rng.normal(size=n)


def program_of(batch_size, shuffle=True, *, rule="adam", dtype=float):
    from dataclasses import replace

    X, y = rows()
    task = ds.Task(ds.MLP((3,)), "squared_error", RULES.make(rule, learning_rate=0.05))
    problem = ready(task, X.astype(dtype), y)
    return ByHand(replace(problem, batch_size=batch_size, shuffle=shuffle, learning_rate=0.05))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 7, 22, 23, 50, None])
def test_an_epoch_sees_every_row_once_in_the_keyed_order(batch_size, shuffle):
    problem = program_of(batch_size, shuffle).problem
    m = problem.batches_per_epoch
    assert m == (1 if batch_size is None else -(-23 // min(batch_size, 23)))
    for epoch in (0, 1, 5):
        order = problem.order(epoch)
        rows = [np.arange(23)[problem.batch(epoch * m + i, order)] for i in range(m)]
        joined = np.concatenate(rows)
        assert sorted(joined) == list(range(23))
        wanted = np.arange(23) if order is None else order
        assert_bits(joined, wanted)
        assert {len(r) for r in rows[:-1]} <= {batch_size}
    assert (problem.order(0) is None) == (not shuffle or m == 1)


@pytest.mark.parametrize("rule", ELEMENTWISE)
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_advancing_by_parts_is_advancing_at_once_bit_for_bit(rule, batch_size):
    program = program_of(batch_size, rule=rule)
    start = program.problem.start()
    whole, trace, _ = program.advance(start, 29)
    state, at = start, 0
    for part in (1, 2, 13, 0, 13):
        state, piece, _ = program_of(batch_size, rule=rule).advance(state, part)
        assert_bits(piece.figures, trace.figures[at : at + part])
        at += part
    assert state.step == whole.step == 29
    assert_bits(state.theta, whole.theta)
    assert_bits(state.slots, whole.slots)


def test_the_trace_says_what_the_update_did():
    program = program_of(7)
    state, trace, _ = program.advance(program.problem.start(), 5)
    before = program.advance(program.problem.start(), 4)[0]
    value, gradient = program.value_and_gradient(before.theta, 4)
    assert trace.loss[4] == value
    assert_close(trace.gradient_norm[4], np.linalg.norm(gradient), 1e-14)
    assert_close(trace.update_norm[4], np.linalg.norm(state.theta - before.theta), 1e-12)
    assert trace.learning_rate[4] == 0.05


def test_the_scale_multiplies_the_rate():
    program = program_of(None, rule="gradient_descent")
    start = program.problem.start()
    whole, halved = program.advance(start, 1)[0], program.advance(start, 1, 0.5)[0]
    assert_close(halved.theta - start.theta, 0.5 * (whole.theta - start.theta), 1e-13)


def test_a_weight_of_three_is_three_copies_through_fifty_updates():
    X, y = rows()
    w = np.arange(23) % 4
    task = ds.Task(ds.MLP((3,)), "squared_error", ds.adam(0.05), ds.l2(0.1))
    weighted = ds.train(task, X, y, sample_weight=w, epochs=50)
    copies = ds.train(task, np.repeat(X, w, axis=0), np.repeat(y, w), epochs=50)
    assert_close(weighted.theta, copies.theta, 1e-10)
    assert_close(weighted.history["loss"], copies.history["loss"], 1e-12)


@pytest.mark.parametrize("rule", ELEMENTWISE)
def test_float32_stays_float32_and_is_near_float64(rule):
    narrow, wide = program_of(7, rule=rule, dtype=np.float32), program_of(7, rule=rule)
    a, b = (p.advance(p.problem.start(), 20) for p in (narrow, wide))
    assert a.state.theta.dtype == a.state.slots.dtype == np.float32
    assert a.trace.loss.dtype == np.float64
    assert_close(a.state.theta, b.state.theta, 1e-3)


def test_an_explosion_is_recorded_without_a_warning():
    program = program_of(None, rule="gradient_descent")
    state, trace, _ = program.advance(program.problem.start(), 400, scale=1e8)
    assert not np.isfinite(trace.loss[-1])
    assert not np.isfinite(state.theta).all()


def test_lengths_do_not_overflow():
    with np.errstate(all="ignore"):
        assert_close(by_hand._length(np.array([3e200, 4e200])), 5e200)
        assert by_hand._length(np.array([np.inf, 1.0])) == np.inf
        assert np.isnan(by_hand._length(np.array([np.nan, 1.0])))


def test_an_unknown_engine_is_refused_and_every_known_one_is_made():
    problem = program_of(None).problem
    for name in ENGINES:
        assert engine_for(name, problem)[0].split("/")[0] == name
    assert engine_for("auto", problem)[0].split("/")[0] in ENGINES
    with pytest.raises(ParameterError, match="did you mean 'numpy'"):
        engine_for("nunpy", problem)
