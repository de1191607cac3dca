"""The formulas of losses and activations as lines of a script, for each library.

In the text of a script ``s`` are scores (n, k), ``y`` targets, ``z`` what a layer summed, ``a``
what it passes on, ``g`` the gradient that comes back.  NumPy's formulas bring their derivatives;
JAX and PyTorch differentiate, so theirs are chosen to have descend's slope at every kink too.
The registries state the same formulas; a test trains with each pair of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Formula(NamedTuple):
    """How a script writes a loss or an activation.

    Attributes
    ----------
    value
        An expression.
    slope
        For NumPy: a loss's derivative by s; an activation's way back for ``g``.
    before
        Lines that come first.
    helpers
        Functions it calls, by name.
    """

    value: str
    slope: str = ""
    before: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()

    def filled(self, part: Any, **names: str) -> Formula:
        """Return the same with a part's hyperparameters, and names, in their places."""
        fields: Mapping[str, Any] = {**part._asdict(), **names}
        return self._replace(
            value=self.value.format_map(fields),
            slope=self.slope.format_map(fields),
            before=tuple(line.format_map(fields) for line in self.before),
        )


HELPERS = {
    "sigmoid": '''
def sigmoid(z):
    """Return 1 / (1 + e^-z); no exponential of a large number is taken."""
    return np.exp(-np.logaddexp(0, -z))
''',
    "softmax": '''
def softmax(z):
    """Return e^z over its sum along each row; the largest is taken off first and cancels."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
''',
    "gelu": '''
def gelu(z):
    """Return z/2 (1 + tanh u) with u = sqrt(2/pi) (z + 0.044715 z^3)."""
    return 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def gelu_slope(z):
    """Return its derivative: (1 + t)/2 + z/2 (1 - t^2) du/dz, with t = tanh u."""
    t = np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * du
''',
    "silu": '''
def silu_slope(z):
    """Return the derivative of z sigmoid(z): with p = sigmoid(z), it is p (1 + z (1 - p))."""
    p = sigmoid(z)
    return p * (1 + z * (1 - p))
''',
}

_ERROR = ("e = s - y",)
_GAP = ("sign = 2 * y - 1  # labels 0 and 1 as -1 and +1", "gap = 1 - sign * s")
_LOG_P = (
    "log_p = s - s.max(axis=1, keepdims=True)  # cancels, and nothing overflows",
    "log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))",
)

_NUMPY_LOSSES = {
    "squared_error": Formula("(s - y) ** 2", "2 * (s - y)"),
    "half_squared_error": Formula("0.5 * (s - y) ** 2", "s - y"),
    "absolute_error": Formula("np.abs(s - y)", "np.sign(s - y)"),
    "huber": Formula(
        "np.where(np.abs(e) <= {delta}, 0.5 * e**2, {delta} * (np.abs(e) - 0.5 * {delta}))",
        "np.clip(e, -{delta}, {delta})",
        _ERROR,
    ),
    "quantile": Formula(
        "np.where(e < 0, -{q} * e, (1 - {q}) * e)",
        "np.where(e < 0, {q} * np.sign(e), (1 - {q}) * np.sign(e))",
        _ERROR,
    ),
    "log_cosh": Formula("np.logaddexp(e, -e) - math.log(2)", "np.tanh(e)", _ERROR),
    "poisson": Formula("np.exp(s) - y * s", "np.exp(s) - y"),
    "logistic": Formula("np.logaddexp(0, s) - y * s", "sigmoid(s) - y", helpers=("sigmoid",)),
    "softmax": Formula(
        "-log_p[np.arange(len(y)), y]",
        "np.exp(log_p) - np.eye({k}, dtype=s.dtype)[y]",
        _LOG_P,
    ),
    "brier": Formula(
        "(prob - y) ** 2",
        "2 * (prob - y) * prob * (1 - prob)",
        ("prob = sigmoid(s)",),
        ("sigmoid",),
    ),
    "hinge": Formula("np.maximum(gap, 0)", "-sign * (gap > 0)", _GAP),
    "squared_hinge": Formula("np.maximum(gap, 0) ** 2", "-2 * sign * np.maximum(gap, 0)", _GAP),
}

_JAX_LOSSES = {
    "squared_error": Formula("(s - y) ** 2"),
    "half_squared_error": Formula("0.5 * (s - y) ** 2"),
    # JAX gives its own abs the slope 1 at 0.
    "absolute_error": Formula("e * jnp.sign(e)", before=_ERROR),
    "huber": Formula(
        "jnp.where(jnp.abs(e) <= {delta}, 0.5 * e**2, {delta} * (jnp.abs(e) - 0.5 * {delta}))",
        before=_ERROR,
    ),
    "quantile": Formula(
        "jnp.where(e < 0, -{q} * e, jnp.where(e > 0, (1 - {q}) * e, 0.0))", before=_ERROR
    ),
    "log_cosh": Formula("jnp.logaddexp(e, -e) - math.log(2)", before=_ERROR),
    "poisson": Formula("jnp.exp(s) - y * s"),
    "logistic": Formula("jnp.logaddexp(0.0, s) - y * s"),
    "softmax": Formula("-jax.nn.log_softmax(s)[jnp.arange(len(y)), y]"),
    "brier": Formula("(jax.nn.sigmoid(s) - y) ** 2"),
    "hinge": Formula("jax.nn.relu(gap)", before=_GAP),
    "squared_hinge": Formula("jax.nn.relu(gap) ** 2", before=_GAP),
}

_TORCH_LOSSES = {
    "squared_error": Formula("(s - y) ** 2"),
    "half_squared_error": Formula("0.5 * (s - y) ** 2"),
    "absolute_error": Formula("(s - y).abs()"),
    "huber": Formula('F.huber_loss(s, y, delta={delta}, reduction="none")'),
    "quantile": Formula(
        "torch.where(e < 0, -{q} * e, torch.where(e > 0, (1 - {q}) * e, 0.0))", before=_ERROR
    ),
    "log_cosh": Formula("torch.logaddexp(e, -e) - math.log(2)", before=_ERROR),
    "poisson": Formula("torch.exp(s) - y * s"),
    "logistic": Formula('F.binary_cross_entropy_with_logits(s, y, reduction="none")'),
    "softmax": Formula('F.cross_entropy(s, y, reduction="none")'),
    "brier": Formula("(torch.sigmoid(s) - y) ** 2"),
    "hinge": Formula("torch.relu(gap)", before=_GAP),
    "squared_hinge": Formula("torch.relu(gap) ** 2", before=_GAP),
}

_NUMPY_ACTIVATIONS = {
    "identity": Formula("{z}", "g"),
    "sigmoid": Formula("sigmoid({z})", "g * {a} * (1 - {a})", helpers=("sigmoid",)),
    "tanh": Formula("np.tanh({z})", "g * (1 - {a}**2)"),
    "relu": Formula("np.maximum({z}, 0)", "g * ({z} > 0)"),
    "leaky_relu": Formula(
        "np.where({z} > 0, {z}, {alpha} * {z})", "np.where({z} > 0, g, {alpha} * g)"
    ),
    "elu": Formula(
        "np.where({z} > 0, {z}, {alpha} * np.expm1(np.minimum({z}, 0)))",
        "np.where({z} > 0, g, g * ({a} + {alpha}))",
    ),
    "gelu": Formula("gelu({z})", "g * gelu_slope({z})", helpers=("gelu",)),
    "silu": Formula("{z} * sigmoid({z})", "g * silu_slope({z})", helpers=("sigmoid", "silu")),
    "softplus": Formula("np.logaddexp(0, {z})", "g * sigmoid({z})", helpers=("sigmoid",)),
    "cos": Formula("np.cos({z})", "-g * np.sin({z})"),
    "softmax": Formula(
        "softmax({z})",
        "{a} * (g - ({a} * g).sum(axis=1, keepdims=True))",
        helpers=("softmax",),
    ),
}

_JAX_ACTIVATIONS = {
    "identity": Formula("{z}"),
    "sigmoid": Formula("jax.nn.sigmoid({z})"),
    "tanh": Formula("jnp.tanh({z})"),
    "relu": Formula("jax.nn.relu({z})"),
    "leaky_relu": Formula("jnp.where({z} > 0, {z}, {alpha} * {z})"),
    "elu": Formula("jax.nn.elu({z}, {alpha})"),
    "gelu": Formula("jax.nn.gelu({z}, approximate=True)"),
    "silu": Formula("jax.nn.silu({z})"),
    "softplus": Formula("jax.nn.softplus({z})"),
    "cos": Formula("jnp.cos({z})"),
    "softmax": Formula("jax.nn.softmax({z})"),
}

_TORCH_ACTIVATIONS = {
    "identity": Formula("{z}"),
    "sigmoid": Formula("torch.sigmoid({z})"),
    "tanh": Formula("torch.tanh({z})"),
    "relu": Formula("torch.relu({z})"),
    "leaky_relu": Formula("F.leaky_relu({z}, {alpha})"),
    "elu": Formula("F.elu({z}, {alpha})"),
    "gelu": Formula('F.gelu({z}, approximate="tanh")'),
    "silu": Formula("F.silu({z})"),
    # Beyond its threshold PyTorch returns z itself; at its default of 20 that is 2e-9 off.
    "softplus": Formula("F.softplus({z}, threshold=40)"),
    "cos": Formula("torch.cos({z})"),
    "softmax": Formula("torch.softmax({z}, dim=1)"),
}

LOSS_LINES = {"numpy": _NUMPY_LOSSES, "jax": _JAX_LOSSES, "torch": _TORCH_LOSSES}
ACTIVATION_LINES = {
    "numpy": _NUMPY_ACTIVATIONS,
    "jax": _JAX_ACTIVATIONS,
    "torch": _TORCH_ACTIVATIONS,
}
