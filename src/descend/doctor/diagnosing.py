"""`diagnose`: ask every rule, and put the worst finding first."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.doctor import (
    of_data,
    of_descent,
    of_endings,
    of_fit,
    of_history,
    of_likelihood,
    of_nets,
    of_pairs,
    of_parts,
    of_units,
    retracing,
    uphill,
)
from descend.doctor.chart import Chart
from descend.doctor.codes import rank
from descend.doctor.findings import Diagnosis, Finding, Fix
from descend.doctor.histories import chart_of
from descend.run import Run
from descend.run.events import last_change

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES = (
    *of_parts.RULES,
    *of_history.RULES,
    *of_likelihood.RULES,
    *of_endings.RULES,
    *uphill.RULES,
    *of_pairs.RULES,
    *retracing.RULES,
    *of_data.RULES,
    *of_nets.RULES,
    *of_units.RULES,
    *of_descent.RULES,
    *of_fit.RULES,
)


def diagnose(source: Run | Mapping[str, Any], X: Any = None, y: Any = None) -> Diagnosis:
    """Tell what is the matter with a run, worst first, each with evidence and the smallest fix.

    Nothing is trained and nothing is changed; of many rows a sample is looked at.

    Parameters
    ----------
    source
        A `Run`; with its rows attached more can be seen.  Or a history from elsewhere: a mapping
        of names to arrays, ``loss`` at least; ``gradient_norm``, ``update_norm``,
        ``learning_rate``, ``theta`` (T, P) and ``gradient`` (T, P) for each update, and
        ``validation_loss``, ``accuracy``, ``validation_accuracy`` for each epoch.
    X, y
        For a history from elsewhere: the rows (n, d) and targets it was trained on, if at hand.

    Returns
    -------
    Diagnosis
        A sequence of `Finding`; never empty: where nothing is the matter it says ``healthy``.

    Raises
    ------
    InputError
        If there is no history to read.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(9.0))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> ds.diagnose(run).codes
    ['step-too-large']
    >>> ds.diagnose({"loss": [1.0, 3.0, 9.0, 27.0, 81.0, 243.0, 729.0]})[0].code
    'step-too-large'
    """
    if isinstance(source, Run):
        if X is not None or y is not None:
            source = source.attach(X, y)
        source = source.in_force()
        chart = charted(source)
    else:
        chart = chart_of(source, X, y)
    return judged(chart)


def charted(run: Run) -> Chart:
    """Return the chart of a run; of one led by hand, what was done since the last change.

    Validation is about what was learnt, whoever changed what along the way: its curves stay whole.
    """
    since, history = last_change(run.events), run.history
    found = {name: history[name] for name in history}
    if since:
        m = run.setup.batches_per_epoch
        found |= {name: found[name][history.steps[:, 0] >= since] for name in history.updates.names}
        if "epoch_loss" in found:
            whole = history.epoch_spans[:, 0] * m >= since
            found["epoch_loss"] = found["epoch_loss"][whole]
    return Chart(run, found, since=since)


def judged(chart: Chart) -> Diagnosis:
    """Return what all rules find in a chart."""
    found: list[Finding] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # ill runs overflow as they are looked at
        for rule in RULES:
            finding = rule(chart)
            if finding is not None:
                found.append(replace(finding, run=chart.run))
    found.sort(key=lambda f: (f.severity != "illness", rank(f.code)))
    return Diagnosis(tuple(found) or (_healthy(chart),), tuple(dict.fromkeys(chart.skipped)))


def _healthy(chart: Chart) -> Finding:
    loss = chart.end_loss
    said = "" if chart.run is None else f" {chart.run.outcome.sentence}"
    return Finding(
        "healthy",
        "information",
        f"Nothing is the matter.{said}",
        {} if loss is None else {"loss": loss},
        Fix("none is needed"),
        chart.run,
    )
