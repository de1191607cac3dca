"""The public function: is this gradient right, and if not, what is wrong with it.

The gradient is called at a point and at others near it, and compared with the truth.  Where it
differs, `searching` looks for the mistakes, and fewer rows tell a constant factor from one that
counts rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import Layout, as_array, as_numbers, is_sparse
from descend.errors import InputError, ShapeError
from descend.gradcheck.calls import Caller, Data, Probe, Seen
from descend.gradcheck.of_function import OfFunction
from descend.gradcheck.of_task import OfTask
from descend.gradcheck.points import probes_near
from descend.gradcheck.result import Discrepancy, GradientCheck
from descend.gradcheck.telling import tell
from descend.gradcheck.truths import EXACT, NUMERIC, SINGLE
from descend.parts import choice, number, whole
from descend.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats

# With more parameters than this, and no layout, theta is one slice.
ENTRIES = 64


def check_gradient(  # noqa: PLR0913 - how to look is the caller's choice
    f: Any,
    gradient: Callable[..., Any],
    point: Any,
    X: Any = None,
    y: Any = None,
    *,
    layout: Any = None,
    sample_weight: Any = None,
    autodiff: str | None = None,
    tolerance: float | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Tell whether a gradient is right, and if it is not, name the mistakes in it.

    The gradient is called at `point` and at five others near it, on copies, and compared with the
    truth: for a `Task` the derivatives written beside its formulas, for a plain function the
    complex step where the function takes complex numbers, else central differences.  Points at
    which the truth has a kink are moved off it.  Where the gradient is wrong, the smallest
    set of known mistakes that gives exactly what was given is named; some are told apart by calling
    both functions with fewer rows.

    With an absolute penalty (`l1`) both the gradient without it, as training uses it, and the one
    with strength·sign(w) are right.  A gradient in single precision is compared less sharply.

    Parameters
    ----------
    f
        A function ``f(theta, X, y)`` or ``f(theta)`` that returns one number, or a `Task`, whose
        objective over all rows is meant.
    gradient
        The function to judge: ``gradient(theta, X, y)`` or ``gradient(theta)``; with sample
        weights perhaps ``gradient(theta, X, y, sample_weight)``.  It returns P numbers in any
        shape, or a dict of named parts.  X and y come to it as arrays, as they are given here.
    point
        Where: theta (P,), or a dict of named parts.
    X, y
        Rows (n, d) and targets, as `train` takes them for a `Task`; None (default) for functions
        of theta alone.
    layout
        For a plain f, the names of theta's slices: a `Layout`, or names with shapes, as a dict or
        as pairs.  Default: the parts of `point`, or one name for each entry.
    sample_weight
        (n,) weights of the rows, or None (default).
    autodiff
        ``"jax"`` or ``"torch"``: judge a plain f by that library first; default None.
    tolerance
        How far the gradient may be off, relative to the size of what was added up to make a
        slice; default 1e-8 for a `Task`, 1e-6 for a plain f, 3e-4 in single precision.
    seed
        Of the points; default 0.

    Returns
    -------
    GradientCheck
        ``.ok``, ``.discrepancies`` and ``.judges``; print it to read it.

    Raises
    ------
    InputError
        If f cannot be judged there: it does not return one number, or is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> def f(theta, X, y):
    ...     return np.mean((X @ theta - y) ** 2)
    >>> def gradient(theta, X, y):
    ...     return X.T @ (X @ theta - y) / len(y)
    >>> check = check_gradient(f, gradient, [0.5], X, y)
    >>> check.ok, [(found.code, found.ratio) for found in check.discrepancies]
    (False, [('factor', 0.5)])
    >>> check_gradient(f, lambda *given: 2 * gradient(*given), [0.5], X, y).ok
    True

    References
    ----------
    L. Richardson, "The deferred approach to the limit" (1927); W. Squire and G. Trapp, "Using
    complex variables to estimate derivatives of real functions", SIAM Review 40 (1998).
    """
    if not callable(gradient):
        msg = f"gradient must be a function of (theta, X, y); found {type(gradient).__name__}."
        raise InputError(msg)
    if autodiff is not None:
        choice("check_gradient", "autodiff", autodiff, ("jax", "torch"))
    whole("check_gradient", "seed", seed, low=0)
    judge, theta = _judge(f, point, X, y, layout, sample_weight, autodiff)
    caller = Caller(gradient, judge.layout, judge.source)
    probes = probes_near(judge, theta, seed)
    _must_be_finite(judge, probes[0])
    if isinstance(judge, OfFunction):
        judge.find_penalty(probes)
    looks: list[Seen] = []
    for probe in [*probes, probes[0]]:
        seen = caller(probe)
        if seen is None:
            break
        looks.append(seen)
    usual = EXACT if isinstance(judge, OfTask) else NUMERIC
    if tolerance is not None:
        loosen = number("check_gradient", "tolerance", tolerance, low=0) / usual
    else:
        loosen = SINGLE / usual if caller.single else 1.0
    return _verdict(judge, caller, looks, loosen)


def _judge(  # noqa: PLR0913, PLR0917 - as check_gradient takes them
    f: Any, point: Any, X: Any, y: Any, layout: Any, weights: Any, autodiff: str | None
) -> tuple[OfTask | OfFunction, Floats]:
    """Return who judges, and the point as a flat theta."""
    if (X is None) != (y is None):
        msg = "X and y go together; give both, or neither for functions of theta alone."
        raise InputError(msg)
    if isinstance(f, Task):
        if X is None:
            msg = "With a Task, X and y are needed: check_gradient(task, gradient, point, X, y)."
            raise InputError(msg)
        if autodiff is not None:
            msg = (
                "autodiff is for plain functions; a Task brings its own derivatives. Leave it out."
            )
            raise InputError(msg)
        exact = OfTask(f, X, y, weights)
        return exact, _theta(point, exact.layout)
    if not callable(f):
        msg = f"f must be a Task or a function of (theta, X, y); found {type(f).__name__}."
        raise InputError(msg)
    found = _layout(layout, point)
    rows = None if X is None else X.copy() if is_sparse(X) else as_array(X, "X")
    targets = None if y is None else as_array(y, "y")
    w = None if weights is None else as_numbers(weights, "sample_weight", np.float64)
    return OfFunction(f, found, Data(rows, targets, w), autodiff), _theta(point, found)


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


def _theta(point: Any, layout: Layout) -> Floats:
    if isinstance(point, Mapping):
        return layout.flatten(point)
    theta = as_numbers(point, "point", np.float64).ravel()
    if theta.size != layout.size:
        names = ", ".join(f"{name} {shape}" for name, shape in layout.entries)
        msg = f"point must have {layout.size} numbers ({names}); found {theta.size}."
        raise ShapeError(msg)
    return theta


def _must_be_finite(judge: OfTask | OfFunction, probe: Probe) -> None:
    truth = judge.at(Seen(probe, probe.theta, ()))
    if not np.isfinite(truth.data).all():
        msg = "f or its derivative is not finite at the point; choose another point, or other data."
        raise InputError(msg)


def _verdict(
    judge: OfTask | OfFunction, caller: Caller, looks: list[Seen], loosen: float
) -> GradientCheck:
    faults: list[Discrepancy] = []
    error = np.inf
    if caller.fault is not None:
        faults = [caller.fault]
    else:
        error, faults = tell(judge, caller, looks, loosen)
    if caller.spoilt is not None:
        faults = [*faults, caller.spoilt]
    compared = _compared(judge, len(looks))
    agreement = judge.agreement(looks[0]) if looks else 0.0
    return GradientCheck(not faults, tuple(faults), compared, judge.judges, agreement, error)


def _compared(judge: OfTask | OfFunction, calls: int) -> str:
    entries: Sequence[tuple[str, tuple[int, ...]]] = judge.layout.entries
    if len(entries) > 8 or not any(len(shape) == 2 or shape != (1,) for _, shape in entries):  # noqa: PLR2004
        slices = f"{len(entries)} slices of theta"
    else:
        slices = ", ".join(f"{name} {shape}" for name, shape in entries)
    rows = f", over {judge.source.n} rows" if judge.source.n else ""
    return (
        f"The gradient of {judge.describe()} ({judge.layout.size} numbers: {slices}){rows}, "
        f"at {max(calls - 1, 1)} points."
    )
