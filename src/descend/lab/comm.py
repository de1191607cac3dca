"""A session and a widget that talk to each other: what the server's websocket is elsewhere.

The session trains in threads of its own, so a notebook's kernel stays free.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError
from descend.page.parts import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.lab.session import Session

# Every message goes through the kernel: frames that come sooner than this are left out, in seconds.
APART = 1 / 30
# A page says every 20 s that it is there; browsers let hidden pages do so once a minute.
GONE = 180.0


@final
class Comm:
    """Carries messages between a session and a widget, until it is closed.

    Parameters
    ----------
    session
        What trains.
    widget
        A widget of anywidget that shows the lab's module.
    gone
        After how many seconds without a sign of a page training pauses.
    """

    def __init__(self, session: Session, widget: Any, gone: float = GONE) -> None:
        self._session, self._widget, self._gone = session, widget, gone
        self._seen, self._sent = time.monotonic(), 0.0
        self._over = threading.Event()
        self._detach = session.attach(self._send)
        widget.on_msg(self._heard)
        threading.Thread(target=self._watch, name="descend-lab-watch", daemon=True).start()

    def close(self) -> None:
        """Stop, for good."""
        self._over.set()
        self._detach()
        self._session.close()
        self._widget.close()

    def _send(self, header: Mapping[str, Any], buffers: Sequence[bytes]) -> bool:
        now = time.monotonic()
        if header.get("dispensable"):
            if now - self._sent < APART:
                return False
            self._sent = now
        self._widget.send(finite(dict(header)), list(buffers))
        return True

    def _heard(self, _widget: Any, content: Any, buffers: Sequence[Any]) -> None:
        self._seen = time.monotonic()
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "upload" and buffers:
            self._take(str(content.get("name")), bytes(buffers[0]))
        elif kind != "here":
            self._session.receive(content)

    def _take(self, name: str, data: bytes) -> None:
        from descend.lab.uploads import accept  # noqa: PLC0415 - reads tables

        try:
            self._session.open(accept(name, data))
        except InputError as error:
            self._send({"kind": "said", "severity": "error", "sentence": str(error)}, ())

    def _watch(self) -> None:
        while not self._over.wait(self._gone / 10):
            if self._session.playing and time.monotonic() - self._seen > self._gone:
                self._session.pause()
