"""The lab in notebooks: the same session, behind a widget."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from tests import browser
from tests.labs import free_port, wait_until_answered

import descend as ds
from descend.errors import InputError, UnavailableError
from descend.lab.comm import Comm
from descend.lab.given import given
from descend.lab.session import Session
from descend.notebook import Lab

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


class Widget:
    """What a page and its comm are to a session."""

    def __init__(self):
        self.told, self.hear, self.closed = [], None, False

    def on_msg(self, hear):
        self.hear = hear

    def send(self, content, buffers):
        self.told.append((content, buffers))

    def close(self):
        self.closed = True

    def say(self, kind, *buffers, **facts):
        self.hear(self, {"kind": kind, **facts}, list(buffers))

    def wait(self, kind, count=1):
        end = time.monotonic() + 30
        while sum(told["kind"] == kind for told, _ in self.told) < count:
            assert time.monotonic() < end, [told["kind"] for told, _ in self.told]
            time.sleep(0.005)
        return [(told, buffers) for told, buffers in self.told if told["kind"] == kind][-1]


@contextmanager
def shown(*data, gone=180.0, **settings):
    """Show a lab in a widget of the tests."""
    opened, address = given(*data, **settings)
    session, widget = Session(opened=opened, address=address), Widget()
    comm = Comm(session, widget, gone=gone)
    try:
        yield widget, session
    finally:
        comm.close()
    assert widget.closed


def rows():
    X = np.random.default_rng(5).normal(size=(40, 2))
    return X, X @ [1.0, -2.0]


def test_it_trains_as_told_and_its_run_is_at_hand():
    with shown("circles", hidden=[3]) as (widget, session):
        widget.say("hello")
        page, (data,) = widget.wait("page")
        assert page["page"]["model"]["sizes"] == [2, 3, 1]
        assert len(data) > 0
        widget.say("advance", updates=7)
        frame, (theta,) = widget.wait("frames")
        run = session.run()
        assert (frame["steps"], run.state.step) == ([7], 7)
        np.testing.assert_array_equal(np.frombuffer(theta), run.at(7).theta)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (rows()[1], "linear + squared_error"),
        (np.where(rows()[1] > 0, "hot", "cold"), "linear + logistic"),
        (np.digitize(rows()[1], [-1, 1]), "linear + softmax"),
    ],
)
def test_rows_are_taken_as_they_are(y, task):
    with shown(rows()[0], y) as (widget, session):
        widget.say("hello")
        page, _ = widget.wait("page")
        assert page["page"]["task"].startswith(task)
        run = session.run()
        held = np.concatenate([run.data.X, run.data.validation[0]])
        assert {tuple(row) for row in held} == {tuple(row) for row in rows()[0]}


def test_a_run_and_a_table_are_taken(tmp_path):
    X, y = rows()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.25))
    run = ds.train(task, X, y, epochs=3, engine="numpy")
    with shown(run) as (widget, session):
        widget.say("hello")
        widget.wait("page")
        assert session.run().task.optimizer.learning_rate == 0.25
    table = tmp_path / "table.csv"
    table.write_text("a,price\n" + "".join(f"{i},{i * i}\n" for i in range(50)))
    with shown(str(table), target="a") as (widget, _):
        widget.say("hello")
        assert widget.wait("page")[0]["page"]["target"]["name"] == "a"


@pytest.mark.parametrize(
    ("data", "settings", "sentence"),
    [
        (("circle",), {}, "no file circle, .*did you mean 'circles'"),
        (("circles",), {"hiden": [3]}, "hidden"),
        (("circles",), {"hidden": [0]}, "hidden"),
    ],
)
def test_what_is_not_there_is_told(data, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        given(*data, **settings)


def test_a_file_can_be_dropped_and_is_removed_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with shown() as (widget, _):
        widget.say("hello")
        widget.wait("page")
        widget.say("upload", b"a,b\n" + b"1,2\n2,3\n3,4\n4,6\n" * 20, name="mine.csv")
        assert widget.wait("page", 2)[0]["page"]["target"]["name"] == "b"
        widget.say("upload", b"MZ", name="mine.exe")
        assert "mine.exe" in widget.wait("said")[0]["sentence"]
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_training_pauses_where_no_page_is_left():
    with shown(gone=0.5) as (widget, session):
        widget.say("hello")
        widget.wait("page")
        widget.say("play", on=True)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:  # as long as a page says that it is there
            widget.say("here")
            time.sleep(0.02)
        assert session.playing
        end = time.monotonic() + 30
        while session.playing:
            assert time.monotonic() < end
            time.sleep(0.02)


class Still:
    """A session that says what the test says."""

    playing = False

    def attach(self, send):
        self.send = send
        return lambda: None

    def close(self):
        self.send = None


def test_frames_may_be_left_out_and_nothing_else():
    session, widget = Still(), Widget()
    comm = Comm(session, widget)
    frames = {"kind": "frames", "dispensable": True}
    assert [session.send(frames, []) for _ in range(5)].count(False) >= 3
    assert all(session.send({"kind": "state"}, []) for _ in range(5))
    assert [told["kind"] for told, _ in widget.told].count("state") == 5
    time.sleep(1 / 30)
    assert session.send(frames, [])
    comm.close()


def test_pausing_sends_the_state_that_training_came_to():
    with shown() as (widget, session):
        widget.say("hello")
        widget.wait("page")
        widget.say("speed", updates_per_second=None)
        widget.say("play", on=True)
        widget.wait("frames", 3)
        widget.say("play", on=False)
        while session.playing:
            time.sleep(0.005)
        step = session.run().state.step
        assert widget.wait("frames")[0]["steps"] == [step]


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    from descend import notebook

    notebook._lab_class.cache_clear()
    with pytest.raises(UnavailableError, match=r"pip install 'descend\[notebook\]'"):
        Lab()


# What a page would say, and then that training goes on while the kernel does other things.
SAID = """
for message in ({"kind": "hello"}, {"kind": "play", "on": True}):
    lab.widget._handle_custom_msg(message, [])
"""
SEEN = """
import time
seen = [lab.run.state.step]
while len(seen) < 4:
    step = lab.run.state.step
    seen += [step] if step > seen[-1] else []
    time.sleep(0.01)
sorted(seen) == seen
"""


def test_jupyter_shows_it_and_the_kernel_stays_free(tmp_path):
    shown = "from descend.notebook import Lab\nlab = Lab(hidden=[3])\nlab"
    cells = [nbformat.v4.new_code_cell(cell) for cell in (shown, SAID, SEEN, "lab.close()")]
    book = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    assert WIDGET in book.cells[0].outputs[0].data
    assert book.cells[2].outputs[0].data["text/plain"] == "True"
    states = [entry["state"] for entry in book.metadata.widgets[STATE]["state"].values()]
    (held,) = [state for state in states if "_esm" in state]
    assert "descendLab" in held["_esm"]


APP = """
import marimo
app = marimo.App()

@app.cell
def _():
    from descend.notebook import Lab
    lab = Lab("circles", hidden=[3])
    lab
    return (lab,)
"""
FRAMES = """() => {
  const within = (root) => [...root.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean);
  const found = (root) => root.querySelector('.lab') ?? within(root).map(found).find(Boolean);
  return Number(found(document).dataset.frames);
}"""


@pytest.mark.slow
def test_marimo_plays_it(chromium, tmp_path):
    port = free_port()
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "marimo", "-q", "run", "app.py", "--headless", "--no-token"]
    process = subprocess.Popen(
        [*command, "--no-sandbox", "--host", "127.0.0.1", "-p", str(port)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
    )
    page, complaints = chromium.new_page(), []
    try:
        here = f"http://127.0.0.1:{port}/"
        browser.watched(page, complaints, (*browser.ALLOWED, here))
        wait_until_answered(port)
        page.goto(here)
        page.locator(".lab[data-ready=yes]").wait_for()
        page.get_by_role("button", name="Play").click()
        page.wait_for_function(f"() => ({FRAMES})() > 20")
    finally:
        page.close()
        process.terminate()
        process.wait(20)
    assert not complaints, complaints
