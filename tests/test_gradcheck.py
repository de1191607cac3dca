"""Gradients judged: right ones pass, wrong ones are called by their names."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import descend as ds
from descend import models
from descend.activations import ACTIVATIONS, backward
from descend.curvature import ready
from descend.engines import ByHand
from descend.errors import InputError
from descend.gradcheck.differences import central, complex_step
from descend.gradcheck.mistaken import Choices, mistaken
from descend.losses import LOSSES

N = 8
A = 0.1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 + RNG.normal(size=N)
THETA = RNG.normal(size=4)
NAMED = {"weight": (3, 1), "bias": (1,)}
WEIGHT, BIAS = np.array([1.0, 1, 1, 0]), np.array([0.0, 0, 0, 1])
RIDGE = ds.Task(ds.Linear(), "squared_error", "adam", ds.l2(A))


def ridge(theta, X, y):
    return np.mean((X @ theta[:3] + theta[3] - y) ** 2) + A / 2 * theta[:3] @ theta[:3]


def pull(theta):
    return A * theta * WEIGHT


def slope(theta, X, y):
    e = X @ theta[:3] + theta[3] - y
    return 2 * np.append(X.T @ e, e.sum()) / len(y) + pull(theta)


def told(check):
    return [(found.code, found.where) for found in check.discrepancies]


def codes(check):
    return {found.code for found in check.discrepancies}


def stale():
    kept = []

    def gradient(theta, X, y):
        kept.append(theta.copy())
        return slope(kept[-2] if len(kept) > 1 else theta, X, y)

    return gradient


def from_the_first_call():
    kept = []

    def gradient(theta, X, y):
        kept.append(theta.copy())
        return slope(kept[0], X, y)

    return gradient


def accumulating():
    total = np.zeros(4)

    def gradient(theta, X, y):
        total[:] += slope(theta, X, y)
        return total.copy()

    return gradient


def every_score_with_every_target(theta, X, y):
    e = (X @ theta[:3] + theta[3])[:, None] - y
    return 2 * np.append((X.T @ e).mean(axis=1) / len(y), e.mean()) + pull(theta)


def repeated_error(theta, X, y):
    g = slope(theta, X, y)
    return np.append(np.full(3, g[3]), g[3]) + pull(theta)


def bias_updated_first(theta, X, y):
    g = slope(theta, X, y)
    moved = slope(theta - 0.05 * g * WEIGHT, X, y)
    return np.where(BIAS == 1, moved, g)


# What is wrong with the gradient of a ridge regression, and what it is to be called.
LINEAR = {
    "two": (lambda *a: 2 * slope(*a), {"factor"}),
    "half": (lambda *a: slope(*a) / 2, {"factor"}),
    "pi": (lambda *a: np.pi * slope(*a), {"factor"}),
    "sum": (lambda t, X, y: len(y) * slope(t, X, y), {"sum-for-mean"}),
    "sum, penalty apart": (
        lambda t, X, y: len(y) * (slope(t, X, y) - pull(t)) + pull(t),
        {"sum-for-mean"},
    ),
    "mean twice": (lambda t, X, y: slope(t, X, y) / len(y), {"mean-for-sum"}),
    "as large as n": (lambda *a: N * slope(*a), {"factor"}),
    "n - 1": (lambda t, X, y: slope(t, X, y) * len(y) / (len(y) - 1), {"n-minus-one"}),
    "sign": (lambda *a: -slope(*a), {"sign"}),
    "bias": (lambda *a: slope(*a) * WEIGHT, {"missing-bias"}),
    "weights alone": (lambda *a: slope(*a)[:3], {"missing-bias"}),
    "bias is a sum": (
        lambda t, X, y: slope(t, X, y) * (WEIGHT + len(y) * BIAS),
        {"sum-for-mean"},
    ),
    "no penalty": (lambda t, *a: slope(t, *a) - pull(t), {"penalty-missing"}),
    "penalty twice": (lambda t, *a: slope(t, *a) + pull(t), {"penalty-factor"}),
    "penalty halved": (lambda t, *a: slope(t, *a) - pull(t) / 2, {"penalty-factor"}),
    "penalty's sign": (lambda t, *a: slope(t, *a) - 2 * pull(t), {"penalty-sign"}),
    "penalised bias": (lambda t, *a: slope(t, *a) + A * t * BIAS, {"penalty-on-bias"}),
    "last row": (lambda t, X, y: slope(t, X[-1:], y[-1:]), {"last-row-only"}),
    "first row": (lambda t, X, y: slope(t, X[:1], y[:1]), {"last-row-only"}),
    "broadcast": (every_score_with_every_target, {"broadcast"}),
    "no input": (repeated_error, {"missing-input"}),
    "constant": (lambda *a: slope(*a) + 0.25, {"constant"}),
    "clipped": (lambda *a: np.clip(slope(*a), -0.7, 0.7), {"clipped"}),
    "too short": (lambda *a: slope(*a)[:2], {"shape"}),
    "matrix": (lambda t, X, y: np.outer(slope(t, X, y), np.ones(len(y))), {"broadcast"}),
    "text": (lambda *a: "2 x", {"not-numbers"}),
    "complex": (lambda *a: slope(*a) + 0j, {"not-numbers"}),
    "nan": (lambda *a: slope(*a) + np.nan * BIAS, {"non-finite"}),
    "raises": (lambda *a: {}["b"], {"raises"}),
    "writes": (lambda t, X, y: [slope(t, X, y), t.fill(0)][0], {"changes-input"}),
    "nonsense": (lambda t, *a: np.sin(50 * t), {"unknown"}),
    "bias updated first": (bias_updated_first, {"stale-parameters"}),
    "sum and sign": (lambda t, X, y: -len(y) * slope(t, X, y), {"sum-for-mean", "sign"}),
    "sign and bias": (lambda *a: -slope(*a) * WEIGHT, {"sign", "missing-bias"}),
    "two and penalised bias": (
        lambda t, *a: 2 * slope(t, *a) + A * t * BIAS,
        {"factor", "penalty-on-bias"},
    ),
    "sign, bias and no penalty": (
        lambda t, X, y: -(slope(t, X, y) - pull(t)) * WEIGHT,
        {"sign", "missing-bias", "penalty-missing"},
    ),
    "never changes": (lambda *a: slope(THETA + 1, X, Y), {"ignores-parameters"}),
    "all ones": (lambda *a: np.ones(4), {"ignores-parameters"}),
    "sign and last row": (
        lambda t, X, y: -slope(t, X[-1:], y[-1:]),
        {"sign", "last-row-only"},
    ),
}
FACTORS = {"two": 2.0, "half": 0.5, "pi": np.pi, "as large as n": 8.0, "sum": 8.0, "sign": -1.0}


@pytest.mark.parametrize("f", [ridge, RIDGE], ids=["function", "task"])
@pytest.mark.parametrize("case", LINEAR)
def test_a_mistake_in_a_linear_model_has_its_name(case, f):
    gradient, wanted = LINEAR[case]
    check = ds.check_gradient(f, gradient, THETA, X, Y, **({} if f is RIDGE else {"layout": NAMED}))
    assert not check.ok
    assert codes(check) == wanted
    if case in FACTORS:
        assert check.discrepancies[0].ratio == pytest.approx(FACTORS[case])
    for found in check.discrepancies:
        assert set(found.where) <= set(NAMED)
        assert found.evidence.endswith(".")
        assert found.fix.endswith(".")
        assert found.code in str(check)


@pytest.mark.parametrize("f", [ridge, RIDGE], ids=["function", "task"])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (stale, "stale-parameters"),
        (from_the_first_call, "stale-parameters"),
        (accumulating, "accumulated"),
    ],
)
def test_a_gradient_with_a_memory_is_seen(make, code, f):
    assert codes(ds.check_gradient(f, make(), THETA, X, Y)) == {code}


@pytest.mark.parametrize("f", [ridge, RIDGE], ids=["function", "task"])
def test_noise_is_unrepeatable(f):
    rng = np.random.default_rng(1)
    noisy = lambda *a: slope(*a) + 0.01 * rng.normal(size=4)  # noqa: E731
    assert codes(ds.check_gradient(f, noisy, THETA, X, Y)) == {"unrepeatable"}


@pytest.mark.parametrize("plain", [True, False], ids=["function", "task"])
def test_a_penalty_that_f_does_not_have_is_seen(plain):
    task = ds.Task(ds.Linear(), "squared_error", "adam")
    f = (lambda t, X, y: ridge(t, X, y) - A / 2 * t[:3] @ t[:3]) if plain else task
    layout = NAMED if plain else None
    check = ds.check_gradient(f, slope, THETA, X, Y, layout=layout)
    assert told(check) == [("penalty-extra", ("weight",))]


@pytest.mark.parametrize("plain", [True, False], ids=["function", "task"])
def test_a_penalty_on_the_biases_too_can_be_left_out(plain):
    task = ds.Task(ds.Linear(), "squared_error", "adam", ds.l2(A, biases=True))
    f = (lambda t, X, y: ridge(t, X, y) + A / 2 * t[3] ** 2) if plain else task
    layout = NAMED if plain else None
    for given, wanted in (
        (slope, ("penalty-off-bias", ("bias",))),
        (lambda t, *a: slope(t, *a) - pull(t), ("penalty-missing", ("bias", "weight"))),
    ):
        check = ds.check_gradient(f, given, THETA, X, Y, layout=layout)
        assert told(check) == [wanted]
    assert ds.check_gradient(f, lambda t, *a: slope(t, *a) + A * t * BIAS, THETA, X, Y).ok


def test_weights_that_f_knows_by_itself():
    w = np.linspace(0.2, 2, N)

    def f(theta, X, y):
        return np.sum(w * (X @ theta[:3] + theta[3] - y) ** 2) / w.sum()

    def gradient(theta, X, y):
        e = 2 * w * (X @ theta[:3] + theta[3] - y)
        return np.append(X.T @ e, e.sum()) / w.sum()

    given = {"point": THETA, "X": X, "y": Y, "layout": NAMED}
    summed = lambda *a: w.sum() * gradient(*a)  # noqa: E731
    assert ds.check_gradient(f, gradient, sample_weight=w, **given).ok
    check = ds.check_gradient(f, summed, sample_weight=w, **given)
    assert codes(check) == {"sum-for-mean"}
    assert check.discrepancies[0].ratio == pytest.approx(w.sum())
    assert "sum of the sample weights" in str(check)
    # Nothing that other rows provoke within f comes out, whoever knows the weights.
    assert codes(ds.check_gradient(f, lambda *a: 3 * gradient(*a), **given)) == {"factor"}
    assert codes(ds.check_gradient(f, lambda t, *a: np.sin(50 * t), **given)) == {"unknown"}


def test_what_a_function_warns_of_elsewhere_is_not_heard():
    def doubled(theta):
        if (theta != THETA).any():
            warnings.warn("elsewhere", stacklevel=1)
        return 2 * theta

    assert ds.check_gradient(lambda t: t @ t, doubled, THETA).ok
    halved = ds.check_gradient(lambda t: t @ t, lambda t: doubled(t) / 2, THETA)
    assert codes(halved) == {"factor"}


def test_many_rows_are_sampled_and_then_held_against_all():
    rng = np.random.default_rng(3)
    many = rng.normal(size=(20_000, 3))
    y = many @ THETA[:3] + rng.normal(size=20_000)
    for f in (ridge, RIDGE):
        given = {"point": THETA, "X": many, "y": y, "layout": NAMED if f is ridge else None}
        right = ds.check_gradient(f, slope, **given)
        assert right.ok
        assert "over 500 rows of 20000" in right.compared
        summed = ds.check_gradient(f, lambda t, X, y: len(y) * slope(t, X, y), **given)
        assert codes(summed) == {"sum-for-mean"}

        def own_count(theta, X, y):
            return (slope(theta, X, y) - pull(theta)) * len(y) / 20_000 + pull(theta)

        assert ds.check_gradient(f, own_count, **given).ok
        wrong_over_all = lambda t, X, y: slope(t, X, y) * (2 if len(y) == 20_000 else 1)  # noqa: E731
        assert not ds.check_gradient(f, wrong_over_all, **given).ok


# ---------------------------------------------------------------- parts of one's own


def fourth_power(scores, y):
    return ((scores - y) ** 4).mean(axis=1)


def test_a_loss_of_ones_own_is_judged_by_its_engine():
    loss = ds.custom_loss(fourth_power, library="jax")
    task = ds.Task(ds.Linear(), loss, "adam", ds.l2(A))

    def gradient(theta, X, y):
        e = 4 * (X @ theta[:3] + theta[3] - y) ** 3 / len(y)
        return np.append(X.T @ e, e.sum()) + pull(theta)

    check = ds.check_gradient(task, gradient, THETA, X, Y)
    assert check.ok
    assert check.judges == ("the engine jax", "central differences")
    wrong = {
        "sum-for-mean": lambda t, X, y: len(y) * gradient(t, X, y),
        "penalty-missing": lambda t, *a: gradient(t, *a) - pull(t),
    }
    for code, given in wrong.items():
        assert codes(ds.check_gradient(task, given, THETA, X, Y)) == {code}


def test_a_module_is_judged_by_its_engine():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    task = ds.Task(module, "squared_error", "adam")
    layout = ready(task, X, Y).layout
    theta = 0.6 * np.random.default_rng(5).normal(size=layout.size)

    def gradient(theta, X, y):
        W1, b1, W2, b2 = layout.split(theta).values()
        a = np.tanh(X @ W1.T + b1)
        e = 2 * (a @ W2.T + b2 - y[:, None]) / len(y)
        below = (e @ W2) * (1 - a * a)
        return np.concatenate(
            [part.ravel() for part in (below.T @ X, below.sum(axis=0), e.T @ a, e.sum(axis=0))]
        )

    def turned(theta, X, y):
        g = gradient(theta, X, y)
        g[:12] = g[:12].reshape(4, 3).T.ravel()
        return g

    assert ds.check_gradient(task, gradient, theta, X, Y).ok
    check = ds.check_gradient(task, lambda *a: -gradient(*a), theta, X, Y)
    assert codes(check) == {"sign"}
    assert told(ds.check_gradient(task, turned, theta, X, Y))[0][1] == ("0.weight",)


@pytest.mark.parametrize("case", ["two", "sum", "sign", "bias", "penalised bias", "no penalty"])
def test_without_names_the_entries_are_numbered(case):
    gradient, wanted = LINEAR[case]
    check = ds.check_gradient(ridge, gradient, THETA, X, Y)
    assert codes(check) == wanted
    if case in {"bias", "penalised bias"}:
        assert check.discrepancies[0].where == ("theta[3]",)


def test_without_rows_to_take_away_the_size_decides():
    full = {"point": THETA, "X": X, "y": Y}
    check = ds.check_gradient(RIDGE, lambda theta: N * slope(theta, X, Y), **full)
    assert codes(check) == {"sum-for-mean"}


# ---------------------------------------------------------------- networks

TARGETS = {
    "numbers": Y,
    "counts": np.arange(N) % 4.0,
    "two labels": np.arange(N) % 2,
    "labels": np.arange(N) % 3,
}


def net(loss="squared_error", activation="tanh", hidden=(4, 3), penalty=None):
    task = ds.Task(ds.MLP(hidden, activation), loss, "adam", penalty)
    problem = ready(task, X, TARGETS[task.loss.targets])
    theta = 0.6 * np.random.default_rng(5).normal(size=problem.layout.size)
    return task, problem, theta


def wrong(problem, *, edit=lambda g, parts: g, **choices):
    """Return a gradient function with a mistake: inside the pass, or in its slices after it."""

    def gradient(theta, X, y):
        rows = problem if len(X) == problem.n else ready(problem.task, X, y)
        chosen = Choices(**choices)
        g = mistaken(problem.task, problem.layout, theta, rows.X, rows.y, None, chosen).gradient
        g = g + problem.l2 * theta
        return edit(g, problem.layout.split(g))

    return gradient


def exchanged(g, parts):
    kept = parts["layer2.weight"].copy()
    parts["layer2.weight"][:] = parts["layer3.weight"]
    parts["layer3.weight"][:] = kept
    return g


def on(name, change):
    def edit(g, parts):
        for slice_ in parts:
            if slice_.startswith(name):
                parts[slice_][...] = change(parts[slice_])
        return g

    return edit


SLICES = {
    "transposed": ((4, 3), on("layer1.weight", lambda w: w.T.reshape(w.shape)), ("layer1.weight",)),
    "transposed, square": ((4, 4), on("layer2.weight", lambda w: w.T.copy()), ("layer2.weight",)),
    "swapped-layers": ((4, 4, 4), exchanged, ("layer2.weight", "layer3.weight")),
    "one-layer, zero": ((4, 3), on("layer2", lambda w: 0 * w), ("layer2.weight", "layer2.bias")),
    "one-layer, other": ((4, 3), on("layer1", np.cos), ("layer1.weight", "layer1.bias")),
    "one-layer, 1.7": ((4, 3), on("layer1", lambda w: 1.7 * w), ("layer1.weight", "layer1.bias")),
    "missing-bias": ((4, 3), on("layer2.bias", lambda w: 0 * w), ("layer2.bias",)),
}


@pytest.mark.parametrize("case", SLICES)
def test_a_mistake_in_a_slice_is_named_and_located(case):
    hidden, edit, where = SLICES[case]
    task, problem, theta = net(hidden=hidden, penalty=ds.l2(A))
    check = ds.check_gradient(task, wrong(problem, edit=edit), theta, X, Y)
    assert told(check) == [(case.split(",")[0], where)]


def backward_by_hand(activation, theta, X, y, through):
    """Return the gradient of a net of 4 hidden units, by the chain rule with `through` in it."""
    layout = ds.MLP((4,)).layout(3, 1)
    parts, g = layout.split(theta), np.empty(layout.size)
    slots = layout.split(g)
    z = X @ parts["layer1.weight"] + parts["layer1.bias"]
    a = activation(z)
    e = 2 * (a @ parts["layer2.weight"] + parts["layer2.bias"] - y[:, None]) / len(y)
    below = through(z, a, e @ parts["layer2.weight"].T)
    slots["layer2.weight"][:], slots["layer2.bias"][:] = a.T @ e, e.sum(axis=0)
    slots["layer1.weight"][:], slots["layer1.bias"][:] = X.T @ below, below.sum(axis=0)
    return g


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_mistaken_activation_derivative_has_its_name(activation):
    task, _, theta = net(activation=activation, hidden=(4,))
    part = task.model.activation

    def right(z, a, g):
        return backward(part, z, a, g)

    ways = {
        "right": right,
        "missing-activation-derivative": lambda z, a, g: g,
        "activation-derivative-at-output": lambda z, a, g: backward(part, a, part(a), g),
    }
    true = backward_by_hand(part, theta, X, Y, right)
    for name, way in ways.items():

        def given(t, X, y, way=way):
            return backward_by_hand(part, t, X, y, way)

        check = ds.check_gradient(task, given, theta, X, Y)
        # The rectifiers' slope at their output is that at their input; the identity's is 1.
        same = name == "right" or np.allclose(true, given(theta, X, Y))
        assert codes(check) == (set() if same else {name})
        assert same or check.discrepancies[0].where == ("layer1.weight", "layer1.bias")


def test_most_activations_show_both_mistakes():
    z = np.linspace(-2, 2, 9)[:, None] * [1.0, 0.5]
    for name in ("tanh", "sigmoid", "gelu", "silu", "softplus", "cos", "softmax"):
        part = ACTIVATIONS.make(name)
        right = backward(part, z, part(z), z * 0 + [1.0, 2.0])
        assert not np.allclose(right, [1.0, 2.0])
        assert not np.allclose(right, backward(part, part(z), part(part(z)), z * 0 + [1.0, 2.0]))


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


# A loss, what was written for its slope, and what that is called.
LINKS = {
    "extra link": (
        "logistic",
        lambda s, y: (sigmoid(s) - y) * sigmoid(s) * (1 - sigmoid(s)),
        "extra-link-derivative",
    ),
    "extra exponential": (
        "poisson",
        lambda s, y: (np.exp(s) - y) * np.exp(s),
        "extra-link-derivative",
    ),
    "missing link": ("brier", lambda s, y: 2 * (sigmoid(s) - y), "missing-link-derivative"),
    "square for absolute": ("absolute_error", lambda s, y: 2 * (s - y), "wrong-loss"),
    "brier for logistic": (
        "logistic",
        lambda s, y: 2 * (sigmoid(s) - y) * sigmoid(s) * (1 - sigmoid(s)),
        "wrong-loss",
    ),
    "scores for probabilities": ("logistic", lambda s, y: s - y, "wrong-loss"),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_mistaken_slope_has_its_name(case):
    loss, written, code = LINKS[case]
    task = ds.Task(ds.Linear(), loss, "adam")

    def gradient(theta, X, y):
        e = written(X @ theta[:3] + theta[3], y)
        return np.append(X.T @ e, e.sum()) / len(y)

    check = ds.check_gradient(task, gradient, THETA, X, TARGETS[task.loss.targets])
    assert codes(check) == {code}


def test_a_softmax_jacobian_once_too_often_is_seen():
    task, problem, theta = net("softmax")
    check = ds.check_gradient(task, wrong(problem, slope="extra-link"), theta, X, TARGETS["labels"])
    assert codes(check) == {"extra-link-derivative"}


def test_two_mistakes_within_the_pass_are_told_apart():
    task, problem, theta = net("logistic")
    given = wrong(problem, slope="extra-link", activation="missing")
    check = ds.check_gradient(task, given, theta, X, TARGETS["two labels"])
    assert codes(check) == {"extra-link-derivative", "missing-activation-derivative"}


def test_outputs_that_are_not_averaged_are_seen():
    Y3 = np.column_stack([Y, Y[::-1], -Y])
    task = ds.Task(ds.Linear(), "squared_error", "adam")
    theta = np.random.default_rng(2).normal(size=12)
    check = ds.check_gradient(
        task, lambda t, X, y: 3 * ByHand(ready(task, X, y)).value_and_gradient(t)[1], theta, X, Y3
    )
    assert codes(check) == {"mean-over-outputs"}


def test_ignored_sample_weights_are_seen():
    w = np.linspace(0.2, 2, N)
    given = {"point": THETA, "X": X, "y": Y, "sample_weight": w}
    assert codes(ds.check_gradient(RIDGE, slope, **given)) == {"weights-ignored"}

    def weighted(theta, X, y, sample_weight):
        return ByHand(ready(RIDGE, X, y, sample_weight)).value_and_gradient(theta)[1]

    assert ds.check_gradient(RIDGE, weighted, **given).ok


# ---------------------------------------------------------------- right gradients


def drawn(loss, activation, seed):
    rng = np.random.default_rng([seed, len(loss), len(activation)])
    n, d, k = int(rng.integers(3, 13)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    part = LOSSES.make(loss)
    X = rng.normal(size=(n, d))
    y = {
        "numbers": lambda: rng.normal(scale=2, size=(n, k)),
        "counts": lambda: rng.poisson(2, size=(n, k)),
        "two labels": lambda: (np.arange(n * k) % 2).reshape(k, n).T,
        "labels": lambda: np.arange(n) % 3,
    }[part.targets]()
    hidden = [(), (3,), (4, 2)][int(rng.integers(3))]
    penalty = [None, ds.l2(0.1), ds.l1(0.05), ds.elastic_net(0.1, biases=True)][rng.integers(4)]
    reduction = ["mean", "sum"][int(rng.integers(2))]
    task = ds.Task(ds.MLP(hidden, activation), part, "gradient_descent", penalty, reduction)
    theta = rng.normal(size=ready(task, X, y).layout.size) * rng.choice([0.1, 0.5, 1.0, 2.0])
    return task, X, y, theta


def false_alarms(loss, activation, seed, precisions=("double", "single")):
    """Return the checks of a right gradient, in the precisions asked for, that found it wrong."""
    task, X, y, theta = drawn(loss, activation, seed)

    def gradient(theta, X, y, dtype=float):
        # In another order, so that no sum is rounded as the judge rounds it.
        rows = ready(task, X[::-1].astype(dtype), y[::-1])
        return ByHand(rows).value_and_gradient(theta.astype(dtype))[1]

    def single(theta, X, y):
        return gradient(theta, X, y, np.float32)

    written = {"double": gradient, "single": single}
    checks = [ds.check_gradient(task, written[p], theta, X, y, seed=seed) for p in precisions]
    return [check for check in checks if not check.ok]


@pytest.mark.parametrize("loss", list(LOSSES))
def test_right_gradients_pass(loss):
    draws = [(0, ["double"]), (1, ["single"])]
    alarms = [false_alarms(loss, a, *draw) for a in ACTIVATIONS for draw in draws]
    assert not any(alarms), [str(check) for found in alarms for check in found]


@pytest.mark.slow
@pytest.mark.parametrize("loss", list(LOSSES))
def test_right_gradients_pass_in_a_thousand_draws(loss):
    draws = 1000 // (len(list(LOSSES)) * len(list(ACTIVATIONS))) + 1
    alarms = [false_alarms(loss, a, seed) for a in ACTIVATIONS for seed in range(2, 2 + draws)]
    assert not any(alarms), [str(check) for found in alarms for check in found]


def test_the_sweep_would_sound_an_alarm(monkeypatch):
    wrong_by_little = lambda self, theta, update=None: (0.0, np.full(theta.size, 1e-3))  # noqa: E731
    monkeypatch.setattr(ByHand, "value_and_gradient", wrong_by_little)
    assert len(false_alarms("logistic", "tanh", 0)) == 2


KINKED = {
    "absolute": lambda t, X, y: np.mean(np.abs(X @ t[:3] + t[3] - y)),
    "hinge": lambda t, X, y: np.mean(np.maximum(0, 1 - np.sign(y) * (X @ t[:3] + t[3]))),
    "lasso": lambda t, X, y: np.mean((X @ t[:3] + t[3] - y) ** 2) + 0.3 * np.abs(t).sum(),
}
SUBGRADIENTS = {
    "absolute": lambda s, t, y: (np.sign(s - y), 0 * t),
    "hinge": lambda s, t, y: (np.where(np.sign(y) * s < 1, -np.sign(y), 0), 0 * t),
    "lasso": lambda s, t, y: (2 * (s - y), 0.3 * np.sign(t)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", KINKED)
def test_kinks_of_plain_functions_raise_no_alarm(case, seed):
    def gradient(theta, X, y):
        e, rest = SUBGRADIENTS[case](X @ theta[:3] + theta[3], theta, y)
        return np.append(X.T @ e, e.sum()) / len(y) + rest

    for theta in (np.zeros(4), np.random.default_rng(seed).normal(size=4)):
        check = ds.check_gradient(KINKED[case], gradient, theta, X, Y, seed=seed)
        assert check.ok, str(check)
    doubled = ds.check_gradient(KINKED[case], lambda *a: 2 * gradient(*a), theta, X, Y, seed=seed)
    assert codes(doubled) == {"factor"}


def test_a_network_at_zero_is_stepped_away_from_its_kinks():
    task, problem, theta = net(activation="relu")
    check = ds.check_gradient(task, wrong(problem), 0 * theta, X, Y)
    assert check.ok, str(check)


def test_a_convention_at_a_kink_is_no_mistake():
    task = ds.Task(ds.Linear(), "absolute_error", "adam")
    y = X @ THETA[:3] + THETA[3]  # every row stands on its kink

    def gradient(theta, X, y):
        e = np.where(X @ theta[:3] + theta[3] >= y, 1.0, -1.0)  # and there the slope is 1
        return np.append(X.T @ e, e.sum()) / len(y)

    check = ds.check_gradient(task, gradient, THETA, X, y)
    assert check.ok, str(check)


def test_both_gradients_of_a_lasso_are_right():
    task = ds.Task(ds.Linear(), "squared_error", "gradient_descent", ds.l1(0.2))
    smooth = wrong(ready(task, X, Y))
    signed = lambda t, X, y: smooth(t, X, y) + 0.2 * np.sign(t) * WEIGHT  # noqa: E731
    assert ds.check_gradient(task, smooth, THETA, X, Y).ok
    assert ds.check_gradient(task, signed, THETA, X, Y).ok


def test_the_judges_of_plain_functions():
    check = ds.check_gradient(ridge, slope, THETA, X, Y)
    assert check.judges == ("the complex step", "central differences")
    assert check.agreement < 1e-9
    real = ds.check_gradient(lambda t: float(np.abs(t).sum()), np.sign, THETA)
    assert real.ok
    assert real.judges == ("central differences",)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_autodiff_judges_where_asked(library):
    def f(theta, X, y):
        return ((X @ theta[:3] + theta[3] - y) ** 2).mean() + A / 2 * (theta[:3] ** 2).sum()

    check = ds.check_gradient(f, slope, THETA, X, Y, autodiff=library)
    assert check.ok
    assert check.judges == ({"jax": "JAX", "torch": "PyTorch"}[library], "central differences")
    assert check.agreement < 1e-9
    assert not ds.check_gradient(f, lambda *a: 2 * slope(*a), THETA, X, Y, autodiff=library).ok
    with pytest.raises(InputError, match="could not go through f"):
        ds.check_gradient(lambda t: float(t[0]), lambda t: t, THETA, autodiff=library)


def test_differences_know_how_far_they_are_to_be_trusted():
    found, error = central(lambda t: float(np.exp(t).sum() + np.abs(t[0])), np.array([0.0, 1.0]))
    assert error[0] > 0.1
    assert abs(found[1] - np.e) <= 10 * error[1] < 1e-8
    single, doubt = central(lambda t: float(np.float32(np.exp(t).sum())), np.array([0.3, 1.0]))
    assert (np.abs(single - np.exp([0.3, 1.0])) <= 10 * doubt).all()
    assert complex_step(lambda t: np.abs(t).sum(), np.ones(2)) is None


# ---------------------------------------------------------------- shapes and bad input


def test_named_parts_in_and_out():
    task, problem, theta = net(penalty=ds.l2(A))
    parts = problem.layout.split(theta)
    given = lambda t, X, y: problem.layout.split(wrong(problem)(t, X, y))  # noqa: E731
    assert ds.check_gradient(task, given, parts, X, Y).ok
    short = lambda t, X, y: {k: v for k, v in given(t, X, y).items() if k != "layer1.bias"}  # noqa: E731
    check = ds.check_gradient(task, short, parts, X, Y)
    assert told(check) == [("missing-bias", ("layer1.bias",))]
    assert "No gradient came for layer1.bias." in check.discrepancies[0].evidence
    assert codes(ds.check_gradient(task, lambda *a: {"w": 1.0}, parts, X, Y)) == {"shape"}


BAD = {
    "no rows": (RIDGE, slope, {"point": THETA}, "X and y are needed"),
    "X alone": (ridge, slope, {"point": THETA, "X": X}, "X and y go together"),
    "no f": (3, slope, {"point": THETA}, "a Task or a function"),
    "no gradient": (ridge, THETA, {"point": THETA, "X": X, "y": Y}, "must be a function"),
    "rows of losses": (
        lambda t, X, y: (X @ t[:3] - y) ** 2,
        slope,
        {"point": THETA, "X": X, "y": Y},
        r"must return one number; it returned shape \(8,\)",
    ),
    "text of f": (lambda t: "one", lambda t: t, {"point": THETA}, "must return one number"),
    "short point": (RIDGE, slope, {"point": THETA[:3], "X": X, "y": Y}, "must have 4 numbers"),
    "two arguments": (ridge, lambda t, X: t, {"point": THETA, "X": X, "y": Y}, "it takes"),
    "infinite": (lambda t: np.inf * t.sum(), lambda t: t, {"point": THETA}, "not finite"),
    "library": (ridge, slope, {"point": THETA, "X": X, "y": Y, "autodiff": "jaxx"}, "jax"),
    "layout": (ridge, slope, {"point": THETA, "X": X, "y": Y, "layout": 3}, "must name shapes"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_sentence(case):
    f, gradient, given, words = BAD[case]
    with pytest.raises(InputError, match=words) as caught:
        ds.check_gradient(f, gradient, **given)
    assert "\n" not in str(caught.value)


def test_what_is_printed_teaches():
    check = ds.check_gradient(RIDGE, lambda *a: -slope(*a) * WEIGHT, THETA, X, Y)
    text = str(check)
    for words in (
        "linear + squared_error",
        "Judged by",
        "Wrong, in 2 ways",
        "sign in weight",
        "Fix:",
    ):
        assert words in text
    assert "Right" in str(ds.check_gradient(RIDGE, slope, THETA, X, Y))


def test_a_start_is_a_point_like_any_other():
    task, problem, _ = net("softmax", "relu")
    theta = models.start(task.model, problem.layout, 0, problem.X.shape[1])
    assert ds.check_gradient(task, wrong(problem), theta, X, TARGETS["labels"]).ok
