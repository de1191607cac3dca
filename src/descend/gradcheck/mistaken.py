"""The backward pass of a task with chosen mistakes in it: what a wrong gradient would be.

`Choices` says what is done otherwise; without any the pass is the reference's.  Two things come
out beside the gradient: each layer's summed errors, which a weight gradient repeats when the
multiplication by the layer's input is left out, and magnitudes, the same pass with everything
taken absolutely, which bound what rounding can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, models
from descend.activations import Activation
from descend.activations import backward as backward_through
from descend.activations import value as activate
from descend.arrays import Array, Floats, Layout
from descend.losses import LOSSES
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.task import Task

# A score near its target, or an activation in its flat tail, is a difference of larger numbers and
# may be made of rounding alone; this much of them counts as size.
FLOOR = 0.01
# Scores against targets, (n, n), are only made of this many rows.
BROADCAST = 1000


class Choices(NamedTuple):
    """What is done otherwise.

    Attributes
    ----------
    slope
        "", "extra-link", "missing-link", "broadcast", "broadcast-back", or another loss's name.
    activation
        "", "missing" or "at-output".
    layer
        The hidden layer where that is done; 0 for all of them.
    """

    slope: str = ""
    activation: str = ""
    layer: int = 0


class Passed(NamedTuple):
    """A gradient (P,), per layer the summed errors, and magnitudes (P,)."""

    gradient: Floats
    sums: list[Floats]
    magnitude: Floats


def mistaken(  # noqa: PLR0913, PLR0917 - a problem in parts
    task: Task,
    layout: Layout,
    theta: Floats,
    X: Any,
    y: Array,
    weights: Floats | None,
    choices: Choices,
    back: Floats | None = None,
) -> Passed:
    """Return the gradient of the reduced loss, without penalty, with the mistakes chosen.

    `back` are the parameters that the way back uses, where they are not those of the way there.
    """
    with np.errstate(all="ignore"):
        scores, tape = models.forward(task.model, theta, layout, X)
        raw = _slopes(task.loss, scores, y, choices.slope)
        divisor = losses.mass(weights, X.shape[0], task.reduction)
        if task.loss.targets != "labels":
            divisor *= scores.shape[1]
        scale = np.full((X.shape[0], 1), 1.0 / divisor)
        scale = scale if weights is None else scale * weights[:, None]
        size = (np.abs(raw) + FLOOR * np.maximum(np.abs(scores), 1.0)) * scale
        return _backward(
            task.model, layout, theta if back is None else back, tape, raw * scale, size, choices
        )


def _backward(  # noqa: PLR0913, PLR0917 - there and back
    model: Any,
    layout: Layout,
    theta: Floats,
    tape: Any,
    g: Floats,
    size: Floats,
    choices: Choices,
) -> Passed:
    gradient, magnitude = np.empty(layout.size), np.empty(layout.size)
    stack = models.layers(model, layout.split(theta))
    slots = models.layers(model, layout.split(gradient))
    sizes = models.layers(model, layout.split(magnitude))
    sums = []
    for depth in range(len(stack) - 1, -1, -1):
        rows = tape.inputs[depth]
        slots[depth][0][...] = rows.T @ g
        felt = np.abs(rows) + FLOOR if depth else abs(rows)
        sizes[depth][0][...] = felt.T @ size
        if slots[depth][1] is not None:
            slots[depth][1][...] = g.sum(axis=0)
            sizes[depth][1][...] = size.sum(axis=0)
        sums.append(g.sum(axis=0))
        if depth:
            W, z, a = stack[depth][0], tape.sums[depth - 1], tape.inputs[depth]
            wrong = choices.activation if choices.layer in {0, depth} else ""
            g = _through(model.activation, z, a, g @ W.T, wrong)
            size = _size_through(model.activation, z, a, size @ np.abs(W).T)
    return Passed(gradient, sums[::-1], magnitude)


def _through(activation: Activation, z: Floats, a: Floats, g: Floats, wrong: str) -> Floats:
    if wrong == "missing":
        return g
    if wrong == "at-output":
        z, a = a, activate(activation, a)
    found: Floats = backward_through(activation, z, a, g)
    return found


def _size_through(activation: Activation, z: Floats, a: Floats, size: Floats) -> Floats:
    if activation.rowwise:
        found: Floats = a * (size + (a * size).sum(axis=-1, keepdims=True))
        return found
    return np.asarray(np.maximum(np.abs(backward_through(activation, z, a, size)), FLOOR * size))


def _slopes(  # noqa: PLR0911 - one for each mistake
    loss: losses.Loss, s: Floats, y: Array, wrong: str
) -> Floats:
    """Return the derivative of each row's loss by its scores (n, k), or what is taken for it."""
    slope = formulas_of(type(loss), np).slope
    if wrong == "broadcast":
        return np.asarray(slope(loss, s, y.T).mean(axis=1, keepdims=True))
    if wrong == "broadcast-back":
        return np.asarray(slope(loss, s, y.T).mean(axis=0)[:, None])
    if wrong == "extra-link":
        g = slope(loss, s, y)
        if loss.targets == "labels":  # the link's Jacobian is diag(p) - p pᵀ
            p = losses.predicted(loss, s)
            return np.asarray(p * (g - (p * g).sum(axis=1, keepdims=True)))
        return np.asarray(g * link_slope(loss, s))
    if wrong == "missing-link":
        return np.asarray(slope(loss, s, y) / link_slope(loss, s))
    if wrong:
        other: losses.Loss = other_losses(loss)[wrong]
        y = _numbers(loss, s, y)
        return np.asarray(formulas_of(type(other), np).slope(other, s, y))
    return np.asarray(slope(loss, s, y))


def link_slope(loss: losses.Loss, s: Floats, h: float = 1e-5) -> Floats:
    """Return the derivative of the inverse link by the score."""
    high, low = losses.predicted(loss, s + h), losses.predicted(loss, s - h)
    return (high - low) / (2 * h)


def other_losses(loss: Any) -> dict[str, Any]:
    """Return the losses, by name, whose gradient may have been written down for this one's."""
    found: dict[str, Any] = {
        name: LOSSES.make(name)
        for name in LOSSES
        if name != loss.name and LOSSES.make(name).targets != "labels"
    }
    if loss.name == "quantile":
        found["quantile(1 - q)"] = LOSSES.make("quantile", q=1 - loss.q)
    return found


def _numbers(loss: losses.Loss, s: Floats, y: Array) -> Array:
    """Return targets as numbers (n, k): labels as the rows of an identity matrix."""
    return np.eye(s.shape[1])[y] if loss.targets == "labels" else y
