"""A branch: one training of a session, with what was changed along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend import training
from descend.lab.sharpness import Sharpness
from descend.page import parts
from descend.run.telling import sentence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from descend.arrays import Floats
    from descend.lab.goals import Reached
    from descend.lab.rows import Rows
    from descend.lab.settings import Settings
    from descend.run import Run

# Figures that belong to the end of an epoch; the others to the point before an update.
PER_EPOCH = ("epoch_loss", "validation_loss")

Change = tuple[int, dict[str, Any]]  # after how many updates, and what: as the address has it


COURSE, FEW = 240, 24  # points of a course, at most; and how many are few


class Origin(NamedTuple):
    """Which branch another began from, and after how many of its updates."""

    branch: int
    step: int


@final
class Branch:
    """One training of a session.

    Parameters
    ----------
    number
        By which page and session know it; never given twice.
    settings
        With which it begins.
    rows
        What it learns from.
    changes
        To be made again, each once its step is reached.
    until
        The step it is brought to before anybody looks.
    origin
        Of a branch of a branch.
    engine
        Of the first updates.
    against
        What its settings are compared with; default those it begins with.
    recorded
        A run of these settings, with its rows, to go on with; default none.

    Attributes
    ----------
    settings
        In force now: the changes included.
    changes
        All that were made, in order.
    pending
        The changes whose steps are still to come.
    ended
        Why it cannot go on, in a sentence, or None.
    sharpness
        What was seen of its curvature.
    surface_at
        How many updates were done when a surface was last asked for.
    name, place
        What a person calls it, or ""; and which of the colours it has, from 0.
    raced
        Whether a race began it, and may take its place.
    inherited
        How many of the changes it has from its origin.
    course
        Its losses, thinned: the update each belongs to, and the loss.
    goals
        By text: when each was reached, or None where it was too late.
    """

    def __init__(  # noqa: PLR0913 - what makes a branch
        self,
        number: int,
        settings: Settings,
        rows: Rows,
        *,
        changes: Sequence[Change] = (),
        until: int = 0,
        origin: Origin | None = None,
        engine: str = "numpy",
        against: Settings | None = None,
        recorded: Run | None = None,
    ) -> None:
        self.number, self.origin, self.rows = number, origin, rows
        self.course: list[tuple[int, float]] = []
        self.begun = self.settings = settings
        self.changes: list[Change] = []
        self.ended: str | None = None
        self.sharpness, self.surface_at = Sharpness(), 0
        self.goals: dict[str, Reached | None] = {}
        self.live = self._begun(engine) if recorded is None else training.lead(recorded)
        self.pending = list(changes)
        self._change_what_is_due()
        self.advance(until - self.live.step)
        self.name, self.place, self.raced = "", 0, False
        if recorded is not None:
            self.course = _course(self.live)
        self.against = self.settings if against is None else against
        self.inherited = len(self.changes)

    def _begun(self, engine: str) -> training.Live:
        """Return a training of the settings, before its first update."""
        rows, settings = self.rows, self.settings
        return training.begin(
            settings.task(),
            rows.X,
            rows.y,
            engine=engine,
            **rows.arguments(),
            **settings.train_arguments(),
        )

    @property
    def step(self) -> int:
        """Updates done."""
        return self.live.step

    def advance(self, updates: int) -> None:
        """Train on; where that ends the training, `ended` says why."""
        until = self.step + updates
        while self.step < until and self.ended is None:
            stretch = min([until, *(step for step, _ in self.pending[:1])]) - self.step
            reason = self.live.advance(stretch)
            self._note(stretch)
            if reason is not None:
                self.ended = self.live.run().outcome.sentence
            self._change_what_is_due()

    def _change_what_is_due(self) -> None:
        """Make the changes again whose step has come."""
        while self.pending and self.pending[0][0] <= self.step:
            self.change(self.pending.pop(0)[1])

    def _note(self, updates: int) -> None:
        """Add to the course; while it has few points, those between come from the record."""
        if self.live.loss is None:
            return
        if updates > 1 and len(self.course) < FEW:
            self.course = _course(self.live)
        else:
            self.course = _thinned([*self.course, (self.step - 1, self.live.loss)])

    def change(self, change: dict[str, Any]) -> tuple[str, ...]:
        """Change what a training can go on with, or set a parameter by hand; from here on.

        Returns
        -------
        tuple of str
            What else had to change, in sentences.
        """
        said: tuple[str, ...] = ()
        if "edit" in change:
            self.live.edit(change["edit"]["at"], change["edit"]["to"])
            self._remember(change)
        else:
            after, said = self.settings.with_changes(change)
            before, plain = self.settings.plain(), after.plain()
            self.live.change(**_parts_of(self.settings, after))
            self.settings = after
            # One at a time, in full: so the address writes them.
            for name in [name for name in plain if plain[name] != before[name]]:
                self._remember({name: plain[name]})
        self.ended = None
        return said

    def _remember(self, change: dict[str, Any]) -> None:
        """Note a change; of several to the same thing at the same step the last one counts."""
        keys = set(change)
        kept = [
            (step, other)
            for step, other in self.changes
            if step != self.step or set(other) != keys or "edit" in other
        ]
        self.changes = [*kept, (self.step, change)]

    def recipe(self, step: int) -> list[Change]:
        """Return the changes that were made up to a step."""
        return [change for change in self.changes if change[0] <= step]

    def run(self) -> Run:
        """Return the run as it stands: a copy, which further updates do not touch."""
        return self.rows.signed(self.live.run())

    def later(self) -> Callable[[], Run]:
        """Return what makes the run as it stands, for another thread to call."""
        make, rows = self.live.later(), self.rows
        return lambda: rows.signed(make())

    def figures(self) -> dict[str, tuple[int, float]]:
        """Return what the history has of the last update: how many were done when, and what."""
        m = self.live.updates_per_epoch
        return {
            name: (self.step // m * m if name in PER_EPOCH else max(self.step - 1, 0), value)
            for name, value in self.live.figures.items()
        }

    def marks(self) -> list[dict[str, Any]]:
        """Return what was changed along the way, in words; engines are no business of learners."""
        layout, kinds = self.live.layout, ("scale", "change", "edit")
        events = [event for event in self.live.events if event["kind"] in kinds]
        return [{"step": e["step"], "sentence": sentence_of(e, layout)} for e in events]

    def optimizer(self) -> dict[str, Any]:
        """Return the optimizer with its numbers in force, as the page has it."""
        live = self.live
        return parts.rule_of(live.task.optimizer.rule, live.learning_rate, live.batch_size)

    def theta(self, step: int) -> Floats:
        """Return the parameters after a number of updates, exactly."""
        theta = self.live.theta if step == self.step else self.live.at(step).theta
        return np.asarray(theta, dtype=np.float64)


def _thinned(course: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return a course that is short enough: of too many points every other one, and the last."""
    return course if len(course) <= COURSE else [*course[:-1:2], course[-1]]


def _course(live: training.Live) -> list[tuple[int, float]]:
    """Return the losses of what was trained before anybody looked."""
    history = live.history
    losses = history["loss"].tolist()
    course = list(zip(history.steps[:, 0].tolist(), losses, strict=True))
    apart = -(-len(course) // (COURSE // 2)) or 1
    return [*course[:-1:apart], *course[-1:]]


def _parts_of(before: Settings, after: Settings) -> dict[str, Any]:
    """Return what is different, as `Live.change` takes it."""
    task = after.task()
    found: dict[str, Any] = {}
    if after.learning_rate != before.learning_rate:
        found["learning_rate"] = after.learning_rate
    if after.optimizer != before.optimizer:
        found["optimizer"] = task.optimizer
    if after.penalty != before.penalty:
        found["penalty"] = task.penalty
    return found
