"""Illnesses of the loss: shapes that spread, and losses that do not suit their targets."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    line,
    several_classes,
    shapes,
    sound,
    sound_classes,
    sound_line,
    sound_net,
    two_classes,
)
from tests.ward.ill_code import custom, sigmoid, with_loss
from tests.ward.loops import loop
from tests.ward.patient import Draft, Told, pick, recipe

import descend as ds

# ---------------------------------------------------------------- broadcast


BROADCAST = (
    lambda s, y: ((s - y[:, 0]) ** 2).mean(axis=1),
    lambda s, y: 2 * (s - y[:, 0]).mean(axis=1, keepdims=True),
)
BROADCAST_SIZES = (
    lambda s, y: np.abs(s - y[:, 0]).mean(axis=1),
    lambda s, y: np.sign(s - y[:, 0]).mean(axis=1, keepdims=True),
)
BROADCAST_CLASSES = (
    lambda s, y: (np.logaddexp(0, s) - y[:, 0] * s).mean(axis=1),
    lambda s, y: (sigmoid(s) - y[:, 0]).mean(axis=1, keepdims=True),
)


def all_alike(run, cured):
    """Every prediction has come to the same constant, where the twin tells rows apart."""
    X = np.asarray(run.data.seen[0])
    ill = X @ run.params["weight"] + run.params["bias"]
    good = X @ cured.params["weight"] + cured.params["bias"]
    return ill.std() < 0.05 * good.std()


@recipe("broadcast", dressed=True)
def column_minus_row(rng):
    cured, _ = sound_line(rng, share=0.5)
    ill = with_loss(cured, custom(BROADCAST, name="squares"))
    return Draft("(n, 1) minus (n,) in a squared error", ill, all_alike, cured)


@recipe("broadcast", dressed=True)
def column_times_row(rng):
    cured, _ = sound_classes(rng, share=0.8)
    ill = with_loss(cured, custom(BROADCAST_CLASSES, targets="two labels", name="cross entropy"))
    start = rng.normal(size=cured.X.shape[1])
    ill = ill.with_model(ds.Linear(init={"weight": start, "bias": [0.3]}))
    return Draft("(n, 1) times (n,) in a cross entropy", ill, all_alike, cured)


@recipe("broadcast")
def column_minus_row_from_a_start(rng):
    cured, _ = sound_line(rng, share=0.5)
    d = cured.X.shape[1]
    start = rng.normal(size=d) * cured.y.std()
    ill = with_loss(cured, custom(BROADCAST, name="squares"))
    ill = ill.with_model(ds.Linear(init={"weight": start, "bias": [cured.y.std()]}))
    return Draft("(n, 1) minus (n,), from a start of its own", ill, all_alike, cured)


@recipe("broadcast")
def a_loop_that_broadcasts(rng):
    X, y = line(rng, noise=rng.uniform(0.05, 0.4), n=int(rng.integers(60, 400)))
    rate = rng.uniform(0.3, 0.8) * anatomy.limit(X)

    def error(s, y):
        e = s[:, None] - y[None, :]
        return float(np.mean(e**2)), 2 * e.mean(axis=1)

    updates = 1500
    ill = Told(loop(X, y, rate, updates, error=error), X, y)

    def proof(told, _):
        A = anatomy.design(X)
        best = np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2)
        return abs(told.history["loss"][-1] - y.var()) < 1e-3 * y.var() and best < 0.5 * y.var()

    return Draft("a loop: (n, 1) minus (n,)", ill, proof)


# ---------------------------------------------------------------- loss-mismatch


def ends_well(run, _):
    """Tell whether it came to rest somewhere: the loss is the only thing wrong with it."""
    loss = np.asarray(run.history["loss"])
    later = loss[int(0.8 * len(loss))]
    return np.isfinite(run.theta).all() and later - loss[-1] < 0.1 * (loss[0] - loss[-1])


@recipe("loss-mismatch", dressed=True)
def squares_of_probabilities(rng):
    cured, _ = sound_classes(rng)
    ill = with_loss(cured, "brier", epochs=cured.options["epochs"] * 6)
    return Draft(
        "squared error on the probabilities of a logistic regression", ill, ends_well, cured
    )


@recipe("loss-mismatch")
def squares_of_probabilities_in_a_net(rng):
    """As in moons: N(0, 1) starts, squared error on a sigmoid."""
    X, y = shapes(rng)
    cured = sound_net(rng, X, y, "logistic")
    model = ds.MLP(
        cured.task.model.hidden, cured.task.model.activation, pick(rng, "normal", "auto")
    )
    ill = with_loss(cured, "brier").with_model(model)
    ill = ill.with_optimizer(ds.gradient_descent(pick(rng, 0.1, 0.5, 1.0)))
    return Draft("a net with a sigmoid under squared error", ill, ends_well, cured)


@recipe("loss-mismatch", dressed=True)
def squares_on_two_labels(rng):
    X, y = two_classes(rng)
    cured, _ = sound(rng, X, y, "logistic")
    ill, _ = sound(rng, X, y.astype(float), pick(rng, "squared_error", "half_squared_error"), 0.6)
    return Draft("squared error on the labels 0 and 1", ill, ends_well, cured)


@recipe("loss-mismatch", dressed=True)
def squares_on_class_numbers(rng):
    X, y = several_classes(rng)
    cured, _ = sound(rng, X, y, "softmax", 0.9)
    ill, _ = sound(rng, X, y.astype(float), "squared_error", 0.6)
    return Draft(f"squared error on the numbers of {y.max() + 1} classes", ill, ends_well, cured)


@recipe("loss-mismatch", dressed=True)
def sizes_on_signs(rng):
    X, y = two_classes(rng)
    cured, _ = sound(rng, X, y, "logistic")
    ill, _ = sound(rng, X, 2.0 * y - 1, "squared_error", 0.6)
    ill = with_loss(ill, pick(rng, "squared_error", "huber", "log_cosh"))
    return Draft("a regression loss on labels -1 and 1", ill, ends_well, cured)
