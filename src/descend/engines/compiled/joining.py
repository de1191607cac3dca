"""A problem's parts as kernels take them: handles of numbers and addresses of pieces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.engines.compiled.blocks import piece_of_loss, pieces_of_activation
from descend.engines.compiled.pieces import Handle, address_for
from descend.engines.compiled.sparse import (
    Csr,
    entries_block,
    folded,
    folded_sweep,
    sparse_sweep,
    sparse_work,
)
from descend.engines.compiled.sweeps import (
    BLOCK,
    Model,
    layers_sweep,
    row_block,
    row_sweep,
    work_for,
)
from descend.engines.compiled.updating import SUMS, Rule, Terms, move
from descend.models import layered
from descend.optimizers import GradientDescent

if TYPE_CHECKING:
    from descend.engines.compiled.rows import Rows
    from descend.engines.problem import Problem


@final
class Swept:
    """A problem's model and loss, with the sweep that suits them and the memory it works in.

    Attributes
    ----------
    model
        As kernels take it; with a scaling, `Folded` around it.
    block
        Rows that are swept at once.
    address
        The sweep's, for rows like those given.
    loss
        A handle of the loss.
    """

    def __init__(self, problem: Problem, rows: Rows) -> None:
        task, dtype = problem.task, problem.X.dtype
        outputs = int(problem.layout.entries[-1][1][-1])
        sizes = np.array([problem.X.shape[1], *layered(task.model).hidden, outputs], dtype=np.int64)
        sparse, single = isinstance(rows.X, Csr), one_score(problem)
        block = row_block(int(sizes[0]), dtype.itemsize) if single else BLOCK
        self.block = block = entries_block(rows.X) if sparse else block
        line = np.empty((1, 1), dtype)
        self.loss = Handle(task.loss)
        self._activation = None if task.model.linear else Handle(layered(task.model).activation)
        numbers, there, back = 0, 0, 0
        if self._activation is not None:
            numbers = self._activation.address
            pieces = pieces_of_activation(layered(task.model).activation)
            there = address_for(pieces[0], self._activation, line, *[0] * 4)
            back = address_for(pieces[1], self._activation, line, *[0] * 5)
        score = address_for(piece_of_loss(task.loss), self.loss, line, *[0] * 7)
        bias = bool(layered(task.model).bias) or problem.scaling is not None
        model = Model(sizes, bias, block, self.loss.address, score, numbers, there, back)
        self._rows, self._size = rows, problem.layout.size
        self._works: dict[int, Any] = {}
        self.model: Any = model
        self.address = self._compiled(
            sparse_sweep if sparse else row_sweep if single else layers_sweep
        )
        if problem.scaling is not None:  # which only sparse rows leave to the parameters
            self.model = folded(self.address, model, problem.scaling)
            self.address = self._compiled(folded_sweep)

    def _compiled(self, sweep: Any) -> int:
        """Return the address of a sweep of the model as it is."""
        theta, gradient = np.empty(0, self._rows.y.dtype), np.empty(0)
        return address_for(sweep, self.model, self._rows, 0, 0, theta, gradient, self._memory())

    def _memory(self) -> Any:
        if isinstance(self._rows.X, Csr):
            return sparse_work(self.model, self._rows)
        return work_for(self.model, self._rows, self._size, self._rows.y.dtype)

    def work(self, worker: int) -> Any:
        """Return the memory of one thread."""
        if worker not in self._works:
            self._works[worker] = self._memory()
        return self._works[worker]


@final
class Updated:
    """A problem's rule and terms; or, for a look at the objective, the simplest rule.

    Attributes
    ----------
    terms, handle
        As kernels take them.
    """

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
        value, norm = (math.inf if limit is None else float(limit) for limit in limits)
        mean = problem.task.reduction == "mean"
        self.terms = Terms(mean, l1, l2, problem.weight_marks, value, norm)
        self.handle = Handle(GradientDescent() if looks else optimizer.rule, marks)
        self._state = np.empty((0, 0), dtype)
        self._rules: dict[Any, Rule] = {}

    def rule(self, dtype: Any) -> Rule:
        """Return the rule for gradients of some dtype."""
        if dtype not in self._rules:
            gradient, sums = np.empty(0, dtype), np.empty(SUMS)
            examples = self.terms, self._state, gradient, 0.0, 0.0, 0.0, 0, sums
            address = address_for(move, self.handle, *examples)
            self._rules[dtype] = Rule(self.handle.address, address)
        return self._rules[dtype]


def one_score(problem: Problem) -> bool:
    """Tell whether a row has one score, straight from its columns."""
    task = problem.task
    return task.model.linear and task.loss.targets != "labels" and problem.y.shape[1] == 1
