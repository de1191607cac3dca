"""Logistic, softmax and Poisson regression: the optimum, and the information there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import losses
from descend.inference.design import below, blocks, of_run, own
from descend.inference.refusing import INTERCEPT, Why, listed, refuse
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.inference.design import Design
    from descend.run import Run

# Newton steps after which coefficients have no end: where labels are separated each step adds
# about 1 to the scores, and an optimum that far out is a likelihood of e^-50.
_STEPS, _HALVINGS = 50, 40
# The largest change of a score in a step: at the optimum; where rounding is all that is left; and
# where it is on its way.
_THERE, _ROUNDING, _GOING = 1e-9, 1e-5, 1e-3


def most_likely(run: Run, design: Design) -> tuple[Floats, Floats]:
    """Return the maximum likelihood coefficients (m, q), and their covariance (m q, m q)."""
    begun, q = of_run(run, design), len(design.T)
    joint = run.task.loss.targets == "labels"
    groups = [slice(None)] if joint else [slice(j, j + 1) for j in range(len(begun))]
    points, covariance = np.empty((len(begun), q)), np.zeros((len(begun) * q,) * 2)
    for group in groups:
        y = design.y if joint else design.y[:, group].astype(np.float64)
        found, R = _newton(run, design._replace(y=y), begun[group])
        ways = np.kron(np.eye(len(found)), design.T) @ np.linalg.inv(R)
        points[group] = own(design, found)
        places = np.arange(len(begun) * q).reshape(len(begun), q)[group].ravel()
        covariance[np.ix_(places, places)] = ways @ ways.T
    return points, covariance


def _newton(run: Run, design: Design, begun: Floats) -> tuple[Floats, Floats]:
    """Return the optimum (m, p), and the triangle of the information there."""
    loss = run.task.loss
    at, value = np.zeros_like(begun), _value(design, loss, np.zeros_like(begun))
    if (there := _value(design, loss, begun)) <= value:
        at, value = begun, there
    step, before = np.zeros_like(at), math.inf
    for _ in range(_STEPS):
        gradient, R = _bent(design, loss, at)
        try:
            step = -np.linalg.solve(R, np.linalg.solve(R.T, gradient)).reshape(at.shape)
        except np.linalg.LinAlgError:
            break
        change = max(float(np.abs(B @ step.T).max()) for _, B in blocks(design))
        if change <= _THERE or (change <= _ROUNDING and change > before / 2):
            return at + step, R
        length, before = 1.0, change
        ahead, slope = _value(design, loss, at + step), float(gradient @ step.ravel())
        for _ in range(_HALVINGS):
            if change <= _GOING or ahead <= value + 1e-4 * length * slope:
                break
            length /= 2
            ahead = _value(design, loss, at + length * step)
        else:
            break
        at, value = at + length * step, ahead
    refuse(_runaway(run, design, at, step))
    raise AssertionError


def _runaway(run: Run, design: Design, at: Floats, step: Floats) -> Why:
    """Say which coefficients grow without end."""
    moving = np.abs(step).max(axis=0)
    which = np.flatnonzero(moving > 1e-2 * moving.max())  # NaN is not larger
    of = listed([*map(str, run.names), INTERCEPT], which) or "the columns"
    rises = "and the likelihood rises for as long as their coefficients grow"
    advice = "leave them out, or train with an l2 penalty, which has no standard errors"
    if run.task.loss.name == "poisson":
        return f"{of} single out rows of which all counts are 0, {rises}", advice
    right = True
    for part, B in blocks(design):
        scores, y = _full(run.task.loss, B @ at.T), design.y[part]
        hit = scores.argmax(axis=1) == y if y.ndim == 1 else (scores > 0) == (y > 0)
        right = right and bool(hit.all())
    told = "tell all labels apart without a mistake" if right else "tell some labels apart"
    return f"{of} {told} (perfect separation), {rises}", advice


def _full(loss: Any, scores: Floats) -> Floats:
    """Return all scores, that of the first label 0."""
    if loss.targets != "labels":
        return scores
    return np.column_stack([np.zeros(len(scores)), scores])


def _value(design: Design, loss: Any, points: Floats) -> float:
    """Return the summed loss; NaN becomes infinity, which is never lower."""
    total = 0.0
    with np.errstate(all="ignore"):
        for part, B in blocks(design):
            rows = losses.rows(loss, _full(loss, B @ points.T), design.y[part])
            total += float(design.w[part] @ rows)
    return math.inf if math.isnan(total) else total


def _bent(design: Design, loss: Any, points: Floats) -> tuple[Floats, Floats]:
    """Return the gradient (m p,) of the summed loss, and the triangle R of its Hessian RᵀR.

    A row's Hessian by its scores is a sum of squares f fᵀ: the root of the curvature; for softmax,
    diag(p) - p pᵀ = Σ_c p_c (e_c - p)(e_c - p)ᵀ.
    """
    formulas: Any = formulas_of(loss.__class__, np)
    m = len(points)
    gradient: Floats = np.zeros(points.shape)
    R: Floats = np.zeros((0, points.size))
    for part, B in blocks(design, m * (m + 1)):
        scores, w = B @ points.T, design.w[part]
        if loss.targets == "labels":
            p: Floats = formulas.link(loss, _full(loss, scores))
            hit = np.eye(m + 1)[design.y[part]]
            slope = (p - hit)[:, 1:]
            factor = np.sqrt(p)[:, :, None] * (np.eye(m + 1)[None] - p[:, None, :])[:, :, 1:]
        else:
            slope = formulas.slope(loss, scores, design.y[part])
            factor = np.sqrt(formulas.curvature(loss, scores, design.y[part]))[:, :, None]
        gradient += (slope * w[:, None]).T @ B
        rows = (factor * np.sqrt(w)[:, None, None])[:, :, :, None] * B[:, None, None, :]
        R = below(R, rows.reshape(-1, points.size))
    return gradient.ravel(), R
