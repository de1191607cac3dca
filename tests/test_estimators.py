"""Estimators pass all checks of scikit-learn, and those that it runs only on its own.

No failure is expected: a check that fails is mended or the promise is not made.  Mini-batches are
left out, for a weight of two is not a row given twice there.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_inplace_ensure_writeable,
    check_param_validation,
    estimator_checks_generator,
    parametrize_with_checks,
)

from descend import estimators

CLASSES = sorted(
    (kind for kind in vars(estimators).values() if dataclasses.is_dataclass(kind)),
    key=lambda kind: kind.__name__,
)
MAIN = [estimators.DescentRegressor, estimators.DescentClassifier]
VARIANTS: list[dict[str, Any]] = [
    {"hidden_layers": (5,)},
    {"solver": "lbfgs"},
    {"solver": "newton"},
    {"scale": None},
]
VARIED = [
    *(kind(**how) for kind in MAIN for how in VARIANTS),
    estimators.DescentRegressor(fit_intercept=False),
    estimators.DescentRegressor(solver="exact"),
    # Hundreds of searches in a net that fits its rows exactly magnify the last digit.
    estimators.DescentRegressor(hidden_layers=(5,), solver="lbfgs", max_iter=20),
    estimators.DescentRegressor(loss="huber"),
    estimators.DescentRegressor(loss="absolute_error"),
    estimators.DescentRegressor(loss="poisson"),
    estimators.DescentRegressor(solver="exact", fit_intercept=False),
    estimators.DescentClassifier(class_weight="balanced"),
    estimators.DescentClassifier(loss="softmax"),
    estimators.DescentClassifier(loss="brier"),
    estimators.DescentClassifier(loss="squared_hinge"),
]


# As in scikit-learn's own suite: noise without a pattern need not converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([kind() for kind in MAIN])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([kind() for kind in CLASSES if kind not in MAIN])
def test_scikit_learns_checks_of_recipes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(VARIED)
def test_scikit_learns_checks_of_variants(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for estimator, check in estimator_checks_generator(
            estimators.DescentClassifier(fit_intercept=False)
        )
        # It asks that one class be predicted all round the origin: there is no such line.
        if "check_class_weight_classifiers" not in repr(check)
    ],
)
def test_scikit_learns_checks_without_an_intercept(estimator: Any, check: Any) -> None:
    check(estimator)


# Those that scikit-learn's own test suite runs beside the ones above.
ITS_OWN = [
    check_dataframe_column_names_consistency,
    check_inplace_ensure_writeable,
    check_param_validation,
]


@pytest.mark.parametrize("check", ITS_OWN)
@pytest.mark.parametrize("kind", CLASSES)
def test_checks_that_scikit_learn_keeps_to_itself(kind: Any, check: Any) -> None:
    check(kind.__name__, kind())
