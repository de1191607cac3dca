"""What a history from elsewhere shows: losses, norms, curves, and its rows if they came along.

A run's own rules know more; these are only asked where there is no run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor.curves import ALTERNATES, SHORTEST, curve
from descend.doctor.findings import Finding, Fix
from descend.doctor.uphill import climbs, meant

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# A loss that has grown so many times over has blown up, whatever its batches.
BLOWN_UP = 10.0
# The share of steps that go one way in a curve that only goes one way.
ONE_WAY = 0.9
# Speed at the end, as a share of the fastest, of what is not settling.
UNDIMINISHED = 0.5


def losses_of(chart: Chart) -> Floats | None:
    """Return the losses of a history from elsewhere; None of a run."""
    return chart.of("loss") if chart.run is None else None


def spoilt(loss: Floats) -> int | None:
    """Return the first figure that is not finite, or None."""
    bad = np.flatnonzero(~np.isfinite(loss))
    return int(bad[0]) if len(bad) else None


def not_numbers(chart: Chart) -> Finding | None:
    """Find a loss that was no number from its first figure on: the rows cannot be computed with."""
    loss = losses_of(chart)
    if loss is None or spoilt(loss) != 0:
        return None
    return Finding(
        "non-finite-data",
        "illness",
        "The loss was not finite before the first update, so it is not the descent: a value is "
        "missing, infinite or too large, or the loss takes the logarithm of 0.",
        {"first loss": float(loss[0])},
        Fix("look for NaN and infinite values in X and y, and for log(0) in the loss"),
    )


def blew_up(chart: Chart) -> Finding | None:
    """Find a loss that grew without end, or swings wider and wider.

    Past the largest stable step each update multiplies the error by more than 1, so the loss
    grows geometrically until it overflows.  A climb that slows down is no such growth (a
    likelihood that is maximised climbs so), nor is a loss whose updates point uphill: that is a
    sign.
    """
    loss = losses_of(chart)
    if loss is None or len(loss) < 2 or spoilt(loss) == 0:  # noqa: PLR2004
        return None
    at = spoilt(loss)
    seen = loss if at is None else loss[:at]
    if at is None and not grows(seen) and not _swings(seen):
        return None
    if climbs(chart) is not None or turned(chart) is not None:
        return None
    ratio = _growth(seen)
    how = "is no longer finite" if at is not None else "grows" if grows(seen) else "swings wider"
    where = f" at figure {at}" if at is not None else ""
    said = f", {ratio:.3g} times larger at each step towards the end" if ratio > 1.0 else ""
    evidence: dict[str, Any] = {"first": float(loss[0]), "largest": float(seen.max())}
    if at is not None:
        evidence["first that is not finite"] = at
    if ratio > 1.0:
        evidence["growth at each step"] = ratio
    at_once = at is not None and not seen.max() > seen[0]
    why = (
        "it had not risen before, so one step threw it out of what numbers can hold, or the loss "
        "took the logarithm or the root of what it must not."
        if at_once
        else "each step overshoots by more than it corrects."
    )
    return Finding(
        "step-too-large",
        "illness",
        f"The loss {how}{where}{said}: {why}",
        {**evidence, **rate_of(chart)},
        Fix("take a smaller step, a tenth of it to begin with, and standardise the columns"),
    )


def grows(loss: Floats) -> bool:
    """Tell whether a loss has blown up, or climbs ever on."""
    if len(loss) < 3:  # noqa: PLR2004
        return bool(len(loss) == 2 and loss[1] > BLOWN_UP * abs(loss[0]))  # noqa: PLR2004
    size = max(abs(float(loss[0])), float(np.ptp(loss[: max(len(loss) // 10, 2)])), 1e-300)
    width = max(len(loss) // 10, 1)
    if float(np.median(loss[-width:])) - float(loss[0]) > BLOWN_UP * size:
        return True
    shape = curve(loss)
    if shape is None or shape.last <= shape.first:
        return False
    steady = shape.rising >= ONE_WAY and shape.late >= UNDIMINISHED * shape.fastest > 0
    return steady and shape.last - shape.first > 0.1 * abs(shape.first)


def _swings(loss: Floats) -> bool:
    shape = curve(loss)
    if shape is None or len(loss) < 20:  # noqa: PLR2004
        return False
    return (
        shape.alternates >= ALTERNATES
        and shape.growing > 1.5  # noqa: PLR2004 - wider at the end than at the beginning
        and shape.last > shape.least + UNDIMINISHED * (shape.most - shape.least)
    )


def _growth(loss: Floats) -> float:
    """Return by how much the loss is multiplied at each of its last steps."""
    last = loss[-min(len(loss), 10) :]
    if len(last) < 2 or not (last > 0).all():  # noqa: PLR2004
        return float("nan")
    return float((last[-1] / last[0]) ** (1 / (len(last) - 1)))


def rate_of(chart: Chart) -> dict[str, float]:
    """Return the first learning rate as evidence, if it is known."""
    rate = chart.of("learning_rate")
    return {} if rate is None else {"learning rate": float(rate[0])}


# ---------------------------------------------------------------- signs


def wrong_sign(chart: Chart) -> Finding | None:
    """Find a descent that goes the wrong way: of the opposite of a loss, or up it."""
    if chart.run is not None:
        return None
    said = climbs(chart)
    if said is None:
        said = turned(chart)
    if said is None:
        return None
    sentence, evidence = said
    return Finding(
        "wrong-sign",
        "illness",
        sentence,
        evidence,
        Fix(
            "put the lost minus back: minimise the negative log-likelihood or the error itself, "
            "and step against its gradient"
        ),
    )


def turned(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words for a "loss" that is a loss's opposite, or None.

    An error cannot be negative, and a likelihood without its minus cannot be positive: so it
    starts at 0 or below, and falls without settling, or while the answers become wrong.  A
    density's loss may be negative too, but it settles, and its answers become better.
    """
    loss = losses_of(chart)
    if loss is None:
        return None
    found = meant(chart)
    if found is not None and found.kind == "turned":
        return (
            (
                f"The loss that was minimised is the opposite of the {found.loss}: its figures are "
                "those of the formula with the sign lost, and it falls while the errors grow."
            ),
            {"first": float(loss[0]), "last": float(loss[-1])},
        )
    shape = curve(_before_overflow(loss))
    falls = shape is not None and shape.last < min(shape.first, 0.0)
    wrong = _answers(chart)
    if shape is None or not falls:
        return _climbing(chart, wrong)
    away = shape.drop > abs(shape.first) and shape.falling >= ONE_WAY
    unsettled = abs(shape.late) >= UNDIMINISHED * abs(shape.fastest)
    norm = chart.of("gradient_norm")
    steeper = norm is not None and len(norm) > 2 and norm[-1] >= norm[0] > 0  # noqa: PLR2004
    if wrong is None and not (shape.first <= 0 and away and unsettled):
        return None
    if wrong is None and norm is not None and not steeper:
        return None
    because = "" if wrong is None else f" while {wrong[0]}"
    return (
        (
            f"The loss is negative and falls without end, from {shape.first:.4g} to "
            f"{shape.last:.4g}{because}: what is minimised is the opposite of a loss."
        ),
        {"first": shape.first, "last": shape.last, **(wrong[1] if wrong else {})},
    )


def _before_overflow(loss: Floats) -> Floats:
    """Return the losses up to where they are a million times the first."""
    first = max(abs(float(loss[0])), float(np.abs(np.diff(loss[:2])).max(initial=0.0)))
    beyond = np.flatnonzero(~(np.abs(loss) <= 1e6 * first))
    return loss[: beyond[0]] if len(beyond) else loss


def _climbing(
    chart: Chart, wrong: tuple[str, dict[str, Any]] | None
) -> tuple[str, dict[str, Any]] | None:
    """Return words for a loss that climbs smoothly while the answers become wrong, or None."""
    loss = losses_of(chart)
    shape = None if loss is None else curve(loss)
    if shape is None or loss is None or shape.rising < ONE_WAY:
        return None
    # An overshoot multiplies: a climb to many times the first loss at one speed is none.
    at_one_speed = (
        len(loss) >= 4 * SHORTEST
        and shape.last > BLOWN_UP * abs(shape.first)
        and loss[-1] - loss[len(loss) * 3 // 4]
        < 1.5 * (loss[len(loss) * 3 // 4] - loss[len(loss) // 2])
        and shape.late >= UNDIMINISHED * shape.fastest
    )
    # Past a step's limit the answers are anything, so they witness only while it is small.
    if not at_one_speed and (wrong is None or shape.last > BLOWN_UP * abs(shape.first)):
        return None
    because = "" if wrong is None else f" while {wrong[0]}"
    return (
        (
            f"The loss climbs steadily, from {shape.first:.4g} to {shape.last:.4g}{because}: the "
            "updates go up the loss, not down."
        ),
        {"first": shape.first, "last": shape.last, **(wrong[1] if wrong else {})},
    )


def _answers(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words for answers that became worse than guessing, or None."""
    found = chart.of("accuracy")
    found = chart.of("validation_accuracy") if found is None else found
    if found is not None and len(found) > 2 and np.isfinite(found).all():  # noqa: PLR2004
        share = found / (100.0 if found.max() > 1.5 else 1.0)  # noqa: PLR2004 - in per cent
        width = max(len(share) // 10, 1)
        last = float(np.median(share[-width:]))
        best = float(max(share[0], share.max()))
        if last < 0.5 and last <= best - 0.05 and last <= float(share.min()) + 0.1:  # noqa: PLR2004
            return (
                f"the accuracy falls from {best:.2f} to {last:.2f}",
                {"accuracy": last, "accuracy at best": best},
            )
    return _against(chart)


def _against(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words for final scores that go against the targets, or None."""
    from descend.doctor.recomputing import targets  # noqa: PLC0415 - only here

    y, scores = targets(chart), chart.of("scores")
    if y is None or scores is None:
        return None
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores  # noqa: PLR2004
    if scores.shape != y.shape or not (np.isfinite(scores).all() and scores.std() and y.std()):
        return None
    r = float(np.corrcoef(scores, y)[0, 1])
    # Five standard errors of a correlation of unrelated numbers.
    if r > -max(5.0 / np.sqrt(len(y)), 0.2):
        return None
    return f"the scores go against the targets (correlation {r:.2f})", {"correlation": r}


RULES: tuple[Callable[[Chart], Finding | None], ...] = (not_numbers, wrong_sign, blew_up)
