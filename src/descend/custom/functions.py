"""A model of two functions, ``init`` and ``apply``."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import randomness
from descend.arrays import Array, Floats, Layout
from descend.custom.libraries import called_on_numbers, imported, in_double, jax_key, needed_by
from descend.custom.model import Scored
from descend.custom.trees import flatten, named_leaves, unflatten, with_vectors

if TYPE_CHECKING:
    from collections.abc import Callable


@final
@dataclass(frozen=True, eq=False)
class Functions:
    """Two functions as a model; see `descend.custom.model.Adapter`.

    Attributes
    ----------
    library, label
        The library `apply` is written for, or None; what the model is called.
    init, apply
        As given.
    """

    library: str | None
    label: str
    init: Callable[..., Any]
    apply: Callable[..., Any]

    @classmethod
    def of(
        cls, init: Callable[..., Any], apply: Callable[..., Any], library: str | None, label: str
    ) -> Functions:
        """Return the model, and find the library it is written for."""
        return cls(needed_by(apply) if library is None else library, label, init, apply)

    def layout(self, d: int) -> Layout:
        """Return the slices of theta; they do not depend on the rows."""
        del d
        return self._layout

    def start(self, d: int, seed: int) -> Floats:
        """Return what `init` draws with this seed."""
        del d
        pieces = [array.ravel() for array in self._named(self._drawn(seed)).values()]
        return np.concatenate(pieces)

    def scored(self, theta: Any, X: Any, draw: Any = None) -> Scored:
        """Return the scores of rows."""
        params = self._filled(self._layout.split(theta))
        return Scored(self.apply(params, X, draw) if self._takes_key else self.apply(params, X))

    def evaluated(self, theta: Array, X: Array) -> Any:
        """Return the scores of NumPy's rows, as NumPy's array."""
        return called_on_numbers(self.library, lambda t, x: self.scored(t, x).scores, theta, X)

    @cached_property
    def _layout(self) -> Layout:
        named = self._named(self.structure)
        return Layout(tuple((name, array.shape) for name, array in named.items()))

    @cached_property
    def structure(self) -> Any:
        """The containers, holding some numbers or other."""
        return self._drawn(0)

    def _named(self, tree: Any) -> dict[str, Any]:
        what = f"The parameters of the model {self.label!r}"
        if self.library != "jax":
            return flatten(tree, what)
        named = named_leaves(tree, what)
        return {name: np.asarray(leaf, dtype=np.float64) for name, leaf in named.items()}

    def _filled(self, parts: dict[str, Any]) -> Any:
        if self.library != "jax":
            return unflatten(self.structure, parts)
        jax = imported("jax")
        places = jax.tree_util.tree_structure(self.structure)
        return jax.tree_util.tree_unflatten(places, parts.values())

    def _drawn(self, seed: int) -> Any:
        if "key" in _arguments(self.init):
            with in_double():
                return with_vectors(self.init(jax_key(seed)))
        return with_vectors(self.init(randomness.generator(seed, "initialisation")))

    @cached_property
    def _takes_key(self) -> bool:
        return "key" in _arguments(self.apply)


def _arguments(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a built-in without a signature
        return []
