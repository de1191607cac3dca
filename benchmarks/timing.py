"""Timing: contestants in turn, medians, and the rule that voids a comparison.

A comparison is of two medians over turns that were taken one after the other, A B C A B C, so
that whatever else the machine does falls on all alike. Before each there is a rest: libraries let
their threads spin on for a while after a call, on the processors that the next contestant needs.
Every turn's answer is kept and judged:
a contestant that was quick because it did something else is void, not ahead.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# Seconds of rest before a turn; OpenMP's threads spin for 0.2 by default.
REST = 0.3


class Measured(NamedTuple):
    """An answer that brings its own clock, as one from another process does.

    Attributes
    ----------
    answer
        What the judge is given.
    seconds
        How long it took.
    memory
        Peak bytes, where they were measured.
    """

    answer: Any
    seconds: float
    memory: float | None = None


@dataclass
class Turns:
    """What a contestant's turns took and gave; or, in `failed`, why there are none."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    failed: str | None = None

    def median(self, what: str = "time") -> float | None:
        """Return the median of ``"time"`` (seconds) or ``"memory"`` (bytes), if there is one."""
        values = self.seconds if what == "time" else self.memory
        return statistics.median(values) if values and self.failed is None else None


def interleaved(
    contestants: Mapping[str, Callable[[], Any]],
    repeats: int,
    *,
    warm: bool = True,
    judge: Callable[[Any], Any] = lambda answer: answer,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Turns]:
    """Let each contestant have its turn, `repeats` times over, after one that is not timed.

    Answers go through `judge` outside the timed part, so that no large answer is kept. One that
    raises takes no further part, and its `failed` says why.
    """
    turns = {name: Turns() for name in contestants}
    for i in range(repeats + warm):
        for name, call in contestants.items():
            here = turns[name]
            if here.failed is not None:
                continue
            time.sleep(REST if repeats > 1 else 0)
            try:
                begun = clock()
                answer = call()
                seconds, memory = clock() - begun, None
                if isinstance(answer, Measured):
                    answer, seconds, memory = answer
                here.answers.append(judge(answer))
            except Exception as error:  # noqa: BLE001 - a peer's failure must not end the table
                here.failed = f"{type(error).__name__}: {error}"
                continue
            if i >= warm:
                here.seconds.append(seconds)
                if memory is not None:
                    here.memory.append(memory)
    return turns


def unequal(ours: float, peer: float, tolerance: float) -> bool:
    """Tell whether two losses differ by more than `tolerance`, relatively; NaN always does."""
    if not (math.isfinite(ours) and math.isfinite(peer)):
        return True
    return abs(ours - peer) > tolerance * max(abs(ours), abs(peer))


def disagreement(ours: Turns, peer: Turns, tolerance: float | None) -> str | None:
    """Return both losses where any turn of the peer ended elsewhere than ours, else None."""
    if tolerance is None:
        return None
    for theirs in peer.answers:
        for mine in ours.answers:
            if unequal(mine, theirs, tolerance):
                return f"loss {mine:.9g} against {theirs:.9g}"
    return None
