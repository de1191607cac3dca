"""Where the gradient is looked at: the point given, and others near it, all away from kinks.

At a kink a gradient is a matter of convention, and beside one rounding decides on which side a
function stands.  So each point is moved by small keyed steps until the gradient does not jump
about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.calls import Probe
from descend.randomness import normals

if TYPE_CHECKING:
    from descend.arrays import Floats

TRIES = 24
# A bend of the gradient above this, relative to the slice, within `WIDTH` of a point is a kink.
ROUGH, WIDTH = 1e-6, 3e-5
# How far the other points lie, relative to the entries of theta.
NEARBY = 0.3


def probes_near(judge: Any, theta: Floats, seed: int) -> list[Probe]:
    """Return the point and others near it, moved away from kinks where there are any."""
    size = float(np.sqrt(np.mean(theta * theta))) if theta.size else 0.0
    found = [_clean(judge, theta, 0.0, seed, 0)]
    reach = NEARBY * max(size, 0.3)
    others = [_clean(judge, theta, reach, seed, 1000 * i) for i in range(1, judge.points)]
    return found + [probe for probe in others if np.isfinite(judge.total(probe.theta)).all()]


def _clean(judge: Any, middle: Floats, reach: float, seed: int, key: int) -> Probe:
    """Return a point about `reach` away at which the gradient is finite and does not jump."""
    best, least = Probe(middle.copy()), np.inf
    size = 1.0 + float(np.abs(middle).max(initial=0.0))
    directions = [
        v / np.linalg.norm(v)
        for v in normals(2 * middle.size, seed, "sample", key + 500).reshape(2, -1)
    ]
    for attempt in range(TRIES):
        # Without a reach the point itself comes first, then points a little further each time.
        step = reach * 0.8**attempt if reach else 1e-3 * 1.5 ** (attempt - 1) * bool(attempt)
        moved = middle + step * normals(middle.size, seed, "sample", key + attempt)
        probe = Probe(moved)
        rough = float(judge.roughness(probe, directions, WIDTH * size).max(initial=0.0))
        if rough < least or attempt == 0:
            best, least = probe, rough
        if rough <= ROUGH:
            break
    return best
