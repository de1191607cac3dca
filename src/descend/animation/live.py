"""The film as a page: one file that is scrubbed by hand and shows all views of the run, alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.files import write_bytes
from descend.page.payload import Payload, pack
from descend.page.writing import document, mount
from descend.plots import slices

if TYPE_CHECKING:
    from pathlib import Path

    from descend.run import Run

# The page says its own title.
_HEAD = "A run, update by update"
_STYLE = """
:root{color-scheme:light dark}
body{margin:0 auto;max-width:75rem;padding:1rem;background:#fff;color:#1f2328;
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.35rem;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#15181c;color:#e6e8eb}}
"""


def page(run: Run, path: Path, frames: int, x: str | int | None, y: str | int | None) -> None:
    """Write the page, with at most so many frames, and columns chosen for its first view.

    Raises
    ------
    InputError
        If a column is not there, or the file cannot be written.
    """
    payload = pack(run, frames=frames)
    if x is not None or y is not None:
        payload = _with_axes(run, payload, x, y)
    title = str(payload.page["title"])
    body = f"<main>\n<h1>{_HEAD}</h1>\n{mount()}\n</main>"
    write_bytes(path, document(title, body, payload=payload, style=_STYLE))


def _with_axes(run: Run, payload: Payload, x: str | int | None, y: str | int | None) -> Payload:
    i, j = slices.chosen(slices.look(run), x, y)
    return payload._replace(page={**payload.page, "axes": [i] if j is None else [i, j]})
