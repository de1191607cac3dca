"""Gradients held within a bound, entry by entry or by their length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.searching import Cause, close

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.gradcheck.calls import Seen


def clipping(judge: Any, looks: list[Seen], loosen: float, near: float) -> Cause | None:
    """Return how the true gradient was clipped to give what was given, or None."""
    truths = [judge.at(seen) for seen in looks]
    given = np.array([seen.given for seen in looks])
    true = np.array([t.data + judge.l2 * t.theta for t in truths])
    tolerance = loosen * np.array([t.tolerance for t in truths])
    bound = float(np.abs(given).max())
    held = np.clip(true, -bound, bound)
    if bound > 0 and _explains(given, held, tolerance) and (np.abs(true) > bound).sum() > 1:
        return Cause("clipped", bound, (), 1.0, "Each entry")
    return _by_length(given, true, tolerance, near)


def _by_length(given: Floats, true: Floats, tolerance: Floats, near: float) -> Cause | None:
    lengths, wanted = (np.linalg.norm(rows, axis=1) for rows in (given, true))
    bound = float(lengths.max())
    long = wanted > bound * (1 + near)
    if not long.any() or bound == 0:
        return None
    if not all(close(float(length), bound, near) for length in lengths[long]):
        return None
    scale = np.where(long, bound / np.where(wanted == 0, 1.0, wanted), 1.0)[:, None]
    if _explains(given, true * scale, tolerance):
        return Cause("clipped", bound, (), 1.0, "The gradient's length")
    return None


def _explains(given: Floats, predicted: Floats, tolerance: Floats) -> bool:
    return bool((np.abs(given - predicted) <= tolerance).all())
