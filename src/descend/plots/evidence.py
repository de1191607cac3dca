"""The doctor's evidence drawn: a finding with the picture that shows it, and its fix below.

Each code has its picture where a picture says more than figures; the others are tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.plots import evidence_columns, evidence_descent, evidence_fit, evidence_units
from descend.plots.evidence_case import Case
from descend.plots.evidence_shapes import said, table
from descend.plots.words import titled

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from descend.plots.evidence_case import Panel
    from descend.plots.style import Sheet
    from descend.run import Run

    Draws = Callable[[Case], list[Panel]]

# Code to what draws it.
DRAWS: dict[str, Draws] = {
    **evidence_descent.DRAWS,
    **evidence_fit.DRAWS,
    **evidence_columns.DRAWS,
    **evidence_units.DRAWS,
}
_TOLD = 4


def evidence(run: Run, sheet: Sheet, *, code: str | None = None) -> Figure:
    """Draw what the doctor saw: the worst finding, or the one with a code, and its fix.

    Parameters
    ----------
    run, sheet
        What was recorded, and what it is drawn on.
    code
        A finding's, such as ``"step-too-large"``; default the worst.

    Raises
    ------
    InputError
        If there is no finding with that code.
    """
    found = run.diagnose()
    return of_finding(run, sheet, found[0] if code is None else found[code])


def of_finding(run: Run, sheet: Sheet, finding: Any) -> Figure:
    """Draw one finding of a run."""
    if not hasattr(finding, "evidence"):
        msg = f"A finding of the doctor was asked for; found {type(finding).__name__}."
        raise InputError(msg)
    case = Case(run, finding, sheet.theme)
    panels = DRAWS.get(finding.code, _in_words)(case) or _in_words(case)
    figure = sheet.figure()
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    titled(figure, sheet, _title(finding), *_notes(finding))
    for ax, panel in zip(axes, panels, strict=True):
        panel(ax)
    return figure


def _in_words(case: Case) -> list[Panel]:
    return [lambda ax: table(ax, case.theme, case.seen)]


def _title(finding: Any) -> str:
    return f"{finding.code.replace('-', ' ').capitalize()}: {finding.sentence}"


def _notes(finding: Any) -> list[str]:
    items = list(finding.evidence.items())[:_TOLD]
    seen = "; ".join(f"{key.replace('_', ' ')} {said(value)}" for key, value in items)
    return [f"Fix: {finding.fix.sentence}.", f"Seen: {seen}." if seen else ""]


FIGURES = {"evidence": evidence}
