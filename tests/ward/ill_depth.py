"""Illnesses of depth and start: gradients that vanish, sums that burst, units all alike."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import curve, sound_net
from tests.ward.ill_units import constant_loss, given, problem, suffers
from tests.ward.patient import Case, Draft, pick, recipe

import descend as ds

# ---------------------------------------------------------------- vanishing-gradient


def vanishing(twin):
    """Return a proof: the first layer's gradient is a trifle, and a twin of rectifiers learns.

    The twin has the same depth, rule and length: only the units and their start are other ones.
    """

    def proof(run, _):
        theta = anatomy.start_of(run)
        sizes = anatomy.slopes_by_layer(run, theta)
        wide = max(np.mean(np.abs(z) > 4) for z in anatomy.hidden(run, theta)[0])
        if sizes[0] > 1e-3 * sizes[-1] or wide > 0.1:
            return False
        good = twin.train()
        return anatomy.objective(good) < 0.5 * constant_loss(run) and suffers(run, good, 0.6)

    return proof


def deep(rng, activation, depth, init="auto"):
    X, y, loss = problem(rng)
    width = int(rng.integers(8, 25))
    optimizer = pick(rng, ds.gradient_descent(0.05), ds.momentum(0.01), ds.adam(0.002))
    task = ds.Task(ds.MLP((width,) * depth, activation, init), loss, optimizer)
    ill = Case(task, X, y, {"epochs": 300, "seed": int(rng.integers(10**6))})
    twin = ill.with_model(ds.MLP((width,) * depth, "relu"))
    words = f"{depth} layers of {width} {activation} units, {optimizer.rule.name}"
    return Draft(words, ill, vanishing(twin))


@recipe("vanishing-gradient")
def deep_sigmoids(rng):
    return deep(rng, "sigmoid", int(rng.integers(5, 10)))


@recipe("vanishing-gradient")
def very_deep_sigmoids(rng):
    return deep(rng, "sigmoid", int(rng.integers(10, 14)))


@recipe("vanishing-gradient")
def deep_softmax_units(rng):
    """Each layer's units share one unit of activation, so each passes on a small part."""
    return deep(rng, "softmax", int(rng.integers(3, 6)))


@recipe("vanishing-gradient")
def deep_sigmoids_from_other_starts(rng):
    return deep(rng, "sigmoid", int(rng.integers(6, 10)), pick(rng, "lecun", "he"))


# ---------------------------------------------------------------- exploding-activations


def exploding(twin):
    """Return a proof: sums grow a hundredfold; started as it suits, the same net learns."""

    def proof(run, _):
        _, start = anatomy.hidden(run, anatomy.start_of(run))
        sizes = [float(np.sqrt(np.mean(a**2))) for a in start]
        inputs = float(np.sqrt(np.mean(anatomy.rows_of(run)[0] ** 2)))
        if sizes != sorted(sizes) or sizes[-1] < 100 * max(1.0, inputs):
            return False
        good = twin.train()
        return anatomy.objective(good) < 0.5 * constant_loss(run) and suffers(run, good, 0.3)

    return proof


def bursting(rng, activations, init, optimizers, words):
    X, y = curve(rng)
    depth, width = int(rng.integers(4, 7)), int(rng.integers(24, 41))
    activation, optimizer = pick(rng, *activations), pick(rng, *optimizers)
    model = ds.MLP((width,) * depth, activation)
    options = {"epochs": 300, "seed": int(rng.integers(10**6))}
    twin = Case(ds.Task(model, "squared_error", optimizer), X, y, options)
    ill = (
        given(twin, init)
        if callable(init)
        else twin.with_model(ds.MLP(model.hidden, activation, init))
    )
    words = f"{depth} layers of {width} {activation} units, {optimizer.rule.name}, {words}"
    return Draft(words, ill, exploding(twin))


SLOW = (ds.gradient_descent(0.02), ds.momentum(0.005), ds.adam(0.001))


@recipe("exploding-activations")
def normal_rectifiers(rng):
    return bursting(rng, ("relu", "leaky_relu"), "normal", SLOW, "drawn from N(0, 1)")


@recipe("exploding-activations")
def normal_smooth_units(rng):
    return bursting(rng, ("silu", "gelu", "elu"), "normal", SLOW, "drawn from N(0, 1)")


@recipe("exploding-activations")
def normal_softplus(rng):
    return bursting(rng, ("softplus",), "normal", SLOW[2:], "drawn from N(0, 1)")


@recipe("exploding-activations")
def enlarged_starts(rng):
    times = rng.uniform(4, 10)

    def change(parts):
        for name in parts:
            if name.endswith("weight"):
                parts[name] *= times

    activations = ("relu", "leaky_relu", "elu", "silu")
    return bursting(rng, activations, change, SLOW, f"weights {times:.1f} times too large")


# ---------------------------------------------------------------- identical-units


def alike(run, cured):
    parts = anatomy.setting_of(run).unpack(run.theta)
    W = np.vstack([parts["layer1.weight"], parts["layer1.bias"][None, :]])
    return np.ptp(W, axis=1).max() <= 1e-8 * max(np.abs(W).max(), 1e-300) and suffers(
        run, cured, 0.1
    )


def one_unit_many_times(rng, change, activations, words):
    X, y, loss = problem(rng)
    activation = pick(rng, *activations)
    cured = sound_net(rng, X, y, loss, activation=activation)
    return Draft(f"{activation} units, {words}", given(cured, change), alike, cured)


@recipe("identical-units")
def zeros_everywhere(rng):
    X, y, loss = problem(rng)
    activation = pick(rng, "tanh", "relu", "silu", "sigmoid", "softplus")
    cured = sound_net(rng, X, y, loss, activation=activation)
    hidden = cured.task.model.hidden
    ill = cured.with_model(ds.MLP(hidden, activation, "zeros"))
    return Draft(f"{activation} units, all weights start at 0", ill, alike, cured)


@recipe("identical-units")
def one_constant(rng):
    value = rng.uniform(0.05, 0.8) * pick(rng, 1, -1)

    def change(parts):
        for name in parts:
            if name.endswith("weight"):
                parts[name][:] = value

    return one_unit_many_times(rng, change, ("tanh", "silu"), f"all weights start at {value:.2f}")


@recipe("identical-units")
def copies_of_one_unit(rng):
    def change(parts):
        for name in parts:
            if name.endswith("weight"):
                parts[name][:] = parts[name][:, :1]
                if name != "layer1.weight":
                    parts[name][:] = parts[name][:1]

    return one_unit_many_times(rng, change, ("tanh", "silu", "gelu"), "copies of one unit")


@recipe("identical-units")
def one_constant_in_sigmoids(rng):
    value = rng.uniform(0.05, 0.5)

    def change(parts):
        for name in parts:
            if name.endswith("weight"):
                parts[name][:] = value

    return one_unit_many_times(rng, change, ("sigmoid", "softplus", "elu"), "all weights alike")
