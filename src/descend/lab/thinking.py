"""Thinking: what takes long and is told as it goes, each computed from a copy of the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.lab import inside
from descend.page.blocks import Blocks
from descend.page.payload import curves_in, surface_in
from descend.page.words import finding_of
from descend.showing.frames import frames_of
from descend.showing.surfaces import surface_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.lab.leading import Leader
    from descend.run import Run

# Seconds between two looks at the same while it trains.
ALONG = {"curves": 1.5, "curvature": 0.5, "findings": 3.0}
RESTED = ("curves", "curvature", "findings", "surface")
CURVE_POINTS = 1500


def along(leader: Leader) -> None:
    """Ask for what is due while a branch trains."""
    now = time.monotonic()
    for what, apart in ALONG.items():
        if now - leader.asked.get(what, 0.0) >= apart:
            ask(leader, what)


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
    number, run = branch.number, branch.run()

    def tell() -> None:
        try:
            header, buffers = globals()[f"_{what}"](run, step)
        except InputError as error:
            header, buffers = {"unknown": str(error)}, []
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


def _curvature(run: Run, _: int | None) -> tuple[dict[str, Any], list[bytes]]:
    raise InputError("The curvature is not told yet.")


def _update(run: Run, step: int | None) -> tuple[dict[str, Any], list[bytes]]:
    return inside.told(run, step)


def try_it(leader: Leader, message: Mapping[str, Any]) -> None:
    """Do what a finding of the doctor advises."""
    from descend.lab import remedies  # noqa: PLC0415 - reads settings, which read everything

    remedies.try_it(leader, message["code"])
