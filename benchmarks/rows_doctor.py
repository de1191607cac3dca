"""What the doctor costs: at the bedside, and afterwards beside an update over all rows."""

from __future__ import annotations

from typing import Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Goal, Race, row

ALONE = "without Watch"
UPDATES = "twenty updates"


@row(
    "doctor-watch",
    "training with ds.Watch() / without: logistic, 500k x 20, full batch",
    {ALONE: Goal(1.05, most=True)},
    "The ratio is time with the callback / time without; the last look, at the end, is in it.",
)
def watch(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(2_000 if smoke else 500_000, 20)
    task = ds.Task(ds.Linear(), ds.logistic(), ds.nesterov("auto"))
    how: dict[str, Any] = {"epochs": 20 if smoke else 300}

    def with_watch() -> float:
        watching = ds.Watch(say=None)
        run = ds.train(task, X, y, callbacks=[watching], **how)
        assert watching.diagnosis is not None
        return float(run.outcome.loss)

    def without() -> float:
        return float(ds.train(task, X, y, **how).outcome.loss)

    return Race(with_watch, {ALONE: without}, tolerance=0.0)


@row(
    "doctor-afterwards",
    "run.diagnose() / twenty full updates: logistic, 1M x 20",
    {UPDATES: Goal(1.0, most=True)},
    "The ratio is time of a diagnosis / time of twenty updates over all rows on the same run.",
)
def afterwards(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(2_000 if smoke else 1_000_000, 20)
    task = ds.Task(ds.Linear(), ds.logistic(), ds.nesterov("auto"))
    run = ds.train(task, X, y, epochs=20)

    def diagnose() -> float:
        assert len(run.diagnose())
        return float(run.outcome.loss)

    def updates() -> float:
        state = run.program.advance(run.at(0).state, 20).state
        assert np.isfinite(state.theta).all()
        return float(run.outcome.loss)

    return Race(diagnose, {UPDATES: updates}, tolerance=0.0)
