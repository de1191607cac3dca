"""What the JAX engine compiles: functions of arrays alone, kept for every training like it.

A `Traced` is made of what decides the code: the task (but for its start, rate and schedule), the
layout, and how rows are cut into batches.  Everything else is an argument, so that training again,
with other rows of the same shapes, another seed, start or rate, compiles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, final

import jax
import jax.numpy as jnp

from descend.engines import autodiff
from descend.engines.autodiff import Library, Penalised, Sentence, kind_of
from descend.engines.checking import is_custom
from descend.engines.orders_jax import permutations

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.engines.problem import Problem

# Turns of one compiled loop.
TURNS = 1024
# How many kinds of training are kept compiled in a process.
_KINDS = 64


class Held(NamedTuple):
    """A problem's arrays on the device.

    Attributes
    ----------
    rows
        X, y and weights or None.
    penalised
        Its penalties and marks.
    key
        For what a model draws.
    """

    rows: tuple[Any, Any, Any]
    penalised: Penalised
    key: Any


class Batches(NamedTuple):
    """How n rows are cut: into `number` batches of `size`, the last one of `tail`."""

    n: int
    number: int
    size: int
    tail: int


def cast(array: Any, other: Any) -> Any:
    """Return an array in another's type, or in double precision."""
    return array.astype("float64" if other is None else other.dtype)


LIBRARY = Library(jnp, cast, partial(autodiff.length, jnp))


def traced_for(problem: Problem) -> Traced:
    """Return the functions for problems like this one.

    With parts of one's own they are made anew for each program: one and the same function computes
    something else once a global or an attribute that it reads has changed.
    """
    count = problem.batches_per_epoch
    size = problem.n if problem.full_batch else problem.batch_size or problem.n
    batches = Batches(problem.n, count, size, problem.n - (count - 1) * size)
    sentence = Sentence.of(problem)._replace(task=kind_of(problem.task))
    return Traced(sentence, batches) if is_custom(problem.task) else _traced(sentence, batches)


@lru_cache(_KINDS)
def _traced(sentence: Sentence, batches: Batches) -> Traced:
    return Traced(sentence, batches)


@final
@dataclass(frozen=True, eq=False)
class Traced:
    """Functions of one kind of training, compiled when first called."""

    sentence: Sentence
    batches: Batches

    # ------------------------------------------------------------ compiled

    @cached_property
    def chunk(self) -> Any:
        """Run some updates: see `_chunk`."""
        return jax.jit(self._chunk, static_argnames=("room",))

    @cached_property
    def look(self) -> Any:
        """Return the objective and its gradient over chosen rows, or all."""
        return jax.jit(self._look)

    @cached_property
    def value(self) -> Any:
        """Return the objective over all rows."""
        return jax.jit(lambda theta, held: self._objective(theta, held, held.rows, None)[1])

    @cached_property
    def orders(self) -> Any:
        """Return the orders of the rows in some epochs, from their round keys."""
        return jax.jit(jax.vmap(partial(permutations, self.batches.n)))

    # ------------------------------------------------------------ what they do

    def _objective(self, theta: Any, held: Held, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        return autodiff.objective(self.sentence, LIBRARY, held.penalised, theta, rows, draw)

    def differentiated(self, theta: Any, held: Held, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        """Return the objective, its gradient without |w|, and what the buffers are now."""

        def smooth(theta: Any) -> tuple[Any, Any]:
            value, *rest = self._objective(theta, held, rows, draw)
            return value, rest

        (_, (value, buffers)), gradient = jax.value_and_grad(smooth, has_aux=True)(theta)
        trained = held.penalised.trained
        return value, gradient if trained is None else gradient * trained, buffers

    def _look(self, theta: Any, held: Held, chosen: Any, draw: Any) -> Any:
        rows = held.rows if chosen is None else _cut(held.rows, lambda part: part[chosen])
        return self.differentiated(theta, held, rows, draw)[:2]

    def _update(self, carried: Any, held: Held, update: Any, rows: Any, rate: Any) -> Any:
        """Return theta, slots and figures after one update on some rows."""
        theta, slots = carried
        draw = jax.random.fold_in(held.key, update)
        value, gradient, buffers = self.differentiated(theta, held, rows, draw)
        theta, slots, steep, far = autodiff.moved(
            self.sentence.task.optimizer,
            LIBRARY,
            held.penalised,
            theta,
            slots,
            gradient,
            rate,
            jnp.asarray(update + 1, dtype=jnp.float64),
        )
        if buffers is not None:
            theta = jnp.where(held.penalised.trained > 0, theta, buffers)
        return theta, slots, jnp.stack([value, steep, far, rate])

    def _batch(self, held: Held, update: Any, orders: Any, epoch: Any, length: int) -> Any:
        """Return the rows of an update's batch, whose number is known when this is compiled."""
        count, size = self.batches.number, self.batches.size
        if count == 1:
            return held.rows
        begin = (update % count) * size
        if orders is None:
            return _cut(held.rows, lambda p: jax.lax.dynamic_slice_in_dim(p, begin, length))
        order = orders[update // count - epoch]
        chosen = jax.lax.dynamic_slice_in_dim(order, begin, length)
        return _cut(held.rows, lambda part: part[chosen])

    def _chunk(  # noqa: PLR0913, PLR0917 - a loop's arguments
        self,
        theta: Any,
        slots: Any,
        held: Held,
        first: Any,
        count: Any,
        rates: Any,
        orders: Any,
        epoch: Any,
        every: Any,
        room: int,
    ) -> Any:
        """Run `count` updates, keeping states at multiples of `every` if there is room.

        `orders` begins at `epoch`, or is None where rows keep theirs.
        """

        def on(length: int) -> Callable[..., Any]:
            def step(carried: Any, update: Any, rate: Any) -> Any:
                rows = self._batch(held, update, orders, epoch, length)
                return self._update(carried, held, update, rows, rate)

            return step

        def turn(i: Any, carried: Any) -> Any:
            theta, slots, figures, kept = carried
            update, b = first + i, self.batches
            if b.tail == b.size:
                theta, slots, found = on(b.size)((theta, slots), update, rates[i])
            else:
                last = update % b.number == b.number - 1
                theta, slots, found = jax.lax.cond(
                    last, on(b.tail), on(b.size), (theta, slots), update, rates[i]
                )
            if room:
                after = update + 1
                place = after // every - (first + every) // every
                place = jnp.where(after % every == 0, place, room)
                state = jnp.concatenate([theta[None], slots])
                kept = jax.lax.dynamic_update_index_in_dim(kept, state, place, 0)
            figures = jax.lax.dynamic_update_index_in_dim(figures, found, i, 0)
            return theta, slots, figures, kept

        figures = jnp.zeros((TURNS, 4))
        kept = jnp.zeros((room + 1, 1 + len(slots), theta.size), theta.dtype)
        return jax.lax.fori_loop(0, count, turn, (theta, slots, figures, kept))


def _cut(rows: Any, cut: Callable[[Any], Any]) -> Any:
    return tuple(None if part is None else cut(part) for part in rows)
