"""Tables: every source gives the same numbers, every column is accounted for."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from descend.errors import InputError, RunFileError
from descend.tables import Encoder, prepare, read, write_predictions


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 400
    table = pd.DataFrame(
        {
            "size": rng.standard_normal(n) * 30 + 100,
            "rooms": rng.integers(1, 6, n),
            "new": rng.integers(0, 2, n).astype(bool),
            "town": rng.choice(["Ulm", "Köln", None], n),
            "sold": pd.date_range("2020-01-01", periods=n, freq="31h"),
            "name": [f"house {i}" for i in range(n)],
            "planet": "earth",
            "empty": [None] * n,
            "price": rng.standard_normal(n),
        }
    )
    table.loc[[3, 5, 8], "size"] = np.nan
    table.loc[7, "price"] = np.nan
    return table


def sources(frame, folder):
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_csv(folder / "t.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "t.parquet")
    frame.to_json(
        folder / "t.jsonl", orient="records", lines=True, date_format="iso", double_precision=15
    )
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / "t.csv").read_bytes()))
    frame[:200].to_csv(folder / "part1.csv", index=False)
    frame[200:].to_csv(folder / "part2.csv", index=False)
    names = ["t.csv", "t.tsv", "t.parquet", "t.jsonl", "t.csv.gz", "part*.csv"]
    files = {name: folder / name for name in names}
    polars = pl.from_pandas(frame)
    return {**files, "pandas": frame, "polars": polars, "arrow": pa.Table.from_pandas(frame)}


def test_every_source_gives_the_same_rows(frame, tmp_path):
    found = {k: prepare(v, "price") for k, v in sources(frame, tmp_path).items()}
    first = found.pop("pandas")
    assert first.rows == {
        "read": 400,
        "without_target": 1,
        "train": 279,
        "validation": 60,
        "test": 60,
    }
    for prepared in found.values():
        assert prepared.encoder.feature_names == first.encoder.feature_names
        np.testing.assert_allclose(prepared.train.X, first.train.X, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(prepared.test.y, first.test.y, rtol=1e-9)


def test_every_column_is_accounted_for(frame):
    prepared = prepare(frame, "price")
    treatments = {c.name: c.treatment for c in prepared.columns}
    assert treatments == {
        "size": "number",
        "rooms": "number",
        "new": "boolean",
        "town": "category",
        "sold": "date",
        "name": "set aside",
        "planet": "set aside",
        "empty": "set aside",
        "price": "target",
    }
    assert all(c.sentence.endswith(".") for c in prepared.columns)
    assert "size (missing)" in prepared.encoder.feature_names
    assert "town=(missing)" in prepared.encoder.feature_names
    features = [f for c in prepared.columns for f in c.features]
    assert features == prepared.encoder.feature_names


def test_encoding_is_learnt_on_training_rows_only(frame):
    prepared = prepare(frame, "price")
    at = prepared.encoder.feature_names.index("rooms")
    np.testing.assert_allclose(prepared.train.X[:, at].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(prepared.train.X[:, at].std(), 1, rtol=1e-12)
    assert abs(prepared.test.X[:, at].mean()) > 1e-6
    spoilt = frame.copy()
    ids = prepare(frame.assign(row=range(len(frame))), "price", id_column="row").test.ids
    spoilt.loc[[int(i) for i in ids], "rooms"] = 1000
    again = prepare(spoilt, "price")
    np.testing.assert_array_equal(again.train.X, prepared.train.X)


def test_the_encoder_comes_back_from_plain_data(frame):
    encoder = prepare(frame, "price").encoder
    again = Encoder.from_json(encoder.to_json())
    assert again == encoder
    np.testing.assert_array_equal(again.transform(frame).X, encoder.transform(frame).X)


def test_a_forged_encoder_is_refused(frame):
    record = prepare(frame, "price").encoder.to_json()
    for spoil in ({"columns": [{"kind": "os.system"}]}, {"target": {}}, {"options": 3}):
        with pytest.raises(RunFileError):
            Encoder.from_json({**record, **spoil})


def test_original_units_give_the_same_scores():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.standard_normal((50, 3)) * [1, 100, 0.01] + 5, columns=list("abc"))
    table["y"] = rng.standard_normal(50)
    encoder = prepare(table, "y").encoder
    weight, bias = rng.standard_normal((3, 2)), rng.standard_normal(2)
    named, intercept = encoder.original_units(weight, bias)
    raw = table[["a", "b", "c"]].to_numpy() @ np.array([c for _, c in named]) + intercept
    np.testing.assert_allclose(raw, encoder.transform(table).X @ weight + bias, rtol=1e-9)


def test_unseen_levels_are_counted_and_not_fatal(frame):
    encoder = prepare(frame, "price").encoder
    other = frame.head(5).assign(town=["Rom", "Rom", "Ulm", "Wien", "Ulm"])
    report = encoder.transform(other).report
    assert any("3 rows with levels not seen" in r and "'Rom' (2)" in r for r in report)


def test_rare_levels_are_pooled():
    levels = ["common"] * 300 + ["usual"] * 100 + [f"rare{i}" for i in range(3)] * 2
    table = pd.DataFrame({"c": levels, "y": np.arange(406) % 17})
    features = prepare(table, "y").encoder.feature_names
    assert features == ["c=common", "c=usual", "c=(other)"]


@pytest.mark.parametrize(
    ("target", "kind", "classes"),
    [
        ([0, 1] * 20, "labels", ("0", "1")),
        (["yes", "no"] * 20, "labels", ("no", "yes")),
        ([True, False] * 20, "labels", ("false", "true")),
        (["b", "a", "c", "a"] * 10, "labels", ("a", "b", "c")),
        ([1, 2, 3, 10] * 10, "number", ()),
        ([0.5, 1.25, 3.0, 4.0] * 10, "number", ()),
    ],
)
def test_the_kind_of_target_is_decided_by_what_it_holds(target, kind, classes, tmp_path):
    table = pd.DataFrame({"a": np.arange(40) % 7, "y": target})
    table.to_csv(tmp_path / "t.csv", index=False)
    for source in (table, tmp_path / "t.csv"):
        plan = prepare(source, "y").encoder.target
        assert (plan.kind, plan.classes) == (kind, classes)


def test_numbers_can_be_taken_as_labels_and_two_labels_as_numbers():
    table = pd.DataFrame({"a": np.arange(60) % 7, "y": [10, 2, 1] * 20})
    assert prepare(table, "y", target_kind="labels").encoder.target.classes == ("1", "2", "10")
    two = table.assign(y=[0, 1] * 30)
    assert prepare(two, "y", target_kind="number").encoder.target.kind == "number"


def test_weights_shape_the_encoding():
    table = pd.DataFrame({"a": [0.0, 10.0] * 30, "y": np.arange(60.0), "w": [1.0, 3.0] * 30})
    weighted = prepare(table, "y", weight="w")
    assert weighted.train.weights is not None
    mean = np.average(weighted.train.X[:, 0], weights=weighted.train.weights)
    np.testing.assert_allclose(mean, 0, atol=1e-12)


def test_odd_kinds_of_columns_are_set_aside_with_the_reason():
    table = pa.table(
        {
            "list": pa.array([[1, 2]] * 30),
            "blob": pa.array([b"x"] * 30),
            "decimal": pa.array(np.arange(30) * 1.5),
            "words": [
                f"a long sentence that goes on, number {i % 21}, and on and on for good"
                for i in range(30)
            ],
            "y": np.arange(30.0) ** 2,
        }
    )
    found = {c.name: c for c in prepare(table, "y").columns}
    assert found["list"].treatment == found["blob"].treatment == "set aside"
    assert "cannot be used" in found["list"].sentence
    assert found["decimal"].treatment == "number"
    assert found["words"].treatment == "set aside"


def test_arrays_are_sent_to_train():
    with pytest.raises(InputError, match="ds.train"):
        read(np.zeros((3, 2)))


def test_formulas_are_disarmed_and_numbers_left_alone(tmp_path):
    columns = {"id": ["=1+1", "@x", "plain", None], "prediction": np.array([-1.5, 2.0, 0.1, 3.0])}
    write_predictions(tmp_path / "p.csv", columns)
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines == ["id,prediction", "'=1+1,-1.5", "'@x,2.0", "plain,0.1", ",3.0"]
    write_predictions(tmp_path / "p.parquet", columns)
    assert pd.read_parquet(tmp_path / "p.parquet")["id"].tolist()[:3] == ["=1+1", "@x", "plain"]
    with pytest.raises(InputError, match="exists already"):
        write_predictions(tmp_path / "p.csv", columns)
    with pytest.raises(InputError, match="neither"):
        write_predictions(tmp_path / "p.xlsx", columns)
