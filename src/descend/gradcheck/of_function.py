"""The truth about a plain function's gradient: by differences, the complex step, or autodiff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.gradcheck.autodiff import derivative
from descend.gradcheck.calls import Data, arity, value_of
from descend.gradcheck.differences import central, complex_step
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats, Layout
    from descend.gradcheck.calls import Probe, Seen

# Every score against every target takes n² rows.
BROADCAST = 200
# What differs by less, relatively, is taken for the same when a penalty is looked for.
STEADY = 1e-5


@final
class OfFunction:
    """The judge of a plain function's gradient; see `descend.gradcheck.truths.Judge`."""

    def __init__(
        self,
        function: Callable[..., Any],
        layout: Layout,
        data: Data,
        autodiff: str | None,
    ) -> None:
        self.function, self.layout, self.source, self.autodiff = function, layout, data, autodiff
        self.takes = arity(function, "f", data)
        self.l1 = np.zeros(layout.size)
        self.l2 = np.zeros(layout.size)
        self.biases = np.concatenate(
            [
                np.full(int(np.prod(shape)), float(name.endswith("bias")))
                for name, shape in layout.entries
            ]
        )
        self.named = any(name.endswith("bias") for name, _ in layout.entries)
        self.complex = True
        self.apart = 0.0
        self._kept: dict[Any, tuple[Floats, Floats]] = {}

    @property
    def judges(self) -> tuple[str, ...]:
        """By what the gradient is judged."""
        named = {"jax": "JAX", "torch": "PyTorch"}.get(self.autodiff or "")
        first = named or ("the complex step" if self.complex else "")
        return (first, "central differences") if first else ("central differences",)

    def columns(self) -> int:
        """Return the columns of y."""
        y = self.source.parts[1]
        return int(y.shape[1]) if y is not None and y.ndim == 2 else 1  # noqa: PLR2004

    def mass(self, rows: Any) -> list[float]:
        """Return how many rows there are."""
        return [float(self.source.n if rows is None else len(rows))]

    def variations(self) -> list[Variation]:
        """Return the mistakes that can be tried without knowing the parts."""
        found = list(STATE)
        n = self.source.n
        if self.takes and n > 1:
            found += ROWS
        if self.takes and 1 < n <= BROADCAST and self.columns() == 1:
            found.append(Variation("broadcast", "slope", "broadcast"))
        return found

    def value(self, theta: Any, rows: Any = None, targets: Any = None) -> Any:
        """Return f at theta over some rows."""
        with np.errstate(all="ignore"):
            arguments = self.source.arguments(self.takes, rows, targets)
            return value_of(self.function, theta.copy(), arguments)

    def at(self, seen: Seen, variations: tuple[Variation, ...] = ()) -> Truth:
        """Return the truth at a probe, or what it would be with some mistakes."""
        choice = {v.stage: v.choice for v in variations}
        rows = rows_of(seen.probe.rows, self.source.n, choice.get("rows", ""))
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

    def gradient(
        self, theta: Floats, rows: Any = None, targets: Any = None
    ) -> tuple[Floats, Floats]:
        """Return the gradient of f (P,) and how far each entry is to be trusted."""
        key = tuple(None if a is None else a.tobytes() for a in (theta, rows, targets))
        if key not in self._kept:
            self._kept[key] = self._judged(theta, rows, targets)
        return self._kept[key]

    def _judged(self, theta: Floats, rows: Any, targets: Any) -> tuple[Floats, Floats]:
        found, error = central(lambda point: self._real(point, rows, targets), theta)
        better = self._better(theta, rows, targets)
        if better is None:
            return found, error
        apart = np.abs(better - found)
        size = float(np.abs(found).max(initial=0.0))
        if (apart <= 20 * error + NUMERIC * size).all():
            self.apart = max(self.apart, float(apart.max() / max(size, 1e-300)))
            return better, np.where(error > NUMERIC * size, error, 0.0)
        if self.autodiff:
            self.apart = max(self.apart, float(apart.max() / max(size, 1e-300)))
            return better, error
        self.complex = False
        return found, error

    def _better(self, theta: Floats, rows: Any, targets: Any) -> Floats | None:
        if self.autodiff:
            arguments = self.source.arguments(self.takes, rows, targets)
            return derivative(self.autodiff, self.function, theta, arguments)
        if not self.complex:
            return None
        found = complex_step(lambda point: self.value(point, rows, targets), theta)
        self.complex = found is not None
        return found

    def _real(self, theta: Floats, rows: Any, targets: Any) -> float:
        found = self.value(theta, rows, targets)
        return float(found.real if isinstance(found, complex) else found)

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
        return str(getattr(self.function, "__name__", "f"))

    def find_penalty(self, probes: list[Probe]) -> None:
        """Find a ridge penalty within f: what is left of the gradient when every x is 0.

        Then the data pulls at no weight that is multiplied by x, and what still pulls, in
        proportion to the weight, is the penalty.
        """
        X = self.source.parts[0]
        if self.takes == 0 or X is None or not hasattr(X, "dtype") or X.dtype.kind not in "bif":
            return
        empty = OfFunction(
            self.function,
            self.layout,
            Data(np.zeros_like(X), *self.source.parts[1:]),
            None,
        )
        try:
            pairs = [(empty.gradient(probe.theta)[0], probe.theta) for probe in probes[1:4]]
        except InputError:
            return
        pull = np.max([np.abs(g) for g, _ in pairs], axis=0)
        with np.errstate(all="ignore"):
            ratios = np.array([g / theta for g, theta in pairs])
            steady = np.ptp(ratios, axis=0) <= STEADY * np.abs(ratios).max(axis=0)
        small = pull <= STEADY * pull.max(initial=0.0)
        if not self.named and 0 < (~small & ~steady).sum() <= self.columns():
            self.biases = (~small & ~steady).astype(float)
        pulled = steady & ~small & np.isfinite(ratios).all(axis=0) & (ratios[0] > 0)
        strengths = ratios[0][pulled & (self.biases == 0)]
        if strengths.size and np.ptp(strengths) <= STEADY * strengths.max():
            reached = (self.biases == 0) if self.named else pulled
            self.l2 = np.where(reached, float(np.median(strengths)), 0.0)
