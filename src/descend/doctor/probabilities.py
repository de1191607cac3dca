"""Probabilities that somebody reports, and where they add up to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import as_array
from descend.doctor.figures import FIXES
from descend.doctor.findings import Finding, Fix
from descend.errors import ShapeError

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.doctor.findings import Severity

# What single precision and printed digits leave of a sum that is 1.
ONE = 1e-4
OVERFLOW = "take the largest score off each row before the exponentials"
SEVERAL = "take logistic, one output to a label: sigmoids need not add up to 1"


def check_probabilities(probabilities: Any, y: Any = None) -> Finding:
    """Tell whether probabilities of labels add up to 1 where they should.

    Exclusive classes: along each row.  Labels of which a row may have several: they need not, and
    where they do, no row can be told that it has two for certain.

    Parameters
    ----------
    probabilities
        (n, k).
    y
        Labels (n,), or a 0 or 1 for each (n, k); None if not at hand.

    Returns
    -------
    Finding
        ``healthy``, ``wrong-axis``, ``loss-mismatch``, ``non-finite-data`` or
        ``other-convention``.

    Raises
    ------
    ShapeError
        If probabilities are no matrix, or y does not fit them.

    Examples
    --------
    >>> import numpy as np
    >>> powers = np.exp([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    >>> check_probabilities(powers / powers.sum(axis=1, keepdims=True)).code
    'healthy'
    >>> found = check_probabilities(powers / powers.sum())
    >>> found.code
    'wrong-axis'
    >>> print(found.sentence.partition(":")[0])
    The probabilities add up to 1 over the whole batch, and over a row to between 0.2127 and 0.7873
    """
    p = as_array(probabilities, "probabilities")
    if p.ndim != 2 or p.shape[1] < 2 or p.dtype.kind not in "fiub":  # noqa: PLR2004 - (n, k)
        msg = f"probabilities must be numbers of shape (n, k), k of 2 or more; found {p.shape}."
        raise ShapeError(msg)
    p = p.astype(np.float64)
    several = _several(p, y)
    if not np.isfinite(p).all():
        rows = int((~np.isfinite(p)).any(axis=1).sum())
        said = (
            f"No number is left in {rows} of {len(p)} rows: e^s overflows for scores above 709 (88 "
            "in single precision), and infinity over infinity is none."
        )
        return _found("non-finite-data", said, {"rows": rows}, OVERFLOW)
    if p.min() < -ONE or p.max() > 1 + ONE:
        said = f"These are no probabilities: they go from {p.min():.4g} to {p.max():.4g}."
        seen = {"smallest": p.min(), "largest": p.max()}
        return _found("other-convention", said, seen, "put the scores through softmax first")
    sums = p.sum(axis=1)
    if np.abs(sums - 1).max() <= ONE:
        return _of_rows_that_add_up(several)
    return _of_rows_that_do_not(p, sums, y, several)


def _several(p: Floats, y: Any) -> Array | None:
    """Return how many labels each row has, or None where y does not say."""
    if y is None:
        return None
    found = as_array(y, "y")
    if found.ndim == 2 and found.shape == p.shape and np.isin(found, (0, 1)).all():  # noqa: PLR2004
        return np.asarray(found.sum(axis=1))
    if found.shape not in {(len(p),), (len(p), 1)}:
        msg = (
            f"y must have a label for each row of the probabilities {p.shape}, or a 0 or 1 for "
            f"each of them; found shape {found.shape}."
        )
        raise ShapeError(msg)
    return np.ones(len(p))


def _of_rows_that_add_up(several: Array | None) -> Finding:
    if several is None or (several == 1).all():
        said = "The probabilities of each row add up to 1."
        return _found("healthy", said, {}, "none is needed", "information")
    rows = int((several != 1).sum())
    return _found(
        "loss-mismatch",
        f"Not one label but up to {int(several.max())} are right in {rows} of {len(several)} rows, "
        "and the probabilities of each row add up to 1: softmax is for exclusive classes, and "
        "cannot give two labels more than 1/2 each.",
        {"rows": rows, "labels of a row, at most": int(several.max())},
        SEVERAL,
    )


def _of_rows_that_do_not(p: Floats, sums: Floats, y: Any, several: Array | None) -> Finding:
    span = f"between {sums.min():.4g} and {sums.max():.4g}"
    over = {"the whole batch": abs(p.sum() - 1), "each column": np.abs(p.sum(axis=0) - 1).max()}
    for where, off in over.items():
        if off <= ONE:
            return _found(
                "wrong-axis",
                f"The probabilities add up to 1 over {where}, and over a row to {span}: the sum "
                "below the fraction ran over all rows.",
                {"sums of rows": sums},
                FIXES["wrong-axis"],
            )
    exclusive = several is not None and np.ndim(y) == 1
    return _found(
        "loss-mismatch" if exclusive else "healthy",
        f"The probabilities of a row add up to {span}, so each label has one of its own: "
        "right only where a row may have several labels.",
        {"sums of rows": sums},
        "take softmax, so that each row's add up to 1" if exclusive else "none is needed",
        "illness" if exclusive else "information",
    )


def _found(
    code: str, sentence: str, seen: dict[str, Any], fix: str, severity: Severity = "illness"
) -> Finding:
    return Finding(code, severity, sentence, seen, Fix(fix))
