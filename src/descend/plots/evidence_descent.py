"""Evidence of a descent: losses beside the steps it took, could bear, and should have taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from descend.curvature import hessian, known
from descend.engines import engine_for
from descend.plots.axes import LEAST, log_axis, positive, spans_decades, updates_axis
from descend.plots.evidence_shapes import Limit, lollipops, table
from descend.plots.learning import (
    curves_by_name,
    draw_losses,
    draw_rate,
    draw_returned,
    is_constant,
)
from descend.plots.marks import draw_marks, marks_of
from descend.plots.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from descend.arrays import Floats
    from descend.plots.evidence_case import Case, Panel
    from descend.showing.curves import Curve

# Columns up to which directions are computed.
_WIDE = 300
_FEW = 4


def descent(case: Case) -> list[Panel]:
    """Losses, and the steps: what was taken against what the curvature bears."""
    steps = known_steps(case)
    beside = [lambda ax: _steps(ax, case, steps)] if len(steps) > 1 else []
    return [*curve(case), *beside]


def long_valley(case: Case) -> list[Panel]:
    """Losses, and how much of its way each direction of the bowl still had to go."""
    left = directions_left(case)
    if left is None:
        return descent(case)
    return [*curve(case), lambda ax: _directions(ax, case, *left)]


def standstill(case: Case) -> list[Panel]:
    """Losses, and the rate where it changed: a run stands still where that has died."""
    rate = curves_by_name(case.run).get("learning_rate")
    if rate is None or is_constant(rate):
        return descent(case)
    return [*curve(case), lambda ax: _rate_course(ax, case, rate)]


def _rate_course(ax: Axes, case: Case, rate: Curve) -> None:
    draw_rate(ax, case.theme, rate)
    updates_axis([ax], case.run.outcome.step)
    ax.set_ylabel("learning rate")


def with_table(case: Case) -> list[Panel]:
    """Losses, and the figures in words."""
    return [*curve(case), lambda ax: table(ax, case.theme, case.seen)]


def curve(case: Case) -> list[Panel]:
    """Return the panel of the losses; none where nothing was recorded."""
    return [lambda ax: _curve(ax, case)] if len(case.run.history.updates) else []


def _curve(ax: Axes, case: Case) -> None:
    curves = curves_by_name(case.run)
    draw_losses(ax, case.theme, curves, log=None)
    draw_returned(ax, case.theme, case.run)
    growth = growth_of(curves["loss"].y) if case.finding.code == "step-too-large" else None
    if growth is not None:
        ax.annotate(
            f"× {number(growth)} at each update",
            (0.03, 0.95),
            xycoords="axes fraction",
            va="top",
            color=case.theme.bad,
            fontweight="bold",
        )
    updates_axis([ax], case.run.outcome.step)
    draw_marks([ax], marks_of(case.run, case.theme))


def growth_of(loss: Floats) -> float | None:
    """Return by what a loss that grows is multiplied at each update, or None.

    >>> growth_of(2.0 ** np.arange(9))
    2.0
    >>> growth_of(np.ones(9)) is None
    True
    """
    seen = positive(loss)
    seen = seen[np.isfinite(seen)]
    if len(seen) < _FEW or seen[-1] <= 2 * seen[0]:
        return None
    late = seen[len(seen) // 2 :]
    return float((late[-1] / late[0]) ** (1 / (len(late) - 1)))


def known_steps(case: Case) -> dict[str, float]:
    """Return the steps that are known, by what they are."""
    rate = float(case.run.setup.learning_rate)
    found = {"learning rate": rate}
    sharp = case.seen.get("step against its limit")
    plain = not case.run.task.optimizer.rule.scaled  # else each parameter has a step of its own
    if plain and isinstance(sharp, float) and np.isfinite(sharp) and sharp > 0:
        found["largest stable step"] = rate / sharp
    names = ("largest stable step", "largest stable step, standardised", "best step")
    found.update(case.numbers(*names))
    return {name: step for name, step in found.items() if np.isfinite(step) and step > 0}


def _steps(ax: Axes, case: Case, steps: dict[str, float]) -> None:
    """Draw steps on a line, what the curvature cannot bear shaded."""
    limit = steps.get("largest stable step")
    marked = ["learning rate"] if case.finding.code.startswith("step-too") else []
    kept = {name: step for name, step in steps.items() if name != "largest stable step"}
    if len(kept) == 1 and limit is not None and marked:
        kept["half of what it bears"] = limit / 2
    bound = None if limit is None else Limit(limit, f"largest stable step {number(limit)}")
    lollipops(ax, case.theme, kept, marked=marked, limit=bound, log=True, label="step size")
    if limit is not None:
        low, high = ax.get_xlim()
        high = max(high, 3 * limit)
        ax.axvspan(limit, high, color=case.theme.bad, alpha=0.10, linewidth=0, zorder=0)
        ax.set_xlim(low, high)


# ---------------------------------------------------------------- directions


def directions_left(case: Case) -> tuple[Floats, Floats] | None:
    """Return the curvatures of a bowl's directions, and what share of each way was left.

    Along an eigenvector of a quadratic's Hessian the gradient is the curvature times the distance
    to the bottom, so shares of the distance are shares of the gradient.
    """
    run = case.run
    loss = run.task.loss.name
    if (
        run.data is None
        or run.keyframes is None
        or loss not in {"squared_error", "half_squared_error"}
    ):
        return None
    problem = run.problem
    if not known(problem) or run.setup.k > 1 or run.setup.d > _WIDE or problem.scaling is not None:
        return None
    with np.errstate(all="ignore"):
        H = hessian(problem)
        whole = engine_for("numpy", replace(problem, batch_size=None))[1]
        ends = [run.keyframes.before(0).theta, run.state.theta]
        start, end = (np.asarray(whole.value_and_gradient(theta)[1], float) for theta in ends)
        if not (np.isfinite(H).all() and np.isfinite(start).all() and np.isfinite(end).all()):
            return None
        curvatures, vectors = np.linalg.eigh(H)
        left = np.abs(vectors.T @ end) / np.maximum(np.abs(vectors.T @ start), LEAST)
    real = curvatures > 1e-14 * curvatures[-1]
    return curvatures[real], np.minimum(left[real], 1e3)


def _directions(ax: Axes, case: Case, curvatures: Floats, left: Floats) -> None:
    """Draw each direction's share left against its curvature."""
    theme = case.theme
    slow = left > 0.5  # noqa: PLR2004 - not halfway
    for chosen, color, marker in ((~slow, theme.series[0], "o"), (slow, theme.bad, "D")):
        ax.vlines(curvatures[chosen], 0, left[chosen], color=color, linewidth=2)
        ax.plot(curvatures[chosen], left[chosen], marker, color=color, markersize=7)
    ax.set_ylim(0, max(1.08, float(left.max()) * 1.05))
    if spans_decades(curvatures):
        log_axis(ax, "x", 5)
    ax.margins(x=0.1)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.set_xlabel("curvature of the direction")
    ax.set_ylabel("share of its way left")


DRAWS = {
    "step-too-large": descent,
    "step-too-small": descent,
    "edge-of-stability": descent,
    "not-finished": long_valley,
    "ill-conditioned": long_valley,
    "stalled": standstill,
    "batch-noise": with_table,
    "healthy": descent,
    "wrong-sign": with_table,
    "wrong-gradient": with_table,
}
