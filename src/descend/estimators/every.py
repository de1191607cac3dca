"""Every estimator there is: what is tested of one is tested of all."""

from __future__ import annotations

from descend.estimators.classifier import DescentClassifier
from descend.estimators.recipes import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    MLPRegressor,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from descend.estimators.recipes_classifiers import (
    LogisticRegression,
    MLPClassifier,
    SoftmaxRegression,
)
from descend.estimators.regressor import DescentRegressor

ALL = (
    DescentRegressor,
    DescentClassifier,
    LinearRegression,
    Ridge,
    Lasso,
    ElasticNet,
    HuberRegressor,
    QuantileRegressor,
    PoissonRegressor,
    MLPRegressor,
    LogisticRegression,
    SoftmaxRegression,
    MLPClassifier,
)
