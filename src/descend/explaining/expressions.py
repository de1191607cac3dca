"""One formula, four voices: a line of NumPy is computed, read as symbols, and read with numbers.

A formula is written once, as the right side of a line of NumPy.  Here it is parsed, never run as
code: `value` computes it by the few operations it may hold, `symbols` writes it as mathematics,
and with numbers in the place of names it becomes the sum that a learner does by hand.
`descend.explaining.expressions_latex` writes it for LaTeX.

>>> symbols("2 * (s - y)", {})
'2 (s - y)'
>>> symbols("2 * (s - y)", {"s": "0.5", "y": "-1.5"}, times=" · ")
'2 · (0.5 - (-1.5))'
>>> value("2 * (s - y)", {"s": 0.5, "y": -1.5})
4.0
"""

from __future__ import annotations

import ast
import operator
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Names = Mapping[str, str]

# How tightly an expression holds together: a sum, a product, a sign, a power, an atom.
SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 6)
_OPERATIONS: dict[type[Any], tuple[Callable[[Any, Any], Any], str, int]] = {
    ast.Add: (operator.add, " + ", SUM),
    ast.Sub: (operator.sub, " - ", SUM),
    ast.Mult: (operator.mul, " ", PRODUCT),
    ast.Div: (operator.truediv, " / ", PRODUCT),
    ast.Pow: (operator.pow, "^", POWER),
}
_COMPARED: dict[type[Any], tuple[Callable[[Any, Any], Any], str]] = {
    ast.Lt: (operator.lt, "<"),
    ast.LtE: (operator.le, "≤"),
    ast.Gt: (operator.gt, ">"),
    ast.GtE: (operator.ge, "≥"),
}


def soft(z: Any, t: Any) -> Any:
    """Return z moved towards 0 by t; what lies within t of 0 becomes 0."""
    return np.where(z > t, z - t, np.where(z < -t, z + t, 0.0))


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + e^-z); no exponential of a large number is taken."""
    return np.exp(-np.logaddexp(0, -z))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "soft": soft,
    "sigmoid": sigmoid,
    "np.linalg.norm": np.linalg.norm,
    "min": min,
    **{
        f"np.{name}": getattr(np, name)
        for name in (
            "cos",
            "clip",
            "exp",
            "expm1",
            "log",
            "log1p",
            "logaddexp",
            "maximum",
            "minimum",
            "sign",
            "sin",
            "sqrt",
            "sum",
            "tanh",
            "where",
        )
    },
}


@cache
def parsed(formula: str) -> ast.expr:
    """Return the tree of a formula."""
    return ast.parse(formula, mode="eval").body


def called(node: ast.expr) -> str:
    """Return ``np.exp`` for the function of that call."""
    return ast.unparse(node)


def value(formula: str | ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one line a kind
    """Return what a formula comes to, its names taken from `names`."""
    match parsed(formula) if isinstance(formula, str) else formula:
        case ast.Constant(value=number):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.Attribute(attr="pi"):
            return np.pi
        case ast.UnaryOp(operand=operand):
            return -value(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATIONS[type(op)][0](value(left, names), value(right, names))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARED[type(op)][0](value(left, names), value(right, names))
        case ast.Call(func=func, args=args):
            return _FUNCTIONS[called(func)](*(value(a, names) for a in args))
    raise AssertionError(ast.dump(parsed(str(formula))))


# ---------------------------------------------------------------- as mathematics


def symbols(formula: str | ast.expr, names: Names, *, times: str = " ") -> str:
    """Return a formula as text: names as `names` has them, products with `times` between."""
    node = parsed(formula) if isinstance(formula, str) else formula
    return _text(node, names, times)[0]


def _text(node: ast.expr, names: Names, times: str) -> tuple[str, int]:  # noqa: PLR0911
    """Return the text of a tree and how tightly it holds together."""
    match node:
        case ast.Constant(value=number):
            return format(number, "g"), ATOM
        case ast.Name(id=name):
            found = names.get(name, name)
            return found, SIGN if found.startswith("-") else ATOM
        case ast.Attribute(attr="pi"):
            return "π", ATOM
        case ast.UnaryOp(operand=operand):
            return "-" + _held(operand, names, times, PRODUCT), SIGN
        case ast.BinOp():
            return _of_operation(node, names, times)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = (_text(side, names, times)[0] for side in (left, right))
            return f" {_COMPARED[type(op)][1]} ".join(sides), SUM
        case ast.Call(func=func, args=args):
            return _of_call(called(func), args, names, times)
    raise AssertionError(ast.dump(node))


def _held(node: ast.expr, names: Names, times: str, least: int) -> str:
    """Return the text, in parentheses unless it holds together at least that tightly."""
    text, tightness = _text(node, names, times)
    return text if tightness >= least else f"({text})"


def _of_operation(node: ast.BinOp, names: Names, times: str) -> tuple[str, int]:
    _, sign, tightness = _OPERATIONS[type(node.op)]
    if isinstance(node.op, ast.Pow):
        base = _held(node.left, names, times, ATOM)
        if isinstance(node.right, ast.Constant) and node.right.value == 2:  # noqa: PLR2004 - squared
            return f"{base}²", POWER
        return f"{base}^{_held(node.right, names, times, ATOM)}", POWER
    if isinstance(node.op, ast.Mult):
        sign = times
    first = _held(node.left, names, times, tightness)
    # A sign or a number that follows an operation stands in parentheses: 2 - (-3).
    strict = isinstance(node.op, ast.Sub | ast.Div)
    second_text, second = _text(node.right, names, times)
    alone = second == SIGN or second < tightness or (strict and second == tightness)
    if isinstance(node.op, ast.Mult) and second_text[:1].isdigit():
        sign = " · "  # two numbers side by side would be one
    return first + sign + (f"({second_text})" if alone else second_text), tightness


_WRITTEN = {
    "np.sign": "sign({})",
    "np.maximum": "max({}, {})",
    "np.clip": "clip({}, {}, {})",
    "np.minimum": "min({}, {})",
    "soft": "soft({}, {})",
    "sigmoid": "σ({})",
    "np.linalg.norm": "‖{}‖",
    "np.sum": "Σ {}",
    "abs": "|{}|",
    "min": "min({}, {})",
}
_NAMED = {"np.tanh": "tanh", "np.cos": "cos", "np.sin": "sin", "np.log": "log"}


def _of_call(  # noqa: PLR0911 - one line for each kind of function
    function: str, args: list[ast.expr], names: Names, times: str
) -> tuple[str, int]:
    if function == "np.where":
        condition, here, there = (_text(a, names, times)[0] for a in args)
        return f"{here} where {condition}, else {there}", 0
    if function == "np.exp":
        return f"e^{_held(args[0], names, times, SIGN)}", POWER
    if function == "np.expm1":
        return f"e^{_held(args[0], names, times, SIGN)} - 1", SUM
    if function == "np.log1p":
        return f"log(1 + {_text(args[0], names, times)[0]})", ATOM
    if function == "np.logaddexp":
        return f"log(1 + e^{_held(args[1], names, times, SIGN)})", ATOM
    if function == "np.sqrt":
        return f"√{_held(args[0], names, times, ATOM)}", ATOM
    if function in _NAMED:
        return f"{_NAMED[function]} {_held(args[0], names, times, ATOM)}", PRODUCT
    return _WRITTEN[function].format(*(_text(a, names, times)[0] for a in args)), ATOM


def filled(text: str, names: Names) -> str:
    """Return a text with the names that stand in braces in it written as `names` has them.

    >>> filled("e^-{s}", {"s": "-2"})
    'e^-(-2)'
    """

    def written(found: re.Match[str]) -> str:
        name = names.get(found[1], found[1])
        return f"({name})" if name.startswith("-") else name

    return re.sub(r"\{(\w+)\}", written, text)


def worked(formula: str, names: Names, values: Mapping[str, Any]) -> str:
    """Return a formula with numbers in it; of a choice, the side that these numbers take."""
    node = parsed(formula)
    while isinstance(node, ast.Call) and called(node.func) == "np.where":
        node = node.args[1] if value(node.args[0], values) else node.args[2]
    return symbols(node, names, times=" · ")
