"""How the descent went: its step, its valley, its noise, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.doctor.blown_up import beyond_the_limit, blown_up
from descend.doctor.findings import Finding, Fix
from descend.doctor.in_valley import judged_in_valley
from descend.doctor.on_the_way import judged_by_course
from descend.doctor.track import track
from descend.doctor.valley import ARRIVED, valley

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart
    from descend.errors import Outcome

# Runs that ended by these rules have arrived, or were taken back to their best on purpose.
_ENDED_WELL = ("gradient", "validation", "exact")


def _ended_well(outcome: Outcome) -> bool:
    return outcome.reason in _ENDED_WELL and outcome.condition is None


def _short_of_the_least(outcome: Outcome) -> Finding | None:
    """Find a search that stopped on ill-conditioned columns: `training.arriving` knows."""
    if outcome.condition is None:
        return None
    return Finding(
        "ill-conditioned",
        "illness",
        f"The columns are so nearly collinear that the search could not arrive. {outcome.sentence}",
        {"condition number of the columns": outcome.condition, "loss at the end": outcome.loss},
        Fix("solve it outright (solve), or drop or penalise columns that follow from others"),
    )


def descent(chart: Chart) -> Finding | None:
    """Return the one thing that best explains how the descent ended, or None."""
    run = chart.run
    if run is None or chart.problem is None or chart.sample is None:
        return None
    if blown_up(chart):
        return beyond_the_limit(chart)
    if run.task.optimizer.rule.searches:
        return _short_of_the_least(run.outcome)
    way = None if _ended_well(run.outcome) else track(chart)
    if way is None:
        return None
    at = valley(chart)
    if at is not None:
        return judged_in_valley(chart, way, at)
    return None if _near_the_least(chart) else judged_by_course(chart, way)


def _near_the_least(chart: Chart) -> bool:
    """Tell whether a linear run too wide for a valley is known to have arrived."""
    best, end = chart.best, chart.end_loss
    known = [v for v in (chart.start_loss, chart.constant_loss) if v is not None]
    if best is None or end is None or not known:
        return False
    return end - best[0] <= ARRIVED * (min(known) - best[0])


RULES: tuple[Callable[[Chart], Finding | None], ...] = (descent,)
