"""The history of a fit: an entry per epoch, of full batches, batches, thinned and chained."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import descend as ds
from descend.errors import InputError, UnavailableError
from descend.estimators.history import EpochHistory

RNG = np.random.default_rng


def rows(n=50, d=3, seed=0):
    rng = RNG(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) + rng.normal(size=n)


def trained(optimizer=None, loss=None, n=50, **asked):
    X, y = rows(n)
    if loss is not None:
        y = (y > 0).astype(int)
    task = ds.Task(ds.Linear(), loss or ds.squared_error(), optimizer or ds.gradient_descent(0.1))
    return ds.train(task, X, y, **{"epochs": 12, **asked})


def test_with_all_rows_an_epoch_is_an_update():
    run = trained()
    history = EpochHistory.of(run)
    assert list(history) == ["loss", "learning_rate"]
    X, y = rows()
    assert_allclose(history["loss"][0], np.mean(y**2))
    w = run.at(5).theta
    assert_allclose(history["loss"][5], np.mean((X @ w[:3] + w[3] - y) ** 2))
    assert_array_equal(history["learning_rate"], np.full(12, 0.1))
    assert_array_equal(history.epochs, np.arange(1, 13))
    assert not history.thinned


def test_with_batches_the_loss_is_their_mean():
    schedule = ds.schedules.exponential(0.9)
    run = trained(ds.gradient_descent(0.05, schedule=schedule), batch_size=10, epochs=6)
    history = EpochHistory.of(run)
    by_update = run.history["loss"].reshape(6, 5)
    assert_allclose(history["loss"], by_update.mean(axis=1), rtol=1e-12)
    assert_array_equal(history["learning_rate"], run.history["learning_rate"][::5])
    assert len(set(history["learning_rate"])) == 6


def test_validation_is_there_by_its_own_names():
    run = trained(validation=0.2, metrics=("rmse", "mae"))
    history = EpochHistory.of(run)
    assert list(history) == [
        "loss", "validation_loss", "validation_rmse", "validation_mae", "learning_rate",
    ]  # fmt: skip
    assert_array_equal(history["validation_loss"], run.history["validation_loss"])
    assert_allclose(history["validation_rmse"] ** 2, history["validation_loss"])
    run = trained(loss=ds.logistic(), validation=0.2)
    accuracy = EpochHistory.of(run)["validation_accuracy"]
    held, y, _ = run.data.validation
    assert_allclose(accuracy[-1], np.mean((run.scores(held)[:, 0] > 0) == y[:, 0]))


def test_best_is_the_lowest_that_was_watched():
    history = EpochHistory.of_epochs([3.0, 1.0, 2.0, 1.0])
    assert (history.watched, history.best_epoch) == ("loss", 2)
    history = EpochHistory.of_epochs([3.0, 2.0, 1.0], validation_loss=[np.nan, 4.0, 5.0])
    assert (history.watched, history.best_epoch) == ("validation_loss", 2)
    assert EpochHistory.of_epochs([np.nan]).best_epoch is None
    assert EpochHistory.of_epochs([]).best_epoch is None


def test_a_thinned_history_says_so_and_keeps_means():
    asked = {"epochs": 4000, "validation": 0.2, "record": 0.005}
    long, whole = trained(**asked), trained(**{**asked, "record": "auto"})
    history, exact = EpochHistory.of(long), EpochHistory.of(whole)
    assert history.thinned
    assert not exact.thinned
    assert len(history.epochs) < 200
    assert history.epochs[-1] == 4000
    block = history.epochs[0]
    assert block == history.epochs[1] - history.epochs[0] > 1
    for name in ("loss", "validation_loss", "validation_rmse"):
        assert_allclose(history[name][1], exact[name][block : 2 * block].mean(), rtol=1e-12)
    assert_allclose(history["learning_rate"], 0.1, rtol=1e-13)
    assert "4000 epochs, in" in repr(history)


def test_nothing_recorded_is_nothing_shown():
    for asked in ({}, {"batch_size": 10}, {"validation": 0.2}):
        history = EpochHistory.of(trained(record=False, **asked))
        assert len(history.epochs) == 0
        assert all(len(column) == 0 for column in history.values())
        assert "nothing was recorded" in repr(history)
        assert "nothing was recorded" in history._repr_html_()
        assert len(history.to_frame()) == 0


def test_an_epoch_that_was_not_finished_is_no_entry():
    run = trained(batch_size=10, callbacks=ds.Callback(step=lambda now: now.step == 13))
    assert run.outcome.step == 13
    history = EpochHistory.of(run)
    assert_array_equal(history.epochs, [1, 2])


def test_a_resumed_run_has_one_history():
    half, whole = trained(epochs=6), trained(epochs=12)
    assert EpochHistory.of(half.resume(epochs=12)) == EpochHistory.of(whole)
    assert EpochHistory.of(half) != EpochHistory.of(whole)


def test_histories_of_one_fit_after_another_are_chained():
    first = EpochHistory.of_epochs([4.0, 3.0], learning_rate=[0.1, 0.1])
    second = EpochHistory.of_epochs([2.0, 1.0, 0.5], validation_loss=[1.0, 2.0, 3.0])
    for both in (first.followed_by(second), first + second):
        assert_array_equal(both.epochs, [1, 2, 3, 4, 5])
        assert_array_equal(both["loss"], [4, 3, 2, 1, 0.5])
        assert_array_equal(both["learning_rate"], [0.1, 0.1, np.nan, np.nan, np.nan])
        assert_array_equal(both["validation_loss"], [np.nan, np.nan, 1, 2, 3])
        assert both.best_epoch == 3
    assert EpochHistory.of_epochs([]) + first == first
    assert first + second == first.followed_by(second)  # NaN where nothing was recorded
    assert not (first + second).thinned


def test_it_is_a_mapping_that_cannot_be_changed():
    history = EpochHistory.of_epochs([2.0, 1.0])
    assert "loss" in history
    assert len(history) == 1
    assert history.get("los") is None
    assert dict(history)["loss"] is history["loss"]
    with pytest.raises(KeyError, match=r"no 'los' \(did you mean 'loss'\?\); it has loss"):
        history["los"]
    with pytest.raises(ValueError, match="read-only"):
        history["loss"][0] = 0
    with pytest.raises(InputError, match=r"'validation_loss' has shape \(1,\), the epochs \(2,\)"):
        EpochHistory.of_epochs([2.0, 1.0], validation_loss=[1.0])
    assert pickle.loads(pickle.dumps(history)) == history  # noqa: S301 - our own bytes


def test_it_becomes_a_data_frame_by_epoch():
    run = trained(validation=0.2)
    history = EpochHistory.of(run)
    frame = history.to_frame()
    assert list(frame.columns) == list(history)
    assert frame.index.name == "epoch"
    assert_array_equal(frame.index, np.arange(1, 13))
    assert frame.loc[3, "validation_loss"] == run.history["validation_loss"][2]


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UnavailableError, match="pip install pandas"):
        EpochHistory.of_epochs([1.0]).to_frame()


def test_it_shows_the_first_the_last_and_the_best():
    history = EpochHistory.of_epochs([4.0, 2.0, 1.5], **{"<b>": [7.0, 8.0, 9.0]})
    lines = repr(history).splitlines()
    assert lines[0] == "EpochHistory of 3 epochs"
    assert [line.split() for line in lines[1:]] == [
        ["epoch", "loss", "<b>"],
        ["first", "1", "4", "7"],
        ["last", "3", "1.5", "9"],
        ["best", "3", "1.5", "9"],
    ]
    page = history._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<tr>") == 4
    assert "EpochHistory of 1 epoch\n" in repr(EpochHistory.of_epochs([1.0]))


def test_a_diverged_error_carries_its_run_through_a_pickle():
    X, y = rows()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(99.0))
    run = ds.train(task, X, y)
    error = ds.DivergedError("too far", run=run)
    assert isinstance(error, ArithmeticError)
    assert isinstance(error, ds.DescendError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(again) == "too far"
    assert again.run.outcome == run.outcome
    assert ds.DivergedError("no run").run is None
