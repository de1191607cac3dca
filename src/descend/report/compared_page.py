"""The page that compares runs: what differs, curves overlaid, a race on one surface, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.page.writing import document
from descend.report.compared_race import race
from descend.report.compared_text import results
from descend.report.comparing import alike, unlike
from descend.report.drawing import KINDS, Line, Sketch, drawn, fitted, key, line
from descend.report.errors import figure
from descend.report.making import MADE_BY, contents, packaged
from descend.report.markup import (
    Html,
    between,
    details,
    element,
    joined,
    named,
    number,
    paragraphs,
    section,
    table,
)
from descend.report.metrics import NAMES
from descend.showing.curves import curves_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.report.comparing import Comparison
    from descend.report.subject import Subject
    from descend.showing.curves import Curve

# Sentences at the top.
_LEAD = 3
_POINTS = 300
_CONTENTS = (
    ("differ", "What differs"),
    ("better", "Which is better"),
    ("course", "How they learnt"),
    ("race", "The race"),
)


def page_of(found: Comparison, title: str | None) -> str:
    """Return the whole document."""
    plain = title or f"Comparing {', '.join(list(found.subjects)[:4])}"
    body = joined(
        [
            element("a", "To the comparison", href="#main", class_="skip"),
            element("header", element("h1", plain), _lead(found), class_="top"),
            contents(_CONTENTS),
            element("main", _asked(found), _better(found), _course(found), race(found), id="main"),
            element("footer", element("p", MADE_BY)),
        ]
    )
    return document(plain, body, style=packaged("report.css"))


def _lead(found: Comparison) -> Html:
    said = [pair.sentence for pair in found.pairs] or list(found.sentences)
    return element("div", paragraphs(said[:_LEAD]), class_="lead")


def _asked(found: Comparison) -> Html:
    if not found.differences:
        same = "Nothing differs in what was asked of these runs."
        return section("differ", "What differs", paragraphs([same]))
    rows = [[row.what, *row.asked] for row in found.differences]
    head = ["", *map(named, found.subjects)]
    words = range(len(head))
    what = "All else that was asked is the same."
    whole = table("What was asked, where it differs", head, rows, words=words)
    return section("differ", "What differs", whole, paragraphs([what], "note"))


def _better(found: Comparison) -> Html:
    head = ["", *map(named, found.subjects)]
    rows = [[row.what, *row.asked] for row in results(found)]
    whole = table("What came of them; metrics with 95 % intervals", head, rows)
    pairs = [_pair(pair) for pair in found.pairs]
    said = [pair.sentence for pair in found.pairs[_LEAD:]]  # the first ones stand at the top
    return section(
        "better",
        "Which is better",
        paragraphs(said),
        whole,
        *pairs,
        paragraphs(found.sentences, "note"),
    )


def _pair(pair: Any) -> Html:
    rows = [
        [
            NAMES[name][0],
            number(one.first),
            number(one.second),
            number(one.value, 3),
            between(one.low, one.high, 3),
            ("cannot be told", f"{pair.first} is better", f"{pair.second} is better")[one.better],
        ]
        for name, one in pair.told.items()
    ]
    caption = f"{pair.second} less {pair.first}, row by row"
    head = ["", pair.first, pair.second, "difference", "95 % interval", "what it means"]
    notes = ["Both were drawn again together, row by row, so what is hard for both cancels."]
    exact = next((one.discordant for one in pair.told.values() if one.discordant), None)
    if exact is not None:
        notes.append(
            f"Of accuracy the interval is exact (McNemar's test): {exact[0]} rows are right by "
            f"{pair.first} alone, {exact[1]} by {pair.second} alone."
        )
    elif "accuracy" in pair.told:
        notes.append("With weights there is no exact test, so accuracy too was drawn again.")
    return details(
        f"{pair.first} and {pair.second}, metric by metric",
        table(caption, head, rows, words=(0, 5)),
        paragraphs(notes, "note"),
    )


# ---------------------------------------------------------------- curves


def _course(found: Comparison) -> Html:
    kinds = dict(zip(found.subjects, KINDS, strict=False))
    parts = [
        _overlaid({name: found.subjects[name] for name in group}, kinds, names, title)
        for group in alike({name: found.subjects[name] for name in kinds})
        for names, title in (
            (("epoch_loss", "loss"), "Training loss"),
            (("validation_loss",), "Validation loss"),
        )
    ]
    ends = [
        element("li", named(name), f": {s.run.outcome.sentence}")
        for name, s in found.subjects.items()
    ]
    said = []
    if not found.same_loss:
        why = "Runs of different objectives have axes of their own: only their course compares."
        said.append(f"{why} {unlike(found.subjects) if found.same_target else ''}".rstrip())
    if len(found.subjects) > len(KINDS):
        said.append(f"The first {len(KINDS)} of {len(found.subjects)} runs are drawn.")
    return section(
        "course",
        "How they learnt",
        element("ul", *ends),
        element("div", *parts, class_="figures"),
        paragraphs(said, "note"),
    )


def _overlaid(
    subjects: dict[str, Subject], kinds: dict[str, str], names: tuple[str, ...], title: str
) -> Html | None:
    epochs = len({s.run.setup.batches_per_epoch for s in subjects.values()}) > 1
    lines = list(_lines(subjects, kinds, names, epochs=epochs))
    if not lines:
        return None
    values = [one.y[np.isfinite(one.y)] for one in lines]
    log = all((part > 0).all() for part in values)
    x = fitted(*(one.x for one in lines))
    across = "epochs done" if epochs else "updates done"
    sketch = Sketch(
        title,
        (max(x[0], 0.0), x[1]),
        fitted(*values, log=log),
        (across, f"{title.lower()} (log scale)" if log else title.lower()),
        log,
    )
    with np.errstate(all="ignore"):
        marks = [line(sketch, one.x, one.y, one.kind) for one in lines]
    ends = [
        [named(one.name), number(float(one.y[-1])), number(float(np.nanmin(one.y)))]
        for one in lines
    ]
    of = (
        f"{title} of {', '.join(subjects)}"
        if len(subjects) < len(kinds)
        else f"{title} of each run"
    )
    numbers = table(of, ["run", "last", "least"], ends)
    return figure(drawn(sketch, marks), f"{of}.", key(lines), details("In numbers", numbers))


def _lines(
    subjects: dict[str, Subject], kinds: dict[str, str], names: tuple[str, ...], *, epochs: bool
) -> Iterable[Line]:
    for name, subject in subjects.items():
        curve = _first(curves_of(subject.run, _POINTS), names)
        if curve is not None and np.isfinite(curve.y).any():
            unit = subject.run.setup.batches_per_epoch if epochs else 1
            yield Line(name, kinds[name], curve.x / unit, curve.y)


def _first(curves: list[Curve], names: tuple[str, ...]) -> Curve | None:
    known = {curve.name: curve for curve in curves}
    return next((known[name] for name in names if name in known), None)
