"""A session without a page: what was opened is gone on with, and nothing asked of it blocks it."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import descend as ds
from descend.errors import InputError
from descend.lab.address import from_query
from descend.lab.messages import checked
from descend.lab.opening import open_run
from descend.lab.replaying import compared, replayed
from descend.lab.session import Session

PATIENCE = 30.0


class Heard:
    """Somebody who looks, and remembers."""

    def __init__(self):
        self.headers = []

    def __call__(self, header, _buffers=()):
        self.headers.append(dict(header))
        return True

    def wait_for(self, kind, right=lambda _: True):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = [one for one in list(self.headers) if one["kind"] == kind and right(one)]
            if found:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError((kind, [one["kind"] for one in self.headers]))


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def sessions(heard):
    opened = []

    def make(**how):
        opened.append(Session(**how))
        opened[-1].attach(heard)
        return opened[-1]

    yield make
    for session in opened:
        session.close()


def test_a_recorded_run_is_gone_on_with_and_not_trained_anew():
    X, y = ds.datasets.moons(60)
    task = ds.Task(ds.MLP((3,)), ds.logistic(), ds.momentum(0.2))
    recorded = ds.train(task, X, y, epochs=40, seed=3, validation=0.25, progress=False)
    session = Session(opened=open_run(recorded))
    try:
        run = session.run()
        assert run.state.step == 40
        assert np.array_equal(run.state.theta, recorded.state.theta)
        assert np.array_equal(run.history["loss"], recorded.history["loss"])
    finally:
        session.close()


def test_a_far_step_is_trained_to_while_others_are_answered(sessions, heard):
    session = sessions(address="step=9000000")
    session.receive({"kind": "hello"})
    heard.wait_for("page")
    heard.wait_for("state", lambda state: state["playing"])
    session.receive({"kind": "play", "on": False})
    paused = heard.wait_for("state", lambda state: not state["playing"])
    assert 0 < paused["updates"] < 9_000_000


def test_changes_of_an_address_are_made_at_their_steps(sessions, heard):
    session = sessions(address="changes=20.rate=0.1;40.penalty=l2&step=50")
    session.receive({"kind": "hello"})
    state = heard.wait_for("state", lambda state: state["updates"] == 50)
    assert [mark["step"] for mark in state["marks"]] == [20, 40]
    run = session.run()
    assert run.in_force(19).setup.learning_rate == 0.03
    assert run.in_force(20).setup.learning_rate == 0.1
    assert run.in_force(30).task.penalty is None
    assert run.task.penalty == ds.l2(0.01)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "set", "change": {"seed": 10**400}},
        {"kind": "edit", "step": 0, "at": 0, "to": 10**400},
        {"kind": "edit", "step": 0, "at": 0, "to": float("nan")},
    ],
)
def test_numbers_that_no_double_holds_are_refused(message):
    with pytest.raises(InputError):
        checked(message)


@pytest.mark.parametrize("how", [{}, {"updates": 1, "epochs": 1}])
def test_an_advance_is_of_updates_or_of_epochs(sessions, heard, how):
    session = sessions()
    session.receive({"kind": "hello"})
    heard.wait_for("page")
    session.receive({"kind": "advance", **how})
    said = heard.wait_for("said")
    assert "one of the two" in said["sentence"]


def test_another_penalty_goes_on_without_waiting_and_is_graded_to_the_last_bit(sessions, heard):
    session = sessions()
    session.receive({"kind": "hello"})
    heard.wait_for("page")
    session.receive({"kind": "advance", "updates": 5})
    session.receive({"kind": "set", "change": {"penalty": "l2"}})
    heard.wait_for("state", lambda state: state["settings"]["penalty"] is not None)
    until = time.monotonic() + PATIENCE
    while not session.run().engine_used.startswith("numba") and time.monotonic() < until:
        time.sleep(0.05)
    session.receive({"kind": "advance", "updates": 30})
    state = heard.wait_for("state", lambda state: state["updates"] == 35)
    run = session.run()
    assert run.engine_used.startswith("numba")
    run = replace(run, fingerprint=run.data.fingerprint)  # as a file has it
    assert compared(run, replayed(run, from_query(state["address"]))).exact
