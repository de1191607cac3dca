"""The fourth move: how the objective changes with each parameter, by the chain rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.explaining.backward_lines import gradient_code, gradient_symbols
from descend.explaining.expressions import value
from descend.explaining.facts import CLOSE, distance
from descend.explaining.formulas import LOSS_LINES
from descend.explaining.lines import worked_line
from descend.explaining.page import UNITS
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown
from descend.models import layered
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.explaining.page import Entry, Page
    from descend.explaining.pieces import Cell

_OUTPUTS = 3


def _formulas(part: Any) -> Any:
    cls: Any = type(part)
    return formulas_of(cls, np)


def gradient_move(page: Page) -> Move:
    """Return the fourth move: back from the loss to each parameter."""
    f = page.facts
    if not f.by_hand:
        return _by_engine(page)
    numbers: list[Table | str] = [*_worked_slope(page), _slope_table(page)]
    for depth in range(len(f.layers) - 2, -1, -1):
        numbers += [_back_table(page, depth), *_units_shown(page, depth)]
    numbers += [_term_table(page)] if f.layers else []
    numbers += _arrays_table(page)
    symbols = tuple(gradient_symbols(page))
    return Move("Gradient", _words(page), symbols, tuple(numbers), gradient_code(page))


def _units_shown(page: Page, depth: int) -> tuple[str, ...]:
    units = page.facts.layers[depth].weight.shape[1]
    return share_shown(min(units, UNITS), units, "unit")


def _words(page: Page) -> tuple[str, ...]:
    f = page.facts
    first = (
        "The chain rule goes back along the same way: how the loss changes with each score, how "
        "the score changes with each parameter, multiplied and summed over the rows."
    )
    if len(f.layers) > 1:
        first = (
            "The chain rule goes back along the same way, layer by layer: the slope by a layer's "
            "sums, times what came in, is the slope by its weights; times its weights, it is the "
            "slope by what came in."
        )
    return (
        first,
        *_penalty_words(page),
        *_which(page),
        *_steepest(page),
        *_agreement(page),
    )


def _penalty_words(page: Page) -> tuple[str, ...]:
    penalty = page.facts.problem.task.penalty
    if penalty is None:
        return ()
    said = "The squared penalty adds its own slope, strength times weight." if penalty.l2 else ""
    if penalty.l1:
        said += " The absolute penalty has a kink at 0 and is left to the update."
    return (said.strip(),)


def _which(page: Page) -> tuple[str, ...]:
    size = page.facts.problem.layout.size
    return share_shown(len(page.entries), size, "parameter", ": among them the steepest")


def _steepest(page: Page) -> tuple[str, ...]:
    """Say what the steepest slope means."""
    g = page.facts.gradient
    if not np.isfinite(g).all() or not g.any():
        none = "Every slope is 0: nothing pulls at the parameters any more."
        return (none,) if np.isfinite(g).all() else ()
    entry = page.entry(int(np.argmax(np.abs(g))))
    slope = float(g[entry.at])
    way = "rise" if slope > 0 else "fall"
    penalty = page.facts.problem.task.penalty
    smooth = penalty is not None and penalty.l1
    what = "the objective without its absolute penalty" if smooth else "the objective"
    said = (
        f"Steepest is {entry.label}: if it grew by a small amount, {what} would {way} by "
        f"{page.number(abs(slope))} times that amount."
    )
    return (said,)


def _agreement(page: Page) -> tuple[str, ...]:
    f = page.facts
    apart = distance(f.gradient, f.engine_gradient)
    if not np.isfinite(apart):
        return ("Some of it is not a finite number: the run diverged.",)
    if apart <= CLOSE[f.problem.X.dtype.name] * max(1.0, float(np.abs(f.gradient).max(initial=0))):
        return ()
    engine = f.run.engine_used
    return (f"The run's engine, {engine}, finds the same gradient to within {apart:.1e}.",)


def _by_engine(page: Page) -> Move:
    f = page.facts
    library = f.run.engine_used.partition("/")[0]
    said = (
        f"The derivatives were found by {library}: what is your own has no formula here.",
        *_penalty_words(page),
        *_which(page),
        *_steepest(page),
    )
    rows = tuple((e.label, f.gradient[e.at]) for e in page.entries)
    tables = (Table("", ("parameter", "gradient"), rows), *_arrays_table(page))
    code = ('gradient = given["gradient"]  # by automatic differentiation',)
    symbol = Symbol("g = ∂J/∂θ", r"g = \frac{\partial J}{\partial \theta}")
    return Move("Gradient", said, (symbol,), tables, code)


# ---------------------------------------------------------------- by the scores


def _slopes(page: Page, i: int, j: int) -> float:
    """Return the slope of one row's loss by one score, before any mean or weight."""
    f = page.facts
    if f.hand.dscores is None:
        raise AssertionError
    weight = 1.0 if f.weights is None else float(f.weights[i])
    if weight:
        return float(f.hand.dscores[i, j]) * f.mass * f.outputs / weight
    loss: Any = f.problem.task.loss
    if loss.name == "custom":
        return float(loss.slopes(f.hand.scores[i : i + 1], f.y[i : i + 1])[0, j])
    found = _formulas(loss).slope(loss, f.hand.scores[i : i + 1], f.y[i : i + 1])
    return float(found[0, j])


def _worked_slope(page: Page) -> list[str]:
    f, loss = page.facts, page.facts.problem.task.loss
    divisor = _divisor(page)
    if f.hand.dscores is None:
        raise AssertionError
    row, number = page.rows[0], page.number
    slope = _slopes(page, 0, 0)
    times = "" if f.weights is None else f" · {number(f.weights[0])}"
    down = f" / {divisor}" if divisor else ""
    last = f"{number(slope)}{times}{down} = {number(f.hand.dscores[0, 0])}"
    output = f", {page.named_output(0)}" if page.output(0) else ""
    lines = [f"row {row}{output}: ∂L/∂s = {last}"] if times or down else []
    if loss.name not in LOSS_LINES:
        return lines
    names = {"s": f.hand.scores[0, 0], "y": f.y[0, 0], **loss._asdict()}
    for line in LOSS_LINES[loss.name].before:
        names[line.name] = value(line.formula, names)
    found = value(LOSS_LINES[loss.name].slope.formula, names)
    text = worked_line(LOSS_LINES[loss.name].slope, names, page, found, "slope")
    return [f"row {row}{output}: {text}", *lines]


def _divisor(page: Page) -> str:
    """Return what slopes are divided by, as text: the rows, the outputs, or nothing."""
    f = page.facts
    mass = "" if f.problem.task.reduction == "sum" else page.number(f.mass)
    outputs = str(f.outputs) if f.outputs > 1 else ""
    if mass and outputs:
        return f"({mass} · {outputs})"
    return mass or outputs


def _slope_table(page: Page) -> Table:
    f = page.facts
    back = f.hand.dscores
    if back is None:
        raise AssertionError
    k = back.shape[1]
    few = min(k, _OUTPUTS)
    one = k == 1
    head = ["training row"]
    head += (
        ["slope", *(["weight"] if f.weights is not None else []), "∂L/∂s"]
        if one
        else [f"∂L/∂s {page.output(j)}" for j in range(few)]
    )
    head += [counted(k - few, "other")] if k > few else []
    rows: list[tuple[Cell, ...]] = []
    for i, name in enumerate(page.rows):
        cells: list[Cell] = [name]
        if one:
            cells += [_slopes(page, i, 0)]
            cells += [f.weights[i]] if f.weights is not None else []
        cells += [*back[i, :few]]
        cells += [float(back[i, few:].sum(dtype=np.float64))] if k > few else []
        rows.append(tuple(cells))
    total = back.sum(axis=0, dtype=np.float64)
    seen = back[: f.shown].sum(axis=0, dtype=np.float64)
    empty: list[Cell] = [None] * (len(head) - 1 - few - (k > few))
    for name, sums in (
        *(((counted(page.hidden, "other"), total - seen),) if page.hidden else ()),
        (f"sum of {f.n}", total),
    ):
        others = [float(sums[few:].sum())] if k > few else []
        rows.append((name, *empty, *(float(s) for s in sums[:few]), *others))
    caption = "By the scores" if len(f.layers) > 1 or not one else ""
    return Table(caption, tuple(head), tuple(rows), 1)


# ---------------------------------------------------------------- through the layers


def _back_table(page: Page, depth: int) -> Table:
    """Return how the slope by each unit's sum came about for the first row."""
    f = page.facts
    layer, above = f.layers[depth], f.layers[depth + 1]
    if layer.back is None or above.back is None:
        raise AssertionError
    activation: Any = layered(f.problem.task.model).activation
    below = above.back[:1] @ above.weight.T
    rows: list[tuple[Cell, ...]] = []
    for j in range(min(layer.weight.shape[1], UNITS)):
        cells: list[Cell] = [str(j + 1), below[0, j]]
        if not activation.rowwise:
            formulas = _formulas(activation)
            slope = formulas.slope(activation, layer.sums[:1], above.inputs[:1])
            cells.append(slope[0, j])
        rows.append((*cells, layer.back[0, j]))
    head = ["unit", f"∂L/∂a{depth + 1}"]
    head += [] if activation.rowwise else ["slope of " + activation.name]
    caption = f"Layer {depth + 1}, row {page.rows[0]}"
    return Table(caption, (*head, f"∂L/∂z{depth + 1}"), tuple(rows))


def _term_table(page: Page) -> Table:
    """Return the gradient of the parameters shown, row by row, and what the penalty adds."""
    f = page.facts
    by_loss: Any = f.hand.by_loss
    entries = page.entries
    columns = [_terms(page, e) for e in entries]
    rows: list[tuple[Cell, ...]] = [
        (name, *(float(c[i]) for c in columns)) for i, name in enumerate(page.rows)
    ]
    totals = [float(by_loss[e.at]) for e in entries]
    if page.hidden:
        rest = [t - float(c.sum()) for t, c in zip(totals, columns, strict=True)]
        rows.append((counted(page.hidden, "other"), *rest))
    sums = 1
    if f.by_penalty.any():
        rows.append((f"sum of {f.n}", *totals))
        rows.append(("penalty", *(f.by_penalty[e.at] for e in entries)))
        sums = 3
    rows.append(("gradient", *(f.gradient[e.at] for e in entries)))
    caption = "What came in, times the slope by the sum it went into: each row's part"
    return Table(caption, ("training row", *(e.label for e in entries)), tuple(rows), sums)


def _terms(page: Page, entry: Entry) -> Any:
    """Return each shown row's part of one parameter's gradient."""
    layer = page.facts.layers[page.depth(entry.array)]
    back: Any = layer.back
    if len(entry.place) == 1:
        return back[:, entry.place[0]].astype(np.float64)
    came = layer.inputs[:, entry.place[0]].astype(np.float64)
    return came * back[:, entry.place[1]]


def _arrays_table(page: Page) -> list[Table | str]:
    """Return a line for each array of parameters, where not all numbers are shown."""
    f, layout = page.facts, page.facts.problem.layout
    if layout.size <= len(page.entries):
        return []
    rows: list[tuple[Cell, ...]] = []
    for (name, shape), part in zip(layout.entries, layout.slices().values(), strict=True):
        g = f.gradient[part].astype(np.float64)
        if not g.size:
            continue
        sized = " x ".join(map(str, shape)) or "1"
        rows.append((name, sized, float(g.min()), float(g.max()), float(np.linalg.norm(g))))
    total = f.gradient.astype(np.float64)
    all_of = ("all", str(layout.size), float(total.min()), float(total.max()))
    rows.append((*all_of, float(np.linalg.norm(total))))
    return [
        Table(
            "The whole gradient", ("array", "shape", "least", "largest", "length"), tuple(rows), 1
        )
    ]
