"""Sharpness: the objective's largest curvature where a training stands, and what its step bears.

Along an eigenvector of the Hessian with curvature l a rule stays stable while rate x l is below
what it bears: 2 for plain descent, 2 (1 + beta) with momentum.  The figures here are for the point
where training stands; a linear model's limit is that of `descend.forecasting`, which holds
everywhere.
Rules that divide by the gradient's own size meet D^-1/2 H D^-1/2 and bear 2 (1 + b1)/(1 - b1).

References: J. Cohen et al., "Gradient descent on neural networks typically occurs at the edge of
stability", ICLR 2021, and "Adaptive gradient methods at the edge of stability", 2022.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.curvature import known, largest_at
from descend.doctor.track import sizes_of
from descend.engines import engine_for
from descend.engines.checking import is_custom
from descend.engines.hessian import hessian
from descend.errors import InputError
from descend.forecasting import motion_of, of_problem
from descend.forecasting.grounds import changes, clips, grounds, notes
from descend.randomness import permutation

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.engines import Problem, Program
    from descend.forecasting import Forecast
    from descend.run import Run

# Rows that are looked at; all of them where there are no more.
ROWS = 5000
# A net's whole Hessian is computed where it takes at most so many gradients, by engine, and so many
# products; of others the largest eigenvalue alone, in size, by power iteration to about 1 %.
GRADIENTS, WORK = {"numba": 150, "numpy": 50}, 30_000_000
# Up to this many parameters a linear model's Hessian is computed outright.
DIRECT = 400
# Of the points told, every other one goes once there are so many.
POINTS = 240
CLAIMS = {"exact": "exact", "bound": "bound", "indicator": "indication"}


class Borne(NamedTuple):
    """What a rule bears of rate x curvature, and how that is written."""

    times: float
    formula: str


@final
class Sharpness:
    """What was seen of a branch's curvature as it went; `told` adds to it.

    Attributes
    ----------
    points
        (update, curvature, what the step could bear), in order.
    """

    def __init__(self) -> None:
        self.points: list[tuple[int, float, float]] = []
        self._forecasts: dict[str, Forecast] = {}

    def told(self, run: Run) -> dict[str, Any]:
        """Return the figures where a run stands, with those before.

        Raises
        ------
        InputError
            If there are none: the rule searches, a kink, own parts, parameters without bound.
        """
        found = sharpness_of(run)
        step = run.state.step
        self.points = [point for point in self.points if point[0] < step]
        self.points.append((step, found["sharpness"], found["edge"]))
        if len(self.points) > POINTS:
            self.points = [*self.points[: -POINTS // 2 : 2], *self.points[-POINTS // 2 :]]
        steps, curvatures, edges = zip(*self.points, strict=True)
        points = {"steps": steps, "curvatures": curvatures, "edges": edges}
        return {**found, **self._limits(run, found), "points": points}

    def _limits(self, run: Run, found: dict[str, Any]) -> dict[str, Any]:
        """Return the stable limit of the rate and the best rate, as far as they are known."""
        if not known(run.problem):
            local = found["bears"] / found["sharpness"] if found["sharpness"] > 0 else None
            return {"limit": local, "best": None}
        key = f"{run.task} {run.setup.batch_size}"
        if key not in self._forecasts:
            self._forecasts = {key: of_problem(run.problem)}
        forecast = self._forecasts[key]
        best = forecast.best_step if forecast.exact else None
        return {"limit": forecast.largest_stable_step, "best": best}


def sharpness_of(run: Run) -> dict[str, Any]:
    """Return the largest curvature where a run stands, what its rate can bear, and what is claimed.

    Raises
    ------
    InputError
        As `Sharpness.told`.
    """
    problem = run.problem
    rests = grounds(problem)
    _check(run, rests.because)
    borne = borne_by(problem.task.optimizer.rule)
    sample = _sampled(problem)
    theta = run.state.theta.astype(np.float64)
    with np.errstate(all="ignore"):
        value = _largest(run, sample, theta)
    if not math.isfinite(value):
        msg = (
            "The parameters, or the slopes at them, are no finite numbers: they have no curvature."
        )
        raise InputError(msg)
    rate = _rate_of(run)
    return {
        "sharpness": value,
        "edge": borne.times / rate,
        "bears": borne.times,
        "formula": borne.formula,
        "rate": rate,
        "scaled": problem.task.optimizer.rule.scaled,
        "claim": CLAIMS[rests.basis],
        "sentence": " ".join([_because(problem, rests.because), *_left_out(problem, sample)]),
    }


def _check(run: Run, because: str) -> None:
    """Refuse what has no curvature to be told."""
    problem, rule = run.problem, run.task.optimizer.rule
    if rule.searches:
        raise InputError(because)
    if not run.task.loss.smooth or is_custom(run.task):
        what = (
            "an own part" if is_custom(run.task) else f"the loss {run.task.loss.name}, with a kink,"
        )
        msg = f"The curvature is not told for {what}: it is nowhere, or not known."
        raise InputError(msg)
    if not isinstance(problem.X, np.ndarray):
        msg = "The curvature is told for dense rows; these are sparse. Look at the losses instead."
        raise InputError(msg)
    if rule.scaled and run.state.step == 0:
        msg = (
            f"The rule {rule.name} divides by the size of the gradients it has met, and has met "
            "none yet: do one update."
        )
        raise InputError(msg)


def borne_by(rule: Any) -> Borne:
    """Return what a rule bears of rate x curvature.

    >>> from descend.optimizers import adam, momentum
    >>> borne_by(momentum(0.1, beta=0.5).rule)
    Borne(times=3.0, formula='2 (1 + β) / learning rate')
    >>> round(borne_by(adam().rule).times, 6)
    38.0
    """
    if rule.scaled:
        beta = float(getattr(rule, "beta1", 0.0))
        formula = "2 (1 + β1) / (1 − β1) / learning rate" if beta else "2 / learning rate"
        return Borne(2.0 * (1.0 + beta) / (1.0 - beta), formula)
    motion = motion_of(rule)
    if motion is None:
        raise AssertionError(rule)
    formula = {
        "momentum": "2 (1 + β) / learning rate",
        "nesterov": "2 (1 + β) / (1 + 2β) / learning rate",
    }.get(rule.name, "2 / learning rate")
    return Borne(float(motion.limit), formula)


def _rate_of(run: Run) -> float:
    """Return the rate of the next update, schedule and plateaus included."""
    step = run.state.step
    return float(run.problem.rate(step, run.scale_at(step)[0]))


def _because(problem: Problem, because: str) -> str:
    rule = problem.task.optimizer.rule
    if rule.scaled:
        return (
            f"An indication: {rule.name} divides the gradient by its own size, so its limit is for "
            "the curvature divided by the same sizes, which change as it goes."
        )
    if not known(problem):
        return "An indication: the curvature of a net changes from update to update."
    return because


def _left_out(problem: Problem, sample: Problem) -> list[str]:
    """Return sentences on what the figures leave out."""
    said = []
    if not problem.full_batch:
        said.append(
            f"It is that of all rows; updates see {problem.batch_size} at a time, each batch with "
            "a curvature of its own, and their noise is left out."
        )
    if sample.n < problem.n:
        said.append(f"Looked at {sample.n} of {problem.n} rows.")
    if known(problem):
        return said + list(notes(problem))
    if changes(problem):
        said.append("The rate is that of the next update; the schedule changes it.")
    if clips(problem):
        said.append("Clipping shortens large steps, so beyond the limit it wanders.")
    return said


# ---------------------------------------------------------------- the largest curvature


def _sampled(problem: Problem) -> Problem:
    """Return the problem on at most `ROWS` rows, full batch, in double precision, as a mean.

    What sums over all rows sums over the sample as many times as it is smaller.
    """
    rows: Any = slice(None)
    if problem.n > ROWS:
        rows = np.sort(permutation(problem.n, problem.seed, "sample")[:ROWS])
    y = problem.y[rows]
    return replace(
        problem,
        X=np.asarray(problem.X[rows], dtype=np.float64),
        y=y if y.dtype.kind == "i" else y.astype(np.float64),
        weights=None if problem.weights is None else problem.weights[rows].astype(np.float64),
        batch_size=None,
    )


def _largest(run: Run, sample: Problem, theta: Floats) -> float:
    """Return the largest eigenvalue of the Hessian, as the rule meets it."""
    rule = run.task.optimizer.rule
    sizes = sizes_of(rule, run.state) if rule.scaled else None
    beyond = _beyond(run.problem, sample)
    if not np.isfinite(theta).all():
        return math.nan
    if known(sample) and len(theta) <= DIRECT:
        H = hessian(sample, theta)
    else:
        engine = _engine(run)
        program = engine_for(engine, sample)[1]
        gradients = 2 * len(theta)
        if gradients > GRADIENTS[engine] or gradients * len(theta) * sample.n > WORK:
            return beyond * largest_at(program, theta, run.setup.seed, sizes)
        H = by_differences(program, theta)
    if sizes is not None:
        root = np.sqrt(sizes)
        H = H / np.outer(root, root)
    if not np.isfinite(H).all():
        return math.nan
    return beyond * float(np.linalg.eigvalsh(H)[-1])


def _engine(run: Run) -> str:
    """Return the engine to look with: the compiled one where it is at work, and so compiled."""
    compiled = run.engine_used.startswith("numba") and run.theta.dtype == np.float64
    return "numba" if compiled else "numpy"


def _beyond(problem: Problem, sample: Problem) -> float:
    """Return how much steeper the objective an update meets is than the sample's."""
    if problem.task.reduction == "mean":
        return 1.0
    met = problem.n if problem.full_batch else (problem.batch_size or problem.n)
    return met / sample.n


def by_differences(program: Program, theta: Floats) -> Floats:
    """Return the Hessian (P, P) by central differences of the gradient.

    The step trades the rounding of the gradient, eps / h, for the next term, h²: their sum is
    least near the cube root of eps.
    """
    step = float(np.finfo(np.float64).eps) ** (1 / 3)
    H = np.empty((len(theta), len(theta)))
    for j in range(len(theta)):
        moved = theta.copy()
        h = step * (1.0 + abs(theta[j]))
        moved[j] = theta[j] + h
        ahead = program.value_and_gradient(moved)[1].copy()
        moved[j] = theta[j] - h
        H[j] = (ahead - program.value_and_gradient(moved)[1]) / (2 * h)
    return (H + H.T) / 2
