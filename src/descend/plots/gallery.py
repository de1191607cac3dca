"""What nets give before any training: activations side by side, at several depths.

No run is needed.  As in the document this comes from, the activation is on the last layer too,
which descend's models leave to the loss.

>>> figure = gallery(("tanh", "relu"), depths=((4,),))
>>> len(figure.axes)
2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from descend.activations import ACTIVATIONS
from descend.models import MLP, forward, start
from descend.plots.axes import drawable, plain_axis
from descend.plots.points import area
from descend.plots.style import Sheet, drawing, size_of
from descend.plots.words import number, titled
from descend.randomness import normals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.arrays import Floats
    from descend.plots.style import Size, Theme

    # (units of the hidden layers, activation, X) to outputs (n, 1).
    Outputs: TypeAlias = Callable[[tuple[int, ...], str, Floats], Floats]

SHOWN = ("sigmoid", "softmax", "tanh", "cos", "relu")
DEPTHS = ((4,), (4, 10, 30, 10, 4))
_ROWS = 100
# A sigmoid this near to 0 or 1 has next to no slope.
_NEAR = 0.01
_FLAT = 1e-12


def outputs(hidden: tuple[int, ...], activation: str, X: Floats, seed: int = 0) -> Floats:
    """Return (n, 1): what a net of N(0, 1) weights gives, its activation on the last layer too."""
    model = MLP(hidden, activation, init="normal")
    layout = model.layout(X.shape[1], 1)
    scores = forward(model, start(model, layout, seed), layout, X)[0]
    found: Floats = ACTIVATIONS.make(activation)(scores)
    return found


def gallery(  # noqa: PLR0913 - what is drawn, and how it looks
    activations: Sequence[str] = SHOWN,
    *,
    depths: Sequence[tuple[int, ...]] = DEPTHS,
    X: Floats | None = None,
    net: Outputs = outputs,
    theme: str = "light",
    size: Size = "large",
) -> Figure:
    """Draw what untrained nets give under several activations, at several depths.

    Parameters
    ----------
    activations
        Names; default sigmoid, softmax, tanh, cos and relu.
    depths
        The hidden layers of each row of pictures; default (4,) and (4, 10, 30, 10, 4).
    X
        (n, 1): where the nets are looked at; default 100 draws of N(0, 1).
    net
        A function of hidden layers, activation and X that returns (n, 1); default `outputs`.
    theme, size
        As for `descend.plots.draw`.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no such activation, theme or size.
    """
    rows = _drawn_rows() if X is None else X
    with drawing(theme) as look:
        sheet = Sheet(look, size_of(size))
        figure = sheet.figure()
        axes = figure.subplots(len(depths), len(activations), sharex=True, squeeze=False)
        flat = 0
        for down, hidden in enumerate(depths):
            for across, name in enumerate(activations):
                y = net(hidden, name, rows)
                flat += int(np.ptp(y) <= _FLAT)
                _panel(axes[down, across], look, rows, y, name if down == 0 else "")
            axes[down, 0].set_ylabel(f"output, hidden {_depth(hidden)}")
        for ax in axes[-1]:
            ax.set_xlabel("x")
        said = f"; {flat} of {axes.size} give the same whatever x is" if flat else ""
        title = f"Untrained nets under {len(activations)} activations at {len(depths)} depths{said}"
        titled(figure, sheet, title, _NOTE)
    return figure


def scores_and_sigmoids(
    *,
    depths: Sequence[tuple[int, ...]] = DEPTHS,
    X: Floats | None = None,
    net: Outputs = outputs,
    theme: str = "light",
    size: Size = "normal",
) -> Figure:
    """Draw the scores of untrained linear layers beside their sigmoids, at several depths.

    Parameters
    ----------
    depths, X, net, theme, size
        As for `gallery`.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no such theme or size.

    Examples
    --------
    >>> len(scores_and_sigmoids(depths=((4,), (4, 10))).axes)
    4
    """
    rows = _drawn_rows() if X is None else X
    sigmoid = ACTIVATIONS.make("sigmoid")
    with drawing(theme) as look:
        sheet = Sheet(look, size_of(size))
        figure = sheet.figure()
        axes = figure.subplots(len(depths), 2, sharex=True, squeeze=False)
        told = []
        for (left, right), hidden in zip(axes, depths, strict=True):
            scores = net(hidden, "identity", rows)
            p = sigmoid(scores)
            _panel(left, look, rows, scores, "")
            _panel(right, look, rows, p, "")
            left.set_title(f"scores, hidden {_depth(hidden)}")
            right.set_title("their sigmoids")
            near = float(np.mean((p < _NEAR) | (p > 1 - _NEAR)))
            told.append(f"{100 * near:.0f} % with hidden {_depth(hidden)}")
        for ax in axes[-1]:
            ax.set_xlabel("x")
        title = f"Sigmoids within 0.01 of 0 or 1: {', '.join(told)}"
        titled(figure, sheet, title, "Linear layers with N(0, 1) weights, untrained.")
    return figure


_NOTE = (
    "Weights are drawn from N(0, 1), biases are 0, and the activation is on the last layer too; "
    "the softmax of a single output is 1."
)


def _drawn_rows() -> Floats:
    found: Floats = normals(_ROWS, 0, "sample")[:, None]
    return found


def _panel(ax: Axes, theme: Theme, X: Floats, y: Floats, name: str) -> None:
    """Draw outputs along x, in the shade of their height."""
    up = drawable(y[:, 0])
    style: dict[str, Any] = {"cmap": theme.balance, "edgecolor": theme.muted, "linewidth": 0.4}
    ax.scatter(X[:, 0], up, c=up, s=area(len(X)), zorder=3, **style)
    low, high = float(np.nanmin(up)), float(np.nanmax(up))
    if high - low <= _FLAT:
        ax.set_ylim(low - 0.5, low + 0.5)
        ax.text(0.5, 0.62, f"always {number(low)}", ha="center", transform=ax.transAxes)
    ax.set_title(name)
    plain_axis(ax, "x", 4)
    plain_axis(ax, "y", 4)


def _depth(hidden: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, hidden)) + (",)" if len(hidden) == 1 else ")")
