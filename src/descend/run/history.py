"""History: a figure for every update, and summaries of blocks of updates where there are too many.

A `Series` takes rows one after another and keeps at most `capacity` of them. When it is full,
blocks of neighbours are joined: their sums, smallest and largest values stay. What is kept
depends only on how many rows came, never on how they were cut, so a resumed run's history equals
an uninterrupted one.

    >>> series = Series(("loss",), capacity=8)
    >>> series.extend(np.arange(5.0)[:, None], 5)
    >>> series.column("loss")
    array([0., 1., 2., 3., 4.])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.arrays import Floats

# Rows that full series join at the first time; later they join pairs.
FIRST_JOIN = 8


@final
class Series:
    """Rows of figures, in order, within a fixed number of rows.

    Parameters
    ----------
    names
        One per column.
    capacity
        At most this many rows are kept, a multiple of 8; half as many once blocks are joined,
        because a block keeps three figures where a single row keeps one.
    """

    def __init__(self, names: tuple[str, ...], capacity: int) -> None:
        self.names = names
        self.capacity = capacity
        self.block = 1
        self.count = 0
        self._sums: Floats = np.empty((0, len(names)))
        self._lows: Floats = np.empty((0, len(names)))
        self._highs: Floats = np.empty((0, len(names)))

    def __len__(self) -> int:
        """Return how many rows are kept."""
        return (self.count + self.block - 1) // self.block

    def extend(self, rows: Floats, expected: int = 0) -> None:
        """Take rows (m, columns); `expected` rows in all, if known, saves growing again."""
        while len(rows):
            if len(self) == self._limit() and self.count % self.block == 0:
                self._join()
            taken = self._fill(rows, expected)
            rows = rows[taken:]

    def column(self, name: str) -> Floats:
        """Return a column: its values, or its blocks' means."""
        sums: Floats = self._sums[: len(self), self.names.index(name)]
        return sums.copy() if self.block == 1 else sums / self._counts()

    def lows(self, name: str) -> Floats:
        """Return the smallest value of a column in each block."""
        kept = self._sums if self.block == 1 else self._lows
        return kept[: len(self), self.names.index(name)].copy()

    def highs(self, name: str) -> Floats:
        """Return the largest value of a column in each block."""
        kept = self._sums if self.block == 1 else self._highs
        return kept[: len(self), self.names.index(name)].copy()

    def spans(self) -> Any:
        """Return (rows, 2): each block's first row and the row after its last, from 0."""
        first = np.arange(len(self), dtype=np.int64) * self.block
        return np.column_stack([first, np.minimum(first + self.block, self.count)])

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays to be saved."""
        kept: dict[str, Floats] = {"sums": self._sums[: len(self)]}
        if self.block > 1:
            kept["lows"], kept["highs"] = self._lows[: len(self)], self._highs[: len(self)]
        return kept

    @classmethod
    def restored(
        cls, names: tuple[str, ...], capacity: int, block: int, count: int, kept: dict[str, Floats]
    ) -> Series:
        """Return the series whose arrays these are."""
        series = cls(names, capacity)
        series.block, series.count = block, count
        series._sums = np.array(kept["sums"])
        series._lows = np.array(kept.get("lows", np.empty((0, len(names)))))
        series._highs = np.array(kept.get("highs", np.empty((0, len(names)))))
        return series

    def copy(self) -> Series:
        """Return a series that can grow on its own."""
        return Series.restored(self.names, self.capacity, self.block, self.count, self.arrays())

    def _limit(self) -> int:
        return self.capacity if self.block == 1 else self.capacity // 2

    def _counts(self) -> Floats:
        spans = self.spans()
        counts: Floats = (spans[:, 1] - spans[:, 0]).astype(float)
        return counts

    def _fill(self, rows: Floats, expected: int) -> int:
        """Take as many rows as fit before the next join; return how many."""
        room = self._limit() * self.block - self.count
        taken = rows[:room]
        self._reserve(-(-(self.count + len(taken)) // self.block), expected)
        if self.block == 1:
            self._sums[self.count : self.count + len(taken)] = taken
        else:
            self._fill_blocks(taken)
        self.count += len(taken)
        return len(taken)

    def _fill_blocks(self, rows: Floats) -> None:
        # One row after another into its block: the order of a sum decides its last bit.
        place = self.count
        while len(rows):
            offset = place % self.block
            whole = len(rows) // self.block if offset == 0 else 0
            if whole > 1:
                self._fill_whole(place // self.block, rows[: whole * self.block], whole)
                taken = whole * self.block
            else:
                taken = min(self.block - offset, len(rows))
                self._fill_one(place // self.block, offset, rows[:taken])
            place, rows = place + taken, rows[taken:]

    def _fill_whole(self, first: int, rows: Floats, whole: int) -> None:
        blocks = rows.reshape(whole, self.block, -1)
        sums = blocks[:, 0].copy()
        for j in range(1, self.block):
            sums += blocks[:, j]
        self._sums[first : first + whole] = sums
        self._lows[first : first + whole] = blocks.min(axis=1)
        self._highs[first : first + whole] = blocks.max(axis=1)

    def _fill_one(self, place: int, offset: int, rows: Floats) -> None:
        if offset == 0:
            self._sums[place] = self._lows[place] = self._highs[place] = rows[0]
            rows = rows[1:]
        for row in rows:
            self._sums[place] += row
            self._lows[place] = np.minimum(self._lows[place], row)
            self._highs[place] = np.maximum(self._highs[place], row)

    def _join(self) -> None:
        factor = FIRST_JOIN if self.block == 1 else 2
        width = len(self.names)
        kept = len(self) // factor
        lows, highs = (self._sums, self._sums) if self.block == 1 else (self._lows, self._highs)
        parts = self._sums[: kept * factor].reshape(kept, factor, width)
        sums = parts[:, 0].copy()
        for j in range(1, factor):
            sums += parts[:, j]
        self._lows = lows[: kept * factor].reshape(kept, factor, width).min(axis=1)
        self._highs = highs[: kept * factor].reshape(kept, factor, width).max(axis=1)
        self._sums = sums
        self.block *= factor

    def _reserve(self, rows: int, expected: int) -> None:
        if rows <= len(self._sums) and (self.block == 1 or rows <= len(self._lows)):
            return
        wanted = -(-expected // self.block) if expected else 2 * rows
        size = min(max(rows, wanted), self._limit())
        self._sums = _grown(self._sums, size)
        if self.block > 1:
            self._lows, self._highs = _grown(self._lows, size), _grown(self._highs, size)


def _grown(array: Floats, size: int) -> Floats:
    grown = np.empty((size, array.shape[1]))
    grown[: len(array)] = array[:size]
    return grown


@final
@dataclass(frozen=True, eq=False)
class History:
    """What a run recorded, by name: ``history["loss"]`` is the loss before each update.

    Per update: ``loss`` (the objective over the update's batch, before the update),
    ``gradient_norm``, ``update_norm``, ``learning_rate``.  Per epoch, where there is something to
    say: ``epoch_loss`` (the mean of the epoch's batches), ``validation_loss`` (without the penalty)
    and the metrics, such as ``validation_accuracy``.

    Attributes
    ----------
    updates, epochs
        The two series.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> history = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=3).history
    >>> history.names()
    ['loss', 'gradient_norm', 'update_norm', 'learning_rate']
    >>> history["learning_rate"]
    array([0.1, 0.1, 0.1])
    """

    updates: Series
    epochs: Series

    def __getitem__(self, name: str) -> Floats:
        """Return a column by name."""
        for series in (self.updates, self.epochs):
            if name in series.names:
                return series.column(name)
        msg = (
            f"The history has no {name!r}{did_you_mean(name, self.names())}; "
            f"it has {', '.join(self.names())}."
        )
        raise InputError(msg)

    def __contains__(self, name: object) -> bool:
        """Tell whether a column is there."""
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the columns' names."""
        return iter(self.names())

    def names(self) -> list[str]:
        """Return the names of all columns."""
        return [*self.updates.names, *self.epochs.names]

    @property
    def steps(self) -> Any:
        """(rows, 2): the first update of each row of the per-update columns, and the one after."""
        return self.updates.spans()

    @property
    def epoch_spans(self) -> Any:
        """(rows, 2): the same for the per-epoch columns, in epochs."""
        return self.epochs.spans()

    def range_of(self, name: str) -> tuple[Floats, Floats]:
        """Return the smallest and largest value of a column within each row's block."""
        series = self.updates if name in self.updates.names else self.epochs
        return series.lows(name), series.highs(name)
