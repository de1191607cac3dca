"""The doctor's manners: findings, their order, the bedside, the command line, bad input."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.test_inputs import assert_sentence as assert_words

import descend as ds
from descend.doctor import diagnosing
from descend.doctor.codes import CODES, rank
from descend.doctor.findings import Diagnosis, plain, shown
from descend.doctor.trying import changed


def assert_sentence(call, words):
    for word in words:
        assert_words(call, word)


X = np.random.default_rng(0).normal(size=(120, 3))
Y = X @ [1.0, -2.0, 0.5] + 1 + 0.2 * np.random.default_rng(1).normal(size=120)
REQUIRED = [
    "step-too-large",
    "step-too-small",
    "features-unscaled",
    "ill-conditioned",
    "collinear-columns",
    "constant-column",
    "target-leak",
    "rows-shared-across-split",
    "split-shift",
    "class-imbalance",
    "label-noise",
    "outliers-dominate",
    "dead-units",
    "saturated-units",
    "vanishing-gradient",
    "exploding-activations",
    "identical-units",
    "wrong-sign",
    "wrong-gradient",
    "broadcast",
    "loss-mismatch",
    "batch-noise",
    "underfit",
    "overfit",
    "not-finished",
    "stalled",
    "perfect-separation",
    "non-finite-data",
    "edge-of-stability",
    "healthy",
]


def line(rate=0.1, epochs=200, X=X, **more):
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(rate))
    return ds.train(task, X, Y, epochs=epochs, **{"engine": "numpy", **more})


def test_every_code_of_the_contract_is_there_and_has_a_title():
    assert set(REQUIRED) <= set(CODES)
    assert all(CODES.values())
    assert [rank(code) for code in CODES] == list(range(len(CODES)))


def test_findings_stand_worst_first_and_illness_before_information(monkeypatch):
    def found(code, severity):
        return lambda chart: ds.Finding(code, severity, "So.", {}, ds.Fix("do it"))

    rules = (
        found("edge-of-stability", "information"),
        found("step-too-small", "illness"),
        found("constant-column", "information"),
        lambda chart: None,
        found("target-leak", "illness"),
    )
    monkeypatch.setattr(diagnosing, "RULES", rules)
    codes = ["target-leak", "step-too-small", "constant-column", "edge-of-stability"]
    found = line().diagnose()
    assert found.codes == codes
    assert found.ill
    assert found["step-too-small"].severity == "illness"
    assert "target-leak" in found
    assert "overfit" not in found
    assert [f.code for f in found] == codes
    assert len(found) == 4
    assert_sentence(lambda: found["overfit"], ["overfit", "target-leak"])


def test_a_healthy_run_says_so_and_how_it_ended():
    found = line().diagnose()
    assert found.codes == ["healthy"]
    assert not found.ill
    assert "200 epochs" in found[0].sentence


def test_a_finding_reads_in_a_line_each_and_as_data():
    run = line(9.0)
    finding = run.diagnose()[0]
    text = str(finding)
    assert text.startswith("step-too-large (illness): ")
    assert "\n  seen: " in text
    assert "\n  fix: " in text
    data = json.loads(json.dumps(run.diagnose().as_dict()))
    assert data["findings"][0]["code"] == "step-too-large"
    assert data["findings"][0]["fix"]["changes"]["learning_rate"] > 0
    assert finding.run is run


def test_looking_changes_nothing():
    run = line(9.0)
    before = run.theta.copy(), run.state.step, run.history["loss"].copy()
    first = str(run.diagnose())
    assert str(run.diagnose()) == first
    np.testing.assert_array_equal(run.theta, before[0])
    np.testing.assert_array_equal(run.history["loss"], before[2])
    assert run.state.step == before[1]


def test_values_are_shown_in_few_digits_and_told_in_full():
    value = {"a": np.float64(1 / 3), "b": np.arange(9), "c": (1, "x"), "d": object}
    assert shown(value).startswith("a 0.3333, b 0, 1, 2, 3, 4, 5 and 3 more, c 1, x, d ")
    assert plain(value)["a"] == 1 / 3
    assert plain(value)["b"] == list(range(9))


def test_rows_given_with_a_run_are_attached(tmp_path):
    line(9.0).save(tmp_path / "a.run")
    loaded = ds.load(tmp_path / "a.run")
    assert ds.diagnose(loaded, X, Y)[0].code == "step-too-large"
    assert_sentence(lambda: ds.diagnose(loaded, X + 1, Y), ["rows", "digest"])


def test_what_is_no_history_is_refused():
    assert_sentence(lambda: ds.diagnose([1.0, 2.0]), ["Run", "list"])
    assert_sentence(lambda: ds.diagnose({}), ["loss"])
    assert_sentence(lambda: ds.diagnose({"gradient_norm": [1.0]}), ["loss"])
    assert_sentence(lambda: ds.diagnose({"loss": "down"}), ["loss", "down"])


# Trying -------------------------------------------------------------------------------------------


def test_a_trial_puts_both_runs_side_by_side():
    trial = line(9.0, validation=0.25).diagnose()[0].try_it()
    assert trial.after.outcome.loss < 0.1 < trial.before.outcome.loss
    text = str(trial)
    assert "before" in text
    assert "with the fix" in text
    assert "validation_loss" in text
    assert trial.as_dict()["figures"]["ended"] == ["diverged", "epochs"]


def test_a_trial_may_be_shorter():
    trial = line(9.0).diagnose()[0].try_it(epochs=7)
    assert trial.after.state.step == 7


def test_a_trial_needs_a_fix_and_rows(tmp_path):
    run = line()
    assert_sentence(run.diagnose()[0].try_it, ["healthy", "machine"])
    history = {"loss": [1.0, 3.0, 9.0, 27.0, 81.0, 243.0, 729.0]}
    assert_sentence(ds.diagnose(history)[0].try_it, ["history", "Run"])
    ill = line(9.0)
    finding = ill.diagnose()[0]
    ill.save(tmp_path / "a.run")
    alone = ds.Finding(**{**vars(finding), "run": ds.load(tmp_path / "a.run")})
    assert_sentence(alone.try_it, ["rows", "attach"])


def test_changes_go_where_they_belong():
    task = ds.Task(ds.Linear(), ds.brier(), ds.adam(0.1))
    rest = {
        "loss": "logistic",
        "hidden": (5,),
        "learning_rate": 0.3,
        "epochs": 9,
        "penalty": ds.l2(0.5),
        "schedule": None,
    }
    made = changed(task, rest)
    assert str(made) == "mlp(5; tanh) + logistic + adam(0.3) + l2(0.5)"
    assert rest == {"epochs": 9}
    assert str(task) == "linear + brier + adam(0.1)"


# At the bedside -----------------------------------------------------------------------------------


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_a_watch_sees_an_illness_before_the_end(monkeypatch):
    monkeypatch.setattr("descend.doctor.watching.time.monotonic", Clock())
    said = []
    watch = ds.Watch(say=said.append, share=1.0)
    wide = np.column_stack([X, X[:, 0]])
    run = line(0.01, epochs=150, X=wide, callbacks=[watch])
    step, finding = watch.findings[0]
    assert finding.code == "collinear-columns"
    assert 0 < step < run.state.step == 150
    assert len(said) == len(watch.findings) == 1
    assert said[0].startswith(f"At update {step}: collinear-columns")
    assert watch.diagnosis.codes[0] == "collinear-columns"


def test_a_watch_can_stop_the_training(monkeypatch):
    monkeypatch.setattr("descend.doctor.watching.time.monotonic", Clock())
    wide = np.column_stack([X, X[:, 0]])
    watch = ds.Watch(say=None, stop=["collinear-columns"], share=1.0)
    run = line(0.01, epochs=150, X=wide, callbacks=[watch])
    assert run.outcome.reason == "callback"
    assert run.state.step < 150
    other = ds.Watch(say=None, stop=["overfit"], share=1.0)
    assert line(0.01, epochs=500, X=wide, callbacks=[other]).outcome.reason == "epochs"


def test_a_watch_changes_no_bit(monkeypatch):
    monkeypatch.setattr("descend.doctor.watching.time.monotonic", Clock())
    watched = line(0.05, epochs=90, callbacks=[ds.Watch(say=None, share=1.0)])
    np.testing.assert_array_equal(watched.theta, line(0.05, epochs=90).theta)


def test_a_watch_keeps_to_its_share(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("descend.doctor.watching.time.monotonic", clock)
    looks = []

    def slow(run):
        looks.append(run.state.step)
        clock.now += 50.0
        return Diagnosis(())

    monkeypatch.setattr("descend.doctor.watching.diagnose", slow)
    watch = ds.Watch(say=None, share=0.25)
    watch.start(None)

    class Now:
        step = 1
        so_far = staticmethod(lambda: SimpleNamespace(state=Now))

    elapsed = []
    for _ in range(2000):
        watch.stretch(Now)
        elapsed.append(watch.seconds <= 0.25 * (clock.now - watch._begun) + 55)
    assert 3 < len(looks) < 30
    assert all(elapsed)
    assert watch.seconds <= 0.26 * (clock.now - watch._begun)


def test_a_watch_refuses_what_it_does_not_know():
    assert_sentence(lambda: ds.Watch(stop=["overfitting"]), ["overfitting", "overfit"])
    assert_sentence(lambda: ds.Watch(share=2), ["share", "2"])


# At the command line ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor")
    rows = ["a,b,c,target", *(f"{a},{b},{c},{y}" for (a, b, c), y in zip(X, Y, strict=True))]
    (folder / "t.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def ill(table):
    from descend import fitting

    done = fitting.fit(
        table / "t.csv", "target", learning_rate=9.0, optimizer="gradient_descent", engine="numpy"
    )
    done.run.save(table / "ill.run")
    return str(table / "ill.run")


@pytest.fixture
def command(descend):
    def run(*arguments):
        return SimpleNamespace(
            **dict(zip(("status", "out", "err"), descend(*arguments), strict=True))
        )

    return run


def test_the_command_says_what_is_wrong(command, ill):
    done = command("doctor", ill)
    assert done.status == 0
    assert done.out.startswith("step-too-large (illness): ")
    assert "fix: lower the learning rate" in done.out


def test_the_command_checks_and_tells_machines(command, ill):
    assert command("doctor", ill, "--check").status == 1
    found = json.loads(command("doctor", ill, "--json").out)
    assert found["findings"][0]["code"] == "step-too-large"


def test_the_command_tries_the_fix(command, ill, tmp_path):
    out = str(tmp_path / "mended.run")
    done = command("doctor", ill, "--try", "first", "--out", out)
    assert done.status == 0
    assert "with the fix" in done.out
    assert ds.load(out).outcome.reason != "diverged"
    assert command("doctor", ill, "--try", "overfit").status == 2
    assert command("doctor", ill, "--out", out).status == 2


def test_the_command_looks_at_the_record_where_the_table_is_gone(command, ill, table):
    done = command("doctor", ill, "--without-data")
    assert done.status == 0
    moved = table / "moved.csv"
    (table / "t.csv").rename(moved)
    try:
        gone = command("doctor", ill)
        assert gone.status == 0
        assert "Not seen: rows and columns" in gone.out
        assert command("doctor", ill, "--data", str(moved)).out.startswith("step-too-large")
    finally:
        moved.rename(table / "t.csv")
    assert command("doctor", ill, "--data", str(table / "no.csv")).status == 2
