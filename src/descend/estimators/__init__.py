"""Estimators: descend with scikit-learn's manners.

Each translates its arguments into a `Task`, calls `train`, and shows the run (``run_``).  Importing
this package loads scikit-learn; nothing else in descend does.

>>> from descend.estimators import DescentRegressor
>>> model = DescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
>>> model.predict([[3.0]]).round(2)
array([7.])
"""

from descend.estimators.classifier import DescentClassifier as DescentClassifier
from descend.estimators.regressor import DescentRegressor as DescentRegressor
