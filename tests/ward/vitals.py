"""Is a run healthy?  Asked of healthy patients, and of the cured twin of every ill one."""

from __future__ import annotations

import numpy as np
from tests.ward import anatomy

CLOSE = 0.01  # of the way from the start to the minimum may be left
SETTLED = 0.03  # of a net's whole descent may lie in its last fifth
WORSE = 1.05  # times its best, at most, may be the last validation loss


def complaint(run):
    """Return what is wrong with a run, in a few words; empty where nothing is."""
    if not np.isfinite(run.theta).all() or run.outcome.reason == "diverged":
        return "diverged"
    if run.task.model.name == "custom" or run.task.loss.name == "custom":
        return _of_custom(run)
    found = _of_linear(run) if run.task.model.linear else _of_net(run)
    return found or _of_validation(run)


def done(run):
    """Tell whether the descent itself did its work."""
    if not np.isfinite(run.theta).all() or run.outcome.reason == "diverged":
        return False
    if not run.task.model.linear:
        return _of_net(run) == ""
    return anatomy.gap(run) <= 2 * CLOSE


def _of_custom(run):
    loss = run.history["loss"]
    return "" if loss[-1] < loss[0] else "the loss did not fall"


def _of_linear(run):
    start, end, bottom = (
        anatomy.objective(run, anatomy.start_of(run)),
        anatomy.objective(run),
        anatomy.least(run),
    )
    if not end - bottom <= CLOSE * max(start - bottom, 1e-9 * abs(start)):
        return f"{(end - bottom) / (start - bottom):.3f} of the way left"
    loss, penalty = run.task.loss.name, run.task.penalty
    if loss in {"logistic", "softmax"} and penalty is None and bottom < 0.02 * start:
        return "separable"
    return ""


def _of_net(run):
    start, end = anatomy.objective(run, anatomy.start_of(run)), anatomy.objective(run)
    later = run.at(int(0.8 * run.state.step)).theta
    if not end < start:
        return "the loss did not fall"
    if anatomy.objective(run, later) - end > SETTLED * (start - end):
        return "still falling"
    return _of_units(run)


def _of_units(run):
    """Most units of each layer do something, and do not all stick."""
    for z, a in zip(*anatomy.hidden(run), strict=True):
        if np.mean(a.std(axis=0) < 1e-9) > 0.34:
            return "dead units"
        if run.task.model.activation.name in {"tanh", "sigmoid"} and np.mean(np.abs(z) > 5) > 0.5:
            return "saturated units"
    return ""


def _of_validation(run):
    if run.data.validation is None or run.outcome.reason == "validation":
        return ""
    seen = run.history["validation_loss"]
    first, best, last = seen[0], seen.min(), seen[-1]
    if last > WORSE * best + 0.02 * abs(first - best):
        return "validation loss rose"
    training, held = anatomy.objective(run), anatomy.held_out(run)
    if held - training > 0.5 * abs(training) and held - training > 0.1 * abs(first - best):
        return "validation far from training"
    return ""


def r2(run, X, y):
    y = np.asarray(y, float).reshape(len(y), -1)
    error = np.asarray(run.predict(X)).reshape(y.shape) - y
    return float(1 - (error**2).sum() / ((y - y.mean(axis=0)) ** 2).sum())
