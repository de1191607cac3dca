"""Figures as files: PNG, SVG or PDF, the same bytes for the same figure."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.files import write_bytes
from descend.plots.style import DPI, drawing, quietly

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

# Nothing of when and by what a file was made, so that the same figure is the same file.
_SILENT: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
# Pixels of a file to one of the screen: figures are looked at on fine screens, and printed.
FINE = 2.0


def rendered(figure: Figure, kind: str = "png", *, fine: float = FINE) -> bytes:
    """Return a figure as the bytes of a file.

    Parameters
    ----------
    figure
        As `descend.plots` draws them.
    kind
        ``"png"``, ``"svg"`` or ``"pdf"``.
    fine
        Of a PNG: its pixels to one of the figure's.

    Raises
    ------
    InputError
        If there is no such kind of file.
    """
    if kind not in _SILENT:
        found = f"found .{kind}" if kind else "the name has no ending"
        msg = f"A figure is written as .png, .svg or .pdf; {found}."
        raise InputError(msg)
    stream = io.BytesIO()
    with drawing("light"), quietly():  # the figure has its colours; this is for the writer
        figure.savefig(stream, format=kind, dpi=DPI * fine, metadata=_SILENT[kind])
    return stream.getvalue()


def save(figure: Figure, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write a figure to a file in one move.

    Parameters
    ----------
    figure
        What to write.
    path
        Where to; its ending says what is written: .png, .svg or .pdf.
    overwrite
        Whether a file that is already there may be replaced; default yes.

    Raises
    ------
    InputError
        If the ending is another one, or the file cannot be written.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    write_bytes(path, rendered(figure, kind), overwrite=overwrite)
