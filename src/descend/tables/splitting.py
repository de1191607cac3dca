"""Splitting: which rows train, which validate, which test; decided before anything is learnt.

The order in which rows are dealt is the keyed permutation of (seed, "split"), so the split is a
function of the seed and the number of rows alone, and can be made again at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.randomness import permutation

if TYPE_CHECKING:
    from descend.arrays import Array

TRAIN, VALIDATION, TEST = 0, 1, 2
PARTS = ("train", "validation", "test")
FEWEST = 4


def split(  # noqa: PLR0913 - the ways in which rows can belong together
    n: int,
    seed: int = 0,
    *,
    labels: Array | None = None,
    groups: Array | None = None,
    in_order: bool = False,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
) -> Array:
    """Return which part each row goes to: 0 train, 1 validation, 2 test.

    Parameters
    ----------
    n
        Rows, at least 4.
    seed
        Of the order in which they are dealt.
    labels
        (n,) integer codes: every label is dealt in the same shares.
    groups
        (n,) codes: rows of one group stay together, and labels are not looked at.
    in_order
        Whether the first rows train and the last ones test, as for time.
    validation_fraction, test_fraction
        Shares, in (0, 1), together below 1; defaults 0.15.

    Returns
    -------
    Array
        (n,) of 0, 1, 2; no part is empty.

    Raises
    ------
    InputError
        If there are too few rows or groups for three parts.

    Examples
    --------
    >>> np.bincount(split(100)).tolist()
    [70, 15, 15]
    >>> split(10, in_order=True).tolist()
    [0, 0, 0, 0, 0, 0, 1, 1, 2, 2]
    """
    for name, fraction in (("validation", validation_fraction), ("test", test_fraction)):
        if not 0 < fraction < 1:
            msg = f"The {name} fraction must be in (0, 1). Got {fraction!r} instead."
            raise InputError(msg)
    if validation_fraction + test_fraction >= 1:
        msg = (
            f"The validation and test fractions ({validation_fraction:g} and {test_fraction:g}) "
            "must leave rows to train on; make them smaller."
        )
        raise InputError(msg)
    if n < FEWEST:
        msg = (
            f"A split into train, validation and test needs at least {FEWEST} rows; there are {n}."
        )
        raise InputError(msg)
    if in_order and groups is not None:
        msg = "Rows are split either in order or by groups, not both; leave one of them out."
        raise InputError(msg)
    shares = (validation_fraction, test_fraction)
    if in_order:
        return _dealt(n, np.arange(n), shares)
    if groups is not None:
        return _by_group(groups, seed, shares)
    order = permutation(n, seed, "split")
    return _dealt(n, order if labels is None else _interleaved(order, labels), shares)


def _dealt(n: int, order: Array, shares: tuple[float, float]) -> Array:
    """Deal rows, in order, to the three parts in exact shares, none of them empty."""
    validation = max(round(n * shares[0]), 1)
    test = max(round(n * shares[1]), 1)
    train = max(n - validation - test, 2)
    parts = np.full(n, TEST)
    parts[order[:train]] = TRAIN
    parts[order[train : train + validation]] = VALIDATION
    return parts


def _interleaved(order: Array, labels: Array) -> Array:
    """Return the order with every label spread evenly along it.

    The j-th of m rows of a label gets the place (j + phase)/m; dealing along these places gives
    every part its share of every label, to within two rows.  Each label has its own phase (by the
    golden ratio), or labels of equal size would all round the same way.  A label of one row goes
    first, to train.
    """
    places = np.empty(len(order))
    for i, label in enumerate(np.unique(labels)):
        of_label = order[labels[order] == label]
        phase = 0.05 + 0.6 * ((i + 1) * 0.6180339887498949 % 1.0)
        places[of_label] = (np.arange(len(of_label)) + phase) / len(of_label)
        if len(of_label) == 1:
            places[of_label] = 0.0
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return np.lexsort((rank, places))


def _by_group(groups: Array, seed: int, shares: tuple[float, float]) -> Array:
    """Deal whole groups, large ones first, each to the part that lacks the most rows.

    Groups of one size are dealt in a keyed order.
    """
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) < len(PARTS):
        msg = (
            f"A split by groups needs at least 3 groups; there are {len(names)}. Split by another "
            "column, or by rows."
        )
        raise InputError(msg)
    sizes = np.bincount(codes)
    wanted = np.array([1 - sum(shares), *shares]) * len(groups)
    held = np.zeros(3)
    part_of = np.empty(len(names), dtype=np.int64)
    order = permutation(len(names), seed, "split")
    # Large groups first: the small ones then even out what the large ones left.
    order = order[np.argsort(-sizes[order], kind="stable")]
    for i, group in enumerate(order):
        empty = np.flatnonzero(held == 0)
        among = empty if len(empty) >= len(order) - i else np.arange(3)
        part = int(among[np.argmax((wanted - held)[among])])
        part_of[group] = part
        held[part] += sizes[group]
    return part_of[codes]


def describe(parts: Array) -> dict[str, Any]:
    """Return how many rows each part has."""
    return {name: int((parts == i).sum()) for i, name in enumerate(PARTS)}
