"""Delimited text (CSV, TSV …): the delimiter, the names, and the call that reads it.

The delimiter and the line of names are looked at here, in the first 64 kB, so that nothing is
guessed twice: DuckDB is told both and only finds the types.  It finds them in ALL rows, unless the
first ones show that it cannot matter: from its usual sample of 20480 rows it would take a column
for whole numbers and then round the 1.5 of a later row.
"""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.tables import sniffing
from descend.tables.table import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
# Candidates, in the order in which a tie is decided.
DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE = 50
# Without BOOLEAN: it would turn the labels yes and no into true and false.
TYPES = ("BIGINT", "DOUBLE", "TIME", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR")
# Types into which DuckDB casts other values without an error, losing digits or hours.
LOSSY = ("BIGINT", "TIME", "DATE", "TIMESTAMP")
SAMPLE = 20480
TAB_SUFFIXES = (".tsv", ".tab")


def heading(
    path: str, options: dict[str, Any], suffix: str, lines: Callable[[str], str]
) -> tuple[str, list[str], int]:
    """Return a file's delimiter, its column names, and how many blank lines come first.

    Parameters
    ----------
    path, options, suffix
        The file, how it was asked to be read, and its suffix without that of compression.
    lines
        What reads the head of a file that only DuckDB can decompress.
    """
    text, whole = _head(path, options["encoding"], sniffing.HEAD, lines)
    delimiter = options["delimiter"] or ("\t" if suffix in TAB_SUFFIXES else None)
    found = delimiter or _likeliest(text, whole=whole)
    names, rows = _names(text, found)
    if not whole and not rows:  # a very long line of names
        text, whole = _head(path, options["encoding"], sniffing.LONGEST_HEADER, lines)
        found = delimiter or _likeliest(text, whole=whole)
        names, rows = _names(text, found)
    if not rows:
        msg = f"{path} has a line of column names and no rows; add the rows."
        raise InputError(msg)
    sniffing.check_names(names, path)
    blank = len(text) - len(text.lstrip("\r\n"))
    return found, sniffing.named(names), len(text[:blank].splitlines())


def _head(path: str, encoding: str, size: int, lines: Callable[[str], str]) -> tuple[str, bool]:
    if path.lower().endswith(".zst"):
        if encoding.lower() not in {"utf-8", "utf8"}:
            msg = f"{path} can only be read as UTF-8 while it is compressed with zstd; unpack it."
            raise InputError(msg)
        return lines(path), False
    start = sniffing.head(path, size)
    sniffing.check_start(path, start, encoding)
    whole = len(start) < size
    return sniffing.decoded(path, start, encoding, whole=whole), whole


def _parsed(text: str, delimiter: str) -> list[list[str]]:
    """Return the first records of a text that are not blank."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                found.append(row)
            if len(found) > _SAMPLE:
                break
    except csv.Error:  # a field too long for this reader; DuckDB will say so
        pass
    return found


def _names(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    rows = _parsed(text, delimiter)
    return (rows[0] if rows else []), rows[1:]


def _likeliest(text: str, *, whole: bool) -> str:
    r"""Return the delimiter that the header has and that most rows use as often as it does.

    >>> _likeliest("a;b\n1,5;2,5\n", whole=True)
    ';'
    """
    best, chosen = (0.0, 0), ","
    for delimiter in DELIMITERS:
        rows = _parsed(text, delimiter)
        if not whole and len(rows) > 2:  # noqa: PLR2004 - the last one may be cut
            rows = rows[:-1]
        wanted = len(rows[0]) if rows else 0
        if wanted > 1:
            agree = sum(len(row) == wanted for row in rows) / len(rows)
            if (agree, wanted) > best:
                best, chosen = (agree, wanted), delimiter
    return chosen


def same_names(files: list[str], headings: list[list[str]]) -> None:
    """Raise `InputError` unless all files have the same columns in the same order."""
    for path, names in zip(files[1:], headings[1:], strict=True):
        if names == headings[0]:
            continue
        differing = [n for n in names if n not in headings[0]] + [
            n for n in headings[0] if n not in names
        ]
        what = (
            f"differ in {', '.join(map(repr, differing[:6]))}"
            if differing
            else "stand in another order"
        )
        msg = (
            f"Files read together must have the same columns; those of {path} and {files[0]} "
            f"{what}. Read them apart, or make them alike."
        )
        raise InputError(msg)


def transcoded(path: str, encoding: str, folder: Path, index: int) -> str:
    """Return the path of a copy of a text file in UTF-8, in a folder that is removed after."""
    copy, done = folder / f"{index}.csv", 0
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with sniffing.opened(path) as stream, copy.open("w", encoding="utf-8", newline="") as out:
            block = b"-"
            while block:
                block = stream.read(1 << 20)
                text = decoder.decode(block, final=not block)
                done += text.count("\n")
                out.write(text)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(error.encoding, errors="replace")
        raise sniffing.wrong_encoding(path, encoding, done + before.count("\n") + 1) from error
    except (OSError, EOFError) as error:
        raise sniffing.broken(path, str(error)) from error
    return str(copy)


def call(listed: str, delimiter: str, blank: int, decimal: str, sample: int = -1) -> str:
    """Return the SQL call that reads the listed files, with types from `sample` rows (-1: all)."""
    settings = [
        listed,
        "header = true",
        f"skip = {blank}",
        f"delim = {literal(delimiter)}",
        "quote = '\"'",
        "escape = '\"'",
        "comment = ''",
        f"nullstr = [{', '.join(map(literal, MISSING))}]",
        f"decimal_separator = {literal(decimal)}",
        f"sample_size = {sample}",
        "strict_mode = true",
        "hive_partitioning = false",
        f"auto_type_candidates = [{', '.join(map(literal, TYPES))}]",
    ]
    return f"read_csv({', '.join(settings)})"


def find_booleans(connection: Any) -> None:
    """Give text columns that hold nothing but true and false the type BOOLEAN."""
    described = connection.execute("DESCRIBE data").fetchall()
    texts = [str(row[0]) for row in described if str(row[1]) == "VARCHAR"]
    if not texts:
        return
    tests = ", ".join(f"bool_and(lower({quoted(t)}) IN ('true', 'false'))" for t in texts)
    found = connection.execute(f"SELECT {tests} FROM data").fetchone()  # noqa: S608
    for name, holds in zip(texts, found, strict=True):
        if holds:
            connection.execute(f"ALTER TABLE data ALTER {quoted(name)} TYPE BOOLEAN")
