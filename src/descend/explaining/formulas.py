"""The formulas of losses, activations and rules, as lines of NumPy that a learner can read.

Each is a `Line`: what it is called, and the right side.  The lines are computed, shown as symbols,
and filled with numbers (`descend.explaining.expressions`).  The registries state the same formulas
for every array library; a test runs each pair of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line: a name, and what it is.

    Attributes
    ----------
    name
        What is computed.
    formula
        The right side, in NumPy.
    says
        A few words for the reader.
    text, tex
        How symbols are written where the formula's own would hide the idea, or nothing; in text,
        names stand in braces.
    """

    name: str
    formula: str
    says: str = ""
    text: str = ""
    tex: str = ""


class LossLines(NamedTuple):
    """A loss: a phrase, what is computed first, one number for a score, and its derivative."""

    says: str
    value: Line
    slope: Line
    before: tuple[Line, ...] = ()


def _value(formula: str, text: str = "", tex: str = "") -> Line:
    return Line("loss", formula, "", text, tex)


def _slope(formula: str, text: str = "", tex: str = "") -> Line:
    return Line("slope", formula, "", text, tex)


_ERROR = Line("error", "s - y", "how far the score is above its target")
_P = Line(
    "p",
    "sigmoid(s)",
    "the probability of the second label",
    "1 / (1 + e^-{s})",
    r"\frac{1}{1 + e^{-s}}",
)
_SIGN = Line("sign", "2 * y - 1", "the label as -1 or +1")
_GAP = Line("gap", "1 - sign * s", "what the margin lacks")

LOSS_LINES = {
    "squared_error": LossLines(
        "the square of the error", _value("(s - y)**2"), _slope("2 * (s - y)")
    ),
    "half_squared_error": LossLines(
        "half the square of the error", _value("(s - y)**2 / 2"), _slope("s - y")
    ),
    "absolute_error": LossLines(
        "the size of the error, whatever its sign",
        _value("abs(s - y)"),
        _slope("np.sign(s - y)"),
    ),
    "huber": LossLines(
        "half the square of a small error, and a straight line beyond delta",
        _value(
            "np.where(abs(error) <= delta, error**2 / 2, delta * (abs(error) - delta / 2))",
        ),
        _slope("np.clip(error, -delta, delta)"),
        (_ERROR,),
    ),
    "quantile": LossLines(
        "the size of the error, q times if the score is too small and 1 - q times if too large",
        _value("np.where(error < 0, -q * error, (1 - q) * error)"),
        _slope("np.where(error < 0, -q, np.where(error > 0, 1 - q, 0))"),
        (_ERROR,),
    ),
    "log_cosh": LossLines(
        "a square for small errors that turns into a straight line",
        _value(
            "abs(error) + np.log1p(np.exp(-2 * abs(error))) - np.log(2)",
            "log cosh {error}",
            r"\log\cosh(\mathit{error})",
        ),
        _slope("np.tanh(error)"),
        (_ERROR,),
    ),
    "poisson": LossLines(
        "how surprising the count is where e^s is expected",
        _value("np.exp(s) - y * s"),
        _slope("np.exp(s) - y"),
    ),
    "logistic": LossLines(
        "how surprising the label is, given its probability",
        _value("np.logaddexp(0, s) - y * s"),
        _slope("p - y"),
        (_P,),
    ),
    "brier": LossLines(
        "the square of the probability's error",
        _value("(p - y)**2"),
        _slope("2 * (p - y) * p * (1 - p)"),
        (_P,),
    ),
    "hinge": LossLines(
        "what the score lacks to be 1 on its label's side",
        _value("np.maximum(gap, 0)"),
        _slope("np.where(gap > 0, -sign, 0)"),
        (_SIGN, _GAP),
    ),
    "squared_hinge": LossLines(
        "the square of what the score lacks to be 1 on its label's side",
        _value("np.maximum(gap, 0)**2"),
        _slope("-2 * sign * np.maximum(gap, 0)"),
        (_SIGN, _GAP),
    ),
}
# Along rows, so not an elementwise line: written out where it is used.
ROWWISE_LOSSES = {"softmax": "how surprising the label is, given its probability"}


class ActivationLines(NamedTuple):
    """An activation: what becomes of a sum z, and the derivative, which may use the result a."""

    value: Line
    slope: Line


def _activation(
    value: str, slope: str, text: tuple[str, str] = ("", ""), slope_text: tuple[str, str] = ("", "")
) -> ActivationLines:
    return ActivationLines(Line("a", value, "", *text), Line("slope", slope, "", *slope_text))


_U = "np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)"

ACTIVATION_LINES = {
    "identity": _activation("z", "z * 0 + 1", ("", ""), ("1", "1")),
    "sigmoid": _activation("sigmoid(z)", "a * (1 - a)"),
    "tanh": _activation("np.tanh(z)", "1 - a**2"),
    "relu": _activation("np.maximum(z, 0)", "np.where(z > 0, 1, 0)"),
    "leaky_relu": _activation("np.where(z > 0, z, alpha * z)", "np.where(z > 0, 1, alpha)"),
    "elu": _activation(
        "np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))",
        "np.where(z > 0, 1, a + alpha)",
        (
            "{z} where {z} > 0, else α (e^{z} - 1)",
            r"\begin{cases} z & \text{where } z > 0 \\ \alpha (e^z - 1) & \text{else} \end{cases}",
        ),
    ),
    "gelu": _activation(
        f"z / 2 * (1 + np.tanh({_U}))",
        f"(1 + np.tanh({_U})) / 2 + z / 2 * (1 - np.tanh({_U})**2) * np.sqrt(2 / np.pi)"
        " * (1 + 0.134145 * z**2)",
        (
            "{z}/2 (1 + tanh u), u = √(2/π) ({z} + 0.044715 {z}³)",
            r"\tfrac{z}{2} (1 + \tanh u), \quad u = \sqrt{2/\pi} \, (z + 0.044715 z^3)",
        ),
        (
            "(1 + tanh u)/2 + {z}/2 (1 - tanh² u) du/dz",
            r"\tfrac{1 + \tanh u}{2} + \tfrac{z}{2} (1 - \tanh^2 u) \tfrac{du}{dz}",
        ),
    ),
    "silu": _activation("z * sigmoid(z)", "sigmoid(z) * (1 + z * (1 - sigmoid(z)))"),
    "softplus": _activation("np.logaddexp(0, z)", "sigmoid(z)"),
    "cos": _activation("np.cos(z)", "-np.sin(z)"),
}
# Along rows: written out where it is used.
ROWWISE_ACTIVATIONS = ("softmax",)

_STEP = "rate * gradient / (np.sqrt({}) + epsilon)"
_MEAN = Line("mean", "beta1 * mean + (1 - beta1) * gradient", "average gradient")
_SQUARE = Line(
    "mean_square",
    "beta2 * mean_square + (1 - beta2) * gradient**2",
    "average square",
)
_CORRECTED = Line("corrected", "mean / (1 - beta1**t)", "m', start undone")
_SIZE = Line("size", "np.sqrt(mean_square / (1 - beta2**t)) + epsilon", "root of v', the same")
_ADAM_STEP = Line("theta", "theta - rate * corrected / size", "the update")

RULE_LINES: dict[str, tuple[Line, ...]] = {
    "gradient_descent": (Line("theta", "theta - rate * gradient", "the update"),),
    "momentum": (
        Line("velocity", "beta * velocity + gradient", "new velocity"),
        Line("theta", "theta - rate * velocity", "the update"),
    ),
    "nesterov": (
        Line("velocity", "beta * velocity + gradient", "new velocity"),
        Line("theta", "theta - rate * (gradient + beta * velocity)", "the update, looking ahead"),
    ),
    "adagrad": (
        Line("sum_of_squares", "sum_of_squares + gradient**2", "with this square"),
        Line("theta", f"theta - {_STEP.format('sum_of_squares')}", "the update"),
    ),
    "rmsprop": (
        Line(
            "mean_square",
            "decay * mean_square + (1 - decay) * gradient**2",
            "average square",
        ),
        Line("theta", f"theta - {_STEP.format('mean_square')}", "the update"),
    ),
    "adam": (_MEAN, _SQUARE, _CORRECTED, _SIZE, _ADAM_STEP),
    "adamw": (
        _MEAN,
        _SQUARE,
        _CORRECTED,
        _SIZE,
        Line("decayed", "theta - rate * weight_decay * is_weight * theta", "decayed"),
        Line("theta", "decayed - rate * corrected / size", "the update"),
    ),
    "nadam": (
        Line("mu", "beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))", "momentum now"),
        Line("mu_next", "beta1 * (1 - 0.5 * 0.96**((t + 1) * momentum_decay))", "and next"),
        Line("momentum_product", "momentum_product * mu", "with this momentum"),
        _MEAN,
        _SQUARE,
        Line("now", "(1 - mu) * gradient / (1 - momentum_product)", "g's share"),
        Line(
            "ahead",
            "mu_next * mean / (1 - momentum_product * mu_next)",
            "m's share, ahead",
        ),
        Line("corrected", "now + ahead", "both"),
        _SIZE,
        _ADAM_STEP,
    ),
    "amsgrad": (
        _MEAN,
        _SQUARE,
        Line(
            "largest_mean_square",
            "np.maximum(largest_mean_square, mean_square)",
            "the largest so far",
        ),
        _CORRECTED,
        Line(
            "size", "np.sqrt(largest_mean_square / (1 - beta2**t)) + epsilon", "its root, corrected"
        ),
        _ADAM_STEP,
    ),
}
# With an absolute penalty; velocity remembers the step truly taken, threshold included.
_TAKEN = "np.where(l1 > 0, (theta - moved) / (rate + 1e-30), push)"
PROXIMAL_LINES: dict[str, tuple[Line, ...]] = {
    "gradient_descent": (
        Line("theta", "soft(theta - rate * gradient, rate * l1)", "the update, then the threshold"),
    ),
    "momentum": (
        Line("push", "beta * velocity + gradient", "new velocity"),
        Line("moved", "soft(theta - rate * push, rate * l1)", "past the threshold"),
        Line("velocity", _TAKEN, "step truly taken"),
        Line("theta", "moved", "where it ends"),
    ),
    "nesterov": (
        Line("reached", "soft(theta - rate * gradient, rate * l1)", "past the threshold"),
        Line("behind", "theta + rate * beta * velocity", "reached before"),
        Line(
            "velocity",
            "np.where(l1 > 0, (behind - reached) / (rate + 1e-30), beta * velocity + gradient)",
            "step truly taken",
        ),
        Line("theta", "reached - rate * beta * velocity", "looking ahead"),
    ),
}

SYMBOLS = {
    "theta": "θ",
    "gradient": "g",
    "rate": "η",
    "beta": "β",
    "beta1": "β₁",
    "beta2": "β₂",
    "epsilon": "ε",
    "decay": "ρ",
    "velocity": "v",
    "mean": "m",
    "mean_square": "v",
    "sum_of_squares": "S",
    "largest_mean_square": "v_max",
    "momentum_product": "Π",
    "corrected": "c",
    "size": "r",
    "decayed": "θ_d",
    "mu": "μ",
    "now": "n",
    "ahead": "h",
    "mu_next": "μ_next",
    "weight_decay": "λ",
    "is_weight": "1[weight]",
    "push": "u",
    "moved": "θ_new",
    "reached": "x_new",
    "behind": "x",
    "l1": "λ₁",
    "l2": "λ₂",
    "delta": "δ",
    "alpha": "α",
    "momentum_decay": "ψ",
    "clip_value": "c_value",
    "clip_norm": "c_norm",
    "length": "‖g‖",
}
TEX = {
    "theta": r"\theta",
    "gradient": "g",
    "rate": r"\eta",
    "beta": r"\beta",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "epsilon": r"\varepsilon",
    "decay": r"\rho",
    "velocity": "v",
    "mean": "m",
    "mean_square": "v",
    "sum_of_squares": "S",
    "largest_mean_square": r"v_{\max}",
    "momentum_product": r"\Pi",
    "corrected": "c",
    "size": "r",
    "decayed": r"\theta_d",
    "mu": r"\mu",
    "now": "n",
    "ahead": "h",
    "mu_next": r"\mu_{\text{next}}",
    "weight_decay": r"\lambda",
    "is_weight": r"\mathbf{1}_{\text{weight}}",
    "push": "u",
    "moved": r"\theta_{\text{new}}",
    "reached": r"x_{\text{new}}",
    "behind": "x",
    "l1": r"\lambda_1",
    "l2": r"\lambda_2",
    "delta": r"\delta",
    "alpha": r"\alpha",
    "momentum_decay": r"\psi",
    "clip_value": r"c_{\text{value}}",
    "clip_norm": r"c_{\text{norm}}",
    "length": r"\lVert g \rVert",
    "error": r"\mathit{error}",
    "sign": r"\mathit{sign}",
    "gap": r"\mathit{gap}",
}
