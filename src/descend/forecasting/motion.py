"""How a rule moves along one direction of a bowl, as numbers: when it leaves, how fast it arrives.

Along an eigenvector of curvature l every rule here is linear: the error and the memory of the next
step are a matrix times those of this one.  The matrix is read off the rule's own formula at
gradient = s error, where s = rate l.  Only s enters, and by one column, so the matrix's trace and
determinant are lines in s (the matrix determinant lemma):

    gradient_descent   trace 1 - s               determinant 0
    momentum           trace 1 + beta - s        determinant beta
    nesterov           trace (1 + beta)(1 - s)   determinant beta (1 - s)

The roots z of z² - trace z + determinant say everything.  The largest |z| is the factor per step.
It passes 1 where z = -1 is a root, 1 + trace + determinant = 0, which is at s =

    2                  2 (1 + beta)              2 (1 + beta) / (1 + 2 beta)

    >>> from descend.optimizers import momentum
    >>> motion = motion_of(momentum(0.1, beta=0.5).rule)
    >>> motion.limit, motion.radius(3.0)
    (3.0, 1.0)

References: B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
Comput. Math. Math. Phys. 4 (1964); Y. Nesterov, "Lectures on convex optimization", 2018, section
2.2; G. Goh, "Why momentum really works", Distill 2017.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.optimizers import apply

if TYPE_CHECKING:
    from descend.arrays import Floats

# Halvings that take an interval of any two doubles down to neighbours.
HALVINGS = 200


class Line(NamedTuple):
    """at + slope s."""

    at: float
    slope: float

    def __call__(self, s: float) -> float:
        """Return the value at s."""
        return self.at + self.slope * s


class Motion(NamedTuple):
    """Trace and determinant of a rule's matrix, as lines in s = rate times curvature."""

    trace: Line
    determinant: Line

    @property
    def limit(self) -> float:
        """The s from which on errors no longer shrink: where z = -1 is a root."""
        start = 1.0 + self.trace.at + self.determinant.at
        return -start / (self.trace.slope + self.determinant.slope)

    def radius(self, s: float) -> float:
        """Return the largest |z|: by how much a step multiplies the error, in the long run."""
        half, product = self.trace(s) / 2, self.determinant(s)
        discriminant = half * half - product
        if discriminant < 0:
            return math.sqrt(product)
        return abs(half) + math.sqrt(discriminant)

    def log_radius(self, s: float) -> float:
        """Return log |z|, keeping its digits where z is nearly 1.

        (1 - z)(1 - z') is the polynomial at 1, a line in s through 0, and so is known exactly.
        """
        found = self.radius(s)
        half, product = self.trace(s) / 2, self.determinant(s)
        if half <= 0 or half * half < product or found >= 1:
            return math.log(found) if found > 0 else -math.inf
        at_one = (self.determinant.slope - self.trace.slope) * s
        return math.log1p(-at_one / (1.0 - product / found))

    def alternates(self, s: float) -> bool:
        """Tell whether the error changes its sign at every step: the largest root is below 0."""
        half = self.trace(s) / 2
        return half < 0 and half * half >= self.determinant(s)

    def best_rate(self, low: float, high: float) -> float:
        """Return the rate at which the slower of two curvatures shrinks fastest.

        Where the determinant is constant, |z| grows with |trace| alone, so the two traces are to be
        opposite: 2/(low + high) for plain descent and 2 (1 + beta)/(low + high) for momentum
        (Polyak 1964).  Else |z| falls up to s = 1 and grows beyond, and the two are made equal.
        """
        if self.determinant.slope == 0.0:
            return -2.0 * self.trace.at / (self.trace.slope * (low + high))
        left, right = 1.0 / high, min(self.limit / high, 1.0 / low)
        for _ in range(HALVINGS):
            middle = (left + right) / 2
            if not left < middle < right:
                break
            if self.radius(middle * low) > self.radius(middle * high):
                left = middle
            else:
                right = middle
        return left


def motion_of(rule: Any) -> Motion | None:
    """Return how a rule moves, or None for rules that are not linear in the gradient."""
    if rule.scaled:
        return None
    still, moved = matrix_of(rule, 0.0), matrix_of(rule, 1.0)
    pairs = [(float(np.trace(M)), _determinant(M)) for M in (still, moved)]
    trace = Line(pairs[0][0], pairs[1][0] - pairs[0][0])
    return Motion(trace, Line(pairs[0][1], pairs[1][1] - pairs[0][1]))


def matrix_of(rule: Any, s: float) -> Floats:
    """Return what takes (error, memory) to the next, column by column, at a rate of 1.

    It is a line in s, for the gradient enters a rule's formula once.
    """
    columns = []
    for start in np.eye(1 + len(rule.slots)):
        theta, slots = apply(rule, start[:1], s * start[:1], start[1:, None], 1.0, 1)
        columns.append(np.concatenate([theta, slots.ravel()]))
    return np.array(columns).T


def _determinant(M: Floats) -> float:
    """Return the product of both roots; one root alone has 0 beside it."""
    if len(M) == 1:
        return 0.0
    return float(M[0, 0] * M[1, 1] - M[0, 1] * M[1, 0])
