"""Judging: how far each cell came, against the least objective known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from descend.optimum import at_hand
from descend.run import Run
from descend.sweeping.result import Cell, Sweep
from descend.sweeping.verdicts import Course, arrival, verdict
from descend.training import train

if TYPE_CHECKING:
    from descend.sweeping.plan import Plan


class Trained(NamedTuple):
    """A cell that is there: how its run went, and how to open it."""

    course: Course
    updates: int
    opened: Callable[[], Run]
    file: Path | None


def judged(
    plan: Plan, cells: dict[tuple[int, int], Trained], X: Any, y: Any, *, interrupted: bool
) -> Sweep:
    """Return the map of a plan, its cells measured against the least objective known."""
    least, known = _least(plan, [cell.course for cell in cells.values()], X, y)
    begun = [start for start in plan.starts if math.isfinite(start)]
    gap = max(min(begun, default=math.nan) - least, 0.0)
    drawn = tuple(
        tuple(
            _cell(plan, i, rate, cells.get((i, j)), least, gap)
            for j, rate in enumerate(plan.learning_rates)
        )
        for i in range(len(plan.values))
    )
    return Sweep(
        task=plan.task,
        across=plan.across,
        values=plan.values,
        learning_rates=plan.learning_rates,
        cells=drawn,
        limits=plan.limits,
        least=least,
        known=known,
        rows=plan.base.n,
        epochs=plan.how["epochs"],
        batch_size=None if plan.base.full_batch else plan.base.batch_size,
        seed=plan.base.seed,
        interrupted=interrupted,
    )


def _cell(  # noqa: PLR0913, PLR0917 - a cell's place, what it did, and what it is measured by
    plan: Plan, i: int, rate: float, trained: Trained | None, least: float, gap: float
) -> Cell:
    value, limit = plan.values[i], plan.limits[i].step
    below = rate < limit if math.isfinite(limit) else None
    if trained is None:
        return Cell(rate, value, None, plan.starts[i], math.nan, 0, None, below)
    course = trained.course
    return Cell(
        rate,
        value,
        verdict(course, least, gap),
        course.first,
        course.last,
        trained.updates,
        None if course.diverged else arrival(course, least, gap),
        below,
        trained.file,
        trained.opened,
    )


def _least(plan: Plan, courses: list[Course], X: Any, y: Any) -> tuple[float, bool]:
    """Return the least objective, and whether it is the optimum."""
    task = plan.task_at(plan.values[0], plan.learning_rates[0])
    how = {**plan.how, "batch_size": None, "epochs": 1}
    best = at_hand(train(task, X, y, record=False, progress=False, **how))
    if best is not None:
        return best.loss, True
    ends = [course.last for course in courses if math.isfinite(course.last)]
    return min(ends, default=math.nan), False
