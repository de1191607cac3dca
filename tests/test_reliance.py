"""Coefficients with intervals and permutation importance: by hand, by simulation, scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from scipy.optimize import linprog
from scipy.stats import linregress, t
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score

import descend as ds
from descend.errors import InputError
from descend.showing.coefficients import INTERCEPT, coefficients
from descend.showing.reliance import reliance
from descend.showing.relied import relied_on
from descend.showing.samples import rows_of


def trained(loss, X, y, *, penalty=None, model=None, optimizer="newton", **more):
    task = ds.Task(model or ds.Linear(), loss, optimizer, penalty)
    return ds.train(task, X, y, **{"epochs": 60, "gradient_tolerance": 1e-10, **more})


def three_columns(n=80, seed=0):
    """Return columns in three very different units, and their scores."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 100.0, 0.01] + [0.0, 500.0, 3.0]
    return X, X @ [0.7, 0.01, 30.0] - 95.0, rng


def table(found):
    """Return {feature: (value, low, high)} of a single output."""
    return {row.feature: (row.value, row.low, row.high) for row in found.rows}


def errors(found, names, quantile=1.959964):
    """Return the standard errors behind the intervals, in the order of names."""
    rows = table(found)
    return np.array([(rows[name][2] - rows[name][1]) / 2 / quantile for name in names])


NAMES = ("x1", "x2", "x3", INTERCEPT)


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error"])
@pytest.mark.parametrize("standardize", [False, True])
def test_least_squares_has_the_textbook_intervals(loss, standardize):
    X, s, rng = three_columns()
    X = X if standardize else (X - [0, 500, 3]) / [1, 100, 0.01]
    y = s + rng.normal(size=80)
    found = coefficients(trained(loss, X, y, standardize=standardize))
    A = with_ones(X)
    w, rss, *_ = np.linalg.lstsq(A, y, rcond=None)
    wanted = np.sqrt(rss[0] / 76 * np.linalg.inv(A.T @ A).diagonal())
    assert_allclose([table(found)[name][0] for name in NAMES], w, rtol=1e-6)
    assert_allclose(errors(found, NAMES, t.ppf(0.975, 76)), wanted, rtol=1e-6)
    assert "76 degrees" in found.sentences[0]


def test_one_column_has_the_interval_of_scipy():
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    y = 2 * x + rng.normal(size=30)
    found = coefficients(trained("squared_error", x[:, None], y))
    theirs = linregress(x, y)
    wanted = [theirs.stderr, theirs.intercept_stderr]
    assert_allclose(errors(found, ("x1", INTERCEPT), t.ppf(0.975, 28)), wanted, rtol=1e-6)


def test_two_outputs_have_the_intervals_of_each():
    X, s, rng = three_columns()
    X = (X - [0, 500, 3]) / [1, 100, 0.01]
    Y = np.column_stack([s, -s]) + rng.normal(size=(80, 2)) * [1.0, 5.0]
    both = coefficients(trained("squared_error", X, Y))
    for j, name in enumerate(("output 1", "output 2")):
        alone = table(coefficients(trained("squared_error", X, Y[:, j])))
        for row in both.rows:
            if row.output == name:
                assert_allclose((row.value, row.low, row.high), alone[row.feature], rtol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_logistic_regression_has_the_inverse_information(sparse):
    X, s, rng = three_columns(300)
    y = (rng.random(300) < 1 / (1 + np.exp(-s))).astype(int)
    given = scipy.sparse.csr_array(X) if sparse else X
    found = coefficients(trained("logistic", given, y, standardize=True))
    A = with_ones(X)
    w = np.array([table(found)[name][0] for name in NAMES])
    p = 1 / (1 + np.exp(-A @ w))
    wanted = np.sqrt(np.linalg.inv(A.T @ (A * (p * (1 - p))[:, None])).diagonal())
    assert_allclose(errors(found, NAMES), wanted, rtol=1e-5)


def test_softmax_of_two_labels_says_what_logistic_says():
    X, s, rng = three_columns(300)
    y = (rng.random(300) < 1 / (1 + np.exp(-s))).astype(int)
    two = coefficients(trained("softmax", X, y, standardize=True, optimizer="lbfgs"))
    one = table(coefficients(trained("logistic", X, y, standardize=True)))
    # Its scores are shared out evenly between both labels, so each carries half.
    for row in two.rows:
        half = np.array(one[row.feature]) / 2
        wanted = half if row.output == "1" else -half[[0, 2, 1]]
        assert_allclose((row.value, row.low, row.high), wanted, rtol=1e-3, atol=1e-5)
    assert any("settled only together" in said for said in two.sentences)


def test_with_a_penalty_and_weights_the_sandwich_is_that_of_the_formula():
    X, s, rng = three_columns(200)
    X = (X - [0, 500, 3]) / [1, 100, 0.01]
    y = rng.poisson(np.exp(s / 2)).astype(float)
    weight = rng.integers(1, 4, 200).astype(float)
    run = trained("poisson", X, y, penalty=ds.l2(0.3), sample_weight=weight)
    found = coefficients(run)
    A, w = with_ones(X), np.array([table(coefficients(run))[name][0] for name in NAMES])
    rate = np.exp(A @ w)
    J = A.T @ (A * (weight * rate)[:, None]) + weight.sum() * 0.3 * np.diag([1.0, 1, 1, 0])
    each = A * (weight * (rate - y))[:, None]
    S = np.cov(each.T, bias=True) * 200
    covariance = np.linalg.inv(J) @ S @ np.linalg.inv(J) * 200 / 196
    assert_allclose(errors(found, NAMES), np.sqrt(covariance.diagonal()), rtol=1e-5)
    assert "draws coefficients towards 0" in found.sentences[-1]


def test_intervals_of_counts_that_scatter_too_much_hold_the_truth_19_times_in_20():
    # By simulation: counts with three times the spread of Poisson's.
    inside = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(150, 1))
        rate = np.exp(1 + 0.5 * x[:, 0])
        y = rng.negative_binomial(rate / 2, 1 / 3).astype(float)
        _, low, high = table(coefficients(trained("poisson", x, y)))["x1"]
        inside += low <= 0.5 <= high
    assert 0.9 <= inside / 150 <= 0.99


def test_columns_that_repeat_one_another_get_the_intervals_of_the_shortest():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 3, 90)
    X = np.eye(3)[level]  # adds up to the intercept's ones
    y = np.array([1.0, 2.0, 4.0])[level] + rng.normal(size=90)
    plain = {"optimizer": ds.gradient_descent("auto"), "epochs": 5000}
    found = coefficients(trained("squared_error", X, y, **plain))
    A = with_ones(X)
    w = np.linalg.pinv(A) @ y
    rss = ((A @ w - y) ** 2).sum()
    wanted = np.sqrt(rss / 87 * (np.linalg.pinv(A) @ np.linalg.pinv(A).T).diagonal())
    assert_allclose([table(found)[name][0] for name in NAMES], w, rtol=1e-6)
    assert_allclose(errors(found, NAMES, t.ppf(0.975, 87)), wanted, rtol=1e-6)
    # From another start it is another of the many that predict alike: no interval is right.
    elsewhere = ds.train(
        ds.Task(ds.Linear(init="glorot"), "squared_error", plain["optimizer"]),
        X,
        y,
        epochs=5000,
        seed=1,
    )
    lost = coefficients(elsewhere)
    assert np.isnan([row.low for row in lost.rows]).all()
    assert "open" in lost.sentences[-1]


NONE = {
    "kink": ({"loss": "absolute_error", "optimizer": "adam"}, "kink"),
    "l1": ({"penalty": ds.l1(0.1), "optimizer": ds.gradient_descent("auto")}, "l1"),
    "early": ({"optimizer": ds.gradient_descent(1e-5), "epochs": 3}, "stopped training before"),
    "diverged": ({"optimizer": ds.gradient_descent(99.0), "epochs": 500}, "diverged"),
    "few rows": ({"rows": 4}, "cannot settle"),
}


@pytest.mark.parametrize("case", NONE)
def test_where_intervals_have_no_meaning_a_sentence_says_why(case):
    more, said = NONE[case]
    more = dict(more)
    X, s, rng = three_columns()
    n = more.pop("rows", 80)
    y = (s + rng.normal(size=80))[:n]
    found = coefficients(trained(more.pop("loss", "squared_error"), X[:n] - [0, 500, 3], y, **more))
    assert np.isnan([row.low for row in found.rows]).all()
    assert said in found.sentences[0]


def test_separable_labels_have_no_optimum_and_so_no_intervals():
    X = np.arange(20.0)[:, None]
    found = coefficients(trained("logistic", X, X[:, 0] > 9.5, standardize=True))
    assert np.isnan([row.low for row in found.rows]).all()
    assert "without a mistake" in found.sentences[0]


def test_without_rows_there_are_coefficients_and_a_sentence(tmp_path):
    X, s, rng = three_columns()
    run = trained("squared_error", X, s + rng.normal(size=80), standardize=True)
    run.save(tmp_path / "a.run")
    found = coefficients(ds.load(tmp_path / "a.run"))
    assert [r.value for r in found.rows] == [r.value for r in coefficients(run).rows]
    assert "--data" in found.sentences[0]


@pytest.mark.parametrize("bias", [True, False])
def test_own_units_are_those_of_raw_params(bias):
    X, s, _ = three_columns()
    run = trained("squared_error", X, s, model=ds.Linear(bias=bias), standardize=True)
    found, raw = table(coefficients(run)), run.raw_params
    assert_allclose([found[name][0] for name in NAMES[:3]], raw["weight"][:, 0])
    assert_allclose(found[INTERCEPT][0], raw["bias"][0])


def test_nets_have_none():
    assert (
        coefficients(
            trained(
                "squared_error",
                [[1.0], [2.0]],
                [1.0, 2.0],
                model=ds.MLP((2,)),
                optimizer="adam",
                epochs=1,
            )
        )
        is None
    )


# ---------------------------------------------------------------- shuffling columns


def shuffled_by_hand(X, y, w, b):
    """Return each column's expected drop of R² over all ways to shuffle it, exactly."""
    spread = ((y - y.mean()) ** 2).sum()
    e = X @ w + b - y
    drops = []
    for j in range(X.shape[1]):
        moved = e[:, None] + w[j] * (X[None, :, j] - X[:, j, None])  # row i with the value of row l
        drops.append(((moved**2).mean(axis=1).sum() - (e**2).sum()) / spread)
    return drops


def test_the_drop_is_what_shuffling_costs_on_average():
    X, s, rng = three_columns(60)
    X = (X - [0, 500, 3]) / [1, 100, 0.01]
    y = s + rng.normal(size=60)
    run = trained("squared_error", X, y)
    found = reliance(run, X, y, repeats=400)
    wanted = shuffled_by_hand(X, y, run.params["weight"][:, 0], run.params["bias"][0])
    drops = {c.name: c.drop for c in found.columns}
    assert_allclose([drops[name] for name in NAMES[:3]], wanted, rtol=0.03)
    order = sorted(drops, key=drops.get, reverse=True)
    assert [c.name for c in found.columns] == order
    assert_allclose(found.value, r2_score(y, run.predict(X)))
    for c in found.columns:
        assert c.low <= c.drop <= c.high


def test_the_drop_is_that_of_scikit_learn():
    X, s, rng = three_columns(200)
    y = np.where(s + rng.normal(size=200) > 0, "yes", "no")
    run = trained("logistic", X, y, standardize=True, penalty=ds.l2(0.01))
    theirs = permutation_importance(
        Predictor(run), X, y, scoring=right, n_repeats=100, random_state=0
    )
    found = reliance(run, X, (y == "yes").astype(int), metric="accuracy", repeats=100)
    drops = {c.name: c for c in found.columns}
    ours = np.array([[drops[name].drop, drops[name].deviation] for name in NAMES[:3]])
    error = theirs.importances_std / 10 * 4
    assert (np.abs(ours[:, 0] - theirs.importances_mean) < error + 1e-9).all()
    assert_allclose(ours[:, 1], theirs.importances_std, rtol=0.4)
    usual = reliance(run, X, (y == "yes").astype(int), repeats=3)
    assert (usual.metric, usual.columns[0].name) == ("log_loss", found.columns[0].name)
    assert usual.columns[0].low > 0  # a loss that rises is a drop in quality


class Predictor:
    """A run as scikit-learn's inspection takes it."""

    def __init__(self, run):
        self.run = run

    def fit(self, _X, _y):
        return self

    def predict(self, X):
        return self.run.predict(X)


def right(predictor, X, y):
    return np.mean(predictor.predict(X) == y)


def test_levels_of_a_category_are_shuffled_together(tmp_path):
    rng = np.random.default_rng(0)
    level, x = rng.integers(0, 4, 300), rng.normal(size=300)
    y = np.array([0.0, 3.0, 6.0, 9.0])[level] + 0.1 * x
    lines = [f"{'abcd'[i]},{v},{t}" for i, v, t in zip(level, x, y, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,x,y", *lines]))
    fit = ds.fit(tmp_path / "t.csv", "y", progress=False)
    test = fit.prepared.test
    found = reliance(fit.run, test.X, test.y)
    assert [c.name for c in found.columns] == ["kind", "x"]
    # Shuffled among independent rows, a column that decides all costs twice what it explained.
    assert_allclose(found.columns[0].drop, 2, atol=0.3)
    assert abs(found.columns[1].drop) < 0.01


def test_a_column_the_model_does_not_use_costs_nothing_and_rows_are_left_alone():
    X, s, _ = three_columns(40)
    run = trained("squared_error", X[:, :2], s, standardize=True)
    wide = trained(
        "squared_error",
        np.column_stack([X[:, :2], np.ones(40)]),
        s,
        standardize=True,
        optimizer=ds.gradient_descent("auto"),
    )
    before = X.copy()
    found = reliance(run, X[:, :2], s)
    assert_allclose(X, before)
    assert len(found.columns) == 2
    idle = reliance(wide, np.column_stack([X[:, :2], np.ones(40)]), s).columns[-1]
    assert (idle.name, idle.low, idle.high) == ("x3", 0, 0)
    assert reliance(run, X[:, :2], s) == found  # keyed


@pytest.mark.parametrize("n", [1, 0])
def test_what_cannot_be_shuffled_is_refused(n):
    X, s, _ = three_columns(40)
    run = trained("squared_error", X, s, standardize=True)
    with pytest.raises(InputError, match="nothing to shuffle"):
        reliance(run, X[:n], s[:n])


def test_many_rows_and_sparse_ones_are_sampled_and_it_is_said():
    X, s, _ = three_columns(5000)
    run = trained("squared_error", scipy.sparse.csr_array(X), s, standardize=True)
    found = reliance(run, scipy.sparse.csr_array(X), s, repeats=2)
    assert "4000 of 5000 test rows" in found.sentences[0]
    assert_allclose(found.value, 1)


# ---------------------------------------------------------------- levels of categories


def of_rows(tmp_path, y, **columns):
    """Return columns of a table as a file."""
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), y, strict=True)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",".join([*columns, "y"]), *lines]))
    return path


def fitted(path, **more):
    return ds.fit(path, "y", progress=False, **more)


def leaves_out_zero(row):
    return row.low > 0 or row.high < 0


@pytest.mark.slow
def test_levels_that_do_nothing_leave_out_0_as_often_as_chance_has_it(tmp_path):
    out, count = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        path = of_rows(
            tmp_path,
            50 + rng.normal(size=200),
            x=rng.normal(size=200),
            kind=rng.choice(list("abc"), 200, p=[0.6, 0.3, 0.1]),
        )
        rows = [r for r in coefficients(fitted(path).run).rows if r.level]
        assert {r.feature for r in rows} == {"kind=a", "kind=b", "kind=c"}
        assert np.isfinite([r.low for r in rows]).all()
        out += sum(map(leaves_out_zero, rows))
        count += len(rows)
    assert count == 180
    assert 0.01 <= out / count <= 0.11  # 5 %, and what 180 leave to chance


LOSSES = {
    "least squares": ("squared_error", {}),
    "logistic": ("logistic", {}),
    "poisson": ("poisson", {}),
    "weighted": ("squared_error", {"weight": "w"}),
}


@pytest.mark.parametrize("case", LOSSES)
def test_levels_are_given_against_the_average_row(case, tmp_path):
    # By hand: any full-rank coding gives the same contrasts and covariance.
    loss, more = LOSSES[case]
    rng = np.random.default_rng(3)
    kind, x = rng.choice(list("abc"), 400, p=[0.5, 0.3, 0.2]), rng.normal(size=400)
    s = 0.5 * x + np.array([0.0, 0.4, 1.0])[np.searchsorted(list("abc"), kind)]
    y = {
        "squared_error": s + rng.normal(size=400),
        "logistic": np.where(rng.random(400) < 1 / (1 + np.exp(-s)), "yes", "no"),
        "poisson": rng.poisson(np.exp(s)),
    }[loss]
    w = rng.integers(1, 4, 400)
    path = of_rows(tmp_path, y, kind=kind, x=x, **({"w": w} if "weight" in more else {}))
    fit = fitted(path, loss=loss, optimizer="lbfgs", tolerance=1e-8, **more)
    found = coefficients(fit.run)
    train = fit.prepared.train
    assert fit.run.names[:3] == ["kind=a", "kind=b", "kind=c"]
    weight = np.ones(len(train.X)) if train.weights is None else train.weights
    share = np.average(train.X[:, :3], axis=0, weights=weight)
    A = np.column_stack([train.X[:, 1:], np.ones(len(train.X))])  # level a left out
    slope, curve, beta, scale = by_hand(loss, A, train.y, weight, fit.run)
    J = np.linalg.inv(A.T @ (A * (weight * curve)[:, None]))
    if loss == "poisson" or "weight" in more:
        each = A * (weight * slope)[:, None]
        V = J @ (np.cov(each.T, bias=True) * len(A)) @ J * len(A) / (len(A) - A.shape[1])
    else:
        V = J * scale
    L = np.zeros((3, A.shape[1]))
    L[1, 0] = L[2, 1] = 1
    L -= share @ L
    wanted = L @ beta
    rows = {r.feature: r for r in found.rows}
    own = [rows[name] for name in fit.run.names[:3]]
    unit = fit.run.encoder["target"]["scale"]
    assert_allclose([r.value * unit for r in own], wanted * unit, rtol=1e-3, atol=1e-5)
    quantile = t.ppf(0.975, len(A) - A.shape[1]) if case == "least squares" else 1.959964
    reach = np.sqrt((L @ V @ L.T).diagonal()) * quantile
    assert_allclose([(r.high - r.low) / 2 for r in own], reach, rtol=1e-3)
    # Predictions are the same: the sum of contrasts and intercept is the score.
    plain = {r.feature: r.standard for r in found.rows}
    score = train.X @ [plain[n] for n in fit.run.names] + plain[INTERCEPT]
    assert_allclose(score, fit.run.scores(train.X)[:, 0], rtol=1e-6)
    assert any("against the average training row" in said for said in found.sentences)
    assert not any("repeat one another" in said for said in found.sentences)


def by_hand(loss, A, y, weight, run):
    """Return slopes and curvatures of the rows, the optimum by Newton's method, and σ²."""
    y, beta = np.asarray(y, dtype=float), np.zeros(A.shape[1])
    for _ in range(50):
        s = A @ beta
        mean = {"squared_error": s, "logistic": 1 / (1 + np.exp(-s)), "poisson": np.exp(s)}[loss]
        curve = {"squared_error": np.ones(len(y)), "logistic": mean * (1 - mean), "poisson": mean}
        H = A.T @ (A * (weight * curve[loss])[:, None])
        beta -= np.linalg.solve(H, A.T @ (weight * (mean - y)))
    e = mean - y
    scale = e @ e / (len(y) - A.shape[1]) if loss == "squared_error" else 1.0
    return e, curve[loss], beta, scale


def test_the_strongest_is_not_a_category_that_does_nothing(tmp_path):
    rng = np.random.default_rng(0)
    x, flag = rng.normal(size=300), rng.choice(["yes", "no"], 300)
    path = of_rows(tmp_path, 50 + 0.3 * x + rng.normal(size=300), x=x, flag=flag)
    run = fitted(path).run
    assert coefficients(run).rows[0].feature == "x"
    assert run.names[relied_on(run, rows_of(run))[0]] == "x"
    assert_allclose(table(coefficients(run))[INTERCEPT][0], 50, atol=0.3)


# ---------------------------------------------------------------- quasi-complete separation


def rarely(n=600, contradict=0):
    """Return x, a rare column of 0 and 1 in which all but so many labels are 1, and labels."""
    rng = np.random.default_rng(5)
    x, rare = rng.normal(size=n), (np.arange(n) < 48).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int)
    y[:48] = 1
    y[:contradict] = 0
    return np.column_stack([x, rare]), y


@pytest.mark.parametrize(
    ("loss", "optimizer"), [("logistic", "newton"), ("logistic", "lbfgs"), ("softmax", "lbfgs")]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_column_on_which_labels_separate_has_no_interval(loss, optimizer, weighted):
    X, y = rarely()
    more = {"sample_weight": np.full(600, 0.01)} if weighted else {}
    plain = {"standardize": True, "optimizer": optimizer, **more}
    run = trained(loss, X, y, **plain)
    found = coefficients(run)
    rows = table(found)
    assert np.isnan(rows["x2"][1:]).all()
    assert any("all but separate, on x2:" in said for said in found.sentences)
    # The others have what they would have without those rows: they say nothing more of them.
    rest = table(coefficients(trained(loss, X[48:, :1], y[48:], **plain | subset(more))))
    for name in ("x1", INTERCEPT):
        assert_allclose(rows[name], rest[name], rtol=0.02, atol=2e-3)


def subset(more):
    return {name: values[48:] for name, values in more.items()}


def test_one_row_that_contradicts_is_enough_for_an_interval():
    X, y = rarely(contradict=1)
    found = coefficients(trained("logistic", X, y, standardize=True))
    assert np.isfinite(table(found)["x2"]).all()
    assert len(found.sentences) == 1


@pytest.mark.parametrize("labels", [2, 3])
def test_of_levels_only_the_one_that_lacks_a_label_has_no_interval(labels, tmp_path):
    rng = np.random.default_rng(0)
    x, kind = rng.normal(size=600), rng.choice(list("abcr"), 600, p=[0.4, 0.3, 0.2, 0.1])
    y = np.array(["no", "yes", "maybe"])[(rng.random(600) * labels).astype(int)]
    y[kind == "r"] = "yes"
    path = of_rows(tmp_path, y, x=x, kind=kind)
    found = coefficients(fitted(path, optimizer="lbfgs", patience=500).run)
    rows = found.rows
    lost = {row.feature for row in rows if np.isnan(row.low)}
    assert lost == {"kind=r"}, found.sentences
    assert {"kind=a", "kind=b", "x", INTERCEPT} < {row.feature for row in rows}


def separates(X, y):
    """Tell by linear programming which coefficients the labels drive off: Konis (2007)."""
    sign = 2.0 * y - 1
    A = with_ones(X) * sign[:, None]
    limits = [(-1, 1)] * A.shape[1]
    best = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=limits)
    return np.abs(best.x) > 1e-7


def test_separation_is_found_where_linear_programming_finds_it():
    seen = [0, 0]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.normal(size=40), rng.random((40, 2)) < 0.12]).astype(float)
        y = (rng.random(40) < 1 / (1 + np.exp(-X @ [1.5, 1.0, -1.0]))).astype(int)
        if (X.std(axis=0) == 0).any():
            continue
        wanted = separates(X, y)
        found = coefficients(trained("logistic", X, y, standardize=True))
        if wanted.all() or any("repeat" in said for said in found.sentences):
            continue
        got = np.isnan([table(found)[name][1] for name in NAMES])
        assert (got == wanted).all(), (seed, got, wanted, found.sentences)
        seen[int(wanted.any())] += 1
    assert min(seen) >= 10
