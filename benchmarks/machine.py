"""What the machine can do, measured beside the table: reading memory, multiplying matrices.

Both are the best of a few tries, as they are meant as ceilings. Reading is done by NumPy's own
vectorised reductions over an array much larger than the caches, each thread with its own part.
"""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARIES = (
    "descend",
    "numpy",
    "numba",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "glum",
    "pandas",
    "torch",
    "jax",
    "jaxlib",
)


def versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return what the processor calls itself."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load() -> float | None:
    """Return how many processes wanted a processor in the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def measure(*, smoke: bool = False) -> dict[str, Any]:
    """Return the machine: what it is, what it reads in GB/s, what it multiplies in GFLOP/s."""
    size = 256 if smoke else 2048
    data = np.ones((1 << 20) if smoke else (1 << 27), dtype=np.float32)
    return {
        "smoke": smoke,
        "processor": processor(),
        "cores": cores(),
        "load_before": load(),
        "read_1_thread": read_rate(data, 1),
        "read_2_threads": read_rate(data, 2),
        "product_float32": product_rate(size, np.float32),
        "product_float64": product_rate(size, np.float64),
        "versions": versions(),
    }


def read_rate(data: Any, threads: int) -> float:
    """Return GB/s read by so many threads: the better of two reductions."""
    parts = np.array_split(data, threads)

    def dot(part: Any) -> Any:
        return np.dot(part, part)

    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        seconds = [
            _best(lambda: list(pool.map(reduction, parts)))  # noqa: B023 - called within its turn
            for reduction in (dot, np.max)
        ]
    return float(data.nbytes / min(seconds) / 1e9)


def product_rate(size: int, dtype: Any) -> float:
    """Return GFLOP/s of a square matrix product, on the threads BLAS takes by itself."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((size, size)).astype(dtype) for _ in range(2))
    return float(2 * size**3) / _best(lambda: A @ B) / 1e9


def _best(work: Callable[[], object]) -> float:
    """Return the shortest of at least five tries, which go on for a quarter of a second."""
    work()
    times: list[float] = []
    while len(times) < 5 or sum(times) < 0.25:
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)
