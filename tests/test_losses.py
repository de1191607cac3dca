"""Losses: values by independent libraries; derivatives by differences, JAX and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize
from sklearn.metrics import mean_pinball_loss
from tests.oracles import (
    assert_close,
    central_differences,
    jax_formulas,
    jax_in_double,
    silence_is_kept,
    torch_formulas,
    torch_slope,
)
from torch.nn import functional as F

from descend import losses
from descend.errors import InputError, ParameterError, ShapeError
from descend.losses import LOSSES, best_constant, encode_targets, evaluate
from descend.parts import formulas_of

NAMES = list(LOSSES)
ELEMENTWISE = [c.name for c in LOSSES.classes() if c.targets != "labels"]
OTHERS = {"huber": {"delta": 0.7}, "quantile": {"q": 0.8}}
K = 3


def made(name):
    return LOSSES.make(name, **OTHERS.get(name, {}))


def targets_for(loss, n, k, rng):
    if loss.targets == "labels":
        return np.concatenate([np.arange(k), rng.integers(0, k, size=n - k)])
    if loss.targets == "two labels":
        return rng.integers(0, 2, size=(n, k)).astype(float)
    if loss.targets == "counts":
        return rng.poisson(2.0, size=(n, k)).astype(float)
    return rng.normal(scale=2, size=(n, k))


def example(name, n=12, k=K, seed=0):
    """Return a loss with scores and targets that are not near any kink."""
    loss, rng = made(name), np.random.default_rng(seed)
    return loss, rng.normal(scale=2, size=(n, k)), targets_for(loss, n, k, rng)


def hinge_by_hand(s, y):
    return np.maximum(0, 1 - np.where(y == 1, 1.0, -1.0) * s)


def tensors(f):
    return lambda s, y: f(torch.tensor(s), torch.tensor(y)).numpy()


THEIRS = {
    "squared_error": tensors(lambda s, y: F.mse_loss(s, y, reduction="none")),
    "half_squared_error": tensors(lambda s, y: F.mse_loss(s, y, reduction="none") / 2),
    "absolute_error": tensors(lambda s, y: F.l1_loss(s, y, reduction="none")),
    "huber": tensors(lambda s, y: F.huber_loss(s, y, delta=0.7, reduction="none")),
    "quantile": lambda s, y: np.array(
        [
            [mean_pinball_loss([b], [a], alpha=0.8) for a, b in zip(*pair, strict=True)]
            for pair in zip(s, y, strict=True)
        ]
    ),
    "log_cosh": lambda s, y: np.log(np.cosh(s - y)),
    "poisson": tensors(
        lambda s, y: F.poisson_nll_loss(s, y, log_input=True, full=False, reduction="none")
    ),
    "logistic": tensors(lambda s, y: F.binary_cross_entropy_with_logits(s, y, reduction="none")),
    "softmax": tensors(lambda s, y: F.cross_entropy(s, y, reduction="none")),
    "brier": tensors(lambda s, y: F.mse_loss(torch.sigmoid(s), y, reduction="none")),
    "hinge": hinge_by_hand,
    "squared_hinge": lambda s, y: hinge_by_hand(s, y) ** 2,
}


@pytest.mark.parametrize("name", NAMES)
def test_values_are_another_library_s(name):
    loss, s, y = example(name)
    theirs = THEIRS[name](s, y)
    assert_close(formulas_of(type(loss), np).value(loss, s, y), theirs, 1e-13)
    assert_close(loss(s, y), theirs if theirs.ndim == 1 else theirs.mean(axis=1), 1e-13)
    assert isinstance(evaluate(loss, s, y), float)
    assert_close(evaluate(loss, s, y), theirs.mean(), 1e-13)
    rows = theirs if theirs.ndim == 1 else theirs.mean(axis=1)
    assert_close(evaluate(loss, s, y, reduction="sum"), rows.sum(), 1e-13)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_and_curvature_agree_with_differences(name):
    loss, s, y = example(name)
    f = formulas_of(type(loss), np)
    assert_close(
        f.slope(loss, s, y), central_differences(lambda s: f.value(loss, s, y), s, 1e-5), 1e-8
    )
    assert_close(
        f.curvature(loss, s, y), central_differences(lambda s: f.slope(loss, s, y), s, 1e-5), 1e-8
    )


def test_softmax_slope_and_curvature_agree_with_differences():
    loss, s, y = example("softmax")
    f = formulas_of(type(loss), np)
    for j in range(K):
        v = np.eye(K)[j] * 1e-5
        assert_close(
            f.slope(loss, s, y)[:, j],
            (f.value(loss, s + v, y) - f.value(loss, s - v, y)) / 2e-5,
            1e-8,
        )
        found = (f.slope(loss, s + v, y) - f.slope(loss, s - v, y))[:, j] / 2e-5
        assert_close(f.curvature(loss, s, y)[:, j], found, 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_slope_and_curvature_agree_with_jax(name):
    loss, s, y = example(name)
    ours = formulas_of(type(loss), np)
    with jax_in_double() as jax:
        jnp, f = jax.numpy, jax_formulas(loss)
        js, jy = jnp.asarray(s), jnp.asarray(y)

        def value(s):
            return f.value(loss, s, jy).sum()

        assert_close(np.asarray(f.value(loss, js, jy)), ours.value(loss, s, y), 1e-14)
        assert_close(ours.slope(loss, s, y), np.asarray(jax.grad(value)(js)))
        assert_close(np.asarray(f.slope(loss, js, jy)), ours.slope(loss, s, y), 1e-14)
        # The diagonal of the Hessian, by pushing each output's unit vector through the slope.
        columns = [
            jax.jvp(jax.grad(value), (js,), (jnp.zeros_like(js).at[:, j].set(1.0),))[1][:, j]
            for j in range(K)
        ]
        assert_close(ours.curvature(loss, s, y), np.asarray(jnp.stack(columns, axis=1)))
        assert_close(np.asarray(f.link(loss, js)), ours.link(loss, s), 1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_slope_and_curvature_agree_with_pytorch(name):
    loss, s, y = example(name)
    ours, f, ty = formulas_of(type(loss), np), torch_formulas(loss), torch.tensor(y)
    assert_close(f.value(loss, torch.tensor(s), ty).numpy(), ours.value(loss, s, y), 1e-14)
    assert_close(f.link(loss, torch.tensor(s)).numpy(), ours.link(loss, s), 1e-14)
    assert_close(ours.slope(loss, s, y), torch_slope(lambda s: f.value(loss, s, ty), s))
    if loss.targets != "labels":
        theirs = torch_slope(lambda s: f.slope(loss, s, ty) + 0 * s, s)
        assert_close(ours.curvature(loss, s, y), theirs)


@pytest.mark.parametrize("name", NAMES)
def test_the_reduced_slope_is_the_slope_of_the_reduced_loss(name):
    loss, s, y = example(name)
    weights = np.random.default_rng(9).integers(0, 4, size=len(s)).astype(float)
    for w in (None, weights):
        for reduction in ("mean", "sum"):
            slope = losses.slopes(loss, s, y, w, losses.mass(w, len(s), reduction))
            rng = np.random.default_rng(5)
            for _ in range(3):
                v = rng.normal(size=s.shape)
                ahead = evaluate(loss, s + 1e-5 * v, y, w, reduction)
                behind = evaluate(loss, s - 1e-5 * v, y, w, reduction)
                scale = np.linalg.norm(slope) * np.linalg.norm(v)
                assert abs((slope * v).sum() - (ahead - behind) / 2e-5) <= 1e-8 * scale


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_weight_of_three_is_three_copies_and_a_weight_of_zero_is_absence(name, reduction):
    loss, s, y = example(name, seed=4)
    weights = np.array([3, 0, 1, 2, 0, 1, 1, 3, 2, 1, 0, 1])
    copies = np.repeat(np.arange(len(s)), weights)
    weighted = evaluate(loss, s, y, weights.astype(float), reduction)
    assert_close(weighted, evaluate(loss, s[copies], y[copies], None, reduction), 1e-14)
    assert weighted != evaluate(loss, s, y, None, reduction)


@pytest.mark.parametrize("name", NAMES)
def test_all_weights_alike_change_a_mean_not_and_scale_a_sum(name):
    loss, s, y = example(name)
    w = np.full(len(s), 2.5)
    assert_close(evaluate(loss, s, y, w), evaluate(loss, s, y), 1e-14)
    assert_close(evaluate(loss, s, y, w, "sum"), 2.5 * evaluate(loss, s, y, None, "sum"), 1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_several_outputs_are_averaged(name):
    loss, s, y = example(name)
    one_by_one = [evaluate(loss, s[:, [j]], y[:, [j]]) for j in range(K)]
    assert_close(evaluate(loss, s, y), np.mean(one_by_one), 1e-14)


# ---------------------------------------------------------------- far out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("far", [1e4, 710.0, 37.0, -745.2, -1e4])
def test_far_out_nothing_is_nan_and_nothing_warns(name, far):
    loss, _, y = example(name)
    s = np.full((12, K), far)
    s[:, 1] = -far
    with silence_is_kept():
        value = loss(s, y)
        slope = losses.slopes(loss, s, y, None, 1.0) if name != "poisson" else np.zeros(1)
        link = losses.predicted(loss, s)
    assert not np.isnan(value).any()
    assert not np.isnan(slope).any()
    assert not np.isnan(link).any()
    if name != "poisson":  # e^10000 is honestly infinite
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()
        f = formulas_of(type(loss), np)
        with silence_is_kept():
            assert np.isfinite(f.curvature(loss, s, y)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("far", [1e150, 1e300, -1e300])
def test_at_1e300_values_and_slopes_are_honest(name, far):
    loss, _, y = example(name)
    s = np.full((12, K), far)
    s[:, 1] = -far / 2
    f = formulas_of(type(loss), np)
    with np.errstate(over="ignore"):
        for found in (f.value(loss, s, y), f.slope(loss, s, y), f.curvature(loss, s, y)):
            assert not np.isnan(found).any()


@pytest.mark.parametrize(
    ("name", "s", "y", "expected"),
    [
        ("logistic", 1e4, 0, 1e4),
        ("logistic", 1e4, 1, 0),
        ("logistic", -50.0, 0, math.exp(-50)),
        ("logistic", 50.0, 1, math.exp(-50)),
        ("logistic", -800.0, 1, 800),
        ("log_cosh", 1e4, 0, 1e4 - math.log(2)),
        ("log_cosh", 1e-4, 0, 0.5e-8),
        ("huber", 1e4, 0, 0.7 * (1e4 - 0.35)),
        ("brier", 1e4, 0, 1),
        ("brier", -40.0, 0, math.exp(-80)),
        ("poisson", -1e4, 2, 2e4),
        ("poisson", 1e4, 2, math.inf),
        ("hinge", 1e4, 0, 10001),
        ("squared_hinge", 1e4, 0, 10001**2),
    ],
)
def test_far_out_values_keep_their_digits(name, s, y, expected):
    tolerance = 1e-7 if s == 1e-4 else 1e-12  # log cosh of a small number is a difference
    assert_close(made(name)(np.array([[s]]), np.array([[y]])), [expected], tolerance)


def test_brier_of_a_sure_and_right_probability_keeps_its_digits():
    # 1 - p is e^-40: (p - 1)² must not be computed from a p that was rounded to 1.
    found = formulas_of(type(made("brier")), np).slope(
        made("brier"), np.array([-40.0]), np.array([0.0])
    )
    assert_close(found, [2 * math.exp(-80)], 1e-9)


def test_softmax_does_not_notice_a_shift():
    loss, s, y = example("softmax")
    assert_close(loss(s + 1e4, y), loss(s, y), 1e-10)
    assert_close(loss(np.array([[1e4, 0.0]]), np.array([1])), [1e4])


@pytest.mark.parametrize("name", NAMES)
def test_nan_scores_stay_visible_in_value_slope_and_link(name):
    loss, s, y = example(name)
    s[0, 0] = np.nan
    f = formulas_of(type(loss), np)
    assert np.isnan(loss(s, y)[0])
    assert np.isfinite(loss(s, y)[1:]).all()
    assert np.isnan(f.slope(loss, s, y)[0, 0])
    assert np.isnan(f.link(loss, s)[0, 0])
    assert math.isnan(evaluate(loss, s, y))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays_and_sums_are_taken_in_double(name, dtype):
    loss, s, y = example(name)
    narrow = s.astype(dtype), (y if y.dtype.kind == "i" else y.astype(dtype))
    f = formulas_of(type(loss), np)
    assert f.value(loss, *narrow).dtype == dtype
    assert f.slope(loss, *narrow).dtype == dtype
    assert f.curvature(loss, *narrow).dtype == dtype
    assert f.link(loss, narrow[0]).dtype == dtype
    weights = np.full(len(s), 0.1, dtype=dtype)
    assert losses.slopes(loss, *narrow, weights, 3.0).dtype == dtype
    assert_close(loss(*narrow), loss(s, y), 1e-5)


def test_a_million_float32_rows_are_summed_in_double():
    rows = np.full(2_000_000, 0.1, dtype=np.float32)
    exact = float(np.float32(0.1))
    assert_close(losses.reduce(rows, None, "mean"), exact, 1e-12)
    assert_close(losses.reduce(rows, rows, "sum"), 2e6 * exact * exact, 1e-12)
    assert_close(losses.reduce(rows, rows, "mean"), exact, 1e-12)


# ---------------------------------------------------------------- shapes


def _wrong_pairs(loss):
    n = 5
    if loss.targets == "labels":
        return [
            ((n,), (n,)),
            ((n, 2), (n, 2)),
            ((n, 2), (n, 1)),
            ((n, 2), (n + 1,)),
            ((n, 2), (1,)),
        ]
    return [
        ((n,), (n, 1)),
        ((n, 1), (n,)),
        ((n, 2), (n, 1)),
        ((n, 1), (n, 2)),
        ((1, 1), (n, 1)),
        ((n, 1), (1, 1)),
        ((n,), (n,)),
        ((n, 1), ()),
        ((n, 1, 1), (n, 1)),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_wrong_shapes_raise_and_show_both(name):
    loss = made(name)
    for scores, targets in _wrong_pairs(loss):
        s, y = np.zeros(scores), np.zeros(targets, dtype=int)
        for call in (lambda s=s, y=y: loss(s, y), lambda s=s, y=y: evaluate(loss, s, y)):
            with pytest.raises(ShapeError) as error:
                call()
            assert str(scores) in str(error.value), (scores, targets)
            if len(scores) == 2:
                assert str(targets) in str(error.value), (scores, targets)
            assert error.value.args[0].startswith(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_of_scores_shows_the_targets_shape_too(name):
    with pytest.raises(ShapeError) as error:
        made(name)(np.zeros(5), np.zeros((5, 1)))
    assert "(5,)" in str(error.value)
    assert "(5, 1)" in str(error.value)


# ---------------------------------------------------------------- bounds and constants


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_steepest_curvature_is_the_supremum(name):
    loss = made(name)
    f = formulas_of(type(loss), np)
    s = np.linspace(-12, 12, 240_001)
    steepest = max(np.abs(f.curvature(loss, s, np.full_like(s, y))).max() for y in (0.0, 1.0))
    if math.isfinite(loss.steepest_curvature):
        assert steepest <= loss.steepest_curvature * (1 + 1e-12)
        assert_close(steepest, loss.steepest_curvature, 1e-8)
    elif name == "poisson":
        assert f.curvature(loss, np.array(300.0), 1.0) > 1e100
    else:  # a kink: the slope jumps
        kink = 1.0 if name == "hinge" else 0.0
        y = np.array([1.0 if name == "hinge" else 0.0] * 2)
        left, right = f.slope(loss, np.array([kink - 1e-9, kink + 1e-9]), y)
        assert abs(right - left) >= 1


def test_softmax_s_steepest_curvature_bounds_its_hessian_and_is_reached():
    loss, rng = made("softmax"), np.random.default_rng(0)
    largest = 0.0
    for scale in (0.0, 1.0, 4.0):
        for _ in range(200):
            p = losses.predicted(loss, rng.normal(scale=scale, size=(1, 4)))[0]
            largest = max(largest, np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1])
    p = losses.predicted(loss, np.array([[0.0, 0.0, -50.0]]))[0]
    assert largest <= loss.steepest_curvature
    assert_close(np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1], loss.steepest_curvature, 1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_no_constant_is_better_than_the_best_constant(name, weighted):
    loss, rng = made(name), np.random.default_rng(1)
    k = K if loss.targets == "labels" else 2
    y = targets_for(loss, 41, k, rng)
    w = rng.uniform(0.1, 3, size=41) if weighted else None
    best = best_constant(loss, y, w, k)
    assert best.shape == (k,)

    def objective(c):
        return evaluate(loss, np.tile(c, (41, 1)), y, w)

    found = optimize.minimize(
        objective,
        best + 0.3,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000},
    )
    assert objective(best) <= found.fun + 1e-10
    for other in (best + 1e-3 * np.eye(k)[0], best - 1e-3 * np.eye(k)[0], np.zeros(k)):
        assert objective(best) <= objective(other) + 1e-15


def test_the_best_constant_of_one_label_only_is_finite():
    for name in ("logistic", "brier", "poisson"):
        for y in (np.zeros((4, 1)), np.ones((4, 1))):
            best = best_constant(made(name), y, None, 1)
            assert np.isfinite(best).all()
            assert evaluate(made(name), np.tile(best, (4, 1)), y) <= 1.0 + 1e-9
    labels = best_constant(made("softmax"), np.array([0, 0, 2]), None, 3)
    assert np.isfinite(labels).all()


def test_links_are_the_inverse_links():
    s = np.linspace(-5, 5, 11)[:, None]
    for name in ("logistic", "brier"):
        assert_close(losses.predicted(made(name), s), torch.sigmoid(torch.tensor(s)).numpy(), 1e-15)
    assert_close(losses.predicted(made("poisson"), s), np.exp(s), 1e-15)
    for name in ("squared_error", "huber", "quantile", "hinge"):
        assert_close(losses.predicted(made(name), s), s)
    assert {name for name in NAMES if made(name).proper} == {"logistic", "softmax", "brier"}


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["no", "yes", "no"], ["no", "yes"]),
        ([True, False, True], [False, True]),
        ([7, 3, 7], [3, 7]),
        ([-1.0, 1.0, -1.0], [-1.0, 1.0]),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
        ([["no"], ["yes"], ["no"]], ["no", "yes"]),
    ],
)
def test_two_labels_are_sorted_and_the_second_is_positive(labels, classes):
    y, found = encode_targets(made("logistic"), labels)
    assert found == classes
    flat = np.asarray(labels).ravel()
    assert_close(y, (flat == classes[1]).astype(float)[:, None])
    again, _ = encode_targets(made("logistic"), labels, found)
    assert_close(again, y)


def test_many_labels_become_codes_in_sorted_order():
    y, classes = encode_targets(made("softmax"), ["c", "a", "b", "a"])
    assert classes == ["a", "b", "c"]
    assert y.tolist() == [2, 0, 1, 0]
    assert y.dtype.kind == "i"


REFUSED = [
    ("logistic", ["a", "a"], "needs at least two labels; y has 1: 'a'"),
    ("logistic", [], "needs at least two labels; y has 0"),
    ("logistic", ["a", "b", "c"], "takes two labels; y has 3: 'a', 'b', 'c'. Use softmax"),
    ("softmax", [3, 3], "needs at least two labels; y has 1: 3"),
    ("softmax", [1.0, np.nan], "row 1 has none"),
    ("softmax", np.array(["a", 1], dtype=object), "y mixes int, str"),
    ("softmax", np.zeros((3, 2)), "one label per row"),
    ("logistic", np.array([[0.0, 2.0], [1.0, 0.0]]), "zeros and ones"),
    ("poisson", [1, 2, -1], "found -1.0 (row 2"),
    ("squared_error", [1, np.nan], "found nan at row 1"),
    ("squared_error", ["a", "b"], "found 'a' at row 0"),
]


@pytest.mark.parametrize(("name", "y", "words"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_targets_that_cannot_be_used_are_refused_in_words(name, y, words):
    with pytest.raises(InputError) as error:
        encode_targets(made(name), y)
    assert words in str(error.value)


def test_a_label_that_training_did_not_see_is_named_with_its_row():
    with pytest.raises(InputError, match=r"found 'z' at row 1"):
        encode_targets(made("softmax"), ["a", "z"], ["a", "b"])
    with pytest.raises(InputError, match=r"found 9 at row 2"):
        encode_targets(made("logistic"), [0, 1, 9], [0, 1])


# ---------------------------------------------------------------- as parts


@pytest.mark.parametrize("name", NAMES)
def test_described_and_restored_it_is_the_same(name):
    loss = made(name)
    assert LOSSES.restore(LOSSES.describe(loss)) == loss
    assert all(loss != made(other) for other in NAMES if other != name)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "wanted"),
    [
        ("huber", "delta", 0, "(0, inf)"),
        ("huber", "delta", -1.0, "(0, inf)"),
        ("huber", "delta", np.inf, "(0, inf)"),
        ("quantile", "q", 0.0, "(0, 1)"),
        ("quantile", "q", 1.0, "(0, 1)"),
        ("quantile", "q", np.nan, "(0, 1)"),
        ("quantile", "q", True, "(0, 1)"),
    ],
)
def test_a_parameter_outside_its_range_is_refused(name, parameter, value, wanted):
    with pytest.raises(ParameterError) as error:
        LOSSES.make(name, **{parameter: value})
    sentence = (
        f"The {parameter!r} parameter of {name} must be a float in {wanted}. Got {value!r} instead."
    )
    assert str(error.value) == sentence
