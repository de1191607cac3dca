"""A log-likelihood that was minimised for want of its minus, where the history is short or bare.

The probability of a label is at most 1, so its logarithm is never above 0 and the loss of labels
never below.  A "loss" below 0 that falls is told to be a likelihood by where it starts, the
logarithm of a guess among k labels, -ln k; or by answers that become worse than guessing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor.findings import Finding, Fix
from descend.doctor.of_history import losses_of, turned
from descend.doctor.recomputing import targets
from descend.doctor.uphill import climbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart

# Guesses among up to so many labels are known by their logarithm, to so many digits.
MOST_LABELS, CLOSE = 1000, 1e-6
# The share of steps that go down in what only goes down; and a fall of the answers that counts.
ONE_WAY, WORSE = 0.9, 0.05


def likelihood_without_minus(chart: Chart) -> Finding | None:
    """Find a falling log-likelihood of labels: what was to be as large as possible."""
    loss = losses_of(chart)
    if loss is None or not _falls_below_0(loss) or climbs(chart) or turned(chart):
        return None
    seen = _worse_than_guessing(chart) or _starts_as_a_guess(loss)
    if seen is None:
        return None
    words, evidence = seen
    return Finding(
        "wrong-sign",
        "illness",
        f"The loss falls below 0, from {loss[0]:.4g} to {loss[-1]:.4g}, and {words}: it is a "
        "log-likelihood without its minus, so its descent makes the labels less and less likely.",
        {"first": float(loss[0]), "last": float(loss[-1]), **evidence},
        Fix("put the lost minus back: minimise the negative log-likelihood"),
    )


def _falls_below_0(loss: Floats) -> bool:
    if len(loss) < 2 or not np.isfinite(loss).all() or loss.max() > 0:  # noqa: PLR2004
        return False
    return bool(loss[-1] < loss[0] and (np.diff(loss) <= 0).mean() >= ONE_WAY)


def _starts_as_a_guess(loss: Floats) -> tuple[str, dict[str, Any]] | None:
    """Return words where the first loss is -ln k, as of equal scores for k labels."""
    k = round(math.exp(min(-float(loss[0]), math.log(2 * MOST_LABELS))))
    if not 2 <= k <= MOST_LABELS or not math.isclose(-loss[0], math.log(k), rel_tol=CLOSE):  # noqa: PLR2004
        return None
    return f"it starts at -ln {k}, the log-likelihood of a guess among {k}", {"labels": k}


def _worse_than_guessing(chart: Chart) -> tuple[str, dict[str, Any]] | None:
    """Return words where the share of right answers fell, or ended below that of guessing."""
    found, guessed = chart.of("accuracy"), _guessed(chart)
    if found is None or not np.isfinite(found).all():
        last = _right(chart)
        return None if last is None or guessed is None else _below(last, guessed)
    share = found / (100.0 if found.max() > 1 else 1.0)
    best, last = float(share.max()), float(share[-1])
    if last < 0.5 and last <= best - WORSE:  # noqa: PLR2004
        words = f"the accuracy falls from {best:.3g} to {last:.3g}"
        return words, {"accuracy": last, "accuracy at best": best}
    return None if guessed is None or share[0] < last else _below(last, guessed)


def _below(right: float, guessed: float) -> tuple[str, dict[str, Any]] | None:
    if right >= 0.5 or right > guessed - WORSE:  # noqa: PLR2004
        return None
    words = (
        f"{right:.3g} of the labels are told right, where one answer for all tells {guessed:.3g}"
    )
    return words, {"accuracy": right, "of one answer for all": guessed}


def _guessed(chart: Chart) -> float | None:
    """Return the share of the commoner of two labels, or None."""
    y = targets(chart)
    labels, counts = np.unique([] if y is None else y, return_counts=True)
    return float(counts.max() / counts.sum()) if len(labels) == 2 else None  # noqa: PLR2004


def _right(chart: Chart) -> float | None:
    """Return the share of two labels that the final scores tell, or None."""
    y, scores = targets(chart), chart.of("scores")
    if y is None or scores is None or scores.size != y.size or not np.isfinite(scores).all():
        return None
    s = scores.ravel()
    cut = 0.5 if s.min() >= 0 and s.max() <= 1 else 0.0  # probabilities, or raw scores
    return float(np.mean((s > cut) == (y == y.max())))


RULES: tuple[Callable[[Chart], Finding | None], ...] = (likelihood_without_minus,)
