"""The subject of a report: a run, its table where there is one, and its rows judged once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.showing.intervals import Intervals, intervals, measures
from descend.showing.judged import Judged, judged, judged_rows
from descend.showing.samples import units_of

if TYPE_CHECKING:
    from descend.doctor import Diagnosis
    from descend.run import Run
    from descend.tables import Prepared

_PARTS = {"train": "training", "validation": "validation", "test": "test"}


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes
    ----------
    run
        With its rows attached, or without.
    prepared
        The table's rows, or None.
    command
        The line that repeats the run, or None.
    """

    run: Run
    prepared: Prepared | None = None
    command: str | None = None

    @property
    def labels(self) -> bool:
        """Whether labels are predicted, not numbers."""
        return self.run.classes is not None

    @property
    def target(self) -> str:
        """The name of what is predicted."""
        return units_of(self.run).target

    @property
    def table(self) -> str | None:
        """The table's file name without its folder, or None."""
        named = None if self.run.source is None else str(self.run.source["named"])
        return named if named is None else Path(named).name

    @cached_property
    def parts(self) -> dict[str, Judged]:
        """The rows of each part beside what is predicted of them; empty without rows."""
        if self.prepared is not None:
            parts = ((name, getattr(self.prepared, part)) for part, name in _PARTS.items())
            return {n: judged_rows(self.run, p.X, p.y, p.weights, n) for n, p in parts}
        found = {}
        for name in ("training", "validation"):
            try:
                found[name] = judged(self.run, name)
            except InputError:
                continue
        return found

    @property
    def held(self) -> Judged | None:
        """The rows that judge the run best: test, else validation, else training rows."""
        return list(self.parts.values())[-1] if self.parts else None

    @property
    def unseen(self) -> bool:
        """Whether the run has not learnt from those rows."""
        return self.held is not None and self.held.part != "training"

    @cached_property
    def intervals(self) -> Intervals | None:
        """The metrics of those rows with their intervals."""
        return None if self.held is None else intervals(self.held, self.run.setup.seed)

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The metrics of each part."""
        return {name: measures(part) for name, part in self.parts.items()}

    @cached_property
    def ignorant(self) -> Judged | None:
        """What the model that knows nothing says of those rows: the mean, or the shares."""
        return None if self.held is None else knowing_nothing(self.parts["training"], self.held)

    @cached_property
    def baseline(self) -> dict[str, float]:
        """The metrics of that model on the same rows."""
        return {} if self.ignorant is None else measures(self.ignorant)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor finds."""
        found: Diagnosis = self.run.diagnose()
        return found


def knowing_nothing(training: Judged, held: Judged) -> Judged:
    """Return what the training rows' mean, or the shares of their labels, predict for others."""
    truth, w = training.truth, training.weight
    if truth.dtype.kind == "f":
        guess: Any = np.average(truth, axis=0, weights=w)
        return held._replace(predicted=np.broadcast_to(guess, held.truth.shape))
    if truth.ndim == 2:  # noqa: PLR2004 - several two-label outputs
        p = np.average(truth, axis=0, weights=w)
        both = np.broadcast_to(p, held.truth.shape)
        return held._replace(predicted=(both > 0.5).astype(int), probabilities=both)  # noqa: PLR2004
    count = held.scores.shape[1] if held.probabilities is None else held.probabilities.shape[1]
    shares = np.bincount(truth, weights=w, minlength=max(count, 2))
    shares = shares / shares.sum()
    guess = np.full(len(held.truth), shares.argmax())
    return held._replace(
        predicted=guess, probabilities=np.broadcast_to(shares, (len(guess), len(shares)))
    )
