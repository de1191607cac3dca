"""The task: model, loss and optimizer, the sentence the whole library stands on.

Every supervised learning task says three things: what computes scores (the model), what says how
wrong they are (the loss), and what moves the parameters to be less wrong (the optimizer).  The
three are strangers to one another; only `Task` knows all of them.  So the field's famous names are
combinations:

=======================  =====================  =====================  ===================
name                     model                  loss                   penalty
=======================  =====================  =====================  ===================
linear regression        Linear()               squared_error()
ridge, lasso             Linear()               half_squared_error()   l2(a), l1(a)
logistic regression      Linear()               logistic()             (l2(a))
softmax regression       Linear()               softmax()              (l2(a))
Poisson regression       Linear()               poisson()              (l2(a))
quantile regression      Linear()               quantile(q)            (l1(a))
support vector machine   Linear()               hinge()                l2(a)
multilayer perceptron    MLP((16, 8), "relu")   any of them            (l2(a))
=======================  =====================  =====================  ===================

The objective is the reduced loss plus the penalty: sum(w l) / sum(w) + penalty, or
sum(w l) + penalty with ``reduction="sum"``.

    >>> from descend.losses import logistic
    >>> from descend.models import Linear
    >>> from descend.optimizers import gradient_descent
    >>> print(Task(Linear(), logistic(), gradient_descent(0.1)))
    linear + logistic + gradient_descent(0.1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from descend import models, optimizers
from descend.custom import CustomLoss, CustomModel, custom_loss
from descend.custom.model import recognised
from descend.errors import InputError
from descend.losses import LOSSES, Loss
from descend.models import MLP, Linear, Model
from descend.optimizers import ELEMENTWISE, RULES, Optimizer
from descend.parts import choice
from descend.penalties import PENALTIES, Penalty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.arrays import Layout


@final
@dataclass(frozen=True, slots=True)
class Task:
    """A supervised learning task: model + loss + optimizer, and what joins the objective.

    Parameters
    ----------
    model
        `Linear` or `MLP`; or of your own: `custom_model`, the pair ``(init, apply)``, a
        ``torch.nn.Module``, an ``equinox.Module`` or a ``flax.linen.Module``.
    loss
        A part from `descend.losses`, or its name; or a function of your own from scores and y to
        one number per row (see `custom_loss`).
    optimizer
        From `descend.optimizers`, or its name.
    penalty
        A part from `descend.penalties`, or None (default).
    reduction
        ``"mean"`` (default) or ``"sum"`` over the rows of a batch.

    Attributes
    ----------
    model, loss, optimizer, penalty, reduction
        As given; names turned into parts.

    Raises
    ------
    InputError
        If a part is of another kind, or the penalty has no meaning with the optimizer.

    Examples
    --------
    >>> Task(Linear(), "squared_error", "adam").loss
    SquaredError()
    """

    model: Model
    loss: Loss
    optimizer: Optimizer
    penalty: Penalty | None = None
    reduction: str = "mean"

    def __post_init__(self) -> None:
        """Check that the parts are what they should be, and fit."""
        if not isinstance(self.model, Linear | MLP):
            object.__setattr__(self, "model", _own_model(self.model))
        object.__setattr__(self, "loss", _loss(self.loss))
        optimizer = self.optimizer
        if isinstance(optimizer, str):
            object.__setattr__(self, "optimizer", RULES.make(optimizer))
        elif not isinstance(optimizer, Optimizer):
            msg = (
                f"The optimizer of a Task must be one of {', '.join(RULES)}, made by its "
                f"function or given by name. Got {optimizer!r} instead."
            )
            raise InputError(msg)
        if self.penalty is not None:
            object.__setattr__(self, "penalty", PENALTIES.check(self.penalty, "a Task"))
        choice("Task", "reduction", self.reduction, ("mean", "sum"))
        if self.penalty is not None and self.penalty.l1 > 0 and not self.optimizer.rule.proximal:
            fits = ", ".join(rule.name for rule in RULES.classes() if rule.proximal)
            msg = (
                f"The penalty {self.penalty.name} works by a proximal step, which has no meaning "
                f"with {self.optimizer.name}; use l2, or one of {fits}."
            )
            raise InputError(msg)
        if self.optimizer.rule.searches:
            _check_search(self)

    def __str__(self) -> str:
        """Return the task in one line, such as ``linear + logistic + adam(0.01)``."""
        words = [_model_words(self.model), _part_words(self.loss)]
        if self.optimizer.rule.searches:
            words.append(_part_words(self.optimizer.rule))
        else:
            words.append(f"{self.optimizer.name}({self.optimizer.learning_rate})")
        if self.penalty is not None:
            words.append(_part_words(self.penalty))
        return " + ".join(words) + (" (sum)" if self.reduction == "sum" else "")


def _check_search(task: Task) -> None:
    """Refuse what has no slope or no Hessian to search by."""
    name, loss = task.optimizer.name, task.loss
    if not loss.smooth:
        fits = ", ".join(cls.name for cls in LOSSES.classes() if cls.smooth)
        msg = (
            f"The optimizer {name} needs a loss without a kink, and {loss.name} has one; use one "
            f"of the losses {fits}, or one of the optimizers {', '.join(ELEMENTWISE)}."
        )
        raise InputError(msg)
    if name == "newton" and not task.model.linear:
        msg = (
            "The optimizer newton needs a linear model, whose Hessian is known and has no negative "
            f"eigenvalue; the model is {_model_words(task.model)}. Use lbfgs."
        )
        raise InputError(msg)
    if name == "newton" and not loss.convex:
        msg = (
            f"The optimizer newton needs a convex loss, and {loss.name} is not convex in the "
            "score; use lbfgs, or the loss logistic."
        )
        raise InputError(msg)


def _own_model(model: Any) -> CustomModel:
    found = recognised(model)
    if found is None:
        msg = (
            "The model of a Task must be Linear(…), MLP(…), ds.custom_model(init, apply), or a "
            f"module of PyTorch, Flax or Equinox. Got {model!r:.200} instead."
        )
        raise InputError(msg)
    return found


def _loss(loss: Any) -> Loss:
    """Return a loss of this library's, or one's own: any function that is none of its parts."""
    if isinstance(loss, CustomLoss):
        return LOSSES.value(loss)
    if callable(loss) and not isinstance(loss, type) and loss not in LOSSES:
        return LOSSES.value(custom_loss(loss))
    return LOSSES.check(loss, "a Task")


def _model_words(model: Model) -> str:
    if isinstance(model, CustomModel):
        return f"custom({model.label})"
    if isinstance(model, Linear):
        return "linear"
    return f"mlp({', '.join(map(str, model.hidden))}; {model.activation.name})"


def _part_words(part: Any) -> str:
    if isinstance(part, CustomLoss):
        return f"custom({part.label})"
    numbers = [f"{v:g}" for v in part._asdict().values() if not isinstance(v, bool)]
    return str(part.name) + (f"({', '.join(numbers)})" if numbers else "")


def describe(task: Task, layout: Layout | None = None) -> dict[str, Any]:
    """Return the task as plain data: closed enumerations, never import paths.

    Of parts of one's own it tells their names, and of a model its layout; never code.

    >>> from descend.models import Linear
    >>> describe(Task(Linear(), "squared_error", "adam"))["loss"]
    {'name': 'squared_error'}
    """
    return {
        "model": models.describe(task.model, layout),
        "loss": _described_loss(task.loss),
        "optimizer": optimizers.describe(task.optimizer),
        "penalty": None if task.penalty is None else PENALTIES.describe(task.penalty),
        "reduction": task.reduction,
    }


def _described_loss(loss: Any) -> dict[str, Any]:
    return loss.describe() if isinstance(loss, CustomLoss) else LOSSES.describe(loss)


def _restored_loss(record: Mapping[str, Any]) -> Loss:
    custom = record.get("name") == "custom"
    return LOSSES.value(CustomLoss.restore(record)) if custom else LOSSES.restore(record)


def restore(record: Mapping[str, Any]) -> Task:
    """Return the task that `describe` described.

    >>> from descend.models import Linear
    >>> task = Task(Linear(), "squared_error", "adam")
    >>> restore(describe(task)) == task
    True
    """
    penalty = record["penalty"]
    return Task(
        models.restore(record["model"]),
        _restored_loss(record["loss"]),
        optimizers.restore(record["optimizer"]),
        None if penalty is None else PENALTIES.restore(penalty),
        record["reduction"],
    )
