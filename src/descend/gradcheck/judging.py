"""Who judges, from what the user passed: a task, a task with parts of one's own, or a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import Layout, as_array, as_numbers, is_sparse
from descend.curvature import ready
from descend.engines.checking import is_custom
from descend.errors import InputError, ShapeError
from descend.gradcheck.calls import Data
from descend.gradcheck.objectives import Engined, Written
from descend.gradcheck.of_function import OfFunction
from descend.gradcheck.of_task import OfTask
from descend.randomness import permutation
from descend.task import Task

if TYPE_CHECKING:
    from descend.arrays import Array, Floats

# With more parameters than this, and no layout, theta is one slice.
ENTRIES = 64
# Of more rows than `MANY`, a sample of `SAMPLE` is enough to know a mistake by.
MANY, SAMPLE = 4000, 500
# A row of each of so many labels stays in the sample.
LABELS = 200


def judge_of(  # noqa: PLR0913, PLR0917 - as check_gradient takes them
    f: Any, point: Any, X: Any, y: Any, layout: Any, weights: Any, autodiff: str | None
) -> tuple[OfTask | OfFunction, Floats]:
    """Return who judges, and the point as a flat theta."""
    if (X is None) != (y is None):
        msg = "X and y go together; give both, or neither for functions of theta alone."
        raise InputError(msg)
    w = None if weights is None else as_numbers(weights, "sample_weight", np.float64).ravel()
    if isinstance(f, Task):
        judge = _of_task(f, X, y, w, autodiff)
        return judge, theta_of(point, judge.layout)
    if not callable(f):
        msg = f"f must be a Task or a function of (theta, X, y); found {type(f).__name__}."
        raise InputError(msg)
    found = _layout(layout, point)
    rows = None if X is None else X.copy() if is_sparse(X) else as_array(X, "X")
    targets = None if y is None else as_array(y, "y")
    data = Data(rows, targets, w)
    written = Written(f, data, autodiff)
    theta = theta_of(point, found)
    written.value(theta)  # what f raises at the user's own point is the user's to see
    return OfFunction(written, found, data), theta


def _of_task(task: Task, X: Any, y: Any, w: Any, autodiff: str | None) -> OfTask | OfFunction:
    if X is None:
        msg = "With a Task, X and y are needed: check_gradient(task, gradient, point, X, y)."
        raise InputError(msg)
    if autodiff is not None:
        msg = "autodiff is for plain functions; a Task brings its own derivatives. Leave it out."
        raise InputError(msg)
    problem = ready(task, X, y, w)
    n = problem.n
    if len(problem.y) != n or (w is not None and len(w) != n):
        msg = (
            f"X, y and sample_weight must have as many rows; found {n}, "
            f"{len(problem.y)} and {n if w is None else len(w)}."
        )
        raise ShapeError(msg)
    data = Data(X if is_sparse(X) else as_array(X, "X"), as_array(y, "y"), w)
    if is_custom(task):
        return OfFunction(Engined(problem), problem.layout, data)
    return OfTask(problem, data)


def _layout(layout: Any, point: Any) -> Layout:
    """Return the layout that was given, or one made from the point."""
    if isinstance(layout, Layout):
        return layout
    if layout is None and isinstance(point, Mapping):
        layout = [(name, np.shape(part)) for name, part in point.items()]
    if layout is not None:
        pairs = layout.items() if isinstance(layout, Mapping) else layout
        try:
            return Layout(tuple((str(name), tuple(int(s) for s in shape)) for name, shape in pairs))
        except (TypeError, ValueError) as error:
            msg = f"layout must name shapes, such as {{'weight': (2, 1)}}; found {layout!r}."
            raise InputError(msg) from error
    size = np.size(as_numbers(point, "point", np.float64))
    if size > ENTRIES:
        return Layout((("theta", (size,)),))
    return Layout(tuple((f"theta[{i}]", (1,)) for i in range(size)))


def theta_of(point: Any, layout: Layout) -> Floats:
    """Return the point as a flat theta (P,)."""
    if isinstance(point, Mapping):
        return layout.flatten(point)
    theta = as_numbers(point, "point", np.float64).ravel()
    if theta.size != layout.size:
        names = ", ".join(f"{name} {shape}" for name, shape in layout.entries)
        msg = f"point must have {layout.size} numbers ({names}); found {theta.size}."
        raise ShapeError(msg)
    return theta


def sampled(judge: OfTask | OfFunction, takes: int, seed: int) -> OfTask | OfFunction | None:
    """Return the judge over a keyed sample of many rows; None where rows cannot be chosen.

    Of labels, one row of each stays: a gradient may count them.
    """
    data = judge.source
    if data.n <= MANY:
        return None
    within = 2 if data.parts[2] is None else 3
    if takes < within:
        return None
    written = getattr(judge, "objective", None)
    if isinstance(written, Written) and written.takes < within:
        return None
    kept = permutation(data.n, seed, "sample")[:SAMPLE]
    y = data.parts[1]
    if y.ndim == 1:
        labels, first = np.unique(y, return_index=True)
        kept = np.concatenate([kept, first]) if len(labels) <= LABELS else kept
    return judge.over(_in_order(kept))


def _in_order(rows: Array) -> Array:
    return np.unique(rows)
