"""The ward examined: its patients are there, its proofs refuse, and its judge counts."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.oracles import assert_bits, assert_close
from tests.ward import (
    CODES,
    anatomy,
    ill_columns,
    ill_motion,
    ill_rows,
    ill_steps,
    ill_values,
    well,
)
from tests.ward.judge import Score, of_descend, verdict
from tests.ward.patient import INFORMATION, RECIPES, Case, Draft, Told
from tests.ward.rounds import beds
from tests.ward.taking_in import admitted, one
from tests.ward.vitals import complaint

import descend as ds

PAGE = Path(__file__).parents[1] / "docs" / "doctor-ward.md"
# Quick ones: the whole ward is visited by `python -m tests.ward`.
QUICK = ("collinear-columns", "wrong-sign", "non-finite-data", "healthy")


def rng(seed=0):
    return np.random.default_rng(seed)


# ---------------------------------------------------------------- the patients


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_four_ways_to_fall_ill(code):
    made = RECIPES[code]
    assert len(made) >= 4
    assert len({function.__name__ for function in made}) == len(made)


@pytest.mark.parametrize("code", CODES)
def test_every_recipe_is_a_function_of_its_seed(code):
    for made in RECIPES[code]:
        a, b, other = made(rng(5)), made(rng(5)), made(rng(6))
        assert a.words == b.words
        if not isinstance(a.ill, Case | Told):  # a table that is shipped has no rows of its own
            continue
        assert_bits(np.asarray(a.ill.X), np.asarray(b.ill.X))
        assert_bits(np.asarray(a.ill.y), np.asarray(b.ill.y))
        assert not np.array_equal(a.ill.y, other.ill.y) or not np.array_equal(a.ill.X, other.ill.X)


@pytest.mark.parametrize("code", QUICK)
def test_a_bed_is_a_function_of_its_place(code):
    found = [one(code, seed, 1) for seed in (3, 3, 4)]
    ends = [p.source["loss"] if isinstance(p.source, dict) else p.run().theta for p in found]
    assert [p.code for p in found] == [code] * 3
    assert_bits(ends[0], ends[1])
    assert len(ends[0]) != len(ends[2]) or not np.array_equal(ends[0], ends[2])


def test_beds_are_counted():
    assert len(beds(CODES, range(2), 7)) == 20 * (len(CODES) - 1) + 7
    assert len(set(beds(("healthy",), range(3), 50))) == 50


# ---------------------------------------------------------------- the mathematics of the physician


def straight(rate=0.4, **options):
    X = rng().normal(size=(60, 2))
    y = X @ [1.0, -2.0] + 0.5 + 0.1 * rng(1).normal(size=60)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(rate))
    return Case(task, X, y, {"epochs": 80, **options})


def test_the_limit_is_where_descent_tips_over():
    case = straight()
    top = anatomy.limit(case.X)
    for times, grows in ((0.999, False), (1.001, True)):
        case = straight(times * top, epochs=3000, on_divergence="continue")
        loss = case.train().history["gradient_norm"]
        assert (loss[-1] > loss[-100]) == grows


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh", "squared_error"])
def test_the_least_is_below_all_others(loss):
    run = straight().but(task=ds.Task(ds.Linear(), loss, ds.gradient_descent(0.05))).train()
    least = anatomy.least(run)
    near = run.theta + 0.05 * rng(2).normal(size=(200, run.theta.size))
    assert least <= min(anatomy.objective(run, theta) for theta in near)
    assert_close(np.array(anatomy.objective(run)), np.array(run.outcome.loss), 1e-12)


def test_the_sharpness_of_squares_is_known():
    run = straight().train()
    known = anatomy.curvatures(run.data.X)[-1]
    assert_close(np.array(anatomy.top_curvature(run, run.theta)), np.array(known), 1e-6)


def test_planes_that_part_are_found():
    X = rng().normal(size=(40, 2))
    assert anatomy.separable(X, X[:, 0] > 0)
    assert not anatomy.separable(X, X[:, 0] * X[:, 1] > 0)


# ---------------------------------------------------------------- the proofs refuse


def test_a_sound_run_has_no_complaint():
    assert complaint(straight().train()) == ""


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (straight(rate=0.001), "of the way left"),
        (straight(rate=5.0), "diverged"),
        (
            Case(
                ds.Task(ds.Linear(), "logistic", ds.newton()),
                np.arange(10.0),
                np.arange(10) > 4,
                {"epochs": 30},
            ),
            "separable",
        ),
        (
            Case(
                ds.Task(ds.MLP((8,), "relu", "zeros"), "squared_error", ds.gradient_descent(0.1)),
                np.arange(10.0),
                np.arange(10.0),
            ),
            "dead units",
        ),
        (straight().but(validation=(np.full((5, 2), 9.0), np.zeros(5))), "validation"),
    ],
)
def test_the_sick_are_not_called_healthy(case, why):
    assert why in complaint(case.train())


FINE = straight()
REFUSED = {
    "too large": Draft("a good step", FINE, ill_steps.rose),
    "too small": Draft("a good step", FINE, ill_steps.crawls),
    "not finished": Draft("finished", FINE, ill_steps.falling_and_far),
    "stalled": Draft("finished", FINE, ill_motion.stood_still),
    "noisy": Draft("full batch", FINE, ill_motion.hovers),
    "unscaled": Draft("scaled", FINE, ill_columns.slow_at_any_step),
    "narrow": Draft("round", FINE, ill_columns.narrow_valley),
    "collinear": Draft("independent", FINE, ill_columns.dependent),
    "constant": Draft("varying", FINE, ill_columns.unvarying),
    "overflow": Draft("small numbers", FINE, ill_values.overflows),
    "shared": Draft("split", FINE.but(validation=0.3), ill_rows.shared),
    "shifted": Draft("split at random", FINE.but(validation=0.3), ill_rows.shifted),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_healthy_run_is_no_proof_of_an_illness(name):
    assert admitted(REFUSED[name]) == (None, "no proof")


def test_an_illness_with_a_second_one_is_sent_away():
    draft = Draft("the cure has not finished", FINE, lambda ill, cured: True, straight(rate=1e-4))
    found, why = admitted(draft)
    assert found is None
    assert "cured twin" in why


def test_a_healthy_run_that_is_not_is_sent_away():
    assert admitted(Draft("slow", straight(rate=1e-4), well.well)) == (None, "no proof")
    assert admitted(Draft("sound", FINE, well.well))[1] == ""


# ---------------------------------------------------------------- the judge


def finding(code):
    severity = "information" if code in INFORMATION else "illness"
    return SimpleNamespace(code=code, severity=severity, sentence=f"It is {code}.")


def scored(doctor):
    patients = [SimpleNamespace(code=c, seed=0, bed=0, recipe="", words="") for c in CODES]
    return Score([verdict(patient, doctor) for patient in patients])


def test_a_doctor_who_is_right_gets_everything():
    score = scored(lambda patient: [finding(patient.code), finding("healthy")])
    assert (score.right_of_ill, score.healthy_called_ill) == (1.0, 0.0)
    assert all(v.right for v in score.verdicts)


def test_a_doctor_who_calls_all_healthy_gets_nothing():
    score = scored(lambda patient: [finding("healthy")])
    assert (score.right_of_ill, score.healthy_called_ill) == (0.0, 0.0)
    assert "healthy 1" in "\n".join(score.table())


def test_a_doctor_who_calls_all_ill_is_seen():
    score = scored(lambda patient: [finding("overfit")])
    assert (score.right_of_ill, score.healthy_called_ill) == (1 / len(score.ill), 1.0)


@pytest.mark.parametrize("findings", [[], None])
def test_a_doctor_who_says_nothing_or_falls_over_is_wrong(findings):
    assert scored(lambda patient: findings).right_of_ill == 0.0


def test_a_second_finding_does_not_make_the_first_one_right():
    found = verdict(
        SimpleNamespace(code="healthy", seed=0, bed=0, recipe="", words=""),
        lambda patient: [finding("not-finished"), finding("overfit")],
    )
    assert (found.right, found.called_ill, found.any_ill) == (True, False, True)


def test_the_page_has_its_marks():
    text = PAGE.read_text("utf-8")
    assert re.search(r"<!-- ward: begin -->\n.*<!-- ward: end -->", text, re.DOTALL)
    assert all(f"`{code}`" in text for code in CODES)


# The doctor --------------------------------------------------------------------------------------

SLOW = {"vanishing-gradient", "exploding-activations"}  # a deep net, trained twice


@pytest.mark.parametrize(
    "code", [pytest.param(c, marks=pytest.mark.slow if c in SLOW else ()) for c in CODES]
)
def test_the_doctor_names_a_patient_of_each_code(code):
    patient = one(code, 3, 0)
    found = of_descend(patient)
    assert found[0].code == code, f"{patient.words}: {found}"
    assert (found[0].severity == "illness") == (code not in INFORMATION)
