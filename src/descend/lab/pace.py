"""How fast one connection may speak: a bucket of tokens, filled steadily."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

PER_SECOND, BURST, PATIENCE = 200.0, 400, 400


@final
class Pace:
    """One token a message; who is told to slow down and does not is shown the door."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        patience: int = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = 0
        self._per_second, self._burst, self._patience = per_second, burst, patience
        self._clock, self._tokens, self._last = clock, float(burst), clock()

    def allows(self) -> bool:
        """Take a token, if there is one."""
        now = self._clock()
        earned = (now - self._last) * self._per_second
        self._tokens, self._last = min(self._tokens + earned, self._burst), now
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        if self._tokens > self._burst / 2:
            self.refused = 0
        return True

    @property
    def exhausted(self) -> bool:
        """Whether it went on for too long."""
        return self.refused > self._patience
