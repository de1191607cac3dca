"""Calling what the user wrote: with copies, in a known order, and whatever comes back."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.arrays import Array, Floats, Layout
from descend.errors import InputError, ShapeError
from descend.gradcheck.result import Discrepancy

if TYPE_CHECKING:
    from collections.abc import Callable


class Probe(NamedTuple):
    """Where f and the gradient are looked at: theta (P,), and which rows (None: all of them)."""

    theta: Floats
    rows: Array | None = None


class Seen(NamedTuple):
    """What the gradient said at a probe, and at which thetas it had been called before."""

    probe: Probe
    given: Floats
    before: tuple[Floats, ...]


@final
class Data:
    """X, y and the rows' weights, as the user's functions are to meet them."""

    def __init__(self, X: Any, y: Any, weights: Any) -> None:
        self.parts = [X, y, weights]

    @property
    def n(self) -> int:
        """How many rows there are; 0 where there are none."""
        return 0 if self.parts[0] is None else int(self.parts[0].shape[0])

    def mass(self, rows: Any) -> list[float]:
        """Return what a mean may divide by: how many rows there are, and their weights' sum."""
        count = float(self.n if rows is None else len(rows))
        w = self.parts[2]
        return [count] if w is None else [count, float((w if rows is None else w[rows]).sum())]

    def of_rows(self, rows: Any) -> Data:
        """Return the data of some rows."""
        return Data(*(None if part is None else part[rows] for part in self.parts))

    def arguments(self, count: int, rows: Any = None, targets: Any = None) -> list[Any]:
        """Return copies of the first `count` of X, y and the weights, of some rows."""
        chosen = [rows, rows if targets is None else targets, rows]
        return [
            None if part is None else part.copy() if which is None else part[which]
            for part, which in zip(self.parts[:count], chosen, strict=False)
        ]


def arity(function: Callable[..., Any], what: str, data: Data) -> int:
    """Return how many of X, y and the weights a function takes after theta."""
    offered = 0 if data.parts[0] is None else 2
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return offered
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return offered
    places = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    needed = sum(p.default is p.empty for p in places)
    weighted = len(places) > 3 and (places[3].default is places[3].empty or "w" in places[3].name)  # noqa: PLR2004 - theta, X, y
    if data.parts[2] is not None and weighted:
        offered = 3
    takes = min(len(places) - 1, offered)
    if takes < 0 or takes == 1 or needed - 1 > takes:
        names = ", ".join(p.name for p in places)
        msg = (
            f"{what} must take (theta) or (theta, X, y); it takes ({names})"
            + (", and no X and y were given" if not offered else "")
            + "."
        )
        raise InputError(msg)
    return takes


def value_of(function: Callable[..., Any], theta: Any, arguments: list[Any]) -> Any:
    """Return what f says, one number, or say what it is instead."""
    found = function(theta, *arguments)
    found = found.detach() if hasattr(found, "detach") else found
    try:
        number = np.asarray(found)
    except (TypeError, ValueError):
        number = np.asarray(found, dtype=object)
    if number.size != 1 or number.dtype.kind not in "biufc":
        shown = f"shape {number.shape}" if number.dtype.kind in "biufc" else repr(found)[:40]
        msg = f"f must return one number; it returned {shown}. Reduce it to one number first."
        raise ShapeError(msg)
    return number.reshape(()).item()


@final
class Caller:
    """The user's gradient: called with copies, its calls counted, its faults noted.

    Attributes
    ----------
    thetas
        Where it was called, in order.
    fault
        The first thing wrong with an answer that no comparison is needed to see.
    single
        Whether every answer so far was written in single precision.
    """

    def __init__(self, function: Callable[..., Any], layout: Layout, data: Data) -> None:
        self.function, self.layout, self.data = function, layout, data
        self.takes = arity(function, "gradient", data)
        self.thetas: list[Floats] = []
        self.fault: Discrepancy | None = None
        self.spoilt: Discrepancy | None = None
        self.single = True
        self.absent = ""

    def __call__(self, probe: Probe) -> Seen | None:
        """Return what the gradient says at a probe, or None and a fault."""
        theta = probe.theta.copy()
        arguments = self.data.arguments(self.takes, probe.rows)
        kept = self.data.arguments(self.takes, probe.rows)
        before = tuple(self.thetas)
        self.thetas.append(probe.theta)
        try:
            with np.errstate(all="ignore"):
                answer = self.function(theta, *arguments)
                found = self._flat(answer)
        except _FaultError as error:
            self.fault = error.args[0]
            return None
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises is reported
            evidence = f"It raised {type(error).__name__}: {str(error)[:200]}."
            fix = "call it once by itself with this theta, and mend what it complains of."
            self.fault = Discrepancy("raises", (), evidence, fix)
            return None
        self._look_for_changes([theta, *arguments], [probe.theta, *kept])
        return Seen(probe, found, before)

    def _flat(self, answer: Any) -> Floats:
        if isinstance(answer, Mapping):
            return self._joined(answer)
        if isinstance(answer, list | tuple) and any(np.ndim(part) for part in answer):
            parts = [self._numbers(part) for part in answer]
            return self._sized(np.concatenate([part.ravel() for part in parts]), "parts")
        found = self._numbers(answer)
        return self._sized(found.ravel(), f"shape {found.shape}")

    def _numbers(self, answer: Any) -> Floats:
        array = np.asarray(answer.detach().cpu() if hasattr(answer, "detach") else answer)
        if array.dtype.kind not in "biuf":
            kind = type(answer).__name__ if array.dtype.kind in "OUS" else f"{array.dtype} numbers"
            evidence = f"It returned {kind}, not {self.layout.size} real numbers."
            fix = "return an array with one number for each parameter."
            raise _FaultError(Discrepancy("not-numbers", (), evidence, fix))
        found = array.astype(np.float64)
        with np.errstate(over="ignore"):
            self.single = self.single and bool(
                np.array_equal(found.astype(np.float32), found, equal_nan=True)
            )
        return found

    def _joined(self, parts: Mapping[str, Any]) -> Floats:
        names = [name for name, _ in self.layout.entries]
        missing = [name for name in names if name not in parts]
        strange = [str(name) for name in parts if name not in names]
        if strange or any(not name.endswith("bias") for name in missing):
            evidence = f"It returned parts named {sorted(map(str, parts))}; theta has {names}."
            fix = "name the parts as theta's slices are named."
            raise _FaultError(Discrepancy("shape", tuple(missing or strange), evidence, fix))
        pieces = []
        for name, shape in self.layout.entries:
            size = math.prod(shape)
            piece = np.zeros(size) if name in missing else self._numbers(parts[name]).ravel()
            if piece.size != size:
                found = np.shape(parts[name])
                raise _FaultError(
                    _misshapen((name,), f"shape {found}", piece.size, size, self.data.n)
                )
            pieces.append(piece)
        if missing:
            self.absent = f"No gradient came for {', '.join(missing)}. "
        return np.concatenate(pieces)

    def _sized(self, found: Floats, what: str) -> Floats:
        P = self.layout.size
        if found.size == P:
            return found
        weights = np.concatenate(
            [
                np.full(math.prod(shape), not name.endswith("bias"))
                for name, shape in self.layout.entries
            ]
        )
        if found.size == weights.sum() < P:
            self.absent = f"Only {found.size} of {P} numbers came, those of the weights. "
            whole = np.zeros(P)
            whole[weights] = found
            return whole
        raise _FaultError(_misshapen((), what, found.size, P, self.data.n))

    def _look_for_changes(self, after: list[Any], before: list[Any]) -> None:
        names = ["theta", "X", "y", "sample_weight"]
        for name, found, kept in zip(names, after, before, strict=False):
            same = found is kept or (
                found.shape == kept.shape
                and (
                    abs(found - kept).max() == 0 if hasattr(found, "tocsr") else _same(found, kept)
                )
            )
            if not same and self.spoilt is None:
                self.spoilt = Discrepancy(
                    "changes-input",
                    (),
                    f"It wrote into the {name} that it was given.",
                    f"work on a copy of {name}; `a = a - b` makes one, `a -= b` does not.",
                )


class _FaultError(Exception):
    """An answer that cannot be compared; carries its discrepancy."""


def _same(a: Array, b: Array) -> bool:
    if a.dtype.kind == "f":
        return bool(np.array_equal(a, b, equal_nan=True))
    return bool(np.array_equal(a, b))


def _misshapen(where: tuple[str, ...], what: str, found: int, wanted: int, n: int) -> Discrepancy:
    """Return the discrepancy of a wrong number of entries: n times too many is a broadcast."""
    evidence = f"It returned {found} numbers ({what}); {wanted} were expected"
    if n > 1 and found % n == 0 and wanted < 2 * (found // n) <= 2 * wanted:
        evidence += f". {found} is {found // n} for each of the {n} rows: (n, 1) - (n,) is (n, n)."
        fix = "give scores and targets the same shape before subtracting them."
        return Discrepancy("broadcast", where, evidence, fix)
    fix = f"return {wanted} numbers, one for each parameter, in the order of theta."
    return Discrepancy("shape", where, evidence + ".", fix)
