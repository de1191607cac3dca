"""The truth about a task's gradient: exact, from the derivatives beside the formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import penalties
from descend.engines import ByHand
from descend.engines.check import judge
from descend.gradcheck.mistaken import (
    BROADCAST,
    Choices,
    Passed,
    link_slope,
    mistaken,
    other_losses,
)
from descend.gradcheck.truths import (
    EXACT,
    ROWS,
    STATE,
    Truth,
    Variation,
    repeated,
    rows_of,
    thetas_of,
)

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.engines import Problem
    from descend.gradcheck.calls import Data, Probe, Seen


@final
class OfTask:
    """The judge of a task's gradient; see `descend.gradcheck.truths.Judge`."""

    points = 6

    def __init__(self, problem: Problem, source: Data) -> None:
        self.task, self.problem, self.source = problem.task, problem, source
        self.layout = problem.layout
        self.biases = 1.0 - self.layout.weights()
        P = self.layout.size
        self.l1 = np.zeros(P) + self.problem.l1
        self.l2 = np.zeros(P) + self.problem.l2
        self._kept: dict[Any, tuple[Seen, Truth]] = {}

    def over(self, rows: Array) -> OfTask:
        """Return the judge of the same over some of the rows."""
        p = self.problem
        w = None if p.weights is None else p.weights[rows]
        fewer = replace(p, X=p.X[rows], y=p.y[rows], weights=w)
        return OfTask(fewer, self.source.of_rows(rows))

    @property
    def judges(self) -> tuple[str, ...]:
        """By what the gradient is judged."""
        return ("the derivatives written beside the formulas", "central differences")

    def columns(self) -> int:
        """Return k."""
        return int(self.layout.entries[-1][1][-1])

    def mass(self, rows: Any) -> list[float]:
        """Return how many rows there are, and the sum of their weights."""
        return self.source.mass(rows)

    def variations(self) -> list[Variation]:
        """Return the mistakes that can be tried with these parts."""
        loss, model = self.task.loss, self.task.model
        hidden = getattr(model, "hidden", ())
        found = [*STATE, *(ROWS if self.problem.n > 1 else [])]
        if self.problem.weights is not None:
            found.append(Variation("weights-ignored", "weights", "ignored"))
        linked = loss.targets == "labels" or not np.allclose(
            link_slope(loss, np.array([[0.3]])), 1.0
        )
        if linked:
            found.append(Variation("extra-link-derivative", "slope", "extra-link"))
        if linked and loss.targets != "labels":
            found.append(Variation("missing-link-derivative", "slope", "missing-link"))
        if self.columns() == 1 and loss.targets != "labels" and 1 < self.problem.n <= BROADCAST:
            found.append(Variation("broadcast", "slope", "broadcast"))
            found.append(Variation("broadcast", "slope", "broadcast-back"))
        found += [Variation("wrong-loss", "slope", name, rank=1.2) for name in other_losses(loss)]
        layers = [0, *(range(1, len(hidden) + 1) if len(hidden) > 1 else ())]
        for layer in layers if hidden else ():
            rank = 1.05 if layer else 1.0
            found.append(
                Variation("missing-activation-derivative", "activation", "missing", layer, rank)
            )
            found.append(
                Variation("activation-derivative-at-output", "activation", "at-output", layer, rank)
            )
        return found

    def at(self, seen: Seen, variations: tuple[Variation, ...] = ()) -> Truth:
        """Return the truth at a probe, or what it would be with some mistakes."""
        key = (id(seen), variations)
        if key not in self._kept:
            # The probe is kept beside its truth, so that no other can take its identity.
            self._kept[key] = (seen, self._made(seen, {v.stage: v for v in variations}))
        return self._kept[key][1]

    def _made(self, seen: Seen, by: dict[str, Variation]) -> Truth:
        choice = {stage: v.choice for stage, v in by.items()}
        rows = rows_of(seen.probe.rows, self.problem.n, choice.get("rows", ""))
        layer = by["activation"].layer if "activation" in by else 0
        choices = Choices(choice.get("slope", ""), choice.get("activation", ""), layer)
        thetas = thetas_of(seen, choice.get("theta", ""))
        passes = [self._passed(theta, rows, "weights" in by, choices) for theta in thetas]
        total = passes[-1].gradient if len(passes) == 1 else sum(p.gradient for p in passes)
        names = [name for name, _ in self.layout.entries if name.endswith("weight")]
        sums = repeated(self.layout, dict(zip(names, passes[-1].sums, strict=True)))
        whole = thetas[0] if len(thetas) == 1 else np.sum(thetas, axis=0)
        size = self._per_slice(passes[-1].magnitude) + np.abs(self.l2 * thetas[-1])
        return Truth(np.asarray(total), EXACT * size + np.finfo(float).tiny, sums, whole)

    def _passed(self, theta: Floats, rows: Any, unweighted: bool, choices: Choices) -> Passed:  # noqa: FBT001
        problem = self.problem
        X, y, w = problem.X, problem.y, None if unweighted else problem.weights
        if rows is not None:
            X, y, w = X[rows], y[rows], None if w is None else w[rows]
        return mistaken(self.task, self.layout, theta, X, y, w, choices)

    def total(self, theta: Floats) -> Floats:
        """Return the whole gradient at theta, penalty included."""
        return self.moved_back(theta, theta)

    def confirms(self, seen: Seen, loosen: float) -> bool:
        """Tell whether what was given is right."""
        truth = self.at(seen)
        total = truth.data + self.l2 * truth.theta
        gaps = [np.abs(seen.given - total - s) for s in (0.0, self.l1 * np.sign(truth.theta))]
        return bool((np.min(gaps, axis=0) <= loosen * truth.tolerance).all())

    def look_for_penalty(self, looks: list[Seen]) -> None:
        """Do nothing: the task says what its penalty is."""

    def read_again(self) -> bool:
        """Return False: so does it for the biases."""
        return False

    def moved_back(self, theta: Floats, back: Floats) -> Floats:
        """Return the whole gradient at theta, if the way back used other parameters."""
        p = self.problem
        there = mistaken(self.task, self.layout, theta, p.X, p.y, p.weights, Choices(), back)
        return np.asarray(there.gradient + self.l2 * theta)

    def _per_slice(self, size: Floats) -> Floats:
        """Return each entry's slice's largest entry."""
        found = np.empty_like(size)
        for part in self.layout.slices().values():
            found[part] = size[part].max(initial=0.0)
        return found

    def roughness(self, probe: Probe, directions: list[Floats], width: float) -> Floats:
        """Return how much the gradient bends about a probe: kinks show, curves hardly do."""
        choices = Choices()
        here = self._passed(probe.theta, None, False, choices)  # noqa: FBT003
        worst = np.zeros(self.layout.size)
        for v in directions:
            far, near, back_near, back_far = (
                self._passed(probe.theta + part * width * v, None, False, choices).gradient  # noqa: FBT003
                for part in (1.0, 0.5, -0.5, -1.0)
            )
            # The first is 0 but for curves and for a kink within reach; but at a kink, whose middle
            # slope is the mean of its sides, only the second tells a jump from a steep line.
            bend = np.abs(far - 2 * here.gradient + back_far)
            jump = np.abs((far - back_far) - 2 * (near - back_near))
            worst = np.max([worst, bend, jump], axis=0)
        size = self._per_slice(here.magnitude) + np.finfo(float).tiny
        return np.asarray(np.where(np.isfinite(size) & np.isfinite(worst), worst / size, np.inf))

    def agreement(self, seen: Seen) -> float:
        """Return how far the engine, this module and the differences of the objective agree."""
        theta = seen.probe.theta
        truth = self.at(seen)
        ours = truth.data + self.l2 * theta
        engine = ByHand(self.problem)

        def smooth(point: Floats) -> float:
            return engine.value(point) - penalties.value(self.l1, 0.0, point)

        _, theirs = engine.value_and_gradient(theta)
        apart = float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-300))
        return max(apart, judge(smooth, ours, theta, h=1e-6).error)

    def describe(self) -> str:
        """Return the task in words."""
        return str(self.task)
