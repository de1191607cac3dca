"""Evidence of what was learnt: validation that grew worse, classes, margins, and misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend import losses
from descend.plots.axes import drawable, log_axis, named_ends, plain_axis, positive, spans_decades
from descend.plots.evidence_descent import with_table
from descend.plots.evidence_shapes import (
    Limit,
    histograms,
    lollipops,
    points,
    table,
    upright,
)
from descend.plots.learning import curves_by_name
from descend.plots.marks import Mark, draw_marks
from descend.plots.words import counted, number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from descend.arrays import Array, Floats
    from descend.plots.evidence_case import Case, Panel

# Columns that residuals are held against.
_LOOKED_AT = 50


def overfit(case: Case) -> list[Panel]:
    """Training and validation losses, and the gap between them since validation was best."""
    curves = curves_by_name(case.run)
    if "best_epoch" in case.seen and "validation_loss" in curves:
        return [lambda ax: _gap(ax, case)]
    values = case.numbers("training_loss", "validation_loss", "loss_of_a_plain_model")
    if not values:
        return with_table(case)
    plain = values.pop("loss of a plain model", None)
    limit = None if plain is None else Limit(plain, "a plain model")
    return [
        lambda ax: lollipops(
            ax, case.theme, values, marked=["validation loss"], limit=limit, label="loss of a row"
        )
    ]


def _gap(ax: Axes, case: Case) -> None:
    curves = curves_by_name(case.run)
    train, held = curves.get("epoch_loss", curves["loss"]), curves["validation_loss"]
    log = spans_decades(train.y, held.y)
    clean = positive if log else drawable
    theme, x = case.theme, held.x
    below = np.interp(x, train.x, clean(train.y))
    best = int(case.seen["best_epoch"]) * case.run.setup.batches_per_epoch
    ends = []
    for place, (each, name) in enumerate(((train, "training"), (held, "validation"))):
        y = clean(each.y)
        ax.plot(each.x, y, **theme.series_style(place), label=name)
        ends.append((float(each.x[-1]), float(y[-1]), name, theme.series[place]))
    since = x >= best
    ax.fill_between(x, below, clean(held.y), where=since, color=theme.bad, alpha=0.12, linewidth=0)
    if log:
        log_axis(ax, "y")
    else:
        plain_axis(ax, "y")
    plain_axis(ax, "x", 7, whole=True)
    ax.set_xlabel("updates")
    ax.set_ylabel("loss")
    named_ends(ax, ends)
    draw_marks(
        [ax], [Mark(best, f"validation was best: epoch {case.seen['best_epoch']}", theme.good)]
    )


def imbalance(case: Case) -> list[Panel]:
    """How many rows each class has, and how many of them are told right."""
    rows = case.rows
    if rows is None or not case.labelled or case.run.classes is None or rows.y.shape[1] > 1:
        return []
    y = rows.y[:, 0].astype(int)
    said = case.scores.argmax(axis=1) if case.targets == "labels" else (case.scores[:, 0] > 0)
    right = said.astype(int) == y
    return [lambda ax: _classes(ax, case, y, right)]


def _classes(ax: Axes, case: Case, y: Array, right: Array) -> None:
    theme, classes = case.theme, list(case.run.classes or ())
    count = np.bincount(y, minlength=len(classes))
    told = np.bincount(y[right], minlength=len(classes))
    order = np.argsort(-count, kind="stable")[:12]
    place = -np.arange(len(order))
    ax.barh(place, told[order], color=theme.series[0], label="told right")
    ax.barh(place, (count - told)[order], left=told[order], color=theme.series[1], hatch="///",
            edgecolor=theme.paper, label="taken for another")  # fmt: skip
    for spot, i in zip(place, order, strict=True):
        words = f"{number(told[i], 9)} of {number(count[i], 9)} right"
        ax.annotate(words, (float(count[i]), float(spot)), xytext=(6, 0), va="center",
                    textcoords="offset points", color=theme.ink)  # fmt: skip
    ax.set_yticks(place, [short(classes[i]) for i in order])
    ax.tick_params(axis="y", length=0, labelcolor=theme.ink)
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.2)
    plain_axis(ax, "x", whole=True)
    ax.set_xlabel("rows shown")
    ax.legend(loc="lower right")


def separation(case: Case) -> list[Panel]:
    """Show the margins of all rows: every one is on its own side."""
    margins = margins_of(case)
    if margins is None:
        return []
    return [lambda ax: _margins(ax, case, margins)]


def margins_of(case: Case) -> Floats | None:
    """Return by how much each row's own class leads in the scores, or None."""
    rows = case.rows
    if rows is None or not case.labelled or rows.y.shape[1] > 1:
        return None
    y = rows.y[:, 0].astype(int)
    if case.targets == "two labels":
        found: Floats = case.scores[:, 0] * (2 * y - 1)
        return found
    own = case.scores[np.arange(len(y)), y]
    others = case.scores.copy()
    others[np.arange(len(y)), y] = -np.inf
    return np.asarray(own - others.max(axis=1))


def _margins(ax: Axes, case: Case, margins: Floats) -> None:
    histograms(ax, case.theme, {"margin": margins}, "score for its own class, less the other's")
    ax.set_xlim(left=min(0.0, float(margins.min())) - 0.05 * float(np.ptp(margins) or 1.0))
    upright(ax, case.theme, Limit(0.0, "wrong | right"))


def misses(case: Case) -> list[Panel]:
    """Show the loss of every row in order, those the finding names marked."""
    rows = case.rows
    if rows is None:
        return []
    y = rows.y[:, 0].astype(int) if case.targets == "labels" else rows.y
    with np.errstate(all="ignore"):
        per_row = np.asarray(losses.rows(case.run.task.loss, case.scores, y), dtype=np.float64)
    return [lambda ax: _ranked(ax, case, per_row, case.marked(rows), "loss of the row")]


def _ranked(ax: Axes, case: Case, values: Floats, marked: Array, label: str) -> None:
    """Draw values from the largest down, the named ones marked."""
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    log = spans_decades(values[values > 0])
    shown = (positive if log else drawable)(values[order])
    place = np.arange(1.0, len(order) + 1)
    points(ax, case.theme, place, shown, marked=marked[order], labels=("rows, in order", label))
    if log:
        log_axis(ax, "y")
        ax.set_ylim(bottom=float(np.nanquantile(shown, 0.02)))
    told = f"named by the finding: {counted(int(marked.sum()), 'row')}"
    ax.annotate(told, (0.97, 0.95), xycoords="axes fraction", ha="right", va="top",
                color=case.theme.bad)  # fmt: skip


def mismatch(case: Case) -> list[Panel]:
    """Show the values the target has, or what is told right against what could be."""
    values, each = case.seen.get("values"), case.seen.get("rows_of_each")
    if values is not None and each is not None:
        kept = {number(v, 6): float(n) for v, n in list(zip(values, each, strict=True))[:12]}
        return [lambda ax: lollipops(ax, case.theme, kept, label="rows with this target")]
    shares = case.numbers("accuracy", "accuracy_within_reach")
    if not shares:
        return with_table(case)
    return [
        lambda ax: lollipops(
            ax, case.theme, shares, marked=["accuracy"], log=False, label="share told right"
        )
    ]


def underfit(case: Case) -> list[Panel]:
    """Show what is left unexplained: residuals with a shape, or losses that could be lower."""
    values = case.numbers("loss", "loss_without_penalty", "loss_of_a_constant")
    if len(values) > 1:
        return [lambda ax: lollipops(ax, case.theme, values, marked=["loss"], label="loss")]
    rows = case.rows
    if rows is None or case.labelled or rows.y.shape[1] > 1:
        return with_table(case)
    said = losses.predicted(case.run.task.loss, case.scores)[:, 0]
    missed = rows.y[:, 0] - said
    columns = {short(name): rows.X[:, i] for i, name in enumerate(case.run.names[:_LOOKED_AT])}
    against = {"predicted": said, **columns}
    name = max(against, key=lambda key: float(np.var(_means(against[key], missed)[1])))
    return [lambda ax: _left_over(ax, case, name, against[name], missed)]


def _left_over(ax: Axes, case: Case, name: str, x: Floats, missed: Floats) -> None:
    """Draw residuals against what they follow most, with the means of neighbours."""
    none = np.zeros(len(x), dtype=bool)
    points(ax, case.theme, x, missed, marked=none, labels=(name, "target less prediction"))
    ax.axhline(0, color=case.theme.ink, linewidth=1, zorder=1)
    color = case.theme.series[1]
    ax.plot(*_means(x, missed), color=color, linewidth=2.4, label="mean of neighbours")
    ax.set_title("line: mean of neighbouring rows, 0 if nothing were left", color=color)


def _means(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the means of groups of neighbours by x."""
    groups = np.array_split(np.argsort(x, kind="stable"), min(20, max(len(x) // 5, 1)))
    kept = [g for g in groups if len(g)]
    return np.array([x[g].mean() for g in kept]), np.array([y[g].mean() for g in kept])


def met_at_random(case: Case) -> list[Panel]:
    """Targets against predictions: every row is predicted the same."""
    rows = case.rows
    if rows is None or case.labelled or rows.y.shape[1] > 1 or case.scores.shape[1] > 1:
        return with_table(case)
    parts = {"targets": rows.y[:, 0], "predictions": case.scores[:, 0]}
    return [
        lambda ax: histograms(ax, case.theme, parts, "value"),
        lambda ax: table(ax, case.theme, case.seen),
    ]


DRAWS = {
    "overfit": overfit,
    "class-imbalance": imbalance,
    "perfect-separation": separation,
    "label-noise": misses,
    "loss-mismatch": mismatch,
    "underfit": underfit,
    "broadcast": met_at_random,
}
