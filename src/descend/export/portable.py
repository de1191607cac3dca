"""The portable model: what a run predicts by, in plain numbers and closed words.

Every form is written from one `Portable`.  Its columns are plans that a few lines of any language
can follow:

* ``number``, ``boolean``, ``date`` and ``given``: each of `parts` is a name, a mean and a scale,
  and the feature is (part - mean)/scale, or `fill` where the entry is missing; then 1 for missing
  and 0 for not, if `indicator`.  Without a `fill` (``given``: runs on arrays) an entry must be
  there.  `only` lists the values that are allowed, if not all are.
* ``category``: `width` features, all 0 but for a 1 at ``places[entry]``, at `other` for entries
  that are not in `places`, at `missing` for those that are missing; -1 is no place at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.activations import ACTIVATIONS
from descend.errors import InputError
from descend.losses import LOSSES, predicted
from descend.models import MLP, Linear, layered, layers
from descend.tables.writing import safe_text

if TYPE_CHECKING:
    from descend.activations import Activation
    from descend.arrays import Floats
    from descend.losses import Loss
    from descend.run import Run

NUMBER_LIKE = ("number", "boolean", "date", "given")


@final
@dataclass(frozen=True, eq=False)
class Portable:
    """A run in double precision, without anything that only training needs.

    Attributes
    ----------
    run
        The run with its parameters in double precision; it says what the forms must predict.
    columns
        A plan per column of the table; see the module.
    stack
        Per layer the weight (inputs, units) and the bias (units,), zeros where there is none.
    link
        ``"identity"``, ``"exp"``, ``"sigmoid"`` or ``"softmax"``: from scores to predictions.
    mean, scale
        Predicted numbers are multiplied by `scale`, and then `mean` is added.
    labels
        The labels, or None.
    """

    run: Run
    columns: list[dict[str, Any]]
    stack: list[tuple[Floats, Floats]]
    link: str
    mean: float
    scale: float
    labels: list[Any] | None

    @property
    def on_table(self) -> bool:
        """Whether the run was trained on a table, and knows how its columns become features."""
        return self.run.encoder is not None

    @property
    def folded(self) -> bool:
        """Whether the columns' scaling is inside the first layer's parameters."""
        return _folded(self.run)

    @property
    def activation(self) -> Activation:
        """What happens between layers."""
        return layered(self.run.task.model).activation

    @property
    def loss(self) -> Loss:
        """The loss, which owns the link."""
        return self.run.task.loss

    @property
    def targets(self) -> str:
        """``"numbers"``, ``"two labels"`` or ``"labels"``."""
        return self.loss.targets if self.labels is not None else "numbers"

    @property
    def outputs(self) -> int:
        """How many scores there are to a row."""
        return len(self.stack[-1][1])


def portable(run: Run) -> Portable:
    """Return what a run predicts by.

    Raises
    ------
    InputError
        If its model or loss is not this library's, or its parameters are not finite.
    """
    task, model = run.task, run.task.model
    ours: tuple[Any, ...] = (Linear, MLP)
    if not isinstance(model, ours) or task.loss not in LOSSES:
        msg = (
            "Only Linear and MLP with a loss of this library can be exported; this run has "
            f"{task}. Take its parameters with run.params."
        )
        raise InputError(msg)
    if not np.isfinite(run.theta).all():
        msg = (
            "The run's parameters are not all finite, so there is no model to export; train again "
            "with a smaller learning rate."
        )
        raise InputError(msg)
    exact = replace(run, theta=run.theta.astype(np.float64))
    target = {"mean": 0.0, "scale": 1.0} if run.encoder is None else run.encoder["target"]
    return Portable(
        exact,
        _given_columns(run) if run.encoder is None else _table_columns(run.encoder),
        _stack(exact, exact.raw_params if _folded(run) else exact.params),
        link_of(task.loss),
        float(target["mean"]),
        float(target["scale"]),
        None if run.classes is None else list(run.classes),
    )


def raw_stack(model: Portable) -> list[tuple[Floats, Floats]]:
    """Return the layers for rows as they were given to `train`: nothing is standardised before."""
    run = model.run
    return _stack(run, run.raw_params)


def _folded(run: Run) -> bool:
    return run.scaling is not None and run.encoder is not None


def _stack(run: Run, parts: Any) -> list[tuple[Floats, Floats]]:
    return [
        (weight, np.zeros(weight.shape[1]) if bias is None else bias)
        for weight, bias in layers(layered(run.task.model), parts)
    ]


def link_of(loss: Loss) -> str:
    """Return the name of a loss's link, found by what it does to two scores.

    >>> from descend.losses import brier, huber
    >>> link_of(brier()), link_of(huber(1.0))
    ('sigmoid', 'identity')
    """
    s = np.array([[0.3, -1.2]])
    e = np.exp(s)
    known = {"identity": s, "exp": e, "sigmoid": 1 / (1 + 1 / e), "softmax": e / e.sum()}
    found = predicted(loss, s)
    for name, wanted in known.items():
        if np.allclose(found, wanted, rtol=1e-12, atol=0):
            return name
    msg = f"Export does not know the link of {loss.name}; it knows {', '.join(known)}."
    raise InputError(msg)


# ---------------------------------------------------------------- columns


def _plan(kind: str, name: str, parts: list[list[Any]], **more: Any) -> dict[str, Any]:
    usual = {"fill": 0.0, "indicator": False, "only": []}
    return {"kind": kind, "name": name, "parts": parts, **usual, **more}


def _given_columns(run: Run) -> list[dict[str, Any]]:
    """Return the plans of a run on arrays: its columns, standardised if `train` did that."""
    d = run.setup.d
    mean = np.zeros(d) if run.scaling is None else run.scaling.mean
    scale = np.ones(d) if run.scaling is None else run.scaling.deviation
    rows = zip(run.names, mean.tolist(), scale.tolist(), strict=True)
    return [_plan("given", name, [["value", m, s]], fill=None) for name, m, s in rows]


def _table_columns(encoder: dict[str, Any]) -> list[dict[str, Any]]:
    return [_TABLE_PLANS[plan["kind"]](plan) for plan in encoder["columns"]]


def _of_number(plan: dict[str, Any]) -> dict[str, Any]:
    parts = [["value", plan["mean"], plan["scale"]]]
    return _plan("number", plan["name"], parts, indicator=plan["indicator"])


def _of_boolean(plan: dict[str, Any]) -> dict[str, Any]:
    fill = plan["fill"]
    return _plan(
        "boolean",
        plan["name"],
        [["value", 0.0, 1.0]],
        fill=fill,
        indicator=plan["indicator"],
        only=[0.0, 1.0, fill],
    )


def _of_date(plan: dict[str, Any]) -> dict[str, Any]:
    parts = [list(part) for part in plan["parts"]]
    return _plan("date", plan["name"], parts, indicator=plan["indicator"])


def _of_category(plan: dict[str, Any]) -> dict[str, Any]:
    levels, pooled = list(plan["levels"]), list(plan["pooled"])
    shown = len(levels) + bool(pooled)
    other = len(levels) if pooled else -1
    return {
        "kind": "category",
        "name": plan["name"],
        "places": {level: i for i, level in enumerate(levels)} | dict.fromkeys(pooled, other),
        "other": other,
        "missing": shown if plan["missing"] else -1,
        "width": shown + bool(plan["missing"]),
        "fill": 0.0,
    }


_TABLE_PLANS = {
    "number": _of_number,
    "boolean": _of_boolean,
    "date": _of_date,
    "category": _of_category,
}


def spelt(plan: dict[str, Any]) -> dict[str, Any]:
    """Return a plan whose places also have the other ways in which files write a level.

    The level 1 of a column of numbers may be written 1.0, and the level true True or TRUE.
    """
    places = dict(plan.get("places", {}))
    for level, place in plan.get("places", {}).items():
        whole = level.removeprefix("-").isdecimal()
        others = [f"{level}.0"] if whole else []
        others += [level.title(), level.upper()] if level in {"true", "false"} else []
        places |= {other: place for other in others if other not in places}
    return {**plan, "places": places} if places else plan


# ---------------------------------------------------------------- the block of numbers


def block(model: Portable) -> dict[str, Any]:
    """Return what `predict.py` reads: columns, layers unit by unit, and how to answer."""
    activation = ACTIVATIONS.describe(model.activation)
    between = {"activation": activation.pop("name"), "numbers": list(activation.values())}
    last = {"activation": "identity", "numbers": []}
    return {
        "about": f"{model.run.task}, exported by descend",
        "columns": [spelt(plan) for plan in model.columns],
        "layers": [
            {
                **(last if depth == len(model.stack) - 1 else between),
                "units": np.vstack([bias, weight]).T.tolist(),
            }
            for depth, (weight, bias) in enumerate(model.stack)
        ],
        "link": model.link,
        "targets": model.targets,
        "mean": model.mean,
        "scale": model.scale,
        "labels": None if model.labels is None else [safe_text(str(v)) for v in model.labels],
        "probabilities": int(model.loss.proper),
        "header": header(model),
    }


def header(model: Portable) -> list[str]:
    """Return the names of what is predicted, as `descend predict` writes them."""
    k = 1 if model.targets == "labels" else model.outputs
    names = ["prediction"] if k == 1 else [f"prediction_{i + 1}" for i in range(k)]
    if model.labels is None or not model.loss.proper:
        return names
    if k > 1:
        return [*names, *(f"p_{i + 1}" for i in range(k))]
    return [*names, *(safe_text(f"p_{label}") for label in model.labels)]
