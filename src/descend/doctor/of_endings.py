"""How a history from elsewhere ends: hardly begun, not finished, stalled, or learnt by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.doctor.curves import arrived, curve
from descend.doctor.findings import Finding, Fix
from descend.doctor.of_history import ONE_WAY, grows, losses_of, rate_of, spoilt, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart

# A rise of a validation curve in units of its own noise, and as a share of what it had gained.
SIGMAS, REGAINED = 6.0, 0.1
# How much of its way a finished descent has come; and one that was hardly begun.
FINISHED, BEGUN = 0.98, 0.5
# A loss that has lost so little of itself; a gradient that is nearly the first one still.
SLIGHT, UNCHANGED = 0.1, 0.8
# Rates so much smaller than at first, while gradients are not.
FADED = 1e-3


def falls_short(chart: Chart) -> Finding | None:
    """Find a descent that had hardly begun, or was not finished, when it stopped.

    Of a smooth curve that falls ever more slowly the rest of the way can be told from how its
    speed dies away (`curves.arrived`).  Less than half of it, with a gradient that has hardly
    changed since the start (or, where that is not known, a loss that has): the step is far too
    small.  A plateau is left with a gradient that grows; so it is only not finished.
    """
    loss = losses_of(chart)
    if loss is None or spoilt(loss) is not None:
        return None
    shape, come = curve(loss), arrived(loss)
    if shape is None or come is None or shape.falling < ONE_WAY or turned(chart) is not None:
        return None
    if _faded(chart) or shape.last < min(shape.first, 0.0):
        return None
    share = shape.drop / max(abs(shape.first), 1e-300)
    kept = _kept_gradient(chart)
    seen = {
        "share of the way": come,
        "loss at the start": shape.first,
        "loss at the end": shape.last,
    }
    slight = share < SLIGHT if kept is None else share < BEGUN and kept > UNCHANGED
    if come < BEGUN and slight:
        gradient = "" if kept is None else f", and the gradient is still {kept:.0%} of the first"
        return Finding(
            "step-too-small",
            "illness",
            f"In {len(loss)} steps the loss came down by only {share:.2g} of itself, as fast at "
            f"the end as at the start{gradient}: the step is far smaller than it may be.",
            {**seen, **({} if kept is None else {"gradient at the end": kept}), **rate_of(chart)},
            Fix("take a larger step, ten times it to begin with"),
        )
    if come < FINISHED:
        return Finding(
            "not-finished",
            "information",
            f"The loss was still falling when it stopped: it had come about {come:.0%} of its way.",
            seen,
            Fix("train for longer, or take a larger step"),
        )
    return None


def _kept_gradient(chart: Chart) -> float | None:
    """Return how much of the first gradient is left at the end: its direction and its size."""
    g = chart.of("gradient")
    if g is not None and g.ndim == 2 and len(g) > 1:  # noqa: PLR2004
        first = float(g[0] @ g[0])
        return float(np.clip(g[-1] @ g[0] / first, 0.0, 9.0)) if first > 0 else None
    norm = chart.of("gradient_norm")
    if norm is None or len(norm) < 2 or not norm[0] > 0:  # noqa: PLR2004
        return None
    return float(norm[-1] / norm[0])


def _faded(chart: Chart) -> bool:
    """Tell whether the steps shrank to nothing while the gradient did not."""
    kept, rate = _kept_gradient(chart), chart.of("learning_rate")
    rate = chart.of("update_norm") if rate is None else rate
    if kept is None or rate is None or len(rate) < 2 or not rate[0] > 0:  # noqa: PLR2004
        return False
    return bool(rate[-1] < FADED * rate[0] and kept > 0.1)  # noqa: PLR2004


def stands_still(chart: Chart) -> Finding | None:
    """Find a descent that stopped moving though there was a slope left: its rate has faded."""
    loss = losses_of(chart)
    if loss is None or spoilt(loss) is not None or not _faded(chart):
        return None
    kept = _kept_gradient(chart) or 0.0
    return Finding(
        "stalled",
        "illness",
        f"The steps shrank to nothing while the gradient is still {kept:.0%} of the first, so it "
        "stands still without having arrived.",
        {"gradient at the end": kept, "loss at the end": float(loss[-1])},
        Fix("let the learning rate fall later, or less"),
    )


# ---------------------------------------------------------------- validation


def learnt_by_heart(chart: Chart) -> Finding | None:
    """Find a validation loss that rose for good while the training loss went on falling.

    The rise from its lowest level to its end must be `SIGMAS` times the curve's own noise (from
    its second differences, for a level of several epochs) and a share of what had been gained.
    """
    held, loss = chart.of("validation_loss"), losses_of(chart)
    if held is None or loss is None or len(held) < 2 * 5 or spoilt(loss) is not None:
        return None
    if not np.isfinite(held).all() or grows(loss):
        return None
    width = max(len(held) // 20, 1)
    smooth = np.convolve(held, np.ones(width) / width, mode="valid")
    best = int(np.argmin(smooth))
    low, end = float(smooth[best]), float(smooth[-1])
    shape = curve(held)
    noise = 0.0 if shape is None else shape.noise / np.sqrt(width)
    gained = max(float(held[0]), float(loss[0])) - low
    rise = end - low
    if rise <= SIGMAS * noise or rise <= REGAINED * max(gained, 0.0) or rise <= 0.02 * abs(low):
        return None
    place = min(int((best + width / 2) / len(held) * len(loss)), len(loss) - 1)
    tail = max(len(loss) // 20, 1)
    before = float(np.mean(loss[max(place - tail, 0) : place + 1]))
    after = float(np.mean(loss[-tail:]))
    if best >= len(smooth) - 2 or after >= before:
        return None
    return Finding(
        "overfit",
        "illness",
        f"The validation loss was lowest at epoch {best + width // 2} ({low:.4g}) and has risen to "
        f"{end:.4g} since, while the training loss went on falling from {before:.4g} to "
        f"{after:.4g}.",
        {"best epoch": best + width // 2, "lowest": low, "at the end": end},
        Fix("stop at the best epoch (patience), or hold the model back with a penalty"),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    falls_short,
    stands_still,
    learnt_by_heart,
)
