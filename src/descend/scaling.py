"""Scaling: columns centred and scaled, in the rows where they are dense, else in the parameters.

A model may be asked to meet ``z = (x - m) / s``, with m and s the training rows' mean and deviation
of each column; or, only scaled, with m = 0 and s their root mean square.  Dense rows are
standardised once, in a copy.  Sparse rows cannot be: centred, they would be dense.  But their
scores are the same if the first layer's parameters change instead,

    z W + b  =  x W' + b'        W' = W / s        b' = b - m W'

and b' is there even where b is not.  `fold` turns theta into those parameters, a linear map, and
`unfold` is its transpose: by the chain rule it turns the gradient by (W', b') into that by theta.
For a gradient g by the scores, by W that is (Xᵀg - mᵀ sum g) / s, and by b it is sum g.

    >>> layout = Layout((("weight", (2, 1)), ("bias", (1,))))
    >>> scaling = measured(np.array([[-1.0, -2.0], [3.0, 6.0]]), None)
    >>> fold(np.array([6.0, 8.0, 5.0]), layout, scaling)[0]
    array([ 3.,  2., -2.])
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Array, Floats, Layout

if TYPE_CHECKING:
    from descend.arrays import Rows, Sparse

# Dense rows are measured and standardised this many at a time.
BLOCK = 1 << 12


class Scaling(NamedTuple):
    """What is subtracted from each column, and what it is then divided by.

    Attributes
    ----------
    mean, deviation
        (d,) in double precision, the deviation positive: 1 for columns that do not vary.  Where
        columns are only scaled, the mean is 0 and the deviation is taken about it.
    varies
        (d,) of bools: which columns do vary about that mean.
    """

    mean: Floats
    deviation: Floats
    varies: Array


def standardize_of(scaling: Scaling | None) -> bool | str:
    """Return the `standardize` that `train` was asked for: False, True or ``"scale"``.

    Columns whose means are all exactly 0 are the same either way, and count as scaled.

    >>> standardize_of(None), standardize_of(measured(np.array([[1.0], [3.0]]), None))
    (False, True)
    """
    if scaling is None:
        return False
    return True if scaling.mean.any() else "scale"


# ---------------------------------------------------------------- in the rows


def applied(X: Rows, scaling: Scaling | None) -> tuple[Rows, Scaling | None]:
    """Return rows as engines take them, and what is left for the parameters to `fold` in.

    Dense rows come back standardised, a copy, and nothing is left; sparse rows as they are.
    """
    if scaling is None or not isinstance(X, np.ndarray):
        return X, scaling
    standardised = np.empty_like(X)
    with np.errstate(all="ignore"):
        for part in _blocks(len(X)):
            standardised[part] = (X[part] - scaling.mean) / scaling.deviation
    return standardised, None


def _blocks(n: int) -> list[slice]:
    return [slice(first, first + BLOCK) for first in range(0, n, BLOCK)]


# ---------------------------------------------------------------- in the parameters


def folded_layout(layout: Layout) -> Layout:
    """Return the layout of what `fold` returns: the same, with a bias in the first layer."""
    (name, (_, k)), *rest = layout.entries
    bias = name.removesuffix("weight") + "bias"
    if rest and rest[0][0] == bias:
        return layout
    return Layout(((name, layout.entries[0][1]), (bias, (k,)), *rest))


def fold(theta: Floats, layout: Layout, scaling: Scaling | None) -> tuple[Floats, Layout]:
    """Return the parameters, and their layout, that score raw rows as theta scores standard ones.

    Sums are taken in double precision.  Without a scaling, theta and layout come back.
    """
    if scaling is None:
        return theta, layout
    folded = folded_layout(layout)
    d, k = layout.entries[0][1]
    weight = theta[: d * k].reshape(d, k) / scaling.deviation[:, None]
    rest = theta[d * k :] if folded is layout else np.concatenate([np.zeros(k), theta[d * k :]])
    point = np.concatenate([weight.ravel(), rest])
    point[d * k : d * k + k] -= scaling.mean @ weight
    return point.astype(theta.dtype, copy=False), folded


def unfold(gradient: Floats, layout: Layout, scaling: Scaling | None) -> Floats:
    """Return the gradient by theta (P,), given that by the parameters that `fold` returned.

    By the weight of a column that does not vary it is exactly 0: rounding in its place would pass
    for a slope with rules that divide by the gradient's own size.
    """
    if scaling is None:
        return gradient
    d, k = layout.entries[0][1]
    weight, bias = gradient[: d * k].reshape(d, k), gradient[d * k : d * k + k]
    centred = (weight - scaling.mean[:, None] * bias) / scaling.deviation[:, None]
    centred[~scaling.varies] = 0.0
    rest = gradient[d * k if folded_layout(layout) is layout else d * k + k :]
    found: Floats = np.concatenate([centred.ravel(), rest]).astype(gradient.dtype, copy=False)
    return found


# ---------------------------------------------------------------- measuring


def measured(X: Rows, weights: Floats | None, *, centre: bool = True) -> Scaling:
    """Return the (weighted) mean and population deviation of each column.

    Without `centre`, the mean is 0 and the deviation the root mean square.

    Two passes, so that nothing cancels; columns are first divided by powers of two, which is exact,
    so that no square leaves the range.  Rows of weight 0 count for nothing.  A column that does not
    vary has exactly its value for a mean, and 1 for a deviation; only scaled, its size for one.

    >>> measured(np.array([[1.0, 0.1], [3.0, 0.1]]), None)
    Scaling(mean=array([2. , 0.1]), deviation=array([1., 1.]), varies=array([ True, False]))
    >>> measured(np.array([[1.0, 0.1], [7.0, 0.1]]), None, centre=False).deviation
    array([5. , 0.1])
    """
    w = np.ones(X.shape[0]) if weights is None else weights.astype(np.float64)
    if not w.all():
        X, w = X[w > 0], w[w > 0]
    w /= w.max()
    if isinstance(X, np.ndarray):
        low, high, mean, variance = _of_dense(X, w, centre=centre)
    else:
        low, high, mean, variance = _of_sparse(X, w, centre=centre)
    deviation = np.sqrt(variance) * _units(low, high)
    if not centre:
        deviation = np.where(low < high, deviation, np.abs(low))
        varies = deviation > 0
        return Scaling(mean, np.where(varies, deviation, 1.0), varies)
    varies = (low < high) & (deviation > 0)
    return Scaling(np.where(varies, mean, low), np.where(varies, deviation, 1.0), varies)


def _units(low: Floats, high: Floats) -> Floats:
    """Return a power of two near each column's largest entry."""
    largest = np.maximum(np.abs(low), np.abs(high))
    units: Floats = np.ldexp(1.0, np.clip(np.frexp(largest)[1], -1000, 1000))
    return units


def _of_dense(X: Floats, w: Floats, *, centre: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """Return each column's lowest and highest entry, mean, and variance in its unit squared.

    Without `centre`, the mean is 0 and the variance is taken about it.
    """
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    unit, total = _units(low, high), math.fsum(w)
    mean, variance = np.zeros_like(low), np.zeros_like(low)
    for part in _blocks(len(X)) if centre else ():
        mean += w[part] @ (X[part] / unit)
    mean /= total
    for part in _blocks(len(X)):
        variance += w[part] @ np.square(X[part] / unit - mean)
    return low, high, mean * unit, variance / total


def _of_sparse(X: Sparse, w: Floats, *, centre: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the same of sparse rows; what is not stored is 0."""
    n, d = X.shape
    columns, data = X.indices, X.data.astype(np.float64)
    stored = np.bincount(columns, minlength=d)
    low, high = np.where(stored < n, 0.0, np.inf), np.where(stored < n, 0.0, -np.inf)
    np.minimum.at(low, columns, data)
    np.maximum.at(high, columns, data)
    unit, total = _units(low, high), math.fsum(w)
    w = np.repeat(w, np.diff(X.indptr))
    small = data / unit[columns]
    mean = np.bincount(columns, w * small, d) / total if centre else np.zeros(d)
    # The rows where nothing is stored are mean away from the mean; of full columns there are none.
    absent = np.where(stored < n, total - np.bincount(columns, w, d), 0.0)
    squares = np.bincount(columns, w * np.square(small - mean[columns]), d)
    return low, high, mean * unit, (squares + absent * np.square(mean)) / total
