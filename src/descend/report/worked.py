"""One update worked through: in words, symbols, numbers and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.errors import DescendError
from descend.explaining.pieces import Table, figure
from descend.report.markup import Html, details, element, joined, paragraphs, section, table
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.explaining.pieces import Move
    from descend.report.subject import Subject

_DIGITS = 5


def worked_section(subject: Subject) -> Html:
    """Return one update, explained, or a sentence that says why it cannot be."""
    title = "One update, worked through"
    step = _chosen(subject)
    try:
        found = subject.run.explain(step, digits=_DIGITS)
    except DescendError as error:
        return section("worked", title, element("p", f"It cannot be shown here: {error}"))
    opening = (
        "Training is this, over and over: predict, measure the error, find how it changes with "
        "each parameter, and take a small step against it. Here is "
        f"{('the first', 'the second')[step]} of {spaced(subject.run.state.step)} updates, with "
        "its own numbers."
    )
    moves = (_move(i, move) for i, move in enumerate(found.moves, start=1))
    return section("worked", title, paragraphs([opening, *found.sentences]), *moves)


def _chosen(subject: Subject) -> int:
    """Return the second update: the first often starts from nothing but zeros."""
    done = subject.run.state.step
    last = subject.run.outcome.diverged_at
    most = done - 1 if last is None else min(done, last) - 1
    return max(min(1, most), 0)


def _move(place: int, move: Move) -> Html:
    numbers = joined(_piece(piece) for piece in move.numbers)
    symbols = [element("p", s.text, class_="formula") for s in move.symbols]
    code = element(
        "pre",
        element("code", "\n".join(move.code)),
        tabindex="0",
        role="group",
        aria_label=f"Code of {move.title}",
    )
    parts = [
        element("h3", f"{place}. {move.title}"),
        paragraphs([" ".join(move.sentences)] if move.sentences else []),
        *symbols,
        details("In numbers", numbers) if move.numbers else None,
        details("In code", code) if move.code else None,
    ]
    return element("div", *parts, class_="move")


def _piece(piece: Table | str) -> Html:
    if isinstance(piece, str):
        return element("p", piece, class_="formula")
    rows = [["" if cell is None else figure(cell, _DIGITS) for cell in row] for row in piece.rows]
    head = list(piece.head)
    filled = [row + [""] * (len(head) - len(row)) for row in rows]
    return table(piece.caption or "Numbers", head, filled)
