"""From a gradient to the next parameters, many times over.

    repeat      update after update within one kernel: small problems
    one_by_one  the same for batches of a single row of a linear model
    step        one update from sums that were taken elsewhere: large problems
    from_factor the same for all rows of a squared loss, which stand in one factor
    move        the piece of a rule: all parameters, once

`Terms` are what joins the sweep's sums: what they are divided by, the penalty, the clipping.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from descend.engines.compiled.caching import kernel
from descend.engines.compiled.generics import (
    recall,
    remember,
    slope,
    slots_of,
    update,
    value,
)
from descend.engines.compiled.pieces import call, marked, part_of
from descend.engines.compiled.rows import mass_of, row_of, weight_of
from descend.engines.compiled.scalars import REORDERED, STRICT, wide

GATHERED = 128  # rows that are gathered at once
# Squares are summed of numbers this much smaller, which is exact: a length may then be 1e231.
_SMALLER = 2.0**-256


class Terms(NamedTuple):
    """What joins a sweep's sums.

    Attributes
    ----------
    mean
        Whether sums are divided by the batch's mass.
    l1, l2
        Strengths (P,) of the penalties; of no length where there is none at all.
    weight
        1 on weights and 0 on biases, (P,).
    clip_value, clip_norm
        Limits of the gradient's entries and of its length; infinite where there are none.
    """

    mean: bool
    l1: Any
    l2: Any
    weight: Any
    clip_value: float
    clip_norm: float


class Rule(NamedTuple):
    """Where a rule's hyperparameters are, and its piece `move`."""

    rule: int
    move: int


class Kept(NamedTuple):
    """Where states are kept along the way: after each multiple of `every` updates (0: never)."""

    every: int
    states: Any


# The sums that `move` adds up: the penalty, and squares of the gradient and of the move.
_PENALTY, _STEEP, _MOVED, SUMS = range(4)


@njit(**REORDERED)
def _held(g, limit):
    """Return the gradient within ± the limit."""
    g = limit if g > limit else g
    return -limit if g < -limit else g


@njit(**REORDERED)
def _shortest(g, theta, l1):
    """Return the shortest subgradient under an absolute penalty."""
    if theta > 0:
        return g + l1
    if theta < 0:
        return g - l1
    return 0.0 if abs(g) <= l1 else g - math.copysign(l1, g)


@njit(**STRICT)
def _moved(kind, rule, theta, slots, terms, g, shrink, rate, time, j):
    """Update parameter `j`; return its gradient, penalty, shortest subgradient and move."""
    before, price, strength = float(theta[j]), 0.0, 0.0
    short = g
    if marked(kind, "penalized"):
        strength = float(terms.l1[j])
        g += terms.l2[j] * before
        price = strength * abs(before) + 0.5 * terms.l2[j] * before * before
        short = _shortest(g, before, strength)
    held = g
    if marked(kind, "clipped"):
        held = shrink * _held(g, terms.clip_value)
    after, memory = update(
        rule, before, held, recall(slots, j), rate, time, strength, float(terms.weight[j])
    )
    theta[j] = after
    remember(memory, slots, j)
    return g, price, short, float(theta[j]) - before


@njit(**REORDERED)
def _all_moved(kind, rule, theta, slots, terms, gradient, factor, shrink, rate, time):
    """Update all parameters in one pass; turn the sums into the gradient.

    Returns the penalty, and the sums of the squares of the gradient and of the move.
    """
    wide()
    penalty, steep, moved = 0.0, 0.0, 0.0
    for j in range(theta.size):
        g, price, short, difference = _moved(
            kind, rule, theta, slots, terms, factor * gradient[j], shrink, rate, time, j
        )
        gradient[j] = g
        penalty += price
        steep += (short * _SMALLER) * (short * _SMALLER)
        moved += (difference * _SMALLER) * (difference * _SMALLER)
    return penalty, steep, moved


@kernel
def move(kind, terms, state, gradient, factor, shrink, rate, t, sums):
    """Update all parameters, and write the sums that `_all_moved` returns.

    What is "penalized" and what is "clipped" is known when the piece is compiled.
    """
    rule = part_of(kind)
    sums[_PENALTY], sums[_STEEP], sums[_MOVED] = _all_moved(
        kind, rule, state[0], slots_of(rule, state), terms, gradient, factor, shrink, rate, float(t)
    )
    return 0.0


@njit(**REORDERED)
def factor_of_mass(mean, mass):
    """Return what turns sums into what the reduction asks for."""
    return 1.0 / mass if mean and mass != 0.0 else 1.0


@njit(**REORDERED)
def _shrink(terms, theta, gradient, factor):
    """Return what shortens the held gradient to clip_norm."""
    if not terms.clip_norm < math.inf:
        return 1.0
    square = 0.0
    for j in range(theta.size):
        g = factor * gradient[j]
        if terms.l2.size:
            g += terms.l2[j] * theta[j]
        g = _held(g, terms.clip_value)
        square += (g * _SMALLER) * (g * _SMALLER)
    length = _length(square)
    return terms.clip_norm / length if length > terms.clip_norm else 1.0


@njit(**REORDERED)
def _length(square):
    """Return a length from a sum of squares that were made smaller."""
    return math.sqrt(square) / _SMALLER


@njit(**REORDERED)
def _conclude(total, factor, rate, sums, figures):
    """Write an update's figures."""
    figures[0] = total * factor + sums[_PENALTY]
    figures[1] = _length(sums[_STEEP])
    figures[2] = _length(sums[_MOVED])
    figures[3] = rate


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
    sweep,
    model,
    rule,
    rows,
    mass,
    n,
    size,
    batch,
    terms,
    state,
    rates,
    t,
    figures,
    kept,
    gradient,
    sums,
    work,
):
    """Do one update for each rate: of all rows, or of the batches that follow `batch`.

    Updates are numbered from `t`, and the first of all is 1. `mass` is that of all rows. The
    gradient of the last update is left in `gradient`: a look at the objective is an update that
    nobody keeps, and so has the update's bits.
    """
    place, theta = np.intp(0), state[0]
    for i in range(rates.size):
        first, last = 0, n
        if size < n:
            first = (batch + i) * size
            last = min(first + size, n)
            mass = mass_of(rows, first, last)
        for j in range(gradient.size):
            gradient[j] = 0.0
        total = call(sweep, (model, rows, first, last, theta, gradient, work))
        factor = factor_of_mass(terms.mean, mass)
        shrink = _shrink(terms, theta, gradient, factor)
        call(
            rule.move,
            (
                rule.rule,
                terms,
                state,
                gradient,
                factor,
                shrink,
                rates[i],
                t + i,
                sums,
            ),
        )
        _conclude(total, factor, rates[i], sums, figures[i])
        place = _keep(kept, t + i, state, place)


@kernel
def chunk(sweep, model, rows, first, last, theta, gradient, work):
    """Sweep one chunk of rows into a gradient of its own; return its summed loss."""
    for j in range(gradient.size):
        gradient[j] = 0.0
    return call(sweep, (model, rows, first, last, theta, gradient, work))


@kernel
def step(rule, totals, gradients, mass, terms, state, rate, t, figures, sums):
    """Do one update from the sums of several chunks, taken in their order.

    They are left in the first: there the gradient will stand.
    """
    total, gradient, theta = 0.0, gradients[0], state[0]
    for c in range(totals.size):
        total += totals[c]
    for c in range(1, totals.size):
        for j in range(gradient.size):
            gradient[j] += gradients[c, j]
    factor = factor_of_mass(terms.mean, mass)
    shrink = _shrink(terms, theta, gradient, factor)
    call(
        rule.move,
        (rule.rule, terms, state, gradient, factor, shrink, rate, t, sums),
    )
    _conclude(total, factor, rate, sums, figures)


# ---------------------------------------------------------------- all rows in one factor


@kernel
def from_factor(kind, R, Z, share, rest, mass, terms, state, rates, t, figures, kept, gradient):
    """Do one update for each rate, of all rows: their loss is share |R theta - Z|² + rest.

    R is triangular. It is compiled for each rule: here a call would cost more than the work.
    """
    rule, theta, place = part_of(kind), state[0], np.intp(0)
    slots = slots_of(rule, state)
    p, k = Z.shape
    factor = factor_of_mass(terms.mean, mass)
    for i in range(rates.size):
        for j in range(gradient.size):
            gradient[j] = 0.0
        total, time, shrink = rest, float(t + i), 1.0
        for u in range(k):
            for r in range(p):
                e = -Z[r, u]
                for j in range(r, p):
                    e += R[r, j] * theta[j * k + u]
                total += share * e * e
                e *= 2.0 * share
                for j in range(r, p):
                    gradient[j * k + u] += R[r, j] * e
        if marked(kind, "clipped"):
            shrink = _shrink(terms, theta, gradient, factor)
        penalty, steep, moved = _all_moved(
            kind, rule, theta, slots, terms, gradient, factor, shrink, rates[i], time
        )
        figures[i, 0] = total * factor + penalty
        figures[i, 1] = _length(steep)
        figures[i, 2] = _length(moved)
        figures[i, 3] = rates[i]
        place = _keep(kept, t + i, state, place)


# ---------------------------------------------------------------- one row at a time


@kernel
def one_by_one(
    loss_kind, rule_kind, rows, first, terms, state, rates, t, figures, kept, held, beside
):
    """Do one update for each rate, of one row each, from place `first` on.

    It is compiled for loss and rule together: here a call would cost as much as the work. Rows are
    first gathered, `held.shape[0]` at a time, and their losses taken together afterwards: a
    processor waits for many rows from anywhere in memory at once, if none depends on the last.
    `held` has a column for each parameter, that of the bias full of ones; `beside` holds targets,
    weights and scores.
    """
    loss, rule = part_of(loss_kind), part_of(rule_kind)
    slots = slots_of(rule, state)
    d, theta, place = rows.X.shape[1], state[0], np.intp(0)
    for begun in range(0, rates.size, held.shape[0]):
        count = min(held.shape[0], rates.size - begun)
        for i in range(count):
            row = row_of(rows.order, first + begun + i)
            for j in range(d):
                held[i, j] = rows.X[row, j]
            if theta.size > d:
                held[i, d] = 1.0
            beside[0, i] = rows.y[row, 0]
            beside[1, i] = _own_weight(terms.mean, weight_of(rows.weights, row))
        for i in range(count):
            at = begun + i
            time, s = float(t + at), theta.dtype.type(0)
            for j in range(theta.size):
                s += held[i, j] * theta[j]
            beside[2, i] = s
            g = beside[1, i] * slope(loss, s, beside[0, i])
            penalty, steep, moved = _all_moved(
                rule_kind, rule, theta, slots, terms, held[i], g, 1.0, rates[at], time
            )
            figures[at, 0] = penalty
            figures[at, 1] = _length(steep)
            figures[at, 2] = _length(moved)
            figures[at, 3] = rates[at]
            place = _keep(kept, t + at, state, place)
        for i in range(count):
            figures[begun + i, 0] += beside[1, i] * value(loss, beside[2, i], beside[0, i])


@njit(**REORDERED)
def _own_weight(mean, weight):
    """Return what a row weighs alone: divided by itself 1, and 0 as good as absent."""
    if not mean:
        return weight
    return 1.0 if weight != 0.0 else 0.0
