"""`carry`: a training that goes on with other rows, from exactly where another one stopped."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import State, in_order_of
from descend.engines import engine_for
from descend.errors import InputError
from descend.optimizers import initial_slots
from descend.parts import whole
from descend.run import Controller, Keyframes, Run, Series
from descend.training.asked import epoch_names, setup_for
from descend.training.callbacks import checked
from descend.training.ending import finished
from descend.training.loop import Loop
from descend.training.making import FIGURES, made_ready
from descend.training.progress import Bar

if TYPE_CHECKING:
    from descend.arrays import Layout
    from descend.task import Task


def carry(  # noqa: PLR0913 - the arguments of `train` that can be other ones
    run: Run,
    X: Any,
    y: Any,
    *,
    epochs: int = 1,
    task: Task | None = None,
    batch_size: int | None = None,
    sample_weight: Any = None,
    validation: Any = None,
    engine: str = "auto",
    device: str | None = None,
    callbacks: Any = (),
    gradient_tolerance: float | None = None,
    loss_tolerance: float | None = None,
    patience: int | None = None,
    metrics: Any = None,
    progress: bool | str = "auto",
) -> Run:
    """Return a run that goes on from where another stopped, on other rows.

    It takes over the parameters, the optimizer's memory, the number of updates done, the labels,
    the columns' scaling and the learning rate (or the automatic rate of the new rows, where that
    is smaller).  It does not record its way: the rows behind it are not there any more.

    Parameters
    ----------
    run
        Where to go on.
    X, y, sample_weight
        The new rows, with the columns and labels of the old ones.
    epochs
        Passes over them, at least 1; default 1.
    task
        What to train from now on, with a model of the same shape; default as before.  Where the
        optimizer is another one, its memory begins anew.
    batch_size, validation, engine, device, callbacks, metrics, progress
        As for `train`.
    gradient_tolerance, loss_tolerance, patience
        As for `train`.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If the new rows have other columns or labels, or the model another shape.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.momentum(0.05))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=1)
    >>> for _ in range(400):
    ...     run = carry(run, [[2.0], [3.0]], [5.0, 7.0])
    >>> run.state.step, run.predict([[4.0]]).round(2)
    (401, array([9.]))
    """
    kept = run.in_force()
    task = kept.task if task is None else task
    data, problem = made_ready(
        task,
        in_order_of(run.names, X, "X"),
        y,
        batch_size=batch_size,
        shuffle=run.setup.shuffle,
        validation=validation,
        sample_weight=sample_weight,
        seed=run.setup.seed,
        dtype=np.dtype(run.setup.dtype),
        classes=run.classes,
        scaling=run.scaling,
    )
    _check_shape(run.layout, problem.layout)
    if isinstance(task.optimizer.learning_rate, str) and task == kept.task:
        rate = min(problem.learning_rate, kept.setup.learning_rate)
        problem = replace(problem, learning_rate=rate)
    begun = math.ceil(run.state.step / problem.batches_per_epoch)
    setup = setup_for(
        data,
        problem,
        epochs=begun + whole("carry", "epochs", epochs),
        validation=validation,
        gradient_tolerance=gradient_tolerance,
        loss_tolerance=loss_tolerance,
        patience=patience,
        on_divergence=run.setup.on_divergence,
        metrics=metrics,
        record=False,
    )
    same = task.optimizer.rule == kept.task.optimizer.rule
    slots = run.state.slots
    if not same:
        slots = initial_slots(task.optimizer.rule, problem.layout.size, problem.X.dtype)
    name, program = engine_for(engine, problem, device)
    loop = Loop(
        setup=setup,
        problem=problem,
        program=program,
        engine=name,
        data=replace(data, names=run.names),
        state=State(run.state.theta, slots, begun * problem.batches_per_epoch),
        controller=Controller(scale=run.controller.scale),
        updates=Series(FIGURES, setup.history_rows()),
        epochs=Series(epoch_names(setup, data), setup.history_rows()),
        keyframes=Keyframes(2, setup.updates),
        events=[],
        callbacks=checked(callbacks) if callbacks else (),
        bar=Bar(progress, setup.updates),
    )
    return finished(loop)


def _check_shape(before: Layout, now: Layout) -> None:
    if before.entries != now.entries:
        shown = ", ".join(f"{name} {shape}" for name, shape in before.entries)
        found = ", ".join(f"{name} {shape}" for name, shape in now.entries)
        msg = (
            f"Training goes on with the same parameters, {shown}; these rows and this model have "
            f"{found}. Train anew for another shape."
        )
        raise InputError(msg)
