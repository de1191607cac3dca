"""Callbacks: others may watch a training and ask it to stop; they cannot change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats, Layout
    from descend.run import Run

MOMENTS = ("start", "step", "stretch", "epoch", "end")


@final
@dataclass(frozen=True, eq=False)
class Now:
    """What a callback sees: copies, so that looking changes nothing.

    Attributes
    ----------
    step, epoch
        Updates and whole epochs done.
    updates
        Updates planned in all.
    loss
        The objective over the last update's batch, before that update; None at the start.
    validation_loss
        Of the last epoch, or None.
    theta, slots
        The parameters and the optimizer's memory.
    layout
        The slices of theta.
    so_far
        Called, it returns the `Run` as it stands; the training goes on without touching it.
    figures
        What was measured last, by the names of `Run.history`.
    """

    step: int
    epoch: int
    updates: int
    loss: float | None
    validation_loss: float | None
    theta: Floats
    slots: Floats
    layout: Layout
    so_far: Callable[[], Run] | None = None
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Floats]:
        """The parameters by name."""
        return self.layout.split(self.theta)


@final
@dataclass(frozen=True)
class Callback:
    """Functions to call while a run is trained; returning True asks it to stop.

    Parameters
    ----------
    start
        Called with `Now` before the first update.
    step
        Called with `Now` after every update.
    stretch
        Called with `Now` whenever training looks up, some ten times a second; it slows nothing.
    epoch
        Called with `Now` after every epoch.
    end
        Called with the finished `Run`; what it returns is not used.

    Attributes
    ----------
    start, step, stretch, epoch, end
        As given.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> low_enough = ds.Callback(step=lambda now: now.loss < 0.5)
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=100, callbacks=[low_enough])
    >>> run.outcome.reason, run.outcome.step
    ('callback', 6)
    """

    start: Callable[[Now], Any] | None = None
    step: Callable[[Now], Any] | None = None
    stretch: Callable[[Now], Any] | None = None
    epoch: Callable[[Now], Any] | None = None
    end: Callable[[Run], Any] | None = None


def checked(callbacks: Any) -> tuple[Any, ...]:
    """Return callbacks as a tuple; anything with one of the five methods will do."""
    found = tuple(callbacks) if isinstance(callbacks, list | tuple) else (callbacks,)
    for callback in found:
        if not any(callable(getattr(callback, moment, None)) for moment in MOMENTS):
            msg = (
                "A callback must have at least one of the functions start, step, stretch, epoch, "
                "end: "
                f"ds.Callback(epoch=…). Got {callback!r} instead."
            )
            raise InputError(msg)
    return found


def listeners(callbacks: tuple[Any, ...], moment: str) -> list[Callable[[Any], Any]]:
    """Return the functions to call at a moment."""
    found = [getattr(callback, moment, None) for callback in callbacks]
    return [function for function in found if callable(function)]
