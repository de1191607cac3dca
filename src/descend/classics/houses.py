"""houses: linear regression from scratch, a row at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.classics import curiosities
from descend.classics.telling import Classic, Mistake
from descend.curvature import ready, stable_step
from descend.datasets import houses as data
from descend.datasets import legacy
from descend.doctor import check_figure, diagnose
from descend.losses import squared_error
from descend.models import Linear
from descend.optimizers import gradient_descent
from descend.task import Task
from descend.training import train

if TYPE_CHECKING:
    from descend.run import Run

TITLE = "A Gentle Introduction to Deep Learning, part 1: linear regression from scratch"
EXAMPLE = ((300.0, -10.0, -1.0), -26497.0)
RATE, PASSES = 0.05, 10


def run() -> Classic:
    """Run the document: ten passes, one update per row in order, on features as they are."""
    X, y = data()
    published = {"example_weights": [300, -10, -1], "example_intercept": -26497}
    example = X @ np.array(EXAMPLE[0]) + EXAMPLE[1]
    written = _row_by_row(X, y, RATE, PASSES)
    longer = _row_by_row(X, y, RATE, 20)
    finite = [bool(np.isfinite(longer.at(k).theta).all()) for k in range(longer.state.step + 1)]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    summed, mean = _task(reduction="sum"), _task()
    design = np.column_stack([X, np.ones(len(X))])
    ours: dict[str, Any] = {
        "example_predictions": example,
        "example_sum_of_squares": float(((example - y) ** 2).sum()),
        "stable_step": stable_step(ready(summed, X, y)),
        "stable_step_of_the_mean": stable_step(ready(mean, X, y)),
        "stable_step_of_the_mean_standardised": stable_step(ready(mean, Z, y)),
        "stable_step_per_row": [
            stable_step(ready(summed, X[i : i + 1], y[i : i + 1])) for i in range(3)
        ],
        "weights_after_10_passes": written.params["weight"][:, 0],
        "intercept_after_10_passes": float(written.params["bias"][0]),
        "finite_after_10_passes": bool(np.isfinite(written.theta).all()),
        "updates_until_not_finite": finite.index(False),
        "diverged_at_update": written.outcome.diverged_at,
        "rank": int(np.linalg.matrix_rank(design)),
        "parameters": 4,
        "rmse_of_the_example": math.sqrt(float(np.mean((example - y) ** 2))),
    }
    stopped = _row_by_row(X, y, RATE, PASSES, on_divergence="stop")
    mended = train(_task(0.3), Z, y, epochs=200)
    runs = {"written": written, "stopped": stopped, "standardised": mended}
    return Classic("houses", TITLE, ours, published, _mistakes(X, y, ours, runs), runs)


def _task(rate: float = RATE, *, reduction: str = "mean", init: Any = "zeros") -> Task:
    return Task(Linear(init=init), squared_error(), gradient_descent(rate), reduction=reduction)


def _row_by_row(
    X: np.ndarray, y: np.ndarray, rate: float, passes: int, *, on_divergence: str = "continue"
) -> Run:
    start = {"weight": legacy(0).randn(3), "bias": [0.0]}
    task = _task(rate, reduction="sum", init=start)
    return train(
        task, X, y, epochs=passes, batch_size=1, shuffle=False, on_divergence=on_divergence
    )


def _mistakes(
    X: np.ndarray, y: np.ndarray, ours: dict[str, Any], runs: dict[str, Run]
) -> tuple[Mistake, ...]:
    mended = runs["standardised"]
    fits = _two_exact_fits(X, y)
    example = ours["example_predictions"]
    test = curiosities.root_of_the_sum(example, y)
    return (
        Mistake(
            "unscaled features: it diverges",
            "Areas in thousands beside rooms in ones: the step is some 400 000 times the largest "
            "stable one, and every update multiplies the error. The weights are absurd and still "
            "finite, so looking for NaN would not have found it.",
            {
                "largest_weight": float(np.abs(runs["written"].theta).max()),
                "step": RATE,
                "diverged_at_update": runs["stopped"].outcome.diverged_at,
            },
            {
                "loss": mended.outcome.loss,
                "step": 0.3,
                "stable_step": ours["stable_step_of_the_mean_standardised"],
            },
            "standardise the features; then a step of 0.3 is stable.",
            (diagnose(runs["written"])[0],),
        ),
        Mistake(
            "three rows, four parameters",
            "There are infinitely many exact fits, so the data cannot say which weights are right.",
            {"parameters": 4, "rank": ours["rank"], "loss_of_two_different_fits": fits},
            {"parameters": 2, "rank": 2, "loss_of_area_alone": _area_alone(X, y)},
            "more rows than parameters, or fewer features; here, area alone.",
            (diagnose(mended)[0],),
        ),
        Mistake(
            "the test figure is the root of the sum",
            "The mean is taken of the sum, one number, so nothing is divided by the number of "
            "rows: the figure is sqrt(3) times the root of the mean squared error.",
            {"test": test},
            {"rmse": ours["rmse_of_the_example"]},
            "take the mean of the squares, then the root.",
            (check_figure(test, example, y, "rmse"),),
        ),
    )


def _two_exact_fits(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Return the losses of two fits that differ along the direction the rows cannot see."""
    design = np.column_stack([X, np.ones(len(X))])
    least = np.linalg.lstsq(design, y, rcond=None)[0]
    unseen = np.linalg.svd(design)[2][-1]
    return [float(np.mean((design @ theta - y) ** 2)) for theta in (least, least + 1000 * unseen)]


def _area_alone(X: np.ndarray, y: np.ndarray) -> float:
    design = np.column_stack([X[:, :1], np.ones(len(X))])
    best = np.linalg.lstsq(design, y, rcond=None)[0]
    return float(np.mean((design @ best - y) ** 2))
