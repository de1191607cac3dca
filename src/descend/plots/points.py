"""Rows as points: by part and by label, told apart by colour and by shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from descend.arrays import Array, Floats
from descend.plots.words import short, width_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from descend.plots.slices import Look
    from descend.plots.style import Sheet, Theme

PARTS = ("training", "validation")
MARKERS_OF_PARTS = ("o", "s")
# Rows shown at most where they lie over a shade: more would hide it.
ON_A_PLANE = 1500
# More labels than this share the last colour and shape.
MOST_LABELS = 6
_LARGEST, _SMALLEST = 34.0, 5.0
# Pixels of a figure beside its axes, and of a legend's entry beside its name.
_MARGINS, _KEY = 100, 44
# With more points than this, an SVG would be slow to open.
_VECTORS = 1000


def area(count: int) -> float:
    """Return a marker's area: the more points, the smaller.

    >>> [round(area(count), 1) for count in (10, 1000, 5000, 9000)]
    [34.0, 12.2, 5.4, 5.0]
    """
    return float(np.clip(385 / np.sqrt(max(count, 1)), _SMALLEST, _LARGEST))


def opacity(count: int) -> float:
    """Return how opaque points are: the more, the less, so that crowds show."""
    return float(np.clip(18 / np.sqrt(max(count, 1)), 0.3, 0.85))


def areas(seen: Look, chosen: Array) -> Any:
    """Return the areas of some rows' markers, in proportion to their weights."""
    base = area(len(seen.rows.X))
    weight = seen.rows.weight
    if weight is None:
        return base
    share = weight[chosen] / (weight[weight > 0].mean() if weight.any() else 1.0)
    return base * np.clip(share, 0.1, 6.0)


class Dots(NamedTuple):
    """Points to be drawn: where, how large, and among how many."""

    x: Floats
    y: Floats
    sizes: Any
    among: int


def dots(seen: Look, rows: Array, x: Floats, y: Floats) -> Dots:
    """Return some rows as points."""
    return Dots(x, y, areas(seen, rows), len(seen.rows.X))


def by_label(ax: Axes, theme: Theme, seen: Look, where: tuple[Floats, Floats], code: Array) -> None:
    """Draw rows by label; validation rows are hollow."""
    x, y = where
    for place in range(len(seen.units.classes or ())):
        style = theme.point_style(min(place, MOST_LABELS - 1))
        for part in range(2):
            rows = np.flatnonzero((code == place) & (seen.rows.part == part))
            if len(rows):
                scatter(ax, theme, dots(seen, rows, x[rows], y[rows]), style, hollow=part > 0)


def scatter(
    ax: Axes, theme: Theme, shown: Dots, style: Mapping[str, Any], *, hollow: bool = False
) -> None:
    """Draw points with a rim of the paper's colour, so that neighbours are told apart."""
    color = style["color"]
    face, rim = (theme.paper, color) if hollow else (color, theme.paper)
    ax.scatter(
        shown.x,
        shown.y,
        s=shown.sizes,
        marker=style["marker"],
        facecolor=face,
        edgecolor=rim,
        linewidth=1.1 if hollow else 0.4,
        alpha=opacity(shown.among),
        label=style.get("label"),
        zorder=3,
        rasterized=shown.among > _VECTORS,
    )


def label_keys(theme: Theme, seen: Look, *, parts: bool = True) -> list[Line2D]:
    """Return what a legend shows of labels, and of validation rows where there are some."""
    classes = seen.units.classes or ()
    keys = [
        key(theme.point_style(place), short(name))
        for place, name in enumerate(classes[:MOST_LABELS])
    ]
    if len(classes) > MOST_LABELS:
        last = keys[-1]
        last.set_label(f"{short(classes[MOST_LABELS - 1])} and {len(classes) - MOST_LABELS} more")
    if parts and seen.rows.part.any():
        keys.append(hollow_key(theme))
    return keys


def keys_above(ax: Axes, sheet: Sheet, handles: Sequence[Line2D]) -> int:
    """Put a legend above the axes, so that nothing is hidden; return its rows."""
    columns = _columns([str(handle.get_label()) for handle in handles], sheet.size[0] - _MARGINS)
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        handletextpad=0.5,
        columnspacing=1.2,
    )
    return -(-len(handles) // columns)


def _columns(names: Sequence[str], room: float) -> int:
    """Return how many columns of a legend fit into so many pixels."""
    widths = np.array([width_of(name, 9.0) + _KEY for name in names])
    for columns in range(len(widths), 1, -1):
        if sum(column.max() for column in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def titled_above(axes: Sequence[Axes], names: Sequence[str], sheet: Sheet, keys: Any) -> None:
    """Name axes side by side, with one legend for all between the names and the axes."""
    rows = 0
    if keys:
        rows = keys_above(axes[0], sheet, keys)
        legend: Any = axes[0].get_legend()
        legend.set_in_layout(False)  # it has the room below the names
    for ax, name in zip(axes, names, strict=True):
        ax.set_title(name, pad=6 + 14 * rows)


def hollow_key(theme: Theme) -> Line2D:
    """Return a legend's entry for validation rows."""
    return key({"color": theme.muted, "marker": "o"}, "validation row", hollow=True)


def key(style: dict[str, Any], name: str, *, hollow: bool = False) -> Line2D:
    """Return a legend's entry for points."""
    face = "none" if hollow else style["color"]
    return Line2D(
        [],
        [],
        linestyle="",
        marker=style["marker"],
        markerfacecolor=face,
        markeredgecolor=style["color"],
        markersize=5.5,
        label=name,
    )
