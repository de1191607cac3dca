"""Toy data, made by formula: the five classics' own, and the usual shapes for playing.

Every generator returns (X, y) and takes a seed where it draws.  Draws come from NumPy's frozen
legacy stream, as in the documents and in scikit-learn, so that their figures come out again.

    >>> X, y = houses()
    >>> X.shape, y.tolist()
    ((3, 3), [345000.0, 580000.0, 360000.0])
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats


def legacy(seed: int) -> Any:
    """Return the legacy stream that ``np.random.seed(seed)`` would have set."""
    return np.random.RandomState(seed)  # the documents' figures rest on this stream


def houses() -> tuple[Floats, Floats]:
    """Return three houses: floor area, distance to transport, rooms; and their prices."""
    X = np.array([[1250.0, 350.0, 3.0], [1700.0, 900.0, 6.0], [1400.0, 600.0, 3.0]])
    return X, np.array([345000.0, 580000.0, 360000.0])


class Split(NamedTuple):
    """Training and validation rows."""

    X: Floats
    y: Floats
    X_validation: Floats
    y_validation: Floats


def line_by_hand(seed: int = 42, *, n: int = 100, noise: float = 0.1) -> Split:
    """Return n points of y = 1 + 2x + noise N(0, 1), shuffled, 80 % to train, 20 % to validate."""
    rng = legacy(seed)
    x = rng.rand(n, 1)
    y = 1 + 2 * x + noise * rng.randn(n, 1)
    order = np.arange(n)
    rng.shuffle(order)
    kept, held = np.split(order, [n * 4 // 5])
    return Split(x[kept], y[kept], x[held], y[held])


def line_sgd(n: int = 10_000, seed: int = 0, *, noise: float = 0.1) -> tuple[Floats, Floats]:
    """Return n points of y = 3x + 8 + noise N(0, 3), x uniform on [0, 1]."""
    rng = legacy(seed)
    x = rng.uniform(0, 1, n)
    return x[:, None], 3.0 * x + 8.0 + noise * rng.normal(0, 3, n)


def sliders(noise: float = 0.0, seed: int = 0, *, n: int = 100) -> tuple[Floats, Floats]:
    """Return n points of y = 2x + 20 + noise N(0, 1), x evenly on [-5, 5]."""
    x = np.linspace(-5, 5, n)
    return x[:, None], 2 * x + 20 + noise * legacy(seed).normal(size=n)


def moons(
    n: int = 200, noise: float = 0.1, seed: int = 0, *, shuffle: bool = True
) -> tuple[Floats, Array]:
    """Return two interleaving half circles with labels 0 and 1, as scikit-learn's make_moons.

    Points are shuffled before they are blurred, so without `shuffle` the blur is another one too.
    """
    outer = np.linspace(0, np.pi, n // 2)
    inner = np.linspace(0, np.pi, n - n // 2)
    X = np.vstack(
        [
            np.column_stack([np.cos(outer), np.sin(outer)]),
            np.column_stack([1 - np.cos(inner), 1 - np.sin(inner) - 0.5]),
        ]
    )
    y = np.repeat([0, 1], [n // 2, n - n // 2])
    if not shuffle:
        return X + legacy(seed).normal(scale=noise, size=X.shape), y
    return _shuffled(X, y, noise, seed)


def circles(n: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Floats, Array]:
    """Return a circle of radius 1 around one of radius 1/2, with labels 0 and 1."""
    angles = [np.linspace(0, 2 * np.pi, m, endpoint=False) for m in (n // 2, n - n // 2)]
    rings = [
        r * np.column_stack([np.cos(a), np.sin(a)]) for r, a in zip((1, 0.5), angles, strict=True)
    ]
    y = np.repeat([0, 1], [n // 2, n - n // 2])
    return _shuffled(np.vstack(rings), y, noise, seed)


def _shuffled(X: Floats, y: Array, noise: float, seed: int) -> tuple[Floats, Array]:
    """Shuffle and then blur, in scikit-learn's order of draws."""
    rng = legacy(seed)
    order = np.arange(len(X))
    rng.shuffle(order)
    X = X[order]
    return X + rng.normal(scale=noise, size=X.shape), y[order]


def blobs(
    n: int = 200,
    centers: Any = ((0.0, 1.0), (0.0, -1.0)),
    seed: int = 0,
    *,
    spread: float = 1.0,
) -> tuple[Floats, Array]:
    """Return a normal cloud around each centre, as scikit-learn's make_blobs."""
    rng = legacy(seed)
    centers = np.asarray(centers, dtype=float)
    counts = np.full(len(centers), n // len(centers))
    counts[: n % len(centers)] += 1
    clouds = [
        rng.normal(loc=c, scale=spread, size=(m, centers.shape[1]))
        for c, m in zip(centers, counts, strict=True)
    ]
    order = np.arange(n)
    rng.shuffle(order)
    return np.vstack(clouds)[order], np.repeat(np.arange(len(centers)), counts)[order]


def spiral(n: int = 200, noise: float = 0.05, seed: int = 0) -> tuple[Floats, Array]:
    """Return two arms that wind 1 3/4 times around the origin, with labels 0 and 1."""
    y = np.arange(n) % 2
    r = np.sqrt(np.linspace(0.01, 1, n))
    angle = 3.5 * np.pi * r + np.pi * y
    X = np.column_stack([r * np.cos(angle), r * np.sin(angle)])
    return X + legacy(seed).normal(scale=noise, size=X.shape), y


def xor(n: int = 200, seed: int = 0, *, noise: float = 0.0) -> tuple[Floats, Array]:
    """Return points of [-1, 1]², labelled 1 where their signs differ, then blurred."""
    rng = legacy(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return X + rng.normal(scale=noise, size=X.shape), (X[:, 0] * X[:, 1] < 0).astype(int)


def checkerboard(
    n: int = 400, squares: int = 4, seed: int = 0, *, noise: float = 0.0
) -> tuple[Floats, Array]:
    """Return points of [0, squares]², labelled by the colour of their square, then blurred."""
    rng = legacy(seed)
    X = rng.uniform(0, squares, (n, 2))
    y = np.floor(X).sum(axis=1).astype(int) % 2
    return X + rng.normal(scale=noise, size=X.shape), y
