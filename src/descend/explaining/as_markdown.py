"""An explanation as Markdown: mathematics between dollars, numbers as tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from descend.explaining.pieces import Table, figure

if TYPE_CHECKING:
    from descend.explaining.explanation import Explanation
    from descend.explaining.pieces import Move

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~])")


def markdown_of(explanation: Explanation) -> str:
    """Return the whole."""
    lines = [f"# {escaped(explanation.title)}", ""]
    lines += [escaped(" ".join(explanation.sentences)), ""]
    for number, move in enumerate(explanation.moves, start=1):
        lines += [f"## {number}. {move.title}", "", escaped(" ".join(move.sentences)), ""]
        lines += _of_move(move, explanation)
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is.

    >>> print(escaped("a|b_c"))
    a\|b\_c
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _of_move(move: Move, explanation: Explanation) -> list[str]:
    lines: list[str] = []
    if "symbols" in explanation.shown:
        for symbol in move.symbols:
            lines += [f"$${symbol.tex}$$", ""]
    if "numbers" in explanation.shown:
        for piece in move.numbers:
            lines += (
                _of_table(piece, explanation.digits)
                if isinstance(piece, Table)
                else [escaped(piece)]
            )
            lines.append("")
    if "code" in explanation.shown:
        lines += ["```python", *move.code, "```", ""]
    return lines


def _of_table(table: Table, digits: int | None) -> list[str]:
    lines = [escaped(table.caption), ""] if table.caption else []
    lines.append(_row([escaped(h) for h in table.head]))
    lines.append(_row(["---", *["---:"] * (len(table.head) - 1)]))
    for i, row in enumerate(table.rows):
        cells = ["" if c is None else escaped(figure(c, digits)) for c in row]
        cells += [""] * (len(table.head) - len(cells))
        if i == len(table.rows) - 1 and table.totals:
            cells = [f"**{c}**" if c else "" for c in cells]
        lines.append(_row(cells))
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
