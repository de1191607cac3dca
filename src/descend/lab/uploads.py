"""Uploads: files that people drop on the page, taken within limits and into a private place.

A file is written under a name of our own, so that nothing in its name reaches SQL or the disk, and
read by a connection that may open that file and no other.  What it unpacks to is bounded before it
is unpacked.  The file is removed when the table is closed, or forgotten.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, final

from descend.errors import InputError
from descend.lab.opening import Opened
from descend.tables import read
from descend.tables.delimited import heading
from descend.tables.table import literal, quoted

if TYPE_CHECKING:
    from descend.tables import Table

TEXT, PARQUET, JSON = (
    (".csv", ".tsv", ".tab", ".txt"),
    (".parquet", ".pq"),
    (".json", ".jsonl", ".ndjson"),
)
GZIP = ".gz"
_BLOCK = 1 << 20
_LONGEST_NAME = 100
_MAGIC = b"PAR1"
# Types of Parquet whose values have no size of their own, and what measures them.
_LENGTH = {"VARCHAR": "strlen", "JSON": "strlen", "BLOB": "octet_length"}


@final
@dataclass(frozen=True)
class Limits:
    """How much is taken.

    Attributes
    ----------
    size
        Bytes of the file; default 64 MiB.
    rows, columns
        Of the table; defaults 2 million and 2000.
    unpacked
        Bytes after decompression; default 512 MiB.
    ratio
        How many times its own size a file may unpack to, beyond `free` bytes; default 100.
    free
        Bytes that any file may unpack to; default 16 MiB.
    json
        Bytes of a JSON file, which is read whole; default 8 MiB.
    """

    size: int = 64 << 20
    rows: int = 2_000_000
    columns: int = 2000
    unpacked: int = 512 << 20
    ratio: float = 100.0
    free: int = 16 << 20
    json: int = 8 << 20

    def room(self, size: int) -> int:
        """Return how many bytes a file of this size may unpack to."""
        return int(min(self.unpacked, max(self.free, self.ratio * size)))


LIMITS = Limits()


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
                        raise _bomb(name, limits)
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


def _bomb(name: str, limits: Limits) -> InputError:
    return InputError(
        f"{name} unpacks to more than {limits.ratio:g} times its size, or to more than "
        f"{limits.unpacked / 2**20:g} MiB; open it with `descend lab TABLE` if you trust it."
    )


# ---------------------------------------------------------------- reading it


def _read(path: Path, name: str, size: int, limits: Limits) -> Table:
    """Return the table in a file, checked before and after; its folder is nowhere told."""
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    try:
        _check(path, name, size, limits)
        table = read(path)
    except InputError as error:
        raise InputError(_named(str(error), path, name)) from error
    except (duckdb.Error, csv.Error, ValueError, RecursionError, MemoryError) as error:
        why = _named(str(error).split("\n", maxsplit=1)[0], path, name)[:200]
        msg = f"{name} cannot be read as a table ({why}); save it again as CSV."
        raise InputError(msg) from error
    _check_count(name, "rows", table.rows, limits.rows)
    _check_count(name, "columns", len(table.names), limits.columns)
    files = [{**file, "path": name} for file in table.source["files"]]
    table.source = {**table.source, "named": name, "files": files}
    return table


def _named(sentence: str, path: Path, name: str) -> str:
    """Return a sentence that calls a file by its owner's name for it."""
    for folder in {str(path), str(path.resolve())}:
        sentence = sentence.replace(folder, name)
    return sentence


def _check(path: Path, name: str, size: int, limits: Limits) -> None:
    if path.suffix in PARQUET:
        _check_parquet(path, name, size, limits)
    elif path.suffix in JSON:
        _check_json(path, name, limits)
    else:
        _check_text(path, name, limits)


def _check_count(name: str, what: str, found: int, most: int) -> None:
    if found > most:
        msg = f"{name} has {found} {what}, and the lab takes {most} from a page; take some of them."
        raise InputError(msg)


def _check_text(path: Path, name: str, limits: Limits) -> None:
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
    _check_count(name, "lines", lines, limits.rows + 1)
    options = {"encoding": "utf-8", "delimiter": None, "decimal": "."}
    _, names, _ = heading(str(path), options, path.suffix, lambda _: "")
    _check_count(name, "columns", len(names), limits.columns)


def _check_json(path: Path, name: str, limits: Limits) -> None:
    """Bound the columns: every key of every row would be one."""
    text = path.read_text("utf-8", errors="strict")
    try:
        rows = json.loads(text)
    except ValueError:  # one row to a line
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    rows = rows if isinstance(rows, list) else [rows]
    keys = {key for row in rows if isinstance(row, dict) for key in row}
    _check_count(name, "rows", len(rows), limits.rows)
    _check_count(name, "columns", len(keys), limits.columns)


def _check_parquet(path: Path, name: str, size: int, limits: Limits) -> None:
    """Bound rows, columns and what they unpack to by the file's own account, and then by its text.

    Text that is stored once and repeated a million times is small in that account.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(path.stat().st_size - 4, 0))
        ends = start, file.read()
    if ends != (_MAGIC, _MAGIC):
        msg = f"{name} is no Parquet file, by its first and last bytes; give it the right suffix."
        raise InputError(msg)
    file_is = literal(str(path))
    run = _connected(path).execute
    count = "SELECT num_rows FROM parquet_file_metadata"
    _check_count(name, "rows", _one(run(f"{count}({file_is})")), limits.rows)
    sums = "SELECT sum(total_uncompressed_size), sum(num_values) FROM parquet_metadata"
    unpacked, values = run(f"{sums}({file_is})").fetchone()
    described = run(f"DESCRIBE SELECT * FROM read_parquet({file_is})").fetchall()  # noqa: S608
    _check_count(name, "columns", len(described), limits.columns)
    _check_count(name, "values", int(values or 0), limits.unpacked // 4)
    if (unpacked or 0) > limits.room(size):
        raise _bomb(name, limits)
    nested = [row for row in described if str(row[1]).endswith((")", "]")) and "DEC" not in row[1]]
    if nested:
        msg = (
            f"The column {nested[0][0]!r:.80} of {name} holds values of type {nested[0][1]:.60}; the "
            "lab takes plain columns from a page. Leave it out."
        )
        raise InputError(msg)
    measured = [(_LENGTH[kind], quoted(name)) for name, kind, *_ in described if kind in _LENGTH]
    if measured:
        whole = " + ".join(f"coalesce(sum({length}({column})), 0)" for length, column in measured)
        if _one(run(f"SELECT {whole} FROM read_parquet({file_is})")) > limits.unpacked:  # noqa: S608
            raise _bomb(name, limits)


def _one(cursor: Any) -> int:
    return int(cursor.fetchone()[0] or 0)


def _connected(path: Path) -> Any:
    """Return a connection that may read this file alone, within bounds."""
    import duckdb  # noqa: PLC0415

    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "",
        "memory_limit": "1GB",
        "threads": 1,
    }
    connection = duckdb.connect(":memory:", config=config)
    for setting in (
        "enable_progress_bar = false",
        f"allowed_paths = [{literal(str(path))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection
