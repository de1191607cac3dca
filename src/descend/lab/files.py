"""Files: what can be taken away of a run: itself, its report, a script that repeats it.

>>> sorted(FORMS)
['jax', 'numpy', 'report', 'run', 'sklearn', 'torch']
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.export import export
from descend.lab.names import clean, slug
from descend.run.events import record_note
from descend.run.files import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.run import Run

RUN, HTML, ZIP = "application/octet-stream", "text/html", "application/zip"
LONGEST_NAME = 80
_WHEN = (2000, 1, 1, 0, 0, 0)  # in archives: the same run gives the same bytes


def take(leader: Leader, message: Mapping[str, Any]) -> None:
    """Make a file of the branch that is shown, on the thinker, and hand it to the page."""
    what, run = message["what"], leader.branch.run()
    address, why = _address(leader)
    learner = message.get("name", "")
    run = marked(run, address, learner)
    make, kind, ending = FORMS[what]
    stem = _stem(leader.branch, learner, run.state.step)

    def made() -> None:
        content = make(run, address)
        header = {"kind": "file", "what": what, "name": f"{stem}{ending}", "type": kind}
        leader.say(header, [content])

    if what == "run" and why:
        leader.said(f"{why} The file is whole, but `descend grade` cannot replay it.")
    if not leader.think(f"file {what}", made):
        msg = "That file is being made already; it comes in a moment."
        raise InputError(msg)


def _address(leader: Leader) -> tuple[str, str]:
    """Return the address, or none and why there is none."""
    try:
        return leader.address(), ""
    except InputError as error:
        return "", str(error)


def marked(run: Run, address: str, name: str = "") -> Run:
    """Return the run with a note of the address that makes it, and of who made it."""
    if not address:
        return run
    events = [dict(event) for event in run.events if event["kind"] != "lab"]
    named = clean(name)[:LONGEST_NAME]
    record_note(events, "lab", run.state.step, {"address": address, "name": named})
    return replace(run, events=tuple(events))


def _stem(branch: Branch, learner: str, step: int) -> str:
    """Return how a file's name begins: data, learner and branch where named, and updates."""
    unnamed = f"branch-{branch.number}" if branch.number > 1 else ""
    named = slug(branch.name) or unnamed
    parts = (slug(branch.settings.data) or "run", slug(learner), named, str(step))
    return "-".join(["descend", *filter(None, parts)])


# ---------------------------------------------------------------- one maker each


def _report(run: Run, address: str) -> bytes:
    from descend.report import report  # noqa: PLC0415 - slow to import

    command = f'descend lab --address "{address}"' if address else None
    with tempfile.TemporaryDirectory() as folder:
        return report(run, Path(folder, "report.html"), command=command).read_bytes()


def _script(library: str) -> Callable[[Run, str], bytes]:
    def made(run: Run, _: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return zipped(export(run, "script", Path(folder, "run"), library=library))

    return made


def _sklearn(run: Run, _: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return zipped(export(run, "sklearn", Path(folder, "run")))


def zipped(paths: list[str]) -> bytes:
    """Return an archive of files, under their own names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in map(Path, paths):
            entry = zipfile.ZipInfo(path.name, _WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return stream.getvalue()


# What makes it, of which type it is, and how its name ends.
FORMS: dict[str, tuple[Callable[[Run, str], bytes], str, str]] = {
    "run": (lambda run, _: pack(run), RUN, ".run"),
    "report": (_report, HTML, ".html"),
    "numpy": (_script("numpy"), ZIP, "-numpy.zip"),
    "jax": (_script("jax"), ZIP, "-jax.zip"),
    "torch": (_script("torch"), ZIP, "-torch.zip"),
    "sklearn": (_sklearn, ZIP, "-sklearn.zip"),
}
