"""Intervals: how far a metric on these rows may lie from that on all rows of their kind.

By the bootstrap: rows are drawn with replacement, as many as there are, and the metric is taken
again.  All metrics are functions of sums over rows, so a draw costs one product.

The interval is the bias-corrected and accelerated one (BCa): the quantiles of the draws at

    Φ(z0 + (z0 + z)/(1 - a (z0 + z)))        z = ±1.96

with z0 from the share of draws below the metric, and a from the skewness of the metrics that leave
one row out.  With z0 = a = 0 these are the plain 2.5 % and 97.5 % quantiles.

References: B. Efron, "Better bootstrap confidence intervals", J. Am. Stat. Assoc. 82 (1987).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Array
from descend.errors import InputError
from descend.metrics import SMALLEST
from descend.randomness import generator
from descend.showing.discordant import difference
from descend.showing.quality import Z95, wilson
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.showing.judged import Judged

# Metrics of which more is better; of the others less.
MORE_IS_BETTER = ("r2", "accuracy")
DRAWS, FEWEST_DRAWS = 2000, 200
# Rows drawn in all, which bounds the time: large tables get fewer draws, and need fewer.
_DRAWN = 10_000_000
# Below this many rows the bootstrap itself is rough.
FEW = 30


class Interval(NamedTuple):
    """A metric on the rows, and its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


class Intervals(NamedTuple):
    """The metrics of a run on some rows, each with its interval.

    Attributes
    ----------
    metrics
        Name to `Interval`.
    n, draws
        Rows, and how often they were drawn.
    sentences
        How the intervals were found, and what to mind.
    """

    metrics: dict[str, Interval]
    n: int
    draws: int
    sentences: tuple[str, ...]


class Difference(NamedTuple):
    """How much the second of two runs differs in a metric on the same rows.

    Attributes
    ----------
    first, second
        The metric of both.
    value, low, high
        The second less the first, and its 95 % interval.
    better
        1 or 2 where the interval tells which run is better, else 0; and 0 on training rows, which
        flatter the larger model.
    discordant
        How many rows only the first, and only the second, gets right, where the interval is that of
        McNemar's exact test; else it is the bootstrap's, and this None.
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    better: int
    discordant: tuple[int, int] | None = None


class Sums(NamedTuple):
    """What each row adds (n, q), and the metrics that such sums (…, q) make: (…, m)."""

    rows: Array
    names: tuple[str, ...]
    metrics: Callable[[Array], Array]


def measures(found: Judged) -> dict[str, float]:
    """Return the metrics of rows: r2, rmse and mae, or accuracy and log loss."""
    sums = _sums(found)
    with np.errstate(all="ignore"):
        values = sums.metrics(sums.rows.sum(axis=0))
    return dict(zip(sums.names, values.tolist(), strict=True))


def intervals(found: Judged, seed: int = 0, draws: int | None = None) -> Intervals:
    """Return the metrics of rows, each with its 95 % bootstrap interval.

    Parameters
    ----------
    found
        The rows, judged.
    seed
        Of the draws, which are keyed.
    draws
        How many; default 2000, fewer where there are many rows, but 200 at least.
    """
    sums, n = _sums(found), len(found.truth)
    draws = _draws(n) if draws is None else draws
    bounds = bootstrap(sums.rows, sums.metrics, seed, draws)
    metrics = {
        name: Interval(*map(float, row)) for name, row in zip(sums.names, bounds, strict=True)
    }
    said = [
        (
            f"Intervals hold 95 %: the {spaced(n)} {found.part} row{'' if n == 1 else 's'} were "
            f"drawn again with replacement {spaced(draws)} times (bootstrap, BCa)."
        )
    ]
    if "accuracy" in metrics and metrics["accuracy"].value in {0.0, 1.0}:
        mass = np.ones(n) if found.weight is None else found.weight
        low, high = wilson(metrics["accuracy"].value, mass.sum() ** 2 / (mass @ mass))
        metrics["accuracy"] = metrics["accuracy"]._replace(low=float(low), high=float(high))
        said.append("Where all rows are alike there is nothing to draw: that interval is Wilson's.")
    if n < FEW:
        said.append(f"So few rows ({n}) make every figure here, intervals too, a rough one.")
    return Intervals(metrics, n, draws, tuple(said))


def paired(first: Judged, second: Judged, seed: int = 0) -> dict[str, Difference]:
    """Return how two runs differ on the same rows, each draw taking the same rows of both.

    Accuracy has the exact test instead (see `discordant`), unless rows have weights.

    Raises
    ------
    InputError
        If the rows are not the same.
    """
    if not (_same(first.truth, second.truth) and _same(first.weight, second.weight)):
        msg = (
            "Two runs can be compared row by row only on the same rows, in the same order; their "
            "targets or weights differ. Fit both on one table with one seed."
        )
        raise InputError(msg)
    one, two = _sums(first), _sums(second)
    q, names = one.rows.shape[1], [name for name in one.names if name in two.names]
    at, then = [[s.names.index(name) for name in names] for s in (one, two)]

    def gap(sums: Array) -> Array:
        return two.metrics(sums[..., q:])[..., then] - one.metrics(sums[..., :q])[..., at]

    rows = np.column_stack([one.rows, two.rows])
    bounds = bootstrap(rows, gap, seed, _draws(len(rows)))
    values = [measures(first), measures(second)]
    told = {
        name: Difference(values[0][name], values[1][name], v, low, high, _better(name, low, high))
        for name, (v, low, high) in zip(names, bounds.tolist(), strict=True)
    }
    if "accuracy" in told and first.weight is None and first.truth.ndim == 1:
        told["accuracy"] = _exact(told["accuracy"], first, second)
    if first.part == "training":
        told = {name: one._replace(better=0) for name, one in told.items()}
    return told


def _exact(told: Difference, first: Judged, second: Judged) -> Difference:
    hits = first.truth == first.predicted, second.truth == second.predicted
    only = int((hits[0] & ~hits[1]).sum()), int((hits[1] & ~hits[0]).sum())
    low, high = difference(*only, len(first.truth))
    return told._replace(low=low, high=high, better=_better("accuracy", low, high), discordant=only)


def _better(name: str, low: float, high: float) -> int:
    if not (low > 0 or high < 0):
        return 0
    return 2 if (low > 0) == (name in MORE_IS_BETTER) else 1


def _same(first: Array | None, second: Array | None) -> bool:
    """Tell whether two arrays are one, but for rounding: a net's targets were standardised."""
    if first is None or second is None:
        return first is second
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-9, atol=0.0)


def _draws(n: int) -> int:
    return int(np.clip(_DRAWN // max(n, 1), FEWEST_DRAWS, DRAWS))


# ---------------------------------------------------------------- the bootstrap


def bootstrap(
    rows: Array, statistic: Callable[[Array], Array], seed: int = 0, draws: int = DRAWS
) -> Array:
    """Return (m, 3): each statistic of the sums of rows (n, q), and its 95 % BCa interval.

    >>> rows = np.column_stack([np.ones(50), np.arange(50.0)])
    >>> bootstrap(rows, lambda s: (s[..., 1] / s[..., 0])[..., None]).round(1)
    array([[24.5, 20.5, 28.5]])
    """
    with np.errstate(all="ignore"):
        total = rows.sum(axis=0)
        value = statistic(total)
        drawn = statistic(_drawn(rows, seed, draws))
        left_out = statistic(total - rows)
    found = np.full((len(value), 3), np.nan)
    for i, v in enumerate(value):
        known = np.sort(drawn[np.isfinite(drawn[:, i]), i])
        found[i, 0] = v
        if np.isfinite(v) and len(known) > 0.95 * draws:  # else it has no meaning
            found[i, 1:] = _bca(float(v), known, left_out[:, i])
    return found


def _drawn(rows: Array, seed: int, draws: int) -> Array:
    """Return (draws, q): the sums over rows drawn with replacement."""
    n, rng = len(rows), generator(seed, "sample", 1)
    sums = np.empty((draws, rows.shape[1]))
    for i in range(draws):
        sums[i] = np.bincount(rng.integers(0, n, n), minlength=n) @ rows
    return sums


def _bca(value: float, known: Array, left_out: Array) -> Array:
    """Return the two quantiles of the sorted draws; see above."""
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - slow to import

    below = (np.searchsorted(known, value) + np.searchsorted(known, value, "right")) / 2
    share = np.clip(below / len(known), 0.5 / len(known), 1 - 0.5 / len(known))
    away = left_out[np.isfinite(left_out)]
    away = away.mean() - away if len(away) else np.zeros(1)
    spread = float(np.sum(away**2)) ** 1.5
    a = float(np.sum(away**3)) / (6 * spread) if spread > 0 else 0.0
    z = ndtri(share) + np.array([-Z95, Z95])
    place = ndtr(ndtri(share) + z / (1 - a * z))
    found: Array = np.quantile(known, place)
    return found


# ---------------------------------------------------------------- metrics as functions of sums


def _sums(found: Judged) -> Sums:
    w = np.ones(len(found.truth)) if found.weight is None else found.weight
    with np.errstate(all="ignore"):
        return _of_numbers(found, w) if found.truth.dtype.kind == "f" else _of_labels(found, w)


def _of_numbers(found: Judged, w: Array) -> Sums:
    y = found.truth - np.average(found.truth, weights=w, axis=0)  # so that squares do not cancel
    e = found.predicted - found.truth
    k = y.shape[1]
    columns = [w, w * np.abs(e).mean(axis=1), *(w[:, None] * part for part in (e * e, y, y * y))]

    def metrics(s: Array) -> Array:
        mass, squares = s[..., :1], s[..., 2 : 2 + k]
        means, spread = s[..., 2 + k : 2 + 2 * k] / mass, s[..., 2 + 2 * k :]
        spread = spread - mass * means**2
        r2 = np.where(spread > 0, 1 - squares / spread, np.nan).mean(axis=-1)
        rmse = np.sqrt((squares / mass).mean(axis=-1))
        return np.stack([r2, rmse, s[..., 1] / s[..., 0]], axis=-1)

    return Sums(np.column_stack(columns), ("r2", "rmse", "mae"), metrics)


def _of_labels(found: Judged, w: Array) -> Sums:
    hits = found.truth == found.predicted
    columns = [w, w * (hits if hits.ndim == 1 else hits.mean(axis=1))]
    names = ["accuracy"]
    if found.probabilities is not None:
        columns.append(w * _surprise(found.truth, found.probabilities))
        names.append("log_loss")
    return Sums(np.column_stack(columns), tuple(names), lambda s: s[..., 1:] / s[..., :1])


def _surprise(truth: Array, p: Array) -> Array:
    """Return minus the log-probability of the truth of each row (n,)."""
    if truth.ndim == 1:
        chosen = np.take_along_axis(p, truth[:, None], axis=1)
    else:
        chosen = np.where(truth == 1, p, 1 - p)
    surprise: Array = -np.log(np.maximum(chosen, SMALLEST)).mean(axis=1)
    return surprise
