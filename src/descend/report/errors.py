"""Where a run errs: residuals of numbers, confusion and calibration of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.report import drawing
from descend.report.drawing import Sketch, drawn, fitted, line, points, whiskers
from descend.report.markup import (
    Html,
    details,
    element,
    joined,
    named,
    number,
    paragraphs,
    section,
    table,
)
from descend.report.metrics import paragraphs_missing, percent
from descend.showing.intervals import FEWEST_ROWS
from descend.showing.quality import Calibration, calibration, confusion, residuals, roc
from descend.showing.samples import drawn as chosen
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.arrays import Array
    from descend.report.subject import Subject
    from descend.showing.judged import Judged
    from descend.showing.quality import Confusion

# Labels beyond which a whole matrix is not read, and rows of lists.
_LABELS, _WORST = 12, 8
_SHADES = 5
# Outputs that are drawn, and those whose quantiles are listed.
_OUTPUTS, _MANY = 3, 20


def errors_section(subject: Subject) -> Html:
    """Return residuals, or confusion and calibration."""
    held = subject.held
    if held is None:
        return section("errors", "Where it errs", *paragraphs_missing(subject))
    parts = _of_labels(subject, held) if subject.labels else _of_numbers(subject, held)
    where = f"Shown: {held.sentence}."
    return section("errors", "Where it errs", element("p", where), *parts)


def figure(picture: Html, caption: str, *more: Any) -> Html:
    """Return a drawing with what it shows in words, and its numbers folded away."""
    return element("figure", picture, element("figcaption", caption), *more)


# ---------------------------------------------------------------- numbers


def _of_numbers(subject: Subject, held: Judged) -> list[Html | None]:
    found = residuals(held)
    rows = chosen(len(found.residual), drawing.POINTS, subject.run.setup.seed)
    figures = []
    for j in range(min(found.residual.shape[1], _OUTPUTS)):
        guess, truth, left = (
            part[rows, j] for part in (found.predicted, found.truth, found.residual)
        )
        of = f" {j + 1}" if found.residual.shape[1] > 1 else ""
        figures += [_true(guess, truth, of), _left(guess, left, of)]
    said = []
    if len(rows) < len(found.residual):
        said.append(
            f"The drawings show {len(rows)} of {spaced(len(found.residual))} rows, drawn by the "
            "keyed permutation."
        )
    said += _of_outputs(found.residual.shape[1], "drawn")
    return [
        paragraphs(said, "note"),
        element("div", *figures, class_="figures"),
        _spread(found.residual, held.weight),
        _worst(subject, found),
    ]


def _true(guess: Array, truth: Array, of: str) -> Html:
    both = fitted(guess, truth)
    sketch = Sketch(f"Predicted against true{of}", both, both, (f"predicted{of}", f"true{of}"))
    picture = drawn(sketch, [line(sketch, both, both, "aim"), points(sketch, guess, truth)])
    return figure(picture, f"True{of} against predicted. On the line the prediction is right.")


def _left(guess: Array, left: Array, of: str) -> Html:
    ends = fitted(guess)
    sketch = Sketch(
        f"Residuals{of} against predictions",
        ends,
        fitted(left, [0.0]),
        (f"predicted{of}", "true less predicted"),
    )
    zero = line(sketch, ends, [0.0, 0.0], "aim")
    return figure(
        drawn(sketch, [zero, points(sketch, guess, left)]),
        f"What was true less what was predicted{of}. A pattern about the line is something the "
        "model has missed.",
    )


def _of_outputs(count: int, what: str) -> list[str]:
    """Say which outputs are shown, where not all are."""
    return [f"Of {count} outputs the first {_OUTPUTS} are {what}."] if count > _OUTPUTS else []


def _spread(residual: Array, weight: Array | None) -> Html | None:
    """Return the residuals' quantiles, for those who do not see the drawing."""
    k = residual.shape[1]
    rows = []
    for j in range(min(k, _MANY)):
        left = residual[np.isfinite(residual[:, j]), j]
        if len(left) < FEWEST_ROWS or weight is not None:
            continue
        cells = [number(float(v), 3) for v in np.percentile(left, (0, 5, 25, 50, 75, 95, 100))]
        rows.append(["residual" if k == 1 else f"output {j + 1}", *cells])
    names = ("least", "5 %", "25 %", "median", "75 %", "95 %", "largest")
    more = f", of the first {_MANY} of {k} outputs" if k > _MANY else ""
    return table(f"True less predicted, in quantiles{more}", ["", *names], rows) if rows else None


def _worst(subject: Subject, found: Any) -> Html | None:
    """Return the rows whose predictions are farthest off, each in the output that is."""
    k = found.residual.shape[1]
    with np.errstate(all="ignore"):
        size = np.nan_to_num(np.abs(found.residual), nan=-1.0)
        usual = np.sqrt(np.mean(found.residual**2, axis=0)) if k > 1 else np.ones(1)
        size = np.nan_to_num(size / np.where(usual > 0, usual, 1.0), nan=-1.0)
    order = np.argsort(-size.max(axis=1), kind="stable")[:_WORST]
    ids = None if subject.prepared is None else getattr(subject.prepared, found.part, None)
    names = None if ids is None else ids.ids
    rows = []
    for i in order.tolist():
        j = int(size[i].argmax())
        cells = (float(part[i, j]) for part in (found.truth, found.predicted, found.residual))
        name = named(names[found.rows[i]]) if names else f"{int(found.rows[i]) + 1}"
        rows.append([name, *([f"{j + 1}"] if k > 1 else []), *map(number, cells)])
    caption = _farthest(len(rows), len(size), found.part)
    if k > 1:
        caption += ", each in its output that is, beside the usual error of that output"
    head = ["id" if names else f"{found.part} row", *(["output"] if k > 1 else [])]
    head += ["true", "predicted", "difference"]
    return details(caption, table(caption, head, rows)) if rows else None


def _farthest(shown: int, n: int, part: str) -> str:
    if shown < n:
        return f"The {shown} {part} rows that are farthest off"
    return f"The only {part} row" if n == 1 else f"All {n} {part} rows, farthest off first"


# ---------------------------------------------------------------- labels


def _of_labels(subject: Subject, held: Judged) -> list[Html | None]:
    classes = [str(label) for label in subject.run.classes or ()]
    if held.truth.ndim == 1:
        found = confusion(held.truth, held.predicted, classes, held.weight)
        return [_confusion(found), element("div", *_curves(subject, held), class_="figures")]
    parts: list[Html | None] = []
    for j in range(min(held.truth.shape[1], _OUTPUTS)):
        truth, guess = held.truth[:, j], held.predicted[:, j]
        one = confusion(truth, guess, classes, held.weight)
        parts += [element("h3", f"Output {j + 1}"), _confusion(one)]
    return [*parts, paragraphs(_of_outputs(held.truth.shape[1], "shown"), "note")]


def _confusion(found: Confusion) -> Html:
    if len(found.classes) > _LABELS:
        return _mistakes(found)
    shade = found.counts / np.maximum(found.counts.sum(axis=1, keepdims=True), 1e-300)
    rows = []
    for i, label in enumerate(found.classes):
        cells = [
            element(
                "td",
                number(float(found.counts[i, j])),
                class_=f"shade{math_shade(shade[i, j])}" + (" right" if i == j else ""),
            )
            for j in range(len(found.classes))
        ]
        found_share = element("td", _share(found.recall[i]))
        rows.append(element("tr", element("th", named(label), scope="row"), *cells, found_share))
    top = [element("th", named(label), scope="col") for label in found.classes]
    precision = [element("td", _share(p)) for p in found.precision]
    caption = "How often each true label (rows) was predicted as each label (columns)"
    whole = element(
        "table",
        element("caption", caption),
        element(
            "thead",
            element(
                "tr",
                element("th", "true, predicted as", scope="col"),
                *top,
                element("th", "found", scope="col"),
            ),
        ),
        element("tbody", *rows),
        element(
            "tfoot",
            element("tr", element("th", "right", scope="row"), *precision, element("td", "")),
        ),
        class_="confusion",
    )
    note = (
        "Found: the share of rows with that true label that were given it (recall). Right: the "
        "share of rows given a label that truly have it (precision)."
    )
    region = {"role": "group", "tabindex": "0", "aria_label": caption}
    return joined([element("div", whole, class_="wide", **region), paragraphs([note], "note")])


def math_shade(share: float) -> int:
    """Return which of six shades stands for a share.

    >>> [math_shade(s) for s in (0.0, 0.01, 0.5, 1.0)]
    [0, 1, 3, 5]
    """
    return 0 if not share > 0 else min(1 + int(share * (_SHADES - 0.001)), _SHADES)


def _share(share: float) -> str:
    return "–" if np.isnan(share) else percent(float(share))


def _mistakes(found: Confusion) -> Html:
    """Return the most frequent mistakes of a long list of labels."""
    wrong = found.counts * (1 - np.eye(len(found.classes)))
    order = np.argsort(-wrong.ravel(), kind="stable")[:_LABELS]
    rows = [
        [named(found.classes[i]), named(found.classes[j]), number(float(wrong[i, j]))]
        for i, j in (divmod(int(place), len(found.classes)) for place in order)
        if wrong[i, j]
    ]
    caption = f"The most frequent mistakes among {len(found.classes)} labels"
    return table(caption, ["true", "predicted as", "rows"], rows, words=(0, 1))


def _curves(subject: Subject, held: Judged) -> list[Html]:
    """Return calibration and ROC, where there is something to draw."""
    found: list[Html] = []
    p = held.probabilities
    if p is not None:
        two = p.shape[1] == 2  # noqa: PLR2004 - the second label is the one that is asked for
        chance = p[:, 1] if two else p.max(axis=1)
        event = held.truth == (1 if two else held.predicted)
        try:
            told = calibration(chance, event, weight=held.weight)
        except InputError as error:
            return [element("p", str(error), class_="note")]
        of = f" for {(subject.run.classes or [0, 1])[1]!s}" if two else " of the predicted label"
        found.append(_calibration(told, of))
    if held.scores.shape[1] == 1:
        try:
            curve = roc(held.scores[:, 0], held.truth, held.weight)
        except InputError as error:
            return [*found, element("p", str(error), class_="note")]
        found.append(_roc(curve))
    return found


def _calibration(told: Calibration, of: str) -> Html:
    unit = (-0.02, 1.02)
    sketch = Sketch("Calibration", unit, unit, ("predicted probability", "how often it came true"))
    marks = [
        line(sketch, [0, 1], [0, 1], "aim"),
        whiskers(sketch, told.mean, told.low, told.high),
        line(sketch, told.mean, told.share),
        points(sketch, told.mean, told.share, r=3.5),
    ]
    rows = [
        [f"{a:g} to {b:g}", number(m, 3), number(s, 3), f"{number(low, 2)} to {number(high, 2)}", n]
        for (a, b), m, s, low, high, n in zip(
            told.edges.tolist(), *(part.tolist() for part in told[1:6]), strict=True
        )
    ]
    caption = f"Probability{of} against how often it came true"
    head = ["probability", "mean", "came true", "95 % interval", "rows"]
    return figure(
        drawn(sketch, marks),
        f"{caption}: on the line they agree. They differ by {number(told.error, 2)} on average. "
        "Bars are 95 % intervals (Wilson); bins of few rows have long ones.",
        details("The numbers of the calibration", table(caption, head, rows)),
    )


def _roc(curve: Any) -> Html:
    unit = (-0.02, 1.02)
    labels = ("share of the others taken for it", "share of the label found")
    sketch = Sketch("ROC curve", unit, unit, labels)
    keep = np.unique(np.linspace(0, len(curve.threshold) - 1, drawing.POINTS).astype(int))
    marks = [
        line(sketch, [0, 1], [0, 1], "aim"),
        line(sketch, curve.false_positive[keep], curve.true_positive[keep]),
    ]
    return figure(
        drawn(sketch, marks),
        f"ROC curve: what each threshold finds, and takes by mistake. The area below it is "
        f"{number(curve.area, 3)}; guessing has 0.5 (the dashed line), and 1 is the best.",
    )
