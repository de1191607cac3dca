"""The fifth move of the rules that search: the direction, and how far along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.engines.wolfe import FLATTER, LOWER
from descend.explaining.facts import close_to
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.explaining.page import Page

_TWO_LOOPS = (
    'steps = given["steps"]  # of theta, oldest first',
    'changes = given["changes"]  # of the gradient, over the same steps',
    "p, shares = -gradient, []",
    "for s_k, y_k in zip(steps[::-1], changes[::-1]):",
    "    shares.append((s_k @ p) / (s_k @ y_k))",
    "    p = p - shares[-1] * y_k",
    "p = p * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])",
    "for s_k, y_k, share in zip(steps, changes, shares[::-1]):",
    "    p = p + (share - (y_k @ p) / (s_k @ y_k)) * s_k",
)
_NEWTON = ('p = -np.linalg.solve(given["hessian"], gradient)',)


def pairs(page: Page) -> tuple[Floats, Floats]:
    """Return the remembered steps and changes of the gradient that there are, oldest first."""
    slots = page.facts.before.slots.astype(np.float64)
    memory = len(slots) // 2
    steps, changes = slots[:memory], slots[memory:]
    there = ((steps * changes).sum(axis=1) > 0) & ((changes * changes).sum(axis=1) > 0)
    return steps[there], changes[there]


def length_of(page: Page) -> float:
    """Return how far the search went along its direction; 0 where nothing was lower."""
    f = page.facts
    return float(f.run.program.advance(f.before, 1).trace.learning_rate[0])


def direction(page: Page, length: float) -> Floats:
    """Return the direction taken (P,)."""
    f = page.facts
    if not length:
        return np.zeros(len(f.before.theta))
    return (f.after.theta.astype(np.float64) - f.before.theta) / length


def update_move(page: Page, effect: tuple[str, ...]) -> Move:
    """Return the fifth move of `lbfgs` and `newton`."""
    f, name = page.facts, page.facts.problem.task.optimizer.name
    length = length_of(page)
    p = direction(page, length)
    size = f.problem.layout.size
    hidden = share_shown(len(page.entries), size, "parameter")
    if not length:
        said = ("No length along any direction lowers the loss: theta stays, and so it will.",)
        symbol = Symbol("θ' = θ", r"\theta' = \theta")
        return Move("Update", (*said, *hidden), (symbol,), (_table(page, p, length),), ())
    way, lines, symbols = _way(page, name, p)
    told = (way, _of_length(page, p, length), *hidden, *effect)
    slope = float(p @ f.engine_gradient.astype(np.float64))
    numbers = (
        f"a = {page.number(length)}, the slope along p: gᵀp = {page.number(slope)}",
        _table(page, p, length),
    )
    along: tuple[str, ...] = (
        *lines,
        f"length = {length!r}  # found by the search",
        "theta = theta + length * p",
    )
    return Move("Update", told, symbols, numbers, along)


def _way(page: Page, name: str, p: Floats) -> tuple[str, tuple[str, ...], tuple[Symbol, ...]]:
    """Return what the direction is, the lines that compute it, and its symbols."""
    steepest = -page.facts.engine_gradient.astype(np.float64)
    last = Symbol("θ' = θ + a p", r"\theta' = \theta + a \, p")
    if _same(page, p, steepest):
        first = (
            " This is the first step, so nothing is remembered yet."
            if name == "lbfgs" and (not len(pairs(page)[0]))
            else " No length was good along the usual direction."
        )
        said = f"The direction p is straight against the gradient.{first}"
        against: tuple[str, ...] = ("p = -gradient",)
        return said, against, (Symbol("p = -g", "p = -g"), last)
    if name == "lbfgs":
        count = len(pairs(page)[0])
        said = (
            f"The direction p is -H g, where H stands for the inverse of the curvature, as the "
            f"last {counted(count, 'step')} and what they did to the gradient tell it."
        )
        return said, _TWO_LOOPS, (Symbol("p = -H g", "p = -H g"), last)
    said = "The direction p is -H⁻¹ g: to the lowest point of the parabola with these slopes."
    return said, _newton_code(page, p), (Symbol("p = -H⁻¹ g", "p = -H^{-1} g"), last)


def _newton_code(page: Page, p: Floats) -> tuple[str, ...]:
    """Return the solution of a system; or the direction itself, where H had to be damped."""
    H = hessian(page)
    try:
        plain = -np.linalg.solve(H, page.facts.engine_gradient)
    except np.linalg.LinAlgError:
        plain = np.zeros_like(p)
    if _same(page, p, plain):
        return _NEWTON
    return ('p = given["direction"]  # H has no inverse: its diagonal was made a little larger',)


def hessian(page: Page) -> Floats:
    """Return the Hessian of the objective at theta (P, P)."""
    program: Any = page.facts.run.program
    found: Floats = program.hessian(page.facts.before.theta)
    return found


def _same(page: Page, p: Floats, other: Floats) -> bool:
    """Tell whether two directions are one: theta's rounding is all that sets them apart."""
    scale = float(np.linalg.norm(other)) or 1.0
    if page.facts.problem.X.dtype == np.float32:
        return bool(np.linalg.norm(p - other) <= 1e-3 * scale)
    return close_to(p / scale, other / scale, "float32")


def _of_length(page: Page, p: Floats, length: float) -> str:
    """Say by which conditions the length was taken, with their numbers."""
    f, number = page.facts, page.number
    start = float(p @ f.engine_gradient.astype(np.float64))
    there = f.run.program.value_and_gradient(f.after.theta, f.step)[1]
    slope = float(p @ there.astype(np.float64))
    allowed = f.engine_loss + LOWER * length * start
    flat = abs(slope) <= -FLATTER * start
    told = (
        f"The length a = {number(length)} is taken: the objective must be at most "
        f"{number(allowed)} and is {number(f.then)}"
    )
    if flat:
        return (
            f"{told}; the slope along p must be at most {number(-FLATTER * start)} in size and is "
            f"{number(slope)}."
        )
    return f"{told}; the slope along p is {number(slope)}."


def _table(page: Page, p: Floats, length: float) -> Table:
    f = page.facts
    at = [e.at for e in page.entries]
    step = f.after.theta.astype(np.float64) - f.before.theta
    rows = (
        ("θ  before", *f.before.theta[at]),
        ("g  the gradient", *f.used[at]),
        ("p  the direction", *p[at]),
        (f"a p  with a = {page.number(length)}", *step[at]),
        ("θ' after", *f.after.theta[at]),
    )
    return Table("", ("", *(e.label for e in page.entries)), rows, 1)
