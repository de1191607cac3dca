"""Quasi-complete separation: coefficients that the labels drive off without end.

Where all rows that tell of a coefficient have one label, the likelihood rises for as long as it
grows.  It stops wherever training does, its curvature all but gone, and the curvature's standard
error says nothing.  Which rows tell of a coefficient, or of any combination c of parameters, is
seen along v = J⁻¹ c: with z_i the change of row i's scores along v, and V_i = p_i (1 - p_i), or
diag(p_i) - p_i p_iᵀ, row i adds

    a_i = z_iᵀ V_i z_i

to its information.  Of m = (Σ a_i)²/Σ a_i² rows that matter, each has on average the variance
r = Σ a_i (a_i/|z_i|²)/Σ a_i, so their labels are expected to contradict what most of them say in
about m r rows.  At an optimum as many are expected as are there: one at least, unless they
are separated, but for rows that weigh little beside theirs.  Below a hundredth there is none: a
separated coefficient with more is still a tenth of a standard error short of its next Newton step.

Reference: A. Albert and J. Anderson, "On the existence of maximum likelihood estimates in logistic
regression models", Biometrika 71 (1984).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.losses import predicted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.arrays import Array
    from descend.losses import Loss

    Block = tuple[Array, Array, Array | None]

# Rows expected to contradict, below which there are none.
NONE = 0.01
# Combinations looked at together, which bounds memory.
_TOGETHER = 16


def contradicting(loss: Loss, blocks: Iterable[Block], along: Array) -> Array:
    """Return how many rows are expected to contradict combinations: m r, as above.

    Parameters
    ----------
    loss
        Logistic or softmax.
    blocks
        Of rows: designs A (n, d), scores (n, k), and weights of mean 1 or None.
    along
        The directions v (P, count), a column each.
    """
    size = np.linalg.norm(along, axis=0)
    along = along / np.where(size > 0, size, 1.0)
    total, rates, squares = sums = np.zeros((3, along.shape[1]))
    for A, scores, weight in blocks:
        p = predicted(loss, scores)[:, :, None]
        for first in range(0, along.shape[1], _TOGETHER):
            part = slice(first, min(first + _TOGETHER, along.shape[1]))
            v = along[:, part].reshape(A.shape[1], -1)
            z = (A @ v).reshape(*scores.shape, -1)
            each, rate = _information(loss, p, z)
            each = each if weight is None else weight[:, None] * each
            sums[:, part] += [(each * by).sum(axis=0) for by in (1.0, rate, each)]
    found: Array = total * rates / np.where(squares > 0, squares, 1.0)
    return found


def _information(loss: Loss, p: Array, z: Array) -> tuple[Array, Array]:
    """Return zᵀ V z of each row (n, count), and that over |z|²."""
    if loss.targets == "labels":
        each = (p * (z - (p * z).sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
    else:
        each = (p * (1 - p) * z**2).sum(axis=1)
    moved = (z**2).sum(axis=1)
    return each, np.divide(each, moved, out=np.zeros_like(each), where=moved > 0)
