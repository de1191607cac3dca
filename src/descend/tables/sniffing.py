"""What is wrong with a file, in a sentence: looked for before DuckDB reads, or in its words."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from pathlib import Path

from descend.errors import InputError

HEAD = 1 << 16
_LONGEST_HEADER = 1 << 24
LONGEST_LINE = 2_000_000  # what DuckDB takes for one record


def head(path: str, size: int = HEAD) -> bytes:
    """Return the first bytes of a file, decompressed where its name says so (not zstd)."""
    name = path.lower()
    opener = gzip.open if name.endswith(".gz") else bz2.open if name.endswith(".bz2") else open
    try:
        with opener(path, "rb") as stream:
            return bytes(stream.read(size))
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{path} cannot be read ({error}); it may be cut short or not be what its name says."
        raise InputError(msg) from error


def check_text(path: str, encoding: str) -> None:
    """Raise `InputError` unless the file begins like text in the encoding."""
    if path.lower().endswith(".zst"):
        return
    start = head(path)
    wide = encoding.lower().replace("_", "-").startswith("utf-16")
    if b"\0" in start and not wide:
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            msg = f"{path} is text in UTF-16; read it with --encoding utf-16."
        else:
            msg = f"{path} is not text: its first bytes hold NUL; name a CSV, Parquet or JSON file."
        raise InputError(msg)
    if start[:4] in (b"PAR1", b"\x89PNG", b"PK\x03\x04", b"%PDF"):
        kind = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a ZIP or Excel file"}
        what = kind.get(start[:4], "no table")
        msg = f"{path} is {what} by its first bytes, not text; give it the suffix of its kind."
        raise InputError(msg)
    if not wide:
        _check_decodes(path, start, encoding)
    if not start.strip():
        msg = f"{path} is empty; a table needs a line of column names and at least a few rows."
        raise InputError(msg)


def _check_decodes(path: str, start: bytes, encoding: str) -> None:
    try:
        start.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start >= len(start) - 4 and len(start) == HEAD:
            return  # a letter cut in two by the end of the head
        line = start.count(b"\n", 0, error.start) + 1
        msg = (
            f"{path} is not {encoding}: line {line} holds the byte 0x{start[error.start]:02x}; "
            "read it with --encoding latin-1, or save it as UTF-8."
        )
        raise InputError(msg) from error
    except LookupError as error:
        msg = f"There is no encoding {encoding!r}; use utf-8, latin-1 or utf-16."
        raise InputError(msg) from error


def check_header(path: str, delimiter: str, encoding: str) -> None:
    """Raise `InputError` if the first line names a column twice, or nothing follows it."""
    if path.lower().endswith(".zst"):
        return
    text = head(path, HEAD)
    if b"\n" not in text and b"\r" not in text:
        text = head(path, _LONGEST_HEADER)
    decoded = text.decode(encoding, errors="replace").lstrip("\ufeff")
    rows = csv.reader(io.StringIO(decoded, newline=""), delimiter=delimiter)
    try:
        names = next(rows)
        following = next((row for row in rows if row), None)
    except (csv.Error, StopIteration):
        return  # a field too long for this reader; DuckDB has its own words for it
    check_names(names, path)
    if following is None:
        msg = f"{path} has a line of column names and no rows; give it some."
        raise InputError(msg)


def check_names(names: list[str], where: str) -> None:
    """Raise `InputError` if two columns have the same name, in whatever case."""
    counts = Counter(name.strip().lower() for name in names if name.strip())
    twice = [name for name in names if counts[name.strip().lower()] > 1]
    if twice:
        shown = " and ".join(sorted({repr(n) for n in twice if n.lower() == twice[0].lower()}))
        msg = (
            f"{where} has two columns called {shown} (upper and lower case count as the same); "
            "rename one of them."
        )
        raise InputError(msg)


def check_lines(path: str) -> None:
    """Raise `InputError` for a line too long to be one: looked for in one fast pass."""
    if Path(path).stat().st_size <= LONGEST_LINE or path.lower().endswith((".zst", ".bz2")):
        return
    opener = gzip.open if path.lower().endswith(".gz") else open
    line, since = 1, 0
    with opener(path, "rb") as stream:
        while block := stream.read(1 << 20):
            first, last = block.find(b"\n"), block.rfind(b"\n")
            since = since + len(block) if first < 0 else max(since + first, 0)
            if since > LONGEST_LINE:
                msg = (
                    f"A line must be shorter than 2 MB; line {line} of {path} is longer. A quote "
                    "that is never closed may be the reason."
                )
                raise InputError(msg)
            if first >= 0:
                line += block.count(b"\n")
                since = len(block) - last - 1


def first_odd_line(path: str, delimiter: str, encoding: str) -> InputError | None:
    """Return what is wrong with the first record that has more or fewer fields than the header."""
    name = path.lower()
    opener = gzip.open if name.endswith(".gz") else bz2.open if name.endswith(".bz2") else open
    with opener(path, "rt", encoding=encoding, errors="replace", newline="") as stream:
        rows = csv.reader(stream, delimiter=delimiter)
        try:
            wanted = len(next(rows))
            begun = rows.line_num + 1
            for row in rows:
                if row and len(row) != wanted:
                    return _odd(path, begun, rows.line_num, len(row), wanted)
                begun = rows.line_num + 1
        except (csv.Error, StopIteration) as error:
            return InputError(f"{path} cannot be read as CSV ({error}).")
    return None


def _odd(path: str, begun: int, ended: int, found: int, wanted: int) -> InputError:
    if ended > begun:
        return InputError(
            f"A quote is opened at line {begun} of {path} and the record only ends at line "
            f"{ended}, with {found} fields instead of {wanted}; close the quote."
        )
    return InputError(
        f"Every line must have {wanted} fields, as the line of column names has; line {begun} of "
        f"{path} has {found}. Mend the line."
    )


def explained(error: Exception, where: str) -> InputError:  # noqa: PLR0911 - one per reason
    """Return what DuckDB said, as one sentence of ours."""
    said = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", said)
    place = f"line {line.group(1)} of {where}" if line else where
    wrong = re.search(
        r"converting column \"(.*?)\".*?Could not convert string \"(.*?)\" to '?(\w+)",
        said,
        re.DOTALL,
    )
    if wrong:
        column, value, kind = wrong.groups()
        kind = "dates" if kind.startswith(("DATE", "TIME")) else "numbers"
        kind = "true and false" if wrong.group(3) == "BOOLEAN" else kind
        return InputError(
            f"The column {column!r} holds {kind}, but {place} has {value[:60]!r} there; mend the "
            "value, or leave the column out (--exclude)."
        )
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    if counts:
        return InputError(
            f"Every line must have {counts.group(1)} fields, as the line of column names has; "
            f"{place} has {counts.group(2)}. Mend the line."
        )
    if "maximum_line_size" in said.lower() or "Maximum line size" in said:
        return InputError(
            f"A line must be shorter than 2 MB; {place} is longer. A quote that is never closed "
            "may be the reason."
        )
    if re.search(r"unicode|not utf-?8|byte sequence", said, re.IGNORECASE):
        return InputError(
            f"{place} is not text in UTF-8; read it with --encoding latin-1, or save it as UTF-8."
        )
    if re.search(r"unterminated|quote", said, re.IGNORECASE):
        return InputError(f"A quote is opened and not closed at {place}; mend the line.")
    if re.search(r"permission denied", said, re.IGNORECASE):
        return InputError(f"{where} cannot be read (permission denied); check its rights.")
    first = next((part.strip() for part in said.splitlines() if part.strip()), "no reason given")
    kind = Path(where).suffix or "table"
    return InputError(f"{where} cannot be read as a {kind} table ({first[:160]}).")
