"""Remedies: what the doctor advises, done in the lab.

A finding's fix is a change in words of `train`; here it becomes a change of settings.  What can go
on goes on with a mark; what cannot begins a branch; what the lab has no setting for says so.

>>> from descend.lab.settings import Settings
>>> wanted = remedy({"learning_rate": 0.1, "epochs": 300}, Settings(), ("x1", "x2"))
>>> wanted.change, wanted.trains_on
({'learning_rate': 0.1}, True)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.errors import InputError
from descend.lab.branch import Origin
from descend.lab.fields import READERS
from descend.lab.goals import refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.doctor.findings import Finding
    from descend.lab.branch import Branch
    from descend.lab.leading import Leader
    from descend.lab.settings import Settings

_ALL_ROWS = "the lab keeps all rows; leave these out of the table and open it again"
# What a fix can ask for that no setting of the lab is, and what to do instead.
ELSEWHERE = {
    "drop_rows": _ALL_ROWS,
    "drop_validation_rows": _ALL_ROWS,
    "class_weight": "the lab weighs all rows alike; in Python, finding.try_it() does it",
    "dtype": "the lab computes in double precision already",
    "metrics": "the lab measures what it shows; in Python, finding.try_it() does it",
}


@final
class Remedy(NamedTuple):
    """A fix in terms of the lab.

    Attributes
    ----------
    change
        Of settings.
    trains_on
        Whether more updates are what is asked for.
    best
        Whether to go back to where the validation loss was least.
    """

    change: dict[str, Any]
    trains_on: bool = False
    best: bool = False


def remedy(fix: Mapping[str, Any], settings: Settings, names: Sequence[str]) -> Remedy:
    """Return what a fix means in the lab.

    Parameters
    ----------
    fix
        The changes of a `descend.doctor.Fix`.
    settings
        In force.
    names
        Of the features there are.

    Raises
    ------
    InputError
        If the lab has no setting for any of it.
    """
    change: dict[str, Any] = {}
    for name, value in fix.items():
        if name in READERS:
            change[name] = _plain(value)
        elif name == "drop_columns":
            change["features"] = [one for one in names if one not in set(value)]
        elif name == "resplit":
            change |= {"validation": float(value), "data_seed": settings.data_seed + 1}
    trains_on, best = "epochs" in fix, "patience" in fix and not change
    if change or trains_on or best:
        return Remedy(change, trains_on, best)
    reasons = [ELSEWHERE[name] for name in fix if name in ELSEWHERE]
    why = reasons[0] if reasons else "it is not one a machine can make"
    msg = f"This remedy cannot be tried in the lab: {why}."
    raise InputError(msg)


def _plain(value: Any) -> Any:
    """Return a part by its name and numbers, and everything else as it is."""
    if hasattr(value, "_asdict"):
        return {"name": value.name, **value._asdict()}
    if hasattr(value, "rule"):  # an optimizer with its rate
        return {"name": value.rule.name, **value.rule._asdict()}
    return list(value) if isinstance(value, tuple) else value


# ---------------------------------------------------------------- trying


def try_it(leader: Leader, code: str) -> None:
    """Do what the finding of that code advises, on the branch that is shown."""
    branch, number = leader.branch, leader.current
    run = branch.run()

    def look() -> None:
        finding = found(run.diagnose(), code)
        leader.post(lambda: _apply(leader, number, finding))

    if not leader.think("try", look):
        msg = "The last remedy is still being looked up; try again in a moment."
        raise InputError(msg)


def found(diagnosis: Any, code: str) -> Finding:
    """Return the finding of that code, if it still holds."""
    if code not in diagnosis.codes:
        msg = f"The finding {code!r:.60} no longer holds; found now: {', '.join(diagnosis.codes)}."
        raise InputError(msg)
    finding: Finding = diagnosis[code]
    if not finding.fix.changes:
        msg = f"There is nothing to try for {code}: {finding.fix.sentence}."
        raise InputError(msg)
    return finding


def _apply(leader: Leader, number: int, finding: Finding) -> None:
    """Do it, on the worker; and say what was done."""
    try:
        _done(leader, number, finding)
    except InputError as error:
        leader.said(str(error), "error")


def _done(leader: Leader, number: int, finding: Finding) -> None:
    branch = leader.branches.get(number)
    if branch is None:
        msg = "The branch of this finding has been removed."
        raise InputError(msg)
    wanted = remedy(finding.fix.changes, branch.settings, branch.rows.names)
    refused(leader.lock, wanted.change)
    leader.current = number
    if wanted.best:
        done = _back_to_best(leader, branch)
    elif wanted.change and not (_sound(branch) and branch.settings.kept_by(wanted.change)):
        done = _begun(leader, branch, wanted.change)
    elif wanted.change:
        said = branch.change(wanted.change)
        done = " ".join([f"From update {branch.step} on, as a mark on the timeline.", *said])
    else:
        done = "It trains on."
    leader.said(f"Tried: {finding.fix.sentence}. {done}")
    leader.play(on=True)


def _begun(leader: Leader, branch: Branch, change: dict[str, Any]) -> str:
    """Begin a branch with the change in force from the start."""
    was = branch.number
    settings, said = branch.settings.with_changes(change, leader.opened)
    leader.begin(settings, origin=Origin(was, 0), against=branch.settings)
    leader.show()
    where = f"A new branch, {leader.current}, from the start; branch {was} stays as it is."
    return " ".join([where, *said])


def _back_to_best(leader: Leader, branch: Branch) -> str:
    """Branch where the validation loss was least: what patience would have kept."""
    run = branch.run()
    if "validation_loss" not in run.history or not len(run.history["validation_loss"]):
        msg = "There are no validation rows, so there is no best update to go back to."
        raise InputError(msg)
    epoch = int(np.nanargmin(run.history["validation_loss"])) * run.history.epochs.block
    step = min((epoch + 1) * run.setup.batches_per_epoch, branch.step)
    leader.fork(step)
    leader.show()
    return f"Branch {leader.current} stands at update {step}, where the validation loss was least."


def _sound(branch: Branch) -> bool:
    """Tell whether a training can go on from where it stands."""
    loss = branch.live.loss
    return branch.ended is None and (loss is None or math.isfinite(loss))
