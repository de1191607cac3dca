"""Keyframes: the whole state at some updates, so that any other can be reached from the nearest.

They stand at multiples of a stride, a power of two that is chosen from the number of updates
planned.  When there are too many, because a resumed run goes on for longer, the stride doubles and
every other one is dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import State

if TYPE_CHECKING:
    from descend.arrays import Floats

MOST = 512


@final
class Keyframes:
    """States at multiples of a stride, at most `limit` of them.

    Parameters
    ----------
    limit
        At least 2.  The state before the first update is always kept.
    planned
        Updates planned in all: the first stride is the smallest power of two that suffices.
    """

    def __init__(self, limit: int, planned: int = 0) -> None:
        self.limit = max(limit, 2)
        self.stride = 1
        self._states: list[State] = []
        self.plan(planned)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._states)

    @property
    def steps(self) -> list[int]:
        """The updates done at each keyframe."""
        return [state.step for state in self._states]

    def plan(self, updates: int) -> None:
        """Widen the stride until `updates` in all fit."""
        while updates // self.stride + 1 > self.limit:
            self.stride *= 2
        self._states = [s for s in self._states if s.step % self.stride == 0]

    def add(self, state: State) -> None:
        """Keep the state if a keyframe is due at its step."""
        if state.step % self.stride or (self._states and self._states[-1].step >= state.step):
            return
        self._states.append(state)
        if len(self._states) > self.limit:
            self.plan(state.step)

    def before(self, step: int) -> State:
        """Return the last keyframe at or before `step`."""
        return self._states[bisect_right(self.steps, step) - 1]

    def first_only(self) -> Keyframes:
        """Return the state before the first update alone."""
        kept = Keyframes(self.limit)
        kept._states = self._states[:1]
        kept.stride = self.stride
        return kept

    def copy(self) -> Keyframes:
        """Return keyframes that can grow on their own."""
        other = Keyframes(self.limit)
        other.stride, other._states = self.stride, list(self._states)
        return other

    def arrays(self) -> dict[str, Any]:
        """Return the arrays to be saved: steps (K,), theta (K, P), slots (K, S, P)."""
        return {
            "steps": np.array(self.steps, dtype=np.int64),
            "theta": np.stack([s.theta for s in self._states]),
            "slots": np.stack([s.slots for s in self._states]),
        }

    @classmethod
    def restored(cls, limit: int, stride: int, kept: dict[str, Any]) -> Keyframes:
        """Return the keyframes whose arrays these are."""
        frames = cls(limit)
        frames.stride = stride
        thetas: list[Floats] = list(kept["theta"])
        frames._states = [
            State(theta, slots, int(step))
            for step, theta, slots in zip(kept["steps"], thetas, kept["slots"], strict=True)
        ]
        return frames


def limit_for(budget: int, size: int, slots: int, itemsize: int) -> int:
    """Return how many keyframes fit into `budget` bytes: 2 to 512."""
    each = max((1 + slots) * size * itemsize, 1)
    return int(min(max(budget // each, 2), MOST))
