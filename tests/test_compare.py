"""Comparing runs: what differs, what it means, and what cannot be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.test_report import looked_over, read, sound

import descend as ds
from descend.errors import InputError
from descend.report import compare
from descend.report.compared_race import _finer
from descend.report.compared_text import as_dict, as_text, results
from descend.report.comparing import alike, compared, unlike
from descend.report.markup import number

TABLE = ds.datasets.shipped_table("diabetes")


def fitted(**more):
    return ds.fit(TABLE, "progression", progress=False, **{"epochs": 80, **more})


@pytest.fixture(scope="module")
def fits():
    return {
        "line": fitted(),
        "slow": fitted(optimizer="gradient_descent", learning_rate=0.001),
        "net": fitted(hidden=4, epochs=4),
        "split": fitted(seed=3),
    }


def pick(fits, *names):
    return {name: fits[name] for name in names}


def whats(found):
    return [row.what for row in found.differences]


def test_only_what_differs_is_said(fits):
    found = compared(pick(fits, "line", "slow"))
    assert whats(found) == ["Optimizer", "Learning rate"]
    assert dict(found.differences)["Optimizer"] == ("nesterov:0.9", "gradient_descent")
    assert whats(compared({"a": fits["line"], "b": fits["line"]})) == []
    assert "Nothing differs" in as_text(compared({"a": fits["line"], "b": fits["line"]}))
    assert whats(compared(pick(fits, "line", "split")))[-1] == "Seed"


def test_a_difference_that_means_something_is_called_one(fits):
    found = compared(pick(fits, "line", "slow"))
    (pair,) = found.pairs
    assert pair.told["rmse"].better == 1
    assert "line is better than slow on these test rows" in pair.sentence
    assert "leaves out 0" in pair.sentence
    for name, one in pair.told.items():
        assert_allclose(one.first, fits["line"].metrics["test"][name])
        assert_allclose(one.second, fits["slow"].metrics["test"][name])
    assert found.same_surface
    assert found.sentences == ()


def test_a_difference_by_chance_is_not(fits):
    near = fitted(penalty="l2:0.001")
    found = compared({"line": fits["line"], "near": near})
    (pair,) = found.pairs
    assert "cannot be told apart" in pair.sentence
    assert "holds 0" in pair.sentence
    assert not found.same_loss
    assert "metrics can" in found.sentences[0]


def test_a_net_is_compared_with_a_line_although_its_target_was_standardised(fits):
    found = compared(pick(fits, "line", "net"))
    assert len(found.pairs) == 1
    assert (found.same_target, found.same_loss, found.same_surface) == (True, False, False)
    scale = fits["net"].run.encoder["target"]["scale"]
    assert (
        f"The target is standardised for net (divided by {number(scale)}), and that of line is in "
        "its own unit."
    ) in found.sentences[0]
    assert "penalty" not in found.sentences[0]


def test_runs_of_different_objectives_share_no_axis(fits, tmp_path):
    runs = pick(fits, "line", "net", "slow")
    assert alike(compared(runs).subjects) == [["line", "slow"], ["net"]]
    text = compare(runs, tmp_path / "a.html").read_text("utf-8")
    svgs = re.findall("<svg.*?</svg>", text, re.DOTALL)
    kinds = [set(re.findall(r'class="line (\w+)"', svg)) for svg in svgs]
    assert kinds == [{"one", "three"}, {"one", "three"}, {"two"}, {"two"}]
    assert "Training loss of line, slow." in text


def test_losses_and_penalties_that_differ_are_named(fits):
    tasks = [("squared_error", None), ("huber", None), ("squared_error", ds.l2(0.1))]
    X = np.arange(12.0)[:, None]
    runs = {
        f"r{i}": ds.train(ds.Task(ds.Linear(), loss, "adam", penalty), X, X, epochs=2)
        for i, (loss, penalty) in enumerate(tasks)
    }
    subjects = compared(runs).subjects
    assert unlike(subjects) == "Their loss and penalty differ."
    assert unlike({name: subjects[name] for name in ("r0", "r2")}) == "Their penalty differs."


def test_few_rows_cannot_tell_runs_apart():
    X = np.arange(6.0)[:, None]
    task = ds.Task(ds.Linear(), "squared_error", "adam")
    runs = {f"r{e}": ds.train(task, X, X, epochs=e) for e in (1, 900)}
    found = compared(runs)
    assert "fewer than 10 and too few to say" in found.pairs[0].sentence
    assert "holds 0" not in as_text(found)
    assert "(–)" not in as_text(found)


def test_a_race_is_read_alike_in_light_and_dark(fits, tmp_path):
    path = compare(pick(fits, "line", "slow"), tmp_path / "a.html")
    words = read(path).words
    assert "the stronger the colour, the higher" in words
    assert "darker" not in words
    (race,) = re.findall('<g shape-rendering="crispEdges">(.*?)</g>', path.read_text("utf-8"))
    heights = {
        round(float(a) - float(b), 1)
        for a, b in re.findall(r"M[\d.]+ ([\d.]+)H[\d.]+V([\d.]+)H", race)
    }
    assert max(heights) < 2.5  # of a drawing 214 high


def test_between_points_the_surface_is_drawn_finer():
    values = np.array([[0.0, 4.0], [8.0, 12.0], [np.nan, 1.0]])
    found = _finer(values)
    assert found.shape == (9, 2)
    assert_allclose(found[:5, 0], [0, 2, 4, 6, 8])
    assert_allclose(found[[0, 4, 8], 1], [4, 12, 1])
    assert np.isnan(found[5:, 0]).all()


def test_other_rows_are_not_compared_row_by_row(fits):
    found = compared(pick(fits, "line", "split"))
    assert found.pairs == ()
    assert "different rows" in found.sentences[0]
    assert "R²" in as_text(found)  # each with its own interval


def test_other_targets_are_refused_with_what_still_can_be_compared(fits):
    cancer = ds.fit(ds.datasets.shipped_table("breast-cancer"), "diagnosis", epochs=2)
    found = compared({"line": fits["line"], "cancer": cancer})
    assert found.pairs == ()
    assert "do not predict the same thing (diagnosis, progression)" in found.sentences[0]
    assert [row.what for row in results(found)][:2] == ["Ended", "Updates"]


def test_without_rows_it_says_whose_are_missing(fits, tmp_path):
    X = np.arange(9.0)[:, None]
    task = ds.Task(ds.Linear(), "squared_error", "adam")
    runs = {"here": ds.train(task, X, X, epochs=3), "gone": ds.train(task, X, X, epochs=4)}
    runs["gone"].save(tmp_path / "gone.run")
    runs["gone"] = ds.load(tmp_path / "gone.run")
    found = compared(runs)
    assert "The rows of gone are not at hand" in found.sentences[0]
    assert whats(found) == ["Epochs, at most"]


def test_many_runs_are_compared_with_the_first_and_luck_is_named(fits):
    runs = {f"r{i}": fits["line"] for i in range(5)}
    found = compared(runs)
    assert [(p.first, p.second) for p in found.pairs] == [("r0", f"r{i}") for i in range(1, 5)]
    assert "lucky" in found.sentences[-1]
    few = compared({f"r{i}": fits["line"] for i in range(3)})
    assert len(few.pairs) == 3
    assert "3 comparisons were made" in few.sentences[-1]
    assert compared({f"r{i}": fits["line"] for i in range(2)}).sentences == ()


def on_arrays(n=200, *, column=0, shuffled=False, **more):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=n)
    chosen = X[:, [column]] if not shuffled else rng.permutation(X[:, [column]])
    task = ds.Task(ds.Linear(), "squared_error", "newton")
    return ds.train(task, chosen, y, epochs=20, **more)


def test_on_training_rows_neither_is_called_better():
    (pair,) = compared({"good": on_arrays(), "poor": on_arrays(column=1)}).pairs
    assert {one.better for one in pair.told.values()} == {0}
    assert "flatter the larger model" in pair.sentence
    assert "better than" not in pair.sentence
    held = {"validation": 0.3}
    (pair,) = compared({"good": on_arrays(**held), "poor": on_arrays(column=1, **held)}).pairs
    assert pair.told["rmse"].better == 1
    assert "flatter" not in pair.sentence


@pytest.mark.parametrize(("n", "few"), [(80, True), (120, False)])
def test_few_rows_are_said_to_make_intervals_too_narrow(n, few):
    run = on_arrays(n, validation=0.3)
    (pair,) = compared({"a": run, "b": run}).pairs
    assert ("too narrow" in pair.sentence) == few


def test_same_targets_do_not_make_the_same_rows(fits):
    unknown = "Only their targets and weights were compared"
    (pair,) = compared({"a": on_arrays(), "b": on_arrays(shuffled=True)}).pairs
    assert unknown in pair.sentence
    (pair,) = compared({"a": on_arrays(), "b": on_arrays()}).pairs
    assert unknown not in pair.sentence
    # Of one file and one split, columns may differ.
    (pair,) = compared({"a": fits["line"], "b": fitted(exclude=["bmi"])}).pairs
    assert unknown not in pair.sentence


def test_labels_are_compared_by_accuracy(tmp_path):
    table = ds.datasets.shipped_table("breast-cancer")
    columns = table.read_text("utf-8").splitlines()[0].split(",")
    dull = [name for name in columns if name not in {"diagnosis", "texture_error"}]
    runs = {
        "good": ds.fit(table, "diagnosis", epochs=200, progress=False),
        "poor": ds.fit(table, "diagnosis", epochs=200, exclude=dull, progress=False),
    }
    found = compared(runs)
    assert re.search(r"good is better than poor .* percentage points", found.pairs[0].sentence)
    assert {"Columns left out", "Features"} <= set(whats(found))
    page = read(compare(runs, tmp_path / "a.html"))
    only = found.pairs[0].told["accuracy"].discordant
    assert f"{only[0]} rows are right by good alone, {only[1]} by poor alone" in page.words


def test_as_data_it_is_plain(fits):
    found = as_dict(compared(pick(fits, "line", "slow")))
    again = json.loads(json.dumps(found))
    assert again["pairs"][0]["metrics"]["rmse"]["better"] == 1
    assert (
        again["runs"]["line"]["metrics"]["rmse"]["low"]
        < again["runs"]["line"]["metrics"]["rmse"]["value"]
    )


def test_fewer_than_two_are_refused(fits, tmp_path):
    with pytest.raises(InputError, match="at least two"):
        compare([fits["line"]], tmp_path / "a.html")


# ---------------------------------------------------------------- the page


def test_the_page_has_curves_metrics_and_the_race(fits, tmp_path):
    page = read(compare(pick(fits, "line", "slow"), tmp_path / "a.html"))
    sound(page)
    assert {"differ", "better", "course", "race"} <= page.ids
    kinds = [a.get("class", "") for tag, a in page.elements if tag == "path"]
    assert kinds.count("line one") == kinds.count("line two") == 3  # two figures, and the race
    assert "line is better than slow" in page.words
    assert (tmp_path / "a.html").stat().st_size < 150_000
    other = read(compare(pick(fits, "line", "net", "split"), tmp_path / "b.html"))
    assert "do not move over one surface" in other.words
    listed = read(compare([fits["line"], fits["slow"]], tmp_path / "c.html", title="<i>T</i>"))
    assert "<i>T</i>" in listed.words
    assert "run 2" in listed.words


def test_in_a_race_all_start_together_and_end_where_they_ended(tmp_path):
    X = np.linspace(-1, 1, 30)[:, None]
    asked = {"calm": (0.2, 200), "brisk": (0.3, 60), "wild": (1.5, 200)}
    runs = {
        name: ds.train(
            ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(rate)),
            X,
            2 * X + 1,
            epochs=epochs,
        )
        for name, (rate, epochs) in asked.items()
    }
    assert runs["wild"].outcome.diverged
    page = read(compare(runs, tmp_path / "a.html"))
    sound(page)
    marks = [a for tag, a in page.elements if tag == "circle"]
    at = {a["class"]: np.array([float(a["cx"]), float(a["cy"])]) for a in marks}
    assert_allclose(at["ring one"], at["ring two"])
    assert_allclose(at["ring one"], at["ring three"])
    assert_allclose(at["dot one"], at["dot two"], atol=0.3)  # both found the line
    assert np.abs(at["dot one"] - at["dot three"]).max() > 3
    assert np.abs(at["dot one"] - at["ring one"]).max() > 3


def test_in_a_browser_it_is_for_everybody(fits, new_page, tmp_path):
    path = compare(pick(fits, "line", "slow", "net"), tmp_path / "a.html")
    page = new_page(width=360, color_scheme="dark", offline=True)
    page.goto(path.as_uri())
    assert looked_over(page) == ([], 0)


def test_on_the_command_line(fits, descend):
    for name in ("line", "slow"):
        Path(name).mkdir()
        fits[name].run.save(f"{name}/fit.run")
    status, out, _ = descend("compare", "line", "slow", "--out", "c.html")
    assert status == 0
    assert "line is better than slow" in out
    assert "Learning rate" in out
    sound(read(Path("c.html")))
    assert descend("compare", "line", "slow", "--out", "c.html")[0] == 2
    again = descend("compare", "line", "slow", "--out", "c.html", "--overwrite", "--json")
    assert json.loads(again[1])["files"] == ["c.html"]
    assert "named twice" in descend("compare", "line", "line")[2]
