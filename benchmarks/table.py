"""The table: as text for a terminal, as Markdown for the README."""

from __future__ import annotations

from typing import Any

from benchmarks.registry import BEST
from benchmarks.results import ABSENT, FREE, VOID, Line, Result


def number(value: float) -> str:
    """Return three significant figures, without an exponent.

    >>> number(1234.5), number(2.3456), number(0.012345)
    ('1234', '2.35', '0.0123')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def amount(value: float | None, measure: str) -> str:
    """Return a duration or a size with its unit.

    >>> amount(0.00123, "time"), amount(2.5e8, "memory"), amount(None, "time")
    ('1.23 ms', '250 MB', '-')
    """
    if value is None:
        return "-"
    if measure == "memory":
        return f"{value / 1e6:.0f} MB"
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value >= scale:
            return f"{number(value / scale)} {unit}"
    return f"{number(value * 1e6)} us"


def as_text(machine: dict[str, Any], results: list[Result], repeats: int) -> str:
    """Return the whole table for a terminal: ours, the peer's, and the ratio."""
    lines = [about(machine), "", _how(repeats, machine), ""]
    for result in results:
        lines += [*_of_row(result), ""]
    return "\n".join(lines)


def about(machine: dict[str, Any]) -> str:
    """Return what the machine is and does, in a few lines."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores "
        f"(load before {machine['load_before']}, after {machine['load_after']})\n"
        f"reads {machine['read_1_thread']:.1f} GB/s with one thread, "
        f"{machine['read_2_threads']:.1f} GB/s with two; "
        f"multiplies {machine['product_float32']:.0f} GFLOP/s in float32, "
        f"{machine['product_float64']:.0f} in float64\n{versions}"
    )


def _of_row(result: Result) -> list[str]:
    lines = [f"{result.name}: {result.work}"]
    if result.word:
        lines.append(f"  {'FAILED' if result.failed else 'skipped'}: {result.word}")
    lines += [
        f"  {_peer(line):44}{amount(line.ours, line.measure):>10}"
        f"{amount(line.peers, line.measure):>10}  {_said(line)}"
        for line in result.lines
    ]
    if result.share is not None:
        share = result.share
        lines.append(
            f"  {'of the machine: ' + _plain(share['of']):64}  {share['reached']:.0%}"
            f"  (goal at least {share['goal']:.0%}: {share['verdict']})"
        )
    if result.tolerance is not None and result.lines:
        lines.append(f"  final loss {result.loss:.9g}, equal within {result.tolerance:g}")
    if result.note:
        lines.append(f"  note: {result.note}")
    return lines


def _peer(line: Line) -> str:
    if line.peer == BEST:
        return f"{BEST} ({line.word})"
    return line.peer if line.measure == "time" else f"{line.peer}, {line.measure}"


def _said(line: Line) -> str:
    if line.ratio is None:
        return f"{'VOID: ' if line.verdict == VOID else ''}{line.word}"
    found = f"{number(line.ratio):>7}"
    return found if line.verdict == FREE else f"{found}  (goal {line.goal}: {line.verdict})"


def as_markdown(machine: dict[str, Any], results: list[Result], repeats: int) -> str:
    """Return the table as it goes into the README."""
    lines = ["| work | ours | beside | goal | measured |", "|---|---|---|---|---|"]
    for result in results:
        if not result.lines:
            lines.append(f"| {result.work} | | | | {_short(result.word)} |")
            continue
        time = next((line.ours for line in result.lines if line.measure == "time"), None)
        peers = [_peer(line) for line in result.lines]
        goals = ["-" if line.verdict == FREE else _goal(line) for line in result.lines]
        ratios = [_cell(line) for line in result.lines]
        if result.share is not None:
            peers.append(_plain(result.share["of"]))
            goals.append(f"{result.share['goal']:.0%}")
            ratios.append(f"{result.share['reached']:.0%}")
        cells = (" / ".join(column) for column in (peers, goals, ratios))
        lines.append(f"| {result.work} | {amount(time, 'time')} | {' | '.join(cells)} |")
    told = about(machine).replace("\n", "; ")
    return "\n".join([*lines, "", f"{_how(repeats, machine)} {told}."])


def _how(repeats: int, machine: dict[str, Any]) -> str:
    turns = "One turn each" if repeats == 1 else f"Medians of {repeats} turns"
    if machine["smoke"]:
        return f"SMOKE TEST, tiny sizes: these ratios say nothing. {turns}, in turn."
    return f"{turns}, contestants in turn: ours, the peer's, and peer / ours."


def _goal(line: Line) -> str:
    bound = f"{line.goal.bound:g}" if line.goal else "-"
    return f"≤ {bound}" if line.goal and line.goal.most else bound


def _cell(line: Line) -> str:
    if line.ratio is not None:
        return number(line.ratio)
    return _short(line.word) if line.verdict == ABSENT else f"VOID ({_short(line.word)})"


def _short(word: str) -> str:
    first = word.splitlines()[0] if word else "-"
    return first.replace("|", "/")


def _plain(key: str) -> str:
    return {
        "read_2_threads": "read bandwidth, two threads",
        "product_float32": "matrix products, float32",
        "product_float64": "matrix products, float64",
    }.get(key, key)
