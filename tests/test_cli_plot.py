"""``descend plot``: what it lists, what it writes, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.test_cli import refused

import descend as ds
from descend.cli.plotting import _size
from descend.errors import InputError
from descend.plots import FIGURES


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two fits of tables, made once: of labels and of numbers."""
    folder = tmp_path_factory.mktemp("plotted")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) * [1.0, 10.0, 0.1]
    score = X @ [1.0, 0.1, 5.0]
    frame = pd.DataFrame(X, columns=["mean radius", "area", "text"])
    frame["kind"] = np.where(score + rng.normal(size=80) > 0, "good", "bad")
    frame["price"] = score
    frame.to_csv(folder / "things.csv", index=False)
    for target, out in (("kind", "price"), ("price", "kind")):
        done = ds.fit(folder / "things.csv", target, exclude=[out], epochs=40, engine="numpy")
        (folder / target).mkdir()
        done.run.save(folder / target / "fit.run")
    return folder


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_without_a_kind_it_lists_what_the_run_can_show_and_why_not(descend, fitted):
    status, out, _ = descend("plot", fitted / "kind")
    assert status == 0
    for kind in ("loss", "surface", "fit", "regions", "roc", "animation"):
        assert f"\n  {kind} " in out
    there, missing = out.split("Not this one:")
    assert "\n  residuals " in missing
    assert "confusion matrix instead" in missing
    assert "asked for" not in missing
    assert "run." not in missing
    assert "\n  residuals " not in there
    status, out, _ = descend("plot", fitted / "price", "--json")
    found = json.loads(out)
    listed = {one["name"] for one in found["kinds"]}
    assert {"residuals", "predicted", "animation"} <= listed
    assert listed | {one["name"] for one in found["missing"]} == {*FIGURES, "animation"}
    assert all(one["shows"] for one in found["kinds"])


def test_it_writes_what_its_ending_says(descend, fitted, tmp_path):
    for ending, begins in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        out = f"fit.{ending}"
        status, said, _ = descend("plot", fitted / "price", "fit", "--out", out, "--size", "small")
        assert (status, said) == (0, f"Written: {out}\n")
        assert (tmp_path / out).read_bytes().startswith(begins)
    assert size_of(tmp_path / "fit.png") == (960, 640)  # twice the pixels, for fine screens


def test_columns_theme_and_size_are_passed_on(descend, fitted, tmp_path):
    arguments = ("regions", "--x", "mean radius", "--y", "area", "--theme", "dark")
    status, _, err = descend("plot", fitted / "kind", *arguments, "--size", "6x4")
    assert (status, err) == (0, "")
    with Image.open(tmp_path / "regions.png") as image:
        assert image.size == (1200, 800)
        assert sum(image.convert("RGB").getpixel((2, 2))) < 150
    drawn = ds.load(fitted / "kind" / "fit.run")
    assert drawn.data is None  # the rows were read again from the table
    said = descend("plot", fitted / "kind", "regions", "--x", "mean radus", "--overwrite")
    refused(said, "did you mean 'mean radius'")


def test_several_kinds_get_files_of_their_own(descend, fitted, tmp_path):
    status, out, _ = descend("plot", fitted / "price", "fit", "loss", "--size", "small", "--json")
    assert status == 0
    assert json.loads(out)["files"] == ["fit.png", "loss.png"]
    assert {path.name for path in tmp_path.iterdir()} == {"fit.png", "loss.png"}
    refused(descend("plot", fitted / "price", "fit", "loss", "--out", "a.png"), "one at a time")


def test_nothing_is_replaced_unless_asked(descend, fitted, tmp_path):
    (tmp_path / "fit.png").write_text("mine")
    refused(descend("plot", fitted / "price", "fit"), "fit.png exists already", "--overwrite")
    refused(descend("plot", "nowhere", "fit"), "fit.png exists already")  # before any reading
    assert (tmp_path / "fit.png").read_text() == "mine"
    status, _, _ = descend("plot", fitted / "price", "fit", "--overwrite", "--size", "small")
    assert status == 0
    assert size_of(tmp_path / "fit.png") == (960, 640)


def test_all_draws_every_kind_the_run_can_show(descend, fitted, tmp_path):
    status, out, _ = descend("plot", fitted / "price", "--all", "seen", "--size", "small")
    assert status == 0
    drawn = {path.stem for path in (tmp_path / "seen").iterdir()}
    _, listed, _ = descend("plot", fitted / "price", "--json")
    kinds = {one["name"] for one in json.loads(listed)["kinds"]} - {"animation"}
    assert drawn == kinds
    assert "Not drawn: confusion." in out
    refused(descend("plot", fitted / "price", "--all", "seen"), "exists already")


def test_a_film_is_written(descend, fitted, tmp_path):
    arguments = ("animation", "--out", "a.gif", "--frames", "3", "--film", "loss", "--fps", "5")
    status, out, err = descend("plot", fitted / "kind", *arguments, "--size", "small")
    assert (status, out, err) == (0, "Written: a.gif\n", "")
    with Image.open(tmp_path / "a.gif") as image:
        assert (image.n_frames, image.info["duration"]) == (3, 200)
    said = descend("plot", fitted / "kind", "animation", "--out", "b.gif", "--part", "training")
    refused(said, "A film takes no --part")
    assert not (tmp_path / "b.gif").exists()


def test_a_moved_table_is_named_and_a_lost_one_leaves_what_needs_no_rows(descend, fitted, tmp_path):
    run = ds.load(fitted / "kind" / "fit.run")
    run.source["files"][0]["path"] = str(tmp_path / "gone.csv")
    run.source["named"] = str(tmp_path / "gone.csv")
    run.save(tmp_path / "lost.run")
    refused(descend("plot", "lost.run", "fit"), "give them back", "--data TABLE")
    assert descend("plot", "lost.run", "loss", "--size", "small")[0] == 0
    table = fitted / "things.csv"
    assert descend("plot", "lost.run", "fit", "--data", table, "--size", "small")[0] == 0
    refused(descend("plot", "lost.run", "roc", "--data", "nowhere.csv"), "nowhere.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["los"], ["did you mean 'loss'"]),
        (["fit", "--y", "area"], ["fit takes no --y", "--x, --step"]),
        (["fit", "--step", "9999"], ["ask for a step from 0 to"]),
        (["fit", "--theme", "drak"], ["did you mean 'dark'"]),
        (["fit", "--size", "huge"], ["no size 'huge'"]),
        (["fit", "--size", "1x1000"], ["pixels"]),
        (["fit", "--size", "5x"], ["small, normal, large", "8x5", "800x500"]),
        (["fit", "--size", "infx5"], ["pixels"]),
        (["fit", "--theme", "blue"], ["light, dark and auto"]),
        (["animation", "--out", "a.gif", "--frames", "1"], ["at least 2 frames"]),
        (["fit", "--out", "fit.jpg"], [".jpg"]),
        (["fit", "--all", "folder"], ["leave out KIND"]),
        (["--out", "fit.png"], ["Name a KIND"]),
        (["confusion"], ["draw residuals instead"]),
        (["animation", "--out", "film.avi"], ["found '.avi'"]),
        (["animation", "--out", "a.gif", "--film", "fitt"], ["did you mean 'fit'"]),
    ],
)
def test_bad_input_gets_a_sentence_and_leaves_no_file(arguments, words, descend, fitted, tmp_path):
    refused(descend("plot", fitted / "price", *arguments), *words)
    assert not list(tmp_path.iterdir())


def test_the_help_has_examples_on_lines_of_their_own(descend):
    _, out, _ = descend("plot", "--help")
    assert "\n    descend plot houses-fit loss --out loss.svg\n" in out


def test_sizes_are_names_inches_or_pixels():
    assert _size("small") == "small"
    assert _size("8x5") == (800, 500)
    assert _size("6.5X4") == (650, 400)
    assert _size("800x500") == (800, 500)
    for wrong in ("axb", "5x", "nanx5x"):
        with pytest.raises(InputError, match="small, normal, large, for inches such as 8x5, or"):
            _size(wrong)
