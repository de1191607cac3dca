"""What was asked of a training, and the small record by which it decides to go on or stop."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, final

from descend.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.arrays import Floats

# Bytes that a run's record may take, unless asked: half for figures, half for keyframes.
BUDGET = 64 * 2**20
_FIGURES = 4  # loss, gradient norm, update norm, learning rate


@final
@dataclass(frozen=True)
class Setup:
    """Everything `train` was asked, beside the task and the data, as plain numbers and names.

    Attributes
    ----------
    n, d, k
        Training rows, features, outputs.
    epochs, batch_size, shuffle, seed
        As given to `train`.
    validation
        None, the fraction held out, or ``"given"``.
    dtype
        ``"float64"`` or ``"float32"``.
    learning_rate
        What it was resolved to.
    on_divergence
        ``"stop"`` or ``"continue"``.
    gradient_tolerance, loss_tolerance, patience
        The stopping rules, or None.
    metrics
        Names of what is measured on the validation rows each epoch.
    record
        Bytes the record may take; 0 for none.
    weighted
        Whether rows have weights.
    """

    n: int
    d: int
    k: int
    epochs: int
    batch_size: int | None
    shuffle: bool
    seed: int
    validation: float | str | None
    dtype: str
    learning_rate: float
    on_divergence: str
    gradient_tolerance: float | None
    loss_tolerance: float | None
    patience: int | None
    metrics: tuple[str, ...]
    record: int
    weighted: bool

    @property
    def full_batch(self) -> bool:
        """Whether every update sees all rows."""
        return self.batch_size is None or self.batch_size >= self.n

    @property
    def batches_per_epoch(self) -> int:
        """Updates to an epoch."""
        return 1 if self.full_batch else math.ceil(self.n / (self.batch_size or 1))

    @property
    def updates(self) -> int:
        """Updates in all, if nothing stops the run."""
        return self.epochs * self.batches_per_epoch

    def history_rows(self) -> int:
        """Return how many rows of figures fit half the budget, a power of two."""
        rows = max(self.record // 2 // (_FIGURES * 8), 64)
        return int(2 ** math.floor(math.log2(rows)))

    def describe(self) -> dict[str, Any]:
        """Return the setup as plain data."""
        return {**asdict(self), "metrics": list(self.metrics)}

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> Setup:
        """Return the setup that `describe` described."""
        names = {f.name for f in fields(cls)}
        if set(record) != names:
            msg = f"The run's setup must name {sorted(names)}; found {sorted(record)}."
            raise RunFileError(msg)
        return cls(**{**record, "metrics": tuple(record["metrics"])})

    def with_epochs(self, epochs: int) -> Setup:
        """Return the same with another number of epochs."""
        return replace(self, epochs=epochs)


@final
@dataclass
class Controller:
    """The loop's memory: patience, plateaus, best parameters, what counts as growth.

    It is part of the state of training: a resumed run takes it up where it was.

    Attributes
    ----------
    scale
        What plateaus have multiplied the learning rate by.
    best_loss, best_step, waited
        Of the validation loss, for patience.
    best_theta
        The parameters at `best_step`, or None.
    plateau_loss, plateau_waited
        Of the watched loss, for `reduce_on_plateau`.
    settled_loss, settled_waited
        Of the training loss, for ``loss_tolerance``.
    first_gradient
        The gradient's length before the first update.
    suspicion
        A batch loss above this is looked into.
    ceiling
        An objective above this has diverged; None until something had to be looked into.
    diverged_at
        The first update at which the run had diverged, or None.
    epoch_loss, epoch_mass
        Sums over the current epoch's batches so far: of losses times masses, and of masses.
    """

    scale: float = 1.0
    best_loss: float = math.inf
    best_step: int | None = None
    waited: int = 0
    best_theta: Floats | None = field(default=None, repr=False)
    plateau_loss: float = math.inf
    plateau_waited: int = 0
    settled_loss: float = math.inf
    settled_waited: int = 0
    first_gradient: float | None = None
    suspicion: float | None = None
    ceiling: float | None = None
    diverged_at: int | None = None
    epoch_loss: float = 0.0
    epoch_mass: float = 0.0

    def copy(self) -> Controller:
        """Return one that can go on by itself."""
        return replace(self)

    def describe(self) -> dict[str, Any]:
        """Return the record as plain data, without the parameters."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "best_theta"}

    @classmethod
    def restore(cls, record: Mapping[str, Any], best_theta: Floats | None) -> Controller:
        """Return the controller that `describe` described."""
        return cls(**{**record, "best_theta": best_theta})
