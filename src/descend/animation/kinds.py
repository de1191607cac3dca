"""What is filmed: a moving fit or boundary, a point on its surface, a growing curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from contourpy import contour_generator
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.path import Path

from descend.animation.film import Film
from descend.errors import InputError
from descend.plots import captions, fits, regions, slices, surfaces
from descend.plots.axes import drawable, log_axis, plain_axis, positive, spans_decades
from descend.plots.telling import recorded
from descend.plots.words import number, titled
from descend.showing.curves import curves_of
from descend.showing.frames import Frames
from descend.showing.surfaces import surface_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from descend.arrays import Array, Floats
    from descend.plots.regions import Answered
    from descend.plots.slices import Look
    from descend.plots.style import Sheet
    from descend.run import Run
    from descend.showing.curves import Curve

    Column: TypeAlias = str | int | None
    Kind: TypeAlias = Callable[..., Film]

# The plane of a film is coarser than a figure's: each frame computes it.
_SHAPE = (72, 96)
_SURFACE, _COARSEST = (61, 91), (2, 2)
# A line that comes from further away, in heights of what the rows span, comes from outside.
_FURTHEST = 4.0


def fit(run: Run, sheet: Sheet, frames: Frames, *, x: Column = None, y: Column = None) -> Film:
    """Film what the model predicts along a column."""
    if y is not None:
        raise InputError(_ONE_COLUMN)
    seen = slices.look(run)
    j = slices.chosen(seen, x)[0]
    figure = sheet.figure()
    ax = figure.subplots()
    answers = [drawable(fits.line_along(seen, j, theta)[1]) for theta in frames.theta]
    lines = fits.drawn_fit(ax, sheet, seen, j, frames.theta[0])
    _with_start(ax, answers)
    held = captions.others(seen, j)
    said, title = _titles(
        figure, sheet, seen, frames, f"Along {captions.column_name(seen, j)}{held}." if held else ""
    )

    def turn(i: int) -> None:
        for line, answer in zip(lines, answers[i].T, strict=False):
            line.set_ydata(answer)
        title.set_text(said(i))

    return Film(figure, [*lines, title], turn, frames.steps)


def _with_start(ax: Axes, answers: Sequence[Floats]) -> None:
    """Let the axis reach to where the lines come from, within reason."""
    low, high = ax.get_ylim()
    known = np.concatenate([answer[np.isfinite(answer)] for answer in answers])
    if len(known):
        reach = _FURTHEST * (high - low)
        ax.set_ylim(
            max(min(known.min(), low), low - reach), min(max(known.max(), high), high + reach)
        )


def boundary(run: Run, sheet: Sheet, frames: Frames, *, x: Column = None, y: Column = None) -> Film:
    """Film what the model answers over two columns."""
    seen, i, j = regions.plane_of(run, x, y)
    figure = sheet.figure()
    ax = figure.subplots()
    first = regions.answered(seen, i, j, frames.theta[0], shape=_SHAPE)
    image = regions.shaded(ax, sheet.theme, seen, first)
    if not seen.labels:
        image.set_clim(float(seen.targets[:, 0].min()), float(seen.targets[:, 0].max()))
    regions.drawn_rows(ax, sheet.theme, seen, i, j, 0, image)
    points = list(ax.collections)
    regions.framed(ax, sheet.theme, seen, (i, j), first)
    regions.legend(ax, sheet, seen)
    hatched = _hatched(ax, sheet, seen)
    edge = LineCollection([], colors=sheet.theme.ink, linewidths=1.8, zorder=2)
    ax.add_collection(edge, autolim=False)
    held = captions.others(seen, i, j)
    said, title = _titles(
        figure,
        sheet,
        seen,
        frames,
        f"Drawn{held.replace('(', 'with ').rstrip(')')}." if held else "",
    )

    def turn(frame: int) -> None:
        found = regions.answered(seen, i, j, frames.theta[frame], shape=_SHAPE)
        many = regions.several(seen)
        image.set_data(regions.tinted(sheet.theme, found) if many else drawable(found.answer))
        for area, ahead in zip(hatched, found.ahead, strict=False):
            area.set_paths(_areas(found, ahead))
        edge.set_segments(edges(seen, found))
        title.set_text(said(frame))

    moving = [image, *hatched, edge, *points, *ax.spines.values(), title]
    return Film(figure, moving, turn, frames.steps)


def _hatched(ax: Axes, sheet: Sheet, seen: Look) -> list[PathCollection]:
    """Return an area without extent for each of several labels, hatched as figures have it."""
    if not regions.several(seen):
        return []
    found = []
    for hatch, color in zip(regions.HATCHES[: seen.k], sheet.theme.series, strict=False):
        edge = (*to_rgb(color), 0.35)
        area = PathCollection([], facecolors="none", edgecolors=edge, linewidths=0, zorder=1)
        if hatch:
            area.set_hatch(hatch)
        ax.add_collection(area, autolim=False)
        found.append(area)
    return found


def _areas(found: Answered, ahead: Floats) -> list[Path]:
    """Return the areas in which a label is ahead."""
    values = np.ma.masked_invalid(ahead)
    made: Any = contour_generator(found.x, found.y, values, fill_type="OuterCode")
    points, codes = made.filled(0.0, np.inf)
    return [Path(*each) for each in zip(points, codes, strict=True)]


def edges(seen: Look, found: Answered) -> list[Floats]:
    """Return the lines where answers change: labels that meet, or numbers that are alike."""
    if regions.several(seen):
        return [line for ahead in found.ahead for line in _level(found, ahead, 0.0)]
    if seen.labels:
        return _level(found, found.answer, 0.5 if seen.run.task.loss.proper else 0.0)
    low, high = float(seen.targets[:, 0].min()), float(seen.targets[:, 0].max())
    levels = np.linspace(low, high, 7)[1:-1]
    return [line for level in levels for line in _level(found, found.answer, float(level))]


def _level(found: Answered, values: Floats, level: float) -> list[Floats]:
    made: Any = contour_generator(found.x, found.y, np.ma.masked_invalid(values))
    return list(made.lines(level))


def surface(run: Run, sheet: Sheet, frames: Frames, *, x: Column = None, y: Column = None) -> Film:
    """Film the parameters as a point on the loss over a plane, the path behind them."""
    if x is not None or y is not None:
        raise InputError(_NO_COLUMN.format("surface"))
    once, place = _once(frames)
    found = surfaces.plane_of(run, once, _SURFACE)
    way = found.path[place]
    seen = slices.look(run)
    figure = sheet.figure()
    ax = figure.subplots()
    surfaces.hills(ax, sheet.theme, found)
    colour = sheet.theme.series[1]
    halo = ax.plot([], [], color=sheet.theme.paper, linewidth=4, alpha=0.6)[0]
    path = ax.plot([], [], color=colour, linewidth=1.8, solid_joinstyle="round")[0]
    (point,) = ax.plot([], [], "o", ms=9, mfc=sheet.theme.paper, mec=colour, mew=2)
    said, title = _titles(figure, sheet, seen, frames, _begun(found.sentence))

    def turn(i: int) -> None:
        for line in (halo, path):
            line.set_data(*way[: i + 1].T)
        point.set_data(*way[i : i + 1].T)
        title.set_text(said(i))

    return Film(figure, [halo, path, point, title], turn, frames.steps)


def _once(frames: Frames) -> tuple[Frames, Array]:
    """Return frames without repetition, and the place of each of the given ones among them."""
    steps, first, place = np.unique(frames.steps, return_index=True, return_inverse=True)
    return Frames(steps, frames.theta[first], int(place[frames.returned])), place


def _begun(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}."


def loss(run: Run, sheet: Sheet, frames: Frames, *, x: Column = None, y: Column = None) -> Film:
    """Film the loss as it falls."""
    if x is not None or y is not None:
        raise InputError(_NO_COLUMN.format("loss"))
    curves = {curve.name: curve for curve in curves_of(recorded(run))}
    names = [n for n in ("loss", "epoch_loss", "validation_loss") if n in curves]
    names = names[1:] if "epoch_loss" in names else names
    shown = [curves[name] for name in names]
    wide = spans_decades(*(curve.y for curve in shown))
    heights = [(positive if wide else drawable)(curve.y) for curve in shown]
    figure = sheet.figure()
    ax = figure.subplots()
    lines = []
    for place, (curve, height) in enumerate(zip(shown, heights, strict=True)):
        lines += ax.plot(curve.x, height, label=_part(curve), **sheet.theme.series_style(place))
    ax.set_xlim(0, run.state.step)
    ax.set_ylabel("loss")
    ax.set_xlabel("updates")
    plain_axis(ax, "x", whole=True)
    (log_axis if wide else plain_axis)(ax, "y")
    ax.legend(loc="upper right")
    ax.autoscale(enable=False)
    said = _losses_said(run, shown, frames)
    title = _title(figure, sheet, [said(i) for i in range(len(frames.steps))], "")

    def turn(i: int) -> None:
        for line, curve, height in zip(lines, shown, heights, strict=True):
            until = int(np.searchsorted(curve.x, frames.steps[i], side="right"))
            line.set_data(curve.x[:until], height[:until])
        title.set_text(said(i))

    return Film(figure, [*lines, title], turn, frames.steps)


KINDS: dict[str, Kind] = {"fit": fit, "regions": boundary, "surface": surface, "loss": loss}
_ONE_COLUMN = (
    "A film of the fit moves along one column: give x alone, or film the regions over x and y."
)
_NO_COLUMN = (
    "A film of the {} has no columns to choose; leave x and y out, or film the fit or the regions."
)


def usual(run: Run, frames: Frames) -> str:
    """Return the kind of film that shows most of a run, of those that can be drawn."""
    if run.data is None or len(frames.steps) < 2:  # noqa: PLR2004 - from one state to another
        return "loss"
    if run.setup.d == 1:
        return "fit"
    if run.classes is not None:
        return "regions"
    return "loss" if surface_of(run, _COARSEST, _once(frames)[0]) is None else "surface"


# ---------------------------------------------------------------- titles


def _titles(
    figure: Figure, sheet: Sheet, seen: Look, frames: Frames, note: str
) -> tuple[Callable[[int], str], Text]:
    """Return what the title says at each frame, and the title."""
    done = seen.run.state.step
    losses = [captions.loss_said(seen, theta) for theta in frames.theta]

    def said(i: int) -> str:
        kept = " (returned)" if frames.steps[i] == seen.run.outcome.best_step else ""
        return f"Update {frames.steps[i]:,} of {done:,}{kept}: {losses[i]}"

    every = [said(i) for i in range(len(losses))]
    return said, _title(figure, sheet, every, f"{captions.shown(seen)} {note}".strip())


def _title(figure: Figure, sheet: Sheet, every: Sequence[str], note: str) -> Text:
    """Return the title, placed so that the longest of them has room."""
    titled(figure, sheet, max(every, key=len), note)
    left = 12 / sheet.size[0]
    return figure.suptitle(every[0], x=left, ha="left")


def _part(curve: Curve) -> str:
    return "validation" if curve.name == "validation_loss" else "training"


def _losses_said(run: Run, shown: Sequence[Curve], frames: Frames) -> Callable[[int], str]:
    done = run.state.step

    def said(i: int) -> str:
        words = []
        for curve in shown:
            place = int(np.searchsorted(curve.x, frames.steps[i], side="right")) - 1
            if place >= 0:
                words.append(f"{_part(curve)} {number(curve.y[place])}{_when(curve, place, i)}")
        return f"Update {frames.steps[i]:,} of {done:,}: loss {', '.join(words) or 'not measured'}"

    def _when(curve: Curve, place: int, i: int) -> str:
        measured = curve.x[place]
        return "" if measured == frames.steps[i] else f" (at update {measured:,})"

    return said
