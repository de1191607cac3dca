"""Illnesses of the rows: shared, shifted, imbalanced, mislabelled, and a few that outshout all."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy
from tests.ward.draws import (
    columns,
    curve,
    line,
    shapes,
    sound,
    sound_classes,
    sound_line,
    sound_net,
)
from tests.ward.patient import Case, Draft, pick, recipe
from tests.ward.vitals import done

import descend as ds

# ---------------------------------------------------------------- rows-shared-across-split


def shared(run, _):
    """Tell whether a fifth of the validation rows, at least, are training rows too."""
    X, y, _w = run.data.validation
    known = {row.tobytes() for row in np.column_stack([run.data.X, run.data.y])}
    held = np.column_stack([X, y])
    return done(run) and np.mean([row.tobytes() in known for row in held]) > 0.2


def with_shared(rng, cured, share):
    X, y = cured.X, cured.y
    n = len(X)
    held = rng.permutation(n)[: max(20, n // 5)]
    rest = np.setdiff1d(np.arange(n), held[: int((1 - share) * len(held))])
    return (
        cured.but(X=X[rest], y=y[rest], validation=(X[held], y[held])),
        cured.but(
            X=np.delete(X, held, axis=0), y=np.delete(y, held), validation=(X[held], y[held])
        ),
    )


@recipe("rows-shared-across-split")
def validated_on_training_rows(rng):
    share = pick(rng, 0.4, 0.7, 1.0)
    ill, cured = with_shared(rng, sound_line(rng, n=int(rng.integers(200, 800)))[0], share)
    return Draft(f"{share:.0%} of the validation rows are training rows", ill, shared, cured)


@recipe("rows-shared-across-split")
def classes_validated_on_training_rows(rng):
    share = pick(rng, 0.4, 0.7, 1.0)
    ill, cured = with_shared(rng, sound_classes(rng, n=int(rng.integers(300, 800)))[0], share)
    return Draft(f"classes, {share:.0%} of the validation rows in training", ill, shared, cured)


@recipe("rows-shared-across-split")
def repeated_before_the_split(rng):
    cured, _ = pick(rng, sound_line, sound_classes)(rng, n=int(rng.integers(200, 500)))
    times = int(rng.integers(2, 5))
    twice = rng.permutation(np.repeat(np.arange(len(cured.X)), times))
    cured = cured.but(validation=0.25)
    ill = cured.but(X=cured.X[twice], y=cured.y[twice])
    return Draft(f"each row stood in the table {times} times before the split", ill, shared, cured)


@recipe("rows-shared-across-split")
def a_net_validated_on_training_rows(rng):
    X, y = curve(rng, n=int(rng.integers(250, 600)))
    ill, cured = with_shared(rng, sound_net(rng, X, y, "squared_error"), pick(rng, 0.5, 1.0))
    return Draft("a net, validated on training rows", ill, shared, cured)


# ---------------------------------------------------------------- split-shift


def shifted(run, _):
    """Tell whether some column is another one in validation, and the loss there says so."""
    X, y, _w = run.data.validation
    here, there = np.column_stack([run.data.X, run.data.y]), np.column_stack([X, y])
    apart = np.abs(here.mean(axis=0) - there.mean(axis=0)) / here.std(axis=0)
    return done(run) and apart.max() > 1.2 and anatomy.held_out(run) > 2 * anatomy.objective(run)


def split_at(rng, case, order, share=0.25):
    """Return the case validated on the last rows of an order, and on as many at random."""
    X, y = case.X, case.y
    held = int(share * len(X))
    made = []
    for rows in (order, rng.permutation(len(X))):
        a, b = rows[:-held], rows[-held:]
        made.append(case.but(X=X[a], y=y[a], validation=(X[b], y[b])))
    return made


@recipe("split-shift")
def sorted_by_the_target(rng):
    case, _ = sound_line(rng, n=int(rng.integers(200, 800)), noise=rng.uniform(0.2, 0.5))
    order = np.argsort(case.y * pick(rng, 1, -1))
    return Draft("the table was sorted by its target", *drafted(split_at(rng, case, order)))


@recipe("split-shift")
def sorted_by_a_column(rng):
    # The relation bends, so that a line drawn on one side fails on the other.
    n, d = int(rng.integers(300, 800)), int(rng.integers(1, 5))
    X = rng.normal(size=(n, d))
    y = X @ rng.uniform(1, 2, d) + 0.3 * rng.normal(size=n) + 1.5 * np.maximum(X[:, 0] - 0.6, 0) * 3
    case, _ = sound(rng, X, y, "squared_error", 0.6)
    return Draft(
        "the table was sorted by a column", *drafted(split_at(rng, case, np.argsort(X[:, 0])))
    )


@recipe("split-shift")
def validated_in_other_units(rng):
    case, _ = sound_line(rng, n=int(rng.integers(200, 800)), noise=0.3)
    cured = split_at(rng, case, rng.permutation(len(case.X)))[1]
    X, y = cured.options["validation"]
    units, shift = 10.0 ** rng.uniform(0.7, 2), rng.uniform(3, 8)
    ill = cured.but(validation=(X * units + shift, y))
    return Draft("validation rows were not scaled like the training rows", ill, shifted, cured)


@recipe("split-shift")
def another_population(rng):
    case, _ = sound_classes(rng, n=int(rng.integers(400, 900)), d=int(rng.integers(2, 7)))
    cured = split_at(rng, case, rng.permutation(len(case.X)))[1]
    X, y = cured.options["validation"]
    move = np.zeros(X.shape[1])
    move[int(rng.integers(X.shape[1]))] = rng.uniform(4, 8) * pick(rng, 1, -1)
    ill = cured.but(validation=(X + move, y))
    return Draft("a sensor reads otherwise in the validation rows", ill, shifted, cured)


def drafted(pair):
    ill, cured = pair
    return ill, shifted, cured


# ---------------------------------------------------------------- class-imbalance


def rare(rng, n, d, share, k=2):
    """Return classes of which the last is rare and yet well apart from the others."""
    y = np.where(rng.random(n) < share, k - 1, rng.integers(0, k - 1, n))
    centres = rng.normal(size=(k, d))
    centres = centres / np.linalg.norm(centres, axis=1, keepdims=True) * 3.0
    centres[-1] = centres[:-1].mean(axis=0) + rng.choice([-1, 1], d) * 1.9 / np.sqrt(d)
    return centres[y] + rng.normal(size=(n, d)), y


def overlooked(run, _):
    """Tell whether the rare class is hardly ever predicted, although it could be told."""
    X, y = run.data.X, np.ravel(run.data.y)
    few = int(y.max())
    found = np.asarray(run.predict(X)) == few
    recall = found[y == few].mean()
    s = anatomy.scores(run, anatomy.rows_of(run)[0])
    order = s[:, -1] - (s[:, :-1].max(axis=1) if s.shape[1] > 1 else 0)
    a, b = order[y == few], order[y != few]
    auc = (a[:, None] > b[None, :300]).mean()
    return done(run) and recall < 0.15 and auc > 0.8 and np.mean(y == few) < 0.06


def imbalanced(rng, X, y, loss):
    case, _ = sound(rng, X, y, loss, 0.9)
    if rng.random() < 0.8:
        case = case.with_optimizer(pick(rng, ds.lbfgs(), ds.newton())).but(epochs=60)
    else:
        case = case.but(epochs=4000)
    weights = np.where(y == y.max(), (y != y.max()).sum() / (y == y.max()).sum(), 1.0)
    words = f"{loss}, {np.mean(y == y.max()):.1%} of {len(y)} rows are of the rare class"
    return Draft(words, case, overlooked, case.but(sample_weight=weights))


@recipe("class-imbalance")
def a_rare_positive(rng):
    n, d = int(rng.integers(600, 1600)), int(rng.integers(1, 8))
    return imbalanced(rng, *rare(rng, n, d, rng.uniform(0.01, 0.04)), "logistic")


@recipe("class-imbalance")
def a_rare_class_of_several(rng):
    n, d, k = int(rng.integers(800, 1600)), int(rng.integers(3, 8)), int(rng.integers(3, 5))
    return imbalanced(rng, *rare(rng, n, d, rng.uniform(0.01, 0.03), k), "softmax")


@recipe("class-imbalance")
def two_rare_scores(rng):
    n, d = int(rng.integers(600, 1600)), int(rng.integers(1, 8))
    return imbalanced(rng, *rare(rng, n, d, rng.uniform(0.01, 0.04)), "softmax")


@recipe("class-imbalance")
def few_of_a_skewed_column(rng):
    n = int(rng.integers(800, 1600))
    X = columns(rng, n, int(rng.integers(2, 5)))
    clean = X @ rng.uniform(0.7, 1.2, X.shape[1])
    clean = (clean - clean.mean()) / clean.std()
    bias = np.quantile(clean, 1 - rng.uniform(0.015, 0.04)) * 1.5 + 1.5
    y = (rng.random(n) < 1 / (1 + np.exp(bias - 1.5 * clean))).astype(int)
    return imbalanced(rng, X, y, "logistic")


# ---------------------------------------------------------------- label-noise


def mislabelled(rng, case, words, share=None):
    """Turn some labels over; the twin keeps the true ones."""
    share = rng.uniform(0.12, 0.3) if share is None else share
    true = np.asarray(case.y)
    k = int(true.max()) + 1
    wrong = rng.permutation(len(true))[: int(share * len(true))]
    given = true.copy()
    given[wrong] = (true[wrong] + rng.integers(1, k, len(wrong))) % k

    def proof(run, _):
        found = np.asarray(run.predict(case.X))
        against = found != given
        return (
            done(run)
            and np.mean(found == true) > 0.95
            and np.mean(np.isin(np.flatnonzero(against), wrong)) > 0.8
        )

    return Draft(f"{words}, {share:.0%} of the labels are wrong", case.but(y=given), proof, case)


def clear_clouds(rng, n, d, k):
    centres = np.linalg.qr(rng.normal(size=(max(d, k), max(d, k))))[0][:k, :d]
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    y = rng.permutation(np.arange(n) % k)
    if k == 2:
        centres = np.stack([centres[0], -centres[0]])
    return centres[y] * rng.uniform(3.2, 4) + rng.normal(size=(n, d)), y


@recipe("label-noise")
def two_clouds_mislabelled(rng):
    X, y = clear_clouds(rng, int(rng.integers(200, 1000)), int(rng.integers(2, 7)), 2)
    case, _ = sound(rng, X, y, "logistic", 0.8, penalty=ds.l2(0.01))
    return mislabelled(rng, case, "two clouds")


@recipe("label-noise")
def several_clouds_mislabelled(rng):
    k = int(rng.integers(3, 5))
    X, y = clear_clouds(rng, int(rng.integers(300, 1000)), k + int(rng.integers(0, 4)), k)
    case, _ = sound(rng, X, y, "softmax", 0.9, penalty=ds.l2(0.01))
    return mislabelled(rng, case.but(epochs=500), f"{k} clouds")


@recipe("label-noise")
def shapes_mislabelled(rng):
    X, y = shapes(rng, n=int(rng.integers(400, 600)))
    task = ds.Task(ds.MLP((8,), "tanh"), "logistic", ds.adam(0.02), ds.l2(0.001))
    case = Case(task, X, y, {"epochs": 1200, "seed": int(rng.integers(10**6))})
    return mislabelled(rng, case, "two shapes in the plane, a net")


@recipe("label-noise")
def a_real_table_mislabelled(rng):
    from sklearn import datasets

    load = pick(rng, datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer)
    X, y = load(return_X_y=True)
    loss = "softmax" if y.max() > 1 else "logistic"
    task = ds.Task(ds.Linear(), loss, ds.lbfgs(), ds.l2(0.05))
    case = Case(task, X, y, {"epochs": 200, "standardize": True})
    return mislabelled(rng, case, f"{load.__name__[5:]}")


# ---------------------------------------------------------------- outliers-dominate


def outshouted(X, clean, spoilt):
    """Tell whether a few rows hold most of the loss and drag the fit away from all the others."""

    def proof(run, cured):
        few = np.isin(np.arange(len(X)), spoilt)
        if not done(run) or few.mean() > 0.05:
            return False
        e = np.asarray(run.predict(run.data.X)).reshape(-1) - run.data.y[:, 0]
        fitted = np.asarray(run.predict(X[~few])).reshape(-1)
        best = np.asarray(cured.predict(X[~few])).reshape(-1)
        truth = clean[~few]
        worse = np.mean((fitted - truth) ** 2) / np.mean((best - truth) ** 2)
        return (e[few] ** 2).sum() > 0.7 * (e**2).sum() and worse > 4

    return proof


def spoilt_target(rng, how):
    X, y = line(rng, n=int(rng.integers(100, 800)), noise=rng.uniform(0.1, 0.4))
    cured, _ = sound(rng, X, y, "squared_error", 0.6)
    few = rng.permutation(len(y))[: max(1, int(rng.uniform(0.004, 0.03) * len(y)))]
    bad = y.copy()
    bad[few] = how(y, few)
    return Draft(
        f"{len(few)} of {len(y)} targets are gross errors",
        cured.but(y=bad),
        outshouted(X, y, few),
        cured,
    )


@recipe("outliers-dominate")
def slipped_decimal_points(rng):
    factor = 10.0 ** rng.integers(2, 4)
    return spoilt_target(rng, lambda y, few: factor * (np.abs(y[few]) + y.std()))


@recipe("outliers-dominate")
def missing_values_as_numbers(rng):
    times = rng.uniform(50, 500) * pick(rng, 1, -1)
    return spoilt_target(rng, lambda y, few: y.mean() + times * y.std() + 0 * y[few])


@recipe("outliers-dominate")
def wild_readings(rng):
    times = rng.uniform(50, 300)
    return spoilt_target(rng, lambda y, few: y[few] + times * y.std() * rng.standard_t(3, len(few)))


@recipe("outliers-dominate")
def rows_far_out(rng):
    X, y = line(rng, n=int(rng.integers(100, 600)), d=int(rng.integers(1, 4)), noise=0.2)
    cured, _ = sound(rng, X, y, "squared_error", 0.6)
    few = rng.permutation(len(y))[: int(rng.integers(1, 4))]
    bad = y.copy()
    away = X.copy()
    away[few] *= rng.uniform(2, 4)
    bad[few] = y.mean() - rng.uniform(100, 300) * y.std()
    rate = 0.5 * anatomy.limit(away)
    ill = cured.but(X=away, y=bad).with_optimizer(ds.gradient_descent(rate))
    ill = ill.but(epochs=2 * ill.options["epochs"])
    words = f"{len(few)} of {len(y)} rows are far out and far off"
    return Draft(words, ill, outshouted(X, y, few), cured)
