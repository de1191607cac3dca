"""Coefficients of linear models in the columns' own units, with 95 % intervals where they have any.

With J the Hessian of the summed loss (penalty included) at theta, A = [X 1] and s_i the gradient of
row i's loss, the covariance of theta is

    σ² (AᵀA)⁻¹              squared errors: ordinary least squares, σ² = Σ e²/(n - p)
    J⁻¹                     logistic, softmax: the inverse of the observed information
    n/(n - p) J⁻¹ S J⁻¹     else, with weights or a squared penalty: the sandwich, S = Σ s_i s_iᵀ

S is taken about the mean of the s_i.  Where columns repeat one another J has no inverse and stands
for itself by its pseudo-inverse, the covariance of the shortest theta; coefficients that columns do
not determine, and that are not the shortest either, get no interval.

The levels of a category repeat the intercept in every table.  They are given against the average of
their column, which the rows do settle; see `levels`.

An interval needs theta at the optimum.  The next Newton step says how far that is: where it is more
than a tenth of a standard error there are no intervals.

References: P. Huber, "The behavior of maximum likelihood estimates under nonstandard conditions",
Proc. 5th Berkeley Symp. 1 (1967); J. MacKinnon and H. White, "Some heteroskedasticity-consistent
covariance matrix estimators", J. Econometrics 29 (1985), HC1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses
from descend.arrays import Array
from descend.engines.hessian import hessian
from descend.losses import LOSSES
from descend.models import Linear
from descend.showing.levels import centring, levels_of
from descend.showing.quality import Z95
from descend.showing.samples import units_of
from descend.showing.separation import NONE, contradicting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.run import Run

# Steps to the optimum above this share of a standard error leave an interval without meaning.
SHORT = 0.1
# The largest number of parameters, and of multiplications, that intervals are worth.
_MOST, _COST = 1500, 2e10
# An eigenvalue below this share of the largest is none: columns repeat one another.
_NONE = 1e-11
# What stands for one that rounding has swallowed.
_LEAST = 1e-14
# Columns named in a sentence.
_NAMED = 5
INTERCEPT = "(intercept)"
_LIKELIHOODS = ("logistic", "softmax")


class Coefficient(NamedTuple):
    """One coefficient.

    Attributes
    ----------
    feature, output
        Of which feature, and of the score of which output: a label, or nothing where there is one.
    standard
        As the model meets the feature: per standard deviation, for columns of numbers.
    value, low, high
        In the column's own unit, and its 95 % interval, NaN where it has none.
    level
        Whether it is a level of a category, given against the average of its column's levels.
    """

    feature: str
    output: str
    standard: float
    value: float
    low: float
    high: float
    level: bool = False


class Coefficients(NamedTuple):
    """All coefficients, strongest first, the intercept last; and what to know about them."""

    rows: tuple[Coefficient, ...]
    sentences: tuple[str, ...]


class _Spread(NamedTuple):
    """The standard errors (d + 1, k) in own units, the quantile they take, and what to say."""

    errors: Array
    quantile: float
    said: tuple[str, ...]


class _Sums(NamedTuple):
    """Of the rows' gradients the sum (P,) and S (P, P); squared errors (k,); whether all hit."""

    total: Array
    squares: Array
    errors: Array
    separated: bool


def coefficients(run: Run) -> Coefficients | None:
    """Return a linear model's coefficients in original units, or None for other models.

    Parameters
    ----------
    run
        With its rows attached, or there are no intervals.
    """
    if not isinstance(run.task.model, Linear):
        return None
    points, met = _points(run), _as_met(run)
    T = _to_own_units(run, met)
    with np.errstate(all="ignore"):
        own, standard = T @ points, met @ points
        spread = _spread(run, T)
        reach = spread.quantile * spread.errors
    listed = _listed(run, standard, own, own - reach, own + reach)
    return Coefficients(tuple(listed), spread.said + _of_levels(run))


def _points(run: Run) -> Array:
    """Return theta as (d, k) or, with a bias, (d + 1, k), the bias last."""
    size = run.setup.d + ("bias" in run.params)
    return run.theta.astype(np.float64).reshape(size, -1)


def _as_met(run: Run) -> Array:
    """Return the matrix (d + 1, size) from such points to coefficients, levels centred."""
    d, bias = run.setup.d, "bias" in run.params
    C = centring(run)
    M = np.zeros((d + 1, d + bias))
    M[:, :d] = np.eye(d + 1, d) if C is None else C
    M[d, d:] = 1.0
    return M


def _to_own_units(run: Run, met: Array) -> Array:
    """Return the matrix (d + 1, size) from such points to own units, intercept last.

    Of ``w (x - mean)/scale + b`` the coefficient of x is w/scale, the intercept b - Σ w mean/scale.
    """
    units = units_of(run)
    T = met.copy()
    T[:-1] /= units.scale[:, None]
    T[-1] -= units.mean @ T[:-1]
    return T


def _listed(run: Run, standard: Array, own: Array, low: Array, high: Array) -> list[Coefficient]:
    d, k = run.setup.d, own.shape[1]
    outputs = _outputs(run, k)
    levels = {i for part in levels_of(run) for i in range(part.start, part.stop)}
    if run.data is None:
        levels = set()
    strength = np.nan_to_num(np.abs(standard[:d])).max(axis=1)
    if "bias" not in run.params:
        standard[d] = np.nan
    listed = []
    for i in [*np.argsort(-strength, kind="stable").tolist(), d]:
        name = INTERCEPT if i == d else str(run.names[i])
        for j in range(k):
            met, value, a, b = (float(part[i, j]) for part in (standard, own, low, high))
            listed.append(Coefficient(name, outputs[j], met, value, a, b, i in levels))
    return listed


def _of_levels(run: Run) -> tuple[str, ...]:
    if not levels_of(run):
        return ()
    if run.data is None:
        said = (
            "Levels of a category are settled only together with the intercept, so here only the "
            "differences between levels of one column mean something; with the rows at hand "
            "(--data) they are given against their average."
        )
        return (said,)
    said = (
        "A level of a category is given against the average training row: its coefficient less the "
        "mean of its column's levels, each counted as often as rows have it (but for levels that "
        "lack a label). The intercept is "
        "taken at those means, so the sum predicts the same. Its interval asks how rows of this "
        "level differ from the average row where the other columns are alike."
    )
    return (said,)


def _outputs(run: Run, k: int) -> list[str]:
    if run.classes is not None and run.task.loss.targets == "labels":
        return [str(label) for label in run.classes]
    return [""] if k == 1 else [f"output {j + 1}" for j in range(k)]


# ---------------------------------------------------------------- standard errors


def _spread(run: Run, T: Array) -> _Spread:
    reason = _unfit(run)
    if reason is None:
        return _measured(run, T)
    return _without(run, f"There are no intervals: {reason}.")


def _without(run: Run, *said: str) -> _Spread:
    return _Spread(np.full((run.setup.d + 1, _points(run).shape[1]), np.nan), 0.0, said)


def _unfit(run: Run) -> str | None:  # noqa: PLR0911 - one line for each reason
    """Say what keeps coefficients from having intervals, or None."""
    task, setup, size = run.task, run.setup, run.theta.size
    if run.data is None:
        return "they need the rows, which are not at hand; give them with --data"
    if run.outcome.diverged or not np.isfinite(run.theta).all():
        return "the run diverged"
    if task.loss not in LOSSES or not task.loss.smooth:
        return f"the loss {task.loss.name} has a kink or is one's own, and no curvature to use"
    if task.penalty is not None and task.penalty.l1 > 0:
        return f"the penalty {task.penalty.name} sets coefficients to 0, and they do not scatter"
    if setup.n <= size // max(setup.k, 1):
        return f"{setup.n} training rows cannot settle {size} coefficients"
    if size > _MOST or setup.n * size**2 > _COST:
        return f"{size} coefficients on {setup.n} rows would take too long"
    return None


def _measured(run: Run, T: Array) -> _Spread:
    problem, theta = run.problem, run.theta.astype(np.float64)
    k, n = _points(run).shape[1], problem.n
    sums = _sums(problem, theta)
    if sums.separated and run.task.penalty is None:
        return _without(
            run,
            "There are no intervals: the columns tell the training labels apart without a mistake, "
            "so the likelihood rises for as long as the coefficients grow, and has no optimum.",
        )
    mass = losses.mass(problem.weights, n, run.task.reduction)
    likely = run.task.loss.name in _LIKELIHOODS
    # Far out a likelihood hardly bends even where columns differ: ask at 0 whether they do.
    base = hessian(problem, np.zeros_like(theta)) if likely else None
    inverse, nothing = _inverse(mass * hessian(problem, theta), base)
    rank = (theta.size - nothing.shape[1]) / k
    if n <= rank:
        return _without(run, f"There are no intervals: {n} rows settle no more than {n} numbers.")
    covariance, quantile, way = _covariance(run, sums, inverse, rank)
    ways = np.kron(T, np.eye(k))  # the same change of units for every output
    errors = np.sqrt(np.sum((ways @ covariance) * ways, axis=1))
    step = ways @ (inverse @ (sums.total + mass * problem.l2 * theta))
    apart: tuple[str, ...] = ()
    if likely and run.task.penalty is None:
        far = np.abs(step) > SHORT * errors
        errors, apart = _separated(run, errors, inverse @ ways.T, far)
    worst = float(np.nanmax(np.abs(step) / np.where(errors > 0, errors, np.inf)))
    if not worst <= SHORT:
        early = run.outcome.reason == "validation"
        why = "kept the parameters of its least validation loss" if early else "stopped training"
        said = (
            f"There are no intervals: the run {why} before the optimum, where they would hold ("
            f"up to {worst:.2g} standard errors short of it)."
        )
        return _without(run, said)
    errors, also = _undetermined(errors, ways, nothing, theta)
    return _Spread(errors.reshape(-1, k), quantile, (way, *apart, *also, *_of_penalty(run)))


def _inverse(J: Array, base: Array | None = None) -> tuple[Array, Array]:
    """Return the pseudo-inverse, and the directions (P, r) in which nothing bends.

    Those are directions in which `base` does not bend, where there is one.
    """
    base = J if base is None else base
    values, vectors = np.linalg.eigh((base + base.T) / 2)
    bends = values > _NONE * max(values[-1], 0.0)
    kept = vectors[:, bends]
    within = kept.T @ J @ kept
    values, turned = np.linalg.eigh((within + within.T) / 2)
    values = np.maximum(values, _LEAST * values.max(initial=0.0))
    kept = kept @ turned
    return (kept / values) @ kept.T, vectors[:, ~bends]


def _separated(run: Run, errors: Array, along: Array, far: Array) -> tuple[Array, tuple[str, ...]]:
    """Take intervals from coefficients that the labels drive off without end; see `separation`."""
    problem = run.problem
    theta, mean = run.theta.astype(np.float64), 1.0
    if problem.weights is not None:
        mean = float(problem.weights.mean(dtype=np.float64))
    blocks = (
        (A, scores, None if weight is None else weight / mean)
        for A, scores, _, weight in _blocks(problem, theta)
    )
    rows = contradicting(run.task.loss, blocks, along)
    gone = ~(rows >= NONE) | ((rows < 1) & far)  # not one row, and still on its way
    if not gone.any():
        return errors, ()
    k = len(gone) // (run.setup.d + 1)
    names = [*map(str, run.names), INTERCEPT]
    of = list(dict.fromkeys(names[i // k] for i in np.flatnonzero(gone)))
    shown = ", ".join(of[:_NAMED]) + (f" and {len(of) - _NAMED} more" if len(of) > _NAMED else "")
    said = (
        f"The training labels separate, or all but separate, on {shown}: the rows that tell of "
        "such a coefficient are on one side, so the likelihood hardly falls however far it grows. "
        "It has no interval, and its value is only where training stopped."
    )
    return np.where(gone, np.nan, errors), (said,)


def _covariance(run: Run, sums: _Sums, inverse: Array, rank: float) -> tuple[Array, float, str]:
    """Return the covariance of theta, the quantile that goes with it, and a sentence."""
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import

    n, loss = run.setup.n, run.task.loss
    plain = not run.setup.weighted and run.task.penalty is None
    if plain and loss.name in {"squared_error", "half_squared_error"}:
        k, freedom = len(sums.errors), n - rank
        # J is c AᵀA/k with c the loss's curvature; σ² is that of each output.
        sigma2 = np.tile(sums.errors / freedom, inverse.shape[0] // k)
        scale = np.sqrt(loss.steepest_curvature / k * sigma2)
        quantile = float(stdtrit(freedom, 0.975))
        return (
            inverse * np.outer(scale, scale),
            quantile,
            _way(f"by ordinary least squares with {freedom:g} degrees of freedom", quantile),
        )
    if plain and loss.name in _LIKELIHOODS:
        return inverse, Z95, _way("from the curvature of the likelihood (observed information)")
    meat = inverse @ sums.squares @ inverse * (n / (n - rank))
    return meat, Z95, _way("which allow for unequal spread (the sandwich)")


def _way(how: str, quantile: float = Z95) -> str:
    return (
        f"Intervals hold 95 %: the coefficient and {quantile:.3g} standard errors to both sides, "
        f"{how}. Those of columns of numbers ask what happens where this column changes and the "
        "others stay."
    )


def _undetermined(
    errors: Array, ways: Array, nothing: Array, theta: Array
) -> tuple[Array, tuple[str, ...]]:
    """Take intervals from what columns that repeat one another leave open."""
    if not nothing.shape[1]:
        return errors, ()
    open_ = np.linalg.norm(ways @ nothing, axis=1) > 1e-6 * np.linalg.norm(ways, axis=1)
    if not open_.any():  # levels of categories, which are given against their average
        return errors, ()
    said = "Some columns repeat one another (as the levels of a category do with the intercept), "
    along, whole = float(np.linalg.norm(nothing.T @ theta)), float(np.linalg.norm(theta))
    if along <= 1e-6 * whole:
        said += (
            "so their coefficients are settled only together; of all that predict alike these are "
            "the smallest, and the intervals are theirs."
        )
        return errors, (said,)
    said += "so the rows leave their coefficients open; those have no interval."
    return np.where(open_, np.nan, errors), (said,)


def _of_penalty(run: Run) -> tuple[str, ...]:
    if run.task.penalty is None:
        return ()
    return (
        (
            f"The penalty {run.task.penalty.name} draws coefficients towards 0: the intervals say "
            "how they would scatter over other rows, not where they would lie without it."
        ),
    )


# ---------------------------------------------------------------- sums over rows


def _blocks(
    problem: Problem, theta: Floats, block: int = 1 << 12
) -> Iterator[tuple[Array, Array, Array, Array | None]]:
    """Yield rows as the model meets them, their scores, targets and weights."""
    for first in range(0, problem.n, block):
        part = slice(first, min(first + block, problem.n))
        A, weight = _design(problem, part), problem.weights
        scores = A @ theta.reshape(A.shape[1], -1)
        own = None if weight is None else weight[part].astype(np.float64)
        yield A, scores, problem.y[part], own


def _sums(problem: Problem, theta: Floats) -> _Sums:
    loss, size = problem.task.loss, theta.size
    total, squares, separated = np.zeros(size), np.zeros((size, size)), loss.proper
    errors = np.zeros(1)
    for A, scores, y, weight in _blocks(problem, theta):
        slope = losses.slopes(loss, scores, y, None, 1.0)
        if weight is not None:
            slope = slope * weight[:, None]
        each = (A[:, :, None] * slope[:, None, :]).reshape(len(A), -1)
        total += each.sum(axis=0)
        squares += each.T @ each
        if loss.targets == "numbers":
            errors = errors + ((scores - y) ** 2).sum(axis=0)
        elif separated:
            separated = _all_right(scores, y)
    squares -= np.outer(total, total) / problem.n
    return _Sums(total, squares, errors, separated)


def _design(problem: Problem, part: slice) -> Array:
    """Return some rows as the model meets them, with a column of ones where it has a bias."""
    found: Any = problem.X[part]
    X = np.asarray(found if isinstance(found, np.ndarray) else found.toarray(), dtype=np.float64)
    if problem.scaling is not None:
        X = np.where(
            problem.scaling.varies, (X - problem.scaling.mean) / problem.scaling.deviation, 0.0
        )
    bias = "bias" in problem.layout.slices()
    return np.column_stack([X, np.ones(len(X))]) if bias else X


def _all_right(scores: Array, y: Array) -> bool:
    if y.ndim == 1:
        return bool((scores.argmax(axis=1) == y).all())
    return bool(((scores > 0) == (y > 0)).all(axis=0).any())
