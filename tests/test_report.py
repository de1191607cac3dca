"""The report: one file, its parts, hostile names, runs of every kind, and in a real browser."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
import scipy.sparse
from PIL import Image

import descend as ds
from descend.cli.reporting import command_line
from descend.errors import InputError
from descend.report import of_fit
from descend.report.asked import kind_of
from descend.report.command import command_of
from descend.report.making import CONTENTS
from descend.report.markup import element, escaped, number
from descend.report.subject import Subject
from descend.showing.coefficients import INTERCEPT, coefficients
from descend.showing.frames import frames_of
from descend.showing.quality import residuals

EVIL = "<script>alert(1)</script>"
ONCE = '"onload=alert(2) style=x \u202e&amp;'


class Page(HTMLParser):
    """Elements with their attributes, ids, heading levels and text of a document."""

    def __init__(self, text):
        HTMLParser.__init__(self)
        self.elements, self.text, self.open, self.raw = [], [], [], []
        self.feed(text)
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "hr", "wbr", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        quiet = {"script", "style"} & set(self.open)
        (self.raw if quiet else self.text).append(data)

    @property
    def ids(self):
        return {a["id"] for _, a in self.elements if "id" in a}

    @property
    def headings(self):
        return [int(tag[1]) for tag, _ in self.elements if re.fullmatch("h[1-6]", tag)]

    @property
    def words(self):
        return " ".join("".join(self.text).replace("\xa0", " ").split())


def read(path):
    return Page(path.read_text("utf-8"))


def sound(page):
    """Check what holds of every report."""
    names = [tag for tag, _ in page.elements]
    assert names.count("h1") == 1
    assert names.count("main") == 1
    steps = np.diff(page.headings)
    assert (steps <= 1).all(), f"a heading is skipped: {page.headings}"
    every = [a["id"] for _, a in page.elements if "id" in a]
    assert len(every) == len(set(every))
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in page.ids, attributes["href"]
        for name in ("src", "href"):
            assert not attributes.get(name, "").startswith(("http", "//"))
        if attributes.get("tabindex") == "0":
            assert attributes.get("role") == "group"
            assert attributes.get("aria-label")


@pytest.mark.parametrize(
    "wrong",
    [
        "<h1>a</h1><main></main><h3>b</h3>",
        "<h1>a</h1><main></main><p style='x'></p>",
        "<h1>a</h1><main></main><p onclick='x'></p>",
        "<h1>a</h1><main></main><a href='#nowhere'></a>",
        "<h1>a</h1><main></main><a href='https://x.org'></a>",
        "<h1>a</h1><main></main><p id='a'></p><p id='a'></p>",
        "<h1>a</h1><main></main><p tabindex='0'></p>",
        "<h1>a</h1><h1>a</h1><main></main>",
        "<h1>a</h1><main><p></main>",
    ],
)
def test_what_is_unsound_is_seen(wrong):
    with pytest.raises(AssertionError):
        sound(Page(wrong))


@pytest.fixture(scope="module")
def fits():
    """One fit of each kind, trained once."""
    table = ds.datasets.shipped_table
    return {
        "line": ds.fit(table("diabetes"), "progression", epochs=60, progress=False),
        "logistic": ds.fit(table("breast-cancer"), "diagnosis", epochs=60, progress=False),
        "net": ds.fit(table("breast-cancer"), "diagnosis", hidden=3, epochs=5, progress=False),
    }


@pytest.mark.parametrize("kind", ["line", "logistic", "net"])
def test_a_report_has_all_its_parts_and_is_small(fits, kind, tmp_path):
    path = of_fit(fits[kind], tmp_path / "fit.html", command="descend fit it")
    page = read(path)
    sound(page)
    assert {anchor for anchor, _ in CONTENTS} <= page.ids
    assert "descend fit it" in page.words
    assert path.stat().st_size < 700_000
    for column in fits[kind].prepared.columns:
        assert column.name in page.words
    found = fits[kind].metrics["test"]
    for value in found.values():
        assert number(value) in page.words
    for finding in fits[kind].run.diagnose():
        assert finding.sentence in page.words


def test_the_model_in_the_report_is_the_model(fits, tmp_path):
    page = read(of_fit(fits["logistic"], tmp_path / "fit.html"))
    (link,) = [a for tag, a in page.elements if tag == "a" and "download" in a]
    kind, _, data = link["href"].partition(",")
    assert kind == "data:application/octet-stream;base64"
    (tmp_path / link["download"]).write_bytes(base64.b64decode(data))
    model = ds.load(tmp_path / link["download"])
    rows = fits["logistic"].prepared.test.X
    assert (model.predict_proba(rows) == fits["logistic"].run.predict_proba(rows)).all()
    assert model.keyframes is None
    assert "/" not in model.source["named"], "folders of this machine are not sent along"


def test_a_run_file_gives_the_report_of_its_fit(fits, tmp_path):
    fits["line"].run.save(tmp_path / "fit.run")
    one = ds.load(tmp_path / "fit.run").report(tmp_path / "a.html", command="x")
    two = of_fit(fits["line"], tmp_path / "b.html", command="x")
    assert one.read_text("utf-8") == two.read_text("utf-8")


def test_without_its_table_a_report_says_what_is_missing(fits, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,y\n" + "\n".join(f"{i},{2 * i + i % 3}" for i in range(30)))
    fit = ds.fit(table, "y", epochs=20, progress=False)
    fit.run.save(tmp_path / "fit.run")
    table.rename(tmp_path / "moved.csv")
    page = read(ds.load(tmp_path / "fit.run").report(tmp_path / "a.html"))
    sound(page)
    assert "not at hand" in page.words
    assert "--data" in page.words
    assert "mean absolute error" not in page.words
    given = read(
        ds.load(tmp_path / "fit.run").report(tmp_path / "b.html", data=tmp_path / "moved.csv")
    )
    assert "mean absolute error" in given.words
    other = "a,y\n" + "\n".join(f"{i},{3 * i + i % 3}" for i in range(30))
    (tmp_path / "moved.csv").write_text(other)
    with pytest.raises(InputError, match="not the rows"):
        ds.load(tmp_path / "fit.run").report(tmp_path / "c.html", data=tmp_path / "moved.csv")


# ---------------------------------------------------------------- hostile names


def hostile(tmp_path):
    """Return a fit whose file, columns, levels, target and labels are all markup."""
    rng = np.random.default_rng(0)
    table = tmp_path / "<b onclick=1>&.csv"
    lines = [
        f'{x},"{level}","{label}"'
        for x, level, label in zip(
            rng.normal(size=60),
            rng.choice([EVIL, "b"], 60),
            rng.choice([EVIL, "&lt;"], 60),
            strict=True,
        )
    ]
    head = ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (ONCE, EVIL, "</style>"))
    table.write_text("\n".join([head, *lines]), "utf-8")
    return ds.fit(table, "</style>", epochs=5, progress=False)


def test_names_from_the_data_are_only_names(tmp_path):
    fit = hostile(tmp_path)
    text = of_fit(fit, tmp_path / "fit.html", title=EVIL).read_text("utf-8")
    page = Page(text)
    sound(page)
    assert "<script>alert" not in text
    assert page.words.count(EVIL) > 5  # as a title, a column, a level and a label
    assert {tag for tag, _ in page.elements} & {"b"} <= {"b"}
    assert not [a for tag, a in page.elements if tag == "b" and a]
    scripts = [a for tag, a in page.elements if tag == "script"]
    plain = read(of_fit(fit, tmp_path / "plain.html"))
    assert scripts == [a for tag, a in plain.elements if tag == "script"]


def test_markup_escapes_what_is_not_markup():
    assert element("p", EVIL, title=ONCE) == (
        f'<p title="{html.escape(ONCE).replace("=", "&#61;")}">{html.escape(EVIL)}</p>'
    )
    assert element("p", element("b", "&"), None, data_step=3) == '<p data-step="3"><b>&amp;</b></p>'
    assert escaped("a\x00b\ud800c") == "a�b�c"


# ---------------------------------------------------------------- what is said


def written(tmp_path, text, target="y", **more):
    """Return the words of the report of a small table."""
    (tmp_path / "t.csv").write_text(text, "utf-8")
    fit = ds.fit(tmp_path / "t.csv", target, progress=False, **{"epochs": 20, **more})
    return read(of_fit(fit, tmp_path / "fit.html")).words


def test_a_handful_of_rows_gets_neither_interval_nor_verdict(tmp_path):
    words = written(tmp_path, "a,b,y\n1,2,3.1\n2,1,4.2\n3,5,8.8\n4,4,9.1\n5,9,15.2\n", epochs=1)
    assert "1 such row is too few to say whether the model does better" in words
    assert "There are no intervals: 1 test row cannot say how far others may differ" in words
    assert "at most 1 epoch of one update" in words
    assert "The only test row" in words
    for wrong in ("chance explains", "drawn again", "95 % interval", "Explained", "1 test rows"):
        assert wrong not in words


def test_the_learning_rate_says_where_it_is_from(fits, tmp_path):
    line, net = (read(of_fit(fits[kind], tmp_path / "a.html")).words for kind in ("line", "net"))
    assert "chosen from the curvature" in line
    assert "learning rate 0.001, the published default of adam" in net
    assert "chosen from the curvature" not in net


def test_the_loss_that_is_told_names_its_update(tmp_path):
    best = ds.train(
        ds.Task(ds.MLP((8,)), "squared_error", ds.adam(0.05)),
        X, Y + np.random.default_rng(4).normal(size=40), epochs=400, validation=0.4, patience=20,
    )  # fmt: skip
    assert best.outcome.best_step < best.state.step
    words = read(best.report(tmp_path / "a.html")).words
    assert f"to {number(best.outcome.loss)} at update {best.outcome.best_step}, whose" in words
    plain = read(run_of("plain").report(tmp_path / "b.html")).words
    assert "whose parameters were kept" not in plain


def headings(path):
    """Return the tables of a report: caption to the cells of its head."""
    found = re.findall(r"<caption>(.*?)</caption><thead><tr>(.*?)</tr>", path.read_text("utf-8"))
    cells = {name: re.findall(r"<t[hd][^>]*?(?:/>|>(.*?)</t[hd]>)", row) for name, row in found}
    return {html.unescape(name).replace("\xa0", " "): row for name, row in cells.items()}


OWN_UNITS = "Coefficients in the columns' own units, strongest first"


@pytest.mark.parametrize(
    ("kind", "said", "factor"),
    [
        ("searching", "logarithm of the prediction", "factor of the prediction"),
        ("logistic", "logarithm of the odds, p / (1 - p) for 'malignant'", "factor of the odds"),
        ("plain", "and the score is the prediction", None),
    ],
)
def test_coefficients_say_what_they_multiply(fits, tmp_path, kind, said, factor):
    path = tmp_path / "a.html"
    run = fits[kind].run if kind in fits else run_of(kind)
    of_fit(fits[kind], path) if kind in fits else run.report(path)
    words = read(path).words
    assert said in words
    assert (factor in headings(path)[OWN_UNITS]) == (factor is not None)
    if factor:
        row = next(row for row in coefficients(run).rows if row.feature != INTERCEPT)
        assert f"{number(row.value, 5)}{number(np.exp(row.value))}" in words
    assert "coefficient of the score" not in words


def test_where_there_are_no_intervals_none_are_announced(tmp_path):
    path = run_of("searching").report(tmp_path / "a.html")
    assert "Lines are 95 % intervals" in read(path).words
    assert "95 % interval" in [cell.replace("\xa0", " ") for cell in headings(path)[OWN_UNITS]]
    run = run_of("without probabilities")
    path = run.report(tmp_path / "b.html")
    assert not [cell for cell in headings(path)[OWN_UNITS] if "interval" in cell]
    words = read(path).words
    assert "Lines are 95 % intervals" not in words
    why = coefficients(run).sentences[0]
    assert words.count(why) == 2  # below the drawing, and below the table


def test_every_output_has_its_quantiles_and_is_named(tmp_path):
    Z = np.column_stack([Y, 1000 * Y**2, -Y, Y])
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent("auto"))
    run = ds.train(task, X, Z, epochs=30)
    path = run.report(tmp_path / "a.html")
    words = read(path).words
    left = residuals(run).residual
    for j in range(4):
        cells = [number(float(v), 3) for v in np.percentile(left[:, j], [0, 5, 25])]
        assert f"output {j + 1}{''.join(cells)}" in words
    assert "Of 4 outputs the first 3 are drawn" in words
    far = np.abs(left) / np.sqrt(np.mean(left**2, axis=0))
    row, output = np.unravel_index(far.argmax(), far.shape)
    assert f"{row + 1}{output + 1}{number(Z[row, output])}" in words


def test_what_is_missing_says_of_which_rows(tmp_path):
    lines = [f"{i if i % 4 else ''},{'bc'[i % 2] if i % 5 else ''},{2 * i}" for i in range(60)]
    words = written(tmp_path, "\n".join(["a,k,y", *lines]))
    assert re.search(r"number1 to 59, mean 3015Standardised", words)
    assert "category2 levels: 'b' 50 %, 'c' 50 %12A category of 2 levels" in words
    assert (
        len(re.findall(r"; \d+ missing entries of the training rows (?:get|are) the ", words)) == 2
    )
    assert "missing, of all rows" in words


def test_many_columns_are_folded(tmp_path):
    many = ",".join(f"c{j}" for j in range(12))
    rows = (np.arange(40)[:, None] * np.arange(1, 13) % 17).tolist()
    written(tmp_path, "\n".join([many, *(",".join(map(str, row)) for row in rows)]), "c0")
    text = (tmp_path / "fit.html").read_text("utf-8")
    before, after = text.split("<summary>2 more columns</summary>")
    assert before.count('scope="row" class="words"><bdi class="name">c') == 10
    assert re.search(">c11</bdi>.*?</details>", after, re.DOTALL)


# ---------------------------------------------------------------- how to repeat it


OPTIONS = [
    {},
    {"hidden": "4,3", "activation": "relu", "epochs": 3, "seed": 5},
    {"loss": "huber:1.5", "penalty": "l2:0.01", "optimizer": "momentum:0.5", "learning_rate": 0.02},
    {"exclude": ["age", "s 1"], "in_order": True, "batch_size": 16, "patience": 3, "epochs": 4},
    {
        "optimizer": "lbfgs:5",
        "tolerance": 1e-3,
        "penalty": "l2:0.5",
        "loss": "half_squared_error",
    },
]


@pytest.mark.parametrize("asked", OPTIONS)
def test_the_command_repeats_the_run(asked, tmp_path, monkeypatch):
    table = tmp_path / "it's a table.csv"
    text = ds.datasets.shipped_table("diabetes").read_text("utf-8").replace("s1,", "s 1,", 1)
    table.write_text(text, "utf-8")
    fit = ds.fit(table, "progression", progress=False, **{"epochs": 6, **asked})
    again = fitted_by(command_of(fit.run), monkeypatch)
    assert (again.theta == fit.run.theta).all()
    said = {"table": str(table), "target": "progression", "epochs": 6, **asked}
    assert (fitted_by(command_line(said), monkeypatch).theta == fit.run.theta).all()


def fitted_by(line, monkeypatch):
    """Return the run that a command line makes, without writing it."""
    from descend.cli import app

    found = {}

    def kept(fitted, _folder, _asked):
        found["run"] = fitted.run
        return []

    monkeypatch.setattr(app, "_write", kept)
    words = shlex.split(line)
    assert words[:2] == ["descend", "fit"]
    app._run_typer([*words[1:], "--json"])
    return found["run"]


def test_what_no_command_can_say_is_said_in_python():
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent("auto"))
    run = ds.train(task, [[1.0], [2.0]], [1.0, 2.0], epochs=3)
    assert command_of(run) is None
    assert kind_of(Subject(run)) == "a linear model (least squares)"


# ---------------------------------------------------------------- runs of every kind


def own_model():
    def init(rng):
        return {"w": rng.normal(size=(2, 1))}

    def apply(params, X):
        return X @ params["w"]

    return ds.custom_model(init, apply)


X = np.random.default_rng(0).normal(size=(40, 2))
Y = X @ [1.0, -2.0] + 0.1 * np.random.default_rng(1).normal(size=40)


def run_of(kind):
    step = ds.gradient_descent("auto")
    plain = ds.Task(ds.Linear(), "squared_error", step)
    labels = np.array(["a", "b", "c"])[np.digitize(Y, [-1, 1])]
    never = ds.Callback(start=lambda _: True)
    tasks = {
        "plain": lambda: ds.train(plain, X, Y, epochs=30),
        "validated": lambda: ds.train(plain, X, Y, epochs=30, validation=0.25, standardize=True),
        "no updates": lambda: ds.train(plain, X, Y, epochs=9, callbacks=[never]),
        "one row": lambda: ds.train(plain, X[:1], Y[:1], epochs=3),
        "diverged": lambda: ds.train(
            ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(9.0)), X, Y, epochs=900
        ),
        "several outputs": lambda: ds.train(plain, X, np.column_stack([Y, -Y]), epochs=30),
        "three labels": lambda: ds.train(
            ds.Task(ds.MLP((3,)), "softmax", "adam"), X, labels, epochs=5
        ),
        "two labels twice": lambda: ds.train(
            ds.Task(ds.Linear(), "logistic", "adam"), X, np.column_stack([Y > 0, Y < 1]), epochs=5
        ),
        "without probabilities": lambda: ds.train(
            ds.Task(ds.Linear(), "hinge", "adam"), X, Y > 0, epochs=5
        ),
        "weighed": lambda: ds.train(plain, X, Y, epochs=30, sample_weight=np.arange(40.0)),
        "sparse": lambda: ds.train(plain, scipy.sparse.csr_array(X), Y, epochs=30),
        "float32": lambda: ds.train(plain, X.astype("float32"), Y.astype("float32"), epochs=9),
        "searching": lambda: ds.train(
            ds.Task(ds.Linear(), "poisson", "newton", ds.l2(0.1)), X, np.round(np.exp(Y / 3))
        ),
    }
    return tasks[kind]()


KINDS = (
    "plain, validated, no updates, one row, diverged, several outputs, three labels, "
    "two labels twice, without probabilities, weighed, sparse, float32, searching"
)


@pytest.mark.parametrize("kind", KINDS.split(", "))
def test_every_kind_of_run_has_a_report(kind, tmp_path):
    run = run_of(kind)
    page = read(run.report(tmp_path / "a.html"))
    sound(page)
    assert "nan" not in page.words.lower().split()
    assert {anchor for anchor, _ in CONTENTS} <= page.ids
    run.save(tmp_path / "model.run", keyframes=False)
    bare = read(ds.load(tmp_path / "model.run").report(tmp_path / "b.html"))
    sound(bare)
    assert "not at hand" in bare.words


def test_an_own_model_has_a_report(tmp_path):
    pytest.importorskip("jax")
    task = ds.Task(own_model(), "squared_error", ds.adam(0.1))
    page = read(ds.train(task, X, Y, epochs=5).report(tmp_path / "a.html"))
    sound(page)
    assert "its author's own" in page.words
    assert 'run = ds.load("model.run", task=task)' in page.words
    assert 'ds.load("model.run").task' not in page.words


def test_an_older_report_is_replaced_only_if_it_may_be(tmp_path):
    run = run_of("plain")
    path = run.report(tmp_path / "a.html", overwrite=False)
    with pytest.raises(InputError, match="exists"):
        run.report(path, overwrite=False)
    assert run.report(path, title="again").read_text("utf-8").count("<h1>again</h1>") == 1
    with pytest.raises(InputError, match="arrays"):
        run.report(path, data="t.csv")


# ---------------------------------------------------------------- on the command line


FIT = ("fit", "diabetes", "--target", "progression", "--epochs", 3, "--json", "--out")


def test_fit_writes_its_report_and_loses_nothing_if_it_cannot(tmp_path, descend, monkeypatch):
    found = json.loads(descend(*FIT, "a")[1])
    assert found["files"][-1] == str(Path("a/report.html"))
    assert json.loads(Path("a/summary.json").read_text("utf-8"))["files"] == found["files"]
    page = read(Path("a/report.html"))
    assert "descend fit diabetes --target progression --epochs 3" in page.words
    monkeypatch.setattr("descend.report.making.body_of", lambda *_, **__: 1 / 0)
    status, out, err = descend(*FIT, "b")
    written = sorted(file.name for file in Path("b").iterdir())
    assert written == ["config.toml", "fit.run", "summary.json"]
    assert (status, len(json.loads(out)["files"])) == (0, 3)
    assert "the run is whole" in err


def test_report_writes_beside_the_run_and_never_over_it(descend):
    descend(*FIT, "a")
    status, _, err = descend("report", "a")
    assert (status, "--overwrite" in err) == (2, True)
    found = json.loads(descend("report", "a", "--overwrite", "--title", "Ours", "--json")[1])
    assert found["bytes"] == Path("a/report.html").stat().st_size
    assert "Ours" in read(Path("a/report.html")).words
    assert "any browser opens it" in descend("report", "a/fit.run", "--out", "b.html")[1]
    sound(read(Path("b.html")))


# ---------------------------------------------------------------- in a real browser


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .map(({ id, nodes }) => [id, nodes[0].html, nodes[0].failureSummary])"""


def opened(new_page, path, **options):
    """Open a report from disk; `new_page` fails on console errors and on any request outside."""
    page = new_page(offline=True, **options)
    page.goto(path.as_uri())
    page.wait_for_selector("#descend-run-0[data-shown]")
    return page


def looked_over(page):
    """Return what axe finds with all that was folded unfolded, and how far the page sticks out."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.evaluate(AXE)
    return page.evaluate(AXE_RUN), page.evaluate(
        "document.documentElement.scrollWidth - innerWidth"
    )


@pytest.mark.parametrize(
    ("scheme", "width", "which"),
    [
        ("light", 1200, ["hostile"]),
        pytest.param("dark", 360, ["line", "diverged"], marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_and_nothing_sticks_out(fits, new_page, tmp_path, scheme, width, which):
    for name in which:
        path = tmp_path / f"{name}.html"
        if name == "diverged":
            run_of(name).report(path)
        else:
            of_fit(hostile(tmp_path) if name == "hostile" else fits[name], path)
        page = opened(new_page, path, width=width, color_scheme=scheme)
        assert looked_over(page) == ([], 0), name


@pytest.mark.parametrize("width", [360, 700])
def test_letters_in_drawings_can_be_read_and_stay_inside(fits, new_page, tmp_path, width):
    path = of_fit(fits["logistic"], tmp_path / "a.html")
    page = opened(new_page, path, width=width)
    size, out = page.evaluate(LETTERS)
    assert size > 10.9
    assert out < 1


LETTERS = """() => {
    let [least, out] = [Infinity, 0];
    for (const text of document.querySelectorAll("figure .drawing text")) {
        const svg = text.ownerSVGElement, box = svg.getBoundingClientRect();
        if (!box.width) continue;
        const own = text.getBoundingClientRect();
        const size = parseFloat(getComputedStyle(text).fontSize);
        least = Math.min(least, size * box.width / svg.viewBox.baseVal.width);
        out = Math.max(out, box.left - own.left, own.right - box.right);
    }
    return [least, out];
}"""


def test_a_table_that_goes_on_shows_it_at_its_side(fits, new_page, tmp_path):
    page = opened(new_page, of_fit(fits["logistic"], tmp_path / "a.html"), width=360)
    table = page.locator("#data .wide").first
    table.scroll_into_view_if_needed()
    assert table.evaluate("t => t.scrollWidth - t.clientWidth") > 50

    def shade():
        shot = Image.open(io.BytesIO(table.screenshot())).convert("L")
        return np.asarray(shot)[2:14, -3:-1].mean()

    shadowed = shade()
    table.evaluate("t => { t.scrollLeft = t.scrollWidth; }")
    assert shade() - shadowed > 20


def test_axe_sees_what_is_wrong(new_page, tmp_path):
    (tmp_path / "a.html").write_text("<p>No language, no title, no heading.<img src='data:,'></p>")
    page = new_page(width=360)
    page.goto((tmp_path / "a.html").as_uri())
    assert "document-title" in [code for code, *_ in looked_over(page)[0]]


def test_a_findings_link_leads_to_its_update(new_page, tmp_path):
    run = run_of("diverged")
    page = opened(new_page, run.report(tmp_path / "a.html"))
    link = page.locator("#doctor a[data-step]").first
    asked = int(link.get_attribute("data-step"))
    update = page.get_by_label("Go to update")
    update.fill("0")
    link.click()
    shown = int(update.input_value())
    frames = frames_of(run).steps
    assert shown == frames[frames <= asked].max() > 0


def test_the_model_is_downloaded_and_opens(fits, new_page, tmp_path):
    page = opened(new_page, of_fit(fits["line"], tmp_path / "a.html"))
    with page.expect_download() as waiting:
        page.locator("a[download]").click()
    waiting.value.save_as(tmp_path / "got.run")
    assert (ds.load(tmp_path / "got.run").theta == fits["line"].run.theta).all()


def test_on_paper_the_drawing_stands_for_the_live_page(fits, new_page, tmp_path):
    page = opened(new_page, of_fit(fits["line"], tmp_path / "a.html"), color_scheme="dark")
    assert page.locator(".live").is_visible()
    assert not page.locator(".still").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".live").is_visible()
    assert page.locator(".still svg").is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
