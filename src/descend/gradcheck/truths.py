"""The true gradient, and what it would be with a mistake: one interface, two kinds.

`OfTask` knows every part and is exact.  `OfFunction` knows only how to call f.  Both answer at a
`Probe` with a `Truth`: the data's share of the gradient, how far to trust it, and what a repeated
error would look like; and both list the `Variation`s they can make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from descend.arrays import Floats, Layout

if TYPE_CHECKING:
    from descend.gradcheck.calls import Data, Seen

# How far a gradient may be from the truth, relative to what was added up to make it.
EXACT, NUMERIC, SINGLE = 1e-8, 1e-6, 3e-4


class Variation(NamedTuple):
    """A mistake that changes the whole gradient, not one slice by itself.

    Attributes
    ----------
    code
        Its name in a discrepancy.
    stage
        Where it happens: "theta", "rows", "weights", "slope" or "activation"; two of one stage
        exclude each other.
    choice
        What is done there.
    layer
        The hidden layer, or 0 for all.
    rank
        How readily it is believed: lower first.
    """

    code: str
    stage: str
    choice: str
    layer: int = 0
    rank: float = 1.0


class Truth(NamedTuple):
    """What is true, or would be with some variations: the data's share, and its surroundings.

    Attributes
    ----------
    data
        (P,) the gradient of the reduced loss, without the penalty.
    tolerance
        (P,) how far a right gradient may be from it.
    sums
        For each weight slice, what it holds if the multiplication by the input is left out.
    theta
        (P,) the parameters that the penalty acts on.
    """

    data: Floats
    tolerance: Floats
    sums: dict[str, Floats]
    theta: Floats


class Judge(Protocol):
    """Who knows the true gradient."""

    layout: Layout
    source: Data
    points: int
    biases: Floats
    l1: Floats
    l2: Floats

    def at(self, seen: Seen, variations: tuple[Variation, ...] = ()) -> Truth:
        """Return the truth at a probe, or what it would be with some mistakes.

        What cannot be had, because f will not have other rows, is not finite.
        """

    def total(self, theta: Floats) -> Floats:
        """Return the whole gradient at theta."""

    def confirms(self, seen: Seen, loosen: float) -> bool:
        """Tell whether what was given over all rows is right, at less cost than `at`."""

    def look_for_penalty(self, looks: list[Seen]) -> None:
        """Find out what the penalty is, where that is not known: it matters for wrong gradients."""

    def read_again(self) -> bool:
        """Take the penalty to be the other way, on or off the biases; False where it is known."""

    def variations(self) -> list[Variation]:
        """Return the mistakes that can be tried."""

    def mass(self, rows: Any) -> list[float]:
        """Return what the loss may have been divided by: the rows, and their weights."""

    def columns(self) -> int:
        """Return k, the number of outputs; 1 where it is not known."""


STATE = [
    Variation("stale-parameters", "theta", "previous", rank=1.1),
    Variation("stale-parameters", "theta", "first", rank=1.1),
    Variation("accumulated", "theta", "accumulated", rank=1.1),
]
ROWS = [
    Variation("last-row-only", "rows", "last", rank=1.05),
    Variation("last-row-only", "rows", "first", rank=1.05),
]


def thetas_of(seen: Seen, choice: str) -> list[Any]:
    """Return the thetas whose gradients a gradient function with a memory would add up."""
    if not seen.before or not choice:
        return [seen.probe.theta]
    if choice == "accumulated":
        return [*seen.before, seen.probe.theta]
    return [seen.before[-1] if choice == "previous" else seen.before[0]]


def rows_of(rows: Any, n: int, choice: str) -> Any:
    """Return the rows that are left when all but one are forgotten."""
    if not choice:
        return rows
    every = np.arange(n) if rows is None else rows
    return every[-1:] if choice == "last" else every[:1]


def shares(source: Data, choice: str) -> list[float]:
    """Return what one row's gradient may still be multiplied by: its share of the rows."""
    n, w = float(source.n), source.parts[2]
    if w is None:
        return [1 / n]
    own, mass = float(w[-1 if choice == "last" else 0]), float(w.sum())
    return [1 / n, 1 / mass, own / mass, own / n]


def repeated(layout: Layout, bias_of: dict[str, Any]) -> dict[str, Floats]:
    """Return, for each weight slice, its layer's summed error repeated for every input."""
    return {
        name: np.broadcast_to(bias_of[name], shape).ravel()
        for name, shape in layout.entries
        if name in bias_of
    }
