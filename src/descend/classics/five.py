"""The five, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descend.classics import houses, line_by_hand, line_sgd, moons, sliders
from descend.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.classics.telling import Classic

CLASSICS: dict[str, Callable[[], Classic]] = {
    "houses": houses.run,
    "moons": moons.run,
    "line_sgd": line_sgd.run,
    "line_by_hand": line_by_hand.run,
    "sliders": sliders.run,
}


def run_classic(name: str) -> Classic:
    """Run a classic and return what it tells.

    Parameters
    ----------
    name
        One of `CLASSICS`.

    Raises
    ------
    InputError
        If there is none of that name.

    Examples
    --------
    >>> round(run_classic("sliders").ours["stable_step"], 6)
    0.117624
    """
    if name not in CLASSICS:
        known = ", ".join(CLASSICS)
        msg = (
            f"There is no classic called {name!r}{did_you_mean(name, CLASSICS)}; there are {known}."
        )
        raise InputError(msg)
    return CLASSICS[name]()
