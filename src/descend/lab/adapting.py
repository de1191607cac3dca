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
USUAL_LOSS = {
    "numbers": "squared_error",
    "counts": "squared_error",
    "two labels": "logistic",
    "labels": "softmax",
}
_SCALED_RATE = 0.03
# What an optimizer that searches has no use for.
SEARCHED: dict[str, Any] = {
    "learning_rate": "auto",
    "schedule": None,
    "clip_value": None,
    "clip_norm": None,
    "batch_size": None,
}

Values = dict[str, Any]


def kind(values: Mapping[str, Any], opened: Any = None) -> str | None:
    """Return what the targets are, or None for a table that is not open."""
    source = SOURCES[values["data"]]
    if opened is None or opened.data != source.name or source.drawn:
        return kind_of(source, values["classes"])
    found: str | None = opened.kind(values["target"])
    return found


def adapted(
    before: Values,
    change: Values,
    usual: Callable[[Mapping[str, Any]], Values],
    opened: Any = None,
) -> tuple[Values, tuple[str, ...]]:
    """Return all settings after a change, and what was changed with it, in sentences."""
    after = {**before, **change}
    moved = after["data"] != before["data"] or after["table"] != before["table"]
    if moved:
        after = _moved(before, change, usual, opened)
    found = kind(after, opened)
    if found is not None:
        other = moved or after["target"] != before["target"] or found != kind(before, opened)
        _fit_loss(after, change, found, other=other)
    _fit_optimizer(before, after, change)
    shaped = any(after[name] != before[name] for name in SHAPES)
    outputs = {after["loss"].targets == "labels", before["loss"].targets == "labels"}
    if "start" not in change and (shaped or len(outputs) > 1):
        after["start"] = None
    return after, tuple(_said(before, after, change, found))


def _moved(
    before: Values,
    change: Values,
    usual: Callable[[Mapping[str, Any]], Values],
    opened: Any,
) -> Values:
    """Return the settings on other data: what was left as usual becomes what is usual there."""
    old = usual({"data": before["data"]})
    new = usual({**change, "data": change.get("data", before["data"])})
    kept = {
        name: value
        for name, value in before.items()
        if value != old[name] and name not in OF_THE_DATA
    }
    its_own = {} if opened is None or new["data"] != opened.data else opened.usual
    return {**new, **kept, **its_own, **change}


def _fit_loss(after: Values, change: Values, found: str, *, other: bool) -> None:
    """Give other targets the loss that is natural for them, unless one was asked for."""
    fits = NATURAL if other else FITS
    if "loss" not in change and after["loss"].targets not in fits[found]:
        after["loss"] = LOSSES.make(USUAL_LOSS[found])


def check_loss(loss: Any, found: str, data: str) -> None:
    """Raise `InputError` if a loss has no meaning for targets of this kind."""
    if loss.targets not in FITS[found]:
        fits = [cls.name for cls in LOSSES.classes() if cls.targets in FITS[found]]
        msg = (
            f"The loss {loss.name} is for {loss.targets}, and the targets of {data} are {found}; "
            f"choose one of {', '.join(fits)}."
        )
        raise InputError(msg)


def _fit_optimizer(before: Values, after: Values, change: Values) -> None:
    """Take from a rule that searches what it cannot use; give another kind of rule its rate."""
    rule, old = after["optimizer"], before["optimizer"]
    if rule.searches:
        after |= {name: value for name, value in SEARCHED.items() if name not in change}
    elif (
        "optimizer" in change
        and "learning_rate" not in change
        and (rule.scaled, rule.searches) != (old.scaled, old.searches)
    ):
        after["learning_rate"] = _SCALED_RATE if rule.scaled else "auto"


def _said(before: Values, after: Values, change: Values, found: str | None) -> list[str]:
    """Say which parts are others now, though the change did not name them."""
    other = [n for n in before if before[n] != after[n] and n not in change]
    words = {
        "loss": f"The loss is {after['loss'].name} now, for the targets are {found}.",
        "hidden": f"The model is {_model(after['hidden'])} now, as is usual for this data.",
        "optimizer": f"The optimizer is {after['optimizer'].name} now, as is usual for this data.",
        "learning_rate": f"The learning rate is {after['learning_rate']} now.",
        "batch_size": f"Every update sees {after['batch_size'] or 'all'} rows now.",
        "schedule": f"The learning rate has no schedule now: {after['optimizer'].name} searches.",
        "clip_value": f"No entry is clipped now: {after['optimizer'].name} searches.",
        "clip_norm": f"No gradient is shortened now: {after['optimizer'].name} searches.",
        "start": "The start is drawn again, for the parameters are others.",
    }
    return [words[name] for name in other if name in words]


def _model(hidden: tuple[int, ...]) -> str:
    return f"a net of {', '.join(map(str, hidden))} hidden units" if hidden else "linear"
