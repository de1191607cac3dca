"""Messages: what a page may say, checked before anything acts on it; and what it is told, packed.

>>> checked({"kind": "look", "step": 12})
{'kind': 'look', 'step': 12}
"""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

from descend.errors import InputError, did_you_mean
from descend.page.parts import finite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# A page's words are short, but for a trail of moves and a dropped table's name.
LONGEST_TEXT, LONGEST_LIST, DEEPEST = 10_000, 5_000, 5
_LARGEST = 2**53  # beyond it a browser's whole numbers are no longer whole

Check = "Callable[[Any], str]"  # returns what it must be, or "" where it is


def _whole(low: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value < _LARGEST
        return "" if fits else f"a whole number from {low}"

    return check


def _number(value: Any) -> str:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if known and _finite(value) else "a finite number"


def _finite(value: float) -> bool:
    """Tell whether a number is one that a double holds."""
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _speed(value: Any) -> str:
    fits = value is None or (not _number(value) and 0 < value <= 1e9)  # noqa: PLR2004
    return "" if fits else "a number of updates a second above 0, or null for as many as it can"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _text(value: Any) -> str:
    fits = isinstance(value, str) and len(value) <= LONGEST_TEXT
    return "" if fits else f"text of at most {LONGEST_TEXT} characters"


def _one_of(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        return "" if value in names and isinstance(value, str) else f"one of {', '.join(names)}"

    return check


def _record(value: Any) -> str:
    return "" if isinstance(value, dict) and _plain(value, DEEPEST) else "an object of plain values"


def _list(value: Any) -> str:
    return "" if isinstance(value, list) and _plain(value, DEEPEST) else "a list of plain values"


def _plain(value: Any, deep: int) -> bool:
    """Tell whether a value is small, plain and finite."""
    if value is None or isinstance(value, bool | str):
        return not isinstance(value, str) or len(value) <= LONGEST_TEXT
    if isinstance(value, int | float):
        return _finite(value)
    if deep == 0 or not isinstance(value, dict | list) or len(value) > LONGEST_LIST:
        return False
    if isinstance(value, dict):
        return all(_plain(key, 0) and _plain(entry, deep - 1) for key, entry in value.items())
    return all(_plain(entry, deep - 1) for entry in value)


ASKED = (
    "update",
    "findings",
    "surface",
    "curves",
    "curvature",
    "metrics",
    "forecast",
    "choices",
)
TAKEN = ("run", "report", "numpy", "jax", "torch", "sklearn")

# For each kind: what must be there, and what may be.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hello": ({}, {"address": _text}),
    "set": ({"change": _record}, {"number": _whole(0)}),
    "play": ({"on": _flag}, {}),
    "speed": ({"updates_per_second": _speed}, {}),
    "advance": ({}, {"updates": _whole(1), "epochs": _whole(1)}),
    "look": ({"step": _whole(0)}, {"branch": _whole(0)}),
    "reset": ({"start": _one_of("same", "new")}, {}),
    "edit": ({"step": _whole(0), "at": _whole(0), "to": _number}, {}),
    "branch": ({"step": _whole(0)}, {"change": _record}),
    "select": ({"branch": _whole(0)}, {}),
    "remove": ({"branch": _whole(0)}, {}),
    "restore": ({}, {}),
    "rename": ({"branch": _whole(0), "name": _text}, {}),
    "compare": ({"branches": _list}, {}),
    "hand": ({"trail": _list}, {"go": _flag, "assists": _whole(0)}),
    "floor": ({}, {}),
    "race": ({"branches": _list}, {"play": _flag}),
    "racers": ({"optimizers": _list}, {"play": _flag}),
    "racing": (
        {},
        {"on": _flag, "updates": _whole(1), "step": _whole(0), "start": _list, "over": _flag},
    ),
    "ask": ({"what": _one_of(*ASKED)}, {"step": _whole(0)}),
    "try": ({"code": _text}, {}),
    "file": ({"what": _one_of(*TAKEN)}, {"name": _text}),
}


def checked(message: Any) -> dict[str, Any]:
    """Return a message that is known to be as it should.

    Raises
    ------
    InputError
        If it has another kind, an unknown or missing key, or a value of another type.
    """
    kind = message.get("kind") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        hint = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        msg = f"A message needs a known kind; found {str(kind)[:40]!r}{hint}."
        raise InputError(msg)
    needed, possible = KINDS[kind]
    for key in needed:
        if key not in message:
            msg = f"A message of kind {kind!r} needs {key!r}; it is not there."
            raise InputError(msg)
    for key, value in message.items():
        if key != "kind":
            _check(kind, str(key), value, {**needed, **possible})
    return dict(message)


def _check(kind: str, key: str, value: Any, known: Mapping[str, Any]) -> None:
    if key not in known:
        hint = did_you_mean(key, known)
        msg = f"A message of kind {kind!r} has no {key[:40]!r}{hint}; it may have {sorted(known)}."
        raise InputError(msg)
    wanted = known[key](value)
    if wanted:
        msg = f"The {key!r} of a message of kind {kind!r} must be {wanted}; found {_short(value)}."
        raise InputError(msg)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004


# ---------------------------------------------------------------- on the wire

_APART = 8  # buffers begin at multiples of this, so that a browser can look at them in place


def packed(header: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> bytes:
    r"""Return a message as it goes over the wire: length, JSON header, buffers, all padded.

    >>> packed({"kind": "said"})
    b'\x1c\x00\x00\x00{"kind":"said","buffers":[]}'
    """
    plain = finite({**header, "buffers": [len(buffer) for buffer in buffers]})
    head = json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()
    head += b" " * (-(len(head) + 4) % _APART)
    pieces = [struct.pack("<I", len(head)), head]
    for buffer in buffers:
        pieces += [buffer, bytes(-len(buffer) % _APART)]
    return b"".join(pieces)
