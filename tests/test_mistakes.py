"""`ds.check_gradient` examined with seeded mistakes; and the examiner examined first."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests import handwritten, mistakes
from tests.mistakes import HELD_OUT, NAMES, TUNING, case, examine, plain_enough
from tests.oracles import assert_bits, assert_close
from tests.problems import draw, task_of
from tests.telling import PLACED, tells

from descend.activations import ACTIVATIONS
from descend.curvature import ready
from descend.engines import ByHand
from descend.engines.check import judge
from descend.losses import LOSSES

EVERY = ("correct", *NAMES)
FEW = {"tuning": TUNING[:1], "held out": HELD_OUT[:1]}
MANY = {"tuning": TUNING[1:30], "held out": HELD_OUT[1:30]}


def right_gradient(drawn, theta=None):
    """Return the reference engine's gradient, which knows nothing of the pass by hand."""
    problem = ready(drawn.task, drawn.X, drawn.y, drawn.sample_weight)
    return ByHand(problem).value_and_gradient(drawn.point if theta is None else theta)


# ---------------------------------------------------------------- the examiner


def test_the_pass_by_hand_knows_every_loss_and_activation():
    assert set(handwritten.LOSS) == set(LOSSES)
    assert set(handwritten.ACTIVATION) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", EVERY)
def test_without_slips_the_pass_by_hand_is_right(name):
    for seed in (*TUNING[:4], *HELD_OUT[:4]):
        drawn = case(name, seed)
        found = handwritten.gradient(drawn.setting, drawn.point, drawn.X, drawn.y)
        value, gradient = right_gradient(drawn)
        assert drawn.layout == ready(drawn.task, drawn.X, drawn.y).layout
        assert_close(found, gradient, 1e-12)
        assert_close(drawn.f(drawn.point, drawn.X, drawn.y), value, 1e-12)
        if name != "non-finite":  # its features may be in thousands, too steep for differences

            def value_at(theta, drawn=drawn):
                return drawn.f(theta, drawn.X, drawn.y)

            assert judge(value_at, found, drawn.point, h=1e-6).error < 1e-6


@pytest.mark.parametrize("activation", list(handwritten.ACTIVATION))
@pytest.mark.parametrize("loss", list(handwritten.LOSS))
def test_the_pass_by_hand_is_right_for_every_loss_and_activation(loss, activation):
    rng = np.random.default_rng([*loss.encode(), *activation.encode()])
    drawn = draw(rng, losses=(loss,), activations=(activation,), hidden=True)
    task = task_of(drawn.setting)
    assert (task.loss.name, task.model.activation.name) == (loss, activation)
    problem = ready(task, drawn.X, drawn.y, drawn.setting.weights)
    assert_close(drawn.gradient(), ByHand(problem).value_and_gradient(drawn.point)[1], 1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_changes_the_gradient(name):
    for seed in (*TUNING[:3], *HELD_OUT[:3]):
        drawn = case(name, seed)
        elsewhere = drawn.point + 0.5
        drawn.gradient(elsewhere, drawn.X, drawn.y)  # what remembers has something to remember
        given = drawn.gradient(drawn.point, drawn.X, drawn.y)
        right = right_gradient(drawn)[1]
        assert drawn.codes == set(name.split(" + "))
        if "shape" in drawn.codes:
            assert given.shape != right.shape
        elif "non-finite" in drawn.codes:
            assert np.isfinite(right).all()
            assert not np.isfinite(given).all()
        else:
            assert np.linalg.norm(given - right) > 1e-4 * np.linalg.norm(right)


@pytest.mark.parametrize("name", [name for name in NAMES if PLACED & set(name.split(" + "))])
def test_a_mistake_lies_where_it_is_said_to_lie(name):
    for seed in TUNING[:8]:
        drawn = case(name, seed)
        given = drawn.gradient(drawn.point, drawn.X, drawn.y)
        ratio = (drawn.ratio or 1.0) * (-1 if "sign" in drawn.codes else 1)
        right = ratio * right_gradient(drawn)[1]
        near = np.abs(given - right) <= 1e-9 * np.linalg.norm(right)  # NaN is near nothing
        wrong = {part for part, entries in drawn.layout.slices().items() if not near[entries].all()}
        placed = {part for names in drawn.where.values() for part in names}
        if drawn.codes <= PLACED | {"sign", "factor"}:
            assert wrong == placed
        assert placed <= set(drawn.layout.slices())
        assert placed


def test_a_case_is_the_same_when_drawn_again():
    for name in EVERY:
        first, again = case(name, 3), case(name, 3)
        for part in ("point", "X", "y"):
            assert_bits(getattr(first, part), getattr(again, part))
        given = [c.gradient(c.point, c.X, c.y) for c in (first, again)]
        assert_bits(*given)
        assert (first.codes, first.where) == (again.codes, again.where)
    assert not np.array_equal(case("sign", 3).X[:2, :2], case("sign", 4).X[:2, :2])
    assert not set(TUNING) & set(HELD_OUT)


def test_stale_parameters_are_those_of_the_call_before():
    for seed in TUNING[:6]:
        drawn = case("stale-parameters", seed)
        drawn.gradient(drawn.point, drawn.X, drawn.y)
        given = drawn.gradient(drawn.point + 1, drawn.X, drawn.y)
        assert_close(given, right_gradient(drawn)[1], 1e-12)


def test_a_draw_that_no_one_could_name_is_passed_over():
    """One column is its own transpose; a rectifier with all units active has the slope 1."""
    rng = np.random.default_rng(0)
    line = draw(rng, hidden=False, outputs=(1,), losses=("squared_error",))
    assert not tells(line, {"transposed": ("weight",)})
    wants = {"activations": ("relu",), "losses": ("squared_error",)}
    net = draw(rng, hidden=True, bias=True, **wants)
    parts = [
        np.abs(part).ravel() + 100 * name.endswith("bias")
        for name, part in net.setting.unpack(net.point).items()
    ]
    active = replace(net, point=np.concatenate(parts))
    layers = tuple(range(1, len(net.setting.sizes) - 1))
    assert tells(net, {"missing-activation-derivative": layers})
    assert not tells(active, {"missing-activation-derivative": layers})
    penalised = replace(active, setting=replace(active.setting, strength=1e4, reduction="mean"))
    pair = {"sum-for-mean": True, "missing-activation-derivative": layers}
    assert not tells(penalised, pair)
    # A factor that is the number of rows is another mistake, and so is a ratio of k.
    plain = draw(rng, penalty=False, reduction="mean", weighted=False, outputs=(3,))
    assert tells(plain, {"factor": 1.7})
    assert not tells(plain, {"factor": float(len(plain.X))})
    assert not tells(plain, {"factor": 3.0})


def say(*pairs, ok=False, ratio=None):
    """Return what a detector might say."""
    found = [
        SimpleNamespace(code=code, where=where, ratio=ratio, evidence="seen", fix="mend it")
        for code, where in pairs
    ]
    return SimpleNamespace(ok=ok, discrepancies=found)


def test_a_wrong_verdict_is_seen():
    expected = case("factor + missing-bias", 1)
    biases = expected.where["missing-bias"]
    both = ("factor", ("anywhere",)), ("missing-bias", biases)
    right = say(*both, ratio=expected.ratio)
    assert examine(right, expected) == []
    assert examine(say(*both, ratio=expected.ratio * 1.00001), expected)
    assert examine(say(both[0], ("missing-bias", ("weight",)), ratio=expected.ratio), expected)
    assert examine(say(both[0], ratio=expected.ratio), expected) == ["named factor"]
    assert examine(say(*both, ("sign", ()), ratio=expected.ratio), expected)
    assert examine(say(*both, both[0], ratio=expected.ratio), expected)
    assert examine(say(ok=True), expected) == ["named nothing"]
    assert examine(say(*both, ok=True, ratio=expected.ratio), expected)
    right.discrepancies[0].fix = ""
    assert examine(right, expected)
    assert examine(say(ok=True), case("correct", 1)) == []
    assert examine(say(("sign", ())), case("correct", 1)) == ["named sign"]


# ---------------------------------------------------------------- the examination


def named(name, seeds, *, plain):
    wrong = {}
    for seed in seeds:
        _, faults = mistakes.verdict(name, seed, plain=plain)
        if faults:
            wrong[seed] = faults
    assert not wrong


@pytest.mark.parametrize("seeds", FEW)
@pytest.mark.parametrize("name", EVERY)
def test_each_mistake_is_named_for_a_task(name, seeds):
    named(name, FEW[seeds], plain=False)


@pytest.mark.parametrize("seeds", FEW)
@pytest.mark.parametrize("name", list(filter(plain_enough, EVERY)))
def test_each_mistake_is_named_for_a_plain_function(name, seeds):
    named(name, FEW[seeds], plain=True)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", MANY)
@pytest.mark.parametrize("name", EVERY)
def test_many_of_each_mistake_are_named(name, seeds):
    named(name, MANY[seeds], plain=False)
    if plain_enough(name):
        named(name, MANY[seeds], plain=True)
