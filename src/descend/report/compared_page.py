"""The page that compares runs: what differs, curves overlaid, a race on one surface, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.page.writing import document
from descend.report import drawing
from descend.report.compared_text import results
from descend.report.drawing import Sketch, drawn, fitted, line
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
from descend.showing.frames import Frames, frames_of
from descend.showing.surfaces import Surface, surface_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.report.comparing import Comparison
    from descend.report.subject import Subject
    from descend.showing.curves import Curve

KINDS = ("one", "two", "three", "four", "five", "six")
# Sentences at the top.
_LEAD = 3
_POINTS, _FRAMES, _BANDS = 300, 100, 8
_SHAPE = (31, 46)
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
            element("main", _asked(found), _better(found), _course(found), _race(found), id="main"),
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


class _Line(NamedTuple):
    name: str
    kind: str
    x: Any
    y: Any


def _course(found: Comparison) -> Html:
    parts = [
        _overlaid(found, names, title)
        for names, title in (
            (("epoch_loss", "loss"), "Training loss"),
            (("validation_loss",), "Validation loss"),
        )
    ]
    ends = [
        element("li", named(name), f": {s.run.outcome.sentence}")
        for name, s in found.subjects.items()
    ]
    said = [] if found.same_loss else ["The objectives differ: only the course can be compared."]
    if len(found.subjects) > len(KINDS):
        said.append(f"The first {len(KINDS)} of {len(found.subjects)} runs are drawn.")
    return section(
        "course",
        "How they learnt",
        element("ul", *ends),
        element("div", *parts, class_="figures"),
        paragraphs(said, "note"),
    )


def _overlaid(found: Comparison, names: tuple[str, ...], title: str) -> Html | None:
    epochs = len({s.run.setup.batches_per_epoch for s in found.subjects.values()}) > 1
    lines = list(_lines(found.subjects, names, epochs=epochs))
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
    numbers = table(f"{title} of each run", ["run", "last", "least"], ends)
    return figure(
        drawn(sketch, marks), f"{title} of each run.", key(lines), details("In numbers", numbers)
    )


def _lines(
    subjects: dict[str, Subject], names: tuple[str, ...], *, epochs: bool
) -> Iterable[_Line]:
    for (name, subject), kind in zip(subjects.items(), KINDS, strict=False):
        curve = _first(curves_of(subject.run, _POINTS), names)
        if curve is not None and np.isfinite(curve.y).any():
            unit = subject.run.setup.batches_per_epoch if epochs else 1
            yield _Line(name, kind, curve.x / unit, curve.y)


def _first(curves: list[Curve], names: tuple[str, ...]) -> Curve | None:
    known = {curve.name: curve for curve in curves}
    return next((known[name] for name in names if name in known), None)


def key(lines: Iterable[_Line]) -> Html:
    """Return which line is whose: colour, dashes and name."""
    entries = (
        element("li", element("span", class_=f"swatch {one.kind}"), named(one.name))
        for one in lines
    )
    return element("ul", *entries, class_="key")


# ---------------------------------------------------------------- the race


def _race(found: Comparison) -> Html:
    title = "The race"
    if not found.same_surface:
        why = (
            "These runs do not move over one surface: that takes the same model, objective and "
            "training rows, with the rows at hand."
        )
        return section("race", title, paragraphs([why]))
    subjects = dict(list(found.subjects.items())[: len(KINDS)])
    frames = {name: frames_of(s.run, _FRAMES) for name, s in subjects.items()}
    best = min(subjects, key=lambda name: _height(subjects[name]))
    surface = surface_of(subjects[best].run, _SHAPE, _together(frames, best))
    if surface is None:
        return section("race", title, paragraphs(["There is no plane on which they all move."]))
    paths, first = [], 0
    for (name, own), kind in zip(_ordered(frames, best), _kinds(subjects, best), strict=True):
        path = surface.path[first : first + len(own.steps)]
        first += len(own.steps)
        paths.append(_Line(name, kind, path[:, 0], path[:, 1]))
    caption = (
        "The paths of all runs over the objective; darker is higher. Each starts at its ring and "
        "ends at its dot."
    )
    return section(
        "race",
        title,
        figure(_surface(surface, paths), caption, key(paths)),
        paragraphs([surface.sentence], "note"),
    )


def _height(subject: Subject) -> float:
    loss = subject.run.outcome.loss
    return loss if np.isfinite(loss) else float("inf")


def _ordered(frames: dict[str, Frames], best: str) -> list[tuple[str, Frames]]:
    """Return the frames of all runs, the best run's last: the plane goes through its end."""
    return [(n, f) for n, f in frames.items() if n != best] + [(best, frames[best])]


def _kinds(subjects: dict[str, Subject], best: str) -> list[str]:
    kinds = dict(zip(subjects, KINDS, strict=False))
    return [kind for name, kind in kinds.items() if name != best] + [kinds[best]]


def _together(frames: dict[str, Frames], best: str) -> Frames:
    ordered = _ordered(frames, best)
    theta = np.concatenate([own.theta for _, own in ordered])
    before = len(theta) - len(frames[best].theta)
    return Frames(np.arange(len(theta)), theta, before + frames[best].returned)


def _surface(surface: Surface, paths: list[_Line]) -> Html:
    sketch = Sketch("Paths over the objective", surface.u, surface.v, surface.axes)
    marks: list[Html] = [_heights(surface, sketch)]
    for one in paths:
        there = np.flatnonzero(np.isfinite(one.x) & np.isfinite(one.y))
        marks.append(line(sketch, one.x, one.y, one.kind))
        if len(there):
            ends = there[[0, -1]]
            px, py = drawing.across(sketch, one.x[ends]), drawing.up(sketch, one.y[ends])
            for x, y, end in zip(px.tolist(), py.tolist(), ("ring", "dot"), strict=True):
                kind = f"{end} {one.kind}"
                marks.append(element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4, class_=kind))
    return drawn(sketch, marks)


def _heights(surface: Surface, sketch: Sketch) -> Html:
    """Return the objective as bands, neighbours of one band joined along each row."""
    values = surface.values
    known = values[np.isfinite(values)]
    shares = np.linspace(0, 1, _BANDS + 1)[1:-1]
    edges: Any = np.quantile(known, shares) if len(known) else []
    bands = np.where(np.isfinite(values), np.searchsorted(edges, values), _BANDS)
    us, vs = (
        np.linspace(*ends, n + 1)
        for ends, n in ((surface.u, values.shape[1]), (surface.v, values.shape[0]))
    )
    xs, ys = drawing.across(sketch, us), drawing.up(sketch, vs)
    cells = []
    for i, row in enumerate(bands):
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        for a, b in zip(starts, [*starts[1:], len(row)], strict=True):
            size = {"width": f"{xs[b] - xs[a]:.1f}", "height": f"{ys[i] - ys[i + 1]:.1f}"}
            place = {"x": f"{xs[a]:.1f}", "y": f"{ys[i + 1]:.1f}"}
            cells.append(element("rect", **place, **size, class_=f"band{row[a]}"))
    return element("g", *cells, shape_rendering="crispEdges")
