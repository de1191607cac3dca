"""``descend map``: many runs on a map, learning rate by another setting."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from descend.cli import guard
from descend.cli.app import Json, Option, _table, app
from descend.cli.guard import say, say_json
from descend.errors import InputError

# Options of `fit` that decide the task and the rows, handed on as they are.
OF_THE_FIT = (
    "model",
    "hidden",
    "activation",
    "loss",
    "optimizer",
    "penalty",
    "seed",
    "engine",
    "device",
    "exclude",
    "id_column",
    "weight",
    "split_by",
    "in_order",
    "encoding",
    "delimiter",
    "decimal",
)


@app.command("map")
def draw_map(  # noqa: PLR0917 - the options of a fit, and two axes
    table: Annotated[
        str, Argument(help="As for fit: a file, a glob, or the name of a shipped table.")
    ],
    target: Annotated[str, Option("--target", help="The column to predict.")],
    across: Annotated[
        str,
        Option("--across", help="The other axis: batch_size (default), init_scale or momentum."),
    ] = "batch_size",
    learning_rates: Annotated[
        str | None,
        Option(
            "--learning-rates",
            help="FROM:TO:COUNT (evenly in logarithms), a list 0.1,0.3,1, or how many; default "
            "about nine around the boundary.",
        ),
    ] = None,
    values: Annotated[
        str | None,
        Option("--values", help="Of the other axis, such as 1,16,all or 0,0.5,0.9."),
    ] = None,
    epochs: Annotated[int, Option("--epochs", help="Passes over the rows, of each run.")] = 100,
    batch_size: Annotated[
        int, Option("--batch-size", help="Where it is not the axis; 0 (default) for all rows.")
    ] = 0,
    model: Annotated[str | None, Option("--model", help="linear (default) or mlp.")] = None,
    hidden: Annotated[
        str | None, Option("--hidden", help="Units of hidden layers, such as 16,8; makes an mlp.")
    ] = None,
    activation: Annotated[
        str, Option("--activation", help="Of hidden layers: tanh (default), relu, …")
    ] = "tanh",
    loss: Annotated[
        str | None, Option("--loss", help="Such as logistic, huber:1.5; default by the target.")
    ] = None,
    optimizer: Annotated[
        str | None,
        Option("--optimizer", help="Default gradient_descent; across momentum: momentum."),
    ] = None,
    penalty: Annotated[
        str | None, Option("--penalty", help="Such as l2:0.01, l1:0.1, elastic_net:0.1:0.5.")
    ] = None,
    seed: Annotated[int, Option("--seed", help="Of split, start and order.")] = 0,
    engine: Annotated[
        str, Option("--engine", help="auto (default), numba, numpy, jax or torch.")
    ] = "auto",
    device: Annotated[
        str | None, Option("--device", help="For jax and torch: cpu, cuda, cuda:1, tpu …")
    ] = None,
    exclude: Annotated[
        list[str] | None, Option("--exclude", help="A column to leave out; may be repeated.")
    ] = None,
    id_column: Annotated[
        str | None, Option("--id-column", help="A column that names rows.")
    ] = None,
    weight: Annotated[str | None, Option("--weight", help="A column of row weights.")] = None,
    split_by: Annotated[
        str | None, Option("--split-by", help="Rows alike in this column stay together.")
    ] = None,
    in_order: Annotated[
        bool, Option("--in-order", help="First rows train, last rows test: for time.")
    ] = False,
    encoding: Annotated[
        str, Option("--encoding", help="utf-8 (default), latin-1 or utf-16.")
    ] = "utf-8",
    delimiter: Annotated[
        str | None, Option("--delimiter", help="Between fields; default: sniffed.")
    ] = None,
    decimal: Annotated[str, Option("--decimal", help='"." (default) or ",".')] = ".",
    out: Annotated[
        str | None, Option("--out", help="Folder for map and runs; default TABLE-map, beside it.")
    ] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace another map that is in the folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    r"""Train a map of runs: which learning rates converge, crawl, oscillate or diverge.

    \b
    Every cell is a run that other commands open. Over the cells lies the largest stable step of
    theory. After Ctrl-C the same command goes on where it stopped.

    \b
    Examples:
      descend map diabetes --target progression --across momentum
      descend map houses.csv --target price --values 1,16,256,all --epochs 50
      descend map moons.csv --target label --hidden 16 --across init_scale
      descend map houses.csv --target price --learning-rates 1e-3:1:13 --out houses-map
    """
    given = locals()
    from descend.sweeping import sweep_table

    path = _table(table)
    folder = Path(out) if out else _beside(table, path)
    found = sweep_table(
        path,
        target,
        across=across,
        values=_listed(values, "values"),
        learning_rates=_rates(learning_rates),
        epochs=epochs,
        batch_size=batch_size,
        folder=folder,
        overwrite=overwrite,
        progress=False if as_json else "auto",
        **{name: given[name] for name in OF_THE_FIT if given[name] is not None},
    )
    files = [str(folder / name) for name in ("map.svg", "map.txt", "map.json", "cells")]
    if as_json:
        say_json({**found.as_dict(), "folder": str(folder), "files": files})
    else:
        say(found.text(color=_in_color()), "", "Written:", *(f"  {name}" for name in files))
        _say_how_to_open(found, folder)
    if found.interrupted:
        guard.complain("Interrupted; the cells that were done are kept. Say the same to go on.")
        raise guard.Exit(guard.INTERRUPTED)


def _say_how_to_open(found: Any, folder: Path) -> None:
    """Name a cell worth opening."""
    there = [cell for row in found.cells for cell in row if cell.verdict not in {None, "diverged"}]
    if there:
        best = folder / "cells" / found.best.file.name
        say(f"Open any cell, such as the best: descend show {best}")


def _in_color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _beside(table: str, path: str) -> Path:
    """Return the folder beside the table; of a shipped one, here."""
    stem = Path(path).name.split(".")[0].replace("*", "_").replace("?", "_") or "table"
    return (Path(path).parent if table == path else Path()) / f"{stem}-map"


def _listed(text: str | None, name: str) -> list[float] | None:
    """Return the numbers in a list; "all" is a batch of any size."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    try:
        return [2**62 if word == "all" else _number(word) for word in words]
    except ValueError:
        option = f"--{name.replace('_', '-')}"
        msg = f"{option} takes numbers with commas between them; found {text!r}. Mend it."
        raise InputError(msg) from None


def _number(word: str) -> float:
    return int(word) if word.isdecimal() else float(word)


def _rates(text: str | None) -> list[float] | int | None:
    """Return learning rates: a range evenly in logarithms, a list, or how many."""
    if text is None:
        return None
    if text.isdecimal():
        return int(text)
    if ":" not in text:
        return _listed(text, "learning_rates")
    try:
        low, high, count = (
            part(word) for part, word in zip((float, float, int), text.split(":"), strict=True)
        )
    except ValueError:
        low, high, count = 0.0, 0.0, 0
    if not (0 < low < high < float("inf") and count > 1):
        msg = (
            "--learning-rates takes FROM:TO:COUNT, with 0 < FROM < TO and a count of 2 or more, "
            f"such as 1e-3:1:13; found {text!r}. Mend it."
        )
        raise InputError(msg)
    return [low * (high / low) ** (k / (count - 1)) for k in range(count)]
