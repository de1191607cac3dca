"""Labelled rows three times: by their label, by a probability, by the label predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.plots import captions, fits, points, regions, slices
from descend.plots.axes import plain_axis
from descend.plots.words import counted, short, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Array, Floats
    from descend.plots.slices import Look
    from descend.plots.style import Sheet, Theme
    from descend.run import Run

# Crosses beyond which smaller ones do.
_MANY = 40


def labels(
    run: Run, sheet: Sheet, *, x: str | int | None = None, y: str | int | None = None
) -> Figure:
    """Draw labelled rows three times: by truth, by probability, and by prediction.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    x, y
        The columns, by name or place; default the two the model relies on most.
    """
    seen = slices.look(run, points.ON_A_PLANE)
    _check(seen)
    i, j = slices.chosen(seen, x, y)
    across = slices.own(seen, i, seen.rows.X[:, i])
    up = (
        fits.strewn(np.zeros(len(across)), 0)
        if j is None
        else slices.own(seen, j, seen.rows.X[:, j])
    )
    truth = seen.rows.y[:, 0].astype(np.int64)
    predicted = np.asarray(slices.codes(seen, run.theta, seen.rows.X))
    figure = sheet.figure()
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    points.by_label(axes[0], sheet.theme, seen, (across, up), truth)
    _by_probability(axes[1], sheet, seen, (across, up))
    points.by_label(axes[2], sheet.theme, seen, (across, up), predicted)
    wrong = np.flatnonzero(predicted != truth)
    _crossed(axes[2], sheet.theme, across[wrong], up[wrong])
    names = ("true label", _middle(seen), "predicted label")
    points.titled_above(axes, names, sheet, points.label_keys(sheet.theme, seen))
    for ax in axes:
        ax.set_xlabel(captions.column_name(seen, i))
        plain_axis(ax, "x", 4)
    if j is None:
        axes[0].set_yticks([])
    else:
        axes[0].set_ylabel(captions.column_name(seen, j))
        plain_axis(axes[0], "y")
    title = f"{short(seen.units.target)} as it is and as predicted: {_said(len(wrong), len(truth))}"
    titled(figure, sheet, title, captions.shown(seen), _of_the_middle(sheet))
    return figure


FIGURES = {"labels": labels}


def _of_the_middle(sheet: Sheet) -> str:
    """Return what shapes stand for between truth and prediction, and shades without a bar."""
    shades = "; the stronger the shade, the surer" if sheet.small else ""
    return f"In the middle, shapes are true labels{shades}."


def _check(seen: Look) -> None:
    if not seen.labels or seen.rows.y.shape[1] > 1 or not seen.run.task.loss.proper:
        msg = (
            "Truth, probability and prediction side by side need one label to a row, and a loss "
            "with probabilities; draw the fit or the regions instead."
        )
        raise InputError(msg)


def _by_probability(ax: Axes, sheet: Sheet, seen: Look, where: tuple[Floats, Floats]) -> None:
    """Draw rows in the shade of what is predicted of them, in the shape of their label."""
    theme, (across, up) = sheet.theme, where
    answers = slices.answers(seen, seen.run.theta, seen.rows.X)
    many = regions.several(seen)
    shade = answers.max(axis=1) if many else answers[:, 0]
    code = np.minimum(seen.rows.y[:, 0].astype(np.int64), points.MOST_LABELS - 1)
    bar = None
    for place in np.unique(code).tolist():
        rows = np.flatnonzero(code == place)
        drawn = ax.scatter(
            across[rows],
            up[rows],
            c=shade[rows],
            s=points.areas(seen, rows) * 1.15,
            cmap=theme.ramp if many else regions.mixed(theme),
            vmin=1 / seen.k if many else 0.0,
            vmax=1.0,
            marker=theme.point_style(place)["marker"],
            edgecolor=theme.muted,
            linewidth=0.6,
            zorder=3,
        )
        if bar is None and not sheet.small:
            figure: Any = ax.figure
            bar = figure.colorbar(drawn, ax=ax, location="bottom", shrink=0.9, pad=0.02, aspect=30)
            bar.outline.set_visible(False)


def _crossed(ax: Axes, theme: Theme, across: Array, up: Array) -> None:
    """Cross the rows that are wrong."""
    size = 70 if len(across) <= _MANY else 22
    ax.scatter(
        across, up, s=size, marker="x", color=theme.ink, linewidth=1.2, zorder=4, label="wrong"
    )


def _middle(seen: Look) -> str:
    if regions.several(seen):
        return "confidence"
    return (
        captions.answer_name(seen)
        .replace(f"{short(seen.units.target)} is ", "", 1)
        .replace("that", "of")
    )


def _said(wrong: int, count: int) -> str:
    if not wrong:
        return f"all {count:,} rows right"
    return f"{counted(wrong, 'row')} of {count:,} wrong, crossed"
