"""Models, data and points drawn at random: something to take a gradient of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tests import handwritten
from tests.handwritten import ACTIVATION, LOSS, Setting

import descend as ds
from descend.losses import LOSSES


@dataclass(frozen=True)
class Drawn:
    """A setting with its data and point."""

    setting: Setting
    X: Any
    y: Any
    point: Any

    def gradient(self, slips=()):
        return handwritten.gradient(self.setting, self.point, self.X, self.y, slips)


def draw(rng, **wants):
    """Return a setting with data and a point, random but for what is wanted."""
    loss = str(rng.choice(wants.get("losses", tuple(LOSS))))
    k = int(rng.choice(wants.get("outputs", (1, 1, 2, 3, 4))))
    k = max(k, 2) if loss == "softmax" else k
    d, n = int(rng.integers(2, 6)), int(rng.integers(6, 31))
    penalty = wants.get("penalty", rng.random() < 0.4)
    X = rng.normal(size=(n, d)) * rng.uniform(0.5, 2, size=d) + rng.normal(scale=0.5, size=d)
    hidden = _hidden(rng, d, wants.get("hidden"))
    setting = Setting(
        sizes=(d, *hidden, k),
        bias=wants.get("bias", rng.random() < 0.85),
        activation=str(rng.choice(wants.get("activations", tuple(ACTIVATION))))
        if hidden
        else "identity",
        loss=loss,
        c={"huber": rng.uniform(0.5, 1.5), "quantile": rng.choice([0.1, 0.3, 0.75])}.get(loss),
        strength=float(np.exp(rng.uniform(-3, 0.5))) if penalty else 0.0,
        penalised_biases=bool(penalty and wants.get("penalised_biases", rng.random() < 0.2)),
        reduction=wants.get("reduction", str(rng.choice(["mean", "mean", "sum"]))),
        weights=rng.uniform(0.3, 2.5, size=n)
        if wants.get("weighted", rng.random() < 0.25)
        else None,
    )
    y = _targets(rng, setting, n)
    column = y.ndim == 2 and k == 1 and (wants.get("flat_targets") or rng.random() < 0.7)
    return Drawn(setting, X, y[:, 0] if column else y, _point(rng, setting))


def _hidden(rng, d, wanted):
    nets = [(3,), (4,), (6,), (3, 4), (4, 4), (5, 3), (d, d), (3, 3, 3), (2, 5, 2)]
    if wanted is False or (wanted is None and rng.random() < 0.4):
        return ()
    return nets[int(rng.integers(len(nets)))]


def _targets(rng, setting, n):
    k = setting.sizes[-1]
    kind = LOSSES.make(setting.loss).targets
    if kind == "labels":
        return rng.permutation(np.arange(n) % k)
    if kind == "two labels":
        return rng.permuted(np.arange(n)[:, None] % 2 * np.ones((1, k)), axis=0)
    if kind == "counts":
        return rng.poisson(2, size=(n, k)).astype(float)
    return rng.normal(scale=2, size=(n, k))


def _point(rng, setting):
    parts = [
        rng.normal(scale=shape[0] ** -0.5 if len(shape) == 2 else 0.5, size=shape).ravel()
        for shape in setting.shapes.values()
    ]
    return np.concatenate(parts)


def task_of(setting):
    """Return the same as a task."""
    activation = setting.activation
    hidden = setting.sizes[1:-1]
    model = ds.MLP(hidden, activation, bias=setting.bias) if hidden else ds.Linear(setting.bias)
    loss = {"huber": ds.huber, "quantile": ds.quantile}.get(setting.loss)
    made = loss(setting.c) if loss else LOSSES.make(setting.loss)
    penalty = ds.l2(setting.strength, biases=setting.penalised_biases) if setting.strength else None
    return ds.Task(model, made, "gradient_descent", penalty, setting.reduction)
