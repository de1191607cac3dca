"""Looking at the rows: what the figures of a forecast are computed from, in at most three passes.

For a linear model: one for the columns' means, one for how they vary together, and with batches one
for the lengths of the rows.  A net is looked at by power iteration on a sample, at the start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Floats
from descend.curvature import (
    DIRECT,
    SAMPLE,
    Moments,
    known,
    largest,
    largest_of_wide,
    moments,
    smoothness,
    squares_of_rows,
)
from descend.forecasting.spectrum import (
    Spectrum,
    is_standardised,
    scaling_of,
    spectrum,
    standardised,
)
from descend.scaling import BLOCK

if TYPE_CHECKING:
    from descend.engines import Problem


class View(NamedTuple):
    """What is known of the bowl: as the columns are, or were they standardised.

    Attributes
    ----------
    L, smooth
        The largest curvature, and the smoothness of the batches (L where there are none).
    ends
        The spectrum, where it is known.
    squares
        |a|² of each row (n,), with batches.
    """

    L: float
    smooth: float
    ends: Spectrum | None
    squares: Floats | None


class Look(NamedTuple):
    """What was seen of a problem.

    Attributes
    ----------
    now, standard
        As the columns are; and were they standardised: None if they are, or it is not known.
    moments
        Of the columns, for linear models that are not very wide.
    passes, rows
        Over how many rows, how often.
    """

    now: View
    standard: View | None
    moments: Moments | None
    passes: int
    rows: int


def look(problem: Problem) -> Look:
    """Pass over the rows of a problem."""
    if not known(problem):
        return _look_at_net(problem)
    if problem.X.shape[1] > DIRECT:
        L, passes = largest_of_wide(problem)
        batches = not problem.full_batch
        squares = squares_of_rows(problem) if batches else None
        view = View(L, smoothness(problem, L, squares), None, squares)
        return Look(view, None, None, passes + batches, problem.n)
    found = moments(problem)
    if not np.isfinite(found.centred).all():
        return Look(View(np.nan, np.nan, None, None), None, None, 2, problem.n)
    other = None if is_standardised(found) else standardised(found)
    squares, others = (None, None) if problem.full_batch else _squares(problem, found)
    now = _view(problem, found, squares)
    standard = None if other is None else _view(problem, other, others)
    return Look(now, standard, found, 2 if problem.full_batch else 3, problem.n)


def _view(problem: Problem, found: Moments, squares: Floats | None) -> View:
    ends = spectrum(problem, found)
    L = np.nan if ends is None else ends.largest
    return View(L, smoothness(problem, L, squares), ends, squares)


def _squares(problem: Problem, found: Moments) -> tuple[Floats, Floats]:
    """Return |a|² of each row, as the columns are and were they standardised, in one pass."""
    scaling = scaling_of(found)
    if not isinstance(problem.X, np.ndarray):
        if problem.scaling is not None:
            return squares_of_rows(problem), squares_of_rows(problem)
        return squares_of_rows(problem), squares_of_rows(replace(problem, scaling=scaling))
    pieces = []
    with np.errstate(all="ignore"):
        for first in range(0, problem.n, BLOCK):
            X = problem.X[first : first + BLOCK]
            standard = (X - scaling.mean) / scaling.deviation
            pieces.append([squares_of_rows(replace(problem, X=rows)) for rows in (X, standard)])
    now, others = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return now, others


def _look_at_net(problem: Problem) -> Look:
    L = largest(problem)
    squares = None if problem.full_batch else squares_of_rows(problem)
    view = View(L, smoothness(problem, L, squares), None, squares)
    return Look(view, None, None, 0 if squares is None else 1, min(problem.n, SAMPLE))
