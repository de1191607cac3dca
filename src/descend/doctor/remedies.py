"""The findings of a descent, in words, with their smallest fixes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import standard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.doctor.chart import Chart
    from descend.run import Run

# Batches as many times as large shake the parameters a quarter as far.
_LARGER_BATCHES = 16
_MORE_EPOCHS = 10
_RAISE = 100.0
# A column's share in a direction worth naming, and columns up to which directions are computed.
_SHARE, _WIDE = 0.2, 500


def nice(rate: float) -> float:
    """Return a rate to two digits."""
    return float(f"{rate:.2g}")


def elsewhere(chart: Chart) -> Fix:
    """Return the fix of a bad place to start from."""
    seed = run_of(chart).setup.seed + 1
    if run_of(chart).task.optimizer.name == "adam":
        return Fix("start from other parameters (another seed)", {"seed": seed})
    return Fix(
        "start from other parameters (another seed), with adam", {"optimizer": "adam", "seed": seed}
    )


def lower(run: Run, limit: float | None) -> Fix:
    """Return the fix of too large a step: half the limit, or a tenth where none is known."""
    rate = run.setup.learning_rate
    better = nice(limit / 2 if limit is not None else rate / 10)
    return Fix(f"lower the learning rate to {better:g}", {"learning_rate": better})


def too_large(chart: Chart, limit: float | None, evidence: Mapping[str, Any]) -> Finding:
    """Name a step beyond the limit, which threw the loss up."""
    run = run_of(chart)
    about = "" if limit is None else f", about {limit:.3g}"
    return Finding(
        "step-too-large",
        "illness",
        f"The step {run.setup.learning_rate:.3g} is beyond what the curvature can bear{about}: "
        "each update overshoots by more than it came with, and the loss grows.",
        evidence,
        lower(run, limit),
    )


def jumping(chart: Chart, sharp: float, rises: float, evidence: Mapping[str, Any]) -> Finding:
    """Name a step so large that updates jump from side to side."""
    run = run_of(chart)
    rate = run.setup.learning_rate
    known = math.isfinite(sharp) and sharp > 1 and not run.task.optimizer.rule.scaled
    seen = f": the loss rose at {rises:.0%} of the later updates and" if rises else ", and the loss"
    return Finding(
        "step-too-large",
        "illness",
        f"The step {rate:.3g} is so large that updates jump from side to side{seen} comes no "
        "lower.",
        evidence,
        lower(run, rate / sharp if known else None),
    )


def too_small(chart: Chart, best: float | None, evidence: Mapping[str, Any]) -> Finding:
    """Name a step that could be far larger."""
    run = run_of(chart)
    rate = run.setup.learning_rate
    better = nice(rate * _RAISE if best is None else best)
    times = "many" if best is None else f"{better / rate:,.0f}"
    return Finding(
        "step-too-small",
        "illness",
        f"The step {rate:.3g} could be {times} times larger: after {chart.done} updates the "
        "parameters are still far from where the loss is least.",
        evidence,
        Fix(f"raise the learning rate to {better:g}", {"learning_rate": better})
        if run.setup.full_batch or run.task.optimizer.rule.scaled
        else Fix("take the learning rate from the curvature", {"learning_rate": "auto"}),
    )


def not_finished(chart: Chart, evidence: Mapping[str, Any]) -> Finding:
    """Say that it was still improving."""
    run = run_of(chart)
    more = run.setup.epochs * _MORE_EPOCHS
    return Finding(
        "not-finished",
        "information",
        f"It was still improving when it stopped after {run.state.step} updates.",
        evidence,
        Fix(f"train on, say to {more} epochs (resume)", {"epochs": more}),
    )


def unscaled(chart: Chart, why: str, evidence: Mapping[str, Any]) -> Finding:
    """Name columns of very different sizes."""
    wide, narrow = extreme_columns(chart)
    return Finding(
        "features-unscaled",
        "illness",
        why,
        {**evidence, "columns": wide, "against": narrow},
        Fix(
            "standardise the columns (standardize=True), with the step that suits them",
            {"standardize": True, "learning_rate": "auto"},
        ),
    )


def ill_conditioned(chart: Chart, condition: float, evidence: Mapping[str, Any]) -> Finding:
    """Name a long valley that standardising does not shorten."""
    return Finding(
        "ill-conditioned",
        "illness",
        f"The loss is a long valley: its steepest direction is {condition:.3g} times as curved as "
        "its flattest even for standardised columns, so the step that the one can bear is far too "
        "small for the other.",
        {**evidence, "columns": _flattest(chart)},
        Fix(
            "let a search that knows the curvature do it (optimizer lbfgs), or leave out columns "
            "that say the same",
            {"optimizer": "lbfgs", "standardize": True},
        ),
    )


def noisy(chart: Chart, where: str, excess: float, evidence: Mapping[str, Any]) -> Finding:
    """Name batches that disagree too much to settle; `excess` is how many times too much.

    What noise keeps up goes with 1 / batch size, so twice the excess is enough.
    """
    run = run_of(chart)
    batch = run.setup.batch_size or 1
    size = min(run.setup.n, batch * max(_LARGER_BATCHES, math.ceil(2 * excess)))
    return Finding(
        "batch-noise",
        "illness",
        f"Batches of {batch} row{'' if batch == 1 else 's'} disagree so much that at a constant "
        f"step the parameters are shaken {where} and come no nearer.",
        {**evidence, "batch size": batch},
        Fix(
            f"take batches of {size} rows, or let the learning rate fall over time (a schedule)",
            {"batch_size": size},
        ),
    )


def stalled(chart: Chart, why: str, fix: Fix, evidence: Mapping[str, Any]) -> Finding:
    """Name a standstill."""
    del chart
    sentence = f"It stands still without having arrived: {why}."
    return Finding("stalled", "illness", sentence, evidence, fix)


def riding(sharp: float, evidence: Mapping[str, Any]) -> Finding:
    """Say that the curvature has risen to what the step can just bear."""
    return Finding(
        "edge-of-stability",
        "information",
        f"The curvature has risen until the step is just what it can bear ({sharp:.2f} of the "
        "limit): the loss goes up and down from update to update and falls all the same.",
        evidence,
        Fix("none is needed; a smaller step would go more smoothly"),
    )


def run_of(chart: Chart) -> Run:
    """Return the chart's run, which must be there."""
    if chart.run is None:
        raise AssertionError
    return chart.run


def extreme_columns(chart: Chart) -> tuple[dict[str, float], dict[str, float]]:
    """Return the widest and the narrowest columns, by root mean square."""
    rows = chart.rows
    if rows is None:
        return {}, {}
    sizes = np.sqrt(np.mean(rows.X**2, axis=0))
    order = np.argsort(sizes)
    names = list(chart.names)
    low = order[sizes[order] > 0]
    wide = {names[i]: float(sizes[i]) for i in order[::-1][:3]}
    return wide, {names[i]: float(sizes[i]) for i in low[:1]}


def _flattest(chart: Chart) -> list[str]:
    """Return the columns that make up the flattest direction of the standardised ones."""
    rows = chart.rows
    if rows is None or rows.X.shape[1] > _WIDE:
        return []
    X = standard(rows.X)
    part = np.abs(np.linalg.eigh(X.T @ X)[1][:, 0])
    names = list(chart.names)
    return [names[i] for i in np.argsort(part)[::-1][:4] if part[i] > _SHARE]
