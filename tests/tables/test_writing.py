"""Writing predictions: types are kept, labels are not mangled, nothing half-written stays."""

import duckdb
import numpy as np
import pytest

from descend.errors import InputError
from descend.tables import write_predictions


def test_a_label_that_is_a_number_is_left_alone(tmp_path):
    labels = np.array(["-1", "+1", "-1.5e3", "-x", "=1", "\t2"], dtype=object)
    write_predictions(tmp_path / "p.csv", {"=l": labels})
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines == ["'=l", "-1", "+1", "-1.5e3", "'-x", "'=1", "'\t2"]


def test_missing_numbers_are_empty_and_floats_exact(tmp_path):
    write_predictions(tmp_path / "p.csv", {"p": np.array([0.1 + 0.2, np.nan]), "n": [1, None]})
    assert (tmp_path / "p.csv").read_text() == "p,n\n0.30000000000000004,1.0\n,\n"


def test_parquet_keeps_types(tmp_path):
    columns = {
        "p_a": np.array([0.25, np.nan]),
        "n": np.array([1, 2]),
        "b": np.array([True, False]),
        "t": ["=1", None],
    }
    write_predictions(tmp_path / "p.parquet", columns)
    schema = "SELECT name, type FROM parquet_schema(?) OFFSET 1"
    found = duckdb.execute(schema, [str(tmp_path / "p.parquet")]).fetchall()
    assert found == [("p_a", "DOUBLE"), ("n", "INT64"), ("b", "BOOLEAN"), ("t", "BYTE_ARRAY")]
    rows = duckdb.execute(f"FROM '{tmp_path / 'p.parquet'}'").fetchall()
    assert rows == [(0.25, 1, True, "=1"), (None, 2, False, None)]


def test_columns_of_unequal_length_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(InputError, match="equally long"):
        write_predictions(tmp_path / "p.csv", {"a": np.ones(2), "b": np.ones(3)})
    assert list(tmp_path.iterdir()) == []


def test_parquet_does_not_rename_columns_silently(tmp_path):
    columns = {"p_a": np.ones(2), "p_A": np.ones(2)}
    with pytest.raises(InputError, match="upper and lower case"):
        write_predictions(tmp_path / "p.parquet", columns)
    write_predictions(tmp_path / "p.csv", columns)
    assert (tmp_path / "p.csv").read_text().startswith("p_a,p_A\n")
