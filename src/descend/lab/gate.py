"""The gate: who may come in, judged before any route is looked at, the websocket's included.

A request must name this server as its Host (so that no name of somebody else's that points here is
believed), must come from our own pages where it says where from, and must bring our cookie.  The
cookie is given once, for the token in the printed address; neither is told to anyone else.
"""

from __future__ import annotations

import html
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost")
ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound
NO_COOKIE = "This lab is open to whoever has its address with the token; open that one, as printed."
SAFE = ("GET", "HEAD")


@final
@dataclass(frozen=True)
class Gate:
    """What opens the lab: the names it answers to, and its two secrets."""

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers share cookies among ports."""
        return f"descend-lab-{self.port}"

    def answers_to(self, host: str) -> bool:
        """Tell whether a Host header means this server.

        >>> gate = Gate("127.0.0.1", 8000)
        >>> gate.answers_to("localhost:8000"), gate.answers_to("example.org:8000")
        (True, False)
        """
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        name = name.strip("[]").lower()
        if name in LOOPBACK or name == self.host.lower():
            return True
        return self.host in ANYWHERE and (_is_number(name) or name == socket.gethostname().lower())

    def refusal(self, asked: HTTPConnection) -> str | None:
        """Return why a request is refused, or None."""
        host, origin = asked.headers.get("host", ""), asked.headers.get("origin")
        if not self.answers_to(host):
            return "This lab does not answer to that name; open the address as it was printed."
        if origin is None and not _only_reads(asked):
            return "A request that changes something must say where it comes from."
        if origin is not None and origin != f"http://{host}":
            return "This lab takes requests from its own pages only."
        if not self._same(asked.cookies.get(self.cookie, ""), self.secret):
            return NO_COOKIE
        return None

    def entered(self, asked: HTTPConnection) -> Response | None:
        """Return the way in for who brings the token: a cookie, and the address without it."""
        if asked.scope["type"] != "http" or asked.scope["method"] not in SAFE:
            return None
        token = asked.query_params.get("token")
        if asked.url.path != "/" or token is None or not self._same(token, self.token):
            return None
        response = RedirectResponse(without_token(asked.url.query), status_code=303)
        response.set_cookie(self.cookie, self.secret, httponly=True, samesite="strict", path="/")
        return response

    @staticmethod
    def _same(given: str, wanted: str) -> bool:
        return secrets.compare_digest(given.encode(), wanted.encode())


def without_token(query: str) -> str:
    """Return the address at the door, the token taken out and everything else kept.

    >>> without_token("data=moons&token=abc&hidden=4,4")
    '/?data=moons&hidden=4%2C4'
    """
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != "token"]
    return f"/?{urlencode(kept)}" if kept else "/"


@final
class Guard:
    """Around every route: refuses, lets in, and puts the headers of safety on what goes out."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        refusal = self.gate.refusal(asked)
        entering = self.gate.entered(asked) if refusal in {None, NO_COOKIE} else None
        sending = partial(_with_headers, send, asked.headers.get("host", ""))
        if entering is not None:
            await entering(scope, receive, sending)
        elif refusal is None:
            await self.app(scope, receive, sending)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refused(asked, refusal)(scope, receive, sending)


def _refused(asked: HTTPConnection, refusal: str) -> Response:
    """Return the refusal; who came by a link from elsewhere has a cookie that was not sent."""
    if refusal != NO_COOKIE or asked.scope["method"] != "GET":
        return PlainTextResponse(refusal + "\n", status_code=403)
    here = html.escape(asked.url.path + (f"?{asked.url.query}" if asked.url.query else ""))
    return HTMLResponse(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Lab closed</title>'
        f"</head><body><main><h1>Lab closed</h1><p>{html.escape(refusal)}</p><p>Did you come by a "
        f'link, and the lab is open in this browser? <a href="{here}">Then go on here.</a></p>'
        "</main></body></html>",
        status_code=403,
    )


async def _with_headers(send: Send, host: str, message: Message) -> None:
    if message["type"] == "http.response.start":
        headers = MutableHeaders(scope=message)
        for name, value in safety(host).items():
            headers[name] = value
    await send(message)


def safety(host: str) -> dict[str, str]:
    """Return the headers of everything that goes out: nothing from outside, nothing kept."""
    socket_here = f" ws://{host}" if host else ""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
        f"connect-src 'self'{socket_here}; img-src 'self' data: blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _only_reads(asked: HTTPConnection) -> bool:
    return asked.scope["type"] == "http" and asked.scope["method"] in SAFE


def _is_number(name: str) -> bool:
    """Tell an address in numbers, which nobody else can make point here."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
