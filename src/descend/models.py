"""Models: from rows to raw scores, with the way back beside the way there.

Conventions: X (n, d), scores (n, k).  A model is a frozen value that knows its `Layout` for given
d and k, how to draw its first parameters, and two functions of the flat theta:

    forward(model, theta, layout, X)  ->  scores, tape      what the layers summed and passed on
    backward(model, theta, layout, tape, dscores)  ->  gradient by theta

`Linear` is ``scores = X W + b``; linear, logistic, softmax, Poisson … regression are this one model
under different losses.  `MLP` puts hidden layers in between, ``a = activation(a' W + b)``, and with
no hidden layer it IS the linear model: same layout, same start, same numbers.

    >>> import numpy as np
    >>> model = Linear()
    >>> layout = model.layout(d=2, k=1)
    >>> forward(model, np.array([3.0, 4.0, 5.0]), layout, np.array([[1.0, 1.0]]))[0]
    array([[12.]])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from descend import randomness
from descend.activations import ACTIVATIONS, Activation, Identity
from descend.activations import backward as backward_through
from descend.activations import value as activate
from descend.arrays import Floats, Layout
from descend.custom import CustomModel
from descend.errors import InputError, ParameterError, ShapeError
from descend.parts import Namespace, choice, whole

INITIALISATIONS = ("auto", "zeros", "normal", "glorot", "lecun", "he")

# A start can be given: the flat vector, or each parameter by name.  Frozen, it is hashable.
Given: TypeAlias = tuple[tuple[str, tuple[float, ...]], ...]
Init: TypeAlias = str | Given


class Tape(NamedTuple):
    """What going forward left for going backward: per layer its input and its sums."""

    inputs: tuple[Any, ...]
    sums: tuple[Any, ...]


@final
@dataclass(frozen=True, slots=True)
class Linear:
    """The linear model: scores = X W + b.

    Parameters
    ----------
    bias
        Whether there is a b; default yes.
    init
        How the first parameters are drawn (see `MLP`), or the parameters themselves: a flat
        vector (W row by row, then b) or a dict ``{"weight": …, "bias": …}``; default ``"zeros"``.

    Attributes
    ----------
    bias, init
        As given.

    Raises
    ------
    ParameterError
        If `init` is not one of the names.

    Examples
    --------
    >>> Linear().layout(d=3, k=1).entries
    (('weight', (3, 1)), ('bias', (1,)))
    """

    bias: bool = True
    init: Any = "zeros"

    def __post_init__(self) -> None:
        """Check and freeze what was given."""
        object.__setattr__(self, "bias", bool(self.bias))
        object.__setattr__(self, "init", _frozen("Linear", self.init))

    @property
    def name(self) -> str:
        """``"linear"``."""
        return "linear"

    @property
    def linear(self) -> bool:
        """Whether scores are linear in theta: yes."""
        return True

    @property
    def hidden(self) -> tuple[int, ...]:
        """No hidden layers."""
        return ()

    @property
    def activation(self) -> Activation:
        """Nothing happens between layers that are not there."""
        return ACTIVATIONS.value(Identity())

    def layout(self, d: int, k: int) -> Layout:
        """Return the slices of theta for `d` features and `k` outputs."""
        return _layout(self, d, k)


@final
@dataclass(frozen=True, slots=True)
class MLP:
    """The multilayer perceptron: layers of sums with an activation between them.

    Parameters
    ----------
    hidden
        The units of each hidden layer, such as ``(16, 8)``; ``()`` is the linear model.
    activation
        A name or a part from `descend.activations`; default ``"tanh"``.  The last layer has none:
        its sums are the raw scores.
    init
        ``"zeros"``; ``"normal"``: N(0, 1); ``"glorot"``: uniform within
        ± sqrt(6/(inputs + units)); ``"lecun"``: N(0, 1/inputs); ``"he"``: N(0, 2/inputs);
        ``"auto"`` (default): what suits the activation (he for the rectifiers and their
        relatives, lecun for identity and cos, glorot for the others; zeros without hidden
        layers).  Biases start at 0.  Or the parameters themselves, as for `Linear`.
    bias
        Whether layers have biases; default yes.

    Attributes
    ----------
    hidden, activation, init, bias
        As given; the activation as a part.

    Raises
    ------
    ParameterError
        If a number of units is not a whole number above 0, or `init` not one of the names.

    Examples
    --------
    >>> [name for name, shape in MLP((4,)).layout(d=2, k=1).entries]
    ['layer1.weight', 'layer1.bias', 'layer2.weight', 'layer2.bias']

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, equation 16; K. He et al., "Delving deep into rectifiers", ICCV
    2015, equation 10; Y. LeCun et al., "Efficient backprop", 1998, equation 16.
    """

    hidden: Any
    activation: Any = "tanh"
    init: Any = "auto"
    bias: bool = field(default=True)

    def __post_init__(self) -> None:
        """Check and freeze what was given."""
        sizes = (self.hidden,) if isinstance(self.hidden, int) else self.hidden
        if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
            msg = f"The 'hidden' parameter of MLP must be a tuple of ints. Got {sizes!r} instead."
            raise ParameterError(msg)
        object.__setattr__(self, "hidden", tuple(whole("MLP", "hidden", h) for h in sizes))
        object.__setattr__(self, "activation", ACTIVATIONS.check(self.activation, "MLP"))
        object.__setattr__(self, "init", _frozen("MLP", self.init))
        object.__setattr__(self, "bias", bool(self.bias))

    @property
    def name(self) -> str:
        """``"mlp"``."""
        return "mlp"

    @property
    def linear(self) -> bool:
        """Whether scores are linear in theta: where there are no hidden layers."""
        return not self.hidden

    def layout(self, d: int, k: int) -> Layout:
        """Return the slices of theta for `d` features and `k` outputs."""
        return _layout(self, d, k)


Model: TypeAlias = Linear | MLP | CustomModel


def _frozen(owner: str, init: Any) -> Init:
    if isinstance(init, str):
        return choice(owner, "init", init, INITIALISATIONS)
    if isinstance(init, tuple) and init and isinstance(init[0], tuple):
        return init
    if isinstance(init, Mapping):
        pairs = [(str(name), np.asarray(part, dtype=float)) for name, part in init.items()]
    else:
        pairs = [("theta", np.asarray(init, dtype=float))]
    for name, part in pairs:
        if not np.isfinite(part).all():
            msg = f"The 'init' parameter of {owner} must be finite; {name!r} is not."
            raise ParameterError(msg)
    return tuple((name, tuple(part.ravel().tolist())) for name, part in pairs)


def _layout(model: Linear | MLP, d: int, k: int) -> Layout:
    sizes = (d, *model.hidden, k)
    entries: list[tuple[str, tuple[int, ...]]] = []
    for i, (inputs, units) in enumerate(itertools.pairwise(sizes), start=1):
        prefix = f"layer{i}." if model.hidden else ""
        entries.append((f"{prefix}weight", (inputs, units)))
        if model.bias:
            entries.append((f"{prefix}bias", (units,)))
    return Layout(tuple(entries))


def layered(model: Model) -> Linear | MLP:
    """Return a model whose layers are known: one of this library's.

    Raises
    ------
    InputError
        If it is one's own.
    """
    if isinstance(model, CustomModel):
        msg = (
            f"This needs a model whose layers are known, Linear or MLP; the model {model.label!r} "
            "is one's own."
        )
        raise InputError(msg)
    return model


# ---------------------------------------------------------------- the start


def start(model: Model, layout: Layout, seed: int, d: int = 0) -> Floats:
    """Return the first theta (P,): given, or drawn by (seed, "initialisation", layer).

    A model of one's own is told the number of features, `d`.
    """
    if isinstance(model, CustomModel):
        return model.given().start(d, seed)
    if not isinstance(model.init, str):
        return _given(model.init, layout)
    init = automatic_init(model) if model.init == "auto" else model.init
    theta = np.zeros(layout.size)
    parts = layout.split(theta)
    weights = [name for name, shape in layout.entries if name.endswith("weight")]
    for layer, name in enumerate(weights):
        inputs, units = parts[name].shape
        parts[name][:] = _drawn(init, inputs, units, seed, layer)
    return theta


def automatic_init(model: Linear | MLP) -> str:
    """Return the initialisation that suits the activation."""
    if not model.hidden:
        return "zeros"
    name = model.activation.name
    if name in {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"}:
        return "he"
    return "lecun" if name in {"identity", "cos"} else "glorot"


def _drawn(init: str, inputs: int, units: int, seed: int, layer: int) -> Floats:
    count, key = inputs * units, (seed, "initialisation", layer)
    if init == "zeros":
        return np.zeros((inputs, units))
    if init == "glorot":
        limit = math.sqrt(6.0 / (inputs + units))
        drawn = (2.0 * randomness.uniforms(count, *key) - 1.0) * limit
    else:
        spread = {"normal": 1.0, "lecun": inputs**-0.5, "he": (2.0 / inputs) ** 0.5}[init]
        drawn = randomness.normals(count, *key) * spread
    return drawn.reshape(inputs, units)


def _given(given: Given, layout: Layout) -> Floats:
    values = {name: np.array(numbers) for name, numbers in given}
    if set(values) == {"theta"}:
        if values["theta"].size != layout.size:
            msg = (
                f"The given start must have {layout.size} numbers "
                f"({', '.join(f'{name} {shape}' for name, shape in layout.entries)}); "
                f"found {values['theta'].size}."
            )
            raise ShapeError(msg)
        return values["theta"]
    for name, shape in layout.entries:
        if name in values and values[name].size == math.prod(shape):
            values[name] = values[name].reshape(shape)
    return layout.flatten(values)


# ---------------------------------------------------------------- there and back


def layers(model: Linear | MLP, parts: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the weight and the bias (or None) of each layer, first to last."""
    count = len(model.hidden) + 1
    prefixes = [f"layer{i}." for i in range(1, count + 1)] if model.hidden else [""]
    return [(parts[f"{p}weight"], parts.get(f"{p}bias")) for p in prefixes]


def forward(
    model: Model, theta: Any, layout: Layout, X: Any, xp: Namespace = np
) -> tuple[Any, Tape]:
    """Return the scores (n, k) and the tape, in the namespace `xp`."""
    if isinstance(model, CustomModel):
        return model.scores(theta, X), Tape((X,), ())
    inputs, sums = [], []
    passed = X
    stack = layers(model, layout.split(theta))
    for depth, (weight, bias) in enumerate(stack):
        inputs.append(passed)
        summed = passed @ weight
        if bias is not None:
            summed = summed + bias
        sums.append(summed)
        last = depth == len(stack) - 1
        passed = summed if last else activate(model.activation, summed, xp)
    return passed, Tape(tuple(inputs), tuple(sums))


def backward(model: Model, theta: Floats, layout: Layout, tape: Tape, dscores: Floats) -> Floats:
    """Return the gradient (P,), given the gradient by the scores.

    Of ``z = a' W + b`` and a gradient g by z: by W it is a'ᵀ g, by b the sum of g's rows, and by
    the layer's input a' it is g Wᵀ; then through the activation below, and again.
    """
    if isinstance(model, CustomModel):
        return model.backward(theta, layout, tape.inputs[0], dscores)
    gradient = np.empty(layout.size, dtype=theta.dtype)
    stack = layers(model, layout.split(theta))
    slots = layers(model, layout.split(gradient))
    g = dscores
    for depth in range(len(stack) - 1, -1, -1):
        weight_gradient, bias_gradient = slots[depth]
        weight_gradient[...] = tape.inputs[depth].T @ g
        if bias_gradient is not None:
            bias_gradient[...] = g.sum(axis=0)
        if depth:
            below = g @ stack[depth][0].T
            z, a = tape.sums[depth - 1], tape.inputs[depth]
            g = backward_through(model.activation, z, a, below)
    return gradient


def describe(model: Model, layout: Layout | None = None) -> dict[str, Any]:
    """Return the model as plain data, for a run file; one's own by its name and layout alone.

    >>> describe(Linear())
    {'name': 'linear', 'bias': True, 'init': 'zeros'}
    """
    if isinstance(model, CustomModel):
        return model.describe(layout)
    given = not isinstance(model.init, str)
    init = {name: list(numbers) for name, numbers in model.init} if given else model.init
    record: dict[str, Any] = {"name": model.name, "bias": model.bias, "init": init}
    if isinstance(model, MLP):
        record["hidden"] = list(model.hidden)
        record["activation"] = ACTIVATIONS.describe(model.activation)
    return record


def restore(record: Mapping[str, Any]) -> Model:
    """Return the model that `describe` described.

    >>> restore(describe(MLP((4,)))) == MLP((4,))
    True
    """
    if record.get("name") == "custom":
        return CustomModel.restore(record)
    fields = {name: value for name, value in record.items() if name != "name"}
    if record.get("name") == "linear":
        return Linear(**fields)
    if record.get("name") == "mlp":
        fields["activation"] = ACTIVATIONS.restore(fields["activation"])
        return MLP(**fields)
    msg = f"There is no model called {record.get('name')!r}; there are linear and mlp."
    raise InputError(msg)
