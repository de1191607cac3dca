"""`descend grade`: whole runs are verified, and whatever was altered in a file is caught."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import descend as ds
from descend.errors import InputError
from descend.lab import goals
from descend.lab.address import to_query
from descend.lab.branch import Branch
from descend.lab.files import marked
from descend.lab.grading import asked, grade, query_of
from descend.lab.rows import open_table, rows_of
from descend.lab.settings import Settings
from descend.run.history import History, Series

GOAL = "validation_loss<0.2@120"
LOCK = ("data", "optimizer")
PLAIN = {"data": "moons", "n": 60, "batch_size": 14, "learning_rate": 0.1}


def led(updates=90, changes=((20, {"learning_rate": 0.05}),), plain=PLAIN, goal=GOAL, lock=LOCK):
    """Return a run of the lab as it is saved, with its goal noted where it was reached."""
    settings = Settings.of(plain)
    branch = Branch(1, settings, rows_of(settings), changes=changes, until=updates)
    if goal is not None:
        found = goals.first_reached(
            branch.live.history, branch.live.updates_per_epoch, goals.goal_of(goal)
        )
        if goals.in_time(goals.goal_of(goal), found):
            branch.live.note("goal", goal=goal, reached=found.step, value=found.value)
    address = to_query(settings, branch.changes, updates, lock, goal)
    return marked(branch.run(), address, "Ada")


@pytest.fixture(scope="module")
def run():
    return led()


def graded(run, tmp_path, **wanted):
    run.save(tmp_path / "one.run")
    return grade(tmp_path / "one.run", asked(**wanted))


def with_figures(run, name, change):
    """Return the run with one column of its history altered."""
    kept = []
    for series in (run.history.updates, run.history.epochs):
        arrays = {part: values.copy() for part, values in series.arrays().items()}
        if name in series.names:
            column = arrays["sums"][:, series.names.index(name)]
            column[:] = change(column)
        restored = Series.restored(
            series.names, series.capacity, series.block, series.count, arrays
        )
        kept.append(restored)
    return replace(run, history=History(*kept))


def with_event(run, kind, **facts):
    events = tuple(e | facts if e["kind"] == kind else e for e in run.events)
    assert events != run.events
    return replace(run, events=events)


def test_a_whole_run_is_verified_to_the_last_bit(run, tmp_path):
    found = graded(run, tmp_path)
    assert (found.verified, found.name, found.updates, found.goal) == ("exact", "Ada", 90, GOAL)
    values = run.history["validation_loss"]
    first = int(np.flatnonzero(values < 0.2)[0])
    assert found.reached == (first + 1) * run.setup.batches_per_epoch
    assert found.in_time
    assert found.passed
    assert found.remark == ""


def test_last_bits_of_another_machine_are_borne(run, tmp_path):
    near = with_figures(run, "loss", lambda column: column * (1 + 1e-9))
    near = replace(near, versions={**run.versions, "machine": "another"})
    found = graded(near, tmp_path)
    assert found.verified == "within 1e-06"
    assert found.remark == "trained with another machine"


@pytest.mark.parametrize(
    "name", ["loss", "gradient_norm", "validation_loss", "validation_accuracy"]
)
def test_an_altered_history_is_caught(run, tmp_path, name):
    def last_lower(column):
        column[-1] *= 1 - 1e-5
        return column

    found = graded(with_figures(run, name, last_lower), tmp_path)
    assert found.verified == "no"
    assert f"its {name.replace('_', ' ')} is recorded as" in found.remark


def test_an_altered_theta_is_caught(run, tmp_path):
    theta = run.state.theta.copy()
    theta[3] += 1e-4
    for altered in (
        replace(run, theta=theta),
        replace(run, state=replace(run.state, theta=theta)),
    ):
        found = graded(altered, tmp_path)
        assert found.verified == "no"
        assert "theta is recorded as" in found.remark


def test_an_altered_keyframe_is_caught(run, tmp_path):
    arrays = {name: part.copy() for name, part in run.keyframes.arrays().items()}
    arrays["theta"][2, 0] += 0.01
    keyframes = type(run.keyframes).restored(run.keyframes.limit, run.keyframes.stride, arrays)
    found = graded(replace(run, keyframes=keyframes), tmp_path)
    assert found.verified == "no"
    assert "theta along the way" in found.remark


@pytest.mark.parametrize("facts", [{"reached": 5}, {"value": 0.01}])
def test_an_altered_goal_is_caught(run, tmp_path, facts):
    found = graded(with_event(run, "goal", **facts), tmp_path)
    assert found.verified == "no"
    assert "it says that its goal was reached" in found.remark


def test_a_goal_that_was_made_up_is_caught(tmp_path):
    short = led(6, changes=())
    assert not [event for event in short.events if event["kind"] == "goal"]
    claim = {"kind": "goal", "step": 6, "goal": GOAL, "reached": 3, "value": 0.1}
    found = graded(replace(short, events=(claim, *short.events)), tmp_path)
    assert found.verified == "no"
    assert found.remark.endswith("reached after 3 updates; it was not")
    assert not found.passed


def test_changes_that_are_not_those_of_the_address_are_caught(run, tmp_path):
    found = graded(with_event(run, "change", step=21), tmp_path)
    assert found.verified == "no"
    other = to_query(Settings.of({**PLAIN, "seed": 1}), [(20, {"learning_rate": 0.05})], 90)
    found = graded(with_event(run, "lab", address=other), tmp_path)
    assert found.verified == "no"


def test_other_rows_are_caught(run, tmp_path):
    other = to_query(Settings.of({**PLAIN, "data_seed": 1}), [(20, {"learning_rate": 0.05})], 90)
    found = graded(with_event(run, "lab", address=other), tmp_path)
    assert found.remark == "it was trained on other rows than its address names"


def test_a_locked_setting_that_was_changed_is_caught(tmp_path):
    found = graded(led(30, lock=("learning_rate",)), tmp_path)
    assert found.remark == "learning_rate was changed at update 20, which was locked"
    assert found.verified == "no"


def test_the_link_that_was_given_decides_what_is_locked(run, tmp_path):
    given = to_query(Settings.of(PLAIN), (), None, LOCK, GOAL)
    link = f"http://127.0.0.1:8765/s/abc?token=x&{given}"
    assert graded(run, tmp_path, address=link).passed
    other = to_query(Settings.of({**PLAIN, "n": 80}), (), None, LOCK, GOAL)
    assert "n is not as it was given" in graded(run, tmp_path, address=other).remark
    more = to_query(Settings.of(PLAIN), (), None, (*LOCK, "penalty"), GOAL)
    assert "its locks are missing" in graded(run, tmp_path, address=more).remark


def test_a_goal_on_a_loss_that_is_met_by_another_loss_is_remarked(tmp_path):
    other = led(30, (), {**PLAIN, "loss": "brier"}, lock=())
    given = to_query(Settings.of(PLAIN), (), None, (), GOAL)
    remark = "the goal is a loss, and its loss is brier (mean) where the link has logistic (mean)"
    assert remark in graded(other, tmp_path, address=given).remark
    accuracy = to_query(Settings.of(PLAIN), (), None, (), "validation_accuracy>0.5")
    assert "brier" not in graded(other, tmp_path, address=accuracy).remark


def test_a_goal_reached_late_or_never_is_told(run, tmp_path):
    reached = graded(run, tmp_path).reached
    late = graded(run, tmp_path, goal=f"validation_loss<0.2@{reached - 1}")
    assert (late.verified, late.in_time, late.reached) == ("exact", False, reached)
    assert late.remark == "the goal was reached too late"
    never = graded(run, tmp_path, goal="validation_loss<0.0000001")
    assert (never.in_time, never.reached, never.passed) == (False, None, False)


def test_edits_by_hand_and_endings_are_replayed(tmp_path):
    edits = ((10, {"edit": {"at": 2, "to": 1.5}}), (25, {"penalty": {"name": "l2"}}))
    assert graded(led(40, changes=edits, lock=()), tmp_path).verified == "exact"
    wild = {"data": "line", "learning_rate": 500.0, "n": 20}
    diverged = led(400, (), wild, goal=None)
    assert diverged.outcome.diverged
    assert graded(diverged, tmp_path).verified == "exact"


def test_a_run_on_a_table_is_replayed_on_the_table_that_is_named(run, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2))
    lines = [f"{a:.4f},{b:.4f},{2 * a - b:.4f}" for a, b in x]
    for name, entries in (("one.csv", lines), ("other.csv", lines[::-1])):
        (tmp_path / name).write_text("\n".join(["a,b,y", *entries]) + "\n")
    opened = open_table(str(tmp_path / "one.csv"), "one.csv", "y")
    settings = Settings().with_changes({"data": "table", "target": "y"}, opened)[0]
    branch = Branch(1, settings, rows_of(settings, opened), until=25)
    on_table = marked(branch.run(), to_query(settings, (), 25))
    assert "name it with --data" in graded(on_table, tmp_path).remark
    assert graded(on_table, tmp_path, data=str(tmp_path / "one.csv")).verified == "exact"
    assert graded(on_table, tmp_path, data=str(tmp_path / "other.csv")).verified == "no"


def test_the_command_tells_good_and_bad_files(descend, run, tmp_path):
    folder = tmp_path / "returned"
    (folder / "deeper").mkdir(parents=True)
    run.save(folder / "deeper" / "ada.run")
    (folder / "cut.run").write_bytes((folder / "deeper" / "ada.run").read_bytes()[:4000])
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=2).save(folder / "own.run")

    status, out, err = descend("grade", "returned")
    assert (status, err) == (0, "")
    assert "deeper/ada.run" in out
    assert "cut short or altered" in out
    assert "It was not saved by the lab" in out
    assert "1 of 3 verified" in out

    status, out, _ = descend("grade", "returned", "--format", "json")
    told = {one["file"]: one for one in json.loads(out)["grades"]}
    assert told["deeper/ada.run"]["verified"] == "exact"
    assert told["deeper/ada.run"]["passed"] is True
    assert told["cut.run"]["verified"] == "no"

    status, out, _ = descend("grade", "returned", "--format", "csv", "--check")
    cells = list(csv.reader(io.StringIO(out)))
    assert status == 1
    assert cells[0][:3] == ["file", "name", "task"]
    assert sorted(row[0] for row in cells[1:]) == ["cut.run", "deeper/ada.run", "own.run"]


def test_files_are_held_against_one_another(descend, run, tmp_path):
    run.save(tmp_path / "a.run")
    address = next(e["address"] for e in run.events if e["kind"] == "lab")
    marked(run, address, "Bob").save(tmp_path / "b.run")
    led(3, (), goal=None, lock=()).save(tmp_path / "c.run")
    _, out, _ = descend("grade", ".")
    assert "the same run, to the last bit, as b.run (Bob)" in out
    assert "the same run, to the last bit, as a.run (Ada)" in out
    assert out.count("the same run") == 2
    assert "Each file's own goal and locks were believed; give --link" in out
    assert f"The goals differ between the files: none / {GOAL}." in out
    assert "The locks differ between the files: none / data,optimizer." in out
    _, out, err = descend("grade", ".", "--goal", GOAL, "--format", "csv")
    assert "believed" not in out
    assert "Each file's own locks were believed" in err
    assert "goals differ" not in err
    _, out, _ = descend("grade", ".", "--link", address, "--format", "json")
    assert json.loads(out)["said"] == []


def test_a_name_cannot_lead_the_terminal(descend, run, tmp_path):
    wild = "A\x1b[2J\x9b1mda\u202e\nB"
    address = next(e["address"] for e in run.events if e["kind"] == "lab")
    (noted,) = [e for e in marked(run, address, wild).events if e["kind"] == "lab"]
    assert noted["name"] == "A [2J 1mda B"
    with_event(run, "lab", name=wild).save(tmp_path / "a.run")
    for form in ("table", "csv", "json"):
        _, out, _ = descend("grade", ".", "--format", form)
        assert "A [2J 1mda B" in out
        assert not set(out) & set("\x1b\x9b\u202e")


def test_a_table_is_told_to_spreadsheets_as_text(descend, tmp_path):
    settings = Settings.of(PLAIN)
    branch = Branch(1, settings, rows_of(settings), until=2)
    marked(branch.run(), to_query(settings, (), 2), "=1+1").save(tmp_path / "a.run")
    _, out, _ = descend("grade", ".", "--format", "csv")
    assert ",'=1+1," in out


def test_what_cannot_be_graded_is_said(descend, tmp_path):
    status, _, err = descend("grade", "nowhere")
    assert status == 2
    assert "There is no folder nowhere" in err
    (tmp_path / "empty").mkdir()
    status, _, err = descend("grade", "empty")
    assert status == 2
    assert "holds no run file" in err
    with pytest.raises(InputError, match="did you mean 'validation_loss'"):
        asked(goal="validation_los<0.1")
    with pytest.raises(InputError, match=r"validation_loss<0.1@200"):
        asked(goal="validation_loss=0.1")


def test_goals_are_read_as_they_are_written():
    for text in ("loss<0.1", "validation_accuracy>0.97@300", "gradient_norm<1e-05@7"):
        assert str(goals.goal_of(text)) == text
    assert goals.goal_of(" loss < .5 @ 20 ") == goals.Goal("loss", True, 0.5, 20)
    assert goals.goal_of("loss<0.5@20").sentence == "loss below 0.5 within 20 updates"
    assert not goals.Goal("loss", True, 0.5, None).met_by(float("nan"))
    assert query_of("data=moons&goal=loss<1") == "data=moons&goal=loss<1"
