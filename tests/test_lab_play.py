"""Playing: the bar driven as a person would, and what is told along the way, as Python has it."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from playwright.sync_api import expect
from tests import labs
from tests.test_page_views import AXE, AXE_RUN

import descend as ds
from descend.errors import InputError
from descend.lab.branch import Branch
from descend.lab.quality import quality_of
from descend.lab.rows import rows_of
from descend.lab.settings import Settings
from descend.lab.sharpness import Sharpness, borne_by, by_differences, sharpness_of
from descend.page import pack

STEP = "([wanted]) => document.querySelector('.lab').dataset.step === String(wanted)"
BEYOND = "([least]) => Number(document.querySelector('.lab').dataset.step) > least"
UPDATES = "([wanted]) => document.querySelector('.lab').dataset.updates === String(wanted)"


@pytest.fixture
def opened(lab, lab_server):
    """Open a lab; returns the page, and a function for the run that Python has."""

    def open_lab(address="data=moons", **options):
        page = lab(address, **options)
        page.wait_for_selector("[data-ready=yes]")
        name = re.search(r"/s/([^/?]+)", page.url).group(1)
        return page, lambda: lab_server.sessions.find(name).run()

    return open_lab


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def status(page):
    return page.locator(".playbar .status")


def at(page, step):
    page.wait_for_function(STEP, arg=[step])


def trained(page, updates):
    """Train so many updates, one press, and wait for them."""
    page.get_by_label("Speed").select_option(label="100x")
    button(page, "Play").click()
    page.wait_for_function(BEYOND, arg=[updates])
    button(page, "Pause").click()
    expect(status(page)).to_contain_text("Paused after")


def value(page, name):
    return float(page.locator(f".now [data-name='{name}']").get_attribute("data-value"))


def shown_equals(page, run, step):
    """Compare the state that is shown with Python's."""
    moment = run.at(step)
    # The summary is drawn with the frame, and its objective is computed from theta by the page.
    expect(page.locator(".now [data-name=step]")).to_have_attribute("data-value", str(step))
    assert_allclose(value(page, "norm"), np.linalg.norm(moment.theta), rtol=1e-12)
    assert_allclose(value(page, "objective"), moment.loss, rtol=1e-9)
    # Curves travel in single precision.
    assert_allclose(value(page, "loss"), run.history["loss"][step], rtol=1e-6)


# ---------------------------------------------------------------- the bar


def test_play_pause_and_single_updates(opened):
    page, run = opened()
    expect(status(page)).to_contain_text("At the start")
    button(page, "Play").click()
    page.wait_for_function(BEYOND, arg=[20])
    page.locator(".playbar .status").click()  # away from the button: Space belongs to the bar
    page.keyboard.press("Space")
    expect(status(page)).to_contain_text("Paused after")
    stopped = run().state.step
    assert stopped > 20
    at(page, stopped)
    page.wait_for_timeout(250)  # nothing more happens
    assert run().state.step == stopped
    button(page, "One update").click()
    at(page, stopped + 1)
    button(page, "One update").click()
    at(page, stopped + 2)
    assert run().state.step == stopped + 2
    page.locator("canvas.stage").last.press("ArrowRight")
    at(page, stopped + 3)
    assert_allclose(value(page, "norm"), np.linalg.norm(run().theta), rtol=1e-12)


def test_one_epoch_ends_where_an_epoch_ends(opened):
    page, run = opened("data=moons&batch=32")
    button(page, "One update").click()
    at(page, 1)
    button(page, "One epoch").click()
    at(page, 5)  # 140 training rows
    page.keyboard.press("Home")
    at(page, 0)
    page.get_by_label("Update looked at").press("Shift+ArrowRight")
    at(page, 5)
    page.keyboard.press("Shift+ArrowRight")
    at(page, 10)
    assert run().state.step == 10


def test_any_update_can_be_looked_at_exactly(opened):
    page, run = opened()
    trained(page, 300)
    done = run().state.step
    assert done > 37
    page.get_by_label("Go to update").fill("37")
    page.keyboard.press("Enter")
    at(page, 37)
    shown_equals(page, run(), 37)
    expect(status(page)).to_contain_text("Looking back at update 37")
    slider = page.get_by_label("Update looked at")
    assert slider.get_attribute("aria-valuetext").startswith("update 37 of ")
    slider.press("ArrowLeft")
    at(page, 36)
    shown_equals(page, run(), 36)
    slider.press("PageUp")
    at(page, 36 + round(done / 10))
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.3, 0.5, 0.61):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    wanted = int(slider.input_value())
    assert abs(wanted / done - 0.61) < 0.05
    at(page, wanted)
    shown_equals(page, run(), wanted)
    page.keyboard.press("End")
    at(page, done)
    expect(status(page)).to_contain_text("Paused after")
    assert run().state.step == done


def test_play_replays_up_to_the_newest_and_trains_on(opened):
    page, run = opened()
    trained(page, 120)
    done = run().state.step
    page.get_by_label("Speed").select_option(label="1x")
    button(page, "To the start").click()
    at(page, 0)
    button(page, "Play").click()
    expect(status(page)).to_contain_text("Replaying update")
    page.wait_for_function(BEYOND, arg=[5])
    assert run().state.step == done  # it does not train meanwhile
    page.get_by_label("Speed").select_option(label="5x")
    page.wait_for_function(BEYOND, arg=[done])
    expect(status(page)).to_contain_text("Training:")
    button(page, "Pause").click()
    expect(status(page)).to_contain_text("Paused after")
    assert run().state.step > done


def test_a_diverged_training_says_what_to_do(opened):
    page, run = opened("data=line&rate=0.9")
    page.get_by_label("Speed").select_option(label="as fast as it can")
    button(page, "Play").click()
    expect(status(page)).to_contain_text("Go back to an earlier update and branch from there")
    assert run().outcome.diverged
    expect(button(page, "One update")).to_have_attribute("aria-disabled", "true")
    page.get_by_label("Go to update").fill("3")
    page.keyboard.press("Enter")
    at(page, 3)
    button(page, "Branch from here").click()
    page.wait_for_function("() => document.querySelector('.lab').dataset.branch !== '1'")
    at(page, 3)
    assert run().state.step == 3
    button(page, "Reset to the same start").click()
    at(page, 0)
    seed = run().setup.seed
    button(page, "New start").click()
    page.wait_for_function("() => document.querySelector('.lab').dataset.branch === '4'")
    assert run().setup.seed == seed + 1


def test_a_change_is_marked_and_the_charts_go_on(opened):
    page, run = opened()
    trained(page, 60)
    done = run().state.step
    rate = page.get_by_role("spinbutton", name="Learning rate")
    rate.fill("0.1")
    rate.press("Enter")
    words = f"Update {done}: learning rate 0.03 → 0.1"
    expect(page.locator(f".playbar .mark.change[title='{words}']")).to_be_attached()
    button(page, "One update").click()
    at(page, done + 1)
    history = run().history["loss"]
    heading = page.locator("[data-view=loss] h3")
    expect(heading).to_contain_text(f"in {done + 1} updates")
    assert f"from {history[0]:.3g} " in heading.inner_text()
    expect(page.locator("[data-view=surface] h3")).to_contain_text("The loss over a plane")
    expect(page.locator("[data-view=findings] .finding").first).to_be_visible()
    page.locator("[data-table=curves] summary").click()
    rows = page.locator("[data-table=curves] tbody tr")
    cells = rows.last.locator("[data-name=loss]")
    expect(cells).to_have_attribute("data-value", re.compile(r"^0\.\d+$"))


# ---------------------------------------------------------------- figures beside the charts


def test_metrics_and_curvature_on_the_page_are_pythons(opened):
    page, run = opened("data=moons&optimizer=gradient_descent&rate=0.5")
    trained(page, 100)
    found = run()
    wanted = quality_of(found)["parts"]
    metrics = page.locator("[data-view=metrics]")
    expect(metrics).to_contain_text(f"Measured at update {found.state.step},")
    for part, told in wanted.items():
        for name, figure in told["figures"].items():
            cell = metrics.locator(f"[data-name='{part} {name}']")
            assert_allclose(float(cell.get_attribute("data-value")), figure, rtol=1e-12)
        counts = metrics.locator(f"[data-name^='{part} '].right, [data-name^='{part} '].wrong")
        on_page = [float(cell.get_attribute("data-value")) for cell in counts.all()]
        assert_array_equal(on_page, np.ravel(told["confusion"]))
    seen = sharpness_of(found)
    heading = page.locator("[data-view=curvature] h3")
    expect(heading).to_contain_text("2/learning rate = 4: the")

    def right():
        told = re.search(r"curvature ([\d.]+) is", heading.inner_text())
        return told and abs(float(told[1]) / seen["sharpness"] - 1) < 6e-3

    labs.wait_for(right)  # an earlier update's stands there until this one's is found
    expect(page.locator("[data-view=curvature] canvas")).to_be_visible()


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_bar_and_figures_are_for_everyone(opened, scheme):
    page, _ = opened("data=moons", width=375, height=700, color_scheme=scheme)
    trained(page, 30)
    button(page, "To the start").click()
    expect(status(page)).to_contain_text("Looking back")
    expect(page.locator("[data-view=metrics] table").first).to_be_attached()
    page.evaluate(AXE)
    for part in (".playbar", "[data-view=metrics]", "[data-view=curvature]"):
        assert page.evaluate(AXE_RUN.replace("#here", part)) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


# ---------------------------------------------------------------- the store


def module_url():
    code = resources.files("descend.lab").joinpath("lab.js").read_bytes()
    return f"data:text/javascript;base64,{base64.b64encode(code).decode()}"


OPEN = """([url, held, data]) => import(url).then(({ default: module }) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    globalThis.said = [];
    globalThis.store = module.live(JSON.parse(held), bytes, {
        train: (on) => said.push(on), look: (step) => said.push(step) });
    globalThis.size = store.theta().length;
    globalThis.add = (step) => store.add(step, new Float64Array(size).fill(step));
})"""


@pytest.fixture
def store(new_page):
    """Open a page that holds nothing but a live store of three frames."""
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=2)
    payload = pack(run, findings=(), surface="none")
    page = new_page()
    page.goto("about:blank")
    data = base64.b64encode(payload.data).decode()
    page.evaluate(OPEN, [module_url(), json.dumps(payload.page), data])
    return page


def test_frames_are_bounded_however_long_it_trains(store):
    kept, first, looked, newest = store.evaluate(
        """() => {
            store.go(1);
            for (let step = 3; step < 5003; step++) { store.setUpdates(step); add(step); }
            const { frames } = store.page;
            return [frames.length, frames[0], store.step, frames.at(-1)];
        }"""
    )
    assert 600 < kept <= 1200
    assert (first, looked, newest) == (0, 1, 5002)
    steps, values = store.evaluate(
        "() => [store.page.frames, store.page.frames.map((_, i) => store.theta(i)[0])]"
    )
    assert_array_equal(np.diff(steps) > 0, np.ones(kept - 1, dtype=bool))
    assert_array_equal(values[3:], steps[3:])  # each frame is still the one of its step
    assert steps[-200:] == list(range(4803, 5003))


def test_states_are_asked_for_one_at_a_time(store):
    said = store.evaluate(
        """() => {
            store.setUpdates(100); add(100);
            for (const step of [50, 51, 52, 53]) store.goToStep(step);
            const first = [...said, store.step, store.wanted];
            add(50);
            const second = [...said, store.step];
            add(53);
            return [first, second, [store.step, store.theta()[0], store.following, store.index]];
        }"""
    )
    assert said == [[50, 2, 53], [50, 53, 50], [53, 53, False, 4]]


def test_training_is_followed_only_by_who_looks_at_the_newest(store):
    seen = store.evaluate(
        """() => {
            store.play(true);
            const first = [store.following, store.playing, [...said]];
            store.setUpdates(3); add(3);
            const second = store.step;
            store.play(false); store.go(0);
            store.setUpdates(4); add(4);
            return [first, second, store.step, store.following, said];
        }"""
    )
    assert seen == [[True, True, [True]], 3, 0, False, [True, False]]


# ---------------------------------------------------------------- curvature


def branch_of(updates=0, **plain):
    settings = Settings.of({"data": "moons", **plain})
    branch = Branch(1, settings, rows_of(settings, None))
    branch.advance(updates)
    return branch


def test_the_curvature_of_a_line_is_that_of_its_gram_matrix():
    run = branch_of(30, data="line", learning_rate=0.1).run()
    A = np.column_stack([run.data.X, np.ones(len(run.data.X))])
    wanted = np.linalg.eigvalsh(2 * A.T @ A / len(A))
    found = Sharpness().told(run)
    assert_allclose(found["sharpness"], wanted[-1], rtol=1e-12)
    assert_allclose(found["limit"], 2 / wanted[-1], rtol=1e-9)
    assert_allclose(found["best"], 2 / (wanted[0] + wanted[-1]), rtol=1e-9)
    assert (found["claim"], found["edge"]) == ("exact", 20.0)


def test_the_curvature_of_a_net_is_that_of_torch():
    import torch

    run = branch_of(40, hidden=[3], optimizer="momentum", learning_rate=0.1).run()
    X, y = (torch.tensor(np.asarray(part, dtype=float)) for part in (run.data.X, run.data.y))

    def loss(theta):
        W, b, v, c = theta[:6].reshape(2, 3), theta[6:9], theta[9:12].reshape(3, 1), theta[12:]
        scores = torch.tanh(X @ W + b) @ v + c
        return torch.nn.functional.binary_cross_entropy_with_logits(scores, y)

    theta = torch.tensor(run.theta)
    assert_allclose(float(loss(theta)), run.outcome.loss, rtol=1e-12)
    H = torch.autograd.functional.hessian(loss, theta).numpy()
    assert_allclose(by_differences(run.program, run.theta), H, atol=1e-8)
    found = Sharpness().told(run)
    largest = np.linalg.eigvalsh(H)[-1]
    assert_allclose(found["sharpness"], largest, rtol=1e-6)
    assert_allclose(found["limit"], 3.8 / largest, rtol=1e-6)
    assert (found["claim"], round(found["bears"], 12)) == ("indication", 3.8)


def test_rules_that_divide_by_the_gradients_size_meet_a_divided_curvature():
    run = branch_of(40, hidden=[3]).run()
    rule, H = run.task.optimizer.rule, by_differences(run.program, run.theta)
    squares = run.state.slots[rule.slots.index("mean_square")] / (1 - rule.beta2**40)
    root = np.sqrt(np.sqrt(squares) + rule.epsilon)
    wanted = np.linalg.eigvalsh(H / np.outer(root, root))[-1]
    assert_allclose(sharpness_of(run)["sharpness"], wanted, rtol=1e-6)
    assert_allclose(borne_by(rule).times, 38.0)
    with pytest.raises(InputError, match="do one update"):
        sharpness_of(branch_of(0).run())


@pytest.mark.parametrize(
    ("plain", "match"),
    [
        ({"optimizer": "lbfgs"}, "searching"),
        ({"hidden": [], "loss": "hinge", "optimizer": "gradient_descent"}, "with a kink"),
    ],
)
def test_what_has_no_curvature_says_why(plain, match):
    with pytest.raises(InputError, match=match):
        sharpness_of(branch_of(2, **plain).run())


def test_points_told_are_bounded_and_in_order(monkeypatch):
    most = 24
    monkeypatch.setattr("descend.lab.sharpness.POINTS", most)
    branch, seen = branch_of(1, hidden=[1]), Sharpness()
    for _ in range(3 * most):
        branch.advance(1)
        points = seen.told(branch.run())["points"]
    assert most // 2 < len(points["steps"]) <= most
    assert (np.diff(points["steps"]) > 0).all()
    assert points["steps"][-1] == 3 * most + 1
    assert points["steps"][0] == 2


def test_metrics_are_those_of_scikit_learn():
    from sklearn import metrics

    run = branch_of(60).run()
    told = quality_of(run)["parts"]
    for part, (X, y) in {
        "training": (run.data.X, run.data.y),
        "validation": run.data.validation[:2],
    }.items():
        truth, p = y[:, 0], run.predict_proba(X)[:, 1]
        found, said = told[part]["figures"], (p > 0.5).astype(int)
        assert_allclose(found["accuracy"], metrics.accuracy_score(truth, said))
        assert_allclose(found["log_loss"], metrics.log_loss(truth, p))
        assert_allclose(found["auc"], metrics.roc_auc_score(truth, p))
        assert_allclose(found["precision"], metrics.precision_score(truth, said))
        assert_allclose(found["recall"], metrics.recall_score(truth, said))
        assert_allclose(found["f1"], metrics.f1_score(truth, said))
        assert_array_equal(told[part]["confusion"], metrics.confusion_matrix(truth, said))
    line = branch_of(20, data="line").run()
    figures = quality_of(line)["parts"]["training"]["figures"]
    X, y = line.data.X, line.data.y[:, 0]
    assert_allclose(figures["mse"], metrics.mean_squared_error(y, line.predict(X)))
    assert_allclose(figures["mae"], metrics.mean_absolute_error(y, line.predict(X)))
    assert_allclose(figures["r2"], metrics.r2_score(y, line.predict(X)))
