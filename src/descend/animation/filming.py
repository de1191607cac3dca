"""Filming a run: which states, as what, how fast, and into which kind of file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.animation.film import pictures
from descend.animation.kinds import KINDS, usual
from descend.animation.live import page
from descend.animation.shots import shots_of
from descend.animation.writing import counted, gif, mp4, palette_of
from descend.errors import InputError, did_you_mean
from descend.plots.style import Sheet, drawing, quietly, size_of
from descend.showing.frames import FEWEST

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from descend.plots.style import Size
    from descend.run import Run

ENDINGS = (".mp4", ".gif", ".html")
# Frames a second unless asked otherwise, and what players can show.
SPEED, SLOWEST, FASTEST = 15.0, 0.2, 60.0


def animate(  # noqa: PLR0913 - each is a question one may want to answer
    run: Run,
    path: str | os.PathLike[str],
    *,
    kind: str = "auto",
    frames: int | Sequence[int] | None = None,
    seconds: float | None = None,
    fps: float | None = None,
    x: str | int | None = None,
    y: str | int | None = None,
    theme: str = "light",
    size: Size = "normal",
    overwrite: bool = True,
    progress: bool | str = "auto",
) -> Path:
    """Write a film of a run: how it went, from recorded states; nothing is trained.

    Parameters
    ----------
    run
        With its keyframes, and for all but ``"loss"`` with its rows attached.
    path
        Where to; its ending says what is written: .mp4 (needs ffmpeg), .gif, or .html, a page
        that is scrubbed by hand: it has all views, and whoever reads it chooses among them, the
        speed, light or dark.
    kind
        ``"fit"``: what is predicted along a column; ``"regions"``: what is answered over two;
        ``"surface"``: the parameters on the loss over a plane; ``"loss"``: the loss as it falls;
        default what shows most of the run.
    frames
        How many, evenly over the updates; or the updates to show; default about 120, the early
        ones closer together.
    seconds, fps
        How long the film is, or frames a second, at most 60; default 15 a second.
    x, y
        Columns, by name or place; default those the model relies on most.
    theme
        ``"light"`` (default), ``"dark"``, or ``"auto"``, which is light.
    size
        ``"small"``, ``"normal"`` (default), ``"large"``, or a pair of pixels.
    overwrite
        Whether a file that is already there may be replaced; default yes.
    progress
        True, False, or ``"auto"`` (default): a bar on stderr, at a terminal.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If the run has no such film, the file cannot be written, or ffmpeg is missing.

    Examples
    --------
    >>> import tempfile
    >>> import descend as ds
    >>> X, y = ds.datasets.line_sgd(50)
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.01))
    >>> run = ds.train(task, X, y, epochs=60)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run.animate(f"{folder}/line.gif", frames=4, size="small").name
    'line.gif'
    """
    target = _target(path, overwrite=overwrite)
    _known(kind)
    shots = shots_of(run, frames)
    chosen = usual(run, shots) if kind == "auto" else kind
    if chosen == "loss":
        shots = shots_of(run, frames, finite=False)
    rate = speed(len(shots.steps), seconds, fps)
    if target.suffix.lower() == ".html":
        page(run, target, max(len(shots.steps), FEWEST), x, y)
        return target
    with drawing(theme) as look, quietly():
        film = KINDS[chosen](run, Sheet(look, size_of(size)), shots, x=x, y=y)
        total = len(film.steps)
        if target.suffix.lower() == ".mp4":
            mp4(target, counted(pictures(film), total, progress), rate)
        else:
            some = list(pictures(film, [0, total // 2, total - 1]))
            colours = (
                look.paper,
                look.ink,
                look.muted,
                look.faint,
                look.good,
                look.bad,
                *look.series,
            )
            palette = palette_of(some, colours)
            gif(target, counted(pictures(film), total, progress), rate, palette)
    return target


def _target(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    target = Path(path)
    if target.suffix.lower() not in ENDINGS:
        msg = f"A film is written as .mp4, .gif or .html; found {target.suffix or 'no ending'!r}."
        raise InputError(msg)
    if target.exists() and not overwrite:
        msg = (
            f"{target} exists already; name another file, or ask for it to be replaced (overwrite)."
        )
        raise InputError(msg)
    return target


def _known(kind: str) -> None:
    if kind != "auto" and kind not in KINDS:
        known = ", ".join(KINDS)
        msg = (
            f"There is no film of {kind!r}{did_you_mean(kind, KINDS)}; there are {known} and auto."
        )
        raise InputError(msg)


def speed(count: int, seconds: float | None, fps: float | None) -> float:
    """Return frames a second, from what was asked.

    >>> speed(120, None, None), speed(120, 10, None), speed(120, None, 24)
    (15.0, 12.0, 24.0)

    Raises
    ------
    InputError
        If both are asked for, or the film would be too fast or too slow to be shown.
    """
    if seconds is not None and fps is not None:
        msg = "A film has as many frames as it has: give seconds or fps, not both."
        raise InputError(msg)
    asked: Any = SPEED if fps is None else fps
    if seconds is not None:
        asked = count / _positive(seconds)
    rate = _positive(asked)
    if not SLOWEST <= rate <= FASTEST:
        msg = (
            f"A film of {count} frames at {rate:.4g} a second cannot be shown: ask for "
            f"{SLOWEST} to {FASTEST:g} a second, or for other frames."
        )
        raise InputError(msg)
    return rate


def _positive(value: Any) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        msg = f"seconds and fps must be numbers above 0. Got {value!r} instead."
        raise InputError(msg)
    return float(value)
