"""The page's store: blocks as Python packed them, one index, listeners told once a frame."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from tests.test_page_maths import module_url

import descend as ds
from descend.losses import LOSSES
from descend.optimizers import RULES
from descend.page import pack


def planes(raw, width):
    """Return bytes plane by plane: all first bytes, then all second ones."""
    return raw.reshape(-1, width).T.tobytes()


def packed(array, kind):
    """Return an array's bytes through a filter, written down a second time for this test."""
    raw = np.frombuffer(array.tobytes(), dtype=np.uint8)
    if kind == "none":
        return raw.tobytes()
    if kind == "xor-shuffle":
        rows = raw.reshape(len(array), -1)
        raw = rows.copy()
        raw[1:] ^= rows[:-1]
    return planes(raw.reshape(-1), array.itemsize)


DECODE = """([url, cases]) => import(url).then(({ default: page }) => cases.map(([block, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    return [...page.decode(block, new DataView(bytes.buffer, 3))];
}))"""


def test_blocks_are_read_as_they_were_written(new_page):
    cases, wanted = [], []
    for kind in ("none", "shuffle", "xor-shuffle"):
        for dtype in ("float32", "float64", "int32", "uint8"):
            array = (np.random.default_rng(3).normal(size=(5, 3)) * 50).clip(0).astype(dtype)
            data = packed(array, kind)
            block = {"dtype": dtype, "shape": [5, 3], "offset": 8, "bytes": len(data)}
            # A notebook's view may begin anywhere in its buffer.
            raw = base64.b64encode(b"xyz" + bytes(8) + data + b"rest").decode()
            cases.append([{**block, "filter": kind}, raw])
            wanted.append(array.ravel())
    page = new_page()
    page.goto("about:blank")
    found = page.evaluate(DECODE, [module_url(), cases])
    for ours, theirs, (block, _) in zip(found, wanted, cases, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=str(block))


@pytest.fixture(scope="module")
def payload():
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    X = np.random.default_rng(0).normal(size=(30, 1))
    return pack(ds.train(task, X, 2 * X[:, 0] + 1, epochs=40), findings=(), surface="none")


OPEN = """([url, held, data]) => import(url).then(({ default: module }) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    globalThis.store = module.store(JSON.parse(held), bytes);
    globalThis.module = module;
})"""


@pytest.fixture
def page(new_page, payload):
    found = new_page()
    found.goto("about:blank")
    data = base64.b64encode(payload.data).decode()
    found.evaluate(OPEN, [module_url(), json.dumps(payload.page), data])
    return found


def test_frames_are_those_that_python_packed(page, payload):
    frames = payload.page["frames"]
    found = page.evaluate(
        """() => store.page.frames.map((_, i) => {
            store.go(i);
            return [store.step, ...store.theta()];
        })"""
    )
    assert [row[0] for row in found] == frames
    assert len({tuple(row[1:]) for row in found}) > len(frames) / 2


def test_the_index_stays_within_the_frames(page, payload):
    last = len(payload.page["frames"]) - 1
    assert page.evaluate("() => store.index") == payload.page["returned"]
    for asked, wanted in ((-3, 0), (1e9, last), (float("nan"), 0), (2, 2)):
        assert page.evaluate("(to) => { store.go(to); return store.index }", asked) == wanted
    for step in (0, 7, 39, 40, 400):
        reached = page.evaluate("(to) => { store.goToStep(to); return store.step }", step)
        assert reached == max(s for s in payload.page["frames"] if s <= step)


COUNTED = """async () => {
    let calls = 0;
    const stop = store.on(() => { calls += 1; });
    const frame = () => new Promise((done) => requestAnimationFrame(() => done()));
    for (let i = 0; i < 5; i++) store.go(i);
    store.choose({ numbers: false });
    await frame(); await frame();
    const told = calls;
    store.go(4);  // where it is already
    await frame(); await frame();
    stop();
    store.go(1);
    await frame(); await frame();
    return [told, calls];
}"""


def test_listeners_are_told_once_in_an_animation_frame_and_only_of_changes(page):
    assert page.evaluate(COUNTED) == [1, 1]


PLAYED = """async () => {
    store.go(store.page.frames.length - 4);
    store.setSpeed(1000);
    const seen = [];
    store.on(() => seen.push([store.index, store.playing]));
    store.play(true);
    const end = performance.now() + 5000;
    while (store.playing && performance.now() < end) {
        await new Promise((done) => requestAnimationFrame(() => done()));
    }
    await new Promise((done) => requestAnimationFrame(() => done()));
    return seen.at(-1);
}"""


def test_playing_ends_at_the_last_frame_and_says_so(page, payload):
    assert page.evaluate(PLAYED) == [len(payload.page["frames"]) - 1, False]


def test_playing_at_the_end_begins_anew(page):
    page.evaluate("() => store.go(1e9)")
    assert page.evaluate("() => { store.play(true); return [store.index, store.playing] }") == [
        0,
        True,
    ]


WRITTEN = (
    "([kind, names]) => names.filter((name) => module.written[kind](asked(kind, name)) === null)"
)


@pytest.mark.parametrize(
    ("kind", "family"), [("loss", LOSSES), ("rule", RULES)], ids=["losses", "optimizers"]
)
def test_every_part_has_its_formula_written(page, kind, family):
    page.evaluate(
        """() => { globalThis.asked = (kind, name) =>
            kind === "rule" ? name : { name, parameters: { delta: 1, q: 0.5 } } }"""
    )
    assert page.evaluate(WRITTEN, [kind, [*family, "of one's own"]]) == ["of one's own"]
