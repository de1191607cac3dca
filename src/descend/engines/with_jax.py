"""The JAX engine: the formulas of every engine, differentiated and compiled by JAX.

Many updates run in one compiled loop, `chunk`, whose number of turns is an argument: one
compilation serves all.  A batch of an epoch's end that is smaller than the others has a branch of
its own, so that nothing is padded.  Orders of rows are computed by the same keyed permutation, on
the device (`orders`).

Double precision is switched on around every call here and left as it was found.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import randomness
from descend.arrays import Array, Floats, State, States
from descend.custom.libraries import imported, in_double
from descend.engines import autodiff
from descend.engines.autodiff import Library, Penalised
from descend.engines.checking import ONCE, check_custom, dense, spoken
from descend.engines.problem import Advance, Problem, Trace
from descend.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

# Turns of one compiled loop; the bytes of states it may keep; the rows of orders held ready.
TURNS, KEPT, ORDERED = 1024, 1 << 25, 1 << 22
# States further apart than this are kept by cutting the loop.
_NEAR = 16


def device_called(asked: str) -> str:
    """Return the name of the device asked for, or the one JAX prefers."""
    jax = imported("jax")
    kind, _, number = asked.partition(":")
    try:
        found = jax.devices(kind or None)
        chosen = found[int(number or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        there = sorted({f"{d.platform}" for d in jax.devices()} | {"cpu"})
        msg = (
            f"The device {asked!r} is not there for the engine jax; there are {', '.join(there)}."
        )
        raise ParameterError(msg) from error
    return f"{chosen.platform}:{number}" if number else str(chosen.platform)


@final
class WithJax:
    """JAX at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, device: str) -> None:
        dense(problem, "jax")
        self.problem = problem
        with in_double() as jax:
            kind, _, number = device.partition(":")
            self._device = jax.devices(kind)[int(number or 0)]
            self._library = Library(jax.numpy, _cast)
            self._rows = tuple(self._put(part) for part in (problem.X, problem.y, problem.weights))
            self._penalised = Penalised.of(problem, self._put)
            key = problem.seed % 2**63
            self._key = jax.random.fold_in(jax.random.key(key), randomness.PURPOSES["model"])
            self._orders: tuple[int, Any] = (0, None)
            # Traces of one's own functions must not outlive this program.
            self._chunk = jax.jit(self._traced_chunk, static_argnames=("slots_kept",))
            self._seen = jax.jit(self._traced_look)
            self._value = jax.jit(lambda theta, rows: self._objective(theta, rows, None)[1])
        check_custom(self)

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        trace, kept = Trace(np.empty((updates, 4))), _Kept(state, every)
        rates = self.problem.rates(state.step, updates, scale)
        with in_double(), spoken(self.problem, "jax"):
            theta, slots = self._put(state.theta), self._put(state.slots)
            done = 0
            while done < updates:
                count = self._turns(state.step + done, updates - done, every)
                first, step = state.step + done, slice(done, done + count)
                theta, slots, figures, states = self._run(theta, slots, first, rates[step], every)
                trace.figures[step] = figures
                kept.extend(states, theta, slots, first, count)
                done += count
            state = State(_taken(theta), _taken(slots), state.step + updates)
        return Advance(state, trace, kept.states())

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows."""
        problem = self.problem
        with in_double() as jax, spoken(problem, "jax"):
            if update is None:
                value, gradient = self._seen(self._put(theta), self._rows, None, None)
            else:
                rows = problem.batch(update, problem.order(update // problem.batches_per_epoch))
                rows = np.arange(problem.n)[rows]
                key = jax.random.fold_in(self._key, update)
                value, gradient = self._seen(self._put(theta), self._rows, self._put(rows), key)
            return float(value), _taken(gradient)

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        with in_double(), spoken(self.problem, "jax"):
            return float(self._value(self._put(theta), self._rows))

    def once(self, theta: Floats) -> tuple[Array, ...]:
        """Return what one pass in training makes of the first rows, not compiled."""
        with in_double(), spoken(self.problem, "jax"):
            X = self._rows[0][:ONCE]
            found = autodiff.scored(
                self.problem, self._put(theta), X, self._key, self._library.xp
            )
            return tuple(_taken(part) for part in found if part is not None)

    # ------------------------------------------------------------ what is traced

    def _objective(self, theta: Any, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        """Return the objective over some rows, without the absolute penalty and with it.

        And theta with a module's buffers as they are now, or None.
        """
        problem, (X, y, weights) = self.problem, rows
        found = autodiff.scored(problem, theta, X, draw, self._library.xp)
        divisor = 1.0
        if problem.task.reduction == "mean":
            divisor = float(X.shape[0]) if weights is None else _mass(self._library, weights)
        value = autodiff.reduced(problem, self._library, found.scores, y, weights, divisor)
        value = value + autodiff.squared(self._library, self._penalised, theta)
        whole = value + autodiff.absolute(self._library, self._penalised, theta)
        return value, whole, found.theta

    def _differentiated(self, theta: Any, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        """Return the objective, its gradient without |w|, and what the buffers are now."""
        jax, trained = imported("jax"), self._penalised.trained

        def smooth(theta: Any) -> tuple[Any, Any]:
            value, *rest = self._objective(theta, rows, draw)
            return value, rest

        (_, (value, buffers)), gradient = jax.value_and_grad(smooth, has_aux=True)(theta)
        return value, gradient if trained is None else gradient * trained, buffers

    def _traced_look(self, theta: Any, rows: Any, chosen: Any, draw: Any) -> Any:
        if chosen is not None:
            rows = tuple(None if part is None else part[chosen] for part in rows)
        return self._differentiated(theta, rows, draw)[:2]

    def _update(self, carried: Any, update: Any, rows: Any, rate: Any) -> Any:
        """Return theta, slots and figures after one update on some rows."""
        jax, (theta, slots) = imported("jax"), carried
        draw = jax.random.fold_in(self._key, update)
        value, gradient, buffers = self._differentiated(theta, rows, draw)
        theta, slots, steep, far = autodiff.moved(
            self.problem.task.optimizer,
            self._library,
            self._penalised,
            theta,
            slots,
            gradient,
            rate,
            jax.numpy.asarray(update + 1, dtype=jax.numpy.float64),
        )
        if buffers is not None:
            theta = jax.numpy.where(self._penalised.trained > 0, theta, buffers)
        return theta, slots, jax.numpy.stack([value, steep, far, rate])

    def _traced_chunk(  # noqa: PLR0913, PLR0917 - a loop's arguments
        self,
        theta: Any,
        slots: Any,
        first: Any,
        count: Any,
        rates: Any,
        orders: Any,
        epoch: Any,
        rows: Any,
        every: Any,
        slots_kept: int,
    ) -> Any:
        """Run `count` updates; `orders` begins at `epoch`, or is None where rows keep theirs."""
        jax = imported("jax")
        problem, jnp = self.problem, jax.numpy
        size = problem.n if problem.full_batch else problem.batch_size or problem.n
        batches = problem.batches_per_epoch
        tail = problem.n - (batches - 1) * size

        def some(update: Any, length: int) -> Any:
            begin = (update % batches) * size
            if orders is None:
                cut = partial(jax.lax.dynamic_slice_in_dim, start_index=begin, slice_size=length)
                return tuple(None if part is None else cut(part) for part in rows)
            order = orders[update // batches - epoch]
            chosen = jax.lax.dynamic_slice_in_dim(order, begin, length)
            return tuple(None if part is None else part[chosen] for part in rows)

        def on(length: int) -> Callable[..., Any]:
            def step(carried: Any, update: Any, rate: Any) -> Any:
                batch = rows if batches == 1 else some(update, length)
                return self._update(carried, update, batch, rate)

            return step

        def turn(i: Any, carried: Any) -> Any:
            theta, slots, figures, kept = carried
            update = first + i
            if tail == size:
                theta, slots, found = on(size)((theta, slots), update, rates[i])
            else:
                theta, slots, found = jax.lax.cond(
                    update % batches == batches - 1,
                    on(tail),
                    on(size),
                    (theta, slots),
                    update,
                    rates[i],
                )
            if slots_kept:
                after = update + 1
                place = after // every - (first + every) // every
                place = jnp.where(after % every == 0, place, slots_kept)
                kept = kept.at[place].set(jnp.concatenate([theta[None], slots]))
            return theta, slots, figures.at[i].set(found), kept

        figures = jnp.zeros((TURNS, 4))
        kept = jnp.zeros((slots_kept + 1, 1 + len(slots), theta.size), theta.dtype)
        return jax.lax.fori_loop(0, count, turn, (theta, slots, figures, kept))

    # ------------------------------------------------------------ around the loop

    def _run(self, theta: Any, slots: Any, first: int, rates: Floats, every: int) -> Any:
        """Run some updates; return theta, slots, their figures and the states kept."""
        count, near = len(rates), self._near(every)
        padded = np.zeros(TURNS)
        padded[:count] = rates
        epoch, orders = self._orders_from(first)
        theta, slots, figures, kept = self._chunk(
            theta,
            slots,
            first,
            count,
            padded,
            orders,
            epoch,
            self._rows,
            every,
            slots_kept=TURNS if near else 0,
        )
        states = None
        if near:
            states = _taken(kept)[: (first + count) // every - first // every]
        return theta, slots, np.asarray(figures)[:count], states

    def _turns(self, first: int, left: int, every: int) -> int:
        """Return how many updates the next loop may run."""
        count = min(left, TURNS)
        begun, _ = self._orders_from(first)
        if every and not self._near(every):
            count = min(count, every - first % every)
        if self._shuffled:
            last = (begun + self._epochs) * self.problem.batches_per_epoch
            count = min(count, last - first)
        return count

    def _near(self, every: int) -> bool:
        """Tell whether states are so near each other, and so small, that a loop keeps them."""
        problem = self.problem
        numbers = problem.layout.size * (1 + len(problem.task.optimizer.rule.slots))
        return 0 < every <= _NEAR and TURNS * numbers * problem.X.dtype.itemsize <= KEPT

    @property
    def _shuffled(self) -> bool:
        return self.problem.shuffle and not self.problem.full_batch

    @cached_property
    def _epochs(self) -> int:
        """How many epochs' orders are held ready."""
        wanted = TURNS // self.problem.batches_per_epoch + 1
        return max(1, min(wanted, ORDERED // self.problem.n))

    def _orders_from(self, first: int) -> tuple[int, Any]:
        if not self._shuffled:
            return 0, None
        epoch = first // self.problem.batches_per_epoch
        begun, held = self._orders
        if held is None or not begun <= epoch < begun + self._epochs:
            keys = randomness.keys_of_epochs(self.problem.seed, "batches", epoch, self._epochs)
            self._orders = (epoch, self._permuted(self._put(keys)))
        return self._orders

    @cached_property
    def _permuted(self) -> Any:
        from descend.engines.orders_jax import permutations  # noqa: PLC0415 - loads JAX

        jax = imported("jax")
        return jax.jit(jax.vmap(partial(permutations, self.problem.n)))

    def _put(self, part: Any) -> Any:
        return None if part is None else imported("jax").device_put(part, self._device)


@final
class _Kept:
    """States at multiples of `every`, gathered from loop after loop."""

    def __init__(self, state: State, every: int) -> None:
        self._every = every
        self._first = 0 if not every else (state.step // every + 1) * every
        self._pieces: list[Array] = []

    def extend(self, states: Any, theta: Any, slots: Any, first: int, count: int) -> None:
        """Add what a loop kept, or where it ended if that is a multiple."""
        if states is not None:
            self._pieces.append(states)
        elif self._every and (first + count) % self._every == 0:
            self._pieces.append(np.concatenate([_taken(theta)[None], _taken(slots)])[None])

    def states(self) -> Any:
        """Return them all."""
        if not self._pieces:
            return []
        return States(self._first, self._every, np.concatenate(self._pieces))


def _cast(array: Any, other: Any) -> Any:
    return array.astype("float64" if other is None else other.dtype)


def _taken(array: Any) -> Any:
    return np.array(array)


def _mass(library: Library, weights: Any) -> Any:
    total = library.xp.sum(library.cast(weights, None))
    return library.xp.where(total == 0, total * 0 + 1, total)
