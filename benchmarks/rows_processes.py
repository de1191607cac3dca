"""Whole processes: fitting a table from the command line, and the first run ever."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import child, data
from benchmarks.registry import Race, library, peers, row
from benchmarks.rows_moons import moons
from benchmarks.timing import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPTS = Path(__file__).parent / "scripts"
FIT = "import sys; from descend.cli import main; sys.argv = ['descend', *sys.argv[1:]]; main()"


@row(
    "fit-process",
    "descend fit, whole process, CSV of 10 000 x 20 with 3 category columns",
    {"pandas + scikit-learn": 1.3, ("pandas + scikit-learn", "memory"): 1.3},
    "Both read, split 70/15/15, standardise, encode, fit an unpenalised logistic regression, "
    "measure it on all three parts and write it down. The splits are each one's own, so the log "
    "losses on the training rows are compared to 5 %.",
)
def fit_process(*, smoke: bool) -> Race:
    """Prepare it."""
    for name in ("pandas", "sklearn"):
        library(name)
    folder = Path(tempfile.mkdtemp(prefix="descend-bench-"))
    table = folder / "table.csv"
    write_table(table, 1_000 if smoke else 10_000)

    def turn(*command: str) -> Measured:
        return Measured(*child.run(command, {}))

    def judge(output: str) -> float:
        return float(json.loads(output)["metrics"]["train"]["log_loss"])

    where = str(folder / "ours")
    asked = ("fit", str(table), "--target", "bought", "--out", where, "--overwrite", "--json")
    script = str(SCRIPTS / "fit_with_pandas.py")
    return Race(
        lambda: turn("-c", FIT, *asked),
        {"pandas + scikit-learn": lambda: turn(script, str(table), "bought", str(folder / "p"))},
        judge,
        tolerance=0.2 if smoke else 0.05,
        finish=lambda: shutil.rmtree(folder, ignore_errors=True),
    )


def write_table(path: Path, n: int) -> None:
    """Write 17 columns of numbers, 3 of categories, and a target of two labels."""
    rng = np.random.default_rng(0)
    X, _ = data.numbers(n, 17)
    kinds = [rng.integers(0, levels, n) for levels in (4, 6, 10)]
    score = X @ rng.standard_normal(17) / 4 + sum(rng.standard_normal(10)[k] for k in kinds) / 2
    y = score + rng.logistic(size=n) > 0
    names = [f"x{i}" for i in range(17)] + ["region", "branch", "colour"]
    lines = [",".join([*names, "bought"])]
    for i in range(n):
        entries = [f"{v:.6g}" for v in X[i]] + [f"{'abc'[j]}{k[i]}" for j, k in enumerate(kinds)]
        lines.append(",".join([*entries, "yes" if y[i] else "no"]))
    path.write_text("\n".join(lines) + "\n", "utf-8")


@row(
    "first-run",
    "first run ever, no kernels cached, moons net, 1000 full-batch steps, whole process",
    {"JAX jit+scan": 1},
    "A new process and a new, empty DESCEND_CACHE each turn; JAX's cache of compiled programs is "
    "off, as it is unless asked for. Python's own bytecode files are there for both.",
)
def first_run(*, smoke: bool) -> Race:
    """Prepare it."""
    folder = Path(tempfile.mkdtemp(prefix="descend-bench-"))
    arrays = folder / "moons.npz"
    X, y, start = moons()
    np.savez(arrays, X=X, y=y, start=start)
    steps = "20" if smoke else "1000"

    def ours() -> Measured:
        # Compiling takes as long for tiny sizes, so a smoke test may use what is cached.
        fresh = {} if smoke else {"DESCEND_CACHE": tempfile.mkdtemp(dir=folder)}
        return turn("first_ours.py", fresh)

    def turn(script: str, environment: Mapping[str, str | None]) -> Measured:
        command = (str(SCRIPTS / script), str(arrays), steps)
        return Measured(*child.run(command, environment))

    def jax() -> Any:
        library("jax")
        return lambda: turn("first_jax.py", {"JAX_COMPILATION_CACHE_DIR": None})

    return Race(
        ours,
        peers({"JAX jit+scan": jax}),
        warm=False,
        finish=lambda: shutil.rmtree(folder, ignore_errors=True),
    )
