"""The report: everything of a run in one HTML file, which nothing outside it is needed to read.

>>> import tempfile
>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
>>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.1, 2.9, 5.0], epochs=50)
>>> with tempfile.TemporaryDirectory() as folder:
...     path = run.report(f"{folder}/fit.html")
...     print(path.name, path.read_text("utf-8")[:15])
fit.html <!DOCTYPE html>
"""

from __future__ import annotations

import warnings
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import fitting
from descend.errors import InputError
from descend.files import write_bytes
from descend.page.payload import Payload, pack
from descend.page.writing import document, module
from descend.report.asked import asked_section, kind_of
from descend.report.columns import columns_section
from descend.report.course import course_section
from descend.report.doctored import doctor_section
from descend.report.errors import errors_section
from descend.report.markup import Html, element, joined, named, number
from descend.report.metrics import metrics_section, percent, verdict
from descend.report.relied import relied_section
from descend.report.subject import Subject
from descend.report.taken import taken_section
from descend.report.worked import worked_section
from descend.showing.samples import spaced

if TYPE_CHECKING:
    import os

    from descend.errors import Outcome
    from descend.fitting import Fit
    from descend.run import Run

MADE_BY = (
    "Made by descend, which trains linear and small neural models by gradient descent and records "
    "every step. This file needs nothing but itself."
)
_STEPS = "States along the way"
# The parts after the first, as the table of contents names them.
CONTENTS = (
    ("asked", "What was asked"),
    ("data", "The data"),
    ("quality", "How good it is"),
    ("course", "How it learnt"),
    ("errors", "Where it errs"),
    ("relied", "What it relies on"),
    ("doctor", "What the doctor finds"),
    ("worked", "One update, worked through"),
    ("model", "Take it with you"),
)


def report(  # noqa: PLR0913 - what a report may be told
    run: Run,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    command: str | None = None,
    data: Any = None,
    overwrite: bool = True,
) -> Path:
    """Write everything about a run into one HTML file that can be mailed.

    Parameters
    ----------
    run
        Of any model, converged or not, with its rows attached or without.
    path
        Where to; the file holds all it needs, and opens with the network off.
    title
        At its top; default: what is predicted, and from which table.
    command
        The line that repeats the run; default: read back from the run.
    data
        For a run on a table: the table, if it is no longer where the run says.
    overwrite
        Whether an older file there may be replaced; default yes.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If the file cannot be written, or `data` is not the table of the run.
    """
    prepared = None
    if run.source is not None and run.encoder is not None:
        run, prepared = _reopened(run, data)
    elif data is not None:
        msg = "This run was trained on arrays, not on a table; give its rows with run.attach(X, y)."
        raise InputError(msg)
    return _written(Subject(run, prepared, command), path, title, overwrite=overwrite)


def of_fit(
    fit: Fit,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    command: str | None = None,
    overwrite: bool = True,
) -> Path:
    """Write the report of a fitted table; see `report`."""
    return _written(Subject(fit.run, fit.prepared, command), path, title, overwrite=overwrite)


def _reopened(run: Run, data: Any) -> tuple[Run, Any]:
    """Return the run with its table read again, where it can be found."""
    try:
        return fitting.reopen(run, data)
    except InputError:
        if data is not None:
            raise
        return run, None


def _written(
    subject: Subject, path: str | os.PathLike[str], title: str | None, *, overwrite: bool
) -> Path:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of runs that diverged
        text = html_of(subject, title)
    write_bytes(path, text, overwrite=overwrite)
    return Path(path)


def html_of(subject: Subject, title: str | None = None) -> str:
    """Return the whole document."""
    plain = title or _title(subject)
    payload = _payload(subject)
    body = body_of(subject, plain, live=payload is not None)
    jump = [packaged("jump.js")] if payload is not None else []
    return document(plain, body, payload=payload, style=packaged("report.css"), extra_scripts=jump)


def _payload(subject: Subject) -> Payload | None:
    """Return the run for the page, or None where the page has not been built."""
    try:
        module()
    except InputError:
        return None
    return pack(subject.run, title=_STEPS, findings=subject.diagnosis)


def packaged(name: str) -> str:
    """Return a file of this package."""
    return (resources.files("descend.report") / name).read_text("utf-8")


def _title(subject: Subject) -> str:
    if subject.table is None:
        return str(subject.run.task)
    return f"Predicting {subject.target} from {subject.table}"


# ---------------------------------------------------------------- the body


def body_of(subject: Subject, title: str, *, live: bool) -> Html:
    """Return the body: head, contents and all sections."""
    sections = (
        asked_section(subject),
        columns_section(subject),
        metrics_section(subject),
        course_section(subject, live=live),
        errors_section(subject),
        relied_section(subject),
        doctor_section(subject, live=live),
        worked_section(subject),
        taken_section(subject),
    )
    return joined(
        [
            element("a", "To the report", href="#main", class_="skip"),
            element("header", element("h1", title), _opening(subject), class_="top"),
            contents(CONTENTS),
            element("main", *sections, id="main"),
            element(
                "footer",
                element("p", MADE_BY),
            ),
        ]
    )


def contents(parts: Any) -> Html:
    """Return links to all parts."""
    links = (element("li", element("a", words, href=f"#{anchor}")) for anchor, words in parts)
    heading = element("h2", "Contents", id="contents")
    return element("nav", heading, element("ol", *links), aria_labelledby="contents")


def _opening(subject: Subject) -> Html:
    """Return the whole report in a paragraph and four figures."""
    run, setup = subject.run, subject.run.setup
    learnt = f"{spaced(setup.n)} row{'' if setup.n == 1 else 's'}"
    what = element(
        "p",
        f"This report is about {kind_of(subject)}, which learnt from {learnt} to predict ",
        named(subject.target),
        ".",
    )
    ill = sum(finding.severity == "illness" for finding in subject.diagnosis)
    figures = [
        *_quality(subject),
        ("Updates", spaced(run.state.step), _ending(run.outcome)),
        (
            "Doctor",
            "healthy" if not ill else f"{ill} to mend",
            ", ".join(subject.diagnosis.codes[:2]) if ill else "nothing to mend",
        ),
    ]
    cards = (
        element(
            "div",
            element("dt", term),
            element("dd", element("b", value), element("span", note)),
        )
        for term, value, note in figures
    )
    short = run.outcome.reason in _CUT_SHORT or run.outcome.condition is not None
    ended = [run.outcome.sentence] if short else []
    said = [element("p", sentence) for sentence in [*ended, *verdict(subject)]]
    return joined(
        [element("div", what, *said, class_="lead"), element("dl", *cards, class_="cards")]
    )


def _quality(subject: Subject) -> list[tuple[str, str, str]]:
    found = subject.intervals
    if found is None or subject.held is None:
        return []
    where = f"on {subject.held.part} rows"
    if subject.labels:
        right = found.metrics["accuracy"]
        known = percent(subject.baseline["accuracy"])
        return [("Right", percent(right.value), where), ("Guessing", known, "right, on the same")]
    r2, mae = found.metrics["r2"], found.metrics["mae"]
    guessing = f"on average; guessing {number(subject.baseline['mae'], 3)}"
    off = ("Off by", number(mae.value, 3), guessing)
    if np.isnan(r2.value):  # rows that do not vary have no variance to explain
        return [off]
    share = percent(r2.value) if r2.value > 0 else "nothing"
    return [("Explained", share, f"of the variance, {where}"), off]


_ENDINGS = {
    "epochs": "all that were asked for",
    "gradient": "until it converged",
    "settled": "until the loss settled",
    "stalled": "until no step helped",
    "validation": "until validation rows got worse",
    "diverged": "and it diverged",
    "interrupted": "then it was interrupted",
    "callback": "then it was told to stop",
    "led": "led by hand",
    "exact": "solved outright",
}


# How a run ends that did not get to do what it was asked to.
_CUT_SHORT = ("diverged", "interrupted", "callback")


def _ending(outcome: Outcome) -> str:
    if outcome.condition is not None:
        return "and stopped short of the least"
    return _ENDINGS.get(outcome.reason, outcome.reason)
