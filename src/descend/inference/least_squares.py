"""Ordinary least squares: the optimum, and the scatter about it, from one triangle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.inference.design import own, triangle
from descend.inference.refusing import refuse

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.inference.design import Design

_EPSILON = float(np.finfo(np.float64).eps)


def least_squares(design: Design) -> tuple[Floats, Floats]:
    """Return the least squares coefficients (k, q), and their covariance (k q, k q)."""
    y, p = design.y.astype(np.float64), design.T.shape[1]
    middle = design.w @ y / design.total if design.ones else np.zeros(y.shape[1])
    R = triangle(design, y - middle)
    if len(R) < R.shape[1]:  # fewer rows than columns and outputs
        R = np.vstack([R, np.zeros((R.shape[1] - len(R), R.shape[1]))])
    points = own(design, np.linalg.solve(R[:p, :p], R[:p, p:]).T)
    if design.ones:
        points[:, -1] += middle
    left = R[p:, p:]
    scatter = left.T @ left / design.dof
    exact = np.sqrt(np.square(left).sum(axis=0)) <= 16 * _EPSILON * np.sqrt(design.w @ np.square(y))
    if exact.any():
        refuse(
            (
                "its columns give y without an error, and there is no scatter to judge by",
                "take the coefficients as exact",
            )
        )
    ways = design.T @ np.linalg.inv(R[:p, :p])
    return points, np.kron(scatter, ways @ ways.T)
