"""The page computes what Python computes: the shipped module in a real browser, on Python's vectors.

The vectors run over the registries of losses, activations and penalties, so a part that the page
does not know fails here the day it is entered.
"""

from __future__ import annotations

import base64
import copy
from importlib import resources

import numpy as np
import pytest
from tests.page_vectors import vectors

from descend.activations import ACTIVATIONS
from descend.losses import LOSSES
from descend.penalties import PENALTIES

# How far apart relatively; a gradient sums more terms of both signs.
WITHIN = {
    "scores": 1e-12,
    "predicted": 1e-12,
    "loss_per_row": 1e-12,
    "objective": 1e-12,
    "gradient": 1e-10,
}

COMPUTE = """([url, cases]) => import(url).then(({ default: page }) => cases.map((asked) => {
    const maths = page.maths(asked.page);
    if (maths === null) return null;
    const flat = (values) => values === null ? null : Float64Array.from(values.flat());
    const rows = {
        X: flat(asked.X), y: flat(asked.y), weight: flat(asked.weights), count: asked.X.length,
    };
    const theta = Float32Array.from(asked.theta);
    const found = maths.find(theta, rows);
    const list = (values) => values === null ? null : [...values];
    return {
        scores: list(found.scores), predicted: list(found.predicted),
        loss_per_row: list(found.losses), objective: found.objective,
        gradient: list(maths.gradient(theta, rows)),
    };
}))"""


def module_url():
    """Return the shipped module as an address that needs no network."""
    code = resources.files("descend.page").joinpath("module.js").read_bytes()
    return f"data:text/javascript;base64,{base64.b64encode(code).decode()}"


def agree(found, wanted, name):
    """Compare what the page found with a vector; what is not finite is None in the vector."""
    assert found is not None, f"The page does not know a part of {name}."
    for key, within in WITHIN.items():
        ours = np.asarray(found[key], dtype=float).ravel()
        theirs = np.asarray(wanted[key], dtype=float).ravel()
        assert ours.shape == theirs.shape, f"{name}: {key} has {ours.shape}, not {theirs.shape}"
        ours = np.where(np.isfinite(ours), ours, np.nan)
        np.testing.assert_allclose(
            ours, theirs, rtol=within, atol=within * 1e-2, err_msg=f"{name}: {key}"
        )


@pytest.fixture(scope="module")
def cases():
    return vectors()


def compute(page, cases):
    page.goto("about:blank")
    return page.evaluate(COMPUTE, [module_url(), cases])


def test_the_page_computes_what_python_computes(new_page, cases):
    found = compute(new_page(), cases)
    for ours, case in zip(found, cases, strict=True):
        agree(ours, case, case["name"])
    for family in (LOSSES, ACTIVATIONS):
        for name in family:
            assert any(name in case["name"] for case in cases), name
    penalties = {case["page"]["penalty"]["name"] for case in cases if case["page"]["penalty"]}
    assert penalties == set(PENALTIES)


@pytest.mark.parametrize("key", WITHIN)
def test_a_wrong_vector_is_noticed(new_page, cases, key):
    case = copy.deepcopy(cases[1])
    wrong = np.asarray(case[key])
    off = 1 + 3 * WITHIN[key]
    case[key] = (wrong * off).tolist()
    (found,) = compute(new_page(), [case])
    with pytest.raises(AssertionError):
        agree(found, case, case["name"])


@pytest.mark.parametrize("part", ["loss", "activation", "penalty"])
def test_a_part_that_the_page_does_not_know_is_noticed(new_page, cases, part):
    case = copy.deepcopy(cases[1])
    owner = case["page"]["model"] if part == "activation" else case["page"]
    owner[part] = {"name": "toString", "parameters": {"strength": 1.0}}
    (found,) = compute(new_page(), [case])
    with pytest.raises(AssertionError):
        agree(found, case, case["name"])


GRID = """([url, asked, grid]) => import(url).then(({ default: page }) => {
    const maths = page.maths(asked.page);
    const theta = Float32Array.from(asked.theta);
    const points = [];
    for (const y of grid.ys) for (const x of grid.xs) {
        const row = [...grid.base];
        row[grid.y] = y;
        row[grid.x] = x;
        points.push(...row);
    }
    const X = Float64Array.from(points);
    const count = grid.xs.length * grid.ys.length;
    const y = new Float64Array(count * maths.net.k);
    return [[...maths.grid(theta, grid)], [...maths.find(theta, { X, y, weight: null, count }).scores]];
})"""


@pytest.mark.parametrize(("x", "y"), [(0, 1), (2, 0), (1, 1)])
def test_a_grid_of_two_features_is_its_rows_one_by_one(new_page, cases, x, y):
    case = next(c for c in cases if c["page"]["model"]["sizes"][:2] == [3, 4])
    ys = [0.0, 0.5] if x != y else [1.0]
    grid = {"x": x, "y": y, "xs": [-1.0, 0.25, 3.0], "ys": ys, "base": [0.5, -2.0, 1.5]}
    page = new_page()
    page.goto("about:blank")
    ours, one_by_one = page.evaluate(GRID, [module_url(), case, grid])
    np.testing.assert_allclose(ours, one_by_one, rtol=1e-12)
    assert np.ptp(ours) > 0.1
