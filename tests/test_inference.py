"""Standard errors against statsmodels, NIST's certified ones, exact fractions and closed forms."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import statsmodels.api as sm
from scipy.stats import norm, t
from tests.oracles import assert_close, assert_digits
from tests.test_nist import read

import descend as ds
from descend.errors import InputError, ParameterError

FIELDS = ("coef", "standard_error", "statistic", "p_value", "low", "high")
NAMES = ("x1", "x2", "x3", "(intercept)")


def trained(loss, X, y, *, model=None, optimizer="newton", penalty=None, **more):
    task = ds.Task(model or ds.Linear(), loss, optimizer, penalty)
    return ds.train(task, X, y, **{"epochs": 60, "record": False, **more})


def mixed(n=300, seed=0):
    """Return columns in very different units, and scores that all of them move."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 1e-3, 1e3] + [0.0, 1e-2, 500.0]
    return X, X @ [0.7, 300.0, 1e-3] - 3.0, rng


def targets(loss, scores, rng):
    if loss == "logistic":
        return (rng.random(len(scores)) < 1 / (1 + np.exp(-scores))).astype(float)
    if loss == "poisson":
        return rng.poisson(np.exp(scores / 3)).astype(float)
    return scores + rng.normal(size=len(scores))


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def theirs(loss, A, y, weights=None):
    """Fit the same by statsmodels; least squares on copies, for its weights are not counts."""
    if loss in {"logistic", "poisson"}:
        family = sm.families.Binomial() if loss == "logistic" else sm.families.Poisson()
        return sm.GLM(y, A, family=family, freq_weights=weights).fit(tol=1e-14, maxiter=100)
    copies = np.repeat(np.arange(len(y)), 1 if weights is None else weights.astype(int))
    return sm.OLS(y[copies], A[copies]).fit()


def assert_theirs(found, result, level=0.95):
    intervals = np.asarray(result.conf_int(alpha=1 - level))
    wanted = (result.params, result.bse, result.tvalues, result.pvalues, *intervals.T)
    for name, expected in zip(FIELDS, wanted, strict=True):
        assert_digits(getattr(found, name), expected, 6, name)
    assert_digits(found.covariance, result.cov_params(), 6, "covariance")
    assert found.dof == result.df_resid


@pytest.mark.parametrize("field", [*FIELDS, "covariance", "dof"])
def test_a_wrong_figure_is_seen(field):
    X, scores, rng = mixed()
    y = targets("squared_error", scores, rng)
    found = trained("squared_error", X, y, standardize=True).inference()
    wrong = replace(found, **{field: getattr(found, field) * (1 + 1e-5)})
    with pytest.raises(AssertionError):
        assert_theirs(wrong, theirs("squared_error", with_ones(X), y))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "logistic", "poisson"])
def test_every_field_is_that_of_statsmodels(loss, standardize, weighted):
    X, scores, rng = mixed()
    y = targets(loss, scores, rng)
    weights = rng.integers(0, 4, len(y)).astype(float) if weighted else None
    run = trained(loss, X, y, sample_weight=weights, standardize=standardize)
    found = run.inference(0.9)
    assert_theirs(found, theirs(loss, with_ones(X), y, weights), 0.9)
    assert (found.names, found.outputs, found.level) == (NAMES, ("",) * 4, 0.9)
    assert found.distribution == ("t" if "squared" in loss else "z")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
def test_softmax_is_multinomial_logit_against_the_first_label(standardize, weighted):
    X, scores, rng = mixed()
    kind = (scores + rng.logistic(size=300) > -2) * 1 + (rng.random(300) < 0.3)
    y = np.array(["a", "b", "c"])[kind]
    weights = rng.integers(0, 4, 300).astype(float) if weighted else None
    run = trained("softmax", X, y, sample_weight=weights, standardize=standardize)
    found = run.inference()
    copies = np.repeat(np.arange(300), weights.astype(int)) if weighted else slice(None)
    # Its own columns are standardised, and the figures mapped back: its Hessian has no other scale.
    mean, scale = X.mean(axis=0), X.std(axis=0)
    model = sm.MNLogit(kind[copies], with_ones((X - mean) / scale)[copies])
    result = model.fit(method="newton", maxiter=30, tol=1e-10, disp=0)
    back = np.block([[np.diag(1 / scale), np.zeros((3, 1))], [-mean / scale, np.ones(1)]])
    ways = np.kron(np.eye(2), back)
    covariance = ways @ np.asarray(result.cov_params()) @ ways.T
    assert_digits(found.coef, ways @ np.asarray(result.params).T.ravel(), 6)
    assert_digits(found.covariance, covariance, 6)
    assert (found.outputs, found.reference) == (("b",) * 4 + ("c",) * 4, "a")
    assert "against those of 'a'" in str(found)


def test_softmax_of_two_labels_is_logistic():
    X, scores, rng = mixed()
    y = targets("logistic", scores, rng)
    one, two = (
        trained(loss, X, y, standardize=True).inference() for loss in ("logistic", "softmax")
    )
    for name in (*FIELDS, "covariance"):
        assert_digits(getattr(two, name), getattr(one, name), 8, name)


CERTIFIED = {
    "norris": ([-0.262323073774029, 1.00211681802045], [0.232818234301152, 0.429796848199937e-03]),
    "pontius": (
        [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14],
        [0.107938612033077e-03, 0.157817399981659e-09, 0.486652849992036e-16],
    ),
}
FILIP = [
    298.084530995537,
    559.779865474950,
    466.477572127796,
    227.204274477751,
    71.6478660875927,
    15.2897178747400,
    2.23691159816033,
    0.221624321934227,
    0.142363763154724e-01,
    0.535617408889821e-03,
    0.896632837373868e-05,
]


def powers(name, degree):
    x, y = read(name)
    return np.column_stack([x**j for j in range(1, degree + 1)]), y


@pytest.mark.parametrize("optimizer", ["newton", "lbfgs", "nesterov"])
@pytest.mark.parametrize("name", CERTIFIED)
def test_nist_certifies_the_standard_errors(name, optimizer):
    coef, errors = CERTIFIED[name]
    X, y = powers(name, len(coef) - 1)
    run = trained("squared_error", X, y, optimizer=optimizer, standardize=True, epochs=3000)
    found = run.inference()
    assert_digits(np.roll(found.coef, 1), coef, 10)
    assert_digits(np.roll(found.standard_error, 1), errors, 10)


def test_filip_too_at_its_optimum_and_not_where_descent_ends():
    X, y = powers("filip", 10)
    run = trained("squared_error", X, y, standardize=True)
    with pytest.raises(InputError, match="standard errors from the optimum"):
        run.inference()
    A = with_ones((X - run.scaling.mean) / run.scaling.deviation)
    Q, R = np.linalg.qr(A)
    there = replace(run, theta=np.linalg.solve(R, Q.T @ y)).inference()
    assert_digits(np.roll(there.standard_error, 1), FILIP, 7)


def exact(X, y):
    """Return least squares coefficients and their variances in exact fractions."""
    A = [[*map(Fraction, row), Fraction(1)] for row in X.tolist()]
    p, targets = len(A[0]), list(map(Fraction, y.tolist()))
    rows = [
        [sum(a[i] * a[j] for a in A) for j in range(p)]
        + [Fraction(i == j) for j in range(p)]
        + [sum(a[i] * b for a, b in zip(A, targets, strict=True))]
        for i in range(p)
    ]
    for i in range(p):  # Gauss and Jordan; the pivots of a Gram matrix are positive
        rows[i] = [entry / rows[i][i] for entry in rows[i]]
        for j in set(range(p)) - {i}:
            rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    coef = [row[-1] for row in rows]
    left = [
        b - sum(c * x for c, x in zip(coef, a, strict=True))
        for a, b in zip(A, targets, strict=True)
    ]
    scatter = sum(e * e for e in left) / (len(A) - p)
    variances = [float(scatter * rows[i][p + i]) for i in range(p)]
    return np.array(list(map(float, coef))), np.sqrt(variances)


def test_a_million_give_or_take_a_millionth_loses_nothing():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 2)) * [1e-6, 1e-6] + [1e6, -1.0]
    y = (X - [1e6, -1.0]) @ [2e6, -3e6] + 5 + rng.normal(size=40)
    found = trained("squared_error", X, y, standardize=True).inference()
    coef, errors = exact(X, y)
    assert_digits(found.coef, coef, 9)
    assert_digits(found.standard_error, errors, 9)


@pytest.mark.parametrize("loss", ["squared_error", "logistic", "poisson", "softmax"])
def test_a_weight_counts_copies(loss):
    X, scores, rng = mixed()
    y = targets("logistic" if loss == "softmax" else loss, scores, rng)
    weights = rng.integers(0, 4, len(y))
    copies = np.repeat(np.arange(len(y)), weights)
    weighted = trained(loss, X, y, sample_weight=weights, standardize=True).inference()
    copied = trained(loss, X[copies], y[copies], standardize=True).inference()
    for name in (*FIELDS, "covariance", "dof"):
        assert_close(getattr(weighted, name), getattr(copied, name), 1e-9, name)


def test_a_row_of_weight_0_is_absent_however_far_out_it_lies():
    X, scores, rng = mixed()
    y = targets("poisson", scores, rng)
    run = trained("poisson", X, y)
    far = replace(
        run,
        data=replace(
            run.data,
            X=np.vstack([X, [1e6, 0.0, 0.0]]),
            y=np.vstack([y[:, None], [[0.0]]]),
            weights=np.append(np.ones(300), 0.0),
        ),
    )
    for name in (*FIELDS, "covariance", "dof"):
        assert_close(getattr(far.inference(), name), getattr(run.inference(), name), 1e-9, name)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_sums_are_as_good_as_means(loss):
    X, scores, rng = mixed()
    y = targets(loss, scores, rng)
    task = ds.Task(ds.Linear(), loss, "newton", reduction="sum")
    found = ds.train(task, X, y, epochs=60, standardize=True).inference()
    assert_theirs(found, theirs(loss, with_ones(X), y))


def test_a_model_without_a_bias_has_no_intercept():
    X, scores, rng = mixed()
    y = targets("squared_error", scores, rng)
    found = trained("squared_error", X, y, model=ds.Linear(bias=False)).inference()
    assert_theirs(found, theirs("squared_error", X, y))
    assert found.names == NAMES[:3]


def test_without_a_bias_the_means_of_standardised_columns_make_an_intercept():
    X, scores, rng = mixed()
    y = targets("squared_error", scores, rng)
    run = trained("squared_error", X, y, model=ds.Linear(bias=False), standardize=True)
    found, mean = run.inference(), X.mean(axis=0)
    result = theirs("squared_error", X - mean, y)
    assert_digits(found.coef[:3], result.params, 6)
    assert_digits(found.coef[3], -mean @ result.params, 6)
    assert_digits(found.standard_error[3], np.sqrt(mean @ result.cov_params() @ mean), 6)


def test_several_outputs_of_squared_error_each_have_their_own():
    X, scores, rng = mixed()
    y = np.column_stack([targets("squared_error", scores, rng), 5 * rng.normal(size=300)])
    found = trained("squared_error", X, y, standardize=True).inference()
    errors = []
    for j in range(2):
        result, part = theirs("squared_error", with_ones(X), y[:, j]), slice(4 * j, 4 * j + 4)
        errors.append(result.resid)
        for name, wanted in (("coef", result.params), ("standard_error", result.bse)):
            assert_digits(getattr(found, name)[part], wanted, 6, name)
        assert_digits(found.p_value[part], result.pvalues, 6)
    A = with_ones(X)
    between = errors[0] @ errors[1] / 296 * np.linalg.inv(A.T @ A)
    assert_close(found.covariance[:4, 4:], between, 1e-6)
    assert found.outputs == ("output 1",) * 4 + ("output 2",) * 4


def test_several_outputs_of_logistic_are_models_of_their_own():
    X, scores, rng = mixed()
    y = np.column_stack([targets("logistic", scores, rng), rng.integers(0, 2, 300)])
    found = trained("logistic", X, y, standardize=True).inference()
    for j in range(2):
        result, part = theirs("logistic", with_ones(X), y[:, j]), slice(4 * j, 4 * j + 4)
        assert_digits(found.coef[part], result.params, 6)
        assert_digits(found.covariance[part, part], result.cov_params(), 6)
    assert not found.covariance[:4, 4:].any()


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_sparse_rows_have_those_of_dense_ones(bias, standardize):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 4)) * (rng.random((200, 4)) < 0.3)
    y = rng.poisson(np.exp(X @ [0.3, -0.2, 0.5, 0.0])).astype(float)
    dense, sparse = (
        trained("poisson", rows, y, model=ds.Linear(bias=bias), standardize=standardize).inference()
        for rows in (X, scipy.sparse.csr_array(X))
    )
    for name in (*FIELDS, "covariance"):
        assert_close(getattr(sparse, name), getattr(dense, name), 1e-9, name)


def test_blocks_of_rows_make_no_difference(monkeypatch):
    X, scores, rng = mixed()
    kinds = rng.integers(0, 3, 300)
    runs = [
        trained("squared_error", X, scores + rng.normal(size=300), standardize=True),
        trained("softmax", X, kinds, standardize=True),
    ]
    whole = [run.inference() for run in runs]
    monkeypatch.setattr("descend.inference.design._BLOCK", 1)
    for run, wanted in zip(runs, whole, strict=True):
        assert_close(run.inference().covariance, wanted.covariance, 1e-10)


def test_a_table_has_its_own_units():
    fit = ds.fit(
        ds.datasets.shipped_table("diabetes"), "progression", optimizer="newton", patience=10**6
    )
    run, found = fit.run, fit.run.inference()
    numbers = [(c["mean"], c["scale"]) for c in run.encoder["columns"]]
    mean, scale = np.array(numbers).T
    A = with_ones(run.data.X * scale + mean)
    result = theirs("squared_error", A, run.data.y[:, 0])
    assert_digits(found.coef, result.params, 6)
    assert_digits(found.standard_error, result.bse, 6)


def test_intervals_reach_as_far_as_their_level_says():
    X, scores, rng = mixed()
    for loss, quantile in (
        ("squared_error", t(296).ppf),
        ("poisson", norm.ppf),
    ):
        found = trained(loss, X, targets(loss, scores, rng), standardize=True).inference(0.5)
        assert_digits(found.high - found.low, 2 * quantile(0.75) * found.standard_error, 9)
    with pytest.raises(ParameterError, match=r"'level' parameter of inference .* Got 1 instead"):
        trained("poisson", X, targets("poisson", scores, rng)).inference(1)


# ---------------------------------------------------------------- how near, how it is shown


def shifted(run, share):
    """Return the run with its first coefficient `share` standard errors away from the optimum."""
    found = run.inference()
    theta = run.theta.copy()
    theta[0] += share * found.standard_error[0] * run.scaling.deviation[0]
    return replace(run, theta=theta)


@pytest.mark.parametrize("loss", ["squared_error", "logistic", "softmax", "poisson"])
def test_a_run_near_the_optimum_has_the_figures_of_the_optimum(loss):
    X, scores, rng = mixed()
    y = targets("logistic" if loss == "softmax" else loss, scores, rng)
    run = trained(loss, X - X.mean(axis=0), y, standardize=True)
    found = shifted(run, 0.009).inference()
    assert_digits(found.coef[:3], run.inference().coef[:3], 9)
    assert_digits(found.standard_error, run.inference().standard_error, 9)
    with pytest.raises(InputError, match=r"it ended 0.011 standard errors from the optimum"):
        shifted(run, 0.011).inference()


def small(**names):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(30, 2))
    table = dict(zip(names.get("names", ("a", "b")), X.T, strict=True))
    import pandas as pd

    return pd.DataFrame(table), X @ [1.0, 2.0] + rng.normal(size=30)


def test_the_table_lines_up_and_goes_to_pandas():
    X, y = small(names=("a<b>", "length & breadth"))
    found = trained("squared_error", X, y).inference()
    lines = str(found).splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[0].split() == ["name", "coef", "std", "error", "t", "p", "low", "high"]
    assert lines[1].startswith("a<b>     ")
    assert lines[-1] == "95 % intervals by t with 27 degrees of freedom."
    html = found._repr_html_()
    assert "a&lt;b&gt;" in html
    assert "length &amp; breadth" in html
    assert "a<b>" not in html
    assert html.count("<tr>") == 4
    frame = found.to_frame()
    assert list(frame.columns) == list(FIELDS)
    assert frame.loc["a<b>", "standard_error"] == found.standard_error[0]


def test_several_outputs_are_told_apart_in_the_table():
    X, y = small()
    found = trained("squared_error", X, np.column_stack([y, -(y**2)])).inference()
    assert str(found).splitlines()[4].split()[:3] == ["output", "2", "a"]
    frame = found.to_frame()
    assert frame.index.names == ["output", "name"]
    assert frame.loc[("output 2", "b"), "coef"] == found.coef[4]


# ---------------------------------------------------------------- what has none


def labels(seed=7):
    """Return a column of numbers, a mark on a third of the rows, and a generator."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=60), np.arange(60) < 20]).astype(float), rng


def refusal(run):
    with pytest.raises(InputError) as caught:
        run.inference()
    sentence = str(caught.value)
    assert sentence.startswith("There are no standard errors for this run: ")
    assert sentence.endswith(".")
    assert ";" in sentence
    return sentence


X0, RNG0 = labels()
Y0 = X0 @ [1.0, 2.0] + RNG0.normal(size=60)
SIDES = (X0[:, 0] + RNG0.normal(size=60) > 0).astype(int)


def squares(X=X0, y=Y0, **more):
    return trained("squared_error", X, y, **more)


def own(**parts):
    """Return a run of a task with a part of one's own, as far as one can see before the rows."""
    run = squares()
    return replace(run, task=replace(run.task, optimizer=ds.adam(), **parts))


def fall(*_):
    raise AssertionError


EYE = scipy.sparse.eye_array(2000).tocsr()
TWICE = np.column_stack([X0, X0[:, 1]])[:20]
REFUSED = {
    "hidden layers (4,)": lambda: squares(model=ds.MLP(4), optimizer="adam"),
    "the loss huber is not a likelihood": lambda: trained("huber", X0, Y0),
    "the loss quantile is not": lambda: trained("quantile", X0, Y0, optimizer="adam"),
    "the loss hinge is not": lambda: trained("hinge", X0, SIDES, optimizer="adam"),
    "the loss brier is not": lambda: trained("brier", X0, SIDES, optimizer="lbfgs"),
    "the loss custom is not": lambda: own(loss=fall),
    "the model fall is one's own": lambda: own(model=ds.custom_model(fall, fall)),
    "by the penalty l2": lambda: squares(penalty=ds.l2(0.1)),
    "by the penalty l1": lambda: squares(penalty=ds.l1(0.1), optimizer="nesterov"),
    "by the weight decay of adamw": lambda: squares(optimizer="adamw"),
    "no rows are attached": lambda: replace(squares(), data=None),
    "it diverged": lambda: replace(squares(), theta=np.full(3, np.nan)),
    "2001 coefficients, and up to 2000": lambda: squares(
        EYE, np.arange(2000.0), optimizer="adam", epochs=1
    ),
    "2 rows cannot settle 3 coefficients": lambda: squares(X0[19:21], Y0[19:21]),
    "3 rows leave nothing to tell the scatter": lambda: squares(X0[18:21], Y0[18:21]),
    "0.6 rows (the sum of their weights": lambda: squares(sample_weight=np.full(60, 0.01)),
    "one value is in the column 'x2'": lambda: squares(X0[:20], Y0[:20]),
    "one value is in the columns 'x2', 'x3'": lambda: trained("logistic", TWICE, SIDES[:20]),
    "nothing but 0 is in the column 'x2'": lambda: squares(
        X0[20:], Y0[20:], model=ds.Linear(bias=False)
    ),
    "give y without an error": lambda: squares(y=X0 @ [1.0, 2.0] + 1),
    "(it stopped short); train to a smaller gradient": lambda: squares(
        optimizer="nesterov", epochs=3
    ),
    "(it saw its rows in batches)": lambda: trained(
        "poisson", X0, SIDES, optimizer="adam", batch_size=8
    ),
    "(it trained in single precision)": lambda: squares(
        X0.astype("f") + 1e4, Y0.astype("f"), optimizer="nesterov"
    ),
    "(it kept the parameters of its least": lambda: squares(
        optimizer="adam", patience=1, validation=0.3, epochs=500
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_has_none_says_why(words):
    assert words in refusal(REFUSED[words]())


def test_a_penalty_of_0_is_none():
    found = trained("squared_error", X0, Y0, penalty=ds.l2(0.0)).inference()
    assert_theirs(found, theirs("squared_error", with_ones(X0), Y0))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "logistic", "softmax", "poisson"])
def test_columns_that_follow_from_others_are_named(loss, standardize):
    other = np.random.default_rng(8).normal(size=60)
    X = np.column_stack([X0[:, 0], other, 1e6 + 1e-3 * (2 * X0[:, 0] - X0[:, 1]), X0[:, 1]])
    run = trained(loss, X, SIDES, epochs=1, standardize=standardize, optimizer="lbfgs")
    said = refusal(run)
    assert "the columns 'x1', 'x3', 'x4' repeat one another" in said
    assert "'x2'" not in said


def test_columns_that_nearly_follow_from_others_are_not_refused():
    rng = np.random.default_rng(8)
    X = np.column_stack([X0[:, 0], X0[:, 0] + 1e-6 * rng.normal(size=60)])
    y = X0[:, 0] + rng.normal(size=60)
    run = trained("squared_error", X, y)
    coef, errors = exact(X, y)
    theta = np.linalg.lstsq(with_ones(X), y)[0]
    found = replace(run, theta=theta).inference()
    assert_digits(found.standard_error, errors, 6)
    assert_digits(found.coef, coef, 6)


def test_dummies_repeat_the_intercept_and_only_it():
    D = np.eye(3)[np.arange(60) % 3]
    assert "'x1', 'x2', 'x3' repeat" in refusal(trained("squared_error", D, Y0))
    found = trained("squared_error", D, Y0, model=ds.Linear(bias=False)).inference()
    assert_theirs(found, theirs("squared_error", D, Y0))


@pytest.mark.parametrize("epochs", [1, 5, 60])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_separated_labels_are_named(loss, epochs):
    said = refusal(trained(loss, X0, (X0[:, 0] > 0.1).astype(int), epochs=epochs))
    assert "tell all labels apart without a mistake (perfect separation)" in said
    assert "'x1'" in said
    said = refusal(trained(loss, X0, np.maximum(SIDES, X0[:, 1].astype(int)), epochs=epochs))
    assert ": 'x2' tell" in said or ": 'x2', the intercept tell" in said
    assert "tell some labels apart (perfect separation)" in said
    assert "'x1'" not in said


def test_counts_of_0_are_named():
    counts = np.random.default_rng(9).poisson(3, 60) * (X0[:, 1] == 0)
    said = refusal(trained("poisson", X0, counts))
    assert "'x2'" in said
    assert "rows of which all counts are 0" in said


def test_one_row_against_many_is_not_separation():
    x = np.repeat([0.0, 1.0], [2000, 3000])
    y = np.zeros(5000)
    y[[0, 2000]] = 1.0
    found = trained("logistic", x[:, None], y).inference()
    odds = np.log(1 / 1999), np.log(1 / 2999) - np.log(1 / 1999)
    assert_digits(found.coef[::-1], odds, 9)
    errors = np.sqrt(1 + 1 / 1999), np.sqrt(2 + 1 / 1999 + 1 / 2999)
    assert_digits(found.standard_error[::-1], errors, 9)
