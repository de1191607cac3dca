"""What a check found: a verdict, and each mistake with its name, evidence and remedy."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One way in which a gradient is wrong.

    Attributes
    ----------
    code
        Its name, such as ``"factor"`` or ``"sum-for-mean"``.
    where
        The slices of theta that it shows in.
    evidence, fix
        A sentence with the numbers; a sentence that says what to change.
    ratio
        Given over true, where the gradient is a multiple of the true one; else None.

    Examples
    --------
    >>> Discrepancy("sign", ("weight",), "It is -1 times the true one.", "Turn it round.").code
    'sign'
    """

    code: str
    where: tuple[str, ...]
    evidence: str
    fix: str
    ratio: float | None = None

    def __str__(self) -> str:
        """Return the code, where it shows, the evidence and the remedy."""
        places = ", ".join(self.where)
        body = f"{self.evidence} Fix: {self.fix}"
        head = f"{self.code} in {places}" if places else self.code
        return f"{head}\n" + textwrap.indent(textwrap.fill(body, 92), "   ")


@final
@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The verdict on a gradient; print it to read it.

    Attributes
    ----------
    ok
        Whether the gradient is right at every point looked at.
    discrepancies
        The ways in which it is wrong; none where it is right.
    compared
        What was compared, a sentence.
    judges
        What the gradient was judged by, the first deciding.
    agreement
        The largest difference between the judges, relative to the gradient.
    error
        The largest difference between given and true, relative to the size of what was added up
        to make the slice; infinite where there is nothing to compare.

    Examples
    --------
    >>> GradientCheck(True, (), "One number.", ("complex step",), 0.0, 0.0).ok
    True
    """

    ok: bool
    discrepancies: tuple[Discrepancy, ...]
    compared: str
    judges: tuple[str, ...]
    agreement: float
    error: float

    @property
    def codes(self) -> tuple[str, ...]:
        """The names of the discrepancies."""
        return tuple(found.code for found in self.discrepancies)

    def __str__(self) -> str:
        """Return what was compared, the verdict, and each discrepancy with its remedy."""
        judged = f"Judged by {' and '.join(self.judges)}" + (
            f", which agree to {self.agreement:.0e}." if len(self.judges) > 1 else "."
        )
        lines = [self.compared, judged]
        if self.ok:
            return "\n".join([*lines, f"Right: given and true agree to {self.error:.0e}."])
        count = len(self.discrepancies)
        lines.append("Wrong, in one way:" if count == 1 else f"Wrong, in {count} ways at once:")
        lines += [f"{i}. {found}" for i, found in enumerate(self.discrepancies, start=1)]
        return "\n".join(lines)
