"""The truth about a function of which only values are known, or an engine's derivatives.

The derivative of the function's own (`objectives`) is held against differences along a few
directions; where it does not agree, or there is none, differences by every entry decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import is_sparse, trains
from descend.gradcheck.calls import Data
from descend.gradcheck.differences import along, central
from descend.gradcheck.objectives import Engined, Written
from descend.gradcheck.truths import (
    NUMERIC,
    ROWS,
    STATE,
    Truth,
    Variation,
    repeated,
    rows_of,
    thetas_of,
)
from descend.randomness import normals

if TYPE_CHECKING:
    from descend.arrays import Array, Floats, Layout
    from descend.gradcheck.calls import Probe, Seen

# Every score against every target takes n² rows.
BROADCAST = 200
# What differs by less, relatively, is taken for the same when a penalty is looked for.
STEADY = 1e-5
DIRECTIONS = 3
# Beside a kink a weight or two may seem to be pulled otherwise.
MOST = 0.7


@final
class OfFunction:
    """The judge of a gradient whose parts are not known; see `descend.gradcheck.truths.Judge`."""

    points = 4

    def __init__(self, objective: Written | Engined, layout: Layout, data: Data) -> None:
        self.objective, self.layout, self.source = objective, layout, data
        self.takes = objective.takes
        self.l1 = np.zeros(layout.size)
        self.l2 = np.zeros(layout.size)
        self.biases = _on(layout, lambda name: name.endswith("bias"))
        self.fixed = _on(layout, lambda name: not trains(name))
        self.named = any(name.endswith(("weight", "bias")) for name, _ in layout.entries)
        if isinstance(objective, Engined):
            self.l1 += objective.problem.l1
            self.l2 += objective.problem.l2
            self.biases = 1.0 - layout.weights()
        self.alone = True
        self.apart = 0.0
        self._strength = 0.0
        self._directions = normals(DIRECTIONS * layout.size, 0, "sample").reshape(DIRECTIONS, -1)
        self._directions *= (1 - self.fixed) / np.sqrt(max(layout.size, 1))
        self._kept: dict[Any, tuple[Floats, Floats]] = {}

    def over(self, rows: Array) -> OfFunction:
        """Return the judge of the same over some of the rows."""
        data = self.source.of_rows(rows)
        objective = self.objective
        if isinstance(objective, Engined):
            return OfFunction(Engined(objective.of_rows(rows)), self.layout, data)
        return OfFunction(Written(objective.function, data, objective.autodiff), self.layout, data)

    @property
    def judges(self) -> tuple[str, ...]:
        """By what the gradient is judged."""
        differences = "central differences"
        return (self.objective.title, differences) if self.alone else (differences,)

    def columns(self) -> int:
        """Return the columns of y."""
        y = self.source.parts[1]
        return int(y.shape[1]) if y is not None and y.ndim == 2 else 1  # noqa: PLR2004

    def mass(self, rows: Any) -> list[float]:
        """Return how many rows there are, and the sum of their weights."""
        return self.source.mass(rows)

    def variations(self) -> list[Variation]:
        """Return the mistakes that can be tried without knowing the parts."""
        found = list(STATE)
        n = self.source.n
        if self.takes and n > 1:
            found += ROWS
        free = self.takes > 2 or self.source.parts[2] is None  # noqa: PLR2004 - X, y and weights
        if self.takes and free and 1 < n <= BROADCAST and self.columns() == 1:
            found.append(Variation("broadcast", "slope", "broadcast"))
        return found

    def at(self, seen: Seen, variations: tuple[Variation, ...] = ()) -> Truth:
        """Return the truth at a probe, or what it would be with some mistakes."""
        choice = {v.stage: v.choice for v in variations}
        rows = rows_of(seen.probe.rows, self.source.n, choice.get("rows", ""))
        if "rows" in choice:
            # As many rows as before, all of them that one: weights within f still fit.
            count = self.source.n if seen.probe.rows is None else len(seen.probe.rows)
            rows = np.repeat(rows, count)
        targets = None
        if "slope" in choice:
            every = np.arange(self.source.n) if rows is None else rows
            rows, targets = np.repeat(every, len(every)), np.tile(every, len(every))
        thetas = thetas_of(seen, choice.get("theta", ""))
        found = [self.gradient(theta, rows, targets) for theta in thetas]
        whole = np.sum(thetas, axis=0)
        total = np.sum([g for g, _ in found], axis=0) - self.l2 * whole
        error = np.max([e for _, e in found], axis=0)
        size = float(np.abs(total[np.isfinite(total)]).max(initial=0.0))
        tolerance = NUMERIC * size + 10 * error + np.finfo(float).tiny
        # What is not trained has no gradient to judge.
        tolerance = np.where(self.fixed > 0, np.finfo(float).max / 1e9, tolerance)
        return Truth(total, tolerance, repeated(self.layout, self._errors(total)), whole)

    def _errors(self, gradient: Floats) -> dict[str, Floats]:
        """Return the bias gradient that goes with each weight slice, where there is one."""
        parts = self.layout.split(gradient)
        found = {}
        if not self.named and self.biases.sum() == 1 < self.layout.size:
            alone = gradient[self.biases > 0]
            return {n: alone for n, _ in self.layout.entries} if len(parts) > 1 else {}
        for name, shape in self.layout.entries:
            partner = name.removesuffix("weight") + "bias"
            if name.endswith("weight") and partner in parts and parts[partner].shape == shape[1:]:
                found[name] = parts[partner].ravel()
        return found

    def total(self, theta: Floats) -> Floats:
        """Return the whole gradient at theta."""
        return self.gradient(theta)[0]

    def confirms(self, seen: Seen, loosen: float) -> bool:
        """Tell whether what was given is right along a few directions."""
        theta, given = seen.probe.theta, seen.given
        if not np.isfinite(given).all():
            return False
        found, error = along(self._real_at(None, None), theta, self._directions)
        size = float(np.abs(given).max(initial=0.0))
        gap = np.abs(self._directions @ given - found)
        return bool((gap <= 20 * error + 10 * loosen * NUMERIC * size).all())

    def gradient(
        self, theta: Floats, rows: Any = None, targets: Any = None
    ) -> tuple[Floats, Floats]:
        """Return the gradient of f (P,) and how far each entry is to be trusted."""
        key = tuple(None if a is None else a.tobytes() for a in (theta, rows, targets))
        if key not in self._kept:
            self._kept[key] = self._judged(theta, rows, targets)
        return self._kept[key]

    def _judged(self, theta: Floats, rows: Any, targets: Any) -> tuple[Floats, Floats]:
        value = self._real_at(rows, targets)
        if not np.isfinite(value(theta)):
            return np.full(theta.size, np.nan), np.full(theta.size, np.inf)
        own = self._own(theta, rows, targets)
        if own is not None:
            found, error = along(value, theta, self._directions)
            size = float(np.abs(own).max(initial=0.0))
            gap = np.abs(self._directions @ own - found)
            agree = bool((gap <= 20 * error + NUMERIC * size).all())
            self.apart = max(self.apart, float(gap.max() / max(size, 1e-300)))
            if agree or self.objective.trusted:
                doubt = float(error.max())
                return own, np.full(theta.size, doubt if doubt > NUMERIC * size else 0.0)
            self.alone = False
        found, uncertain = central(value, theta)
        return np.where(self.fixed > 0, 0.0, found), np.where(self.fixed > 0, 0.0, uncertain)

    def _own(self, theta: Floats, rows: Any, targets: Any) -> Floats | None:
        """Return the derivative that the function brings along, if it does."""
        if not self.alone:
            return None
        try:
            found = self.objective.slope(theta, rows, targets)
        except Exception:
            if rows is None:
                raise
            return None  # whatever comes of rows that the user did not ask for stays here
        self.alone = found is not None
        return found

    def _real_at(self, rows: Any, targets: Any) -> Any:
        """Return theta -> f, not a number where f will not have it."""

        def value(theta: Floats) -> float:
            try:
                found = self.objective.value(theta, rows, targets)
                return float(np.real(found))
            except Exception:  # noqa: BLE001 - the user did not ask for this theta or these rows
                return float("nan")

        return value

    def roughness(self, probe: Probe, directions: list[Floats], width: float) -> Floats:
        """Return how little the differences settle about a probe."""
        del directions, width
        found, error = self.gradient(probe.theta)
        size = float(np.abs(found[np.isfinite(found)]).max(initial=0.0))
        return np.asarray(error / max(size, np.finfo(float).tiny))

    def agreement(self, seen: Seen) -> float:
        """Return how far the judges were apart."""
        del seen
        return self.apart

    def describe(self) -> str:
        """Return the function's name."""
        return self.objective.name

    def look_for_penalty(self, looks: list[Seen]) -> None:
        """Find a ridge penalty within f: what is left of the gradient when every x is 0.

        Then the data pulls at no weight that is multiplied by x, and what still pulls, in
        proportion to the weight, is the penalty.
        """
        X = self.source.parts[0]
        if not isinstance(self.objective, Written) or self.takes == 0 or is_sparse(X):
            return
        if not hasattr(X, "dtype") or X.dtype.kind not in "bif":
            return
        data = Data(np.zeros_like(X), *self.source.parts[1:])
        empty = OfFunction(Written(self.objective.function, data, None), self.layout, data)
        pairs = [(empty.total(seen.probe.theta), seen.probe.theta) for seen in looks[1:3]]
        if not pairs or not all(np.isfinite(g).all() for g, _ in pairs):
            return
        pull = np.max([np.abs(g) for g, _ in pairs], axis=0)
        ratios = np.array([g / theta for g, theta in pairs])
        steady = np.ptp(ratios, axis=0) <= STEADY * np.abs(ratios).max(axis=0)
        small = pull <= STEADY * pull.max(initial=0.0)
        if not self.named and 0 < (~small & ~steady).sum() <= self.columns():
            self.biases = (~small & ~steady).astype(float)
        pulled = steady & ~small & np.isfinite(ratios).all(axis=0) & (ratios[0] > 0)
        # A weight near 0 is pulled by little, and says little about how strongly.
        pulled &= self.biases == 0
        clear = np.abs(pairs[0][0]) >= 0.1 * np.abs(pairs[0][0][pulled]).max(initial=0.0)
        strengths = ratios[0][pulled & clear]
        common = float(np.median(strengths)) if strengths.size else 0.0
        if common and np.mean(np.abs(strengths - common) <= 10 * STEADY * common) > MOST:
            reached = (self.biases == 0) if self.named else pulled
            self._strength = common
            self.l2 = np.where(reached, self._strength, 0.0)

    def read_again(self) -> bool:
        """Take the biases to be penalised, or again not to be.

        Values do not say it: the data pulls at a bias wherever the features are.
        """
        if not self._strength or not self.biases.any():
            return False
        on = self.l2[self.biases > 0].any()
        self.l2 = np.where(self.biases > 0, 0.0 if on else self._strength, self.l2)
        return True


def _on(layout: Layout, holds: Any) -> Floats:
    """Return 1 on the slices whose names answer, 0 on the others."""
    marks = [np.full(int(np.prod(shape)), float(holds(name))) for name, shape in layout.entries]
    return np.concatenate(marks) if marks else np.zeros(0)
