"""A slice through a model: chosen columns move, the others are held at their mean.

Conventions: X (m, d) as the model meets it; a column's own unit is mean + scale times that.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
>>> run = ds.train(task, [[0.0, 1.0], [2.0, 3.0]], [1.0, 3.0], epochs=1)
>>> seen = look(run)
>>> seen.names, seen.held
(('x1', 'x2'), array([1., 2.]))
>>> X = along(seen, 0, count=3)
>>> answers(seen, np.array([3.0, 4.0, 5.0]), X)[:, 0]
array([12.7, 16. , 19.3])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.engines import scores_of
from descend.errors import InputError, did_you_mean
from descend.losses import predicted
from descend.plots.words import short
from descend.run import Run
from descend.showing.relied import relied_on
from descend.showing.samples import Rows, Units, rows_of, units_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.arrays import Array

# Beyond the outermost rows, as a share of what they span.
MARGIN = 0.05
# Names in a sentence at most, and so long that no name is cut.
_TOLD, _WHOLE = 8, 10_000


class Look(NamedTuple):
    """A run with the rows it is looked at by.

    Attributes
    ----------
    run, rows, units
        The run; rows of it to show, as the model meets them; the units of its columns.
    names
        Of the columns.
    held
        (d,): where a column stands that does not move, the mean of the training rows shown.
    """

    run: Run
    rows: Rows
    units: Units
    names: tuple[str, ...]
    held: Floats

    @property
    def labels(self) -> bool:
        """Whether the model answers with labels."""
        return self.run.task.loss.targets in {"labels", "two labels"}

    @property
    def k(self) -> int:
        """How many outputs there are."""
        return self.run.setup.k

    @property
    def targets(self) -> Floats:
        """The targets of the rows in their own unit (m, k), or the codes of their labels."""
        y = self.rows.y
        return y if self.labels else self.units.target_mean + self.units.target_scale * y


def look(run: Run, limit: int = 5000) -> Look:
    """Return the run with at most `limit` of its rows.

    Raises
    ------
    InputError
        If the run has no rows at hand.
    """
    rows = rows_of(run, limit)
    if rows is None:
        msg = (
            "This picture needs the rows the run was trained on, and the run has none at hand; "
            "give them back with run.attach(X, y), or --data TABLE."
        )
        raise InputError(msg)
    train = rows.part == 0
    weight = None if rows.weight is None or not rows.weight[train].any() else rows.weight[train]
    held = np.average(rows.X[train], axis=0, weights=weight)
    units = units_of(run)
    return Look(run, rows, units, tuple(map(str, units.features)), held)


# ---------------------------------------------------------------- columns


def column(seen: Look, asked: str | int | None, usual: int) -> int:
    """Return the place of the column asked for by name or number, or the usual one.

    Raises
    ------
    InputError
        If there is no such column.
    """
    names = seen.names
    if asked is None:
        return usual
    if isinstance(asked, str):
        found = named(names, asked) or _became(seen, asked)
        if found is not None:
            return names.index(found)
    whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
    if whole and 0 <= int(asked) < len(names):
        return int(asked)
    shown = ", ".join(map(repr, names[:_TOLD])) + (", …" if len(names) > _TOLD else "")
    msg = f"There is no column {asked!r}{did_you_mean(str(asked), names)}; there are {shown}."
    raise InputError(msg)


def named(names: Iterable[str], asked: str) -> str | None:
    """Return the one of some names that is asked for, as it is or as figures show it.

    >>> named(("a  b", "y"), "a b"), named(("a  b", "a b"), "a b"), named(("x",), "y")
    ('a  b', 'a b', None)
    """
    names = tuple(names)
    if asked in names:
        return asked
    alike = [name for name in names if short(name, _WHOLE) == short(asked, _WHOLE)]
    return alike[0] if len(alike) == 1 else None


def _became(seen: Look, asked: str) -> str | None:
    """Return the feature that a column of the table became; None where there is no such column.

    Raises
    ------
    InputError
        If it became several.
    """
    if seen.run.encoder is None:
        return None
    from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

    plans = {plan.name: plan for plan in Encoder.from_json(seen.run.encoder).columns}
    column = named(plans, asked)
    features = [] if column is None else [f for f in plans[column].features if f in seen.names]
    if len(features) > 1:
        told = ", ".join(map(repr, features[:_TOLD])) + (", …" if len(features) > _TOLD else "")
        msg = f"The column {column!r} became {len(features)} features: {told}; ask for one of them."
        raise InputError(msg)
    return features[0] if features else None


def chosen(seen: Look, x: str | int | None, y: str | int | None = None) -> tuple[int, int | None]:
    """Return the places of two columns asked for, by default those the model relies on most.

    The second is None where there is but one column.
    """
    if x is not None and y is not None:
        return column(seen, x, 0), column(seen, y, 0)
    order = [int(j) for j in relied_on(seen.run, seen.rows)]
    if y is not None:
        up = column(seen, y, 0)
        return column(seen, x, next((j for j in order if j != up), up)), up
    across = column(seen, x, order[0])
    return across, next((j for j in order if j != across), None)


def own(seen: Look, j: int, met: Any) -> Any:
    """Return entries of a column in its own unit."""
    return seen.units.mean[j] + seen.units.scale[j] * np.asarray(met)


def span(seen: Look, j: int) -> tuple[float, float]:
    """Return the range of a column to draw, as the model meets it: its rows and a margin."""
    entries = seen.rows.X[:, j]
    low, high = float(entries.min()), float(entries.max())
    pad = MARGIN * (high - low) or max(abs(low), 1.0) / 2
    return low - pad, high + pad


# ---------------------------------------------------------------- slices and answers


def along(seen: Look, j: int, count: int = 300) -> Floats:
    """Return rows (count, d) along column j, the others held."""
    X = np.tile(seen.held, (count, 1))
    X[:, j] = np.linspace(*span(seen, j), count)
    return X


def plane(seen: Look, i: int, j: int, shape: tuple[int, int] = (120, 160)) -> Floats:
    """Return rows (nv · nu, d) over the plane of columns i (across) and j (up), the others held."""
    nv, nu = shape
    across, up = np.meshgrid(np.linspace(*span(seen, i), nu), np.linspace(*span(seen, j), nv))
    X = np.tile(seen.held, (nv * nu, 1))
    X[:, i], X[:, j] = across.ravel(), up.ravel()
    return X


def raw_scores(seen: Look, theta: Floats, X: Floats) -> Floats:
    """Return the raw scores (m, k) of rows as the model meets them."""
    run = seen.run
    return scores_of(run.task, run.layout, theta, X.astype(run.theta.dtype, copy=False))


def answers(seen: Look, theta: Floats, X: Floats) -> Floats:
    """Return what is predicted (m, k): numbers in their own unit; probabilities, or raw scores."""
    loss = seen.run.task.loss
    scores = raw_scores(seen, theta, X)
    if seen.labels:
        return predicted(loss, scores) if loss.proper else scores
    units = seen.units
    with np.errstate(all="ignore"):
        found: Floats = units.target_mean + units.target_scale * predicted(loss, scores)
    return found


def codes(seen: Look, theta: Floats, X: Floats) -> Array:
    """Return the place of the label predicted for each row (m,); of two labels by output (m, k)."""
    scores = raw_scores(seen, theta, X)
    if seen.run.task.loss.targets == "labels":
        return np.asarray(scores.argmax(axis=1))
    found = (scores > 0).astype(np.int64)
    return found[:, 0] if found.shape[1] == 1 else found
