"""descend: linear, logistic and small neural models by gradient descent, and why each run went so.

A supervised learning task is a model, a loss and an optimizer; a run is a point moving through
parameter space, every step of it on record.

    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, X=[[0.0], [1.0], [2.0]], y=[1.0, 3.0, 5.0], epochs=500)
    >>> run.predict([[3.0]]).round(3)
    array([7.])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descend import activations as activations
    from descend import datasets as datasets
    from descend import losses as losses
    from descend import metrics as metrics
    from descend import optimizers as optimizers
    from descend import penalties as penalties
    from descend import schedules as schedules
    from descend.certification import Certificate as Certificate
    from descend.certification import certify as certify
    from descend.custom import custom_loss as custom_loss
    from descend.custom import custom_model as custom_model
    from descend.doctor import Diagnosis as Diagnosis
    from descend.doctor import Finding as Finding
    from descend.doctor import Fix as Fix
    from descend.doctor import Trial as Trial
    from descend.doctor import Watch as Watch
    from descend.doctor import check_figure as check_figure
    from descend.doctor import check_probabilities as check_probabilities
    from descend.doctor import diagnose as diagnose
    from descend.errors import DescendError as DescendError
    from descend.errors import DivergedError as DivergedError
    from descend.errors import InputError as InputError
    from descend.errors import Outcome as Outcome
    from descend.errors import ParameterError as ParameterError
    from descend.errors import RunFileError as RunFileError
    from descend.errors import ShapeError as ShapeError
    from descend.explaining import Explanation as Explanation
    from descend.fitting import Fit as Fit
    from descend.fitting import fit as fit
    from descend.forecasting import Forecast as Forecast
    from descend.forecasting import forecast as forecast
    from descend.gradcheck import Discrepancy as Discrepancy
    from descend.gradcheck import GradientCheck as GradientCheck
    from descend.gradcheck import check_gradient as check_gradient
    from descend.graphs import Graph as Graph
    from descend.graphs import graph as graph
    from descend.losses import absolute_error as absolute_error
    from descend.losses import brier as brier
    from descend.losses import half_squared_error as half_squared_error
    from descend.losses import hinge as hinge
    from descend.losses import huber as huber
    from descend.losses import log_cosh as log_cosh
    from descend.losses import logistic as logistic
    from descend.losses import poisson as poisson
    from descend.losses import quantile as quantile
    from descend.losses import softmax as softmax
    from descend.losses import squared_error as squared_error
    from descend.losses import squared_hinge as squared_hinge
    from descend.models import MLP as MLP
    from descend.models import Linear as Linear
    from descend.optimizers import adagrad as adagrad
    from descend.optimizers import adam as adam
    from descend.optimizers import adamw as adamw
    from descend.optimizers import amsgrad as amsgrad
    from descend.optimizers import gradient_descent as gradient_descent
    from descend.optimizers import lbfgs as lbfgs
    from descend.optimizers import momentum as momentum
    from descend.optimizers import nadam as nadam
    from descend.optimizers import nesterov as nesterov
    from descend.optimizers import newton as newton
    from descend.optimizers import rmsprop as rmsprop
    from descend.penalties import elastic_net as elastic_net
    from descend.penalties import l1 as l1
    from descend.penalties import l2 as l2
    from descend.plots import race as race
    from descend.report import compare as compare
    from descend.run import History as History
    from descend.run import Run as Run
    from descend.run import load as load
    from descend.solving import solve as solve
    from descend.sweeping import Cell as Cell
    from descend.sweeping import Sweep as Sweep
    from descend.sweeping import sweep as sweep
    from descend.task import Task as Task
    from descend.training import Callback as Callback
    from descend.training import resume as resume
    from descend.training import train as train
    from descend.training.live import Live as Live
    from descend.training.live import begin as begin

__version__ = "0.1.0"

# The same names, and where they live: each module is imported when one of its names is first used,
# so that `descend --help` loads not even NumPy.  A test holds the two lists against each other.
_HOMES: dict[str, tuple[str, ...]] = {
    "descend.losses": (
        "losses",
        "absolute_error",
        "brier",
        "half_squared_error",
        "hinge",
        "huber",
        "log_cosh",
        "logistic",
        "poisson",
        "quantile",
        "softmax",
        "squared_error",
        "squared_hinge",
    ),
    "descend.optimizers": (
        "optimizers",
        "adagrad",
        "adam",
        "adamw",
        "amsgrad",
        "gradient_descent",
        "lbfgs",
        "momentum",
        "nadam",
        "nesterov",
        "newton",
        "rmsprop",
    ),
    "descend.penalties": (
        "penalties",
        "elastic_net",
        "l1",
        "l2",
    ),
    "descend.certification": (
        "Certificate",
        "certify",
    ),
    "descend.doctor": (
        "Diagnosis",
        "Finding",
        "Fix",
        "Trial",
        "Watch",
        "check_figure",
        "check_probabilities",
        "diagnose",
    ),
    "descend.custom": (
        "custom_loss",
        "custom_model",
    ),
    "descend.errors": (
        "DescendError",
        "DivergedError",
        "InputError",
        "Outcome",
        "ParameterError",
        "RunFileError",
        "ShapeError",
    ),
    "descend.explaining": ("Explanation",),
    "descend.fitting": (
        "Fit",
        "fit",
    ),
    "descend.forecasting": (
        "Forecast",
        "forecast",
    ),
    "descend.gradcheck": (
        "Discrepancy",
        "GradientCheck",
        "check_gradient",
    ),
    "descend.graphs": (
        "Graph",
        "graph",
    ),
    "descend.models": (
        "MLP",
        "Linear",
    ),
    "descend.plots": ("race",),
    "descend.report": ("compare",),
    "descend.run": (
        "History",
        "Run",
        "load",
    ),
    "descend.solving": ("solve",),
    "descend.sweeping": (
        "Cell",
        "Sweep",
        "sweep",
    ),
    "descend.task": ("Task",),
    "descend.training": (
        "Callback",
        "Live",
        "begin",
        "resume",
        "train",
    ),
}
_SUBMODULES = (
    "activations",
    "datasets",
    "losses",
    "metrics",
    "optimizers",
    "penalties",
    "schedules",
)
_WHERE = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*_SUBMODULES, *_WHERE]  # noqa: PLE0604 - built from the one table


def __getattr__(name: str) -> Any:
    """Import a public name's module when the name is first used."""
    if name in _SUBMODULES:
        return import_module(f"descend.{name}")
    if name not in _WHERE:
        msg = f"module 'descend' has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = getattr(import_module(_WHERE[name]), name)
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return [*globals(), *__all__]
