"""Which engine runs a problem, and which way it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from descend.engines.by_hand import ByHand
from descend.engines.searching import Searching
from descend.errors import ParameterError
from descend.optimizers import gradient_descent
from descend.parts import choice

if TYPE_CHECKING:
    from descend.engines.problem import Problem, Program

# The ways of the compiled engine; see `descend.engines.compiled.program`.
WAYS = ("factor", "rows", "blocks", "threads", "products")
ENGINES = {"numpy": (), "numba": WAYS}
DEFAULT = "numba"


def engine_for(name: Any, problem: Problem) -> tuple[str, Program]:
    """Return the name of the engine that was taken, and the engine at work on `problem`.

    Parameters
    ----------
    name
        ``"auto"``: `DEFAULT`; or a name from `ENGINES`, whose fastest way is taken; or a name with
        a way, such as ``"numba/blocks"``, as a run's ``engine_used`` has it.
    problem
        What is to be trained.

    Returns
    -------
    tuple
        The name with its way, by which the same machine code is found again; and the program.

    Raises
    ------
    InputError
        If there is no engine of that name, it or its way does not suit the problem, or the problem
        does not suit an optimizer that searches.
    """
    if problem.task.optimizer.rule.searches:
        # The engine underneath gives values and gradients; its own rule is never used.
        task = replace(problem.task, optimizer=gradient_descent())
        used, program = engine_for(name, replace(problem, task=task))
        return used, Searching(problem, program)
    name, _, way = name.partition("/") if isinstance(name, str) else (name, "", "")
    chosen = choice("train", "engine", name, ("auto", *ENGINES))
    chosen = DEFAULT if chosen == "auto" else chosen
    if way:
        choice("train", f"engine {chosen}'s way", way, ENGINES[chosen])
    if chosen == "numpy":
        return chosen, ByHand(problem)
    from descend.engines.compiled import Compiled, ways_for  # noqa: PLC0415 - loads the compiler

    fits = ways_for(problem)
    if way and way not in fits:
        msg = (
            f"The engine {chosen}'s way {way!r} does not suit this problem; "
            f"choose one of {', '.join(fits)}, or leave it out."
        )
        raise ParameterError(msg)
    way = way or fits[0]
    return f"{chosen}/{way}", Compiled(problem, way)
