"""Encoding: what each column becomes, on the table it was learnt on and on others."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from descend.errors import InputError, ParameterError, RunFileError
from descend.tables import Encoder, prepare, split
from descend.tables.columns import moments

N = 60


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": rng.standard_normal(N) * 40 + 7,
            "gaps": np.where(np.arange(N) % 9 == 0, np.nan, rng.standard_normal(N)),
            "flag": rng.integers(0, 2, N).astype(bool),
            "town": rng.choice(["Ulm", "Rom"], N),
            "day": pd.date_range("2024-01-01", periods=N),
            "w": rng.integers(1, 4, N),
            "y": rng.standard_normal(N),
        }
    )
    table["word"] = [["Ulm", None][i % 2] for i in range(N)]
    return table


@pytest.fixture
def encoder(frame):
    return prepare(frame, "y", weight="w").encoder


def said(action):
    with pytest.raises(InputError) as error:
        action()
    return str(error.value)


def summary(table, name, **options):
    return next(c for c in prepare(table, "y", **options).columns if c.name == name)


# ---------------------------------------------------------------- learning


def test_moments_of_huge_and_tiny_numbers_are_exact():
    for unit in (1e307, 1e-300, 1.0):
        mean, scale = moments(np.array([1.0, 2.0, 3.0, 6.0]) * unit, None)
        np.testing.assert_allclose([mean / unit, scale / unit], [3.0, np.sqrt(3.5)], rtol=1e-14)
    weighted = moments(np.array([1.0, 5.0]), np.array([3.0, 1.0]))
    np.testing.assert_allclose(weighted, [2.0, np.sqrt(3.0)])


def test_one_value_or_missing_is_a_category_of_two():
    table = pd.DataFrame({"n": [1, None] * 20, "b": [True, None] * 20, "y": np.arange(40.0)})
    prepared = prepare(table, "y")
    assert prepared.encoder.feature_names == ["n=1", "n=(missing)", "b=true", "b=(missing)"]
    np.testing.assert_array_equal(prepared.train.X.sum(axis=1), np.full(28, 2.0))


def test_text_that_differs_in_every_row_is_set_aside_in_small_tables_too():
    table = pd.DataFrame({"a": np.arange(12) ** 2, "n": list("abcdefghijkl"), "y": np.arange(12.0)})
    found = summary(table, "n")
    assert found.treatment == "set aside"
    assert "identifier" in found.sentence


def test_levels_that_are_all_rare_are_set_aside_and_not_one_constant():
    table = pd.DataFrame({"c": [f"l{i % 250}" for i in range(1000)], "y": np.arange(1000.0) % 7})
    table["a"] = np.arange(1000) % 13
    assert "none of its" in summary(table, "c").sentence


def test_a_row_counter_is_used_and_a_line_is_not_called_one():
    table = pd.DataFrame({"id": range(60), "x": np.arange(60) * 3, "y": np.arange(60.0) % 7})
    assert "--id-column 'id'" in summary(table, "id").sentence
    assert "--id-column" not in summary(table, "x").sentence
    assert summary(table, "id").treatment == "number"


def test_numbers_stored_as_text_are_a_category_that_says_so():
    table = pd.DataFrame({"c": ["1", "2", "3"] * 20, "y": np.arange(60.0)})
    assert "numbers stored as text" in summary(table, "c").sentence


def test_a_word_among_numbers_is_refused_in_csv_unless_the_column_is_left_out(tmp_path):
    rows = "".join(f"{'oops' if i == 29 else i * 7 % 101},{i % 7},{i}.5\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    message = said(lambda: prepare(tmp_path / "t.csv", "y"))
    assert "'a'" in message
    assert "'oops' in row 30 (line 31)" in message
    assert "--exclude" in message
    assert prepare(tmp_path / "t.csv", "y", exclude="a").encoder.feature_names == ["b"]


def test_a_column_of_zero_weight_is_no_division_by_zero():
    weights = [0.0] * 59 + [1.0]
    table = pd.DataFrame({"a": np.arange(60), "w": weights, "y": np.arange(60.0)})
    assert "weight 0" in said(lambda: prepare(table, "y", weight="w"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_kind": "label"}, "did you mean 'labels'"),
        ({"seed": -1}, "'seed'"),
        ({"seed": "1"}, "'seed'"),
    ],
)
def test_parameters_are_checked(frame, options, words):
    with pytest.raises(ParameterError, match=words):
        prepare(frame, "y", **options)


def test_rows_stay_together_or_in_order_but_not_both(frame):
    assert "not both" in said(lambda: prepare(frame, "y", split_by="town", in_order=True))


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([4] * 10, [28, 8, 4]),
        ([50, 1, 1], [50, 1, 1]),
        ([50, 50, 1], [50, 50, 1]),
        ([30, 7, 5, 3, 1, 1, 1], [34, 7, 7]),
    ],
)
def test_groups_come_as_near_to_the_shares_as_their_sizes_allow(sizes, wanted):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    counts = np.bincount(split(len(groups), 3, groups=groups), minlength=3)
    assert counts.tolist() == wanted


def test_parts_of_dates_are_those_of_the_calendar():
    moment = pd.date_range("2023-12-05 22:07:30", periods=80, freq="13h37min")
    prepared = prepare(pd.DataFrame({"t": moment, "y": np.arange(80.0)}), "y")
    (plan,) = prepared.encoder.columns
    X = prepared.encoder.transform(pd.DataFrame({"t": moment})).X
    found = {part: X[:, i] * s + m for i, (part, m, s) in enumerate(plan.parts)}
    assert list(found) == ["year", "month", "day", "weekday", "hour", "minute"]
    for part, values in found.items():
        wanted = moment.isocalendar().day if part == "weekday" else getattr(moment, part)
        np.testing.assert_allclose(values, np.asarray(wanted, dtype=float), rtol=1e-12, atol=1e-9)


# ---------------------------------------------------------------- other tables


def test_scores_are_the_same_from_original_units(encoder, frame):
    rng = np.random.default_rng(1)
    X = encoder.transform(frame).X
    weight, bias = rng.standard_normal((X.shape[1], 2)), rng.standard_normal(2)
    named, intercept = encoder.original_units(weight, bias)
    units = np.array([unit for plan in encoder.columns for unit in plan.units])
    raw = X * units[:, 1] + units[:, 0]  # what the columns hold, the mean where they hold nothing
    np.testing.assert_allclose(raw[:, 0], frame["number"], rtol=1e-12)
    coefficients = np.array([c for _, c in named])
    np.testing.assert_allclose(raw @ coefficients + intercept, X @ weight + bias, rtol=1e-9)


def test_a_target_that_is_not_wanted_is_not_looked_at(frame):
    encoder = prepare(frame.assign(y=["a", "b", "c"] * 20), "y").encoder
    strange = frame.assign(y="never seen")
    assert encoder.transform(strange).y is None
    message = said(lambda: encoder.transform(strange, need_target=True))
    assert "'never seen'" in message
    assert "row 1" in message


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("number", [str(i) for i in range(N)], ["'number'", "row 1", "'0'", "text"]),
        ("number", ["x" if i == 4 else "1" for i in range(N)], ["row 5", "'x'"]),
        ("number", [np.inf] * N, ["row 1", "inf"]),
        ("flag", range(N), ["'flag'", "row 3", "holds 2"]),
        ("day", range(N), ["dates", "row 1", "'0'", "number"]),
        ("town", [[1]] * N, ["'town'", "category"]),
    ],
)
def test_a_column_of_another_kind_is_named_with_row_and_value(
    encoder, frame, column, values, words
):
    message = said(lambda: encoder.transform(frame.assign(**{column: list(values)})))
    assert all(word in message for word in words), message


def test_an_empty_column_counts_as_missing_whatever_its_type(encoder, frame):
    empty = pd.array([None] * N, dtype="string")
    encoded = encoder.transform(frame.assign(number=empty, day=empty))
    assert np.isfinite(encoded.X).all()
    assert sum("missing in 60 rows" in note for note in encoded.report) == 2


def test_what_encodes_is_contiguous_doubles(encoder, frame):
    X = encoder.transform(frame.head(1)).X
    assert X.flags.c_contiguous
    assert X.dtype == np.float64


# ---------------------------------------------------------------- plain data

FORGED = {
    "a mean of text": (["columns", 0, "mean"], "x"),
    "a mean of NaN": (["columns", 0, "mean"], float("nan")),
    "a scale of 0": (["columns", 0, "scale"], 0.0),
    "no scale": (["columns", 0, "scale"], None),
    "a name of 5": (["columns", 0, "name"], 5),
    "an indicator of text": (["columns", 0, "indicator"], "no"),
    "a field too many": (["columns", 0, "more"], 1),
    "levels of text": (["columns", 3, "levels"], "Ulm"),
    "levels of numbers": (["columns", 3, "levels"], [1, 2]),
    "levels twice": (["columns", 3, "levels"], ["Ulm", "Ulm"]),
    "a part of no date": (["columns", 4, "parts"], [["century", 1.0, 1.0]]),
    "labels for a number": (["target", "classes"], ["a", "b"]),
    "an option too many": (["options"], {"command": "rm"}),
    "an id of 5": (["id_column"], 5),
    "an entry too many": (["more"], 1),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_record_is_refused(encoder, case):
    (*path, last), value = FORGED[case]
    record = copy.deepcopy(encoder.to_json())
    inner = record
    for step in path:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(RunFileError):
        Encoder.from_json(record)


def test_a_record_comes_back_bit_for_bit_through_json(encoder, frame):
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder
    np.testing.assert_array_equal(again.transform(frame).X, encoder.transform(frame).X)
