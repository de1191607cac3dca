"""How a fit ended, in words, and what would help, in the estimators' own parameters.

A fit that used up its epochs was one of four: its step was *too large* (the loss goes up and
down), it stood on a *plateau* (the loss stopped falling, the gradient is not small), it was *slow*
(ill-conditioned, or its step far too small), or simply *out of epochs* (still falling).

    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5], epochs=40)
    >>> print(stop_reason(run))
    Stopped after all 40 epochs (40 updates); loss 0.0148095. It ran out of epochs while the loss \
was still falling: max_iter=97 would be about enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.arrays import is_sparse
from descend.curvature import QUADRATIC, known
from descend.custom import CustomModel
from descend.engines import scores_of
from descend.engines.searching import LARGEST
from descend.estimators.history import EpochHistory
from descend.forecasting import motion_of, of_problem
from descend.models import layered
from descend.scaling import applied, measured

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.engines import Problem
    from descend.forecasting import Forecast
    from descend.run import Run

# Epochs below which a loss has no shape.
FEWEST = 8
# Rises at more than a fifth of the last quarter's epochs are swings.
SWINGS = 0.2
# A loss that fell by less than this share of its whole way in the last quarter stands.
STANDS = 1e-3
# And one that swings, by less than so many times what chance makes of medians.
SIGMAS = 5.0
# A gradient above this share of its first length is not small; one below the other is rounding.
NOT_SMALL, GONE = 0.05, 1e-10
# Below this share of the largest stable step a step is far too small.
FAR_TOO_SMALL = 0.05
# Below this share it is so whatever the trend says.
TINY = 1e-3
# More than this many times the epochs is slow; condition numbers from here on are ill.
SLOW, ILL = 10.0, 1e3
# More than so many times the epochs are not worth suggesting.
MOST = 100.0
# A rate that fell to less than this of its largest has faded.
FADED = 0.01
# A run that ends above its start by this share of it was made worse.
RISEN = 0.5
# Entries up to which it is looked whether classes are separated; a mean margin that is none.
SEPARABLE, SEEN = 200_000, 1e-9
# Columns and multiplications up to which the whole spectrum is looked at: some milliseconds.
COLUMNS, PRODUCTS = 200, 10_000_000
# Where no tolerance was asked for, a hundredth of the last quarter's speed counts as arrived.
ARRIVED = 0.01
# The first few names of many are listed.
LISTED = 5

AT_AN_END = ("converged", "arrived", "stopped")


class Ending(NamedTuple):
    """How a fit ended.

    Attributes
    ----------
    kind
        ``"converged"``; ``"arrived"``, without a rule that says so; ``"stopped"``, by validation,
        a callback or the user; ``"diverged"``; or, of what was not finished, ``"too large"``,
        ``"plateau"``, ``"slow"``, ``"out of epochs"``.
    advice
        A sentence with what would help; empty where nothing is the matter.
    """

    kind: str
    advice: str


def stop_reason(run: Run) -> str:
    """Return the outcome's sentence, and unless all is well which ending it was and what helps."""
    found = ending_of(run)
    return f"{run.outcome.sentence} {found.advice}".rstrip()


def kind_of_ending(run: Run) -> str:
    """Return the kind of `Ending`."""
    return ending_of(run).kind


def is_at_an_end(run: Run) -> bool:
    """Tell whether a run ended by a rule, by request, or with nothing left to gain."""
    return kind_of_ending(run) in AT_AN_END


def ending_of(run: Run) -> Ending:
    """Return how a finished run ended."""
    run, outcome = run.in_force(), run.outcome
    if outcome.diverged:
        return Ending("diverged", _about_divergence(run))
    if outcome.converged:
        return Ending("converged", "")
    if outcome.reason in {"validation", "callback", "interrupted", "led"}:
        return Ending("stopped", "")
    seen = _Seen(run)
    if outcome.reason != "epochs":  # a rule ended it, and yet it does not count as converged
        return Ending("slow", _ill_conditioned(seen))
    for judge in (_arrived, _came_to_rest, _separated, _tiny, _too_large, _standing, _slow):
        found = judge(seen)
        if found is not None:
            return found
    return _unfinished(seen)


def ended_above_its_start(run: Run) -> bool:
    """Tell whether a run ended well above where it began: exploded, within some bounds."""
    judged = run.outcome.reason in {"epochs", "settled"} and run.setup.full_batch
    if not judged or not len(run.history.updates):
        return False
    first = float(run.history["loss"][0])
    return not run.outcome.loss <= first + RISEN * abs(first)


def divergence_message(run: Run) -> str:
    """Return one sentence on a run that diverged: its step, the largest stable one, what to do."""
    run = run.in_force()
    at = run.outcome.diverged_at
    if at is None:
        first, rate = run.history["loss"][0], run.setup.learning_rate
        limit = largest_stable_step(run)
        known = "" if limit is None else f", the largest stable step is {limit:.3g}"
        half = f"learning_rate={_half(rate / 5 if limit is None else limit)}"
        return (
            f"Training made it worse: the loss went from {first:.4g} to {run.outcome.loss:.4g} "
            f"with the learning rate {rate:.3g}{known}; use learning_rate='auto' or {half}."
        )
    said = _about_divergence(run)
    return f"Training diverged at update {at}: {said[0].lower()}{said[1:]}"


def largest_stable_step(run: Run) -> float | None:
    """Return the learning rate from which on the run's updates lead away; None if not known.

    That of `forecast`: plain descent 2/L, momentum 2(1 + beta)/L, Nesterov
    2(1 + beta)/((1 + 2 beta) L), with L the largest curvature; with batches 2(1 - beta) over their
    expected smoothness.  For nets it is that at the start.  Of many rows or columns an estimate,
    from a sample of the rows.  None for rules that search or divide by the gradient's own size,
    for losses with a kink, whose slopes are bounded, and where no rows are attached.
    """
    run = run.in_force()
    task, rate = run.task, run.setup.learning_rate
    rule = task.optimizer.rule
    motion = None if rule.searches else motion_of(rule)
    if motion is None or run.data is None:
        return None
    problem = run.problem
    if known(problem) and not task.loss.smooth:
        return None
    if known(problem) and task.optimizer.learning_rate == "auto" and rate != rule.usual_rate:
        return rate * (motion.limit if run.setup.full_batch else 2.0)
    return of_problem(_few(problem)).largest_stable_step


# ---------------------------------------------------------------- what is seen of a run


@final
@dataclass(frozen=True, eq=False)
class _Seen:
    """A run with the figures that its ending is judged by, each found when first asked for."""

    run: Run

    @cached_property
    def loss(self) -> Floats:
        """The loss per epoch; with the last one where it is of the same kind."""
        found, run = EpochHistory.of(self.run)["loss"], self.run
        if run.setup.full_batch and run.outcome.best_step is None and len(found):
            return np.append(found, run.outcome.loss)
        return found

    @cached_property
    def epochs(self) -> int:
        """Epochs done, of those that were recorded if any were: of a fit that went on, its own."""
        recorded = EpochHistory.of(self.run).epochs
        if len(recorded):
            return int(recorded[-1])
        return max(-(-self.run.state.step // self.run.setup.batches_per_epoch), 1)

    @cached_property
    def gradients(self) -> Floats:
        """The gradient's length at each row of the history, with all rows to an update."""
        return self.run.history["gradient_norm"] if self.run.setup.full_batch else np.empty(0)

    @cached_property
    def share(self) -> float:
        """The gradient's length at the end, as a share of the first; NaN where it is not known."""
        run, first = self.run, self.run.controller.first_gradient
        kept = self.gradients
        if first is None and len(kept):
            first = float(kept[0])
        if len(kept) and run.outcome.best_step is None:
            here = float(kept[-1])
        elif run.data is None:
            here = math.nan
        else:
            here = _length(run, run.theta)
            first = _length(run, run.problem.start().theta) if first is None else first
        return here / first if first else math.nan

    @cached_property
    def quarters(self) -> list[float]:
        """The loss's median in each quarter of the epochs."""
        return [float(np.median(part)) for part in np.array_split(self.loss, 4)]

    @property
    def falls(self) -> bool:
        """Whether the loss still fell in the last quarter."""
        if len(self.loss) < FEWEST:
            return True
        whole = float(self.loss[0] - self.loss.min())
        # Medians of a quarter of swings differ by about so much; of a smooth fall by far more.
        chance = float(np.median(np.abs(np.diff(self.late)))) / math.sqrt(len(self.loss) / 4)
        by_chance = SIGMAS * chance if self.swings else 0.0
        return min(self.quarters[1:3]) - self.quarters[3] > max(STANDS * whole, by_chance)

    @property
    def late(self) -> Floats:
        """The loss in the last quarter, and a little more of short ones."""
        return self.loss[-max(len(self.loss) // 4, FEWEST) :]

    @property
    def swings(self) -> bool:
        """Whether the loss went up and down in the last quarter."""
        late = self.late
        rounding = 1e-12 * float(np.abs(late).max(initial=0.0))
        return len(late) >= FEWEST and float((np.diff(late) > rounding).mean()) > SWINGS

    @cached_property
    def limit(self) -> float | None:
        """The largest stable step of a linear model."""
        return largest_stable_step(self.run) if self.linear else None

    @property
    def linear(self) -> bool:
        """Whether rows are there and the mathematics of a linear model is known."""
        return self.run.data is not None and known(self.run.problem)

    @cached_property
    def outlook(self) -> Forecast | None:
        """What arithmetic says of a linear model, where that is a matter of milliseconds."""
        if not self.linear or self.run.setup.d > COLUMNS:
            return None
        return of_problem(_few(self.run.problem))

    @cached_property
    def needed(self) -> float:
        """Epochs in all after which the run would end by its own rule, at its last pace.

        The gradient, or the loss's speed, is taken to die away geometrically, as it did from the
        third quarter to the fourth; infinite where it did not.
        """
        s, kept = self.run.setup, self.gradients
        if len(kept) >= FEWEST and s.gradient_tolerance:
            third, fourth = (float(part.max()) for part in np.array_split(kept, 4)[2:])
            wanted = s.gradient_tolerance * (self.run.controller.first_gradient or float(kept[0]))
            return self._until(third, fourth, wanted)
        if len(self.loss) < FEWEST:
            return math.nan
        a, b, c = self.quarters[1:]
        wanted = ARRIVED * (b - c)
        if s.loss_tolerance:  # ten epochs are to bring less than so much
            wanted = s.loss_tolerance * abs(c) * self.epochs / 40
        return self._until(a - b, b - c, wanted)

    def _until(self, before: float, after: float, wanted: float) -> float:
        quarter = self.epochs / 4
        if not 0 < after < before:
            return math.inf
        if wanted <= 0 or not math.isfinite(wanted):
            return math.nan
        more = math.log(after / wanted) / math.log(before / after)
        return self.epochs + quarter * max(more, 0.0)


def _length(run: Run, theta: Floats) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(run.program.value_and_gradient(theta)[1].astype(np.float64)))


def _few(problem: Problem) -> Problem:
    """Return the problem on so few rows, spread evenly, that its curvature is quickly found."""
    d = problem.X.shape[1]
    cost = d if d > COLUMNS or not problem.task.model.linear else d * d
    most = max(PRODUCTS // max(cost, 1), 1)
    if problem.n <= most or problem.task.reduction == "sum":
        return problem
    rows = np.linspace(0, problem.n - 1, most).astype(np.int64)
    return replace(
        problem,
        X=problem.X[rows],
        y=problem.y[rows],
        weights=None if problem.weights is None else problem.weights[rows],
    )


# ---------------------------------------------------------------- the endings


def _arrived(seen: _Seen) -> Ending | None:
    if seen.share > GONE or math.isnan(seen.share):
        return None
    words = f"Nothing was left to gain: the gradient is {seen.share:.2g} of its first length."
    return Ending("arrived", words)


def _came_to_rest(seen: _Seen) -> Ending | None:
    """Return the ending of a step that fell as planned to the kinks of a loss, and stayed there."""
    rates = seen.run.history["learning_rate"]
    if seen.run.task.loss.smooth or not len(rates) or rates[-1] > FADED * rates.max():
        return None
    words = "Its step has fallen as planned; around a kink no gradient becomes small."
    return Ending("arrived", words)


def _separated(seen: _Seen) -> Ending | None:
    if not separated(seen.run):
        return None
    words = (
        "The loss falls for ever, since the classes can be told apart perfectly: a penalty, say "
        "alpha=0.01, gives it a least value."
    )
    return Ending("out of epochs", words)


def _too_large(seen: _Seen) -> Ending | None:
    rule, rate = seen.run.task.optimizer.rule, seen.run.setup.learning_rate
    if rule.searches or len(seen.loss) < FEWEST or (seen.falls and not seen.swings):
        return None
    limit = seen.limit
    beyond = limit is not None and rate > limit
    up = seen.loss[-1] > seen.loss[0]
    if beyond and (seen.swings or up):
        words = (
            f"Its step was too large: the loss goes up{'' if up else ' and down'}, and the "
            f"learning rate {rate:.3g} "
            f"is beyond the largest stable step, {limit:.3g}; learning_rate={_half(limit)} or "
            "learning_rate='auto' would go down."
        )
        return Ending("too large", words)
    if seen.falls or not seen.swings or limit is not None or not seen.run.setup.full_batch:
        return None
    kink = "" if seen.run.task.loss.smooth else " about the loss's kink"
    words = (
        f"Its step was too large: at the end the loss goes up and down{kink} and falls no "
        f"further; try learning_rate={_digits(rate / 10)}."
    )
    return Ending("too large", words)


def _standing(seen: _Seen) -> Ending | None:
    run = seen.run
    rate, rates = run.setup.learning_rate, run.history["learning_rate"]
    if seen.falls or not seen.share > NOT_SMALL:
        return None
    words = (
        "It stands on a plateau: the loss stopped falling while the gradient is "
        f"{seen.share:.2g} of its first length"
    )
    if len(rates) and rates[-1] < FADED * rates.max():
        words += (
            f", for the schedule had brought the learning rate down to {rates[-1]:.2g}; let it "
            f"fall later, or begin with learning_rate={_digits(10 * rate)}."
        )
    elif not run.setup.full_batch:
        size = run.setup.batch_size or run.setup.n
        words += (
            f", for its batches throw it about; learning_rate={_digits(rate / 10)} or "
            f"batch_size={min(8 * size, run.setup.n)} would bring it closer."
        )
    elif seen.limit is not None and rate < seen.limit:
        return None  # on a bowl a stable step goes down, if slowly
    else:
        words += f"; try learning_rate={_digits(10 * rate)}, or another random_state."
    return Ending("plateau", words)


def _tiny(seen: _Seen, share: float = TINY) -> Ending | None:
    rate, limit = seen.run.setup.learning_rate, seen.limit
    if limit is not None and rate < share * limit:
        words = (
            f"It was slow: the learning rate {rate:.3g} is {rate / limit:.2g} of the largest "
            f"stable step, {limit:.3g}; learning_rate='auto' or {_half(limit)} would go faster."
        )
        return Ending("slow", words)
    return None


def _slow(seen: _Seen) -> Ending | None:
    if not seen.needed > SLOW * seen.epochs:
        return None
    small = _tiny(seen, FAR_TOO_SMALL)
    if small is not None:
        return small
    condition = None if seen.outlook is None else seen.outlook.condition_number
    if condition is None and not math.isfinite(seen.needed):
        return None
    if condition is not None and condition < ILL:
        return None
    return Ending("slow", _ill_conditioned(seen))


def _ill_conditioned(seen: _Seen) -> str:
    outlook = seen.outlook
    condition = None if outlook is None else outlook.condition_number
    why = "each epoch brings less and less"
    if condition is not None:
        why = f"the problem is ill-conditioned (condition number {condition:.2g})"
    helps = [f"solver='{solver}'" for solver in _solvers(seen.run)]
    other = None if outlook is None else outlook.standardized
    eased = None if other is None else other.condition_number
    if condition is not None and eased is not None and seen.run.scaling is None:
        helps = [f"scale='standard' ({eased:.2g} then)"] * (eased * 10 < condition) + helps
    if seen.needed < MOST * seen.epochs:
        helps.append(f"max_iter={_up(seen.needed)}")
    words = f"It was slow: {why}"
    return f"{words}; {_either(helps)} would help." if helps else f"{words}."


def _unfinished(seen: _Seen) -> Ending:
    words = "It ran out of epochs while the loss was still falling: "
    if math.isfinite(seen.needed):
        about = _up(max(1.2 * seen.needed, 1.2 * seen.epochs))
        return Ending("out of epochs", f"{words}max_iter={about} would be about enough.")
    if not seen.falls:
        words = "It ran out of epochs: "
    return Ending("out of epochs", f"{words}try max_iter={_up(10 * seen.epochs)}.")


def _solvers(run: Run) -> list[str]:
    """Return the solvers that would do without the run's own pace, the best first."""
    task = run.task
    smooth = task.loss.smooth and (task.penalty is None or task.penalty.l1 == 0)
    if not smooth or task.optimizer.rule.searches:
        return ["exact"] if smooth and _solved(run) else []
    if _solved(run):
        return ["exact"]
    if run.data is None or not known(run.problem):
        return ["lbfgs"]
    return ["newton"] if task.loss.convex and run.layout.size <= LARGEST else ["lbfgs"]


def _solved(run: Run) -> bool:
    return run.task.model.linear and run.task.loss.name in QUADRATIC


def _about_divergence(run: Run) -> str:
    rate, rule = run.setup.learning_rate, run.task.optimizer.rule
    scaled = [] if run.scaling is not None else ["scale='standard'"]
    if rule.searches or run.outcome.diverged_at == 0:
        return (
            "The loss is no number at the start already, and no step can help that: use "
            f"{_either(['smaller columns or targets', *scaled])}."
        )
    limit = largest_stable_step(run)
    if limit is not None and rate > limit:
        helps = ["learning_rate='auto'", f"learning_rate={_half(limit)}", *scaled]
        return (
            f"The learning rate {rate:.3g} is beyond the largest stable step, {limit:.3g}: use "
            f"{_either(helps)}."
        )
    about = "" if limit is None else f", though the largest stable step is about {limit:.3g}"
    lower = min(rate / 10, 10 * rule.usual_rate) if rule.scaled else rate / 10
    return (
        f"The learning rate {rate:.3g} is too large for these rows{about}: use "
        f"{_either([f'learning_rate={_digits(lower)}', *scaled])}."
    )


# ---------------------------------------------------------------- what to suggest


def _either(choices: list[str]) -> str:
    """Return "a", "a or b", or "a, b or c"."""
    return " or ".join([", ".join(choices[:-1]), choices[-1]] if choices[1:] else choices)


def _digits(value: float) -> str:
    return f"{value:.2g}"


def _half(limit: float | None) -> str:
    return _digits((limit or 0.0) / 2)


def _up(count: float) -> int:
    """Return a count of epochs rounded up to two digits."""
    unit: int = 10 ** max(len(str(math.ceil(count))) - 2, 0)
    return math.ceil(count / unit) * unit


# ---------------------------------------------------------------- what is the matter with the rows


def data_warnings(run: Run) -> list[str]:
    """Return a sentence for constant columns, and for classes that can be told apart perfectly.

    A column of one value is of use only where it stands in for the intercept.  Classes are said to
    be separated where a linear model under cross-entropy without penalty has every training row on
    its own side: then larger weights always lower the loss (A. Albert and J. Anderson, Biometrika
    71, 1984).  Classes that touch (quasi-separation) are found by a linear
    programme, in small tables.
    """
    if run.data is None:
        return []
    found = []
    constant = np.flatnonzero(_useless(run))
    if len(constant):
        names = ", ".join(repr(str(run.names[int(j)])) for j in constant[:LISTED])
        names += f" and {len(constant) - LISTED} more" * (len(constant) > LISTED)
        one = len(constant) == 1
        found.append(
            f"The column{'' if one else 's'} {names} {'is' if one else 'are'} constant in the "
            f"training rows, so nothing can be learnt from {'it' if one else 'them'}; leave "
            f"{'it' if one else 'them'} out."
        )
    apart = separated(run)
    if apart:
        found.append(_about_separation(run, apart))
    elif _could_be_separated(run):
        found.append(_about_separation(run, [0]).replace("The classes", "Some classes", 1))
    return found


def _could_be_separated(run: Run) -> bool:
    """Tell whether some direction lowers or keeps every row's loss, by a linear programme.

    Albert and Anderson's condition: W with s_own >= s_other in every row, not all equal.  Such a
    direction can be followed for ever, so unpenalised coefficients have no finite best.
    """
    task, data = run.task, run.data
    if data is None or task.penalty is not None or not known(run.problem):
        return False
    one_each = task.loss.name == "softmax" or (task.loss.name == "logistic" and run.setup.k == 1)
    if not one_each or run.outcome.best_step is not None or is_sparse(data.X):
        return False
    codes = data.y if data.y.ndim == 1 else data.y[:, 0].astype(int)
    labels = int(codes.max()) + 1
    if math.prod(data.X.shape) * (labels - 1) ** 2 > SEPARABLE:
        return False
    from scipy.optimize import linprog  # noqa: PLC0415 - slow, and only for unpenalised labels

    A = np.asarray(applied(data.X, measured(data.X, data.weights))[0], dtype=float)
    if layered(task.model).bias:
        A = np.column_stack([A, np.ones(len(A))])
    # One row per row and other label: (s_own - s_other); the scores of label 0 are 0.
    rows = []
    for label in range(labels):
        own, others = codes == label, [other for other in range(labels) if other != label]
        signs = np.eye(labels)[label] - np.eye(labels)[others]
        rows += [np.kron(sign[1:], A[own]) for sign in signs]
    margins = np.concatenate(rows)
    found = linprog(
        -margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1)
    )
    return bool(found.success and -found.fun > SEEN * len(margins))


def _useless(run: Run) -> Array:
    """Tell which columns are constant (d,); those that can be an intercept do not count."""
    data, model = run.data, run.task.model
    if data is None:
        raise AssertionError
    centred = run.scaling is not None and run.scaling.mean.any()
    found = run.scaling if run.scaling is not None and centred else None
    found = measured(data.X, data.weights) if found is None else found
    still: Array = ~found.varies
    has_bias = isinstance(model, CustomModel) or model.bias
    return still if has_bias or centred else still & (found.mean == 0)


def separated(run: Run) -> list[int]:
    """Return the outputs whose classes the run tells apart perfectly, though it has no penalty.

    ``[0]`` for one label per row; the columns of y for several; empty where there are none.
    """
    task, data = run.task, run.data
    if data is None or run.outcome.diverged or run.outcome.best_step is not None:
        return []
    if task.loss.name not in {"logistic", "softmax"} or not known(run.problem):
        return []
    if task.penalty is not None or bool(getattr(task.optimizer.rule, "weight_decay", 0.0)):
        return []
    X, scaling = data.seen
    scores: Any = scores_of(task, run.layout, run.theta, X, scaling=scaling)
    counts = slice(None) if data.weights is None else data.weights > 0
    scores, y = scores[counts], data.y[counts]
    if task.loss.targets == "labels":
        own = np.take_along_axis(scores, y[:, None], axis=1)[:, 0]
        np.put_along_axis(scores, y[:, None], -np.inf, axis=1)
        return [0] if (own > scores.max(axis=1)).all() else []
    sides = np.where(y > 0, scores, -scores)
    return [int(j) for j in np.flatnonzero((sides > 0).all(axis=0))]


def _about_separation(run: Run, apart: list[int]) -> str:
    where = ""
    if run.setup.k > 1 and run.task.loss.targets != "labels":
        where = f" of output{'' if len(apart) == 1 else 's'} {', '.join(map(str, apart))}"
    parameters = run.layout.size // run.setup.k
    wide = (
        f" (with {run.setup.n} rows and {parameters} parameters that is always so)"
        if run.setup.n <= parameters
        else ""
    )
    return (
        f"The classes{where} can be told apart perfectly{wide}, so without a penalty the weights "
        "grow for as long as training goes on and probabilities go to 0 and 1; give one, say "
        "alpha=0.01."
    )
