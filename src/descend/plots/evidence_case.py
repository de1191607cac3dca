"""A finding to be drawn: the run it was found in, and what its evidence says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from descend.models import forward
from descend.showing.samples import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes

    from descend.arrays import Array, Floats
    from descend.plots.style import Theme
    from descend.run import Run
    from descend.showing.samples import Rows

    # What draws into one axes; a finding has one or two of them.
    Panel: TypeAlias = Callable[[Axes], None]

_ROWS = 3000


@final
@dataclass(frozen=True)
class Case:
    """A finding and its run.

    Attributes
    ----------
    run, finding, theme
        What was recorded, what the doctor found in it, and the colours to draw it in.
    """

    run: Run
    finding: Any
    theme: Theme

    @property
    def seen(self) -> Mapping[str, Any]:
        """The evidence."""
        evidence: Mapping[str, Any] = self.finding.evidence
        return evidence

    @cached_property
    def rows(self) -> Rows | None:
        """The rows to show, or None."""
        return rows_of(self.run, _ROWS)

    @cached_property
    def scores(self) -> Floats:
        """The scores of those rows at the returned parameters (m, k)."""
        assert self.rows is not None
        with np.errstate(all="ignore"):
            found = forward(self.run.task.model, self.run.theta, self.run.layout, self.rows.X)[0]
        return np.asarray(found, dtype=np.float64)

    @property
    def targets(self) -> str:
        """What the targets are: numbers, counts, two labels or labels."""
        return str(self.run.task.loss.targets)

    @property
    def labelled(self) -> bool:
        """Whether targets are labels."""
        return self.targets in {"two labels", "labels"}

    def place(self, name: Any) -> int:
        """Return a column's place among the features; -1 if it is none."""
        names = list(self.run.names)
        return names.index(name) if name in names else -1

    def numbers(self, *names: str) -> dict[str, float]:
        """Return those entries of the evidence that are numbers, under names for people."""
        found = {name: self.seen.get(name) for name in names}
        return {
            name.replace("_", " "): float(value)
            for name, value in found.items()
            if isinstance(value, int | float | np.number) and np.isfinite(value)
        }

    def marked(self, rows: Rows) -> Array:
        """Return which of the rows shown the evidence names (training rows)."""
        named = self.seen.get("rows", self.seen.get("suspicious_rows", []))
        found: Array = np.isin(rows.index, np.asarray(named, dtype=np.int64)) & (rows.part == 0)
        return found
