"""What a row of the table is, and the list of all rows.

A row is a function that prepares one `Race`: our contestant and the peers', on the same data, for
the same number of updates. Its `smoke` says whether this is a smoke test, with tiny sizes.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

OURS = "descend"
BEST = "best of them"

Contestant = Callable[[], Any]


class MissingError(Exception):
    """A row or a peer cannot run here; the text is the word the table shows."""


class UnfairError(Exception):
    """A contestant did not do the work; the text says what was wrong with its answer."""


class Goal(NamedTuple):
    """A bound on a ratio: peer / ours at least, or ours / peer at most.

    Attributes
    ----------
    bound
        The number.
    most
        Whether the ratio is ours / peer, and at most `bound`.
    """

    bound: float
    most: bool = False

    def ratio(self, ours: float, peer: float) -> float:
        """Return the ratio that this goal bounds."""
        return ours / peer if self.most else peer / ours

    def met(self, ratio: float) -> bool:
        """Tell whether the ratio is within the bound."""
        return ratio <= self.bound if self.most else ratio >= self.bound

    @property
    def free(self) -> bool:
        """Whether nothing is asked: an infinite bound only says which way the ratio is meant."""
        return math.isinf(self.bound)

    def __str__(self) -> str:
        """Say it."""
        return f"{'at most' if self.most else 'at least'} {self.bound:g}"


class Share(NamedTuple):
    """How much of the machine a contestant should use.

    Attributes
    ----------
    amount
        Bytes read, or floating-point operations, in one turn of ours.
    of
        The machine's figure it is compared with, a key of `benchmarks.machine.measure`.
    goal
        The share asked for.
    """

    amount: float
    of: str
    goal: float


@dataclass(frozen=True)
class Race:
    """One row, ready to run.

    Attributes
    ----------
    ours
        A call that does all the work and returns an answer.
    peers
        Name to such a call, or to the word why there is none.
    judge
        From an answer to its loss, by one formula for all and not timed; `UnfairError` if the work
        was not done. An answer of None has no loss.
    tolerance
        How far, relatively, a peer's loss may be from ours; None: losses are not comparable.
    tolerances
        Where a peer's own differs.
    proofs
        Peer's name to a call that returns (our loss, its loss) of an untimed race in which the
        two must agree to 1e-6 (same start, same order); for rows whose `tolerance` is looser.
    warm
        Whether every contestant has a turn that is not timed.
    share
        What part of the machine ours should use.
    finish
        Called when the row is done, to remove what it made.
    """

    ours: Contestant
    peers: Mapping[str, Contestant | str]
    judge: Callable[[Any], float] = float
    tolerance: float | None = 1e-6
    tolerances: Mapping[str, float] = field(default_factory=dict)
    proofs: Mapping[str, Callable[[], tuple[float, float]]] = field(default_factory=dict)
    warm: bool = True
    share: Share | None = None
    finish: Callable[[], None] = lambda: None


class Row(NamedTuple):
    """A row's name, what it is, its goals by (peer, what is measured), a note, and its maker."""

    name: str
    work: str
    goals: Mapping[tuple[str, str], Goal]
    note: str
    make: Callable[..., Race]


ROWS: dict[str, Row] = {}


def row(
    name: str, work: str, goals: Mapping[Any, Goal | float], note: str = ""
) -> Callable[[Callable[..., Race]], Callable[..., Race]]:
    """Enter a function into the table.

    Goals are keyed by the peer's name, for time, or by (peer, "memory"); `BEST` stands for the
    fastest valid peer. A plain number means "peer / ours at least".
    """
    asked = {
        (key if isinstance(key, tuple) else (key, "time")): goal
        if isinstance(goal, Goal)
        else Goal(float(goal))
        for key, goal in goals.items()
    }

    def enter(make: Callable[..., Race]) -> Callable[..., Race]:
        if name in ROWS:
            msg = f"There are two rows named {name}."
            raise ValueError(msg)
        ROWS[name] = Row(name, work, asked, note, make)
        return make

    return enter


def library(name: str) -> Any:
    """Return an optional library, or raise `MissingError`."""
    try:
        found = importlib.import_module(name)
    except ImportError as error:
        msg = "not installed"
        raise MissingError(msg) from error
    if name == "jax":
        found.config.update("jax_enable_x64", True)  # noqa: FBT003 - arrays say their own type
    return found


def peers(makers: Mapping[str, Callable[[], Contestant]]) -> dict[str, Contestant | str]:
    """Return each peer's contestant, or the word why there is none."""
    found: dict[str, Contestant | str] = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except MissingError as why:
            found[name] = str(why)
    return found
