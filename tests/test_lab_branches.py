"""Branches: how they come and go, how they are compared, and how they race on one surface.

What the page says is held against runs in Python: `run.at(k)`, its loss and its gradient.
"""

from __future__ import annotations

import queue
import re
import threading
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from playwright.sync_api import expect

from descend.lab.branching import MOST, differences
from descend.lab.measuring import COLUMNS
from descend.lab.race import fitting
from descend.lab.session import Session
from descend.lab.settings import Settings

WAIT = 20_000
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RUN = """async () => (await axe.run(".branching", { resultTypes: ["violations"] })).violations
    .map((found) => `${found.id}: ${found.nodes[0].html}`)"""
FOUR = ["gradient_descent", "momentum", "nesterov", "adam"]


class Alone:
    """A session in this process, and what it tells."""

    def __init__(self, address=""):
        self.session = Session(address=address)
        self.told = queue.Queue()
        self.said = []
        self.session.attach(self._hear)
        self.tell({"kind": "hello"})
        self.state = self.next("state")[0]

    def _hear(self, header, buffers=()):
        self.told.put((header, [bytes(buffer) for buffer in buffers]))
        return True

    def tell(self, *messages):
        for message in messages:
            self.session.receive(message)

    def next(self, kind, check=lambda header: True):
        """Return the next message of a kind for which a check holds."""
        while True:
            header, buffers = self._heard(self.told.get(timeout=30))
            if header["kind"] == kind and check(header):
                return header, buffers

    def settled(self):
        """Wait until everything asked so far is done; return the state."""
        done = threading.Event()
        self.session._post(done.set)
        assert done.wait(30)
        while not self.told.empty():
            self._heard(self.told.get())
        return self.state

    def _heard(self, told):
        header = told[0]
        if header["kind"] == "said":
            self.said.append(header["sentence"])
        if header["kind"] == "state":
            self.state = header
        return told

    def branch(self, number):
        return self.session._leader.branches[number]

    def frames(self, header, buffer):
        """Return (F, racers, columns)."""
        known = self.session._leader.race.branches
        return np.frombuffer(buffer, "<f8").reshape(len(header["steps"]), len(known), len(COLUMNS))


@pytest.fixture
def alone():
    opened = []

    def open_one(address="data=line"):
        opened.append(Alone(address))
        return opened[-1]

    yield open_one
    for one in opened:
        one.session.close()


# ---------------------------------------------------------------- coming and going


def test_a_ninth_branch_makes_room_says_so_and_is_brought_back(alone):
    lab = alone()
    lab.tell({"kind": "advance", "updates": 3})
    for _ in range(MOST - 1):
        lab.tell({"kind": "branch", "step": 2})
    assert [b["number"] for b in lab.settled()["branches"]] == list(range(1, MOST + 1))
    assert lab.said == []
    lab.tell({"kind": "branch", "step": 1})
    state = lab.settled()
    assert [b["number"] for b in state["branches"]] == list(range(2, MOST + 2))
    assert "branch 1, the one longest not looked at, made room" in lab.said[0]
    assert state["removed"] == 1
    assert len({b["place"] for b in state["branches"]}) == MOST  # each a colour of its own
    lab.tell({"kind": "remove", "branch": 5}, {"kind": "remove", "branch": 4})
    assert lab.settled()["removed"] == 4
    lab.tell({"kind": "restore"})
    state = lab.settled()
    assert state["current"] == 4
    assert lab.branch(4).step == 2
    lab.tell({"kind": "restore"}, {"kind": "select", "branch": 5})
    lab.settled()
    assert lab.said[1:] == [
        "No branch was removed, so there is none to bring back.",
        "There is no branch 5; choose among 2, 3, 4, 6, 7, 8, 9.",
    ]


def test_a_branch_knows_in_what_it_differs_from_its_origin(alone):
    lab = alone()
    lab.tell({"kind": "advance", "updates": 9})
    lab.tell({"kind": "branch", "step": 4}, {"kind": "set", "change": {"learning_rate": 0.02}})
    lab.tell({"kind": "edit", "step": 4, "at": 1, "to": 2.0})
    lab.tell({"kind": "set", "change": {"optimizer": "momentum"}})
    first, second, third = lab.settled()["branches"]
    assert (first["origin"], first["differs"], first["edits"]) == (None, [], 0)
    assert second["origin"] == {"branch": 1, "step": 4}
    assert second["differs"] == [["learning_rate", first["settings"]["learning_rate"], 0.02]]
    assert second["edits"] == 1
    assert third["origin"] == {"branch": 2, "step": 0}
    assert [name for name, *_ in third["differs"]] == ["optimizer"]
    # Nothing was ever done with the third, so that another choice takes its place.
    lab.tell({"kind": "set", "change": {"optimizer": "adam"}})
    *_, fourth = lab.settled()["branches"]
    assert (fourth["number"], fourth["origin"]) == (4, {"branch": 2, "step": 0})
    assert fourth["differs"][0][2]["name"] == "adam"
    assert [b["number"] for b in lab.state["branches"]] == [1, 2, 4]


def test_differences_are_of_plain_settings():
    one = Settings.of({"data": "moons", "hidden": [3]})
    other, _ = one.with_changes({"hidden": [], "penalty": "l2"})
    found = differences(one, other)
    assert [name for name, *_ in found] == ["hidden", "penalty"]
    assert found[0][1:] == [[3], []]
    assert found[1][2]["name"] == "l2"


# ---------------------------------------------------------------- compared


def test_a_comparison_tells_the_numbers_of_the_runs_and_what_cannot_be_compared(alone):
    lab = alone("data=moons&hidden=3")
    lab.tell({"kind": "advance", "updates": 12})
    lab.tell({"kind": "set", "change": {"learning_rate": 0.5, "penalty": {"name": "l2"}}})
    lab.tell({"kind": "set", "change": {"optimizer": "momentum"}})
    lab.tell({"kind": "advance", "updates": 7}, {"kind": "compare", "branches": [2, 1]})
    header, (data,) = lab.next("compare")
    runs = [lab.branch(number).run() for number in (1, 2)]
    rows = {(row["name"], row.get("part")): row["values"] for row in header["outcomes"]}
    assert rows["updates", None] == [12, 7]
    assert_allclose(rows["loss", None], [run.outcome.loss for run in runs], rtol=0)
    measured = [run.history["validation_loss"][-1] for run in runs]
    assert_allclose(rows["log_loss", "validation"], measured, rtol=1e-12)
    assert "Optimizer" in {what for what, *_ in header["asked"]}
    assert header["comparable"]
    x, y = (header["blocks"][name] for name in header["curves"][1]["loss"])
    course = np.frombuffer(data, "<f8", x["shape"][0], y["offset"])
    assert_array_equal(course, runs[1].history["loss"])
    lab.tell({"kind": "set", "change": {"loss": "brier"}}, {"kind": "advance", "updates": 2})
    lab.tell({"kind": "compare", "branches": [1, 3]})
    header, _ = lab.next("compare")
    assert not header["comparable"]
    assert "The runs minimise different objectives" in header["said"][0]


# ---------------------------------------------------------------- races, in Python


def test_what_is_seen_of_racers_is_what_their_runs_have(alone):
    lab = alone("data=moons&hidden=3&n=60")
    lab.tell({"kind": "racers", "optimizers": FOUR})
    header, (blocks, buffer) = lab.next("race")
    assert [racer["label"] for racer in header["racers"]] == FOUR
    assert header["steps"] == [0]
    starts = lab.frames(header, buffer)[0]
    assert_allclose(starts[:, 1:5], np.tile(starts[0, 1:5], (4, 1)))  # from one start
    lab.tell({"kind": "racing", "updates": 25})
    header, (buffer,) = lab.next("racing")
    assert (header["steps"], header["clock"]) == ([25], 25)
    newest = lab.frames(header, buffer)[-1]
    lab.tell({"kind": "racing", "step": 11})
    header, (buffer,) = lab.next("racing")
    past = lab.frames(header, buffer)[-1]
    race = lab.session._leader.race
    for i, branch in enumerate(race.branches):
        run = branch.run()
        for step, row in ((25, newest[i]), (11, past[i])):
            same_as_run(row, run, step, race.judge.ground)
    share = header["share"]
    assert 0 < share <= 1
    assert blocks


def same_as_run(row, run, step, ground):
    at, before = run.at(step), run.at(step - 1)
    seen = dict(zip(COLUMNS, row, strict=True))
    assert seen["updates"] == step
    loss, gradient = run.program.value_and_gradient(at.theta)
    assert_allclose(seen["loss"], loss, rtol=1e-12)
    assert_allclose(seen["gradient_norm"], np.linalg.norm(gradient), rtol=1e-12)

    def along(name):
        return [seen[f"{name}_u"], seen[f"{name}_v"]]

    d = ground.directions
    assert_allclose([seen["u"], seen["v"]], d @ (at.theta - ground.origin), rtol=1e-9)
    assert_allclose(along("gradient"), d @ gradient, rtol=1e-9)
    assert_allclose(along("update"), d @ (at.theta - before.theta), rtol=1e-9)
    slots = run.task.optimizer.rule.slots
    if slots:
        assert slots[0] in {"velocity", "mean"}
        assert_allclose(along("velocity"), d @ -at.slots[0], rtol=1e-9)
    else:
        assert np.isnan(along("velocity")).all()


def test_branches_that_were_trained_already_race_from_their_start(alone):
    lab = alone()
    lab.tell({"kind": "advance", "updates": 30}, {"kind": "set", "change": {"optimizer": "adam"}})
    lab.tell({"kind": "advance", "updates": 12}, {"kind": "race", "branches": [1, 2]})
    header, (_, buffer) = lab.next("race")
    frames = lab.frames(header, buffer)
    assert header["steps"] == list(range(13))
    assert header["surface"]["exact"]
    for i, number in enumerate((1, 2)):
        run = lab.branch(number).run()
        assert_allclose(frames[:, i, 3:5], [run.at(k).theta for k in range(13)], rtol=1e-9)
    # Who is ahead waits for the other: its own 30 updates stay what they are.
    lab.tell({"kind": "racing", "updates": 5})
    lab.next("racing", lambda told: told["clock"] == 17)
    assert (lab.branch(1).step, lab.branch(2).step) == (30, 17)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"hidden": [2]}, "model"),
        ({"loss": "huber"}, "loss"),
        ({"penalty": "l2"}, "penalty"),
        ({"noise": 2.5}, "set of rows"),
        ({"standardize": True}, "set of features"),
    ],
)
def test_who_moves_over_another_surface_is_left_out(alone, change, word):
    lab = alone()
    lab.tell({"kind": "advance", "updates": 2}, {"kind": "set", "change": {"optimizer": "adam"}})
    lab.tell({"kind": "advance", "updates": 2}, {"kind": "branch", "step": 2})
    lab.tell({"kind": "set", "change": change}, {"kind": "advance", "updates": 2})
    last = lab.settled()["current"]
    racers, said = fitting([lab.branch(number) for number in (1, 2, last)])
    assert [branch.number for branch in racers] == [1, 2]
    left_out = f"Branch {last} is left out: it has another {word} than branch 1"
    assert said == [f"{left_out}, so it moves over another surface."]
    lab.tell({"kind": "race", "branches": [2, last]})
    lab.settled()
    assert lab.said[-1].startswith("A race takes at least two branches on one surface. Branch")


def test_who_changes_its_objective_leaves_the_race_and_another_seed_is_said(alone):
    lab = alone()
    lab.tell({"kind": "advance", "updates": 2}, {"kind": "reset", "start": "new"})
    lab.tell({"kind": "advance", "updates": 2}, {"kind": "set", "change": {"optimizer": "adam"}})
    lab.tell({"kind": "advance", "updates": 2}, {"kind": "race", "branches": [1, 2, 3]})
    header, _ = lab.next("race")
    assert header["said"] == [
        "They differ in their seed as well, so that the race is not about their optimizers alone."
    ]
    lab.tell({"kind": "set", "change": {"penalty": "l2"}}, {"kind": "racing", "updates": 3})
    told, _ = lab.next("racing")
    assert told["branches"] == [1, 2]
    lab.tell({"kind": "remove", "branch": 2}, {"kind": "racing", "updates": 3})
    assert lab.settled()["race"] is None
    assert lab.said[1:] == ["Branch 3 left the race.", "Branch 2 left the race, which is over."]


def test_a_race_goes_on_where_one_diverges_and_ends_when_nobody_can(alone):
    lab = alone()
    lab.tell(
        {"kind": "set", "change": {"learning_rate": 50.0}},
        {"kind": "speed", "updates_per_second": None},
    )
    lab.tell({"kind": "advance", "updates": 1}, {"kind": "branch", "step": 0})
    lab.tell({"kind": "set", "change": {"learning_rate": 20.0}})
    lab.tell({"kind": "race", "branches": [1, 2], "play": True})
    told, (buffer,) = lab.next("racing", lambda told: len(told["ended"]) == 2)
    assert all("Diverged" in why for why in told["ended"].values())
    assert not lab.next("state", lambda s: s["race"] and not s["race"]["playing"])[0]["playing"]
    lab.tell({"kind": "racing", "on": True})
    lab.settled()
    assert lab.said[-1] == "Nobody in this race can go on; start it elsewhere, or race others."
    assert buffer


def test_all_start_where_the_surface_is_pressed_and_own_branches_stay(alone):
    lab = alone("data=moons&hidden=3&n=60")
    lab.tell({"kind": "advance", "updates": 3})
    lab.tell({"kind": "racers", "optimizers": ["gradient_descent", "adam"]})
    first = lab.next("race")[0]["racers"]
    lab.tell({"kind": "racing", "updates": 4}, {"kind": "racing", "start": [0.25, -0.5]})
    header, (_, buffer) = lab.next("race")
    assert header["clock"] == 0
    assert_allclose(lab.frames(header, buffer)[0][:, 3:5], [[0.25, -0.5]] * 2, atol=1e-12)
    ground = lab.session._leader.race.judge.ground
    theta = ground.origin + np.array([0.25, -0.5]) @ ground.directions
    state = lab.settled()
    assert [b["number"] for b in state["branches"]] == [1, 4, 5]
    for racer, before in zip(header["racers"], first, strict=True):
        branch = lab.branch(racer["branch"])
        assert_array_equal(branch.live.at(0).theta, theta)
        assert (racer["place"], racer["rate"]) == (before["place"], before["rate"])
        assert branch.origin == (1, 0)
    assert lab.branch(1).step == 3


def test_locks_hold_for_races(alone):
    lab = alone("data=line&lock=optimizer")
    lab.tell({"kind": "racers", "optimizers": FOUR})
    lab.settled()
    assert lab.said == ["The optimizer is locked in this lab, so it stays as it is."]


# ---------------------------------------------------------------- on the page


@pytest.fixture
def at(lab, lab_server):
    """Open a lab; return the page and its session in Python."""

    def opened(address="data=line", **options):
        page = lab(address, **options)
        page.wait_for_selector("[data-ready=yes]")
        name = re.search(r"/s/([^/?]+)", page.url).group(1)
        return page, lab_server.sessions.find(name)

    return opened


def race_of(session):
    return session._leader.race


def panel(page):
    return page.get_by_role("group", name="Branches", exact=True)


def raced(page, *names):
    """Press "Race the optimizers" for some of them, and wait until they race."""
    panel(page).get_by_role("button", name="Race the optimizers").click()
    ticks = panel(page).get_by_role("group", name="Optimizers to race").get_by_role("checkbox")
    expect(ticks.first).to_be_visible()  # those there are to choose from may still be on their way
    for tick in ticks.all():
        tick.set_checked(tick.get_attribute("value") in names)
    panel(page).get_by_role("button", name=f"Race {len(names)} optimizers").press("Enter")
    page.wait_for_selector(".race[data-race]")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused in {"Play the race", "Pause the race"}


def until(page, js):
    page.wait_for_function(
        f"() => {{ const race = document.querySelector('.race').dataset; return {js}; }}",
        timeout=WAIT,
    )


def paused(page, clock):
    """Let the race go on to an update, and pause it."""
    until(page, f"race.clock >= {clock}")
    page.get_by_role("button", name="Pause the race").click()
    until(page, "race.moving === 'no'")


def figures(page):
    """Return what the table has of each racer, from the top."""
    return page.locator(".standings tbody tr").evaluate_all(
        """(rows) => rows.map((row) => [Number(row.dataset.branch), Object.fromEntries(
            [...row.querySelectorAll("td[data-name]")].map((cell) =>
                [cell.dataset.name, Number(cell.dataset.value)]))])"""
    )


def test_optimizers_race_and_the_page_tells_the_order_of_pythons_losses(at):
    page, session = at("data=line", height=1300)
    raced(page, *FOUR)
    paused(page, 12)
    page.get_by_role("slider", name="Update of the race looked at").focus()
    clock = race_of(session).clock
    page.keyboard.press("Home")
    until(page, "race.step === '0'")
    for _ in range(4):
        page.get_by_role("button", name="One update of the race").click()
    until(page, "race.step === '4'")
    runs = {branch.number: branch.run() for branch in race_of(session).branches}
    losses = {n: run.program.value(run.at(4).theta) for n, run in runs.items()}
    order = sorted(losses, key=losses.get)
    told = figures(page)
    assert [number for number, _ in told] == order
    for number, found in told:
        assert found["updates"] == 4
        assert_allclose(found["loss"], losses[number], rtol=1e-12)
        assert_allclose(found["gap"], losses[number] - losses[order[0]], rtol=1e-9, atol=1e-12)
    first = runs[order[0]].task.optimizer.name
    sentence = page.locator(".race .order").inner_text()
    assert re.match(
        rf"At update 4 {first.replace('_', ' ')}.* is lowest: loss ", sentence, re.IGNORECASE
    )
    page.get_by_role("button", name="One update of the race").click()
    page.get_by_role("button", name="To the newest update of the race").click()
    until(page, f"race.step === '{clock}'")
    page.get_by_role("button", name="One update of the race").click()
    until(page, f"race.clock === '{clock + 1}' && race.step === race.clock")
    assert race_of(session).clock == clock + 1
    # Played from the start it shows what is recorded, and then trains on.
    page.get_by_role("button", name="To the start of the race").click()
    page.get_by_role("button", name="Play the race").click()
    paused(page, clock + 4)


@pytest.mark.slow
def test_a_press_on_the_surface_and_the_keyboard_start_everybody_there(at):
    page, session = at("data=line", height=1300)
    raced(page, "gradient_descent", "momentum")
    paused(page, 3)
    before = race_of(session).branches
    canvas = page.get_by_role("application")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.3})
    until(page, f"race.race !== '{' '.join(str(b.number) for b in before)}'")
    ground, racers = race_of(session).judge.ground, race_of(session).branches
    starts = [branch.live.at(0).theta for branch in racers]
    assert_array_equal(starts[0], starts[1])
    # The canvas has room for ticks to the left, for names above and below: see `areaOf`.
    (u0, u1), (v0, v1) = ground.u, ground.v
    across = (box["width"] * 0.7 - 56) / (box["width"] - 66)
    up = 1 - (box["height"] * 0.3 - 22) / (box["height"] - 62)
    wanted = [u0 + across * (u1 - u0), v0 + up * (v1 - v0)]
    assert_allclose(starts[0], wanted, atol=0.01 * max(u1 - u0, v1 - v0))
    canvas = page.get_by_role("application")
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    until(page, f"race.race !== '{' '.join(str(b.number) for b in racers)}'")
    theta = race_of(session).branches[0].live.at(0).theta
    wanted = [(u0 + u1) / 2 + 0.04 * (u1 - u0), (v0 + v1) / 2 + 0.2 * (v1 - v0)]
    assert_allclose(theta, wanted, rtol=1e-9)


@pytest.mark.slow
def test_racers_are_hidden_and_a_race_is_found_again_after_a_reload(at):
    page, session = at("data=moons&hidden=3&n=60", height=1300)
    raced(page, "gradient_descent", "adam")
    paused(page, 5)
    for name in ("down the gradient", "last update", "velocity (memory of gradients)"):
        page.get_by_label(name).check()
    drawn = picture(page)
    page.get_by_label("Draw Adam").uncheck()
    assert picture(page) != drawn
    page.get_by_label("Draw Adam").check()
    assert picture(page) == drawn
    assert "dimensions" in page.locator(".race-side").inner_text()
    clock = race_of(session).clock
    page.reload()
    page.wait_for_selector(".race[data-race]", timeout=WAIT)
    until(page, f"race.clock === '{clock}' && race.step === '{clock}'")
    page.get_by_role("button", name="End the race").click()
    page.locator(".race").wait_for(state="hidden")


def picture(page):
    """Return what the canvas of the race shows, once it is drawn."""
    return page.evaluate(
        """() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() =>
            go(document.querySelector(".race canvas").toDataURL()))))"""
    )


def test_branches_are_chosen_named_compared_and_removed_by_keyboard(at):
    page, session = at("data=line", height=1300)
    session.receive({"kind": "advance", "updates": 40})
    session.receive({"kind": "branch", "step": 37})
    session.receive({"kind": "set", "change": {"learning_rate": 0.05}})
    session.receive({"kind": "advance", "updates": 5})
    rows = page.locator(".branches > li")
    page.wait_for_function("() => /42 updates/.test(document.querySelector('.branches').innerText)")
    assert "from branch 1 at update 37: learning rate 0.1 → 0.05" in rows.nth(1).inner_text()
    page.get_by_role("radio", name="Show Branch 2").focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_selector(".lab[data-branch='1']")
    assert page.get_by_role("radio", name="Show Branch 1").is_checked()
    panel(page).get_by_role("button", name="Rename Branch 2").press("Enter")
    page.keyboard.type("slow")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Choose slow").wait_for()
    for tick in rows.get_by_role("checkbox").all():
        tick.press("Space")
    panel(page).get_by_role("button", name="Compare", exact=True).press("Enter")
    page.wait_for_selector("[data-compared='1 2']", timeout=WAIT)
    told = page.locator("td[data-name=loss]").evaluate_all(
        "(cells) => cells.map((cell) => Number(cell.dataset.value))"
    )
    runs = [session._leader.branches[number].run() for number in (1, 2)]
    assert_allclose(told, [run.outcome.loss for run in runs], rtol=1e-12)
    panel(page).get_by_role("button", name="Remove slow").press("Enter")
    panel(page).get_by_role("button", name="Bring back branch 2").press("Enter")
    page.wait_for_selector(".lab[data-branch='2']")
    assert rows.count() == 2


def test_axe_finds_nothing_in_branches_and_races(at):
    page, _ = at("data=line", height=1200)
    raced(page, "gradient_descent", "adam")
    paused(page, 3)
    for tick in page.locator(".branches > li").get_by_role("checkbox").all()[:2]:
        tick.check()
    panel(page).get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_selector("[data-compared]", timeout=WAIT)
    page.evaluate(AXE)
    assert page.evaluate(AXE_RUN) == []
    page.set_viewport_size({"width": 375, "height": 1200})
    page.emulate_media(color_scheme="dark")
    picture(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate(AXE_RUN) == []
