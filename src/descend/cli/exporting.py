"""``descend export``: a run as a file that others can use without descend."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

from descend.cli.app import Json, Option, RunPath, _run_file, _table, app
from descend.cli.guard import say, say_json
from descend.errors import InputError


@app.command()
def export(  # noqa: PLR0917 - the options of an export
    run: RunPath,
    to: Annotated[
        str,
        Option("--to", help="onnx, torch, jax, numpy (needs only Python), sklearn, json, script."),
    ],
    out: Annotated[
        str | None,
        Option("--out", help="File (onnx, json) or folder (others); default: beside the run."),
    ] = None,
    data: Annotated[
        str | None,
        Option("--data", help="onnx: compare on the rows of this table; script: train on them."),
    ] = None,
    library: Annotated[
        str, Option("--library", help="Of --to script: numpy (default), jax or torch.")
    ] = "numpy",
    overwrite: Annotated[bool, Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    r"""Write a run in a form that others can use: a model to take away.

    \b
    All forms are in double precision and take the table itself: the encoder goes along.
    An ONNX file carries rows to check it by, and is compared with the run before it is written.

    \b
    Examples:
      descend export houses-fit --to onnx
      descend export houses-fit --to numpy --out predictor   predict.py, for Python alone
      descend export churn-fit --to torch --out churn-net
      descend export churn-fit --to onnx --data customers.csv --overwrite
      descend export churn-fit --to script --library jax
    """
    from descend.export import export as write
    from descend.export.exporting import FILES, LIBRARIES, USE
    from descend.parts import choice
    from descend.run import load

    choice("export", "to", to, tuple(USE))
    choice("export", "library", library, LIBRARIES)
    if data is not None and to not in {"onnx", "script"}:
        msg = f"--data is for onnx and script; --to {to} needs no table. Leave it out."
        raise InputError(msg)
    file = _run_file(run)
    loaded = load(file)
    place = Path(out) if out else file.parent / FILES.get(to, to)
    compared = _compared_on(loaded, data) if to == "onnx" else None
    if to == "script":
        loaded = _with_rows(loaded, data)
    files = write(loaded, to, place, overwrite=overwrite, data=compared, library=library)
    use = USE[to].format(place, library)
    if as_json:
        say_json({"to": to, "files": files, "use": use, "compared_on": compared})
        return
    say(f"Exported {loaded.task}.")
    if compared is not None:
        say(f"Its predictions are the run's, to 1e-10, on every row of {compared}.")
    say("Written:", *(f"  {name}" for name in files), f"Use it with {use}.")


def _compared_on(run: Any, data: str | None) -> str | None:
    """Return the table to compare on: as given, or the run's own where it still is."""
    if data is not None:
        if run.encoder is None:
            msg = "This run was trained on arrays, not on a table; leave --data out."
            raise InputError(msg)
        return _table(data)
    files = (run.source or {}).get("files", [])
    here = len(files) == 1 and Path(files[0]["path"]).is_file()
    runnable = importlib.util.find_spec("onnxruntime") is not None
    return str(files[0]["path"]) if here and runnable else None


def _with_rows(run: Any, data: str | None) -> Any:
    if run.encoder is None:
        return run
    from descend import fitting

    return fitting.reopen(run, None if data is None else _table(data))[0]
