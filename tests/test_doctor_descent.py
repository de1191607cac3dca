"""How a descent went: every verdict on runs made for it, on look-alikes, and on rescaled rows.

Data are drawn here; the ward (tests/ward) has patients by the hundred.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import descend as ds
from descend.doctor.chart import Chart
from descend.doctor.track import sharpness, track
from descend.doctor.valley import least_left, left, valley
from descend.forecasting import motion_of
from descend.optimizers import RULES

PLAIN = RULES.make("gradient_descent").rule
WEIGHTS = np.array([1.0, -2.0, 0.5, 3.0])


@functools.cache
def rows(n=240, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, X @ WEIGHTS + 1 + noise * rng.normal(size=n)


def trained(optimizer, X=None, y=None, *, loss="squared_error", model=None, epochs=300, **more):
    if X is None:
        X, y = rows()
    task = ds.Task(model or ds.Linear(), loss, optimizer)
    return ds.train(task, X, y, epochs=epochs, **{"engine": "numpy", **more})


def chart_of(run):
    return Chart(run, {name: run.history[name] for name in run.history})


UNEVEN = np.array([1.0, 1000.0, 0.1, 50.0])


def powers():
    u = np.linspace(-1, 1, 200)
    return np.stack([u**k for k in range(1, 9)], axis=1), np.sin(6 * u)


def blurred():
    X, _ = rows()
    return X, X @ WEIGHTS + 3 * np.random.default_rng(5).normal(size=len(X))


CASES = {
    "healthy, plain": lambda: ("healthy", trained(ds.gradient_descent(0.1))),
    "healthy, momentum": lambda: ("healthy", trained(ds.momentum(0.02))),
    "healthy, adam": lambda: ("healthy", trained(ds.adam(0.05), epochs=500)),
    "healthy, batches": lambda: (
        "healthy",
        trained(ds.gradient_descent(0.02), epochs=60, batch_size=32),
    ),
    "far above the limit": lambda: ("step-too-large", trained(ds.gradient_descent(1.5))),
    "just above, not yet diverged": lambda: (
        "step-too-large",
        trained(ds.gradient_descent(0.97), epochs=30),
    ),
    "momentum above its limit": lambda: ("step-too-large", trained(ds.momentum(2.5))),
    "far below": lambda: ("step-too-small", trained(ds.gradient_descent(1e-4))),
    "nesterov far below": lambda: ("step-too-small", trained(ds.nesterov(1e-6))),
    "adam far below": lambda: ("step-too-small", trained(ds.adam(1e-5))),
    "few updates": lambda: ("not-finished", trained(ds.gradient_descent(0.1), epochs=8)),
    "uneven columns, diverging": lambda: (
        "features-unscaled",
        trained(ds.gradient_descent(0.1), rows()[0] * UNEVEN, rows()[1]),
    ),
    "uneven columns, slow": lambda: (
        "features-unscaled",
        trained(ds.gradient_descent("auto"), rows()[0] * UNEVEN, rows()[1]),
    ),
    "uneven columns, standardised": lambda: (
        "healthy",
        trained(ds.gradient_descent("auto"), rows()[0] * UNEVEN, rows()[1], standardize=True),
    ),
    "powers of a column": lambda: (
        "ill-conditioned",
        trained(ds.gradient_descent("auto"), *powers(), epochs=200, standardize=True),
    ),
    "a row at a time": lambda: (
        "batch-noise",
        trained(ds.gradient_descent(0.1), *blurred(), epochs=60, batch_size=1),
    ),
    "a rate that died": lambda: (
        "stalled",
        trained(ds.gradient_descent(0.05, schedule=ds.schedules.exponential(0.5)), epochs=200),
    ),
    "a step below the last digit": lambda: (
        "stalled",
        trained(
            ds.gradient_descent(1e-12), rows()[0], rows()[1], dtype="float32",
            model=ds.Linear(init={"weight": [9.0] * 4, "bias": [9.0]}),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_descent_is_judged(name):
    code, run = CASES[name]()
    found = run.diagnose()
    assert found[0].code == code, str(found)
    information = {"healthy", "not-finished"}
    assert found[0].severity == ("information" if code in information else "illness")


@pytest.mark.parametrize("scale", [1e-3, 1e3])
@pytest.mark.parametrize("factor", [3.0, 0.9, 1e-3])
def test_units_of_the_target_and_of_the_columns_change_nothing(scale, factor):
    X, y = rows()
    limit = 2 / np.linalg.eigvalsh(2 * X.T @ X / len(X))[-1]
    plain = ds.Linear(bias=False)
    codes = {
        trained(
            ds.gradient_descent(factor * limit / a**2), a * X, b * y, model=plain
        ).diagnose()[0].code
        for a, b in ((1.0, 1.0), (scale, 1.0), (1.0, scale))
    }  # fmt: skip
    assert len(codes) == 1, codes


SUMS = {
    "full, small": (1e-4, None, 240),
    "full, large": (1.5, None, 240),
    "full, of many rows, small": (1e-4, None, 9000),
    "full, of many rows, few updates": (0.1, None, 9000),
    "batches, good": (0.02, 32, 240),
    "batches, good, of many rows": (0.02, 64, 9000),
    "batches, large": (1.5, 32, 240),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_is_judged_as_the_mean_it_is(name):
    rate, batch, n = SUMS[name]
    X, y = rows(n)
    epochs = 8 if "few" in name else 60
    found = []
    for reduction, factor in (("mean", 1), ("sum", batch or n)):
        task = ds.Task(
            ds.Linear(), ds.squared_error(), ds.gradient_descent(rate / factor), reduction=reduction
        )
        run = ds.train(task, X, y, epochs=epochs, batch_size=batch, engine="numpy")
        at = valley(chart_of(run))
        seen = track(chart_of(run))
        finding = run.diagnose()[0]
        best = finding.evidence.get("best step", 0.0) * factor
        found.append(
            (finding.code, best, seen.sharpness, seen.noise / max(at.gap, 1e-300) * factor)
        )
    (code, best, sharp, _), (other, same, sharp_too, _) = found
    assert code == other
    assert same == pytest.approx(best, rel=1e-6)
    assert sharp_too == pytest.approx(sharp, rel=1e-3, nan_ok=True)


FIXED = ["far above the limit", "far below", "few updates", "uneven columns, diverging"]
FIXED += ["uneven columns, slow", "powers of a column", "a row at a time", "a rate that died"]


@pytest.mark.parametrize("name", FIXED)
def test_the_fix_mends(name):
    code, run = CASES[name]()
    trial = run.diagnose()[code].try_it()
    assert code not in trial.after.diagnose()
    assert trial.after.outcome.loss < run.outcome.loss
    assert trial.before is run
    assert f"{trial.after.outcome.loss:.6g}" in str(trial)


NETS = {
    "healthy": lambda: ("healthy", ds.adam(0.01), {"epochs": 150, "batch_size": 24}),
    "far below": lambda: ("step-too-small", ds.gradient_descent(1e-5), {}),
    "adam far below": lambda: ("step-too-small", ds.adam(1e-6), {}),
    "at the edge": lambda: ("edge-of-stability", ds.gradient_descent(0.12), {"epochs": 3000}),
}


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_judged_by_its_course(name):
    code, optimizer, more = NETS[name]()
    run = trained(optimizer, model=ds.MLP((8,), "tanh"), **{"engine": "auto", **more})
    assert run.diagnose()[0].code == code, str(run.diagnose())


@pytest.mark.parametrize("kind", ["gradient_descent", "momentum", "nesterov"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_arithmetic_tells_what_a_real_run_leaves(kind, share):
    rule = RULES.make(kind).rule
    X, y = rows()
    at = valley(chart_of(trained(ds.gradient_descent(0.1), epochs=1)))
    rate = share * motion_of(rule).limit / float(at.curvatures[-1])
    for updates in (1, 7, 60):
        run = trained(getattr(ds, kind)(rate), X, y, epochs=updates, on_divergence="continue")
        expected = left(at.curvatures, at.distances, rate, updates, rule)
        assert run.outcome.loss - at.least == pytest.approx(expected, rel=1e-7, abs=1e-13)
        wrong = left(at.curvatures, at.distances, 1.01 * rate, updates, rule)
        if expected < 1e-6:
            continue
        assert run.outcome.loss - at.least != pytest.approx(wrong, rel=1e-7, abs=1e-13)


def test_the_best_step_leaves_least():
    at = valley(chart_of(trained(ds.gradient_descent(0.1), epochs=1)))
    best, rate = least_left(at.curvatures, at.distances, 20, PLAIN)
    limit = 2 / float(at.curvatures[-1])
    others = [
        left(at.curvatures, at.distances, share * limit, 20, PLAIN)
        for share in np.linspace(0.05, 1.2, 30)
    ]
    assert best <= 1.1 * min(others)
    assert 0 < rate < limit


def test_standardised_columns_have_their_own_valley():
    X, y = rows()
    raw = valley(chart_of(trained(ds.gradient_descent("auto"), X * UNEVEN + 7, y, epochs=1)))
    run = trained(ds.gradient_descent("auto"), X * UNEVEN + 7, y, epochs=1, standardize=True)
    standard = valley(chart_of(run))
    np.testing.assert_allclose(raw.standard_curvatures, standard.curvatures, rtol=1e-8)
    np.testing.assert_allclose(
        np.abs(raw.standard_distances), np.abs(standard.distances), rtol=1e-6, atol=1e-8
    )
    assert raw.condition > 1e6
    assert raw.standard_condition < 10


@pytest.mark.parametrize("kind", ["gradient_descent", "momentum", "nesterov"])
def test_sharpness_is_rate_over_limit(kind):
    rule = RULES.make(kind).rule
    at = valley(chart_of(trained(ds.gradient_descent(0.1), epochs=1)))
    limit = motion_of(rule).limit / float(at.curvatures[-1])
    run = trained(getattr(ds, kind)(0.3 * limit), epochs=3)
    assert sharpness(chart_of(run), run.state) == pytest.approx(0.3, rel=0.02)


def test_the_noise_of_batches_is_measured():
    run = trained(ds.gradient_descent(1e-9), epochs=40, batch_size=1)
    found = track(chart_of(run)).noise
    X, y = rows()
    A = np.column_stack([X, np.ones(len(X))])
    each = 2 * (A @ run.theta - y)[:, None] * A
    expected = float(np.sum(each.var(axis=0)))
    assert found == pytest.approx(expected, rel=0.05)


def test_without_rows_nothing_is_said_of_the_valley(tmp_path):
    run = trained(ds.gradient_descent(1e-4))
    run.save(tmp_path / "a.run")
    assert "step-too-small" not in ds.load(tmp_path / "a.run").diagnose()
    X, y = rows()
    assert ds.load(tmp_path / "a.run").attach(X, y).diagnose()[0].code == "step-too-small"
