"""`Run.inference`: what has standard errors, and what has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.custom import CustomModel
from descend.engines.searching import LARGEST
from descend.inference.design import Design, designed, of_run, own, triangle
from descend.inference.least_squares import least_squares
from descend.inference.likelihood import most_likely
from descend.inference.refusing import INTERCEPT, Why, listed, refuse
from descend.inference.table import Inference
from descend.parts import number

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.run import Run

# Standard errors that a run may be away from the optimum.
NEAR = 1e-2
_SQUARED = ("squared_error", "half_squared_error")
_LIKELIHOODS = (*_SQUARED, "logistic", "softmax", "poisson")


def inference(run: Run, level: float = 0.95) -> Inference:
    """Return standard errors, tests and intervals of a linear model's coefficients.

    For maximum likelihood fits: squared errors (ordinary least squares), logistic, softmax (against
    the first label) and Poisson regression, without penalty and at the optimum.  A weight of k
    counts as k copies of its row.  Coefficients are those at the optimum, to the last digits that
    the rows have.

    Parameters
    ----------
    run
        With its rows attached, and within a thousandth of a standard error of the optimum.
    level
        The share of samples in which an interval holds the coefficient, in (0, 1); default 0.95.

    Returns
    -------
    Inference

    Raises
    ------
    InputError
        If there are no standard errors: another model or loss, a penalty, no rows, no optimum
        (columns that repeat one another, labels that are separated), or a run that is not there.

    Examples
    --------
    >>> import descend as ds
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 4.0, 7.0]
    >>> run = ds.train(ds.Task(ds.Linear(), "squared_error", "newton"), x, y, epochs=3)
    >>> print(run.inference())
    name         coef  std error     t       p       low     high
    x1            1.9   0.264575  7.18  0.0188  0.761625  3.03837
    (intercept)   0.9   0.494975  1.82   0.211   -1.2297   3.0297
    95 % intervals by t with 2 degrees of freedom.
    """
    level = number("inference", "level", level, low=0, high=1)
    refuse(_unfit(run))
    design = designed(run)
    R = triangle(design)
    refuse(_unsettled(run, design, R))
    if run.task.loss.name in _SQUARED:
        points, covariance = least_squares(design)
    else:
        points, covariance = most_likely(run, design)
    coef = points.ravel()
    errors = np.sqrt(covariance.diagonal())
    refuse(_away(run, own(design, of_run(run, design)).ravel() - coef, errors))
    statistic = coef / errors
    tail, reach = _normal_or_t(run, design, statistic, level)
    names = [str(name) for name in run.names]
    names += [INTERCEPT] * (len(design.T) - len(names))
    labels = _outputs(run, len(points))
    return Inference(
        tuple(names * len(points)),
        tuple(label for label in labels for _ in names),
        coef,
        errors,
        statistic,
        tail,
        coef - reach * errors,
        coef + reach * errors,
        level,
        design.dof,
        "t" if run.task.loss.name in _SQUARED else "z",
        covariance,
        str((run.classes or [""])[0]) if run.task.loss.name == "softmax" else "",
    )


def _normal_or_t(run: Run, design: Design, statistic: Floats, level: float) -> tuple[Floats, float]:
    """Return both tails beyond each statistic, and the quantile that intervals reach to."""
    from scipy.special import ndtr, ndtri, stdtr, stdtrit  # noqa: PLC0415 - slow to import

    far, half = -np.abs(statistic), 0.5 + level / 2
    if run.task.loss.name in _SQUARED:
        return 2 * stdtr(design.dof, far), float(stdtrit(design.dof, half))
    return 2 * ndtr(far), float(ndtri(half))


def _outputs(run: Run, count: int) -> list[str]:
    if run.task.loss.targets == "labels":
        return [str(label) for label in (run.classes or [])[1:]]
    return [""] if count == 1 else [f"output {j + 1}" for j in range(count)]


# ---------------------------------------------------------------- what has no standard errors


def _unfit(run: Run) -> Why | None:  # noqa: PLR0911 - one for each reason
    """Say what can be said before looking at the rows, or None."""
    task, model = run.task, run.task.model
    if isinstance(model, CustomModel):
        return (f"the model {model.label} is one's own", "train ds.Linear()")
    if not model.linear:
        return (
            (
                f"its model has hidden layers {model.hidden}, whose units can be exchanged without "
                "changing a prediction"
            ),
            "train ds.Linear()",
        )
    if task.loss.name not in _LIKELIHOODS:
        return (
            f"the loss {task.loss.name} is not a likelihood",
            f"train with one of {', '.join(_LIKELIHOODS)}, or resample the rows (a bootstrap)",
        )
    penalty = task.penalty
    if penalty is not None and (penalty.l1 > 0 or penalty.l2 > 0):
        return (
            f"its coefficients are pulled towards 0 by the penalty {penalty.name}",
            "train without a penalty",
        )
    if getattr(task.optimizer.rule, "weight_decay", 0.0):
        return (
            f"its coefficients are pulled towards 0 by the weight decay of {task.optimizer.name}",
            "train with another optimizer, such as newton",
        )
    if run.data is None:
        return ("no rows are attached", "give them back with run.attach(X, y)")
    if not np.isfinite(run.theta).all():
        return ("it diverged", "train with a smaller learning rate, or with the optimizer newton")
    if run.theta.size > LARGEST:
        return (
            f"it has {run.theta.size} coefficients, and up to {LARGEST} are worked out",
            "train on fewer columns",
        )
    return None


def _unsettled(run: Run, design: Design, R: Floats) -> Why | None:
    """Name columns of which one follows from the others, and too few rows.

    Where σ is a singular value of the standardised columns, its v the combination of them that is
    only σ long.  That is nothing where it is no longer than what rounding the entries would make.
    """
    n, p = design.X.shape[0], R.shape[1]
    names = [*map(str, run.names), INTERCEPT]
    lengths = np.sqrt(np.square(R).sum(axis=0))
    still = np.flatnonzero(lengths[: run.setup.d] <= 0)
    if still.size:
        centred = design.ones or bool(np.any(design.centre))
        what = "one value" if centred else "nothing but 0"
        return f"in all rows {what} is in {listed(names, still, 'column')}", "leave it out"
    if n < p:
        return (f"{n} rows cannot settle {p} coefficients", "give more rows, or fewer columns")
    sizes, ways = np.linalg.svd(R / lengths)[1:]
    nothing = sizes <= 4 * (np.abs(ways) @ design.rounding)
    if nothing.any():
        part = np.abs(ways[nothing]).max(axis=0)
        return (
            f"{listed(names, np.flatnonzero(part > 1e-4 * part.max()), 'column')} repeat one "
            "another, so that one follows from the rest"
            + (" and the intercept" if design.ones else ""),
            "leave one of them out",
        )
    if run.task.loss.name in _SQUARED and design.dof <= 0:
        weighted = (
            " (the sum of their weights, which count as copies)" if run.setup.weighted else ""
        )
        return (
            (
                f"{design.total:g} rows{weighted} leave nothing to tell the scatter about {p} "
                "coefficients from"
            ),
            "give more rows, or weights that count rows",
        )
    return None


def _away(run: Run, apart: Floats, errors: Floats) -> Why | None:
    """Say how far the run ended from the optimum, or None where that is near enough."""
    far = float(np.max(np.abs(apart) / errors))
    if far <= NEAR:
        return None
    why = "it stopped short"
    advice = "train to a smaller gradient (tol), on standardised columns or with newton (solver)"
    if run.outcome.best_step is not None:
        why = "it kept the parameters of its least validation loss"
        advice = "train without patience"
    elif not run.setup.full_batch:
        why, advice = "it saw its rows in batches", "train on the full batch, or with newton"
    elif run.theta.dtype == np.float32:
        why, advice = "it trained in single precision", "train in float64"
    gap = max(run.optimum().gap, 0.0)
    found = (
        f"it ended {far:.2g} standard errors from the optimum, {gap:.2g} above the least loss, "
        f"where {NEAR:g} standard errors are allowed ({why})"
    )
    return found, advice
