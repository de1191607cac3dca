"""Axes as all figures have them: few ticks, numbers for people, and names beside the lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from descend.plots.words import number, ten_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from descend.arrays import Floats
    from descend.plots.style import Theme

# An axis is logarithmic where the largest value is this many times the smallest.
WIDE = 30.0
# Beyond these, a logarithmic axis would overflow on its own margins.
_LEAST, _MOST = 1e-290, 1e290
# Room for a name beside a line's end, in points.
_APART = 11.0


def plain_axis(ax: Axes, which: str, ticks: int = 6, *, whole: bool = False) -> None:
    """Let an axis ("x" or "y") have few ticks, with thousands apart."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(MaxNLocator(ticks, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(_rounded(value), 6)))


def log_axis(ax: Axes, which: str, ticks: int = 6) -> None:
    """Make an axis ("x" or "y") logarithmic, its ticks powers of ten."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    axis.set_major_locator(LogLocator(10, numticks=ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float) -> str:
    """Return a tick: written out near one, else as a power.

    >>> [power_of_ten(v) for v in (1e-3, 1.0, 1e4, 1e6)]
    ['0.001', '1', '10,000', '10⁶']
    """
    power = math.log10(value) if value > 0 else 0.0
    if abs(power - round(power)) > 1e-6 or -4 < power < 5:  # noqa: PLR2004 - what is read at a glance
        return number(value)
    return ten_to(round(power))


def spans_decades(*values: Floats) -> bool:
    """Tell whether values are all positive and so far apart that only a logarithm shows them."""
    kept = [v[np.isfinite(v)] for v in values]
    joined = np.concatenate(kept) if kept else np.zeros(0)
    if not len(joined) or joined.min() <= 0:
        return False
    return bool(joined.max() / WIDE > joined.min())


def drawable(values: Any) -> Floats:
    """Return values as a line shows them: what is no number, or too large to place, is left out."""
    found = np.array(values, dtype=np.float64)
    found[~(np.abs(found) <= _MOST)] = np.nan
    return found


def positive(values: Any) -> Floats:
    """Return values as a logarithmic axis shows them."""
    found = drawable(values)
    with np.errstate(invalid="ignore"):
        found[found < _LEAST] = np.nan
    return found


def named_ends(
    ax: Axes, ends: Sequence[tuple[float, float, str, str]], *, size: float = 9.0
) -> None:
    """Write names to the right of lines' ends, moved apart where they would touch.

    Parameters
    ----------
    ax
        With its limits set: names are placed by them.
    ends
        (x, y, name, colour) of each.
    size
        Of the letters, in points.
    """
    if not ends:
        return
    height = ax.bbox.height * 72 / ax.figure.dpi
    spots = [
        (ax.transData.transform((x, y))[1] * 72 / ax.figure.dpi, i)
        for i, (x, y, *_) in enumerate(ends)
    ]
    low = ax.bbox.y0 * 72 / ax.figure.dpi
    placed = spread([spot for spot, _ in spots], _APART * size / 9.0, low, low + height)
    for (x, y, name, color), (spot, _), place in zip(ends, spots, placed, strict=True):
        ax.annotate(
            name,
            (x, y),
            xytext=(6, place - spot),
            textcoords="offset points",
            color=color,
            fontsize=size,
            va="center",
            ha="left",
            annotation_clip=False,
        )


def spread(spots: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places as near to some spots as can be, in their order, at least so far apart.

    >>> spread([5.0, 5.0, 9.0], 2.0, 0.0, 10.0)
    [4.0, 6.0, 9.0]
    """
    order = np.argsort(spots, kind="stable")
    wanted = np.clip(np.array(spots, dtype=float)[order], low, high)
    shift = apart * np.arange(len(wanted))
    # Least squares with gaps of at least `apart`: isotonic regression of what is left of them.
    best = _isotonic(wanted - shift)
    moved = best + shift
    moved += max(low - moved[0], 0.0)
    moved -= max(moved[-1] - high, 0.0)
    found = np.empty(len(wanted))
    found[order] = moved
    return [float(v) for v in found]


def _isotonic(values: Floats) -> Floats:
    """Return the ascending values nearest to some values: neighbours that cross are joined."""
    blocks: list[list[float]] = []  # each: mean, count
    for value in values:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            before = blocks[-1]
            before[0] = (before[0] * before[1] + mean * count) / (before[1] + count)
            before[1] += count
    return np.concatenate([np.full(int(count), mean) for mean, count in blocks])


def _rounded(value: float) -> float:
    """Return a tick without the rounding of its computation."""
    return 0.0 if abs(value) < 1e-300 else float(f"{value:.10g}")  # noqa: PLR2004


def dim_grid(ax: Axes, theme: Theme, axis: str = "both") -> None:
    """Leave grid lines to one axis, or to none."""
    ax.grid(visible=False)
    if axis in {"x", "y"}:
        ax.grid(visible=True, axis=axis, color=theme.faint)  # type: ignore[arg-type]
