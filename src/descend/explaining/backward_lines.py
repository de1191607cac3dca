"""The fourth move as mathematics and as lines of NumPy."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from descend.explaining.expressions import filled, parsed, symbols
from descend.explaining.expressions_latex import latex
from descend.explaining.formulas import ACTIVATION_LINES, LOSS_LINES, SYMBOLS, TEX
from descend.explaining.forward import variables
from descend.explaining.lines import in_code
from descend.explaining.pieces import Symbol
from descend.models import layered

if TYPE_CHECKING:
    from descend.explaining.page import Page

_ONE_LINE = 53


def gradient_symbols(page: Page) -> list[Symbol]:
    """Return the way back as mathematics, the last layer first."""
    f, loss = page.facts, page.facts.problem.task.loss
    found = []
    w, tex_w = (" w", r"w \,") if f.weights is not None else ("", "")
    down = {"sum": ""}.get(f.problem.task.reduction, " / n" if f.weights is None else " / Σ w")
    down += f" / {f.outputs}" if f.outputs > 1 else ""
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


def by(variable: str) -> str:
    """Return the derivative of the loss by something, for LaTeX."""
    return rf"\frac{{\partial L}}{{\partial {variable}}}"


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
        tex = rf"{by(f'W{sub}')} = {source_tex}^\top {by(z_tex)}"
        if layer.bias is not None:
            text += f",  ∂L/∂b{number} = Σ ∂L/∂{z}"
            tex += rf", \quad {by(f'b{sub}')} = \sum {by(z_tex)}"
        found.append(Symbol(text, tex))
        if depth > 1:
            found += _through(page, depth, z, z_tex)
    return found


def _through(page: Page, depth: int, z: str, z_tex: str) -> list[Symbol]:
    """Return the way through an activation, from one layer's sums to those below."""
    activation: Any = layered(page.facts.problem.task.model).activation
    below = depth - 1
    by_a = f"∂L/∂a{below} = ∂L/∂{z} W{depth}ᵀ"
    a_tex, below_tex = by(f"a_{{{below}}}"), by(f"z_{{{below}}}")
    by_a_tex = rf"{a_tex} = {by(z_tex)} W_{{{depth}}}^\top"
    if activation.name not in ACTIVATION_LINES:
        rule = "a (∂L/∂a - Σ a ∂L/∂a)" if activation.rowwise else f"∂L/∂a {activation.name}'(z)"
        rule_tex = rf"a \left( {a_tex} - \sum a \, {a_tex} \right)"
        if not activation.rowwise:
            rule_tex = rf"{a_tex} \, \sigma'"
        by_rule = f"{below_tex} = {rule_tex}"
        return [Symbol(by_a, by_a_tex), Symbol(f"∂L/∂z{below} = {rule}", by_rule)]
    line = ACTIVATION_LINES[activation.name].slope
    called = {**SYMBOLS, "z": f"z{below}", "a": f"a{below}"}
    text = filled(line.text, called) or symbols(line.formula, called)
    names = {**TEX, "z": f"z_{{{below}}}", "a": f"a_{{{below}}}"}
    tex = line.tex or latex(line.formula, names)
    return [
        Symbol(by_a, by_a_tex),
        Symbol(
            f"∂L/∂z{below} = ∂L/∂a{below} · ({text})",
            rf"{below_tex} = {a_tex} \left( {tex} \right)",
        ),
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
    activation: Any = layered(page.facts.problem.task.model).activation
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
