"""The loss surface with the path that training took on it: exact for two parameters.

For more, it is the plane of the path's two main directions, and the title says how much of the
path it holds: it is never the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from descend.custom import CustomModel
from descend.errors import InputError
from descend.plots.axes import plain_axis
from descend.plots.telling import ends, when
from descend.plots.words import counted, number, percent, short, titled
from descend.showing.frames import frames_of
from descend.showing.surfaces import surface_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Floats
    from descend.plots.style import Sheet, Theme
    from descend.run import Run
    from descend.showing.frames import Frames
    from descend.showing.surfaces import Surface

# Values along v and along u: fine enough for smooth contours on a normal sheet.
_SHAPE, _SHAPE_3D = (81, 121), (61, 61)
_LEVELS = 14
# The surface's look in three dimensions: degrees above the ground, and around.
_ABOVE, _AROUND = 38, -62
# Pixels of a line of the title, of a line of the notes, and of the labels at the lower axes.
_TITLE, _NOTE, _LABELS = 22, 15, 46


def surface(run: Run, sheet: Sheet) -> Figure:
    """Draw the loss over a plane of parameters as contours, with the path of the run.

    Parameters
    ----------
    run, sheet
        What was recorded, with its rows attached; and what it is drawn on.

    Raises
    ------
    InputError
        If there is no plane: fewer than two parameters, no rows, or nothing moved.
    """
    frames = frames_of(run)
    found = plane_of(run, frames, _SHAPE)
    figure = sheet.figure()
    ax = figure.subplots()
    titled(figure, sheet, title(run, found), _sentence(found))
    hills(ax, sheet.theme, found)
    if sheet.small:
        ax.set_ylabel(short(found.axes[1].partition(",")[0], 30))
    path(ax, sheet.theme, run, found, frames)
    return figure


def surface3d(run: Run, sheet: Sheet) -> Figure:
    """Draw the loss over a plane of parameters as a landscape, with the path of the run.

    Parameters
    ----------
    run, sheet
        As for `surface`.

    Raises
    ------
    InputError
        As for `surface`.
    """
    frames = frames_of(run)
    found = plane_of(run, frames, _SHAPE_3D)
    figure = sheet.figure()
    figure.set_layout_engine("none")  # which knows little of axes in space
    titled(figure, sheet, title(run, found), _sentence(found))
    ax = figure.add_axes(_place(figure, sheet), projection="3d")
    _landscape(ax, sheet.theme, found, stations(run, found, frames))
    return figure


def plane_of(run: Run, frames: Frames, shape: tuple[int, int]) -> Surface:
    """Return the loss over the plane of a run's path.

    Raises
    ------
    InputError
        If there is none; the sentence says why.
    """
    found = surface_of(run, shape, frames)
    if found is None:
        msg = f"There is no loss surface to draw: {_why_not(run)}"
        raise InputError(msg)
    return found


def _why_not(run: Run) -> str:
    if run.layout.size < 2:  # noqa: PLR2004 - a plane
        return "this run has one parameter, and a plane needs two; draw its loss instead."
    if run.data is None:
        return "this run holds no rows; give them back with run.attach(X, y) (or --data)."
    if run.keyframes is None:
        return "this file holds a model without its keyframes, so there is no path to show."
    if isinstance(run.task.model, CustomModel) and not np.isnan(run.theta).any():
        return "nothing moved in this run, or the code of its model is not at hand."
    return "nothing moved in this run, so it has no path."


def title(run: Run, found: Surface) -> str:
    """Return what is seen."""
    done, through = run.outcome.step, len(found.path)
    went = f"path of {counted(done, 'update')}"
    if through < done + 1:
        went = f"path through {through} recorded states of the {counted(done, 'update')}"
    if run.setup.full_batch:
        first, last, _ = ends(run)
        kept = "" if run.outcome.best_step in {None, done} else f" {when(run)}"
        went += f" from {number(first)} to {number(last)}{kept}"
    if found.exact:
        return f"The loss over both parameters, and the {went}"
    return f"A slice of the loss that holds {percent(found.share)} of the {went}"


def _sentence(found: Surface) -> str:
    return found.sentence[:1].upper() + found.sentence[1:].rstrip(".") + "."


# ---------------------------------------------------------------- from above


def hills(ax: Axes, theme: Theme, found: Surface) -> None:
    """Draw contours, closer where the loss is low, some with their loss."""
    u, v = np.linspace(*found.u, found.values.shape[1]), np.linspace(*found.v, len(found.values))
    values = np.ma.masked_invalid(found.values)
    levels = levels_of(found.values)
    if len(levels) > 1:
        ax.contourf(u, v, values, levels, cmap=theme.ground, extend="both")
        lines = ax.contour(u, v, values, levels, colors=theme.muted, linewidths=0.5, alpha=0.8)
        ax.clabel(lines, levels[len(levels) // 2 :: 2], fmt=number, fontsize=8, colors=theme.ink)
    ax.set_xlim(*found.u)
    ax.set_ylim(*found.v)
    for which, name in zip("xy", found.axes, strict=True):
        plain_axis(ax, which, 6)
        (ax.set_xlabel if which == "x" else ax.set_ylabel)(short(name, 60))
    ax.grid(visible=False)


def levels_of(values: Floats) -> Floats:
    """Return losses for contours: closer to one another the nearer they are to the least.

    In a bowl, whose loss grows with the square of the distance, rings at equal distances would
    have 1, 4, 9 … of the loss above the least; these have 1, 16, 81 …, for valleys are deeper.

    >>> levels_of(np.array([0.0, 1.0]))[[0, -1]].round(5)
    array([3.e-05, 1.e+00])
    """
    known = values[np.isfinite(values)]
    if not len(known) or known.max() <= known.min():
        return np.zeros(0)
    low, high = float(known.min()), float(known.max())
    found: Floats = low + (high - low) * (np.arange(1, _LEVELS + 1) / _LEVELS) ** 4
    return np.unique(found)


class Station(NamedTuple):
    """A point of the path that has a name.

    Attributes
    ----------
    place
        Of its frame.
    name, marker
        What it is called, and its shape.
    side
        Where its name stands: ``"center"``, or ``"bottom"`` and ``"top"`` of the name at the
        point, where two points may be close.
    """

    place: int
    name: str
    marker: str
    side: Literal["center", "bottom", "top"] = "center"


def stations(run: Run, found: Surface, frames: Frames) -> tuple[Floats, list[Station]]:
    """Return the path as far as it is in the picture, and its start, its end, and what was kept.

    A run that diverged leaves the picture; what comes after that would cross it at random.
    """
    inside = np.asarray(np.isfinite(found.path).all(axis=1))
    if run.outcome.diverged:
        (low_u, high_u), (low_v, high_v) = found.u, found.v
        u, v = np.nan_to_num(found.path, nan=np.inf).T
        within = (low_u <= u) & (u <= high_u) & (low_v <= v) & (v <= high_v)
        left = int(np.argmin(within)) if not within.all() else len(within)
        inside &= np.arange(len(within)) <= left  # the line goes out of the picture
    last = len(inside) - 1
    named = [Station(0, "start", "D"), Station(last, "end", "o")]
    if frames.returned != last:
        named[-1] = named[-1]._replace(side="bottom")
        named.append(Station(frames.returned, "best, returned", "s", "top"))
    return found.path[inside], [s for s in named if inside[s.place]]


def path(ax: Axes, theme: Theme, run: Run, found: Surface, frames: Frames) -> None:
    """Draw the path, a point for each recorded state, from its start to its end."""
    known, named = stations(run, found, frames)
    ax.plot(*known.T, color=theme.paper, linewidth=4, alpha=0.6, zorder=3)
    ax.plot(
        *known.T,
        color=theme.series[1],
        linewidth=1.6,
        marker=".",
        markersize=_dots(known),
        label="path",
        zorder=3,
    )
    for station in named:
        _named_point(ax, theme, found.path[station.place], station)


def _dots(known: Floats) -> float:
    """Return how large a state's point is: none where they would be a thick line."""
    return 5.0 if len(known) <= 150 else 0.0  # noqa: PLR2004 - points apart on a normal sheet


def _named_point(ax: Axes, theme: Theme, spot: Floats, station: Station) -> None:
    style: Any = {"markerfacecolor": theme.paper, "markeredgecolor": theme.series[1]}
    ax.plot(*spot, marker=station.marker, markersize=7, markeredgewidth=1.8, **style, zorder=5)
    low, high = ax.get_xlim()
    left = spot[0] > low + 0.85 * (high - low)
    note = ax.annotate(
        station.name,
        (float(spot[0]), float(spot[1])),
        xytext=(-9 if left else 9, {"center": 0, "bottom": 5, "top": -5}[station.side]),
        textcoords="offset points",
        ha="right" if left else "left",
        va=station.side,
        fontweight="bold",
        color=theme.ink,
        zorder=6,
    )
    note.set_bbox({"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.75, "pad": 1.5})


# ---------------------------------------------------------------- as a landscape


def _landscape(ax: Any, theme: Theme, found: Surface, way: tuple[Floats, list[Station]]) -> None:
    """Draw the values as heights, their logarithm where they span much, and the path upon them."""
    u, v = np.linspace(*found.u, found.values.shape[1]), np.linspace(*found.v, len(found.values))
    heights = np.where(np.isfinite(found.values), found.values, np.nan)
    wide = np.nanmin(heights) > 0 and np.nanmax(heights) > 100 * np.nanmin(heights)
    shown = np.log10(heights) if wide else heights
    U, V = np.meshgrid(u, v)
    ax.plot_surface(
        U, V, shown, cmap=theme.ground, linewidth=0.3, edgecolor=theme.muted, alpha=0.85,
        rcount=31, ccount=31, zorder=1,
    )  # fmt: skip
    known, named = way
    z = _heights_at(u, v, shown, known)
    ax.computed_zorder = False  # the path is seen wherever it is
    ax.plot(*known.T, z, color=theme.series[1], linewidth=2.2, zorder=10, label="path")
    style = {"markerfacecolor": theme.paper, "markeredgecolor": theme.series[1]}
    for place, name, marker, side in named:
        x, y = found.path[place]
        h = float(_heights_at(u, v, shown, found.path[place : place + 1])[0])
        ax.plot([x], [y], [h], marker=marker, markersize=7, markeredgewidth=1.8, **style, zorder=11)
        ax.text(x, y, h, _aside(name, side), color=theme.ink, fontweight="bold", va=side, zorder=12)
    _furnish(ax, theme, found, logarithmic=bool(wide))


def _place(figure: Figure, sheet: Sheet) -> tuple[float, float, float, float]:
    """Return where a landscape stands, between title and notes: left, bottom, width, height."""
    high = sheet.size[1]
    below = _LABELS + _NOTE * (1 + figure.get_supxlabel().count("\n"))
    above = _TITLE * (1 + figure.get_suptitle().count("\n"))
    return (0.02, below / high, 0.92, 1 - (above + below) / high)


def _aside(name: str, side: str) -> str:
    """Return a name that stands beside its point: points in space know no offset."""
    return {"center": f"   {name}", "bottom": f"   {name}\n", "top": f"\n   {name}"}[side]


def _furnish(ax: Any, theme: Theme, found: Surface, *, logarithmic: bool) -> None:
    ax.view_init(_ABOVE, _AROUND)
    ax.set_box_aspect((1.4, 1.2, 0.8), zoom=1.2)
    for axis, name in zip((ax.xaxis, ax.yaxis), found.axes, strict=True):
        axis.set_label_text(short(name.partition(",")[0], 30))
    ax.zaxis.set_label_text("loss")
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(theme.muted)
        axis._axinfo["grid"]["color"] = theme.faint  # noqa: SLF001 - there is no public way
    for which in "xyz":
        plain_axis(ax, which, 4)
    if logarithmic:
        ax.zaxis.set_major_formatter(lambda value, _: number(10.0**value, 2))


def _heights_at(u: Floats, v: Floats, values: Floats, spots: Floats) -> Floats:
    """Return the heights at some spots, between the four values around each."""
    i = np.clip(np.searchsorted(u, spots[:, 0]) - 1, 0, len(u) - 2)
    j = np.clip(np.searchsorted(v, spots[:, 1]) - 1, 0, len(v) - 2)
    a = np.clip((spots[:, 0] - u[i]) / (u[i + 1] - u[i]), 0, 1)
    b = np.clip((spots[:, 1] - v[j]) / (v[j + 1] - v[j]), 0, 1)
    lower = (1 - a) * values[j, i] + a * values[j, i + 1]
    upper = (1 - a) * values[j + 1, i] + a * values[j + 1, i + 1]
    found: Floats = (1 - b) * lower + b * upper
    return found


FIGURES = {"surface": surface, "surface3d": surface3d}
