"""Estimators take rows, labels and weights of every kind, among scikit-learn's other tools."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_random_state, get_tags

import descend as ds
from descend.estimators import DescentClassifier, DescentRegressor

NAMES = ["a", "b", "c"]


def drawn(n: int = 60, d: int = 3, seed: int = 0) -> tuple[Any, Any, Any]:
    """Return rows, numbers and three labels that noise blurs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * [1.0, 5.0, 0.1] + [0.0, 3.0, -1.0]
    y = X @ [1.0, -0.2, 4.0] + rng.normal(size=n)
    return X, y, np.digitize(y + rng.normal(size=n), [-6.0, -3.0])


# ---------------------------------------------------------------- rows

TABLES = {
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
    "arrow": lambda X: pa.table({name: X[:, i] for i, name in enumerate(NAMES)}),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_are_read_with_their_names(kind: str) -> None:
    X, y, labels = drawn()
    table = TABLES[kind](X)
    regressor = DescentRegressor().fit(table, y)
    assert_array_equal(regressor.predict(table), DescentRegressor().fit(X, y).predict(X))
    assert regressor.run_.names == NAMES
    classifier = DescentClassifier().fit(table, labels)
    assert_array_equal(
        classifier.predict_proba(table), DescentClassifier().fit(X, labels).predict_proba(X)
    )
    if kind != "arrow":
        assert_array_equal(classifier.feature_names_in_, NAMES)


@pytest.mark.parametrize("wrap", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
def test_sparse_rows_are_the_dense_ones(wrap: Any) -> None:
    X, y, _ = drawn()
    X[np.abs(X) < 0.7] = 0.0
    dense, thin = DescentRegressor().fit(X, y), DescentRegressor().fit(wrap(X), y)
    assert_allclose(thin.coef_, dense.coef_, rtol=1e-9)
    assert_allclose(thin.predict(wrap(X)), dense.predict(X), rtol=1e-9)
    with pytest.raises(TypeError, match="[Ss]parse"):
        DescentRegressor(hidden_layers=3).fit(wrap(X), y)


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_float32_stays_float32(hidden: tuple[int, ...]) -> None:
    X, y, labels = (part.astype(np.float32) for part in drawn())
    model = DescentRegressor(hidden, max_iter=20, tol=None).fit(X, y)
    assert model.predict(X).dtype == model.run_.state.theta.dtype == np.float32
    shown = [model.coef_, model.intercept_] if not hidden else model.coefs_ + model.intercepts_
    assert {part.dtype for part in shown} == {np.dtype(np.float32)}
    assert model.predict(X.astype(float)).dtype == np.float32
    classifier = DescentClassifier(hidden, max_iter=20, tol=None).fit(X, labels.astype(int))
    assert classifier.predict_proba(X).dtype == np.float32
    weighted = DescentRegressor(hidden, max_iter=20, tol=None).fit(X, y, np.arange(60.0))
    assert weighted.predict(X).dtype == np.float32


@pytest.mark.parametrize(
    "kind", ["list", "int", "bool", "readonly", "fortran", "strided", "object"]
)
def test_arrays_of_every_kind_are_the_same_rows(kind: str) -> None:
    _, y, _ = drawn()
    X = np.random.default_rng(1).integers(0, 2, size=(60, 3)).astype(float)
    made: dict[str, Any] = {
        "list": X.tolist(),
        "int": X.astype(np.int32),
        "bool": X.astype(bool),
        "readonly": X.copy(),
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=0)[::2],
        "object": X.astype(object),
    }
    given = made[kind]
    if kind == "readonly":
        given.setflags(write=False)
    ours = DescentRegressor().fit(given, y)
    assert_array_equal(ours.coef_, DescentRegressor().fit(X, y).coef_)
    assert_array_equal(ours.predict(given), ours.predict(X))


def test_rows_are_not_changed() -> None:
    X, y, labels = drawn()
    kept = X.copy(), y.copy(), labels.copy()
    w = np.arange(60.0)
    DescentRegressor(hidden_layers=3, max_iter=5, tol=None).fit(X, y, w)
    DescentClassifier().fit(X, labels, w)
    for part, before in zip((X, y, labels), kept, strict=True):
        assert_array_equal(part, before)
    assert_array_equal(w, np.arange(60.0))


# ---------------------------------------------------------------- labels

LABELS = {
    "strings": np.array(["red", "green", "blue"]),
    "objects": np.array(["red", "green", "blue"], dtype=object),
    "integers": np.array([-7, 0, 12]),
    "floats": np.array([0.0, 1.0, 5.0]),
    "booleans": np.array([False, True]),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("hidden", [(), (3,)])
def test_labels_of_every_kind_are_given_back(kind: str, hidden: tuple[int, ...]) -> None:
    X, _, codes = drawn()
    names = LABELS[kind]
    codes = np.minimum(codes, len(names) - 1)
    ours = DescentClassifier(hidden, max_iter=50, tol=None, random_state=0).fit(X, names[codes])
    assert_array_equal(ours.classes_, np.unique(names))
    found = ours.predict(X)
    assert found.dtype == np.unique(names).dtype
    plain = DescentClassifier(hidden, max_iter=50, tol=None, random_state=0)
    ranks = np.argsort(np.argsort(names))[codes]
    assert_array_equal(found, np.unique(names)[plain.fit(X, ranks).predict(X)])
    assert_array_equal(ours.predict_proba(X), plain.predict_proba(X))


def test_labels_of_tables_are_given_back() -> None:
    X, _, codes = drawn()
    names = np.array(["red", "green", "blue"])[codes]
    wanted = DescentClassifier().fit(X, names).predict(X)
    for column in (pd.Series(names), pd.Series(names, dtype="category"), pl.Series(names)):
        ours = DescentClassifier().fit(X, column)
        assert_array_equal(ours.predict(X), wanted)
    lists = DescentClassifier().fit(X.tolist(), names.tolist())
    assert_array_equal(lists.predict(X), wanted)


def test_several_targets() -> None:
    X, y, labels = drawn()
    Y = np.column_stack([y, -2 * y + 1])
    both = DescentRegressor().fit(X, Y)
    assert both.predict(X).shape == (60, 2)
    assert both.coef_.shape == (2, 3)
    assert both.intercept_.shape == (2,)
    alone = DescentRegressor().fit(X, Y[:, 1])
    assert_allclose(both.predict(X)[:, 1], alone.predict(X), rtol=1e-3)
    assert DescentRegressor().fit(X, Y[:, :1]).predict(X).shape == (60, 1)

    flags = np.column_stack([labels > 0, labels > 1]).astype(int)
    several = DescentClassifier(tol=1e-8).fit(X, flags)
    assert several.predict(X).shape == several.predict_proba(X).shape == (60, 2)
    # Each column is a logistic regression of its own, at twice the mean loss of the two.
    one = DescentClassifier(alpha=2e-3, tol=1e-8).fit(X, flags[:, 1])
    assert_allclose(several.predict_proba(X)[:, 1], one.predict_proba(X)[:, 1], rtol=1e-4)
    assert 0.5 < several.score(X, flags) <= 1
    assert_allclose(np.exp(several.predict_log_proba(X)), several.predict_proba(X))
    with pytest.raises(ValueError, match="two labels, 0 and 1"):
        DescentClassifier().fit(X, np.column_stack([labels, labels]))
    with pytest.raises(ValueError, match="class_weight is for one label per row"):
        DescentClassifier(class_weight="balanced").fit(X, flags)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a kink
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_probabilities_are_refused_where_there_are_none(loss: str) -> None:
    X, _, labels = drawn()
    model = DescentClassifier(loss=loss).fit(X, labels > 0)
    for name in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError) as raised:
            getattr(model, name)(X)
        assert f"with the loss {loss} gives no probabilities" in str(raised.value.__cause__)
    assert model.score(X, labels > 0) > 0.7


@pytest.mark.parametrize("loss", ["logistic", "brier", "softmax"])
def test_probabilities_sum_to_one(loss: str) -> None:
    X, _, labels = drawn()
    model = DescentClassifier(loss=loss).fit(X, labels > 0)
    found = model.predict_proba(1e4 * X)
    assert np.isfinite(found).all()
    assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(found.argmax(axis=1) == 1, model.predict(1e4 * X))
    # Logarithms stay finite where a probability has underflowed.
    assert np.isfinite(model.predict_log_proba(1e4 * X)).all()
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), atol=1e-15)


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_class_weights_are_sample_weights(hidden: tuple[int, ...]) -> None:
    X, _, labels = drawn()
    how: dict[str, Any] = {"max_iter": 40, "tol": None, "random_state": 0}
    own = np.array([0.5, 1.0, 3.0])
    rows = np.random.default_rng(5).integers(1, 4, size=60).astype(float)
    for given in (None, rows):
        scale = rows if given is not None else np.ones(60)
        by_label = DescentClassifier(hidden, class_weight=dict(enumerate(own)), **how)
        by_row = DescentClassifier(hidden, **how).fit(X, labels, own[labels] * scale)
        assert_allclose(
            by_label.fit(X, labels, given).decision_function(X), by_row.decision_function(X)
        )
        mass = np.bincount(labels, weights=given)
        balanced = (mass.sum() / (3 * mass))[labels]
        of_balance = DescentClassifier(hidden, class_weight="balanced", **how)
        by_row = DescentClassifier(hidden, **how).fit(X, labels, balanced * scale)
        assert_allclose(
            of_balance.fit(X, labels, given).decision_function(X), by_row.decision_function(X)
        )


def test_class_weights_by_name_and_those_left_out() -> None:
    X, _, labels = drawn()
    names = np.array(["red", "green", "blue"])[labels]
    ours = DescentClassifier(class_weight={"blue": 2.0}).fit(X, names)
    theirs = DescentClassifier().fit(X, names, np.where(names == "blue", 2.0, 1.0))
    assert_array_equal(ours.coef_, theirs.coef_)


@pytest.mark.parametrize("solver", ["descent", "lbfgs", "newton", "exact"])
def test_weights_are_copies(solver: str) -> None:
    X, y, _ = drawn()
    w = np.random.default_rng(2).integers(0, 4, size=60)
    model = DescentRegressor(solver=solver)
    weighted = clone(model).fit(X, y, w)
    copied = clone(model).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    assert_allclose(weighted.predict(X), copied.predict(X), rtol=1e-8)
    present = w > 0
    absent = clone(model).fit(X[present], y[present], w[present])
    assert_array_equal(weighted.predict(X), absent.predict(X))


def test_weights_that_cannot_be_used() -> None:
    X, y, _ = drawn()
    for wrong in (-np.ones(60), np.zeros(60), np.ones(59), np.full(60, np.nan)):
        with pytest.raises(ValueError, match=r"[Ww]eight|NaN|sample_weight"):
            DescentRegressor().fit(X, y, wrong)


# ---------------------------------------------------------------- validation rows


def test_validation_rows_are_measured_on() -> None:
    X, y, labels = drawn()
    model = DescentRegressor().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    last = model.history_["validation_loss"][-1]
    assert_allclose(last, np.mean((model.predict(X[40:]) - y[40:]) ** 2), rtol=1e-9)
    w = np.arange(1.0, 21.0)
    model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=w)
    wanted = np.average((model.predict(X[40:]) - y[40:]) ** 2, weights=w)
    assert_allclose(model.history_["validation_loss"][-1], wanted, rtol=1e-9)
    with pytest.raises(ValueError, match="both X_val and y_val"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="features"):
        model.fit(X, y, X_val=X[:, :2], y_val=y)
    names = np.array(["red", "green", "blue"])[labels]
    net = DescentClassifier((4,), early_stopping=True, random_state=0, max_iter=300)
    net.fit(X[:40], names[:40], X_val=X[40:], y_val=names[40:])
    held = net.history_["validation_loss"]
    chosen = -np.log(net.predict_proba(X[40:]))[
        range(20), np.searchsorted(net.classes_, names[40:])
    ]
    assert_allclose(chosen.mean(), held.min(), rtol=1e-9)  # the best is restored


# ---------------------------------------------------------------- company


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of the hinge
def test_pipelines_searches_and_calibration() -> None:
    X, y, labels = drawn(90)
    pipe = make_pipeline(StandardScaler(), DescentRegressor(scale=None))
    alone = DescentRegressor().fit(X, y)
    assert_allclose(pipe.fit(X, y).predict(X), alone.predict(X), rtol=1e-9)
    search = GridSearchCV(pipe, {"descentregressor__alpha": [1e-4, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {"descentregressor__alpha": 1e-4}
    assert search.best_estimator_[-1].run_.outcome.converged
    found = cross_validate(DescentClassifier(), X, labels, cv=3, return_train_score=True)
    assert found["test_score"].mean() > 0.5
    calibrated = CalibratedClassifierCV(DescentClassifier(loss="hinge"), cv=3)
    calibrated.fit(X, labels > 0)
    assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, labels > 0) > 0.7
    bagged = BaggingRegressor(DescentRegressor(), 3, random_state=0).fit(X, y)
    assert bagged.score(X, y) > 0.5


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_what_a_column_transformer_makes_is_taken(output: str) -> None:
    X, y, labels = drawn()
    table = pd.DataFrame(X, columns=NAMES).assign(colour=np.array(["red", "green", "blue"])[labels])
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), NAMES),
            ("colours", OneHotEncoder(sparse_output=False), ["colour"]),
        ]
    ).set_output(transform=output)
    pipe = make_pipeline(columns, DescentRegressor()).fit(table, y)
    assert pipe.score(table, y) > 0.5
    if output != "default":
        assert pipe[-1].run_.names[-1] == "colours__colour_red"
    thin = ColumnTransformer([("colours", OneHotEncoder(), ["colour"])], sparse_threshold=1.0)
    assert make_pipeline(thin, DescentRegressor()).fit(table, y).score(table, y) > 0.1


def test_metadata_is_routed() -> None:
    X, y, _ = drawn()
    w = np.arange(60.0)
    with config_context(enable_metadata_routing=True):
        model = DescentRegressor(scale=None).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        routed = make_pipeline(scaler, model).fit(X, y, sample_weight=w)
        model = model.set_score_request(sample_weight=True)
        found = cross_validate(model, X, y, cv=3, params={"sample_weight": w})
    assert_allclose(routed.predict(X), DescentRegressor().fit(X, y, w).predict(X), rtol=1e-8)
    assert found["test_score"].shape == (3,)


def test_clones_have_the_parameters_and_nothing_else() -> None:
    X, y, _ = drawn()
    model = DescentRegressor((4,), loss="huber:1.5", random_state=3, max_iter=5, tol=None)
    model.fit(X, y)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "run_")
    with pytest.raises(NotFittedError):
        twin.predict(X)
    assert_array_equal(twin.fit(X, y).predict(X), model.predict(X))
    of_parts = DescentRegressor(loss=ds.losses.huber(1.5), optimizer=ds.optimizers.adam(0.1))
    assert clone(of_parts).get_params() == of_parts.get_params()


# ---------------------------------------------------------------- seeds


def test_random_state_is_as_scikit_learn_means_it() -> None:
    X, y, _ = drawn()

    def fitted(random_state: Any) -> Any:
        return DescentRegressor((4,), max_iter=3, tol=None, random_state=random_state).fit(X, y)

    assert fitted(7).run_.setup.seed == 7
    assert_array_equal(fitted(7).predict(X), fitted(7).predict(X))
    assert fitted(np.int64(7)).run_.setup.seed == 7
    # An instance gives one whole number, and is one draw further on.
    shared = check_random_state(0)
    drawn_here = check_random_state(0).randint(np.iinfo(np.int32).max, size=2)
    first, second = fitted(shared), fitted(shared)
    assert [first.run_.setup.seed, second.run_.setup.seed] == drawn_here.tolist()
    # None is drawn once, and recorded: its fit can be had again.
    unknown = fitted(None)
    again = fitted(unknown.run_.setup.seed)
    assert_array_equal(again.predict(X), unknown.predict(X))
    assert fitted(None).run_.setup.seed != unknown.run_.setup.seed


# ---------------------------------------------------------------- pickles


@pytest.mark.parametrize(
    "model",
    [
        DescentRegressor(max_iter=7, tol=None, warm_start=True),
        DescentRegressor(optimizer="adam", batch_size=8, max_iter=4, tol=None, warm_start=True),
        DescentRegressor((5,), batch_size=16, max_iter=4, tol=None, warm_start=True),
        DescentRegressor(solver="lbfgs", max_iter=3, tol=None, warm_start=True),
        DescentRegressor((5,), early_stopping=True, max_iter=4, tol=None, warm_start=True),
    ],
    ids=["linear", "batches", "net", "lbfgs", "early stopping"],
)
def test_pickled_estimators_go_on_bit_for_bit(model: Any) -> None:
    X, y, _ = drawn()
    through = clone(model).set_params(random_state=1).fit(X, y)
    stored = pickle.dumps(through)
    back = pickle.loads(stored)  # noqa: S301 - our own bytes
    assert_array_equal(back.predict(X), through.predict(X))
    assert back.run_.data is None
    assert through.run_.data is not None  # what was pickled keeps its rows
    assert_array_equal(back.fit(X, y).predict(X), through.fit(X, y).predict(X))
    assert back.n_iter_ == through.n_iter_
    whole = clone(model).set_params(random_state=1, max_iter=2 * model.max_iter).fit(X, y)
    assert_array_equal(back.predict(X), whole.predict(X))


def test_no_rows_are_pickled() -> None:
    X, y, labels = drawn(3000)
    for model, t in ((DescentRegressor(), y), (DescentClassifier(), labels)):
        model.set_params(record=False).fit(X, t)
        assert len(pickle.dumps(model)) < X.nbytes / 3
        assert X[0].tobytes() not in pickle.dumps(model)


# ---------------------------------------------------------------- parameters

WRONG: dict[str, list[Any]] = {
    "fit_intercept": ["no", 2],
    "scale": ["robust", 3],
    "solver": ["sgd", 3],
    "optimizer": ["nope", 3, "adam:x", "adam:1:2:3:4:5:6", "nesterov:2", "momentum:-1"],
    "learning_rate": ["fast", 0, -1.0, [1], float("inf"), float("nan")],
    "batch_size": [0, 1.5, "all"],
    "max_iter": [0, 2.5, "many"],
    "tol": [-1.0, "x", float("nan")],
    "early_stopping": ["x"],
    "validation_fraction": [0.0, 1.0, "x"],
    "n_iter_no_change": [0, 1.5],
    "warm_start": ["x"],
    "shuffle": ["x"],
    "random_state": ["x", -1, 2**40],
    "engine": ["abacus", 3],
    "on_divergence": ["ignore", 3],
    "callbacks": [3, "x", [3]],
    "record": [-1, "x"],
    "verbose": ["x", -1],
    "hidden_layers": [(0,), (2.5,), "16", -3, (3, -1), ((2, 3),), ("a",)],
    "activation": ["swoosh", 3],
    "loss": ["nope", 3, "huber:x", "huber:-1", "huber:1:2:3"],
    "alpha": [-1.0, "x", float("inf"), float("nan")],
    "l1_ratio": [-0.1, 1.1, "x"],
    "class_weight": ["x", 3, [1, 2], {0: -1.0}, {0: "a"}, {5: 1.0}],
}
ABOUT = [
    (kind, name) for kind in (DescentRegressor, DescentClassifier) for name in kind().get_params()
]


@pytest.mark.parametrize(("kind", "name"), ABOUT)
def test_wrong_parameters_are_refused_when_fitting_in_one_form(kind: Any, name: str) -> None:
    X, y, labels = drawn(20)
    target = labels > 0 if kind is DescentClassifier else y
    more = {DescentRegressor: ["logistic"], DescentClassifier: ["squared_error"]}[kind]
    for value in WRONG[name] + (more if name == "loss" else []):
        model = kind(**{name: value})  # not here
        with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are compared below
            model.fit(X, target)
        said = str(raised.value)
        assert said.startswith(f"The {name!r} parameter of {kind.__name__} must be "), said
        assert said.endswith(f"Got {value!r} instead."), said


@pytest.mark.parametrize("kind", [DescentRegressor, DescentClassifier])
def test_wrong_parameters_do_not_disturb_what_is_asked_before(kind: Any) -> None:
    for how in ({"loss": "nope"}, {"hidden_layers": (0,)}):
        model = kind(**how)
        assert get_tags(model).estimator_type in {"regressor", "classifier"}
        assert kind.__name__ in repr(model)
        assert clone(model).get_params() == model.get_params()
        assert hasattr(model, "predict_proba") == (kind is DescentClassifier)


# ---------------------------------------------------------------- losses, solvers, validation rows


def test_a_loss_of_ones_own() -> None:
    X, y, _ = drawn()
    loss = ds.custom_loss(lambda s, y: ((s - y) ** 2).mean(axis=1))
    own, known = DescentRegressor(loss=loss, tol=1e-9), DescentRegressor(tol=1e-9)
    assert_allclose(own.fit(X, y).predict(X), known.fit(X, y).predict(X), rtol=1e-6)
    with pytest.raises(ValueError, match="The 'loss' parameter of DescentRegressor must be a loss"):
        DescentRegressor(loss=3).fit(X, y)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"solver": "exact", "loss": "huber"}, "solver='exact' is for squared errors, not huber;"),
        ({"solver": "lbfgs", "loss": "quantile"}, "solver='lbfgs' needs a loss without a kink"),
        ({"solver": "newton", "l1_ratio": 0.5}, "solver='newton' takes no absolute penalty;"),
        ({"solver": "newton", "hidden_layers": (3,)}, "solver='newton' is for linear models;"),
        ({"solver": "lbfgs", "learning_rate": 0.1}, "solver='lbfgs' finds its own steps;"),
        (
            {"solver": "exact", "early_stopping": True},
            "solver='exact' has no epochs to stop after;",
        ),
    ],
)
def test_solvers_say_what_they_have_no_use_for(asked: dict[str, Any], said: str) -> None:
    X, y, _ = drawn()
    with pytest.raises(ds.InputError, match=said.replace("(", r"\(")):
        DescentRegressor(**asked).fit(X, y)


def test_validation_rows_are_named_where_they_are_wrong() -> None:
    X, y, _ = drawn()
    model = DescentRegressor(max_iter=3, tol=None)
    with pytest.raises(ValueError, match="X_val has 1 features, but DescentRegressor is expecting"):
        model.fit(X, y, X_val=X[:5, :1], y_val=y[:5])
    with pytest.raises(ValueError, match="Input X_val contains NaN"):
        model.fit(X, y, X_val=np.full_like(X[:5], np.nan), y_val=y[:5])
    with pytest.raises(ValueError, match="need both X_val and y_val"):
        model.fit(X, y, sample_weight_val=np.ones(5))


def test_an_exploded_net_is_not_fitted() -> None:
    X, y, _ = drawn()
    with pytest.raises(ds.DivergedError, match="learning_rate="):
        DescentRegressor((20,), learning_rate=30.0, random_state=0).fit(X, y)


def test_an_epoch_of_partial_fit_gives_no_advice() -> None:
    X, y, _ = drawn()
    model = DescentRegressor().partial_fit(X, y)
    assert model.stop_reason_ == model.run_.outcome.sentence


def test_a_constant_column_is_named_as_in_the_table() -> None:
    X, y, _ = drawn()
    table = pd.DataFrame(X).rename(columns=str).assign(still=3.0)
    with pytest.warns(UserWarning, match="The column 'still' is constant"):
        DescentRegressor().fit(table, y)
