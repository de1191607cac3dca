"""The public function: is this gradient right, and if not, what is wrong with it.

The gradient is called at a point and at others near it, and compared with the truth.  Where it
differs, `searching` looks for the mistakes, and fewer rows tell a constant factor from one that
counts rows.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.gradcheck.calls import Caller, Probe, Seen
from descend.gradcheck.judging import judge_of, sampled
from descend.gradcheck.of_task import OfTask
from descend.gradcheck.points import probes_near
from descend.gradcheck.result import Discrepancy, GradientCheck
from descend.gradcheck.telling import tell
from descend.gradcheck.truths import EXACT, NUMERIC, SINGLE
from descend.parts import choice, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from descend.arrays import Floats
    from descend.gradcheck.of_function import OfFunction


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

    The gradient is called at `point` and at a few others near it, on copies, and compared with the
    truth: for a `Task` the derivatives written beside its formulas (with a loss or model of your
    own, those of the engine that runs it), for a plain function the complex step where the function
    takes complex numbers, else central differences.  Points at which the truth has a kink are moved
    off it.  Where the gradient is wrong, the smallest
    set of known mistakes that gives exactly what was given is named; some are told apart by calling
    both functions with fewer rows.

    Of more than 4000 rows a keyed sample of 500 is looked at first, and a gradient that is right
    over those is held once against the truth over all of them.

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
        (n,) weights of the rows, or None (default).  A plain f may take them as a fourth argument,
        or know them by itself; then it cannot be asked about other rows.
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
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what our probes provoke is not the user's to see
        judge, theta = judge_of(f, point, X, y, layout, sample_weight, autodiff)
        loosen = None
        if tolerance is not None:
            usual = _usual(judge)
            loosen = number("check_gradient", "tolerance", tolerance, low=0) / usual
        return _checked(judge, gradient, theta, seed, loosen)


def _checked(
    judge: OfTask | OfFunction,
    gradient: Callable[..., Any],
    theta: Floats,
    seed: int,
    loosen: float | None,
) -> GradientCheck:
    """Return the verdict; over a sample of very many rows, if that can be had."""
    caller = Caller(gradient, judge.layout, judge.source)
    fewer = sampled(judge, caller.takes, seed)
    if fewer is None:
        return _verdict(judge, caller, theta, seed, loosen)
    trial = Caller(gradient, judge.layout, fewer.source)
    found = _verdict(fewer, trial, theta, seed, loosen, judge.source.n)
    if trial.fault is None:
        seen = caller(Probe(theta))
        right = seen is not None and judge.confirms(seen, _slack(fewer, trial, loosen))
        # A number of rows written into the gradient, say, is wrong over the sample alone.
        if found.ok == right:
            return found
    return _verdict(judge, Caller(gradient, judge.layout, judge.source), theta, seed, loosen)


def _usual(judge: OfTask | OfFunction) -> float:
    return EXACT if isinstance(judge, OfTask) else NUMERIC


def _slack(judge: OfTask | OfFunction, caller: Caller, loosen: float | None) -> float:
    """Return how much looser to compare than usual: as asked, or as single precision asks."""
    if loosen is not None:
        return loosen
    return SINGLE / _usual(judge) if caller.single else 1.0


def _must_be_finite(judge: OfTask | OfFunction, probe: Probe) -> None:
    truth = judge.at(Seen(probe, probe.theta, ()))
    if not np.isfinite(truth.data).all():
        msg = "f or its derivative is not finite at the point; choose another point, or other data."
        raise InputError(msg)


def _verdict(  # noqa: PLR0913, PLR0917 - who, what, where, and how closely
    judge: OfTask | OfFunction,
    caller: Caller,
    theta: Floats,
    seed: int,
    loosen: float | None,
    drawn_from: int = 0,
) -> GradientCheck:
    probes = probes_near(judge, theta, seed)
    _must_be_finite(judge, probes[0])
    looks: list[Seen] = []
    for probe in [*probes, probes[0]]:
        seen = caller(probe)
        if seen is None:
            break
        looks.append(seen)
    faults: list[Discrepancy] = []
    error = np.inf
    if caller.fault is not None:
        faults = [caller.fault]
    else:
        error, faults = tell(judge, caller, looks, _slack(judge, caller, loosen))
    if caller.spoilt is not None:
        faults = [*faults, caller.spoilt]
    compared = _compared(judge, len(looks), drawn_from)
    agreement = judge.agreement(looks[0]) if looks else 0.0
    return GradientCheck(not faults, tuple(faults), compared, judge.judges, agreement, error)


def _compared(judge: OfTask | OfFunction, calls: int, drawn_from: int) -> str:
    entries: Sequence[tuple[str, tuple[int, ...]]] = judge.layout.entries
    if len(entries) > 8 or not any(len(shape) == 2 or shape != (1,) for _, shape in entries):  # noqa: PLR2004
        slices = f"{len(entries)} slices of theta"
    else:
        slices = ", ".join(f"{name} {shape}" for name, shape in entries)
    rows = f", over {judge.source.n} rows" if judge.source.n else ""
    rows += f" of {drawn_from}" if drawn_from else ""
    return (
        f"The gradient of {judge.describe()} ({judge.layout.size} numbers: {slices}){rows}, "
        f"at {max(calls - 1, 1)} points."
    )
