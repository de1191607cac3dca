"""Columns: which two features a page looks at first, and which are no axis to look along.

>>> page = {"features": [{"name": name} for name in ("x1^2", "x2", "x1")], "axes": [0, 1]}
>>> axes_of(page, ("x1", "x2"))
[2, 1]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.lab.rows import Rows


def lay(page: dict[str, Any], rows: Rows) -> None:
    """Note in place which features are no axis, and why; which come first; the test rows."""
    why = {name: one["why"] for one in rows.summaries for name in one["features"] if one["why"]}
    for feature in page["features"]:
        if feature["name"] in why:
            feature["why"] = why[feature["name"]]
    page["axes"] = axes_of(page, rows.columns)
    aside = 0 if rows.prepared is None else rows.prepared.rows["test"]
    if aside:
        are = "row is" if aside == 1 else "rows are"
        page["rows"]["sentence"] += f"; {aside} {are} set aside for testing"


def axes_of(page: Mapping[str, Any], columns: Sequence[str]) -> list[int]:
    """Return the places of the two features to be drawn first.

    Features that are columns themselves come before squares and products of them; of two alike,
    the first is drawn across.  What is no axis comes last.
    """
    names = [feature["name"] for feature in page["features"]]
    axes: list[int] = list(page["axes"])
    bare = [names.index(name) for name in columns if name in names]
    if len(columns) == len(axes) and len(bare) == len(axes):
        return bare
    if len(names) == len(axes):
        return sorted(axes)
    usable = [i for i, feature in enumerate(page["features"]) if "why" not in feature]
    wanted = [*(i for i in axes if i in usable), *(i for i in usable if i not in axes), *axes]
    return list(dict.fromkeys(wanted))[: len(axes)]
