"""Racing: what the messages of a page do with a race."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.lab import branching, goals
from descend.lab.branch import Branch, Origin
from descend.lab.ground import ground_of, recipe_of
from descend.lab.measuring import COLUMNS, Judge, past, steps_of
from descend.lab.race import Race, fitting
from descend.page.blocks import Blocks
from descend.page.payload import surface_in
from descend.showing.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Floats
    from descend.lab.leading import Leader
    from descend.lab.settings import Settings

AT_ONCE = 1000  # updates that one message may ask of every racer


def race(leader: Leader, message: Mapping[str, Any]) -> None:
    """Let branches race; those on another surface are left out, and it is said why."""
    chosen = branching.several(leader, message["branches"], 1)
    racers, said = fitting(chosen)
    if len(racers) < 2:  # noqa: PLR2004 - a race
        msg = " ".join(["A race takes at least two branches on one surface.", *said])
        raise InputError(msg)
    prepare(leader, racers, said, play=message.get("play", False))


def prepare(
    leader: Leader, racers: Sequence[Branch], said: Sequence[str], *, play: bool = False
) -> None:
    """Have the surface computed from copies, and then begin."""
    recipes = [recipe_of(branch) for branch in racers]
    clock = min((b.step for b in racers if b.ended is None), default=max(b.step for b in racers))
    if leader.race is not None and _same(leader.race, racers):
        clock = leader.race.clock
    leader.race_asked += 1
    asked = leader.race_asked

    def compute() -> None:
        ground = ground_of(recipes)
        runs = [recipe.run for recipe in recipes]
        judge = Judge(runs[0], ground)
        steps = steps_of(clock)
        frames = past(runs, steps, judge)

        def begin() -> None:
            if asked == leader.race_asked:
                known = leader.race
                now = known.clock if known is not None and _same(known, racers) else clock
                _begin(leader, Race(racers, judge, now), (steps, frames), said, play=play)

        leader.post(begin)

    leader.think(f"race {asked}", compute)


def _same(known: Race, racers: Sequence[Branch]) -> bool:
    return known.branches == list(racers)


def _begin(
    leader: Leader,
    found: Race,
    seen: tuple[list[int], Floats],
    said: Sequence[str],
    *,
    play: bool,
) -> None:
    leader.race = found
    for branch in [*found.branches, leader.branch]:
        if branch.number in leader.branches:
            branching.touch(leader, branch)
    steps, frames = seen
    blocks, surface = Blocks(), found.judge.ground
    nowhere = Frames(np.zeros(0, dtype=int), np.zeros((0, len(found.branches[0].live.theta))), 0)
    header = {
        "kind": "race",
        "racers": [_racer(branch) for branch in found.branches],
        "columns": list(COLUMNS),
        "steps": steps,
        "clock": found.clock,
        "share": found.judge.share,
        "parameters": len(found.branches[0].live.theta),
        "said": list(said),
        "surface": surface_in(surface, nowhere, blocks),
        "blocks": blocks.described,
    }
    leader.say(header, [blocks.data(), frames.astype("<f8").tobytes()])
    if play:
        found.start(leader)
    else:
        leader.state()


def _racer(branch: Branch) -> dict[str, Any]:
    rule = branch.live.task.optimizer.rule
    return {
        "branch": branch.number,
        "place": branch.place,
        "label": branch.name or branch.live.task.optimizer.name,
        "rate": None if rule.searches else branch.live.learning_rate,
        "velocity": Judge.memory(rule) is not None,
    }


def racing(leader: Leader, message: Mapping[str, Any]) -> None:
    """Lead a race: play, pause, so many updates on, look at one, start elsewhere, end."""
    found = leader.race
    if "over" in message:
        leader.race, leader.race_asked = None, leader.race_asked + 1
        leader.state()
    elif found is None:
        msg = "There is no race; choose branches and let them race first."
        raise InputError(msg)
    elif "start" in message:
        restart(leader, found, message["start"])
    elif "step" in message:
        found.say(leader, min(message["step"], found.clock))
    elif "updates" in message:
        found.playing = leader.playing = False
        found.advance(min(message["updates"], AT_ONCE))
        found.tell(leader, always=True)
        leader.state()
        leader.rested()
    elif message.get("on"):
        found.start(leader)
    else:
        found.stop(leader)


def restart(leader: Leader, found: Race, where: Sequence[Any]) -> None:
    """Start everybody from one place of the surface, in branches that begin there.

    A branch that a race began gives its place to the new one; a person's own stays, while there
    is room.
    """
    ground = found.judge.ground
    if ground is None:
        msg = "There is no surface to choose a start on."
        raise InputError(msg)
    if len(where) != 2 or not all(isinstance(value, int | float) for value in where):  # noqa: PLR2004
        msg = f"A start on the surface is two numbers, u and v; found {where!r:.60}."
        raise InputError(msg)
    theta = ground.origin + np.asarray(where, dtype=float) @ ground.directions
    settings = [_elsewhere(branch, theta, leader.opened) for branch in found.branches]
    racers = begun(leader, found.branches, settings)
    judge = Judge(found.judge.run, ground)
    steps = [0]
    new = Race(racers, judge, 0)
    seen = (steps, new.frame(0)[None])
    _begin(leader, new, seen, (), play=found.playing)
    if leader.current in {branch.number for branch in racers}:
        leader.show()


def _elsewhere(branch: Branch, theta: Floats, opened: Any) -> Settings:
    """Return the settings with another start, and with the rate it has now, measured or not."""
    change: dict[str, Any] = {"start": theta.tolist()}
    if not branch.settings.optimizer.searches:
        change["learning_rate"] = branch.live.learning_rate
    return branch.settings.with_changes(change, opened)[0]


def racers(leader: Leader, message: Mapping[str, Any]) -> None:
    """Race optimizers: a branch for each, with the settings of the one shown."""
    goals.refused(leader.lock, {"optimizer": None})
    names, branch, said = message["optimizers"], leader.branch, []
    if not 2 <= len(names) <= branching.MOST:  # noqa: PLR2004 - a race
        msg = f"A race takes 2 to {branching.MOST} optimizers; found {len(names)}."
        raise InputError(msg)
    settings = []
    for name in names:
        try:
            settings.append(branch.settings.with_changes({"optimizer": name}, leader.opened)[0])
        except InputError as error:
            said.append(f"{name!s:.40} is left out: {error}")
    if len(settings) < 2:  # noqa: PLR2004 - a race
        msg = " ".join(["A race takes at least two optimizers.", *said])
        raise InputError(msg)
    earlier = [b for b in leader.branches.values() if b.raced and b is not branch]
    new = begun(leader, earlier, settings, branch)
    fair, more = fitting(new)
    prepare(leader, fair, [*said, *more], play=message.get("play", False))
    leader.state()


def begun(
    leader: Leader,
    earlier: Sequence[Branch],
    settings: Sequence[Settings],
    origin: Branch | None = None,
) -> list[Branch]:
    """Begin branches for a race, in the places of those that an earlier race began."""
    found = []
    for i, asked in enumerate(settings):
        before = earlier[i] if i < len(earlier) else None
        source = origin or earlier[i]
        branch = Branch(
            branching.numbered(leader),
            asked,
            source.rows,
            origin=Origin(source.number, 0),
            against=source.settings,
        )
        branch.raced = True
        branch.name = "" if origin is not None else source.name
        found.append(branch)
        if before is not None and before.raced:
            branch.origin, branch.against = _origin_of(before, branch, origin)
            leader.branches.pop(before.number, None)
    for before in earlier[len(settings) :]:
        leader.branches.pop(before.number, None)
    branching.enter(leader, found)
    for branch in found:
        leader.quicken(branch)
    if leader.current not in leader.branches:
        leader.current = found[0].number
    return found


def _origin_of(before: Branch, branch: Branch, origin: Branch | None) -> Any:
    """Return the origin of a successor: that of the one before it, for that one is gone."""
    if origin is not None:
        return branch.origin, branch.against
    return before.origin, before.against
