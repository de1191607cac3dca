"""Fitting: from a table to a trained, measured run; what ``descend fit`` does.

>>> import descend as ds
>>> done = ds.fit(ds.datasets.shipped_table("diabetes"), "progression", epochs=200)
>>> done.run.task.loss, done.rows["test"]
(SquaredError(), 66)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import losses, metrics
from descend.errors import InputError, did_you_mean
from descend.losses import LOSSES
from descend.models import MLP, Linear
from descend.optimizers import RULES
from descend.parts import Family, choice, whole
from descend.penalties import PENALTIES
from descend.run import Data, Run, make_data
from descend.tables import Encoder, prepare
from descend.task import Task
from descend.training import resume, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Array, Floats
    from descend.tables import Prepared

# What a fit takes unless told otherwise: a linear model sees all rows at each update and has a
# curvature to set its step; a net takes Adam on small batches.  Patience and tolerance end both.
LINEAR: dict[str, Any] = {"optimizer": "nesterov", "epochs": 3000, "batch_size": 0}
NET: dict[str, Any] = {"optimizer": "adam", "epochs": 300, "batch_size": 32}
UNITS = (32,)
PATIENCE = {"linear": 200, "mlp": 20}
TOLERANCE = 1e-5
PARTS = ("train", "validation", "test")


@final
@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted table.

    Attributes
    ----------
    run
        The recorded run; it predicts tables.
    prepared
        The table's rows, columns and split.
    metrics
        For each part, name to value.
    baseline
        The same for the model that knows nothing: the mean, or the shares of the labels.

    Examples
    --------
    >>> import descend as ds
    >>> done = ds.fit(ds.datasets.shipped_table("diabetes"), "progression", epochs=100)
    >>> done.metrics["test"]["r2"] > done.baseline["test"]["r2"]
    True
    """

    run: Run
    prepared: Prepared
    metrics: dict[str, dict[str, float]]
    baseline: dict[str, dict[str, float]]

    @property
    def rows(self) -> dict[str, int]:
        """How many rows were read, lacked a target, and went to each part."""
        return self.prepared.rows

    def coefficients(self) -> list[tuple[str, Floats, Floats]]:
        """Return (feature, standardised, in original units) by strength; none for nets."""
        return coefficients(self.run)


def fit(  # noqa: PLR0913 - each is a question a user may want to answer
    table: Any,
    target: str,
    *,
    model: str | None = None,
    hidden: Sequence[int] | int | str | None = None,
    activation: str = "tanh",
    loss: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | str = "auto",
    epochs: int | None = None,
    batch_size: int | None = None,
    penalty: str | None = None,
    patience: int | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    engine: str = "auto",
    device: str | None = None,
    exclude: Sequence[str] = (),
    id_column: str | None = None,
    weight: str | None = None,
    split_by: str | None = None,
    in_order: bool = False,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    decimal: str = ".",
    progress: bool | str = "auto",
) -> Fit:
    """Fit a model to a table by gradient descent, and measure it on rows it has not seen.

    Parameters
    ----------
    table
        A path (CSV, TSV, Parquet, JSON lines, compressed, a glob), or a table of pandas, polars
        or Arrow.
    target
        The column to predict.
    model
        ``"linear"`` or ``"mlp"``; default linear, or mlp if `hidden` is given.
    hidden
        Units of the hidden layers: ``(16, 8)`` or ``"16,8"``; default (32,) for mlp.
    activation
        Of the hidden layers; default ``"tanh"``.
    loss
        Its name, with its number after a colon (``"huber:1.5"``); default by the target.
    optimizer
        Its name, with its numbers after colons (``"momentum:0.95"``, ``"lbfgs:20"``); default
        nesterov for linear models, adam for nets.
    learning_rate
        A number or ``"auto"`` (default): from the curvature, or the paper's.
    epochs
        Passes over the training rows; default 3000 full-batch updates, or 300 for nets.
    batch_size
        Rows to an update, 0 for all; default all for linear models and for optimizers that
        search, 32 for nets.
    penalty
        Such as ``"l2:0.01"``, ``"l1:0.1"``, ``"elastic_net:0.1:0.5"``; default none.
    patience
        Epochs without a lower validation loss before stopping; default 200, 20 for nets.
    tolerance
        Stop when the gradient is this small against its first length; default 1e-5.
    seed, engine, device
        As for `train`.
    exclude, id_column, weight, split_by, in_order, encoding, delimiter, decimal
        As for `descend.tables.prepare`.
    progress
        As for `train`.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If the table or an option cannot be used; the sentence says what, where, and what to do.

    Examples
    --------
    >>> import descend as ds
    >>> done = ds.fit(ds.datasets.shipped_table("breast-cancer"), "diagnosis", epochs=50)
    >>> done.run.classes
    ['benign', 'malignant']
    """
    posed = pose(
        table,
        target,
        model=model,
        hidden=hidden,
        activation=activation,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        penalty=penalty,
        how={
            "exclude": list(exclude),
            "id_column": id_column,
            "weight": weight,
            "split_by": split_by,
            "in_order": in_order,
            "seed": seed,
            "encoding": encoding,
            "delimiter": delimiter,
            "decimal": decimal,
        },
    )
    task, prepared = posed.task, posed.prepared
    data = rows_of(task, prepared)
    run = train(
        task,
        data.X,
        posed.targets,
        epochs=posed.epochs,
        batch_size=posed.batch_size,
        validation=(data.validation[0], _targets(prepared, "validation"), data.validation[2])
        if data.validation
        else None,
        sample_weight=data.weights,
        seed=seed,
        engine=engine,
        device=device,
        gradient_tolerance=TOLERANCE if tolerance is None else tolerance,
        patience=PATIENCE[task.model.name] if patience is None else patience,
        progress=progress,
    )
    run = replace(
        run,
        classes=list(prepared.encoder.target.classes) or None,
        names=prepared.encoder.feature_names,
        encoder=prepared.encoder.to_json(),
        source={
            **prepared.source,
            "target": target,
            "target_kind": posed.target_kind,
            "how": posed.how,
        },
    )
    return measured(run, prepared)


@final
@dataclass(frozen=True, eq=False)
class Posed:
    """What a fit of a table would train: the task, its rows, and how it goes through them.

    Attributes
    ----------
    task, prepared
        The task; the table's rows, columns and split.
    epochs, batch_size
        As asked, or usual for the model; None for the full batch.
    target_kind, how
        As for `descend.tables.prepare`.
    """

    task: Task
    prepared: Prepared
    epochs: int
    batch_size: int | None
    target_kind: str
    how: dict[str, Any]

    @property
    def targets(self) -> Array:
        """The training rows' targets, as `train` takes them."""
        return _targets(self.prepared, "train")


def pose(  # noqa: PLR0913 - the arguments of `fit` that decide the problem
    table: Any,
    target: str,
    *,
    model: str | None = None,
    hidden: Sequence[int] | int | str | None = None,
    activation: str = "tanh",
    loss: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | str = "auto",
    epochs: int | None = None,
    batch_size: int | None = None,
    penalty: str | None = None,
    how: dict[str, Any],
) -> Posed:
    """Return what `fit` would train, with `how` the options of `prepare`."""
    asked = None if loss is None else part(LOSSES, loss)
    kind = "auto"
    if asked is not None:
        kind = "number" if asked.targets in {"numbers", "counts"} else "labels"
    whole("fit", "seed", how["seed"], low=0)
    net = _model(model, hidden, activation)
    make_penalty = None if penalty is None else part(PENALTIES, penalty)
    defaults = NET if net.hidden else LINEAR
    rule = part(RULES, str(optimizer or defaults["optimizer"]), learning_rate=learning_rate)
    prepared = prepare(table, target, target_kind=kind, **how)
    task = Task(net, _fitting_loss(prepared.encoder, asked), rule, penalty=make_penalty)
    prepared = replace(prepared, encoder=_with_units(prepared, task))
    usual = 0 if rule.rule.searches else defaults["batch_size"]  # a search sees all rows
    size = usual if batch_size is None else batch_size
    count = int(defaults["epochs"]) if epochs is None else epochs
    return Posed(task, prepared, count, size or None, kind, how)


def part(family: Family[Any], words: str, **more: Any) -> Any:
    """Return the part that words such as ``"huber:1.5"`` name, its numbers after colons.

    >>> part(LOSSES, "huber:1.5")
    Huber(delta=1.5)
    """
    name, *numbers = str(words).split(":")
    fields: tuple[str, ...] = ()
    for cls in family.classes():
        if cls.name == name:
            fields = cls._fields
    if len(numbers) > len(fields):
        takes = f"takes {', '.join(fields)}" if fields else "takes no numbers"
        if name in list(family):
            msg = f"The {family.kind} {name!r} {takes}; got {words!r}."
            raise InputError(msg)
    try:
        values = {f: _number(v) for f, v in zip(fields, numbers, strict=False)}
    except ValueError:
        msg = (
            f"The {family.kind} {name!r} takes numbers after its name, as in {name}:0.5; "
            f"got {words!r}."
        )
        raise InputError(msg) from None
    return family.make(name, **values, **more)


def _number(text: str) -> float:
    """Return a whole number as an int: some hyperparameters count."""
    return int(text) if text.isdecimal() else float(text)


def _model(model: str | None, hidden: Any, activation: str) -> Linear | MLP:
    if model is not None:
        choice("fit", "model", model, ("linear", "mlp"))
    if isinstance(hidden, str):
        try:
            hidden = tuple(int(h) for h in hidden.split(",") if h.strip())
        except ValueError:
            msg = f"The hidden layers must be whole numbers, such as 16,8. Got {hidden!r} instead."
            raise InputError(msg) from None
    if model == "linear" and hidden:
        msg = "A linear model has no hidden layers; ask for model mlp, or leave --hidden out."
        raise InputError(msg)
    if model == "mlp" or hidden:
        return MLP(UNITS if hidden is None else hidden, activation)
    return Linear()


def _fitting_loss(encoder: Encoder, asked: Any) -> Any:
    """Return the loss asked for, or the one that suits the target."""
    target = encoder.target
    labels = target.classes
    if asked is None:
        if target.kind == "number":
            return losses.squared_error()
        return losses.logistic() if len(labels) == 2 else losses.softmax()  # noqa: PLR2004
    if asked.targets == "two labels" and len(labels) > 2:  # noqa: PLR2004
        shown = ", ".join(map(repr, labels[:6])) + (", …" if len(labels) > 6 else "")  # noqa: PLR2004
        msg = (
            f"{asked.name} takes two labels; the target {target.name!r} has {len(labels)}: "
            f"{shown}. Use softmax."
        )
        raise InputError(msg)
    if asked.targets == "counts" and not target.counts:
        msg = (
            f"{asked.name} takes whole counts of 0 and above; the target {target.name!r} holds "
            "other numbers. Use squared_error."
        )
        raise InputError(msg)
    return asked


def _with_units(prepared: Prepared, task: Task) -> Encoder:
    """Let a net meet a standardised target; linear models meet the target as it is."""
    encoder = prepared.encoder
    if task.model.linear or task.loss.targets != "numbers":
        return encoder
    from descend.tables.columns import moments  # noqa: PLC0415 - nets only

    mean, scale = moments(prepared.train.y, prepared.train.weights)
    return replace(encoder, target=replace(encoder.target, mean=mean, scale=scale or 1.0))


def _targets(prepared: Prepared, name: str) -> Array:
    target = prepared.encoder.target
    y: Array = getattr(prepared, name).y
    return y if target.kind == "labels" else (y - target.mean) / target.scale


def rows_of(task: Task, prepared: Prepared) -> Data:
    """Return a table's training and validation rows as `train` makes them ready."""
    held = prepared.validation
    return make_data(
        task.loss,
        prepared.train.X,
        _targets(prepared, "train"),
        validation=(held.X, _targets(prepared, "validation"), held.weights),
        sample_weight=prepared.train.weights,
    )


# ---------------------------------------------------------------- measuring


def measured(run: Run, prepared: Prepared) -> Fit:
    """Return the fit with the metrics of each part, beside those of knowing nothing."""
    found, known = {}, {}
    for name in PARTS:
        rows = getattr(prepared, name)
        found[name] = measure(run, rows.X, rows.y, rows.weights)
        known[name] = baseline(run, prepared, rows)
    return Fit(run, prepared, found, known)


def measure(run: Run, X: Floats, y: Array, weights: Floats | None) -> dict[str, float]:
    """Return the metrics of a run on encoded rows: y numbers in their own units, or codes."""
    if run.classes is None:
        return _of_numbers(np.asarray(run.predict(X)), y, weights)
    codes = _predicted_codes(run, X)
    found = {"accuracy": metrics.accuracy(codes, y, weights)}
    if run.task.loss.proper:
        found["log_loss"] = metrics.log_loss(run.predict_proba(X), y, weights)
    return found


def _of_numbers(predicted: Floats, y: Floats, weights: Floats | None) -> dict[str, float]:
    with np.errstate(all="ignore"):  # a diverged run predicts infinities
        return {
            "r2": metrics.r2(predicted, y, weights),
            "rmse": metrics.rmse(predicted, y, weights),
            "mae": metrics.mae(predicted, y, weights),
        }


def _predicted_codes(run: Run, X: Floats) -> Array:
    scores = run.scores(X)
    if scores.shape[1] > 1:
        return np.asarray(scores.argmax(axis=1))
    return (scores[:, 0] > 0).astype(np.int64)


def baseline(run: Run, prepared: Prepared, rows: Any) -> dict[str, float]:
    """Return the metrics of the training mean, or of the training shares of the labels."""
    y, weights = prepared.train.y, prepared.train.weights
    if run.classes is None:
        mean = float(np.average(y, weights=weights))
        return _of_numbers(np.full(len(rows.y), mean), rows.y, rows.weights)
    shares = np.bincount(y, weights=weights, minlength=len(run.classes))
    shares = shares / shares.sum()
    guess = np.full(len(rows.y), shares.argmax())
    everywhere = np.broadcast_to(shares, (len(rows.y), len(shares)))
    return {
        "accuracy": metrics.accuracy(guess, rows.y, rows.weights),
        "log_loss": metrics.log_loss(everywhere, rows.y, rows.weights),
    }


def coefficients(run: Run) -> list[tuple[str, Floats, Floats]]:
    """Return (feature, standardised coefficient, in original units), strongest first."""
    if not run.task.model.linear or run.encoder is None:
        return []
    encoder = Encoder.from_json(run.encoder)
    weight = run.params["weight"]
    bias = run.params.get("bias", np.zeros(weight.shape[1]))
    original, intercept = encoder.original_units(weight, bias)
    listed = [(name, weight[i], own) for i, (name, own) in enumerate(original)]
    listed.sort(key=lambda row: -float(np.abs(row[1]).max()))
    return [*listed, ("(intercept)", bias, intercept)]


# ---------------------------------------------------------------- coming back to a run


def reopen(run: Run, table: Any = None) -> tuple[Run, Prepared]:
    """Return a run on a table with its rows back, read again from where they came.

    Parameters
    ----------
    run
        As loaded.
    table
        The table, if it is no longer where the run says; its rows are checked by their digest.

    Raises
    ------
    InputError
        If the table is not on record, not there, or no longer the same.
    """
    source = run.source
    if source is None or run.encoder is None:
        msg = (
            "This run was trained on arrays, so there is no table to read again; in Python, give "
            "the rows back with run.attach(X, y)."
        )
        raise InputError(msg)
    if table is None:
        table = _recorded_file(source)
    prepared = prepare(table, source["target"], target_kind=source["target_kind"], **source["how"])
    prepared = replace(prepared, encoder=Encoder.from_json(run.encoder))
    return run.with_data(rows_of(run.task, prepared)), prepared


def _recorded_file(source: dict[str, Any]) -> Any:
    if not source["files"]:
        msg = f"This run was trained on {source['named']}; give the table back with --data."
        raise InputError(msg)
    return source["files"][0]["path"] if len(source["files"]) == 1 else source["named"]


def go_on(run: Run, table: Any = None, *, epochs: int | None = None, **more: Any) -> Fit:
    """Return the fit of a resumed run, its table read again."""
    opened, prepared = reopen(run, table)
    return measured(resume(opened, epochs=epochs, **more), prepared)


def check_replay(run: Run) -> list[tuple[int, float]]:
    """Train again from the start; return (update, largest difference) at every keyframe.

    Differences are relative to the largest entry of the recorded theta or slot.
    """
    if run.keyframes is None:
        msg = "A model without keyframes cannot be replayed; take the run file it came from."
        raise InputError(msg)
    frames = [run.keyframes.before(step) for step in run.keyframes.steps]
    if frames[-1].step != run.state.step:
        frames.append(run.state)
    state, found = run.problem.start(), []
    for frame in frames:
        state = run.replay(state, frame.step)
        pairs = [(state.theta, frame.theta), *zip(state.slots, frame.slots, strict=True)]
        found.append((frame.step, max(_difference(a, b) for a, b in pairs)))
    return found


def _difference(found: Floats, recorded: Floats) -> float:
    if np.array_equal(found, recorded, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        scale = float(np.abs(recorded).max()) or 1.0
        gap = float(np.abs(found - recorded).max()) / scale
    return gap if np.isfinite(gap) else float("inf")


def target_of(run: Run, names: list[str]) -> str:
    """Return the name of the target column, checked to be among `names`."""
    name = str((run.encoder or {})["target"]["name"])
    if name not in names:
        msg = f"The table lacks the target column {name!r}{did_you_mean(name, names)}."
        raise InputError(msg)
    return name
