"""By hand: what is dragged, what it costs, the best possible, and descent from where the hand is.

Everything on the page is computed there; here it is computed again, by geometry and NumPy.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests import labs

import descend as ds
from descend.datasets import blobs, sliders
from descend.errors import InputError
from descend.lab.hand import checked_trail, floor_of

X = np.linspace(-5, 5, 100)
Y = 2 * X + 20
START = (-5.0, 3.0)
WAIT = 15_000
# Notes how long each frame's work takes, in milliseconds, and what is said to Python.
WATCH = """() => {
  globalThis.spent = [];
  const later = requestAnimationFrame.bind(globalThis);
  globalThis.requestAnimationFrame = (act) => later((now) => {
    const from = performance.now();
    act(now);
    spent.push(performance.now() - from);
  });
  globalThis.told = [];
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (...given) {
    told.push(JSON.parse(given[0]).kind);
    return send.apply(this, given);
  };
}"""
UPDATES = """() => /By machine: ([3-9][0-9]|[1-9][0-9]{2,}) updates/.test(
    document.querySelector("[data-view=race]").innerText)"""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RUN = """async () => (await axe.run({ include: [[".hand"], [".modes"]] })).violations
    .map((found) => `${found.id}: ${found.nodes[0].html}`)"""


def mse(w, b, x=X, y=Y):
    return np.mean((w * x + b - y) ** 2)


def log_loss(scores, labels):
    return np.mean(np.logaddexp(0, scores) - labels * scores)


@pytest.fixture(scope="module")
def screen(chromium, lab_server):
    """Open one lab for all tests of this module, by hand."""
    visitor = labs.Visitor(chromium, lab_server)
    page = visitor("data=sliders", width=1280, height=1400)
    page.wait_for_selector("[data-ready=yes]")
    page.get_by_role("button", name="By hand").click()
    yield page
    visitor.close()


@pytest.fixture
def by_hand(screen):
    """Choose a problem of the ladder; what was done to it before is forgotten."""

    def chosen(words="the line of the sliders"):
        before = screen.locator(".lab").get_attribute("data-branch")
        ladder = screen.get_by_role("combobox", name="Problem")
        number = ladder.get_by_role("option", name=words).first.get_attribute("value")
        ladder.select_option(number)
        screen.wait_for_function(
            "(before) => document.querySelector('.lab').dataset.branch !== before", arg=before
        )
        screen.wait_for_selector(".room[data-drawn]")
        screen.get_by_role("button", name="From the start again").click()
        settled(screen)
        return screen

    return chosen


def settled(page):
    """Wait until what was done last is drawn."""
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )


def theta(page):
    settled(page)
    found = page.locator(".slider input[type=range]").evaluate_all(
        "(all) => all.map((one) => one.value)"
    )
    return np.array(found, dtype=float)


def title(page):
    settled(page)
    heading = page.locator("[data-view=picture] h3")
    return heading.inner_text(), float(heading.get_attribute("data-value"))


def value(page, name):
    settled(page)
    return float(page.locator(f".standing [data-name={name}]").get_attribute("data-value"))


def center(handle):
    box = handle.bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


def handle_of(page, name):
    return page.get_by_role("slider", name=name)


def drag(page, handle, by):
    start = center(handle)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*(start + np.array(by) / 2))
    page.mouse.move(*(start + by))
    page.mouse.up()
    settled(page)
    return start


def up_scale(page):
    """Pixels to a unit of y, from two handles whose heights are known: those of the start."""
    left, right = (center(handle_of(page, f"{side} end")) for side in ("left", "right"))
    return (right[1] - left[1]) / ((28.0) - (-22.0)), left, right


# ---------------------------------------------------------------- the line


def test_it_begins_as_the_sliders_do(by_hand):
    page = by_hand()
    assert_allclose(theta(page), START)
    words, shown = title(page)
    assert words == "MSE 705.58 at w −5, b 3"
    assert_allclose(shown, 705.5824915824915, rtol=1e-12)
    for name, ends in (("w", ("-10", "10")), ("b", ("-10", "30"))):
        slider = page.get_by_role("slider", name=name, exact=True)
        assert (slider.get_attribute("min"), slider.get_attribute("max")) == ends


def test_an_end_turns_the_line_about_the_other(by_hand):
    page = by_hand()
    scale, left, _ = up_scale(page)
    drag(page, handle_of(page, "right end"), (40, -137))
    w, b = theta(page)
    # The left end stays at (-5, 28); the right one is 137 pixels higher, still over x = 5.
    right = -22 + 137 / scale
    assert_allclose([w, b], [(right - 28) / 10, (right + 28) / 2], atol=1e-2)
    assert_allclose(center(handle_of(page, "left end")), left, atol=0.6)
    assert_allclose(title(page)[1], mse(w, b), rtol=1e-6)
    assert value(page, "moves") == 1


def test_the_line_itself_can_be_taken_and_moves_without_turning(by_hand):
    page = by_hand()
    scale, left, right = up_scale(page)
    at = left + 0.25 * (right - left)  # no handle is here
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0], at[1] - 40)
    page.mouse.move(at[0], at[1] - 61)
    page.mouse.up()
    w, b = theta(page)
    assert_allclose([w, b], [-5, 3 + 61 / scale], atol=5e-2)
    assert title(page)[0].startswith(f"MSE {mse(w, b):.5g} at w −5, b ")


def test_axes_stay_while_the_line_moves(by_hand):
    page = by_hand()
    _, left, right = up_scale(page)
    middle = handle_of(page, "middle of the line")
    before = center(middle)
    drag(page, middle, (0, -90))
    assert_allclose(center(middle), before - np.array([0, 90]), atol=0.6)
    drag(page, middle, (0, 90))
    assert_allclose(center(handle_of(page, "left end")), left, atol=0.6)
    assert_allclose(center(handle_of(page, "right end")), right, atol=0.6)


def test_handles_and_sliders_by_keyboard(by_hand):
    page = by_hand()
    scale, *_ = up_scale(page)
    handle_of(page, "middle of the line").focus()
    page.keyboard.press("ArrowUp")
    assert_allclose(theta(page), [-5, 3 + 4 / scale], atol=1e-2)
    page.keyboard.press("Shift+ArrowDown")
    assert_allclose(theta(page), [-5, 3 - 20 / scale], atol=1e-2)
    assert value(page, "moves") == 2
    page.get_by_role("slider", name="w", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert_allclose(theta(page)[0], -4.95)
    page.keyboard.press("Shift+ArrowRight")
    assert_allclose(theta(page)[0], -4.45)
    page.get_by_label("b, as a number").fill("20.5")
    page.keyboard.press("Tab")
    assert_allclose(theta(page), [-4.45, 20.5])
    assert_allclose(title(page)[1], mse(-4.45, 20.5))
    spoken = page.locator(".room > [aria-live=polite]").inner_text()
    assert spoken.startswith(f"MSE {mse(-4.45, 20.5):.5g} at w −4.45, b 20.5; best so far")


def test_squares_have_the_errors_as_sides(by_hand):
    page = by_hand()
    scale, *_ = up_scale(page)
    drag(page, handle_of(page, "right end"), (0, -80))
    page.get_by_role("checkbox", name="Squares of the errors").check()
    settled(page)
    sizes = page.locator(".squares rect:not(.mean)").evaluate_all(
        "(all) => all.map((one) => [+one.getAttribute('width'), +one.getAttribute('height')])"
    )
    wide, high = np.array(sizes).T
    w, b = theta(page)
    assert_allclose(wide, high)
    assert_allclose(wide / scale, np.abs(w * X + b - Y), atol=0.05)
    assert_allclose(np.mean(wide * high) / scale**2, mse(w, b), rtol=2e-3)
    mean = float(page.locator(".squares .mean").get_attribute("width"))
    assert_allclose((mean / scale) ** 2, mse(w, b), rtol=2e-3)
    assert (
        f"is {mse(w, b):.5g}: that is the MSE" in page.locator("[data-name=squares]").inner_text()
    )


def test_dragging_asks_nothing_of_python_and_is_drawn_in_time(by_hand):
    page = by_hand()
    page.evaluate(WATCH)
    handle = handle_of(page, "right end")
    start = center(handle)
    page.mouse.move(*start)
    page.mouse.down()
    for step in range(25):
        page.mouse.move(start[0], start[1] - 4 * step)
    before, told = theta(page), page.evaluate("told")
    page.mouse.up()
    spent = page.evaluate("spent")
    assert before[0] > START[0]
    assert not {"hand", "set", "edit", "look", "floor"} & set(told)
    assert len(spent) > 3
    assert np.median(spent) < 16
    # A moment after the move the trail is told.
    page.wait_for_function("() => told.includes('hand')", timeout=WAIT)


# ---------------------------------------------------------------- the way down, and how far


def test_one_arrow_at_a_time_along_the_negative_gradient(by_hand):
    page = by_hand()
    which = page.get_by_role("button", name="Which way is down?")
    which.click()
    settled(page)
    which.press("Enter")  # it is shown already
    assert value(page, "assists") == 1
    error = START[0] * X + START[1] - Y
    down = -2 * np.array([np.mean(error * X), np.mean(error)])
    canvas = page.locator("[data-view=map] canvas")
    arrow = np.array(canvas.get_attribute("data-arrow").split(), dtype=float)
    assert_allclose(arrow / np.linalg.norm(arrow), down / np.linalg.norm(down), atol=1e-6)
    words = page.locator(".compass").inner_text()
    assert "more w, more b" in words
    assert f"{np.linalg.norm(down):.3g}" in words
    page.get_by_role("slider", name="w", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert canvas.get_attribute("data-arrow") is None
    which.click()
    assert value(page, "assists") == 2


def test_the_floor_is_least_squares_and_stays_hidden_until_asked_for(by_hand):
    page = by_hand("a line through noise")
    _, y = sliders(4.0, 0)
    A = np.column_stack([X, np.ones(100)])
    best = np.linalg.lstsq(A, y, rcond=None)[0]
    least = np.mean((A @ best - y) ** 2)
    standing = page.locator("[data-view=standing]")
    assert "not shown yet" in standing.inner_text()
    page.get_by_label("Your guess").fill("40")
    page.get_by_role("button", name="Show the best possible").click()
    page.wait_for_selector(".standing [data-name=floor][data-value]", timeout=WAIT)
    assert_allclose(value(page, "floor"), least, rtol=1e-9)
    assert f"You said 40: too high. The best possible is {least:.4g}" in standing.inner_text()
    page.get_by_label("b, as a number").fill("10")
    page.keyboard.press("Tab")
    gap = mse(-5, 10, y=y) - least
    share = 1 - gap / (mse(-5, 3, y=y) - least)
    settled(page)
    words = standing.inner_text()
    assert f"{gap:.3g} above the best possible, {100 * share:.0f} % of the way down" in words
    assert value(page, "assists") == 0


def test_descent_continues_from_the_hand(by_hand, lab_server):
    page = by_hand()
    drag(page, handle_of(page, "right end"), (0, -120))
    drag(page, handle_of(page, "middle of the line"), (0, -20))
    page.get_by_role("button", name="Which way is down?").click()
    at = theta(page)
    page.get_by_role("button", name="Let descent continue from here").click()
    page.wait_for_function(UPDATES, timeout=WAIT)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".lab[data-playing=no]")
    run = session_of(lab_server, page).run()
    (event,) = [event for event in run.events if event["kind"] == "hand"]
    assert_allclose(run.at(0).theta, at, rtol=1e-12)
    assert_allclose(event["trail"][-1], at, rtol=1e-12)
    assert_allclose(event["trail"][0], START)
    assert (len(event["trail"]), event["assists"], event["step"]) == (3, 1, 0)
    below = int(np.argmax(run.history["loss"] < mse(*at) * (1 - 1e-6)))
    words = page.locator("[data-view=race] .readout").inner_text()
    assert f"By hand: 2 moves, best {mse(*at):.5g}." in words
    assert f"below your best after {below} update" in words
    assert_allclose(theta(page), at)  # the hand is where it was


def test_a_trail_is_saved_with_the_run(by_hand, lab_server, tmp_path):
    page = by_hand()
    drag(page, handle_of(page, "right end"), (0, -50))
    at = theta(page)
    session = session_of(lab_server, page)
    for _ in range(100):
        if any(event["kind"] == "hand" for event in session.run().events):
            break
        page.wait_for_timeout(50)
    session.run().save(tmp_path / "by_hand.run")
    (event,) = [e for e in ds.load(tmp_path / "by_hand.run").events if e["kind"] == "hand"]
    assert_allclose(event["trail"], [START, at], rtol=1e-12)


def session_of(lab_server, page):
    """Return the session of a page."""
    name = re.search(r"/s/([\w-]+)", page.url)[1]
    return lab_server.sessions.find(name)


# ---------------------------------------------------------------- other problems


def test_one_number(by_hand):
    page = by_hand("1 number")
    _, y = sliders(4.0, 0)
    assert theta(page).tolist() == [-5]
    drag(page, handle_of(page, "right end"), (0, -60))
    (w,) = theta(page)
    assert w > -5
    assert_allclose(title(page)[1], mse(w, 0, y=y), rtol=1e-6)
    page.get_by_role("button", name="Show the best possible").click()
    page.wait_for_selector(".standing [data-name=floor][data-value]", timeout=WAIT)
    slope = (X @ y) / (X @ X)
    assert_allclose(value(page, "floor"), mse(slope, 0, y=y), rtol=1e-9)


def clouds(feature):
    centers = 2 * np.array([[0.0, 1.0], [0.0, -1.0]])
    points, labels = blobs(120, centers, 0, spread=1.5)
    return points[:, feature], labels


def test_a_sigmoid_is_moved_and_turned(by_hand):
    page = by_hand("two labels along one feature")
    x, labels = clouds(1)
    w, b = theta(page)
    assert (w, b) == (0.5, 1)
    assert_allclose(title(page)[1], log_loss(w * x + b, labels), rtol=1e-9)
    middle, steep = (handle_of(page, f"{one} of the curve") for one in ("middle", "steepness"))
    # The handles are a sixth of the rows' width apart: so wide is a unit of x.
    scale = (center(steep) - center(middle))[0] / (np.ptp(x) / 6)
    drag(page, middle, (120, 0))
    moved = theta(page)
    assert moved[0] == w
    assert_allclose(-moved[1] / w, -b / w + 120 / scale, atol=0.01)  # where it passes one half
    far = center(steep) - center(middle)
    drag(page, steep, (0, -2 * far[1]))  # as far below one half as it was above
    assert_allclose(theta(page), -moved, rtol=0.05)
    assert_allclose(
        title(page)[1], log_loss(theta(page)[0] * x + theta(page)[1], labels), rtol=1e-5
    )


def test_a_boundary_is_turned_moved_and_made_steeper(by_hand):
    page = by_hand("two labels over two features")
    points, labels = np.column_stack([clouds(0)[0], clouds(1)[0]]), clouds(0)[1]

    def loss(u, v, b):
        return log_loss(points @ [u, v] + b, labels)

    assert_allclose(title(page)[1], loss(1, 0.5, 0.5), rtol=1e-9)
    drag(page, handle_of(page, "middle of the boundary"), (25, 10))
    u, v, b = theta(page)
    assert (u, v) == (1, 0.5)
    assert b < 0.5
    names = ("one end of the boundary", "other end of the boundary")
    ends = [center(handle_of(page, name)) for name in names]
    drag(page, handle_of(page, names[0]), (60, 0))
    turned = theta(page)
    assert_allclose(np.hypot(*turned[:2]), np.hypot(u, v), rtol=1e-5)  # as steep as before
    assert (
        abs(distance(center(handle_of(page, names[0])), center(handle_of(page, names[1])), ends[1]))
        < 1.5
    )
    middle, beside = (
        center(handle_of(page, n)) for n in ("middle of the boundary", "steepness across")
    )
    drag(page, handle_of(page, "steepness across"), (middle - beside) / 2)
    assert_allclose(theta(page)[:2], 2 * turned[:2], rtol=0.05)
    assert_allclose(title(page)[1], loss(*theta(page)), rtol=1e-5)


def test_where_no_boundary_is_in_the_picture_it_says_so(by_hand):
    page = by_hand("two labels over two features")
    page.get_by_label("bias, as a number").fill("60")
    page.keyboard.press("Tab")
    settled(page)
    assert "No boundary is in this picture" in page.locator("[data-view=picture]").inner_text()
    assert page.locator(".handle:visible").count() == 0


def distance(one, other, point):
    """Return how far a point is from the line through two others."""
    along = (other - one) / np.linalg.norm(other - one)
    away = point - one
    return along[0] * away[1] - along[1] * away[0]


def test_many_numbers_have_a_list_of_sliders_and_a_slice(by_hand):
    page = by_hand("three houses")
    assert len(theta(page)) == 4
    assert page.locator(".handle").count() == 0
    assert "no line to drag" in page.locator("[data-view=picture]").inner_text()
    said = page.locator("[data-view=map]").inner_text()
    assert "A slice: the other 2 numbers are held where you left them" in said
    y = ds.datasets.houses()[1]
    assert_allclose(title(page)[1], np.mean((y - 428_000) ** 2), rtol=1e-9)
    page.get_by_label("bias, as a number").fill("400000")
    page.keyboard.press("Tab")
    assert_allclose(title(page)[1], np.mean((y - 400_000) ** 2), rtol=1e-9)


def test_a_net_is_not_set_by_hand_and_a_linear_model_is_offered(lab):
    page = lab("data=moons&hidden=2", width=360, height=800)
    page.wait_for_selector("[data-ready=yes]")
    page.get_by_role("button", name="By hand").click()
    page.wait_for_selector(".hand .card")
    assert "has hidden layers" in page.locator(".hand").inner_text()
    page.get_by_role("button", name="A linear model of these data").click()
    page.wait_for_selector(".room[data-drawn]")
    assert title(page)[0].startswith("mean logistic loss")
    page.get_by_role("button", name="By machine").click()
    page.wait_for_selector(".hand", state="hidden")
    assert page.locator(".board").is_visible()


def test_everyone_can_use_it(by_hand):
    page = by_hand("two labels over two features")
    page.get_by_role("button", name="Which way is down?").click()
    page.set_viewport_size({"width": 360, "height": 800})
    page.evaluate(AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(AXE_RUN) == []
    page.set_viewport_size({"width": 1280, "height": 1400})


# ---------------------------------------------------------------- in Python


def trained(model, loss, X, y, penalty=None):
    task = ds.Task(model, loss, ds.gradient_descent(0.1), penalty)
    return ds.train(task, X, y, epochs=3)


@pytest.mark.slow
def test_there_is_no_floor_where_labels_are_separated():
    x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    told = floor_of(trained(ds.Linear(), ds.logistic(), x, y))
    assert (told["loss"], told["theta"]) == (None, None)
    assert "separates the labels" in told["sentence"]
    held = floor_of(trained(ds.Linear(), ds.logistic(), x, y, ds.l2(0.1)))
    mixed = floor_of(trained(ds.Linear(), ds.logistic(), x, [0, 1, 0, 1]))
    assert held["loss"] > 0.1
    assert mixed["loss"] > 0.1


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (ds.MLP((3,)), ds.logistic(), "hidden layers"),
        (ds.Linear(), ds.hinge(), "kink"),
        (ds.Linear(), ds.brier(), "several minima"),
    ],
)
def test_where_no_floor_is_known_it_says_why(model, loss, words):
    told = floor_of(trained(model, loss, [[-1.0], [0.0], [1.0]], [0, 1, 0]))
    assert told["loss"] is None
    assert words in told["sentence"]


@pytest.mark.parametrize("trail", [[], [[1.0]], [[1.0, 2.0], [1.0, True]], [3.0, 4.0], [["a", 1]]])
def test_a_trail_that_is_none_of_this_model_is_refused(trail):
    with pytest.raises(InputError, match="by hand"):
        checked_trail(trail, 2)


def test_a_trail_is_kept_in_order():
    trail = [[0, 1], [2.5, 3.5]]
    kept = checked_trail(trail, 2)
    assert all(type(value) is float for theta in kept for value in theta)
    assert [before < after for before, after in pairwise(kept)] == [True]
