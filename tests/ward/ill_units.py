"""Illnesses of a net's units: dead, or stuck at their ends."""

from __future__ import annotations

import math

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import curve, shapes, sound_net
from tests.ward.patient import Draft, log_uniform, pick, recipe

import descend as ds


def problem(rng):
    """Return rows that a net learns, and their loss."""
    if rng.random() < 0.6:
        return (*curve(rng), "squared_error")
    return (*shapes(rng), "logistic")


def given(case, change):
    """Return the case started from its own start, changed by hand."""
    model = case.task.model
    k = 1 if np.ndim(case.y) == 1 else case.y.shape[1]
    from descend.models import start

    layout = model.layout(case.X.shape[1], k)
    theta = start(model, layout, case.options.get("seed", 0)).copy()
    parts = layout.split(theta)
    change(parts)
    return case.with_model(ds.MLP(model.hidden, model.activation, theta.copy()))


def suffers(run, cured, share=0.3):
    """Tell whether the loss stayed well above what the same net reaches without the illness."""
    start, end = anatomy.objective(run, anatomy.start_of(run)), anatomy.objective(run)
    if not math.isfinite(end):
        return True
    good, nothing = anatomy.objective(cured), constant_loss(run)
    del start
    return end > good + share * (nothing - good)


def constant_loss(run):
    """Return the loss of the best constant."""
    y = np.asarray(run.data.y, float)
    if run.task.loss.name == "logistic":
        p = y.mean()
        return float(-p * math.log(p) - (1 - p) * math.log(1 - p))
    return float(y.var(axis=0).mean()) * (0.5 if "half" in run.task.loss.name else 1)


# ---------------------------------------------------------------- dead-units


def dead(run, cured):
    share = [np.mean((a == 0).all(axis=0)) for a in anatomy.hidden(run)[1]]
    return max(share) >= 0.6 and suffers(run, cured, 0.2)


def relu_net(rng, loss=None):
    X, y, found = problem(rng)
    return sound_net(rng, X, y, found, activation="relu", hidden=pick(rng, (12,), (16,), (12, 8)))


@recipe("dead-units")
def biases_far_below_zero(rng):
    cured = relu_net(rng)
    depth = rng.uniform(15, 60)

    def change(parts):
        parts["layer1.bias"][:] = -depth

    ill = given(cured, change)
    return Draft(f"rectified units that start with a bias of -{depth:.0f}", ill, dead, cured)


@recipe("dead-units")
def most_units_switched_off(rng):
    X, y, loss = problem(rng)
    cured = sound_net(rng, X, y, loss, activation="relu", hidden=(int(rng.integers(7, 13)),))

    def change(parts):
        parts["layer1.bias"][1:] = -rng.uniform(20, 40)

    return Draft(
        "all rectified units but one start switched off", given(cured, change), dead, cured
    )


@recipe("dead-units")
def second_layer_switched_off(rng):
    X, y, loss = problem(rng)
    cured = sound_net(rng, X, y, loss, activation="relu", hidden=(12, 8))

    def change(parts):
        parts["layer2.bias"][:] = -rng.uniform(30, 80)

    return Draft("a second layer that starts switched off", given(cured, change), dead, cured)


@recipe("dead-units")
def left_by_a_great_step(rng):
    # It starts where a step far too large has left another run; its own step is sound.
    cured = relu_net(rng)

    def change(parts):
        for name in ("layer1.weight", "layer1.bias"):
            parts[name][:] = -rng.uniform(0.5, 3, parts[name].shape)
        parts["layer1.weight"] *= 0.1
        parts["layer1.bias"] -= 3

    return Draft("units that a great step has left dead", given(cured, change), dead, cured)


@recipe("dead-units")
def negative_weights_positive_rows(rng):
    cured = relu_net(rng)
    cured = cured.but(X=np.abs(cured.X))

    def change(parts):
        parts["layer1.weight"][:] = -np.abs(parts["layer1.weight"])

    return Draft("positive rows meet negative weights", given(cured, change), dead, cured)


# ---------------------------------------------------------------- saturated-units


def saturated(run, cured):
    ends = []
    for z, _a in zip(*anatomy.hidden(run), strict=True):
        scale = 1.0 if run.task.model.activation.name == "tanh" else 0.5
        ends.append(np.mean(np.abs(scale * z) > 3))
    return max(ends) > 0.75 and suffers(run, cured, 0.15)


def stuck(rng, X, y, loss, activation, change, words):
    cured = sound_net(rng, X, y, loss, activation=activation)
    return Draft(words, given(cured, change), saturated, cured)


@recipe("saturated-units")
def weights_far_too_large(rng):
    times = log_uniform(rng, 20, 200)

    def change(parts):
        parts["layer1.weight"] *= times
        parts["layer1.bias"][:] = times * rng.normal(size=len(parts["layer1.bias"]))

    return stuck(
        rng, *problem(rng), "tanh", change, f"tanh units, weights {times:.0f} times too large"
    )


@recipe("saturated-units")
def biases_far_from_zero(rng):
    depth = rng.uniform(8, 20)

    def change(parts):
        b = parts["layer1.bias"]
        b[:] = depth * rng.choice([-1, 1], len(b))

    return stuck(
        rng, *problem(rng), "tanh", change, f"tanh units that start at a bias of {depth:.0f}"
    )


@recipe("saturated-units")
def sigmoids_at_their_ends(rng):
    depth = rng.uniform(10, 30)

    def change(parts):
        b = parts["layer1.bias"]
        b[:] = depth * rng.choice([-1, 1], len(b))

    return stuck(rng, *problem(rng), "sigmoid", change, "sigmoid units that start at their ends")


@recipe("saturated-units")
def every_layer_too_large(rng):
    times = log_uniform(rng, 30, 100)

    def change(parts):
        for name in parts:
            if name.endswith("weight") and name != list(parts)[-2]:
                parts[name] *= times

    X, y, loss = problem(rng)
    cured = sound_net(rng, X, y, loss, activation="tanh", hidden=(12, 8))
    ill = given(cured, change)
    return Draft(f"two tanh layers, weights {times:.0f} times too large", ill, saturated, cured)
