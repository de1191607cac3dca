"""Illnesses of the program: signs, gradients, shapes, and losses that do not suit their targets.

Learners' losses and models are written here in NumPy with gradients by hand, right or wrong; the
twin is the same with the mistake undone.
"""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    curve,
    line,
    several_classes,
    shapes,
    sound,
    sound_classes,
    sound_line,
    sound_net,
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
