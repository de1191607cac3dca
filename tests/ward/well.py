"""The healthy: every task, size, rule and table at which a doctor may be tempted to find something.

Each is looked at by `vitals` before it counts, and nets also by how they do on rows of their own.
"""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    counts,
    line,
    optimizer_near,
    several_classes,
    sound,
    two_classes,
)
from tests.ward.patient import Case, Draft, log_uniform, pick, recipe
from tests.ward.vitals import complaint, r2

import descend as ds


def well(run, _):
    return complaint(run) == ""


def fits(least):
    """Tell whether the validation rows are explained well enough, too."""

    def proof(run, _):
        X, y, _w = run.data.validation
        score = r2(run, X, y) if run.classes is None else anatomy.accuracy(run, X, np.ravel(y))
        return score > least and well(run, _)

    return proof


def sometimes_validated(rng, case):
    return case.but(validation=pick(rng, 0.2, 0.3)) if rng.random() < 0.5 else case


def with_any_rule(rng, case, top):
    """Return the case under some rule that gets there."""
    rate = case.task.optimizer.learning_rate
    names = ("plain", "plain", "adam", "adamw", "nadam", "amsgrad", "adagrad", "rmsprop", "lbfgs")
    name = pick(rng, *names, "newton")
    if name == "plain":
        return case.with_optimizer(optimizer_near(rng, rate))
    if name in {"lbfgs", "newton"}:
        return case.with_optimizer(getattr(ds, name)()).but(epochs=60)
    size = float(np.abs(np.asarray(case.y, float)).mean()) or 1.0
    size = 1.0 if case.task.loss.targets in {"two labels", "labels"} else size
    speed = {"adagrad": 0.5, "rmsprop": 0.01, "adamw": 0.03}.get(name, 0.05)
    schedule = ds.schedules.cosine(800)
    made = getattr(ds, name)(speed * size, schedule=schedule)
    if name == "adamw":
        made = ds.adamw(speed * size, weight_decay=0.0, schedule=schedule)
    return case.with_optimizer(made).but(epochs=800)


@recipe("healthy")
def a_line(rng):
    X, y = line(rng, n=int(log_uniform(rng, 40, 5000)))
    case, top = sound(rng, X, y, pick(rng, "squared_error", "half_squared_error"))
    case = with_any_rule(rng, sometimes_validated(rng, case), top)
    return Draft(f"linear regression, {case.task.optimizer.rule.name}", case, well)


@recipe("healthy")
def a_line_in_any_units(rng):
    X, y = line(rng)
    X = X * 10.0 ** rng.integers(-4, 5, X.shape[1]) + 10.0 ** rng.integers(0, 4)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent("auto"))
    case = Case(task, X, y, {"epochs": 800, "standardize": True})
    return Draft("columns of any units, standardised", sometimes_validated(rng, case), well)


@recipe("healthy")
def a_noisy_line(rng):
    """Little can be explained, and that is all there is to it."""
    X, y = line(rng, n=int(rng.integers(300, 2000)), noise=rng.uniform(1.5, 4))
    case, _ = sound(rng, X, y, "squared_error")
    return Draft("linear regression on very noisy targets", sometimes_validated(rng, case), well)


@recipe("healthy")
def a_line_without_noise(rng):
    X, y = line(rng, noise=0.0, d=int(rng.integers(1, 5)))
    case, _ = sound(rng, X, y, "squared_error")
    return Draft("targets that are exactly linear", case, well)


@recipe("healthy")
def several_outputs(rng):
    X, y = line(rng, k=int(rng.integers(2, 4)))
    case, _ = sound(rng, X, y, "squared_error")
    return Draft("linear regression with several outputs", case, well)


@recipe("healthy")
def robust_lines(rng):
    X, y = line(rng, n=int(rng.integers(80, 400)), noise=0.3)
    y = (y - y.mean()) / y.std()
    loss = pick(rng, ds.huber(1.0), ds.log_cosh())
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent("auto"))
    return Draft(f"{loss.name} regression", Case(task, X, y, {"epochs": 2000}), well)


@recipe("healthy")
def medians(rng):
    X, y = line(rng, n=int(rng.integers(60, 300)), d=int(rng.integers(1, 4)), noise=0.4)
    y = (y - y.mean()) / y.std()
    loss = pick(rng, ds.absolute_error(), ds.quantile(0.25), ds.quantile(0.9))
    optimizer = ds.adam(0.05, schedule=ds.schedules.cosine(1500))
    case = Case(ds.Task(ds.Linear(), loss, optimizer), X, y, {"epochs": 1500})
    return Draft(f"{loss.name} regression", case, well)


@recipe("healthy")
def counted(rng):
    X, y = counts(rng)
    task = ds.Task(ds.Linear(), "poisson", pick(rng, ds.newton(), ds.lbfgs()))
    return Draft("Poisson regression", Case(task, X, y, {"epochs": 60}), well)


@recipe("healthy")
def counted_slowly(rng):
    X, y = counts(rng)
    rate = 0.5 * anatomy.limit(X, "poisson", steepest=float(y.max()))
    task = ds.Task(ds.Linear(), "poisson", ds.gradient_descent(rate))
    return Draft("Poisson regression, plain descent", Case(task, X, y, {"epochs": 2500}), well)


@recipe("healthy")
def two_labels(rng):
    X, y = two_classes(rng, n=int(log_uniform(rng, 200, 5000)))
    case, top = sound(rng, X, y, "logistic", 0.8)
    case = with_any_rule(rng, sometimes_validated(rng, case), top)
    return Draft(f"logistic regression, {case.task.optimizer.rule.name}", case, well)


@recipe("healthy")
def a_minority_well_told(rng):
    X, y = two_classes(
        rng, n=int(rng.integers(500, 2000)), share=rng.uniform(0.15, 0.3), strength=4
    )
    case, _ = sound(rng, X, y, "logistic", 0.9)

    def proof(run, _):
        found = np.asarray(run.predict(X)) == 1
        return found[y == 1].mean() > 0.5 and well(run, _)

    return Draft(f"classes {y.mean():.0%} and {1 - y.mean():.0%}, well told", case, proof)


@recipe("healthy")
def margins(rng):
    X, y = two_classes(rng, n=int(rng.integers(150, 400)), d=int(rng.integers(1, 4)))
    loss = pick(rng, "squared_hinge", "hinge")
    optimizer = ds.adam(0.05, schedule=ds.schedules.cosine(1500))
    case = Case(ds.Task(ds.Linear(), loss, optimizer), X, y, {"epochs": 1500})
    return Draft(f"a linear classifier, {loss}", case, well)


@recipe("healthy")
def several_labels(rng):
    X, y = several_classes(rng)
    case, top = sound(rng, X, y, "softmax", 0.9)
    case = with_any_rule(rng, sometimes_validated(rng, case), top)
    return Draft(f"softmax regression, {case.task.optimizer.rule.name}", case, well)


@recipe("healthy")
def in_batches(rng):
    """Small batches with a rate that falls, or batches large enough for theirs."""
    X, y = line(rng, n=int(rng.integers(200, 1500)), noise=rng.uniform(0.05, 0.4))
    batch, epochs = int(pick(rng, 1, 8, 32, 64, 128)), 40
    updates = epochs * -(-len(X) // batch)
    rate = 0.3 / (2 * (X**2).sum(axis=1).max() + 2) if batch < 32 else 0.1 * anatomy.limit(X)
    schedule = pick(rng, ds.schedules.cosine(updates), ds.schedules.inverse_time(20 / updates))
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(rate, schedule=schedule))
    case = Case(task, X, y, {"epochs": epochs, "batch_size": batch})
    return Draft(f"linear regression in batches of {batch}", sometimes_validated(rng, case), well)


@recipe("healthy")
def classes_in_batches(rng):
    X, y = two_classes(rng, n=int(rng.integers(400, 1500)))
    batch, epochs = int(pick(rng, 16, 32, 64)), 60
    updates = epochs * -(-len(X) // batch)
    rate = 0.5 * anatomy.limit(X, "logistic")
    schedule = ds.schedules.cosine(updates)
    task = ds.Task(ds.Linear(), "logistic", ds.gradient_descent(rate, schedule=schedule))
    case = Case(task, X, y, {"epochs": epochs, "batch_size": batch})
    return Draft(f"logistic regression in batches of {batch}", sometimes_validated(rng, case), well)


@recipe("healthy")
def single_precision(rng):
    X, y = line(rng, noise=0.3) if rng.random() < 0.5 else two_classes(rng)
    loss = "logistic" if set(np.unique(y)) == {0, 1} else "squared_error"
    case, _ = sound(rng, X, y, loss, 0.7)
    return Draft(f"{loss} in single precision", case.but(dtype="float32"), well)


@recipe("healthy")
def penalised(rng):
    X, y = line(rng, noise=0.4, d=int(rng.integers(4, 20)), n=int(rng.integers(100, 600)))
    seen = anatomy.curvatures(X)
    penalty = ds.l2(float(0.01 * seen[0]))
    case, _ = sound(rng, X, y, "squared_error", 0.6, penalty=penalty)
    return Draft("ridge regression", sometimes_validated(rng, case), well)


@recipe("healthy")
def whole_numbers(rng):
    """Rows that meet again by chance: few values, noisy targets."""
    n = int(rng.integers(200, 1000))
    X = rng.integers(-2, 3, (n, int(rng.integers(1, 4)))).astype(float)
    y = X @ rng.uniform(0.5, 2, X.shape[1]) + rng.uniform(0.2, 1) * rng.normal(size=n)
    case, _ = sound(rng, X, y, "squared_error", 0.7)
    return Draft("columns of few whole numbers", case.but(validation=0.25), well)


@recipe("healthy")
def weighted_rows(rng):
    X, y = line(rng, noise=0.4)
    case, _ = sound(rng, X, y, "squared_error", 0.5)
    case = case.but(sample_weight=rng.uniform(0.5, 1.5, len(X)), epochs=case.options["epochs"] * 2)
    return Draft("rows with weights", case, well)
