"""Preparing: from a table to rows that train, validate and test; a sentence for every column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.parts import whole
from descend.tables import learning, splitting
from descend.tables.encoding import Encoder, row_weights
from descend.tables.reading import read
from descend.tables.targets import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.arrays import Array, Floats
    from descend.tables.table import Table


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one part: X (n, d), y (n,), weights (n,) or None, ids or None."""

    X: Floats
    y: Array
    weights: Floats | None
    ids: list[str | None] | None


@final
@dataclass(frozen=True)
class ColumnSummary:
    """What was done to a column: a word, a sentence, and the features it became."""

    name: str
    treatment: str
    sentence: str
    features: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """A table made ready.

    Attributes
    ----------
    encoder
        What was learnt, to be applied to other tables.
    train, validation, test
        The rows of each part.
    rows
        How many were read, without target, and in each part.
    columns
        What was done to each column of the table.
    notes
        What else should be said.
    source
        Where the table came from.
    """

    encoder: Encoder
    train: Rows
    validation: Rows
    test: Rows
    rows: dict[str, int]
    columns: tuple[ColumnSummary, ...]
    notes: list[str]
    source: dict[str, Any]


def prepare(  # noqa: PLR0913 - each is a question a table may raise
    source: Any,
    target: str,
    *,
    exclude: Sequence[str] = (),
    id_column: str | None = None,
    weight: str | None = None,
    split_by: str | None = None,
    in_order: bool = False,
    target_kind: str = "auto",
    seed: int = 0,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    decimal: str = ".",
) -> Prepared:
    """Read a table, split it, and learn on the training rows how its columns become features.

    Parameters
    ----------
    source
        A path, a glob, or a table of pandas, polars or Arrow.
    target
        The column to predict.
    exclude
        Columns to leave out.
    id_column
        A column that names rows; it is carried along and not used.
    weight
        A column of weights, 0 and above.
    split_by
        A column whose equal entries stay in one part.
    in_order
        Whether the first rows train and the last ones test.
    target_kind
        ``"auto"``, ``"number"`` or ``"labels"``.
    seed
        Of the split.
    validation_fraction, test_fraction
        Shares of the rows; defaults 0.15.
    encoding, delimiter, decimal
        As for `read`.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        If the table or a column cannot be used; the sentence says what, where, and what to do.
    """
    whole("prepare", "seed", seed, low=0)
    exclude = (exclude,) if isinstance(exclude, str) else exclude
    table = read(source, encoding=encoding, delimiter=delimiter, decimal=decimal)
    target = table.find(target, "target")
    if table.rows < splitting.FEWEST:
        rows = f"{table.rows} row{'' if table.rows == 1 else 's'}"
        msg = (
            f"The table has {rows}; a fit needs at least {splitting.FEWEST} to train and to test "
            "on. Add rows."
        )
        raise InputError(msg)
    plan, y, notes = decide(table, target, target_kind)
    roles = _roles(table, plan.name, exclude, id_column, weight, split_by)
    usable = y >= 0 if plan.kind == "labels" else ~np.isnan(y)
    if len(table.names) == 1:
        msg = (
            f"The table has no column but the target {plan.name!r}; there is nothing to learn "
            "from. Add columns."
        )
        raise InputError(msg)
    parts = np.full(table.rows, -1)
    parts[usable] = splitting.split(
        int(usable.sum()),
        seed,
        labels=y[usable] if plan.kind == "labels" else None,
        groups=None if split_by is None else _groups(table, split_by)[usable],
        in_order=in_order,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    _check_labels(plan, y, parts)
    weights = None if weight is None else row_weights(table, weight)
    _check_weights(weights, parts)
    learnt = {
        name: learning.learn(table, name, parts == splitting.TRAIN, weights)
        for name in table.names
        if name not in roles
    }
    encoder = Encoder(
        tuple(found.plan for found in learnt.values() if found.plan is not None),
        plan,
        None if id_column is None else table.find(id_column, "id"),
        None if weight is None else table.find(weight, "weight"),
        tuple({"encoding": encoding, "delimiter": delimiter, "decimal": decimal}.items()),
    )
    if not encoder.columns:
        reasons = " ".join(found.sentence for found in learnt.values())
        msg = f"No column is left to learn from. {reasons or 'All were excluded.'}"
        raise InputError(msg)
    summaries = tuple(_summary(name, roles, learnt) for name in table.names)
    return _dealt(table, encoder, y, weights, parts, summaries, notes)


def _roles(  # noqa: PLR0913, PLR0917 - the columns that have a part of their own
    table: Table,
    target: str,
    exclude: Sequence[str],
    id_column: str | None,
    weight: str | None,
    split_by: str | None,
) -> dict[str, tuple[str, str]]:
    roles = {table.find(n, "excluded"): ("excluded", "left out, as asked") for n in exclude}
    named = ((split_by, "group"), (weight, "weight"), (id_column, "id"))
    words = {"group": "keeps rows together in the split", "weight": "weighs the rows"}
    for name, role in named:
        if name is not None:
            roles[table.find(name, role)] = (role, words.get(role, "names the rows"))
    if target in roles:
        msg = f"The column {target!r} cannot be the target and {roles[target][0]} at once."
        raise InputError(msg)
    roles[target] = ("target", "what is to be predicted")
    return roles


def _groups(table: Table, name: str) -> Array:
    """Return a code per row; rows without an entry are one group, the safe way to part them."""
    return table.levels(table.find(name, "group"))[1]


def _check_labels(plan: Any, y: Array, parts: Array) -> None:
    """Every label must be met in training, or nothing could be learnt of it."""
    if plan.kind != "labels":
        return
    met = set(y[parts == splitting.TRAIN].tolist())
    absent = [plan.classes[c] for c in range(len(plan.classes)) if c not in met]
    if absent:
        msg = (
            f"The labels {absent[:5]} of the target {plan.name!r} are in no training row; choose "
            "another --seed or split, or drop their rows."
        )
        raise InputError(msg)


def _check_weights(weights: Floats | None, parts: Array) -> None:
    """Every part must have weight, or its loss would have no meaning."""
    for i, part in enumerate(splitting.PARTS):
        if weights is not None and not weights[parts == i].any():
            msg = f"The {part} rows all have weight 0; choose another --seed or weight column."
            raise InputError(msg)


def _summary(
    name: str, roles: dict[str, tuple[str, str]], learnt: dict[str, learning.Learnt]
) -> ColumnSummary:
    if name in roles:
        role, words = roles[name]
        return ColumnSummary(name, role, f"{name!r} {_is(role)}{words}.", ())
    found = learnt[name]
    features = () if found.plan is None else tuple(found.plan.features)
    return ColumnSummary(name, found.treatment, found.sentence, features)


def _is(role: str) -> str:
    return "is " if role in {"excluded", "target"} else ""


def _dealt(  # noqa: PLR0913, PLR0917 - all that the parts are cut from
    table: Table,
    encoder: Encoder,
    y: Array,
    weights: Floats | None,
    parts: Array,
    summaries: tuple[ColumnSummary, ...],
    notes: list[str],
) -> Prepared:
    report: list[str] = []
    rows = [np.flatnonzero(parts == part) for part in range(len(splitting.PARTS))]
    X = [np.empty((len(own), len(encoder.feature_names))) for own in rows]
    encoder.fill(X, rows, table, report)
    ids = encoder.ids(table)
    dealt = [
        Rows(
            features,
            y[own],
            None if weights is None else weights[own],
            None if ids is None else [ids[i] for i in own],
        )
        for features, own in zip(X, rows, strict=True)
    ]
    rows_of = {
        "read": table.rows,
        "without_target": int((parts < 0).sum()),
        **splitting.describe(parts),
    }
    train, validation, test = dealt
    return Prepared(
        encoder, train, validation, test, rows_of, summaries, notes + report, table.source
    )
