"""What an engine that differentiates looks at before it trains parts of one's own."""

from __future__ import annotations

from contextlib import contextmanager
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import trains
from descend.custom import CustomLoss, CustomModel
from descend.engines.problem import scores_of
from descend.errors import DescendError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.engines.problem import Problem

# Rows of a pass that is run twice; how often a gradient is looked for.
ONCE, _LOOKS = 256, 3
_TAKE_OUT = "or take it out of the parameters"
_FREEZE = {
    None: _TAKE_OUT,
    "jax": f"{_TAKE_OUT} (keep it in a field or a closure that is no JAX array)",
    "torch": "take it out, or freeze it (requires_grad_(False))",
}


def is_custom(task: Any) -> bool:
    """Tell whether a part of the task is its author's own."""
    return isinstance(task.loss, CustomLoss) or isinstance(task.model, CustomModel)


def dense(problem: Problem, engine: str) -> None:
    """Refuse sparse rows."""
    if not isinstance(problem.X, np.ndarray):
        msg = (
            f"The engine {engine} takes dense rows, and X is sparse; use the engine numba or "
            "numpy, or pass X.toarray() if there is room for it."
        )
        raise InputError(msg)


@contextmanager
def spoken(problem: Problem, engine: str) -> Iterator[None]:
    """Turn what a library says of one's own functions into one sentence."""
    try:
        yield
    except (DescendError, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        if not is_custom(problem.task):
            raise
        whose = " and ".join(_whose(problem))
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        msg = (
            f"{whose} cannot be run by the engine {engine}: {type(error).__name__}: "
            f"{first.strip().rstrip('.')[:300]}{_hint(error, engine)}."
        )
        raise InputError(msg) from error


def _whose(problem: Problem) -> list[str]:
    task = problem.task
    found = [f"the model {task.model.label!r}"] if isinstance(task.model, CustomModel) else []
    if isinstance(task.loss, CustomLoss):
        found.append(f"the custom loss {task.loss.label!r}")
    found[0] = _capital(found[0])
    return found


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _hint(error: Exception, engine: str) -> str:
    if "Tracer" in type(error).__name__:
        return (
            "; inside a function that JAX differentiates use jax.numpy and jax.lax instead of "
            "NumPy, if and float()"
        )
    if engine == "torch" and "more than 1 value per channel" in str(error):
        return (
            "; BatchNorm cannot train on a batch of one row: choose a batch_size that leaves no "
            "single row at an epoch's end"
        )
    if any("checkpoint" in frame.filename for frame in extract_tb(error.__traceback__)):
        return (
            "; torch.utils.checkpoint runs a part again with other parameters than theta's: call "
            "that part as it is"
        )
    if engine == "torch" and "numpy" in str(error):
        return "; inside a function that PyTorch differentiates use torch instead of NumPy"
    return ""


def check_custom(program: Any) -> None:
    """Refuse parts of one's own that cannot be trained, each by a sentence.

    Looked at are: the loss at the start (finite?), its gradient there (finite?), whether the same
    state and key give the same numbers again, and whether every parameter receives a gradient.
    """
    problem: Problem = program.problem
    if not is_custom(problem.task):
        return
    theta = problem.start().theta
    _started(problem, theta)
    _replayed(program, theta)
    value, gradient = program.value_and_gradient(theta)
    if not np.isfinite(value):
        _not_finite(problem, theta, value)
    if not np.isfinite(gradient).all():
        _not_differentiable(problem, gradient)
    _received(program, theta)


def _not_finite(problem: Problem, theta: Any, value: float) -> None:
    whose = " with ".join(_whose(problem))
    scores = scores_of(problem.task, problem.layout, theta, problem.X)
    if not np.isfinite(scores).all():
        row = int(np.argwhere(~np.isfinite(scores))[0][0])
        msg = f"{whose} gives the score {scores[row]} at the start, for row {row} of X."
        raise InputError(msg)
    from descend import losses  # noqa: PLC0415 - only to say what is wrong

    per_row = np.asarray(losses.rows(problem.task.loss, scores, problem.y))
    strange = np.flatnonzero(~np.isfinite(per_row))
    where = f"{value}"
    if strange.size:
        row = int(strange[0])
        where = (
            f"{per_row[row]} for row {row}, whose scores are {_few(scores[row])} and target "
            f"{_few(problem.y[row])}"
        )
    msg = (
        f"{whose} is not finite at the start: the loss is {where}. Write it so that it is finite "
        "for every score (log1p, where), or start elsewhere."
    )
    raise InputError(msg)


def _few(values: Any) -> str:
    return np.array2string(np.atleast_1d(values)[:4], precision=4, separator=", ")


def _not_differentiable(problem: Problem, gradient: Any) -> None:
    names = [
        name for name, part in problem.layout.split(gradient).items() if not np.isfinite(part).all()
    ]
    msg = (
        f"{' with '.join(_whose(problem))} has a finite loss at the start and no finite gradient "
        f"there by {', '.join(names[:6])}: some function in it is not differentiable where it is "
        "asked, as sqrt is at 0; move it away from there, or choose the other branch by where "
        "before, not after."
    )
    raise InputError(msg)


def _started(problem: Problem, theta: Any) -> None:
    """Draw the start twice: a seed that does not decide it decides nothing."""
    if np.array_equal(theta, problem.start().theta):
        return
    msg = (
        f"{_whose(problem)[0]} started in two places for one seed: draw its "
        "parameters from the generator that init is passed (rng), or from the key."
    )
    raise InputError(msg)


def _replayed(program: Any, theta: Any) -> None:
    """Run an update twice from one state: a run that cannot be repeated cannot be recorded."""
    problem: Problem = program.problem
    first, noted = program.once(theta), _remembered(problem)
    again = program.once(theta)
    _remembers_nothing(problem, noted, _remembered(problem))
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True)):
        return
    scores, per_row = (not np.array_equal(first[i], again[i], equal_nan=True) for i in (0, -1))
    whose = _whose(problem)
    whose = whose[-1:] if per_row and not scores else whose[:1]
    msg = (
        f"{_capital(whose[0])} gave two answers for the same parameters, rows and "
        "seed, so no step of its training could be replayed: it draws from a generator that the "
        "seed does not decide, or remembers earlier calls; "
    )
    msg += (
        "a loss must be a function of scores and y alone."
        if whose[0].lower().startswith("the custom loss")
        else "draw from the key, or in a module from the library's own generator, and keep what "
        "is remembered in a buffer."
    )
    raise InputError(msg)


def _remembered(problem: Problem) -> dict[str, Any]:
    remembers = getattr(getattr(problem.task.model, "adapter", None), "remembers", dict)
    found: dict[str, Any] = remembers()
    return found


def _remembers_nothing(problem: Problem, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = [
        name
        for name, value in after.items()
        if name not in before or not np.array_equal(before[name], value)
    ]
    if changed:
        msg = (
            f"{_whose(problem)[0]} changes its attribute {changed[0]} as it "
            "runs, which no step of its training could be replayed without; keep it in a buffer "
            "(register_buffer)."
        )
        raise InputError(msg)


def changed_rows(problem: Problem) -> None:
    """Refuse a part that writes into the rows it is given."""
    msg = (
        f"{' with '.join(_whose(problem))} writes into X in place, which would change the rows "
        "for every later update; use the operation that is not in place (inplace=False), or "
        "begin with x = x.clone()."
    )
    raise InputError(msg)


def _received(program: Any, theta: Any) -> None:
    """Look a few times near the start: a gradient that is exactly 0 each time is not there."""
    problem: Problem = program.problem
    rng = np.random.default_rng(problem.seed)
    seen = np.zeros(theta.size, dtype=bool)
    moving = problem.layout.trained() > 0
    spread = 0.1 * moving * (1.0 + float(np.abs(theta[moving]).max(initial=0.0)))
    for _ in range(_LOOKS):
        near = theta + (spread * rng.standard_normal(theta.size)).astype(theta.dtype)
        gradient = program.value_and_gradient(near)[1]
        seen |= gradient != problem.l2 * near
    parts = problem.layout.split(seen)
    without = [
        name for name, part in parts.items() if trains(name) and part.size and not part.any()
    ]
    if not without:
        return
    if len(without) == sum(trains(name) for name in parts):
        msg = (
            f"{' with '.join(_whose(problem))} gives no parameter a gradient: the loss does not "
            "change with the scores in a way that can be differentiated (argmax, round, a "
            "comparison), or the graph is cut (detach, stop_gradient, no_grad)."
        )
        raise InputError(msg)
    remedy = _FREEZE[getattr(problem.task.model, "library", None)]
    msg = (
        f"{' with '.join(_whose(problem))} gives no gradient to {', '.join(without[:6])}: the "
        f"scores do not depend on it; use it, {remedy}."
    )
    raise InputError(msg)
