"""What a patient is: a training that can be run, or a history told by somebody else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

import descend as ds

if TYPE_CHECKING:
    from collections.abc import Callable

CODES = (
    "step-too-large",
    "step-too-small",
    "features-unscaled",
    "ill-conditioned",
    "collinear-columns",
    "constant-column",
    "target-leak",
    "rows-shared-across-split",
    "split-shift",
    "class-imbalance",
    "label-noise",
    "outliers-dominate",
    "dead-units",
    "saturated-units",
    "vanishing-gradient",
    "exploding-activations",
    "identical-units",
    "wrong-sign",
    "wrong-gradient",
    "broadcast",
    "loss-mismatch",
    "batch-noise",
    "underfit",
    "overfit",
    "not-finished",
    "stalled",
    "perfect-separation",
    "non-finite-data",
    "edge-of-stability",
    "healthy",
)
INFORMATION = ("not-finished", "edge-of-stability", "healthy")

# Above this many updates the compiled engine is worth its start.
LONG = 300


@dataclass(frozen=True)
class Case:
    """The arguments of a training."""

    task: Any
    X: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes):
        """Return the case with another task, other rows or other options."""
        parts = {name: changes.pop(name) for name in ("task", "X", "y") if name in changes}
        options = {**self.options, **changes}
        return replace(self, **parts, options={k: v for k, v in options.items() if v is not ...})

    def with_optimizer(self, optimizer):
        return self.but(task=replace(self.task, optimizer=optimizer))

    def with_model(self, model):
        return self.but(task=replace(self.task, model=model))

    @property
    def updates(self):
        n, batch = len(self.X), self.options.get("batch_size")
        return self.options.get("epochs", 100) * (1 if batch is None else -(-n // batch))

    def train(self):
        engine = "numpy" if self.updates <= LONG else "auto"
        return ds.train(
            self.task, self.X, self.y, **{"engine": engine, "progress": False, **self.options}
        )


@dataclass(frozen=True)
class Fitted:
    """A shipped table, fitted as the command line would."""

    table: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)

    def train(self):
        path = ds.datasets.shipped_table(self.table)
        return ds.fit(path, self.target, progress=False, **self.options).run


@dataclass(frozen=True)
class Told:
    """A history from elsewhere, with the rows it was about."""

    history: dict[str, Any]
    X: Any = None
    y: Any = None


@dataclass(frozen=True)
class Draft:
    """A patient before it is taken in.

    `proof(ill, cured)` is given the two runs (for a history: itself and None) and says whether the
    illness is there.  `cured` is the same training without the illness, and has to be healthy:
    that is how the ward knows that there is no second illness.
    """

    words: str
    ill: Case | Told
    proof: Callable[..., bool]
    cured: Case | None = None


@dataclass(frozen=True)
class Patient:
    """Somebody with one known illness, or none.

    Attributes
    ----------
    code, words
        What is wrong, and how it was made.
    recipe, seed, bed
        Where it came from: the name of the recipe, and the place in the draw.
    source
        A run with its rows attached, or the history as a mapping.
    X, y
        The rows, beside a history.
    """

    code: str
    words: str
    recipe: str
    seed: int
    bed: int
    source: Any = field(repr=False)
    X: Any = field(default=None, repr=False)
    y: Any = field(default=None, repr=False)

    def run(self):
        return self.source


RECIPES: dict[str, list[Callable[[Any], Draft]]] = {code: [] for code in CODES}


def recipe(code, *, dressed=False):
    """Enter a function from a generator to a `Draft` under a code.

    Where `dressed`, half of the drafts also hold a part of their rows out, or say so in single
    precision: things that must not matter.  A module that is imported under a second name, as a
    collector of doctests does, enters nothing twice.
    """

    def enter(function):
        if function.__name__ not in {known.__name__ for known in RECIPES[code]}:
            RECIPES[code].append(dress(function) if dressed else function)
        return function

    return enter


def dress(function):
    @wraps(function)
    def made(rng):
        draft = function(rng)
        extra = pick(rng, {}, {"validation": 0.2}, {"validation": 0.25}, {"dtype": "float32"})
        if not isinstance(draft.ill, Case) or set(extra) & set(draft.ill.options):
            return draft
        cured = None if draft.cured is None else draft.cured.but(**extra)
        return replace(draft, ill=draft.ill.but(**extra), cured=cured)

    return made


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def pick(rng, *choices):
    return choices[int(rng.integers(len(choices)))]
