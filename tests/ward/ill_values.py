"""Illnesses of the values: a target given away, and numbers that are none."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    line,
    sound,
    sound_classes,
    sound_line,
)
from tests.ward.loops import loop
from tests.ward.patient import Draft, Told, pick, recipe
from tests.ward.vitals import done

import descend as ds

# ---------------------------------------------------------------- target-leak


def leaks(rng, cured, column, words):
    """Put a column in that gives the target away; the others leave much open."""
    column = (column - column.mean()) / column.std()
    place = int(rng.integers(cured.X.shape[1] + 1))
    X = np.insert(cured.X, place, column, axis=1)
    loss = cured.task.loss.name
    penalty = ds.l2(0.01) if loss == "logistic" else None
    ill, _ = sound(rng, X, cured.y, loss, 0.6, penalty=penalty)

    def proof(run, _):
        X, y = anatomy.rows_of(run)
        y = np.ravel(y).astype(float)
        alone = np.corrcoef(X[:, place], y)[0, 1] ** 2
        A = anatomy.design(np.delete(X, place, axis=1))
        rest = A @ np.linalg.lstsq(A, y, rcond=None)[0]
        return done(run) and alone > 0.95 and 1 - ((y - rest) ** 2).mean() / y.var() < 0.75

    return Draft(words, ill.but(epochs=max(ill.options["epochs"], 300)), proof, cured)


@recipe("target-leak")
def the_target_in_other_units(rng):
    cured, _ = sound_line(rng, d=int(rng.integers(2, 8)), noise=rng.uniform(0.7, 1.5))
    sign = pick(rng, 1, -1)
    return leaks(rng, cured, sign * cured.y, "a column is the target in other units")


@recipe("target-leak")
def the_target_rounded(rng):
    cured, _ = sound_line(rng, d=int(rng.integers(2, 8)), noise=rng.uniform(0.7, 1.5))
    y = cured.y / cured.y.std()
    blur = 10.0 ** rng.uniform(-4, -2)
    return leaks(rng, cured, y + blur * rng.normal(size=len(y)), "a column is the target, blurred")


@recipe("target-leak")
def the_label_itself(rng):
    cured, _ = sound_classes(rng, d=int(rng.integers(2, 8)), strength=rng.uniform(0.8, 1.5))
    column = (2.0 * cured.y - 1) * pick(rng, 1, -1)
    return leaks(rng, cured, column, "a column is the label")


@recipe("target-leak")
def a_reading_taken_afterwards(rng):
    cured, _ = sound_classes(rng, d=int(rng.integers(2, 8)), strength=rng.uniform(0.8, 1.5))
    column = cured.y + 0.03 * rng.normal(size=len(cured.y))
    return leaks(rng, cured, column, "a column was measured after the outcome")


# ---------------------------------------------------------------- non-finite-data


@recipe("non-finite-data")
def a_hole_in_the_rows(rng):
    X, y = line(rng, noise=0.2)
    X = X.copy()
    bad = pick(rng, np.nan, np.inf, -np.inf)
    for _ in range(int(rng.integers(1, 6))):
        X[rng.integers(len(X)), rng.integers(X.shape[1])] = bad
    told = Told(loop(X, y, 0.01, 30), X, y)
    return Draft(f"{bad} among the rows", told, lambda t, _: not np.isfinite(t.X).all())


@recipe("non-finite-data")
def a_hole_in_the_target(rng):
    X, y = line(rng, noise=0.2)
    y = y.copy()
    y[rng.integers(len(y))] = bad = pick(rng, np.nan, np.inf)
    told = Told(loop(X, y, 0.01, 30), X, y)
    return Draft(f"{bad} among the targets", told, lambda t, _: not np.isfinite(t.y).all())


def overflows(run, _):
    """Squares of the data are no numbers in the precision they were trained in."""
    kept = np.dtype(run.setup.dtype).type
    X, y = (np.asarray(part, dtype=kept) for part in (run.data.X, run.data.y))
    burst = run.outcome.reason == "diverged" or not np.isfinite(run.theta).all()
    return burst and not (np.isfinite(X * X).all() and np.isfinite(y * y).all())


@recipe("non-finite-data")
def squares_that_overflow(rng):
    cured, _ = sound_line(rng, noise=0.2)
    X = cured.X.copy()
    X[rng.integers(len(X)), rng.integers(X.shape[1])] = 10.0 ** rng.integers(160, 300)
    return Draft("a reading whose square overflows", cured.but(X=X), overflows, cured)


@recipe("non-finite-data")
def single_precision_that_overflows(rng):
    cured, _ = sound_line(rng, noise=0.2)
    X = cured.X.copy()
    rows = rng.permutation(len(X))[: int(rng.integers(1, 5))]
    X[rows, rng.integers(X.shape[1])] = 10.0 ** rng.integers(21, 38)
    ill = cured.but(X=X, dtype="float32")
    return Draft("readings whose squares overflow single precision", ill, overflows, cured)


@recipe("non-finite-data")
def target_that_overflows(rng):
    cured, _ = sound_line(rng, noise=0.2)
    y = cured.y.copy()
    y[rng.integers(len(y))] = -(10.0 ** rng.integers(160, 300))
    return Draft("a target whose square overflows", cured.but(y=y), overflows, cured)
