"""moons: activations, a multilayer perceptron, and two moons."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.activations import ACTIVATIONS
from descend.classics import curiosities
from descend.classics.telling import Classic, Mistake
from descend.datasets import blobs, legacy
from descend.datasets import moons as data
from descend.doctor import check_figure, check_probabilities, diagnose
from descend.losses import brier, logistic, squared_error
from descend.metrics import accuracy
from descend.models import MLP, Linear, forward
from descend.optimizers import gradient_descent, nesterov
from descend.task import Task
from descend.training import train

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.run import Run

TITLE = "Fundamentals of Deep Learning"
HIDDEN = (4, 10, 4)
DEEP = (4, 10, 30, 10, 4)
SEEDS = range(6)
# One of the starts from which the squared error stalls.
STALLED = 1


def run() -> Classic:
    """Run the document: a line, two shapes, growth with depth, a gallery, and the moons.

    scikit-learn shuffles the moons before it blurs them, so the document's points are those with
    "shuffled" in their names; the figures known for this classic are of the unshuffled ones.
    """
    X, y = data(shuffle=False)
    X_shuffled, y_shuffled = data()
    X_blobs, y_blobs = blobs()
    squared = [_moons(brier(), X, y, seed) for seed in SEEDS]
    crossed = [_moons(logistic(), X, y, seed) for seed in SEEDS]
    straight = train(Task(Linear(), logistic(), nesterov()), X, y, epochs=2000)
    shuffled = {
        loss.name: _figures(
            [_moons(loss, X_shuffled, y_shuffled, s) for s in SEEDS], X_shuffled, y_shuffled
        )
        for loss in (brier(), logistic())
    }
    blobs_line = train(Task(Linear(), logistic(), nesterov()), X_blobs, y_blobs, epochs=2000)
    line = _line()
    ours: dict[str, Any] = {
        "line_slope": float(line.theta[0]),
        "line_intercept": float(line.theta[1]),
        "blobs_straight_line_accuracy": accuracy(blobs_line.predict(X_blobs), y_blobs),
        "output_size_by_depth": {str(h): growth(h) for h in ((4,), (4, 10, 20, 50))},
        **{f"gallery_{name}": span for name, span in gallery().items()},
        "scores_saturated_by_depth": {str(h): saturation(h) for h in ((4,), DEEP)},
        "moons_by_seed": _figures(squared, X, y),
        "cross_entropy_by_seed": _figures(crossed, X, y),
        "moons_by_seed_shuffled": shuffled["brier"],
        "cross_entropy_by_seed_shuffled": shuffled["logistic"],
        "straight_line_accuracy": accuracy(straight.predict(X), y),
        "losses_each_100_updates": squared[0].history["loss"][::100],
    }
    published = {"step": 1.0, "updates": 1000, "line": [2.31531, 0.23412]}
    runs = {"squared": squared[0], "squared_stalled": squared[STALLED]}
    runs |= {"cross_entropy": crossed[0], "straight": straight, "line": line}
    return Classic("moons", TITLE, ours, published, _mistakes(ours, runs), runs)


def _figures(runs: list[Run], X: Floats, y: Floats) -> list[list[float]]:
    """Return the final loss and accuracy of each run."""
    return [[r.outcome.loss, accuracy(r.predict(X), y)] for r in runs]


def start(hidden: tuple[int, ...], d: int, k: int, seed: int) -> dict[str, Floats]:
    """Return the document's start: N(0, 1) weights layer after layer, biases 0."""
    rng = legacy(seed)
    sizes = (d, *hidden, k)
    prefix = "layer{}." if hidden else ""
    parts: dict[str, Floats] = {}
    for i, (inputs, units) in enumerate(pairwise(sizes), start=1):
        parts[f"{prefix.format(i)}weight"] = rng.normal(size=(inputs, units))
        parts[f"{prefix.format(i)}bias"] = np.zeros(units)
    return parts


def _moons(loss: Any, X: Floats, y: Floats, seed: int) -> Run:
    model = MLP(HIDDEN, "sigmoid", init=start(HIDDEN, 2, 1, seed))
    return train(Task(model, loss, gradient_descent(1.0)), X, y, epochs=1000)


def _line() -> Run:
    """Fit y = 2.31531 x + 0.23412 + N(0, 1), 100 points on [0, 10], by descent."""
    x = np.linspace(0.0, 10.0, 100)
    y = 2.31531 * x + 0.23412 + legacy(42).normal(size=x.size)
    return train(Task(Linear(), squared_error(), nesterov()), x, y, epochs=2000)


def outputs(hidden: tuple[int, ...], activation: str, X: Floats, seed: int = 0) -> Floats:
    """Return what the document's network gives, the activation on its last layer too.

    The document sets no seed before its gallery; of our seeds many leave ReLU dead, 0 does not.
    """
    model = MLP(hidden, activation)
    layout = model.layout(X.shape[1], 1)
    theta = layout.flatten(start(hidden, X.shape[1], 1, seed))
    scores = forward(model, theta, layout, X)[0]
    found: Floats = ACTIVATIONS.make(activation)(scores)
    return found


def _inputs() -> Floats:
    drawn: Floats = legacy(1).randn(100, 1)
    return drawn


def growth(hidden: tuple[int, ...]) -> float:
    """Return the root mean square of the outputs of linear layers alone, over ten starts."""
    X = _inputs()
    squares = [np.mean(outputs(hidden, "identity", X, seed) ** 2) for seed in range(10)]
    return float(np.sqrt(np.mean(squares)))


def saturation(hidden: tuple[int, ...]) -> float:
    """Return the share of sigmoids of raw scores that lie within 1 % of 0 or 1."""
    p = ACTIVATIONS.make("sigmoid")(outputs(hidden, "identity", _inputs()))
    return float(np.mean((p < 0.01) | (p > 0.99)))  # noqa: PLR2004


def gallery() -> dict[str, dict[str, float]]:
    """Return the span of the deep network's outputs under each of the document's activations."""
    X = _inputs()
    found = {}
    for name in ("sigmoid", "softmax", "tanh", "cos", "relu"):
        y = outputs(DEEP, name, X)
        found[name] = {
            "smallest": float(y.min()),
            "mean": float(y.mean()),
            "largest": float(y.max()),
        }
    return found


def _mistakes(ours: dict[str, Any], runs: dict[str, Run]) -> tuple[Mistake, ...]:
    first = runs["squared"]
    scores = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    whole = curiosities.softmax_over_everything(scores)
    by_row = ACTIVATIONS.make("softmax")(scores)
    large = np.array([[1000.0, 0.0]])
    overflown = curiosities.softmax_over_everything(large)
    line = ours["straight_line_accuracy"]
    stalled = sum(a <= line + 0.02 for _, a in ours["moons_by_seed"])
    # Two labels at once: independent sigmoids can say so, a softmax cannot.
    shared = ACTIVATIONS.make("softmax")(np.array([[4.0, 4.0]]))
    apart = ACTIVATIONS.make("sigmoid")(np.array([[4.0, 4.0]]))
    loss = first.history["loss"]
    return (
        Mistake(
            "squared error on a sigmoid stalls",
            "Its slope carries p (1 - p), which vanishes where the net is sure and wrong: "
            f"{stalled} of 6 starts end within 0.02 of what a straight line gets ({line:.2f}).",
            {"accuracies": [a for _, a in ours["moons_by_seed"]]},
            {"accuracies": [a for _, a in ours["cross_entropy_by_seed"]]},
            "cross-entropy (logistic) on the same nets, starts and steps.",
            (diagnose(runs["squared_stalled"])[0],),
        ),
        Mistake(
            "softmax over the whole batch",
            "The sum runs over all rows, so no row's probabilities add to 1; and without taking "
            "the largest score off, e^1000 overflows.",
            {
                "row_sums": whole.sum(axis=1),
                "of_1000_and_0": overflown[0],
            },
            {
                "row_sums": by_row.sum(axis=1),
                "of_1000_and_0": ACTIVATIONS.make("softmax")(large)[0],
            },
            "sum along each row, after taking its largest score off.",
            (check_probabilities(whole), check_probabilities(overflown)),
        ),
        Mistake(
            'softmax for "multilabel" work',
            "Softmax makes labels share one unit of probability: for exclusive classes. A row that "
            "has two labels for certain cannot be told so.",
            {"two_sure_labels": shared[0]},
            {"two_sure_labels": apart[0]},
            "logistic with one output per label, where a row can have several.",
            (check_probabilities(shared, [[1, 1]]),),
        ),
        Mistake(
            "one step's loss with the parameters of the step before",
            "The loss reported at update 100 was computed before that update, so it belongs to the "
            "parameters after 99.",
            {"reported_at_100": float(loss[99])},
            {"loss_after_100": float(loss[100])},
            'say which: history["loss"][k] is the loss before update k, run.at(k).loss after k.',
            (check_figure(float(loss[99]), run=first, step=100),),
        ),
    )
