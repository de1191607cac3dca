"""The compiled engine at work on one problem.

It has several *ways*, all of the same mathematics; which one suits is read off the problem alone,
so that a resumed run takes the way it took before:

    factor     squared loss, linear model, all rows: a triangular factor stands for the rows
    rows       one row at a time, linear model with one output
    blocks     small problems: update after update within one kernel
    threads    large ones: chunks of rows on several threads, then one update
    products   wide layers: matrix products by BLAS, everything else in kernels

Sparse rows go by blocks or threads, with sweeps of their own (`descend.engines.compiled.sparse`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import Floats, State, States
from descend.engines.compiled.bending import hessian_of
from descend.engines.compiled.factor import factor_of, suits
from descend.engines.compiled.joining import Swept, Updated, one_score
from descend.engines.compiled.orders import order_of
from descend.engines.compiled.products import Products
from descend.engines.compiled.rows import NO_ORDER, Rows
from descend.engines.compiled.sparse import csr_of
from descend.engines.compiled.threads import spread
from descend.engines.compiled.updating import (
    GATHERED,
    SUMS,
    Kept,
    chunk,
    from_factor,
    one_by_one,
    repeat,
    step,
)
from descend.engines.hessian import hessian
from descend.engines.problem import Advance, Problem, Trace

if TYPE_CHECKING:
    from descend.arrays import Array

# Multiplications an update must need before it is shared among threads: about a millisecond.
_SHARED = 2_000_000
_CHUNKS = 32
# Of sparse rows: how many multiplications one that gathers counts for; entries to a column that
# pay for a chunk's own gradient, dense; and the numbers of all such gradients, 256 MB.
_GATHERED, _A_COLUMN, _GRADIENTS = 4, 4, 1 << 25
# Products by BLAS pay where a unit has many weights, and a batch many multiplications.
_WIDE, _MANY = 24, 200_000


def ways_for(problem: Problem) -> list[str]:
    """Return the ways that can run a problem, the one that suits it best first."""
    optimizer = problem.task.optimizer
    size = problem.n if problem.full_batch else (problem.batch_size or problem.n)
    ways = ["threads", "blocks"] if _shared(problem, size) else ["blocks", "threads"]
    if not isinstance(problem.X, np.ndarray):
        return ways
    clipped = optimizer.clip_norm is not None or optimizer.clip_value is not None
    if not problem.task.model.linear:
        ways.insert(0 if _wide(problem, size) else len(ways), "products")
    if size == 1 and not problem.full_batch and one_score(problem) and not clipped:
        ways.insert(0, "rows")
    if suits(problem):
        ways.insert(0, "factor")
    return ways


def _wide(problem: Problem, size: int) -> bool:
    parameters = problem.layout.size
    units = problem.X.shape[1] + sum(shape[-1] for _, shape in problem.layout.entries[::2])
    return parameters >= _WIDE * units and size * parameters >= _MANY


def _shared(problem: Problem, size: int) -> bool:
    if isinstance(problem.X, np.ndarray):
        return size * problem.layout.size > _SHARED
    outputs = problem.layout.entries[0][1][1]
    needed = _GATHERED * outputs * _entries(problem, size)
    return needed > _SHARED and _most_chunks(problem, size) > 1


def _most_chunks(problem: Problem, size: int) -> int:
    """Return how many chunks some rows may have at most.

    Each has a gradient of its own, for which sparse rows may be too few or too wide.
    """
    if isinstance(problem.X, np.ndarray):
        return _CHUNKS
    worth = _entries(problem, size) // (_A_COLUMN * max(problem.X.shape[1], 1))
    return max(1, min(_CHUNKS, worth, _GRADIENTS // max(problem.layout.size, 1)))


def _entries(problem: Problem, size: int) -> int:
    """Return about how many entries some of the sparse rows have."""
    X: Any = problem.X
    return int(X.data.size * size // problem.n)


@final
class Compiled:
    """Kernels at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, way: str) -> None:
        self.problem, self.way = problem, way
        self._X = problem.X if isinstance(problem.X, np.ndarray) else csr_of(problem.X)
        self._y = problem.y
        if problem.y.ndim == 1:  # labels: kernels take them as numbers
            self._y = problem.y.astype(problem.X.dtype)[:, None]
        self._order: tuple[int, Array] = (-1, NO_ORDER)
        rows = self._rows(-1)
        self._mass = _mass(rows, 0, problem.n)
        self._rule, self._look = Updated(problem), Updated(problem, looks=True)
        self._factor = factor_of(problem) if way == "factor" else None
        self._swept = None if way == "factor" else Swept(problem, rows)
        self._products: Products | None = None
        if way == "products" and self._swept is not None:
            self._products = Products(self._swept.model, problem.X.dtype)

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        problem, m = self.problem, self.problem.batches_per_epoch
        now = np.concatenate([state.theta[None], state.slots])
        figures = np.empty((updates, 4))
        rates = problem.rates(state.step, updates, scale)
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
        states = States(steps.start, every, kept)
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

    def hessian(self, theta: Floats) -> Floats:
        """Return the Hessian (P, P) at theta, for a linear model."""
        problem = self.problem
        H: Any = None
        if self._factor is not None and problem.y.shape[1] == 1:
            H = 2.0 * self._factor.share * (self._factor.R.T @ self._factor.R)
        elif one_score(problem) and isinstance(problem.X, np.ndarray):
            H = hessian_of(problem, self._rows(-1), theta)
        if H is None:
            return hessian(problem, theta)
        if problem.task.reduction == "mean" and self._mass:
            H /= self._mass
        H[np.diag_indices_from(H)] += problem.l2
        found: Floats = H
        return found

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
        apart = whole and not problem.full_batch  # all rows, where updates see some
        batch = 0 if whole else at % problem.batches_per_epoch
        update = self._look if looks else self._rule
        gradient: Floats = np.empty(problem.layout.size)
        if self._factor is not None:
            from_factor(
                update.handle,
                *self._factor,
                self._mass,
                update.terms,
                state,
                rates,
                at + 1,
                figures,
                kept,
                gradient,
            )
            return gradient
        rows, swept = self._rows(-1 if whole else at), self._swept
        if swept is None:
            raise AssertionError
        if self.way == "rows" and not whole and not looks:
            held = np.empty((GATHERED, problem.layout.size), problem.X.dtype)
            one_by_one(
                swept.loss,
                update.handle,
                rows,
                batch,
                update.terms,
                state,
                rates,
                at + 1,
                figures,
                kept,
                held,
                np.empty((3, GATHERED), held.dtype),
            )
        elif self.way in {"threads", "products"} or (apart and _shared(problem, size)):
            sums = self._chunked if self._products is None else self._multiplied
            for i, rate in enumerate(rates):
                first = 0 if whole else (batch + i) * size
                last = min(first + size, problem.n)
                totals, gradients = sums(rows, first, last, state[0])
                mass = self._mass if last - first == problem.n else _mass(rows, first, last)
                rule, t = update.rule(gradients.dtype), at + 1 + i
                step(
                    rule,
                    totals,
                    gradients,
                    mass,
                    update.terms,
                    state,
                    rate,
                    t,
                    figures[i],
                    np.zeros(SUMS),
                )
                gradient = gradients[0]
                if kept.every and t % kept.every == 0:
                    kept.states[t // kept.every - at // kept.every - 1] = state
        else:
            repeat(
                swept.address,
                swept.model,
                update.rule(gradient.dtype),
                rows,
                self._mass,
                problem.n,
                size,
                batch,
                update.terms,
                state,
                rates,
                at + 1,
                figures,
                kept,
                gradient,
                np.zeros(SUMS),
                swept.work(0),
            )
        return gradient

    def _chunked(self, rows: Rows, first: int, last: int, theta: Floats) -> tuple[Floats, Floats]:
        """Sweep chunks of rows on several threads; return each one's loss and gradient."""
        swept: Any = self._swept
        edges = _edges(first, last, swept.block, _most_chunks(self.problem, last - first))
        totals, gradients = np.empty(len(edges) - 1), np.empty((len(edges) - 1, theta.size))

        def work(c: int, worker: int) -> None:
            chunk_of, memory = (edges[c], edges[c + 1]), swept.work(worker)
            totals[c] = chunk(
                swept.address, swept.model, rows, *chunk_of, theta, gradients[c], memory
            )

        spread(len(totals), work)
        return totals, gradients

    def _multiplied(
        self, rows: Rows, first: int, last: int, theta: Floats
    ) -> tuple[Floats, Floats]:
        """Sweep rows by products; return their loss and gradient, one of each."""
        products: Any = self._products
        gradients = np.empty((1, theta.size), theta.dtype)
        return np.array([products.sweep(rows, first, last, theta, gradients[0])]), gradients

    def _rows(self, at: int) -> Rows:
        """Return the rows in the order in which update `at` meets them; -1: in their own."""
        problem, order = self.problem, NO_ORDER
        if at >= 0 and problem.shuffle and not problem.full_batch:
            epoch = at // problem.batches_per_epoch
            if self._order[0] != epoch:
                self._order = (epoch, order_of(problem.n, problem.seed, epoch))
            order = self._order[1]
        weights = np.empty(0, problem.X.dtype) if problem.weights is None else problem.weights
        return Rows(self._X, self._y, weights, order)


def _mass(rows: Rows, first: int, last: int) -> float:
    """Return the sum of the weights of the rows at places `first` to `last`."""
    if rows.weights.size == 0:
        return float(last - first)
    at = rows.order[first:last] if rows.order.size else slice(first, last)
    return float(rows.weights[at].sum(dtype=np.float64))


def _edges(first: int, last: int, block: int, most: int) -> list[int]:
    """Return the edges of at most so many chunks of whole blocks, read off the places alone."""
    blocks = -(-(last - first) // block)
    chunks = min(blocks, most)
    return [min(first + c * blocks // chunks * block, last) for c in range(chunks + 1)]
