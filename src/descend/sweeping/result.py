"""The map as a value: its cells, the boundary over them, and the ways it shows itself."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.files import write_bytes
from descend.sweeping.as_svg import svg_of
from descend.sweeping.as_text import text_of
from descend.sweeping.verdicts import VERDICTS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from descend.arrays import Array
    from descend.run import Run
    from descend.sweeping.theory import Limit
    from descend.sweeping.verdicts import Verdict
    from descend.task import Task


@final
@dataclass(frozen=True, eq=False)
class Cell:
    """One run of a map.

    Attributes
    ----------
    learning_rate, value
        Its column and its row.
    verdict
        ``"converged"``, ``"slow"``, ``"oscillating"``, ``"diverged"``, or None if the map was
        interrupted before it.
    first, last
        The objective over all rows at the start and at the end.
    updates
        How many were done.
    arrival
        After how many of them it had come within 1 % for good, or None.
    below_limit
        Whether its rate is below the largest stable step of theory; None where there is none.
    file
        Its run file, or None.
    opened
        How `run` is opened, or None if it was not trained.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent())
    >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> drawn = ds.sweep(task, X, y, across="momentum", values=[0.5], learning_rates=[0.1, 9.0])
    >>> drawn[0, 0].verdict, drawn[0, 1].verdict, drawn[0, 0].run.outcome.step
    ('converged', 'diverged', 100)
    """

    learning_rate: float
    value: float
    verdict: Verdict | None
    first: float
    last: float
    updates: int
    arrival: int | None
    below_limit: bool | None
    file: Path | None = None
    opened: Callable[[], Run] | None = field(default=None, repr=False)

    @property
    def run(self) -> Run:
        """The run itself, with its rows: what `train` returns for the same arguments."""
        if self.opened is None:
            msg = "The map was interrupted before this cell was trained; sweep again to go on."
            raise InputError(msg)
        return self.opened()

    def as_dict(self) -> dict[str, Any]:
        """Return the cell as plain data."""
        return {
            "learning_rate": self.learning_rate,
            "value": self.value,
            "verdict": self.verdict,
            "first": _finite(self.first),
            "last": _finite(self.last),
            "updates": self.updates,
            "arrival": self.arrival,
            "below_limit": self.below_limit,
            "file": None if self.file is None else f"{self.file.parent.name}/{self.file.name}",
        }


@final
@dataclass(frozen=True, eq=False)
class Sweep:
    """A map of runs: learning rates from left to right, another setting from row to row.

    Attributes
    ----------
    task
        What every cell trains; its learning rate stands for none of them.
    across
        What varies from row to row: ``"batch_size"``, ``"init_scale"`` or ``"momentum"``.
    values, learning_rates
        One for each row, one for each column; ascending.
    cells
        Row by row; ``sweep[i, j]`` is the cell of value i and learning rate j.
    limits
        For each row the largest stable step of theory: its ``.step`` (NaN where there is none),
        its ``.basis`` (``"exact"``, ``"bound"``, ``"indicator"``, ``"none"``) and its ``.formula``.
    least, known
        The objective that cells are measured against: the optimum where `known`, else the lowest
        end of a run on the map.
    rows, epochs, batch_size, seed
        Training rows, and as given to `sweep`.
    interrupted
        Whether cells are missing.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent())
    >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> rates = [0.001, 0.1, 0.25, 1.0]
    >>> print(ds.sweep(task, X, y, across="momentum", values=[0, 0.9], learning_rates=rates))
    Learning rate x momentum: linear + squared_error + momentum, 3 rows, 100 epochs
    <BLANKLINE>
     momentum
          0.9   C      C      C   |  D
          0.0   S      C      C   |  D
              1e-3    0.1   0.25     1
                        learning rate
    <BLANKLINE>
    C converged (5)   S slow (1)   O oscillating (0)   D diverged (2)
    | largest stable step 2(1 + β)/λmax: exact
    Within 1 % of the optimum is converged.
    """

    task: Task
    across: str
    values: tuple[float, ...]
    learning_rates: tuple[float, ...]
    cells: tuple[tuple[Cell, ...], ...]
    limits: tuple[Limit, ...]
    least: float
    known: bool
    rows: int
    epochs: int
    batch_size: int | None
    seed: int
    interrupted: bool

    def __getitem__(self, place: tuple[int, int]) -> Cell:
        """Return the cell of row i and column j."""
        try:
            i, j = place
            return self.cells[i][j]
        except (TypeError, ValueError, IndexError) as error:
            msg = (
                f"A map is asked for a cell by row and column, sweep[i, j], below "
                f"({len(self.values)}, {len(self.learning_rates)}). Got {place!r} instead."
            )
            raise InputError(msg) from error

    @property
    def verdicts(self) -> Array:
        """(rows, columns) of words; "" where a cell is missing."""
        return np.array([[cell.verdict or "" for cell in row] for row in self.cells])

    @property
    def best(self) -> Cell:
        """The cell that had converged after the fewest updates; if none had, the lowest at its end.

        Raises
        ------
        InputError
            If no cell was trained, or all of them diverged.
        """
        usable = [
            cell for row in self.cells for cell in row if cell.verdict not in {None, "diverged"}
        ]
        if not usable:
            msg = (
                "No cell of this map converged, nor did any stay finite; try lower learning rates."
            )
            raise InputError(msg)
        return min(usable, key=lambda c: (c.arrival is None, c.arrival or 0, c.last))

    def counts(self) -> dict[Verdict, int]:
        """Return how many cells each verdict has."""
        found = self.verdicts
        return {verdict: int((found == verdict).sum()) for verdict in VERDICTS}

    def __str__(self) -> str:
        """Return the map drawn with letters, for a terminal."""
        return text_of(self)

    def text(self, *, color: bool = False) -> str:
        """Return the map drawn with letters, in a terminal's colours if asked."""
        return text_of(self, color=color)

    def svg(self) -> str:
        """Return the map as one self-contained SVG, for light and dark screens."""
        return svg_of(self)

    def _repr_svg_(self) -> str:
        return self.svg()

    def as_dict(self) -> dict[str, Any]:
        """Return the map as plain data; numbers that JSON lacks are None."""
        return {
            "task": str(self.task),
            "across": self.across,
            "values": list(self.values),
            "learning_rates": list(self.learning_rates),
            "limits": [
                {"step": _finite(limit.step), "basis": limit.basis, "formula": limit.formula}
                for limit in self.limits
            ],
            "least": _finite(self.least),
            "least_is": "the optimum" if self.known else "the lowest end of a run on the map",
            "rows": self.rows,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "interrupted": self.interrupted,
            "counts": self.counts(),
            "cells": [[cell.as_dict() for cell in row] for row in self.cells],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to a file: drawn as ``.svg`` or ``.txt``, or as data in ``.json``.

        Raises
        ------
        InputError
            If the name ends otherwise, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending not in {".svg", ".txt", ".json"}:
            msg = (
                f"A map is saved as .svg, .txt or .json; found {Path(path).name!r}. "
                "Name one of them."
            )
            raise InputError(msg)
        content = {".svg": self.svg, ".txt": lambda: f"{self}\n", ".json": self._json}[ending]()
        write_bytes(path, content)

    def _json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
