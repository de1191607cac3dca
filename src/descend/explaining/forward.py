"""The first three moves: the rows, the way forward, the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.explaining.expressions import filled, symbols, worked
from descend.explaining.expressions_latex import latex
from descend.explaining.formulas import (
    ACTIVATION_LINES,
    SYMBOLS,
    TEX,
    Line,
)
from descend.explaining.page import COLUMNS, UNITS, largest_inputs
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.explaining.facts import Layer
    from descend.explaining.page import Page
    from descend.explaining.pieces import Cell

_FEW_OUTPUTS = 3


# ---------------------------------------------------------------- 1. rows


def rows_move(page: Page) -> Move:
    """Return the first move: which rows the update sees."""
    code = ["given = e.arrays", 'X, y = given["X"], given["y"]']
    if page.facts.weights is not None:
        code.append('sample_weight = given["sample_weight"]')
    symbols = (Symbol("X (n, d), y (n, k)", r"X \in \mathbb{R}^{n \times d}"),)
    if page.facts.y.ndim == 1:
        symbols = (Symbol("X (n, d), y (n,)", symbols[0].tex),)
    n, d = page.facts.n, page.facts.problem.X.shape[1]
    sized = Symbol(f"n = {n}, d = {d}", f"n = {n}, \\quad d = {d}")
    return Move("Rows", _of_rows(page), (*symbols, sized), (_row_table(page),), tuple(code))


def _of_rows(page: Page) -> tuple[str, ...]:
    f, p = page.facts, page.facts.problem
    if p.full_batch:
        said = [f"This update sees all {counted(f.n, 'training row')}, in their own order."]
        if f.n == 1:
            said = ["This update sees the one training row there is."]
    else:
        epoch, place = divmod(f.step, p.batches_per_epoch)
        order = f"an order drawn from seed {p.seed} and the epoch" if p.shuffle else "their order"
        said = [
            f"This update sees {f.n} of the {p.n} training rows: batch {place + 1} of "
            f"{p.batches_per_epoch} in epoch {epoch + 1}, in {order}."
        ]
    said += share_shown(f.shown, f.n, "row", "; the others are in the sums")
    said += share_shown(
        len(page.columns),
        p.X.shape[1],
        "column",
        "" if page.custom else ": those with the largest terms",
    )
    if f.run.scaling is not None:
        said.append(
            "Columns are standardised: the model meets (x - mean) / deviation, and so does this "
            "page."
        )
    if is_sparse(p.X):
        stored = int(p.X.indptr[-1])
        said.append(f"The rows are sparse: {stored} entries are stored, all others are 0.")
    said += _of_targets(page)
    return tuple(said)


def _of_targets(page: Page) -> list[str]:
    f, said = page.facts, []
    if f.problem.task.loss.targets == "two labels" and f.run.classes:
        zero, one = f.run.classes[:2]
        if (str(zero), str(one)) != ("0", "1"):
            said.append(f"The target is 1 for {one!r} and 0 for {zero!r}.")
    target = (f.run.encoder or {}).get("target", {})
    if target.get("scale") not in {None, 1, 1.0}:
        said.append("The target is standardised too.")
    if f.weights is not None:
        total = page.number(f.weights.sum(dtype=np.float64))
        said.append(f"The rows have weights, which sum to {total}.")
    return said


def _row_table(page: Page) -> Table:
    f, columns = page.facts, page.columns
    met = page.met(columns)
    outputs = [0] if f.y.ndim == 1 else list(range(min(f.y.shape[1], _FEW_OUTPUTS)))
    targets = [page.targets(j) for j in outputs]
    several = f.y.ndim > 1 and f.y.shape[1] > 1
    head = ["training row", *(page.column(c) for c in columns)]
    head += [f"y {j + 1}" if several else "y" for j in outputs]
    weighted = f.weights is not None
    rows: list[list[Cell]] = [
        [name, *met[i], *(t[i] for t in targets), *([f.weights[i]] if weighted else [])]  # type: ignore[index]
        for i, name in enumerate(page.rows)
    ]
    sums: list[Cell] = [*_column_sums(page)]
    sums += [None] if f.y.ndim == 1 else [float(f.y[:, j].sum(dtype=np.float64)) for j in outputs]
    shown: list[Cell] = [*met.sum(axis=0, dtype=np.float64)]
    shown += [
        None if f.y.ndim == 1 else float(f.y[: f.shown, j].sum(dtype=np.float64)) for j in outputs
    ]
    if f.weights is not None:
        head.append("weight")
        sums.append(float(f.weights.sum(dtype=np.float64)))
        shown.append(float(f.weights[: f.shown].sum(dtype=np.float64)))
    totals = [[f"sum of {f.n}", *sums]]
    if page.hidden:
        rest = [None if a is None else _less(a, b) for a, b in zip(sums, shown, strict=True)]
        rows.append([f"{counted(page.hidden, 'other')}", *rest])
    if several and f.y.shape[1] > len(outputs):
        head = [f"{h} of {f.y.shape[1]}" if h.startswith("y ") else h for h in head]
    return Table("", tuple(head), tuple(map(tuple, [*rows, *totals])), 1)


def _less(a: Any, b: Any) -> float:
    return float(a) - float(b)


def _column_sums(page: Page) -> list[float]:
    """Return the sum over the batch of each column shown, as the model meets it."""
    f, scaling = page.facts, page.facts.problem.scaling
    chosen: Any = f.X[:, page.columns]
    sums = np.asarray(chosen.sum(axis=0), dtype=np.float64).ravel()
    if scaling is not None:
        sums = (sums - f.n * scaling.mean[page.columns]) / scaling.deviation[page.columns]
    return [float(s) for s in sums]


# ---------------------------------------------------------------- 2. forward


def forward_move(page: Page) -> Move:
    """Return the second move: from the rows to the scores, a layer at a time."""
    if page.custom:
        return _own_model(page)
    layers = page.facts.layers
    if len(layers) == 1 and layers[0].weight.shape[1] == 1:
        numbers = _one_score(page, layers[0])
        said = ["Each column times its weight"]
        said[0] += ", plus the bias, is the score." if layers[0].bias is not None else (
            ", added up, is the score; this model has no bias."
        )
    else:
        numbers, said = _of_layers(page), [_words_of_layers(page)]
    return Move("Forward", tuple(said), tuple(_forward_symbols(page)), numbers, forward_code(page))


def _words_of_layers(page: Page) -> str:
    layers = page.facts.layers
    first = page.rows[0]
    if len(layers) == 1:
        return (
            "Each output adds up the columns, each times a weight of its own, and its bias. "
            f"Row {first} is shown term by term."
        )
    return (
        "Each unit adds up what comes in, each input times a weight, and its bias: that is z. "
        f"The activation makes a of it, which goes on. Row {first} is shown term by term; units "
        "are counted from 1."
    )


def _one_score(page: Page, layer: Layer) -> tuple[Table | str, ...]:
    """Return a row of terms for each row shown: there is only one output."""
    columns = page.columns
    head = [f"weight·{page.column(c)}" for c in columns]
    rest = layer.weight.shape[0] - len(columns)
    terms = layer.inputs[:, columns] * layer.weight[columns, 0]
    rows = []
    for i, name in enumerate(page.rows):
        cells: list[Cell] = [name, *terms[i]]
        bias = 0.0 if layer.bias is None else float(layer.bias[0])
        score = float(layer.sums[i, 0])
        cells += [score - bias - float(terms[i].sum(dtype=np.float64))] if rest else []
        cells += [] if layer.bias is None else [bias]
        rows.append((*cells, score))
    head += [counted(rest, "other term")] if rest else []
    head += ["bias"] if layer.bias is not None else []
    values = ", ".join(
        f"{page.column(c)}: {page.number(layer.weight[c, 0])}" for c in columns
    )
    bias = "" if layer.bias is None else f"; bias {page.number(layer.bias[0])}"
    lines = [f"weight of {values}{bias}"]
    if not rest:
        products = [
            f"{_signed(page.number(layer.weight[c, 0]))} · {_signed(page.number(layer.inputs[0, c]))}"
            for c in columns
        ]
        products += [] if layer.bias is None else [_signed(page.number(layer.bias[0]))]
        result = page.number(layer.sums[0, 0])
        lines.append(f"row {page.rows[0]}: s = {' + '.join(products)} = {result}")
    return (*lines, Table("", ("training row", *head, "score s"), tuple(rows)))


def _signed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def _of_layers(page: Page) -> tuple[Table | str, ...]:
    """Return a table for each layer, for the first row, and the scores of all rows shown."""
    layers = page.facts.layers
    tables: list[Table | str] = []
    for depth, layer in enumerate(layers):
        tables.append(_terms_of_layer(page, depth, layer))
        units = layer.weight.shape[1]
        tables += [s for s in share_shown(_shown_units(page, depth), units, _called(page, depth))]
    scores = page.facts.hand.scores
    few = min(scores.shape[1], UNITS)
    rows = tuple((name, *scores[i, :few]) for i, name in enumerate(page.rows))
    head = ("training row", *(page.score(j) for j in range(few)))
    return (
        *tables,
        Table("The scores of the rows shown", head, rows),
        *share_shown(few, scores.shape[1], "output"),
    )


def _called(page: Page, depth: int) -> str:
    return "output" if depth == len(page.facts.layers) - 1 else "unit"


def _shown_units(page: Page, depth: int) -> int:
    return int(min(page.facts.layers[depth].weight.shape[1], UNITS))


def _terms_of_layer(page: Page, depth: int, layer: Layer) -> Table:
    """Return how each unit's sum came about for the first row: its terms, all of them or the largest."""
    inputs, units = layer.weight.shape
    shown = _shown_units(page, depth)
    last = depth == len(page.facts.layers) - 1
    few = inputs <= COLUMNS + 1
    chosen = list(range(inputs)) if few else largest_inputs(layer.inputs[:1], layer.weight, COLUMNS)
    rest = inputs - len(chosen)
    source = [page.column(c) if depth == 0 else f"a{c + 1}" for c in chosen]
    head = [_called(page, depth), *(f"weight·{name}" for name in source)]
    head += [counted(rest, "other")] if rest else []
    head += ["bias"] if layer.bias is not None else []
    head += ["score s"] if last else ["sum z", "a"]
    rows = []
    for j in range(shown):
        terms = layer.inputs[0, chosen] * layer.weight[chosen, j]
        bias = 0.0 if layer.bias is None else float(layer.bias[j])
        z = float(layer.sums[0, j])
        cells: list[Cell] = [(page.output(j) or "1") if last else str(j + 1), *terms]
        cells += [z - bias - float(terms.sum(dtype=np.float64))] if rest else []
        cells += [] if layer.bias is None else [bias]
        cells += [z] if last else [z, float(page.facts.layers[depth + 1].inputs[0, j])]
        rows.append(tuple(cells))
    where = f"Layer {depth + 1}, row {page.rows[0]}" if len(page.facts.layers) > 1 else (
        f"Row {page.rows[0]}"
    )
    return Table(where, tuple(head), tuple(rows))


def _own_model(page: Page) -> Move:
    f, model = page.facts, page.facts.problem.task.model
    few = min(f.hand.scores.shape[1], UNITS)
    rows = tuple((name, *f.hand.scores[i, :few]) for i, name in enumerate(page.rows))
    head = ("training row", *(page.score(j) for j in range(few)))
    label = getattr(model, "label", "")
    said = (
        f"The model {label!r} is your own: descend sees what goes in and what comes out, and not "
        "what happens between.",
        *share_shown(few, f.hand.scores.shape[1], "output"),
        *_moody(page),
    )
    code = ('theta = given["theta"]', 's = given["scores"]  # model(theta, X), your own')
    symbol = Symbol("s = model(θ, X)", r"s = \mathrm{model}(\theta, X)")
    return Move("Forward", said, (symbol,), (Table("", head, rows),), code)


def _moody(page: Page) -> tuple[str, ...]:
    """Say so where a module scores otherwise while it trains."""
    f = page.facts
    apart = abs(f.objective - f.engine_loss)
    if not apart > 1e-4 * max(1.0, abs(f.engine_loss)):  # noqa: PLR2004 - rounding, with room
        return ()
    return (
        "In training it scores these rows otherwise than here, where it only evaluates (it drops "
        "units, or looks at the batch): the objective of the update was "
        f"{page.number(f.engine_loss)}.",
    )


# ---------------------------------------------------------------- symbols and code


def _forward_symbols(page: Page) -> list[Symbol]:
    layers = page.facts.layers
    if len(layers) == 1:
        plus = " + b" if layers[0].bias is not None else ""
        return [Symbol(f"s = X W{plus}", f"s = X W{plus}")]
    found = []
    for depth, layer in enumerate(layers, start=1):
        source = "X" if depth == 1 else f"a{depth - 1}"
        tex = "X" if depth == 1 else f"a_{{{depth - 1}}}"
        plus, plus_tex = (f" + b{depth}", f" + b_{{{depth}}}") if layer.bias is not None else ("", "")
        if depth == len(layers):
            found.append(
                Symbol(f"s = {source} W{depth}{plus}", f"s = {tex} W_{{{depth}}}{plus_tex}")
            )
            continue
        text, activated = _activation_symbols(page, depth)
        found.append(
            Symbol(
                f"z{depth} = {source} W{depth}{plus},  a{depth} = {text}",
                rf"z_{{{depth}}} = {tex} W_{{{depth}}}{plus_tex}, \quad a_{{{depth}}} = {activated}",
            )
        )
    return found


def _activation_symbols(page: Page, depth: int) -> tuple[str, str]:
    activation: Any = page.facts.problem.task.model.activation
    if activation.name not in ACTIVATION_LINES:
        tex = rf"\mathrm{{{activation.name.replace('_', ' ')}}}(z_{{{depth}}})"
        return f"{activation.name}(z{depth})", tex
    line = ACTIVATION_LINES[activation.name].value
    names = {**SYMBOLS, "z": f"z{depth}"}
    tex_names = {**TEX, "z": f"z_{{{depth}}}"}
    return (
        filled(line.text, names) or symbols(line.formula, names),
        line.tex or latex(line.formula, tex_names),
    )


def variables(page: Page) -> list[tuple[str, str]]:
    """Return what the code calls each layer's weight and bias: W and b, or W1, b1, W2 …"""
    several = len(page.facts.layers) > 1
    return [
        (f"W{i}", f"b{i}") if several else ("W", "b")
        for i in range(1, len(page.facts.layers) + 1)
    ]


def forward_code(page: Page) -> tuple[str, ...]:
    """Return the lines from theta and X to the scores."""
    f, slices = page.facts, page.facts.problem.layout.slices()
    lines, called = ['theta = given["theta"]'], variables(page)
    for name, shape in f.problem.layout.entries:
        variable = called[page.depth(name)][0 if name.endswith("weight") else 1]
        place = f"theta[{slices[name].start}:{slices[name].stop}]"
        shaped = f"{place}.reshape{shape}" if len(shape) > 1 else place
        lines.append(f"{variable} = {shaped}  # {name}")
    passed = "X"
    W, b = called[0]
    if f.problem.scaling is not None:
        first = f.layers[0].bias is not None
        lines += [
            'm, deviation = given["mean"], given["deviation"]',
            'varies = given["varies"]',
            "# X W_raw + b_raw are the scores of (x - m) / deviation; X stays sparse",
            f"W_raw = ({W} / deviation[:, None]).astype(theta.dtype)",
            f"b_raw = ({f'{b} - ' if first else '-'}m @ W_raw).astype(theta.dtype)",
        ]
        W, b = "W_raw", "b_raw"
    for depth, layer in enumerate(f.layers, start=1):
        if depth > 1:
            W, b = called[depth - 1]
        plus = f" + {b}" if layer.bias is not None or b == "b_raw" else ""
        if depth == len(f.layers):
            lines.append(f"s = {passed} @ {W}{plus}")
            break
        lines += [f"z{depth} = {passed} @ {W}{plus}", *_activation_code(page, depth)]
        passed = f"a{depth}"
    return tuple(lines)


def _activation_code(page: Page, depth: int) -> list[str]:
    activation: Any = page.facts.problem.task.model.activation
    if activation.name == "softmax":
        return [
            f"a{depth} = np.exp(z{depth} - z{depth}.max(axis=1, keepdims=True))",
            f"a{depth} = a{depth} / a{depth}.sum(axis=1, keepdims=True)",
        ]
    if activation.name not in ACTIVATION_LINES:
        return [f"a{depth} = activation(z{depth})"]
    formula = in_code(ACTIVATION_LINES[activation.name].value.formula, {"z": f"z{depth}"})
    return [*hyperparameters(activation), f"a{depth} = {formula}"]


def in_code(formula: str, names: Mapping[str, str]) -> str:
    """Return a formula with other names in it."""
    import ast  # noqa: PLC0415 - for this alone

    tree = ast.parse(formula, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
    return ast.unparse(tree)


def hyperparameters(part: Any) -> list[str]:
    """Return a line that sets a part's hyperparameters, if it has any.

    >>> from descend.losses import huber
    >>> hyperparameters(huber(1.5))
    ['delta = 1.5']
    """
    fields = part._asdict()
    if not fields:
        return []
    return [f"{', '.join(fields)} = {', '.join(map(repr, fields.values()))}"]


def symbol_of(line: Line, name: str = "", tex_name: str = "") -> Symbol:
    """Return a line as mathematics, under its own name or another."""
    text = filled(line.text, SYMBOLS) or symbols(line.formula, SYMBOLS)
    tex = line.tex or latex(line.formula, TEX)
    return Symbol(
        f"{name or SYMBOLS.get(line.name, line.name)} = {text}",
        f"{tex_name or TEX.get(line.name, line.name)} = {tex}",
    )


def worked_line(line: Line, values: Mapping[str, Any], page: Page, result: Any, name: str) -> str:
    """Return a line with this update's numbers in it: ``loss = (0.4 - 1.2)² = 0.64``."""
    shown = {key: page.number(value) for key, value in values.items()}
    text = filled(line.text, shown) if line.text else worked(line.formula, shown, values)
    result = page.number(result)
    return f"{name} = {text}" if text == result else f"{name} = {text} = {result}"
