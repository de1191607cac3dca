"""Histories from elsewhere, made into a chart.

Names are taken as other libraries write them (``train_loss``, ``val_loss``, ``lr``, ``acc`` …,
Keras's history, scikit-learn's ``loss_curve_``).

>>> chart = chart_of({"train_loss": [3, 2, 1], "val_loss": [3, 2, 2], "lr": 0.1}, None, None)
>>> sorted(chart.history)
['learning_rate', 'loss', 'validation_loss']
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor.chart import Chart
from descend.errors import InputError

if TYPE_CHECKING:
    from descend.arrays import Floats

ALIASES = {
    "loss": "train_loss training_loss losses train_losses loss_curve loss_curve_ loss_train "
    "objective cost costs error_history loss_history epoch_loss",
    "validation_loss": "val_loss valid_loss val_losses validation_losses loss_val test_loss "
    "test_losses dev_loss eval_loss",
    "accuracy": "acc train_acc train_accuracy training_accuracy accuracies binary_accuracy "
    "categorical_accuracy sparse_categorical_accuracy",
    "validation_accuracy": "val_acc val_accuracy valid_acc valid_accuracy validation_acc test_acc "
    "test_accuracy val_binary_accuracy val_categorical_accuracy val_sparse_categorical_accuracy",
    "gradient_norm": "grad_norm grad_norms gradient_norms gnorm norm_of_gradient",
    "update_norm": "update_norms step_norm step_norms",
    "learning_rate": "lr lrs eta rate alpha step_size learning_rates",
    "theta": "thetas params parameters weights theta_history param_history trajectory",
    "gradient": "gradients grad grads gradient_history",
    "scores": "y_pred predictions predicted outputs logits y_hat yhat",
    "X": "features x_train",
    "y": "target targets y_train labels y_true",
}
_KNOWN = {alias: name for name, line in ALIASES.items() for alias in [name, *line.split()]}
_MATRICES = ("theta", "gradient", "scores", "X", "y")


def chart_of(source: Any, X: Any, y: Any) -> Chart:
    """Return the chart of a mapping of names to arrays."""
    inner = getattr(source, "history", None)
    source = inner if isinstance(inner, Mapping) else source
    if not isinstance(source, Mapping) or not source:
        msg = (
            "diagnose takes a Run, or a mapping of names to arrays such as {'loss': …}. Got "
            f"{type(source).__name__} instead."
        )
        raise InputError(msg)
    history, skipped = _read(source)
    loss = history.get("loss")
    if loss is None or loss.ndim != 1 or not len(loss):
        msg = (
            "A history needs its loss, one number for each update or epoch, as 'loss'; found "
            f"{', '.join(map(str, source)) or 'nothing'}."
        )
        raise InputError(msg)
    given = _given(history, X, y)
    chart = Chart(None, history, given)
    chart.skipped.extend([*skipped, *_missing(history, given)])
    return chart


def _read(source: Mapping[Any, Any]) -> tuple[dict[str, Floats], list[str]]:
    """Return the history under our names, and what could not be read of it."""
    history: dict[str, Floats] = {}
    skipped = []
    ordered = sorted(source.items(), key=lambda item: str(item[0]) not in ALIASES)
    for key, values in ordered:
        name = _name(key)
        found = _numbers(values)
        if found is None:
            if name == "loss":
                msg = f"The history's {key!r} must be an array of numbers; found {values!r:.60}."
                raise InputError(msg)
            skipped.append(f"the history's {key!r}: it is no array of numbers.")
            continue
        if name in history:
            continue
        if found.ndim == 0:
            if name != "learning_rate":
                skipped.append(f"the history's {key!r}: it is one number.")
                continue
            found = found[None]
        history[name] = found if name in _MATRICES else _column(found)
    rate = history.get("learning_rate")
    if rate is not None and len(rate) == 1 and "loss" in history:
        history["learning_rate"] = np.full(len(history["loss"]), rate[0])
    return history, skipped


def _name(key: Any) -> str:
    plain = str(key).strip()
    if plain in ALIASES:
        return plain
    lowered = plain.lower()
    for mark in (" ", "-", "/", "."):
        lowered = lowered.replace(mark, "_")
    return _KNOWN.get(lowered, lowered)


def _numbers(values: Any) -> Floats | None:
    if values is None:
        return None
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        found = np.asarray(values)
        if found.dtype.kind == "O":
            found = found.astype(np.float64)  # None becomes NaN
    except (TypeError, ValueError):
        return None
    return found.astype(np.float64) if found.dtype.kind in "fiub" else None


def _column(found: Floats) -> Floats:
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found  # noqa: PLR2004


def _given(history: dict[str, Floats], X: Any, y: Any) -> tuple[Any, Any] | None:
    """Return the rows that came with a history, from its arguments or from within."""
    inside = history.pop("X", None), history.pop("y", None)
    X = inside[0] if X is None else X
    y = inside[1] if y is None else y
    return None if X is None and y is None else (X, y)


def _missing(history: dict[str, Floats], given: Any) -> list[str]:
    """Return what could not be looked at, and what would have shown it."""
    said = ["the model and its layers: a history from elsewhere does not hold them."]
    if "gradient_norm" not in history and "gradient" not in history:
        said.append("whether each update went downhill: gradient_norm and learning_rate show it.")
    if "validation_loss" not in history and "validation_accuracy" not in history:
        said.append("whether it learnt by heart: validation_loss shows it.")
    if given is None:
        said.append("the rows: give X and y to have them looked at.")
    elif "theta" not in history and "scores" not in history:
        said.append("whether the loss is that of the rows: theta or scores show it.")
    return said
