"""Two mistakes of order: parameters updated before they are used, and slices in another order.

Whoever updates the weights and then computes the biases' gradient computes it at parameters that
have moved.  So for each order in which slices may have been updated, every slice is predicted with
the earlier ones moved against what was given, a step of unknown length; least squares find the
length at one probe, and the other probes judge it.  A backward pass can also use moved weights
after a forward pass with the old ones.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.searching import Cause, layer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from descend.arrays import Floats
    from descend.gradcheck.calls import Seen

Groups = list[list[str]]
ROUNDS = 12
# A step this far from what was given, even at its best, is not looked for further.
UNLIKE = 0.5


def orders(judge: Any) -> Iterator[Groups]:
    """Yield the orders in which slices may have been updated, those of one group together."""
    names = [name for name, _ in judge.layout.entries]
    slices = judge.layout.slices()
    biases = [name for name in names if judge.biases[slices[name]].all()]
    weights = [name for name in names if name not in biases]
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(layer_of(name), []).append(name)
    if len(layers) > 1:
        yield list(layers.values())[::-1]
        yield list(layers.values())
    if biases and weights:
        yield [weights, biases]
        yield [biases, weights]
    exact = hasattr(judge, "moved_back")  # else a gradient costs too much for every order
    if exact and 2 < len(names) <= 8:  # noqa: PLR2004 - each by itself
        yield [[name] for name in names]
        yield [[name] for name in names[::-1]]


def updated_before_use(judge: Any, looks: list[Seen], loosen: float) -> Cause | None:
    """Return where parameters had been updated before they were used, or None."""
    tolerance = [loosen * judge.at(seen).tolerance for seen in looks]
    for backward in (False, True) if hasattr(judge, "moved_back") else (False,):
        for groups in orders(judge):
            # Whatever comes first is computed before anything has moved.
            if not _starts_right(judge, looks[0], groups[0], tolerance[0]):
                continue
            rate = _rate(partial(_missed, judge, looks[0], groups, backward))
            if rate is None or rate == 0:
                continue
            gaps = [_missed(judge, seen, groups, backward, rate) for seen in looks]
            if all((np.abs(g) <= 3 * t).all() for g, t in zip(gaps, tolerance, strict=True)):
                return Cause("stale-parameters", rate, (), 1.0, "updated")
    return None


def _starts_right(judge: Any, seen: Seen, names: list[str], tolerance: Floats) -> bool:
    slices = judge.layout.slices()
    gap = np.abs(seen.given - judge.total(seen.probe.theta))
    return all((gap[slices[name]] <= 3 * tolerance[slices[name]]).all() for name in names)


def _missed(judge: Any, seen: Seen, groups: Groups, backward: bool, rate: float) -> Floats:  # noqa: FBT001
    """Return what was given less what updates of this length before use would have given."""
    slices = judge.layout.slices()
    theta, moved = seen.probe.theta, seen.probe.theta.copy()
    found = np.empty_like(theta)
    for group in groups:
        total = judge.moved_back(theta, moved) if backward else judge.total(moved)
        for name in group:
            found[slices[name]] = total[slices[name]]
        for name in group:
            moved[slices[name]] -= rate * seen.given[slices[name]]
    return seen.given - found


def _rate(gap: Callable[[float], Floats]) -> float | None:
    """Return the step length that closes the gap best, by Gauss and Newton's method."""
    rate = 0.0
    for _ in range(ROUNDS):
        width = 1e-4 * max(abs(rate), 1e-3)
        here, bend = gap(rate), (gap(rate + width) - gap(rate - width)) / (2 * width)
        length = float(bend @ bend)
        if not np.isfinite(length) or length == 0:
            return None
        change = -float(here @ bend) / length
        if rate == 0 and (here + change * bend) @ (here + change * bend) > UNLIKE * (here @ here):
            return None
        rate += change
        if abs(change) <= 1e-14 + 1e-12 * abs(rate):
            break
    return rate if np.isfinite(rate) else None


def in_another_order(judge: Any, looks: list[Seen], loosen: float) -> Cause | None:
    """Return in which other order the right slices were joined, or None."""
    slices = judge.layout.slices()
    for groups in orders(judge):
        names = [name for group in groups for name in group]
        if names == list(slices):
            continue
        order = np.concatenate([np.arange(s.start, s.stop) for s in map(slices.get, names) if s])
        fits = True
        for seen in looks:
            truth = judge.at(seen)
            total = truth.data + judge.l2 * truth.theta
            gap = np.abs(seen.given - total[order])
            fits = fits and bool((gap <= loosen * truth.tolerance.max()).all())
        if fits:
            told = f"join the slices as theta does, {', '.join(slices)}; not {', '.join(names)}"
            return Cause("wrong-order", float("nan"), (), 1.0, told)
    return None
