"""The loop: every reason to stop with its sentence, and divergence told from what looks like it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_close, assert_same_run, silence_is_kept

import descend as ds
from descend.curvature import ready, stable_step
from descend.errors import InputError, ParameterError
from descend.run import Controller
from descend.training import stopping

LINE_X, LINE_Y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]


def line(rate=0.1, **task):
    return ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(rate), **task)


def noisy(n=60, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X.sum(axis=1) + rng.normal(size=n)


# ---------------------------------------------------------------- reasons to stop


def test_all_epochs():
    outcome = ds.train(line(), LINE_X, LINE_Y, epochs=7).outcome
    assert (outcome.reason, outcome.step, outcome.converged) == ("epochs", 7, False)
    assert outcome.sentence == f"Stopped after all 7 epochs (7 updates); loss {outcome.loss:.6g}."
    assert str(outcome) == outcome.sentence


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_small_gradient(batch_size):
    run = ds.train(
        line(), LINE_X, LINE_Y, epochs=5000, gradient_tolerance=1e-3, batch_size=batch_size
    )
    assert (run.outcome.reason, run.outcome.converged) == ("gradient", True)
    assert run.outcome.sentence == (
        f"Converged after {run.outcome.step} updates: the gradient is at most 0.001 of its first "
        f"length; loss {run.outcome.loss:.6g}."
    )
    whole = [
        np.linalg.norm(run.program.value_and_gradient(t)[1]) for t in (run.at(0).theta, run.theta)
    ]
    assert whole[1] <= 1e-3 * whole[0]
    if batch_size is None:
        before = run.program.value_and_gradient(run.at(run.outcome.step - 1).theta)[1]
        assert np.linalg.norm(before) > 1e-3 * whole[0]


def test_a_start_at_the_minimum_needs_no_update():
    task = ds.Task(ds.Linear(init=[2.0, 1.0]), "squared_error", ds.gradient_descent(0.1))
    outcome = ds.train(task, LINE_X, LINE_Y, gradient_tolerance=1e-3).outcome
    assert (outcome.reason, outcome.step) == ("gradient", 0)


def test_a_loss_that_settled():
    run = ds.train(line(), LINE_X, [1.0, 3.0, 4.0], epochs=5000, loss_tolerance=1e-6)
    assert (run.outcome.reason, run.outcome.converged) == ("settled", True)
    assert run.outcome.sentence == (
        f"Settled after {run.outcome.step} updates: ten epochs lowered the loss by less than 1e-06 "
        f"of it; loss {run.outcome.loss:.6g}."
    )
    assert run.outcome.step < 2000


def overfitting():
    X, y = noisy(20, 12)
    return ds.Task(ds.MLP((16,)), "squared_error", ds.adam(0.02)), X, y


def test_patience_restores_the_best_and_says_so():
    task, X, y = overfitting()
    run = ds.train(task, X, y, epochs=2000, validation=0.4, patience=15)
    best = run.outcome.best_step
    assert run.outcome.reason == "validation"
    assert best == int(np.argmin(run.history["validation_loss"])) + 1
    assert run.outcome.step == best + 15
    assert_bits(run.theta, run.at(best).theta)
    assert run.outcome.loss == run.program.value(run.theta)
    assert f"15 epochs brought no lower validation loss; the parameters of update {best}" in str(
        run.outcome
    )


def test_patience_that_was_not_used_up_restores_the_best_all_the_same():
    task, X, y = overfitting()
    run = ds.train(task, X, y, epochs=300, validation=0.4, patience=10_000)
    best = run.outcome.best_step
    assert run.outcome.reason == "epochs"
    assert best < 300
    assert_bits(run.theta, run.at(best).theta)
    assert str(run.outcome).endswith(f"restored from update {best}, the best in validation.")


def test_without_patience_the_last_parameters_are_returned():
    task, X, y = overfitting()
    run = ds.train(task, X, y, epochs=300, validation=0.4)
    assert run.outcome.best_step is None
    assert_bits(run.theta, run.state.theta)


def test_a_callback_asked():
    for moment, step in (("start", 0), ("step", 1), ("epoch", 3)):
        stop = ds.Callback(**{moment: lambda _now: True})
        run = ds.train(line(0.01), LINE_X, LINE_Y, batch_size=1, callbacks=stop)
        assert (run.outcome.reason, run.outcome.step) == ("callback", step)
        updates = "1 update" if step == 1 else f"{step} updates"
        assert (
            str(run.outcome)
            == f"Stopped by a callback after {updates}; loss {run.outcome.loss:.6g}."
        )


def test_ctrl_c_leaves_a_run_that_can_be_resumed():
    def interrupt(now):
        if now.step == 5:
            raise KeyboardInterrupt

    X, y = noisy()
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.01))
    run = ds.train(task, X, y, epochs=4, batch_size=7, callbacks=ds.Callback(step=interrupt))
    assert (run.outcome.reason, run.outcome.step) == ("interrupted", 5)
    assert str(run.outcome).endswith("It can be resumed.")
    whole = ds.train(task, X, y, epochs=4, batch_size=7)
    assert_same_run(run.resume(), whole)


@pytest.mark.parametrize(("moment", "call"), [("start", 1), ("step", 1), ("step", 2), ("epoch", 2)])
def test_ctrl_c_at_any_callback_leaves_a_run_that_resumes_to_the_same(moment, call):
    X, y = noisy(14)
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.01))
    whole = ds.train(task, X, y, epochs=3, batch_size=7)
    calls = []

    def interrupt(now):
        calls.append(now)
        if len(calls) == call:
            raise KeyboardInterrupt

    watcher = ds.Callback(**{moment: interrupt})
    try:
        run = ds.train(task, X, y, epochs=3, batch_size=7, callbacks=watcher)
    except KeyboardInterrupt:  # let out, it would end the whole session of tests
        pytest.fail("the interrupt escaped from train")
    assert run.outcome.reason == "interrupted"
    assert_same_run(run.resume(), whole)


# ---------------------------------------------------------------- divergence

HOUSES = np.array([[1250.0, 350, 3], [1700, 900, 6], [1400, 600, 3]])
PRICES = np.array([345_000.0, 580_000, 360_000])


def houses(**asked):
    start = {
        "weight": [[1.764052345967664], [0.4001572083672233], [0.9787379841057392]],
        "bias": [0.0],
    }
    task = ds.Task(ds.Linear(init=start), "squared_error", ds.gradient_descent(0.05), None, "sum")
    return ds.train(task, HOUSES, PRICES, batch_size=1, shuffle=False, epochs=100, **asked)


def test_houses_diverge_within_their_first_pass():
    with silence_is_kept():
        outcome = houses().outcome
    assert outcome.reason == "diverged"
    assert outcome.diverged_at <= 3
    assert outcome.step == outcome.diverged_at
    assert str(outcome).startswith(f"Diverged at update {outcome.diverged_at}: the loss is ")
    assert "the learning rate 0.05 is too large for these rows" in str(outcome)


def test_houses_told_to_go_on_are_no_numbers_after_57_updates():
    run = houses(on_divergence="continue")
    assert run.outcome.step == 300
    assert run.outcome.diverged_at == houses().outcome.diverged_at
    finite = [bool(np.isfinite(run.at(k).theta).all()) for k in range(60)]
    assert finite.index(False) == 57
    assert "told to go on to update 300: the loss is no longer a number" in str(run.outcome)


def test_a_step_just_too_long_is_declared_and_one_just_short_enough_is_not():
    X, y = noisy()
    limit = stable_step(ready(line(), X, y))
    above = ds.train(line(1.01 * limit), X, y, epochs=5000).outcome
    below = ds.train(line(0.99 * limit), X, y, epochs=5000).outcome
    assert above.reason == "diverged"
    assert above.step < 5000
    assert below.reason == "epochs"
    assert not below.diverged


def test_a_step_just_too_long_is_declared_by_single_rows_too():
    X, y = noisy()
    largest = stable_step(ready(line(), X, y))
    assert ds.train(line(4 * largest), X, y, epochs=500, batch_size=1).outcome.diverged


def test_noisy_single_rows_with_outliers_have_not_diverged():
    rng = np.random.default_rng(0)
    X, y = noisy(100)
    y[rng.choice(100, 4)] *= 1e4
    for loss in ("squared_error", "huber", "absolute_error"):
        task = ds.Task(ds.Linear(), loss, ds.gradient_descent(1e-3))
        assert ds.train(task, X, y, epochs=15, batch_size=1).outcome.reason == "epochs"


def test_a_start_a_million_away_has_not_diverged():
    X, y = noisy()
    for batch_size, epochs in ((None, 1000), (1, 50)):
        task = ds.Task(ds.Linear(init=[1e6, -1e6, 1e6]), "squared_error", ds.gradient_descent(0.02))
        run = ds.train(task, X, y, epochs=epochs, batch_size=batch_size)
        assert run.outcome.reason == "epochs"
        assert run.outcome.loss < 3


def two_moons(n=200):
    from sklearn.datasets import make_moons

    return make_moons(n, noise=0.15, random_state=0)


def test_the_edge_of_stability_is_not_divergence():
    X, y = two_moons()
    task = ds.Task(ds.MLP((16, 16), "tanh"), "logistic", ds.gradient_descent(0.3))
    outcome = ds.train(task, X, y, epochs=2000).outcome
    assert outcome.reason == "epochs"
    assert outcome.loss < 0.1


def test_an_exact_fit_that_rattles_within_rounding_has_not_diverged():
    X, y = np.arange(8.0)[:, None] / 8, 1 + np.arange(8.0) / 4
    for optimizer in (ds.momentum(0.1), ds.adam(0.05), ds.gradient_descent(0.5)):
        task = ds.Task(ds.Linear(), "squared_error", optimizer)
        for batch_size, epochs in ((None, 3000), (1, 250)):
            outcome = ds.train(task, X, y, epochs=epochs, batch_size=batch_size).outcome
            assert not outcome.diverged
            assert outcome.reason == "epochs"


def test_momentum_s_first_swings_have_not_diverged():
    X, y = noisy()
    task = ds.Task(ds.Linear(init=[5.0, 5.0, 5.0]), "squared_error", ds.momentum(0.3, beta=0.99))
    outcome = ds.train(task, X * [1.0, 0.1], y, epochs=3000).outcome
    assert outcome.reason == "epochs"


def test_a_swing_of_momentum_far_above_the_start_has_not_diverged():
    # Just inside the stable region the two modes of momentum cancel at first and then do not.
    task = ds.Task(
        ds.Linear(bias=False, init=[1.0]), "squared_error", ds.momentum(0.998 * 1.95, beta=0.95)
    )
    run = ds.train(task, [[1.0]], [0.0], epochs=3000)
    swing = run.history.range_of("loss")[1].max()
    assert 100 < swing < 1000
    assert run.outcome.reason == "epochs"
    assert run.outcome.loss < 1e-6


def test_nan_is_divergence_at_the_update_that_made_it():
    task = ds.Task(ds.Linear(), "poisson", ds.gradient_descent(1e3))
    with silence_is_kept():
        outcome = ds.train(task, [[1.0], [5.0]], [3, 4], epochs=50).outcome
    assert outcome.diverged
    assert outcome.diverged_at <= 2


def test_the_last_update_is_judged_too():
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(1e9))
    outcome = ds.train(task, LINE_X, LINE_Y, epochs=1).outcome
    assert (outcome.reason, outcome.diverged_at) == ("diverged", 1)


# ---------------------------------------------------------------- callbacks


def test_callbacks_are_called_in_order_with_what_is_there():
    seen = []
    watcher = ds.Callback(
        start=lambda now: seen.append(("start", now.step, now.epoch, now.loss)),
        step=lambda now: seen.append(("step", now.step, now.epoch, now.loss)),
        epoch=lambda now: seen.append(("epoch", now.step, now.epoch, now.validation_loss)),
        end=lambda run: seen.append(("end", run.outcome.step)),
    )
    X, y = noisy(20)
    run = ds.train(line(0.01), X, y, epochs=2, batch_size=8, validation=(X, y), callbacks=[watcher])
    loss, held = run.history["loss"], run.history["validation_loss"]
    wanted = [("start", 0, 0, None)]
    for k in range(1, 7):
        wanted.append(("step", k, k // 3, loss[k - 1]))
        if k % 3 == 0:
            wanted.append(("epoch", k, k // 3, held[k // 3 - 1]))
    assert seen == [*wanted, ("end", 6)]


def test_callbacks_cannot_change_the_training():
    def spoil(now):
        now.theta[:] = 1e9
        now.slots[:] = np.nan
        now.params["weight"][:] = 7
        with pytest.raises(AttributeError):
            now.step = 0

    X, y = noisy(20)
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.05))
    plain = ds.train(task, X, y, epochs=3, batch_size=7)
    watched = ds.train(
        task,
        X,
        y,
        epochs=3,
        batch_size=7,
        callbacks=ds.Callback(start=spoil, step=spoil, epoch=spoil),
    )
    assert_bits(watched.theta, plain.theta)
    assert_bits(watched.history["loss"], plain.history["loss"])


def test_every_callback_is_called_though_one_asks_to_stop():
    seen = []
    both = [
        ds.Callback(step=lambda _now: True),
        ds.Callback(step=lambda now: seen.append(now.step)),
    ]
    ds.train(line(), LINE_X, LINE_Y, callbacks=both)
    assert seen == [1]


def test_only_true_stops():
    run = ds.train(line(), LINE_X, LINE_Y, epochs=4, callbacks=ds.Callback(step=lambda _now: 1))
    assert run.outcome.reason == "epochs"


def test_what_is_no_callback_is_refused():
    with pytest.raises(
        InputError, match="at least one of the functions start, step, stretch, epoch"
    ):
        ds.train(line(), LINE_X, LINE_Y, callbacks=[print])


# ---------------------------------------------------------------- the figures


@pytest.mark.parametrize("batch_size", [None, 7])
def test_history_holds_the_loss_before_each_update(batch_size):
    X, y = noisy(20)
    run = ds.train(line(0.05), X, y, epochs=5, batch_size=batch_size)
    for k, loss in enumerate(run.history["loss"]):
        assert run.at(k).loss == loss
        assert_close(np.linalg.norm(run.at(k).gradient), run.history["gradient_norm"][k], 1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_epoch_s_loss_is_that_of_its_rows(reduction):
    X, y = noisy(20)
    run = ds.train(line(0.001, reduction=reduction), X, y, epochs=3, batch_size=8)
    losses = run.history["loss"].reshape(3, 3)
    wanted = losses.sum(axis=1) if reduction == "sum" else losses @ [8, 8, 4] / 20
    assert_close(run.history["epoch_loss"], wanted, 1e-14)


def test_the_validation_loss_is_that_of_the_held_rows_without_the_penalty():
    X, y = noisy(20)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.05), ds.l2(3.0))
    run = ds.train(task, X, y, epochs=4, validation=(X[:5], y[:5]), metrics=["mae", "r2"])
    errors = X[:5] @ run.params["weight"][:, 0] + run.params["bias"] - y[:5]
    assert_close(run.history["validation_loss"][-1], (errors**2).mean(), 1e-13)
    assert_close(run.history["validation_mae"][-1], np.abs(errors).mean(), 1e-13)
    assert run.history.names()[-2:] == ["validation_mae", "validation_r2"]


def test_a_batch_without_weight_moves_nothing():
    # Rows of weight 0 are absent; a batch of nothing but such rows must not divide by 0.
    weights = [0.0, 0.0, 1.0, 1.0]
    X, y = [[0.0], [1.0], [2.0], [3.0]], [9.0, 9.0, 5.0, 7.0]
    run = ds.train(line(0.01), X, y, sample_weight=weights, batch_size=2, shuffle=False, epochs=3)
    assert np.isfinite(run.theta).all()
    assert run.history["update_norm"][0] == 0.0


REFUSED = [
    ({"epochs": 0}, "'epochs' parameter of train must be an int of at least 1. Got 0"),
    ({"epochs": 1.5}, "must be an int"),
    ({"batch_size": 0}, "'batch_size' parameter of train must be an int of at least 1"),
    ({"seed": -1}, "'seed' parameter of train must be an int of at least 0"),
    ({"seed": 2**64}, "must be below 2**64"),
    ({"engine": "cuda"}, "'engine' parameter of train must be one of"),
    ({"record": "all"}, "must be 'auto', a number of MiB, or False"),
    ({"record": -1}, "'record' parameter of train must be a float in (0, inf)"),
    ({"dtype": "int8"}, "must be float32 or float64. Got 'int8'"),
    ({"patience": 3}, "patience needs validation rows"),
    ({"validation": 1.5}, "'validation' parameter of train must be a float in (0, 1)"),
    ({"validation": 0.01}, "of 3 rows leaves 3 to train on and 0 to validate"),
    ({"on_divergence": "raise"}, "must be one of 'stop', 'continue'"),
    ({"gradient_tolerance": -1}, "must be a float in [0, inf)"),
    ({"validation": 0.4, "metrics": ["rsme"]}, "did you mean 'rmse'"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_train_cannot_use_it_refuses_in_one_sentence(asked, words):
    with pytest.raises((InputError, ParameterError)) as error:
        ds.train(line(), LINE_X, LINE_Y, **asked)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_task_is_needed():
    with pytest.raises(InputError, match=r"train needs a Task\(model, loss, optimizer\)"):
        ds.train(ds.Linear(), LINE_X, LINE_Y)


def test_without_a_record_only_the_end_is_kept():
    run = ds.train(line(), LINE_X, LINE_Y, epochs=50, record=False)
    assert_bits(run.theta, ds.train(line(), LINE_X, LINE_Y, epochs=50).theta)
    assert len(run.history["loss"]) == 0
    assert run.keyframes.steps == [0]
    assert not math.isnan(run.outcome.loss)


def test_the_epoch_loss_weighs_batches_by_their_weights():
    X, y = np.arange(5.0)[:, None], np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    w = np.array([1.0, 0.0, 2.0, 5.0, 0.5])
    still = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(1e-300))
    run = ds.train(still, X, y, sample_weight=w, batch_size=2, epochs=3)
    expected = np.average(y**2, weights=w)
    np.testing.assert_allclose(run.history["epoch_loss"], expected, rtol=1e-12)
    assert abs(np.mean(y**2) - expected) > 0.1


def test_a_loss_that_rose_has_not_settled():
    controller = Controller()
    assert not stopping.settled(controller, 1.0, 1e-3)
    assert not any(stopping.settled(controller, 2.0, 1e-3) for _ in range(30))
    assert [stopping.settled(controller, 1.2, 1e-3) for _ in range(10)] == [False] * 9 + [True]
