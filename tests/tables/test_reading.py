"""Reading: nothing is lost or guessed silently, and only the named file is opened."""

import gzip
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from descend.errors import InputError
from descend.tables import prepare, read

LATE = 30_000  # beyond the 20480 rows that DuckDB looks at unless told otherwise


def written(path, text, encoding="utf-8"):
    Path(path).write_bytes(text.encode(encoding))
    return path


def lines(count, line):
    return "".join(line(i) for i in range(count))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(source, **options):
    with pytest.raises(InputError) as error:
        prepare(source, "y", **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("early", "late", "shown"),
    [
        ("7", "1.5", "1.5"),
        ("2024-01-01", "2024-01-02 10:30:00", "2024-01-02 10:30:00"),
        ("7", "12345678901234567890", "1.234567890123456"),
    ],
)
def test_a_late_row_of_a_wider_type_keeps_its_value(early, late, shown):
    written("t.csv", "a,y\n" + lines(LATE, lambda i: f"{early},{i % 7}\n") + f"{late},1\n")
    assert read("t.csv").texts("a")[-1].startswith(shown)


def test_a_large_file_of_fractions_is_sampled_and_still_right():
    count = 250_000
    written("t.csv", "a,y\n" + lines(count, lambda i: f"{i}.25,{i}.5\n") + "7,8\n")
    assert Path("t.csv").stat().st_size > 1 << 22
    np.testing.assert_array_equal(read("t.csv").numbers("a"), [*(np.arange(count) + 0.25), 7.0])


def test_a_late_word_in_a_large_file_of_fractions_is_named():
    written("t.csv", "a,y\n" + lines(250_000, lambda i: f"{i}.25,{i}.5\n") + "oops,8\n")
    message = refusal("t.csv")
    assert "'a'" in message
    assert "'oops' in row 250001 (line 250002)" in message


def test_times_of_day_and_zones_are_taken_apart():
    row = "{h:02d}:30:00,2024-01-{d:02d}T10:00:00+02:00,{d}\n"
    written("t.csv", "a,b,y\n" + lines(40, lambda i: row.format(h=i % 24, d=i % 28 + 1)))
    found = {c.name: c for c in prepare("t.csv", "y").columns}
    assert found["a"].features == ("a hour",)
    assert found["b"].features == ("b day", "b weekday")
    assert "UTC" in found["b"].sentence


def test_intervals_are_seconds():
    frame = pd.DataFrame({"t": pd.to_timedelta([3, 1, 2] * 10, unit="h"), "y": np.arange(30.0)})
    assert sorted(set(read(frame).numbers("t"))) == [3600.0, 7200.0, 10800.0]


def test_hours_do_not_depend_on_the_zone_of_the_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zone = pd.date_range("2024-01-01 23:00", periods=30, freq="7h", tz="Europe/Paris")
    encoder = prepare(pd.DataFrame({"t": zone, "y": np.arange(30.0)}), "y").encoder
    (plan,) = encoder.columns
    raw = encoder.transform(pd.DataFrame({"t": zone})).X[0, plan.features.index("t hour")]
    _, mean, scale = next(p for p in plan.parts if p[0] == "hour")
    np.testing.assert_allclose(raw * scale + mean, 22.0)


def test_whole_floats_are_the_same_labels_as_whole_numbers():
    table = pd.DataFrame({"a": np.arange(40) % 7, "y": [0.0, 1.0] * 20})
    encoder = prepare(table, "y").encoder
    assert encoder.target.classes == ("0", "1")
    again = encoder.transform(table.assign(y=[1, 0] * 20), need_target=True).y
    np.testing.assert_array_equal(again, [1, 0] * 20)


def test_labels_that_are_one_float_are_two_labels():
    table = pd.DataFrame({"a": np.arange(40) % 7, "y": [2**60 + 1, 2**60] * 20})
    assert prepare(table, "y").encoder.target.classes == (str(2**60), str(2**60 + 1))


def test_nan_in_a_column_of_labels_is_missing():
    table = pl.DataFrame({"a": list(range(60)), "y": [0.0, 1.0, float("nan")] * 20})
    prepared = prepare(table, "y")
    assert prepared.encoder.target.classes == ("0", "1")
    assert prepared.rows["without_target"] == 20


# ---------------------------------------------------------------- names and lines


def test_odd_names_come_through_and_empty_ones_get_a_place():
    names = 'a ""q"" é', "b\nc", "<script>", "", "{}", ""
    header = ",".join(f'"{n}"' for n in names)
    written("t.csv", header + ",y\n" + lines(9, lambda i: ",".join([str(i)] * 7) + "\n"))
    found = read("t.csv").names
    assert found == ['a "q" é', "b\nc", "<script>", "column 4", "{}", "column 6", "y"]


def test_a_frame_without_a_name_gets_one():
    assert read(pl.DataFrame({"": [1, 2], "y": [1, 2]})).names == ["column 1", "y"]


def test_names_that_differ_in_case_only_are_refused_in_every_kind_of_file():
    written("t.jsonl", lines(30, lambda i: f'{{"a": {i % 7}, "A": {i % 5}, "y": {i}}}\n'))
    table = pa.table({"a": [1, 2], "A": [1, 2], "y": [1, 2]})
    pq.write_table(table, "t.parquet")
    duckdb.execute("COPY (SELECT 1 AS a, 2 AS b) TO 'n.csv' (HEADER)")
    zipped = "SELECT * FROM (VALUES ('a,A,y'), ('1,2,3'), ('4,5,6')) AS t(v)"
    duckdb.execute(f"COPY ({zipped}) TO 't.csv.zst' (HEADER false, QUOTE '', DELIMITER '|')")
    for source in ("t.jsonl", "t.parquet", "t.csv.zst", table):
        assert "'A' and 'a'" in refusal(source)


def test_nested_columns_do_not_hide_names():
    table = pa.table({"s": [{"x": 1, "y": 2}] * 30, "a": np.arange(30) % 7, "y": np.arange(30.0)})
    pq.write_table(table, "t.parquet")
    assert read("t.parquet").names == ["s", "a", "y"]


def test_a_title_is_not_skipped_silently():
    written("t.csv", "My houses\na,y\n" + lines(30, lambda i: f"{i},{i % 7}\n"))
    assert "title" in refusal("t.csv")


def test_a_field_too_many_in_every_row_is_no_other_header():
    written("t.csv", "a,y\n" + lines(30, lambda i: f"{i},{i % 7},9\n"))
    assert "line 2 of t.csv has 3" in refusal("t.csv")


def test_lines_are_counted_with_the_breaks_inside_quotes():
    written("t.csv", 'a,b,y\n"x\nz",2,3\n1,2\n4,5,6\n')
    assert "line 4 of t.csv has 2" in refusal("t.csv")


def test_the_row_of_a_slip_is_given_with_file_and_line():
    written("p1.csv", "a,t,y\n" + lines(30, lambda i: f'{i},"u\nv",{i % 7}\n'))
    written("p2.csv", "a,t,y\n" + lines(30, lambda i: f"{i if i != 4 else 'inf'},u,{i % 7}\n"))
    assert "row 35 (line 6 of p2.csv) holds inf" in refusal("p*.csv")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_are_found_and_commas_in_quotes_are_not(mark):
    rows = lines(30, lambda i: f'{i}{mark}"u, v; w | x"{mark}{i % 7}\n')
    written("t.csv", (mark.join("aby") + "\n" + rows).replace("\n", "\r\n"))
    assert read("t.csv").names == ["a", "b", "y"]
    assert read("t.csv").texts("b")[0] == "u, v; w | x"


def test_lines_that_end_in_two_ways_are_named():
    written("t.csv", "a,y\r\n" + lines(30, lambda i: f"{i},{i % 7}\n"))
    assert "line 2 of t.csv ends otherwise" in refusal("t.csv")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-8-sig"])
def test_encodings(encoding):
    text = "é,y\n" + lines(30, lambda i: f"{'äöü'[i % 3]},{i % 7}\n")
    written("t.csv", text, encoding)
    table = read("t.csv", encoding=encoding)
    assert table.names == ["é", "y"]
    assert table.texts("é")[1] == "ö"


def test_an_encoding_that_fails_late_is_named_with_its_line():
    text = "a,y\n" + lines(30_000, lambda i: f"{i},{i}\n")
    Path("t.csv").write_bytes(text.encode("utf-16") + b"\x00\xd8")
    message = refusal("t.csv", encoding="utf-16")
    assert "line 30002" in message


# ---------------------------------------------------------------- files


def test_files_of_a_glob_must_have_the_same_columns():
    body = lines(30, lambda i: f"{i % 7},{i}\n")
    written("d1.csv", "a,y\n" + body)
    written("d2.csv", "b,y\n" + body)
    assert "differ in 'b', 'a'" in refusal("d*.csv")
    written("d2.csv", "y,a\n" + body)
    assert "another order" in refusal("d*.csv")


def test_only_the_named_file_can_be_read():
    written("t.csv", "a,y\n1,2\n")
    written("other.csv", "a,y\n3,4\n")
    connection = read("t.csv")._connection
    for query in ("SELECT * FROM 'other.csv'", "COPY data TO 'out.csv'", "INSTALL httpfs"):
        with pytest.raises(duckdb.Error):
            connection.execute(query)
    assert not Path("out.csv").exists()


def test_a_path_is_never_a_pattern_if_there_is_such_a_file():
    written("a[1]*.csv", "a,y\n1,2\n")
    written("a1x.csv", "a,y\n3,4\n")
    assert read("a[1]*.csv").texts("a") == ["1"]
    written("it's.csv", "a,y\n5,2\n")
    assert read("it's.csv").texts("a") == ["5"]


def test_what_may_not_be_opened_is_said(monkeypatch):
    written("t.csv", "a,y\n1,2\n")

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read (Permission denied)" in refusal("t.csv")


def test_what_is_compressed_otherwise_than_named_is_said():
    text = ("a,y\n" + lines(60_000, lambda i: f"{i * 7919 % 1000},{i}\n")).encode()
    Path("plain.csv.gz").write_bytes(text)
    Path("zipped.csv").write_bytes(gzip.compress(text))
    Path("cut.csv.gz").write_bytes(gzip.compress(text)[:-2000])
    Path("cut.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\x11" * 50)
    assert "cut short" in refusal("plain.csv.gz")
    assert "gzip" in refusal("zipped.csv")
    assert "cut short" in refusal("cut.csv.gz")
    assert "cannot be read" in refusal("cut.csv.zst")


def test_a_record_over_many_lines_is_refused_without_reading_all_of_it():
    with Path("t.csv").open("wb") as stream:
        stream.write(b'a,y\n1,2\n"')
        stream.writelines(b"x" * 999_999 + b"\n" for _ in range(6))
        stream.write(b'",3\n')
    message = refusal("t.csv")
    assert "line 3 of t.csv" in message
    assert "2 MB" in message


def test_polars_needs_no_pyarrow(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    table = pl.DataFrame({"a": [1, None], "c": pl.Series(["u", "v"], dtype=pl.Categorical)})
    assert read(table).texts("a") == ["1", None]
    assert read(table).texts("c") == ["u", "v"]


def test_a_lazy_frame_is_asked_to_be_computed():
    with pytest.raises(InputError, match=r"\.collect\(\)"):
        read(pl.LazyFrame({"a": [1]}))


def test_broken_json_is_named_by_its_line_without_the_words_of_duckdb():
    written("t.jsonl", '{"a": 1, "y": 2}\n{"a":\n')
    message = refusal("t.jsonl")
    assert "t.jsonl" in message
    assert "Invalid Input Error" not in message
