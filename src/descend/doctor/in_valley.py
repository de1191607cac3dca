"""Where the least loss is known: what kept the run from it.

A run has arrived when what is left matters neither beside what there was to learn nor beside the
rows' own chance.  If it has not, its batches may shake it, its step may be beyond the limit, its
updates may have ended; and then arithmetic says what the best step, and the best step on
standardised columns, would have left after as many updates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor import remedies
from descend.doctor.findings import Fix
from descend.doctor.remedies import run_of
from descend.doctor.track import plain_rule, walked
from descend.doctor.valley import ARRIVED, CLOSE, least_left, left, standardising

if TYPE_CHECKING:
    from descend.doctor.chart import Chart
    from descend.doctor.findings import Finding
    from descend.doctor.track import Track
    from descend.doctor.valley import Valley

# Rate x curvature / limit below which a step is too small: a tenth of 1/L, which is half the limit.
SMALL = 0.05
# A share of what there was to learn that is worth training on for, and not worth calling ill.
LITTLE = 0.05
# Standardising is a cure where the condition becomes ten times better from above a hundred, and
# the cure whatever the step where it becomes a hundred times better.
EASED, MUCH = 10.0, 100.0
# A rate with which a parameter could walk three times as far as it has to.
_REACHES = 3
# A gap falls if at the end it is below these shares of the one at half-time, of the first one.
FALLING, FELL = 0.8, 0.7
# Noise explains a gap that its arithmetic gives a fifth of (it is exact to a factor of about two).
_EXPLAINS = 0.2
# A rate has died if it fell to under a hundredth before half-time, of this many updates at least.
_DIED, _FEW = 0.01, 8
# Rises at more than a fifth of the later updates are swings; a gradient that has turned by half
# of its first length has left its start.
SWINGS, TURNED = 0.2, 0.5


def judged_in_valley(chart: Chart, way: Track, at: Valley) -> Finding | None:
    """Judge a run whose least loss is known by how far from it it stopped."""
    run = run_of(chart)
    if at.to_learn <= 0:
        return None
    at = at._replace(gap=_typical_gap(chart, way, at))
    if arrived(chart, at):
        return None
    evidence: dict[str, Any] = {
        "gap to the least loss": at.gap,
        "share of what there was to learn": at.gap / at.to_learn,
        "condition number": at.condition,
        "step against its limit": way.sharp,
        "updates": chart.done,
    }
    slow = _slow_scaled if run.task.optimizer.rule.scaled else _slow
    return (
        _shaken_by_batches(chart, way, at, evidence)
        or _swinging(chart, way, at, evidence)
        or motionless(chart, evidence)
        or slow(chart, way, at, evidence)
    )


def arrived(chart: Chart, at: Valley) -> bool:
    """Tell whether what is left matters neither beside what was to learn nor beside chance.

    A gap of 1 % of what there was to learn is not arrived.  A smaller one is, unless it is both
    more than a thousandth of that and clearly above what the rows' own chance (P/n of the least
    loss) makes of any fit.  One below that chance is, whatever there was to
    learn.  Of a sample of the rows that chance is all there is to see.
    """
    run, rows = run_of(chart), chart.rows
    looked_at = run.setup.n if rows is None else len(rows.X)
    share = at.gap / at.to_learn
    chance = 3 * run.layout.size / max(looked_at, 1) * abs(at.least)
    if at.gap < (chance if looked_at < run.setup.n else chance / 3):
        return True
    return share < ARRIVED and (share < CLOSE or at.gap < max(chance, ARRIVED * abs(at.least)))


def _typical_gap(chart: Chart, way: Track, at: Valley) -> float:
    """Return the gap at the end; of a run on batches, what it usually was lately."""
    run = run_of(chart)
    if run.setup.full_batch or run.outcome.best_step is not None:
        return at.gap
    late = (way.losses - at.least)[-(len(way.losses) // 2) :]
    return max(at.gap, float(np.median(late))) if len(late) > 2 else at.gap  # noqa: PLR2004 - a median


def _shaken_by_batches(
    chart: Chart, way: Track, at: Valley, evidence: dict[str, Any]
) -> Finding | None:
    """Name noise: batches scatter the parameters around the least.

    In the stationary state of theta' = theta - rate (H theta + noise) each direction has the
    variance rate c/(l (2 - rate l)), so the gap is sum rate c/(2 (2 - rate l)), about rate/4 times
    the whole variance of a batch's gradient; momentum makes the rate 1/(1 - beta) times as large.
    """
    run, rule = run_of(chart), run_of(chart).task.optimizer.rule
    gaps = (way.losses - at.least)[1:]
    half = len(gaps) // 2
    if run.setup.full_batch or way.noise <= 0 or half < 2:  # noqa: PLR2004 - medians of single states
        return None
    early, late = float(np.median(gaps[:half])), float(np.median(gaps[half:]))
    if (
        late < ARRIVED * at.to_learn
        or late < TURNED * early
        or (rule.scaled and way.turned < TURNED)
    ):
        return None
    if not rule.scaled and not _up_and_down(gaps[half:]):
        beta = getattr(rule, "beta", 0.0)
        floor = run.setup.learning_rate * chart.unit / (1 - beta) / 4 * way.noise
        if floor < _EXPLAINS * late:
            return None
    elif (
        way.noise < way.slope
    ):  # updates of the rule's own size, which larger batches would not calm
        return None
    evidence = {**evidence, "variance of a batch's gradient": way.noise}
    excess = late / (ARRIVED * at.to_learn)
    return remedies.noisy(chart, "about the least loss", excess, evidence)


def _up_and_down(gaps: Any) -> bool:
    """Tell whether the gap goes up at a quarter of the looks at least, and twofold in all."""
    changes = np.diff(gaps)
    return (
        len(changes) > 0
        and 4 * int((changes > 0).sum()) >= len(changes)
        and (float(gaps.max()) > 2 * float(gaps.min()))
    )


def _swinging(chart: Chart, way: Track, at: Valley, evidence: dict[str, Any]) -> Finding | None:
    """Name a step beyond the limit that has not yet thrown the loss far up."""
    middle = float(way.losses[len(way.losses) // 2])
    swings = way.rises > SWINGS and way.losses[-1] > middle / 2
    scaled = run_of(chart).task.optimizer.rule.scaled
    wild = scaled and not run_of(chart).setup.full_batch and 0 < way.noise < way.slope
    if (
        (way.sharp > 1.0 and (swings or at.gap > at.to_learn))
        or (swings and scaled)
        or (
            wild
            and at.gap > at.to_learn * EASED * ARRIVED
            and _up_and_down((way.losses - at.least)[-8:])
        )
    ):
        return remedies.jumping(chart, way.sharp, way.rises, evidence)
    return None


def motionless(chart: Chart, evidence: dict[str, Any]) -> Finding | None:
    """Name a rate that has fallen to nothing, and updates that change no digit."""
    rates, moved, slopes = (chart.of(n) for n in ("learning_rate", "update_norm", "gradient_norm"))
    if rates is None or len(rates) < _FEW or not rates.max() > 0:
        return None
    share = float(rates[len(rates) // 2] / rates.max())
    if share < _DIED:
        why = f"its learning rate had fallen to {share:.2g} of the largest by half-time"
        fix = Fix("let the rate fall more slowly, or keep it constant", {"schedule": None})
        return remedies.stalled(chart, why, fix, evidence)
    late = slice(len(rates) // 2, None)
    if moved is None or slopes is None or moved[late].any() or not (slopes[late] > 0).all():
        return None
    why = "its updates are smaller than the last digit of a parameter"
    changes = {"dtype": "float64", "learning_rate": "auto"}
    fix = Fix("compute in double precision, with a larger step", changes)
    return remedies.stalled(chart, why, fix, evidence)


def _eased(at: Valley) -> bool:
    return at.condition > EASED * at.standard_condition and at.condition > MUCH


def _uneven_columns(chart: Chart, at: Valley, evidence: dict[str, Any]) -> Finding:
    why = (
        "The columns differ so much in size, or lie so far from 0, that no single step suits them "
        f"all: the condition number is {at.condition:.3g}, and {at.standard_condition:.3g} once "
        "they are standardised."
    )
    return remedies.unscaled(chart, why, evidence)


def _slow(chart: Chart, way: Track, at: Valley, evidence: dict[str, Any]) -> Finding | None:
    """Judge a rule that takes the gradient as it is by what other steps would have left.

    A step below a twentieth of the limit is a tenth of the usual 1/L.  What remains, where the
    step is good and standardising no cure, is a long valley if the condition is above a hundred
    and three times the updates would not do.
    """
    run, rule = run_of(chart), plain_rule(chart)
    T, rate = chart.done, run.setup.learning_rate * chart.unit
    enough = ARRIVED * at.to_learn
    ahead = [left(at.curvatures, at.distances, rate, n * T, rule) for n in (3, 10)]
    little = at.gap < LITTLE * at.to_learn and ahead[1] <= enough
    gap, best = least_left(at.curvatures, at.distances, T, rule)
    standard, _ = least_left(at.standard_curvatures, at.standard_distances, T, rule)
    best /= chart.unit
    evidence["best step"] = best
    eased = _eased(at)
    if way.sharp < SMALL and (gap <= enough or not eased or way.sharp < SMALL / MUCH):
        return remedies.too_small(chart, best, evidence)
    cured = standard <= enough or at.condition > MUCH * at.standard_condition
    if eased and cured and not little:
        return _uneven_columns(chart, at, evidence)
    soon = little or ahead[0] <= enough
    if soon or not at.bounded or (at.standard_condition < MUCH and not eased):
        return remedies.not_finished(chart, evidence)
    if eased and at.standard_condition < MUCH:
        return _uneven_columns(chart, at, evidence)
    return remedies.ill_conditioned(chart, at.standard_condition, evidence)


def _slow_scaled(chart: Chart, way: Track, at: Valley, evidence: dict[str, Any]) -> Finding | None:
    """Judge Adam and its relatives, which move a parameter by about the rate at each update.

    So what all rates add up to is how far a parameter could walk.
    """
    start = chart.start
    if start is None:
        return None
    could, rate = walked(chart), run_of(chart).setup.learning_rate
    far = float(np.abs(at.theta - start).max())
    standard = float(np.abs(np.linalg.solve(standardising(chart), at.theta - start)).max())
    evidence = {**evidence, "each parameter could walk": could, "the farthest had to": far}
    gaps = way.losses - at.least
    falling = gaps[-1] < FALLING * gaps[len(gaps) // 2]
    if could < far:
        if _eased(at) and could > 3 * standard:
            return _uneven_columns(chart, at, evidence)
        well = falling and gaps[-1] < FELL * gaps[0]
        return (
            remedies.not_finished(chart, evidence)
            if well
            else remedies.too_small(chart, _REACHES * rate * far / could, evidence)
        )
    little = at.gap < LITTLE * at.to_learn
    if at.condition > MUCH * at.standard_condition and not little:
        return _uneven_columns(chart, at, evidence)
    if falling or little or not at.standard_condition > EASED * MUCH:
        return remedies.not_finished(chart, evidence)
    return remedies.ill_conditioned(chart, at.standard_condition, evidence)
