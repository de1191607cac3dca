"""What `train` and `begin` were asked, checked and made into a setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.curvature import outputs
from descend.errors import InputError, ParameterError, did_you_mean
from descend.parts import choice, number, whole
from descend.run import Setup
from descend.run.setup import BUDGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.engines import Problem
    from descend.run import Data
    from descend.task import Task

METRICS = {"numbers": ("rmse", "mae", "mse", "r2"), "labels": ("accuracy",)}
_LARGEST_SEED = 2**64


def setup_for(  # noqa: PLR0913 - the arguments of `train` that a setup holds
    data: Data,
    problem: Problem,
    *,
    epochs: int,
    validation: Any = None,
    gradient_tolerance: float | None = None,
    loss_tolerance: float | None = None,
    patience: int | None = None,
    on_divergence: str = "stop",
    metrics: Sequence[str] | None = None,
    record: str | float | bool = "auto",
) -> Setup:
    """Return everything that was asked beside the task and the rows, checked."""
    task = problem.task
    return Setup(
        n=problem.n,
        d=problem.X.shape[1],
        k=outputs(task, data.y, data.classes),
        epochs=epochs,
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


def whole_seed(seed: Any) -> int:
    """Return a seed that keyed draws can take."""
    found = whole("train", "seed", seed, low=0)
    if found >= _LARGEST_SEED:
        msg = f"The 'seed' parameter of train must be below 2**64. Got {seed!r} instead."
        raise ParameterError(msg)
    return found


def float_type(dtype: Any) -> Any:
    """Return the floating type asked for, or None."""
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


def epoch_names(setup: Setup, data: Data) -> tuple[str, ...]:
    """Return what there is to record at the end of each epoch."""
    if data.validation is None:
        return () if setup.full_batch else ("epoch_loss",)
    measured = tuple(f"validation_{name}" for name in setup.metrics)
    return ("epoch_loss", "validation_loss", *measured)
