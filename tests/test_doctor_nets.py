"""What the doctor says of nets: copies, explosions, dead and saturated units, lost gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import descend as ds
from descend import models
from descend.activations import ACTIVATIONS
from descend.doctor import of_nets, of_units
from descend.doctor.chart import Chart
from descend.doctor.net_facts import BOUNDED, RECTIFIERS, UNBOUNDED, left_to_learn, slopes

RULES = (*of_nets.RULES, *of_units.RULES)


def waves(seed: int = 0, n: int = 150, d: int = 2) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, np.sin(2 * X[:, 0]) + X.sum(axis=1) + 0.1 * rng.normal(size=n)


def given(hidden: tuple[int, ...], activation: str, d: int = 2, **change: Any) -> dict[str, Any]:
    """Return a usual start, its weights times `scale`, or with other weights or biases."""
    layout = ds.MLP(hidden, activation).layout(d, 1)
    theta = models.start(ds.MLP(hidden, activation), layout, 0)
    parts = {name: part * change.get("scale", 1.0) for name, part in layout.split(theta).items()}
    for i in range(1, len(hidden) + 1):
        if "bias" in change:
            parts[f"layer{i}.bias"] = parts[f"layer{i}.bias"] + change["bias"]
    if "weight" in change:
        parts = {n: p if "bias" in n else p * 0 + change["weight"] for n, p in parts.items()}
    return parts


def net(
    hidden: tuple[int, ...] = (8,),
    activation: str = "tanh",
    init: Any = "auto",
    *,
    data: Any = None,
    loss: str = "squared_error",
    optimizer: Any = None,
    **asked: Any,
) -> Any:
    X, y = waves() if data is None else data
    model = ds.MLP(hidden, activation, init=init)
    task = ds.Task(model, loss, optimizer or ds.adam(0.02), penalty=asked.pop("penalty", None))
    settings = {"epochs": 200, "engine": "numpy", "on_divergence": "continue", **asked}
    return ds.train(task, X, y, **settings)


def found(run: Any) -> dict[str, Any]:
    """Return what the rules of nets find, by code."""
    chart = Chart(run, {name: run.history[name] for name in run.history})
    with np.errstate(all="ignore"):
        findings = [rule(chart) for rule in RULES]
    return {f.code: f for f in findings if f is not None}


def ill(run: Any) -> list[str]:
    return [code for code, finding in found(run).items() if finding.severity == "illness"]


DEEP = (6,) * 8
ILL: dict[str, list[Any]] = {
    "identical-units": [
        lambda: net(init="zeros"),
        lambda: net((6, 4), "relu", given((6, 4), "relu", weight=0.3)),
        lambda: net((5,), "sigmoid", "zeros", optimizer=ds.gradient_descent(0.1)),
    ],
    "exploding-activations": [
        lambda: net((16,) * 4, "relu", given((16,) * 4, "relu", scale=10.0)),
        lambda: net((16, 16), "identity", given((16, 16), "identity", scale=30.0)),
        lambda: net(
            (32, 32, 32),
            "leaky_relu",
            given((32, 32, 32), "leaky_relu", scale=8.0),
            optimizer=ds.gradient_descent(0.01),
        ),
    ],
    "dead-units": [
        lambda: net((8,), "relu", given((8,), "relu", bias=-50.0)),
        lambda: net(
            (8, 8),
            "relu",
            data=(waves()[0], waves()[1] + 8),
            optimizer=ds.gradient_descent(0.5),
        ),
        lambda: net((8,), "gelu", given((8,), "gelu", bias=-80.0)),
    ],
    "saturated-units": [
        lambda: net((8,), "tanh", given((8,), "tanh", bias=60.0)),
        lambda: net((8, 8), "sigmoid", given((8, 8), "sigmoid", scale=300.0)),
    ],
    "vanishing-gradient": [
        lambda: net(DEEP, "sigmoid", optimizer=ds.gradient_descent(0.1)),
        lambda: net(DEEP, "tanh", given(DEEP, "tanh", scale=0.1), optimizer=ds.momentum(0.05)),
    ],
}


@pytest.mark.parametrize(("code", "which"), [(c, i) for c in ILL for i in range(len(ILL[c]))])
def test_an_ill_net_is_named(code: str, which: int) -> None:
    run = ILL[code][which]()
    assert run.diagnose()[0].code == code
    finding = found(run)[code]
    assert finding.severity == "illness"
    assert finding.evidence
    assert finding.fix.changes


@pytest.mark.parametrize("code", list(ILL))
def test_its_fix_mends_it(code: str) -> None:
    trial = ILL[code][0]().diagnose()[code].try_it()
    assert code not in found(trial.after)
    before, after = trial.before.outcome.loss, trial.after.outcome.loss
    assert not before <= 2 * after  # NaN and infinity included


HEALTHY: dict[str, Any] = {
    "tanh": net,
    "relu": lambda: net((16, 16), "relu"),
    "wide start": lambda: net((8,), "tanh", "normal"),
    "deep and sound": lambda: net((8,) * 5, "tanh"),
    "sigmoid, two layers": lambda: net((8, 8), "sigmoid", optimizer=ds.adam(0.05), epochs=400),
    "one column of positive numbers": lambda: net(
        (8,), "relu", data=(np.linspace(0, 1, 60)[:, None], np.linspace(0, 1, 60) ** 2)
    ),
    "sharp but right": lambda: net(
        (4,), "tanh", data=(waves()[0], (waves()[0][:, 0] > 0) * 1), loss="logistic"
    ),
    "nothing to learn": lambda: net(
        (8,), "relu", data=(waves()[0], np.random.default_rng(1).normal(size=150)), epochs=40
    ),
    "emptied by a penalty": lambda: net(
        (6,), "tanh", penalty=ds.l1(1.0), optimizer=ds.gradient_descent(0.05)
    ),
    "emptied rectifiers": lambda: net(
        (6,), "relu", penalty=ds.l1(3.0), optimizer=ds.gradient_descent(0.02)
    ),
    "equal before, parted by their outputs": lambda: net(
        (4,),
        "tanh",
        given((4,), "tanh") | {"layer1.weight": np.ones((2, 4)), "layer1.bias": np.zeros(4)},
    ),
    "parted by their outputs, slowly": lambda: net(
        (4,),
        "tanh",
        given((4,), "tanh") | {"layer1.weight": np.ones((2, 4)), "layer1.bias": np.zeros(4)},
        optimizer=ds.gradient_descent(1e-9),
    ),
    "half dead by chance, and a tiny step": lambda: net(
        (41,),
        "relu",
        data=(np.linspace(0, 1, 60)[:, None], np.linspace(0, 1, 60) ** 2),
        optimizer=ds.gradient_descent(1e-6),
        seed=3,
    ),
    "a tiny step": lambda: net((8,), "relu", optimizer=ds.gradient_descent(1e-6)),
    "inputs unscaled": lambda: net(
        (8,), "tanh", data=(waves()[0] * 1000, waves()[1]), optimizer=ds.gradient_descent(0.01)
    ),
    "a step that is too large": lambda: net((8,), "identity", optimizer=ds.gradient_descent(20.0)),
    "targets of another size": lambda: net(
        (8,), "relu", data=(waves()[0], 1e4 * waves()[1]), optimizer=ds.adam(0.01)
    ),
}


@pytest.mark.parametrize("name", list(HEALTHY))
def test_what_looks_ill_inside_and_is_not(name: str) -> None:
    assert ill(HEALTHY[name]()) == []


def test_units_that_a_great_step_threw_are_not_the_cause() -> None:
    for seed in range(3):
        run = net((16,), "tanh", data=waves(seed), optimizer=ds.gradient_descent(20.0), epochs=60)
        assert run.diagnose()[0].code == "step-too-large"
        assert "saturated-units" not in ill(run)


def test_one_unit_that_became_sharp_is_not_ill_of_it() -> None:
    sharp = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.uniform(-2, 2, (300, 1))
        data = X, np.sign(X[:, 0]) * (np.abs(X[:, 0]) < 1.3) + 0.1 * rng.normal(size=300)
        run = net((1,), "tanh", data=data, epochs=2500, seed=seed)
        sharp += "saturated-units" in found(run)
        assert "saturated-units" not in ill(run)
    assert sharp > 0


def test_a_net_of_few_sigmoid_layers_that_never_left_the_mean() -> None:
    for seed in range(2):
        X, y = waves(seed, 300)
        data = X, (y - y.mean()) / y.std()
        slow = ds.gradient_descent(0.05)
        run = net((10,) * 5, "sigmoid", data=data, optimizer=slow, epochs=300, seed=seed)
        assert run.diagnose()[0].code == "vanishing-gradient"
        # Noise is no plateau, and two layers pass on enough.
        noise = X, np.random.default_rng(seed).normal(size=300)
        run = net((10,) * 5, "sigmoid", data=noise, optimizer=slow, epochs=300, seed=seed)
        assert ill(run) == []
        run = net((10,) * 2, "sigmoid", data=data, optimizer=slow, epochs=30, seed=seed)
        assert "vanishing-gradient" not in ill(run)


def test_units_that_were_copied_in_part() -> None:
    parts = given((8,), "tanh")
    for name, axis in (("layer1.weight", 1), ("layer1.bias", 0), ("layer2.weight", 0)):
        first, _ = np.split(parts[name], 2, axis=axis)
        parts[name] = np.concatenate([first, first], axis=axis)
    finding = found(net((8,), "tanh", parts))["identical-units"]
    assert finding.severity == "illness"
    assert finding.evidence["distinct"] == {"layer 1": 4}
    one = given((16,), "tanh")
    for name in ("layer1.weight", "layer2.weight"):
        rows = one[name] if name == "layer2.weight" else one[name].T
        rows[1] = rows[0]
    assert found(net((16,), "tanh", one))["identical-units"].severity == "information"


def test_copies_that_rounding_parted_are_none() -> None:
    apart = np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.5]])
    assert of_nets._within(apart, [0, 1, 2]) == [[0, 1]]
    assert of_nets._groups(apart[:, [0, 2]], of_nets.COPIED) == []


def test_a_net_that_recovered_is_only_told_so() -> None:
    run = net((32, 32), "relu", given((32, 32), "relu", scale=4.0), epochs=600)
    assert run.outcome.loss < 0.5
    assert found(run)["exploding-activations"].severity == "information"


def test_the_step_that_killed_is_named() -> None:
    finding = found(ILL["dead-units"][1]())["dead-units"]
    assert "a step threw them there" in finding.sentence
    assert "learning_rate" in finding.fix.changes
    born = found(ILL["dead-units"][0]())["dead-units"]
    assert "before the first update" in born.sentence
    assert dict(born.fix.changes) == {"init": "auto"}


@pytest.mark.parametrize("code", ["identical-units", "dead-units", "saturated-units"])
def test_order_and_scale_of_rows_do_not_matter(code: str) -> None:
    X, y = waves()
    order = np.random.default_rng(3).permutation(len(y))
    starts = {
        "identical-units": ("tanh", "zeros"),
        "dead-units": ("relu", given((8,), "relu", bias=-50.0)),
        "saturated-units": ("tanh", given((8,), "tanh", bias=60.0)),
    }
    activation, init = starts[code]
    for rows in ((X[order], y[order]), (X * 0.5 + 0.1, y), (X, 30 * y + 5), (X[:40], y[:40])):
        assert code in ill(net((8,), activation, init, data=rows))


def test_every_activation_has_a_place() -> None:
    groups = {*RECTIFIERS, *BOUNDED, *UNBOUNDED}
    assert set(ACTIVATIONS) - groups == {"cos"}  # neither grows nor is flat for good


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS)))
def test_slopes_are_shares_of_the_steepest(name: str) -> None:
    run = net((3,), name, epochs=1)
    chart = Chart(run, {})
    found_slopes = slopes(chart, chart.layers(chart.start)[0])
    assert found_slopes.shape == (150, 3)
    assert 0 <= found_slopes.min() <= found_slopes.max() <= 1 + 1e-12


def test_what_is_left_to_learn() -> None:
    done, begun = net((16,), epochs=1500), net((16,), epochs=1)
    for run, low, high in ((done, -1.0, 0.2), (begun, 0.7, 1.0)):
        chart = Chart(run, {})
        assert low < left_to_learn(chart, chart.end) < high
