"""The net and the worked step on the page: their numbers are NumPy's, computed here by hand."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.test_page_maths import module_url

import descend as ds
from descend.page import pack

MOUNT = """([url, page, data]) => import(url).then(({ default: module }) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const held = { page: JSON.parse(page), data: bytes };
    module.render({ model: { get: (name) => held[name] }, el: document.body });
})"""


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2))
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1), ds.l2(0.3))
    return ds.train(task, X, X @ [3.0, -2.0] + 1 + rng.normal(size=40), epochs=25)


def opened(new_page, run, **more):
    page = new_page(1200, 900, **more)
    page.goto("about:blank")
    payload = pack(run, findings=(), surface="none")
    data = base64.b64encode(payload.data).decode()
    page.evaluate(MOUNT, [module_url(), json.dumps(payload.page), data])
    page.wait_for_selector(".descend[data-settled]")
    return page


def chosen(page, view, place, value):
    page.locator(f"[data-view={view}] input[type=number]").nth(place).fill(str(value))
    page.keyboard.press("Enter")


def settle(page, step):
    """Go to an update, where every update is a frame, and wait until everything is drawn."""
    page.locator(".timeline button").first.focus()
    page.keyboard.press("Home")
    for _ in range(step):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".descend[data-settled='{step}']")


def formula(page, head):
    """Return the numbers in the line with this head, the last of them being the result."""
    found = page.locator(".formula", has=page.locator("h4", has_text=head)).locator(".worked")
    text = found.text_content().replace("−", "-").replace("\u202f", "")
    return [float(n) for n in re.findall(r"(?<![\d)])-?\d+(?:\.\d+)?(?:e-?\d+)?|-?\d+\.\d+", text)]


def test_the_worked_step_is_the_recorded_one(new_page, line):
    page = opened(new_page, line)
    settle(page, 3)
    row, column = 7, 1
    chosen(page, "formulas", 0, row)
    chosen(page, "formulas", 1, column)
    page.wait_for_function("document.body.textContent.includes('The score of row 7')")
    X, y = line.data.seen[0], line.data.y[:, 0]
    w, b = np.split(line.at(3).theta, [2])
    errors = X @ w + b - y
    gradient = 2 * np.mean(errors * X[:, column]) + 0.3 * w[column]
    wanted = {
        "The score of row 7": X[row] @ w + b[0],
        "Its loss": errors[row] ** 2,
        "How the loss changes": 2 * errors[row],
        "The objective": np.mean(errors**2) + 0.15 * w @ w,
        "Its gradient": gradient,
        "The update of": line.at(4).theta[column],
    }
    for head, value in wanted.items():
        np.testing.assert_allclose(formula(page, head)[-1], value, rtol=2e-3, err_msg=head)
    assert formula(page, "The score of row 7")[0] == pytest.approx(w[0], rel=2e-3)


def test_formulas_are_shown_in_symbols_too(new_page, line):
    page = opened(new_page, line)
    page.get_by_label("numbers in the formulas").uncheck()
    page.wait_for_function(
        "document.querySelector('.formulas .formula:last-child .worked').textContent.includes('g')"
    )
    worked = page.locator(".formula .worked").all_text_contents()
    assert worked[-1].split() == ["θ′=θ−η·g"]
    assert worked[2].split() == ["ℓ=(s−y)2"]


def test_units_tell_their_numbers_to_mouse_and_keyboard(new_page):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(30, 2))
    labels = np.where(X[:, 0] > 0, "right", "left")
    task = ds.Task(ds.MLP((16, 3)), ds.logistic(), ds.adam(0.05))
    run = ds.train(task, X, labels, epochs=12)
    page = opened(new_page, run)
    settle(page, 5)
    hidden = np.tanh(X[0] @ run.at(5).params["layer1.weight"] + run.at(5).params["layer1.bias"])
    units = page.locator("[data-view=network] .unit")
    assert units.count() == 2 + 12 + 3 + 1
    assert "… 4 more" in page.locator("[data-view=network] svg.net").text_content()
    units.first.focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(".unit-words").text_content()
    place = int(re.match(r"layer 1, unit (\d+):", said)[1]) - 1
    told = float(re.search(r"tanh (−?[\d.]+(?:e−?\d+)?)", said)[1].replace("−", "-"))
    assert told == pytest.approx(hidden[place], rel=2e-3)
    page.keyboard.press("ArrowDown")
    assert f"layer 1, unit {place + 2}:" in page.locator(".unit-words").text_content()
    assert page.evaluate("document.querySelector('.descend').dataset.frame") == "5"
    units.last.hover()
    assert "the score: sum" in page.locator(".unit-words").text_content()


def test_own_models_have_neither_net_nor_worked_step(new_page):
    X = np.random.default_rng(1).normal(size=(9, 2))
    own = ds.custom_model(
        lambda rng: {"w": [0.0, 0.0]},
        lambda params, X: (X @ params["w"])[:, None],
        gradient=lambda params, X, dscores: {"w": X.T @ dscores.reshape(-1)},
    )
    task = ds.Task(own, ds.squared_error(), ds.gradient_descent(0.1))
    page = opened(new_page, ds.train(task, X, X[:, 0], epochs=4))
    assert page.locator("[data-view=network], [data-view=formulas]").count() == 0
    assert page.locator("[data-view=loss]").count() == 1


def test_without_rows_there_are_weights_and_no_worked_step(new_page, line):
    page = opened(new_page, replace(line, data=None))
    assert page.locator("[data-view=formulas]").count() == 0
    assert page.locator("[data-view=network] .unit").count() == 3
