"""A race: runs from the same start, on the same rows and batches, that differ in how they step.

Only then does it say something about the optimizers, so runs that differ in more are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from descend.errors import InputError
from descend.plots.axes import (
    drawable,
    log_axis,
    plain_axis,
    positive,
    settle,
    spans_decades,
    updates_axis,
)
from descend.plots.learning import curves_by_name
from descend.plots.saving import save
from descend.plots.style import Sheet, drawing, size_of
from descend.plots.surfaces import hills
from descend.plots.telling import recorded
from descend.plots.words import number, percent, short, titled
from descend.run import Run
from descend.showing.frames import Frames, frames_of
from descend.showing.surfaces import surface_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Floats
    from descend.plots.style import Size, Theme
    from descend.showing.surfaces import Surface

FEWEST, MOST = 2, 6
_SHAPE = (61, 81)
_FRAMES = 100
# A run that diverged is followed this many times as far from the start as the others went.
_FOLLOWED = 1.5


class Racer(NamedTuple):
    """A run in a race.

    Attributes
    ----------
    name
        What it is called.
    run
        What was recorded.
    frames
        Where it was.
    """

    name: str
    run: Run
    frames: Frames


def race(
    runs: Sequence[Run],
    *,
    names: Sequence[str] | None = None,
    theme: str = "light",
    size: Size = "normal",
    out: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw several runs' losses, and their paths on one surface.

    Parameters
    ----------
    runs
        2 to 6, from the same start, on the same rows and batches, with the same objective.
    names
        Of each; default its optimizer.
    theme, size, out
        As for `draw`.

    Returns
    -------
    Figure
        Of matplotlib.

    Raises
    ------
    InputError
        If the runs differ in more than how they step; the sentence says in what.

    Examples
    --------
    >>> import descend as ds
    >>> from descend.plots import race
    >>> rules = ds.gradient_descent(0.1), ds.adam(0.1)
    >>> runs = [
    ...     ds.train(ds.Task(ds.Linear(), ds.squared_error(), rule), [[0.0], [1.0]], [1.0, 3.0])
    ...     for rule in rules
    ... ]
    >>> figure = race(runs)
    """
    racers = _racers(runs, names)
    with drawing(theme) as look:
        figure = settle(_drawn(Sheet(look, size_of(size)), racers))
    if out is not None:
        save(figure, out)
    return figure


def _racers(runs: Sequence[Run], names: Sequence[str] | None) -> list[Racer]:
    runs = list(runs)
    if not FEWEST <= len(runs) <= MOST:
        msg = f"A race needs {FEWEST} to {MOST} runs; found {len(runs)}."
        raise InputError(msg)
    if names is not None and len(names) != len(runs):
        msg = f"A race of {len(runs)} runs needs as many names; found {len(names)}."
        raise InputError(msg)
    frames = [frames_of(recorded(run), _FRAMES) for run in runs]
    for i in range(1, len(runs)):
        what = difference(runs[0], runs[i], frames[0], frames[i])
        if what is not None:
            msg = (
                f"A race needs runs that differ only in how they step, but run {i + 1} has {what} "
                "than run 1; train both alike but for their optimizers."
            )
            raise InputError(msg)
    called = _names(runs) if names is None else [short(name) for name in names]
    return [Racer(*racer) for racer in zip(called, runs, frames, strict=True)]


def difference(one: Run, other: Run, a: Frames, b: Frames) -> str | None:
    """Return in what two runs differ besides their optimizers, or None."""
    same = {
        "another model": one.layout == other.layout
        and one.task.model.name == other.task.model.name,
        "another loss": one.task.loss == other.task.loss,
        "another penalty": one.task.penalty == other.task.penalty,
        "another reduction": one.task.reduction == other.task.reduction,
        "other rows": _same_rows(one, other),
        "another batch size": _batches(one)[0] == _batches(other)[0],
        "another order of the batches": _batches(one)[1:] == _batches(other)[1:],
        "another start": a.steps[0] == b.steps[0] == 0 and np.array_equal(a.theta[0], b.theta[0]),
    }
    return next((what for what, alike in same.items() if not alike), None)


def _same_rows(one: Run, other: Run) -> bool:
    marks = []
    for run in (one, other):
        mark = run.fingerprint if run.data is None else run.data.fingerprint
        scaled = None if run.scaling is None else (*run.scaling.mean, *run.scaling.deviation)
        marks.append((run.setup.n, run.setup.d, mark, scaled))
    return bool(marks[0] == marks[1])


def _batches(run: Run) -> tuple[int | None, bool, int | None]:
    """Return the batch size, whether rows are shuffled, and by which seed; where it matters."""
    s = run.setup
    return (None, False, None) if s.full_batch else (s.batch_size, s.shuffle, s.seed)


def _names(runs: list[Run]) -> list[str]:
    """Return the optimizers' names, with the rate, and a number where those are equal."""
    names = [
        run.task.optimizer.name
        if run.task.optimizer.rule.searches
        else f"{run.task.optimizer.name}({number(run.setup.learning_rate, 2)})"
        for run in runs
    ]
    return [
        f"{name}, run {i + 1}" if names.count(name) > 1 else name for i, name in enumerate(names)
    ]


# ---------------------------------------------------------------- drawing


def _drawn(sheet: Sheet, racers: list[Racer]) -> Figure:
    seen = None if sheet.small else _surface(racers)
    figure = sheet.figure()
    if seen is None:
        left = figure.subplots()
    else:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.05])
    note = "" if seen is None else _said(seen)
    titled(figure, sheet, title(racers), note)
    _losses(left, sheet.theme, racers)
    if seen is not None:
        _paths(right, sheet.theme, seen, racers)
    return figure


def title(racers: list[Racer]) -> str:
    """Return who came lowest, and where the others are."""
    losses = [racer.run.outcome.loss for racer in racers]
    order = np.argsort([loss if np.isfinite(loss) else np.inf for loss in losses], kind="stable")
    first, *others = (racers[i] for i in order)
    diverged = [racer.name for racer in others if racer.run.outcome.diverged]
    reached = [r.run.outcome.loss for r in others if not r.run.outcome.diverged]
    lowest = first.run.outcome.loss
    told = f"{first.name} comes lowest, to {number(lowest)}"
    if reached and number(max(reached)) == number(lowest):
        count = "Both" if len(reached) == 1 else f"All {len(reached) + 1}"
        told = f"{'The others' if diverged else count} come to {number(lowest)}"
    elif reached:
        low, high = number(min(reached)), number(max(reached))
        told += f"; the others to {low}" + (f" up to {high}" if high != low else "")
    return told + (f"; {' and '.join(diverged)} diverged" if diverged else "")


def _losses(ax: Axes, theme: Theme, racers: list[Racer]) -> None:
    """Draw each run's loss: of the updates, or the means of the epochs where there are batches."""
    curves = []
    for racer in racers:
        found = curves_by_name(racer.run)
        curves.append(found.get("epoch_loss", found["loss"]))
    # What explodes would flatten the others.
    calm = [c.y for c, r in zip(curves, racers, strict=True) if not r.run.outcome.diverged]
    log = spans_decades(*(calm or [c.y for c in curves]))
    for place, (curve, racer) in enumerate(zip(curves, racers, strict=True)):
        y = (positive if log else drawable)(curve.y)
        ax.plot(curve.x, y, **theme.series_style(place), label=racer.name)
        known = np.flatnonzero(np.isfinite(y))
        ends = known[-1:]
        ax.plot(curve.x[ends], y[ends], **theme.point_style(place), markersize=6,
                markeredgecolor=theme.paper, zorder=5)  # fmt: skip
    if log:
        log_axis(ax, "y")
    else:
        plain_axis(ax, "y")
    _calm(ax, calm)
    ax.set_ylabel("loss" if racers[0].run.setup.full_batch else "mean loss of batches")
    updates_axis([ax], max(racer.run.state.step for racer in racers))
    _legend(ax, theme, racers)


def _legend(ax: Axes, theme: Theme, racers: list[Racer]) -> None:
    """Name the lines where losses leave room: above, to the right."""
    lines = [
        Line2D([], [], **theme.series_style(i), marker=theme.point_style(i)["marker"], markersize=5)
        for i in range(len(racers))
    ]
    legend = ax.legend(lines, [racer.name for racer in racers], loc="upper right", handlelength=2.8)
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=theme.paper, edgecolor="none", alpha=0.85)


def _calm(ax: Axes, calm: list[Floats]) -> None:
    """Let the axis hold the runs that did not diverge, where there are any."""
    known = [v[np.isfinite(v)] for v in calm]
    joined = np.concatenate(known) if known else np.zeros(0)
    if not len(joined):
        return
    low, high = float(joined.min()), float(joined.max())
    if ax.get_yscale() == "log":
        ax.set_ylim(low / 2, high * 3)
    else:
        room = (high - low) or abs(high) or 1.0
        ax.set_ylim(low - 0.06 * room, high + 0.15 * room)


def _surface(racers: list[Racer]) -> Surface | None:
    """Return the loss over the plane of all paths; None without rows or plane."""
    steady = [racer for racer in racers if not racer.run.outcome.diverged]
    joined = [racer.frames.theta for racer in steady or racers[:1]]
    theta = np.concatenate(joined)
    base = (steady or racers)[0]
    frames = Frames(np.arange(len(theta)), theta, len(joined[0]) - 1)
    return surface_of(base.run, _SHAPE, frames)


def _said(seen: Surface) -> str:
    if seen.exact:
        return "Right: the loss over both parameters, and the paths."
    return (
        f"Right: the loss over the plane of the paths' two main directions, which holds "
        f"{percent(seen.share)} of their motion; it is not the whole."
    )


def _paths(ax: Axes, theme: Theme, seen: Surface, racers: list[Racer]) -> None:
    """Draw all paths on the surface, from their common start to their ends."""
    hills(ax, theme, seen)
    for place, racer in enumerate(racers):
        path = _followed(seen, racer)
        ax.plot(*path.T, color=theme.paper, linewidth=3.6, alpha=0.5, zorder=3)
        ax.plot(*path.T, **theme.series_style(place), linewidth=1.6, zorder=4, label=racer.name)
        ax.plot(*path[-1], **theme.point_style(place), markersize=6, zorder=5,
                markeredgecolor=theme.paper)  # fmt: skip
    start = (racers[0].frames.theta[0] - seen.origin) @ seen.directions.T
    ax.plot(*start, marker="D", markersize=7, markerfacecolor=theme.paper,
            markeredgecolor=theme.ink, markeredgewidth=1.5, zorder=6)  # fmt: skip
    note = ax.annotate("start", (float(start[0]), float(start[1])), xytext=(8, 0), zorder=6,
                       textcoords="offset points", va="center", color=theme.ink)  # fmt: skip
    note.set_bbox({"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.75, "pad": 1.5})


def _followed(seen: Surface, racer: Racer) -> Floats:
    """Return a path on the plane, of a run that diverged as far as it is near the picture."""
    with np.errstate(all="ignore"):
        path: Floats = (racer.frames.theta - seen.origin) @ seen.directions.T
        middle = np.array([sum(seen.u), sum(seen.v)]) / 2
        half = np.array([seen.u[1] - seen.u[0], seen.v[1] - seen.v[0]]) / 2
        near = np.asarray((np.abs(path - middle) <= _FOLLOWED * half).all(axis=1))
    last = len(near) if near.all() else int(np.argmin(near)) + 1
    kept = path[: max(last, 1)]
    return kept[np.isfinite(kept).all(axis=1)]
