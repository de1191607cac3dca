"""The judge: what a doctor says of each patient, counted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.ward.patient import CODES, INFORMATION

import descend as ds


@dataclass(frozen=True)
class Verdict:
    """What was said of one patient."""

    code: str
    seed: int
    bed: int
    recipe: str
    words: str
    first: str
    called_ill: bool
    any_ill: bool
    sentences: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def right(self):
        """The first finding is the illness; of the healthy, that nothing is one."""
        return not self.called_ill if self.code == "healthy" else self.first == self.code


def of_descend(patient):
    """Return descend's findings."""
    if isinstance(patient.source, dict):
        return ds.diagnose(patient.source, patient.X, patient.y)
    return patient.source.diagnose()


def verdict(patient, doctor=of_descend):
    """Return what a doctor, a function from a patient to findings, says."""
    begun = time.perf_counter()
    try:
        findings = list(doctor(patient))
    except Exception as error:  # noqa: BLE001 - a doctor that falls over has missed the patient
        findings, first = [], f"raised {type(error).__name__}"
    else:
        first = findings[0].code if findings else "nothing"
    severe = [finding.severity == "illness" for finding in findings]
    return Verdict(
        patient.code,
        patient.seed,
        patient.bed,
        patient.recipe,
        patient.words,
        first,
        bool(severe and severe[0]),
        any(severe),
        tuple(f"{f.code} ({f.severity}): {f.sentence}" for f in findings),
        time.perf_counter() - begun,
    )


@dataclass
class Score:
    """Verdicts, counted."""

    verdicts: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ill(self):
        return [v for v in self.verdicts if v.code not in INFORMATION]

    @property
    def right_of_ill(self):
        """The share of the ill whose first finding was right."""
        return share([v.right for v in self.ill])

    @property
    def healthy_called_ill(self):
        """The share of the healthy whose first finding was an illness."""
        return share([v.called_ill for v in self.verdicts if v.code == "healthy"])

    def table(self):
        """Return Markdown: for each code how many were right, and what was said instead."""
        lines = ["| code | patients | right | said instead |", "|---|---:|---:|---|"]
        for code in CODES:
            of = [v for v in self.verdicts if v.code == code]
            if of:
                wrong = Counter(v.first for v in of if not v.right)
                instead = ", ".join(f"{name} {count}" for name, count in wrong.most_common())
                lines.append(f"| `{code}` | {len(of)} | {sum(v.right for v in of)} | {instead} |")
        return lines

    def summary(self):
        """Return the two figures that count, in sentences."""
        healthy = [v for v in self.verdicts if v.code == "healthy"]
        doctor = sum(v.seconds for v in self.verdicts)
        lines = []
        if self.ill:
            lines.append(
                f"Of {len(self.ill)} ill patients, {self.right_of_ill:.1%} had the right first "
                "finding."
            )
        if healthy:
            lines.append(
                f"Of {len(healthy)} healthy runs, {self.healthy_called_ill:.1%} were called ill "
                f"({share([v.any_ill for v in healthy]):.1%} with an illness among any findings)."
            )
        lines.append(f"{self.seconds:.0f} seconds, {doctor:.0f} of them the doctor's.")
        return lines


def share(marks):
    return sum(marks) / len(marks) if marks else float("nan")
