"""A film: a figure whose moving artists are set anew for each frame, on a background drawn once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from descend.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Film(NamedTuple):
    """What is filmed.

    Attributes
    ----------
    figure
        With everything in it as it is at the first frame.
    moving
        The artists that change, from the lowest to the uppermost; all else is drawn once.
    turn
        Sets them to frame i.
    steps
        The updates done at each frame.
    """

    figure: Figure
    moving: Sequence[Artist]
    turn: Callable[[int], None]
    steps: Array


def pictures(film: Film, chosen: Iterable[int] | None = None) -> Iterator[Array]:
    """Yield frames, all or some: (height, width, 3) of bytes, both sides even, as video wants."""
    canvas: Any = FigureCanvasAgg(film.figure)
    for artist in film.moving:
        artist.set_animated(True)
    canvas.draw()
    film.figure.set_layout_engine("none")  # what is placed stays in its place
    background = canvas.copy_from_bbox(film.figure.bbox)
    renderer = canvas.get_renderer()
    for i in range(len(film.steps)) if chosen is None else chosen:
        film.turn(i)
        canvas.restore_region(background)
        for artist in film.moving:
            artist.draw(renderer)
        yield _even(np.asarray(canvas.buffer_rgba()))


def _even(drawn: Array) -> Array:
    height, width = drawn.shape[0] & ~1, drawn.shape[1] & ~1
    return np.ascontiguousarray(drawn[:height, :width, :3])
