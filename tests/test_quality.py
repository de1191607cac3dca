"""Confusion, ROC, precision and recall, calibration, residuals: beside scikit-learn and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest, bootstrap
from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve

import descend as ds
from descend.errors import InputError
from descend.fitting import measure
from descend.showing import quality
from descend.showing.discordant import difference
from descend.showing.intervals import intervals, measures, paired
from descend.showing.judged import Judged, judged, judged_rows, sampled


def scored(n=200, *, ties=False, weighted=False, seed=0):
    """Return scores, truth of 0 and 1, and weights or None."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    score = rng.normal(size=n) + truth
    score = score.round(1) if ties else score
    return score, truth, rng.integers(1, 5, n).astype(float) if weighted else None


CASES = [
    {},
    {"ties": True},
    {"weighted": True},
    {"ties": True, "weighted": True},
    {"n": 5, "seed": 3},
]


@pytest.mark.parametrize("case", CASES)
def test_roc_is_that_of_scikit_learn(case):
    score, truth, weight = scored(**case)
    found = quality.roc(score, truth, weight)
    false, true, threshold = theirs.roc_curve(
        truth, score, sample_weight=weight, drop_intermediate=False
    )
    assert_allclose(found.false_positive, false, atol=1e-12)
    assert_allclose(found.true_positive, true, atol=1e-12)
    assert_array_equal(found.threshold, threshold)
    assert_allclose(found.area, theirs.roc_auc_score(truth, score, sample_weight=weight))


@pytest.mark.parametrize("case", CASES)
def test_precision_and_recall_are_those_of_scikit_learn(case):
    score, truth, weight = scored(**case)
    found = quality.precision_recall(score, truth, weight)
    precision, recall, threshold = theirs.precision_recall_curve(truth, score, sample_weight=weight)
    # Theirs runs the other way.
    assert_allclose(found.precision, precision[::-1], atol=1e-12)
    assert_allclose(found.recall, recall[::-1], atol=1e-12)
    assert_array_equal(found.threshold[1:], threshold[::-1])
    average = theirs.average_precision_score(truth, score, sample_weight=weight)
    assert_allclose(found.average, average)
    assert_allclose(found.base, np.average(truth, weights=weight))


def test_infinite_scores_are_the_highest_and_tie():
    found = quality.roc([np.inf, np.inf, 0.0, -np.inf], [1, 0, 1, 0])
    assert_array_equal(found.true_positive, [0, 0.5, 1, 1])
    assert_array_equal(found.false_positive, [0, 0.5, 0.5, 1])


@pytest.mark.parametrize("curve", [quality.roc, quality.precision_recall])
@pytest.mark.parametrize(
    ("score", "truth", "said"),
    [
        ([], [], "rows of both"),
        ([1.0, 2.0], [1, 1], "rows of both"),
        ([1.0, np.nan], [0, 1], "1 sc"),
    ],
)
def test_what_has_no_curve_is_refused(curve, score, truth, said):
    with pytest.raises(InputError, match=said):
        curve(score, truth)


@pytest.mark.parametrize("weighted", [False, True])
def test_confusion_is_that_of_scikit_learn(weighted):
    rng = np.random.default_rng(1)
    truth, found = rng.integers(0, 3, 90), rng.integers(0, 4, 90)
    weight = rng.random(90) if weighted else None
    ours = quality.confusion(truth, found, "abcd", weight)
    assert_allclose(
        ours.counts, theirs.confusion_matrix(truth, found, labels=range(4), sample_weight=weight)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, _, _ = theirs.precision_recall_fscore_support(
            truth, found, labels=range(4), sample_weight=weight, zero_division=np.nan
        )
    assert_allclose(ours.recall, recall)
    assert_allclose(ours.precision, precision)
    assert ours.classes == ("a", "b", "c", "d")


def test_calibration_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    p = np.concatenate([rng.beta(0.4, 0.6, 300), [0.0, 0.1, 0.2, 1.0]])
    truth = (rng.random(len(p)) < p).astype(int)
    found = quality.calibration(p, truth, 10)
    share, mean = calibration_curve(truth, p, n_bins=10)
    assert_allclose(found.mean, mean)
    assert_allclose(found.share, share)
    assert found.n.sum() == len(p)
    assert_allclose(found.brier, theirs.brier_score_loss(truth, p))
    assert_allclose(found.error, found.n @ np.abs(share - mean) / len(p))
    assert ((found.low <= found.share) & (found.share <= found.high)).all()


def test_a_calibrated_model_lies_in_its_intervals_19_times_in_20():
    # By simulation: the outcomes are drawn with the probabilities that are claimed.
    rng = np.random.default_rng(3)
    inside = total = 0
    for _ in range(200):
        p = rng.random(400)
        found = quality.calibration(p, rng.random(400) < p, 10)
        inside += ((found.low <= found.mean) & (found.mean <= found.high)).sum()
        total += len(found.mean)
    assert 0.93 < inside / total < 0.975


def test_weights_count_as_rows_in_the_share_and_as_less_in_the_interval():
    p, truth = np.full(4, 0.55), np.array([1, 0, 0, 0])
    weight = np.array([3.0, 1.0, 1.0, 1.0])
    found = quality.calibration(p, truth, 10, weight)
    assert_allclose(found.share, [0.5])
    assert_allclose((found.low[0], found.high[0]), quality.wilson(0.5, 36 / 12))


def test_wilson_is_the_interval_of_the_score_test():
    # By its definition: at its ends the share is 1.96 deviations of the end away.
    low, high = quality.wilson(0.3, 20)
    for end in (low, high):
        assert_allclose(abs(0.3 - end), quality.Z95 * np.sqrt(end * (1 - end) / 20))
    assert quality.wilson(0.0, 5)[0] == 0
    assert quality.wilson(1.0, 5)[1] == 1


@pytest.mark.parametrize("p", [[], [1.5], [np.nan]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(InputError, match="0 to 1"):
        quality.calibration(p, np.zeros(len(p)))


# ---------------------------------------------------------------- of runs


def line(**more):
    X = np.arange(20.0)[:, None]
    y = 2 * X[:, 0] + 1 + (-1.0) ** np.arange(20)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
    return ds.train(task, X, y, epochs=50, standardize=True, **more), X, y


def test_residuals_are_truth_less_prediction_of_the_part_asked_for():
    run, X, y = line(validation=0.25)
    for part, n in (("training", 15), ("validation", 5), (None, 5)):
        found = quality.residuals(run, part)
        assert len(found.residual) == n
        data = run.data
        X, y = (data.X, data.y) if part == "training" else data.validation[:2]
        assert_array_equal(found.residual, y - run.predict(X)[:, None])
    assert quality.residuals(run).sentence == "all 5 validation rows"


@pytest.mark.parametrize(
    ("table", "target", "more"),
    [
        ("diabetes", "progression", {"hidden": 4}),
        ("diabetes", "progression", {}),
        ("breast-cancer", "diagnosis", {}),
        ("breast-cancer", "diagnosis", {"loss": "softmax", "hidden": 3}),
        ("breast-cancer", "diagnosis", {"loss": "hinge"}),
    ],
)
def test_judged_rows_of_a_table_have_the_metrics_of_the_fit(table, target, more):
    fit = ds.fit(ds.datasets.shipped_table(table), target, epochs=3, progress=False, **more)
    run, test = fit.run, fit.prepared.test
    found = judged_rows(run, test.X, test.y)
    asked = measure(run, test.X, test.y, None)
    if run.classes is None:
        assert_allclose(np.sqrt(np.mean((found.truth - found.predicted) ** 2)), asked["rmse"])
        assert_allclose(found.truth[:, 0], test.y)
        assert_allclose(quality.residuals(found).residual[:, 0], test.y - run.predict(test.X))
    else:
        assert np.mean(found.truth == found.predicted) == asked["accuracy"]
        assert_array_equal(found.truth, test.y)
        with pytest.raises(InputError, match="predicts labels"):
            quality.residuals(found)
    if "log_loss" in asked:
        assert_allclose(theirs.log_loss(test.y, found.probabilities), asked["log_loss"])
    held = judged(run)
    assert held.part == "validation"
    assert_allclose(held.truth.ravel(), fit.prepared.validation.y)


def test_several_two_label_outputs_are_judged_one_by_one():
    y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    run = ds.train(ds.Task(ds.Linear(), ds.logistic(), ds.adam(0.1)), np.eye(4), y, epochs=50)
    found = judged(run)
    assert_array_equal(found.truth, y)
    assert_array_equal(found.predicted, y)
    assert found.probabilities.shape == (4, 2)


def test_without_rows_the_sentence_says_how_to_give_them_back(tmp_path):
    run, X, y = line()
    run.save(tmp_path / "a.run")
    loaded = ds.load(tmp_path / "a.run")
    with pytest.raises(InputError, match="attach"):
        judged(loaded)
    assert_array_equal(judged(loaded.attach(X, y)).truth[:, 0], y)
    with pytest.raises(InputError, match="no validation rows"):
        judged(run, "validation")


def test_a_sample_is_keyed_sorted_and_says_so():
    run, _, y = line()
    few = judged(run, limit=7)
    assert few.sentence == "7 of 20 training rows, drawn by the keyed permutation"
    assert_array_equal(few.rows, sampled(20, 7, 0, "")[0])
    assert (np.diff(few.rows) > 0).all()
    assert_array_equal(few.truth[:, 0], y[few.rows])
    assert not np.array_equal(few.rows, sampled(20, 7, 1, "")[0])


# ---------------------------------------------------------------- intervals


def of_numbers(n=40, seed=0, weight=None):
    rng = np.random.default_rng(seed)
    truth = rng.exponential(size=(n, 1))
    return Judged("test", truth, truth + rng.normal(size=(n, 1)), truth, None, weight, None, "")


def of_labels(n=40, seed=0, weight=None):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    truth = (rng.random(n) < p).astype(int)
    both = np.column_stack([1 - p, p])
    return Judged("test", truth, (p > 0.5).astype(int), p[:, None], both, weight, None, "")


def their_metrics(found):
    w = found.weight
    if found.probabilities is None:
        y, s = found.truth[:, 0], found.predicted[:, 0]
        return {
            "r2": theirs.r2_score(y, s, sample_weight=w),
            "rmse": theirs.root_mean_squared_error(y, s, sample_weight=w),
            "mae": theirs.mean_absolute_error(y, s, sample_weight=w),
        }
    return {
        "accuracy": theirs.accuracy_score(found.truth, found.predicted, sample_weight=w),
        "log_loss": theirs.log_loss(found.truth, found.probabilities, sample_weight=w),
    }


@pytest.mark.parametrize("rows", [of_numbers, of_labels])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_rows_are_those_of_scikit_learn(rows, weighted):
    weight = np.random.default_rng(9).random(40) if weighted else None
    found = rows(weight=weight)
    ours, wanted = measures(found), their_metrics(found)
    assert list(ours) == list(wanted)
    assert_allclose(list(ours.values()), list(wanted.values()))
    with pytest.raises(AssertionError):  # the comparison itself: another row's metrics
        assert_allclose(list(ours.values()), list(their_metrics(rows(seed=1)).values()))


def test_metrics_of_several_outputs_are_means_over_them():
    rng = np.random.default_rng(0)
    truth, found = rng.normal(size=(2, 30, 3))
    ours = measures(Judged("test", truth, found, found, None, None, None, ""))
    assert_allclose(ours["r2"], theirs.r2_score(truth, found))
    assert_allclose(ours["mae"], theirs.mean_absolute_error(truth, found))
    assert_allclose(ours["rmse"] ** 2, theirs.mean_squared_error(truth, found))


def r2_along(y, s, axis=-1):
    spread = (y - y.mean(axis=axis, keepdims=True)) ** 2
    return 1 - ((s - y) ** 2).sum(axis=axis) / spread.sum(axis=axis)


def test_intervals_are_those_of_scipy():
    # Draws differ, so the ends agree as far as two bootstraps of so many draws do.
    found = of_numbers()
    ours = intervals(found, draws=20_000).metrics["r2"]
    pairs = (found.truth[:, 0], found.predicted[:, 0])
    more = {"paired": True, "n_resamples": 9999, "rng": np.random.default_rng(5)}
    low, high = bootstrap(pairs, r2_along, **more).confidence_interval
    assert_allclose((ours.low, ours.high), (low, high), atol=0.03 * (high - low))
    plain = bootstrap(pairs, r2_along, **more, method="basic").confidence_interval
    with pytest.raises(AssertionError):  # another kind of interval is seen to be another
        assert_allclose((ours.low, ours.high), plain, atol=0.03 * (high - low))


def test_intervals_hold_the_true_metric_19_times_in_20():
    # By simulation: the mean absolute error of a standard normal is sqrt(2/pi).
    wanted, inside = np.sqrt(2 / np.pi), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(60, 1))
        found = Judged("test", noise * 0, noise, noise, None, None, None, "")
        one = intervals(found, seed, 300).metrics["mae"]
        inside += one.low <= wanted <= one.high
    assert 0.90 <= inside / 200 <= 0.985


def test_intervals_are_keyed_by_the_seed():
    found = of_numbers()
    assert intervals(found, 3) == intervals(found, 3)
    assert intervals(found, 3) != intervals(found, 4)


def test_a_model_that_is_always_right_is_not_said_to_be_so_for_certain():
    truth = np.array([0, 1] * 10)
    found = Judged("test", truth, truth, truth[:, None], None, None, None, "")
    told = intervals(found)
    assert_allclose(told.metrics["accuracy"], (1.0, quality.wilson(1.0, 20)[0], 1.0))
    assert "Wilson" in told.sentences[1]
    assert "(20)" in told.sentences[2]


def test_what_is_not_finite_has_no_interval():
    truth = np.arange(4.0)[:, None]
    told = intervals(Judged("test", truth, truth + np.inf, truth, None, None, None, ""))
    assert np.isnan([told.metrics["rmse"].low, told.metrics["rmse"].high]).all()
    one = intervals(Judged("test", truth[:1], truth[:1] + 1, truth, None, None, None, ""))
    assert np.isnan(one.metrics["r2"].value)
    assert one.metrics["mae"].value == 1


def test_of_two_runs_on_the_same_rows_the_difference_is_surer_than_both():
    found = of_numbers(200)
    worse = found._replace(predicted=found.predicted + 0.1 * (found.predicted - found.truth))
    told = paired(found, worse)
    assert told["rmse"].better == told["r2"].better == told["mae"].better == 1
    assert paired(worse, found)["rmse"].better == 2
    both = [intervals(each).metrics["mae"] for each in (found, worse)]
    assert both[0].high > both[1].low  # they overlap, and yet
    assert told["mae"].low > 0
    assert_allclose(told["mae"].value, told["mae"].second - told["mae"].first)
    assert_allclose(told["mae"].value, 0.1 * told["mae"].first)
    same = paired(found, found)["mae"]
    assert (same.low, same.high, same.better) == (0, 0, 0)
    with pytest.raises(InputError, match="same rows"):
        paired(found, of_numbers(200, seed=1))


def test_equally_good_runs_are_told_apart_once_in_20():
    told = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(2, 50, 1))
        rows = [Judged("", noise[0] * 0, e, e, None, None, None, "") for e in noise]
        told += paired(*rows, seed)["rmse"].better > 0
    assert 0 < told <= 8


def few(n, weight=None):
    """Return n rows that are nearly right, and the same far off."""
    truth = np.arange(float(n))[:, None]
    near, far = (
        Judged("test", truth, truth + gap, truth, None, weight, np.arange(n), f"all {n} test rows")
        for gap in (0.1 * np.cos(truth), 3.0 + np.sin(truth))
    )
    return near, far


@pytest.mark.parametrize(("n", "weight"), [(9, None), (12, np.r_[np.ones(9), np.zeros(3)])])
def test_fewer_than_ten_rows_have_no_interval_and_no_better(n, weight):
    near, far = few(n, weight)
    found = intervals(near)
    assert_allclose(found.metrics["mae"].value, measures(near)["mae"])
    assert np.isnan([one[1:] for one in found.metrics.values()]).all()
    assert found.draws == 0
    assert "9 test rows cannot say" in found.sentences[0]
    for one in paired(far, near).values():
        assert np.isnan([one.low, one.high]).all()
        assert one.better == 0


def test_ten_rows_have_both():
    near, far = few(10)
    assert intervals(near).metrics["mae"].low > 0
    assert paired(far, near)["mae"].better == 2


def told_apart(only_first, only_second, n=66, weight=None):
    """Return how accuracy differs where so many rows are right by one run alone."""
    truth = np.ones(n, dtype=int)
    first, second = truth.copy(), truth.copy()
    second[:only_first] = 0
    first[only_first : only_first + only_second] = 0
    runs = [Judged("test", truth, f, f[:, None], None, weight, None, "") for f in (first, second)]
    return paired(*runs)["accuracy"]


@pytest.mark.parametrize("only", [(0, 0), (0, 3), (0, 5), (0, 6), (6, 0), (1, 8), (2, 8), (2, 10)])
def test_accuracy_differs_where_the_exact_test_of_mcnemar_says_so(only):
    found = told_apart(*only)
    p = binomtest(only[1], sum(only)).pvalue if sum(only) else 1.0
    assert (found.better > 0) == (p < 0.05) == (found.low > 0 or found.high < 0)
    assert found.discordant == only
    assert_allclose(found.value, (only[1] - only[0]) / 66)
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12
    if sum(only):
        ends = binomtest(only[1], sum(only)).proportion_ci(0.95, "exact")
        wanted = [sum(only) / 66 * (2 * end - 1) for end in ends]
        assert_allclose((found.low, found.high), wanted, rtol=1e-9, atol=1e-12)


def test_equally_accurate_runs_are_seldom_told_apart():
    # By simulation: 6 % of rows are right by one run alone, by either as often.
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(2000):
        m = rng.binomial(66, 0.06)
        second = int(rng.binomial(m, 0.5))
        low, high = difference(m - second, second, 66)
        told += low > 0 or high < 0
    assert told <= 0.05 * 2000


def test_weighted_accuracies_keep_the_bootstrap():
    assert told_apart(0, 8, weight=np.ones(66)).discordant is None
