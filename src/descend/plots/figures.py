"""All kinds of figures of a run, by name: what `run.plot`, `descend plot` and the tests go through.

A kind is a function of a run and a sheet; the first line of its docstring says what it shows.

>>> print(describe("loss"))
Draw losses, gradient norm and step size over the updates, where it stopped, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from descend.errors import InputError, did_you_mean
from descend.plots import (
    classes,
    evidence,
    fits,
    histograms,
    labels,
    learning,
    paths,
    quality,
    regions,
    surfaces,
)
from descend.plots.axes import settle
from descend.plots.saving import save
from descend.plots.style import Sheet, drawing, size_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from descend.plots.style import Size
    from descend.run import Run

    Kind: TypeAlias = Callable[..., Figure]

# Each room lists what it draws: FIGURES, a kind's name to its function.
ROOMS = (
    learning,
    surfaces,
    histograms,
    paths,
    evidence,
    fits,
    labels,
    regions,
    quality,
    classes,
)
FIGURES: dict[str, Kind] = {kind: draws for room in ROOMS for kind, draws in room.FIGURES.items()}


def draw(
    kind: str,
    run: Run,
    *,
    theme: str = "light",
    size: Size = "normal",
    out: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Figure:
    """Return a figure of a run.

    Parameters
    ----------
    kind
        One of `FIGURES`.
    run
        What was recorded; nothing is trained.
    theme
        ``"light"`` (default), ``"dark"``, or ``"auto"``, which is light.
    size
        ``"small"``, ``"normal"`` (default), ``"large"``, or a pair of pixels.
    out
        A file to write it to as well: .png, .svg or .pdf.
    options
        Of the kind.

    Raises
    ------
    InputError
        If there is no such kind, or this run has nothing of the kind to show.
    """
    if kind not in FIGURES:
        known = ", ".join(FIGURES)
        msg = f"There is no figure {kind!r}{did_you_mean(kind, FIGURES)}; there are {known}."
        raise InputError(msg)
    with drawing(theme) as look:
        figure = settle(FIGURES[kind](run, Sheet(look, size_of(size)), **options))
    if out is not None:
        save(figure, out)
    return figure


def describe(kind: str) -> str:
    """Return a line on what a kind of figure shows."""
    return (FIGURES[kind].__doc__ or "").partition("\n")[0]
