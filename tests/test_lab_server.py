"""The lab's server: who may come in, what passes, and what happens where nobody looks."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import pytest
from starlette.routing import WebSocketRoute
from tests import labs
from tests.test_imports import heavy, loaded_by
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from descend.errors import InputError
from descend.lab.gate import Gate
from descend.lab.outgoing import MOST_BYTES, MOST_FRAMES, Outgoing
from descend.lab.sessions import Patience, Sessions

# A page that shows every word it is told, and says what is typed into its field.
MODULE = """
export default { render({ model, el }) {
  const said = document.createElement("ol"), field = document.createElement("input");
  field.setAttribute("aria-label", "words");
  el.append(field, said);
  model.on("msg:custom", (content, buffers) => {
    const line = document.createElement("li");
    line.textContent = JSON.stringify([content.kind, content.open ?? content.text ?? null,
      buffers.map((b) => b.byteLength === 8 ? b.getFloat64(0, true) : b.byteLength)]);
    said.append(line);
    if (content.open) model.send({ kind: "hello" });
  });
  field.addEventListener("change", () => model.send({ kind: "hello", address: field.value }));
  model.send({ kind: "hello" });
} };
"""


def in_a_loop(task):
    """Run a task in an event loop of its own; a browser's may be running in this thread."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(lambda: asyncio.run(task())).result()


@dataclass
class Echo:
    """A session that says what it hears."""

    heard: list[Any] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)
    listeners: list[Any] = field(default_factory=list)
    idle_since: float | None = field(default_factory=time.monotonic)
    paused: int = 0
    closed: bool = False

    def attach(self, send):
        self.listeners.append(send)
        self.idle_since = None

        def leave():
            self.listeners.remove(send)
            self.idle_since = None if self.listeners else time.monotonic()

        return leave

    def receive(self, message, send=None):  # noqa: ARG002 - to all, here
        self.heard.append(message)
        buffers = [b"123", struct.pack("<d", 0.5 + len(self.heard))]
        for tell in self.listeners:
            tell({"kind": "heard", "text": message.get("address", "")}, buffers)

    def open(self, opened):
        self.opened.append(opened)

    def pause(self):
        self.paused += 1

    def close(self):
        self.closed = True


def accept(name, data):
    if not name.endswith(".csv"):
        msg = f"The file {name} is no table."
        raise InputError(msg)
    return name, data


@pytest.fixture(scope="module")
def echo_lab():
    with labs.running_lab(make=Echo, accept=accept, module=lambda: MODULE) as running:
        yield running


@pytest.fixture
def app(echo_lab):
    return echo_lab.server.config.app


@dataclass
class Asker:
    """Asks a running lab as a browser would, or as one would who means harm."""

    port: int
    cookie: str = ""

    def headers(self, **changed):
        """Return what our own page sends, but for what is changed; PORT stands for ours."""
        ours = {"host": "127.0.0.1:PORT", "origin": "http://127.0.0.1:PORT", "cookie": self.cookie}
        told = {k: v for k, v in {**ours, **changed}.items() if v is not None}
        return {k: v.replace("PORT", str(self.port)) for k, v in told.items()}

    def ask(self, path, method="GET", body=None, **changed):
        """Return status, headers and text."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_host=True)
        for name, value in self.headers(**changed).items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body or b"")))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def socket(self, path, **changed):
        """Return a websocket that is open."""
        sent = self.headers(**changed)
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={k: v for k, v in sent.items() if k not in {"host", "origin"}},
            origin=sent.get("origin"),
            compression=None,
            max_size=None,
            max_queue=1,
            open_timeout=10,
        )

    def status(self, path, method, **changed):
        """Return the status of an answer, a websocket's too."""
        if method != "SOCKET":
            return self.ask(path, method, **changed)[0]
        try:
            with self.socket(path, **changed):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code


@pytest.fixture(scope="module")
def asker(echo_lab):
    asker = Asker(int(echo_lab.origin.rpartition(":")[2]))
    _, headers, _ = asker.ask(f"/?token={labs.TOKEN}", cookie=None)
    asker.cookie = headers["set-cookie"].split(";")[0]
    return asker


def doors(app):
    """Return every route, filled in, with each of its methods; and one that is not there."""
    for route in app.routes:
        path = route.path.replace("{name}", "abc")
        methods = ("SOCKET",) if isinstance(route, WebSocketRoute) else sorted(route.methods)
        yield from ((path, method) for method in methods)
    yield "/nowhere", "GET"
    yield "/nowhere", "SOCKET"


WRONG = {
    "no cookie": {"cookie": None},
    "another cookie": {"cookie": "descend-lab-PORT=pie"},
    "the cookie of another port": {"cookie": "descend-lab-1=pie"},
    "another name": {"host": "example.org:PORT", "origin": "http://example.org:PORT"},
    "another port": {"host": "127.0.0.1:80", "origin": "http://127.0.0.1:80"},
    "no port": {"host": "127.0.0.1", "origin": "http://127.0.0.1"},
    "no name": {"host": None, "origin": None},
    "a page from elsewhere": {"origin": "http://example.org"},
    "a page of another port": {"origin": "http://127.0.0.1:80"},
    "a page with no origin to name": {"origin": "null"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_every_route_is_closed(app, asker, wrong):
    found = list(doors(app))
    assert {"/", "/s/abc", "/s/abc/socket", "/s/abc/upload"} <= {path for path, _ in found}
    for path, method in found:
        if method == "SOCKET" and "host" in WRONG[wrong]:
            continue  # the client writes its own; `test_a_socket_is_closed_to_other_names`
        refused = {400, 403} if wrong == "no name" else {403}  # HTTP itself asks for a Host
        assert asker.status(path, method, **WRONG[wrong]) in refused, (path, method)


def test_a_socket_is_closed_to_other_names(asker):
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    key = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for path in ("/s/abc/socket", "/nowhere"):
        asked = asker.ask(path, **upgrade, **key, **WRONG["another name"])
        assert asked[0] == 403


def test_every_route_opens_with_all_three(app, asker):
    for path, method in doors(app):
        if path != "/nowhere":
            assert asker.status(path, method) in {101, 200, 303, 422}, (path, method)
    assert asker.status("/nowhere", "GET") == 404


def test_what_changes_something_says_where_it_comes_from(asker):
    assert asker.status("/s/abc/upload?name=a.csv", "POST", origin=None) == 403
    assert asker.status("/s/abc/socket", "SOCKET", origin=None) == 403
    assert asker.status("/s/abc", "GET", origin=None) == 200


def test_the_token_is_exchanged_for_a_cookie(asker):
    status, headers, _ = asker.ask(f"/?token={labs.TOKEN}&data=spiral", cookie=None, origin=None)
    assert (status, headers["location"]) == (303, "/?data=spiral")
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"descend-lab-{asker.port}=")
    assert cookie.endswith("; HttpOnly; Path=/; SameSite=strict")
    assert labs.TOKEN not in cookie
    for path in ("/?token=wrong", "/?token=", "/?token=%C3%A4", f"/s/abc?token={labs.TOKEN}"):
        assert asker.status(path, "GET", cookie=None) == 403
    for wrong in ("another name", "a page from elsewhere"):
        assert asker.status(f"/?token={labs.TOKEN}", "GET", **WRONG[wrong]) == 403


def test_a_link_from_elsewhere_can_be_followed_by_hand(asker):
    status, _, text = asker.ask('/?data=<b>"', cookie=None)
    assert status == 403
    (link,) = re.findall(r'href="([^"]*)"', text)
    assert "<b>" not in text
    assert link.startswith("/?data=")


def test_every_answer_is_careful(asker):
    for path in ("/s/abc", "/nowhere", "/host.js"):
        _, headers, _ = asker.ask(path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "name", "answers"),
    [
        ("127.0.0.1", "localhost:8765", True),
        ("::1", "[::1]:8765", True),
        ("0.0.0.0", "192.168.1.7:8765", True),  # noqa: S104
        ("0.0.0.0", "rebound.example.org:8765", False),  # noqa: S104
        ("lab.example.org", "lab.example.org:8765", True),
        ("127.0.0.1", "192.168.1.7:8765", False),
        ("127.0.0.1", "", False),
    ],
)
def test_names_it_answers_to(host, name, answers):
    assert Gate(host, 8765).answers_to(name) is answers


def test_the_door_makes_a_session_with_the_settings(asker):
    first, second = (asker.ask("/?data=spiral&hidden=8")[1]["location"] for _ in range(2))
    assert first.startswith("/s/")
    assert first.endswith("?data=spiral&hidden=8")
    assert first != second
    assert asker.status("/s/a.b", "GET") == 404


# ---------------------------------------------------------------- messages


def told(socket):
    data = socket.recv(timeout=10)
    (length,) = struct.unpack_from("<I", data)
    assert (4 + length) % 8 == 0
    return json.loads(data[4 : 4 + length])


def test_messages_go_both_ways(asker, app):
    with asker.socket("/s/both/socket") as socket:
        socket.send('{"kind": "hello", "address": "data=xor"}')
        assert told(socket) == {"kind": "heard", "text": "data=xor", "buffers": [3, 8]}
    assert app.state.sessions.find("both").heard == [{"kind": "hello", "address": "data=xor"}]


@pytest.mark.parametrize(
    "text", ["nonsense", '{"kind": NaN}', "[" * 30_000, f'"{"x" * 70_000}"', "1" * 5000, b"{}"]
)
def test_what_is_no_message_is_told(asker, text):
    with asker.socket("/s/abc/socket") as socket:
        socket.send(text)
        said = told(socket)
        assert (said["kind"], said["severity"]) == ("said", "error")
        assert said["sentence"].startswith("A message to the lab")
        socket.send('{"kind": "hello"}')
        assert told(socket)["kind"] == "heard"


def test_too_many_messages_are_left_out_and_then_end_the_connection(asker, app):
    def talk(socket):
        for _ in range(2000):
            socket.send('{"kind": "hello"}')
        while True:
            kinds.append(told(socket)["kind"])

    kinds = []
    with asker.socket("/s/fast/socket") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            talk(socket)
        assert closed.value.rcvd.code == 1008
    assert 400 <= len(app.state.sessions.find("fast").heard) < 1600


def test_a_file_goes_up(asker, app):
    status, _, text = asker.ask("/s/up/upload?name=a.csv", "POST", b"x,y\n1,2\n")
    assert (status, json.loads(text)["kind"]) == (200, "opened")
    assert app.state.sessions.find("up").opened == [("a.csv", b"x,y\n1,2\n")]
    status, _, text = asker.ask("/s/up/upload?name=a.exe", "POST", b"MZ")
    assert (status, json.loads(text)["sentence"]) == (422, "The file a.exe is no table.")


def test_a_file_that_is_too_large_is_refused(asker, app, monkeypatch):
    monkeypatch.setattr("descend.lab.server.LARGEST_UPLOAD", 2**20)
    status, _, text = asker.ask("/s/large/upload?name=a.csv", "POST", bytes(2**20 + 1))
    assert status == 422
    assert "larger than the 1 MB" in json.loads(text)["sentence"]
    assert app.state.sessions.find("large").opened == []
    assert asker.status("/s/large/upload?name=a.csv", "POST", body=bytes(2**20)) == 200


# ---------------------------------------------------------------- what waits


def frames(number):
    return {"kind": "frames", "steps": [number], "dispensable": True}


def header(message):
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length])


def test_frames_are_dropped_where_a_page_cannot_keep_up_and_nothing_else():
    async def session():
        queue = Outgoing(asyncio.get_running_loop())
        went = [queue.offer(frames(number), [bytes(80)]) for number in range(10)]
        assert went == [True] * MOST_FRAMES + [False] * (10 - MOST_FRAMES)
        assert all(queue.offer({"kind": "state", "steps": [number]}) for number in range(10))
        return [header(await queue.take()) for _ in range(MOST_FRAMES + 10)]

    heads = in_a_loop(session)
    assert [head["kind"] for head in heads] == ["frames"] * MOST_FRAMES + ["state"] * 10
    assert [head["steps"][0] for head in heads] == [*range(MOST_FRAMES), *range(10)]


def test_frames_go_on_once_some_were_taken():
    async def session():
        queue = Outgoing(asyncio.get_running_loop())
        assert [queue.offer(frames(n)) for n in range(MOST_FRAMES + 1)].count(False) == 1
        await queue.take()
        assert queue.offer(frames(7))
        assert not queue.offer(frames(8))

    in_a_loop(session)


def test_no_more_may_wait_than_that():
    async def session():
        queue = Outgoing(asyncio.get_running_loop())
        big = bytes(MOST_BYTES // 4)
        went = [queue.offer({"kind": "page"}, [big]) for _ in range(6)]
        await asyncio.wait_for(queue.too_much(), 5)
        assert went == [True] * 3 + [False] * 3
        assert not queue.offer({"kind": "state"})

    in_a_loop(session)


def test_other_threads_wake_who_waits():
    async def session():
        queue = Outgoing(asyncio.get_running_loop())
        found = []
        with ThreadPoolExecutor(1) as pool:
            for number in range(200):
                done = pool.submit(queue.offer, {"kind": "state", "number": number})
                found.append(header(await asyncio.wait_for(queue.take(), 5))["number"])
                done.result()
        assert found == list(range(200))

    in_a_loop(session)


def test_a_page_that_does_not_read_is_sent_away(asker, app, monkeypatch):
    monkeypatch.setattr("descend.lab.outgoing.MOST_BYTES", 2**22)
    session = app.state.sessions.find("slow")
    big = bytes(2**20)
    with asker.socket("/s/slow/socket") as socket:
        labs.wait_for(lambda: session.listeners)
        (send,) = session.listeners
        went = [send({"kind": "page"}, [big]) for _ in range(40)]
        with pytest.raises(ConnectionClosed) as closed:  # who reads again is told why
            listen(socket)
        labs.wait_for(lambda: not session.listeners)
    assert False in went
    assert closed.value.rcvd.code == 1013


def test_a_page_that_never_reads_is_sent_away(asker, app, monkeypatch):
    monkeypatch.setattr("descend.lab.outgoing.MOST_BYTES", 2**22)
    session = app.state.sessions.find("deaf")
    with asker.socket("/s/deaf/socket"):
        labs.wait_for(lambda: session.listeners)
        (send,) = session.listeners
        while send({"kind": "page"}, [bytes(2**20)]):
            pass
        labs.wait_for(lambda: not session.listeners)


def listen(socket):
    while True:
        socket.recv(timeout=10)


# ---------------------------------------------------------------- sessions


def test_nobody_looks():
    sessions = Sessions(Echo, Patience(pause=10, close=100))
    seen, left, gone = (sessions.find(name) for name in ("seen", "left", "gone"))
    sessions.attach("seen", lambda *_: True)
    left.idle_since -= 20
    gone.idle_since -= 200
    sessions.tend()
    sessions.tend()
    assert (seen.paused, left.paused, gone.paused) == (0, 1, 0)
    assert (seen.closed, left.closed, gone.closed) == (False, False, True)
    assert sessions.find("left") is left
    assert sessions.find("gone") is not gone
    _, leave = sessions.attach("left", lambda *_: True)
    sessions.tend()
    leave()
    left.idle_since -= 20
    sessions.tend()
    assert left.paused == 2


def test_there_is_room_for_so_many():
    sessions = Sessions(Echo, Patience(sessions=2))
    first, second = sessions.find("first"), sessions.find("second")
    first.idle_since -= 5
    sessions.find("third")
    assert (first.closed, second.closed) == (True, False)
    for name in ("second", "third"):
        sessions.attach(name, lambda *_: True)
    with pytest.raises(InputError, match="2 labs are open here"):
        sessions.find("fourth")


# ---------------------------------------------------------------- the command

COMMAND = [sys.executable, "-c", "from descend.cli import main; main()", "lab", "--no-browser"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_one_line_and_serves_until_it_is_told(ending):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--address", "data=xor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"Lab: http://127\.0\.0\.1:(\d+)(/\?token=[\w-]+&data=xor)\n", line)
        assert found, line
        asker = Asker(int(found[1]))
        status, headers, _ = asker.ask(found[2], cookie=None, origin=None)
        assert (status, headers["location"]) == (303, "/?data=xor")
        process.send_signal(ending)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, "The lab is closed.\n", "")


def test_the_first_picture_waits_for_nothing_slow():
    loaded = loaded_by("import descend.cli.lab, descend.lab.server, descend.lab.session")
    assert "descend.lab.leading" in loaded
    assert heavy(loaded) == {"starlette"}


def test_a_port_that_is_taken(descend):
    with socket.socket() as taken_by_us:
        taken_by_us.bind(("127.0.0.1", 0))
        taken_by_us.listen()
        port = taken_by_us.getsockname()[1]
        status, out, err = descend("lab", "--no-browser", "--port", port)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: The lab cannot listen on port {port} of 127.0.0.1 (")
    assert err.count("\n") == 1


def test_other_hosts_are_warned_of(descend):
    status, _, err = descend("lab", "--no-browser", "--host", "192.0.2.1")
    assert status == 2
    assert err.startswith("warning: --host 192.0.2.1 opens the lab, its data and its training")


# ---------------------------------------------------------------- in a browser


@pytest.fixture
def open_echo(chromium, echo_lab):
    visitor = labs.Visitor(chromium, echo_lab)
    yield visitor
    visitor.close()


def test_the_host_brings_words_and_bytes(open_echo):
    page = open_echo("data=xor")
    page.get_by_text('["heard","data=xor",[3,1.5').wait_for()
    page.get_by_label("words").fill("hello")
    page.get_by_label("words").press("Enter")
    page.get_by_text('["heard","hello",[3,2.5').wait_for()
    assert "token" not in page.url


def test_a_cut_line_is_mended_and_finds_its_session(open_echo, echo_lab):
    page = open_echo("data=xor")
    page.get_by_text("[3,1.5").wait_for()
    page.locator("#lab").evaluate("el => el.cutLine()")
    page.get_by_text('["connection",false,[]]').wait_for()
    page.get_by_label("words").fill("meanwhile")
    page.get_by_label("words").press("Enter")
    page.get_by_text('["connection",true,[]]').wait_for()
    page.get_by_text('["heard","meanwhile",[3,3.5').wait_for()
    page.reload()
    page.get_by_text('["heard","data=xor",[3,4.5').wait_for()
