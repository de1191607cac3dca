"""Vectors for the page's mathematics: scores, losses and gradients as Python has them, as JSON.

Every loss with every kind of output, every activation, linear models and nets of several depths,
with and without biases, penalties, weights, means and sums.  The reference engine makes them (the
other engines, finite differences, JAX and PyTorch judge that one); the page in a browser must make
the same.  Numbers that are not finite are null.
"""

from __future__ import annotations

import math

import numpy as np

import descend as ds
from descend.activations import ACTIVATIONS
from descend.curvature import ready
from descend.engines import ByHand
from descend.losses import LOSSES, predicted, rows
from descend.models import MLP, forward
from descend.penalties import PENALTIES

ROWS = 7
# Scores so far out that naive formulas overflow or cancel.
FAR = 40.0

LINEAR = ((2, 1), True), ((3, 1), False)
NETS = ((2, 4, 1), True), ((3, 4, 3, 2), False), ((2, 3, 4, 2, 1), True)


def vectors():
    """Return the cases, plain JSON: what goes in, and what must come out."""
    rng = np.random.default_rng(19)
    cases = [
        case(rng, loss, sizes, bias, "tanh", **more)
        for loss in LOSSES
        for (sizes, bias), more in zip(LINEAR + NETS, MORE, strict=True)
    ]
    cases += [
        case(rng, loss, sizes, bias, activation)
        for activation in ACTIVATIONS
        for loss, (sizes, bias) in zip(("squared_error", "logistic", "softmax"), NETS, strict=True)
    ]
    far = [case(rng, loss, (2, 1), True, "tanh", stretch=FAR) for loss in LOSSES]
    far += [case(rng, "squared_error", (2, 4, 1), True, a, stretch=FAR) for a in ACTIVATIONS]
    cases += far
    for number, found in enumerate(cases):
        found["name"] = f"{number}: {found['name']}"
    assert {more["penalty"].name for more in MORE if more["penalty"]} == set(PENALTIES)
    return cases


MORE = (
    {"penalty": None, "reduction": "mean", "weighted": False},
    {"penalty": ds.l2(0.3), "reduction": "sum", "weighted": True},
    {"penalty": ds.l2(0.1, biases=True), "reduction": "mean", "weighted": True},
    {"penalty": ds.l1(0.2), "reduction": "sum", "weighted": False},
    {"penalty": ds.elastic_net(0.4, 0.25, biases=True), "reduction": "mean", "weighted": False},
)


def case(
    rng,
    loss,
    sizes,
    bias,
    activation,
    *,
    penalty=None,
    reduction="mean",
    weighted=False,
    stretch=1.0,
):
    part = made(LOSSES, loss, rng)
    sizes = (*sizes[:-1], max(sizes[-1], 3)) if part.targets == "labels" else sizes
    d, *hidden, k = sizes
    acts = made(ACTIVATIONS, activation, rng)
    model = MLP(tuple(hidden), acts, bias=bias) if hidden else ds.Linear(bias)
    task = ds.Task(model, part, ds.gradient_descent(0.1), penalty, reduction)
    X = single(rng.normal(size=(ROWS, d)))
    y = targets(rng, part, k)
    weights = single(rng.uniform(0.2, 2, ROWS)) if weighted else None
    problem = ready(task, X, y, weights)
    theta = single(stretch * rng.normal(scale=0.7, size=problem.layout.size))
    return {
        "name": f"{model_words(model)}, {loss}, {'far, ' if stretch > 1 else ''}{reduction}",
        "page": page_of(task, problem, sizes),
        "theta": plain(theta),
        "X": plain(X),
        "y": plain(problem.y if problem.y.ndim > 1 else problem.y[:, None]),
        "weights": None if weights is None else plain(weights),
        **results(problem, theta),
    }


def results(problem, theta):
    """Return what must come out, by the reference engine.

    An absolute penalty is in the objective and not in the gradient: it works by a proximal step.
    """
    loss = problem.task.loss
    with np.errstate(all="ignore"):
        scores = forward(problem.task.model, theta, problem.layout, problem.X)[0]
        objective, gradient = ByHand(problem).value_and_gradient(theta)
        return {
            "scores": plain(scores),
            "predicted": plain(predicted(loss, scores)),
            "loss_per_row": plain(rows(loss, scores, problem.y)),
            "objective": plain(objective),
            "gradient": plain(gradient),
        }


def page_of(task, problem, sizes):
    """Return the parts of the page's JSON that its mathematics reads; see contract.ts."""
    layout, start = [], 0
    for name, shape in problem.layout.entries:
        layout.append({"name": name, "shape": list(shape), "start": start})
        start += math.prod(shape)
    penalty = task.penalty
    return {
        "model": {
            "kind": "layers",
            "label": model_words(task.model),
            "sizes": list(sizes),
            "activation": described(task.model.activation),
            "bias": task.model.bias,
        },
        "loss": {
            **described(task.loss),
            "targets": task.loss.targets,
            "proper": task.loss.proper,
        },
        "reduction": task.reduction,
        "penalty": None if penalty is None else described(penalty),
        "layout": layout,
    }


def described(part):
    numbers = {name: float(value) for name, value in part._asdict().items()}
    return {"name": part.name, "parameters": numbers}


def made(family, name, rng):
    """Return a part with numbers that are none of its defaults."""
    if name in {"huber", "elu"}:
        return family.make(name, **{family.make(name)._fields[0]: float(rng.uniform(0.4, 1.6))})
    if name in {"quantile", "leaky_relu"}:
        return family.make(name, **{family.make(name)._fields[0]: float(rng.uniform(0.1, 0.4))})
    return family.make(name)


def targets(rng, loss, k):
    if loss.targets == "labels":
        return np.arange(ROWS) % k
    if loss.targets == "two labels":
        columns = np.arange(ROWS)[:, None] + np.arange(k)
        return (columns % 2).astype(float) if k > 1 else columns[:, 0] % 2
    if loss.targets == "counts":
        return rng.poisson(2.0, size=(ROWS, k)).astype(float)
    return single(rng.normal(scale=2, size=(ROWS, k)))


def single(numbers):
    """Return numbers that single precision holds, as doubles: the page gets float32."""
    return np.asarray(numbers).astype(np.float32).astype(np.float64)


def plain(values):
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    return [plain(value) for value in np.asarray(values).tolist()] if np.ndim(values) else values


def model_words(model):
    hidden = ", ".join(map(str, model.hidden))
    bias = "" if model.bias else ", no bias"
    return f"mlp({hidden}; {model.activation.name}{bias})" if hidden else f"linear{bias}"
