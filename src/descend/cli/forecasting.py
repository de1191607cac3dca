"""``descend forecast``: what a fit will do, before its first step."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from descend.cli import options
from descend.cli.app import Json, Option, _table, app
from descend.cli.guard import say, say_json
from descend.errors import InputError

# Options of fit that say how a table becomes rows.
OF_ROWS = (
    "exclude",
    "id_column",
    "weight",
    "split_by",
    "in_order",
    "seed",
    "encoding",
    "delimiter",
    "decimal",
)
# Options of fit that say what is trained on them.
OF_TASK = (
    "model",
    "hidden",
    "activation",
    "loss",
    "optimizer",
    "learning_rate",
    "epochs",
    "batch_size",
    "penalty",
)


@app.command()
def forecast(  # noqa: PLR0917 - the options of a fit that decide what is trained
    table: Annotated[
        str | None, typer.Argument(help="As for fit: a file, a glob, or a shipped table.")
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
        str | None, Option("--optimizer", help="Such as gradient_descent, momentum:0.95, adam.")
    ] = None,
    learning_rate: Annotated[
        str | None,
        Option("--learning-rate", help="The step to judge: a number, or auto (default)."),
    ] = None,
    epochs: Annotated[int | None, Option("--epochs", help="Passes over the rows.")] = None,
    batch_size: Annotated[
        int | None, Option("--batch-size", help="Rows to an update; 0 for all.")
    ] = None,
    penalty: Annotated[
        str | None, Option("--penalty", help="Such as l2:0.01, l1:0.1, elastic_net:0.1:0.5.")
    ] = None,
    seed: Annotated[int | None, Option("--seed", help="Of split, start and order.")] = None,
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
        str | None, Option("--config", help="A TOML file with options of fit.")
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Say what a fit will do before its first step: stable or not, how fast, and why.

    \b
    Exact for squared errors on all rows at once, a bound for other losses, and an indication for
    nets and batches.  The columns are as fit encodes them: standardised.

    \b
    Examples:
      descend forecast diabetes --target progression
      descend forecast houses.csv --target price --learning-rate 0.5 --optimizer gradient_descent
      descend forecast churn.parquet --target left --hidden 16,8 --optimizer momentum:0.9 --json
      descend forecast --config houses-fit/config.toml
    """
    given = {k: v for k, v in locals().items() if k in options.FIT}
    asked = options.merged(given, config)
    if not asked["table"] or not asked["target"]:
        what = "table" if not asked["table"] else "target"
        msg = f"forecast needs a {what}: descend forecast TABLE --target COLUMN."
        raise InputError(msg)
    found = _forecast(asked)
    if as_json:
        say_json(found.as_dict())
    else:
        say(*str(found).splitlines())


def _forecast(asked: dict[str, Any]) -> Any:
    from descend import fitting
    from descend.forecasting import forecast as made

    keyword = {name: asked[name] for name in OF_TASK}
    keyword["learning_rate"] = options.number_or_auto(keyword["learning_rate"])
    how = {name: asked[name] for name in OF_ROWS}
    posed = fitting.pose(_table(str(asked["table"])), str(asked["target"]), how=how, **keyword)
    rows = posed.prepared.train
    return made(
        posed.task,
        rows.X,
        posed.targets,
        batch_size=posed.batch_size,
        epochs=posed.epochs,
        sample_weight=rows.weights,
        seed=asked["seed"],
        names=posed.prepared.encoder.feature_names,
    )
