"""The compiled engine at work on one problem.

It has several *ways*, all of the same mathematics; which one suits is read off the problem alone,
so that a resumed run takes the way it took before:

    factor     squared loss, linear model, all rows: a triangular factor stands for the rows
    rows       one row at a time, linear model with one output
    blocks     small problems: update after update within one kernel
    threads    large ones: chunks of rows on several threads, then one update
    products   wide layers: matrix products by BLAS, everything else in kernels
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import Floats, State
from descend.engines.compiled.factor import factor_of, suits
from descend.engines.compiled.orders import order_of
from descend.engines.compiled.rates import rates_of
from descend.engines.compiled.rows import Rows, mass_of
from descend.engines.compiled.sweeps import BLOCK, Factor, Layers, Row, row_block, work_for
from descend.engines.compiled.threads import spread
from descend.engines.compiled.updating import (
    Kept,
    Terms,
    chunk,
    one_by_one,
    repeat,
    step,
)
from descend.engines.problem import Advance, Problem, Trace
from descend.optimizers import initial_slots

if TYPE_CHECKING:
    from descend.arrays import Array

# Multiplications an update must need before it is shared among threads: about a millisecond.
_SHARED = 2_000_000
_CHUNKS = 32

_NOTHING = np.empty(0)


def ways_for(problem: Problem) -> list[str]:
    """Return the ways that can run a problem, the one that suits it best first."""
    optimizer = problem.task.optimizer
    size = problem.n if problem.full_batch else (problem.batch_size or problem.n)
    ways = ["threads", "blocks"] if _shared(problem, size) else ["blocks", "threads"]
    clipped = optimizer.clip_norm is not None or optimizer.clip_value is not None
    if size == 1 and not problem.full_batch and _one_output(problem) and not clipped:
        ways.insert(0, "rows")
    if suits(problem):
        ways.insert(0, "factor")
    return ways


def _one_output(problem: Problem) -> bool:
    model, targets = problem.task.model, problem.task.loss.targets
    return not model.hidden and targets != "labels" and problem.y.shape[1] == 1


@final
class Compiled:
    """Kernels at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, way: str) -> None:
        self.problem = problem
        self.way = way
        self._terms = _terms(problem)
        self._plain = _model(problem)
        self._factor = factor_of(problem) if self.way == "factor" else None
        self._order: tuple[int, Array | None] = (-1, None)
        self._works: dict[tuple[int, bool], Any] = {}

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        problem, m = self.problem, self.problem.batches_per_epoch
        now = np.concatenate([state.theta[None], state.slots])
        figures = np.empty((updates, 4))
        rates = rates_of(problem, state.step, updates, scale)
        last = state.step + updates
        steps = range((state.step // every + 1) * every, last + 1, every) if every else range(0)
        kept = np.empty((len(steps), *now.shape), now.dtype)
        done = 0
        while done < updates:
            at = state.step + done
            # All that is left; or, of an epoch's order, what is left of the epoch.
            count = updates - done if problem.full_batch else min(m - at % m, updates - done)
            begun = at // every - state.step // every if every else 0
            here = Kept(every, kept[begun:])
            part = slice(done, done + count)
            self._updates(now, at, rates[part], figures[part], here, _NOTHING)
            done += count
        states = [State(kept[i, 0], kept[i, 1:], at) for i, at in enumerate(steps)]
        return Advance(State(now[0], now[1:], last), Trace(figures), states)

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows.

        It is an update that nobody keeps.
        """
        problem = self.problem
        dtype = problem.X.dtype
        slots = initial_slots(problem.task.optimizer.rule, theta.size, dtype)
        now = np.concatenate([np.asarray(theta, dtype=dtype)[None], slots])
        figures, seen = np.empty((1, 4)), np.empty(theta.size)
        at = -1 if update is None and not problem.full_batch else (update or 0)
        self._updates(now, at, np.zeros(1), figures, Kept(0, now[None][:0]), seen)
        return float(figures[0, 0]), seen.astype(dtype, copy=False)

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        return self.value_and_gradient(theta)[0]

    # ------------------------------------------------------------ the ways

    def _updates(
        self,
        state: Floats,
        at: int,
        rates: Floats,
        figures: Floats,
        kept: Kept,
        seen: Floats,
    ) -> None:
        """Do updates `at`, `at` + 1 … of one epoch in place; update -1 is of all rows."""
        problem = self.problem
        whole = problem.full_batch or at < 0
        size = problem.n if whole else (problem.batch_size or problem.n)
        batch = 0 if whole else at % problem.batches_per_epoch
        loss, rule = problem.task.loss, problem.task.optimizer.rule
        rows = self._rows(at)
        if self.way == "rows" and not whole:
            one_by_one(
                loss, rule, rows, problem.task.model.bias, batch, self._terms, state,
                rates, at + 1, figures, kept, seen,
            )
        elif self.way == "threads" or (whole and _shared(problem, problem.n)):
            self._shared_updates(rows, size, batch, state, at, rates, figures, kept, seen)
        else:
            model = self._factor if self._factor is not None and whole else self._plain
            repeat(
                model, loss, rule, rows, problem.n, size, batch, self._terms, state,
                rates, at + 1, figures, kept, seen, self._work(0, model),
            )

    def _shared_updates(
        self, rows: Any, size: int, batch: int, state: Floats, at: int, rates: Any,
        figures: Any, kept: Kept, seen: Any,
    ) -> None:
        """Do each update in two halves: chunks of rows on several threads, then one step."""
        problem, model, theta = self.problem, self._plain, state[0]
        loss, rule = problem.task.loss, problem.task.optimizer.rule
        place = 0
        for i in range(len(rates)):
            first = (batch + i) * size
            last = min(first + size, problem.n)
            edges = _edges(first, last, model.block)
            totals, gradients = np.empty(len(edges) - 1), np.empty((len(edges) - 1, theta.size))

            def sweep(c: int, worker: int) -> None:
                totals[c] = chunk(  # noqa: B023 - it is done within this turn of the loop
                    model, loss, rows, edges[c], edges[c + 1], theta, gradients[c],  # noqa: B023
                    self._work(worker, model),
                )

            spread(len(totals), sweep)
            mass = float(mass_of(rows.weights, rows.order, first, last))
            step(
                rule, self._terms, totals, gradients, mass, state, rates[i], at + 1 + i,
                figures[i], seen,
            )
            if kept.every and (at + 1 + i) % kept.every == 0:
                kept.states[place] = state
                place += 1

    def _rows(self, at: int) -> Rows:
        problem = self.problem
        order: Array | None = None
        if problem.shuffle and not problem.full_batch:
            epoch = at // problem.batches_per_epoch if at >= 0 else -1
            if self._order[0] != epoch or self._order[1] is None:
                found = order_of(problem.n, problem.seed, epoch) if at >= 0 else np.arange(problem.n)
                self._order = (epoch, found)
            order = self._order[1]
        return Rows(problem.X, problem.y, problem.weights, order)

    def _work(self, worker: int, model: Any) -> Any:
        key = (worker, isinstance(model, Factor))
        if key not in self._works:
            self._works[key] = work_for(model, self.problem.layout.size, self.problem.X.dtype)
        return self._works[key]


def _shared(problem: Problem, size: int) -> bool:
    return size * problem.layout.size > _SHARED


def _edges(first: int, last: int, block: int) -> list[int]:
    """Return the edges of at most `_CHUNKS` chunks of whole blocks, read off the rows alone."""
    blocks = -(-(last - first) // block)
    chunks = min(blocks, _CHUNKS)
    return [first + min(c * blocks // chunks * block, last - first) for c in range(chunks + 1)]


def _terms(problem: Problem) -> Terms:
    penalty, optimizer = problem.task.penalty, problem.task.optimizer
    l1 = l2 = None
    if penalty is not None and (penalty.l1 or penalty.l2):
        l1, l2 = penalty.l1 * problem.reach, penalty.l2 * problem.reach
    clip = None
    if optimizer.clip_value is not None or optimizer.clip_norm is not None:
        asked = optimizer.clip_value, optimizer.clip_norm
        clip = tuple(math.inf if limit is None else limit for limit in asked)
    return Terms(problem.task.reduction == "mean", l1, l2, problem.weight_marks, clip)


def _model(problem: Problem) -> Any:
    model, d = problem.task.model, problem.X.shape[1]
    if _one_output(problem):
        return Row(model.bias, row_block(d, problem.X.itemsize))
    outputs = problem.layout.entries[0 if not model.hidden else -1][1][-1]
    sizes = np.array([d, *model.hidden, outputs], dtype=np.int64)
    return Layers(model.activation, sizes, model.bias, BLOCK)
