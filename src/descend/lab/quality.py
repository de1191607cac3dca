"""Quality: how good a model is on the rows it learns from and on those held out, in figures.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
>>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=500)
>>> round(quality_of(run)["parts"]["training"]["figures"]["r2"], 6)
1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend import metrics
from descend.errors import InputError
from descend.showing.intervals import measures
from descend.showing.judged import judged
from descend.showing.quality import confusion, roc

if TYPE_CHECKING:
    from descend.run import Run
    from descend.showing.judged import Judged

# Rows of a part that are judged; more are sampled, and the sentence says so.
ROWS = 20_000


def quality_of(run: Run) -> dict[str, Any]:
    """Return the metrics of a run's parameters on its training and its validation rows.

    Returns
    -------
    dict
        ``classes``: the labels or None; ``parts``: for each part its ``figures`` (r2, mse, rmse and
        mae; or accuracy, log_loss, and of two labels auc, precision, recall and f1), its
        ``confusion`` (rows are the truth) and the ``sentence`` that says which rows these are.
    """
    held = run.data is not None and run.data.validation is not None
    parts = ("training", "validation") if held else ("training",)
    classes = None if run.classes is None else [str(label) for label in run.classes]
    return {"classes": classes, "parts": {part: _part(run, part) for part in parts}}


def _part(run: Run, part: str) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        found = judged(run, part, limit=ROWS)
        figures = measures(found)
        if run.classes is None:
            mse = metrics.mse(found.predicted, found.truth, found.weight)
            figures = {"r2": figures["r2"], "mse": mse, **figures}
        elif found.truth.ndim == 1 and len(run.classes) == 2:  # noqa: PLR2004 - two labels
            figures |= _of_two(found)
    counts = None
    if run.classes is not None and found.truth.ndim == 1:
        counts = confusion(found.truth, found.predicted, run.classes, found.weight).counts.tolist()
    return {"figures": figures, "confusion": counts, "sentence": found.sentence}


def _of_two(found: Judged) -> dict[str, float]:
    """Return what is asked of two labels, the second one being the one looked for."""
    counts = confusion(found.truth, found.predicted, ["0", "1"], found.weight)
    precision, recall = float(counts.precision[1]), float(counts.recall[1])
    hits, said, true = counts.counts[1, 1], counts.counts[:, 1].sum(), counts.counts[1].sum()
    f1 = float(2 * hits / (said + true)) if said + true > 0 else float("nan")
    told = {"precision": precision, "recall": recall, "f1": f1}
    try:
        area = roc(found.scores[:, -1] - _other(found), found.truth, found.weight).area
    except InputError:
        return told  # one label alone, or scores that are no numbers
    return {"auc": area, **told}


def _other(found: Judged) -> Any:
    """Return what the second label's score is measured against: the first's, where it has one."""
    return found.scores[:, 0] if found.scores.shape[1] == 2 else 0.0  # noqa: PLR2004 - softmax
