"""A lab that runs, and a browser on it: what the tests of the lab share.

The server runs in a thread of this process, on a free port; each page is a session of its own.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests import browser

from descend.lab import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

TOKEN = "token-of-the-tests"  # noqa: S105 - of servers that live for a test
READY = "#lab[data-rendered=yes]"
# Where an address asks for a step: it is there, and the views are drawn.
ARRIVED = '.lab[data-ready=yes][data-playing=no][data-settled]:not([data-updates="0"])'


@dataclass(frozen=True)
class RunningLab:
    """Where a lab answers, and the server behind it."""

    origin: str
    server: Any = field(repr=False)

    def door(self, address: str = "") -> str:
        """Return the address that lets one in, with settings."""
        return f"{self.origin}/?token={TOKEN}" + (f"&{address}" if address else "")

    @property
    def sessions(self) -> Any:
        """The sessions that are kept."""
        return self.server.config.app.state.sessions


@contextmanager
def running_lab(opened: Any = None, **doubles: Any) -> Iterator[RunningLab]:
    """Run a lab for the length of a `with`; `doubles` are those of `serving.server_for`."""
    listener = serving.listening("127.0.0.1", 0)
    server = serving.server_for(listener, "127.0.0.1", TOKEN, opened=opened, **doubles)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield RunningLab(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the lab did not close"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_answered(port: int, seconds: float = 60.0) -> None:
    """Wait until something listens on a port."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, f"nothing answers on port {port}"
            time.sleep(0.05)
        else:
            return


def wait_for(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


@dataclass
class Visitor:
    """Opens pages on a lab, each in a browser of its own; notes whatever goes wrong."""

    chromium: Browser
    lab: RunningLab
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self, address: str = "", *, width: int = 1280, height: int = 900, **options: Any
    ) -> Page:
        """Open a lab with the settings of an address, and wait until it is drawn, at its step."""
        options = {"reduced_motion": "reduce", **options}
        context = self.chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.contexts.append(context)
        page = self.watched(context.new_page())
        page.goto(self.lab.door(address))
        page.wait_for_selector(READY)
        if "step=" in address:
            page.wait_for_selector(ARRIVED)
        return page

    def beside(self, page: Page) -> Page:
        """Open the same address in a second tab of the same browser."""
        second = self.watched(page.context.new_page())
        second.goto(page.url)
        second.wait_for_selector(READY)
        return second

    def watched(self, page: Page) -> Page:
        """Note console errors and requests to anywhere but the lab."""
        allowed = (*browser.ALLOWED, f"{self.lab.origin}/")
        page.on("websocket", self._check_socket)
        return browser.watched(page, self.complaints, allowed)

    def expect(self, *parts: str) -> None:
        """Take back complaints that a test brought about itself, such as by cutting the line."""
        self.complaints[:] = [c for c in self.complaints if not any(p in c for p in parts)]

    def close(self) -> None:
        """Close the browsers; whatever went wrong fails the test."""
        for context in self.contexts:
            context.close()
        assert not self.complaints, self.complaints

    def _check_socket(self, opened: Any) -> None:
        if not opened.url.startswith(self.lab.origin.replace("http", "ws", 1)):
            self.complaints.append(f"websocket: {opened.url}")
