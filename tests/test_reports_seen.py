"""The reports of the classics and of the shipped tables, opened from disk as readers open them.

Nothing outside can be reached, and asking for it fails the test (see `tests.browser`).  The truth
about a number on the page is asked of the run itself, in double precision; the page has theta in
single.
"""

from __future__ import annotations

import json
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest

import descend as ds
from descend.classics import run_classic
from descend.report import of_fit

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CLASSICS = {
    "houses": "standardised",
    "moons": "squared",
    "line_sgd": "animation",
    "line_by_hand": "line",
    "sliders": "network",
}
TABLES = {"breast-cancer": "diagnosis", "diabetes": "progression"}
FRAMES = 10


def reported(name, folder):
    """Write the report of a classic or of a shipped table; return its run and path."""
    path = folder / f"{name}.html"
    if name in CLASSICS:
        run = run_classic(name).runs[CLASSICS[name]]
        run.report(path)
        return run, path
    done = ds.fit(ds.datasets.shipped_table(name), TABLES[name], epochs=400)
    of_fit(done, path)
    return done.run, path


def ready(page, path):
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=yes][data-settled]", state="attached")
    return page


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def settled(page, index):
    page.wait_for_selector(f"[data-ready=yes][data-frame='{index}']", state="attached")
    page.wait_for_selector(f"[data-ready=yes][data-settled='{index}']", state="attached")


def go(page, index):
    """Scrub to a frame as a mouse does: the slider's value changes, and it says so."""
    page.locator("input[type=range]").first.evaluate(
        "(s, i) => { s.value = String(i); s.dispatchEvent(new Event('input', {bubbles: true})) }",
        index,
    )
    settled(page, index)


def shown(page):
    """Return the numbers of the state that the page shows, by name."""
    pairs = page.eval_on_selector_all(
        ".now [data-value], td[data-name^=theta][data-value]",
        "all => all.map(e => [e.dataset.name, Number(e.dataset.value)])",
    )
    return dict(pairs)


def frames_of(page):
    return json.loads(page.locator("#descend-page-0").text_content())["frames"]


def truth(run, step):
    """Return what the page ought to show of a step, by the run itself."""
    theta = run.at(step).theta
    found = {f"theta {i}": value for i, value in enumerate(theta)}
    found["objective"] = run.program.value_and_gradient(theta)[0]
    found["norm"] = np.linalg.norm(theta)
    found["step"] = step
    if step < run.state.step:
        found["loss"] = run.history["loss"][step]
    return found


def disagreements(seen, known):
    """Return the numbers on the page that are not Python's: curves have 24 bits there."""
    return {
        name: (value, known[name])
        for name, value in seen.items()
        if name in known and not np.isclose(value, known[name], rtol=2e-7, atol=1e-9)
    }


def violations(page, rules=LEVELS):
    page.evaluate(AXE.read_text("utf-8"))
    return page.evaluate(
        "async rules => (await axe.run(document, {runOnly: rules})).violations.map("
        "v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' | '))",
        rules,
    )


def test_a_wrong_number_is_told_from_a_right_one():
    known = {"loss": 0.5, "step": 3, "objective": 2.0}
    assert disagreements({"loss": 0.5, "objective": 2.0, "another": 7.0}, known) == {}
    assert disagreements({"loss": 0.5001}, known) == {"loss": (0.5001, 0.5)}
    assert disagreements({"objective": float("nan")}, known)


# One-feature lines are alike: two of them have their turn in make test-slow.
IN_TURN = ("line_sgd", "sliders")
SEEN = [
    pytest.param(name, marks=pytest.mark.slow if name in IN_TURN else ())
    for name in [*CLASSICS, *TABLES]
]


@pytest.mark.parametrize("name", SEEN)
def test_a_report_lives_says_python_s_numbers_and_is_open_to_all(name, new_page, tmp_path):
    run, path = reported(name, tmp_path)
    page = ready(new_page(width=1200), path)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, ["color-contrast", "link-in-text-block"]) == []
    unfold(page)
    steps = frames_of(page)
    assert steps[0] == 0
    assert steps[-1] == run.state.step
    drawn = np.random.default_rng(6).choice(len(steps), min(FRAMES, len(steps)), replace=False)
    compared = set()
    for index in drawn:
        go(page, int(index))
        seen, known = shown(page), truth(run, steps[index])
        assert disagreements(seen, known) == {}, f"update {steps[index]}"
        compared |= seen.keys() & known.keys()
    assert {"step", "objective", "loss"} <= compared
    assert "theta 0" in compared


@pytest.mark.slow
def test_what_is_folded_is_open_to_all_too(new_page, tmp_path):
    page = ready(new_page(), reported("line_by_hand", tmp_path)[1])
    unfold(page)
    assert violations(page) == []


def test_a_report_is_scrubbed_by_keyboard(new_page, tmp_path):
    run, path = reported("line_by_hand", tmp_path)
    page = ready(new_page(), path)
    steps = frames_of(page)
    slider = page.locator("input[type=range]").first
    slider.focus()
    for key, index in [
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", len(steps) - 1),
    ]:
        slider.press(key)
        settled(page, index)
        assert disagreements(shown(page), truth(run, steps[index])) == {}


def test_a_report_is_scrubbed_by_mouse(new_page, tmp_path):
    run, path = reported("sliders", tmp_path)
    page = ready(new_page(), path)
    slider = page.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    steps = frames_of(page)
    middle = int(slider.input_value())
    assert 0.3 * len(steps) < middle < 0.7 * len(steps)
    settled(page, middle)
    assert disagreements(shown(page), truth(run, steps[middle])) == {}


def test_a_hostile_table_is_only_text(new_page, tmp_path):
    evil = "<script>alert(1)</script>"
    table = tmp_path / "a&b<i>.csv"
    rows = [
        f"{i % 7},{i % 3},{'yes' if i % 2 else '<img src=x onerror=alert(2)>'}" for i in range(90)
    ]
    table.write_text(f'{evil},</script><b>,"""target"""\n' + "\n".join(rows) + "\n", "utf-8")
    done = ds.fit(table, '"target"', epochs=20)
    of_fit(done, tmp_path / "evil.html")
    page = new_page()
    page.on(
        "dialog", lambda dialog: pytest.fail(f"The page ran what it was to show: {dialog.message}")
    )
    ready(page, tmp_path / "evil.html")
    assert evil in page.locator("body").inner_text()
    assert page.locator("img[src=x]").count() == 0


def test_no_report_scrolls_sideways(new_page, tmp_path):
    path = reported("breast-cancer", tmp_path)[1]
    page = ready(new_page(width=360), path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
