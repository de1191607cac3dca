"""A progress bar on long runs, for people at a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any, final

# Runs shorter than this need no bar.
PATIENCE = 2.0
_REFRESH = 0.1


@final
class Bar:
    """A bar that appears on stderr once a run has taken two seconds.

    Parameters
    ----------
    wanted
        True, False, or ``"auto"``: only at a terminal.
    total
        Updates planned.
    """

    def __init__(self, wanted: bool | str, total: int) -> None:  # noqa: FBT001 - as in `train`
        self._wanted = sys.stderr.isatty() if wanted == "auto" else bool(wanted)
        self._total = total
        self._since = self._last = time.monotonic()
        self._shown: Any = None
        self._task: Any = None

    def show(self, done: int, loss: float | None) -> None:
        """Bring the bar up to date."""
        now = time.monotonic()
        if not self._wanted or now - self._since < PATIENCE or now - self._last < _REFRESH:
            return
        self._last = now
        if self._shown is None:
            self._open()
        words = "" if loss is None else f"loss {loss:.4g}"
        self._shown.update(self._task, completed=done, loss=words)

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None

    def _open(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only long runs need it
        from rich.progress import Progress, TextColumn  # noqa: PLC0415

        self._shown = Progress(
            *Progress.get_default_columns(),
            TextColumn("{task.fields[loss]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._shown.add_task("training", total=self._total, loss="")
        self._shown.start()
