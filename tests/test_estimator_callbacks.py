"""Callbacks of scikit-learn and of this library watch and stop the estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import descend as ds
from descend.errors import DivergedError
from descend.estimators import DescentClassifier, DescentRegressor

EPOCHS = 4
SHORT: dict[str, Any] = {"max_iter": EPOCHS, "tol": None, "random_state": 0}


def drawn(n: int = 60) -> tuple[Any, Any]:
    """Return rows and numbers far from 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) * [1.0, 5.0, 0.1] + [0.0, 3.0, -1.0]
    return X, 100 + X @ [1.0, -0.2, 4.0] + rng.normal(size=n)


class Told:
    """A callback that keeps what it is told, and may ask to stop."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.models: list[Any] = []
        self.metadata: Any = None
        self.stop_at = stop_at
        self.set_up = 0

    def setup(self, estimator: Any, context: Any) -> None:
        del estimator, context
        self.set_up += 1

    def teardown(self, estimator: Any, context: Any) -> None:
        del estimator, context
        self.set_up -= 1

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any, y: Any) -> None:
        del estimator, X, y
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any, y: Any, metadata: Any, fitted_estimator: Any
    ) -> bool:
        del estimator, X, y
        self.ended.append((context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.models.append(fitted_estimator)
            self.metadata = metadata
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_at


KINDS = [
    DescentRegressor(**SHORT),
    DescentRegressor((4,), **SHORT),
    DescentRegressor(solver="lbfgs", **SHORT),
    DescentRegressor(optimizer="adam", batch_size=16, **SHORT),
    DescentRegressor(engine="numpy", **SHORT),
]


# ---------------------------------------------------------------- scikit-learn's


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_each_epoch_is_scored_as_if_it_were_the_last(model: Any) -> None:
    X, y = drawn()
    monitor = ScoringMonitor(scoring="r2")
    watched = clone(model).set_callbacks(monitor).fit(X, y)
    scores = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    alone = [clone(model).set_params(max_iter=n + 1).fit(X, y).score(X, y) for n in range(EPOCHS)]
    # A schedule of no epochs more: each is the run that ends there.
    assert_allclose(scores, alone, rtol=1e-9)
    assert_array_equal(watched.predict(X), clone(model).fit(X, y).predict(X))


def test_classifiers_are_scored_by_their_labels_and_the_weights_given() -> None:
    X, y = drawn()
    names = np.where(y > np.median(y), "high", "low")
    w = np.arange(60.0)
    monitor, told = ScoringMonitor(scoring=["accuracy", "neg_log_loss"]), Told()
    model = DescentClassifier(class_weight={"high": 3.0}, **SHORT).set_callbacks(monitor, told)
    model.fit(X, names, w)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == EPOCHS
    assert rows[-1]["accuracy"] == pytest.approx(model.score(X, names, w))
    assert_array_equal(told.metadata["sample_weight"], w[1:])  # not times the class's


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_tasks_begin_and_end_in_pairs(model: Any) -> None:
    X, y = drawn()
    told = Told()
    watched = clone(model).set_callbacks(told).fit(X, y)
    epochs = [("epoch", i) for i in range(EPOCHS)]
    assert told.begun == [("fit", 0), *epochs]
    assert told.ended == [*epochs, ("fit", 0)]
    assert told.set_up == 0
    assert_array_equal(told.models[-1].predict(X), watched.predict(X))


def test_tasks_begin_and_end_in_pairs_where_training_ends_by_itself() -> None:
    X, y = drawn()
    told = Told()
    model = DescentRegressor(tol=0.1).set_callbacks(told).fit(X, y)
    assert model.run_.outcome.converged
    assert sorted(told.begun) == sorted(told.ended)
    assert len(told.models) == model.n_iter_ + 1


def test_exact_solutions_are_one_task() -> None:
    X, y = drawn()
    told = Told()
    DescentRegressor(solver="exact").set_callbacks(told).fit(X, y)
    assert told.begun == told.ended == [("fit", 0)]


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_a_callback_that_returns_true_stops_training(model: Any) -> None:
    X, y = drawn()
    stopped = clone(model).set_callbacks(Told(stop_at=2)).fit(X, y)
    assert stopped.n_iter_ == 2
    assert stopped.run_.outcome.reason == "callback"
    assert_array_equal(stopped.predict(X), clone(model).set_params(max_iter=2).fit(X, y).predict(X))


def test_a_progress_bar_shows_the_epochs(capsys: Any) -> None:
    pytest.importorskip("rich")
    X, y = drawn()
    DescentRegressor(**SHORT).set_callbacks(ProgressBar()).fit(X, y)
    assert "100%" in capsys.readouterr().out
    pipe = make_pipeline(StandardScaler(), DescentRegressor(**SHORT))
    pipe.set_callbacks(ProgressBar()).fit(X, y)
    said = capsys.readouterr().out
    assert "DescentRegressor" in said
    search = GridSearchCV(DescentRegressor(**SHORT), {"alpha": [0.0, 1.0]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert "DescentRegressor" in capsys.readouterr().out


def test_scores_inside_a_pipeline_and_a_search() -> None:
    X, y = drawn()
    monitor = ScoringMonitor(scoring="r2")
    pipe = make_pipeline(StandardScaler(), DescentRegressor(**SHORT).set_callbacks(monitor))
    pipe.fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == EPOCHS
    assert rows[-1]["r2"] == pytest.approx(pipe.score(X, y))

    monitor = ScoringMonitor(scoring="r2")
    model = DescentRegressor(**SHORT).set_callbacks(monitor)
    search = GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, refit=True).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == (2 * 2 + 1) * EPOCHS
    last = rows[-1]["r2"]
    assert any(row["r2"] == pytest.approx(search.score(X, y)) for row in rows), last


def test_watching_changes_nothing_and_goes_on_after_a_warm_start() -> None:
    X, y = drawn()
    told = Told()
    warm = DescentRegressor(warm_start=True, **SHORT).set_callbacks(told).fit(X, y)
    warm.fit(X, y)
    assert told.ended.count(("fit", 0)) == 2
    assert len(told.models) == 2 * (EPOCHS + 1)
    whole = DescentRegressor(**SHORT | {"max_iter": 2 * EPOCHS}).fit(X, y)
    assert_array_equal(warm.predict(X), whole.predict(X))
    told = Told()
    part = DescentRegressor(**SHORT).set_callbacks(told)
    for _ in range(3):
        part.partial_fit(X, y)
    assert len(told.models) == 3 * 2
    assert sorted(told.begun) == sorted(told.ended)


def test_an_error_in_training_still_tears_down() -> None:
    X, y = drawn()
    told = Told()
    with pytest.raises(DivergedError):
        DescentRegressor(
            optimizer="gradient_descent", learning_rate=1e6, max_iter=500
        ).set_callbacks(told).fit(X, y)
    assert told.set_up == 0
    with pytest.raises(ValueError, match="'alpha' parameter"):
        DescentRegressor(alpha=-1.0).set_callbacks(told).fit(X, y)
    assert told.set_up == 0


# ---------------------------------------------------------------- this library's


def test_our_own_callbacks_watch_and_stop_beside_them() -> None:
    X, y = drawn()
    seen: list[int] = []

    def watch(now: Any) -> bool:
        seen.append(now.epoch)
        return now.epoch == 3

    told = Told()
    model = DescentRegressor(callbacks=ds.Callback(epoch=watch), **SHORT).set_callbacks(told)
    model.fit(X, y)
    assert seen == [1, 2, 3]
    assert model.n_iter_ == 3
    assert len(told.models) == 3 + 1
    several = DescentRegressor(callbacks=[ds.Callback(epoch=watch)], **SHORT)
    assert clone(several).fit(X, y).n_iter_ == 3
    assert DescentRegressor(callbacks=None, **SHORT).fit(X, y).n_iter_ == EPOCHS
