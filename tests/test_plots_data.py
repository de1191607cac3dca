"""Figures of data and quality: fits, regions, residuals, confusion, ROC, calibration, galleries.

Their looks are compared with reference images, their facts with the run's own predictions on grids
made here, and with scikit-learn.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics
from sklearn.datasets import load_iris
from tests.plotting import assert_same_picture

import descend as ds
from descend.classics import moons as document
from descend.errors import InputError
from descend.plots import FIGURES, gallery, scores_and_sigmoids, slices

OURS = (
    "data",
    "fit",
    "labels",
    "regions",
    "residuals",
    "predicted",
    "confusion",
    "roc",
    "precision_recall",
    "calibration",
)


# ---------------------------------------------------------------- runs


def trained(X, y, model=None, loss=None, optimizer=None, **options):
    task = ds.Task(
        model or ds.Linear(), loss or ds.squared_error(), optimizer or ds.gradient_descent(0.1)
    )
    return ds.train(task, X, y, **{"epochs": 60, "engine": "numpy", **options})


@cache
def line():
    rows = ds.datasets.line_by_hand()
    held = (rows.X_validation, rows.y_validation)
    return trained(rows.X, rows.y, epochs=300, validation=held)


@cache
def moons():
    X, y = ds.datasets.moons()
    named = np.where(y == 1, "upper", "lower")
    return trained(X, named, ds.MLP((8,)), ds.logistic(), ds.adam(0.05), epochs=200, validation=0.2)


@cache
def iris():
    found = load_iris(as_frame=True)
    return trained(
        found.data,
        found.target_names[found.target],
        loss=ds.softmax(),
        epochs=200,
        standardize=True,
        validation=0.2,
    )


@cache
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 2.0]
    y = X @ [1.0, 0.3, 1.0] + rng.normal(size=90)
    return trained(X, y, standardize=True, validation=0.3)


@cache
def fitted():
    """Fit a net on a table: columns and target have units of their own."""
    table = ds.datasets.shipped_table("diabetes")
    return ds.fit(table, "progression", hidden=4, epochs=8, engine="numpy").run


@cache
def sure():
    X, y = ds.datasets.moons()
    return trained(X, y, loss=ds.hinge(), validation=0.2)


@cache
def crowd():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9000, 2))
    return trained(X, X @ [1.0, 2.0] + rng.normal(size=9000), epochs=5)


PICTURES = {
    "fit": (line, "fit", {}),
    "fit-start": (line, "fit", {"step": 0}),
    "fit-partial": (fitted, "fit", {"x": "bmi"}),
    "fit-labels": (moons, "fit", {"theme": "dark"}),
    "fit-several": (iris, "fit", {}),
    "data": (line, "data", {}),
    "data-labels": (moons, "data", {}),
    "labels": (moons, "labels", {"theme": "dark"}),
    "labels-several": (iris, "labels", {}),
    "regions": (moons, "regions", {}),
    "regions-several": (iris, "regions", {"theme": "dark"}),
    "regions-scores": (sure, "regions", {}),
    "regions-numbers": (numbers, "regions", {}),
    "residuals": (numbers, "residuals", {"size": "normal"}),
    "residuals-crowd": (crowd, "residuals", {"theme": "dark"}),
    "predicted": (numbers, "predicted", {}),
    "confusion": (iris, "confusion", {}),
    "roc": (iris, "roc", {}),
    "precision_recall": (iris, "precision_recall", {"theme": "dark"}),
    "calibration": (moons, "calibration", {}),
}


def texts(figure):
    """Return all that a figure says: title, notes, names of axes and lines."""
    found = [figure.get_suptitle(), figure.get_supxlabel()]
    for ax in figure.axes:
        legend = ax.get_legend()
        found += [ax.get_title(loc="left"), ax.get_title(), ax.get_xlabel(), ax.get_ylabel()]
        found += [text.get_text() for text in (*ax.texts, *(legend.get_texts() if legend else ()))]
    return " ".join(" ".join(found).split())


# ---------------------------------------------------------------- looks


@pytest.mark.parametrize("name", PICTURES)
def test_figures_look_as_they_did(name, tmp_path):
    make, kind, options = PICTURES[name]
    figure = getattr(make().plot, kind)(**{"size": "small", **options})
    assert_same_picture(figure, f"data/{name}", tmp_path)


def test_every_kind_of_ours_has_a_reference_image():
    assert {kind for _, kind, _ in PICTURES.values()} == set(OURS)
    assert set(OURS) <= set(FIGURES)


def test_the_gallery_looks_as_it_did(tmp_path):
    assert_same_picture(gallery(size="normal"), "data/gallery", tmp_path)
    pairs = scores_and_sigmoids(size="small", theme="dark")
    assert_same_picture(pairs, "data/scores-and-sigmoids", tmp_path)


# ---------------------------------------------------------------- fits


def prediction(figure):
    (found,) = [one for one in figure.axes[0].lines if one.get_label() == "prediction"]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def points(ax):
    return np.concatenate([np.asarray(dots.get_offsets()) for dots in ax.collections])


def test_the_line_is_what_the_run_predicts_and_the_points_are_its_rows():
    run = line()
    x, y = prediction(run.plot.fit())
    np.testing.assert_allclose(y, run.predict(x[:, None]), rtol=1e-12)
    found, rows = points(run.plot.fit().axes[0]), ds.datasets.line_by_hand()
    every = np.vstack([np.c_[rows.X, rows.y], np.c_[rows.X_validation, rows.y_validation]])
    np.testing.assert_allclose(found[np.lexsort(found.T)], every[np.lexsort(every.T)])


def test_with_several_columns_the_others_are_held_at_their_mean_and_it_is_said():
    run = numbers()
    figure = run.plot.fit(x="x3")
    x, y = prediction(figure)
    held = np.tile(run.data.X.mean(axis=0), (len(x), 1))
    held[:, 2] = x
    np.testing.assert_allclose(y, run.predict(held), rtol=1e-12)
    low, high = run.data.X[:, 2].min(), run.data.X[:, 2].max()
    assert x[0] < low < high < x[-1]
    assert "(the other 2 columns held at their mean)" in texts(figure)
    assert "held" not in texts(line().plot.fit())


def test_tables_are_drawn_in_the_units_of_their_columns():
    run = fitted()
    figure = run.plot.fit(x="bmi")
    x, y = prediction(figure)
    raw = ds.datasets.shipped_table("diabetes")
    table = np.genfromtxt(raw, delimiter=",", names=True)
    assert table["bmi"].min() - 3 < x[0] < table["bmi"].min() + 3
    # The encoder standardises by the training rows, whose mean is 0 for every column.
    j = list(run.names).index("bmi")
    Z = np.zeros((len(x), run.setup.d))
    plan = next(p for p in ds.tables.Encoder.from_json(run.encoder).columns if p.name == "bmi")
    ((mean, scale),) = plan.units
    Z[:, j] = (x - mean) / scale
    Z[:, np.arange(run.setup.d) != j] = run.data.X[:, np.arange(run.setup.d) != j].mean(axis=0)
    np.testing.assert_allclose(y, run.predict(Z), rtol=1e-9)
    assert points(figure.axes[0])[:, 1].max() == pytest.approx(table["progression"].max(), rel=0.1)
    assert "standardised target" in texts(figure)


def test_the_title_has_the_loss_of_the_parameters_drawn():
    X, y = ds.datasets.line_sgd(50)
    start = ds.Linear(init={"weight": [-1.0], "bias": [1.0]})
    run = trained(X, y, start, optimizer=ds.gradient_descent(0.01), epochs=600)
    assert "mean squared error 0.0771 after 600 updates" in texts(run.plot.fit())
    assert "mean squared error 84 after 0 updates" in texts(run.plot.fit(step=0))
    by_hand = np.mean((X[:, 0] * run.at(30).theta[0] + run.at(30).theta[1] - y.ravel()) ** 2)
    assert f"mean squared error {by_hand:.3g} after 30 updates" in texts(run.plot.fit(step=30))
    assert "after 30 updates (the last recorded before 31)" in texts(run.plot.fit(step=31))
    with pytest.raises(InputError, match="ask for a step from 0 to 600; got 601"):
        run.plot.fit(step=601)


def test_a_diverged_fit_says_that_nothing_can_be_drawn():
    X, y = ds.datasets.line_sgd(50)
    run = trained(X, y, optimizer=ds.gradient_descent(5.0), epochs=900, on_divergence="continue")
    said = texts(run.plot.fit())
    assert "is not a number" in said
    assert "What is predicted is no number." in said


def test_labels_have_the_line_of_their_probability():
    run = sure()
    x, y = prediction(run.plot.fit(x=1))
    held = np.tile(run.data.X.mean(axis=0), (len(x), 1))
    held[:, 1] = x
    np.testing.assert_allclose(y, run.scores(held)[:, 0], rtol=1e-12)


def test_data_shows_every_row_once_training_beside_validation():
    figure = moons().plot.data(x="x1", y="x2")
    left, right = figure.axes
    held = moons().data.validation[0]
    assert (len(points(left)), len(points(right))) == (160, 40)
    np.testing.assert_allclose(np.sort(points(right)[:, 1]), np.sort(held[:, 1]))
    assert "160 training rows and 40 validation rows" in texts(figure)
    assert len(crowd().plot.data().axes) == 1


# ---------------------------------------------------------------- columns


def test_columns_are_chosen_by_name_or_place_and_a_wrong_name_gets_a_hint():
    figure = iris().plot.regions(x="sepal width (cm)", y=0)
    assert figure.axes[0].get_xlabel() == "sepal width (cm)"
    assert figure.axes[0].get_ylabel() == "sepal length (cm)"
    with pytest.raises(InputError, match=r"did you mean 'petal width \(cm\)'"):
        iris().plot.regions(x="petal widht (cm)")
    with pytest.raises(InputError, match="There is no column 7"):
        iris().plot.fit(x=7)
    with pytest.raises(InputError, match="asked for twice"):
        iris().plot.regions(x=1, y=1)


@cache
def encoded():
    """Fit a table with a date, a category of two and one of three, and a broken name."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x\n2": rng.normal(size=80), "noise": rng.normal(size=80)})
    frame["sold on"] = pd.date_range("2020-03-01", periods=80, freq="19D")
    frame["city"] = np.array(["Bern", "Rome", "Oslo"])[np.arange(80) % 3]
    frame["since"] = pd.to_datetime(
        [f"{1 + i % 12:02}:00:00" for i in range(80)], format="%H:%M:%S"
    )
    frame["price"] = frame["x\n2"] + np.arange(80) % 3
    return ds.fit(frame, "price", epochs=5, engine="numpy").run


@pytest.mark.parametrize("asked", ["sold on", "city"])
def test_a_column_that_became_several_features_is_told_which(asked):
    run = encoded()
    became = [name for name in run.names if name.startswith(asked)]
    assert len(became) > 1
    with pytest.raises(InputError, match=f"'{asked}' became {len(became)} features") as found:
        run.plot.fit(x=asked)
    assert all(repr(name) in str(found.value) for name in became)
    assert "did you mean" not in str(found.value)


def test_names_are_taken_as_they_are_shown():
    run = encoded()
    seen = slices.look(run)
    assert slices.column(seen, "x 2", 0) == run.names.index("x\n2")
    assert "since" not in run.names
    assert slices.column(seen, "since", 0) == run.names.index("since hour")
    with pytest.raises(InputError, match="did you mean 'noise'"):
        slices.column(seen, "noisy", 0)


def test_the_usual_columns_are_those_the_model_relies_on():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 4)) * [1.0, 100.0, 0.01, 1.0]
    weights = np.array([1.0, 0.03, 900.0, 0.0])  # times the deviations: 1, 3, 9, 0
    run = trained(X, X @ weights, ds.Linear(init=[*weights, 0.0]), epochs=1)
    seen = slices.look(run)
    order = slices.relied_on(run, seen.rows)
    expected = np.argsort(-np.abs(run.theta[:4]) * run.data.X.std(axis=0))
    np.testing.assert_array_equal(order, expected)
    assert slices.chosen(seen, None) == (expected[0], expected[1])
    assert slices.chosen(seen, None, str(seen.names[expected[0]])) == (expected[1], expected[0])


# ---------------------------------------------------------------- regions


def grid(ax, shape):
    """Return the middles of an image's pixels as rows (nv · nu, 2)."""
    (image,) = ax.get_images()
    left, right, bottom, top = image.get_extent()
    across = left + (np.arange(shape[1]) + 0.5) * (right - left) / shape[1]
    up = bottom + (np.arange(shape[0]) + 0.5) * (top - bottom) / shape[0]
    return np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)


def test_the_shade_is_the_probability_at_each_pixel():
    run = moons()
    ax = run.plot.regions(x=0, y=1).axes[0]
    shade = np.asarray(ax.get_images()[0].get_array())
    expected = run.predict_proba(grid(ax, shade.shape))[:, 1]
    np.testing.assert_allclose(shade.ravel(), expected, rtol=1e-9, atol=1e-12)


def test_regions_are_what_the_run_predicts_with_the_other_columns_held():
    run = iris()
    ax = run.plot.regions(x="petal width (cm)", y="petal length (cm)").axes[0]
    colours = np.asarray(ax.get_images()[0].get_array())
    X = np.tile(run.data.X.mean(axis=0), (colours.shape[0] * colours.shape[1], 1))
    X[:, [3, 2]] = grid(ax, colours.shape)
    labels = run.predict(X).reshape(colours.shape[:2])
    # Each region has the tint of its label's colour: blue, orange, green lead in turn.
    leads = {"setosa": 2, "versicolor": 0, "virginica": 1}
    strongest = colours[..., :3].argmax(axis=-1)
    expected = np.vectorize(leads.get)(labels)
    np.testing.assert_array_equal(strongest, expected)
    assert len(np.unique(expected)) == 3


def test_the_share_on_their_own_side_is_the_accuracy_over_all_rows():
    run = sure()
    X, y = ds.datasets.moons()
    share = 100 * np.mean(run.predict(X) == y)
    assert f"{share:g} % of the rows shown lie on their own side" in texts(run.plot.regions())
    assert "own side" not in texts(iris().plot.regions())


def test_numbers_have_a_shade_and_every_row_its_own():
    run = numbers()
    ax = run.plot.regions(x=0, y=1).axes[0]
    shade = np.asarray(ax.get_images()[0].get_array())
    X = np.tile(run.data.X.mean(axis=0), (shade.size, 1))
    X[:, :2] = grid(ax, shade.shape)
    np.testing.assert_allclose(shade.ravel(), run.predict(X), rtol=1e-9)
    shown = [c for c in ax.collections if len(np.atleast_1d(c.get_array())) == len(run.data.y)]
    np.testing.assert_allclose(np.sort(shown[-1].get_array()), np.sort(run.data.y[:, 0]))


def test_a_plane_needs_two_columns_and_an_output_that_is_there():
    with pytest.raises(InputError, match="A plane needs two columns, and there is one, 'x1'"):
        line().plot.regions()
    with pytest.raises(InputError, match="1 outputs: ask for output 0 to 0; got 1"):
        moons().plot.regions(output=1)


def test_labels_cross_exactly_the_rows_that_are_wrong():
    run = iris()
    figure = run.plot.labels()
    crosses = [c for c in figure.axes[2].collections if c.get_label() == "wrong"]
    rows = [(run.data.X, run.data.y), run.data.validation[:2]]
    wrong = sum(int((run.predict(X) != np.array(run.classes)[y]).sum()) for X, y in rows)
    assert wrong > 0
    assert sum(len(c.get_offsets()) for c in crosses) == wrong
    assert f"{wrong} rows of 150 wrong, crossed" in texts(figure)


# ---------------------------------------------------------------- quality


def test_residuals_and_r2_are_those_of_the_validation_rows():
    run = numbers()
    X, y, _ = run.data.validation
    left = y[:, 0] - run.predict(X)
    figure = run.plot.residuals()
    assert f"root mean square {np.sqrt(np.mean(left**2)):.3g}, mean" in texts(figure)
    (dots, _) = figure.axes[0].collections  # and the band
    np.testing.assert_allclose(np.sort(np.asarray(dots.get_offsets())[:, 1]), np.sort(left))
    r2 = metrics.r2_score(y[:, 0], run.predict(X))
    assert f"R² {r2:.3g}" in texts(run.plot.predicted())
    assert "all 27 validation rows" in texts(figure)
    assert "all 63 training rows" in texts(run.plot.residuals(part="training"))


@pytest.mark.parametrize("rows", [18, 5000])
def test_all_extremes_stand_beside_the_normal_at_their_true_height(rows):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(rows, 1))
    y = X[:, 0] + rng.normal(size=rows)
    y[0] += 50
    y[1] -= 30
    run = trained(X, y)
    left = np.sort(y - run.predict(X).ravel())
    shown = run.plot.residuals().axes[2].collections[0].get_offsets()
    np.testing.assert_allclose(shown[[0, 1, -2, -1], 1], left[[0, 1, -2, -1]])
    if rows == 18:
        np.testing.assert_allclose(shown[:, 1], left)
    np.testing.assert_allclose(shown[-1, 0], norm.ppf(1 - 0.5 / rows))


def test_confusion_roc_and_precision_are_those_of_scikit_learn():
    run = iris()
    X, code, _ = run.data.validation
    truth = np.array(run.classes)[code]
    expected = metrics.confusion_matrix(truth, run.predict(X))
    cells = [text.get_text() for text in run.plot.confusion().axes[0].texts]
    assert [int(cell.split("\n")[0]) for cell in cells] == expected.ravel().tolist()
    p = run.predict_proba(X)
    for c, name in enumerate(run.classes):
        area = metrics.roc_auc_score(truth == name, p[:, c])
        assert f"{name}: area {area:.4g}" in texts(run.plot.roc())
        average = metrics.average_precision_score(truth == name, p[:, c])
        assert f"{name}: average {average:.4g}" in texts(run.plot.precision_recall())


def test_calibration_counts_every_row_once_and_brier_is_scikit_learns():
    run = moons()
    X, code, _ = run.data.validation
    p = run.predict_proba(X)[:, 1]
    figure = run.plot.calibration()
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == len(p)
    brier = metrics.brier_score_loss(code[:, 0], p)
    assert f"Brier score {brier:.3g}" in texts(figure)
    with pytest.raises(InputError, match="did you mean 'upper'"):
        run.plot.calibration(label="uper")


def test_pictures_of_labels_and_of_numbers_refuse_each_other():
    for kind in ("residuals", "predicted"):
        with pytest.raises(InputError, match="confusion matrix instead"):
            getattr(moons().plot, kind)()
    for kind in ("confusion", "roc", "precision_recall", "calibration"):
        with pytest.raises(InputError, match="draw residuals instead"):
            getattr(numbers().plot, kind)()
    with pytest.raises(InputError, match="Truth, probability and prediction"):
        numbers().plot.labels()
    with pytest.raises(InputError, match="a loss with probabilities"):
        sure().plot.calibration()


def test_without_rows_it_is_said_how_to_give_them_back(tmp_path):
    moons().save(tmp_path / "moons.run")
    loaded = ds.load(tmp_path / "moons.run")
    for kind in OURS[:4]:
        with pytest.raises(InputError, match="give them back with run.attach"):
            getattr(loaded.plot, kind)()


# ---------------------------------------------------------------- many rows, weights


def test_samples_are_drawn_from_crowds_and_it_is_said():
    figure = crowd().plot.fit()
    assert len(points(figure.axes[0])) == 5000
    assert "5000 of 9000 training rows, drawn by the keyed permutation" in texts(figure)
    assert "1500 of 9000 training rows" in texts(crowd().plot.regions())


@cache
def several():
    X = np.random.default_rng(4).normal(size=(60, 2))
    return trained(X, X @ [[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])


def test_outputs_are_named_one_way_and_it_is_said_that_there_are_others():
    for kind in ("residuals", "predicted"):
        for output in (0, 2):
            figure = getattr(several().plot, kind)(output=output)
            title = figure.get_suptitle().replace("\n", " ")
            assert f"y[{output}], output {output} of 0 to 2: " in title
    said = texts(several().plot.coefficients())
    assert "x1 → y[2]" in said
    assert "output 3" not in said
    assert "y[2]" in texts(several().plot.fit())
    assert "Predicted y[2] over" in texts(several().plot.regions(output=2))
    assert "output" not in numbers().plot.residuals().get_suptitle()


def test_a_shape_among_labels_is_always_that_of_a_label():
    figure = iris().plot.labels()
    truth, middle, _ = (ax.collections for ax in figure.axes[:3])

    def shapes(drawn):
        return {tuple(each.get_paths()[0].vertices.ravel().round(6)) for each in drawn}

    assert len(shapes(truth)) == 3
    assert shapes(middle) == shapes(truth)
    for each in middle:  # and each row has the shape of its own label
        there = {tuple(spot) for spot in each.get_offsets().data}
        same = [t for t in truth if shapes([t]) == shapes([each])]
        assert there == {tuple(spot) for t in same for spot in t.get_offsets().data}


def test_the_hardest_of_several_labels_is_said_to_be_so():
    assert "hardest is" in iris().plot.precision_recall().get_suptitle().replace("\n", " ")
    assert "hardest" not in moons().plot.precision_recall().get_suptitle()


def test_a_loss_of_the_standardised_target_is_called_so():
    assert "standardised target" in fitted().plot.fit().get_suptitle().replace("\n", " ")
    assert "standardised target" not in numbers().plot.fit().get_suptitle().replace("\n", " ")


def test_a_target_without_spread_has_no_r2():
    flat = trained(np.arange(9.0)[:, None] / 9, np.ones(9))
    assert "all true values are alike" in flat.plot.predicted().get_suptitle().replace("\n", " ")


def test_weights_are_areas():
    X, y = ds.datasets.line_sgd(20)
    weights = np.linspace(1.0, 3.0, 20)
    run = trained(X, y, sample_weight=weights)
    (dots,) = run.plot.fit().axes[0].collections
    np.testing.assert_allclose(dots.get_sizes() / dots.get_sizes()[0], weights / weights[0])


# ---------------------------------------------------------------- galleries


def test_the_gallery_draws_what_the_document_does():
    X = document._inputs()
    figure = gallery(X=X, net=document.outputs)
    names = [ax.get_title(loc="left") for ax in figure.axes[:5]]
    assert names == ["sigmoid", "softmax", "tanh", "cos", "relu"]
    deep = figure.axes[5]
    found = np.asarray(deep.collections[0].get_offsets())
    parts = document.start((4, 10, 30, 10, 4), 1, 1, 0)
    a = X
    for layer in range(1, 7):  # by hand, the sigmoid on the last layer too
        a = 1 / (1 + np.exp(-(a @ parts[f"layer{layer}.weight"] + parts[f"layer{layer}.bias"])))
    np.testing.assert_allclose(found, np.c_[X, a], rtol=1e-9)
    assert "always 1" in texts(figure)  # the softmax of one output


def test_scores_stand_beside_their_sigmoids():
    X = document._inputs()
    axes = scores_and_sigmoids(X=X, net=document.outputs).axes
    for left, right in pairwise(axes):
        if "scores" in left.get_title(loc="left"):
            scores = np.asarray(left.collections[0].get_offsets())[:, 1]
            p = np.asarray(right.collections[0].get_offsets())[:, 1]
            np.testing.assert_allclose(p, expit(scores), atol=1e-12)
    deep = document.saturation((4, 10, 30, 10, 4))
    figure = scores_and_sigmoids(X=X, net=document.outputs)
    assert f"{100 * deep:.0f} % with hidden (4, 10, 30, 10, 4)" in texts(figure)
