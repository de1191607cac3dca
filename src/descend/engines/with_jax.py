"""The JAX engine: the formulas of every engine, differentiated and compiled by JAX.

Many updates run in one compiled loop, whose number of turns is an argument: one compilation serves
all (`descend.engines.traces`).  A batch at an epoch's end that is smaller than the others has a
branch of its own, so that nothing is padded.  Orders of rows come from the same keyed permutation,
computed on the device.

Double precision is switched on around every call here and left as it was found.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import randomness
from descend.arrays import Array, Floats, State, States
from descend.custom.libraries import imported, in_double, jax_key
from descend.engines import autodiff
from descend.engines.autodiff import Penalised
from descend.engines.checking import ONCE, check_custom, dense, spoken
from descend.engines.problem import Advance, Problem, Trace
from descend.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The bytes of states a loop may keep; the rows of orders held ready.
KEPT, ORDERED = 1 << 25, 1 << 22


def device_called(asked: str) -> str:
    """Return the name of the device asked for, or the one JAX prefers."""
    jax = imported("jax")
    kind, _, number = asked.partition(":")
    try:
        chosen = jax.devices(kind or None)[int(number or 0)]
    except (RuntimeError, IndexError) as error:
        there = sorted({d.platform for d in jax.devices()} | {"cpu"})
        msg = f"The device {asked!r} is not there for the engine jax; there are {', '.join(there)}."
        raise ParameterError(msg) from error
    return f"{chosen.platform}:{number}" if number else str(chosen.platform)


@final
class WithJax:
    """JAX at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, device: str) -> None:
        dense(problem, "jax")
        from descend.engines import traces  # noqa: PLC0415 - loads JAX

        self.problem = problem
        self._turns, self._library = traces.TURNS, traces.LIBRARY
        with in_double() as jax:
            kind, _, number = device.partition(":")
            self._device = jax.devices(kind)[int(number or 0)]
            rows = self._put(problem.X), self._put(problem.y), self._put(problem.weights)
            key = jax_key(problem.seed)
            self._held = traces.Held(
                rows,
                Penalised.of(problem, self._put),
                jax.random.fold_in(key, randomness.PURPOSES["model"]),
            )
            self._traced = traces.traced_for(problem)
        self._orders: tuple[int, Any] = (0, None)
        check_custom(self)

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        trace, kept = Trace(np.empty((updates, 4))), _Kept(state, every)
        rates = self.problem.rates(state.step, updates, scale)
        with in_double(), spoken(self.problem, "jax"):
            theta, slots = self._put(state.theta), self._put(state.slots)
            for part in self._loops(state.step, updates, every):
                first = state.step + part.start
                theta, slots, figures, states = self._run(theta, slots, first, rates[part], every)
                trace.figures[part] = figures
                kept.extend(states, theta, slots, state.step + part.stop)
            state = State(_taken(theta), _taken(slots), state.step + updates)
        return Advance(state, trace, kept.states())

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows."""
        problem, rows, draw = self.problem, None, None
        with in_double() as jax, spoken(problem, "jax"):
            if update is not None:
                order = problem.order(update // problem.batches_per_epoch)
                rows = self._put(np.arange(problem.n)[problem.batch(update, order)])
                draw = jax.random.fold_in(self._held.key, update)
            value, gradient = self._traced.look(self._put(theta), self._held, rows, draw)
            return float(value), _taken(gradient)

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        with in_double(), spoken(self.problem, "jax"):
            return float(self._traced.value(self._put(theta), self._held))

    def once(self, theta: Floats) -> tuple[Array, ...]:
        """Return what one pass in training makes of the first rows, not compiled."""
        held, sentence = self._held, self._traced.sentence
        with in_double(), spoken(self.problem, "jax"):
            rows = tuple(None if part is None else part[:ONCE] for part in held.rows)
            found = autodiff.passed(sentence, self._library, self._put(theta), rows, held.key)
            return tuple(_taken(part) for part in found if part is not None)

    # ------------------------------------------------------------ around the loop

    def _loops(self, first: int, updates: int, every: int) -> Iterator[slice]:
        """Cut some updates into what one loop may run."""
        done = 0
        while done < updates:
            count, at = min(updates - done, self._turns), first + done
            if every and not self._near(every):
                count = min(count, every - at % every)
            if self._shuffled:
                begun, _ = self._orders_from(at)
                last = (begun + self._epochs) * self.problem.batches_per_epoch
                count = min(count, last - at)
            yield slice(done, done + count)
            done += count

    def _run(self, theta: Any, slots: Any, first: int, rates: Floats, every: int) -> Any:
        """Run some updates; return theta, slots, their figures, and the states kept or None."""
        count, near = len(rates), self._near(every)
        padded = np.zeros(self._turns)
        padded[:count] = rates
        epoch, orders = self._orders_from(first)
        theta, slots, figures, kept = self._traced.chunk(
            theta,
            slots,
            self._held,
            first,
            count,
            padded,
            orders,
            epoch,
            every,
            room=self._turns if near else 0,
        )
        states = None
        if near:
            states = np.asarray(kept)[: (first + count) // every - first // every].copy()
        return theta, slots, np.asarray(figures)[:count], states

    def _near(self, every: int) -> bool:
        """Tell whether a loop keeps states; otherwise it is cut where one is to be kept."""
        problem = self.problem
        numbers = problem.layout.size * (1 + len(problem.task.optimizer.rule.slots))
        room = self._turns * numbers * problem.X.dtype.itemsize
        return 0 < every < self._turns and room <= KEPT

    @property
    def _shuffled(self) -> bool:
        return self.problem.shuffle and not self.problem.full_batch

    @cached_property
    def _epochs(self) -> int:
        """How many epochs' orders are held ready."""
        wanted = self._turns // self.problem.batches_per_epoch + 1
        return max(1, min(wanted, ORDERED // self.problem.n))

    def _orders_from(self, first: int) -> tuple[int, Any]:
        """Return orders that hold an update's, and their first epoch."""
        if not self._shuffled:
            return 0, None
        epoch = first // self.problem.batches_per_epoch
        begun, held = self._orders
        if held is None or not begun <= epoch < begun + self._epochs:
            keys = randomness.keys_of_epochs(self.problem.seed, "batches", epoch, self._epochs)
            self._orders = (epoch, self._traced.orders(self._put(keys)))
        return self._orders

    def _put(self, part: Any) -> Any:
        return None if part is None else imported("jax").device_put(part, self._device)


@final
class _Kept:
    """States at multiples of `every`, gathered from loop after loop."""

    def __init__(self, state: State, every: int) -> None:
        self._every = every
        self._first = 0 if not every else (state.step // every + 1) * every
        self._pieces: list[Array] = []

    def extend(self, states: Any, theta: Any, slots: Any, step: int) -> None:
        """Add what a loop kept, or where it ended if that is a multiple."""
        if states is not None:
            self._pieces.append(states)
        elif self._every and step % self._every == 0:
            self._pieces.append(np.concatenate([_taken(theta)[None], _taken(slots)])[None])

    def states(self) -> Any:
        """Return them all."""
        if not self._pieces:
            return []
        return States(self._first, self._every, np.concatenate(self._pieces))


def _taken(array: Any) -> Any:
    return np.array(array)
