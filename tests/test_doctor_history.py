"""The doctor on histories from elsewhere: what they show, and what looks like it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from descend.classics import curiosities
from descend.datasets import line_by_hand, line_sgd
from descend.doctor import diagnose
from descend.errors import InputError


def rows(seed: int, kind: str = "numbers", n: int = 120, d: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + 0.7 + 0.3 * rng.normal(size=n)
    return X, (y > np.median(y)).astype(float) if kind == "labels" else y


def loop(
    X: Any, y: Any, *, slip: str = "", rate: float = 0.0, updates: int = 200, momentum: float = 0.0
) -> dict[str, Any]:
    """Train a line by a loop of its own, perhaps with a slip, and note everything."""
    design = np.column_stack([X, np.ones(len(X))])
    labels = set(np.unique(y)) <= {0.0, 1.0}
    theta, speed = np.zeros(design.shape[1]), 0.0
    limit = 2 / np.linalg.eigvalsh(design.T @ design / len(y))[-1] / (0.25 if labels else 2.0)
    rate = (rate or 0.3) * limit
    kept: dict[str, list[Any]] = {"loss": [], "theta": [], "gradient": [], "accuracy": []}
    for _ in range(updates):
        s = design @ theta
        p = 0.5 * (1 + np.tanh(s / 2))
        loss = np.mean(np.logaddexp(0, s) - y * s) if labels else np.mean((s - y) ** 2)
        gradient = design.T @ (p - y if labels else 2 * (s - y)) / len(y)
        if slip == "lost minus":
            loss, gradient = -loss, -gradient
        if slip == "climbs":
            gradient = -gradient
        if slip == "half":
            gradient = gradient / 2
        if slip == "no bias":
            gradient[-1] = 0.0
        if slip == "broadcast":
            loss = np.mean((s[:, None] - y) ** 2)
            gradient = design.T @ (2 * (s - y.mean())) / len(y)
        kept["loss"].append(loss)
        kept["theta"].append(theta)
        kept["gradient"].append(gradient)
        kept["accuracy"].append(np.mean((s > 0) == (y > 0.5)))
        speed = momentum * speed - rate * gradient
        theta = theta + speed
    kept["scores"] = list(design @ theta)
    return {**kept, "learning_rate": rate} | {
        "gradient_norm": [np.linalg.norm(g) for g in kept["gradient"]]
    }


def some(history: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: history[name] for name in names.split()}


def first(history: dict[str, Any], *given: Any) -> str:
    """Return the code of the first finding."""
    with np.errstate(all="ignore"):
        return str(diagnose(history, *given)[0].code)


def ill(history: dict[str, Any], *given: Any) -> list[str]:
    """Return the codes of all illnesses."""
    with np.errstate(all="ignore"):
        return [f.code for f in diagnose(history, *given) if f.severity == "illness"]


# Retraced from losses, rate and rows ---------------------------------------

TOLD = "loss learning_rate"


@pytest.mark.parametrize("seed", range(3))
def test_a_loop_on_raw_columns(seed: int) -> None:
    X, y = rows(seed)
    raw = X * [1.0, 300.0, 0.02] + [0.0, 50.0, 0.0]
    ill_one = loop(raw, y, rate=0.5)
    finding = diagnose(some(ill_one, TOLD), raw, y)[0]
    assert finding.code == "features-unscaled"
    design = np.column_stack([raw, np.ones(len(y))])
    least = np.mean((design @ np.linalg.lstsq(design, y, rcond=None)[0] - y) ** 2)
    assert finding.evidence["least loss"] == pytest.approx(least)
    assert finding.evidence["widest"] == "column 1"
    assert finding.evidence["narrowest"] == "column 2"
    # On the same rows with other losses it is not known to be this descent.
    other = {**some(ill_one, TOLD), "loss": np.asarray(ill_one["loss"]) * 1.01}
    assert "features-unscaled" not in ill(other, raw, y)


def test_columns_that_do_not_keep_a_loop_from_arriving() -> None:
    X, y = rows(0)
    assert ill(some(loop(X, y), TOLD), X, y) == []
    # Uneven, but what the narrow one tells is nothing; and even, but cut short.
    useless = np.column_stack([X, 1e-3 * np.random.default_rng(9).normal(size=len(y))])
    assert ill(some(loop(useless, y), TOLD), useless, y) == []
    assert "features-unscaled" not in ill(some(loop(X, y, updates=6), TOLD), X, y)


@pytest.mark.parametrize("seed", range(3))
def test_a_broadcast_by_its_losses_alone(seed: int) -> None:
    X, y = rows(seed)
    assert first(some(loop(X, y, slip="broadcast"), TOLD), X, y) == "broadcast"
    assert first(some(loop(X, y), TOLD), X, y) != "broadcast"


# Growth ---------------------------------------------------------------------


def test_growth_is_a_step_that_is_too_large() -> None:
    assert first({"loss": [1.0, 3.0, 9.0, 27.0, 81.0, 243.0, 729.0]}) == "step-too-large"
    assert first({"loss": [1.0, 3.0, 9.0, np.inf, np.nan]}) == "step-too-large"
    for seed, rate in enumerate((1.02, 1.3, 9.0)):
        X, y = rows(seed)
        with np.errstate(all="ignore"):
            history = loop(X, y, rate=rate)
        assert first(history, X, y) == "step-too-large"
        assert first(some(history, "loss")) == "step-too-large"
        assert first(some(history, "loss gradient_norm learning_rate")) == "step-too-large"


def test_a_fall_that_ends_in_no_number_is_not_called_an_overshoot() -> None:
    finding = diagnose({"loss": [1.0, 0.9, 0.8, np.nan]})[0]
    assert finding.code == "step-too-large"
    assert "overshoots" not in finding.sentence
    assert "growth at each step" not in finding.evidence
    grown = diagnose({"loss": [1.0, 3.0, 9.0, np.inf]})[0]
    assert "overshoots" in grown.sentence
    assert grown.evidence["growth at each step"] == pytest.approx(3.0)


def test_what_looks_like_growth_is_not_called_so() -> None:
    t = np.arange(200.0)
    rng = np.random.default_rng(0)
    likelihood = -np.exp(-t / 30)  # maximised, and slowing down
    noise = 1 + 0.3 * rng.normal(size=200)
    periodic = 1 + 0.2 * (-1.0) ** np.arange(211.0)  # two batches to an epoch
    for loss in (likelihood, noise, periodic, np.full(200, 0.7)):
        assert ill({"loss": loss}) == []


def test_a_loss_that_never_was_a_number() -> None:
    assert first({"loss": [np.nan] * 9}) == "non-finite-data"


# Signs ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numbers", "labels"])
@pytest.mark.parametrize("slip", ["lost minus", "climbs"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_wrong_sign(kind: str, slip: str, seed: int) -> None:
    X, y = rows(seed, kind)
    with np.errstate(all="ignore"):
        history = loop(X, y, slip=slip, rate=0.2, momentum=0.5 * seed)
    assert first(history, X, y) == "wrong-sign"
    assert first(some(history, "loss theta gradient")) == "wrong-sign"
    assert first(some(history, "loss theta"), X, y) == "wrong-sign"
    if slip == "climbs" and seed == 0:
        assert first(some(history, "loss gradient_norm learning_rate")) == "wrong-sign"
    if kind == "labels":
        assert first(some(history, "loss")) == "wrong-sign"


def test_line_sgd_lost_its_minus() -> None:
    X, y = line_sgd()
    labels = (y > 10).astype(float)
    w, b, loss, accuracy = np.array(
        curiosities.descend_unsigned_likelihood(X[:, 0], labels, 1e-2, 3000)
    ).T
    assert first({"loss": loss, "accuracy": accuracy}) == "wrong-sign"
    found = diagnose({"loss": loss, "theta": np.column_stack([w, b])}, X, labels)
    assert found[0].code == "wrong-sign"


def test_what_looks_like_a_wrong_sign_is_not_called_so() -> None:
    t = np.arange(300.0)
    density = 2.0 - 5.0 * (1 - np.exp(-t / 60))  # a density's loss may be negative
    similarity = -1 / (1 + np.exp(-(t - 80) / 20))  # 0 to -1, slow at first
    imbalance = 0.3 * np.exp(-t / 50) + 0.2
    assert ill({"loss": density}) == []
    assert ill({"loss": similarity}) == []
    assert ill({"loss": imbalance, "accuracy": np.full(300, 0.9)}) == []
    assert ill({"loss": density, "accuracy": 0.5 + 0.4 * (1 - np.exp(-t / 60))}) == []


# Gradients ------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_a_wrong_gradient(seed: int) -> None:
    X, y = rows(seed)
    half = loop(X, y, slip="half", rate=0.2)
    found = diagnose(some(half, "loss theta gradient"))[0]
    assert found.code == "wrong-gradient"
    assert found.evidence["given over true"] == pytest.approx(0.5, rel=0.05)
    without = loop(X, y, slip="no bias")
    assert first(some(without, "loss theta gradient"), X, y) == "wrong-gradient"


def test_gradients_of_batches_are_not_wrong() -> None:
    X, y = rows(5, n=400)
    design = np.column_stack([X, np.ones(len(X))])
    rng = np.random.default_rng(0)
    theta, kept = np.zeros(4), []
    for _ in range(200):
        some_rows = rng.integers(len(y), size=8)
        a, b = design[some_rows], y[some_rows]
        gradient = 2 * a.T @ (a @ theta - b) / 8
        kept.append((np.mean((design @ theta - y) ** 2), theta, gradient))
        theta = theta - 0.03 * gradient
    loss, thetas, gradients = map(list, zip(*kept, strict=True))
    assert ill({"loss": loss, "theta": thetas, "gradient": gradients}, X, y) == []


# Every score with every target ----------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_broadcast(seed: int) -> None:
    X, y = rows(seed)
    history = loop(X, y, slip="broadcast", momentum=0.9 * (seed == 1), updates=300)
    assert first(some(history, "loss theta gradient"), X, y) == "broadcast"
    assert first(some(history, "loss scores"), X, y) == "broadcast"


def test_the_broadcast_of_line_by_hand() -> None:
    data = line_by_hand()
    scores = 0.5 * data.X[:, 0] + 0.2
    _, wrong = curiosities.broadcast_error(scores, data.y)
    right = float(np.mean((scores - data.y[:, 0]) ** 2))
    assert first({"loss": [3.0, 2.9, wrong], "scores": scores}, data.X, data.y) == "broadcast"
    assert ill({"loss": [3.0, 2.9, right], "scores": scores}, data.X, data.y) == []


def test_a_mean_is_no_broadcast_where_there_is_nothing_to_learn() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    assert ill(loop(X, y), X, y) == []
    X, y = rng.normal(size=(4000, 1)), rng.normal(size=4000)
    assert ill(some(loop(X, y), "loss scores"), X, y) == []
    X, y = rows(0)
    tiny = loop(X, y - y.mean(), rate=1e-6)
    assert "broadcast" not in ill(tiny, X, y)


# The end of the descent -------------------------------------------------------


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_a_step_that_is_too_small(kind: str) -> None:
    X, y = rows(3, kind)
    history = loop(X, y, rate=2e-5)
    assert first(history, X, y) == "step-too-small"
    assert first(some(history, "loss")) == "step-too-small"


def test_a_run_that_is_not_finished_is_not_ill() -> None:
    X, y = rows(3)
    for rate in (0.002, 0.004):
        history = loop(X, y, rate=rate)
        found = diagnose(some(history, "loss gradient_norm"))
        assert found[0].severity == "information"
        assert "not-finished" in found.codes
    assert diagnose(loop(X, y)).codes == ["healthy"]


def test_a_rate_that_faded() -> None:
    t = np.arange(200)
    history = {
        "loss": 1 + 0.1 * np.exp(-t / 10.0),
        "gradient_norm": np.full(200, 0.8),
        "learning_rate": 0.1 * 0.9**t,
    }
    assert first(history) == "stalled"
    finished = {**history, "gradient_norm": 0.8 * np.exp(-t / 10.0)}
    assert ill(finished) == []


# Validation -------------------------------------------------------------------


def test_learnt_by_heart() -> None:
    t = np.arange(100.0)
    loss = np.exp(-t / 30)
    rises = 0.5 * np.exp(-t / 10) + 0.5 + 0.004 * np.maximum(t - 30, 0)
    noise = 0.02 * np.random.default_rng(0).normal(size=100)
    assert first({"train_loss": loss, "val_loss": rises + noise}) == "overfit"
    flat = 0.5 * np.exp(-t / 10) + 0.5
    wide = [0.3 * np.random.default_rng(seed).normal(size=100) for seed in range(9)]
    for held in (flat, flat + noise, flat + 0.0004 * t, *(flat + 1 + w for w in wide)):
        assert "overfit" not in ill({"loss": loss, "val_loss": held})


# Names and shapes -------------------------------------------------------------


def test_names_of_other_libraries_are_understood() -> None:
    class Keras:
        def __init__(self) -> None:
            grows = [1.0, 9.0, 81.0, 729.0, 6561.0]
            self.history = {"loss": grows, "val_acc": [0.5] * 5, "lr": [0.1] * 5}

    assert first(Keras()) == "step-too-large"  # type: ignore[arg-type]
    grows = [1.0, 9.0, 81.0, 729.0, 6561.0]
    for name in ("train_loss", "Train Loss", "train/loss", "loss_curve_", "cost"):
        assert first({name: grows}) == "step-too-large"
    found = diagnose({"loss": grows, "note": "mine", "acc": [None, 0.5, 0.5, 0.5, 0.5]})
    assert any("note" in said for said in found.not_looked_at)


def test_it_says_what_it_could_not_look_at() -> None:
    X, y = rows(0)
    little = diagnose({"loss": loop(X, y)["loss"]}).not_looked_at
    more = diagnose(loop(X, y), X, y).not_looked_at
    assert len(little) > len(more) > 0


@pytest.mark.parametrize(
    "source", [{}, [1.0, 2.0], {"accuracy": [1.0]}, {"loss": "low"}, {"loss": [[1.0, 2.0]] * 3}]
)
def test_what_is_no_history_is_refused(source: Any) -> None:
    with pytest.raises(InputError, match="loss|mapping"):
        diagnose(source)


def test_scale_does_not_matter() -> None:
    X, y = rows(1)
    for scale in (1e-6, 1e6):
        assert first(loop(X, y * scale, slip="broadcast"), X, y * scale) == "broadcast"
        assert first(loop(X, y * scale, rate=2e-5), X, y * scale) == "step-too-small"
        assert ill(loop(X, y * scale), X, y * scale) == []
