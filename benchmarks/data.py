"""Seeded data for the rows, and the losses they are judged by, in plain NumPy and double."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def numbers(n: int, d: int, seed: int = 0, dtype: Any = np.float64) -> tuple[Any, Any]:
    """Return standard normal rows and y = x·w + b + noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32).astype(dtype)
    w = rng.standard_normal(d)
    y = X @ w.astype(dtype) + 0.5 + rng.standard_normal(n)
    return X, y.astype(dtype)


def labels(
    n: int, d: int, classes: int = 2, seed: int = 0, dtype: Any = np.float64
) -> tuple[Any, Any]:
    """Return standard normal rows and integer labels drawn by a noisy linear rule."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32).astype(dtype)
    W = rng.standard_normal((d, classes)) / np.sqrt(d)
    scores = 2.0 * (X @ W.astype(dtype)) + rng.gumbel(size=(n, classes))
    return X, scores.argmax(axis=1)


def squared(X: Any, y: Any, w: Any, b: Any) -> float:
    """Return the mean of (x·w + b - y)²."""
    return float(np.mean((X @ w + b - y) ** 2))


def logistic(X: Any, y: Any, w: Any, b: Any) -> float:
    """Return the mean logistic loss of labels 0 and 1."""
    z = X @ w + b
    return float(np.mean(np.logaddexp(0.0, z) - y * z))


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def softmax(Z: Any, y: Any) -> float:
    """Return the mean of log Σ exp(z) - z_y."""
    top = Z.max(axis=1)
    total = top + np.log(np.exp(Z - top[:, None]).sum(axis=1))
    return float(np.mean(total - Z[np.arange(len(y)), y]))


def layers(theta: Any, sizes: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Return views (W, b) of each layer of a flat theta, in the order of `descend.models`."""
    found, at = [], 0
    for i in range(len(sizes) - 1):
        size = sizes[i] * sizes[i + 1]
        W = theta[at : at + size].reshape(sizes[i], sizes[i + 1])
        found.append((W, theta[at + size : at + size + sizes[i + 1]]))
        at += size + sizes[i + 1]
    return found


def glorot(sizes: tuple[int, ...], seed: int = 0) -> Any:
    """Return a flat start for a net: uniform within ± sqrt(6 / (in + out)), biases 0."""
    rng = np.random.default_rng(seed)
    theta = np.zeros(sum((a + 1) * b for a, b in itertools.pairwise(sizes)))
    for W, _ in layers(theta, sizes):
        limit = np.sqrt(6.0 / sum(W.shape))
        W[:] = rng.uniform(-limit, limit, W.shape)
    return theta


def scores(theta: Any, sizes: tuple[int, ...], X: Any, activation: Any) -> Any:
    """Return a net's scores in double."""
    passed = np.asarray(X, dtype=np.float64)
    stack = layers(np.asarray(theta, dtype=np.float64), sizes)
    for depth, (W, b) in enumerate(stack):
        passed = passed @ W + b
        if depth < len(stack) - 1:
            passed = activation(passed)
    return passed
