"""`import descend` is light: optional and slow libraries are loaded by those who use them.

Each check runs in a fresh process, for this one has loaded most of them already.
No time is asserted: what is loaded decides it, and can be checked exactly.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig

import pytest

SLOW_OR_OPTIONAL = (
    "anywidget",
    "dask",
    "distributed",
    "duckdb",
    "jax",
    "jaxlib",
    "llvmlite",
    "marimo",
    "matplotlib",
    "numba",
    "onnx",
    "pandas",
    "polars",
    "pyarrow",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.spatial",
    "scipy.special",
    "scipy.stats",
    "sklearn",
    "starlette",
    "torch",
    "uvicorn",
    "websockets",
)
# What the command line shows with, and the package itself has no use for.
SCREENS = ("rich", "typer")
HELP = """
import sys
sys.argv = ["descend", "--help"]
from descend.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""

needs_cli = pytest.mark.skipif(
    importlib.util.find_spec("descend.cli") is None, reason="the command line is not written yet"
)


def heavy(modules, unwanted=SLOW_OR_OPTIONAL):
    """Return the unwanted libraries among the names of loaded modules."""
    return {name for name in unwanted if any(f"{m}.".startswith(f"{name}.") for m in modules)}


def loaded_by(code):
    """Return the names of the modules that a fresh process has loaded after running `code`."""
    tell = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code + tell],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", SLOW_OR_OPTIONAL)
def test_each_unwanted_library_is_recognised(name):
    assert heavy({"numpy", name}) == {name}
    assert heavy({"numpy", f"{name}.inner"}) == {name}
    assert heavy({"numpy", f"{name}_of_another_name"}) == set()


def test_a_library_loaded_in_the_fresh_process_is_seen():
    assert "scipy.special" in heavy(loaded_by("import descend, scipy.special"))


def test_a_failing_process_is_seen():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        loaded_by("1 / 0")


def test_importing_descend_loads_nothing_slow_or_optional():
    loaded = loaded_by("import descend")
    assert "descend" in loaded
    assert heavy(loaded, (*SLOW_OR_OPTIONAL, *SCREENS)) == set()


@needs_cli
def test_the_help_of_the_command_line_loads_nothing_slow_or_optional():
    loaded = loaded_by(HELP)
    assert "descend.cli" in loaded
    assert heavy(loaded) == set()


@needs_cli
def test_the_descend_command_is_installed_and_shows_its_help():
    command = shutil.which("descend", path=sysconfig.get_path("scripts"))
    assert command is not None, "the command is not installed beside this Python"
    done = subprocess.run([command, "--help"], capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
