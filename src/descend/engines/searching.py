"""Rules that search: `lbfgs` and `newton`, on top of any engine.

An update looks at the objective of all rows, chooses a direction, and searches along it for a
length that meets the strong Wolfe conditions (see `descend.engines.wolfe`).  Directions, in the
order in which they are tried:

    lbfgs     two loops over the pairs in the slots; then, if no length is good, the gradient
    newton    -H⁻¹ g, H damped until it has an inverse; then the gradient

Every update lowers the loss; or, where the loss is the same in all its digits, shortens the
gradient.  Where none does, theta stays as it is, the recorded rate is 0, and so it is for ever.
The engine underneath only gives values and gradients; all memory is in the slots, so a run that
is resumed is the run that was never stopped, bit for bit.

References: J. Nocedal and S. Wright, "Numerical optimization", 2nd ed. (2006), algorithms 7.4 and
7.5; D. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", Math.
Program. 45 (1989).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import Floats, State
from descend.engines.hessian import hessian
from descend.engines.problem import Advance, Problem, Program, Trace
from descend.engines.wolfe import Point, search
from descend.errors import InputError
from descend.optimizers import ELEMENTWISE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Parameters up to which a Hessian is formed and factored.
LARGEST = 2000
# What is added to the diagonal, as a share of it, until Cholesky's pivots are more than rounding.
DAMPING = (0.0, *(10.0**power for power in range(-12, 3, 2)))
_EPSILON = float(np.finfo(np.float64).eps)


@final
class Searching:
    """A searching rule at work on one problem; see `descend.engines.problem.Program`.

    Parameters
    ----------
    problem
        Whose optimizer searches.
    program
        Any engine at work on the same problem under another rule.

    Raises
    ------
    InputError
        If updates would not see all rows, or the Hessian would be too large.
    """

    def __init__(self, problem: Problem, program: Program) -> None:
        _check(problem)
        self.problem = problem
        self.program = program
        self._seen: tuple[Floats, float, Floats] | None = None

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did; nothing scales them."""
        del scale
        theta, slots, kept = state.theta, state.slots, []
        trace, moving = Trace(np.zeros((updates, 4))), True
        with np.errstate(all="ignore"):
            for i in range(updates):
                if moving:
                    loss, gradient = self._look(theta)
                    found, slots = self._found(theta, slots)
                    moving = found is not None
                    moved, length = (found.theta, found.length) if found else (theta, 0.0)
                    figures = loss, _length(gradient), _length(moved - theta), length
                    theta = moved
                trace.figures[i] = figures
                if every and (state.step + i + 1) % every == 0:
                    kept.append(State(theta, slots, state.step + i + 1))
        return Advance(State(theta, slots, state.step + updates), trace, kept)

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over all rows."""
        return (
            self._look(theta) if update is None else self.program.value_and_gradient(theta, update)
        )

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        return self.program.value(theta)

    def hessian(self, theta: Floats) -> Floats:
        """Return the Hessian (P, P) of the objective at theta, for a linear model."""
        compute: Any = getattr(self.program, "hessian", None)
        found: Floats = hessian(self.problem, theta) if compute is None else compute(theta)
        return found

    # ------------------------------------------------------------ one update

    def _look(self, theta: Floats) -> tuple[float, Floats]:
        """Evaluate theta, unless it was the last to be evaluated: an accepted point has been."""
        if self._seen is None or not np.array_equal(self._seen[0], theta):
            self._seen = (theta, *self.program.value_and_gradient(theta))
        return self._seen[1:]

    def _found(self, theta: Floats, slots: Floats) -> tuple[Point | None, Floats]:
        """Return the next point, or None if nothing is lower; and the memory after it."""
        loss, gradient = self._look(theta)
        for direction, first, remembered in self._directions(theta, slots, gradient):

            def along(length: float, p: Floats = direction) -> Point:
                there = (theta + length * p).astype(theta.dtype)
                loss, gradient = self.program.value_and_gradient(there)
                return Point(length, loss, _dot(gradient, p), there, gradient)

            start = Point(0.0, loss, _dot(gradient, direction), theta, gradient)
            if not (math.isfinite(loss) and -math.inf < start.slope < 0):
                continue
            found = search(along, start, first)
            if _better(found, start):
                self._seen = found.theta, found.loss, found.gradient
                return found, _remember(remembered, start, found)
        return None, slots

    def _directions(
        self, theta: Floats, slots: Floats, gradient: Floats
    ) -> Iterator[tuple[Floats, float, Floats]]:
        """Yield directions to try, the length to try first, and the memory that goes with it."""
        steep = gradient.astype(np.float64)
        chosen = (
            _newton(self.hessian(theta), steep)
            if self.problem.task.optimizer.name == "newton"
            else _two_loops(slots, steep)
        )
        if chosen is not None:
            yield chosen, 1.0, slots
        yield -steep, 1.0 / (_length(steep) or 1.0), np.zeros_like(slots)


def _better(found: Point, start: Point) -> bool:
    """Tell whether a point is lower; or as low, and less steep."""
    if found.loss < start.loss:
        return True
    return found.loss == start.loss and _length(found.gradient) < _length(start.gradient)


# ---------------------------------------------------------------- directions


def _two_loops(slots: Floats, gradient: Floats) -> Floats | None:
    """Return -H g by the pairs that there are, or None if there are none: algorithm 7.4."""
    memory = len(slots) // 2
    pairs = []
    for s, y in zip(slots[:memory], slots[memory:], strict=True):
        product = _dot(s, y)
        if product > 0 and _dot(y, y) > 0:  # a pair that is there, and has not underflowed
            pairs.append((s.astype(np.float64), y.astype(np.float64), product))
    if not pairs:
        return None
    p, shares = -gradient, []
    for s, y, product in reversed(pairs):
        shares.append(float(s @ p) / product)
        p = p - shares[-1] * y
    _, y, product = pairs[-1]
    p = p * (product / float(y @ y))
    for (s, y, product), share in zip(pairs, reversed(shares), strict=True):
        p = p + (share - float(y @ p) / product) * s
    return p


def _remember(slots: Floats, start: Point, found: Point) -> Floats:
    """Return the memory with this step's pair in the place of the oldest; newton has none.

    A pair along which the gradient did not grow says nothing of an inverse with positive
    eigenvalues, and is left out: as in SciPy's driver, s·y must be more than rounding.
    """
    memory = len(slots) // 2
    s, y = found.theta - start.theta, found.gradient - start.gradient
    if not memory or not _dot(s, y) > _EPSILON * abs(found.length * start.slope):
        return slots
    return np.concatenate([slots[1:memory], s[None], slots[memory + 1 :], y[None]])


def _newton(H: Floats, gradient: Floats) -> Floats | None:
    """Return -H⁻¹ g, damped where H is not positive definite, or None if nothing helps.

    Rows and columns are first scaled to a diagonal of ones, so that pivots tell repeated columns
    from columns in small units, and the damping has no units either.  (SciPy would use that the
    factor is a triangle, but takes longer to import than a fit of a usual table takes.)
    """
    diagonal = np.diag(H)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = H / scale / scale[:, None]
    for damping in DAMPING:
        M = scaled.copy()
        M[np.diag_indices_from(M)] += damping
        try:
            L = np.linalg.cholesky(M)
        except np.linalg.LinAlgError:
            continue
        if np.diag(L).min() ** 2 > _EPSILON * len(M):
            p: Floats = -np.linalg.solve(L.T, np.linalg.solve(L, gradient / scale)) / scale
            return p
    return None


# ---------------------------------------------------------------- what is refused


def _check(problem: Problem) -> None:
    name, size = problem.task.optimizer.name, problem.layout.size
    if not problem.full_batch:
        msg = (
            f"The optimizer {name} compares losses, so each update must see all {problem.n} rows; "
            f"got batch_size={problem.batch_size}. Leave batch_size out, or use one of "
            f"{', '.join(ELEMENTWISE)}."
        )
        raise InputError(msg)
    if name == "newton" and size > LARGEST:
        msg = (
            f"The optimizer newton factors a matrix of all pairs of parameters, at most {LARGEST} "
            f"of them; this model has {size}. Use lbfgs."
        )
        raise InputError(msg)


def _dot(a: Floats, b: Floats) -> float:
    return float(a.astype(np.float64, copy=False) @ b.astype(np.float64, copy=False))


def _length(vector: Floats) -> float:
    return math.sqrt(_dot(vector, vector))
