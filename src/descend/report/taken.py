"""What can be taken from a report: the model itself, and what it was made with."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.custom import CustomModel
from descend.report.markup import Html, element, named, number, paragraphs, section, table
from descend.run.files import pack, versions
from descend.run.history import History, Series

if TYPE_CHECKING:
    from descend.report.subject import Subject
    from descend.run import Run

# Rows of history that go with the model, and bytes beyond which it does not go with the report.
_HISTORY, _LARGEST = 512, 300_000
NAME = "model.run"


def model_of(run: Run) -> bytes:
    """Return a run file with the model: its parameters, not the way there.

    Folders are left out of the table's path: they are nobody's business who is sent the report.
    """
    small = replace(run, source=_without_folders(run.source))
    if len(run.history.updates) > _HISTORY:
        empty = (Series(s.names, s.capacity) for s in (run.history.updates, run.history.epochs))
        small = replace(small, history=History(*empty))
    return pack(small, keyframes=False)


def _without_folders(source: dict[str, Any] | None) -> dict[str, Any] | None:
    if source is None:
        return None
    files = [{**file, "path": Path(str(file["path"])).name} for file in source.get("files") or ()]
    return {**source, "files": files, "named": Path(str(source["named"])).name}


def taken_section(subject: Subject) -> Html:
    """Return the model to download, and versions and digests."""
    return section(
        "model", "Take it with you", *_download(subject), _versions(subject), *_digests(subject)
    )


def _download(subject: Subject) -> list[Html]:
    content = model_of(subject.run)
    size = f"{number(len(content) / 1000, 3)} kB"
    if len(content) > _LARGEST:
        said = f"The model takes {size}, too much for this page; it is in the run file beside it."
        return [paragraphs([said]), _used(subject)]
    data = base64.b64encode(content).decode()
    link = element(
        "a",
        f"Download the model ({size})",
        href=f"data:application/octet-stream;base64,{data}",
        download=NAME,
        class_="button",
    )
    said = "It holds the parameters and how columns become features; not the rows, nor every step."
    return [element("p", link), paragraphs([said]), _used(subject)]


def _used(subject: Subject) -> Html:
    table = subject.run.source is not None
    what = 'run.predict("new.csv")' if table else "run.predict(X)  # a row of numbers for each"
    task = subject.run.task
    own = isinstance(task.model, CustomModel) or task.loss.name == "custom"
    given = ", task=task" if own else ""
    lines = ["import descend as ds", f'run = ds.load("{NAME}"{given})', what]
    if own:
        lines.insert(1, f"task = ...  # {task}, made as before: functions are not in the file")
    code = element("code", "\n".join(lines))
    return element("pre", code, tabindex="0", role="group", aria_label="How to use the model")


def _versions(subject: Subject) -> Html:
    run = subject.run
    then, now = run.versions, versions(run.engine_used)
    rows = [[name, value, now.get(name, "–")] for name, value in (then or now).items()]
    rows.append(["engine", run.engine_used, "–"])
    rows.append(["precision", run.setup.dtype, "–"])
    caption = "Versions that decide the last digit"
    return table(caption, ["", "trained with", "reported with"], rows, words=(0, 1, 2))


def _digests(subject: Subject) -> list[Html]:
    run = subject.run
    rows = []
    if run.data is not None or run.fingerprint:
        digest = run.fingerprint if run.data is None else run.data.fingerprint
        rows.append(["training and validation rows", element("code", digest)])
    for file in (run.source or {}).get("files") or ():
        name = named(Path(str(file["path"])).name)
        rows.append([name, element("code", file["sha256"])])
    if not rows:
        return []
    caption = "SHA-256 digests: the same digest is the same data, to the last bit"
    return [table(caption, ["of", "digest"], rows, words=(0, 1))]
