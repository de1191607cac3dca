"""The upper half of a script: rows, start, the model with its loss, and for NumPy the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.export.script_formulas import ACTIVATION_LINES, HELPERS, LOSS_LINES, Formula
from descend.models import layered

if TYPE_CHECKING:
    from descend.export.script_plan import Plan

_WIDE = 88
_TAKEN = {"numpy": "{}", "jax": "jnp.asarray({})", "torch": "torch.from_numpy({})"}


def rows_text(plan: Plan) -> str:
    """Return the lines that read the rows."""
    p = plan.problem
    shapes = {"X": p.X.shape, "y": p.y.shape, "weights": (p.n,)}
    read = [f"{name} = {_taken(plan, name)}  # {shapes[name]}" for name in plan.rows]
    return "\n".join(
        [
            f'beside = Path(__file__).with_name("train_{plan.library}.npz")',
            "with np.load(beside, allow_pickle=False) as stored:",
            "    data = dict(stored)",
            *read,
            "",
        ]
    )


def start_text(plan: Plan) -> str:
    """Return the parameters before the first update, and the optimizer's memory."""
    lines = [f'    "{name}": {_start_of(plan, name)},' for name in plan.start]
    text = "\n".join(["params = {", *lines, "}", ""])
    initial = plan.task.optimizer.rule.initial
    if initial:
        like = {0.0: "zeros_like", 1.0: "ones_like"}
        slots = ", ".join(f"{plan.xp}.{like[value]}(w)" for value in initial)
        slots = f"({slots},)" if len(initial) == 1 else f"({slots})"
        made = f"name: {slots}", "for name, w in params.items()"
        line = f"memory = {{{' '.join(made)}}}"
        text += (
            f"{line}\n" if len(line) <= _WIDE else "memory = {{\n    {}\n    {}\n}}\n".format(*made)
        )
    return text


def _taken(plan: Plan, name: str) -> str:
    return _TAKEN[plan.library].format(f'data["{name}"]')


def _start_of(plan: Plan, name: str) -> str:
    written, shape = plan.written(name), plan.start[name].shape
    grad = "requires_grad=True"
    if written is None:
        taken = _taken(plan, name)
        return f"{taken}.requires_grad_()" if plan.library == "torch" else taken
    if plan.library == "torch":
        dtype = f"dtype=torch.{plan.dtype}, {grad}"
        sizes = ", ".join(map(str, shape))
        return f"torch.tensor({written}, {dtype})" if written else f"torch.zeros({sizes}, {dtype})"
    shown = str(shape) if len(shape) > 1 else str(shape[0])
    single = ", np.float32" if plan.library == "numpy" and plan.dtype == "float32" else ""
    return f"{plan.xp}.array({written})" if written else f"{plan.xp}.zeros({shown}{single})"


# ---------------------------------------------------------------- from rows to the objective


def model_text(plan: Plan) -> str:
    """Return the functions that give a batch's objective, and for NumPy its gradient."""
    task = plan.task
    loss = LOSS_LINES[plan.library][task.loss.name].filled(task.loss, k=str(plan.k))
    activation = ACTIVATION_LINES[plan.library][layered(task.model).activation.name]
    called = [*loss.helpers, *(activation.helpers if not task.model.linear else ())]
    helpers = "".join(HELPERS[name] for name in dict.fromkeys(called))
    constants = f"L2 = {plan.l2!r}  # the squared penalty's strength\n" if plan.l2 else ""
    by_hand = plan.library == "numpy"
    name = "loss_and_gradient" if by_hand else "objective"
    says = (
        "Return the objective of some rows, and its gradient by the chain rule."
        if by_hand
        else "Return the objective of some rows: their loss"
        + (" and the squared penalty." if plan.l2 else ".")
    )
    lines = [
        f'"""{says}"""',
        *_forward(plan, activation),
        *loss.before,
        *_reduced(plan, loss, assigned=by_hand),
        *(_backward(plan, loss, activation) if by_hand else ()),
    ]
    body = "\n".join(f"    {line}" for line in lines)
    jit = "@jax.jit\n" if plan.library == "jax" else ""
    text = f"{constants}{helpers}\n\n{jit}def {name}(p, {', '.join(plan.rows)}):\n{body}\n"
    if plan.l1 and not by_hand:
        text += (
            "\n\ndef absolute_penalty(p):\n"
            '    """Return the part of the objective that the threshold takes care of."""\n'
            f"    return {_absolute(plan)}\n"
        )
    return text


def _layers(plan: Plan) -> list[tuple[str, str | None]]:
    weights = [name for name in plan.start if name.startswith("W")]
    biases = [f"b{name[1:]}" if f"b{name[1:]}" in plan.start else None for name in weights]
    return list(zip(weights, biases, strict=True))


def _forward(plan: Plan, activation: Formula) -> list[str]:
    lines, passed = [], "X"
    layers = _layers(plan)
    for i, (weight, bias) in enumerate(layers, start=1):
        summed = f'{passed} @ p["{weight}"]' + (f' + p["{bias}"]' if bias else "")
        if i == len(layers):
            lines.append(f"s = {summed}  # scores")
            break
        lines.append(f"z{i} = {summed}")
        names = {"z": f"z{i}", "a": f"a{i}"}
        lines.append(
            f"a{i} = {activation.filled(layered(plan.task.model).activation, **names).value}"
        )
        passed = f"a{i}"
    return lines


def _reduced(plan: Plan, loss: Formula, *, assigned: bool) -> list[str]:
    """Return the lines that turn the loss of each row into the objective."""
    xp, value, unreduced = plan.xp, loss.value, ', reduction="none")'
    labels, mean = plan.task.loss.targets == "labels", plan.task.reduction == "mean"
    lines = []
    axis = "dim" if plan.library == "torch" else "axis"
    if not labels and (plan.problem.weights is not None or (not mean and plan.k > 1)):
        value = f"{xp}.mean({value}, {axis}=1)"
    if plan.problem.weights is None and value.endswith(unreduced):  # PyTorch's own losses
        found = value.removesuffix(unreduced) + (")" if mean else ', reduction="sum")')
    elif plan.problem.weights is None:
        found = f"{xp}.{'mean' if mean else 'sum'}({value})"
    else:
        lines = [f"rows = {value}  # the loss of each", *(_mass(plan) if mean else ())]
        found = f"{xp}.sum(weights * rows)" + (" / mass" if mean else "")
    if plan.l2:
        lines.append(f"loss = {found}")
        found = f"loss + 0.5 * L2 * {_sum_over(plan, f'{xp}.sum(p[{{}}] ** 2)')}"
    if plan.l1 and assigned:
        lines.append(f"loss = {found}")
        found = f"loss + {_absolute(plan)}"
    return [*lines, f"loss = {found}" if assigned else f"return {found}"]


def _mass(plan: Plan) -> list[str]:
    weights = plan.problem.weights
    lines = [f"mass = {plan.xp}.sum(weights)"]
    if weights is not None and not weights.all() and not plan.problem.full_batch:
        said = "  # a batch may hold only rows of weight 0"
        guard = "jnp.where(mass > 0, mass, 1.0)" if plan.library == "jax" else "mass or 1.0"
        lines.append(f"mass = {guard}{said}")
    return lines


def _absolute(plan: Plan) -> str:
    return f"L1 * {_sum_over(plan, f'{plan.xp}.sum({plan.xp}.abs(p[{{}}]))')}"


def _sum_over(plan: Plan, term: str) -> str:
    """Return the sum of a term over the parameters that the penalty reaches."""
    names = [f'"{name}"' for name in plan.penalised]
    if len(names) == 1:
        return term.format(names[0])
    if len(names) == len(plan.start):
        return f"sum({term.format('name')} for name in p)"
    return f"sum({term.format('name')} for name in ({', '.join(names)}))"


# ---------------------------------------------------------------- the way back


def _backward(plan: Plan, loss: Formula, activation: Formula) -> list[str]:
    layers = _layers(plan)
    lines = ["", *_by_the_scores(plan, loss)]
    if len(layers) == 1:
        parts = [f'"{name}": {found}' for name, found in _by_the_parameters(plan, layers[0], "X")]
        return [*lines, f"return loss, {{{', '.join(parts)}}}"]
    lines.append("gradient = {}")
    for i in range(len(layers), 0, -1):
        passed = "X" if i == 1 else f"a{i - 1}"
        found = _by_the_parameters(plan, layers[i - 1], passed)
        lines += [f'gradient["{name}"] = {expression}' for name, expression in found]
        if i > 1:
            lines.append(f'g = g @ p["{layers[i - 1][0]}"].T')
            names = {"z": f"z{i - 1}", "a": f"a{i - 1}"}
            back = activation.filled(layered(plan.task.model).activation, **names).slope
            lines += [f"g = {back}"] if back != "g" else []
    return [*lines, "return loss, gradient"]


def _by_the_parameters(
    plan: Plan, layer: tuple[str, str | None], passed: str
) -> list[tuple[str, str]]:
    """Return a layer's names, and the gradient by each: what came in times what came back."""
    weight, bias = layer
    found = [(weight, f"{passed}.T @ g")] + ([(bias, "g.sum(axis=0)")] if bias else [])
    decays = plan.penalised if plan.l2 else []
    return [(n, f'{e} + L2 * p["{n}"]' if n in decays else e) for n, e in found]


def _by_the_scores(plan: Plan, loss: Formula) -> list[str]:
    lines = [
        "# Backward: how the loss of each row changes with its scores, and so on down.",
        f"g = {loss.slope}",
    ]
    labels, mean = plan.task.loss.targets == "labels", plan.task.reduction == "mean"
    outputs = 1 if labels else plan.k
    if plan.problem.weights is not None:
        divided = ["mass"] * mean + [str(outputs)] * (outputs > 1)
        by = (
            f" / ({' * '.join(divided)})"
            if len(divided) > 1
            else "".join(f" / {x}" for x in divided)
        )
        lines.append(f"g = g * weights[:, None]{by}")
    elif mean:
        lines.append(f"g = g / {'len(y)' if labels else 'g.size'}  # of their mean")
    elif outputs > 1:
        lines.append(f"g = g / {outputs}  # of the mean over outputs")
    return lines
