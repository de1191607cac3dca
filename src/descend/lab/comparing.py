"""Comparing: what differs between branches, in what was asked and in what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.lab import branching
from descend.page.blocks import Blocks
from descend.report.comparing import compared
from descend.report.metrics import NAMES
from descend.showing.curves import curves_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.report.comparing import Comparison
    from descend.run import Run

POINTS = 600  # of a curve
CURVES = ("loss", "validation_loss")
# How long a training led by hand was to go on was never asked.
_NEVER_ASKED = ("Epochs, at most",)


def compare(leader: Leader, message: Mapping[str, Any]) -> None:
    """Have branches compared, and told."""
    branches = branching.several(leader, message["branches"], 2)
    numbers = [branch.number for branch in branches]
    runs = {called(branch): branch.run() for branch in branches}

    def tell() -> None:
        header, blocks = comparison(runs)
        header = {"kind": "compare", "branches": numbers, **header}
        leader.say(header, [blocks.data()])

    leader.think(f"compare {numbers}", tell)


def called(branch: Branch) -> str:
    """Return what a branch is called in sentences."""
    return branch.name or f"branch {branch.number}"


def comparison(runs: Mapping[str, Run]) -> tuple[dict[str, Any], Blocks]:
    """Return what is told of runs by name, and the numbers of their curves."""
    found, blocks = compared(runs), Blocks()
    return {
        "names": list(runs),
        "asked": [
            [row.what, *row.asked] for row in found.differences if row.what not in _NEVER_ASKED
        ],
        "outcomes": _outcomes(found),
        "said": [*found.sentences, *(pair.sentence for pair in found.pairs)],
        "comparable": found.same_loss,
        "curves": [_curves(i, run, blocks) for i, run in enumerate(runs.values())],
        "blocks": blocks.described,
    }, blocks


def _outcomes(found: Comparison) -> list[dict[str, Any]]:
    """Return what came of each, in rows: a name and a number for each run."""
    subjects = list(found.subjects.values())
    rows: list[dict[str, Any]] = [
        {"name": "updates", "values": [s.run.state.step for s in subjects]},
        {"name": "loss", "values": [branching.finite(s.run.outcome.loss) for s in subjects]},
    ]
    if not found.same_target:
        return rows
    parts = [part for part in subjects[0].metrics if all(part in s.metrics for s in subjects)]
    for part in parts:
        for name in subjects[0].metrics[part]:
            values = [branching.finite(s.metrics[part].get(name)) for s in subjects]
            rows.append({"name": name, "label": NAMES[name][0], "part": part, "values": values})
    return rows


def _curves(place: int, run: Run, blocks: Blocks) -> dict[str, Any]:
    found = {}
    for curve in curves_of(run, POINTS):
        if curve.name in CURVES:
            names = [f"{place}.{curve.name}.{axis}" for axis in "xy"]
            blocks.add(names[0], curve.x, "int32", "none")
            blocks.add(names[1], curve.y, "float64", "none")
            found[curve.name] = names
    return found
