"""``descend plot``: figures and films of a run, as files."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from descend.cli.app import Data, Json, Option, RunPath, _run_file, app
from descend.cli.guard import say, say_json
from descend.errors import InputError, did_you_mean

FILM = "animation"
_FILM_SHOWS = "Film how the run went: .mp4, .gif, or .html to be scrubbed by hand."
_OF_FILMS = ("film", "frames", "seconds", "fps")
_PIXELS_PER_INCH = 100


class _Asked(NamedTuple):
    """What is to be drawn: the theme, the size, and the options of the kinds."""

    theme: str
    size: Any
    options: dict[str, Any]
    overwrite: bool
    quiet: bool


_HELP = """Draw figures of a run, or film it; without a KIND, list what it can show.

\b
Pictures read what was recorded; nothing is trained. The table is read again from
where the run says, for pictures that show rows.

\b
Examples:
  descend plot houses-fit                     what there is to see
  descend plot houses-fit loss --out loss.svg
  descend plot houses-fit fit --x area --theme dark --size 8x5 --out fit.png
  descend plot churn-fit regions --x age --y visits
  descend plot churn-fit animation --out churn.mp4 --film regions --seconds 8
  descend plot churn-fit --all pictures
"""


@app.command(help=_HELP)
def plot(  # noqa: PLR0917 - the options of pictures
    run: RunPath,
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND]...",
            help="What to draw; without one, the kinds that this run can show are listed.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        Option("--out", help="File: .png, .svg or .pdf; of a film .mp4, .gif or .html."),
    ] = None,
    every: Annotated[
        str | None, Option("--all", help="Draw all kinds that this run can show, to this folder.")
    ] = None,
    theme: Annotated[
        str, Option("--theme", help="light (default), dark or auto (light).")
    ] = "light",
    size: Annotated[
        str,
        Option("--size", help="small, normal (default), large; inches, 8x5; or 800x500 pixels."),
    ] = "normal",
    x: Annotated[str | None, Option("--x", help="The column drawn across.")] = None,
    y: Annotated[str | None, Option("--y", help="The column drawn up, where two are.")] = None,
    step: Annotated[int | None, Option("--step", help="After how many updates.")] = None,
    part: Annotated[str | None, Option("--part", help="training or validation rows.")] = None,
    output: Annotated[int | None, Option("--output", help="Of several outputs, from 0.")] = None,
    code: Annotated[
        str | None, Option("--code", help="Of evidence: which finding's, default the worst.")
    ] = None,
    film: Annotated[
        str | None, Option("--film", help="Of what: fit, regions, surface, loss; default auto.")
    ] = None,
    frames: Annotated[int | None, Option("--frames", help="Of a film, how many.")] = None,
    seconds: Annotated[float | None, Option("--seconds", help="How long a film is.")] = None,
    fps: Annotated[float | None, Option("--fps", help="Its frames a second; default 15.")] = None,
    data: Data = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace files.")] = False,
    as_json: Json = False,
) -> None:
    """Draw figures of a run, or film it; without a kind, list what it can show."""
    from descend.run import load

    given: dict[str, Any] = {"x": x, "y": y, "step": step, "part": part, "output": output}
    given |= {"code": code, "film": film, "frames": frames, "seconds": seconds, "fps": fps}
    options = {name: value for name, value in given.items() if value is not None}
    asked = _Asked(theme, _size(size), options, overwrite, as_json)
    chosen = _known(kinds or [])
    if every is not None and (chosen or out or options):
        msg = "--all draws every kind as it is; leave out KIND, --out and the options of kinds."
        raise InputError(msg)
    if not chosen and (out or options):
        msg = "Which picture is asked for? Name a KIND, such as loss; descend plot RUN lists them."
        raise InputError(msg)
    places = _places(chosen, out, overwrite=overwrite)
    loaded = _with_rows(load(_run_file(run)), data)
    if not chosen and every is None:
        _list(loaded, as_json=as_json)
    elif every is not None:
        _draw_all(loaded, Path(every), asked, as_json=as_json)
    else:
        files = [_drawn(loaded, kind, place, asked) for kind, place in places.items()]
        _written(files, [], as_json=as_json)


# ---------------------------------------------------------------- what is asked


def _size(asked: str) -> Any:
    """Return a size by name, or in pixels: a pair below 100 is in inches.

    >>> _size("8x5"), _size("640x400"), _size("small")
    ((800, 500), (640, 400), 'small')
    """
    from descend.plots.style import SIZES

    if asked in SIZES:
        return asked
    try:
        width, height = (float(side) for side in asked.lower().split("x"))
    except ValueError:
        msg = (
            f"There is no size {asked!r}{did_you_mean(asked, SIZES)}; ask for {', '.join(SIZES)}, "
            "for inches such as 8x5, or for pixels such as 800x500."
        )
        raise InputError(msg) from None
    if not (math.isfinite(width) and math.isfinite(height)):
        width = height = 0.0
    scale = _PIXELS_PER_INCH if max(width, height) < _PIXELS_PER_INCH else 1
    return round(width * scale), round(height * scale)


def _known(kinds: list[str]) -> list[str]:
    """Return the kinds, each once, checked to be known."""
    from descend.plots import FIGURES

    every = [*FIGURES, FILM]
    for kind in kinds:
        if kind not in every:
            hint = did_you_mean(kind, every)
            msg = f"There is no picture {kind!r}{hint}; there are {', '.join(every)}."
            raise InputError(msg)
    return list(dict.fromkeys(kinds))


def _places(kinds: list[str], out: str | None, *, overwrite: bool) -> dict[str, Path]:
    """Return where each kind goes, checked before anything is read."""
    if out is not None and len(kinds) > 1:
        msg = (
            f"--out names one file, and {len(kinds)} pictures are asked for; ask for one at a time."
        )
        raise InputError(msg)
    usual = {kind: Path(f"{kind}.{'mp4' if kind == FILM else 'png'}") for kind in kinds}
    places = usual if out is None else {kind: Path(out) for kind in kinds}
    for place in places.values():
        if place.exists() and not overwrite:
            msg = f"{place} exists already; name another file with --out, or say --overwrite."
            raise InputError(msg)
    return places


def _with_rows(run: Any, data: str | None) -> Any:
    """Return the run with its rows where they can be had."""
    from descend import fitting

    try:
        return fitting.reopen(run, data)[0]
    except InputError:
        if data is not None:
            raise
        return run


# ---------------------------------------------------------------- drawing


def _drawn(run: Any, kind: str, place: Path, asked: _Asked) -> str:
    """Write one picture; return its file."""
    if kind == FILM:
        return _filmed(run, place, asked)
    from descend.plots import FIGURES, draw, save

    takes = list(inspect.signature(FIGURES[kind]).parameters)[2:]
    for name in asked.options:
        if name not in takes:
            said = ", ".join(f"--{n}" for n in takes if n in _OPTIONS) or "no options of its own"
            msg = f"The picture {kind} takes no --{name}; it takes {said}."
            raise InputError(msg)
    figure = draw(kind, run, theme=asked.theme, size=asked.size, **asked.options)
    save(figure, place, overwrite=asked.overwrite)
    return str(place)


_OPTIONS = ("x", "y", "step", "part", "output", "code")


def _filmed(run: Any, place: Path, asked: _Asked) -> str:
    from descend.animation import animate

    options = dict(asked.options)
    for name in ("step", "part", "output", "code"):
        if name in options:
            msg = (
                f"A film takes no --{name}; it takes --x, --y, --film, --frames, --seconds, --fps."
            )
            raise InputError(msg)
    made = animate(
        run,
        place,
        kind=options.pop("film", "auto"),
        theme=asked.theme,
        size=asked.size,
        overwrite=asked.overwrite,
        progress=False if asked.quiet else "auto",
        **options,
    )
    return str(made)


def _draw_all(run: Any, folder: Path, asked: _Asked, *, as_json: bool) -> None:
    """Draw every figure the run can show into a folder."""
    from descend.plots import FIGURES

    if folder.exists() and not folder.is_dir():
        msg = f"The pictures go to a folder, and {folder} is a file; name another with --all."
        raise InputError(msg)
    places = {kind: folder / f"{kind}.png" for kind in FIGURES}
    there = [str(place) for place in places.values() if place.exists()]
    if there and not asked.overwrite:
        msg = f"{there[0]} exists already; name another folder, or say --overwrite."
        raise InputError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"The folder {folder} cannot be made ({error.strerror}); name another with --all."
        raise InputError(msg) from error
    files, missing = [], []
    for kind, place in places.items():
        try:
            files.append(_drawn(run, kind, place, asked))
        except InputError as why:
            missing.append({"name": kind, "why": str(why)})
    _written(files, missing, as_json=as_json)


def _list(run: Any, *, as_json: bool) -> None:
    """List the kinds: those of this run with what they show, the others with why not."""
    from descend.plots import FIGURES, describe

    there, missing = [], []
    for kind in FIGURES:
        why = _why_not(run, kind)
        if why is None:
            there.append({"name": kind, "shows": describe(kind)})
        else:
            missing.append({"name": kind, "why": why})
    if run.keyframes is not None and run.state.step:
        there.append({"name": FILM, "shows": _FILM_SHOWS})
    if as_json:
        say_json({"kinds": there, "missing": missing})
        return
    width = max(len(kind) for kind in (*FIGURES, FILM))
    say("This run can show:", *(f"  {t['name']:{width}}  {t['shows']}" for t in there))
    if missing:
        say("", "Not this one:", *(f"  {m['name']:{width}}  {m['why']}" for m in missing))
    say("", "Draw one with: descend plot RUN KIND --out FILE.png")


def _why_not(run: Any, kind: str) -> str | None:
    """Return why a run has no picture of a kind, or None: it is tried on a small sheet."""
    from descend.plots import FIGURES
    from descend.plots.style import Sheet, drawing, size_of

    try:
        with drawing("light") as theme:
            FIGURES[kind](run, Sheet(theme, size_of("small")))
    except InputError as why:
        return str(why)
    return None


def _written(files: list[str], missing: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        say_json({"files": files, "missing": missing})
        return
    say(*(f"Written: {file}" for file in files))
    say(*(f"Not drawn: {m['name']}. {m['why']}" for m in missing))
