"""A column that tells the target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import as_targets, left, normal_scores, solved, spread, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart

# What a leak leaves of the target's variance at most, of numbers and of labels ...
LEAVES, LEAVES_OF_LABELS = 0.02, 0.01
# ... of labels that it tells without a mistake, far apart: ten deviations from mean to mean, ...
LEAVES_APART = 0.04
# ... how many times more the other columns together leave ...
TIMES = 20.0
# ... how much of what the column leaves the others may explain ...
GAINED = 0.25
# ... and what they must tell at least, for a target that only one column knows may be its effect.
OTHERS_TELL = 0.05
ENOUGH = 20
MOST_ROWS, MOST_RANKED = 4096, 2048


# Of order: how much of what the column leaves of the plain values all columns may explain.
TOGETHER = 1 - 1e-6


class Leak(NamedTuple):
    """A column that tells a target.

    Attributes
    ----------
    column, output
        Which column, and which target.
    left, others
        What it leaves of the target's variance, and what all the others together leave.
    ranks
        Whether it is told by order alone, through a curve.
    """

    column: int
    output: int
    left: float
    others: float
    ranks: bool


def target_leak(chart: Chart) -> Finding | None:
    """Find a column that tells the target almost exactly, while all others together do not.

    A column that merely matters most leaves something that the others explain.  A leak was made
    from the target, so given it the others have little to add, about what it leaves divided by
    what they leave: a twentieth at most, and a quarter is where it ends.  But a target that
    depends on one column alone looks the same.  The two differ in direction: a copy of y with
    errors of its own tells no more of the other columns than y does; a cause of y does.  So with
    G = how much the others explain of y given the column, and H = of the column given y, a leak
    has H = 0 and a sole cause G = 0; n/2 log((1 - H)/(1 - G)) is the evidence, in nats.  A table
    of one column never leaks: it is the line through the points.
    """
    table = chart.table
    if table is None or table.y.shape[-1] == 0 or table.given.shape[1] < 2:  # noqa: PLR2004
        return None
    rows = spread(len(table.given), MOST_ROWS)
    X, y = table.given[rows], table.y[rows]
    if len(rows) < ENOUGH:
        return None
    labels = chart.labels or (y.ndim == 1)
    Y = as_targets(y)
    found = _leak(X, Y, labels, ranks=False)
    if found is None and labels and Y.shape[1] > 2:  # noqa: PLR2004 - the code of the class
        found = _code(X, y if y.ndim == 1 else Y.argmax(axis=1), Y)
    if found is None and not labels:
        part = spread(len(X), MOST_RANKED)
        found = _leak(normal_scores(X[part]), normal_scores(Y[part]), labels, ranks=True)
        if found is not None and _together(X[part], Y[part], found):
            found = None
    return None if found is None else _told(chart, found)


def _leak(X: Floats, Y: Floats, labels: bool, *, ranks: bool) -> Leak | None:  # noqa: FBT001
    n = len(X)
    Z, T = standard(X), standard(Y)
    told = (Z.T @ T / n) ** 2
    for output in range(T.shape[1]):
        if not T[:, output].any():
            continue
        column = int(told[:, output].argmax())
        remains = max(1 - float(told[column, output]), 1e-15)
        limit = LEAVES_OF_LABELS if labels else LEAVES
        # One other column is weak evidence of what is usual: then only a copy counts.
        if labels and X.shape[1] < 3:  # noqa: PLR2004
            limit = 1e-4
        elif labels and _apart(Z[:, column], T[:, output] > 0):
            limit = LEAVES_APART
        if ranks:
            limit = 1e-3
        if remains > limit:
            continue
        t = T[:, [output]]
        others = _others(Z, column, t)
        exact = 1e-9
        clear = others >= max(TIMES * remains, 0.1 if labels else 0.0)
        clear |= remains < exact and Z.shape[1] > 2  # noqa: PLR2004
        if not clear or not _significant(others, n, X.shape[1] - 1):
            continue
        if not _from_target(Z, column, t, labels):
            continue
        return Leak(column, output, remains, others, ranks)
    return None


def _together(X: Floats, Y: Floats, found: Leak) -> bool:
    """Tell whether all columns together give the values: a sum that one column dominates."""
    Z, T = standard(X), standard(Y)
    rest = np.delete(Z, found.column, axis=1)
    if len(Z) < 2 * Z.shape[1] + 10:
        return False
    return 1 - _partial(rest, T[:, [found.output]], Z[:, [found.column]]) > TOGETHER


def _apart(x: Floats, one: Array) -> bool:
    """Tell whether the values of two labels lie apart by more than either's own deviation."""
    a, b = x[one], x[~one]
    if len(a) < 2 or len(b) < 2:  # noqa: PLR2004
        return False
    gap = max(float(a.min() - b.max()), float(b.min() - a.max()))
    return bool(gap > max(float(a.std()), float(b.std()), 1e-12))


def _others(Z: Floats, column: int, t: Floats) -> float:
    """Return what all other columns leave of the target; of wide tables, what the next one does."""
    n, d = Z.shape
    rest = np.delete(Z, column, axis=1)
    if n < 2 * d + 10:
        alone = (rest.T @ t / n) ** 2
        return 1 - float(alone.max())
    return float(left(rest, t)[0])


def _significant(others: float, n: int, d: int) -> bool:
    """Tell whether the others tell something of the target, beyond chance."""
    told = 1 - others
    # By chance n times the corrected share is about chi-squared less its mean: four deviations.
    return bool(told >= OTHERS_TELL and told * n > 4 * math.sqrt(2 * d) + 6)


def _from_target(Z: Floats, column: int, t: Floats, labels: bool) -> bool:  # noqa: FBT001
    """Tell whether a column that tells the target was made from it, rather than being its cause.

    Of labels, which are no linear function of anything, only the first condition is asked.
    """
    n, d = Z.shape
    if n < 2 * d + 10:
        return True
    rest = np.delete(Z, column, axis=1)
    x = Z[:, [column]]
    gained = 1 - _partial(rest, t, x)
    if gained > GAINED + 2 * d / n:
        return False
    if labels:
        return True
    given = 1 - _partial(rest, x, t)
    evidence = n / 2 * math.log(max(1 - given, 1e-12) / max(1 - gained, 1e-12))
    return bool(evidence >= -1.0)


def _partial(rest: Floats, a: Floats, b: Floats) -> float:
    """Return what the rest leaves of `a`, given `b`, beside what `b` alone leaves of it."""
    alone = a - b * float((a * b).sum() / (b * b).sum())
    design = np.column_stack([rest, b])
    told = design @ solved(design, a, 1e-12)
    whole = float((alone * alone).sum())
    tiny = 1e-20 * len(a)
    return 1.0 if whole <= tiny else float(((a - told) ** 2).sum()) / whole


def _code(X: Floats, y: Array, Y: Floats) -> Leak | None:
    """Look for a column that tells all classes at once: far apart, tiny spread within each."""
    counts = Y.sum(axis=0)
    if (counts < 2).any():  # noqa: PLR2004
        return None
    Z = standard(X)
    means = Y.T @ Z / counts[:, None]
    within = np.sqrt(((Z - means[y.astype(np.int64)]) ** 2).mean(axis=0))
    gaps = np.diff(np.sort(means, axis=0), axis=0).min(axis=0)
    distance = gaps / np.maximum(within, 1e-12)
    column = int(distance.argmax())
    # In deviations: as far as 1 - r² = 0.01 is for two labels.
    far = 20.0
    if distance[column] < far:
        return None
    rest = np.delete(Z, column, axis=1)
    n, d = Z.shape
    others = 1.0 if n < 2 * d + 10 else float(left(rest, Y).mean())
    remains = float(within[column] ** 2)
    if others < max(TIMES * remains, 0.1):
        return None
    return Leak(column, 0, remains, others, ranks=False)


def _told(chart: Chart, leak: Leak) -> Finding:
    named = chart.names
    name = named[leak.column] if named else f"x{leak.column + 1}"
    how = "the order of the target" if leak.ranks else "the target"
    return Finding(
        "target-leak",
        "illness",
        f"The column {name!r} tells {how} almost exactly ({100 * (1 - leak.left):.4g} % of its "
        f"variance), where all other columns together leave {100 * leak.others:.3g} % untold; it "
        "was probably made from the target, and will not be known when a prediction is wanted.",
        {
            "column": name,
            "share_left_by_it": leak.left,
            "share_left_by_all_others": leak.others,
        },
        Fix(f"leave out {name!r}", {"drop_columns": [name]} if chart.run else {}),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (target_leak,)
