"""Formulas as ONNX nodes: an array namespace whose arrays are places in a graph.

The library's formulas are written for any namespace, so the ones that train are the ones that are
exported.  Only what the formulas of activations and links use is here, in operators that
onnxruntime's CPU provider has in double precision since long: no Erf, Elu, LeakyRelu, Softplus or
Gelu, which it lacks or lacked.  ONNX itself has neither log(1 + x) nor e^x - 1: both are composed
so that nothing is lost near 0 (N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd
edition, 2002, section 1.14.1).
"""

from __future__ import annotations

from typing import Any, final

import numpy as np


@final
class Graph:
    """The nodes and constants of a graph that grows.

    Parameters
    ----------
    taken
        Names that are in use already: the inputs and outputs.
    """

    def __init__(self, taken: set[str]) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[tuple[str, str, bytes], tuple[str, Any]] = {}
        self._taken = taken
        self._count = 0

    def name(self, word: str) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        while f"{word}_{self._count}" in self._taken:
            self._count += 1
        return f"{word}_{self._count}"

    def constant(self, values: Any) -> Symbol:
        """Return an array that is part of the model."""
        array = np.asarray(values)
        text = array.dtype.kind in "OU"
        key = (array.dtype.str, str(array.shape), b"" if text else array.tobytes())
        if text or key not in self.constants:
            found = self.name("constant")
            key = (key[0], found if text else key[1], key[2])
            self.constants[key] = (found, array)
        return Symbol(self, self.constants[key][0], array.dtype.kind)

    def add(self, operator: str, *inputs: Symbol, kind: str = "", **attributes: Any) -> Symbol:
        """Return the result of one more node; of the kind of its first input unless told."""
        from onnx import helper  # noqa: PLC0415 - optional

        name = self.name(operator.lower())
        names = [symbol.name for symbol in inputs]
        self.nodes.append(helper.make_node(operator, names, [name], name, **attributes))
        return Symbol(self, name, kind or inputs[0].kind)


@final
class Symbol:
    """An array that a graph will hold when it runs.

    Parameters
    ----------
    graph, name
        Where, and under which name.
    kind
        As NumPy's ``dtype.kind``: ``"f"`` is double, ``"i"`` int64, ``"b"`` bool, ``"U"`` text.
    """

    def __init__(self, graph: Graph, name: str, kind: str) -> None:
        self.graph, self.name, self.kind = graph, name, kind

    def _with(self, operator: str, other: Any, *, kind: str = "", turned: bool = False) -> Symbol:
        there = _symbol(self, other)
        pair = (there, self) if turned else (self, there)
        return self.graph.add(operator, *pair, kind=kind)

    def __add__(self, other: Any) -> Symbol:
        return self._with("Add", other)

    def __radd__(self, other: Any) -> Symbol:
        return self._with("Add", other, turned=True)

    def __sub__(self, other: Any) -> Symbol:
        return self._with("Sub", other)

    def __rsub__(self, other: Any) -> Symbol:
        return self._with("Sub", other, turned=True)

    def __mul__(self, other: Any) -> Symbol:
        return self._with("Mul", other)

    def __rmul__(self, other: Any) -> Symbol:
        return self._with("Mul", other, turned=True)

    def __truediv__(self, other: Any) -> Symbol:
        return self._with("Div", other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._with("Div", other, turned=True)

    def __mod__(self, other: Any) -> Symbol:
        return self._with("Mod", other)

    def __floordiv__(self, other: Any) -> Symbol:
        # Div of integers rounds towards 0; without its remainder the division is exact.
        whole: Symbol = self - self % other
        return whole._with("Div", other)

    def __matmul__(self, other: Any) -> Symbol:
        return self._with("MatMul", other)

    def __neg__(self) -> Symbol:
        return self.graph.add("Neg", self)

    def __abs__(self) -> Symbol:
        return self.graph.add("Abs", self)

    def __gt__(self, other: Any) -> Symbol:
        return self._with("Greater", other, kind="b")

    def __ge__(self, other: Any) -> Symbol:
        return self._with("GreaterOrEqual", other, kind="b")

    def __lt__(self, other: Any) -> Symbol:
        return self._with("Less", other, kind="b")

    def __le__(self, other: Any) -> Symbol:
        return self._with("LessOrEqual", other, kind="b")

    def equals(self, other: Any) -> Symbol:
        """Return where both are equal."""
        return self._with("Equal", other, kind="b")


def _symbol(beside: Symbol, value: Any) -> Symbol:
    """Return a number as a constant of the kind of the symbol it meets."""
    if isinstance(value, Symbol):
        return value
    dtype = np.int64 if beside.kind == "i" else np.float64
    return beside.graph.constant(np.asarray(value, dtype=dtype))


def _unary(operator: str) -> Any:
    return staticmethod(lambda x: x.graph.add(operator, x))


@final
class Namespace:
    """The functions that formulas ask of a namespace."""

    exp, log, tanh, cos, sin = map(_unary, ("Exp", "Log", "Tanh", "Cos", "Sin"))
    sqrt, abs, sign = map(_unary, ("Sqrt", "Abs", "Sign"))

    @staticmethod
    def where(condition: Symbol, a: Any, b: Any) -> Symbol:
        """Return a where the condition holds, and b elsewhere."""
        beside = a if isinstance(a, Symbol) else b
        if not isinstance(beside, Symbol):
            beside = Symbol(condition.graph, "", "f")
        pair = (_symbol(beside, a), _symbol(beside, b))
        return condition.graph.add("Where", condition, *pair, kind=beside.kind)

    @staticmethod
    def log1p(x: Symbol) -> Symbol:
        """Return log(1 + x) as log(u) x/(u - 1) with u = 1 + x rounded; x where u is 1."""
        u = 1 + x
        return Namespace.where(u.equals(1.0), x, x.graph.add("Log", u) * x / (u - 1))

    @staticmethod
    def expm1(x: Symbol) -> Symbol:
        """Return e^x - 1 as (u - 1) x/log(u) with u = e^x rounded; x where u is 1."""
        u = x.graph.add("Exp", x)
        less = u - 1
        found = Namespace.where(less.equals(-1.0), -1.0, less * x / x.graph.add("Log", u))
        return Namespace.where(u.equals(1.0), x, found)

    @staticmethod
    def max(x: Symbol, axis: int, *, keepdims: bool = False) -> Symbol:
        """Return the largest entry along an axis."""
        return x.graph.add("ReduceMax", x, axes=[axis], keepdims=int(keepdims))

    @staticmethod
    def sum(x: Symbol, axis: int, *, keepdims: bool = False) -> Symbol:
        """Return the sum along an axis."""
        axes = x.graph.constant(np.array([axis], dtype=np.int64))
        return x.graph.add("ReduceSum", x, axes, keepdims=int(keepdims))


XP = Namespace()
