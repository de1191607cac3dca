"""Classification: labels from numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from descend import losses, metrics
from descend.activations import ACTIVATIONS
from descend.errors import InputError
from descend.estimators import asked
from descend.estimators.base import Descent, Rows, goes_by_batches
from descend.estimators.shown import parameters, shift
from descend.parts import formulas_of

if TYPE_CHECKING:
    from descend.losses import Loss
    from descend.models import MLP, Linear
    from descend.penalties import Penalty
    from descend.run import Run

_SEVERAL = "multilabel-indicator"


def _has_probabilities(estimator: Any) -> bool:
    """Tell whether the loss has probabilities, or say why not."""
    fitted = hasattr(estimator, "run_")
    loss = estimator.run_.task.loss if fitted else asked.quietly(estimator._given_loss)
    if loss is not None and not loss.proper:
        msg = (
            f"{type(estimator).__name__} with the loss {loss.name} gives no probabilities; use "
            "logistic, softmax or brier."
        )
        raise AttributeError(msg)
    return True


@dataclass(kw_only=True, eq=False, repr=False)
class Classification(ClassifierMixin, Descent):
    """What all classifications share."""

    targets: ClassVar[tuple[str, ...]] = ("two labels", "labels")

    class_weight: Any = None

    _parameter_constraints: ClassVar[dict[str, Any]] = Descent._parameter_constraints | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def _given_loss(self) -> Loss | None:
        """Return the loss if it does not depend on the labels, else None."""
        raise NotImplementedError

    def _loss(self) -> Loss:
        found = self._given_loss()
        if found is not None:
            return found
        two = self._several or len(self._labels) == 2  # noqa: PLR2004
        return losses.logistic() if two else losses.softmax()

    # ------------------------------------------------------------ rows

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            msg = "Several targets must each have two labels, 0 and 1; found more in y."
            raise ValueError(msg)
        several = kind == _SEVERAL
        if several:
            y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        else:
            y = column_or_1d(y, warn=True)
        if first:
            self._learn(y if labels is None or several else np.asarray(labels), several=several)
        elif several != self._several:
            msg = f"y must be what it was at the first fit; now it is {kind}."
            raise ValueError(msg)
        if self.class_weight is not None:
            weights = self._weighed(y, weights, X.dtype)
        return Rows(X, y.astype(X.dtype) if several else y, weights)

    @available_if(goes_by_batches)
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go once through some rows, from where the last call left off.

        The first call learns the columns' scale and the learning rate, so let it have enough rows
        of every kind; later ones carry on the whole state, the optimizer's memory included.  Calls
        on the same rows are `fit`, an epoch at a time, to the last bit.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes
            For the first call: all labels there will be; default those in y.
        """
        return self._one_more_epoch(X, y, sample_weight, classes)

    def _known_labels(self) -> list[Any] | None:
        return None if self._several else self._labels.tolist()

    def _learn(self, y: Any, *, several: bool) -> None:
        """Learn the labels."""
        labels = np.arange(y.shape[1]) if several else np.unique(y)
        if not several and len(labels) < 2:  # noqa: PLR2004
            msg = (
                f"{type(self).__name__} needs at least 2 classes to tell apart; y has one class: "
                f"{labels.tolist()[0]!r}."
            )
            raise ValueError(msg)
        loss = self._given_loss()
        if loss is not None and loss.targets != "labels" and not several and len(labels) > 2:  # noqa: PLR2004
            msg = (
                f"Only binary classification is supported. The loss {loss.name} is for two labels "
                f"and y is multiclass, with {len(labels)}; use loss='softmax', or 'auto'."
            )
            raise ValueError(msg)
        self._labels, self._several = labels, several

    def _weighed(self, y: Any, weights: Any, dtype: Any) -> Any:
        """Return the rows' weights times their classes'."""
        if self._several:
            msg = "class_weight is for one label per row; use sample_weight for several targets."
            raise InputError(msg)
        codes = np.searchsorted(self._labels, y)
        mass = np.bincount(codes, weights=weights, minlength=len(self._labels))
        if isinstance(self.class_weight, dict):
            known = self._labels.tolist()
            unknown = [label for label in self.class_weight if label not in known]
            if unknown:
                what = f"a dict whose labels are in y ({unknown} are not; y has {known})"
                raise asked.refusal(self, "class_weight", what)
            of_class = np.array(
                [self.class_weight.get(label, 1.0) for label in self._labels.tolist()]
            )
        else:
            present = mass > 0
            of_class = np.zeros(len(mass))
            of_class[present] = mass.sum() / (present.sum() * mass[present])
        found = of_class[codes] if weights is None else weights * of_class[codes]
        return found.astype(dtype)

    # ------------------------------------------------------------ what is shown and said

    def _fitted(self, run: Run) -> dict[str, Any]:
        return (
            self._common(run)
            | {"classes_": self._labels}
            | parameters(run, several=True, units=None)
        )

    def _scores(self, X: Any) -> Any:
        """Return the raw scores (n, k) of rows, finite for all finite rows.

        Where a row is so far out that they overflow it is moved towards 0 until they do not: its
        probabilities have long been those of its direction.
        """
        scores = super()._scores(X)
        limit = np.finfo(scores.dtype).max / 4  # differences are finite too
        far = np.flatnonzero(~(np.abs(scores) < limit).all(axis=1))
        if not len(far):
            return scores
        rows = self._read(X)[far]
        for _ in range(70):  # 2**-2240 of any row is 0
            rows = rows * 2.0**-32
            scores[far] = self.run_.scores(rows)
            still = ~(np.abs(scores[far]) < limit).all(axis=1)
            far, rows = far[still], rows[still]
            if not len(far):
                break
        return scores

    def _label_codes(self, scores: Any) -> Any:
        return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)

    def predict(self, X: Any) -> Any:
        """Return the label of each row (n,); for several targets 0 or 1 for each, (n, k).

        Parameters
        ----------
        X
            (n, d), with the columns of the training rows.
        """
        scores = self._scores(X)
        if self._several:
            return (scores > 0).astype(int)
        return self.classes_[self._label_codes(scores)]

    def decision_function(self, X: Any) -> Any:
        """Return the raw scores: (n,) for two labels, above 0 for the second; else (n, labels)."""
        scores = self._scores(X) - shift(self.run_)
        if self._several or len(self.classes_) > 2:  # noqa: PLR2004
            return scores
        return scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each label, (n, labels); of 1, for several targets (n, k)."""
        scores = self._scores(X)
        found = losses.predicted(self.run_.task.loss, scores)
        if self._several or found.shape[1] > 1:
            return found
        return np.column_stack([1 - found[:, 0], found[:, 0]])

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`, from the scores: exact where those are 0."""
        scores = self._scores(X)
        return log_probabilities(self.run_.task.loss, scores, several=self._several)

    @available_if(_has_probabilities)
    def brier_score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the Brier score of the probabilities: see `descend.metrics.brier_score`.

        Parameters
        ----------
        X, y, sample_weight
            Rows with their labels, one to a row, and their weights.
        """
        return metrics.brier_score(self.predict_proba(X), self._codes(y), _floats(sample_weight))

    @available_if(_has_probabilities)
    def calibration(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        label: Any = None,
        bins: int = 10,
        strategy: str = "quantile",
    ) -> metrics.Calibration:
        """Return how often what was given a probability came true: `descend.metrics.calibration`.

        Parameters
        ----------
        X, y, sample_weight
            Rows with their labels, one to a row, and their weights.
        label
            Whose probability; default the second of two.
        bins, strategy
            How many bins at most, and whether of equal mass (``"quantile"``, default) or width
            (``"uniform"``).

        Examples
        --------
        >>> from descend.estimators import DescentClassifier
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
        >>> print(DescentClassifier(alpha=0, tol=1e-9).fit(X, y).calibration(X, y, bins=2))
           probability     predicted   observed      rows
         0.2039 -  0.3884     0.2961     0.5000         2
         0.3884 -  0.7961     0.7039     0.5000         2
        expected calibration error 0.2039
        """
        if label is None and len(self.classes_) > 2:  # noqa: PLR2004
            msg = f"calibration is of one label; name it: label={self.classes_.tolist()[0]!r}."
            raise InputError(msg)
        label = self.classes_[1] if label is None else label
        place = np.flatnonzero(self.classes_ == label)
        if place.size == 0:
            msg = f"The label must be among {self.classes_.tolist()}; found {label!r}."
            raise InputError(msg)
        came_true = (self._codes(y) == place[0]).astype(int)
        probabilities = self.predict_proba(X)[:, place[0]]
        return metrics.calibration(probabilities, came_true, bins, _floats(sample_weight), strategy)

    def _codes(self, y: Any) -> Any:
        """Return the place of each row's label among the classes."""
        if self._several:
            msg = "This is for one label to a row; the estimator was fitted to several targets."
            raise InputError(msg)
        y = column_or_1d(y)
        codes = np.searchsorted(self.classes_, y)
        codes = np.minimum(codes, len(self.classes_) - 1)
        strange = np.flatnonzero(self.classes_[codes] != y)
        if strange.size:
            msg = (
                f"Labels must be among {self.classes_.tolist()}; found {y[strange[0]]!r} at row "
                f"{strange[0]}."
            )
            raise InputError(msg)
        return codes

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what these estimators can do."""
        tags = super().__sklearn_tags__()
        loss = asked.quietly(self._given_loss)
        tags.classifier_tags.multi_class = loss is None or loss.targets == "labels"
        one_each = loss is not None and loss.targets == "labels"
        tags.classifier_tags.multi_label = not one_each and self.class_weight is None
        return tags


def _floats(weights: Any) -> Any:
    return None if weights is None else np.asarray(weights, dtype=float)


def log_probabilities(loss: Loss, scores: Any, *, several: bool) -> Any:
    """Return the logarithm of the probability of each label."""
    if loss.targets == "labels":
        top = scores.max(axis=1, keepdims=True)
        return scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    if loss.name == "brier":  # its probabilities are those of the logistic loss
        loss = losses.logistic()
    value = formulas_of(type(loss), np).value
    positive = -value(loss, scores, np.ones_like(scores))
    if several:
        return positive
    return np.column_stack([-value(loss, scores, np.zeros_like(scores)), positive])


@dataclass(eq=False, repr=False)
class DescentClassifier(Classification):
    """Classification by gradient descent: linear, or a net with `hidden_layers`, under any loss.

    Minimises sum(w l(s, y)) / sum(w) + alpha (l1_ratio ‖W‖₁ + (1 - l1_ratio)/2 ‖W‖²) with w the
    rows' weights times their classes', and s the scores: s = X W + b, or with hidden layers those
    of the net.

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
        ``"auto"`` (default): logistic for two labels and for y of columns of 0 and 1, softmax for
        three labels and more; or a name (``"softmax"``, ``"logistic"``, ``"brier"``, ``"hinge"``,
        ``"squared_hinge"``), a loss of this library, or one of your own.  Logistic, softmax and
        brier have probabilities.
    alpha
        The strength of the penalty, 0 or more; default 0.001.
        It stands beside the mean loss, and so does not depend on the number of rows.
        scikit-learn's logistic regression and nets count otherwise; the recipes
        (`LogisticRegression`, `MLPClassifier` …) convert.
    l1_ratio
        In [0, 1]: how much of it is ‖W‖₁, by a proximal step that makes exact zeros; default 0.
    class_weight
        None (default): 1 each; a dict from label to factor, 1 for those it does not name; or
        ``"balanced"``: sum(w) / (labels · sum of the label's w).  Factors multiply the rows'
        weights, and are sample weights in all respects.  For one label per row.
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
        0 or more, or None for no such rule; default 0.001.  Linear models end when the gradient
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
    classes_
        The labels, sorted; for y of k columns of 0 and 1 their numbers.
    coef_, intercept_
        Of linear models, in the columns' own units: (1, d) and (1,) for two labels, of the second
        (softmax has a row for each even so); else (labels, d) and (labels,), or (k, d) and (k,).
    coefs_, intercepts_
        Of nets: each layer's (inputs, units) and (units,), the first in the columns' own units.
    n_features_in_, feature_names_in_
        How many columns there were, and their names where they had names.
    run_
        The recorded `Run`: the task, theta, the history, and what else descend reads
        (``run_.diagnose()``, ``run_.plot``, ``run_.save``).
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
    >>> from descend.estimators import DescentClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"]
    >>> model = DescentClassifier(alpha=0.0).fit(X, y)
    >>> model.predict([[-1.0], [4.0]]).tolist()
    ['no', 'yes']
    >>> model.predict_proba([[1.5]]).round(3)
    array([[0.5, 0.5]])

    References
    ----------
    L. Bottou, F. Curtis and J. Nocedal, "Optimization methods for large-scale machine learning",
    SIAM Review 60 (2018).
    """

    hidden_layers: Any = ()
    activation: Any = "relu"
    loss: Any = "auto"
    alpha: float = 1e-3
    tol: float | None = field(default=1e-3, kw_only=True)
    l1_ratio: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Classification._parameter_constraints | {
        "hidden_layers": ["array-like", Interval(Real, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), HasMethods("_asdict")],
        "loss": "no_validation",  # `check_parts` says what it must be
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    def _given_loss(self) -> Loss | None:
        return None if self.loss == "auto" else asked.loss_of(self.loss)

    def _model(self) -> Linear | MLP:
        return asked.model_of(self.hidden_layers, self.activation, bias=self.fit_intercept)

    def _penalty(self, mass: float) -> Penalty | None:
        del mass
        return asked.penalty_of(self.alpha, self.l1_ratio)
