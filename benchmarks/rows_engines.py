"""The engines that differentiate, beside the loops one writes by hand with their libraries."""

from __future__ import annotations

from typing import Any

from benchmarks.registry import Goal, Race, peers, row
from benchmarks.rows_moons import judge_of, moons, train_ours, with_jax, with_torch


def race(engine: str, name: str, peer: Any, steps: int) -> Race:
    """Return a race of an engine of ours against its library's own loop."""
    X, y, start = moons()
    makers = {name: lambda: peer(X, y, start, steps)}
    judge = judge_of(X, y, steps)
    return Race(lambda: train_ours(X, y, start, steps, engine), peers(makers), judge)


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
