"""The five classics: every figure of the documents again, and every mistake made and mended.

The figures stand here as constants, computed apart from this library; none is read from it.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_moons
from sklearn.linear_model import LinearRegression

import descend as ds
from descend.classics import CLASSICS, as_text, curiosities, run_classic, to_json
from descend.datasets import legacy
from descend.errors import InputError

NAMES = ("houses", "moons", "line_sgd", "line_by_hand", "sliders")
classic = cache(run_classic)


def agrees(found, expected, digits=None):
    """Raise unless they agree to 1e-9 of their size, or to the digits that were printed."""
    if digits is None:
        assert_allclose(np.asarray(found, dtype=float), expected, rtol=1e-9, atol=0)
    else:
        assert_allclose(
            np.asarray(found, dtype=float), expected, rtol=0, atol=0.5000001 * 10.0**-digits
        )


@pytest.mark.parametrize(
    ("found", "expected", "digits"),
    [(1 + 3e-9, 1.0, None), (0.12346, 0.1234, 4), (float("nan"), 1.0, None), ([1.0], [2.0], 3)],
)
def test_a_wrong_figure_is_seen(found, expected, digits):
    with pytest.raises(AssertionError):
        agrees(found, expected, digits)


def test_the_right_figures_are_left_alone():
    agrees(1 + 3e-10, 1.0)
    agrees(0.12344, 0.1234, 4)


# Golden figures: classic, key, expected, digits after the point that are known (None: 1e-9).
GOLDEN = [
    ("houses", "example_predictions", [345000, 474497, 387500], None),
    ("houses", "example_sum_of_squares", 11887133009, None),
    ("houses", "stable_step", 1.3068507401175884e-07, None),
    ("houses", "stable_step_of_the_mean", 3 * 1.3068507401175884e-07, None),
    ("houses", "stable_step_of_the_mean_standardised", 0.34663129988468694, None),
    ("houses", "stable_step_per_row", [5.93e-7, 2.70e-7, 4.31e-7], 9),
    ("houses", "updates_until_not_finite", 57, None),
    ("houses", "finite_after_10_passes", True, None),
    ("houses", "rank", 3, None),
    ("line_sgd", "curvatures", [0.13269606, 2.52797282], 8),
    ("line_sgd", "stable_step", 0.7911477471924098, None),
    ("line_sgd", "least_squares", [3.0248159, 7.98747292], 7),
    ("line_sgd", "floor", 0.08828844166183537, None),
    ("line_sgd", "w_after_10000_updates", 3.27760267, 8),
    ("line_sgd", "b_after_10000_updates", 7.85305641, 8),
    ("line_sgd", "classification_theta", [1.8769589518821117, -1.5451953679154335], None),
    ("line_sgd", "nll", 0.46892000656297134, None),
    ("line_sgd", "accuracy", 0.8404, None),
    ("line_sgd", "majority_class", 0.671, None),
    ("line_sgd", "animation_mse_at_start", 84.02098195860435, None),
    ("line_sgd", "animation_mse", 0.07707329021551342, None),
    ("line_sgd", "animation_theta", [2.939575178996589, 7.979725255428261], None),
    ("line_sgd", "updates_to_one_percent", 34_700, -2),
    ("line_by_hand", "b_start", 0.49671415, 8),
    ("line_by_hand", "w_start", -0.1382643, 7),
    ("line_by_hand", "loss", 2.7421577700550976, None),
    ("line_by_hand", "gradient_b", -3.044811379650508, None),
    ("line_by_hand", "gradient_w", -1.8337537171510832, None),
    ("line_by_hand", "b_after_one_update", 0.80119529, 8),
    ("line_by_hand", "w_after_one_update", 0.04511107, 8),
    ("line_by_hand", "b_after_1000_updates", 1.02354094, 8),
    ("line_by_hand", "w_after_1000_updates", 1.96896411, 8),
    ("line_by_hand", "b_least_squares", 1.02354075, 8),
    ("line_by_hand", "w_least_squares", 1.96896447, 8),
    ("line_by_hand", "curvatures", [0.15107055, 2.48291179], 8),
    ("line_by_hand", "stable_step", 0.8055058612732189, None),
    ("line_by_hand", "best_step", 0.7593065327455951, None),
    ("line_by_hand", "mse_train_at_optimum", 0.008044657695492986, None),
    ("line_by_hand", "mse_validation_at_optimum", 0.00865850011344986, None),
    ("sliders", "curvatures", [2.0, 17.003367], 6),
    ("sliders", "stable_step", 0.11762376237623767, None),
    ("sliders", "mse_of_the_bad_estimate", 705.5824915824915, None),
]


@pytest.mark.parametrize(("name", "key", "expected", "digits"), GOLDEN)
def test_golden_figures_come_out_again(name, key, expected, digits):
    agrees(classic(name).ours[key], expected, digits)


def test_the_houses_explode_and_stay_finite():
    weights = classic("houses").ours["weights_after_10_passes"]
    assert_allclose(weights[0], -6.9e163, rtol=1e-3)
    assert (classic("houses").ours["updates_until_not_finite"] + 2) // 3 == 19  # the pass


def test_the_animation_has_20_frames_of_30_updates():
    frames = classic("line_sgd").ours["animation_frames"]
    assert len(frames) == 20 + 1
    assert classic("line_sgd").runs["animation"].state.step == 20 * 30
    assert (np.diff(frames) < 0).all()


def test_updates_to_one_percent_are_that_many():
    """A quadratic shrinks the slow direction by 1 - step curvature at every update."""
    ours = classic("line_sgd").ours
    left = (1 - 1e-3 * 0.13269606) ** ours["updates_to_one_percent"]
    assert_allclose(left, 0.01, rtol=1e-5)


# Moons. The figures that are handed down were computed on the rows BEFORE they are shuffled
# (make_moons with shuffle=False); the document shuffles them, which changes its noise.
BRIER = [(0.015, 0.990), (0.082, 0.870), (0.022, 0.980), (0.010, 0.995), (0.074, 0.880)]
BRIER += [(0.079, 0.880)]
BRIER_AS_WRITTEN = [(0.018, 0.990), (0.084, 0.890), (0.034, 0.960), (0.014, 0.990), (0.078, 0.900)]
BRIER_AS_WRITTEN += [(0.086, 0.890)]


def unshuffled():
    return make_moons(200, noise=0.1, random_state=0, shuffle=False)


def by_hand(X, y, seed):
    """Return (mean loss, accuracy) of the document's net after 1000 updates, in plain NumPy."""
    rng, sizes, a = legacy(seed), (2, 4, 10, 4, 1), y[:, None]
    W = [rng.normal(size=pair) for pair in pairwise(sizes)]
    b = [np.zeros(k) for k in sizes[1:]]
    for update in range(1001):
        layers = [X]
        for w, c in zip(W, b, strict=True):
            layers.append(1 / (1 + np.exp(-(layers[-1] @ w + c))))
        p = layers[-1]
        if update == 1000:
            return float(np.mean((p - a) ** 2)), float(np.mean((p > 0.5) == a))
        g = 2 * (p - a) * p * (1 - p) / len(X)
        for i in reversed(range(4)):
            below = (g @ W[i].T) * layers[i] * (1 - layers[i])
            W[i], b[i], g = W[i] - layers[i].T @ g, b[i] - g.sum(axis=0), below
    raise AssertionError


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_a_loop_written_by_hand_ends_there_too(seed):
    X, y = unshuffled()
    loss, right = by_hand(X, y, seed)
    ours = classic("moons").ours["moons_by_seed"][seed]
    assert_allclose(ours[0], loss, rtol=1e-8)
    agrees(ours[1], right)


def test_on_the_documents_own_shuffled_rows_the_nets_end_here():
    found = np.array(classic("moons").ours["moons_by_seed_shuffled"])
    agrees(found[:, 0], np.array(BRIER_AS_WRITTEN)[:, 0], 3)
    agrees(found[:, 1], np.array(BRIER_AS_WRITTEN)[:, 1])


def test_the_classic_tells_the_figures_that_are_handed_down():
    ours = classic("moons").ours
    agrees(np.array(ours["moons_by_seed"])[:, 0], np.array(BRIER)[:, 0], 3)
    agrees(np.array(ours["moons_by_seed"])[:, 1], np.array(BRIER)[:, 1])
    agrees(np.array(ours["cross_entropy_by_seed"])[:, 1], np.ones(6))
    agrees(ours["straight_line_accuracy"], 0.86)


def test_the_line_of_the_moons_document_is_least_squares():
    x = np.linspace(0.0, 10.0, 100)
    y = 2.31531 * x + 0.23412 + legacy(42).normal(size=100)
    theirs = LinearRegression().fit(x[:, None], y)
    ours = classic("moons").ours
    assert_allclose(ours["line_slope"], theirs.coef_[0], rtol=1e-6)
    assert_allclose(ours["line_intercept"], theirs.intercept_, rtol=1e-4)


def test_outputs_grow_with_depth():
    small, large = classic("moons").ours["output_size_by_depth"].values()
    assert large > 20 * small


# The mistakes -----------------------------------------------------------------------------------


def mistake(name, word):
    (found,) = [m for m in classic(name).mistakes if word in m.what]
    return found


@pytest.mark.parametrize(
    ("name", "word", "before", "after"),
    [
        ("line_by_hand", "printed loss", ("loss", 2.720278897826747), ("loss", 2.7421577700550976)),
        (
            "houses",
            "root of the sum",
            ("test", 11887133009**0.5),
            ("rmse", (11887133009 / 3) ** 0.5),
        ),
        (
            "sliders",
            "average of the sum",
            ("average_of_the_sum", 70558.24915824915),
            ("average", 705.5824915824915),
        ),
        ("line_sgd", "minus sign", ("accuracy", 0.329), ("accuracy", 0.8404)),
    ],
)
def test_a_mistake_is_made_and_mended(name, word, before, after):
    found = mistake(name, word)
    agrees(found.before[before[0]], before[1])
    agrees(found.after[after[0]], after[1])


def test_the_broadcast_loss_is_wrong_and_plausible():
    found = mistake("line_by_hand", "(80,)")
    assert found.before["shape"] == [80, 80]
    agrees(found.before["loss"], 2.6911003, 7)
    agrees(found.after["loss"], 2.7421577700550976)


def test_the_likelihood_without_its_minus_falls_on():
    seen = curiosities.descend_unsigned_likelihood(
        np.array([0.1, 0.9]), np.array([0.0, 1.0]), 1, 99
    )
    losses = [loss for _, _, loss, _ in seen]
    assert (np.diff(losses) < 0).all()


def test_the_quick_line_reaches_the_floor():
    found = mistake("line_sgd", "790")
    assert found.before["loss"] > 0.0937
    assert_allclose(found.after["loss"], 0.08828844166183537, rtol=1e-6)


def test_softmax_over_the_batch_does_not_sum_to_one_per_row():
    found = mistake("moons", "whole batch")
    assert (np.asarray(found.before["row_sums"]) < 0.9).all()
    assert np.isnan(found.before["of_1000_and_0"]).any()
    assert_allclose(found.after["row_sums"], 1.0)
    assert_allclose(found.after["of_1000_and_0"], [1.0, 0.0])


def test_a_loss_is_reported_one_update_late():
    found = mistake("moons", "step before")
    assert found.before["reported_at_100"] != found.after["loss_after_100"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("houses", ("unscaled", "parameters", "sum")),
        ("moons", ("stalls", "batch", "multilabel", "step before")),
        ("line_sgd", ("minus", "790", "traceback")),
        ("line_by_hand", ("printed loss", "(80,)")),
        ("sliders", ("average", "answers")),
    ],
)
def test_every_known_mistake_is_told(name, words):
    for word in words:
        assert mistake(name, word).explanation


# The doctor ------------------------------------------------------------------------------------

# What he is to say of each mistake, in the order in which they are told.
CODES = [
    ("houses", "unscaled", "features-unscaled", "the step 0.05 throws the loss up along x1"),
    ("houses", "parameters", "collinear-columns", "There are 3 rows and 4 parameters"),
    ("houses", "sum", "other-convention", "the mean squared error is 62947.4"),
    ("moons", "stalls", "loss-mismatch", "vanishes where the model is sure and wrong"),
    ("moons", "batch", "wrong-axis", "add up to 1 over the whole batch"),
    ("moons", "multilabel", "loss-mismatch", "softmax is for exclusive classes"),
    ("moons", "step before", "stale-figure", "the loss after 99 updates; the loss after 100"),
    ("line_sgd", "minus", "wrong-sign", "the accuracy falls from 0.67 to 0.33"),
    ("line_sgd", "790", "step-too-small", "times larger: after 10000 updates"),
    ("line_sgd", "traceback", None, "not something a run or its figures show"),
    ("line_by_hand", "printed loss", "not-reproduced", "gives the figure 2.720278897826747"),
    ("line_by_hand", "(80,)", "broadcast", "every score with every target"),
    ("sliders", "average", "other-convention", "summed over the rows"),
    ("sliders", "answers", "not-reproduced", "the mean squared error is 395.0"),
]


def test_every_mistake_has_its_line_in_the_table():
    told = [(name, m.what, m.code) for name in NAMES for m in classic(name).mistakes]
    assert [(name, code) for name, _, code in told] == [(name, code) for name, _, code, _ in CODES]
    assert all(word in what for (_, what, _), (_, word, _, _) in zip(told, CODES, strict=True))


@pytest.mark.parametrize(("name", "word", "code", "words"), CODES)
def test_the_doctor_names_every_mistake(name, word, code, words):
    found = mistake(name, word)
    assert found.code == code
    assert words in found.words
    assert all(finding.severity == "illness" for finding in found.said) or word == "parameters"
    assert found.words in " ".join(as_text(classic(name)).split())


def test_the_doctor_sees_the_overflow_too():
    assert [f.code for f in mistake("moons", "batch").said] == ["wrong-axis", "non-finite-data"]


@pytest.mark.parametrize(
    ("name", "word", "run"),
    [
        ("houses", "unscaled", "written"),
        ("houses", "unscaled", "stopped"),
        ("houses", "parameters", "standardised"),
        ("moons", "stalls", "squared_stalled"),
        ("line_sgd", "790", "line"),
    ],
)
def test_the_words_are_those_of_the_run(name, word, run):
    assert mistake(name, word).words == classic(name).runs[run].diagnose()[0].sentence


@pytest.mark.parametrize(
    ("name", "run", "codes"),
    [
        ("houses", "standardised", ["collinear-columns"]),
        ("moons", "cross_entropy", ["healthy"]),
        ("moons", "line", ["healthy"]),
        ("line_sgd", "animation", ["healthy"]),
        ("line_by_hand", "line", ["healthy"]),
        ("sliders", "line", ["healthy"]),
        ("sliders", "network", ["healthy"]),
    ],
)
def test_what_is_mended_is_ill_no_more(name, run, codes):
    found = classic(name).runs[run].diagnose()
    assert found.codes == codes
    assert not found.ill


def test_a_start_that_does_not_stall_is_not_called_ill():
    found = classic("moons").runs["squared"].diagnose()
    assert (found[0].code, found.ill) == ("loss-mismatch", False)


@cache
def unsigned(sign=1.0):
    """Return line_sgd's rows, and its descent of a likelihood: minus as well if sign is -1."""
    X, y = ds.datasets.line_sgd()
    labels = (y > 10) * 1.0
    seen = np.array(curiosities.descend_unsigned_likelihood(X[:, 0], labels, 1e-2 * sign, 3000))
    scores = X[:, 0] * seen[-1, 0] + seen[-1, 1]
    return X, labels, {"loss": seen[:, 2], "accuracy": seen[:, 3], "scores": scores}


SHORTENED = {
    "all of it": dict,
    "the loss alone": lambda h: {"loss": h["loss"]},
    "as printed": lambda h: {"loss": h["loss"][::1000], "accuracy": h["accuracy"][::1000]},
    "a print in 3": lambda h: {"loss": h["loss"][[9, -1]], "accuracy": h["accuracy"][[9, -1]]},
    "per cent": lambda h: {"loss": h["loss"][1:], "accuracy": 100 * h["accuracy"][1:]},
    "its scores": lambda h: {"loss": h["loss"][1:], "scores": h["scores"]},
    "probabilities": lambda h: {
        "loss": h["loss"][1:],
        "y_pred": 1 / (1 + np.exp(-h["scores"])),
    },
}


@pytest.mark.parametrize("part", SHORTENED.values(), ids=SHORTENED)
def test_a_part_of_the_history_betrays_the_lost_minus(part):
    X, labels, history = unsigned()
    found = ds.diagnose(part(history), X, labels)
    assert found.codes == ["wrong-sign"]


@pytest.mark.parametrize("part", SHORTENED.values(), ids=SHORTENED)
def test_the_same_likelihood_maximised_is_left_alone(part):
    X, labels, history = unsigned(-1.0)
    assert "wrong-sign" not in ds.diagnose(part(history), X, labels).codes


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [-0.70, -1.5, -2.6, -3.1], "accuracy": [0.5, 0.7, 0.8, 0.9]},
        {"loss": [-0.1, -0.5, -0.8, -0.9]},
        {"loss": [-np.log(2), -0.5, -0.3, -0.2], "accuracy": [0.67, 0.7, 0.7, 0.8]},
        {"loss": [np.log(2), 0.5, 0.3, -0.2], "accuracy": [0.67, 0.4, 0.4, 0.3]},
        {"loss": [-np.log(2)] * 4, "accuracy": [0.3] * 4},
        {"loss": [-0.1, -0.5, -0.8, -0.9], "accuracy": [0.1, 0.2, 0.3, 0.4]},
        {"loss": [-0.1, -0.5, -0.8, -0.9], "y_pred": [0.3, 0.2, 0.1, 0.2, 0.4, 0.9, 0.6]},
    ],
    ids=[
        "a density",
        "a cosine",
        "a likelihood that climbs",
        "a loss that was above 0",
        "no descent",
        "getting better",
        "probabilities that are right",
    ],
)
def test_what_may_be_below_0_is_left_alone(history):
    y = [0, 0, 0, 0, 0, 1, 1]
    assert "wrong-sign" not in ds.diagnose(history, np.arange(7.0), y).codes


def test_the_likelihood_with_its_minus_is_not_called_upside_down():
    X, y = ds.datasets.line_sgd()
    labels = (y > 10) * 1.0
    run = classic("line_sgd").runs["classes"]
    history = {"loss": run.history["loss"], "accuracy": np.linspace(0.671, 0.8404, 3000)}
    assert "wrong-sign" not in ds.diagnose(history, X, labels).codes
    assert "wrong-sign" not in run.diagnose().codes


def test_descent_on_every_score_with_every_target_is_named_too():
    """Train on the mistake: the history's figures are those of all pairs."""
    X, y = ds.datasets.line_by_hand().X, ds.datasets.line_by_hand().y
    theta, history = np.array([0.1, -0.3]), {"loss": [], "theta": []}
    for _ in range(100):
        scores = X[:, 0] * theta[0] + theta[1]
        shape, loss = curiosities.broadcast_error(scores, y)
        assert shape == (80, 80)
        history["loss"].append(loss)
        history["theta"].append(theta)
        off = 2 * (scores - y.mean())
        theta = theta - 0.1 * np.array([np.mean(off * X[:, 0]), np.mean(off)])
    assert ds.diagnose(history, X, y).codes == ["broadcast"]


@pytest.mark.parametrize("wrong", ["softmax_over_everything", "broadcast_error", "root_of_the_sum"])
def test_wrong_formulas_are_in_no_registry(wrong):
    from descend.activations import ACTIVATIONS
    from descend.losses import LOSSES

    assert wrong not in [*ACTIVATIONS, *LOSSES]
    assert callable(getattr(curiosities, wrong))


# Telling ----------------------------------------------------------------------------------------


def test_there_are_five():
    assert tuple(CLASSICS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_classic_is_plain_data_and_plain_words(name):
    found = json.loads(json.dumps(to_json(classic(name))))
    assert {"ours", "published", "mistakes"} <= set(found)
    for told in found["mistakes"]:
        assert told["before"] != told["after"]
        assert {"what", "explanation", "mends", "code", "words"} <= set(told)
    text = as_text(classic(name))
    assert all(told["what"] in text for told in found["mistakes"])
    assert all(run.outcome.sentence for run in classic(name).runs.values())


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'houses'"):
        run_classic("house")
