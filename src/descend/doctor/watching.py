"""The doctor at the bedside: a callback that looks at a run while it is trained."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

from descend.doctor.codes import CODES
from descend.doctor.diagnosing import diagnose
from descend.errors import InputError
from descend.parts import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from descend.doctor.findings import Diagnosis, Finding
    from descend.run import Run
    from descend.training.callbacks import Now

# What can be told before the end: the others speak of how a run ended.
EARLY = frozenset(CODES) - {
    "healthy",
    "not-finished",
    "edge-of-stability",
    "ill-conditioned",
    "underfit",
    "stalled",
    "step-too-small",
    "class-imbalance",
    "perfect-separation",
    "batch-noise",
}


@final
class Watch:
    """The doctor as a callback: it says what is wrong as soon as it can be seen.

    It looks when its last look's time is at most `share` of the time since, so it costs no more
    than that; at the end it looks once more, whatever that takes.

    Parameters
    ----------
    say
        Called with each new finding while training goes on; default `print`.  None: silent.
    stop
        Codes at which to stop the training, or True for any illness; default none.
    share
        The most of the training's time it may take, in (0, 1]; default 0.05.

    Attributes
    ----------
    findings
        What was seen along the way: (step, `Finding`) pairs.
    diagnosis
        The `Diagnosis` of the finished run; None before.
    seconds
        What looking along the way has cost so far.

    Examples
    --------
    >>> import descend as ds
    >>> watch = ds.Watch(say=None)
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(9.0))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], callbacks=[watch])
    >>> watch.diagnosis.codes
    ['step-too-large']
    """

    def __init__(
        self,
        *,
        say: Callable[[Any], Any] | None = print,
        stop: Iterable[str] | bool = (),
        share: float = 0.05,
    ) -> None:
        asked = () if isinstance(stop, bool) else tuple(stop)
        unknown = [code for code in asked if code not in CODES]
        if unknown:
            msg = (
                f"Watch stops at codes of the doctor; {unknown[0]!r} is none of {', '.join(CODES)}."
            )
            raise InputError(msg)
        self.say = say
        self.stops = frozenset(EARLY) if stop is True else frozenset(asked)
        self.share = number("Watch", "share", share, low=0, high=1, closed="high")
        self.findings: list[tuple[int, Finding]] = []
        self.diagnosis: Diagnosis | None = None
        self.seconds = 0.0
        self._begun = time.monotonic()
        self._last = 0.5  # what a look is taken to cost before there was one

    def start(self, now: Now) -> None:
        """Remember when training began."""
        del now
        self._begun = time.monotonic()
        self.findings, self.diagnosis, self.seconds = [], None, 0.0

    def stretch(self, now: Now) -> bool:
        """Look, if there is time for it; ask to stop if an illness to stop at is there."""
        begun = time.monotonic()
        spent = self.seconds + self._last
        if now.so_far is None or spent > self.share * (begun - self._begun - self.seconds):
            return False
        found = [f for f in diagnose(now.so_far()) if self._new(f)]
        self._last = time.monotonic() - begun
        self.seconds += self._last
        for finding in found:
            self.findings.append((now.step, finding))
            if self.say is not None:
                self.say(f"At update {now.step}: {finding}")
        return any(finding.code in self.stops for finding in found)

    def end(self, run: Run) -> None:
        """Look at the finished run."""
        self.diagnosis = diagnose(run)

    def _new(self, finding: Finding) -> bool:
        known = {f.code for _, f in self.findings}
        return finding.severity == "illness" and finding.code in EARLY - known
