"""A model of your own: parameters in any nested containers, and a function from rows to scores.

What trains is one flat vector theta, as for every model here; a `Layout` names its slices after
their places in the containers.  Two kinds of slices are never moved by an optimizer, and their
names say so: ``frozen:…`` are parameters that are not to be trained, and ``buffer:…`` is what a
module remembers beside its parameters (running means), written by the module itself as it trains.
Both are in theta, so that a state is whole.

>>> def init(rng):
...     return {"w": rng.normal(size=(2, 1)), "b": [0.0]}
>>> def apply(params, X):
...     return X @ params["w"] + params["b"]
>>> model = custom_model(init, apply)
>>> model.layout(d=2, k=1).entries
(('w', (2, 1)), ('b', (1,)))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, final

import numpy as np

from descend.arrays import Floats, Layout
from descend.custom.libraries import LIBRARIES, called, library_of
from descend.errors import InputError, ShapeError
from descend.parts import choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from descend.arrays import Array


class Scored(NamedTuple):
    """What a model made of some rows.

    Attributes
    ----------
    scores
        (n, k), in the library's arrays.
    theta
        (P,) with the module's buffers as they are now; None for a model without buffers.
    """

    scores: Any
    theta: Any = None


class Adapter(Protocol):
    """How a model of some library is told to start and to score.

    Attributes
    ----------
    library, label
        The library's name, and what the model is called.
    """

    @property
    def library(self) -> str | None:
        """The array library, or None for any."""

    @property
    def label(self) -> str:
        """What the model is called."""

    def layout(self, d: int) -> Layout:
        """Return the slices of theta for `d` features."""

    def start(self, d: int, seed: int) -> Floats:
        """Return the first theta (P,), in double precision."""

    def scored(self, theta: Any, X: Any, draw: Any = None) -> Scored:
        """Return the scores of rows, both in the library's arrays.

        `draw` is None to evaluate, and a key for the update's randomness to train.
        """

    def evaluated(self, theta: Array, X: Array) -> Any:
        """Return the scores of NumPy's rows at NumPy's theta, as NumPy's array."""


@final
@dataclass(frozen=True, eq=False)
class CustomModel:
    """A model of one's own; made by `custom_model`, or by a `Task` from a module.

    Attributes
    ----------
    label
        What it is called.
    library
        The array library it is written for, or None for any.
    adapter
        How it starts and scores; None where a run was loaded without it.
    gradient
        ``(params, X, dscores) -> params`` by hand, or None.
    known
        The layout, where there is no adapter to ask.
    """

    label: str
    library: str | None
    adapter: Adapter | None = field(default=None, repr=False)
    gradient: Callable[..., Any] | None = None
    known: Layout | None = None

    name: ClassVar[str] = "custom"
    linear: ClassVar[bool] = False

    def layout(self, d: int, k: int) -> Layout:
        """Return the slices of theta for `d` features; the outputs are the model's own affair."""
        del k
        return self.known if self.known is not None else self.given().layout(d)

    def given(self) -> Adapter:
        """Return the model itself, or say that a file holds no code."""
        if self.adapter is None:
            msg = (
                f"The model {self.label!r} of this run was its author's own, and a run file holds "
                "no code; give it back with ds.load(path, task=…)."
            )
            raise InputError(msg)
        return self.adapter

    def scores(self, theta: Any, X: Any) -> Floats:
        """Return the scores (n, k) of NumPy's rows, as the model evaluates (nothing is random)."""
        found = np.asarray(self.given().evaluated(theta, X))
        self.check(found.shape, len(X))
        return found

    def check(self, shape: Any, n: int, k: int | None = None) -> None:
        """Raise unless scores have a row for each of `n` rows, and `k` columns if that is known."""
        shape = tuple(shape)
        if len(shape) == 2 and shape[0] == n and k in {None, shape[1]}:  # noqa: PLR2004 - (n, k)
            return
        wanted = "k" if k is None else str(k)
        came = str(shape[1:]) if shape[:1] == (n,) else f"{shape} for all {n} rows"
        comma = "," if wanted != "k" else ""
        hint = "end with a layer of that many outputs"
        if shape == (n,):
            hint = "keep the last axis, as in X @ w with w of shape (d, 1)"
        msg = (
            f"The model {self.label!r} must return scores of shape ({n}, {wanted}), ({wanted}"
            f"{comma}) per sample; it returned {came} per sample: {hint}."
        )
        raise ShapeError(msg)

    def backward(self, theta: Floats, layout: Layout, X: Any, dscores: Floats) -> Floats:
        """Return the gradient (P,) by the function written by hand."""
        if self.gradient is None:
            msg = (
                f"The model {self.label!r} has no gradient for the engine numpy; pass "
                "custom_model(…, gradient=…), or write it with jax.numpy or torch and leave the "
                'engine at "auto".'
            )
            raise InputError(msg)
        from descend.custom.trees import flatten, unflatten  # noqa: PLC0415

        adapter: Any = self.given()
        params = unflatten(adapter.structure, layout.split(theta))
        named = flatten(self.gradient(params, X, dscores), f"The gradient of {self.label!r}")
        found: Floats = layout.flatten(named).astype(theta.dtype, copy=False)
        return found

    def describe(self, layout: Layout | None = None) -> dict[str, Any]:
        """Return the model as plain data: its name and layout, never its code."""
        layout = self.known if layout is None else layout
        entries = [] if layout is None else [[name, list(shape)] for name, shape in layout.entries]
        return {
            "name": self.name,
            "label": self.label,
            "library": self.library,
            "entries": entries,
        }

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> CustomModel:
        """Return the model that `describe` described, without its code."""
        library = record["library"]
        if library is not None:
            choice("a run file", "library", library, LIBRARIES)
        entries = tuple((str(name), tuple(map(int, shape))) for name, shape in record["entries"])
        return cls(str(record["label"]), library, known=Layout(entries))


def custom_model(
    init: Callable[[Any], Any],
    apply: Callable[..., Any],
    *,
    gradient: Callable[[Any, Any, Any], Any] | None = None,
    library: str | None = None,
    name: str | None = None,
) -> CustomModel:
    """Return a model made of two functions of one's own.

    Parameters
    ----------
    init
        ``init(rng) -> params``: the first parameters, float arrays in dicts, lists and tuples
        (for JAX, any pytree), drawn by the NumPy ``Generator`` that is passed, so that a seed
        gives one start.  An argument called ``key`` gets a JAX key instead.
    apply
        ``apply(params, X) -> scores``: X (n, d) to raw scores (n, k), written with jax.numpy,
        torch, NumPy, or operators alone.  With a third argument called ``key`` (JAX) it is given a
        key of its own at each update, and None when it only evaluates.
    gradient
        ``(params, X, dscores) -> params``: the way back, written by hand in NumPy; the engine
        ``"numpy"`` needs it.  Default none: the library differentiates.
    library
        ``"numpy"``, ``"jax"`` or ``"torch"``; default: the one `apply` mentions.
    name
        For messages and files; default that of `apply`.

    Returns
    -------
    CustomModel

    Raises
    ------
    InputError
        If something is not a function, or `apply` is NumPy's and comes without a gradient.

    Examples
    --------
    >>> import descend as ds
    >>> def init(rng):
    ...     return {"amplitude": rng.normal(size=1), "offset": [0.0]}
    >>> def apply(params, X):
    ...     return params["amplitude"] * X * X + params["offset"]
    >>> def back(params, X, dscores):
    ...     return {"amplitude": [(dscores * X * X).sum()], "offset": [dscores.sum()]}
    >>> task = ds.Task(ds.custom_model(init, apply, gradient=back), "squared_error", "adam")
    >>> X = [[-1.0], [0.0], [1.0], [2.0]]
    >>> run = ds.train(task, X, [4.0, 1.0, 4.0, 13.0], epochs=9000)
    >>> {part: value.round(2) for part, value in run.params.items()}
    {'amplitude': array([3.]), 'offset': array([1.])}
    """
    from descend.custom.functions import Functions  # noqa: PLC0415 - it knows this module

    parts: dict[str, Any] = {"init": init, "apply": apply, "gradient": gradient}
    for what, given in parts.items():
        if not callable(given) and (given is not None or what != "gradient"):
            msg = f"The {what!r} of custom_model must be a function. Got {given!r} instead."
            raise InputError(msg)
    if library is not None:
        choice("custom_model", "library", library, LIBRARIES)
    label = called(apply) if name is None else str(name)
    adapter = Functions.of(init, apply, library, label)
    if adapter.library == "numpy" and gradient is None:
        msg = (
            f"The custom model {label!r} is written with NumPy, which cannot differentiate it; "
            "pass its gradient=…, or write it with jax.numpy or torch."
        )
        raise InputError(msg)
    return CustomModel(label, adapter.library, adapter, gradient)


def recognised(model: Any) -> CustomModel | None:
    """Return a module of PyTorch, Flax or Equinox, or a pair of functions, as a model; or None."""
    if isinstance(model, CustomModel):
        return model
    if isinstance(model, tuple) and len(model) == 2 and all(map(callable, model)):  # noqa: PLR2004
        return custom_model(*model)
    homes = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    adapter: Any = None
    if library_of(model) == "torch" and "torch" in homes:
        from descend.custom.torch_module import TorchModule  # noqa: PLC0415 - loads PyTorch

        adapter = TorchModule.of(model)
    elif "equinox" in homes:
        from descend.custom.equinox_module import EquinoxModule  # noqa: PLC0415 - loads JAX

        adapter = EquinoxModule.of(model)
    elif "flax" in homes:
        from descend.custom.flax_module import flax_module  # noqa: PLC0415 - loads JAX

        adapter = flax_module(model)
    return None if adapter is None else CustomModel(adapter.label, adapter.library, adapter)
