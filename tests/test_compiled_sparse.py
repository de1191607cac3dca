"""The compiled engine on sparse rows against the reference, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles import assert_bits, assert_close
from tests.test_compiled import (
    IN_TURN,
    PENALTIES,
    RATES,
    TOLERANCE,
    assert_same_steps,
    penalties_of,
)
from tests.test_compiled import targets_for as targets
from tests.test_sparse import rows

import descend as ds
from descend.arrays import as_rows
from descend.curvature import ready
from descend.engines import ByHand, engine_for
from descend.engines.compiled import Compiled, program, threads, ways_for
from descend.engines.compiled.rows import NO_ORDER, Rows
from descend.engines.compiled.sparse import Csr, csr_of, entries_block
from descend.errors import ParameterError
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.scaling import measured

WAYS = ("blocks", "threads")
EMPTY, STILL = 1, 3  # columns: of the first nothing is stored, the second may not vary


def problem_of(
    loss="squared_error",
    rule="gradient_descent",
    *,
    scaled=False,
    still=False,
    bias=True,
    batch_size=None,
    dtype="float64",
    outputs=2,
    n=60,
    X=None,
    weighted=True,
    reduction="mean",
    penalty=None,
    **clip,
):
    """Return a linear problem over sparse rows with every part chosen."""
    rng = np.random.default_rng(5)
    X = rows(n) if X is None else X
    n = X.shape[0]
    if still:  # or else its row without entries makes the column vary
        X[:, STILL] = 0.7
    rate = RATES.get(rule, 0.003) / (1 if reduction == "mean" else n)
    optimizer = replace(RULES.make(rule, learning_rate=rate), **clip)
    task = ds.Task(ds.Linear(bias), LOSSES.make(loss), optimizer, penalty, reduction)
    X = as_rows(sp.csr_array(X), "X", dtype)
    weights = rng.uniform(0.2, 2, size=n).astype(dtype) if weighted else None
    problem = replace(
        ready(task, X, targets(loss, rng, n, outputs), weights),
        batch_size=batch_size,
        shuffle=True,
        seed=3,
        learning_rate=rate,
    )
    return replace(problem, scaling=measured(X, weights)) if scaled else problem


# ---------------------------------------------------------------- parity


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_by_every_way(loss, scaled, dtype):
    for outputs in (1, 2):
        problem = problem_of(loss, scaled=scaled, dtype=dtype, outputs=outputs)
        assert_same_steps(problem, "blocks")
        problem = problem_of(
            loss, scaled=scaled, still=True, bias=False, dtype=dtype, outputs=outputs
        )
        assert_same_steps(problem, "threads")


@pytest.mark.parametrize("dtype", IN_TURN)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("rule", ELEMENTWISE)
def test_every_rule_under_every_penalty(rule, scaled, dtype):
    for penalty in penalties_of(rule).values():
        for clip in ({}, {"clip_norm": 0.05}):
            problem = problem_of(
                "squared_error",
                rule,
                scaled=scaled,
                still=scaled,
                penalty=penalty,
                dtype=dtype,
                **clip,
            )
            assert_same_steps(problem, updates=10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 7, 59, None])
@pytest.mark.parametrize("scaled", [False, True])
def test_batches_follow_the_order_and_the_weights(scaled, batch_size, reduction, weighted):
    for bias in (True, False):
        for loss in ("logistic", "softmax"):
            problem = problem_of(
                loss,
                "momentum",
                scaled=scaled,
                bias=bias,
                batch_size=batch_size,
                outputs=1,
                reduction=reduction,
                weighted=weighted,
                penalty=PENALTIES["l2"],
            )
            for way in WAYS:
                assert_same_steps(problem, way)


@pytest.mark.parametrize("batch_size", [None, 700])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_rows_of_several_blocks(loss, scaled, batch_size):
    problem = problem_of(loss, scaled=scaled, outputs=1, n=1500, batch_size=batch_size)
    assert entries_block(csr_of(problem.X)) == 256
    for way in WAYS:
        assert_same_steps(problem, way, updates=10)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("outputs", [1, 11])
def test_long_rows_come_in_small_blocks_of_fewer_rows_than_outputs(outputs, scaled):
    X = np.random.default_rng(0).normal(size=(30, 2000))
    problem = problem_of("squared_error", scaled=scaled, outputs=outputs, X=X / 50)
    assert entries_block(csr_of(problem.X)) == 8
    for way in WAYS:
        assert_same_steps(problem, way)


@pytest.mark.parametrize("shape", [(5, 3), (4, 1), (1, 2)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_rows_without_entries_train_the_bias(shape, outputs):
    for scaled in (False, True):
        problem = problem_of(scaled=scaled, outputs=outputs, X=np.zeros(shape))
        for way in WAYS:
            assert_same_steps(problem, way)
            state = Compiled(problem, way).advance(problem.start(), 5).state
            parts = problem.layout.split(state.theta)
            assert_bits(parts["weight"], np.zeros_like(parts["weight"]))
            assert (parts["bias"] != 0).all()


@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_value_and_gradient_over_all_rows_and_one_batch(outputs, scaled, batch_size):
    problem = problem_of(
        "logistic", scaled=scaled, outputs=outputs, batch_size=batch_size, penalty=ds.l2(0.2)
    )
    theta = np.random.default_rng(0).normal(size=problem.layout.size)
    for way in WAYS:
        compiled = Compiled(problem, way)
        for update in (None, 0, 11):
            ours = compiled.value_and_gradient(theta, update)
            theirs = ByHand(problem).value_and_gradient(theta, update)
            assert_close(ours[0], theirs[0], 1e-13)
            assert_close(ours[1], theirs[1], 1e-12)
        assert_close(compiled.value(theta), ByHand(problem).value(theta), 1e-13)


# ---------------------------------------------------------------- to the last bit


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("batch_size", [None, 1000])
def test_any_number_of_threads_gives_the_same_bits(batch_size, loss, scaled, monkeypatch):
    monkeypatch.setattr(program, "_SHARED", 10)
    monkeypatch.setattr(program, "_CHUNKS", 5)
    problem = problem_of(loss, "adam", scaled=scaled, outputs=1, n=3001, batch_size=batch_size)
    assert ways_for(problem)[0] == "threads"
    assert program._most_chunks(problem, 1000) == 5
    assert_same_steps(problem, updates=10)
    found = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "workers", lambda count=count: count)
        threads._pool.cache_clear()
        done = Compiled(problem, "threads").advance(problem.start(), 10)
        found.append((done.state.theta, done.trace.figures))
    threads._pool.cache_clear()
    for theta, figures in found[1:]:
        assert_bits(theta, found[0][0])
        assert_bits(figures, found[0][1])


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("way", WAYS)
def test_advancing_by_parts_is_advancing_at_once_bit_for_bit(way, batch_size, scaled):
    problem = problem_of(rule="nadam", scaled=scaled, outputs=1, batch_size=batch_size)
    whole, trace, kept = Compiled(problem, way).advance(problem.start(), 60, every=4)
    state, at, pieces = problem.start(), 0, []
    for part in (1, 2, 13, 0, 44):
        state, piece, some = Compiled(problem, way).advance(state, part, every=4)
        assert_bits(piece.figures, trace.figures[at : at + part])
        pieces += some
        at += part
    assert_bits(state.theta, whole.theta)
    assert_bits(state.slots, whole.slots)
    assert [s.step for s in pieces] == [s.step for s in kept] == list(range(4, 61, 4))
    for a, b in zip(pieces, kept, strict=True):
        assert_bits(a.theta, b.theta)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_look_has_the_bits_of_the_update(way, scaled):
    problem = problem_of("poisson", "adam", scaled=scaled, outputs=1)
    compiled = Compiled(problem, way)
    done = compiled.advance(problem.start(), 5, every=1)
    for i, state in enumerate([problem.start(), *done.kept[:-1]]):
        assert compiled.value_and_gradient(state.theta, i)[0] == done.trace.loss[i]


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_long_indices_and_arrays_with_gaps_give_the_same_bits(loss):
    problem = problem_of(loss, outputs=1, scaled=True)
    X = problem.X

    def with_gaps(part):
        return np.repeat(part, 2)[::2]

    long = sp.csr_array(X)
    long.indices, long.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    gaps = sp.csr_array(X)
    gaps.data, gaps.indices = with_gaps(X.data), with_gaps(X.indices)
    gaps.indptr = with_gaps(X.indptr)
    frozen = sp.csr_array(X, copy=True)
    for part in (frozen.data, frozen.indices, frozen.indptr):
        part.flags.writeable = False
    for way in WAYS:
        wanted = Compiled(problem, way).advance(problem.start(), 9).state.theta
        for given in (long, gaps, frozen):
            other = replace(problem, X=given)
            assert_bits(Compiled(other, way).advance(other.start(), 9).state.theta, wanted)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("loss", "outputs"), [("logistic", 1), ("logistic", 2), ("softmax", 1)])
def test_the_gradient_of_a_column_that_does_not_vary_is_exactly_zero(loss, outputs, bias, way):
    problem = problem_of(loss, scaled=True, still=True, outputs=outputs, bias=bias)
    theta = np.random.default_rng(0).normal(size=problem.layout.size)
    for bad in (1.0, np.nan):
        theta[0] *= bad
        gradient = Compiled(problem, way).value_and_gradient(theta)[1]
        weight = problem.layout.split(gradient)["weight"]
        assert_bits(weight[[EMPTY, STILL]], np.zeros_like(weight[:2]))
        assert (np.delete(weight, [EMPTY, STILL], axis=0) != 0).all()


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_nan_and_explosions_stay_visible(way, scaled):
    problem = problem_of(outputs=1, scaled=scaled)
    for bad in (np.nan, np.inf):
        start = problem.start()
        start.theta[2] = bad
        done = Compiled(problem, way).advance(start, 3)
        assert not np.isfinite(done.trace.loss).any()
        assert np.isnan(done.state.theta).any()
    done = Compiled(problem, way).advance(problem.start(), 3000, scale=1e6)
    assert not np.isfinite(done.trace.loss[-1])


# ---------------------------------------------------------------- who does what


def test_sparse_rows_go_by_blocks_or_threads():
    for size in (1, 7, None):
        problem = problem_of(outputs=1, batch_size=size)
        assert ways_for(problem) == ["blocks", "threads"]
        assert engine_for("auto", problem)[0] == "numba/blocks"
        assert engine_for("numba/threads", problem)[0] == "numba/threads"
    for way in ("factor", "rows"):
        with pytest.raises(ParameterError, match="does not suit .* one of blocks, threads"):
            engine_for(f"numba/{way}", problem)


def uniform(n, d, each):
    """Return n rows of d columns with the same number of entries each."""
    columns = np.random.default_rng(0).integers(0, d, n * each)
    return sp.csr_array((np.ones(n * each), columns, np.arange(n + 1) * each), shape=(n, d))


def test_rows_are_shared_where_there_is_work_for_several_gradients():
    many = problem_of("logistic", outputs=1, X=uniform(20_000, 500, 50))
    assert ways_for(many)[0] == "threads"
    assert program._most_chunks(many, many.n) == 32
    assert program._most_chunks(many, 2000) == 32
    assert program._most_chunks(many, 200) == 4  # 10 000 entries: 4 times 5 to each column
    assert ways_for(replace(many, batch_size=200))[0] == "blocks"
    wide = problem_of("logistic", outputs=1, X=uniform(20_000, 500_000, 50))
    assert program._most_chunks(wide, wide.n) == 1
    assert ways_for(wide)[0] == "blocks"


def test_gradients_of_all_chunks_have_bounded_memory(monkeypatch):
    problem = problem_of("logistic", outputs=2, X=uniform(4000, 10, 5))
    assert program._most_chunks(problem, problem.n) == 32
    monkeypatch.setattr(program, "_GRADIENTS", 3 * problem.layout.size + 1)
    assert program._most_chunks(problem, problem.n) == 3


def test_rows_are_shared_with_scipy_and_know_their_shape():
    X = as_rows(sp.csr_array(rows()), "X")
    found = csr_of(X)
    assert isinstance(found, Csr)
    assert found.shape == X.shape
    assert found.dtype == X.dtype
    for part in ("data", "indices", "indptr"):
        assert getattr(found, part) is getattr(X, part)
    assert Rows(found, None, None, NO_ORDER).X.shape == (50, 8)
