"""What the first weights of a net can do wrong: copies, explosions, gradients that get lost.

Every rule asks two things: is the structure there (at the start, along the way, at the end), and
did the net fail to learn what is there to be learnt?  A net that recovered is only told so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.doctor.findings import Finding, Fix
from descend.doctor.net_facts import (
    BOUNDED,
    RECTIFIERS,
    UNBOUNDED,
    dead_in,
    drawn_afresh,
    dwindles,
    flat_shares,
    last_finite,
    layer_names,
    lost,
    ordinary_start,
    poor,
    rms,
    signals,
    still_constant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart, Layer
    from descend.models import MLP

# Copies at the start are exact; by rounding they may drift this far, relative to their size.
COPIED, DRIFTED = 1e-9, 1e-3
# From this share of a layer's units on, copies are an illness.
COPIES = 0.25
# Scores so many times larger than the inputs, at the start, are the weights' doing …
GROWTH = 30.0
# … and cost so many times what the best constant costs.
DEARER = 100.0
# Most of a layer, of a run.
MOST = 0.5


# ---------------------------------------------------------------- copies


def identical_units(chart: Chart) -> Finding | None:
    """Find units that are copies of one another: they get the same gradient, and stay copies.

    Swapping two units of a layer whose incoming weights, bias and outgoing weights are equal
    changes nothing, so their gradients are equal too, at every update: no descent can part them.
    Units that only came to be alike (weights that a penalty drove to 0, features found twice)
    were not copies at the start; units with equal incoming and different outgoing weights part at
    the first update.
    """
    start, end = chart.start, last_finite(chart)
    if chart.net is None or start is None or end is None:
        return None
    before, after = chart.layers(start), chart.layers(end)
    copies = {}
    for i in range(len(before) - 1):
        units = np.vstack([_incoming(before[i]), before[i + 1].weight.T])
        same = _groups(units, COPIED)
        still = [g for group in same for g in _within(_incoming(after[i]), group)]
        if still:
            copies[i + 1] = (sum(len(g) - 1 for g in still), before[i].weight.shape[1])
    if not copies:
        return None
    worst = max(extra / units for extra, units in copies.values())
    distinct = {f"layer {i}": units - extra for i, (extra, units) in copies.items()}
    layers = layer_names(list(copies))
    units = sum(units for _, units in copies.values())
    left = sum(distinct.values())
    return Finding(
        "identical-units",
        "illness" if worst >= COPIES else "information",
        f"Units of {layers} started as copies of one another, so they get the same gradient and "
        f"stay copies: {units} units do the work of {left}.",
        {"units": units, "distinct": distinct, "layers": list(copies)},
        drawn_afresh(),
    )


def _incoming(layer: Layer) -> Floats:
    return layer.weight if layer.bias is None else np.vstack([layer.weight, layer.bias])


def _groups(columns: Floats, tolerance: float) -> list[list[int]]:
    """Return groups of two or more equal columns."""
    size = float(np.abs(columns).max()) or 1.0
    line = np.random.default_rng(0).standard_normal(len(columns)) @ (columns / size)
    order = np.argsort(line, kind="stable")
    groups: list[list[int]] = [[int(order[0])]]
    for unit in order[1:]:
        first = groups[-1][0]
        if np.abs(columns[:, unit] - columns[:, first]).max() <= tolerance * size:
            groups[-1].append(int(unit))
        else:
            groups.append([int(unit)])
    return [group for group in groups if len(group) > 1]


def _within(columns: Floats, group: list[int]) -> list[list[int]]:
    """Return the groups among some columns that are still equal."""
    found = _groups(columns[:, group], DRIFTED)
    return [[group[i] for i in part] for part in found]


# ---------------------------------------------------------------- explosions


def exploding_activations(chart: Chart) -> Finding | None:
    """Find layers that make numbers larger and larger, before the first update.

    Weights of size sqrt(1/inputs), give or take a small factor, pass on the size of what comes
    in; larger ones multiply it, layer after layer.  It is the weights' doing if the scores at the
    start are `GROWTH` times larger than the inputs (so that large inputs through ordinary weights
    do not count: those are unscaled features), and it matters if the loss at the start is
    `DEARER` times that of the best constant.  An illness if the run did not recover.  A start that
    is fine and blows up later is a step that is too large.
    """
    net, stack = chart.net, chart.layers(chart.start)
    if net is None or len(stack) < 2 or net.activation.name not in UNBOUNDED:  # noqa: PLR2004
        return None
    factors = [_factor(layer) for layer in stack]
    if not _explodes(chart, stack, factors):
        return None
    growth = float(np.prod(factors))
    dearer = _dearer(chart)
    cost = (
        "" if dearer is None else f", and the loss is {dearer:.3g} times that of the best constant"
    )
    steps = ", ".join(f"{f:.3g}" for f in factors)
    return Finding(
        "exploding-activations",
        "illness" if poor(chart) else "information",
        f"The first weights are too large: layer after layer multiplies the numbers by {steps}, so "
        f"the scores start {growth:.3g} times larger than the inputs{cost}.",
        {"factor of each layer": factors, "growth": growth, "loss at the start": chart.start_loss},
        drawn_afresh(),
    )


def _factor(layer: Layer) -> float:
    """Return by how much a layer's weights enlarge what comes in."""
    sums = layer.inputs @ layer.weight
    return rms(sums) / max(rms(layer.inputs), np.finfo(float).tiny)


def _explodes(chart: Chart, stack: list[Layer], factors: list[float]) -> bool:
    scores = stack[-1].outputs
    if not np.isfinite(scores).all():
        return True
    if np.prod(factors) < GROWTH or max(factors[1:]) < 2.0:  # noqa: PLR2004 - beyond sqrt(2), He's
        return False
    dearer = _dearer(chart)
    if dearer is not None:
        return dearer >= DEARER
    return rms(scores) >= GROWTH


def _dearer(chart: Chart) -> float | None:
    start, constant = chart.start_loss, chart.constant_loss
    if start is None or constant is None or not constant > 0:
        return None
    return start / constant


# ---------------------------------------------------------------- vanishing gradient


def vanishing_gradient(chart: Chart) -> Finding | None:
    """Find a gradient that shrinks from layer to layer on its way back.

    The gradient by a layer's sums is that of the next one's, times the weights, times the slopes;
    where each such factor is well below 1 it shrinks geometrically.  It is this illness if less
    than `LOST` of it arrives at the first layer, at the start and in most states kept along the
    way or at the end, with much left to learn; a net that recovered is only told
    so.  Of a net that never left the best constant less is asked: at the start and at the end
    each layer passes on less than half, and all of them less than a hundredth.
    And only if neither copies, dead units nor flat places explain it (`_explained`).
    """
    net, start, end = chart.net, chart.start, last_finite(chart)
    if net is None or start is None or end is None or len(net.hidden) < 2:  # noqa: PLR2004
        return None
    first, last = signals(chart, start), signals(chart, end)
    if first is None or last is None:
        return None
    plateau = dwindles(first.backward) and dwindles(last.backward) and still_constant(chart)
    if not (lost(first.backward) or plateau):
        return None
    if _explained(chart, net, start):
        return None
    shares = [size / first.backward[-1] for size in first.backward]
    deep = len(net.hidden)
    flat = net.activation.name in {"sigmoid", "softmax"}
    own = "" if ordinary_start(chart) else ", whose own start (init='auto') suits it"
    fix = (
        Fix(
            f"use tanh instead of {net.activation.name}, whose slope is at most a quarter{own}",
            {"activation": "tanh", "init": "auto"},
        )
        if flat
        else drawn_afresh()
    )
    return Finding(
        "vanishing-gradient",
        "illness" if plateau or (_mostly_lost(chart) and poor(chart)) else "information",
        f"Going back through {deep} hidden layers the gradient shrinks by a factor of about "
        f"{shares[0] ** (1 / deep):.2g} a layer: {shares[0]:.2g} of it arrives at the first one, "
        "whose weights therefore hardly move.",
        {
            "share that arrives at each layer": shares,
            "at the end": last.backward[0] / max(last.backward[-1], np.finfo(float).tiny),
        },
        fix,
    )


def _explained(chart: Chart, net: MLP, start: Floats) -> bool:
    """Tell whether copies, dead units or flat places explain a gradient that is lost."""
    if identical_units(chart) is not None:
        return True
    if net.activation.name in RECTIFIERS:
        return any(dead_in(chart, layer).all() for layer in chart.layers(start)[:-1])
    return net.activation.name in BOUNDED and max(flat_shares(chart, start)) > MOST


def _mostly_lost(chart: Chart) -> bool:
    """Tell whether the gradient was lost in most of the states kept, or in the last of them."""
    found = [signals(chart, s.theta.astype(np.float64)) for s in chart.states]
    shares = [lost(s.backward) for s in found if s is not None and np.isfinite(s.backward).all()]
    return bool(shares) and (shares[-1] or sum(shares) >= MOST * len(shares))


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    identical_units,
    exploding_activations,
    vanishing_gradient,
)
