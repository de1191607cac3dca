"""What a run relies on: coefficients in original units, and columns shuffled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.report.drawing import Bar, bars
from descend.report.errors import figure
from descend.report.markup import (
    Html,
    between,
    details,
    element,
    named,
    number,
    paragraphs,
    section,
    table,
)
from descend.report.metrics import NAMES
from descend.showing.coefficients import INTERCEPT, Coefficient, Coefficients, coefficients
from descend.showing.intervals import MORE_IS_BETTER
from descend.showing.reliance import Reliance, reliance
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.report.subject import Subject

# Bars in a drawing, and rows in a table, at most.
_BARS, _ROWS = 15, 200


def relied_section(subject: Subject) -> Html:
    """Return importance and coefficients."""
    parts: list[Any] = [*_shuffled(subject)]
    found = coefficients(subject.run)
    if found is not None:
        parts += _coefficients(subject, found)
    return section("relied", "What it relies on", *parts)


def _shuffled(subject: Subject) -> list[Any]:
    held, heading = subject.held, element("h3", "When a column is shuffled")
    if held is None:
        return []
    try:
        found = _measured(subject)
    except InputError as error:
        return [heading, element("p", str(error), class_="note")]
    label, way = NAMES[found.metric][0], _way(found.metric)
    strongest = [Bar(c.name, c.drop, c.low, c.high) for c in found.columns[:_BARS]]
    rows = [
        [named(c.name), number(c.drop, 3), number(c.deviation, 2), between(c.low, c.high, 3)]
        for c in found.columns[:_ROWS]
    ]
    caption = f"How much {label} {way}s when a column is shuffled"
    return [
        heading,
        paragraphs([_most(found, label, way)]),
        figure(
            bars(caption, strongest, f"{way} of {label}"),
            f"{caption}: mean of the shuffles, and their range. {_left_out(len(found.columns))}",
            details(
                "The numbers of the shuffles",
                table(caption, ["column", f"mean {way}", "deviation", "range"], rows),
            ),
        ),
        paragraphs(found.sentences, "note"),
    ]


def _measured(subject: Subject) -> Reliance:
    """Return the shuffles of the rows that judge the run best."""
    held = subject.held
    assert held is not None
    run = subject.run
    if subject.prepared is not None:
        rows = subject.prepared.test
        return reliance(run, rows.X, rows.y, rows.weights, part="test")
    data = run.data
    assert data is not None
    X, _, weight = (data.X, data.y, data.weights) if data.validation is None else data.validation
    truth = held.truth if len(held.truth) == X.shape[0] else None
    if truth is None:  # a sample was judged
        X, truth = X[held.rows], held.truth
        weight = None if weight is None else weight[held.rows]
    truth = truth[:, 0] if truth.ndim == 2 and truth.shape[1] == 1 else truth  # noqa: PLR2004
    return reliance(run, X, truth, weight, part=held.part)


def _way(metric: str) -> str:
    """Return what a metric does when a model gets worse."""
    return "fall" if metric in MORE_IS_BETTER else "rise"


def _most(found: Reliance, label: str, way: str) -> Html:
    first = found.columns[0]
    now = f"{label} is {number(found.value, 3)}"
    if not first.low > 0:
        said = f"{now}; shuffling a single column does not make it {way} in every shuffle."
        return element("span", said)
    clear = sum(c.low > 0 for c in found.columns)
    return element(
        "span",
        "It relies most on ",
        named(first.name),
        f": {now}, and {way}s by {number(first.drop, 3)} when the values of that column are "
        f"shuffled among the rows. {clear} of {len(found.columns)} columns cost something in every "
        "shuffle.",
    )


def _left_out(count: int) -> str:
    return "" if count <= _BARS else f"The {_BARS} most relied on of {spaced(count)} are drawn."


# ---------------------------------------------------------------- coefficients


def _coefficients(subject: Subject, found: Coefficients) -> list[Any]:
    outputs = list(dict.fromkeys(row.output for row in found.rows))
    sure = [row for row in found.rows if not np.isnan(row.low)]
    told = [score_told(subject, len(outputs))]
    if any(row.level for row in found.rows):
        told.append("Levels of a category are given against the average row.")
    slopes = [row for row in sure if row.feature != INTERCEPT]
    if slopes:
        clear = sum(row.low > 0 or row.high < 0 for row in slopes)
        told.append(f"The intervals of {clear} of {len(slopes)} leave out 0.")
    parts: list[Any] = [element("h3", "Coefficients"), paragraphs(told)]
    if len(outputs) == 1:
        parts.append(_forest(found))
    whole = _table(found, several=len(outputs) > 1, factor=_factor(subject), sure=bool(sure))
    parts.append(_folded(whole, len(found.rows)))
    return [*parts, paragraphs(found.sentences, "note")]


def _table(found: Coefficients, *, several: bool, factor: str | None, sure: bool) -> Html:
    """Return the coefficients as a table, without columns that would hold nothing."""
    rows = [
        [
            named(row.feature),
            *([named(row.output)] if several else []),
            number(row.value, 5),
            *([] if factor is None else [_times(row)]),
            *([between(row.low, row.high, 3)] if sure else []),
            number(row.standard, 3),
        ]
        for row in found.rows[:_ROWS]
    ]
    head = [
        "column",
        *(["of the score for"] if several else []),
        "coefficient",
        *([] if factor is None else [factor]),
        *(["95 % interval"] if sure else []),
        "per standard deviation",
    ]
    caption = "Coefficients in the columns' own units, strongest first"
    return table(caption, head, rows, words=(0, 1) if several else (0,))


def _times(row: Coefficient) -> str:
    with np.errstate(over="ignore"):
        return "–" if row.feature == INTERCEPT else number(float(np.exp(row.value)), 4)


# Losses whose score is the logarithm of the odds.
_ODDS = ("logistic", "brier")


def _factor(subject: Subject) -> str | None:
    """Return what e to the power of a coefficient multiplies, or None where it has no meaning."""
    if subject.run.task.loss.name == "poisson":
        return "factor of the prediction"
    return "factor of the odds" if subject.run.task.loss.name in _ODDS else None


def score_told(subject: Subject, outputs: int) -> str:
    """Say what a coefficient is a part of, and what comes of a column that grows."""
    loss, one = subject.run.task.loss, outputs == 1
    label = f" for {_positive(subject)}" if subject.labels and one else ""
    whose = f"The score{label} is" if one else "The score of each output is"
    said = f"{whose} the intercept plus the sum of all columns, each times its coefficient"
    grows = "where a column grows by 1 in its own unit and the others stay,"
    if loss.name == "poisson":
        return (
            f"{said}. The score is the logarithm of the prediction: {grows} the prediction is "
            "multiplied by the factor in the table, e to the power of the coefficient."
        )
    if loss.name in _ODDS:
        return (
            f"{said}. The score is the logarithm of the odds, p / (1 - p){label}: {grows} the odds "
            "are multiplied by the factor in the table, e to the power of the coefficient."
        )
    if loss.name == "softmax":
        said += ". The difference of two labels' scores is the logarithm of their odds"
    elif loss.name != "custom" and not subject.labels:
        said += ", and the score is the prediction"
    return f"{said}: {grows} the score grows by the coefficient in the table."


def _folded(whole: Html, rows: int) -> Html:
    return whole if rows <= _BARS + 1 else details(f"All {spaced(rows)} coefficients", whole)


def _forest(found: Coefficients) -> Html:
    """Return the strongest coefficients, scaled so that they can stand beside one another."""
    strongest = [_scaled(row) for row in found.rows if row.feature != INTERCEPT][:_BARS]
    count = len(found.rows) - 1
    more = "" if count <= _BARS else f" The {_BARS} strongest of {spaced(count)} are drawn."
    known = sum(not math.isnan(bar.low) for bar in strongest)
    reach = "Lines are 95 % intervals."
    if not known:
        reach = found.sentences[0] if found.sentences else "There are no intervals."
    elif known < len(strongest):
        reach = "Thick lines are 95 % intervals; where there is none, a thin line leads to 0."
    return figure(
        bars("Coefficients per standard deviation", strongest, "per standard deviation"),
        "Coefficients as the model meets the columns: for columns of numbers, per standard "
        f"deviation, so that they can be compared. {reach}{more}",
    )


def _scaled(row: Coefficient) -> Bar:
    unit = row.standard / row.value if row.value else float("nan")
    return Bar(row.feature, row.standard, row.low * unit, row.high * unit)


def _positive(subject: Subject) -> str:
    classes = subject.run.classes or [0, 1]
    return repr(classes[1])
