"""The documents' wrong formulas, kept so that they can be seen to fail.

They stand in no registry: no task can be made of them, and nothing else uses them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Floats


CLAMP = 1e-5


def unsigned_likelihood(probabilities: Floats, y: Floats) -> float:
    """Return the log-likelihood with probabilities clamped: line_sgd's "loss", minus its minus."""
    p = np.clip(probabilities, CLAMP, 1 - CLAMP)
    return float(np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def descend_unsigned_likelihood(
    x: Floats, y: Floats, rate: float, updates: int
) -> list[tuple[float, float, float, float]]:
    """Return (slope, intercept, "loss", accuracy) before each update of line_sgd's descent.

    Where the clamp holds, its slope is 0.  No engine trains this: it is no loss.
    """
    w = b = 0.0
    seen = []
    for _ in range(updates + 1):
        scores = w * x + b
        e = np.exp(-np.abs(scores))
        p = np.where(scores >= 0, 1 / (1 + e), e / (1 + e))
        seen.append((w, b, unsigned_likelihood(p, y), float(np.mean((p > 0.5) == (y == 1)))))  # noqa: PLR2004
        inside = (p >= CLAMP) & (p <= 1 - CLAMP)
        slope = np.where(inside, y - p, 0.0)
        w, b = w - rate * float(np.mean(slope * x)), b - rate * float(np.mean(slope))
    return seen


def broadcast_error(scores: Floats, y: Floats) -> tuple[tuple[int, ...], float]:
    """Return the shape and the mean square of (n, 1) minus (n,): every score against every y."""
    error = scores.reshape(-1, 1) - y.reshape(-1)
    return error.shape, float(np.mean(error**2))


def softmax_over_everything(scores: Floats) -> Floats:
    """Return e^s over the sum of the WHOLE array, with no maximum taken off: moons's softmax."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(scores)
        found: Floats = powers / powers.sum()
    return found


def root_of_the_sum(predicted: Floats, y: Floats) -> float:
    """Return the root of the mean of the SUM of squares, which is one number: houses's test."""
    return math.sqrt(float(np.mean(np.sum((predicted - y) ** 2))))


def naive_sigmoid(scores: Floats) -> Floats:
    """Return 1/(1 + e^-s) as moons writes it: e^-s overflows for scores below about -709."""
    with np.errstate(over="ignore"):
        found: Floats = 1 / (1 + np.exp(-scores))
    return found
