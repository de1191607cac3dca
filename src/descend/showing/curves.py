"""Curves: the figures of a run's history, as many points as a screen can use.

>>> from descend.losses import squared_error
>>> from descend.models import Linear
>>> from descend.optimizers import gradient_descent
>>> from descend.task import Task
>>> from descend.training import train
>>> task = Task(Linear(), squared_error(), gradient_descent(0.1))
>>> run = train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=3)
>>> [curve.label for curve in curves_of(run)]
['training loss', 'gradient norm', 'update norm', 'learning rate']
>>> curves_of(run)[0].x
array([0, 1, 2])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.parts import whole

if TYPE_CHECKING:
    from descend.run import Run
    from descend.run.history import Series


class Curve(NamedTuple):
    """A figure over the course of a run.

    Attributes
    ----------
    name
        As in the history: ``"loss"``, ``"validation_loss"`` …
    label
        For people.
    per
        Whether it was measured at each update or at the end of each epoch.
    x
        (m,) updates done when it was measured; of a block, the middle.
    y
        (m,) the figure, or the mean of its block.
    low, high
        (m,) the smallest and largest of each block; None where every point is one measurement.
    """

    name: str
    label: str
    per: Literal["update", "epoch"]
    x: Array
    y: Floats
    low: Floats | None
    high: Floats | None


def curves_of(run: Run, limit: int = 4000) -> list[Curve]:
    """Return every recorded figure of a run that has at least one measurement, each once.

    Parameters
    ----------
    run
        With or without rows.
    limit
        Points to a curve; where there were more measurements, neighbours are joined into blocks.
    """
    limit = whole("curves_of", "limit", limit)
    history, once = run.history, run.setup.full_batch
    found = []
    if len(history.updates):
        names = history.updates.names
        found += [_curve(run, history.updates, name, "update", limit) for name in names]
    if len(history.epochs):
        # Where every update sees all rows, an epoch's loss is that of its one update: told once.
        names = tuple(n for n in history.epochs.names if n != "epoch_loss" or not once)
        found += [_curve(run, history.epochs, name, "epoch", limit) for name in names]
    return found


def _curve(
    run: Run, series: Series, name: str, per: Literal["update", "epoch"], limit: int
) -> Curve:
    spans = series.spans()
    ends = [series.column(name), series.lows(name), series.highs(name)]
    factor = -(-len(spans) // limit)
    joined = series.block > 1 or factor > 1
    spans, (y, low, high) = _joined(spans, ends, factor)
    x = _measured_at(spans, per, run.setup.batches_per_epoch)
    return Curve(
        name, label_of(run, name), per, x, y, low if joined else None, high if joined else None
    )


def _measured_at(spans: Array, per: str, batches: int) -> Array:
    """Return the updates done when blocks of rows were measured: in the middle of each.

    Figures of an update belong to the point before it, those of an epoch to the point after it.
    """
    if per == "update":
        middle: Array = (spans[:, 0] + spans[:, 1] - 1) // 2
        return middle
    after: Array = (spans[:, 0] + 1 + spans[:, 1]) * batches // 2
    return after


def _joined(spans: Array, ends: list[Floats], factor: int) -> tuple[Array, list[Floats]]:
    """Return blocks of `factor` neighbours: their spans, means, smallest and largest values."""
    if factor == 1:
        return spans, ends
    first = np.arange(0, len(spans), factor)
    last = np.minimum(first + factor, len(spans)) - 1
    counts = (spans[:, 1] - spans[:, 0]).astype(float)
    y, low, high = ends
    with np.errstate(all="ignore"):  # of a run that exploded
        share = counts / np.repeat(np.add.reduceat(counts, first), last - first + 1)
        mean = np.add.reduceat(y * share, first)
    lows, highs = np.minimum.reduceat(low, first), np.maximum.reduceat(high, first)
    return np.column_stack([spans[first, 0], spans[last, 1]]), [mean, lows, highs]


def label_of(run: Run, name: str) -> str:
    """Return what a figure of the history is called on screens."""
    setup, penalty = run.setup, run.task.penalty is not None
    with_penalty = " with its penalty" if penalty else ""
    if name == "loss":
        return f"training loss{with_penalty}" + ("" if setup.full_batch else " of each batch")
    if name == "epoch_loss":
        return f"training loss{with_penalty}, mean of the epoch"
    return name.replace("_", " ")
