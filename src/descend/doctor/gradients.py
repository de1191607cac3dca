"""A gradient by hand against differences of the loss, and the name of what is wrong with it.

The cheap question comes first: do a few directional derivatives agree at two points?  Only where
they do not is `descend.gradcheck` asked to name the mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.custom import CustomModel
from descend.engines import engine_for, scores_of
from descend.gradcheck import check_gradient
from descend.gradcheck.differences import along
from descend.models import Linear

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.doctor.chart import Chart
    from descend.engines import Problem, Program
    from descend.gradcheck.result import GradientCheck

# Rows that are looked at (the mistake of a broadcast is only sought among so few), directions.
FEW, DIRECTIONS = 160, 3
# Rows that the naming of a mistake is given: it tries every score against every target.
NAMED = 48
# A mistake is a factor, a term or a slice; what a step across a kink leaves is far less.
APART = 1e-3
# Where a slice's share of the whole is small at one of the two points, it is large at the other.
APART_AT_BOTH = 1e-4
# Of a library's own gradient, which can only be cut: a larger part must be missing.
CUT = 0.05


class Disagreement(NamedTuple):
    """What is wrong with a gradient, and how it shows."""

    code: str
    sentence: str
    evidence: dict[str, Any]
    fix: str


def disagreement(chart: Chart) -> Disagreement | None:
    """Return how the gradient that trained differs from the loss's own, or None."""
    run, sample = chart.run, chart.sample
    if run is None or sample is None:
        return None
    by_hand = run.engine_used.startswith("numpy")
    if by_hand:
        # The penalty is this library's own, and weights only stretch a row.
        task = replace(run.task, penalty=None)
        few = slice(0, FEW)
        problem = replace(sample, task=task, X=sample.X[:FEW], y=sample.y[few], weights=None)
        program = engine_for("numpy", problem)[1]
    else:
        if not isinstance(sample.l1, float) or chart.judge is None:
            return None
        problem, program = sample, chart.judge
    points = [p for p in _points(chart, problem) if np.isfinite(program.value(p))]
    gaps = [_gap(program, problem, p, i) for i, p in enumerate(points)]
    limit, at_both = (APART, APART_AT_BOTH) if by_hand else (CUT, CUT)
    if not gaps or max(gaps) <= limit or min(gaps) <= at_both:
        return None
    return _named(chart, problem, points[-1]) if by_hand else _cut(chart, max(gaps))


def _points(chart: Chart, problem: Problem) -> list[Floats]:
    """Return a point near the start and one near the end, off the kinks that a start may be on."""
    start, end = chart.start, chart.end
    if start is None:
        return []
    kept = [s.theta.astype(np.float64) for s in chart.states]
    finite = [theta for theta in kept if _usable(problem, theta)]
    end = end if end is not None and _usable(problem, end) else finite[-1] if finite else start
    typical = float(np.sqrt(np.mean(np.square([start, end])))) or 1.0
    spread = 0.1 * (np.abs(end - start) + np.abs(start) + 0.1 * typical)
    rng = np.random.default_rng(0)
    trained = problem.layout.trained()
    return [p + trained * spread * rng.standard_normal(p.size) for p in (end, start)]


def _usable(problem: Problem, theta: Floats) -> bool:
    """Tell whether scores there are of a size that differences can be taken of."""
    scores = scores_of(problem.task, problem.layout, theta, problem.X)
    size = 1.0 if problem.y.ndim == 1 else float(np.abs(problem.y).max()) + 1.0
    return bool(np.isfinite(scores).all() and np.abs(scores).max() < 1e3 * size)


def _gap(program: Program, problem: Problem, theta: Floats, seed: int) -> float:
    """Return how far gradient and differences are apart, relative to the larger; 0 if unsure."""
    gradient = np.asarray(program.value_and_gradient(theta)[1], dtype=np.float64)
    if not np.isfinite(gradient).all():
        return 0.0
    directions = _directions(problem, theta, gradient, seed)
    found, error = along(program.value, theta, directions)
    given = directions @ gradient
    size = max(float(np.abs(given).max()), float(np.abs(found).max()), np.finfo(float).tiny)
    noise = 1e-12 * abs(program.value(theta))
    sure = np.abs(given - found) - 20 * error - noise
    return float(np.nan_to_num(sure.max()) / size)


def _directions(problem: Problem, theta: Floats, gradient: Floats, seed: int) -> Floats:
    """Return directions (m, P), each as long as moves the scores by about their size."""
    rng = np.random.default_rng(seed + 1)
    trained = problem.layout.trained()
    drawn = rng.standard_normal((DIRECTIONS, theta.size))
    size = float(np.abs(theta).max()) or 1.0
    wide = [*drawn * size, gradient * size / max(float(np.abs(gradient).max()), 1e-300)]
    wanted = 1.0 if problem.y.ndim == 1 else float(problem.y.std()) or 1.0
    before = scores_of(problem.task, problem.layout, theta, problem.X)
    found = []
    for direction in wide:
        step = 1e-4 * direction * trained
        moved = scores_of(problem.task, problem.layout, theta + step, problem.X) - before
        far = float(np.sqrt(np.mean(moved**2)))
        if np.isfinite(far) and far > 0:
            found.append(step * wanted / far)
    return np.array(found) if found else np.zeros((1, theta.size))


def _named(chart: Chart, problem: Problem, point: Floats) -> Disagreement | None:
    """Return the mistake by its name, asked at a point near the start."""
    problem, point = _small(problem, point)

    def of_rows(X: Any, y: Any) -> Program:
        rows = replace(problem, X=np.asarray(X), y=np.asarray(y))
        return engine_for("numpy", rows)[1]

    def value(theta: Floats, X: Any, y: Any) -> float:
        return of_rows(X, y).value(np.asarray(theta))

    def gradient(theta: Floats, X: Any, y: Any) -> Any:
        return of_rows(X, y).value_and_gradient(np.asarray(theta))[1]

    check = check_gradient(value, gradient, point, problem.X, problem.y, layout=problem.layout)
    if check.ok or "unrepeatable" in check.codes:
        return None
    turned = _all_turned(check, problem)
    code = (
        "wrong-sign" if turned else "broadcast" if "broadcast" in check.codes else "wrong-gradient"
    )
    whose = _whose(chart)
    said = " ".join(d.evidence for d in check.discrepancies)
    head = {
        "wrong-sign": f"The gradient by hand of {whose} points the wrong way: every update climbs "
        "the loss it should descend.",
        "broadcast": f"The gradient by hand of {whose} compares every score with every target.",
        "wrong-gradient": f"The gradient by hand of {whose} is not that of its loss.",
    }[code]
    evidence = {
        "mistake": list(check.codes),
        "parameters": sorted({name for d in check.discrepancies for name in d.where}),
        "rows": problem.n,
    }
    fixes = "; ".join(d.fix.rstrip(".") for d in check.discrepancies)
    return Disagreement(code, f"{head} {said}", evidence, fixes)


def _all_turned(check: GradientCheck, problem: Problem) -> bool:
    """Tell whether the whole gradient points the wrong way, not some slices of it only."""
    against = [
        d for d in check.discrepancies if d.code == "sign" or (d.ratio is not None and d.ratio < 0)
    ]
    if not against:
        return False
    where = {name for d in against for name in d.where}
    every = {name for name, _ in problem.layout.entries}
    return not where or where >= every


def _small(problem: Problem, point: Floats) -> tuple[Problem, Floats]:
    """Return fewer rows; and for a loss of one's own a straight line, for the model is not meant.

    The line has two columns that are drawn, so that its scores differ from row to row.
    """
    problem = replace(problem, X=problem.X[:NAMED], y=problem.y[:NAMED])
    if isinstance(problem.task.model, CustomModel):
        return problem, point
    k = int(problem.layout.entries[-1][1][-1])
    line = Linear()
    layout = line.layout(2, k)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((problem.n, 2))
    size, middle = 1.0, 0.0
    if problem.y.ndim > 1 and len(np.unique(problem.y)) > 2:  # noqa: PLR2004 - numbers
        size, middle = float(problem.y.std()), float(problem.y.mean())
    theta = size * rng.standard_normal(layout.size) + middle * (1 - layout.weights())
    return replace(problem, task=replace(problem.task, model=line), layout=layout, X=X), theta


def _cut(chart: Chart, gap: float) -> Disagreement:
    return Disagreement(
        "wrong-gradient",
        f"The gradient of {_whose(chart)} that training used differs by {gap:.0%} from what "
        "differences of the loss give: a part of the formula was kept out of it, by detach, "
        "stop_gradient or a derivative of its own.",
        {"difference": gap},
        "let the gradient go through the whole formula: take detach or stop_gradient out",
    )


def _whose(chart: Chart) -> str:
    task = chart.task
    if task is None:
        return "the task"
    parts = [p for p in (task.model, task.loss) if getattr(p, "gradient", None) is not None]
    parts = parts or [p for p in (task.model, task.loss) if p.name == "custom"]
    kinds = ["the model" if isinstance(p, CustomModel) else "the loss" for p in parts]
    labels = [getattr(p, "label", p.name) for p in parts]
    return " and ".join(f"{kind} {label!r}" for kind, label in zip(kinds, labels, strict=True))
