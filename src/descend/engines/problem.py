"""What an engine is given, and what it must do.

A `Problem` is a task with its data made ready: arrays in one dtype, targets as the loss takes
them, the learning rate resolved, and the order of the rows a function of (seed, epoch). A
`Program` is an engine at work on one problem. It advances a `State` by a number of updates and
returns what happened; it knows nothing of files, screens or early stopping.

Update k (from 0) belongs to epoch k // m and is its batch k % m, with m batches to an epoch. The
last batch of an epoch may be smaller. Without a batch size every update sees all rows, in their
order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, final

import numpy as np

from descend import models, penalties, schedules
from descend.arrays import Array, Floats, Layout, State
from descend.optimizers import initial_slots
from descend.randomness import permutation
from descend.scaling import Scaling, fold

if TYPE_CHECKING:
    from descend.arrays import Rows
    from descend.task import Task


class Trace:
    """What m updates did: four figures each, in double precision.

    Attributes
    ----------
    figures
        (m, 4): a row for each update, its columns the four below.
    """

    __slots__ = ("figures",)

    def __init__(self, figures: Floats) -> None:
        self.figures = figures

    def __len__(self) -> int:
        """Return m."""
        return len(self.figures)

    @property
    def loss(self) -> Floats:
        """The objective over the update's batch, before the update."""
        return self.figures[:, 0]

    @property
    def gradient_norm(self) -> Floats:
        """The Euclidean length of its gradient there, before clipping.

        With an absolute penalty, of its shortest subgradient.
        """
        return self.figures[:, 1]

    @property
    def update_norm(self) -> Floats:
        """How far theta moved."""
        return self.figures[:, 2]

    @property
    def learning_rate(self) -> Floats:
        """The rate used."""
        return self.figures[:, 3]


class Advance(NamedTuple):
    """Where some updates led, what they did, and the states kept along the way."""

    state: State
    trace: Trace
    kept: Sequence[State]


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """A task with its data made ready.

    Attributes
    ----------
    task, layout
        What is trained, and the slices of theta.
    X, y, weights
        (n, d), dense or CSR; (n, k) or integer labels (n,); (n,) or None.
    batch_size
        Rows to an update, or None for all of them.
    shuffle
        Whether each epoch has its own order of rows.
    seed
        Of the start and the order.
    learning_rate
        Resolved: a number.
    scaling
        What the parameters are to fold in (`descend.scaling`), or None.  Only CSR rows leave
        anything to fold: dense ones are standardised already.
    """

    task: Task
    layout: Layout
    X: Rows
    y: Array
    weights: Floats | None
    batch_size: int | None
    shuffle: bool
    seed: int
    learning_rate: float
    scaling: Scaling | None = None

    @property
    def n(self) -> int:
        """Training rows."""
        return int(self.X.shape[0])

    @property
    def full_batch(self) -> bool:
        """Whether every update sees all rows."""
        return self.batch_size is None or self.batch_size >= self.n

    @property
    def batches_per_epoch(self) -> int:
        """Updates to an epoch."""
        return 1 if self.full_batch else math.ceil(self.n / (self.batch_size or 1))

    def order(self, epoch: int) -> Array | None:
        """Return the order of the rows in an epoch, or None where it is their own."""
        if self.full_batch or not self.shuffle:
            return None
        return permutation(self.n, self.seed, "batches", epoch)

    def batch(self, update: int, order: Array | None) -> slice | Array:
        """Return which rows update `update` sees, given its epoch's `order`."""
        if self.full_batch:
            return slice(None)
        size = self.batch_size or self.n
        first = (update % self.batches_per_epoch) * size
        rows = slice(first, min(first + size, self.n))
        return rows if order is None else order[rows]

    def rate(self, update: int, scale: float) -> float:
        """Return the learning rate of an update; `scale` is what plateaus have made of it."""
        return self.learning_rate * scale * schedules.factor(self.task.optimizer.schedule, update)

    def rates(self, first: int, updates: int, scale: float) -> Floats:
        """Return the rate of each of some updates, from update `first` on."""
        schedule = self.task.optimizer.schedule
        if schedule is None or schedule.name in {"constant", "reduce_on_plateau"}:
            return np.full(updates, self.learning_rate * scale)
        return np.array([self.rate(t, scale) for t in range(first, first + updates)])

    @cached_property
    def reach(self) -> Floats:
        """1 where the penalty applies, else 0: (P,)."""
        return penalties.reach(self.task.penalty, self.layout).astype(self.X.dtype)

    @cached_property
    def l1(self) -> Floats | float:
        """The absolute penalty's strength at each parameter, or 0.0 where there is none."""
        strength = 0.0 if self.task.penalty is None else self.task.penalty.l1
        return self.reach * self.X.dtype.type(strength) if strength else 0.0

    @cached_property
    def l2(self) -> Floats | float:
        """The squared penalty's strength at each parameter, or 0.0 where there is none."""
        strength = 0.0 if self.task.penalty is None else self.task.penalty.l2
        return self.reach * self.X.dtype.type(strength) if strength else 0.0

    @cached_property
    def weight_marks(self) -> Floats:
        """1 on weights and 0 on biases, for decoupled decay: (P,)."""
        return self.layout.weights().astype(self.X.dtype)

    def start(self) -> State:
        """Return the state before the first update."""
        d = self.X.shape[1]
        theta = models.start(self.task.model, self.layout, self.seed, d).astype(self.X.dtype)
        slots = initial_slots(self.task.optimizer.rule, self.layout.size, self.X.dtype)
        return State(theta, slots, 0)


class Program(Protocol):
    """An engine at work on one problem."""

    problem: Problem

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did.

        The states after each multiple of `every` updates, counted from the start of training,
        are kept (0: none).
        """

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows."""

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""


def scores_of(  # noqa: PLR0913 - a problem in parts, for rows that are not its own
    task: Task,
    layout: Layout,
    theta: Floats,
    X: Rows,
    block: int = 1 << 16,
    *,
    scaling: Scaling | None = None,
) -> Floats:
    """Return the scores (n, k) of rows, a block at a time so that memory stays bounded."""
    n = X.shape[0]
    with np.errstate(all="ignore"):
        point, layout = fold(theta, layout, scaling)
        pieces = [
            models.forward(task.model, point, layout, X if n <= block else X[i : i + block])[0]
            for i in range(0, max(n, 1), block)
        ]
    found: Any = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return found  # type: ignore[no-any-return]
