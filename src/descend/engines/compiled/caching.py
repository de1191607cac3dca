"""Compiled kernels on disk, so that a second process compiles nothing.

The compiler's own cache looks only at the file a kernel stands in: after a formula elsewhere had
changed it would go on serving the old machine code. So the folder is named after a digest of all
sources that kernels are made of (`SOURCES`) and of the versions that decide the code.

The folder is ``$DESCEND_CACHE`` if set, else the platform's place for caches. Where nothing can be
written, kernels are compiled anew in every process.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from descend.engines.compiled.scalars import REORDERED

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_DAYS = 30

# Where kernels' code stands, within the package: this engine's, and the parts' formulas.
SOURCES = (
    "activations.py",
    "losses.py",
    "optimizers.py",
    "parts.py",
    "penalties.py",
    "engines/compiled/*.py",
)


def home() -> Path:
    """Return the folder for all that descend may throw away and make again."""
    asked = os.environ.get("DESCEND_CACHE")
    if asked:
        return Path(asked).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "descend" / "cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/descend").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "descend"


def digest(package: Path) -> str:
    """Return a digest of the `SOURCES` in a package's folder and of the deciding versions."""
    found = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version}".encode())
    for path in sorted(path for pattern in SOURCES for path in package.glob(pattern)):
        found.update(path.relative_to(package).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


@cache
def folder() -> Path | None:
    """Return the folder for this version's kernels, or None where none can be written."""
    here = home() / "kernels"
    found = here / digest(Path(__file__).parents[2])
    try:
        if not found.is_dir():
            found.mkdir(parents=True)
            _forget(here)
            _tell()
        probe = found / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return None
    return found


def _tell() -> None:
    """Say once why the first training takes longer, to whoever sits at a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write("descend compiles its kernels: some seconds, once on this machine.\n")


def _forget(here: Path) -> None:
    """Remove the kernels of versions that nobody has used for a month."""
    for old in here.iterdir():
        if time.time() - old.stat().st_mtime > _KEPT_DAYS * 86400:
            shutil.rmtree(old, ignore_errors=True)


def kernel(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled when first called, and kept on disk."""
    where = folder()
    if where is None:
        return numba.njit(**REORDERED)(function)
    # The compiler reads its folder from a setting of the whole process, while it decorates; it
    # is left as it was found.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(where)
    try:
        compiled = numba.njit(cache=True, **REORDERED)(function)
    finally:
        numba.config.CACHE_DIR = before
    _name_apart(compiled)
    return compiled


def _name_apart(compiled: Any) -> None:
    """Give the machine code that this process will write names that no other process takes.

    The compiler numbers its files by what its index lists. Of two processes that compile at once
    the later one writes its index over the other's: both had taken the same number, so an index
    could then lead to machine code made for other types. With names of its own, an entry that is
    lost costs a second compiling and nothing else.
    """
    files = compiled._cache._cache_file  # noqa: SLF001 - there is no other way to them
    files._data_name_pattern = f"{secrets.token_hex(4)}-{files._data_name_pattern}"  # noqa: SLF001
