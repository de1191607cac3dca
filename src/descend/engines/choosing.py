"""Which engine runs a problem, and which way it takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from descend.custom import CustomLoss, CustomModel
from descend.custom.libraries import TITLES, installed
from descend.engines.by_hand import ByHand
from descend.engines.checking import is_custom
from descend.engines.searching import Searching
from descend.errors import InputError, ParameterError
from descend.optimizers import gradient_descent
from descend.parts import choice

if TYPE_CHECKING:
    from descend.engines.problem import Problem, Program
    from descend.task import Task

# The ways of the compiled engine; see `descend.engines.compiled.program`.
WAYS = ("factor", "rows", "blocks", "threads", "products")
ENGINES: dict[str, tuple[str, ...]] = {"numpy": (), "numba": WAYS, "jax": (), "torch": ()}
# Those that run on devices, which take the place of ways: "jax/cpu", "torch/cuda:1".
DEVICED = ("jax", "torch")
DEFAULT = "numba"
_DEVICE = re.compile(r"[a-z]+(:[0-9]+)?")


def is_known(used: str) -> bool:
    """Tell whether `used` could be what `engine_for` returned as a name."""
    name, _, way = used.partition("/")
    if name in DEVICED:
        return _DEVICE.fullmatch(way) is not None
    return name in ENGINES and (not way or way in ENGINES[name])


def engine_for(name: Any, problem: Problem, device: Any = None) -> tuple[str, Program]:
    """Return the name of the engine that was taken, and the engine at work on `problem`.

    Parameters
    ----------
    name
        ``"auto"``: `DEFAULT`, or what a part of one's own is written for; or a name from
        `ENGINES`, whose fastest way is taken; or a name with a way or a device, such as
        ``"numba/blocks"`` or ``"jax/cpu"``, as a run's ``engine_used`` has it.
    problem
        What is to be trained.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"tpu"`` …, for the engines that know
        devices; default what the library prefers.

    Returns
    -------
    tuple
        The name with its way, by which the same machine code is found again; and the program.

    Raises
    ------
    InputError
        If there is no engine or device of that name, it or its way does not suit the problem, or
        the problem does not suit an optimizer that searches.
    """
    if problem.task.optimizer.rule.searches:
        # The engine underneath gives values and gradients; its own rule is never used.
        task = replace(problem.task, optimizer=gradient_descent())
        used, program = engine_for(name, replace(problem, task=task), device)
        return used, Searching(problem, program)
    name, _, way = name.partition("/") if isinstance(name, str) else (name, "", "")
    chosen = choice("train", "engine", name, ("auto", *ENGINES))
    chosen = _automatic(problem.task, device) if chosen == "auto" else chosen
    _suits(problem.task, chosen)
    if chosen in DEVICED:
        return _with_library(chosen, problem, _asked(device, way))
    if device not in {None, "cpu"}:
        msg = (
            f"The engine {chosen} runs on the processor, not on device={device!r}; use the engine "
            'jax or torch, or device="cpu".'
        )
        raise ParameterError(msg)
    if way:
        choice("train", f"engine {chosen}'s way", way, ENGINES[chosen])
    if chosen == "numpy":
        return chosen, ByHand(problem)
    return _compiled(problem, way)


def _compiled(problem: Problem, way: str) -> tuple[str, Program]:
    from descend.engines.compiled import Compiled, ways_for  # noqa: PLC0415 - loads the compiler

    fits = ways_for(problem)
    if way and way not in fits:
        msg = (
            f"The engine {DEFAULT}'s way {way!r} does not suit this problem; "
            f"choose one of {', '.join(fits)}, or leave it out."
        )
        raise ParameterError(msg)
    way = way or fits[0]
    return f"{DEFAULT}/{way}", Compiled(problem, way)


def _with_library(name: str, problem: Problem, asked: str) -> tuple[str, Program]:
    if name == "jax":
        from descend.engines import with_jax  # noqa: PLC0415 - loads JAX

        device = with_jax.device_called(asked)
        return f"{name}/{device}", with_jax.WithJax(problem, device)
    from descend.engines import with_torch  # noqa: PLC0415 - loads PyTorch

    device = with_torch.device_called(asked, problem.X.dtype)
    return f"{name}/{device}", with_torch.WithTorch(problem, device)


def _asked(device: Any, way: str) -> str:
    found = way if device is None else device
    named = device is not None or bool(way)
    if named and not (isinstance(found, str) and _DEVICE.fullmatch(found)):
        msg = (
            "The 'device' parameter of train must be a name such as 'cpu', 'cuda' or 'cuda:1'. "
            f"Got {found!r} instead."
        )
        raise ParameterError(msg)
    return found or ""


# ---------------------------------------------------------------- parts of one's own


def _automatic(task: Task, device: Any) -> str:
    """Return the engine that suits a task: what its own parts are written for, or the default."""
    if not is_custom(task):
        return DEFAULT if device in {None, "cpu"} else _preferred(task)
    model, loss = task.model, task.loss
    needed = {part.library for part in (model, loss) if isinstance(part, CustomModel | CustomLoss)}
    named = sorted(library for library in needed if library is not None)
    if len(named) > 1:
        msg = (
            f"The model {_label(model)!r} is written for {TITLES[_library(model)]} and the loss "
            f"{_label(loss)!r} for {TITLES[_library(loss)]}; write both for one library."
        )
        raise InputError(msg)
    if named:
        return named[0]
    return "numpy" if _by_hand(task) else _preferred(task)


def _label(part: Any) -> str:
    return str(part.label)


def _library(part: Any) -> str:
    return str(part.library)


def _by_hand(task: Task) -> bool:
    """Tell whether every part of one's own comes with its gradient."""
    parts = [p for p in (task.model, task.loss) if isinstance(p, CustomModel | CustomLoss)]
    return all(part.gradient is not None for part in parts)


def _preferred(task: Task) -> str:
    """Return an engine that differentiates, of those that are installed."""
    for library in DEVICED:
        if installed(library):
            return library
    what = "own parts" if is_custom(task) else "device"
    msg = (
        f"This task's {what} need JAX or PyTorch, and neither is installed; run "
        "pip install 'descend[jax]'."
    )
    raise InputError(msg)


def _suits(task: Task, engine: str) -> None:
    """Refuse an engine that cannot run a part of one's own."""
    for kind, part in (("model", task.model), ("loss", task.loss)):
        if not isinstance(part, CustomModel | CustomLoss):
            continue
        fits = (part.library,) if part.library else DEVICED
        if part.gradient is not None:
            fits = (*fits, "numpy")
        if engine not in fits:
            by_hand = engine in {"numpy", DEFAULT} and part.gradient is None
            hint = f'; pass custom_{kind}(…, gradient=…) and engine="numpy"' if by_hand else ""
            msg = (
                f"The engine {engine} cannot run the {kind} {part.label!r}, which is written for "
                f"{' or '.join(TITLES[f] for f in dict.fromkeys(fits))}; leave the engine at "
                f'"auto"{hint}.'
            )
            raise InputError(msg)
