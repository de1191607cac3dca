"""Certificates: every engine agrees, and one that does not is named."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.test_inputs import assert_sentence
from torch import nn

import descend as ds
from descend import certification
from descend.engines import ENGINES, ByHand, choosing
from descend.engines.choosing import DEVICED

X, Y = ds.datasets.moons(41)


@pytest.fixture(scope="module")
def certificate():
    task = ds.Task(ds.MLP(4), "softmax", ds.nadam(0.01), penalty=ds.l2(0.01))
    return ds.certify(task, X, Y, batch_size=9, sample_weight=np.linspace(1, 2, 41))


def test_every_engine_agrees(certificate):
    assert certificate.ok
    assert {name.split("/")[0] for name in certificate.engines} == set(ENGINES)
    pairs = len(certificate.engines) * (len(certificate.engines) - 1)
    assert len(certificate.differences) == pairs, "each pair in both precisions"
    assert certificate.worst("float64").size < 1e-12
    assert 1e-9 < certificate.worst("float32").size < 1e-5
    assert certificate.drift.shape == (51,)
    assert certificate.drift[0] < 1e-7 < certificate.drift[-1]
    assert certificate.parted is None


def test_a_certificate_is_text_and_plain_data(certificate):
    text = str(certificate)
    assert "15 of 15 pairs agree to 1e-10" in text
    assert "float32 stays with float64" in text
    found = json.loads(json.dumps(certificate.to_json()))
    assert found["ok"] is True
    assert len(found["drift"]) == 51


def test_an_engine_that_is_wrong_is_named(monkeypatch):
    class Wrong:
        def __init__(self, problem):
            self.problem, self._right = problem, ByHand(problem)

        def advance(self, state, updates, scale=1.0, every=0):
            found = self._right.advance(state, updates, scale, every)
            found.kept[29] = replace(found.kept[29], theta=found.kept[29].theta * (1 + 1e-8))
            return found

        def value_and_gradient(self, theta, update=None):
            return self._right.value_and_gradient(theta, update)

    monkeypatch.setattr(choosing, "ByHand", Wrong)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.1))
    found = ds.certify(task, X, Y, engines=["numba/blocks", "numba/threads", "numpy"])
    assert not found.ok
    wrong = [d for d in found.differences if not d.ok]
    assert {(d.dtype, d.second) for d in wrong} == {("float64", "numpy")}
    for difference in wrong:
        assert difference.size == pytest.approx(1e-8, rel=0.1)
        assert (difference.what in {"theta", "gradient"}, difference.step) == (True, 30)
    assert "NO  float64" in str(found)


def test_where_single_precision_parts_is_told():
    """A rate near the limit and a rule that divides: rounding is soon a step."""
    even, labels = ds.datasets.moons(40)
    task = ds.Task(ds.Linear(), "logistic", ds.adam(0.05))
    found = ds.certify(task, even, labels, engines=["numpy"])
    assert found.parted == 1
    assert "float32 parts from float64 at update 1" in str(found)
    assert found.differences == ()
    assert not found.ok, "one engine alone proves nothing"


def test_parts_of_ones_own_run_where_they_can():
    found = ds.certify(ds.Task(nn.Linear(2, 1), "squared_error", "adam"), X, Y, updates=5)
    assert found.engines == ("torch/cpu",)
    assert set(found.absent) == {"numpy", "numba", "jax"}
    plain = ds.certify(
        ds.Task(ds.Linear(), lambda s, y: ((s - y) ** 2).mean(axis=1), "adam"), X, Y, updates=5
    )
    assert plain.engines == ("jax/cpu", "torch/cpu")
    assert plain.ok


def test_a_library_that_is_missing_is_left_out(monkeypatch):
    for library in DEVICED:
        monkeypatch.setitem(sys.modules, library, None)
    found = ds.certify(ds.Task(ds.Linear(), "squared_error", "adam"), X, Y, updates=3)
    assert {name.split("/")[0] for name in found.engines} == {"numpy", "numba"}
    assert found.absent == {"jax": "not installed", "torch": "not installed"}


def test_bad_input_is_one_sentence():
    task = ds.Task(ds.Linear(), "squared_error", "adam")
    assert_sentence(lambda: ds.certify(task, X, Y, engines=["cuda"]), "'engine'")
    assert_sentence(lambda: ds.certify(task, X, Y, updates=0), "'updates'")
    assert_sentence(lambda: ds.certify(task, X, Y, updates=10**12), "at most 10000 updates")
    assert_sentence(lambda: ds.certify(task, X, Y, engines="numpy"), "must be a list of names")
    assert_sentence(lambda: ds.certify("task", X, Y), "needs a Task")


@pytest.mark.slow
def test_the_command_certifies_examples_and_runs(descend, monkeypatch):
    status, out, err = descend("certify", "--engine", "numpy", "--engine", "numba", "--json")
    assert (status, err) == (0, "")
    assert [each["ok"] for each in json.loads(out)] == [True, True, True]
    options = ["--target", "diagnosis", "--epochs", "3", "--out", "r"]
    assert descend("fit", "breast-cancer", *options)[0] == 0
    asked = ["certify", "r", "--engine", "numpy", "--engine", "torch"]
    status, out, err = descend(*asked)
    assert (status, err) == (0, "")
    assert "1 of 1 pairs agree to 1e-10" in out
    monkeypatch.setitem(certification.TOLERANCE, "float64", 0.0)
    status, out, _ = descend(*asked)
    assert status == 1
    assert "0 of 1 pairs" in out
    assert descend("certify", "nothing.run")[0] == 2
