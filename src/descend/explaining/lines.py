"""A line of `descend.explaining.formulas` as code, as mathematics, and worked out."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from descend.explaining.expressions import filled, symbols, worked
from descend.explaining.expressions_latex import latex
from descend.explaining.formulas import SYMBOLS, TEX, Line
from descend.explaining.pieces import Symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.explaining.page import Page


def in_code(formula: str, names: Mapping[str, str]) -> str:
    """Return a formula with other names in it."""
    tree = ast.parse(formula, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
    return ast.unparse(tree)


def hyperparameters(part: Any) -> list[str]:
    """Return a line that sets a part's hyperparameters, if it has any.

    >>> from descend.losses import huber
    >>> hyperparameters(huber(1.5))
    ['delta = 1.5']
    """
    fields = part._asdict()
    if not fields:
        return []
    return [f"{', '.join(fields)} = {', '.join(map(repr, fields.values()))}"]


def symbol_of(line: Line, name: str = "", tex_name: str = "") -> Symbol:
    """Return a line as mathematics, under its own name or another."""
    text = filled(line.text, SYMBOLS) or symbols(line.formula, SYMBOLS)
    tex = line.tex or latex(line.formula, TEX)
    return Symbol(
        f"{name or SYMBOLS.get(line.name, line.name)} = {text}",
        f"{tex_name or TEX.get(line.name, line.name)} = {tex}",
    )


def worked_line(line: Line, values: Mapping[str, Any], page: Page, result: Any, name: str) -> str:
    """Return a line with this update's numbers in it: ``loss = (0.4 - 1.2)² = 0.64``."""
    shown = {key: page.number(value) for key, value in values.items()}
    text = filled(line.text, shown) if line.text else worked(line.formula, shown, values)
    result = page.number(result)
    return f"{name} = {text}" if text == result else f"{name} = {text} = {result}"
