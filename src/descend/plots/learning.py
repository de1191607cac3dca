"""Learning curves: how the loss fell, what the steps were, where it stopped, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.plots.axes import log_axis, plain_axis, positive, spans_decades
from descend.plots.words import titled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from descend.plots.style import Sheet
    from descend.run import Run


def loss(run: Run, sheet: Sheet) -> Figure:
    """Draw losses, gradient norm and step size over the updates, where it stopped, and why."""
    figure = sheet.figure()
    ax = figure.subplots()
    values = positive(run.history["loss"])
    ax.plot(values, **sheet.theme.series_style(0))
    plain_axis(ax, "x", whole=True)
    if spans_decades(values):
        log_axis(ax, "y")
    ax.set_xlabel("updates")
    ax.set_ylabel("loss")
    titled(figure, sheet, run.outcome.sentence, str(run.task))
    return figure


FIGURES = {"loss": loss}
