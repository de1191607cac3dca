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

from descend import optimizers
from descend.arrays import State
from descend.curvature import automatic_rate
from descend.engines import engine_for
from descend.errors import InputError, Outcome
from descend.parts import choice, whole
from descend.run.event_checks import is_plain
from descend.run.events import (
    NOTES,
    Force,
    record_change,
    record_edit,
    record_engine,
    record_note,
)
from descend.training.ending import apart, ended, recorded
from descend.training.making import check_keyframes, made_loop, taken_up

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem
    from descend.errors import Reason
    from descend.optimizers import Optimizer
    from descend.penalties import Penalty
    from descend.run import Run
    from descend.task import Task
    from descend.training.loop import Loop

# MiB that the record of a training without a planned end may take.
RECORD = 8.0
_SAME: Any = object()  # what stays as it is, where None has a meaning of its own


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
    'Led by hand for 30 updates; loss 0.188944.'
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
    """A training under way, led by hand; made by `begin`.

    One thread at a time may lead it; `run` gives others a copy, and `ready` may be called by
    another.

    Attributes
    ----------
    stopped
        Why the last `advance` could not go on, or None.
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
    def updates_per_epoch(self) -> int:
        """Updates to an epoch."""
        return self._loop.setup.batches_per_epoch

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """What was changed so far, and noted."""
        return tuple(self._loop.events)

    def run(self) -> Run:
        """Return the run as it stands, a record that the training no longer changes.

        Its epochs are those done so far, so that it can be saved, and resumed for more.
        """
        loop, m = self._loop, self.updates_per_epoch
        setup = loop.setup.with_epochs(max(math.ceil(self.step / m), 1))
        # Judging the last update belongs to this copy alone: the training has not ended.
        copy = replace(loop, setup=setup, controller=loop.controller.copy())
        run = self._marked(apart(ended(copy, self.stopped or "callback")))
        if run.outcome.reason != "callback":
            return run
        updates = f"{self.step} update{'' if self.step == 1 else 's'}"
        sentence = f"Led by hand for {updates}; loss {run.outcome.loss:.6g}."
        return replace(run, outcome=replace(run.outcome, sentence=sentence))

    def at(self, step: int) -> State:
        """Return the exact state after `step` updates, and after that step's edits."""
        loop = self._loop
        outcome = Outcome("callback", "", self.step, math.nan)
        return recorded(loop, loop.state.theta, outcome).at(step).state

    def _marked(self, run: Run) -> Run:
        """Return the run with what only the run knew that this training took up."""
        known = self._origin
        if known is None:
            return run
        return replace(
            run,
            encoder=known.encoder,
            source=known.source,
            names=known.names,
            classes=known.classes,
        )

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
        learning_rate: float | str = _SAME,
        optimizer: Optimizer = _SAME,
        penalty: Penalty | str | None = _SAME,
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
        loop = self._loop
        was = Force(loop.problem.task, loop.problem.learning_rate, loop.engine)
        found, asked = _of_same_rule(was.task.optimizer, optimizer, learning_rate)
        given: Any = was.task.penalty if penalty is _SAME else penalty
        task = replace(was.task, optimizer=found, penalty=given)
        rate = was.learning_rate
        if asked and not found.rule.searches:
            rate = _resolved(replace(loop.problem, task=task))
            task = replace(task, optimizer=replace(found, learning_rate=rate))
        now = Force(task, rate, was.engine)
        if now.facts() == was.facts():
            return
        problem = replace(loop.problem, task=task, learning_rate=rate)
        loop.engine, loop.program = engine_for(was.engine, problem)
        loop.problem, loop.setup = problem, replace(loop.setup, learning_rate=rate)
        record_change(loop.events, self.step, was, now)
        self._judge_anew()

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
        places = _places(at, size)
        theta[places] = _numbers(to, len(places), theta.dtype)
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

    def ready(self, engine: str, device: str | None = None) -> str:
        """Compile an engine for this training and return its name; nothing changes.

        Another thread may call it while this one is led.
        """
        problem, state, scale = self._loop.problem, self._loop.state, self._loop.controller.scale
        name, program = engine_for(engine, problem, device)
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


# ---------------------------------------------------------------- what was asked


def _of_same_rule(now: Optimizer, wanted: Any, learning_rate: Any) -> tuple[Optimizer, bool]:
    """Return the optimizer with other numbers, checked; and whether a rate was asked for."""
    if wanted is _SAME:
        wanted = now
    elif not isinstance(wanted, optimizers.Optimizer) or type(wanted.rule) is not type(now.rule):
        found = wanted.name if isinstance(wanted, optimizers.Optimizer) else repr(wanted)
        msg = (
            f"This training goes by {now.name}, and another rule has another memory: {found} needs "
            f"a run of its own; give {now.name}(…) with other numbers."
        )
        raise InputError(msg)
    for name in ("schedule", "clip_value", "clip_norm"):
        if getattr(wanted, name) != getattr(now, name):
            msg = (
                f"A training under way keeps its {name}, {getattr(now, name)!r}; found "
                f"{getattr(wanted, name)!r}. Begin another run for that."
            )
            raise InputError(msg)
    if learning_rate is _SAME:
        kept = wanted is now or wanted.learning_rate == "auto"
        learning_rate = None if kept else wanted.learning_rate
    asked = learning_rate is not None
    record = optimizers.describe(wanted)
    record["learning_rate"] = learning_rate if asked else now.learning_rate
    return optimizers.restore(record), asked


def _resolved(problem: Problem) -> float:
    rate = problem.task.optimizer.learning_rate
    return automatic_rate(problem) if isinstance(rate, str) else rate


def _places(at: Any, size: int) -> Any:
    found = np.atleast_1d(np.asarray(at))
    usable = found.ndim == 1 and found.dtype.kind in "iu" and len(set(found.tolist())) == len(found)
    if not usable or not ((found >= 0) & (found < size)).all():
        msg = f"Parameters are numbered from 0 to {size - 1}, and there is none {at!r}; name those."
        raise InputError(msg)
    return found


def _numbers(to: Any, count: int, dtype: Any) -> Floats:
    try:
        with np.errstate(over="ignore"):  # what is too large for the dtype is not finite there
            found = np.atleast_1d(np.asarray(to, dtype=np.float64)).astype(dtype)
    except (TypeError, ValueError):
        found = np.full(count, np.nan)
    if found.shape != (count,) or not np.isfinite(found).all():
        msg = (
            f"Setting {count} parameter{'' if count == 1 else 's'} by hand takes as many finite "
            f"numbers; found {to!r:.80}."
        )
        raise InputError(msg)
    return found
