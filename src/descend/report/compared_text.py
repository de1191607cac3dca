"""A comparison as plain data, and as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.report.comparing import Row
from descend.report.markup import between, number
from descend.report.metrics import NAMES
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.report.comparing import Comparison
    from descend.report.subject import Subject


def as_dict(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data."""
    return {
        "runs": {
            name: {
                "task": str(s.run.task),
                "outcome": s.run.outcome.sentence,
                "updates": s.run.state.step,
                "part": None if s.held is None else s.held.part,
                "metrics": {} if s.intervals is None else _plain(s.intervals.metrics),
            }
            for name, s in found.subjects.items()
        },
        "differences": {row.what: list(row.asked) for row in found.differences},
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "metrics": _plain(pair.told),
                "sentence": pair.sentence,
            }
            for pair in found.pairs
        ],
        "notes": list(found.sentences),
    }


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one._asdict() for name, one in metrics.items()}


def as_text(found: Comparison) -> str:
    """Return a comparison for the terminal."""
    lines = ["What was asked, where it differs:", *_columns(found.subjects, found.differences)]
    if not found.differences:
        lines = ["Nothing differs in what was asked."]
    lines += ["", "What came of it:", *_columns(found.subjects, results(found))]
    lines += ["", *(pair.sentence for pair in found.pairs), *found.sentences]
    return "\n".join(line.rstrip() for line in lines).rstrip()


def results(found: Comparison) -> list[Row]:
    """Return what came of each run: how it ended, and its metrics with their intervals."""
    every = list(found.subjects.values())
    rows = [
        Row("Ended", tuple(s.run.outcome.reason for s in every)),
        Row("Updates", tuple(spaced(s.run.state.step) for s in every)),
        Row("Training loss", tuple(number(s.run.outcome.loss) for s in every)),
        Row("Judged on", tuple("–" if s.held is None else f"{s.held.part} rows" for s in every)),
    ]
    names = dict.fromkeys(n for s in every if s.intervals for n in s.intervals.metrics)
    return rows + [Row(NAMES[n][0], tuple(_metric(s, n) for s in every)) for n in names]


def _metric(subject: Subject, name: str) -> str:
    one = None if subject.intervals is None else subject.intervals.metrics.get(name)
    if one is None:
        return "–"
    known = one.low == one.low
    return f"{number(one.value)} ({between(one.low, one.high, 3)})" if known else number(one.value)


def _columns(subjects: Mapping[str, Any], rows: Any) -> list[str]:
    cells = [("", *subjects), *((row.what, *row.asked) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        for row in cells
    ]
