"""Estimators: descend with scikit-learn's manners.

Each translates its arguments into a `Task`, calls `train`, and shows the run (``run_``).  Importing
this package loads scikit-learn; nothing else in descend does.

>>> from descend.estimators import DescentRegressor
>>> model = DescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
>>> model.predict([[3.0]]).round(2)
array([7.])
"""

from descend.estimators.classifier import DescentClassifier as DescentClassifier
from descend.estimators.family import ALL as ALL
from descend.estimators.recipes import ElasticNet as ElasticNet
from descend.estimators.recipes import HuberRegressor as HuberRegressor
from descend.estimators.recipes import Lasso as Lasso
from descend.estimators.recipes import LinearRegression as LinearRegression
from descend.estimators.recipes import MLPRegressor as MLPRegressor
from descend.estimators.recipes import PoissonRegressor as PoissonRegressor
from descend.estimators.recipes import QuantileRegressor as QuantileRegressor
from descend.estimators.recipes import Ridge as Ridge
from descend.estimators.recipes_classifiers import LogisticRegression as LogisticRegression
from descend.estimators.recipes_classifiers import MLPClassifier as MLPClassifier
from descend.estimators.recipes_classifiers import SoftmaxRegression as SoftmaxRegression
from descend.estimators.regressor import DescentRegressor as DescentRegressor
