"""Choices: what can be chosen, as the page's controls need it; read from the registries.

A loss, optimizer, activation, penalty or schedule is here the day it enters its family: its
numbers, their defaults and their ranges are found by asking the function that makes it.

    >>> [part["name"] for part in parts_of("penalty")]
    ['l2', 'l1', 'elastic_net']
    >>> parts_of("loss")[3]["numbers"]
    [{'name': 'delta', 'default': 1.0, 'whole': False, 'low': 0, 'low_open': True, 'high': None, 'high_open': True}]
"""  # noqa: E501 - the record is shown whole

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from descend.activations import ACTIVATIONS
from descend.datasets import shipped
from descend.errors import InputError
from descend.lab import fields
from descend.lab.adapting import FITS, NATURAL, kind
from descend.lab.features import features_of
from descend.lab.previews import preview_of
from descend.lab.rows import open_shipped
from descend.lab.sources import MOST_CLASSES, RUN, SOURCES, TABLE
from descend.losses import LOSSES
from descend.models import INITIALISATIONS
from descend.optimizers import RULES
from descend.penalties import PENALTIES
from descend.schedules import SCHEDULES

if TYPE_CHECKING:
    from descend.lab.leading import Leader
    from descend.lab.opening import Opened
    from descend.lab.settings import Settings
    from descend.lab.sources import Source
    from descend.parts import Family

FAMILIES: dict[str, Family[Any]] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": RULES,
    "penalty": PENALTIES,
    "schedule": SCHEDULES,
}
# What else the page should know of a part, where its family says so.
_FACTS = ("targets", "proper", "convex", "smooth", "proximal", "scaled", "usual_rate", "searches")
# The slider of the learning rate goes from and to.
_RATES = (1e-6, 100.0)


def choices(settings: Settings, opened: Opened | None = None) -> dict[str, Any]:
    """Return what can be chosen beside these settings, as JSON takes it.

    Parameters
    ----------
    settings
        In force now: what they cannot be combined with carries the sentence that refuses it.
    opened
        The table or run that is open.
    """
    columns = _columns(settings, opened)
    return {
        "data": [_source(source) for source in SOURCES.values() if _at_hand(source, opened)],
        "open": None if opened is None else {"data": opened.data, "name": opened.name},
        "columns": columns,
        "features": _features(settings, columns),
        "kind": kind(settings.values(), opened),
        "fits": {found: _fitting(FITS[found]) for found in FITS},
        "natural": {found: _fitting(NATURAL[found]) for found in NATURAL},
        "loss": _refusing(settings, "loss", opened),
        "optimizer": _refusing(settings, "optimizer", opened),
        "penalty": _refusing(settings, "penalty", opened),
        "schedule": _refusing(settings, "schedule", opened),
        "activation": list(parts_of("activation")),
        "init": list(INITIALISATIONS),
        "reduction": ["mean", "sum"],
        "ranges": _ranges(settings),
    }


def tell(leader: Leader) -> None:
    """Tell a page what can be chosen beside the settings that are shown."""
    found = choices(leader.branch.settings, leader.opened)
    leader.say({"kind": "choices", "choices": {**found, "told": leader.branch.rows.summaries}})


def _columns(settings: Settings, opened: Opened | None) -> list[dict[str, Any]]:
    """Return the columns of the table that is looked at."""
    source = SOURCES[settings.data]
    if source.name in shipped():
        return open_shipped(source.name).columns()
    return [] if source.drawn or opened is None else opened.columns()


def _at_hand(source: Source, opened: Opened | None) -> bool:
    """Whether data can be chosen: what is brought along only while it is open."""
    return source.name not in {TABLE, RUN} or (opened is not None and opened.data == source.name)


def _source(source: Source) -> dict[str, Any]:
    words, most = source.noise
    return {
        "name": source.name,
        "words": source.words,
        "kind": source.kind,
        "columns": list(source.columns),
        "drawn": source.drawn,
        "rows": source.rows,
        "classes": source.name == "blobs",
        "noise": {"words": words, "high": most} if most else None,
        "preview": preview_of(source.name),
    }


def _features(settings: Settings, columns: list[dict[str, Any]]) -> list[str]:
    """Return what the model can meet: made of drawn columns, or a table's own."""
    source = SOURCES[settings.data]
    if source.drawn:
        return list(features_of(source.columns))
    return [column["name"] for column in columns if column["name"] != settings.target]


def _fitting(targets: tuple[str, ...]) -> list[str]:
    return [cls.name for cls in LOSSES.classes() if cls.targets in targets]


def _refusing(settings: Settings, setting: str, opened: Opened | None) -> list[dict[str, Any]]:
    """Return the parts of a family, each with the sentence that refuses it, or None."""
    return [
        {**part, "refused": _refusal(settings, {setting: part["name"]}, opened)}
        for part in parts_of(setting)
    ]


def _refusal(settings: Settings, change: dict[str, Any], opened: Opened | None) -> str | None:
    try:
        settings.with_changes(change, opened)
    except InputError as error:
        return str(error)
    return None


# ---------------------------------------------------------------- parts and their numbers


@cache
def parts_of(setting: str) -> tuple[dict[str, Any], ...]:
    """Return the parts of a setting's family: name, facts, and the numbers they take."""
    family = FAMILIES[setting]
    return tuple(
        {
            "name": cls.name,
            **{fact: getattr(cls, fact) for fact in _FACTS if hasattr(cls, fact)},
            "numbers": _numbers(family, cls.name),
        }
        for cls in family.classes()
    )


def _numbers(family: Family[Any], name: str) -> list[dict[str, Any]]:
    usual = fields.made(family, {"name": name}, None)._asdict()
    return [
        {"name": number, "default": default, **_range(family, name, number, default)}
        for number, default in usual.items()
    ]


def _range(family: Family[Any], name: str, number: str, default: Any) -> dict[str, Any]:
    """Return the range of a number, by asking the part's maker."""
    if isinstance(default, bool):
        return {"flag": True}

    def takes(value: float) -> bool:
        try:
            fields.made(family, {"name": name, number: value}, None)
        except InputError:
            return False
        return True

    if isinstance(default, int):
        low = next((i for i in range(10) if takes(i)), 1)
        return {"whole": True, "low": low, "low_open": False, "high": None, "high_open": True}
    high = None if takes(1.5) else 1
    return {
        "whole": False,
        "low": None if takes(-1.0) else 0,
        "low_open": not takes(0.0),
        "high": high,
        "high_open": high is None or not takes(1.0),
    }


def _ranges(settings: Settings) -> dict[str, Any]:
    source = SOURCES[settings.data]
    return {
        "n": [fields.FEWEST_ROWS, fields.MOST_ROWS] if source.drawn and not source.rows else None,
        "classes": [2, MOST_CLASSES] if source.name == "blobs" else None,
        "noise": [0, source.noise[1]] if source.noise[1] else None,
        "validation": [0, fields.MOST_VALIDATION],
        "data_seed": [0, fields.LARGEST_DATA_SEED],
        "seed": [0, fields.LARGEST_SEED],
        "layers": [0, fields.MOST_LAYERS],
        "units": [1, fields.MOST_UNITS],
        "learning_rate": list(_RATES),
        "batch_size": [1, fields.MOST_BATCH],
    }
