"""Parts: what a run is made of, as the page's JSON has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.custom import CustomLoss, CustomModel
from descend.showing.relied import relied_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.run import Run
    from descend.showing.samples import Rows, Units

# Features that are put on the axes first.
AXES = 2


def model_of(run: Run, *, own: bool) -> dict[str, Any]:
    """Return the model; with `own` the page is to compute nothing with it."""
    model = run.task.model
    if isinstance(model, CustomModel):
        return _unknown(model.label)
    label = str(run.task).split(" + ", maxsplit=1)[0]
    if own:
        return _unknown(label)
    return {
        "kind": "layers",
        "label": label,
        "sizes": [run.setup.d, *model.hidden, run.setup.k],
        "activation": part_of(model.activation),
        "bias": model.bias,
    }


def _unknown(label: str) -> dict[str, Any]:
    nothing = {"name": "identity", "parameters": {}}
    return {"kind": "own", "label": label, "sizes": [], "activation": nothing, "bias": False}


def loss_of(run: Run) -> dict[str, Any]:
    """Return the loss; one's own by its label, which no loss of this library can have."""
    loss = run.task.loss
    if isinstance(loss, CustomLoss):
        found: dict[str, Any] = {"name": f"custom({loss.label})", "parameters": {}}
    else:
        found = part_of(loss)
    return {**found, "targets": loss.targets, "proper": loss.proper}


def optimizer_of(run: Run) -> dict[str, Any]:
    """Return the optimizer with its numbers, the rate as it was resolved."""
    batch = None if run.setup.full_batch else run.setup.batch_size
    return rule_of(run.task.optimizer.rule, run.setup.learning_rate, batch)


def rule_of(rule: Any, learning_rate: float, batch_size: int | None) -> dict[str, Any]:
    """Return an optimizer's rule with its numbers, the rate as it was resolved."""
    found = part_of(rule)
    if not rule.searches:
        found["parameters"]["learning_rate"] = learning_rate
    found |= {"searches": rule.searches, "batch_size": batch_size}
    return found


def part_of(part: Any) -> dict[str, Any]:
    """Return a part by its name and numbers; yes and no are 1 and 0.

    >>> from descend.penalties import l2
    >>> part_of(l2(0.5))
    {'name': 'l2', 'parameters': {'strength': 0.5, 'biases': 0.0}}
    """
    numbers = {name: float(value) for name, value in part._asdict().items()}
    return {"name": part.name, "parameters": numbers}


def layout_of(run: Run) -> list[dict[str, Any]]:
    """Return the slices of theta, each with where it starts."""
    return [
        {"name": name, "shape": list(shape), "start": run.layout.slices()[name].start}
        for name, shape in run.layout.entries
    ]


def features_of(units: Units) -> list[dict[str, Any]]:
    """Return each feature's name and unit."""
    numbers = zip(units.features, units.mean.tolist(), units.scale.tolist(), strict=True)
    return [{"name": name, "mean": mean, "scale": scale} for name, mean, scale in numbers]


def target_of(units: Units) -> dict[str, Any]:
    """Return the target's name, unit and labels."""
    return {
        "name": units.target,
        "mean": units.target_mean,
        "scale": units.target_scale,
        "classes": None if units.classes is None else list(units.classes),
    }


def axes_of(run: Run, rows: Rows | None) -> list[int]:
    """Return the features to draw first: those that the model relies on most."""
    if rows is None:
        return list(range(min(run.setup.d, AXES)))
    return [int(feature) for feature in relied_on(run, rows)[:AXES]]


def outcome_of(run: Run) -> dict[str, Any]:
    """Return how the run ended."""
    outcome = run.outcome
    return {
        "reason": outcome.reason,
        "sentence": outcome.sentence,
        "loss": outcome.loss,
        "best_step": outcome.best_step,
    }


def finite(value: Any) -> Any:
    """Return plain data with null for what JSON has no number for.

    >>> finite({"loss": float("inf"), "steps": (1, np.float64(0.5))})
    {'loss': None, 'steps': [1, 0.5]}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def evidence_of(evidence: Mapping[str, Any]) -> list[str]:
    """Return what was seen, an entry each, in few digits.

    >>> evidence_of({"limit": 0.0812345, "least_of_theirs": 3})
    ['limit 0.08123', 'least of theirs 3']
    """
    return [f"{name.replace('_', ' ')} {_shown(value)}" for name, value in evidence.items()]


_FEW = 6


def _shown(value: Any) -> str:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(entry)}" for name, entry in value.items())
    if isinstance(value, list | tuple):
        more = f" and {len(value) - _FEW} more" if len(value) > _FEW else ""
        return ", ".join(map(_shown, value[:_FEW])) + more
    return f"{value:.4g}" if isinstance(value, float) else str(value)
