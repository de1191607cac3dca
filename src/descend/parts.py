"""Parts: the small named values that tasks are made of.

A *part* is a `NamedTuple` that carries its own hyperparameters (``Huber(delta=1.5)``), has a
``name``, and states its mathematics once, in a static ``formulas(xp)`` that works for any array
namespace ``xp``: NumPy, ``jax.numpy``, PyTorch, or plain scalars inside a compiled kernel.
A *family* is the closed list of parts of one kind.  Run files name parts by family and name and
never by import path, so loading a file can build nothing that is not listed here.

    >>> from descend.losses import LOSSES, huber
    >>> LOSSES.describe(huber(1.5))
    {'name': 'huber', 'delta': 1.5}
    >>> LOSSES.restore({"name": "huber", "delta": 1.5})
    Huber(delta=1.5)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from descend.errors import InputError, ParameterError, did_you_mean

# An array namespace: whatever offers exp, where, tanh … under NumPy's names.
Namespace = Any


class Part(Protocol):
    """A named value with hyperparameters and formulas."""

    name: ClassVar[str]

    @staticmethod
    def formulas(xp: Namespace) -> Any:
        """Return this part's elementwise functions, written for the namespace `xp`."""

    def _asdict(self) -> dict[str, Any]: ...


P = TypeVar("P")
F = TypeVar("F", bound=Callable[..., Any])


def _equal(self: tuple[object, ...], other: object) -> bool:
    return type(self) is type(other) and tuple(self) == tuple(other)


def _differs(self: tuple[object, ...], other: object) -> bool:
    return not _equal(self, other)


def _hashed(self: tuple[object, ...]) -> int:
    return hash((type(self).__name__, *self))


def _true(_self: object) -> bool:
    return True


class Family(Generic[P]):
    """The closed list of parts of one kind, by name.

    A tuple without fields equals every other such tuple and is false; a part is its class as
    well as its numbers, so joining a family mends equality, hash and truth.

    Parameters
    ----------
    kind
        What a part of this family is called in messages.
    call
        What calling a part does, if it can be called.
    """

    def __init__(self, kind: str, call: Callable[..., Any] | None = None) -> None:
        self.kind = kind
        self._call = call
        self._classes: dict[str, type[Any]] = {}
        self._makers: dict[str, Callable[..., Any]] = {}

    def add(self, name: str, **facts: Any) -> Callable[[type[Any]], type[Any]]:
        """Return a decorator that enters a part's class, with the facts its family tells of it."""

        def enter(cls: type[Any]) -> type[Any]:
            mended = {"__eq__": _equal, "__ne__": _differs, "__hash__": _hashed, "__bool__": _true}
            if self._call is not None:
                mended["__call__"] = self._call
            for attribute, found in {"name": name, **facts, **mended}.items():
                setattr(cls, attribute, found)
            self._classes[name] = cls
            return cls

        return enter

    def maker(self, make: F) -> F:
        """Enter the public function that checks hyperparameters and builds the part."""
        self._makers[make.__name__] = make
        return make

    def value(self, part: Any) -> P:
        """Return a part, typed as its family's interface."""
        found: P = part
        return found

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order they were written: simplest first."""
        return iter(self._classes)

    def classes(self) -> list[type[Any]]:
        """Return the parts' classes, in the same order."""
        return list(self._classes.values())

    def __contains__(self, part: object) -> bool:
        """Tell whether `part` is a value of this family."""
        return type(part) in self._classes.values()

    def make(self, name: str, **hyperparameters: Any) -> P:
        """Build the part called `name`, checking its hyperparameters."""
        if name not in self._classes:
            known = ", ".join(self._classes)
            msg = (
                f"There is no {self.kind} called {name!r}{did_you_mean(name, self._classes)}; "
                f"choose one of: {known}."
            )
            raise InputError(msg)
        try:
            return self.value(self._makers[name](**hyperparameters))
        except TypeError as error:
            takes = ", ".join(self._classes[name]._fields) or "no hyperparameters"
            msg = f"The {self.kind} {name!r} takes {takes}; got {sorted(hyperparameters)}."
            raise InputError(msg) from error

    def describe(self, part: Any) -> dict[str, Any]:
        """Return the part as plain data: its name and its hyperparameters."""
        return {"name": part.name, **part._asdict()}

    def restore(self, record: Mapping[str, Any]) -> P:
        """Return the part that `describe` described."""
        return self.make(**record)

    def check(self, part: object, where: str) -> P:
        """Return `part` if it belongs here, make it from its name, or say what was expected."""
        if isinstance(part, str):
            return self.make(part)
        if part in self:
            return self.value(part)
        msg = (
            f"The {self.kind} of {where} must be one of this library's ({', '.join(self)}), "
            f"made by its function or given by name. Got {part!r} instead."
        )
        raise InputError(msg)


@cache
def formulas_of(cls: type[Any], xp: Namespace) -> Any:
    """Return the formulas of a part's class for the namespace `xp`, made once."""
    return cls.formulas(xp)


def helper(xp: Namespace, function: F) -> F:
    """Return a function that formulas call, as the namespace needs it: a kernel's, compiled."""
    prepared: F = getattr(xp, "helper", lambda plain: plain)(function)
    return prepared


def number(  # noqa: PLR0913 - a range has two ends, each open or closed
    owner: str,
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    closed: str = "neither",
) -> float:
    """Return `value` as a float, or say in one sentence which range it missed.

    >>> number("adam", "beta1", 1.5, low=0, high=1, closed="low")
    Traceback (most recent call last):
    descend.errors.ParameterError: The 'beta1' parameter of adam must be a float in [0, 1). Got 1.5 instead.
    """  # noqa: E501 - the message is quoted whole
    usable = not isinstance(value, bool | str | bytes)
    try:
        found = float(value) if usable else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    above = found >= low if closed in {"low", "both"} else found > low
    below = found <= high if closed in {"high", "both"} else found < high
    if math.isfinite(found) and above and below:
        return found
    left = "[" if closed in {"low", "both"} else "("
    right = "]" if closed in {"high", "both"} else ")"
    wanted = f"a float in {left}{low:g}, {high:g}{right}"
    msg = f"The {name!r} parameter of {owner} must be {wanted}. Got {value!r} instead."
    raise ParameterError(msg)


def whole(owner: str, name: str, value: object, *, low: int = 1) -> int:
    """Return `value` as an int of at least `low`, or say in one sentence what it was.

    >>> whole("train", "epochs", 0)
    Traceback (most recent call last):
    descend.errors.ParameterError: The 'epochs' parameter of train must be an int of at least 1. Got 0 instead.
    """  # noqa: E501 - the message is quoted whole
    try:
        found = value.__index__()  # type: ignore[attr-defined]
    except AttributeError:
        found = None
    if isinstance(value, bool) or not isinstance(found, int) or found < low:
        msg = (
            f"The {name!r} parameter of {owner} must be an int of at least {low}. "
            f"Got {value!r} instead."
        )
        raise ParameterError(msg)
    return found


def choice(owner: str, name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`, or say which there are.

    >>> choice("Task", "reduction", "median", ("mean", "sum"))
    Traceback (most recent call last):
    descend.errors.ParameterError: The 'reduction' parameter of Task must be one of 'mean', 'sum'. Got 'median' instead (did you mean 'mean'?).
    """  # noqa: E501 - the message is quoted whole
    if isinstance(value, str) and value in choices:
        return value
    wanted = ", ".join(repr(c) for c in choices)
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    msg = f"The {name!r} parameter of {owner} must be one of {wanted}. Got {value!r} instead{hint}."
    raise ParameterError(msg)
