"""What a forecast holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, final

from descend.arrays import Floats

# Columns listed in JSON.
LISTED = 20


class Column(NamedTuple):
    """A column's part in the shape of the bowl.

    Attributes
    ----------
    name
        Its name; ``(intercept)`` for the bias.
    share
        Its part in the steepest direction, 0 to 1: the square of its entry in the eigenvector.
    flat_share
        Its part in the flattest direction that is not null.
    mean, deviation
        Of its entries, as the model meets them.
    """

    name: str
    share: float
    flat_share: float
    mean: float
    deviation: float


class PerRow(NamedTuple):
    """The largest step at which an update on one row alone does not overshoot that row.

    Attributes
    ----------
    smallest, row
        The smallest of the limits, and the row (from 0) that has it.
    limits
        (n,); infinite for rows that move nothing.
    """

    smallest: float
    row: int
    limits: Floats


class Figures(NamedTuple):
    """The figures of a forecast that standardising the columns changes; None where not known.

    Attributes
    ----------
    largest_stable_step, best_step, condition_number, steps_at_best, curvatures, null_directions
        As in `Forecast`.
    """

    largest_stable_step: float | None
    best_step: float | None
    condition_number: float | None
    steps_at_best: int | None
    curvatures: tuple[float, float | None] | None
    null_directions: int | None


@final
@dataclass(frozen=True, eq=False)
class Forecast:
    """What a task will do on its rows; print it to read it.

    Attributes
    ----------
    task
        The task in one line.
    learning_rate
        The step that was chosen, or that ``"auto"`` stands for; None for a rule that searches.
    largest_stable_step
        Plain descent 2/L, momentum 2(1 + beta)/L, Nesterov 2(1 + beta)/((1 + 2 beta) L), with L
        the largest curvature; with batches 2(1 - beta) over their expected smoothness.  None where
        curvature sets no limit.
    guaranteed_step
        Below it a theorem says that no run diverges; None where there is none.
    best_step
        At which the slowest direction shrinks fastest, 2/(L + l) for plain descent; unless
        `exact`, the step that ``"auto"`` stands for.
    growth_per_step
        By how much an unstable step multiplies the error, and the gradient, per update in the long
        run; None unless that is known.
    contraction
        By how much the slowest direction shrinks per update; None where it does not, or is not
        known.
    condition_number
        The largest curvature over the smallest that is not null.
    steps_to_one_percent, steps_at_best
        Updates until the slowest direction is within 1 % of its optimum, ln 0.01 / ln contraction:
        at the chosen step, and at the best.  At least so many where the basis is a bound, since
        curvatures may be smaller; with batches, of the average path.
    left_after
        The share of the first error left in the slowest direction after the epochs asked for.
    exact
        Whether the figures are exact, and no bound or indication.
    basis, because
        ``"exact"``, ``"bound"`` or ``"indicator"``; and why, in a sentence.
    stable
        True: the step is below the guaranteed one; False: it is beyond the limit and leads away
        for certain; None: neither is known.
    oscillates
        Whether some direction overshoots, so that its error changes sign at each update.
    curvatures
        The largest, and the smallest that is not null.
    null_directions
        Directions no row tells apart, per output; steps leave them as they began.
    per_row
        Limits of updates on one row; None for the full batch.
    standardized
        The same figures, were the columns standardised; None if they are, or it is not known.
    columns
        Each column's part in the steepest direction, the largest first.
    notes
        Sentences on what else bears on the figures: schedule, clipping, kinks.
    rows_looked_at, rows
        Rows the figures rest on, and rows there are.
    passes
        How often all rows were looked at.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> found = ds.forecast(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> found.stable, found.steps_to_one_percent
    (True, 81)
    """

    task: str
    learning_rate: float | None
    largest_stable_step: float | None
    guaranteed_step: float | None
    best_step: float | None
    growth_per_step: float | None
    contraction: float | None
    condition_number: float | None
    steps_to_one_percent: int | None
    steps_at_best: int | None
    left_after: float | None
    exact: bool
    basis: str
    because: str
    stable: bool | None
    oscillates: bool
    curvatures: tuple[float, float | None] | None
    null_directions: int | None
    per_row: PerRow | None
    standardized: Figures | None
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    rows_looked_at: int
    rows: int
    passes: int

    def __str__(self) -> str:
        """Return the forecast in sentences."""
        from descend.forecasting.saying import said  # noqa: PLC0415 - it reads forecasts

        return said(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, with the sentences; of the columns the first 20, of the rows none."""
        found: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        per_row, standard = self.per_row, self.standardized
        return found | {
            "per_row": None
            if per_row is None
            else {"smallest": per_row.smallest, "row": per_row.row},
            "standardized": None if standard is None else standard._asdict(),
            "columns": [column._asdict() for column in self.columns[:LISTED]],
            "notes": list(self.notes),
            "sentences": str(self).splitlines(),
        }
