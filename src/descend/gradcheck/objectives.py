"""What is differentiated: a function that the user wrote, or a task that an engine runs.

Both answer at theta over chosen rows, with targets of other rows where that is asked, and bring a
derivative of their own: by the complex step or by a library for `Written`, by the engine for
`Engined`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np

from descend.engines import engine_for
from descend.errors import InputError
from descend.gradcheck.autodiff import derivative
from descend.gradcheck.calls import Data, arity, value_of
from descend.gradcheck.differences import complex_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.engines import Problem, Program

LIBRARIES = {"jax": "JAX", "torch": "PyTorch"}


class Objective(Protocol):
    """A value and, perhaps, its derivative.

    Attributes
    ----------
    title
        What the derivative comes from.
    trusted
        Whether it is right even where differences do not agree.
    takes
        How many of X, y and the weights it takes: with less than 2, rows cannot be chosen.
    name
        What it is called.
    """

    title: str
    trusted: bool
    takes: int
    name: str

    def value(self, theta: Any, rows: Any = None, targets: Any = None) -> Any:
        """Return the value at theta."""

    def slope(self, theta: Floats, rows: Any = None, targets: Any = None) -> Floats | None:
        """Return the derivative (P,), or None where there is none."""


@final
class Written:
    """A plain function f(theta, X, y)."""

    def __init__(self, function: Callable[..., Any], data: Data, autodiff: str | None) -> None:
        self.function, self.data, self.autodiff = function, data, autodiff
        self.title = LIBRARIES[autodiff] if autodiff else "the complex step"
        self.trusted = autodiff is not None
        self.takes = arity(function, "f", data)
        self.name = str(getattr(function, "__name__", "f"))

    def over(self, data: Data) -> Written:
        """Return the same function of other data."""
        return Written(self.function, data, self.autodiff)

    def value(self, theta: Any, rows: Any = None, targets: Any = None) -> Any:
        """Return f at theta over some rows."""
        arguments = self.data.arguments(self.takes, rows, targets)
        return value_of(self.function, theta.copy(), arguments)

    def slope(self, theta: Floats, rows: Any = None, targets: Any = None) -> Floats | None:
        """Return the derivative by the library asked for, or by the complex step."""
        if self.autodiff is None:
            return complex_step(lambda point: self.value(point, rows, targets), theta)
        arguments = self.data.arguments(self.takes, rows, targets)
        return derivative(self.autodiff, self.function, theta, arguments)


@final
class Engined:
    """A task with a part of one's own, run by the engine that suits it."""

    takes = 2

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.name = str(problem.task)
        used, program = engine_for("auto", problem)
        self.title = f"the engine {used.partition('/')[0]}"
        # NumPy's engine takes a gradient written by hand, which may be wrong itself.
        self.trusted = not used.startswith("numpy")
        self._programs: dict[Any, Program] = {(None, None): program}

    def value(self, theta: Any, rows: Any = None, targets: Any = None) -> float:
        """Return the objective at theta over some rows."""
        if np.iscomplexobj(theta):
            msg = "An engine takes real parameters."
            raise InputError(msg)
        program: Any = self._program(rows, targets)
        return float(program.value(theta))

    def slope(self, theta: Floats, rows: Any = None, targets: Any = None) -> Floats:
        """Return the engine's derivative."""
        found = self._program(rows, targets).value_and_gradient(theta)[1]
        return np.asarray(found, dtype=np.float64)

    def _program(self, rows: Any, targets: Any) -> Any:
        key = tuple(None if part is None else part.tobytes() for part in (rows, targets))
        if key not in self._programs:
            self._programs[key] = engine_for("auto", self.of_rows(rows, targets))[1]
        return self._programs[key]

    def of_rows(self, rows: Any, targets: Any = None) -> Problem:
        """Return the problem of some rows."""
        whole = self.problem
        w = whole.weights
        others = rows if targets is None else targets
        return replace(
            whole, X=whole.X[rows], y=whole.y[others], weights=None if w is None else w[rows]
        )
