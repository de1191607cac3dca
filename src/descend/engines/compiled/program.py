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
from numba import types
from numba.np.numpy_support import from_dtype

from descend.arrays import Floats, State
from descend.engines.compiled.blocks import piece_of_loss, pieces_of_activation
from descend.engines.compiled.factor import factor_of, suits
from descend.engines.compiled.orders import order_of
from descend.engines.compiled.pieces import Handle, address_of, plain_type
from descend.engines.compiled.rates import rates_of
from descend.engines.compiled.rows import NO_ORDER, Rows
from descend.engines.compiled.sweeps import (
    BLOCK,
    Model,
    layers_sweep,
    row_block,
    row_sweep,
    work_for,
)
from descend.engines.compiled.threads import spread
from descend.engines.compiled.updating import (
    SUMS,
    Kept,
    Rule,
    Terms,
    chunk,
    move,
    one_by_one,
    repeat,
    step,
)
from descend.engines.problem import Advance, Problem, Trace
from descend.optimizers import GradientDescent

if TYPE_CHECKING:
    from descend.arrays import Array

# Multiplications an update must need before it is shared among threads: about a millisecond.
_SHARED = 2_000_000
_CHUNKS = 32


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
        self.problem, self.way = problem, way
        self._y = problem.y
        if problem.y.ndim == 1:  # labels: kernels take them as numbers
            self._y = problem.y.astype(problem.X.dtype)[:, None]
        self._rule, self._look = _Update(problem), _Update(problem, looks=True)
        self._order: tuple[int, Array] = (-1, NO_ORDER)
        self._sweep = _Sweep(problem, self._rows(-1))
        self._factor: tuple[_Sweep, float] | None = None
        if way == "factor":
            rows, rest = factor_of(problem)
            self._factor = _Sweep(problem, rows), rest
        self._mass = _mass(self._sweep.rows, 0, problem.n)

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
            part = slice(done, done + count)
            self._updates(now, at, rates[part], figures[part], Kept(every, kept[begun:]))
            done += count
        states = [State(kept[i, 0], kept[i, 1:], at) for i, at in enumerate(steps)]
        return Advance(State(now[0], now[1:], last), Trace(figures), states)

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows.

        It is an update that nobody keeps.
        """
        dtype = self.problem.X.dtype
        now, figures = np.array(theta, dtype=dtype)[None], np.empty((1, 4))
        at = -1 if update is None and not self.problem.full_batch else (update or 0)
        gradient = self._updates(
            now, at, np.zeros(1), figures, Kept(0, np.empty((0, 1, 1), dtype)), looks=True
        )
        return float(figures[0, 0]), gradient.astype(dtype, copy=False)

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
        *,
        looks: bool = False,
    ) -> Floats:
        """Do updates `at`, `at` + 1 … of one epoch in place; return the last one's gradient.

        Update -1 is of all rows.
        """
        problem = self.problem
        whole = problem.full_batch or at < 0
        size = problem.n if whole else (problem.batch_size or problem.n)
        batch = 0 if whole else at % problem.batches_per_epoch
        update = self._look if looks else self._rule
        rows = self._rows(-1 if whole else at)
        if self.way == "rows" and not whole and not looks:
            one_by_one(
                self._sweep.loss, update.handle, problem.task.model.bias, rows, batch,
                update.terms, state, rates, at + 1, figures, kept, np.empty(len(rates)),
            )
            return state[0]
        if self.way == "threads" or (self._factor is None and _shared(problem, size)):
            return self._shared_updates(update, rows, size, batch, state, at, rates, figures, kept)
        sweep, rest = self._factor or (self._sweep, 0.0)
        rows = sweep.rows if self._factor else rows
        n = len(rows.X)
        gradient = np.empty(problem.layout.size)
        repeat(
            sweep.address, sweep.model, update.rule, rows, rest, self._mass, n,
            min(size, n) if whole else size, batch, update.terms, state, rates, at + 1, figures,
            kept, gradient, np.zeros(SUMS), sweep.work(0),
        )
        return gradient

    def _shared_updates(
        self, update: _Update, rows: Rows, size: int, batch: int, state: Floats, at: int,
        rates: Floats, figures: Floats, kept: Kept,
    ) -> Floats:
        """Do each update in two halves: chunks of rows on several threads, then one step."""
        sweep, theta, place = self._sweep, state[0], 0
        gradients = np.empty((0, theta.size))
        for i in range(len(rates)):
            first = (batch + i) * size if size < self.problem.n else 0
            last = min(first + size, self.problem.n)
            edges = _edges(first, last, sweep.model.block)
            totals, gradients = np.empty(len(edges) - 1), np.empty((len(edges) - 1, theta.size))

            def work(c: int, worker: int) -> None:
                totals[c] = chunk(  # noqa: B023 - it is done within this turn of the loop
                    sweep.address, sweep.model, rows, edges[c], edges[c + 1], theta,  # noqa: B023
                    gradients[c], sweep.work(worker),  # noqa: B023
                )

            spread(len(totals), work)
            mass = self._mass if last - first == self.problem.n else _mass(rows, first, last)
            step(
                update.rule, totals, gradients, mass, update.terms, state, rates[i],
                at + 1 + i, figures[i], np.zeros(SUMS),
            )
            if kept.every and (at + 1 + i) % kept.every == 0:
                kept.states[place] = state
                place += 1
        return gradients[0]

    def _rows(self, at: int) -> Rows:
        """Return the rows in the order in which update `at` meets them; -1: in their own."""
        problem, order = self.problem, NO_ORDER
        if at >= 0 and problem.shuffle and not problem.full_batch:
            epoch = at // problem.batches_per_epoch
            if self._order[0] != epoch:
                self._order = (epoch, order_of(problem.n, problem.seed, epoch))
            order = self._order[1]
        weights = np.empty(0, problem.X.dtype) if problem.weights is None else problem.weights
        return Rows(problem.X, self._y, weights, order)


@final
class _Sweep:
    """A sweep over some rows, with its pieces and the memory they work in."""

    def __init__(self, problem: Problem, rows: Rows) -> None:
        task, dtype = problem.task, rows.X.dtype
        factored = rows.X is not problem.X  # then the column of ones is among the others
        k = problem.layout.entries[-1][1][-1]
        sizes = np.array([rows.X.shape[1], *task.model.hidden, k], dtype=np.int64)
        single = len(sizes) == 2 and k == 1 and task.loss.targets != "labels"  # noqa: PLR2004
        block = row_block(int(sizes[0]), dtype.itemsize) if single else BLOCK
        self.rows = rows
        self.loss = Handle(task.loss)
        self.activation = Handle(task.model.activation) if task.model.hidden else None
        lines = types.Array(from_dtype(dtype), 2, "C")
        at = types.intp
        score = address_of(piece_of_loss(task.loss), self.loss.kind, lines, *[at] * 7)
        activate = back = 0
        if self.activation is not None:
            there, again = pieces_of_activation(task.model.activation)
            activate = address_of(there, self.activation.kind, lines, *[at] * 4)
            back = address_of(again, self.activation.kind, lines, *[at] * 5)
        self.model = Model(
            sizes,
            task.model.bias and not factored,
            block,
            self.loss.address,
            score,
            self.activation.address if self.activation else 0,
            activate,
            back,
        )
        theta = types.Array(from_dtype(problem.X.dtype), 1, "C")
        self.address = address_of(
            row_sweep if single else layers_sweep,
            plain_type(self.model),
            plain_type(rows),
            at,
            at,
            theta,
            types.Array(types.float64, 1, "C"),
            lines,
        )
        self._size = problem.layout.size
        self._works: dict[int, Floats] = {}

    def work(self, worker: int) -> Floats:
        """Return the memory of one thread."""
        if worker not in self._works:
            self._works[worker] = work_for(self.model, self.rows, self._size, self.rows.X.dtype)
        return self._works[worker]


@final
class _Update:
    """A rule with its piece and its terms; or, for a look at the gradient, the simplest rule."""

    def __init__(self, problem: Problem, *, looks: bool = False) -> None:
        optimizer, penalty, dtype = problem.task.optimizer, problem.task.penalty, problem.X.dtype
        marks: tuple[str, ...] = ()
        l1 = l2 = np.empty(0, dtype)
        if penalty is not None and (penalty.l1 or penalty.l2):
            l1, l2 = (problem.reach * dtype.type(part) for part in (penalty.l1, penalty.l2))
            marks += ("penalized",)
        limits = (None, None) if looks else (optimizer.clip_value, optimizer.clip_norm)
        if limits != (None, None):
            marks += ("clipped",)
        value, norm = (math.inf if limit is None else limit for limit in limits)
        mean = problem.task.reduction == "mean"
        self.terms = Terms(mean, l1, l2, problem.weight_marks, value, norm)
        self.handle = Handle(GradientDescent() if looks else optimizer.rule, marks)
        line, at, number = types.Array(types.float64, 1, "C"), types.intp, types.float64
        state = types.Array(from_dtype(dtype), 2, "C")
        address = address_of(
            move, self.handle.kind, plain_type(self.terms), state, line, number, number, number,
            at, at, at, line,
        )
        self.rule = Rule(self.handle.address, address)


def _mass(rows: Rows, first: int, last: int) -> float:
    """Return the sum of the weights of the rows at places `first` to `last`."""
    if rows.weights.size == 0:
        return float(last - first)
    at = rows.order[first:last] if rows.order.size else slice(first, last)
    return float(rows.weights[at].sum(dtype=np.float64))


def _shared(problem: Problem, size: int) -> bool:
    return size * problem.layout.size > _SHARED


def _edges(first: int, last: int, block: int) -> list[int]:
    """Return the edges of at most `_CHUNKS` chunks of whole blocks, read off the rows alone."""
    blocks = -(-(last - first) // block)
    chunks = min(blocks, _CHUNKS)
    return [first + min(c * blocks // chunks * block, last - first) for c in range(chunks + 1)]
