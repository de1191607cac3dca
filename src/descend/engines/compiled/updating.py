"""From a gradient to the next parameters, many times over.

    repeat     update after update within one kernel: small problems
    one_by_one the same for batches of a single row of a linear model
    step       one update from a gradient that was summed elsewhere: large problems

`Terms` are what joins the sweep's sums: what to divide by, the penalty, the clipping.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.generics import recall, remember, slope, update, value
from descend.engines.compiled.rows import mass_of, prefetch, row_of, weight_of
from descend.engines.compiled.scalars import REORDERED
from descend.engines.compiled.sweeps import sweep
from numba import njit

AHEAD = 12  # rows of memory asked for in advance
_LINE = 64  # bytes to a cache line


class Terms(NamedTuple):
    """What joins a sweep's sums.

    Attributes
    ----------
    mean
        Whether sums are divided by the batch's mass.
    l1, l2
        Strengths (P,) of the penalties, or None where there is none.
    weight
        1 on weights and 0 on biases, (P,).
    clip_value, clip_norm
        Infinite where nothing is clipped.
    """

    mean: bool
    l1: Any
    l2: Any
    weight: Any
    clip_value: float
    clip_norm: float


class Kept(NamedTuple):
    """Where states are kept along the way: after each multiple of `every` updates (0: never)."""

    every: int
    states: Any


@njit(**REORDERED)
def _divided(terms, mass):
    """Return the factor that turns sums into what the reduction asks for."""
    if not terms.mean:
        return 1.0
    return 1.0 / mass if mass != 0.0 else 1.0


@njit(**REORDERED)
def _length(square, vector):
    """Return the Euclidean length whose square is known, without overflow."""
    if not math.isinf(square):
        return math.sqrt(square)
    largest = 0.0
    for v in vector:
        largest = max(largest, abs(v))
    if math.isinf(largest):
        return largest
    square = 0.0
    for v in vector:
        square += (v / largest) * (v / largest)
    return largest * math.sqrt(square)


@njit(**REORDERED)
def strength(l1, j):
    """Return a strength of the penalty at parameter `j`; 0 where there is none."""
    if l1 is None:
        return 0.0
    return l1[j]


@njit(**REORDERED)
def _penalised(l1, l2, theta, gradient):
    """Add the squared penalty's gradient; return the penalty."""
    penalty = 0.0
    if l2 is not None:
        for j in range(theta.size):
            w = float(theta[j])
            penalty += l1[j] * abs(w) + 0.5 * l2[j] * w * w
            gradient[j] += l2[j] * w
    return penalty


@njit(**REORDERED)
def _objective(total, factor, terms, theta, gradient):
    """Return the objective; turn the summed gradient into the objective's, in place."""
    for j in range(theta.size):
        gradient[j] *= factor
    return total * factor + _penalised(terms.l1, terms.l2, theta, gradient)


@njit(**REORDERED)
def _subgradient(g, theta, l1):
    """Return the shortest subgradient of one parameter's loss and l1 |theta|."""
    if theta > 0:
        return g + l1
    if theta < 0:
        return g - l1
    return 0.0 if abs(g) <= l1 else g - math.copysign(l1, g)


@njit(**REORDERED)
def _steepness(l1, theta, gradient):
    """Return the length of the gradient, or of the shortest subgradient under |w|."""
    square = 0.0
    if l1 is None:
        for j in range(theta.size):
            square += gradient[j] * gradient[j]
        return _length(square, gradient)
    shortest = np.empty(theta.size)
    for j in range(theta.size):
        shortest[j] = _subgradient(gradient[j], theta[j], l1[j])
        square += shortest[j] * shortest[j]
    return _length(square, shortest)


@njit(**REORDERED)
def _clip(terms, gradient):
    """Hold the gradient within ± clip_value, then shorten it to clip_norm."""
    if terms.clip_value < math.inf:
        for j in range(gradient.size):
            g = gradient[j]
            g = terms.clip_value if g > terms.clip_value else g
            gradient[j] = -terms.clip_value if g < -terms.clip_value else g
    if terms.clip_norm < math.inf:
        square = 0.0
        for g in gradient:
            square += g * g
        length = _length(square, gradient)
        if length > terms.clip_norm:
            for j in range(gradient.size):
                gradient[j] *= terms.clip_norm / length


@njit(**REORDERED)
def _move(rule, terms, state, gradient, rate, t):
    """Update the state; return how far theta moved."""
    theta, square, time = state[0], 0.0, float(t)
    for j in range(theta.size):
        before, memory, l1 = theta[j], recall(rule, state, j), strength(terms.l1, j)
        moved, memory = update(rule, before, gradient[j], memory, rate, time, l1, terms.weight[j])
        theta[j] = moved
        remember(memory, state, j)
        difference = float(theta[j]) - float(before)
        gradient[j] = difference
        square += difference * difference
    return _length(square, gradient)


@njit(**REORDERED)
def _stepped(rule, terms, total, mass, state, gradient, rate, t, figures, seen):
    """Do one update from summed loss and gradient; write its figures, and the gradient if seen."""
    theta = state[0]
    figures[0] = _objective(total, _divided(terms, mass), terms, theta, gradient)
    if seen.size:
        for j in range(seen.size):
            seen[j] = gradient[j]
    figures[1] = _steepness(terms.l1, theta, gradient)
    _clip(terms, gradient)
    figures[2] = _move(rule, terms, state, gradient, rate, t)
    figures[3] = rate


@njit(**REORDERED)
def _keep(kept, step, state, place):
    """Keep the state if its step is a multiple; return the next free place."""
    if kept.every == 0 or step % kept.every != 0:
        return place
    here, now = kept.states[place].ravel(), state.ravel()
    for j in range(now.size):  # assigning whole arrays would take the compiler seconds
        here[j] = now[j]
    return place + 1


@kernel
def repeat(
    model, loss, rule, rows, n, size, batch, terms, state, rates, t, figures, kept, seen, work
):
    """Do one update for each rate: of all rows, or of the batches that follow `batch`.

    Updates are numbered from `t`, and the first of all is 1. The gradient of the last one is written to `seen`, if that has
    room: a look at the objective is an update that nobody keeps, and so has the update's bits.
    """
    theta, place = state[0], 0
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
        _stepped(
            rule, terms, total, mass, state, gradient, rates[i], t + i, figures[i], seen
        )
        place = _keep(kept, t + i, state, place)


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
def chunk(model, loss, rows, first, last, theta, gradient, work):
    """Sweep one chunk of rows into a gradient of its own."""
    for j in range(gradient.size):
        gradient[j] = 0.0
    return sweep(model, loss, rows, first, last, theta, gradient, work)


@kernel
def one_by_one(
    loss, rule, rows, bias, first, terms, state, rates, t, figures, kept, seen
):
    """Do one update for each rate, of one row each, from place `first` on: `repeat`, unrolled.

    Losses and square roots are left to the end, where they are taken many at a time.
    """
    X, d, place = rows.X, rows.X.shape[1], 0
    lines, scores, theta = _LINE // X.itemsize, np.empty(rates.size), state[0]
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
        w = weight_of(rows.weights, row)
        # Divided by its own weight a row weighs 1; a row of weight 0 is as good as absent.
        w = w if not terms.mean else (1.0 if w != 0.0 else 0.0)
        g = w * slope(loss, s, rows.y[row, 0])
        figures[i, 0] = _penalty(terms.l1, terms.l2, theta)
        if seen.size:
            _look(x, g, bias, terms.l2, theta, seen)
        steep, moved = _moves(rule, terms, x, g, bias, state, rates[i], float(t + i))
        figures[i, 1], figures[i, 2], figures[i, 3] = steep, moved, rates[i]
        place = _keep(kept, t + i, state, place)
    for i in range(rates.size):
        row = row_of(rows.order, first + i)
        w = weight_of(rows.weights, row)
        w = w if not terms.mean else (1.0 if w != 0.0 else 0.0)
        figures[i, 0] += w * value(loss, scores[i], rows.y[row, 0])


@njit(**REORDERED)
def _penalty(l1, l2, theta):
    """Return the penalty."""
    penalty = 0.0
    if l2 is not None:
        for j in range(theta.size):
            w = float(theta[j])
            penalty += l1[j] * abs(w) + 0.5 * l2[j] * w * w
    return penalty


@njit(**REORDERED)
def _look(x, g, bias, l2, theta, seen):
    """Write the gradient that `_moves` will take."""
    for j in range(x.size):
        seen[j] = _pulled(l2, g * x[j], theta[j], j)
    if bias:
        seen[x.size] = _pulled(l2, g, theta[x.size], x.size)


@njit(**REORDERED)
def _moves(rule, terms, x, g, bias, state, rate, t):
    """Update theta by g times a row; return the lengths of the gradient and of the move."""
    d, theta = x.size, state[0]
    steep, moved = 0.0, 0.0
    for j in range(d):
        before, memory, l1 = theta[j], recall(rule, state, j), strength(terms.l1, j)
        slope_j = _pulled(terms.l2, g * x[j], before, j)
        after, memory = update(rule, before, slope_j, memory, rate, t, l1, terms.weight[j])
        theta[j] = after
        remember(memory, state, j)
        short = _under_l1(terms.l1, slope_j, before, j)
        steep += short * short
        difference = float(theta[j]) - float(before)
        moved += difference * difference
    if bias:
        before, memory, l1 = theta[d], recall(rule, state, d), strength(terms.l1, d)
        slope_j = _pulled(terms.l2, g, before, d)
        after, memory = update(rule, before, slope_j, memory, rate, t, l1, terms.weight[d])
        theta[d] = after
        remember(memory, state, d)
        short = _under_l1(terms.l1, slope_j, before, d)
        steep += short * short
        difference = float(theta[d]) - float(before)
        moved += difference * difference
    return math.sqrt(steep), math.sqrt(moved)


@njit(**REORDERED)
def _pulled(l2, g, theta, j):
    """Return parameter `j`'s gradient with the squared penalty's."""
    if l2 is None:
        return g
    return g + l2[j] * theta


@njit(**REORDERED)
def _under_l1(l1, g, theta, j):
    """Return the shortest subgradient of parameter `j`; without an absolute penalty, `g`."""
    if l1 is None:
        return g
    return _subgradient(g, theta, l1[j])
