"""The least squares solution outright: NIST's certified digits, closed forms, and honest words."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles import assert_bits, assert_close, assert_digits
from tests.test_nist import read

import descend as ds
from descend.solving import solve

RNG = np.random.default_rng(8)
X = RNG.normal(size=(60, 4)) * [1.0, 1e-3, 50.0, 2.0] + [0.0, 3.0, -7.0, 1.0]
Y = X @ [1.0, 200.0, -0.1, 0.5] + RNG.normal(size=60) + 3.0
W = RNG.uniform(0.2, 2.0, size=60)


def task(loss="squared_error", penalty=None, **model):
    return ds.Task(ds.Linear(**model), loss, ds.newton(), penalty)


def powers(x, degree):
    return np.column_stack([x**j for j in range(1, degree + 1)])


def coefficients(run):
    """Return the intercept, if there is one, and the coefficients, in the units of the rows."""
    raw = run.raw_params
    bias = [raw["bias"]] if run.task.model.bias else []
    return np.concatenate([*bias, raw["weight"][:, 0]])


# ---------------------------------------------------------------- NIST, certified

DELTA = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
DELTA = np.array([*DELTA, 2048, *DELTA[::-1]], dtype=float)
STEPS = np.arange(21.0)
FIFTH = sum(STEPS**j for j in range(6))


def longley():
    from statsmodels.datasets import longley as table  # slow to import

    data = table.load_pandas()
    return data.exog.to_numpy(float), data.endog.to_numpy(float)


def of_file(name, degree):
    x, y = read(name)
    return powers(x, degree), y


# The rows, the certified coefficients, and the digits that are there.
CERTIFIED = {
    "Norris": (lambda: of_file("norris", 1), [-0.262323073774029, 1.00211681802045], 12),
    "Pontius": (
        lambda: of_file("pontius", 2),
        [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14],
        12,
    ),
    "NoInt1": (
        lambda: (np.arange(60.0, 71.0)[:, None], np.arange(130.0, 141.0)),
        [2.07438016528926],
        14,
    ),
    "NoInt2": (lambda: (np.array([[4.0], [5.0], [6.0]]), [3.0, 4.0, 4.0]), [0.727272727272727], 14),
    "Filip": (
        lambda: of_file("filip", 10),
        [
            -1467.48961422980,
            -2772.17959193342,
            -2316.37108160893,
            -1127.97394098372,
            -354.478233703349,
            -75.1242017393757,
            -10.8753180355343,
            -1.06221498588947,
            -0.670191154593408e-01,
            -0.246781078275479e-02,
            -0.402962525080404e-04,
        ],
        7,
    ),
    "Longley": (
        longley,
        [
            -3482258.63459582,
            15.0618722713733,
            -0.358191792925910e-01,
            -2.02022980381683,
            -1.03322686717359,
            -0.511041056535807e-01,
            1829.15146461355,
        ],
        12,
    ),
    "Wampler1": (lambda: (powers(STEPS, 5), FIFTH), np.ones(6), 9),
    "Wampler2": (
        lambda: (powers(STEPS, 5), sum((0.1 * STEPS) ** j for j in range(6))),
        0.1 ** np.arange(6),
        12,
    ),
    "Wampler3": (lambda: (powers(STEPS, 5), FIFTH + DELTA), np.ones(6), 9),
    "Wampler4": (lambda: (powers(STEPS, 5), FIFTH + 100 * DELTA), np.ones(6), 9),
    "Wampler5": (lambda: (powers(STEPS, 5), FIFTH + 10000 * DELTA), np.ones(6), 9),
}


@pytest.mark.parametrize("standardize", [False, True, "scale"])
@pytest.mark.parametrize("name", CERTIFIED)
def test_the_certified_digits_are_there(name, standardize):
    rows, certified, digits = CERTIFIED[name]
    x, y = rows()
    run = solve(task(bias=not name.startswith("NoInt")), x, y, standardize=standardize)
    if name.startswith("NoInt") and standardize is True:
        return  # without a bias, centred columns are another model
    assert_digits(coefficients(run), certified, digits)
    assert run.outcome.reason == "exact"
    assert run.outcome.converged
    assert run.outcome.step == 0
    assert ("ill-conditioned" in run.outcome.sentence) == (name == "Filip")


def test_the_added_wampler_noise_is_orthogonal_to_the_fit():
    assert (DELTA @ powers(STEPS, 5) == 0).all()
    assert DELTA.sum() == 0


def test_without_refinement_filip_has_fewer_digits(monkeypatch):
    monkeypatch.setattr("descend.solving._REFINED", 0)
    x, y = of_file("filip", 10)
    with pytest.raises(AssertionError):
        assert_digits(coefficients(solve(task(), x, y)), CERTIFIED["Filip"][1], 7.5)


# ---------------------------------------------------------------- closed forms


def closed(X, y, w, ridge, *, bias):
    """Return argmin sum(w (y - Xv)²)/sum(w) + sum(ridge v²)/2, the last v the bias."""
    A = np.column_stack([X, np.ones(len(X))]) if bias else X
    return np.linalg.solve((A.T * w) @ A / w.sum() + np.diag(ridge) / 2, (A.T * w) @ y / w.sum())


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("standardize", [False, True, "scale"])
@pytest.mark.parametrize("rows", [X, sp.csr_array(X)], ids=["dense", "sparse"])
def test_ridge_is_the_closed_form_in_the_units_the_model_meets(rows, standardize, bias, biases):
    if biases and not bias:
        return
    run = solve(
        task(penalty=ds.l2(0.3, biases=biases), bias=bias),
        rows,
        Y,
        sample_weight=W,
        standardize=standardize,
    )
    met = X
    if standardize:
        mean = np.average(X, axis=0, weights=W) if standardize is True else 0.0
        met = (X - mean) / np.sqrt(np.average((X - mean) ** 2, axis=0, weights=W))
    strength = np.full(4 + bias, 0.3)
    strength[4:] *= biases
    assert_close(run.theta, closed(met, Y, W, strength, bias=bias), 1e-9)
    gradient = run.program.value_and_gradient(run.theta)[1]
    assert np.abs(gradient).max() < 1e-11 * np.abs(met).max() * np.abs(Y).max()


def test_half_the_squared_error_and_a_sum_weigh_the_penalty_otherwise():
    for loss, reduction in (("half_squared_error", "mean"), ("squared_error", "sum")):
        asked = ds.Task(ds.Linear(), loss, "newton", ds.l2(0.3), reduction)
        run = solve(asked, X, np.column_stack([Y, 2 * Y]), sample_weight=W, standardize=True)
        gradient = run.program.value_and_gradient(run.theta)[1]
        start = run.program.value_and_gradient(0 * run.theta)[1]
        assert np.linalg.norm(gradient) < 1e-13 * np.linalg.norm(start)


def test_it_is_where_newton_arrives():
    run = solve(task(penalty=ds.l2(0.1)), X, Y, standardize=True)
    descended = ds.train(task(penalty=ds.l2(0.1)), X, Y, epochs=9, standardize=True)
    assert_close(run.theta, descended.theta, 1e-10)
    assert run.outcome.loss <= descended.outcome.loss * (1 + 1e-14)


def test_a_weight_of_three_is_three_copies_and_of_none_is_no_row():
    w = np.arange(60) % 4
    run = solve(task(penalty=ds.l2(0.1)), X, Y, sample_weight=w, standardize=True)
    copies = solve(task(penalty=ds.l2(0.1)), np.repeat(X, w, 0), np.repeat(Y, w), standardize=True)
    assert_close(run.theta, copies.theta, 1e-11)
    assert "45 x 4" in run.outcome.sentence


def test_several_targets_are_solved_as_each_alone():
    both = solve(task(), X, np.column_stack([Y, Y**2]))
    for j, target in enumerate((Y, Y**2)):
        alone = solve(task(), X, target)
        assert_close(both.params["weight"][:, j], alone.params["weight"][:, 0], 1e-10)


def test_float32_rows_are_solved_in_double_and_given_back_in_float32():
    narrow = X.astype(np.float32), Y.astype(np.float32)
    run = solve(task(), *narrow, standardize=True)
    wide = solve(task(), narrow[0].astype(float), narrow[1].astype(float), standardize=True)
    assert run.theta.dtype == np.float32
    assert wide.theta.dtype == np.float64
    assert_bits(run.theta, wide.theta.astype(np.float32))


def test_columns_in_the_most_different_units_are_solved():
    scales = np.array([1e-150, 1e150, 1e-8, 1e8])
    run = solve(task(), X * scales, Y)
    assert_close(coefficients(run)[1:] * scales, coefficients(solve(task(), X, Y))[1:], 1e-9)


# ---------------------------------------------------------------- collinear columns


def test_collinear_columns_get_the_shortest_solution_and_are_named():
    twice = np.column_stack([X, X[:, 0] - X[:, 2], np.full(60, 7.0)])
    run = solve(task(), twice, Y, standardize=True)
    Z = twice[:, :5]
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    wanted = np.linalg.lstsq(Z, Y - Y.mean(), rcond=1e-10)[0]
    assert_close(run.params["weight"][:5, 0], wanted, 1e-9)
    assert run.params["weight"][5, 0] == 0.0
    assert run.outcome.reason == "exact"
    said = run.outcome.sentence
    assert "the 60 x 5 standardised columns (rank 4 of 5), ill-conditioned: x1, x3 and x5 " in said
    assert "; x6 does not vary and got 0; loss " in said


def test_more_columns_than_rows_are_met_exactly():
    run = solve(task(), X[:3], Y[:3], standardize=True)
    assert_close(run.predict(X[:3]), Y[:3], 1e-10)
    assert "rank 2 of 4" in run.outcome.sentence
    assert "condition number" not in run.outcome.sentence


@pytest.mark.parametrize("rows", [np.ones((5, 2)), np.zeros((5, 2))])
def test_columns_that_do_not_vary_leave_the_mean(rows):
    run = solve(task(), rows, Y[:5])
    assert_close(run.predict(rows), np.full(5, Y[:5].mean()), 1e-12)


def test_nearly_collinear_columns_say_how_many_digits_are_left():
    rows = np.column_stack([X[:, 0], X[:, 3], X[:, 0] + 1e-10 * X[:, 3] * X[:, 1]])
    sentence = solve(task(), rows, Y).outcome.sentence
    kappa = np.linalg.cond((rows - rows.mean(axis=0)) / rows.std(axis=0))
    digits = int(-np.log10(2.0**-52 * kappa))
    assert 0 < digits < 6
    assert "ill-conditioned: x1 and x3 are nearly linear combinations of one another" in sentence
    assert f"about {digits} digit" in sentence


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((ds.Linear(), "logistic", "adam"), "the loss is logistic"),
        ((ds.Linear(), "absolute_error", "adam"), "the loss is absolute_error"),
        ((ds.Linear(), "squared_error", "nesterov", ds.l1(0.1)), "the penalty l1 has a kink"),
        (
            (ds.Linear(), "squared_error", "nesterov", ds.elastic_net(0.1)),
            "the penalty elastic_net has a kink",
        ),
        ((ds.MLP((3,)), "squared_error", "adam"), "the model mlp has hidden layers"),
    ],
)
def test_what_has_no_closed_form_is_refused_in_a_sentence(asked, found):
    with pytest.raises(ds.InputError, match="^solve needs a linear model under squared_error"):
        solve(ds.Task(*asked), X, Y > 0)
    with pytest.raises(ds.InputError, match=found):
        solve(ds.Task(*asked), X, Y > 0)


def test_what_leaves_the_range_is_refused_in_a_sentence():
    with pytest.raises(ds.InputError, match="leaves the range of float32"):
        solve(task(), np.float32([[1e-38], [2e-38], [4e-38]]), np.float32([1e3, 2e8, 5e3]))
    with pytest.raises(ds.InputError, match="leaves the range of float64"):
        solve(task(), X, Y * 1e200)
    with pytest.raises(ds.InputError, match="columns leave the range"):
        solve(task(), X[:3] * 5e-324 ** (X[:3] > 0), Y[:3])
    with pytest.raises(ds.InputError, match="needs a Task"):
        solve("squared_error", X, Y)
    wide = sp.csr_array(([1.0], ([0], [0])), shape=(20_000, 20_000))
    with pytest.raises(ds.InputError, match="20000 x 20000"):
        solve(task(), wide, np.zeros(20_000))


# ---------------------------------------------------------------- a run like any other


def test_it_comes_back_from_its_file_and_has_nothing_to_resume(tmp_path):
    run = solve(task(), X, Y, sample_weight=W, standardize=True, validation=(X[:5], Y[:5]))
    run.save(tmp_path / "a.run")
    again = ds.load(tmp_path / "a.run")
    assert again.outcome == run.outcome
    assert_bits(again.predict(X), run.predict(X))
    attached = again.attach(X, Y, sample_weight=W, validation=(X[:5], Y[:5]))
    assert_bits(attached.at(0).theta, run.theta)
    for asked in (None, 50):
        with pytest.raises(ds.InputError, match=r"^There is nothing to resume: .* solved outright"):
            attached.resume(epochs=asked)


def test_its_readers_take_it(descend, tmp_path):
    run = solve(task(), X, Y, standardize=True, validation=0.2)
    assert run.diagnose().codes == ["healthy"]
    assert run.optimum().gap < 1e-12
    run.report(tmp_path / "a.html")
    assert "solved outright" in (tmp_path / "a.html").read_text("utf-8")
    run.save(tmp_path / "a.run")
    for command in (["show", "a.run"], ["doctor", "a.run", "--without-data"]):
        status, out, err = descend(*command)
        assert (status, err) == (0, "")
        assert "Solved outright by QR of the 48 x 4 standardised columns" in out


def test_the_outcome_of_a_net_without_hidden_layers_is_the_same():
    net = solve(ds.Task(ds.MLP(()), "squared_error", "adam"), X, Y)
    assert_bits(net.theta, solve(task(), X, Y).theta)


# ---------------------------------------------------------------- where descent cannot get there

FIRST = CERTIFIED["Filip"][1][0]
LEAST = 0.795851382172941e-3 / 82  # the certified residual sum of squares, a row


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"gradient_tolerance": 1e-4},
        {"gradient_tolerance": 1e-8},
        {"loss_tolerance": 1e-4},
        {"loss_tolerance": 1e-8},
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [lambda: ds.nesterov("auto"), ds.lbfgs, ds.newton])
def test_descent_on_filip_never_claims_to_have_converged(make, rules):
    x, y = of_file("filip", 10)
    asked = ds.Task(ds.Linear(), "squared_error", make())
    run = ds.train(asked, x, y, epochs=800, standardize=True, record=False, **rules)
    if run.outcome.converged:
        assert_digits(coefficients(run)[0], FIRST, 2)
    assert not run.outcome.converged
    if run.outcome.reason != "epochs":
        assert_digits(run.outcome.condition, 3.82e9, 2)
        assert run.outcome.sentence.startswith("Stopped short of the least after")
        assert (
            f"the least loss is {LEAST:.6g}; loss {run.outcome.loss:.6g}." in run.outcome.sentence
        )


@pytest.mark.parametrize("make", [lambda: ds.nesterov("auto"), ds.lbfgs, ds.newton])
def test_descent_that_arrived_still_says_so(make):
    twice = np.column_stack([X, X[:, 0] - X[:, 2]])  # collinear, and yet the least is reached
    for rows, narrow in ((X, float), (twice, float), (twice, np.float32)):
        asked = ds.Task(ds.Linear(), "squared_error", make())
        run = ds.train(
            asked, rows.astype(narrow), Y, epochs=900, standardize=True, gradient_tolerance=1e-4
        )
        assert run.outcome.converged
        assert run.outcome.condition is None


def test_a_penalty_mends_it():
    x, y = of_file("filip", 10)
    asked = ds.Task(ds.Linear(), "squared_error", ds.lbfgs(), ds.l2(1e-3))
    run = ds.train(asked, x, y, epochs=800, standardize=True, gradient_tolerance=1e-10)
    assert run.outcome.converged


def test_the_doctor_says_what_kept_a_search_from_arriving():
    x, y = of_file("filip", 10)
    asked = ds.Task(ds.Linear(), "squared_error", ds.lbfgs())
    run = ds.train(asked, x, y, epochs=800, standardize=True, gradient_tolerance=1e-4)
    found = run.diagnose()
    assert "healthy" not in found.codes
    assert {"ill-conditioned", "collinear-columns"} & set(found.codes)


def test_descent_that_leaves_much_says_so_on_columns_that_are_not_that_bad():
    """Longley's columns: a condition number of 110, and a small gradient far from the least."""
    X, y = longley()
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.nesterov())
    there = ds.train(task, X, y, epochs=100_000, standardize=True, gradient_tolerance=1e-9)
    short = ds.train(task, X, y, epochs=100_000, standardize=True, gradient_tolerance=1e-4)
    least = ds.solve(task, X, y, standardize=True).outcome.loss
    assert there.outcome.converged
    assert there.outcome.loss < 1.0001 * least
    assert short.outcome.reason == "gradient"
    assert short.outcome.loss > 1.001 * least
    assert not short.outcome.converged
    assert "the least loss is 52276.5" in short.outcome.sentence
