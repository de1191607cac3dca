"""Regressions by their own names, each with the objective of scikit-learn's class of that name.

A recipe fixes the loss and says what `alpha` means.  scikit-learn counts strengths in several ways;
here each keeps the meaning it has there, and becomes the l1 and l2 of this library's one objective,

    sum(w l) / m + l1 ‖W‖₁ + l2/2 ‖W‖²

with w the rows' weights, m = sum(w) (the number of rows, where they have no weights), k targets
(their losses are averaged) and e the prediction less the target:

    scikit-learn's        minimises                              l        l1         l2
    LinearRegression      sum(w e²)                              e²
    Ridge                 sum(w e²) + alpha ‖W‖²                 e²                  2 alpha/(m k)
    Lasso                 sum(w e²)/(2 m) + alpha ‖W‖₁           e²/2     alpha/k
    ElasticNet            … + alpha (ρ ‖W‖₁ + (1 - ρ)/2 ‖W‖²)    e²/2     ρ alpha/k  (1 - ρ) alpha/k
    HuberRegressor        sum(w (σ + σ H(e/σ))) + alpha ‖W‖²     huber               alpha σ/(m k)
    QuantileRegressor     sum(w pinball(e))/m + alpha ‖W‖₁       pinball  alpha/k
    PoissonRegressor      sum(w deviance)/(2 m) + alpha/2 ‖W‖²   poisson             alpha/k
    MLPRegressor          sum(w e²)/(2 m k) + alpha/(2 m) ‖W‖²   e²/2                alpha/m

A strength divided by m weakens as rows are added (Ridge, Huber, nets); the others do not.  With
`partial_fit` m is of the rows handed in, so that each call brings the whole strength of alpha.

>>> from descend.estimators import Ridge
>>> model = Ridge(1.0, scale=None).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
>>> model.coef_.round(6), round(float(model.intercept_), 6)
(array([1.333333]), 1.666667)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import d2_tweedie_score
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from descend import losses
from descend.activations import ACTIVATIONS
from descend.estimators import asked
from descend.estimators.base import Descent, Rows
from descend.estimators.regressor import Regression
from descend.models import MLP, Linear
from descend.scaling import measured

if TYPE_CHECKING:
    from descend.losses import Loss
    from descend.penalties import Penalty
    from descend.run import Run

_ALPHA: dict[str, Any] = {"alpha": [Interval(Real, 0, None, closed="left")]}


@dataclass(kw_only=True, eq=False, repr=False)
class Recipe(Regression):
    """A linear regression whose strengths are divided by the number of targets."""

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        found = super()._rows(X, y, weights, first=first, labels=labels)
        if first:
            self._targets = 1 if found.y.ndim == 1 else found.y.shape[1]
        return found

    def _model(self) -> Linear | MLP:
        return Linear(bias=self.fit_intercept)


# ---------------------------------------------------------------- squared errors


@dataclass(kw_only=True, eq=False, repr=False)
class Exact(Recipe):
    """A linear regression that is solved outright, unless it is asked to descend."""

    solver: str = "exact"

    def _loss(self) -> Loss:
        return losses.squared_error()


@dataclass(kw_only=True, eq=False, repr=False)
class LinearRegression(Exact):
    """Least squares: minimises sum(w e²) / sum(w), without a penalty.

    Parameters
    ----------
    solver
        ``"exact"`` (default): QR of the standardised columns, without iterating; or ``"descent"``,
        ``"newton"``, ``"lbfgs"``.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  `scale` changes nothing but the numbers'
        rounding, for there is no penalty.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> from descend.estimators import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> model.coef_.round(6), round(float(model.intercept_), 6)
    (array([2.]), 1.0)

    References
    ----------
    C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae" (1823); by QR:
    G. Golub, "Numerical methods for solving linear least squares problems", Numer. Math. 7 (1965).
    """

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return None


@dataclass(eq=False, repr=False)
class Ridge(Exact):
    """Least squares with weights kept small: minimises sum(w e²) + alpha ‖W‖².

    As in scikit-learn, the errors are summed, so that the same `alpha` weighs less the more rows
    there are.  The objective of the run, a mean, is that divided by m = sum(w) and the number of
    targets k: its penalty is l2(2 alpha / (m k)).

    Parameters
    ----------
    alpha
        0 or more; default 1.  With ``scale="standard"`` W is in the units of standardised columns,
        as in ``make_pipeline(StandardScaler(), Ridge(alpha))``; with ``scale=None`` in the columns'
        own, as in ``Ridge(alpha)``.
    solver
        ``"exact"`` (default): QR of the standardised columns, without iterating; or ``"descent"``,
        ``"newton"``, ``"lbfgs"``.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> from descend.estimators import Ridge
    >>> model = Ridge(alpha=1.0, scale=None).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> model.coef_.round(6)
    array([1.333333])

    References
    ----------
    A. Hoerl and R. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
    Technometrics 12 (1970).
    """

    alpha: float = 1.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | _ALPHA

    def _penalty(self, mass: float) -> Penalty | None:
        return asked.penalty_of(2 * self.alpha / (mass * self._targets), 0.0)


@dataclass(eq=False, repr=False)
class Lasso(Recipe):
    """Least squares with few weights: minimises sum(w e²) / (2 sum(w)) + alpha ‖W‖₁.

    Columns that do not help get weights of exactly 0, by a proximal step after each update.
    `alpha` is scikit-learn's and, as there, does not depend on the number of rows; weights count
    relative to their sum.  The run's penalty is l1(alpha), beside half the squared error; with k
    targets l1(alpha / k), for their errors are averaged.

    Parameters
    ----------
    alpha
        0 or more; default 1, which with standardised columns and targets of large units is little,
        and of small units everything.  With ``scale="standard"`` W is in the units of standardised
        columns, as in ``make_pipeline(StandardScaler(), Lasso(alpha))``; with ``scale=None`` in the
        columns' own, as in ``Lasso(alpha)``.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.  A kink
        is for ``solver="descent"`` alone.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> from descend.estimators import Lasso
    >>> X = [[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]
    >>> Lasso(alpha=0.5, tol=1e-9).fit(X, [-2.3, -1.7, 1.7, 2.3]).coef_.round(6)
    array([1.5, 0. ])

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Stat. Soc. B 58 (1996).
    """

    alpha: float = 1.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | _ALPHA

    def _loss(self) -> Loss:
        return losses.half_squared_error()

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha / self._targets, 1.0)


@dataclass(eq=False, repr=False)
class ElasticNet(Recipe):
    """Lasso and ridge at once, by `l1_ratio`, on half the mean squared error.

    Minimises sum(w e²) / (2 sum(w)) + alpha (l1_ratio ‖W‖₁ + (1 - l1_ratio)/2 ‖W‖²).  `alpha` is
    scikit-learn's and, as there, does not depend on the number of rows; note that ``l1_ratio=0``
    is not `Ridge` at the same alpha, whose errors are summed.  The run's penalty is
    elastic_net(alpha, l1_ratio), with k targets of alpha / k, for their errors are averaged.

    Parameters
    ----------
    alpha
        0 or more; default 1.  With ``scale="standard"`` W is in the units of standardised columns,
        as in ``make_pipeline(StandardScaler(), ElasticNet(alpha))``; with ``scale=None`` in the
        columns' own, as in ``ElasticNet(alpha)``.
    l1_ratio
        In [0, 1]: 0 is the squares alone, 1 the absolute values; default 0.5.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.  Where
        l1_ratio is above 0 there is a kink, which is for ``solver="descent"`` alone.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> from descend.estimators import ElasticNet
    >>> X = [[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]
    >>> model = ElasticNet(alpha=1.0, l1_ratio=0.5, tol=1e-9).fit(X, [-2.3, -1.7, 1.7, 2.3])
    >>> model.coef_.round(6)
    array([1., 0.])

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", J. R. Stat.
    Soc. B 67 (2005).
    """

    alpha: float = 1.0
    l1_ratio: float = field(default=0.5, kw_only=True)

    _parameter_constraints: ClassVar[dict[str, Any]] = (
        Descent._parameter_constraints
        | _ALPHA
        | {"l1_ratio": [Interval(Real, 0, 1, closed="both")]}
    )

    def _loss(self) -> Loss:
        return losses.half_squared_error()

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha / self._targets, self.l1_ratio)


# ---------------------------------------------------------------- other losses


@dataclass(kw_only=True, eq=False, repr=False)
class HuberRegressor(Recipe):
    """Regression that few wild rows do not move: squares near, absolute errors beyond.

    Errors count as e²/2 while abs(e) is at most epsilon σ and grow linearly from there.
    scikit-learn's class estimates σ, the unit in which `epsilon` is counted, together with W:

        sum(w (σ + σ H(e/σ))) + alpha ‖W‖²,  H(z) = z², beyond epsilon 2 epsilon abs(z) - epsilon²

    This one does not: σ is fixed before training, by `sigma`.  Given scikit-learn's σ (its
    ``scale_``), the coefficients are scikit-learn's.  The run meets the targets less their median
    and in units of σ; there that objective, without σ's own term and divided by 2 m σ with
    m = sum(w), is huber(epsilon) + l2(alpha σ / m), and with k targets, whose losses are averaged,
    l2(alpha σ / (m k)).  So the same `alpha` weighs less the more rows there are.

    Parameters
    ----------
    epsilon
        1 or more, in units of σ: below it errors count by their squares; default 1.35, which
        loses 5% of efficiency where errors are normal and σ is their deviation.
    sigma
        ``"mad"`` (default): 1.4826 times the (weighted) median distance of the targets from their
        median.  That is the spread of y and not of the errors, so it is robust but on the large
        side where the columns explain much of y.  Or a positive number, in the units of y: what
        is known of the errors' spread; with ``sigma=1`` epsilon itself is in the units of y.
    alpha
        0 or more; default 0.0001.  W is in the units of standardised columns with
        ``scale="standard"``, and in the columns' own with ``scale=None``.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    scale_
        The σ that was used.
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`; losses are in units of σ².

    Examples
    --------
    >>> from descend.estimators import HuberRegressor
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> y = [1.0, 3.0, 5.0, 7.0, 9.0, 1000.0]
    >>> HuberRegressor(sigma=0.01, tol=1e-9).fit(X, y).predict([[10.0]]).round(1)
    array([21.])

    References
    ----------
    P. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35 (1964); P. Huber and
    E. Ronchetti, "Robust statistics", 2nd ed. (2009), section 7.7 on estimating σ as well.
    """

    epsilon: float = 1.35
    sigma: Any = "mad"
    alpha: float = 1e-4

    _parameter_constraints: ClassVar[dict[str, Any]] = (
        Descent._parameter_constraints
        | _ALPHA
        | {
            "epsilon": [Interval(Real, 1, None, closed="left")],
            "sigma": [StrOptions({"mad"}), Interval(Real, 0, None, closed="neither")],
        }
    )

    def _measured(self, y: Any, weights: Any) -> tuple[Any, Any] | None:
        columns, w = _weighed(y, weights)
        middles = np.array([_median(column, w) for column in columns.T]) * self.fit_intercept
        mad = isinstance(self.sigma, str)
        self._sigma = spread(y, weights) if mad else float(self.sigma)
        return middles.reshape(y.shape[1:]).astype(y.dtype)[()], y.dtype.type(self._sigma)

    def _loss(self) -> Loss:
        return losses.huber(self.epsilon)

    def _penalty(self, mass: float) -> Penalty | None:
        return asked.penalty_of(self.alpha * self._sigma / (mass * self._targets), 0.0)

    def _fitted(self, run: Run) -> dict[str, Any]:
        return super()._fitted(run) | {"scale_": self._sigma}


def _standard(y: Any, weights: Any, *, centre: bool) -> tuple[Any, Any]:
    """Return the mean and deviation of each target, in the shape of a row of y.

    Without biases nothing could undo a shift: then 0 and the root mean square.
    """
    mean, deviation = (
        part.astype(y.dtype) for part in measured(y.reshape(len(y), -1), weights, centre=centre)[:2]
    )
    return (mean, deviation) if y.ndim > 1 else (mean[0], deviation[0])


def spread(y: Any, weights: Any = None) -> float:
    """Return 1.4826 times the median distance from the median: a deviation few rows can move.

    Where more than half the targets are alike that is 0, and 1.2533 times the mean distance stands
    for it; where all are, 1.  Both factors make it the deviation of normal targets.  Of several
    targets, (n, k), the distances are pooled.

    >>> round(spread(np.array([1.0, 2.0, 3.0, 4.0, 1000.0])), 4)
    1.4826
    >>> spread(np.array([5.0, 5.0]))
    1.0
    """
    columns, w = _weighed(y, weights)
    distances = np.abs(columns - [_median(column, w) for column in columns.T])
    w = np.repeat(w, columns.shape[1])
    found = 1.4826 * _median(distances.ravel(), w)
    if found == 0:
        found = 1.2533 * float(np.average(distances.ravel(), weights=w))
    return found or 1.0


def _weighed(y: Any, weights: Any) -> tuple[Any, Any]:
    """Return targets (n, k) and weights (n,), in double precision."""
    columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    return columns, np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)


def _median(values: Any, w: Any) -> float:
    """Return the median of values of which each is there w times."""
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(w[order])
    half = below[-1] / 2
    # Half the mass may end exactly between two values: then it is their middle.
    low = values[np.searchsorted(below, half, side="left")]
    high = values[min(np.searchsorted(below, half, side="right"), len(values) - 1)]
    return float(low + (high - low) / 2)


@dataclass(kw_only=True, eq=False, repr=False)
class QuantileRegressor(Recipe):
    """Regression on a quantile: minimises sum(w pinball(e)) / sum(w) + alpha ‖W‖₁.

    pinball(e) is quantile (-e) where the prediction is too small and (1 - quantile) e where it is
    too large.  `alpha` is scikit-learn's and, as there, does not depend on the number of rows;
    weights count relative to their sum.  The run meets standardised targets, under which alpha is
    the same number: its penalty is l1(alpha), with k targets l1(alpha / k), for their losses are
    averaged.  The loss has a kink at every row, so descent comes near the least that scikit-learn's
    linear programme finds, but seldom to all its digits, and it has no gradient that vanishes: it
    ends with its epochs.

    Parameters
    ----------
    quantile
        In (0, 1); default 0.5, the median.
    alpha
        0 or more; default 1 as in scikit-learn, which is much where targets have small units.  With
        ``scale="standard"`` W is in the units of standardised columns, as in
        ``make_pipeline(StandardScaler(), QuantileRegressor(alpha=alpha))``; with ``scale=None`` in
        the columns' own.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.  A kink
        is for ``solver="descent"`` alone.

    Attributes
    ----------
    coef_, intercept_
        In the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`; losses are in units of the targets' deviation.

    Examples
    --------
    >>> from descend.estimators import QuantileRegressor
    >>> X = [[0.0], [1.0], [2.0], [3.0]] * 3
    >>> y = [0.0, 1.0, 2.0, 3.0] + [1.0, 2.0, 3.0, 4.0] + [9.0, 10.0, 11.0, 12.0]
    >>> model = QuantileRegressor(quantile=0.5, alpha=0.0, tol=None).fit(X, y)
    >>> bool(abs(model.predict([[1.0]])[0] - 2.0) < 0.1)
    True

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978).
    """

    quantile: float = 0.5
    alpha: float = 1.0

    _parameter_constraints: ClassVar[dict[str, Any]] = (
        Descent._parameter_constraints
        | _ALPHA
        | {"quantile": [Interval(Real, 0, 1, closed="neither")]}
    )

    def _measured(self, y: Any, weights: Any) -> tuple[Any, Any] | None:
        return _standard(y, weights, centre=self.fit_intercept)

    def _loss(self) -> Loss:
        return losses.quantile(self.quantile)

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha / self._targets, 1.0)


@dataclass(kw_only=True, eq=False, repr=False)
class PoissonRegressor(Recipe):
    """Counts, by their logarithm: minimises sum(w (e^s - y s)) / sum(w) + alpha/2 ‖W‖².

    s = X W + b, and the expected count is e^s.  The mean is half the Poisson deviance of
    scikit-learn's class, less a constant of y.  `alpha` is scikit-learn's and, as there, does not
    depend on the number of rows; weights count relative to their sum.  The run's penalty is
    l2(alpha), with k targets l2(alpha / k), for their losses are averaged.

    Parameters
    ----------
    alpha
        0 or more; default 1, as in scikit-learn.  With ``scale="standard"`` W is in the units of
        standardised columns, as in
        ``make_pipeline(StandardScaler(), PoissonRegressor(alpha=alpha))``; with ``scale=None`` in
        the columns' own.
    solver
        As for `DescentRegressor`; default ``"lbfgs"``, as in scikit-learn: an exponential has no
        largest curvature for a step to be taken from.
    fit_intercept, scale, tol, max_iter, …
        What all estimators have; see `DescentRegressor`.  The intercept is not penalised.

    Attributes
    ----------
    coef_, intercept_
        Of s, in the columns' own units: (d,) and a number, or (k, d) and (k,) where y is (n, k).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> from descend.estimators import PoissonRegressor
    >>> model = PoissonRegressor(alpha=0.0, solver="newton").fit([[0.0], [1.0], [2.0]], [1, 2, 4])
    >>> model.predict([[3.0]]).round(3)
    array([8.])

    References
    ----------
    J. Nelder and R. Wedderburn, "Generalized linear models", J. R. Stat. Soc. A 135 (1972).
    """

    alpha: float = 1.0
    solver: str = "lbfgs"

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | _ALPHA

    def _loss(self) -> Loss:
        return losses.poisson()

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha / self._targets, 0.0)

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        if y.ndim > 1 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return super()._rows(X, y, weights, first=first, labels=labels)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return D², the share of the Poisson deviance explained, as scikit-learn's class does.

        Parameters
        ----------
        X, y, sample_weight
            Rows with their counts, and their weights.
        """
        return float(d2_tweedie_score(y, self.predict(X), sample_weight=sample_weight, power=1))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that targets are counts: its tests of several targets have none."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.target_tags.positive_only = True
        return tags


# ---------------------------------------------------------------- nets


@dataclass(eq=False, repr=False)
class MLPRegressor(Recipe):
    """A net on half the mean squared error, plus alpha / (2 sum(w)) ‖W‖².

    scikit-learn's class divides `alpha` by the rows of a batch: by all of them with its lbfgs, by
    200 in its usual batches, which then shrink weights more.  Here it is always divided by
    m = sum(w) of all rows, whatever the batches: the run's penalty is l2(alpha / m).  Targets are
    standardised inside (each by its weighted mean and deviation), and the penalty is of the net
    that meets those, as in
    ``TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler())``; predictions are in
    the targets' own units.

    Parameters
    ----------
    hidden_layers
        Units of each hidden layer, at least 1, or one number; () is the linear model; default
        (100,).  scikit-learn's `hidden_layer_sizes`.
    activation
        A name (``"relu"``, ``"tanh"``, ``"sigmoid"``, ``"identity"``, ``"gelu"`` …) or an
        activation of this library; default ``"relu"``.
    alpha
        0 or more; default 2, where scikit-learn has 0.0001.  Biases are not penalised.
    fit_intercept, scale, solver, optimizer, learning_rate, batch_size, max_iter, tol, …
        What all estimators have; see `DescentRegressor`, which also has other losses.

    Attributes
    ----------
    coefs_, intercepts_
        Of each layer (inputs, units) and (units,), the first in the columns' own units and the
        last in the targets'; without hidden layers `coef_` and `intercept_`.
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from descend.estimators import MLPRegressor
    >>> X = np.linspace(-2, 2, 60)[:, None]
    >>> model = MLPRegressor((20,), "tanh", alpha=0.01, solver="lbfgs", random_state=0).fit(
    ...     X, X[:, 0] ** 2
    ... )
    >>> bool(model.score(X, X[:, 0] ** 2) > 0.99)
    True

    References
    ----------
    D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating errors",
    Nature 323 (1986).
    """

    hidden_layers: Any = (100,)
    activation: Any = "relu"
    alpha: float = 2.0

    _parameter_constraints: ClassVar[dict[str, Any]] = (
        Descent._parameter_constraints
        | _ALPHA
        | {
            "hidden_layers": ["array-like", Interval(Real, 1, None, closed="left")],
            "activation": [StrOptions(set(ACTIVATIONS)), HasMethods("_asdict")],
        }
    )

    def _loss(self) -> Loss:
        return losses.half_squared_error()

    def _model(self) -> Linear | MLP:
        return asked.model_of(self.hidden_layers, self.activation, bias=self.fit_intercept)

    def _penalty(self, mass: float) -> Penalty | None:
        return asked.penalty_of(self.alpha / mass, 0.0)
