"""Regression: numbers from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from descend import losses
from descend.activations import ACTIVATIONS
from descend.estimators import asked
from descend.estimators.base import Descent, Rows, goes_by_batches
from descend.estimators.shown import parameters
from descend.models import MLP, Linear
from descend.scaling import measured

if TYPE_CHECKING:
    from descend.losses import Loss
    from descend.penalties import Penalty
    from descend.run import Run

# Losses under which a net may meet standardised targets: another unit is the same problem.
UNITLESS = {"squared_error", "half_squared_error", "absolute_error", "quantile"}


@dataclass(kw_only=True, eq=False, repr=False)
class Regression(MultiOutputMixin, RegressorMixin, Descent):
    """What all regressions share."""

    targets: ClassVar[tuple[str, ...]] = ("numbers", "counts")

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        del labels
        y = np.asarray(y, dtype=X.dtype)
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

        The first call learns the columns' scale and the learning rate; later ones carry on the
        whole state, the optimizer's memory included.  Calls on the same rows are `fit`, an epoch
        at a time, to the last bit.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        """
        return self._one_more_epoch(X, y, sample_weight)

    def _measured(self, y: Any, weights: Any) -> tuple[Any, Any] | None:
        """Return the mean and deviation by which a net is to meet its targets, or None."""
        if not self.has_hidden_layers or self._loss().name not in UNITLESS:
            return None
        found = measured(y.reshape(len(y), -1), weights)
        mean, deviation = (part.astype(y.dtype) for part in found[:2])
        return (mean, deviation) if y.ndim == 2 else (mean[0], deviation[0])  # noqa: PLR2004

    def _fitted(self, run: Run) -> dict[str, Any]:
        return self._common(run) | parameters(run, self._column, self._units)

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
    """Linear regression, or a net with `hidden_layers`, by gradient descent on any loss."""

    hidden_layers: Any = ()
    activation: Any = "relu"
    loss: Any = "squared_error"
    alpha: float = 1e-4
    l1_ratio: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | {
        "hidden_layers": ["array-like", Interval(Real, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), HasMethods("_asdict")],
        "loss": [str, HasMethods("_asdict")],
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
