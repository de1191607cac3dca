"""Arrays: what comes in, the flat vector of parameters, and the state of training.

Conventions, kept everywhere: ``n`` rows, ``d`` features, ``k`` outputs, ``P`` parameters,
``S`` slots.  ``X`` is (n, d), ``y`` is (n, k) or, for classes, (n,); scores are (n, k).
``X`` is dense or `Sparse`; everything else is dense.
Parameters are ONE flat vector theta of length P; a `Layout` names its slices.  An optimizer's
memory is an array of slots (S, P).  (theta, slots, step) is the whole state of training.

    >>> layout = Layout((("weight", (2, 1)), ("bias", (1,))))
    >>> theta = layout.flatten({"weight": [[3.0], [4.0]], "bias": [5.0]})
    >>> theta
    array([3., 4., 5.])
    >>> layout.split(theta)["weight"]
    array([[3.],
           [4.]])
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, final, overload

import numpy as np
import numpy.typing as npt

from descend.errors import InputError, ShapeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]


class Sparse(Protocol):
    """A SciPy ``csr_array`` (n, d) in the one form that `as_rows` makes.

    Row i holds ``data[indptr[i]:indptr[i + 1]]`` in the columns ``indices`` of the same places:
    ascending, none twice, no entry that is 0 or not finite.  ``indices`` and ``indptr`` have one
    type, int32 unless that is too small.

    Attributes
    ----------
    data, indices, indptr
        (entries,) float32 or float64; (entries,) and (n + 1,) int32 or int64.
    """

    data: Floats
    indices: Array
    indptr: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""

    @property
    def T(self) -> Any:
        """The transpose, sharing the entries."""

    def __getitem__(self, rows: Any) -> Any:
        """Return some rows, a copy."""

    def __matmul__(self, other: Any) -> Any:
        """Return the product with a dense array, dense."""


Rows: TypeAlias = Floats | Sparse


# Slices of theta that no optimizer moves begin with one of these; see `descend.custom`.
FROZEN, BUFFER = "frozen:", "buffer:"
_BIAS = re.compile(r"bias$|(^|\.)b\d*$")


def trains(name: str) -> bool:
    """Tell whether an optimizer may move the slice of this name."""
    return not name.startswith((FROZEN, BUFFER))


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """The named slices of the flat parameter vector, in order.

    Attributes
    ----------
    entries
        Pairs of a name and a shape, such as ``("layer1.weight", (2, 4))``.
    """

    entries: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """Length P of the flat vector."""
        return sum(math.prod(shape) for _, shape in self.entries)

    def slices(self) -> dict[str, slice]:
        """Return where each name lies in the flat vector."""
        found, start = {}, 0
        for name, shape in self.entries:
            found[name] = slice(start, start + math.prod(shape))
            start = found[name].stop
        return found

    def split(self, theta: Any) -> dict[str, Any]:
        """Return each name's part of `theta` (P,) in its own shape: views, not copies."""
        parts, start = {}, 0
        for name, shape in self.entries:
            stop = start + math.prod(shape)
            parts[name] = theta[start:stop].reshape(shape)
            start = stop
        return parts

    def flatten(self, parts: Mapping[str, Any]) -> Floats:
        """Return the flat vector whose slices are `parts`; the inverse of `split`.

        Raises
        ------
        ShapeError
            If a name is missing or unknown, or a part has another shape.
        """
        names = [name for name, _ in self.entries]
        if set(parts) != set(names):
            msg = f"Parameters named {names} are needed; found {sorted(parts)}."
            raise ShapeError(msg)
        pieces = []
        for name, shape in self.entries:
            piece = np.asarray(parts[name], dtype=float)
            if piece.shape != shape:
                msg = f"The parameter {name!r} must have shape {shape}; found {piece.shape}."
                raise ShapeError(msg)
            pieces.append(piece.ravel())
        return np.concatenate(pieces) if pieces else np.zeros(0)

    def weights(self) -> Floats:
        """Return a vector (P,) that is 1 on weights and 0 on biases and on what does not train."""
        return self._marked(lambda name: trains(name) and not _BIAS.search(name))

    def trained(self) -> Floats:
        """Return a vector (P,) that is 1 on what an optimizer may move."""
        return self._marked(trains)

    def _marked(self, chosen: Callable[[str], bool]) -> Floats:
        marks = [np.full(math.prod(shape), float(chosen(name))) for name, shape in self.entries]
        return np.concatenate(marks)


@final
@dataclass(frozen=True, slots=True)
class State:
    """The whole state of training: theta (P,), slots (S, P), and the updates done so far."""

    theta: Floats
    slots: Floats
    step: int


@final
class States(Sequence[State]):
    """States at equal distances in one array, unpacked when asked for.

    Parameters
    ----------
    first, every
        The step of the first, and from one to the next.
    packed
        (K, 1 + S, P): theta, then the slots.
    """

    def __init__(self, first: int, every: int, packed: Floats) -> None:
        self.first, self.every, self.packed = first, every, packed

    def __len__(self) -> int:
        """Return K."""
        return len(self.packed)

    @overload
    def __getitem__(self, place: int) -> State: ...

    @overload
    def __getitem__(self, place: slice) -> list[State]: ...

    def __getitem__(self, place: int | slice) -> State | list[State]:
        """Return a state, or a list of them."""
        if isinstance(place, slice):
            return [self[i] for i in range(len(self))[place]]
        place = range(len(self))[place]
        packed = self.packed[place]
        return State(packed[0], packed[1:], self.first + place * self.every)


@final
class Numbered(Sequence[str]):
    """The names x1, x2, … of columns that have none, made when asked for.

    A sparse matrix may have millions of columns; a list of their names would outweigh it.

    >>> list(Numbered(3)), Numbered(3)[-1]
    (['x1', 'x2', 'x3'], 'x3')
    """

    def __init__(self, count: int) -> None:
        self._numbers = range(1, count + 1)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return a name, or a list of them."""
        if isinstance(place, slice):
            return [f"x{number}" for number in self._numbers[place]]
        return f"x{self._numbers[place]}"

    def __eq__(self, other: object) -> bool:
        """Tell whether the other holds the same names."""
        if isinstance(other, Numbered):
            return len(self) == len(other)
        return isinstance(other, list) and len(self) == len(other) and list(self) == other

    def __hash__(self) -> int:
        """Return a number that equal ones share."""
        return hash(self._numbers)


def column_names(X: Any) -> list[str] | None:
    """Return the column names of a pandas, polars or Arrow table, or None for plain arrays."""
    names = getattr(X, "column_names", None)  # Arrow; its .columns are the columns themselves
    if names is None:
        names = getattr(X, "columns", None)
    return None if names is None else [str(name) for name in names]


def in_order_of(names: Sequence[str], values: Any, what: str) -> Any:
    """Return a table's columns in the order of `names`; anything without names as it is.

    Raises
    ------
    InputError
        If the table has some of the names and lacks others.
    """
    named = column_names(values)
    if named is None or named == names:
        return values
    missing = [name for name in names if name not in named]
    if not missing:
        return as_array(values, what)[:, [named.index(name) for name in names]]
    if set(named) & set(names):
        hint = did_you_mean(missing[0], named)
        msg = f"{what} lacks the columns {missing[:8]} that training used{hint}."
        raise InputError(msg)
    return values


def as_array(values: Any, what: str) -> Array:
    """Return `values` (list, array, Series, DataFrame, Arrow table …) as a NumPy array."""
    if is_sparse(values):
        msg = (
            f"{what} must be dense; found a sparse {type(values).__name__} of shape "
            f"{values.shape}. Turn it into an array with .toarray() first."
        )
        raise InputError(msg)
    if hasattr(values, "column_names"):  # an Arrow table has no to_numpy of its own
        columns = [np.asarray(column.to_numpy()) for column in values.itercolumns()]
        return np.column_stack(columns) if columns else np.zeros((len(values), 0))
    if type(values).__module__.startswith("pyarrow"):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    try:
        return np.asarray(values)
    except ValueError as error:
        msg = f"{what} must be a rectangular array; its rows have different lengths."
        raise ShapeError(msg) from error


def as_numbers(values: Any, what: str, dtype: npt.DTypeLike | None = None) -> Floats:
    """Return `values` as a finite float array, or say where it is not.

    Parameters
    ----------
    values
        Anything `as_array` takes.
    what
        The name to use in messages, such as ``"X"``.
    dtype
        float32 or float64; None keeps float32 and turns everything else into float64.

    Raises
    ------
    InputError
        If an entry is text, missing or infinite.
    """
    raw = as_array(values, what)
    if dtype is None:
        dtype = np.float32 if raw.dtype == np.float32 else np.float64
    if np.iscomplexobj(raw):
        msg = f"{what} must hold real numbers; it holds complex ones. Pass its parts as columns."
        raise InputError(msg)
    if raw.dtype.kind in "mM":
        msg = f"{what} must hold numbers; it holds dates. Turn them into numbers, or use ds.fit."
        raise InputError(msg)
    raw = np.atleast_1d(raw)
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and said below
            found = np.ascontiguousarray(raw, dtype=dtype)
    except (TypeError, ValueError) as error:
        place = _first_text(raw, column_names(values))
        msg = f"{what} must hold numbers; found {place}. Encode text columns, or use ds.fit."
        raise InputError(msg) from error
    with np.errstate(all="ignore"):  # one fast pass; only a suspicious sum is looked into
        suspicious = not math.isfinite(float(found.sum(dtype=np.float64)))
    if suspicious and not np.isfinite(found).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(found))[0])
        msg = (
            f"{what} must hold finite numbers; found {found[where]} at row {where[0]}"
            f"{_column(where, column_names(values))}. Drop or fill such rows first."
        )
        raise InputError(msg)
    return found


def _column(where: tuple[int, ...], names: list[str] | None) -> str:
    if len(where) == 1:
        return ""
    return f", column {names[where[1]]!r}" if names else f", column {where[1]}"


def _first_text(raw: Array, names: list[str] | None) -> str:
    for where in np.ndindex(raw.shape):
        try:
            float(raw[where])
        except (TypeError, ValueError):
            found = raw[where].item() if isinstance(raw[where], np.generic) else raw[where]
            return f"{found!r} at row {where[0]}{_column(where, names)}"
    return f"an array of {raw.dtype}"


def as_matrix(values: Any, what: str, dtype: npt.DTypeLike | None = None) -> Floats:
    """Return `values` as a finite (n, columns) float array; one dimension becomes a column."""
    found = as_numbers(values, what, dtype)
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:  # noqa: PLR2004 - a matrix has two dimensions
        msg = f"{what} must have one or two dimensions; found shape {found.shape}."
        raise ShapeError(msg)
    return found


# ---------------------------------------------------------------- rows, dense or sparse


def is_sparse(values: Any) -> bool:
    """Tell whether `values` is a sparse matrix, without importing SciPy's."""
    return hasattr(type(values), "tocsr")


def as_rows(values: Any, what: str, dtype: npt.DTypeLike | None = None) -> Rows:
    """Return `values` as finite rows (n, d): dense as `as_matrix` does, or in CSR if sparse.

    The values' own object is left as it is; where nothing has to change, its arrays are shared.

    Raises
    ------
    InputError
        If an entry is not a finite real number, or the matrix contradicts itself.

    Examples
    --------
    >>> from scipy.sparse import coo_array
    >>> twice = coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [2, 2, 0])), shape=(2, 3))
    >>> rows = as_rows(twice, "X")
    >>> rows.data, rows.indices, rows.indptr
    (array([3.]), array([2], dtype=int32), array([0, 1, 1], dtype=int32))
    """
    if not is_sparse(values):
        return as_matrix(values, what, dtype)
    found = _as_csr(values, what)
    if dtype is None:
        dtype = np.float32 if found.dtype == np.float32 else np.float64
    if found.dtype.kind not in "biuf":
        what_it_holds = "complex ones" if found.dtype.kind == "c" else f"{found.dtype}"
        msg = f"{what} must hold real numbers; it holds {what_it_holds}."
        raise InputError(msg)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and said below
        data = found.data.astype(dtype, copy=False)
    indices, indptr = found.indices, found.indptr
    if not np.isfinite(data).all():
        place = int(np.flatnonzero(~np.isfinite(data))[0])
        row = int(np.searchsorted(indptr, place, side="right")) - 1
        msg = (
            f"{what} must hold finite numbers; found {data[place]} at row {row}, column "
            f"{indices[place]}. Drop or fill such rows first."
        )
        raise InputError(msg)
    kept = data != 0
    if not kept.all():
        indptr = np.concatenate([[0], np.cumsum(kept)])[indptr]
        data, indices = data[kept], indices[kept]
    small = max(data.size, *found.shape) <= np.iinfo(np.int32).max
    index = np.int32 if small else np.int64
    parts = (data, indices.astype(index, copy=False), indptr.astype(index, copy=False))
    rows: Sparse = type(found)(parts, shape=found.shape)
    return rows


def _as_csr(values: Any, what: str) -> Any:
    """Return a sparse matrix as a ``csr_array`` with sorted columns, none of them twice."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - whoever passes one has loaded it

    dimensions = len(values.shape)
    if dimensions > 2:  # noqa: PLR2004 - a matrix has two dimensions
        msg = f"{what} must have one or two dimensions; found shape {values.shape}."
        raise ShapeError(msg)
    try:
        own = copy.copy(values)  # shares the arrays; checking may replace them in `own` alone
        # An index outside the shape, unchecked, would be written to foreign memory.
        if hasattr(own, "check_format"):
            own.check_format(full_check=True)
        elif hasattr(own, "coords"):
            own = type(own)((own.data, own.coords), shape=own.shape)
        found = csr_array(own.reshape((-1, 1)) if dimensions == 1 else own)
        found.check_format(full_check=True)
    except (IndexError, TypeError, ValueError) as error:
        msg = f"{what} is a sparse matrix that contradicts itself ({error}); build it again."
        raise InputError(msg) from error
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    return found
