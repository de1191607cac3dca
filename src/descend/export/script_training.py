"""The lower half of a script: the loop over the updates, as each library's users write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from descend.export.script_plan import Plan

_LINES = 12  # of losses that a script prints, about


def training_text(plan: Plan, *, varies: bool) -> str:
    """Return the loop; the rate is a function of the update where it `varies`."""
    lines = (
        _with_jax(plan, varies=varies) if plan.library == "jax" else _looped(plan, varies=varies)
    )
    return "\n".join(lines) + "\n"


def _rule_lines(plan: Plan, to: str, gradient: str, *, varies: bool) -> list[str]:
    """Return the lines that move one parameter, ``w`` by ``name``, in a loop over them."""
    rate = "rate" if varies else "RATE"
    named = {"memory": "memory[name]", "rate": rate, "t": "t", "decay": "decay", "l1": "l1"}
    arguments = ", ".join(["w", gradient, *(named[name] for name in plan.takes)])
    lines = [f"{to} = {plan.task.optimizer.name}({arguments})"]
    weights = [name for name in plan.start if name.startswith("W")]
    for name, strength, reached in (
        ("l1", "L1", plan.penalised),
        ("decay", "WEIGHT_DECAY", weights),
    ):
        if name in plan.takes:
            chosen = ' if name.startswith("W") else 0.0' if len(reached) < len(plan.start) else ""
            lines.insert(0, f"{name} = {strength}{chosen}")
    return lines


def _stride(updates: int) -> int:
    """Return 1, 2 or 5 times a power of ten, so that about `_LINES` lines are printed."""
    wanted = max(updates / _LINES, 1.0)
    power: int = 10 ** math.floor(math.log10(wanted))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= wanted)


def _kept(plan: Plan, copied: str) -> list[str]:
    if plan.best is None:
        return []
    return [
        f"    if update + 1 == {plan.best}:  # the best in validation",
        f"        best = {copied}",
    ]


def _said(plan: Plan) -> list[str]:
    last = plan.updates - 1
    return [
        f"    if update % {_stride(plan.updates)} == 0 or update == {last}:",
        '        print(f"update {update}: loss {losses[-1]:.12g}")',
    ]


def _at_the_end(plan: Plan, value: str) -> list[str]:
    where = f"after {plan.updates} updates" if plan.best is None else f"after update {plan.best}"
    best = [] if plan.best is None else ["params = best"]
    return [*best, f"at_the_end = {value}", f'print(f"{where}: loss {{at_the_end:.12g}}")']


def _batched(plan: Plan, order: str) -> list[str]:
    """Return the lines that take a batch, in the loop over updates."""
    p = plan.problem
    if p.full_batch:
        return []
    m, size = p.batches_per_epoch, p.batch_size
    if not plan.shuffled:
        end = f"first + {size}"
        rows = (
            f"np.arange(first, min({end}, {p.n}))"
            if plan.library == "jax"
            else f"slice(first, {end})"
        )
        return [f"    first = update % {m} * {size}", f"    batch = {rows}"]
    return [
        f"    epoch, place = divmod(update, {m})",
        "    if place == 0:",
        f"        rows = {order}",
        f"    batch = rows[place * {size} : (place + 1) * {size}]",
    ]


# ---------------------------------------------------------------- NumPy and PyTorch


def _looped(plan: Plan, *, varies: bool) -> list[str]:
    torch = plan.library == "torch"
    order = "torch.from_numpy(order(epoch))" if torch else "order(epoch)"
    batch = "" if plan.problem.full_batch else "[batch]"
    rows = ", ".join(f"{name}{batch}" for name in plan.rows)
    whole = ", ".join(plan.rows)
    found = f"objective(params, {rows})" if torch else f"loss_and_gradient(params, {rows})"
    shown = "loss.item()" if torch else "float(loss)"
    if torch and plan.l1:
        shown = "(loss + absolute_penalty(params)).item()"
    lines = [
        "losses = []",
        f"for update in range({plan.updates}):",
        *_batched(plan, order),
        f"    loss{'' if torch else ', gradient'} = {found}",
        f"    losses.append({shown})",
        *_said(plan),
        *(["    loss.backward()"] if torch else []),
        *_clipped(plan),
        *(["    rate = rate_of(update)"] if varies else []),
        *(["    t = update + 1"] if "t" in plan.takes else []),
        *(_torch_step(plan, varies=varies) if torch else _numpy_step(plan, varies=varies)),
        *_kept(
            plan,
            "{name: w.detach().clone() for name, w in params.items()}" if torch else "dict(params)",
        ),
    ]
    if not torch:
        return [*lines, *_at_the_end(plan, f"float(loss_and_gradient(params, {whole})[0])")]
    value = f"objective(params, {whole})" + (" + absolute_penalty(params)" if plan.l1 else "")
    return [*lines, *_at_the_end(plan, f"({value}).item()" if plan.l1 else f"{value}.item()")]


def _numpy_step(plan: Plan, *, varies: bool) -> list[str]:
    to = "params[name], memory[name]" if "memory" in plan.takes else "params[name]"
    lines = _rule_lines(plan, to, "gradient[name]", varies=varies)
    return ["    for name, w in params.items():", *(f"        {line}" for line in lines)]


def _torch_step(plan: Plan, *, varies: bool) -> list[str]:
    to = "moved, memory[name]" if "memory" in plan.takes else "moved"
    lines = _rule_lines(plan, to, "w.grad", varies=varies)
    return [
        "    with torch.no_grad():",
        "        for name, w in params.items():",
        *(f"            {line}" for line in lines),
        "            w.copy_(moved)",
        "            w.grad = None",
    ]


def _clipped(plan: Plan) -> list[str]:
    value, norm = plan.task.optimizer.clip_value, plan.task.optimizer.clip_norm
    lines: list[str] = []
    if plan.library == "torch":
        if value is not None:
            lines += ["    for w in params.values():", f"        w.grad.clamp_(-{value}, {value})"]
        if norm is not None:
            lines += [
                "    length = torch.sqrt(sum((w.grad**2).sum() for w in params.values()))",
                f"    if length > {norm}:",
                "        for w in params.values():",
                f"            w.grad *= {norm} / length",
            ]
        return lines
    if value is not None:
        clip = f"{plan.xp}.clip(g, -{value}, {value})"
        lines.append(f"    gradient = {{name: {clip} for name, g in gradient.items()}}")
    if norm is None:
        return lines
    length = f"{plan.xp}.sqrt(sum({plan.xp}.sum(g**2) for g in gradient.values()))"
    if plan.library == "jax":
        return [
            *lines,
            f"    length = {length}",
            f"    shorter = jnp.where(length > {norm}, {norm} / length, 1.0)",
            "    gradient = {name: g * shorter for name, g in gradient.items()}",
        ]
    return [
        *lines,
        f"    length = {length}",
        f"    if length > {norm}:",
        f"        gradient = {{name: g * ({norm} / length) for name, g in gradient.items()}}",
    ]


# ---------------------------------------------------------------- JAX


def _with_jax(plan: Plan, *, varies: bool) -> list[str]:
    """Return the loop: scanned where all batches of a stretch are alike, else one by one."""
    p = plan.problem
    used = {"batch": not p.full_batch, "rate": varies, "t": "t" in plan.takes}
    given = [name for name in used if used[name]]
    lines = _jax_step(plan, given, varies=varies)
    even = p.n % (p.batch_size or 1) == 0 and plan.updates % p.batches_per_epoch == 0
    if p.full_batch and plan.best is None:
        lines += [*_jax_several(plan, given), *_jax_given(plan, given)]
        lines += _jax_all_at_once(plan, given)
    elif even and not p.full_batch:
        lines += [*_jax_several(plan, given), *_jax_given(plan, given)]
        lines += _jax_by_epochs(plan, given)
    else:
        lines = ["@jax.jit", *lines, "", *_jax_given(plan, given)]
        lines += _jax_one_by_one(plan, given)
    if plan.best is None and "memory" in plan.takes:
        lines.append("params, memory = state")
    whole = ", ".join(plan.rows)
    value = f"objective(params, {whole})" + (" + absolute_penalty(params)" if plan.l1 else "")
    return [*lines, *_at_the_end(plan, f"float({value})")]


def _state(plan: Plan) -> str:
    """Return the name of what an update changes."""
    return "state" if "memory" in plan.takes else "params"


def _jax_step(plan: Plan, given: list[str], *, varies: bool) -> list[str]:
    batch = "" if plan.problem.full_batch else "[batch]"
    rows = ", ".join(f"{name}{batch}" for name in plan.rows)
    taken = given[0] if len(given) == 1 else "given" if given else "_"
    lines = [
        f"def step({_state(plan)}, {taken}):",
        '    """One update: the loss of its batch, the gradient, the rule."""',
        *(["    params, memory = state"] if "memory" in plan.takes else []),
        *([f"    {', '.join(given)} = given"] if len(given) > 1 else []),
        f"    loss, gradient = jax.value_and_grad(objective)(params, {rows})",
        *(["    loss = loss + absolute_penalty(params)"] if plan.l1 else []),
        *_clipped(plan),
    ]
    remembers = "memory" in plan.takes
    to = "moved[name], kept[name]" if remembers else "moved[name]"
    return [
        *lines,
        "    moved, kept = {}, {}" if remembers else "    moved = {}",
        "    for name, w in params.items():",
        *(f"        {line}" for line in _rule_lines(plan, to, "gradient[name]", varies=varies)),
        "    return (moved, kept), loss" if remembers else "    return moved, loss",
    ]


def _jax_several(plan: Plan, given: list[str]) -> list[str]:
    state = _state(plan)
    scan = f"{state}, given" if given else f"{state}, length={plan.updates}"
    return [
        "",
        "@jax.jit",
        f"def several({state}{', given' if given else ''}):",
        '    """Run one update after another, compiled as one loop."""',
        f"    return jax.lax.scan(step, {scan})",
        "",
    ]


def _jax_given(plan: Plan, given: list[str]) -> list[str]:
    lines = ["state = (params, memory)"] if "memory" in plan.takes else []
    if "rate" in given:
        lines.append(f"rates = np.array([rate_of(update) for update in range({plan.updates})])")
    if "t" in given:
        lines.append(f"times = np.arange(1.0, {plan.updates + 1})")
    return lines


def _call(plan: Plan, function: str, items: list[str]) -> str:
    packed = f"({', '.join(items)})" if len(items) > 1 else "".join(items)
    return f"{function}({_state(plan)}{', ' if packed else ''}{packed})"


def _jax_all_at_once(plan: Plan, given: list[str]) -> list[str]:
    last = plan.updates - 1
    arrays = [{"rate": "rates", "t": "times"}[name] for name in given]
    return [
        f"{_state(plan)}, losses = {_call(plan, 'several', arrays)}",
        f"for update in [*range(0, {last}, {_stride(plan.updates)}), {last}]:",
        '    print(f"update {update}: loss {losses[update]:.12g}")',
    ]


def _jax_by_epochs(plan: Plan, given: list[str]) -> list[str]:
    m, size = plan.problem.batches_per_epoch, plan.problem.batch_size
    order = "order(epoch)" if plan.shuffled else f"np.arange({plan.problem.n})"
    arrays = {"batch": "batches", "rate": "rates[now]", "t": "times[now]"}
    part = f"    now = slice(epoch * {m}, (epoch + 1) * {m})"
    state, epochs = _state(plan), plan.updates // m
    lines = [
        "losses = []",
        f"for epoch in range({epochs}):",
        f"    batches = {order}.reshape({m}, {size})",
        *([part] if {"rate", "t"} & set(given) else []),
        f"    {state}, found = {_call(plan, 'several', [arrays[name] for name in given])}",
        "    losses.extend(found.tolist())",
        f"    if epoch % {_stride(epochs)} == 0:",
        f'        print(f"update {{epoch * {m}}}: loss {{losses[epoch * {m}]:.12g}}")',
    ]
    if plan.best is not None:
        lines += [
            f"    if epoch + 1 == {plan.best // m}:  # the best in validation",
            f"        best = {state}[0]" if "memory" in plan.takes else "        best = params",
        ]
    return [*lines, f'print(f"update {plan.updates - 1}: loss {{losses[-1]:.12g}}")']


def _jax_one_by_one(plan: Plan, given: list[str]) -> list[str]:
    arrays = {"batch": "batch", "rate": "rates[update]", "t": "times[update]"}
    state = _state(plan)
    call = f"step({state}, None)" if not given else _call(plan, "step", [arrays[g] for g in given])
    return [
        "losses = []",
        f"for update in range({plan.updates}):",
        *_batched(plan, "order(epoch)"),
        f"    {state}, loss = {call}",
        "    losses.append(float(loss))",
        *_said(plan),
        *_kept(plan, f"{state}[0]" if "memory" in plan.takes else "params"),
    ]
