"""Benchmarks: ours beside the peers', in one process run; medians and ratios, never a verdict.

python benchmarks/run.py [--repeats 5] [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import descend as ds


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def paired(
    ours: Callable[[], object], peer: Callable[[], object], repeats: int
) -> dict[str, float]:
    """Time the two in turn, after a warm-up; return medians and the ratio peer / ours."""
    ours(), peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"ours": a, "peer": b, "ratio": statistics.median(y / x for x, y in pairs)}


def line() -> tuple[Callable[[], object], Callable[[], object]]:
    """10 000 rows, 1000 full-batch updates of a line, every loss recorded; a NumPy loop beside."""
    X, y = ds.datasets.line_sgd()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))

    def loop() -> float:
        x = X[:, 0]
        w = b = np.float64(0)
        losses = []
        for _ in range(1000):
            error = w * x + b - y
            losses.append(np.mean(error**2))
            w, b = w - 0.1 * 2 * np.mean(error * x), b - 0.1 * 2 * np.mean(error)
        return float(w)

    run = ds.train(task, X, y, epochs=1000)
    np.testing.assert_allclose(float(run.theta[0]), loop(), rtol=1e-6)
    return lambda: ds.train(task, X, y, epochs=1000), loop


def recording() -> tuple[Callable[[], object], Callable[[], object]]:
    """Train a small net on two moons, 500 updates, recorded; and not recorded, as the peer."""
    X, y = ds.datasets.moons()
    task = ds.Task(ds.MLP((4, 10, 4)), ds.logistic(), ds.gradient_descent(0.5))

    def train(record: str | bool) -> object:  # noqa: FBT001 - as in `ds.train`
        return ds.train(task, X, y, epochs=500, record=record)

    return lambda: train("auto"), lambda: train(record=False)


def helping() -> tuple[Callable[[], object], Callable[[], object]]:
    """`descend --help` as a whole process; `python -c "import numpy"` beside."""

    def process(code: str) -> object:
        return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)

    ours = "import sys; sys.argv = ['descend', '--help']; from descend.cli import main; main()"
    return lambda: process(ours), lambda: process("import numpy")


WORK = {
    "line, NumPy loop": line,
    "recording on / off": recording,
    "descend --help / import numpy": helping,
}


def main() -> None:
    """Run all of them and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {name: paired(*make(), asked.repeats) for name, make in WORK.items()}
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'work':32}{'ours':>11}{'peer':>11}   peer/ours   (medians of {asked.repeats})")
    for name, row in found.items():
        print(f"{name:32}{row['ours']:10.3f}s{row['peer']:10.3f}s{row['ratio']:12.2f}")


if __name__ == "__main__":
    main()
