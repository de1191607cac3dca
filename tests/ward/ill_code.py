"""Illnesses of the program: signs and gradients.

Learners' losses and models are written here in NumPy with gradients by hand, right or wrong; the
twin is the same with the mistake undone.
"""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    curve,
    line,
    shapes,
    sound_classes,
    sound_line,
    two_classes,
)
from tests.ward.loops import loop
from tests.ward.patient import Case, Draft, Told, log_uniform, pick, recipe

import descend as ds


def sigmoid(s):
    return 0.5 * (1 + np.tanh(0.5 * s))


# Losses by hand: value and slope of each row, one output.
SQUARED = (lambda s, y: (s - y)[:, 0] ** 2, lambda s, y: 2 * (s - y))
LIKELIHOOD = (
    lambda s, y: (np.logaddexp(0, s) - y * s)[:, 0],
    lambda s, y: sigmoid(s) - y,
)


def custom(loss, *, value=1.0, slope=1.0, targets="numbers", name="mine"):
    """Return a loss by hand with its value, or its slope, multiplied."""
    f, g = loss
    return ds.custom_loss(
        lambda s, y: value * f(s, y),
        gradient=lambda s, y: slope * g(s, y),
        library="numpy",
        targets=targets,
        name=name,
    )


def with_loss(case, loss, **options):
    return case.but(task=ds.Task(case.task.model, loss, case.task.optimizer), **options)


def worse_than_the_cure(run, cured):
    """Tell whether the learner's parameters are worse than the start by the loss meant."""
    X, y = np.asarray(run.data.seen[0]), np.asarray(run.data.y, float)
    scores = X @ run.params["weight"] + run.params["bias"]
    if not np.isfinite(scores).all():
        return True
    e = scores - y
    if cured.task.loss.name == "logistic" or set(np.unique(y)) == {0.0, 1.0}:
        meant = np.mean(np.logaddexp(0, scores) - y * scores)
        return meant > 1.2 * np.log(2)
    return np.mean(e**2) > 1.2 * np.mean(y**2)


# ---------------------------------------------------------------- wrong-sign


@recipe("wrong-sign", dressed=True)
def likelihood_without_its_minus(rng):
    # The "loss" falls below zero and on, and the answers get worse.
    cured, _ = sound_classes(rng, share=rng.uniform(0.3, 0.9))
    loss = custom(LIKELIHOOD, value=-1.0, slope=-1.0, targets="two labels", name="likelihood")
    ill = with_loss(cured, loss, epochs=int(rng.integers(50, 300)))
    return Draft(
        "the log-likelihood is minimised: its minus is missing", ill, worse_than_the_cure, cured
    )


@recipe("wrong-sign", dressed=True)
def slope_turned_around(rng):
    # The value is right, the slope by hand has the other sign: the loss climbs.
    cured, top = sound_line(rng, share=0.5)
    loss = custom(SQUARED, slope=-1.0, name="squares")
    rate = log_uniform(rng, 1e-3, 0.05) * top
    ill = with_loss(cured, loss, epochs=int(rng.integers(40, 200)))
    ill = ill.with_optimizer(ds.gradient_descent(rate))
    return Draft("y - s where s - y was meant, in the gradient", ill, worse_than_the_cure, cured)


@recipe("wrong-sign", dressed=True)
def classes_turned_around(rng):
    cured, _ = sound_classes(rng, share=rng.uniform(0.3, 0.9))
    loss = custom(LIKELIHOOD, slope=-1.0, targets="two labels", name="cross entropy")
    ill = with_loss(cured, loss, epochs=int(rng.integers(50, 200)))
    return Draft("y - p where p - y was meant, in the gradient", ill, worse_than_the_cure, cured)


@recipe("wrong-sign")
def a_loop_that_climbs(rng):
    """Elsewhere: w = w + rate * gradient, at a step that would have been fine."""
    X, y = line(rng, noise=0.3)
    rate = log_uniform(rng, 0.005, 0.2) * anatomy.limit(X)
    ill = loop(X, y, rate, int(rng.integers(40, 150)), sign=1.0)

    def proof(told, _):
        good = loop(X, y, rate, len(told.history["loss"]))["loss"]
        return told.history["loss"][-1] > told.history["loss"][0] > good[-1]

    return Draft("a loop that adds the gradient", Told(ill, X, y), proof)


@recipe("wrong-sign")
def a_loop_without_the_minus(rng):
    """Elsewhere, as in line_sgd: the likelihood falls below zero, accuracy does not move."""
    X, y = two_classes(rng)
    rate = rng.uniform(0.3, 0.9) * anatomy.limit(X, "logistic")
    A, theta = anatomy.design(X), np.zeros(X.shape[1] + 1)
    seen = {"loss": [], "gradient_norm": [], "accuracy": []}
    for _ in range(int(rng.integers(60, 300))):
        s = A @ theta
        g = -A.T @ (sigmoid(s) - y) / len(y)
        seen["loss"].append(-float(np.mean(np.logaddexp(0, s) - y * s)))
        seen["gradient_norm"].append(float(np.linalg.norm(g)))
        seen["accuracy"].append(float(np.mean((s > 0) == (y == 1))))
        theta = theta - rate * g
    told = Told({name: np.array(v) for name, v in seen.items()}, X, y)

    def proof(told, _):
        return told.history["loss"][-1] < -1 and told.history["accuracy"][-1] < max(
            y.mean(), 1 - y.mean()
        )

    return Draft("a loop that minimises the likelihood", told, proof)


# ---------------------------------------------------------------- wrong-gradient


def net_by_hand(rng, d, hidden, slip, activation="tanh"):
    """Return a model of one hidden layer with its way back by hand, and one slip."""
    a, da = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    }[activation]

    def init(rng):
        return {
            "W": rng.normal(size=(d, hidden)) / np.sqrt(d),
            "b": np.zeros(hidden),
            "v": rng.normal(size=(hidden, 1)) / np.sqrt(hidden),
            "c": np.zeros(1),
        }

    def apply(params, X):
        return a(X @ params["W"] + params["b"]) @ params["v"] + params["c"]

    def back(params, X, dscores):
        z = X @ params["W"] + params["b"]
        below = dscores @ params["v"].T
        if slip != "missing derivative":
            below = below * da(z)
        found = {
            "W": X.T @ below,
            "b": below.sum(axis=0),
            "v": a(z).T @ dscores,
            "c": dscores.sum(axis=0),
        }
        if slip == "first layer forgotten":
            found["W"] = np.zeros_like(found["W"])
        if slip == "first layer turned":
            found["W"], found["b"] = -found["W"], -found["b"]
        if slip == "bias forgotten":
            found["c"] = np.zeros(1)
        if slip == "units shuffled":
            found["W"] = found["W"][:, ::-1]
        if slip == "sums for activations":
            found["v"] = z.T @ dscores
        return found

    return ds.custom_model(init, apply, gradient=back, library="numpy", name="mine")


def gradient_differs(run, cured):
    """Tell whether the slope along some direction is not what differences of the loss say."""
    return angle(run) < 0.98 and angle(cured) > 0.9999


def angle(run):
    """Return the cosine between the given gradient and differences of the run's own loss."""
    theta = np.asarray(run.at(0).theta, float)
    theta = theta + 0.1 * np.random.default_rng(0).normal(size=theta.size)
    given = run.program.value_and_gradient(theta)[1]
    h, found = 1e-6, []
    for j in range(theta.size):
        move = h * (np.arange(theta.size) == j)
        found.append((run.program.value(theta + move) - run.program.value(theta - move)) / (2 * h))
    found = np.array(found)
    return float(given @ found / np.linalg.norm(given) / np.linalg.norm(found))


def slipped(rng, slips, loss=None):
    slip = pick(rng, *slips)
    X, y, kind = (
        (*curve(rng), "squared_error") if rng.random() < 0.6 else (*shapes(rng), "logistic")
    )
    hidden, activation = int(rng.integers(4, 13)), pick(rng, "tanh", "sigmoid")
    optimizer = pick(rng, ds.gradient_descent(0.1), ds.momentum(0.02), ds.adam(0.02))
    made = [net_by_hand(rng, X.shape[1], hidden, s, activation) for s in (slip, None)]
    options = {"epochs": 250, "seed": int(rng.integers(10**6))}
    ill, cured = (Case(ds.Task(model, kind, optimizer), X, y, options) for model in made)
    return Draft(f"a net by hand, {activation}: {slip}", ill, gradient_differs, cured)


@recipe("wrong-gradient")
def activation_derivative_forgotten(rng):
    return slipped(rng, ("missing derivative", "sums for activations"))


@recipe("wrong-gradient")
def a_layer_forgotten(rng):
    return slipped(rng, ("first layer forgotten", "first layer turned"))


@recipe("wrong-gradient")
def a_part_misplaced(rng):
    return slipped(rng, ("units shuffled", "bias forgotten"))


@recipe("wrong-gradient", dressed=True)
def slope_of_another_loss(rng):
    # The value is one loss's, the slope another's.
    cured, _ = sound_line(rng, share=0.3, noise=0.3)
    other = (lambda s, y: (s - y)[:, 0] ** 2, lambda s, y: np.where(s > y, 4.0, 0.5) * (s - y))
    right = with_loss(cured, custom(SQUARED, name="mine"))
    ill = with_loss(cured, custom(other, name="mine"))
    return Draft("the slope by hand is not the loss's", ill, gradient_differs, right)


@recipe("wrong-gradient", dressed=True)
def a_column_left_out(rng):
    # A linear model by hand whose gradient forgets or shifts columns.
    X, y = line(rng, d=int(rng.integers(3, 9)), noise=0.3)
    d, slip = X.shape[1], pick(rng, "shifted", "first only", "not multiplied")

    def model(slip):
        def back(params, X, dscores):
            g = X.T @ dscores
            g = {
                "shifted": lambda: np.roll(g, 1, axis=0),
                "first only": lambda: g * (np.arange(d) < 1)[:, None],
                "not multiplied": lambda: np.repeat(dscores.sum(axis=0)[None], d, axis=0),
                None: lambda: g,
            }[slip]()
            return {"W": g, "b": dscores.sum(axis=0)}

        return ds.custom_model(
            lambda rng: {"W": np.zeros((d, 1)), "b": np.zeros(1)},
            lambda params, X: X @ params["W"] + params["b"],
            gradient=back,
            library="numpy",
            name="mine",
        )

    rate = 0.2 * anatomy.limit(X)
    ill, cured = (
        Case(ds.Task(model(s), "squared_error", ds.gradient_descent(rate)), X, y, {"epochs": 200})
        for s in (slip, None)
    )
    return Draft(f"a line by hand, its gradient {slip}", ill, gradient_differs, cured)
