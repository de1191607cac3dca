"""Limits: how much a dropped file may be, and hold, and unpack to; found before it is unpacked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError
from descend.tables.delimited import heading
from descend.tables.table import literal, quoted

if TYPE_CHECKING:
    from pathlib import Path

TEXT, PARQUET, JSON = (
    (".csv", ".tsv", ".tab", ".txt"),
    (".parquet", ".pq"),
    (".json", ".jsonl", ".ndjson"),
)
_BLOCK = 1 << 20
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


def bomb(name: str, limits: Limits) -> InputError:
    """Return the sentence for a file that unpacks to too much."""
    return InputError(
        f"{name} unpacks to more than {limits.ratio:g} times its size, or to more than "
        f"{limits.unpacked / 2**20:g} MiB; open it with `descend lab TABLE` if you trust it."
    )


def check(path: Path, name: str, size: int, limits: Limits) -> None:
    """Raise `InputError` if a file of `size` bytes, as it came, holds or unpacks to too much."""
    if path.suffix in PARQUET:
        _check_parquet(path, name, size, limits)
    elif path.suffix in JSON:
        _check_json(path, name, limits)
    else:
        _check_text(path, name, limits)


def check_count(name: str, what: str, found: int, most: int) -> None:
    """Raise `InputError` if there are more than that."""
    if found > most:
        msg = f"{name} has {found} {what}, and the lab takes {most} from a page; take some of them."
        raise InputError(msg)


def _check_text(path: Path, name: str, limits: Limits) -> None:
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
    check_count(name, "lines", lines, limits.rows + 1)
    options = {"encoding": "utf-8", "delimiter": None, "decimal": "."}
    _, names, _ = heading(str(path), options, path.suffix, lambda _: "")
    check_count(name, "columns", len(names), limits.columns)


def _check_json(path: Path, name: str, limits: Limits) -> None:
    """Bound the columns: every key of every row would be one."""
    text = path.read_text("utf-8", errors="strict")
    try:
        rows = json.loads(text)
    except ValueError:  # one row to a line
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    rows = rows if isinstance(rows, list) else [rows]
    keys = {key for row in rows if isinstance(row, dict) for key in row}
    check_count(name, "rows", len(rows), limits.rows)
    check_count(name, "columns", len(keys), limits.columns)


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
    check_count(name, "rows", _one(run(f"{count}({file_is})")), limits.rows)
    sums = "SELECT sum(total_uncompressed_size), sum(num_values) FROM parquet_metadata"
    unpacked, values = run(f"{sums}({file_is})").fetchone()
    described = run(f"DESCRIBE SELECT * FROM read_parquet({file_is})").fetchall()  # noqa: S608
    check_count(name, "columns", len(described), limits.columns)
    check_count(name, "values", int(values or 0), limits.unpacked // 4)
    if (unpacked or 0) > limits.room(size):
        raise bomb(name, limits)
    _check_plain(name, described)
    measured = [(_LENGTH[kind], quoted(name)) for name, kind, *_ in described if kind in _LENGTH]
    if measured:
        whole = " + ".join(f"coalesce(sum({length}({column})), 0)" for length, column in measured)
        if _one(run(f"SELECT {whole} FROM read_parquet({file_is})")) > limits.unpacked:  # noqa: S608
            raise bomb(name, limits)


def _check_plain(name: str, described: list[Any]) -> None:
    """Refuse columns that nest: what they unpack to is nowhere told."""
    for column, kind, *_ in described:
        if kind.endswith((")", "]")) and not kind.startswith("DECIMAL"):
            msg = (
                f"The column {column!r:.80} of {name} holds values of type {kind:.60}; the lab "
                "takes plain columns from a page. Leave it out."
            )
            raise InputError(msg)


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
