"""line_sgd: gradient descent, its classification twin, and an animation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.classics import curiosities
from descend.classics.telling import Classic, Mistake
from descend.curvature import eigenvalues, ready
from descend.datasets import line_sgd as data
from descend.doctor import diagnose
from descend.losses import logistic, squared_error
from descend.metrics import accuracy
from descend.models import Linear
from descend.optimizers import gradient_descent
from descend.task import Task
from descend.training import train

if TYPE_CHECKING:
    from descend.run import Run

TITLE = "Stochastic gradient descent (fast.ai / USF lecture)"
PUBLISHED = {
    "losses_each_1000_updates": [
        89.19391632080078,
        0.6885505318641663,
        0.11982045322656631,
        0.11007291823625565,
        0.10528462380170822,
        0.10161882638931274,
        0.09879907965660095,
        0.09662991762161255,
        0.09496115148067474,
        0.09367774426937103,
    ]
}
RATE = 1e-3
THRESHOLD = 10
FRAMES, UPDATES_PER_FRAME = 20, 30


def run() -> Classic:
    """Run the document's three parts: the line, the two classes, the animation."""
    X, y = data()
    line = train(_line(RATE), X, y, epochs=10_000)
    curvatures = eigenvalues(ready(_line(RATE), X, y))
    design = np.column_stack([X, np.ones(len(X))])
    exact = np.linalg.lstsq(design, y, rcond=None)[0]
    labels = (y > THRESHOLD).astype(float)
    classes = train(Task(Linear(), logistic(), gradient_descent(1e-2)), X, labels, epochs=3000)
    moving, frames = _animation()
    ours: dict[str, Any] = {
        "losses_each_1000_updates": line.history["loss"][::1000],
        "w_after_10000_updates": float(line.theta[0]),
        "b_after_10000_updates": float(line.theta[1]),
        "least_squares": exact,
        "floor": float(np.mean((design @ exact - y) ** 2)),
        "curvatures": curvatures,
        "stable_step": float(2 / curvatures[-1]),
        "updates_to_one_percent": math.log(0.01) / math.log(abs(1 - RATE * curvatures[0])),
        "classification_theta": classes.theta,
        "nll": classes.outcome.loss,
        "accuracy": accuracy(classes.predict(X), labels),
        "majority_class": max(float(labels.mean()), 1 - float(labels.mean())),
        "animation_theta": moving.theta,
        "animation_mse": frames[-1],
        "animation_mse_at_start": frames[0],
        "animation_frames": frames,
    }
    runs = {"line": line, "classes": classes, "animation": moving}
    return Classic("line_sgd", TITLE, ours, PUBLISHED, _mistakes(X, y, labels, ours, runs), runs)


def _line(rate: float, init: Any = "zeros") -> Task:
    return Task(Linear(init=init), squared_error(), gradient_descent(rate))


def _animation() -> tuple[Run, list[float]]:
    """Return the run behind the animation, and the loss at the start and after each frame."""
    X, y = data(50)
    moving = train(_line(0.01, {"weight": [-1.0], "bias": [1.0]}), X, y, epochs=600)
    return moving, [moving.at(k).loss for k in range(0, 601, UPDATES_PER_FRAME)]


def _mistakes(
    X: np.ndarray, y: np.ndarray, labels: np.ndarray, ours: dict[str, Any], runs: dict[str, Run]
) -> tuple[Mistake, ...]:
    wrong = curiosities.descend_unsigned_likelihood(X[:, 0], labels, 1e-2, 3000)
    history = {"loss": [row[2] for row in wrong], "accuracy": [row[3] for row in wrong]}
    curvatures = ours["curvatures"]
    best = float(2 / (curvatures[0] + curvatures[-1]))
    quick = train(_line(best), X, y, epochs=200)
    return (
        Mistake(
            "the likelihood has no minus sign",
            'Descending the log-likelihood itself makes it as small as it can be: the "loss" '
            "falls without end while fewer and fewer rows are right, until only the clamp holds "
            "it. Always answering with the larger class would be right more than twice as often.",
            {"loss": wrong[-1][2], "accuracy": wrong[-1][3]},
            {"loss": ours["nll"], "accuracy": ours["accuracy"]},
            "put the minus back; descend's logistic loss has it inside, and needs no clamp.",
            (diagnose(history, X, labels)[0],),
        ),
        Mistake(
            "the step is some 790 times smaller than it may be",
            "At 0.001 the slow direction needs some 34 700 updates to come within 1 % of its end; "
            "the document stops after 10 000.",
            {"loss": runs["line"].outcome.loss, "step": RATE, "updates": 10_000},
            {"loss": quick.outcome.loss, "step": best, "updates": 200},
            "take the step from the curvature: 2/(smallest + largest).",
            (diagnose(runs["line"])[0],),
        ),
        Mistake(
            "its classification output is a stored traceback",
            "The cell was never run to its end as published: it stops with an error at the first "
            "print. Its figures are computed here instead.",
            {"printed": "RuntimeError"},
            {"loss": ours["nll"], "accuracy": ours["accuracy"]},
            "run a document from top to bottom before it is published.",
        ),
    )
