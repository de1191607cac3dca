"""Losses and models of one's own: trained, recorded, replayed, given back; and refused in words."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import equinox
import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from tests.oracles import assert_bits, assert_close, assert_same_run
from tests.test_inputs import assert_sentence
from torch import nn
from torch.utils.checkpoint import checkpoint

import descend as ds
from descend.custom.libraries import needed_by
from descend.errors import InputError, ShapeError

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = X @ [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=40)
LABELS = (Y > 0).astype(int)


def trained(model, loss, y=Y, optimizer=None, **asked):
    task = ds.Task(model, loss, optimizer or ds.adam(0.05))
    return ds.train(task, X, y, **{"epochs": 12, "batch_size": 16, "seed": 3} | asked)


# ---------------------------------------------------------------- losses


def plain(scores, y):
    return ((scores - y) * (scores - y)).mean(axis=1)


def in_jax(scores, y):
    return jnp.square(scores - y).mean(axis=1)


def in_torch(scores, y):
    return torch.square(scores - y).mean(dim=1)


def in_numpy(scores, y):
    return np.square(scores - y).mean(axis=1)


def slope(scores, y):
    return 2 * (scores - y) / y.shape[1]


@pytest.mark.parametrize(
    ("function", "gradient", "engine"),
    [
        (plain, None, "jax"),
        (plain, None, "torch"),
        (plain, slope, "numpy"),
        (in_jax, None, "jax"),
        (in_torch, None, "torch"),
        (in_numpy, slope, "numpy"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loss_of_ones_own_trains_as_the_same_loss_here(function, gradient, engine, dtype):
    loss = ds.custom_loss(function, gradient=gradient)
    y = np.column_stack([Y, -Y])
    asked = {"y": y, "dtype": dtype, "validation": 0.25, "sample_weight": np.arange(1.0, 41)}
    found = trained(ds.MLP(4), loss, engine=engine, **asked)
    wanted = trained(ds.MLP(4), "squared_error", engine="numpy", **asked)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert_close(found.theta, wanted.theta, tolerance)
    for name in ("loss", "validation_loss"):
        assert_close(found.history[name], wanted.history[name], 10 * tolerance, name)
    assert found.engine_used.split("/")[0] == engine


@pytest.mark.parametrize(
    ("function", "library"),
    [(plain, None), (in_jax, "jax"), (in_torch, "torch"), (in_numpy, "numpy")],
)
def test_the_library_is_the_one_the_function_mentions(function, library):
    assert needed_by(function) == library
    assert needed_by(lambda s, y: function(s, y)) == library  # noqa: PLW0108 - through a call
    assert ds.custom_loss(function, gradient=slope).library == library


def test_a_criterion_of_pytorch_is_a_loss():
    class Row(nn.Module):
        def forward(self, scores, y):
            return nn.functional.mse_loss(scores, y, reduction="none").mean(dim=1)

    found = trained(ds.Linear(), Row())
    assert_close(found.theta, trained(ds.Linear(), "squared_error").theta, 1e-12)
    assert str(found.task) == "linear + custom(Row) + adam(0.05)"


def test_automatic_engines_suit_what_the_parts_are_written_for():
    assert trained(ds.Linear(), in_jax).engine_used == "jax/cpu"
    assert trained(ds.Linear(), in_torch).engine_used == "torch/cpu"
    assert trained(ds.Linear(), ds.custom_loss(in_numpy, gradient=slope)).engine_used == "numpy"
    assert trained(ds.Linear(), plain).engine_used == "jax/cpu"


def test_an_automatic_rate_is_found_for_a_loss_of_ones_own():
    asked = {"optimizer": ds.gradient_descent("auto"), "epochs": 200, "batch_size": None}
    found = trained(ds.Linear(), in_jax, **asked)
    wanted = trained(ds.Linear(), "squared_error", **asked)
    assert found.setup.learning_rate == pytest.approx(wanted.setup.learning_rate, rel=0.05)
    assert found.outcome.loss == pytest.approx(wanted.outcome.loss, rel=1e-6)


@pytest.mark.parametrize("targets", ["two labels", "labels"])
def test_a_loss_of_ones_own_may_take_labels(targets):
    def margin(scores, y):
        signs = 2 * y - 1
        return jnp.logaddexp(0.0, -signs * scores).mean(axis=1)

    def entropy(scores, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1)[:, 0]

    loss = ds.custom_loss(margin if targets == "two labels" else entropy, targets=targets)
    built_in = "logistic" if targets == "two labels" else "softmax"
    names = np.array(["no", "yes"])[LABELS]
    found, wanted = (trained(ds.Linear(), each, y=names) for each in (loss, built_in))
    assert_close(found.theta, wanted.theta, 1e-10)
    assert list(found.predict(X)) == list(wanted.predict(X))


# ---------------------------------------------------------------- models


def drawn(rng):
    return {"layers": [{"w": rng.normal(size=(3, 4)), "b": np.zeros(4)}], "out": (np.ones((4, 1)),)}


def applied(params, X):
    layer = params["layers"][0]
    return jnp.tanh(X @ layer["w"] + layer["b"]) @ params["out"][0]


def applied_in_torch(params, X):
    layer = params["layers"][0]
    return torch.tanh(X @ layer["w"] + layer["b"]) @ params["out"][0]


def applied_by_hand(params, X):
    layer = params["layers"][0]
    return np.tanh(X @ layer["w"] + layer["b"]) @ params["out"][0]


def back_by_hand(params, X, dscores):
    layer, (out,) = params["layers"][0], params["out"]
    a = np.tanh(X @ layer["w"] + layer["b"])
    dz = dscores @ out.T * (1 - a * a)
    return {"layers": [{"w": X.T @ dz, "b": dz.sum(axis=0)}], "out": (a.T @ dscores,)}


def test_two_functions_are_the_same_model_in_every_library():
    runs = [
        trained((drawn, applied), "squared_error"),
        trained((drawn, applied_in_torch), "squared_error"),
        trained(ds.custom_model(drawn, applied_by_hand, gradient=back_by_hand), "squared_error"),
    ]
    assert [run.engine_used for run in runs] == ["jax/cpu", "torch/cpu", "numpy"]
    names = {"layers.0.w": (3, 4), "layers.0.b": (4,), "out.0": (4, 1)}
    for run in runs:
        assert {name: part.shape for name, part in run.params.items()} == names
        by_name = [run.params[name].ravel() for name in names]
        assert_close(
            np.concatenate(by_name),
            np.concatenate([runs[0].params[name].ravel() for name in names]),
            1e-11,
        )
        assert_close(run.predict(X), runs[0].predict(X), 1e-11)


@pytest.mark.parametrize("apply", [applied, applied_in_torch])
def test_a_list_of_numbers_is_a_vector_in_every_library(apply):
    def with_list(rng):
        return {**drawn(rng), "layers": [{"w": rng.normal(size=(3, 4)), "b": [0.0, 0, 0, 0]}]}

    run = trained((with_list, apply), "huber", epochs=1)
    assert run.params["layers.0.b"].shape == (4,)


def test_the_seed_draws_the_start():
    starts = [trained((drawn, applied), "huber", seed=s).at(0).theta for s in (3, 3, 4)]
    assert_bits(starts[0], starts[1])
    assert not np.array_equal(starts[0], starts[2])


def net(**asked):
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, asked.get("outputs", 1)))
    draw = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5, generator=draw)
    return module


def noisy_net():
    return nn.Sequential(
        nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.25), nn.Linear(6, 1)
    )


class NoisyFlax(flax.linen.Module):
    @flax.linen.compact
    def __call__(self, x, train):
        x = flax.linen.Dense(6)(x)
        x = flax.linen.BatchNorm(use_running_average=not train)(x)
        x = flax.linen.Dropout(0.25, deterministic=not train)(flax.linen.relu(x))
        return flax.linen.Dense(1)(x)


class NoisyEquinox(equinox.Module):
    first: equinox.nn.Linear
    drop: equinox.nn.Dropout
    last: equinox.nn.Linear

    def __init__(self):
        one, two = jax.random.split(jax.random.key(0))
        self.first, self.last = equinox.nn.Linear(3, 6, key=one), equinox.nn.Linear(6, 1, key=two)
        self.drop = equinox.nn.Dropout(0.25)

    def __call__(self, x, key):
        return self.last(self.drop(jnp.tanh(self.first(x)), key=key))


def test_a_module_of_pytorch_trains_as_our_own_net_does():
    module = net()
    before = [p.detach().clone() for p in module.parameters()]
    start = {
        "layer1.weight": before[0].T.numpy(),
        "layer1.bias": before[1].numpy(),
        "layer2.weight": before[2].T.numpy(),
        "layer2.bias": before[3].numpy(),
    }
    found = trained(module, "squared_error")
    wanted = trained(ds.MLP(5, init=start), "squared_error", engine="numpy")
    assert_close(found.params["0.weight"].T, wanted.params["layer1.weight"], 1e-12)
    assert_close(found.predict(X), wanted.predict(X), 1e-12)
    for p, was in zip(module.parameters(), before, strict=True):
        assert torch.equal(p, was), "the module itself is left alone"


@pytest.mark.parametrize(
    "make",
    [noisy_net, *(pytest.param(m, marks=pytest.mark.slow) for m in (NoisyFlax, NoisyEquinox))],
)
def test_what_is_random_or_remembered_is_recorded_and_replayed(make, tmp_path):
    with jax.numpy_dtype_promotion("standard"):  # Flax itself mixes its types
        see_replayed(make, tmp_path)


def see_replayed(make, tmp_path):
    asked = {"batch_size": 16, "validation": 0.2, "epochs": 30, "record": 0.01}
    run = trained(make(), "squared_error", optimizer=ds.adam(0.03), **asked)
    assert len(run.keyframes) < run.state.step
    assert run.history["loss"][-1] < run.history["loss"][0]
    buffers = [name for name in run.params if name.startswith("buffer:")]
    assert bool(buffers) is (make is not NoisyEquinox)
    for name in buffers:
        assert not np.array_equal(run.at(0).params[name], run.params[name])
    assert_bits(run.predict(X), run.predict(X))
    again = run.replay(run.keyframes.before(0), 25)
    assert_bits(again.theta, run.at(25).theta)

    half = trained(make(), "squared_error", optimizer=ds.adam(0.03), **asked | {"epochs": 11})
    if make is not noisy_net:  # a module of PyTorch is drawn anew by its maker
        assert_same_run(half.resume(epochs=30), run)
    run.save(tmp_path / "own.run")
    loaded = ds.load(tmp_path / "own.run", task=run.task)
    assert_bits(loaded.predict(X), run.predict(X))
    assert_bits(loaded.attach(X, Y).at(25).theta, run.at(25).theta)


def test_dropout_is_off_where_a_run_is_judged():
    module = noisy_net()
    run = trained(module, "squared_error", batch_size=None, epochs=3)
    filled = run.task.model.adapter.filled(run.theta)
    assert not filled.training
    filled.double()
    with torch.no_grad():
        assert_close(run.predict(X), filled(torch.tensor(X))[:, 0].numpy(), 1e-6)
        loss = ((filled(torch.tensor(X))[:, 0] - torch.tensor(Y)) ** 2).mean()
    assert run.outcome.loss == pytest.approx(float(loss), rel=1e-5)


def test_tied_parameters_are_one_and_frozen_ones_stay():
    shared = nn.Linear(3, 3)
    module = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(3, 1))
    module[3].bias.requires_grad_(requires_grad=False)
    optimizer = ds.adamw(0.05, weight_decay=0.1)
    run = ds.train(
        ds.Task(module, "squared_error", optimizer, penalty=ds.l2(0.1, biases=True)), X, Y, epochs=9
    )
    shapes = [(name, part.shape) for name, part in run.params.items()]
    assert shapes == [
        ("0.weight", (3, 3)),
        ("0.bias", (3,)),
        ("3.weight", (1, 3)),
        ("frozen:3.bias", (1,)),
    ]
    assert_bits(run.params["frozen:3.bias"], run.at(0).params["frozen:3.bias"])
    assert not np.array_equal(run.params["0.bias"], run.at(0).params["0.bias"])


def test_everything_that_reads_runs_reads_these(tmp_path):
    run = trained(net(), "squared_error", validation=0.2)
    run.save(tmp_path / "own.run")
    loaded = ds.load(tmp_path / "own.run")
    assert str(loaded.task) == "custom(Sequential) + squared_error + adam(0.05)"
    assert_bits(loaded.theta, run.theta)
    assert_bits(loaded.history["loss"], run.history["loss"])
    for words, call in (
        ("give it back with ds.load(path, task=…)", lambda: loaded.predict(X)),
        ("give it back with ds.load(path, task=…)", lambda: loaded.attach(X, Y).at(5).loss),
        (
            "another optimizer",
            lambda: ds.load(
                tmp_path / "own.run", task=ds.Task(net(), "squared_error", ds.adam(0.1))
            ),
        ),
        (
            "another model",
            lambda: ds.load(
                tmp_path / "own.run", task=ds.Task(noisy_net(), "squared_error", ds.adam(0.05))
            ),
        ),
        ("one's own", run.optimum),
    ):
        assert_sentence(call, words)


def test_rules_that_search_take_a_module():
    run = trained(net(), "squared_error", optimizer=ds.lbfgs(), batch_size=None, epochs=30)
    assert run.outcome.loss < 0.1 * run.history["loss"][0]


# ---------------------------------------------------------------- what surrounds a training


class Steep:
    def __init__(self, slope):
        self.slope = slope

    def __call__(self, scores, y):
        return self.slope * jnp.abs(scores - y)[:, 0]


def test_what_a_loss_reads_may_change_between_trainings():
    loss, once = Steep(np.float64(1.0)), Steep(np.float64(5.0))
    first = trained(ds.Linear(), loss, optimizer=ds.gradient_descent(0.1)).theta
    loss.slope = np.float64(5.0)
    second = trained(ds.Linear(), loss, optimizer=ds.gradient_descent(0.1)).theta
    assert not np.array_equal(first, second)
    assert_bits(second, trained(ds.Linear(), once, optimizer=ds.gradient_descent(0.1)).theta)


def test_an_object_that_is_called_is_read_for_its_library():
    class Torched:
        def __call__(self, scores, y):
            return torch.abs(scores - y)[:, 0]

    assert needed_by(Torched()) == "torch"


def test_trainings_of_one_module_in_two_threads_are_what_they_are_alone():
    task = ds.Task(noisy_net(), "squared_error", ds.adam(0.01))

    def theta(seed):
        return ds.train(task, X, Y, epochs=6, batch_size=8, seed=seed).theta

    alone = [theta(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(theta, (1, 2)))
    for one, two in zip(alone, together, strict=True):
        assert_bits(one, two)


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.out = nn.Linear(3, 3), nn.Linear(3, 1)
        self.register_buffer("mask", torch.full((3,), -torch.inf).where(torch.arange(3) > 1, 0.0))

    def forward(self, x):
        return self.out(torch.softmax(self.layer(x) + self.mask, 1))


def test_a_mask_of_infinities_stays_in_the_module():
    module = Masked()
    task = ds.Task(module, "squared_error", ds.adam(0.05), ds.l2(0.1))
    run = ds.train(task, X, Y, epochs=4)
    assert np.isfinite(run.theta).all()
    assert np.isfinite(run.history["update_norm"]).all()
    filled = task.model.given().filled(run.theta).double()
    assert_close(filled(torch.tensor(X)).detach().numpy()[:, 0], run.predict(X), tolerance=1e-5)


# ---------------------------------------------------------------- what is refused


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x):
        return self.used(x)


class Cut(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x).detach()


class Dice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x) * random.random()


class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x).float()


class Stateful(equinox.Module):
    norm: equinox.nn.StateIndex

    def __init__(self):
        self.norm = equinox.nn.StateIndex(jnp.zeros(1))

    def __call__(self, x):
        return x[:1]


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(3, 1), 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * (2 if self.calls > 99 else 1)


class Again(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Linear(3, 1)

    def forward(self, x):
        return self.outer(checkpoint(self.inner, x, use_reentrant=False))


class Keeps(nn.Linear):
    kept = None

    def forward(self, x):
        self.kept = nn.functional.linear(x, self.weight, self.bias)
        return self.kept


def after_a_pass():
    module = Keeps(3, 1)
    module(torch.ones(2, 3))
    return module


def hooked():
    module = nn.Linear(3, 1)
    module.weight.register_hook(lambda gradient: gradient * 0)
    return module


class TwoInputs(flax.linen.Module):
    @flax.linen.compact
    def __call__(self, x, z):
        return flax.linen.Dense(1)(x + z)


class NoParameters(flax.linen.Module):
    def __call__(self, x):
        return x[:, :1]


def weight(rng):
    return {"w": rng.normal(size=(3, 1))}


MODELS = {
    "(1,) per sample; it returned (2,) per sample": lambda: net(outputs=2),
    "it returned () per sample": lambda: (weight, lambda p, X: jnp.dot(X, p["w"])[:, 0]),
    "gives no gradient to idle.weight, idle.bias": Unused,
    "gives no parameter a gradient": Cut,
    "could be replayed": Dice,
    "float64; it returned float32": Narrow,
    "does not know its shapes yet": lambda: nn.LazyLinear(1),
    "nothing to train: it has no parameters": nn.Flatten,
    "nothing to train: all its parameters are frozen": lambda: net().requires_grad_(
        requires_grad=False
    ),
    "keeps a state beside its parameters": Stateful,
    "use jax.numpy and jax.lax": lambda: (
        weight,
        lambda p, X: X @ p["w"] if jnp.sum(X @ p["w"]) > 0 else -X @ p["w"],
    ),
    "shapes": lambda: nn.Linear(4, 1),
    "arrays of real numbers": lambda: (lambda rng: {"w": "text"}, lambda p, X: X),
    "must be finite; 'w' is not": lambda: (lambda rng: {"w": np.full(3, np.nan)}, lambda p, X: X),
    "none": lambda: (lambda rng: {}, lambda p, X: X),
    "dots and colons": lambda: (lambda rng: {"a.b": np.ones(3)}, lambda p, X: X),
    "must be Linear(…), MLP(…), ds.custom_model(init, apply), or a module": lambda: "linear",
    "which cannot differentiate it": lambda: (weight, lambda p, X: np.matmul(X, p["w"])),
    "changes its attribute calls": Counts,
    "checkpoint runs a part again": Again,
    "cannot be copied": after_a_pass,
    "a hook on the gradient of weight": hooked,
    "writes into X in place": lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 1)),
    "started in two places for one seed": lambda: (
        lambda rng: {"w": np.ones((3, 1)) * random.random()},
        lambda p, X: X @ p["w"],
    ),
    "called with X alone": TwoInputs,
    "it has no parameters.": NoParameters,
    "Got 3 instead": lambda: ds.custom_model(weight, 3),
}


@pytest.mark.parametrize("words", list(MODELS))
def test_a_model_that_cannot_be_trained_is_refused_in_a_sentence(words):
    assert_sentence(lambda: trained(MODELS[words](), "squared_error"), words)


LOSSES = {
    "it returned a single number": lambda s, y: jnp.mean((s - y) ** 2),
    "was broadcast": lambda s, y: (s - y[:, 0]) ** 2,
    ".mean(axis=1)": lambda s, y: (s - y) ** 2,
    "the loss is nan for row": lambda s, y: jnp.log(s - y)[:, 0],
    "no finite gradient there by weight": lambda s, y: jnp.sqrt(abs(s))[:, 0],
    "gives no parameter a gradient": lambda s, y: jnp.round(s - y)[:, 0],
    "use jax.numpy and jax.lax instead of NumPy": lambda s, y: jnp.asarray(np.sin(s - y))[:, 0],
    "cannot differentiate it; pass its gradient": lambda s, y: np.sin(s - y)[:, 0],
    "mentions both JAX and PyTorch": lambda s, y: jnp.abs(torch.abs(s - y))[:, 0],
    "it returned a tuple": lambda s, y: (jnp.abs(s - y), 1),
    "it returned None": lambda s, y: print(end=""),
    "function of scores and y alone": lambda s, y: ((s - y) ** 2)[:, 0] * random.random(),
    "has parameters of its own": nn.Bilinear(1, 1, 1),
    "it returned float32": lambda s, y: ((s - y) ** 2)[:, 0].astype("float32"),
    "cannot be run by the engine jax: ZeroDivisionError": lambda s, y: s / 0 if 1 / 0 else y,
}


@pytest.mark.parametrize("words", list(LOSSES))
def test_a_loss_that_cannot_be_trained_is_refused_in_a_sentence(words):
    assert_sentence(lambda: trained(ds.Linear(), LOSSES[words]), words)


def test_parts_and_engines_that_do_not_go_together_are_named():
    assert_sentence(lambda: trained(net(), in_jax), "write both for one library")
    for engine in ("numpy", "numba", "jax"):
        assert_sentence(
            lambda engine=engine: trained(net(), "huber", engine=engine), f"The engine {engine}"
        )
    by_hand = ds.custom_loss(in_numpy, gradient=lambda s, y: (s - y)[:, 0])
    assert_sentence(lambda: trained(ds.Linear(), by_hand), "must have the shape", ShapeError)
    assert_sentence(lambda: ds.custom_loss(3), "must be a function", InputError)
    assert_sentence(lambda: ds.custom_loss(plain, targets="words"), "'targets'")
    assert_sentence(lambda: trained(net(), "huber", optimizer=ds.newton()), "needs a linear model")
    from scipy.sparse import csr_array

    task = ds.Task(net(), "huber", "adam")
    assert_sentence(lambda: ds.train(task, csr_array(X), Y), "Sparse rows are for linear models")
