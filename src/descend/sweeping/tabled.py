"""A map of a table: its columns encoded, its rows split, and its target decided as `fit` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.fitting import fit
from descend.sweeping.plan import planned
from descend.sweeping.running import swept

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from descend.arrays import Array
    from descend.run import Run
    from descend.sweeping.result import Sweep


def sweep_table(  # noqa: PLR0913 - two axes, and where to
    table: Any,
    target: str,
    *,
    across: str = "batch_size",
    values: Sequence[float] | None = None,
    learning_rates: Sequence[float] | int | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | str = "auto",
    **options: Any,
) -> Sweep:
    """Return the map of a table; `options` are those of `fit` that decide task and rows.

    The optimizer is plain gradient descent unless another is named, and batches are all rows
    unless a size is given: what theory speaks of.
    """
    usual = "momentum" if across == "momentum" else "gradient_descent"
    options["optimizer"] = options.get("optimizer") or usual
    # One epoch of a fit reads the table, splits it, and decides on model and loss.
    first = fit(table, target, epochs=1, progress=False, **options)
    run, data = first.run, first.run.data
    if data is None or data.validation is None:
        raise AssertionError
    how = {
        "epochs": epochs,
        "batch_size": batch_size or None,
        "shuffle": True,
        "validation": (data.validation[0], _flat(data.validation[1]), data.validation[2]),
        "sample_weight": data.weights,
        "seed": run.setup.seed,
        "engine": options.get("engine", "auto"),
        "device": options.get("device"),
        "dtype": None,
        "standardize": False,
    }
    X, y = data.X, _flat(data.y)
    plan = planned(
        run.task, X, y, across=across, values=values, learning_rates=learning_rates, how=how
    )
    if plan.data.fingerprint != data.fingerprint:
        msg = "the rows of a map are not those of the fit"
        raise AssertionError(msg)

    def dressed(cell: Run) -> Run:
        return replace(
            cell,
            classes=run.classes,
            names=run.names,
            encoder=run.encoder,
            source=run.source,
        )

    place = None if folder is None else Path(folder)
    return swept(plan, X, y, place, overwrite=overwrite, progress=progress, dressed=dressed)


def _flat(y: Array) -> Array:
    """Return targets of one column as (n,)."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y  # noqa: PLR2004
