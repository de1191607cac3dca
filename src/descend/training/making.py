"""`train` and `resume`: from a task and rows to a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.curvature import automatic_rate, outputs
from descend.engines import Problem, engine_for
from descend.errors import InputError, ParameterError
from descend.parts import whole
from descend.run import Controller, Data, Keyframes, Run, Series, make_data
from descend.run.keyframes import limit_for
from descend.scaling import measured
from descend.task import Task
from descend.training.asked import epoch_names, float_type, setup_for, whole_seed
from descend.training.callbacks import checked
from descend.training.ending import finished
from descend.training.loop import Loop
from descend.training.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.run import Setup
    from descend.scaling import Scaling

FIGURES = ("loss", "gradient_norm", "update_norm", "learning_rate")


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
    standardize: bool | str = False,
    classes: list[Any] | None = None,
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
        stay sparse.  ``"scale"``: as x / (root mean square), not centred, which suits models
        without a bias.  Default no.  `Run.params` are then in those units, and so is the penalty;
        `Run.raw_params` are in the columns' own, and rows to predict are given as they are.
    classes
        The sorted labels, where some may be absent from these rows; default those that are there.

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
    loop = made_loop(
        task,
        X,
        y,
        epochs=whole("train", "epochs", epochs),
        batch_size=batch_size,
        shuffle=shuffle,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        engine=engine,
        device=device,
        record=record,
        callbacks=callbacks,
        dtype=dtype,
        gradient_tolerance=gradient_tolerance,
        loss_tolerance=loss_tolerance,
        patience=patience,
        on_divergence=on_divergence,
        metrics=metrics,
        progress=progress,
        standardize=standardize,
        classes=classes,
    )
    return finished(loop)


def made_loop(  # noqa: PLR0913 - the arguments of `train`
    task: Task,
    X: Any,
    y: Any,
    *,
    epochs: int,
    engine: str = "auto",
    device: str | None = None,
    validation: Any = None,
    record: str | float | bool = "auto",
    callbacks: Any = (),
    gradient_tolerance: float | None = None,
    loss_tolerance: float | None = None,
    patience: int | None = None,
    on_divergence: str = "stop",
    metrics: Sequence[str] | None = None,
    progress: bool | str = "auto",
    **rows: Any,
) -> Loop:
    """Return a training that has not begun; 0 epochs where their number is left open."""
    data, problem = made_ready(task, X, y, validation=validation, **rows)
    return loop_on(
        data,
        problem,
        epochs=epochs,
        engine=engine,
        device=device,
        validation=validation,
        record=record,
        callbacks=callbacks,
        gradient_tolerance=gradient_tolerance,
        loss_tolerance=loss_tolerance,
        patience=patience,
        on_divergence=on_divergence,
        metrics=metrics,
        progress=progress,
    )


def loop_on(  # noqa: PLR0913 - the arguments of `train` that do not decide the problem
    data: Data,
    problem: Problem,
    *,
    epochs: int,
    engine: str = "auto",
    device: str | None = None,
    validation: Any = None,
    record: str | float | bool = "auto",
    callbacks: Any = (),
    gradient_tolerance: float | None = None,
    loss_tolerance: float | None = None,
    patience: int | None = None,
    on_divergence: str = "stop",
    metrics: Sequence[str] | None = None,
    progress: bool | str = "auto",
) -> Loop:
    """Return a training that has not begun, on what `made_ready` returned."""
    setup = setup_for(
        data,
        problem,
        epochs=epochs,
        validation=validation,
        gradient_tolerance=gradient_tolerance,
        loss_tolerance=loss_tolerance,
        patience=patience,
        on_divergence=on_divergence,
        metrics=metrics,
        record=record,
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
        engine=name,
        data=data,
        state=state,
        controller=Controller(),
        updates=Series(FIGURES, setup.history_rows()),
        epochs=Series(epoch_names(setup, data), setup.history_rows()),
        keyframes=Keyframes(frames, setup.updates),
        events=[],
        callbacks=checked(callbacks) if callbacks else (),
        bar=Bar(progress, setup.updates),
    )
    loop.keyframes.add(state)
    return loop


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
    standardize: bool | str = False,
    classes: list[Any] | None = None,
    scaling: Scaling | None = None,
) -> tuple[Data, Problem]:
    """Return the rows and the problem that `train` would train on, its rate resolved.

    A `scaling` that is known already, from other rows, is taken as it is.
    """
    if not isinstance(task, Task):
        msg = f"train needs a Task(model, loss, optimizer). Got {task!r} instead."
        raise InputError(msg)
    seed = whole_seed(seed)
    data = make_data(
        task.loss,
        X,
        y,
        validation=validation,
        sample_weight=sample_weight,
        seed=seed,
        dtype=float_type(dtype),
        classes=classes,
    )
    if is_sparse(data.X) and not task.model.linear:
        msg = (
            "Sparse rows are for linear models, and this one is not; use Linear(), or "
            "pass X.toarray() if there is room for it."
        )
        raise InputError(msg)
    if scaling is None and _standardizes(standardize):
        scaling = measured(data.X, data.weights, centre=standardize != "scale")
    if scaling is not None:
        data = replace(data, scaling=scaling)
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


def _standardizes(asked: Any) -> bool:
    if isinstance(asked, bool | np.bool_) or (isinstance(asked, str) and asked == "scale"):
        return bool(asked)
    msg = (
        "The 'standardize' parameter of train must be True, False or 'scale'. "
        f"Got {asked!r} instead."
    )
    raise ParameterError(msg)


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
    run = run.in_force()
    check_keyframes(run)
    epochs = run.setup.epochs if epochs is None else whole("resume", "epochs", epochs)
    setup = run.setup.with_epochs(epochs)
    _check_resumable(run, setup)
    loop = taken_up(run, setup, callbacks, progress)
    return replace(
        finished(loop), encoder=run.encoder, source=run.source, names=run.names, classes=run.classes
    )


def check_keyframes(run: Run) -> None:
    """Refuse a model file, which cannot go on."""
    if run.keyframes is None:
        msg = "A model without keyframes cannot be resumed; take the run file it came from."
        raise InputError(msg)


def _check_resumable(run: Run, setup: Setup) -> None:
    ended = run.outcome.reason
    if ended == "exact":
        msg = (
            "There is nothing to resume: this run was solved outright, by solve and not by "
            "descent; train the task to see it descend."
        )
        raise InputError(msg)
    if run.state.step >= setup.updates:
        msg = (
            f"This run has done all of its {run.setup.epochs} epochs ({run.state.step} updates); "
            "ask for more with epochs (--epochs)."
        )
        raise InputError(msg)
    if ended in {"gradient", "settled", "stalled", "validation"} or (
        ended == "diverged" and run.setup.on_divergence == "stop"
    ):
        msg = (
            f"There is nothing to resume: the run ended by its own rule. {run.outcome.sentence} "
            "Train again with another rule to go further."
        )
        raise InputError(msg)


def taken_up(run: Run, setup: Setup, callbacks: Any, progress: Any) -> Loop:
    """Return the training of a run, where it stopped; the run itself is left as it is."""
    problem, program, data, keyframes = run.problem, run.program, run.data, run.keyframes
    if data is None or keyframes is None:  # it has been said in their own words already
        raise AssertionError
    keyframes = keyframes.copy()
    keyframes.plan(setup.updates)
    loop = Loop(
        setup=setup,
        problem=problem,
        program=program,
        engine=run.engine_used,
        data=data,
        state=run.state,
        controller=run.controller.copy(),
        updates=run.history.updates.copy(),
        epochs=run.history.epochs.copy(),
        keyframes=keyframes,
        events=list(run.events),
        callbacks=checked(callbacks) if callbacks else (),
        bar=Bar(progress, setup.updates),
    )
    if len(run.history.updates):
        loop.last_loss = float(run.history.updates.column("loss")[-1])
    return loop
