"""A map on disk: a folder with a run file for each cell, which every command opens.

    FOLDER/map.svg, map.txt, map.json         the map, drawn and as data
    FOLDER/cells/rate-0.1-momentum-0.9.run    a cell
    FOLDER/request.json                       what all cells have in common

A cell that is there already, and was trained as asked on the same rows, is not trained again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.files import write_bytes
from descend.run import load
from descend.scaling import standardize_of

if TYPE_CHECKING:
    from pathlib import Path

    from descend.run import Data, Run
    from descend.task import Task

CELLS, REQUEST = "cells", "request.json"


def claim(folder: Path, identity: dict[str, Any], *, overwrite: bool) -> None:
    """Make the folder ready for a map, unless it holds another one."""
    request = folder / REQUEST
    wanted = json.dumps(identity, indent=2, sort_keys=True) + "\n"
    if request.exists() and not overwrite and request.read_text("utf-8") != wanted:
        msg = (
            f"{folder} holds another map, of other rows, another task or other epochs; name "
            "another folder (--out), or say --overwrite."
        )
        raise InputError(msg)
    try:
        (folder / CELLS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"The folder {folder} cannot be written to ({error.strerror}); name another."
        raise InputError(msg) from error
    write_bytes(request, wanted)


def file_of(folder: Path, across: str, value: float, rate: float) -> Path:
    """Return the file of a cell."""
    return folder / CELLS / f"rate-{rate:.10g}-{across.replace('_', '-')}-{value:.10g}.run"


def found(file: Path, task: Task, asked: dict[str, Any], data: Data) -> Run | None:
    """Return the run in a file, if it is whole and was trained as asked on these rows."""
    if not file.exists():
        return None
    try:
        run = load(file, task=task)
    except InputError:  # cut short, altered, or of another task: trained again
        return None
    if run.outcome.reason == "interrupted" or run.fingerprint != data.fingerprint:
        return None
    trained = known(run)
    return run.with_data(data) if all(trained[name] == asked[name] for name in asked) else None


def known(run: Run) -> dict[str, Any]:
    """Return what a run file tells of how it was trained."""
    setup = run.setup.describe()
    return {
        **{name: setup[name] for name in ("epochs", "batch_size", "shuffle", "seed", "record")},
        "standardize": standardize_of(run.scaling),
        "library": run.engine_used.partition("/")[0],
    }
