"""A real browser for the tests of the page: it can reach nothing, and whatever goes wrong is told.

Chromium comes from the system (`chromium`, or the path in CHROMIUM); `.ci/run` installs it.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
ALLOWED = ("data:", "blob:", "file:", "about:")


def executable() -> str | None:
    """Return where the browser is, or None."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    return found if found and os.path.exists(found) else None  # noqa: PTH110


def watched(page: Page, complaints: list[str], allowed: tuple[str, ...] = ALLOWED) -> Page:
    """Note every console error, page error and request to anywhere else."""

    def tell(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.type}: {message.text}")

    page.on("console", tell)
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith(allowed) else complaints.append(f"request: {r.url}"),
    )
    return page
