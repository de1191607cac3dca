"""The benchmarks compare equal work, or say that they do not; and their plumbing is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from benchmarks import all_rows, child, data, estimators, run, table
from benchmarks.registry import (
    BEST,
    OURS,
    ROWS,
    Goal,
    MissingError,
    Race,
    Row,
    Share,
    UnfairError,
    peers,
    row,
)
from benchmarks.results import ABSENT, FREE, MET, SHORT, VOID
from benchmarks.results import run as run_row
from benchmarks.timing import Measured, Turns, disagreement, interleaved, unequal

ROOT = Path(__file__).parents[1]
MACHINE = {"smoke": False, "read_2_threads": 10.0}


def taking(seconds, loss=1.0, memory=None):
    """Return a contestant that says it took so long and ended at `loss`."""
    return lambda: Measured(loss, seconds, memory)


def result(race, goals, repeats=3, machine=MACHINE):
    return run_row(Row("r", "work", goals, "", lambda *, smoke: race), repeats, machine)


def only_line(race, goals):
    (line,) = result(race, goals).lines
    return line


# Timing ------------------------------------------------------------------------------------------


def test_contestants_take_turns_after_a_warm_up():
    order = []
    turns = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert [len(turns[name].seconds) for name in "ab"] == [2, 2]
    assert [len(turns[name].answers) for name in "ab"] == [3, 3]


def test_without_a_warm_up_the_first_turn_counts():
    assert len(interleaved({"a": lambda: 1}, 2, warm=False)["a"].seconds) == 2


def test_the_median_is_of_the_timed_turns_alone():
    # Readings of the clock: a warm-up of 100 s, then turns of 1, 9 and 2.
    readings = iter(np.cumsum([0, 100, 0, 1, 0, 9, 0, 2]).tolist())
    turns = interleaved({"a": lambda: 1}, 3, clock=lambda: next(readings))
    assert turns["a"].seconds == [1, 9, 2]
    assert turns["a"].median() == 2


def test_judging_is_not_timed():
    ticks = count()
    turns = interleaved(
        {"a": lambda: 1},
        1,
        judge=lambda _: [next(ticks) for _ in range(50)],
        clock=lambda: next(ticks),
    )
    assert turns["a"].seconds == [1]


def test_an_answer_may_bring_its_own_clock_and_memory():
    turns = interleaved({"a": taking(5.0, 2.0, 7.0)}, 2)
    assert (turns["a"].median(), turns["a"].median("memory"), turns["a"].answers[0]) == (5, 7, 2)


def test_a_contestant_that_raises_ends_its_own_race_only():
    turns = interleaved({"a": lambda: 1 / 0, "b": lambda: 1}, 2)
    assert turns["a"].failed == "ZeroDivisionError: division by zero"
    assert turns["a"].median() is None
    assert len(turns["b"].seconds) == 2


# Equal losses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "peer", "tolerance", "differ"),
    [
        (1.0, 1.0, 0.0, False),
        (1.0, 1.0 + 0.9e-6, 1e-6, False),
        (1.0, 1.0 + 1.1e-6, 1e-6, True),
        (1.0, 1.0 - 1.1e-6, 1e-6, True),
        (1e-9, 2e-9, 1e-6, True),
        (1.0, -1.0, 1e-6, True),
        (float("nan"), float("nan"), 1e-6, True),
        (1.0, float("nan"), 1e-6, True),
        (float("inf"), float("inf"), 1e-6, True),
    ],
)
def test_losses_are_equal_relatively_or_not_at_all(ours, peer, tolerance, differ):
    assert unequal(ours, peer, tolerance) is differ


def test_one_turn_that_ended_elsewhere_voids_the_comparison():
    ours = Turns(answers=[1.0, 1.0])
    assert disagreement(ours, Turns(answers=[1.0, 1.0]), 1e-6) is None
    assert disagreement(ours, Turns(answers=[1.0, 2.0]), 1e-6) == "loss 1 against 2"
    assert disagreement(Turns(answers=[2.0, 1.0]), Turns(answers=[1.0]), 1e-6) is not None
    assert disagreement(ours, Turns(answers=[9.0]), None) is None


def test_another_loss_makes_the_line_void_with_both_losses():
    found = result(Race(taking(1.0, 0.5), {"p": taking(9.0, 0.6)}), {("p", "time"): Goal(2)})
    (line,) = found.lines
    assert (line.verdict, line.ratio, line.word) == (VOID, None, "loss 0.5 against 0.6")
    assert not found.valid
    text = table.as_markdown(machine_for_table(), [found], 3)
    assert "VOID (loss 0.5 against 0.6)" in text


@pytest.mark.slow
def test_a_stated_tolerance_is_the_one_applied():
    race = Race(taking(1.0, 1.0), {"p": taking(1.0, 1.04), "q": taking(1.0, 1.04)}, tolerance=0.05)
    assert [line.verdict for line in result(race, {}).lines] == [FREE, FREE]
    race = Race(race.ours, race.peers, tolerance=0.05, tolerances={"q": 0.01})
    assert [line.verdict for line in result(race, {}).lines] == [FREE, VOID]


def test_work_not_done_is_void_whatever_the_loss():
    def judge(answer):
        if answer < 0:
            msg = "recorded nothing"
            raise UnfairError(msg)
        return 1.0

    line = only_line(Race(lambda: 1.0, {"p": lambda: -1.0}, judge), {})
    assert (line.verdict, line.word) == (VOID, "recorded nothing")
    assert result(Race(lambda: -1.0, {"p": lambda: 1.0}, judge), {}).failed


@pytest.mark.slow
def test_a_proof_that_fails_voids_a_loose_comparison():
    loose = {"tolerance": 0.5, "ours": taking(1.0), "peers": {"p": taking(1.0)}}
    good = Race(**loose, proofs={"p": lambda: (1.0, 1.0 + 1e-7)})
    bad = Race(**loose, proofs={"p": lambda: (1.0, 1.0 + 1e-5)})
    broken = Race(**loose, proofs={"p": lambda: 1 / 0})
    assert only_line(good, {}).verdict == FREE
    assert "from the same start" in only_line(bad, {}).word
    assert (only_line(broken, {}).verdict, "proof" in only_line(broken, {}).word) == (VOID, True)


# Ratios and goals --------------------------------------------------------------------------------


def test_the_ratio_is_the_peers_median_over_ours():
    turns = iter([2.0, 100.0, 2.0, 1.0])  # ours: a warm-up, then a median of 2
    race = Race(lambda: Measured(1.0, next(turns)), {"p": taking(6.0)})
    line = only_line(race, {("p", "time"): Goal(3)})
    assert (line.ours, line.peers, line.ratio, line.verdict) == (2.0, 6.0, 3.0, MET)


@pytest.mark.parametrize(
    ("goal", "ratio", "verdict"),
    [
        (Goal(2.9), 3.0, MET),
        (Goal(3.1), 3.0, SHORT),
        (Goal(0.34, most=True), 1 / 3, MET),
        (Goal(0.33, most=True), 1 / 3, SHORT),
        (Goal(float("inf"), most=True), 1 / 3, FREE),
    ],
)
def test_goals_bound_the_ratio_from_their_side(goal, ratio, verdict):
    line = only_line(Race(taking(1.0), {"p": taking(3.0)}), {("p", "time"): goal})
    assert line.verdict == verdict
    assert line.ratio == pytest.approx(ratio)


def test_memory_has_a_line_and_a_goal_of_its_own():
    race = Race(taking(1.0, memory=100.0), {"p": taking(3.0, memory=150.0)})
    lines = result(race, {("p", "time"): Goal(2), ("p", "memory"): Goal(2)}).lines
    assert [(line.measure, line.ratio, line.verdict) for line in lines] == [
        ("time", 3.0, MET),
        ("memory", 1.5, SHORT),
    ]


def test_the_best_of_them_is_the_fastest_that_is_valid():
    race = Race(
        taking(1.0), {"a": taking(5.0), "b": taking(3.0), "void": taking(2.0, 9.0), "gone": "no"}
    )
    best = result(race, {(BEST, "time"): Goal(2.5)}).lines[-1]
    assert (best.peer, best.word, best.ratio, best.verdict) == (BEST, "b", 3.0, MET)


def test_a_peer_that_is_not_installed_is_shown_and_voids_nothing():
    def missing():
        msg = "not installed"
        raise MissingError(msg)

    race = Race(taking(1.0), peers({"p": missing, "q": lambda: taking(2.0)}))
    found = result(race, {("p", "time"): Goal(2)})
    assert [(line.verdict, line.word) for line in found.lines] == [
        (ABSENT, "not installed"),
        (FREE, ""),
    ]
    assert found.valid


def test_the_share_of_the_machine_is_of_what_was_measured():
    race = Race(taking(2.0), {}, share=Share(8e9, "read_2_threads", 0.5))  # 4 of 10 GB/s
    assert result(race, {}).share == {
        "of": "read_2_threads",
        "reached": pytest.approx(0.4),
        "goal": 0.5,
        "verdict": SHORT,
    }


def test_our_own_failure_fails_the_row_and_cleans_up():
    done = []
    race = Race(lambda: 1 / 0, {"p": taking(1.0)}, finish=lambda: done.append(True))
    found = result(race, {})
    assert (found.failed, found.valid, done) == (True, False, [True])


# Rows, data, other processes ---------------------------------------------------------------------


def machine_for_table():
    rates = ("read_1_thread", "read_2_threads", "product_float32", "product_float64")
    facts = {
        "processor": "one",
        "cores": 2,
        "load_before": 0.1,
        "load_after": 0.2,
        "versions": {"numpy": "2"},
    }
    return {**MACHINE, **facts, **dict.fromkeys(rates, 10.0)}


def test_every_row_of_the_table_is_there_once():
    all_rows()
    families = {name.split("-")[0] for name in ROWS}
    assert families == {
        "line", "rows", "moons", "gradient", "adam", "logistic", "ridge", "recording", "fit",
        "first", "growth", "engine", "doctor",
    }  # fmt: skip
    with pytest.raises(ValueError, match="two rows named line"):
        row("line", "again", {})(lambda *, smoke: None)


def test_rows_are_chosen_by_name_or_by_how_it_begins():
    all_rows()
    assert [found.name for found in run.chosen(["line"])] == ["line"]
    assert len(run.chosen(["rows-"])) == 6
    with pytest.raises(ValueError, match="no row 'lime'"):
        run.chosen(["line", "lime"])


def test_the_judges_formulas_are_those_of_the_losses():
    import descend as ds

    X, y = data.labels(50, 3, 4)
    Z = X @ np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(data.softmax(Z, y), ds.softmax()(Z, y).mean(), rtol=1e-12)
    X, y = data.labels(50, 3)
    w = np.array([1.0, -2.0, 30.0])
    expected = ds.logistic()((X @ w + 0.5)[:, None], y[:, None].astype(float)).mean()
    np.testing.assert_allclose(data.logistic(X, y, w, 0.5), expected, rtol=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="memory of children is not measured there")
def test_a_childs_memory_is_its_own():
    held = np.ones(300_000_000 // 8)  # 300 MB that the child must not be charged with
    output, seconds, memory = child.run(["-c", "print('there')"], {})
    assert (output, held.size > 0) == ("there\n", True)
    assert 0 < seconds < 60
    assert 1e6 < memory < 100e6
    _, _, more = child.run(["-c", "b'x' * 200_000_000"], {})
    assert more > memory + 100e6


def test_a_child_that_fails_says_so():
    with pytest.raises(RuntimeError, match="status 3"):
        child.run(["-c", "raise SystemExit(3)"], {})


def smoke(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/run.py", "--smoke", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_smoke_ends_at_equal_losses():
    done = smoke("--only", "line", "recording-line", "gradient-softmax", "--json", "-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["name"] for each in found["rows"]] == [
        "line",
        "gradient-softmax",
        "recording-line",
    ]
    for each in found["rows"]:
        assert OURS in each["seconds"]
        assert all(line["verdict"] in {MET, SHORT} for line in each["lines"])
    assert "[3/3] recording-line" in done.stderr


def test_the_table_is_printed_as_markdown_too():
    done = smoke("--only", "recording-net", "--markdown")
    assert done.returncode == 0, done.stderr
    assert "| record=False | ≤ 1.1 |" in done.stdout


def test_a_wrong_name_is_a_bad_argument():
    done = smoke("--only", "lime")
    assert (done.returncode, "no row 'lime'" in done.stderr) == (2, True)


@pytest.mark.slow
def test_the_estimators_tables_are_printed():
    done = subprocess.run(
        [sys.executable, "benchmarks/estimators.py", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "iris 150 x 4, engel 235 x 1" in done.stdout
    assert done.stdout.count("ours - best") == 2


@pytest.mark.slow
def test_the_rule_chooses_twelve_tables():
    found = estimators.tables()
    assert sum(table.labels for table in found.values()) == 6
    assert len(found) == 12
    assert all(len(table.y) >= 100 and np.isfinite(table.X).all() for table in found.values())
