"""Histories from elsewhere, made into a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from descend.doctor.chart import Chart
from descend.errors import InputError


def chart_of(source: Any, X: Any, y: Any) -> Chart:
    """Return the chart of a mapping of names to arrays."""
    if not isinstance(source, Mapping) or not source:
        msg = (
            "diagnose takes a Run, or a mapping of names to arrays such as {'loss': …}. Got "
            f"{type(source).__name__} instead."
        )
        raise InputError(msg)
    history = {}
    for name, values in source.items():
        found = np.asarray(values)
        if found.dtype.kind not in "fiub" or found.ndim == 0:
            msg = f"The history's {name!r} must be an array of numbers; found {values!r:.60}."
            raise InputError(msg)
        history[str(name)] = found.astype(np.float64)
    if "loss" not in history or history["loss"].ndim != 1:
        msg = (
            "A history needs its loss, one number for each update, as 'loss'; found "
            f"{', '.join(history) or 'nothing'}."
        )
        raise InputError(msg)
    given = None if X is None else (X, y)
    chart = Chart(None, history, given)
    chart.skipped.append("the model and its layers: a history from elsewhere does not hold them.")
    return chart
