"""The learning rates of some updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines.problem import Problem


def rates_of(problem: Problem, first: int, updates: int, scale: float) -> Floats:
    """Return the rate of each of some updates, from update `first` on."""
    schedule = problem.task.optimizer.schedule
    if schedule is None or schedule.name in {"constant", "reduce_on_plateau"}:
        return np.full(updates, problem.learning_rate * scale)
    return np.array([problem.rate(t, scale) for t in range(first, first + updates)])
