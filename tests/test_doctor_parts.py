"""What the doctor says of parts of one's own: signs, gradients, rows that meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import descend as ds
from descend.doctor.chart import Chart
from descend.doctor.of_parts import RULES, upside_down
from descend.losses import LOSSES, rows, slopes


def data(kind: str, seed: int = 0, n: int = 90) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    s = X @ np.array([1.0, -0.5, 0.3]) + 0.2 * rng.normal(size=n)
    return X, {
        "numbers": s + 2.0,
        "two labels": (s > 0).astype(float),
        "counts": rng.poisson(np.exp(0.5 * s)).astype(float),
        "labels": np.digitize(s, [-0.4, 0.4]),
    }[kind]


def sigmoid(s: Any) -> Any:
    return 0.5 * (1 + np.tanh(s / 2))


# Losses and their slopes, right: by what y they take.
RIGHT: dict[str, tuple[str, Any, Any]] = {
    "square": ("numbers", lambda s, y: ((s - y) ** 2)[:, 0], lambda s, y: 2 * (s - y)),
    "absolute": ("numbers", lambda s, y: abs(s - y)[:, 0], lambda s, y: np.sign(s - y)),
    "welsch": (
        "numbers",
        lambda s, y: 1 - np.exp(-((s - y) ** 2))[:, 0],
        lambda s, y: 2 * (s - y) * np.exp(-((s - y) ** 2)),
    ),
    "negative": (
        "numbers",
        lambda s, y: ((s - y) ** 2)[:, 0] - 100.0,
        lambda s, y: 2 * (s - y),
    ),
    "entropy": (
        "two labels",
        lambda s, y: (np.logaddexp(0, s) - y * s)[:, 0],
        lambda s, y: sigmoid(s) - y,
    ),
    "balanced": (
        "two labels",
        lambda s, y: ((np.logaddexp(0, s) - y * s) / np.where(y > 0, y.mean(), 1 - y.mean()))[:, 0],
        lambda s, y: (sigmoid(s) - y) / np.where(y > 0, y.mean(), 1 - y.mean()),
    ),
    "poisson": ("counts", lambda s, y: (np.exp(s) - y * s)[:, 0], lambda s, y: np.exp(s) - y),
    "softmax": (
        "labels",
        lambda s, y: np.log(np.exp(s).sum(1)) - s[np.arange(len(y)), y],
        lambda s, y: np.exp(s) / np.exp(s).sum(1, keepdims=True) - np.eye(s.shape[1])[y],
    ),
}


def train(
    targets: str, value: Any, slope: Any, *, model: Any = None, seed: int = 0, **asked: Any
) -> Any:
    X, y = data(targets, seed)
    loss = ds.custom_loss(value, gradient=slope, targets=targets, library="numpy", name="mine")
    task = ds.Task(model or ds.Linear(), loss, asked.pop("optimizer", ds.gradient_descent(0.05)))
    return ds.train(task, X, y, **{"epochs": 30, "on_divergence": "continue", **asked})


def found(run: Any) -> dict[str, Any]:
    """Return what the rules of parts find, by code."""
    chart = Chart(run, {name: run.history[name] for name in run.history})
    with np.errstate(all="ignore"):
        findings = [rule(chart) for rule in RULES]
    codes = [f.code for f in findings if f is not None]
    assert len(codes) == len(set(codes))
    return {f.code: f for f in findings if f is not None}


@pytest.mark.parametrize("name", list(RIGHT))
def test_right_losses_are_not_ill(name: str) -> None:
    for seed, model in enumerate((ds.Linear(), ds.MLP((4,), "relu"), ds.MLP((3,), "tanh"))):
        run = train(*RIGHT[name], model=model, seed=seed, dtype=("float64", "float32")[seed % 2])
        assert found(run) == {}


@pytest.mark.parametrize("name", list(RIGHT))
def test_a_loss_that_lost_its_minus(name: str) -> None:
    targets, value, slope = RIGHT[name]
    run = train(targets, lambda s, y: -value(s, y), lambda s, y: -slope(s, y))
    assert list(found(run)) == ["wrong-sign"]
    only = train(targets, lambda s, y: -value(s, y), slope)
    assert list(found(only)) == ["wrong-sign"]


@pytest.mark.parametrize("name", ["square", "entropy", "softmax"])
def test_a_gradient_that_points_the_wrong_way(name: str) -> None:
    targets, value, slope = RIGHT[name]
    run = train(targets, value, lambda s, y: -slope(s, y), epochs=9)
    finding = found(run)["wrong-sign"]
    assert "points the wrong way" in finding.sentence


@pytest.mark.parametrize("name", ["square", "entropy", "poisson"])
@pytest.mark.parametrize(
    ("mistake", "change"),
    [
        ("factor", lambda g, s: 0.5 * g),
        ("mean-for-sum", lambda g, s: g / len(s)),
        ("", lambda g, s: np.sign(g)),
    ],
)
def test_a_gradient_of_something_else(name: str, mistake: str, change: Any) -> None:
    targets, value, slope = RIGHT[name]
    run = train(targets, value, lambda s, y: change(slope(s, y), s))
    assert list(found(run)) == ["wrong-gradient"]
    finding = found(run)["wrong-gradient"]
    assert not mistake or mistake in finding.evidence["mistake"]


MET: dict[str, Any] = {
    "column minus row": (
        lambda s, y: ((s - y.ravel()) ** 2).mean(1),
        lambda s, y: 2 * (s - y.mean()),
    ),
    "row minus column": (
        lambda s, y: ((s.ravel() - y) ** 2).mean(1),
        lambda s, y: 2 * (s - y.mean()),
    ),
    "the gradient alone": (RIGHT["square"][1], lambda s, y: 2 * (s - y.mean())),
    "the scores' mean": (RIGHT["square"][1], lambda s, y: 2 * (s.mean() - y)),
}


@pytest.mark.parametrize("name", list(MET))
def test_every_score_with_every_target(name: str) -> None:
    for model in (ds.Linear(), ds.MLP((3,), "tanh")):
        run = train("numbers", *MET[name], model=model)
        assert list(found(run)) == ["broadcast"]
        assert run.diagnose()[0].code == "broadcast"


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_labels_that_meet_every_score(share: float) -> None:
    rng = np.random.default_rng(1)
    # As many of either label in each half: swapping them leaves every mean as it is.
    y = np.tile(np.repeat([0.0, 1.0], [10 - int(10 * share), int(10 * share)]), 10)
    loss = ds.custom_loss(
        lambda s, t: (np.logaddexp(0, s) - t[:, 0] * s).mean(axis=1),
        gradient=lambda s, t: (sigmoid(s) - t[:, 0]).mean(axis=1, keepdims=True),
        targets="two labels",
        library="numpy",
    )
    X = rng.normal(size=(100, 2)) + y[:, None]
    run = ds.train(ds.Task(ds.Linear(), loss, ds.gradient_descent(0.3)), X, y, epochs=50)
    assert run.diagnose()[0].code == "broadcast"


def net_by_hand(slip: Any) -> Any:
    def apply(params: Any, X: Any) -> Any:
        return np.tanh(X @ params["W"] + params["b"]) @ params["v"] + params["c"]

    def back(params: Any, X: Any, dscores: Any) -> Any:
        a = np.tanh(X @ params["W"] + params["b"])
        below = (dscores @ params["v"].T) * (1 - a**2)
        found = {"W": X.T @ below, "b": below.sum(axis=0)}
        return slip({**found, "v": a.T @ dscores, "c": dscores.sum(axis=0)})

    def init(rng: Any) -> Any:
        W, v = rng.normal(size=(3, 6)), rng.normal(size=(6, 1))
        return {"W": W / 2, "b": np.zeros(6), "v": v / 2, "c": np.zeros(1)}

    return ds.custom_model(init, apply, gradient=back, library="numpy", name="mine")


SLIPS: dict[str, tuple[Any, list[str]]] = {
    "right": (lambda g: g, []),
    "first layer turned": (lambda g: {**g, "W": -g["W"], "b": -g["b"]}, ["wrong-gradient"]),
    "one slice turned": (lambda g: {**g, "v": -g["v"]}, ["wrong-gradient"]),
    "all turned": (lambda g: {n: -part for n, part in g.items()}, ["wrong-sign"]),
    "all turned and doubled": (lambda g: {n: -2 * p for n, p in g.items()}, ["wrong-sign"]),
    "last bias forgotten": (lambda g: {**g, "c": 0 * g["c"]}, ["wrong-gradient"]),
}


@pytest.mark.parametrize("slip", list(SLIPS))
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_slices_of_a_gradient_by_hand(slip: str, shift: float) -> None:
    change, codes = SLIPS[slip]
    X, y = data("numbers")
    task = ds.Task(net_by_hand(change), "squared_error", ds.adam(0.02))
    run = ds.train(task, X, y - 2.0 + shift, epochs=60, on_divergence="continue")
    assert list(found(run)) == codes


def test_a_softmax_over_the_rows() -> None:
    def value(s: Any, y: Any) -> Any:
        return np.log(np.exp(s).sum()) - s[np.arange(len(y)), y]

    def slope(s: Any, y: Any) -> Any:
        return len(s) * np.exp(s) / np.exp(s).sum() - np.eye(s.shape[1])[y]

    assert list(found(train("labels", value, slope))) == ["broadcast"]


def test_a_model_whose_rows_meet() -> None:
    def init(rng: Any) -> Any:
        return {"w": rng.normal(size=(3, 1))}

    def model(apply: Any, back: Any) -> Any:
        X, y = data("numbers")
        own = ds.custom_model(init, apply, gradient=back, library="numpy")
        return ds.train(ds.Task(own, "squared_error", ds.adam(0.05)), X, y, epochs=20)

    def centred(p: Any, X: Any) -> Any:
        return (X - X.mean(axis=0)) @ p["w"]

    def shares(p: Any, X: Any) -> Any:
        return X @ p["w"] / len(X)

    plain = model(lambda p, X: X @ p["w"], lambda p, X, g: {"w": X.T @ g})
    assert found(plain) == {}
    met = model(shares, lambda p, X, g: {"w": X.T @ g / len(X)})
    assert found(met)["broadcast"].severity == "illness"
    slightly = model(centred, lambda p, X, g: {"w": (X - X.mean(axis=0)).T @ g})
    assert found(slightly)["broadcast"].severity == "information"
    wrong = model(lambda p, X: X @ p["w"], lambda p, X, g: {"w": -X.T @ g})
    assert list(found(wrong)) == ["wrong-sign"]
    half = model(lambda p, X: X @ p["w"], lambda p, X, g: {"w": X.T @ g / 2})
    assert list(found(half)) == ["wrong-gradient"]


def test_the_scale_and_order_of_rows_do_not_matter() -> None:
    X, y = data("numbers")
    order = np.random.default_rng(2).permutation(len(y))
    for scale in (1e-4, 1e4):
        for slope, code in (
            (lambda s, y: 2 * (y - s), "wrong-sign"),
            (lambda s, y: s - y, "wrong-gradient"),
        ):
            loss = ds.custom_loss(RIGHT["square"][1], gradient=slope, library="numpy")
            task = ds.Task(ds.Linear(), loss, ds.gradient_descent(0.01))
            run = ds.train(task, X[order] / 7, scale * y[order], epochs=5, on_divergence="continue")
            assert list(found(run)) == [code]


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_this_librarys_own_losses_are_the_right_way_up(name: str) -> None:
    part = LOSSES.make(name)
    X, y = data(part.targets)
    del X
    y = y if part.targets == "labels" else y[:, None]
    own = ds.custom_loss(
        lambda s, t: rows(part, s, t),
        gradient=lambda s, t: slopes(part, s, t, None, 1.0),
        targets=part.targets,
        library="numpy",
    )
    turned = ds.custom_loss(
        lambda s, t: -rows(part, s, t), gradient=own.gradient, targets=part.targets, library="numpy"
    )
    k = 3 if part.targets == "labels" else 1
    assert not upside_down(own, y, k)
    assert upside_down(turned, y, k)


def test_libraries_own_gradients() -> None:
    torch = pytest.importorskip("torch")
    X, y = data("numbers")

    def cut(s: Any, t: Any) -> Any:
        return ((s - t).detach() * s)[:, 0] + 0.0 * torch.abs(t)[:, 0]

    whole = ds.custom_loss(lambda s, t: torch.square(s - t)[:, 0], library="torch")
    part = ds.custom_loss(cut, library="torch")
    met = ds.custom_loss(lambda s, t: torch.square(s - t[:, 0]).mean(dim=1), library="torch")
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.3), torch.nn.Linear(4, 1)
    )
    for model, loss, codes in (
        (ds.Linear(), whole, []),
        (module, "squared_error", []),
        (ds.Linear(), part, ["wrong-gradient"]),
        (ds.Linear(), met, ["broadcast"]),
    ):
        run = ds.train(ds.Task(model, loss, ds.adam(0.02)), X, y, epochs=20, batch_size=32)
        assert list(found(run)) == codes
