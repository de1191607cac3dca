"""Films: how many frames, what is on them, how fast, and that nothing is left where one fails."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from functools import cache

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

import descend as ds
from descend.animation import KINDS, animate, film, kinds, shots, writing
from descend.classics import line_sgd
from descend.errors import InputError
from descend.page import writing as page_writing
from descend.plots.regions import HATCHES
from descend.plots.style import Sheet, drawing

MODULE = "function render() {}\nvar it = { render };\nexport { it as default };\n"


def trained(X, y, model=None, loss=None, optimizer=None, **options):
    task = ds.Task(
        model or ds.Linear(), loss or ds.squared_error(), optimizer or ds.gradient_descent(0.1)
    )
    return ds.train(task, X, y, **{"epochs": 60, "engine": "numpy", **options})


@cache
def moving_line():
    """Train the document's animation: 50 points, from (-1, 1), 600 updates."""
    return line_sgd._animation()


@cache
def moons():
    X, y = ds.datasets.moons()
    return trained(X, y, ds.MLP((6,)), ds.logistic(), ds.adam(0.05), epochs=100, validation=0.2)


@contextmanager
def filmed(run, kind, frames=None, **options):
    found = shots.shots_of(run, frames)
    with drawing("light") as theme:
        yield KINDS[kind](run, Sheet(theme, (480, 320)), found, **options)


def frames_of(path):
    """Return the frames of a GIF as arrays, and how long each is shown."""
    with Image.open(path) as image:
        found, long = [], []
        for i in range(image.n_frames):
            image.seek(i)
            found.append(np.asarray(image.convert("RGB"), dtype=float))
            long.append(image.info["duration"])
    return found, long


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", KINDS)
def test_a_gif_has_the_frames_asked_for_and_they_move(kind, tmp_path):
    run = moving_line()[0] if kind == "fit" else moons()
    path = animate(run, tmp_path / "film.gif", kind=kind, frames=5, fps=10, size="small")
    found, long = frames_of(path)
    assert len(found) == 5
    assert long == [100] * 4 + [1500]
    assert found[0].shape == (320, 480, 3)
    # The title and more: a moving line, region, point or curve.
    below = [frame[60:] for frame in found]
    assert np.abs(below[0] - below[-1]).max() > 100
    assert list(tmp_path.iterdir()) == [path]


def test_an_mp4_has_the_frames_and_the_length_asked_for(tmp_path):
    path = tmp_path / "film.mp4"
    animate(moving_line()[0], path, frames=12, seconds=2, size=(481, 321))
    assert imageio_ffmpeg.count_frames_and_secs(path) == (12, 2.0)
    read = ["-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([writing.ffmpeg(), *read], capture_output=True, check=True)
    assert b"yuv420p" in done.stderr
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(12, 320, 480, 3).astype(float)
    assert np.abs(pictures[0, 60:] - pictures[-1, 60:]).max() > 100
    assert list(tmp_path.iterdir()) == [path]


def test_the_page_holds_the_run_and_the_columns_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(page_writing, "module", lambda: MODULE)
    path = animate(moons(), tmp_path / "film.html", frames=9, x="x2", y="x1")
    text = path.read_text("utf-8")
    assert '"axes":[1,0]' in text
    assert "Content-Security-Policy" in text
    assert 'id="descend-run-0"' in text
    assert len(shots.shots_of(moons(), 9).steps) == 9


def test_a_film_in_the_dark_is_dark(tmp_path):
    path = animate(moving_line()[0], tmp_path / "a.gif", frames=2, size="small", theme="dark")
    assert frames_of(path)[0][0][-1, -1].max() < 60


def test_small_marks_keep_their_colours_in_a_gif(tmp_path):
    X, y = ds.datasets.blobs()
    rng = np.random.default_rng(0)
    third = np.vstack([X, rng.normal(loc=[4.0, 0.0], size=(60, 2))])
    code = np.concatenate([y, np.full(60, 2)])
    run = trained(third, code, loss=ds.softmax(), optimizer=ds.gradient_descent(1.0))
    path = animate(run, tmp_path / "a.gif", frames=3, size="small", kind="regions")
    last = frames_of(path)[0][-1]
    for colour in ((0x00, 0x63, 0xA6), (0xB8, 0x4A, 0x00), (0x00, 0x73, 0x5C), (255, 255, 255)):
        assert np.abs(last - colour).max(axis=-1).min() < 16


# ---------------------------------------------------------------- what is on them


def test_the_documents_film_has_its_steps_and_its_losses():
    run, losses = moving_line()
    with filmed(run, "fit", frames=21) as made:
        assert list(made.steps) == list(range(0, 601, 30))
        for i in (0, 7, 20):
            made.turn(i)
            said = made.moving[-1].get_text()
            assert said == f"Update {30 * i} of 600: mean squared error {losses[i]:.3g}"


def test_the_line_of_a_frame_is_what_the_run_predicted_then():
    run, _ = moving_line()
    with filmed(run, "fit", frames=[0, 90, 600]) as made:
        line = made.moving[0]
        for i, step in enumerate((0, 90, 600)):
            made.turn(i)
            w, b = run.at(step).theta
            np.testing.assert_allclose(line.get_ydata(), w * line.get_xdata() + b, rtol=1e-9)
        low, high = made.figure.axes[0].get_ylim()
        assert low < 0  # it begins far below the points, and is seen there
        assert high > 11


def test_the_shade_of_a_frame_is_the_probability_then_and_the_edge_is_at_one_half():
    run = moons()
    with filmed(run, "regions", frames=[0, 40, 100]) as made:
        image, edge = made.moving[:2]
        made.turn(1)
        shade = np.asarray(image.get_array())
        left, right, bottom, top = image.get_extent()
        across = left + (np.arange(shade.shape[1]) + 0.5) * (right - left) / shade.shape[1]
        up = bottom + (np.arange(shade.shape[0]) + 0.5) * (top - bottom) / shade.shape[0]
        X = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
        x, y = made.figure.axes[0].get_xlabel(), made.figure.axes[0].get_ylabel()
        X = X[:, [["x1", "x2"].index(n) for n in (x, y)]] if (x, y) == ("x1", "x2") else X[:, ::-1]
        past = ds.run.Run(**{**vars_of(run), "theta": run.at(40).theta})
        np.testing.assert_allclose(shade.ravel(), past.predict_proba(X)[:, 1], atol=1e-9)
        on_edge = np.vstack(edge.get_segments())
        on_edge = on_edge if (x, y) == ("x1", "x2") else on_edge[:, ::-1]
        np.testing.assert_allclose(past.predict_proba(on_edge)[:, 1], 0.5, atol=0.02)


def vars_of(run):
    return {name: getattr(run, name) for name in run.__dataclass_fields__}


def test_the_point_is_at_the_parameters_and_the_path_behind_it():
    run, _ = moving_line()
    with filmed(run, "surface", frames=[0, 60, 600]) as made:
        _, path, point, _ = made.moving
        made.turn(1)
        spot = [float(value[0]) for value in point.get_data()]
        np.testing.assert_allclose(sorted(spot), sorted(run.at(60).theta), rtol=1e-6)
        assert len(path.get_xdata()) == 2


def test_the_curve_grows_to_the_step():
    run, _ = moving_line()
    with filmed(run, "loss", frames=[0, 300, 600]) as made:
        (line, title) = made.moving
        made.turn(1)
        x, y = line.get_data()
        assert x[-1] == 300
        np.testing.assert_allclose(y, run.history["loss"][: len(x)])
        assert title.get_text().startswith("Update 300 of 600: loss training ")


def test_artists_are_used_again_and_not_added():
    with filmed(moons(), "regions", frames=4) as made:
        before = len(made.figure.axes[0].get_children())
        for i in range(4):
            made.turn(i)
        assert len(made.figure.axes[0].get_children()) == before


def test_pictures_are_the_same_in_any_order():
    with filmed(moving_line()[0], "fit", frames=4) as made:
        forth = list(film.pictures(made))
        back = list(film.pictures(made, [3, 2, 1, 0]))
    for one, other in zip(forth, back[::-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_usual_shows_most_of_a_run(tmp_path):
    def usual(run):
        return kinds.usual(run, shots.shots_of(run, None))

    X, _ = ds.datasets.moons()
    assert usual(moving_line()[0]) == "fit"
    assert usual(moons()) == "regions"
    assert usual(trained(X, X @ [1.0, 2.0])) == "surface"
    moons().save(tmp_path / "moons.run")
    assert usual(ds.load(tmp_path / "moons.run")) == "loss"


@pytest.mark.parametrize("frames", [4, None])
def test_of_a_run_that_diverged_what_can_be_drawn_is_filmed(frames, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    run = trained(X, X @ [1.0, 2.0, 3.0], optimizer=ds.gradient_descent(1e3))
    assert run.outcome.diverged
    made = animate(run, tmp_path / "d.gif", frames=frames, size="small")
    found, _ = frames_of(made)
    below = [frame[60:] for frame in found]
    assert max(np.abs(one - below[0]).max() for one in below) > 100


def test_regions_of_several_labels_are_hatched_as_in_figures():
    rng = np.random.default_rng(0)
    code = np.arange(90) % 3
    X = rng.normal(size=(90, 2)) + 3.0 * np.column_stack([code == 1, code == 2])
    run = trained(X, np.array(["a", "b", "c"])[code], loss=ds.softmax())
    with filmed(run, "regions", 3, x=0, y=1) as made:
        made.turn(2)
        areas = made.moving[1:4]
        assert [area.get_hatch() for area in areas] == [None, *HATCHES[1:3]]
        spots = X[::7]
        predicted = run.predict(spots)
        for spot, label in zip(spots, predicted, strict=True):
            inside = [any(p.contains_point(spot) for p in a.get_paths()) for a in areas]
            assert inside == [label == each for each in "abc"]


# ---------------------------------------------------------------- frames


def test_frames_are_recorded_states_and_say_which():
    run, _ = moving_line()
    assert list(shots.shots_of(run, [31, 3]).steps) == [2, 30]  # kept at every second update
    usual = shots.shots_of(run, None)
    assert len(usual.steps) == 120
    gaps = np.diff(usual.steps)
    assert gaps[0] < gaps[-1]


def test_frames_that_are_not_finite_are_left_out(tmp_path):
    X, y = ds.datasets.line_sgd(50)
    run = trained(X, y, optimizer=ds.gradient_descent(5.0), epochs=900, on_divergence="continue")
    found = shots.shots_of(run, None)
    assert np.isfinite(found.theta).all()
    assert 2 < len(found.steps) < 120
    animate(run, tmp_path / "a.gif", frames=6, size="small")


def test_the_returned_frame_is_named_where_it_is_not_the_last():
    X, y = ds.datasets.moons()
    rng = np.random.default_rng(3)
    noisy = np.where(rng.random(200) < 0.3, 1 - y, y)
    run = trained(
        X, noisy, ds.MLP((40,)), ds.logistic(), ds.adam(0.05),
        epochs=120, validation=0.4, patience=20,
    )  # fmt: skip
    assert run.outcome.best_step is not None
    with filmed(run, "regions") as made:
        said = []
        for i in range(len(made.steps)):
            made.turn(i)
            said.append(made.moving[-1].get_text())
    (kept,) = [words for words in said if "(returned)" in words]
    assert kept.startswith(f"Update {run.outcome.best_step} of {run.state.step} (returned): ")


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "regoins"}, "did you mean 'regions'"),
        ({"kind": "regions"}, "needs two columns"),
        ({"kind": "loss", "x": 0}, "no columns to choose"),
        ({"x": "xx1"}, "did you mean 'x1'"),
        ({"frames": 1}, "at least 2 frames"),
        ({"frames": [0, 601]}, "whole updates from 0 to 600"),
        ({"seconds": 1, "fps": 2}, "not both"),
        ({"fps": 100}, "cannot be shown"),
        ({"seconds": 0}, "above 0"),
        ({"theme": "dusk"}, "no theme"),
        ({"size": (1, 2)}, "size"),
    ],
)
def test_what_cannot_be_filmed_is_said_and_leaves_no_file(options, words, tmp_path):
    with pytest.raises(InputError, match=words):
        animate(moving_line()[0], tmp_path / "film.gif", **options)
    assert not list(tmp_path.iterdir())


def test_files_are_refused_by_their_ending_and_by_being_there(tmp_path):
    with pytest.raises(InputError, match="found '.avi'"):
        animate(moving_line()[0], tmp_path / "film.avi")
    there = tmp_path / "film.gif"
    there.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        animate(moving_line()[0], there, overwrite=False)
    assert there.read_text() == "mine"


def test_a_model_file_has_no_states_to_film(tmp_path):
    moons().save(tmp_path / "moons.run", keyframes=False)
    with pytest.raises(InputError, match="without its keyframes"):
        animate(ds.load(tmp_path / "moons.run"), tmp_path / "a.gif")


# ---------------------------------------------------------------- ffmpeg


def test_without_ffmpeg_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"pip install 'descend\[video\]'.*\.gif"):
        animate(moving_line()[0], tmp_path / "film.mp4", frames=2)
    assert not list(tmp_path.iterdir())


def test_the_ffmpeg_on_the_path_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.shutil, "which", lambda _: "/somewhere/ffmpeg")
    assert writing.ffmpeg() == "/somewhere/ffmpeg"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("head -c 1000 > /dev/null; echo Unknown encoder >&2; exit 8", "Unknown encoder"),
        ("head -c 1000 > /dev/null; kill -9 $$", "status -9"),
        ("cat > /dev/null", "status 0"),
    ],
)
def test_an_ffmpeg_that_fails_leaves_what_was_there(script, words, tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "ffmpeg"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(writing.shutil, "which", lambda _: str(fake))
    there = tmp_path / "out" / "film.mp4"
    there.parent.mkdir()
    there.write_text("mine")
    with pytest.raises(InputError, match=words):
        animate(moving_line()[0], there, frames=30)
    assert there.read_text() == "mine"
    assert list(there.parent.iterdir()) == [there]


def test_a_film_broken_off_leaves_no_file_and_no_ffmpeg(tmp_path, monkeypatch):
    started = []
    popen = writing.subprocess.Popen

    def watched(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    def broken(made, chosen=None):
        yield from film.pictures(made, [0, 1])
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.subprocess, "Popen", watched)
    monkeypatch.setattr("descend.animation.filming.pictures", broken)
    with pytest.raises(KeyboardInterrupt):
        animate(moving_line()[0], tmp_path / "film.mp4", frames=9, size="small")
    assert not list(tmp_path.iterdir())
    assert started[0].poll() is not None


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_shown_where_it_is_wanted(monkeypatch):
    told = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", told)
    assert list(writing.counted([1, 2], 2, wanted=False)) == [1, 2]
    assert told.getvalue() == ""
    assert list(writing.counted([1, 2], 2, wanted=True)) == [1, 2]
    assert "filming" in told.getvalue()


def test_there_is_an_ffmpeg_for_these_tests():
    assert shutil.which(writing.ffmpeg())
