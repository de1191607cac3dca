"""``descend doctor``: what is the matter with a run, and what mends it."""

from __future__ import annotations

from typing import Annotated, Any

from descend.cli.app import Data, Json, Option, RunPath, _run_file, app
from descend.cli.guard import FAULT, Exit, say, say_json
from descend.errors import InputError


@app.command()
def doctor(  # noqa: PLR0917 - the options of a diagnosis
    run: RunPath,
    data: Data = None,
    without_data: Annotated[
        bool, Option("--without-data", help="Look at the record alone, not at the table.")
    ] = False,
    try_it: Annotated[
        str | None,
        Option("--try", help="Train again with the fix of this finding (a code, or first)."),
    ] = None,
    epochs: Annotated[int | None, Option("--epochs", help="With --try: of the new run.")] = None,
    out: Annotated[
        str | None, Option("--out", help="With --try: write the new run to this file.")
    ] = None,
    check: Annotated[bool, Option("--check", help="Exit with 1 if the run is ill.")] = False,
    as_json: Json = False,
) -> None:
    r"""Say what is the matter with a run, worst first: cause, evidence, smallest fix.

    \b
    The table is read again from where the run says, so that rows and columns can be looked at.

    \b
    Examples:
      descend doctor houses-fit
      descend doctor houses-fit --data moved/houses.csv --json
      descend doctor houses-fit --try first             the fix, trained, side by side
      descend doctor houses-fit --try features-unscaled --out mended.run
    """
    from descend.doctor import diagnose
    from descend.run import load

    loaded = load(_run_file(run))
    missing = None
    if not without_data:
        loaded, missing = _with_rows(loaded, data)
    found = diagnose(loaded)
    trial = None
    if try_it is not None:
        finding = found[0] if try_it == "first" else found[try_it]
        trial = finding.try_it(epochs=epochs)
        if out is not None:
            trial.after.save(out)
    elif out is not None or epochs is not None:
        msg = "--out and --epochs are for the run that --try trains; add --try first."
        raise InputError(msg)
    if as_json:
        extra = {} if trial is None else {"trial": trial.as_dict()}
        say_json({**found.as_dict(), **extra, "files": [out] if out else []})
    else:
        say(str(found))
        if missing:
            say(f"Not seen: rows and columns. {missing}")
        if trial is not None:
            say("", str(trial))
        if out:
            say(f"Written: {out}")
    if check and found.ill:
        raise Exit(FAULT)


def _with_rows(run: Any, data: str | None) -> tuple[Any, str | None]:
    """Return the run with its rows where they can be had; else why not."""
    from descend import fitting

    try:
        return fitting.reopen(run, data)[0], None
    except InputError as error:
        if data is not None:
            raise
        return run, str(error)
