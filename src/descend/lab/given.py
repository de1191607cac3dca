"""What a lab is given in Python: arrays, a table, a run or the name of toy data, and settings.

>>> opened, address = given("circles", hidden=[3])
>>> opened, address
(None, 'data=circles&hidden=3')
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError, did_you_mean
from descend.lab.address import to_query
from descend.lab.opening import Opened, open_run, open_table
from descend.lab.settings import Settings
from descend.lab.sources import SOURCES
from descend.losses import logistic, softmax, squared_error
from descend.models import Linear
from descend.optimizers import gradient_descent
from descend.run import Run
from descend.task import Task
from descend.training import begin

if TYPE_CHECKING:
    from descend.losses import Loss

# Of arrays, this share of the rows is kept for validation.
HELD_OUT = 0.3
# Whole numbers are labels where there are at most so many of them.
MOST_LABELS = 10
WHOLE, WORDS = "iu", "bOSU"


def given(
    data: Any = None, y: Any = None, target: str | None = None, **settings: Any
) -> tuple[Opened | None, str]:
    """Return what is opened, and the address of the settings to begin with.

    Parameters
    ----------
    data
        The name of toy data or of a shipped table, a path, a table of pandas, polars or Arrow, a
        run, or rows (n, d) with `y` beside them; default two moons.
    y
        (n,) numbers or labels, where `data` is an array.
    target
        The column to predict, where `data` is a table.
    settings
        As `descend.lab.settings.Settings` has them, as plain data.

    Raises
    ------
    InputError
        If there are no such data or settings.
    """
    if data is None or (isinstance(data, str) and data in SOURCES):
        named = {} if data is None else {"data": data}
        return None, to_query(Settings.of({**named, **settings}))
    opened = _opened(data, y, target)
    return opened, to_query(opened.settings(settings)) if settings else ""


def _opened(data: Any, y: Any, target: str | None) -> Opened:
    if y is not None:
        return Opened("arrays", run=_begun(data, y))
    if isinstance(data, Run):
        return open_run(data)
    if isinstance(data, str | Path) and not Path(data).exists() and "*" not in str(data):
        hint = did_you_mean(str(data), SOURCES)
        msg = f"There is no file {data}, nor are there data of that name in the lab{hint}."
        raise InputError(msg)
    if isinstance(data, str | Path) and Path(data).suffix == ".run":
        return open_run(data)
    return open_table(data, target=target)


def _begun(X: Any, y: Any) -> Run:
    """Return a run on arrays that has not done an update: the lab takes rows from it."""
    task = Task(Linear(), _loss(np.asarray(y)), gradient_descent())
    return begin(task, X, y, validation=HELD_OUT, standardize=True).run()


def _loss(y: Any) -> Loss:
    """Return the usual loss for targets: labels are words, truth values and few whole numbers."""
    found = len(np.unique(y))
    if y.dtype.kind in WORDS or (y.dtype.kind in WHOLE and found <= MOST_LABELS):
        return logistic() if found == 2 else softmax()  # noqa: PLR2004
    return squared_error()
