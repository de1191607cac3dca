"""Features: what a model meets instead of the bare columns: squares, products, sines.

>>> features_of(("x1", "x2"))
('x1', 'x2', 'x1^2', 'x2^2', 'x1*x2', 'sin x1', 'sin x2')
>>> made(("x1*x2",), ("x1", "x2"), np.array([[2.0, 3.0]]))
array([[6.]])
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from descend.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats


def _formulas(columns: tuple[str, ...]) -> dict[str, Callable[[Floats], Floats]]:
    """Return, by name, what makes each feature (n,) of rows (n, d)."""
    place = {name: i for i, name in enumerate(columns)}
    plain = {name: _column(i) for name, i in place.items()}
    squares = {f"{name}^2": _square(i) for name, i in place.items()}
    products = {f"{a}*{b}": _product(place[a], place[b]) for a, b in combinations(columns, 2)}
    sines = {f"sin {name}": _sine(i) for name, i in place.items()}
    return {**plain, **squares, **products, **sines}


def _column(i: int) -> Callable[[Floats], Floats]:
    return lambda X: X[:, i]


def _square(i: int) -> Callable[[Floats], Floats]:
    return lambda X: X[:, i] * X[:, i]


def _product(i: int, j: int) -> Callable[[Floats], Floats]:
    return lambda X: X[:, i] * X[:, j]


def _sine(i: int) -> Callable[[Floats], Floats]:
    return lambda X: np.sin(X[:, i])


def features_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of all features that can be made of these columns."""
    return tuple(_formulas(columns))


def check_features(names: tuple[str, ...], columns: tuple[str, ...]) -> None:
    """Raise `InputError` unless there are features, and each can be made of these columns."""
    known = features_of(columns)
    if not names:
        msg = f"A model needs at least one feature; choose some of {', '.join(known)}."
        raise InputError(msg)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            msg = f"There is no feature {name!r:.80}{hint}; choose some of {', '.join(known)}."
            raise InputError(msg)


def made(names: tuple[str, ...], columns: tuple[str, ...], X: Floats) -> Floats:
    """Return the named features (n, f) of rows (n, d) with these columns."""
    formulas = _formulas(columns)
    return np.ascontiguousarray(np.column_stack([formulas[name](X) for name in names]))
