"""A forecast in sentences: the verdict first, then what it rests on, then what would change it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from descend.forecasting.result import Column, Figures, Forecast

WIDTH = 96
# Columns are named until they make up this share of a direction, and at most so many.
TOLD, MOST = 0.95, 3
# Bowls that are rounder than this need no advice.
ROUND = 2.0
# As many significant digits as a reader takes in.
DIGITS = 4
# A share that is not worth a number.
NOTHING = 1e-6
# A number of updates is that number, or more, or thereabouts.
NEARLY = {"exact": "", "bound": "at least ", "indicator": "about "}


def said(found: Forecast) -> str:
    """Return the whole forecast, a paragraph to a line or two."""
    sentences = [
        f"{found.task}: {verdict(found)}",
        *_steps(found),
        found.because,
        *_shape(found),
        *_standardising(found),
        *found.notes,
        _looked(found),
    ]
    return "\n".join(textwrap.fill(one, WIDTH, subsequent_indent="  ") for one in sentences if one)


def number(value: float | None) -> str:
    """Return a number with four digits, large ones in groups of three."""
    if value is None:
        return "not known"
    if abs(value) >= 10**DIGITS and abs(value) < 10**9:
        return f"{float(f'{value:.{DIGITS}g}'):,.0f}".replace(",", " ")
    return f"{value:.{DIGITS}g}"


def verdict(found: Forecast) -> str:
    """Return what will happen at the chosen step."""
    rate, limit = found.learning_rate, found.largest_stable_step
    if rate is None or limit is None:
        return "curvature alone decides nothing here."
    step, times = f"the step {number(rate)}", number(rate / limit)
    if found.stable is False:
        return f"it will not converge. {_capital(step)} is {times} times the largest stable one" + (
            "."
            if found.growth_per_step is None
            else f", and every update multiplies the error by {number(found.growth_per_step)} in "
            "the long run."
        )
    if found.stable:
        return f"it will not diverge. {_capital(step)} is {times} times the largest stable one."
    if rate >= limit:
        return f"risky: {step} is {times} times the largest that is thought stable."
    return f"no sign of trouble: {step} is {times} times the largest that is thought stable."


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _steps(found: Forecast) -> list[str]:
    """Say how long it takes, and what the best and the largest steps are."""
    lines, least = [], NEARLY[found.basis]
    if found.steps_to_one_percent is not None:
        line = (
            f"The slowest direction comes within 1 % of its optimum after {least}"
            f"{number(found.steps_to_one_percent)} update{_s(found.steps_to_one_percent)}"
        )
        if found.left_after is not None:
            left = found.left_after
            share = f"{number(100 * left)} % is" if left > NOTHING else "next to nothing is"
            line += f"; after the epochs asked for, {share} left"
        lines.append(line + ".")
    if found.oscillates and found.stable is not False:
        may = "" if found.exact else "may "
        verb = "overshoots" if found.exact else "overshoot"
        lines.append(f"The steepest direction {may}{verb}, its error changing sign each time.")
    if found.largest_stable_step is not None:
        line = f"Largest stable step {number(found.largest_stable_step)}"
        sure = found.guaranteed_step
        if sure is not None and not found.exact and sure < found.largest_stable_step:
            line += f", guaranteed from any start {number(sure)}"
        lines.append(f"{line}; {_best(found, found)}.")
    elif found.best_step is not None:
        lines.append(f"Usual step {number(found.best_step)}.")
    if found.per_row is not None:
        lines.append(
            f"One row at a time, row {found.per_row.row} (from 0) has the smallest limit, "
            f"{number(found.per_row.smallest)}."
        )
    return lines


def _best(figures: Figures | Forecast, found: Forecast) -> str:
    kind = "best fixed step" if found.exact else "a good step to begin with"
    steps = figures.steps_at_best
    words = f"{kind} {number(figures.best_step)}"
    return words + (
        "" if steps is None else f" ({NEARLY[found.basis]}{number(steps)} update{_s(steps)})"
    )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _shape(found: Forecast) -> list[str]:
    """Say how round the bowl is, and which columns make it so."""
    lines = []
    if found.curvatures is not None and found.condition_number is not None:
        high, low = found.curvatures
        lines.append(
            f"Condition number {number(found.condition_number)}: curvatures from {number(low)} to "
            f"{number(high)}."
        )
        if found.condition_number > ROUND and found.columns:
            steep = _named(found.columns, [c.share for c in found.columns])
            flat = _named(found.columns, [c.flat_share for c in found.columns])
            lines.append(f"The steepest direction is {steep}; the flattest is {flat}.")
    elif found.curvatures is not None:
        lines.append(f"Largest curvature {number(found.curvatures[0])}.")
    if found.null_directions:
        many = found.null_directions
        lines.append(
            f"{many} direction{_s(many)} of the parameters {'is' if many == 1 else 'are'} not told "
            "apart by any row: columns repeat one another, or there are too few rows."
        )
    return lines


def _named(columns: tuple[Column, ...], shares: list[float]) -> str:
    ranked = sorted(zip(shares, columns, strict=True), key=lambda pair: -pair[0])
    words, total = [], 0.0
    for share, column in ranked[:MOST]:
        words.append(f"{100 * share:.3g} % {column.name}")
        total += share
        if total >= TOLD:
            break
    return ", ".join(words)


def _standardising(found: Forecast) -> list[str]:
    """Say what standardising the columns would change, in the same figures."""
    other = found.standardized
    if other is None or other.condition_number is None:
        return []
    return [f"Standardised columns would change that to: {_figures(other, found)}."]


def _figures(other: Figures, found: Forecast) -> str:
    parts = []
    if other.largest_stable_step is not None:
        parts.append(f"largest stable step {number(other.largest_stable_step)}")
        parts.append(_best(other, found))
    parts.append(f"condition number {number(other.condition_number)}")
    return ", ".join(parts)


def _looked(found: Forecast) -> str:
    if found.rows_looked_at < found.rows:
        return f"Looked at {number(found.rows_looked_at)} of {number(found.rows)} rows."
    if not found.passes:
        return f"Looked at all {number(found.rows)} rows, at the start."
    times = {1: "once", 2: "twice"}.get(found.passes, f"{found.passes} times")
    return f"Looked at all {number(found.rows)} rows {times}."
