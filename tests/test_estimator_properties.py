"""What must hold of the estimators whatever the rows: generated data, and oracles of every loss."""

from __future__ import annotations

import pickle
import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import optimize, sparse, special
from sklearn.base import ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from tests.oracles import assert_bits, assert_close, assert_digits
from tests.test_nist import read

import descend as ds
from descend import schedules
from descend.estimators import (
    ALL,
    DescentClassifier,
    DescentRegressor,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    SoftmaxRegression,
)
from descend.optimizers import RULES

few = settings(derandomize=True, max_examples=10, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
# Units from a billionth to a billion.
powers = st.integers(-9, 9).map(lambda p: 10.0**p)
BRIEF = {"max_iter": 25, "tol": None, "engine": "numpy", "random_state": 0}


@st.composite
def rows(draw: Any, least: int = 8, most: int = 30, columns: int = 4) -> Any:
    """Draw a generator and the shape of a table, and return rows (n, d) of unlike columns."""
    rng = np.random.default_rng(draw(seeds))
    n, d = draw(st.integers(least, most)), draw(st.integers(1, columns))
    X = rng.normal(size=(n, d)) * rng.uniform(0.5, 3.0, size=d) + rng.normal(size=d)
    return rng, X


def numbers(rng: Any, X: Any) -> Any:
    """Return targets that the columns explain in part."""
    return X @ rng.normal(size=X.shape[1]) + rng.normal(size=len(X)) + 2.0


def labels(rng: Any, X: Any, k: int = 2) -> Any:
    """Return labels 0 … k-1, each there, that the columns explain in part."""
    return np.argsort(np.argsort(numbers(rng, X))) * k // len(X)


def quietly(model: Any, *given: Any, **named: Any) -> Any:
    """Fit a copy of a model, whatever is said of convergence, columns and classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        return clone(model).fit(*given, **named)


def flat(model: Any) -> Any:
    """Return all parameters that a fitted model shows, in one vector."""
    if hasattr(model, "coef_"):
        return np.concatenate([np.ravel(model.coef_), np.ravel(model.intercept_)])
    return np.concatenate([part.ravel() for part in (*model.coefs_, *model.intercepts_)])


# ---------------------------------------------------------------- targets of every loss

REGRESSIONS = ["squared_error", "half_squared_error", "absolute_error", "huber:0.7"]
REGRESSIONS += ["quantile:0.3", "log_cosh", "poisson"]
SCALES = ["standard", None]
CLASSIFICATIONS = ["logistic", "softmax", "brier", "hinge", "squared_hinge"]
KINKED = ["absolute_error", "quantile:0.3", "hinge"]


def model_of(loss: str, hidden: tuple[int, ...] = (), **asked: Any) -> Any:
    kind = DescentRegressor if loss in REGRESSIONS else DescentClassifier
    return kind(hidden, loss=loss, **(BRIEF | asked))


def targets_of(loss: str, rng: Any, X: Any) -> Any:
    if loss in CLASSIFICATIONS:
        return labels(rng, X, 3 if loss == "softmax" else 2)
    y = numbers(rng, X)
    return np.floor(np.exp(np.clip(y / 4, -2, 2)) * 2) if loss == "poisson" else y


LOSSES = [*REGRESSIONS, *CLASSIFICATIONS]


def outputs(model: Any, X: Any) -> Any:
    return model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)


# ---------------------------------------------------------------- the order of rows and columns


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), rows())
def test_the_order_of_rows_does_not_matter(loss: str, hidden: Any, drawn: Any) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss, hidden)
    order = rng.permutation(len(X))
    found, other = quietly(model, X, y), quietly(model, X[order], y[order])
    assert_close(flat(other), flat(found), 1e-7)


@few
@given(st.sampled_from(LOSSES), rows())
def test_the_order_of_columns_orders_the_coefficients(loss: str, drawn: Any) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss)
    order = rng.permutation(X.shape[1])
    found, other = quietly(model, X, y), quietly(model, X[:, order], y)
    assert_close(other.coef_, found.coef_[..., order], 1e-7)
    assert_close(outputs(other, X[:, order]), outputs(found, X), 1e-7)


# ---------------------------------------------------------------- units


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), rows(), st.data())
def test_another_unit_of_a_column_is_the_same_problem(
    loss: str, hidden: Any, drawn: Any, data: Any
) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss, hidden)
    unit = np.array([data.draw(powers) for _ in range(X.shape[1])])
    found, other = quietly(model, X, y), quietly(model, X * unit, y)
    assert_close(outputs(other, X * unit), outputs(found, X), 1e-7)
    if hidden:
        assert_close(other.coefs_[0] * unit[:, None], found.coefs_[0], 1e-7)
    else:
        assert_close(other.coef_ * unit, found.coef_, 1e-7)


@few
@given(st.booleans(), rows(), powers, st.floats(-100, 100))
def test_targets_in_another_unit_are_predicted_in_it(
    net: bool, drawn: Any, unit: float, shift: float
) -> None:
    rng, X = drawn
    y = numbers(rng, X)
    # Without a penalty the problem is the same; nets standardise their targets first.
    model = model_of("squared_error", (4,) if net else (), alpha=1e-3 if net else 0.0)
    model.set_params(solver="lbfgs" if net else "descent", max_iter=25 if net else 3000)
    if not net:
        model.set_params(tol=1e-12)
    found, other = quietly(model, X, y), quietly(model, X, unit * (y + shift))
    # The shift takes digits: of a hundred, two; lbfgs steers by rounding.
    assert_close(other.predict(X) / unit - shift, found.predict(X), 1e-6)


@few
@given(rows(), st.floats(-1e3, 1e3))
def test_a_shift_of_the_columns_goes_to_the_intercept(drawn: Any, shift: float) -> None:
    rng, X = drawn
    y, model = numbers(rng, X), model_of("squared_error")
    found, other = quietly(model, X, y), quietly(model, X + shift, y)
    assert_close(other.coef_, found.coef_, 1e-8)
    assert_close(other.predict(X + shift), found.predict(X), 1e-8)


# ---------------------------------------------------------------- labels

NAMED = {
    "strings": lambda k: np.array(["ant", "bee", "cat"])[:k],
    "objects": lambda k: np.array(["ant", "bee", "cat"], dtype=object)[:k],
    "integers": lambda k: np.array([-7, 0, 12])[:k],
    "numbers": lambda k: np.array([-1.0, 1.0, 3.0])[:k],
    "bools": lambda k: np.array([False, True]),
}


@few
@given(st.sampled_from(CLASSIFICATIONS), st.sampled_from(list(NAMED)), rows(), st.booleans())
def test_other_names_of_labels_are_given_back(loss: str, kind: str, drawn: Any, net: bool) -> None:
    rng, X = drawn
    k = 3 if loss == "softmax" and kind != "bools" else 2
    y, names = labels(rng, X, k), NAMED[kind](k)
    model = model_of(loss, (4,) if net else ())
    found, other = quietly(model, X, y), quietly(model, X, names[y])
    assert_array_equal(other.classes_, names)
    assert other.predict(X).dtype == names.dtype
    assert_array_equal(other.predict(X), names[found.predict(X)])
    assert_bits(outputs(other, X), outputs(found, X))


@few
@given(st.sampled_from(CLASSIFICATIONS), rows())
def test_labels_in_reversed_order_are_the_same_classes(loss: str, drawn: Any) -> None:
    rng, X = drawn
    k = 3 if loss == "softmax" else 2
    y, model = labels(rng, X, k), model_of(loss)
    found, other = quietly(model, X, y), quietly(model, X, k - 1 - y)
    if k == 3:
        assert_close(other.decision_function(X)[:, ::-1], found.decision_function(X), 1e-7)
    else:
        assert_close(-other.decision_function(X), found.decision_function(X), 1e-7)
    sure = np.abs(np.diff(np.sort(_scores(found, X), axis=1)[:, -2:])[:, 0]) > 1e-6
    assert_array_equal(k - 1 - other.predict(X)[sure], found.predict(X)[sure])


def _scores(model: Any, X: Any) -> Any:
    found = model.decision_function(X)
    return found if found.ndim == 2 else np.column_stack([np.zeros(len(X)), found])


@few
@given(rows(), st.sampled_from([0.0, 1e-3, 0.1, 1.0]))
def test_softmax_of_two_labels_is_logistic(drawn: Any, alpha: float) -> None:
    # Opposite rows v/2 and -v/2 have half the squares of v: the penalty is twice as strong.
    rng, X = drawn
    y = rng.permutation(labels(rng, X))  # noise: never separable for sure, but seldom
    asked = {"solver": "newton", "max_iter": 40, "tol": 1e-12}
    one = model_of("logistic", alpha=alpha or 1e-6, **asked)
    two = model_of("softmax", alpha=2 * (alpha or 1e-6), **asked)
    found, other = quietly(one, X, y), quietly(two, X, y)
    assert_close(other.predict_proba(X), found.predict_proba(X), 1e-6)
    assert_close(other.coef_[1] - other.coef_[0], found.coef_[0], 1e-6)


@few
@given(st.sampled_from(LOSSES), rows())
def test_a_net_without_hidden_layers_is_linear_to_the_bit(loss: str, drawn: Any) -> None:
    rng, X = drawn
    y = targets_of(loss, rng, X)
    found = quietly(model_of(loss), X, y)
    for hidden in ([], np.array([], dtype=int)):
        assert_bits(outputs(quietly(model_of(loss, hidden), X, y), X), outputs(found, X))


def test_labels_of_one_class_are_refused() -> None:
    X = np.arange(6.0)[:, None]
    for loss in CLASSIFICATIONS:
        with pytest.raises(ValueError, match="one class"):
            model_of(loss).fit(X, ["a"] * 6)
        with pytest.raises(ValueError, match="one class"):
            model_of(loss).fit(X, ["a"] * 3 + ["b"] * 3, sample_weight=[1, 1, 1, 0, 0, 0])


# ---------------------------------------------------------------- probabilities

extreme = st.one_of(
    st.floats(-1e300, 1e300, allow_nan=False),
    st.sampled_from([1e300, -1e300, 1e308, -1e308, 0.0, 5e-324, 1e155]),
)


@settings(few, max_examples=20)
@given(
    st.sampled_from(["logistic", "softmax", "brier"]),
    st.sampled_from([(), (4,), (4, 3)]),
    st.sampled_from(["relu", "tanh", "sigmoid", "gelu", "identity"]),
    st.sampled_from(["standard", None]),
    rows(columns=3),
    st.data(),
)
def test_probabilities_are_probabilities_on_any_finite_rows(
    loss: str, hidden: Any, activation: str, scale: Any, drawn: Any, data: Any
) -> None:
    rng, X = drawn
    model = model_of(loss, hidden, activation=activation, scale=scale, on_divergence="warn")
    model = quietly(model, X, targets_of(loss, rng, X))
    far = data.draw(st.lists(st.lists(extreme, min_size=3, max_size=3), min_size=1, max_size=6))
    far = np.array(far)[:, : X.shape[1]]
    found, logs = model.predict_proba(far), model.predict_log_proba(far)
    assert ((found >= 0) & (found <= 1)).all()
    assert_close(found.sum(axis=1), np.ones(len(far)), 1e-12)
    assert not np.isnan(logs).any()
    assert (logs <= 0).all()
    assert (np.isfinite(logs) | (found == 0)).all()
    assert_close(np.exp(logs), found, 1e-12)
    assert_array_equal(
        model.classes_[found.argmax(axis=1)][found.max(axis=1) > 0.51],
        model.predict(far)[found.max(axis=1) > 0.51],
    )


@few
@given(rows(columns=3), st.integers(0, 299))
def test_far_out_a_linear_model_is_sure_of_the_right_side(drawn: Any, power: int) -> None:
    rng, X = drawn
    model = quietly(model_of("logistic"), X, labels(rng, X))
    along = np.sign(model.coef_) * 10.0**power * 100
    assert model.predict(along).tolist() == [1]
    assert model.predict(-along).tolist() == [0]
    assert model.predict_proba(along)[0, 1] > 0.5
    assert_close(model.predict_proba(-along * 1e3)[0, 0], 1.0, 0.5)


# ---------------------------------------------------------------- stored and read again


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), st.booleans(), rows())
def test_what_is_stored_predicts_the_same_bits(
    tmp_path_factory: Any, loss: str, hidden: Any, single: bool, drawn: Any
) -> None:
    rng, X = drawn
    y = targets_of(loss, rng, X)
    X = X.astype(np.float32) if single else X
    model = quietly(model_of(loss, hidden), X, y)
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert_bits(outputs(back, X), outputs(model, X))
    assert back.stop_reason_ == model.stop_reason_
    assert back.history_ == model.history_
    path = tmp_path_factory.mktemp("runs") / "one.npz"
    model.run_.save(path)
    read_again = ds.load(path)
    assert_bits(read_again.scores(X), model.run_.scores(X))
    assert outputs(model, X).dtype == X.dtype


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), rows())
def test_a_row_alone_is_predicted_as_among_others(loss: str, hidden: Any, drawn: Any) -> None:
    rng, X = drawn
    model = quietly(model_of(loss, hidden), X, targets_of(loss, rng, X))
    alone = np.concatenate([outputs(model, X[i : i + 1]) for i in range(len(X))])
    assert_close(alone, outputs(model, X), 1e-13)


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), rows())
def test_single_precision_stays_and_is_near_double(loss: str, hidden: Any, drawn: Any) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss, hidden, max_iter=5)
    single = quietly(model, X.astype(np.float32), y)
    assert flat(single).dtype == np.float32
    assert outputs(single, X.astype(np.float32)).dtype == np.float32
    if loss not in KINKED and not hidden:
        double = quietly(model, X, y)
        assert_close(outputs(single, X.astype(np.float32)), outputs(double, X), 2e-3)


# ---------------------------------------------------------------- weights

SOLVED = {
    "descent": LOSSES,
    "lbfgs": [loss for loss in LOSSES if loss not in KINKED],
    "newton": ["squared_error", "half_squared_error", "log_cosh", "poisson", "logistic", "softmax"],
    "exact": ["squared_error", "half_squared_error"],
}


@pytest.mark.parametrize("kind", ["linear", "sparse", "net"])
@pytest.mark.parametrize("solver", SOLVED)
def test_a_weight_is_so_many_copies(solver: str, kind: str) -> None:
    if kind == "net" and solver in {"newton", "exact"}:
        return
    hidden = (4,) if kind == "net" else ()
    as_given = sparse.csr_array if kind == "sparse" else np.asarray

    @settings(few, max_examples=8 if kind == "linear" else 5)
    @given(st.sampled_from(SOLVED[solver]), rows(), st.booleans())
    def holds(loss: str, drawn: Any, balanced: bool) -> None:
        rng, X = drawn
        X = X * (rng.random(X.shape) < 0.7)
        y = targets_of(loss, rng, X)
        w = rng.integers(0, 4, size=len(X))
        w[:: max(len(X) // 8, 1)] += 1
        if loss in CLASSIFICATIONS:  # every label weighs something
            for label in np.unique(y):
                w[np.flatnonzero(y == label)[0]] += 1
        model = model_of(loss, hidden, solver=solver, max_iter=8)
        if balanced and loss in CLASSIFICATIONS:
            model.set_params(class_weight="balanced")
        weighted = quietly(model, as_given(X), y, w)
        copied = quietly(model, as_given(np.repeat(X, w, axis=0)), np.repeat(y, w))
        absent = quietly(model, as_given(X[w > 0]), y[w > 0], w[w > 0])
        assert_bits(outputs(absent, X), outputs(weighted, X))
        assert_close(outputs(copied, X), outputs(weighted, X), 1e-6, loss)

    holds()


def test_the_automatic_step_of_a_kink_counts_a_weight_as_copies() -> None:
    X, y, w = np.arange(4.0)[:, None], np.array([0.0, 1.0, 4.0, 9.0]), np.array([1, 1, 1, 5])
    model = model_of("absolute_error", optimizer="momentum", max_iter=1)
    weighted = quietly(model, X, y, w).run_.setup.learning_rate
    copied = quietly(model, np.repeat(X, w, axis=0), np.repeat(y, w)).run_.setup.learning_rate
    assert_close(copied, weighted, 1e-9)


@settings(few, max_examples=3)
@given(st.data(), rows(least=10))
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_of_every_estimator_a_weight_is_so_many_copies(kind: Any, data: Any, drawn: Any) -> None:
    rng, X = drawn
    y = numbers(rng, X)
    if issubclass(kind, ClassifierMixin):
        y = labels(rng, X, data.draw(st.sampled_from([2, 3])))
    elif kind is PoissonRegressor:
        y = targets_of("poisson", rng, X)
    w = rng.integers(1, 4, size=len(X)) * (rng.random(len(X)) < 0.8)
    w[:4], w[-4:] = 1, 2
    if issubclass(kind, ClassifierMixin):
        w = np.where([(w[y == label] > 0).any() for label in y], w, 1)
    model = kind(engine="numpy", max_iter=5, random_state=0)
    weighted = quietly(model, X, y, w)
    copied = quietly(model, np.repeat(X, w, axis=0), np.repeat(y, w))
    absent = quietly(model, X[w > 0], y[w > 0], w[w > 0])
    assert_bits(outputs(absent, X), outputs(weighted, X))
    assert_close(outputs(copied, X), outputs(weighted, X), 1e-7)


# ---------------------------------------------------------------- going on

RATES = {"gradient_descent": 0.05, "momentum": 0.01, "nesterov": 0.01}
TOTAL = 6


@pytest.mark.parametrize("batch_size", ["auto", 7])
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("rule", [name for name in RULES if name not in {"lbfgs", "newton"}])
def test_fits_in_parts_are_one_fit_to_the_bit(rule: str, hidden: Any, batch_size: Any) -> None:
    @settings(few, max_examples=3)
    @given(rows(least=15), st.integers(1, TOTAL - 1), st.booleans(), st.booleans())
    def holds(drawn: Any, k: int, scheduled: bool, pickled: bool) -> None:
        rng, X = drawn
        y = numbers(rng, X)
        per_epoch = 1 if batch_size == "auto" else -(-len(X) // batch_size)
        optimizer: Any = rule
        if scheduled:
            rate = RATES.get(rule, 0.01)
            optimizer = getattr(ds, rule)(rate, schedule=schedules.cosine(TOTAL * per_epoch))
        model = model_of("squared_error", hidden, optimizer=optimizer, warm_start=True)
        model.set_params(batch_size=batch_size, max_iter=TOTAL)
        model.set_params(learning_rate="auto" if scheduled else RATES.get(rule, 0.01))
        whole = quietly(model, X, y)
        part = clone(model).set_params(max_iter=k).fit(X, y)
        if pickled:
            part = pickle.loads(pickle.dumps(part))  # noqa: S301 - our own bytes
        part.set_params(max_iter=TOTAL - k).fit(X, y)
        assert_bits(flat(part), flat(whole))
        assert part.history_ == whole.history_
        assert part.n_iter_ == whole.n_iter_ == TOTAL
        epochs = clone(model)
        for _ in range(TOTAL):
            epochs.partial_fit(X, y)
        assert_bits(flat(epochs), flat(whole))
        assert epochs.n_iter_ == TOTAL

    holds()


@few
@given(
    rows(least=15),
    st.sampled_from(CLASSIFICATIONS),
    st.sampled_from([(), (4,)]),
    st.sampled_from(["auto", 7]),
)
def test_partial_fits_are_one_fit_of_labels_to_the_bit(
    drawn: Any, loss: str, hidden: Any, batch_size: Any
) -> None:
    rng, X = drawn
    y, w = targets_of(loss, rng, X), rng.uniform(0.5, 2.0, size=len(X))
    model = model_of(loss, hidden, batch_size=batch_size, max_iter=5)
    whole, epochs = quietly(model, X, y, w), clone(model)
    for _ in range(5):
        epochs.partial_fit(X, y, sample_weight=w)
    assert_bits(flat(epochs), flat(whole))


@few
@given(st.sampled_from(KINKED), rows(least=15))
def test_a_step_that_has_fallen_to_nothing_rises_again_for_more(loss: str, drawn: Any) -> None:
    rng, X = drawn
    y = targets_of(loss, rng, X)
    model = quietly(model_of(loss, warm_start=True, max_iter=10), X, y)
    before, scores = flat(model), outputs(model, X)
    model.fit(X, y)
    assert (flat(model) != before).any()
    assert model.n_iter_ == 20
    model.set_params(max_iter=400).fit(X, 1 - y if loss == "hinge" else -y)
    assert np.corrcoef(scores, outputs(model, X))[0, 1] < 0 or np.ptp(scores) < 1e-6


# ---------------------------------------------------------------- divergence


@few
@given(
    st.sampled_from(["squared_error", "half_squared_error"]),
    st.sampled_from([("gradient_descent", 2.0), ("momentum", 3.8), ("nesterov", 3.8 / 2.8)]),
    rows(),
    st.floats(3.0, 1e6),
)
def test_divergence_names_the_largest_stable_step(
    loss: str, how: tuple[str, float], drawn: Any, beyond: float
) -> None:
    rng, X = drawn
    y, (rule, limit) = numbers(rng, X) + 1.0, how
    Z = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    L = np.linalg.eigvalsh(Z.T @ Z / len(X))[-1] * (2.0 if loss == "squared_error" else 1.0)
    limit /= L
    model = model_of(loss, alpha=0.0, optimizer=rule, max_iter=3000)
    model.set_params(learning_rate=limit * beyond)
    with pytest.raises(ds.DivergedError) as caught:
        clone(model).fit(X, y)
    said = re.search(r"largest stable step, ([-+.e\d]*\d)", str(caught.value))
    assert said, str(caught.value)
    assert abs(float(said[1]) / limit - 1) < 0.006, (said[0], limit)
    with pytest.warns(ConvergenceWarning, match="largest stable step"):
        found = clone(model).set_params(on_divergence="warn").fit(X, y)
    assert not found.run_.outcome.converged
    assert "converged" not in found.stop_reason_.lower()
    # What the sentence says is true: just below it goes down.
    clone(model).set_params(learning_rate=0.98 * limit, max_iter=60).fit(X, y)


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), rows(), st.floats(1e4, 1e30))
def test_an_absurd_step_is_never_called_converged(
    loss: str, hidden: Any, drawn: Any, rate: float
) -> None:
    rng, X = drawn
    y = targets_of(loss, rng, X)
    model = model_of(loss, hidden, optimizer="gradient_descent", learning_rate=rate, tol=1e-4)
    try:
        found = quietly(model, X, y)
    except ds.DivergedError:
        return
    # It ended somewhere: then the parameters are numbers, and it is said only if it is true.
    assert np.isfinite(flat(found)).all()
    if found.run_.outcome.converged and not hidden:
        gradient = found.run_.program.value_and_gradient(found.run_.theta)[1]
        first = found.run_.program.value_and_gradient(0 * found.run_.theta)[1]
        assert np.linalg.norm(gradient) <= 1.001e-4 * np.linalg.norm(first)


# ---------------------------------------------------------------- early stopping


@few
@given(rows(least=20), st.sampled_from([(), (6,)]), st.sampled_from(["auto", 5]), st.integers(1, 4))
def test_early_stopping_restores_the_best(
    drawn: Any, hidden: Any, batch_size: Any, patience: int
) -> None:
    rng, X = drawn
    y = numbers(rng, X)
    held = slice(0, len(X) // 2)
    kept = slice(len(X) // 2, None)
    model = model_of("squared_error", hidden, optimizer="adam", learning_rate=0.2, max_iter=60)
    model.set_params(early_stopping=True, n_iter_no_change=patience, batch_size=batch_size)
    found = quietly(model, X[kept], y[kept], X_val=X[held], y_val=y[held])
    seen = found.history_["validation_loss"]
    error = ((found.predict(X[held]) - y[held]) ** 2).mean()
    if hidden:  # the net met standardised targets
        error /= y[kept].std() ** 2
    assert_close(error, seen.min(), 1e-9)
    if found.n_iter_ < 60:
        assert len(seen) - found.history_.best_epoch == patience
    assert np.isfinite(flat(found)).all()


# ---------------------------------------------------------------- awkward tables


@few
@given(st.sampled_from(LOSSES), rows(), st.floats(-1e6, 1e6))
def test_a_constant_column_is_of_no_weight(loss: str, drawn: Any, value: float) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss)
    found = quietly(model, X, y)
    wide = np.column_stack([X, np.full(len(X), value)])
    with pytest.warns(UserWarning, match="constant"):
        other = clone(model).fit(wide, y)
    assert_array_equal(other.coef_[..., -1], 0.0 * other.coef_[..., -1])
    assert_close(outputs(other, wide), outputs(found, X), 1e-8)


@few
@given(st.sampled_from(LOSSES), rows())
def test_twins_of_a_column_share_its_weight(loss: str, drawn: Any) -> None:
    rng, X = drawn
    y, model = targets_of(loss, rng, X), model_of(loss)
    other = quietly(model, np.column_stack([X, 7.0 * X[:, 0]]), y)
    assert_close(7.0 * other.coef_[..., -1], other.coef_[..., 0], 1e-9)


@few
@given(st.sampled_from(LOSSES), st.sampled_from([(), (4,)]), st.sampled_from(SCALES), rows())
def test_without_an_intercept_there_is_none(loss: str, hidden: Any, scale: Any, drawn: Any) -> None:
    rng, X = drawn
    y = targets_of(loss, rng, X)
    model = model_of(loss, hidden, fit_intercept=False, scale=scale, activation="tanh")
    found = quietly(model, X, y)
    biases = found.intercepts_ if hidden else [np.atleast_1d(found.intercept_)]
    assert not np.concatenate(biases).any()
    at_zero = outputs(found, 0.0 * X[:1])
    assert_array_equal(at_zero, np.ones(1) if loss == "poisson" else 0.0 * at_zero)


@pytest.mark.parametrize("solver", SOLVED)
@few
@given(seeds, st.integers(1, 3), st.integers(4, 8))
def test_fewer_rows_than_columns(solver: str, seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = numbers(rng, X)
    model = model_of("squared_error", solver=solver, max_iter=3000, tol=1e-10)
    found = quietly(model, X, y)
    assert np.isfinite(flat(found)).all()
    if n == 1:
        assert_close(found.predict(X), y, 1e-6)
        assert_array_equal(found.coef_, np.zeros(d))
    unpenalised = quietly(model.set_params(alpha=0.0), X, y)
    if n < d and n > 1:  # through all points
        assert_close(unpenalised.predict(X), y, 1e-4)


# ---------------------------------------------------------------- oracles: every loss, by SciPy

A, RIDGE = 0.7, 0.05


def pointwise(loss: str, s: Any, y: Any) -> Any:
    """Return each row's loss, (n,), written for this test alone; s is (n,), for softmax (n, k)."""
    e = s - y if loss != "softmax" else None
    sign = 2 * y - 1
    formulas = {
        "squared_error": lambda: e**2,
        "half_squared_error": lambda: e**2 / 2,
        "huber:0.7": lambda: np.where(np.abs(e) <= A, e**2 / 2, A * np.abs(e) - A**2 / 2),
        "log_cosh": lambda: np.logaddexp(e, -e) - np.log(2),
        "poisson": lambda: np.exp(s) - y * s,
        "logistic": lambda: np.logaddexp(0, -sign * s),
        "softmax": lambda: special.logsumexp(s, axis=1) - s[np.arange(len(y)), y],
        "brier": lambda: (special.expit(s) - y) ** 2,
        "squared_hinge": lambda: np.maximum(0, 1 - sign * s) ** 2,
    }
    return formulas[loss]()


def least(loss: str, Z: Any, y: Any, w: Any) -> Any:
    """Return the scores at the least of the penalised objective, by SciPy."""
    k = int(y.max()) + 1 if loss == "softmax" else 1
    d = Z.shape[1]

    def objective(theta: Any) -> Any:
        W = theta.reshape(d + 1, k)
        s = Z @ W[:-1] + W[-1]
        s = s if loss == "softmax" else s[:, 0]
        return np.average(pointwise(loss, s, y), weights=w) + RIDGE / 2 * (W[:-1] ** 2).sum()

    def gradient(theta: Any) -> Any:
        steps = 1e-5 * np.eye(len(theta))
        return np.array(
            [
                (
                    8 * (objective(theta + h) - objective(theta - h))
                    - objective(theta + 2 * h)
                    + objective(theta - 2 * h)
                )
                / 12e-5
                for h in steps
            ]
        )

    found = optimize.minimize(
        objective, np.zeros((d + 1) * k), jac=gradient, method="BFGS", options={"gtol": 1e-10}
    )
    W = found.x.reshape(d + 1, k)
    s = Z @ W[:-1] + W[-1]
    return (s - W[-1].mean() if loss == "softmax" else s[:, 0]), found.fun


SMOOTH = [loss for loss in LOSSES if loss not in KINKED]
TIGHT = {"descent": 1e-10, "lbfgs": 1e-10, "newton": 1e-10, "exact": 1e-4}


@pytest.mark.parametrize("loss", SMOOTH)
def test_every_solver_comes_to_where_scipy_comes(loss: str) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 3)) * [1.0, 20.0, 0.1] + [0.0, 5.0, 1.0]
    y, w = targets_of(loss, rng, X), rng.uniform(0.2, 2.0, size=50)
    mean = np.average(X, axis=0, weights=w)
    Z = (X - mean) / np.sqrt(np.average((X - mean) ** 2, axis=0, weights=w))
    expected, value = least(loss, Z, y, w)
    for solver, can in SOLVED.items():
        if loss not in can:
            continue
        model = model_of(loss, solver=solver, alpha=RIDGE, max_iter=20000, tol=TIGHT[solver])
        found = model.fit(X, y, w)
        assert found.run_.outcome.converged, found.stop_reason_
        scores = np.log(found.predict(X)) if loss == "poisson" else outputs(found, X)
        assert_close(scores, expected, 1e-6, f"{loss} by {solver}")
        assert_close(found.loss_, value, 1e-9, f"{loss} by {solver}")


def test_the_comparison_with_scipy_sees_another_penalty() -> None:
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(50, 3))
    y = numbers(rng, Z)
    expected, _ = least("log_cosh", Z, y, np.ones(50))
    other = model_of("log_cosh", scale=None, solver="lbfgs", alpha=RIDGE * 1.01, max_iter=1000)
    with pytest.raises(AssertionError):
        assert_close(other.set_params(tol=1e-10).fit(Z, y).predict(Z), expected, 1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", KINKED)
def test_of_kinked_losses_the_least_is_the_linear_programmes(loss: str, bias: bool) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2)) + 1.0
    y = targets_of(loss, rng, X) * (1 if loss == "hinge" else 100.0)
    Z = np.column_stack([X, np.ones(40)]) if bias else X
    n, d = Z.shape
    sign = 2 * y - 1
    free = [(None, None)] * d
    if loss == "hinge":  # the least mean of u, u >= 1 - sign s, u >= 0
        programme = optimize.linprog(
            np.r_[np.zeros(d), np.full(n, 1 / n)],
            A_ub=np.hstack([-sign[:, None] * Z, -np.eye(n)]),
            b_ub=-np.ones(n),
            bounds=[*free, *[(0, None)] * n],
        )
    else:  # s + u - v = y, u >= 0, v >= 0
        up, down = (0.3, 0.7) if loss == "quantile:0.3" else (1.0, 1.0)
        programme = optimize.linprog(
            np.r_[np.zeros(d), np.full(n, up / n), np.full(n, down / n)],
            A_eq=np.hstack([Z, np.eye(n), -np.eye(n)]),
            b_eq=y,
            bounds=[*free, *[(0, None)] * 2 * n],
        )
    found = quietly(model_of(loss, alpha=0.0, max_iter=3000, fit_intercept=bias), X, y)
    s = outputs(found, X)
    if loss == "hinge":
        error = np.maximum(0, 1 - sign * s).mean()
    else:
        error = np.where(y > s, up * (y - s), down * (s - y)).mean()
    assert programme.fun * (1 - 1e-12) <= error <= programme.fun * 1.01


@pytest.mark.parametrize("bias", [True, False])
def test_huber_regression_at_a_given_sigma_is_scipys(bias: bool) -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(50, 2)) + 1.0
    y = X @ [1.0, 2.0] + 10.0 + rng.standard_t(2, size=50)
    Z = np.column_stack([X, np.ones(50)]) if bias else X
    expected = optimize.least_squares(
        lambda v: Z @ v - y,
        np.zeros(Z.shape[1]),
        loss="huber",
        f_scale=1.35,
        gtol=1e-14,
        xtol=1e-15,
        ftol=1e-15,
    ).x
    model = HuberRegressor(sigma=1.0, alpha=0.0, solver="lbfgs", tol=1e-11, fit_intercept=bias)
    found = quietly(model, X, y)
    shown = np.r_[found.coef_, found.intercept_] if bias else found.coef_
    assert_close(shown, expected, 1e-5)
    if not bias:
        assert found.intercept_ == 0


def test_logistic_regression_is_statsmodels() -> None:
    import statsmodels.api as sm  # slow to import

    rng = np.random.default_rng(6)
    X = rng.normal(size=(80, 3)) * [1.0, 50.0, 0.01]
    y = (X @ [1.0, 0.02, -30.0] + rng.logistic(size=80) > 0).astype(int)
    theirs = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-14, maxiter=100).params
    for solver in ("newton", "lbfgs", "descent"):
        ours = LogisticRegression(C=np.inf, solver=solver, tol=1e-10, max_iter=20000).fit(X, y)
        assert_digits(np.r_[ours.intercept_, ours.coef_[0]], theirs, 7, solver)
    y = rng.integers(0, 3, size=80)
    theirs = sm.MNLogit(y, sm.add_constant(X)).fit(disp=0, tol=1e-14, maxiter=100).params
    ours = SoftmaxRegression(C=np.inf, solver="newton", tol=1e-12).fit(X, y)
    found = np.column_stack([ours.intercept_, ours.coef_])
    assert_digits((found[1:] - found[0]).T, theirs, 6)


# ---------------------------------------------------------------- NIST


def nist(name: str, degree: int) -> Any:
    x, y = read(name)
    return np.column_stack([x**j for j in range(1, degree + 1)]), y


FILIP = [-1467.48961422980, -2772.17959193342, -2316.37108160893, -1127.97394098372]
FILIP += [-354.478233703349, -75.1242017393757, -10.8753180355343, -1.06221498588947]
FILIP += [-0.670191154593408e-01, -0.246781078275479e-02, -0.402962525080404e-04]
PONTIUS = [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14]


@pytest.mark.parametrize(
    ("name", "certified", "digits"),
    [
        ("norris", [-0.262323073774029, 1.00211681802045], 12),
        ("pontius", PONTIUS, 12),
        ("filip", FILIP, 7),
    ],
)
@pytest.mark.parametrize("model", [LinearRegression(), DescentRegressor(solver="exact", alpha=0.0)])
def test_solved_outright_the_certified_digits_are_there(
    model: Any, name: str, certified: Any, digits: int
) -> None:
    X, y = nist(name, len(certified) - 1)
    found = quietly(model, X, y)
    assert_digits(np.r_[found.intercept_, found.coef_], certified, digits)


@pytest.mark.parametrize("solver", ["lbfgs", "newton", *[r for r in RULES if r[0] not in "ln"]])
def test_where_descent_cannot_get_there_it_does_not_say_so(solver: str) -> None:
    X, y = nist("filip", 10)
    model = DescentRegressor(alpha=0.0, engine="numpy", max_iter=300)
    if solver in {"lbfgs", "newton"}:
        model.set_params(solver=solver)
    else:
        model.set_params(optimizer=solver)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = model.fit(X, y)
    right = np.allclose(found.coef_, FILIP[1:], rtol=1e-3)
    assert right or not found.run_.outcome.converged, found.stop_reason_
    if not right:
        assert any(issubclass(one.category, ConvergenceWarning) for one in said)
        assert "onverged" not in found.stop_reason_.replace("not converged", "")
