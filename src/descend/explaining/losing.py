"""The third move: how wrong the scores are, in one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.custom import CustomLoss
from descend.explaining.expressions import value
from descend.explaining.formulas import LOSS_LINES, ROWWISE_LOSSES
from descend.explaining.lines import hyperparameters, in_code, symbol_of, worked_line
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown

if TYPE_CHECKING:
    from descend.explaining.page import Page
    from descend.explaining.pieces import Cell

_OUTPUTS = 3


def loss_move(page: Page) -> Move:
    """Return the third move: from the scores to the loss, and to the objective."""
    f = page.facts
    numbers: list[Table | str] = [*_worked_row(page), _loss_table(page), *_reduced(page)]
    symbols = [*_loss_symbols(page), *_reduced_symbols(page), *_penalty_symbols(page)]
    code = (*_loss_code(page), *_reduced_code(page))
    hidden = share_shown(min(f.outputs, _OUTPUTS), f.outputs, "output", " beside their mean")
    return Move("Loss", (*_words(page), *hidden), tuple(symbols), tuple(numbers), code)


def _words(page: Page) -> tuple[str, ...]:
    f, loss, task = page.facts, page.facts.problem.task.loss, page.facts.problem.task
    known = LOSS_LINES[loss.name].says if loss.name in LOSS_LINES else ROWWISE_LOSSES.get(loss.name)
    if isinstance(loss, CustomLoss):
        first = f"The loss {loss.label!r} is your own: one number for each row."
    elif known is None:
        first = f"The loss {loss.name} gives one number for each row."
    else:
        first = f"The loss of a row, {loss.name}, is {known}."
    if f.outputs > 1:
        first += f" A row's loss is the mean over its {f.outputs} outputs."
    weighed = "weighted " if f.weights is not None else ""
    over = f"the {weighed}{'mean' if task.reduction == 'mean' else 'sum'}"
    second = f"The loss of the batch is {over} over its {counted(f.n, 'row')}."
    if f.n == 1 and f.weights is None:
        second = "There is one row, so its loss is that of the batch."
    third = ("The penalty is added to it: both are the objective.",) if task.penalty else ()
    finite = () if np.isfinite(f.objective) else ("It is not a finite number: the run diverged.",)
    return (f"{first} {second}", *third, *finite)


def _at_row(page: Page, i: int, j: int) -> dict[str, Any]:
    """Return what the formulas of a loss need for one row and output, the lines before included."""
    f, loss = page.facts, page.facts.problem.task.loss
    names = {"s": f.hand.scores[i, j], "y": f.y[i, j], **loss._asdict()}
    for line in LOSS_LINES[loss.name].before:
        names[line.name] = value(line.formula, names)
    return names


def _worked_row(page: Page) -> list[str]:
    """Return the first row's loss, worked out."""
    f, loss = page.facts, page.facts.problem.task.loss
    row = page.rows[0]
    if loss.name == "softmax":
        scores, code = f.hand.scores[0], int(f.y[0])
        rest = scores - scores.max()
        spread = np.log(np.exp(rest).sum()) + scores.max()
        own, found = page.signed(scores[code]), page.number(f.hand.per_row[0])
        line = f"{page.number(spread)} - {own} = {found}"
        return [
            f"row {row}, {page.targets(0)[0]}: loss = log Σ e^s - s[{page.output(code)}] = {line}"
        ]
    if loss.name not in LOSS_LINES:
        return []
    lines, names = LOSS_LINES[loss.name], _at_row(page, 0, 0)
    where = f"row {row}" + (", output 1" if f.outputs > 1 else "")
    parts = [worked_line(line, names, page, names[line.name], line.name) for line in lines.before]
    found = value(lines.value.formula, names)
    return [
        f"{where}: {text}"
        for text in (*parts, worked_line(lines.value, names, page, found, "loss"))
    ]


def _loss_table(page: Page) -> Table:
    head, rows = _several_outputs(page) if page.facts.outputs > 1 else _one_output(page)
    f = page.facts
    losses = f.hand.per_row
    weighted = f.weights is not None
    if f.weights is not None:
        losses = np.multiply(losses, f.weights, dtype=np.float64)
    total = float(losses.sum(dtype=np.float64))
    filled: list[tuple[Cell, ...]] = []
    for i, cells in enumerate(rows):
        own = [f.hand.per_row[i]]
        own += [f.weights[i], losses[i]] if f.weights is not None else []
        filled.append((*cells, *own))
    head = [*head, "loss", *(["weight", "weight·loss"] if weighted else [])]
    empty: list[Cell] = [None] * (len(head) - 2)
    if page.hidden:
        shown = float(losses[: f.shown].sum(dtype=np.float64))
        filled.append((counted(page.hidden, "other"), *empty, total - shown))
    filled.append((f"sum of {f.n}", *empty, total))
    return Table("", tuple(head), tuple(filled), 1)


def _one_output(page: Page) -> tuple[list[str], list[tuple[Cell, ...]]]:
    f, loss = page.facts, page.facts.problem.task.loss
    if f.y.ndim == 1:
        return _labelled(page)
    before = LOSS_LINES[loss.name].before if loss.name in LOSS_LINES else ()
    rows: list[tuple[Cell, ...]] = []
    for i, name in enumerate(page.rows):
        names = _at_row(page, i, 0) if before else {}
        rows.append((name, f.hand.scores[i, 0], *(names[b.name] for b in before), f.y[i, 0]))
    if isinstance(loss, CustomLoss) and f.hand.scores.shape[1] > 1:
        return ["training row"], [(row[0],) for row in rows]
    return ["training row", "score s", *(b.name for b in before), "target y"], rows


def _labelled(page: Page) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Return a row's label, its score and its probability."""
    f = page.facts
    if isinstance(f.problem.task.loss, CustomLoss):
        return ["training row", "label"], list(zip(page.rows, page.targets(0), strict=True))
    rows: list[tuple[Cell, ...]] = []
    for i, name in enumerate(page.rows):
        code = int(f.y[i])
        chosen = f.hand.scores[i, code]
        p = float(np.exp(-f.hand.per_row[i]))
        rows.append((name, page.targets(0)[i], chosen, p))
    return ["training row", "label", "its score s", "its p"], rows


def _several_outputs(page: Page) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Return the loss of each output, of which a row's loss is the mean."""
    f, loss = page.facts, page.facts.problem.task.loss
    few = min(f.outputs, _OUTPUTS)
    head = [f"output {page.output(j)}" for j in range(few)]
    head += [counted(f.outputs - few, "other")] if f.outputs > few else []
    rows: list[tuple[Cell, ...]] = []
    for i, name in enumerate(page.rows):
        each = [
            float(type(loss).formulas(np).value(loss, f.hand.scores[i, j], f.y[i, j]))
            for j in range(few)
        ]
        rest = [float(f.hand.per_row[i]) * f.outputs - sum(each)] if f.outputs > few else []
        rows.append((name, *each, *rest))
    return ["training row", *head], rows


# ---------------------------------------------------------------- to one number


def _reduced(page: Page) -> list[str]:
    """Return the last lines: the loss of the batch, the penalty, the objective."""
    f, number = page.facts, page.number
    total = f.loss * f.mass
    lines = [f"loss = {number(total)} / {number(f.mass)} = {number(f.loss)}"]
    if f.problem.task.reduction == "sum":
        lines = [f"loss = {number(f.loss)}"]
    penalty = f.problem.task.penalty
    if penalty is None:
        return lines
    theta = f.before.theta.astype(np.float64)
    for strength, power, words in (
        (penalty.l1, np.abs(theta), "Σ |w|"),
        (penalty.l2, theta * theta, "Σ w²"),
    ):
        if strength:
            size = float((f.problem.reach * power).sum())
            half = f"{number(strength)} / 2" if words == "Σ w²" else number(strength)
            share = strength * size / (2 if words == "Σ w²" else 1)
            lines.append(f"penalty = {half} · {words} = {half} · {number(size)} = {number(share)}")
    lines.append(f"objective = {number(f.loss)} + {number(f.penalty)} = {number(f.objective)}")
    return lines


def _reduced_symbols(page: Page) -> list[Symbol]:
    f = page.facts
    w, tex = ("w ", r"w_i \, ") if f.weights is not None else ("", "")
    if f.problem.task.reduction == "sum":
        return [Symbol(f"L = Σ {w}loss", rf"L = \sum_i {tex}\mathrm{{loss}}_i")]
    if f.weights is not None:
        return [
            Symbol("L = Σ w loss / Σ w", r"L = \frac{\sum_i w_i \, \mathrm{loss}_i}{\sum_i w_i}")
        ]
    return [Symbol("L = Σ loss / n", r"L = \frac{1}{n} \sum_i \mathrm{loss}_i")]


def _penalty_symbols(page: Page) -> list[Symbol]:
    penalty = page.facts.problem.task.penalty
    if penalty is None:
        return []
    text, tex = ["L"], ["L"]
    if penalty.l1:
        text.append("λ₁ Σ |w|")
        tex.append(r"\lambda_1 \sum \lvert w \rvert")
    if penalty.l2:
        text.append("λ₂/2 Σ w²")
        tex.append(r"\tfrac{\lambda_2}{2} \sum w^2")
    return [Symbol(f"J = {' + '.join(text)}", f"J = {' + '.join(tex)}")]


def _loss_symbols(page: Page) -> list[Symbol]:
    loss = page.facts.problem.task.loss
    if loss.name == "softmax":
        return [Symbol("loss = log Σ e^s - s[y]", r"\mathrm{loss} = \log \sum_j e^{s_j} - s_y")]
    if loss.name not in LOSS_LINES:
        return [Symbol(f"loss = {loss.name}(s, y)", r"\mathrm{loss} = \ell(s, y)")]
    lines = LOSS_LINES[loss.name]
    return [
        *(symbol_of(line) for line in lines.before),
        symbol_of(lines.value, "loss", r"\mathrm{loss}"),
    ]


def _loss_code(page: Page) -> tuple[str, ...]:
    loss = page.facts.problem.task.loss
    if loss.name == "softmax":
        return (
            "log_p = s - s.max(axis=1, keepdims=True)",
            "log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))",
            "losses = -log_p[np.arange(len(y)), y]",
        )
    if loss.name not in LOSS_LINES:
        return ('losses = given["losses"]  # one number for each row',)
    lines = LOSS_LINES[loss.name]
    before = (f"{line.name} = {in_code(line.formula, {})}" for line in lines.before)
    formula = in_code(lines.value.formula, {})
    outputs = "1 output" if page.facts.outputs == 1 else f"{page.facts.outputs} outputs"
    return (
        *hyperparameters(loss),
        *before,
        f"losses = {formula}",
        f"losses = losses.mean(axis=1)  # over {outputs}",
    )


def _reduced_code(page: Page) -> tuple[str, ...]:
    f = page.facts
    lines, total = [], "losses.mean(dtype=float)"
    if f.weights is not None:
        lines.append("losses = sample_weight * losses")
        if f.problem.task.reduction == "mean":
            lines.append("total_weight = sample_weight.sum(dtype=float) or 1.0")
        total = "losses.sum(dtype=float) / total_weight"
    if f.problem.task.reduction == "sum":
        total = "losses.sum(dtype=float)"
    penalty = f.problem.task.penalty
    if penalty is None:
        return (*lines, f"loss = {total}", "objective = loss")
    lines += [f"loss = {total}", 'reach = given["reach"]  # 1 where the penalty applies']
    terms: list[str] = []
    if penalty.l1:
        lines.append(f"l1 = {penalty.l1!r} * reach")
        terms.append("(l1 * abs(theta)).sum()")
    if penalty.l2:
        lines.append(f"l2 = {penalty.l2!r} * reach")
        terms.append("(l2 * theta**2).sum() / 2")
    return (*lines, f"objective = {' + '.join(['loss', *terms])}")
