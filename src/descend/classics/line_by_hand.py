"""line_by_hand: one step at a time, with training and validation sets."""

from __future__ import annotations

import numpy as np

from descend.classics import curiosities
from descend.classics.telling import Classic, Mistake
from descend.curvature import eigenvalues, ready
from descend.datasets import legacy
from descend.datasets import line_by_hand as data
from descend.doctor import check_figure
from descend.losses import evaluate, squared_error
from descend.models import Linear
from descend.optimizers import gradient_descent
from descend.task import Task
from descend.training import train

TITLE = "PyTorch Deep Learning (II) - A Simple Regression"
PUBLISHED = {
    "loss": 2.720278897826747,
    "gradient_b": -3.044811379650508,
    "gradient_w": -1.8337537171510832,
    "b_after_one_update": 0.80119529,
    "w_after_one_update": 0.04511107,
}


def run() -> Classic:
    """Run the document: a random start, one step in slow motion, then a thousand."""
    rows = data()
    rng = legacy(42)
    b, w = rng.randn(1), rng.randn(1)
    start = {"weight": w, "bias": b}
    task = Task(Linear(init=start), squared_error(), gradient_descent(0.1))
    held = (rows.X_validation, rows.y_validation)
    done = train(task, rows.X, rows.y, epochs=1000, validation=held)
    first, second = done.at(0), done.at(1)
    curvatures = eigenvalues(ready(task, rows.X, rows.y))
    design = np.column_stack([rows.X, np.ones(len(rows.X))])
    exact = np.linalg.lstsq(design, rows.y, rcond=None)[0]
    held_design = np.column_stack([rows.X_validation, np.ones(20)])
    ours = {
        "b_start": float(b[0]),
        "w_start": float(w[0]),
        "loss": first.loss,
        "gradient_b": float(first.gradient[1]),
        "gradient_w": float(first.gradient[0]),
        "b_after_one_update": float(second.theta[1]),
        "w_after_one_update": float(second.theta[0]),
        "b_after_1000_updates": float(done.theta[1]),
        "w_after_1000_updates": float(done.theta[0]),
        "b_least_squares": float(exact[1, 0]),
        "w_least_squares": float(exact[0, 0]),
        "curvatures": curvatures,
        "stable_step": float(2 / curvatures[-1]),
        "best_step": float(2 / (curvatures[0] + curvatures[-1])),
        "mse_train_at_optimum": evaluate(squared_error(), design @ exact, rows.y),
        "mse_validation_at_optimum": evaluate(
            squared_error(), held_design @ exact, rows.y_validation
        ),
    }
    scores = float(w[0]) * rows.X + float(b[0])
    shape, wrong = curiosities.broadcast_error(scores, rows.y)
    mistakes = (
        Mistake(
            "the printed loss is not the code's",
            "The document prints a loss that its own code does not give; no subset of its data "
            "gives it. The gradients it prints are right to the last digit.",
            {"loss": PUBLISHED["loss"]},
            {"loss": first.loss},
            "print what was computed; descend's figures are computed when asked.",
            (check_figure(PUBLISHED["loss"], run=done, step=0),),
        ),
        Mistake(
            "(80, 1) minus (80,)",
            "If the targets lose their second dimension, NumPy broadcasts the difference to 80 by "
            "80, every prediction against every target; its mean square is wrong and looks right.",
            {"shape": list(shape), "loss": wrong},
            {"shape": [80, 1], "loss": first.loss},
            "give scores and targets the same shape; descend's losses refuse anything else.",
            (check_figure(wrong, run=done, step=0),),
        ),
    )
    return Classic("line_by_hand", TITLE, ours, PUBLISHED, mistakes, {"line": done})
