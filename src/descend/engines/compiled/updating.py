"""From a gradient to the next parameters, many times over.

    repeat      update after update within one kernel: small problems
    one_by_one  the same for batches of a single row of a linear model
    step        one update from sums that were taken elsewhere: large problems
    move        a stretch of the parameters of one update: so many that threads share them

`Terms` are what joins the sweep's sums: what they are divided by, the penalty, the clipping.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.generics import recall, remember, slope, update, value
from descend.engines.compiled.rows import mass_of, prefetch, row_of, weight_of
from descend.engines.compiled.scalars import REORDERED
from descend.engines.compiled.sweeps import sweep

AHEAD = 12  # rows of memory asked for in advance
_LINE = 64  # bytes to a cache line
# Squares beyond the largest number are summed a second time, this much smaller.
_FAR = 2.0**-600


class Terms(NamedTuple):
    """What joins a sweep's sums.

    Attributes
    ----------
    mean
        Whether sums are divided by the batch's mass.
    l1, l2
        Strengths (P,) of the penalties, or None where there is none at all.
    weight
        1 on weights and 0 on biases, (P,).
    clip
        None, or the pair (clip_value, clip_norm), infinite where it is not asked for.
    """

    mean: bool
    l1: Any
    l2: Any
    weight: Any
    clip: Any


class Kept(NamedTuple):
    """Where states are kept along the way: after each multiple of `every` updates (0: never)."""

    every: int
    states: Any


# ---------------------------------------------------------------- one parameter


@njit(**REORDERED)
def _pulled(l2, g, theta, j):
    """Return the gradient with the squared penalty's."""
    if l2 is None:
        return g
    return g + l2[j] * theta


@njit(**REORDERED)
def _price(l1, l2, theta, j):
    """Return the penalty."""
    if l2 is None:
        return 0.0
    return l1[j] * abs(theta) + 0.5 * l2[j] * theta * theta


@njit(**REORDERED)
def _strength(l1, j):
    """Return the strength of the absolute penalty."""
    if l1 is None:
        return 0.0
    return l1[j]


@njit(**REORDERED)
def _shortest(l1, g, theta, j):
    """Return the gradient, or the shortest subgradient under an absolute penalty."""
    if l1 is None:
        return g
    if theta > 0:
        return g + l1[j]
    if theta < 0:
        return g - l1[j]
    return 0.0 if abs(g) <= l1[j] else g - math.copysign(l1[j], g)


@njit(**REORDERED)
def _held(clip, g, shrink):
    """Return the gradient held within ± clip_value, and shortened."""
    if clip is None:
        return g
    g = clip[0] if g > clip[0] else g
    return shrink * (-clip[0] if g < -clip[0] else g)


# ---------------------------------------------------------------- all of them


@njit(**REORDERED)
def _factor(mean, mass):
    """Return what turns sums into what the reduction asks for."""
    if not mean:
        return 1.0
    return 1.0 / mass if mass != 0.0 else 1.0


@njit(**REORDERED)
def _shrink(clip, l2, theta, gradient, factor):
    """Return what shortens the held gradient to clip_norm."""
    if clip is None:
        return 1.0
    square, far = 0.0, 0.0
    for j in range(theta.size):
        g = _held(clip, _pulled(l2, factor * gradient[j], float(theta[j]), j), 1.0)
        square += g * g
        far += (g * _FAR) * (g * _FAR)
    length = _length(square, far)
    return clip[1] / length if length > clip[1] else 1.0


@njit(**REORDERED)
def _length(square, far):
    """Return a length from its square; from the smaller sum where that has overflowed."""
    return math.sqrt(far) / _FAR if math.isinf(square) else math.sqrt(square)


@njit(**REORDERED)
def _moved(rule, terms, state, gradient, factor, shrink, rate, t, first, last):
    """Update parameters `first` to `last`, in one pass; turn the sums into the gradient.

    Returns the penalty, and twice two sums of squares: of the gradient, of the move.
    """
    theta, time = state[0], float(t)
    penalty, steep, steep_far, moved, moved_far = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(first, last):
        before = float(theta[j])
        g = _pulled(terms.l2, factor * gradient[j], before, j)
        gradient[j] = g
        penalty += _price(terms.l1, terms.l2, before, j)
        short = _shortest(terms.l1, g, before, j)
        steep += short * short
        steep_far += (short * _FAR) * (short * _FAR)
        after, memory = update(
            rule,
            before,
            _held(terms.clip, g, shrink),
            recall(rule, state, j),
            rate,
            time,
            _strength(terms.l1, j),
            terms.weight[j],
        )
        theta[j] = after
        remember(memory, state, j)
        difference = float(theta[j]) - before
        moved += difference * difference
        moved_far += (difference * _FAR) * (difference * _FAR)
    return penalty, steep, steep_far, moved, moved_far


@njit(**REORDERED)
def _stepped(rule, terms, total, mass, state, gradient, rate, t, figures, seen):
    """Do one update from summed loss and gradient; write its figures, and the gradient if asked."""
    factor = _factor(terms.mean, mass)
    shrink = _shrink(terms.clip, terms.l2, state[0], gradient, factor)
    penalty, steep, steep_far, moved, moved_far = _moved(
        rule, terms, state, gradient, factor, shrink, rate, t, 0, gradient.size
    )
    figures[0] = total * factor + penalty
    figures[1] = _length(steep, steep_far)
    figures[2] = _length(moved, moved_far)
    figures[3] = rate
    for j in range(seen.size):
        seen[j] = gradient[j]


@njit(**REORDERED)
def _keep(kept, step, state, place):
    """Keep the state if its step is a multiple; return the next free place."""
    if kept.every == 0 or step % kept.every != 0:
        return place
    for s in range(state.shape[0]):  # assigning whole arrays would take the compiler seconds
        for j in range(state.shape[1]):
            kept.states[place, s, j] = state[s, j]
    return place + 1


# ---------------------------------------------------------------- many updates, or one


@kernel
def repeat(
    model, loss, rule, rows, n, size, batch, terms, state, rates, t, figures, kept, seen, work
):
    """Do one update for each rate: of all rows, or of the batches that follow `batch`.

    Updates are numbered from `t`, and the first of all is 1. The gradient of the last one is
    written to `seen`, if that has room: a look at the objective is an update that nobody keeps,
    and so has the update's bits.
    """
    place, theta = 0, state[0]
    gradient = np.empty(theta.size)
    mass = mass_of(rows.weights, rows.order, 0, n) if size >= n else 0.0
    for i in range(rates.size):
        first, last = 0, n
        if size < n:
            first = (batch + i) * size
            last = min(first + size, n)
            mass = mass_of(rows.weights, rows.order, first, last)
        for j in range(gradient.size):
            gradient[j] = 0.0
        total = sweep(model, loss, rows, first, last, theta, gradient, work)
        _stepped(rule, terms, total, mass, state, gradient, rates[i], t + i, figures[i], seen)
        place = _keep(kept, t + i, state, place)


@kernel
def one_by_one(loss, rule, rows, bias, first, terms, state, rates, t, figures, kept, seen):
    """Do one update for each rate, of one row each, from place `first` on.

    Losses are left to the end, where they are taken many at a time.
    """
    X, d, theta, place = rows.X, rows.X.shape[1], state[0], 0
    lines, scores, gradient = _LINE // X.itemsize, np.empty(rates.size), np.empty(theta.size)
    for i in range(rates.size):
        row = row_of(rows.order, first + i)
        if i + AHEAD < rates.size:
            following = row_of(rows.order, first + i + AHEAD) * d
            for j in range(0, d, lines):
                prefetch(X, following + j)
        x = X[row]
        s = X.dtype.type(0)
        for j in range(d):
            s += x[j] * theta[j]
        if bias:
            s += theta[d]
        scores[i] = s
        w = _own_weight(terms.mean, weight_of(rows.weights, row))
        g = w * slope(loss, s, rows.y[row, 0])
        for j in range(d):
            gradient[j] = g * x[j]
        if bias:
            gradient[d] = g
        _stepped(rule, terms, 0.0, 1.0, state, gradient, rates[i], t + i, figures[i], seen)
        place = _keep(kept, t + i, state, place)
    for i in range(rates.size):
        row = row_of(rows.order, first + i)
        w = _own_weight(terms.mean, weight_of(rows.weights, row))
        figures[i, 0] += w * value(loss, scores[i], rows.y[row, 0])


@njit(**REORDERED)
def _own_weight(mean, weight):
    """Return what a row weighs alone: divided by itself 1, and 0 as good as absent."""
    if not mean:
        return weight
    return 1.0 if weight != 0.0 else 0.0


@kernel
def chunk(model, loss, rows, first, last, theta, gradient, work):
    """Sweep one chunk of rows into a gradient of its own; return its summed loss."""
    for j in range(gradient.size):
        gradient[j] = 0.0
    return sweep(model, loss, rows, first, last, theta, gradient, work)


@kernel
def step(rule, terms, totals, gradients, mass, state, rate, t, figures, seen):
    """Do one update from the sums of several chunks, taken in their order."""
    gradient, total = np.zeros(state.shape[1]), 0.0
    for c in range(totals.size):
        total += totals[c]
        for j in range(gradient.size):
            gradient[j] += gradients[c, j]
    _stepped(rule, terms, total, mass, state, gradient, rate, t, figures, seen)


@kernel
def move(rule, terms, state, gradient, mass, rate, t, first, last):
    """Update a stretch of the parameters; return what `_moved` does."""
    factor = _factor(terms.mean, mass)
    return _moved(rule, terms, state, gradient, factor, 1.0, rate, t, first, last)
