"""Replaying: a returned run made again from its address, and compared with its record.

An address is a recipe: data, seeds, changes and steps.  Nothing of the record is believed; what it
says is compared with what the recipe makes.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.engines import is_known
from descend.engines.choosing import DEVICED
from descend.errors import InputError
from descend.lab.branch import Branch
from descend.lab.rows import rows_of
from descend.run import Run

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.lab.address import Address

# Relative difference that another machine, or another version of a library, may make.
TOLERANCE = 1e-6
# Beside it, of the largest value of its kind: what has fallen to nothing is rounding.
FLOOR = 1e-9
MOST_UPDATES = 5_000_000


@final
class Compared(NamedTuple):
    """How a record agrees with what its address makes.

    Attributes
    ----------
    run
        As made again.
    exact
        Whether all figures agree to the last bit.
    differs
        What does not agree, in a sentence; "" where all does.
    """

    run: Run
    exact: bool
    differs: str


def replayed(run: Run, address: Address, opened: Any = None) -> Run:
    """Make the run again, from its first update to its last.

    Raises
    ------
    InputError
        If its data is not at hand, or it did more updates than are replayed.
    """
    until = run.state.step
    if until > MOST_UPDATES:
        msg = f"It did {until} updates, and at most {MOST_UPDATES} are replayed."
        raise InputError(msg)
    turns = [event for event in run.events if event["kind"] == "engine"]
    first = turns[0]["was"] if turns else run.engine_used
    branch = Branch(1, address.settings, rows_of(address.settings, opened), engine=_here(first))
    # An engine takes over before what is changed at the same step, as the loop does it.
    acts = [(turn["step"], 0, turn) for turn in turns]
    acts += [(step, 1, change) for step, change in address.changes]
    for step, is_change, act in sorted(acts, key=lambda one: one[:2]):
        branch.advance(min(step, until) - branch.step)
        if is_change:
            branch.change(act)
        else:
            branch.live.use(_here(act["engine"]))
    branch.advance(until - branch.step)
    return branch.run()


def _here(engine: str) -> str:
    """Return the engine's name, or NumPy's where that engine cannot be loaded here."""
    library = engine.partition("/")[0]
    there = is_known(engine) and (library not in DEVICED or find_spec(library) is not None)
    return engine if there else "numpy"


def compared(record: Run, again: Run) -> Compared:
    """Compare a record with the run made again: task, rows, changes, and every figure."""
    differs = _told_apart(record, again)
    if differs:
        return Compared(again, exact=False, differs=differs)
    exact = True
    for what, said, found in _figures(record, again):
        if said.shape != found.shape:
            sentence = (
                f"it records {len(said)} figures of the {what}, and replaying makes {len(found)}"
            )
            return Compared(again, exact=False, differs=sentence)
        if np.array_equal(said, found, equal_nan=True):
            continue
        exact = False
        place = _first_apart(said, found)
        if place is not None:
            sentence = (
                f"its {what} is recorded as {said[place]:.6g}, and replaying makes "
                f"{found[place]:.6g} (figure {place} of {len(said)})"
            )
            return Compared(again, exact=False, differs=sentence)
    return Compared(again, exact=exact, differs="")


def _told_apart(record: Run, again: Run) -> str:
    """Return what a record says of its making that its address does not, or ""."""
    if again.state.step != record.state.step:
        return (
            f"it records {record.state.step} updates, and replaying ends after {again.state.step}: "
            f"{again.outcome.sentence}"
        )
    if str(record.task) != str(again.task):
        return f"it records the task {record.task}, and its address makes {again.task}"
    mine = None if again.data is None else again.data.fingerprint
    if record.fingerprint != mine:
        return "it was trained on other rows than its address names"
    if _changes(record) != _changes(again):
        return "the changes it records are not those of its address"
    return ""


def _changes(run: Run) -> list[dict[str, Any]]:
    return [event for event in run.events if event["kind"] in {"change", "edit", "scale"}]


def _figures(record: Run, again: Run) -> list[tuple[str, Array, Array]]:
    """Return what is compared, by name: histories, states along the way, parameters."""
    found: list[tuple[str, Array, Array]] = []
    for name in again.history.names():
        said = record.history[name] if name in record.history else np.empty(0)
        found.append((name.replace("_", " "), said, again.history[name]))
    found += [
        ("theta", record.state.theta, again.state.theta),
        ("returned theta", record.theta, again.theta),
        ("optimizer's memory", record.state.slots.ravel(), again.state.slots.ravel()),
    ]
    if record.keyframes is not None and again.keyframes is not None:
        found.append(("theta along the way", *_along(record, again)))
    return found


def _along(record: Run, again: Run) -> tuple[Floats, Floats]:
    """Return the parameters at the steps for which both kept them."""
    said, found = (_kept(run) for run in (record, again))
    steps = sorted(set(said) & set(found))
    empty = np.empty(0)
    return (
        np.concatenate([said[step] for step in steps]) if steps else empty,
        np.concatenate([found[step] for step in steps]) if steps else empty,
    )


def _kept(run: Run) -> dict[int, Floats]:
    kept = run.keyframes.arrays() if run.keyframes is not None else {"steps": [], "theta": []}
    return dict(zip(map(int, kept["steps"]), kept["theta"], strict=True))


def _first_apart(said: Array, found: Array) -> int | None:
    """Return the first place where two arrays are further apart than another machine explains."""
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.maximum(np.abs(said), np.abs(found))
        finite = size[np.isfinite(size)]
        floor = FLOOR * finite.max() if finite.size else 0.0
        near = np.abs(said - found) <= TOLERANCE * size + floor
    same = near | (said == found) | (np.isnan(said) & np.isnan(found))
    return None if same.all() else int(np.argmin(same))
