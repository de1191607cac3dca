"""Curvature: how large a step the objective can bear.

For a linear model the Hessian is at most c AᵀWA / sum(w) + l2, where A is [X 1] and c the steepest
second derivative of the loss, so its largest eigenvalue L is known before the first step: exactly
for squared errors, and as a bound for logistic, softmax, Huber and log-cosh.  Plain gradient
descent is stable below 2/L; the automatic step is 1/L.

    >>> import numpy as np
    >>> from descend.losses import squared_error
    >>> from descend.models import Linear
    >>> from descend.optimizers import gradient_descent
    >>> from descend.task import Task
    >>> x = np.linspace(-5, 5, 100)[:, None]
    >>> task = Task(Linear(), squared_error(), gradient_descent())
    >>> round(stable_step(ready(task, x, x)), 6)
    0.117624
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses
from descend.arrays import Floats
from descend.custom import CustomModel
from descend.engines import Problem, engine_for
from descend.engines.checking import is_custom
from descend.models import layered
from descend.randomness import permutation
from descend.scaling import BLOCK, fold, unfold

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Sparse
    from descend.engines import Program
    from descend.task import Task

# Up to this many columns the Hessian's eigenvalues are computed outright.
DIRECT = 2000
# Nets are looked at on at most this many rows.
SAMPLE = 2048
# The losses whose curvature is the same at every score, so that the Hessian is exact.
QUADRATIC = ("squared_error", "half_squared_error")


def ready(task: Task, X: Any, y: Any, weights: Any = None) -> Problem:
    """Return the full-batch problem of a task on arrays that `train` would accept."""
    from descend.arrays import as_rows  # noqa: PLC0415 - only for this convenience

    X = as_rows(X, "X")
    y, classes = losses.encode_targets(task.loss, y, None, X.dtype)
    layout = task.model.layout(X.shape[1], outputs(task, y, classes))
    return Problem(task, layout, X, y, weights, None, shuffle=False, seed=0, learning_rate=1.0)


def outputs(task: Task, y: Any, classes: list[Any] | None) -> int:
    """Return k: a score per class for softmax, else one per column of y."""
    return len(classes or ()) if task.loss.targets == "labels" else int(y.shape[1])


class Moments(NamedTuple):
    """The weighted mean of each column the model meets, and how columns vary together about it.

    Attributes
    ----------
    mean, centred, total
        (d,); (d, d), the sum of w (x - mean)(x - mean)ᵀ; and the sum of w.
    """

    mean: Floats
    centred: Floats
    total: float

    def gram(self, *, bias: bool) -> Floats:
        """Return AᵀWA: centred + total mean meanᵀ, with a row and a column for the bias."""
        with np.errstate(all="ignore"):
            gram: Floats = self.centred + self.total * np.outer(self.mean, self.mean)
            if bias:
                sums = self.total * self.mean[:, None]
                gram = np.block([[gram, sums], [sums.T, np.full((1, 1), self.total)]])
        return gram


def moments(problem: Problem) -> Moments:
    """Return the columns' moments in two passes: nothing cancels, however far the mean is from 0.

    References: T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance:
    analysis and recommendations", Am. Stat. 37 (1983).
    """
    w = np.ones(problem.n) if problem.weights is None else problem.weights.astype(np.float64)
    with np.errstate(all="ignore"):
        if not isinstance(problem.X, np.ndarray):
            return _moments_of_sparse(problem, problem.X, w)
        X, d = problem.X, problem.X.shape[1]
        parts = [slice(first, first + BLOCK) for first in range(0, problem.n, BLOCK)]
        mean, centred, total = np.zeros(d), np.zeros((d, d)), float(w.sum())
        for part in parts:
            mean += w[part] @ X[part]
        mean /= total or 1.0
        for part in parts:
            Z = X[part] - mean
            centred += Z.T @ (Z if problem.weights is None else Z * w[part, None])
    return Moments(mean, centred, total)


def _moments_of_sparse(problem: Problem, X: Sparse, w: Floats) -> Moments:
    """Return the same by a sparse product.

    Only full columns are shifted by their mean; in one with a zero the mean is at most of the
    deviation's order times the root of n, and little cancels.
    """
    n, d = X.shape
    data, rows = X.data.astype(np.float64), np.repeat(w, np.diff(X.indptr))
    total = float(w.sum())
    full = np.bincount(X.indices, minlength=d) == n
    shift = np.where(full, np.bincount(X.indices, rows * data, d) / (total or 1.0), 0.0)
    data -= shift[X.indices]
    left = np.bincount(X.indices, rows * data, d) / (total or 1.0)
    centred = (_like(X, data).T @ _like(X, data * rows)).toarray()
    centred -= total * np.outer(left, left)
    mean, scaling = shift + left, problem.scaling
    if scaling is None:
        return Moments(mean, centred, total)
    units = np.where(scaling.varies, 1.0 / scaling.deviation, 0.0)
    return Moments((mean - scaling.mean) * units, centred * np.outer(units, units), total)


def hessian(
    problem: Problem, steepest: float | None = None, found: Moments | None = None
) -> Floats:
    """Return c AᵀWA / mass + l2 for one output of a linear model, (d + 1, d + 1) with a bias."""
    c = problem.task.loss.steepest_curvature if steepest is None else steepest
    bias = layered(problem.task.model).bias
    total = losses.mass(problem.weights, problem.n, problem.task.reduction)
    H = (found or moments(problem)).gram(bias=bias) * (c / (total * outputs_averaged(problem)))
    H[np.diag_indices_from(H)] += ridge(problem)
    return H


def ridge(problem: Problem) -> Floats:
    """Return what the squared penalty adds to the diagonal of `hessian`."""
    model, penalty = layered(problem.task.model), problem.task.penalty
    size = problem.X.shape[1] + model.bias
    reached = np.zeros(size) if penalty is None else np.full(size, penalty.l2)
    if penalty is not None and model.bias and not penalty.biases:
        reached[-1] = 0.0
    return reached


def _design(problem: Problem, X: Floats) -> Floats:
    X = X.astype(np.float64, copy=False)
    return np.column_stack([X, np.ones(problem.n)]) if layered(problem.task.model).bias else X


def _like(X: Sparse, data: Floats) -> Any:
    """Return a sparse matrix with other entries in the places of X's."""
    make: Any = type(X)
    return make((data, X.indices, X.indptr), shape=X.shape)


def outputs_averaged(problem: Problem) -> int:
    """Return how many outputs the loss averages over: 1 for softmax, which adds them up."""
    return 1 if problem.task.loss.targets == "labels" else problem.y.shape[1]


def eigenvalues(problem: Problem) -> Floats:
    """Return the eigenvalues of `hessian`, smallest first."""
    return np.linalg.eigvalsh(hessian(problem))


def known(problem: Problem) -> bool:
    """Tell whether the Hessian is that of a linear model under a loss of this library."""
    return problem.task.model.linear and problem.task.loss.name != "custom"


def largest(problem: Problem, found: Moments | None = None) -> float:
    """Return L: the largest curvature, or a bound on it; for nets, an estimate at the start."""
    if not known(problem):
        return _largest_of_net(problem)
    if problem.X.shape[1] > DIRECT:
        return largest_of_wide(problem)[0]
    H = hessian(problem, steepest(problem), found)
    return float(np.linalg.eigvalsh(H)[-1]) if np.isfinite(H).all() else math.nan


def stable_step(problem: Problem) -> float:
    """Return 2/L, the largest step at which plain full-batch gradient descent is stable."""
    return 2.0 / largest(problem)


def steepest(problem: Problem) -> float:
    """Return the loss's steepest curvature, or a stand-in where there is no bound.

    Poisson: the largest count, which is the curvature where that count is predicted.  Losses
    with a kink: that of the kink rounded off over a tenth of the target's spread (of the margin,
    for the hinge).
    """
    loss = problem.task.loss
    if math.isfinite(loss.steepest_curvature):
        return loss.steepest_curvature
    if loss.name == "poisson":
        return max(float(problem.y.max()), 1.0)
    if loss.targets == "two labels":
        return 10.0
    centre = losses.best_constant(loss, problem.y, problem.weights, problem.y.shape[1])
    apart = np.abs(problem.y - centre).mean(axis=1)
    spread = float(np.average(apart, weights=problem.weights))
    return 10.0 / spread if spread > 0 else 1.0


def largest_of_wide(problem: Problem) -> tuple[float, int]:
    """Return a slight overestimate of L, and the passes it took: power iteration, no matrix."""
    ahead, back = _products(problem)
    w = np.ones(problem.n) if problem.weights is None else problem.weights
    total = losses.mass(problem.weights, problem.n, problem.task.reduction)
    size = problem.X.shape[1] + layered(problem.task.model).bias
    v = np.random.default_rng(problem.seed).standard_normal(size)
    length, turns = 0.0, 0
    for turns in range(1, 101):  # noqa: B007 - counted
        v = back(w * ahead(v / np.linalg.norm(v)))
        before, length = length, float(np.linalg.norm(v))
        if abs(length - before) <= 1e-4 * length:
            break
    L = 1.01 * length * steepest(problem) / (total * outputs_averaged(problem))
    return L + float(ridge(problem).max()), 2 * turns


def _products(problem: Problem) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """Return v to A v and u to Aᵀu."""
    X, d = problem.X, problem.X.shape[1]
    if isinstance(X, np.ndarray):
        A = _design(problem, X)
        return (lambda v: A @ v), (lambda u: A.T @ u)
    layout, scaling = problem.task.model.layout(d, 1), problem.scaling

    def ahead(v: Floats) -> Floats:
        point = fold(v, layout, scaling)[0]
        return np.asarray(X @ point[:d] + point[d:].sum())  # one bias, or none

    def back(u: Floats) -> Floats:
        slope = X.T @ u
        has_bias = layered(problem.task.model).bias or scaling is not None
        return unfold(np.append(slope, u.sum()) if has_bias else slope, layout, scaling)

    return ahead, back


def _largest_of_net(problem: Problem) -> float:
    """Return the largest |eigenvalue| of the Hessian at the start, by power iteration.

    Hessian-vector products are differences of gradients.  A local figure: it says how the first
    steps will go, not how the last ones will.
    """
    sample = _sampled(problem)
    program = engine_for(_differentiating(problem), sample)[1]
    theta = problem.start().theta.astype(np.float64)
    return largest_at(program, theta, problem.seed) * _mass_beyond(problem, sample)


def largest_at(program: Program, theta: Floats, seed: int, sizes: Floats | None = None) -> float:
    """Return the largest |eigenvalue| of the Hessian at theta, by at most 30 power iterations.

    With `sizes` D, what a rule divides the gradient by, it is that of D^-1/2 H D^-1/2.  NaN where
    gradients are not finite, or all 0.
    """
    root = np.ones(theta.size) if sizes is None else np.sqrt(sizes)
    v = np.random.default_rng(seed).standard_normal(theta.size)
    reach, size = 1e-4 * (1.0 + float(np.linalg.norm(theta))), 0.0
    for _ in range(30):
        u = v / np.linalg.norm(v) / root
        h = reach / float(np.linalg.norm(u))
        ahead = program.value_and_gradient(theta + h * u)[1]
        behind = program.value_and_gradient(theta - h * u)[1]
        v = (ahead - behind) / (2 * h) / root
        before, size = size, float(np.linalg.norm(v))
        if not math.isfinite(size) or size == 0.0:
            return math.nan
        if abs(size - before) <= 1e-2 * size:
            break
    return size


def _mass_beyond(problem: Problem, sample: Problem) -> float:
    """Return how much steeper a sum over all rows is than over the sample: 1 for a mean."""
    if problem.task.reduction == "mean":
        return 1.0
    both = [losses.mass(p.weights, p.n, "mean") for p in (problem, sample)]
    return both[0] / both[1]


def _differentiating(problem: Problem) -> str:
    """Return the engine to look at a net with: the reference, unless a part is one's own."""
    return "auto" if is_custom(problem.task) else "numpy"


def _sampled(problem: Problem) -> Problem:
    rows: Any = slice(None)
    if problem.n > SAMPLE:
        rows = np.sort(permutation(problem.n, problem.seed, "sample")[:SAMPLE])
    X: Any = problem.X[rows].astype(np.float64)
    y = problem.y[rows] if problem.task.loss.targets == "labels" else problem.y[rows] * 1.0
    weights = None if problem.weights is None else problem.weights[rows]
    return Problem(
        problem.task,
        problem.layout,
        X,
        y,
        weights,
        None,
        shuffle=False,
        seed=problem.seed,
        learning_rate=problem.learning_rate,
    )


def automatic_rate(
    problem: Problem, L: float | None = None, squares: Floats | None = None
) -> float:
    """Return the learning rate that ``"auto"`` stands for.

    Rules that divide by the gradient's own size take their paper's rate.  The others take one
    over the `smoothness`; with batches multiplied by 1 - beta, because momentum adds up the
    batches' noise.  `L` and the `squares` of the rows are found unless they are given.
    """
    rule = problem.task.optimizer.rule
    if rule.scaled:
        return rule.usual_rate
    L = largest(problem) if L is None else L
    if not (math.isfinite(L) and L > 0):
        return rule.usual_rate
    if problem.full_batch:
        return 1.0 / L
    return (1.0 - getattr(rule, "beta", 0.0)) / smoothness(problem, L, squares)


def smoothness(problem: Problem, L: float, squares: Floats | None = None) -> float:
    """Return L for the full batch; for batches of b of n rows, their expected smoothness.

    ((n - b) max_i L_i / (n - 1) + n (b - 1) L / (n - 1)) / b, with L_i the curvature of row i
    alone: L where b = n, and max_i L_i where b = 1.

    References: R. Gower et al., "SGD: general analysis and improved rates", ICML 2019, section 3.3.
    """
    if problem.full_batch:
        return L
    b, n = problem.batch_size or problem.n, problem.n
    if problem.task.reduction == "sum":
        L *= b / n  # a batch's sum is that much smaller than the whole sum
    rows = _largest_of_rows(problem, L, squares)
    return ((n - b) * rows + n * (b - 1) * L) / (b * (n - 1))


def _largest_of_rows(problem: Problem, L: float, squares: Floats | None) -> float:
    """Return the largest curvature a single row can have."""
    squares = squares_of_rows(problem) if squares is None else squares
    if not known(problem):
        return L * float(squares.max() / squares.mean())
    scale = steepest(problem) / outputs_averaged(problem)
    if problem.task.reduction == "sum":
        scale *= problem.batch_size or problem.n
    if problem.weights is not None:
        mean_weight = problem.weights.mean()
        squares = squares * problem.weights / (mean_weight or 1.0)
    return float(squares.max()) * scale


def curvatures_of_rows(problem: Problem, squares: Floats) -> Floats:
    """Return the largest curvature of each row's own objective, (n,): c |a|² / k + l2.

    In a mean the row's weight cancels, except that a row of weight 0 moves nothing.
    """
    bends = squares * (steepest(problem) / outputs_averaged(problem))
    if problem.weights is not None:
        w = problem.weights.astype(np.float64)
        bends = bends * (w if problem.task.reduction == "sum" else w > 0)
    return np.asarray(bends + float(ridge(problem).max()))


def squares_of_rows(problem: Problem) -> Floats:
    """Return |a|² of each row as the model meets it, the 1 of the bias included: (n,)."""
    model = problem.task.model
    bias = isinstance(model, CustomModel) or model.bias
    return _squares_of_rows(problem) + float(bias)


def _squares_of_rows(problem: Problem) -> Floats:
    """Return the squared length of each row as the model meets it, (n,)."""
    X, scaling = problem.X, problem.scaling
    if isinstance(X, np.ndarray):
        return np.asarray(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    squares, empty = np.square(X.data, dtype=np.float64), 0.0
    if scaling is not None:
        # What a stored entry adds to the row of zeros, which lies at -mean / deviation.
        zeros = np.square(scaling.mean / scaling.deviation)
        mean, deviation = scaling.mean[X.indices], scaling.deviation[X.indices]
        squares = np.square((X.data - mean) / deviation) - zeros[X.indices]
        empty = float(zeros.sum())
    places = np.repeat(np.arange(problem.n), np.diff(X.indptr))
    lengths: Floats = np.maximum(empty + np.bincount(places, squares, problem.n), 0.0)
    return lengths
