"""How a run learnt: its curves, drawn once for paper, and the page with all its views alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.page.writing import mount
from descend.report.drawing import Sketch, drawn, fitted, line
from descend.report.errors import figure
from descend.report.markup import Html, element, number, paragraphs, section
from descend.showing.curves import Curve, curves_of
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.report.subject import Subject

_POINTS = 300
_KINDS = ("one", "two", "three")
_LOSSES = ("loss", "epoch_loss", "validation_loss")


def course_section(subject: Subject, *, live: bool) -> Html:
    """Return the curves and the place for the page."""
    run = subject.run
    parts = [paragraphs([_told(subject), run.outcome.sentence])]
    curves = [curve for curve in curves_of(run, _POINTS) if np.isfinite(curve.y).any()]
    losses = [curve for curve in curves if curve.name in _LOSSES]
    if live:
        anchor = element("span", id="steps")
        hint = (
            "Move through the recorded states with the slider, the space bar (play) and the arrow "
            "keys. Everything below shows the same state."
        )
        parts.append(element("div", anchor, paragraphs([hint]), Html(mount(0)), class_="live"))
    if losses:
        parts.append(element("div", loss_figure(losses), class_="still" if live else None))
    return section("course", "How it learnt", *parts)


def _told(subject: Subject) -> str:
    run = subject.run
    done = spaced(run.state.step)
    plural = "" if run.state.step == 1 else "s"
    first = run.history["loss"][:1].tolist()
    if not first:
        return f"{done} update{plural} were done."
    best, end = run.outcome.best_step, number(run.outcome.loss)
    went = f"{done} update{plural}: the training loss went from {number(first[0])} to {end}"
    if best is None or best == run.state.step:
        return f"{went}."
    return f"{went} at update {spaced(best)}, whose parameters were kept."


def loss_figure(losses: list[Curve], name: str = "Loss by update") -> Html:
    """Return the losses as a drawing, on a logarithmic axis where all are above 0."""
    values = [curve.y[np.isfinite(curve.y)] for curve in losses]
    log = all((part > 0).all() for part in values) and max(p.max() for p in values) > 20 * min(
        p.min() for p in values
    )
    x = fitted(*(curve.x for curve in losses))
    sketch = Sketch(
        name,
        (max(x[0], 0.0), x[1]),
        fitted(*values, log=log),
        ("updates done", "loss (log scale)" if log else "loss"),
        log,
    )
    lines = [
        line(sketch, curve.x, np.where(curve.y > 0, curve.y, np.nan) if log else curve.y, kind)
        for curve, kind in zip(losses, _KINDS, strict=False)
    ]
    key = element(
        "ul",
        *(
            element("li", element("span", class_=f"swatch {kind}"), curve.label)
            for curve, kind in zip(losses, _KINDS, strict=False)
        ),
        class_="key",
    )
    return figure(drawn(sketch, lines), "The loss by update.", key)
