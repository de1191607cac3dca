"""Rows: from settings to what a training is fed, drawn or read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.lab import features
from descend.lab.sources import SOURCES, kind_of
from descend.randomness import permutation

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.lab.settings import Settings
    from descend.lab.sources import Source


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """What a training is fed.

    Attributes
    ----------
    X, y
        Training rows: (n, f), and (n,) numbers or labels.
    validation
        The pair (X, y) of the rows held out, or None.
    names
        The features' names.
    kind
        What the targets are: a word of `descend.losses.Targets`.
    columns, bare, bare_validation
        The columns that features were made of, and their training and validation rows (n, d).
    encoder, source
        For tables: how columns became features, and where the table came from; else None.
    said
        What should be said of them, in sentences.
    """

    X: Floats
    y: Array
    validation: tuple[Floats, Array] | None
    names: tuple[str, ...]
    kind: str
    columns: tuple[str, ...]
    bare: Floats
    bare_validation: Floats | None = None
    encoder: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    said: tuple[str, ...] = ()


def rows_of(settings: Settings, opened: Any = None) -> Rows:
    """Return the rows that settings ask for; `opened` is the table or run, where they need one.

    Raises
    ------
    InputError
        If there are none; the sentence says what was asked, what was found, and what to do.
    """
    source = SOURCES[settings.data]
    if source.draw is not None:
        return _drawn(settings, source)
    msg = f"not yet {opened}"
    raise InputError(msg)


# ---------------------------------------------------------------- drawn rows


def _drawn(settings: Settings, source: Source) -> Rows:
    if source.draw is None:
        raise AssertionError
    X, y = source.draw(settings.n, settings.noise, settings.data_seed, settings.classes)
    kind = kind_of(source, settings.classes) or "numbers"
    held = _held_out(y, settings.validation, settings.data_seed, labelled="label" in kind)
    kept = np.setdiff1d(np.arange(len(y)), held)
    validation = None
    if held.size:
        validation = (features.made(settings.features, source.columns, X[held]), y[held])
    return Rows(
        X=features.made(settings.features, source.columns, X[kept]),
        y=y[kept],
        validation=validation,
        names=settings.features,
        kind=kind,
        columns=source.columns,
        bare=X[kept],
        bare_validation=X[held] if held.size else None,
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
