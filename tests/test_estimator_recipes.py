"""The named recipes, against scikit-learn's classes of the same names at tight tolerances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import linear_model as theirs
from sklearn import neural_network as nets
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._huber import _huber_loss_and_gradient
from sklearn.preprocessing import StandardScaler
from tests.oracles import assert_close

from descend import estimators as ours
from descend.estimators.recipes import spread
from descend.optimizers import nesterov
from descend.schedules import cosine

RNG = np.random.default_rng
N, D = 60, 3


def columns(seed=0):
    return RNG(seed).normal(size=(N, D)) * [1.0, 2.0, 0.5] + [1.0, 0.0, -0.5]


def numbers(X, seed=1, k=None):
    rng = RNG(seed)
    signal = X @ rng.normal(size=(X.shape[1], k or 1)) + 2.0
    y = signal + rng.standard_t(3, size=signal.shape)
    return y if k else y[:, 0]


def counts(X, seed=2):
    return RNG(seed).poisson(np.exp(0.3 * X[:, 0] - 0.2 * X[:, 1] + 0.5)).astype(float)


def labels(X, how_many, seed=3):
    noisy = X[:, 0] + 0.5 * X[:, 1] + RNG(seed).normal(size=len(X))
    return np.array(["c", "a", "b"])[np.digitize(noisy, [0.7] if how_many == 2 else [0.0, 1.5])]


def weights(seed=4):
    return RNG(seed).uniform(0.2, 3.0, size=N)


def fitted_like(theirs_, X, y, w, scale, of_class=None):
    """Return the coefficients and intercepts of theirs in the columns' own units, and theirs.

    Columns are measured with the weights of their classes `of_class` too, as ours are.
    """
    theirs_ = clone(theirs_)
    mean, deviation = np.zeros(X.shape[1]), np.ones(X.shape[1])
    if scale == "standard":
        both = w if of_class is None else of_class * (1.0 if w is None else w)
        scaler = StandardScaler().fit(X, sample_weight=both)
        mean, deviation = scaler.mean_, scaler.scale_
    theirs_.fit((X - mean) / deviation, y, sample_weight=w)
    coef = np.asarray(theirs_.coef_) / deviation
    return coef, theirs_.intercept_ - coef @ mean, theirs_


def assert_same_fit(model, coef, intercept, tolerance):
    assert_close(model.coef_, coef, tolerance, "coefficients")
    scale = np.abs(coef).max() + np.abs(intercept).max()
    found = model.intercept_
    if model.run_.task.loss.name == "softmax":  # a constant for all labels changes nothing
        found, intercept = found - found.mean(), intercept - intercept.mean()
    assert np.shape(found) == np.shape(intercept)
    np.testing.assert_allclose(found, intercept, rtol=0, atol=tolerance * scale)


def test_the_comparison_sees_another_fit():
    X = columns()
    model = ours.DescentRegressor(solver="newton", alpha=0.0).fit(X, numbers(X))
    assert_same_fit(model, model.coef_, model.intercept_, 1e-9)
    for coef, intercept in (
        (model.coef_ + 1e-6, model.intercept_),
        (model.coef_, model.intercept_ + 1e-6),
    ):
        with pytest.raises(AssertionError):
            assert_same_fit(model, coef, intercept, 1e-8)


TIGHT = {"tol": 1e-12, "max_iter": 100_000}
# Where no step lowers the loss any more in double precision, the coefficients have half its digits.
NEAR = {"exact": 1e-11, "newton": 3e-8, "lbfgs": 1e-6, "descent": 1e-8}
SMOOTH = ("newton", "lbfgs", "descent")
LOGIT = {"solver": "newton-cholesky", "tol": 1e-13, "max_iter": 1000}

CASES = {
    "linear": (
        ours.LinearRegression(),
        theirs.LinearRegression(tol=0),
        numbers,
        ("exact", *SMOOTH),
    ),
    "ridge": (
        ours.Ridge(3.0),
        theirs.Ridge(3.0, solver="cholesky"),
        numbers,
        ("exact", *SMOOTH),
    ),
    "lasso": (
        ours.Lasso(0.3),
        theirs.Lasso(0.3, tol=1e-14, max_iter=10**6),
        numbers,
        ("descent",),
    ),
    "elastic net": (
        ours.ElasticNet(0.4, l1_ratio=0.3),
        theirs.ElasticNet(0.4, l1_ratio=0.3, tol=1e-14, max_iter=10**6),
        numbers,
        ("descent",),
    ),
    "elastic net without a kink": (
        ours.ElasticNet(0.4, l1_ratio=0.0),
        # Its squares alone are ridge's, whose errors are summed and not averaged.
        theirs.Ridge(0.4 * N, solver="cholesky"),
        numbers,
        ("exact", *SMOOTH),
    ),
    "poisson": (
        ours.PoissonRegressor(alpha=0.7),
        theirs.PoissonRegressor(alpha=0.7, solver="newton-cholesky", tol=1e-13, max_iter=1000),
        counts,
        SMOOTH,
    ),
    "logistic": (
        ours.LogisticRegression(C=0.3),
        theirs.LogisticRegression(C=0.3, **LOGIT),
        lambda X: labels(X, 2),
        SMOOTH,
    ),
    "logistic of three": (
        ours.LogisticRegression(C=0.3),
        theirs.LogisticRegression(C=0.3, **LOGIT),
        lambda X: labels(X, 3),
        SMOOTH,
    ),
    "softmax of three": (
        ours.SoftmaxRegression(C=2.0),
        theirs.LogisticRegression(C=2.0, **LOGIT),
        lambda X: labels(X, 3),
        SMOOTH,
    ),
    "logistic without a penalty": (
        ours.LogisticRegression(C=np.inf),
        theirs.LogisticRegression(C=np.inf, **LOGIT),
        lambda X: labels(X, 2),
        SMOOTH,
    ),
    "logistic with a kink": (
        ours.LogisticRegression(C=0.1, l1_ratio=0.6),
        theirs.LogisticRegression(
            C=0.1, l1_ratio=0.6, solver="saga", tol=1e-12, max_iter=10**5, random_state=0
        ),
        lambda X: labels(X, 2),
        ("descent",),
    ),
    "softmax with a kink": (
        ours.SoftmaxRegression(C=0.1, l1_ratio=1.0),
        theirs.LogisticRegression(
            C=0.1, l1_ratio=1.0, solver="saga", tol=1e-12, max_iter=10**5, random_state=0
        ),
        lambda X: labels(X, 3),
        ("descent",),
    ),
    "logistic with class weights": (
        ours.LogisticRegression(C=0.3, class_weight={"c": 3.0, "a": 0.5}),
        theirs.LogisticRegression(C=0.3, class_weight={"c": 3.0, "a": 0.5}, **LOGIT),
        lambda X: labels(X, 2),
        SMOOTH,
    ),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize(
    ("case", "solver"), [(case, solver) for case in CASES for solver in CASES[case][3]]
)
def test_a_recipe_is_scikit_learns_class(case, solver, scale, weighted):
    model, other, target, _ = CASES[case]
    X = columns()
    y, w = target(X), weights() if weighted else None
    if case == "elastic net without a kink" and weighted:
        other = clone(other).set_params(alpha=0.4 * w.sum())
    of_class = None
    if getattr(model, "class_weight", None):
        of_class = np.array([model.class_weight[label] for label in y])
    coef, intercept, _ = fitted_like(other, X, y, w, scale, of_class)
    model = clone(model).set_params(solver=solver, scale=scale, **TIGHT).fit(X, y, sample_weight=w)
    assert_same_fit(model, coef, intercept, NEAR[solver])


@pytest.mark.parametrize(
    ("case", "count"), [("lasso", 1), ("elastic net", 0), ("softmax with a kink", 3)]
)
def test_kinks_make_the_zeros_that_theirs_make(case, count):
    model, other, target, _ = CASES[case]
    X = columns()
    coef, _, _ = fitted_like(other, X, target(X), None, "standard")
    model = clone(model).set_params(**TIGHT).fit(X, target(X))
    assert (model.coef_ == 0).sum() == (coef == 0).sum()


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (ours.LinearRegression(), theirs.LinearRegression(tol=0)),
        (ours.Ridge(3.0), theirs.Ridge(3.0, solver="cholesky")),
        (ours.Ridge(3.0, solver="newton"), theirs.Ridge(3.0, solver="cholesky")),
        (ours.Lasso(0.3), theirs.Lasso(0.3, tol=1e-14, max_iter=10**6)),
        (
            ours.ElasticNet(0.4, l1_ratio=0.3),
            theirs.ElasticNet(0.4, l1_ratio=0.3, tol=1e-14, max_iter=10**6),
        ),
    ],
    ids=lambda found: type(found).__name__,
)
def test_several_targets_are_each_their_own(model, other):
    X = columns()
    y = numbers(X, k=2) * [1.0, 3.0]
    coef, intercept, _ = fitted_like(other, X, y, None, None)
    model = clone(model).set_params(scale=None, **TIGHT).fit(X, y)
    assert_same_fit(model, coef, intercept, 1e-8)


def test_several_columns_of_zeros_and_ones_are_each_their_own():
    X = columns()
    Y = np.column_stack([labels(X, 2) == "a", labels(X, 2, seed=8) == "a", counts(X) > 1]).astype(
        int
    )
    model = ours.LogisticRegression(C=0.3, solver="newton", scale=None, **TIGHT).fit(X, Y)
    for j in range(3):
        alone = theirs.LogisticRegression(C=0.3, **LOGIT).fit(X, Y[:, j])
        assert_close(model.coef_[j], alone.coef_[0], 1e-9)


def test_poisson_of_several_targets_is_each_its_own():
    X = columns()
    Y = np.column_stack([counts(X), counts(X, seed=9)])
    model = ours.PoissonRegressor(alpha=0.7, solver="newton", scale=None, **TIGHT).fit(X, Y)
    for j in range(2):
        alone = clone(CASES["poisson"][1]).fit(X, Y[:, j])
        assert_close(model.coef_[j], alone.coef_, 1e-9)


def test_softmax_of_two_labels_is_logistic_at_twice_the_c():
    X = columns()
    y = labels(X, 2)
    model = ours.SoftmaxRegression(C=0.3, solver="newton", scale=None, **TIGHT).fit(X, y)
    assert model.coef_.shape == (2, D)
    other = theirs.LogisticRegression(C=0.6, **LOGIT).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=0, atol=1e-9)


def test_softmax_refuses_several_labels_to_a_row():
    X = columns()
    with pytest.raises(ValueError, match="one label per row"):
        ours.SoftmaxRegression().fit(X, np.ones((N, 2), dtype=int) * [0, 1])


# ---------------------------------------------------------------- Huber


def wild(X):
    y = numbers(X)
    y[:5] += 40.0
    return y


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "descent"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("scale", [None, "standard"])
def test_huber_at_scikit_learns_sigma_is_scikit_learns(scale, weighted, solver):
    X = columns()
    y, w = wild(X), weights() if weighted else None
    alone = theirs.HuberRegressor(epsilon=1.5, alpha=20.0, tol=1e-12, max_iter=10**5)
    coef, intercept, found = fitted_like(alone, X, y, w, scale)
    model = ours.HuberRegressor(
        epsilon=1.5, alpha=20.0, sigma=found.scale_, scale=scale, solver=solver, **TIGHT
    ).fit(X, y, sample_weight=w)
    assert model.scale_ == found.scale_
    # SciPy's L-BFGS-B ends where the loss no longer changes, short of where the gradient is 0.
    assert_same_fit(model, coef, intercept, 1e-4)
    mean, deviation = (0.0, 1.0)
    if scale:
        scaler = StandardScaler().fit(X, sample_weight=w)
        mean, deviation = scaler.mean_, scaler.scale_
    at = [*(model.coef_ * deviation), model.intercept_ + model.coef_ @ (mean * np.ones(D))]
    _, gradient = _huber_loss_and_gradient(
        np.array([*at, found.scale_]),
        (X - mean) / deviation,
        y,
        1.5,
        20.0,
        np.ones(N) if w is None else w,
    )
    np.testing.assert_allclose(gradient[:-1], 0.0, rtol=0, atol=1e-6)


def test_the_spread_is_that_of_numpys_medians():
    y = numbers(columns())
    assert_close(spread(y), 1.4826 * np.median(np.abs(y - np.median(y))), 1e-15)
    even = y[:-1]
    assert_close(spread(even), 1.4826 * np.median(np.abs(even - np.median(even))), 1e-15)


def test_the_spread_counts_weights_as_copies():
    y = np.round(numbers(columns()), 1)
    copies = RNG(5).integers(1, 4, size=N)
    assert_close(spread(y, copies.astype(float)), spread(np.repeat(y, copies)), 1e-15)
    pair = np.column_stack([y, y[::-1]])
    assert_close(spread(pair, copies), spread(np.repeat(pair, copies, axis=0)), 1e-15)


def test_the_spread_of_mostly_equal_targets_is_not_zero():
    assert_close(spread(np.array([0.0] * 9 + [10.0])), 1.2533, 1e-15)
    assert spread(np.full(4, 7.0)) == 1.0


def test_huber_does_not_mind_the_units_of_the_targets():
    X = columns()
    one = ours.HuberRegressor(alpha=0.0, solver="newton").fit(X, wild(X))
    other = ours.HuberRegressor(alpha=0.0, solver="newton").fit(X, 1000 * wild(X) - 1e6)
    assert_close(other.coef_, 1000 * one.coef_, 1e-9)
    assert_close(other.intercept_, 1000 * one.intercept_ - 1e6, 1e-9)


# ---------------------------------------------------------------- quantiles


def pinball(model, X, y, w, q, deviation):
    e = model.predict(X) - y
    loss = np.average(np.where(e < 0, -q * e, (1 - q) * e), weights=w)
    return loss + model.alpha * np.abs(model.coef_ * deviation).sum()


@pytest.mark.parametrize("q", [0.5, 0.9])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("scale", [None, "standard"])
def test_quantile_regression_comes_to_the_least_of_the_linear_programme(scale, weighted, alpha, q):
    X = columns()
    y, w = 1000 * numbers(X), weights() if weighted else None
    alpha *= 1000
    scaler = StandardScaler().fit(X, sample_weight=w)
    mean, deviation = (scaler.mean_, scaler.scale_) if scale else (0.0, np.ones(D))
    other = theirs.QuantileRegressor(quantile=q, alpha=alpha)
    other.fit((X - mean) / deviation, y, sample_weight=w)
    least = pinball(other, (X - mean) / deviation, y, w, q, 1.0)
    model = ours.QuantileRegressor(
        quantile=q,
        alpha=alpha,
        scale=scale,
        optimizer=nesterov(0.1, schedule=cosine(5000)),
        max_iter=5000,
        tol=None,
    ).fit(X, y, sample_weight=w)
    found = pinball(model, X, y, w, q, deviation)
    assert 1 - 1e-12 <= found / least <= 1 + 1e-5


# ---------------------------------------------------------------- nets


def flat(other):
    pairs = zip(other.coefs_, other.intercepts_, strict=True)
    return np.concatenate([np.append(W.ravel(), b) for W, b in pairs])


NET_CASES = {
    "regressor": (ours.MLPRegressor, nets.MLPRegressor, numbers),
    "several targets": (ours.MLPRegressor, nets.MLPRegressor, lambda X: numbers(X, k=2)),
    "two labels": (ours.MLPClassifier, nets.MLPClassifier, lambda X: labels(X, 2)),
    "three labels": (ours.MLPClassifier, nets.MLPClassifier, lambda X: labels(X, 3)),
    "several columns": (
        ours.MLPClassifier,
        nets.MLPClassifier,
        lambda X: np.column_stack([labels(X, 2) == "a", counts(X) > 1]).astype(int),
    ),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", NET_CASES)
def test_a_net_has_scikit_learns_objective(case, weighted):
    mine, others, target = NET_CASES[case]
    X = columns()
    y, w = target(X), weights() if weighted else None
    Z = StandardScaler().fit(X, sample_weight=w).transform(X)
    seen = y
    if mine is ours.MLPRegressor:
        pairs = y.reshape(N, -1)
        seen = StandardScaler().fit(pairs, sample_weight=w).transform(pairs).reshape(y.shape)
    short = {"alpha": 5.0, "solver": "lbfgs", "max_iter": 7, "random_state": 0}
    other = others(hidden_layer_sizes=(4, 3), activation="tanh", **short)
    with pytest.warns(ConvergenceWarning):
        other.fit(Z, seen, sample_weight=w)
    model = mine((4, 3), "tanh", alpha=5.0, max_iter=1, tol=None, random_state=0)
    model.fit(X, y, sample_weight=w)
    # Of several 0/1 columns theirs is the sum, ours the mean.
    times = y.shape[1] if case == "several columns" else 1
    assert_close(times * model.run_.program.value(flat(other)), other.loss_, 1e-12)


def test_a_net_comes_to_where_scikit_learns_comes():
    X = columns()
    y = labels(X, 3)
    Z = StandardScaler().fit_transform(X)
    tight = {"solver": "lbfgs", "tol": 1e-12, "max_iter": 20_000, "random_state": 0}
    other = nets.MLPClassifier((3,), activation="tanh", alpha=5.0, max_fun=10**6, **tight).fit(Z, y)
    model = ours.MLPClassifier((3,), "tanh", alpha=5.0, **tight).fit(X, y)
    # A start of their own can lead to another valley: from theirs, no step lowers our objective.
    value, gradient = model.run_.program.value_and_gradient(flat(other))
    assert np.abs(gradient).max() < 1e-5
    assert_close(value, other.loss_, 1e-12)


# ---------------------------------------------------------------- as estimators


def test_parameters_have_scikit_learns_names_and_defaults():
    common = {"tol", "max_iter", "solver", "random_state", "verbose", "loss"}
    odd = {"learning_rate", "batch_size", "callbacks"}
    for mine in ours.ALL:
        if mine.__name__.startswith("Descent"):
            continue
        home = nets if mine.__name__.startswith("MLP") else theirs
        other = getattr(home, mine.__name__, theirs.LogisticRegression)().get_params()
        for name, value in mine().get_params().items():
            if (mine.__name__[:3], name) == ("MLP", "alpha"):
                continue  # chosen on tables: theirs hardly holds a net back
            if name in other and name not in common | odd:
                assert value == other[name], (mine.__name__, name)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ours.Ridge(alpha=-1.0), "The 'alpha' parameter of Ridge must be a float in the range"),
        (ours.ElasticNet(l1_ratio=1.5), "The 'l1_ratio' parameter of ElasticNet must be"),
        (ours.HuberRegressor(epsilon=0.5), "The 'epsilon' parameter of HuberRegressor must be"),
        (ours.HuberRegressor(sigma="mean"), "The 'sigma' parameter of HuberRegressor must be"),
        (ours.QuantileRegressor(quantile=1.0), "The 'quantile' parameter of Quantile"),
        (ours.PoissonRegressor(alpha="1"), "The 'alpha' parameter of PoissonRegressor must be"),
        (ours.MLPRegressor(hidden_layers=0), "The 'hidden_layers' parameter of MLPRegressor must"),
        (ours.LogisticRegression(C=0.0), "The 'C' parameter of LogisticRegression must be a float"),
        (ours.SoftmaxRegression(l1_ratio=-1.0), "The 'l1_ratio' parameter of SoftmaxRegression"),
        (ours.MLPClassifier(activation="sine"), "The 'activation' parameter of MLPClassifier"),
    ],
    ids=lambda found: type(found).__name__,
)
def test_a_bad_parameter_is_named(model, said):
    with pytest.raises(ValueError, match=said):
        model.fit(columns(), labels(columns(), 2))


def test_what_is_solved_outright_does_not_go_on_by_parts():
    X = columns()
    for exact in (ours.LinearRegression(), ours.Ridge()):
        assert not hasattr(exact, "partial_fit")
        model = exact.set_params(solver="descent").partial_fit(X, numbers(X))
        assert model.n_iter_ == 1


def test_what_a_recipe_asks_of_the_loop():
    task = ours.Ridge(3.0).fit(columns(), numbers(columns())).run_.task
    assert task.loss.name == "squared_error"
    assert task.penalty.l2 == 2 * 3.0 / N
    task = ours.SoftmaxRegression(C=2.0).fit(columns(), labels(columns(), 2)).run_.task
    assert (task.loss.name, task.penalty.l2) == ("softmax", 1 / (2.0 * N))


def test_the_score_of_counts_is_the_deviance_explained():
    generator = np.random.default_rng(4)
    X = generator.normal(size=(80, 2))
    y = generator.poisson(np.exp(X[:, 0] + 0.5)).astype(float)
    weights = generator.uniform(0.5, 2.0, size=80)
    mine = ours.PoissonRegressor(scale=None, tol=1e-9).fit(X, y)
    other = theirs.PoissonRegressor(tol=1e-10, max_iter=1000).fit(X, y)
    assert abs(mine.score(X, y, weights) - other.score(X, y, weights)) < 1e-6


def test_counts_that_are_steep_train_at_the_first_try():
    generator = np.random.default_rng(3)
    X = generator.lognormal(size=(500, 3))
    y = generator.poisson(np.exp(np.minimum(X[:, 0], 6.0)))
    assert ours.PoissonRegressor().fit(X, y).run_.outcome.converged
