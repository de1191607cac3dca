"""The lab's rows: drawn, read, recorded or dropped; and what a dropped file cannot do."""

from __future__ import annotations

import gc
import gzip
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import descend as ds
from descend import fitting
from descend.datasets import shipped_table, toy
from descend.errors import InputError
from descend.lab import uploads
from descend.lab.address import to_query
from descend.lab.choices import choices
from descend.lab.limits import Limits
from descend.lab.rows import open_run, open_table, rows_of
from descend.lab.settings import Settings
from descend.lab.sources import SOURCES
from descend.lab.uploads import accept
from descend.tables import Encoder

DRAWN = tuple(name for name, source in SOURCES.items() if source.drawn)


def train(settings, rows, **more):
    how = {**rows.arguments(), **settings.train_arguments(), **more}
    return rows.signed(ds.train(settings.task(), rows.X, rows.y, engine="numpy", **how))


def together(rows):
    """Return the training and validation rows in one, sorted."""
    bare, y = [rows.bare], [rows.y]
    if rows.validation is not None:
        bare.append(rows.bare_validation)
        y.append(rows.validation[1])
    X, y = np.concatenate(bare), np.concatenate(y)
    order = np.lexsort((y, *X.T))
    return X[order], y[order]


# ---------------------------------------------------------------- drawn


def test_the_moons_of_the_lab_are_the_librarys():
    X, y = toy.moons(80, 0.2, 7)
    mine = together(rows_of(Settings.of({"n": 80, "noise": 0.2, "data_seed": 7})))
    order = np.lexsort((y, *X.T))
    assert_array_equal(mine[0], X[order])
    assert_array_equal(mine[1], y[order])


@pytest.mark.parametrize("data", [name for name in DRAWN if SOURCES[name].rows is None])
def test_n_noise_seed_and_share_are_as_asked(data):
    asked = {"data": data, "n": 61, "noise": 0.0, "validation": 0.25}
    rows = rows_of(Settings.of(asked))
    assert (len(rows.y), len(rows.validation[1])) == (46, 15)
    noisy = {**asked, "noise": 0.2}
    once, again = rows_of(Settings.of(noisy)), rows_of(Settings.of(noisy))
    assert_array_equal(once.X, again.X)
    blurred = 1 if rows.kind == "numbers" else 0
    assert not np.array_equal(together(once)[blurred], together(rows)[blurred])
    if data in {"line", "line_by_hand", "xor", "checkerboard"}:  # the others' places are fixed
        other = rows_of(Settings.of({**asked, "data_seed": 3}))
        assert not np.array_equal(together(other)[0], together(rows)[0])
    if SOURCES[data].kind == "numbers":  # without noise all points are on one line
        X, y = together(rows)
        assert abs(np.corrcoef(X[:, 0], y)[0, 1]) > 1 - 1e-12


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_blobs_have_as_many_labels_as_asked_in_both_parts(classes):
    rows = rows_of(Settings.of({"data": "blobs", "classes": classes, "n": 10 * classes}))
    for y in (rows.y, rows.validation[1]):
        assert np.unique(y).tolist() == list(range(classes))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_however_few_rows_there_are_both_labels_train(n, share):
    rows = rows_of(Settings.of({"n": n, "validation": share}))
    assert set(rows.y) == {0, 1}
    held = 0 if rows.validation is None else len(rows.validation[1])
    assert held == min(round(n * share), n - 2)
    assert len(rows.y) + held == n


def test_features_are_what_their_names_say():
    chosen = ["sin x2", "x1*x2", "x1^2", "x1"]
    rows = rows_of(Settings.of({"features": chosen}))
    x1, x2 = rows.bare.T
    assert_allclose(rows.X, np.column_stack([np.sin(x2), x1 * x2, x1**2, x1]), rtol=1e-15)
    assert rows.names == tuple(chosen)
    assert len(rows.validation[0][0]) == 4


def test_without_noise_the_draws_are_what_they_were():
    X = toy.legacy(3).uniform(-1, 1, (50, 2))
    assert_array_equal(toy.xor(50, 3)[0], X)
    assert_array_equal(toy.xor(50, 3, noise=0.1)[1], X[:, 0] * X[:, 1] < 0)
    assert_array_equal(toy.checkerboard(50, 4, 3)[0], toy.legacy(3).uniform(0, 4, (50, 2)))
    assert_array_equal(toy.sliders(n=11)[0][:, 0], np.arange(-5.0, 6.0))


# ---------------------------------------------------------------- tables


@pytest.fixture
def table(tmp_path):
    """Write a table of every kind of column; return its path."""
    rng = np.random.default_rng(0)
    lines = ["size,city,day,sold,name,price"]
    for i in range(120):
        size, city = rng.normal(50, 10), ["Oslo", "Rome", "Bern"][rng.integers(3)]
        price = 3 * size + 20 * (city == "Rome") + rng.normal()
        lines.append(
            f"{size:.3f},{city},2024-{i % 12 + 1:02d}-0{i % 9 + 1},{'yes' if i % 3 else 'no'},"
            f"house number {i},{price:.3f}"
        )
    path = tmp_path / "homes.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("data", "target"), [("breast-cancer", "diagnosis"), ("diabetes", "progression")]
)
@pytest.mark.parametrize("hidden", [[], [3]])
def test_a_shipped_table_is_split_and_encoded_as_a_fit_does_it(data, target, hidden):
    settings = Settings.of({"data": data, "hidden": hidden, "data_seed": 4})
    rows = rows_of(settings)
    fit = ds.fit(
        shipped_table(data), target, hidden=hidden or None, epochs=1, seed=4, engine="numpy"
    )
    assert_array_equal(rows.X, fit.prepared.train.X)
    assert_array_equal(rows.validation[0], fit.prepared.validation.X)
    run = train(settings, rows, epochs=3)
    assert run.classes == fit.run.classes
    assert run.encoder == fit.run.encoder
    assert fitting.measured(run, rows.prepared).rows == fit.rows
    predicted = run.predict(shipped_table(data))
    if run.classes is None:  # in the target's own units
        assert 100 < predicted.mean() < 200 or not hidden
    else:
        assert set(predicted) <= {"benign", "malignant"}


def test_a_saved_run_on_a_table_is_read_again_by_all_who_read_runs(table, tmp_path):
    opened = open_table(table)
    settings = opened.settings({"hidden": [3], "validation": 0.2, "features": ["size", "city"]})
    run = train(settings, rows_of(settings, opened), epochs=4)
    run.save(tmp_path / "it.run")
    again, prepared = fitting.reopen(ds.load(tmp_path / "it.run"))
    assert again.data.fingerprint == run.data.fingerprint
    assert prepared.rows["validation"] == 24


def test_what_is_learnt_of_columns_is_learnt_on_training_rows_alone(table):
    opened = open_table(table)
    rows = rows_of(opened.settings(), opened)
    size = rows.names.index("size")
    assert_allclose((rows.X[:, size].mean(), rows.X[:, size].std()), (0, 1), atol=1e-12)
    assert abs(rows.validation[0][:, size].mean()) > 1e-3
    assert Encoder.from_json(rows.encoder).feature_names == list(rows.names)


def test_columns_go_in_and_out_and_say_what_became_of_them(table):
    opened = open_table(table)
    assert (opened.target, opened.kind("price"), opened.kind("sold")) == (
        "price",
        "numbers",
        "two labels",
    )
    rows = rows_of(opened.settings(), opened)
    told = {summary["name"]: summary for summary in rows.summaries}
    assert "identifier" in told["name"]["sentence"]
    assert [name for name in told if told[name]["axis"]] == ["size"]
    assert (
        told["city"]["why"]
        == "'city' is no axis to look along: it is text, whose levels have no order."
    )
    assert "it is a date" in told["day"]["why"]
    some = rows_of(opened.settings({"features": ["city", "size"]}), opened)
    assert some.names == ("size", "city=Bern", "city=Oslo", "city=Rome")
    with pytest.raises(InputError, match="did you mean 'size'"):
        rows_of(opened.settings({"features": ["sise"]}), opened)
    with pytest.raises(InputError, match="must hold numbers or labels"):
        opened.settings({"target": "day"})
    with pytest.raises(InputError, match="No column is left"):
        rows_of(opened.settings({"features": ["name"]}), opened)


def test_another_target_gets_another_loss(table):
    opened = open_table(table)
    settings = opened.settings()
    assert settings.loss == ds.squared_error()
    sold, said = settings.with_changes({"target": "sold"}, opened)
    assert sold.loss == ds.logistic()
    assert said == ("The loss is logistic now, for the targets are two labels.",)
    rows = rows_of(sold, opened)
    assert rows.classes == ("no", "yes")
    assert set(train(sold, rows, epochs=2).predict(table)) <= {"no", "yes"}
    with pytest.raises(InputError, match="must hold numbers"):
        rows_of(settings.with_changes({"target": "sold", "loss": "huber"}, opened)[0], opened)


def test_rows_are_made_once_for_what_does_not_touch_them(table):
    opened = open_table(table)
    settings = opened.settings()
    rows = rows_of(settings, opened)
    assert (
        rows_of(settings.with_changes({"learning_rate": 0.5, "seed": 3}, opened)[0], opened) is rows
    )
    assert rows_of(settings.with_changes({"data_seed": 3}, opened)[0], opened) is not rows
    for seed in range(5):
        rows_of(settings.with_changes({"data_seed": seed}, opened)[0], opened)
    assert len(opened.kept) == 2


def test_settings_of_another_table_are_refused(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(table.read_text() + "1,Oslo,2024-01-01,yes,x,2\n")
    settings = open_table(table).settings()
    with pytest.raises(InputError, match="another table than other.csv"):
        rows_of(settings, open_table(other))
    with pytest.raises(InputError, match="none is open"):
        rows_of(settings)


def test_choices_of_a_table_name_its_columns(table):
    opened = open_table(table)
    found = json.loads(json.dumps(choices(opened.settings(), opened)))
    assert found["features"] == ["size", "city", "day", "sold", "name"]
    assert found["columns"][2] == {"name": "day", "kind": "date"}
    assert found["data"][-1]["name"] == "table"
    assert found["kind"] == "numbers"


def test_a_table_without_a_likely_target_asks_for_one(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("a,b\n" + "".join(f"x{i},2024-01-{i % 28 + 1:02d}\n" for i in range(60)))
    opened = open_table(path)
    with pytest.raises(InputError, match="Choose the column of ids.csv"):
        rows_of(opened.settings(), opened)


# ---------------------------------------------------------------- runs


@pytest.mark.parametrize("hidden", [None, (3,)])
def test_a_recorded_fit_is_trained_again_from_its_settings(table, tmp_path, hidden):
    fit = ds.fit(
        table,
        "price",
        hidden=hidden,
        epochs=5,
        seed=3,
        exclude=["day"],
        penalty="l2:0.1",
        engine="numpy",
        batch_size=16,
    )
    fit.run.save(tmp_path / "it.run")
    opened = open_run(tmp_path / "it.run")
    settings = opened.settings()
    run = train(settings, rows_of(settings, opened), epochs=5)
    assert_array_equal(run.theta, fit.run.theta)
    assert opened.run.at(2).theta.shape == run.theta.shape


def test_a_run_of_the_lab_says_itself_how_it_was_made(tmp_path):
    settings = Settings.of({"data": "circles", "n": 40})
    rows = rows_of(settings)
    how = {**rows.arguments(), **settings.train_arguments()}
    live = ds.begin(settings.task(), rows.X, rows.y, engine="numpy", **how)
    live.advance(3)
    live.note("lab", address=to_query(settings, step=3))
    live.run().save(tmp_path / "it.run")
    opened = open_run(tmp_path / "it.run")
    assert opened.settings() == settings
    assert (opened.data, opened.asked.step) == ("circles", 3)


def test_a_run_on_arrays_opens_with_its_rows_and_not_without(tmp_path):
    X, y = toy.moons(30)
    task = ds.Task(ds.MLP((3,)), "logistic", ds.momentum(0.1, 0.8))
    run = ds.train(task, X, y, epochs=6, seed=2, batch_size=7, standardize=True, engine="numpy")
    opened = open_run(run)
    settings = opened.settings()
    assert_array_equal(train(settings, rows_of(settings, opened), epochs=6).theta, run.theta)
    run.save(tmp_path / "it.run")
    with pytest.raises(InputError, match="trained on arrays"):
        open_run(tmp_path / "it.run")


def test_a_run_with_a_loss_of_ones_own_is_refused():
    X, y = toy.line_sgd(20)
    run = ds.train(ds.Task(ds.Linear(), "huber", "adam"), X, y, epochs=2, engine="numpy")
    own = ds.Task(ds.Linear(), lambda s, y: ((s - y) ** 4)[:, 0], "adam")
    with pytest.raises(InputError, match="models and losses of this library"):
        open_run(replace(run, task=own)).settings()


# ---------------------------------------------------------------- uploads

GOOD = b"a,b,c\n" + b"".join(b"%d,%d,%s\n" % (i, i * i, (b"no", b"yes")[i % 2]) for i in range(40))


def parquet(query, **options):
    """Return a Parquet file of a query, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/it.parquet"
        words = "".join(f", {k} {v}" for k, v in options.items())
        duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{words})")
        return Path(path).read_bytes()


def as_json(lines):
    rows = [{"a": i, "b": i * i, "c": "xy"[i % 2]} for i in range(30)]
    return ("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)).encode()


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", GOOD, 40),
        ("A.CSV", b"\xef\xbb\xbf" + GOOD, 40),
        ("a.txt", GOOD.replace(b",", b";"), 40),
        ("a.tsv", GOOD.replace(b",", b"\t"), 40),
        ("a.csv.gz", gzip.compress(GOOD, mtime=0), 40),
        ("a.parquet", parquet("SELECT range AS a, range * 2 AS b FROM range(30)"), 30),
        ("a.json", as_json(lines=False), 30),
        ("a.jsonl", as_json(lines=True), 30),
    ],
)
def test_a_dropped_file_is_a_table_and_trains(name, content, rows):
    for given_as in (content, io.BytesIO(content)):
        opened = accept(name, given_as)
        assert (opened.table.rows, opened.name) == (rows, name)
        settings = opened.settings()
        assert train(settings, rows_of(settings, opened), epochs=2).state.step == 2
        opened.close()


def is_a_sentence(error):
    text = str(error)
    if "\n" in text or "descend-lab" in text or tempfile.gettempdir() in text or len(text) > 500:
        raise AssertionError(text)


def test_a_sentence_that_tells_a_folder_is_seen():
    with pytest.raises(AssertionError):
        is_a_sentence(f"{tempfile.gettempdir()}/table.csv is empty.")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.csv", b"a,b\n", "no rows"),
        ("a.json", b" ", "no rows"),
        ("a.csv", b"\x00\x01\x02", "is not text"),
        ("a.csv", parquet("SELECT 1 AS a"), "is a Parquet file"),
        ("a.csv", gzip.compress(GOOD, mtime=0), "compressed with gzip"),
        ("a.csv", b"a,b\n1,2\n3\n", "as many fields"),
        ("a.csv", b"a,A\n1,2\n", "two columns called"),
        ("a.csv", b"a,b\n1,\xff\n", "not written in UTF-8"),
        ("a.csv", b'a,b\n1,"2\n', "a.csv"),
        ("a.csv.gz", gzip.compress(GOOD, mtime=0)[:-9], "cut short"),
        ("a.csv.gz", b"nothing", "cannot be unpacked"),
        ("a.parquet", GOOD, "no Parquet file"),
        ("a.parquet", b"PAR1 in name alone PAR1", "cannot be read"),
        ("a.json", b'[{"a": 1', "cannot be read"),
        ("a.json", b"[" * 99_999, "cannot be read"),
        ("a.json", b"\xff", "cannot be read"),
        ("a.xlsx", b"PK", "none of these"),
        ("a.parquet.gz", b"PAR1", "none of these"),
        ("passwd", b"root", "none of these"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence_without_a_folder(name, content, says):
    with pytest.raises(InputError) as refused:
        accept(name, content)
    is_a_sentence(refused.value)
    assert says in str(refused.value)


SMALL = Limits(
    size=20_000, rows=1000, columns=20, unpacked=200_000, ratio=10, free=30_000, json=2000
)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", GOOD + b"1,1,no\n" * 3000, "larger than"),
        ("a.json", as_json(lines=False) * 9, "larger than"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 1500, "1501 lines"),
        (
            "a.csv",
            b",".join(b"c%d" % i for i in range(30)) + b"\n" + b"1," * 29 + b"1\n",
            "30 columns",
        ),
        ("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0), "10 times its size"),
        ("a.parquet", parquet("SELECT range AS a FROM range(2000)"), "2000 rows"),
        (
            "a.parquet",
            parquet("SELECT " + ", ".join(f"1 AS c{i}" for i in range(30))),
            "30 columns",
        ),
        (
            "a.parquet",  # by its own account
            parquet("SELECT repeat('ab', 50) || range AS a FROM range(900)", compression="zstd"),
            "10 times",
        ),
        ("a.parquet", parquet("SELECT list_value(1, 2) AS a FROM range(9)"), "plain columns"),
        ("a.parquet", parquet("SELECT {'b': 'x'} AS a FROM range(9)"), "plain columns"),
        ("a.parquet", parquet("SELECT repeat('ab', 700) AS a FROM range(900)"), "10 times"),
        (
            "a.parquet",
            parquet("SELECT list_value(1, 2, 3, 4, 5) AS a, range(100) AS b FROM range(900)"),
            "values",
        ),
        ("a.json", json.dumps([{f"k{i}": 1 for i in range(30)}]).encode(), "30 columns"),
        ("a.jsonl", b'{"a":1}\n' * 200, "read"),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_unpacked(name, content, says):
    limits = SMALL if "read" not in says else Limits(rows=100)
    with pytest.raises(InputError) as refused:
        accept(name, content, limits)
    assert says in str(refused.value) or "200 rows" in str(refused.value)


NAMES = (
    "x'; COPY (SELECT 1) TO '{out}'; --.csv",
    "read_csv('{secret}').csv",
    "{secret}.csv",
    "../../{secret}/../x.csv",
    "*.csv",
    "a[0-9]?.csv",
    "a\x00b\n.csv",
    "\u202ex.csv",
    "C:\\temp\\x.csv",
    "n" * 5000 + ".csv",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(name, tmp_path):
    out, secret = tmp_path / "pwned", tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    opened = accept(name.format(out=out, secret=secret), GOOD)
    assert opened.table.names == ["a", "b", "c"]
    assert not out.exists()
    assert "/" not in opened.name
    assert opened.name.isprintable()
    assert len(opened.name) <= 100
    assert opened.table.source["files"][0]["path"] == opened.name


def test_columns_with_names_of_sql_are_columns(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    evil = ['a" FROM data; DROP TABLE data; --', f"(FROM read_csv('{secret}'))", "b"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in evil).encode()
    body = b"".join(b"%d,%d,%d\n" % (i, i % 7, i * 2) for i in range(30))
    opened = accept("a.csv", header + b"\n" + body)
    assert opened.table.names == evil
    settings = opened.settings()
    assert len(rows_of(settings, opened).names) == 2
    for query in (
        f"FROM read_csv('{secret}')",
        f"COPY data TO '{secret}'",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            opened.table._connection.execute(query)
    assert "hunter2" in secret.read_text()


def test_what_was_put_down_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))

    def there():
        return sorted(p.name for p in tmp_path.rglob("*"))

    opened = accept("a.csv", GOOD)
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert [p.name for p in folder.iterdir()] == ["table.csv"]
    opened.close()
    opened.close()
    assert there() == []
    with pytest.raises(InputError):
        accept("a.csv", b"a,b\n1\n")
    assert there() == []
    forgotten = accept("a.csv", GOOD)
    assert len(there()) == 2
    del forgotten
    gc.collect()
    assert there() == []


@tried(max_examples=60)
@given(
    st.sampled_from([".csv", ".tsv", ".csv.gz", ".parquet", ".json"]),
    st.binary(max_size=200)
    | st.text(st.sampled_from('a,b\n"1 .;\t{}[]:'), max_size=60).map(str.encode),
    st.booleans(),
)
def test_whatever_is_dropped_is_a_table_or_refused(suffix, content, wrapped):
    if wrapped and suffix == ".csv.gz":
        content = gzip.compress(content, mtime=0)
    if wrapped and suffix == ".parquet":
        content = b"PAR1" + content + b"PAR1"
    try:
        opened = accept("it" + suffix, content)
    except InputError as error:
        is_a_sentence(error)
    else:
        assert opened.table.rows > 0
        opened.close()


@pytest.mark.slow
def test_a_million_rows_are_read_and_train(tmp_path):
    path = tmp_path / "large.csv"
    drawn = "SELECT random() AS a, random() AS b FROM range(1_000_000)"
    query = f"SELECT *, a > b AS c FROM ({drawn})"  # noqa: S608 - our own words
    duckdb.connect().execute(f"COPY ({query}) TO '{path}'")
    opened = open_table(path, target="c")
    settings = opened.settings()
    assert settings.batch_size == 1024
    rows = rows_of(settings, opened)
    assert len(rows.y) == 700_000
    how = {**rows.arguments(), **settings.train_arguments()}
    run = ds.train(settings.task(), rows.X, rows.y, epochs=1, **how)
    assert run.history["validation_accuracy"][-1] > 0.98
