"""Thinking: what takes long and is told as it goes, each computed from a copy of the run."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.forecasting import of_problem
from descend.lab import inside
from descend.lab.quality import quality_of
from descend.page.blocks import Blocks
from descend.page.payload import curves_in, surface_in
from descend.page.words import finding_of
from descend.showing.frames import frames_of
from descend.showing.surfaces import surface_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.lab.leading import Leader
    from descend.run import Run

# Seconds between two looks at the same while it trains; never more than a fifth of the time.
ALONG = {"curves": 1.5, "curvature": 0.5, "metrics": 1.0, "findings": 3.0, "surface": 4.0}
SHARE = 5
# A run that has just begun is looked at more often: everything about it is new, and quick.
YOUNG, SOON = 300, 0.25
# A surface is drawn again once a training has come so many times as far: it moves ever less.
FARTHER = 1.5
RESTED = ("curves", "metrics", "curvature", "findings", "surface")
CURVE_POINTS = 1500


def along(leader: Leader) -> None:
    """Ask for what is due while a branch trains."""
    for what in ALONG:
        if _due(leader, what):
            ask(leader, what)


def _due(leader: Leader, what: str) -> bool:
    since = time.monotonic() - leader.asked.get(what, 0.0)
    step = leader.branch.step
    apart = SOON if what == "curves" and step < YOUNG else ALONG[what]
    if since < max(apart, SHARE * leader.spent.get(what, 0.0)):
        return False
    return what != "surface" or step >= FARTHER * leader.branch.surface_at


def rested(leader: Leader) -> None:
    """Ask for everything, once nothing moves."""
    for what in RESTED:
        ask(leader, what, again=True)


def ask(leader: Leader, what: str, step: int | None = None, *, again: bool = False) -> None:
    """Have something computed from the run as it stands, and told.

    With `again`, and where the last of its name is still at work, it is asked for once more later.
    """
    leader.asked[what] = time.monotonic()
    branch = leader.branch
    number, make = branch.number, branch.later()
    if what == "surface":
        branch.surface_at = branch.step

    def tell() -> None:
        begun = time.perf_counter()
        run = make()
        try:
            if what == "curvature":
                header, buffers = branch.sharpness.told(run), []
            else:
                header, buffers = globals()[f"_{what}"](run, step)
        except InputError as error:
            header, buffers = {"unknown": str(error)}, []
        leader.spent[what] = time.perf_counter() - begun
        leader.say({"kind": what, "branch": number, "step": run.state.step, **header}, buffers)

    if not leader.think(what, tell) and again:
        leader.later(what)


def _findings(run: Run, _: int | None) -> tuple[dict[str, Any], list[bytes]]:
    found = run.diagnose()
    unseen = list(getattr(found, "not_looked_at", ()))
    return {"findings": [finding_of(run, one) for one in found], "unseen": unseen}, []


def _curves(run: Run, _: int | None) -> tuple[dict[str, Any], list[bytes]]:
    blocks = Blocks()
    curves = curves_in(run, blocks, CURVE_POINTS)
    return {"curves": curves, "blocks": blocks.described}, [blocks.data()]


def _surface(run: Run, _: int | None) -> tuple[dict[str, Any], list[bytes]]:
    frames = frames_of(run, 300, replayed=False)
    blocks = Blocks()
    surface = surface_in(surface_of(run, frames=frames), frames, blocks)
    return {"surface": surface, "blocks": blocks.described}, [blocks.data()]


def _metrics(run: Run, step: int | None) -> tuple[dict[str, Any], list[bytes]]:
    state = run.state if step is None else run.at(min(step, run.state.step)).state
    return {"at": state.step, **quality_of(replace(run, theta=state.theta))}, []


def _forecast(run: Run, _: int | None) -> tuple[dict[str, Any], list[bytes]]:
    return of_problem(run.problem, names=run.names).as_dict(), []


def _update(run: Run, step: int | None) -> tuple[dict[str, Any], list[bytes]]:
    return inside.told(run, step)


def try_it(leader: Leader, message: Mapping[str, Any]) -> None:
    """Do what a finding of the doctor advises."""
    from descend.lab import remedies  # noqa: PLC0415 - reads settings, which read everything

    remedies.try_it(leader, message["code"])
