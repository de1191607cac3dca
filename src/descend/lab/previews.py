"""Previews: some rows of each kind of drawn data, small enough to be a picture on a button.

>>> preview_of("xor")[0]
[0.57, 0.68, 0]
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from descend.lab.settings import usual_values
from descend.lab.sources import SOURCES, kind_of

if TYPE_CHECKING:
    from descend.arrays import Array, Floats

_ROWS, _CLASSES, _SEED = 90, 3, 0
_PLANE = 2  # coordinates of a picture


@cache
def preview_of(name: str) -> list[list[float]]:
    """Return rows as [x, y, label], both coordinates from 0 to 1; none of tables."""
    source = SOURCES[name]
    if source.draw is None or source.rows is not None:
        return []
    noise = usual_values({"data": source.name})["noise"]
    X, y = source.draw(_ROWS, noise, _SEED, _CLASSES)
    plane, labels = _placed(X, y, labelled="label" in (kind_of(source, _CLASSES) or ""))
    return [[*point, int(label)] for point, label in zip(plane, labels, strict=True)]


def _placed(X: Floats, y: Array, *, labelled: bool) -> tuple[list[list[float]], Array]:
    """Return points in the unit square: two features, or a feature and a number to foretell."""
    plane = X[:, :_PLANE] if labelled else np.column_stack([X[:, 0], y])
    low, high = plane.min(axis=0), plane.max(axis=0)
    shown: list[list[float]] = np.round((plane - low) / (high - low), 2).tolist()
    return shown, y if labelled else np.zeros(len(y))
