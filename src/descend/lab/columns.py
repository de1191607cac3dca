"""Columns: which two features a page looks at first.

>>> page = {"features": [{"name": name} for name in ("x1^2", "x2", "x1")], "axes": [0, 1]}
>>> axes_of(page, ("x1", "x2"))
[2, 1]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def axes_of(page: Mapping[str, Any], columns: Sequence[str]) -> list[int]:
    """Return the places of the two features to be drawn first.

    Features that are columns themselves come before squares and products of them; of two alike,
    the first is drawn across.
    """
    names = [feature["name"] for feature in page["features"]]
    bare = [names.index(name) for name in columns if name in names]
    axes: list[int] = list(page["axes"])
    if len(columns) == len(axes) and len(bare) == len(axes):
        return bare
    return sorted(axes) if len(names) == len(axes) else axes
