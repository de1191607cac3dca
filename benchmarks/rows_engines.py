"""The engines that differentiate, beside the loops one writes by hand with their libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Goal, Race, UnfairError, peers, row
from benchmarks.rows_moons import HIDDEN, RATE, SIZES, moons, with_jax, with_torch


def train_by(engine: str, X: Any, y: Any, start: Any, steps: int) -> Any:
    """Return our (theta, losses) by an engine."""
    task = ds.Task(ds.MLP(HIDDEN, init=start), ds.logistic(), ds.gradient_descent(RATE))
    run = ds.train(task, X, y, epochs=steps, engine=engine)
    return run.theta, run.history["loss"]


def race(engine: str, name: str, peer: Any, steps: int) -> Race:
    """Return a race of an engine of ours against its library's own loop."""
    X, y, start = moons()

    def judge(answer: Any) -> float:
        theta, losses = answer
        if len(losses) != steps:
            msg = f"recorded {len(losses)} losses of {steps}"
            raise UnfairError(msg)
        z = data.scores(theta, SIZES, X, np.tanh)[:, 0]
        return float(np.mean(np.logaddexp(0.0, z) - y * z))

    makers = {name: lambda: peer(X, y, start, steps)}
    return Race(lambda: train_by(engine, X, y, start, steps), peers(makers), judge)


@row(
    "engine-jax",
    "engine jax: two moons, net (4, 10, 4), 5000 full-batch steps",
    {"JAX jit+scan": Goal(1.1, most=True)},
    "Recorded as by default; the loop by hand is one scan, compiled before it is timed.",
)
def by_jax(*, smoke: bool) -> Race:
    """Prepare it."""
    steps = 20 if smoke else 5000

    def scan(X: Any, y: Any, start: Any, steps: int) -> Any:
        return with_jax(X, y, start, steps, jit=True)

    return race("jax", "JAX jit+scan", scan, steps)


@row(
    "engine-torch",
    "engine torch: two moons, net (4, 10, 4), 1000 full-batch steps",
    {"PyTorch eager": 1.5},
    "Recorded as by default; the loop by hand is nn.Sequential with torch.optim.",
)
def by_torch(*, smoke: bool) -> Race:
    """Prepare it."""
    return race("torch", "PyTorch eager", with_torch, 20 if smoke else 1000)
