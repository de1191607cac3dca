"""The healthy among nets, real tables, the classics and the histories of others."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    curve,
    line,
    several_classes,
    shapes,
    sound,
    steps_to,
)
from tests.ward.loops import loop
from tests.ward.patient import Case, Draft, Fitted, Told, pick, recipe
from tests.ward.vitals import r2
from tests.ward.well import fits, sometimes_validated, well

import descend as ds
from descend.activations import ACTIVATIONS

# ---------------------------------------------------------------- nets


def a_net(rng, X, y, loss, activation, hidden, optimizer, **options):
    options = {"epochs": 800, "validation": 0.25, "seed": int(rng.integers(10**6)), **options}
    task = ds.Task(ds.MLP(hidden, activation), loss, optimizer, ds.l2(1e-4))
    return Case(task, X, y, options)


@recipe("healthy")
def a_curve_with_any_activation(rng):
    activation = pick(rng, *(name for name in ACTIVATIONS if name not in {"softmax", "identity"}))
    X, y = curve(rng, n=int(rng.integers(300, 800)), d=int(rng.integers(1, 3)))
    hidden = pick(rng, (8,), (16,), (12, 8))
    case = a_net(rng, X, y, "squared_error", activation, hidden, ds.adam(pick(rng, 0.01, 0.02)))
    return Draft(f"a {activation} net {hidden} for a curve", case, fits(0.9))


@recipe("healthy")
def a_curve_with_any_rule(rng):
    X, y = curve(rng, n=int(rng.integers(300, 800)), d=int(rng.integers(1, 3)))
    optimizer = pick(
        rng,
        ds.adamw(0.01),
        ds.nadam(0.01),
        ds.amsgrad(0.01),
        ds.rmsprop(0.005, schedule=ds.schedules.cosine(1000)),
        ds.momentum(0.02),
        ds.nesterov(0.02),
        ds.adagrad(0.1),
        ds.lbfgs(),
    )
    epochs = 100 if optimizer.rule.name == "lbfgs" else 1000
    case = a_net(rng, X, y, "squared_error", "tanh", (12,), optimizer, epochs=epochs)
    return Draft(f"a tanh net, {optimizer.rule.name}", case, fits(0.85))


@recipe("healthy")
def shapes_in_the_plane(rng):
    X, y = shapes(rng, n=int(rng.integers(300, 600)))
    activation = pick(rng, "tanh", "relu", "silu", "gelu")
    case = a_net(rng, X, y, "logistic", activation, pick(rng, (8,), (16,), (8, 8)), ds.adam(0.02))
    return Draft(f"a {activation} net for two shapes", case, fits(0.93))


@recipe("healthy")
def a_net_in_batches(rng):
    X, y = curve(rng, n=int(rng.integers(400, 1000)), d=2)
    batch, epochs = int(pick(rng, 32, 64)), 150
    steps = epochs * -(-int(0.75 * len(X)) // batch)
    optimizer = ds.adam(0.01, schedule=ds.schedules.cosine(steps))
    case = a_net(
        rng, X, y, "squared_error", "tanh", (16,), optimizer, batch_size=batch, epochs=epochs
    )
    return Draft(f"a net in batches of {batch}", case, fits(0.9))


@recipe("healthy")
def stopped_in_time(rng):
    # It would have overfitted: patience brought the best parameters back.
    X, y = curve(rng, n=int(rng.integers(150, 300)), d=1, noise=0.4)
    case = a_net(
        rng, X, y, "squared_error", "tanh", (32,), ds.adam(0.01), patience=150, epochs=3000
    )

    def proof(run, _):
        X, y, _w = run.data.validation
        return run.outcome.reason == "validation" and r2(run, X, y) > 0.7

    return Draft("a large net, stopped in time by its validation rows", case, proof)


@recipe("healthy")
def several_labels_by_a_net(rng):
    X, y = several_classes(rng, n=int(rng.integers(500, 1000)), distance=3.0, k=3)
    case = a_net(rng, X, y, "softmax", pick(rng, "tanh", "relu"), (8,), ds.adam(0.01), epochs=400)
    return Draft("a net for three clouds", case, fits(0.75))


# ---------------------------------------------------------------- real tables, and the classics


@recipe("healthy")
def a_real_classification(rng):
    from sklearn import datasets

    load = pick(rng, datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer)
    X, y = load(return_X_y=True)
    rows = rng.permutation(len(X))
    loss = "softmax" if y.max() > 1 else "logistic"
    optimizer = pick(rng, ds.lbfgs(), ds.newton(), ds.gradient_descent("auto"), ds.adam(0.05))
    task = ds.Task(ds.Linear(), loss, optimizer, ds.l2(float(pick(rng, 0.01, 0.03))))
    epochs = 100 if optimizer.rule.searches else 3000
    case = Case(task, X[rows], y[rows], {"epochs": epochs, "standardize": True})
    return Draft(
        f"{load.__name__[5:]}, {optimizer.rule.name}", sometimes_validated(rng, case), well
    )


@recipe("healthy")
def a_real_regression(rng):
    from sklearn import datasets

    load = pick(rng, datasets.load_diabetes, datasets.load_linnerud)
    X, y = load(return_X_y=True)
    optimizer = pick(rng, ds.lbfgs(), ds.newton(), ds.adam(1.0))
    epochs = 100 if optimizer.rule.searches else 3000
    task = ds.Task(ds.Linear(), "squared_error", optimizer)
    case = Case(task, X, y, {"epochs": epochs, "standardize": True})
    case = case.but(validation=0.2) if len(X) > 100 and rng.random() < 0.5 else case
    return Draft(f"{load.__name__[5:]}, {optimizer.rule.name}", case, well)


@recipe("healthy")
def handwritten_digits(rng):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rows = rng.permutation(len(X))[: int(rng.integers(600, 1797))]
    X, y = X[rows] / 16.0, y[rows]
    X = X[:, (X > 0).mean(axis=0) > 0.1]
    task = ds.Task(ds.Linear(), "softmax", ds.lbfgs(), ds.l2(0.03))
    case = Case(task, X, y, {"epochs": 150, "validation": 0.2})
    return Draft("handwritten digits", case, fits(0.9))


@recipe("healthy")
def a_classic_corrected(rng):
    seed = int(rng.integers(10**6))
    if rng.random() < 0.4:
        rows = ds.datasets.line_by_hand(seed)
        task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.1))
        held = (rows.X_validation, rows.y_validation)
        case = Case(task, rows.X, rows.y, {"epochs": 1000, "validation": held})
        return Draft("line_by_hand", case, well)
    if rng.random() < 0.5:
        X, y = ds.datasets.line_sgd(int(rng.integers(500, 5000)), seed)
        rate, name = rng.uniform(0.3, 0.7), "line_sgd at a good step"
    else:
        X, y = ds.datasets.sliders(float(pick(rng, 0.0, 1.0)), seed)
        rate, name = 0.1, "sliders"
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(rate))
    return Draft(name, Case(task, X, y, {"epochs": 400}), well)


@recipe("healthy")
def moons_corrected(rng):
    X, y = ds.datasets.moons(200, 0.1, int(rng.integers(10**6)))
    case = a_net(rng, X, y, "logistic", "tanh", (8,), ds.adam(0.05), epochs=500)
    return Draft("moons under cross-entropy", case, fits(0.9))


@recipe("healthy")
def a_shipped_table(rng):
    """As `descend fit` does it."""
    name, target = pick(rng, ("diabetes", "progression"), ("breast-cancer", "diagnosis"))
    options = {"penalty": "l2:0.1"} if target == "diagnosis" else {}
    fitted = Fitted(name, target, {"seed": int(rng.integers(10**6)), **options})
    return Draft(f"descend fit {name} --target {target}", fitted, well)


@recipe("healthy")
def a_loop_that_is_fine(rng):
    """Elsewhere: nothing is wrong."""
    X, y = line(rng, noise=rng.uniform(0.05, 1), d=int(rng.integers(1, 6)))
    seen = anatomy.curvatures(X)
    rate = rng.uniform(0.3, 0.8) * 2 / seen[-1]
    told = Told(loop(X, y, rate, steps_to(0.01, rate, seen[0]) + 20), X, y)

    def proof(told, _):
        A, loss = anatomy.design(X), told.history["loss"]
        best = np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2)
        return loss[-1] - best < 0.01 * (loss[0] - best)

    return Draft("a loop that is fine", told, proof)


@recipe("healthy")
def many_columns(rng):
    d = int(rng.integers(15, 41))
    X, y = line(rng, n=int(rng.integers(30, 80)) * d, d=d, noise=0.3)
    case, _ = sound(rng, X, y, "squared_error", 0.6)
    return Draft(f"{d} columns", sometimes_validated(rng, case), well)
