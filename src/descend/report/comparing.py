"""Comparing runs: what differs in what was asked, and whether they differ in what they can do.

>>> import descend as ds
>>> table = ds.datasets.shipped_table("diabetes")
>>> fits = [ds.fit(table, "progression", epochs=e, progress=False) for e in (1, 200)]
>>> found = compared({"short": fits[0], "long": fits[1]})
>>> [row.what for row in found.differences]
['Epochs, at most']
>>> found.pairs[0].told["rmse"].better
2
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.errors import InputError
from descend.fitting import Fit, reopen
from descend.report.command import words
from descend.report.markup import between, number
from descend.report.metrics import NAMES, percent
from descend.report.subject import Subject
from descend.scaling import standardize_of
from descend.showing.intervals import FEW, FEWEST_ROWS, Difference, paired
from descend.showing.samples import spaced
from descend.task import Task

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from descend.run import Run

# Runs of which each is compared with each; of more, each with the first.
_EACH = 4
# Of so many runs on the same rows, the best may be the luckiest.
_LUCKY = 3
# What decides which rows of a table are in which part.
_SPLIT = ("seed", "split_by", "in_order", "validation_fraction", "test_fraction")
_SHARED_FIELDS = ("loss", "penalty", "reduction")


class Row(NamedTuple):
    """What was asked of each run, where they differ."""

    what: str
    asked: tuple[str, ...]


class Pair(NamedTuple):
    """Two runs on the same rows, how their metrics differ, and a sentence."""

    first: str
    second: str
    told: dict[str, Difference]
    sentence: str


class Comparison(NamedTuple):
    """Several runs, compared.

    Attributes
    ----------
    subjects
        By name, in the order given.
    differences
        What was asked of them, where that differs.
    pairs
        Of runs judged on the same rows.
    same_target, same_loss, same_surface
        Whether metrics, losses, and paths through parameter space can be compared.
    sentences
        What cannot be compared, what still can, and what to mind.
    """

    subjects: dict[str, Subject]
    differences: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    same_target: bool
    same_loss: bool
    same_surface: bool
    sentences: tuple[str, ...]


def opened(run: Run, data: Any = None) -> Subject:
    """Return a run as a subject, its table read again where it can be found."""
    if run.source is None or run.encoder is None:
        return Subject(run)
    try:
        return Subject(*reopen(run, data))
    except InputError:
        if data is not None:
            raise
        return Subject(run)


def _scores_like(run: Run) -> tuple[Any, ...]:
    """Return what turns parameters into scores: the model but for its start."""
    model = run.task.model
    return run.layout, model.name, model.linear or getattr(model, "activation", model)


def compared(runs: Mapping[str, Any]) -> Comparison:
    """Return runs compared: what differs, and what that means.

    Parameters
    ----------
    runs
        Name to `Run`, `Fit` or `Subject`; two at least.

    Raises
    ------
    InputError
        If there are fewer than two.
    """
    if len(runs) < 2:  # noqa: PLR2004 - to compare
        msg = f"A comparison needs at least two runs, and {len(runs)} was given; name another."
        raise InputError(msg)
    subjects = {name: _subject(run) for name, run in runs.items()}
    every = list(subjects.values())
    target = all(_predicts(s) == _predicts(every[0]) for s in every)
    loss = target and all(_objective(s) == _objective(every[0]) for s in every)
    rows = loss and all(_learnt_from(s) == _learnt_from(every[0]) is not None for s in every)
    pairs = _pairs(subjects) if target else ()
    return Comparison(
        subjects,
        tuple(_differences(every)),
        pairs,
        target,
        loss,
        rows and all(_scores_like(s.run) == _scores_like(every[0].run) for s in every),
        tuple(_said(subjects, target=target, loss=loss, pairs=pairs)),
    )


def _subject(run: Any) -> Subject:
    if isinstance(run, Subject):
        return run
    return Subject(run.run, run.prepared) if isinstance(run, Fit) else opened(run)


def _predicts(subject: Subject) -> tuple[str, tuple[str, ...] | None]:
    classes = subject.run.classes
    return subject.target, None if classes is None else tuple(map(str, classes))


def _objective(subject: Subject) -> tuple[Any, ...]:
    return (*(getattr(subject.run.task, name) for name in _SHARED_FIELDS), _scale(subject))


def _scale(subject: Subject) -> float:
    """Return what the target was divided by; 1 where it was left as it is."""
    return float((subject.run.encoder or {}).get("target", {}).get("scale", 1.0))


def alike(subjects: Mapping[str, Subject]) -> list[list[str]]:
    """Return the runs' names in groups, each of one target and one objective."""
    groups: list[tuple[Any, list[str]]] = []
    for name, subject in subjects.items():
        asked = (_predicts(subject), _objective(subject))
        group = next((names for known, names in groups if known == asked), None)
        if group is None:
            groups.append((asked, [name]))
        else:
            group.append(name)
    return [names for _, names in groups]


def unlike(subjects: Mapping[str, Subject]) -> str:
    """Say what makes the objectives of runs differ."""
    tasks = [subject.run.task for subject in subjects.values()]
    differing = [
        n for n in _SHARED_FIELDS if any(getattr(t, n) != getattr(tasks[0], n) for t in tasks)
    ]
    said = (
        [f"Their {' and '.join(differing)} differ{'' if len(differing) > 1 else 's'}."]
        if differing
        else []
    )
    scales = {name: _scale(subject) for name, subject in subjects.items()}
    if len(set(scales.values())) > 1:
        whole = ", ".join(name for name, scale in scales.items() if scale == 1.0)
        scaled = ", ".join(
            f"{name} (divided by {number(scale)})" for name, scale in scales.items() if scale != 1.0
        )
        rest = f", and that of {whole} is in its own unit" if whole else ""
        said.append(f"The target is standardised for {scaled}{rest}.")
    return " ".join(said)


def _learnt_from(subject: Subject) -> str | None:
    data = subject.run.data
    return None if data is None else data.fingerprint


# ---------------------------------------------------------------- what was asked


def _differences(subjects: list[Subject]) -> list[Row]:
    facts = [asked_of(subject) for subject in subjects]
    rows = (Row(what, tuple(fact[what] for fact in facts)) for what in facts[0])
    return [row for row in rows if len(set(row.asked)) > 1]


def asked_of(subject: Subject) -> dict[str, str]:
    """Return what was asked of a run, each in a few words."""
    run, setup, task = subject.run, subject.run.setup, subject.run.task
    rule, how = task.optimizer, (run.source or {}).get("how", {})
    rate = "searched for" if rule.rule.searches else number(setup.learning_rate)
    return {
        "Predicted": subject.target,
        "Table": subject.table or "arrays",
        "Columns left out": ", ".join(how.get("exclude") or ["none"]),
        "Features": spaced(setup.d),
        "Training rows": spaced(setup.n),
        "Split": _split(how, setup.validation),
        "Rows weighed": "yes" if setup.weighted else "no",
        "Standardised": _standardised(run),
        "Model": str(Task(task.model, task.loss, rule)).partition(" + ")[0],
        "Parameters": spaced(run.theta.size),
        "Loss": _loss(task),
        "Penalty": "none" if task.penalty is None else words(task.penalty),
        "Optimizer": words(rule.rule),
        "Learning rate": rate,
        "Schedule": "none" if rule.schedule is None else words(rule.schedule),
        "Batch": "all rows" if setup.full_batch else spaced(setup.batch_size or 0),
        "Epochs, at most": spaced(setup.epochs),
        "Patience": "none" if setup.patience is None else spaced(setup.patience),
        "Tolerance": "none"
        if setup.gradient_tolerance is None
        else f"{setup.gradient_tolerance:g}",
        "Seed": str(setup.seed),
        "Precision": setup.dtype,
    }


def _standardised(run: Run) -> str:
    if run.encoder is None and standardize_of(run.scaling) == "scale":
        return "scaled, not centred"
    return "yes" if run.scaling is not None or run.encoder is not None else "no"


def _loss(task: Any) -> str:
    name = words(task.loss) if task.loss.name != "custom" else str(task).split(" + ")[1]
    return f"{name}, {task.reduction}"


def _split(how: dict[str, Any], validation: Any) -> str:
    if how.get("split_by"):
        return f"by {how['split_by']}"
    if how.get("in_order"):
        return "in order"
    return "at random" if how else {None: "none", "given": "given"}.get(validation, str(validation))


# ---------------------------------------------------------------- whether it means anything


def _pairs(subjects: dict[str, Subject]) -> tuple[Pair, ...]:
    names = list(subjects)
    each = len(names) <= _EACH
    chosen = combinations(names, 2) if each else ((names[0], name) for name in names[1:])
    found = (_pair(first, second, subjects) for first, second in chosen)
    return tuple(pair for pair in found if pair is not None)


def _pair(first: str, second: str, subjects: dict[str, Subject]) -> Pair | None:
    one, two = subjects[first].held, subjects[second].held
    if one is None or two is None or one.part != two.part:
        return None
    try:
        told = paired(one, two, subjects[first].run.setup.seed)
    except InputError:
        return None
    said = [_meaning(first, second, told, one.part), *_beside(subjects[first], subjects[second])]
    return Pair(first, second, told, " ".join(said))


def _meaning(first: str, second: str, told: dict[str, Difference], part: str) -> str:
    """Say which of two runs is better by the metric that people read first, if any is."""
    name = "accuracy" if "accuracy" in told else "rmse"
    found, label = told[name], NAMES[name][0]
    shown = percent if name == "accuracy" else number
    values = f"{shown(found.second)} against {shown(found.first)}"
    reach = f"{label} {values}; the 95 % interval of the difference, {_interval(name, found)}"
    if np.isnan(found.low):
        return (
            f"{second} and {first} cannot be told apart: {label} {values} on {part} rows, which "
            f"are fewer than {FEWEST_ROWS} and too few to say, or on which it varies too little."
        )
    if part == "training":
        return (
            f"{second} and {first} are judged on training rows, which flatter the larger model, so "
            f"neither is called better: {reach}."
        )
    if found.better == 0:
        return f"{second} and {first} cannot be told apart on these {part} rows: {reach}, holds 0."
    better, other = (first, second) if found.better == 1 else (second, first)
    return f"{better} is better than {other} on these {part} rows: {reach}, leaves out 0."


def _beside(one: Subject, two: Subject) -> list[str]:
    """Return what to mind of two runs on the same rows."""
    held, said = one.held, []
    if held is not None and len(held.truth) < FEW:
        said.append(
            f"So few rows ({len(held.truth)}) make the bootstrap's intervals too narrow, and every "
            "verdict a rough one."
        )
    if not _known_alike(one, two):
        said.append(
            "Only their targets and weights were compared: whether the features are of the same "
            "rows is not known."
        )
    return said


def _known_alike(one: Subject, two: Subject) -> bool:
    """Tell whether both runs are known to be judged on the same rows: of one table, or arrays."""
    mark = _learnt_from(one)
    if mark is not None and mark == _learnt_from(two):
        return True
    rows = _rows_of_files(one)
    return rows is not None and rows == _rows_of_files(two)


def _rows_of_files(subject: Subject) -> tuple[Any, ...] | None:
    source = subject.run.source or {}
    if not source.get("files"):
        return None
    how = source.get("how", {})
    return ([file["sha256"] for file in source["files"]], *(how.get(name) for name in _SPLIT))


def _interval(name: str, found: Difference) -> str:
    if name == "accuracy":
        points = between(100 * found.low, 100 * found.high, 2)
        return f"{points} percentage points"
    return between(found.low, found.high, 3)


def _said(
    subjects: dict[str, Subject], *, target: bool, loss: bool, pairs: tuple[Pair, ...]
) -> list[str]:
    said = []
    if not target:
        names = sorted({s.target for s in subjects.values()})
        shown = ", ".join(names) if len(names) > 1 else f"{names[0]}, of different kinds"
        said.append(
            f"The runs do not predict the same thing ({shown}), so neither their metrics nor their "
            "losses can be compared; how long they took and how they ended can."
        )
    elif not loss:
        said.append(
            "The runs minimise different objectives, so the heights of their training losses "
            f"cannot be compared, only their course; the metrics can. {unlike(subjects)}"
        )
    count = len(subjects)
    most = count * (count - 1) // 2 if count <= _EACH else count - 1
    if target and len(pairs) < most:
        said.append(_unpaired(subjects, len(pairs)))
    if pairs and count >= _LUCKY:
        many = f"{len(pairs)} comparisons were made" if len(pairs) > 1 else "A comparison was made"
        said.append(
            f"{many}, each with a chance of 5 % to find a difference where there is none; and the "
            f"best of {count} runs is likely to be a lucky one too. Judge the chosen run again on "
            "rows that had no part in the choice."
        )
    return said


def _unpaired(subjects: dict[str, Subject], pairs: int) -> str:
    without = [name for name, subject in subjects.items() if subject.held is None]
    some = "Some runs" if pairs else "The runs"
    if without:
        return (
            f"The rows of {', '.join(without)} are not at hand, so {some.lower()} cannot be "
            "compared row by row; give the table with --data."
        )
    return (
        f"{some} are judged on different rows (another split, seed or table), so their metrics "
        "differ by chance as well, and the intervals of each are all there is to go by; fit them "
        "with one seed and split to compare them row by row."
    )


def compare(
    runs: Mapping[str, Any] | list[Any],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> Path:
    """Write one page that compares runs.

    Parameters
    ----------
    runs
        Runs or fits, by name or in a list; two at least.
    path
        Where to; an older file there is replaced.
    title
        At its top.

    Raises
    ------
    InputError
        If there are fewer than two runs, or the file cannot be written.

    Returns
    -------
    Path
        Where it is.

    Examples
    --------
    >>> import tempfile
    >>> import descend as ds
    >>> table = ds.datasets.shipped_table("diabetes")
    >>> fits = {name: ds.fit(table, "progression", optimizer=name) for name in ("adam", "lbfgs")}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds.compare(fits, f"{folder}/both.html").name
    'both.html'
    """
    if isinstance(runs, list):
        runs = {f"run {i}": run for i, run in enumerate(runs, start=1)}
    return written(compared(runs), path, title=title)


def written(found: Comparison, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a comparison as one page."""
    from descend.files import write_bytes  # noqa: PLC0415 - the page reads comparisons
    from descend.report.compared_page import page_of  # noqa: PLC0415 - the same

    with np.errstate(all="ignore"):
        write_bytes(path, page_of(found, title))
    return Path(path)
