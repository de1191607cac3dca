"""What a script is to repeat: a run, in the terms its text needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.export.script_rules import PROXIMAL_LINES, RULE_LINES

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.run import Run
    from descend.task import Task

XP = {"numpy": "np", "jax": "jnp", "torch": "torch"}
# A start of at most this many characters stands in the script itself.
_SHORT = 40


@final
@dataclass(frozen=True)
class Plan:
    """What a script is to repeat.

    Attributes
    ----------
    library, task, problem
        What was trained on what, and which library repeats it.
    updates, best
        How many were done; after which the returned parameters stood, if not after the last.
    events
        Of the run: where plateaus lowered the rate, or somebody changed it.
    start
        The first parameters, by short names: W and b, or W1, b1, W2 …
    recorded
        The first update's loss (or None) and the objective at the returned parameters.
    """

    library: str
    task: Task
    problem: Problem
    updates: int
    best: int | None
    events: Any
    start: dict[str, Floats]
    recorded: tuple[float | None, float]

    @property
    def xp(self) -> str:
        """How the library's arrays are called: np, jnp or torch."""
        return XP[self.library]

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the arrays that a batch takes rows of."""
        return ("X", "y") if self.problem.weights is None else ("X", "y", "weights")

    @property
    def dtype(self) -> str:
        """``"float64"`` or ``"float32"``."""
        return str(self.problem.X.dtype)

    @property
    def k(self) -> int:
        """Outputs."""
        return int(list(self.start.values())[-1].shape[-1])

    @property
    def l1(self) -> float:
        """The absolute penalty's strength."""
        return 0.0 if self.task.penalty is None else self.task.penalty.l1

    @property
    def l2(self) -> float:
        """The squared penalty's strength."""
        return 0.0 if self.task.penalty is None else self.task.penalty.l2

    @property
    def penalised(self) -> list[str]:
        """The short names of what a penalty reaches."""
        biases = self.task.penalty is not None and self.task.penalty.biases
        return [name for name in self.start if biases or name.startswith("W")]

    @property
    def takes(self) -> tuple[str, ...]:
        """What the rule takes beside a parameter and its gradient."""
        lines = PROXIMAL_LINES if self.l1 else RULE_LINES
        return tuple(lines[self.task.optimizer.name].takes.split(", "))

    @property
    def shuffled(self) -> bool:
        """Whether each epoch has its own order of rows."""
        return self.problem.shuffle and not self.problem.full_batch

    def arrays(self) -> dict[str, Any]:
        """Return what lies beside the script: rows, and a start too long to be written out."""
        p = self.problem
        rows = {"X": np.asarray(p.X), "y": p.y, "weights": p.weights}
        long = {n: part for n, part in self.start.items() if self.written(n) is None}
        return {**{name: rows[name] for name in self.rows}, **long}

    def written(self, name: str) -> str | None:
        """Return a short start as a list in text, "" for zeros, or None where it is too long."""
        part = self.start[name]
        if not part.any():
            return ""
        text = repr(part.tolist()) if part.size < _SHORT else ""
        return text if 0 < len(text) <= _SHORT and self.dtype == "float64" else None


def plan_of(run: Run, library: str) -> Plan:
    """Return what a script in `library` has to repeat of `run`, whose rows are attached."""
    begun = run.in_force(0)  # the learning rate may have changed since
    problem, updates, best = begun.problem, run.history.updates, run.outcome.best_step
    start = run.layout.split(problem.start().theta)
    first = float(updates.column("loss")[0]) if len(updates) and updates.block == 1 else None
    return Plan(
        library=library,
        task=begun.task,
        problem=problem,
        updates=run.state.step,
        best=None if best == run.state.step else best,
        events=run.events,
        start={_short(name): part for name, part in start.items()},
        recorded=(first, run.outcome.loss),
    )


def _short(name: str) -> str:
    """Return "W1" for "layer1.weight", and "b" for "bias"."""
    layer, _, kind = name.rpartition(".")
    return {"weight": "W", "bias": "b"}[kind] + layer.removeprefix("layer")
