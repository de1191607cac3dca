"""The rows of a run: made ready once, and recognised again by their fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import (
    Array,
    Floats,
    Numbered,
    as_array,
    as_numbers,
    as_rows,
    column_names,
    in_order_of,
    is_sparse,
)
from descend.errors import InputError, ShapeError
from descend.losses import encode_targets
from descend.parts import number
from descend.randomness import permutation
from descend.scaling import Scaling, applied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Rows
    from descend.losses import Loss


@final
@dataclass(frozen=True, eq=False)
class Data:
    """Training and validation rows, made ready.

    Attributes
    ----------
    X, y, weights
        Training rows: (n, d), dense or CSR; (n, k) or integer labels (n,); (n,) or None.
    validation
        The same three for the validation rows, or None.
    classes
        The sorted labels, or None.
    names
        The features' names.
    scaling
        By which the model is to meet standardised columns, or None.
    """

    X: Rows
    y: Array
    weights: Floats | None
    validation: tuple[Rows, Array, Floats | None] | None
    classes: list[Any] | None
    names: Sequence[str]
    scaling: Scaling | None = None

    @cached_property
    def seen(self) -> tuple[Rows, Scaling | None]:
        """Training rows as engines take them, and what the parameters are to fold in."""
        return applied(self.X, self.scaling)

    @cached_property
    def seen_validation(self) -> tuple[Rows, Scaling | None]:
        """The same for the validation rows, which must be there."""
        if self.validation is None:
            raise AssertionError
        return applied(self.validation[0], self.scaling)

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 digest of all rows, their order and their types."""
        digest = hashlib.sha256()
        rows = [self.X, self.y, self.weights, *(self.validation or ())]
        for array in rows:
            if array is None:
                digest.update(b"none")
                continue
            if not isinstance(array, np.ndarray):
                digest.update(f"csr{array.dtype.str}{array.shape}".encode())
                for part in (array.data, array.indices, array.indptr):
                    digest.update(np.ascontiguousarray(part).data)
                continue
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def make_data(  # noqa: PLR0913 - the arguments of `train` that concern rows
    loss: Loss,
    X: Any,
    y: Any,
    *,
    validation: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    dtype: Any = None,
    classes: list[Any] | None = None,
) -> Data:
    """Return rows made ready: two-dimensional, finite, labels turned into codes, split.

    Parameters
    ----------
    loss
        Decides what y may hold.
    X, y
        Arrays, lists, or tables of pandas, polars or Arrow: (n,) or (n, d); (n,) or (n, k).
        X may be a sparse matrix of SciPy.
    validation
        None; a fraction in (0, 1), held out by the keyed permutation; or a pair (X, y), or a
        triple with weights.
    sample_weight
        (n,) of 0 or more, or None.
    seed
        Of the split.
    dtype
        float32, float64, or None to keep float32 and turn all else into float64.
    classes
        The labels, if they are known already.

    Raises
    ------
    InputError
        If something cannot be used; the sentence says what and where.
    """
    names: Sequence[str] | None = column_names(X)
    X = as_rows(X, "X", dtype)
    y, classes = encode_targets(loss, y, classes, X.dtype)
    _same_rows(X, y, "y")
    if X.shape[0] == 0:
        msg = "Training needs at least one row; X has none."
        raise InputError(msg)
    weights = None if sample_weight is None else _weights(sample_weight, X)
    held: tuple[Rows, Array, Floats | None] | None = None
    if isinstance(validation, tuple | list):
        if names is not None and len(validation) > 1:
            validation = (in_order_of(names, validation[0], "validation X"), *validation[1:])
        held = _given(loss, validation, X, y, classes)
    elif validation is not None:
        X, y, weights, held = _split(X, y, weights, validation, seed)
    if not names:
        names = Numbered(X.shape[1]) if is_sparse(X) else list(Numbered(X.shape[1]))
    return Data(X, y, weights, held, classes, names)


def _same_rows(X: Rows, other: Array, what: str) -> None:
    if len(other) != X.shape[0]:
        msg = (
            f"X and {what} must have the same number of rows; X has shape {X.shape} and {what} "
            f"{other.shape}."
        )
        raise ShapeError(msg)


def _weights(sample_weight: Any, X: Rows) -> Floats:
    weights = as_numbers(as_array(sample_weight, "sample_weight"), "sample_weight", X.dtype)
    if weights.ndim != 1:
        msg = f"sample_weight must have shape ({X.shape[0]},); found {weights.shape}."
        raise ShapeError(msg)
    _same_rows(X, weights, "sample_weight")
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        msg = f"sample_weight must be 0 or more; found {weights[row]} at row {row}."
        raise InputError(msg)
    if not weights.any():
        msg = "sample_weight must not be 0 in every row; leave it out to weigh all rows alike."
        raise InputError(msg)
    return weights


def _given(
    loss: Loss, pair: Any, X: Rows, y: Array, classes: list[Any] | None
) -> tuple[Rows, Array, Floats | None]:
    if len(pair) not in {2, 3}:
        msg = f"validation must be a fraction or a pair (X, y); found {len(pair)} parts."
        raise InputError(msg)
    held_X = as_rows(pair[0], "validation X", X.dtype)
    held_y, _ = encode_targets(loss, pair[1], classes, X.dtype)
    _same_rows(held_X, held_y, "y of validation")
    if held_X.shape[1] != X.shape[1] or held_y.shape[1:] != y.shape[1:]:
        msg = (
            f"The validation rows must have the columns of the training rows; X has {X.shape}, "
            f"validation X {held_X.shape}; y {y.shape}, validation y {held_y.shape}."
        )
        raise ShapeError(msg)
    if held_X.shape[0] == 0:
        msg = "The validation rows must be at least one; there are none. Use validation=None."
        raise InputError(msg)
    weights = None if len(pair) == 2 or pair[2] is None else _weights(pair[2], held_X)  # noqa: PLR2004
    return held_X, held_y, weights


def _split(X: Rows, y: Array, weights: Floats | None, fraction: Any, seed: int) -> Any:
    fraction = number("train", "validation", fraction, low=0, high=1)
    n = X.shape[0]
    held = round(n * fraction)
    if not 0 < held < n:
        msg = (
            f"A validation fraction of {fraction:g} of {n} rows leaves "
            f"{n - held} to train on and {held} to validate; give another fraction."
        )
        raise InputError(msg)
    order = permutation(n, seed, "split")
    kept, out = np.sort(order[held:]), np.sort(order[:held])
    w_kept = None if weights is None else weights[kept]
    w_out = None if weights is None else weights[out]
    if w_kept is not None and not (w_kept.any() and w_out is not None and w_out.any()):
        msg = "The split left a part whose weights are all 0; give another seed or fraction."
        raise InputError(msg)
    return X[kept], y[kept], w_kept, (X[out], y[out], w_out)
