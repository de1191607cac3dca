"""Another process, measured: how long it took and the most memory it held.

A process inherits the high-water mark of the one that starts it, and ours holds gigabytes by then.
So a small one stands between: this file, run as a script, starts the command, waits, and prints
what it saw. The clock runs there too, so that the one between is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 900


def run(
    command: Sequence[str], environment: Mapping[str, str | None]
) -> tuple[str, float, float | None]:
    """Run Python with these arguments; return its output, its seconds and its peak bytes.

    A variable that is None is taken out of the environment.
    """
    env = {name: value for name, value in os.environ.items() if name not in environment}
    env |= {name: value for name, value in environment.items() if value is not None}
    done = subprocess.run(
        [sys.executable, __file__, sys.executable, *command],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        msg = f"the process ended with status {done.returncode}: {words[-1] if words else ''}"
        raise RuntimeError(msg)
    found = json.loads(done.stdout)
    return found["output"], found["seconds"], found["memory"]


def main(command: list[str]) -> int:
    """Start the command, wait for it, print what was seen; return its status."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    memory = None
    if hasattr(os, "wait4"):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    else:
        process.wait()
    seconds = time.perf_counter() - begun
    print(json.dumps({"output": output, "seconds": seconds, "memory": memory}))
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
