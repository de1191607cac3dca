"""What was changed along the way, as a run records it, and what was in force at any update.

An event is plain data: its ``kind``, its ``step``, and facts.

    scale                  ``value``: what plateaus multiply the learning rate by from here on
    change                 any of ``learning_rate``, ``optimizer`` (the rule and its numbers) and
                           ``penalty``, and what each of them ``was``
    edit                   parameters set by hand: ``to`` these numbers, ``at`` these indices
    engine                 another ``engine`` from here on, and which it ``was``
    lab, hand, goal        notes of the lab

They stand in the order of their steps.  An event of step s is in force for update s, the (s + 1)st;
the state of step s is the one after its edits.  The task, the learning rate and the engine of a run
are those at its end, so what was in force before is found by going back through what things were.

    >>> from descend.models import Linear
    >>> from descend.task import Task
    >>> end = Force(Task(Linear(), "squared_error", "momentum"), 0.01, "numpy")
    >>> lowered = {
    ...     "kind": "change",
    ...     "step": 7,
    ...     "learning_rate": 0.01,
    ...     "was": {"learning_rate": 0.1},
    ... }
    >>> [(first, force.learning_rate) for first, force in forces(end, [lowered])]
    [(0, 0.1), (7, 0.01)]
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from descend.optimizers import RULES
from descend.optimizers import describe as describe_optimizer
from descend.optimizers import restore as restore_optimizer
from descend.penalties import PENALTIES
from descend.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Floats

Event = dict[str, Any]
NOTES = ("lab", "hand", "goal")
KINDS = ("scale", "change", "edit", "engine", *NOTES)
CHANGED = ("learning_rate", "optimizer", "penalty")


class Force(NamedTuple):
    """What is in force at an update: the task, its resolved learning rate, and the engine."""

    task: Task
    learning_rate: float
    engine: str

    def facts(self) -> dict[str, Any]:
        """Return what a change can change, as an event has it."""
        penalty = self.task.penalty
        return {
            "learning_rate": self.learning_rate,
            "optimizer": RULES.describe(self.task.optimizer.rule),
            "penalty": None if penalty is None else PENALTIES.describe(penalty),
        }

    def with_facts(self, facts: Mapping[str, Any]) -> Force:
        """Return the same with other numbers, checked as the parts' own functions do."""
        task, rate = self.task, facts.get("learning_rate", self.learning_rate)
        if "optimizer" in facts or "learning_rate" in facts:
            record = describe_optimizer(task.optimizer) | facts.get("optimizer", {})
            if "learning_rate" in facts:
                record["learning_rate"] = rate
            task = replace(task, optimizer=restore_optimizer(record))
        if "penalty" in facts:
            record = facts["penalty"]
            task = replace(task, penalty=None if record is None else PENALTIES.restore(record))
        return Force(task, rate, self.engine)


def forces(end: Force, events: Sequence[Event]) -> list[tuple[int, Force]]:
    """Return what was in force, and from which update on, the first from update 0."""
    found: list[tuple[int, Force]] = []
    force = end
    for event in reversed(events):
        if event["kind"] in {"change", "engine"}:
            if not found or event["step"] < found[-1][0]:
                found.append((event["step"], force))
            force = before(event, force)
    if not found or found[-1][0] > 0:
        found.append((0, force))
    return found[::-1]


def before(event: Event, force: Force) -> Force:
    """Return what was in force before an event."""
    if event["kind"] == "engine":
        return force._replace(engine=event["was"])
    return force.with_facts(event["was"]) if event["kind"] == "change" else force


def turns(events: Sequence[Event]) -> list[int]:
    """Return the steps at which something changed, in order."""
    return sorted({event["step"] for event in events if event["kind"] not in NOTES})


def last_change(events: Sequence[Event]) -> int:
    """Return the step of the last change or edit; 0 where there is none."""
    return max((e["step"] for e in events if e["kind"] in {"change", "edit"}), default=0)


def edited(theta: Floats, events: Sequence[Event], step: int) -> Floats:
    """Return the parameters after the edits of a step."""
    for event in events:
        if event["kind"] == "edit" and event["step"] == step:
            theta = theta.copy()
            theta[event["at"]] = event["to"]
    return theta


# ---------------------------------------------------------------- recording


def record_change(events: list[Event], step: int, was: Force, now: Force) -> None:
    """Note in place what is another than it was; changes at one step are one event."""
    facts, old = now.facts(), was.facts()
    known = _taken_out(events, "change", step)
    if known is not None:
        old |= known["was"]
    changed = {name: facts[name] for name in CHANGED if facts[name] != old[name]}
    if changed:
        kept = {name: old[name] for name in changed}
        events.append({"kind": "change", "step": step, **changed, "was": kept})


def record_engine(events: list[Event], step: int, was: str, now: str) -> None:
    """Note in place that another engine takes over."""
    known = _taken_out(events, "engine", step)
    was = was if known is None else known["was"]
    if now != was:
        events.append({"kind": "engine", "step": step, "engine": now, "was": was})


def record_edit(events: list[Event], step: int, to: Mapping[int, float]) -> None:
    """Note in place which parameters were set to what; edits at one step are one event."""
    known = _taken_out(events, "edit", step)
    old = {} if known is None else dict(zip(known["at"], known["to"], strict=True))
    found = dict(sorted({**old, **to}.items()))
    events.append({"kind": "edit", "step": step, "at": list(found), "to": list(found.values())})


def record_note(events: list[Event], kind: str, step: int, facts: Mapping[str, Any]) -> None:
    """Note in place something of the lab's; of one kind, at one step, the last is kept."""
    _taken_out(events, kind, step)
    events.append({"kind": kind, "step": step, **facts})


def _taken_out(events: list[Event], kind: str, step: int) -> Event | None:
    """Take the event of that kind and step out in place, if there is one."""
    for place in range(len(events) - 1, -1, -1):
        if events[place]["step"] != step:
            return None
        if events[place]["kind"] == kind:
            return events.pop(place)
    return None
