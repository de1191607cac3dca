"""The second move: from the rows to the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.explaining.expressions import filled, symbols
from descend.explaining.expressions_latex import latex
from descend.explaining.formulas import ACTIVATION_LINES, SYMBOLS, TEX
from descend.explaining.lines import hyperparameters, in_code
from descend.explaining.page import COLUMNS, UNITS, largest_inputs
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown
from descend.models import layered

if TYPE_CHECKING:
    from descend.explaining.facts import Layer
    from descend.explaining.page import Page
    from descend.explaining.pieces import Cell


def forward_move(page: Page) -> Move:
    """Return the second move: from the rows to the scores, a layer at a time."""
    if page.custom:
        return _own_model(page)
    layers = page.facts.layers
    if len(layers) == 1 and layers[0].weight.shape[1] == 1:
        numbers = _one_score(page, layers[0])
        said = ["Each column times its weight"]
        said[0] += (
            ", plus the bias, is the score."
            if layers[0].bias is not None
            else (", added up, is the score; this model has no bias.")
        )
    else:
        numbers, said = _of_layers(page), [_words_of_layers(page)]
    return Move("Forward", tuple(said), tuple(_forward_symbols(page)), numbers, forward_code(page))


def _words_of_layers(page: Page) -> str:
    layers, first = page.facts.layers, page.rows[0]
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
    values = ", ".join(f"{page.column(c)}: {page.number(layer.weight[c, 0])}" for c in columns)
    offset = "" if layer.bias is None else f"; bias {page.number(layer.bias[0])}"
    lines = [f"weight of {values}{offset}"]
    if not rest:
        signed = page.signed
        products = [f"{signed(layer.weight[c, 0])} · {signed(layer.inputs[0, c])}" for c in columns]
        products += [] if layer.bias is None else [signed(layer.bias[0])]
        result = page.number(layer.sums[0, 0])
        lines.append(f"row {page.rows[0]}: s = {' + '.join(products)} = {result}")
    return (*lines, Table("", ("training row", *head, "score s"), tuple(rows)))


def _of_layers(page: Page) -> tuple[Table | str, ...]:
    """Return a table for each layer, for the first row, and the scores of all rows shown."""
    layers = page.facts.layers
    tables: list[Table | str] = []
    for depth, layer in enumerate(layers):
        tables.append(_terms_of_layer(page, depth, layer))
        units = layer.weight.shape[1]
        tables += list(share_shown(_shown_units(page, depth), units, _called(page, depth)))
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
    """Return how each unit's sum came about for the first row: all terms, or the largest."""
    inputs = layer.weight.shape[0]
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
    where = (
        f"Layer {depth + 1}, row {page.rows[0]}"
        if len(page.facts.layers) > 1
        else (f"Row {page.rows[0]}")
    )
    return Table(where, tuple(head), tuple(rows))


def _own_model(page: Page) -> Move:
    f, model = page.facts, page.facts.problem.task.model
    few = min(f.hand.scores.shape[1], UNITS)
    rows = tuple((name, *f.hand.scores[i, :few]) for i, name in enumerate(page.rows))
    head = ("training row", *(page.score(j) for j in range(few)))
    label = getattr(model, "label", "")
    said = (
        (
            f"The model {label!r} is your own: descend sees what goes in and what comes out, "
            "and not what happens between."
        ),
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
    if not apart > 1e-4 * max(1.0, abs(f.engine_loss)):
        return ()
    return (
        (
            "In training it scores these rows otherwise than here, where it only evaluates "
            "(it drops units, or looks at the batch): the objective of the update was "
            f"{page.number(f.engine_loss)}."
        ),
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
        plus, plus_tex = (
            (f" + b{depth}", f" + b_{{{depth}}}") if layer.bias is not None else ("", "")
        )
        if depth == len(layers):
            found.append(
                Symbol(f"s = {source} W{depth}{plus}", f"s = {tex} W_{{{depth}}}{plus_tex}")
            )
            continue
        text, activated = _activation_symbols(page, depth)
        found.append(
            Symbol(
                f"z{depth} = {source} W{depth}{plus},  a{depth} = {text}",
                rf"z_{{{depth}}} = {tex} W_{{{depth}}}{plus_tex}, \quad a_{{{depth}}} = "
                + activated,
            )
        )
    return found


def _activation_symbols(page: Page, depth: int) -> tuple[str, str]:
    activation: Any = layered(page.facts.problem.task.model).activation
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
    """Return what the code calls each layer's weight and bias: W and b, or W1, b1, W2 … and b2."""
    several = len(page.facts.layers) > 1
    return [
        (f"W{i}", f"b{i}") if several else ("W", "b") for i in range(1, len(page.facts.layers) + 1)
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
    activation: Any = layered(page.facts.problem.task.model).activation
    if activation.name == "softmax":
        return [
            f"a{depth} = np.exp(z{depth} - z{depth}.max(axis=1, keepdims=True))",
            f"a{depth} = a{depth} / a{depth}.sum(axis=1, keepdims=True)",
        ]
    if activation.name not in ACTIVATION_LINES:
        return [f"a{depth} = activation(z{depth})"]
    formula = in_code(ACTIVATION_LINES[activation.name].value.formula, {"z": f"z{depth}"})
    return [*hyperparameters(activation), f"a{depth} = {formula}"]
