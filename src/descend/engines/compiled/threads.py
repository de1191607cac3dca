"""Our own few threads: chunks of rows are swept by whoever is free.

The compiler's own parallel loops abort the process when two trainings run at once, so kernels
here are single-threaded and let go of the interpreter's lock, and this pool runs several. Which
thread sweeps a chunk changes nothing: each chunk has its own sums, added up in order afterwards.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def workers() -> int:
    """Return how many threads may run at once: the processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(workers() - 1, 1), thread_name_prefix="descend")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def spread(tasks: int, run: Callable[[int, int], None], threads: int | None = None) -> None:
    """Call ``run(task, worker)`` for every task; workers are numbered from 0, the caller.

    If the pool is busy with another training, the caller does all the work itself.
    """
    threads = min(workers() if threads is None else threads, tasks)
    following = itertools.count()  # next() on it is one indivisible step

    def work(worker: int) -> None:
        while (task := next(following)) < tasks:
            run(task, worker)

    helpers = [_pool().submit(work, worker) for worker in range(1, threads)]
    try:
        work(0)
    finally:
        for helper in helpers:
            if not helper.cancel():
                helper.result()
