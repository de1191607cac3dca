"""What is wrong with a file, in a sentence: looked for before DuckDB reads, or in its words."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = 1 << 16
LONGEST_HEADER = 1 << 24
LONGEST_LINE = 2_000_000  # what DuckDB takes for one record
SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a ZIP or Excel file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "compressed with gzip (its name should end in .gz)",
    b"\x28\xb5\x2f\xfd": "compressed with zstd (its name should end in .zst)",
    b"BZh": "compressed with bzip2 (unpack it)",
}
# Control characters that no text holds; tab, line feed, form feed and carriage return are text.
_CONTROL = bytes(i for i in range(32) if i not in {9, 10, 12, 13})


def opened(path: str) -> IO[bytes]:
    """Return a file opened for reading, decompressed where its name says gzip."""
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a stream of bytes as well
    return Path(path).open("rb")


def head(path: str, size: int = HEAD) -> bytes:
    """Return the first bytes of a file, decompressed where its name says gzip."""
    try:
        with opened(path) as stream:
            return bytes(stream.read(size))
    except (OSError, EOFError, zlib.error) as error:
        raise broken(path, str(error)) from error


def broken(path: str, why: str) -> InputError:
    """Return the sentence for a file that ends too early or is not what its name says."""
    why = why.rstrip(". ")
    return InputError(
        f"{path} cannot be read as {_kind(path)} ({why}); it is cut short or is not what its name "
        "says. Fetch it again, or give it the suffix of its kind."
    )


def _kind(path: str) -> str:
    return "a " + " ".join(reversed([suffix[1:] for suffix in Path(path).suffixes[-2:]])) + " file"


def check_start(path: str, start: bytes, encoding: str) -> None:
    """Raise `InputError` unless a file begins like text in the encoding."""
    for signature, what in SIGNATURES.items():
        if start.startswith(signature):
            msg = f"{path} is {what}, by its first bytes, and not CSV; give it the right suffix."
            raise InputError(msg)
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if not wide and start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        msg = f"{path} is text in UTF-16; read it with --encoding utf-16."
        raise InputError(msg)
    if not wide and any(byte in start for byte in _CONTROL):
        msg = (
            f"{path} is not text: its first bytes hold control characters; name a CSV, Parquet or "
            "JSON file."
        )
        raise InputError(msg)
    if not start.strip():
        msg = f"{path} is empty; a table needs a line of column names and at least a few rows."
        raise InputError(msg)


def decoded(path: str, start: bytes, encoding: str, *, whole: bool) -> str:
    """Return the head of a file as text, or say on which line it is something else.

    Parameters
    ----------
    path, start, encoding
        The file, its first bytes, and what they are taken for.
    whole
        Whether these are all bytes; else a letter may be cut in two at the end.
    """
    try:
        text = start.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(start) - 4:
            return decoded(path, start[: error.start], encoding, whole=True)
        raise wrong_encoding(path, encoding, start.count(b"\n", 0, error.start) + 1) from error
    except LookupError as error:
        msg = f"There is no encoding {encoding!r}; use utf-8, latin-1, cp1252 or utf-16."
        raise InputError(msg) from error
    return text.lstrip("\ufeff")


def wrong_encoding(path: str, encoding: str, line: int) -> InputError:
    """Return the sentence for bytes that are no text in the encoding."""
    way_out = "--encoding latin-1" if encoding.lower().startswith("utf") else "another --encoding"
    return InputError(
        f"{path} is not {encoding} text: line {line} holds other bytes; read it with {way_out}, "
        "or save it as UTF-8."
    )


def check_names(names: list[str], where: str) -> None:
    """Raise `InputError` if two columns have the same name, in whatever case."""
    counts = Counter(name.strip().lower() for name in names if name.strip())
    twice = [name for name in names if counts[name.strip().lower()] > 1]
    if twice:
        shown = " and ".join(
            sorted({repr(n) for n in twice if n.strip().lower() == twice[0].strip().lower()})
        )
        msg = (
            f"{where} has two columns called {shown} (upper and lower case count as the same); "
            "rename one of them."
        )
        raise InputError(msg)


def named(names: Iterable[Any]) -> list[str]:
    """Return column names as text; those without one are called by their place.

    >>> named(["a", "", "column 2", ""])
    ['a', 'column 2 (2)', 'column 2', 'column 4']
    """
    given = [str(name) for name in names]
    taken = {name.strip().lower() for name in given}
    for i, name in enumerate(given):
        if name.strip():
            continue
        wanted, again = f"column {i + 1}", 2
        while wanted in taken:
            wanted, again = f"column {i + 1} ({again})", again + 1
        taken.add(wanted)
        given[i] = wanted
    return given


def check_json_keys(path: str) -> None:
    """Raise `InputError` if keys of the first objects differ in upper and lower case only."""
    if path.lower().endswith(".zst"):
        return
    keys: dict[str, None] = {}
    for line in head(path).splitlines()[:100]:
        try:
            found = json.loads(line)
        except ValueError:  # one object over many lines, a list, or what DuckDB will refuse
            return
        keys |= dict.fromkeys(found) if isinstance(found, dict) else {}
    check_names(list(keys), path)


# ---------------------------------------------------------------- after DuckDB refused


def records(path: str, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the line on which it begins."""
    with opened(path) as stream:
        lines = (line.decode(encoding, errors="replace") for line in _lines(stream, encoding))
        rows, begun = csv.reader(lines, delimiter=delimiter), 1
        for row in rows:
            if row:
                yield begun, row
            begun = rows.line_num + 1


def _lines(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    if encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        text = stream.read().decode(encoding, errors="replace")
        yield from (line.encode(encoding) for line in text.splitlines(keepends=True))
    else:
        yield from stream


def first_odd_line(path: str, delimiter: str, encoding: str) -> InputError | None:
    """Return what is wrong with the first record that has more or fewer fields than the header."""
    if path.lower().endswith(".zst"):
        return None
    try:
        found = records(path, delimiter, encoding)
        wanted = len(next(found)[1])
        for begun, row in found:
            if len(row) != wanted:
                return _odd(path, begun, row, wanted)
    except (csv.Error, StopIteration, OSError, EOFError, zlib.error) as error:
        return InputError(f"{path} cannot be read as CSV ({error}); mend it, or save it again.")
    return _mixed_ends(path)


def _mixed_ends(path: str) -> InputError | None:
    """Return the sentence for lines of which some end in CR LF and others in LF."""
    ends, first = Counter[bool](), 0
    with opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            ends[line.endswith(b"\r\n")] += 1
            if len(ends) > 1:
                first = number
                break
    if not first:
        return None
    return InputError(
        f"All lines must end alike; line {first} of {path} ends otherwise than those before it "
        "(CR LF and LF). Save the file again with one kind of line end."
    )


def _odd(path: str, begun: int, row: list[str], wanted: int) -> InputError:
    breaks = sum(field.rstrip("\n").count("\n") for field in row)
    if breaks and len(row) < wanted:
        return InputError(
            f"A quote is opened at line {begun} of {path} and the record only ends at line "
            f"{begun + breaks}, with {len(row)} fields instead of {wanted}; close the quote."
        )
    title = " Is line 1 a title? The first line must name the columns." if wanted == 1 else ""
    return InputError(
        f"Every line must have as many fields as the line of column names, {wanted}; line {begun} "
        f"of {path} has {len(row)}. Mend the line.{title}"
    )


def line_of(files: list[str], delimiter: str, encoding: str, row: int) -> str:
    """Return ``"line 7"`` or ``"line 7 of b.csv"`` for a row (from 1) of all files together."""
    if any(path.lower().endswith(".zst") for path in files):
        return ""
    try:
        for path in files:
            begun = [line for line, _ in records(path, delimiter, encoding)][1:]
            if row <= len(begun):
                where = f" of {path}" if len(files) > 1 else ""
                return f"line {begun[row - 1]}{where}"
            row -= len(begun)
    except (csv.Error, OSError):
        return ""
    return ""


def long_record(path: str) -> InputError:
    """Return the sentence for a record longer than DuckDB takes, with the line it begins on."""
    line, begun, size, inside = 1, 1, 0, False
    if not path.lower().endswith(".zst"):
        with opened(path) as stream:
            while size <= LONGEST_LINE and (part := stream.readline(LONGEST_LINE + 1)):
                size += len(part)
                inside ^= part.count(b'"') % 2 == 1
                line += part.endswith(b"\n")
                if part.endswith(b"\n") and not inside:
                    begun, size = line, 0
    at = f"line {begun} of {path}" if size > LONGEST_LINE else f"a line of {path}"
    return InputError(
        f"A line must be shorter than 2 MB; {at} is longer. Shorten it; a quote that is never "
        "closed may be the reason."
    )


def explained(error: Exception, where: str, files: list[str]) -> InputError:
    """Return what DuckDB said, as one sentence of ours."""
    said = str(error)
    path = next((f for f in files if f in said), where)
    line = re.search(r"CSV Error on Line: (\d+)", said)
    place = f"line {line.group(1)} of {path}" if line else path
    if re.search(r"maximum line size of", said, re.IGNORECASE):
        return long_record(path)
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    if counts:
        return InputError(
            f"Every line must have as many fields as the line of column names, {counts.group(1)}; "
            f"{place} has {counts.group(2)}. Mend the line."
        )
    if re.search(r"unicode|not utf-?8|byte sequence", said, re.IGNORECASE):
        return wrong_encoding(path, "utf-8", int(line.group(1)) if line else 1)
    if re.search(r"gzip|zstd|magic bytes|too small to be a Parquet", said, re.IGNORECASE):
        return broken(path, _first_line(said))
    malformed = re.search(r"in line (\d+): (.*)", said)
    if malformed:
        return InputError(
            f"Every line must be a JSON object with values of one kind per key; line "
            f"{malformed.group(1)} of {path} is not ({malformed.group(2).rstrip('. ')}). Mend the "
            "line."
        )
    return InputError(
        f"{path} cannot be read as a table ({_first_line(said)}); mend it, or save it as CSV."
    )


def _first_line(said: str) -> str:
    first = next((part.strip() for part in said.splitlines() if part.strip()), "no reason given")
    return re.sub(r"^[A-Za-z ]*Error: ", "", first)[:160].rstrip(". ")
