"""Data drawn at random: healthy in all that a recipe does not spoil."""

from __future__ import annotations

import math

import numpy as np
from tests.ward import anatomy
from tests.ward.patient import Case, log_uniform, pick

import descend as ds


def columns(rng, n, d):
    """Return (n, d) of comparable columns: normal, uniform, two-valued, skewed or whole numbers."""
    made = []
    for _ in range(d):
        kind = pick(rng, "normal", "normal", "uniform", "two-valued", "whole", "student")
        column = {
            "normal": lambda: rng.normal(size=n),
            "uniform": lambda: rng.uniform(-1.7, 1.7, n),
            "two-valued": lambda: rng.permutation(np.arange(n) % 2) * 2.0 - 1,
            "whole": lambda: rng.integers(-3, 4, n) / 2.0,
            "student": lambda: rng.standard_t(8, n),
        }[kind]()
        made.append(column)
    X = np.column_stack(made)
    if d > 1 and rng.random() < 0.5:  # mildly correlated
        X = X + 0.3 * X[:, rng.permutation(d)]
    return X * rng.uniform(0.6, 1.6, d) + rng.normal(scale=0.2, size=d)


def line(rng, n=None, d=None, noise=None, k=None):
    """Return X, y of a linear relation with noise, at any scale of y."""
    n = int(log_uniform(rng, 60, 1500)) if n is None else n
    d = int(rng.integers(1, 13)) if d is None else d
    X = columns(rng, n, d)
    w = rng.choice([-1, 1], (d, k or 1)) * rng.uniform(0.4, 2, (d, k or 1))
    share = rng.uniform(0.05, 0.6) if noise is None else noise
    clean = X @ w
    y = clean + share * clean.std() * rng.normal(size=clean.shape) + rng.normal() * clean.std()
    y = y * 10.0 ** rng.integers(-2, 3)
    return X, y if k else y[:, 0]


def two_classes(rng, n=None, d=None, strength=None, share=None):
    """Return X, y in {0, 1}: overlapping classes of a logistic model."""
    n = int(log_uniform(rng, 150, 1500)) if n is None else n
    d = int(rng.integers(1, 9)) if d is None else d
    X = columns(rng, n, d)
    w = rng.choice([-1, 1], d) * rng.uniform(0.5, 1.5, d)
    clean = X @ w
    clean = (clean - clean.mean()) / clean.std() * (strength or rng.uniform(1.5, 3))
    shift = 0.0 if share is None else np.quantile(clean, 1 - share)
    y = (rng.random(n) < 1 / (1 + np.exp(shift - clean))).astype(int)
    return X, y


def several_classes(rng, n=None, d=None, k=None, distance=None):
    """Return X, y in 0 … k - 1: overlapping clouds."""
    n = int(log_uniform(rng, 150, 1200)) if n is None else n
    d = int(rng.integers(2, 9)) if d is None else d
    k = int(rng.integers(3, 6)) if k is None else k
    centres = rng.normal(size=(k, d))
    centres *= (distance or rng.uniform(1.2, 2)) / np.linalg.norm(centres, axis=1).mean()
    y = rng.permutation(np.arange(n) % k)
    return centres[y] + rng.normal(size=(n, d)), y


def counts(rng, n=None, d=None):
    """Return X and counts y whose logarithmic mean is linear in X."""
    n = int(log_uniform(rng, 150, 1000)) if n is None else n
    d = int(rng.integers(1, 6)) if d is None else d
    X = columns(rng, n, d)
    w = rng.choice([-1, 1], d) * rng.uniform(0.2, 0.5, d) / math.sqrt(d)
    return X, rng.poisson(np.exp(X @ w + rng.uniform(0.5, 1.5))).astype(float)


def curve(rng, n=None, d=None, noise=0.1):
    """Return X, y of a smooth relation that a small net can learn."""
    n = int(log_uniform(rng, 150, 600)) if n is None else n
    d = int(rng.integers(1, 4)) if d is None else d
    X = rng.uniform(-1.7, 1.7, (n, d)) if rng.random() < 0.5 else rng.normal(size=(n, d))
    w = rng.normal(size=d)
    z = X @ (w / np.linalg.norm(w))
    shape = pick(rng, np.sin, np.tanh, np.square, lambda t: np.sin(1.5 * t), np.abs)
    y = shape(z * rng.uniform(1, 1.6))
    y = (y - y.mean()) / y.std()
    return X, y + noise * rng.normal(size=n)


def shapes(rng, n=None):
    """Return X, y of two classes in the plane that no line parts."""
    n = int(rng.integers(150, 400)) if n is None else n
    made = pick(rng, ds.datasets.moons, ds.datasets.circles)
    X, y = made(n=n, noise=rng.uniform(0.08, 0.16), seed=int(rng.integers(10**6)))
    return X * rng.uniform(0.8, 1.5), y


def steps_to(share, rate, smallest):
    """Return how many plain steps shrink the slowest direction's error to a share."""
    return math.ceil(math.log(share) / math.log(max(1e-12, 1 - rate * smallest)))


def optimizer_near(rng, plain_rate):
    """Return a first-order rule that moves about as plain descent at this rate."""
    beta = float(pick(rng, 0.5, 0.8, 0.9))
    return pick(
        rng,
        ds.gradient_descent(plain_rate),
        ds.gradient_descent(plain_rate),
        ds.momentum(plain_rate * (1 - beta), beta=beta),
        ds.nesterov(plain_rate * (1 - beta), beta=beta),
    )


def sound_line(rng, share=None, reduction="mean", **wants):
    """Return a linear regression that plain descent solves: the case, and 2 / L."""
    X, y = line(rng, **wants)
    loss = pick(rng, "squared_error", "half_squared_error")
    return sound(rng, X, y, loss, share, reduction)


def sound_classes(rng, share=None, reduction="mean", **wants):
    """Return a logistic regression that plain descent solves: the case, and 2 / L."""
    X, y = two_classes(rng, **wants)
    return sound(rng, X, y, "logistic", share, reduction)


def sound(rng, X, y, loss, share=None, reduction="mean", penalty=None):
    """Return a linear model under full-batch descent at a good rate, long enough; and 2 / L."""
    k = 1 if np.ndim(y) == 1 else y.shape[1]
    seen = anatomy.curvatures(X, loss, reduction=reduction, k=k)
    rate = (share or rng.uniform(0.3, 0.8)) * 2 / seen[-1]
    # The logistic loss is flatter where it is sure than where it starts.
    slack = {"logistic": 4.0, "softmax": 6.0}.get(loss, 1.2)
    epochs = int(min(slack * steps_to(0.03, rate, seen[0]) + 20, 4000))
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent(rate), penalty, reduction)
    return Case(task, X, y, {"epochs": epochs}), 2 / seen[-1]


def sound_net(rng, X, y, loss, activation=None, hidden=None, **options):
    """Return a small net under Adam that learns X, y."""
    activation = activation or pick(rng, "tanh", "relu", "tanh", "silu")
    hidden = hidden or pick(rng, (12,), (16,), (24,), (12, 8))
    task = ds.Task(ds.MLP(hidden, activation), loss, ds.adam(pick(rng, 0.01, 0.02)))
    return Case(task, X, y, {"epochs": 800, "seed": int(rng.integers(10**6)), **options})
