"""Words: what is said of a run beside its numbers, for people and for screen readers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from descend.page.parts import evidence_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.run import Run
    from descend.showing.frames import Frames
    from descend.showing.samples import Rows

# Evidence that names a place in the run.
_AT_UPDATE = ("diverged at update", "first that is not finite")
_AT_EPOCH = ("best_epoch", "best epoch")
# What is best seen where the run had diverged.
_EXPLOSIONS = {"step-too-large", "exploding-activations", "wrong-sign", "wrong-gradient"}


class Finding(Protocol):
    """What the doctor says: `descend.doctor.Finding`, which this room does not know."""

    @property
    def code(self) -> str:
        """Such as ``"step-too-large"``."""

    @property
    def severity(self) -> Any:
        """``"illness"`` or ``"information"``."""

    @property
    def sentence(self) -> str:
        """What is the matter."""

    @property
    def evidence(self) -> Mapping[str, Any]:
        """Name to value."""

    @property
    def fix(self) -> Any:
        """With a `sentence`."""


def title_of(run: Run) -> str:
    """Return what a page about a run is called: target and table where there is one."""
    source, encoder = run.source, run.encoder
    if source is None or encoder is None:
        return str(run.task)
    return f"{encoder['target']['name']} in {Path(str(source['named'])).name}"


def summary_of(run: Run, rows: Rows | None, frames: Frames, unseen: tuple[str, ...]) -> list[str]:
    """Return the run in sentences."""
    done, n, d = run.state.step, run.setup.n, run.setup.d
    rows_and_features = f"{_counted(n, 'training row')} with {_counted(d, 'feature')}"
    said = [
        f"{run.task}: {_counted(done, 'update')} on {rows_and_features}.",
        *_fall(run),
        run.outcome.sentence,
        f"{_counted(len(frames.steps), 'state')} of the parameters can be looked at.",
    ]
    if rows is None:
        said.append(
            "The rows are not at hand: what needs them is not shown, and the doctor saw only what "
            "was recorded."
        )
    return said + [f"Not seen by the doctor: {why}" for why in unseen]


def _fall(run: Run) -> list[str]:
    """Return how the objective went from the first update to the returned parameters."""
    first, last = (run.history["loss"][:1].tolist() or [math.nan])[0], run.outcome.loss
    if not (run.setup.full_batch and math.isfinite(first) and math.isfinite(last)):
        return []
    how = "fell" if last < first else "rose" if last > first else "stayed"
    if how == "stayed":
        return [f"The objective stayed at {first:.4g}."]
    return [f"The objective {how} from {first:.4g} to {last:.4g}."]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def finding_of(run: Run, finding: Finding) -> dict[str, Any]:
    """Return a finding of the doctor, with the update it is best seen at."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "evidence": evidence_of(finding.evidence),
        "fix": finding.fix.sentence,
        "step": _seen_at(run, finding),
    }


def _seen_at(run: Run, finding: Finding) -> int | None:
    for name, value in finding.evidence.items():
        spent = run.setup.batches_per_epoch if name in _AT_EPOCH else 1
        if name in _AT_UPDATE + _AT_EPOCH:
            return int(min(max(value * spent, 0), run.state.step))
    exploded = finding.code in _EXPLOSIONS and run.outcome.diverged
    return run.outcome.diverged_at if exploded else None
