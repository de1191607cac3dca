"""Sources: the data a lab can be opened on, and what is usual for each.

>>> SOURCES["moons"].kind, SOURCES["houses"].columns
('two labels', ('area', 'distance', 'rooms'))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.datasets import (
    blobs,
    checkerboard,
    circles,
    houses,
    line_by_hand,
    line_sgd,
    moons,
    shipped,
    sliders,
    spiral,
    xor,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats

# What stands for data that is brought along: a table that was opened, and a recorded run's rows.
TABLE, RUN = "table", "run"
MOST_CLASSES = 8
# The blobs stand on a circle of this radius.
_RADIUS = 2.0


@final
@dataclass(frozen=True)
class Source:
    """One kind of data.

    Attributes
    ----------
    name, words
        What it is called, and what it is, in a line.
    kind
        What its targets are: a word of `descend.losses.Targets`; None where only the rows tell.
    columns
        What its rows hold, before features are made of them.
    draw
        ``draw(n, noise, seed, classes)`` returns (X, y); None for tables.
    usual
        The settings that differ from those of the moons.
    noise
        What its noise is in words and the largest that makes sense; "" where there is none.
    """

    name: str
    words: str
    kind: str | None
    columns: tuple[str, ...] = ()
    draw: Callable[[int, float, int, int], tuple[Floats, Array]] | None = None
    usual: dict[str, Any] = field(default_factory=dict)
    noise: tuple[str, float] = ("", 0.0)
    rows: int | None = None

    @property
    def drawn(self) -> bool:
        """Whether its rows are made by formula."""
        return self.draw is not None


def _by_hand(n: int, noise: float, seed: int) -> tuple[Floats, Array]:
    """Return the rows of the document's two parts as one: the split is the settings' own."""
    parts = line_by_hand(seed, n=n, noise=noise)
    X = np.concatenate([parts.X, parts.X_validation])
    return X, np.concatenate([parts.y, parts.y_validation])[:, 0]


def _blobs(n: int, noise: float, seed: int, classes: int) -> tuple[Floats, Array]:
    angles = 2 * np.pi * np.arange(classes) / classes + np.pi / 2
    centers = _RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])
    return blobs(n, centers, seed, spread=noise)


PLANE = ("x1", "x2")
LINE: dict[str, Any] = {
    "features": ("x1",),
    "hidden": (),
    "loss": "squared_error",
    "optimizer": "gradient_descent",
    "learning_rate": 0.1,
}
_LINEAR: dict[str, Any] = {"hidden": (), "optimizer": "gradient_descent", "learning_rate": 0.3}
_BLUR = "standard deviation of both coordinates"
_SCATTER = "standard deviation of y"

_DRAWN = (
    Source(
        "moons",
        "two half moons that reach into each other",
        "two labels",
        PLANE,
        lambda n, noise, seed, _: moons(n, noise, seed),
        noise=(_BLUR, 0.5),
    ),
    Source(
        "circles",
        "a circle around a smaller one",
        "two labels",
        PLANE,
        lambda n, noise, seed, _: circles(n, noise, seed),
        noise=(_BLUR, 0.3),
    ),
    Source(
        "spiral",
        "two arms wound around each other; the hardest of these",
        "two labels",
        PLANE,
        lambda n, noise, seed, _: spiral(n, noise, seed),
        {"noise": 0.02, "n": 400, "hidden": (16, 16), "learning_rate": 0.01},
        (_BLUR, 0.2),
    ),
    Source(
        "xor",
        "four squares, two and two of a kind across the corners",
        "two labels",
        PLANE,
        lambda n, noise, seed, _: xor(n, seed, noise=noise),
        {"noise": 0.05},
        (_BLUR, 0.5),
    ),
    Source(
        "checkerboard",
        "a board of four by four squares",
        "two labels",
        PLANE,
        lambda n, noise, seed, _: checkerboard(n, 4, seed, noise=noise),
        {"noise": 0.0, "n": 600, "hidden": (16, 16), "learning_rate": 0.01, "standardize": True},
        (_BLUR, 0.5),
    ),
    Source(
        "blobs",
        "round clouds, two to eight of them",
        None,
        PLANE,
        _blobs,
        {"noise": 0.7, **_LINEAR},
        ("standard deviation of each cloud", 3.0),
    ),
    Source(
        "line",
        "points about the line y = 3x + 8",
        "numbers",
        ("x1",),
        lambda n, noise, seed, _: line_sgd(n, seed, noise=noise / 3),
        {**LINE, "noise": 0.3},
        (_SCATTER, 3.0),
    ),
    Source(
        "line_by_hand",
        "points about the line y = 1 + 2x",
        "numbers",
        ("x1",),
        lambda n, noise, seed, _: _by_hand(n, noise, seed),
        {**LINE, "n": 100, "noise": 0.1, "data_seed": 42, "validation": 0.2},
        (_SCATTER, 2.0),
    ),
    Source(
        "sliders",
        "points on the line y = 2x + 20",
        "numbers",
        ("x1",),
        lambda n, noise, seed, _: sliders(noise, seed, n=n),
        {**LINE, "n": 100, "noise": 0.0, "validation": 0.0, "learning_rate": 0.05},
        (_SCATTER, 10.0),
    ),
    Source(
        "houses",
        "three houses and their prices, in very different units",
        "numbers",
        ("area", "distance", "rooms"),
        lambda *_: houses(),
        {
            **LINE,
            "n": 3,
            "noise": 0.0,
            "validation": 0.0,
            "standardize": True,
            "features": ("area", "distance", "rooms"),
        },
        rows=3,
    ),
)

TARGETS = {"breast-cancer": "diagnosis", "diabetes": "progression"}
_TABLE: dict[str, Any] = {
    **_LINEAR,
    "features": (),
    "noise": 0.0,
    "learning_rate": "auto",
    "validation": 0.15,
}
_WORDS = {
    "breast-cancer": "569 tumours, 30 measurements each: benign or malignant?",
    "diabetes": "442 patients, 10 measurements each: how far did the disease go in a year?",
}
_KINDS = {"breast-cancer": "two labels", "diabetes": "numbers"}


def _shipped(name: str) -> Source:
    usual = {**_TABLE, "target": TARGETS.get(name, "")}
    if _KINDS.get(name) == "numbers":
        usual["loss"] = "squared_error"
    return Source(
        name, _WORDS.get(name, "a table that comes with the library"), _KINDS.get(name), usual=usual
    )


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        *_DRAWN,
        *map(_shipped, shipped()),
        Source(TABLE, "a table of your own", None, usual=_TABLE),
        Source(RUN, "the rows of a recorded run", None, usual=_TABLE),
    )
}


def kind_of(source: Source, classes: int) -> str | None:
    """Return what the targets of a source are, or None where only its rows can tell."""
    if source.name == "blobs":
        return "two labels" if classes == 2 else "labels"  # noqa: PLR2004
    return source.kind
