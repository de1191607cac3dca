"""Which engine runs a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.engines.by_hand import ByHand
from descend.parts import choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.engines.problem import Problem, Program

ENGINES: dict[str, Callable[[Problem], Program]] = {"numpy": ByHand}


def engine_for(name: str, problem: Problem) -> tuple[str, Program]:
    """Return the name of the engine that was taken, and the engine at work on `problem`.

    Parameters
    ----------
    name
        A name from `ENGINES`, or ``"auto"``: the fastest that can run the problem.
    problem
        What is to be trained.

    Raises
    ------
    ParameterError
        If there is no engine of that name.
    """
    chosen = choice("train", "engine", name, ("auto", *ENGINES))
    chosen = "numpy" if chosen == "auto" else chosen
    return chosen, ENGINES[chosen](problem)
