"""How figures look: two themes, one set of colours, and a sheet to draw on.

Everything is drawn within `drawing`, which sets matplotlib's parameters for its block alone and
starts from matplotlib's own defaults, so that a user's settings neither change our figures nor are
changed by them.  There is no pyplot: a figure has its own canvas, and nothing is left behind.

The colours are those of Okabe and Ito, made darker for white paper and lighter for dark, so that
they stand out as text too (4.5 to 1).  Colour never speaks alone: each comes with a line style and
a marker, and lines carry their names.

>>> with drawing("dark") as theme:
...     figure = Sheet(theme, (480, 320)).figure()
>>> theme.ink, figure.get_facecolor()[:3] == (1, 1, 1)
('#e6e8eb', False)
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from descend.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.colors import Colormap

# Sizes are in pixels of a plain screen; files have twice as many, see `descend.plots.saving`.
DPI = 100
SIZES: dict[str, tuple[int, int]] = {
    "small": (480, 320),
    "normal": (800, 500),
    "large": (1200, 750),
}
SMALLEST, LARGEST = 240, 6000
# Told apart without colour: the n-th series has the n-th of each.
LINES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.6)),
    (0, (5, 1.4, 1, 1.4)),
    (0, (1, 1.2)),
    (0, (8, 2)),
    "-",
)
MARKERS = ("o", "s", "^", "D", "v", "P")

Size: TypeAlias = str | tuple[int, int]


@final
class Theme(NamedTuple):
    """The colours of a figure.

    Attributes
    ----------
    name
        ``"light"`` or ``"dark"``.
    paper, ink, muted, faint
        Behind everything; of text; of lesser text; of grids and what lies behind.
    series
        Of lines and points, the first for training, the second for validation.
    good, bad
        Where one is to be told from the other; always with a word beside it.
    """

    name: str
    paper: str
    ink: str
    muted: str
    faint: str
    series: tuple[str, ...]
    good: str
    bad: str

    def series_style(self, place: int) -> dict[str, Any]:
        """Return the colour and line style of the n-th series."""
        return {
            "color": self.series[place % len(self.series)],
            "linestyle": LINES[place % len(LINES)],
        }

    def point_style(self, place: int) -> dict[str, Any]:
        """Return the colour and marker of the n-th series."""
        return {
            "color": self.series[place % len(self.series)],
            "marker": MARKERS[place % len(MARKERS)],
        }

    @property
    def ramp(self) -> Colormap:
        """From nothing (the paper) to much: lightness alone tells the order."""
        ends = ("#f4f8fb", "#9cc6e4", "#2f7fb8", "#0b3a61", "#04192c")
        if self.name == "dark":
            ends = ("#1b2128", "#1d4a70", "#2f86c2", "#8fc8ee", "#eef8ff")
        return LinearSegmentedColormap.from_list(f"descend-{self.name}", ends)

    @property
    def ground(self) -> Colormap:
        """The same, but never so strong that lines on it would be lost."""
        return LinearSegmentedColormap.from_list(
            f"descend-ground-{self.name}", self.ramp(np.linspace(0, 0.4, 9))
        )

    @property
    def balance(self) -> Colormap:
        """From the second series' colour over the paper's to the first's, for signed values."""
        ends = ("#9a3412", "#e08a5f", "#f6f5f3", "#6ba6d2", "#0f4c81")
        if self.name == "dark":
            ends = ("#ffb184", "#a8552c", "#1e2227", "#2a6b9e", "#93cbf3")
        return LinearSegmentedColormap.from_list(f"descend-balance-{self.name}", ends)


THEMES = {
    "light": Theme(
        name="light",
        paper="#ffffff",
        ink="#1f2328",
        muted="#5c6670",
        faint="#e3e6e9",
        series=("#0063a6", "#b84a00", "#00735c", "#a23b7c", "#7a6000", "#51616f"),
        good="#00735c",
        bad="#b3261e",
    ),
    "dark": Theme(
        name="dark",
        paper="#15181c",
        ink="#e6e8eb",
        muted="#9aa4ae",
        faint="#2d333a",
        series=("#62b5f0", "#f5935a", "#3fcba4", "#ec9fd0", "#e6d25c", "#a9b6c2"),
        good="#3fcba4",
        bad="#ff8a80",
    ),
}
THEMES["auto"] = THEMES["light"]


def theme_of(name: str) -> Theme:
    """Return a theme by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in THEMES:
        hint = did_you_mean(str(name), THEMES)
        msg = f"There is no theme {name!r}{hint}; there are light, dark and auto (light)."
        raise InputError(msg)
    return THEMES[name]


def size_of(size: Size) -> tuple[int, int]:
    """Return a size in pixels: by name, or as it is.

    Raises
    ------
    InputError
        If it is no name and no pair of pixels within reason.
    """
    if isinstance(size, str):
        if size not in SIZES:
            msg = f"There is no size {size!r}{did_you_mean(size, SIZES)}; {_SIZES_SAID}."
            raise InputError(msg)
        return SIZES[size]
    try:
        width, height = (int(side) for side in size)
    except (TypeError, ValueError):
        width = height = 0
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        msg = (
            f"A size is a pair of pixels from {SMALLEST} to {LARGEST}; found {size!r}; "
            f"{_SIZES_SAID}."
        )
        raise InputError(msg)
    return width, height


_SIZES_SAID = ", ".join(f"{name} is {w}x{h}" for name, (w, h) in SIZES.items())


@final
class Sheet(NamedTuple):
    """What a figure is drawn on.

    Attributes
    ----------
    theme
        Its colours.
    size
        Its width and height in pixels.
    """

    theme: Theme
    size: tuple[int, int]

    @property
    def small(self) -> bool:
        """Whether there is room for little."""
        return self.size[0] < 600 or self.size[1] < 400  # noqa: PLR2004 - between small and normal

    def figure(self) -> Picture:
        """Return an empty figure that makes room for its texts by itself."""
        width, height = self.size
        return Picture(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")


@final
class Picture(Figure):
    """A figure that shows itself in notebooks, whether or not pyplot is there."""

    def __init__(self, **options: Any) -> None:
        """Make a figure with its own canvas."""
        Figure.__init__(self, **options)
        FigureCanvasAgg(self)

    def draw(self, renderer: Any) -> None:
        """Draw with letters as wide as they were when lines were broken, at any resolution."""
        with mpl.rc_context({"text.hinting": "none"}):
            Figure.draw(self, renderer)

    def _repr_png_(self) -> bytes:
        """Return the figure as a PNG, for a notebook."""
        stream = io.BytesIO()
        with quietly():
            self.savefig(stream, format="png")
        return stream.getvalue()


@contextmanager
def drawing(theme: str) -> Iterator[Theme]:
    """Draw within this block by our parameters; matplotlib's own are as before afterwards."""
    chosen = theme_of(theme)
    with mpl.rc_context(), quietly():
        matplotlib.style.use("default")
        settings: Any = mpl.rcParams
        settings.update(_parameters(chosen))
        yield chosen


@contextmanager
def quietly() -> Iterator[None]:
    """Draw letters that the font lacks as boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _parameters(theme: Theme) -> dict[str, Any]:
    """Return matplotlib's parameters: quiet axes, no frame, texts as they are."""
    return {
        "font.family": ["DejaVu Sans"],  # comes with matplotlib, so figures are the same anywhere
        "font.size": 9.5,
        "text.color": theme.ink,
        "text.parse_math": False,  # a column may be called "$x$"
        "text.hinting": "none",
        "figure.facecolor": theme.paper,
        "figure.edgecolor": theme.paper,
        "figure.constrained_layout.h_pad": 0.09,
        "figure.constrained_layout.w_pad": 0.12,
        "figure.titlesize": 11.5,
        "figure.titleweight": "bold",
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.muted,
        "axes.titlecolor": theme.muted,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 9.5,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.faint,
        "grid.linewidth": 0.7,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "lines.solid_capstyle": "round",
        "lines.dash_capstyle": "butt",
        "lines.scale_dashes": True,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "image.cmap": "viridis",
        "savefig.facecolor": "auto",
        "savefig.edgecolor": "auto",
        "svg.hashsalt": "descend",  # the same figure is the same file
        "pdf.fonttype": 42,  # text in a PDF stays text
    }
