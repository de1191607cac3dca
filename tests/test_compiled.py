"""The compiled engine against the reference, step by step, over the registries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend import parts as parts_module
from descend import penalties
from descend.activations import ACTIVATIONS
from descend.curvature import ready
from descend.engines import ByHand, engine_for
from descend.engines.choosing import WAYS
from descend.engines.compiled import Compiled, caching, program, threads, ways_for
from descend.engines.hessian import hessian
from descend.errors import ParameterError
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.randomness import permutation

ROWS, UPDATES = 60, 50
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
# Rules are compiled for each precision: single has its turn in `make test-slow`.
IN_TURN = [pytest.param(d, marks=pytest.mark.slow) if d == "float32" else d for d in TOLERANCE]
RATES = {"gradient_descent": 0.05, "momentum": 0.05, "nesterov": 0.05, "rmsprop": 0.0005}


def targets_for(loss, rng, n, outputs):
    return {
        "numbers": rng.normal(size=(n, outputs)),
        "counts": rng.poisson(2, size=(n, outputs)),
        "two labels": rng.integers(0, 2, size=(n, outputs)),
        "labels": np.arange(n) % 3,
    }[LOSSES.make(loss).targets]


def problem_of(
    loss="squared_error",
    activation=None,
    rule="gradient_descent",
    *,
    batch_size=None,
    shuffle=True,
    dtype="float64",
    outputs=2,
    d=3,
    n=ROWS,
    weighted=True,
    reduction="mean",
    penalty=None,
    bias=True,
    schedule=None,
    **clip,
):
    """Return a problem with every part chosen: a net if there is an activation, else a line."""
    rng = np.random.default_rng(5)
    model = ds.Linear(bias) if activation is None else ds.MLP((5, 4), activation, init="lecun")
    rate = RATES.get(rule, 0.003) / (1 if reduction == "mean" else n)
    # So small that no velocity swings through 0, where its largest entry measures nothing.
    rate = rate / 16 if loss == "poisson" else rate
    optimizer = replace(RULES.make(rule, learning_rate=rate), schedule=schedule, **clip)
    task = ds.Task(model, LOSSES.make(loss), optimizer, penalty, reduction)
    X = rng.normal(size=(n, d)).astype(dtype)
    weights = rng.uniform(0.2, 2, size=n).astype(dtype) if weighted else None
    problem = ready(task, X, targets_for(loss, rng, n, outputs), weights)
    return replace(problem, batch_size=batch_size, shuffle=shuffle, seed=3, learning_rate=rate)


def relative(found, expected):
    """Return the largest difference, relative to each vector's largest entry."""
    found, expected = np.atleast_2d(found), np.atleast_2d(expected)
    scale = np.abs(expected).max(axis=1)
    return float((np.abs(found - expected).max(axis=1) / np.where(scale > 0, scale, 1)).max())


def lost_under_a_threshold(problem, state):
    """Return what rounding does to a velocity that is a difference of thetas over the rate."""
    if problem.task.penalty is None or not problem.task.penalty.l1 or not len(state.slots):
        return 0.0
    step = problem.learning_rate * np.abs(state.slots).max()
    return 64 * np.finfo(problem.X.dtype).eps * np.abs(state.theta).max() / step


def assert_same_steps(problem, way=None, updates=UPDATES):
    """See theta, slots and figures agree after each of some updates."""
    tolerance = TOLERANCE[problem.X.dtype.name]
    way = ways_for(problem)[0] if way is None else way
    ours = Compiled(problem, way).advance(problem.start(), updates, every=1)
    theirs = ByHand(problem).advance(problem.start(), updates, every=1)
    assert np.isfinite(theirs.state.theta).all()
    assert ours.state.theta.dtype == ours.state.slots.dtype == problem.X.dtype
    assert len(ours.kept) == len(theirs.kept) == updates
    for a, b in zip(ours.kept, theirs.kept, strict=True):
        assert a.step == b.step
        lost = lost_under_a_threshold(problem, b)
        assert relative(a.theta, b.theta) < tolerance + lost
        if len(b.slots):
            assert relative(a.slots, b.slots) < tolerance + lost
    assert_bits(ours.state.theta, ours.kept[-1].theta)
    assert_close(ours.trace.loss, theirs.trace.loss, tolerance)
    # Under an absolute penalty the subgradient jumps where a parameter is 0 but for rounding.
    before = np.stack([s.theta for s in (problem.start(), *ours.kept[:-1], *theirs.kept[:-1])])
    jumps = (np.abs(before) < 1e-6) & (before != 0)
    smooth = problem.task.penalty is None or not problem.task.penalty.l1 or not jumps.any()
    if smooth:
        assert_close(ours.trace.gradient_norm, theirs.trace.gradient_norm, 10 * tolerance)
    assert_close(ours.trace.update_norm, theirs.trace.update_norm, 100 * tolerance)
    assert_close(ours.trace.learning_rate, theirs.trace.learning_rate, 1e-15)


# ---------------------------------------------------------------- parity


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_through_every_activation(loss, activation, dtype):
    assert_same_steps(problem_of(loss, activation, dtype=dtype))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_of_one_score(loss, dtype):
    assert_same_steps(problem_of(loss, dtype=dtype, outputs=1), "blocks")
    assert_same_steps(problem_of(loss, dtype=dtype, outputs=1, weighted=False), "threads")


PENALTIES = {"none": None, "l2": ds.l2(0.3), "biases": ds.l2(0.3, biases=True)}
ABSOLUTE = {"l1": ds.l1(0.05), "elastic": ds.elastic_net(0.05, 0.3)}
CLIPS = [{}, {"clip_value": 0.05}, {"clip_norm": 0.05}, {"clip_value": 0.05, "clip_norm": 0.04}]


def penalties_of(rule):
    return PENALTIES | ABSOLUTE if RULES.make(rule).rule.proximal else PENALTIES


@pytest.mark.parametrize("dtype", IN_TURN)
@pytest.mark.parametrize("rule", ELEMENTWISE)
def test_every_rule_under_every_penalty_and_clipping(rule, dtype):
    for penalty in penalties_of(rule).values():
        for clip in CLIPS:
            chosen = {"penalty": penalty, "dtype": dtype, **clip}
            # In single precision a threshold turns last digits into others within fifty updates.
            rough = dtype == "float32" and penalty is not None and penalty.l1
            updates = 10 if rough else UPDATES
            problem = problem_of("squared_error", "tanh", rule, **chosen)
            assert_same_steps(problem, updates=updates)


@pytest.mark.parametrize("batch_size", [1, 7, 59, None])
@pytest.mark.parametrize("rule", ELEMENTWISE)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_every_way_of_every_rule(rule, batch_size, reduction):
    for bias in (True, False):
        for penalty in penalties_of(rule).values():
            problem = problem_of(
                "half_squared_error",
                None,
                rule,
                outputs=1,
                batch_size=batch_size,
                bias=bias,
                reduction=reduction,
                penalty=penalty,
            )
            for way in ways_for(problem):
                assert_same_steps(problem, way)


def test_all_ways_were_seen():
    seen = {w for size in (1, None) for w in ways_for(problem_of(outputs=1, batch_size=size))}
    assert seen | set(ways_for(problem_of(activation="tanh"))) == set(WAYS)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ELEMENTWISE)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_full_product(loss, activation, rule):
    for dtype in TOLERANCE:
        for batch_size in (None, 7):
            assert_same_steps(
                problem_of(loss, activation, rule, dtype=dtype, batch_size=batch_size)
            )


def test_relative_sees_one_wrong_entry():
    right = np.array([[1.0, 2.0], [1e-9, 2e-9]])
    assert relative(right, right) == 0
    wrong = right.copy()
    wrong[1, 0] = 1.1e-9
    assert relative(wrong, right) > 0.01
    wrong[1, 0] = np.nan
    assert not relative(wrong, right) < 1


# ---------------------------------------------------------------- threads


@pytest.fixture
def shared(monkeypatch):
    """Everything is shared among threads, in several chunks of several blocks."""
    monkeypatch.setattr(program, "_SHARED", 10)
    monkeypatch.setattr(program, "_CHUNKS", 5)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(("loss", "activation"), [("logistic", None), ("softmax", "tanh")])
@pytest.mark.parametrize("batch_size", [None, 1000])
def test_any_number_of_threads_gives_the_same_bits(loss, activation, batch_size, monkeypatch):
    problem = problem_of(loss, activation, "adam", outputs=1, n=3001, batch_size=batch_size)
    assert ways_for(problem)[0] == "threads"
    assert_same_steps(problem, updates=10)
    found = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(threads, "workers", lambda count=count: count)
        threads._pool.cache_clear()
        done = Compiled(problem, "threads").advance(problem.start(), 10)
        found.append((done.state.theta, done.trace.figures))
    threads._pool.cache_clear()
    for theta, figures in found[1:]:
        assert_bits(theta, found[0][0])
        assert_bits(figures, found[0][1])


@pytest.mark.usefixtures("shared")
def test_two_trainings_at_once_are_two_trainings():
    problems = [problem_of("logistic", a, outputs=1, n=5000) for a in (None, "tanh")] * 2
    alone = [Compiled(p, "threads").advance(p.start(), 30).state.theta for p in problems]
    found = [None] * len(problems)

    def train(i):
        found[i] = Compiled(problems[i], "threads").advance(problems[i].start(), 30).state.theta

    crowd = [threading.Thread(target=train, args=(i,)) for i in range(len(problems))]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for ours, theirs in zip(found, alone, strict=True):
        assert_bits(ours, theirs)


def test_an_error_in_a_helper_thread_is_not_lost():
    def fails(task, _worker):
        if task == 1:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        threads.spread(2, fails, 2)


# ---------------------------------------------------------------- as every engine must


@pytest.mark.parametrize("way", WAYS)
def test_advancing_by_parts_is_advancing_at_once_bit_for_bit(way):
    size = 1 if way == "rows" else None if way == "factor" else 7
    for rule in ("adam", "nesterov"):
        problem = problem_of(rule=rule, outputs=1, batch_size=size)
        whole, trace, kept = Compiled(problem, way).advance(problem.start(), 150, every=4)
        state, at, pieces = problem.start(), 0, []
        for part in (1, 2, 13, 0, 44, 90):
            state, piece, some = Compiled(problem, way).advance(state, part, every=4)
            assert_bits(piece.figures, trace.figures[at : at + part])
            pieces += some
            at += part
        assert state.step == whole.step == 150
        assert_bits(state.theta, whole.theta)
        assert_bits(state.slots, whole.slots)
        assert [s.step for s in pieces] == [s.step for s in kept] == list(range(4, 151, 4))
        for a, b in zip(pieces, kept, strict=True):
            assert_bits(a.theta, b.theta)
            assert_bits(a.slots, b.slots)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("penalty", [None, ds.l2(0.1)])
def test_a_look_has_the_bits_of_the_update(way, penalty):
    size = 1 if way == "rows" else None
    problem = problem_of(rule="adam", outputs=1, batch_size=size, penalty=penalty, weighted=False)
    compiled = Compiled(problem, way)
    done = compiled.advance(problem.start(), 9, every=1)
    before = [problem.start(), *done.kept]
    for i in range(9):
        value, gradient = compiled.value_and_gradient(before[i].theta, i)
        if way != "rows":  # whose losses are taken many at a time
            assert value == done.trace.loss[i]
        assert_close(value, done.trace.loss[i], 1e-14)
        assert_close(np.linalg.norm(gradient), done.trace.gradient_norm[i], 1e-13)


@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("outputs", [1, 2])
def test_value_and_gradient_over_all_rows_and_one_batch(batch_size, outputs):
    problem = problem_of("logistic", outputs=outputs, batch_size=batch_size, penalty=ds.l2(0.2))
    theta = np.random.default_rng(0).normal(size=problem.layout.size)
    for way in ways_for(problem):
        for update in (None, 0, 11):
            ours = Compiled(problem, way).value_and_gradient(theta, update)
            theirs = ByHand(problem).value_and_gradient(theta, update)
            assert_close(ours[0], theirs[0], 1e-13)
            assert_close(ours[1], theirs[1], 1e-12)
        assert_close(Compiled(problem, way).value(theta), ByHand(problem).value(theta), 1e-13)


@pytest.mark.parametrize("way", WAYS)
def test_nan_and_infinity_stay_visible(way):
    for bad in (np.nan, np.inf):
        problem = problem_of(outputs=1, batch_size=1 if way == "rows" else None, weighted=False)
        start = problem.start()
        start.theta[1] = bad
        done = Compiled(problem, way).advance(start, 3)
        assert not np.isfinite(done.trace.loss).any()
        assert np.isnan(done.state.theta).any()


@pytest.mark.parametrize("way", WAYS)
def test_an_explosion_is_recorded_without_a_warning(way):
    problem = problem_of(outputs=1, batch_size=1 if way == "rows" else None)
    done = Compiled(problem, way).advance(problem.start(), 3000, scale=1e6)
    assert not np.isfinite(done.trace.loss[-1])
    lengths = done.trace.gradient_norm
    first = int(np.argmin(np.isfinite(lengths)))
    assert lengths[first - 1] > 1e200, "a length overflows no sooner than the gradient itself"


def test_weights_of_zero_are_rows_that_are_not_there():
    problem = problem_of("logistic", outputs=1)
    problem.weights[::3] = 0
    kept = np.flatnonzero(problem.weights)
    smaller = replace(problem, X=problem.X[kept], y=problem.y[kept], weights=problem.weights[kept])
    a = Compiled(problem, "blocks").advance(problem.start(), 20).state.theta
    b = Compiled(smaller, "blocks").advance(problem.start(), 20).state.theta
    assert_close(a, b, 1e-13)


def test_the_order_is_the_keyed_permutation():
    from descend.engines.compiled.orders import order_of

    for n in (1, 2, 3, 7, 1000, 4097):
        for seed, epoch in ((0, 0), (3, 1), (2**63, 17)):
            assert_bits(order_of(n, seed, epoch), permutation(n, seed, "batches", epoch))


def test_ways_are_named_and_refused():
    problem = problem_of("logistic", outputs=1)
    assert engine_for("auto", problem)[0] == "numba/blocks"
    assert engine_for("numba/threads", problem)[0] == "numba/threads"
    with pytest.raises(ParameterError, match="does not suit this problem; choose one of blocks"):
        engine_for("numba/factor", problem)
    with pytest.raises(ParameterError, match="did you mean 'blocks'"):
        engine_for("numba/bloks", problem)
    run = ds.train(problem.task, problem.X, problem.y[:, 0], epochs=3)
    assert run.engine_used == "numba/blocks"


# ---------------------------------------------------------------- kernels on disk


def in_a_process(code, cache):
    """Run code in a new process with its own folder of kernels; return what it printed."""
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DESCEND_CACHE": str(cache)},
    )
    return found.stdout.split()


COMPILED = """
import numba, numba.core.event as event
import descend as ds
with event.install_recorder("numba:compile") as seen:
    task = ds.Task(ds.Linear(), ds.logistic(), ds.adam(0.1))
    run = ds.train(task, [[0.0], [1.0], [3.0]], [0, 1, 1], epochs=5, engine="numba")
print(len(seen.buffer), run.theta.tobytes().hex(), repr(numba.config.CACHE_DIR))
"""


def test_a_second_process_compiles_nothing(tmp_path):
    first, second = in_a_process(COMPILED, tmp_path), in_a_process(COMPILED, tmp_path)
    assert int(first[0]) > 0
    assert int(second[0]) == 0
    assert first[1:] == second[1:]
    assert first[2] == "''", "the compiler's setting for the whole process is left as it was"


@pytest.mark.slow
def test_kernels_are_compiled_anew_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    found = in_a_process(COMPILED, tmp_path / "file")
    assert int(found[0]) > 0


def test_every_source_of_a_formula_changes_the_folder(tmp_path):
    package = Path(ds.__file__).parent
    copy = tmp_path / "descend"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = caching.digest(copy)
    assert before == caching.digest(package)
    parts = [c for family in (LOSSES, ACTIVATIONS, RULES) for c in family.classes()]
    sources = {Path(sys.modules[c.__module__].__file__) for c in parts}
    sources |= {Path(penalties.__file__), Path(parts_module.__file__), Path(program.__file__)}
    for source in sources:
        changed = copy / source.relative_to(package)
        text = changed.read_text()
        changed.write_text(text + "\n# changed\n")
        assert caching.digest(copy) != before, source
        changed.write_text(text)
    assert caching.digest(copy) == before


def test_an_index_that_another_process_overwrote_leads_to_no_other_code(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCEND_CACHE", str(tmp_path))
    caching.folder.cache_clear()
    try:
        first, second, third = (caching.kernel(halved) for _ in range(3))
        first(1)
        index = next(tmp_path.glob("kernels/*/*/*.nbi"))
        kept = index.read_bytes()
        index.unlink()  # the second process looked before the first had written
        second(1.5)
        index.write_bytes(kept)  # and the first writes last
        assert third(3) == 1.5
        assert third.signatures == [(numba.int64,)]
    finally:
        caching.folder.cache_clear()


def halved(x):
    return x - x / 2


def test_old_folders_of_kernels_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCEND_CACHE", str(tmp_path))
    old, recent = tmp_path / "kernels" / "old", tmp_path / "kernels" / "recent"
    for folder in (old, recent):
        folder.mkdir(parents=True)
    month = time.time() - 40 * 86400
    os.utime(old, (month, month))
    caching.folder.cache_clear()
    try:
        assert caching.folder().is_dir()
    finally:
        caching.folder.cache_clear()
    assert recent.exists()
    assert not old.exists()


def test_whoever_sits_at_a_terminal_is_told_of_the_first_compiling(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DESCEND_CACHE", str(tmp_path))
    for terminal, folder, told in ((True, "a", True), (True, "a", False), (False, "b", False)):
        monkeypatch.setenv("DESCEND_CACHE", str(tmp_path / folder))
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        caching.folder.cache_clear()
        caching.folder()
        assert ("compiles its kernels" in capsys.readouterr().err) is told
    caching.folder.cache_clear()


# ---------------------------------------------------------------- the Hessian


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("loss", [n for n in LOSSES if LOSSES.make(n).smooth])
def test_the_hessian_is_the_reference_s(loss, dtype, bias):
    chosen = {"dtype": dtype, "bias": bias, "penalty": ds.l2(0.1), "n": 700}
    for weighted, outputs, reduction in ((True, 1, "mean"), (False, 1, "sum"), (True, 2, "mean")):
        problem = problem_of(
            loss, outputs=outputs, weighted=weighted, reduction=reduction, **chosen
        )
        theta = 0.3 * np.random.default_rng(2).normal(size=problem.layout.size)
        expected = hessian(problem, theta)
        for way in ways_for(problem):
            found = Compiled(problem, way).hessian(theta)
            assert relative(found.ravel(), expected.ravel()) < TOLERANCE[dtype]


def test_a_factor_of_rows_with_nothing_in_them():
    problem = problem_of(outputs=1, weighted=False)
    problem.X[:, 1] = 0
    problem.y[:] = 0
    done = Compiled(problem, "factor").advance(problem.start(), 5)
    assert_close(done.trace.loss, ByHand(problem).advance(problem.start(), 5).trace.loss, 1e-13)
