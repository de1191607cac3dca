"""Leading: what the messages of a page do to the branches of its session.

Everything here runs on the session's worker thread, the only one that touches branches; what takes
long is handed to the thinker with a copy.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError
from descend.lab import address as addresses
from descend.lab import branching, columns, goals
from descend.lab.branch import Branch, Origin
from descend.lab.rooms import room_of
from descend.lab.rows import rows_of
from descend.lab.settings import Settings
from descend.page import pack, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from descend.lab.branch import Change
    from descend.lab.race import Race
    from descend.run import Run

SPEED = 60.0  # updates a second at 1x
FRAMES = 300  # of a branch that is looked at again
SECONDS = 0.006  # a stretch takes at most about so long, so that the page is answered at once
APART = 1 / 60  # seconds between frames
PROMPT = 0.2  # seconds for which a page may wait until a step is reached; then it may watch


@final
class Leader:
    """The branches of a session, and what is done with them.

    Parameters
    ----------
    say
        Called with a header and buffers; returns whether they went out.
    think
        Called with a name and a function without arguments; runs it elsewhere, unless one of
        that name is still running.
    opened
        A table or run that was opened, or None.
    post
        Called with a function; runs it on the worker, after what already waits.
    warm
        Called with a function; runs it on a thread of its own, one after another.

    Attributes
    ----------
    branches
        By number, the one that was looked at last at the end.
    current
        The number of the one that is shown.
    playing, speed
        Whether it trains; updates a second, None for as many as it can.
    """

    def __init__(
        self,
        say: Callable[..., bool],
        think: Callable[[str, Callable[[], None]], bool],
        *,
        opened: Any = None,
        post: Callable[[Callable[[], None]], None],
        warm: Callable[[Callable[[], None]], None],
    ) -> None:
        self.say, self.think, self.opened = say, think, opened
        self.post, self._warm = post, warm
        self.asked: dict[str, float] = {}  # when each kind of thought was last asked for
        self.spent: dict[str, float] = {}  # seconds the last one of each kind took
        self.branches: dict[int, Branch] = {}
        self.current = 0
        self.playing = False
        self.speed: float | None = SPEED
        self.lock: Sequence[str] = ()
        self.goal: Any = None
        self.echo: int | None = None  # of the last `set`, for the page to know its answer by
        self.numbers = 0  # given to branches so far
        self.removed: Branch | None = None  # the last one that was let go of
        self.race: Race | None = None
        self.race_asked = 0  # races asked for so far: one that was overtaken never begins
        self.target: int | None = None  # the step it trains to and stops, as fast as it can
        self._due, self._clock, self._rate = 0.0, 0.0, 1000.0
        self._shown = 0.0

    @property
    def branch(self) -> Branch:
        """The one that is shown."""
        return self.branches[self.current]

    # ------------------------------------------------------------ messages

    def act(self, message: Mapping[str, Any]) -> None:
        """Do what a checked message says; an `InputError` is told to the page."""
        kind = message["kind"]
        try:
            goals.guarded(self.lock, message)
            answer = room_of(kind)
            if answer is not None:
                answer(self, message)
            else:
                getattr(self, f"_on_{kind}")(message)
        except InputError as error:
            self.said(str(error), "error")
            if kind == "set" and self.branches:  # so that its control shows what holds
                self.echo = message.get("number")
                self.state()

    def said(self, sentence: str, severity: str = "note") -> None:
        """Tell the page a sentence."""
        self.say({"kind": "said", "severity": severity, "sentence": sentence})

    def _tell(self, sentences: Sequence[str]) -> None:
        if sentences:
            self.said(" ".join(sentences))

    def _on_hello(self, message: Mapping[str, Any]) -> None:
        if not self.branches:
            self.open(message.get("address", ""))
        self.show()

    def branch_or_first(self) -> Branch:
        """Return the branch that is shown, beginning one where there is none yet."""
        if not self.branches:
            self.open("")
        return self.branch

    def take(self, opened: Any, change: Mapping[str, Any]) -> bool:
        """Look at a table or run that was handed in; tell whether that could be done."""
        before, self.opened = self.opened, opened
        try:
            goals.refused(self.lock, {"data": opened.data})
            self.begin(opened.settings(change))
        except InputError as error:
            self.opened = before
            self.said(str(error), "error")
            return False
        self.show()
        return True

    def pause(self) -> None:
        """Stop training."""
        if self.busy:
            self.play(on=False)

    def later(self, what: str) -> None:
        """Ask once more for what could not be thought about just now."""
        from descend.lab import thinking  # noqa: PLC0415 - as below

        def again() -> None:
            if self.branches:
                thinking.ask(self, what)

        self.think(f"again {what}", lambda: self.post(again))

    def open(self, query: str) -> None:
        """Begin with what an address says; what it says wrongly is told, and left out."""
        try:
            asked = self._asked(query)
            self.lock, self.goal = asked.lock, goals.checked(asked.goal)
            recorded = self._recorded(query)
            self.begin(asked.settings, changes=asked.changes, recorded=recorded)
            self.go_to(max([asked.step or 0, *(step for step, _ in asked.changes[-1:])]))
            goals.watch(self)
        except InputError as error:
            self.said(str(error), "error")
            self.begin(Settings())

    def _asked(self, query: str) -> addresses.Address:
        """Return what is asked for: by the address, else by what was opened."""
        if query or self.opened is None:
            return addresses.from_query(query)
        return self.opened.asked or addresses.Address(self.opened.settings())

    def _recorded(self, query: str) -> Run | None:
        """Return the run that was opened, where it is to be gone on with as it is."""
        run = None if query or self.opened is None else self.opened.run
        if run is None or self.opened.asked is not None or run.data is None:
            return None
        return run if run.state.step else None

    def _on_set(self, message: Mapping[str, Any]) -> None:
        self.echo = message.get("number")
        change = message["change"]
        branch = self.branch
        if branch.settings.kept_by(change):
            self._set(branch, change)
            self.state()
            return
        settings, said = branch.settings.with_changes(change, self.opened)
        self.begin(settings, origin=Origin(branch.number, 0), against=branch.settings)
        self._tell(said)
        self.show()

    def _set(self, branch: Branch, change: dict[str, Any]) -> None:
        """Change a branch; another penalty needs other kernels, and goes on without meanwhile."""
        after = branch.settings.with_changes(change)[0]
        other = type(after.penalty) is not type(branch.settings.penalty)
        if other:
            branch.live.use("numpy")
        self._tell(branch.change(change))
        if other:
            self.quicken(branch)

    def _on_play(self, message: Mapping[str, Any]) -> None:
        self.play(on=message["on"])

    def play(self, *, on: bool) -> None:
        """Train, or pause."""
        if on and self.branch.ended is not None:
            self.said(self.branch.ended, "error")
        self.playing, self.target = on and self.branch.ended is None, None
        if self.race is not None:
            self.race.playing = False
        self.on_time()
        if not self.playing:
            self.frame(always=True)  # the last may have been left out
            self.rested()
        self.state()

    def _on_speed(self, message: Mapping[str, Any]) -> None:
        self.speed = message["updates_per_second"]
        self.on_time()
        self.state()

    def _on_advance(self, message: Mapping[str, Any]) -> None:
        if len(message) != 2:  # noqa: PLR2004 - its kind, and one more
            msg = "An advance is of so many updates, or of so many epochs: one of the two."
            raise InputError(msg)
        self.playing, self.target = False, None
        branch, m = self.branch, self.branch.live.updates_per_epoch
        epochs = message.get("epochs", 0)
        # Whole epochs end where an epoch ends, also when begun in the middle of one.
        until = (branch.step // m + epochs) * m if epochs else branch.step + message["updates"]
        self.go_to(until)
        self.frame(always=True)
        goals.watch(self)
        self.rested()
        self.state()

    def go_to(self, step: int) -> None:
        """Train to a step: at once where it is reached soon, else while the page watches."""
        branch, begun = self.branch, time.perf_counter()
        while branch.step < step and branch.ended is None:
            if time.perf_counter() - begun > PROMPT:
                self.target, self.playing = step, True
                return
            updates = min(step - branch.step, max(int(self._rate * SECONDS), 1))
            started = time.perf_counter()
            branch.advance(updates)
            rate = updates / max(time.perf_counter() - started, 1e-6)
            self._rate = min(self._rate + 0.3 * (rate - self._rate), 2 * self._rate)

    def _on_look(self, message: Mapping[str, Any]) -> None:
        branch = self.branches.get(message.get("branch", self.current), self.branch)
        step = min(message["step"], branch.step)
        self._send_frame(branch, step, {})

    def _on_reset(self, message: Mapping[str, Any]) -> None:
        settings = self.branch.begun
        if message["start"] == "new":
            settings, _ = settings.with_changes({"seed": settings.seed + 1, "start": None})
        origin = Origin(self.current, 0)
        self.begin(settings, origin=origin, against=self.branch.settings)
        self.show()

    def _on_edit(self, message: Mapping[str, Any]) -> None:
        edit = {"edit": {"at": message["at"], "to": message["to"]}}
        if message["step"] < self.branch.step:
            self.fork(message["step"])
            self.branch.change(edit)
            self.show()
            return
        self.branch.change(edit)
        self.frame(always=True)
        self.rested()
        self.state()

    def _on_branch(self, message: Mapping[str, Any]) -> None:
        self.fork(min(message["step"], self.branch.step))
        if "change" in message:
            self.branch.change(message["change"])
        self.show()

    def _on_ask(self, message: Mapping[str, Any]) -> None:
        from descend.lab import choices, inside, thinking  # noqa: PLC0415 - only when asked

        if message["what"] == "choices":
            choices.tell(self)
            return
        if message["what"] == "update":
            inside.answer(self, message.get("step"))
            return
        thinking.ask(self, message["what"], message.get("step"))

    # ------------------------------------------------------------ branches

    def begin(  # noqa: PLR0913 - what makes a branch
        self,
        settings: Settings,
        *,
        changes: Sequence[Change] = (),
        until: int = 0,
        origin: Origin | None = None,
        against: Settings | None = None,
        engine: str = "numpy",
        recorded: Run | None = None,
    ) -> Branch:
        """Begin a branch and look at it; the one longest not looked at may have to make room."""
        rows = rows_of(settings, self.opened)
        branch = Branch(
            branching.numbered(self),
            settings,
            rows,
            changes=changes,
            until=until,
            origin=origin,
            against=against,
            engine=engine,
            recorded=recorded,
        )
        self.playing, self.target = False, None
        self._rate = 1 / SECONDS  # one update first, to see what it takes
        branching.enter(self, [branch], instead=self.branches.get(self.current))
        self.current = branch.number
        self.quicken(branch)
        return branch

    def quicken(self, branch: Branch) -> None:
        """Have the branch's kernels made ready elsewhere, and used from then on."""

        def ready() -> None:
            if branch.number in self.branches:
                engine = branch.live.ready("auto")
                self.post(lambda: branch.live.use(engine))

        self._warm(ready)

    def fork(self, step: int) -> Branch:
        """Begin a branch that is the one shown, up to a step."""
        branch = self.branch
        origin = Origin(branch.number, step)
        return self.begin(
            branch.begun,
            changes=branch.recipe(step),
            until=step,
            origin=origin,
            engine=branch.live.engine,  # whose kernels are there: it is soon where it begins
        )

    # ------------------------------------------------------------ time

    def wait(self) -> float | None:
        """Return how long nothing needs to be done, in seconds; None for as long as one likes."""
        if not self.busy:
            return None
        if self.speed is None or self.speed * APART >= 1 or self.target is not None:
            return 0.0
        return max((1.0 - self._due) / self.speed - (time.perf_counter() - self._clock), 0.0)

    def on_time(self) -> None:
        """Count the time that updates are owed for from now."""
        self._due, self._clock = 0.0, time.perf_counter()

    @property
    def busy(self) -> bool:
        """Whether the branch shown trains, or a race is on."""
        return self.playing or (self.race is not None and self.race.playing)

    def tick(self) -> None:
        """Train for a moment, if it is time to."""
        now = time.perf_counter()
        most = max(int(self._rate * SECONDS), 1)
        if self.target is not None:
            updates = min(most, max(self.target - self.branch.step, 1))
        elif self.speed is None:
            updates = most
        else:
            self._due = min(self._due + (now - self._clock) * self.speed, self.speed * 0.25 + 1)
            updates = min(int(self._due), most)
            self._due -= updates
        self._clock = now
        if updates == 0:
            time.sleep(0.001)
            return
        race = self.race if self.race is not None and self.race.playing else None
        (self.branch if race is None else race).advance(updates)
        spent = max(time.perf_counter() - now, 1e-6)
        self._rate = min(self._rate + 0.3 * (updates / spent - self._rate), 2 * self._rate)
        branching.along(self)
        if race is not None:
            race.tell(self)
            goals.watch(self, now=False)
            return
        self.frame()
        arrived = self.target is not None and self.branch.step >= self.target
        if self.branch.ended is not None or arrived:
            self.playing, self.target = False, None
            self.frame(always=True)
            goals.watch(self)
            self._tell([] if self.branch.ended is None else [self.branch.ended])
            self.rested()
            self.state()
        else:
            goals.watch(self, now=False)
            self._think_along()

    def _think_along(self) -> None:
        from descend.lab import thinking  # noqa: PLC0415 - as above

        thinking.along(self)

    def rested(self) -> None:
        """Say what can only be said once nothing moves."""
        from descend.lab import thinking  # noqa: PLC0415 - as above

        thinking.rested(self)

    # ------------------------------------------------------------ what the page is told

    def show(self) -> None:
        """Tell the page everything of the branch that is shown."""
        payload = pack(
            self.branch.run(), frames=FRAMES, findings=(), surface="none", replayed=False
        )
        page = payload.page
        columns.lay(page, self.branch.rows)
        header = {"kind": "page", "branch": self.current, "page": page}
        self.say(header, [payload.data])
        self.state()
        self.rested()

    def frame(self, *, always: bool = False) -> None:
        """Send where training stands, if it is time to."""
        now = time.perf_counter()
        if not always and now - self._shown < APART:
            return
        self._shown = now
        branch = self.branch
        self._send_frame(branch, branch.step, branch.figures(), always=always)

    def _send_frame(
        self, branch: Branch, step: int, figures: Mapping[str, Any], *, always: bool = True
    ) -> None:
        theta = np.ascontiguousarray(branch.theta(step), dtype="<f8")
        header = {
            "kind": "frames",
            "branch": branch.number,
            "steps": [step],
            "updates": branch.step,
            "figures": dict(figures),  # name: [after how many updates it was measured, value]
        }
        self.say(header, [theta.tobytes()], always=always)

    def state(self) -> None:
        """Tell the page how things stand."""
        branch = self.branch
        self.say(
            {
                "kind": "state",
                "current": self.current,
                "playing": self.playing,
                "speed": self.speed,
                "settings": branch.settings.plain(),
                "learning_rate": branch.live.learning_rate,
                "task": str(branch.live.task),
                "updates": branch.step,
                "updates_per_epoch": branch.live.updates_per_epoch,
                "ended": branch.ended,
                "branches": branching.told(self),
                "removed": None if self.removed is None else self.removed.number,
                "race": None if self.race is None else self.race.told(),
                "lock": list(self.lock),
                "goal": goals.told(self),
                "address": self.address(),
                "number": self.echo,
                "loss": branching.finite(branch.live.loss),
                "marks": branch.marks(),
                "parts": {
                    "task": str(branch.live.task),
                    "optimizer": branch.optimizer(),
                    "penalty": _penalty(branch.live.task.penalty),
                },
            }
        )

    def address(self) -> str:
        """Return the query string that makes the branch shown again, or "" where none can."""
        branch = self.branch
        step = branch.step if branch.step <= addresses.MOST_STEPS else None
        try:
            return addresses.to_query(branch.begun, branch.changes, step, self.lock, self.goal)
        except InputError:  # more changes than an address takes; the run file has them all
            return ""


def _penalty(penalty: Any) -> dict[str, Any] | None:
    return None if penalty is None else parts.part_of(penalty)
