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
        self._loop = loop
        self._some, self._too_much = asyncio.Event(), asyncio.Event()
        self._waiting: deque[tuple[bool, bytes]] = deque()
        self._frames = self._bytes = 0
        self._closed = False
        self._lock = Lock()

    def offer(self, header: dict[str, Any], buffers: Sequence[bytes] = ()) -> bool:
        """Queue a message, from any thread; False says that it was left out."""
        from descend.lab.messages import packed  # noqa: PLC0415 - the page need not wait for it

        droppable = bool(header.get("dispensable"))
        if self._closed or (droppable and self._frames >= MOST_FRAMES):
            return False
        message = packed(header, buffers)
        with self._lock:
            if self._bytes + len(message) > MOST_BYTES:
                self._forget()
                self._tell(self._too_much)
                return False
            self._waiting.append((droppable, message))
            self._frames += droppable
            self._bytes += len(message)
            first = len(self._waiting) == 1
        if first:
            self._tell(self._some)
        return True

    async def take(self) -> bytes:
        """Return the next message, once there is one."""
        while not self._waiting:
            self._some.clear()
            if not self._waiting:
                await self._some.wait()
        with self._lock:
            droppable, message = self._waiting.popleft()
            self._frames -= droppable
            self._bytes -= len(message)
        return message

    async def too_much(self) -> None:
        """Return once more was waiting than may, and was forgotten."""
        await self._too_much.wait()

    def close(self) -> None:
        """Take nothing any more."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._closed = True
        self._waiting.clear()
        self._frames = self._bytes = 0

    def _tell(self, event: asyncio.Event) -> None:
        try:
            self._loop.call_soon_threadsafe(event.set)
        except RuntimeError:  # the loop has ended meanwhile
            self._closed = True
