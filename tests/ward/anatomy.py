"""The physician's own mathematics: nothing here asks descend for a value, a slope or a curvature.

Values and gradients are those of `tests.handwritten`; minima are SciPy's; curvatures are NumPy's
eigenvalues, or differences of those gradients.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog, minimize
from tests import handwritten
from tests.handwritten import ACTIVATION, Setting

CURVATURE = {
    "squared_error": 2.0,
    "half_squared_error": 1.0,
    "huber": 1.0,
    "log_cosh": 1.0,
    "logistic": 0.25,
    "softmax": 0.5,
    "squared_hinge": 2.0,
}
KINKED = ("absolute_error", "quantile", "hinge")


def setting_of(run):
    """Return what was trained, for the pass by hand."""
    task = run.task
    penalty = task.penalty
    return Setting(
        sizes=(run.setup.d, *task.model.hidden, run.setup.k),
        bias=task.model.bias,
        activation=task.model.activation.name,
        loss=task.loss.name,
        c=getattr(task.loss, "delta", getattr(task.loss, "q", None)),
        strength=0.0 if penalty is None else float(penalty.l2),
        penalised_biases=False if penalty is None else bool(penalty.biases),
        reduction=task.reduction,
        weights=run.data.weights,
    )


def rows_of(run):
    """Return X as the model meets it, in double precision, and y."""
    X = np.asarray(run.data.seen[0], dtype=float)
    return X, run.data.y


def objective(run, theta=None, rows=None):
    """Return the objective over the training rows."""
    X, y = rows_of(run) if rows is None else rows
    theta = run.theta if theta is None else theta
    return handwritten.objective(setting_of(run), np.asarray(theta, float), X, y)


def gradient(run, theta, rows=None):
    X, y = rows_of(run) if rows is None else rows
    return handwritten.gradient(setting_of(run), theta, X, y)


def start_of(run):
    return np.asarray(run.at(0).theta, float)


def scores(run, X, theta=None):
    """Return the raw scores of rows as the model meets them."""
    setting = setting_of(run)
    theta = np.asarray(run.theta if theta is None else theta, float)
    return handwritten._forward(setting, setting.unpack(theta), np.asarray(X, float))[1][-1]


def hidden(run, theta=None):
    """Return the sums and the activations of each hidden layer over the training rows."""
    setting = setting_of(run)
    theta = np.asarray(run.theta if theta is None else theta, float)
    sums = handwritten._forward(setting, setting.unpack(theta), rows_of(run)[0])[1][:-1]
    return sums, [ACTIVATION[setting.activation][0](z) for z in sums]


def slopes_by_layer(run, theta):
    """Return the length of the gradient by each layer's weight, first to last."""
    parts = setting_of(run).unpack(gradient(run, theta))
    return [float(np.linalg.norm(v)) for name, v in parts.items() if name.endswith("weight")]


def design(X, *, bias=True):
    X = np.asarray(X, dtype=float)
    return np.column_stack([X, np.ones(len(X))]) if bias else X


def curvatures(X, loss="squared_error", *, bias=True, reduction="mean", k=1, steepest=None):
    """Return the eigenvalues, smallest first, of c A'A / n, the steepest Hessian."""
    A = design(X, bias=bias)
    c = CURVATURE[loss] if steepest is None else steepest
    return np.linalg.eigvalsh(A.T @ A) * c / (len(A) if reduction == "mean" else 1) / k


def limit(X, loss="squared_error", **facts):
    """Return 2 / L: plain descent is stable below it."""
    return 2.0 / curvatures(X, loss, **facts)[-1]


def top_curvature(run, theta, steps=60):
    """Return the largest eigenvalue of the Hessian at theta, by differences of gradients."""
    rows = rows_of(run)
    theta = np.asarray(theta, float)
    v = np.random.default_rng(0).normal(size=theta.size)
    size = 0.0
    for _ in range(steps):
        v = v / np.linalg.norm(v)
        h = 1e-5
        ahead, behind = (gradient(run, theta + s * h * v, rows) for s in (1, -1))
        v = (ahead - behind) / (2 * h)
        size = float(np.linalg.norm(v))
    return size


def least(run):
    """Return the smallest objective of a linear model, by SciPy."""
    X, y = rows_of(run)
    if run.task.loss.name in KINKED:
        return _least_kinked(run, X, y)
    setting = setting_of(run)

    def both(theta):
        value = handwritten.objective(setting, theta, X, y)
        return value, handwritten.gradient(setting, theta, X, y)

    values = []
    for begin in (np.asarray(run.theta, float), start_of(run)):
        if np.isfinite(begin).all() and np.isfinite(both(begin)[0]):
            found = minimize(both, begin, jac=True, method="L-BFGS-B", options={"maxiter": 2000})
            values.append(float(found.fun))
    if setting.loss in {"squared_error", "half_squared_error"} and not setting.strength:
        values.append(_least_squares(run, X, y))
    return min(values)


def _least_squares(run, X, y):
    A = design(X, bias=run.task.model.bias)
    theta = np.linalg.lstsq(A, y, rcond=None)[0]
    return objective(run, theta.ravel())


def _least_kinked(run, X, y):
    """Return the smallest mean of a kinked loss, by linear programming."""
    name, n = run.task.loss.name, len(X)
    A = design(X, bias=run.task.model.bias)
    p = A.shape[1]
    q = {"absolute_error": None, "hinge": None}.get(name, getattr(run.task.loss, "q", None))
    up, down = (1.0, 1.0) if q is None else (q, 1.0 - q)
    if name == "hinge":
        signs = 2.0 * y.reshape(-1) - 1
        found = linprog(
            np.r_[np.zeros(p), np.ones(n) / n],
            A_ub=-np.column_stack([A * signs[:, None], np.eye(n)]),
            b_ub=-np.ones(n),
            bounds=[(None, None)] * p + [(0, None)] * n,
        )
    else:
        found = linprog(
            np.r_[np.zeros(p), np.full(n, up / n), np.full(n, down / n)],
            A_eq=np.column_stack([A, np.eye(n), -np.eye(n)]),
            b_eq=y.reshape(-1),
            bounds=[(None, None)] * p + [(0, None)] * 2 * n,
        )
    return float(found.fun)


def separable(X, y):
    """Tell whether a hyperplane has one class on each side (linear programming)."""
    A = design(X) * (2.0 * np.ravel(y) - 1)[:, None]
    found = linprog(np.zeros(A.shape[1]), A_ub=-A, b_ub=-np.ones(len(A)), bounds=(None, None))
    return found.status == 0


def gap(run, theta=None):
    """Return how much of the way from the start to the minimum is left at theta, 0 to 1."""
    bottom, top = least(run), objective(run, start_of(run))
    return (objective(run, theta) - bottom) / max(top - bottom, 1e-300)


def held_out(run, theta=None):
    """Return the mean loss over the validation rows."""
    _, y, _ = run.data.validation
    X = np.asarray(run.data.seen_validation[0], float)
    return float(held_out_rows(run, X, y, theta).mean())


def held_out_rows(run, X, y, theta=None):
    setting = setting_of(run)
    targets = handwritten._targets(setting, y)
    value = handwritten.LOSS[setting.loss][0]
    return value(scores(run, X, theta), targets, setting.c).mean(axis=1)


def accuracy(run, X, y):
    return float(np.mean(run.predict(X) == np.asarray(y)))
