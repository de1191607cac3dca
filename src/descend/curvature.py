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
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import losses
from descend.custom import CustomModel
from descend.engines import Problem, engine_for
from descend.engines.checking import is_custom
from descend.models import layered
from descend.randomness import permutation
from descend.scaling import fold, unfold

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats, Sparse
    from descend.task import Task

# Up to this many columns the Hessian's eigenvalues are computed outright.
DIRECT = 2000
# Nets are looked at on at most this many rows.
SAMPLE = 2048


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


def hessian(problem: Problem, steepest: float | None = None) -> Floats:
    """Return c AᵀWA / mass + l2 for one output of a linear model, (d + 1, d + 1) with a bias."""
    c = problem.task.loss.steepest_curvature if steepest is None else steepest
    total = losses.mass(problem.weights, problem.n, problem.task.reduction)
    H: Floats = _gram(problem) * (c / (total * _outputs_averaged(problem)))
    penalty = problem.task.penalty
    if penalty is not None:
        reached = np.ones(len(H))
        if layered(problem.task.model).bias and not penalty.biases:
            reached[-1] = 0.0
        H[np.diag_indices_from(H)] += penalty.l2 * reached
    return H


def _gram(problem: Problem) -> Floats:
    """Return AᵀWA."""
    if not isinstance(problem.X, np.ndarray):
        return _gram_of_sparse(problem, problem.X)
    A = _design(problem, problem.X)
    weighted = A if problem.weights is None else A * problem.weights[:, None]
    gram: Floats = A.T @ weighted
    return gram


def _design(problem: Problem, X: Floats) -> Floats:
    X = X.astype(np.float64, copy=False)
    return np.column_stack([X, np.ones(problem.n)]) if layered(problem.task.model).bias else X


def _gram_of_sparse(problem: Problem, X: Sparse) -> Floats:
    """Return AᵀWA by a sparse product; what standardises A is unfolded from either side."""
    scaling = problem.scaling
    w = np.ones(problem.n) if problem.weights is None else problem.weights.astype(np.float64)
    data = X.data.astype(np.float64)
    wide, weighted = _like(X, data), _like(X, data * np.repeat(w, np.diff(X.indptr)))
    gram: Floats = (wide.T @ weighted).toarray()
    if layered(problem.task.model).bias or scaling is not None:
        sums = (wide.T @ w)[:, None]
        gram = np.block([[gram, sums], [sums.T, np.full((1, 1), w.sum())]])

    def unfolded(columns: Floats) -> Floats:
        count = columns.shape[1]
        several = problem.task.model.layout(X.shape[1], count)
        return unfold(columns.ravel(), several, scaling).reshape(-1, count)

    return unfolded(unfolded(gram).T)


def _like(X: Sparse, data: Floats) -> Any:
    """Return a sparse matrix with other entries in the places of X's."""
    make: Any = type(X)
    return make((data, X.indices, X.indptr), shape=X.shape)


def _outputs_averaged(problem: Problem) -> int:
    return 1 if problem.task.loss.targets == "labels" else problem.y.shape[1]


def eigenvalues(problem: Problem) -> Floats:
    """Return the eigenvalues of `hessian`, smallest first."""
    return np.linalg.eigvalsh(hessian(problem))


def largest(problem: Problem) -> float:
    """Return L: the largest curvature, or a bound on it; for nets, an estimate at the start."""
    if not problem.task.model.linear or problem.task.loss.name == "custom":
        return _largest_of_net(problem)
    steepest = _steepest(problem)
    if problem.X.shape[1] <= DIRECT:
        return float(np.linalg.eigvalsh(hessian(problem, steepest))[-1])
    return _largest_of_wide(problem, steepest)


def stable_step(problem: Problem) -> float:
    """Return 2/L, the largest step at which plain full-batch gradient descent is stable."""
    return 2.0 / largest(problem)


def _steepest(problem: Problem) -> float:
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
    spread = float(np.abs(problem.y - centre).mean())
    return 10.0 / spread if spread > 0 else 1.0


def _largest_of_wide(problem: Problem, steepest: float) -> float:
    """Return a slight overestimate of L by power iteration, without a d x d matrix."""
    ahead, back = _products(problem)
    w = np.ones(problem.n) if problem.weights is None else problem.weights
    total = losses.mass(problem.weights, problem.n, problem.task.reduction)
    size = problem.X.shape[1] + layered(problem.task.model).bias
    v = np.random.default_rng(problem.seed).standard_normal(size)
    length = 0.0
    for _ in range(100):
        v = back(w * ahead(v / np.linalg.norm(v)))
        before, length = length, float(np.linalg.norm(v))
        if abs(length - before) <= 1e-4 * length:
            break
    penalty = problem.task.penalty
    ridge = 0.0 if penalty is None else penalty.l2
    return 1.01 * length * steepest / (total * _outputs_averaged(problem)) + ridge


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
    program = engine_for(_differentiating(problem), _sampled(problem))[1]
    theta = problem.start().theta.astype(np.float64)
    v = np.random.default_rng(problem.seed).standard_normal(theta.size)
    h = 1e-4 * (1.0 + float(np.linalg.norm(theta)))
    size = 0.0
    for _ in range(30):
        v /= np.linalg.norm(v)
        ahead = program.value_and_gradient(theta + h * v)[1]
        behind = program.value_and_gradient(theta - h * v)[1]
        v = (ahead - behind) / (2 * h)
        before, size = size, float(np.linalg.norm(v))
        if not math.isfinite(size) or size == 0.0:
            return math.nan
        if abs(size - before) <= 1e-2 * size:
            break
    return size


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


def automatic_rate(problem: Problem) -> float:
    """Return the learning rate that ``"auto"`` stands for.

    Rules that divide by the gradient's own size take their paper's rate.  The others take 1/L.
    With batches of b of n rows, L becomes the expected smoothness of such batches,
    ((n - b) max_i L_i / (n - 1) + n (b - 1) L / (n - 1)) / b, with L_i the curvature of row i
    alone; and the rate is multiplied by 1 - beta, because momentum adds up the batches' noise.

    References: R. Gower et al., "SGD: general analysis and improved rates", ICML 2019, section 3.3.
    """
    rule = problem.task.optimizer.rule
    if rule.scaled:
        return rule.usual_rate
    L = largest(problem)
    if not (math.isfinite(L) and L > 0):
        return rule.usual_rate
    if problem.full_batch:
        return 1.0 / L
    b, n = problem.batch_size or problem.n, problem.n
    if problem.task.reduction == "sum":
        L *= b / n  # a batch's sum is that much smaller than the whole sum
    rows = _largest_of_rows(problem, L)
    smoothness = ((n - b) * rows + n * (b - 1) * L) / (b * (n - 1))
    return (1.0 - getattr(rule, "beta", 0.0)) / smoothness


def _largest_of_rows(problem: Problem, L: float) -> float:
    """Return the largest curvature a single row can have."""
    squares, model = _squares_of_rows(problem), problem.task.model
    squares = squares + 1.0 if isinstance(model, CustomModel) or model.bias else squares
    if not problem.task.model.linear or problem.task.loss.name == "custom":
        return L * float(squares.max() / squares.mean())
    scale = _steepest(problem) / _outputs_averaged(problem)
    if problem.task.reduction == "sum":
        scale *= problem.batch_size or problem.n
    if problem.weights is not None:
        mean_weight = problem.weights.mean()
        squares = squares * problem.weights / (mean_weight or 1.0)
    return float(squares.max()) * scale


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
