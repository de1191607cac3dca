"""``descend explain``: one update of a run in symbols, numbers and code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from descend.cli.app import Data, Json, Option, RunPath, _run_file, app
from descend.cli.guard import as_json as json_text
from descend.cli.guard import say
from descend.errors import InputError

FORMATS = ("text", "markdown", "latex", "json")
_BY_SUFFIX = {".md": "markdown", ".tex": "latex", ".json": "json"}


@app.command()
def explain(  # noqa: PLR0917 - the options of an explanation
    run: RunPath,
    step: Annotated[
        int, Option("--step", help="Which update: how many came before it; 0 is the first.")
    ],
    data: Data = None,
    form: Annotated[
        str | None,
        Option("--as", help="text (default), markdown, latex or json; or by the end of --out."),
    ] = None,
    show: Annotated[
        str, Option("--show", help="Which of symbols,numbers,code to print; default all.")
    ] = "symbols,numbers,code",
    digits: Annotated[
        str, Option("--digits", help="How many to print of a number, 1 to 17, or all; default 6.")
    ] = "6",
    rows: Annotated[int, Option("--rows", help="Rows of the batch shown one by one.")] = 3,
    out: Annotated[str | None, Option("--out", help="A file to write to.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file.")] = False,
    as_json: Json = False,
) -> None:
    r"""Explain one update: its rows, scores, loss, gradient and the step it made.

    \b
    Every number is computed again from the run and its table. What is too wide is summed up,
    and what is summed up is said.

    \b
    Examples:
      descend explain houses-fit --step 0
      descend explain houses-fit --step 0 --show symbols,numbers --digits all
      descend explain churn-fit --step 120 --data customers.csv --out step-120.md
      descend explain churn-fit --step 120 --json
    """
    from descend import fitting
    from descend.explaining import explain as explained
    from descend.parts import choice
    from descend.run import load

    asked = "json" if as_json else form or _BY_SUFFIX.get(Path(out or "").suffix, "text")
    choice("explain", "as", asked, FORMATS)
    if out is not None and Path(out).exists() and not overwrite:
        msg = f"{out} exists already; name another file, or say --overwrite."
        raise InputError(msg)
    opened, _ = fitting.reopen(load(_run_file(run)), data)
    found = explained(opened, step, digits=_digits(digits), rows=rows, show=show)
    text = _written(found, asked)
    if out is None:
        say(text.removesuffix("\n"))
        return
    from descend.files import write_bytes

    write_bytes(out, text if text.endswith("\n") else f"{text}\n", overwrite=overwrite)
    say(f"Explained step {step}; written: {out}")


def _digits(asked: str) -> int | None:
    if asked == "all":
        return None
    try:
        return int(asked)
    except ValueError:
        msg = f"The digits must be a whole number, 1 to 17, or all. Got {asked!r} instead."
        raise InputError(msg) from None


def _written(found: Any, form: str) -> str:
    if form == "json":
        return json_text(found.as_dict())
    if form == "markdown":
        return str(found.markdown())
    return str(found.latex() if form == "latex" else found)
