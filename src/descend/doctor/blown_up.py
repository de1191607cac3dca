"""Divergence: whether it did, and whether standardised columns would have borne the step."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.curvature import known, largest, smoothness
from descend.doctor import remedies
from descend.doctor.measures import standard as standardised
from descend.doctor.remedies import extreme_columns, run_of
from descend.doctor.track import plain_rule, sharpness
from descend.doctor.valley import ARRIVED, least_left, valley

if TYPE_CHECKING:
    from descend.doctor.chart import Chart
    from descend.doctor.findings import Finding

# An end this many times above the start and the best constant has blown up, whatever the loop said.
FAR_ABOVE = 100.0
# Columns are uneven where the widest is ten times the narrowest; standardising then matters where
# the condition falls a hundredfold, or the best step on the raw columns would not arrive in time.
UNEVEN, MUCH = 10.0, 100.0


def blown_up(chart: Chart) -> bool:
    """Tell whether the run diverged: by the loop's own rule, or ended far above where it began."""
    run = chart.run
    if run is None or (chart.since and not chart.done):  # it was changed, and did not go on yet
        return False
    ends = [chart.end_loss, run.outcome.loss]
    if run.outcome.diverged_at is not None or not np.isfinite(run.state.theta).all():
        return True
    if any(v is not None and not math.isfinite(v) for v in ends):
        return True
    usual = [abs(v) for v in (chart.start_loss, chart.constant_loss) if v is not None]
    end = chart.objective(chart.last)
    return bool(usual) and end is not None and end > FAR_ABOVE * max(usual) > 0


def beyond_the_limit(chart: Chart) -> Finding:
    """Tell a step that no columns could bear from one that only these cannot."""
    run = run_of(chart)
    rate = run.setup.learning_rate
    raw, standard = _sharpness_at_start(chart)
    evidence: dict[str, Any] = {"learning rate": rate}
    if run.outcome.diverged_at is not None:
        evidence["diverged at update"] = run.outcome.diverged_at
    beyond = math.isfinite(raw) and raw > 1
    if beyond:
        evidence["largest stable step"] = rate / raw
    mends = math.isfinite(standard) and standard <= 1.0
    if mends and uneven(chart) and _a_smaller_step_would_not_do(chart, raw):
        evidence["largest stable step, standardised"] = rate / standard
        widest = next(iter(extreme_columns(chart)[0]))
        why = (
            f"The columns differ so much in size that the step {rate:.3g} throws the loss up along "
            f"{widest}, and a step small enough for it would hardly move the others."
        )
        return remedies.unscaled(chart, why, evidence)
    return remedies.too_large(chart, rate / raw if beyond else None, evidence)


def _sharpness_at_start(chart: Chart) -> tuple[float, float]:
    """Return rate/limit in the columns as they are, and as they would be standardised."""
    run, rows = run_of(chart), chart.rows
    begun = chart.begun
    if run.task.optimizer.rule.scaled or rows is None or begun is None:
        return math.nan, math.nan
    raw = sharpness(chart, begun) * _batch_factor(chart)
    if chart.custom:
        return raw, math.nan
    other = chart.with_rows(standardised(rows.X))
    return raw, sharpness(other, begun) * _batch_factor(other)


def _batch_factor(chart: Chart) -> float:
    """Return how much less a batch can bear than all rows: their expected smoothness over L."""
    run, sample = run_of(chart), chart.sample
    if sample is None or run.setup.full_batch:
        return 1.0
    # Of a mean; what sums do to a rate is in the sharpness already.
    task = replace(sample.task, reduction="mean")
    mean = replace(sample, task=task, batch_size=min(run.setup.batch_size or 1, sample.n))
    L = largest(mean) if known(mean) else 1.0
    return max(smoothness(mean, L) / L, 1.0)


def uneven(chart: Chart) -> bool:
    """Tell whether columns, and the ones of the bias, differ in size by more than ten."""
    rows = chart.rows
    if rows is None:
        return False
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    bias = [1.0] if getattr(run_of(chart).task.model, "bias", False) else []
    sizes = np.append(sizes[sizes > 0], bias)
    return len(sizes) > 1 and bool(sizes.max() > UNEVEN * sizes.min())


def _a_smaller_step_would_not_do(chart: Chart, raw: float) -> bool:
    """Tell whether the best step on these columns would be too slow for the updates planned."""
    run, at = run_of(chart), valley(chart)
    if at is None:
        return raw > MUCH
    gap, _ = least_left(at.curvatures, at.distances, run.setup.updates, plain_rule(chart))
    return gap > ARRIVED * at.to_learn or at.condition > MUCH * at.standard_condition
