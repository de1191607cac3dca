"""The plan of a map: its two axes, and the task that each cell trains."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import models, optimizers
from descend.curvature import automatic_rate
from descend.custom import CustomModel
from descend.engines import engine_for
from descend.engines.checking import is_custom
from descend.errors import InputError, ParameterError
from descend.models import layered
from descend.parts import choice, number, whole
from descend.sweeping.theory import Limit, limit_of
from descend.task import Task
from descend.training.making import made_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.run import Data

ACROSS = ("batch_size", "init_scale", "momentum")
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = (1, 4, 16, 64, 256, 1024)
# Batches smaller than this share of the rows are many updates; they are swept if asked for.
_MOST_BATCHES = 1000
RATES = 9
# The automatic rates span from 1/300 of the largest limit, or 1/10 of the smallest, to 3 times.
_BELOW, _BELOW_SMALLEST, _ABOVE = 300.0, 10.0, 3.0
_MOST_RATES = 40
# Where no limit is known: this much to either side of what "auto" stands for.
_AROUND = 100.0


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """What is trained where.

    Attributes
    ----------
    task
        Of all cells, its rate, momentum or start aside.
    across
        What varies from row to row: ``"batch_size"``, ``"init_scale"`` or ``"momentum"``.
    values
        Of that, one for each row; a batch size of n or more is the full batch.
    learning_rates
        One for each column, ascending.
    data, base
        The rows, made ready, and the problem of the task on them.
    how
        What else `train` is told, in every cell alike.
    """

    task: Task
    across: str
    values: tuple[float, ...]
    learning_rates: tuple[float, ...]
    data: Data
    base: Problem
    how: dict[str, Any]

    def task_at(self, value: float, rate: float) -> Task:
        """Return the task of a cell."""
        rule = self.task.optimizer.rule
        if self.across == "momentum":
            form = optimizers.nesterov if rule.name == "nesterov" else optimizers.momentum
            rule = form(1.0, value).rule
        task = replace(
            self.task, optimizer=replace(self.task.optimizer, rule=rule, learning_rate=rate)
        )
        if self.across == "init_scale":
            task = replace(task, model=replace(layered(task.model), init=self.drawn * value))
        return task

    def batch_size_at(self, value: float) -> int | None:
        """Return the batch size of a row, None for the full batch."""
        if self.across != "batch_size":
            return self.base.batch_size
        return None if value >= self.base.n else int(value)

    def problem_at(self, value: float, rate: float = 1.0) -> Problem:
        """Return the problem of a cell."""
        return replace(
            self.base,
            task=self.task_at(value, rate),
            batch_size=self.batch_size_at(value),
            learning_rate=rate,
        )

    @cached_property
    def drawn(self) -> Floats:
        """The model's own start (P,), which a row multiplies."""
        return models.start(self.task.model, self.base.layout, self.base.seed, 0)

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The largest stable step of each row."""
        if self.across == "init_scale" and self.task.model.linear:
            return (limit_of(self.base),) * len(self.values)
        return tuple(limit_of(self.problem_at(value)) for value in self.values)

    @cached_property
    def starts(self) -> tuple[float, ...]:
        """The objective over all rows at the start of each row."""
        if self.across != "init_scale":
            return (_first(self.base),) * len(self.values)
        return tuple(_first(self.problem_at(value)) for value in self.values)


def _first(problem: Problem) -> float:
    engine = "auto" if is_custom(problem.task) else "numpy"
    return engine_for(engine, problem)[1].value(problem.start().theta)


def planned(  # noqa: PLR0913 - the two axes, and what train is told
    task: Any,
    X: Any,
    y: Any,
    *,
    across: str,
    values: Sequence[float] | None,
    learning_rates: Sequence[float] | int | None,
    how: dict[str, Any],
) -> Plan:
    """Return the plan, everything checked before the first cell is trained."""
    choice("sweep", "across", across, ACROSS)
    if not isinstance(task, Task):
        msg = f"sweep needs a Task(model, loss, optimizer). Got {task!r} instead."
        raise InputError(msg)
    whole("sweep", "epochs", how["epochs"])
    task = replace(task, optimizer=replace(task.optimizer, learning_rate=1.0))
    _refuse(task, across)
    chosen = None if values is None else _values(across, values)
    count = given = None
    if isinstance(learning_rates, int):
        count = whole("sweep", "learning_rates", learning_rates, low=2)
    elif learning_rates is not None:
        given = _listed("learning_rates", learning_rates, _rate)
    ready = ("batch_size", "shuffle", "validation", "sample_weight", "seed", "dtype", "standardize")
    data, base = made_ready(task, X, y, **{name: how[name] for name in ready})
    if across == "batch_size":
        chosen = _sizes(base.n) if chosen is None else _different(chosen, base.n)
    usual = MOMENTA if across == "momentum" else SCALES
    plan = Plan(task, across, usual if chosen is None else chosen, (), data, base, how)
    return replace(plan, learning_rates=given or _automatic(plan, count))


def _refuse(task: Task, across: str) -> None:
    rule = task.optimizer.rule
    if rule.searches:
        msg = (
            f"A map has learning rates, and {rule.name} finds the length of each step itself; "
            "use gradient_descent, momentum or adam."
        )
        raise InputError(msg)
    if across == "momentum" and rule.name not in {"gradient_descent", "momentum", "nesterov"}:
        msg = (
            f"A map across momentum is of gradient_descent, momentum or nesterov; the optimizer "
            f"is {rule.name}. Use one of them, or another axis (across)."
        )
        raise InputError(msg)
    if across != "init_scale":
        return
    if isinstance(task.model, CustomModel):
        msg = (
            f"A map across init_scale multiplies a start that this library draws; the model "
            f"{task.model.label!r} draws its own. Use another axis (across)."
        )
        raise InputError(msg)
    init = task.model.init
    if init == "zeros" or (init == "auto" and not task.model.hidden):
        msg = (
            "A map across init_scale multiplies the start, and this model starts at zeros; give "
            "it another (init='normal'), or use another axis (across)."
        )
        raise InputError(msg)


# ---------------------------------------------------------------- the axes


def _values(across: str, values: Any) -> tuple[float, ...]:
    def size(value: Any) -> float:
        return whole("sweep", "values", value)

    def momentum(value: Any) -> float:
        return number("sweep", "values", value, low=0, high=1, closed="low")

    def scale(value: Any) -> float:
        return number("sweep", "values", value, low=0, closed="low")

    check = {"batch_size": size, "momentum": momentum, "init_scale": scale}[across]
    return _listed("values", values, check)


def _rate(value: Any) -> float:
    return number("sweep", "learning_rates", value, low=0)


def _listed(name: str, values: Any, check: Any) -> tuple[float, ...]:
    """Return numbers, checked, ascending and all different."""
    try:
        found = [check(value) for value in np.asarray(values).ravel().tolist()]
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"The {name!r} parameter of sweep must be numbers. Got {values!r} instead."
        raise ParameterError(msg) from error
    if not found or len(set(found)) < len(found):
        what = "none twice" if found else "at least one"
        msg = f"The {name!r} parameter of sweep must list numbers, {what}. Got {values!r} instead."
        raise ParameterError(msg)
    return tuple(sorted(found))


def _different(sizes: tuple[float, ...], n: int) -> tuple[float, ...]:
    """Return batch sizes, all those of n or more as n."""
    return tuple(sorted({min(int(size), n) for size in sizes}))


def _sizes(n: int) -> tuple[float, ...]:
    """Return batch sizes from single rows, or as small as is quick, to all rows."""
    smaller = [size for size in SIZES if size < n and n / size <= _MOST_BATCHES]
    return (*smaller, n)


def _automatic(plan: Plan, count: int | None) -> tuple[float, ...]:
    """Return rates on either side of the boundary, evenly spaced in their logarithms."""
    steps = [limit.step for limit in plan.limits if math.isfinite(limit.step)]
    if steps:
        low = min(max(steps) / _BELOW, min(steps) / _BELOW_SMALLEST)
        high = _ABOVE * max(steps)
    else:
        usual = automatic_rate(plan.base)
        low, high = usual / _AROUND, usual * _AROUND
    wide = math.log(high / low) / math.log(_BELOW * _ABOVE)
    found = np.geomspace(low, high, count or min(round(RATES * max(wide, 1.0)), _MOST_RATES))
    return tuple(float(f"{rate:.4g}") for rate in found)
