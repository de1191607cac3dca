"""`run.explain(step)`: from a run and a step to an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import ParameterError, did_you_mean
from descend.explaining import searched
from descend.explaining.backward import gradient_move
from descend.explaining.explanation import VOICES, Explanation
from descend.explaining.facts import Facts, facts_of
from descend.explaining.forward import forward_move
from descend.explaining.losing import loss_move
from descend.explaining.page import Page
from descend.explaining.pieces import folded
from descend.explaining.rows import rows_move
from descend.explaining.updating import update_move
from descend.parts import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.run import Run

ROWS = 3
MOST_DIGITS = 17


def explain(
    run: Run,
    step: int,
    *,
    digits: int | None = 6,
    rows: int = ROWS,
    show: str | Iterable[str] = VOICES,
) -> Explanation:
    """Return one update of a run, explained: rows, forward, loss, gradient, update.

    Parameters
    ----------
    run
        With its rows attached.
    step
        How many updates came before: 0 is the first update.  The number of all updates done asks
        for the one that would come next.
    digits
        How many to print of each number, 1 to 17, or None for all that it has; default 6.  The
        arrays are exact whatever this is.
    rows
        How many rows of the batch are shown one by one, at least 1; default 3.
    show
        Which voices are printed: ``"symbols"``, ``"numbers"``, ``"code"``; default all.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If the step was never reached, the run holds no rows, or it ended with parameters that are
        not finite and the update after that is asked for.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=9)
    >>> print(run.explain(0, show="symbols"))
    Step 0 of 9: linear + squared_error + gradient_descent(0.1)
    ===========================================================
    ...
    5  Update
    ...
      symbols   θ' = θ - η g
    """
    if digits is not None:
        whole("explain", "digits", digits)
        digits = min(digits, MOST_DIGITS)
    voices = _voices(show)
    facts = facts_of(run, step, whole("explain", "rows", rows))
    page = Page(facts, digits)
    with np.errstate(all="ignore"):
        moves = (
            rows_move(page),
            forward_move(page),
            loss_move(page),
            gradient_move(page),
            update_move(page),
        )
        arrays = _arrays(page)
    return Explanation(
        step=facts.step,
        title=f"Step {facts.step} of {run.state.step}: {facts.run.task}",
        sentences=_sentences(facts),
        moves=_started(moves, facts.step),
        arrays=arrays,
        figures=_figures(facts),
        parts=_parts(facts),
        digits=digits,
        shown=voices,
    )


def _voices(show: Any) -> tuple[str, ...]:
    asked = show.split(",") if isinstance(show, str) else list(show)
    asked = [str(name).strip() for name in asked]
    for name in asked:
        if name not in VOICES:
            msg = (
                f"The 'show' parameter of explain must name some of {', '.join(VOICES)}. "
                f"Got {name!r} instead{did_you_mean(name, VOICES)}."
            )
            raise ParameterError(msg)
    return tuple(name for name in VOICES if name in asked)


def _started(moves: tuple[Any, ...], step: int) -> tuple[Any, ...]:
    """Return the moves, the first line of code telling where its arrays come from."""
    first = moves[0]
    line = f"given = e.arrays  # e = run.explain({step})"
    moves = (first._replace(code=(line, *first.code[1:])), *moves[1:])
    return tuple(
        move._replace(code=tuple(part for line in move.code for part in folded(line)))
        for move in moves
    )


def _sentences(facts: Facts) -> tuple[str, ...]:
    """Say what holds for the whole: how far back, and whether it happened at all."""
    if facts.future:
        ended = facts.run.outcome.sentence
        said = f"This update was not done: the run stopped before it. {ended}"
        return (said, "It is what would come next.")
    return ()


def _figures(facts: Facts) -> dict[str, Any]:
    p = facts.problem
    epoch, place = divmod(facts.step, p.batches_per_epoch)
    return {
        "task": str(p.task),
        "engine": facts.run.engine_used,
        "dtype": p.X.dtype.name,
        "epoch": epoch,
        "batch": place,
        "n": facts.n,
        "learning_rate": facts.rate.value,
        "divisor": facts.mass,
        "loss": float(facts.loss),
        "penalty": float(facts.penalty),
        "objective": float(facts.objective),
        "objective_by_engine": float(facts.engine_loss),
        "objective_after": float(facts.then),
    }


def _parts(facts: Facts) -> dict[str, dict[str, Any]]:
    """Return vectors of parameters by name, in their own shapes."""
    split = facts.problem.layout.split
    return {
        "before": split(facts.before.theta),
        "gradient": split(facts.gradient),
        "after": split(facts.after.theta),
    }


def _arrays(page: Page) -> dict[str, Any]:
    f, p = page.facts, page.facts.problem
    rule: Any = p.task.optimizer.rule
    found: dict[str, Any] = {"rows": f.rows, "X": f.X, "y": f.y}
    if f.weights is not None:
        found["sample_weight"] = f.weights
    if p.scaling is not None:
        found.update(p.scaling._asdict())
    found.update(scores=f.hand.scores, losses=f.hand.per_row)
    if f.hand.dscores is not None:
        found["dscores"] = f.hand.dscores
    found.update(theta=f.before.theta, theta_after=f.after.theta, gradient=f.gradient)
    found["gradient_by_engine"] = f.engine_gradient
    found["gradient_used"] = f.used
    if p.task.penalty is not None:
        found["reach"] = p.reach
    found["is_weight"] = p.weight_marks
    if rule.searches:
        return {**found, **_searched(page)}
    for i, name in enumerate(rule.slots):
        found[name], found[f"{name}_after"] = f.before.slots[i], f.after.slots[i]
    return found


def _searched(page: Page) -> dict[str, Any]:
    length = searched.length_of(page)
    found: dict[str, Any] = {
        "length": length,
        "direction": searched.direction(page, length),
    }
    if page.facts.problem.task.optimizer.name == "newton":
        found["hessian"] = searched.hessian(page)
    else:
        found["steps"], found["changes"] = searched.pairs(page)
    return found
