"""Rooms: which function answers a message, loaded when it is first needed."""

# The imports below wait until somebody asks: the first state of a model is to be there at once.
# ruff: noqa: PLC0415, PLR0911

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from descend.lab.leading import Leader

    Answer = Callable[[Leader, Mapping[str, Any]], None]


def room_of(kind: str) -> Answer | None:
    """Return what answers messages of a kind, or None where `Leader` does by itself."""
    match kind:
        case "hand" | "floor":
            from descend.lab import hand

            return {"hand": hand.hand, "floor": hand.floor}[kind]
        case "race" | "racing" | "racers":
            from descend.lab import racing

            return {"race": racing.race, "racing": racing.racing, "racers": racing.racers}[kind]
        case "compare":
            from descend.lab.comparing import compare

            return compare
        case "select" | "remove" | "restore" | "rename":
            from descend.lab import branching

            known = {
                "select": branching.select,
                "remove": branching.remove,
                "restore": branching.restore,
                "rename": branching.rename,
            }
            return known[kind]
        case "try":
            from descend.lab.thinking import try_it

            return try_it
        case "file":
            from descend.lab.files import take

            return take
        case _:
            return None
