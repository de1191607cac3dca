"""How good predictions are: residuals and predicted against true; confusion, ROC, calibration.

Validation rows are judged where a run holds some, else the training rows; titles say which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.plots.axes import dim_grid, plain_axis
from descend.plots.points import Dots, area, scatter
from descend.plots.words import number, short, titled
from descend.showing.quality import residuals as residuals_of
from descend.showing.samples import units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Array, Floats
    from descend.plots.style import Sheet, Theme
    from descend.run import Run
    from descend.showing.quality import Residuals

# Points beyond which crowds are drawn as a density.
CROWD = 4000
# Bins of about equal counts along which the residuals' middle and spread are taken.
_BINS, _LEAST = 20, 8
_NORMAL = 1.4826  # a normal deviation to one median distance
# Residuals at each end that all have a point beside a normal distribution.
_ENDS = 200


def residuals(run: Run, sheet: Sheet, *, part: str | None = None, output: int = 0) -> Figure:
    """Draw what was left unexplained: against the prediction, its spread, and beside a normal.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    output
        Of several outputs, which; counted from 0.
    """
    found = residuals_of(run, part)
    x, left, w = _column(found, found.residual, output)
    figure = sheet.figure()
    name = _target(run, output)
    if sheet.small:
        ax, shape = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    else:
        ax, shape, normal = figure.subplots(1, 3, width_ratios=[3, 1, 1.5])
        shape.sharey(ax)
        _beside_normal(normal, sheet.theme, left)
    _cloud(ax, sheet.theme, x, left)
    ax.axhline(0, color=sheet.theme.ink, lw=1.2, zorder=3)
    _middle(ax, sheet.theme, x, left)
    ax.set_xlabel(f"predicted {name}")
    ax.set_ylabel("true less predicted")
    _spread(shape, sheet.theme, left)
    rmse = float(np.sqrt(np.average(left**2, weights=w)))
    mean = float(np.average(left, weights=w))
    whole = _whole_target(run, output)
    title = f"Residuals of {whole}: root mean square {number(rmse)}, mean {number(mean)}"
    titled(figure, sheet, title, _rows(found), _line_said(x))
    return figure


def predicted(run: Run, sheet: Sheet, *, part: str | None = None, output: int = 0) -> Figure:
    """Draw what was predicted against what was true; on the line both agree.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    output
        Of several outputs, which; counted from 0.
    """
    if run.classes is not None:
        msg = (
            "Predicted against true is of numbers, and this run predicts labels; look at its "
            "confusion matrix instead."
        )
        raise InputError(msg)
    found = residuals_of(run, part)
    guess, truth, w = _column(found, found.truth, output)
    figure = sheet.figure()
    ax = figure.subplots()
    _cloud(ax, sheet.theme, truth, guess)
    low, high = float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max()))
    ax.plot(
        [low, high], [low, high], color=sheet.theme.ink, lw=1.2, label="predicted = true", zorder=4
    )
    name = _target(run, output)
    ax.set_xlabel(f"true {name}")
    ax.set_ylabel(f"predicted {name}")
    plain_axis(ax, "x")
    plain_axis(ax, "y")
    ax.legend(loc="upper left")
    about = np.average((truth - np.average(truth, weights=w)) ** 2, weights=w)
    r2 = 1 - np.average((truth - guess) ** 2, weights=w) / about if about > 0 else np.nan
    title = f"Predicted against true {_whole_target(run, output)}: {_explained(r2)}"
    titled(figure, sheet, title, _rows(found), _line_said(truth))
    return figure


FIGURES = {"residuals": residuals, "predicted": predicted}


def _column(found: Residuals, values: Array, output: int) -> tuple[Floats, Floats, Any]:
    """Return finite predictions of an output, the values beside them, and their weights."""
    k = found.predicted.shape[1]
    if output not in range(k) or isinstance(output, bool):
        msg = f"This model has {k} outputs: ask for output 0 to {k - 1}; got {output!r}."
        raise InputError(msg)
    x, y = found.predicted[:, output], values[:, output]
    fine = np.isfinite(x) & (np.abs(x) < _FAR)
    if not fine.any():
        msg = (
            "None of this run's predictions is a number to be drawn, for it diverged; look at its "
            "loss, and at the doctor's evidence."
        )
        raise InputError(msg)
    weight = None if found.weight is None else found.weight[fine]
    return x[fine], y[fine], weight


_FAR = 1e150  # its square is still a number


def _cloud(ax: Axes, theme: Theme, x: Floats, y: Floats) -> None:
    """Draw points, or their density where there are too many to be told apart."""
    plain_axis(ax, "x")
    plain_axis(ax, "y")
    if len(x) <= CROWD:
        style = {"color": theme.series[0], "marker": "o"}
        scatter(ax, theme, Dots(x, y, area(len(x)), len(x)), style)
        return
    ax.hexbin(x, y, gridsize=45, bins="log", mincnt=1, cmap=theme.ramp, linewidths=0.1)


def middles(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return, in bins of about equal counts along x: mean x, median y, and y's 16 and 84 %.

    >>> x = np.arange(64.0)
    >>> middles(x, np.where(x % 2 == 0, 1.0, -1.0))[1]
    array([0., 0., 0., 0., 0., 0., 0., 0.])
    """
    order = np.argsort(x, kind="stable")
    bins = np.array_split(order, min(_BINS, max(len(x) // _LEAST, 1)))
    along = np.array([x[b].mean() for b in bins])
    low, middle, high = np.array([np.percentile(y[b], [16, 50, 84]) for b in bins]).T
    return along, middle, low, high


def _middle(ax: Axes, theme: Theme, x: Floats, y: Floats) -> None:
    """Draw the middle of the residuals along the prediction, and where two thirds of them lie."""
    if len(x) < 3 * _LEAST:
        return
    along, middle, low, high = middles(x, y)
    colour = theme.series[1]
    ax.fill_between(along, low, high, color=colour, alpha=0.18, lw=0, zorder=2)
    ax.plot(along, middle, color=colour, lw=2, zorder=4, label="median, and where two thirds lie")
    ax.legend(loc="upper left")


def _spread(ax: Axes, theme: Theme, left: Floats) -> None:
    """Draw how residuals are spread, along the same axis."""
    bins = min(max(round(np.sqrt(len(left))), 5), 40)
    ax.hist(left, bins=bins, orientation="horizontal", color=theme.series[0], alpha=0.75)
    ax.axhline(0, color=theme.ink, lw=1.2)
    ax.set_xlabel("rows")
    ax.tick_params(labelleft=False)
    dim_grid(ax, theme, "y")
    plain_axis(ax, "x", 3, whole=True)


def _beside_normal(ax: Axes, theme: Theme, left: Floats) -> None:
    """Draw residuals in order against those of a normal distribution: a line if they are normal."""
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import, and rarely needed

    ordered, share = _in_order(left)
    middle = np.median(left)
    scale = _NORMAL * np.median(np.abs(left - middle))
    theory = ndtri(share)
    ax.scatter(theory, ordered, s=9, alpha=0.8, facecolor=theme.series[0], edgecolor="none")
    ends = np.array([theory[0], theory[-1]])
    ax.plot(ends, middle + scale * ends, color=theme.ink, lw=1.2)
    ax.set_xlabel("normal quantiles")
    ax.set_ylabel("residual quantiles")
    plain_axis(ax, "x", 4)
    plain_axis(ax, "y", 5)


def _in_order(left: Floats) -> tuple[Floats, Floats]:
    """Return residuals in order, each at its own height, and the share of them at each.

    Of very many, those at both ends are all there, and of the others as many as can be told apart.

    >>> _in_order(np.array([50.0, 0.0]))
    (array([ 0., 50.]), array([0.25, 0.75]))
    """
    n = len(left)
    place = np.arange(n)
    if n > 4 * _ENDS:
        inner = np.linspace(_ENDS, n - 1 - _ENDS, 2 * _ENDS).round().astype(int)
        place = np.unique(np.r_[:_ENDS, inner, n - _ENDS : n])
    ordered: Floats = np.sort(left)[place]
    return ordered, (place + 0.5) / n


def _target(run: Run, output: int) -> str:
    name = short(units_of(run).target)
    return name if run.setup.k == 1 else f"{name}[{output}]"


def _whole_target(run: Run, output: int) -> str:
    """Return an output's name, and that there are others."""
    k = run.setup.k
    return _target(run, output) + (f", output {output} of 0 to {k - 1}" if k > 1 else "")


def _explained(r2: float) -> str:
    """Return how much is explained.

    >>> _explained(0.5), _explained(-1.0)
    ('R² 0.5', 'R² −1, no better than the mean')
    >>> _explained(float("nan"))
    'all true values are alike, so there is no R²'
    """
    if np.isnan(r2):
        return "all true values are alike, so there is no R²"
    return f"R² {number(r2)}" + (", no better than the mean" if r2 <= 0 else "")


def _rows(found: Any) -> str:
    return f"Judged: {found.sentence}."


def _line_said(x: Floats) -> str:
    if len(x) <= CROWD:
        return ""
    return "The further a cell is from the background, the more rows are in it (powers of ten)."
