"""How good a run is: in a sentence, and as a table beside knowing nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from descend.report.markup import Html, between, element, named, number, paragraphs, section, table
from descend.showing.intervals import MORE_IS_BETTER, paired
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.report.subject import Subject
    from descend.showing.intervals import Interval

# What each metric is called, and what it says.
NAMES = {
    "r2": ("R²", "the share of the target's variance that the predictions explain; 0 is the mean"),
    "rmse": ("RMSE", "root mean squared error, in the target's unit; large errors weigh most"),
    "mae": ("MAE", "mean absolute error, in the target's unit"),
    "accuracy": ("Accuracy", "the share of labels that are right"),
    "log_loss": (
        "Log loss",
        "minus the mean log-probability given to the true label; less is better",
    ),
}


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.96470), percent(-0.012)
    ('96.5 %', '−1.2 %')
    """
    return f"{number(round(100 * share, 1))} %"


def verdict(subject: Subject) -> list[Html | str]:
    """Return in a few sentences how good the run is, for those who read nothing else."""
    found, held = subject.intervals, subject.held
    if found is None or held is None:
        return ["How well it predicts cannot be said here: its rows are not at hand."]
    many = f"{spaced(found.n)} row{'' if found.n == 1 else 's'}"
    where = f"On {many} it had not seen"
    if not subject.unseen:
        where = f"On the {many} it learnt from, which flatters it"
    elif held.part == "validation":
        where = f"On {many} that it did not learn from"
        if subject.run.setup.patience is not None:
            where += ", though they told it when to stop"
    said = _of_labels(subject, where) if subject.labels else _of_numbers(subject, where)
    return [said, _beside_guessing(subject)]


def _of_numbers(subject: Subject, where: str) -> Html:
    found = subject.intervals
    assert found is not None
    mae, r2 = found.metrics["mae"], found.metrics["r2"]
    reach = "" if math.isnan(mae.low) else f" (95 % interval {between(*mae[1:])})"
    said = f" are off by {number(mae.value)} on average{reach}"
    if r2.value > 0:
        said += f", and explain {percent(r2.value)} of its variance{_percents(r2, '')}."
    else:  # it has no R² where it does not vary
        said += "." if math.isnan(r2.value) else ", and explain none of its variance."
    return element("span", f"{where}, its predictions of ", named(subject.target), said)


def _of_labels(subject: Subject, where: str) -> Html:
    found = subject.intervals
    assert found is not None
    right = found.metrics["accuracy"]
    return element(
        "span",
        f"{where}, it gives {percent(right.value)} the right label for ",
        named(subject.target),
        f"{_percents(right, '95 % interval ')}.",
    )


def _percents(one: Interval, what: str) -> str:
    """Return an interval of shares in brackets, or nothing where there is none."""
    known = not math.isnan(one.low)
    return f" ({what}{percent(one.low)} to {percent(one.high)})" if known else ""


def _beside_guessing(subject: Subject) -> str:
    assert subject.ignorant is not None
    assert subject.held is not None
    name = "accuracy" if subject.labels else "mae"
    told = paired(subject.ignorant, subject.held, subject.run.setup.seed)[name]
    known = percent(told.first) if subject.labels else number(told.first)
    guess = (
        f"Always guessing the most frequent label is right in {known}"
        if subject.labels
        else f"Always guessing the mean is off by {known}"
    )
    if math.isnan(told.low):
        n = len(subject.held.truth)
        rows = f"{n} such row is" if n == 1 else f"{n} such rows are"
        return f"{guess}; {rows} too few to say whether the model does better."
    ways = (
        f"{guess}; these rows do not show that the model does better.",
        f"{guess}, which is better than the model, by more than chance explains.",
        f"{guess}; the model does better, by more than chance explains.",
    )
    return ways[told.better]


def metrics_section(subject: Subject) -> Html:
    """Return the table of metrics, with the baseline and intervals."""
    title = "How good it is"
    found, held = subject.intervals, subject.held
    if found is None or held is None:
        return section("quality", title, *paragraphs_missing(subject))
    shown = found.draws > 0
    others = [part for part in subject.metrics if part != held.part]
    reach = ["95 % interval"] if shown else []
    head = ["", f"on {held.part} rows", *reach, "knowing nothing", *others]
    rows = [
        [
            element("abbr", NAMES[name][0], title=NAMES[name][1]),
            number(one.value),
            *([between(one.low, one.high)] if shown else []),
            number(subject.baseline.get(name)),
            *(number(subject.metrics[part][name]) for part in others),
        ]
        for name, one in found.metrics.items()
    ]
    nothing = "the shares of the training labels" if subject.labels else "the training rows' mean"
    meaning = element(
        "dl",
        *(
            part
            for name in found.metrics
            for part in (
                element("dt", NAMES[name][0]),
                element("dd", f"{NAMES[name][1]}. {_better(name)}"),
            )
        ),
        class_="terms",
    )
    return section(
        "quality",
        title,
        table(f"Metrics; knowing nothing is always answering {nothing}", head, rows),
        meaning,
        paragraphs([*found.sentences, *_of_split(subject)], "note"),
    )


def _better(name: str) -> str:
    return "More is better." if name in MORE_IS_BETTER else "Less is better."


def paragraphs_missing(subject: Subject) -> list[Html]:
    """Return what to say where the rows are not at hand, and how to give them."""
    how = (
        "descend report RUN --data TABLE"
        if subject.run.source is not None
        else "run.attach(X, y).report(path)"
    )
    return [
        element("p", "The rows this run was trained on are not at hand, so this cannot be shown."),
        element("p", "Give them with ", element("code", how), "."),
    ]


def _of_split(subject: Subject) -> list[str]:
    how = (subject.run.source or {}).get("how", {})
    if how.get("split_by"):
        alike = f"Rows alike in {how['split_by']!r} are not independent of one another: the "
        return [f"{alike}intervals, which draw rows one by one, are too narrow."]
    if how.get("in_order"):
        last = "The test rows are the last ones: the intervals say nothing of times that differ"
        return [f"{last} from theirs."]
    return []
