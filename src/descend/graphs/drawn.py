"""The graph as a value: nodes, edges, and the ways it shows itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, final

import numpy as np

from descend.errors import InputError
from descend.files import write_bytes
from descend.graphs.as_svg import svg_of
from descend.graphs.as_text import text_of

if TYPE_CHECKING:
    import os

    from descend.arrays import Array

Kind = Literal["data", "parameter", "computed"]
# Arrays of at most this many numbers are shown whole.
_FEW = 4


@final
@dataclass(frozen=True, eq=False)
class Node:
    """One array of the computation.

    Attributes
    ----------
    name
        ``"X"``, ``"y"``, a parameter's name in the layout, ``"z1"``, ``"a1"``, ``"scores"``,
        ``"loss"``, ``"mean"`` (or ``"sum"``), ``"penalty"``, ``"objective"``.
    label
        What it is called in formulas: W1 for ``layer1.weight``.
    kind
        ``"data"``, ``"parameter"`` or ``"computed"``.
    formula
        What it is computed by, or "".
    shape
        Numbers, or letters where they are not known.
    value, gradient
        At a step: the array, and the derivative of the objective by it; else None.
    side
        Whether it only feeds the way from X to the objective, and is no part of it.
    """

    name: str
    label: str
    kind: Kind
    formula: str
    shape: tuple[int | str, ...]
    value: Array | None = field(default=None, repr=False)
    gradient: Array | None = field(default=None, repr=False)
    side: bool = False

    @property
    def title(self) -> str:
        """The formula with what it computes, or the label."""
        label = "objective L" if self.name == "objective" else self.label
        return f"{label} = {self.formula}" if self.formula else label

    @property
    def dimensions(self) -> str:
        """The shape, as Python writes it; "" for a single number."""
        if not self.shape:
            return ""
        return f"({', '.join(map(str, self.shape))}{',' if len(self.shape) == 1 else ''})"

    @property
    def shown_value(self) -> str:
        """The value in a few words, or ""."""
        return summary(self.value)

    @property
    def shown_gradient(self) -> str:
        """The gradient in a few words, such as ``dL/dW -1.83375``, or ""."""
        return "" if self.gradient is None else f"dL/d{self.label} {summary(self.gradient)}"


class Edge(NamedTuple):
    """Of two nodes by name: the one that is used, the one computed from it, and the way back.

    ``back`` tells whether a gradient flows back along it.
    """

    source: str
    target: str
    back: bool


@final
@dataclass(frozen=True, eq=False)
class Graph:
    """A computation graph, from rows to the objective.

    Attributes
    ----------
    title
        The task; with a step, which one, and on how many rows.
    nodes
        In the order of computation.
    edges
        Between them.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.logistic(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0]], ["no", "yes"], epochs=5)
    >>> drawn = run.graph(step=0)
    >>> drawn["weight"].shown_gradient, drawn["objective"].shown_value
    ('dL/dW -0.25', '0.693147')
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __getitem__(self, name: str) -> Node:
        """Return the node of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        msg = f"The graph has no node {name!r}; it has {', '.join(n.name for n in self.nodes)}."
        raise InputError(msg)

    def __str__(self) -> str:
        """Return the graph drawn with characters, for a terminal."""
        return text_of(self)

    def svg(self) -> str:
        """Return the graph as one self-contained SVG, for light and dark screens."""
        return svg_of(self)

    def _repr_svg_(self) -> str:
        return self.svg()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file: ``.svg``, or ``.txt`` for the drawing with characters.

        Raises
        ------
        InputError
            If the name ends otherwise, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending not in {".svg", ".txt"}:
            msg = f"A graph is saved as .svg or .txt; found {Path(path).name!r}. Name one of them."
            raise InputError(msg)
        write_bytes(path, self.svg() if ending == ".svg" else f"{self}\n")


def summary(array: Array | None) -> str:
    """Return a small array's numbers, or the mean size and the range of a larger one.

    >>> summary(np.array([[0.25, -1.0]])), summary(np.arange(9.0))
    ('[[0.25, -1]]', 'mean |·| 4, from 0 to 8')
    >>> summary(np.full(9, 0.125)), summary(np.array([0, 2, 1]))
    ('0.125 each', 'labels, 0 to 2')
    """
    if array is None:
        return ""
    array = np.asarray(array)
    if array.ndim == 0 or array.size == 1:
        return f"{float(array.ravel()[0]):.6g}"
    if not np.issubdtype(array.dtype, np.floating):
        return f"labels, {array.min()} to {array.max()}"
    if array.size <= _FEW:
        return _numbers(array)
    if array.min() == array.max():
        return f"{array.min():.6g} each"
    with np.errstate(all="ignore"):
        mean = float(np.abs(array).mean(dtype=np.float64))
    return f"mean |·| {mean:.3g}, from {array.min():.3g} to {array.max():.3g}"


def _numbers(array: Array) -> str:
    if array.ndim == 0:
        return f"{float(array):.4g}"
    return f"[{', '.join(_numbers(row) for row in array)}]"
