"""What to show of an update, and what to call it: a few rows, columns, units and parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.custom import CustomModel
from descend.explaining.pieces import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Array, Floats
    from descend.explaining.facts import Facts

# How many are shown one by one: columns of X, units of a layer, parameters.
COLUMNS, UNITS, PARAMETERS = 3, 4, 4


class Entry(NamedTuple):
    """One number of theta: where it is, what it is called, and its place in its array."""

    at: int
    label: str
    array: str
    place: tuple[int, ...]


@final
@dataclass(frozen=True, eq=False)
class Page:
    """The facts, and how many digits of them are printed (None: all)."""

    facts: Facts
    digits: int | None

    def number(self, value: Any) -> str:
        """Return a number as it is printed."""
        return figure(value, self.digits)

    def signed(self, value: Any) -> str:
        """Return a number as it is printed inside a product or a sum."""
        number = self.number(value)
        return f"({number})" if number.startswith("-") else number

    @property
    def rows(self) -> list[str]:
        """The names of the rows shown."""
        return [str(row) for row in self.facts.rows[: self.facts.shown]]

    @property
    def hidden(self) -> int:
        """How many rows of the batch are not shown."""
        return self.facts.n - self.facts.shown

    @property
    def custom(self) -> bool:
        """Whether the model is one's own, so that its inside is not known."""
        return isinstance(self.facts.problem.task.model, CustomModel)

    # ------------------------------------------------------------ columns

    @cached_property
    def columns(self) -> list[int]:
        """Return the columns shown: all of a few, else those with the largest terms."""
        d = self.facts.problem.X.shape[1]
        if d <= COLUMNS + 1:
            return list(range(d))
        if not self.facts.layers:
            return list(range(COLUMNS))
        first = self.facts.layers[0]
        return largest_inputs(first.inputs, first.weight, COLUMNS)

    def column(self, index: int) -> str:
        """Return a column's name, shortened where it is long."""
        return short(str(self.facts.run.names[index]))

    def met(self, columns: Sequence[int]) -> Floats:
        """Return some columns of the rows shown, as the model meets them."""
        if self.facts.layers:
            return self.facts.layers[0].inputs[:, columns]
        found: Any = self.facts.X[: self.facts.shown]
        return np.asarray(found[:, columns])

    # ------------------------------------------------------------ outputs and targets

    def output(self, j: int) -> str:
        """Return what an output is called: its label, its number, or nothing if it is alone."""
        classes = self.facts.run.classes
        if self.facts.problem.task.loss.targets == "labels" and classes is not None:
            return short(str(classes[j]))
        return str(j + 1) if self.facts.hand.scores.shape[1] > 1 else ""

    def named_output(self, j: int) -> str:
        """Return what an output is called in a sentence."""
        labels = self.facts.problem.task.loss.targets == "labels"
        return self.output(j) if labels else f"output {self.output(j)}"

    def score(self, j: int) -> str:
        """Return the head of a column of scores."""
        return f"score {self.output(j)}".strip()

    def targets(self, j: int) -> list[Any]:
        """Return the targets of the rows shown: labels, or output `j`."""
        y: Array = self.facts.y[: self.facts.shown]
        if y.ndim == 1:
            classes = self.facts.run.classes or list(range(int(y.max(initial=0)) + 1))
            return [short(str(classes[int(code)])) for code in y]
        return list(y[:, j])

    # ------------------------------------------------------------ parameters

    @cached_property
    def entries(self) -> list[Entry]:
        """Return the parameters shown: all of a few, else the steepest of each array, then others.

        Every array gives its steepest one, as far as there is room.
        """
        layout, steep = self.facts.problem.layout, np.abs(np.nan_to_num(self.facts.gradient))
        if layout.size <= PARAMETERS:
            return [self.entry(i) for i in range(layout.size)]
        slices = [s for s in layout.slices().values() if s.stop > s.start]
        tops = [s.start + int(np.argmax(steep[s])) for s in slices]
        tops = sorted(tops, key=lambda i: -steep[i])[:PARAMETERS]
        others = [int(i) for i in np.argsort(-steep, kind="stable") if int(i) not in tops]
        return [self.entry(i) for i in sorted([*tops, *others][:PARAMETERS])]

    def entry(self, index: int) -> Entry:
        """Return one number of theta by its place in the flat vector."""
        layout = self.facts.problem.layout
        for (name, shape), s in zip(layout.entries, layout.slices().values(), strict=True):
            if s.start <= index < s.stop:
                place = tuple(int(i) for i in np.unravel_index(index - s.start, shape))
                return Entry(index, self._label(name, shape, place), name, place)
        raise AssertionError(index)

    def _label(self, name: str, shape: tuple[int, ...], place: tuple[int, ...]) -> str:
        if self.custom:
            return f"{name}[{', '.join(map(str, place))}]" if math.prod(shape) > 1 else name
        depth = self.depth(name)
        last = depth == len(self.facts.layers) - 1
        to = self.output(place[-1]) if last else str(place[-1] + 1)
        if len(place) == 1:
            return f"{name}[{to}]" if to and shape[0] > 1 else name
        source = self.column(place[0]) if depth == 0 else str(place[0] + 1)
        return f"{name}[{source} → {to}]" if to else f"{name}[{source}]"

    def depth(self, name: str) -> int:
        """Return which layer an array belongs to, from 0."""
        return int(name.removeprefix("layer").split(".")[0]) - 1 if "." in name else 0


def largest_inputs(inputs: Floats, weight: Floats, count: int) -> list[int]:
    """Return the inputs whose products with their weights are largest, in their own order."""
    size = np.nan_to_num(np.abs(inputs).mean(axis=0) * np.abs(weight).sum(axis=1))
    chosen = np.argsort(-size, kind="stable")[:count]
    return sorted(int(i) for i in chosen)


def short(name: str, width: int = 18) -> str:
    """Return a name in at most `width` characters; what is left out is marked.

    >>> short("mean concave points of the nucleus")
    'mean concave poin…'
    """
    name = " ".join(name.split())
    return name if len(name) <= width else name[: width - 1] + "…"
