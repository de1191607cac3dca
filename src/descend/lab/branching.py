"""Branching: how branches come, go, are called, and what the page is told of them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.lab.settings import Settings

MOST = 8
LONGEST_NAME = 40
APART = 0.5  # seconds between two looks at the courses of all branches
POINTS = 48  # of a course, on the page


# ---------------------------------------------------------------- coming and going


def numbered(leader: Leader) -> int:
    """Return the number of the next branch; none is ever given twice."""
    leader.numbers += 1
    return leader.numbers


def enter(leader: Leader, branches: Sequence[Branch], instead: Branch | None = None) -> None:
    """Put branches among the others, each with a colour of its own.

    Where nothing was ever done with the one named by `instead`, nobody would miss it: the new one
    takes its place, and its origin.
    """
    if instead is not None and _untouched(instead):
        del leader.branches[instead.number]
        for branch in branches:
            branch.origin = instead.origin
            branch.against = branch.settings if instead.origin is None else instead.against
    _make_room(leader, len(branches))
    for branch in branches:
        taken = {other.place for other in leader.branches.values()}
        branch.place = min(set(range(MOST)) - taken)
        leader.branches[branch.number] = branch


def _untouched(branch: Branch) -> bool:
    return branch.step == 0 and not branch.changes and not branch.name and not branch.raced


def _make_room(leader: Leader, wanted: int) -> None:
    """Let go of the branches longest not looked at, where there would be too many."""
    gone = list(leader.branches)[: max(len(leader.branches) + wanted - MOST, 0)]
    for number in gone:
        leader.removed = leader.branches.pop(number)
    if len(gone) == 1:
        leader.said(
            f"A lab keeps {MOST} branches: branch {gone[0]}, the one longest not looked at, made "
            "room. It can be brought back."
        )
    elif gone:
        leader.said(
            f"A lab keeps {MOST} branches: branches {listed([str(n) for n in gone])}, those "
            f"longest not looked at, made room. Branch {gone[-1]} can be brought back."
        )


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> listed(["rows", "model", "loss"])
    'rows, model and loss'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def known(leader: Leader, number: Any) -> Branch:
    """Return a branch by its number."""
    if isinstance(number, bool) or not isinstance(number, int) or number not in leader.branches:
        there = ", ".join(map(str, sorted(leader.branches)))
        msg = f"There is no branch {number!r:.20}; choose among {there}."
        raise InputError(msg)
    return leader.branches[number]


def several(leader: Leader, numbers: Sequence[Any], fewest: int) -> list[Branch]:
    """Return branches by their numbers, each once, in the order of their numbers."""
    found = {number: known(leader, number) for number in numbers}
    if len(found) < fewest:
        msg = f"This takes at least {fewest} branches; found {len(found)}. Choose more of them."
        raise InputError(msg)
    return [found[number] for number in sorted(found)]


def select(leader: Leader, message: Mapping[str, Any]) -> None:
    """Look at another branch."""
    branch = known(leader, message["branch"])
    leader.playing = False
    leader.current = branch.number
    touch(leader, branch)
    leader.show()


def touch(leader: Leader, branch: Branch) -> None:
    """Make a branch the one looked at last."""
    leader.branches[branch.number] = leader.branches.pop(branch.number)


def remove(leader: Leader, message: Mapping[str, Any]) -> None:
    """Let go of a branch; the last one let go of can be brought back."""
    branch = known(leader, message["branch"])
    if len(leader.branches) == 1:
        msg = "The only branch cannot be removed; reset it, or begin another first."
        raise InputError(msg)
    leader.removed = leader.branches.pop(branch.number)
    if branch.number != leader.current:
        leader.state()
        return
    leader.playing = False
    leader.current = list(leader.branches)[-1]
    leader.show()


def restore(leader: Leader, _: Mapping[str, Any]) -> None:
    """Bring back the branch that was let go of last, and look at it."""
    branch, leader.removed = leader.removed, None
    if branch is None:
        msg = "No branch was removed, so there is none to bring back."
        raise InputError(msg)
    leader.playing = False
    enter(leader, [branch])
    leader.current = branch.number
    leader.show()


def rename(leader: Leader, message: Mapping[str, Any]) -> None:
    """Call a branch by a name; without one it has only its number again."""
    branch, name = known(leader, message["branch"]), " ".join(message["name"].split())
    if len(name) > LONGEST_NAME:
        msg = f"A branch's name has at most {LONGEST_NAME} letters; found {len(name)}."
        raise InputError(msg)
    branch.name = name
    leader.state()


# ---------------------------------------------------------------- what is told


def told(leader: Leader) -> list[dict[str, Any]]:
    """Return what the page is told of every branch, in the order of their numbers."""
    return [_told(leader.branches[number]) for number in sorted(leader.branches)]


def _told(branch: Branch) -> dict[str, Any]:
    return {
        "number": branch.number,
        "name": branch.name,
        "place": branch.place,
        "origin": None if branch.origin is None else branch.origin._asdict(),
        "differs": differences(branch.against, branch.settings),
        "edits": sum("edit" in change for _, change in branch.changes[branch.inherited :]),
        "task": str(branch.live.task),
        "rate": branch.live.learning_rate,
        "settings": branch.settings.plain(),
        "ended": branch.ended,
        **_where(branch),
    }


def _where(branch: Branch) -> dict[str, Any]:
    course = branch.course[:: max(len(branch.course) // POINTS, 1)]
    last = [] if not branch.course or course[-1] == branch.course[-1] else [branch.course[-1]]
    kept = [(step, loss) for step, loss in [*course, *last] if math.isfinite(loss)]
    return {
        "updates": branch.step,
        "loss": finite(branch.live.loss),
        "validation_loss": finite(branch.live.validation_loss),
        "course": [[step for step, _ in kept], [float(f"{loss:.6g}") for _, loss in kept]],
    }


def differences(before: Settings, after: Settings) -> list[list[Any]]:
    """Return which settings differ: name, before, after.

    >>> from descend.lab.settings import Settings
    >>> differences(Settings(), Settings(learning_rate=0.5))
    [['learning_rate', 0.03, 0.5]]
    """
    old, new = before.plain(), after.plain()
    return [[name, old[name], new[name]] for name in old if old[name] != new[name]]


def along(leader: Leader) -> None:
    """Tell how far branches are and where their losses went, now and then while training."""
    now = time.monotonic()
    if now - leader.asked.get("courses", 0.0) < APART:
        return
    leader.asked["courses"] = now
    moving = leader.race.branches if leader.race and leader.race.playing else [leader.branch]
    courses = [{"number": branch.number, **_where(branch)} for branch in moving]
    leader.say({"kind": "courses", "branches": courses}, always=False)


def finite(value: float | None) -> float | None:
    """Return a number as JSON takes it: None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)
