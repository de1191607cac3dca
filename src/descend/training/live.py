"""A training that is led by hand: so many updates at a time, and changed along the way.

It leads the one loop.  What is changed becomes an event of the run, so that a run led by hand is a
run like any other: any step can be reached again, and it can be saved, resumed and explained.

    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> live = begin(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> live.advance(40)
    >>> live.change(learning_rate=0.2)
    >>> live.edit(1, 0.0)
    >>> live.advance(20)
    >>> live.step, live.run().at(40).theta.round(3)
    (60, array([1.979, 0.   ]))
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import State
from descend.engines import engine_for
from descend.errors import InputError, Outcome
from descend.parts import choice, whole
from descend.run import History
from descend.run.event_checks import is_plain
from descend.run.events import (
    NOTES,
    Force,
    record_change,
    record_edit,
    record_engine,
    record_note,
)
from descend.training.changing import SAME, changed, numbers_of, places_of
from descend.training.ending import ended, recorded
from descend.training.making import check_keyframes, made_loop, taken_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats, Layout
    from descend.errors import Reason
    from descend.optimizers import Optimizer
    from descend.penalties import Penalty
    from descend.run import Run
    from descend.task import Task
    from descend.training.loop import Loop

# MiB that the record of a training without a planned end may take.
RECORD = 8.0


def begin(task: Task, X: Any, y: Any, **asked: Any) -> Live:
    """Return a training that has not begun, to be led by hand.

    Parameters
    ----------
    task, X, y
        As for `train`.
    asked
        As for `train`, without epochs, callbacks and progress.  Its record takes up to 8 MiB
        unless `record` says otherwise.

    Returns
    -------
    Live

    Raises
    ------
    InputError
        If something cannot be used; the sentence says what was found, where, and what to do.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.adam(0.1))
    >>> live = ds.begin(task, [[0.0], [1.0]], [1.0, 3.0])
    >>> live.advance(30)
    >>> live.run().outcome.sentence
    'Trained for 30 updates so far; loss 0.188944.'
    """
    for name in ("epochs", "callbacks", "progress"):
        if name in asked:
            msg = f"A training that is led by hand takes no {name}; leave it out, or use train."
            raise InputError(msg)
    asked = {"record": RECORD, **asked}
    return Live(made_loop(task, X, y, epochs=0, progress=False, **asked))


def lead(run: Run) -> Live:
    """Return a training that goes on where a run stopped, led by hand; the run stays as it is.

    Parameters
    ----------
    run
        With its rows attached, and its keyframes.

    Returns
    -------
    Live

    Raises
    ------
    InputError
        If there are no rows, or the file held no keyframes.
    """
    check_keyframes(run)
    run = run.in_force()
    live = Live(taken_up(run, run.setup.with_epochs(0), (), progress=False), run)
    if run.outcome.reason == "diverged":
        live.stopped = "diverged"
    return live


@final
class Live:
    """A training under way, led by hand; made by `begin`, or by `lead` from a run.

    One thread at a time may lead it; `run` gives others a copy, and `ready` may be called by
    another.

    Parameters
    ----------
    loop
        The training.
    origin
        The run that it goes on from, or None.

    Attributes
    ----------
    stopped
        Why the last `advance` could not go on, or None.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(2.0))
    >>> live = ds.begin(task, [[0.0], [1.0]], [1.0, 3.0])
    >>> live.advance(100)
    'diverged'
    >>> live.change(learning_rate=0.2)
    >>> live.edit([0.0, 0.0])
    >>> live.advance(100)
    >>> live.theta.round(2)
    array([2., 1.])
    """

    def __init__(self, loop: Loop, origin: Run | None = None) -> None:
        self._loop = loop
        self._origin = origin
        self.stopped: Reason | None = None

    # ------------------------------------------------------------ where it stands

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
    def figures(self) -> dict[str, float]:
        """What the history has of the last update, by name; empty at the start."""
        return dict(self._loop.figures)

    @property
    def task(self) -> Task:
        """What is trained, as is in force now."""
        return self._loop.problem.task

    @property
    def learning_rate(self) -> float:
        """The learning rate in force now, before any schedule."""
        return self._loop.problem.learning_rate

    @property
    def engine(self) -> str:
        """The engine at work now, with its way."""
        return self._loop.engine

    @property
    def layout(self) -> Layout:
        """The slices of theta."""
        return self._loop.problem.layout

    @property
    def batch_size(self) -> int | None:
        """Rows to an update, or None where it sees all of them."""
        problem = self._loop.problem
        return None if problem.full_batch else problem.batch_size

    @property
    def updates_per_epoch(self) -> int:
        """Updates to an epoch."""
        return self._loop.setup.batches_per_epoch

    @property
    def history(self) -> History:
        """What is recorded so far: a view, which grows with the training."""
        return History(self._loop.updates, self._loop.epochs)

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """What was changed so far, and noted."""
        return tuple(self._loop.events)

    def run(self) -> Run:
        """Return the run as it stands, a record that the training no longer changes.

        Its epochs are those done so far, so that it can be saved, and resumed for more.
        """
        return self._run_of(self._copied(), self.stopped or "led")

    def later(self) -> Callable[[], Run]:
        """Return a function that makes the run as it stands now.

        It looks at all rows to know the loss, which takes a while where there are many; another
        thread may call it, while this training goes on.
        """
        copied, reason = self._copied(), self.stopped or "led"

        def make() -> Run:
            copied.program = engine_for(copied.engine, copied.problem)[1]  # a thread's own
            return self._run_of(copied, reason)

        return make

    def _copied(self) -> Loop:
        """Return the loop as it stands, its records its own."""
        loop = self._loop
        setup = loop.setup.with_epochs(max(math.ceil(self.step / self.updates_per_epoch), 1))
        return replace(
            loop,
            setup=setup,
            controller=loop.controller.copy(),
            updates=loop.updates.copy(),
            epochs=loop.epochs.copy(),
            keyframes=loop.keyframes.copy(),
            events=list(loop.events),
        )

    def _run_of(self, loop: Loop, reason: Reason) -> Run:
        """Return the run of a copy, with what only the run it was taken up from knew."""
        run, known = ended(loop, reason), self._origin
        if known is None:
            return run
        return replace(
            run,
            encoder=known.encoder,
            source=known.source,
            names=known.names,
            classes=known.classes,
        )

    def at(self, step: int) -> State:
        """Return the exact state after `step` updates, and after that step's edits."""
        loop = self._loop
        outcome = Outcome("led", "", self.step, math.nan)
        return recorded(loop, loop.state.theta, outcome).at(step).state

    # ------------------------------------------------------------ on

    def advance(self, updates: int) -> Reason | None:
        """Do so many updates, unless something stops it before; return what did, or None.

        Raises
        ------
        InputError
            If it has diverged and nothing was changed since.
        """
        count = whole("advance", "updates", updates)
        if self.stopped == "diverged":
            msg = (
                f"This training diverged at update {self.step}, and nothing was changed since; "
                "lower the learning rate, or edit its parameters, before it goes on."
            )
            raise InputError(msg)
        self.stopped = self._loop.go(self.step + count)
        return self.stopped

    # ------------------------------------------------------------ changes

    def change(
        self,
        *,
        learning_rate: float | str = SAME,
        optimizer: Optimizer = SAME,
        penalty: Penalty | str | None = SAME,
    ) -> None:
        """Go on with another learning rate, another number of the same rule, or another penalty.

        The history goes on and the optimizer keeps its memory; whether it diverges is judged anew.

        Parameters
        ----------
        learning_rate
            Positive, or ``"auto"``, which is resolved at once.
        optimizer
            Of the same rule, with the same schedule and clipping; its learning rate counts too,
            unless it is ``"auto"``.
        penalty
            As for `Task`.

        Raises
        ------
        InputError
            If a number is outside its range, or the change belongs to another run.
        """
        loop, was = self._loop, self._force()
        problem = changed(self._loop.problem, learning_rate, optimizer, penalty)
        now = Force(problem.task, problem.learning_rate, was.engine)
        if now.facts() == was.facts():
            return
        loop.engine, loop.program = engine_for(was.engine, problem)
        loop.problem = problem
        loop.setup = replace(loop.setup, learning_rate=problem.learning_rate)
        record_change(loop.events, self.step, was, now)
        self._judge_anew()

    def _force(self) -> Force:
        problem = self._loop.problem
        return Force(problem.task, problem.learning_rate, self._loop.engine)

    def edit(self, at: Any, to: Any = None) -> None:
        """Set parameters by hand: ``edit(theta)`` all of them, ``edit(index, value)`` one or some.

        Raises
        ------
        InputError
            If there is no such parameter, or a number is not finite.
        """
        state, size = self._loop.state, self._loop.problem.layout.size
        at, to = (np.arange(size), at) if to is None else (at, to)
        theta = state.theta.copy()
        places = places_of(at, size)
        theta[places] = numbers_of(to, len(places), theta.dtype)
        differ = np.flatnonzero(theta != state.theta)
        if not len(differ):
            return
        self._loop.state = State(theta, state.slots, state.step)
        self._loop.keyframes.correct(self._loop.state)
        to = {int(i): float(theta[i]) for i in differ}
        record_edit(self._loop.events, self.step, to)
        self._judge_anew()

    def use(self, engine: str, device: str | None = None) -> None:
        """Go on with another engine from here; see `ready`."""
        loop = self._loop
        name, program = engine_for(engine, loop.problem, device)
        if name == loop.engine:
            return
        record_engine(loop.events, self.step, loop.engine, name)
        loop.engine, loop.program = name, program

    def ready(self, engine: str, device: str | None = None, **changes: Any) -> str:
        """Compile an engine for this training and return its name; nothing changes.

        Another thread may call it while this one is led.  With `changes`, as `change` takes them:
        for the training as they would have it; a first penalty needs other machine code.
        """
        state, scale = self._loop.state, self._loop.controller.scale
        name, program = engine_for(engine, changed(self._loop.problem, **changes), device)
        program.advance(state, 1, scale, 1)
        program.value(state.theta)
        return name

    def note(self, kind: str, **facts: Any) -> None:
        """Note something among the events: plain data, under one of the kinds of the lab.

        Of one kind, at one step, the last note is kept.
        """
        choice("note", "kind", kind, NOTES)
        if not is_plain(facts):
            msg = (
                "A note holds plain data: text, finite floats, whole numbers, yes or no, and lists "
                f"and dictionaries of them; found {facts!r:.80}."
            )
            raise InputError(msg)
        record_note(self._loop.events, kind, self.step, facts)

    def _judge_anew(self) -> None:
        controller = self._loop.controller
        controller.diverged_at = controller.suspicion = controller.ceiling = None
        self.stopped = None
