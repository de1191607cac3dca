"""Fields: how each setting is read from plain data, and refused in a sentence.

A reader takes what was given and what the setting was before (a part may be named by its numbers
alone), and returns a value that can be frozen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from descend.activations import ACTIVATIONS
from descend.errors import InputError, did_you_mean
from descend.lab.sources import MOST_CLASSES, SOURCES
from descend.losses import LOSSES
from descend.models import INITIALISATIONS
from descend.optimizers import RULES
from descend.penalties import PENALTIES
from descend.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.parts import Family

FEWEST_ROWS, MOST_ROWS = 2, 100_000
MOST_LAYERS, MOST_UNITS = 6, 64
MOST_NOISE, MOST_VALIDATION = 10.0, 0.9
MOST_BATCH = 2_000_000
LARGEST_SEED = 2**53 - 1  # what JavaScript can count to
LARGEST_DATA_SEED = 2**32 - 1
MOST_FEATURES = 2000
MOST_PARAMETERS = 1_000_000
LONGEST_NAME = 1000
# What a schedule asks for and has no default of its own for, in updates; and a penalty that does
# not drown the loss of data of the usual size.
_USUAL = {"steps": 1000, "every": 200, "strength": 0.01}


def _refused(name: str, wanted: str, given: Any) -> InputError:
    return InputError(f"The setting {name!r} must be {wanted}. Got {given!r:.80} instead.")


def _whole(name: str, low: int, high: int) -> Callable[[Any, Any], int]:
    def read(given: Any, _before: Any) -> int:
        if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
            raise _refused(name, f"a whole number from {low} to {high}", given)
        return given

    return read


def _real(
    name: str, low: float, high: float, *, above: bool = False
) -> Callable[[Any, Any], float]:
    """Return a reader of numbers in [low, high], or in (low, high] with `above`."""
    wanted = f"a number above {low:g}" if above else f"a number from {low:g}"
    wanted += f" and at most {high:g}" if above and high < math.inf else ""
    wanted += f" to {high:g}" if not above else ""

    def read(given: Any, _before: Any) -> float:
        found = _float(given)
        if found is None or not (found > low if above else found >= low) or found > high:
            raise _refused(name, wanted, given)
        return found

    return read


def _float(given: Any) -> float | None:
    """Return a finite number as a float, and None for all else."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        found = float(given)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _or_none(read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda given, before: None if given is None else read(given, before)


def _choice(name: str, known: tuple[str, ...]) -> Callable[[Any, Any], str]:
    def read(given: Any, _before: Any) -> str:
        if given not in known:
            hint = did_you_mean(given, known) if isinstance(given, str) else ""
            msg = (
                f"The setting {name!r} must be one of {', '.join(known)}. Got {given!r:.80}{hint}."
            )
            raise InputError(msg)
        return str(given)

    return read


def _flag(name: str) -> Callable[[Any, Any], bool]:
    def read(given: Any, _before: Any) -> bool:
        if not isinstance(given, bool):
            raise _refused(name, "true or false", given)
        return given

    return read


def _text(name: str) -> Callable[[Any, Any], str]:
    def read(given: Any, _before: Any) -> str:
        if not isinstance(given, str) or len(given) > LONGEST_NAME:
            raise _refused(name, f"text of at most {LONGEST_NAME} letters", given)
        return given

    return read


def _listed(name: str, one: Callable[[Any, Any], Any], most: int) -> Callable[[Any, Any], Any]:
    def read(given: Any, _before: Any) -> tuple[Any, ...]:
        if not isinstance(given, list | tuple) or len(given) > most:
            raise _refused(name, f"a list of at most {most}", given)
        return tuple(one(entry, None) for entry in given)

    return read


def _part(name: str, family: Family[Any]) -> Callable[[Any, Any], Any]:
    """Return a reader of parts: a name, a name with numbers, or numbers for the part before."""

    def read(given: Any, before: Any) -> Any:
        if given in family:
            return given
        record = {"name": given} if isinstance(given, str) else given
        if not isinstance(record, dict) or not all(isinstance(key, str) for key in record):
            wanted = "a name, or a name with its numbers"
            raise _refused(name, wanted, given)
        return made(family, record, before)

    return read


def made(family: Family[Any], record: Mapping[str, Any], before: Any) -> Any:
    """Return the part of a record; numbers it leaves out are those before, or the usual ones."""
    same = before is not None and record.get("name", before.name) == before.name
    called = before.name if same else record.get("name")
    if not isinstance(called, str):
        msg = f"The {family.kind} must be named; choose one of {', '.join(family)}."
        raise InputError(msg)
    numbers = {key: value for key, value in record.items() if key != "name"}
    _check_numbers(family, called, numbers)
    old = before._asdict() if same else {}
    usual = {k: v for k, v in _USUAL.items() if k in _numbers_of(family, called)}
    part = family.make(called, **{**usual, **old, **numbers})
    return getattr(part, "rule", part)  # an optimizer's maker returns it with its rate


def _numbers_of(family: Family[Any], name: str) -> tuple[str, ...]:
    found = [cls._fields for cls in family.classes() if cls.name == name]
    return tuple(found[0]) if found else ()


def _check_numbers(family: Family[Any], name: str, numbers: Mapping[str, Any]) -> None:
    if name not in list(family):
        family.make(name)  # which says so
    known = _numbers_of(family, name)
    for key, value in numbers.items():
        if key not in known:
            takes = ", ".join(known) or "no numbers"
            hint = did_you_mean(key, known)
            msg = f"The {family.kind} {name} takes {takes}; got {key!r:.80}{hint}."
            raise InputError(msg)
        wrong = not isinstance(value, bool) if key == "biases" else _float(value) is None
        if wrong:
            wanted = "true or false" if key == "biases" else "a finite number"
            where = f"{name} {key}"
            raise _refused(where, wanted, value)


def _rate(given: Any, before: Any) -> float | str:
    if given == "auto":
        return "auto"
    try:
        return _real("learning_rate", 0, math.inf, above=True)(given, before)
    except InputError:
        name, wanted = "learning_rate", "a number above 0, or 'auto'"
        raise _refused(name, wanted, given) from None


_start = _listed("start", _real("start", -1e300, 1e300), MOST_PARAMETERS)
_features = _listed("features", _text("features"), MOST_FEATURES)
_hidden = _listed("hidden", _whole("hidden", 1, MOST_UNITS), MOST_LAYERS)


def _different(given: Any, before: Any) -> tuple[str, ...]:
    found = _features(given, before)
    if len(set(found)) < len(found):
        name, wanted = "features", "a list of different names"
        raise _refused(name, wanted, given)
    return tuple(found)


READERS: dict[str, Callable[[Any, Any], Any]] = {
    "data": _choice("data", tuple(SOURCES)),
    "table": _text("table"),
    "target": _text("target"),
    "n": _whole("n", FEWEST_ROWS, MOST_ROWS),
    "classes": _whole("classes", 2, MOST_CLASSES),
    "noise": _real("noise", 0, MOST_NOISE),
    "data_seed": _whole("data_seed", 0, LARGEST_DATA_SEED),
    "validation": _real("validation", 0, MOST_VALIDATION),
    "features": _different,
    "standardize": _flag("standardize"),
    "hidden": _hidden,
    "activation": _part("activation", ACTIVATIONS),
    "init": _choice("init", INITIALISATIONS),
    "bias": _flag("bias"),
    "loss": _part("loss", LOSSES),
    "reduction": _choice("reduction", ("mean", "sum")),
    "optimizer": _part("optimizer", RULES),
    "learning_rate": _rate,
    "schedule": _or_none(_part("schedule", SCHEDULES)),
    "clip_value": _or_none(_real("clip_value", 0, math.inf, above=True)),
    "clip_norm": _or_none(_real("clip_norm", 0, math.inf, above=True)),
    "batch_size": _or_none(_whole("batch_size", 1, MOST_BATCH)),
    "penalty": _or_none(_part("penalty", PENALTIES)),
    "seed": _whole("seed", 0, LARGEST_SEED),
    "start": _or_none(_start),
}


def read(given: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given of the settings, checked one by one; `before` is what they were."""
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        msg = f"Settings are given by name, as in {{'n': 200}}. Got {given!r:.80} instead."
        raise InputError(msg)
    for name in given:
        if name not in READERS:
            hint, known = did_you_mean(name, READERS), ", ".join(READERS)
            msg = f"There is no setting {name!r:.80}{hint}; there are {known}."
            raise InputError(msg)
    return {name: READERS[name](value, before.get(name)) for name, value in given.items()}
