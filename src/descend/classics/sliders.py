"""sliders: model + loss + optimizer, by hand and by machine."""

from __future__ import annotations

import numpy as np

from descend.classics.telling import Classic, Mistake
from descend.curvature import eigenvalues, ready
from descend.datasets import moons
from descend.datasets import sliders as data
from descend.doctor import check_figure
from descend.losses import evaluate, logistic, squared_error
from descend.metrics import accuracy
from descend.models import MLP, Linear
from descend.optimizers import adam, gradient_descent
from descend.task import Task
from descend.training import train

TITLE = "Neural Networks from Scratch (model + loss + optimizer)"
PUBLISHED = {"mse_of_the_bad_estimate_with_noise": 702.42755}
BAD = (-5.0, 3.0)


def run() -> Classic:
    """Run the document: a bad estimate, then the machine; and the two models it only announces."""
    X, y = data()
    start = {"weight": [BAD[0]], "bias": [BAD[1]]}
    task = Task(Linear(init=start), squared_error(), gradient_descent(0.1))
    line = train(task, X, y, epochs=200)
    curvatures = eigenvalues(ready(task, X, y))
    X2, labels = moons()
    straight = train(Task(Linear(), logistic(), gradient_descent(1.0)), X2, labels, epochs=1000)
    net = train(Task(MLP((8,)), logistic(), adam(0.05)), X2, labels, epochs=500)
    bad = BAD[0] * X + BAD[1]
    ours = {
        "mse_of_the_bad_estimate": evaluate(squared_error(), bad, y[:, None]),
        "curvatures": curvatures,
        "stable_step": float(2 / curvatures[-1]),
        "best_step": float(2 / (curvatures[0] + curvatures[-1])),
        "w_by_machine": float(line.theta[0]),
        "b_by_machine": float(line.theta[1]),
        "mse_by_machine": line.outcome.loss,
        "logistic_accuracy": accuracy(straight.predict(X2), labels),
        "network_accuracy": accuracy(net.predict(X2), labels),
    }
    runs = {"line": line, "logistic": straight, "network": net}
    return Classic("sliders", TITLE, ours, PUBLISHED, _mistakes(X, y), runs)


def _mistakes(X: np.ndarray, y: np.ndarray) -> tuple[Mistake, ...]:
    bad = BAD[0] * X[:, 0] + BAD[1]
    errors = (bad - y) ** 2
    said = float(np.mean(np.sum(errors)))
    other = data()[0][:, 0] * 4 + 1  # what a learner who chose w = 4, b = 1 should have got
    return (
        Mistake(
            '"the average of the sum" of squared errors',
            "The loss is the average of the squared errors. The average of their sum is the sum "
            "itself, for a sum is one number: as many times larger as there are rows.",
            {"average_of_the_sum": said},
            {"average": float(np.mean(errors))},
            "say mean squared error: the reduction is part of the task (mean or sum).",
            (check_figure(said, bad, y),),
        ),
        Mistake(
            "the answers overwrite the learner's own",
            "Exercises are not checked, and importing the answers replaces what the learner "
            "wrote: the data answer w = 2 and b = 20 whatever was chosen.",
            {"y_at_x_5_for_w_4_b_1": float(y[-1])},
            {"y_at_x_5_for_w_4_b_1": float(other[-1])},
            "check what the learner wrote, and keep the answers in another place.",
            # Of data made by the learner's own line the loss of that line would be 0.
            (check_figure(0.0, other, y),),
        ),
    )
