"""The command line: what it prints, what it writes, and how it ends."""

import errno
import gzip
import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.cli.app import app


def table(path="t.csv", n=60, **more):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 2))
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": X @ [2.0, -1.0] + 0.1})
    frame.assign(**more).to_csv(path, index=False)
    return frame.assign(**more)


def snapshot(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refused(result, *words):
    status, out, err = result
    assert status == 2, err
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1, "one sentence, on one line"
    assert "Traceback" not in err
    assert "fault of descend" not in err
    for word in words:
        assert word in err


def test_the_checker_of_refusals_sees_a_traceback_and_a_second_line():
    with pytest.raises(AssertionError):
        refused((2, "", "error: a\nTraceback\n"))
    with pytest.raises(AssertionError):
        refused((0, "", "error: a\n"))
    with pytest.raises(AssertionError):
        refused((2, "", "error: a\n"), "another word")


# ---------------------------------------------------------------- the main job


def test_fit_predict_evaluate_show_replay(descend, tmp_path):
    frame = table(id=[f"=row{i}" for i in range(60)])
    status, out, _ = descend("fit", "t.csv", "--target", "y", "--id-column", "id", "--out", "o")
    assert status == 0
    for words in ("Read 60 rows", "Converged", "r2", "o/fit.run", "the mean"):
        assert words in out
    assert {p.name for p in (tmp_path / "o").iterdir()} == {
        "fit.run",
        "summary.json",
        "config.toml",
        "report.html",
    }
    status, _, _ = descend("predict", "o", "t.csv", "--out", "p.csv")
    assert status == 0
    predicted = pd.read_csv("p.csv")
    np.testing.assert_allclose(predicted["prediction"], frame["y"], atol=1e-3)
    assert predicted["id"][0] == "'=row0"
    np.testing.assert_array_equal(ds.load("o").predict(frame), predicted["prediction"])
    status, out, _ = descend("evaluate", "o", "t.csv", "--json")
    assert json.loads(out)["metrics"]["r2"] > 0.9999
    status, out, _ = descend("show", "o")
    assert status == 0
    assert "Converged" in out
    status, out, _ = descend("replay", "o", "--check")
    assert status == 0
    assert "bit for bit" in out


def test_json_holds_what_others_rely_on(descend):
    status, out, _ = descend(
        "fit", "breast-cancer", "--target", "diagnosis", "--out", "o", "--json"
    )
    assert status == 0
    found = json.loads(out)
    assert {"task", "outcome", "rows", "columns", "metrics", "baseline", "files"} <= set(found)
    assert set(found["metrics"]) == {"train", "validation", "test"}
    assert found["metrics"]["test"]["accuracy"] > 0.9
    assert found["baseline"]["test"]["accuracy"] < 0.7
    assert len(found["columns"]) == 31
    assert all(pathlib.Path(f).exists() for f in found["files"])


def test_probabilities_are_predicted_per_label(descend):
    descend("fit", "breast-cancer", "--target", "diagnosis", "--out", "o", "--epochs", 50)
    path = ds.datasets.shipped_table("breast-cancer")
    descend("predict", "o", path, "--out", "p.parquet")
    found = pd.read_parquet("p.parquet")
    assert found.columns.tolist() == ["prediction", "p_benign", "p_malignant"]
    np.testing.assert_allclose(found["p_benign"] + found["p_malignant"], 1, rtol=1e-12)
    assert (found["prediction"] == pd.read_csv(path)["diagnosis"]).mean() > 0.95


def test_a_run_carries_the_file_that_repeats_it(descend):
    table()
    descend("fit", "t.csv", "--target", "y", "--hidden", "4", "--epochs", 5, "--seed", 3)
    assert descend("fit", "--config", "t-fit/config.toml", "--out", "again")[0] == 0
    first, second = ds.load("t-fit"), ds.load("again")
    assert first.task == second.task
    np.testing.assert_array_equal(first.theta, second.theta)
    assert descend("fit", "--config", "t-fit/config.toml", "--seed", 4, "--out", "other")[0] == 0
    assert (ds.load("other").theta != first.theta).any()


def test_results_never_replace_a_run_unasked(descend, tmp_path):
    table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    before = snapshot(tmp_path)
    refused(descend("fit", "t.csv", "--target", "y", "--out", "o", "--seed", 1), "--overwrite")
    assert snapshot(tmp_path) == before
    assert descend("fit", "t.csv", "--target", "y", "--out", "o", "--overwrite")[0] == 0
    descend("fit", "t.csv", "--target", "y")
    descend("fit", "t.csv", "--target", "y")
    assert (tmp_path / "t-fit").is_dir()
    assert (tmp_path / "t-fit-2").is_dir()


def test_divergence_ends_with_3_and_the_run_is_written(descend):
    table()
    status, _, err = descend("fit", "t.csv", "--target", "y", "--learning-rate", 99, "--out", "o")
    assert status == 3
    assert err.startswith("error: Diverged at update")
    assert ds.load("o").outcome.diverged


def test_resume_goes_on_and_refuses_what_has_ended(descend):
    table()
    descend("fit", "t.csv", "--target", "y", "--epochs", 3, "--out", "o")
    descend("fit", "t.csv", "--target", "y", "--epochs", 9, "--out", "whole")
    assert descend("resume", "o", "--epochs", 9)[0] == 0
    np.testing.assert_array_equal(ds.load("o").theta, ds.load("whole").theta)
    refused(descend("resume", "o"), "--epochs")
    descend("fit", "t.csv", "--target", "y", "--out", "done")
    refused(descend("resume", "done"), "nothing to resume")


def test_a_changed_table_is_not_replayed(descend):
    frame = table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    frame.iloc[::-1].to_csv("t.csv", index=False)
    refused(descend("replay", "o", "--check"), "digest")


def test_a_replay_that_differs_fails_the_check(descend, monkeypatch):
    table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    monkeypatch.setattr("descend.fitting.check_replay", lambda run: [(3, 1e-3)])
    status, out, _ = descend("replay", "o", "--check")
    assert status == 1
    assert "0.001" in out


def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((3000, 40))).add_prefix("x")
    frame["y"] = rng.standard_normal(3000)
    frame.to_csv(tmp_path / "t.csv", index=False)
    script = """
import pathlib, sys
from descend.cli import main
from descend.training import loop

advance = loop.Loop._advance

def advance_and_tell(self, updates):
    pathlib.Path("started").touch()
    return advance(self, updates)

loop.Loop._advance = advance_and_tell
sys.argv = ["descend", "fit", "t.csv", "--target", "y", "--hidden", "64", "--epochs", "100000"]
sys.argv += ["--patience", "100000", "--out", "o"]
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "descend resume o" in err
    run = ds.load(tmp_path / "o")
    assert run.outcome.reason == "interrupted"
    assert run.state.step > 0


@pytest.mark.parametrize(
    "command", [one.name or one.callback.__name__ for one in app.registered_commands]
)
def test_every_command_has_help_with_examples_a_line_each(descend, command):
    status, out, _ = descend(command, "--help")
    assert status == 0
    assert "\\b" not in out
    examples = out.split("Examples:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    assert len(examples) > 1
    for line in examples:
        assert line.startswith((f"    descend {command}", "      ")), line


def test_no_command_shows_the_help(descend):
    status, out, _ = descend()
    assert status == 2
    assert "Examples:" in out


# ---------------------------------------------------------------- bad input

LINE = "a,b,y\n"
GOOD = LINE + "".join(f"{i * 0.7:.3f},{i % 7},{(i * i) % 11 + i / 3:.4f}\n" for i in range(60))

BAD_FILES = {
    "empty.csv": (b"", ["empty"]),
    "header.csv": (LINE.encode(), ["no rows"]),
    "header_unended.csv": (LINE.strip().encode(), ["no rows"]),
    "one_row.csv": ((LINE + "1,2,3\n").encode(), ["1 row"]),
    "only_target.csv": (b"y\n1\n2\n3\n4\n5\n", ["no column but the target"]),
    "no_target.csv": (b"a,Yy\n" + b"1,2\n" * 9, ["not in the table", "did you mean 'Yy'"]),
    "constant.csv": (b"a,y\n" + b"".join(b"%d,5\n" % i for i in range(30)), ["5 in every row"]),
    "one_label.csv": (
        b"a,y\n" + b"".join(b"%d,yes\n" % i for i in range(30)),
        ["single label 'yes'"],
    ),
    "all_missing.csv": (
        b"a,y\n" + b"".join(b"%d,\n" % i for i in range(30)),
        ["no entry in any row"],
    ),
    "twice.csv": (b"a,a,y\n1,2,3\n2,3,4\n", ["two columns called 'a'"]),
    "twice_by_case.csv": (b"a,A,y\n1,2,3\n2,3,4\n", ["'A' and 'a'"]),
    "too_many_fields.csv": ((GOOD + "1,2,3,4\n").encode(), ["line 62", "has 4"]),
    "too_few_fields.csv": ((GOOD + "1,2\n").encode(), ["line 62", "has 2"]),
    "late_ragged.csv": ((LINE + "1,2,3\n" * 50000 + "1,2,3,4\n").encode(), ["line 50002", "4"]),
    "open_quote.csv": ((LINE + '1,"2,3\n' + "1,2,3\n" * 50).encode(), ["quote", "line 2"]),
    "rubbish.csv": (bytes(range(256)) * 40, ["not text"]),
    "high_bytes.csv": (bytes(range(128, 256)) * 40, ["not utf-8"]),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + b"x" * 200, ["by its first bytes"]),
    "not.parquet": (GOOD.encode(), ["cannot be read", "parquet"]),
    "cut.csv.gz": (gzip.compress((GOOD * 40).encode())[:200], ["cut short"]),
    "latin.csv": ("näme,y\n".encode("latin-1") + b"1,2\n" * 30, ["line 1", "--encoding latin-1"]),
    "late_latin.csv": (
        b"a,t,y\n" + b"1,x,2\n" * 40000 + b"1,\xe9,3\n",
        ["40002", "--encoding latin-1"],
    ),
    "wide.csv": (GOOD.encode("utf-16"), ["--encoding utf-16"]),
    "late_text.csv": (
        (LINE + "".join(f"{i},{i % 9},{i % 5}\n" for i in range(50000)) + "1,abc,3\n").encode(),
        ["'b'", "line 50002", "'abc'", "--exclude"],
    ),
    "infinite.csv": ((GOOD + "inf,2,3\n").encode(), ["'a'", "row 61", "inf"]),
    "comma.csv": (
        b"a;y\n" + b"".join(b"%d,5;%d,25\n" % (i, i) for i in range(40)),
        ["decimal comma"],
    ),
    "identifier.csv": (
        b"a,y\n" + b"".join(b"%d,n%d\n" % (i % 7, i) for i in range(60)),
        ["identifier"],
    ),
    "slip.csv": (
        b"a,y\n" + b"".join(b"%d,%d\n" % (i, i % 7) for i in range(50)) + b"3,abc\n",
        ["'abc' in row 51"],
    ),
    "names.csv": (
        b"a,y\n" + b"".join(b"name %d,%d\n" % (i, i % 7) for i in range(60)),
        ["No column is left"],
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gives_one_sentence_and_changes_nothing(descend, tmp_path, name):
    content, words = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    before = snapshot(tmp_path)
    refused(descend("fit", name, "--target", "y"), *words)
    assert snapshot(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_field_of_200_mb_is_refused_at_once(descend, tmp_path):
    with (tmp_path / "huge.csv").open("wb") as stream:
        stream.write(b"a,b,y\n1,2,3\n4,")
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
        stream.write(b",5\n")
    refused(descend("fit", "huge.csv", "--target", "y"), "line 3", "2 MB")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["t.csx", "--target", "y"], ["did you mean 't.csv'"]),
        ([".", "--target", "y"], ["is a folder"]),
        (["diabetis", "--target", "y"], ["did you mean 'diabetes'"]),
        (["t.csv"], ["needs a target"]),
        (["t.csv", "--target", "y", "--loss", "logistik"], ["did you mean 'logistic'"]),
        (["t.csv", "--target", "y", "--loss", "huber:0"], ["'delta'", "Got 0"]),
        (["t.csv", "--target", "y", "--loss", "huber:1:2"], ["takes delta"]),
        (["t.csv", "--target", "y", "--loss", "poisson"], ["whole counts"]),
        (["t.csv", "--target", "y", "--optimizer", "adm"], ["did you mean 'adam'"]),
        (["t.csv", "--target", "y", "--learning-rate", "fast"], ["'fast'"]),
        (["t.csv", "--target", "y", "--learning-rate", "-1"], ["(0, inf)", "-1"]),
        (["t.csv", "--target", "y", "--learning-rate", "nan"], ["nan"]),
        (["t.csv", "--target", "y", "--epochs", "0"], ["'epochs'"]),
        (["t.csv", "--target", "y", "--epochs", "x"], ["--epochs"]),
        (["t.csv", "--target", "y", "--batch-size", "-3"], ["'batch_size'"]),
        (["t.csv", "--target", "y", "--hidden", "4,x"], ["4,x"]),
        (["t.csv", "--target", "y", "--hidden", "0"], ["'hidden'"]),
        (["t.csv", "--target", "y", "--model", "linear", "--hidden", "4"], ["no hidden layers"]),
        (
            ["t.csv", "--target", "y", "--activation", "rel", "--hidden", "4"],
            ["did you mean 'relu'"],
        ),
        (["t.csv", "--target", "y", "--penalty", "l1:0.1", "--optimizer", "adam"], ["proximal"]),
        (["t.csv", "--target", "y", "--penalty", "l2:-1"], ["[0, inf)"]),
        (["t.csv", "--target", "y", "--seed", "-1"], ["'seed'"]),
        (["t.csv", "--target", "y", "--engine", "gpu"], ["'engine'"]),
        (["t.csv", "--target", "y", "--exclude", "q"], ["'q'"]),
        (["t.csv", "--target", "y", "--exclude", "a", "--exclude", "b"], ["No column is left"]),
        (["t.csv", "--target", "y", "--weight", "a"], ["0 and above"]),
        (["t.csv", "--target", "y", "--exclude", "y"], ["target and excluded"]),
        (["t.csv", "--target", "y", "--out", "t.csv"], ["is a file"]),
        (["t.csv", "--target", "y", "--out", "/proc/none/x"], ["cannot be written"]),
        (["t.csv", "--target", "y", "--config", "none.toml"], ["none.toml"]),
        (["t.csv", "--target", "y", "--bogus"], ["--bogus"]),
    ],
)
def test_a_bad_option_gives_one_sentence_and_changes_nothing(descend, tmp_path, arguments, words):
    table()
    before = snapshot(tmp_path)
    refused(descend("fit", *arguments), *words)
    assert snapshot(tmp_path) == before


def test_a_bad_option_file_is_refused(descend, tmp_path):
    (tmp_path / "c.toml").write_text("tabel = 't.csv'")
    refused(descend("fit", "--config", "c.toml"), "did you mean 'table'")
    (tmp_path / "c.toml").write_text("table = ")
    refused(descend("fit", "--config", "c.toml"), "not TOML")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,c,y\n1,2,3\n", ["lacks the column 'b'"]),
        ("a,bb\n1,2\n", ["did you mean 'bb'"]),
        ("a,b\n1,2\n3,zzz\n", ["'b'", "row 2", "'zzz'"]),
        ("a,b\n", ["no rows"]),
        ("a,b\n2020-01-01,3\n", ["'a'", "date"]),
    ],
)
def test_a_table_that_does_not_fit_the_run_is_refused(descend, tmp_path, content, words):
    table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    (tmp_path / "new.csv").write_text(content)
    refused(descend("predict", "o", "new.csv", "--out", "p.csv"), *words)
    assert not (tmp_path / "p.csv").exists()


def test_extra_and_reordered_columns_are_fine(descend, tmp_path):
    frame = table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    frame[["b", "a"]].assign(more=1).to_csv("new.csv", index=False)
    status, out, _ = descend("predict", "o", "new.csv", "--out", "p.csv")
    assert status == 0
    assert "'more'" in out
    np.testing.assert_allclose(pd.read_csv("p.csv")["prediction"], frame["y"], atol=1e-3)


def test_bad_run_files_are_refused(descend, tmp_path):
    table()
    refused(descend("show", "nothing"), "no run at")
    refused(descend("show", "t.csv"), "not a run file")
    refused(descend("show", tmp_path), "no run file")
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    content = (tmp_path / "o/fit.run").read_bytes()
    (tmp_path / "o/fit.run").write_bytes(content[:-7])
    refused(descend("predict", "o", "t.csv", "--out", "p.csv"), "altered")


def test_predictions_never_replace_a_file_unasked(descend, tmp_path):
    table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    refused(descend("predict", "o", "t.csv", "--out", "t.csv"), "exists already")
    refused(descend("predict", "o", "t.csv", "--out", "/nowhere/p.csv"), "cannot be written")


def test_a_full_disk_leaves_the_old_run_as_it_was(descend, tmp_path, monkeypatch):
    table()
    descend("fit", "t.csv", "--target", "y", "--out", "o")
    before = snapshot(tmp_path)

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("descend.files.os.fsync", full)
    result = descend("fit", "t.csv", "--target", "y", "--out", "o", "--seed", 5, "--overwrite")
    refused(result, "No space left")
    assert snapshot(tmp_path) == before


def test_a_fault_of_ours_ends_with_1(descend, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("descend.fitting.fit", broken)
    table()
    status, _, err = descend("fit", "t.csv", "--target", "y")
    assert status == 1
    assert "fault of descend" in err
    assert not pathlib.Path("t-fit").exists()


# ---------------------------------------------------------------- against scikit-learn


def test_breast_cancer_is_classified_as_well_as_by_scikit_learn(tmp_path):
    from sklearn.linear_model import LogisticRegression

    done = ds.fit(ds.datasets.shipped_table("breast-cancer"), "diagnosis")
    rows = done.prepared
    theirs = LogisticRegression(max_iter=10_000).fit(rows.train.X, rows.train.y)
    ours = round((1 - done.metrics["test"]["accuracy"]) * len(rows.test.y))
    assert ours <= (theirs.predict(rows.test.X) != rows.test.y).sum() + 1


def test_diabetes_is_explained_as_well_as_by_scikit_learn():
    from sklearn.linear_model import LinearRegression

    done = ds.fit(ds.datasets.shipped_table("diabetes"), "progression")
    rows = done.prepared
    theirs = LinearRegression(tol=0).fit(rows.train.X, rows.train.y)
    assert abs(done.metrics["test"]["r2"] - theirs.score(rows.test.X, rows.test.y)) < 0.01
