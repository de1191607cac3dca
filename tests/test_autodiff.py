"""The engines that differentiate by JAX and PyTorch, against the reference.

Gradients are compared over losses x activations, updates over optimizers with everything else an
update depends on spread over them; the whole product is the slow job.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from tests.oracles import assert_bits, assert_close, assert_same_run
from tests.test_compiled import TOLERANCE, UPDATES, problem_of, relative
from tests.test_inputs import assert_sentence

import descend as ds
from descend.activations import ACTIVATIONS
from descend.custom.libraries import in_double
from descend.engines import ByHand, engine_for, with_torch
from descend.engines.choosing import DEVICED
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE
from descend.parts import formulas_of
from descend.randomness import permutation, round_keys

# What an update depends on, spread over the rules: each setting meets some rule, each rule some.
SPREAD = {
    "gradient_descent": {"loss": "huber", "penalty": ds.elastic_net(0.05, 0.5)},
    "momentum": {"loss": "softmax", "activation": "softmax", "batch_size": 7, "clip_norm": 0.1},
    "nesterov": {"loss": "logistic", "batch_size": 15, "reduction": "sum", "bias": False},
    "adagrad": {"loss": "poisson", "weighted": False, "batch_size": 60},
    "rmsprop": {"loss": "brier", "activation": "gelu", "shuffle": False, "batch_size": 8},
    "adam": {"loss": "squared_error", "activation": "relu", "penalty": ds.l2(0.1)},
    "adamw": {"loss": "absolute_error", "activation": "tanh", "batch_size": 1, "outputs": 1},
    "amsgrad": {"loss": "hinge", "clip_value": 0.01, "batch_size": 59},
    "nadam": {"loss": "quantile", "activation": "elu", "dtype": "float32", "batch_size": 20},
}


def assert_same_steps(problem, engine, updates=UPDATES):
    """See theta, slots and figures agree with the reference after each of some updates."""
    tolerance = TOLERANCE[problem.X.dtype.name]
    ours = engine_for(engine, problem)[1].advance(problem.start(), updates, every=1)
    theirs = ByHand(problem).advance(problem.start(), updates, every=1)
    assert np.isfinite(theirs.state.theta).all()
    assert ours.state.theta.dtype == ours.state.slots.dtype == problem.X.dtype
    assert [s.step for s in ours.kept] == [s.step for s in theirs.kept]
    for a, b in zip(ours.kept, theirs.kept, strict=True):
        assert relative(a.theta, b.theta) < tolerance
        if len(b.slots):
            assert relative(a.slots, b.slots) < tolerance
    assert_bits(ours.state.theta, ours.kept[-1].theta)
    assert_close(ours.trace.loss, theirs.trace.loss, tolerance)
    # Under an absolute penalty the subgradient jumps where a parameter is 0 but for rounding.
    if problem.task.penalty is None or not problem.task.penalty.l1:
        assert_close(ours.trace.gradient_norm, theirs.trace.gradient_norm, 10 * tolerance)
    assert_close(ours.trace.update_norm, theirs.trace.update_norm, 100 * tolerance)
    assert_close(ours.trace.learning_rate, theirs.trace.learning_rate, 1e-15)


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "softmax"])
def test_a_library_finds_the_slope_of_a_loss_at_every_score(loss, library):
    part = LOSSES.make(loss)
    scores = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 40.0, -40.0, 600.0, -600.0])
    for target in (0.0, 1.0):
        y = np.full_like(scores, target)
        wanted = formulas_of(type(part), np).slope(part, scores, y)
        found = derivative(library, part, scores, y)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
def test_a_library_finds_the_slope_of_an_activation_everywhere(activation, library):
    part = ACTIVATIONS.make(activation)
    z = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -3.0, 20.0, -20.0])
    formulas = formulas_of(type(part), np)
    wanted = formulas.slope(part, z, formulas.value(part, z))
    np.testing.assert_allclose(derivative(library, part, z), wanted, rtol=1e-12, atol=1e-15)


def derivative(library, part, at, *rest):
    if library == "jax":
        with in_double() as jax:
            value = formulas_of(type(part), jax.numpy).value
            return np.asarray(jax.grad(lambda s: value(part, s, *rest).sum())(at))
    import torch

    point = torch.tensor(at, requires_grad=True)
    value = formulas_of(type(part), torch).value
    value(part, point, *map(torch.tensor, rest)).sum().backward()
    return point.grad.numpy()


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_gradients_of_every_loss_through_every_activation(loss, activation, library):
    problem = problem_of(loss, activation)
    problem = problem if activation else replaced_start(problem)
    reference = ByHand(problem)
    theta = problem.start().theta
    away = theta + 0.1 * np.cos(np.arange(theta.size))
    with uncompiled(library):
        program = engine_for(library, problem)[1]
        for point in (away,) if activation else (theta, away):
            value, gradient = program.value_and_gradient(point)
            wanted, slope = reference.value_and_gradient(point)
            assert value == pytest.approx(wanted, rel=1e-13)
            assert relative(gradient, slope) < 1e-12


def replaced_start(problem):
    """Give a line, which starts where scores are exactly 0, targets that are exactly 0."""
    assert not problem.start().theta.any()
    if problem.task.loss.targets == "numbers":
        problem.y[::3] = 0.0
    return problem


def uncompiled(library):
    """Let JAX run operation by operation: compiling each of these would take most of the time."""
    if library != "jax":
        return nullcontext()
    import jax

    return jax.disable_jit()


# ---------------------------------------------------------------- updates


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("rule", list(ELEMENTWISE))
def test_every_optimizer_updates_as_the_reference_does(rule, library):
    assert_same_steps(problem_of(**{"rule": rule} | SPREAD.get(rule, {})), library)


def pairs():
    """Yield each activation with each rule, the losses in turn: each loss meets each rule too."""
    losses = list(LOSSES)
    for i, rule in enumerate(ELEMENTWISE):
        for j, activation in enumerate([None, *ACTIVATIONS]):
            yield losses[(i + j) % len(losses)], activation, rule, DEVICED[(i + j) % 2]


@pytest.mark.parametrize(("loss", "activation", "rule", "library"), list(pairs()))
def test_pairs_of_parts_update_as_the_reference_does(loss, activation, rule, library):
    with uncompiled(library):
        assert_same_steps(problem_of(loss, activation, rule), library, updates=3)


def test_the_pairs_are_all_there():
    assert {(a, r) for _, a, r, _ in pairs()} == {
        (a, r) for a in (None, *ACTIVATIONS) for r in ELEMENTWISE
    }
    assert {(loss, r) for loss, _, r, _ in pairs()} == {
        (loss, r) for loss in LOSSES for r in ELEMENTWISE
    }
    assert {(r, library) for _, _, r, library in pairs()} == {
        (r, library) for r in ELEMENTWISE for library in DEVICED
    }


@pytest.mark.slow
@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("rule", list(ELEMENTWISE))
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_whole_product(loss, activation, rule, library):
    assert_same_steps(problem_of(loss, activation, rule, batch_size=7), library, updates=12)


@pytest.mark.parametrize("library", DEVICED)
def test_schedules_set_the_rates(library):
    problem = problem_of(batch_size=7, schedule=ds.schedules.cosine(40))
    assert_same_steps(problem, library)


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("rule", ["lbfgs", "newton"])
def test_rules_that_search_take_their_gradients(rule, library):
    X, y = ds.datasets.moons(60)
    task = ds.Task(ds.Linear(), "logistic", rule, penalty=ds.l2(0.01))
    found = ds.train(task, X, y, epochs=8, engine=library)
    wanted = ds.train(task, X, y, epochs=8, engine="numpy")
    assert found.engine_used == f"{library}/cpu"
    assert_close(found.theta, wanted.theta, 1e-9)


@pytest.mark.parametrize("library", DEVICED)
def test_a_run_is_the_same_however_it_is_cut_and_resumed(library):
    problem = problem_of("logistic", "tanh", "adam", batch_size=7)
    program = engine_for(library, problem)[1]
    whole = program.advance(problem.start(), 40, every=3)
    first = program.advance(problem.start(), 13, every=3)
    rest = program.advance(first.state, 27, every=3)
    assert_bits(rest.state.theta, whole.state.theta)
    assert_bits(np.vstack([first.trace.figures, rest.trace.figures]), whole.trace.figures)
    for a, b in zip([*first.kept, *rest.kept], whole.kept, strict=True):
        assert a.step == b.step
        assert_bits(a.theta, b.theta)
        assert_bits(a.slots, b.slots)
    half = ds.train(problem.task, problem.X, problem.y, epochs=4, engine=library, batch_size=7)
    whole = ds.train(problem.task, problem.X, problem.y, epochs=9, engine=library, batch_size=7)
    assert_same_run(half.resume(epochs=9), whole)
    assert_bits(whole.at(23).theta, half.at(23).theta)


def test_loops_longer_than_one_turn_and_states_far_apart():
    problem = problem_of("squared_error", "tanh", batch_size=20)
    program = engine_for("jax", problem)[1]
    reference = ByHand(problem)
    for every in (1, 16, 50):
        found = program.advance(problem.start(), 2500, every=every)
        wanted = reference.advance(problem.start(), 2500, every=every)
        assert [s.step for s in found.kept] == [s.step for s in wanted.kept]
        assert_close(found.kept[-1].theta, wanted.kept[-1].theta, 1e-9)
        assert_close(found.trace.loss, wanted.trace.loss, 1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 64, 100, 1000, 1024, 1025, 5000])
def test_jax_orders_rows_by_the_same_permutation(n):
    from descend.engines.orders_jax import permutations

    for seed, epoch in ((0, 0), (7, 3), (2**40 + 1, 2**33)):
        keys = round_keys(seed, "batches", epoch)
        found = np.asarray(permutations(n, keys))
        np.testing.assert_array_equal(found, permutation(n, seed, "batches", epoch))


# ---------------------------------------------------------------- the host's settings


def test_settings_of_the_process_are_left_as_they_were():
    import jax
    import torch

    before = torch.random.get_rng_state().clone()
    for library in DEVICED:
        ds.train(ds.Task(ds.MLP(3), "logistic", "adam"), *ds.datasets.moons(30), engine=library)
    assert jax.numpy.zeros(1).dtype == np.float32
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


def noisy_in_jax(params, X, key):
    scores = jnp.matmul(X, params["w"]) + params["b"]
    return scores if key is None else scores + jax.random.normal(key, scores.shape, scores.dtype)


@cache
def noisy_model():
    return ds.custom_model(
        lambda rng: {"w": rng.normal(size=(3, 1)), "b": np.ones(1)}, noisy_in_jax
    )


def theta_under(library, mode=nullcontext):
    rows = np.random.default_rng(5).normal(size=(9, 4))
    model = noisy_model() if library == "jax" else ds.MLP(5)
    task = ds.Task(model, "squared_error", ds.gradient_descent(0.01))
    with_torch._recorded.cache_clear()
    with mode():
        return ds.train(
            task, rows[:, :3], rows[:, 3], epochs=2, engine=library, dtype="float32"
        ).theta


MODES = {
    "inference": ("torch", lambda: torch.inference_mode(mode=True)),
    "no_grad": ("torch", torch.no_grad),
    "autocast": ("torch", lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "meta": ("torch", lambda: torch.device("meta")),
    "partitionable": ("jax", lambda: jax.threefry_partitionable(False)),
    "rbg": ("jax", lambda: jax.default_prng_impl("rbg")),
    "rank": ("jax", lambda: jax.numpy_rank_promotion("raise")),
    "promotion": ("jax", lambda: jax.numpy_dtype_promotion("strict")),
    "transfer": ("jax", lambda: jax.transfer_guard("disallow")),
}


@pytest.mark.parametrize("mode", list(MODES))
def test_modes_of_the_process_change_no_number(mode):
    library, switched_on = MODES[mode]
    assert_bits(theta_under(library, switched_on), theta_under(library))


def test_an_engine_in_use_is_named_with_its_device_and_version():
    import jax

    run = ds.train(ds.Task(ds.Linear(), "logistic", "adam"), *ds.datasets.moons(30), engine="jax")
    assert run.engine_used == "jax/cpu"
    assert run.versions["jax"] == jax.__version__
    assert "torch" not in run.versions


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("library", DEVICED)
@pytest.mark.parametrize("device", ["tpu", "cuda:3", "gpu"])
def test_a_device_that_is_not_there_is_named(library, device):
    task = ds.Task(ds.Linear(), "logistic", "adam")
    X, y = ds.datasets.moons(30)
    for words in (device, "there are cpu"):
        assert_sentence(lambda: ds.train(task, X, y, engine=library, device=device), words)


def test_a_device_without_double_precision_trains_in_single(monkeypatch):
    """No such device is here: the processor passes for one."""
    monkeypatch.setattr(with_torch, "SINGLE", frozenset({"cpu"}))
    problem = problem_of("logistic", "tanh", "adam", dtype="float32", batch_size=7)
    ours = engine_for("torch", problem)[1].advance(problem.start(), 20)
    theirs = ByHand(problem).advance(problem.start(), 20)
    assert ours.state.theta.dtype == np.float32
    assert relative(ours.state.theta, theirs.state.theta) < 1e-3
    wide = problem_of("logistic", "tanh", "adam", batch_size=7)
    assert_sentence(lambda: engine_for("torch", wide), "has no double precision")


@pytest.mark.parametrize("device", ["CPU!", 3, "cuda:x", ""])
def test_a_device_that_is_no_name_is_refused(device):
    task = ds.Task(ds.Linear(), "logistic", "adam")
    X, y = ds.datasets.moons(30)
    assert_sentence(lambda: ds.train(task, X, y, engine="jax", device=device), repr(device))


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_engines_without_devices_refuse_one(engine):
    task = ds.Task(ds.Linear(), "logistic", "adam")
    X, y = ds.datasets.moons(30)
    assert ds.train(task, X, y, engine=engine, device="cpu").engine_used
    assert_sentence(lambda: ds.train(task, X, y, engine=engine, device="cuda"), "'cuda'")


@pytest.mark.parametrize("library", DEVICED)
def test_sparse_rows_are_refused(library):
    task = ds.Task(ds.Linear(), "logistic", "adam")
    X, y = ds.datasets.moons(30)
    assert_sentence(lambda: ds.train(task, csr_array(X), y, engine=library), "sparse")


@pytest.mark.parametrize("library", DEVICED)
def test_a_missing_library_names_what_to_install(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    task = ds.Task(ds.Linear(), "logistic", "adam")
    X, y = ds.datasets.moons(30)
    words = f"pip install 'descend[{library}]'"
    assert_sentence(lambda: ds.train(task, X, y, engine=library), words)


# ---------------------------------------------------------------- compiled once


def test_a_training_like_another_compiles_nothing():
    from descend.engines.traces import traced_for
    from descend.engines.with_torch import _recorded

    first = problem_of("logistic", "tanh", "adam", batch_size=7, schedule=ds.schedules.cosine(90))
    other = problem_of("logistic", "tanh", "adam", batch_size=7)
    other = replace(other, seed=9, learning_rate=0.02, X=other.X + 1)
    started = replace(other.task.model, init=other.start().theta)
    other = replace(other, task=replace(other.task, model=started))
    traced = traced_for(first)
    assert traced_for(other) is traced
    assert traced_for(replace(other, batch_size=8)) is not traced
    compiled, recorded = [], []
    for problem in (first, other):
        engine_for("jax", problem)[1].advance(problem.start(), 20)
        compiled.append(traced.chunk._cache_size())
    assert compiled[0] == compiled[1] > 0
    for problem in (first, other):
        engine_for("torch", problem)[1].advance(problem.start(), 20)
        recorded.append(_recorded.cache_info().misses)
    assert recorded[0] == recorded[1]
