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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Floats
    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.lab.measuring import Judge
    from descend.lab.settings import Settings

APART = 1 / 60  # seconds between messages
SHARE = 2.5  # from one look at the racers to the next, at least so many times what it took
HELD = 30  # frames that wait for a page that cannot keep up

# What decides over which surface a branch moves, and what it is called.
_SURFACE = {
    **dict.fromkeys(
        ("data", "table", "target", "n", "classes", "noise", "data_seed", "validation"),
        "set of rows",
    ),
    **dict.fromkeys(("features", "standardize"), "set of features"),
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
        self._settings = self.branches[0].settings
        self._before: dict[int, Floats] = {}
        self._seen: list[tuple[int, Floats]] = []  # and not sent yet
        self._sent, self._looked, self._apart = 0.0, 0.0, 0.0

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
        if not self._all_here(leader):
            return
        now = time.perf_counter()
        if always or self.over or now - self._looked >= self._apart:
            self._looked = now
            self._seen.append((self.clock, self.frame(self.clock)))
            self._apart = SHARE * (time.perf_counter() - now)
        if not self._seen or (not (always or self.over) and now - self._sent < APART):
            return
        self._sent = now
        self._say(leader, self._seen, always=always or self.over)
        if leader.current in {branch.number for branch in self.branches}:
            leader.frame(always=self.over)
        if self.over and self.playing:
            self.stop(leader)

    def start(self, leader: Leader) -> None:
        """Let it go on."""
        if self.over:
            msg = "Nobody in this race can go on; start it elsewhere, or race others."
            raise InputError(msg)
        leader.playing, self.playing = False, True
        leader.on_time()
        leader.state()

    def stop(self, leader: Leader) -> None:
        """Let it rest."""
        self.playing = False
        self.say(leader, self.clock)
        leader.state()
        leader.rested()

    def say(self, leader: Leader, step: int) -> None:
        """Send what is seen after so many updates."""
        self._say(leader, [*self._seen, (step, self.frame(step))], always=True)

    def _say(self, leader: Leader, seen: list[tuple[int, Floats]], *, always: bool) -> None:
        """Send frames; those that were left out go with the next ones."""
        header = {
            "kind": "racing",
            "branches": [branch.number for branch in self.branches],
            "steps": [step for step, _ in seen],
            "clock": self.clock,
            "share": self.judge.share,
            "playing": self.playing,
            "ended": {str(b.number): b.ended for b in self.branches if b.ended is not None},
        }
        frames = np.array([frame for _, frame in seen], dtype="<f8")
        sent = leader.say(header, [frames.tobytes()], always=always)
        self._seen = [] if sent else self._seen[-HELD:]

    def _all_here(self, leader: Leader) -> bool:
        """Let go of who was removed, or has another objective now; tell whether a race is left."""
        here = [b for b in self.branches if leader.branches.get(b.number) is b]
        kept = [b for b in here if not unlike(self._settings, b.settings, _SURFACE)]
        gone = [b for b in self.branches if b not in kept]
        if gone:
            self.branches, self._seen = kept, []
        left = len(kept) > 1
        if not left:
            self.playing, leader.race = False, None
            leader.state()
        if gone:
            leader.said(f"{_named(gone)} left the race{'' if left else ', which is over'}.")
        return left


# ---------------------------------------------------------------- who may race


def fitting(branches: Sequence[Branch]) -> tuple[list[Branch], list[str]]:
    """Return which branches move over the surface of the first, and what is to be said."""
    first, said, racers = branches[0], [], []
    for branch in branches:
        others = unlike(first.settings, branch.settings, _SURFACE)
        if others:
            said.append(
                f"Branch {branch.number} is left out: it has another {branching.listed(others)} "
                f"than branch {first.number}, so it moves over another surface."
            )
        else:
            racers.append(branch)
    unfair = {word for b in racers for word in unlike(first.settings, b.settings, _FAIR)}
    if unfair:
        said.append(
            f"They differ in their {branching.listed(sorted(unfair))} as well, so that the race "
            "is not about their optimizers alone."
        )
    return racers, said


def unlike(one: Settings, other: Settings, words: Mapping[str, str]) -> list[str]:
    """Return in what settings differ, each once, as `words` calls it."""
    mine, theirs = one.values(), other.values()
    found = {word: None for name, word in words.items() if mine[name] != theirs[name]}
    return list(found)


def _named(branches: Sequence[Branch]) -> str:
    numbers = [str(branch.number) for branch in branches]
    return f"Branch{'es' if len(numbers) > 1 else ''} {branching.listed(numbers)}"
