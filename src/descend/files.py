"""Writing files so that bad luck never costs data.

A file is written beside its place under a temporary name, flushed to the disk, and then put in its
place in one move: whoever looks sees the old file or the new one, never half of either.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of `path` when the block ends without error.

    Parameters
    ----------
    path
        Where the file shall be.
    overwrite
        Whether a file that is already there may be replaced; default yes.

    Raises
    ------
    InputError
        If the file is there and may not be replaced, or the place cannot be written to.
    """
    target = Path(path)
    if target.is_dir():
        msg = f"{target} is a folder; name a file to write."
        raise InputError(msg)
    if not overwrite and target.exists():
        msg = f"{target} exists already; name another file, or say --overwrite."
        raise InputError(msg)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _ordinary_mode(temporary)
        Path(temporary).replace(target)
        temporary = None
        _flush_folder(target.parent)
    except OSError as error:
        msg = f"{target} cannot be written ({error.strerror or error}); nothing was changed."
        raise InputError(msg) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_bytes(
    path: str | os.PathLike[str], content: bytes | str, *, overwrite: bool = True
) -> None:
    """Write `content` to `path` in one move; see `replacing`."""
    with replacing(path, overwrite=overwrite) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def _ordinary_mode(path: str) -> None:
    """Give the file the mode a plain open would have; temporary files are private."""
    umask = os.umask(0)
    os.umask(umask)
    Path(path).chmod(0o666 & ~umask)


def _flush_folder(folder: Path) -> None:
    """Make the new name durable, where the system lets a folder be flushed."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; there the rename is as durable as it gets
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
