"""Statistics that several rules share: robust, and blind to scale and shift.

>>> ks(np.arange(100.0), np.arange(100.0) + 50)[0]
0.5
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, is_sparse

if TYPE_CHECKING:
    from descend.arrays import Floats

# The median of |N(0, 1)| times this is 1.
TO_DEVIATION = 1.4826
BLOCK = 1 << 13
# A deviation below this share of a column's size is rounding.
ROUNDING = 1e-13


def deviation(values: Floats) -> float:
    """Return the robust deviation: the median distance from the median, scaled to a normal's."""
    return TO_DEVIATION * float(np.median(np.abs(values - np.median(values))))


def standard(X: Floats) -> Floats:
    """Return columns with mean 0 and deviation 1; those that do not vary become 0."""
    scale = np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    small = X / scale
    centred = small - small.mean(axis=0)
    spread = np.sqrt((centred * centred).mean(axis=0))
    varies = spread > ROUNDING
    found: Floats = np.where(varies, centred / np.where(varies, spread, 1.0), 0.0)
    return found


def normal_scores(X: Floats) -> Floats:
    """Return each column's ranks as normal scores: blind to any growing map; ties share one."""
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    found: Floats = ndtri((np.column_stack([ranks(x) for x in X.T]) - 0.5) / len(X))
    return found


def ranks(x: Floats) -> Floats:
    """Return the ranks of numbers from 1; those that are equal share their mean."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    found: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return found


def binomial_tail(count: int, trials: int, share: float) -> float:
    """Return the chance of `count` or more among some trials that succeed with chance `share`.

    >>> binomial_tail(2, 2, 0.5)
    0.25
    """
    from scipy.special import betainc  # noqa: PLC0415 - slow to import

    if count <= 0:
        return 1.0
    return float(betainc(count, trials - count + 1, share)) if count <= trials else 0.0


def chi_squared(counts: Floats) -> float:
    """Return the p-value of Pearson's test that rows of counts share their columns' proportions."""
    from scipy.special import chdtrc  # noqa: PLC0415 - slow to import

    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float(chdtrc((counts.shape[0] - 1) * (counts.shape[1] - 1), statistic))


def solved(A: Floats, B: Floats, rcond: float = 1e-10) -> Floats:
    """Return the least squares solution by a pivoted QR: a fraction of the time of an SVD."""
    from scipy.linalg import lstsq  # noqa: PLC0415 - slow to import

    found: Floats = lstsq(A, B, cond=rcond, lapack_driver="gelsy", check_finite=False)[0]
    return found


def left(X: Floats, Y: Floats, dof: int = 1) -> Floats:
    """Return which share of each target's variance least squares on X and a constant leaves.

    Corrected for the columns spent: (1 - R²)(n - 1)/(n - d - 1), at most 1; so noise that is
    fitted by chance counts for nothing.
    """
    n, d = X.shape
    Z, T = standard(X), standard(Y)
    coefficients = solved(Z, T)
    rest = ((T - Z @ coefficients) ** 2).mean(axis=0)
    free = max(n - d - dof, 1)
    found: Floats = np.minimum(rest * (n - 1) / free, 1.0)
    return found


def ks(a: Floats, b: Floats) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of two samples, and a bound of its p-value.

    D = max |F_a - F_b|; p <= 2 exp(-2 D² n m/(n + m)), conservative where values repeat.
    """
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    gaps = np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)
    distance = float(np.abs(gaps).max())
    effective = len(a) * len(b) / (len(a) + len(b))
    return distance, min(2 * math.exp(-2 * distance**2 * effective), 1.0)


class Tail(NamedTuple):
    """The largest few of some numbers, set apart from the rest by a gap.

    Attributes
    ----------
    members
        How many.
    least
        The smallest of them.
    usual
        The robust deviation of all.
    share
        Of the sum of squares that is theirs.
    """

    members: int
    least: float
    usual: float
    share: float


# Rows that may stand apart at most, and how many robust deviations off at least: a normal sample
# has one value in 10^15 there.
FEW, FAR = 0.05, 8.0
# How improbable a gap must be in a smooth tail.
GAP = 2e-4


def apart(values: Floats, tests: int = 1) -> Tail | None:
    """Return the few values that stand apart from the rest, and hold most of the squares.

    Of the sorted sizes a1 >= a2 >= ... of a sample whose tail falls like a power alpha, log(a_m /
    a_m+1) is exponential with rate alpha m (Rényi's representation); alpha is Hill's estimate from
    the sizes below the gap.  A heavy but smooth tail has no improbable gap; a contamination has.
    """
    n = len(values)
    enough = 20
    if n < enough:
        return None
    sizes = np.sort(np.abs(values - np.median(values)))[::-1]
    usual = deviation(values)
    if not usual > 0:
        return None
    most = int(np.searchsorted(-sizes, -FAR * usual, "right"))
    most = min(most, max(int(FEW * n), 1))
    squares = np.cumsum((sizes / sizes[0]) ** 2)
    below = max(n // 10, 5)
    best: tuple[float, int] | None = None
    for m in range(1, most + 1):
        share = squares[m - 1] / squares[-1]
        if share <= 1 / 2 or sizes[m] <= 0:
            continue
        tail = sizes[m : m + below + 1]
        hill = 1.0 / max(float(np.mean(np.log(tail[:-1] / tail[-1]))), 1e-12)
        # A normal's tail falls faster than any power: 12 is where it stands for n = 10^6.
        hill = min(hill, 12.0)
        odds = -hill * m * math.log(sizes[m - 1] / sizes[m])
        if best is None or odds < best[0]:
            best = (odds, m)
    if best is None or best[0] > math.log(GAP / (max(most, 1) * tests)):
        return None
    m = best[1]
    return Tail(m, float(sizes[m - 1]), usual, float(squares[m - 1] / squares[-1]))


# ---------------------------------------------------------------- rows as one number each


def digests(X: Any, y: Any = None) -> Array:
    """Return a 64-bit digest of each row: equal rows have equal ones, and hardly any others do."""
    keys = np.random.Generator(np.random.PCG64(0)).integers(
        1, 2**63, int(X.shape[1]) + 64, dtype=np.uint64
    )
    if is_sparse(X):
        terms = _bits(X.data) * keys[X.indices]
        sums = np.concatenate([[np.uint64(0)], np.cumsum(terms, dtype=np.uint64)])
        found = sums[X.indptr[1:]] - sums[X.indptr[:-1]]
    else:
        found = np.empty(X.shape[0], dtype=np.uint64)
        for first in range(0, X.shape[0], BLOCK):
            part = slice(first, first + BLOCK)
            terms = _bits(np.asarray(X[part])) * keys[: X.shape[1]]
            found[part] = terms.sum(axis=1, dtype=np.uint64)
    result: Array = found
    if y is not None:
        columns = np.asarray(y).reshape(len(y), -1).astype(np.float64)
        for j in range(columns.shape[1]):
            result = result + _bits(columns[:, j]) * keys[X.shape[1] + j % 64]
    return result


def _bits(values: Array) -> Array:
    """Return numbers as thoroughly mixed words; 0 gives 0, whatever its sign."""
    words = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    for shift, factor in ((32, 0xD6E8FEB86659FD93), (32, 0xD6E8FEB86659FD93), (32, 1)):
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    found: Array = words
    return found


# ---------------------------------------------------------------- neighbours


class Near(NamedTuple):
    """Some rows' nearest others.

    Attributes
    ----------
    rows
        (m,): which rows were looked at.
    neighbours
        (m, k): places within `rows`, nearest first.
    """

    rows: Array
    neighbours: Array


# Rows whose neighbours are looked for, each against each.
CROWD = 1200


def nearest(X: Floats, k: int) -> Near | None:
    """Return the k nearest rows of each, by the distance of standardised columns."""
    rows = spread(len(X), CROWD)
    if len(rows) <= 2 * k:
        return None
    Z = standard(X)[rows]
    norms = (Z * Z).sum(axis=1)
    distance = norms[:, None] + norms[None, :] - 2 * (Z @ Z.T)
    np.fill_diagonal(distance, np.inf)
    found = np.argpartition(distance, k, axis=1)[:, :k]
    order = np.take_along_axis(distance, found, axis=1).argsort(axis=1, kind="stable")
    return Near(rows, np.take_along_axis(found, order, axis=1))


def spread(n: int, most: int) -> Array:
    """Return at most `most` of n places, evenly spread: rows may come in an order."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def as_targets(y: Array, classes: int = 0) -> Floats:
    """Return targets as columns of numbers: labels as one indicator each, two labels as one."""
    if y.ndim == 1:
        k = max(classes, int(y.max()) + 1)
        found: Floats = (y[:, None] == np.arange(k)).astype(np.float64)
        return found
    columns: Floats = y.astype(np.float64)
    return columns


def logistic_line(X: Floats, y: Floats, ridge: float = 1e-4) -> Floats | None:
    """Return the scores of logistic regression with a slight penalty, by Newton's steps.

    >>> logistic_line(np.arange(4.0)[:, None], np.array([0.0, 0.0, 1.0, 1.0])).round(0)
    array([-16.,  -5.,   5.,  16.])
    """
    A = np.column_stack([standard(X), np.ones(len(X))])
    n = len(A)
    theta = np.zeros(A.shape[1])
    for _ in range(15):
        s = A @ theta
        p = 1 / (1 + np.exp(-np.clip(s, -500, 500)))
        gradient = A.T @ (p - y) / n + ridge * theta
        weight = np.maximum(p * (1 - p), 1e-6)
        H = (A * weight[:, None]).T @ A / n + ridge * np.eye(len(theta))
        step = np.linalg.solve(H, gradient)
        theta = theta - step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
    found: Floats = A @ theta
    return found if np.isfinite(found).all() else None
