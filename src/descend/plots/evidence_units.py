"""Evidence of a net's units: dead, flat, copied; layers that enlarge numbers or lose gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.activations import backward as backward_through
from descend.activations import value as activate
from descend.models import MLP, forward
from descend.plots.evidence_shapes import Limit, lollipops

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from descend.arrays import Floats
    from descend.plots.evidence_case import Case, Panel

# Below this share of the steepest slope an activation is flat.
_FLAT = 0.01
_PANELS = 4


def dead(case: Case) -> list[Panel]:
    """For each unit of each layer: the share of rows for which it is 0."""
    outputs, _ = _layers(case)
    shares = [(out == 0).mean(axis=0) for out in outputs]
    return _unit_panels(case, shares, "share of the rows for which it is 0")


def saturated(case: Case) -> list[Panel]:
    """For each unit of each layer: the share of rows for which its activation is flat."""
    outputs, sums = _layers(case)
    if not outputs:
        return []
    activation = case.run.task.model.activation  # type: ignore[union-attr]
    grid = np.linspace(-8, 8, 321)[:, None]
    steepest = np.abs(_slopes(activation, grid, activate(activation, grid))).max()
    pairs = zip(sums, outputs, strict=True)
    shares = [(np.abs(_slopes(activation, z, a)) < _FLAT * steepest).mean(axis=0) for z, a in pairs]
    return _unit_panels(case, shares, "share of the rows for which it is flat")


def copied(case: Case) -> list[Panel]:
    """How many units each layer has, and how many of them differ."""
    distinct = case.seen.get("distinct", {})
    hidden = getattr(case.run.task.model, "hidden", ())
    values: dict[str, float] = {}
    for i, units in enumerate(hidden, 1):
        values[f"layer {i}: units"] = units
        values[f"layer {i}: different ones"] = distinct.get(f"layer {i}", units)
    marked = [name for name in values if "different" in name]
    return [lambda ax: lollipops(ax, case.theme, values, marked=marked, log=False, label="units")]


def exploding(case: Case) -> list[Panel]:
    """By how much each layer enlarges numbers."""
    values = {f"layer {i}": f for i, f in enumerate(case.seen.get("factor of each layer", ()), 1)}
    marked = [name for name, factor in values.items() if factor > 2]  # noqa: PLR2004 - doubles them
    limit = Limit(1.0, "numbers stay as large")
    return [
        lambda ax: lollipops(
            ax, case.theme, values, marked=marked, limit=limit, label="factor of the layer"
        )
    ]


def vanishing(case: Case) -> list[Panel]:
    """Which share of the gradient arrives at each layer."""
    shares = case.seen.get("share that arrives at each layer", ())
    values = {f"layer {i}": float(share) for i, share in enumerate(shares, 1)}
    marked = [name for name, share in values.items() if share < 0.01]  # noqa: PLR2004 - nothing
    limit = Limit(1.0, "all of it")
    return [
        lambda ax: lollipops(
            ax, case.theme, values, marked=marked, limit=limit, log=True,
            label="share of the gradient that arrives",
        )
    ]  # fmt: skip


def _layers(case: Case) -> tuple[list[Floats], list[Floats]]:
    """Return each hidden layer's outputs and sums over the rows shown; none without rows."""
    model = case.run.task.model
    if case.rows is None or not isinstance(model, MLP):
        return [], []
    theta = case.run.theta
    with np.errstate(all="ignore"):
        tape = forward(model, theta, case.run.layout, case.rows.X)[1]
    return list(tape.inputs[1:]), list(tape.sums[: len(model.hidden)])


def _slopes(activation: object, z: Floats, a: Floats) -> Floats:
    with np.errstate(all="ignore"):
        found: Floats = backward_through(activation, z, a, np.ones_like(z))  # type: ignore[arg-type]
    return found


def _unit_panels(case: Case, shares: list[Floats], label: str) -> list[Panel]:
    if not shares:
        return []
    kept = shares if len(shares) <= _PANELS else [*shares[: _PANELS - 1], shares[-1]]
    numbers = [*range(1, len(kept)), len(shares)]

    def panel(share: Floats, layer: int, *, first: bool) -> Panel:
        return lambda ax: _units(ax, case, share, layer, label if first else "")

    return [
        panel(share, layer, first=i == 0)
        for i, (share, layer) in enumerate(zip(kept, numbers, strict=True))
    ]


def _units(ax: Axes, case: Case, share: Floats, layer: int, label: str) -> None:
    """Draw a layer's units in order of their share, those at 1 in another colour and hatched."""
    theme = case.theme
    order = np.sort(share)[::-1]
    ill = order > 0.999  # noqa: PLR2004 - for every row
    place = np.arange(1, len(order) + 1)
    ax.bar(place[~ill], order[~ill], width=0.85, color=theme.series[0], snap=False)
    ax.bar(place[ill], order[ill], width=0.85, color=theme.bad, hatch="///", edgecolor=theme.paper,
           snap=False)  # fmt: skip
    ax.set_ylim(0, 1.05)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.grid(visible=False, axis="x")
    ax.set_title(f"layer {layer}: {int(ill.sum())} of {len(order)} units for every row")
    ax.set_xlabel("units, in order")
    ax.set_ylabel(label)


DRAWS = {
    "dead-units": dead,
    "saturated-units": saturated,
    "identical-units": copied,
    "exploding-activations": exploding,
    "vanishing-gradient": vanishing,
}
