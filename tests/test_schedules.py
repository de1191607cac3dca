"""Schedules: beside PyTorch's, and as plain functions of the update."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from tests.oracles import assert_close

import descend as ds
from descend import schedules
from descend.errors import ParameterError
from descend.schedules import SCHEDULES, factor

NAMES = list(SCHEDULES)
WITH = {
    "step": {"every": 7, "gamma": 0.5},
    "exponential": {"gamma": 0.97},
    "inverse_time": {"decay": 0.1},
    "cosine": {"steps": 40, "final": 0.1},
    "warm_up": {"steps": 9},
    "one_cycle": {"steps": 50},
    "reduce_on_plateau": {"patience": 3},
}


def made(name):
    return SCHEDULES.make(name, **WITH.get(name, {}))


def pytorch_rates(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            scheduler.step()
    return rates


lr = torch.optim.lr_scheduler
THEIRS = {
    "constant": (lambda o: lr.ConstantLR(o, factor=1.0), 60),
    "step": (lambda o: lr.StepLR(o, 7, 0.5), 60),
    "exponential": (lambda o: lr.ExponentialLR(o, 0.97), 60),
    "cosine": (lambda o: lr.CosineAnnealingLR(o, 40, eta_min=0.1), 41),
    "warm_up": (lambda o: lr.LinearLR(o, start_factor=1 / 9, total_iters=8), 60),
}


@pytest.mark.parametrize("name", THEIRS)
def test_factors_are_pytorch_s(name):
    make, steps = THEIRS[name]
    assert_close([factor(made(name), t) for t in range(steps)], pytorch_rates(make, steps))


def test_one_cycle_rises_and_falls_as_pytorch_s():
    # PyTorch's last update is the one before the end; its peak is one update earlier than ours.
    steps, rise = 101, 0.3
    theirs = pytorch_rates(
        lambda o: lr.OneCycleLR(
            o,
            max_lr=1.0,
            total_steps=steps,
            pct_start=(0.3 * 100 + 1) / steps,
            cycle_momentum=False,
        ),
        steps,
    )
    ours = [factor(schedules.one_cycle(steps - 1, rise=rise), t) for t in range(steps)]
    assert_close(ours, theirs, 1e-9)
    assert math.isclose(ours[0], 0.04)
    assert ours[30] == max(ours) == 1.0
    assert math.isclose(ours[-1], 4e-6)


def test_inverse_time_is_its_formula():
    t = np.arange(50)
    assert_close([factor(made("inverse_time"), int(i)) for i in t], 1 / (1 + 0.1 * t))


@pytest.mark.parametrize("name", NAMES)
def test_every_factor_is_within_zero_and_one_for_ever(name):
    for t in [*range(120), 10**6, 10**12]:
        assert 0.0 <= factor(made(name), t) <= 1.0


def test_after_its_end_a_schedule_stays():
    assert factor(made("cosine"), 40) == factor(made("cosine"), 4000) == pytest.approx(0.1)
    assert factor(made("one_cycle"), 50) == factor(made("one_cycle"), 5000) == pytest.approx(4e-6)
    assert factor(made("warm_up"), 8) == factor(made("warm_up"), 800) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_training_uses_rate_times_factor_at_every_update(name):
    schedule = made(name)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.01, schedule=schedule))
    run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 4.0], epochs=20, batch_size=1)
    wanted = [0.01 * factor(schedule, t) for t in range(60)]
    if name == "reduce_on_plateau":
        wanted = np.minimum(run.history["learning_rate"], wanted)
    assert_close(run.history["learning_rate"], wanted)


@pytest.mark.parametrize("smallest", [0.0, 0.3])
def test_reduce_on_plateau_lowers_when_pytorch_does(smallest):
    from descend.run import Controller
    from descend.training.stopping import plateau

    rng = np.random.default_rng(0)
    losses = np.concatenate(
        [np.linspace(5, 2, 12), 2 + 0.1 * rng.random(30), np.linspace(1.9, 1, 9)]
    )
    schedule = schedules.reduce_on_plateau(gamma=0.5, patience=4, tolerance=1e-3, smallest=smallest)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    # PyTorch lowers once MORE than `patience` epochs were bad; ours at the patience-th.
    theirs = lr.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=3, threshold=1e-3, min_lr=smallest
    )
    controller = Controller()
    for loss in losses:
        theirs.step(float(loss))
        before = controller.scale
        fell = plateau(controller, float(loss), schedule)
        assert controller.scale == optimizer.param_groups[0]["lr"]
        assert fell == (controller.scale < before)
    assert controller.scale < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_described_and_restored_it_is_the_same(name):
    assert SCHEDULES.restore(SCHEDULES.describe(made(name))) == made(name)


NUMBERS = [
    ("step", "gamma", 0.0, "a float in (0, 1]"),
    ("step", "every", 0, "an int of at least 1"),
    ("exponential", "gamma", 1.1, "a float in (0, 1]"),
    ("inverse_time", "decay", -1, "a float in [0, inf)"),
    ("cosine", "steps", 1.5, "an int of at least 1"),
    ("cosine", "final", 2, "a float in [0, 1]"),
    ("warm_up", "steps", True, "an int of at least 1"),
    ("one_cycle", "steps", 1, "an int of at least 2"),
    ("one_cycle", "rise", 1, "a float in (0, 1)"),
    ("one_cycle", "start", -0.1, "a float in [0, 1]"),
    ("one_cycle", "final", np.nan, "a float in [0, 1]"),
    ("reduce_on_plateau", "gamma", 0, "a float in (0, 1)"),
    ("reduce_on_plateau", "patience", 0, "an int of at least 1"),
    ("reduce_on_plateau", "tolerance", -1, "a float in [0, inf)"),
    ("reduce_on_plateau", "smallest", 1, "a float in [0, 1)"),
]


@pytest.mark.parametrize(("name", "parameter", "value", "wanted"), NUMBERS)
def test_a_parameter_outside_its_range_is_refused(name, parameter, value, wanted):
    with pytest.raises(ParameterError) as error:
        SCHEDULES.make(name, **{**WITH.get(name, {}), parameter: value})
    sentence = f"The {parameter!r} parameter of {name} must be {wanted}. Got {value!r} instead."
    assert str(error.value) == sentence


def test_every_parameter_has_a_range_that_is_tested():
    tested = {(name, parameter) for name, parameter, _, _ in NUMBERS}
    for cls in SCHEDULES.classes():
        assert {(cls.name, field) for field in cls._fields} <= tested


def test_a_plateau_that_reduces_nothing_is_refused():
    with pytest.raises(ParameterError, match="must be below 1"):
        schedules.reduce_on_plateau(gamma=1)
