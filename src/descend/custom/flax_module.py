"""A model that is a module of Flax (`flax.linen`).

The collection ``params`` trains; every other collection (the running means of ``batch_stats``) is a
buffer, which the module writes as it trains.  An argument of the module's call that says whether it
is training (``train``, ``training``, ``deterministic``, ``use_running_average``) is set.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from flax import linen

from descend.arrays import BUFFER, Array, Floats, Layout
from descend.custom.libraries import imported, in_double, jax_key
from descend.custom.model import Scored
from descend.custom.trees import named_leaves
from descend.errors import InputError

# Arguments that say so, and what they are while a module trains.
_FLAGS = {"train": True, "training": True, "deterministic": False, "use_running_average": False}


def flax_module(module: Any) -> FlaxModule:
    """Return a module as a model, or say why it cannot be one."""
    label = type(module).__name__
    if not isinstance(module, linen.Module):
        msg = (
            f"The module {label} is one of flax.nnx, whose parameters live inside it; split it "
            "with flax.nnx.split and pass the pair of functions (init, apply)."
        )
        raise InputError(msg)
    taken = inspect.signature(type(module).__call__).parameters
    return FlaxModule(label, module, {name: on for name, on in _FLAGS.items() if name in taken})


@final
@dataclass(frozen=True, eq=False)
class FlaxModule:
    """A module of Flax as a model; see `descend.custom.model.Adapter`.

    Attributes
    ----------
    label
        Its class's name.
    module
        Itself.
    flags
        What its call is told while it trains.
    """

    label: str
    module: Any
    flags: dict[str, bool]
    library: str = "jax"
    _kept: dict[int, Any] = field(default_factory=dict, repr=False)

    def layout(self, d: int) -> Layout:
        """Return the slices of theta: parameters, then the other collections."""
        named = self._named(self._variables(d))
        return Layout(tuple((name, tuple(part.shape)) for name, part in named.items()))

    def start(self, d: int, seed: int) -> Floats:
        """Return what the module draws with this seed."""
        named = self._named(self._drawn(d, seed))
        return np.concatenate([np.asarray(a, dtype=np.float64).ravel() for a in named.values()])

    def scored(self, theta: Any, X: Any, draw: Any = None) -> Scored:
        """Return the scores of rows; with a key, as it trains, and the buffers it leaves."""
        jax = imported("jax")
        known = self._variables(X.shape[1])
        parts = self.layout(X.shape[1]).split(theta).values()
        leaves, places = jax.tree_util.tree_flatten(_in_order(known))
        whole = [jax.numpy.issubdtype(leaf.dtype, jax.numpy.integer) for leaf in leaves]
        filled = [
            part.astype(leaf.dtype) if integral else part
            for part, leaf, integral in zip(parts, leaves, whole, strict=True)
        ]
        collections = jax.tree_util.tree_unflatten(places, filled)
        variables = {name: part for held in collections for name, part in held.items()}
        if draw is None:
            off = {name: not on for name, on in self.flags.items()}
            return Scored(self.module.apply(variables, X, **off))
        written = [name for name in variables if name != "params"]
        rngs = {"dropout": draw}
        if not written:
            return Scored(self.module.apply(variables, X, rngs=rngs, **self.flags))
        scores, left = self.module.apply(variables, X, rngs=rngs, mutable=written, **self.flags)
        after = jax.tree_util.tree_leaves(_in_order({**variables, **left}))
        pieces = [jax.numpy.ravel(leaf).astype(theta.dtype) for leaf in after]
        return Scored(scores, jax.numpy.concatenate(pieces))

    def evaluated(self, theta: Array, X: Array) -> Any:
        """Return the scores of NumPy's rows, as NumPy's array."""
        with in_double() as jax:
            return np.asarray(self.scored(jax.numpy.asarray(theta), jax.numpy.asarray(X)).scores)

    def _variables(self, d: int) -> Any:
        """Return variables for `d` features: their shapes and types are what counts."""
        if d not in self._kept:
            self._kept[d] = self._drawn(d, 0)
        return self._kept[d]

    def _drawn(self, d: int, seed: int) -> Any:
        off = {name: not on for name, on in self.flags.items()}
        with in_double() as jax:
            try:
                found = self.module.init(jax_key(seed), jax.numpy.zeros((1, d), "float32"), **off)
            except Exception as error:
                first = str(error).splitlines()[0][:200].rstrip(".")
                msg = (
                    f"The module {self.label} cannot be started with rows of {d} features: "
                    f"{type(error).__name__}: {first}; it is called with X alone, and told "
                    f"whether it trains by an argument called {' or '.join(_FLAGS)}."
                )
                raise InputError(msg) from error
        if "params" not in found:
            msg = f"The module {self.label} has nothing to train: it has no parameters."
            raise InputError(msg)
        return {name: found[name] for name in found}

    def _named(self, variables: Any) -> dict[str, Any]:
        """Return every array by its place; what is not a parameter is a buffer."""
        found = {}
        for place, leaf in named_leaves(_in_order(variables), self.label).items():
            _, collection, rest = place.split(".", 2)
            found[rest if collection == "params" else f"{BUFFER}{collection}.{rest}"] = leaf
        return found


def _in_order(variables: Any) -> list[dict[str, Any]]:
    """Return the collections in a list, parameters first: the order of theta."""
    rest = sorted(name for name in variables if name != "params")
    return [{name: variables[name]} for name in ("params", *rest)]
