"""Rows: from settings to what a training is fed, drawn or read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import fitting
from descend.datasets import shipped, shipped_table
from descend.errors import InputError
from descend.lab import features
from descend.lab.opening import Opened, open_run, open_table
from descend.lab.sources import RUN, SOURCES, kind_of
from descend.randomness import permutation

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.lab.settings import Settings
    from descend.lab.sources import Source
    from descend.run import Run
    from descend.tables import Prepared

__all__ = ["Opened", "Rows", "open_run", "open_shipped", "open_table", "rows_of"]

# Of a table, this share of the rows is kept for the last word, as in a fit.
TEST = 0.15
# Rows of a table are kept for as many ways of making them.
_KEPT = 2


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """What a training is fed.

    Attributes
    ----------
    X, y, weights
        Training rows: (n, f); (n,) numbers, labels or codes of `classes`; (n,) or None.
    validation
        (X, y) or (X, y, weights) of the rows held out, or None.
    names
        The features' names.
    kind
        What the targets are: a word of `descend.losses.Targets`.
    columns, bare, bare_validation
        The columns that features were made of, and their training and validation rows (n, d).
    classes
        The labels that are codes in y, or None.
    encoder, source
        For tables: how columns became features, and where the table came from; else None.
    prepared
        For tables: all parts, the test rows too, for `descend.fitting.measured`.
    summaries
        For tables: what was done to each column, and whether it can be an axis to look along.
    said
        What should be said of them, in sentences.
    """

    X: Floats
    y: Array
    validation: tuple[Any, ...] | None
    names: tuple[str, ...]
    kind: str
    columns: tuple[str, ...]
    bare: Floats
    bare_validation: Floats | None = None
    weights: Floats | None = None
    classes: tuple[Any, ...] | None = None
    encoder: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    prepared: Prepared | None = None
    summaries: tuple[dict[str, Any], ...] = field(default=())
    said: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return what `train` and `begin` take of these rows, beside X and y."""
        return {"validation": self.validation, "sample_weight": self.weights}

    def signed(self, run: Run) -> Run:
        """Return a run on these rows with their names, labels and origin."""
        classes = run.classes if self.classes is None else list(self.classes)
        return replace(
            run, names=list(self.names), classes=classes, encoder=self.encoder, source=self.source
        )


def rows_of(settings: Settings, opened: Opened | None = None) -> Rows:
    """Return the rows that settings ask for; `opened` is the table or run, where they need one.

    Raises
    ------
    InputError
        If there are none; the sentence says what was asked, what was found, and what to do.
    """
    source = SOURCES[settings.data]
    if source.drawn:
        return _drawn(settings, source)
    if source.name in shipped():
        return _read(settings, open_shipped(source.name))
    if opened is None or opened.data != source.name:
        msg = f"The settings speak of {source.words}, and none is open; open it first."
        raise InputError(msg)
    return _of_run(settings, opened) if source.name == RUN else _read(settings, opened)


@cache
def open_shipped(name: str) -> Opened:
    """Return a table that comes with the library, opened once."""
    return open_table(shipped_table(name), name)


# ---------------------------------------------------------------- drawn rows


def _drawn(settings: Settings, source: Source) -> Rows:
    if source.draw is None:
        raise AssertionError
    X, y = source.draw(settings.n, settings.noise, settings.data_seed, settings.classes)
    kind = kind_of(source, settings.classes) or "numbers"
    held = _held_out(y, settings.validation, settings.data_seed, labelled="label" in kind)
    kept = np.setdiff1d(np.arange(len(y)), held)
    return _featured(settings, source.columns, kind, (X[kept], y[kept]), (X[held], y[held]))


def _featured(
    settings: Settings, columns: tuple[str, ...], kind: str, train: Any, held: Any
) -> Rows:
    """Return rows whose features are made of columns."""
    names = settings.features
    validation = None
    if held is not None and len(held[1]):
        validation = (features.made(names, columns, held[0]), *held[1:])
    return Rows(
        X=features.made(names, columns, train[0]),
        y=train[1],
        validation=validation,
        names=names,
        kind=kind,
        columns=columns,
        bare=train[0],
        bare_validation=None if validation is None else held[0],
    )


def _held_out(y: Array, share: float, seed: int, *, labelled: bool) -> Array:
    """Return which rows validate, ascending: of every label the same share, but never all."""
    n = len(y)
    order = permutation(n, seed, "split")
    places = np.arange(n) / n
    if labelled:
        for label in np.unique(y):
            of_label = np.flatnonzero(y[order] == label)
            places[of_label] = np.arange(len(of_label)) / len(of_label)
    first = int((places == 0).sum())
    count = min(round(n * share), n - first)
    return np.sort(order[np.argsort(places, kind="stable")[n - count :]])


# ---------------------------------------------------------------- rows of a table


def _read(settings: Settings, opened: Opened) -> Rows:
    """Return a table's rows; those made last are kept, for a branch often needs the same."""
    if settings.table and opened.digest and settings.table != opened.digest:
        msg = (
            f"The settings speak of another table than {opened.name}: its digest begins with "
            f"{settings.table}, and that of {opened.name} with {opened.digest}. Open that table."
        )
        raise InputError(msg)
    if not settings.target:
        names = ", ".join(repr(column["name"]) for column in opened.columns()[:12])
        msg = f"Choose the column of {opened.name} that is to be predicted, one of {names}."
        raise InputError(msg)
    with opened.lock:
        key = _key(settings)
        if key not in opened.kept:
            while len(opened.kept) >= _KEPT:
                opened.kept.pop(next(iter(opened.kept)))
            opened.kept[key] = _prepared(settings, opened)
        found: Rows = opened.kept[key]
    return found


def _key(settings: Settings) -> Any:
    """Return all that the rows of a table depend on."""
    s = settings
    return (s.target, s.features, s.data_seed, s.validation, s.loss, bool(s.hidden))


def _prepared(settings: Settings, opened: Opened) -> Rows:
    table = opened.table
    if table is None:
        raise AssertionError
    target = table.find(settings.target, "target")
    posed = fitting.pose(
        table,
        target,
        hidden=settings.hidden or None,
        loss=_words(settings.loss),
        how=_how(settings, opened, target),
    )
    prepared, encoder = posed.prepared, posed.prepared.encoder
    data = fitting.rows_of(posed.task, prepared)
    if data.validation is None:
        raise AssertionError
    labelled = encoder.target.kind == "labels"
    held = prepared.validation
    held_y = held.y if labelled else data.validation[1][:, 0]
    names = tuple(encoder.feature_names)
    return Rows(
        X=prepared.train.X,
        y=posed.targets,
        validation=(held.X, held_y, held.weights),
        names=names,
        kind=_kind(encoder.target),
        columns=names,
        bare=prepared.train.X,
        bare_validation=held.X,
        weights=prepared.train.weights,
        classes=tuple(encoder.target.classes) or None,
        encoder=encoder.to_json(),
        source={
            **prepared.source,
            "target": target,
            "target_kind": posed.target_kind,
            "how": posed.how,
        },
        prepared=prepared,
        summaries=tuple(_summary(column) for column in prepared.columns),
        said=tuple(prepared.notes),
    )


def _how(settings: Settings, opened: Opened, target: str) -> dict[str, Any]:
    """Return how the table is prepared: as it was recorded, and as the settings say."""
    table = opened.table
    if table is None:
        raise AssertionError
    recorded = {n: opened.how.get(n) for n in ("id_column", "weight", "split_by")}
    apart = {target, *(name for name in recorded.values() if name is not None)}
    kept = {table.find(name, "feature") for name in settings.features} or set(table.names)
    return {
        **recorded,
        "in_order": opened.how.get("in_order", False),
        "exclude": [name for name in table.names if name not in kept and name not in apart],
        "seed": settings.data_seed,
        "validation_fraction": settings.validation,
        "test_fraction": opened.how.get("test_fraction", TEST),
        "encoding": "utf-8",
        "delimiter": None,
        "decimal": ".",
        **{n: opened.how[n] for n in ("encoding", "delimiter", "decimal") if n in opened.how},
    }


def _words(loss: Any) -> str:
    return ":".join([str(loss.name), *map(repr, loss._asdict().values())])


def _kind(target: Any) -> str:
    if target.kind == "labels":
        return "two labels" if len(target.classes) == 2 else "labels"  # noqa: PLR2004
    return "counts" if target.counts else "numbers"


# Why a column is no axis to look along.
_NO_AXIS = {
    "category": "it is text, whose levels have no order",
    "boolean": "it is true or false, two places on an axis",
    "date": "it is a date, taken apart into several features",
    "target": "it is what is to be predicted",
}


def _summary(column: Any) -> dict[str, Any]:
    """Return what was done to a column, and why it is no axis to look along, or None."""
    why = None if column.treatment == "number" else _NO_AXIS.get(column.treatment, "it is not used")
    return {
        "name": column.name,
        "treatment": column.treatment,
        "sentence": column.sentence,
        "features": list(column.features),
        "axis": why is None,
        "why": None if why is None else f"{column.name!r} is no axis to look along: {why}.",
    }


# ---------------------------------------------------------------- rows of a run


def _of_run(settings: Settings, opened: Opened) -> Rows:
    """Return the rows that are attached to a run on arrays, or some columns of them."""
    run = opened.run
    if run is None or run.data is None:
        raise AssertionError
    data, columns = run.data, tuple(map(str, run.names))
    names = settings.features or columns
    features.check_features(names, columns)
    if not isinstance(data.X, np.ndarray):
        msg = "The lab shows dense rows; this run's are sparse. Take `descend report`."
        raise InputError(msg)
    held = data.validation
    rows = _featured(
        replace(settings, features=names),
        columns,
        run.task.loss.targets,
        (data.X, _column(data.y)),
        None if held is None else (held[0], _column(held[1]), held[2]),
    )
    classes = None if run.classes is None else tuple(run.classes)
    return replace(rows, weights=data.weights, classes=classes)


def _column(y: Array) -> Array:
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y  # noqa: PLR2004
