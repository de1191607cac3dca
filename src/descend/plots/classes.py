"""How good predicted labels are: confusion, ROC, precision and recall, calibration.

Validation rows are judged where a run holds some, else the training rows; notes say which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.errors import InputError, did_you_mean
from descend.plots.axes import dim_grid, plain_axis
from descend.plots.words import counted, number, short, titled, width_of
from descend.showing import quality
from descend.showing.judged import judged
from descend.showing.samples import units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from descend.plots.style import Sheet
    from descend.run import Run
    from descend.showing.judged import Judged

# Curves beyond which only those of the labels hardest to tell apart are drawn.
MOST = 6
# Labels beyond which cells have no figures, or no room.
_FIGURES, _LABELS = 12, 40
_DARK = 0.55
# The share of a figure's width that its cells have, about.
_FOR_CELLS = 0.5


class Events(NamedTuple):
    """A label against all others: what it is called, scores and truth of each row."""

    name: str
    score: Floats
    truth: Array


def confusion(run: Run, sheet: Sheet, *, part: str | None = None, output: int = 0) -> Figure:
    """Draw how often each label was taken for each.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    output
        Of several outputs, which; counted from 0.
    """
    found = _labelled(run, part, "A confusion matrix")
    truth, guess = _codes(found, output)
    classes = [short(name, 18) for name in units_of(run).classes or ()]
    table = quality.confusion(truth, guess, classes, found.weight)
    figure = sheet.figure()
    ax = figure.subplots()
    of_row = table.counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(table.counts / of_row)
    image = ax.imshow(share, cmap=sheet.theme.ramp, vmin=0, vmax=1, aspect="auto")
    bar = figure.colorbar(image, ax=ax, shrink=0.9, pad=0.02)
    bar.set_label("share of the row" if sheet.small else "share of the rows of a true label")
    bar.outline.set_visible(False)
    _cells(ax, sheet, table.counts, share)
    _label_axes(ax, sheet, classes)
    right = table.counts.trace() / table.counts.sum()
    wrong = int((truth != guess).sum())
    whose = "" if found.truth.ndim == 1 else f" of {_output_name(run, output)}"
    title = f"Accuracy{whose} {100 * right:.4g} %: {counted(wrong, 'row')} of {len(truth):,} wrong"
    titled(figure, sheet, title, _rows(found))
    return figure


def roc(run: Run, sheet: Sheet, *, part: str | None = None) -> Figure:
    """Draw what share of a label's rows is found, against the share of false alarms.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    """
    found = _labelled(run, part, "A ROC curve")
    figure = sheet.figure()
    ax = figure.subplots()
    curves = [(e.name, quality.roc(e.score, e.truth, found.weight)) for e in _events(run, found)]
    curves.sort(key=lambda pair: pair[1].area)
    left_out = len(curves) - MOST
    for place, (name, curve) in enumerate(curves[:MOST]):
        label = f"{name}: area {number(curve.area, 4)}"
        ax.plot(
            curve.false_positive,
            curve.true_positive,
            label=label,
            **sheet.theme.series_style(place),
        )
    ax.plot([0, 1], [0, 1], color=sheet.theme.muted, lw=1, ls=":", label="guessing: area 0.5")
    _unit_square(ax)
    ax.set_xlabel("false positive rate")
    ax.set_ylabel("true positive rate")
    ax.legend(loc="lower right")
    name, worst = curves[0]
    title = f"Rows of {name} score above the others in {100 * worst.area:.4g} % of the pairs"
    if len(curves) > 1:
        hardest = f"hardest is {name}, with an area of {number(worst.area, 4)}"
        title = f"Each label against the rest; {hardest}"
    titled(figure, sheet, title, _rows(found), _more(left_out))
    return figure


def precision_recall(run: Run, sheet: Sheet, *, part: str | None = None) -> Figure:
    """Draw how many found rows are right, against how many right rows are found.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    """
    found = _labelled(run, part, "A precision-recall curve")
    figure = sheet.figure()
    ax = figure.subplots()
    events = _events(run, found)
    curves = [(e.name, quality.precision_recall(e.score, e.truth, found.weight)) for e in events]
    curves.sort(key=lambda pair: pair[1].average - pair[1].base)
    for place, (name, curve) in enumerate(curves[:MOST]):
        style = sheet.theme.series_style(place)
        label = f"{name}: average {number(curve.average, 4)}, guessing {number(curve.base)}"
        ax.step(curve.recall, curve.precision, where="pre", label=label, **style)
        ax.axhline(curve.base, color=style["color"], lw=0.9, ls=":")
    _unit_square(ax)
    ax.set_xlabel("recall")
    ax.set_ylabel("precision")
    ax.legend(loc="lower left")
    name, worst = curves[0]
    average = f"average precision {number(worst.average, 4)}"
    title = f"{name}: {average}, against {number(worst.base)} by guessing"
    if len(curves) > 1:
        title = f"Each label against the rest; hardest is {title}"
    titled(figure, sheet, title, _rows(found), _more(len(curves) - MOST))
    return figure


def calibration(
    run: Run, sheet: Sheet, *, part: str | None = None, label: str | None = None
) -> Figure:
    """Draw how often events of each probability happened, with 95 % intervals and counts.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    part
        ``"training"`` or ``"validation"``; default validation where there is some.
    label
        Which label's probability; default the second of two, and of several whichever is
        predicted: its probability is the confidence, and being right the event.
    """
    found = _labelled(run, part, "A calibration curve")
    event = _probable(run, found, label)
    told = quality.calibration(event.score, event.truth, weight=found.weight)
    figure = sheet.figure()
    ax, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    colour = sheet.theme.series[0]
    ax.plot([0, 1], [0, 1], color=sheet.theme.muted, lw=1, ls=":", label="calibrated")
    reach = np.array([told.share - told.low, told.high - told.share]).clip(0)
    ax.errorbar(
        told.mean,
        told.share,
        reach,
        color=colour,
        fmt="o-",
        lw=1.4,
        capsize=3,
        label="happened, with 95 % intervals",
    )
    _unit_square(ax)
    ax.set_ylabel("share that happened")
    ax.legend(loc="upper left")
    middle, width = told.edges.mean(axis=1), told.edges[:, 1] - told.edges[:, 0]
    bars = below.bar(middle, told.n, width * 0.94, color=colour, alpha=0.75)
    below.bar_label(bars, fmt="{:,.0f}", fontsize=8, color=sheet.theme.muted, padding=1)
    below.margins(y=0.35)
    below.set_ylabel("rows")
    below.set_xlabel(event.name)
    dim_grid(below, sheet.theme, "none")
    plain_axis(below, "y", 3, whole=True)
    off = f"is off by {number(told.error)} on average; Brier score {number(told.brier)}"
    title = f"{event.name[0].upper()}{event.name[1:]} {off}"
    titled(figure, sheet, title, _rows(found))
    return figure


FIGURES = {
    "confusion": confusion,
    "roc": roc,
    "precision_recall": precision_recall,
    "calibration": calibration,
}


# ---------------------------------------------------------------- what is judged


def _labelled(run: Run, part: str | None, what: str) -> Judged:
    if run.classes is None:
        msg = f"{what} is of labels, and this run predicts numbers; draw residuals instead."
        raise InputError(msg)
    found = judged(run, part)
    if not np.isfinite(found.scores).all():
        msg = (
            f"{what} needs scores that are numbers, and this run diverged; look at its loss, and "
            "at the doctor's evidence."
        )
        raise InputError(msg)
    return found


def _codes(found: Judged, output: int) -> tuple[Array, Array]:
    if found.truth.ndim == 1:
        return found.truth, found.predicted
    k = found.truth.shape[1]
    if output not in range(k) or isinstance(output, bool):
        msg = f"This model has {k} outputs: ask for output 0 to {k - 1}; got {output!r}."
        raise InputError(msg)
    return found.truth[:, output], found.predicted[:, output]


def _events(run: Run, found: Judged) -> list[Events]:
    """Return the second of two labels, or of each output, or each label against the rest."""
    classes = [short(name) for name in units_of(run).classes or ()]
    scores = found.scores
    if run.task.loss.targets == "labels":
        # Not the score itself: only its lead over the others tells the label from the rest.
        p = scores if found.probabilities is None else found.probabilities
        there = [c for c in range(len(classes)) if 0 < (found.truth == c).sum() < len(found.truth)]
        return [Events(classes[c], p[:, c], found.truth == c) for c in there]
    if found.truth.ndim == 1:
        return [Events(classes[1], scores[:, 0], found.truth == 1)]
    return [
        Events(_output_name(run, o), scores[:, o], found.truth[:, o] == 1)
        for o in range(scores.shape[1])
    ]


def _output_name(run: Run, output: int) -> str:
    return f"{short(units_of(run).target)}[{output}]"


def _probable(run: Run, found: Judged, label: str | None) -> Events:
    """Return the probabilities of a label, or the confidence, and whether it came true."""
    p, classes = found.probabilities, [str(name) for name in units_of(run).classes or ()]
    if p is None or found.truth.ndim > 1:
        msg = (
            "A calibration curve needs one label to a row, and a loss with probabilities; train "
            "with logistic or softmax."
        )
        raise InputError(msg)
    if label is not None and str(label) not in classes:
        hint = did_you_mean(str(label), classes)
        msg = f"There is no label {label!r}{hint}; there are {', '.join(map(repr, classes[:8]))}."
        raise InputError(msg)
    if label is None and len(classes) > 2:  # noqa: PLR2004 - two labels have one probability
        truth = found.truth == p.argmax(axis=1)
        return Events("confidence (probability of the predicted label)", p.max(axis=1), truth)
    place = 1 if label is None else classes.index(str(label))
    return Events(f"probability of {short(classes[place])}", p[:, place], found.truth == place)


# ---------------------------------------------------------------- drawing


def _cells(ax: Axes, sheet: Sheet, counts: Floats, share: Floats) -> None:
    """Write each cell's count, and its share of the row."""
    c = len(counts)
    if c > _FIGURES or (sheet.small and c > _FIGURES // 2):
        return
    for i in range(c):
        for j in range(c):
            dark = share[i, j] > _DARK
            color = sheet.theme.paper if dark else sheet.theme.ink
            said = f"{number(counts[i, j], 6)}\n{100 * share[i, j]:.0f} %"
            ax.text(
                j, i, said, ha="center", va="center", color=color, fontsize=9 if c <= MOST else 7.5
            )


def _label_axes(ax: Axes, sheet: Sheet, classes: list[str]) -> None:
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    dim_grid(ax, sheet.theme, "none")
    ax.spines[:].set_visible(False)
    if len(classes) > _LABELS:
        return
    widest = max(map(width_of, classes, [9.0] * len(classes)))
    places, turned = range(len(classes)), widest > _FOR_CELLS * sheet.size[0] / len(classes)
    ax.set_xticks(places, classes, rotation=45 if turned else 0, ha="right" if turned else "center")
    ax.set_yticks(places, classes)


def _unit_square(ax: Axes) -> None:
    ax.set_xlim(-0.015, 1.015)
    ax.set_ylim(-0.015, 1.03)
    plain_axis(ax, "x")
    plain_axis(ax, "y")


def _rows(found: Any) -> str:
    return f"Judged: {found.sentence}."


def _more(left_out: int) -> str:
    if left_out < 1:
        return ""
    are = "label told apart best is" if left_out == 1 else "labels told apart best are"
    return f"The {left_out} {are} left out."
