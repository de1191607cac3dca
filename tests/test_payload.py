"""What the page is handed: the contract to the letter, and one document that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend.page import document, escaped, mount, pack, writing
from descend.page.blocks import Blocks, filtered_bytes, rounded
from descend.page.payload import curves_in
from descend.showing.frames import frames_of
from descend.showing.samples import rows_of

ROOT = Path(__file__).parent.parent
CONTRACT = (ROOT / "frontend" / "src" / "contract.ts").read_text("utf-8")
RNG = np.random.default_rng(60)
X = RNG.normal(size=(50, 3)) * [1.0, 9.0, 0.1]
Y = X @ [1.0, -0.5, 2.0] + RNG.normal(size=50)
HOSTILE = "</title><script>alert(1)</script>"
# What the module is to the writer: it ends with its one export, and is called with a host.
STUB = """
var shown = ({model, el}) => {
  const page = model.get("page"), data = model.get("data");
  const {offset, shape} = page.blocks.part;
  el.textContent = [page.title, page.features[0].name, data.byteLength,
    data.getUint8(offset), data.getUint8(offset + shape[0] - 1)].join("|");
};
var cr = {render: shown};export{cr as default};
"""


def a_run(model=None, loss="squared_error", X=X, y=Y, epochs=5, **more):
    task = ds.Task(model or ds.Linear(), loss, more.pop("optimizer", ds.gradient_descent("auto")))
    return ds.train(task, X, y, epochs=epochs, engine=more.pop("engine", "numpy"), **more)


def decoded(payload, name):
    """Return an array as the page would find it, written anew."""
    block = payload.page["blocks"][name]
    assert block["offset"] % 8 == 0
    raw = payload.data[block["offset"] : block["offset"] + block["bytes"]]
    assert len(raw) == block["bytes"]
    width = np.dtype(block["dtype"]).itemsize
    if block["filter"] != "none":
        planes = [raw[i * len(raw) // width : (i + 1) * len(raw) // width] for i in range(width)]
        raw = bytes(byte for entry in zip(*planes, strict=True) for byte in entry)
    found = np.frombuffer(raw, f"<u{width}").reshape(block["shape"]).copy()
    if block["filter"] == "xor-shuffle":
        for i in range(1, len(found)):
            found[i] ^= found[i - 1]
    return found.view(np.dtype(block["dtype"]).newbyteorder("<"))


# ---------------------------------------------------------------- the contract


def fields_of(interface):
    """Return the names in an interface of contract.ts, without those of nested objects."""
    body = re.search(rf"export interface {interface} {{(.*?)\n}}", CONTRACT, re.DOTALL)[1]
    return set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))


# What a page has only where a run is going on: the update a surface was computed at.
LABS_OWN = {"Surface": {"step"}}


def test_the_page_has_the_fields_of_the_contract():
    page = pack(a_run(validation=0.2, batch_size=16)).page
    for interface, found in {
        "Page": page,
        "Model": page["model"],
        "Curve": page["curves"][0],
        "Finding": page["findings"][0],
        "Surface": page["surface"],
        "Block": page["blocks"]["theta"],
        "Part": page["model"]["activation"],
    }.items():
        expected = fields_of(interface) - LABS_OWN.get(interface, set())
        assert set(found) == expected, interface
    assert len(fields_of("Page")) == 23
    assert set(page["loss"]) == {"name", "parameters", "targets", "proper"}
    assert set(page["optimizer"]) == {"name", "parameters", "searches", "batch_size"}
    assert set(page["target"]) == {"name", "mean", "scale", "classes"}
    assert set(page["outcome"]) == {"reason", "sentence", "loss", "best_step"}
    assert set(page["rows"]) == {"shown", "all", "sentence"}


def test_a_joined_curve_keeps_its_first_and_last_value():
    run = a_run()
    (whole,) = [c for c in curves_in(run, Blocks()) if c["name"] == "gradient_norm"]
    (joined,) = [c for c in curves_in(run, Blocks(), 2) if c["name"] == "gradient_norm"]
    norms = run.history["gradient_norm"]
    assert whole["ends"] is None
    assert joined["ends"] == [norms[0], norms[-1]]


@pytest.mark.parametrize(("most", "dtype"), [(40_000, "<f8"), (100, "<f4")])
def test_arrays_arrive_as_they_left(most, dtype, monkeypatch):
    monkeypatch.setattr("descend.page.payload.WHOLE_ENTRIES", most)
    run = a_run(ds.MLP((4,)), validation=0.2, sample_weight=np.arange(1.0, 51.0), standardize=True)
    payload, frames, rows = pack(run), frames_of(run), rows_of(run)
    page = payload.page
    assert_bits(decoded(payload, "theta"), frames.theta.astype(dtype))
    assert_bits(decoded(payload, "X"), rows.X.astype(dtype))
    assert_bits(decoded(payload, "y"), rows.y.astype(dtype))
    assert_bits(decoded(payload, "weight"), rows.weight.astype("<f4"))
    assert decoded(payload, "part").tolist() == [0] * 40 + [1] * 10
    assert page["frames"] == frames.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert page["rows"]["shown"] == {"train": 40, "validation": 10}
    (loss,) = [curve for curve in page["curves"] if curve["name"] == "loss"]
    with_last = np.append(run.history["loss"], run.outcome.loss)
    assert_bits(decoded(payload, loss["y"]), with_last.astype("<f4"))
    assert decoded(payload, loss["x"]).tolist() == [0, 1, 2, 3, 4, 5]
    (norm,) = [curve for curve in page["curves"] if curve["name"] == "gradient_norm"]
    assert decoded(payload, norm["x"]).tolist() == [0, 1, 2, 3, 4]
    surface = page["surface"]
    assert_close(
        decoded(payload, surface["path"]),
        (frames.theta - decoded(payload, surface["origin"]))
        @ decoded(payload, surface["directions"]).T,
        1e-6,
    )
    assert decoded(payload, surface["values"]).shape == tuple(surface["shape"])


def test_what_is_told_of_a_run():
    task = ds.Task(
        ds.MLP((4, 2), "elu", bias=False), ds.huber(0.5), ds.adam(0.1), ds.l2(0.3, biases=True)
    )
    page = pack(ds.train(task, X, Y, epochs=3, batch_size=10, engine="numpy"), title="Mine").page
    assert (page["schema"], page["title"], page["task"]) == (1, "Mine", str(task))
    assert page["model"] == {
        "kind": "layers",
        "label": "mlp(4, 2; elu)",
        "sizes": [3, 4, 2, 1],
        "activation": {"name": "elu", "parameters": {"alpha": 1.0}},
        "bias": False,
    }
    assert page["loss"]["parameters"] == {"delta": 0.5}
    assert page["penalty"] == {"name": "l2", "parameters": {"strength": 0.3, "biases": 1.0}}
    assert page["optimizer"]["parameters"]["learning_rate"] == 0.1
    assert page["optimizer"]["batch_size"] == 10
    assert page["layout"][1] == {"name": "layer2.weight", "shape": [4, 2], "start": 12}
    assert page["features"][1] == {"name": "x2", "mean": 0.0, "scale": 1.0}
    assert page["updates"] == 15
    assert page["returned"] == len(page["frames"]) - 1


def test_the_features_that_move_the_sums_most_come_first():
    model = ds.Linear(init={"weight": [[5.0], [1.0], [20.0]], "bias": [0.0]})
    still = [ds.Callback(start=lambda now: True)]
    for columns, wanted in ((X, [1, 0]), (X / [1, 9, 0.1], [2, 0])):
        run = a_run(model, X=columns, callbacks=still)
        assert pack(run, findings=(), surface="none").page["axes"] == wanted


def test_findings_name_their_update():
    diverged = a_run(X=X / [1, 9, 0.1], optimizer=ds.gradient_descent(1.5), epochs=100)
    page = pack(diverged).page
    (finding,) = [f for f in page["findings"] if f["code"] == "step-too-large"]
    assert finding["step"] == diverged.outcome.diverged_at > 0
    assert finding["fix"].startswith("lower the learning rate")
    assert page["outcome"]["reason"] == "diverged"
    (bare,) = pack(diverged, findings=[replace(diverged.diagnose()[0], evidence={})]).page[
        "findings"
    ]
    assert bare["step"] == diverged.outcome.diverged_at
    healthy = pack(a_run(epochs=400)).page["findings"][0]
    assert (healthy["code"], healthy["step"]) == ("healthy", None)
    assert healthy["evidence"][0].startswith("loss ")


def test_a_best_epoch_is_counted_in_updates():
    found = SimpleNamespace(
        code="overfit",
        severity="illness",
        sentence="It has learnt by heart.",
        evidence={"best_epoch": 2, "gain": float("nan")},
        fix=SimpleNamespace(sentence="stop there"),
    )
    run = a_run(batch_size=10)
    (told,) = pack(run, findings=[found], surface="none").page["findings"]
    assert (told["step"], told["fix"]) == (10, "stop there")
    assert told["evidence"] == ["best epoch 2", "gain nan"]


# ---------------------------------------------------------------- every kind of run


def own_model():
    return ds.custom_model(
        lambda rng: {"w": rng.normal(size=(3, 1))},
        lambda p, X: X @ p["w"],
        gradient=lambda p, X, g: {"w": X.T @ g},
    )


def own_loss():
    return ds.custom_loss(
        lambda s, y: ((s - y) ** 2)[:, 0], gradient=lambda s, y: 2 * (s - y), name="squared_error"
    )


LABELS = [HOSTILE if i % 3 else "b" for i in range(50)]
KINDS = {
    "diverged": lambda: a_run(
        X=X * 1e100, optimizer=ds.gradient_descent(1.0), on_divergence="continue"
    ),
    "own model": lambda: a_run(own_model(), X=X / 9, optimizer=ds.gradient_descent(0.1)),
    "own loss": lambda: a_run(loss=own_loss(), X=X / 9, optimizer=ds.gradient_descent(0.1)),
    "labels": lambda: a_run(loss="logistic", y=LABELS),
    "several outputs": lambda: a_run(y=X[:, :2]),
    "one row": lambda: a_run(X=[[1.0]], y=[2.0]),
    "sparse": lambda: a_run(X=csr_array(X), standardize=True),
    "single precision": lambda: a_run(dtype="float32"),
    "not moved": lambda: a_run(callbacks=[ds.Callback(start=lambda now: True)]),
    "nothing recorded": lambda: a_run(record=False),
    "searching": lambda: a_run(optimizer=ds.lbfgs()),
    "no rows": lambda: replace(a_run(), data=None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_can_be_packed(kind):
    run = KINDS[kind]()
    payload = pack(run)
    page = payload.page
    json.dumps(page, allow_nan=False)
    assert decoded(payload, "theta").shape == (len(page["frames"]), len(run.theta))
    assert ("X" in page["blocks"]) == (kind != "no rows")
    assert page["model"]["kind"] == ("own" if kind == "own model" else "layers")
    assert page["summary"]
    assert page["findings"]


def test_some_kinds_say_what_they_are():
    assert pack(KINDS["labels"]()).page["target"]["classes"] == [HOSTILE, "b"]
    # A loss of one's own is never taken for one of ours.
    assert pack(KINDS["own loss"]()).page["loss"]["name"] == "custom(squared_error)"
    unseen = pack(KINDS["no rows"]()).page
    assert unseen["rows"]["all"]["train"] == 50
    assert "the doctor saw only what was recorded" in unseen["summary"][-1]
    assert pack(KINDS["diverged"]()).page["outcome"]["loss"] is None
    searching = pack(KINDS["searching"]()).page["optimizer"]
    assert searching["searches"]
    assert "learning_rate" not in searching["parameters"]


def test_a_table_names_its_target_and_its_columns(tmp_path):
    lines = [f"{i % 7},{(i * 3) % 5},{i % 7 + 2 * ((i * 3) % 5)}" for i in range(30)]
    file = tmp_path / "a<b>.csv"
    file.write_text("\n".join([f"{HOSTILE},other,goal", *lines]))
    run = ds.fit(file, "goal", epochs=30, engine="numpy").run
    page = pack(run, surface="none").page
    assert page["title"] == "goal in a<b>.csv"
    assert page["features"][0]["name"] == HOSTILE
    assert page["features"][0]["mean"] != 0


def test_a_model_too_large_for_a_page_shows_its_curves(monkeypatch):
    monkeypatch.setattr("descend.page.payload.THETA_BYTES", 40)
    payload = pack(a_run())
    page = payload.page
    assert (page["model"]["kind"], page["layout"], page["surface"]) == ("own", [], None)
    assert decoded(payload, "theta").shape == (3, 0)
    assert page["curves"]
    assert "4 parameters" in page["summary"][-1]


# ---------------------------------------------------------------- how much it weighs


def test_a_large_run_stays_small():
    many = RNG.normal(size=(5000, 29))
    run = a_run(
        ds.MLP((16,)),
        X=many,
        y=np.sin(many[:, 0]) + many[:, 1] * many[:, 2],
        optimizer=ds.adam(0.01),
        epochs=16,
        batch_size=32,
        validation=0.2,
    )
    payload = pack(run, findings=())
    page = payload.page
    assert (page["updates"], len(page["frames"]), len(run.theta)) == (2000, 300, 497)
    assert page["rows"]["shown"] == {"train": 4000, "validation": 1000}
    assert "16 significant bits" in page["rows"]["sentence"]
    assert page["blocks"]["loss.y"]["shape"] == [2000]
    weight = len(writing.packed(payload.data)) + len(json.dumps(page))
    assert weight < 1_150_000  # the module takes 130 000, and the report's words the rest
    assert_close(decoded(payload, "X"), rows_of(run).X.astype("<f4"), 2.0**-16)


def test_wide_rows_and_large_nets_show_less(monkeypatch):
    monkeypatch.setattr("descend.page.payload.X_ENTRIES", 60)
    monkeypatch.setattr("descend.page.payload.FEWEST_ROWS", 5)
    monkeypatch.setattr("descend.page.payload.THETA_BYTES", 4 * 4 * 12)
    page = pack(a_run(epochs=20), findings=()).page
    assert page["rows"]["shown"]["train"] == 20
    assert page["rows"]["sentence"].startswith("20 of 50 training rows")
    assert len(page["frames"]) == 12


def test_rounding_keeps_what_is_not_finite():
    values = np.array([0.0, 1 / 3, -1 / 3, 3e38, np.inf, -np.inf, np.nan, 1e-40])
    found = rounded(values, 16)
    assert (np.abs(found[1:4] / values[1:4].astype("f4") - 1) <= 2.0**-16).all()
    assert (found.view("u4")[:4] & 0xFF == 0).all()
    assert np.isnan(found[6])
    assert found[4:6].tolist() == [np.inf, -np.inf]
    assert np.isfinite(rounded(np.array([3.4028234e38]), 16)[0])


def test_filters_gather_what_is_alike():
    slow = 1 + np.cumsum(RNG.normal(scale=1e-4, size=(64, 8)), axis=0)
    plain, best = (len(gzip.compress(filtered_bytes(slow, f), 9)) for f in ("none", "xor-shuffle"))
    assert best < plain


# ---------------------------------------------------------------- the document


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setattr(writing, "module", lambda: STUB)


def test_the_policy_names_every_script_and_the_style(stubbed):
    payload = pack(a_run(), findings=(), surface="none")
    found = document("T", mount(), payload=payload, style="p{color:red}", extra_scripts=["1+1"])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', found)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    scripts = re.findall(r'<script type="module">(.*?)</script>', found, re.DOTALL)
    assert len(scripts) == 2
    for text in [*scripts, "p{color:red}"]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.endswith("img-src data:; base-uri 'none'; form-action 'none'")
    assert "unsafe" not in policy
    plain = document("T", "<p>Hello</p>")
    assert "script-src 'none'; style-src 'none'" in plain
    assert "<script" not in plain


def test_bytes_come_back_from_text(stubbed):
    data = bytes(RNG.integers(0, 256, 1003, dtype=np.uint8))
    text = writing.packed(data)
    assert not set("<&\"'") & set(text)
    back = base64.b85decode(text.translate(str.maketrans(",.", "<&")))
    assert gzip.decompress(back) == data


def test_the_built_module_can_be_inlined():
    script = writing._inline(writing._with_host(writing.module()))
    assert re.search(r"const descendModule=[\w$]+;\n{", script)
    assert "export{" not in script


@pytest.mark.parametrize(
    "ending",
    ["export{a as default};var b", "export{a}", "export default a;", "var a"],
)
def test_a_module_that_ends_otherwise_is_refused(monkeypatch, ending):
    monkeypatch.setattr(writing, "module", lambda: f"var a=1;{ending}")
    with pytest.raises(AssertionError, match="one export"):
        document("T", mount(), payload=pack(a_run(), findings=(), surface="none"))


@pytest.mark.parametrize(
    "body", ["<p style='x'>", "<script>1</script>", "<b onclick=f()>", "<link rel=stylesheet>"]
)
def test_what_the_policy_would_block_is_refused(body):
    with pytest.raises(AssertionError, match="forbids"):
        document("T", body)


def test_text_that_only_looks_like_it_is_not_refused():
    text = escaped(f'{HOSTILE} once = 1 style="x"')
    assert text in document("T", f'<p title="{text}">{text}</p>')


def test_a_document_opens_from_disk_and_hostile_names_are_only_names(stubbed, new_page, tmp_path):
    first = replace(a_run(validation=0.2), names=[HOSTILE, "</script><!--", "\ud800"])
    second = replace(a_run(X=X[:9], y=Y[:9], validation=3 / 9), names=["<!--<script>", "b", "c"])
    payloads = [pack(run, title=HOSTILE, findings=()) for run in (first, second)]
    body = f"<h1>{escaped(HOSTILE)}</h1>{mount(0)}{mount(1)}"
    script = "document.body.dataset.more = '1';"
    found = document(
        HOSTILE, body, payload=payloads, style="h1{color:#123}", extra_scripts=[script]
    )
    file = tmp_path / "report.html"
    file.write_text(found, encoding="utf-8")
    page = new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("#descend-run-0[data-shown]")
    page.wait_for_selector("#descend-run-1[data-shown]")
    assert page.title() == HOSTILE
    assert page.inner_text("h1") == HOSTILE
    for number, (payload, name) in enumerate(zip(payloads, (HOSTILE, "<!--<script>"), strict=True)):
        wanted = f"{HOSTILE}|{name}|{len(payload.data)}|0|1"
        assert page.inner_text(f"#descend-run-{number}") == wanted
    assert page.eval_on_selector("h1", "e => getComputedStyle(e).color") == "rgb(17, 34, 51)"
    assert page.evaluate("document.body.dataset.more") == "1"


def test_a_browser_that_cannot_show_it_says_so(stubbed, chromium, tmp_path):
    page = chromium.new_context().new_page()
    file = tmp_path / "broken.html"
    found = document("T", mount(), payload=pack(a_run(), findings=(), surface="none"))
    cut = re.sub(r'(id="descend-data-0">.{40})[^<]*', r"\1", found)
    file.write_text(cut)
    page.goto(file.as_uri())
    page.wait_for_function(
        "document.querySelector('#descend-run-0').textContent.includes('cannot')"
    )
    page.context.close()
