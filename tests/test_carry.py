"""`carry`: on the same rows it is `resume`; on others it keeps the whole state."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.test_inputs import assert_sentence

import descend as ds
from descend.training import carry

OPTIMIZERS = {
    "gradient_descent": ds.gradient_descent(0.002),
    "nesterov, auto": ds.nesterov("auto"),
    "adam": ds.adam(0.05),
    "adam, schedule": ds.adam(0.05, schedule=ds.schedules.cosine(60)),
    "lbfgs": ds.lbfgs(),
}


def rows(n=40, d=3, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * [1.0, 10.0, 0.1][:d]
    return X, X @ np.arange(1.0, d + 1) + generator.normal(size=n)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("standardize", [False, True])
def test_on_the_same_rows_it_is_resume(name, batch_size, standardize):
    if name == "lbfgs" and batch_size is not None:
        batch_size = 40  # a search sees all rows
    X, y = rows()
    model = ds.MLP((4,), "tanh") if name.startswith("adam") else ds.Linear()
    task = ds.Task(model, ds.squared_error(), OPTIMIZERS[name])
    how = {"batch_size": batch_size}
    first = ds.train(task, X, y, epochs=2, standardize=standardize, seed=4, **how)
    there = carry(carry(first, X, y, epochs=1, **how), X, y, epochs=2, **how)
    other = first.resume(epochs=5)
    assert there.state.step == other.state.step
    assert_array_equal(there.state.theta, other.state.theta)
    assert_array_equal(there.state.slots, other.state.slots)
    assert not np.array_equal(first.theta, there.theta)


def test_other_rows_begin_at_the_parameters_and_the_memory():
    X, y = rows()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.momentum(0.01, beta=0.5))
    run = ds.train(task, X[:20], y[:20], epochs=3, standardize=True)
    there = carry(run, X[20:], y[20:])
    Z = (X[20:] - run.scaling.mean) / run.scaling.deviation  # of the FIRST rows
    A = np.column_stack([Z, np.ones(20)])
    gradient = 2 * A.T @ (A @ run.theta - y[20:]) / 20
    velocity = 0.5 * run.state.slots[0] + gradient
    np.testing.assert_allclose(there.theta, run.theta - 0.01 * velocity, rtol=1e-12)
    assert there.state.step == 4
    assert len(there.history["loss"]) == 0


def test_batches_of_other_rows_begin_with_an_epoch():
    X, y = rows(30)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(1e-3))
    run = ds.train(task, X, y, epochs=1, batch_size=10)  # 3 updates
    there = carry(run, X[:20], y[:20], batch_size=10)  # 2 to an epoch: from 4 to 6
    assert there.state.step == 6


def test_the_rate_falls_where_the_new_rows_are_steeper():
    X, y = rows()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
    run = ds.train(task, X, y, epochs=1)
    steeper, flatter = carry(run, 10 * X, y), carry(run, X / 10, y)
    assert steeper.setup.learning_rate < run.setup.learning_rate / 50
    assert flatter.setup.learning_rate == run.setup.learning_rate


def test_labels_may_come_later():
    task = ds.Task(ds.Linear(), ds.softmax(), ds.adam(0.1))
    run = ds.train(task, [[0.0], [1.0]], ["a", "b"], epochs=1, classes=["a", "b", "c"])
    there = carry(run, [[9.0], [8.0]], ["c", "c"], epochs=200)
    assert there.classes == ["a", "b", "c"]
    assert there.predict([[9.0]]).tolist() == ["c"]
    assert_sentence(lambda: carry(run, [[9.0]], ["d"]), "'d'")


def test_another_rule_begins_with_no_memory():
    X, y = rows()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.adam(0.1))
    run = ds.train(task, X, y, epochs=3)
    plain = ds.Task(ds.Linear(), ds.squared_error(), ds.momentum(1e-3))
    there = carry(run, X, y, task=plain)
    A = np.column_stack([X, np.ones(40)])
    gradient = 2 * A.T @ (A @ run.theta - y) / 40
    np.testing.assert_allclose(there.theta, run.theta - 1e-3 * gradient, rtol=1e-12)


def test_another_shape_is_refused():
    X, y = rows()
    run = ds.train(ds.Task(ds.Linear(), ds.squared_error(), ds.adam(0.1)), X, y, epochs=1)
    assert_sentence(lambda: carry(run, X[:, :2], y), "Train anew")
    net = ds.Task(ds.MLP((3,), "tanh"), ds.squared_error(), ds.adam(0.1))
    assert_sentence(lambda: carry(run, X, y, task=net), "Train anew")
