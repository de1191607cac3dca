"""The chart: everything a diagnosis may look at, computed once, when it is first asked for.

A fact that cannot be had is None.  Rows are looked at through a keyed sample where there are many;
nothing here trains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend import losses, models, optimum
from descend.arrays import Array, Floats, is_sparse
from descend.engines import Problem, engine_for, scores_of
from descend.engines.checking import is_custom
from descend.models import MLP
from descend.randomness import permutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import State
    from descend.engines import Program
    from descend.run import Run
    from descend.task import Task

# Rows that statistics are taken of, and rows that nets are run on.
ROWS, FEW_ROWS = 1 << 12, 1 << 11
# States that are looked at along the way.
LOOKS = 17


class Rows(NamedTuple):
    """Some rows.

    Attributes
    ----------
    given, X
        (m, d) in double precision: as they were given, and as the model meets them.
    y
        (m, k), or integer labels (m,).
    weights
        (m,), or None.
    places
        Which rows of all they are.
    total
        How many rows there are in all.
    """

    given: Floats
    X: Floats
    y: Array
    weights: Floats | None
    places: Array
    total: int


class Layer(NamedTuple):
    """A layer of a net at some theta: what came in, was summed, and was passed on.

    Attributes
    ----------
    inputs, sums, outputs
        (m, units before), (m, units), (m, units).
    weight, bias
        Its parameters; the bias may be None.
    """

    inputs: Floats
    sums: Floats
    outputs: Floats
    weight: Floats
    bias: Floats | None


@final
@dataclass(frozen=True, eq=False)
class Chart:
    """What is known of a run, or of a history from elsewhere.

    Attributes
    ----------
    run
        The run, or None.
    history
        Name to array: loss, gradient_norm, update_norm, learning_rate per update; and per epoch
        epoch_loss, validation_loss, and metrics.
    given
        Rows that came with a history from elsewhere: X, y, or None.
    skipped
        Sentences of what could not be looked at; rules add to it.
    since
        The update at which the learning rate, the rule's numbers, the penalty or the parameters
        were last changed by hand: what went before is not the doing of those in force now, so the
        run is judged as if it had begun there.  0 where nothing was changed.
    """

    run: Run | None
    history: dict[str, Floats]
    given: tuple[Any, Any] | None = None
    skipped: list[str] = field(default_factory=list)
    since: int = 0

    # ------------------------------------------------------------ what was asked

    @property
    def task(self) -> Task | None:
        """The task, or None."""
        return None if self.run is None else self.run.task

    @property
    def names(self) -> Sequence[str]:
        """The features' names."""
        return () if self.run is None else self.run.names

    @property
    def linear(self) -> bool:
        """Whether the model is linear, and of this library."""
        return self.task is not None and not self.custom and self.task.model.linear

    @property
    def net(self) -> MLP | None:
        """The net, if the model is one with hidden layers."""
        model = None if self.task is None else self.task.model
        return model if isinstance(model, MLP) and model.hidden else None

    @property
    def custom(self) -> bool:
        """Whether a part is its author's own."""
        return self.task is not None and is_custom(self.task)

    @property
    def labels(self) -> bool:
        """Whether the loss takes labels."""
        return self.task is not None and self.task.loss.targets in {"two labels", "labels"}

    def of(self, name: str) -> Floats | None:
        """Return a column of the history, or None."""
        found = self.history.get(name)
        return found if found is not None and len(found) else None

    # ------------------------------------------------------------ rows

    @cached_property
    def problem(self) -> Problem | None:
        """The run's problem, all rows; None without rows."""
        return None if self.run is None or self.run.data is None else self.run.problem

    @cached_property
    def rows(self) -> Rows | None:
        """Training rows, at most `ROWS` of them."""
        data = None if self.run is None else self.run.data
        if data is None or self.run is None:
            return None
        return _rows(self.run, data.X, data.y, data.weights)

    @cached_property
    def validation(self) -> Rows | None:
        """Validation rows, at most `ROWS` of them."""
        data = None if self.run is None else self.run.data
        if self.run is None or data is None or data.validation is None:
            return None
        X, y, weights = data.validation
        return _rows(self.run, X, y, weights)

    @cached_property
    def sample(self) -> Problem | None:
        """The problem on `rows`, dense, in double precision, full batch."""
        problem, rows = self.problem, self.rows
        if problem is None or rows is None:
            return None
        return replace(
            problem,
            X=rows.X,
            y=rows.y if rows.y.dtype.kind == "i" else rows.y.astype(np.float64),
            weights=rows.weights,
            batch_size=None,
            scaling=None,
        )

    @cached_property
    def unit(self) -> float:
        """What a rate is in terms of the objective over `sample`: more than itself for sums.

        An update of a summed loss takes the sum over its batch, or over all rows; over the m rows
        of the sample the objective is that many times smaller.
        """
        run, rows = self.run, self.rows
        if run is None or rows is None or run.task.reduction == "mean":
            return 1.0
        met = run.setup.n if run.setup.full_batch else (run.setup.batch_size or run.setup.n)
        return met / len(rows.X)

    @cached_property
    def judge(self) -> Program | None:
        """An engine on `sample`: objective and gradient; the reference where it can be."""
        if self.sample is None:
            return None
        # A gradient by hand and a library's are two gradients: ask the one that trained.
        name = self.run.engine_used.partition("/")[0] if self.run and self.custom else "numpy"
        return engine_for(name, self.sample)[1]

    # ------------------------------------------------------------ states

    @cached_property
    def states(self) -> list[State]:
        """States along the way, the start first and the end last; only what was kept."""
        run = self.run
        if run is None:
            return []
        kept = [] if run.keyframes is None else list(run.keyframes.steps)
        chosen = (
            sorted({kept[i] for i in np.linspace(0, len(kept) - 1, LOOKS).astype(int)})
            if kept
            else []
        )
        found = [] if run.keyframes is None else [run.keyframes.before(step) for step in chosen]
        found = [s for s in found if self.since <= s.step < run.state.step]
        if self.since and self.begun is not None and self.since < run.state.step:
            found = [self.begun, *(s for s in found if s.step > self.since)]
        return [*found, run.state]

    @cached_property
    def begun(self) -> State | None:
        """The state from which the run is judged, by replay; None without rows."""
        if self.problem is None or self.run is None:
            return None
        if not self.since or self.run.keyframes is None:
            return self.problem.start()
        return self.run.at(self.since).state

    @property
    def done(self) -> int:
        """Updates that are judged."""
        return 0 if self.run is None else self.run.state.step - self.since

    @property
    def start(self) -> Floats | None:
        """Theta before the first update that is judged."""
        if self.begun is not None:
            return self.begun.theta.astype(np.float64)
        kept = self.states
        return kept[0].theta.astype(np.float64) if kept and kept[0].step == self.since else None

    @property
    def end(self) -> Floats | None:
        """The returned theta."""
        return None if self.run is None else self.run.theta.astype(np.float64)

    @property
    def last(self) -> Floats | None:
        """Theta after the last update, which may not be the one returned."""
        return None if self.run is None else self.run.state.theta.astype(np.float64)

    def scores(self, theta: Floats | None, rows: Rows | None) -> Floats | None:
        """Return the raw scores (m, k) of some rows, or None."""
        if self.run is None or theta is None or rows is None:
            return None
        task, layout = self.run.task, self.run.layout
        found: Floats = scores_of(task, layout, theta, rows.X).astype(np.float64)
        return found

    @cached_property
    def end_scores(self) -> Floats | None:
        """Scores of `rows` at the returned theta."""
        return self.scores(self.end, self.rows)

    @cached_property
    def start_scores(self) -> Floats | None:
        """Scores of `rows` before the first update."""
        return self.scores(self.start, self.rows)

    def objective(self, theta: Floats | None) -> float | None:
        """Return the objective over `sample` at theta, or None."""
        if theta is None or self.judge is None:
            return None
        with np.errstate(all="ignore"):
            return float(self.judge.value(theta))

    def gradient(self, theta: Floats | None) -> Floats | None:
        """Return its gradient there, or None."""
        if theta is None or self.judge is None:
            return None
        with np.errstate(all="ignore"):
            return np.asarray(self.judge.value_and_gradient(theta)[1], dtype=np.float64)

    @cached_property
    def start_loss(self) -> float | None:
        """The objective over `sample` before the first update; of a history, its first loss."""
        found = self.objective(self.start)
        losses_seen = self.of("loss")
        return found if found is not None or losses_seen is None else float(losses_seen[0])

    @cached_property
    def end_loss(self) -> float | None:
        """The objective over `sample` at the returned theta; of a history, its last loss."""
        found = self.objective(self.end)
        losses_seen = self.of("loss")
        return found if found is not None or losses_seen is None else float(losses_seen[-1])

    @cached_property
    def constant_loss(self) -> float | None:
        """What the best constant scores would give over `sample`, without the penalty."""
        if self.sample is None or self.task is None or self.rows is None or self.end_scores is None:
            return None
        if self.task.loss.name == "custom":
            return None
        k = self.end_scores.shape[1]
        constant = losses.best_constant(self.task.loss, self.rows.y, self.rows.weights, k)
        spread = np.broadcast_to(constant, (len(self.rows.X), k))
        per_row = losses.rows(self.task.loss, spread, self.sample.y)
        return float(losses.reduce(per_row, self.rows.weights, self.task.reduction))

    # ------------------------------------------------------------ a linear model's mathematics

    @cached_property
    def best(self) -> tuple[float, Floats] | None:
        """The least objective over `sample` and where, for linear smooth convex tasks."""
        if self.run is None or self.sample is None or not self.linear:
            return None
        return optimum.least_of(self.run, self.sample)

    @cached_property
    def plain_loss(self) -> float | None:
        """What the best linear model on standardised columns would give over `few` rows' like.

        A reference for nets: None for a loss that is not smooth and convex.
        """
        sample, run = self.sample, self.run
        if sample is None or run is None or self.rows is None:
            return None
        return optimum.plain_least(run, sample)

    def with_rows(self, X: Floats) -> Chart:
        """Return a chart on which the model meets other rows, of the same number."""
        other = Chart(self.run, self.history, self.given, since=self.since)
        if self.rows is None or self.sample is None:
            raise AssertionError
        vars(other)["rows"] = self.rows._replace(X=X)
        vars(other)["sample"] = replace(self.sample, X=X)
        return other

    def with_first(self, count: int) -> Chart | None:
        """Return a chart of the first few of `rows` alone, or None."""
        rows, sample = self.rows, self.sample
        if rows is None or sample is None or not count:
            return None
        part = slice(0, count)
        weights = None if rows.weights is None else rows.weights[part]
        other = Chart(self.run, self.history, self.given, since=self.since)
        vars(other)["sample"] = replace(sample, X=sample.X[part], y=sample.y[part], weights=weights)
        return other

    # ------------------------------------------------------------ a net's layers

    @cached_property
    def few(self) -> Rows | None:
        """At most `FEW_ROWS` of `rows`."""
        rows = self.rows
        if rows is None:
            return None
        part = slice(0, FEW_ROWS)
        weights = None if rows.weights is None else rows.weights[part]
        return Rows(
            rows.given[part], rows.X[part], rows.y[part], weights, rows.places[part], rows.total
        )

    def layers(self, theta: Floats | None) -> list[Layer]:
        """Return the hidden layers of the net, and its last one, at theta on `few` rows."""
        net, few, run = self.net, self.few, self.run
        if net is None or few is None or run is None or theta is None:
            return []
        with np.errstate(all="ignore"):
            scores, tape = models.forward(net, theta, run.layout, few.X)
        parts = run.layout.split(theta)
        found = []
        outputs = [*tape.inputs[1:], scores]
        for i, out in enumerate(outputs):
            name = f"layer{i + 1}."
            sums = tape.sums[i] if i < len(tape.sums) else scores
            bias = parts.get(f"{name}bias")
            found.append(Layer(tape.inputs[i], sums, out, parts[f"{name}weight"], bias))
        return found

    # ------------------------------------------------------------ rows from anywhere

    @cached_property
    def table(self) -> Rows | None:
        """Training rows of the run, or those that came with a history from elsewhere."""
        if self.rows is not None or self.given is None or self.given[0] is None:
            return self.rows
        X, y = (None if part is None else np.asarray(part) for part in self.given)
        if X is None or X.dtype.kind not in "fiub" or X.ndim not in {1, 2}:
            return None
        X = X.reshape(len(X), -1).astype(np.float64)
        if y is None:
            y = np.zeros((len(X), 0))
        elif y.dtype.kind not in "fiub":
            y = np.unique(y, return_inverse=True)[1]
        y = y.astype(np.float64).reshape(len(y), -1)
        if len(y) != len(X) or not (np.isfinite(X).all() and np.isfinite(y).all()):
            return None
        index = np.arange(len(X))
        if len(X) > ROWS:
            index = permutation(len(X), 0, "sample")[:ROWS]
        return Rows(X[index], X[index], y[index], None, index, len(X))


def _rows(run: Run, given: Any, y: Any, weights: Any) -> Rows:
    """Return a keyed sample of rows, dense and in double precision."""
    n = int(given.shape[0])
    # Row 0 of a keyed order is as good as any, so the first few are a sample of the sample.
    index = np.arange(n) if n <= FEW_ROWS else permutation(n, run.setup.seed, "sample")[:ROWS]
    raw = _dense(given[index])
    met = raw
    if run.scaling is not None:
        met = (raw - run.scaling.mean) / run.scaling.deviation
    return Rows(
        raw, met, y[index], None if weights is None else weights[index].astype(np.float64), index, n
    )


def _dense(X: Any) -> Floats:
    found: Floats = (X.toarray() if is_sparse(X) else np.asarray(X)).astype(np.float64)
    return found


def finite(value: float | None) -> bool:
    """Tell whether there is a number, and it is finite."""
    return value is not None and math.isfinite(value)
