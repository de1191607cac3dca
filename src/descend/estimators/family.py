"""All estimators, for what is to hold for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from descend.estimators.base import Descent

REGRESSORS: tuple[type[Descent], ...] = (
    DescentRegressor,
    LinearRegression,
    Ridge,
    Lasso,
    ElasticNet,
    HuberRegressor,
    QuantileRegressor,
    PoissonRegressor,
    MLPRegressor,
)
CLASSIFIERS: tuple[type[Descent], ...] = (
    DescentClassifier,
    LogisticRegression,
    SoftmaxRegression,
    MLPClassifier,
)
ALL = (*REGRESSORS, *CLASSIFIERS)
