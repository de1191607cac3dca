"""An explanation for the terminal: three voices in the margin, numbers in columns."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

from descend.explaining.pieces import Table, figure

if TYPE_CHECKING:
    from descend.explaining.explanation import Explanation
    from descend.explaining.pieces import Move

WIDTH = 92
_MARGIN = 10
_GAP = 2


def text_of(explanation: Explanation) -> str:
    """Return the whole, at most 92 columns wide."""
    lines = [explanation.title, "=" * min(width(explanation.title), WIDTH)]
    lines += [part for s in explanation.sentences for part in textwrap.wrap(s, WIDTH)]
    for number, move in enumerate(explanation.moves, start=1):
        lines += ["", f"{number}  {move.title}", *_of_move(move, explanation)]
    return "\n".join(line.rstrip() for line in lines)


def width(text: str) -> int:
    """Return how many columns a text takes at a terminal.

    >>> width("ẑ"), width("数")
    (1, 2)
    """
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return wide - sum(1 for c in text if unicodedata.combining(c))


def _of_move(move: Move, explanation: Explanation) -> list[str]:
    said = textwrap.wrap(" ".join(move.sentences), WIDTH - 3)
    lines = [f"   {line}" for line in said]
    if "symbols" in explanation.shown:
        lines += _voice(
            "symbols",
            [
                part
                for s in move.symbols
                for part in textwrap.wrap(s.text, WIDTH - _MARGIN - 2, subsequent_indent="    ")
            ],
        )
    if "numbers" in explanation.shown:
        blocks: list[str] = []
        for i, piece in enumerate(move.numbers):
            table = isinstance(piece, Table)
            if i and (table or isinstance(move.numbers[i - 1], Table)):
                blocks.append("")
            blocks += (
                table_lines(piece, explanation.digits, WIDTH - _MARGIN - 2)
                if isinstance(piece, Table)
                else textwrap.wrap(piece, WIDTH - _MARGIN - 2, subsequent_indent="    ")
            )
        lines += _voice("numbers", blocks)
    if "code" in explanation.shown:
        lines += _voice("code", list(move.code))
    return lines


def _voice(name: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    margins = [name, *[""] * (len(lines) - 1)]
    return ["", *(f"  {m:<{_MARGIN}}{line}" for m, line in zip(margins, lines, strict=True))]


# ---------------------------------------------------------------- tables


def table_lines(table: Table, digits: int | None, room: int) -> list[str]:
    """Return a table's lines; columns that do not fit follow below, with the first one again."""
    columns = [_column(table, i, digits) for i in range(len(table.head))]
    lines = [table.caption] if table.caption else []
    first, rest = columns[0], columns[1:]
    while True:
        taken = _fitting(first, rest, room)
        lines += _panel([first, *rest[:taken]], table.totals)
        rest = rest[taken:]
        if not rest:
            return lines
        lines.append("")


def _fitting(first: list[str], rest: list[list[str]], room: int) -> int:
    """Return how many of the columns fit beside the first; one at least."""
    used, taken = width(first[0]), 0
    for column in rest:
        used += _GAP + width(column[0])
        if used > room and taken:
            break
        taken += 1
    return taken


def _panel(columns: list[list[str]], totals: int) -> list[str]:
    rows = [(" " * _GAP).join(cells).rstrip() for cells in zip(*columns, strict=True)]
    if totals:
        long = sum(width(c[0]) for c in columns) + _GAP * (len(columns) - 1)
        rows.insert(len(rows) - totals, "-" * long)
    return rows


def _column(table: Table, index: int, digits: int | None) -> list[str]:
    """Return a column's cells, all of one width: words to the left, points under points."""
    cells = [row[index] if index < len(row) else None for row in table.rows]
    if index == 0:
        return _padded([table.head[0], *(str(c) for c in cells)], left=True)
    words = any(isinstance(c, str) for c in cells)
    shown = ["" if c is None else figure(c, digits) for c in cells]
    if words:
        return _padded([table.head[index], *shown], left=True)
    return _padded([table.head[index], *aligned(shown)], left=False)


def aligned(numbers: list[str]) -> list[str]:
    """Return numbers as text with their decimal points in one column.

    >>> aligned(["1.25", "-10", "3e-07"])
    ['  1.25', '-10   ', '  3e-07']
    """
    heads, tails = [], []
    for number in numbers:
        cut = min((i for i in (number.find("."), number.find("e")) if i >= 0), default=len(number))
        heads.append(number[:cut])
        tails.append(number[cut:])
    left = max(map(len, heads), default=0)
    right = max((len(t) for t in tails if not t.startswith("e")), default=0)
    return [f"{head:>{left}}{tail:<{right}}" for head, tail in zip(heads, tails, strict=True)]


def _padded(cells: list[str], *, left: bool) -> list[str]:
    wide = max(map(width, cells))
    fill = [" " * (wide - width(cell)) for cell in cells]
    return [c + f if left else f + c for c, f in zip(cells, fill, strict=True)]
