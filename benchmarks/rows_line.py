"""The line: many full-batch steps of a tiny model, every loss on record."""

from __future__ import annotations

from typing import Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Race, UnfairError, library, peers, row

RATE = 0.1


@row(
    "line",
    "line, 10 000 rows, 10 000 full-batch steps, every loss recorded",
    {"PyTorch eager": 500, "JAX jit+scan": 30, "NumPy loop": 80},
    "Double precision. A contestant that has not recorded a loss for every step is void.",
)
def line(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = ds.datasets.line_sgd(500 if smoke else 10_000)
    steps = 50 if smoke else 10_000
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(RATE))

    def ours() -> Any:
        run = ds.train(task, X, y, epochs=steps)
        return run.theta, run.history["loss"]

    def judge(answer: Any) -> float:
        (w, b), losses = answer
        if len(losses) != steps or not np.isfinite(losses).all():
            msg = f"recorded {len(losses)} losses of {steps}"
            raise UnfairError(msg)
        return data.squared(X, y, np.array([w]), b)

    x = X[:, 0].copy()
    makers = {
        "PyTorch eager": lambda: with_torch(x, y, steps),
        "JAX jit+scan": lambda: with_jax(x, y, steps),
        "NumPy loop": lambda: with_numpy(x, y, steps),
    }
    return Race(ours, peers(makers), judge)


def with_numpy(x: Any, y: Any, steps: int) -> Contestant:
    """Write the formulas down."""

    def loop() -> Any:
        w, b, losses = 0.0, 0.0, np.empty(steps)
        for step in range(steps):
            error = w * x + b - y
            losses[step] = np.mean(error**2)
            w, b = w - RATE * 2 * np.mean(error * x), b - RATE * 2 * np.mean(error)
        return (w, b), losses

    return loop


def with_torch(x: Any, y: Any, steps: int) -> Contestant:
    """Let autograd differentiate; torch.optim takes the steps."""
    torch = library("torch")
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    def loop() -> Any:
        w, b = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(2))
        optimizer = torch.optim.SGD([w, b], lr=RATE)
        losses = np.empty(steps)
        for step in range(steps):
            optimizer.zero_grad()
            loss = ((w * x + b - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses[step] = loss.item()
        return (w.item(), b.item()), losses

    return loop


def with_jax(x: Any, y: Any, steps: int) -> Contestant:
    """Compile the whole training into one scan."""
    jax = library("jax")
    jnp = jax.numpy
    x, y = jnp.asarray(x, jnp.float64), jnp.asarray(y, jnp.float64)

    def loss_of(theta: Any, x: Any, y: Any) -> Any:
        return jnp.mean((theta[0] * x + theta[1] - y) ** 2)

    def train(theta: Any, x: Any, y: Any) -> Any:
        def step(theta: Any, _: Any) -> Any:
            loss, gradient = jax.value_and_grad(loss_of)(theta, x, y)
            return theta - RATE * gradient, loss

        return jax.lax.scan(step, theta, None, length=steps)

    compiled = jax.jit(train)

    def loop() -> Any:
        theta, losses = jax.block_until_ready(compiled(jnp.zeros(2, jnp.float64), x, y))
        return tuple(np.asarray(theta)), np.asarray(losses)

    return loop
