"""Solving: the least squares solution outright, as a run that needed no descent.

Of a linear model under a squared error the objective's lowest point can be computed.  With A the
columns the model meets, centred by their weighted means and divided by their deviations, rows
multiplied by the root of their weights, and a row for each penalised parameter,

    A u = y  in the sense of least squares        A P = Q R        u = P R⁻¹ Qᵀ y

and u goes back into the units of the run.  Q and R are found by Householder reflections with
pivoting.  The residual r and u are then refined together against the columns as they were given,
in long double where the machine has one: what scaling and factoring have rounded is made good.

    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), "newton")
    >>> run = solve(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> run.theta.round(6), run.outcome.reason
    (array([2.25    , 0.916667]), 'exact')
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.curvature import QUADRATIC, outputs_averaged
from descend.engines.searching import LARGEST
from descend.errors import InputError, Outcome
from descend.losses import mass
from descend.models import layered
from descend.optimizers import lbfgs, newton
from descend.scaling import Scaling, measured
from descend.task import Task
from descend.training.ending import recorded
from descend.training.making import loop_on, made_ready

if TYPE_CHECKING:
    from descend.engines import Problem
    from descend.run import Data, Run

# Above this condition number half of the digits of double precision are lost: it is said.
ILL = 1e8
# Sparse rows are made dense to be factored, up to so many entries.
MOST = 100_000_000
# Refinements, each of which gains digits as long as the last correction was the larger.
_REFINED = 4
# Columns named in a sentence.
_NAMED = 4
_Long = np.longdouble


def solve(  # noqa: PLR0913 - the arguments of `train` that have a meaning here
    task: Task,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    validation: Any = None,
    seed: int = 0,
    dtype: Any = None,
    standardize: bool | str = False,
    record: str | float | bool = "auto",
) -> Run:
    """Solve a linear task under a squared error outright and return it as a run.

    Parameters
    ----------
    task
        A linear model under ``squared_error`` or ``half_squared_error``, without a penalty or
        with ``l2``.  Its optimizer is not used: the run's is newton (lbfgs above 2000 parameters).
    X, y, sample_weight, validation, seed, dtype, standardize, record
        As for `train`.  `standardize` decides the units of the parameters and of the penalty;
        columns are standardised to be factored whatever it says.  float32 rows are solved in
        double precision, and the solution is given back in float32.  Sparse rows are made dense.

    Returns
    -------
    Run
        Of 0 updates, its outcome's reason ``"exact"``.  Where the columns are linear combinations
        of one another, of all solutions the one that is shortest in standardised columns; the
        outcome's sentence then says ill-conditioned, and which columns are concerned.

    Raises
    ------
    InputError
        If the task is not one that can be solved outright, or something cannot be used.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), "newton")
    >>> print(ds.solve(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]).outcome)
    Solved outright by QR of the 3 x 1 standardised columns (condition number 1); loss 0.0138889.

    References
    ----------
    G. Golub, "Numerical methods for solving linear least squares problems", Numer. Math. 7 (1965);
    Å. Björck, "Iterative refinement of linear least squares solutions I", BIT 7 (1967).
    """
    if isinstance(task, Task):
        _refuse(task)
        task = replace(task, optimizer=newton())
    data, problem = made_ready(
        task,
        X,
        y,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        dtype=dtype,
        standardize=standardize,
    )
    with np.errstate(all="ignore"):
        solved = _solution(data, problem)
        fits = np.isfinite(solved.theta.astype(data.X.dtype)).all()
    if not fits:
        raise InputError(_beyond(solved, data))
    rule = newton() if problem.layout.size <= LARGEST else lbfgs()
    model = replace(layered(task.model), init=solved.theta)
    problem = replace(problem, task=replace(task, model=model, optimizer=rule))
    loop = loop_on(
        data,
        problem,
        epochs=1,
        engine="numpy",
        validation=validation,
        record=record,
        progress=False,
    )
    theta = loop.state.theta
    loss = loop.program.value(theta)
    if not math.isfinite(loss):
        raise InputError(_beyond(solved, data))
    return recorded(loop, theta, Outcome("exact", _sentence(solved, data, loss), 0, loss))


def _refuse(task: Task) -> None:
    """Refuse what has no solution in closed form."""
    if not task.model.linear:
        found = f"the model {task.model.name} has hidden layers or is one's own"
    elif task.loss.name not in QUADRATIC:
        found = f"the loss is {task.loss.name}"
    elif task.penalty is not None and task.penalty.l1 > 0:
        found = f"the penalty {task.penalty.name} has a kink"
    else:
        return
    msg = (
        "solve needs a linear model under squared_error or half_squared_error, with no penalty or "
        f"l2; {found}. Use train, with lbfgs or newton to come close."
    )
    raise InputError(msg)


def _beyond(solved: _Solved, data: Data) -> str:
    return (
        f"The least squares solution or its loss leaves the range of {data.X.dtype}; its largest "
        f"coefficient is {np.abs(solved.theta).max():.4g}. Give the columns and the target other "
        "units."
    )


# ---------------------------------------------------------------- the numbers


class _Solved(NamedTuple):
    """theta in the run's units; what was factored, its condition number, rank and weak columns."""

    theta: Floats
    shape: tuple[int, int]
    centred: bool
    kappa: float
    rank: int
    weak: Array
    still: Array


class _Design(NamedTuple):
    """Least squares: root (y - [1 X] v) and -P v as short as can be, v the raw coefficients.

    A is its standardised form, v = T u; y is (m, k), root (m, 1), P the penalised rows.
    """

    X: Floats
    y: Floats
    root: Floats
    P: Any
    T: Floats
    A: Floats


def _solution(data: Data, problem: Problem) -> _Solved:
    X, y, w = _dense_rows(data)
    d, k, bias = data.X.shape[1], y.shape[1], layered(problem.task.model).bias
    given = data.scaling or Scaling(np.zeros(d), np.ones(d), np.ones(d, dtype=bool))
    if not bias and given.mean.any():  # no b takes up the means: the model meets x - mean
        X = X - given.mean
    inner = measured(X, w, centre=bias)
    kept = inner.varies & given.varies
    design = _design(X[:, kept], y, w, problem, _some(given, kept), _some(inner, kept))
    if not (np.isfinite(design.A).all() and np.isfinite(design.T).all()):
        msg = (
            "The columns leave the range of double precision when they are standardised; the "
            f"largest entry of X is {np.abs(X).max():.4g}. Give them smaller units."
        )
        raise InputError(msg)
    v, kappa, rank, weak = _least_squares(design)
    slopes = np.zeros((d, k), dtype=_Long)
    slopes[kept] = v[int(bias) :]
    theta = slopes * given.deviation[:, None]
    if bias:
        theta = np.concatenate([theta, v[:1] + (given.mean.astype(_Long) @ slopes)[None]])
    return _Solved(
        theta.ravel().astype(np.float64),
        (int(design.X.shape[0]), int(kept.sum())),
        bias,
        kappa,
        rank - bias,
        np.flatnonzero(kept)[weak[weak >= bias] - bias],
        np.flatnonzero(~kept),
    )


def _dense_rows(data: Data) -> tuple[Floats, Floats, Floats]:
    """Return the training rows that weigh something, as they were given, in double precision."""
    X: Any = data.X
    n, d = X.shape
    if not isinstance(X, np.ndarray):
        if n * d > MOST:
            msg = (
                f"solve makes sparse rows dense to factor them, up to {MOST} entries; these are "
                f"{n} x {d}. Use train with lbfgs."
            )
            raise InputError(msg)
        X = X.toarray()
    w = np.ones(n) if data.weights is None else data.weights.astype(np.float64)
    rows = w > 0
    return X[rows].astype(np.float64), data.y[rows].astype(np.float64), w[rows]


def _some(scaling: Scaling, kept: Array) -> Scaling:
    return Scaling(*(part[kept] for part in scaling))


def _design(  # noqa: PLR0913, PLR0917 - rows, and the units they are in
    X: Floats, y: Floats, w: Floats, problem: Problem, given: Scaling, inner: Scaling
) -> _Design:
    """Return the problem to solve, for the columns that vary.

    A model's score is b + W (x - m)/s = v₀ + v x, so that W = s v and b = v₀ + m v; and of the
    objective c/2 sum(w r²)/(mass k) + l2/2 ‖W‖², multiplied by 2 mass k / c, each penalised
    parameter adds one square, l2 mass k / c times its own.
    """
    task, bias = problem.task, layered(problem.task.model).bias
    d, lead = X.shape[1], int(bias)
    root = np.sqrt(w / w.max())[:, None]
    Z = (X - inner.mean) / inner.deviation
    T = np.zeros((d + lead, d + lead))
    T[range(lead, d + lead), range(lead, d + lead)] = 1.0 / inner.deviation
    if bias:
        Z = np.column_stack([np.ones(len(Z)), Z])
        T[0] = np.concatenate([[1.0], -inner.mean / inner.deviation])
    P = np.zeros((0, d + lead), dtype=_Long)
    if task.penalty is not None and task.penalty.l2 > 0:
        total = mass(problem.weights, problem.n, task.reduction) / w.max()
        pull = task.penalty.l2 * total * outputs_averaged(problem) / task.loss.steepest_curvature
        P = np.zeros((d + lead, d + lead), dtype=_Long)
        P[range(lead, d + lead), range(lead, d + lead)] = given.deviation
        if bias and task.penalty.biases:
            P[0] = np.concatenate([[1.0], given.mean])
        P = np.sqrt(_Long(pull)) * P[0 if bias and task.penalty.biases else lead :]
    return _Design(X, y, root, P, T, np.vstack([root * Z, (P @ T).astype(np.float64)]))


def _least_squares(design: _Design) -> tuple[Any, float, int, Array]:
    """Return the raw coefficients v, the condition number, the rank, and the weak columns."""
    from scipy.linalg import qr, solve_triangular  # noqa: PLC0415 - slow to import

    A, p = design.A, design.A.shape[1]
    if p == 0:
        return np.zeros((0, design.y.shape[1]), dtype=_Long), 1.0, 0, np.zeros(0, dtype=int)
    Q, R, order = qr(A, mode="economic", pivoting=True, check_finite=False)
    left, sizes, right = np.linalg.svd(R, full_matrices=True)
    above = sizes > max(A.shape) * np.finfo(np.float64).eps * sizes[0]
    rank = int(above.sum())
    kappa = float(sizes[0] / sizes[-1]) if rank == p else math.inf
    small = right[np.concatenate([sizes * ILL < sizes[0], np.ones(p - len(sizes), dtype=bool)])]
    weak = order[(np.abs(small) > 0.01).any(axis=0)]  # noqa: PLR2004 - a share in a unit vector
    back = np.argsort(order)
    if rank < p:
        target = Q.T @ np.vstack(
            [design.root * design.y, np.zeros((len(design.P), design.y.shape[1]))]
        )
        u = (right[:rank].T / sizes[:rank]) @ (left[:, :rank].T @ target)
        return design.T.astype(_Long) @ u[back], kappa, rank, np.sort(weak)

    def corrected(f: Floats, g: Floats) -> tuple[Floats, Floats]:
        """Return the changes of r and u that make r + A u longer by f, and Aᵀr by g."""
        h = solve_triangular(R, g[order], trans="T", check_finite=False)
        along = Q.T @ f - h
        return f - Q @ along, solve_triangular(R, along, check_finite=False)[back]

    return _refined(design, corrected), kappa, rank, np.sort(weak)


def _refined(design: _Design, corrected: Any) -> Any:
    """Return v, corrected for as long as corrections become smaller.

    With f = y - r - A u and g = -Aᵀr, the changes solve [I A; Aᵀ 0] [dr; du] = [f; g].  Both are
    taken from the columns as they were given, so that rounding in A costs convergence alone.
    """
    X, root, T = design.X.astype(_Long), design.root.astype(_Long), design.T.astype(_Long)
    y = design.y.astype(_Long)
    lead = T.shape[0] - X.shape[1]
    m, k = y.shape
    v, r = np.zeros((T.shape[0], k), dtype=_Long), np.zeros((m + len(design.P), k), dtype=_Long)
    before = np.inf
    for _ in range(1 + _REFINED):
        ahead = X @ v[lead:] + (v[:1] if lead else 0.0)
        f = np.concatenate([root * (y - ahead), -(design.P @ v)]) - r
        above = root * r[:m]
        raw = np.concatenate([above.sum(axis=0)[None], X.T @ above]) if lead else X.T @ above
        g = -(T.T @ (raw + design.P.T @ r[m:]))
        dr, du = corrected(f.astype(np.float64), g.astype(np.float64))
        length = float(np.linalg.norm(du))
        if not length < before / 2:
            break
        v, r, before = v + T @ du, r + dr, length
    return v


# ---------------------------------------------------------------- in words


def _sentence(solved: _Solved, data: Data, loss: float) -> str:
    rows, columns = solved.shape
    kind = "standardised" if solved.centred else "scaled"
    known = (
        f"condition number {solved.kappa:.3g}"
        if solved.rank == columns
        else "rank " + (f"{solved.rank} of {columns}")
    )
    said = f"Solved outright by QR of the {rows} x {columns} {kind} columns ({known})"
    names = [str(data.names[j]) for j in solved.weak]
    if solved.rank < columns:
        said += (
            f", ill-conditioned: {_listed(names)} are linear combinations of one another, and of "
            "all solutions this is the shortest in those columns"
        )
    elif solved.kappa > ILL:
        digits = max(
            math.floor(-math.log10(np.finfo(np.float64).eps) - math.log10(solved.kappa)), 0
        )
        said += (
            f", ill-conditioned: {_listed(names)} are nearly linear combinations of one another, "
            f"and their coefficients have about {digits} digit{'' if digits == 1 else 's'}"
        )
    if len(solved.still):
        still = _listed([str(data.names[j]) for j in solved.still])
        said += f"; {still} {'does' if len(solved.still) == 1 else 'do'} not vary and got 0"
    return f"{said}; loss {loss:.6g}."


def _listed(names: list[str]) -> str:
    """Return names as a sentence has them: at most four."""
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
