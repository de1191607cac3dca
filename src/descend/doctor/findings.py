"""What the doctor says: findings, each with its cause, evidence and the smallest fix.

>>> fix = Fix("halve the learning rate", {"learning_rate": 0.05})
>>> finding = Finding("step-too-large", "illness", "The step is too large.", {"limit": 0.08}, fix)
>>> print(finding)
step-too-large (illness): The step is too large.
  seen: limit 0.08
  fix: halve the learning rate
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from descend.doctor.trying import Trial
    from descend.run import Run

Severity = Literal["illness", "information"]

# Lists in evidence are shown up to here; `as_dict` has them whole.
_SHOWN = 6


@final
@dataclass(frozen=True)
class Fix:
    """The smallest change that mends a finding.

    Attributes
    ----------
    sentence
        What to do, in words.
    changes
        The same for a machine: arguments of `train` (``epochs``, ``batch_size``, ``standardize``,
        ``patience`` …), parts of the task (``learning_rate``, ``optimizer``, ``schedule``,
        ``loss``, ``penalty``, ``hidden``, ``activation``, ``init`` …), or of the data
        (``drop_columns``, ``drop_rows``, ``validation``).  Empty where nobody but the author can
        mend it.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(9.0))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> print(run.diagnose()[0].fix.sentence)
    lower the learning rate to 0.21
    """

    sentence: str
    changes: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Finding:
    """One thing the doctor has seen.

    Attributes
    ----------
    code
        Stable, such as ``"step-too-large"``; see `descend.doctor.codes`.
    severity
        ``"illness"``, or ``"information"`` where nothing need be done.
    sentence
        What is the matter, and why.
    evidence
        Name to value: steps, figures, columns, layers.
    fix
        The smallest change that mends it.
    run
        The run it was found in; None for a history from elsewhere.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(9.0))
    >>> finding = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).diagnose()[0]
    >>> finding.code, finding.severity
    ('step-too-large', 'illness')
    """

    code: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, Any]
    fix: Fix
    run: Run | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return the finding in words: what, what was seen, what to do."""
        lines = [f"{self.code} ({self.severity}): {self.sentence}"]
        if self.evidence:
            seen = (f"{k.replace('_', ' ')} {shown(v)}" for k, v in self.evidence.items())
            lines.append(f"  seen: {'; '.join(seen)}")
        lines.append(f"  fix: {self.fix.sentence}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": self.sentence,
            "evidence": plain(dict(self.evidence)),
            "fix": {"sentence": self.fix.sentence, "changes": plain(dict(self.fix.changes))},
        }

    def try_it(self, *, epochs: int | None = None) -> Trial:
        """Train the run again with the fix, and return both side by side.

        Parameters
        ----------
        epochs
            Of the new run; default as many as the old one was asked for.

        Raises
        ------
        InputError
            If the fix is not one a machine can make, or the run or its rows are not at hand.
        """
        from descend.doctor.trying import try_it  # noqa: PLC0415 - trying reads findings

        if self.run is None:
            msg = (
                f"The finding {self.code} comes from a history without its run, so there is "
                "nothing to train again; diagnose a Run."
            )
            raise InputError(msg)
        return try_it(self.run, self, epochs)


@final
@dataclass(frozen=True)
class Diagnosis:
    """All findings, worst first; never empty.

    Attributes
    ----------
    findings
        In order.
    not_looked_at
        What could not be looked at, and why, a sentence each.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent("auto"))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.1, 2.9, 5.0], epochs=500)
    >>> [finding.code for finding in run.diagnose()]
    ['healthy']
    """

    findings: tuple[Finding, ...]
    not_looked_at: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return how many findings there are."""
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the findings, worst first."""
        return iter(self.findings)

    def __getitem__(self, place: Any) -> Any:
        """Return a finding by its place, or by its code."""
        if isinstance(place, str):
            for finding in self.findings:
                if finding.code == place:
                    return finding
            msg = f"There is no finding {place!r}; found: {', '.join(self.codes)}."
            raise InputError(msg)
        return self.findings[place]

    def __contains__(self, code: object) -> bool:
        """Tell whether a finding, or one with that code, is there."""
        return code in self.findings or code in self.codes

    def __str__(self) -> str:
        """Return everything in words."""
        return "\n".join(
            [*map(str, self.findings), *(f"Not seen: {s}" for s in self.not_looked_at)]
        )

    @property
    def codes(self) -> list[str]:
        """The findings' codes, worst first."""
        return [finding.code for finding in self.findings]

    @property
    def ill(self) -> bool:
        """Whether any finding is an illness."""
        return any(finding.severity == "illness" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "not_looked_at": list(self.not_looked_at),
        }


def plain(value: Any) -> Any:
    """Return a value as what JSON knows."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def shown(value: Any) -> str:
    """Return a value in few digits."""
    value = plain(value)
    if isinstance(value, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    if isinstance(value, list):
        more = f" and {len(value) - _SHOWN} more" if len(value) > _SHOWN else ""
        return ", ".join(shown(v) for v in value[:_SHOWN]) + more
    return f"{value:.4g}" if isinstance(value, float) else str(value)
