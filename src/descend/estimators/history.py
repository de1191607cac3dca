"""The history of a fit, an entry per epoch, as arrays and as a table.

>>> history = EpochHistory.of_epochs([4.0, 2.0, 1.5], validation_loss=[5.0, 3.0, 3.5])
>>> history["loss"].tolist(), history.epochs.tolist(), history.best_epoch
([4.0, 2.0, 1.5], [1, 2, 3], 2)
>>> history
EpochHistory of 3 epochs
             epoch  loss  validation_loss
first            1     4                5
last             3   1.5              3.5
best             2     2                3
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import Floats
from descend.errors import InputError, UnavailableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.arrays import Array
    from descend.run import Run

# The watched column is the first of these that was recorded.
WATCHED = ("validation_loss", "loss")


@final
class EpochHistory(Mapping[str, Floats]):
    """What was recorded of a fit, by name: ``history["loss"]`` has an entry per epoch.

    ``loss``: the objective over the training rows, penalty included.  With all rows to an update
    it is that before the epoch's update; with batches the mean over the epoch's batches, each
    before its own update.  So the last entry is not quite the fitted model's: that is ``loss_``.
    ``learning_rate``: at the epoch's first update; for a search, how far it went.
    ``validation_loss`` (without the penalty) and metrics such as ``validation_accuracy`` or
    ``validation_rmse``: at the epoch's end, where there were validation rows.

    A very long history is thinned: an entry then is the mean over several epochs, and `epochs`
    says how many were done at its end.

    Parameters
    ----------
    columns
        Name to numbers, all of one length.
    epochs
        How many epochs were done at the end of each entry, ascending; default 1, 2, 3 …

    Attributes
    ----------
    epochs
        (rows,) of ints, as given.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=3)
    >>> history = EpochHistory.of(run)
    >>> list(history), history["loss"].round(2)
    (['loss', 'learning_rate'], array([5.  , 2.83, 1.63]))
    """

    def __init__(self, columns: Mapping[str, Any], epochs: Any = None) -> None:
        found: dict[str, Floats] = {
            name: _frozen(values, np.float64) for name, values in columns.items()
        }
        rows = max((len(values) for values in found.values()), default=0)
        self.epochs: Array = _frozen(np.arange(1, rows + 1) if epochs is None else epochs, np.int64)
        for name, values in found.items():
            if values.shape != self.epochs.shape:
                msg = (
                    f"The columns of a history have an entry per epoch; {name!r} has shape "
                    f"{values.shape}, the epochs {self.epochs.shape}."
                )
                raise InputError(msg)
        self._columns = found

    @classmethod
    def of(cls, run: Run) -> EpochHistory:
        """Return the history of a run; without entries where it was told to record nothing."""
        history, m = run.history, run.setup.batches_per_epoch
        if history.epochs.names:
            spans = history.epoch_spans
            found = {name: history[name] for name in history.epochs.names}
            columns = {"loss": found.pop("epoch_loss"), **found}
        elif run.setup.full_batch:
            spans, columns = history.steps, {"loss": history["loss"]}
        else:  # a run on batches has a series of epochs
            raise AssertionError
        rows = np.searchsorted(history.steps[:, 0], spans[:, 0] * m, side="right") - 1
        columns["learning_rate"] = history["learning_rate"][rows]
        return cls(columns, spans[:, 1])

    @classmethod
    def of_epochs(cls, losses: Any, **others: Any) -> EpochHistory:
        """Return the history of losses that were collected one by one, and of other columns."""
        return cls({"loss": losses, **others})

    # ------------------------------------------------------------ a mapping

    def __getitem__(self, name: str) -> Floats:
        """Return a column (rows,) by name."""
        if name not in self._columns:
            msg = f"The history has no {name!r}{did_you_mean(str(name), self)}; it has "
            raise KeyError(msg + f"{', '.join(self) or 'no columns'}.")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the columns' names."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        """Tell whether epochs, names and numbers are the same; NaN equals NaN."""
        if not isinstance(other, EpochHistory):
            return NotImplemented
        return (
            list(self) == list(other)
            and np.array_equal(self.epochs, other.epochs)
            and all(np.array_equal(self[name], other[name], equal_nan=True) for name in self)
        )

    __hash__ = None  # type: ignore[assignment]

    # ------------------------------------------------------------ what it says

    @property
    def thinned(self) -> bool:
        """Whether entries are means over several epochs."""
        return bool((np.diff(self.epochs, prepend=0) > 1).any())

    @property
    def watched(self) -> str:
        """The column by which epochs are compared: ``validation_loss``, else ``loss``."""
        return next((name for name in WATCHED if name in self), "loss")

    @property
    def best_epoch(self) -> int | None:
        """The epoch at which the watched column is lowest, the first of equals; None if none is."""
        row = self._best_row()
        return None if row is None else int(self.epochs[row])

    def _best_row(self) -> int | None:
        values = self._columns.get(self.watched, np.empty(0))
        return int(np.nanargmin(values)) if not np.isnan(values).all() else None

    def followed_by(self, other: EpochHistory) -> EpochHistory:
        """Return this history with another one after it, its epochs counted on.

        What only one of them has is NaN in the other's part.
        """
        done = int(self.epochs[-1]) if len(self.epochs) else 0
        epochs = np.concatenate([self.epochs, other.epochs + done])
        names = dict.fromkeys([*self, *other])
        parts = {name: np.concatenate([one._of(name) for one in (self, other)]) for name in names}
        return EpochHistory(parts, epochs)

    __add__ = followed_by

    def _of(self, name: str) -> Floats:
        missing: Floats = np.full(self.epochs.shape, np.nan)
        return self._columns.get(name, missing)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: a row per entry, the index its epoch.

        Raises
        ------
        UnavailableError
            If pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - optional, and slow to load
        except ImportError as error:
            msg = "A history becomes a table of pandas, which is not installed: pip install pandas."
            raise UnavailableError(msg) from error
        return pd.DataFrame(dict(self), index=pd.Index(self.epochs, name="epoch"))

    # ------------------------------------------------------------ shown

    def _table(self) -> list[list[str]]:
        """Return the header and the rows first, last, best, as text."""
        best = self._best_row()
        chosen = [("first", 0), ("last", len(self.epochs) - 1)]
        chosen += [] if best is None else [("best", best)]
        rows = [
            [word, str(self.epochs[row]), *(f"{self[name][row]:.5g}" for name in self)]
            for word, row in chosen
        ]
        return [["", "epoch", *self], *rows]

    def _title(self) -> str:
        if not len(self.epochs):
            return "EpochHistory without entries: nothing was recorded"
        count = int(self.epochs[-1])
        means = f", in {len(self.epochs)} means over several each" if self.thinned else ""
        return f"EpochHistory of {count} epoch{'' if count == 1 else 's'}{means}"

    def __repr__(self) -> str:
        """Return a short table: the first, the last and the best epoch."""
        if not len(self.epochs):
            return self._title()
        header, *rows = self._table()
        widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
        widths[0] = 5
        lines = [
            line[0].ljust(widths[0])
            + "".join(f"  {cell:>{w}}" for cell, w in zip(line[1:], widths[1:], strict=True))
            for line in (header, *rows)
        ]
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        """Return the same table for notebooks."""
        title = f"<caption>{escape(self._title())}</caption>"
        if not len(self.epochs):
            return f"<table>{title}</table>"
        header, *rows = self._table()
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
        body = "".join(
            f'<tr><th scope="row">{escape(line[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in line[1:])
            + "</tr>"
            for line in rows
        )
        return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _frozen(values: Any, dtype: Any) -> Any:
    """Return a copy as an array that cannot be written to."""
    found = np.array(values, dtype=dtype)
    found.setflags(write=False)
    return found
