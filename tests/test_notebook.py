"""In notebooks a run shows itself: in Jupyter and marimo, with and without the extra."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

import descend as ds
from descend import notebook
from descend.page import module, pack
from descend.run import Run

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
TRAINED = """
import descend as ds
task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 2.9, 5.0], epochs=30, engine="numpy")
"""


@pytest.fixture(scope="module")
def run():
    names = {}
    exec(TRAINED, names)  # noqa: S102 - the same lines that the notebooks have
    return names["run"]


@pytest.fixture
def without_anywidget(monkeypatch):
    monkeypatch.setattr(notebook, "find_spec", lambda name: None)


def test_a_run_is_a_widget_that_holds_its_page(run):
    found, _ = run._repr_mimebundle_()
    assert found["text/plain"] == str(run)
    assert "model_id" in found[WIDGET]
    shown = notebook.display(run)
    payload = pack(run)
    assert shown.page == payload.page
    assert shown.data == payload.data
    state = shown.get_state()
    assert state["_esm"] == module()
    assert {"page", "data"} <= set(state)


def test_without_the_extra_it_is_a_picture(run, without_anywidget):
    found, _ = run._repr_mimebundle_()
    assert set(found) == {"text/plain", "image/png"}
    assert found["image/png"].startswith(b"\x89PNG\r\n")
    assert notebook.display(run).axes


def test_without_a_history_it_is_text(without_anywidget):
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=2, record=False, engine="numpy")
    assert run._repr_mimebundle_() == ({"text/plain": str(run)}, {})
    assert notebook.display(run) == str(run)


def test_types_are_chosen(run, without_anywidget):
    assert set(run._repr_mimebundle_(include={"text/plain"})[0]) == {"text/plain"}
    assert set(run._repr_mimebundle_(exclude={"image/png"})[0]) == {"text/plain"}


def test_a_terminal_gets_text_alone(run, monkeypatch):
    terminal = SimpleNamespace(get_ipython=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert set(run._repr_mimebundle_()[0]) == {"text/plain"}
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert WIDGET in run._repr_mimebundle_()[0]


def test_jupyter_shows_it(tmp_path):
    cells = [TRAINED + "run", "print(run)", "print(repr(run)[:4])"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    shown, printed, represented = (cell.outputs for cell in book.cells)
    (output,) = shown
    assert output.output_type == "execute_result"
    model = output.data[WIDGET]["model_id"]
    assert output.data["text/plain"].startswith("linear + squared_error")
    held = book.metadata.widgets[STATE]["state"][model]
    assert held["state"]["page"]["task"] == "linear + squared_error + gradient_descent(0.1)"
    assert held["state"]["_esm"] == module()
    assert held["buffers"][0]["path"] == ["data"]
    assert printed[0].text.endswith("Stopped after all 30 epochs (30 updates); loss 0.0035402.\n")
    assert represented[0].text == "Run(\n"


def test_marimo_finds_its_methods():
    # marimo looks for methods on the class: what `__getattr__` makes up is not there for it.
    for name in ("_repr_mimebundle_", "_display_"):
        assert callable(inspect.getattr_static(Run, name, None)), f"Run needs a method {name}"


def test_marimo_shows_it():
    script = TRAINED + "import marimo\nprint(marimo.as_html(run).text)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert "<marimo-anywidget" in found.stdout
