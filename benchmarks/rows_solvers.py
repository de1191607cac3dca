"""Solving to the end: logistic regression and least squares with an L2 penalty.

Every contestant must end where the whole objective's gradient is at most 1e-6 of its length at
zero, judged by one formula in double precision. Each peer gets the LOOSEST tolerance that takes it
there, found before the race by tightening tenfold, then loosening by halves: none is made to work
longer than asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import (
    BEST,
    Contestant,
    MissingError,
    Race,
    UnfairError,
    library,
    peers,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 1e-6
NOTE = (
    "Double precision, from zero until the gradient is 1e-6 of its first length; each peer with "
    "the loosest tolerance that takes it there. scikit-learn's C=1 is a penalty of 1/n on the mean."
)


class Objective:
    """The mean loss plus strength/2 |w|² (the bias is free), and its gradient."""

    def __init__(self, X: Any, y: Any, strength: float, *, squared: bool) -> None:
        self.X, self.y, self.strength, self.squared = X, y, strength, squared
        self.first = float(np.linalg.norm(self.gradient(np.zeros(X.shape[1]), 0.0)))

    def gradient(self, w: Any, b: Any) -> Any:
        """Return it, the bias last."""
        z = self.X @ w + b
        error = 2.0 * (z - self.y) if self.squared else data.sigmoid(z) - self.y
        return np.append(self.X.T @ error / len(z) + self.strength * w, error.mean())

    def small(self, w: Any, b: Any) -> float:
        """Return the gradient's length, as a share of its first."""
        return float(np.linalg.norm(self.gradient(w, b))) / self.first

    def judge(self, answer: Any) -> float:
        """Return the objective at an answer that is small enough."""
        w, b = answer
        reached = self.small(w, b)
        if not reached <= SMALL:
            msg = f"ended at {reached:.1e} of the first gradient, not at {SMALL:g}"
            raise UnfairError(msg)
        formula = data.squared if self.squared else data.logistic
        return formula(self.X, self.y, w, b) + 0.5 * self.strength * float(w @ w)


def loosest(fit: Callable[[float], Any], objective: Objective) -> Contestant:
    """Return the fit with the loosest tolerance that reaches the goal."""
    tolerance = 1e-3
    while objective.small(*fit(tolerance)) > SMALL:
        tolerance /= 10
        if tolerance < 1e-15:
            break  # it will be judged, and its word will say how far it came
    for _ in range(3):
        if objective.small(*fit(2 * tolerance)) > SMALL:
            break
        tolerance *= 2
    return lambda: fit(tolerance)


def answer_of(model: Any) -> Any:
    """Return (w, b) of an estimator in scikit-learn's fashion."""
    return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])


def ours(task_of: Callable[[Any], Any], X: Any, y: Any) -> Contestant:
    """Return ours by Newton's method, or by L-BFGS where only that exists."""
    name = next((name for name in ("newton", "lbfgs") if hasattr(ds, name)), None)
    if name is None:
        msg = "descend has neither newton nor lbfgs yet"
        raise MissingError(msg)
    task = task_of(getattr(ds, name)())

    def train() -> Any:
        run = ds.train(task, X, y, epochs=1000, gradient_tolerance=SMALL)
        return run.theta[:-1], run.theta[-1]

    return train


@row("logistic-l2", "logistic regression, C=1, 200k x 50, to a gradient of 1e-6", {BEST: 2.5}, NOTE)
def logistic_l2(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(2_000 if smoke else 200_000, 50)
    strength = 1.0 / len(X)
    objective = Objective(X, y, strength, squared=False)
    mine = ours(lambda how: ds.Task(ds.Linear(), ds.logistic(), how, penalty=ds.l2(strength)), X, y)

    def estimator(module: str, solver: str) -> Contestant:
        family = library(module).LogisticRegression

        def fit(tolerance: float) -> Any:
            return answer_of(family(C=1.0, solver=solver, tol=tolerance, max_iter=1000).fit(X, y))

        return loosest(fit, objective)

    def glum() -> Contestant:
        family = library("glum").GeneralizedLinearRegressor

        def fit(tolerance: float) -> Any:
            model = family(family="binomial", alpha=strength, l1_ratio=0.0, gradient_tol=tolerance)
            return answer_of(model.fit(X, y.astype(float)))

        return loosest(fit, objective)

    makers = {
        "scikit-learn newton-cholesky": lambda: estimator(
            "sklearn.linear_model", "newton-cholesky"
        ),
        "scikit-learn lbfgs": lambda: estimator("sklearn.linear_model", "lbfgs"),
        "scikit-learn-intelex lbfgs": lambda: estimator("sklearnex.linear_model", "lbfgs"),
        "glum": glum,
    }
    return Race(mine, peers(makers), objective.judge)


@row("ridge", "least squares with L2, 1M x 50, to a gradient of 1e-6", {BEST: 1.5}, NOTE)
def ridge(*, smoke: bool) -> Race:
    """Prepare it; scikit-learn's alpha is n/2 times our strength."""
    X, y = data.numbers(2_000 if smoke else 1_000_000, 50)
    strength = 2.0 / len(X)
    objective = Objective(X, y, strength, squared=True)
    mine = ours(
        lambda how: ds.Task(ds.Linear(), ds.squared_error(), how, penalty=ds.l2(strength)), X, y
    )

    def estimator(module: str) -> Contestant:
        family = library(module).Ridge
        return lambda: answer_of(family(alpha=1.0).fit(X, y))

    def augmented() -> Any:
        d = X.shape[1]
        A = np.zeros((len(X) + d, d + 1))
        A[: len(X), :d], A[: len(X), d] = X, 1.0
        A[len(X) :, :d] = np.eye(d)
        found = np.linalg.lstsq(A, np.append(y, np.zeros(d)), rcond=None)[0]
        return found[:-1], found[-1]

    makers = {
        "scikit-learn Ridge": lambda: estimator("sklearn.linear_model"),
        "scikit-learn-intelex Ridge": lambda: estimator("sklearnex.linear_model"),
        "NumPy lstsq": lambda: augmented,
    }
    return Race(mine, peers(makers), objective.judge)
