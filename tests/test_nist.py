"""NIST's certified regressions: reached by descent where descent can, and not claimed where not.

Data and certified values: NIST Statistical Reference Datasets (StRD), linear least squares, the
problems Norris (lower difficulty), Pontius (lower) and Filip (higher).
"""

from __future__ import annotations

from math import comb
from pathlib import Path

import numpy as np
import pytest
from tests.oracles import assert_close, assert_digits

import descend as ds
from descend.optimizers import ELEMENTWISE, RULES

DATA = Path(__file__).parent / "data"
CERTIFIED = {
    "norris": [-0.262323073774029, 1.00211681802045],
    "pontius": [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14],
}
ROWS = {"norris": 36, "pontius": 40, "filip": 82}
RESIDUAL_SUM = {"norris": 26.6173985294224, "pontius": 0.155761768796992e-05}


def read(name):
    y, x = np.loadtxt(DATA / f"nist_{name}.csv", delimiter=",", skiprows=2, unpack=True)
    assert len(x) == ROWS[name]
    return x, y


def standardised(columns):
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    return (columns - centre) / scale, centre, scale


def fit(x, y, degree, optimizer, epochs, **asked):
    """Fit the polynomial by descent on standardised powers of standardised x; map it back."""
    u, m, s = standardised(x)
    Z, centre, scale = standardised(np.column_stack([u**j for j in range(1, degree + 1)]))
    target, y0, y1 = standardised(y)
    run = ds.train(
        ds.Task(ds.Linear(), ds.squared_error(), optimizer),
        Z,
        target,
        epochs=epochs,
        record=False,
        **asked,
    )
    w = run.params["weight"][:, 0] * y1 / scale
    in_u = np.concatenate([[run.params["bias"][0] * y1 + y0 - w @ centre], w])
    found = np.zeros(degree + 1)
    for j, c in enumerate(in_u):  # c ((x - m)/s)^j, written out
        for i in range(j + 1):
            found[i] += c * comb(j, i) * (-m) ** (j - i) / s**j
    return found, run


@pytest.mark.parametrize("make", [ds.gradient_descent, ds.nesterov])
@pytest.mark.parametrize("name", CERTIFIED)
def test_the_certified_coefficients_are_reached_to_eight_digits(name, make):
    x, y = read(name)
    found, run = fit(x, y, len(CERTIFIED[name]) - 1, make("auto"), epochs=2000)
    assert_digits(found, CERTIFIED[name], 8)
    powers = np.column_stack([x**j for j in range(len(found))])
    assert_digits(((powers @ found - y) ** 2).sum(), RESIDUAL_SUM[name], 6)
    assert run.outcome.reason == "epochs"


def test_eight_digits_are_not_there_after_three_updates():
    found, _ = fit(*read("pontius"), 2, ds.gradient_descent(0.1), epochs=3)
    with pytest.raises(AssertionError):
        assert_digits(found, CERTIFIED["pontius"], 8)


@pytest.mark.parametrize("make", [ds.gradient_descent, ds.nesterov, ds.adam])
def test_filip_is_not_claimed_to_have_converged(make):
    found, run = fit(*read("filip"), 10, make("auto"), epochs=3000, gradient_tolerance=1e-12)
    assert run.outcome.reason == "epochs"
    assert not run.outcome.converged
    assert not run.outcome.diverged
    with pytest.raises(AssertionError):  # nor has it: the certified B0 is -1467.48961422980
        assert_digits(found[:1], [-1467.48961422980], 3)


def test_a_gradient_tolerance_that_was_reached_is_claimed():
    _, run = fit(*read("norris"), 1, ds.gradient_descent("auto"), 2000, gradient_tolerance=1e-12)
    assert run.outcome.reason == "gradient"


# ---------------------------------------------------------------- rows, and the factor for them


@pytest.mark.parametrize("rule", ELEMENTWISE)
@pytest.mark.parametrize("name", CERTIFIED)
def test_the_factor_takes_the_steps_that_the_rows_take(name, rule):
    """Iterates and losses agree to 1e-9, on the way and at the end, where 9 digits cancelled."""
    x, y = read(name)
    u, target = standardised(x)[0], standardised(y)[0]
    Z = standardised(np.column_stack([u, u**2]))[0] if name == "pontius" else u[:, None]
    # Rules that divide by the gradient's own size make large what rounding leaves of it: where an
    # entry crosses 0 later on, and from the start by the bias if targets are centred.
    scaled = RULES.make(rule).rule.scaled
    target = target + scaled
    rate, steps = (0.002, 50) if scaled else (0.2, 2000)
    task = ds.Task(ds.Linear(), ds.squared_error(), RULES.make(rule, learning_rate=rate))
    factor, rows = (
        ds.train(task, Z, target, epochs=steps, engine=engine)
        for engine in ("numba/factor", "numba/blocks")
    )
    for step in (1, 20, steps):
        assert_close(factor.at(step).theta, rows.at(step).theta, 1e-9)
    difference = np.abs(factor.history["loss"] - rows.history["loss"])
    assert (difference <= 1e-9 * rows.history["loss"]).all()
    assert (factor.history["loss"] > 0).all()


def test_an_exact_fit_never_has_a_negative_loss():
    x = np.linspace(-1, 1, 50)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.5))
    factor, rows = (
        ds.train(task, x[:, None], 3 * x + 7, epochs=500, engine=engine)
        for engine in ("numba/factor", "numba/blocks")
    )
    assert (factor.history["loss"] >= 0).all()
    difference = np.abs(factor.history["loss"] - rows.history["loss"])
    assert (difference <= 1e-9 * rows.history["loss"] + 1e-20).all()
    assert factor.history["loss"][-1] < 1e-25
