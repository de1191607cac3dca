"""What can go wrong, and how a run can end.

Everything this library raises on purpose is a `DescendError`.  The command line turns
`InputError` (and its children) into exit status 2 and one sentence; anything else is our bug.
Every message is one sentence in three parts: what was asked, what was found and where, and
what to do next.  A run that stops without converging raises nothing: it carries an `Outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, final

if TYPE_CHECKING:
    from collections.abc import Iterable


class DescendError(Exception):
    """The ancestor of every error this library raises on purpose."""


class InputError(DescendError, ValueError):
    """What was given cannot be used; the sentence says what, where, and what to do."""


class ParameterError(InputError):
    """A parameter is outside its range."""


class ShapeError(InputError):
    """Two arrays that must agree in shape do not."""


class RunFileError(InputError):
    """A run file cannot be read: truncated, altered, of another version, or not one at all."""


class UnavailableError(DescendError, ImportError):
    """An optional library that was asked for is not installed."""


class DivergedError(DescendError, ArithmeticError):
    """A training diverged where a fitted model was asked for; `train` itself raises nothing.

    Parameters
    ----------
    message
        The sentence.
    run
        What was recorded until then, to be looked at; default None.

    Attributes
    ----------
    run
        As given.

    Examples
    --------
    >>> DivergedError("The loss is no longer a number.", run=None).run is None
    True
    """

    def __init__(self, message: str, *, run: Any = None) -> None:
        ArithmeticError.__init__(self, message)
        self.run = run


Reason = Literal[
    "epochs",
    "gradient",
    "settled",
    "stalled",
    "validation",
    "diverged",
    "interrupted",
    "callback",
    "led",
    "exact",
]


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the reason, a sentence, and the objective at the returned parameters.

    Attributes
    ----------
    reason
        ``"epochs"`` all were done; ``"gradient"`` it became small; ``"settled"`` the loss
        stopped moving; ``"stalled"`` no step that was searched for lowered the loss any more;
        ``"validation"`` the validation loss stopped improving (the best was
        restored); ``"diverged"``; ``"interrupted"`` by the user; ``"callback"`` asked to stop;
        ``"led"`` by hand, as far as it was led; ``"exact"`` solved outright, without descent.
    sentence
        The same in words, with the figures that decided.
    step
        Updates done when the run ended.
    loss
        The objective (loss plus penalty, over all training rows) at the returned parameters.
    best_step
        The update whose parameters were restored, or None when the last ones are returned.
    diverged_at
        The first update at which the run had diverged, or None.
    condition
        The condition number of ill-conditioned columns that kept a descent from arriving where
        its rule said it had; else None.

    Examples
    --------
    >>> Outcome("epochs", "Stopped after all 9 epochs.", step=9, loss=0.5).converged
    False
    """

    reason: Reason
    sentence: str
    step: int
    loss: float
    best_step: int | None = None
    diverged_at: int | None = None
    condition: float | None = None

    @property
    def converged(self) -> bool:
        """Whether the run stopped because there was nothing left to gain."""
        arrived = self.reason in {"gradient", "settled", "stalled", "exact"}
        return arrived and self.condition is None

    @property
    def diverged(self) -> bool:
        """Whether the run diverged at any update, even if it was told to go on."""
        return self.diverged_at is not None

    def __str__(self) -> str:
        """Return the sentence."""
        return self.sentence


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known word, or an empty string.

    >>> did_you_mean("adm", ["adam", "momentum"])
    " (did you mean 'adam'?)"
    >>> did_you_mean("zzz", ["adam"])
    ''
    """
    known = list(known)
    lowered = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f" (did you mean {lowered[near[0]]!r}?)" if near else ""
