"""Figures of learning: curves, surfaces, histograms, paths, races and the doctor's evidence.

Their looks are compared with reference images, their facts with the history they are drawn from.
"""

from __future__ import annotations

import inspect
import io
import subprocess
import sys
from dataclasses import replace
from functools import cache

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from tests import plotting
from tests.plotting import assert_same_picture

import descend as ds
from descend.doctor import Finding, Fix
from descend.errors import InputError
from descend.plots import FIGURES, Plots, describe, draw, race, rendered
from descend.plots.axes import settle, spread
from descend.plots.evidence import DRAWS, of_finding
from descend.plots.evidence_case import Case
from descend.plots.evidence_descent import directions_left, growth_of
from descend.plots.evidence_fit import margins_of
from descend.plots.histograms import _heights, edges_of, hidden_outputs
from descend.plots.style import THEMES, Sheet, drawing
from descend.plots.surfaces import _heights_at
from descend.plots.words import APART, counted, number, width_of, wrapped
from descend.showing.frames import frames_of
from descend.showing.samples import rows_of

OURS = (
    "loss",
    "surface",
    "surface3d",
    "parameters",
    "activations",
    "coefficients",
    "evidence",
)


# ---------------------------------------------------------------- runs


def trained(model=None, loss=None, optimizer=None, X=None, y=None, **options):
    task = ds.Task(
        model or ds.Linear(), loss or ds.squared_error(), optimizer or ds.gradient_descent(0.1)
    )
    X = [[0.0], [1.0], [2.0]] if X is None else X
    y = [1.0, 3.0, 5.0] if y is None else y
    return ds.train(task, X, y, **{"epochs": 60, "engine": "numpy", **options})


@cache
def table(n=160, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.array([1.0, 2.0, 0.5, 3.0])[:d]
    y = X @ np.array([2.0, -0.7, 1.0, 0.0])[:d] + np.sin(2 * X[:, 0]) + 0.4 * rng.normal(size=n)
    return X, y


@cache
def line():
    return trained(epochs=120)


@cache
def exploded(**options):
    return trained(optimizer=ds.gradient_descent(0.9), epochs=40, **options)


@cache
def net(activation="tanh"):
    X, y = table()
    return trained(
        ds.MLP((12, 6), activation=activation),
        optimizer=ds.adam(0.02),
        X=X,
        y=y,
        epochs=80,
        batch_size=16,
        validation=0.25,
        patience=12,
    )


@cache
def wide():
    X, y = table()
    return trained(optimizer=ds.nesterov(0.05), X=X, y=y, standardize=True, epochs=80)


@cache
def still():
    return trained(ds.MLP((2,), init="zeros"), y=[0.0, 0.0, 0.0], epochs=3)


@cache
def labels(kind="softmax"):
    rng = np.random.default_rng(3)
    y = np.arange(90) % (3 if kind == "softmax" else 2)
    X = rng.normal(size=(90, 2)) + 2.0 * np.column_stack([y == 1, y == 2])
    classes = np.array(["cat", "dog", "eel"])[y]
    return trained(loss=getattr(ds, kind)(), X=X, y=classes, epochs=40, validation=0.2)


@cache
def columns():
    X, y = table()
    return trained(X=X, y=y, optimizer=ds.gradient_descent(0.01), epochs=30, validation=0.2)


@cache
def racers():
    X, y = table(60, 1)
    rules = ds.gradient_descent(0.1), ds.momentum(0.05), ds.adam(0.3), ds.gradient_descent(2.0)
    return [trained(optimizer=rule, X=X, y=y, epochs=50) for rule in rules]


@cache
def plateaus():
    schedule = ds.schedules.reduce_on_plateau(gamma=0.5, patience=1, tolerance=0.9)
    return trained(optimizer=ds.gradient_descent(0.01, schedule=schedule), epochs=8)


def lines(figure, label):
    return [line for ax in figure.axes for line in ax.lines if line.get_label() == label]


def line_of(figure, label):
    (found,) = lines(figure, label)
    return found


def words_in(figure):
    texts = [t.get_text() for t in figure.findobj(Text)]
    return "\n".join(texts).replace("\n", " ").replace(APART, "")


def title_of(figure):
    return figure.get_suptitle().replace("\n", " ").replace(APART, "")


# ---------------------------------------------------------------- looks

PICTURES = {
    "loss": (net, "loss", {}),
    "loss-dark": (net, "loss", {"theme": "dark"}),
    "loss-diverged": (exploded, "loss", {}),
    "surface": (line, "surface", {}),
    "surface-of-a-net": (net, "surface", {}),
    "surface3d": (net, "surface3d", {}),
    "parameters": (net, "parameters", {}),
    "activations": (lambda: net("relu"), "activations", {}),
    "coefficients": (wide, "coefficients", {}),
    "evidence": (exploded, "evidence", {}),
}
# matplotlib 3.10 moved the axes of landscapes a little.
WIDER = {"surface3d": 9.0}
OTHER_PICTURES = {
    "race": lambda: race(racers()),
    "evidence-overfit": lambda: drawn_as("overfit"),
    "evidence-units": lambda: drawn_as("saturated-units"),
    "evidence-columns": lambda: drawn_as("features-unscaled"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_figure_looks_as_its_reference(name, tmp_path):
    make, kind, options = PICTURES[name]
    tolerance = WIDER.get(name, plotting.TOLERANCE)
    assert_same_picture(draw(kind, make(), **options), f"learning/{name}", tmp_path, tolerance)


@pytest.mark.parametrize("name", OTHER_PICTURES)
def test_the_other_figure_looks_as_its_reference(name, tmp_path):
    assert_same_picture(OTHER_PICTURES[name](), f"learning/{name}", tmp_path)


def test_each_kind_has_a_reference():
    assert set(OURS) <= set(FIGURES)
    assert set(OURS) <= set(PICTURES)


def test_references_are_small():
    sizes = {p.name: p.stat().st_size for p in plotting.REFERENCES.rglob("*.png")}
    assert {name: size for name, size in sizes.items() if size > plotting.LARGEST} == {}


def test_a_landscape_without_its_path_is_told_from_the_reference(tmp_path):
    figure = net().plot.surface3d()
    line_of(figure, "path").remove()
    with pytest.raises(AssertionError, match="differs from learning/surface3d"):
        assert_same_picture(figure, "learning/surface3d", tmp_path, WIDER["surface3d"])


def test_a_picture_without_its_line_is_told_from_the_reference(tmp_path):
    figure = net().plot.loss()
    line_of(figure, "validation").remove()
    with pytest.raises(AssertionError, match="differs from learning/loss") as caught:
        assert_same_picture(figure, "learning/loss", tmp_path)
    assert len(list(tmp_path.glob("learning-loss-*.png"))) == 3
    assert "learning-loss-actual.png" in str(caught.value)


@pytest.mark.parametrize(
    ("other", "complaint"), [("race", "says other things"), ("loss-dark", "differs from")]
)
def test_another_picture_is_told_from_the_reference(other, complaint, tmp_path):
    with pytest.raises(AssertionError, match=complaint):
        assert_same_picture(net().plot.loss(), f"learning/{other}", tmp_path)


def test_axes_that_moved_are_told_from_the_reference(tmp_path):
    figure = line().plot.surface()
    figure.set_layout_engine("none")
    figure.axes[0].set_position([0.3, 0.3, 0.6, 0.4])
    with pytest.raises(AssertionError, match="are elsewhere"):
        assert_same_picture(figure, "learning/surface", tmp_path)


def test_a_reference_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(AssertionError, match="no reference image"):
        assert_same_picture(line().plot.loss(), "learning/nothing", tmp_path)


def test_pictures_of_other_sizes_are_apart():
    assert plotting.distance(np.zeros((60, 60, 3)), np.zeros((60, 66, 3))) == 255.0
    assert plotting.distance(np.zeros((60, 60, 3)), np.zeros((60, 60, 3))) == 0.0
    assert plotting.distance(np.zeros((60, 60, 3)), np.full((60, 60, 3), 100.0)) == 100.0


# ---------------------------------------------------------------- themes and files


def luminance(color):
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_all_that_may_be_text_stands_out(name):
    theme = THEMES[name]
    spoken = [theme.ink, theme.muted, theme.good, theme.bad, *theme.series]
    assert {c: contrast(c, theme.paper) for c in spoken if contrast(c, theme.paper) < 4.5} == {}


# Machado, Oliveira and Fernandes (2009), severity 1: what people without red or green cones see.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize("name", ["light", "dark"])
def test_training_and_validation_are_told_apart_without_colour_vision(name, kind):
    theme = THEMES[name]
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in theme.series]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = (np.array(BLIND[kind]) @ linear.T).T.clip(0, 1) ** (1 / 2.2)
    assert np.linalg.norm(seen[0] - seen[1]) > 0.25
    styles = [(str(s["linestyle"]), s["color"]) for s in map(theme.series_style, range(6))]
    assert len(set(styles)) == 6
    assert len({theme.point_style(i)["marker"] for i in range(6)}) == 6


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    with mpl.rc_context({"lines.linewidth": 17.0, "text.usetex": False}):
        figure = line().plot.loss(theme="dark")
        assert mpl.rcParams["lines.linewidth"] == 17.0
    assert line_of(figure, "training").get_linewidth() < 3
    assert dict(mpl.rcParams) == before


def test_no_figure_needs_pyplot():
    code = (
        "import sys, descend as ds\n"
        "task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))\n"
        "ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=5, engine='numpy').plot.loss()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_same_figure_is_the_same_file(ending, begins, tmp_path):
    found = []
    for place in "ab":
        path = tmp_path / f"{place}.{ending}"
        line().plot.loss(out=path, size=(320, 240))
        found.append(path.read_bytes())
    assert found[0] == found[1]
    assert found[0].startswith(begins)
    assert b"Date" not in found[0]
    assert b"dc:date" not in found[0]


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"found \.gif"):
        line().plot.loss(out=tmp_path / "a.gif")
    with pytest.raises(InputError, match="no ending"):
        line().plot.loss(out=tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dpi", [72, 100, 300])
def test_no_text_is_cut_at_the_edge_however_it_is_saved(dpi):
    """The defaults of matplotlib draw letters wider, so that lines would reach over the edge."""
    stream = io.BytesIO()
    X, y = table()
    figure = trained(X=X, y=y).plot.surface()
    figure.savefig(stream, dpi=dpi)
    with Image.open(stream) as image:
        drawn = np.asarray(image.convert("L"))
    assert drawn.min() < 100
    edge = round(8 * dpi / 100)  # texts leave 12 pixels of a plain screen
    assert (drawn[:, -edge:] > 250).all()


def test_a_file_is_twice_as_fine_as_the_screen():
    figure = line().plot.loss(size=(480, 320))
    assert plotting.pixels(rendered(figure)).shape == (640, 960, 3)
    assert plotting.pixels(figure._repr_png_()).shape == (320, 480, 3)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"theme": "drak"}, "did you mean 'dark'"),
        ({"size": "huge"}, "small is 480x320"),
        ({"size": (10, 10)}, "a pair of pixels"),
        ({"size": 3}, "a pair of pixels"),
    ],
)
def test_what_cannot_be_drawn_on_is_refused(options, complaint):
    with pytest.raises(InputError, match=complaint):
        line().plot.loss(**options)


# ---------------------------------------------------------------- the panel


def test_the_panel_has_every_kind_and_says_what_it_shows():
    panel = Plots(line())
    assert set(FIGURES) <= set(dir(panel))
    for kind in FIGURES:
        assert getattr(panel, kind).__doc__.startswith(describe(kind))
        assert f"run.plot.{kind}()" in repr(panel)
    assert list(inspect.signature(panel.loss).parameters) == [
        "log",
        "log_x",
        "theme",
        "size",
        "out",
    ]


def test_an_unknown_kind_is_refused():
    with pytest.raises(AttributeError, match="did you mean 'surface'"):
        Plots(line()).surfaces()
    with pytest.raises(InputError, match="did you mean 'loss'"):
        draw("los", line())


# ---------------------------------------------------------------- learning curves


def test_the_loss_line_is_the_history():
    figure = line().plot.loss()
    drawn = line_of(figure, "training")
    np.testing.assert_array_equal(drawn.get_ydata(), line().history["loss"])
    np.testing.assert_array_equal(drawn.get_xdata(), np.arange(120))
    assert figure.axes[0].get_yscale() == "log"
    assert line().plot.loss(log=False).axes[0].get_yscale() == "linear"
    assert figure.axes[-1].get_xscale() == "linear"
    assert line().plot.loss(log_x=True).axes[-1].get_xscale() == "symlog"


def test_with_batches_the_lines_are_of_epochs_and_the_batches_lie_behind():
    run = net()
    figure = run.plot.loss()
    per_epoch = run.setup.batches_per_epoch
    x = per_epoch * np.arange(1, len(run.history["epoch_loss"]) + 1)
    for label, name in (("training", "epoch_loss"), ("validation", "validation_loss")):
        drawn = line_of(figure, label)
        np.testing.assert_array_equal(drawn.get_xdata(), x)
        np.testing.assert_array_equal(drawn.get_ydata(), run.history[name])
    behind = [ln for ln in figure.axes[0].lines if ln.get_alpha() == 0.35]
    np.testing.assert_array_equal(behind[0].get_ydata(), run.history["loss"])


def test_with_few_epochs_the_line_is_of_updates():
    X, y = table()
    run = trained(X=X, y=y, epochs=3, batch_size=2, optimizer=ds.gradient_descent(0.002))
    drawn = line_of(run.plot.loss(), "training")
    assert len(drawn.get_xdata()) == 60
    means = run.history["loss"].reshape(60, 4).mean(axis=1)
    np.testing.assert_allclose(drawn.get_ydata(), means)
    told = f"Mean loss of 4 updates falls from {number(means[0])} to {number(means[-1])}"
    assert title_of(run.plot.loss()).startswith(told)


def test_the_figure_says_where_it_stopped_and_why():
    run = net()
    assert run.outcome.reason == "validation"
    figure = run.plot.loss()
    kept = f"at update {run.outcome.best_step} of {run.state.step}, the one kept"
    assert kept in title_of(figure).replace("\n", " ")
    assert f"best: update {run.outcome.best_step}" in words_in(figure)
    spot = line_of(figure, "returned")
    assert (spot.get_xdata()[0], spot.get_ydata()[0]) == (run.outcome.best_step, run.outcome.loss)


@cache
def restored():
    """Train on noise until validation grows worse: the returned state is far from the last."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 5))
    y = np.where(X[:, 0] + 1.5 * rng.normal(size=24) > 0, "a", "b")
    options = {"epochs": 400, "validation": 0.4, "patience": 30}
    return trained(loss=ds.logistic(), optimizer=ds.gradient_descent(5.0), X=X, y=y, **options)


@pytest.mark.parametrize("kind", ["loss", "surface", "coefficients", "parameters", "fit"])
def test_titles_tell_of_the_state_returned_and_name_its_update(kind):
    run = restored()
    best, done = run.outcome.best_step, run.state.step
    assert best is not None
    assert best < done
    largest = [number(np.abs(theta).max()) for theta in (run.theta, run.state.theta)]
    told = {
        "loss": (number(run.outcome.loss), number(run.history["loss"][-1])),
        "surface": (number(run.outcome.loss), number(run.history["loss"][-1])),
        "parameters": largest,
    }
    title = title_of(getattr(run.plot, kind)()).replace("\n", " ")
    assert f"at update {best} of {done}, the one kept" in title
    assert f"in {done} updates" not in title
    right, wrong = told.get(kind, ("", "nothing"))
    assert right in title
    assert wrong not in title


def test_with_batches_the_loss_told_is_the_mean_up_to_the_state_returned():
    run, best = net(), net().outcome.best_step
    of_epochs = run.history["epoch_loss"]
    per_epoch = run.setup.batches_per_epoch
    told = number(of_epochs[best // per_epoch - 1])
    assert told != number(of_epochs[-1])
    assert f"to {told} at update {best} of" in title_of(run.plot.loss()).replace("\n", " ")


def test_a_path_through_some_states_is_not_said_to_be_through_all():
    assert "path of 120 updates" in title_of(line().plot.surface()).replace("\n", " ")
    run = trained(epochs=3000)
    through = len(frames_of(run).steps)
    told = f"path through {through} recorded states of the {counted(3000, 'update')}"
    for figure in (run.plot.surface(), run.plot.surface3d()):
        assert told in title_of(figure).replace("\n", " ")
    assert through < 3001


def test_the_title_says_how_the_loss_went():
    first, last = line().history["loss"][0], line().outcome.loss
    told = f"Loss falls from {number(first)} to {number(last)} in 120 updates; stopped: all epochs"
    assert title_of(line().plot.loss()).startswith(told)
    assert "grows from 11.7" in title_of(exploded().plot.loss())
    assert "it diverged" in title_of(exploded().plot.loss())


def test_falls_of_the_rate_are_marked_and_drawn():
    figure = plateaus().plot.loss()
    scales = [e for e in plateaus().events if e["kind"] == "scale"]
    assert scales, "the run has no plateaus to show"
    said = words_in(figure)
    assert f"rate lowered {len(scales)} times" in said
    assert figure.axes[2].get_ylabel() == "rate"
    assert len(line().plot.loss().axes) == 2  # a constant rate is said, not drawn
    assert "Learning rate 0.1 throughout" in words_in(line().plot.loss()).replace("\n", " ")


def test_a_loss_beyond_all_numbers_is_left_out_and_said_so():
    run = exploded(on_divergence="continue")
    longer = trained(optimizer=ds.gradient_descent(0.9), epochs=1500, on_divergence="continue")
    for each in (run, longer):
        rendered(each.plot.loss(), fine=0.5)
    assert not np.isfinite(longer.history["loss"]).all()
    figure = longer.plot.loss()
    assert "or no number" in words_in(figure).replace("\n", " ")
    assert "beyond all numbers" in title_of(figure)
    drawn = line_of(figure, "training").get_ydata()
    known = np.isfinite(drawn)
    np.testing.assert_array_equal(drawn[known], longer.history["loss"][known])
    assert known.sum() < len(known)


def test_joined_updates_have_their_smallest_and_largest_around_them():
    run = trained(epochs=6000)
    figure = run.plot.loss()
    (band,) = figure.axes[0].collections
    drawn = line_of(figure, "training")
    assert len(drawn.get_xdata()) < 6000
    extent = band.get_paths()[0].get_extents()
    assert extent.y1 == pytest.approx(run.history["loss"].max())
    assert "bands reach from the smallest to the largest" in words_in(figure).replace("\n", " ")


def test_a_run_without_updates_is_told_so():
    run = line()
    empty = replace(
        run,
        history=replace(
            run.history, updates=type(run.history.updates)(run.history.updates.names, 64)
        ),
    )
    with pytest.raises(InputError, match="There are no curves to draw"):
        empty.plot.loss()
    with pytest.raises(InputError, match="There are no curves to draw"):
        race([empty, empty])


@pytest.mark.parametrize("size", ["small", "normal", "large", (320, 240)])
def test_any_size_has_all_its_texts_inside(size):
    figure = net().plot.loss(size=size)
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    for text in [figure._suptitle, figure._supxlabel]:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


# ---------------------------------------------------------------- surfaces


def test_with_two_parameters_the_surface_is_exact_and_the_path_is_theta():
    figure = line().plot.surface()
    assert title_of(figure).startswith("The loss over both parameters")
    path = line_of(figure, "path").get_xydata()
    np.testing.assert_allclose(path[0], [0, 0], atol=1e-12)
    np.testing.assert_allclose(path[-1], line().theta, rtol=1e-12)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("weight", "bias")


def test_a_slice_is_never_presented_as_the_whole():
    figure = net().plot.surface()
    assert title_of(figure).startswith("A slice of the loss that holds ")
    assert "100 %" not in title_of(figure)
    assert "one plane in" in words_in(figure).replace("\n", " ")
    assert "best, returned" in words_in(figure)


def test_a_path_that_left_the_picture_stays_outside():
    figure = exploded(on_divergence="continue").plot.surface()
    path = line_of(figure, "path").get_xydata()
    (low, high) = figure.axes[0].get_xlim()
    inside = (path[:, 0] >= low) & (path[:, 0] <= high)
    assert inside[:-1].all()
    assert len(path) < 40


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        (lambda: replace(line(), data=None), "holds no rows"),
        (lambda: trained(ds.Linear(bias=False), epochs=5), "a plane needs two"),
        (still, "nothing moved"),
    ],
)
def test_a_run_without_a_surface_is_told_why(run, complaint):
    for kind in ("surface", "surface3d"):
        with pytest.raises(InputError, match=complaint):
            draw(kind, run())


def test_heights_lie_between_the_values_around_them():
    u, v = np.linspace(0, 1, 5), np.linspace(0, 2, 4)
    values = 3 * u[None, :] + 2 * v[:, None]
    spots = np.array([[0.1, 0.3], [0.97, 1.99], [1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(_heights_at(u, v, values, spots), spots @ [3, 2])


# ---------------------------------------------------------------- paths and histograms


def test_coefficients_are_in_standardised_units():
    figure = wide().plot.coefficients()
    final = wide().params["weight"][:, 0]
    for i, name in enumerate(wide().names):
        assert line_of(figure, name).get_ydata()[-1] == pytest.approx(final[i])
    strongest = wide().names[int(np.abs(final).argmax())]
    assert f"{strongest} {number(float(final[np.abs(final).argmax()]))}" in title_of(figure)


def test_raw_columns_are_brought_to_their_spread():
    X, y = table()
    run = trained(X=X, y=y, optimizer=ds.gradient_descent(0.01))
    figure = run.plot.coefficients()
    shown = line_of(figure, "x4").get_ydata()[-1]
    assert shown == pytest.approx(run.params["weight"][3, 0] * X[:, 3].std())
    lost = replace(run, data=None).plot.coefficients()
    assert line_of(lost, "x4").get_ydata()[-1] == pytest.approx(run.params["weight"][3, 0])
    assert "not comparable" in words_in(lost).replace("\n", " ")


def test_many_coefficients_are_drawn_faintly_and_counted():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 300))
    run = trained(X=X, y=X[:, 7] * 3, epochs=20, optimizer=ds.gradient_descent(0.01))
    figure = run.plot.coefficients()
    assert "The 200 strongest of 300 coefficients" in words_in(figure)
    assert len(figure.axes[0].collections[0].get_segments()) == 194
    assert lines(figure, "x8")


@pytest.mark.parametrize(
    ("kind", "run", "complaint"),
    [
        ("coefficients", net, "hidden layers"),
        ("activations", line, "a linear model has no hidden layers"),
        ("activations", lambda: replace(net(), data=None), "holds no rows"),
        ("parameters", lambda: replace(line(), keyframes=None), "without its keyframes"),
        ("coefficients", lambda: replace(line(), keyframes=None), "without its keyframes"),
        ("parameters", lambda: replace(net(), keyframes=None), "without its keyframes"),
    ],
)
def test_what_has_nothing_to_show_says_why(kind, run, complaint):
    with pytest.raises(InputError, match=complaint):
        draw(kind, run())


def test_a_lost_table_leaves_the_parameters():
    lost = replace(net(), data=None)
    for kind in ("loss", "parameters"):
        assert isinstance(draw(kind, lost), Figure)


def test_ridges_hold_all_values_and_zeros_are_told():
    figure = net("relu").plot.activations()
    rows = rows_of(net("relu"), 1000)
    first = hidden_outputs(net("relu"), net("relu").plot.run.keyframes.before(0).theta, rows.X)[0]
    share = f"{(first == 0).mean():.0%} are 0".replace("%", " %")
    assert share in words_in(figure)
    values = np.array([-1.0, 0.5, 0.5, 3.0])
    edges = edges_of([values])
    np.testing.assert_allclose(_heights(values, edges).sum(), 2.0)
    assert (edges[0], edges[-1]) == (-1.0, 3.0)


# ---------------------------------------------------------------- races


def test_a_race_draws_each_history_and_names_the_winner():
    figure = race(racers())
    losses = [run.outcome.loss for run in racers()]
    assert title_of(figure).startswith("gradient_descent(0.1) comes lowest")
    assert losses[0] == min(losses)
    assert "gradient_descent(2) diverged" in title_of(figure)
    for name, run in zip(["momentum(0.05)", "adam(0.3)"], racers()[1:3], strict=True):
        left, right = lines(figure, name)
        np.testing.assert_array_equal(left.get_ydata(), run.history["loss"])
        np.testing.assert_allclose(right.get_xydata()[-1], run.theta)


def test_names_can_be_given():
    figure = race(racers()[:2], names=["plain", "heavy ball"])
    assert lines(figure, "heavy ball")
    with pytest.raises(InputError, match="as many names"):
        race(racers()[:2], names=["plain"])


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"y": [1.0, 3.0, 5.5]}, "other rows"),
        ({"batch_size": 1}, "another batch size"),
        ({"model": ds.Linear(init=[0.5, 0.0])}, "another start"),
        ({"loss": ds.huber(1.0)}, "another loss"),
        ({"model": ds.Linear(bias=False)}, "another model"),
        ({"standardize": True}, "other rows"),
    ],
)
def test_runs_that_differ_in_more_than_their_steps_are_refused(other, complaint):
    with pytest.raises(InputError, match=f"run 2 has {complaint} than run 1"):
        race([trained(epochs=3), trained(epochs=3, **other)])


def test_the_order_of_batches_matters_only_where_there_are_batches():
    assert isinstance(race([trained(epochs=3), trained(epochs=3, seed=5)]), Figure)
    with pytest.raises(InputError, match="another order of the batches"):
        race([trained(epochs=3, batch_size=1), trained(epochs=3, batch_size=1, seed=5)])


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_race_needs_a_few_runs(count):
    with pytest.raises(InputError, match=f"found {count}"):
        race([trained(epochs=2)] * count)


# ---------------------------------------------------------------- evidence


# What the doctor says of each code, in its own terms, about runs that need not have it.
STEPS = {"step against its limit": 0.2, "best step": 0.05, "updates": 30}
FINDINGS = {
    "non-finite-data": (columns, {"columns": ["x2"], "largest": [1e173], "dtype": "float64"}),
    "wrong-sign": (columns, {"loss at the start": -0.7, "loss at the end": -522.0}),
    "broadcast": (columns, {"rows looked at": 71, "targets": 5.2}),
    "wrong-gradient": (columns, {"mistake": ["unknown"], "parameters": ["W", "b"], "rows": 48}),
    "loss-mismatch": (labels, {"values": [0.0, 1.0], "rows_of_each": [40, 50]}),
    "rows-shared-across-split": (columns, {"shared": 4, "of": 32}),
    "target-leak": (columns, {"column": "x1", "share_left_by_it": 1e-9}),
    "identical-units": (net, {"units": 12, "distinct": {"layer 1": 3}, "layers": [1]}),
    "exploding-activations": (net, {"factor of each layer": [1.7, 6.1, 9.4], "growth": 2e4}),
    "dead-units": (lambda: net("relu"), {"dead": {"layer 1": 2}, "share": [0.2, 0.0]}),
    "saturated-units": (net, {"flat at the end": {"layer 1": 0.9}}),
    "vanishing-gradient": (net, {"share that arrives at each layer": [1e-6, 1e-3, 0.2, 1.0]}),
    "constant-column": (columns, {"columns": ["x3"], "values": [0.0]}),
    "collinear-columns": (columns, {"columns": ["x1", "x3", "x2"], "share_of_variance_left": 1e-9}),
    "outliers-dominate": (columns, {"rows": [3, 7, 20], "usual_error": 0.4}),
    "features-unscaled": (columns, {"columns": {"x4": 3.0, "x2": 2.0}, "against": {"x3": 0.5}}),
    "step-too-large": (exploded, {"learning rate": 0.9, "largest stable step": 0.42}),
    "perfect-separation": (labels, {"smallest_margin": 0.2, "length_of_weights": 7.0}),
    "split-shift": (columns, {"distances": {"the target": 0.9, "x2": 0.4}}),
    "class-imbalance": (labels, {"class": "eel", "rows": 3, "found": 0}),
    "label-noise": (labels, {"share_of_labels": 0.3, "suspicious_rows": [1, 5, 9]}),
    "overfit": (net, {"best_epoch": 20, "best_validation_loss": 0.4}),
    "batch-noise": (net, {**STEPS, "batch size": 16}),
    "step-too-small": (columns, STEPS),
    "ill-conditioned": (columns, {**STEPS, "columns": ["x1"]}),
    "stalled": (plateaus, STEPS),
    "underfit": (columns, {"share_of_what_is_left": 0.9, "by": "neighbouring rows miss alike"}),
    "edge-of-stability": (columns, STEPS),
    "not-finished": (columns, STEPS),
    "healthy": (columns, {"loss": 1.0}),
}
OTHERS = {
    "loss-mismatch": (lambda: labels("logistic"), {"accuracy": 0.5, "accuracy_within_reach": 0.8}),
    "collinear-columns": (columns, {"rows": 5, "parameters": 8}),
    "outliers-dominate": (columns, {"columns": ["x2"], "rows": [3, 7, 20]}),
    "perfect-separation": (lambda: labels("logistic"), {"smallest_margin": 0.2}),
    "class-imbalance": (lambda: labels("logistic"), {"class": "dog"}),
    "target-leak": (labels, {"column": "x1", "share_left_by_it": 1e-9}),
    "overfit": (
        columns,
        {"training_loss": 0.1, "validation_loss": 3.0, "loss_of_a_plain_model": 1},
    ),
    "underfit": (columns, {"loss": 3.0, "loss_without_penalty": 0.5, "loss_of_a_constant": 3.1}),
    "split-shift": (columns, {"distances": {"x2": 0.9}}),
    "stalled": (columns, STEPS),
}


def finding_of(code, evidence):
    return Finding(code, "illness", "This is what is the matter.", evidence, Fix("mend it"))


def drawn_as(code, *, without_rows=False, others=False, theme="light"):
    make, seen = (OTHERS if others else FINDINGS)[code]
    run = replace(make(), data=None) if without_rows else make()
    with drawing(theme) as look:
        return settle(of_finding(run, Sheet(look, (800, 500)), finding_of(code, seen)))


def is_picture(figure):
    return any(ax.lines or ax.patches or ax.collections for ax in figure.axes)


@pytest.mark.parametrize("code", FINDINGS)
def test_the_evidence_of_each_code_is_a_picture(code):
    figure = drawn_as(code)
    assert is_picture(figure)
    assert title_of(figure).lower().startswith(code.replace("-", " "))
    assert "Fix: mend it." in words_in(figure)
    if code in OTHERS:
        assert is_picture(drawn_as(code, others=True, theme="dark"))


@pytest.mark.parametrize("code", FINDINGS)
def test_evidence_without_rows_is_a_picture_or_a_table(code):
    figure = drawn_as(code, without_rows=True)
    key = next(iter(FINDINGS[code][1]))
    assert is_picture(figure) or key.replace("_", " ") in words_in(figure)


def test_the_findings_here_are_those_of_the_doctor():
    from descend.doctor.codes import CODES

    assert list(FINDINGS) == list(CODES)
    assert set(DRAWS) == set(CODES)


@pytest.mark.slow
@pytest.mark.parametrize("code", FINDINGS)
def test_what_the_doctor_finds_in_the_ward_is_a_picture(code):
    from tests.ward.taking_in import one

    bed = {"non-finite-data": 2, "edge-of-stability": 1}.get(code, 0)
    run = one(code, 0, bed).source
    assert is_picture(run.plot.evidence(code=code))


def test_units_that_are_dead_are_counted_by_their_outputs():
    figure = drawn_as("dead-units")
    run = net("relu")
    rows = rows_of(run, 3000)
    outputs = hidden_outputs(run, run.theta, rows.X)
    for ax, out in zip(figure.axes, outputs, strict=True):
        shares = [bar.get_height() for bar in ax.patches]
        np.testing.assert_allclose(sorted(shares), sorted((out == 0).mean(axis=0)))


def test_flat_units_are_judged_by_the_slope_of_tanh():
    figure = drawn_as("saturated-units")
    rows = rows_of(net(), 3000)
    out = hidden_outputs(net(), net().theta, rows.X)[0]
    flat = (1 - out**2 < 0.01).mean(axis=0)
    shares = [bar.get_height() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(sorted(shares), sorted(flat))


def test_margins_are_those_of_the_scores():
    for kind in ("softmax", "logistic"):
        run = labels(kind)
        case = Case(run, None, THEMES["light"])
        rows = rows_of(run)
        told = np.asarray(run.predict(rows.X)) == np.asarray(run.classes)[rows.y[:, 0].astype(int)]
        np.testing.assert_array_equal(margins_of(case) > 0, told)


def test_the_growth_is_that_of_the_loss():
    assert growth_of(3.0 * 1.7 ** np.arange(40)) == pytest.approx(1.7)
    assert growth_of(np.array([4.0, 2.0, 1.0, 0.5, 0.3])) is None
    assert growth_of(np.array([1.0, 3.0, np.inf, np.nan])) is None
    figure = exploded().plot.evidence()
    loss = exploded().history["loss"]
    late = loss[len(loss) // 2 :]
    factor = (late[-1] / late[0]) ** (1 / (len(late) - 1))
    assert f"× {number(factor)} at each update" in words_in(figure)


def test_the_largest_stable_step_is_that_of_the_curvature():
    figure = exploded().plot.evidence()
    A = np.column_stack([[0.0, 1.0, 2.0], np.ones(3)])
    limit = 2 / np.linalg.eigvalsh(2 * A.T @ A / 3)[-1]
    assert f"largest stable step {number(limit)}" in words_in(figure)


def test_a_step_against_its_limit_gives_the_limit():
    assert STEPS["step against its limit"] == 0.2
    assert columns().setup.learning_rate == 0.01
    assert "largest stable step 0.05" in words_in(drawn_as("step-too-small"))


def test_a_direction_has_as_much_left_as_its_curvature_says():
    X, y = table()
    run = trained(X=X, y=y, optimizer=ds.gradient_descent(0.01), epochs=30)
    curvatures, left = directions_left(Case(run, None, THEMES["light"]))
    np.testing.assert_allclose(left, np.abs(1 - 0.01 * curvatures) ** 30, rtol=1e-6)


def test_evidence_of_a_run_that_diverged_at_once_shows_the_loss_after_it():
    run = trained(optimizer=ds.gradient_descent(1e3), epochs=5)
    assert run.state.step == 1
    spot = line_of(run.plot.evidence(), "returned")
    assert (spot.get_xdata()[0], spot.get_ydata()[0]) == (1, run.outcome.loss)


def test_a_code_that_was_not_found_is_refused():
    with pytest.raises(InputError, match="no finding 'overfit'"):
        line().plot.evidence(code="overfit")


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (-0.0771, "\N{MINUS SIGN}0.0771"),
        (9999.0, "9999"),
        (10000.0, f"10{APART}000"),
        (123456.0, f"123{APART}456"),
        (1e150, "10¹⁵⁰"),
        (-2.5e-9, "\N{MINUS SIGN}2.5×10⁻⁹"),
        (float("inf"), "infinite"),
        (1.0, "1"),
        (0.30000000000000004, "0.3"),
    ],
)
def test_numbers_are_for_people(value, said):
    assert number(value) == said


def test_lines_fit_their_width_and_lose_no_word():
    text = "It was a long sentence with many words and no end in sight " * 3
    found = wrapped(text.strip(), 300, 9.5, most=20)
    assert " ".join(found) == text.strip()
    assert len(found) > 3
    cut = wrapped(text, 300, 9.5, most=2)
    assert len(cut) == 2
    assert cut[-1].endswith("…")
    for line_ in [*found, *cut, *wrapped("W" * 300, 300, 9.5)]:
        assert width_of(line_, 9.5) <= 300


HOSTILE = ["$x^2$", "<script>alert(1)</script>", "naïve\ncolumn\t\x07", "列" * 40, "%d {0} \\frac"]


def test_names_of_columns_are_only_names(tmp_path):
    import pandas as pd

    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(30, 5)), columns=HOSTILE)
    run = trained(X=X, y=rng.normal(size=30), epochs=10)
    figure = run.plot.coefficients(out=tmp_path / "names.svg")
    said = words_in(figure)
    assert "$x^2$" in said
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if text.get_text())
    assert "<script>alert(1)</script>" in said
    assert "<script" not in (tmp_path / "names.svg").read_text("utf-8")


def test_names_move_apart_no_further_than_they_must():
    rng = np.random.default_rng(0)
    for _ in range(50):
        spots = rng.uniform(0, 100, rng.integers(1, 8))
        places = np.array(spread(spots, 11.0, 0.0, 100.0))
        order = np.argsort(spots, kind="stable")
        assert (np.diff(places[order]) >= 11.0 - 1e-9).all()
        if len(spots) == 1 or np.diff(np.sort(spots)).min() >= 11.0:
            np.testing.assert_allclose(places, spots)


def test_names_at_lines_ends_do_not_touch():
    figure = net().plot.loss(size="small")
    figure.draw_without_rendering()
    ends = [t for t in figure.axes[0].texts if t.get_text() in {"training", "validation"}]
    one, other = (end.get_window_extent() for end in ends)
    assert not one.overlaps(other)


# ---------------------------------------------------------------- runs of all kinds


@pytest.mark.parametrize(
    "make",
    [
        lambda: trained(epochs=1),
        lambda: trained(X=[[1.0]], y=[2.0], epochs=4),
        lambda: trained(dtype="float32", epochs=8),
        lambda: trained(y=[[1.0, 0.0], [3.0, 1.0], [5.0, 2.0]], epochs=8),
        lambda: trained(loss=ds.softmax(), y=["a", "b", "c"], epochs=8),
        lambda: trained(loss=ds.logistic(), y=[True, False, True], epochs=8),
        lambda: trained(optimizer=ds.lbfgs(), epochs=8),
        lambda: replace(exploded(), state=replace(exploded().state, theta=np.full(2, np.nan))),
    ],
    ids=["one-update", "one-row", "float32", "outputs", "labels", "truth", "search", "not-finite"],
)
def test_runs_of_all_kinds_are_drawn(make):
    run = make()
    for kind in ("loss", "surface", "coefficients"):
        rendered(draw(kind, run, size="small"), fine=0.3)
