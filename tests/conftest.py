"""What holds for every test: strict JAX, repeatable hypothesis, and which descend is tested."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Read by JAX when a test first imports it: silent promotion to another dtype is an error.
os.environ.setdefault("JAX_NUMPY_DTYPE_PROMOTION", "strict")

# No timed assertions; and a gate must not fail today and pass tomorrow.
settings.register_profile("here", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True)
settings.load_profile("gate" if os.environ.get("CI") else "here")


def pytest_report_header() -> str:
    found = importlib.util.find_spec("descend")
    if found is None or found.origin is None:
        return "descend: not installed; `make test` installs it"
    folder = Path(found.origin).parent
    checkout = folder.parent.name == "src"
    return f"descend: {'the CHECKOUT, not a built wheel' if checkout else 'installed'} ({folder})"


@pytest.fixture
def descend(capsys, monkeypatch, tmp_path):
    """Run a command in the folder of the test; return status, standard output and error."""
    from descend.cli import guard
    from descend.cli.app import _run_typer

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guard.signal, "signal", lambda *_: None)

    def run(*arguments):
        capsys.readouterr()
        status = guard.guarded(lambda: _run_typer([str(a) for a in arguments]))
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture(scope="session")
def chromium():
    """Start one browser for all tests of this process."""
    from playwright import sync_api
    from tests import browser

    where = browser.executable()
    assert where, "These tests need Chromium: install it, or name it in CHROMIUM."
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=where, args=browser.ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def new_page(chromium):
    """Open fresh pages; console errors and requests that leave the machine fail the test."""
    from tests import browser

    contexts, complaints = [], []

    def open_page(width=1000, height=800, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        return browser.watched(context.new_page(), complaints)

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture(scope="session")
def lab_server():
    """One lab for all tests of this process; every page is a session of its own."""
    from tests import labs

    with labs.running_lab() as running:
        yield running


@pytest.fixture
def lab(chromium, lab_server):
    """Open labs in Chromium: `page = lab("data=moons")`; what goes wrong there fails the test."""
    from tests import labs

    visitor = labs.Visitor(chromium, lab_server)
    yield visitor
    visitor.close()
