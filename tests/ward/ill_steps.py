"""Illnesses of the step: too large, too small, not finished.

A step is measured by 2 / L, L the largest eigenvalue that NumPy finds on the data.
"""

from __future__ import annotations

import math

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    counts,
    curve,
    several_classes,
    sound,
    sound_classes,
    sound_line,
    sound_net,
)
from tests.ward.loops import loop
from tests.ward.patient import Case, Draft, Told, log_uniform, pick, recipe

import descend as ds


def finite(run):
    return np.isfinite(run.theta).all() and math.isfinite(anatomy.objective(run))


def rose(run, _=None):
    """Tell whether the objective ended above its start."""
    return not finite(run) or anatomy.objective(run) > anatomy.objective(run, anatomy.start_of(run))


def far(run, share=0.3):
    return finite(run) and anatomy.gap(run) > share


# ---------------------------------------------------------------- step-too-large


@recipe("step-too-large", dressed=True)
def line_beyond_the_limit(rng):
    reduction = pick(rng, "mean", "sum")
    cured, top = sound_line(rng, share=rng.uniform(0.3, 0.8), reduction=reduction)
    times = log_uniform(rng, 1.1, 30)
    rule = pick(rng, "gradient_descent", "momentum", "nesterov")
    if rule == "gradient_descent":
        ill, factor = ds.gradient_descent(times * top), times
    else:
        beta = pick(rng, 0.5, 0.9)
        # Heavy ball bears 2 (1 + beta) / L, Nesterov's less: 1.5 times the former is too much.
        factor = max(1.5, times)
        ill = getattr(ds, rule)(factor * top * (1 + beta), beta=beta)
    options = {"on_divergence": pick(rng, "stop", "continue"), "epochs": int(rng.integers(60, 300))}
    return Draft(
        f"linear regression, {rule}, {factor:.2f} times the largest stable step ({reduction})",
        cured.with_optimizer(ill).but(**options),
        rose,
        cured,
    )


@recipe("step-too-large", dressed=True)
def logistic_that_oscillates(rng):
    cured, top = sound_classes(rng, share=rng.uniform(0.5, 0.9))
    times = log_uniform(rng, 40, 1000)
    ill = cured.with_optimizer(ds.gradient_descent(times * top)).but(epochs=200)

    def proof(run, _):
        tail = run.history["loss"][-50:]
        falls = np.mean(np.diff(tail) < 0)
        return 0.15 < falls < 0.85 and anatomy.gap(run) > 0.5

    return Draft(f"logistic regression at {times:.0f} times its safe step", ill, proof, cured)


@recipe("step-too-large")
def row_by_row_beyond_its_limit(rng):
    X, y = sound_line(rng)[0].X, None
    n, d = min(len(X), 300), X.shape[1]
    X = X[:n]
    y = X @ rng.normal(size=d) + 0.05 * rng.normal(size=n)
    batch = int(pick(rng, 1, 2, 4))
    longest = 2.0 * (X**2).sum(axis=1).mean() + 2
    cured = Case(
        ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.05 / longest)),
        X,
        y,
        {"epochs": 60, "batch_size": 16},
    )
    seen = anatomy.limit(X)
    times = log_uniform(rng, 1.5, 10)
    ill = cured.with_optimizer(ds.gradient_descent(times * seen)).but(batch_size=batch, epochs=10)
    words = f"linear regression, batches of {batch}, {times:.1f} times the full batch's limit"
    return Draft(words, ill, rose, cured)


@recipe("step-too-large", dressed=True)
def net_beyond_its_limit(rng):
    X, y = curve(rng)
    cured = sound_net(
        rng, X, y, "squared_error", activation=pick(rng, "relu", "leaky_relu", "silu")
    )
    rate = log_uniform(rng, 5, 50)
    ill = cured.with_optimizer(ds.gradient_descent(rate)).but(epochs=100)
    return Draft(f"a net for regression, plain descent with a step of {rate:.1f}", ill, rose, cured)


@recipe("step-too-large", dressed=True)
def adam_with_a_giant_rate(rng):
    cured, _ = sound_classes(rng) if rng.random() < 0.5 else sound_line(rng, noise=0.1)
    spread = float(np.std(cured.y))
    rate = log_uniform(rng, 20, 300) * max(1.0, spread)
    ill = cured.with_optimizer(getattr(ds, pick(rng, "adam", "rmsprop"))(rate)).but(epochs=60)

    def proof(run, _):
        tail = np.asarray(run.history["loss"][-30:])
        return rose(run) and np.max(tail) > 2 * anatomy.least(run)

    return Draft(f"{ill.task.optimizer.rule.name} with a rate of {rate:.0f}", ill, proof, cured)


@recipe("step-too-large", dressed=True)
def poisson_that_bursts(rng):
    X, y = counts(rng)
    top = anatomy.limit(X, "poisson", steepest=float(y.max()))
    task = ds.Task(ds.Linear(), "poisson", ds.gradient_descent(0.5 * top))
    cured = Case(task, X, y, {"epochs": 3000})
    times = log_uniform(rng, 20, 200)
    ill = cured.with_optimizer(ds.gradient_descent(times * top)).but(epochs=100)
    return Draft(f"Poisson regression at {times:.0f} times its safe step", ill, rose, cured)


@recipe("step-too-large")
def a_loop_that_bursts(rng):
    """Elsewhere: plain descent in NumPy, a step beyond 2 / L."""
    cured, top = sound_line(rng)
    X, y = cured.X, cured.y
    top = anatomy.limit(X)
    times = rng.uniform(1.15, 5)
    told = Told(loop(X, y, times * top, int(rng.integers(20, 60))), X, y)

    def proof(told, _):
        return told.history["loss"][-1] > 3 * told.history["loss"][0]

    return Draft(f"a loop at {times:.2f} times the largest stable step", told, proof)


# ---------------------------------------------------------------- step-too-small


def crawls(run, _):
    return far(run, 0.3) and anatomy.gap(run) < 1.0


@recipe("step-too-small", dressed=True)
def line_that_crawls(rng):
    cured, top = sound_line(rng, share=0.7, reduction=pick(rng, "mean", "sum"))
    share = log_uniform(rng, 1e-6, 3e-3)
    ill = cured.with_optimizer(ds.gradient_descent(share * top))
    ill = ill.but(epochs=max(60, min(cured.options["epochs"], int(0.1 / share))))
    return Draft(f"linear regression at {share:.1e} of the largest stable step", ill, crawls, cured)


@recipe("step-too-small", dressed=True)
def logistic_that_crawls(rng):
    cured, top = sound_classes(rng, share=0.8)
    share = log_uniform(rng, 1e-5, 2e-3)
    epochs = max(60, min(cured.options["epochs"], int(0.2 / share)))
    ill = cured.with_optimizer(ds.gradient_descent(share * top)).but(epochs=epochs)
    return Draft(f"logistic regression at {share:.1e} of its safe step", ill, crawls, cured)


@recipe("step-too-small", dressed=True)
def adam_that_crawls(rng):
    cured, _ = sound_line(rng, share=0.7)
    rate = log_uniform(rng, 1e-7, 1e-5) * float(np.abs(cured.y).mean())
    name = pick(rng, "adam", "adamw", "nadam", "amsgrad", "rmsprop")
    ill = cured.with_optimizer(getattr(ds, name)(rate)).but(epochs=int(rng.integers(100, 300)))
    return Draft(f"linear regression, {name} with a rate of {rate:.1e}", ill, crawls, cured)


@recipe("step-too-small", dressed=True)
def batches_that_crawl(rng):
    cured, top = sound_line(rng, share=0.7, n=int(rng.integers(200, 800)))
    share = log_uniform(rng, 1e-6, 1e-4)
    batch = int(pick(rng, 8, 16, 32))
    ill = cured.with_optimizer(ds.gradient_descent(share * top)).but(batch_size=batch, epochs=20)
    return Draft(
        f"batches of {batch} at {share:.1e} of the largest stable step", ill, crawls, cured
    )


@recipe("step-too-small", dressed=True)
def net_that_crawls(rng):
    X, y = curve(rng)
    cured = sound_net(rng, X, y, "squared_error")
    rate = log_uniform(rng, 1e-7, 1e-5)
    ill = cured.with_optimizer(pick(rng, ds.gradient_descent, ds.adam)(rate)).but(epochs=300)

    def proof(run, good):
        start, end = (anatomy.objective(run, t) for t in (anatomy.start_of(run), run.theta))
        return end < start and (start - end) < 0.1 * (start - anatomy.objective(good))

    return Draft(f"a net with a rate of {rate:.1e}", ill, proof, cured)


# ---------------------------------------------------------------- not-finished


def falling_and_far(run, _):
    loss = np.asarray(run.history["epoch_loss" if "epoch_loss" in run.history else "loss"])
    left = anatomy.gap(run)
    steady = np.mean(np.diff(loss) < 0) > 0.95
    ten_more = (loss[-1 - max(1, len(loss) // 10)] - loss[-1]) / (loss[0] - loss[-1])
    return 0.05 < left < 0.6 and steady and ten_more > 0.02


def longer(case):
    """Return the same, with the time it needs."""
    return case.but(epochs=60 * case.options["epochs"])


@recipe("not-finished", dressed=True)
def line_stopped_early(rng):
    cured, top = sound_line(rng, share=rng.uniform(0.3, 0.5), d=int(rng.integers(2, 13)))
    ill = cured.with_optimizer(ds.gradient_descent(rng.uniform(0.1, 0.3) * top))
    ill = ill.but(epochs=int(rng.integers(5, 12)))
    return Draft(
        "linear regression at a good step, stopped early", ill, falling_and_far, longer(ill)
    )


@recipe("not-finished", dressed=True)
def classes_stopped_early(rng):
    cured, top = sound_classes(rng, share=0.8)
    ill = cured.with_optimizer(ds.gradient_descent(rng.uniform(0.2, 0.8) * top))
    ill = ill.but(epochs=int(rng.integers(4, 15)))
    return Draft(
        "logistic regression at a good step, stopped early", ill, falling_and_far, longer(ill)
    )


@recipe("not-finished", dressed=True)
def adam_stopped_early(rng):
    cured, _ = sound_line(rng, share=0.7)
    scale = float(np.abs(cured.y).max())
    ill = cured.with_optimizer(ds.adam(log_uniform(rng, 0.003, 0.01) * scale))
    ill = ill.but(epochs=int(rng.integers(12, 40)))
    return Draft("linear regression, Adam, stopped early", ill, falling_and_far, longer(ill))


@recipe("not-finished", dressed=True)
def softmax_stopped_early(rng):
    X, y = several_classes(rng)
    cured, top = sound(rng, X, y, "softmax", 0.9)
    ill = cured.with_optimizer(ds.gradient_descent(rng.uniform(0.2, 0.8) * top))
    ill = ill.but(epochs=int(rng.integers(4, 12)))
    return Draft(
        "softmax regression at a good step, stopped early", ill, falling_and_far, longer(ill)
    )
