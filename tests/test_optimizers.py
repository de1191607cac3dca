"""Optimizers: fifty steps of every rule beside PyTorch's, theta and memory alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend import optimizers, schedules
from descend.arrays import Layout
from descend.errors import InputError, ParameterError
from descend.optimizers import ELEMENTWISE, RULES, apply, clipped, initial_slots

NAMES = list(ELEMENTWISE)
SIZE, STEPS, RATE = 7, 50, 0.03
WITH = {
    "momentum": {"beta": 0.8},
    "nesterov": {"beta": 0.8},
    "adagrad": {"epsilon": 1e-9},
    "rmsprop": {"decay": 0.95, "epsilon": 1e-7},
    "adam": {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-7},
    "adamw": {"beta1": 0.85, "beta2": 0.99, "weight_decay": 0.1},
    "nadam": {"beta1": 0.85, "beta2": 0.99, "momentum_decay": 0.01},
    "amsgrad": {"beta1": 0.85, "beta2": 0.9},
}
_ADAM = {"betas": (0.85, 0.99)}
THEIRS = {
    "gradient_descent": lambda p: torch.optim.SGD(p, lr=RATE),
    "momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.8),
    "nesterov": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.8, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=RATE, eps=1e-9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.95, eps=1e-7),
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, eps=1e-7, **_ADAM),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.1, **_ADAM),
    "nadam": lambda p: torch.optim.NAdam(p, lr=RATE, momentum_decay=0.01, **_ADAM),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.85, 0.9), amsgrad=True),
}
SLOTS = {
    "velocity": "momentum_buffer",
    "sum_of_squares": "sum",
    "mean": "exp_avg",
    "momentum_product": "mu_product",
    "largest_mean_square": "max_exp_avg_sq",
}


def made(name, rate=RATE, **more):
    return RULES.make(name, learning_rate=rate, **WITH.get(name, {}), **more)


def slot_of(name, slot):
    if slot == "mean_square":
        return "square_avg" if name == "rmsprop" else "exp_avg_sq"
    return SLOTS[slot]


@pytest.fixture
def pytorch_in_double():
    """PyTorch keeps NAdam's product of momenta in its default type, single precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("pytorch_in_double")
@pytest.mark.parametrize(
    "schedule", [None, schedules.step(every=7, gamma=0.5), schedules.cosine(40)]
)
@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_are_pytorch_s_in_theta_and_in_every_slot(name, schedule):
    rng = np.random.default_rng(0)
    rule = made(name).rule
    theta, slots = rng.normal(size=SIZE), initial_slots(rule, SIZE)
    point = torch.nn.Parameter(torch.tensor(theta))
    theirs = THEIRS[name]([point])
    for t in range(STEPS):
        gradient = rng.normal(size=SIZE) * 10 ** rng.uniform(-2, 1)
        rate = RATE * schedules.factor(schedule, t)
        theirs.param_groups[0]["lr"] = rate
        point.grad = torch.tensor(gradient)
        theirs.step()
        theta, slots = apply(rule, theta, gradient, slots, rate, t + 1)
        assert_close(theta, point.detach().numpy(), what=f"theta at {t}")
        for kept, slot in zip(slots, rule.slots, strict=True):
            wanted = np.broadcast_to(np.asarray(theirs.state[point][slot_of(name, slot)]), (SIZE,))
            assert_close(kept, wanted, what=f"{slot} at {t}")


def test_adamw_decays_weights_and_leaves_biases():
    rule, zero = made("adamw").rule, np.zeros(2)
    theta, _ = apply(
        rule, np.ones(2), zero, initial_slots(rule, 2), 0.5, 1, 0.0, np.array([1.0, 0.0])
    )
    assert_close(theta, [1 - 0.5 * 0.1, 1.0])


@pytest.mark.parametrize("name", NAMES)
def test_an_update_changes_none_of_its_arguments_and_keeps_types(name):
    for dtype in (np.float32, np.float64):
        rule = made(name).rule
        theta, gradient = np.ones(3, dtype), np.full(3, 2.0, dtype)
        slots = initial_slots(rule, 3, dtype)
        before = theta.copy(), gradient.copy(), slots.copy()
        after, memory = apply(rule, theta, gradient, slots, 0.1, 1, 0.0, np.ones(3, dtype))
        for now, then in zip((theta, gradient, slots), before, strict=True):
            assert_bits(now, then)
        assert after.dtype == memory.dtype == dtype
        assert memory.shape == slots.shape
        assert not np.may_share_memory(after, theta)


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_in_the_gradient_stays_visible(name):
    rule = made(name).rule
    slots = initial_slots(rule, 2)
    theta = np.ones(2)
    for t, gradient in enumerate([[np.nan, 1.0], [1.0, 1.0]]):
        theta, slots = apply(rule, theta, np.array(gradient), slots, 0.1, t + 1)
    assert np.isnan(theta[0])
    assert np.isfinite(theta[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_of_zero_moves_nothing(name):
    rule, theta = made(name).rule, np.array([1.0, -2.0, 0.0])
    for l1 in (0.0, 0.3):
        after, slots = apply(rule, theta, np.ones(3), initial_slots(rule, 3), 0.0, 1, l1)
        assert_close(after, theta)
        assert np.isfinite(slots).all()


# ---------------------------------------------------------------- clipping


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e3])
def test_clipping_is_pytorch_s(scale):
    gradient = np.random.default_rng(2).normal(size=9) * scale
    for kind, limit in (("value", 0.5), ("norm", 1.5)):
        point = torch.nn.Parameter(torch.zeros(9, dtype=torch.float64))
        point.grad = torch.tensor(gradient)
        getattr(torch.nn.utils, f"clip_grad_{kind}_")([point], limit)
        found = clipped(made("adam", **{f"clip_{kind}": limit}), gradient)
        assert_close(found, point.grad.numpy(), 1e-6 if kind == "norm" else 1e-15)


def test_clip_norm_gives_the_length_and_keeps_the_direction():
    gradient = np.array([3.0, 4.0])
    assert_close(clipped(made("adam", clip_norm=1.0), gradient), [0.6, 0.8], 1e-15)
    assert_bits(clipped(made("adam", clip_norm=5.0), gradient), gradient)


def test_values_are_clipped_before_the_norm():
    found = clipped(made("adam", clip_value=1.0, clip_norm=1.0), np.array([100.0, 1.0]))
    assert_close(found, np.full(2, 0.5**0.5), 1e-15)


def test_training_clips_what_it_steps_by_and_records_the_length_before():
    task = ds.Task(ds.Linear(bias=False), "squared_error", ds.gradient_descent(0.1, clip_norm=1.0))
    run = ds.train(task, [[1.0]], [10.0], epochs=1)
    assert_close(run.theta, [0.1])
    assert_close(run.history["gradient_norm"], [20.0])
    assert_close(run.history["update_norm"], [0.1])


# ---------------------------------------------------------------- parameters and plain data


RANGES = [
    (name, parameter, value, wanted)
    for name, rule in ((name, RULES.make(name).rule) for name in NAMES)
    for parameter, value, wanted in [
        ("beta", 1.0, "[0, 1)"),
        ("beta1", 1.0, "[0, 1)"),
        ("beta2", -0.1, "[0, 1)"),
        ("decay", 1.5, "[0, 1)"),
        ("epsilon", -1e-9, "[0, inf)"),
        ("weight_decay", -1, "[0, inf)"),
        ("momentum_decay", np.nan, "[0, inf)"),
    ]
    if parameter in rule._fields
] + [
    (name, parameter, value, "(0, inf)")
    for name in NAMES
    for parameter, value in [
        ("learning_rate", 0),
        ("learning_rate", -1),
        ("learning_rate", True),
        ("clip_value", 0.0),
        ("clip_norm", np.inf),
    ]
]


@pytest.mark.parametrize(("name", "parameter", "value", "wanted"), RANGES)
def test_a_parameter_outside_its_range_is_refused_in_one_sentence(name, parameter, value, wanted):
    with pytest.raises(ParameterError) as error:
        RULES.make(name, **{parameter: value})
    sentence = (
        f"The {parameter!r} parameter of {name} must be a float in {wanted}. Got {value!r} instead."
    )
    assert str(error.value) == sentence


def test_every_parameter_of_every_rule_has_a_range_that_is_tested():
    tested = {(name, parameter) for name, parameter, _, _ in RANGES}
    for name, rule in ((name, RULES.make(name).rule) for name in NAMES):
        assert {(name, field) for field in rule._fields} <= tested


def test_a_rate_in_words_other_than_auto_is_refused():
    with pytest.raises(
        ParameterError, match=r"must be a float in \(0, inf\) or 'auto'. Got 'fast'"
    ):
        ds.adam("fast")


@pytest.mark.parametrize("name", NAMES)
def test_described_and_restored_it_is_the_same(name):
    plain, dressed = RULES.make(name), made(name, schedule=schedules.one_cycle(9), clip_norm=2.0)
    for optimizer in (plain, dressed, made(name, clip_value=0.1)):
        assert optimizers.restore(optimizers.describe(optimizer)) == optimizer
    assert plain != dressed
    assert plain.learning_rate == "auto"


def test_an_unknown_schedule_is_refused():
    with pytest.raises(InputError, match="schedule of adam must be one of"):
        ds.adam(0.1, schedule=math.cos)


def test_biases_are_known_by_name():
    layout = Layout((("layer1.weight", (2, 2)), ("layer1.bias", (2,))))
    assert layout.weights().tolist() == [1, 1, 1, 1, 0, 0]
