"""The numbers behind pictures: what is shown is what was recorded, and what is sampled says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.oracles import assert_bits, assert_close

import descend as ds
from descend.randomness import permutation
from descend.showing import planes
from descend.showing.curves import curves_of
from descend.showing.frames import frames_of
from descend.showing.samples import rows_of, units_of
from descend.showing.surfaces import surface_of

RNG = np.random.default_rng(6)
X = RNG.normal(size=(60, 3)) * [1.0, 5.0, 0.2] + [0.0, 40.0, 3.0]
Y = X @ [1.0, -0.5, 2.0] + RNG.normal(size=60)
GD = ds.gradient_descent


def a_run(model=None, loss=None, optimizer=None, X=X, y=Y, epochs=40, **more):
    task = ds.Task(model or ds.Linear(), loss or ds.squared_error(), optimizer or GD("auto"))
    return ds.train(task, X, y, epochs=epochs, engine="numpy", **more)


def unmoved(**more):
    return a_run(callbacks=[ds.Callback(start=lambda now: True)], **more)


@pytest.fixture(scope="module")
def long_run():
    return a_run(standardize=True, epochs=2000)


@pytest.fixture(scope="module")
def restored():
    y = Y + 30 * RNG.normal(size=60)
    net = ds.MLP((8,))
    run = a_run(net, optimizer=ds.adam(0.05), y=y, epochs=300, standardize=True, validation=0.3)
    return run if run.outcome.best_step else a_patient(net, y)


def a_patient(net, y):
    return a_run(
        net, optimizer=ds.adam(0.05), y=y, epochs=300, standardize=True, validation=0.3, patience=20
    )


# ---------------------------------------------------------------- frames


def test_frames_are_the_states_that_were_recorded(long_run):
    frames = frames_of(long_run, 50)
    assert (len(frames.steps), frames.steps[0], frames.steps[-1]) == (50, 0, 2000)
    for step, theta in zip(frames.steps[::7], frames.theta[::7], strict=True):
        assert_bits(theta, long_run.at(int(step)).theta)
    assert_bits(frames.theta[frames.returned], long_run.theta)


def test_early_frames_are_closer_together(long_run):
    gaps = np.diff(frames_of(long_run, 50).steps)
    assert (gaps > 0).all()
    assert gaps[0] == 1 < long_run.keyframes.stride
    assert gaps[:10].sum() * 5 < gaps[-10:].sum()


def test_without_rows_or_time_the_frames_are_keyframes(long_run, tmp_path, monkeypatch):
    long_run.save(tmp_path / "long.run")
    lost = ds.load(tmp_path / "long.run")
    recorded = {*long_run.keyframes.steps, 2000}
    assert set(frames_of(lost, 60).steps.tolist()) <= recorded
    monkeypatch.setattr("descend.showing.frames.WORK", 10 * 60 * len(lost.theta))
    some = frames_of(long_run, 61).steps
    assert set(some.tolist()) <= recorded | set(range(10))
    assert not set(some.tolist()) <= recorded


def test_few_frames_are_all_shown():
    run = a_run(epochs=7)
    assert frames_of(run).steps.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert frames_of(unmoved()).steps.tolist() == [0]


@pytest.mark.parametrize("limit", [3, 5, 40])
def test_the_best_step_is_a_frame(restored, limit):
    best = restored.outcome.best_step
    assert 0 < best < restored.state.step
    frames = frames_of(restored, limit)
    assert len(frames.steps) == limit
    assert (frames.steps[0], frames.steps[-1]) == (0, restored.state.step)
    assert frames.steps[frames.returned] == best
    assert_bits(frames.theta[frames.returned], restored.theta)
    assert_bits(frames.theta[-1], restored.state.theta)
    assert (np.diff(frames.steps) > 0).all()


def test_a_model_file_has_one_frame(tmp_path, long_run):
    long_run.save(tmp_path / "model.run", keyframes=False)
    frames = frames_of(ds.load(tmp_path / "model.run"))
    assert frames.steps.tolist() == [2000]
    assert_bits(frames.theta[0], long_run.theta)


def test_too_few_frames_are_refused(long_run):
    with pytest.raises(ds.ParameterError, match="at least 3"):
        frames_of(long_run, 2)


# ---------------------------------------------------------------- rows


def test_all_rows_are_shown_as_the_model_meets_them():
    weights = RNG.uniform(0.5, 2, 60)
    run = a_run(standardize=True, validation=(X[:7] + 1, Y[:7]), sample_weight=weights)
    rows = rows_of(run)
    standard = np.concatenate([X, X[:7] + 1])
    mean = weights @ X / weights.sum()
    standard = (standard - mean) / np.sqrt(weights @ (X - mean) ** 2 / weights.sum())
    assert_close(rows.X, standard, 1e-12)
    assert_bits(rows.y, np.concatenate([Y, Y[:7]])[:, None])
    assert_bits(rows.weight, np.concatenate([weights, np.ones(7)]))
    assert rows.part.tolist() == [0] * 60 + [1] * 7
    assert rows.index.tolist() == [*range(60), *range(7)]
    assert rows.count == rows.of == {"train": 60, "validation": 7}
    assert rows.sentence == "all 60 training rows and all 7 validation rows"


def test_many_rows_are_drawn_and_it_says_so():
    many = RNG.normal(size=(3000, 2))
    run = a_run(X=many, y=many[:, 0], epochs=1, validation=0.2, seed=5)
    rows = rows_of(run, 100)
    assert rows.count == {"train": 80, "validation": 20}
    assert rows.sentence == (
        "80 of 2400 training rows and 20 of 600 validation rows, drawn by the keyed permutation"
    )
    first = rows.index[rows.part == 0]
    assert first.tolist() == sorted(permutation(2400, 5, "sample")[:80].tolist())
    assert_bits(rows.X[rows.part == 0], run.data.X[first])
    assert_bits(rows.y[rows.part == 1], run.data.validation[1][rows.index[rows.part == 1]])


def test_sparse_rows_are_the_dense_ones():
    dense = np.where(RNG.random((40, 5)) < 0.4, RNG.normal(size=(40, 5)), 0.0)
    runs = [a_run(X=x, y=dense[:, 0], standardize=True) for x in (dense, csr_array(dense))]
    a, b = (rows_of(run) for run in runs)
    assert isinstance(b.X, np.ndarray)
    assert_close(a.X, b.X, 1e-12, 1e-12)


def test_wide_rows_are_fewer(monkeypatch):
    monkeypatch.setattr("descend.showing.samples.ENTRIES", 60)
    rows = rows_of(a_run(validation=0.5))
    assert len(rows.X) == 20
    assert "10 of 30 training rows" in rows.sentence


def test_one_row_and_none():
    assert rows_of(a_run(X=[[1.0]], y=[2.0])).sentence == "the only training row"
    assert rows_of(replace(a_run(), data=None)) is None


def test_labels_are_codes():
    run = a_run(loss=ds.softmax(), y=[f"<{i % 3}>" for i in range(60)], standardize=True)
    assert rows_of(run).y[:4].tolist() == [[0.0], [1.0], [2.0], [0.0]]
    assert units_of(run).classes == ("<0>", "<1>", "<2>")


def test_units_lead_back_to_the_columns():
    run = a_run(standardize=True)
    units, rows = units_of(run), rows_of(run)
    assert_close(units.mean + units.scale * rows.X, X, 1e-12)
    assert (units.features, units.target, units.classes) == (("x1", "x2", "x3"), "y", None)


def test_units_of_a_table_lead_back_to_the_table():
    table = ds.datasets.shipped_table("diabetes")
    fitted = ds.fit(table, "progression", model="mlp", hidden=2, epochs=2)
    units, rows = units_of(fitted.run), rows_of(fitted.run)
    ages = units.mean[0] + units.scale[0] * rows.X[:, 0]
    assert units.features[0] == "age"
    assert_close(ages, np.rint(ages), 1e-9)
    assert 19 <= np.rint(ages).min() < ages.max() < 79.5
    scores = units.target_mean + units.target_scale * rows.y
    assert units.target == "progression"
    assert_close(scores, np.rint(scores), 1e-9)
    assert 25 <= np.rint(scores).min() < scores.max() < 346.5


# ---------------------------------------------------------------- curves


def test_curves_are_the_history():
    run = a_run(validation=0.2, batch_size=16, epochs=5, metrics=["rmse"])
    found = {curve.name: curve for curve in curves_of(run)}
    assert set(found) == set(run.history.names())
    for name, curve in found.items():
        assert_bits(curve.y, run.history[name])
        assert (curve.low, curve.high) == (None, None)
    assert found["loss"].x.tolist() == list(range(15))
    assert found["validation_loss"].x.tolist() == [3, 6, 9, 12, 15]
    assert found["loss"].per, found["validation_loss"].per == ("update", "epoch")
    assert found["loss"].label == "training loss of each batch"
    assert found["validation_rmse"].label == "validation rmse"


def test_a_full_batch_tells_its_loss_once():
    run = a_run(validation=0.2)
    assert "epoch_loss" in run.history
    names = [curve.name for curve in curves_of(run)]
    assert names == ["loss", "gradient_norm", "update_norm", "learning_rate", *names[4:]]
    assert names[4:] == ["validation_loss", "validation_rmse"]


def test_long_curves_keep_their_extremes():
    run = a_run(batch_size=10, epochs=20)
    whole, curve = curves_of(run)[0], curves_of(run, limit=25)[0]
    assert len(whole.x) == 120
    assert len(curve.x) == 24
    blocks = whole.y.reshape(24, 5)
    assert_close(curve.y, blocks.mean(axis=1), 1e-12)
    assert_bits(curve.low, blocks.min(axis=1))
    assert_bits(curve.high, blocks.max(axis=1))
    assert curve.x.tolist() == list(range(2, 120, 5))


def test_blocks_of_unequal_length_are_joined_by_their_counts():
    run = a_run(batch_size=10, epochs=20)
    curve = curves_of(run, limit=17)[0]  # 15 blocks of 8
    last = curves_of(a_run(batch_size=10, epochs=19), limit=17)[0]  # 114 = 16 · 7 + 2
    assert len(curve.x) == 15
    y = run.history["loss"][:114]
    assert_close(last.y[-1], y[112:].mean(), 1e-12)
    assert last.x[-1] == 112


def test_nothing_recorded_is_no_curve():
    assert curves_of(unmoved()) == []
    assert curves_of(a_run(record=False)) == []


# ---------------------------------------------------------------- surfaces


def points_of(surface):
    """Return the parameters at four corners and the middle, and the values there."""
    nv, nu = surface.values.shape
    u, v = np.linspace(*surface.u, nu), np.linspace(*surface.v, nv)
    for i, j in [(0, 0), (nv - 1, 0), (0, nu - 1), (nv - 1, nu - 1), (nv // 2, nu // 2)]:
        theta = surface.origin + u[j] * surface.directions[0] + v[i] * surface.directions[1]
        yield theta, surface.values[i, j]


def assert_is_the_objective(run, surface, tolerance=1e-10):
    for theta, value in points_of(surface):
        assert_close(value, run.program.value(theta.astype(run.theta.dtype)), tolerance)


def test_two_parameters_are_the_whole_surface():
    x = np.array([0.0, 1.0, 2.0, 4.0])
    y = 2 * x + 1 + np.array([0.1, -0.2, 0.1, 0.0])
    run = a_run(X=x[:, None], y=y, epochs=30)
    surface = surface_of(run)
    assert surface.exact
    assert surface.axes == ("weight", "bias")
    assert (surface.share, surface.values.shape) == (1.0, (41, 61))
    u, v = np.linspace(*surface.u, 61), np.linspace(*surface.v, 41)
    by_hand = [[np.mean((w * x + b - y) ** 2) for w in u] for b in v]
    assert_close(surface.values, np.array(by_hand), 1e-9)
    assert_bits(surface.path, frames_of(run).theta)
    for theta in (*surface.path, np.polyfit(x, y, 1)):  # the optimum too
        assert surface.u[0] < theta[0] < surface.u[1]
        assert surface.v[0] < theta[1] < surface.v[1]
    assert "whole surface" in surface.sentence


def test_an_optimum_beside_the_path_is_in_the_picture():
    x = np.array([0.0, 1.0, 2.0, 4.0])
    run = a_run(X=x[:, None], y=2 * x + 1, optimizer=GD(0.01), epochs=10)
    surface = surface_of(run)
    assert surface.path[:, 0].max() * 1.2 < 2 < surface.u[1]
    assert surface.path[:, 1].max() * 1.2 < 1 < surface.v[1]


def test_a_far_optimum_does_not_flatten_the_path():
    run = a_run(X=[[1.0], [2.0]], y=[100.0, 200.0], optimizer=GD(1e-4), epochs=2)
    surface = surface_of(run)
    assert surface.u[1] < 1


def test_the_plane_is_that_of_most_motion():
    run = a_run(ds.MLP((4,)), X=(X - X.mean(0)) / X.std(0), optimizer=ds.adam(0.02), epochs=100)
    frames, surface = frames_of(run), surface_of(run, (5, 7))
    assert not surface.exact
    assert_close(surface.directions @ surface.directions.T, np.eye(2), 1e-12)
    moved = frames.theta - run.theta
    _, lengths, directions = np.linalg.svd(moved, full_matrices=False)
    assert_close(surface.share, (lengths[:2] ** 2).sum() / (lengths**2).sum(), 1e-9)
    assert_close(np.abs(np.sum(directions[:2] * surface.directions, axis=1)), np.ones(2), 1e-9)
    assert_close(surface.path, moved @ surface.directions.T, 1e-12)
    assert surface.path[0, 0] <= 0 <= surface.path[0, 1]
    assert_bits(surface.path[frames.returned], np.zeros(2))
    assert f"{surface.share:.1%}".replace("%", " %") in surface.sentence
    assert "21 dimensions" in surface.sentence
    assert_is_the_objective(run, surface)


HARD = {
    "two hidden layers": (ds.MLP((4, 3), "gelu"), {"loss": ds.huber(0.5)}),
    "softmax between": (ds.MLP((4, 3), "softmax", bias=False), {}),
    "labels": (ds.Linear(), {"loss": ds.softmax(), "y": [i % 3 for i in range(60)]}),
    "outputs": (ds.MLP((3,)), {"y": X[:, :2] * 1.0, "sample_weight": np.arange(1.0, 61.0)}),
    "single precision": (ds.Linear(), {"dtype": "float32"}),
}


@pytest.mark.parametrize("case", HARD)
def test_values_are_the_objective(case):
    model, more = HARD[case]
    run = a_run(model, epochs=9, **{"X": X / 40, "optimizer": ds.adam(0.1), **more})
    assert_is_the_objective(run, surface_of(run, (5, 7)), 1e-4 if "dtype" in more else 1e-10)


def test_values_of_sparse_standardised_rows_with_a_penalty_and_a_sum():
    dense = np.where(RNG.random((60, 4)) < 0.4, 3.0, 0.0) + np.eye(60, 4)
    task = ds.Task(ds.Linear(), ds.squared_error(), GD(1e-3), ds.l1(0.2), "sum")
    run = ds.train(task, csr_array(dense), Y, epochs=9, standardize=True)
    assert_is_the_objective(run, surface_of(run, (5, 7)))
    task = replace(task, penalty=ds.l2(0.3, biases=True), model=ds.MLP((3,)))
    run = ds.train(task, dense, Y, epochs=9)
    assert_is_the_objective(run, surface_of(run, (5, 7)))


def test_values_of_an_own_model():
    own = ds.custom_model(
        lambda rng: {"w": rng.normal(size=(3, 1)), "b": [0.0]},
        lambda p, X: X @ p["w"] + p["b"],
        gradient=lambda p, X, g: {"w": X.T @ g, "b": g.sum(axis=0)},
    )
    run = a_run(own, X=X / 40, optimizer=GD(0.05))
    assert_is_the_objective(run, surface_of(run, (3, 4)))


def test_a_sampled_surface_says_so(monkeypatch):
    monkeypatch.setattr(planes, "FEWEST", 20)
    monkeypatch.setattr(planes, "WORK", 30 * 35)
    task = ds.Task(ds.Linear(), ds.squared_error(), GD(1e-6), reduction="sum")
    run = ds.train(task, X, Y, epochs=9)
    surface = surface_of(run, (5, 7))
    assert "30 of 60 training rows, drawn by the keyed permutation" in surface.sentence
    rows = np.sort(permutation(60, 0, "sample")[:30])
    for theta, value in points_of(surface):
        errors = X[rows] @ theta[:3] + theta[3] - Y[rows]
        assert_close(value, 2 * (errors**2).sum(), 1e-10)  # stands for all 60 rows


def test_of_a_diverged_run_the_beginning_is_shown():
    run = a_run(X=X[:, :1], optimizer=GD(1.3), epochs=2000, on_divergence="continue")
    assert not np.isfinite(run.theta).all()
    surface = surface_of(run)
    assert "The run diverged, and what came after update" in surface.sentence
    assert np.isfinite(surface.values).all()
    assert np.nanmax(np.abs(surface.path)) > surface.u[1]
    assert np.isnan(surface.path[-1]).all()


def test_a_frame_that_is_not_finite_is_nan():
    run = a_run(X=X[:, :1], epochs=3)
    frames = frames_of(run)
    frames.theta[1] = [np.inf, 1.0]
    path = surface_of(run, (5, 7), frames).path
    assert np.isnan(path).tolist() == [[False] * 2, [True] * 2, [False] * 2, [False] * 2]


def test_what_is_not_finite_is_nan():
    run = a_run(X=X[:, :1] * 1e160, y=Y, optimizer=GD(1e-3), epochs=1, on_divergence="continue")
    surface = surface_of(run)
    assert np.isnan(surface.values).all()


@pytest.mark.parametrize(
    "run",
    [
        replace(a_run(), data=None),
        a_run(ds.Linear(bias=False), X=X[:, :1]),
        unmoved(),
    ],
    ids=["no rows", "one parameter", "no motion"],
)
def test_no_plane(run):
    assert surface_of(run) is None


def test_a_straight_path_still_has_a_plane():
    run = a_run(epochs=1)
    surface = surface_of(run, (5, 7))
    assert surface.share == 1.0
    assert_close(surface.directions @ surface.directions.T, np.eye(2), 1e-12)
    assert surface.v[0] < 0 < surface.v[1]
    assert surface_of(unmoved(X=X[:, :1])).exact
