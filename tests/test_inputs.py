"""What comes in: every kind of table and array, and one sentence for what cannot be used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend.errors import InputError, ShapeError

NUMBERS = [[1.0, 4.0], [2.0, 3.0], [3.0, 1.0], [5.0, 2.0]]
Y = [1.0, 2.0, 4.0, 7.0]
COLUMNS = {"a": [1.0, 2.0, 3.0, 5.0], "b": [4.0, 3.0, 1.0, 2.0]}


def fitted(X, y, loss="squared_error", **asked):
    return ds.train(ds.Task(ds.Linear(), loss, ds.adam(0.1)), X, y, epochs=20, **asked)


KINDS = {
    "lists": NUMBERS,
    "tuples": tuple(map(tuple, NUMBERS)),
    "float64": np.array(NUMBERS),
    "int64": np.array(NUMBERS, dtype=np.int64),
    "uint8": np.array(NUMBERS, dtype=np.uint8),
    "object": np.array(NUMBERS, dtype=object),
    "Fortran order": np.asfortranarray(NUMBERS),
    "a view": np.repeat(NUMBERS, 2, axis=0)[::2],
    "read-only": np.frombuffer(np.array(NUMBERS).tobytes()).reshape(4, 2),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas with nullable numbers": pd.DataFrame(COLUMNS).astype("Float64"),
    "pandas with another index": pd.DataFrame(COLUMNS, index=[9, 9, 1, 0]),
    "polars": pl.DataFrame(COLUMNS),
    "arrow": pa.table(COLUMNS),
    "arrow in chunks": pa.concat_tables([pa.table(COLUMNS)[:1], pa.table(COLUMNS)[1:]]),
}
TARGETS = {
    "list": Y,
    "column": [[v] for v in Y],
    "array": np.array(Y),
    "int": np.array(Y, dtype=int),
    "pandas series": pd.Series(Y, index=[7, 7, 1, 2]),
    "pandas frame": pd.DataFrame({"y": Y}),
    "polars series": pl.Series(Y),
    "polars frame": pl.DataFrame({"y": Y}),
    "arrow array": pa.array(Y),
    "arrow chunked array": pa.chunked_array([Y[:1], Y[1:]]),
    "arrow table": pa.table({"y": Y}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_features_is_the_same_run(kind):
    run, plain = fitted(KINDS[kind], Y), fitted(NUMBERS, Y)
    assert_bits(run.theta, plain.theta)
    assert_bits(run.predict(KINDS[kind]), plain.predict(NUMBERS))
    named = hasattr(KINDS[kind], "columns")
    assert run.names == (["a", "b"] if named else ["x1", "x2"])
    assert run.data.fingerprint == plain.data.fingerprint


@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_targets_is_the_same_run(kind):
    assert_bits(fitted(NUMBERS, TARGETS[kind]).theta, fitted(NUMBERS, Y).theta)


def test_bools_are_zeros_and_ones():
    X = np.array([[True], [False], [True], [False]])
    assert_bits(fitted(X, Y).theta, fitted(X.astype(float), Y).theta)
    assert_bits(fitted(pd.DataFrame({"a": X[:, 0]}), Y).theta, fitted(X.astype(float), Y).theta)


def test_a_vector_of_features_is_a_column():
    x = [1.0, 2.0, 3.0, 5.0]
    assert_bits(fitted(x, Y).theta, fitted([[v] for v in x], Y).theta)
    assert_bits(fitted(pd.Series(x), Y).theta, fitted(x, Y).theta)


def test_float32_stays_and_either_type_can_be_asked_for():
    narrow = np.array(NUMBERS, dtype=np.float32)
    assert fitted(narrow, Y).theta.dtype == np.float32
    assert fitted(pd.DataFrame(narrow), Y).theta.dtype == np.float32
    assert fitted(narrow, Y, dtype="float64").theta.dtype == np.float64
    assert fitted(NUMBERS, Y, dtype="float32").theta.dtype == np.float32
    assert fitted(narrow, Y).predict(NUMBERS).dtype == np.float32
    assert_close(fitted(narrow, Y).theta, fitted(NUMBERS, Y).theta, 1e-5)


# ---------------------------------------------------------------- what cannot be used


def spoiled(value, row=2, column="b"):
    columns = {name: list(values) for name, values in COLUMNS.items()}
    columns[column][row] = value
    return columns


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_what_is_not_finite_is_named_with_row_and_column(value, shown):
    columns = spoiled(value)
    words = f"X must hold finite numbers; found {shown} at row 2, column "
    for table in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert_sentence(
            lambda table=table: fitted(table, Y), words + "'b'. Drop or fill such rows first."
        )
    rows = np.column_stack(list(columns.values()))
    for array in (rows, rows.tolist(), rows.astype(np.float32)):
        assert_sentence(
            lambda array=array: fitted(array, Y), words + "1. Drop or fill such rows first."
        )


def assert_sentence(call, words, error=InputError):
    with pytest.raises(error) as raised:
        call()
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith((".", "?", ")"))


@pytest.mark.parametrize("missing", [None, pd.NA])
def test_missing_cells_are_named_with_row_and_column(missing):
    table = pd.DataFrame(spoiled(missing)).astype("Float64")
    assert_sentence(lambda: fitted(table, Y), "at row 2, column 'b'")
    if missing is None:
        for other in (
            pl.DataFrame(spoiled(None)),
            pa.table(spoiled(None)),
            pd.DataFrame(spoiled(None)),
        ):
            assert_sentence(lambda other=other: fitted(other, Y), "at row 2, column 'b'")


def test_text_is_named_with_row_and_column():
    columns = spoiled("x")
    columns["b"] = [str(v) for v in columns["b"]]
    for table in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert_sentence(
            lambda table=table: fitted(table, Y),
            "X must hold numbers; found 'x' at row 2, column 'b'",
        )
    rows = [list(row) for row in NUMBERS]
    rows[2][1] = "x"
    assert_sentence(lambda: fitted(np.array(rows, dtype=object), Y), "found 'x' at row 2, column 1")
    assert_sentence(lambda: fitted(rows, Y), "found 'x' at row 2, column 1")


OTHERS = [
    ([[1.0, 2.0], [3.0]], Y, "X must be a rectangular array; its rows have different lengths"),
    (np.array(NUMBERS) * 1j, Y, "X must hold real numbers; it holds complex ones"),
    (np.zeros((4, 2, 2)), Y, "X must have one or two dimensions; found shape (4, 2, 2)"),
    (np.zeros((0, 2)), [], "Training needs at least one row"),
    (NUMBERS, Y[:3], "X has shape (4, 2) and y (3, 1)"),
    (NUMBERS, [*Y, 1.0], "X has shape (4, 2) and y (5, 1)"),
    (NUMBERS, [1.0, np.nan, 2.0, 3.0], "y must hold finite numbers; found nan at row 1"),
    (NUMBERS, np.array(Y) * 1j, "y must hold real numbers"),
    (5.0, Y, "X and y must have the same number of rows"),
    (None, Y, "X must"),
    ("table.csv", Y, "X must"),
    (np.array(["2020-01-01"] * 4, dtype="datetime64[D]"), Y, "X must hold numbers"),
]


@pytest.mark.parametrize(("X", "y", "words"), OTHERS, ids=range(len(OTHERS)))
def test_what_cannot_be_used_is_refused_in_one_sentence(X, y, words):
    assert_sentence(lambda: fitted(X, y), words)


def test_numbers_too_large_for_float32_are_refused_without_a_warning():
    assert_sentence(
        lambda: fitted([[1e300], [1.0]], [1.0, 2.0], dtype="float32"), "found inf at row 0"
    )


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, 1, 1], "X and sample_weight must have the same number of rows"),
        ([1, -1, 1, 1], "sample_weight must be 0 or more; found -1.0 at row 1"),
        ([0, 0, 0, 0], "must not be 0 in every row"),
        ([[1], [1], [1], [1]], "sample_weight must have shape (4,); found (4, 1)"),
        ([1, np.nan, 1, 1], "sample_weight must hold finite numbers; found nan at row 1"),
    ],
    ids=range(5),
)
def test_weights_that_cannot_be_used_are_refused(weights, words):
    assert_sentence(lambda: fitted(NUMBERS, Y, sample_weight=weights), words)


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        ((NUMBERS, Y[:2]), "X and y of validation must have the same number of rows"),
        (([[1.0]], [1.0]), "must have the columns of the training rows"),
        ((np.zeros((0, 2)), []), "must be at least one"),
        ((NUMBERS,), "a pair (X, y); found 1 parts"),
        (([[np.nan, 1.0]], [1.0]), "validation X must hold finite numbers; found nan at row 0"),
    ],
    ids=range(5),
)
def test_validation_rows_that_cannot_be_used_are_refused(validation, words):
    assert_sentence(lambda: fitted(NUMBERS, Y, validation=validation), words)


# ---------------------------------------------------------------- splits and labels


def test_a_split_is_exact_keyed_and_without_overlap():
    X = np.arange(50.0)[:, None]
    data = fitted(X, X[:, 0], validation=0.3, seed=5).data
    kept, held = data.X[:, 0], data.validation[0][:, 0]
    assert len(held) == 15
    assert sorted([*kept, *held]) == list(range(50))
    assert_bits(fitted(X, X[:, 0], validation=0.3, seed=5).data.X, data.X)
    assert set(fitted(X, X[:, 0], validation=0.3, seed=6).data.X[:, 0]) != set(kept)
    assert_bits(data.y, data.X)


LABELS = [
    ["no", "yes", "no", "yes"],
    [True, False, True, False],
    [2, 5, 2, 5],
    np.array(["b", "a", "b", "a"], dtype=object),
    pd.Series(["b", "a", "b", "a"], dtype="category"),
    pd.Series(["b", "a", "b", "a"]),
    pl.Series(["b", "a", "b", "a"]),
    pa.array(["b", "a", "b", "a"]),
    np.array([b"b", b"a", b"b", b"a"]),
]


@pytest.mark.parametrize("y", LABELS, ids=range(len(LABELS)))
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_labels_of_any_kind_are_sorted_and_come_back(loss, y):
    run = fitted(NUMBERS, y, loss)
    plain = np.asarray(y.to_numpy(zero_copy_only=False) if isinstance(y, pa.Array) else y).tolist()
    assert run.classes == sorted(set(plain))
    assert set(run.predict(NUMBERS).tolist()) <= set(plain)


# ---------------------------------------------------------------- predicting from tables


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_are_matched_by_name(make):
    run = fitted(make(COLUMNS), Y)
    wanted = run.predict(make(COLUMNS))
    turned = {"b": COLUMNS["b"], "a": COLUMNS["a"]}
    assert_bits(run.predict(make(turned)), wanted)
    more = {"z": [9.0] * 4, **turned, "c": ["text"] * 4}
    assert_bits(run.predict(make(more)), wanted)
    assert_bits(run.predict(NUMBERS), wanted)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_missing_column_is_named(make):
    run = fitted(make(COLUMNS), Y)
    assert_sentence(
        lambda: run.predict(make({"a": [1.0], "c": [2.0]})),
        "X lacks the columns ['b'] that training used",
    )


def test_validation_columns_are_matched_by_name_too():
    table = pd.DataFrame(COLUMNS)
    same = fitted(table, Y, validation=(table, Y))
    turned = fitted(table, Y, validation=(table[["b", "a"]], Y))
    assert_bits(turned.history["validation_loss"], same.history["validation_loss"])


def test_the_same_table_with_its_columns_turned_is_recognised(tmp_path):
    table = pd.DataFrame(COLUMNS)
    fitted(table, Y).save(tmp_path / "a.run")
    ds.load(tmp_path / "a.run").attach(table[["b", "a"]], Y)


def test_what_cannot_be_predicted_from_is_refused():
    run = fitted(pd.DataFrame(COLUMNS), Y)
    assert_sentence(lambda: run.predict(pd.DataFrame(spoiled(np.nan))), "found nan at row 2")
    assert_sentence(
        lambda: run.predict([[1.0]]), "X must have 2 columns; found shape (1, 1)", ShapeError
    )
    assert_sentence(lambda: run.predict([1.0, 2.0]), "Pass one row as [[…]].", ShapeError)
