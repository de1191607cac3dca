"""What evidence is drawn with: named values on a line, two histograms, points, and a table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.plots.axes import LEAST, log_axis, plain_axis, positive, spans_decades
from descend.plots.words import number, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from descend.arrays import Array, Floats
    from descend.plots.style import Theme

# So many values with names of their own can be read.
MOST = 14
_BINS = 30
_LONGEST_VALUE = 64
# Fewer values than this stand together in the middle.
_SPARSE = 6
_ROWS = 14


class Limit(NamedTuple):
    """A value that others are held against.

    Attributes
    ----------
    value, name
        Where, and what it is.
    """

    value: float
    name: str


def lollipops(  # noqa: PLR0913 - what may be said of values
    ax: Axes,
    theme: Theme,
    values: Mapping[str, float],
    *,
    marked: Sequence[str] = (),
    limit: Limit | None = None,
    log: bool | None = None,
    label: str = "",
) -> None:
    """Draw named values as points at the ends of lines, those that matter in another colour.

    Parameters
    ----------
    ax, theme
        Where, and in what colours.
    values
        Name to value, from above to below.
    marked
        The names that matter.
    limit
        What they are held against.
    log
        Whether the axis is logarithmic; default where the values are far apart.
    label
        Of the axis.
    """
    names, sizes = list(values), np.array(list(values.values()), dtype=float)
    held = [] if limit is None else [limit.value]
    logarithmic = spans_decades(np.array([*sizes[sizes > 0], *held])) if log is None else log
    shown = positive(sizes) if logarithmic else np.nan_to_num(sizes, posinf=np.nan, neginf=np.nan)
    start = _start(shown, held) if logarithmic else 0.0
    for place, (name, size) in enumerate(zip(names, shown, strict=True)):
        matters = name in marked
        color = theme.bad if matters else theme.series[0]
        if np.isfinite(size):
            ax.plot(
                [start, size], [-place, -place], color=color, linewidth=2, solid_capstyle="butt"
            )
        at = size if np.isfinite(size) else start
        ax.plot([at], [-place], marker="D" if matters else "o", color=color, markersize=7,
                clip_on=False)  # fmt: skip
        _beside(ax, theme, number(sizes[place]), at, -place)
    if logarithmic:
        log_axis(ax, "x", 5)
    else:
        plain_axis(ax, "x", 4)
    _furnish(ax, theme, [short(name, 34) for name in names], limit, label)


def _beside(ax: Axes, theme: Theme, words: str, x: float, y: float) -> None:
    left = x < 0
    ax.annotate(
        words,
        (x, y),
        xytext=(-9 if left else 9, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=9,
        color=theme.ink,
        bbox={"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _start(shown: Floats, held: list[float]) -> float:
    """Return where lines begin on a logarithmic axis: below all that is shown."""
    known = [*shown[np.isfinite(shown)], *held]
    return max(min(known, default=1.0) / 3, LEAST)


def _furnish(ax: Axes, theme: Theme, names: list[str], limit: Limit | None, label: str) -> None:
    ax.set_yticks(-np.arange(len(names)), names)
    ax.tick_params(axis="y", length=0, labelcolor=theme.ink)
    room = 0.6 + max(_SPARSE - len(names), 0) / 2
    ax.set_ylim(1 - len(names) - room, room)
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.25)
    if ax.get_xscale() != "log" and ax.dataLim.x0 >= 0:
        ax.set_xlim(left=0)
    ax.set_xlabel(label)
    if limit is not None and np.isfinite(limit.value):
        upright(ax, theme, limit)


def upright(ax: Axes, theme: Theme, limit: Limit) -> None:
    """Draw a limit as an upright line with its name above."""
    ax.axvline(limit.value, color=theme.ink, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
    ax.annotate(
        limit.name,
        (limit.value, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8.5,
        color=theme.ink,
    )


def histograms(ax: Axes, theme: Theme, parts: Mapping[str, Floats], label: str) -> None:
    """Draw the distributions of one or two samples over each other, as shares of each."""
    known = {name: part[np.isfinite(part)] for name, part in parts.items()}
    joined = np.concatenate(list(known.values()))
    low, high = (joined.min(), joined.max()) if len(joined) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    for place, (name, part) in enumerate(known.items()):
        share = np.histogram(part, edges)[0] / max(len(part), 1)
        style = theme.series_style(place)
        ax.stairs(share, edges, fill=True, color=style["color"], alpha=0.25)
        ax.stairs(share, edges, label=name, linewidth=1.8, **style)
    if len(known) > 1:
        ax.legend(loc="upper right", labelcolor="linecolor")
    plain_axis(ax, "x", 6)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    ax.set_xlabel(label)
    ax.set_ylabel("share of the rows")


def points(  # noqa: PLR0913 - points, which of them matter, and what they are
    ax: Axes, theme: Theme, x: Floats, y: Floats, *, marked: Array, labels: tuple[str, str]
) -> None:
    """Draw points, those that matter larger, in another colour and shape."""
    size = float(np.clip(4000 / max(len(x), 1), 7, 34))
    faint = 0.9 if len(x) < 200 else 0.5  # noqa: PLR2004 - many points lie over one another
    ax.scatter(x[~marked], y[~marked], s=size, color=theme.series[0], alpha=faint, linewidths=0)
    if marked.any():
        ax.scatter(x[marked], y[marked], s=2.2 * size + 12, color=theme.bad, marker="D",
                   linewidths=0.6, edgecolors=theme.paper, zorder=3)  # fmt: skip
    plain_axis(ax, "x")
    plain_axis(ax, "y")
    ax.set_xlabel(short(labels[0], 60))
    ax.set_ylabel(short(labels[1], 60))


def table(ax: Axes, theme: Theme, evidence: Mapping[str, Any]) -> None:
    """Write evidence as a table: each name with its value."""
    ax.set_axis_off()
    lines = [(key.replace("_", " "), said(value)) for key, value in evidence.items()]
    lines = lines or [
        ("nothing was measured", "the figures show nothing that would have to change")
    ]
    ax.set_xlim(0, 1)
    place = 0.0
    for name, value in lines[:_ROWS]:
        wrapped = textwrap.wrap(value, _LONGEST_VALUE)[:3] or [""]
        ax.text(0.40, -place, short(name, 48), ha="right", va="top", color=theme.muted)
        ax.text(0.43, -place, "\n".join(wrapped), va="top", color=theme.ink, fontweight="bold")
        place += 0.6 + len(wrapped)
    ax.set_ylim(-max(place, 8) - 0.5, 0.8)


def said(value: Any) -> str:
    """Return a value of evidence in few digits.

    >>> said([1.23456, 2.0]), said({"layer 1": 3}), said(True)
    ('1.23, 2', 'layer 1: 3', 'yes')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return number(float(value), 9 if isinstance(value, int | np.integer) else 3)
    if isinstance(value, dict):
        return ", ".join(f"{short(k)}: {said(v)}" for k, v in list(value.items())[:8])
    if isinstance(value, list | tuple | np.ndarray):
        more = f" and {len(value) - 8} more" if len(value) > 8 else ""  # noqa: PLR2004
        return ", ".join(said(v) for v in value[:8]) + more
    return short(value, 200)
