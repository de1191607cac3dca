"""What the record costs: the default against `record=False`, everything else alike."""

from __future__ import annotations

from typing import Any

import descend as ds
from benchmarks import data
from benchmarks.registry import Goal, Race, row
from benchmarks.rows_moons import HIDDEN, RATE, moons

OFF = "record=False"
NOTE = "The ratio is time with the default record / time without."


def on_and_off(task: Any, X: Any, y: Any, **how: Any) -> Race:
    """Return the race of the two, with the same final loss to the last bit."""

    def with_record() -> float:
        run = ds.train(task, X, y, **how)
        assert len(run.history["loss"]) > 0
        return float(run.outcome.loss)

    def without() -> float:
        return float(ds.train(task, X, y, record=False, **how).outcome.loss)

    return Race(with_record, {OFF: without}, tolerance=0.0)


@row(
    "recording-line", "recording on / off: the line, full batch", {OFF: Goal(1.10, most=True)}, NOTE
)
def full_batch_line(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = ds.datasets.line_sgd(500 if smoke else 10_000)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    return on_and_off(task, X, y, epochs=50 if smoke else 10_000)


@row(
    "recording-net", "recording on / off: moons net, full batch", {OFF: Goal(1.10, most=True)}, NOTE
)
def full_batch_net(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y, start = moons()
    task = ds.Task(ds.MLP(HIDDEN, init=start), ds.logistic(), ds.gradient_descent(RATE))
    return on_and_off(task, X, y, epochs=20 if smoke else 5_000)


@row(
    "recording-batches",
    "recording on / off: logistic, 200k x 20, batches of 32",
    {OFF: Goal(1.10, most=True)},
    NOTE,
)
def mini_batches(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(1_000 if smoke else 200_000, 20)
    task = ds.Task(ds.Linear(), ds.logistic(), ds.adam(0.01))
    return on_and_off(task, X, y, epochs=1 if smoke else 3, batch_size=32)


@row(
    "recording-rows",
    "recording on / off: logistic, 1M x 20, row at a time",
    {OFF: Goal(1.25, most=True)},
    NOTE,
)
def row_at_a_time(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(1_000 if smoke else 1_000_000, 20)
    task = ds.Task(ds.Linear(), ds.logistic(), ds.gradient_descent(1e-3))
    return on_and_off(task, X, y, epochs=1, batch_size=1)
