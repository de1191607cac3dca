"""Marks: updates at which something happened, as upright lines with words above the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from descend.plots.words import number, width_of
from descend.run.telling import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from descend.plots.style import Theme
    from descend.run import Run

_SIZE = 8.5
# So many plateaus are marked one by one.
_MOST = 4


class Mark(NamedTuple):
    """An update at which something happened.

    Attributes
    ----------
    step
        Updates done then.
    words
        What happened.
    color
        Of both.
    """

    step: float
    words: str
    color: str


def marks_of(run: Run, theme: Theme) -> list[Mark]:
    """Return what happened to a run, and when: best step, divergence, what was changed."""
    outcome, found = run.outcome, []
    if outcome.best_step is not None:
        found.append(
            Mark(outcome.best_step, f"best: update {number(outcome.best_step, 9)}", theme.good)
        )
    if outcome.diverged_at is not None:
        words = f"diverged at update {number(outcome.diverged_at, 9)}"
        found.append(Mark(outcome.diverged_at, words, theme.bad))
    scales = [event for event in run.events if event["kind"] == "scale"]
    if len(scales) > _MOST:
        words = f"rate lowered {len(scales)} times from here on"
        found.append(Mark(scales[0]["step"], words, theme.muted))
    else:
        found += [
            Mark(event["step"], f"rate × {number(event['value'], 2)}", theme.muted)
            for event in scales
        ]
    return found + _changes(run, theme)


def _changes(run: Run, theme: Theme) -> list[Mark]:
    """Return what was changed by hand, in words; too much of it as one."""
    changes = told(run, ("change", "edit"))
    if len(changes) > _MOST:
        words = f"changed by hand {len(changes)} times from here on"
        return [Mark(changes[0].step, words, theme.muted)]
    return [Mark(change.step, change.sentence, theme.muted) for change in changes]


def draw_marks(axes: Sequence[Axes], marks: Sequence[Mark]) -> None:
    """Draw marks through all axes, their words above the first, in rows where they would touch."""
    taken: list[float] = []  # the right end of each row of words, in pixels
    top = axes[0]
    for mark in sorted(marks, key=lambda mark: mark.step):
        for ax in axes:
            ax.axvline(mark.step, color=mark.color, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        _write(top, mark, taken)


def _write(ax: Axes, mark: Mark, taken: list[float]) -> None:
    x = float(ax.transData.transform((mark.step, 0.0))[0])
    width = width_of(mark.words, _SIZE)
    right = x - ax.bbox.x0 > 0.6 * ax.bbox.width
    start = x - width if right else x
    row = next((i for i, end in enumerate(taken) if end + 8 < start), len(taken))
    taken[row : row + 1] = [start + width]
    ax.annotate(
        mark.words,
        (mark.step, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3 + 12 * row),
        textcoords="offset points",
        color=mark.color,
        fontsize=_SIZE,
        ha="right" if right else "left",
        va="bottom",
        annotation_clip=False,
    )
