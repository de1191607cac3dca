"""Goals and locks: what a teacher asks to be reached, and what may not be changed on the way.

>>> goal = goal_of("validation_loss<0.1@200")
>>> print(goal.sentence)
validation loss below 0.1 within 200 updates
>>> refused(("optimizer",), {"optimizer": "adam"})
Traceback (most recent call last):
descend.errors.InputError: The optimizer is locked in this lab, so it stays as it is.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple, final

from descend.errors import InputError, did_you_mean
from descend.training.asked import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.run import History

_GOAL = re.compile(
    r"\s*(?P<metric>[a-z][a-z0-9_]*)\s*(?P<sign>[<>])\s*"
    r"(?P<value>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?:@\s*(?P<within>\d{1,9})\s*)?"
)
# Figures of a history that a goal can ask for; beside them the metrics on validation rows.
FIGURES = ("loss", "epoch_loss", "gradient_norm", "validation_loss")
# Those whose size another loss would change: a goal on them is fair where the loss is locked.
LOSSES = ("loss", "epoch_loss", "validation_loss")
_APART = 0.1  # seconds between two looks while training

# Locks that stand for several settings; any setting is a lock of its own, too.
LOCKS: dict[str, tuple[str, ...]] = {
    "data": ("data", "table", "target", "n", "classes", "noise", "data_seed", "validation"),
    "features": ("features", "standardize"),
    "model": ("hidden", "activation", "init", "bias"),
    "loss": ("loss", "reduction"),
    "optimizer": ("optimizer", "schedule", "clip_value", "clip_norm"),
    "seeds": ("seed", "data_seed"),
}
_PLURAL = ("data", "features", "hidden")
_CALLED = {
    "n": "number of rows",
    "data_seed": "seed of the data",
    "validation": "share of rows held out",
    "standardize": "standardising",
    "hidden": "layers",
    "init": "initialisation",
}


@final
class Goal(NamedTuple):
    """What is to be reached.

    Attributes
    ----------
    metric
        A figure of the history, such as ``"validation_loss"``.
    below
        Whether it must come below `value`, or above.
    value
        The bound itself does not count.
    within
        How many updates there are for it, or None for as many as one likes.
    """

    metric: str
    below: bool
    value: float
    within: int | None

    def __str__(self) -> str:
        """Return the goal as an address has it."""
        within = "" if self.within is None else f"@{self.within}"
        return f"{self.metric}{'<' if self.below else '>'}{self.value!r}{within}"

    @property
    def sentence(self) -> str:
        """The goal in words."""
        side = "below" if self.below else "above"
        within = "" if self.within is None else f" within {self.within} updates"
        return f"{self.metric.replace('_', ' ')} {side} {self.value:g}{within}"

    def met_by(self, value: float) -> bool:
        """Tell whether a value reaches it; what is not a number never does."""
        return value < self.value if self.below else value > self.value


@final
class Reached(NamedTuple):
    """When a goal was first reached: after how many updates, and with which value."""

    step: int
    value: float


def goal_of(text: str) -> Goal:
    """Return the goal that a text names, such as ``"validation_loss<0.1@200"``.

    Raises
    ------
    InputError
        If it is not of that form, or names a figure that no history has.
    """
    found = _GOAL.fullmatch(text)
    if found is None:
        msg = (
            "A goal is a figure of the history, < or >, a number, and after @ within how many "
            f"updates: validation_loss<0.1@200. Got {text!r:.80} instead."
        )
        raise InputError(msg)
    metric, value, within = found["metric"], float(found["value"]), found["within"]
    known = metrics_known()
    if metric not in known:
        hint = did_you_mean(metric, known)
        msg = (
            f"No history has the figure {metric!r:.80}{hint}; a goal can ask for "
            f"{', '.join(known)}."
        )
        raise InputError(msg)
    if not math.isfinite(value) or within == "0":
        msg = f"A goal needs a finite number and at least one update. Got {text!r:.80} instead."
        raise InputError(msg)
    return Goal(metric, found["sign"] == "<", value, None if within is None else int(within))


def metrics_known() -> tuple[str, ...]:
    """Return the figures that a goal can ask for."""
    measured = dict.fromkeys(name for names in METRICS.values() for name in names)
    return (*FIGURES, *(f"validation_{name}" for name in measured))


def first_reached(history: History, updates_per_epoch: int, goal: Goal) -> Reached | None:
    """Return when a history first reached a goal, in time or late; None if it never did.

    Where the history keeps blocks of updates, the first update of the block is named.

    Raises
    ------
    InputError
        If the run does not measure what the goal asks for.
    """
    if goal.metric not in history:
        msg = (
            f"The goal asks for {goal.metric}, which is not measured here; there are "
            f"{', '.join(history.names())}"
            + (". Hold rows out for validation." if "validation" in goal.metric else ".")
        )
        raise InputError(msg)
    per_epoch = goal.metric in history.epochs.names
    series = history.epochs if per_epoch else history.updates
    low, high = history.range_of(goal.metric)
    for place, value in enumerate(low if goal.below else high):
        if goal.met_by(value):
            first = place * series.block
            # Figures of an update belong to the point before it, those of an epoch after it.
            step = (first + 1) * updates_per_epoch if per_epoch else first
            return Reached(step, float(value))
    return None


def in_time(goal: Goal, reached: Reached | None) -> bool:
    """Tell whether it was reached within its updates."""
    return reached is not None and (goal.within is None or reached.step <= goal.within)


# ---------------------------------------------------------------- locks


def locked(lock: Iterable[str]) -> set[str]:
    """Return the settings that locks keep as they are."""
    return {name for one in lock for name in LOCKS.get(one, (one,))}


def refused(lock: Sequence[str], change: Mapping[str, Any]) -> None:
    """Raise `InputError` if a change touches what is locked."""
    kept = locked(lock)
    for name in change:
        if name in kept:
            words = _CALLED.get(name, name.replace("_", " "))
            is_, it = ("are", "they stay") if name in _PLURAL else ("is", "it stays")
            as_ = "as they are" if name in _PLURAL else "as it is"
            msg = f"The {words} {is_} locked in this lab, so {it} {as_}."
            raise InputError(msg)


def guarded(lock: Sequence[str], message: Mapping[str, Any]) -> None:
    """Raise `InputError` if a message would change what is locked."""
    kind = message["kind"]
    change = dict(message.get("change", {}))
    if kind == "reset" and message["start"] == "new":
        change["seed"] = None
    if kind == "racers":
        change["optimizer"] = None
    refused(lock, change)
    by_hand = kind == "edit" or (kind == "hand" and message.get("go", False))
    by_hand = by_hand or (kind == "racing" and "start" in message)
    if by_hand and "edit" in lock:
        msg = "Setting parameters by hand is locked in this lab."
        raise InputError(msg)


# ---------------------------------------------------------------- in the lab


def checked(text: str | None) -> str | None:
    """Return a goal's text in its one form, or None for none."""
    return str(goal_of(text)) if text else None


def watch(leader: Leader, *, now: bool = True) -> None:
    """Look whether the goal has been reached; if so it is told, and noted in the run."""
    branch, text = leader.branch, leader.goal
    if not text or text in branch.goals:
        return
    looked = time.monotonic()
    if not now and looked - leader.asked.get("goal", 0.0) < _APART:
        return
    leader.asked["goal"] = looked
    goal = goal_of(text)
    reached = first_reached(branch.live.history, branch.live.updates_per_epoch, goal)
    if in_time(goal, reached) and reached is not None:
        _note(leader, branch, goal, reached)
    elif goal.within is not None and branch.step > goal.within:
        branch.goals[text] = None
        leader.said(f"Not reached within its updates: {goal.sentence}. Go back, or begin again.")
        leader.state()


def _note(leader: Leader, branch: Branch, goal: Goal, reached: Reached) -> None:
    text = str(leader.goal)
    branch.goals[text] = reached
    branch.live.note("goal", goal=text, reached=reached.step, value=reached.value)
    leader.said(
        f"Goal reached after {reached.step} updates: {goal.sentence} (it was {reached.value:.4g})."
    )
    leader.state()


def told(leader: Leader) -> dict[str, Any] | None:
    """Return the goal as the page shows it, and whether it has been reached."""
    if not leader.goal:
        return None
    goal = goal_of(leader.goal)
    settled = leader.goal in leader.branch.goals
    reached = leader.branch.goals.get(leader.goal)
    return {
        "text": leader.goal,
        "sentence": goal.sentence,
        "metric": goal.metric,
        "reached": None if reached is None else reached._asdict(),
        "missed": settled and reached is None,
    }
