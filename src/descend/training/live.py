"""A training that is led by hand: so many updates at a time, and changed along the way.

It leads the one loop. What is changed becomes an event of the run, so that a run led by hand is a
run like any other: any step can be reached again, and it can be saved, resumed and explained.

    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> live = begin(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> live.advance(40)
    >>> live.step, live.run().at(40).theta.round(3)
    (40, array([1.979, 1.029]))
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError, Outcome
from descend.parts import whole
from descend.training.begin import made_loop
from descend.training.ending import apart, ended, recorded

if TYPE_CHECKING:
    from descend.arrays import Floats, State
    from descend.errors import Reason
    from descend.run import Run
    from descend.task import Task
    from descend.training.loop import Loop

# MiB that the record of a training without a planned end may take.
RECORD = 8.0


def begin(task: Task, X: Any, y: Any, **asked: Any) -> Live:
    """Return a training that has not begun, to be led by hand."""
    for name in ("epochs", "callbacks", "progress"):
        if name in asked:
            msg = f"A training that is led by hand takes no {name}; leave it out."
            raise InputError(msg)
    asked = {"record": RECORD, **asked}
    return Live(made_loop(task, X, y, epochs=0, progress=False, **asked))


@final
class Live:
    """A training under way, led by hand; made by `begin`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._stopped: Reason | None = None

    @property
    def step(self) -> int:
        """Updates done."""
        return self._loop.state.step

    @property
    def theta(self) -> Floats:
        """The parameters (P,): a copy."""
        return self._loop.state.theta.copy()

    @property
    def loss(self) -> float | None:
        """The objective over the last update's batch, before that update; None at the start."""
        return self._loop.last_loss

    @property
    def validation_loss(self) -> float | None:
        """Of the last epoch, or None."""
        return self._loop.validation_loss

    @property
    def task(self) -> Task:
        """What is trained, as it is in force now."""
        return self._loop.problem.task

    @property
    def learning_rate(self) -> float:
        """The learning rate in force now, before any schedule."""
        return self._loop.problem.learning_rate

    @property
    def updates_per_epoch(self) -> int:
        """Updates to an epoch."""
        return self._loop.setup.batches_per_epoch

    def advance(self, updates: int) -> Reason | None:
        """Do so many updates; return why it cannot go on, or None if it can."""
        count = whole("advance", "updates", updates)
        self._stopped = self._loop.go(self.step + count)
        return self._stopped

    def run(self) -> Run:
        """Return the run as it stands, a record that the training no longer changes."""
        loop = self._loop
        m = loop.setup.batches_per_epoch
        run = apart(ended(loop, self._stopped or "callback"))
        setup = loop.setup.with_epochs(max(math.ceil(loop.state.step / m), 1))
        return replace(run, setup=setup)

    def at(self, step: int) -> State:
        """Return the exact state after `step` updates."""
        loop = self._loop
        outcome = Outcome("callback", "", loop.state.step, math.nan)
        return recorded(loop, loop.state.theta, outcome).at(step).state
