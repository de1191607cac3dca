"""The steepest and the flattest direction of a linear model's bowl, and how many are flat.

Where H is well conditioned they are its eigenvectors.  Where it is not, its small eigenvalues have
lost their digits: they are good to eps times the condition number.  They are also the squares of
the singular values of F, with H = FᵀF, and those are good to eps times the root of it; F is built
from the centred moments.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.curvature import hessian, largest, outputs_averaged, ridge, steepest
from descend.losses import mass
from descend.models import layered
from descend.scaling import Scaling

if TYPE_CHECKING:
    from descend.curvature import Moments
    from descend.engines import Problem

EPS = float(np.finfo(np.float64).eps)
# Up to this many columns the small eigenvalues of an ill-conditioned H are taken from F.
FACTORED = 500
# From this condition number on, H is ill-conditioned.
ILL = 1e8
# A deviation below this share of the mean is what rounding leaves of a column that is constant.
CONSTANT = 1e-13


class Spectrum(NamedTuple):
    """The ends of the Hessian's spectrum.

    Attributes
    ----------
    largest, smallest
        Eigenvalues; the smallest of those that are not null; None where there is none.
    null
        How many directions no row can tell apart, per output.
    steep, flat
        (d,) or (d + 1,): the unit eigenvectors of both, the bias last.
    """

    largest: float
    smallest: float | None
    null: int
    steep: Floats
    flat: Floats


def spectrum(problem: Problem, found: Moments) -> Spectrum | None:
    """Return the ends of the spectrum of `curvature.hessian`; None where it is not finite."""
    L = largest(problem, found)
    if not math.isfinite(L):
        return None
    values, vectors = _told_apart(problem, found)
    size = len(found.mean) + layered(problem.task.model).bias
    if not len(values) or L == 0.0:
        return Spectrum(L, None, size, np.zeros(size), np.zeros(size))
    return Spectrum(L, float(values[-1]), size - len(values), vectors[0], vectors[-1])


def _told_apart(problem: Problem, found: Moments) -> tuple[Floats, Floats]:
    """Return the eigenvalues that are not null, largest first, and their vectors in rows."""
    values, vectors = np.linalg.eigh(hessian(problem, steepest(problem), found))
    rank = len(values)
    if values[0] * ILL <= values[-1]:
        if len(found.mean) <= FACTORED:
            return _by_factor(problem, found)
        if not _held(problem):
            bias = layered(problem.task.model).bias
            gram = found.centred if bias else found.gram(bias=False)
            rank = int(bias) + len(_shared(gram, found)[0])
    return values[::-1][:rank], vectors.T[::-1][:rank]


def _held(problem: Problem) -> bool:
    """Tell whether a squared penalty holds every weight, so that no direction is null."""
    return bool(ridge(problem)[: problem.X.shape[1]].any())


def _by_factor(problem: Problem, found: Moments) -> tuple[Floats, Floats]:
    bias = layered(problem.task.model).bias
    F = np.sqrt(_scale(problem)) * factor(found, bias=bias)
    rank = len(F)
    if _held(problem):
        rank = F.shape[1]
        F = np.vstack([F, np.diag(np.sqrt(ridge(problem)))])
    elif not bias:
        lengths = np.linalg.norm(F, axis=0)
        lengths[lengths == 0] = 1.0
        rank = int(np.linalg.matrix_rank(F / lengths, tol=_faint(F)))
    _, singular, vectors = np.linalg.svd(F, full_matrices=False)
    return np.square(singular[:rank]), vectors[:rank]


def _faint(F: Floats) -> float:
    return float(8.0 * EPS * max(F.shape))


def _scale(problem: Problem) -> float:
    total = mass(problem.weights, problem.n, problem.task.reduction)
    scale: float = steepest(problem) / (total * outputs_averaged(problem))
    return scale


def factor(found: Moments, *, bias: bool) -> Floats:
    """Return F with FᵀF = AᵀWA, as few rows as A has independent columns, or one more."""
    values, vectors, spread = _shared(found.centred, found)
    around = (np.sqrt(values) * vectors).T * spread
    mean = math.sqrt(found.total) * found.mean
    if not bias:
        return np.vstack([around, mean])
    block = np.zeros((len(around) + 1, len(mean) + 1))
    block[:-1, :-1] = around
    block[-1] = np.append(mean, math.sqrt(found.total))
    return block


def _shared(gram: Floats, found: Moments) -> tuple[Floats, Floats, Floats]:
    """Return the eigenvalues of the columns at unit length that are not null, vectors, lengths.

    Whether columns repeat one another does not depend on their units, so that is asked here.
    """
    spread = np.where(varying(found), np.sqrt(np.maximum(np.diag(gram), 0.0)), 0.0)
    if gram is not found.centred:
        spread = np.sqrt(np.maximum(np.diag(gram), 0.0))
    unit = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    values, vectors = np.linalg.eigh(gram * np.outer(unit, unit))
    told = values > EPS * (16 * len(spread) + 4 * math.sqrt(found.total))
    return values[told], vectors[:, told], spread


def deviations(found: Moments) -> Floats:
    """Return each column's deviation (d,)."""
    return np.sqrt(np.maximum(np.diag(found.centred), 0.0) / (found.total or 1.0))


def varying(found: Moments) -> Array:
    """Tell which columns vary."""
    told: Array = deviations(found) > CONSTANT * np.abs(found.mean)
    return told


def scaling_of(found: Moments) -> Scaling:
    """Return what standardises the columns."""
    varies = varying(found)
    return Scaling(found.mean, np.where(varies, deviations(found), 1.0), varies)


def standardised(found: Moments) -> Moments:
    """Return the moments of the columns were they standardised, by algebra alone."""
    scaling = scaling_of(found)
    unit = np.where(scaling.varies, 1.0 / scaling.deviation, 0.0)
    return found._replace(
        mean=np.zeros_like(found.mean), centred=found.centred * np.outer(unit, unit)
    )


def is_standardised(found: Moments) -> bool:
    """Tell whether every column that varies has mean 0 and deviation 1 already."""
    scaling = scaling_of(found)
    near = 1e-6
    off = np.abs(scaling.deviation - 1.0) + np.abs(found.mean)
    return bool((off[scaling.varies] < near).all())
