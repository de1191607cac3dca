"""Rows as points: by part and by label, told apart by colour and by shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.plots.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from descend.arrays import Array, Floats
    from descend.plots.slices import Look
    from descend.plots.style import Theme

PARTS = ("training", "validation")
MARKERS_OF_PARTS = ("o", "s")
# More labels than this share the last colour and shape.
MOST_LABELS = 6
_LARGEST, _SMALLEST = 34.0, 5.0


def area(count: int) -> float:
    """Return a marker's area: the more points, the smaller.

    >>> area(10), round(area(1000), 1), area(5000)
    (34.0, 12.2, 5.0)
    """
    return float(np.clip(385 / np.sqrt(max(count, 1)), _SMALLEST, _LARGEST))


def opacity(count: int) -> float:
    """Return how opaque points are: the more, the less, so that crowds show."""
    return float(np.clip(18 / np.sqrt(max(count, 1)), 0.3, 0.85))


def areas(seen: Look, chosen: Array) -> Any:
    """Return the areas of some rows' markers, in proportion to their weights where they have some."""
    base = area(len(seen.rows.X))
    weight = seen.rows.weight
    if weight is None:
        return base
    share = weight[chosen] / (weight[weight > 0].mean() if weight.any() else 1.0)
    return base * np.clip(share, 0.1, 6.0)


def by_label(ax: Axes, theme: Theme, seen: Look, x: Floats, y: Floats, code: Array) -> None:
    """Draw rows by label; validation rows are hollow."""
    for place in range(len(seen.units.classes or ())):
        style = theme.point_style(min(place, MOST_LABELS - 1))
        for part in range(2):
            chosen = np.flatnonzero((code == place) & (seen.rows.part == part))
            if len(chosen):
                sizes = areas(seen, chosen)
                scatter(ax, theme, x[chosen], y[chosen], sizes, len(x), style, None, hollow=part > 0)


def scatter(  # noqa: PLR0913, PLR0917 - where, what, and how it looks
    ax: Axes,
    theme: Theme,
    x: Floats,
    y: Floats,
    sizes: Any,
    count: int,
    style: dict[str, Any],
    name: str | None,
    *,
    hollow: bool = False,
) -> None:
    """Draw points with a rim of the paper's colour, so that neighbours are told apart."""
    color, marker = style["color"], style["marker"]
    face, rim = (theme.paper, color) if hollow else (color, theme.paper)
    ax.scatter(
        x,
        y,
        s=sizes,
        marker=marker,
        facecolor=face,
        edgecolor=rim,
        linewidth=1.1 if hollow else 0.4,
        alpha=opacity(count),
        label=name,
        zorder=3,
        rasterized=count > 1000,  # noqa: PLR2004 - an SVG of more is slow to open
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


def hollow_key(theme: Theme) -> Line2D:
    """Return a legend's entry for validation rows."""
    return key({"color": theme.muted, "marker": "o"}, "validation row", hollow=True)


def key(style: dict[str, Any], name: str, *, hollow: bool = False) -> Line2D:
    """Return a legend's entry for points."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - with the rest of matplotlib, when drawing

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
