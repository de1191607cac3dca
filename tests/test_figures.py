"""Reported figures: each usual way to compute one is recognised, and no other figure is.

The figures are computed here by hand, in plain NumPy or SciPy.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, log_expit, logsumexp
from scipy.special import softmax as softmax_of

import descend as ds
from descend.doctor.figures import CODES, FIXES
from descend.losses import LOSSES

RNG = np.random.default_rng(7)
S = RNG.standard_normal((30, 1))
Y = 0.5 * S + RNG.standard_normal((30, 1))
LABELS = (Y > 0) * 1.0
WIDE = RNG.standard_normal((30, 3))
CLASSES = RNG.integers(0, 3, 30)
W = RNG.uniform(0.5, 2, 30)
ERRORS = (S - Y)[:, 0]
NLL = float(-np.mean(LABELS * log_expit(S) + (1 - LABELS) * log_expit(-S)))
P = expit(S)
PAIRS = (S - Y[:, 0]) ** 2


@pytest.mark.parametrize(
    ("figure", "what", "code", "words"),
    [
        (np.mean(ERRORS**2), "squared_error", "healthy", "is the mean squared error."),
        (np.sum(ERRORS**2), "squared_error", "other-convention", "summed over the rows;"),
        (np.mean(ERRORS**2) / 2, "mse", "other-convention", "half the mean"),
        (np.sum(ERRORS**2) / 2, "mse", "other-convention", "half the squared error summed"),
        (np.mean(ERRORS**2), "half_squared_error", "other-convention", "twice the mean half"),
        (np.sqrt(np.mean(ERRORS**2)), "mse", "other-convention", "the root of the mean"),
        (np.sqrt(np.mean(ERRORS**2)), "rmse", "healthy", "the root of the mean"),
        (np.sqrt(np.sum(ERRORS**2)), "rmse", "other-convention", "summed over the rows, not av"),
        (np.mean(ERRORS**2), "rmse", "other-convention", "is the mean squared error;"),
        (np.sum(ERRORS**2) / 29, "mse", "other-convention", "over n - 1"),
        (np.sum(ERRORS**2) / 28, "mse", "other-convention", "over n - 2"),
        (-np.mean(ERRORS**2), "mse", "wrong-sign", "sign lost"),
        (np.mean(np.abs(ERRORS)), "mse", "other-convention", "the mean absolute error"),
        (np.mean(np.abs(ERRORS)), "mae", "healthy", "the mean absolute error"),
        (np.mean(PAIRS), "mse", "broadcast", "every score with every target"),
        (np.mean(PAIRS) / 2, "mse", "broadcast", "half the mean"),
        (np.sqrt(np.mean(PAIRS)), "rmse", "broadcast", "every score with every target"),
        (NLL, "logistic", "healthy", "the mean logistic loss"),
        (-NLL, "logistic", "wrong-sign", "sign lost"),
        (-30 * NLL, "logistic", "wrong-sign", "sign lost"),
        (NLL / np.log(2), "logistic", "other-convention", "in bits"),
        (np.mean((P - LABELS) ** 2), "logistic", "other-convention", "brier"),
        (np.mean((P - LABELS) ** 2), "brier", "healthy", "brier"),
        (NLL, "brier", "other-convention", "the mean logistic loss"),
        (
            np.mean(np.log1p(np.exp(P)) - LABELS * P),
            "logistic",
            "loss-mismatch",
            "taken for scores",
        ),
        (np.mean((S - LABELS) ** 2), "logistic", "loss-mismatch", "raw scores"),
        (np.mean(np.logaddexp(0, S) - LABELS.T * S), "logistic", "broadcast", "every target"),
        (np.mean((S > 0) == LABELS), "accuracy", "healthy", "the share of rows told right"),
        (100 * np.mean((S > 0) == LABELS), "accuracy", "other-convention", "per cent"),
        (np.sum((S > 0) == LABELS), "accuracy", "other-convention", "the number of rows"),
        (np.mean((S > 0) != LABELS), "accuracy", "other-convention", "all but"),
        (np.mean((S > 0.5) == LABELS), "accuracy", "other-convention", "cut at 0.5"),
        (np.mean((S > 0) == LABELS.T), "accuracy", "broadcast", "pairs"),
    ],
)
def test_a_figure_is_told_for_what_it_is(figure, what, code, words):
    y = LABELS if what in {"logistic", "brier", "accuracy"} else Y
    for scores, targets in ((S, y), (S[:, 0], y[:, 0])):
        found = ds.check_figure(float(figure), scores, targets, what)
        assert found.code == code, str(found)
        assert words in found.sentence


def test_scores_cut_at_a_half_are_told_from_scores_cut_at_0():
    found = ds.check_figure("1.00", [0.2, 0.4, 0.55, 0.9], [0, 0, 1, 1], "accuracy")
    assert found.code == "other-convention"
    assert "scores cut at 0.5" in found.sentence


LOG_P = WIDE - logsumexp(WIDE, axis=1, keepdims=True)
OWN = np.take_along_axis(WIDE, CLASSES[:, None], 1)[:, 0]
TWICE = np.log(softmax_of(softmax_of(WIDE, axis=1), axis=1))


@pytest.mark.parametrize(
    ("figure", "code", "words"),
    [
        (-np.mean(LOG_P[np.arange(30), CLASSES]), "healthy", "the mean softmax loss"),
        (np.mean(LOG_P[np.arange(30), CLASSES]), "wrong-sign", "sign lost"),
        (-np.sum(LOG_P[np.arange(30), CLASSES]) / 90, "other-convention", "rows and classes"),
        (-np.mean(TWICE[np.arange(30), CLASSES]), "loss-mismatch", "taken for scores"),
        (np.mean(logsumexp(WIDE) - OWN), "wrong-axis", "over the whole batch"),
        (np.mean(logsumexp(WIDE, axis=0)[CLASSES] - OWN), "wrong-axis", "over the rows"),
    ],
)
def test_a_figure_of_classes_is_told_for_what_it_is(figure, code, words):
    found = ds.check_figure(float(figure), WIDE, CLASSES, "softmax")
    assert found.code == code, str(found)
    assert words in found.sentence


def of(loss):
    """Return scores and targets for a loss."""
    if loss.targets == "labels":
        return WIDE, CLASSES
    targets = {"two labels": LABELS, "counts": np.round(np.abs(Y) * 3), "numbers": Y}
    return S, targets[loss.targets]


@pytest.mark.parametrize("name", tuple(LOSSES))
def test_every_loss_is_known_as_a_mean_and_as_a_sum(name):
    loss = LOSSES.make(name)
    s, y = of(loss)
    rows = loss(s, y)
    assert ds.check_figure(float(rows.mean()), s, y, name).code == "healthy"
    assert ds.check_figure(float(rows.sum()), s, y, name).code == "other-convention"
    off = ds.check_figure(float(rows.mean()) * 1.0371, s, y, name)
    assert off.code == "not-reproduced", str(off)
    if loss.targets != "labels":
        every = np.array([loss(s, np.roll(y, i, axis=0)) for i in range(30)])
        assert ds.check_figure(float(every.mean()), s, y, name).code == "broadcast"


def test_weights_and_several_outputs_are_seen():
    s, y = np.hstack([S, 2 * S, -S]), np.hstack([Y, 1 - Y, Y])
    squares = (s - y) ** 2
    weighted = float(np.average(squares.mean(axis=1), weights=W))
    plain, added = float(squares.mean()), float(np.average(squares.sum(axis=1), weights=W))
    codes = [
        (weighted, "healthy", ""),
        (plain, "other-convention", "weights left out"),
        (added, "other-convention", "added up over the outputs"),
    ]
    for figure, code, words in codes:
        found = ds.check_figure(figure, s, y, sample_weight=W)
        assert found.code == code
        assert words in found.sentence


@pytest.mark.parametrize(
    ("claimed", "code"),
    [
        ("2.742", "healthy"),
        ("2.74", "healthy"),
        ("2.7", "healthy"),
        ("3", "healthy"),
        ("2.741", "not-reproduced"),
        (2.742, "healthy"),
        (2.7, "not-reproduced"),
        (2.7421577, "healthy"),
        (2.7422577, "not-reproduced"),
        (np.float32(2.7421577), "healthy"),
        (np.array(2.7421577), "healthy"),
    ],
)
def test_a_figure_is_read_to_the_digits_it_shows(claimed, code):
    assert ds.check_figure(claimed, [0.0], [2.7421577**0.5]).code == code


def test_a_loss_of_nothing_is_0_but_for_rounding():
    y = np.arange(5.0)
    assert ds.check_figure(5e-29, y, y + 1e-15).code == "healthy"
    assert ds.check_figure(0.0, y, y).code == "healthy"
    assert ds.check_figure(0.0, y + 1, y).code == "not-reproduced"


def test_figures_out_of_the_air_are_not_reproduced():
    rng = np.random.default_rng(0)
    true = float(np.mean(ERRORS**2))
    claims = true * rng.uniform(0.2, 5, 200)
    codes = [ds.check_figure(float(f"{claim:.7g}"), S, Y).code for claim in claims]
    assert codes.count("not-reproduced") == 200


def test_of_several_ways_that_fit_the_others_are_named():
    found = ds.check_figure(2.0, [0.0, 0.0], [1.0, 1.0])
    assert found.code == "other-convention"
    assert "the squared error summed over the rows" in found.sentence
    assert any("over n - 1" in other for other in found.evidence["also fits"])


# ---------------------------------------------------------------- of a run


def run_of(**how):
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.05), penalty=ds.l2(0.3))
    return ds.train(task, S, Y, epochs=20, engine="numpy", validation=0.3, seed=1, **how)


def objective(run, k, rows=None):
    """Return the loss and the penalty after k updates, by hand."""
    X, y, _ = (run.data.X, run.data.y, None) if rows is None else rows
    w, b = run.at(k).theta
    return float(np.mean((w * X + b - y) ** 2)), 0.15 * w**2


def test_a_figure_of_a_run_is_held_against_the_steps_beside_it():
    run = run_of()
    loss, penalty = objective(run, 7)
    held = objective(run, 7, run.data.validation)[0]
    stale = [sum(objective(run, k)) for k in (6, 8, 0)]
    for figure, code, words in [
        (loss + penalty, "healthy", "after 7 updates."),
        (loss, "other-convention", "the mean squared error"),
        (stale[0], "stale-figure", "after 6 updates; the loss after 7 updates"),
        (stale[1], "stale-figure", "after 8 updates; the loss after 7 updates"),
        (stale[2], "stale-figure", "before the first update"),
        (held, "other-convention", "validation rows"),
        (run.outcome.loss, "stale-figure", "returned parameters"),
    ]:
        found = ds.check_figure(figure, run=run, step=7)
        assert found.code == code, str(found)
        assert words in found.sentence
    assert ds.check_figure(run.outcome.loss, run=run).code == "healthy"


def test_a_batch_of_a_run_is_not_its_rows():
    run = run_of(batch_size=4)
    assert ds.check_figure(run.history["loss"][5], run=run, step=5).code == "other-convention"
    assert ds.check_figure(sum(objective(run, 5)), run=run, step=5).code == "healthy"


def test_another_figure_may_be_asked_of_a_run():
    run = run_of()
    loss = objective(run, 20)[0]
    assert ds.check_figure(loss**0.5, run=run, what="rmse").code == "healthy"
    assert ds.check_figure(loss, run=run, what="rmse").code == "other-convention"


# ---------------------------------------------------------------- no numbers, no rows


def test_the_logarithm_of_a_rounded_probability_is_found_out():
    found = ds.check_figure(float("nan"), [100.0, 1.0], [1, 1], "logistic")
    assert found.code == "non-finite-data"
    assert "log 0 is infinite" in found.sentence
    calm = ds.check_figure(float("nan"), [3.0, 1.0], [1, 1], "logistic")
    assert calm.code == "non-finite-data"
    assert "log 0" not in calm.sentence


def test_scores_that_overflow_cannot_be_computed_again():
    found = ds.check_figure(1.0, [1e200, 0.0], [0.0, 0.0])
    assert (found.code, found.severity) == ("non-finite-data", "illness")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: ds.check_figure(1.0), "give either"),
        (lambda: ds.check_figure("much", S, Y), "must be a number"),
        (lambda: ds.check_figure(1.0, S, Y, "squarederror"), "did you mean 'squared_error'"),
        (lambda: ds.check_figure(1.0, S, Y[:9]), "scores are (30, 1) and targets (9, 1)"),
        (lambda: ds.check_figure(1.0, WIDE, Y), "the same shape"),
        (lambda: ds.check_probabilities([0.5, 0.5]), "shape (n, k)"),
        (lambda: ds.check_probabilities([[0.5, 0.5]], [1, 0]), "label for each row"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_a_sentence(ask, words):
    with pytest.raises(ds.InputError) as error:
        ask()
    assert words in str(error.value)


# ---------------------------------------------------------------- probabilities

POWERS = np.exp(WIDE)
MANY = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("p", "y", "code"),
    [
        (softmax_of(WIDE, axis=1), None, "healthy"),
        (softmax_of(WIDE, axis=1), CLASSES, "healthy"),
        (softmax_of(WIDE, axis=1).round(5), np.eye(3)[CLASSES], "healthy"),
        (POWERS / POWERS.sum(), None, "wrong-axis"),
        (POWERS / POWERS.sum(axis=0), CLASSES, "wrong-axis"),
        (softmax_of(WIDE[:3], axis=1), MANY, "loss-mismatch"),
        (expit(WIDE[:3]), MANY, "healthy"),
        (expit(WIDE), None, "healthy"),
        (expit(WIDE), CLASSES, "loss-mismatch"),
        (WIDE, None, "other-convention"),
        (np.array([[np.nan, 0.0], [0.5, 0.5]]), None, "non-finite-data"),
    ],
)
def test_probabilities_add_up_where_they_should(p, y, code):
    found = ds.check_probabilities(p, y)
    assert found.code == code, str(found)
    assert (found.severity == "information") == (code == "healthy")


def test_every_code_of_a_figure_has_a_remedy():
    assert set(CODES) <= set(FIXES)
