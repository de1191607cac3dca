"""Ctrl-C at a moment of our choosing.

An interrupt in the middle of recording would leave half a record.  While a loop runs, Ctrl-C is
noted and obeyed between two stretches; only inside an engine, which changes nothing, does it take
effect at once.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@final
class Interrupts:
    """A guard that turns Ctrl-C into a request; the handler found is put back at the end.

    Attributes
    ----------
    asked
        Whether someone has asked to stop.
    """

    def __init__(self) -> None:
        self.asked = False
        self._at_once = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        """Take over Ctrl-C, where it is ours to take: in the main thread, if nobody else has."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the handler back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let Ctrl-C take effect at once while the block runs."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _note(self, _signal: int, _frame: Any) -> None:
        self.asked = True
        if self._at_once:
            raise KeyboardInterrupt
