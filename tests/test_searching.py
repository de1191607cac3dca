"""L-BFGS and Newton: the minimum of SciPy and scikit-learn, every step on record, none upwards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from tests.oracles import assert_bits, assert_close, assert_same_run

import descend as ds
from descend.arrays import State
from descend.curvature import ready
from descend.engines import ByHand, engine_for
from descend.engines.hessian import hessian
from descend.engines.searching import DAMPING, _newton, _two_loops
from descend.engines.wolfe import FLATTER, LOWER, Point, search
from descend.errors import InputError, ParameterError
from descend.losses import LOSSES
from descend.optimizers import RULES, describe, restore

SMOOTH = [cls.name for cls in LOSSES.classes() if cls.smooth]
FIT_FOR_NEWTON = [cls.name for cls in LOSSES.classes() if cls.smooth and cls.convex]
SEARCHING = [rule.name for rule in RULES.classes() if rule.searches]


def rows(loss="squared_error", n=80, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.linspace(0.5, 2, d) + 0.3
    s = X @ (np.arange(d) - 1.5) * 0.5 + rng.normal(size=n)
    targets = LOSSES.make(loss).targets
    y = {"numbers": s, "counts": rng.poisson(np.exp(s / 3)), "two labels": s > 0}
    return X, np.digitize(s, [-1, 1]) if targets == "labels" else np.asarray(y[targets], float)


def trained(
    optimizer, loss="squared_error", *, penalty=None, reduction="mean", model=None, **asked
):
    X, y = rows(loss)
    task = ds.Task(model or ds.Linear(), loss, RULES.make(optimizer), penalty, reduction)
    return ds.train(task, X, y, **{"epochs": 300, "engine": "numpy", **asked})


def least(run):
    """SciPy's driver on the same objective."""
    program = ByHand(run.problem)
    start = run.problem.start().theta
    asked = {"maxiter": 5000, "maxfun": 20_000, "ftol": 0, "gtol": 1e-13}
    return minimize(program.value_and_gradient, start, jac=True, method="L-BFGS-B", options=asked)


# ---------------------------------------------------------------- the minimum


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [("lbfgs", loss) for loss in SMOOTH if loss != "brier"]
    + [("newton", loss) for loss in FIT_FOR_NEWTON],
)
def test_the_minimum_is_scipy_s(optimizer, loss, reduction):
    weights = 1.0 + np.arange(80) % 3
    run = trained(optimizer, loss, penalty=ds.l2(0.1), reduction=reduction, sample_weight=weights)
    theirs = least(run)
    assert run.outcome.reason == "stalled"
    assert abs(run.outcome.loss - theirs.fun) <= 1e-10 * abs(theirs.fun)
    scores = run.scores(rows(loss)[0])
    theta = State(theirs.x, run.state.slots, 0).theta
    wanted = rows(loss)[0] @ run.layout.split(theta)["weight"] + run.layout.split(theta)["bias"]
    if loss == "softmax":  # a constant on all scores of a row changes nothing
        scores, wanted = (s - s.mean(axis=1, keepdims=True) for s in (scores, wanted))
    assert_close(scores, wanted, 1e-6)


def test_newton_lands_on_least_squares_in_one_step():
    X, y = rows()
    run = trained("newton", epochs=1)
    A = np.column_stack([X, np.ones(len(X))])
    assert_close(run.theta, np.linalg.lstsq(A, y, rcond=None)[0], 1e-12)
    assert_bits(run.history["learning_rate"], np.array([1.0]))


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_logistic_with_a_ridge_is_scikit_learn_s(optimizer):
    X, y = rows("logistic")
    run = trained(optimizer, "logistic", penalty=ds.l2(1.0), reduction="sum")
    theirs = LogisticRegression(solver="newton-cholesky", C=1.0, tol=1e-12).fit(X, y)
    assert_close(run.params["weight"][:, 0], theirs.coef_[0], 1e-6)
    assert_close(run.params["bias"], theirs.intercept_, 1e-6)


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_poisson_is_scikit_learn_s(optimizer):
    X, y = rows("poisson")
    run = trained(optimizer, "poisson", penalty=ds.l2(0.1))
    theirs = PoissonRegressor(alpha=0.1, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert_close(run.params["weight"][:, 0], theirs.coef_, 1e-6)
    assert_close(run.params["bias"][0], theirs.intercept_, 1e-6)


@pytest.mark.parametrize("loss", FIT_FOR_NEWTON)
def test_the_hessian_is_the_gradient_s_differences(loss):
    rng = np.random.default_rng(1)
    X, y = rows(loss)
    if LOSSES.make(loss).targets == "numbers":
        y = np.column_stack([y, y[::-1]])  # two outputs
    task = ds.Task(ds.Linear(), loss, "newton", ds.l2(0.3))
    problem = ready(task, X, y, 1.0 + np.arange(80) % 3)
    theta, h = rng.normal(size=problem.layout.size) * 0.3, 1e-5
    gradient = lambda t: ByHand(problem).value_and_gradient(t)[1]  # noqa: E731 - one line says it
    columns = [
        (gradient(theta + h * e) - gradient(theta - h * e)) / (2 * h) for e in np.eye(theta.size)
    ]
    assert_close(
        hessian(problem, theta), np.column_stack(columns), 1e-3 if "h" in loss[:2] else 1e-7
    )


# ---------------------------------------------------------------- each step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", SEARCHING)
def test_every_iterate_is_on_record_and_no_loss_goes_up(optimizer, dtype):
    run = trained(optimizer, "logistic", dtype=dtype)
    losses, count = run.history["loss"], run.state.step
    assert len(losses) == count
    assert run.keyframes.steps == list(range(count + 1))
    assert (np.diff([*losses, run.outcome.loss]) <= 0).all()
    for k in range(count):
        here, there = run.at(k), run.at(k + 1)
        assert here.loss == losses[k]
        assert here.theta.dtype == here.slots.dtype == dtype
        moved = np.linalg.norm((there.theta - here.theta).astype(float))
        assert_close(run.history["update_norm"][k], moved)
        assert_close(run.history["gradient_norm"][k], np.linalg.norm(here.gradient.astype(float)))
    assert (run.history["learning_rate"] > 0).all()


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_accepted_steps_meet_the_strong_wolfe_conditions(optimizer):
    run = trained(optimizer, "logistic", penalty=ds.l2(0.01), gradient_tolerance=1e-5)
    for k in range(run.state.step):
        here, there = run.at(k), run.at(k + 1)
        step = there.theta - here.theta
        slope = here.gradient @ step
        assert there.loss <= here.loss + LOWER * slope
        assert abs(there.gradient @ step) <= -FLATTER * slope * (1 + 1e-9)


def test_the_first_step_of_lbfgs_begins_with_length_one_down_the_gradient():
    run = trained("lbfgs", "logistic", epochs=1)
    first, program, tried = run.at(0), run.program, []
    gradient, under = first.gradient, program.program.value_and_gradient
    program.program.value_and_gradient = lambda theta: tried.append(theta) or under(theta)
    program.advance(first.state, 1)
    assert_close(tried[1] - first.theta, -gradient / np.linalg.norm(gradient))
    assert_close(run.theta, first.theta - run.history["learning_rate"][0] * gradient)


def test_two_loops_are_the_matrix_of_bfgs():
    rng = np.random.default_rng(2)
    memory, size = 4, 6
    S = rng.normal(size=(memory, size))
    M = rng.normal(size=(size, size))
    Y = S @ (M @ M.T + np.eye(size))
    S[0] = Y[0] = 0.0  # a pair that is not there yet
    H = np.eye(size) * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for s, y in zip(S[1:], Y[1:], strict=True):
        left = np.eye(size) - np.outer(s, y) / (s @ y)
        H = left @ H @ left.T + np.outer(s, s) / (s @ y)
    gradient = rng.normal(size=size)
    assert_close(_two_loops(np.concatenate([S, Y]), gradient), -H @ gradient)
    assert _two_loops(np.zeros((8, size)), gradient) is None


def test_the_memory_holds_the_last_steps_and_changes_oldest_first():
    X, y = rows("logistic")
    task = ds.Task(ds.Linear(), "logistic", ds.lbfgs(3), ds.l2(0.1))
    run = ds.train(task, X, y, epochs=6, engine="numpy")
    for k in (2, 6):
        moments = [run.at(i) for i in range(max(k - 3, 0), k + 1)]
        pairs = (
            np.diff([m.theta for m in moments], axis=0),
            np.diff([m.gradient for m in moments], axis=0),
        )
        missing = np.zeros((3 - len(pairs[0]), 5))
        assert_bits(run.at(k).slots, np.concatenate([missing, pairs[0], missing, pairs[1]]))


def test_damping_helps_where_there_is_no_inverse_and_only_there():
    A = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    p = _newton(A, A @ [1.0, 1.0, 5.0])
    assert_close(A @ p, -A @ [1.0, 1.0, 5.0], 1e-10)
    B = np.array([[1e-12, 0.0], [0.0, 1e12]])  # units, not repetition
    assert_close(_newton(B, np.array([1e-12, 1e12])), [-1.0, -1.0], 1e-14)
    assert _newton(np.full((2, 2), np.nan), np.ones(2)) is None
    assert DAMPING[0] == 0.0


@pytest.mark.parametrize("first", [1e-9, 1e-3, 0.7, 1.0, 50.0, 1e6])
def test_the_search_finds_a_good_length_from_any_first_one(first):
    def along(a):
        with np.errstate(all="ignore"):  # beyond 30 there is nothing but infinity
            value = np.exp(a) - 20 * a if a < 30 else np.inf
            return Point(a, value, np.exp(a) - 20 if a < 30 else np.nan, None, None)

    start = along(0.0)
    found = search(along, start, first)
    assert found.loss <= start.loss + LOWER * found.length * start.slope
    assert abs(found.slope) <= FLATTER * abs(start.slope)


def test_a_search_on_a_slope_that_lies_gives_the_start_back():
    start = Point(0.0, 1.0, -1.0, None, None)
    found = search(lambda a: Point(a, 1.0 + a + 1e-9, 1.0, None, None), start, 1.0)
    assert found is start


# ---------------------------------------------------------------- resuming


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("optimizer", "model"),
    [("lbfgs", ds.Linear()), ("newton", ds.Linear()), ("lbfgs", ds.MLP((5,)))],
)
def test_five_updates_and_seven_more_are_twelve_bit_for_bit(optimizer, model, dtype, tmp_path):
    asked = {"model": model, "penalty": ds.l2(0.001), "dtype": dtype}
    whole = trained(optimizer, "softmax", epochs=12, **asked)
    half = trained(optimizer, "softmax", epochs=5, **asked)
    assert_same_run(half.resume(epochs=12), whole)
    half.save(tmp_path / "half.run")
    again = ds.load(tmp_path / "half.run").attach(*rows("softmax")).resume(epochs=12)
    assert_same_run(again, whole)
    assert_bits(half.resume(epochs=12).state.slots, whole.state.slots)


def test_a_stall_ends_the_run_with_a_sentence_and_is_not_resumed():
    run = trained("newton", "logistic", penalty=ds.l2(0.1))
    assert (run.outcome.reason, run.outcome.converged) == ("stalled", True)
    assert "no step lowers the loss any more; the gradient is " in run.outcome.sentence
    assert "of its first length; loss " in run.outcome.sentence
    with pytest.raises(InputError, match="ended by its own rule"):
        run.resume(epochs=1000)
    state, trace, kept = run.program.advance(run.state, 3, every=1)
    assert_bits(state.theta, run.state.theta)
    assert trace.learning_rate.tolist() == trace.update_norm.tolist() == [0.0] * 3
    assert [s.step for s in kept] == [run.state.step + i for i in (1, 2, 3)]


def test_a_start_without_a_loss_is_a_divergence_that_blames_no_rate():
    X, y = rows("poisson")
    start = {"weight": np.full((4, 1), 1e6), "bias": np.zeros(1)}
    for name in SEARCHING:
        run = ds.train(ds.Task(ds.Linear(init=start), "poisson", name), X, y, engine="numpy")
        assert run.outcome.reason == "diverged"
        assert "give another start (init)" in run.outcome.sentence


# ---------------------------------------------------------------- difficult rows


@pytest.mark.parametrize("loss", ["squared_error", "logistic", "softmax"])
@pytest.mark.parametrize("optimizer", SEARCHING)
def test_columns_that_repeat_others_do_no_harm(optimizer, loss):
    X, y = rows(loss)
    more = np.column_stack([X, 2 * X[:, 0], np.ones(80), np.zeros(80)])
    task = ds.Task(ds.Linear(), loss, optimizer)
    alone, repeated = (ds.train(task, Z, y, epochs=500, engine="numpy") for Z in (X, more))
    assert repeated.outcome.reason == "stalled"
    assert abs(repeated.outcome.loss - alone.outcome.loss) <= 1e-9
    assert np.isfinite(repeated.theta).all()


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_labels_that_a_line_tells_apart_end_with_a_word(optimizer):
    X = rows()[0]
    task = ds.Task(ds.Linear(), "logistic", optimizer)
    run = ds.train(task, X, X[:, 0] > 0, epochs=2000, engine="numpy")
    assert run.outcome.reason in {"stalled", "gradient"}
    assert run.outcome.loss < 1e-12
    assert np.isfinite(run.theta).all()


def test_more_columns_than_rows_is_an_exact_fit():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(10, 30)), rng.normal(size=10)
    for name in SEARCHING:
        run = ds.train(
            ds.Task(ds.Linear(), "squared_error", name), X, y, epochs=500, engine="numpy"
        )
        assert run.outcome.loss < 1e-20


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_float32_comes_near(optimizer):
    narrow = trained(optimizer, "logistic", penalty=ds.l2(0.1), dtype="float32")
    wide = trained(optimizer, "logistic", penalty=ds.l2(0.1))
    assert_close(narrow.theta, wide.theta, 1e-3)


def test_a_net_is_trained_lower_than_by_adam():
    X, y = rows("logistic")
    runs = [
        ds.train(ds.Task(ds.MLP((8,)), "logistic", rule), X, y, epochs=100, engine="numpy")
        for rule in (ds.lbfgs(), ds.adam(0.05))
    ]
    assert runs[0].outcome.loss < 0.5 * runs[1].outcome.loss


def test_any_engine_will_do():
    X, y = rows("logistic")
    task = ds.Task(ds.Linear(), "logistic", "lbfgs", ds.l2(0.1))
    compiled, by_hand = (ds.train(task, X, y, engine=e) for e in ("numba", "numpy"))
    assert compiled.engine_used.startswith("numba/")
    assert_close(compiled.theta, by_hand.theta, 1e-6)
    assert type(engine_for(compiled.engine_used, compiled.problem)[1]) is type(compiled.program)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("optimizer", SEARCHING)
@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in SMOOTH])
def test_a_kink_is_refused(optimizer, loss):
    with pytest.raises(InputError) as error:
        ds.Task(ds.Linear(), loss, optimizer)
    words = f"The optimizer {optimizer} needs a loss without a kink, and {loss} has one; use one of"
    assert str(error.value).startswith(words)


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_batches_are_refused_and_a_batch_of_all_rows_is_not(optimizer):
    with pytest.raises(InputError, match=r"each update must see all 80 rows; got batch_size=79"):
        trained(optimizer, batch_size=79)
    assert_bits(trained(optimizer, batch_size=80).theta, trained(optimizer).theta)


@pytest.mark.parametrize("optimizer", SEARCHING)
def test_the_absolute_penalty_is_refused(optimizer):
    with pytest.raises(InputError, match=f"has no meaning with {optimizer}; use l2, or one of"):
        ds.Task(ds.Linear(), "logistic", optimizer, ds.l1(0.1))


def test_newton_refuses_nets_brier_and_too_many_parameters():
    with pytest.raises(InputError, match=r"the model is mlp\(3; tanh\). Use lbfgs"):
        ds.Task(ds.MLP((3,)), "logistic", "newton")
    with pytest.raises(InputError, match="brier is not convex in the score; use lbfgs"):
        ds.Task(ds.Linear(), "brier", "newton")
    ds.Task(ds.MLP(()), "logistic", "newton")
    with pytest.raises(InputError, match="at most 2000 of them; this model has 2001. Use lbfgs"):
        ds.train(ds.Task(ds.Linear(), "squared_error", "newton"), np.eye(3, 2000), np.ones(3))


@pytest.mark.parametrize("optimizer", SEARCHING)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.1),
        ("schedule", ds.schedules.cosine(9)),
        ("clip_value", 1.0),
        ("clip_norm", 1.0),
    ],
)
def test_what_would_set_the_length_is_refused(optimizer, name, value):
    with pytest.raises(ParameterError, match=f"{optimizer} takes no {name}: it searches"):
        RULES.make(optimizer, **{name: value})


def test_other_arguments_and_memories_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'beta'"):
        ds.lbfgs(beta=1)
    with pytest.raises(ParameterError, match="'memory' parameter of lbfgs must be an int of at"):
        ds.lbfgs(0)
    assert str(ds.Task(ds.Linear(), "logistic", ds.lbfgs(7))) == "linear + logistic + lbfgs(7)"
    assert str(ds.Task(ds.Linear(), "logistic", "newton")) == "linear + logistic + newton"


@pytest.mark.parametrize("optimizer", [ds.lbfgs(), ds.lbfgs(3), ds.newton()])
def test_described_and_restored_it_is_the_same(optimizer):
    assert restore(describe(optimizer)) == optimizer
    assert len(optimizer.rule.slots) == len(optimizer.rule.initial)


# ---------------------------------------------------------------- the gap


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", FIT_FOR_NEWTON)
def test_the_gap_is_to_the_least_loss_and_never_below_it(loss, dtype):
    run = trained("nesterov", loss, penalty=ds.l2(0.1), epochs=60, dtype=dtype)
    best = run.optimum()
    rounding = 1e-14 if dtype == "float64" else 1e-6
    theirs = least(trained("lbfgs", loss, penalty=ds.l2(0.1), epochs=1)).fun
    assert abs(best.loss - theirs) <= max(rounding, 1e-12) * max(1, abs(theirs))
    assert best.gap == run.outcome.loss - best.loss
    assert_bits(best.gaps, run.history["loss"] - best.loss)
    assert best.steps.tolist() == list(range(60))
    assert (best.gaps >= -rounding * max(1, abs(best.loss))).all()
    assert best.gaps[0] > 10 * abs(best.gap)
    assert best.reached
    assert run.optimum() is best


def test_the_gap_of_a_run_on_batches_is_of_all_rows():
    run = trained("adam", "logistic", epochs=30, batch_size=9)
    best = run.optimum()
    assert (best.gaps > 0).all()
    program = ByHand(run.problem)
    k = len(best.steps) // 2
    assert_close(best.gaps[k], program.value(run.at(best.steps[k]).theta) - best.loss, 1e-9)
    assert len(best.steps) <= 200


def test_many_parameters_are_searched_by_lbfgs(monkeypatch):
    run = trained("nesterov", "logistic", penalty=ds.l2(0.1))
    wanted = run.optimum().loss
    monkeypatch.setattr("descend.optimum.LARGEST", 3)
    assert abs(trained("nesterov", "logistic", penalty=ds.l2(0.1)).optimum().loss - wanted) < 1e-12


def test_no_optimum_is_claimed_where_it_is_not_known(tmp_path):
    for asked, words in [
        ({"model": ds.MLP((3,))}, "hidden layers"),
        ({"loss": "brier"}, "brier is not convex"),
        ({"loss": "hinge"}, "hinge has a kink"),
        ({"loss": "squared_error", "penalty": ds.l1(0.1)}, "penalty l1 has a kink"),
    ]:
        with pytest.raises(InputError, match=words):
            trained("nesterov", **{"loss": "logistic", "epochs": 2, **asked}).optimum()
    run = trained("nesterov", epochs=2)
    run.save(tmp_path / "a.run")
    with pytest.raises(InputError, match="holds no rows"):
        ds.load(tmp_path / "a.run").optimum()


def test_the_command_line_s_words(tmp_path):
    table = ds.datasets.shipped_table("breast-cancer")
    done = ds.fit(table, "diagnosis", optimizer="lbfgs:5", penalty="l2:0.01", engine="numpy")
    assert done.run.task.optimizer == ds.lbfgs(5)
    from descend.cli.words import of_fit, summary

    text = "\n".join(of_fit(done, []))
    assert "each step's length searched for" in text
    assert "Optimum   the gap to it is " in text
    assert 0 <= summary(done, [], {})["optimum"]["gap"] < 1e-6
    net = ds.fit(table, "diagnosis", optimizer="lbfgs", hidden=4, epochs=3, engine="numpy")
    assert net.run.setup.full_batch
    assert summary(net, [], {})["optimum"] is None
