"""The commands; each reads its options, calls the library, and says what it found."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from descend.cli import guard, options, words
from descend.cli.guard import say, say_json
from descend.errors import InputError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="""Train linear, logistic and small neural models by gradient descent, and see why.

    \b
    Examples:
      descend fit breast-cancer --target diagnosis      a table that ships with descend
      descend fit sales.csv --target price --hidden 16  your own, with a small net
      descend predict sales-fit new.csv --out out.csv   use it
      descend classics                                  five teaching documents, mended
    """,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
RunPath = Annotated[str, typer.Argument(metavar="RUN", help="A run file, or the folder it is in.")]
Data = Annotated[
    str | None,
    typer.Option("--data", help="The table, if it is no longer where the run says."),
]
Option = typer.Option


@app.command()
def fit(  # noqa: PLR0917 - the options of a fit
    table: Annotated[
        str | None,
        typer.Argument(
            help="CSV, TSV, Parquet or JSON lines, also compressed; a glob; or the name of a "
            "table that ships with descend: breast-cancer, diabetes."
        ),
    ] = None,
    target: Annotated[str | None, Option("--target", help="The column to predict.")] = None,
    model: Annotated[str | None, Option("--model", help="linear (default) or mlp.")] = None,
    hidden: Annotated[
        str | None, Option("--hidden", help="Units of hidden layers, such as 16,8; makes an mlp.")
    ] = None,
    activation: Annotated[
        str | None, Option("--activation", help="Of hidden layers: tanh (default), relu, …")
    ] = None,
    loss: Annotated[
        str | None,
        Option("--loss", help="Such as logistic, poisson, huber:1.5; default by the target."),
    ] = None,
    optimizer: Annotated[
        str | None,
        Option("--optimizer", help="Such as gradient_descent, momentum:0.95, adam, lbfgs."),
    ] = None,
    learning_rate: Annotated[
        str | None,
        Option("--learning-rate", help="A number, or auto (default): from the curvature."),
    ] = None,
    epochs: Annotated[int | None, Option("--epochs", help="Passes over the rows.")] = None,
    batch_size: Annotated[
        int | None, Option("--batch-size", help="Rows to an update; 0 for all.")
    ] = None,
    penalty: Annotated[
        str | None, Option("--penalty", help="Such as l2:0.01, l1:0.1, elastic_net:0.1:0.5.")
    ] = None,
    patience: Annotated[
        int | None,
        Option("--patience", help="Epochs without a lower validation loss before stopping."),
    ] = None,
    tolerance: Annotated[
        float | None,
        Option("--tolerance", help="Stop when the gradient is this small against its first."),
    ] = None,
    seed: Annotated[int | None, Option("--seed", help="Of split, start and order.")] = None,
    engine: Annotated[
        str | None, Option("--engine", help="auto (default), numba, numpy, jax or torch.")
    ] = None,
    device: Annotated[
        str | None, Option("--device", help="For jax and torch: cpu, cuda, cuda:1, tpu …")
    ] = None,
    exclude: Annotated[
        list[str] | None, Option("--exclude", help="A column to leave out; may be repeated.")
    ] = None,
    id_column: Annotated[
        str | None, Option("--id-column", help="A column that names rows; not used to learn.")
    ] = None,
    weight: Annotated[str | None, Option("--weight", help="A column of row weights.")] = None,
    split_by: Annotated[
        str | None, Option("--split-by", help="Rows alike in this column stay together.")
    ] = None,
    in_order: Annotated[
        bool | None, Option("--in-order", help="First rows train, last rows test: for time.")
    ] = None,
    encoding: Annotated[
        str | None, Option("--encoding", help="utf-8 (default), latin-1 or utf-16.")
    ] = None,
    delimiter: Annotated[
        str | None, Option("--delimiter", help="Between fields; default: sniffed.")
    ] = None,
    decimal: Annotated[str | None, Option("--decimal", help='"." (default) or ",".')] = None,
    config: Annotated[
        str | None, Option("--config", help="A TOML file with any of these options.")
    ] = None,
    out: Annotated[
        str | None, Option("--out", help="Folder for the results; default: beside the table.")
    ] = None,
    overwrite: Annotated[
        bool | None, Option("--overwrite", help="Replace the run that is in the folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Fit a model to a table, measure it on rows it has not seen, and record every step.

    \b
    Rows are split 70/15/15 into train, validation and test; columns are encoded as the
    training rows teach; the test rows are looked at once, at the end.

    \b
    Examples:
      descend fit houses.csv --target price
      descend fit visits.parquet --target churned --hidden 32,16 --exclude customer_id
      descend fit counts.csv --target visits --loss poisson --penalty l2:0.01
      descend fit sales.csv --target units --in-order --out forecast --json
      descend fit --config houses-fit/config.toml --out again
    """
    given = {k: v for k, v in locals().items() if k in options.FIT}
    asked = options.merged(given, config)
    if not asked["table"] or not asked["target"]:
        what = "table" if not asked["table"] else "target"
        msg = f"fit needs a {what}: descend fit TABLE --target COLUMN."
        raise InputError(msg)
    _fit(asked, as_json=as_json)


def _fit(asked: dict[str, Any], *, as_json: bool) -> None:
    from descend import fitting

    table = _table(str(asked["table"]))
    folder, made = _folder(asked, table)
    keyword = {k: v for k, v in asked.items() if k not in {*options.OF_THE_CALL, "table", "target"}}
    keyword["learning_rate"] = options.number_or_auto(keyword["learning_rate"])
    try:
        fitted = fitting.fit(
            table, str(asked["target"]), progress=False if as_json else "auto", **keyword
        )
        files = _write(fitted, folder, asked)
    except BaseException:
        if made:
            _remove_empty(folder)
        raise
    if as_json:
        say_json(words.summary(fitted, files, _kept(asked)))
    else:
        say(*words.of_fit(fitted, files))
    _leave(fitted.run, folder)


def _table(named: str) -> str:
    """Return the path; a bare name that is no file may be a table that ships with descend."""
    from descend.datasets import shipped

    known = shipped()
    if not Path(named).exists() and named in known:
        return str(known[named])
    if not Path(named).exists() and "." not in named and "/" not in named:
        from descend.errors import did_you_mean

        hint = did_you_mean(named, known)
        if hint:
            msg = f"There is no file {named}, nor a shipped table of that name{hint}."
            raise InputError(msg)
    return named


def _folder(asked: dict[str, Any], table: str) -> tuple[Path, bool]:
    """Return the folder for the results, made now so that a bad place is known at once."""
    if asked["out"]:
        folder = Path(asked["out"])
    else:
        stem = Path(table).name.split(".")[0].replace("*", "_").replace("?", "_") or "table"
        shipped = str(asked["table"]) != table
        beside = Path() if shipped else Path(table).parent
        folder = beside / f"{stem}-fit"
        number = 2
        while folder.exists() and not asked["overwrite"]:
            folder = beside / f"{stem}-fit-{number}"
            number += 1
    if folder.exists() and not folder.is_dir():
        msg = f"The results go to a folder, and {folder} is a file; name another with --out."
        raise InputError(msg)
    if (folder / "fit.run").exists() and not asked["overwrite"]:
        msg = f"There is a run in {folder} already; say --overwrite, or name another with --out."
        raise InputError(msg)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".descend-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        msg = (
            f"The folder {folder} cannot be written to ({error.strerror}); name another with --out."
        )
        raise InputError(msg) from error
    return folder, made


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # something is in it after all
        return


def _kept(asked: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in asked.items() if k not in options.OF_THE_CALL}


def _write(fitted: Any, folder: Path, asked: dict[str, Any]) -> list[str]:
    from descend.cli.reporting import report_beside
    from descend.files import write_bytes

    files = [str(folder / name) for name in ("fit.run", "summary.json", "config.toml")]
    fitted.run.save(files[0])
    repeat = {**asked, "table": _absolute(fitted, asked)}
    write_bytes(files[2], options.write(repeat))
    files += report_beside(fitted, folder, asked)
    write_bytes(files[1], guard.as_json(words.summary(fitted, files, _kept(asked))) + "\n")
    return files


def _absolute(fitted: Any, asked: dict[str, Any]) -> str:
    found = fitted.prepared.source["files"]
    return str(found[0]["path"]) if len(found) == 1 else str(asked["table"])


def _leave(run: Any, folder: Path) -> None:
    """End with the status the outcome asks for."""
    if run.outcome.reason == "interrupted":
        guard.complain(f"{run.outcome.sentence} Go on with: descend resume {folder}")
        raise guard.Exit(guard.INTERRUPTED)
    if run.outcome.reason == "diverged":
        guard.complain(run.outcome.sentence)
        raise guard.Exit(guard.DIVERGED)


@app.command()
def resume(
    run: RunPath,
    epochs: Annotated[
        int | None, Option("--epochs", help="Passes in all, those done included.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    r"""Train a run on from where it stopped, as if it had never stopped.

    \b
    Examples:
      descend resume houses-fit                after Ctrl-C
      descend resume houses-fit --epochs 9000  longer than first asked
    """
    from descend import fitting
    from descend.run import load

    file = _run_file(run)
    before = load(file)
    fitted = fitting.go_on(before, data, epochs=epochs, progress=False if as_json else "auto")
    config = file.parent / "config.toml"
    asked = {**options.FIT, **(options.read(str(config)) if config.exists() else {})}
    asked["table"] = data or asked["table"] or fitted.prepared.source["named"]
    asked["target"] = (fitted.run.source or {})["target"]
    asked["epochs"] = fitted.run.setup.epochs
    fitted.run.save(file)
    files = [str(file)]
    if (file.parent / "summary.json").exists():
        files = _write(fitted, file.parent, asked)
    if as_json:
        say_json(words.summary(fitted, files, _kept(asked)))
    else:
        say(*words.of_fit(fitted, files))
    _leave(fitted.run, file.parent)


def _run_file(run: str) -> Path:
    from descend.run.files import find_run_file

    return find_run_file(Path(run))


@app.command()
def predict(
    run: RunPath,
    table: Annotated[str, typer.Argument(help="A table with the columns of training.")],
    out: Annotated[str, Option("--out", help="Where to: a .csv or .parquet file.")],
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file.")] = False,
    as_json: Json = False,
) -> None:
    r"""Predict every row of a table: `prediction`, and `p_LABEL` for each label.

    \b
    Examples:
      descend predict houses-fit new.csv --out prices.csv
      descend predict churn-fit customers.parquet --out churn.parquet
    """
    from descend.run import load
    from descend.tables import write_predictions

    loaded = load(run)
    if Path(out).exists() and not overwrite:
        msg = f"{out} exists already; name another file, or say --overwrite."
        raise InputError(msg)
    encoded = _encoder(loaded).transform(_table(table))
    columns = _predictions(loaded, encoded)
    write_predictions(out, columns, overwrite=overwrite)
    if as_json:
        say_json({"rows": len(encoded.X), "report": encoded.report, "files": [out]})
    else:
        say(f"Predicted {len(encoded.X)} rows.", *(f"Note: {r}" for r in encoded.report))
        say(f"Written: {out}")


def _encoder(run: Any) -> Any:
    from descend.tables import Encoder

    if run.encoder is None:
        msg = "This run was trained on arrays; use it in Python: ds.load(file).predict(X)."
        raise InputError(msg)
    return Encoder.from_json(run.encoder)


def _predictions(run: Any, encoded: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if encoded.ids is not None:
        columns[run.encoder["id_column"]] = encoded.ids
    predicted = run.predict(encoded.X)
    columns["prediction"] = predicted if run.classes is None else [str(p) for p in predicted]
    if run.classes is not None and run.task.loss.proper:
        for label, p in zip(run.classes, run.predict_proba(encoded.X).T, strict=True):
            columns[f"p_{label}"] = p
    return columns


@app.command()
def evaluate(
    run: RunPath,
    table: Annotated[str, typer.Argument(help="A table with the columns and the target.")],
    as_json: Json = False,
) -> None:
    r"""Measure a run on another table that has the target.

    \b
    Examples:
      descend evaluate houses-fit sold-in-june.csv
      descend evaluate churn-fit q3.parquet --json
    """
    import numpy as np

    from descend.fitting import measure
    from descend.run import load

    loaded = load(run)
    encoded = _encoder(loaded).transform(_table(table), need_target=True)
    labels = loaded.classes is not None
    there = encoded.y >= 0 if labels else ~np.isnan(encoded.y)
    if not there.any():
        msg = f"No row of {table} has an entry in the target column; there is nothing to measure."
        raise InputError(msg)
    weights = None if encoded.weights is None else encoded.weights[there]
    found = measure(loaded, encoded.X[there], encoded.y[there], weights)
    if as_json:
        result = {"rows": int(there.sum()), "without_target": int((~there).sum())}
        say_json({**result, "metrics": found, "report": encoded.report})
        return
    say(f"Measured on {int(there.sum())} rows of {table}.")
    say(*(f"Note: {r}" for r in encoded.report))
    say(*(f"  {name:10} {value:.6g}" for name, value in found.items()))


@app.command()
def show(
    run: RunPath,
    data: Annotated[
        str | None, typer.Option("--data", help="The table; with it, the gap to the optimum.")
    ] = None,
    graph: Annotated[
        str | None,
        Option("--graph", help="Draw the computation graph: a file .svg or .txt, or - for here."),
    ] = None,
    step: Annotated[
        int | None,
        Option("--step", help="With --graph and --data: the values and gradients after K updates."),
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Show what a run holds: task, outcome, parameters, coefficients.

    \b
    Examples:
      descend show houses-fit
      descend show houses-fit/fit.run --json
      descend show houses-fit --data houses.csv
      descend show houses-fit --graph graph.svg --step 0 --data houses.csv
    """
    from descend import fitting
    from descend.run import load
    from descend.task import describe

    file = _run_file(run)
    loaded = load(file)
    if data is not None:
        loaded, _ = fitting.reopen(loaded, data)
    if step is not None and graph is None:
        msg = "--step chooses the step whose values a graph shows; add --graph graph.svg."
        raise InputError(msg)
    if graph is not None:
        drawn = loaded.graph(step)
        if graph == "-":
            say(str(drawn))
            return
        drawn.save(graph)
        say(f"Drew the computation graph in {graph}.")
        return
    if not as_json:
        say(*words.of_run(loaded, str(file)))
        return
    say_json(
        {
            "task": {"sentence": str(loaded.task), **describe(loaded.task)},
            "outcome": words.outcome(loaded),
            "optimum": words.optimum(loaded),
            "setup": loaded.setup.describe(),
            "params": loaded.params,
            "classes": loaded.classes,
            "features": loaded.names,
            "engine": loaded.engine_used,
            "events": list(loaded.events),
            "source": loaded.source,
            "versions": loaded.versions,
            "keyframes": 0 if loaded.keyframes is None else len(loaded.keyframes),
        }
    )


@app.command()
def replay(
    run: RunPath,
    check: Annotated[
        bool, Option("--check", help="Exit with 1 if any keyframe differs by more than 1e-9.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    r"""Train a run again from its table and compare every keyframe.

    \b
    Examples:
      descend replay houses-fit --check
      descend replay houses-fit --data moved/houses.csv
    """
    from descend import fitting
    from descend.run import load

    opened, _ = fitting.reopen(load(run), data)
    found = fitting.check_replay(opened)
    step, worst = max(found, key=lambda pair: pair[1])
    if as_json:
        say_json({"keyframes": len(found), "largest_difference": worst, "at_update": step})
    else:
        say(
            f"Trained {opened.state.step} updates again and compared {len(found)} states.",
            "Every one is the same, bit for bit."
            if worst == 0
            else f"The largest difference is {worst:.3g} of the largest entry, at update {step}.",
        )
    if check and not worst <= 1e-9:  # noqa: PLR2004 - other machines round otherwise
        guard.complain("The replay differs from the record by more than 1e-9.")
        raise guard.Exit(guard.FAULT)


@app.command()
def classics(
    name: Annotated[
        str | None,
        typer.Argument(help="houses, moons, line_sgd, line_by_hand or sliders; default all."),
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Run the five teaching documents descend grew out of, and mend their mistakes.

    \b
    Examples:
      descend classics
      descend classics line_by_hand
      descend classics houses --json
    """
    from descend import classics as five

    names = list(five.CLASSICS) if name is None else [name]
    found = {}
    for each in names:
        classic = five.run_classic(each)
        found[each] = five.to_json(classic)
        if not as_json:
            say(five.as_text(classic), "")
    if as_json:
        say_json(found)


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(guard.guarded(lambda: _run_typer(sys.argv[1:])))


def _run_typer(arguments: list[str]) -> None:
    """Let typer parse; its own complaints end with status 2, like ours."""
    for command in app.registered_commands:
        command.help = command.help or _help(command.callback)
    status = app(arguments, standalone_mode=False, prog_name="descend")
    if isinstance(status, int) and status:
        raise guard.Exit(status)


def _help(command: Any) -> str:
    r"""Return a command's help: what follows a line of \b keeps its lines."""
    return inspect.cleandoc(command.__doc__).replace("\\b\n", "\b\n")
