"""How a run went, as far as rules about data and fit must know before they judge it.

What was learnt is only judged in a run that learnt: one that did not blow up, went down, and has
come to rest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# A run has come to rest when its last fifth brought less than this share of all it gained ...
REST = 0.01
# ... and a linear one when it has gone this share of the way to its optimum.
ARRIVED = 0.98


def diverged(chart: Chart) -> bool:
    """Tell whether the run blew up: marked so, no number, or ended above where it began."""
    run = chart.run
    if run is None:
        return False
    if run.outcome.reason == "diverged" or run.controller.diverged_at is not None:
        return True
    end, start = chart.end_loss, chart.start_loss
    if end is None or not math.isfinite(end):
        return True
    return start is not None and math.isfinite(start) and end > start + 1e-9 * abs(start)


def way(chart: Chart) -> float | None:
    """Return which share of the way from its start to its optimum a convex run has gone."""
    best, start, end = chart.best, chart.start_loss, chart.end_loss
    if best is None or start is None or end is None or not math.isfinite(best[0]):
        return None
    whole = start - best[0]
    # Started at the optimum: all of the way is gone.
    return 1.0 if whole <= 1e-12 * (abs(start) + abs(best[0])) else (start - end) / whole


def at_rest(chart: Chart) -> bool:
    """Tell whether the run had nothing more to gain: arrived, or flat over its last fifth."""
    if diverged(chart):
        return False
    run = chart.run
    if run is not None and run.outcome.reason in {"gradient", "stalled", "exact"}:
        return run.outcome.condition is None
    gone = way(chart)
    if gone is not None:
        return gone >= ARRIVED
    curve = descent(chart)
    if curve is None:
        return False
    fifth = max(len(curve) // 5, 1)
    gained = float(np.median(curve[:fifth][:1])) - float(np.median(curve[-fifth:]))
    before = float(np.median(curve[-2 * fifth : -fifth]))
    last = before - float(np.median(curve[-fifth:]))
    return gained > 0 and last <= REST * gained


def descent(chart: Chart) -> Floats | None:
    """Return the recorded loss, by epochs where updates saw batches; None if too short."""
    found = chart.of("epoch_loss")
    full = chart.run is not None and chart.run.setup.full_batch
    if full or found is None:
        found = chart.of("loss")
    shortest = 10
    if found is None or len(found) < shortest or not np.isfinite(found).all():
        return None
    return found
