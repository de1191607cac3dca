"""Training and validation rows: shared, or from different places."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import binomial_tail, chi_squared, digests, ks, spread, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart
    from descend.run import Data

# How improbable it must be that chance did it, over all that is looked at.
CHANCE = 1e-6
# Which share of the validation rows must be shared before it is an illness.
SHARED = 0.01
# How far apart two distributions must be: a shift of a normal by 0.64 of its deviation.
APART = 0.25
MOST_ROWS = 4096


# ---------------------------------------------------------------- rows that are in both


def rows_shared(chart: Chart) -> Finding | None:
    """Find validation rows that are training rows as well, X and y.

    Tables of few values repeat by themselves, and then they repeat within the training rows as
    often: by exchange of rows, a validation row of a random split has its twin in training as
    often as a training row has one among the others.  So the shared ones are held against that
    share, by the binomial distribution.  Rows that were multiplied before the split repeat within
    training too; but there the columns tell them apart: where values hardly ever repeat among
    different rows, no two rows are equal by chance.
    """
    data = None if chart.run is None else chart.run.data
    if data is None or data.validation is None:
        return None
    held_X, held_y, _ = data.validation
    train, held = digests(data.X, data.y), digests(held_X, held_y)
    shared = _among(held, train)
    count, m = int(shared.sum()), len(held)
    if count < 3:  # noqa: PLR2004 - a twin or two may be natural
        return None
    same_X = int(_among(digests(held_X), digests(data.X)).sum())
    if count < 0.9 * same_X:  # a design that was measured twice, not rows that were copied
        return None
    _, index, counts = np.unique(train, return_index=True, return_counts=True)
    repeats = int(counts[counts > 1].sum())
    natural = (repeats + 1) / (len(train) + 2)
    improbable = binomial_tail(count, m, min(natural, 1.0)) < CHANCE
    multiplied = repeats > 0 and _expected(data, index) * 10 < count / m
    in_order = count == m >= 10 and _in_order(train, held)  # noqa: PLR2004
    if not (improbable or multiplied or in_order) or count < SHARED * m:
        return None
    twins = np.setdiff1d(np.arange(len(train)), index)
    return _shared(shared, train, held, twins if multiplied else twins[:0])


def _among(some: Array, others: Array) -> Array:
    """Tell which of some digests are among others: one sort, and one search for each."""
    ordered = np.sort(others)
    found: Array = ordered[np.minimum(np.searchsorted(ordered, some), len(ordered) - 1)] == some
    return found


def _expected(data: Data, different: Array) -> float:
    """Return how many twins among the training rows a row has by chance, at most.

    Of the different rows: the product over columns, the target among them, of the probability
    that two rows agree, each to the power 1/2 because columns are not independent; but no more
    than the least of them, for rows that agree do so in every column.
    """
    rows = different[spread(len(different), MOST_ROWS)]
    X: Any = data.X[rows]
    dense = X.toarray() if is_sparse(X) else X
    targets = np.asarray(data.y)[rows].reshape(len(rows), -1)
    logs = least = 0.0
    for column in (*dense.T, *targets.T):
        counts = np.unique(column, return_counts=True)[1].astype(float)
        pairs = len(column) * (len(column) - 1)
        agree = math.log(max(float((counts * (counts - 1)).sum()), 0.5) / max(pairs, 1))
        logs, least = logs + 0.5 * agree, min(least, agree)
    return len(different) * math.exp(max(min(logs, least), -700.0))


def _in_order(train: Array, held: Array) -> bool:
    m = len(held)
    if m > len(train) or len(np.unique(held)) < 3:  # noqa: PLR2004
        return False
    return bool((train[:m] == held).all() or (train[-m:] == held).all())


def _shared(shared: Array, train: Array, held: Array, twins: Array) -> Finding:
    count, m = int(shared.sum()), len(held)
    rows = np.flatnonzero(shared)
    enough = max(10, m // 4)
    changes: dict[str, Any]
    if len(twins) or m - count < enough:
        doubled = np.isin(train, held[rows])
        copies = np.union1d(twins, np.flatnonzero(doubled)) if len(twins) else rows[:0]
        changes = {"drop_validation_rows": rows.tolist(), "resplit": m / (len(train) + m)}
        if len(copies):
            changes["drop_rows"] = twins.tolist()
        what = "leave out the copies, and split what is left again"
    else:
        changes = {"drop_validation_rows": rows.tolist()}
        what = f"leave the {count} rows out of the validation rows"
    return Finding(
        "rows-shared-across-split",
        "illness",
        f"{count} of the {m} validation rows are training rows too, so what is measured on them "
        "is memory, and not what the model would do with rows it has not seen.",
        {"validation_rows": rows.tolist(), "shared": count, "of": m},
        Fix(what, changes),
    )


# ---------------------------------------------------------------- rows from elsewhere


def split_shift(chart: Chart) -> Finding | None:
    """Find columns, a target, or a direction in which validation rows are not like training rows.

    Two conditions at once: a Kolmogorov-Smirnov test that is improbable by chance over all
    columns (p < 10^-6, Bonferroni), so a random split does not alarm however many columns there
    are; and a distance of at least 0.25, so that many rows do not make trifles matter.  A shift
    that is spread over many columns is looked for along one direction, the linear discriminant
    of one half of the rows, judged on the other.
    """
    a, b = chart.rows, chart.validation
    if a is None or b is None:
        return None
    first, second = spread(len(a.given), MOST_ROWS), spread(len(b.given), MOST_ROWS)
    X, V = a.given[first], b.given[second]
    y, v = a.y[first], b.y[second]
    d = X.shape[1]
    found: list[tuple[float, str, float, float]] = []
    columns = [(chart.names[j], X[:, j], V[:, j]) for j in range(d)]
    if not chart.labels:
        several = y.shape[1] > 1
        columns += [
            (f"the target {j}" if several else "the target", y[:, j], v[:, j])
            for j in range(y.shape[1])
        ]
    for name, one, other in columns:
        distance, p = ks(one, other)
        if distance >= APART and p * (d + 3) < CHANCE:
            shift = float(np.median(other) - np.median(one))
            found.append((distance, name, float(np.median(one)), shift))
    if chart.labels:
        labels = _labels_apart(y, v, d)
        if labels is not None:
            found.append(labels)
    if not found:
        direction = _direction(X, V, d)
        if direction is not None:
            found.append(direction)
    if not found:
        return None
    return _shifted(sorted(found, key=lambda f: -f[0]), a.total, b.total)


def _labels_apart(y: Array, v: Array, d: int) -> tuple[float, str, float, float] | None:
    """Compare how often each label comes, by the chi-squared test and the total variation."""
    if y.ndim > 1 and y.shape[1] > 1:
        return None
    one, other = (np.asarray(part).reshape(-1).astype(np.int64) for part in (y, v))
    k = int(max(one.max(), other.max())) + 1
    counts = np.array([np.bincount(one, minlength=k), np.bincount(other, minlength=k)])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:  # noqa: PLR2004
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = 0.5 * float(np.abs(shares[0] - shares[1]).sum())
    if distance < APART or chi_squared(counts) * (d + 3) >= CHANCE:
        return None
    return distance, "the labels", 0.0, 0.0


def _direction(X: Floats, V: Floats, d: int) -> tuple[float, str, float, float] | None:
    both = standard(np.concatenate([X, V]))
    Z, W = both[: len(X)], both[len(X) :]
    # Halves at random: rows may come in an order.
    draw = np.random.Generator(np.random.PCG64(0))
    one, other = draw.permutation(len(Z)), draw.permutation(len(W))
    a, b = Z[one[::2]], W[other[::2]]
    if min(len(a), len(b)) < 10 or len(a) + len(b) < 2 * d:  # noqa: PLR2004
        return None
    centred = np.concatenate([a - a.mean(axis=0), b - b.mean(axis=0)])
    pooled = centred.T @ centred / len(centred) + 0.1 * np.eye(d)
    along = np.linalg.solve(pooled, b.mean(axis=0) - a.mean(axis=0))
    distance, p = ks(Z[one[1::2]] @ along, W[other[1::2]] @ along)
    if distance < APART or p * (d + 3) >= CHANCE:
        return None
    return distance, "the columns together", 0.0, 0.0


def _shifted(found: list[tuple[float, str, float, float]], n: int, m: int) -> Finding:
    distance, name, _, shift = found[0]
    moved = f" (its median moves by {shift:.3g})" if shift else ""
    shown = name if name.startswith("the ") else f"the column {name!r}"
    return Finding(
        "split-shift",
        "illness",
        f"The validation rows come from elsewhere than the training rows: their distributions of "
        f"{shown} are {distance:.2g} apart, where 1 is no overlap at all{moved}; so validation "
        "does not judge what was learnt.",
        {"distances": {f[1]: f[0] for f in found[:20]}, "training_rows": n, "validation_rows": m},
        Fix("mix all rows and split them at random", {"resplit": m / (n + m)}),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (rows_shared, split_shift)
