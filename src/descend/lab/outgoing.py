"""What waits to be sent to one connection: in order, frames dropped where it cannot keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_FRAMES, MOST_BYTES = 4, 64 * 2**20


@final
class Outgoing:
    """A queue between a session's threads, which offer, and the event loop, which takes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.overflown = False
        self._loop = loop
        self._some = asyncio.Event()
        self._waiting: deque[tuple[bool, bytes]] = deque()
        self._frames = self._bytes = 0
        self._lock = Lock()
        self._closed = False

    def offer(self, header: dict[str, Any], buffers: Sequence[bytes] = ()) -> bool:
        """Queue a message, from any thread; False says that frames were dropped."""
        droppable = bool(header.get("dispensable"))
        if self._closed or (droppable and self._frames >= MOST_FRAMES):
            return False
        from descend.lab.messages import packed  # noqa: PLC0415 - the page need not wait for it

        message = packed(header, buffers)
        with self._lock:
            self._waiting.append((droppable, message))
            self._frames += droppable
            self._bytes += len(message)
            self.overflown = self.overflown or self._bytes > MOST_BYTES
            if self.overflown:
                self._forget()
            alone = len(self._waiting) <= 1
        if alone:
            self._wake()
        return not self.overflown

    async def take(self) -> bytes | None:
        """Return the next message, or None once too much was waiting."""
        while not self._waiting and not self.overflown:
            self._some.clear()
            if not self._waiting and not self.overflown:
                await self._some.wait()
        if self.overflown:
            return None
        with self._lock:
            droppable, message = self._waiting.popleft()
            self._frames -= droppable
            self._bytes -= len(message)
        return message

    def close(self) -> None:
        """Take nothing any more."""
        with self._lock:
            self._closed = True
            self._forget()

    def _forget(self) -> None:
        self._waiting.clear()
        self._frames = self._bytes = 0
        self._closed = True

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._some.set)
        except RuntimeError:  # the loop has ended meanwhile
            self._closed = True
