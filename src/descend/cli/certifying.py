"""``descend certify``: the same training on every engine, compared at every update."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from descend.cli.app import Data, Json, Option, app
from descend.cli.guard import Exit, say, say_json
from descend.errors import InputError


@app.command()
def certify(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run file or its folder; default: three examples."),
    ] = None,
    updates: Annotated[int, Option("--updates", help="How many to compare.")] = 50,
    engine: Annotated[
        list[str] | None,
        Option("--engine", help="Only these; may be repeated. Default: all that are installed."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    r"""Train on every engine, in both precisions, and compare every state with every other.

    \b
    Engines: numpy and numba have derivatives by hand, jax and torch find their own.  Exit status
    1 if any two are further apart than 1e-10 (float64) or 1e-4 (float32) of the largest entry.

    \b
    Examples:
      descend certify                                a line, a logistic model, a net
      descend certify houses-fit                     what a run was trained on
      descend certify houses-fit --engine numpy --engine jax --updates 200
    """
    from descend.certification import certify as certified
    from descend.certification import examples

    found = []
    for task, X, y, asked in [_of_run(run, data)] if run else [(*e, {}) for e in examples()]:
        found.append(certified(task, X, y, updates=updates, engines=engine or None, **asked))
        if not as_json:
            say(str(found[-1]), "")
    if as_json:
        say_json([certificate.to_json() for certificate in found])
    if not all(certificate.ok for certificate in found):
        raise Exit(1)


def _of_run(run: str, data: str | None) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Return a run's task, rows and what its updates depend on."""
    from descend import fitting
    from descend.run import load

    loaded = load(run)
    if loaded.encoder is None:
        msg = (
            "This run was trained on arrays, which no file holds; compare engines from Python with "
            "ds.certify(task, X, y)."
        )
        raise InputError(msg)
    opened = fitting.reopen(loaded, data)[0]
    problem = opened.problem
    asked = {
        "batch_size": problem.batch_size,
        "sample_weight": problem.weights,
        "seed": problem.seed,
    }
    return loaded.task, problem.X, _labels(loaded, problem.y), asked


def _labels(run: Any, y: Any) -> Any:
    """Return targets as `train` takes them: labels as they were, numbers as they are."""
    if run.task.loss.targets not in {"labels", "two labels"}:
        return y
    import numpy as np

    return np.asarray(run.classes)[np.asarray(y).reshape(len(y), -1)[:, 0].astype(int)]
