"""Classifications by their own names, each with the objective of scikit-learn's class of that name.

scikit-learn's C and alpha keep the meaning they have there, and become the l1 and l2 of this
library's one objective,

    sum(w l) / m + l1 ‖W‖₁ + l2/2 ‖W‖²

with w the rows' weights times their classes', m = sum(w) (the number of rows, where there are no
weights), and k the 0/1 columns of several targets (their losses are averaged; else k is 1):

    scikit-learn's        minimises                                  l1         l2
    LogisticRegression    C sum(w l) + ρ ‖W‖₁ + (1 - ρ)/2 ‖W‖²       ρ/(C m k)  (1 - ρ)/(C m k)
    MLPClassifier         sum(w l)/m + alpha/(2 m) ‖W‖²                         alpha/(m k)

All of them are divided by m: at the same C or alpha, more rows shrink weights less.  With
`partial_fit` m is of the rows handed in, so that each call brings the whole strength.  Columns are
standardised by the same w: class weights are sample weights in all respects.

>>> from descend.estimators import LogisticRegression
>>> model = LogisticRegression(C=10.0).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
>>> model.predict([[0.5], [2.5]]).tolist()
['a', 'b']
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from descend import losses
from descend.activations import ACTIVATIONS
from descend.estimators import asked
from descend.estimators.classifier import Classification
from descend.models import MLP, Linear

if TYPE_CHECKING:
    from descend.losses import Loss
    from descend.penalties import Penalty


@dataclass(kw_only=True, eq=False, repr=False)
class Recipe(Classification):
    """Logistic loss for two labels and for 0/1 columns, softmax for more."""

    def _given_loss(self) -> Loss | None:
        return None

    @property
    def _targets(self) -> int:
        return len(self._labels) if self._several else 1


@dataclass(kw_only=True, eq=False, repr=False)
class Inverse(Recipe):
    """What is penalised by the inverse strength C."""

    C: float = 1.0
    l1_ratio: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Classification._parameter_constraints | {
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    def _model(self) -> Linear | MLP:
        return Linear(bias=self.fit_intercept)

    def _penalty(self, mass: float) -> Penalty | None:
        return asked.penalty_of(1.0 / (self.C * mass * self._targets), self.l1_ratio)


@dataclass(kw_only=True, eq=False, repr=False)
class LogisticRegression(Inverse):
    """Logistic regression of two labels, softmax regression of more.

    Minimises C sum(w l) + l1_ratio ‖W‖₁ + (1 - l1_ratio)/2 ‖W‖², with l the logistic loss, or
    softmax's for three labels or more: scikit-learn's objective.  The losses are summed, so that
    the same C shrinks weights less the more rows there are.  The objective of the run, a mean, is
    that divided by C m, with m = sum(w), class weights included: its penalty is
    elastic_net(1 / (C m), l1_ratio).

    Parameters
    ----------
    C
        Positive, or ``np.inf`` for no penalty; default 1.  The inverse of a strength: smaller is
        stronger.  With ``scale="standard"`` W is in the units of standardised columns, as in
        ``make_pipeline(StandardScaler(), LogisticRegression(C=C))``; with ``scale=None`` in the
        columns' own, as in ``LogisticRegression(C=C)``.
    l1_ratio
        In [0, 1]: 0 is the squares alone (default), 1 the absolute values, whose kink is for
        ``solver="descent"`` alone.
    class_weight
        None (default), ``"balanced"``: sum(w) / (labels · sum of the label's w), or a dict from
        label to factor; see `DescentClassifier`.
    fit_intercept, scale, solver, tol, max_iter, …
        What all estimators have; see `DescentClassifier`.  The intercept is not penalised.

    Attributes
    ----------
    classes_
        The labels, sorted.
    coef_, intercept_
        In the columns' own units: (1, d) and (1,) for two labels, of the second; else (labels, d)
        and (labels,).  For y of k columns of 0 and 1, (k, d) and (k,): as many regressions, each
        with this C.
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentClassifier`.

    Examples
    --------
    >>> from descend.estimators import LogisticRegression
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"]
    >>> model = LogisticRegression(C=1.0, scale=None, solver="newton", tol=1e-12).fit(X, y)
    >>> model.coef_.round(4)
    array([[0.4529]])
    >>> model.predict_proba([[1.5]]).round(4)
    array([[0.5, 0.5]])

    References
    ----------
    D. Cox, "The regression analysis of binary sequences", J. R. Stat. Soc. B 20 (1958).
    """


@dataclass(kw_only=True, eq=False, repr=False)
class SoftmaxRegression(Inverse):
    """Softmax regression: one score for each label, of two labels too.

    Minimises C sum(w l) + l1_ratio ‖W‖₁ + (1 - l1_ratio)/2 ‖W‖², with l = -log softmax(s)[y].  Of
    three labels and more it is `LogisticRegression`, and as there the same C shrinks weights less
    the more rows there are: the run's penalty is elastic_net(1 / (C m), l1_ratio), with
    m = sum(w).  Of two labels there are two rows of weights where logistic regression has one,
    opposite to each other under the squares: each is half of that one, and the penalty half of its
    penalty.  So the probabilities at C are those of `LogisticRegression` at 2 C.

    Parameters
    ----------
    C
        Positive, or ``np.inf`` for no penalty; default 1; see `LogisticRegression`.
    l1_ratio
        In [0, 1]: 0 is the squares alone (default), 1 the absolute values, whose kink is for
        ``solver="descent"`` alone.
    class_weight
        None (default), ``"balanced"``, or a dict from label to factor; see `DescentClassifier`.
    fit_intercept, scale, solver, tol, max_iter, …
        What all estimators have; see `DescentClassifier`.  The intercepts are not penalised.

    Attributes
    ----------
    classes_
        The labels, sorted.
    coef_, intercept_
        In the columns' own units: (labels, d) and (labels,).
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentClassifier`.

    Examples
    --------
    >>> from descend.estimators import SoftmaxRegression
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"]
    >>> model = SoftmaxRegression(C=0.5, scale=None, solver="newton", tol=1e-12).fit(X, y)
    >>> (model.coef_[1] - model.coef_[0]).round(4)
    array([0.4529])

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", NATO
    ASI Series F 68 (1990); A. Agresti, "Categorical data analysis", 3rd ed. (2013), section 8.1.
    """

    def _given_loss(self) -> Loss | None:
        return losses.softmax()


@dataclass(eq=False, repr=False)
class MLPClassifier(Recipe):
    """A net on the mean logistic or softmax loss, plus alpha / (2 sum(w)) ‖W‖².

    Logistic for two labels and for y of k columns of 0 and 1, softmax for more labels.
    scikit-learn's class divides `alpha` by the rows of a batch: by all of them with its lbfgs, by
    200 in its usual batches, which then shrink weights more.  Here it is always divided by
    m = sum(w) of all rows, class weights included, whatever the batches: the run's penalty is
    l2(alpha / m), and l2(alpha / (m k)) for k columns, whose losses are averaged here and summed
    there.

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
    class_weight
        None (default), ``"balanced"``, or a dict from label to factor; see `DescentClassifier`.
    fit_intercept, scale, solver, optimizer, learning_rate, batch_size, max_iter, tol, …
        What all estimators have; see `DescentClassifier`, which also has other losses.

    Attributes
    ----------
    classes_
        The labels, sorted.
    coefs_, intercepts_
        Of each layer (inputs, units) and (units,), the first in the columns' own units; without
        hidden layers `coef_` and `intercept_`.
    run_, history_, stop_reason_, n_iter_, loss_, n_features_in_, feature_names_in_
        See `DescentClassifier`.

    Examples
    --------
    >>> from descend.estimators import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["same", "other", "other", "same"]
    >>> model = MLPClassifier((20,), "tanh", alpha=0.01, solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['same', 'other', 'other', 'same']

    References
    ----------
    D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating errors",
    Nature 323 (1986).
    """

    hidden_layers: Any = (100,)
    activation: Any = "relu"
    alpha: float = 2.0

    _parameter_constraints: ClassVar[dict[str, Any]] = Classification._parameter_constraints | {
        "hidden_layers": ["array-like", Interval(Real, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), HasMethods("_asdict")],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def _model(self) -> Linear | MLP:
        return asked.model_of(self.hidden_layers, self.activation, bias=self.fit_intercept)

    def _penalty(self, mass: float) -> Penalty | None:
        return asked.penalty_of(self.alpha / (mass * self._targets), 0.0)
