"""The track of a run: what its losses, gradients and steps say, whatever the model.

The sharpness of a step is a pure number, rate x curvature / limit: 1 is the edge of what the rule
can bear.  Rules that divide by the gradient's own size (Adam and its relatives) meet the curvature
divided by the same sizes, D^-1/2 H D^-1/2, and bear 2 (1 + b1)/(1 - b1) of it.

References: J. Cohen et al., "Gradient descent on neural networks typically occurs at the edge of
stability", ICLR 2021, and "Adaptive gradient methods at the edge of stability", 2022.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.curvature import largest_at
from descend.forecasting import motion_of
from descend.optimizers import gradient_descent

if TYPE_CHECKING:
    from descend.arrays import State
    from descend.doctor.chart import Chart


class Track(NamedTuple):
    """What is seen along the way.

    Attributes
    ----------
    steps, losses
        (m,) updates done at the states looked at, and the objective over the sample there.
    turned
        How much the gradient changed from the start to the end, as a share of its first length.
    shrunk
        The last gradient's length over the first one's.
    sharpness
        At the start and at the end: rate x curvature / limit; NaN where it cannot be had.
    rises
        The share of the second half's recorded updates at which the loss rose (full batch only).
    noise
        The variance of a batch's gradient at the end, sum over parameters; 0 for the full batch.
    slope
        The mean square of the whole gradient's length at the last states.
    moving
        The share of the whole fall of the loss that came in its last fifth.
    """

    steps: Any
    losses: Floats
    turned: float
    shrunk: float
    sharpness: tuple[float, float]
    rises: float
    noise: float
    slope: float
    moving: float

    @property
    def last_fifth(self) -> float:
        """How far the loss fell in the last fifth."""
        return self.moving * float(self.losses[0] - self.losses[-1])

    @property
    def sharp(self) -> float:
        """The larger of the two sharpnesses; NaN where neither is known."""
        return max((s for s in self.sharpness if math.isfinite(s)), default=math.nan)


def track(chart: Chart) -> Track | None:
    """Return the track of a run with its rows, or None."""
    run, judge, start = chart.run, chart.judge, chart.start
    if run is None or judge is None or start is None or chart.done < 1:
        return None
    states = chart.states
    values = np.array([chart.objective(s.theta.astype(np.float64)) for s in states], dtype=float)
    first, last = chart.gradient(start), chart.gradient(chart.last)
    if first is None or last is None:
        return None
    length = float(np.linalg.norm(first)) or math.nan
    return Track(
        np.array([s.step for s in states]),
        values,
        float(np.linalg.norm(last - first)) / length,
        float(np.linalg.norm(last)) / length,
        (sharpness(chart, _after_one(chart)), sharpness(chart, run.state)),
        _rises(chart),
        _noise(chart, last),
        _slope(chart, states),
        _moving(values, states),
    )


def _after_one(chart: Chart) -> State:
    """Return the state after the first update, whose memory is no longer empty."""
    run, begun = chart.run, chart.begun
    if run is None or begun is None:
        raise AssertionError
    return begun if not run.task.optimizer.rule.scaled else run.program.advance(begun, 1).state


def _rises(chart: Chart) -> float:
    loss = chart.of("loss")
    if chart.run is None or loss is None or not chart.run.setup.full_batch or len(loss) < 8:  # noqa: PLR2004 - too short to tell
        return 0.0
    late = loss[len(loss) // 2 :]
    changes = np.diff(late)
    floor = 1e-12 * np.abs(late[1:])
    return float(np.mean(changes > floor))


def _noise(chart: Chart, gradient: Floats) -> float:
    """Return E|g of a batch|² - |g|²: the batches' gradients were recorded."""
    run, lengths = chart.run, chart.of("gradient_norm")
    if run is None or run.setup.full_batch or lengths is None:
        return 0.0
    late = lengths[-max(len(lengths) // 8, min(len(lengths), 2)) :] / chart.unit
    return max(float(np.mean(late**2)) - float(gradient @ gradient), 0.0)


def _slope(chart: Chart, states: list[State]) -> float:
    """Return the mean of |g|² over the last five states, for a run on batches."""
    if chart.run is None or chart.run.setup.full_batch:
        return 0.0
    found = [chart.gradient(s.theta.astype(np.float64)) for s in states[-5:]]
    return float(np.mean([g @ g for g in found if g is not None]))


def _moving(values: Floats, states: list[State]) -> float:
    """Return how much of the whole fall came in the last fifth."""
    total = values[0] - values[-1]
    if not (np.isfinite(values).all() and total > 0):
        return 0.0
    at = np.array([s.step for s in states], dtype=float)
    before = float(np.interp(0.8 * at[-1], at, values))
    return max((before - float(values[-1])) / float(total), 0.0)


# ---------------------------------------------------------------- sharpness


def sharpness(chart: Chart, state: State) -> float:
    """Return rate x curvature / limit at a state; NaN where it cannot be had."""
    run, judge = chart.run, chart.judge
    if run is None or judge is None or run.task.optimizer.rule.searches:
        return math.nan
    rule: Any = run.task.optimizer.rule
    theta = state.theta.astype(np.float64)
    sizes = sizes_of(rule, state)
    with np.errstate(all="ignore"):
        L = largest_at(judge, theta, run.setup.seed, sizes)
    rate = run.problem.rate(min(max(state.step - 1, 0), max(run.state.step - 1, 0)), 1.0)
    rate *= run.scale_at(max(state.step - 1, 0))[0] * chart.unit
    if not math.isfinite(L) or L <= 0:
        return math.nan
    if rule.scaled:
        beta = getattr(rule, "beta1", 0.0)
        return float(rate * L * (1 - beta) / (2 * (1 + beta)))
    motion = motion_of(rule)
    return math.nan if motion is None else float(rate * L / motion.limit)


def sizes_of(rule: Any, state: State) -> Floats:
    """Return what the rule divides the gradient by."""
    ones = np.ones(len(state.theta))
    if not rule.scaled:
        return ones
    slots = dict(zip(rule.slots, state.slots.astype(np.float64), strict=True))
    t = max(state.step, 1)
    kept = getattr(rule, "beta2", None)
    square = slots.get("largest_mean_square", slots.get("mean_square"))
    if square is None:
        square = slots["sum_of_squares"]
    corrected = square / (1 - kept**t) if kept is not None else square
    found: Floats = np.sqrt(np.maximum(corrected, 0)) + rule.epsilon
    return found


def plain_rule(chart: Chart) -> Any:
    """Return the rule whose arithmetic a valley is asked about; scaled rules have none."""
    rule: Any = None if chart.task is None else chart.task.optimizer.rule
    plain = rule is None or rule.scaled or rule.searches
    return gradient_descent().rule if plain else rule


def walked(chart: Chart) -> float:
    """Return what all learning rates add up to."""
    rates = chart.of("learning_rate")
    if rates is None or chart.run is None:
        return math.inf
    return chart.done * float(np.mean(rates))
