"""From a row to its lines: run the race, apply the rule of equal losses, form the ratios."""

from __future__ import annotations

import gc
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.registry import BEST, OURS, Goal, MissingError, Race, Row, UnfairError
from benchmarks.timing import Turns, disagreement, interleaved, unequal

MET, SHORT, VOID, ABSENT, FREE = "met", "short", "VOID", "absent", ""


@dataclass
class Line:
    """Ours beside one peer, in one measure ("time" or "memory").

    `verdict` is "met" or "short" of the goal, "" where there is no goal, "VOID" where the two did
    not do the same, "absent" where the peer could not take part; `word` says why.
    """

    peer: str
    measure: str
    ours: float | None
    peers: float | None
    ratio: float | None
    goal: Goal | None
    verdict: str
    word: str = ""


@dataclass
class Result:
    """A row that was run; `word` says why it has no lines."""

    name: str
    work: str
    note: str
    tolerance: float | None = None
    loss: float | None = None
    lines: list[Line] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    share: dict[str, Any] | None = None
    word: str = ""
    failed: bool = False

    @property
    def valid(self) -> bool:
        """Whether nothing in it is void or failed."""
        return not self.failed and all(line.verdict != VOID for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = asdict(self)
        for line, plain in zip(self.lines, found["lines"], strict=True):
            plain["goal"] = None if line.goal is None else str(line.goal)
        return found


def run(row: Row, repeats: int, machine: dict[str, Any]) -> Result:
    """Prepare a row, run it and judge it, on the machine that was measured."""
    result = Result(row.name, row.work, row.note)
    try:
        race = row.make(smoke=machine["smoke"])
    except MissingError as why:
        result.word = str(why)
        return result
    try:
        _run(row, race, result, repeats, machine)
    finally:
        race.finish()
        gc.collect()
    return result


def _run(row: Row, race: Race, result: Result, repeats: int, machine: dict[str, Any]) -> None:
    contestants = {name: call for name, call in race.peers.items() if not isinstance(call, str)}

    def judge(answer: Any) -> float:
        return float("nan") if answer is None else race.judge(answer)

    turns = interleaved(
        {OURS: race.ours, **contestants},
        repeats,
        warm=race.warm and not machine["smoke"],
        judge=judge,
    )
    result.tolerance = race.tolerance
    result.seconds = {name: turn.seconds for name, turn in turns.items()}
    ours = turns[OURS]
    if ours.failed is not None:
        result.failed, result.word = True, f"ours failed: {ours.failed}"
        return
    result.loss = ours.answers[-1] if math.isfinite(ours.answers[-1]) else None
    words = {name: _fault(race, name, ours, turns) for name in contestants}
    for name, call in race.peers.items():
        for measure in ("time", "memory"):
            goal = row.goals.get((name, measure))
            if isinstance(call, str):
                if measure == "time":
                    result.lines.append(
                        Line(name, measure, ours.median(), None, None, goal, ABSENT, call)
                    )
                continue
            line = _line(name, measure, (ours, turns[name]), goal, words[name])
            if line is not None:
                result.lines.append(line)
    _best_of_them(row, result)
    if race.share is not None:
        _share(race, result, ours, machine)


def _fault(race: Race, name: str, ours: Turns, turns: dict[str, Turns]) -> str | None:
    """Return why the comparison with a peer is void, or None."""
    peer = turns[name]
    if peer.failed is not None:
        return peer.failed.removeprefix(f"{UnfairError.__name__}: ")
    found = disagreement(ours, peer, race.tolerances.get(name, race.tolerance))
    if found is None and name in race.proofs:
        try:
            mine, theirs = race.proofs[name]()
        except Exception as error:  # noqa: BLE001 - one peer's failure must not end the table
            return f"its proof failed: {type(error).__name__}: {error}"
        if unequal(mine, theirs, 1e-6):
            found = f"from the same start in the same order: {mine:.9g} against {theirs:.9g}"
    return found


def _line(
    name: str, measure: str, pair: tuple[Turns, Turns], goal: Goal | None, fault: str | None
) -> Line | None:
    mine, theirs = (turns.median(measure) for turns in pair)
    if measure == "memory" and (mine is None or theirs is None):
        return None
    if fault is not None or mine is None or theirs is None:
        return Line(name, measure, mine, theirs, None, goal, VOID, fault or "no turn")
    ratio = (goal or Goal(1.0)).ratio(mine, theirs)
    verdict = FREE if goal is None or goal.free else MET if goal.met(ratio) else SHORT
    return Line(name, measure, mine, theirs, ratio, goal, verdict)


def _best_of_them(row: Row, result: Result) -> None:
    goal = row.goals.get((BEST, "time"))
    if goal is None:
        return
    valid = [line for line in result.lines if line.ratio is not None and line.measure == "time"]
    if valid:
        best = min(valid, key=lambda line: line.peers or 0.0)
        ratio = best.ratio or 0.0
        verdict = MET if goal.met(ratio) else SHORT
        result.lines.append(
            Line(BEST, "time", best.ours, best.peers, ratio, goal, verdict, best.peer)
        )


def _share(race: Race, result: Result, ours: Turns, machine: dict[str, Any]) -> None:
    share, seconds = race.share, ours.median()
    if share is None or seconds is None:
        return
    reached = share.amount / seconds / 1e9 / machine[share.of]
    result.share = {
        "of": share.of,
        "reached": reached,
        "goal": share.goal,
        "verdict": MET if reached >= share.goal else SHORT,
    }
