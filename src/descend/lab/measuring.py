"""Measuring: what is seen of racers at a moment, all by one judge, on one plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Floats, State
    from descend.optimizers import Rule
    from descend.run import Run
    from descend.showing.surfaces import Surface

# Of each racer: its own updates, the objective over all rows and the length of its gradient there;
# its place on the plane; and three arrows in the plane: the gradient, the last update, the memory.
COLUMNS = (
    "updates",
    "loss",
    "gradient_norm",
    "u",
    "v",
    "gradient_u",
    "gradient_v",
    "update_u",
    "update_v",
    "velocity_u",
    "velocity_v",
)
PAST = 150  # frames of a race that is looked at again
_MEMORY = ("velocity", "mean")  # slots that add up gradients


@final
class Judge:
    """Measures racers by one objective, over all training rows.

    Parameters
    ----------
    run
        Of one of them, with its rows.
    ground
        The surface they move over, or None.

    Attributes
    ----------
    share
        Of the squared distances from the start that were measured, what lies in the plane.
    """

    def __init__(self, run: Run, ground: Surface | None) -> None:
        self.run, self.ground, self._program = run, ground, run.program
        self._start: Floats | None = None
        self._inside, self._all = 0.0, 0.0

    @property
    def share(self) -> float | None:
        """None before anything moved."""
        return min(self._inside / self._all, 1.0) if self._all > 0 else None

    @staticmethod
    def memory(rule: Rule) -> int | None:
        """Return which slot of a rule adds up gradients, if one does."""
        return next((i for i, name in enumerate(rule.slots) if name in _MEMORY), None)

    def measured(self, state: State, before: Floats, rule: Rule) -> Floats:
        """Return a row of COLUMNS; a rule without such a memory has no numbers for it."""
        with np.errstate(all="ignore"):
            loss, gradient = self._program.value_and_gradient(state.theta)
            gradient = np.asarray(gradient, dtype=np.float64)
            theta = state.theta.astype(np.float64)
            slot = self.memory(rule)
            arrows = [gradient, theta - before, np.full_like(theta, np.nan)]
            if slot is not None:
                arrows[2] = -state.slots[slot].astype(np.float64)
            self._count(theta)
            places = [self.place(theta), *(self._along(arrow) for arrow in arrows)]
            length = float(np.linalg.norm(gradient))
        return np.array([state.step, loss, length, *np.concatenate(places)])

    def place(self, theta: Floats) -> Floats:
        """Return where on the plane parameters are: (2,)."""
        if self.ground is None:
            return np.full(2, np.nan)
        found: Floats = self.ground.directions @ (theta - self.ground.origin)
        return found

    def _along(self, arrow: Floats) -> Floats:
        if self.ground is None:
            return np.full(2, np.nan)
        found: Floats = self.ground.directions @ arrow
        return found

    def _count(self, theta: Floats) -> None:
        if self.ground is None or not np.isfinite(theta).all():
            return
        if self._start is None:
            self._start = theta
        moved = theta - self._start
        inside = self.ground.directions @ moved
        self._inside += float(inside @ inside)
        self._all += float(moved @ moved)


def steps_of(clock: int) -> list[int]:
    """Return at which updates the past of a race is looked at: early ones closer together."""
    if clock < PAST:
        return list(range(clock + 1))
    ideal = clock * np.linspace(0, 1, PAST) ** 2
    return [int(step) for step in np.unique(np.rint(ideal))]


def past(runs: Sequence[Run], steps: Sequence[int], judge: Judge) -> Floats:
    """Return what is seen of runs after each of some updates: (F, R, columns)."""
    return np.stack([_past(run, steps, judge) for run in runs], axis=1)


def _past(run: Run, steps: Sequence[int], judge: Judge) -> Floats:
    rule, rows, state = run.task.optimizer.rule, [], None
    for asked in steps:
        step = min(asked, run.state.step)
        before = _at(run, max(step - 1, 0), state)
        state = _at(run, step, before)
        rows.append(judge.measured(state, before.theta.astype(np.float64), rule))
    return np.stack(rows)


def _at(run: Run, step: int, nearby: Any) -> State:
    """Return an exact state, from one nearby where that is nearer than a keyframe."""
    if step == run.state.step or run.keyframes is None:
        return run.state
    nearest = run.keyframes.before(step)
    if nearby is None or not nearest.step <= nearby.step <= step:
        nearby = nearest
    return nearby if nearby.step == step else run.replay(nearby, step)
