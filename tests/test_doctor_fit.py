"""The doctor's rules about labels and fit: patients, and their look-alikes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.test_doctor_data import ill, mended, spared, table, trained

import descend as ds


def rare(seed=0, n=900, share=0.05, apart=1.5, d=3):
    """Return rows of which few are of the second class, a little to one side."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    X = rng.normal(size=(n, d))
    X[:, 0] += apart * y
    return X, y


def flipped(y, share, k=2, seed=1):
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < share
    return np.where(wrong, (y + rng.integers(1, k, len(y))) % k, y), np.flatnonzero(wrong)


def net(*hidden, activation="tanh"):
    return ds.MLP(hidden, activation)


# ---------------------------------------------------------------- a rare class


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_a_rare_class_that_is_never_predicted(loss):
    X, y = rare()
    finding = ill(trained(X, y, loss), "class-imbalance")
    assert finding.evidence["found"] <= finding.evidence["rows"] / 4
    after = mended(finding, "class-imbalance")
    assert (after.predict(X)[y == 1] == 1).mean() > 0.6


def test_a_hinge_whose_optimum_is_to_say_the_larger_class():
    X, y = rare(n=2000, share=0.04, apart=1.0)
    run = trained(X, y, "hinge", optimizer=ds.gradient_descent(0.05), epochs=500)
    finding = ill(run, "class-imbalance")
    assert finding.evidence["found"] == 0
    X, y = rare(n=2000, share=0.04, apart=0.0)  # which nothing can tell
    run = trained(X, y, "hinge", optimizer=ds.gradient_descent(0.05), epochs=500)
    spared(run, "class-imbalance")


def test_a_rare_class_among_three():
    X, y = rare(n=1200, share=0.03, apart=1.8)
    y = np.where((y == 0) & (X[:, 1] > 0), 2, y)
    finding = ill(trained(X, y, "softmax"), "class-imbalance")
    assert finding.evidence["class"] == 1
    mended(finding, "class-imbalance")


def test_a_rare_class_is_blind_to_units_order_and_names():
    X, y = rare()
    order = np.random.default_rng(2).permutation(len(y))
    names = np.array(["usual", "rare"])[y[order]]
    run = trained(X[order] * [100, 0.1, 3] - 7, names, "logistic", standardize=True)
    assert ill(run, "class-imbalance").evidence["class"] == "rare"


def test_look_alikes_of_imbalance():
    X, y = rare(apart=6.0)
    spared(trained(X, y, "logistic", penalty=ds.l2(1e-3)), "class-imbalance")  # found all the same
    X, y = rare(apart=0.0)
    spared(trained(X, y, "logistic"), "class-imbalance")  # nothing to be found
    X, y = rare(share=0.4, apart=0.7)
    spared(trained(X, y, "logistic"), "class-imbalance")  # not rare
    X, y = rare(n=2000, share=0.2, apart=1.0)
    spared(trained(X, y, "logistic"), "class-imbalance")  # nor is this, though seldom said
    X, y = rare(n=2000, share=0.1, apart=0.6)
    spared(trained(X, y, "logistic"), "class-imbalance")  # too weak to choose by
    X, y = rare()
    tiny = ds.gradient_descent(1e-6)
    spared(trained(X, y, "logistic", optimizer=tiny), "class-imbalance")  # it has not moved


# ---------------------------------------------------------------- wrong labels


def test_labels_flipped_beside_a_line():
    X, y = table(n=900, noise=0.0, labels=2)
    y, wrong = flipped(y, 0.12)
    finding = ill(trained(X, y, "logistic"), "label-noise")
    seen = np.array(finding.evidence["suspicious_rows"])
    assert np.isin(seen, wrong).mean() > 0.7
    mended(finding, "label-noise")


def test_labels_flipped_in_moons_and_clouds():
    X, y = ds.datasets.moons(600, 0.1, 3)
    run = trained(X, flipped(y, 0.15)[0], "logistic", net(16), ds.adam(0.01), batch_size=32,
                  epochs=60)  # fmt: skip
    ill(run, "label-noise")
    X, y = ds.datasets.blobs(500, ((0.0, 5.0), (5.0, 0.0), (-5.0, 0.0)), 4)
    run = trained(X, flipped(y, 0.12, 3)[0], "softmax")
    mended(ill(run, "label-noise"), "label-noise")


def test_look_alikes_of_wrong_labels():
    for seed, apart in ((0, 1.0), (1, 2.0), (2, 3.0)):  # classes that overlap
        X, y = ds.datasets.blobs(500, ((0.0, 0.0), (apart, 0.0)), seed)
        spared(trained(X, y, "logistic"), "label-noise")
    X, y = table(n=600, noise=2.0, labels=2)  # a weak signal
    spared(trained(X, y, "logistic"), "label-noise")
    centres = ((0.0, 0.0), (6.0, 0.0), (6.0, 9.0), (6.0, -3.0))
    X, cloud = ds.datasets.blobs(800, centres)
    y = np.where(cloud == 1, 1, 0) | (cloud == 3)
    spared(trained(X, y, "logistic"), "label-noise")  # a cloud that no line can tell
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 2, (600, 1)).astype(float)
    y = (rng.random(600) < np.where(groups[:, 0] > 0, 0.85, 0.15)).astype(int)
    spared(trained(groups, y, "logistic"), "label-noise")  # as uncertain as any other
    X, y = rare(share=0.2, apart=0.3)
    spared(trained(X, y, "logistic"), "label-noise")  # the smaller class, everywhere


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_on_either_side_of_a_gap(seed):
    rng = np.random.default_rng(seed)
    truth = np.arange(400) % 2
    X = rng.normal(size=(400, 4)) + 6.0 * truth[:, None] * [1.0, 0, 0, 0]
    y, wrong = flipped(truth, 0.28, seed=seed)
    finding = ill(trained(X, y, "logistic", penalty=ds.l2(0.01)), "label-noise")
    assert finding.evidence["share_of_labels"] == pytest.approx(len(wrong) / 400, abs=0.05)


@pytest.mark.parametrize("shape", ["normal", "uniform", "wave"])
def test_without_a_gap_labels_are_not_wrong(shape):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 4))
    if shape != "normal":
        X = rng.uniform(-1.7, 1.7, (400, 4))
    if shape == "wave":
        X[:, 0] = np.sin(2 * np.pi * rng.random(400))
    y = (rng.random(400) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(int)
    spared(trained(X, y, "logistic", penalty=ds.l2(0.01)), "label-noise")


# ---------------------------------------------------------------- separation


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_classes_that_can_be_separated(loss):
    X, y = ds.datasets.blobs(120, ((-5.0, 0.0), (5.0, 2.0)))
    finding = ill(trained(X, y, loss, epochs=300), "perfect-separation")
    after = mended(finding, "perfect-separation")
    assert np.linalg.norm(after.theta) < finding.evidence["length_of_weights"]


def test_look_alikes_of_separation():
    X, y = ds.datasets.blobs(120, ((-5.0, 0.0), (5.0, 2.0)))
    spared(trained(X, y, "logistic", penalty=ds.l2(0.01)), "perfect-separation")
    spared(trained(X, y, "squared_hinge"), "perfect-separation")
    spared(trained(X, y, "logistic", net(8), ds.adam(0.05)), "perfect-separation")
    early = trained(X, y, "logistic", optimizer=ds.gradient_descent(0.01), epochs=9)
    spared(early, "perfect-separation")
    X[0], y[0] = (5.0, 2.0), 0  # one row among the others
    spared(trained(X, y, "logistic"), "perfect-separation")


def test_more_columns_than_rows_are_separated_first_of_all():
    X, y = np.random.default_rng(0).normal(size=(60, 90)), np.arange(60) % 2
    findings = trained(X, y, "logistic", epochs=800).diagnose()
    assert findings[0].code == "perfect-separation"
    assert findings[0].severity == "illness"
    assert "collinear-columns" not in findings.codes


# ---------------------------------------------------------------- too much


def memorised(seed=0, **asked):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 6))
    y = (X[:, 0] + 1.2 * rng.normal(size=120) > 0).astype(int)
    how = {"validation": 0.4, "epochs": 400, **asked}
    return trained(X, y, "logistic", net(32, activation="relu"), ds.adam(0.02), **how)


def test_a_net_that_learns_its_rows_by_heart():
    run = memorised()
    finding = ill(run, "overfit")
    after = mended(finding, "overfit")
    least = finding.evidence["best_validation_loss"]
    assert after.outcome.best_step is not None
    assert after.history["validation_loss"].min() == pytest.approx(least, rel=1e-6)


def test_as_many_columns_as_rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(140, 80))
    y = X[:, 0] + rng.normal(size=140)
    run = trained(X, y, validation=0.4, epochs=800)
    mended(ill(run, "overfit"), "overfit")


def test_look_alikes_of_overfitting():
    spared(memorised(patience=10), "overfit")  # the best was restored
    spared(memorised(validation=0.08), "overfit")  # a tiny validation set
    X, y = table(n=400)
    spared(trained(X, y, validation=0.25), "overfit")
    x = np.random.default_rng(2).uniform(-1, 1, (300, 1))
    smooth = trained(x, np.sin(3 * x[:, 0]), model=net(8), optimizer=ds.adam(0.02), validation=0.3)
    spared(smooth, "overfit")  # no noise to learn by heart
    X, y = table(n=300, d=1, noise=1.5, labels=2)
    contrary = (X[200:], 1 - y[200:])  # what is learnt does not hold there, and is no memory
    spared(trained(X[:200], y[:200], "logistic", validation=contrary), "overfit")
    X, y = table(n=300, labels=2)
    noisy = ds.gradient_descent(0.5)
    spared(trained(X, y, "logistic", optimizer=noisy, batch_size=4, epochs=30, validation=0.3),
           "overfit")  # fmt: skip


# ---------------------------------------------------------------- too little


def curved(how, seed=0, n=300):
    rng = np.random.default_rng(seed)
    if how == "wave":
        x = rng.uniform(-3, 3, (n, 1))
        return x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=n), "squared_error"
    if how == "quarters":
        return *ds.datasets.xor(n, seed), "logistic"
    X = rng.normal(size=(n, 12))
    return X, X[:, 0] * X[:, 1] + X[:, 2] ** 2 + 0.2 * rng.normal(size=n), "squared_error"


@pytest.mark.parametrize("how", ["wave", "quarters", "products"])
def test_a_line_where_there_is_a_curve(how):
    X, y, loss = curved(how)
    run = trained(X, y, loss)
    finding = ill(run, "underfit")
    assert mended(finding, "underfit").outcome.loss < run.outcome.loss / 2


def test_a_curve_is_blind_to_units_and_order():
    X, y, loss = curved("wave")
    order = np.random.default_rng(1).permutation(len(y))
    ill(trained(50 * X[order] + 8, 300 * y[order], loss, standardize=True), "underfit")


def test_a_penalty_that_holds_everything_down():
    X, y = table()
    finding = ill(trained(X, y, penalty=ds.l2(30.0)), "underfit")
    assert mended(finding, "underfit").task.penalty is None


def test_look_alikes_of_underfitting():
    for noise in (0.3, 5.0):  # much noise is no structure
        X, y = table(noise=noise)
        spared(trained(X, y), "underfit")
    X, y, loss = curved("wave")
    fitted = trained(X, y, loss, net(16), ds.adam(0.02), epochs=1500)
    spared(fitted, "underfit")
    begun = trained(X, y, loss, net(16), ds.gradient_descent(1e-4), epochs=30)
    spared(begun, "underfit")  # it has not come to rest
    X, y = table(labels=2)
    spared(trained(X, y, "logistic"), "underfit")
    spared(trained(X, y, "logistic", penalty=ds.l2(0.01)), "underfit")
