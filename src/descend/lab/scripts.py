"""The lab's scripts: what is built from ``frontend/``, and the two hosts that stand beside it."""

from __future__ import annotations

import re
from importlib import resources

from descend.errors import InputError

MODULE, HOST, WIDGET = "lab.js", "host.js", "widget.js"
# How esbuild ends a module with one export.
_EXPORT = re.compile(r"export\s*\{\s*([\w$]+)\s+as\s+default\s*\};?\s*\Z")


def shipped(name: str) -> str:
    """Return a script that ships with the lab.

    Raises
    ------
    InputError
        If it has not been built.
    """
    file = resources.files("descend.lab") / name
    if not file.is_file():
        msg = f"The lab's script {name} is not there; build it with 'make page'."
        raise InputError(msg)
    return file.read_text("utf-8")


def for_widget() -> str:
    """Return the lab's module with what a notebook needs beside it, as one module."""
    module, found = _EXPORT.subn(r"const descendLab=\1;", shipped(MODULE))
    assert found, f"{MODULE} must end with its one export, as the default"
    return f"{module}\n{shipped(WIDGET)}"
