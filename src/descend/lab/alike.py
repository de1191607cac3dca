"""Returned runs beside one another: the same run twice, and what each was believed for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from descend.lab.grading import Asked, Grade
    from descend.run import Run


def digest_of(run: Run) -> str:
    """Return a digest of a run's parameters and histories, or "" where it did no update."""
    if run.state.step == 0:
        return ""
    digest = hashlib.sha256(run.state.theta.tobytes() + run.theta.tobytes())
    for name in run.history.names():
        digest.update(name.encode() + run.history[name].tobytes())
    return digest.hexdigest()


def twins_told(grades: Sequence[Grade]) -> list[Grade]:
    """Return the grades, each with a remark on the files that hold the very same run."""
    return [_told(one, [o for o in grades if o is not one and _same(one, o)]) for one in grades]


def _same(one: Grade, other: Grade) -> bool:
    return one.digest != "" and one.digest == other.digest


def _told(one: Grade, same: list[Grade]) -> Grade:
    if not same:
        return one
    others = ", ".join(f"{o.file} ({o.name})" if o.name else o.file for o in same)
    remark = f"the same run, to the last bit, as {others}"
    return one._replace(remark="; ".join(filter(None, (one.remark, remark))))


def believed(grades: Sequence[Grade], wanted: Asked) -> list[str]:
    """Return what was taken from the files themselves, in sentences; nothing with a link."""
    judged = [one for one in grades if one.lock is not None]
    if wanted.address is not None or not judged:
        return []
    own = "locks were" if wanted.goal is not None else "goal and locks were"
    said = [f"Each file's own {own} believed; give --link with the address the class was given."]
    if wanted.goal is None:
        said += _differing("goals", (one.goal for one in judged))
    return said + _differing("locks", (one.lock or "" for one in judged))


def _differing(what: str, found: Iterable[str]) -> list[str]:
    kinds = sorted(set(found))
    if len(kinds) < 2:  # noqa: PLR2004 - one cannot differ
        return []
    return [f"The {what} differ between the files: {' / '.join(one or 'none' for one in kinds)}."]
