"""Units that let no gradient through: dead rectifiers, and sums where the activation is flat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import models
from descend.doctor.blown_up import blown_up
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import binomial_tail
from descend.doctor.net_facts import (
    BOUNDED,
    HARDLY,
    RECTIFIERS,
    dead_in,
    drawn_afresh,
    flat_shares,
    last_finite,
    layer_names,
    ordinary_start,
    poor,
    rms,
    starved,
    unscaled_inputs,
)
from descend.doctor.track import sharpness

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart, Layer

# Most of a layer; nearly all of it.
MOST, NEARLY_ALL = 0.5, 0.75
# The chance below which deaths are no accident of the start.
ACCIDENT = 0.01
# Weights that a penalty took away, relative to the first ones.
EMPTIED = 1e-3


def dead_units(chart: Chart) -> Finding | None:
    """Find units that are 0 for every row, so that no gradient reaches their weights again.

    Rectifiers only.  A layer that is dead altogether makes the net a constant.  Where half or
    more of a layer is dead and the net has much left to learn, deaths must also be more than a
    fresh start has by accident on these rows (with one column of positive numbers half the units
    of any start are dead): a binomial test.  Units whose weights a penalty drove to 0 are not
    dead, they are not wanted.
    """
    net = chart.net
    end = last_finite(chart)
    if net is None or end is None or net.activation.name not in RECTIFIERS:
        return None
    stack = chart.layers(end)[:-1]
    dead = [dead_in(chart, layer) for layer in stack]
    shares = [float(d.mean()) for d in dead]
    whole = [i + 1 for i, share in enumerate(shares) if share == 1.0]
    if max(shares) < MOST or _unwanted(chart, stack, dead):
        return None
    worst = int(np.argmax(shares))
    if not whole:
        natural = _natural(chart, worst)
        if shares[worst] < NEARLY_ALL and _accident(dead[worst], natural) > ACCIDENT:
            return None
    if chart.run is not None and chart.run.outcome.reason == "diverged":
        return None
    when, born = _died(chart, worst)
    earlier = unscaled_inputs(chart) is not None or starved(chart)
    layers = layer_names(whole or [worst + 1])
    how_many = "All" if whole else f"{int(dead[worst].sum())} of {len(dead[worst])}"
    severe = bool(whole) or poor(chart)
    rest = "what is left of the net is too small" if severe else "the others learnt all the same"
    so = "the net is a constant" if whole else rest
    return Finding(
        "dead-units",
        "illness" if severe and (born or not earlier) else "information",
        f"{how_many} units of {layers} are 0 for every row, where {net.activation.name} has no "
        f"slope: no gradient reaches their weights; {so}. {when}".rstrip(),
        {"dead": {f"layer {i + 1}": int(d.sum()) for i, d in enumerate(dead)}, "share": shares},
        _revived(chart, born=born),
    )


def _unwanted(chart: Chart, stack: list[Layer], dead: list[Any]) -> bool:
    """Tell whether a penalty took the dead units' weights away."""
    task, start = chart.task, chart.layers(chart.start)
    if task is None or task.penalty is None or not start:
        return False
    small = [
        rms(layer.weight[:, d]) <= EMPTIED * rms(first.weight)
        for layer, first, d in zip(stack, start, dead, strict=False)
        if d.any()
    ]
    return bool(small) and all(small)


def _natural(chart: Chart, layer: int) -> float:
    """Return the share of a layer's units that a fresh start has dead on these rows."""
    net, run = chart.net, chart.run
    if net is None or run is None:
        return 0.0
    fresh = replace(net, init="auto")
    shares = []
    for seed in range(8):
        theta = models.start(fresh, run.layout, 1000 + seed)
        shares.append(float(dead_in(chart, chart.layers(theta)[layer]).mean()))
    return float(np.mean(shares))


def _accident(dead: Any, p: float) -> float:
    """Return the chance of so many deaths or more if each unit dies with chance p."""
    return binomial_tail(int(dead.sum()), len(dead), p) if p > 0 else 0.0


def _died(chart: Chart, layer: int) -> tuple[str, bool]:
    """Return when most of the layer died, in words, and whether it was before the start."""
    states = chart.states
    seen = [
        (s.step, float(dead_in(chart, _layer_at(chart, s.theta, layer)).mean())) for s in states
    ]
    alive = [step for step, share in seen if share < MOST]
    if not alive or (seen[0][0] == 0 and seen[0][1] >= MOST):
        return "They were dead before the first update.", True
    after = [step for step, _ in seen if step > alive[-1]]
    if not after:
        return "", False
    return (
        f"After update {alive[-1]} most were alive, after update {after[0]} they were dead: "
        "a step threw them there."
    ), False


def _layer_at(chart: Chart, theta: Any, layer: int) -> Layer:
    return chart.layers(theta.astype(np.float64))[layer]


def _revived(chart: Chart, *, born: bool) -> Fix:
    if born and not ordinary_start(chart):
        return drawn_afresh()
    if born:
        return Fix(
            "use leaky_relu, whose slope is nowhere 0",
            {"activation": "leaky_relu"},
        )
    return Fix(
        "take a smaller step, and leaky_relu, whose slope is nowhere 0",
        {"activation": "leaky_relu", **_smaller(chart)},
    )


def _smaller(chart: Chart) -> dict[str, Any]:
    rate = 0.0 if chart.run is None else chart.run.setup.learning_rate
    return {"learning_rate": rate / 10.0} if rate > 0 else {}


def saturated_units(chart: Chart) -> Finding | None:
    """Find units that stand where their activation is flat, from early on and for good.

    A slope below `FLAT` of the steepest passes on next to no gradient.  Where more than half of
    a layer's units times rows stand there at the start or soon after, and still do, and much is
    left to learn, that is why it was not learnt.  Units that became sharp in a net that learnt
    are healthy; where large inputs push ordinary weights there, the inputs are the cause; where a
    step beyond the curvature's limit threw them there, the step is; and units that became sharp
    while the loss came down are an outcome, not a cause.
    """
    net, end = chart.net, last_finite(chart)
    if net is None or end is None or net.activation.name not in BOUNDED:
        return None
    early = [s.theta.astype(np.float64) for s in chart.states[:-1]][:3]
    begun = [t for t in [chart.start, *early] if t is not None and np.isfinite(t).all()]
    last = flat_shares(chart, end)
    first = [flat_shares(chart, theta) for theta in begun]
    if not first or not last:
        return None
    layers = [i for i, share in enumerate(last) if share > MOST and any(f[i] > MOST for f in first)]
    if not layers:
        return None
    born = any(first[0][i] > MOST for i in layers)
    earlier = unscaled_inputs(chart) is not None or (
        not born and (starved(chart) or _thrown(chart) or _came_by_learning(chart, layers))
    )
    severe = poor(chart)
    so = (
        "so hardly any gradient comes through and the weights below hardly move"
        if severe
        else "and the net learnt all the same"
    )
    worst = max(layers, key=lambda i: last[i])
    why = "from the start" if born else "since the first updates"
    return Finding(
        "saturated-units",
        "illness" if severe and not earlier else "information",
        f"In {layer_names([i + 1 for i in layers])} {last[worst]:.0%} of the units' sums lie, "
        f"{why}, where {net.activation.name} is flat (its slope below 1 % of the steepest), "
        f"{so}.",
        {
            "flat at the start": {f"layer {i + 1}": first[0][i] for i in layers},
            "flat at the end": {f"layer {i + 1}": last[i] for i in layers},
        },
        _unstuck(chart, born=born),
    )


def _thrown(chart: Chart) -> bool:
    """Tell whether the run blew up, or its first step was beyond what the curvature can bear."""
    run = chart.run
    if run is None or chart.problem is None:
        return False
    if blown_up(chart):
        return True
    # A scaled rule's first step has no memory to be measured by.
    scaled = run.task.optimizer.rule.scaled
    return not scaled and chart.begun is not None and sharpness(chart, chart.begun) > 1.0


def _came_by_learning(chart: Chart, layers: list[int]) -> bool:
    """Tell whether the loss had come well down by the time the layers were flat, and stayed so."""
    known = [v for v in (chart.start_loss, chart.constant_loss) if v is not None]
    end = chart.end_loss
    if not known or end is None or not end < HARDLY * min(known):
        return False
    for state in chart.states:
        theta = state.theta.astype(np.float64)
        if np.isfinite(theta).all() and any(flat_shares(chart, theta)[i] > MOST for i in layers):
            loss = chart.objective(theta)
            return loss is not None and loss < HARDLY * min(known)
    return False


def _unstuck(chart: Chart, *, born: bool) -> Fix:
    if born and unscaled_inputs(chart) is not None:
        return Fix("standardise the columns (standardize=True)", {"standardize": True})
    if born:
        return drawn_afresh()
    return Fix("take a smaller step", _smaller(chart))


RULES: tuple[Callable[[Chart], Finding | None], ...] = (dead_units, saturated_units)
