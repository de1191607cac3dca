"""One slice of the gradient explained: given = c · base + p · theta, over all probes at once.

`base` is the true slice or what an edit makes of it (its transpose, another slice, the repeated
errors).  The numbers c and p come from least squares; an explanation counts only where every entry
at every probe is met within its tolerance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.arrays import Floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from descend.gradcheck.truths import Truth

# A base all of whose entries are this many tolerances small says nothing about c.
NOTHING = 10.0
# So little of the truth is none of it.
ADDED = 1e-5


class Piece(NamedTuple):
    """An explanation of one slice.

    Attributes
    ----------
    edit
        What was done to the slice: "", "transposed", "wrong-order", "missing-input", "constant",
        or the name of the slice it was exchanged with.
    c
        Given over base; None where the base is 0, and so is what was given.
    penalty
        The penalty's strength in it, relative to the right one where there is one.
    kept
        Whether the penalty is multiplied by c too: c · (data + penalty).
    constant
        What was added to every entry.
    """

    edit: str
    c: float | None
    penalty: float
    kept: bool = False
    constant: float = 0.0


class Slice(NamedTuple):
    """A named slice of theta, with what is true and given there at every probe (m, size)."""

    name: str
    shape: tuple[int, ...]
    bias: bool
    strength: float
    given: Floats
    data: Floats
    tolerance: Floats
    theta: Floats
    signs: Floats
    sums: Floats | None


def slices_of(layout: Any, judge: Any, given: Floats, truths: list[Truth]) -> list[Slice]:
    """Return the slices, cut from vectors (P,) at every probe."""
    data = np.array([t.data for t in truths])
    tolerance = np.array([t.tolerance for t in truths])
    theta = np.array([t.theta for t in truths])
    found = []
    for (name, shape), part in zip(layout.entries, layout.slices().values(), strict=True):
        sums = np.array([t.sums[name] for t in truths]) if name in truths[0].sums else None
        found.append(
            Slice(
                name,
                shape,
                bool(judge.biases[part].all()) and part.stop > part.start,
                float(judge.l2[part].max(initial=0.0)),
                given[:, part],
                data[:, part],
                tolerance[:, part],
                theta[:, part],
                judge.l1[part] * np.sign(theta[:, part]),
                sums,
            )
        )
    return found


def edits(one: Slice, others: list[Slice]) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield what may have been done to a slice: name, the data's share, and its penalty's."""
    yield "", one.data, one.theta
    shape = one.shape
    if len(shape) == 2 and min(shape) > 1:  # noqa: PLR2004 - a matrix
        yield "transposed", _turned(one.data, shape), _turned(one.theta, shape)
        yield "transposed", _turned(one.data, shape), one.theta
        if shape[0] != shape[1]:
            back = shape[::-1]
            yield "wrong-order", _turned(one.data, back), _turned(one.theta, back)
    if one.sums is not None:
        yield "missing-input", one.sums, one.theta
    for other in others:
        if other.name != one.name and other.shape == shape and len(others) > 1:
            yield other.name, other.data, other.theta


def _turned(rows: Floats, shape: tuple[int, ...]) -> Floats:
    return rows.reshape(-1, *shape).transpose(0, 2, 1).reshape(len(rows), -1)


def pieces(one: Slice, others: list[Slice]) -> list[Piece]:
    """Return every explanation of a slice, the simplest first."""
    found: list[Piece] = []
    for edit, data, theta in edits(one, others):
        if edit and found:
            break  # nothing has to be done to this slice
        found += _scaled(one, edit, data, theta)
    if not found:
        found += _shifted(one)
    if not found and one.sums is None:
        found += _repeated(one)
    return found


def _scaled(one: Slice, edit: str, data: Floats, theta: Floats) -> list[Piece]:
    """Return the ways in which a slice is a multiple of the data's share, and of theta."""
    found = []
    pull = one.strength * theta
    for signs in (one.signs * 0, one.signs) if one.signs.any() else (one.signs,):
        total = data + pull + signs
        if (np.abs(total) <= NOTHING * one.tolerance).all():
            found += _of_nothing(one, edit, total, theta)
            continue
        (c,), met = _fit(one, [total], one.given)
        if met:
            found += _multiple(one, edit, c, data)
        if one.strength and not met:
            (c,), met = _fit(one, [data], one.given - pull - signs)
            if met:
                found.append(Piece(edit, c, 1.0))
        if not met and np.abs(theta).max() > 0:
            (c, p), met = _fit(one, [data, theta], one.given - signs)
            if met:
                found.append(Piece(edit, c, p / one.strength if one.strength else p))
    return found


def _of_nothing(one: Slice, edit: str, total: Floats, theta: Floats) -> list[Piece]:
    """Return what a slice may be whose true gradient is 0: 0, or pulled by a penalty."""
    if _met(one, np.zeros_like(total), 1.0):
        return [Piece(edit, None, 1.0, kept=True)]
    if one.strength or not theta.any():
        return []
    (p,), met = _fit(one, [theta], one.given)
    return [Piece(edit, None, p)] if met else []


def _multiple(one: Slice, edit: str, c: float, data: Floats) -> list[Piece]:
    """Return a multiple of data and penalty; of a penalty alone, that it is not there."""
    found = [Piece(edit, c, 1.0, kept=True)]
    if one.strength and abs(c) <= ADDED and (np.abs(data) <= one.tolerance).all():
        found.insert(0, Piece(edit, None, 0.0))
    return found


def _shifted(one: Slice) -> list[Piece]:
    """Return the way in which the same number was added everywhere."""
    total = one.data + one.strength * one.theta
    (c, k), met = _fit(one, [total, np.ones_like(total)], one.given)
    # A constant alone, with nothing of the truth, is not one that was added.
    return [Piece("constant", c, 1.0, kept=True, constant=k)] if met and abs(c) > ADDED else []


def _repeated(one: Slice) -> list[Piece]:
    """Return the way in which every input's row is the same: the error without the input.

    For where the summed errors are not known, as in a plain function without a bias.
    """
    if len(one.shape) != 2 or one.shape[0] == 1 or len(one.given) < 3:  # noqa: PLR2004 - matrices, at several points
        return []
    for p in (1.0, 0.0) if one.strength else (0.0,):
        rest = (one.given - p * one.strength * one.theta).reshape(-1, *one.shape)
        spread, changes = np.ptp(rest, axis=1), np.ptp(rest, axis=0)
        if spread.max() <= one.tolerance.max() < changes.max() / NOTHING:
            return [Piece("missing-input", None, p, kept=p == 1.0 or not one.strength)]
    return []


def _fit(one: Slice, columns: list[Floats], target: Floats) -> tuple[Floats, bool]:
    """Return the coefficients of `columns` by least squares, and whether they meet the target."""
    weight = 1.0 / one.tolerance
    table = np.stack([(column * weight).ravel() for column in columns], axis=1)
    if not np.isfinite(table).all() or table.shape[0] <= table.shape[1]:
        return np.zeros(len(columns)), False
    coefficients = np.linalg.lstsq(table, (target * weight).ravel(), rcond=None)[0]
    reached = sum(c * column for c, column in zip(coefficients, columns, strict=True))
    size = max(1.0, *np.abs(coefficients))
    gap = np.abs(target - reached)
    return coefficients, bool((gap <= size * one.tolerance).all())


def _met(one: Slice, predicted: Floats, size: float) -> bool:
    return bool((np.abs(one.given - predicted) <= size * one.tolerance).all())
