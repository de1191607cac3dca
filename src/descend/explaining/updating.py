"""The fifth move: the optimizer's rule, line by line, and what the update did."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.explaining import searched
from descend.explaining.expressions import parsed, symbols, value
from descend.explaining.expressions_latex import latex
from descend.explaining.facts import distance, updated
from descend.explaining.formulas import PROXIMAL_LINES, RULE_LINES, SYMBOLS, TEX, Line
from descend.explaining.lines import hyperparameters, in_code, worked_line
from descend.explaining.pieces import Move, Symbol, Table, share_shown

if TYPE_CHECKING:
    from descend.explaining.page import Page
    from descend.explaining.pieces import Cell

_WORKED = 4  # lines of a rule that are worked out, about
_SAYS = {
    "gradient_descent": "Each parameter moves against its slope, the learning rate times as far.",
    "momentum": (
        "Each parameter moves against a velocity, which remembers the gradients before: what "
        "agrees adds up, what alternates cancels."
    ),
    "nesterov": "Momentum that looks ahead: the parameters stand where the velocity would lead.",
    "adagrad": (
        "Each parameter's step is divided by the root of all its squared gradients so far: what "
        "was steep moves less and less."
    ),
    "rmsprop": (
        "Each parameter's step is divided by the root of a running average of its squared "
        "gradients."
    ),
    "adam": (
        "Two running averages, of the gradients and of their squares, both corrected for their "
        "start at 0; the step is the one over the root of the other."
    ),
    "adamw": "As Adam; and the weights shrink by a share of themselves, past both averages.",
    "nadam": "As Adam; but the average is taken one step ahead.",
    "amsgrad": "As Adam; but the average of squares that divides never shrinks.",
}


def update_move(page: Page) -> Move:
    """Return the fifth move: from the gradient to the next parameters."""
    f, optimizer = page.facts, page.facts.problem.task.optimizer
    if optimizer.rule.searches:
        return searched.update_move(page, effect(page))
    lines = lines_of(page)
    said = (
        _SAYS.get(optimizer.name, f"The optimizer {optimizer.name} makes the update."),
        *_of_rounding(page),
        *_of_clipping(page),
        *_of_penalty(page),
        *share_shown(len(page.entries), f.problem.layout.size, "parameter"),
        *effect(page),
    )
    if lines is None:
        return _unwritten(page, said)
    steps = Steps(page, lines)
    found = (*_rate_symbols(page), *_clip_symbols(page), *steps.symbols())
    numbers: tuple[Table | str, ...] = (*_of_rate(page), *steps.worked(), steps.table())
    return Move("Update", said, found, numbers, _code(page, lines))


def lines_of(page: Page) -> tuple[Line, ...] | None:
    """Return the rule's lines, with the threshold where there is an absolute penalty."""
    task = page.facts.problem.task
    proximal = task.penalty is not None and task.penalty.l1 > 0
    return (PROXIMAL_LINES if proximal else RULE_LINES).get(task.optimizer.name)


class Worked(NamedTuple):
    """A line, the numbers and the symbols that it meets, and what it comes to."""

    line: Line
    names: Mapping[str, Any]
    marks: Mapping[str, str]
    result: Any


@final
class Steps:
    """The lines of a rule at work on the parameters shown.

    Parameters
    ----------
    page
        Whose.
    lines
        The rule's.
    """

    def __init__(self, page: Page, lines: tuple[Line, ...]) -> None:
        self.page, self.lines = page, lines
        f = page.facts
        self.indices = [e.at for e in page.entries]
        rule: Any = f.problem.task.optimizer.rule
        self.names: dict[str, Any] = {
            "theta": f.before.theta[self.indices],
            "gradient": clipped_stages(page)[-1][1][self.indices],
            "rate": f.rate.value,
            "t": f.step + 1,
            "l1": np.broadcast_to(f.problem.l1, f.before.theta.shape)[self.indices],
            "is_weight": f.problem.weight_marks[self.indices],
            **dict(zip(rule.slots, f.before.slots[:, self.indices], strict=True)),
            **rule._asdict(),
        }
        self.memory = tuple(rule.slots)

    def each(self) -> list[Worked]:
        """Return each line with the numbers and symbols it meets, and what it comes to."""
        names, marks = dict(self.names), dict(SYMBOLS)
        found: list[Worked] = []
        with np.errstate(all="ignore"):
            for line in self.lines:
                result = value(line.formula, names)
                found.append(Worked(line, dict(names), dict(marks), result))
                if line.name in names:
                    marks[line.name] = SYMBOLS[line.name] + "'"
                names[line.name] = result
        return found

    def symbols(self) -> list[Symbol]:
        """Return the lines as mathematics; what is new bears a prime."""
        tex, found = dict(TEX), []
        for line, names, marks, _ in self.each():
            prime = "'" if line.name in names else ""
            text = f"{SYMBOLS[line.name]}{prime} = {symbols(line.formula, marks)}"
            found.append(Symbol(text, f"{TEX[line.name]}{prime} = {latex(line.formula, tex)}"))
            if prime:
                tex[line.name] = TEX[line.name] + "'"
        return found

    def worked(self) -> list[str]:
        """Return the lines with numbers: of the first parameter shown, or of a few."""
        if not self.indices:
            return []
        worked_out = max(1, _WORKED // len(self.lines))
        return [text for i in range(len(self.indices))[:worked_out] for text in self._worked_one(i)]

    def _worked_one(self, i: int) -> list[str]:
        label, said = self.page.entries[i].label, []
        for line, names, _, result in self.each():
            at = {k: v if np.ndim(v) == 0 else v[i] for k, v in names.items()}
            here = result if np.ndim(result) == 0 else result[i]
            name = SYMBOLS[line.name] + ("'" if line.name in names else "")
            said.append(f"{label}: {worked_line(line, at, self.page, here, name)}")
        return said

    def table(self) -> Table:
        """Return what each line comes to, for the parameters shown."""
        f, count = self.page.facts, len(self.indices)
        rows: list[tuple[Cell, ...]] = [("θ  before", *self.names["theta"])]
        for says, gradient in clipped_stages(self.page):
            rows.append((f"g  {says}", *gradient[self.indices]))
        rows += [
            (f"{SYMBOLS[name]}  {name.replace('_', ' ')}, before", *self.names[name])
            for name in self.memory
        ]
        for line, names, _, result in self.each()[:-1]:
            prime = "'" if line.name in names else ""
            rows.append(
                (f"{SYMBOLS[line.name]}{prime}  {line.says}", *np.broadcast_to(result, count))
            )
        moved = f.after.theta[self.indices]
        step = moved.astype(np.float64) - self.names["theta"]
        rows += [("θ' - θ  the step", *step), ("θ' after", *moved)]
        return Table("", ("", *(e.label for e in self.page.entries)), tuple(rows), 2)


def clipped_stages(page: Page) -> list[tuple[str, Any]]:
    """Return the gradient as it is, and after each way of clipping."""
    f, optimizer = page.facts, page.facts.problem.task.optimizer
    gradient = f.used
    found = [("the gradient", gradient)]
    if optimizer.clip_value is not None:
        gradient = np.clip(gradient, -optimizer.clip_value, optimizer.clip_value)
        found.append((f"held within ±{page.number(optimizer.clip_value)}", gradient))
    if optimizer.clip_norm is not None:
        length = float(np.linalg.norm(gradient.astype(np.float64)))
        if length > optimizer.clip_norm:
            gradient = gradient * gradient.dtype.type(optimizer.clip_norm / length)
        found.append((f"of length {page.number(min(length, optimizer.clip_norm))}", gradient))
    return found


# ---------------------------------------------------------------- words


def _of_rounding(page: Page) -> tuple[str, ...]:
    """Say so where nothing but rounding is left to divide by."""
    if not used_code(page):
        return ()
    said = (
        "This step is made of rounding: so little is left of the gradient that the rule makes a "
        "whole step of its last digits, here those that the engine "
    )
    return (f"{said}{page.facts.run.engine_used} found.",)


def _of_clipping(page: Page) -> tuple[str, ...]:
    optimizer, said = page.facts.problem.task.optimizer, []
    stages = [gradient for _, gradient in clipped_stages(page)]
    if optimizer.clip_value is not None:
        held = int((stages[0] != stages[1]).sum())
        said.append(
            f"First the gradient's entries are held within ±{page.number(optimizer.clip_value)}: "
            f"{held} of {len(stages[0])} were beyond."
        )
    if optimizer.clip_norm is not None:
        length = float(np.linalg.norm(stages[-2].astype(np.float64)))
        least = page.number(optimizer.clip_norm)
        did = "so it is shortened" if length > optimizer.clip_norm else "so it stays as it is"
        said.append(
            f"The gradient may be at most {least} long; it is {page.number(length)}, {did}."
        )
    return tuple(said)


def _of_penalty(page: Page) -> tuple[str, ...]:
    task = page.facts.problem.task
    if task.penalty is None or not task.penalty.l1:
        return ()
    at = int((page.facts.after.theta == 0).sum())
    return (
        (
            "The absolute penalty then moves each penalised entry towards 0 by rate times "
            "strength, and what lies within that becomes exactly 0: after this update "
            f"{at} of {len(page.facts.after.theta)} are 0."
        ),
    )


def _of_rate(page: Page) -> tuple[str, ...]:
    """Return the numbers that hold for all parameters."""
    f, rule, number = page.facts, page.facts.problem.task.optimizer.rule, page.number
    rate = number(f.rate.value)
    parts = [number(f.rate.base)]
    schedule = f.problem.task.optimizer.schedule
    if schedule is not None and schedule.name not in {"constant", "reduce_on_plateau"}:
        parts.append(f"{number(f.rate.factor)} (schedule {schedule.name})")
    if f.rate.scale != 1:
        parts.append(f"{number(f.rate.scale)} (lowered on plateaus)")
    shown = f"η = {rate}" if len(parts) == 1 else f"η = {' · '.join(parts)} = {rate}"
    others = [f"{SYMBOLS.get(k, k)} = {number(v)}" for k, v in rule._asdict().items()]
    names = {
        n.id
        for line in lines_of(page) or ()
        for n in ast.walk(parsed(line.formula))
        if isinstance(n, ast.Name)
    }
    others += [f"t = {f.step + 1}"] if "t" in names else []
    return (", ".join([shown, *others]),)


def effect(page: Page) -> tuple[str, ...]:
    """Say what the update did to the objective of the same rows."""
    f, number = page.facts, page.number
    before, then = f.engine_loss, f.then
    moved = f.after.theta.astype(np.float64) - f.before.theta
    promised = float(moved @ f.engine_gradient.astype(np.float64))
    if not np.isfinite([before, then, promised]).all():
        return ("After it the objective is not a finite number: the run has diverged.",)
    if not moved.any():
        return ("No parameter moves.",)
    if then == before:
        return (f"On the same rows the objective stays at {number(then)}.",)
    way = "falls" if then < before else "rises"
    first = f"On the same rows the objective {way} from {number(before)} to {number(then)}"
    return (f"{first}{_promise(page, promised)}.",)


def _promise(page: Page, promised: float) -> str:
    """Compare what the update did with what the slope alone had promised."""
    f, number = page.facts, page.number
    before, then = f.engine_loss, f.then
    if f.problem.task.penalty is not None and f.problem.task.penalty.l1:
        return ""
    straight = f"a straight line along the slope would have changed it by {number(promised)}"
    if promised < 0 < then - before:
        return f", though {straight}: the step went too far, past the lowest point"
    if promised > 0:
        return f"; {straight}: this step goes uphill, carried by what came before"
    return f", by {number(abs(before - then))}; {straight}"


# ---------------------------------------------------------------- symbols and code


def _rate_symbols(page: Page) -> list[Symbol]:
    f = page.facts
    schedule = f.problem.task.optimizer.schedule
    if schedule is None and f.rate.scale == 1:
        return []
    return [Symbol("η = learning rate · factor", r"\eta = \eta_0 \cdot \mathrm{factor}")]


def _clip_symbols(page: Page) -> list[Symbol]:
    optimizer, found = page.facts.problem.task.optimizer, []
    if optimizer.clip_value is not None:
        found.append(Symbol("g = clip(g, -c, c)", r"g = \operatorname{clip}(g, -c, c)"))
    if optimizer.clip_norm is not None:
        tex = r"g = g \, \min(1, c / \lVert g \rVert)"
        found.append(Symbol("g = g min(1, c / ‖g‖)", tex))
    return found


def _code(page: Page, lines: tuple[Line, ...]) -> tuple[str, ...]:
    f, optimizer = page.facts, page.facts.problem.task.optimizer
    rule: Any = optimizer.rule
    found = used_code(page)
    if optimizer.clip_value is not None:
        c = optimizer.clip_value
        found.append(f"gradient = np.clip(gradient, -{c!r}, {c!r})")
    if optimizer.clip_norm is not None:
        found += [
            "length = np.linalg.norm(gradient)",
            f"if length > {optimizer.clip_norm!r}:",
            f"    gradient = gradient * ({optimizer.clip_norm!r} / length)",
        ]
    found += [f"rate, t = {f.rate.value!r}, {f.step + 1}", *hyperparameters(rule)]
    if any("is_weight" in line.formula for line in lines):
        found.append('is_weight = given["is_weight"]')
    found += [f'{name} = given["{name}"]' for name in rule.slots]
    found += [f"{line.name} = {in_code(line.formula, {})}" for line in lines]
    return tuple(found)


def used_code(page: Page) -> list[str]:
    """Return a line that takes the engine's gradient, where the update needs its rounding."""
    f = page.facts
    if f.used is f.gradient or not distance(f.used, f.gradient):
        return []
    return ['gradient = given["gradient_used"]  # the engine\'s, which rounds otherwise']


def _unwritten(page: Page, said: tuple[str, ...]) -> Move:
    """Return what can be said of a rule that has no lines here: before and after."""
    f = page.facts
    indices = [e.at for e in page.entries]
    moved, _ = updated(f.problem, f.before, f.used, f.rate.value)
    rows = (
        ("θ  before", *f.before.theta[indices]),
        ("g  the gradient", *f.used[indices]),
        ("θ' after", *moved[indices]),
    )
    table = Table("", ("", *(e.label for e in page.entries)), rows, 1)
    symbol = Symbol("θ' = update(θ, g)", r"\theta' = \mathrm{update}(\theta, g)")
    return Move("Update", said, (symbol,), (table,), ('theta = given["theta_after"]',))
