"""Optimizers: how a gradient becomes an update, simplest first.

A *rule* is a part (see `descend.parts`) with pure, elementwise formulas over the flat vector:

    update(rule, theta, gradient, memory, rate, t, l1, weight) -> theta, memory

``memory`` is a tuple of S vectors like theta (momentum's velocity, Adam's two averages), ``rate``
the learning rate of this update, ``t`` its number from 1, ``l1`` the strength of the absolute
penalty at each parameter (0 for none), and ``weight`` 1 for weights, 0 for biases.  All memory is
in the slots, so (theta, slots, step) is everything there is to know.  An `Optimizer` is a rule
with its learning rate, an optional schedule and optional clipping.

The absolute penalty enters the plain and the momentum methods by a proximal step.  There,
velocity remembers the step that was truly taken, threshold included: were it to remember
gradients alone, a method with momentum beta would settle on the wrong penalty, (1 - beta) l1.

Two rules have no such formula, for they look at the whole objective before they move: `lbfgs` and
`newton` *search*.  Their memory is in the slots all the same.

    >>> optimizer = gradient_descent(0.1)
    >>> apply(optimizer.rule, np.array([1.0]), np.array([2.0]), np.zeros((0, 1)), 0.1, 1)[0]
    array([0.8])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, final

import numpy as np

from descend.errors import ParameterError
from descend.parts import Family, Namespace, formulas_of, number, whole
from descend.penalties import soft_threshold
from descend.schedules import SCHEDULES, Schedule

if TYPE_CHECKING:
    from descend.arrays import Floats

RULES: Family[Any] = Family("optimizer")

# A schedule may end at a rate of exactly 0, where nothing moves: 0/(0 + tiny) is 0, not NaN.
# Added to any rate above 1e-14 it changes no bit.
_TINY = 1e-30


class Rule(Protocol):
    """An update rule: a named value with its formula.

    Attributes
    ----------
    proximal
        Whether an absolute penalty has a meaning here.
    scaled
        Whether the rule divides by the gradient's own size, so that curvature sets no step.
    usual_rate
        The paper's learning rate, for ``learning_rate="auto"`` where curvature has no say.
    searches
        Whether it finds the length of each step itself, by looking at the objective of all rows;
        such a rule has no elementwise formula (see `descend.engines.searching`).
    """

    name: ClassVar[str]
    proximal: ClassVar[bool]
    scaled: ClassVar[bool]
    usual_rate: ClassVar[float]
    searches: ClassVar[bool]

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of its memory vectors."""

    @property
    def initial(self) -> tuple[float, ...]:
        """What each of them starts as."""

    def _asdict(self) -> dict[str, Any]: ...


@final
@dataclass(frozen=True, slots=True)
class Optimizer:
    """A rule with its learning rate, schedule and clipping.

    Attributes
    ----------
    rule
        How a gradient becomes an update.
    learning_rate
        A positive float, or ``"auto"``: from the curvature where that sets the step, else the
        paper's; a rule that searches finds it at each update.
    schedule
        What multiplies it over time, or None.
    clip_value
        Entries of the gradient are held within ± this, or None.
    clip_norm
        The gradient is shortened to at most this Euclidean length, or None.
    """

    rule: Rule
    learning_rate: float | str = "auto"
    schedule: Schedule | None = None
    clip_value: float | None = None
    clip_norm: float | None = None

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule.name


def initial_slots(rule: Rule, size: int, dtype: Any = np.float64) -> Floats:
    """Return the memory (S, P) before the first update."""
    slots = np.empty((len(rule.slots), size), dtype=dtype)
    slots[:] = np.array(rule.initial, dtype=dtype)[:, None]
    return slots


def apply(
    rule: Rule,
    theta: Floats,
    gradient: Floats,
    slots: Floats,
    rate: float,
    t: int,
    l1: Any = 0.0,
    weight: Any = 1.0,
) -> tuple[Floats, Floats]:
    """Return the next (theta, slots) by the rule's formula, in NumPy."""
    update = formulas_of(type(rule), np)
    theta, memory = update(rule, theta, gradient, tuple(slots), rate, t, l1, weight)
    return theta, np.array(memory, dtype=theta.dtype).reshape(slots.shape)


def clipped(optimizer: Optimizer, gradient: Floats) -> Floats:
    """Return the gradient, held within ±clip_value and then shortened to clip_norm."""
    if optimizer.clip_value is not None:
        gradient = np.clip(gradient, -optimizer.clip_value, optimizer.clip_value)
    if optimizer.clip_norm is not None:
        length = float(np.linalg.norm(gradient.astype(np.float64)))
        if length > optimizer.clip_norm:
            gradient = gradient * gradient.dtype.type(optimizer.clip_norm / length)
    return gradient


# ---------------------------------------------------------------- the rules


@RULES.add(
    "gradient_descent",
    slots=(),
    initial=(),
    proximal=True,
    scaled=False,
    usual_rate=0.01,
    searches=False,
)
class GradientDescent(NamedTuple):
    """theta' = theta - rate g."""

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """A step down the gradient, then the threshold."""
        soft = soft_threshold(xp)

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            return soft(theta - rate * gradient, rate * l1), ()

        return update


@RULES.add(
    "momentum",
    slots=("velocity",),
    initial=(0.0,),
    proximal=True,
    scaled=False,
    usual_rate=0.01,
    searches=False,
)
class Momentum(NamedTuple):
    """v' = beta v + g; theta' = theta - rate v'."""

    beta: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """With a threshold, the velocity is (theta - theta')/rate: the step truly taken."""
        soft, where = soft_threshold(xp), xp.where

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            velocity = rule.beta * memory[0] + gradient
            following = soft(theta - rate * velocity, rate * l1)
            return following, (where(l1 > 0, (theta - following) / (rate + _TINY), velocity),)

        return update


@RULES.add(
    "nesterov",
    slots=("velocity",),
    initial=(0.0,),
    proximal=True,
    scaled=False,
    usual_rate=0.01,
    searches=False,
)
class Nesterov(NamedTuple):
    """v' = beta v + g; theta' = theta - rate (g + beta v')."""

    beta: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """theta is the point looked ahead to: x - rate beta v, with x the point truly reached.

        So x = theta + rate beta v; the threshold acts on x' = theta - rate g, and the velocity is
        (x - x')/rate, which without a threshold is beta v + g.
        """
        soft, where = soft_threshold(xp), xp.where

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            reached = soft(theta - rate * gradient, rate * l1)
            before = theta + rate * rule.beta * memory[0]
            taken = (before - reached) / (rate + _TINY)
            velocity = where(l1 > 0, taken, rule.beta * memory[0] + gradient)
            return reached - rate * rule.beta * velocity, (velocity,)

        return update


@RULES.add(
    "adagrad",
    slots=("sum_of_squares",),
    initial=(0.0,),
    proximal=False,
    scaled=True,
    usual_rate=0.01,
    searches=False,
)
class AdaGrad(NamedTuple):
    """s' = s + g²; theta' = theta - rate g / (sqrt(s') + epsilon)."""

    epsilon: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Each parameter's step shrinks with the gradients it has seen."""
        sqrt = xp.sqrt

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            squares = memory[0] + gradient * gradient
            return theta - rate * gradient / (sqrt(squares) + rule.epsilon), (squares,)

        return update


@RULES.add(
    "rmsprop",
    slots=("mean_square",),
    initial=(0.0,),
    proximal=False,
    scaled=True,
    usual_rate=0.001,
    searches=False,
)
class RMSProp(NamedTuple):
    """s' = decay s + (1 - decay) g²; theta' = theta - rate g / (sqrt(s') + epsilon)."""

    decay: float
    epsilon: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """AdaGrad that forgets."""
        sqrt = xp.sqrt

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            square = rule.decay * memory[0] + (1 - rule.decay) * gradient * gradient
            return theta - rate * gradient / (sqrt(square) + rule.epsilon), (square,)

        return update


@RULES.add(
    "adam",
    slots=("mean", "mean_square"),
    initial=(0.0, 0.0),
    proximal=False,
    scaled=True,
    usual_rate=0.001,
    searches=False,
)
class Adam(NamedTuple):
    """m' = b1 m + (1 - b1) g; v' = b2 v + (1 - b2) g²; step by m̂ / (sqrt(v̂) + epsilon)."""

    beta1: float
    beta2: float
    epsilon: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """m̂ = m'/(1 - b1^t) and v̂ = v'/(1 - b2^t) undo the start at zero."""
        sqrt = xp.sqrt

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            mean = rule.beta1 * memory[0] + (1 - rule.beta1) * gradient
            square = rule.beta2 * memory[1] + (1 - rule.beta2) * gradient * gradient
            corrected = mean * (1 / (1 - rule.beta1**t))
            size = sqrt(square * (1 / (1 - rule.beta2**t))) + rule.epsilon
            return theta - rate * corrected / size, (mean, square)

        return update


@RULES.add(
    "adamw",
    slots=("mean", "mean_square"),
    initial=(0.0, 0.0),
    proximal=False,
    scaled=True,
    usual_rate=0.001,
    searches=False,
)
class AdamW(NamedTuple):
    """Adam, with weights also multiplied by 1 - rate weight_decay before each update."""

    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """The decay is decoupled: it passes by the two averages."""
        sqrt = xp.sqrt

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            mean = rule.beta1 * memory[0] + (1 - rule.beta1) * gradient
            square = rule.beta2 * memory[1] + (1 - rule.beta2) * gradient * gradient
            corrected = mean * (1 / (1 - rule.beta1**t))
            size = sqrt(square * (1 / (1 - rule.beta2**t))) + rule.epsilon
            decayed = theta - rate * rule.weight_decay * weight * theta
            return decayed - rate * corrected / size, (mean, square)

        return update


@RULES.add(
    "nadam",
    slots=("mean", "mean_square", "momentum_product"),
    initial=(0.0, 0.0, 1.0),
    proximal=False,
    scaled=True,
    usual_rate=0.002,
    searches=False,
)
class NAdam(NamedTuple):
    """Adam that looks ahead: the mean is corrected with the next step's momentum."""

    beta1: float
    beta2: float
    epsilon: float
    momentum_decay: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """mu_t = b1 (1 - 0.96^(t decay)/2); the slot holds mu_1 mu_2 … mu_t."""
        sqrt = xp.sqrt

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            mu = rule.beta1 * (1 - 0.5 * 0.96 ** (t * rule.momentum_decay))
            following = rule.beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * rule.momentum_decay))
            product = memory[2] * mu
            mean = rule.beta1 * memory[0] + (1 - rule.beta1) * gradient
            square = rule.beta2 * memory[1] + (1 - rule.beta2) * gradient * gradient
            ahead = following * mean / (1 - product * following)
            now = (1 - mu) * gradient / (1 - product)
            size = sqrt(square * (1 / (1 - rule.beta2**t))) + rule.epsilon
            return theta - rate * (now + ahead) / size, (mean, square, product)

        return update


@RULES.add(
    "amsgrad",
    slots=("mean", "mean_square", "largest_mean_square"),
    initial=(0.0, 0.0, 0.0),
    proximal=False,
    scaled=True,
    usual_rate=0.001,
    searches=False,
)
class AMSGrad(NamedTuple):
    """Adam whose second average never shrinks: the largest v' so far is used."""

    beta1: float
    beta2: float
    epsilon: float

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """The largest is kept before the correction for the start at zero."""
        sqrt, where = xp.sqrt, xp.where

        def update(rule, theta, gradient, memory, rate, t, l1, weight):
            mean = rule.beta1 * memory[0] + (1 - rule.beta1) * gradient
            square = rule.beta2 * memory[1] + (1 - rule.beta2) * gradient * gradient
            # Written so that a NaN in `square` is kept and not outgrown by an older number.
            largest = where(memory[2] > square, memory[2], square)
            corrected = mean * (1 / (1 - rule.beta1**t))
            size = sqrt(largest * (1 / (1 - rule.beta2**t))) + rule.epsilon
            return theta - rate * corrected / size, (mean, square, largest)

        return update


# ---------------------------------------------------------------- the rules that search


@RULES.add(
    "lbfgs",
    proximal=False,
    scaled=True,
    usual_rate=1.0,
    searches=True,
)
class LBFGS(NamedTuple):
    """theta' = theta - a H g, with H from the last steps s and what they did to the gradient, y.

    The slots hold the steps, oldest first, and then the changes of the gradient; a pair of zeros
    is one that is not there yet.
    """

    memory: int

    @property
    def slots(self) -> tuple[str, ...]:
        """``step1 …``, then ``change1 …``."""
        numbers = range(1, self.memory + 1)
        return (*(f"step{i}" for i in numbers), *(f"change{i}" for i in numbers))

    @property
    def initial(self) -> tuple[float, ...]:
        """Zeros: nothing is remembered."""
        return (0.0,) * (2 * self.memory)


@RULES.add(
    "newton",
    slots=(),
    initial=(),
    proximal=False,
    scaled=True,
    usual_rate=1.0,
    searches=True,
)
class Newton(NamedTuple):
    """theta' = theta - a H⁻¹ g, with H the Hessian at theta, damped where it has no inverse."""


# The rules that are a formula, entry by entry; the others search.
ELEMENTWISE = tuple(rule.name for rule in RULES.classes() if not rule.searches)


# ---------------------------------------------------------------- public makers


def _optimizer(
    rule: Rule,
    learning_rate: float | str,
    schedule: Schedule | None,
    clip_value: float | None,
    clip_norm: float | None,
) -> Optimizer:
    name = rule.name
    if learning_rate != "auto":
        if isinstance(learning_rate, str):
            msg = (
                f"The 'learning_rate' parameter of {name} must be a float in (0, inf) or 'auto'. "
                f"Got {learning_rate!r} instead."
            )
            raise ParameterError(msg)
        learning_rate = number(name, "learning_rate", learning_rate, low=0)
    if schedule is not None:
        schedule = SCHEDULES.check(schedule, name)
    if clip_value is not None:
        clip_value = number(name, "clip_value", clip_value, low=0)
    if clip_norm is not None:
        clip_norm = number(name, "clip_norm", clip_norm, low=0)
    return Optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def _fraction(owner: str, name: str, value: float) -> float:
    return number(owner, name, value, low=0, high=1, closed="low")


def _epsilon(owner: str, value: float) -> float:
    return number(owner, "epsilon", value, low=0, closed="low")


def gradient_descent(
    learning_rate: float | str = "auto",
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return plain gradient descent: theta' = theta - rate g.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 1 over the largest curvature.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> gradient_descent(0.1).learning_rate
    0.1

    References
    ----------
    A.-L. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées",
    C. R. Acad. Sci. 25 (1847).
    """
    return _optimizer(
        RULES.value(GradientDescent()), learning_rate, schedule, clip_value, clip_norm
    )


def momentum(
    learning_rate: float | str = "auto",
    beta: float = 0.9,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return gradient descent with momentum (heavy ball): v' = beta v + g, theta' = theta - rate v'.

    The velocity is in units of the gradient, as in PyTorch; scikit-learn and Keras keep
    ``rate v`` instead, which differs while the rate changes.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 1 over the largest curvature.
    beta
        How much velocity is kept, in [0, 1); default 0.9.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> momentum(0.1).rule
    Momentum(beta=0.9)

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput.
    Math. Math. Phys. 4 (1964).
    """  # noqa: E501 - the formula stays on one line
    rule = RULES.value(Momentum(_fraction("momentum", "beta", beta)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def nesterov(
    learning_rate: float | str = "auto",
    beta: float = 0.9,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return Nesterov's method: v' = beta v + g, theta' = theta - rate (g + beta v').

    The form in which the gradient is taken at the point looked ahead to and that point is what
    theta holds, as in PyTorch and Optax.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 1 over the largest curvature.
    beta
        How much velocity is kept, in [0, 1); default 0.9.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> nesterov(0.1).rule
    Nesterov(beta=0.9)

    References
    ----------
    Y. Nesterov, "A method for solving the convex programming problem with convergence rate
    O(1/k²)", Soviet Math. Dokl. 27 (1983); I. Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013.
    """
    rule = RULES.value(Nesterov(_fraction("nesterov", "beta", beta)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def adagrad(
    learning_rate: float | str = "auto",
    epsilon: float = 1e-10,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return AdaGrad: s' = s + g², theta' = theta - rate g / (sqrt(s') + epsilon).

    Epsilon stands outside the root and s starts at 0, as in PyTorch; TensorFlow starts at 0.1.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 0.01.
    epsilon
        Guards the division, 0 or more; default 1e-10.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> adagrad(0.1).rule
    AdaGrad(epsilon=1e-10)

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12 (2011).
    """
    rule = RULES.value(AdaGrad(_epsilon("adagrad", epsilon)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def rmsprop(
    learning_rate: float | str = "auto",
    decay: float = 0.9,
    epsilon: float = 1e-8,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return RMSProp: s' = decay s + (1 - decay) g², theta' = theta - rate g / (sqrt(s') + epsilon).

    Decay and learning rate are the lecture's; PyTorch's default decay is 0.99.  Epsilon stands
    outside the root, as in PyTorch; TensorFlow has it inside.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 0.001.
    decay
        How much of the mean square is kept, in [0, 1); default 0.9.
    epsilon
        Guards the division, 0 or more; default 1e-8.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> rmsprop(0.01).rule
    RMSProp(decay=0.9, epsilon=1e-08)

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine
    Learning (2012), slide 29.
    """  # noqa: E501 - the formula stays on one line
    rule = RULES.value(RMSProp(_fraction("rmsprop", "decay", decay), _epsilon("rmsprop", epsilon)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def adam(
    learning_rate: float | str = "auto",
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return Adam: theta' = theta - rate m̂ / (sqrt(v̂) + epsilon), defaults the paper's.

    m and v are running means of g and g², m̂ = m/(1 - beta1^t), v̂ = v/(1 - beta2^t).  This is
    Algorithm 1, as in PyTorch and Optax; TensorFlow uses the variant at the end of section 2,
    whose epsilon is not corrected.  A penalty `l2` joins the gradient; for decoupled decay see
    `adamw`.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): the paper's 0.001.
    beta1, beta2
        How much of each mean is kept, in [0, 1); defaults 0.9 and 0.999.
    epsilon
        Guards the division, 0 or more; default 1e-8.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> adam(0.01).rule
    Adam(beta1=0.9, beta2=0.999, epsilon=1e-08)

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1.
    """
    rule = RULES.value(Adam(*_adam_numbers("adam", beta1, beta2, epsilon)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def adamw(
    learning_rate: float | str = "auto",
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return AdamW: Adam, with weights multiplied by 1 - rate weight_decay at each update.

    The decay is scaled by the current rate, as in PyTorch, and applies to weights only; PyTorch
    decays biases too unless told otherwise.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 0.001.
    beta1, beta2
        How much of each mean is kept, in [0, 1); defaults 0.9 and 0.999.
    epsilon
        Guards the division, 0 or more; default 1e-8.
    weight_decay
        The decoupled decay, 0 or more; default 0.01, PyTorch's (the paper tunes it).
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> adamw(0.01).rule.weight_decay
    0.01

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, Algorithm 2.
    """
    decay = number("adamw", "weight_decay", weight_decay, low=0, closed="low")
    rule = RULES.value(AdamW(*_adam_numbers("adamw", beta1, beta2, epsilon), decay))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def nadam(
    learning_rate: float | str = "auto",
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    momentum_decay: float = 0.004,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return NAdam: Adam with Nesterov's look ahead, momentum mu_t = beta1 (1 - 0.96^(t d)/2).

    The warming momentum is the paper's, as in PyTorch and Keras; Optax keeps mu constant.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): the paper's 0.002.
    beta1, beta2
        How much of each mean is kept, in [0, 1); defaults 0.9 and 0.999.
    epsilon
        Guards the division, 0 or more; default 1e-8.
    momentum_decay
        d, 0 or more; default 0.004, the paper's 1/250.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> nadam(0.01).rule.momentum_decay
    0.004

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.
    """
    decay = number("nadam", "momentum_decay", momentum_decay, low=0, closed="low")
    rule = RULES.value(NAdam(*_adam_numbers("nadam", beta1, beta2, epsilon), decay))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def amsgrad(
    learning_rate: float | str = "auto",
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    schedule: Schedule | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Optimizer:
    """Return AMSGrad: Adam whose second average is the largest so far.

    Both averages are corrected for their start at zero, as in PyTorch; the paper corrects
    neither.

    Parameters
    ----------
    learning_rate
        Positive, or ``"auto"`` (default): 0.001.
    beta1, beta2
        How much of each mean is kept, in [0, 1); defaults 0.9 and 0.999.
    epsilon
        Guards the division, 0 or more; default 1e-8.
    schedule, clip_value, clip_norm
        See `Optimizer`; default none.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If a number is outside its range.

    Examples
    --------
    >>> amsgrad(0.01).rule.beta2
    0.999

    References
    ----------
    S. Reddi, S. Kale and S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
    Algorithm 2.
    """
    rule = RULES.value(AMSGrad(*_adam_numbers("amsgrad", beta1, beta2, epsilon)))
    return _optimizer(rule, learning_rate, schedule, clip_value, clip_norm)


def _adam_numbers(
    owner: str, beta1: float, beta2: float, epsilon: float
) -> tuple[float, float, float]:
    return (
        _fraction(owner, "beta1", beta1),
        _fraction(owner, "beta2", beta2),
        _epsilon(owner, epsilon),
    )


def lbfgs(memory: int = 10, **fixed: Any) -> Optimizer:
    """Return L-BFGS: theta' = theta - a H g, with H g from the last `memory` steps alone.

    With s = theta' - theta, y = g' - g and rho = 1/(s·y), each pair makes of an inverse Hessian H
    the next one, (I - rho s yᵀ) H (I - rho y sᵀ) + rho s sᵀ, beginning with (s·y)/(y·y) I; two
    loops over the pairs multiply a gradient by it.  The length a meets the strong Wolfe conditions
    and is recorded as the update's learning rate.  All rows at each update, no kinks; the run ends
    when no step lowers the loss any more.

    Parameters
    ----------
    memory
        Pairs remembered, at least 1; default 10, as in SciPy's driver.
    fixed
        Nothing: a rate, a schedule or clipping is refused in a sentence.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If `memory` is not an int of at least 1, or something else was asked for.

    Examples
    --------
    >>> lbfgs(5).rule
    LBFGS(memory=5)

    References
    ----------
    D. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", Math.
    Program. 45 (1989); J. Nocedal and S. Wright, "Numerical optimization", 2nd ed. (2006),
    algorithms 7.4, 7.5, 3.5 and 3.6.
    """
    _finds_its_own("lbfgs", fixed)
    return Optimizer(RULES.value(LBFGS(whole("lbfgs", "memory", memory))))


def newton(**fixed: Any) -> Optimizer:
    """Return Newton's method: theta' = theta - a H⁻¹ g, with H the Hessian at theta.

    For linear models of at most 2000 parameters under smooth convex losses, all rows at each
    update.  H p = -g is solved by Cholesky's factorisation; where H is not positive definite (a
    column that repeats others, softmax's free constant), a multiple of its diagonal is added.  The
    length a is 1 where that meets the strong Wolfe conditions, else searched for; it is recorded
    as the update's learning rate.

    Parameters
    ----------
    fixed
        Nothing: a rate, a schedule or clipping is refused in a sentence.

    Returns
    -------
    Optimizer

    Raises
    ------
    ParameterError
        If something was asked for.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.newton())
    >>> ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=1).theta.round(9)
    array([2., 1.])

    References
    ----------
    J. Nocedal and S. Wright, "Numerical optimization", 2nd ed. (2006), algorithms 3.2 and 3.3.
    """
    _finds_its_own("newton", fixed)
    return Optimizer(RULES.value(Newton()))


_FIXED = ("learning_rate", "schedule", "clip_value", "clip_norm")


def _finds_its_own(owner: str, fixed: dict[str, Any]) -> None:
    """Refuse what would set the length of a step; ``learning_rate="auto"`` sets nothing."""
    for name, value in fixed.items():
        if name not in _FIXED:
            msg = f"{owner}() got an unexpected keyword argument {name!r}"
            raise TypeError(msg)
        if value is not None and not (name == "learning_rate" and value == "auto"):
            msg = (
                f"The optimizer {owner} takes no {name}: it searches for the length of each step "
                f"itself. Got {value!r}; leave it out, or use one of {', '.join(ELEMENTWISE)}."
            )
            raise ParameterError(msg)


for _make in (
    gradient_descent,
    momentum,
    nesterov,
    adagrad,
    rmsprop,
    adam,
    adamw,
    nadam,
    amsgrad,
    lbfgs,
    newton,
):
    RULES.maker(_make)


# ---------------------------------------------------------------- as plain data


def describe(optimizer: Optimizer) -> dict[str, Any]:
    """Return the optimizer as plain data, for a run file.

    >>> describe(momentum(0.1))["beta"]
    0.9
    """
    record = {**RULES.describe(optimizer.rule), "learning_rate": optimizer.learning_rate}
    if optimizer.schedule is not None:
        record["schedule"] = SCHEDULES.describe(optimizer.schedule)
    for name in ("clip_value", "clip_norm"):
        if getattr(optimizer, name) is not None:
            record[name] = getattr(optimizer, name)
    return record


def restore(record: dict[str, Any]) -> Optimizer:
    """Return the optimizer that `describe` described.

    >>> restore(describe(momentum(0.1))) == momentum(0.1)
    True
    """
    record = dict(record)
    if "schedule" in record:
        record["schedule"] = SCHEDULES.restore(record["schedule"])
    optimizer: Optimizer = RULES.make(**record)
    return optimizer
