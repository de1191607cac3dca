"""``descend report`` and ``descend compare``: runs as one page that can be mailed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from descend.cli import options
from descend.cli.app import Data, Json, Option, RunPath, _run_file, _table, app
from descend.cli.guard import complain, say, say_json
from descend.errors import InputError

Title = Annotated[str | None, Option("--title", help="At the top of the page.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace the file.")]


@app.command()
def report(  # noqa: PLR0917 - the options of a report
    run: RunPath,
    data: Data = None,
    out: Annotated[
        str | None, Option("--out", help="Where to: an .html file; default: beside the run.")
    ] = None,
    title: Title = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    r"""Write everything about a run into one page that opens anywhere, with the network off.

    \b
    What was asked and how to repeat it, the data, metrics with intervals, the curves and every
    recorded state to move through, errors, what the model relies on, the doctor's findings, one
    update worked through, and the model to download. `descend fit` writes it too.

    \b
    Examples:
      descend report houses-fit --overwrite
      descend report houses-fit --data moved/houses.csv --out houses.html
      descend report houses-fit --title "House prices, first try" --out try.html
    """
    from descend.report import report as written
    from descend.run import load

    file = _run_file(run)
    target = Path(out) if out else file.parent / "report.html"
    _vacant(target, overwrite)
    loaded = load(file)
    path = written(
        loaded, target, title=title, data=None if data is None else _table(data), overwrite=True
    )
    if as_json:
        say_json({"files": [str(path)], "bytes": path.stat().st_size})
        return
    say(f"Written: {path} ({path.stat().st_size / 1000:.0f} kB); any browser opens it.")


def _vacant(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        msg = f"{target} exists already; name another file with --out, or say --overwrite."
        raise InputError(msg)


def report_beside(fitted: Any, folder: Path, asked: dict[str, Any]) -> list[str]:
    """Write a fit's report into its folder; a fault there must not cost the run."""
    from descend.report import of_fit

    path = folder / "report.html"
    try:
        of_fit(fitted, path, command=command_line(asked))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run is written and whole
        complain(f"No report was written ({error}); the run is whole. Try: descend report {folder}")
        return []
    return [str(path)]


def command_line(asked: dict[str, Any]) -> str:
    """Return the command that asks for the same fit, without what is as usual."""
    words = ["descend", "fit", str(asked["table"]), "--target", str(asked["target"])]
    for name, usual in options.FIT.items():
        value = asked.get(name, usual)
        if name in {"table", "target", *options.OF_THE_CALL} or value == usual:
            continue
        flag = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [flag] if one is True else [flag, str(one)]
    return shlex.join(words)


@app.command()
def compare(  # noqa: PLR0917 - the options of a comparison
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN …", help="Run files, or their folders.")
    ],
    data: Data = None,
    out: Annotated[str | None, Option("--out", help="Write a page: an .html file.")] = None,
    title: Title = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    r"""Compare runs: what differs in what was asked, how they learnt, and which is better.

    \b
    Runs on the same test rows are compared row by row: each difference has a 95 % interval, and a
    sentence says whether it means anything.

    \b
    Examples:
      descend compare houses-fit houses-fit-2
      descend compare linear-fit net-fit --out race.html
      descend compare a.run b.run c.run --data houses.csv --json
    """
    from descend.report import compared_text, comparing

    if out is not None:
        _vacant(Path(out), overwrite)
    found = comparing.compared(_loaded(runs, None if data is None else _table(data)))
    files = []
    if out is not None:
        files.append(str(comparing.written(found, out, title=title)))
    if as_json:
        say_json({**compared_text.as_dict(found), "files": files})
        return
    say(compared_text.as_text(found))
    if files:
        say("", f"Written: {files[0]}")


def _loaded(runs: list[str], data: Any) -> dict[str, Any]:
    """Return the subjects by name: the folder's, or the file's."""
    from descend.report.comparing import opened
    from descend.run import load

    found: dict[str, Any] = {}
    for given in runs:
        file = _run_file(given)
        name = file.parent.name if file.name == "fit.run" and file.parent.name else file.stem
        if name in found:
            name = given
        if name in found:
            msg = f"The run {given} is named twice; a run is not compared with itself."
            raise InputError(msg)
        found[name] = opened(load(file), data)
    return found
