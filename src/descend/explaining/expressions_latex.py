r"""Formulas of `descend.explaining.expressions`, written for LaTeX's mathematics.

>>> latex("np.exp(s) / (1 + beta1)", {"beta1": r"\beta_1"})
'\\frac{e^{s}}{1 + \\beta_1}'
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from descend.explaining.expressions import ATOM, POWER, PRODUCT, SIGN, SUM, called, parsed

if TYPE_CHECKING:
    from descend.explaining.expressions import Names

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: r"\le",
    ast.Gt: ">",
    ast.GtE: r"\ge",
}
_WRITTEN = {
    "np.sign": r"\operatorname{{sign}}({})",
    "np.maximum": r"\max({}, {})",
    "min": r"\min({}, {})",
    "np.clip": r"\operatorname{{clip}}({}, {}, {})",
    "np.minimum": r"\min({}, {})",
    "sigmoid": r"\sigma({})",
    "soft": r"\operatorname{{soft}}({}, {})",
    "np.linalg.norm": r"\lVert {} \rVert",
    "np.sum": r"\sum {}",
    "abs": r"\lvert {} \rvert",
    "np.sqrt": r"\sqrt{{{}}}",
    "np.exp": "e^{{{}}}",
    "np.log1p": r"\log(1 + {})",
}
_NAMED = {"np.tanh": r"\tanh", "np.cos": r"\cos", "np.sin": r"\sin", "np.log": r"\log"}


def latex(formula: str | ast.expr, names: Names) -> str:
    """Return a formula as LaTeX's mathematics, with amsmath's commands and no others."""
    return _tex(parsed(formula) if isinstance(formula, str) else formula, names)[0]


def _tex(node: ast.expr, names: Names) -> tuple[str, int]:  # noqa: PLR0911 - one line a kind
    match node:
        case ast.Constant(value=number):
            digits, _, power = format(number, "g").partition("e")
            ten = f"10^{{{int(power)}}}" if power else ""
            return (
                ten if digits == "1" and ten else digits + (rf" \cdot {ten}" if ten else "")
            ), ATOM
        case ast.Name(id=name):
            return names.get(name, name), ATOM
        case ast.Attribute(attr="pi"):
            return r"\pi", ATOM
        case ast.UnaryOp(operand=operand):
            return "-" + _held(operand, names, PRODUCT), SIGN
        case ast.BinOp():
            return _of_operation(node, names)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = (_tex(side, names)[0] for side in (left, right))
            return f" {_COMPARED[type(op)]} ".join(sides), SUM
        case ast.Call(func=func, args=args):
            return _of_call(called(func), args, names)
    raise AssertionError(ast.dump(node))


def _held(node: ast.expr, names: Names, least: int) -> str:
    text, tightness = _tex(node, names)
    return text if tightness >= least else f"({text})"


def _of_operation(node: ast.BinOp, names: Names) -> tuple[str, int]:
    left, right = node.left, node.right
    match node.op:
        case ast.Div():
            return rf"\frac{{{latex(left, names)}}}{{{latex(right, names)}}}", ATOM
        case ast.Pow():
            return f"{_held(left, names, ATOM)}^{{{latex(right, names)}}}", POWER
        case ast.Mult():
            second = _held(right, names, POWER)
            between = r"\cdot" if second[:1].isdigit() else r"\,"
            return f"{_held(left, names, PRODUCT)} {between} {second}", PRODUCT
        case ast.Add():
            return f"{_held(left, names, SUM)} + {_held(right, names, PRODUCT)}", SUM
    return f"{_held(left, names, SUM)} - {_held(right, names, PRODUCT)}", SUM


def _of_call(function: str, args: list[ast.expr], names: Names) -> tuple[str, int]:
    if function == "np.where":
        condition, here, there = (latex(a, names) for a in args)
        cases = rf"{here} & \text{{where }} {condition} \\ {there} & \text{{else}}"
        return rf"\begin{{cases}} {cases} \end{{cases}}", ATOM
    if function == "np.expm1":
        return f"e^{{{latex(args[0], names)}}} - 1", SUM
    if function == "np.logaddexp":
        return rf"\log(1 + e^{{{latex(args[1], names)}}})", ATOM
    if function in _NAMED:
        return f"{_NAMED[function]} {_held(args[0], names, ATOM)}", PRODUCT
    return _WRITTEN[function].format(*(latex(a, names) for a in args)), ATOM
