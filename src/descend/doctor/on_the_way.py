"""Where the least loss is not known (nets, kinks, parts of one's own): judge a run by its course.

What is poor is measured against two references that are cheap to have: the best constant, and the
best linear model on standardised columns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor import remedies
from descend.doctor.in_valley import SWINGS, motionless
from descend.doctor.remedies import run_of
from descend.doctor.track import sharpness

if TYPE_CHECKING:
    from descend.doctor.chart import Chart
    from descend.doctor.findings import Finding
    from descend.doctor.track import Track

# A run is poor that leaves a tenth of what a plain linear model learns.
POOR = 0.1
# Of the whole fall of the loss, a share that came in the last fifth: moving, and standing still.
MOVING, STILL = 0.05, 0.01
# A last fifth that takes a tenth off the loss itself is moving too, while a twentieth of what the
# best constant gives is left.
GAINING, LEFT = 0.1, 0.05
# A gradient changed by less than this share is the first one yet; fewer updates than these are too
# few, and not too small.
SAME, FEW = 0.3, 5
# Rate x curvature / limit below which a poor net that still falls has too small a step.
TINY = 0.02
# A median of late losses above the lowest by this share of what there was to learn is lifted; it
# falls if it is below this share of the early one.
LIFTED, FALLING = 0.03, 0.8
# Inputs a net is made for are about 1 in size.
UNEVEN = 10.0
# The edge: rate x curvature within these of the limit, at some late look, and some rises.
EDGE, RISES, SETTLED = (0.8, 1.6), 0.02, 0.2
# Looks at which the loss rose, and how far it is spread, where it goes up and down.
UPS, SPREAD = 0.25, 0.05


def judged_by_course(chart: Chart, way: Track) -> Finding | None:
    """Judge a run whose least loss is not known."""
    end = chart.end_loss
    if end is None or not np.isfinite(way.losses).all():
        return None
    poor = _poor(chart, end)
    evidence: dict[str, Any] = {
        "loss": end,
        "what the best constant gives": chart.constant_loss,
        "what a linear model on standardised columns gives": chart.plain_loss,
        "gradient changed by": way.turned,
        "step against its limit": way.sharp,
        "updates": chart.done,
    }
    if _flat(chart):
        why = "every gradient was exactly 0, for the loss is flat where it started"
        return remedies.stalled(chart, why, remedies.elsewhere(chart), evidence)
    if _still_at_the_start(chart, way):
        return remedies.too_small(chart, None, evidence)
    if poor and chart.net is not None and _uneven_inputs(chart):
        why = (
            "The columns come to the net in sizes far from 1, for which its start and its step are "
            "not made; a plain linear model on standardised columns does better."
        )
        return remedies.unscaled(chart, why, evidence)
    found = _shaken(chart, way, evidence) or (_troubled(chart, way, evidence) if poor else None)
    return found or _at_the_edge(chart, way, evidence) or _moving(way, chart, evidence, poor=poor)


def _poor(chart: Chart, end: float) -> bool:
    """Tell whether a plain linear model does clearly better."""
    reference, constant, task = chart.plain_loss, chart.constant_loss, run_of(chart).task
    if reference is None or constant is None or constant <= reference:
        return False
    if task.penalty is not None and task.model.linear:
        return False  # it was asked to stay above what a model without a penalty reaches
    return end - reference > POOR * (constant - reference)


def _flat(chart: Chart) -> bool:
    """Tell whether nothing ever pulled: not the rows' pulls cancelled, there was none."""
    slopes, end, rows = chart.of("gradient_norm"), chart.end_loss, chart.rows
    if slopes is None or slopes.any() or not end or rows is None:
        return False
    half = chart.with_first(len(rows.X) // 2)
    gradient = None if half is None else half.gradient(chart.start)
    return gradient is not None and not gradient.any()


def _still_at_the_start(chart: Chart, way: Track) -> bool:
    """Tell whether the gradient is still the first one: all the way is one short straight step."""
    return chart.done >= FEW and way.turned < SAME and float(way.losses[-1]) < float(way.losses[0])


def _shaken(chart: Chart, way: Track, evidence: dict[str, Any]) -> Finding | None:
    """Name noise: batches lift the loss above the lowest seen, as far as their variance explains.

    The gap that noise keeps up is about rate/4 times the variance of a batch's gradient (see
    `in_valley`); rules that divide by the gradient's size are judged by what was seen alone.
    """
    run, constant = run_of(chart), chart.constant_loss
    late = way.losses[len(way.losses) // 2 :]
    if run.setup.full_batch or constant is None or len(late) < FEW or way.noise <= 0:
        return None
    early = way.losses[1 : len(way.losses) // 2]
    lowest = float(way.losses.min())
    lifted, to_learn = float(np.median(late)) - lowest, constant - lowest
    falls = float(np.median(late)) < FALLING * float(np.median(early)) if len(early) else True
    ups = float(np.mean(np.diff(late) > 0))
    if falls or to_learn <= 0 or lifted < LIFTED * to_learn or ups < UPS:
        return None
    rule = run.task.optimizer.rule
    if not rule.scaled:
        beta = getattr(rule, "beta", 0.0)
        if run.setup.learning_rate * chart.unit / (1 - beta) / 4 * way.noise < lifted / 3:
            return None
    return remedies.noisy(chart, "about", lifted / (LIFTED * to_learn), evidence)


def _troubled(chart: Chart, way: Track, evidence: dict[str, Any]) -> Finding | None:
    """Say what keeps a poor run from going on down."""
    if _lively(chart, way):
        if not run_of(chart).setup.full_batch and not way.sharp > 1:
            return remedies.noisy(chart, "from epoch to epoch", 1.0, evidence)
        return remedies.jumping(chart, way.sharp, way.rises, evidence)
    return motionless(chart, evidence) if way.moving < STILL else None


def _moving(way: Track, chart: Chart, evidence: dict[str, Any], *, poor: bool) -> Finding | None:
    """Tell a run still on its way from one that stands still too high."""
    end = float(way.losses[-1])
    much_is_left = end > LEFT * abs(chart.constant_loss or end)
    still_falls = way.moving > MOVING or (much_is_left and way.last_fifth > GAINING * abs(end))
    if still_falls:
        if poor and way.moving > MOVING and way.sharp < TINY:
            return remedies.too_small(chart, None, evidence)
        return remedies.not_finished(chart, evidence)
    if poor and way.moving < STILL:
        return remedies.stalled(
            chart,
            "its gradient has all but vanished on a plateau",
            remedies.elsewhere(chart),
            evidence,
        )
    return None


def _lively(chart: Chart, way: Track) -> bool:
    """Tell whether the loss goes up and down without falling."""
    if way.moving >= MOVING:
        return False
    if run_of(chart).setup.full_batch:
        return way.rises > SWINGS
    late = way.losses[len(way.losses) // 2 :]
    changes = np.diff(late)
    ups = float(np.mean(changes > 0)) if len(changes) else 0.0
    return ups >= UPS and float(np.std(late)) > SPREAD * abs(float(np.mean(late)))


def _uneven_inputs(chart: Chart) -> bool:
    """Tell whether columns, as the net meets them, are far above 1 or from one another."""
    rows = chart.rows
    if rows is None:
        return False
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return False
    top, middle = float(sizes.max()), float(np.median(sizes))
    return not 1 / UNEVEN < top < UNEVEN or top > UNEVEN * middle


def _at_the_edge(chart: Chart, way: Track, evidence: dict[str, Any]) -> Finding | None:
    """Say so where a full-batch descent rides along rate x curvature = limit.

    It swings about the edge, so the largest of some late states counts.
    """
    run = run_of(chart)
    if not run.setup.full_batch or run.task.optimizer.rule.scaled or run.task.model.linear:
        return None  # a linear model's curvature has nowhere to rise to
    if way.rises < RISES or way.moving > SETTLED:
        return None
    late = [s for s in chart.states[-8:-1:2] if s.step > run.state.step // 3]
    seen = [way.sharpness[1], *(sharpness(chart, state) for state in late)]
    top = max((s for s in seen if math.isfinite(s)), default=0.0)
    return remedies.riding(top, evidence) if EDGE[0] < top < EDGE[1] else None
