"""Illnesses of the fit: too poor, too close, and weights that have no limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import curve, sound, sound_line
from tests.ward.patient import Case, Draft, pick, recipe
from tests.ward.vitals import r2

import descend as ds

# ---------------------------------------------------------------- underfit


def too_poor(run, cured):
    """Trained to its end, it explains far less than a richer model does on rows unseen by both."""
    if run.task.model.linear and anatomy.gap(run) > 0.02:
        return False
    X, y, _w = cured.data.validation
    if run.task.loss.name == "logistic":
        y = np.ravel(y)
        return anatomy.accuracy(cured, X, y) > anatomy.accuracy(run, X, y) + 0.12
    return r2(cured, X, y) > 0.6 and r2(run, X, y) < 0.5 * r2(cured, X, y)


def poor(rng, X, y, loss, words, hidden=(24,)):
    task = ds.Task(ds.MLP(hidden, "tanh"), loss, ds.adam(0.02), ds.l2(1e-4))
    seed = int(rng.integers(10**6))
    cured = Case(task, X, y, {"epochs": 1200, "validation": 0.25, "seed": seed})
    ill, _ = sound(rng, X, y, loss, 0.7)
    return Draft(words, ill.but(validation=0.25, seed=seed, epochs=400), too_poor, cured)


@recipe("underfit")
def a_line_through_a_bow(rng):
    n, d = int(rng.integers(200, 800)), int(rng.integers(1, 4))
    X = rng.uniform(-1.7, 1.7, (n, d))
    z = X @ rng.uniform(0.7, 1.3, d) / np.sqrt(d)
    y = pick(rng, np.square, np.abs, lambda t: np.cos(2 * t))(z)
    y = (y - y.mean()) / y.std() + rng.uniform(0.03, 0.2) * rng.normal(size=n)
    return poor(rng, X, y, "squared_error", "a line through a curve")


@recipe("underfit")
def a_line_between_rings(rng):
    n = int(rng.integers(200, 600))
    if rng.random() < 0.5:
        X, y = ds.datasets.circles(n, 0.08, int(rng.integers(10**6)))
    else:
        X = rng.uniform(-1, 1, (n, 2))
        X += 0.15 * np.sign(X)
        y = (X[:, 0] * X[:, 1] < 0).astype(int)
    return poor(
        rng, X * rng.uniform(1, 2), y, "logistic", "a straight line between rings or squares"
    )


@recipe("underfit")
def a_penalty_too_strong(rng):
    cured, _ = sound_line(rng, n=int(rng.integers(200, 600)), noise=rng.uniform(0.1, 0.3))
    cured = cured.but(validation=0.25)
    seen = anatomy.curvatures(cured.X, cured.task.loss.name)
    strength = rng.uniform(10, 100) * seen[-1]
    rate = 1.0 / (seen[-1] + strength)
    task = ds.Task(ds.Linear(), cured.task.loss, ds.gradient_descent(rate), ds.l2(strength))
    return Draft(
        "a penalty that outweighs the data", cured.but(task=task, epochs=3000), too_poor, cured
    )


@recipe("underfit")
def a_net_too_small(rng):
    n = int(rng.integers(300, 600))
    X = rng.uniform(-2, 2, (n, 1))
    y = np.sin(rng.uniform(2.6, 3.2) * X[:, 0]) + 0.1 * rng.normal(size=n)
    seed = int(rng.integers(10**6))
    options = {"epochs": 2500, "validation": 0.25, "seed": seed}
    task = ds.Task(
        ds.MLP(
            (24,),
            "tanh",
        ),
        "squared_error",
        ds.adam(0.02),
    )
    cured = Case(task, X, y, options)
    small = ds.MLP((1,), "tanh")
    return Draft("one unit for a wave", cured.with_model(small), too_poor, cured)


# ---------------------------------------------------------------- overfit


def too_close(run, cured):
    """Tell whether the validation loss rose by more than chance, far above the training loss."""
    seen = np.asarray(run.history["validation_loss"])
    best = int(seen.argmin())
    X, y, _w = run.data.validation
    X = np.asarray(run.data.seen_validation[0], float)
    per_epoch = run.state.step // len(seen)
    early = run.at((best + 1) * per_epoch).theta
    a, b = (anatomy.held_out_rows(run, X, y, theta) for theta in (early, run.theta))
    rise = b - a
    return (
        best < 0.7 * len(seen)
        and seen[-1] > 1.25 * seen[best]
        and rise.mean() > 3 * rise.std() / np.sqrt(len(rise))
        and anatomy.objective(run) < 0.6 * seen[-1]
    )


def close(rng, X, y, loss, model, words, epochs=3000, rate=0.01):
    options = {"epochs": epochs, "validation": 0.5, "seed": int(rng.integers(10**6))}
    ill = Case(ds.Task(model, loss, ds.adam(rate)), X, y, options)
    return Draft(words, ill, too_close)


@recipe("overfit")
def a_large_net_on_few_rows(rng):
    n = int(rng.integers(80, 160))
    X, y = curve(rng, n=n, noise=rng.uniform(0.4, 0.8))
    hidden = pick(rng, (64,), (100,), (40, 40))
    model = ds.MLP(hidden, pick(rng, "tanh", "relu"))
    return close(rng, X, y, "squared_error", model, f"a net {hidden} on {n // 2} noisy rows")


@recipe("overfit")
def a_net_on_many_columns(rng):
    n, d = int(rng.integers(50, 100)), int(rng.integers(15, 40))
    noise = rng.uniform(0.5, 1)

    def drawn(n):
        X = rng.normal(size=(n, d))
        return X, X[:, 0] + noise * rng.normal(size=n)

    model = ds.MLP((32,), pick(rng, "tanh", "relu"))
    words = f"a net, {d} columns of which one matters"
    draft = close(rng, *drawn(n), "squared_error", model, words, 800)
    return replace(draft, ill=draft.ill.but(validation=drawn(300)))


@recipe("overfit")
def powers_too_high(rng):
    n, degree = int(rng.integers(16, 26)), int(rng.integers(10, 15))
    noise = rng.uniform(0.3, 0.6)

    def drawn(n):
        x = rng.uniform(-1, 1, n)
        X = np.polynomial.legendre.legvander(x, degree)[:, 1:]
        X = X * np.sqrt(2 * np.arange(1, degree + 1) + 1)
        return X, np.sin(2 * x) + noise * rng.normal(size=n)

    X, y = drawn(n)
    draft = close(rng, X, y, "squared_error", ds.Linear(), f"degree {degree} on {n} rows", 4000)
    return replace(draft, ill=draft.ill.but(validation=drawn(300)))


@recipe("overfit")
def nearly_as_many_columns_as_rows(rng):
    d = int(rng.integers(20, 41))
    n = int(rng.uniform(2.1, 2.6) * d)
    X = rng.normal(size=(n, d))
    y = X[:, :3].sum(axis=1) + rng.uniform(1, 2) * rng.normal(size=n)
    return close(
        rng, X, y, "squared_error", ds.Linear(), f"{d} columns and {n // 2} rows", 3000, 0.02
    )


@recipe("overfit")
def overlapping_classes_learnt_by_heart(rng):
    n = int(rng.integers(120, 240))
    X = rng.normal(size=(n, int(rng.integers(2, 6))))
    y = (X[:, 0] + rng.uniform(0.5, 0.9) * rng.normal(size=n) > 0).astype(int)
    model = ds.MLP((64,), pick(rng, "tanh", "relu"))
    return close(rng, X, y, "logistic", model, "overlapping classes, learnt by heart", 1500, 0.02)


# ---------------------------------------------------------------- perfect-separation


def no_limit(run, cured):
    """Tell whether a plane parts the classes, so the weights grow and grow."""
    X, y = anatomy.rows_of(run)
    y = np.ravel(y)
    apart = all(anatomy.separable(X, y == c) for c in np.unique(y))
    half = run.at(run.state.step // 2).params["weight"]
    grew = np.linalg.norm(run.params["weight"]) > 1.03 * np.linalg.norm(half)
    return apart and grew and np.mean(run.predict(run.data.X) == run.data.y.ravel()) == 1.0


def parted(rng, X, y, loss, words):
    cured, top = sound(rng, X, y, loss, 0.9, penalty=ds.l2(0.02))
    optimizer = pick(
        rng, ds.gradient_descent(0.9 * top), ds.gradient_descent(0.9 * top), ds.adam(0.1)
    )
    task = ds.Task(ds.Linear(), loss, optimizer)
    return Draft(words, cured.but(task=task, epochs=1500), no_limit, cured.but(epochs=1500))


def wide_apart(rng, n, d):
    """Return two clouds of which no single column tells all."""
    w = rng.choice([-1, 1], d) / np.sqrt(d)
    y = rng.permutation(np.arange(n) % 2)
    X = rng.normal(size=(n, d))
    z = X @ w
    goal = (2 * y - 1) * (rng.uniform(0.6, 1.0) + np.abs(z))
    return X + (goal - z)[:, None] * w, y


@recipe("perfect-separation")
def two_clouds_apart(rng):
    X, y = wide_apart(rng, int(rng.integers(60, 500)), int(rng.integers(2, 9)))
    return parted(rng, X, y, "logistic", "two clouds that a line parts")


@recipe("perfect-separation")
def more_columns_than_rows(rng):
    n, d = int(rng.integers(20, 40)), int(rng.integers(45, 80))
    X = rng.normal(size=(n, d))
    y = rng.permutation(np.arange(n) % 2)
    return parted(rng, X, y, "logistic", f"{n} rows, {d} columns")


@recipe("perfect-separation")
def one_flower_of_three(rng):
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    rows = rng.permutation(150)[: int(rng.integers(90, 150))]
    X = X[rows]
    X = (X - X.mean(axis=0)) / X.std(axis=0) + 0.02 * rng.normal(size=X.shape)
    return parted(rng, X, (y[rows] == 0).astype(int), "logistic", "iris: setosa or not")


@recipe("perfect-separation")
def several_clouds_apart(rng):
    k, n = int(rng.integers(3, 5)), int(rng.integers(90, 300))
    d = k + int(rng.integers(0, 4))
    y = rng.permutation(np.arange(n) % k)
    X = 7.0 * np.eye(d)[:k][y] + rng.normal(size=(n, d))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return parted(rng, X, y, "softmax", f"{k} clouds that planes part")
