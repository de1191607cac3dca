"""What an estimator was asked, in the words of `train`: parts, sizes, tolerances, one seed."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError

from descend import penalties
from descend.errors import InputError
from descend.fitting import part
from descend.losses import LOSSES, Loss
from descend.models import MLP, Linear
from descend.optimizers import RULES, Optimizer, adam, lbfgs, nesterov, newton
from descend.schedules import cosine, inverse_time
from descend.training.callbacks import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.estimators.base import Descent
    from descend.penalties import Penalty

# The full batch up to this many rows; nets then see batches of BATCH.
FULL, BATCH = 2048, 200
# Epochs at most: of linear models, of nets by all rows at each update, of nets by batches.
LINEAR_EPOCHS, NET_EPOCHS, BATCH_EPOCHS = 3000, 200, 20
# Adam's rate in a net is NET_RATE / (1 + NET_DECAY t): it knows no length, so that a fit that goes
# on is the one that never stopped.
NET_RATE, NET_DECAY = 0.01, 0.01
# A net begins as scikit-learn's do, whatever its activation.
NET_START = "glorot"
# Nesterov's momentum where all rows are seen at each update: for condition numbers of thousands.
MOMENTUM = 0.98
# The rate, falling to 0, under losses with a kink, around which no fixed step comes to rest.
KINK_RATE = 0.3
SOLVERS = ("descent", "lbfgs", "newton", "exact")


def loss_of(asked: Any) -> Loss:
    """Return the loss that a name such as ``"huber:1.5"`` stands for, or the one given."""
    found: Loss = part(LOSSES, asked) if isinstance(asked, str) else asked
    if not hasattr(found, "targets"):
        msg = f"{type(found).__name__} is no loss"
        raise InputError(msg)
    return found


def model_of(hidden_layers: Any, activation: Any, *, bias: bool) -> Linear | MLP:
    """Return the net with these hidden layers, or the linear model where there are none."""
    hidden = tuple(np.atleast_1d(np.asarray(hidden_layers)).tolist())
    return MLP(hidden, activation, NET_START, bias) if hidden else Linear(bias=bias)


def penalty_of(alpha: float, l1_ratio: float) -> Penalty | None:
    """Return alpha (l1_ratio ‖w‖₁ + (1 - l1_ratio) ‖w‖² / 2), or None where that is nothing."""
    if alpha == 0:
        return None
    if l1_ratio == 0:
        return penalties.l2(alpha)
    if l1_ratio == 1:
        return penalties.l1(alpha)
    return penalties.elastic_net(alpha, l1_ratio)


def quietly(make: Callable[[], Any]) -> Any:
    """Return what is made, or None where a parameter is wrong: that is said when fitting."""
    try:
        return make()
    except (ValueError, TypeError):
        return None


def check_parts(asked: Descent) -> None:
    """Raise for the parameter that is to be a part of the task and cannot become one.

    Raises
    ------
    InvalidParameterError
        In scikit-learn's own form, with the reason.
    """
    for name, (what, make) in _PARTS.items():
        value = getattr(asked, name, None)
        if value is None or (isinstance(value, str) and value == "auto"):
            continue
        try:
            _check_targets(asked, make(value))
        except (InputError, ValueError, TypeError) as error:
            raise refusal(asked, name, f"{what} ({str(error).rstrip('.')})") from None


def refusal(asked: Descent, name: str, what: str) -> InvalidParameterError:
    """Return the error for a parameter that is not what it must be."""
    value = getattr(asked, name)
    return InvalidParameterError(
        f"The {name!r} parameter of {type(asked).__name__} must be {what}. Got {value!r} instead."
    )


def _check_targets(asked: Descent, made: Any) -> None:
    targets = getattr(made, "targets", None)
    if targets is not None and targets not in asked.targets:
        msg = f"the loss {made.name} is for {targets}"
        raise InputError(msg)


def _check_class_weight(given: Any) -> None:
    if isinstance(given, dict) and not all(
        isinstance(weight, Real) and 0 <= float(weight) < np.inf for weight in given.values()
    ):
        msg = "a weight is a number of 0 or more"
        raise InputError(msg)


_PARTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "hidden_layers": (
        "the units of each hidden layer, whole numbers of at least 1",
        lambda value: model_of(value, "relu", bias=True),
    ),
    "loss": (
        "a loss of descend.losses for such targets, or its name, as in 'huber' or 'huber:1.5'",
        loss_of,
    ),
    "optimizer": (
        "an optimizer of descend.optimizers, or its name, as in 'adam' or 'momentum:0.9'",
        lambda value: value if isinstance(value, Optimizer) else part(RULES, value),
    ),
    "class_weight": ("a dict from label to weight, 'balanced' or None", _check_class_weight),
    "callbacks": ("a callback of descend, or several", checked),
}


def check_solver(asked: Descent, loss: Loss, penalty: Penalty | None) -> None:
    """Raise where the solver has no use for what was asked beside it.

    Raises
    ------
    InputError
        In a sentence that names both, and what to do.
    """
    if asked.solver == "descent":
        return
    kinked = penalty is not None and penalty.l1 > 0
    squared = loss.name in {"squared_error", "half_squared_error"}
    linear_only = asked.solver in {"newton", "exact"} and asked.has_hidden_layers
    exact = asked.solver == "exact"
    for wrong, why, instead in (
        (linear_only, "is for linear models", "leave hidden_layers out, or use solver='lbfgs'"),
        (exact and not squared, f"is for squared errors, not {loss.name}", _OTHER),
        (not loss.smooth, f"needs a loss without a kink, and {loss.name} has one", _OTHER),
        (kinked, "takes no absolute penalty", f"{_OTHER}, or a squared penalty alone"),
        (asked.learning_rate != "auto", "finds its own steps", f"leave it out, or {_OTHER}"),
        (exact and asked.early_stopping, "has no epochs to stop after", _OTHER),
    ):
        if wrong:
            msg = f"solver={asked.solver!r} {why}; {instead}."
            raise InputError(msg)


_OTHER = "use solver='descent'"


def batch_size_of(asked: Descent, n: int) -> int | None:
    """Return the rows to an update, None for all of them."""
    if asked.batch_size != "auto":
        if asked.solver != "descent" and asked.batch_size < n:
            msg = (
                f"solver={asked.solver!r} sees all rows at each update; leave batch_size out, or "
                f"use solver='descent'. Got batch_size={asked.batch_size!r} for {n} rows."
            )
            raise InputError(msg)
        return None if asked.batch_size >= n else int(asked.batch_size)
    return BATCH if asked.has_hidden_layers and asked.solver == "descent" and n > FULL else None


def epochs_of(asked: Descent, n: int) -> int:
    """Return the passes over n rows, at most."""
    if asked.max_iter != "auto":
        return int(asked.max_iter)
    if not asked.has_hidden_layers:
        return LINEAR_EPOCHS
    return NET_EPOCHS if batch_size_of(asked, n) is None else BATCH_EPOCHS


def optimizer_of(asked: Descent, n: int, done: int = 0) -> Optimizer:
    """Return how the parameters are moved, after so many updates that were done before."""
    if asked.solver != "descent":
        if asked.optimizer != "auto":
            msg = (
                f"solver={asked.solver!r} has no choice of optimizer; leave optimizer out, or use "
                f"solver='descent'. Got optimizer={asked.optimizer!r}."
            )
            raise InputError(msg)
        return lbfgs() if asked.solver == "lbfgs" else newton()
    if isinstance(asked.optimizer, Optimizer):
        return asked.optimizer
    if asked.optimizer != "auto":
        found: Optimizer = part(RULES, asked.optimizer, learning_rate=asked.learning_rate)
        return found
    return _usual(asked, n, done)


def _usual(asked: Descent, n: int, done: int) -> Optimizer:
    """Return the optimizer that suits the model, the loss and the batches."""
    rate = asked.learning_rate
    whole = batch_size_of(asked, n) is None
    if asked.has_hidden_layers:
        falling = adam(NET_RATE, schedule=inverse_time(NET_DECAY))
        return falling if rate == "auto" else adam(rate)
    if not whole:
        return nesterov(rate)
    if rate == "auto" and not asked._loss().smooth:
        return nesterov(KINK_RATE, schedule=cosine(done + epochs_of(asked, n)))
    bounded = np.isfinite(asked._loss().steepest_curvature)
    return nesterov(rate, beta=MOMENTUM) if bounded else nesterov(rate)


def seed_of(random_state: Any) -> int:
    """Return one seed: an int as it is, else one whole number drawn, as scikit-learn means it."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def stopping_rules(asked: Descent, held: Any) -> dict[str, Any]:
    """Return when training ends by itself, and the fraction of rows to hold out for that."""
    rules: dict[str, Any] = {}
    if asked.tol is not None:
        rule = "loss_tolerance" if asked.has_hidden_layers else "gradient_tolerance"
        rules[rule] = asked.tol
    if asked.early_stopping:
        rules["patience"] = asked.n_iter_no_change
        if held is None:
            rules["validation"] = asked.validation_fraction
    return rules


def callbacks_of(asked: Descent) -> tuple[Any, ...]:
    """Return the callbacks of this library that were given."""
    found = asked.callbacks
    return checked(found) if found is not None and found != () else ()
