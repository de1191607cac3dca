"""The sessions of one server: made where asked for, paused and closed where nobody looks."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, final

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Send = Callable[[dict[str, Any], Sequence[bytes]], bool]


class SessionLike(Protocol):
    """What a server needs of a session; `session.Session` says what each means."""

    @property
    def idle_since(self) -> float | None: ...  # noqa: D102
    def attach(self, send: Send) -> Callable[[], None]: ...  # noqa: D102
    def receive(self, message: Any, send: Send | None = None) -> None: ...  # noqa: D102
    def open(self, opened: Any) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@final
@dataclass(frozen=True)
class Patience:
    """For how many seconds nobody may look, and how many sessions there may be."""

    pause: float = 30.0
    close: float = 600.0
    sessions: int = 32


@final
class Sessions:
    """The sessions by id, safe to use from any thread."""

    def __init__(self, make: Callable[[], SessionLike], patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._make = make
        self._kept: dict[str, SessionLike] = {}
        self._paused: set[str] = set()
        self._lock = RLock()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._kept)

    def find(self, name: str) -> SessionLike:
        """Return the session of that id; one that is not there is made."""
        with self._lock:
            if name not in self._kept:
                self._make_room()
                self._kept[name] = self._make()
            return self._kept[name]

    def attach(self, name: str, send: Send) -> tuple[SessionLike, Callable[[], None]]:
        """Listen to a session; return it, and the way to stop listening."""
        with self._lock:  # so that it is not closed in between
            session = self.find(name)
            return session, session.attach(send)

    def tend(self) -> None:
        """Pause what nobody has looked at for a while, close what nobody has for long."""
        now = time.monotonic()
        with self._lock:
            unseen = {k: now - s.idle_since for k, s in self._kept.items() if s.idle_since}
            over = [self._kept.pop(k) for k, away in unseen.items() if away > self.patience.close]
            quiet = {k for k, away in unseen.items() if away > self.patience.pause} & set(
                self._kept
            )
            newly = [self._kept[name] for name in quiet - self._paused]
            self._paused = quiet
        for session in newly:
            session.pause()
        for session in over:
            session.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            kept, self._kept = self._kept, {}
        for session in kept.values():
            session.close()

    def _make_room(self) -> None:
        if len(self._kept) < self.patience.sessions:
            return
        unseen = [(s.idle_since, name) for name, s in self._kept.items() if s.idle_since]
        if not unseen:
            msg = (
                f"{len(self._kept)} labs are open here, and there is room for no more; "
                "close one of their tabs first."
            )
            raise InputError(msg)
        self._kept.pop(min(unseen)[1]).close()


def new_name() -> str:
    """Return an id that nobody guesses."""
    return secrets.token_urlsafe(9)
