"""The run: any step again, exactly; predictions; and the rows it was trained on, recognised."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend import schedules
from descend.errors import InputError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 2))
Y = X @ [1.0, -2.0] + 0.1 * RNG.normal(size=23)


def run_of(loss="squared_error", y=Y, epochs=12, model=None, optimizer=None, **asked):
    task = ds.Task(model or ds.MLP((3,)), loss, optimizer or ds.adam(0.05))
    return ds.train(task, X, y, epochs=epochs, **asked)


@pytest.mark.parametrize("record", ["auto", 0.003])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_every_step_again_is_what_training_passed_through(batch_size, record):
    seen = []
    plateau = ds.adam(0.05, schedule=schedules.reduce_on_plateau(0.5, 1, 0.05))
    watcher = ds.Callback(
        start=lambda now: seen.append((now.theta, now.slots)),
        step=lambda now: seen.append((now.theta, now.slots)),
    )
    run = run_of(batch_size=batch_size, callbacks=watcher, record=record, optimizer=plateau)
    if record != "auto" and batch_size == 1:
        assert run.keyframes.stride > 1
    assert batch_size is None or run.events
    for k, (theta, slots) in enumerate(seen):
        moment = run.at(k)
        assert moment.step == k
        assert_bits(moment.theta, theta, f"theta at {k}")
        assert_bits(moment.slots, slots, f"slots at {k}")
    assert len(seen) == run.state.step + 1


def test_a_moment_s_loss_and_gradient_are_the_next_update_s():
    run = run_of(batch_size=7)
    moment = run.at(9)
    value, gradient = run.program.value_and_gradient(moment.theta, 9)
    assert moment.loss == value == run.history["loss"][9]
    assert_bits(moment.gradient, gradient)
    assert_bits(moment.params["layer1.weight"], run.layout.split(moment.theta)["layer1.weight"])


@pytest.mark.parametrize("step", [-1, 13, 2.0, "3", None])
def test_a_step_that_never_was_is_refused(step):
    with pytest.raises(InputError, match="This run did 12 updates: ask for a step from 0 to 12"):
        run_of().at(step)


def test_a_restored_run_s_last_step_is_the_last_step():
    noise = np.random.default_rng(1).normal(size=23)
    run = run_of(y=noise, epochs=400, model=ds.MLP((16,)), validation=0.4, patience=5)
    assert run.outcome.best_step < run.outcome.step
    assert_bits(run.at(run.outcome.best_step).theta, run.theta)
    assert_bits(run.at(run.outcome.step).theta, run.state.theta)


def test_the_outcome_s_loss_is_the_objective_at_theta():
    run = run_of(batch_size=7, model=ds.Linear())
    errors = X @ run.params["weight"][:, 0] + run.params["bias"] - Y
    assert_close(run.outcome.loss, (errors**2).mean(), 1e-13)


# ---------------------------------------------------------------- predictions


def test_numbers_are_predicted_in_the_shape_of_y():
    assert run_of().predict(X).shape == (23,)
    assert run_of(y=Y[:, None]).predict(X).shape == (23,)
    two = run_of(y=np.column_stack([Y, -Y]))
    assert two.predict(X).shape == two.scores(X).shape == (23, 2)


def test_poisson_predicts_counts_and_not_scores():
    run = run_of("poisson", np.arange(23) % 4)
    assert_close(run.predict(X), np.exp(run.scores(X))[:, 0], 1e-15)


@pytest.mark.parametrize("loss", ["logistic", "brier", "hinge", "squared_hinge", "softmax"])
@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7], [-1.5, 2.5]], ids=str)
def test_labels_come_back_as_they_were_given(loss, labels):
    y = np.array(labels)[(Y > 0).astype(int)]
    run = run_of(loss, y, epochs=300)
    assert run.classes == labels
    assert run.predict(X).dtype == y.dtype
    assert (run.predict(X) == y).mean() > 0.9


@pytest.mark.parametrize("loss", ["logistic", "brier", "softmax"])
def test_probabilities_sum_to_one_and_agree_with_the_labels(loss):
    run = run_of(
        loss, np.array(["a", "b", "c"] if loss == "softmax" else ["a", "b", "a"])[np.arange(23) % 3]
    )
    p = run.predict_proba(X)
    assert p.shape == (23, len(run.classes))
    assert_close(p.sum(axis=1), np.ones(23), 1e-15)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.array(run.classes)[p.argmax(axis=1)] == run.predict(X)).all()


def test_several_two_label_outputs_have_a_probability_each():
    y = np.column_stack([Y > 0, X[:, 0] > 0]).astype(float)
    run = run_of("logistic", y, epochs=200)
    assert run.predict_proba(X).shape == (23, 2)
    assert ((run.predict_proba(X) > 0.5) == run.predict(X)).all()


def test_losses_without_probabilities_say_so():
    for loss, y in (("squared_error", Y), ("hinge", Y > 0)):
        with pytest.raises(InputError, match=f"The loss {loss} gives no probabilities"):
            run_of(loss, y).predict_proba(X)


def test_no_rows_give_no_predictions():
    assert run_of().predict(np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize("wrong", [np.zeros((3, 1)), np.zeros((3, 3)), np.zeros(2)], ids=str)
def test_rows_of_another_width_are_refused(wrong):
    with pytest.raises(ShapeError, match="X must have 2 columns; found shape"):
        run_of().predict(wrong)


# ---------------------------------------------------------------- rows given back


def test_the_same_rows_are_recognised_and_others_refused(tmp_path):
    run_of(batch_size=7, validation=0.3).save(tmp_path / "a.run")
    run = ds.load(tmp_path / "a.run")
    assert_bits(run.attach(X, Y).at(5).theta, run_of(batch_size=7, validation=0.3).at(5).theta)
    changed = X.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], 9)
    for rows in ((changed, Y), (X[::-1], Y[::-1]), (X[:-1], Y[:-1]), (X, -Y)):
        with pytest.raises(InputError, match="not the rows the run was trained on"):
            run.attach(*rows)
    with pytest.raises(InputError, match="not the rows"):
        run.attach(X, Y, sample_weight=np.ones(23))


def test_validation_rows_of_their_own_are_asked_for(tmp_path):
    run_of(validation=(X, Y)).save(tmp_path / "a.run")
    run = ds.load(tmp_path / "a.run")
    with pytest.raises(InputError, match="give them back too"):
        run.attach(X, Y)
    assert run.attach(X, Y, validation=(X, Y)).at(3).step == 3


def test_a_name_that_a_run_has_not_is_guessed():
    with pytest.raises(AttributeError, match="did you mean 'theta'"):
        run_of().teta  # noqa: B018 - looking is the test
    assert not hasattr(run_of(), "nothing_of_the_kind")


def test_a_run_says_its_task_and_its_outcome():
    run = run_of()
    assert str(run) == f"{run.task}\n{run.outcome.sentence}"


def test_the_same_seed_is_the_same_run_and_another_is_not():
    first, again, other = (run_of(batch_size=7, seed=s) for s in (1, 1, 2))
    assert_bits(first.theta, again.theta)
    assert not np.isclose(first.theta, other.theta).all()


def test_the_rows_given_are_left_as_they_were():
    kept_X, kept_y = X.copy(), Y.copy()
    run_of(batch_size=7, validation=0.3)
    assert_bits(X, kept_X)
    assert_bits(Y, kept_y)


def test_readers_are_found_by_looking():
    run = ds.train(ds.Task(ds.Linear(), "squared_error", "adam"), [[0.0], [1.0]], [1.0, 2.0])
    assert {"plot", "report", "animate", "diagnose", "theta", "at"} <= set(dir(run))
