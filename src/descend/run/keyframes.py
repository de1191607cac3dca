"""Keyframes: the whole state at some updates, so that any other can be reached from the nearest.

They stand at multiples of a stride, a power of two that is chosen from the number of updates
planned.  When there are too many, because a resumed run goes on for longer, the stride doubles and
every other one is dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import State, States

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    Attributes
    ----------
    stride
        Updates from one to the next.
    steps
        The updates done at each.
    """

    def __init__(self, limit: int, planned: int = 0) -> None:
        self.limit = max(limit, 2)
        self.stride = 1
        self.steps: list[int] = []
        self._packed: list[Floats] = []  # each (1 + S, P): theta, then the slots
        self.plan(planned)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.steps)

    def plan(self, updates: int) -> None:
        """Widen the stride until `updates` in all fit."""
        if updates // self.stride + 1 <= self.limit:
            return
        while updates // self.stride + 1 > self.limit:
            self.stride *= 2
        kept = [i for i, step in enumerate(self.steps) if step % self.stride == 0]
        self.steps = [self.steps[i] for i in kept]
        # Copies: what stays must not hold on to the larger arrays that it came in.
        self._packed = [self._packed[i].copy() for i in kept]

    def add(self, state: State) -> None:
        """Keep the state if a keyframe is due at its step."""
        if state.step % self.stride or (self.steps and self.steps[-1] >= state.step):
            return
        self.steps.append(state.step)
        self._packed.append(np.concatenate([state.theta[None], state.slots]))
        if len(self) > self.limit:
            self.plan(state.step)

    def extend(self, states: Sequence[State], last: int) -> None:
        """Add those of some states that come no later than step `last`."""
        if not isinstance(states, States) or states.every != self.stride:
            for state in states:
                if state.step <= last:
                    self.add(state)
            return
        count = max(min((last - states.first) // self.stride + 1, len(states)), 0)
        self.steps += range(states.first, states.first + count * self.stride, self.stride)
        self._packed += list(states.packed[:count])
        if len(self) > self.limit:
            self.plan(last)

    def correct(self, state: State) -> None:
        """Put a state in the place of the last one, if that is of the same step."""
        if self.steps and self.steps[-1] == state.step:
            self._packed[-1] = np.concatenate([state.theta[None], state.slots])

    def before(self, step: int) -> State:
        """Return the last keyframe at or before `step`."""
        place = bisect_right(self.steps, step) - 1
        packed = self._packed[place]
        return State(packed[0], packed[1:], self.steps[place])

    def first_only(self) -> Keyframes:
        """Return the state before the first update alone."""
        kept = Keyframes(self.limit)
        kept.steps, kept._packed = self.steps[:1], self._packed[:1]
        kept.stride = self.stride
        return kept

    def copy(self) -> Keyframes:
        """Return keyframes that can grow on their own."""
        other = Keyframes(self.limit)
        other.stride, other.steps, other._packed = self.stride, self.steps[:], self._packed[:]
        return other

    def arrays(self) -> dict[str, Any]:
        """Return the arrays to be saved: steps (K,), theta (K, P), slots (K, S, P)."""
        return {
            "steps": np.array(self.steps, dtype=np.int64),
            "theta": np.stack([packed[0] for packed in self._packed]),
            "slots": np.stack([packed[1:] for packed in self._packed]),
        }

    @classmethod
    def restored(cls, limit: int, stride: int, kept: dict[str, Any]) -> Keyframes:
        """Return the keyframes whose arrays these are."""
        frames = cls(limit)
        frames.stride = stride
        frames.steps = [int(step) for step in kept["steps"]]
        packed = zip(kept["theta"], kept["slots"], strict=True)
        frames._packed = [np.concatenate([theta[None], slots]) for theta, slots in packed]
        return frames


def limit_for(budget: int, size: int, slots: int, itemsize: int) -> int:
    """Return how many keyframes fit into `budget` bytes: 2 to 512."""
    each = max((1 + slots) * size * itemsize, 1)
    return int(min(max(budget // each, 2), MOST))
