"""``descend lab``: a page on which a model is seen to learn."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from descend.cli import guard
from descend.cli.app import Data, Option, _run_file, _table, app


@app.command()
def lab(  # noqa: PLR0917 - the options of a server
    what: Annotated[
        str | None,
        Argument(metavar="[TABLE|RUN]", help="A table, or a recorded run; default: two moons."),
    ] = None,
    target: Annotated[
        str | None, Option("--target", help="The column to predict, of a table.")
    ] = None,
    data: Data = None,
    browser: Annotated[
        bool, Option("--browser/--no-browser", help="Whether to open a browser on it.")
    ] = True,
    port: Annotated[int, Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[
        str, Option("--host", help="Where to listen; default: this machine only.")
    ] = "127.0.0.1",
    address: Annotated[
        str, Option("--address", help="Settings as the page's address has them: data=spiral&…")
    ] = "",
) -> None:
    r"""Open a page on which a model is seen to learn, on toy data or your own.

    \b
    Play, pause, go back, draw layers and units, change the learning rate as it learns, branch and
    race; everything is recorded, and can be saved as a run. Ctrl-C ends it.

    \b
    Examples:
      descend lab
      descend lab houses.csv --target price
      descend lab houses-fit
      descend lab --address "data=spiral&hidden=8,8" --port 8765
      descend lab --no-browser --port 0
    """
    from descend.lab import serving

    if host not in serving.LOOPBACK:
        print(
            f"warning: --host {host} opens the lab, its data and its training to whoever can reach "
            "this machine and has the address with its token.",
            file=sys.stderr,
        )
    opened = None if what is None else _opened(what, target, data)
    serving.serve(
        opened,
        host=host,
        port=port,
        browser=browser,
        address=address,
        ready=lambda url: print(f"Lab: {url}", flush=True),
    )
    guard.say("The lab is closed.")
    _leave()


def _leave() -> None:
    """Leave at once: a kernel that is being compiled for a session can take many seconds."""
    sys.stdout.flush()
    if threading.active_count() > 1:
        os._exit(guard.DONE)


def _opened(what: str, target: str | None, data: str | None) -> Any:
    """Return the table or the run that is named, opened."""
    from descend.lab.opening import open_run, open_table

    path = Path(what)
    if path.suffix == ".run" or (path.is_dir() and (path / "fit.run").exists()):
        return open_run(_run_file(what), None if data is None else _table(data))
    return open_table(_table(what), path.name, target)
