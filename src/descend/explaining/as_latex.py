"""An explanation as a LaTeX document that needs amsmath and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.explaining.pieces import Table, figure

if TYPE_CHECKING:
    from descend.explaining.explanation import Explanation
    from descend.explaining.pieces import Cell, Move

_HEAD = r"""\documentclass{article}
\usepackage{amsmath}
\begin{document}
"""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"$|$",
    "-": "-{}",
}
_SIGNS = {
    '"': "''",
    "θ": r"$\theta$",
    "η": r"$\eta$",
    "β": r"$\beta$",
    "ε": r"$\varepsilon$",
    "ρ": r"$\rho$",
    "δ": r"$\delta$",
    "α": r"$\alpha$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ψ": r"$\psi$",
    "σ": r"$\sigma$",
    "Π": r"$\Pi$",
    "Σ": r"$\Sigma$",
    "π": r"$\pi$",
    "∂": r"$\partial$",
    "√": r"$\surd$",
    "‖": r"$\|$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "→": r"$\to$",
    "…": r"\dots{}",
    "₁": "$_1$",
    "₂": "$_2$",
    "²": "$^2$",
    "³": "$^3$",
    "⁻": "$^-$",
    "¹": "$^1$",
    "ᵀ": r"$^\top$",
}


def latex_of(explanation: Explanation) -> str:
    """Return the whole document."""
    lines = [rf"\section*{{{escaped(explanation.title)}}}", ""]
    lines += [escaped(" ".join(explanation.sentences)), ""]
    for number, move in enumerate(explanation.moves, start=1):
        lines += [rf"\subsection*{{{number}. {escaped(move.title)}}}", ""]
        lines += [escaped(" ".join(move.sentences)), "", *_of_move(move, explanation)]
    return _HEAD + "\n".join(lines) + "\n\\end{document}\n"


def escaped(text: str) -> str:
    r"""Return text that LaTeX sets as it is; a character it has no sign for, by its number.

    >>> print(escaped("50%_of a&b"), escaped("数"))
    50\%\_of a\&b [U+6570]
    """
    return "".join(map(_sign, " ".join(text.split())))


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character in _SPECIAL:
        return _SPECIAL[character]
    plain = character.isascii() or "À" <= character <= "ÿ"
    return character if plain and character.isprintable() else f"[U+{ord(character):04X}]"


def _of_move(move: Move, explanation: Explanation) -> list[str]:
    lines: list[str] = []
    if "symbols" in explanation.shown and move.symbols:
        rows = " \\\\\n".join(f"  & {symbol.tex}" for symbol in move.symbols)
        lines += [r"\begin{align*}", rows, r"\end{align*}", ""]
    if "numbers" in explanation.shown:
        for piece in move.numbers:
            lines += (
                _of_table(piece, explanation.digits)
                if isinstance(piece, Table)
                else [rf"\noindent {escaped(piece)}", ""]
            )
    if "code" in explanation.shown and move.code:
        lines += [r"\begin{verbatim}", *map(_plain, move.code), r"\end{verbatim}", ""]
    return lines


def _plain(line: str) -> str:
    """Return a line of code in the characters that verbatim can set."""
    return line.encode("ascii", "replace").decode()


def _of_table(table: Table, digits: int | None) -> list[str]:
    lines = [rf"\noindent {escaped(table.caption)}", ""] if table.caption else []
    lines += [rf"\noindent\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}"]
    lines += [_row([escaped(h) for h in table.head]), r"\hline"]
    for i, row in enumerate(table.rows):
        if table.totals and i == len(table.rows) - table.totals:
            lines.append(r"\hline")
        cells = [_cell(c, digits) for c in row]
        lines.append(_row(cells + [""] * (len(table.head) - len(cells))))
    return [*lines, r"\end{tabular}", ""]


def _cell(cell: Cell, digits: int | None) -> str:
    if cell is None:
        return ""
    return escaped(cell) if isinstance(cell, str) else f"${figure(cell, digits)}$"


def _row(cells: list[str]) -> str:
    return rf"{' & '.join(cells)} \\"
