"""Serving: a socket, a token, the browser, and Ctrl-C.

The address is printed as soon as the socket listens, before the server is loaded: a browser that
comes early waits in its queue.
"""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn import Server

    from descend.lab.sessions import Patience, SessionLike

LOOPBACK = ("127.0.0.1", "localhost")
LARGEST_FRAME = 2**20
# A training thread hands the interpreter over this often, in seconds; the default is 0.005.
SWITCH = 0.001


def serve(  # noqa: PLR0913 - as many as the command has
    opened: Any = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
    address: str = "",
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the lab until Ctrl-C.

    Parameters
    ----------
    opened
        A table or a run to begin with; default toy data.
    host, port
        Where to listen; port 0 takes a free one.
    browser
        Whether to open a browser on it.
    address
        Settings as an address has them, such as "data=spiral&hidden=8,8".
    ready
        Called with the address to open, token included, as soon as it answers.

    Raises
    ------
    InputError
        If the port is taken or the host is not this machine's.
    """
    listener = listening(host, port)
    token = secrets.token_urlsafe(24)
    url = opening(host, listener.getsockname()[1], token, merged(opened, address))
    with suppress(KeyboardInterrupt):
        ready(url)
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        sys.setswitchinterval(SWITCH)
        server_for(listener, host, token, opened=opened).run([listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _bound(socket.socket(family, kind, protocol), where)
    except (OSError, OverflowError) as error:
        msg = (
            f"The lab cannot listen on port {port} of {host} ({error}); name another with --port, "
            "or --port 0 for any that is free."
        )
        raise InputError(msg) from error


def _bound(found: socket.socket, where: Any) -> socket.socket:
    try:
        if sys.platform != "win32":  # there it would share the port with whoever has it
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(where)
        found.listen(128)
    except BaseException:
        found.close()
        raise
    return found


def opening(host: str, port: int, token: str, address: str = "") -> str:
    """Return the address to open.

    >>> opening("127.0.0.1", 8765, "abc", "data=spiral")
    'http://127.0.0.1:8765/?token=abc&data=spiral'
    """
    name = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 - not bound
    shown = f"[{name}]" if ":" in name else name
    rest = f"&{address.lstrip('?')}" if address else ""
    return f"http://{shown}:{port}/?{urlencode({'token': token})}{rest}"


def merged(opened: Any, address: str) -> str:
    """Return an address whose settings are those of what was opened, but for what it says."""
    if opened is None or not address:
        return address
    return urlencode({**dict(parse_qsl(opened.address())), **dict(parse_qsl(address.lstrip("?")))})


def server_for(  # noqa: PLR0913 - as above
    listener: socket.socket,
    host: str,
    token: str,
    *,
    opened: Any = None,
    make: Callable[[], SessionLike] | None = None,
    accept: Callable[[str, bytes], Any] | None = None,
    patience: Patience | None = None,
    module: Callable[[], str] | None = None,
) -> Server:
    """Return a server for a socket that listens; the last three are for tests and their doubles."""
    import uvicorn  # noqa: PLC0415 - slow to import

    from descend.lab.gate import Gate  # noqa: PLC0415 - as are its frameworks
    from descend.lab.server import application  # noqa: PLC0415
    from descend.lab.sessions import Sessions  # noqa: PLC0415

    if make is None:
        threading.Thread(target=_warm, daemon=True).start()
    sessions = Sessions(make or (lambda: _made(opened)), patience)
    gate = Gate(host, listener.getsockname()[1], token)
    app = application(sessions, gate, accept or _accept, module=module)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def _warm() -> None:
    """Import what the first session needs, while the server is loaded and the browser asks."""
    import descend.lab.session  # noqa: PLC0415, F401


def _made(opened: Any) -> SessionLike:
    from descend.lab.session import Session  # noqa: PLC0415 - slow to import

    return Session(opened=opened)


def _accept(name: str, data: bytes) -> Any:
    from descend.lab.uploads import accept  # noqa: PLC0415 - slow to import

    return accept(name, data)
