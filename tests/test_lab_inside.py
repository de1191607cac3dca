"""Looking inside and sharing, in a browser: the page's numbers are Python's, and runs come back."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import numpy as np
import pytest
from playwright.sync_api import expect
from tests import labs

import descend as ds
from descend.engines import scores_of
from descend.errors import InputError
from descend.lab import goals, remedies
from descend.lab.grading import asked, grade
from descend.lab.rows import open_table
from descend.lab.settings import Settings
from descend.losses import huber

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RUN = """async () => (await axe.run({ include: %s }, { resultTypes: ["violations"] }))
    .violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`)"""
SMALL = "data=moons&n=60&hidden=3,2&rate=0.1"


def session_of(lab, page):
    name = urlsplit(page.url).path.split("/")[2]
    return lab.lab.sessions.find(name)


def run_of(lab, page):
    return session_of(lab, page).run()


def weight(page):
    return page.locator('[data-view="weight"]')


def shown(page, name):
    span = weight(page).locator(f'[data-name="{name}"]').first
    return float(span.get_attribute("data-value"))


def choose(page, words):
    weight(page).get_by_label("parameter").select_option(label=words)
    expect(weight(page).locator("h3")).to_have_text(re.compile(re.escape(words)))


def settled(page, step):
    """Wait until Python's update of this step is shown."""
    page.wait_for_selector(f'[data-view="weight"] dd[data-step="{step}"]')


def updates(page, count):
    page.wait_for_selector(f'.lab[data-updates="{count}"]')


@pytest.mark.parametrize("address", [f"{SMALL}&step=20", f"{SMALL}&step=20&batch=10&penalty=l2"])
def test_the_panel_of_a_weight_shows_pythons_numbers(lab, address):
    page = lab(address)
    choose(page, "weight from unit 3 of layer 1 to unit 2 of layer 2")
    settled(page, 20)
    run = run_of(lab, page)
    at = 9 + 2 * 2 + 1  # behind layer 1's 6 weights and 3 biases
    moment = run.at(20)
    further = run.resume(epochs=run.setup.epochs + 20).at(21)
    assert shown(page, "weight") == moment.theta[at]
    # The next update may have been worked out before the compiled kernels took over.
    assert shown(page, "gradient") == pytest.approx(moment.gradient[at], rel=1e-10)
    change = further.theta[at] - moment.theta[at]
    assert shown(page, "change") == pytest.approx(change, rel=1e-10)
    assert shown(page, "next") == pytest.approx(further.theta[at], rel=1e-14)
    m, v = run.task.optimizer.rule.slots
    assert shown(page, f"memory {m}") == moment.slots[0, at]
    assert shown(page, f"memory {v}") == moment.slots[1, at]

    X = run.problem.X[:1]
    W1, b1 = moment.params["layer1.weight"], moment.params["layer1.bias"]
    hidden = np.tanh(X @ W1 + b1)
    W2, b2 = moment.params["layer2.weight"], moment.params["layer2.bias"]
    assert shown(page, "input") == pytest.approx(hidden[0, 2], rel=1e-13)
    assert shown(page, "term") == pytest.approx(hidden[0, 2] * W2[2, 1], rel=1e-13)
    assert shown(page, "sum") == pytest.approx((hidden @ W2 + b2)[0, 1], rel=1e-13)
    slope = by_differences(run, moment.theta, X, run.problem.y[:1], at)
    assert shown(page, "row gradient") == pytest.approx(slope, rel=1e-6)


def by_differences(run, theta, X, y, at, h=1e-6):
    """Return how the log loss of a row changes with a parameter, by central differences."""
    losses = []
    for sign in (1, -1):
        moved = theta.copy()
        moved[at] += sign * h
        score = scores_of(run.task, run.layout, moved, X)[0, 0]
        losses.append(np.logaddexp(0, score) - float(y[0, 0]) * score)
    return (losses[0] - losses[1]) / (2 * h)


def test_a_weight_is_set_by_typing_and_at_an_earlier_step_on_a_branch(lab):
    page = lab(f"{SMALL}&step=12")
    choose(page, "bias of unit 1 of layer 1")
    field = weight(page).get_by_label("Set it to")
    before = float(field.input_value())
    field.fill("0.25")
    field.press("Escape")
    assert float(field.input_value()) == before
    assert "goes on from it" in weight(page).inner_text()
    field.fill("0.25")
    field.press("Enter")
    expect(page).to_have_url(re.compile("changes="))
    run = run_of(lab, page)
    assert run.at(12).theta[6] == 0.25
    assert run.state.step == 12
    assert page.locator(".lab").get_attribute("data-branch") == "1"
    settled(page, 12)
    assert shown(page, "weight") == 0.25
    assert shown(page, "gradient") == pytest.approx(run.at(12).gradient[6], rel=1e-10)
    field.fill("")
    field.press("Enter")
    assert run_of(lab, page).at(12).theta[6] == 0.25

    page.get_by_label("Update looked at").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(weight(page).locator("h3")).to_have_text(re.compile("update 7$"))
    assert "a branch begins at update 7" in weight(page).inner_text()
    field.fill("-1.5")
    field.press("Enter")
    page.wait_for_selector('.lab[data-branch="2"]')
    run = run_of(lab, page)
    assert (run.state.step, run.at(7).theta[6]) == (7, -1.5)


def test_weights_are_chosen_in_the_net_by_mouse_and_by_keyboard(lab):
    page = lab(f"{SMALL}&step=5")
    title = weight(page).locator("h3")
    line = page.locator('[data-view="network"] line.wire:not(.bias)').nth(4)
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    ends = line.evaluate("l => [+l.getAttribute('y1') < +l.getAttribute('y2')]")[0]
    share = 0.3  # away from where lines cross
    page.mouse.move(
        box["x"] + share * box["width"],
        box["y"] + (share if ends else 1 - share) * box["height"],
    )
    page.mouse.down()
    page.mouse.up()
    expect(title).to_have_text(re.compile("^The weight from x2 to unit 2 of layer 1"))
    focused = "document.activeElement.classList.contains('weight-value')"
    assert page.evaluate(focused)

    door = page.get_by_role("button", name=re.compile("Arrow keys go to others"))
    door.focus()
    door.press("ArrowDown")
    expect(title).to_have_text(re.compile("^The weight from x2 to unit 3 of layer 1"))
    door.press("ArrowRight")
    expect(title).to_have_text(
        re.compile("^The weight from unit 1 of layer 1 to unit 1 of layer 2")
    )
    assert "unit 1 of layer 2" in door.get_attribute("aria-label")
    door.press("Enter")
    assert page.evaluate(focused)


# Places are [unit, across, up], in shares of the unit.
PIXELS = """(places) => {
  const canvas = document.querySelector('[data-view=network] .stage-of-net > canvas');
  const net = document.querySelector('[data-view=network] .net');
  const scale = canvas.width / net.viewBox.baseVal.width;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const all = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const boxes = document.querySelectorAll('[data-view=network] .unit .ground');
  return places.map(([unit, across, up]) => {
    const [left, top, w, h] = ['x', 'y', 'width', 'height']
      .map((name) => +boxes[unit].getAttribute(name));
    const [x, y] = [left + across * w, top + (1 - up) * h];
    const at = 4 * (Math.round(y * scale) * canvas.width + Math.round(x * scale));
    return [...all.slice(at, at + 4)];
  });
}"""


def test_units_hold_maps_of_what_they_pass_on(lab):
    page = lab("data=moons&hidden=4&rate=0.1&step=150", height=1600)
    expect(page.locator('[data-view="network"] .stage-of-net.mapped > canvas')).to_be_visible()
    run = run_of(lab, page)
    W, b = run.params["layer1.weight"], run.params["layer1.bias"]
    X = np.concatenate([run.problem.X, np.asarray(run.data.validation[0])])
    low, high = X.min(axis=0), X.max(axis=0)
    values, places = [], []
    for unit in range(4):
        for across, up in ((0.15, 0.2), (0.5, 0.5), (0.85, 0.8)):
            # The map reaches 6 % beyond the rows on each side.
            place = low + (np.array([across, up]) * 1.12 - 0.06) * (high - low)
            values.append(float(np.tanh(place @ W[:, unit] + b[unit])))
            places.append([2 + unit, across, up])
    strongest = [place for value, place in zip(values, places, strict=True) if abs(value) > 0.5]
    assert len(strongest) >= 6
    # The net may be drawn anew meanwhile, once the kernels are there.
    labs.wait_for(lambda: all(pixel[3] for pixel in page.evaluate(PIXELS, strongest)))
    for value, (red, _, blue, alpha) in zip(values, page.evaluate(PIXELS, places), strict=True):
        if abs(value) > 0.5:
            assert (blue > red) == (value > 0)
            assert alpha == pytest.approx(235 * abs(value), abs=45)

    picture = page.locator('[data-view="data"] h3')
    assert picture.inner_text() == "Predicted label over x1 and x2"
    page.locator('[data-view="network"] .unit').nth(3).hover()
    expect(picture).to_have_text("What layer 1, unit 2 passes on, over x1 and x2")
    page.mouse.move(2, 2)
    expect(picture).to_have_text("Predicted label over x1 and x2")
    page.get_by_label("maps in the units").uncheck()
    page.wait_for_selector(".stage-of-net:not(.mapped)")


def test_features_that_follow_from_the_axes_move_with_them(lab):
    """A circle needs squares; held at their mean the boundary would be a line."""
    page = lab("data=circles&noise=0.05&hidden=&features=x1,x2,x1^2,x2^2&rate=0.5&step=400")
    run = run_of(lab, page)
    assert (run.predict(run.data.X) == run.data.y.ravel()).mean() > 0.95
    expect(page.get_by_label("other features")).to_be_hidden()
    canvas = page.locator('[data-view="data"] canvas')
    canvas.scroll_into_view_if_needed()
    middle, corner = canvas.evaluate(
        """c => { const all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const tint = (x, y) => {
          const at = 4 * (Math.round(y * c.height) * c.width + Math.round(x * c.width));
          return all[at + 2] - all[at]; };
        return [tint(0.54, 0.45), tint(0.17, 0.13)]; }"""
    )
    assert middle * corner < 0


def test_an_address_makes_the_same_run_again(lab):
    page = lab(f"{SMALL}&batch=10&step=15")
    weight(page).get_by_label("Set it to").fill("0.5")
    weight(page).get_by_label("Set it to").press("Enter")
    expect(page).to_have_url(re.compile("changes="))
    page.get_by_role("button", name="One epoch").click()
    updates(page, 20)
    expect(page).to_have_url(re.compile("step=20"))
    query = urlsplit(page.url).query
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this run")
    link = dialog.get_by_role("textbox", name="Link into this lab").input_value()
    assert link == f"{lab.lab.origin}/?{query}"
    assert (
        dialog.get_by_role("textbox", name="Command for another").input_value()
        == f'descend lab --address "{query}"'
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="One update back").click()  # what is looked at is shared
    expect(page).to_have_url(re.compile("step=19"))
    page.get_by_role("button", name="Share").click()
    expect(dialog.get_by_role("textbox", name="Link into this lab")).to_have_value(
        link.replace("step=20", "step=19")
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="To the start").click()  # before what was changed
    expect(page).to_have_url(re.compile("step=0"))
    assert "changes=" not in page.url
    again = lab(query)
    updates(again, 20)
    # Which engine does which update is not in an address: the last bits may differ.
    np.testing.assert_allclose(run_of(lab, again).theta, run_of(lab, page).theta, rtol=1e-12)
    assert run_of(lab, again).state.step == 20


def downloaded(page, name):
    dialog = page.get_by_role("dialog", name="Share this run")
    with page.expect_download(timeout=60_000) as waiting:
        dialog.get_by_role("button", name=name, exact=True).click()
    path = waiting.value.path()
    dialog.get_by_text(f"Saved as {waiting.value.suggested_filename}").wait_for()
    return waiting.value.suggested_filename, path


def test_run_script_and_report_are_saved(lab, tmp_path):
    page = lab(f"{SMALL}&step=30")
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Your name").fill("Ada")
    name, path = downloaded(page, "Save run")
    assert name == "descend-moons-ada-30.run"
    run = ds.load(path)
    np.testing.assert_array_equal(run.theta, run_of(lab, page).theta)
    found = grade(path, asked())
    assert (found.verified, found.name) == ("exact", "Ada")

    name, path = downloaded(page, "NumPy")
    assert name == "descend-moons-ada-30-numpy.zip"
    zipfile.ZipFile(path).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "train_numpy.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == f"after 30 updates: loss {run.outcome.loss:.12g}"

    for what, holds in (
        ("JAX", "train_jax.py"),
        ("PyTorch", "train_torch.py"),
        ("scikit-learn", "model.py"),
    ):
        _, path = downloaded(page, what)
        assert holds in zipfile.ZipFile(path).namelist()
    name, path = downloaded(page, "Save report")
    assert name == "descend-moons-ada-30.html"
    assert "descend lab --address" in path.read_text("utf-8")


def test_what_cannot_be_saved_is_said_and_can_be_asked_again(lab):
    page = lab(SMALL)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this run")
    button = dialog.get_by_role("button", name="NumPy")
    button.click()
    dialog.get_by_text("This run did no update").wait_for()
    assert button.is_enabled()
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Share"


def test_a_teacher_locks_and_sets_a_goal_and_a_learner_reaches_it(lab, tmp_path):
    page = lab(f"{SMALL}&step=4")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this run")
    dialog.get_by_role("checkbox", name="data", exact=True).check()
    dialog.get_by_role("checkbox", name="setting weights by hand").check()
    dialog.get_by_label("What is to be reached").select_option("validation_loss")
    dialog.get_by_label("Value").fill("0.3")
    dialog.get_by_label("Updates at most").fill("200")
    assert dialog.get_by_role("checkbox", name="loss", exact=True).is_checked()
    dialog.get_by_text("The loss is locked with this goal").wait_for()
    link = dialog.get_by_role("textbox", name="Link that works on this computer only").input_value()
    query = urlsplit(link).query
    assert query.endswith("lock=data,edit,loss&goal=validation_loss%3C0.3%40200")
    assert "step" not in query
    command = dialog.get_by_role("textbox", name="Command for everybody").input_value()
    assert command == f'descend lab --address "{query}"'
    check = dialog.get_by_role("textbox", name="Check of what they return").input_value()
    assert check == f'descend grade FOLDER --link "{query}"'

    learner = lab(query)
    banner = learner.get_by_role("group", name="Goal")
    assert "validation loss below 0.3 within 200 updates" in banner.inner_text()
    assert "not reached yet" in banner.inner_text()
    expect(weight(learner).get_by_label("Set it to")).to_be_disabled()
    session = session_of(lab, learner)
    session.receive({"kind": "set", "change": {"n": 40}})
    learner.get_by_text("The number of rows is locked in this lab").first.wait_for()
    session.receive({"kind": "edit", "step": 0, "at": 0, "to": 1.0})
    learner.get_by_text("Setting parameters by hand is locked").first.wait_for()
    session.receive({"kind": "advance", "updates": 150})
    learner.wait_for_selector('.goal[data-goal="reached"]')
    run = session.run()
    first = int(np.flatnonzero(run.history["validation_loss"] < 0.3)[0]) + 1
    assert f"reached after {first} updates" in banner.inner_text()
    learner.get_by_role("button", name="Share").click()
    assert learner.get_by_text("For a class").is_hidden()
    _, path = downloaded(learner, "Save run")
    found = grade(path, asked(address=link))
    assert (found.verified, found.reached, found.passed) == ("exact", first, True)
    notes = [event for event in ds.load(path).events if event["kind"] == "goal"]
    assert [note["reached"] for note in notes] == [first]


def test_an_exercise_that_was_opened_is_shared_with_its_goal(lab):
    page = lab(f"{SMALL}&goal=validation_loss<0.25@90")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this run")
    command = dialog.get_by_role("textbox", name="Command for everybody")
    expect(command).to_have_value(re.compile("&goal=validation_loss%3C0.25%4090"))
    dialog.get_by_text("The loss is not locked").wait_for()
    dialog.get_by_role("checkbox", name="loss", exact=True).check()
    dialog.get_by_label("Value").fill("0.2")
    expect(command).to_have_value(re.compile("&lock=loss&goal=validation_loss%3C0.2%4090"))


def test_axe_finds_nothing_in_what_is_shown_here(lab):
    page = lab(f"{SMALL}&step=5&goal=loss<0.1@200", width=375)
    settled(page, 5)
    page.evaluate(AXE)
    parts = '[".goal", "[data-view=network]", "[data-view=weight]", "[data-view=data]"]'
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(AXE_RUN % parts) == []
    page.get_by_role("button", name="Share").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(AXE_RUN % '["dialog.share"]') == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_remedy_is_tried_by_a_button(lab):
    page = lab("data=line&n=40&rate=5&step=300")
    page.get_by_role("button", name=re.compile("^Try it: lower the learning rate")).click()
    page.wait_for_selector('.lab[data-branch="2"][data-playing="yes"]')
    page.get_by_text(re.compile("A new branch, 2, from the start")).first.wait_for()
    assert run_of(lab, page).setup.learning_rate < 1


def test_columns_that_are_no_axis_are_refused_with_the_reason(chromium, tmp_path):
    rng = np.random.default_rng(0)
    lines = ["city,born,age,income,bought"]
    for i in range(60):
        age, income = rng.normal(40, 10), rng.normal(3000, 500)
        city = ("Rome", "Oslo", "Lima")[i % 3]
        bought = "yes" if age / 10 + income / 1000 + rng.normal(0, 0.5) > 7 else "no"
        lines.append(f"{city},19{60 + i % 40}-0{1 + i % 9}-11,{age:.1f},{income:.0f},{bought}")
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    opened = open_table(str(tmp_path / "sales.csv"), "sales.csv", "bought")
    with labs.running_lab(opened) as running:
        visitor = labs.Visitor(chromium, running)
        page = visitor("data=table&target=bought&step=50")
        view = page.locator('[data-view="data"]')
        expect(view.locator("h3")).to_have_text("Predicted label over age and income")
        assert "'city' is no axis to look along: it is text" in view.inner_text()
        assert "'born' is no axis to look along: it is a date" in view.inner_text()
        across = view.get_by_label("across")
        off = across.evaluate("s => [...s.options].filter((o) => o.disabled).map((o) => o.text)")
        assert set(off) >= {"city=Rome", "city=Oslo", "city=Lima", "born year"}
        view.get_by_label("other features").select_option("average")
        expect(view.locator("canvas")).to_be_visible()
        visitor.close()


# ---------------------------------------------------------------- remedies, without a browser


class Told:
    """A session whose messages are kept."""

    def __init__(self, address):
        from descend.lab.session import Session

        self.heard = []
        self.session = Session(address=address)
        self.session.attach(lambda header, _=(): (self.heard.append(header), True)[1])
        self.session.receive({"kind": "hello"})

    def say(self, **message):
        self.session.receive(message)

    def wait(self, fits, seconds=30.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for header in list(self.heard):
                if fits(header):
                    return header
            time.sleep(0.005)
        raise AssertionError([h.get("sentence") for h in self.heard if h["kind"] == "said"])

    def said(self, words):
        return self.wait(lambda h: h["kind"] == "said" and words in h["sentence"])["sentence"]


@pytest.fixture
def told():
    opened = []

    def begin(address):
        opened.append(Told(address))
        return opened[-1]

    yield begin
    for one in opened:
        one.session.close()


def test_trying_a_lower_rate_after_a_divergence_begins_a_branch_and_trains(told):
    lab = told("data=line&rate=5&step=300")
    state = lab.wait(lambda h: h["kind"] == "state")
    assert "iverged" in state["ended"]
    lab.say(kind="try", code="step-too-large")
    sentence = lab.said("Tried: lower the learning rate to")
    assert "A new branch, 2, from the start" in sentence
    state = lab.wait(lambda h: h["kind"] == "state" and h["current"] == 2 and h["playing"])
    rate = state["settings"]["learning_rate"]
    assert f"to {rate:g}." in sentence
    assert rate < 1
    assert state["ended"] is None


def test_trying_a_change_that_can_go_on_goes_on(told):
    lab = told("data=line&rate=0.0001&step=60")
    lab.wait(lambda h: h["kind"] == "state")
    lab.say(kind="try", code="step-too-small")
    assert "From update 60 on" in lab.said("Tried: raise the learning rate")
    state = lab.wait(lambda h: h["kind"] == "state" and h["playing"])
    assert state["current"] == 1
    assert state["learning_rate"] > 0.0001


def test_what_no_longer_holds_or_is_locked_is_refused(told):
    lab = told("data=line&rate=0.0001&step=60&lock=learning_rate")
    lab.wait(lambda h: h["kind"] == "state")
    lab.say(kind="try", code="overfit")
    lab.said("no longer holds")
    lab.say(kind="try", code="step-too-small")
    lab.said("The learning rate is locked")
    assert not any(h["kind"] == "state" and h["playing"] for h in lab.heard)


def test_a_goal_whose_updates_are_over_is_missed(told):
    lab = told(f"{SMALL}&goal=validation_loss<0.0001@10")
    lab.wait(lambda h: h["kind"] == "state" and not h["goal"]["missed"])
    lab.say(kind="advance", updates=12)
    lab.said("Not reached within its updates: validation loss below 0.0001 within 10 updates")
    lab.wait(lambda h: h["kind"] == "state" and h["goal"]["missed"])


def test_fixes_are_changes_of_settings():
    settings, names = Settings(), ("x1", "x2", "x1*x2")
    change = remedies.remedy({"loss": huber(2.0), "optimizer": "lbfgs"}, settings, names).change
    assert change == {"loss": {"name": "huber", "delta": 2.0}, "optimizer": "lbfgs"}
    assert remedies.remedy({"drop_columns": ["x2"]}, settings, names).change == {
        "features": ["x1", "x1*x2"]
    }
    assert remedies.remedy({"patience": 20}, settings, names).best
    assert remedies.remedy({"epochs": 500}, settings, names).trains_on
    with pytest.raises(InputError, match="weighs all rows alike"):
        remedies.remedy({"class_weight": "balanced"}, settings, names)


def test_locks_name_settings_that_there_are():
    known = Settings().values()
    for group in goals.LOCKS.values():
        assert set(group) <= set(known)
    for name in known:
        with pytest.raises(InputError, match="locked in this lab"):
            goals.refused((name,), {name: None})
    goals.refused(("data",), {"learning_rate": 0.1})


def test_messages_that_would_change_what_is_locked_are_refused():
    lock = ("optimizer", "seeds", "edit")
    for message in (
        {"kind": "set", "change": {"optimizer": "adam"}},
        {"kind": "branch", "step": 3, "change": {"seed": 4}},
        {"kind": "reset", "start": "new"},
        {"kind": "racers", "optimizers": ["adam"]},
        {"kind": "edit", "step": 0, "at": 0, "to": 1.0},
        {"kind": "hand", "trail": [[1.0]], "go": True},
        {"kind": "racing", "start": [1.0]},
    ):
        with pytest.raises(InputError, match="locked in this lab"):
            goals.guarded(lock, message)
        goals.guarded((), message)
    for message in ({"kind": "play", "on": True}, {"kind": "reset", "start": "same"}):
        goals.guarded(lock, message)


def test_a_refused_change_is_answered_with_what_holds(told):
    lab = told(f"{SMALL}&lock=data")
    lab.wait(lambda h: h["kind"] == "state")
    lab.say(kind="set", change={"n": 30}, number=7)
    lab.said("The number of rows is locked in this lab")
    state = lab.wait(lambda h: h["kind"] == "state" and h["number"] == 7)
    assert state["settings"]["n"] == 60


def test_an_archive_of_the_same_run_has_the_same_bytes(tmp_path):
    from descend.lab.files import zipped

    (tmp_path / "a.txt").write_text("x")
    first = zipped([str(tmp_path / "a.txt")])
    assert first == zipped([str(tmp_path / "a.txt")])
    assert zipfile.ZipFile(io.BytesIO(first)).read("a.txt") == b"x"
