"""Planes: the objective at many points of a plane of parameters, as fast as a picture needs it.

A layer's sums are linear in its parameters.  On the plane ``origin + u d1 + v d2`` those of the
first layer are therefore ``Z0 + u Z1 + v Z2``, with three products of the rows taken once; only
what follows is computed for every point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend import losses, models, penalties
from descend.activations import value as activate
from descend.arrays import Array, Floats
from descend.custom import CustomModel
from descend.scaling import applied, fold
from descend.showing.samples import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.run import Run

# At most so many rows; fewer where points × rows × units would be more than WORK: a second or so.
ROWS, FEWEST, WORK = 20_000, 256, 50_000_000
# An own model is asked point by point.
OWN_ROWS = 1000
# Numbers in work at once: what the processor keeps near.
_BLOCK, _ROWS_AT_ONCE = 1 << 16, 1 << 10


class Plane(NamedTuple):
    """The points ``origin + u directions[0] + v directions[1]``: (P,) and (2, P)."""

    origin: Floats
    directions: Floats


@final
class Objective:
    """The objective of a run over its training rows, or over a keyed sample of them.

    Parameters
    ----------
    run
        With its rows attached.
    points
        At how many points it will be asked for: more points, fewer rows.

    Attributes
    ----------
    rows, of
        How many rows it is taken over, and how many there are.
    """

    def __init__(self, run: Run, points: int) -> None:
        data = run.data
        if data is None:
            raise AssertionError
        self.task, self.layout, self.dtype = run.task, run.layout, run.theta.dtype
        self.of = len(data.y)
        chosen = drawn(self.of, self._affordable(run, points), run.setup.seed)
        self.rows = len(chosen)
        everything: Any = slice(None) if self.rows == self.of else chosen
        self._X, self._scaling = applied(data.X[everything], data.scaling)
        self._y = data.y[everything]
        self._weights = None if data.weights is None else data.weights[everything]
        # Sums over a sample stand for sums over all rows.
        mass = losses.mass(self._weights, self.rows, "mean")
        whole = losses.mass(data.weights, self.of, "mean")
        self._divisor = mass if self.task.reduction == "mean" else mass / whole
        reach = penalties.reach(self.task.penalty, self.layout)
        penalty = self.task.penalty
        self._l1 = reach * (0.0 if penalty is None else penalty.l1)
        self._l2 = reach * (0.0 if penalty is None else penalty.l2)

    def _affordable(self, run: Run, points: int) -> int:
        model = run.task.model
        if isinstance(model, CustomModel):
            return OWN_ROWS
        units = sum(model.hidden) + run.setup.k
        return min(ROWS, max(WORK // (units * max(points, 1)), FEWEST))

    def at(self, theta: Floats) -> float:
        """Return the objective at parameters (P,); it may be infinite, or NaN."""
        plane = Plane(theta, np.zeros((2, len(theta))))
        return float(self.over(plane, np.zeros((1, 2)))[0])

    def over(self, plane: Plane, where: Floats) -> Floats:
        """Return the objective at points of a plane, given their u and v: (T, 2) to (T,)."""
        with np.errstate(all="ignore"):
            own = isinstance(self.task.model, CustomModel)
            reduced = self._point_by_point(plane, where) if own else self._layered(plane, where)
            return reduced / self._divisor + self._penalties(plane, where)

    # ------------------------------------------------------------ losses, summed over the rows

    def _point_by_point(self, plane: Plane, where: Floats) -> Floats:
        sums = np.empty(len(where))
        for i, (u, v) in enumerate(where):
            theta = plane.origin + u * plane.directions[0] + v * plane.directions[1]
            point = theta.astype(self.dtype)
            scores = models.forward(self.task.model, point, self.layout, self._X)[0]
            sums[i] = self._summed(scores[None], slice(None))[0]
        return sums

    def _layered(self, plane: Plane, where: Floats) -> Floats:
        model = models.layered(self.task.model)
        folded = [
            fold(part.astype(np.float64), self.layout, self._scaling)
            for part in (plane.origin, *plane.directions)
        ]
        stacks = [models.layers(model, layout.split(part)) for part, layout in folded]
        layers = list(zip(*stacks, strict=True))
        widest = max((*model.hidden, self._scores_wide(layers)))
        sums = np.zeros(len(where))
        for rows in _blocks(self.rows, _ROWS_AT_ONCE):
            first = _first_sums(self._X[rows], layers[0])
            height = min(self.rows, _ROWS_AT_ONCE)
            for points in _blocks(len(where), max(_BLOCK // (height * widest), 1)):
                u, v = where[points, 0, None, None], where[points, 1, None, None]
                passed = _on_plane(first, u, v)
                for layer in layers[1:]:
                    weights, biases = zip(*layer, strict=True)
                    passed = activate(model.activation, passed) @ _on_plane(weights, u, v)
                    if biases[0] is not None:
                        passed = passed + _on_plane([b[None] for b in biases], u, v)
                sums[points] += self._summed(passed, rows)
        return sums

    @staticmethod
    def _scores_wide(layers: Any) -> int:
        return int(layers[-1][0][0].shape[1])

    def _summed(self, scores: Floats, rows: slice) -> Floats:
        """Return the weighted sum of the losses of some rows, for scores (T, rows, k): (T,)."""
        count, y = len(scores), self._y[rows]
        tiled = np.tile(y, (count,) + (1,) * (y.ndim - 1))
        per_row = losses.rows(self.task.loss, scores.reshape(-1, scores.shape[2]), tiled)
        wide = np.asarray(per_row, dtype=np.float64).reshape(count, -1)
        weights = self._weights
        found: Floats = wide.sum(axis=1) if weights is None else wide @ weights[rows]
        return found

    # ------------------------------------------------------------ the penalty

    def _penalties(self, plane: Plane, where: Floats) -> Floats:
        found = np.zeros(len(where))
        if self.task.penalty is None:
            return found
        for points in _blocks(len(where), max(_BLOCK // self.layout.size, 1)):
            theta = plane.origin + where[points] @ plane.directions
            found[points] = np.abs(theta) @ self._l1 + 0.5 * (theta * theta) @ self._l2
        return found


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, n, size))


def _first_sums(X: Any, layer: Any) -> list[Floats]:
    """Return X W + b for the first layer of the origin and of both directions."""
    return [X @ weight if bias is None else X @ weight + bias for weight, bias in layer]


def _on_plane(parts: Any, u: Array, v: Array) -> Floats:
    """Return parts (a, b) of origin and directions combined at each point: (T, a, b)."""
    origin, first, second = parts
    found: Floats = origin + u * first + v * second
    return found
