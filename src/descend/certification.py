"""One training on every engine, compared at every update.

The engines share their forward formulas and nothing else: two have derivatives by hand (NumPy, and
compiled), two have them from JAX and PyTorch.  Where all four say the same, the derivatives, the
rules, the batches and the start are right, or wrong in four ways at once.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
>>> certificate = ds.certify(
...     task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5], engines=["numpy", "numba"]
... )
>>> certificate.ok, certificate.engines
(True, ('numpy', 'numba/factor', 'numba/blocks', 'numba/threads'))
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.arrays import Floats
from descend.custom.libraries import installed
from descend.datasets import moons
from descend.engines import ENGINES, engine_for
from descend.engines.checking import is_custom
from descend.errors import InputError, ParameterError
from descend.losses import logistic, softmax, squared_error
from descend.models import MLP, Linear
from descend.optimizers import adam, nesterov
from descend.parts import whole
from descend.task import Task
from descend.training.making import made_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.engines import Problem

# How far two engines may be apart, relative to each vector's largest entry.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
# Every state of every engine is held at once.
MOST = 10_000
# float32 has parted from float64 where they differ by more than this: a hundred roundings.
PARTED = 100 * float(np.finfo(np.float32).eps)


class Difference(NamedTuple):
    """The largest difference of two engines, and where.

    Attributes
    ----------
    dtype
        ``"float64"`` or ``"float32"``.
    first, second
        The engines.
    size
        Relative to the largest entry that the vector had had by then.
    what
        ``"theta"``, ``"loss"``, ``"gradient"``, or the name of a slot.
    step
        After how many updates; for losses and gradients, before which.
    """

    dtype: str
    first: str
    second: str
    size: float
    what: str
    step: int

    @property
    def ok(self) -> bool:
        """Whether it is within the tolerance of its precision."""
        return self.size <= TOLERANCE[self.dtype]


@final
@dataclass(frozen=True, eq=False)
class Certificate:
    """What `certify` found.

    Attributes
    ----------
    task, updates
        What was trained, and how far.
    engines
        Those that ran, with their ways and devices.
    absent
        Engines that could not, and why.
    differences
        The largest of each pair of engines, in both precisions.
    drift
        (updates + 1,): how far theta in float32 is from theta in float64, by the first engine.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> found = ds.certify(task, [[0.0], [1.0]], [1.0, 3.0], engines=["numpy", "numba/blocks"])
    >>> found.ok, found.worst("float64").size < 1e-12, found.parted
    (True, True, None)
    """

    task: Task
    updates: int
    engines: tuple[str, ...]
    absent: dict[str, str]
    differences: tuple[Difference, ...]
    drift: Floats

    @property
    def ok(self) -> bool:
        """Whether every pair agrees to the tolerance of its precision, and there is a pair."""
        return bool(self.differences) and all(d.ok for d in self.differences)

    @property
    def parted(self) -> int | None:
        """The first update after which float32 is more than rounding from float64, or None."""
        beyond = np.flatnonzero(~(self.drift <= PARTED))
        return int(beyond[0]) if beyond.size else None

    def worst(self, dtype: str) -> Difference | None:
        """Return the largest difference in a precision; None if only one engine ran."""
        found = [d for d in self.differences if d.dtype == dtype]
        return max(found, key=lambda d: (np.isnan(d.size), d.size), default=None)

    def __str__(self) -> str:
        """Return the certificate in lines: each engine beside the first, and pairs that differ."""
        lines = [f"{self.task}: {self.updates} updates on {', '.join(self.engines)}"]
        lines += [f"  not here: {name} ({why})" for name, why in self.absent.items()]
        for dtype, allowed in TOLERANCE.items():
            pairs = [d for d in self.differences if d.dtype == dtype]
            shown = [d for d in pairs if d.first == self.engines[0] or not d.ok]
            lines += [_line(d) for d in shown]
            lines.append(
                f"  {dtype}: {sum(d.ok for d in pairs)} of {len(pairs)} pairs agree to {allowed:g}."
            )
        lines.append(f"  {self._drift_words()}")
        return "\n".join(lines)

    def _drift_words(self) -> str:
        largest = float(self.drift.max())
        if self.parted is None:
            return f"float32 stays with float64: theta differs by at most {largest:.1e}."
        return (
            f"float32 parts from float64 at update {self.parted}, where theta differs by "
            f"{self.drift[self.parted]:.1e}; at the end by {self.drift[-1]:.1e}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as plain data."""
        return {
            "ok": self.ok,
            "task": str(self.task),
            "updates": self.updates,
            "engines": list(self.engines),
            "absent": self.absent,
            "differences": [{**d._asdict(), "ok": d.ok} for d in self.differences],
            "parted": self.parted,
            "drift": self.drift.tolist(),
        }


def _line(d: Difference) -> str:
    mark = "ok " if d.ok else "NO "
    return f"  {mark} {d.dtype}  {d.first:14} {d.second:14} {d.size:8.1e}  {d.what}, step {d.step}"


def certify(  # noqa: PLR0913 - a training has its rows, batches and seed
    task: Task,
    X: Any,
    y: Any,
    *,
    updates: int = 50,
    batch_size: int | None = None,
    sample_weight: Any = None,
    seed: int = 0,
    engines: Sequence[str] | None = None,
) -> Certificate:
    """Train a task on every engine, in both precisions, and compare every state.

    A difference is ``max |a - b| / max |a|``, the largest entry being the largest that the vector
    has had so far, so that a gradient that has shrunk to rounding is not asked for digits.  Rules
    that search, or divide by the gradient's own size (Adam and its relatives), make a step out of
    an entry that is 0 but for rounding: such a parameter differs between any two engines, and the
    certificate says so.

    Parameters
    ----------
    task, X, y, batch_size, sample_weight, seed
        As for `train`.
    updates
        How many, at least 1; default 50.  Compare where training is stable: elsewhere rounding
        grows as the parameters do.
    engines
        Names, such as ``["numpy", "jax"]``, the compiled one with all its ways or with one
        (``"numba/blocks"``); default all that are installed and suit the task.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If a named engine is not there or does not suit the task, or the rows cannot be used.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.MLP(4), ds.logistic(), ds.adam(0.01))
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["a", "b", "b"]
    >>> bool(ds.certify(task, X, y, engines=["numpy", "numba/blocks"]).ok)
    True
    """
    updates = whole("certify", "updates", updates)
    if engines is not None and (isinstance(engines, str) or not _several(engines)):
        msg = (
            "The 'engines' parameter of certify must be a list of names, such as "
            f"['numpy', 'jax']. Got {engines!r} instead."
        )
        raise InputError(msg)
    if updates > MOST:
        msg = (
            f"certify keeps every state of every engine, for at most {MOST} updates; got "
            f"updates={updates}. Engines that differ do so within the first hundred."
        )
        raise ParameterError(msg)
    paths: dict[str, dict[str, _Path]] = {}
    absent: dict[str, str] = {}
    asked = {"batch_size": batch_size, "sample_weight": sample_weight, "seed": seed}
    for dtype in TOLERANCE:
        _, problem = made_ready(task, X, y, dtype=dtype, **asked)
        paths[dtype] = {}
        for name in _names(problem, engines, absent):
            try:
                used, path = _walked(problem, name, updates)
            except InputError as error:
                if engines is not None:
                    raise
                absent[name] = str(error)
            else:
                paths[dtype][used] = path
    if not paths["float64"] or not paths["float32"]:
        msg = f"No engine that is installed can run {task}: {absent}."
        raise InputError(msg)
    first = next(iter(paths["float64"]))
    differences = [
        _compared(dtype, pair, found)
        for dtype, found in paths.items()
        for pair in itertools.combinations(found, 2)
    ]
    narrow, wide = (paths[dtype][first].vectors["theta"] for dtype in ("float32", "float64"))
    drift = _relative(narrow, wide)
    names = tuple(paths["float64"])
    return Certificate(task, updates, names, absent, tuple(differences), drift)


def _several(engines: Any) -> bool:
    return isinstance(engines, tuple | list) and len(engines) > 0


class _Path(NamedTuple):
    """Every vector along a training, (updates + 1, length) or (updates, length)."""

    vectors: dict[str, Floats]


def _names(problem: Problem, asked: Sequence[str] | None, absent: dict[str, str]) -> list[str]:
    """Return the engines to try, without those that are not installed."""
    found = []
    for name in ENGINES if asked is None else asked:
        if name == "numba":
            found += _ways(problem, absent, named=asked is not None)
        elif asked is not None:
            found.append(name)
        elif name != "numpy" and not installed(name):
            absent[name] = "not installed"
        else:
            found.append(name)
    return found


def _ways(problem: Problem, absent: dict[str, str], *, named: bool) -> list[str]:
    if is_custom(problem.task) and not named:
        absent["numba"] = "parts of one's own are not compiled"
        return []
    if problem.task.optimizer.rule.searches or is_custom(problem.task):
        return ["numba"]
    from descend.engines.compiled import ways_for  # noqa: PLC0415 - loads the compiler

    return [f"numba/{way}" for way in ways_for(problem)]


def _walked(problem: Problem, name: str, updates: int) -> tuple[str, _Path]:
    """Train by one engine and keep every vector."""
    used, program = engine_for(name, problem)
    start = problem.start()
    advance = program.advance(start, updates, every=1)
    states = [start, *advance.kept]
    gradients = [program.value_and_gradient(s.theta, s.step)[1] for s in states[:-1]]
    vectors = {"theta": np.stack([s.theta for s in states])}
    for i, slot in enumerate(problem.task.optimizer.rule.slots):
        vectors[slot] = np.stack([s.slots[i] for s in states])
    vectors["loss"] = advance.trace.loss[:, None]
    vectors["gradient"] = np.stack(gradients)
    return used, _Path({k: np.asarray(v, dtype=np.float64) for k, v in vectors.items()})


def _compared(dtype: str, pair: tuple[str, str], found: dict[str, _Path]) -> Difference:
    """Return the largest difference of two engines."""
    first, second = (found[name].vectors for name in pair)
    worst = Difference(dtype, *pair, 0.0, "theta", 0)
    for what, wanted in first.items():
        apart = _relative(second[what], wanted)
        step = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        if not apart[step] <= worst.size:
            worst = worst._replace(size=float(apart[step]), what=what, step=step)
    return worst


def _relative(found: Floats, wanted: Floats) -> Floats:
    """Return max |found - wanted| at each step, by the largest entry wanted so far.

    >>> _relative(np.array([[1.0, 2.0], [0.0, 0.5]]), np.array([[1.0, 2.0], [0.0, 0.0]]))
    array([0.  , 0.25])
    """
    scale = np.maximum.accumulate(np.abs(wanted).max(axis=1))
    apart: Floats = np.abs(found - wanted).max(axis=1) / np.where(scale > 0, scale, 1.0)
    return apart


def examples() -> list[tuple[Task, Floats, Any]]:
    """Return three small trainings by which ``descend certify`` certifies a machine."""
    X, y = moons(121)
    return [
        (Task(Linear(), squared_error(), nesterov("auto")), X, X @ [1.0, -2.0] + y),
        (Task(Linear(), logistic(), replace(adam(0.05), clip_norm=1.0)), X, y),
        (Task(MLP((8, 8)), softmax(), adam(0.01)), X, y),
    ]
