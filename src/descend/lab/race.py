"""The race: branches that move over one surface, trained in step.

Racers are branches of the session.  The race has a clock, counted in updates: at 37 each racer is
seen after 37 of its own updates, whether it is there already or has to be trained to there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.lab import branching
from descend.lab.branch import Branch, Origin
from descend.lab.ground import ground_of, recipe_of
from descend.lab.measuring import COLUMNS, Judge, past, steps_of
from descend.page.blocks import Blocks
from descend.page.payload import surface_in
from descend.showing.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Floats
    from descend.lab.leading import Leader
    from descend.lab.settings import Settings

APART = 1 / 60  # seconds between frames
SHARE = 2.5  # between frames at least so many times what the last one took

# What decides over which surface a branch moves, and what it is called.
_SURFACE = {
    **dict.fromkeys(
        ("data", "table", "target", "n", "classes", "noise", "data_seed", "validation"), "rows"
    ),
    **dict.fromkeys(("features", "standardize"), "features"),
    **dict.fromkeys(("hidden", "activation", "bias"), "model"),
    **dict.fromkeys(("loss", "reduction"), "loss"),
    "penalty": "penalty",
}
_FAIR = {"seed": "seed", "start": "start", "init": "initialisation", "batch_size": "batch size"}


@final
class Race:
    """Branches on one surface, and how far their race is.

    Parameters
    ----------
    branches
        At most 8, in order.
    judge
        What measures them all.
    clock
        Updates that the race is over.

    Attributes
    ----------
    playing
        Whether it goes on.
    """

    def __init__(self, branches: Sequence[Branch], judge: Judge, clock: int) -> None:
        self.branches, self.judge, self.clock = list(branches), judge, clock
        self.playing = False
        self._before: dict[int, Floats] = {}
        self._sent, self._apart = 0.0, APART

    def told(self) -> dict[str, Any]:
        """Return what the state has of it."""
        numbers = [branch.number for branch in self.branches]
        return {"branches": numbers, "playing": self.playing, "clock": self.clock}

    @property
    def over(self) -> bool:
        """Whether nobody can go on."""
        return all(b.ended is not None and b.step <= self.clock for b in self.branches)

    def advance(self, updates: int) -> None:
        """Bring everybody so many updates on; who is there already waits."""
        self.clock += updates
        for branch in self.branches:
            if branch.step < self.clock and branch.ended is None:
                branch.advance(self.clock - 1 - branch.step)
                self._before[branch.number] = branch.live.theta
                branch.advance(1)

    def frame(self, step: int) -> Floats:
        """Return what is seen of each racer after so many updates: (R, columns)."""
        return np.stack([self._row(branch, min(step, branch.step)) for branch in self.branches])

    def _row(self, branch: Branch, step: int) -> Floats:
        state = branch.live.at(step)
        before = self._before.get(branch.number) if step == branch.step else None
        if before is None:
            before = branch.theta(max(step - 1, 0))
        return self.judge.measured(state, before, branch.live.task.optimizer.rule)

    # ------------------------------------------------------------ while it is on

    def tell(self, leader: Leader, *, always: bool = False) -> None:
        """Send where everybody is, if it is time to; and stop where the race is over."""
        self._drop(leader)
        stops = self.over or len(self.branches) < 2  # noqa: PLR2004 - a race
        now = time.perf_counter()
        if not (always or stops) and now - self._sent < self._apart:
            return
        self.say(leader, self.clock, always=always or stops)
        self._sent = now
        self._apart = max(APART, SHARE * (time.perf_counter() - now))
        if leader.current in {branch.number for branch in self.branches}:
            leader.frame(always=stops)
        if stops and self.playing:
            stop(leader, self)

    def say(self, leader: Leader, step: int, *, always: bool = True) -> None:
        """Send what is seen after so many updates."""
        header = {
            "kind": "racing",
            "branches": [branch.number for branch in self.branches],
            "steps": [step],
            "clock": self.clock,
            "share": self.judge.share,
            "playing": self.playing,
            "ended": {str(b.number): b.ended for b in self.branches if b.ended is not None},
        }
        leader.say(header, [self.frame(step).astype("<f8").tobytes()], always=always)

    def _drop(self, leader: Leader) -> None:
        """Let go of who was removed, or has another objective now."""
        here = [b for b in self.branches if leader.branches.get(b.number) is b]
        kept = [b for b in here if not _unlike(here[0].settings, b.settings, _SURFACE)]
        if len(kept) < len(self.branches):
            gone = [b for b in self.branches if b not in kept]
            self.branches = kept
            leader.said(f"{_named(gone)} left the race.")


# ---------------------------------------------------------------- messages


def race(leader: Leader, message: Mapping[str, Any]) -> None:
    """Let branches race; those on another surface are left out, and it is said why."""
    chosen = branching.several(leader, message["branches"], 1)
    racers, said = fitting(chosen)
    if len(racers) < 2:  # noqa: PLR2004 - a race
        msg = " ".join(["A race takes at least two branches on one surface.", *said])
        raise InputError(msg)
    prepare(leader, racers, said, play=message.get("play", False))


def fitting(branches: Sequence[Branch]) -> tuple[list[Branch], list[str]]:
    """Return which branches move over the surface of the first, and what is to be said."""
    first, said, racers = branches[0], [], []
    for branch in branches:
        unlike = _unlike(first.settings, branch.settings, _SURFACE)
        if unlike:
            said.append(
                f"Branch {branch.number} is left out: it has another {_listed(unlike)} than "
                f"branch {first.number}, so it moves over another surface."
            )
        else:
            racers.append(branch)
    unfair = {word for b in racers for word in _unlike(first.settings, b.settings, _FAIR)}
    if unfair:
        said.append(
            f"They differ in their {_listed(sorted(unfair))} as well, so that the race is not "
            "about their optimizers alone."
        )
    return racers, said


def _unlike(one: Settings, other: Settings, words: Mapping[str, str]) -> list[str]:
    mine, theirs = one.values(), other.values()
    found = {word: None for name, word in words.items() if mine[name] != theirs[name]}
    return list(found)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _named(branches: Sequence[Branch]) -> str:
    numbers = [str(branch.number) for branch in branches]
    return f"Branch{'es' if len(numbers) > 1 else ''} {_listed(numbers)}"


def prepare(
    leader: Leader, racers: Sequence[Branch], said: Sequence[str], *, play: bool = False
) -> None:
    """Have the surface computed from copies, and then begin."""
    recipes = [recipe_of(branch) for branch in racers]
    clock = min((b.step for b in racers if b.ended is None), default=max(b.step for b in racers))
    if leader.race is not None and leader.race.branches == list(racers):
        clock = max(clock, leader.race.clock)
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
                _begin(leader, Race(racers, judge, clock), (steps, frames), said, play=play)

        leader.post(begin)

    leader.think(f"race {asked}", compute)


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
        start(leader, found)
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
    if found is None:
        raise InputError("There is no race; choose branches and let them race first.")
    if "over" in message:
        found.playing, leader.race = False, None
        leader.state()
    elif "start" in message:
        restart(leader, found, message["start"])
    elif "step" in message:
        found.say(leader, min(message["step"], found.clock))
    elif "updates" in message:
        found.playing = leader.playing = False
        found.advance(message["updates"])
        found.tell(leader, always=True)
        stop(leader, found)
    elif message.get("on"):
        start(leader, found)
    else:
        stop(leader, found)


def start(leader: Leader, found: Race) -> None:
    """Let the race go on."""
    if found.over:
        raise InputError("Nobody in this race can go on; start it elsewhere, or race others.")
    leader.playing, found.playing = False, True
    leader.on_time()
    leader.state()


def stop(leader: Leader, found: Race) -> None:
    """Let the race rest."""
    found.playing = False
    found.say(leader, found.clock)
    leader.state()
    leader.rested()


def restart(leader: Leader, found: Race, where: Sequence[Any]) -> None:
    """Start everybody from one place of the surface, in branches that begin there.

    A branch that a race began gives its place to the new one; a person's own stays, while there
    is room.
    """
    ground = found.judge.ground
    if ground is None:
        raise InputError("There is no surface to choose a start on.")
    if len(where) != 2 or not all(isinstance(value, int | float) for value in where):  # noqa: PLR2004
        raise InputError(f"A start on the surface is two numbers, u and v; found {where!r:.60}.")
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
        raise InputError(" ".join(["A race takes at least two optimizers.", *said]))
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
    for branch in found:
        branching.enter(leader, branch)
        leader.quicken(branch)
    if leader.current not in leader.branches:
        leader.current = found[0].number
    return found


def _origin_of(before: Branch, branch: Branch, origin: Branch | None) -> Any:
    """A successor has the origin of the one before it, for that one is gone."""
    if origin is not None:
        return branch.origin, branch.against
    return before.origin, before.against
