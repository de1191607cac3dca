"""Penalties: what the objective adds to the loss to keep weights small.

Conventions: ``w`` are the weights; biases are left alone unless ``biases=True``.  `l2(a)` is
a/2 ‖w‖², by its gradient a w.  `l1(a)` is a ‖w‖₁, by a proximal step after each update, which
makes exact zeros; the slope at a kink would only make small numbers.  The strength is not
divided by the number of rows, whatever the reduction.

    >>> penalty = elastic_net(0.5, l1_ratio=0.2)
    >>> penalty.l1, penalty.l2
    (0.1, 0.4)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from descend.parts import Family, Namespace, helper, number

if TYPE_CHECKING:
    from descend.arrays import Floats, Layout

PENALTIES: Family[Penalty] = Family("penalty")


class Penalty(Protocol):
    """A penalty: how strongly it pulls, by absolute value and by square."""

    name: ClassVar[str]

    @property
    def biases(self) -> bool:
        """Whether biases are penalised too."""

    @property
    def l1(self) -> float:
        """The factor of ‖w‖₁."""

    @property
    def l2(self) -> float:
        """The factor of ‖w‖²/2."""

    def _asdict(self) -> dict[str, Any]: ...


@PENALTIES.add(
    "l2",
)
class L2(NamedTuple):
    """strength/2 ‖w‖²."""

    strength: float
    biases: bool

    @property
    def l1(self) -> float:
        """The factor of ‖w‖₁."""
        return 0.0

    @property
    def l2(self) -> float:
        """The factor of ‖w‖²/2."""
        return self.strength


@PENALTIES.add(
    "l1",
)
class L1(NamedTuple):
    """strength ‖w‖₁."""

    strength: float
    biases: bool

    @property
    def l1(self) -> float:
        """The factor of ‖w‖₁."""
        return self.strength

    @property
    def l2(self) -> float:
        """The factor of ‖w‖²/2."""
        return 0.0


@PENALTIES.add(
    "elastic_net",
)
class ElasticNet(NamedTuple):
    """strength (l1_ratio ‖w‖₁ + (1 - l1_ratio)/2 ‖w‖²)."""

    strength: float
    l1_ratio: float
    biases: bool

    @property
    def l1(self) -> float:
        """The factor of ‖w‖₁."""
        return self.strength * self.l1_ratio

    @property
    def l2(self) -> float:
        """The factor of ‖w‖²/2."""
        return self.strength * (1.0 - self.l1_ratio)


def reach(penalty: Penalty | None, layout: Layout) -> Floats:
    """Return a vector (P,) that is 1 where the penalty applies and 0 elsewhere."""
    if penalty is None:
        return np.zeros(layout.size)
    return layout.trained() if penalty.biases else layout.weights()


def value(l1: Any, l2: Any, theta: Any) -> float:
    """Return the penalty, for strengths (P,) that are 0 where it does not apply."""
    wide = np.asarray(theta, dtype=np.float64)
    return float((l1 * np.abs(wide)).sum() + 0.5 * (l2 * wide * wide).sum())


def soft_threshold(xp: Namespace) -> Any:
    """Return the proximal map of t|z|: sign(z) max(|z| - t, 0), written for `xp`.

    It minimises t|w| + (w - z)²/2 over w: entries within t of 0 become exactly 0.
    """
    where = xp.where

    def soft(z: Any, t: Any) -> Any:
        # Where t is 0 this returns z itself.  z * 0 + 0 is 0 without a sign, and NaN for NaN.
        return where(z > t, z - t, where(z < -t, z + t, z * 0 + 0))

    return helper(xp, soft)


@PENALTIES.maker
def l2(strength: float = 1.0, *, biases: bool = False) -> Penalty:
    """Return the ridge penalty: strength/2 ‖w‖², by its gradient strength w.

    Parameters
    ----------
    strength
        0 or more; default 1.  It is added to the reduced loss as it is.
    biases
        Whether biases are penalised too; default no.

    Returns
    -------
    L2

    Raises
    ------
    ParameterError
        If the strength is negative.

    Examples
    --------
    >>> l2(0.1)
    L2(strength=0.1, biases=False)

    References
    ----------
    A. Hoerl and R. Kennard, "Ridge regression", Technometrics 12 (1970).
    """
    return PENALTIES.value(
        L2(number("l2", "strength", strength, low=0, closed="low"), bool(biases))
    )


@PENALTIES.maker
def l1(strength: float = 1.0, *, biases: bool = False) -> Penalty:
    """Return the lasso penalty: strength ‖w‖₁, by a proximal step that makes exact zeros.

    Parameters
    ----------
    strength
        0 or more; default 1.  It is added to the reduced loss as it is.
    biases
        Whether biases are penalised too; default no.

    Returns
    -------
    L1

    Raises
    ------
    ParameterError
        If the strength is negative.

    Examples
    --------
    >>> l1(0.1)
    L1(strength=0.1, biases=False)

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Statist. Soc. B 58
    (1996); N. Parikh and S. Boyd, "Proximal algorithms" (2014), section 6.5.2.
    """
    return PENALTIES.value(
        L1(number("l1", "strength", strength, low=0, closed="low"), bool(biases))
    )


@PENALTIES.maker
def elastic_net(strength: float = 1.0, l1_ratio: float = 0.5, *, biases: bool = False) -> Penalty:
    """Return strength (l1_ratio ‖w‖₁ + (1 - l1_ratio)/2 ‖w‖²): some of each.

    Parameters
    ----------
    strength
        0 or more; default 1.
    l1_ratio
        The share of the absolute value, in [0, 1]; default 0.5, as in scikit-learn.
    biases
        Whether biases are penalised too; default no.

    Returns
    -------
    ElasticNet

    Raises
    ------
    ParameterError
        If the strength is negative or the ratio outside [0, 1].

    Examples
    --------
    >>> elastic_net(0.1)
    ElasticNet(strength=0.1, l1_ratio=0.5, biases=False)

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", J. R.
    Statist. Soc. B 67 (2005).
    """
    return PENALTIES.value(
        ElasticNet(
            number("elastic_net", "strength", strength, low=0, closed="low"),
            number("elastic_net", "l1_ratio", l1_ratio, low=0, high=1, closed="both"),
            bool(biases),
        )
    )
