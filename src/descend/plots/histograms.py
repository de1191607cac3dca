"""Histograms over time: parameters and activations at several updates, one ridge above another.

Time goes down.  Ridges of one panel share their bins; each is as high as its fullest bin, so that
shapes can be compared where counts cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.errors import InputError
from descend.models import forward, layered
from descend.plots.axes import plain_axis
from descend.plots.paths import several_frames
from descend.plots.telling import when
from descend.plots.words import counted, number, short, titled
from descend.showing.samples import rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.plots.style import Sheet, Theme
    from descend.run import Run
    from descend.showing.frames import Frames

RIDGES, PANELS = 9, 4
_FEWEST_BINS, _MOST_BINS, _OVERLAP = 8, 48, 1.7
# Up to so many values are drawn as lines.
_LINES = 24
# Values that lie outside this share in the middle are not in the picture where they are far away.
_MIDDLE = (0.005, 0.995)
_FAR = 4.0
# Rows the activations are taken over, and values of a histogram.
_ROWS, _VALUES = 1000, 200_000
# A share of exact zeros that is told in words, not drawn as a spike.
_ZEROS = 0.005


class Panel(NamedTuple):
    """What one panel shows.

    Attributes
    ----------
    name
        Of the parameters or of the layer.
    values
        One array for each ridge.
    told
        Words at each ridge's right end, or "".
    """

    name: str
    values: list[Floats]
    told: list[str]


def parameters(run: Run, sheet: Sheet) -> Figure:
    """Draw how the parameters of each layer were spread, at several updates from first to last.

    Parameters
    ----------
    run, sheet
        What was recorded, and what it is drawn on.

    Raises
    ------
    InputError
        If no states along the way were kept.
    """
    frames = several_frames(run, RIDGES)
    names = [name for name, shape in run.layout.entries if np.prod(shape) > 0]
    told = _weights_first(names)
    shown = _first_and_last(told)
    split = [run.layout.split(theta) for theta in frames.theta]
    nothing = [""] * len(split)
    panels = [
        Panel(_called(run, name), [parts[name].ravel() for parts in split], nothing)
        for name in shown
    ]
    first, last = (np.abs(frames.theta[i]).max() for i in (0, frames.returned))
    reached = _kept(run, frames) or f" in {counted(int(frames.steps[-1]), 'update')}"
    title = (
        f"The largest of {counted(run.layout.size, 'parameter')} goes from {number(first)} to "
        f"{number(last)}{reached}"
    )
    biases = "Biases are left out." if len(told) < len(names) else ""
    notes = [biases, _few(shown, told, "layers"), _heights_said(panels)]
    return _ridges(sheet, panels, frames.steps, title, notes)


def activations(run: Run, sheet: Sheet) -> Figure:
    """Draw how the outputs of each hidden layer were spread, at several updates from first to last.

    Parameters
    ----------
    run, sheet
        What was recorded, with its rows attached; and what it is drawn on.

    Raises
    ------
    InputError
        If the model has no hidden layers, or no rows are at hand.
    """
    model = layered(run.task.model)
    if not model.hidden:
        msg = (
            "There are no activations to draw: a linear model has no hidden layers; draw its "
            "coefficients instead."
        )
        raise InputError(msg)
    rows = rows_of(run, _ROWS)
    if rows is None:
        msg = (
            "There are no activations to draw: this run holds no rows to compute them on; give "
            "them back with run.attach(X, y) (or --data)."
        )
        raise InputError(msg)
    frames = several_frames(run, RIDGES)
    outputs = [hidden_outputs(run, theta, rows.X) for theta in frames.theta]
    layers = list(range(len(model.hidden)))
    shown = _first_and_last(layers)
    panels = [_activation_panel(run, [out[i] for out in outputs], i) for i in shown]
    spread = _spread(panels, frames.returned) + _kept(run, frames)
    title = f"Outputs of {_layers(layers)} ({model.activation.name}): {spread}"
    notes = [f"Over {rows.sentence}.", _few(shown, layers, "hidden layers"), _heights_said(panels)]
    return _ridges(sheet, panels, frames.steps, title, notes)


def hidden_outputs(run: Run, theta: Floats, X: Floats) -> list[Floats]:
    """Return what each hidden layer passes on: (m, units) each."""
    with np.errstate(all="ignore"):
        tape = forward(run.task.model, theta, run.layout, X)[1]
    return [np.asarray(passed) for passed in tape.inputs[1:]]


def _heights_said(panels: list[Panel]) -> str:
    if all(_few_values(panel) for panel in panels):
        return "A line for each."
    return "Each ridge is as high as its fullest bin."


def _few_values(panel: Panel) -> bool:
    """Tell whether there are so few values that each has a line, not a place in a bin."""
    return max(values.size for values in panel.values) <= _LINES and panel.told[0] == ""


def _weights_first(names: list[str]) -> list[str]:
    """Return names in their order, biases left out where all would be too many."""
    if len(names) <= PANELS:
        return names
    return [name for name in names if not name.endswith("bias")] or names


def _first_and_last(things: list[Any]) -> list[Any]:
    return things if len(things) <= PANELS else [*things[: PANELS - 1], things[-1]]


def _few(shown: list[Any], things: list[Any], what: str) -> str:
    if len(shown) == len(things):
        return ""
    return f"The first {len(shown) - 1} and the last of {len(things)} {what}."


def _called(run: Run, name: str) -> str:
    """Return a group of parameters as people call it: ``layer 1, 16×8 weights``."""
    shape = dict(run.layout.entries)[name]
    one = int(np.prod(shape)) == 1
    size = "" if one else "×".join(str(side) for side in shape) + " "
    head, _, kind = name.rpartition(".")
    kind = kind if one else {"weight": "weights", "bias": "biases"}.get(kind, kind)
    layer = head.replace("layer", "layer ") + ", " if head else ""
    return short(f"{layer}{size}{kind}", 40)


def _layers(layers: list[int]) -> str:
    return "the hidden layer" if len(layers) == 1 else f"the {len(layers)} hidden layers"


# ---------------------------------------------------------------- activations


def _activation_panel(run: Run, outputs: list[Floats], layer: int) -> Panel:
    """Return a layer's outputs; exact zeros, where a rectifier has many, are told in words."""
    zeros = [float((out == 0).mean()) for out in outputs]
    spiked = max(zeros) > _ZEROS
    values = [out[out != 0] if spiked else out.ravel() for out in outputs]
    told = [f"{share:.0%} are 0".replace("%", " %") if spiked else "" for share in zeros]
    return Panel(
        f"layer {layer + 1}, {counted(layered(run.task.model).hidden[layer], 'unit')}", values, told
    )


def _kept(run: Run, frames: Frames) -> str:
    kept = int(frames.steps[frames.returned]) == run.outcome.best_step
    return f" {when(run)}" if kept else ""


def _spread(panels: list[Panel], returned: int) -> str:
    """Return how the spread of the last panel's values went, in words."""
    first, last = (
        float(np.std(v)) if v.size else 0.0
        for v in (panels[-1].values[0], panels[-1].values[returned])
    )
    where = "their spread" if len(panels) == 1 else "in the last, the spread"
    return f"{where} goes from {number(first)} to {number(last)}"


# ---------------------------------------------------------------- ridges


def _ridges(
    sheet: Sheet, panels: list[Panel], steps: Array, title: str, notes: list[str]
) -> Figure:
    figure = sheet.figure()
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    titled(figure, sheet, title, *notes)
    for ax, panel in zip(axes, panels, strict=True):
        _panel(ax, sheet.theme, panel)
        ax.axvline(0, color=sheet.theme.muted, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        ax.grid(visible=False)
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        name = panel.name.replace(", ", "\n") if sheet.small else panel.name
        ax.set_title(name, fontsize=9.5 if len(panels) < PANELS else 8.5)
        plain_axis(ax, "x", 5 if len(panels) < PANELS else 3)
    axes[0].set_yticks(-np.arange(len(steps)), [number(step, 9) for step in steps])
    axes[0].set_ylabel("after so many updates")
    axes[0].set_ylim(-len(steps) + 0.6, _OVERLAP + 0.15)
    return figure


def _panel(ax: Axes, theme: Theme, panel: Panel) -> None:
    """Draw the ridges of a panel, the latest in front and strongest."""
    if _few_values(panel):
        _lines(ax, theme, panel)
        return
    edges = edges_of(panel.values)
    colors = theme.ramp(np.linspace(0.3, 0.62, len(panel.values)))
    for place, (values, words) in enumerate(zip(panel.values, panel.told, strict=True)):
        heights = _heights(values, edges)
        ax.stairs(
            heights * _OVERLAP - place,
            edges,
            baseline=-place,
            fill=True,
            facecolor=colors[place],
            edgecolor=theme.paper,
            linewidth=0.8,
            snap=False,
            zorder=2 + place,
        )
        spot: Any = {"xy": (1.0, -place), "xycoords": ("axes fraction", "data")}
        ax.annotate(words, **spot, xytext=(0, 3), textcoords="offset points", ha="right",
                    fontsize=8, color=theme.muted, zorder=40)  # fmt: skip


def _lines(ax: Axes, theme: Theme, panel: Panel) -> None:
    """Draw few values as lines downwards, one for each."""
    ax.plot(
        np.stack(panel.values),
        -np.arange(len(panel.values)),
        color=theme.series[0],
        linewidth=1,
        marker="o",
        markersize=3,
    )


def _heights(values: Floats, edges: Floats) -> Floats:
    counts = np.histogram(np.clip(_thinned(values), edges[0], edges[-1]), edges)[0]
    found: Floats = counts / max(int(counts.max()), 1)
    return found


def edges_of(arrays: list[Floats]) -> Floats:
    """Return the edges of shared bins: over all values, or their middle where some are far out.

    >>> edges_of([np.array([0.0, 1.0])])[[0, -1]]
    array([0., 1.])
    """
    joined = np.concatenate([_thinned(values) for values in arrays])
    if not len(joined):
        return np.linspace(-1.0, 1.0, _FEWEST_BINS + 1)
    low, high = float(joined.min()), float(joined.max())
    inner = np.quantile(joined, _MIDDLE)
    if high - low > _FAR * (inner[1] - inner[0]) > 0:
        low, high = float(inner[0]), float(inner[1])
    if high <= low:
        room = max(abs(low), 1.0) / 2
        low, high = low - room, high + room
    each = len(joined) / len(arrays)
    bins = int(np.clip(3 * each ** (1 / 3), _FEWEST_BINS, _MOST_BINS))
    return np.linspace(low, high, bins + 1)


def _thinned(values: Floats) -> Floats:
    """Return at most so many finite values, at equal distances."""
    flat = values.ravel()
    flat = flat[:: max(len(flat) // _VALUES, 1)]
    return flat[np.isfinite(flat)]


FIGURES = {"parameters": parameters, "activations": activations}
