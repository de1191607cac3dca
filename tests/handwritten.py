"""A linear model or a network, forwards and backwards by hand, with the slips a learner makes.

Every value and derivative is written here a second time, by another hand than descend's, so that
a gradient which is wrong on purpose is wrong in one known way and right in all others.

Conventions: X (n, d), scores (n, k); theta is flat, layer by layer, the weight (inputs, units) row
by row and then the bias (units,).  `gradient` takes ``slips``: a dict from the name of a mistake to
its detail.  Without slips it is right, and `tests.test_mistakes` holds it against differences and
against the reference engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _gelu(z):
    return 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def _gelu_slope(z):
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z**3))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * c * (1 + 0.134145 * z**2)


# Name: (a as a function of z, da/dz as a function of z).
ACTIVATION = {
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
    ),
    "gelu": (_gelu, _gelu_slope),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "cos": (np.cos, lambda z: -np.sin(z)),
    "softmax": (softmax, None),  # along rows: `_through` has its own line
}


def _hinge_gap(s, y):
    return np.maximum(0, 1 - (2 * y - 1) * s)


# Name: (value, slope by the score), of scores s, targets y and the loss's own number c.
LOSS = {
    "squared_error": (lambda s, y, c: (s - y) ** 2, lambda s, y, c: 2 * (s - y)),
    "half_squared_error": (lambda s, y, c: (s - y) ** 2 / 2, lambda s, y, c: s - y),
    "absolute_error": (lambda s, y, c: np.abs(s - y), lambda s, y, c: np.sign(s - y)),
    "huber": (
        lambda s, y, c: np.where(
            np.abs(s - y) <= c, (s - y) ** 2 / 2, c * np.abs(s - y) - c**2 / 2
        ),
        lambda s, y, c: np.clip(s - y, -c, c),
    ),
    "quantile": (
        lambda s, y, c: np.maximum(c * (y - s), (c - 1) * (y - s)),
        lambda s, y, c: np.where(s < y, -c, 1 - c),
    ),
    "log_cosh": (lambda s, y, c: np.log(np.cosh(s - y)), lambda s, y, c: np.tanh(s - y)),
    "poisson": (lambda s, y, c: np.exp(s) - y * s, lambda s, y, c: np.exp(s) - y),
    "logistic": (lambda s, y, c: np.logaddexp(0, s) - y * s, lambda s, y, c: sigmoid(s) - y),
    "brier": (
        lambda s, y, c: (sigmoid(s) - y) ** 2,
        lambda s, y, c: 2 * (sigmoid(s) - y) * sigmoid(s) * (1 - sigmoid(s)),
    ),
    "hinge": (
        lambda s, y, c: _hinge_gap(s, y),
        lambda s, y, c: -(2 * y - 1) * (_hinge_gap(s, y) > 0),
    ),
    "squared_hinge": (
        lambda s, y, c: _hinge_gap(s, y) ** 2,
        lambda s, y, c: -2 * (2 * y - 1) * _hinge_gap(s, y),
    ),
    # The targets are one-hot here.
    "softmax": (
        lambda s, y, c: -(y * np.log(softmax(s))).sum(axis=1, keepdims=True),
        lambda s, y, c: softmax(s) - y,
    ),
}


@dataclass(frozen=True)
class Setting:
    """What is differentiated: the sizes (d, hidden …, k) and the parts of the objective."""

    sizes: tuple[int, ...]
    bias: bool
    activation: str
    loss: str
    c: float | None
    strength: float
    penalised_biases: bool
    reduction: str
    weights: Any = None

    @property
    def shapes(self):
        """The slices of theta: name to shape, in order."""
        found = {}
        for i in range(1, len(self.sizes)):
            prefix = f"layer{i}." if len(self.sizes) > 2 else ""
            found[f"{prefix}weight"] = (self.sizes[i - 1], self.sizes[i])
            if self.bias:
                found[f"{prefix}bias"] = (self.sizes[i],)
        return found

    @property
    def weight_names(self):
        return [name for name in self.shapes if name.endswith("weight")]

    @property
    def bias_names(self):
        return [name for name in self.shapes if name.endswith("bias")]

    def unpack(self, theta):
        """Return the parts of theta by name, copied."""
        parts, start = {}, 0
        for name, shape in self.shapes.items():
            parts[name] = np.array(theta[start : start + math.prod(shape)]).reshape(shape)
            start += math.prod(shape)
        return parts


def _forward(setting, parts, X):
    """Return what each layer takes in, and what it sums."""
    inputs, sums = [X], []
    for i, name in enumerate(setting.weight_names):
        z = inputs[-1] @ parts[name]
        if setting.bias:
            z = z + parts[setting.bias_names[i]]
        sums.append(z)
        inputs.append(ACTIVATION[setting.activation][0](z))
    return inputs[:-1], sums


def _targets(setting, y):
    y, k = np.asarray(y), setting.sizes[-1]
    if setting.loss == "softmax":
        return 1.0 * (y.reshape(-1, 1) == np.arange(k))
    return y.reshape(-1, k)


def objective(setting, theta, X, y):
    """Return the reduced loss plus the penalty."""
    parts = setting.unpack(theta)
    s = _forward(setting, parts, X)[1][-1]
    rows = LOSS[setting.loss][0](s, _targets(setting, y), setting.c).mean(axis=1)
    w = np.ones(len(rows)) if setting.weights is None else setting.weights
    total = (w * rows).sum() / (w.sum() if setting.reduction == "mean" else 1)
    names = list(parts) if setting.penalised_biases else setting.weight_names
    return float(total + setting.strength / 2 * sum((parts[name] ** 2).sum() for name in names))


def nearest_kink(setting, theta, X, y):
    """Return how far the nearest kink is: where there is one, no gradient is the right one."""
    sums = _forward(setting, setting.unpack(theta), X)[1]
    s, y = sums[-1], _targets(setting, y)
    gaps = [math.inf]
    if setting.activation in {"relu", "leaky_relu"}:
        gaps += [np.abs(z).min() for z in sums[:-1]]
    if setting.loss in {"absolute_error", "quantile"}:
        gaps.append(np.abs(s - y).min())
    if setting.loss == "hinge":
        gaps.append(np.abs(1 - (2 * y - 1) * s).min())
    return min(gaps)


# ---------------------------------------------------------------- the way back


def gradient(setting, theta, X, y, slips=()):
    """Return the gradient (P,) of `objective`, or what the slips make of it."""
    slips = dict(slips)
    theta, X = np.asarray(theta, dtype=float), np.asarray(X, dtype=float)
    with np.errstate(all="ignore"):  # a learner's overflow is silent
        parts = setting.unpack(theta)
        slopes = _backward(setting, parts, X, y, slips)
        _add_penalty(setting, parts, slopes, slips)
        _spoil_slices(slopes, slips)
        return _spoil_whole(setting, slopes, slips)


def _backward(setting, parts, X, y, slips):
    inputs, sums = _forward(setting, parts, X)
    err = _score_slope(setting, sums[-1], y, slips)
    slopes = {}
    for i in reversed(range(len(sums))):
        weight = setting.weight_names[i]
        slopes[weight] = inputs[i].T @ err
        if "missing-input" in slips and i == 0:
            slopes[weight] = np.repeat(err.sum(axis=0, keepdims=True), X.shape[1], axis=0)
        if setting.bias:
            slopes[setting.bias_names[i]] = err.sum(axis=0)
        if i:
            err = err @ parts[weight].T
            if i not in slips.get("missing-activation-derivative", ()):
                err = _through(setting.activation, sums[i - 1], inputs[i], err, slips)
    return {name: slopes[name] for name in setting.shapes}


def _through(activation, z, a, err, slips):
    if activation == "softmax":
        return a * (err - (a * err).sum(axis=1, keepdims=True))
    slope = ACTIVATION[activation][1]
    return err * slope(a if "activation-derivative-at-output" in slips else z)


def _score_slope(setting, s, y, slips):
    """Return the derivative of the reduced loss by the scores (n, k)."""
    n, k = s.shape
    slope = LOSS[slips.get("wrong-loss", setting.loss)][1]
    if "broadcast" in slips:
        # (n, 1) scores against (n,) targets: every score meets every target.
        err = slope(s, np.ravel(y), setting.c).mean(axis=1, keepdims=True)
    else:
        err = slope(s, _targets(setting, y), setting.c)
    p = sigmoid(s)
    if "extra-link-derivative" in slips:
        err = err * p * (1 - p)
    if "missing-link-derivative" in slips:
        err = 2 * (p - _targets(setting, y))
    if slips.get("non-finite") == "overflow":
        err = np.exp(s) / (1 + np.exp(s)) - _targets(setting, y)
    weights = None if "weights-ignored" in slips else setting.weights
    if weights is not None:
        err = err * weights[:, None]
    if "last-row-only" in slips:
        err = np.vstack([np.zeros((n - 1, k)), err[-1:]])  # `=` in the loop where `+=` was meant
    mass = n if weights is None else weights.sum()
    mean = (setting.reduction == "mean") != bool(slips.keys() & {"sum-for-mean", "mean-for-sum"})
    over_outputs = (setting.loss != "softmax") != ("mean-over-outputs" in slips)
    return err / (mass if mean else 1) / (k if over_outputs else 1)


def _add_penalty(setting, parts, slopes, slips):
    strength = setting.strength * slips.get("penalty-factor", 1.0)
    if "penalty-missing" in slips:
        strength = 0.0
    if "penalty-sign" in slips:
        strength = -strength
    everywhere = setting.penalised_biases or "penalty-on-bias" in slips
    for name in slopes if everywhere else setting.weight_names:
        slopes[name] = slopes[name] + strength * parts[name]


def _spoil_slices(slopes, slips):
    for name in slips.get("missing-bias", ()):
        slopes[name] = np.zeros_like(slopes[name])
    for name in slips.get("transposed", ()):
        slopes[name] = slopes[name].T
    for name, factors in slips.get("one-layer", {}).items():
        slopes[name] = slopes[name] * factors
    if "swapped-layers" in slips:
        first, second = slips["swapped-layers"]
        slopes[first], slopes[second] = slopes[second], slopes[first]
    if isinstance(slips.get("non-finite"), tuple):
        name, row, bad = slips["non-finite"]
        slopes[name] = slopes[name].copy()
        slopes[name][row] = bad


def _spoil_whole(setting, slopes, slips):
    shape = slips.get("shape")
    flat = np.concatenate([slope.ravel() for slope in slopes.values()])
    flat = flat + slips.get("constant", 0.0)
    flat = flat * slips.get("factor", 1.0) * (-1 if "sign" in slips else 1)
    how, limit = slips.get("clipped", ("", math.inf))
    if how == "each":
        flat = np.clip(flat, -limit, limit)
    if how == "norm":
        flat = flat * min(1.0, limit / np.linalg.norm(flat))
    if shape == "one too many":
        flat = np.append(flat, 0.0)
    return flat[: {"one too few": -1, "two too few": -2}.get(shape)]
