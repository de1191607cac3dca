"""Which features a model relies on most: those whose change moves its scores most.

>>> import numpy as np
>>> import descend as ds
>>> X = np.array([[0.0, 0.0], [1.0, 30.0], [2.0, 0.0], [3.0, 30.0]])
>>> task = ds.Task(ds.Linear(init=[2.0, 0.1, 0.0]), ds.squared_error(), ds.gradient_descent(1e-9))
>>> run = ds.train(task, X, X @ [2.0, 0.1], epochs=1)
>>> from descend.showing.samples import rows_of
>>> relied_on(run, rows_of(run)).tolist()
[0, 1]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.engines import scores_of
from descend.showing.levels import centring

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.run import Run
    from descend.showing.samples import Rows

# Rows at which slopes are measured, and how far a feature is moved, in its deviations.
PROBES, STEP = 200, 0.05
# Of more features than this, two forward passes for each would take too long.
MANY = 500


def relied_on(run: Run, rows: Rows) -> Array:
    """Return the features' places (d,), those first that move the scores most.

    A feature's part is the mean over some training rows of |slope of a score by it|, times its
    deviation, the largest over the outputs.  Slopes are the weights of a linear model, those of a
    category's levels less their mean (`levels` says why), else central differences; with
    very many features, the deviation alone decides.
    """
    seen = rows.X[rows.part == 0]
    deviation = seen.std(axis=0)
    if run.task.model.linear:
        weight = next(iter(run.params.values())).astype(np.float64)
        C = centring(run)
        slopes = np.abs(weight if C is None else C[:-1] @ weight).max(axis=1)
    elif len(deviation) > MANY:
        slopes = np.ones_like(deviation)
    else:
        slopes = _slopes(run, seen[:PROBES], deviation)
    with np.errstate(all="ignore"):
        moved = np.nan_to_num(slopes * deviation, nan=0.0, posinf=0.0)
    return np.argsort(-moved, kind="stable")


def _slopes(run: Run, at: Floats, deviation: Floats) -> Floats:
    """Return the mean of |slope| by each feature (d,), the largest over the outputs."""
    slopes = np.zeros_like(deviation)
    for j in np.flatnonzero(deviation > 0).tolist():
        step = STEP * deviation[j]
        with np.errstate(all="ignore"):
            gap = _moved(run, at, j, step) - _moved(run, at, j, -step)
            slopes[j] = np.abs(gap / (2 * step)).mean(axis=0).max()
    return slopes


def _moved(run: Run, at: Floats, j: int, step: float) -> Floats:
    X = at.copy()
    X[:, j] += step
    return scores_of(run.task, run.layout, run.theta, X.astype(run.theta.dtype, copy=False))
