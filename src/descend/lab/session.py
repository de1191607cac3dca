"""A session: what one page, or several that look at the same, have before them.

It knows neither websockets nor widgets: whoever is attached is called with a header and buffers,
and hands in messages.  Its threads: the worker, the only one to touch branches; the thinker, which
looks at copies of them; and one that compiles what comes next.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError
from descend.lab.leading import Leader
from descend.lab.messages import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from descend.run import Run

    Send = Callable[[dict[str, Any], Sequence[bytes]], bool]

# Seconds before anything is made ready that nobody waits for: first the page is to be drawn.
_FIRST_PATIENCE, _PATIENCE = 1.5, 0.3
_WAITING = 10_000  # messages that may wait for the worker, before more are refused


@final
class Session:
    """Branches, the threads that work on them, and who is looking.

    Parameters
    ----------
    opened
        A table or run that was opened for it, or None.
    address
        The query string it begins with.
    on_close
        Called once when it closes; such as to remove a dropped file.

    Attributes
    ----------
    idle_since
        When the last one who looked left (by `time.monotonic`), or None while somebody looks.
    """

    def __init__(
        self,
        *,
        opened: Any = None,
        address: str = "",
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.idle_since: float | None = time.monotonic()
        self._address, self._on_close = address, on_close
        self._listeners: list[Send] = []
        self._own: list[Any] = []
        self._lock = threading.Lock()
        self._inbox: queue.Queue[Callable[[], None]] = queue.Queue(_WAITING)
        self._thinker = ThreadPoolExecutor(1, thread_name_prefix="descend-lab-thinker")
        self._warmer = ThreadPoolExecutor(1, thread_name_prefix="descend-lab-warmer")
        self._patience = _FIRST_PATIENCE
        self._thinking: set[str] = set()
        self._over = False
        self._alone: Send | None = None  # who is greeted just now
        self._leader = Leader(
            self._say, self._think, opened=opened, post=self._post, warm=self._warm
        )
        self._worker: threading.Thread | None = None

    # ------------------------------------------------------------ who looks

    @property
    def attached(self) -> int:
        """How many look."""
        return len(self._listeners)

    def attach(self, send: Send) -> Callable[[], None]:
        """Tell somebody everything from here on; returns the way to stop.

        `send` is called from any thread with a header and buffers, one call at a time; it returns
        False where it cannot keep up and left a frame out.
        """
        with self._lock:
            self._listeners.append(send)
            self.idle_since = None
            if self._worker is None and not self._over:
                self._worker = threading.Thread(
                    target=self._work, name="descend-lab-worker", daemon=True
                )
                self._worker.start()

        def detach() -> None:
            with self._lock:
                if send in self._listeners:
                    self._listeners.remove(send)
                if not self._listeners:
                    self.idle_since = time.monotonic()

        return detach

    def receive(self, message: Any, send: Send | None = None) -> None:
        """Take a message of a page; what is wrong with it is told to all who look.

        A greeting is answered to `send` alone, where it is given: others who look at the same have
        it all before them.
        """
        try:
            known = checked(message)
        except InputError as error:
            (send or self._say)({"kind": "said", "severity": "error", "sentence": str(error)}, [])
            return
        if known["kind"] != "hello":
            self._post(lambda: self._leader.act(known))
            return
        known["address"] = known.get("address") or self._address
        self._post(lambda: self._greet(known, send))

    def _greet(self, hello: dict[str, Any], send: Send | None) -> None:
        self._alone = send
        try:
            self._leader.act(hello)
        finally:
            self._alone = None

    def open(self, opened: Any, change: Mapping[str, Any] | None = None) -> None:
        """Look at a table that was handed in, and is the session's own from here on."""
        self._own.append(opened)
        self._post(lambda: self._take(opened, change or {}))

    def _take(self, opened: Any, change: Mapping[str, Any]) -> None:
        """Keep the newest table that could be used; let go of the others."""
        used = self._leader.take(opened, change)
        for other in [one for one in self._own if (one is opened) != used]:
            self._own.remove(other)
            other.close()

    def pause(self) -> None:
        """Stop training, for nobody looks."""
        self._post(self._leader.pause)

    @property
    def playing(self) -> bool:
        """Whether it trains."""
        return self._leader.busy

    def run(self, seconds: float = 30.0) -> Run:
        """Return the run of the branch that is shown, as it stands."""
        found: queue.Queue[Run | Exception] = queue.Queue(1)

        def answer() -> None:
            try:
                found.put(self._leader.branch_or_first().run())
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                found.put(error)

        if self._worker is None:
            answer()
        else:
            self._post(answer)
        result = found.get(timeout=seconds)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """Stop all threads and forget everything."""
        with self._lock:
            if self._over:
                return
            self._over = True
            self._listeners.clear()
        self._post(lambda: None)  # so that a worker that waits wakes up
        if self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join(5)
        for helping in (self._thinker, self._warmer):
            helping.shutdown(wait=False, cancel_futures=True)
        for opened in self._own:  # with the files that were put down for them
            opened.close()
        if self._on_close is not None:
            self._on_close()

    # ------------------------------------------------------------ threads

    def _post(self, act: Callable[[], None]) -> None:
        try:
            self._inbox.put_nowait(act)
        except queue.Full:
            sentence = "Too much was asked at once, and this was left out; ask again in a moment."
            self._say({"kind": "said", "severity": "error", "sentence": sentence})

    def _work(self) -> None:
        while not self._over:
            try:
                act = self._inbox.get(timeout=self._leader.wait())
            except queue.Empty:
                act = self._leader.tick
            try:
                act()
            except Exception as error:  # noqa: BLE001 - one failure must not end the session
                self._failed(error)

    def _think(self, name: str, compute: Callable[[], None]) -> bool:
        """Run something on the thinker, unless the last of that name is not done yet."""
        if name in self._thinking or self._over:
            return False
        self._thinking.add(name)

        def thought() -> None:
            try:
                if not self._over:
                    compute()
            except Exception as error:  # noqa: BLE001 - as in `_work`
                self._failed(error)
            finally:
                self._thinking.discard(name)

        self._thinker.submit(thought)
        return True

    def _warm(self, make_ready: Callable[[], None]) -> None:
        """Make something ready, once the page has had time to show what there is."""
        patience, self._patience = self._patience, _PATIENCE

        def warmed() -> None:
            time.sleep(patience)
            try:
                if not self._over:
                    make_ready()
            except Exception as error:  # noqa: BLE001 - as in `_work`
                self._failed(error)

        if not self._over:
            self._warmer.submit(warmed)

    def _failed(self, error: Exception) -> None:
        """Tell what went wrong; a fault of ours goes to the terminal as well."""
        sentence = str(error)
        if not isinstance(error, InputError):
            threading.excepthook(
                threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
            )
            sentence = f"The lab made a mistake of its own ({type(error).__name__}: {error})."
        self._say({"kind": "said", "severity": "error", "sentence": sentence})

    def _say(
        self, header: dict[str, Any], buffers: Sequence[bytes] = (), *, always: bool = True
    ) -> bool:
        """Tell all who look; frames that need not arrive are marked, for who cannot keep up."""
        if not always:
            header["dispensable"] = True
        with self._lock:
            listeners, alone = self._listeners, self._alone
            if alone is not None and threading.current_thread() is self._worker:
                listeners = [send for send in listeners if send == alone]
            went_out = [send(header, buffers) for send in listeners]
        return all(went_out)
