"""Activations: what a layer does to its sums, each with its derivative beside it.

Conventions: ``z`` is what a layer summed, ``a`` what it passes on.  Elementwise activations
state ``value(activation, z)`` and ``slope(activation, z, a)``, the derivative of a by z, which
may use either.  Going backward, the gradient by z is the gradient by a times the slope.
`Softmax` works along rows instead and states its vector-Jacobian product.
No formula overflows: exponentials are only taken of numbers that are not positive.

    >>> tanh()(np.array([0.0, 1.0]))
    array([0.        , 0.76159416])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from descend.parts import Family, Namespace, formulas_of, number


class Activation(Protocol):
    """An activation: a named value with formulas, callable on an array."""

    name: ClassVar[str]
    rowwise: ClassVar[bool]

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Return this activation's functions for the namespace `xp`."""

    def _asdict(self) -> dict[str, Any]: ...

    def __call__(self, z: Any) -> Any:
        """Return the activation of every entry (or, for softmax, of every row) of `z`."""


class Elementwise(NamedTuple):
    """The two formulas of an elementwise activation."""

    value: Callable[..., Any]
    slope: Callable[..., Any]


class Rowwise(NamedTuple):
    """The two formulas of an activation that works along rows."""

    value: Callable[..., Any]
    vjp: Callable[..., Any]


def value(activation: Activation, z: Any, xp: Namespace = np) -> Any:
    """Return the activation of `z`, in the namespace `xp`."""
    return formulas_of(type(activation), xp).value(activation, z)


def backward(activation: Activation, z: Any, a: Any, gradient: Any, xp: Namespace = np) -> Any:
    """Return the gradient by `z`, given the gradient by ``a = value(activation, z)``."""
    formulas = formulas_of(type(activation), xp)
    if activation.rowwise:
        return formulas.vjp(activation, a, gradient)
    return gradient * formulas.slope(activation, z, a)


def _call(self: Activation, z: Any) -> Any:
    return value(self, np.asarray(z, dtype=float) if np.ndim(z) == 0 else np.asarray(z))


ACTIVATIONS: Family[Activation] = Family("activation", call=_call)


@ACTIVATIONS.add(
    "identity",
    rowwise=False,
)
class Identity(NamedTuple):
    """a = z, slope 1."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """a = z."""
        del xp
        return Elementwise(value=lambda activation, z: z, slope=lambda activation, z, a: z * 0 + 1)


@ACTIVATIONS.add(
    "sigmoid",
    rowwise=False,
)
class Sigmoid(NamedTuple):
    """a = 1 / (1 + e^-z), slope a (1 - a)."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """For z < 0 the fraction is widened by e^z, so that only e^-|z| is ever taken."""
        exp, where = xp.exp, xp.where

        def value(activation, z):
            e = exp(where(z >= 0, -z, z))
            return where(z >= 0, 1 / (1 + e), e / (1 + e))

        def slope(activation, z, a):
            return a * (1 - a)

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "tanh",
    rowwise=False,
)
class Tanh(NamedTuple):
    """a = tanh z, slope 1 - a²."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """a = tanh z."""
        tanh = xp.tanh

        def value(activation, z):
            return tanh(z)

        def slope(activation, z, a):
            return 1 - a * a

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "relu",
    rowwise=False,
)
class Relu(NamedTuple):
    """a = max(z, 0), slope 1 above 0 and 0 elsewhere, at 0 too."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """At the kink the slope is 0, as PyTorch and JAX have it."""
        where = xp.where

        # The other branch is z * 0 and not 0, so that NaN stays visible and dtypes stay.
        def value(activation, z):
            return where(z > 0, z, z * 0)

        def slope(activation, z, a):
            return where(z > 0, z * 0 + 1, z * 0)

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "leaky_relu",
    rowwise=False,
)
class LeakyRelu(NamedTuple):
    """a = z above 0 and alpha z below."""

    alpha: float

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """The slope is 1 above 0 and alpha elsewhere."""
        where = xp.where

        def value(activation, z):
            return where(z > 0, z, activation.alpha * z)

        def slope(activation, z, a):
            return where(z > 0, z * 0 + 1, z * 0 + activation.alpha)

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "elu",
    rowwise=False,
)
class Elu(NamedTuple):
    """a = z above 0 and alpha (e^z - 1) below, where the slope is a + alpha."""

    alpha: float

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """d/dz alpha (e^z - 1) = alpha e^z = a + alpha."""
        expm1, where = xp.expm1, xp.where

        def value(activation, z):
            return where(z > 0, z, activation.alpha * expm1(where(z > 0, z * 0, z)))

        def slope(activation, z, a):
            return where(z > 0, z * 0 + 1, a + activation.alpha)

        return Elementwise(value, slope)


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBE = 0.044715
_GELU_FAR = 100.0


@ACTIVATIONS.add(
    "gelu",
    rowwise=False,
)
class Gelu(NamedTuple):
    """a = z/2 (1 + tanh u) with u = sqrt(2/pi) (z + 0.044715 z³)."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """With t = tanh u: the slope is (1 + t)/2 + z/2 (1 - t²) du/dz."""
        tanh, where = xp.tanh, xp.where

        def value(activation, z):
            return 0.5 * z * (1 + tanh(_GELU_SCALE * (z + _GELU_CUBE * z * z * z)))

        def slope(activation, z, a):
            t = tanh(_GELU_SCALE * (z + _GELU_CUBE * z * z * z))
            # Far out 1 - t² is 0 and z² may be infinite; there the last term is left out.
            near = where(abs(z) < _GELU_FAR, z, z * 0)
            du = _GELU_SCALE * (1 + 3 * _GELU_CUBE * near * near)
            return 0.5 * (1 + t) + 0.5 * near * (1 - t * t) * du

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "silu",
    rowwise=False,
)
class Silu(NamedTuple):
    """a = z s with s = 1 / (1 + e^-z), slope s (1 + z (1 - s))."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """The sigmoid s is taken by its stable form."""
        exp, where = xp.exp, xp.where

        def value(activation, z):
            e = exp(where(z >= 0, -z, z))
            return z * where(z >= 0, 1 / (1 + e), e / (1 + e))

        def slope(activation, z, a):
            e = exp(where(z >= 0, -z, z))
            s = where(z >= 0, 1 / (1 + e), e / (1 + e))
            return s * (1 + z * (1 - s))

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "softplus",
    rowwise=False,
)
class Softplus(NamedTuple):
    """a = log(1 + e^z), slope 1 / (1 + e^-z)."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)."""
        exp, log1p, where = xp.exp, xp.log1p, xp.where

        def value(activation, z):
            return where(z >= 0, z, z * 0) + log1p(exp(where(z >= 0, -z, z)))

        def slope(activation, z, a):
            e = exp(where(z >= 0, -z, z))
            return where(z >= 0, 1 / (1 + e), e / (1 + e))

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "cos",
    rowwise=False,
)
class Cos(NamedTuple):
    """a = cos z, slope -sin z."""

    @staticmethod
    def formulas(xp: Namespace) -> Elementwise:
        """a = cos z."""
        cos, sin = xp.cos, xp.sin

        def value(activation, z):
            return cos(z)

        def slope(activation, z, a):
            return -sin(z)

        return Elementwise(value, slope)


@ACTIVATIONS.add(
    "softmax",
    rowwise=True,
)
class Softmax(NamedTuple):
    """a_j = e^z_j / sum_i e^z_i along each row; the vector-Jacobian product is a (g - a·g)."""

    @staticmethod
    def formulas(xp: Namespace) -> Rowwise:
        """The row's largest entry is taken off first: it cancels, and nothing overflows."""

        def value(activation, z):
            e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
            return e / xp.sum(e, axis=-1, keepdims=True)

        def vjp(activation, a, gradient):
            # da_j/dz_i = a_j ((i = j) - a_i), so sum_j g_j da_j/dz_i = a_i (g_i - sum_j a_j g_j)
            return a * (gradient - xp.sum(a * gradient, axis=-1, keepdims=True))

        return Rowwise(value, vjp)


@ACTIVATIONS.maker
def identity() -> Activation:
    """Return the identity: a = z.

    Returns
    -------
    Identity

    Examples
    --------
    >>> identity()(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """
    return ACTIVATIONS.value(Identity())


@ACTIVATIONS.maker
def sigmoid() -> Activation:
    """Return the logistic sigmoid: a = 1 / (1 + e^-z), between 0 and 1.

    Returns
    -------
    Sigmoid

    Examples
    --------
    >>> sigmoid()(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    return ACTIVATIONS.value(Sigmoid())


@ACTIVATIONS.maker
def tanh() -> Activation:
    """Return the hyperbolic tangent: a = (e^z - e^-z) / (e^z + e^-z), between -1 and 1.

    Returns
    -------
    Tanh

    Examples
    --------
    >>> tanh()(np.array([0.0, 1e4]))
    array([0., 1.])
    """
    return ACTIVATIONS.value(Tanh())


@ACTIVATIONS.maker
def relu() -> Activation:
    """Return the rectified linear unit: a = max(z, 0), with slope 0 at the kink.

    Returns
    -------
    Relu

    Examples
    --------
    >>> relu()(np.array([0.5, 2.0]))
    array([0.5, 2. ])

    References
    ----------
    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines",
    ICML 2010.
    """
    return ACTIVATIONS.value(Relu())


@ACTIVATIONS.maker
def leaky_relu(alpha: float = 0.01) -> Activation:
    """Return the leaky rectifier: a = z above 0 and alpha z below.

    Parameters
    ----------
    alpha
        Slope below 0, in [0, 1); the default 0.01 is the paper's.

    Returns
    -------
    LeakyRelu

    Examples
    --------
    >>> leaky_relu()(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013.
    """
    return ACTIVATIONS.value(
        LeakyRelu(number("leaky_relu", "alpha", alpha, low=0, high=1, closed="low"))
    )


@ACTIVATIONS.maker
def elu(alpha: float = 1.0) -> Activation:
    """Return the exponential linear unit: a = z above 0 and alpha (e^z - 1) below.

    Parameters
    ----------
    alpha
        Minus the value far below 0, positive; the default 1 is the paper's.

    Returns
    -------
    Elu

    Examples
    --------
    >>> elu()(np.array([-1e4, 2.0]))
    array([-1.,  2.])

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning
    by exponential linear units (ELUs)", ICLR 2016, equation 15.
    """
    return ACTIVATIONS.value(Elu(number("elu", "alpha", alpha, low=0)))


@ACTIVATIONS.maker
def gelu() -> Activation:
    """Return the Gaussian error linear unit in its tanh form.

    a = z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z³))).  Other libraries default to the form with
    the error function, which differs by at most 5e-4.

    Returns
    -------
    Gelu

    Examples
    --------
    >>> gelu()(np.array([0.0, 1.0]))
    array([0.        , 0.84119199])

    References
    ----------
    D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415,
    section 2.
    """
    return ACTIVATIONS.value(Gelu())


@ACTIVATIONS.maker
def silu() -> Activation:
    """Return the sigmoid-weighted linear unit (swish): a = z / (1 + e^-z).

    Returns
    -------
    Silu

    Examples
    --------
    >>> silu()(np.array([0.0, 1e4]))
    array([    0., 10000.])

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", Neural Networks 107 (2018), equation 5.
    """
    return ACTIVATIONS.value(Silu())


@ACTIVATIONS.maker
def softplus() -> Activation:
    """Return softplus, a smooth rectifier: a = log(1 + e^z).

    Returns
    -------
    Softplus

    Examples
    --------
    >>> softplus()(np.array([-1e4, 0.0, 1e4]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+04])

    References
    ----------
    C. Dugas et al., "Incorporating second-order functional knowledge for better option
    pricing", NIPS 2000.
    """
    return ACTIVATIONS.value(Softplus())


@ACTIVATIONS.maker
def cos() -> Activation:
    """Return the cosine: a = cos z.

    Returns
    -------
    Cos

    Examples
    --------
    >>> cos()(np.array([0.0]))
    array([1.])
    """
    return ACTIVATIONS.value(Cos())


@ACTIVATIONS.maker
def softmax() -> Activation:
    """Return softmax along rows: a_j = e^z_j / sum_i e^z_i; each row sums to 1.

    As a part of a network this is an activation between layers.  To classify, use the loss
    `descend.losses.softmax`, which takes raw scores.

    Returns
    -------
    Softmax

    Examples
    --------
    >>> softmax()(np.array([[0.0, 0.0], [1e4, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    Neurocomputing, NATO ASI Series 68 (1990).
    """
    return ACTIVATIONS.value(Softmax())
