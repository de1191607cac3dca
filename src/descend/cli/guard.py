"""Exit statuses: 0 done; 1 our fault; 2 bad input; 3 diverged; 130 interrupted."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

from descend.errors import DescendError

if TYPE_CHECKING:
    from collections.abc import Callable

DONE, FAULT, BAD_INPUT, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130


class Exit(Exception):  # noqa: N818 - it is no error
    """End the command with a status, all having been said."""

    def __init__(self, status: int) -> None:
        self.status = status


def say(*lines: str) -> None:
    """Print lines, whatever the terminal's encoding can show."""
    for line in lines:
        encoding = sys.stdout.encoding or "utf-8"
        print(line.encode(encoding, errors="replace").decode(encoding))


def complain(sentence: str) -> None:
    """Print one sentence on stderr."""
    print(f"error: {' '.join(sentence.split())}", file=sys.stderr)


def say_json(value: Any) -> None:
    """Print one JSON object; numbers that JSON lacks become null."""
    say(as_json(value))


def as_json(value: Any) -> str:
    """Return strict JSON, indented."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def guarded(run: Callable[[], Any]) -> int:  # noqa: C901, PLR0911 - one door for each ending
    """Run the command; return its exit status, having said what went wrong."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        run()
    except Exit as ended:
        return ended.status
    except KeyboardInterrupt:
        complain("Interrupted. What was written before is whole.")
        return INTERRUPTED
    except DescendError as error:
        complain(str(error))
        return BAD_INPUT
    except BrokenPipeError:  # the reader of our output has gone
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - silences the last flush
        return DONE
    except MemoryError:
        complain("There is not enough memory for this; use fewer rows, columns or hidden units.")
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the outermost door
        usage = getattr(error, "format_message", None)  # the parser's own complaints
        if type(error).__name__ == "NoArgsIsHelpError":
            say(str(error))
            return BAD_INPUT
        if usage is not None:
            complain(f"{usage()} See: descend --help")
            return BAD_INPUT
        if type(error).__name__ == "Abort":
            complain("Interrupted. What was written before is whole.")
            return INTERRUPTED
        if os.environ.get("DESCEND_TRACEBACK"):
            traceback.print_exc()
        complain(
            f"This is a fault of descend, not of yours ({type(error).__name__}: {error}); set "
            "DESCEND_TRACEBACK=1 to see where, and report it."
        )
        return FAULT
    return DONE


def _as_interrupt(_signal: int, _frame: Any) -> None:
    """Take a request to terminate for Ctrl-C: a training writes what it has."""
    signal.raise_signal(signal.SIGINT)
