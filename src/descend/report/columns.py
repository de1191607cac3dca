"""The data: each column, what it holds, and what was done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.report.drawing import spark
from descend.report.markup import Html, details, element, joined, named, paragraphs, section, table
from descend.showing.profile import Profile, profiles
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.report.subject import Subject

# Columns shown at once, and in all.
_SHOWN, _MOST = 10, 300


def columns_section(subject: Subject) -> Html:
    """Return the profile of the table."""
    found = list(profiles(subject.run, subject.prepared))
    found.sort(key=lambda column: column.kind != "target")
    notes = [] if subject.prepared is None else subject.prepared.notes
    parts = [table_of(found[:_SHOWN], "Columns, and what was done to them")]
    if len(found) > _SHOWN:
        rest = found[_SHOWN:_MOST]
        more = f"{spaced(len(rest))} more column{'' if len(rest) == 1 else 's'}"
        parts.append(details(more, table_of(rest, "More columns, and what was done to them")))
    if len(found) > _MOST:
        notes = [*notes, f"{spaced(len(found) - _MOST)} columns more are not listed."]
    return section("data", "The data", paragraphs(_said(subject, found)), *parts, paragraphs(notes))


def _said(subject: Subject, found: Sequence[Profile]) -> list[str]:
    used = sum(column.features > 0 for column in found)
    source = subject.run.source
    said = f"{spaced(used)} column{'' if used == 1 else 's'} became {spaced(subject.run.setup.d)} "
    said += "feature" if subject.run.setup.d == 1 else "features"
    ways = [f"{said}, which is what the model meets."]
    if subject.prepared is not None:
        ways.append(
            "Means, deviations and levels were learnt from the training rows alone; what a column "
            "holds and what is missing is of all rows, and shares are of what is there."
        )
    elif source is not None:
        ways.append("The table is not at hand, so this is what the run remembers of it.")
    return ways


def table_of(columns: Sequence[Profile], caption: str) -> Html:
    """Return columns as a table."""
    rows = [
        [
            named(column.name),
            column.kind,
            joined([spark(column.bars), element("span", column.holds or "–")]),
            "–" if column.missing is None else spaced(column.missing),
            _done(column),
        ]
        for column in columns
    ]
    head = ["column", "kind", "what it holds", "missing, of all rows", "what was done to it"]
    return table(caption, head, rows, words=(0, 1, 2, 4))


def _done(column: Profile) -> str:
    """Return what was done, without the name again that already begins the row."""
    said = column.done.removeprefix(f"{column.name!r} ").removeprefix("is ")
    return said[:1].upper() + said[1:]
