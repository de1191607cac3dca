"""Adapting: what else must change when a setting does, and a sentence for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.lab.sources import SOURCES, kind_of
from descend.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Settings that belong to the data and never outlive it.
OF_THE_DATA = (
    "table",
    "target",
    "n",
    "classes",
    "noise",
    "data_seed",
    "validation",
    "features",
    "standardize",
)
# A start given by hand fits one shape of the parameters alone.
SHAPES = ("data", "table", "target", "classes", "features", "hidden", "bias")
# Which losses fit which targets, the usual one's kind first.  Two labels can be taken as 0 and 1.
FITS = {
    "numbers": ("numbers", "counts"),
    "counts": ("numbers", "counts"),
    "two labels": ("two labels", "labels", "numbers", "counts"),
    "labels": ("labels",),
}
NATURAL = {**FITS, "two labels": ("two labels", "labels"), "numbers": ("numbers",)}
_USUAL_LOSS = {
    "numbers": "squared_error",
    "counts": "squared_error",
    "two labels": "logistic",
    "labels": "softmax",
}
_SCALED_RATE = 0.03
# What an optimizer that searches has no use for.
_SEARCHED = {"learning_rate": "auto", "schedule": None, "clip_value": None, "clip_norm": None}
_SEARCHED["batch_size"] = None

Values = dict[str, Any]


def kind(values: Mapping[str, Any], opened: Any = None) -> str | None:
    """Return what the targets are, or None for a table that is not open."""
    source = SOURCES[values["data"]]
    if source.drawn:
        return kind_of(source, values["classes"])
    found: str | None = source.kind if opened is None else opened.kind(values["target"])
    return found


def adapted(
    before: Values,
    change: Values,
    usual: Callable[[Mapping[str, Any]], Values],
    opened: Any = None,
) -> tuple[Values, tuple[str, ...]]:
    """Return all settings after a change, and what was changed with it, in sentences."""
    after, said = {**before, **change}, []
    if after["data"] != before["data"]:
        after = _moved(before, change, usual)
    found = kind(after, opened)
    if found is not None:
        was = kind(before) if after["data"] != before["data"] else kind(before, opened)
        said += _fit_loss(after, change, found, moved=was != found)
    said += _fit_optimizer(before, after, change)
    shaped = any(after[name] != before[name] for name in SHAPES)
    outputs = {after["loss"].targets == "labels", before["loss"].targets == "labels"}
    if "start" not in change and (shaped or len(outputs) > 1):
        after["start"] = None
    return after, tuple(said)


def _moved(before: Values, change: Values, usual: Callable[[Mapping[str, Any]], Values]) -> Values:
    """Return the settings on other data: what was left as usual becomes what is usual there."""
    old = usual({"data": before["data"]})
    new = usual({"data": change["data"]})
    kept = {
        name: value
        for name, value in before.items()
        if value != old[name] and name not in OF_THE_DATA
    }
    return {**new, **kept, **change}


def _fit_loss(after: Values, change: Values, found: str, *, moved: bool) -> list[str]:
    loss = after["loss"]
    fits = NATURAL[found] if moved and "loss" not in change else FITS[found]
    if loss.targets in fits:
        return []
    if "loss" in change:
        check_loss(loss, found, after["data"])
    after["loss"] = LOSSES.make(_USUAL_LOSS[found])
    return [f"The loss is {after['loss'].name} now: the targets are {found}."]


def check_loss(loss: Any, found: str, data: str) -> None:
    """Raise `InputError` if a loss has no meaning for targets of this kind."""
    if loss.targets not in FITS[found]:
        fits = [cls.name for cls in LOSSES.classes() if cls.targets in FITS[found]]
        msg = (
            f"The loss {loss.name} is for {loss.targets}, and the targets of {data} are {found}; "
            f"choose one of {', '.join(fits)}."
        )
        raise InputError(msg)


def _fit_optimizer(before: Values, after: Values, change: Values) -> list[str]:
    rule, old = after["optimizer"], before["optimizer"]
    if rule.searches:
        dropped = [n for n, v in _SEARCHED.items() if after[n] != v and n not in change]
        after |= {name: _SEARCHED[name] for name in dropped}
        named = ", ".join(name.replace("_", " ") for name in dropped)
        return [
            f"{rule.name} sees all rows and finds its own steps, so it takes no {named}."
        ] * bool(named)
    if ("optimizer" in change and "learning_rate" not in change and rule.scaled != old.scaled) or (
        "optimizer" in change and old.searches and "learning_rate" not in change
    ):
        after["learning_rate"] = _SCALED_RATE if rule.scaled else "auto"
        return [
            f"The learning rate is {after['learning_rate']} now, for {rule.name} takes other steps than {old.name}."
        ]
    return []
