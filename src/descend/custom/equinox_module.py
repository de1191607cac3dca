"""A model that is an `equinox.Module`: called on one row, and mapped over all of them.

Its inexact arrays are the parameters.  Where calling it takes a ``key``, every row of an update
gets one of its own; evaluation is Equinox's inference mode, with none.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, final

import equinox as eqx
import numpy as np

from descend.arrays import Array, Floats, Layout
from descend.custom.libraries import imported, in_double
from descend.custom.model import Scored
from descend.custom.trees import named_leaves
from descend.errors import InputError


@final
@dataclass(frozen=True, eq=False)
class EquinoxModule:
    """A module of Equinox as a model; see `descend.custom.model.Adapter`.

    Attributes
    ----------
    label
        Its class's name.
    module, evaluating
        Itself, and in inference mode.
    named
        Its parameters by their places.
    takes_key
        Whether calling it takes a key.
    """

    label: str
    module: Any
    evaluating: Any
    named: dict[str, Any]
    takes_key: bool
    library: str = "jax"

    @classmethod
    def of(cls, module: Any) -> EquinoxModule:
        """Return a module as a model, or say why it cannot be one."""
        jax, label = imported("jax"), type(module).__name__
        stateful = eqx.nn.StateIndex
        for leaf in jax.tree_util.tree_leaves(module, is_leaf=lambda x: isinstance(x, stateful)):
            if isinstance(leaf, stateful):
                msg = (
                    f"The module {label} keeps a state beside its parameters (equinox.nn.State), "
                    "which a step could not be replayed without; pass (init, apply) functions "
                    "that hold it, or a layer without state such as LayerNorm."
                )
                raise InputError(msg)
        if not callable(module):
            msg = f"The module {label} cannot be called on a row; give it a __call__(self, x)."
            raise InputError(msg)
        named = named_leaves(eqx.filter(module, eqx.is_inexact_array), label)
        takes_key = "key" in inspect.signature(type(module).__call__).parameters
        evaluating = eqx.nn.inference_mode(module)
        return cls(label, module, evaluating, named, takes_key)

    def layout(self, d: int) -> Layout:
        """Return the slices of theta: the inexact arrays, by their places."""
        del d
        return Layout(tuple((name, tuple(part.shape)) for name, part in self.named.items()))

    def start(self, d: int, seed: int) -> Floats:
        """Return the module's own numbers: it was drawn when it was made."""
        del d, seed
        pieces = [np.asarray(part, dtype=np.float64).ravel() for part in self.named.values()]
        return np.concatenate(pieces)

    def scored(self, theta: Any, X: Any, draw: Any = None) -> Scored:
        """Return the scores of rows."""
        jax = imported("jax")
        arrays, rest = eqx.partition(
            self.evaluating if draw is None else self.module, eqx.is_inexact_array
        )
        places = jax.tree_util.tree_structure(arrays)
        module = eqx.combine(
            jax.tree_util.tree_unflatten(places, self.layout(0).split(theta).values()), rest
        )
        if not self.takes_key:
            return Scored(jax.vmap(module)(X))
        if draw is None:
            return Scored(jax.vmap(lambda x: module(x, key=None))(X))
        keys = jax.random.split(draw, X.shape[0])
        return Scored(jax.vmap(lambda x, key: module(x, key=key))(X, keys))

    def evaluated(self, theta: Array, X: Array) -> Any:
        """Return the scores of NumPy's rows, as NumPy's array."""
        with in_double() as jax:
            return np.asarray(self.scored(jax.numpy.asarray(theta), jax.numpy.asarray(X)).scores)
