"""The address: everything that makes a run, as a query string that can be read and shared.

Only what differs from the usual is written, under short names.  Numbers are written so that they
come back to the last bit; what comes in is checked as strictly as any other message.

    >>> to_query(Settings.of({"data": "circles", "hidden": [8, 4], "learning_rate": 0.1}), step=40)
    'data=circles&hidden=8,4&rate=0.1&step=40'
    >>> from_query("data=circles&hidden=8,4&rate=0.1").settings.hidden
    (8, 4)
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final
from urllib.parse import parse_qsl, quote

from descend.activations import ACTIVATIONS
from descend.errors import InputError, did_you_mean
from descend.lab.fields import MOST_PARAMETERS, READERS, made
from descend.lab.settings import CONTINUES, Settings
from descend.losses import LOSSES
from descend.optimizers import RULES
from descend.penalties import PENALTIES
from descend.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.parts import Family

LONGEST = 8192
MOST_CHANGES = 500
MOST_STEPS = 10**7  # beyond it nobody waits until an address has been trained again
LONGEST_GOAL = 500
# Short names of settings; the others go by their own.
SHORT = {"learning_rate": "rate", "batch_size": "batch", "data_seed": "draw"}
LONG = {short: name for name, short in SHORT.items()}
BESIDE = ("changes", "step", "lock", "goal")
TEXTS = ("data", "table", "target", "init", "reduction")
FAMILIES: dict[str, Family[Any]] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": RULES,
    "penalty": PENALTIES,
    "schedule": SCHEDULES,
}
LISTS = ("hidden", "start")
NONE = "none"
_SAFE = ",:=*()/;!$'"
_LOCK = re.compile(r"[a-z][a-z0-9_-]{0,49}")

Change = tuple[int, dict[str, Any]]


@final
@dataclass(frozen=True)
class Address:
    """What an address says.

    Attributes
    ----------
    settings
        Of the run.
    changes
        What was changed along the way: pairs of a step and one of ``{"learning_rate": …}``,
        ``{"optimizer": {…}}``, ``{"penalty": {…} or None}`` and ``{"edit": {"at": i, "to": v}}``.
    step
        Which step to show, or None.
    lock
        The names of controls that are hidden.
    goal
        What is to be reached, in words of the teacher's, or None.
    """

    settings: Settings
    changes: tuple[Change, ...] = ()
    step: int | None = None
    lock: tuple[str, ...] = ()
    goal: str | None = None


# ---------------------------------------------------------------- writing


def to_query(
    settings: Settings,
    changes: Sequence[Change] = (),
    step: int | None = None,
    lock: Sequence[str] = (),
    goal: str | None = None,
) -> str:
    """Return the address of a run: a query string without its question mark.

    Raises
    ------
    InputError
        If it would be longer than 8 kB, or could not be read again.
    """
    pairs = [(SHORT.get(n, n), _written(n, v)) for n, v in settings.differing().items()]
    if changes:
        pairs.append(("changes", ";".join(f"{at}.{_change(what)}" for at, what in changes)))
    if step is not None:
        pairs.append(("step", str(step)))
    pairs += [("lock", ",".join(lock))] if lock else []
    pairs += [("goal", goal)] if goal is not None else []
    query = "&".join(f"{name}={quote(text, safe=_SAFE)}" for name, text in pairs)
    if len(query) > LONGEST:
        msg = (
            f"This run does not fit into an address: it takes {len(query)} letters, and {LONGEST} "
            "are the most; save the run file instead."
        )
        raise InputError(msg)
    return query


def _written(name: str, value: Any) -> str:
    """Return a setting as text."""
    if name in TEXTS or value == "auto":
        return str(value)
    if value is None:
        return NONE
    if name in FAMILIES:
        usual = made(FAMILIES[name], {"name": value["name"]}, None)._asdict()
        return _part({k: v for k, v in value.items() if k == "name" or v != usual[k]})
    if name == "features":
        plain = value and not any("," in entry or entry.startswith("[") for entry in value)
        return ",".join(value) if plain else json.dumps(value, separators=(",", ":"))
    return ",".join(map(json.dumps, value)) if name in LISTS else json.dumps(value)


def _part(record: Mapping[str, Any]) -> str:
    """Return a part as ``name:number=…``; without a name, its numbers alone."""
    name = [record["name"]] if "name" in record else []
    return ":".join([*name, *(f"{k}={json.dumps(v)}" for k, v in record.items() if k != "name")])


def _change(what: Mapping[str, Any]) -> str:
    """Return one change, such as ``rate=0.1`` or ``edit=3=0.25``."""
    ((name, value),) = what.items()
    if name == "edit":
        return f"edit={value['at']}={json.dumps(value['to'])}"
    if name == "learning_rate":
        return f"rate={json.dumps(value)}"
    return f"{name}={NONE if value is None else _part(value)}"


# ---------------------------------------------------------------- reading


def from_query(query: Any) -> Address:
    """Return what an address says, checked.

    Raises
    ------
    InputError
        If it is none; the sentence says what was found.
    """
    given = _pairs(query)
    plain = {}
    for short, text in given.items():
        name = LONG.get(short, short)
        if short in BESIDE:
            continue
        if name not in READERS or short in SHORT:
            known = [*(SHORT.get(n, n) for n in READERS), *BESIDE]
            hint = did_you_mean(SHORT.get(short, short), known)
            msg = f"An address has no {short!r:.80}{hint}; take it out."
            raise InputError(msg)
        plain[name] = _read(name, text)
    settings = Settings.of(plain)
    step = given.get("step")
    goal = given.get("goal")
    if goal is not None and not 0 < len(goal) <= LONGEST_GOAL:
        msg = f"The goal of an address has 1 to {LONGEST_GOAL} letters; this has {len(goal)}."
        raise InputError(msg)
    return Address(
        settings,
        _changes(settings, given.get("changes", "")),
        None if step is None else _whole("step", step, MOST_STEPS),
        _locks(given.get("lock", "")),
        goal,
    )


def _pairs(query: Any) -> dict[str, str]:
    if not isinstance(query, str) or len(query) > LONGEST:
        msg = f"An address is text of at most {LONGEST} letters; make a new one in the lab."
        raise InputError(msg)
    text = query.removeprefix("?")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError as error:
        msg = (
            "This is not an address, which reads name=value&name=value; make a new one in the lab."
        )
        raise InputError(msg) from error
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"The address says {twice!r:.80} twice; leave one of them."
        raise InputError(msg)
    return given


def _read(name: str, text: str) -> Any:
    """Return the plain data of a setting; whether it is allowed, `Settings` will say."""
    if name in TEXTS or (name == "learning_rate" and text == "auto"):
        return text
    if name == "features" and not text.startswith("["):
        return text.split(",")
    if text == NONE:
        return None
    if name in FAMILIES:
        return _read_part(name, text)
    if name in LISTS:
        return [_scalar(name, entry) for entry in text.split(",")] if text else []
    return _scalar(name, text)


def _scalar(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"The address has {text!r:.80} for {name}, which is no number; write it as 0.5 or 12."
        raise InputError(msg) from error


def _read_part(name: str, text: str) -> dict[str, Any]:
    first, *rest = text.split(":")
    record: dict[str, Any] = {} if "=" in first else {"name": first}
    for word in [first] * ("=" in first) + rest:
        key, equals, number = word.partition("=")
        if not equals or key in record or key == "name":
            msg = f"The address has {text!r:.80} for {name}; write it as name:number=0.5."
            raise InputError(msg)
        record[key] = _scalar(name, number)
    return record


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):  # noqa: PLR2004
        msg = f"The address has {text!r:.80} for {name}, which is no whole number up to {most}."
        raise InputError(msg)
    return int(text)


def _locks(text: str) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    for name in names:
        if not _LOCK.fullmatch(name):
            msg = f"The address locks {name!r:.80}, which names no control; see the lab's README."
            raise InputError(msg)
    return names


def _changes(settings: Settings, text: str) -> tuple[Change, ...]:
    """Return the changes, each checked on the settings it meets."""
    words = text.split(";") if text else []
    if len(words) > MOST_CHANGES:
        msg = f"An address holds up to {MOST_CHANGES} changes; this has {len(words)}."
        raise InputError(msg)
    found: list[Change] = []
    for word in words:
        at, _, what = word.partition(".")
        step = _whole("changes", at, MOST_STEPS)
        if found and step < found[-1][0]:
            msg = f"The changes of an address go by their steps; {step} comes after {found[-1][0]}."
            raise InputError(msg)
        change = _read_change(what)
        if "edit" not in change:
            settings = _applied(settings, change, word)
        found.append((step, change))
    return tuple(found)


def _read_change(text: str) -> dict[str, Any]:
    name, _, value = text.partition("=")
    if name == "edit":
        at, _, to = value.partition("=")
        number = _scalar("edit", to)
        if isinstance(number, bool) or not isinstance(number, int | float) or not _finite(number):
            msg = f"The address sets a parameter to {to!r:.80}, which is no number."
            raise InputError(msg)
        return {"edit": {"at": _whole("edit", at, MOST_PARAMETERS), "to": float(number)}}
    name = LONG.get(name, name)
    if name not in CONTINUES:
        msg = (
            f"The address changes {name!r:.80} along the way; that can be done with the rate, the "
            "optimizer's numbers, the penalty and parameters (edit) alone."
        )
        raise InputError(msg)
    return {name: _read(name, value)}


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _applied(settings: Settings, change: dict[str, Any], word: str) -> Settings:
    if not settings.kept_by(change):
        msg = f"The change {word!r:.80} of the address would begin another run; leave it out."
        raise InputError(msg)
    return settings.with_changes(change)[0]
