"""What goes wrong inside a net: copies, explosions, dead and saturated units, lost gradients.

Every rule asks two things: is the structure there (at the start, along the way, at the end), and
did the net fail to learn what is there to be learnt?  Dead or sharp units in a net that learnt are
no illness.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import models
from descend.doctor.findings import Finding, Fix
from descend.doctor.net_facts import (
    BOUNDED,
    RECTIFIERS,
    UNBOUNDED,
    flat_share,
    poor,
    rms,
    signals,
    slopes,
    unscaled_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart, Layer

# Copies at the start are exact; by rounding they may drift this far, relative to their size.
COPIED, DRIFTED = 1e-9, 1e-3
# From this share of a layer's units on, copies are an illness.
COPIES = 0.25
# Scores so many times larger than the inputs, at the start, are the weights' doing …
GROWTH = 30.0
# … and cost so many times what the best constant costs.
DEARER = 100.0
# Most of a layer; nearly all of it.
MOST, NEARLY_ALL = 0.5, 0.75
# Of a rectifier that is smooth, and the chance below which deaths are no accident of the start.
CLOSED, ACCIDENT = 1e-4, 0.01
# The gradient's signal at the first layer, as a share of the last one's.
LOST = 1e-3


def _layer_names(layers: list[int]) -> str:
    words = ", ".join(str(i) for i in layers)
    return f"hidden layer {words}" if len(layers) == 1 else f"hidden layers {words}"


def _drawn_afresh(chart: Chart) -> Fix:
    return Fix(
        "draw the first weights at random, in the size that suits the activation (init='auto')",
        {"init": "auto"},
    )


def _ordinary_start(chart: Chart) -> bool:
    """Tell whether the weights were drawn as suits the activation."""
    net = chart.net
    if net is None or not isinstance(net.init, str):
        return False
    return net.init in {"auto", "glorot", "he", "lecun", models.automatic_init(net)}


def _last_finite(chart: Chart) -> Floats | None:
    """Return the returned theta, or the last one kept that is finite."""
    end = chart.end
    if end is not None and np.isfinite(end).all():
        return end
    kept = [s.theta.astype(np.float64) for s in chart.states]
    finite = [theta for theta in kept if np.isfinite(theta).all()]
    return finite[-1] if finite else None


# ---------------------------------------------------------------- copies


def identical_units(chart: Chart) -> Finding | None:
    """Find units that are copies of one another: they get the same gradient, and stay copies.

    Swapping two units of a layer whose incoming weights, bias and outgoing weights are equal
    changes nothing, so their gradients are equal too, at every update: no descent can part them.
    Units that only came to be alike (weights that a penalty drove to 0, features found twice)
    were not copies at the start; units with equal incoming and different outgoing weights part at
    the first update.
    """
    start, end = chart.start, _last_finite(chart)
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
    layers = _layer_names(list(copies))
    units = sum(units for _, units in copies.values())
    left = sum(distinct.values())
    return Finding(
        "identical-units",
        "illness" if worst >= COPIES else "information",
        f"Units of {layers} started as copies of one another, so they get the same gradient and "
        f"stay copies: {units} units do the work of {left}.",
        {"units": units, "distinct": distinct, "layers": list(copies)},
        _drawn_afresh(chart),
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
        _drawn_afresh(chart),
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


# ---------------------------------------------------------------- dead units


def dead_units(chart: Chart) -> Finding | None:
    """Find units that are 0 for every row, so that no gradient reaches their weights again.

    Rectifiers only.  A layer that is dead altogether makes the net a constant.  Where half or
    more of a layer is dead and the net has much left to learn, deaths must also be more than a
    fresh start has by accident on these rows (with one column of positive numbers half the units
    of any start are dead): a binomial test.  Units whose weights a penalty drove to 0 are not
    dead, they are not wanted.
    """
    net = chart.net
    end = _last_finite(chart)
    if net is None or end is None or net.activation.name not in RECTIFIERS:
        return None
    stack = chart.layers(end)[:-1]
    dead = [_dead(chart, layer) for layer in stack]
    shares = [float(d.mean()) for d in dead]
    whole = [i + 1 for i, share in enumerate(shares) if share == 1.0]
    if max(shares) < MOST or _unwanted(chart, stack, dead):
        return None
    worst = int(np.argmax(shares))
    if not whole:
        natural = _natural(chart, worst)
        if shares[worst] < NEARLY_ALL and _binomial_tail(dead[worst], natural) > ACCIDENT:
            return None
    if chart.run is not None and chart.run.outcome.reason == "diverged":
        return None
    when, born = _died(chart, worst)
    earlier = unscaled_inputs(chart) is not None or _starved(chart)
    layers = _layer_names(whole or [worst + 1])
    how_many = "All" if whole else f"{int(dead[worst].sum())} of {len(dead[worst])}"
    so = "so the net is a constant" if whole else "so what is left of the net is too small"
    return Finding(
        "dead-units",
        "illness" if (whole or poor(chart)) and (born or not earlier) else "information",
        f"{how_many} units of {layers} are 0 for every row, where {net.activation.name} has no "
        f"slope: no gradient reaches their weights, {so}. {when}",
        {"dead": {f"layer {i + 1}": int(d.sum()) for i, d in enumerate(dead)}, "share": shares},
        _revived(chart, born),
    )


def _starved(chart: Chart) -> bool:
    """Tell whether the gradient was lost at the start already, which is what killed the units."""
    first = signals(chart, chart.start)
    return first is not None and _lost(first.backward) and first.backward[0] > 0


def _dead(chart: Chart, layer: Layer) -> Any:
    closed = 0.0 if chart.net is not None and chart.net.activation.name == "relu" else CLOSED
    found = slopes(chart, layer)
    return (found <= closed).all(axis=0) & (layer.outputs.max(axis=0) <= CLOSED + closed)


def _unwanted(chart: Chart, stack: list[Layer], dead: list[Any]) -> bool:
    """Tell whether a penalty took the dead units' weights away."""
    task, start = chart.task, chart.layers(chart.start)
    if task is None or task.penalty is None or not start:
        return False
    small = [
        rms(layer.weight[:, d]) <= DRIFTED * rms(first.weight)
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
        shares.append(float(_dead(chart, chart.layers(theta)[layer]).mean()))
    return float(np.mean(shares))


def _binomial_tail(dead: Any, p: float) -> float:
    """Return the chance of so many deaths or more if each unit dies with chance p."""
    from scipy.stats import binom  # noqa: PLC0415 - slow to import

    return float(binom.sf(int(dead.sum()) - 1, len(dead), p)) if p > 0 else 0.0


def _died(chart: Chart, layer: int) -> tuple[str, bool]:
    """Return when most of the layer died, in words, and whether it was before the start."""
    states = chart.states
    seen = [(s.step, float(_dead(chart, _layer_at(chart, s.theta, layer)).mean())) for s in states]
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


def _revived(chart: Chart, born: bool) -> Fix:
    if born and not _ordinary_start(chart):
        return _drawn_afresh(chart)
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


# ---------------------------------------------------------------- saturated units


def saturated_units(chart: Chart) -> Finding | None:
    """Find units that stand where their activation is flat, from early on and for good.

    A slope below `FLAT` of the steepest passes on next to no gradient.  Where more than half of
    a layer's units times rows stand there at the start or soon after, and still do, and much is
    left to learn, that is why it was not learnt.  Units that became sharp in a net that learnt
    are healthy; where large inputs push ordinary weights there, the inputs are the cause.
    """
    net, end = chart.net, _last_finite(chart)
    if net is None or end is None or net.activation.name not in BOUNDED:
        return None
    early = [s.theta.astype(np.float64) for s in chart.states[:-1]][:3]
    begun = [t for t in [chart.start, *early] if t is not None and np.isfinite(t).all()]
    last = _flat(chart, end)
    first = [_flat(chart, theta) for theta in begun]
    if not first or not last:
        return None
    layers = [i for i, share in enumerate(last) if share > MOST and any(f[i] > MOST for f in first)]
    if not layers:
        return None
    born = any(first[0][i] > MOST for i in layers)
    size = unscaled_inputs(chart)
    worst = max(layers, key=lambda i: last[i])
    why = "from the start" if born else "since the first updates"
    return Finding(
        "saturated-units",
        "illness" if size is None and poor(chart) else "information",
        f"In {_layer_names([i + 1 for i in layers])} {last[worst]:.0%} of the units' sums lie, "
        f"{why}, where {net.activation.name} is flat (its slope below 1 % of the steepest), so "
        "hardly any gradient comes through and the weights below hardly move.",
        {
            "flat at the start": {f"layer {i + 1}": first[0][i] for i in layers},
            "flat at the end": {f"layer {i + 1}": last[i] for i in layers},
        },
        _unstuck(chart, born),
    )


def _flat(chart: Chart, theta: Floats) -> list[float]:
    return [flat_share(chart, layer) for layer in chart.layers(theta)[:-1]]


def _unstuck(chart: Chart, born: bool) -> Fix:
    if born and unscaled_inputs(chart) is not None:
        return Fix("standardise the columns (standardize=True)", {"standardize": True})
    if born:
        return _drawn_afresh(chart)
    return Fix("take a smaller step", _smaller(chart))


# ---------------------------------------------------------------- vanishing gradient


def vanishing_gradient(chart: Chart) -> Finding | None:
    """Find a gradient that shrinks from layer to layer on its way back.

    The gradient by a layer's sums is that of the next one's, times the weights, times the slopes;
    where each such factor is well below 1 it shrinks geometrically.  It is this illness if less
    than `LOST` of it arrives at the first layer, at the start and still at the end, with much
    left to learn; a net that recovered is only told so.  And only if neither copies, dead units nor flat places explain it.
    """
    net, start, end = chart.net, chart.start, _last_finite(chart)
    if net is None or start is None or end is None or len(net.hidden) < 2:  # noqa: PLR2004
        return None
    first, last = signals(chart, start), signals(chart, end)
    if first is None or last is None or not _lost(first.backward):
        return None
    if identical_units(chart) is not None:
        return None
    if net.activation.name in RECTIFIERS and any(
        _dead(chart, layer).all() for layer in chart.layers(start)[:-1]
    ):
        return None
    if net.activation.name in BOUNDED and max(_flat(chart, start)) > MOST:
        return None
    shares = [size / first.backward[-1] for size in first.backward]
    deep = len(net.hidden)
    sharp = net.activation.name in {"sigmoid", "softmax"} and _ordinary_start(chart)
    fix = (
        Fix(
            f"use tanh instead of {net.activation.name}, whose slope is at most a quarter, with its "
            "own start (init='auto')",
            {"activation": "tanh", "init": "auto"},
        )
        if sharp
        else Fix(
            "draw the first weights in the size that suits the activation (init='auto')",
            {"init": "auto"}
            if net.activation.name != "sigmoid"
            else {"init": "auto", "activation": "tanh"},
        )
    )
    return Finding(
        "vanishing-gradient",
        "illness" if _lost(last.backward) and poor(chart) else "information",
        f"Going back through {deep} hidden layers the gradient shrinks by a factor of about "
        f"{shares[0] ** (1 / deep):.2g} a layer: {shares[0]:.2g} of it arrives at the first one, "
        "whose weights therefore hardly move.",
        {
            "share that arrives at each layer": shares,
            "at the end": last.backward[0] / max(last.backward[-1], np.finfo(float).tiny),
        },
        fix,
    )


def _lost(sizes: tuple[float, ...]) -> bool:
    return sizes[-1] > 0 and sizes[0] < LOST * sizes[-1]


RULES: tuple[Callable[[Chart], Finding | None], ...] = (
    identical_units,
    exploding_activations,
    dead_units,
    saturated_units,
    vanishing_gradient,
)
