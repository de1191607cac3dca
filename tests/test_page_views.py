"""What people see of the page: the shipped module in a real browser, on payloads of real runs.

It runs under a policy that allows no style but constructed sheets and no script but the module.
Numbers are compared with NumPy's, computed here by hand from the states that the run recorded.
"""

from __future__ import annotations

import base64
import json
from importlib import resources
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest

import descend as ds
from descend.page import pack

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
POLICY = "default-src 'none'; script-src data:; img-src data:"
HTML = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A run</title>
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"></head>
<body><main><h1>A run</h1><div id="here"></div></main></body></html>"""
MOUNT = """async ([url, page, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const held = { page: JSON.parse(page), data: bytes };
    const { default: module } = await import(url);
    const el = document.getElementById("here");
    globalThis.takeAway = module.render({ model: { get: (name) => held[name] }, el });
}"""
CHANGED = """([view, before]) =>
    document.querySelector(`[data-view=${view}] canvas`).toDataURL() !== before"""
NEXT_FRAME = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
AXE_RUN = """async () => (await axe.run("#here", { resultTypes: ["violations"] })).violations
    .map(({ id, nodes }) => [id, nodes[0].html, nodes[0].failureSummary])"""


# ---------------------------------------------------------------- runs


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape)


def line():
    x = drawn(30, 1)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.05))
    return ds.train(
        task, x, 3 + 2 * x[:, 0] + drawn(60)[30:], epochs=40, batch_size=8, seed=1, validation=0.2
    )


def net():
    X = drawn(120, 2)
    y = np.where(X[:, 0] ** 2 + X[:, 1] > 0.5, "above", "below")
    task = ds.Task(ds.MLP((6,)), ds.logistic(), ds.adam(0.05))
    return ds.train(task, X, y, epochs=60, seed=2, validation=0.2)


def three():
    X = drawn(90, 3)
    y = np.array(["ash", "birch", "cedar"])[np.argmax(X @ drawn(3, 3), axis=1)]
    task = ds.Task(ds.Linear(), ds.softmax(), ds.gradient_descent(0.5))
    return ds.train(task, X, y, epochs=30)


def many():
    X = drawn(80, 5)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    return ds.train(task, X, X @ np.arange(5.0) + 10, epochs=30)


def diverged():
    x = 10 * drawn(20, 1)
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.5))
    return ds.train(task, x, 2 * x[:, 0], epochs=300, on_divergence="continue")


def own():
    model = ds.custom_model(
        lambda rng: {"w": rng.normal(size=(2, 1))},
        lambda params, X: X @ params["w"],
        gradient=lambda params, X, dscores: {"w": X.T @ dscores},
    )
    task = ds.Task(model, ds.squared_error(), ds.gradient_descent(0.1))
    return ds.train(task, drawn(30, 2), drawn(30), epochs=10)


RUNS = {make.__name__: make for make in (line, net, three, many, diverged, own)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One of each kind, and one that was read from a file and lost its rows."""
    with np.errstate(all="ignore"):
        found = {name: make() for name, make in RUNS.items()}
    path = tmp_path_factory.mktemp("runs") / "line.run"
    found["line"].save(path)
    return {**found, "without rows": ds.load(path)}


@pytest.fixture(scope="module")
def payloads(runs):
    with np.errstate(all="ignore"):
        # The doctor looks at one of them: it takes its time.
        return {
            name: pack(
                run,
                title=f"{name} <b>&amp;</b>",
                findings=None if name == "diverged" else (),
                surface="auto" if name in {"net", "diverged", "three"} else "none",
            )
            for name, run in runs.items()
        }


@pytest.fixture
def shown(new_page, payloads):
    """Show a run of a kind in a fresh page, drawn and at rest."""

    def show(name, width=1200, **options):
        page = new_page(width, 900, **options)
        page.set_content(HTML)
        code = resources.files("descend.page").joinpath("module.js").read_bytes()
        url = f"data:text/javascript;base64,{base64.b64encode(code).decode()}"
        found = payloads[name]
        page.evaluate(MOUNT, [url, json.dumps(found.page), base64.b64encode(found.data).decode()])
        page.wait_for_selector(".descend[data-settled]")
        return page

    return show


def go(page, index, frames):
    """Go to a frame by typing its update, and wait until all is drawn."""
    box = page.get_by_label("Go to update")
    box.fill(str(frames[index]))
    box.press("Enter")
    at(page, index)


def at(page, index):
    """Wait until a frame is drawn everywhere, out of sight too."""
    page.wait_for_selector(f".descend[data-settled='{index}']")


def value(page, name, within=""):
    return float(page.locator(f"{within} [data-name='{name}']").first.get_attribute("data-value"))


def pixels(page, view):
    """Return what a canvas shows."""
    return page.locator(f"[data-view='{view}'] canvas").first.evaluate("(c) => c.toDataURL()")


def changed(page, view, before):
    """Wait until a canvas shows something else."""
    page.wait_for_function(CHANGED, arg=[view, before])


# ---------------------------------------------------------------- numbers


def scores_of(run, theta, X):
    """Compute scores by hand: weights and biases of one layer after another, tanh in between."""
    parts = list(run.layout.split(theta).values())
    a = X
    for i in range(0, len(parts), 2):
        a = (np.tanh(a) if i else a) @ parts[i] + parts[i + 1]
    return a


def objective_of(scores, y):
    """Compute the mean loss by hand; of integers y, they are codes."""
    y = np.asarray(y)
    if scores.shape[1] > 1:
        own_score = np.take_along_axis(scores, y.astype(int).reshape(-1, 1), axis=1)[:, 0]
        return np.mean(np.log(np.exp(scores).sum(axis=1)) - own_score)
    return np.mean((scores - y.reshape(-1, 1)) ** 2)


def logistic_of(scores, y):
    return np.mean(np.log1p(np.exp(scores)) - y.reshape(-1, 1) * scores)


@pytest.mark.parametrize("name", ["line", "net", "three"])
def test_numbers_on_the_page_are_those_of_the_run_at_any_frame(shown, runs, payloads, name):
    run, frames = runs[name], payloads[name].page["frames"]
    page = shown(name)
    for table in ("parameters", "predictions"):
        page.locator(f"[data-table='{table}'] summary").click()
    rows = ds.showing.samples.rows_of(run)
    judge = logistic_of if name == "net" else objective_of
    for index in (0, len(frames) // 3, len(frames) - 2):
        go(page, index, frames)
        moment = run.at(frames[index])
        scores = scores_of(run, moment.theta, rows.X)
        train = rows.part == 0
        near = {"rel": 2e-6, "abs": 1e-7}
        assert value(page, "step") == frames[index]
        assert value(page, "loss") == pytest.approx(run.history["loss"][frames[index]], rel=1e-6)
        wanted = judge(scores[train], rows.y[train])
        assert value(page, "objective") == pytest.approx(wanted, **near)
        for i, parameter in enumerate(moment.theta[:40]):
            found = value(page, f"theta {i}", "[data-table='parameters']")
            assert found == pytest.approx(parameter, **near), i
        for row in range(3):
            if name == "three":
                assert value(page, f"said {row}") == np.argmax(scores[row])
            else:
                s = scores[row, 0]
                predicted = 1 / (1 + np.exp(-s)) if name == "net" else s
                assert value(page, f"predicted {row}") == pytest.approx(predicted, **near)
        if name != "line":
            said = scores[:, 0] > 0 if name == "net" else np.argmax(scores, axis=1)
            wrong = np.mean(said[train] != rows.y[train, 0])
            assert value(page, "wrong") == pytest.approx(wrong)


# ---------------------------------------------------------------- going along the updates


def test_the_frame_follows_mouse_and_keys_and_pictures_follow_the_frame(shown, payloads):
    page = shown("net")
    last = len(payloads["net"].page["frames"]) - 1
    at(page, last)
    before = {view: pixels(page, view) for view in ("data", "surface")}

    slider = page.get_by_role("slider", name="Frame")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    middle = int(slider.input_value())
    assert 0.4 * last < middle < 0.6 * last
    at(page, middle)
    assert all(pixels(page, view) != old for view, old in before.items())
    assert slider.get_attribute("aria-valuetext").startswith(f"update {middle} of {last}, loss 0.")

    for key, wanted in [
        ("ArrowRight", middle + 1),
        ("ArrowLeft", middle),
        ("PageUp", middle + 6),
        ("PageDown", middle),
        ("Home", 0),
        ("End", last),
    ]:
        page.keyboard.press(key)
        at(page, wanted)
    assert {view: pixels(page, view) for view in before} == before

    # From another place of the page; but not where one types.
    page.locator("[data-view='surface'] canvas").focus()
    page.keyboard.press("ArrowLeft")
    at(page, last - 1)
    number = page.get_by_label("Go to update")
    number.focus()
    for key in ("ArrowLeft", "Home", "End"):
        page.keyboard.press(key)
    assert page.locator(".descend").get_attribute("data-frame") == str(last - 1)


def test_pressing_the_loss_chart_goes_there(shown):
    page = shown("net")
    over = page.locator("[data-view='loss'] .u-over")
    box = over.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    assert "training loss 0." in page.locator("[data-view='loss'] .readout").inner_text()
    page.mouse.down()
    at_a_quarter = 15
    at(page, at_a_quarter)
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50, steps=3)
    page.mouse.up()
    at(page, 30)
    marker = page.locator(".now-line").bounding_box()
    assert marker["x"] + 1 == pytest.approx(box["x"] + box["width"] / 2, abs=1.5)


def test_playing_runs_to_the_end_and_can_be_paused(shown, payloads):
    page = shown("three")
    last = len(payloads["three"].page["frames"]) - 1
    page.get_by_label("Frames a second").select_option("60")
    page.locator("[data-view='surface'] canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").click()
    at(page, last)
    assert page.get_by_role("button", name="Play").is_visible()


def test_a_finding_leads_to_its_update(shown, payloads):
    page = shown("diverged")
    step = next(f["step"] for f in payloads["diverged"].page["findings"] if f["step"] is not None)
    frames = payloads["diverged"].page["frames"]
    page.keyboard.press("Tab")
    page.get_by_role("button", name=f"Go to update {step}").first.click()
    at(page, max(i for i, frame in enumerate(frames) if frame <= step))


# ---------------------------------------------------------------- choices


def test_the_log_switch_and_the_second_axis_draw_the_chart_again(shown):
    page = shown("line")
    before = pixels(page, "loss")
    page.get_by_label("logarithmic").click()
    changed(page, "loss", before)
    linear = pixels(page, "loss")
    page.get_by_label("second axis").select_option(label="gradient norm")
    changed(page, "loss", linear)
    assert "gradient norm (right axis)" in page.locator("[data-view='loss'] .key").inner_text()


def test_features_are_chosen_for_the_axes_and_the_others_held(shown):
    page = shown("three")
    card = page.locator("[data-view='data']")
    assert "held at their mean" in card.inner_text()
    before = pixels(page, "data")
    across, up = page.get_by_label("across"), page.get_by_label("up", exact=True)
    (wanted,) = {"0", "1", "2"} - {across.input_value(), up.input_value()}
    up.select_option(wanted)
    card.get_by_role("heading", name=f"x{int(wanted) + 1}").wait_for()
    assert pixels(page, "data") != before
    old = across.input_value()
    across.select_option(wanted)  # what the other axis has: they change places
    card.get_by_role("heading", name=f"x{int(wanted) + 1} and x{int(old) + 1}").wait_for()
    assert (across.input_value(), up.input_value()) == (wanted, old)


def test_numbers_from_several_features_are_seen_in_two_pictures(shown):
    page = shown("many")
    card = page.locator("[data-view='data']")
    assert "predicted against true" in card.locator("h3").inner_text()
    before = pixels(page, "data")
    card.get_by_label("picture").select_option("along")
    card.get_by_role("heading", name="y along x").wait_for()
    assert pixels(page, "data") != before
    assert "others held at their mean" in card.inner_text()


# ---------------------------------------------------------------- what cannot be drawn is said


def test_a_diverged_run_has_gaps_and_sentences(shown, payloads):
    page = shown("diverged")
    assert (
        "is not finite: the curve has a gap"
        in page.locator("[data-view='loss'] .note").inner_text()
    )
    assert page.get_by_label("logarithmic").is_checked()
    assert not np.isfinite(value(page, "objective"))
    page.keyboard.press("Tab")
    page.locator("[data-view='surface'] canvas").focus()
    page.keyboard.press("Home")
    at(page, 0)
    assert np.isfinite(value(page, "objective"))


@pytest.mark.parametrize(
    ("name", "words"), [("own", "The model is one's own"), ("without rows", "rows are not at hand")]
)
def test_what_the_page_cannot_compute_it_says(shown, name, words):
    page = shown(name)
    assert words in page.locator("[data-view='data']").inner_text()
    assert page.locator("[data-view='loss'] canvas").count() == 1
    assert page.locator("[data-name='objective']").count() == 0


# ---------------------------------------------------------------- for everybody


@pytest.mark.parametrize(
    ("name", "width", "schemes"),
    [
        ("net", 1200, ("light", "dark")),
        pytest.param("diverged", 360, ("dark",), marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_in_light_and_in_dark(shown, name, width, schemes):
    page = shown(name, width)
    for folded in page.locator("details > summary").all():
        folded.click()
    page.evaluate(AXE)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(NEXT_FRAME)  # the page follows
        assert page.evaluate(AXE_RUN) == [], scheme


@pytest.mark.parametrize("name", ["line", "three", "many", "own"])
def test_nothing_leaves_a_narrow_screen_and_names_are_only_names(shown, name):
    page = shown(name, 360)
    for folded in page.locator("details > summary").all():
        folded.click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("h2").inner_text() == f"{name} <b>&amp;</b>"


def test_the_colours_are_the_readers_and_paper_is_light(shown):
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    page = shown("net", color_scheme="dark")
    dark, drawn_dark = page.evaluate(ground), pixels(page, "data")
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(25, 29, 34)", "rgb(255, 254, 251)")
    changed(page, "data", drawn_dark)
    page.emulate_media(color_scheme="dark", media="print")
    assert not page.locator(".timeline").is_visible()
    assert page.locator("[data-view='data'] canvas").is_visible()
    ink = "getComputedStyle(document.querySelector('.card')).color"
    assert page.evaluate(ink) == "rgb(32, 38, 44)"
    page.emulate_media(color_scheme="light", media="screen")
    page.evaluate("document.body.setAttribute('data-jp-theme-light', 'false')")
    page.evaluate(NEXT_FRAME)
    assert page.evaluate(ground) == dark  # JupyterLab says it in its own way


def test_taking_the_page_away_leaves_nothing(shown):
    page = shown("line")
    page.evaluate("takeAway()")
    assert page.locator("#here").inner_html() == ""
