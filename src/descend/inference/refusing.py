"""The sentence that says why there are no standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from descend.errors import InputError

if TYPE_CHECKING:
    from descend.arrays import Array

INTERCEPT = "(intercept)"
# Columns named in a sentence.
_NAMED = 5


# What was found, and what to do.
Why: TypeAlias = tuple[str, str]


def refuse(why: Why | None) -> None:
    """Raise the sentence, if there is something to say."""
    if why is not None:
        msg = f"There are no standard errors for this run: {why[0]}; {why[1]}."
        raise InputError(msg)


def listed(names: list[str], which: Array, noun: str = "") -> str:
    """Return some names in words."""
    shown = [repr(names[i]) if names[i] != INTERCEPT else "the intercept" for i in which[:_NAMED]]
    more = len(which) - len(shown)
    words = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"the {noun}{'s' * (len(which) > 1)} {words}" if noun else words
