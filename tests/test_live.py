"""A training led by hand: cut as one likes, changed along the way, and a run like any other."""

from __future__ import annotations

import json
import re
import runpy
import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_same_run, assert_same_series

import descend as ds
from descend import schedules
from descend.engines import engine_for
from descend.errors import InputError, RunFileError
from descend.export.script import write_script
from descend.optimizers import RULES
from descend.run.telling import told
from descend.training.live import lead

RNG = np.random.default_rng(7)
X = RNG.normal(size=(23, 2))
Y = X @ [1.0, -2.0] + 0.1 * RNG.normal(size=23)
PIECES = (1, 6, 2, 13, 1, 1, 21)  # 45 updates, cut anywhere


def task_of(optimizer=None, penalty=None, model=None, loss="squared_error"):
    return ds.Task(model or ds.MLP((3,)), loss, optimizer or ds.momentum(0.05), penalty)


def begun(**asked):
    parts = {
        name: asked.pop(name) for name in ("optimizer", "penalty", "model", "loss") if name in asked
    }
    return ds.begin(task_of(**parts), X, asked.pop("y", Y), **{"engine": "numpy", **asked})


def changed_at_odd_steps(live):
    """Lead a training through everything that can be changed; return its states, as they were."""
    seen = {}

    def on(updates):
        for _ in range(updates):
            seen[live.step] = live._loop.state
            assert live.advance(1) is None

    on(3)
    live.change(learning_rate=0.01)
    on(4)
    live.edit([1, 4], [0.5, -0.25])
    live.change(optimizer=ds.momentum(beta=0.5))
    on(2)
    live.use("numba" if live.engine == "numpy" else "numpy")
    on(3)
    live.change(penalty=ds.l1(0.125))
    on(1)
    live.edit(live.theta * 2)
    live.change(learning_rate=0.02, penalty=ds.l2(0.25))
    on(5)
    live.change(penalty=None)
    on(2)
    seen[live.step] = live._loop.state
    return seen


def assert_replays(run, seen):
    for step, state in seen.items():
        moment = run.at(step)
        assert_bits(moment.theta, state.theta, f"theta at {step}")
        assert_bits(moment.slots, state.slots, f"slots at {step}")
        if step < run.state.step:
            assert moment.loss == run.history["loss"][step]
            assert run.history["learning_rate"][step] == run.in_force(step).setup.learning_rate


# ---------------------------------------------------------------- the same loop


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("rule", [r for r in RULES if r != "newton"])
def test_led_in_odd_pieces_it_is_the_run_of_one_go(rule, engine):
    batch_size = None if rule == "lbfgs" else 7
    asked = {"batch_size": batch_size, "engine": engine, "validation": 0.2, "record": 8.0}
    task = task_of(RULES.make(rule))
    live = ds.begin(task, X, Y, **asked)
    for updates in PIECES:
        assert live.advance(updates) is None
    run = live.run()
    expected = ds.train(task, X, Y, epochs=run.setup.epochs, **asked)
    assert run.state.step == expected.state.step == sum(PIECES)
    assert_same_run(replace(run, outcome=expected.outcome), expected)
    assert run.outcome.loss == expected.outcome.loss
    assert live.figures["loss"] == live.loss == expected.history["loss"][-1]
    assert live.figures["validation_loss"] == live.validation_loss


def test_plateaus_and_stopping_rules_are_the_loop_s():
    plateau = ds.adam(0.05, schedule=schedules.reduce_on_plateau(0.5, 1, 0.05))
    live = begun(optimizer=plateau, batch_size=7, loss_tolerance=0.02)
    found = None
    while found is None:
        found = live.advance(5)
    expected = ds.train(
        task_of(plateau), X, Y, epochs=99, batch_size=7, loss_tolerance=0.02, engine="numpy"
    )
    assert found == expected.outcome.reason == "settled"
    assert live.run().outcome == expected.outcome
    assert live.events == expected.events
    assert live.events


def test_a_copy_stays_as_it_was():
    live = begun(batch_size=7)
    live.advance(9)
    run, theta = live.run(), live.theta
    remembered = run.controller.describe()
    live.edit(0, 3.0)
    live.advance(30)
    assert run.state.step == len(run.history["loss"]) == 9
    assert not run.events
    assert run.controller.describe() == remembered != live.run().controller.describe()
    assert run.keyframes.steps == list(range(10))
    assert_bits(run.at(9).theta, theta)
    assert run.outcome.sentence == f"Trained for 9 updates so far; loss {run.outcome.loss:.6g}."


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_copy_may_be_made_later_in_another_thread(engine):
    live, made = begun(engine=engine, batch_size=7), []
    live.advance(9)
    expected, program = live.run(), live._loop.program
    live._loop.program = None  # it has scratch memory, so another thread must not use it
    make, live._loop.program = live.later(), program
    thread = threading.Thread(target=lambda: made.append(make()))
    thread.start()
    live.change(learning_rate=0.01)
    live.advance(500)
    thread.join()
    assert_same_run(made[0], expected)
    assert made[0].setup == expected.setup
    assert made[0].task == expected.task


# ---------------------------------------------------------------- changes


@pytest.mark.parametrize("record", [8.0, 0.002])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_every_step_of_a_changed_training_replays_exactly(batch_size, record):
    live = begun(batch_size=batch_size, record=record)
    seen = changed_at_odd_steps(live)
    run = live.run()
    assert (run.keyframes.stride > 1) == (record < 1)
    assert_replays(run, seen)
    assert_bits(live.at(11).theta, seen[11].theta)
    assert run.theta.tobytes() == seen[20].theta.tobytes()


def test_views_tell_what_was_in_force():
    live = begun()
    changed_at_odd_steps(live)
    run = live.run()
    rates = [run.in_force(step).setup.learning_rate for step in range(21)]
    assert rates == [0.05] * 3 + [0.01] * 10 + [0.02] * 8
    assert [run.in_force(step).task.optimizer.rule.beta for step in (6, 7)] == [0.9, 0.5]
    assert [run.in_force(step).engine_used.partition("/")[0] for step in (8, 9)] == [
        "numpy",
        "numba",
    ]
    assert run.in_force(12).task.penalty == ds.l1(0.125)
    assert run.task.penalty is None
    assert run.in_force() is run.in_force(3).in_force() is run.in_force(99) is run


def test_a_view_is_the_same_run():
    live = begun(batch_size=7, record=0.002)
    seen = changed_at_odd_steps(live)
    view = live.run().in_force(4)
    assert view.keyframes.stride > 1
    assert_replays(view, seen)


def test_changes_are_told_in_words():
    live = begun()
    changed_at_odd_steps(live)
    assert told(live.run()) == [
        (3, "learning rate 0.05 → 0.01"),
        (7, "2 parameters set by hand"),
        (7, "beta 0.9 → 0.5"),
        (9, f"engine numpy → {live.engine}"),
        (12, "penalty none → l1(0.125)"),
        (13, f"{live.run().layout.size} parameters set by hand"),
        (13, "learning rate 0.01 → 0.02, penalty l1(0.125) → l2(0.25)"),
        (18, "penalty l2(0.25) → none"),
    ]


def test_changes_at_one_step_are_one_event_and_none_where_nothing_changed():
    live = begun()
    live.advance(2)
    live.change(learning_rate=0.05, penalty=None)
    live.edit(live.theta)
    assert not live.events
    for rate in (0.1, 0.2, 0.3):
        live.change(learning_rate=rate)
        live.edit(0, rate)
    live.edit(3, 1.0)
    assert live.events == (
        {"kind": "change", "step": 2, "learning_rate": 0.3, "was": {"learning_rate": 0.05}},
        {"kind": "edit", "step": 2, "at": [0, 3], "to": [0.3, 1.0]},
    )
    live.change(learning_rate=0.05)
    assert [event["kind"] for event in live.events] == ["edit"]


def test_an_automatic_rate_is_resolved_at_once():
    live = begun(model=ds.Linear(), optimizer=ds.gradient_descent(0.01))
    expected = ds.train(task_of(ds.gradient_descent(), model=ds.Linear()), X, Y, epochs=1)
    live.change(learning_rate="auto")
    assert live.learning_rate == expected.setup.learning_rate
    assert live.task.optimizer.learning_rate == live.learning_rate


REFUSED = [
    ({"learning_rate": 0.0}, "The 'learning_rate' parameter of momentum must be a float in"),
    ({"learning_rate": "fast"}, "The 'learning_rate' parameter of momentum must be"),
    ({"optimizer": ds.adam(0.1)}, "goes by momentum, and another rule .* adam needs a run"),
    ({"optimizer": "momentum"}, "goes by momentum"),
    ({"optimizer": ds.momentum(0.1, clip_norm=1.0)}, "keeps its clip_norm, None; found 1.0"),
    ({"penalty": "l3"}, "There is no penalty called 'l3'"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED)
def test_what_belongs_to_another_run_is_refused(asked, words):
    live = begun()
    live.advance(1)
    with pytest.raises(InputError, match=words):
        live.change(**asked)
    assert not live.events
    assert live.advance(1) is None


def test_a_searching_rule_has_no_rate_and_adam_no_kink():
    with pytest.raises(InputError, match="lbfgs takes no learning_rate"):
        begun(optimizer=ds.lbfgs()).change(learning_rate=0.1)
    with pytest.raises(InputError, match="works by a proximal step"):
        begun(optimizer=ds.adam(0.1)).change(penalty=ds.l1(0.1))
    with pytest.raises(InputError, match="takes no epochs"):
        begun(epochs=4)


@pytest.mark.parametrize(
    ("at", "to"), [(99, 1.0), (-1, 1.0), (0.5, 1.0), ([0, 0], [1.0, 2.0]), (0, np.nan), (0, "x")]
)
def test_edits_that_cannot_be_are_refused(at, to):
    live = begun()
    with pytest.raises(InputError):
        live.edit(at, to)
    with pytest.raises(InputError, match="takes as many finite numbers"):
        live.edit([1.0, 2.0])
    assert not live.events


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_saved_led_run_goes_on_as_if_it_had_not_been_saved(tmp_path, engine):
    live = begun(batch_size=7, engine=engine, validation=0.2)
    seen = changed_at_odd_steps(live)
    live.note("goal", words="loss under 1", reached=True)
    run = live.run()
    run.save(tmp_path / "led.run")
    again = ds.load(tmp_path / "led.run").attach(X, Y)
    assert again.events == run.events
    assert again.events[-1] == {
        "kind": "goal",
        "step": 20,
        "words": "loss under 1",
        "reached": True,
    }
    assert_replays(again, seen)
    live.advance(4 * live.updates_per_epoch - live.step % live.updates_per_epoch)
    resumed, led = again.resume(epochs=live.run().setup.epochs), live.run()
    assert_same_run(replace(resumed, outcome=led.outcome), led)
    taken_up = lead(again)
    taken_up.advance(live.step - 20)
    assert_same_run(taken_up.run(), led)


def forged(run, change):
    """Return the bytes of a run whose events were changed before they were written."""
    from descend.run.files import pack

    events = json.loads(json.dumps(list(run.events)))
    change(events)
    return pack(replace(run, events=tuple(events)))


def _set(place, name, value):
    return lambda events: events[place].__setitem__(name, value)


LIES = [
    _set(0, "kind", "script"),
    _set(0, "step", 21),
    _set(0, "step", "0"),
    _set(0, "step", 8),
    _set(0, "learning_rate", 0.5),
    _set(0, "was", {"learning_rate": -1.0}),
    _set(0, "was", {"learning_rate": 1}),
    _set(0, "was", {"learning_rate": None}),
    _set(0, "was", {"penalty": None}),
    _set(0, "was", 7),
    _set(0, "extra", 7),
    _set(1, "at", [1, 99]),
    _set(1, "at", [1, 1]),
    _set(1, "at", 1),
    _set(1, "to", [1.0]),
    _set(1, "to", [1.0, float("nan")]),
    _set(1, "to", [1.0, "2"]),
    _set(2, "was", {"optimizer": {"name": "nesterov", "beta": 0.9}}),
    _set(2, "was", {"optimizer": {"name": "momentum", "beta": 9.0}}),
    _set(2, "was", {"optimizer": {"name": "momentum", "beta": 0.9, "schedule": None}}),
    _set(2, "was", {"optimizer": "momentum"}),
    _set(3, "was", "os.system"),
    _set(3, "engine", "torch/cpu"),
    _set(4, "was", {"penalty": {"name": "l3"}}),
    lambda events: events.pop(),
    lambda events: events.append({"kind": "lab", "step": 20, "x": float("inf")}),
    lambda events: events.append({"kind": "lab"}),
    lambda events: events.append(7),
]


@pytest.mark.parametrize("lie", range(len(LIES)))
def test_events_that_lie_are_refused(lie):
    from descend.run.files import unpack

    live = begun()
    changed_at_odd_steps(live)
    run = live.run()
    assert unpack(forged(run, lambda events: None)).events == run.events
    with pytest.raises(RunFileError, match="its event [0-9]+ |not a consistent run file"):
        unpack(forged(run, LIES[lie]))


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_diverged_training_goes_on_once_something_was_changed(engine):
    live = begun(model=ds.Linear(), optimizer=ds.gradient_descent(3.0), engine=engine)
    assert live.advance(500) == "diverged"
    run = live.run()
    assert run.outcome.reason == "diverged"
    assert run.outcome.diverged_at == live.step < 500
    with pytest.raises(InputError, match=f"diverged at update {live.step}, and nothing"):
        live.advance(1)
    live.change(learning_rate=3.0)
    with pytest.raises(InputError, match="diverged"):
        live.advance(1)
    live.change(learning_rate=0.2)
    assert live.advance(400) is None
    run = live.run()
    assert run.outcome.diverged_at is None
    assert run.outcome.loss < 0.02
    live.change(learning_rate=4.0)
    assert live.advance(500) == "diverged"
    live.edit(np.zeros(3))
    live.change(learning_rate=0.1)
    assert live.advance(100) is None


# ---------------------------------------------------------------- threads, memory


def test_it_is_led_in_one_thread_while_another_makes_an_engine_ready():
    live, found, plain = begun(), [], begun()

    def work():
        found.extend(live.advance(50) for _ in range(4))

    thread = threading.Thread(target=work)
    thread.start()
    name = live.ready("numba")
    assert live.ready("numba", penalty=ds.l2(0.1), learning_rate="auto") == name
    thread.join()
    plain.advance(200)
    assert found == [None] * 4
    assert name == engine_for("numba", plain._loop.problem)[0]
    assert_bits(live.theta, plain.theta)
    assert not live.events
    live.use("numba")
    live.advance(10)
    assert live.engine == name


def test_memory_stays_bounded():
    live = begun(model=ds.Linear(), optimizer=ds.adam(1e-3), engine="numba", record=0.01)
    frames, inner, together = live._loop.keyframes, live._loop.program.advance, []

    def counted(*asked):
        advance = inner(*asked)
        together.append(len(advance.kept))
        return advance

    live._loop.program.advance = counted
    for updates in (1, 99_999):
        live.advance(updates)
    updates = live._loop.updates
    assert 1 < max(together) <= frames.limit
    assert len(frames) <= frames.limit
    assert len(updates) <= updates.capacity
    assert sum(a.nbytes for a in frames.arrays().values()) < 0.01 * 2**20
    # What is kept must not be a part of something larger.
    assert all(packed.base is None for packed in frames._packed[: len(frames) // 2])
    whole = ds.train(live.task, X, Y, epochs=100_000, engine="numba", record=0.01)
    assert_same_series(updates, whole.history.updates)
    assert_bits(live.at(77_777).theta, whole.at(77_777).theta)


# ---------------------------------------------------------------- readers


def test_a_step_is_explained_with_what_was_in_force():
    live = begun(batch_size=7)
    changed_at_odd_steps(live)
    run = live.run()
    for step, rate in ((2, 0.05), (3, 0.01), (6, 0.01), (12, 0.01), (13, 0.02), (20, 0.02)):
        told_of = run.explain(step)
        assert told_of.arrays["theta"].tobytes() == run.at(step).theta.tobytes()
        assert told_of.figures["learning_rate"] == rate
    # The update that came before parameters were set by hand is told without them.
    last = run.explain(6)
    moved = run.in_force(6).program.advance(run.at(6).state, 1).state
    assert last.arrays["theta_after"].tobytes() == moved.theta.tobytes()
    assert moved.theta[1] != run.at(7).theta[1] == 0.5


def test_the_doctor_does_not_blame_a_rate_for_what_another_did():
    live = begun(model=ds.Linear(), optimizer=ds.gradient_descent(3.0))
    live.advance(500)
    assert live.run().diagnose().codes == ["step-too-large"]
    live.change(learning_rate=0.2)
    assert live.run().diagnose().codes == ["healthy"]
    live.advance(200)
    assert live.run().diagnose().codes == ["healthy"]
    live.edit([9.0, 9.0, 9.0])
    live.change(learning_rate=1e-5)
    live.advance(50)
    (found,) = live.run().diagnose()
    assert found.code == "step-too-small"
    assert "after 50 updates" in found.sentence


def test_changes_are_marked_on_figures_and_pages_and_told_by_show():
    from descend.cli.words import of_run
    from descend.page.payload import pack
    from descend.plots.marks import marks_of
    from descend.plots.style import THEMES

    live = begun(model=ds.Linear())
    live.advance(5)
    live.change(learning_rate=0.01)
    live.advance(5)
    live.edit(0, 0.25)
    run, told_of = live.run(), ["learning rate 0.05 → 0.01", "weight[0, 0] set to 0.25 by hand"]
    assert [(mark.step, mark.words) for mark in marks_of(run, THEMES["light"])] == [
        (5, told_of[0]),
        (10, told_of[1]),
    ]
    assert pack(run, findings=()).page["marks"] == [
        {"step": 5, "sentence": told_of[0]},
        {"step": 10, "sentence": told_of[1]},
    ]
    said = of_run(run, "led.run")
    assert said[5:7] == [f"Changed   update 5: {told_of[0]}", f"          update 10: {told_of[1]}"]
    assert said[4] == f"Outcome   Trained for 10 updates so far; loss {run.outcome.loss:.6g}."


def test_a_script_repeats_a_changed_rate_and_refuses_what_it_cannot(tmp_path, capsys):
    live = begun(batch_size=7)
    live.advance(5)
    live.change(learning_rate=0.01)
    live.advance(7)
    run = live.run()
    script, _ = write_script(run, "numpy", tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    last = [float(word) for word in re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?", capsys.readouterr().out)]
    assert any(abs(number - run.outcome.loss) <= 1e-9 * run.outcome.loss for number in last)
    live.edit(0, 0.5)
    with pytest.raises(InputError, match=r"after update 12: layer1.weight\[0, 0\] set to 0.5"):
        write_script(live.run(), "numpy", tmp_path / "again")
