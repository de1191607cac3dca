"""The optimum: how low the loss of a convex task can go, and how far above it a run was.

A linear model under a convex loss has no minimum but the least, so the gap is known:

    gap = loss of the run - loss at the optimum

The optimum is found from the run's rows by `newton`, or `lbfgs` where there are too many
parameters for it, in double precision and until no step lowers the loss any more.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
>>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5], epochs=20)
>>> best = run.optimum()
>>> best.theta.round(6), round(best.loss, 6)
(array([2.25    , 0.916667]), 0.013889)
>>> bool(0 < best.gap < best.gaps[0])
True
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import State
from descend.custom import CustomModel
from descend.engines import engine_for
from descend.engines.searching import LARGEST
from descend.errors import InputError
from descend.models import Linear
from descend.optimizers import initial_slots, lbfgs, newton
from descend.scaling import applied, measured

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.optimizers import Optimizer
    from descend.run import Run
    from descend.task import Task

# Updates after which the search ends, should the loss fall for ever.
MOST = {"newton": 200, "lbfgs": 20_000}
# Keyframes of a run on batches at which the whole objective is evaluated.
LOOKED_AT = 200
# Entries of X up to which the optimum is found without being asked for.
CHEAP = 5_000_000
# Steps of the search for a linear model that others are compared with.
_PLAIN = 100
# Multiplications of a Hessian up to which it is worth having, and steps, where the least is wanted
# at once.
_HESSIAN, _SEARCH = 1_500_000_000, 300


@final
@dataclass(frozen=True, eq=False)
class Optimum:
    """The least loss of a convex task, and a run's distance from it.

    Attributes
    ----------
    loss, theta
        The least objective over the training rows, and where (P,); of several places, one.
    gap
        The objective at the run's returned parameters, less `loss`; below 0 only by rounding.
    steps, gaps
        (m,): updates done, and the gap there: at each row of the history; for a run on batches,
        whose recorded losses are those of batches, at up to 200 keyframes.
    reached
        Whether no step lowers the loss any more in double precision; if not, it fell for as long
        as it was watched.

    """

    loss: float
    theta: Floats
    gap: float
    steps: Any
    gaps: Floats
    reached: bool


def optimum(run: Run) -> Optimum:
    """Return the least loss of the run's task on its rows, and the run's gaps to it.

    Parameters
    ----------
    run
        Of a linear model under a smooth convex loss, with its rows attached.

    Returns
    -------
    Optimum
        Found once, and kept with the run.

    Raises
    ------
    InputError
        If the task may have minima that are not the least, or cannot be searched; or if there are
        no rows.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.logistic(), ds.adam(0.1), ds.l2(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [0, 1, 1], epochs=500)
    >>> run.optimum().gap < 1e-9
    True
    """
    kept: dict[str, Any] = vars(run)
    if "_optimum" not in kept:
        kept["_optimum"] = _found(run)
    found: Optimum = kept["_optimum"]
    return found


def at_hand(run: Run) -> Optimum | None:
    """Return the optimum where there is one to find and finding it is cheap, else None."""
    entries = run.setup.n * run.setup.d
    if run.data is None or _unfit(run.task) is not None or entries > CHEAP:
        return None
    return optimum(run)


def _unfit(task: Task) -> str | None:
    """Say what keeps a task from having an optimum that can be searched for, or None."""
    if isinstance(task.model, CustomModel):
        return f"the model {task.model.label} is one's own, and nothing is known of its minima"
    if not task.model.linear:
        return f"this one has hidden layers {task.model.hidden}, and may have many minima"
    if not task.loss.convex:
        return f"the loss {task.loss.name} is not convex in the score"
    if not task.loss.smooth:
        return f"the loss {task.loss.name} has a kink"
    if task.penalty is not None and task.penalty.l1 > 0:
        return f"the penalty {task.penalty.name} has a kink"
    return None


def _found(run: Run) -> Optimum:
    unfit = _unfit(run.task)
    if unfit is not None:
        msg = (
            "The optimum is known for a linear model under a smooth convex objective; "
            f"{unfit}. Compare runs by outcome.loss instead."
        )
        raise InputError(msg)
    loss, theta, reached = _least(run, run.problem)
    steps, losses = _losses(run)
    return Optimum(loss, theta, run.outcome.loss - loss, steps, losses - loss, reached)


def _wide(numbers: Any) -> Any:
    """Return numbers, rows or sparse rows in double precision."""
    return numbers if numbers is None else numbers.astype(np.float64, copy=False)


def _least(
    run: Run, problem: Problem, rule: Optimizer | None = None, most: int | None = None
) -> tuple[float, Floats, bool]:
    """Search from where the run ended, or from its start where that is lower."""
    if rule is None:
        rule = newton() if problem.layout.size <= LARGEST else lbfgs()
    wide = replace(
        problem,
        task=replace(problem.task, optimizer=rule),
        X=_wide(problem.X),
        weights=_wide(problem.weights),
        y=problem.y if problem.y.dtype.kind == "i" else problem.y.astype(np.float64, copy=False),
        batch_size=None,
    )
    program = engine_for("numpy", wide)[1]
    begun = [run.theta.astype(np.float64), wide.start().theta]
    values = [program.value(theta) for theta in begun]
    theta = begun[0] if values[0] <= values[1] else begun[1]  # NaN is not lower
    slots = initial_slots(rule.rule, theta.size)
    state, trace, _ = program.advance(State(theta, slots, 0), most or MOST[rule.name])
    return program.value(state.theta), state.theta, not trace.learning_rate[-1]


def least_of(run: Run, problem: Problem) -> tuple[float, Floats] | None:
    """Return the least objective of a problem like the run's, and where; None if it has none."""
    if _unfit(run.task) is not None:
        return None
    entries = problem.n * problem.layout.size**2
    loss, theta, _ = _least(run, problem, newton() if entries <= _HESSIAN else lbfgs(), _SEARCH)
    return loss, theta


def plain_least(run: Run, problem: Problem) -> float | None:
    """Return the least loss of a linear model on the problem's rows, standardised.

    None for losses without one.  Where the classes can be separated it is 0 in the end; a few
    steps of the search come near enough.
    """
    loss = run.task.loss
    if loss.name == "custom" or not (loss.convex and loss.smooth):
        return None
    task = replace(run.task, model=Linear(), penalty=None, optimizer=lbfgs())
    X = applied(problem.X, measured(problem.X, problem.weights))[0]
    layout = task.model.layout(X.shape[1], run.setup.k)
    plain = replace(problem, task=task, layout=layout, X=X)
    program = engine_for("numpy", plain)[1]
    state = program.advance(plain.start(), _PLAIN).state
    return program.value(state.theta)


def _losses(run: Run) -> tuple[Any, Floats]:
    """Return updates done and the whole objective there."""
    if run.setup.full_batch:
        return run.history.steps[:, 0], run.history["loss"]
    frames = [] if run.keyframes is None else run.keyframes.steps
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), LOOKED_AT)).round())
    steps = np.array([frames[int(i)] for i in chosen], dtype=np.int64)
    return steps, np.array([run.program.value(run.at(int(step)).theta) for step in steps])
