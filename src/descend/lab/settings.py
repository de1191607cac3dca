"""Settings: everything that makes a run of the lab, as one frozen, closed, validated record.

Nothing in a lab is random twice: data, split, start and order are functions of seeds that are
settings, so the settings (and the changes made along the way) *are* the run.

    >>> settings = Settings.of({"data": "circles", "hidden": [8], "learning_rate": 0.1})
    >>> print(settings.task())
    mlp(8; tanh) + logistic + adam(0.1)
    >>> Settings.of({"n": 1})
    Traceback (most recent call last):
    descend.errors.InputError: The setting 'n' must be a whole number from 2 to 100000. Got 1 instead.
"""  # noqa: E501 - the message is quoted whole

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, final

from descend.activations import tanh
from descend.errors import InputError
from descend.lab.adapting import adapted, check_loss, kind
from descend.lab.features import check_features
from descend.lab.fields import read
from descend.lab.sources import RUN, SOURCES
from descend.losses import LOSSES, logistic
from descend.models import MLP, Linear
from descend.optimizers import RULES, adam
from descend.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.activations import Activation
    from descend.lab.rows import Opened
    from descend.losses import Loss
    from descend.optimizers import Rule
    from descend.penalties import Penalty
    from descend.schedules import Schedule

_TANH, _LOGISTIC, _ADAM = tanh(), logistic(), adam().rule
# A change of these continues a training; a change of any other begins a new branch.
CONTINUES = ("learning_rate", "optimizer", "penalty")


@final
@dataclass(frozen=True)
class Settings:
    """Everything that makes a run.

    Attributes
    ----------
    data
        The name of a source (see `sources`).
    table, target
        Of a table: the beginning of its digest ("" for whichever is open), and its target column.
    n, classes, noise, data_seed
        Of drawn rows: how many, of how many labels (blobs), their noise, and the seed.
    validation
        The share of the rows held out, by `data_seed`.
    features
        What the model meets; of tables the columns, and () for all of them.
    standardize
        Whether it meets them standardised.
    hidden, activation, init, bias
        Of the model; () is the linear one.
    loss, reduction, penalty
        Of the objective.
    optimizer, learning_rate, schedule, clip_value, clip_norm
        Of the optimizer: its rule, and the rest.
    batch_size
        Rows to an update, or None for all.
    seed
        Of the start and of the order of rows.
    start
        The first theta, if it was set by hand; else None.
    """

    data: str = "moons"
    table: str = ""
    target: str = ""
    n: int = 200
    classes: int = 2
    noise: float = 0.1
    data_seed: int = 0
    validation: float = 0.3
    features: tuple[str, ...] = ("x1", "x2")
    standardize: bool = False
    hidden: tuple[int, ...] = (4, 4)
    activation: Activation = _TANH
    init: str = "auto"
    bias: bool = True
    loss: Loss = _LOGISTIC
    reduction: str = "mean"
    penalty: Penalty | None = None
    optimizer: Rule = _ADAM
    learning_rate: float | str = 0.03
    schedule: Schedule | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    batch_size: int | None = None
    seed: int = 0
    start: tuple[float, ...] | None = None

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Settings:
        """Return the settings that plain data names; the others are usual for the data.

        Raises
        ------
        InputError
            If a name, a type or a number is wrong, or the parts do not fit.
        """
        named = read(plain, {"data": cls.data})
        usual = usual_values({"data": cls.data, **named})
        return _checked({**usual, **named, **read(plain, usual)})

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON takes them."""
        return {name: _plain(value) for name, value in self.values().items()}

    def values(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def differing(self) -> dict[str, Any]:
        """Return, as plain data, what is not as usual for the data; the data is always named."""
        mine = self.values()
        usual = {**usual_values(mine), "data": None, "classes": Settings.classes}
        return {name: _plain(value) for name, value in mine.items() if value != usual[name]}

    def with_changes(
        self, change: Mapping[str, Any], opened: Opened | None = None
    ) -> tuple[Settings, tuple[str, ...]]:
        """Return the settings after a change, and what else had to change, in sentences.

        Parameters
        ----------
        change
            Plain data by name; a part may be named by its numbers alone.
        opened
            The table or run that is open, where the data is one.

        Raises
        ------
        InputError
            If the change cannot be; the sentence says why.
        """
        mine = self.values()
        values, said = adapted(mine, read(change, mine), usual_values, opened)
        return _checked(values, opened), said

    def kept_by(self, change: Mapping[str, Any]) -> bool:
        """Return whether a change goes on with the training, and does not begin a new one.

        True for another learning rate, other numbers of the same rule (as long as its memory
        stays what it is), and another penalty.
        """
        mine = self.values()
        after = {**mine, **read(change, mine)}
        if any(after[name] != mine[name] for name in mine if name not in CONTINUES):
            return False
        old, new = self.optimizer, after["optimizer"]
        # "auto" is measured where a training begins.
        rate = after["learning_rate"] == self.learning_rate or after["learning_rate"] != "auto"
        return bool(rate and old.name == new.name and old.slots == new.slots)

    def task(self) -> Task:
        """Return the task: model, loss, optimizer, penalty."""
        init = self.init if self.start is None else self.start
        model = (
            MLP(self.hidden, self.activation, init, self.bias)
            if self.hidden
            else Linear(self.bias, init)
        )
        rest = {
            "learning_rate": self.learning_rate,
            "schedule": self.schedule,
            "clip_value": self.clip_value,
            "clip_norm": self.clip_norm,
        }
        optimizer = RULES.make(self.optimizer.name, **self.optimizer._asdict(), **rest)
        return Task(model, self.loss, optimizer, self.penalty, self.reduction)

    def train_arguments(self) -> dict[str, Any]:
        """Return what `train` and `begin` take beside the task and the rows.

        The validation rows come with the rows (`Rows.validation`): they are a matter of the data's
        seed, so that a new start is judged on the same rows.
        """
        return {
            "batch_size": self.batch_size,
            "seed": self.seed,
            "standardize": self.standardize,
        }


def usual_values(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings as they are usual for the data that is named, and its classes."""
    mine = Settings().values()
    source = SOURCES[named.get("data", Settings.data)]
    values = {**mine, "data": source.name, **read(source.usual, mine)}
    if named.get("classes", Settings.classes) > 2 and source.name == "blobs":  # noqa: PLR2004
        values |= {"classes": named["classes"], "loss": LOSSES.make("softmax")}
    rule = named.get("optimizer", values["optimizer"])
    if rule.searches:
        values["learning_rate"] = "auto"
    return values


def _checked(values: Mapping[str, Any], opened: Opened | None = None) -> Settings:
    """Return settings whose parts fit each other and the data, as far as it is known."""
    settings = Settings(**values)
    source = SOURCES[settings.data]
    if source.rows is not None and settings.n != source.rows:
        msg = f"The data {source.name} has {source.rows} rows; it cannot have {settings.n}."
        raise InputError(msg)
    if source.drawn:
        check_features(settings.features, source.columns)
    elif settings.standardize and source.name != RUN:
        msg = "The columns of a table are standardised as it is read; leave 'standardize' false."
        raise InputError(msg)
    found = kind(values, opened)
    if found is not None:
        check_loss(settings.loss, found, settings.data)
    settings.task()
    return settings


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it: a part by its name and numbers, a tuple as a list."""
    if hasattr(value, "_asdict"):
        return {"name": value.name, **value._asdict()}
    return list(value) if isinstance(value, tuple) else value
