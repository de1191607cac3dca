"""Models: no hidden layer IS the linear model; starts are drawn by key, with the right spread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.oracles import assert_bits, assert_close, assert_same_run

import descend as ds
from descend import models
from descend.activations import ACTIVATIONS
from descend.errors import InputError, ParameterError, ShapeError
from descend.losses import LOSSES
from descend.optimizers import RULES


def rows(n=30, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) + rng.normal(size=n)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("rule", ["gradient_descent", "nesterov", "adam"])
def test_no_hidden_layer_is_the_linear_model_bit_for_bit(rule, batch_size):
    X, y = rows()
    runs = [
        ds.train(
            ds.Task(model, ds.squared_error(), RULES.make(rule)),
            X,
            y,
            epochs=20,
            batch_size=batch_size,
        )
        for model in (ds.MLP(hidden=()), ds.Linear())
    ]
    assert runs[0].layout == runs[1].layout
    assert_same_run(*runs)
    assert_bits(runs[0].predict(X), runs[1].predict(X))


@pytest.mark.parametrize("init", ["zeros", "normal", "glorot", "lecun", "he"])
def test_no_hidden_layer_starts_as_the_linear_model_whatever_the_init(init):
    layout = ds.Linear().layout(4, 2)
    assert_bits(
        models.start(ds.MLP((), init=init), layout, 3),
        models.start(ds.Linear(init=init), layout, 3),
    )


def test_auto_without_hidden_layers_is_zeros():
    assert not models.start(ds.MLP(()), ds.Linear().layout(4, 2), 0).any()


SPREADS = {
    "normal": lambda inputs, units: 1.0,
    "glorot": lambda inputs, units: 2 / (inputs + units),
    "lecun": lambda inputs, units: 1 / inputs,
    "he": lambda inputs, units: 2 / inputs,
}


@pytest.mark.parametrize("init", SPREADS)
def test_weights_have_the_variance_that_was_asked_and_biases_are_zero(init):
    model = ds.MLP((200, 100), init=init)
    layout = model.layout(150, 80)
    parts = layout.split(models.start(model, layout, 0))
    for name, part in parts.items():
        if name.endswith("bias"):
            assert not part.any()
            continue
        wanted = SPREADS[init](*part.shape)
        # The variance of a variance is at most 2/count of it; five of its deviations.
        assert abs(part.var() / wanted - 1) < 5 * (2 / part.size) ** 0.5
        assert abs(part.mean()) < 5 * (wanted / part.size) ** 0.5
        scaled = part.ravel() / wanted**0.5
        shape = stats.uniform(-(3**0.5), 2 * 3**0.5) if init == "glorot" else stats.norm()
        assert stats.kstest(scaled, shape.cdf).pvalue > 1e-4


def test_auto_suits_every_activation():
    he = {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"}
    for name in ACTIVATIONS:
        wanted = "he" if name in he else "lecun" if name in {"identity", "cos"} else "glorot"
        assert models.automatic_init(ds.MLP((3,), name)) == wanted
        layout = ds.MLP((3,)).layout(2, 1)
        assert_bits(
            models.start(ds.MLP((3,), name), layout, 5),
            models.start(ds.MLP((3,), name, init=wanted), layout, 5),
        )


def test_the_start_is_a_function_of_the_seed_and_the_layer():
    model = ds.MLP((5, 5))
    layout = model.layout(5, 5)
    first, again, other = (models.start(model, layout, seed) for seed in (1, 1, 2))
    assert_bits(first, again)
    assert not np.isclose(first[first != 0], other[other != 0]).any()
    parts = layout.split(first)
    assert not np.isclose(parts["layer1.weight"], parts["layer2.weight"]).any()


def test_a_deeper_net_does_not_change_the_first_layer_s_start():
    short, deep = ds.MLP((4,), init="normal"), ds.MLP((4, 6, 2), init="normal")
    a = short.layout(3, 1).split(models.start(short, short.layout(3, 1), 0))
    b = deep.layout(3, 1).split(models.start(deep, deep.layout(3, 1), 0))
    assert_bits(a["layer1.weight"], b["layer1.weight"])


def test_a_start_can_be_given_flat_or_by_name():
    layout = ds.MLP((2,)).layout(1, 1)
    theta = np.arange(1.0, 8.0)
    by_name = dict(layout.split(theta).items())
    for init in (theta, theta.tolist(), by_name):
        assert_bits(models.start(ds.MLP((2,), init=init), layout, 0), theta)
    flat = {name: part.ravel() for name, part in by_name.items()}
    assert_bits(models.start(ds.MLP((2,), init=flat), layout, 0), theta)


def test_a_given_start_is_where_the_run_starts_and_keeps_its_own_copy():
    X, y = rows(d=1)
    given = np.array([2.0, -1.0])
    task = ds.Task(ds.Linear(init=given), "squared_error", ds.gradient_descent(0.1))
    given[:] = 99
    assert_bits(ds.train(task, X, y, epochs=1).at(0).theta, np.array([2.0, -1.0]))


@pytest.mark.parametrize(
    ("init", "error", "words"),
    [
        ([1.0], ShapeError, "must have 2 numbers (weight (1, 1), bias (1,)); found 1"),
        ({"weight": [[1.0]]}, ShapeError, "Parameters named ['weight', 'bias'] are needed"),
        ({"weight": [1.0, 2.0], "bias": [0.0]}, ShapeError, "'weight' must have shape (1, 1)"),
        ([np.nan, 1.0], ParameterError, "must be finite"),
        ("orthogonal", ParameterError, "must be one of 'auto', 'zeros'"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(init, error, words):
    X, y = rows(d=1)
    with pytest.raises(error) as raised:
        ds.train(ds.Task(ds.Linear(init=init), "squared_error", ds.adam(0.1)), X, y)
    assert words in str(raised.value)


@pytest.mark.parametrize("hidden", [(0,), (-1,), (2.5,), ("8",), "8", None, (True,), {3}])
def test_hidden_layers_that_are_none_are_refused(hidden):
    with pytest.raises(ParameterError, match="'hidden' parameter of MLP must be"):
        ds.MLP(hidden)


def test_one_number_is_one_hidden_layer():
    assert ds.MLP(4) == ds.MLP((4,)) == ds.MLP([4]) == ds.MLP(np.array([4]))


@pytest.mark.parametrize("bias", [True, False])
def test_layouts_name_every_layer(bias):
    entries = dict(ds.MLP((4, 3), bias=bias).layout(d=2, k=5).entries)
    weights = {"layer1.weight": (2, 4), "layer2.weight": (4, 3), "layer3.weight": (3, 5)}
    biases = {"layer1.bias": (4,), "layer2.bias": (3,), "layer3.bias": (5,)}
    assert entries == (weights | biases if bias else weights)


def test_layouts_split_and_flatten_are_inverse():
    layout = ds.MLP((4, 3)).layout(2, 5)
    theta = np.arange(float(layout.size))
    assert_bits(layout.flatten(layout.split(theta)), theta)
    for name, part in layout.slices().items():
        assert_bits(theta[part], layout.split(theta)[name].ravel())


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_scores_are_pytorch_s(activation):
    import array_api_compat.torch as xp
    import torch

    model = ds.MLP((4, 3), activation, init="normal")
    layout, X = model.layout(2, 2), rows(d=2)[0]
    theta = models.start(model, layout, 1) + 0.1
    parts = {k: torch.tensor(v) for k, v in layout.split(theta).items()}
    a = torch.tensor(X)
    for i in (1, 2, 3):
        a = torch.nn.functional.linear(a, parts[f"layer{i}.weight"].T, parts[f"layer{i}.bias"])
        a = models.activate(model.activation, a, xp) if i < 3 else a
    assert_close(models.forward(model, theta, layout, X)[0], a.numpy(), 1e-13)


MODELS = [
    ds.Linear(),
    ds.Linear(bias=False, init="normal"),
    ds.Linear(init=[1.0, 2.0]),
    ds.MLP((4, 3), "gelu"),
    ds.MLP((), bias=False),
    ds.MLP((2,), ds.activations.leaky_relu(0.2), init={"layer1.weight": [[1.0, 2.0]]}),
]


@pytest.mark.parametrize("model", MODELS, ids=range(len(MODELS)))
def test_described_and_restored_it_is_the_same(model):
    assert models.restore(models.describe(model)) == model


def test_a_task_described_and_restored_is_the_same_over_all_losses():
    from descend.task import describe, restore

    for name in LOSSES:
        task = ds.Task(ds.MLP((2,), "relu"), name, ds.nadam(0.1), ds.l2(0.2), "sum")
        assert restore(describe(task)) == task
    assert str(ds.Task(ds.Linear(), ds.huber(2.0), "adam", ds.l2(0.2), "sum")) == (
        "linear + huber(2) + adam(auto) + l2(0.2) (sum)"
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (("linear", "squared_error", "adam"), "model of a Task must be Linear"),
        ((ds.Linear(), "squared_eror", "adam"), "did you mean 'squared_error'"),
        ((ds.Linear(), ds.l2(), "adam"), "loss of a Task must be one of"),
        ((ds.Linear(), "hinge", "adm"), "did you mean 'adam'"),
        ((ds.Linear(), "hinge", 0.1), "optimizer of a Task must be one of"),
        ((ds.Linear(), "hinge", "adam", ds.hinge()), "penalty of a Task must be one of"),
        ((ds.Linear(), "hinge", "adam", None, "median"), "must be one of 'mean', 'sum'"),
    ],
    ids=range(7),
)
def test_a_task_of_the_wrong_parts_says_which(parts, words):
    with pytest.raises(InputError) as error:
        ds.Task(*parts)
    assert words in str(error.value)
