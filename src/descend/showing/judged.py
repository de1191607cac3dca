"""Rows beside what a run makes of them: the ground of every picture of quality.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
>>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=500)
>>> judged(run).predicted.round(3)
array([[1.],
       [3.],
       [5.]])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array
from descend.errors import InputError
from descend.losses import predicted
from descend.showing.samples import drawn, spaced

if TYPE_CHECKING:
    from descend.arrays import Floats, Rows
    from descend.run import Run

# Rows beyond which a sample is judged, unless asked otherwise.
LIMIT = 200_000


class Judged(NamedTuple):
    """Rows of one part, and what the run makes of them.

    Attributes
    ----------
    part
        ``"training"``, ``"validation"``, ``"test"``, or what the rows were called.
    truth, predicted
        Numbers in the target's own unit (m, k); codes of labels (m,); or 0 and 1 for several
        two-label outputs (m, k).
    scores
        (m, k): the model's raw output.
    probabilities
        (m, labels), or (m, k) of the second label for several two-label outputs; None where the
        loss has none.
    weight
        (m,) or None.
    rows
        (m,) their positions in the part.
    sentence
        Which rows these are: all, or a sample.
    """

    part: str
    truth: Array
    predicted: Array
    scores: Array
    probabilities: Array | None
    weight: Array | None
    rows: Array
    sentence: str


def judged(run: Run, part: str | None = None, *, limit: int = LIMIT) -> Judged:
    """Return the rows a run holds beside what it makes of them.

    Parameters
    ----------
    run
        With its rows attached.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    limit
        Rows beyond which a sample is drawn, keyed by the run's seed.

    Raises
    ------
    InputError
        If there are no such rows at hand.
    """
    data = run.data
    if data is None:
        msg = (
            "This run holds no rows, so nothing can be predicted and judged; give them back with "
            "run.attach(X, y), or --data."
        )
        raise InputError(msg)
    held = data.validation
    chosen = part or ("training" if held is None else "validation")
    if chosen == "training":
        return _judge(run, chosen, data.X, data.y, data.weights, limit)
    if chosen != "validation" or held is None:
        msg = (
            f"This run holds no {chosen} rows; take part='training', or train with validation=0.2."
        )
        raise InputError(msg)
    return _judge(run, chosen, *held, limit)


def judged_rows(  # noqa: PLR0913, PLR0917 - rows and what to call them
    run: Run, X: Any, y: Array, weight: Any = None, part: str = "test", limit: int = LIMIT
) -> Judged:
    """Return encoded rows of a table beside what a run makes of them.

    `y` holds numbers in their own unit, or codes of labels, as `descend.tables.prepare` has them.
    """
    if run.classes is None:
        y = np.asarray(y, dtype=np.float64)
        y = y[:, None] if y.ndim == 1 else y
        met = _judge(run, part, X, (y - _shift(run)) / _unit(run), weight, limit)
        return met._replace(truth=y[met.rows])  # there and back again would round
    if run.task.loss.targets == "two labels" and y.ndim == 1:
        y = y[:, None]
    return _judge(run, part, X, y, weight, limit)


def _unit(run: Run) -> float:
    return 1.0 if run.encoder is None else float(run.encoder["target"]["scale"])


def _shift(run: Run) -> float:
    return 0.0 if run.encoder is None else float(run.encoder["target"]["mean"])


def _judge(  # noqa: PLR0913, PLR0917 - the rows of a part
    run: Run, part: str, X: Rows, y: Array, weight: Floats | None, limit: int
) -> Judged:
    chosen, sentence = sampled(len(y), limit, run.setup.seed, f"{part} row")
    if len(chosen) < len(y):
        X, y = X[chosen], y[chosen]
        weight = None if weight is None else weight[chosen]
    scores = np.asarray(run.scores(X), dtype=np.float64)
    truth, found, probabilities = _in_words(run, y, scores)
    wide = None if weight is None else np.asarray(weight, dtype=np.float64)
    return Judged(part, truth, found, scores, probabilities, wide, chosen, sentence)


def _in_words(run: Run, y: Array, scores: Array) -> tuple[Array, Array, Array | None]:
    """Return truth, predictions and probabilities, in units and codes."""
    loss = run.task.loss
    if run.classes is None:
        with np.errstate(all="ignore"):
            found = predicted(loss, scores) * _unit(run) + _shift(run)
        return np.asarray(y, dtype=np.float64) * _unit(run) + _shift(run), found, None
    p = predicted(loss, scores) if loss.proper else None
    if loss.targets == "labels":
        return y, scores.argmax(axis=1), p
    codes, hits = y.astype(np.int64), (scores > 0).astype(np.int64)
    if scores.shape[1] > 1:
        return codes, hits, p
    return codes[:, 0], hits[:, 0], None if p is None else np.column_stack([1 - p, p])


def sampled(n: int, limit: int, seed: int, what: str) -> tuple[Array, str]:
    """Return which of n rows to take, in order, and a sentence that says so.

    >>> sampled(3, 10, 0, "test row")
    (array([0, 1, 2]), 'all 3 test rows')
    >>> len(sampled(10_000, 10, 0, "test row")[0]), sampled(10_000, 10, 0, "test row")[1]
    (10, '10 of 10 000 test rows, drawn by the keyed permutation')
    """
    chosen = drawn(n, limit, seed)
    if len(chosen) == n:
        return chosen, f"the only {what}" if n == 1 else f"all {spaced(n)} {what}s"
    return chosen, f"{spaced(limit)} of {spaced(n)} {what}s, drawn by the keyed permutation"
