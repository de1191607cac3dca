"""The fourth move: how the objective changes with each parameter, by the chain rule."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.explaining.expressions import filled, parsed, symbols, value
from descend.explaining.expressions_latex import latex
from descend.explaining.facts import CLOSE, distance
from descend.explaining.formulas import ACTIVATION_LINES, LOSS_LINES, SYMBOLS, TEX
from descend.explaining.forward import in_code, variables, worked_line
from descend.explaining.page import UNITS
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.explaining.page import Entry, Page
    from descend.explaining.pieces import Cell

_OUTPUTS = 3
_ONE_LINE = 53


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
    symbols = tuple(_gradient_symbols(page))
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
    slope = float(g[entry.index])
    way = "rise" if slope > 0 else "fall"
    penalty = page.facts.problem.task.penalty
    what = "the objective without its absolute penalty" if penalty and penalty.l1 else (
        "the objective"
    )
    return (
        f"Steepest is {entry.label}: if it grew by a small amount, {what} would {way} by "
        f"{page.number(abs(slope))} times that amount.",
    )


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
    said = (
        f"The derivatives were found by {f.run.engine_used.partition('/')[0]}: what is your own "
        "has no formula here to write down.",
        *_penalty_words(page),
        *_which(page),
        *_steepest(page),
    )
    rows = tuple((e.label, f.gradient[e.index]) for e in page.entries)
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
    found = formulas_of(type(loss), np).slope(loss, f.hand.scores[i : i + 1], f.y[i : i + 1])
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
    head += ["slope", *(["weight"] if f.weights is not None else []), "∂L/∂s"] if one else [
        f"∂L/∂s {page.output(j)}" for j in range(few)
    ]
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
    activation: Any = f.problem.task.model.activation
    below = above.back[:1] @ above.weight.T
    rows: list[tuple[Cell, ...]] = []
    for j in range(min(layer.weight.shape[1], UNITS)):
        cells: list[Cell] = [str(j + 1), below[0, j]]
        if not activation.rowwise:
            formulas = formulas_of(type(activation), np)
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
    totals = [float(by_loss[e.index]) for e in entries]
    if page.hidden:
        rest = [t - float(c.sum()) for t, c in zip(totals, columns, strict=True)]
        rows.append((counted(page.hidden, "other"), *rest))
    sums = 1
    if f.by_penalty.any():
        rows.append((f"sum of {f.n}", *totals))
        rows.append(("penalty", *(f.by_penalty[e.index] for e in entries)))
        sums = 3
    rows.append(("gradient", *(f.gradient[e.index] for e in entries)))
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
    return [Table("The whole gradient", ("array", "shape", "least", "largest", "length"), tuple(rows), 1)]


# ---------------------------------------------------------------- symbols and code


def _gradient_symbols(page: Page) -> list[Symbol]:
    f, loss = page.facts, page.facts.problem.task.loss
    found = []
    w, tex_w = (" w", r"w \,") if f.weights is not None else ("", "")
    down = {"sum": ""}.get(f.problem.task.reduction, " / n" if f.weights is None else " / Σ w")
    down += f" / {f.outputs}" if f.outputs > 1 else ""
    tex_down = {"": "1", " / n": "n"}.get(down.split(" / ", maxsplit=2)[1] if down else "", "")
    tex_down = "n" if " / n" in down else r"\sum w" if "Σ w" in down else ""
    tex_down += (r" \cdot " if tex_down else "") + str(f.outputs) if f.outputs > 1 else ""
    slope, tex = "slope", r"\mathrm{slope}"
    if loss.name in LOSS_LINES:
        line = LOSS_LINES[loss.name].slope
        text = filled(line.text, SYMBOLS) or symbols(line.formula, SYMBOLS)
        found.append(Symbol(f"slope = {text}", rf"\mathrm{{slope}} = {latex(line.formula, TEX)}"))
    if loss.name == "softmax":
        slope, tex = "(p - onehot(y))", r"(p - \mathrm{onehot}(y))"
    shown = rf"\frac{{{tex_w} {tex}}}{{{tex_down}}}" if tex_down else f"{tex_w} {tex}"
    found.append(
        Symbol(f"∂L/∂s ={w} {slope}{down}", rf"\frac{{\partial L}}{{\partial s}} = {shown}")
    )
    found += _layer_symbols(page)
    penalty = f.problem.task.penalty
    if penalty is not None and penalty.l2:
        found.append(
            Symbol(
                "∂J/∂w = ∂L/∂w + λ₂ w",
                r"\frac{\partial J}{\partial w} = \frac{\partial L}{\partial w} + \lambda_2 \, w",
            )
        )
    return found


def _layer_symbols(page: Page) -> list[Symbol]:
    found: list[Symbol] = []
    several = len(page.facts.layers) > 1
    for depth in range(len(page.facts.layers), 0, -1):
        layer = page.facts.layers[depth - 1]
        last = depth == len(page.facts.layers)
        number = str(depth) if several else ""
        z, z_tex = ("s", "s") if last else (f"z{depth}", f"z_{{{depth}}}")
        source = "X" if depth == 1 else f"a{depth - 1}"
        source_tex = "X" if depth == 1 else f"a_{{{depth - 1}}}"
        sub = f"_{{{number}}}" if number else ""
        text = f"∂L/∂W{number} = {source}ᵀ ∂L/∂{z}"
        tex = rf"\frac{{\partial L}}{{\partial W{sub}}} = {source_tex}^\top \frac{{\partial L}}{{\partial {z_tex}}}"
        if layer.bias is not None:
            text += f",  ∂L/∂b{number} = Σ ∂L/∂{z}"
            tex += rf", \quad \frac{{\partial L}}{{\partial b{sub}}} = \sum \frac{{\partial L}}{{\partial {z_tex}}}"
        found.append(Symbol(text, tex))
        if depth > 1:
            found += _through(page, depth, z, z_tex)
    return found


def _through(page: Page, depth: int, z: str, z_tex: str) -> list[Symbol]:
    """Return the way through an activation, from one layer's sums to those below."""
    activation: Any = page.facts.problem.task.model.activation
    below = depth - 1
    by_a = f"∂L/∂a{below} = ∂L/∂{z} W{depth}ᵀ"
    by_a_tex = (
        rf"\frac{{\partial L}}{{\partial a_{{{below}}}}} = "
        rf"\frac{{\partial L}}{{\partial {z_tex}}} W_{{{depth}}}^\top"
    )
    by_z_tex = rf"\frac{{\partial L}}{{\partial z_{{{below}}}}} = \frac{{\partial L}}{{\partial a_{{{below}}}}}"
    if activation.name not in ACTIVATION_LINES:
        rule = "a (∂L/∂a - Σ a ∂L/∂a)" if activation.rowwise else f"∂L/∂a {activation.name}'(z)"
        rule_tex = (
            rf"a \left( \frac{{\partial L}}{{\partial a_{{{below}}}}} "
            rf"- \sum a \, \frac{{\partial L}}{{\partial a_{{{below}}}}} \right)"
        )
        by_rule = by_z_tex.partition(" = ")[0] + f" = {rule_tex}"
        return [Symbol(by_a, by_a_tex), Symbol(f"∂L/∂z{below} = {rule}", by_rule)]
    line = ACTIVATION_LINES[activation.name].slope
    called = {**SYMBOLS, "z": f"z{below}", "a": f"a{below}"}
    text = filled(line.text, called) or symbols(line.formula, called)
    names = {**TEX, "z": f"z_{{{below}}}", "a": f"a_{{{below}}}"}
    tex = line.tex or latex(line.formula, names)
    return [
        Symbol(by_a, by_a_tex),
        Symbol(f"∂L/∂z{below} = ∂L/∂a{below} · ({text})", rf"{by_z_tex} \left( {tex} \right)"),
    ]


def gradient_code(page: Page) -> tuple[str, ...]:
    """Return the lines from the scores back to the gradient (P,)."""
    f, loss = page.facts, page.facts.problem.task.loss
    lines: list[str] = []
    if loss.name == "softmax":
        lines += ["slope = np.exp(log_p)", "slope[np.arange(len(y)), y] -= 1"]
    elif loss.name in LOSS_LINES:
        lines.append(f"slope = {in_code(LOSS_LINES[loss.name].slope.formula, {})}")
    else:
        lines.append('dscores = given["dscores"]')
    if loss.name in LOSS_LINES or loss.name == "softmax":
        lines.append(f"dscores = {_scaled_code(page)}")
    if page.custom:
        return (*lines, 'gradient = given["gradient"]  # back through your own model')
    lines += _layers_code(page)
    penalty = f.problem.task.penalty
    if penalty is not None and penalty.l2:
        lines.append("gradient = gradient + l2 * theta")
    return tuple(lines)


def _scaled_code(page: Page) -> str:
    f = page.facts
    slope = "slope" if f.weights is None else "slope * sample_weight[:, None]"
    if f.problem.task.reduction == "sum":
        return slope + (f" / {f.outputs}" if f.outputs > 1 else "")
    mass = "len(y)" if f.weights is None else "total_weight"
    return f"{slope} / {mass if f.outputs == 1 else f'({mass} * {f.outputs})'}"


def _layers_code(page: Page) -> list[str]:
    f, lines = page.facts, []
    called, last = variables(page), len(f.layers)
    back = "dscores"
    for depth in range(last, 0, -1):
        W, b = called[depth - 1]
        source = "X" if depth == 1 else f"a{depth - 1}"
        lines.append(f"d{W} = {source}.T @ {back}")
        if f.layers[depth - 1].bias is not None:
            lines.append(f"d{b} = {back}.sum(axis=0)")
        if depth == 1 and f.problem.scaling is not None:
            lines += [
                f"d{W} = (d{W} - m[:, None] * {back}.sum(axis=0)) / deviation[:, None]",
                f"d{W}[~varies] = 0.0  # a column that does not vary has no slope",
            ]
        if depth > 1:
            lines += _through_code(page, depth - 1, back, W)
            back = f"dz{depth - 1}"
    parts = [
        f"d{called[page.depth(name)][0]}.ravel()"
        if name.endswith("weight")
        else f"d{called[page.depth(name)][1]}"
        for name, _ in f.problem.layout.entries
    ]
    joined = f"[{', '.join(parts)}]"
    if len(joined) <= _ONE_LINE:
        return [*lines, f"gradient = np.concatenate({joined})"]
    return [*lines, "gradient = np.concatenate(", f"    {joined}", ")"]


def _through_code(page: Page, below: int, back: str, W: str) -> list[str]:
    activation: Any = page.facts.problem.task.model.activation
    first = f"da{below} = {back} @ {W}.T"
    if activation.name == "softmax":
        dot = f"(a{below} * da{below}).sum(axis=1, keepdims=True)"
        return [first, f"dz{below} = a{below} * (da{below} - {dot})"]
    if activation.name not in ACTIVATION_LINES:
        return [first, f"dz{below} = da{below} * activation_slope(z{below}, a{below})"]
    names = {"z": f"z{below}", "a": f"a{below}"}
    slope = in_code(ACTIVATION_LINES[activation.name].slope.formula, names)
    alone = isinstance(parsed(slope), ast.BinOp)
    return [first, f"dz{below} = da{below} * {f'({slope})' if alone else slope}"]
