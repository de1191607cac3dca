"""One gradient over many rows: how close reading memory once comes to being all there is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Race, Share, UnfairError, library, peers, row
from descend.curvature import ready
from descend.engines import engine_for

if TYPE_CHECKING:
    from collections.abc import Callable

NOTE = (
    "float32, value and gradient at one theta. Every gradient must be within 1e-4 of the one in "
    "double precision."
)
OFF = 1e-4


@row(
    "gradient-logistic",
    "logistic gradient, 1M x 100, float32",
    {"PyTorch": 4, "JAX": 4.5, "NumPy": 2.2},
    NOTE,
)
def gradient_logistic(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(2_000 if smoke else 1_000_000, 100, dtype=np.float32)
    y = y.astype(np.float32)
    theta = np.random.default_rng(1).standard_normal(101).astype(np.float32) / 10
    makers = {
        "PyTorch": lambda: with_torch(X, y, theta, 1),
        "JAX": lambda: with_jax(X, y, theta, 1),
        "NumPy": lambda: with_numpy(X, y, theta),
    }
    share = Share(X.nbytes, "read_2_threads", 0.8)
    return Race(ours(ds.logistic(), X, y, theta), peers(makers), judge(X, y, theta, 1), share=share)


@row(
    "gradient-softmax",
    "softmax gradient, 200k x 100, 10 classes, float32",
    {"PyTorch": 2, "JAX": 2},
    NOTE,
)
def gradient_softmax(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(1_000 if smoke else 200_000, 100, 10, dtype=np.float32)
    theta = np.random.default_rng(1).standard_normal(1010).astype(np.float32) / 10
    makers = {
        "PyTorch": lambda: with_torch(X, y, theta, 10),
        "JAX": lambda: with_jax(X, y, theta, 10),
    }
    return Race(ours(ds.softmax(), X, y, theta), peers(makers), judge(X, y, theta, 10))


def ours(loss: Any, X: Any, y: Any, theta: Any) -> Contestant:
    """Return the gradient of the engine that `train` would take."""
    problem = ready(ds.Task(ds.Linear(), loss, ds.gradient_descent(0.1)), X, y)
    _, program = engine_for("auto", problem)
    return lambda: program.value_and_gradient(theta)


def split(theta: Any, k: int) -> tuple[Any, Any]:
    """Return W (d, k) and b (k,) of a flat theta."""
    return theta[:-k].reshape(-1, k), theta[-k:]


def judge(X: Any, y: Any, theta: Any, k: int) -> Callable[[Any], float]:
    """Return the judge: the value, once the gradient has been compared with double precision."""
    exact = np.zeros(theta.size)
    W, b = split(theta.astype(np.float64), k)
    for rows in np.array_split(np.arange(len(X)), max(len(X) // 50_000, 1)):
        A = X[rows].astype(np.float64)
        Z = A @ W + b
        if k == 1:
            P = data.sigmoid(Z) - y[rows, None]
        else:
            P = np.exp(Z - Z.max(axis=1, keepdims=True))
            P /= P.sum(axis=1, keepdims=True)
            P[np.arange(len(rows)), y[rows]] -= 1.0
        exact += np.concatenate([(A.T @ P).ravel(), P.sum(axis=0)]) / len(X)

    def judged(answer: Any) -> float:
        loss, gradient = answer
        off = np.linalg.norm(np.asarray(gradient, np.float64) - exact) / np.linalg.norm(exact)
        if not off <= OFF:
            msg = f"its gradient is {off:.1e} away from the one in double precision"
            raise UnfairError(msg)
        return float(loss)

    return judged


def with_numpy(X: Any, y: Any, theta: Any) -> Contestant:
    """Write the formulas down."""
    w, b = theta[:-1], theta[-1]

    def gradient() -> Any:
        z = X @ w + b
        loss = np.mean(np.logaddexp(np.float32(0), z) - y * z, dtype=np.float64)
        error = (data.sigmoid(z) - y) / np.float32(len(X))
        return loss, np.append(X.T @ error, error.sum(dtype=np.float64))

    return gradient


def with_torch(X: Any, y: Any, theta: Any, k: int) -> Contestant:
    """Let autograd differentiate PyTorch's own loss."""
    torch = library("torch")
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    W, b = (torch.from_numpy(part.copy()).requires_grad_() for part in split(theta, k))
    functional = torch.nn.functional

    def gradient() -> Any:
        W.grad = b.grad = None
        scores = X @ W + b
        if k == 1:
            loss = functional.binary_cross_entropy_with_logits(scores[:, 0], y)
        else:
            loss = functional.cross_entropy(scores, y)
        loss.backward()
        return loss.item(), torch.cat([W.grad.ravel(), b.grad]).numpy()

    return gradient


def with_jax(X: Any, y: Any, theta: Any, k: int) -> Contestant:
    """Compile value and gradient together."""
    jax = library("jax")
    jnp = jax.numpy
    X, y, theta = jnp.asarray(X), jnp.asarray(y), jnp.asarray(theta)

    def loss_of(theta: Any, X: Any, y: Any) -> Any:
        if k == 1:
            z = X @ theta[:-1] + theta[-1]
            return jnp.mean(jnp.logaddexp(0.0, z) - y * z)
        W, b = split(theta, k)
        Z = X @ W + b
        chosen = jnp.take_along_axis(Z, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(Z, axis=1) - chosen)

    compiled = jax.jit(jax.value_and_grad(loss_of))

    def gradient() -> Any:
        loss, found = jax.block_until_ready(compiled(theta, X, y))
        return float(loss), np.asarray(found)

    return gradient
