"""The server: the page, its module, one websocket and one way up for files.

Every route stands behind the gate (`gate`); `sessions` keeps the trainings, which know nothing of
the wire; what goes out waits in `outgoing`, what comes in keeps to a `pace`.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from descend.errors import InputError
from descend.lab.gate import Guard
from descend.lab.outgoing import Outgoing
from descend.lab.pace import Pace
from descend.lab.scripts import HOST, MODULE, shipped
from descend.lab.sessions import new_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from descend.lab.gate import Gate
    from descend.lab.sessions import SessionLike, Sessions

LONGEST_MESSAGE, LARGEST_UPLOAD = 64 * 1024, 64 * 2**20
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
TEND_EVERY = 1.0
DONE, TOO_FAST, TOO_MUCH = 1000, 1008, 1013  # why a connection ends
GOODBYE = 2.0  # seconds to tell someone that it is over, who may not be listening
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="modulepreload" href="/lab.js">
<title>descend lab</title>
</head>
<body>
<div id="lab"><noscript>The lab needs JavaScript.</noscript></div>
<script type="module" src="/host.js"></script>
</body>
</html>
"""


def application(
    sessions: Sessions,
    gate: Gate,
    accept: Callable[[str, bytes], Any],
    *,
    module: Callable[[], str] | None = None,
) -> Starlette:
    """Return the server's application.

    Parameters
    ----------
    sessions
        Where trainings are kept; closed when the server ends.
    gate
        Who may come in.
    accept
        Makes a table of a name and bytes, or raises InputError.
    module
        The page's module; default the built one that is shipped.
    """
    script = module or (lambda: shipped(MODULE))
    routes = [
        Route("/", _door),
        Route(f"/{MODULE}", _script(script)),
        Route(f"/{HOST}", _script(lambda: shipped(HOST))),
        Route("/s/{name}", _page),
        Route("/s/{name}/upload", _upload, methods=["POST"]),
        WebSocketRoute("/s/{name}/socket", _socket),
    ]
    guard = Middleware(Guard, gate=gate)
    app = Starlette(routes=routes, middleware=[guard], lifespan=_lifespan)
    app.state.sessions, app.state.accept = sessions, accept
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    tending = asyncio.create_task(_tend(app.state.sessions))
    yield
    tending.cancel()
    await run_in_threadpool(app.state.sessions.close)


async def _tend(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(TEND_EVERY)
        await run_in_threadpool(sessions.tend)


# ---------------------------------------------------------------- pages


async def _door(request: Request) -> Response:
    query = request.url.query
    return RedirectResponse(f"/s/{new_name()}" + (f"?{query}" if query else ""), status_code=303)


async def _page(request: Request) -> Response:
    if NAME.fullmatch(request.path_params["name"]) is None:
        return Response("There is no such lab.\n", status_code=404, media_type="text/plain")
    return HTMLResponse(PAGE)


def _script(text: Callable[[], str]) -> Callable[[Request], Awaitable[Response]]:
    async def script(_: Request) -> Response:
        return Response(text(), media_type="text/javascript")

    return script


async def _upload(request: Request) -> Response:
    """Take a file that was dropped on the page; what is wrong with it is said to the page."""
    name = request.query_params.get("name", "")[:200]
    try:
        session = await _session(request)
        data = await _body(request, LARGEST_UPLOAD)
        opened = await run_in_threadpool(request.app.state.accept, name, data)
        session.open(opened)
    except InputError as error:
        return JSONResponse(_said(str(error)), status_code=422)
    return JSONResponse({"kind": "opened", "name": name})


async def _session(request: Request) -> SessionLike:
    name = request.path_params["name"]
    _check(name)
    found: SessionLike = await run_in_threadpool(request.app.state.sessions.find, name)
    return found


def _check(name: str) -> None:
    if NAME.fullmatch(name) is None:
        msg = "There is no lab of that name; open a new one."
        raise InputError(msg)


async def _body(request: Request, limit: int) -> bytes:
    """Return what is sent up; more than the limit is not even read."""
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > limit:
            msg = (
                f"The file is larger than the {limit // 2**20} MB that the page takes; start the "
                "lab on it instead: descend lab FILE --target COLUMN."
            )
            raise InputError(msg)
    return bytes(read)


# ---------------------------------------------------------------- the websocket


async def _socket(socket: WebSocket) -> None:
    name = socket.path_params["name"]
    await socket.accept()
    outgoing = Outgoing(asyncio.get_running_loop())
    try:
        _check(name)
        attach = socket.app.state.sessions.attach
        session, leave = await run_in_threadpool(attach, name, outgoing.offer)
    except InputError as error:
        outgoing.offer(_said(str(error)))
        await socket.send_bytes(await outgoing.take())
        await socket.close(TOO_MUCH)
        return
    try:
        await _talk(socket, session, outgoing)
    finally:
        outgoing.close()
        await run_in_threadpool(leave)


async def _talk(socket: WebSocket, session: SessionLike, outgoing: Outgoing) -> None:
    """Speak and hear until either ends, or more waits than may."""
    hearing = asyncio.create_task(_hear(socket, session, outgoing))
    speaking = asyncio.create_task(_speak(socket, outgoing))
    full = asyncio.create_task(outgoing.too_much())
    tasks = {hearing, speaking, full}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    code = hearing.result() if not hearing.cancelled() else TOO_MUCH
    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # it may be gone already
        await asyncio.wait_for(socket.close(code), GOODBYE)


async def _speak(socket: WebSocket, outgoing: Outgoing) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # who has gone hears nothing
        while True:
            await socket.send_bytes(await outgoing.take())


async def _hear(socket: WebSocket, session: SessionLike, outgoing: Outgoing) -> int:
    """Hand on what is said; return the code to close with."""
    pace = Pace()
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            return DONE
        if not pace.allows():
            if pace.refused == 1:
                outgoing.offer(_said("These are more messages than the lab can take; slow down."))
            if pace.exhausted:
                return TOO_FAST
            continue
        try:
            session.receive(read(event.get("text")), outgoing.offer)
        except InputError as error:
            outgoing.offer(_said(str(error)))


def read(text: str | None) -> Any:
    """Return the JSON of one message.

    >>> read('{"kind": "hello"}')
    {'kind': 'hello'}

    Raises
    ------
    InputError
        If it is too long, or not JSON.
    """
    if text is None or len(text) > LONGEST_MESSAGE:
        msg = f"A message to the lab is JSON of at most {LONGEST_MESSAGE // 1024} kB."
        raise InputError(msg)
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        msg = "A message to the lab was not JSON."
        raise InputError(msg) from error


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _said(sentence: str) -> dict[str, Any]:
    return {"kind": "said", "severity": "error", "sentence": sentence}
