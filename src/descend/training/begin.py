"""`train` and `resume`: from a task and rows to a run."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.curvature import automatic_rate, outputs
from descend.engines import Problem, engine_for
from descend.errors import InputError, Outcome, ParameterError, Reason, did_you_mean
from descend.parts import choice, number, whole
from descend.run import Controller, Data, History, Keyframes, Run, Series, Setup, make_data
from descend.run.files import versions
from descend.run.keyframes import limit_for
from descend.run.setup import BUDGET
from descend.scaling import measured
from descend.task import Task
from descend.training import stopping
from descend.training.callbacks import checked, listeners
from descend.training.loop import Loop
from descend.training.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Floats

FIGURES = ("loss", "gradient_norm", "update_norm", "learning_rate")
METRICS = {"numbers": ("rmse", "mae", "mse", "r2"), "labels": ("accuracy",)}
_LARGEST_SEED = 2**64


def train(  # noqa: PLR0913 - each is a question a user may want to answer
    task: Task,
    X: Any,
    y: Any,
    *,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    engine: str = "auto",
    device: str | None = None,
    record: str | float | bool = "auto",
    callbacks: Any = (),
    dtype: Any = None,
    gradient_tolerance: float | None = None,
    loss_tolerance: float | None = None,
    patience: int | None = None,
    on_divergence: str = "stop",
    metrics: Sequence[str] | None = None,
    progress: bool | str = "auto",
    standardize: bool = False,
) -> Run:
    """Train a task on rows and return the recorded run.

    Parameters
    ----------
    task
        Model, loss and optimizer.
    X
        (n, d) or (n,) numbers: arrays, lists, tables of pandas, polars or Arrow; for linear
        models also sparse matrices of SciPy, which are never made dense.
    y
        (n,) or (n, k): what the loss takes; labels may be text.
    epochs
        Passes over the rows, at least 1; default 100.
    batch_size
        Rows to an update; None (default) is the full batch, and one epoch then is one update.
    shuffle
        Whether each epoch has its own order, drawn from (seed, epoch); default yes.
    validation
        None (default); a fraction in (0, 1) of the rows to hold out; or rows (X, y).
    sample_weight
        (n,) of 0 or more; default all alike.
    seed
        Of the start, the split and the order: 0 to 2⁶⁴ - 1; default 0.
    engine
        ``"auto"`` (default): compiled, or what a part of your own is written for; or
        ``"numpy"``, ``"numba"``, ``"jax"``, ``"torch"``.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"tpu"`` …, for the engines jax and torch;
        default: what JAX prefers, and the processor for PyTorch.
    record
        ``"auto"``: up to 64 MiB; a number of MiB; or False to keep only the end.
    callbacks
        `Callback` values; they may read, and stop the run by returning True.
    dtype
        ``"float32"`` or ``"float64"``; default keeps float32 and turns all else into float64.
    gradient_tolerance
        Stop when the whole gradient is at most this times its first length; default never.
    loss_tolerance
        Stop when ten epochs in a row lower the loss by less than this share of it; default never.
    patience
        Stop after this many epochs without a lower validation loss, and restore the best
        parameters; default never.
    on_divergence
        ``"stop"`` (default) or ``"continue"`` to the end all the same.
    metrics
        What to measure on the validation rows each epoch; default accuracy for labels and rmse
        for numbers.
    progress
        Whether to show a bar on long runs; ``"auto"`` (default): at a terminal.
    standardize
        Whether the model meets each column as (x - mean) / deviation, by the (weighted) mean and
        deviation of the training rows; a column that does not vary is only centred.  Sparse rows
        stay sparse.  Default no.  `Run.params` are then in those units, and so is the penalty;
        `Run.raw_params` are in the columns' own, and rows to predict are given as they are.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If something cannot be used; the sentence says what was found, where, and what to do.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=500)
    >>> run.theta.round(3)
    array([2., 1.])

    Sparse rows, of columns in very different units:

    >>> from scipy.sparse import csr_array
    >>> X = csr_array([[0.0, 900.0], [1.0, 0.0], [0.0, 0.0], [2.0, 600.0]])
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
    >>> run = ds.train(task, X, [10.0, 2.0, 1.0, 9.0], epochs=500, standardize=True)
    >>> run.predict(X).round(3)
    array([10.,  2.,  1.,  9.])
    """
    data, problem = made_ready(
        task,
        X,
        y,
        batch_size=batch_size,
        shuffle=shuffle,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        dtype=dtype,
        standardize=standardize,
    )
    setup = Setup(
        n=problem.n,
        d=problem.X.shape[1],
        k=outputs(task, data.y, data.classes),
        epochs=whole("train", "epochs", epochs),
        batch_size=problem.batch_size,
        shuffle=problem.shuffle,
        seed=problem.seed,
        validation=_held_out(validation),
        dtype=data.X.dtype.name,
        learning_rate=problem.learning_rate,
        on_divergence=choice("train", "on_divergence", on_divergence, ("stop", "continue")),
        gradient_tolerance=_tolerance("gradient_tolerance", gradient_tolerance),
        loss_tolerance=_tolerance("loss_tolerance", loss_tolerance),
        patience=_patience(patience, data),
        metrics=_metrics(task, metrics, data),
        record=_record(record),
        weighted=data.weights is not None,
    )
    name, program = engine_for(engine, problem, device)
    state = problem.start()
    frames = limit_for(
        setup.record // 2, problem.layout.size, len(state.slots), state.theta.itemsize
    )
    loop = Loop(
        setup=setup,
        problem=problem,
        program=program,
        data=data,
        state=state,
        controller=Controller(),
        updates=Series(FIGURES, setup.history_rows()),
        epochs=Series(_epoch_names(setup, data), setup.history_rows()),
        keyframes=Keyframes(frames, setup.updates),
        events=[],
        callbacks=checked(callbacks) if callbacks else (),
        bar=Bar(progress, setup.updates),
    )
    loop.keyframes.add(state)
    return _finished(loop, name)


def made_ready(  # noqa: PLR0913 - the arguments of `train` that decide the problem
    task: Task,
    X: Any,
    y: Any,
    *,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    dtype: Any = None,
    standardize: bool = False,
) -> tuple[Data, Problem]:
    """Return the rows and the problem that `train` would train on, its rate resolved."""
    if not isinstance(task, Task):
        msg = f"train needs a Task(model, loss, optimizer). Got {task!r} instead."
        raise InputError(msg)
    seed = _seed(seed)
    data = make_data(
        task.loss,
        X,
        y,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        dtype=_dtype(dtype),
    )
    if is_sparse(data.X) and not task.model.linear:
        msg = (
            "Sparse rows are for linear models, and this one is not; use Linear(), or "
            "pass X.toarray() if there is room for it."
        )
        raise InputError(msg)
    if standardize:
        data = replace(data, scaling=measured(data.X, data.weights))
    X, scaling = data.seen
    problem = Problem(
        task,
        task.model.layout(X.shape[1], outputs(task, data.y, data.classes)),
        X,
        data.y,
        data.weights,
        None if batch_size is None else whole("train", "batch_size", batch_size),
        bool(shuffle),
        seed,
        1.0,
        scaling,
    )
    rate = task.optimizer.learning_rate
    rate = automatic_rate(problem) if isinstance(rate, str) else rate
    return data, replace(problem, learning_rate=rate)


def resume(
    run: Run,
    *,
    epochs: int | None = None,
    callbacks: Any = (),
    progress: bool | str = "auto",
) -> Run:
    """Return the run, trained on from where it stopped, as if it had never stopped.

    Parameters
    ----------
    run
        With its rows attached (`Run.attach` after loading).
    epochs
        Passes in all, those already done included; default as first asked.
    callbacks, progress
        As for `train`.

    Returns
    -------
    Run
        Equal, bit for bit, to one trained that long in one go.

    Raises
    ------
    InputError
        If there are no rows, nothing is left to do, or the file held no keyframes.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.adam(0.1))
    >>> half = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=50)
    >>> whole = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=100)
    >>> bool((half.resume(epochs=100).theta == whole.theta).all())
    True
    """
    if run.keyframes is None:
        msg = "A model without keyframes cannot be resumed; take the run file it came from."
        raise InputError(msg)
    epochs = run.setup.epochs if epochs is None else whole("resume", "epochs", epochs)
    setup = run.setup.with_epochs(epochs)
    if run.state.step >= setup.updates:
        msg = (
            f"This run has done all of its {run.setup.epochs} epochs ({run.state.step} updates); "
            "ask for more with epochs (--epochs)."
        )
        raise InputError(msg)
    ended = run.outcome.reason
    if ended in {"gradient", "settled", "stalled", "validation"} or (
        ended == "diverged" and run.setup.on_divergence == "stop"
    ):
        msg = (
            f"There is nothing to resume: the run ended by its own rule. {run.outcome.sentence} "
            "Train again with another rule to go further."
        )
        raise InputError(msg)
    problem, program = run.problem, run.program
    data = run.data
    if data is None:  # run.problem has said so in its own words already
        raise AssertionError
    controller = run.controller.copy()
    keyframes = run.keyframes.copy()
    keyframes.plan(setup.updates)
    loop = Loop(
        setup=setup,
        problem=problem,
        program=program,
        data=data,
        state=run.state,
        controller=controller,
        updates=run.history.updates.copy(),
        epochs=run.history.epochs.copy(),
        keyframes=keyframes,
        events=list(run.events),
        callbacks=checked(callbacks) if callbacks else (),
        bar=Bar(progress, setup.updates),
    )
    if len(run.history.updates):
        loop.last_loss = float(run.history.updates.column("loss")[-1])
    again = _finished(loop, run.engine_used)
    return replace(
        again, encoder=run.encoder, source=run.source, names=run.names, classes=run.classes
    )


# ---------------------------------------------------------------- what was asked


def _seed(seed: Any) -> int:
    found = whole("train", "seed", seed, low=0)
    if found >= _LARGEST_SEED:
        msg = f"The 'seed' parameter of train must be below 2**64. Got {seed!r} instead."
        raise ParameterError(msg)
    return found


def _dtype(dtype: Any) -> Any:
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.dtype("float32"), np.dtype("float64")):
        msg = f"The 'dtype' parameter of train must be float32 or float64. Got {dtype!r} instead."
        raise ParameterError(msg)
    return found


def _held_out(validation: Any) -> float | str | None:
    if validation is None:
        return None
    return "given" if isinstance(validation, tuple | list) else float(validation)


def _tolerance(name: str, value: float | None) -> float | None:
    return None if value is None else number("train", name, value, low=0, closed="low")


def _patience(patience: int | None, data: Data) -> int | None:
    if patience is None:
        return None
    if data.validation is None:
        msg = "patience needs validation rows to watch; pass validation=0.2, or rows (X, y)."
        raise InputError(msg)
    return whole("train", "patience", patience)


def _metrics(task: Task, metrics: Sequence[str] | None, data: Data) -> tuple[str, ...]:
    if data.validation is None:
        return ()
    kind = "numbers" if task.loss.targets in {"numbers", "counts"} else "labels"
    if metrics is None:
        return METRICS[kind][:1]
    for name in metrics:
        if name not in METRICS[kind]:
            msg = (
                f"The 'metrics' parameter of train must name some of {', '.join(METRICS[kind])}. "
                f"Got {name!r} instead{did_you_mean(str(name), METRICS[kind])}."
            )
            raise ParameterError(msg)
    return tuple(metrics)


def _record(record: Any) -> int:
    if record is False or record is None:
        return 0
    if record is True or record == "auto":
        return BUDGET
    if isinstance(record, str):
        msg = (
            "The 'record' parameter of train must be 'auto', a number of MiB, or False. "
            f"Got {record!r} instead."
        )
        raise ParameterError(msg)
    return int(number("train", "record", record, low=0) * 2**20)


def _epoch_names(setup: Setup, data: Data) -> tuple[str, ...]:
    if data.validation is None:
        return () if setup.full_batch else ("epoch_loss",)
    measured = tuple(f"validation_{name}" for name in setup.metrics)
    return ("epoch_loss", "validation_loss", *measured)


# ---------------------------------------------------------------- how it ended


def _finished(loop: Loop, engine: str) -> Run:
    loop.so_far = partial(_so_far, loop, engine)
    reason = loop.run()
    controller, setup = loop.controller, loop.setup
    restored = reason == "validation" or (setup.patience is not None and reason == "epochs")
    restored = restored and controller.best_theta is not None
    theta = loop.state.theta
    best_step = None
    if restored and controller.best_theta is not None:
        theta, best_step = controller.best_theta, controller.best_step
    loss = loop.program.value(theta)
    reason = _judged_at_the_end(loop, reason, loss)
    outcome = Outcome(
        reason,
        _sentence(loop, reason, loss, best_step),
        loop.state.step,
        loss,
        best_step,
        controller.diverged_at,
    )
    run = _recorded(loop, engine, theta, outcome)
    for callback in listeners(loop.callbacks, "end"):
        callback(run)
    return run


def _recorded(loop: Loop, engine: str, theta: Floats, outcome: Outcome) -> Run:
    return Run(
        task=loop.problem.task,
        setup=loop.setup,
        layout=loop.problem.layout,
        theta=theta,
        outcome=outcome,
        history=History(loop.updates, loop.epochs),
        keyframes=loop.keyframes,
        events=tuple(loop.events),
        state=loop.state,
        controller=loop.controller,
        classes=loop.data.classes,
        names=loop.data.names,
        engine_used=engine,
        versions=versions(engine),
        scaling=loop.data.scaling,
        data=loop.data,
    )


def _so_far(loop: Loop, engine: str) -> Run:
    """Return the run as it stands, a record that the training under way no longer changes."""
    step, loss = loop.state.step, loop.program.value(loop.state.theta)
    sentence = f"Under way: {step} of {loop.setup.updates} updates; loss {loss:.6g}."
    outcome = Outcome("callback", sentence, step, loss, None, loop.controller.diverged_at)
    now = _recorded(loop, engine, loop.state.theta, outcome)
    return replace(
        now,
        history=History(loop.updates.copy(), loop.epochs.copy()),
        keyframes=loop.keyframes.copy(),
        controller=loop.controller.copy(),
    )


def _judged_at_the_end(loop: Loop, reason: Reason, loss: float) -> Reason:
    """Judge the last update too, whose loss no later update has looked at."""
    controller = loop.controller
    if controller.diverged_at is None:
        worth_a_look = controller.suspicion is not None and not loss <= controller.suspicion
        if worth_a_look and stopping.has_diverged(
            controller.copy(), loop.problem, loop.program, loop.state.theta, loss
        ):
            controller.diverged_at = loop.state.step
            return "diverged"
        return reason
    return "diverged" if reason != "interrupted" else reason


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"all {count} epochs"


def _sentence(loop: Loop, reason: Reason, loss: float, best_step: int | None) -> str:
    s, c, step = loop.setup, loop.controller, loop.state.step
    updates = f"{step} update{'' if step == 1 else 's'}"
    if reason == "diverged":
        why = (
            "the loss is no longer a number"
            if not math.isfinite(loss)
            else f"the loss is {loss:.4g}"
        )
        went_on = "" if step == c.diverged_at else f", and was told to go on to update {step}"
        if loop.problem.task.optimizer.rule.searches:  # it never goes up: it began there
            return (
                f"Diverged at update {c.diverged_at}{went_on}: {why}, and a search needs a number "
                "to start from; scale the features, or give another start (init)."
            )
        return (
            f"Diverged at update {c.diverged_at}{went_on}: {why}, far above what the best "
            f"constant or the start would score; the learning rate {s.learning_rate:.4g} is too "
            "large for these rows (scale the features, or lower it)."
        )
    ends = {
        "epochs": f"Stopped after {_epochs(s.epochs)} ({updates}); loss {loss:.6g}.",
        "gradient": (
            f"Converged after {updates}: the gradient is at most {s.gradient_tolerance} of its "
            f"first length; loss {loss:.6g}."
        ),
        "settled": (
            f"Settled after {updates}: ten epochs lowered the loss by less than "
            f"{s.loss_tolerance} of it; loss {loss:.6g}."
        ),
        "stalled": (
            f"Went as low as {s.dtype} can tell after {updates}: no step lowers the loss any more; "
            f"{_gradient_left(loop) if reason == 'stalled' else ''}; loss {loss:.6g}."
        ),
        "interrupted": f"Interrupted after {updates}; loss {loss:.6g}. It can be resumed.",
        "callback": f"Stopped by a callback after {updates}; loss {loss:.6g}.",
        "validation": (
            f"Stopped after {updates}: {s.patience} epochs brought no lower validation loss; "
            f"the parameters of update {best_step} were restored (loss {loss:.6g})."
        ),
    }
    sentence = ends[reason]
    if reason == "epochs" and best_step is not None and best_step != step:
        sentence = sentence[:-1] + f", restored from update {best_step}, the best in validation."
    return sentence


def _gradient_left(loop: Loop) -> str:
    """Say how long the gradient is; beside its first length, if that was recorded."""
    here = float(np.linalg.norm(loop.program.value_and_gradient(loop.state.theta)[1]))
    first = loop.updates.column("gradient_norm")[:1]
    share = f", {here / first[0]:.2g} of its first length" if first.size and first[0] > 0 else ""
    return f"the gradient is {here:.2g} long{share}"
