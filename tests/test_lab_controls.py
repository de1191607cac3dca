"""The lab's controls, driven by mouse and keyboard: what they show is what Python has.

Most tests share one page: a session of its own, led from one setting to the next.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from types import SimpleNamespace

import axe_playwright_python
import numpy as np
import pytest
from tests import labs

from descend.activations import ACTIVATIONS
from descend.lab import goals
from descend.lab.choices import choices
from descend.lab.opening import open_table
from descend.lab.settings import Settings
from descend.lab.sources import RUN, SOURCES, TABLE
from descend.losses import LOSSES
from descend.models import INITIALISATIONS
from descend.optimizers import RULES
from descend.penalties import PENALTIES
from descend.schedules import SCHEDULES

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RUN = """async () => (await axe.run(".lab", { resultTypes: ["violations"] })).violations
    .map((found) => `${found.id}: ${found.nodes[0].html}`)"""
ANSWERED = ".controls[data-ready=yes][data-asking=no]"
FOUND = tuple(name for name in SOURCES if name not in {TABLE, RUN})


class Panel:
    """The controls of one page, and the session behind it."""

    def __init__(self, page, lab):
        self.page = page
        name = page.url.split("/s/")[1].split("?")[0]
        self.session = lab.sessions.find(name)
        page.wait_for_selector(ANSWERED)
        closed = page.locator("details.group:not([open]) > summary")
        while closed.count():
            closed.first.click()

    @property
    def leader(self):
        return self.session._leader

    @property
    def branch(self):
        return self.leader.branch

    @property
    def plain(self):
        """The settings that are in force in Python."""
        return self.branch.settings.plain()

    def until(self, known, **facts):
        """Wait until the page has been answered and Python's settings are known to be so."""
        self.page.wait_for_selector(ANSWERED)
        end = time.monotonic() + 20
        while not known() and time.monotonic() < end:
            self.page.wait_for_timeout(10)
        assert known(), (facts, self.plain)

    def holds(self, **wanted):
        """Wait until Python's settings hold these values."""
        self.until(lambda: all(self.plain[k] == v for k, v in wanted.items()), wanted=wanted)

    def set(self, **change):
        """Bring the session to settings by Python, and the page with it."""
        self.page.wait_for_selector(ANSWERED)
        asked = self.leader.echo or 0
        message = {"kind": "set", "change": change, "number": asked + 1}
        self.session.receive(message)
        self.page.wait_for_selector(f".lab[data-answered='{asked + 1}']")

    def control(self, role, name):
        return self.page.locator(".controls").get_by_role(role, name=name, exact=True)

    def type(self, name, value):
        field = self.control("spinbutton", name)
        field.fill(str(value))
        field.press("Enter")

    def press(self, name, key, times=1):
        slider = self.control("slider", name)
        slider.focus()
        for _ in range(times):
            slider.press(key)

    def shown(self, name):
        return float(self.control("spinbutton", name).input_value())


@pytest.fixture(scope="module")
def room(chromium, lab_server):
    """One page for all tests of this module that need no other."""
    visitor = labs.Visitor(chromium, lab_server)
    yield Panel(visitor("n=60", width=1280, height=420), lab_server)  # few views to be drawn
    visitor.close()


@pytest.fixture
def panel(room):
    """Bring the room back to how it was."""
    usual = Settings.of({"n": 60}).plain()
    seed = room.plain["seed"] + 1  # so that it is a new branch whatever was changed
    room.set(**{**usual, "seed": seed})
    room.holds(data="moons", n=60, seed=seed, loss={"name": "logistic"})
    return room


# ------------------------------------------------------------ one of several


def test_every_dataset_can_be_chosen_by_mouse(panel):
    radios = panel.page.locator(".controls .dataset input")
    assert [r.get_attribute("value") for r in radios.all()] == list(FOUND)
    for name in [*FOUND[1:], FOUND[0]]:
        panel.page.locator(f".dataset input[value='{name}']").check()
        panel.holds(data=name)
        assert panel.page.locator(f".dataset input[value='{name}']").is_checked()
        kind = choices(panel.branch.settings)["kind"]
        assert panel.branch.settings.loss.targets in {kind, "numbers" if kind != "labels" else kind}


def test_datasets_are_radio_buttons_of_one_group(panel):
    panel.page.locator(".dataset input:checked").press("ArrowRight")
    panel.holds(data=FOUND[1])
    panel.page.locator(".dataset input:checked").press("ArrowLeft")
    panel.holds(data=FOUND[0])


PARTS = [
    ("Loss", "loss", LOSSES),
    ("Optimizer", "optimizer", RULES),
    ("Activation", "activation", ACTIVATIONS),
    ("Penalty", "penalty", PENALTIES),
    ("Schedule", "schedule", SCHEDULES),
]


# In the browser every loss; the other families have their turn in make test-slow.
QUICK = ("loss", "penalty")
CASES = [pytest.param(*p, id=p[1], marks=() if p[1] in QUICK else pytest.mark.slow) for p in PARTS]


@pytest.mark.parametrize(("label", "key", "family"), CASES)
def test_every_part_can_be_chosen_or_says_why_not(panel, label, key, family):
    panel.set(optimizer="gradient_descent")
    options = panel.control("combobox", label).locator("option").all()
    names = [option.get_attribute("value") for option in options]
    assert [name for name in names if name] == list(family)
    refused = {one["name"]: one.get("refused") for one in choices(panel.branch.settings)[key]}
    for name in family:
        option = panel.control("combobox", label).locator(f"option[value='{name}']")
        assert option.is_disabled() == bool(refused[name]), name
        assert (option.get_attribute("title") or "") == (refused[name] or "")
        if refused[name]:
            continue
        panel.control("combobox", label).select_option(name)
        panel.until(lambda n=name: (panel.plain[key] or {}).get("name") == n, name=name)
        assert panel.control("combobox", label).input_value() == name


def test_every_initialisation_and_reduction_can_be_chosen(panel):
    for name in INITIALISATIONS:
        panel.control("combobox", "Initialisation").select_option(name)
        panel.holds(init=name)
    for name in ("sum", "mean"):
        panel.control("combobox", "Taken as").select_option(name)
        panel.holds(reduction=name)


NUMBERED = [
    (key, part["name"], [n for n in part["numbers"] if not n.get("flag")])
    for key in ("loss", "optimizer", "activation", "penalty", "schedule")
    for part in choices(Settings())[key]
    if part["numbers"] and not part.get("refused")
]


@pytest.mark.slow
def test_every_number_of_every_part_has_a_slider_and_a_field(panel):
    panel.set(optimizer="gradient_descent")
    for key, name, numbers in NUMBERED:
        panel.set(**{"loss": "logistic", "optimizer": "gradient_descent", key: name})
        rows = panel.page.locator(f".numbers[data-settings={key}] .setting:has(.slide)")
        panel.until(lambda r=rows, n=numbers: r.count() == len(n), name=name)
        for row, number in zip(rows.all(), numbers, strict=True):
            assert float(row.get_by_role("spinbutton").input_value()) == number["default"]
            before = number["default"]
            away = "ArrowRight" if before == number["low"] else "ArrowLeft"
            row.get_by_role("slider").press(away)
            panel.until(lambda k=key, n=number, b=before: panel.plain[k][n["name"]] != b, at=number)
            panel.page.wait_for_selector(ANSWERED)
            shown = float(row.get_by_role("spinbutton").input_value())
            assert shown == panel.plain[key][number["name"]]


# ------------------------------------------------------------ numbers and switches

SLIDERS = [
    ("Rows", "n", 45),
    ("Noise", "noise", 0.25),
    ("Held out", "validation", 0.5),
    ("Batch size", "batch_size", 8),
    ("Clip by norm", "clip_norm", 2.5),
    ("Clip by value", "clip_value", 0.125),
]


def test_sliders_and_their_numbers_are_pythons(panel):
    for name, key, value in SLIDERS:
        panel.type(name, value)
        panel.holds(**{key: value})
        panel.press(name, "ArrowLeft")
        panel.until(lambda k=key, v=value: panel.plain[k] < v, name=name)
        panel.until(lambda n=name, k=key: panel.shown(n) == panel.plain[k])


@pytest.mark.slow
def test_the_right_end_means_all_rows_and_no_clipping(panel):
    for name, key, value in SLIDERS[3:]:
        panel.type(name, value)
        panel.holds(**{key: value})
        panel.press(name, "End")
        panel.holds(**{key: None})
        assert panel.control("spinbutton", name).input_value() == ""
        assert panel.control("slider", name).get_attribute("aria-valuetext") in {"all", "off"}
        panel.type(name, value)
        panel.holds(**{key: value})
        panel.control("spinbutton", name).fill("")
        panel.control("spinbutton", name).press("Enter")
        panel.holds(**{key: None})


def test_switches_and_seeds(panel):
    for name, key in (("Standardise features", "standardize"), ("Biases", "bias")):
        before = panel.plain[key]
        panel.control("checkbox", name).press("Space")
        panel.holds(**{key: not before})
    panel.type("Seed", 12)
    panel.holds(seed=12)
    panel.type("Seed of the data", 41)
    panel.holds(data_seed=41)
    panel.control("button", "New data").click()
    panel.holds(data_seed=42)


def test_labels_of_blobs_and_noise_where_there_is_none(panel):
    assert panel.control("slider", "Labels").count() == 0
    panel.set(data="blobs")
    panel.press("Labels", "ArrowRight")
    panel.holds(classes=3)
    assert panel.plain["loss"] == {"name": "softmax"}
    panel.set(data="houses")
    assert panel.control("slider", "Noise").is_disabled()
    row = panel.page.locator("[data-settings=noise]")
    assert "houses" in row.locator(".why").inner_text()
    assert "3 rows" in panel.page.locator("[data-settings=n] .why").inner_text()


def test_features_are_switched(panel):
    for feature in ("x1²", "sin x2"):
        panel.control("checkbox", feature).press("Space")
    panel.holds(features=["x1", "x2", "x1^2", "sin x2"])
    panel.control("checkbox", "x1").click()
    panel.holds(features=["x2", "x1^2", "sin x2"])
    assert panel.branch.rows.names == ("x2", "x1^2", "sin x2")
    assert "3 of 7" in panel.page.locator(".features .about").inner_text()


def test_layers_are_drawn_by_buttons_and_keys(panel):
    panel.control("button", "Add layer").click()
    panel.holds(hidden=[4, 4, 4])
    panel.control("button", "One unit more in hidden layer 2").press("Enter")
    panel.holds(hidden=[4, 5, 4])
    panel.control("button", "One unit fewer in hidden layer 1").click()
    panel.holds(hidden=[3, 5, 4])
    panel.control("spinbutton", "Units in hidden layer 3").fill("11")
    panel.control("spinbutton", "Units in hidden layer 3").press("Enter")
    panel.holds(hidden=[3, 5, 11])
    drawn = panel.control("img", "The model: 2 inputs, then 3, 5 and 11 units, then 1 output.")
    dots = drawn.locator(".units").evaluate_all(
        "all => all.map(e => e.getAttribute('d').split('h0').length - 1)"
    )
    assert dots == [2, 3, 5, 6, 1]  # of eleven the outer six
    for left in ([3, 5], [3], []):
        panel.control("button", "Remove layer").press("Space")
        panel.holds(hidden=left)
    assert panel.control("button", "Remove layer").is_disabled()
    assert panel.control("button", "Add layer").evaluate("e => e === document.activeElement")
    assert panel.control("combobox", "Activation").is_disabled()
    assert str(panel.branch.live.task).startswith("linear")


def test_no_more_layers_than_there_can_be(panel):
    panel.set(hidden=[2] * 5)
    panel.control("button", "Add layer").click()
    panel.holds(hidden=[2] * 6)
    assert panel.control("button", "Add layer").is_disabled()


# ------------------------------------------------------------ what a change does


def train(panel, updates):
    panel.session.receive({"kind": "advance", "updates": updates})
    panel.page.wait_for_selector(
        f".lab[data-updates='{panel.branch.step + updates}'], .lab[data-updates='{updates}']"
    )


def test_what_continues_keeps_branch_and_history(panel):
    train(panel, 20)
    number, before = panel.leader.current, panel.branch.run().history["loss"].copy()
    panel.press("Learning rate", "ArrowRight", 3)
    panel.until(lambda: panel.plain["learning_rate"] > 0.03)
    panel.type("Momentum (beta 1)", 0.5)
    panel.until(lambda: panel.plain["optimizer"]["beta1"] == 0.5)
    panel.control("combobox", "Penalty").select_option("l2")
    panel.until(lambda: (panel.plain["penalty"] or {}).get("name") == "l2")
    panel.type("Strength", 0.02)
    panel.until(lambda: panel.plain["penalty"]["strength"] == 0.02)
    assert panel.leader.current == number
    train(panel, 5)
    run = panel.branch.run()
    assert list(run.history["loss"][:20]) == list(before)
    assert run.state.step == 25
    assert {"learning_rate", "optimizer", "penalty"} <= {k for e in run.events for k in e}
    assert panel.shown("Learning rate") == panel.branch.live.learning_rate


def test_two_numbers_of_a_rule_changed_at_one_step_both_stay(panel):
    train(panel, 4)
    panel.type("Momentum (beta 1)", 0.5)
    panel.until(lambda: panel.plain["optimizer"]["beta1"] == 0.5)
    panel.type("Squares (beta 2)", 0.9)
    panel.until(lambda: panel.plain["optimizer"]["beta2"] == 0.9)
    assert [c["optimizer"] for _, c in panel.branch.changes] == [panel.plain["optimizer"]]


def test_what_goes_deeper_begins_a_branch(panel):
    train(panel, 10)
    number = panel.leader.current
    panel.control("button", "Add layer").click()
    panel.until(lambda: panel.leader.current != number)
    assert panel.branch.step == 0
    assert panel.branch.origin.branch == number
    assert panel.leader.branches[number].step == 10


def test_headings_say_beforehand_what_happens(panel):
    effects = {
        group.get_attribute("data-group"): group.locator(".effect").inner_text()
        for group in panel.page.locator("details.group").all()
    }
    assert effects.pop("steering") == "continues"
    assert set(effects.values()) == {"new branch"}
    for name, effect in (
        ("steering", True),
        ("data", False),
        ("model", False),
        ("optimizer", False),
    ):
        keys = panel.page.locator(f"[data-group={name}] [data-settings]").evaluate_all(
            "all => all.flatMap(e => e.dataset.settings.split(' '))"
        )
        assert keys
        for key in keys:
            changed = other(panel.plain, key)
            if changed is not None:
                assert panel.branch.settings.kept_by({key: changed}) is effect, key


def other(plain, key):
    """Another value of a setting, where one is easily found."""
    value = plain[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + (1 if isinstance(value, int) else value / 8)
    if key == "hidden":
        return [*value, 2]
    return {"penalty": "l2", "data": "xor", "init": "zeros", "schedule": "cosine"}.get(key)


def test_auto_is_measured_and_told(panel):
    panel.control("button", "auto").click()
    panel.holds(learning_rate="auto")
    assert panel.control("button", "auto").get_attribute("aria-pressed") == "true"
    assert panel.shown("Learning rate") == panel.branch.live.learning_rate


def test_what_python_changed_by_itself_is_told(panel):
    panel.page.locator(".dataset input[value=line]").check()
    panel.holds(data="line", loss={"name": "squared_error"})
    panel.page.wait_for_selector("[data-settings=loss] .also")
    said = panel.page.locator(".notice .said").inner_text()
    assert "squared_error" in said
    panel.page.get_by_role("button", name="Close", exact=True).click()
    assert panel.page.locator(".notice .said").inner_text() == ""
    panel.type("Noise", 0.5)
    panel.holds(noise=0.5)
    assert panel.page.locator("[data-settings=loss] .also").count() == 0


def test_a_refusal_is_said_and_the_control_goes_back(panel):
    panel.type("Noise", 99)
    panel.page.wait_for_selector(".notice .said[data-severity=error]:not(:empty)")
    assert "noise" in panel.page.locator(".notice .said").inner_text()
    panel.page.wait_for_selector(ANSWERED)
    assert panel.shown("Noise") == panel.plain["noise"] == 0.1
    panel.type("Noise", 0.2)
    panel.holds(noise=0.2)


def test_an_optimizer_that_searches_needs_no_rate(panel):
    panel.control("combobox", "Optimizer").select_option("lbfgs")
    panel.until(lambda: panel.plain["optimizer"]["name"] == "lbfgs")
    for role, name in (("slider", "Learning rate"), ("button", "auto"), ("slider", "Batch size")):
        assert panel.control(role, name).is_disabled(), name
    assert "its own steps" in panel.page.locator("[data-settings=learning_rate] .why").inner_text()


# ------------------------------------------------------------ the slider of the rate


def test_the_limit_and_the_best_stand_where_they_belong(panel):
    panel.set(data="line", learning_rate=0.2, penalty=None)
    A = np.column_stack([panel.branch.rows.X, np.ones(len(panel.branch.rows.X))])
    eigenvalues = np.linalg.eigvalsh(2 * A.T @ A / len(A))
    limit, best = 2 / eigenvalues[-1], 2 / (eigenvalues[0] + eigenvalues[-1])
    about = panel.page.locator("[data-settings=learning_rate] .about")
    words = f"limit {limit:.3g} (exact), best {best:.3g}"
    panel.until(lambda: about.inner_text() == words, words=words)
    rail = panel.page.locator("[data-settings=learning_rate] .rail").bounding_box()
    for mark, value in (("limit", limit), ("best", best)):
        box = panel.page.locator(f".rail .{mark}").bounding_box()
        place = (math.log10(value) + 6) / 7
        assert abs(box["x"] + box["width"] / 2 - rail["x"] - place * rail["width"]) < 1, mark
    panel.type("Learning rate", 1.25 * limit)
    panel.until(lambda: about.inner_text().startswith("beyond the limit"))
    described = panel.control("slider", "Learning rate").get_attribute("aria-describedby")
    assert about.get_attribute("id") in described.split()
    place, places = panel.control("slider", "Learning rate").evaluate("e => [e.value, e.max]")
    assert abs(int(place) / int(places) - (math.log10(1.25 * limit) + 6) / 7) < 1e-3


@pytest.mark.slow
def test_dragging_has_one_change_under_way_at_a_time(lab, lab_server):
    page = lab.watched(lab.chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    lab.contexts.append(page.context)
    heard = SimpleNamespace(flying=0, most=0, sent=[])

    def sent(text):
        message = json.loads(text)
        if message["kind"] == "set":
            heard.sent.append(message)
            heard.flying += 1
            heard.most = max(heard.most, heard.flying)

    def received(data):
        if b'"kind":"state"' in bytes(data[:60]):
            heard.flying = 0

    def watch(socket):
        socket.on("framesent", sent)
        socket.on("framereceived", received)

    page.on("websocket", watch)
    page.goto(lab.lab.door("n=60"))
    panel = Panel(page, lab_server)
    slider = panel.control("slider", "Learning rate")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for i in range(60):
        page.mouse.move(box["x"] + box["width"] * (0.5 + i / 200), middle)
    page.mouse.up()
    page.wait_for_selector(ANSWERED)
    assert heard.most == 1
    assert len(heard.sent) > 2
    last = heard.sent[-1]["change"]["learning_rate"]
    panel.holds(learning_rate=last)
    assert panel.shown("Learning rate") == last


# ------------------------------------------------------------ tables


@pytest.fixture(scope="module")
def table(tmp_path_factory, chromium):
    """Open a lab on a table: numbers, a category, a date, prose that identifies rows."""
    lines = ["size,colour,day,name,price"]
    for i in range(40):
        name = f"a house that is called number {i} by all"
        lines.append(
            f"{i * 7 % 19},{('blue', 'red')[i % 2]},2024-01-{i % 28 + 1:02d},{name},{i * i % 31}"
        )
    path = tmp_path_factory.mktemp("table") / "houses.csv"
    path.write_text("\n".join(lines))
    with labs.running_lab(open_table(path, "houses.csv", target="price")) as running:
        visitor = labs.Visitor(chromium, running)
        yield Panel(visitor(""), running)
        visitor.close()


def test_columns_of_a_table_go_in_and_out(table):
    table.holds(data="table", target="price")
    assert table.control("checkbox", "size").is_checked()
    assert "name: " in table.page.locator(".features .refused").inner_text()
    table.control("checkbox", "colour").press("Space")
    table.until(lambda: "colour" not in table.plain["features"] and table.plain["features"])
    assert "size" in table.branch.rows.names
    assert not any("colour" in name for name in table.branch.rows.names)
    table.control("combobox", "Target").select_option("size")
    table.holds(target="size")


# ------------------------------------------------------------ locks, everyone


@pytest.mark.parametrize("name", list(goals.LOCKS))
def test_a_lock_hides_just_its_controls(lab, lab_server, name):
    page = lab(f"n=60&lock={name}")
    page.wait_for_selector(ANSWERED)
    hidden = page.locator("[data-settings]").evaluate_all(
        "all => all.filter(e => e.hidden).flatMap(e => e.dataset.settings.split(' '))"
    )
    shown = page.locator("[data-settings]").evaluate_all(
        "all => all.filter(e => !e.hidden).flatMap(e => e.dataset.settings.split(' '))"
    )
    locked = set(goals.LOCKS[name]) & {*hidden, *shown}
    assert locked
    assert set(hidden) == locked
    assert page.locator(".controls .locked").inner_text().startswith("Locked by your teacher: ")
    if name == "model":  # all of it: no empty card stays
        assert page.locator(".controls details[data-group=model]").is_hidden()
    start = page.get_by_role("button", name="New start")
    assert start.get_attribute("aria-disabled") == ("true" if name == "seeds" else "false")


def test_everything_locked_leaves_no_panel(lab):
    every = ",".join(Settings().plain())
    page = lab(f"n=60&lock={every}")
    page.wait_for_selector(".controls[data-ready=yes]", state="attached")
    assert page.locator(".controls").is_hidden()
    board = page.locator(".board").bounding_box()
    assert board["width"] > 1150


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (375, "light")])
def test_axe_finds_nothing_and_nothing_overflows(lab, lab_server, width, scheme):
    page = lab("n=60&hidden=3,9&optimizer=adam", width=width, height=800, color_scheme=scheme)
    panel = Panel(page, lab_server)
    panel.control("combobox", "Penalty").select_option("l2")
    panel.until(lambda: panel.plain["penalty"] is not None)
    page.evaluate(AXE)
    assert page.evaluate(AXE_RUN) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    over = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1)
        .map(e => e.outerHTML.slice(0, 90))"""
    assert page.locator(".controls .setting, .controls .line").evaluate_all(over) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_phone_begins_with_its_groups_closed_and_says_what_is_chosen(lab):
    page = lab("n=60&data=circles", width=375, height=800)
    page.wait_for_selector(ANSWERED)
    assert page.locator("details.group[open]").count() == 0
    summaries = [s.inner_text() for s in page.locator("details.group > summary").all()]
    assert any("circles" in s for s in summaries)
    assert any("2 → 4 → 4 → 1" in s for s in summaries)
    page.locator("details.group > summary").nth(2).press("Enter")
    assert page.get_by_role("button", name="Add layer").is_visible()
