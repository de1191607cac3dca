"""Coefficient paths: what a linear model made of each column, update by update.

Coefficients are comparable where columns have the same spread, so they are shown per standard
deviation of their column wherever that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection

from descend.arrays import Array, Floats
from descend.errors import InputError
from descend.models import layered
from descend.plots.axes import drawable, named_ends, plain_axis, updates_axis
from descend.plots.marks import draw_marks, marks_of
from descend.plots.telling import when
from descend.plots.words import counted, number, short, titled
from descend.showing.frames import Frames, frames_of
from descend.showing.samples import rows_of, units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.plots.style import Sheet, Theme
    from descend.run import Run

# So many have a name and a colour; so many are drawn at all.
NAMED, DRAWN = 6, 200
# Rows from which the spread of columns that were not standardised is taken.
_ROWS = 5000
_TOLD = 3


class Coefficients(NamedTuple):
    """Coefficients at each frame.

    Attributes
    ----------
    values
        (F, d·k).
    names
        Of each.
    unit
        What they are per.
    """

    values: Floats
    names: list[str]
    unit: str


def coefficients(run: Run, sheet: Sheet, *, log_x: bool = False) -> Figure:
    """Draw the coefficients of a linear model over the updates, the strongest by name.

    Parameters
    ----------
    run, sheet
        What was recorded, and what it is drawn on.
    log_x
        Whether the axis of updates is logarithmic.

    Raises
    ------
    InputError
        If the model has hidden layers or is one's own, or no states along the way were kept.
    """
    frames = several_frames(run)
    found = coefficients_of(run, frames)
    order = np.argsort(-np.abs(found.values[frames.returned]), kind="stable")
    figure = sheet.figure()
    ax = figure.subplots()
    titled(
        figure,
        sheet,
        _title(run, found, frames, order),
        *_notes(found, order, log_x=log_x, small=sheet.small),
    )
    _faint(ax, sheet.theme, frames, found.values[:, order[NAMED:DRAWN]])
    _named(ax, sheet.theme, frames, found, order[:NAMED])
    ax.axhline(0, color=sheet.theme.muted, linewidth=0.8, zorder=1)
    ax.set_ylabel("coefficient" if sheet.small else f"coefficient per {found.unit}")
    plain_axis(ax, "y", 6)
    updates_axis([ax], run.state.step, log=log_x)
    draw_marks([ax], marks_of(run, sheet.theme))
    return figure


def several_frames(run: Run, limit: int = 300) -> Frames:
    """Return the recorded states that are finite, of which there must be two at least.

    Raises
    ------
    InputError
        If there are fewer.
    """
    found = frames_of(run, limit)
    finite = np.asarray(np.isfinite(found.theta).all(axis=1))
    if run.keyframes is not None and int(finite.sum()) > 1:
        place = int(np.cumsum(finite)[found.returned]) - 1
        return Frames(found.steps[finite], found.theta[finite], max(place, 0))
    done = counted(run.state.step, "update")
    if run.keyframes is None:
        why = "its file holds a model without its keyframes; save the run with them"
    else:
        why = f"it did {done} and holds {counted(int(finite.sum()), 'finite state')}; train it on"
    msg = f"Parameters over the updates need states on the way, and this run has none: {why}."
    raise InputError(msg)


def coefficients_of(run: Run, frames: Frames) -> Coefficients:
    """Return the coefficients of a linear model at each frame, in standardised units.

    Raises
    ------
    InputError
        If the model is not linear in its columns.
    """
    if not layered(run.task.model).linear:
        msg = (
            "Coefficients belong to columns, and this model has hidden layers, whose weights do "
            "not; draw its parameters instead."
        )
        raise InputError(msg)
    parts = [run.layout.split(theta)["weight"] for theta in frames.theta]
    weights = np.stack(parts)  # (F, d, k)
    unit = "standard deviation of the column"
    if run.scaling is None and run.encoder is None:
        spread = _spread(run)
        unit = unit if spread is not None else "unit of the column"
        weights = weights if spread is None else weights * spread[:, None]
    return Coefficients(weights.reshape(len(weights), -1), _names(run), unit)


def _spread(run: Run) -> Floats | None:
    """Return the standard deviation of each column over the training rows, or a sample of them."""
    rows = rows_of(run, _ROWS)
    if rows is None:
        return None
    found: Floats = rows.X[rows.part == 0].std(axis=0)
    return found


def _names(run: Run) -> list[str]:
    k = run.setup.k
    if k == 1:
        return [short(name) for name in run.names]
    target = short(units_of(run).target, 10)
    outputs = [f"{target}[{j}]" for j in range(k)]
    whose = outputs if run.task.loss.targets != "labels" else list(run.classes or outputs)
    return [f"{short(name, 16)} → {short(label, 12)}" for name in run.names for label in whose]


def _faint(ax: Axes, theme: Theme, frames: Frames, values: Floats) -> None:
    lines = [np.column_stack([frames.steps, drawable(column)]) for column in values.T]
    ax.add_collection(
        LineCollection(lines, colors=theme.muted, linewidths=0.7, alpha=0.5, zorder=1.5)
    )


def _named(ax: Axes, theme: Theme, frames: Frames, found: Coefficients, places: Array) -> None:
    ends = []
    for place, column in enumerate(places):
        values, name = drawable(found.values[:, column]), found.names[column]
        ax.plot(frames.steps, values, **theme.series_style(place), label=name)
        ends.append((float(frames.steps[-1]), float(values[-1]), name, theme.series[place]))
    named_ends(ax, ends)


def _title(run: Run, found: Coefficients, frames: Frames, order: Array) -> str:
    kept = found.values[frames.returned]
    told = ", ".join(f"{found.names[i]} {number(kept[i])}" for i in order[:_TOLD])
    what = f"The strongest of {counted(len(order), 'coefficient')}"
    if len(order) <= _TOLD:
        what = "The coefficient" if len(order) == 1 else f"The {len(order)} coefficients"
    return f"{what} {_reached(run, frames)}: {told}"


def _reached(run: Run, frames: Frames) -> str:
    """Return at which update the returned parameters were; of a run that diverged, the last known.

    >>> from types import SimpleNamespace as Some
    >>> run = Some(outcome=Some(best_step=6, step=9))
    >>> _reached(run, Frames(np.array([0, 6, 9]), np.zeros((3, 1)), 1))
    'at update 6 of 9, the one kept'
    """
    step = int(frames.steps[frames.returned])
    kept = step == run.outcome.best_step != run.outcome.step
    return when(run) if kept else f"after {counted(step, 'update')}"


def _notes(found: Coefficients, order: Array, *, log_x: bool, small: bool) -> list[str]:
    many = len(order)
    left = (
        f"The {DRAWN} strongest of {counted(many, 'coefficient')} are drawn. "
        if many > DRAWN
        else ""
    )
    named = f"Grey: the other {many - NAMED}. " if NAMED < many <= DRAWN else ""
    plain = "" if "deviation" in found.unit else (
        "The columns were not standardised and no rows are at hand, so coefficients of columns of "
        "different spread are not comparable."
    )  # fmt: skip
    unit = f"Coefficients are per {found.unit}. " if small else ""
    return [unit + left + named + plain, "The axis of updates is logarithmic." if log_x else ""]


FIGURES = {"coefficients": coefficients}
