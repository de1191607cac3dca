"""A run as a script: the same training in plain NumPy, JAX or PyTorch.

`write_script` writes ``train_numpy.py`` (or ``_jax``, ``_torch``) and beside it, in an ``.npz``,
the rows as the model met them.  The script needs that library and NumPy, nothing of descend; it
begins at the same start, takes the same batches in the same order, and prints the same losses.
It holds what this run used and nothing else: it is put together from fragments of text, one for
each part of the task.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from descend.arrays import is_sparse
from descend.errors import InputError
from descend.export.script_formulas import ACTIVATION_LINES, LOSS_LINES
from descend.export.script_model import model_text, rows_text, start_text
from descend.export.script_plan import Plan, plan_of
from descend.export.script_rules import RULE_LINES, order_text, rate_text, update_text
from descend.export.script_training import training_text
from descend.files import write_bytes
from descend.models import layered
from descend.parts import choice
from descend.randomness import PURPOSES, ROUNDS_LARGE, ROUNDS_SMALL, SMALL
from descend.run.telling import sentence_of

if TYPE_CHECKING:
    import os

    from descend.run import Run

Library = Literal["numpy", "jax", "torch"]
LIBRARIES = ("numpy", "jax", "torch")
_TITLES = {"numpy": "NumPy", "jax": "JAX", "torch": "PyTorch"}


def write_script(
    run: Run,
    library: Library = "numpy",
    folder: str | os.PathLike[str] = ".",
    *,
    overwrite: bool = True,
) -> tuple[Path, Path]:
    """Write a runnable script that repeats exactly this training, and its rows beside it.

    Parameters
    ----------
    run
        With its rows attached.
    library
        ``"numpy"`` (default; the derivatives written out), ``"jax"`` or ``"torch"``.
    folder
        Where to, made if it is not there; default here.
    overwrite
        Whether files that are already there may be replaced; default yes.

    Returns
    -------
    tuple
        The paths of the script, ``train_<library>.py``, and of the rows, ``train_<library>.npz``.

    Raises
    ------
    InputError
        If the run has no rows attached, or did something that a short script cannot repeat.

    Examples
    --------
    >>> import tempfile
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=30)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     script, rows = write_script(run, "numpy", folder)
    ...     script.name, rows.name
    ('train_numpy.py', 'train_numpy.npz')
    """
    choice("write_script", "library", library, LIBRARIES)
    _check(run)
    plan = plan_of(run, library)
    into = Path(folder)
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"The folder {into} cannot be made ({error.strerror or error}); name another one."
        raise InputError(msg) from error
    script, rows = into / f"train_{library}.py", into / f"train_{library}.npz"
    if not overwrite and script.exists():
        msg = f"{script} exists already; name another folder, or say --overwrite."
        raise InputError(msg)
    write_bytes(rows, _npz(plan.arrays()), overwrite=overwrite)
    write_bytes(script, script_text(plan), overwrite=overwrite)
    return script, rows


def _npz(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _check(run: Run) -> None:
    """Refuse, with the reason, what a short script cannot repeat."""
    task, rule = run.task, run.task.optimizer.rule
    if rule.name not in RULE_LINES:
        msg = (
            f"A script cannot repeat {rule.name} in a few readable lines: it searches for the "
            f"length of each step. Train with one of {', '.join(RULE_LINES)}, or export the model."
        )
        raise InputError(msg)
    parts = (
        ("loss", task.loss, LOSS_LINES),
        ("activation", layered(task.model).activation, ACTIVATION_LINES),
    )
    for kind, part, known in parts:
        if part.name not in known["numpy"]:
            msg = (
                f"A script has no lines for the {kind} {part.name}, only for "
                f"{', '.join(known['numpy'])}; export the model itself instead."
            )
            raise InputError(msg)
    _check_changes(run)
    if run.state.step == 0:
        msg = "This run did no update, so there is nothing to repeat; train it first."
        raise InputError(msg)
    if run.data is None:
        msg = (
            "A script repeats the training on its rows, and this run holds none; give them back "
            "with run.attach(X, y) (or --data)."
        )
        raise InputError(msg)
    if is_sparse(run.data.X):
        msg = (
            "A script takes dense rows, and this run was trained on sparse ones; train on "
            "X.toarray() if there is room for it."
        )
        raise InputError(msg)


def _check_changes(run: Run) -> None:
    """Refuse what was changed by hand, but for a learning rate that nothing else lowers."""
    schedule = run.task.optimizer.schedule
    alone = schedule is None or schedule.name == "constant"
    for event in run.events:
        rate_only = event["kind"] == "change" and {*event["was"]} == {"learning_rate"}
        if event["kind"] == "edit" or (event["kind"] == "change" and not (rate_only and alone)):
            msg = (
                f"A script cannot repeat what was changed along the way (after update "
                f"{event['step']}: {sentence_of(event, run.layout)}); export the model itself."
            )
            raise InputError(msg)


# ---------------------------------------------------------------- the text


def script_text(plan: Plan) -> str:
    """Return the whole script."""
    p, optimizer = plan.problem, plan.task.optimizer
    rate, varies = rate_text(p.learning_rate, optimizer.schedule, plan.events)
    pieces = [
        rows_text(plan) + start_text(plan),
        model_text(plan),
        update_text(optimizer.rule, plan.l1, plan.xp),
        rate,
    ]
    if plan.shuffled:
        rounds = ROUNDS_SMALL if p.n <= SMALL else ROUNDS_LARGE
        pieces.append(order_text(p.n, p.seed, PURPOSES["batches"], rounds))
    pieces.append(training_text(plan, varies=varies))
    body = "\n".join(pieces)
    return _spaced(f"{_head(plan)}\n{_imports(plan, body)}\n{body}")


def _head(plan: Plan) -> str:
    p, library = plan.problem, plan.library
    each = "all rows each time" if p.full_batch else f"{p.batch_size} rows at a time"
    first, last = plan.recorded
    recorded = f"{last:.12g} at the end"
    if first is not None:
        recorded = f"{first:.12g} before the first update, {recorded}"
    return (
        f'"""Repeat a training that descend recorded, with {_TITLES[library]} alone.\n\n'
        f"    {plan.task}\n\n"
        f"The same rows, the same start and the same {plan.updates} updates, {each}.\n"
        "It prints the objective over an update's rows before that update; the record says\n"
        f"{recorded}.\n\n"
        f'Run it beside train_{library}.npz:  python train_{library}.py\n"""\n'
    )


def _imports(plan: Plan, body: str) -> str:
    own = ["import math"] if "math." in body else []
    theirs = ["import numpy as np"]
    if plan.library == "jax":
        theirs = ["import jax", "import jax.numpy as jnp", *theirs]
    if plan.library == "torch":
        functional = ["import torch.nn.functional as F"] if "F." in body else []
        theirs += ["import torch", *functional]
    lines = [*own, "from pathlib import Path", "", *theirs, ""]
    if plan.library == "jax" and plan.dtype == "float64":
        lines += [
            'jax.config.update("jax_enable_x64", True)  # the run was in double precision',
            "",
        ]
    return "\n".join(lines)


def _spaced(text: str) -> str:
    """Return the text with two empty lines around functions, and one at most elsewhere."""
    found: list[str] = []
    inside, empty = False, 0
    for line in text.splitlines():
        if not line.strip():
            empty = 1
            continue
        top = not line.startswith((" ", ")", "}"))
        begins = line.startswith(("def ", "@"))
        if top and (begins or inside):
            empty = 0 if found[-1].startswith("@") else 2
        found += [""] * empty + [line]
        inside, empty = (begins if top else inside), 0
    return "\n".join(found) + "\n"
