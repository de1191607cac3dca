"""Resumed equals uninterrupted, bit for bit: every optimizer, schedule and size of batch."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_same_run

import descend as ds
from descend import schedules
from descend.errors import InputError
from descend.optimizers import ELEMENTWISE, RULES

EPOCHS = 12
SCHEDULES = {
    "none": None,
    "cosine": schedules.cosine(40),
    "step": schedules.step(5, 0.5),
    "plateau": schedules.reduce_on_plateau(gamma=0.5, patience=1, tolerance=0.05),
}
X = np.random.default_rng(0).normal(size=(23, 2))
Y = np.sin(X[:, 0]) + X[:, 1]


def task_of(rule, schedule="none", model=None):
    optimizer = RULES.make(rule, learning_rate=0.05, schedule=SCHEDULES[schedule])
    return ds.Task(model or ds.MLP((3,)), "squared_error", optimizer)


def stopped_at(step, task, **asked):
    """Train until `step` updates are done; the callback is gone when the run is resumed."""
    stop = ds.Callback(step=lambda now: now.step >= step)
    return ds.train(task, X, Y, epochs=EPOCHS, callbacks=stop, **asked)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("rule", ELEMENTWISE)
def test_resumed_at_random_updates_equals_uninterrupted(rule, batch_size, schedule):
    task = task_of(rule, schedule)
    whole = ds.train(task, X, Y, epochs=EPOCHS, batch_size=batch_size)
    rng = np.random.default_rng(len(rule))
    for step in rng.integers(1, whole.state.step, size=2):
        part = stopped_at(int(step), task, batch_size=batch_size)
        assert part.state.step == step
        assert_same_run(part.resume(), whole)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_stopped_at_every_update_in_turn(batch_size):
    task = task_of("adam", "plateau")
    whole = ds.train(task, X, Y, epochs=EPOCHS, batch_size=batch_size, validation=0.3, patience=3)
    for step in range(1, whole.state.step):
        part = stopped_at(step, task, batch_size=batch_size, validation=0.3, patience=3)
        assert_same_run(part.resume(), whole)


@pytest.mark.parametrize("rule", ["momentum", "nadam"])
def test_through_a_file_and_a_tiny_record(rule, tmp_path):
    task = task_of(rule, "plateau")
    asked = {"batch_size": 1, "record": 0.006, "validation": 0.3}
    whole = ds.train(task, X, Y, epochs=EPOCHS, **asked)
    assert whole.history.updates.block > 1
    assert whole.keyframes.stride > 1
    for step in (1, 64, 65, 100, 131, 191):
        stopped_at(step, task, **asked).save(tmp_path / "part.run")
        part = ds.load(tmp_path / "part.run").attach(X, Y)
        assert_same_run(part.resume(), whole)


def test_more_epochs_than_were_first_asked():
    task = task_of("adam")
    for batch_size in (None, 7):
        half = ds.train(task, X, Y, epochs=5, batch_size=batch_size)
        whole = ds.train(task, X, Y, epochs=11, batch_size=batch_size)
        assert_same_run(half.resume(epochs=8).resume(epochs=11), whole)


def test_patience_is_counted_on(tmp_path):
    task = ds.Task(ds.MLP((16,)), "squared_error", ds.adam(0.05))
    noise = np.random.default_rng(1).normal(size=23)
    asked = {"validation": 0.4, "patience": 20}
    whole = ds.train(task, X, noise, epochs=2000, **asked)
    assert whole.outcome.reason == "validation"
    for step in (3, whole.outcome.best_step, whole.outcome.best_step + 10, whole.state.step - 1):
        stop = ds.Callback(step=lambda now, step=step: now.step >= step)
        part = ds.train(task, X, noise, epochs=2000, callbacks=stop, **asked)
        part.save(tmp_path / "part.run")
        assert_same_run(ds.load(tmp_path / "part.run").attach(X, noise).resume(), whole)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize(
    ("tolerance", "y"),
    # An exact fit, where the batches leave no noise in the gradient; and one that settles.
    [({"gradient_tolerance": 1e-4}, X @ [1.0, -2.0] + 3), ({"loss_tolerance": 1e-5}, Y)],
    ids=["gradient", "loss"],
)
def test_tolerances_are_watched_on(tolerance, y, batch_size):
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.1))
    asked = {"epochs": 500, "batch_size": batch_size, **tolerance}
    whole = ds.train(task, X, y, **asked)
    assert whole.outcome.converged
    stop = ds.Callback(step=lambda now: now.step >= 9)
    assert_same_run(ds.train(task, X, y, callbacks=stop, **asked).resume(), whole)


def test_weights_float32_and_other_seeds_are_kept():
    task = task_of("adam")
    asked = {
        "sample_weight": 1 + np.arange(23) % 3,
        "dtype": "float32",
        "seed": 2**63,
        "batch_size": 7,
    }
    whole = ds.train(task, X, Y, epochs=EPOCHS, **asked)
    assert_same_run(stopped_at(17, task, **asked).resume(), whole)


def test_the_first_run_is_left_as_it_was():
    part = stopped_at(5, task_of("adam"), batch_size=7)
    theta, steps, count = part.theta.copy(), part.keyframes.steps, part.history.updates.count
    controller = repr(part.controller.describe())
    part.resume()
    assert_bits(part.theta, theta)
    assert part.keyframes.steps == steps
    assert part.history.updates.count == count
    assert repr(part.controller.describe()) == controller


def test_a_diverged_run_told_to_go_on_goes_on():
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(2.0))
    asked = {"on_divergence": "continue"}
    whole = ds.train(task, X, Y, epochs=EPOCHS, **asked)
    assert_same_run(stopped_at(7, task, **asked).resume(), whole)


def test_nothing_left_to_do_is_said():
    run = ds.train(task_of("adam"), X, Y, epochs=3)
    with pytest.raises(
        InputError, match=r"has done all of its 3 epochs \(3 updates\); ask for more"
    ):
        run.resume()
    with pytest.raises(InputError, match="has done all"):
        run.resume(epochs=2)


def test_a_model_file_and_a_run_without_rows_say_what_they_need(tmp_path):
    run = stopped_at(5, task_of("adam"))
    run.save(tmp_path / "model.run", keyframes=False)
    with pytest.raises(InputError, match="without keyframes cannot be resumed"):
        ds.load(tmp_path / "model.run").attach(X, Y).resume()
    run.save(tmp_path / "whole.run")
    with pytest.raises(InputError, match=r"holds no rows; give them back with run.attach"):
        ds.load(tmp_path / "whole.run").resume()
