"""Illnesses of the columns: units, narrow valleys, dependence, constants."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    line,
    sound,
    sound_classes,
    sound_line,
    steps_to,
    two_classes,
)
from tests.ward.loops import loop
from tests.ward.patient import Case, Draft, Told, pick, recipe
from tests.ward.vitals import done

import descend as ds


def slow_at_any_step(run, _):
    """Not even the best fixed step, on the columns as they are, would have done it."""
    X, _y = anatomy.rows_of(run)
    A = anatomy.design(X)
    spread = np.linalg.eigvalsh(A.T @ A)
    spread = spread[spread > 1e-12 * spread[-1]]
    enough = steps_to(0.1, 2 / (spread[0] + spread[-1]), spread[0])
    left = anatomy.gap(run) if np.isfinite(anatomy.objective(run)) else 1.0
    return enough > 3 * run.state.step and (not np.isfinite(left) or left > 0.1)


def no_standardising(case):
    return case.but(standardize=...)


# ---------------------------------------------------------------- features-unscaled


def in_other_units(rng, X, y, loss, epochs=None, rate=None):
    """Return the columns in units of their own, and their standardised twin at 1 / L."""
    d = X.shape[1]
    powers = 10.0 ** rng.permutation(np.linspace(-rng.uniform(0, 1.5), rng.uniform(1.8, 3.5), d))
    raw = X * powers + (rng.random() < 0.3) * rng.normal(size=d) * powers
    twin, _ = sound(rng, (X - X.mean(axis=0)) / X.std(axis=0), y, loss, 0.6)
    cured = twin.but(X=raw, standardize=True)
    rate = rng.uniform(0.2, 0.8) * anatomy.limit(raw, loss) if rate is None else rate
    ill = no_standardising(cured).with_optimizer(ds.gradient_descent(rate))
    return Draft(
        f"{loss}, columns spread over 10^{np.log10(powers.max() / powers.min()):.1f}",
        ill,
        slow_at_any_step,
        cured,
    )


@recipe("features-unscaled", dressed=True)
def units_of_a_line(rng):
    return in_other_units(rng, *line(rng, d=int(rng.integers(2, 13)), noise=0.2), "squared_error")


@recipe("features-unscaled", dressed=True)
def units_of_classes(rng):
    return in_other_units(rng, *two_classes(rng, d=int(rng.integers(2, 9))), "logistic")


@recipe("features-unscaled", dressed=True)
def far_from_zero(rng):
    """Years, altitudes: small spread around a large mean."""
    X, y = line(rng, d=int(rng.integers(1, 5)), noise=0.2)
    cured, _ = sound(rng, (X - X.mean(axis=0)) / X.std(axis=0), y, "squared_error", 0.6)
    shift = 10.0 ** rng.uniform(1.7, 3.3) * rng.choice([-1, 1], X.shape[1])
    raw = X + shift
    ill = cured.but(X=raw).with_optimizer(
        ds.gradient_descent(rng.uniform(0.3, 0.8) * anatomy.limit(raw))
    )
    return Draft(
        f"columns with means of {np.abs(shift).max():.0f} and deviations near 1",
        ill,
        slow_at_any_step,
        cured.but(X=raw, standardize=True),
    )


@recipe("features-unscaled")
def units_that_burst(rng):
    """As in houses: the step would do for standardised columns, and bursts on these."""
    draft = in_other_units(rng, *line(rng, d=int(rng.integers(2, 9)), noise=0.2), "squared_error")
    rate = draft.cured.task.optimizer.learning_rate
    ill = draft.ill.with_optimizer(ds.gradient_descent(rate)).but(epochs=200)
    return Draft(f"{draft.words}, which bursts", ill, slow_at_any_step, draft.cured)


@recipe("features-unscaled")
def units_of_a_real_table(rng):
    X, y, loss = real_columns(rng)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    twin, _ = sound(rng, Z, y, loss, 0.9, penalty=ds.l2(0.05))
    cured = twin.but(X=X, standardize=True, epochs=1500)
    ill = no_standardising(cured).with_optimizer(
        ds.gradient_descent(rng.uniform(0.3, 0.8) * anatomy.limit(X, loss))
    )
    return Draft(f"a real table's columns as they are, {loss}", ill, slow_at_any_step, cured)


def real_columns(rng):
    """Return some columns of a real table that are not each other's doubles, and the target."""
    from sklearn import datasets

    X, y = pick(rng, datasets.load_wine, datasets.load_breast_cancer)(return_X_y=True)
    d = int(rng.integers(3, 7))
    for _ in range(100):
        chosen = rng.permutation(X.shape[1])[:d]
        part = X[:, chosen]
        worst = np.abs(np.corrcoef(part.T) - np.eye(d)).max()
        if worst < 0.9 and part.std(axis=0).max() / part.std(axis=0).min() > 100:
            break
    loss = "softmax" if y.max() > 1 else "logistic"
    return part, y, loss


@recipe("features-unscaled")
def a_loop_on_raw_columns(rng):
    """Elsewhere: a loop at half its limit, on columns in units of their own."""
    X, y = line(rng, d=int(rng.integers(2, 7)), noise=0.2)
    draft = in_other_units(rng, X, y, "squared_error")
    raw, updates = draft.ill.X, int(rng.integers(200, 600))
    told = Told(loop(raw, y, 0.5 * anatomy.limit(raw), updates), raw, y)

    def proof(told, _):
        Z = (raw - raw.mean(axis=0)) / raw.std(axis=0)
        good = loop(Z, y, 0.3 * anatomy.limit(Z), updates)["loss"][-1]
        return told.history["loss"][-1] > good + 0.1 * (told.history["loss"][0] - good)

    return Draft("a loop on columns in units of their own", told, proof, draft.cured)


# ---------------------------------------------------------------- ill-conditioned


def narrow_valley(run, _):
    X, _y = anatomy.rows_of(run)
    A = anatomy.design(X)
    spread = np.linalg.eigvalsh(A.T @ A)
    alike = A[:, :-1].std(axis=0)
    return (
        alike.max() < 5 * alike.min()
        and 300 < spread[-1] / spread[0] < 1e9
        and slow_at_any_step(run, _)
    )


def valley(rng, Z, words, noise=0.05, loss="squared_error"):
    """Return a target that lies along the flat directions of Z, standardised columns."""
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    values, vectors = np.linalg.eigh(Z.T @ Z / len(Z))
    flat = values < 0.03 * values[-1]
    part = Z @ vectors[:, flat] @ (rng.choice([-1, 1], flat.sum()) / np.sqrt(values[flat]))
    part = part / part.std()
    y = part + 0.5 * Z[:, 0] + noise * rng.normal(size=len(Z))
    if loss == "logistic":
        y = (rng.random(len(Z)) < 1 / (1 + np.exp(-2.5 * y))).astype(int)
    rate = rng.uniform(0.5, 0.9) * anatomy.limit(Z, loss)
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent(rate))
    ill = Case(task, Z, y, {"epochs": int(pick(rng, 100, 200, 300))})
    return Draft(words, ill, narrow_valley, ill.with_optimizer(ds.newton()))


@recipe("ill-conditioned", dressed=True)
def powers_of_one_column(rng):
    n, degree = int(rng.integers(80, 800)), int(rng.integers(4, 7))
    x = rng.uniform(-1, 1, n) if rng.random() < 0.5 else rng.uniform(0, 1, n)
    return valley(rng, x[:, None] ** np.arange(1, degree + 1), f"powers of x up to {degree}")


@recipe("ill-conditioned", dressed=True)
def a_rotated_spectrum(rng):
    n, d = int(rng.integers(100, 1000)), int(rng.integers(4, 20))
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    spread = np.logspace(0, -rng.uniform(1.7, 2.3), d)
    return valley(rng, rng.normal(size=(n, d)) * spread @ Q, f"{d} columns, a wide spectrum")


@recipe("ill-conditioned", dressed=True)
def a_random_walk(rng):
    n, d = int(rng.integers(200, 1000)), int(rng.integers(8, 25))
    walk = np.cumsum(rng.normal(size=(n, d)), axis=1) + 3 * rng.normal(size=(n, 1))
    return valley(rng, walk, f"{d} neighbouring readings of one sensor")


@recipe("ill-conditioned", dressed=True)
def classes_in_a_valley(rng):
    n, d = int(rng.integers(400, 1000)), int(rng.integers(4, 12))
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    Z = rng.normal(size=(n, d)) * np.logspace(0, -rng.uniform(1.7, 2), d) @ Q
    return valley(rng, Z, f"two classes, {d} columns, a wide spectrum", loss="logistic")


# ---------------------------------------------------------------- collinear-columns


def dependent(run, _):
    Z = anatomy.rows_of(run)[0]
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    values = np.linalg.svd(Z, compute_uv=False)
    return values[-1] < 1e-6 * values[0] and values.size == Z.shape[1] and done(run)


def with_column(rng, cured, column, words):
    place = int(rng.integers(cured.X.shape[1] + 1))
    X = np.insert(cured.X, place, column, axis=1)
    seen = anatomy.curvatures(X, cured.task.loss.name)[-1]
    old = anatomy.curvatures(cured.X, cured.task.loss.name)[-1]
    rate = cured.task.optimizer.learning_rate * old / seen
    ill = cured.but(X=X).with_optimizer(ds.gradient_descent(rate))
    return Draft(
        words, ill.but(epochs=int(cured.options["epochs"] * seen / old) + 10), dependent, cured
    )


def base(rng, low=2):
    d = int(rng.integers(low, 9))
    made = pick(rng, sound_line, sound_classes)
    return made(rng, share=0.6, d=d)[0]


@recipe("collinear-columns", dressed=True)
def one_quantity_in_two_units(rng):
    cured = base(rng)
    j = int(rng.integers(cured.X.shape[1]))
    factor = pick(rng, 2.54, 1.0, 0.4536, 1.609, -1.0)
    column = factor * cured.X[:, j] + pick(rng, 0.0, 1.5)
    return with_column(rng, cured, column, f"a column stands there twice, times {factor}")


@recipe("collinear-columns", dressed=True)
def a_total_beside_its_parts(rng):
    cured = base(rng, 3)
    return with_column(rng, cured, cured.X.sum(axis=1), "the sum of all columns is a column")


@recipe("collinear-columns")
def every_level_of_a_category(rng):
    cured = base(rng)
    levels = int(rng.integers(3, 6))
    drawn = rng.permutation(np.arange(len(cured.X)) % levels)
    marks = 1.0 * (drawn[:, None] == np.arange(levels))
    few = np.column_stack([cured.X, marks[:, 1:]])
    more = np.column_stack([cured.X, marks])
    loss = cured.task.loss.name
    twin, _ = sound(rng, few, cured.y, loss, 0.6)
    rate = 0.6 * anatomy.limit(more, loss)
    ill = twin.but(X=more).with_optimizer(ds.gradient_descent(rate))
    return Draft(f"all {levels} levels of a category beside the bias", ill, dependent, twin)


@recipe("collinear-columns")
def a_mixture(rng):
    cured = base(rng, 3)
    d = cured.X.shape[1]
    weights = rng.normal(size=d) * (rng.random(d) < 0.7)
    weights[:2] = 0.7, -0.4
    return with_column(rng, cured, cured.X @ weights + 1, "a column is a mixture of others")


# ---------------------------------------------------------------- constant-column


def unvarying(run, _):
    return bool((np.ptp(run.data.X, axis=0) == 0).any()) and done(run)


@recipe("constant-column", dressed=True)
def a_column_of_zeros(rng):
    return constant(rng, base(rng, 1), 0.0)


@recipe("constant-column", dressed=True)
def a_column_of_ones(rng):
    return constant(rng, base(rng, 1), float(pick(rng, 1.0, -1.0, 0.5, 2.0)))


@recipe("constant-column")
def a_standardised_constant(rng):
    cured = base(rng, 1)
    loss = cured.task.loss.name
    Z = (cured.X - cured.X.mean(axis=0)) / cured.X.std(axis=0)
    twin, _ = sound(rng, Z, cured.y, loss, 0.6)
    value = float(10.0 ** rng.integers(-2, 5))
    made = np.insert(cured.X * 10.0 ** rng.integers(-1, 3), 0, value, axis=1)
    ill = twin.but(X=made, standardize=True)
    return Draft(f"a column is {value:g} in every row, standardised", ill, unvarying, twin)


@recipe("constant-column")
def constant_in_a_net(rng):
    from tests.ward.draws import curve, sound_net

    X, y = curve(rng)
    cured = sound_net(rng, X, y, "squared_error")
    value = float(pick(rng, 0.0, 1.0, 0.5))
    ill = cured.but(X=np.insert(X, 0, value, axis=1))
    return Draft(f"a net, a column is {value:g} in every row", ill, unvarying, cured)


@recipe("constant-column")
def blank_pixels(rng):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rows = rng.permutation(len(X))[:600]
    X, y = X[rows] / 16.0, y[rows]
    task = ds.Task(ds.Linear(), "softmax", ds.adam(0.05), ds.l2(0.01))
    cured = Case(task, X[:, np.ptp(X, axis=0) > 0], y, {"epochs": 300})
    return Draft("handwritten digits with their blank pixels", cured.but(X=X), unvarying, cured)


def constant(rng, cured, value):
    place = int(rng.integers(cured.X.shape[1] + 1))
    ill = cured.but(X=np.insert(cured.X, place, value, axis=1))
    if value:
        loss = cured.task.loss.name
        rate = 0.6 * anatomy.limit(ill.X, loss)
        ill = ill.with_optimizer(ds.gradient_descent(rate)).but(epochs=2 * ill.options["epochs"])
    return Draft(f"a column is {value:g} in every row", ill, unvarying, cured)
