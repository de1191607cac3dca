"""Learning curves: how the loss fell, what the steps were, where it stopped, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.plots.axes import (
    MOST,
    drawable,
    log_axis,
    named_ends,
    plain_axis,
    positive,
    spans_decades,
    updates_axis,
)
from descend.plots.marks import draw_marks, marks_of
from descend.plots.telling import course, means_of, recorded
from descend.plots.words import number, titled
from descend.showing.curves import curves_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Floats
    from descend.plots.axes import End
    from descend.plots.style import Sheet, Theme
    from descend.run import Run
    from descend.showing.curves import Curve

    Curves = Mapping[str, Curve]

_FAINT = 0.35
_BAND = 0.16
# Points of a curve: more than a screen is wide.
_POINTS = 1500


def loss(run: Run, sheet: Sheet, *, log: bool | None = None, log_x: bool = False) -> Figure:
    """Draw losses, gradient norm and step size over the updates, where it stopped, and why.

    Parameters
    ----------
    run, sheet
        What was recorded, and what it is drawn on.
    log
        Whether the loss axis is logarithmic; default where the loss spans more than a decade or so.
    log_x
        Whether the axis of updates is.

    Raises
    ------
    InputError
        If the run has no updates on record.
    """
    curves = curves_by_name(recorded(run))
    rate = None if is_constant(curves["learning_rate"]) else curves["learning_rate"]
    figure = sheet.figure()
    axes = _rows(figure, sheet, with_rate=rate is not None)
    titled(figure, sheet, course(run, brief=sheet.small), *_notes(run, curves, sheet))
    draw_losses(axes[0], sheet.theme, curves, log=log)
    draw_returned(axes[0], sheet.theme, run)
    if len(axes) > 1:
        _norms(axes[1], sheet.theme, curves)
    if len(axes) > 2 and rate is not None:  # noqa: PLR2004 - the third is the rate's
        draw_rate(axes[2], sheet.theme, rate)
    updates_axis(axes, run.outcome.step, log=log_x)
    draw_marks(axes, marks_of(run, sheet.theme))
    figure.align_ylabels(axes)
    return figure


def curves_by_name(run: Run) -> Curves:
    """Return a run's curves by name, with the means of its batches where there are some."""
    found = {curve.name: curve for curve in curves_of(run, _POINTS)}
    found.pop("epoch_loss", None)
    return found if run.setup.full_batch else {**found, "epoch_loss": means_of(run)[0]}


def _rows(figure: Figure, sheet: Sheet, *, with_rate: bool) -> list[Axes]:
    """Return the axes, one above the other: of losses, norms and, where it varies, the rate."""
    heights = [1.0] if sheet.small else [3.2, 1.3, 1.0] if with_rate else [3.0, 1.3]
    found = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
    return list(found[:, 0])


def draw_losses(ax: Axes, theme: Theme, curves: Curves, *, log: bool | None) -> None:
    """Draw the training loss, of batches faintly and of epochs strongly, and validation's."""
    mean, held = curves.get("epoch_loss"), curves.get("validation_loss")
    shown = [curve for curve in (mean or curves["loss"], held) if curve is not None]
    logarithmic = spans_decades(*(curve.y for curve in shown)) if log is None else log
    clean = positive if logarithmic else drawable
    ends: list[End] = []
    if mean is not None:
        _line(ax, curves["loss"], clean, {**theme.series_style(0), "linewidth": 0.8}, faint=True)
    for place, curve in enumerate(shown):
        name = "training" if place == 0 else "validation"
        end = _line(ax, curve, clean, {**theme.series_style(place), "label": name})
        ends += [(*end, name, theme.series[place])] if end else []
    if logarithmic:
        log_axis(ax, "y")
    else:
        plain_axis(ax, "y", 5)
    if mean is not None:
        _look_at(ax, [clean(curve.y) for curve in shown], clean(curves["loss"].y))
    ax.set_ylabel("loss")
    named_ends(ax, ends)


def _look_at(ax: Axes, curves: Sequence[Floats], batches: Floats) -> None:
    """Let the axis show all of the curves, and of the batches' losses the most."""
    known = batches[np.isfinite(batches)]
    seen = np.concatenate([*curves, np.quantile(known, (0.02, 0.98)) if len(known) else known])
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return
    scale = ax.yaxis.get_transform()
    low, high = scale.transform([seen.min(), seen.max()])
    margin = 0.05 * (high - low)
    ax.set_ylim(*scale.inverted().transform([low - margin, high + margin]))


def draw_returned(ax: Axes, theme: Theme, run: Run) -> None:
    """Put a point where the returned parameters are: the objective over all training rows."""
    outcome = run.outcome
    step = outcome.step if outcome.best_step is None else outcome.best_step
    ax.plot(
        [step],
        positive([outcome.loss]) if ax.get_yscale() == "log" else drawable([outcome.loss]),
        linestyle="none",
        marker="o",
        markerfacecolor=theme.paper,
        markeredgecolor=theme.series[0],
        markeredgewidth=1.5,
        label="returned",
        clip_on=False,
        zorder=4,
    )


def _norms(ax: Axes, theme: Theme, curves: Curves) -> None:
    """Draw the lengths of the gradient and of the updates."""
    ends: list[End] = []
    for place, name in ((2, "gradient_norm"), (3, "update_norm")):
        curve = curves[name]
        end = _line(ax, curve, positive, {**theme.series_style(place), "linewidth": 1.3})
        words = name.removesuffix("_norm")
        ends += [(*end, words, theme.series[place])] if end else []
    log_axis(ax, "y", 4)
    ax.set_ylabel("length of")
    named_ends(ax, ends)


def draw_rate(ax: Axes, theme: Theme, curve: Curve) -> None:
    """Draw the learning rate, or the steps a search has found."""
    end = _line(ax, curve, positive, {**theme.series_style(5), "linestyle": "-", "linewidth": 1.3})
    if spans_decades(curve.y):
        log_axis(ax, "y", 3)
    else:
        plain_axis(ax, "y", 3)
        ax.set_ylim(bottom=0)
    ax.set_ylabel("rate")
    named_ends(ax, [(*end, "learning rate", theme.series[5])] if end else [])


def _line(
    ax: Axes, curve: Curve, clean: Any, style: dict[str, Any], *, faint: bool = False
) -> tuple[float, float] | None:
    """Draw a curve, with a band from smallest to largest where it is joined; return its end."""
    x, y = curve.x, clean(curve.y)
    color = style["color"]
    if curve.low is not None and curve.high is not None:
        low, high = clean(curve.low), clean(curve.high)
        ax.fill_between(x, low, high, color=color, alpha=_BAND, linewidth=0)
    known = np.flatnonzero(np.isfinite(y))
    if faint:
        ax.plot(x, y, **{**style, "linestyle": "-"}, alpha=_FAINT, zorder=1.5)
        return None
    # One measurement makes no line.
    ax.plot(x, y, **style, marker="o" if len(known) == 1 else None)
    return (float(x[known[-1]]), float(y[known[-1]])) if len(known) else None


def is_constant(curve: Curve) -> bool:
    """Tell whether a curve is level."""
    known = curve.y[np.isfinite(curve.y)]
    return not len(known) or float(np.ptp(known)) <= 1e-9 * abs(float(known[0]))


def _notes(run: Run, curves: Curves, sheet: Sheet) -> Sequence[str]:
    rate = curves["learning_rate"]
    always = f"Learning rate {number(rate.y[0])} throughout." if is_constant(rate) else ""
    joined = curves["loss"].low is not None
    band = "Lines are means of neighbouring updates, bands reach from the smallest to the largest."
    mean = "" if run.setup.full_batch else means_of(run)[1]
    batches = f"Faint: the loss of each batch; strong: means of {mean}." if mean else ""
    gone = _not_numbers(run)
    if sheet.small:
        return [run.outcome.sentence]
    task = f"Task: {run.task}."
    return [run.outcome.sentence, gone, task, always, batches, band if joined else ""]


def _not_numbers(run: Run) -> str:
    """Say from where on the loss is too large to be drawn, or no number."""
    series = run.history.updates
    wrong = np.flatnonzero(~np.isfinite(drawable(series.highs("loss"))))
    if not len(wrong):
        return ""
    first = int(series.spans()[wrong[0], 0])
    return f"From update {number(first, 9)} on the loss is beyond {number(MOST)}, or no number."


FIGURES = {"loss": loss}
