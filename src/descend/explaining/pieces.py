"""What an explanation is put together from: moves, with sentences, symbols, numbers and code."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np

CODE_WIDTH = 80
_LEAST = 8  # characters before a break
Cell: TypeAlias = float | str | None


class Symbol(NamedTuple):
    """A line of mathematics, as text and for LaTeX."""

    text: str
    tex: str


class Table(NamedTuple):
    """Numbers in rows and columns.

    Attributes
    ----------
    caption
        A few words above it, or nothing.
    head
        What the columns are; the first names the rows.
    rows
        Numbers, words, or None where there is nothing to say.
    totals
        How many of the last rows sum up what stands above them.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: int = 0


class Move(NamedTuple):
    """One of the five moves of an update.

    Attributes
    ----------
    title
        Its name.
    sentences
        What it does, in words.
    symbols
        The same as mathematics.
    numbers
        Tables, and lines that were worked out by hand.
    code
        Lines of NumPy that compute it.
    """

    title: str
    sentences: tuple[str, ...]
    symbols: tuple[Symbol, ...]
    numbers: tuple[Table | str, ...]
    code: tuple[str, ...]


def figure(value: Any, digits: int | None) -> str:
    """Return a number with that many digits, or with all it has.

    >>> figure(-1.8337537171510832, 6), figure(-1.8337537171510832, None), figure(240.0, 6)
    ('-1.83375', '-1.8337537171510832', '240')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer | np.bool_):
        return str(int(value))
    number = float(value)
    if digits is None and math.isfinite(number):
        whole = number.is_integer() and abs(number) < 1e15  # noqa: PLR2004 - as float's own repr
        text = str(int(number)) if whole else str(value.item() if _double(value) else value)
    else:
        text = f"{number:.{digits or 6}g}"
    return "0" if text == "-0" else text


def _double(value: Any) -> bool:
    return isinstance(value, np.float64)


def folded(line: str, room: int = CODE_WIDTH) -> list[str]:
    """Return a line of code, broken after a space inside brackets where it is too long.

    >>> folded("both = np.concatenate([first.ravel(), second])", room=40)
    ['both = np.concatenate([first.ravel(),', '    second])']
    """
    if len(line) <= room or "  #" in line:
        return [line]
    depth, at = 0, 0
    for i, character in enumerate(line[:room]):
        depth += (character in "([{") - (character in ")]}")
        if character == " " and depth and line[:i].strip():
            at = i
    indent = line[: len(line) - len(line.lstrip())]
    if not at or len(line[:at].strip()) < _LEAST:
        return [line]
    return [line[:at], *folded(f"{indent or '    '}{line[at + 1 :]}", room)]


def counted(count: int, what: str, several: str = "") -> str:
    """Return the count with its noun.

    >>> counted(1, "row"), counted(3, "row"), counted(1000, "penalty", "penalties")
    ('1 row', '3 rows', '1000 penalties')
    """
    return f"{count} {what if count == 1 else several or what + 's'}"


def share_shown(shown: int, of: int, what: str, why: str = "") -> tuple[str, ...]:
    """Return a sentence that says what is left out, if anything is.

    >>> share_shown(3, 240, "row"), share_shown(3, 3, "row")
    (('3 of 240 rows are shown.',), ())
    """
    verb = "is" if shown == 1 else "are"
    return () if shown >= of else (f"{shown} of {of} {what}s {verb} shown{why}.",)
