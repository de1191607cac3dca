"""Data, and what a model makes of them along one column.

With several columns the line is a partial view: the others are held at their mean, and the title
says so; the points keep their own values in all columns, so that they scatter about it by more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.plots import captions, points, slices
from descend.plots.axes import drawable, plain_axis
from descend.plots.words import counted, short, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from descend.plots.slices import Look
    from descend.plots.style import Sheet, Theme
    from descend.run import Run

# Outputs or labels drawn at most along one column.
MOST = 6
_STREWN = 0.06


class Heap(NamedTuple):
    """Points of one kind: which rows, at what height, and the place of their style."""

    rows: Array
    height: Floats
    place: int
    hollow: bool
    name: str | None


def fit(run: Run, sheet: Sheet, *, x: str | int | None = None, step: int | None = None) -> Figure:
    """Draw the rows, and what the model predicts along one column.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    x
        The column, by name or place; default the one the model relies on most.
    step
        After how many updates; default the returned parameters.  Recorded states are drawn: the
        last at or before the step.
    """
    seen = slices.look(run)
    j = slices.chosen(seen, x)[0]
    theta, when = captions.at_step(run, step)
    figure = sheet.figure()
    ax = figure.subplots()
    lines = drawn_fit(ax, sheet, seen, j, theta)
    said = captions.loss_said(seen, theta)
    along = f"{_answers(seen)} along {captions.column_name(seen, j)}{captions.others(seen, j)}"
    notes = captions.shown(seen), _unseen(ax, lines)
    titled(figure, sheet, captions.begun(f"{along}: {said} {when}"), *notes)
    return figure


def data(
    run: Run, sheet: Sheet, *, x: str | int | None = None, y: str | int | None = None
) -> Figure:
    """Draw the rows alone, training and validation rows side by side.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    x, y
        Columns, by name or place; default those the model relies on most.  Labelled rows are drawn
        in the plane of both, numbers against `x` alone.
    """
    seen = slices.look(run)
    i, j = slices.chosen(seen, x, y)
    j = j if seen.labels and (seen.k == 1 or seen.rows.y.shape[1] == 1) else None
    figure = sheet.figure()
    parts = np.unique(seen.rows.part)
    axes = figure.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
    for ax, part in zip(axes, parts, strict=True):
        _part(ax, sheet.theme, seen, int(part), (i, j))
    named = seen.labels and seen.rows.y.shape[1] == 1
    keys = points.label_keys(sheet.theme, seen, parts=False) if named else []
    points.titled_above(axes, [points.PARTS[part] for part in parts], sheet, keys)
    up = short(seen.units.target) if j is None else captions.column_name(seen, j)
    axes[0].set_ylabel(up)
    count = [counted(int((seen.rows.part == p).sum()), f"{points.PARTS[p]} row") for p in parts]
    title = f"{up} against {captions.column_name(seen, i)}: {' and '.join(count)}"
    titled(figure, sheet, title, captions.shown(seen))
    return figure


FIGURES: dict[str, Any] = {"data": data, "fit": fit}


# ---------------------------------------------------------------- rows


def heaps(seen: Look) -> list[Heap]:
    """Return the rows as points at the height of their targets, or at that of their labels.

    Labels have probabilities 0 and 1 for heights (scores -1 and 1 where the loss has none), a
    little strewn so that they do not hide each other; of more than two, each stands at 1.
    """
    found = []
    named = seen.k > 1 or seen.labels
    for place, rows, height in _kinds(seen):
        for part in range(2):
            here = seen.rows.part[rows] == part
            if here.any():
                kind = place if named else part
                name = None if named else points.PARTS[part]
                found.append(Heap(rows[here], height[here], kind, named and part > 0, name))
    return found


def _kinds(seen: Look) -> list[tuple[int, Array, Floats]]:
    """Return (place of the style, rows, heights) of each output or label."""
    every, loss = np.arange(len(seen.rows.y)), seen.run.task.loss
    if not seen.labels:
        return [(o, every, seen.targets[:, o]) for o in range(min(seen.k, MOST))]
    code = seen.rows.y.astype(np.int64)
    if loss.targets == "labels":
        groups = [np.flatnonzero(code[:, 0] == c) for c in range(min(seen.k, MOST))]
        return [(c, g, strewn(np.ones(len(g)), 1 + c)) for c, g in enumerate(groups)]
    low = 0.0 if loss.proper else -1.0
    if seen.k > 1:
        return [
            (o, every, strewn(low + (1 - low) * code[:, o], 0)) for o in range(min(seen.k, MOST))
        ]
    groups = [np.flatnonzero(code[:, 0] == c) for c in range(2)]
    return [
        (c, g, strewn(np.full(len(g), low if c == 0 else 1.0), 0)) for c, g in enumerate(groups)
    ]


def strewn(height: Floats, band: int) -> Floats:
    """Return heights moved a little up and down, evenly and alike each time; bands lie apart."""
    golden = np.arange(len(height)) * 0.6180339887498949 % 1 - 0.5
    return height + _STREWN * (golden + 1.1 * band)


def drawn_rows(ax: Axes, theme: Theme, seen: Look, j: int) -> None:
    """Draw the rows along a column in its own unit, each at its target's height."""
    across = slices.own(seen, j, seen.rows.X[:, j])
    for heap in heaps(seen):
        style = {**theme.point_style(heap.place), "label": heap.name}
        shown = points.dots(seen, heap.rows, across[heap.rows], heap.height)
        points.scatter(ax, theme, shown, style, hollow=heap.hollow)


# ---------------------------------------------------------------- lines


def drawn_fit(ax: Axes, sheet: Sheet, seen: Look, j: int, theta: Floats) -> list[Line2D]:
    """Draw rows and lines along a column, with axes and legend; return the lines."""
    theme = sheet.theme
    drawn_rows(ax, theme, seen, j)
    across, answers = line_along(seen, j, theta)
    lines: list[Line2D] = []
    for output in range(min(answers.shape[1], MOST)):
        alone = answers.shape[1] == 1
        style = {"color": theme.ink} if alone else theme.series_style(output)
        name = "prediction" if alone else _line_name(seen, output)
        lines += ax.plot(across, drawable(answers[:, output]), label=name, zorder=4, **style)
    _framed(ax, seen, j)
    _reach(ax, answers)
    _legend(ax, sheet, seen)
    return lines


def line_along(seen: Look, j: int, theta: Floats, count: int = 300) -> tuple[Floats, Floats]:
    """Return a column's entries in its own unit (count,), and what is predicted (count, k)."""
    X = slices.along(seen, j, count)
    return slices.own(seen, j, X[:, j]), slices.answers(seen, theta, X)


def _framed(ax: Axes, seen: Look, j: int) -> None:
    """Set limits by the rows, so that a line that runs away does not flatten them."""
    ax.set_xlim(*(float(slices.own(seen, j, end)) for end in slices.span(seen, j)))
    height = np.concatenate([heap.height for heap in heaps(seen)])
    if seen.labels and seen.run.task.loss.proper:
        height = np.append(height, [0.0, 1.0])
    low, high = float(height.min()), float(height.max())
    pad = 0.08 * (high - low) or max(abs(high), 1.0) / 2
    ax.set_ylim(low - pad, high + pad)
    ax.set_xlabel(captions.column_name(seen, j))
    ax.set_ylabel(_answers(seen))
    plain_axis(ax, "x")
    plain_axis(ax, "y")
    if seen.labels:
        middle = 0.5 if seen.run.task.loss.proper else 0.0
        ax.axhline(middle, color=ax.xaxis.label.get_color(), lw=0.8, ls=":")


def _legend(ax: Axes, sheet: Sheet, seen: Look) -> None:
    """Name lines and points where there is more than one kind."""
    handles: list[Any] = [
        line for line in ax.get_lines() if not str(line.get_label()).startswith("_")
    ]
    if seen.labels and seen.k == 1:
        handles = [*points.label_keys(sheet.theme, seen)]
    elif seen.k > 1:
        handles += [points.hollow_key(sheet.theme)] if seen.rows.part.any() else []
    else:
        parts = enumerate(points.PARTS[: int(seen.rows.part.max()) + 1])
        keys = [points.key(sheet.theme.point_style(place), name) for place, name in parts]
        handles = keys + handles
    points.keys_above(ax, sheet, handles)


def _line_name(seen: Look, output: int) -> str:
    if seen.run.task.loss.targets == "labels":
        return short((seen.units.classes or ())[output])
    return captions.target_name(seen, output)


def _reach(ax: Axes, answers: Floats) -> None:
    """Let the axis reach as far again for the prediction, where it leaves the rows' range."""
    low, high = ax.get_ylim()
    known = answers[np.isfinite(answers)]
    if len(known):
        most, room = high - low, 0.04 * (high - low)
        down, up = min(known.min() - room, low), max(known.max() + room, high)
        ax.set_ylim(max(down, low - most), min(up, high + most))


def _answers(seen: Look) -> str:
    """Return what stands up the axis."""
    if seen.labels and (seen.k == 1):
        return captions.answer_name(seen)
    if seen.labels:
        return "probability" if seen.run.task.loss.proper else "score"
    return short(seen.units.target)


def _unseen(ax: Axes, lines: list[Line2D]) -> str:
    """Return a note where no line comes into view: after a divergence it may be anywhere."""
    low, high = ax.get_ylim()
    if not any(np.isfinite(line.get_ydata()).any() for line in lines):
        return "What is predicted is no number."
    for line in lines:
        y = np.asarray(line.get_ydata(), dtype=float)
        with np.errstate(invalid="ignore"):
            if ((y >= low) & (y <= high)).any():
                return ""
    return "What is predicted lies outside the picture."


def _part(ax: Axes, theme: Theme, seen: Look, part: int, columns: tuple[int, int | None]) -> None:
    """Draw the rows of one part alone."""
    i, j = columns
    across = slices.own(seen, i, seen.rows.X[:, i])
    for heap in heaps(seen):
        if seen.rows.part[heap.rows[0]] == part:
            rows = heap.rows
            up = heap.height if j is None else slices.own(seen, j, seen.rows.X[rows, j])
            shown = points.dots(seen, rows, across[rows], up)
            points.scatter(ax, theme, shown, theme.point_style(heap.place))
    ax.set_xlabel(captions.column_name(seen, i))
    plain_axis(ax, "x")
    plain_axis(ax, "y")
