"""The loop: advance, record, decide, until nothing is left to do.

An engine advances many updates at a time and the loop looks at what it did afterwards. When a
decision falls in the middle, the stretch is run again up to it: updates are functions of the
state, so that is exact. Where stretches are cut therefore changes nothing, neither parameters nor
history.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import losses, metrics
from descend.engines import scores_of
from descend.training import stopping
from descend.training.callbacks import Now, listeners
from descend.training.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import State
    from descend.engines import Advance, Problem, Program, Trace
    from descend.errors import Reason
    from descend.run import Controller, Data, Keyframes, Run, Series, Setup
    from descend.training.progress import Bar

_SHORT, _LONG = 0.05, 0.2  # seconds a stretch should take, so that Ctrl-C and the bar respond
_FIRST_STRETCH = 32


@final
@dataclass
class Loop:
    """A training under way.

    Attributes
    ----------
    setup, problem, program, engine, data
        What was asked, made ready, the engine at work on it, and its name with its way.
    state, controller
        Where it stands.
    updates, epochs, keyframes, events
        What it has recorded; `keyframes` and `updates` stay empty where nothing is recorded.
    callbacks, bar
        Who is watching.
    so_far
        Makes a run of what there is, for callbacks that ask for it.
    figures
        What was recorded of the last update, and of the last epoch, by name.
    """

    setup: Setup
    problem: Problem
    program: Program
    engine: str
    data: Data
    state: State
    controller: Controller
    updates: Series
    epochs: Series
    keyframes: Keyframes
    events: list[dict[str, Any]]
    callbacks: tuple[Any, ...]
    bar: Bar
    stretch: int = _FIRST_STRETCH
    validation_loss: float | None = None
    last_loss: float | None = None
    batch_masses: tuple[int, Any] = (-1, None)
    so_far: Callable[[], Run] | None = None
    figures: dict[str, float] = field(default_factory=dict)
    interrupts: Interrupts = field(default_factory=Interrupts)

    def __post_init__(self) -> None:
        """Go one update at a time at first where an update is a search.

        It takes a while, and what would follow the last one would be for nothing.
        """
        if self.problem.task.optimizer.rule.searches:
            self.stretch = 1

    def run(self) -> Reason:
        """Train until something stops it; return what did."""
        with Interrupts() as self.interrupts:
            try:
                if self._ask("start"):
                    return "callback"
                return self.go(self.setup.updates) or "epochs"
            except KeyboardInterrupt:  # only ever from within an engine, which changes nothing
                return "interrupted"
            finally:
                self.bar.close()

    def go(self, until: int) -> Reason | None:
        """Train up to an update, unless something stops it before; return what did."""
        while True:
            if self.interrupts.asked:
                return "interrupted"
            if self.state.step >= until:
                return None
            stopped = self._advance(self._next_cut(until) - self.state.step)
            self.bar.show(self.state.step, self.last_loss)
            if stopped is None and self._ask("stretch"):
                stopped = "callback"
            if stopped is not None:
                return stopped

    def _ask(self, moment: str) -> bool:
        """Call every callback of a moment; tell whether one asks to stop."""
        stop = False
        for callback in listeners(self.callbacks, moment):
            try:
                stop = callback(self._now()) is True or stop
            except KeyboardInterrupt:
                self.interrupts.asked = True
        return stop

    # ------------------------------------------------------------ how far to go at once

    def _next_cut(self, until: int) -> int:
        step = self.state.step
        # Where no end is planned, keyframes begin close together, and a stretch keeps as many.
        cuts = [step + self.stretch, until, step + self.keyframes.stride * self.keyframes.limit]
        if self._watches_epochs():
            m = self.setup.batches_per_epoch
            cuts.append((step // m + 1) * m)
        if listeners(self.callbacks, "step"):
            cuts.append(step + 1)
        return min(cuts)

    def _watches_epochs(self) -> bool:
        s = self.setup
        return (
            self.data.validation is not None
            or s.loss_tolerance is not None
            or not s.full_batch
            or self._plateau() is not None
            or bool(listeners(self.callbacks, "epoch"))
        )

    def _plateau(self) -> Any:
        schedule = self.problem.task.optimizer.schedule
        waits = schedule is not None and schedule.name == "reduce_on_plateau"
        return schedule if waits else None

    # ------------------------------------------------------------ one stretch

    def _advance(self, updates: int) -> Reason | None:
        if self._has_arrived():
            return "gradient"
        started = time.monotonic()
        every = self.keyframes.stride if self.setup.record else 0
        with self.interrupts.allowed():
            advance = self.program.advance(self.state, updates, self.controller.scale, every)
        self._adapt(updates, time.monotonic() - started)
        stop = self._first_stop(advance.trace)
        if stop is not None:
            done, reason = stop
            if done < updates:
                after = self.program.advance(self.state, done, self.controller.scale).state
                advance = advance._replace(state=after)
            self._take(advance, done)
            return reason
        self._take(advance, updates)
        stop_asked = self._ask("step")
        # An epoch that ends here is closed all the same: resuming must find it as it would be.
        return self._end_of_epoch() or ("callback" if stop_asked else None)

    def _has_arrived(self) -> bool:
        """Tell whether a search ends here, before it takes the dear look around it."""
        first, tolerance = self.controller.first_gradient, self.setup.gradient_tolerance
        searches = self.problem.task.optimizer.rule.searches
        if not searches or first is None or tolerance is None:
            return False
        gradient = self.program.value_and_gradient(self.state.theta)[1].astype(np.float64)
        return float(np.linalg.norm(gradient)) <= tolerance * first

    def _adapt(self, updates: int, seconds: float) -> None:
        if updates == self.stretch and seconds < _SHORT:
            self.stretch *= 8 if seconds < _SHORT / 10 else 2
        elif seconds > _LONG:
            self.stretch = max(self.stretch // 2, 1)

    def _first_stop(self, trace: Trace) -> tuple[int, Reason] | None:
        """Return after how many updates of the trace the run stops, and why, or None."""
        diverged = self._divergence(trace)
        tolerance = self.setup.gradient_tolerance
        small = None
        if tolerance is not None and self.setup.full_batch:
            small = stopping.small_gradient(self.controller, self.program, trace, tolerance)
        stalled = None
        if self.problem.task.optimizer.rule.searches:
            stalled = stopping.stalled(trace)
        stops = self.setup.on_divergence == "stop"
        found: list[tuple[int | None, Reason]] = [
            (diverged if stops else None, "diverged"),
            (small, "gradient"),
            (stalled, "stalled"),
        ]
        known = [(at, reason) for at, reason in found if at is not None]
        return min(known, key=lambda stop: stop[0]) if known else None  # of equals, the first

    def _divergence(self, trace: Trace) -> int | None:
        """Return the first update of the trace at which the run had diverged, or None."""
        controller, begun = self.controller, 0
        while controller.diverged_at is None and begun < len(trace):
            found = stopping.suspect(controller, trace.loss[begun:])
            if found is None:
                return None
            at = begun + found
            theta = self.program.advance(self.state, at, controller.scale).state.theta
            loss = float(trace.loss[at])
            if stopping.has_diverged(controller, self.problem, self.program, theta, loss):
                controller.diverged_at = self.state.step + at
                return at
            begun = at + 1
        return None

    def _take(self, advance: Advance, done: int) -> None:
        """Accept the first `done` updates of what the engine did; it was brought to their end."""
        if done == 0:
            return
        trace = advance.trace
        if self.setup.record:
            self.updates.extend(trace.figures[:done], self.setup.updates)
        if not self.setup.full_batch:
            self._add_to_epoch(trace, done)
        self.last_loss = float(trace.loss[done - 1])
        self.figures |= zip(self.updates.names, trace.figures[done - 1].tolist(), strict=True)
        self.state = advance.state
        self.keyframes.extend(advance.kept, self.state.step)

    def _add_to_epoch(self, trace: Trace, done: int) -> None:
        c, m = self.controller, self.setup.batches_per_epoch
        first = self.state.step % m
        masses = self._masses(self.state.step // m)[first : first + done]
        parts = trace.loss[:done] * (1.0 if self.problem.task.reduction == "sum" else masses)
        c.epoch_loss = _added(c.epoch_loss, parts)
        c.epoch_mass = _added(c.epoch_mass, masses)

    def _masses(self, epoch: int) -> Any:
        """Return what each batch of an epoch weighs: its rows, or the sum of their weights."""
        if self.batch_masses[0] != epoch:
            n, size = self.setup.n, self.setup.batch_size or self.setup.n
            weights = self.problem.weights
            if weights is None:
                masses = np.full(self.setup.batches_per_epoch, float(min(size, n)))
                masses[-1] = n - (len(masses) - 1) * min(size, n)
            else:
                order = self.problem.order(epoch)
                weighing = weights.astype(float) if order is None else weights[order].astype(float)
                masses = np.add.reduceat(weighing, np.arange(0, n, size))
            self.batch_masses = (epoch, masses)
        return self.batch_masses[1]

    # ------------------------------------------------------------ the end of an epoch

    def _end_of_epoch(self) -> Reason | None:
        s, c = self.setup, self.controller
        if not self._watches_epochs() or self.state.step % s.batches_per_epoch:
            return None
        train_loss = self._epoch_loss()
        row = [train_loss, *self._validate()]
        self.figures |= zip(self.epochs.names, row, strict=False)
        if self.epochs.names and s.record:
            self.epochs.extend(np.array([row[: len(self.epochs.names)]]), s.epochs)
        c.epoch_loss, c.epoch_mass = 0.0, 0.0
        stop = self._after_epoch(train_loss)
        asked = self._ask("epoch")
        return "callback" if stop is None and asked else stop

    def _after_epoch(self, train_loss: float) -> Reason | None:
        s, c = self.setup, self.controller
        watched = train_loss if self.validation_loss is None else self.validation_loss
        schedule = self._plateau()
        if schedule is not None and stopping.plateau(c, watched, schedule):
            self.events.append({"kind": "scale", "step": self.state.step, "value": c.scale})
        if (
            s.patience is not None
            and self.validation_loss is not None
            and stopping.out_of_patience(
                c, self.validation_loss, self.state.step, self.state.theta, s.patience
            )
        ):
            return "validation"
        if s.gradient_tolerance is not None and not s.full_batch and self._gradient_is_small():
            return "gradient"
        tolerance = s.loss_tolerance
        if tolerance is not None and stopping.settled(c, train_loss, tolerance):
            return "settled"
        return None

    def _gradient_is_small(self) -> bool:
        """Look at the whole gradient once an epoch: a batch's own says little."""
        c = self.controller
        if c.first_gradient is None:
            begun = self.program.value_and_gradient(self.problem.start().theta)[1]
            length = float(np.linalg.norm(begun))
            tolerance = self.setup.gradient_tolerance or 0.0
            c.first_gradient = stopping.first_length(self.program, length, tolerance)
        here = float(np.linalg.norm(self.program.value_and_gradient(self.state.theta)[1]))
        return here <= (self.setup.gradient_tolerance or 0.0) * c.first_gradient

    def _epoch_loss(self) -> float:
        c = self.controller
        if self.setup.full_batch:
            return math.nan if self.last_loss is None else self.last_loss
        return c.epoch_loss / (1 if self.problem.task.reduction == "sum" else c.epoch_mass or 1.0)

    def _validate(self) -> list[float]:
        held = self.data.validation
        if held is None:
            return []
        _, y, weights = held
        X, scaling = self.data.seen_validation
        task = self.problem.task
        scores = scores_of(task, self.problem.layout, self.state.theta, X, scaling=scaling)
        with np.errstate(all="ignore"):
            self.validation_loss = losses.reduce(losses.rows(task.loss, scores, y), weights, "mean")
            measured = [self._measure(name, scores, y, weights) for name in self.setup.metrics]
        return [self.validation_loss, *measured]

    def _measure(self, name: str, scores: Any, y: Any, weights: Any) -> float:
        loss = self.problem.task.loss
        if name == "accuracy":
            labels = loss.targets == "labels"
            found = scores.argmax(axis=1) if labels else (scores > 0).astype(y.dtype)
            return metrics.accuracy(found, y, weights)
        function: Any = getattr(metrics, name)
        return float(function(losses.predicted(loss, scores), y, weights))

    def _now(self) -> Now:
        return Now(
            self.state.step,
            self.state.step // self.setup.batches_per_epoch,
            self.setup.updates,
            self.last_loss,
            self.validation_loss,
            self.state.theta.copy(),
            self.state.slots.copy(),
            self.problem.layout,
            self.so_far,
            dict(self.figures),
        )


def _added(total: float, parts: Any) -> float:
    """Add numbers left to right, one after another: the same bits however they were cut."""
    sums = parts.copy()
    sums[0] += total
    return float(np.add.accumulate(sums, out=sums)[-1])
