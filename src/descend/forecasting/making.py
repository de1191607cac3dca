"""Making a forecast: the rows are looked at, and the rule's motion does the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import Numbered
from descend.curvature import automatic_rate, curvatures_of_rows, known
from descend.errors import InputError
from descend.forecasting.grounds import changes, clips, grounds, guaranteed, notes
from descend.forecasting.looking import look
from descend.forecasting.motion import motion_of
from descend.forecasting.result import Column, Figures, Forecast, PerRow
from descend.forecasting.spectrum import deviations
from descend.parts import whole
from descend.task import Task
from descend.training.making import made_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.engines import Problem
    from descend.forecasting.looking import Look, View
    from descend.forecasting.motion import Motion

# Within how much of the optimum a direction counts as arrived.
NEAR = 0.01


def forecast(  # noqa: PLR0913 - the arguments of `train` that decide the problem
    task: Task,
    X: Any,
    y: Any,
    *,
    batch_size: int | None = None,
    epochs: int | None = None,
    validation: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    standardize: bool = False,
    dtype: Any = None,
    names: Sequence[str] | None = None,
) -> Forecast:
    """Return what training a task on rows will do, before the first step.

    For a linear model under squared errors, all rows at each update, everything is exact: along an
    eigenvector of the Hessian with curvature l, a step eta of plain descent multiplies the error by
    1 - eta l.  For other smooth losses there are bounds, and for nets and batches indications.

    Parameters
    ----------
    task, X, y, batch_size, validation, sample_weight, seed, standardize, dtype
        As for `train`.
    epochs
        Passes over the rows that are planned; default: nothing is said of where they lead.
    names
        Of the columns; default X's own, or x1, x2 ….

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        As `train` would.

    Examples
    --------
    >>> import descend as ds
    >>> X, y = ds.datasets.houses()
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.05))
    >>> found = ds.forecast(task, X, y)
    >>> found.stable, float(f"{found.largest_stable_step:.4g}")
    (False, 3.921e-07)
    >>> float(f"{found.standardized.largest_stable_step:.4g}"), found.columns[0].name
    (0.3466, 'x1')

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput.
    Math. Math. Phys. 4 (1964); G. Goh, "Why momentum really works", Distill 2017; R. Gower et al.,
    "SGD: general analysis and improved rates", ICML 2019.
    """
    if not isinstance(task, Task):
        msg = f"forecast needs a Task(model, loss, optimizer). Got {task!r} instead."
        raise InputError(msg)
    # The rate is found from the same passes as everything else.
    set_aside = replace(task, optimizer=replace(task.optimizer, learning_rate=1.0))
    data, problem = made_ready(
        set_aside,
        X,
        y,
        batch_size=batch_size,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        dtype=dtype,
        standardize=standardize,
    )
    epochs = None if epochs is None else whole("forecast", "epochs", epochs)
    asked = task.optimizer.learning_rate
    rate = math.nan if isinstance(asked, str) else asked
    problem = replace(problem, task=task, learning_rate=rate)
    return of_problem(problem, names=names or data.names, epochs=epochs)


def of_problem(
    problem: Problem, *, names: Sequence[str] | None = None, epochs: int | None = None
) -> Forecast:
    """Return the forecast of a problem; a rate of NaN stands for ``"auto"``."""
    seen, rule = look(problem), problem.task.optimizer.rule
    rate = problem.learning_rate
    if not math.isfinite(rate):
        rate = automatic_rate(problem, seen.now.L, seen.now.squares)
        problem = replace(problem, learning_rate=rate)
    motion, rests = motion_of(rule), grounds(problem)
    exact = rests.basis == "exact"
    figures = figures_of(problem, motion, seen.now, exact=exact)
    limit = figures.largest_stable_step
    sure = _number(guaranteed(problem, seen.now.L, limit, seen.now.squares))
    beyond = limit is not None and rate >= limit
    shrinks = None if beyond else _contraction(problem, motion, seen.now, rate, exact=exact)
    top = rate * _along_the_path(problem, seen.now.L)
    unstable = exact and beyond and not changes(problem)
    return Forecast(
        task=str(problem.task),
        learning_rate=None if rule.searches else rate,
        largest_stable_step=limit,
        guaranteed_step=sure,
        best_step=figures.best_step,
        growth_per_step=motion.radius(top) if motion and unstable and not clips(problem) else None,
        contraction=None if shrinks is None else math.exp(shrinks),
        condition_number=figures.condition_number,
        steps_to_one_percent=_steps(shrinks),
        steps_at_best=figures.steps_at_best,
        left_after=_left(problem, shrinks, epochs),
        exact=exact,
        basis=rests.basis,
        because=rests.because,
        stable=False if unstable else (sure is not None and rate <= sure and not beyond) or None,
        oscillates=bool(motion and math.isfinite(top) and motion.alternates(top)),
        curvatures=figures.curvatures,
        null_directions=figures.null_directions,
        per_row=_per_row(problem, motion, seen),
        standardized=None
        if seen.standard is None
        else figures_of(problem, motion, seen.standard, exact=exact),
        columns=_columns(seen, names or Numbered(problem.X.shape[1])),
        notes=notes(problem),
        rows_looked_at=seen.rows,
        rows=problem.n,
        passes=seen.passes,
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _along_the_path(problem: Problem, curvature: float) -> float:
    """Return the curvature that updates meet on average: a sum over a batch is a part of it."""
    if problem.full_batch or problem.task.reduction == "mean":
        return curvature
    return curvature * (problem.batch_size or problem.n) / problem.n


def figures_of(problem: Problem, motion: Motion | None, view: View, *, exact: bool) -> Figures:
    """Return the figures that the shape of the bowl alone decides."""
    L, ends, rule = view.L, view.ends, problem.task.optimizer.rule
    low = None if ends is None else ends.smallest
    there = math.isfinite(L) and L > 0
    best = None if rule.searches else automatic_rate(problem, L, view.squares)
    limit = _limit(problem, motion, view) if there and motion is not None else None
    if exact and motion is not None and low is not None:
        best = motion.best_rate(low, L)
    shrinks = None if best is None else _contraction(problem, motion, view, best, exact=exact)
    return Figures(
        limit,
        best,
        L / low if low is not None else None,
        _steps(shrinks),
        (L, low) if there else None,
        None if ends is None else ends.null,
    )


def _limit(problem: Problem, motion: Motion, view: View) -> float | None:
    """Return the largest stable step; None where slopes are bounded, for nothing runs away."""
    if known(problem) and not problem.task.loss.smooth:
        return None
    if problem.full_batch:
        return motion.limit / view.L
    return 2.0 * (1.0 - getattr(problem.task.optimizer.rule, "beta", 0.0)) / view.smooth


def _slowest(
    problem: Problem, motion: Motion, rate: float, ends: tuple[float, ...]
) -> float | None:
    """Return the logarithm of the slowest direction's factor, or None where it does not shrink."""
    slowest = max(motion.log_radius(rate * _along_the_path(problem, end)) for end in ends)
    return slowest if slowest < 0 else None


def _contraction(
    problem: Problem, motion: Motion | None, view: View, rate: float, *, exact: bool
) -> float | None:
    """Return the same at the chosen step.

    Where L is a bound, only the flattest direction counts: it may be flatter, not steeper, so it
    shrinks at most that fast; how far the steepest overshoots is not known.
    """
    low = None if view.ends is None else view.ends.smallest
    if motion is None or low is None or not problem.task.loss.smooth:
        return None
    if exact:
        return _slowest(problem, motion, rate, (low, view.L))
    return _slowest(problem, motion, rate, (low,)) if rate * low <= 1 else None


def _steps(log_factor: float | None) -> int | None:
    """Return the updates after which the error is within 1 %."""
    if log_factor is None:
        return None
    return max(1, math.ceil(math.log(NEAR) / log_factor - 1e-9))


def _left(problem: Problem, log_factor: float | None, epochs: int | None) -> float | None:
    if log_factor is None or epochs is None:
        return None
    return math.exp(log_factor * epochs * problem.batches_per_epoch)


def _per_row(problem: Problem, motion: Motion | None, seen: Look) -> PerRow | None:
    squares = seen.now.squares
    smooth = known(problem) and problem.task.loss.smooth
    if squares is None or motion is None or not smooth:
        return None
    bends = curvatures_of_rows(problem, squares)
    with np.errstate(divide="ignore"):
        limits = motion.limit / bends
    row = int(limits.argmin())
    return PerRow(float(limits[row]), row, limits)


def _columns(seen: Look, names: Sequence[str]) -> tuple[Column, ...]:
    ends, found = seen.now.ends, seen.moments
    if ends is None or found is None:
        return ()
    titles = [*names, "(intercept)"][: len(ends.steep)]
    means = [*found.mean, 1.0][: len(ends.steep)]
    spreads = [*deviations(found), 0.0][: len(ends.steep)]
    columns = [
        Column(str(title), float(v) ** 2, float(u) ** 2, float(mean), float(spread))
        for title, v, u, mean, spread in zip(
            titles, ends.steep, ends.flat, means, spreads, strict=True
        )
    ]
    return tuple(sorted(columns, key=lambda column: -column.share))
