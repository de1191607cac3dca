"""Regression: numbers from numbers."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from descend import losses
from descend.activations import ACTIVATIONS
from descend.estimators import asked
from descend.estimators.base import Descent, Rows, goes_by_batches
from descend.estimators.shown import parameters
from descend.scaling import measured

if TYPE_CHECKING:
    from descend.losses import Loss
    from descend.models import MLP, Linear
    from descend.penalties import Penalty
    from descend.run import Run

# Losses under which targets may be standardised: another unit is the same problem.
UNITLESS = {"squared_error", "half_squared_error", "absolute_error", "quantile"}


@dataclass(kw_only=True, eq=False, repr=False)
class Regression(MultiOutputMixin, RegressorMixin, Descent):
    """What all regressions share."""

    targets: ClassVar[tuple[str, ...]] = ("numbers", "counts")

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        del labels
        y = np.asarray(y, dtype=X.dtype)
        if self._counts() and y.shape[1:] == (1,):
            y = column_or_1d(y, warn=True)
        if first:
            self._column = y.ndim == 2  # noqa: PLR2004 - predictions come in the shape of y
            self._units = self._measured(y, weights)
        if self._units is not None:
            y = (y - self._units[0]) / self._units[1]
        return Rows(X, y, weights)

    @available_if(goes_by_batches)
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go once through some rows, from where the last call left off.

        The first call learns the columns' scale and the learning rate, so let it have enough rows
        of every kind; later ones carry on the whole state, the optimizer's memory included.  Calls
        on the same rows are `fit`, an epoch at a time, to the last bit.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        """
        return self._one_more_epoch(X, y, sample_weight)

    def _measured(self, y: Any, weights: Any) -> tuple[Any, Any] | None:
        """Return the mean and deviation of the targets, where they are to be standardised."""
        loss = self._loss()
        needs = self.has_hidden_layers or not loss.smooth  # a step of their own
        if not needs or loss.name not in UNITLESS:
            return None
        # Without biases nothing could undo a shift.
        found = measured(y.reshape(len(y), -1), weights, centre=self.fit_intercept)
        mean, deviation = (part.astype(y.dtype) for part in found[:2])
        return (mean, deviation) if y.ndim == 2 else (mean[0], deviation[0])  # noqa: PLR2004

    def _counts(self) -> bool:
        return bool(self._loss().targets == "counts")

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what these estimators can do."""
        tags = super().__sklearn_tags__()
        counts = asked.quietly(self._counts)
        tags.target_tags.positive_only = bool(counts)
        # Several targets are taken, but not negative ones, with which scikit-learn checks them.
        tags.target_tags.multi_output = not counts
        return tags

    def _fitted(self, run: Run) -> dict[str, Any]:
        return self._common(run) | parameters(run, several=self._column, units=self._units)

    def predict(self, X: Any) -> Any:
        """Return what is predicted for rows.

        Parameters
        ----------
        X
            (n, d), with the columns of the training rows.

        Returns
        -------
        array
            (n,), or (n, k) for several targets.
        """
        scores = self._scores(X)
        found = losses.predicted(self.run_.task.loss, scores)
        if self._units is not None:
            found = found * self._units[1] + self._units[0]
        return found if self._column else found[:, 0]


@dataclass(eq=False, repr=False)
class DescentRegressor(Regression):
    """Regression by gradient descent: linear, or a net with `hidden_layers`, under any loss.

    Minimises sum(w l(s, y)) / sum(w) + alpha (l1_ratio ‖W‖₁ + (1 - l1_ratio)/2 ‖W‖²) with w the
    rows' weights and s the scores: s = X W + b, or with hidden layers those of the net.

    A row of weight k counts as the row k times over and one of weight 0 as absent, exactly: in the
    columns' scale, the automatic step, the loss and the penalty.  Two things draw rows at random
    and know a row from its copies: batches smaller than all rows, and early stopping that has to
    draw its validation rows; there it is so on average only.

    Parameters
    ----------
    hidden_layers
        Units of each hidden layer, at least 1, as in ``(100,)`` or ``(50, 20)``; default (): the
        linear model.
    activation
        Of hidden layers: a name (``"relu"``, ``"tanh"``, ``"sigmoid"``, ``"gelu"`` …) or an
        activation of this library; default ``"relu"``.
    loss
        A name (``"squared_error"``, ``"absolute_error"``, ``"huber:1.5"``, ``"quantile:0.9"``,
        ``"log_cosh"``, ``"poisson"`` …), a loss of this library, or one of your own; default
        ``"squared_error"``.  Nets meet standardised targets where another unit is the same problem
        (squared and absolute errors, quantiles), and predict in the targets' own.
    alpha
        The strength of the penalty, 0 or more; default 0.001.
        It stands beside the mean loss, and so does not depend on the number of rows.  What it is
        in scikit-learn's other classes differs; the recipes (`Ridge`, `Lasso` …) convert it.
    l1_ratio
        In [0, 1]: how much of it is ‖W‖₁, by a proximal step that makes exact zeros; default 0.
    fit_intercept
        Whether there are biases, never penalised; default yes.
    scale
        ``"standard"`` (default): the model meets each column as (x - mean) / deviation, by the
        rows' weighted mean and deviation (without biases as x / (root mean square), not centred);
        or None: as it is.  The penalty is in the units that the model meets, so that
        ``"standard"`` is a `StandardScaler` in front; `coef_` and `intercept_` are in the columns'
        own.
    solver
        ``"descent"`` (default): by `optimizer`; ``"lbfgs"``; ``"newton"``: linear models under
        smooth convex losses; ``"exact"``: least squares outright by QR, linear models under
        squared errors with no or a squared penalty.  Only descent takes batches and kinks.
    optimizer
        ``"auto"`` (default): Nesterov's method, momentum 0.98, for linear models (under losses
        with a kink with a step that falls to 0 over `max_iter` epochs, so that there k and then
        n - k of them are not n), Adam for nets; or a name as in
        ``"momentum:0.95"``, or an `Optimizer`.  Of ``solver="descent"``.
    learning_rate
        Positive, or ``"auto"`` (default): for linear models 1 over the largest curvature, which is
        stable whatever the columns' units; for nets Adam's, 0.01 / (1 + t / 100) at update t;
        for a named optimizer its own.
    batch_size
        Rows to an update, at least 1, or ``"auto"`` (default): all of them for linear models and
        up to 2048 rows; above that nets see 200 at a time.
    max_iter
        Epochs (passes over the rows), at least 1, or ``"auto"`` (default): 3000, for nets
        200, or 20 by batches.
    tol
        0 or more, or None for no such rule; default 0.0001.  Linear models end when the gradient
        is at most `tol` times its first length, nets when ten epochs in a row lower the loss by
        less than `tol` of it.  A fit that ends with its epochs instead warns.
    early_stopping
        Whether to end after `n_iter_no_change` epochs without a lower loss on validation rows, and
        to restore the best parameters; default no.  The rows are X_val of `fit`, or drawn.
    validation_fraction
        In (0, 1): the share of the rows that early stopping draws; default 0.1.
    n_iter_no_change
        At least 1; default 10.
    warm_start
        Whether the next `fit` goes on from where the last one ended, with the optimizer's memory;
        default no.
    shuffle
        Whether batches are drawn in a new order each epoch; default yes.
    random_state
        An int is the seed of the start, the order and the validation rows; an instance of
        `RandomState` gives one drawn whole number, and so does None (default), from NumPy's global
        state.  What it came to is ``run_.setup.seed``.
    engine
        ``"auto"`` (default), ``"numpy"``, ``"numba"``, ``"jax"`` or ``"torch"``.
    on_divergence
        ``"raise"`` (default): training that explodes is a `DivergedError`, with the largest stable
        step; ``"warn"``: the parameters are kept as they are.
    callbacks
        Of this library; default none.  Those of scikit-learn are given to `set_callbacks`.
    record
        MiB for what `run_` remembers of the way; default 2; or ``"auto"``, or False for the end
        alone.
    verbose
        Whether to show a bar; default no.

    Attributes
    ----------
    coef_, intercept_
        Of linear models, in the columns' own units: (d,) and a number, or (k, d) and (k,) where y
        is (n, k).
    coefs_, intercepts_
        Of nets: each layer's (inputs, units) and (units,), the first in the columns' own units and
        the last in the targets'.
    n_features_in_, feature_names_in_
        How many columns there were, and their names where they had names.
    run_
        The recorded `Run`: the task, theta, the history, and what else descend reads
        (``run_.diagnose()``, ``run_.plot``, ``run_.save``), of the targets as the model met them.
    history_
        The figures of each epoch by name: ``loss``, ``learning_rate``, and where there are
        validation rows ``validation_loss`` and a metric by its name; `to_frame` makes a table.
    stop_reason_
        Why training ended, in words, and what would help where it ended badly.
    n_iter_
        Epochs done.
    loss_
        The objective at the end, the penalty included.

    Examples
    --------
    >>> from descend.estimators import DescentRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = DescentRegressor(alpha=0.0).fit(X, y)
    >>> model.predict([[4.0]]).round(2)
    array([9.])
    >>> model.history_["loss"].round(1)[:2], model.run_.task.loss.name
    (array([21. , 20.2]), 'squared_error')
    >>> DescentRegressor(loss="huber:1.5", solver="lbfgs").fit(X, y).coef_.round(2)
    array([2.])

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", C. R.
    Acad. Sci. Paris 25 (1847); L. Bottou, F. Curtis and J. Nocedal, "Optimization methods for
    large-scale machine learning", SIAM Review 60 (2018).
    """

    hidden_layers: Any = ()
    activation: Any = "relu"
    loss: Any = "squared_error"
    alpha: float = 1e-3
    l1_ratio: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | {
        "hidden_layers": ["array-like", Interval(Real, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), HasMethods("_asdict")],
        "loss": "no_validation",  # `check_parts` says what it must be
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    def _loss(self) -> Loss:
        return asked.loss_of(self.loss)

    def _model(self) -> Linear | MLP:
        return asked.model_of(self.hidden_layers, self.activation, bias=self.fit_intercept)

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha, self.l1_ratio)
