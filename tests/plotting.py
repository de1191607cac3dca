"""Figures compared with reference images: what the tests of all figures share.

Letters are drawn a little differently by each release of matplotlib and FreeType, and axes make
room for them.  So the reference image carries, beside its pixels, its texts, which are compared as
texts without their numbers, and the places of its axes, which need only be about the same: the
figure is then drawn in exactly these places, and where a text stands, pixels are not looked at.
The rest is averaged over little squares.  The distance is that of the region of the picture that
differs most, so that a missing line is seen however large the rest is.

    DESCEND_REFERENCE=write python -m pytest tests/test_plots_learning.py

writes the reference images anew; look at them before they are committed.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import numpy as np
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from descend.plots import rendered

REFERENCES = Path(__file__).parent / "data" / "figures"
# Rendered at this share of the figure's own pixels; averaged over squares of so many pixels;
# compared over regions of so many such squares.
FINE, SQUARE, REGION = 0.6, 6, 8
LARGEST = 25_000  # bytes of a reference image
# Between matplotlib 3.9.0 and 3.11 the distance stays below 3; a line that is missing makes 13 or
# more.
TOLERANCE = 6.0
# Axes are about in their places within this share of the figure; pixels around a text.
_MOVED, _AROUND = 0.03, 4.0


def assert_same_picture(figure, name, folder, tolerance=TOLERANCE):
    """Compare a figure with the reference image called `name`, such as ``"learning/loss"``.

    On failure both pictures and their difference are written to `folder`.
    """
    reference = REFERENCES / f"{name}.png"
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    told = {"texts": said_in(figure), "places": places_of(figure)}
    if os.environ.get("DESCEND_REFERENCE") == "write":
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_bytes(small(rendered(figure, fine=FINE), told))
        return
    hint = "look at it, then write it with DESCEND_REFERENCE=write"
    assert reference.exists(), f"There is no reference image {reference}; {hint}."
    expected = told_by(reference.read_bytes())
    assert told["texts"] == expected["texts"], f"The figure of {name} says other things."
    put_in_place(figure, expected["places"], name)
    ours, theirs = pixels(rendered(figure, fine=FINE)), pixels(reference.read_bytes())
    apart = distance(ours, theirs, where_texts_are(figure, ours.shape))
    if apart > tolerance:
        written = pictures(ours, theirs, name, folder)
        message = (
            f"The figure differs from {name} by {apart:.1f} (tolerance {tolerance}): {written}"
        )
        raise AssertionError(message)


def distance(ours, theirs, mask=None):
    """Return how far two pictures are apart, where they differ most: 0 to 255."""
    if ours.shape != theirs.shape:
        return 255.0
    shown = np.ones((*ours.shape[:2], 1)) if mask is None else ~mask[:, :, None]
    squares = averaged((ours - theirs) * shown) ** 2
    high, wide = squares.shape[:2]
    step = REGION // 2
    regions = [
        squares[i : i + REGION, j : j + REGION].mean()
        for i in range(0, max(high - step, 1), step)
        for j in range(0, max(wide - step, 1), step)
    ]
    return float(np.sqrt(max(regions)))


def averaged(picture):
    """Return the means of little squares of a picture (h, w, 3)."""
    high, wide = (side // SQUARE * SQUARE for side in picture.shape[:2])
    cut = picture[:high, :wide]
    return cut.reshape(high // SQUARE, SQUARE, wide // SQUARE, SQUARE, 3).mean(axis=(1, 3))


# ---------------------------------------------------------------- texts and places


def places_of(figure):
    """Return where the axes are, as shares of the figure."""
    return [[round(v, 6) for v in ax.get_position().bounds] for ax in figure.axes]


def put_in_place(figure, places, name):
    """Move the axes to where they were in the reference, which must not be far."""
    ours = places_of(figure)
    message = f"The axes of {name} are elsewhere: {ours}, expected {places}."
    assert np.shape(ours) == np.shape(places), message
    assert np.allclose(ours, places, rtol=0, atol=_MOVED), message
    for ax, place in zip(figure.axes, places, strict=True):
        ax.set_position(place)


def visible_texts(figure):
    """Return the texts that are drawn."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def said_in(figure):
    """Return what a figure says in order of the alphabet, numbers and ticks left out."""
    ticks = {id(t) for ax in figure.axes for axis in axes_of(ax) for t in axis.get_ticklabels()}
    ticks |= {id(t) for ax in figure.axes for axis in axes_of(ax) for t in axis.findobj(Text)}
    labels = {id(axis.label) for ax in figure.axes for axis in axes_of(ax)}
    kept = [t for t in visible_texts(figure) if id(t) in labels or id(t) not in ticks]
    said = {re.sub(r"[\d.,×⁻⁰¹²³⁴⁵⁶⁷⁸⁹\u202f\u2212]+", "#", t.get_text()) for t in kept}
    # Where lines break depends on the letters' widths.
    return sorted(" ".join(text.split()) for text in said)


def axes_of(ax):
    return [axis for name in "xyz" if (axis := getattr(ax, f"{name}axis", None)) is not None]


def where_texts_are(figure, shape):
    """Return the pixels (h, w) on which texts and legends stand, with a little around them."""
    figure.draw_without_rendering()
    mask = np.zeros(shape[:2], dtype=bool)
    for text in [*visible_texts(figure), *figure.findobj(Legend)]:
        box = text.get_window_extent()
        if not np.isfinite(box.extents).all():
            continue
        x0, y0, x1, y1 = np.array(box.extents) * FINE
        rows = slice(max(int(shape[0] - y1 - _AROUND), 0), max(int(shape[0] - y0 + _AROUND), 0))
        mask[rows, max(int(x0 - _AROUND), 0) : max(int(x1 + _AROUND), 0)] = True
    return mask


# ---------------------------------------------------------------- files


def pixels(content):
    """Return a PNG as (h, w, 3) floats from 0 to 255."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


def told_by(content):
    """Return the texts and places that a reference image carries."""
    with Image.open(io.BytesIO(content)) as image:
        return json.loads(image.text["figure"])


def small(content, told):
    """Return a PNG with as many colours as its size allows; and what is told beside it."""
    beside = PngInfo()
    beside.add_text("figure", json.dumps(told))
    with Image.open(io.BytesIO(content)) as image:
        plain = image.convert("RGB")
    for colors in (256, 128, 64, 32):
        stream = io.BytesIO()
        few = plain.quantize(colors, dither=Image.Dither.NONE)
        few.save(stream, format="png", optimize=True, pnginfo=beside)
        if len(stream.getvalue()) < LARGEST:
            break
    return stream.getvalue()


def pictures(ours, theirs, name, folder):
    """Write what was drawn, what was expected, and where they differ; return where that is."""
    stem = Path(folder) / name.replace("/", "-")
    found = {"actual": ours, "expected": theirs}
    if ours.shape == theirs.shape:
        found["difference"] = 255 - np.abs(ours - theirs)
    for kind, picture in found.items():
        Image.fromarray(picture.astype(np.uint8)).save(f"{stem}-{kind}.png")
    return f"{stem}-actual.png"
