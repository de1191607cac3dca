"""The race: the paths of several runs on one surface, as a drawing of a page that compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.report import drawing
from descend.report.drawing import KINDS, Line, Sketch, drawn, key, line
from descend.report.errors import figure
from descend.report.markup import Html, element, paragraphs, section
from descend.showing.frames import Frames, frames_of
from descend.showing.surfaces import Surface, surface_of

if TYPE_CHECKING:
    from descend.arrays import Array
    from descend.report.comparing import Comparison
    from descend.report.subject import Subject

_FRAMES, _BANDS = 100, 8
# Where the objective is computed, and how many times finer its bands are drawn between.
_SHAPE, _FINER = (31, 46), 4


def race(found: Comparison) -> Html:
    """Return the race as a section, or a sentence that says why there is none."""
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
        paths.append(Line(name, kind, path[:, 0], path[:, 1]))
    caption = (
        "The paths of all runs over the objective: the stronger the colour, the higher it is. Each "
        "starts at its ring and ends at its dot."
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


def _surface(surface: Surface, paths: list[Line]) -> Html:
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
    """Return the objective as bands, each one path of strips along the rows."""
    values = _finer(_finer(surface.values).T).T
    known = surface.values[np.isfinite(surface.values)]
    shares = np.linspace(0, 1, _BANDS + 1)[1:-1]
    edges: Any = np.quantile(known, shares) if len(known) else []
    bands = np.where(np.isfinite(values), np.searchsorted(edges, values), _BANDS)
    us, vs = (
        np.linspace(*ends, n + 1)
        for ends, n in ((surface.u, values.shape[1]), (surface.v, values.shape[0]))
    )
    xs, ys = drawing.across(sketch, us), drawing.up(sketch, vs)
    strips: dict[int, list[str]] = {}
    for i, row in enumerate(bands):
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        for a, b in zip(starts, [*starts[1:], len(row)], strict=True):
            there = f"M{xs[a]:.1f} {ys[i]:.1f}H{xs[b]:.1f}V{ys[i + 1]:.1f}H{xs[a]:.1f}Z"
            strips.setdefault(int(row[a]), []).append(there)
    parts = (element("path", d="".join(d), class_=f"band{band}") for band, d in strips.items())
    return element("g", *parts, shape_rendering="crispEdges")


def _finer(values: Array) -> Array:
    """Return rows of values with more between them, on straight lines.

    >>> _finer(np.array([[0.0], [8.0]])).ravel().tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    whole, part = np.divmod(np.arange((len(values) - 1) * _FINER + 1), _FINER)
    after = np.minimum(whole + 1, len(values) - 1)
    share = (part / _FINER)[:, None]
    mixed: Array = np.where(
        share > 0, (1 - share) * values[whole] + share * values[after], values[whole]
    )
    return mixed
