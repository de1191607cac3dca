"""The doctor's rules about rows, columns, splits and losses: patients, and their look-alikes.

Each code is found in at least two patients that were made ill in different ways, is not said of
runs that only look alike, is blind to the units of columns and to the order of rows, and its fix
mends what it names.
"""

from __future__ import annotations

import numpy as np
import pytest

import descend as ds
from descend.doctor import measures

MACHINE = {"engine": "numpy", "progress": False}


def table(seed=0, n=240, d=4, noise=0.3, labels=0):
    """Return columns and a target that all of them tell a part of."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    score = X @ (1.0 + np.arange(d)) / d
    if labels == 2:
        return X, (score + noise * rng.logistic(size=n) > 0).astype(int)
    if labels:
        return X, (X @ rng.normal(size=(d, labels)) + rng.gumbel(size=(n, labels))).argmax(axis=1)
    return X, score + noise * rng.normal(size=n)


def trained(X, y, loss="squared_error", model=None, optimizer=None, penalty=None, **asked):
    model = ds.Linear() if model is None else model
    optimizer = ds.nesterov("auto") if optimizer is None else optimizer
    asked = {"epochs": 300, **MACHINE, **asked}
    return ds.train(ds.Task(model, loss, optimizer, penalty=penalty), X, y, **asked)


def ill(run, code):
    """Return the finding if it is there as an illness and comes first, else fail."""
    found = run.diagnose()
    assert found[0].code == code, found
    assert found[0].severity == "illness", found
    return found[0]


def spared(run, code):
    """Fail if a code is there as an illness."""
    found = run.diagnose()
    assert not any(f.code == code and f.severity == "illness" for f in found), found


def mended(finding, code):
    after = finding.try_it().after
    spared(after, code)
    return after


def beside(X, *columns):
    return np.column_stack([X, *columns])


# ---------------------------------------------------------------- the helpers can fail


def test_the_judges_of_this_file_can_fail():
    X, y = table()
    well, poor = trained(X, y), trained(beside(X, np.full(len(X), 3.0)), y)
    with pytest.raises(AssertionError):
        ill(well, "constant-column")
    with pytest.raises(AssertionError):
        spared(poor, "constant-column")


# ---------------------------------------------------------------- numbers beyond computing


def test_rows_from_elsewhere_may_hold_no_numbers():
    X, y = table(n=30)
    X[4, 2], y[7] = np.nan, np.inf
    finding = ds.diagnose({"loss": np.linspace(3, 1, 30)}, X, y)["non-finite-data"]
    assert finding.evidence["rows_of_X"] == [4]
    assert finding.evidence["columns"] == [2]
    assert finding.evidence["rows_of_y"] == [7]


@pytest.mark.parametrize(("size", "dtype"), [(1e21, "float32"), (1e200, "float64")])
def test_squares_beyond_the_largest_number(size, dtype):
    X, y = table()
    X[:, 1] *= size
    run = trained(X, y, optimizer=ds.gradient_descent(0.01), dtype=dtype, engine="numpy")
    finding = ill(run, "non-finite-data")
    assert finding.evidence["columns"] == ["x2"]
    assert np.isfinite(mended(finding, "non-finite-data").outcome.loss)


def test_a_target_beyond_computing():
    X, y = table()
    y[3] = 1e160
    finding = ill(trained(X, y, optimizer=ds.gradient_descent(0.01)), "non-finite-data")
    assert finding.evidence["rows"] == [3]
    assert mended(finding, "non-finite-data").setup.n == len(X) - 1


@pytest.mark.parametrize("size", [1e5, 1e-12])
def test_large_and_small_units_can_be_computed_with(size):
    X, y = table()
    spared(trained(X * size, y, optimizer=ds.gradient_descent(0.01)), "non-finite-data")


# ---------------------------------------------------------------- constant columns


@pytest.mark.parametrize("value", [1.0, -7.25, 0.0])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_constant_column(value, standardize):
    X, y = table()
    run = trained(beside(X, np.full(len(X), value)), y, standardize=standardize)
    finding = ill(run, "constant-column")
    assert finding.evidence["columns"] == ["x5"]
    assert mended(finding, "constant-column").setup.d == 4


def test_a_constant_column_of_sparse_rows_that_varies_in_validation():
    sparse = pytest.importorskip("scipy.sparse")
    X, y = table()
    rows = sparse.csr_array(beside(X, np.full(len(X), 2.0)))
    held = sparse.csr_array(beside(X, np.arange(len(X))))
    finding = ill(trained(rows, y, validation=(held, y + 1)), "constant-column")
    assert finding.evidence["varies_in_validation"]


def test_look_alikes_of_a_constant_column():
    X, y = table()
    nearly = beside(X, 5 + 1e-3 * X[:, 0] * X[:, 1])
    spared(trained(nearly, y, optimizer=ds.adam(0.01)), "constant-column")
    intercept = beside(X, np.ones(len(X)))
    spared(trained(intercept, y, model=ds.Linear(bias=False)), "constant-column")
    rare = np.zeros((len(X), 3))
    rare[0, 0] = rare[1, 1] = 1.0  # the third is blank, among others that nearly are
    spared(trained(beside(X, rare), y), "constant-column")
    spared(trained(X[:5], y[:5]), "constant-column")


# ---------------------------------------------------------------- collinear columns


def combinations(X):
    rng = np.random.default_rng(9)
    return {
        "copy": X[:, 0],
        "other units": 1.8 * X[:, 1] + 32,
        "sum": X.sum(axis=1),
        "nearly": X[:, 2] + 1e-3 * rng.normal(size=len(X)),
    }


@pytest.mark.parametrize("how", combinations(np.ones((2, 4))))
def test_collinear_columns(how):
    X, y = table()
    finding = ill(trained(beside(X, combinations(X)[how]), y), "collinear-columns")
    assert "x5" in finding.evidence["columns"]
    assert mended(finding, "collinear-columns").setup.d == 4


def test_collinear_columns_are_blind_to_units_and_order():
    X, y = table()
    wide = beside(X, X[:, 0] - X[:, 3]) * [1, 3, 0.2, 7, 40] + [0, 5, -2, 1, 9]
    order = np.random.default_rng(1).permutation(len(y))
    seen = [
        set(ill(trained(A, b, standardize=True), "collinear-columns").evidence["columns"])
        for A, b in ((wide, y), (wide[order], 100 * y[order]))
    ]
    assert seen[0] == seen[1] == {"x1", "x4", "x5"}


def test_look_alikes_of_collinear_columns():
    X, y = table()
    rng = np.random.default_rng(2)
    close = beside(X, X[:, 0] + 0.02 * rng.normal(size=len(X)))  # a variance inflation of 2500
    spared(trained(close, y), "collinear-columns")
    levels = np.eye(3)[rng.integers(0, 3, len(X))]
    spared(trained(beside(X, levels), y), "collinear-columns")
    two = (X[:, 0] > 0).astype(float)
    spared(trained(beside(X[:, 1:], two, 1 - two), y), "collinear-columns")
    x = np.linspace(0, 1, 120)
    powers = np.column_stack([x**p for p in range(1, 9)])
    spared(trained(powers, np.sin(5 * x), optimizer=ds.adam(0.05)), "collinear-columns")
    spared(trained(beside(X, X[:, 0]), y, penalty=ds.l2(0.01)), "collinear-columns")
    spared(trained(X[:6].repeat(3, axis=1) + rng.normal(size=(6, 12)), y[:6]), "collinear-columns")


def test_fewer_rows_than_parameters_are_mentioned():
    X, y = ds.datasets.houses()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    found = trained(Z, y)
    assert found.diagnose()["collinear-columns"].severity == "information"
    assert found.diagnose()["collinear-columns"].evidence == {"rows": 3, "parameters": 4}


# ---------------------------------------------------------------- a column that tells the target


@pytest.mark.parametrize("error", [0.0, 0.03])
def test_a_copy_of_the_target(error):
    X, y = table()
    noise = np.random.default_rng(5).normal(size=len(y))
    leak = 40 * (y + error * y.std() * noise) - 3
    finding = ill(trained(beside(X, leak), y, standardize=True), "target-leak")
    assert finding.evidence["column"] == "x5"
    assert mended(finding, "target-leak").setup.d == 4


def test_a_curve_of_the_target_and_labels_that_are_told():
    X, y = table()
    run = trained(beside(X, np.exp(y)), y, optimizer=ds.adam(0.01))
    assert ill(run, "target-leak").evidence["column"] == "x5"
    X, y = table(labels=2)
    ill(trained(beside(X, 3.0 - 2.0 * y), y, "logistic"), "target-leak")
    X, y = table(labels=3, n=300)
    ill(trained(beside(X, y + 0.01 * X[:, 0] * X[:, 1]), y, "softmax"), "target-leak")


def test_a_column_made_after_the_labels():
    X, y = table(n=400, labels=2, noise=3.0)
    after = np.where(y == 1, 1.5, -1.5) + np.random.default_rng(3).uniform(-0.5, 0.5, 400)
    finding = ill(trained(beside(X, after), y, "logistic"), "target-leak")
    assert finding.evidence["column"] == "x5"


def test_an_exact_sum_that_one_column_dominates_is_no_leak():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=200), rng.normal(size=200)
    X = np.exp(beside(x, 0.5 * x + 0.87 * z))
    run = trained(X, X[:, 0] + 0.01 * X[:, 1], epochs=50, standardize=True)
    spared(run, "target-leak")


def test_look_alikes_of_a_leak():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(200, 1))
    spared(trained(x, 2 * x[:, 0] + 1), "target-leak")  # a line is no leak
    X = rng.normal(size=(200, 3))
    spared(trained(X, 10 * X[:, 0] + X[:, 1] + X[:, 2]), "target-leak")  # most, but not all
    alike = 0.6 * X[:, 0] + 0.8 * X[:, 1]
    y = X[:, 0] + 0.1 * X[:, 1] + 0.01 * X[:, 2]
    spared(trained(beside(X[:, 0], alike), y), "target-leak")  # the other explains the rest
    spared(trained(X, 3 * X[:, 0] + 0.01 * rng.normal(size=200)), "target-leak")  # the only cause
    cause = beside(X[:, 0], X[:, 0] + 0.3 * X[:, 1], X[:, 0] - 0.3 * X[:, 2])
    y = cause[:, 0] + 0.1 * rng.normal(size=200)
    spared(trained(cause, y), "target-leak")  # the others know the cause, not the target
    X, y = ds.datasets.blobs(200, ((0.0, 0.0), (9.0, 1.0)))
    spared(trained(X, y, "logistic", penalty=ds.l2(0.01)), "target-leak")


# ---------------------------------------------------------------- rows in both parts


def test_validation_rows_that_are_training_rows():
    X, y = table()
    for held in ((X, y), (X[::4], y[::4])):
        finding = ill(trained(X, y, validation=held), "rows-shared-across-split")
        assert finding.evidence["shared"] == len(held[1])
        mended(finding, "rows-shared-across-split")


def test_some_validation_rows_are_left_out_again():
    X, y = table(n=400)
    held = (X[250:], y[250:])
    finding = ill(trained(X[:280], y[:280], validation=held), "rows-shared-across-split")
    assert finding.evidence["validation_rows"] == list(range(30))
    after = mended(finding, "rows-shared-across-split")
    assert len(after.data.validation[1]) == 120


def test_rows_that_were_multiplied_before_the_split():
    X, y = table(n=150, labels=2)
    often = np.random.default_rng(3).integers(0, len(y), 400)
    run = trained(X[often], y[often], "logistic", validation=0.25)
    mended(ill(run, "rows-shared-across-split"), "rows-shared-across-split")


def test_rows_of_one_column_multiplied_before_the_split():
    x = np.random.default_rng(5).uniform(-2, 2, (300, 1)).repeat(4, axis=0)
    y = (np.sin(2 * x[:, 0]) + 0.2 * np.random.default_rng(6).normal(size=300).repeat(4)).round(9)
    ill(trained(x, y, validation=0.25), "rows-shared-across-split")


def test_look_alikes_of_shared_rows():
    rng = np.random.default_rng(4)
    X = rng.integers(0, 3, (400, 3)).astype(float)  # few values: rows repeat by themselves
    y = (X.sum(axis=1) + rng.normal(size=400) > 3).astype(int)
    spared(trained(X, y, "logistic", validation=0.25), "rows-shared-across-split")
    x = np.linspace(-1, 1, 60)[:, None]  # a design that was measured twice
    y, again = (2 * x[:, 0] + 0.1 * rng.normal(size=60) for _ in range(2))
    spared(trained(x, y, validation=(x, again)), "rows-shared-across-split")
    X, y = table()
    twice = np.arange(180).repeat(2)  # multiplied within training alone
    held = (X[180:], y[180:])
    spared(trained(X[twice], y[twice], validation=held), "rows-shared-across-split")
    held = (np.r_[X[:1], X[200:]], np.r_[y[:1], y[200:]])  # one row of 41
    spared(trained(X[:200], y[:200], validation=held), "rows-shared-across-split")


def test_digests_are_equal_where_rows_are():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, (3000, 4)).astype(float)
    same = np.unique(X, axis=0, return_inverse=True)[1].ravel()
    found = np.unique(measures.digests(X), return_inverse=True)[1].ravel()
    assert len(np.unique(same)) == len(np.unique(found)) == len({*zip(same, found, strict=True)})
    sparse = pytest.importorskip("scipy.sparse")
    assert (measures.digests(sparse.csr_array(X)) == measures.digests(X)).all()


# ---------------------------------------------------------------- rows from elsewhere


@pytest.mark.parametrize("sorted_by", ["a column", "the target"])
def test_a_split_in_order(sorted_by):
    X, y = table(n=400)
    order = np.argsort(X[:, 1] if sorted_by == "a column" else y)
    X, y = X[order], y[order]
    run = trained(X[:300], y[:300], validation=(X[300:], y[300:]))
    finding = ill(run, "split-shift")
    after = mended(finding, "split-shift")
    assert len(after.data.validation[1]) == 100


def test_labels_and_directions_that_shift():
    X, y = table(n=400, labels=2)
    order = np.argsort(y, kind="stable")
    few = np.r_[order[:260], order[-20:]]
    rest = np.setdiff1d(np.arange(400), few)
    run = trained(X[few], y[few], "logistic", validation=(X[rest], y[rest]))
    assert "split-shift" in run.diagnose()
    X, y = table(n=800, d=40)
    held = (X[500:] + 0.35, y[500:])  # a little in every column
    assert ill(trained(X[:500], y[:500], validation=held), "split-shift")


def test_look_alikes_of_a_shift():
    for seed in range(12):
        X, y = table(seed, n=60 + 40 * seed, d=1 + 3 * seed)
        spared(trained(X, y, validation=0.25, epochs=20), "split-shift")
    X, y = table(n=60)
    spared(trained(X[:50], y[:50], validation=(X[50:] + 0.3, y[50:])), "split-shift")
    X, y = table(n=4000)
    held = (X[2000:] + 0.2, y[2000:])  # certain, and a trifle
    spared(trained(X[:2000], y[:2000], validation=held, epochs=20), "split-shift")


# ---------------------------------------------------------------- a few rows


def spoiled(y, size, seed=7):
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(y), len(y) // 40, replace=False)
    y = y.copy()
    y[rows] += size * y.std() * rng.choice([-1.0, 1.0], len(rows)) * rng.uniform(1, 3, len(rows))
    return y, rows


@pytest.mark.parametrize("model", [ds.Linear(), ds.MLP((6,))])
def test_outliers_of_the_target(model):
    X, y = table()
    y, rows = spoiled(y, 15)
    how = ds.adam(0.01) if model.hidden else None
    finding = ill(trained(X, y, model=model, optimizer=how), "outliers-dominate")
    assert set(rows) <= set(finding.evidence["rows"])
    assert finding.evidence["share_of_squares"] > 0.5
    mended(finding, "outliers-dominate")


@pytest.mark.parametrize("standardize", [False, True])
def test_a_wrong_unit_in_a_few_rows(standardize):
    X, y = table()
    X[[5, 77, 130, 200], 3] *= 1000
    how = None if standardize else ds.gradient_descent(0.1)
    finding = ill(trained(X, y, optimizer=how, standardize=standardize), "outliers-dominate")
    assert finding.evidence["rows"] == [5, 77, 130, 200]
    assert mended(finding, "outliers-dominate").outcome.loss < 0.2


def test_outliers_are_blind_to_units_and_order():
    X, y = table()
    y, rows = spoiled(y, 15)
    order = np.random.default_rng(1).permutation(len(y))
    run = trained(X[order] * [1, 10, 3, 5] + 2, 1000 * y[order] - 5, standardize=True)
    found = ill(run, "outliers-dominate").evidence["rows"]
    assert set(order[found]) >= set(rows)


def test_look_alikes_of_outliers():
    rng = np.random.default_rng(8)
    X, y = table()
    spared(trained(X, y + rng.standard_t(3, size=len(y))), "outliers-dominate")
    spared(trained(X, y + rng.lognormal(size=len(y))), "outliers-dominate")
    spared(trained(X, spoiled(y, 15)[0], ds.huber(1.0)), "outliers-dominate")
    leverage = X.copy()
    leverage[:3] *= 100  # far, and where the line says
    target = leverage @ [1.0, 2.0, 3.0, 4.0] + 0.1 * rng.normal(size=len(y))
    spared(trained(leverage, target, standardize=True), "outliers-dominate")
    spared(trained(np.exp(X), y, standardize=True), "outliers-dominate")


# ---------------------------------------------------------------- the wrong loss


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "absolute_error"])
def test_labels_as_numbers(loss):
    X, y = table(labels=2)
    run = trained(X, 1.0 + y, loss, optimizer=ds.adam(0.05))
    finding = ill(run, "loss-mismatch")
    assert mended(finding, "loss-mismatch").task.loss.name == "logistic"


def test_codes_of_classes_as_numbers_and_one_hot():
    X, y = table(labels=3, n=300)
    finding = ill(trained(X, y.astype(float)), "loss-mismatch")
    assert mended(finding, "loss-mismatch").task.loss.name == "softmax"
    finding = ill(trained(X, np.eye(3)[y]), "loss-mismatch")
    assert mended(finding, "loss-mismatch").task.loss.name == "logistic"


def test_squared_error_on_probabilities_that_are_stuck():
    X, y = table(labels=2)
    start = ds.Linear(init=[-30.0, 20.0, -20.0, 10.0, 9.0])
    run = trained(X, y, "brier", model=start, optimizer=ds.gradient_descent(0.5))
    finding = ill(run, "loss-mismatch")
    after = mended(finding, "loss-mismatch")
    assert (after.predict(X) == y).mean() > (run.predict(X) == y).mean()


def test_losses_of_ones_own_are_recognised():
    X, y = table(labels=2)

    def square(s, t):
        return ((s - t) ** 2).mean(axis=1)

    def slope(s, t):
        return 2 * (s - t)

    loss = ds.custom_loss(square, gradient=slope, name="mine")
    ill(trained(X, y.astype(float), loss, optimizer=ds.adam(0.05)), "loss-mismatch")


def test_look_alikes_of_a_mismatch():
    rng = np.random.default_rng(9)
    X, y = table()
    spared(trained(X, rng.poisson(np.exp(0.3 * y)).astype(float)), "loss-mismatch")
    spared(trained(X, np.clip(np.round(y), -2, 2) + 3), "loss-mismatch")  # ratings from 1 to 5
    spared(trained(X, np.round(y)), "loss-mismatch")
    few = rng.poisson(0.1, len(y)).astype(float)
    spared(trained(X, np.minimum(few, 1), "poisson", optimizer=ds.adam(0.02)), "loss-mismatch")
    X, y = table(labels=2)
    found = trained(X, y, "brier", optimizer=ds.adam(0.1)).diagnose()
    assert found["loss-mismatch"].severity == "information"
    many = np.where(y > 0, 1.0, 0.0)
    ill(trained(X, many, "poisson", optimizer=ds.adam(0.02)), "loss-mismatch")
