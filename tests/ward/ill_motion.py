"""Illnesses of the motion: rates that die, batches that fight; and the edge of stability."""

from __future__ import annotations

import math

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    columns,
    curve,
    several_classes,
    shapes,
    sound,
    sound_classes,
    sound_line,
    sound_net,
    two_classes,
)
from tests.ward.ill_steps import finite
from tests.ward.patient import Case, Draft, log_uniform, pick, recipe

import descend as ds

# ---------------------------------------------------------------- stalled


def stood_still(run, _):
    """Tell whether the last third changed nothing to speak of, and the way is not done."""
    later = run.at(int(0.66 * run.state.step)).theta
    here, there = anatomy.gap(run), anatomy.gap(run, later)
    return here > 0.1 and abs(there - here) < 0.02 * here


def with_schedule(rng, cured, top, schedule):
    rate = rng.uniform(0.05, 0.4) * top
    epochs = max(200, min(2 * cured.options["epochs"], 1500))
    return cured.with_optimizer(ds.gradient_descent(rate, schedule=schedule)).but(epochs=epochs)


@recipe("stalled", dressed=True)
def rate_that_died_exponentially(rng):
    cured, top = sound_line(rng, share=0.6, d=int(rng.integers(3, 13)))
    gamma = rng.uniform(0.4, 0.9)
    ill = with_schedule(rng, cured, top, ds.schedules.exponential(gamma))
    return Draft(f"the rate falls by {gamma:.2f} at each update", ill, stood_still, cured)


@recipe("stalled", dressed=True)
def rate_that_died_by_steps(rng):
    cured, top = sound_classes(rng, share=0.8)
    every = int(rng.integers(3, 9))
    ill = with_schedule(rng, cured, top, ds.schedules.step(every, 0.1))
    return Draft(f"the rate falls tenfold every {every} updates", ill, stood_still, cured)


@recipe("stalled", dressed=True)
def cosine_that_ended_too_soon(rng):
    cured, top = sound_line(rng, share=0.6, d=int(rng.integers(3, 13)))
    steps = int(rng.integers(3, 12))
    ill = with_schedule(rng, cured, top, ds.schedules.cosine(steps))
    return Draft(f"a cosine schedule that reaches 0 after {steps} updates", ill, stood_still, cured)


@recipe("stalled", dressed=True)
def rate_that_died_at_once(rng):
    cured, top = sound_line(rng, share=0.6, d=int(rng.integers(3, 13)))
    decay = log_uniform(rng, 1e3, 1e5)
    ill = with_schedule(rng, cured, top, ds.schedules.inverse_time(decay))
    return Draft(f"the rate is divided by 1 + {decay:.0f} t", ill, stood_still, cured)


@recipe("stalled", dressed=True)
def one_cycle_too_short(rng):
    cured, top = sound_classes(rng, share=0.8)
    steps = int(rng.integers(5, 15))
    ill = with_schedule(rng, cured, top, ds.schedules.one_cycle(steps))
    return Draft(f"one cycle of {steps} updates, and then nothing", ill, stood_still, cured)


# ---------------------------------------------------------------- batch-noise


def hovers(run, whole):
    """With the same step, the full batch comes close; the small ones hover above it."""
    frames = [run.at(int(s)).theta for s in np.linspace(0.6, 1, 9) * run.state.step]
    bottom = anatomy.least(run)
    values = np.array([anatomy.objective(run, t) for t in frames])
    start = anatomy.objective(run, anatomy.start_of(run))
    height = np.mean(values - bottom)
    return (
        np.isfinite(values).all()
        and height > 0.2 * bottom
        and values.max() < start
        and height > 0.03 * (start - bottom)
        and abs(values[:4].mean() - values[-4:].mean()) < height
    )


def noisy(rng, X, y, loss, low, high):
    """Return a run whose step is so many times 1 / |row|², over the batch: above it, rows fight."""
    batch = int(pick(rng, 1, 1, 2, 4))
    length = (X**2).sum(axis=1).mean() + 1
    c = {"squared_error": 2.0}.get(loss, 1.0)
    rate = rng.uniform(low, high) * batch / length / c
    share = rate / anatomy.limit(X, loss)
    cured, _ = sound(rng, X, y, loss, share)
    epochs = max(12, min(60, 20_000 // len(X)))
    ill = cured.but(batch_size=batch, epochs=epochs, seed=int(rng.integers(10**6)))
    words = f"{loss}, {len(X)} rows in batches of {batch} at {share:.2f} of the full batch's limit"
    return Draft(words, ill, hovers, cured)


@recipe("batch-noise", dressed=True)
def noisy_line(rng):
    n, d = int(rng.integers(100, 800)), int(rng.integers(1, 10))
    X = columns(rng, n, d)
    y = X @ rng.uniform(1, 2, d) + rng.uniform(0.6, 1.5) * math.sqrt(d) * rng.normal(size=n)
    return noisy(rng, X, y, "squared_error", 0.3, 0.6)


@recipe("batch-noise", dressed=True)
def noisy_classes(rng):
    X, y = two_classes(rng, n=int(rng.integers(200, 800)), d=int(rng.integers(8, 25)))
    return noisy(rng, X, y, "logistic", 3.0, 6.0)


@recipe("batch-noise", dressed=True)
def noisy_softmax(rng):
    X, y = several_classes(rng, n=int(rng.integers(200, 800)), d=int(rng.integers(8, 20)), k=3)
    return noisy(rng, X, y, "softmax", 1.5, 3.0)


@recipe("batch-noise")
def noisy_in_any_units(rng):
    n, d = int(rng.integers(100, 600)), int(rng.integers(1, 6))
    Z = rng.uniform(-1.7, 1.7, (n, d))
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    unit = 10.0 ** rng.integers(-3, 4)
    y = unit * (Z @ rng.uniform(1, 2, d) + rng.uniform(1, 2) * rng.standard_t(5, n))
    made = noisy(rng, Z, y, "half_squared_error", 0.3, 0.6)
    X = Z * 10.0 ** rng.integers(-3, 4, d) + 10.0 ** rng.integers(0, 3)
    ill, cured = (case.but(X=X, standardize=True) for case in (made.ill, made.cured))
    return Draft(f"{made.words}, standardised", ill, hovers, cured)


@recipe("batch-noise")
def noisy_net(rng):
    X, y = curve(rng, n=int(rng.integers(200, 500)), noise=rng.uniform(0.3, 0.6))
    cured = sound_net(rng, X, y, "squared_error", activation="tanh", hidden=(8,), epochs=1500)
    cured = cured.with_optimizer(ds.gradient_descent(rng.uniform(0.1, 0.2)))
    ill = cured.but(batch_size=1, epochs=60)

    def proof(run, whole):
        frames = [run.at(int(s)).theta for s in np.linspace(0.6, 1, 9) * run.state.step]
        values = np.array([anatomy.objective(run, t) for t in frames])
        steady = abs(values[:4].mean() - values[-4:].mean()) < values.mean() - values.min()
        good = anatomy.objective(whole)
        nothing = float(np.var(run.data.y))
        return (
            np.isfinite(values).all()
            and values.max() < 3 * nothing
            and steady
            and (values.mean() > 1.3 * good and good < 0.5 * nothing)
        )

    return Draft("a net, a row at a time", ill, proof, cured)


# ---------------------------------------------------------------- edge-of-stability


def at_the_edge(run, _):
    """Tell whether the sharpness has risen to 2 over the step, and the loss falls all the same."""
    if not finite(run):
        return False
    rate = run.setup.learning_rate
    sharp = [rate * anatomy.top_curvature(run, run.at(int(s)).theta) for s in (1, run.state.step)]
    loss = np.asarray(run.history["loss"])
    half = len(loss) // 2
    return (
        sharp[0] < 1.7
        and 1.85 < sharp[1] < 2.6
        and (np.diff(loss[half:]) > 0).mean() > 0.05
        and loss[-100:].mean() < 0.9 * loss[half : half + 100].mean()
        and loss[-1] < 0.2 * loss[0]
    )


def edge(rng, X, y, loss, low, high):
    rate = log_uniform(rng, low, high)
    hidden = pick(rng, (16, 16), (20,), (24, 12), (32,))
    task = ds.Task(ds.MLP(hidden, "tanh"), loss, ds.gradient_descent(rate))
    case = Case(task, X, y, {"epochs": 3000, "seed": int(rng.integers(10**6))})
    return Draft(f"a net {hidden}, {loss}, full batch at {rate:.2f}", case, at_the_edge)


@recipe("edge-of-stability")
def edge_of_a_curve(rng):
    return edge(
        rng, *curve(rng, n=int(rng.integers(60, 150)), noise=0.05), "squared_error", 0.1, 0.4
    )


@recipe("edge-of-stability")
def edge_of_half_squares(rng):
    X, y = curve(rng, n=int(rng.integers(60, 150)), noise=0.05)
    return edge(rng, X, y, "half_squared_error", 0.2, 0.8)


@recipe("edge-of-stability")
def edge_of_two_outputs(rng):
    X = rng.uniform(-1.5, 1.5, (int(rng.integers(60, 120)), 2))
    y = np.column_stack([np.sin(2 * X[:, 0]), np.cos(2 * X[:, 1])])
    return edge(rng, X, y, "squared_error", 0.2, 0.8)


@recipe("edge-of-stability")
def edge_of_signed_moons(rng):
    X, y = shapes(rng, n=int(rng.integers(80, 150)))
    jitter = 0.02 * rng.normal(size=len(y))
    return edge(rng, X, 2.0 * y - 1 + jitter, "squared_error", 0.15, 0.32)
