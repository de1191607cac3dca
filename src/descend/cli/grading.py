"""``descend grade``: returned runs of the lab, replayed and told in a table."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument

from descend.cli.app import Option, _table, app
from descend.cli.guard import FAULT, Exit, say, say_json
from descend.errors import InputError

FORMATS = ("table", "json", "csv")


@app.command()
def grade(  # noqa: PLR0917 - what a grader may ask
    folder: Annotated[str, Argument(help="Where the returned run files (*.run) are.")],
    goal: Annotated[
        str | None,
        Option("--goal", help="validation_loss<0.1@200; default: what each run was given."),
    ] = None,
    link: Annotated[
        str | None,
        Option("--link", help="The link that the class was given: its locks must be kept."),
    ] = None,
    data: Annotated[
        str | None, Option("--data", help="The table, where the runs were trained on one.")
    ] = None,
    form: Annotated[str, Option("--format", help="table (default), json or csv.")] = "table",
    check: Annotated[
        bool, Option("--check", help="Exit with 1 unless all are verified and reached their goal.")
    ] = False,
) -> None:
    r"""Verify runs that were saved from the lab by replaying them, and print a table.

    \b
    No record is believed: each run is trained again from its address, and its record, its goal and
    its locked settings are compared with that; to the last bit on the same machine and versions,
    and within a millionth of each figure elsewhere. Files that cannot be read are listed.
    What the goal and the locks are, say with --link; without it each file's own are taken.

    \b
    Examples:
      descend grade returned
      descend grade returned --goal "validation_loss<0.1@200" --format csv
      descend grade returned --link "data=circles&lock=data&goal=validation_loss<0.1@200" --check
      descend grade returned --data houses.csv
    """
    from descend.lab import alike, grading

    if form not in FORMATS:
        msg = f"The grades are told as one of {', '.join(FORMATS)}; got --format {form!r:.40}."
        raise InputError(msg)
    wanted = grading.asked(goal, link, None if data is None else _table(data))
    count = len(grading.files_in(folder))
    grades = []
    for found in grading.graded(folder, wanted):
        grades.append(found)
        _progress(len(grades), count)
    grades, said = alike.twins_told(grades), alike.believed(grades, wanted)
    if form == "json":
        say_json({"grades": [grading.plain(one) for one in grades], "said": said})
    elif form == "csv":
        say(grading.as_csv(grades).rstrip("\n"))
        for sentence in said:  # beside the table, not in it
            print(sentence, file=sys.stderr)
    else:
        say(grading.as_table(grades, said))
    if check and not all(one.passed for one in grades):
        raise Exit(FAULT)


def _progress(done: int, count: int) -> None:
    """Say how far it is, to a terminal; the last one takes the line away."""
    if not sys.stderr.isatty():
        return
    line = f"replayed {done} of {count}"
    print(
        f"\r{line if done < count else ' ' * len(line)}\r"[: len(line) + 2], end="", file=sys.stderr
    )
