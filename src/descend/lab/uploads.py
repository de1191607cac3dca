"""Uploads: files that people drop on the page, taken within limits and into a private place.

A file is written under a name of our own, so that nothing in its name reaches SQL or the disk, and
read by a connection that may open that file and no other.  What it unpacks to is bounded before it
is unpacked.  The file is removed when the table is closed, or forgotten.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import weakref
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from descend.errors import InputError
from descend.lab.limits import JSON, LIMITS, PARQUET, TEXT, Limits, bomb, check, check_count
from descend.lab.opening import Opened
from descend.tables import read

if TYPE_CHECKING:
    from descend.tables import Table

GZIP = ".gz"
_BLOCK = 1 << 20
_LONGEST_NAME = 100


def accept(
    name: str, content: bytes | IO[bytes], limits: Limits = LIMITS, target: str | None = None
) -> Opened:
    """Return the table in a file that was dropped on the page.

    Parameters
    ----------
    name
        What its owner calls it; its suffix says what it is.
    content
        Its bytes, or a stream of them.
    limits
        How much is taken.
    target
        The column to predict; default one that is likely to be.

    Raises
    ------
    InputError
        If it is too large, not what its name says, or no table; the sentence says which.
    """
    shown = cleaned(name)
    suffix, packed = _suffix(shown)
    folder = tempfile.mkdtemp(prefix="descend-lab-")
    try:
        path = Path(folder) / f"table{suffix}"
        size = _written(path, shown, content, limits, packed=packed)
        table = _read(path, shown, size, limits)
        opened = Opened(shown, table=table, target=target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    opened.on_close = weakref.finalize(opened, shutil.rmtree, folder, ignore_errors=True)
    return opened


def cleaned(name: str) -> str:
    r"""Return a file's name without folders, control characters, or more letters than fit.

    >>> cleaned("..\\..\\etc/my\ntable.csv")
    'mytable.csv'
    """
    last = str(name).replace("\\", "/").rsplit("/", maxsplit=1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(kept) > _LONGEST_NAME:
        kept = kept[:10] + "…" + kept[-_LONGEST_NAME + 11 :]
    return kept or "table"


def _suffix(name: str) -> tuple[str, bool]:
    """Return the suffix that says what a file is, and whether it is packed."""
    lowered = name.lower()
    packed = lowered.endswith(GZIP)
    suffix = Path(lowered.removesuffix(GZIP)).suffix
    if suffix in TEXT or (suffix in (*PARQUET, *JSON) and not packed):
        return (".csv" if suffix == ".txt" else suffix), packed
    takes = ", ".join((*TEXT, *(s + GZIP for s in TEXT[:2]), *PARQUET, *JSON))
    msg = f"The lab takes tables in files ending in {takes}; {name!r} is none of these."
    raise InputError(msg)


# ---------------------------------------------------------------- taking it in


def _blocks(content: bytes | IO[bytes]) -> Any:
    if isinstance(content, bytes | bytearray | memoryview):
        view = memoryview(content)
        return (view[i : i + _BLOCK] for i in range(0, len(view), _BLOCK))
    return iter(lambda: content.read(_BLOCK), b"")


def _written(
    path: Path, name: str, content: bytes | IO[bytes], limits: Limits, *, packed: bool
) -> int:
    """Write a file, unpacked, and return how large it came; refuse it where it passes a limit."""
    most = limits.json if path.suffix in JSON else limits.size
    came = out = 0
    unpacker = zlib.decompressobj(wbits=31) if packed else None
    try:
        with path.open("xb") as file:
            for block in _blocks(content):
                came += len(block)
                if came > most:
                    raise _too_large(name, most)
                for piece in [block] if unpacker is None else _unpacked(unpacker, block):
                    out += len(piece)
                    if out > (most if unpacker is None else limits.room(came)):
                        raise bomb(name, limits)
                    file.write(piece)
    except zlib.error as error:
        msg = f"{name} cannot be unpacked ({error}); fetch it again, or drop it unpacked."
        raise InputError(msg) from error
    if unpacker is not None and not unpacker.eof:
        msg = f"{name} is cut short; fetch it again, or drop it unpacked."
        raise InputError(msg)
    if out == 0:
        msg = f"{name} is empty; a table needs a line of column names and at least a few rows."
        raise InputError(msg)
    return came


def _unpacked(unpacker: Any, block: Any) -> Any:
    """Yield what a block unpacks to, a bounded piece at a time."""
    left = bytes(block)
    while left and not unpacker.eof:
        yield unpacker.decompress(left, _BLOCK)
        left = unpacker.unconsumed_tail


def _too_large(name: str, most: int) -> InputError:
    return InputError(
        f"{name} is larger than the {most / 2**20:g} MiB that the lab takes from a page; open it "
        "with `descend lab TABLE`."
    )


# ---------------------------------------------------------------- reading it


def _read(path: Path, name: str, size: int, limits: Limits) -> Table:
    """Return the table in a file, checked before and after; its folder is nowhere told."""
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    try:
        check(path, name, size, limits)
        table = read(path)
    except InputError as error:
        told = _named(str(error), path, name)
        if "--encoding" in told:  # the terminal's advice is none on a page
            told = (
                f"{name} is not written in UTF-8; save it as UTF-8 (a spreadsheet calls it CSV "
                "UTF-8) and open it again."
            )
        raise InputError(told) from error
    except (duckdb.Error, csv.Error, ValueError, RecursionError, MemoryError) as error:
        why = _named(str(error).split("\n", maxsplit=1)[0], path, name)[:200]
        msg = f"{name} cannot be read as a table ({why}); save it again as CSV."
        raise InputError(msg) from error
    if table.rows == 0:
        msg = f"{name} has no rows; a table needs at least a few."
        raise InputError(msg)
    check_count(name, "rows", table.rows, limits.rows)
    check_count(name, "columns", len(table.names), limits.columns)
    files = [{**file, "path": name} for file in table.source["files"]]
    table.source = {**table.source, "named": name, "files": files}
    return table


def _named(sentence: str, path: Path, name: str) -> str:
    """Return a sentence that calls a file by its owner's name for it."""
    for folder in {str(path), str(path.resolve())}:
        sentence = sentence.replace(folder, name)
    return sentence
