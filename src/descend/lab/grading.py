"""Grading: runs that learners return, each replayed from its address and told in a line.

Nothing of a file is believed: its data are made again, it is trained again, and its record, its
goal and its locked settings are held against that.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

from descend.errors import DescendError, InputError
from descend.lab import goals
from descend.lab.address import Address, from_query
from descend.lab.alike import digest_of
from descend.lab.goals import Goal
from descend.lab.names import clean
from descend.lab.replaying import TOLERANCE, compared, replayed
from descend.lab.sources import RUN, TABLE
from descend.run import load
from descend.run.files import versions

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from descend.lab.goals import Reached
    from descend.run import Run

EXACT, NEAR, NO = "exact", f"within {TOLERANCE:g}", "no"
HEADINGS = ("file", "name", "task", "updates", "goal", "reached at", "verified", "remark")


@final
class Grade(NamedTuple):
    """What is to be said of one returned run.

    Attributes
    ----------
    file, name
        The file's name, and the learner's where it was given.
    task, updates
        What was trained, and for how many updates.
    goal
        What was to be reached, or "".
    reached
        After how many updates it was, in the replay, in time or late; None if never.
    in_time
        Whether that was within its updates; None where there is no goal.
    verified
        ``"exact"``, ``"within 1e-06"`` or ``"no"``.
    remark
        What does not agree, and whatever else should be known, in a sentence.
    lock
        The locks of its own address; None where it could not be judged.
    digest
        Of its parameters and histories: the same for the same run.
    """

    file: str
    name: str = ""
    task: str = ""
    updates: int | None = None
    goal: str = ""
    reached: int | None = None
    in_time: bool | None = None
    verified: str = NO
    remark: str = ""
    lock: str | None = None
    digest: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is verified, and reached its goal in time where there is one."""
        return self.verified != NO and self.in_time is not False


@final
class Asked(NamedTuple):
    """What a grader asks of all runs alike; None where each run's own is taken."""

    goal: Goal | None = None
    address: Address | None = None
    data: str | None = None


def asked(goal: str | None = None, address: str | None = None, data: str | None = None) -> Asked:
    """Return what is asked of all runs, checked.

    Parameters
    ----------
    goal
        Such as ``"validation_loss<0.1@200"``.
    address
        The link that was given to the class, or its query: its locked settings must be kept.
    data
        The table, where the runs were trained on one.
    """
    given = None if address is None else from_query(query_of(address))
    if goal is None and given is not None:
        goal = given.goal
    return Asked(goals.goal_of(goal) if goal else None, given, data)


def query_of(link: str) -> str:
    """Return the query of a link; a query is taken as it is.

    >>> query_of("http://127.0.0.1:8765/s/abc?data=moons&lock=data")
    'data=moons&lock=data'
    """
    found = link.partition("?")[2] if "?" in link else link
    return "&".join(pair for pair in found.split("&") if pair and not pair.startswith("token="))


def files_in(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the run files in a folder and the folders in it, by name.

    Raises
    ------
    InputError
        If there is no such folder, or no run file in it.
    """
    place = Path(folder)
    if not place.is_dir():
        msg = f"There is no folder {place}; name the one that holds the returned run files."
        raise InputError(msg)
    found = sorted(path for path in place.rglob("*.run") if path.is_file())
    if not found:
        msg = f"The folder {place} holds no run file (*.run); save runs from the lab's Share panel."
        raise InputError(msg)
    return found


def graded(folder: str | os.PathLike[str], wanted: Asked) -> Iterator[Grade]:
    """Yield a grade for each run file in a folder; what is wrong with a file is its remark."""
    for path in files_in(folder):
        name = str(path.relative_to(folder))
        try:
            yield grade(path, wanted)._replace(file=name)
        except DescendError as error:
            yield Grade(name, remark=str(error))


def grade(path: str | os.PathLike[str], wanted: Asked) -> Grade:
    """Return the grade of one run file.

    Raises
    ------
    DescendError
        If it is no run file.
    """
    run = load(path)
    note = _note(run, "lab")
    found = Grade(
        Path(path).name,
        name=clean((note or {}).get("name", "")),
        task=str(run.task),
        updates=run.state.step,
        goal="" if wanted.goal is None else str(wanted.goal),
        digest=digest_of(run),
    )
    if note is None:
        return found._replace(remark="It was not saved by the lab: it has no address to replay.")
    try:
        return _judged(found, run, from_query(note.get("address")), wanted)
    except InputError as error:
        return found._replace(remark=str(error))


def _note(run: Run, kind: str) -> dict[str, Any] | None:
    found = [event for event in run.events if event["kind"] == kind]
    return found[-1] if found else None


def _judged(found: Grade, run: Run, address: Address, wanted: Asked) -> Grade:
    goal = wanted.goal or (goals.goal_of(address.goal) if address.goal else None)
    broken = _locks_broken(address, wanted.address)
    result = compared(run, replayed(run, address, _opened(address, wanted.data)))
    reached = None if goal is None else _reached(result.run, goal)
    false = _false_goal(run, goal, reached)
    against = [sentence for sentence in (result.differs, broken, false) if sentence]
    verified = NO if against else EXACT if result.exact else NEAR
    remarks = [*against, *([] if against else _remarks(run, goal, reached, exact=result.exact))]
    remarks += _other_loss(address, wanted.address, goal)
    return found._replace(
        goal="" if goal is None else str(goal),
        reached=None if reached is None else reached.step,
        in_time=None if goal is None else goals.in_time(goal, reached),
        verified=verified,
        remark="; ".join(remarks),
        lock=",".join(address.lock),
    )


def _reached(run: Run, goal: Goal) -> goals.Reached | None:
    return goals.first_reached(run.history, run.setup.batches_per_epoch, goal)


def _opened(address: Address, data: str | None) -> Any:
    """Return the table that the address is about, opened."""
    settings = address.settings
    if settings.data not in {TABLE, RUN}:
        return None
    if data is None:
        msg = "It was trained on a table that the file does not hold; name it with --data."
        raise InputError(msg)
    from descend.lab.opening import open_run, open_table  # noqa: PLC0415 - loads DuckDB

    if settings.data == RUN:
        return open_run(data)
    return open_table(data, Path(data).name, settings.target or None)


def _locks_broken(address: Address, given: Address | None) -> str:
    """Return which locked settings were changed, or ""."""
    lock = {*address.lock, *(() if given is None else given.lock)}
    kept = goals.locked(lock)
    for step, change in address.changes:
        for name in change:
            if name in kept or (name == "edit" and "edit" in lock):
                words = "parameters were set by hand" if name == "edit" else f"{name} was changed"
                return f"{words} at update {step}, which was locked"
    if given is None:
        return ""
    theirs, mine = given.settings.values(), address.settings.values()
    other = sorted(name for name in kept if name in mine and mine[name] != theirs[name])
    if other:
        return f"{', '.join(other)} is not as it was given, and was locked"
    if set(given.lock) - set(address.lock):
        return "it was not made with the link that was given: its locks are missing"
    return ""


def _other_loss(address: Address, given: Address | None, goal: Goal | None) -> list[str]:
    """Return that the goal asks for a loss and the run chose another one; nothing otherwise."""
    if given is None or goal is None or goal.metric not in goals.LOSSES:
        return []
    mine, theirs = (_loss(one.settings.plain()) for one in (address, given))
    if mine == theirs:
        return []
    return [f"the goal is a loss, and its loss is {mine} where the link has {theirs}"]


def _loss(plain: dict[str, Any]) -> str:
    numbers = [f"{name}={value}" for name, value in plain["loss"].items() if name != "name"]
    return f"{plain['loss']['name']} ({', '.join([*numbers, plain['reduction']])})"


def _false_goal(run: Run, goal: Goal | None, reached: Reached | None) -> str:
    """Return what the file says of its goal and the replay does not bear out, or ""."""
    said = _note(run, "goal")
    if said is None or goal is None or said.get("goal") != str(goal):
        return ""
    if not goals.in_time(goal, reached) or reached is None:
        return f"it says that its goal was reached after {said.get('reached')} updates; it was not"
    value = said.get("value")
    near = isinstance(value, int | float) and abs(value - reached.value) <= TOLERANCE * max(
        abs(value), abs(reached.value)
    )
    if said.get("reached") != reached.step or not near:
        return (
            f"it says that its goal was reached after {said.get('reached')} updates with {value}; "
            f"that was after {reached.step} with {reached.value:.6g}"
        )
    return ""


def _remarks(run: Run, goal: Goal | None, reached: Reached | None, *, exact: bool) -> list[str]:
    """Return what should be known of a run that is in order."""
    said = []
    if goal is not None and reached is None:
        said.append("the goal was not reached")
    elif goal is not None and not goals.in_time(goal, reached):
        said.append("the goal was reached too late")
    if not exact:
        here = versions(run.engine_used)
        other = sorted(name for name in here if here[name] != run.versions.get(name))
        said.append(f"trained with another {', '.join(other)}" if other else "last bits differ")
    return said


# ---------------------------------------------------------------- telling


def plain(found: Grade) -> dict[str, Any]:
    """Return a grade as plain data."""
    return {**_cleaned(found)._asdict(), "passed": found.passed}


def _cleaned(found: Grade) -> Grade:
    """Return a grade whose texts a terminal can show: files and names are by others."""
    return found._replace(
        file=clean(found.file),
        name=clean(found.name),
        task=clean(found.task),
        remark=clean(found.remark),
    )


def row(found: Grade) -> list[str]:
    """Return a grade as the cells of a table."""
    found = _cleaned(found)
    reached = "" if found.in_time is None else "never" if found.reached is None else found.reached
    late = " (late)" if found.reached is not None and found.in_time is False else ""
    updates = "" if found.updates is None else str(found.updates)
    shown = [found.file, found.name, found.task, updates, found.goal, f"{reached}{late}"]
    return [*shown, found.verified, found.remark]


def as_table(grades: list[Grade], said: Sequence[str] = ()) -> str:
    """Return grades as a table in text, remarks in lines of their own, and what is said below."""
    rows = [[*HEADINGS[:-1], ""], *map(row, grades)]
    wide = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]) - 1)]
    lines: list[str] = []
    for *cells, remark in rows:
        lines.append("  ".join(f"{c:{w}}" for c, w in zip(cells, wide, strict=True)).rstrip())
        lines += [f"    {remark}"] if remark else []
    return "\n".join([*lines, "", _summed(grades), *map(clean, said)])


def _summed(grades: list[Grade]) -> str:
    verified = sum(one.verified != NO for one in grades)
    aimed = [one for one in grades if one.in_time is not None]
    reached = sum(one.passed for one in aimed)
    of_goals = f" {reached} of {len(aimed)} reached their goal." if aimed else ""
    return (
        f"{verified} of {len(grades)} verified by replaying them: exactly on the same machine and "
        f"versions, within {TOLERANCE:g} of each figure elsewhere.{of_goals}"
    )


def as_csv(grades: list[Grade]) -> str:
    """Return grades as CSV; cells that a spreadsheet would compute are made text."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADINGS)
    for one in grades:
        writer.writerow([f"'{c}" if c.startswith(("=", "+", "-", "@")) else c for c in row(one)])
    return stream.getvalue()
