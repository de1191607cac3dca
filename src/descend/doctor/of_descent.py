"""How the descent went: its step, its valley, its noise, its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor.track import Course, course, sharpness
from descend.doctor.findings import Finding, Fix
from descend.doctor.valley import (
    ARRIVED,
    CLOSE,
    Valley,
    largest_step,
    least_left,
    left,
    standardising,
    valley,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart

# A step this far below the best one is too small; a condition this much better is worth standardising.
TEN, HUNDRED = 10.0, 100.0
# Rate x curvature / limit below which a step is too small: a tenth of 1/L, which is half the limit.
SMALL = 0.05
# A share of what there was to learn that is worth training on for, and not worth calling ill.
LITTLE = 0.05


def descent(chart: Chart) -> Finding | None:
    """Return the one thing that best explains how the descent ended, or None."""
    run = chart.run
    if run is None or chart.problem is None or chart.sample is None:
        return None
    if blown_up(chart):
        return _too_large(chart)
    if run.task.optimizer.rule.searches or run.outcome.reason in {"gradient", "validation"}:
        return None
    way = course(chart)
    if way is None:
        return None
    found = valley(chart)
    if found is not None:
        return _in_valley(chart, way, found)
    return None if _near_the_least(chart) else _elsewhere(chart, way)


def _near_the_least(chart: Chart) -> bool:
    """Tell whether a linear run too wide for a valley is known to have arrived."""
    best, end = chart.best, chart.end_loss
    known = [v for v in (chart.start_loss, chart.constant_loss) if v is not None]
    if best is None or end is None or not known:
        return False
    return end - best[0] <= ARRIVED * (min(known) - best[0])


def blown_up(chart: Chart) -> bool:
    """Tell whether the run diverged: by the loop's own rule, or ended far above where it began."""
    run = chart.run
    if run is None:
        return False
    ends = [chart.end_loss, run.outcome.loss]
    if run.outcome.diverged_at is not None or not np.isfinite(run.state.theta).all():
        return True
    if any(v is not None and not math.isfinite(v) for v in ends):
        return True
    known = [abs(v) for v in (chart.start_loss, chart.constant_loss) if v is not None]
    end = chart.objective(chart.last)
    return bool(known) and end is not None and end > HUNDRED * max(known) > 0


# ---------------------------------------------------------------- diverged


def _too_large(chart: Chart) -> Finding:
    """The step is beyond the limit: of these columns only, or of standardised ones too."""
    run = chart.run
    if run is None or chart.sample is None:
        raise AssertionError
    rate = run.setup.learning_rate
    raw, standard = _sharpness_at_start(chart)
    at = run.outcome.diverged_at
    evidence: dict[str, Any] = {"learning rate": rate}
    if at is not None:
        evidence["diverged at update"] = at
    if math.isfinite(raw) and raw > 0:
        evidence["largest stable step"] = rate / raw
    mends = math.isfinite(standard) and standard <= 1.0
    if mends and _uneven(chart) and _small_step_would_not_do(chart, raw):
        widest, narrowest = _extreme_columns(chart)
        evidence |= {"columns": widest, "against": narrowest}
        evidence["largest stable step, standardised"] = rate / standard
        return Finding(
            "features-unscaled",
            "illness",
            f"The columns differ so much in size that the step {rate:.3g} throws the loss up along "
            f"{next(iter(widest))}, and a step small enough for it would hardly move the others.",
            evidence,
            Fix("standardise the columns (standardize=True)", {"standardize": True}),
        )
    limit = rate / raw if math.isfinite(raw) and raw > 1 else rate / TEN
    best = limit / 2
    return Finding(
        "step-too-large",
        "illness",
        f"The step {rate:.3g} is beyond what the curvature can bear"
        + (f", about {limit:.3g}" if math.isfinite(raw) and raw > 1 else "")
        + ": each update overshoots by more than it came with, and the loss grows.",
        evidence,
        Fix(f"lower the learning rate to {best:.3g}", {"learning_rate": _nice(best)}),
    )


def _sharpness_at_start(chart: Chart) -> tuple[float, float]:
    """Return rate/limit in the columns as they are, and as they would be standardised."""
    run, sample = chart.run, chart.sample
    if run is None or sample is None:
        raise AssertionError
    begun = run.problem.start()
    if run.task.optimizer.rule.scaled:
        return math.nan, math.nan
    raw = sharpness(chart, begun)
    rows = chart.rows
    if rows is None or chart.custom:
        return raw, math.nan
    other = chart.with_rows(_standardised(rows.X))
    return raw * _batch_factor(chart), sharpness(other, begun) * _batch_factor(other)


def _batch_factor(chart: Chart) -> float:
    """Return how much less a batch can bear than all rows: the largest row against their mean.

    By the expected smoothness of batches of b of n rows: b = n gives 1, b = 1 max |x|²/mean |x|²
    where one row alone sets the limit.
    """
    run, rows = chart.run, chart.rows
    if run is None or rows is None or run.setup.full_batch:
        return 1.0
    n, b = run.setup.n, run.setup.batch_size or run.setup.n
    squares = np.einsum("ij,ij->i", rows.X, rows.X) + 1.0
    H = rows.X.T @ rows.X / len(rows.X)
    top = float(np.linalg.eigvalsh(H)[-1]) + 1.0
    ratio = float(squares.max()) / top
    return max(((n - b) * ratio + n * (b - 1)) / (b * max(n - 1, 1)), 1.0)


def _standardised(X: Any) -> Any:
    deviation = X.std(axis=0)
    deviation[deviation == 0] = 1.0
    return (X - X.mean(axis=0)) / deviation


def _uneven(chart: Chart) -> bool:
    """Tell whether columns (with their offset) differ in size by more than ten."""
    rows = chart.rows
    if rows is None:
        return False
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    bias = 1.0 if getattr(chart.task and chart.task.model, "bias", False) else None
    known = [*sizes[sizes > 0], *([] if bias is None else [bias])]
    return len(known) > 1 and max(known) > TEN * min(known)


def _small_step_would_not_do(chart: Chart, raw: float) -> bool:
    """Tell whether the largest stable step on these columns would be too slow for the budget."""
    run = chart.run
    if run is None:
        return False
    found = valley(chart)
    if found is None:
        return raw > HUNDRED
    kind, beta = _kind(chart)
    gap, _ = least_left(found.curvatures, found.distances, run.setup.updates, kind, beta)
    return gap > ARRIVED * found.to_learn or found.condition > TEN * TEN * found.standard_condition


def _extreme_columns(chart: Chart) -> tuple[dict[str, float], dict[str, float]]:
    """Return the widest and the narrowest column, by root mean square."""
    rows = chart.rows
    if rows is None:
        return {}, {}
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    order = np.argsort(sizes)
    names = list(chart.names)
    low = order[sizes[order] > 0]
    wide = {names[i]: float(sizes[i]) for i in order[::-1][:3]}
    narrow = {names[i]: float(sizes[i]) for i in low[:1]}
    return wide, narrow


def _kind(chart: Chart) -> tuple[str, float]:
    """Return the rule whose arithmetic the valley is asked about: scaled rules have none."""
    rule: Any = chart.task.optimizer.rule if chart.task is not None else None
    if rule is None or rule.scaled or rule.searches:
        return "gradient_descent", 0.0
    return rule.name, getattr(rule, "beta", 0.0)


# ---------------------------------------------------------------- where the least loss is known


def _in_valley(chart: Chart, way: Course, at: Valley) -> Finding | None:
    """Judge a run whose least loss is known by how far from it it stopped."""
    run = chart.run
    if run is None or at.to_learn <= 0:
        return None
    at = at._replace(gap=_typical_gap(chart, way, at))
    if arrived(chart, at):
        return None
    evidence: dict[str, Any] = {
        "gap to the least loss": at.gap,
        "share of what there was to learn": at.gap / at.to_learn,
        "condition number": at.condition,
        "step against its limit": _sharp(way),
        "updates": run.state.step,
    }
    return (
        _batch_noise(chart, way, at)
        or _swinging(chart, way, at, evidence)
        or _motionless(chart, evidence)
        or (_scaled_in_valley if run.task.optimizer.rule.scaled else _plain_in_valley)(
            chart, way, at, evidence
        )
    )


def _sharp(way: Course) -> float:
    """Return rate x curvature / limit where it was largest; NaN where it is not known."""
    return max((s for s in way.sharpness if math.isfinite(s)), default=math.nan)


def _typical_gap(chart: Chart, way: Course, at: Valley) -> float:
    """Return the gap at the end; of a run on batches, what it usually was lately."""
    run = chart.run
    if run is None or run.setup.full_batch or run.outcome.best_step is not None:
        return at.gap
    late = (way.losses - at.least)[-(len(way.losses) // 2) :]
    return max(at.gap, float(np.median(late))) if len(late) > 2 else at.gap  # noqa: PLR2004 - a median


def _swinging(chart: Chart, way: Course, at: Valley, evidence: dict[str, Any]) -> Finding | None:
    """Name a step beyond the limit that has not thrown the loss up far enough to be called diverged."""
    middle = float(way.losses[len(way.losses) // 2])
    swings = way.rises > 0.2 and way.losses[-1] > 0.5 * middle
    scaled = chart.task is not None and chart.task.optimizer.rule.scaled
    if (_sharp(way) > 1.0 and (swings or at.gap > at.to_learn)) or (swings and scaled):
        return _bouncing(chart, way, evidence)
    return None


def _motionless(chart: Chart, evidence: dict[str, Any]) -> Finding | None:
    """Name updates that change no digit, and a rate that has fallen to nothing."""
    moved, slopes = chart.of("update_norm"), chart.of("gradient_norm")
    if moved is not None and slopes is not None:
        late = slice(len(moved) // 2, None)
        if (moved[late] == 0).all() and (slopes[late] > 0).all():
            return _stalled(
                chart, "its updates are smaller than the last digit of a parameter", evidence
            )
    decayed = _decayed(chart)
    if decayed is None:
        return None
    why = f"its learning rate had fallen to {decayed:.2g} of the first by half-time"
    return _stalled(chart, why, evidence)


def _plain_in_valley(
    chart: Chart, way: Course, at: Valley, evidence: dict[str, Any]
) -> Finding | None:
    """Judge a rule that takes the gradient as it is: what would other steps have left?

    A step below a twentieth of the limit is a tenth of the usual 1/L.  Standardising is the cure
    where it makes the condition ten times better.  What then remains is a long valley if the
    condition is above a hundred and three times the updates would not do.
    """
    run = chart.run
    if run is None:
        return None
    T, (kind, beta) = run.state.step, _kind(chart)
    gap, best = least_left(at.curvatures, at.distances, T, kind, beta)
    standard, _ = least_left(at.standard_curvatures, at.standard_distances, T, kind, beta)
    evidence["best step"] = best
    small = _sharp(way) < SMALL
    eased = at.condition > TEN * at.standard_condition and at.condition > HUNDRED
    if small and (gap <= _enough(at) or not eased or _sharp(way) < SMALL / HUNDRED):
        return _too_small(chart, evidence, best)
    little = at.gap < LITTLE * at.to_learn
    if eased and not little and (standard <= _enough(at) or at.condition > HUNDRED * at.standard_condition):
        return _unscaled(chart, evidence, at)
    rate = run.setup.learning_rate
    soon = little or left(at.curvatures, at.distances, rate, 3 * T, kind, beta) <= _enough(at)
    if soon or at.standard_condition < HUNDRED:
        return (
            _unscaled(chart, evidence, at) if eased and not soon else _unfinished(chart, evidence)
        )
    return _ill_conditioned(chart, evidence, at)


def _enough(at: Valley) -> float:
    return ARRIVED * at.to_learn


def arrived(chart: Chart, at: Valley) -> bool:
    """Tell whether what is left matters neither beside what was to learn nor beside the noise.

    A gap of 1 % of what there was to learn is not arrived.  A smaller one is, unless it is both
    more than a thousandth of that and clearly above what the rows' own chance (P/n of the least
    loss) makes of any fit.
    """
    run = chart.run
    if run is None:
        return True
    share = at.gap / at.to_learn
    chance = max(3 * run.layout.size / max(run.setup.n, 1), ARRIVED) * abs(at.least)
    return share < ARRIVED and (share < CLOSE or at.gap < chance)


def _batch_noise(chart: Chart, way: Course, at: Valley) -> Finding | None:
    """Batches scatter the parameters around the least: the gap stays near rate/4 x their variance.

    In the stationary state of theta' = theta - rate (H theta + noise) each direction has the
    variance rate c/(l (2 - rate l)), so the gap is sum rate c/(2 (2 - rate l)), about rate/4 times
    the whole variance of a batch's gradient; momentum makes the rate 1/(1 - beta) times as large.
    """
    run = chart.run
    if run is None or run.setup.full_batch or way.noise <= 0:
        return None
    gaps = (way.losses - at.least)[1:]
    half = len(gaps) // 2
    if half < 2:  # noqa: PLR2004 - medians of single states say nothing
        return None
    early, late = float(np.median(gaps[:half])), float(np.median(gaps[half:]))
    rule = run.task.optimizer.rule
    if late < 0.5 * early or (rule.scaled and way.turned < 0.5):
        return None
    if not rule.scaled and not _shaken(gaps[half:]):
        beta = getattr(rule, "beta", 0.0)
        if run.setup.learning_rate / (1 - beta) / 4 * way.noise < 0.2 * late:
            return None
    return Finding(
        "batch-noise",
        "illness",
        f"Batches of {run.setup.batch_size} rows disagree so much that at a constant step the "
        "parameters are shaken about the least loss and come no nearer.",
        {
            "gap to the least loss": float(late),
            "share of what there was to learn": float(late / at.to_learn),
            "batch size": run.setup.batch_size,
            "variance of a batch's gradient": way.noise,
        },
        _calmer(chart),
    )


def _shaken(gaps: Any) -> bool:
    """Tell whether the gap goes up as often as down, by half and more."""
    changes = np.diff(gaps)
    return len(changes) > 0 and float(np.mean(changes > 0)) >= 0.25 and gaps.max() > 2 * gaps.min()


def _calmer(chart: Chart) -> Fix:
    run = chart.run
    if run is None:
        raise AssertionError
    size = min(run.setup.n, (run.setup.batch_size or 1) * 16)
    return Fix(
        f"let the learning rate fall over time (a schedule), or take batches of {size} rows",
        {"batch_size": size},
    )


def _bouncing(chart: Chart, way: Course, evidence: dict[str, Any]) -> Finding:
    run = chart.run
    if run is None:
        raise AssertionError
    rate = run.setup.learning_rate
    ratio = _sharp(way)
    better = rate / max(2 * ratio, 2) if math.isfinite(ratio) else rate / TEN
    return Finding(
        "step-too-large",
        "illness",
        f"The step {rate:.3g} is so large that updates jump from side to side: the loss rose at "
        f"{way.rises:.0%} of the later updates and comes no lower.",
        {**evidence, "step against its limit": ratio},
        Fix(f"lower the learning rate to {better:.3g}", {"learning_rate": _nice(better)}),
    )


def _scaled_in_valley(
    chart: Chart, way: Course, at: Valley, evidence: dict[str, Any]
) -> Finding | None:
    """Judge Adam and its relatives, which move a parameter by about the rate at each update.

    So what all rates add up to is how far a parameter could walk.
    """
    run, start = chart.run, chart.start
    if run is None or start is None:
        return None
    rates = chart.of("learning_rate")
    walked = run.state.step * float(np.mean(rates)) if rates is not None else math.inf
    far = float(np.abs(at.theta - start).max())
    standard = float(np.abs(np.linalg.solve(standardising(chart), at.theta - start)).max())
    evidence = {**evidence, "each parameter could walk": walked, "the farthest had to": far}
    gaps = way.losses - at.least
    fell = float(gaps[-1] / gaps[0])
    falling = gaps[-1] < 0.8 * gaps[len(gaps) // 2]
    eased = at.condition > TEN * at.standard_condition and at.condition > HUNDRED
    if walked < far:
        if eased and walked > 3 * standard:
            return _unscaled(chart, evidence, at)
        well = falling and fell < 0.7
        return _unfinished(chart, evidence) if well else _too_small(chart, evidence, None)
    if at.condition > HUNDRED * at.standard_condition:
        return _unscaled(chart, evidence, at)
    if falling or at.standard_condition < TEN * HUNDRED:
        return _unfinished(chart, evidence)
    return _ill_conditioned(chart, evidence, at)


def _too_small(chart: Chart, evidence: dict[str, Any], best: float | None) -> Finding:
    run = chart.run
    if run is None:
        raise AssertionError
    rate = run.setup.learning_rate
    better = rate * HUNDRED if best is None else best
    times = f"{better / rate:,.0f} times" if best is not None else "many times"
    return Finding(
        "step-too-small",
        "illness",
        f"The step {rate:.3g} could be {times} larger: after {run.state.step} updates the "
        "parameters are still far from where the loss is least.",
        evidence,
        Fix(f"raise the learning rate to {better:.3g}", {"learning_rate": _nice(better)}),
    )


def _unfinished(chart: Chart, evidence: dict[str, Any]) -> Finding:
    run = chart.run
    if run is None:
        raise AssertionError
    more = run.setup.epochs * 10
    return Finding(
        "not-finished",
        "information",
        f"It was still improving when it stopped after {run.state.step} updates.",
        evidence,
        Fix(f"train on, say to {more} epochs (resume)", {"epochs": more}),
    )


def _unscaled(chart: Chart, evidence: dict[str, Any], at: Valley) -> Finding:
    wide, narrow = _extreme_columns(chart)
    return Finding(
        "features-unscaled",
        "illness",
        "The columns differ so much in size that no single step suits them all: the condition "
        f"number is {at.condition:.3g}, and {at.standard_condition:.3g} once they are standardised.",
        {**evidence, "columns": wide, "against": narrow},
        Fix(
            "standardise the columns (standardize=True), with a step for them",
            {"standardize": True, "learning_rate": "auto"},
        ),
    )


def _ill_conditioned(chart: Chart, evidence: dict[str, Any], at: Valley) -> Finding:
    names = _slow_columns(chart, at)
    return Finding(
        "ill-conditioned",
        "illness",
        "The loss is a long valley: its steepest direction is "
        f"{at.standard_condition:.3g} times as curved as its flattest even for standardised "
        "columns, so the step that the one can bear is far too small for the other.",
        {**evidence, "columns": names},
        Fix(
            "let a search that knows the curvature do it (optimizer lbfgs), or leave out columns "
            "that say the same",
            {"optimizer": "lbfgs", "standardize": True},
        ),
    )


def _slow_columns(chart: Chart, at: Valley) -> list[str]:
    """Return the columns that make up the flattest direction."""
    del at
    rows = chart.rows
    if rows is None or rows.X.shape[1] > 500:  # noqa: PLR2004 - a d x d matrix
        return []
    X = _standardised(rows.X)
    _, vectors = np.linalg.eigh(X.T @ X)
    part = np.abs(vectors[:, 0])
    names = list(chart.names)
    return [names[i] for i in np.argsort(part)[::-1][:4] if part[i] > 0.2]  # noqa: PLR2004 - a real share


def _decayed(chart: Chart) -> float | None:
    """Return how far the rate has fallen, if it fell to under a hundredth before half-time."""
    rates = chart.of("learning_rate")
    if rates is None or len(rates) < 8 or rates[0] <= 0:  # noqa: PLR2004 - too short to tell
        return None
    middle = float(rates[len(rates) // 2] / rates.max())
    return middle if middle < 1 / HUNDRED else None


def _stalled(chart: Chart, why: str, evidence: dict[str, Any]) -> Finding:
    run = chart.run
    if run is None:
        raise AssertionError
    fixes = {
        "its l": Fix("let the rate fall more slowly, or keep it constant", {"schedule": None}),
        "its u": Fix(
            "compute in double precision, with a larger step",
            {"dtype": "float64", "learning_rate": "auto"},
        ),
        "its g": Fix(
            "start from other parameters (another seed), with adam",
            {"optimizer": "adam", "seed": run.setup.seed + 1},
        ),
    }
    return Finding(
        "stalled",
        "illness",
        f"It stands still without having arrived: {why}.",
        evidence,
        fixes[why[:5]],
    )


# ---------------------------------------------------------------- elsewhere: nets, kinks, own parts


def _elsewhere(chart: Chart, way: Course) -> Finding | None:
    """Judge a run whose least loss is not known by its course alone."""
    run, end = chart.run, chart.end_loss
    if run is None or end is None or not np.isfinite(way.losses).all():
        return None
    T = run.state.step
    sharp = _sharp(way)
    reference = chart.plain_loss
    constant = chart.constant_loss
    poor = reference is not None and constant is not None and constant > reference
    if poor and reference is not None and constant is not None:
        poor = end - reference > 0.1 * (constant - reference)
    evidence: dict[str, Any] = {
        "loss": end,
        "what the best constant gives": constant,
        "what a linear model on standardised columns gives": reference,
        "gradient changed by": way.turned,
        "step against its limit": sharp,
        "updates": T,
    }
    if _still_at_the_start(chart, way):
        return _too_small(chart, evidence, None)
    lively = _lively(chart, way)
    if poor and lively:
        noise = not run.setup.full_batch and not (sharp > 1)
        return _noisy_elsewhere(chart, evidence) if noise else _bouncing(chart, way, evidence)
    if poor and chart.net is not None and _uneven_inputs(chart):
        return _unscaled_inputs(chart, evidence)
    edge = _edge(chart, way)
    if edge is not None:
        return Finding(
            "edge-of-stability",
            "information",
            "The curvature has risen until the step is just what it can bear "
            f"({edge:.2f} of the limit): the loss goes up and down from update to "
            "update and falls all the same.",
            evidence,
            Fix("none is needed; a smaller step would go more smoothly"),
        )
    still = _motionless(chart, evidence)
    if still is not None and way.moving < 0.01 and poor:
        return still
    if way.moving > 0.05:
        if poor and math.isfinite(sharp) and sharp < 0.02:
            return _too_small(chart, evidence, None)
        return _unfinished(chart, evidence)
    if poor and way.moving < 0.01:
        return _stalled(chart, "its gradient has all but vanished on a plateau", evidence)
    return None


def _still_at_the_start(chart: Chart, way: Course) -> bool:
    """Tell whether the gradient is still the first one: the whole way is one short straight step."""
    run = chart.run
    return (
        run is not None
        and run.state.step >= 5  # noqa: PLR2004 - fewer are too few updates, not too small ones
        and way.turned < 0.3
        and way.losses[-1] < way.losses[0]
    )


def _lively(chart: Chart, way: Course) -> bool:
    """Tell whether the loss goes up and down without falling."""
    if chart.run is not None and chart.run.setup.full_batch:
        return way.rises > 0.2 and way.moving < 0.05
    late = way.losses[len(way.losses) // 2 :]
    changes = np.diff(late)
    up = float(np.mean(changes > 0)) if len(changes) else 0.0
    spread = float(np.std(late)) / max(abs(float(np.mean(late))), 1e-300)
    return up >= 0.25 and spread > 0.05 and way.moving < 0.05


def _noisy_elsewhere(chart: Chart, evidence: dict[str, Any]) -> Finding:
    run = chart.run
    if run is None:
        raise AssertionError
    return Finding(
        "batch-noise",
        "illness",
        f"Batches of {run.setup.batch_size} rows disagree so much that the loss goes up and down "
        "from epoch to epoch and comes no lower.",
        {**evidence, "batch size": run.setup.batch_size},
        _calmer(chart),
    )


def _uneven_inputs(chart: Chart) -> bool:
    """Tell whether columns, as the net meets them, are far from size 1 or from one another."""
    rows = chart.rows
    if rows is None:
        return False
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    sizes = sizes[sizes > 0]
    return len(sizes) > 0 and (sizes.max() > TEN or sizes.max() > TEN * sizes.min())


def _unscaled_inputs(chart: Chart, evidence: dict[str, Any]) -> Finding:
    wide, narrow = _extreme_columns(chart)
    return Finding(
        "features-unscaled",
        "illness",
        "The columns come to the net in sizes far from 1, for which its start and its step are not "
        "made; a plain linear model on standardised columns does better.",
        {**evidence, "columns": wide, "against": narrow},
        Fix("standardise the columns (standardize=True)", {"standardize": True}),
    )


def _edge(chart: Chart, way: Course) -> float | None:
    """Return rate x curvature / limit if a full-batch descent rides where that is about 1.

    It swings about the edge, so the largest of some late states counts.
    """
    run = chart.run
    if (
        run is None
        or not run.setup.full_batch
        or run.task.optimizer.rule.scaled
        or way.rises < 0.02
        or way.moving > 0.2
    ):
        return None
    late = [s for s in chart.states[-8:-1:2] if s.step > run.state.step // 3]
    seen = [way.sharpness[1], *(sharpness(chart, state) for state in late)]
    known = [s for s in seen if math.isfinite(s)]
    top = max(known, default=0.0)
    return top if 0.8 < top < 1.6 else None  # about 1


def _nice(rate: float) -> float:
    """Return a rate to two digits."""
    return float(f"{rate:.2g}")


RULES: tuple[Callable[[Chart], Finding | None], ...] = (descent,)
__all__ = ["RULES", "blown_up", "descent", "largest_step"]
