"""A loss of your own: a function of scores and targets that returns one number per row.

>>> loss = custom_loss(lambda scores, y: ((scores - y) ** 4).mean(axis=1), name="fourth power")
>>> loss([[1.0], [3.0]], [[1.0], [1.0]])
array([ 0., 16.])
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from descend.custom.libraries import (
    LIBRARIES,
    TITLES,
    called,
    called_on_numbers,
    library_of,
    needed_by,
)
from descend.errors import InputError, ShapeError
from descend.parts import choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TARGETS = ("numbers", "counts", "two labels", "labels")


@final
@dataclass(frozen=True, slots=True)
class CustomLoss:
    """A loss of one's own; made by `custom_loss`.

    Attributes
    ----------
    label
        What it is called.
    library
        The array library it is written for, or None for any.
    targets
        What y may hold, as for the losses of this library.
    function, gradient
        As given; None where a run was loaded without them.
    """

    label: str
    library: str | None
    targets: str
    function: Callable[..., Any] | None = None
    gradient: Callable[..., Any] | None = None

    name: ClassVar[str] = "custom"
    # Nothing is known of its shape, so nothing is promised.
    steepest_curvature: ClassVar[float] = math.inf
    proper: ClassVar[bool] = False
    convex: ClassVar[bool] = False
    smooth: ClassVar[bool] = True

    def __call__(self, scores: Any, y: Any) -> Any:
        """Return the loss of each row (n,)."""
        return self.rows(np.asarray(scores), np.asarray(y))

    def rows(self, scores: Any, y: Any) -> Any:
        """Return the loss of each row (n,) of NumPy arrays, whatever the library."""
        found = called_on_numbers(self.library, self.given(), scores, y)
        return self.checked(found, scores, y)

    def traced(self, scores: Any, y: Any) -> Any:
        """Return the loss of each row (n,) of the library's own arrays."""
        return self.checked(self.given()(scores, y), scores, y)

    def slopes(self, scores: Any, y: Any) -> Any:
        """Return the derivative of each row's loss by its scores, (n, k), in NumPy."""
        if self.gradient is None:
            msg = (
                f"The custom loss {self.label!r} has no gradient for the engine numpy; pass "
                "custom_loss(…, gradient=…), or write it with jax.numpy or torch and leave the "
                'engine at "auto".'
            )
            raise InputError(msg)
        found = np.asarray(self.gradient(scores, y))
        if found.shape != scores.shape:
            msg = (
                f"The gradient of the custom loss {self.label!r} must have the shape of the "
                f"scores, {scores.shape}; it returned {found.shape}."
            )
            raise ShapeError(msg)
        return found

    def given(self) -> Callable[..., Any]:
        """Return the function, or say that a file holds no code."""
        if self.function is None:
            msg = (
                f"The loss {self.label!r} of this run was its author's own, and a run file holds "
                "no code; give it back with ds.load(path, task=…)."
            )
            raise InputError(msg)
        return self.function

    def checked(self, found: Any, scores: Any, y: Any) -> Any:
        """Return what the function returned, if that is one number per row."""
        shape, wanted = tuple(getattr(found, "shape", ())), tuple(scores.shape[:1])
        if shape == wanted:
            return found
        came = f"a result of shape {shape}" if shape else "a single number"
        if not shape and not isinstance(found, int | float) and not hasattr(found, "shape"):
            came = "None" if found is None else f"a {type(found).__name__}"
        hint = {
            0: "leave the mean over rows to the task"
            if came == "a single number"
            else "return one array",
            2: "take the mean or the sum over the outputs, .mean(axis=1)",
        }.get(len(shape), "return one number for each row")
        if shape == wanted * 2 and shape != tuple(scores.shape):
            hint = "a column (n, 1) met a vector (n,) and was broadcast: give both one shape"
        msg = (
            f"The custom loss {self.label!r} must return one number per row, shape {wanted}; it "
            f"returned {came} for scores {tuple(scores.shape)} and targets {tuple(y.shape)}: "
            f"{hint}."
        )
        raise ShapeError(msg)

    def describe(self) -> dict[str, Any]:
        """Return the loss as plain data: its name, never its code."""
        return {
            "name": self.name,
            "label": self.label,
            "library": self.library,
            "targets": self.targets,
        }

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> CustomLoss:
        """Return the loss that `describe` described, without its code."""
        return cls(
            str(record["label"]),
            _library("a run file", record["library"]),
            choice("a run file", "targets", record["targets"], TARGETS),
        )


def _library(owner: str, library: Any) -> str | None:
    return None if library is None else choice(owner, "library", library, LIBRARIES)


def custom_loss(
    function: Callable[[Any, Any], Any],
    *,
    gradient: Callable[[Any, Any], Any] | None = None,
    targets: str = "numbers",
    library: str | None = None,
    name: str | None = None,
) -> CustomLoss:
    """Return a loss made of a function of one's own.

    Parameters
    ----------
    function
        ``(scores, y) -> (n,)``: scores (n, k) and y of the same shape (integer labels (n,) if
        `targets` is ``"labels"``); one number per row, to be minimised.  Written with jax.numpy,
        torch, NumPy, or operators alone.
    gradient
        ``(scores, y) -> (n, k)``: the derivative of each row's number by its scores, written by
        hand in NumPy; the engine ``"numpy"`` needs it.  Default none: the library differentiates.
    targets
        What y may hold: ``"numbers"`` (default), ``"counts"``, ``"two labels"`` (0 and 1), or
        ``"labels"`` (0, 1, 2 …, one score for each).
    library
        ``"numpy"``, ``"jax"`` or ``"torch"``; default: the one the function mentions.
    name
        For messages and files; default the function's own.

    Returns
    -------
    CustomLoss

    Raises
    ------
    InputError
        If the function cannot be called, or it is NumPy's and comes without a gradient.

    Examples
    --------
    >>> import descend as ds
    >>> def cubic(scores, y):
    ...     return (abs(scores - y) ** 3).mean(axis=1)
    >>> def cubic_slope(scores, y):
    ...     e = scores - y
    ...     return 3 * e * abs(e) / e.shape[1]
    >>> loss = ds.custom_loss(cubic, gradient=cubic_slope)
    >>> task = ds.Task(ds.Linear(), loss, ds.gradient_descent(0.05))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=900)
    >>> run.engine_used, run.predict([[3.0]]).round(1)
    ('numpy', array([7.]))
    """
    parts: dict[str, Any] = {"function": function, "gradient": gradient}
    for what, given in parts.items():
        if not callable(given) and (given is not None or what == "function"):
            msg = f"The {what!r} of custom_loss must be a function (scores, y). Got {given!r}."
            raise InputError(msg)
    label = called(function) if name is None else str(name)
    learnt = getattr(function, "parameters", None)
    if library_of(function) == "torch" and learnt is not None and any(True for _ in learnt()):
        msg = (
            f"The loss {label!r} has parameters of its own, which nothing here would train; put "
            "them into the model, whose scores a loss is given."
        )
        raise InputError(msg)
    chosen = needed_by(function) if library is None else _library("custom_loss", library)
    if chosen == "numpy" and gradient is None:
        msg = (
            f"The custom loss {label!r} is written with {TITLES['numpy']}, which cannot "
            "differentiate it; pass its gradient=…, or write it with jax.numpy or torch."
        )
        raise InputError(msg)
    return CustomLoss(
        label,
        chosen,
        choice("custom_loss", "targets", targets, TARGETS),
        function,
        gradient,
    )
