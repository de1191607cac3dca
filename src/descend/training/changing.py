"""What can be changed in a training under way: numbers of the same rule, the rate, the penalty.

What would make its past untrue of what it is now belongs to another run, and is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import optimizers
from descend.curvature import automatic_rate
from descend.errors import InputError

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.optimizers import Optimizer

SAME: Any = object()  # what stays as it is, where None has a meaning of its own


def changed(
    problem: Problem, learning_rate: Any = SAME, optimizer: Any = SAME, penalty: Any = SAME
) -> Problem:
    """Return the problem as a change would have it, its rate resolved; see `Live.change`."""
    found, asked = _of_same_rule(problem.task.optimizer, optimizer, learning_rate)
    given = problem.task.penalty if penalty is SAME else penalty
    other = replace(problem, task=replace(problem.task, optimizer=found, penalty=given))
    if not asked or found.rule.searches:
        return other
    rate = _resolved(other)
    task = replace(other.task, optimizer=replace(found, learning_rate=rate))
    return replace(other, task=task, learning_rate=rate)


def _of_same_rule(now: Optimizer, wanted: Any, learning_rate: Any) -> tuple[Optimizer, bool]:
    """Return the optimizer with other numbers, checked; and whether a rate was asked for."""
    if wanted is SAME:
        wanted = now
    elif not isinstance(wanted, optimizers.Optimizer) or type(wanted.rule) is not type(now.rule):
        found = wanted.name if isinstance(wanted, optimizers.Optimizer) else repr(wanted)
        msg = (
            f"This training goes by {now.name}, and another rule has another memory: {found} needs "
            f"a run of its own; give {now.name}(…) with other numbers."
        )
        raise InputError(msg)
    for name in ("schedule", "clip_value", "clip_norm"):
        if getattr(wanted, name) != getattr(now, name):
            msg = (
                f"A training under way keeps its {name}, {getattr(now, name)!r}; found "
                f"{getattr(wanted, name)!r}. Begin another run for that."
            )
            raise InputError(msg)
    if learning_rate is SAME:
        kept = wanted is now or wanted.learning_rate == "auto"
        learning_rate = None if kept else wanted.learning_rate
    asked = learning_rate is not None
    record = optimizers.describe(wanted)
    record["learning_rate"] = learning_rate if asked else now.learning_rate
    return optimizers.restore(record), asked


def _resolved(problem: Problem) -> float:
    rate = problem.task.optimizer.learning_rate
    return automatic_rate(problem) if isinstance(rate, str) else rate


def places_of(at: Any, size: int) -> Any:
    """Return the places (m,) of one or some of so many parameters."""
    found = np.atleast_1d(np.asarray(at))
    usable = found.ndim == 1 and found.dtype.kind in "iu" and len(set(found.tolist())) == len(found)
    if not usable or not ((found >= 0) & (found < size)).all():
        msg = f"Parameters are numbered from 0 to {size - 1}, and there is none {at!r}; name those."
        raise InputError(msg)
    return found


def numbers_of(to: Any, count: int, dtype: Any) -> Floats:
    """Return as many finite numbers of a dtype."""
    try:
        with np.errstate(over="ignore"):  # what is too large for the dtype is not finite there
            found = np.atleast_1d(np.asarray(to, dtype=np.float64)).astype(dtype)
    except (TypeError, ValueError):
        found = np.full(count, np.nan)
    if found.shape != (count,) or not np.isfinite(found).all():
        msg = (
            f"Setting {count} parameter{'' if count == 1 else 's'} by hand takes as many finite "
            f"numbers; found {to!r:.80}."
        )
        raise InputError(msg)
    return found
