"""Writing films: MP4 by ffmpeg, GIF by Pillow; a file appears whole, or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from descend.errors import InputError
from descend.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from descend.arrays import Array

# The last picture of a GIF stays this long before the film begins again, in milliseconds.
_LAST = 1500
_COLOURS = 256


def mp4(path: Path, pictures: Iterable[Array], fps: float) -> None:
    """Write pictures as H.264 in an MP4 file.

    Raises
    ------
    InputError
        If there is no ffmpeg, or it fails; what was at `path` is left as it was.
    """
    program = ffmpeg()
    with tempfile.TemporaryDirectory() as folder, replacing(path) as stream:
        film = Path(folder) / "film.mp4"
        _encode(program, pictures, fps, film)
        with film.open("rb") as made:
            shutil.copyfileobj(made, stream)


def ffmpeg() -> str:
    """Return where ffmpeg is: on the PATH, else the one of the extra `video`.

    Raises
    ------
    InputError
        If there is neither.
    """
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        msg = (
            "An MP4 film needs ffmpeg, and there is none here: pip install 'descend[video]' "
            "brings it; or name a .gif or .html file instead."
        )
        raise InputError(msg) from None


def _encode(program: str, pictures: Iterable[Array], fps: float, film: Path) -> None:
    pictures = iter(pictures)
    first = next(pictures)
    height, width = first.shape[:2]
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", f"{fps:.6g}", "-i", "-", "-an"]
    # yuv420p is what every player shows; faststart lets a browser begin before it has the end.
    command += ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            [*command, str(film)], stdin=subprocess.PIPE, stdout=said, stderr=said
        ) as process,
    ):
        try:
            _feed(process, chain([first], pictures))
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0 or not film.exists():
            raise InputError(_failure(said, process.returncode))


def _feed(process: subprocess.Popen[bytes], pictures: Iterable[Array]) -> None:
    if process.stdin is None:
        raise AssertionError
    try:
        for picture in pictures:
            process.stdin.write(picture.data)
        process.stdin.close()
    except BrokenPipeError:  # it has ended; its status says why
        with suppress(OSError):
            process.stdin.close()


def _failure(said: IO[bytes], status: int) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    why = lines[-1].strip() if lines else f"it ended with status {status}"
    return f"ffmpeg could not write the film ({why}); name a .gif or .html file instead."


def gif(path: Path, pictures: Iterable[Array], fps: float, palette: Image.Image) -> None:
    """Write pictures as a GIF that begins again and again, its last picture shown for longer."""
    images = [
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
        for picture in pictures
    ]
    pause = max(round(100 / fps), 2) * 10  # GIFs count in hundredths; below 2 browsers slow down
    with replacing(path) as stream:
        images[0].save(
            stream,
            "GIF",
            save_all=True,
            append_images=images[1:],
            duration=[pause] * (len(images) - 1) + [_LAST],
            loop=0,
        )


def palette_of(some: Sequence[Array], kept: Iterable[str]) -> Image.Image:
    """Return an image with 256 colours of some pictures, those of `kept` among them for certain.

    Points are small: without that, shades of the background would take their colours.
    """
    rgb = [round(255 * part) for colour in kept for part in to_rgb(colour)]
    free = _COLOURS - len(rgb) // 3
    found = Image.fromarray(np.concatenate(some)).quantize(free, Image.Quantize.MEDIANCUT)
    palette = Image.new("P", (1, 1))
    palette.putpalette((found.getpalette() or [])[: 3 * free] + rgb)
    return palette


def counted(
    pictures: Iterable[Array],
    total: int,
    wanted: bool | str,  # noqa: FBT001 - as in `train`
) -> Iterator[Array]:
    """Yield the pictures, with a progress bar on stderr where it is wanted."""
    if not (sys.stderr.isatty() if wanted == "auto" else wanted):
        yield from pictures
        return
    from rich.console import Console  # noqa: PLC0415 - only people at a terminal see it
    from rich.progress import Progress  # noqa: PLC0415

    columns: Any = Progress.get_default_columns()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(pictures, total=total, description="filming")
