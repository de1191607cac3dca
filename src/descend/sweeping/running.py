"""Sweeping: train every cell of a plan that is not there yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.run import load
from descend.scaling import standardize_of
from descend.sweeping import folder as folders
from descend.sweeping.course import course_of
from descend.sweeping.judging import Trained, judged
from descend.sweeping.plan import planned
from descend.task import describe
from descend.training import train
from descend.training.progress import Bar

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from descend.run import Run
    from descend.sweeping.plan import Plan
    from descend.sweeping.result import Sweep
    from descend.task import Task

# MiB that the record of a cell may take.
RECORD = 1


def sweep(  # noqa: PLR0913 - the arguments of `train`, and the two axes
    task: Task,
    X: Any,
    y: Any,
    *,
    across: str = "batch_size",
    values: Sequence[float] | None = None,
    learning_rates: Sequence[float] | int | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    engine: str = "auto",
    device: str | None = None,
    dtype: Any = None,
    standardize: bool | str = False,
    folder: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | str = "auto",
) -> Sweep:
    """Train a map of runs: learning rate by batch size, momentum or scale of the start.

    Each cell is a run that `train` did, and how it went is said in a word.  With g the objective at
    the start (the lowest on the map) less the least objective known:

    - *diverged*: `train` found it so; or it ended above its start, and rising;
    - *converged*: it ended within 0.01 g of the least;
    - *oscillating*: neither, and the objective goes up and down (over the second half of the run it
      rose by more than half of what it fell), or the last two updates point against one another;
    - *slow*: the rest.

    The least objective is the optimum for a linear model under a smooth convex objective, else the
    lowest end of a run on the map.  Over the cells lies the boundary of theory, the largest
    stable step of each row: 2/L for plain descent on all rows, with L the largest curvature,
    2(1 + beta)/L with momentum, 2(1 + beta)/((1 + 2 beta) L) in Nesterov's form; twice the rate
    that ``"auto"`` stands for on batches; for nets with L at the start.

    Parameters
    ----------
    task
        Model, loss and optimizer; the optimizer's learning rate is replaced in every cell.
    X, y
        As for `train`: (n, d) and (n,) or (n, k).
    across
        The other axis: ``"batch_size"`` (default); ``"init_scale"``: the model's drawn start times
        a factor; ``"momentum"``: beta of `momentum`, or of `nesterov` if that is the optimizer.
    values
        Of that axis, one for each row of the map: batch sizes of 1 and more (n or more for all
        rows), factors of 0 and more, or betas in [0, 1).  Default: 1, 4, 16, 64 … and n; 0.1, 0.3,
        1, 3, 10; 0, 0.5, 0.8, 0.9, 0.95, 0.99.
    learning_rates
        Positive numbers, one for each column; or how many; default about nine, evenly spaced in
        their logarithms on either side of the boundary.
    epochs
        Passes over the rows of each cell, at least 1; default 100.
    batch_size
        Of all cells, where it is not the axis; default the full batch.
    shuffle, validation, sample_weight, seed, engine, device, dtype, standardize
        As for `train`.
    folder
        Where to keep a run file for each cell, the map drawn and the map as data; default nowhere,
        and the runs stay in memory.  A cell that is there already, trained as asked on the same
        rows, is not trained again, so an interrupted map goes on where it stopped.
    overwrite
        Whether a map of other rows or another task in the folder may be replaced; default no.
    progress
        Whether to show a bar on long sweeps; ``"auto"`` (default): at a terminal.

    Returns
    -------
    Sweep
        With Ctrl-C, of the cells that were done.

    Raises
    ------
    InputError
        If something cannot be used; the sentence says what was found, where, and what to do.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent())
    >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> drawn = ds.sweep(task, X, y, across="momentum", values=[0, 0.9], epochs=300)
    >>> [round(limit.step, 4) for limit in drawn.limits], drawn.limits[0].basis
    ([0.4189, 0.7958], 'exact')
    >>> drawn.verdicts[0, -4:-1].tolist(), drawn.best.run.outcome.step
    (['converged', 'diverged', 'diverged'], 300)

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput.
    Math. Math. Phys. 4 (1964); J. Cohen et al., "Gradient descent on neural networks typically
    occurs at the edge of stability", ICLR 2021, appendix B; R. Gower et al., "SGD: general analysis
    and improved rates", ICML 2019, section 3.3.
    """
    how = {
        "epochs": epochs,
        "batch_size": batch_size,
        "shuffle": shuffle,
        "validation": validation,
        "sample_weight": sample_weight,
        "seed": seed,
        "engine": engine,
        "device": device,
        "dtype": dtype,
        "standardize": standardize,
    }
    plan = planned(task, X, y, across=across, values=values, learning_rates=learning_rates, how=how)
    place = None if folder is None else Path(folder)
    return swept(plan, X, y, place, overwrite=overwrite, progress=progress)


def swept(  # noqa: PLR0913 - where from, where to, and who watches
    plan: Plan,
    X: Any,
    y: Any,
    place: Path | None,
    *,
    overwrite: bool = False,
    progress: bool | str = "auto",
    dressed: Callable[[Run], Run] = lambda run: run,
) -> Sweep:
    """Train a plan's cells; `dressed` gives a run what its table knows before it is kept."""
    if place is not None:
        folders.claim(place, identity(plan), overwrite=overwrite)
    cells: dict[tuple[int, int], Trained] = {}
    total = len(plan.values) * len(plan.learning_rates)
    bar, interrupted = Bar(progress, total), False
    try:
        for i in range(len(plan.values)):
            for j, rate in enumerate(plan.learning_rates):
                trained = _cell(plan, i, rate, X, y, place, dressed)
                if trained is None:
                    raise KeyboardInterrupt  # noqa: TRY301 - `train` has caught it and stopped
                cells[i, j] = trained
                bar.show(len(cells), trained.course.last)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()
    found = judged(plan, cells, X, y, interrupted=interrupted)
    if place is not None:
        for name in ("map.svg", "map.txt", "map.json"):
            found.save(place / name)
    return found


def identity(plan: Plan) -> dict[str, Any]:
    """Return what two maps in one folder must have in common."""
    return {
        "task": describe(plan.task, plan.base.layout),
        "across": plan.across,
        "rows": plan.data.fingerprint,
        "epochs": plan.how["epochs"],
        "seed": plan.base.seed,
    }


def _cell(  # noqa: PLR0913, PLR0917 - of a plan, where in it, on what, and where to
    plan: Plan,
    i: int,
    rate: float,
    X: Any,
    y: Any,
    place: Path | None,
    dressed: Callable[[Run], Run],
) -> Trained | None:
    """Return a cell, trained now or found on disk; None if it was interrupted."""
    value = plan.values[i]
    task, size = plan.task_at(value, rate), plan.batch_size_at(value)
    file = None if place is None else folders.file_of(place, plan.across, value, rate)
    run = None if file is None else folders.found(file, task, _asked(plan, size), plan.data)
    if run is None:
        how = {**plan.how, "batch_size": size}
        run = train(task, X, y, record=RECORD, progress=False, **how)
        if run.outcome.reason == "interrupted":
            return None
        run = dressed(run)
        if file is not None:
            run.save(file)
    course = course_of(run, plan.starts[i])
    return Trained(course, run.state.step, _opener(run, file, plan), file)


def _asked(plan: Plan, batch_size: int | None) -> dict[str, Any]:
    engine = str(plan.how["engine"])
    return {
        "epochs": plan.how["epochs"],
        "batch_size": batch_size,
        "shuffle": plan.base.shuffle,
        "seed": plan.base.seed,
        "record": int(RECORD * 2**20),
        "standardize": standardize_of(plan.data.scaling),
        **({} if engine == "auto" else {"library": engine.partition("/")[0]}),
    }


def _opener(run: Run, file: Path | None, plan: Plan) -> Callable[[], Run]:
    """Return how to open a cell: from its file, or from memory, where rows are held only once."""
    if file is not None:
        task = run.task
        return lambda: load(file, task=task).with_data(plan.data)
    kept = replace(run, data=None)
    return lambda: replace(kept, data=plan.data)
