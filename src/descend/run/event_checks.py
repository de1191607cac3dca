"""Events from outside, checked: a file's are of closed kinds, in order, and lead to its task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from descend.engines import is_known
from descend.errors import RunFileError
from descend.run.events import CHANGED, KINDS, NOTES, Event, Force, before

if TYPE_CHECKING:
    from collections.abc import Sequence

_FACTS = {"scale": {"value"}, "edit": {"at", "to"}, "engine": {"engine", "was"}}
_DEEPEST = 8


def checked(events: Any, end: Force, last: int, size: int) -> tuple[Event, ...]:
    """Return a file's events, of a run of `last` updates and `size` parameters that ends so.

    Raises
    ------
    InputError
        If one cannot be; the sentence says which.
    """
    found = tuple(events)
    for place, event in enumerate(found):
        _check_kind(place, event)
        if type(event["step"]) is not int or not 0 <= event["step"] <= last:
            _refuse(place, f"stands at step {event['step']!r} of {last}")
        if place and event["step"] < found[place - 1]["step"]:
            _refuse(place, "stands before the one it follows")
        if event["kind"] == "edit":
            _check_edit(place, event, size)
        elif event["kind"] == "scale" and not _is_number(event["value"]):
            _refuse(place, f"scales the learning rate by {event['value']!r}")
    _check_chain(found, end)
    return found


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether `value` is plain data with finite numbers, and not nested very deeply."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(type(k) is str and is_plain(v, depth + 1) for k, v in value.items())
    if isinstance(value, list):
        return all(is_plain(item, depth + 1) for item in value)
    return value is None or type(value) in {bool, int, str} or _is_number(value)


def _check_kind(place: int, event: Any) -> None:
    if not isinstance(event, dict) or event.get("kind") not in KINDS:
        kind = event.get("kind") if isinstance(event, dict) else event
        _refuse(place, f"is of the kind {kind!r}, which this library does not know")
    kind, facts = event["kind"], set(event) - {"kind", "step"}
    known = facts == _FACTS.get(kind)
    if kind == "change":
        asked = facts - {"was"}
        was = event.get("was")
        known = isinstance(was, dict) and bool(asked) and asked == set(was) and asked <= {*CHANGED}
    if "step" not in event or not (kind in NOTES or known) or not is_plain(event):
        _refuse(place, f"holds {sorted(map(str, facts))}")


def _check_edit(place: int, event: Event, size: int) -> None:
    at, to = event["at"], event["to"]
    whole = isinstance(at, list) and all(type(i) is int and 0 <= i < size for i in at)
    if not whole or not at or len(set(at)) < len(at):
        _refuse(place, f"sets the parameters {at!r:.60} of {size}")
    if not isinstance(to, list) or len(to) != len(at) or not all(_is_number(v) for v in to):
        _refuse(place, f"sets them to {to!r:.60}")


def _check_chain(events: Sequence[Event], end: Force) -> None:
    """Go back from the end: each change must have led to what was in force after it."""
    force = end
    for place in range(len(events) - 1, -1, -1):
        event = events[place]
        if event["kind"] == "engine":
            if event["engine"] != force.engine or not is_known(str(event["was"])):
                _refuse(place, f"changes {event['was']!r:.60} to {event['engine']!r:.60}")
        elif event["kind"] == "change":
            _check_change(place, event, force)
        force = before(event, force)


def _check_change(place: int, event: Event, force: Force) -> None:
    facts, was = force.facts(), event["was"]
    for name in was:
        if event[name] != facts[name]:
            _refuse(place, f"changes the {name} to {event[name]!r:.60}, and it was {facts[name]}")
    old = was.get("optimizer", facts["optimizer"])
    if not isinstance(old, dict) or {*old} != {*facts["optimizer"]}:
        _refuse(place, f"changes {old!r:.60}")
    if old["name"] != facts["optimizer"]["name"]:
        _refuse(place, f"changes the rule {old['name']!r:.60}")
    if not _is_number(was.get("learning_rate", 1.0)):
        _refuse(place, f"changes the learning rate {was['learning_rate']!r:.60}")


def _is_number(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _refuse(place: int, what: str) -> None:
    msg = f"its event {place + 1} {what}"
    raise RunFileError(msg)
