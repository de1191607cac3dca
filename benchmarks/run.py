"""The benchmark table: ours beside the peers', in one process run; medians and ratios.

Every row gives all contestants the same data and the same number of updates. A peer whose final
loss is not ours makes the comparison VOID, with both losses.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

# Run as a script, Python looks beside this file; the rows are found from the project's root.
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import all_rows, machine, table
from benchmarks.registry import ROWS, Row
from benchmarks.results import VOID, Result, run

EXAMPLES = """examples:
  python benchmarks/run.py --list                    the rows, their peers and goals
  python benchmarks/run.py                           the whole table; a quarter of an hour
  python benchmarks/run.py --only line moons         two rows
  python benchmarks/run.py --only rows- --repeats 9  every row whose name begins so
  python benchmarks/run.py --markdown                as it goes into the README
  python benchmarks/run.py --json -                  every turn's seconds, for machines
  python benchmarks/run.py --smoke                   tiny sizes: is the plumbing whole?

exit status: 0 done; 1 a comparison is void or a row failed; 2 a bad argument"""


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    found = argparse.ArgumentParser(
        prog="benchmarks/run.py",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--list", action="store_true", help="name the rows and stop")
    found.add_argument("--only", nargs="+", metavar="NAME", help="rows, or how their names begin")
    found.add_argument("--repeats", type=int, help="turns of each contestant (5; 1 with --smoke)")
    found.add_argument("--smoke", action="store_true", help="tiny sizes, one turn, under a minute")
    found.add_argument("--json", metavar="FILE", help="write the figures too; '-': only them")
    found.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return found


def chosen(names: list[str] | None) -> list[Row]:
    """Return the rows asked for; `ValueError` if a name fits none."""
    if names is None:
        return list(ROWS.values())
    for name in names:
        if not any(row.startswith(name) for row in ROWS):
            msg = f"There is no row {name!r}; there are: {', '.join(ROWS)}."
            raise ValueError(msg)
    exact = {name for name in names if name in ROWS}
    loose = tuple(name for name in names if name not in exact)
    return [
        row for name, row in ROWS.items() if name in exact or (loose and name.startswith(loose))
    ]


def listed() -> str:
    """Return the rows with their goals."""
    lines = []
    for row in ROWS.values():
        lines.append(f"{row.name}: {row.work}")
        for (peer, measure), goal in row.goals.items():
            if not goal.free:
                lines.append(f"    {peer}: {goal}{'' if measure == 'time' else f' in {measure}'}")
    return "\n".join(lines)


def say(text: str, end: str = "\n") -> None:
    """Say how far it has come."""
    print(text, end=end, file=sys.stderr, flush=True)


def brief(result: Result) -> str:
    """Return a row's outcome in a few words."""
    if result.word:
        return result.word
    ratios = [
        f"{line.peer} {'VOID' if line.verdict == VOID else line.word}"
        if line.ratio is None
        else f"{line.peer} {table.number(line.ratio)}"
        for line in result.lines
    ]
    return "; ".join(ratios)


def run_all(rows: list[Row], repeats: int, *, smoke: bool) -> tuple[dict[str, Any], list[Result]]:
    """Measure the machine and run the rows, saying on stderr how far it has come."""
    say("measuring the machine ... ", end="")
    found = machine.measure(smoke=smoke)
    say("done")
    results = []
    for i, row in enumerate(rows, start=1):
        say(f"[{i}/{len(rows)}] {row.name} ... ", end="")
        begun = time.perf_counter()
        results.append(run(row, repeats, found))
        say(f"{brief(results[-1])} ({time.perf_counter() - begun:.0f} s)")
    found["load_after"] = machine.load()
    return found, results


def main() -> int:
    """Run what was asked for; return the exit status."""
    options = parser()
    asked = options.parse_args()
    all_rows()
    if asked.list:
        print(listed())
        return 0
    repeats = (1 if asked.smoke else 5) if asked.repeats is None else asked.repeats
    if repeats < 1:
        options.error(f"--repeats must be 1 or more. Got {repeats} instead.")
    try:
        rows = chosen(asked.only)
    except ValueError as error:
        options.error(str(error))
    found, results = run_all(rows, repeats, smoke=asked.smoke)
    figures = {
        "machine": found,
        "repeats": repeats,
        "rows": [result.as_dict() for result in results],
    }
    if asked.json == "-":
        print(json.dumps(figures, indent=2))
    else:
        show = table.as_markdown if asked.markdown else table.as_text
        print(show(found, results, repeats))
        if asked.json:
            Path(asked.json).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0 if all(result.valid for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
