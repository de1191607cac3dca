"""Schedules: how the learning rate changes with the number of updates done.

The learning rate of update ``t`` (from 0) is the optimizer's ``learning_rate`` times the
schedule's ``factor(t)``.  A factor is a function of t alone, so any step can be revisited; a
schedule's length is one of its parameters and so belongs to the task.  The one exception,
`reduce_on_plateau`, has no formula: the training loop lowers the rate when the watched loss
stops falling, and records when it did.

    >>> [round(factor(cosine(steps=4), t), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple, Protocol

from descend.errors import ParameterError
from descend.parts import Family, Namespace, number, whole

SCHEDULES: Family[Schedule] = Family("schedule")


class Schedule(Protocol):
    """A schedule: a named value whose factor is a function of the updates done."""

    name: ClassVar[str]

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Return ``factor(schedule, t)``, for the namespace `xp` (`math` will do)."""

    def _asdict(self) -> dict[str, Any]: ...


def factor(schedule: Schedule | None, t: int) -> float:
    """Return what the learning rate is multiplied by at update `t`, from 0."""
    return 1.0 if schedule is None else float(type(schedule).formulas(math)(schedule, t))


@SCHEDULES.add(
    "constant",
)
class Constant(NamedTuple):
    """1."""

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Always 1."""
        del xp
        return lambda schedule, t: 1.0


@SCHEDULES.add(
    "step",
)
class Step(NamedTuple):
    """gamma^floor(t / every)."""

    every: int
    gamma: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Multiply by gamma after each `every` updates."""
        del xp
        return lambda schedule, t: schedule.gamma ** (t // schedule.every)


@SCHEDULES.add(
    "exponential",
)
class Exponential(NamedTuple):
    """gamma^t."""

    gamma: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Multiply by gamma after each update."""
        del xp
        return lambda schedule, t: schedule.gamma**t


@SCHEDULES.add(
    "inverse_time",
)
class InverseTime(NamedTuple):
    """1 / (1 + decay t)."""

    decay: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Fall like 1/t."""
        del xp
        return lambda schedule, t: 1.0 / (1.0 + schedule.decay * t)


@SCHEDULES.add(
    "cosine",
)
class Cosine(NamedTuple):
    """final + (1 - final)(1 + cos(pi t / steps))/2, and final after `steps`."""

    steps: int
    final: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Half a cosine wave from 1 to `final`."""
        cos = xp.cos

        def value(schedule, t):
            share = min(t / schedule.steps, 1.0)
            return schedule.final + (1 - schedule.final) * 0.5 * (1 + cos(math.pi * share))

        return value


@SCHEDULES.add(
    "warm_up",
)
class WarmUp(NamedTuple):
    """(t + 1) / steps while t < steps, then 1."""

    steps: int

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """A straight line up to 1."""
        del xp
        return lambda schedule, t: min((t + 1) / schedule.steps, 1.0)


@SCHEDULES.add(
    "one_cycle",
)
class OneCycle(NamedTuple):
    """Half a cosine from `start` up to 1, then half a cosine down to `final`."""

    steps: int
    rise: float
    start: float
    final: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """The first `rise` of the steps go up, the others down."""
        cos = xp.cos

        def value(schedule, t):
            top = schedule.rise * schedule.steps
            if t <= top:
                low, share = schedule.start, 1 - t / top
            else:
                low, share = schedule.final, min((t - top) / (schedule.steps - top), 1.0)
            return low + (1 - low) * 0.5 * (1 + cos(math.pi * share))

        return value


@SCHEDULES.add(
    "reduce_on_plateau",
)
class ReduceOnPlateau(NamedTuple):
    """1: the loop multiplies the rate by `gamma` when `patience` epochs brought nothing."""

    gamma: float
    patience: int
    tolerance: float
    smallest: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """The formula is 1; what the loop has made of it is in the controller's record."""
        del xp
        return lambda schedule, t: 1.0


@SCHEDULES.maker
def constant() -> Schedule:
    """Return the schedule that changes nothing: factor 1.

    Returns
    -------
    Constant

    Examples
    --------
    >>> factor(constant(), 1000)
    1.0
    """
    return SCHEDULES.value(Constant())


@SCHEDULES.maker
def step(every: int, gamma: float = 0.1) -> Schedule:
    """Return the staircase: gamma^floor(t / every).

    Parameters
    ----------
    every
        Updates per stair, at least 1.
    gamma
        What each stair multiplies by, in (0, 1]; default 0.1.

    Returns
    -------
    Step

    Examples
    --------
    >>> [factor(step(every=2, gamma=0.5), t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    gamma = number("step", "gamma", gamma, low=0, high=1, closed="high")
    return SCHEDULES.value(Step(whole("step", "every", every), gamma))


@SCHEDULES.maker
def exponential(gamma: float = 0.999) -> Schedule:
    """Return the exponential decay: gamma^t.

    Parameters
    ----------
    gamma
        What each update multiplies by, in (0, 1]; default 0.999.

    Returns
    -------
    Exponential

    Examples
    --------
    >>> factor(exponential(0.5), 3)
    0.125
    """
    return SCHEDULES.value(
        Exponential(number("exponential", "gamma", gamma, low=0, high=1, closed="high"))
    )


@SCHEDULES.maker
def inverse_time(decay: float = 0.01) -> Schedule:
    """Return the decay by inverse time: 1 / (1 + decay t).

    Parameters
    ----------
    decay
        Per update, 0 or more; default 0.01: half the rate after 100 updates.

    Returns
    -------
    InverseTime

    Examples
    --------
    >>> factor(inverse_time(0.01), 100)
    0.5

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Ann. Math. Statist. 22 (1951).
    """
    return SCHEDULES.value(InverseTime(number("inverse_time", "decay", decay, low=0, closed="low")))


@SCHEDULES.maker
def cosine(steps: int, final: float = 0.0) -> Schedule:
    """Return half a cosine wave from 1 at update 0 to `final` at update `steps`.

    Parameters
    ----------
    steps
        Length in updates, at least 1; afterwards the factor stays `final`.
    final
        The last factor, in [0, 1]; default 0, as in the paper.

    Returns
    -------
    Cosine

    Examples
    --------
    >>> factor(cosine(steps=10), 5)
    0.5

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
    2017, equation 5, without restarts.
    """
    final = number("cosine", "final", final, low=0, high=1, closed="both")
    return SCHEDULES.value(Cosine(whole("cosine", "steps", steps), final))


@SCHEDULES.maker
def warm_up(steps: int) -> Schedule:
    """Return a straight line from 1/steps at update 0 to 1 at update steps - 1, then 1.

    Parameters
    ----------
    steps
        Length in updates, at least 1.

    Returns
    -------
    WarmUp

    Examples
    --------
    >>> [factor(warm_up(4), t) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD", arXiv:1706.02677, section 2.2.
    """
    return SCHEDULES.value(WarmUp(whole("warm_up", "steps", steps)))


@SCHEDULES.maker
def one_cycle(steps: int, rise: float = 0.3, start: float = 0.04, final: float = 4e-6) -> Schedule:
    """Return one cycle: half a cosine up from `start` to 1, then half a cosine down to `final`.

    Parameters
    ----------
    steps
        Length in updates, at least 2.
    rise
        The share of the steps that go up, in (0, 1); default 0.3.
    start, final
        The first and last factor, in [0, 1]; defaults 1/25 and 1/25/10 000.  These and the
        cosine are PyTorch's `OneCycleLR`, which peaks an update earlier and ends an update
        later; the paper's lines are straight.  Momentum stays.

    Returns
    -------
    OneCycle

    Examples
    --------
    >>> factor(one_cycle(steps=10), 3)
    1.0

    References
    ----------
    L. Smith and N. Topin, "Super-convergence", arXiv:1708.07120.
    """
    return SCHEDULES.value(
        OneCycle(
            whole("one_cycle", "steps", steps, low=2),
            number("one_cycle", "rise", rise, low=0, high=1),
            number("one_cycle", "start", start, low=0, high=1, closed="both"),
            number("one_cycle", "final", final, low=0, high=1, closed="both"),
        )
    )


@SCHEDULES.maker
def reduce_on_plateau(
    gamma: float = 0.1, patience: int = 10, tolerance: float = 1e-4, smallest: float = 1e-6
) -> Schedule:
    """Return the schedule that waits: multiply by gamma when the watched loss stops falling.

    The watched loss is the validation loss where there is one and the epoch's training loss
    otherwise.  An epoch counts as progress when it beats the best so far by more than
    ``tolerance`` of it.  The rate falls at the end of the last epoch of patience; PyTorch waits one
    more.

    Parameters
    ----------
    gamma
        What a plateau multiplies the rate by, in (0, 1); default 0.1.
    patience
        Epochs without progress before it does, at least 1; default 10.
    tolerance
        Relative progress that counts, 0 or more; default 1e-4.
    smallest
        The factor is never made smaller than this, in [0, 1); default 1e-6.

    Returns
    -------
    ReduceOnPlateau

    Raises
    ------
    ParameterError
        If gamma is 1, which would reduce nothing.

    Examples
    --------
    >>> reduce_on_plateau(patience=3).patience
    3
    """
    if gamma == 1:
        msg = "The 'gamma' parameter of reduce_on_plateau must be below 1 to reduce anything."
        raise ParameterError(msg)
    return SCHEDULES.value(
        ReduceOnPlateau(
            number("reduce_on_plateau", "gamma", gamma, low=0, high=1),
            whole("reduce_on_plateau", "patience", patience),
            number("reduce_on_plateau", "tolerance", tolerance, low=0, closed="low"),
            number("reduce_on_plateau", "smallest", smallest, low=0, high=1, closed="low"),
        )
    )
