"""Axes as all figures have them: few ticks, numbers for people, and names beside the lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from descend.plots.words import number, ten_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Floats
    from descend.plots.style import Theme

# A line's end: x, y, its name, its colour.
End: TypeAlias = tuple[float, float, str, str]
# An axis is logarithmic where the largest value is this many times the smallest.
WIDE = 30.0
# Beyond these nothing is drawn: a logarithmic axis would overflow on its own margins and ticks.
LEAST, MOST = 1e-150, 1e150
# Room for a name beside a line's end, in points, and how such names are known again.
_APART = 11.0
_END = "end"
# Decades below which an axis has ticks at 1, 2 and 5, and at 1 and 3.
_FEW, _SOME = 1.5, 2.5
# Room for a tick of the x axis and for each of its digits, in pixels.
_TICK, _DIGIT = 24, 10


def plain_axis(ax: Axes, which: str, ticks: int = 6, *, whole: bool = False) -> None:
    """Let an axis ("x" or "y") have few ticks, with thousands apart."""
    axis = getattr(ax, f"{which}axis")
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

    >>> [power_of_ten(v) for v in (1e-3, 1.0, 1e3, 1e6)]
    ['0.001', '1', '1000', '10⁶']
    """
    if not 0 < value < math.inf:
        return ""
    power = math.log10(value)
    if abs(power - round(power)) > 1e-6 or -4 < power < 6:  # noqa: PLR2004 - what is read at a glance
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
    found[~(np.abs(found) <= MOST)] = np.nan
    return found


def positive(values: Any) -> Floats:
    """Return values as a logarithmic axis shows them."""
    found = drawable(values)
    with np.errstate(invalid="ignore"):
        found[found < LEAST] = np.nan
    return found


def updates_axis(axes: Sequence[Axes], updates: int, *, log: bool = False) -> None:
    """Make the x axis of some axes, one above the other, one of updates done."""
    last = axes[-1]
    ticks = max(int(last.bbox.width / (_TICK + _DIGIT * len(str(updates)))), 3)
    if log:
        last.set_xscale("symlog", linthresh=1)
        powers = [10.0**p for p in range(len(str(max(updates, 1))))]
        last.set_xticks([0.0, *powers])
        last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        last.xaxis.set_minor_locator(NullLocator())
    else:
        plain_axis(last, "x", min(ticks, 7), whole=True)
    last.set_xlim(0 if log else -0.01 * max(updates, 1), max(updates, 1) * (1.15 if log else 1.01))
    last.set_xlabel("updates")


def named_ends(ax: Axes, ends: Sequence[End], *, size: float = 9.0) -> None:
    """Write names to the right of lines' ends; `settle` moves them apart where they touch."""
    right = max((x for x, *_ in ends), default=0.0)
    for _x, y, name, color in ends:
        note = ax.annotate(
            name,
            (right, y),
            xytext=(6, 0),
            textcoords="offset points",
            color=color,
            fontsize=size,
            va="center",
            ha="left",
            annotation_clip=False,
        )
        note.set_label(_END)


def settle(figure: Figure) -> Figure:
    """Move names at lines' ends apart, now that all is in its place, and return the figure."""
    for ax in figure.axes:
        _finer_ticks(ax)
    named = [(ax, _end_notes(ax)) for ax in figure.axes]
    touching = [(ax, notes) for ax, notes in named if len(notes) > 1]
    engine = figure.get_layout_engine()
    if touching and engine is not None:
        engine.execute(figure)
    for ax, notes in touching:
        point = figure.dpi / 72
        spots = [float(ax.transData.transform(note.xy)[1]) / point for note in notes]
        apart = _APART * float(notes[0].get_fontsize()) / 9.0
        places = spread(spots, apart, ax.bbox.y0 / point, ax.bbox.y1 / point)
        for note, spot, place in zip(notes, spots, places, strict=True):
            note.set_position((6, place - spot))
    return figure


def _finer_ticks(ax: Axes) -> None:
    """Give logarithmic axes of few decades ticks between the powers of ten."""
    for axis in (ax.xaxis, ax.yaxis):
        locator = axis.get_major_locator()
        low, high = axis.get_view_interval()
        if isinstance(locator, LogLocator) and 0 < low < high:
            decades = math.log10(high / low)
            subs = (1.0, 2.0, 5.0) if decades < _FEW else (1.0, 3.0) if decades < _SOME else (1.0,)
            locator.set_params(subs=subs)


def _end_notes(ax: Axes) -> list[Annotation]:
    return [t for t in ax.texts if isinstance(t, Annotation) and t.get_label() == _END]


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
