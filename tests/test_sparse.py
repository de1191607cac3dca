"""Sparse rows train like the same rows dense, and are never made dense."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from tests.oracles import assert_bits, assert_close, assert_same_run
from tests.test_imports import heavy, loaded_by
from tests.test_inputs import assert_sentence

import descend as ds
from descend import curvature
from descend.arrays import Numbered, as_rows
from descend.curvature import automatic_rate, eigenvalues, hessian, largest, ready
from descend.engines import by_hand
from descend.engines.choosing import DEFAULT
from descend.errors import InputError, ParameterError, ShapeError
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.run.files import pack, unpack
from descend.scaling import measured

D = 8


def rows(n=50, d=D, seed=0):
    """Return a dense table with gaps: an empty column, an empty row, a full one, a still one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.linspace(0.5, 2, d) * (rng.uniform(size=(n, d)) < 0.3)
    X[:, 1], X[:, 2], X[:, 3] = 0.0, rng.normal(size=n) + 2, 0.7
    X[4] = 0.0
    return X + 0.0  # what is not stored is +0


def targets(loss, X, k=2):
    rng = np.random.default_rng(len(loss))
    signal = X[:, [0, 4]] @ [[1.0, -1.0], [0.5, 1.0]] + rng.normal(size=(len(X), 2))
    return {
        "numbers": signal[:, :k],
        "counts": rng.poisson(np.exp(signal[:, :k] / 4)),
        "two labels": (signal[:, :k] > 0).astype(int),
        "labels": np.searchsorted([-1.0, 1.0], signal[:, 0]),
    }[LOSSES.make(loss).targets]


def weights(n=50):
    return np.random.default_rng(1).uniform(0.1, 2, size=n)


def both(task, X, y, **asked):
    """Train on the same rows dense and sparse, by the engine that "auto" takes for sparse ones."""
    sparse = ds.train(task, sp.csr_array(X), y, **asked)
    return ds.train(task, X, y, engine=sparse.engine_used, **asked), sparse


def assert_same_path(found, wanted, tolerance):
    assert found.state.step == wanted.state.step
    assert_close(found.theta, wanted.theta, tolerance, "theta")
    for name in wanted.history:
        assert_close(found.history[name], wanted.history[name], tolerance, name)
    for step in range(0, wanted.state.step + 1, 7):
        assert_close(found.at(step).theta, wanted.at(step).theta, tolerance, f"theta at {step}")


# ---------------------------------------------------------------- the same run


@pytest.mark.parametrize(
    ("reduction", "weighted", "bias"),
    [("mean", False, True), ("mean", True, False), ("sum", True, True), ("sum", False, False)],
)
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_sparse_rows_train_as_dense_ones_do(loss, batch_size, bias, reduction, weighted):
    X = rows()
    rate = 0.05 if reduction == "mean" else 0.002
    task = ds.Task(ds.Linear(bias=bias), loss, ds.momentum(rate), ds.l2(0.01), reduction)
    asked = {"epochs": 30 if batch_size is None else 6, "batch_size": batch_size, "validation": 0.2}
    if weighted:
        asked["sample_weight"] = weights()
    for standardize, tolerance in ((False, 1e-12), (True, 1e-9)):
        dense, sparse = both(task, X, targets(loss, X), standardize=standardize, **asked)
        assert not isinstance(sparse.problem.X, np.ndarray)
        assert_same_path(sparse, dense, tolerance)
        assert np.abs(sparse.theta).max() > 1e-3


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("rule", ELEMENTWISE)
def test_every_optimizer_takes_sparse_rows(rule, batch_size, standardize):
    X = rows()
    task = ds.Task(ds.Linear(), "logistic", RULES.make(rule, learning_rate=0.05))
    asked = {"epochs": 2 if batch_size == 1 else 6, "batch_size": batch_size}
    asked["standardize"] = standardize
    dense, sparse = both(task, X, targets("logistic", X, 1), **asked)
    assert_same_path(sparse, dense, 1e-9 if standardize else 1e-12)


@pytest.mark.parametrize("penalty", [ds.l1(0.05), ds.elastic_net(0.05), ds.l2(0.1, biases=True)])
@pytest.mark.parametrize("standardize", [False, True])
def test_penalties_apply_to_the_weights_the_model_has(penalty, standardize):
    X = rows()
    task = ds.Task(ds.Linear(), "half_squared_error", ds.gradient_descent(0.1), penalty)
    dense, sparse = both(task, X, targets("huber", X), epochs=200, standardize=standardize)
    assert_same_path(sparse, dense, 1e-9)
    assert_bits(sparse.theta == 0, dense.theta == 0)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["softmax", "squared_error"])
def test_rows_in_blocks_give_what_all_rows_give(loss, standardize, monkeypatch):
    X = rows()
    task = ds.Task(ds.Linear(), loss, ds.adam(0.05))
    asked = {"epochs": 20, "standardize": standardize, "validation": 0.3, "engine": "numpy"}
    whole = ds.train(task, sp.csr_array(X), targets(loss, X), **asked)
    monkeypatch.setattr(by_hand, "BLOCK", 8)
    blocked = ds.train(task, sp.csr_array(X), targets(loss, X), **asked)
    assert_same_path(blocked, whole, 1e-12)


def test_float32_stays_float32_and_is_near_float64():
    X = rows()
    task = ds.Task(ds.Linear(), "squared_error", ds.momentum(0.05))
    for standardize in (False, True):
        asked = {"epochs": 40, "standardize": standardize}
        wide = ds.train(task, X, targets("huber", X), engine="numpy", **asked)
        for narrow, dtype in ((X.astype(np.float32), None), (X, "float32")):
            run = ds.train(task, sp.csr_array(narrow), targets("huber", X), dtype=dtype, **asked)
            assert run.theta.dtype == run.problem.X.dtype == np.float32
            assert run.scores(sp.csr_array(X)).dtype == np.float32
            assert_close(run.theta, wide.theta, 1e-4)


# ---------------------------------------------------------------- who runs it


def test_sparse_rows_have_the_engines_of_dense_ones():
    X = rows()
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    found = {}
    for engine in ("auto", "numpy"):
        run = ds.train(task, sp.csr_array(X), targets("huber", X), epochs=2, engine=engine)
        found[run.engine_used] = run.program
    assert list(found) == [f"{DEFAULT}/blocks", "numpy"]
    assert isinstance(found["numpy"], by_hand.ByHand)


@pytest.mark.parametrize("way", ["factor", "rows"])
def test_ways_that_need_dense_rows_refuse_sparse_ones(way):
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    assert_sentence(
        lambda: ds.train(task, ONE, np.ones(4), engine=f"numba/{way}"),
        f"way '{way}' does not suit this problem; choose one of blocks, threads, or",
        ParameterError,
    )


def test_scipy_is_not_loaded_where_rows_are_dense():
    """Whoever passes sparse rows has loaded it; those who do not shall not pay for it."""
    code = """
import descend as ds
task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent())
run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], engine="numpy", standardize=True)
run.predict([[2.0]]), run.raw_params
"""
    assert heavy(loaded_by("import descend"), ("scipy",)) == set()
    assert heavy(loaded_by(code), ("scipy",)) == set()
    assert heavy(loaded_by(code + "import scipy.sparse"), ("scipy",)) == {"scipy"}


# ---------------------------------------------------------------- what comes in

KINDS = {
    **{f: getattr(sp, f"{f}_matrix") for f in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")},
    **{f"{f} array": getattr(sp, f"{f}_array") for f in ("csr", "csc", "coo", "bsr", "dia")},
}


def mixed_up(X):
    """Return X in CSR with entries split in two, in descending columns, and stored zeros."""
    n, d = X.shape
    columns = np.tile(np.repeat(np.arange(d)[::-1], 2), n)
    data = np.repeat(X[:, ::-1].ravel() / 2, 2)
    return sp.csr_matrix((data, columns, np.arange(n + 1) * 2 * d), shape=X.shape)


def with_long_indices(X):
    found = sp.csr_array(X)
    found.indices, found.indptr = found.indices.astype(np.int64), found.indptr.astype(np.int64)
    return found


HOSTILE = {"unsorted, twice, zeros": mixed_up, "int64 indices": with_long_indices}


@pytest.mark.parametrize("kind", [*KINDS, *HOSTILE])
def test_every_sparse_form_is_the_same_run_and_is_left_as_it_was(kind):
    X = rows()
    y = targets("squared_error", X, 1)
    given = {**KINDS, **HOSTILE}[kind](X)
    kept = given.copy()
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    run, plain = ds.train(task, given, y, epochs=5), ds.train(task, sp.csr_array(X), y, epochs=5)
    assert_bits(run.theta, plain.theta)
    assert run.data.fingerprint == plain.data.fingerprint
    assert_bits(run.predict(given), plain.predict(sp.csr_array(X)))
    assert type(given) is type(kept)
    for part, array in vars(kept).items():
        if isinstance(array, np.ndarray) and array.dtype != object:
            assert_bits(getattr(given, part), array, part)
    assert_bits(given.toarray(), kept.toarray())


@pytest.mark.parametrize("kind", [*KINDS, *HOSTILE])
def test_engines_get_one_canonical_form(kind):
    X = as_rows({**KINDS, **HOSTILE}[kind](rows()), "X")
    assert isinstance(X, sp.csr_array)
    assert X.indices.dtype == X.indptr.dtype == np.int32
    assert X.has_canonical_format
    assert (X.data != 0).all()
    assert_bits(X.toarray(), rows())


def test_canonical_rows_are_shared_not_copied():
    given = sp.csr_array(rows())
    found = as_rows(given, "X")
    for part in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(found, part), getattr(given, part))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.longdouble])
def test_other_numbers_become_what_they_become_dense(dtype):
    X = np.abs(rows() * 3).astype(dtype)
    assert_bits(as_rows(sp.csr_array(X), "X").toarray(), as_rows(X, "X"))


def test_bools_stored_twice_are_true_as_scipy_has_it():
    twice = sp.csr_array((np.ones(2, bool), np.zeros(2, int), np.array([0, 2])), shape=(1, 1))
    assert_bits(as_rows(twice, "X").toarray(), twice.toarray().astype(float))


def test_a_sparse_vector_is_a_column():
    x = sp.coo_array(np.array([0.0, 1.0, 0.0, 2.0]))
    assert as_rows(x, "X").shape == (4, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named_with_row_and_column(value):
    X = rows()
    y = targets("squared_error", X)
    X[4, 6] = value
    X[9, 0] = value
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    words = f"X must hold finite numbers; found {value} at row 4, column 6. Drop"
    for kind in (sp.csr_matrix, sp.csc_array, sp.coo_array, mixed_up):
        assert_sentence(lambda kind=kind: ds.train(task, kind(X), y), words)
    good = ds.train(task, sp.csr_array(rows()), y, epochs=2)
    assert_sentence(lambda: good.predict(sp.csr_array(X)), words)
    held = (sp.csr_array(X), y)
    assert_sentence(lambda: ds.train(task, ONE, np.ones(4), validation=held), f"validation {words}")


def beyond(kind, part, index):
    """Return a matrix (3, 4) one of whose indices lies outside."""
    X = kind(np.eye(3, 4))
    getattr(X, part)[1] = index
    return X


ONE = sp.csr_array(np.eye(4))
REFUSED = {
    "sparse y": (ONE, sp.csr_matrix(np.ones((4, 1))), "y must be dense; found a sparse csr_matrix"),
    "complex": (ONE * 1j, np.ones(4), "X must hold real numbers; it holds complex ones"),
    "no rows": (sp.csr_array((0, 4)), [], "Training needs at least one row"),
    "other rows": (ONE, np.ones(3), "X has shape (4, 4) and y (3, 1)"),
    "three dimensions": (sp.coo_array(np.ones((4, 2, 2))), np.ones(4), "one or two dimensions"),
    **{
        f"{kind} {part} {index}": (
            beyond(getattr(sp, kind), part, index),
            np.ones(3),
            "X is a sparse matrix that contradicts itself (",
        )
        for kind, part, index in (
            ("csr_array", "indices", 4),
            ("csr_matrix", "indices", -1),
            ("csr_array", "indptr", 3),
            ("csr_array", "indptr", -1),
            ("csc_array", "indices", 3),
            ("coo_array", "col", 4),
            ("coo_matrix", "col", -1),
            ("coo_array", "row", 1 << 30),
            ("lil_matrix", "rows", [4]),
        )
    },
    "too large for float32": (ONE * 1e300, np.ones(4), "found inf at row 0, column 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_sentence(case):
    X, y, words = REFUSED[case]
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    dtype = "float32" if case == "too large for float32" else None
    error = ShapeError if "dimensions" in case or "other" in case else InputError
    assert_sentence(lambda: ds.train(task, X, y, dtype=dtype), words, error)


def test_sparse_targets_weights_and_nets_are_refused_in_one_sentence():
    task, column = ds.Task(ds.Linear(), "logistic", ds.adam(0.1)), sp.csr_array(np.ones((4, 1)))
    assert_sentence(lambda: ds.train(task, ONE, column), "y must be dense")
    assert_sentence(
        lambda: ds.train(task, ONE, [0, 1, 0, 1], sample_weight=column),
        "sample_weight must be dense; found a sparse csr_array of shape (4, 1). Turn",
    )
    net = ds.Task(ds.MLP((3,)), "logistic", ds.adam(0.1))
    assert_sentence(
        lambda: ds.train(net, ONE, [0, 1, 0, 1]),
        "Sparse rows are for linear models, and this one is not; use Linear()",
    )
    flat = ds.Task(ds.MLP(()), "logistic", ds.adam(0.1))
    assert_bits(
        ds.train(flat, ONE, [0, 1, 0, 1], epochs=3).theta,
        ds.train(task, ONE, [0, 1, 0, 1], epochs=3).theta,
    )


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("rate", [0.1, "auto"])
def test_a_matrix_without_entries_trains_its_bias(rate, standardize):
    empty, y = sp.csr_array((6, 3)), np.arange(6.0)
    for bias in (True, False):
        task = ds.Task(ds.Linear(bias=bias), "squared_error", ds.gradient_descent(rate))
        dense, sparse = both(task, empty.toarray(), y, epochs=50, standardize=standardize)
        assert_same_path(sparse, dense, 1e-12)
        assert_bits(sparse.params["weight"], np.zeros((3, 1)))


def test_a_table_with_a_column_called_tocsr_is_a_table():
    run = ds.train(
        ds.Task(ds.Linear(), "squared_error", ds.adam(0.1)),
        pd.DataFrame({"tocsr": [1.0, 2.0]}),
        [1.0, 2.0],
        epochs=2,
        engine="numpy",
    )
    assert run.names == ["tocsr"]
    assert isinstance(run.data.X, np.ndarray)


# ---------------------------------------------------------------- splits, predictions, files


def test_a_split_is_that_of_dense_rows():
    X = rows()
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.1))
    dense, sparse = both(task, X, targets("huber", X), epochs=2, validation=0.3, seed=5)
    assert_bits(sparse.data.X.toarray(), dense.data.X)
    assert_bits(sparse.data.validation[0].toarray(), dense.data.validation[0])
    assert_bits(sparse.data.validation[1], dense.data.validation[1])
    assert sparse.data.X.indices.dtype == sparse.data.X.indptr.dtype == np.int32


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("model", [ds.Linear(), ds.MLP((3,))])
def test_validation_rows_may_be_of_the_other_kind(model, standardize):
    X = rows()
    y = targets("logistic", X, 1)
    task = ds.Task(model, "logistic", ds.adam(0.1))
    asked = {"epochs": 9, "standardize": standardize, "engine": "numpy"}
    wanted = ds.train(task, X, y, validation=(X[:20], y[:20], weights(20)), **asked)
    kinds = [(X, sp.csc_matrix(X[:20]))]
    if not model.hidden:
        kinds += [(sp.csr_array(X), X[:20]), (sp.csr_array(X), sp.coo_array(X[:20]))]
    for training, held in kinds:
        run = ds.train(task, training, y, validation=(held, y[:20], weights(20)), **asked)
        assert_same_path(run, wanted, 1e-9)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_predictions_take_sparse_and_dense_rows(loss, standardize):
    X = rows()
    y = targets(loss, X, 1)
    task = ds.Task(ds.Linear(), loss, ds.adam(0.1))
    for run in both(task, X, y, epochs=9, standardize=standardize):
        for given in (sp.csr_matrix(X), sp.coo_array(X)):
            assert_close(run.scores(given), run.scores(X), 1e-12)
            assert_bits(run.predict(given).shape, run.predict(X).shape)
            if run.task.loss.proper:
                assert_close(run.predict_proba(given), run.predict_proba(X), 1e-12)
        assert_sentence(
            lambda run=run: run.predict(sp.csr_array(X[:, :3])),
            f"X must have {D} columns; found shape (50, 3)",
            ShapeError,
        )


def test_a_run_comes_back_from_its_file_with_its_rows(tmp_path):
    X = rows()
    y = targets("logistic", X, 1)
    task = ds.Task(ds.Linear(), "logistic", ds.nadam(0.05))
    asked = {"batch_size": 7, "validation": 0.2, "seed": 3}
    whole = ds.train(task, sp.csr_array(X), y, epochs=10, **asked)
    half = ds.train(task, sp.csc_matrix(X), y, epochs=4, **asked)
    half.save(tmp_path / "a.run")
    again = ds.load(tmp_path / "a.run")
    assert list(again.names) == [f"x{i}" for i in range(1, D + 1)]
    attached = again.attach(mixed_up(X), y)
    assert_bits(attached.at(3).theta, whole.at(3).theta)
    assert_same_run(attached.resume(epochs=10), whole)
    assert pack(attached.resume(epochs=10)) == pack(whole)
    for other in (X, sp.csr_array(X * (1 + 1e-12)), sp.csr_array(X[::-1])):
        assert_sentence(
            lambda other=other: again.attach(other, y),
            "in the same order, sparse if they were sparse",
        )


def test_numbered_names_are_those_of_a_list():
    names = Numbered(3)
    assert names == Numbered(3) == ["x1", "x2", "x3"]
    assert (names != Numbered(4), names != ["x1", "x2"], names != ["x1", "x2", "b"]) == (True,) * 3
    assert (names[0], names[-1], names[1:], len(names)) == ("x1", "x3", ["x2", "x3"], 3)
    assert hash(names) == hash(Numbered(3))
    assert "x2" in names
    with pytest.raises(IndexError):
        names[3]


def test_tables_are_matched_with_the_names_of_a_sparse_run():
    X = np.eye(4)[:, :2]
    run = ds.train(ds.Task(ds.Linear(), "squared_error", ds.adam(0.1)), sp.csr_array(X), X[:, 0])
    turned = pd.DataFrame({"x2": X[:, 1], "x1": X[:, 0]})
    assert_bits(run.predict(turned), run.predict(X))
    assert_sentence(lambda: run.predict(turned[["x2"]]), "X lacks the columns ['x1']")


# ---------------------------------------------------------------- curvature


def problems(loss="squared_error", *, bias=True, standardize=False, n=50, d=D, **more):
    """Return the same problem dense and sparse, standardised or not."""
    X = rows(n, d)
    task = ds.Task(ds.Linear(bias=bias), loss, "gradient_descent", ds.l2(0.1))
    dense = replace(ready(task, X, targets(loss, X), weights(n)), **more)
    sparse = replace(dense, X=as_rows(sp.csr_array(X), "X"))
    if not standardize:
        return dense, sparse
    scaling = measured(X, weights(n))
    dense = replace(dense, X=(X - scaling.mean) / scaling.deviation)
    return dense, replace(sparse, scaling=scaling)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_the_hessian_is_that_of_dense_rows(bias, standardize):
    dense, sparse = problems(bias=bias, standardize=standardize)
    assert_close(hessian(sparse), hessian(dense), 1e-12)
    assert_close(eigenvalues(sparse), eigenvalues(dense), 1e-12)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_wide_rows_are_bounded_without_a_matrix_as_dense_ones_are(bias, standardize, monkeypatch):
    dense, sparse = problems(bias=bias, standardize=standardize)
    exact = largest(dense)
    monkeypatch.setattr(curvature, "DIRECT", 5)
    assert_close(largest(sparse), largest(dense), 1e-12)
    assert exact <= largest(sparse) <= 1.03 * exact


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_automatic_rate_is_that_of_dense_rows(loss, batch_size, bias, standardize):
    dense, sparse = problems(loss, bias=bias, standardize=standardize, batch_size=batch_size)
    assert_close(automatic_rate(sparse), automatic_rate(dense), 1e-12)


# ---------------------------------------------------------------- rows that no memory would hold


@pytest.fixture
def forbidden(monkeypatch):
    """Make every sparse matrix refuse to become dense."""

    def refuse(self, *_, **__):
        msg = f"{self.shape} was made dense"
        raise AssertionError(msg)

    for kind in ("csr", "csc", "coo", "bsr"):
        for form in ("array", "matrix"):
            for way in ("toarray", "todense", "__array__"):
                monkeypatch.setattr(getattr(sp, f"{kind}_{form}"), way, refuse, raising=False)


def test_the_ban_on_dense_rows_is_felt(forbidden):
    for make_dense in (sp.csr_array.toarray, sp.csr_matrix.todense, np.asarray):
        with pytest.raises(AssertionError, match="was made dense"):
            make_dense(sp.csr_matrix((2, 2)) if make_dense is not sp.csr_array.toarray else ONE)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_nothing_asks_for_dense_rows(loss, batch_size, standardize, forbidden, monkeypatch):
    monkeypatch.setattr(curvature, "DIRECT", D - 1)  # else XᵀX (d, d), which is dense
    X = rows()
    y = targets(loss, X, 1)
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent())
    asked = {"epochs": 3, "batch_size": batch_size, "standardize": standardize, "seed": 2}
    run = ds.train(task, sp.coo_array(X), y, validation=0.2, sample_weight=weights(), **asked)
    again = unpack(pack(run)).attach(sp.csc_matrix(X), y, sample_weight=weights())
    assert_same_run(again.resume(epochs=4), run.resume(epochs=4))
    assert_bits(again.at(2).theta, run.at(2).theta)
    for given in (sp.bsr_array(X), sp.csr_matrix(X)):
        assert run.predict(given).shape[0] == len(X)


@pytest.mark.parametrize(
    ("n", "d"), [(200_000, 500_000), (2000, 300_000), (300_000, 4000)], ids=str
)
@pytest.mark.parametrize("asked", [{}, {"standardize": True}, {"batch_size": 1 << 16}], ids=str)
def test_large_rows_need_a_few_vectors_of_n_and_of_d(n, d, asked):
    """800, 5 and 10 GB if they were dense."""
    rng = np.random.default_rng(0)
    entries = 40_000
    places = rng.integers(0, n, entries), rng.integers(0, d, entries)
    X = sp.coo_array((rng.normal(size=entries), places), shape=(n, d))
    y = X.sum(axis=1) > 0
    task = ds.Task(ds.Linear(), "logistic", ds.gradient_descent())
    tracemalloc.start()
    try:
        run = ds.train(task, X, y, epochs=2, validation=0.2, **asked)
        run.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(run.names) == d
    assert run.theta.size == d + 1
    assert run.history["loss"][-1] < run.history["loss"][0]
    assert peak < 16 * 8 * (n + d)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{}, {"standardize": True}], ids=str)
def test_two_thousand_rows_of_ten_million_columns_train_and_come_back(asked, tmp_path):
    """160 GB if they were dense."""
    n, d = 2000, 10_000_000
    rng = np.random.default_rng(0)
    places = np.repeat(np.arange(n), 20), rng.integers(0, d, 20 * n)
    X = sp.coo_array((rng.normal(size=20 * n), places), shape=(n, d))
    task = ds.Task(ds.Linear(), "logistic", ds.gradient_descent())
    tracemalloc.start()
    try:
        run = ds.train(task, X, np.arange(n) % 2, epochs=3, validation=0.2, **asked)
        run.save(tmp_path / "wide.run")
        again = ds.load(tmp_path / "wide.run").attach(X, np.arange(n) % 2)
        assert_bits(again.at(1).theta, run.at(1).theta)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert run.history["loss"][-1] < run.history["loss"][0]
    assert peak < 3e9
    assert unpack(pack(run, keyframes=False)).names == Numbered(d)


@pytest.mark.parametrize("rule", ["lbfgs", "newton"])
@pytest.mark.parametrize("loss", ["squared_error", "logistic", "softmax"])
@pytest.mark.parametrize("standardize", [False, True])
def test_the_searching_rules_take_sparse_rows(rule, loss, standardize):
    X = rows()
    task = ds.Task(ds.Linear(), LOSSES.make(loss), RULES.make(rule), penalty=ds.l2(0.1))
    asked = {"epochs": 40, "standardize": standardize, "seed": 3}
    dense, sparse = both(task, X, targets(loss, X), **asked)
    assert sparse.state.step > 0
    # Rounding decides the last steps, and softmax's biases are free to move together.
    assert_close(sparse.predict(X), dense.predict(X), 1e-7, "predictions")
    assert sparse.outcome.loss == pytest.approx(dense.outcome.loss, rel=1e-12)
    assert sparse.optimum().gap == pytest.approx(dense.optimum().gap, abs=1e-9)
