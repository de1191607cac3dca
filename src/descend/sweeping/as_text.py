"""The map with letters, for a terminal: a row for each value, the largest at the top."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from descend.sweeping.verdicts import VERDICTS

if TYPE_CHECKING:
    from descend.sweeping.result import Sweep
    from descend.sweeping.theory import Limit
    from descend.sweeping.verdicts import Verdict

LETTERS: dict[Verdict, str] = {verdict: verdict[0].upper() for verdict in VERDICTS}
# Of terminals: green, blue, yellow, red, as backgrounds are not; letters carry the meaning.
_COLORS: dict[Verdict, str] = {
    "converged": "\x1b[1;32m",
    "slow": "\x1b[34m",
    "oscillating": "\x1b[1;33m",
    "diverged": "\x1b[31m",
}
_PLAIN = "\x1b[0m"
_WIDE, _NARROW, _LINE = 7, 3, 64
TITLES = {"batch_size": "batch size", "init_scale": "scale of the start", "momentum": "momentum"}
BASES = {
    "exact": "exact",
    "bound": "a bound; below it no run diverges",
    "indicator": "an indicator, found at the start",
}
OF_BATCHES = "an indicator, for the average batch"


def text_of(sweep: Sweep, *, color: bool = False) -> str:
    """Return the map with letters."""
    labels = row_labels(sweep)
    side = max(len(label) for label in labels) + 6
    width = _WIDE if len(sweep.learning_rates) * _WIDE <= _LINE else _NARROW
    lines = [title_of(sweep), "", f" {TITLES[sweep.across]}"]
    lines += [
        f"{labels[i]:>{side}}" + _row(sweep, i, width, color=color)
        for i in reversed(range(len(sweep.values)))
    ]
    lines += [" " * side + _rates(sweep, width), f"{'learning rate':>{side + 21}}", ""]
    lines.append(_legend(sweep, color=color))
    return "\n".join(line.rstrip() for line in [*lines, *_footing(sweep)])


def title_of(sweep: Sweep) -> str:
    """Return what the map is of, in a line."""
    words = task_words(sweep)
    batch = (
        ""
        if sweep.batch_size is None or sweep.across == "batch_size"
        else (f", batches of {sweep.batch_size}")
    )
    return (
        f"Learning rate x {TITLES[sweep.across]}: {words}, {sweep.rows} rows, "
        f"{sweep.epochs} epochs{batch}"
    )


def task_words(sweep: Sweep) -> str:
    """Return the task without its learning rate, which varies."""
    words, task = str(sweep.task), sweep.task
    momentum = sweep.across == "momentum" and task.optimizer.name == "gradient_descent"
    name = "momentum" if momentum else task.optimizer.name
    return words.replace(f"{task.optimizer.name}({task.optimizer.learning_rate})", name)


def row_labels(sweep: Sweep) -> list[str]:
    """Return what the rows are called: a batch of all rows is "all"."""
    if sweep.across == "batch_size":
        return ["all" if value >= sweep.rows else f"{int(value)}" for value in sweep.values]
    if sweep.across == "momentum":
        digits = max(len(f"{value:g}".partition(".")[2]) for value in sweep.values)
        return [f"{value:.{max(digits, 1)}f}" for value in sweep.values]
    return [f"{value:g}" for value in sweep.values]


def _row(sweep: Sweep, i: int, width: int, *, color: bool) -> str:
    """Return the letters of a row, and a bar where the limit falls."""
    place = limit_place(sweep.limits[i], sweep.learning_rates)
    before = width // 2
    drawn = ""
    for j, cell in enumerate(sweep.cells[i]):
        bar = "|" if place == j and j else " "
        letter = "." if cell.verdict is None else lettered(cell.verdict, color=color)
        drawn += bar + " " * (before - 1) + letter + " " * (width - before - 1)
    return drawn


def lettered(verdict: Verdict, *, color: bool) -> str:
    """Return a verdict's letter, in a terminal's colours if asked."""
    letter = LETTERS[verdict]
    return f"{_COLORS[verdict]}{letter}{_PLAIN}" if color else letter


def limit_place(limit: Limit, rates: tuple[float, ...]) -> int | None:
    """Return how many rates lie below a limit, or None if there is none or all do."""
    if not math.isfinite(limit.step):
        return None
    below = sum(rate < limit.step for rate in rates)
    return below if below < len(rates) else None


def rate_label(rate: float) -> str:
    """Return a learning rate in at most six characters.

    >>> rate_label(0.25), rate_label(0.0391), rate_label(1.25e-7), rate_label(3120.0)
    ('0.25', '0.039', '1.2e-7', '3.1e3')
    """
    if 0.01 <= rate < 1000:  # noqa: PLR2004 - what six characters hold without an exponent
        return f"{rate:.2g}" if rate < 100 else f"{rate:.0f}"  # noqa: PLR2004
    mantissa, _, exponent = f"{rate:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _rates(sweep: Sweep, width: int) -> str:
    every = 1 if width == _WIDE else 3
    drawn = ""
    for j in range(0, len(sweep.learning_rates), every):
        drawn += f"{rate_label(sweep.learning_rates[j]):^{width * every}}"
    return drawn


def _legend(sweep: Sweep, *, color: bool) -> str:
    counts = sweep.counts()
    words = [f"{lettered(v, color=color)} {v} ({counts[v]})" for v in LETTERS]
    missing = sum(cell.verdict is None for row in sweep.cells for cell in row)
    return "   ".join(words) + (f"   . not trained ({missing})" if missing else "")


def _footing(sweep: Sweep) -> list[str]:
    within = "the optimum" if sweep.known else "the lowest end of a run here"
    said = [f"| largest stable step {words}" for words in boundary_words(sweep)]
    return [*said, f"Within 1 % of {within} is converged."]


def boundary_words(sweep: Sweep) -> list[str]:
    """Return what the boundary is: a formula and what it rests on, for each kind there is."""
    found: dict[str, None] = {}
    for i, limit in enumerate(sweep.limits):
        if math.isfinite(limit.step):
            words = BASES[limit.basis]
            if limit.basis == "indicator" and is_batched(sweep, i):
                words = OF_BATCHES
            found[f"{limit.formula}: {words}"] = None
    return list(found) or ["unknown: curvature sets no limit here"]


def is_batched(sweep: Sweep, i: int) -> bool:
    """Tell whether the runs of a row see batches."""
    if sweep.across == "batch_size":
        return sweep.values[i] < sweep.rows
    return sweep.batch_size is not None
