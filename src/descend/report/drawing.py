"""Small drawings as SVG: they take the page's colours, in light and dark and on paper.

Only presentation attributes and classes, so that a strict Content-Security-Policy leaves them be.
Every drawing has a name for those who do not see it; its numbers stand in a table beside it.

>>> sketch = Sketch("A line", (0.0, 1.0), (0.0, 2.0), ("x", "y"))
>>> markup = drawn(sketch, [line(sketch, [0.0, 1.0], [0.0, 2.0])])
>>> markup.startswith('<svg viewBox="0 0 380 270" role="img" aria-label="A line"')
True
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.report.markup import Html, element, joined, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 380, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 44
_TICKS = 5
# Points beyond which a cloud says no more, and only weighs.
POINTS = 600


class Sketch(NamedTuple):
    """The ground of a drawing: what it shows, its ranges, its axes' labels, and if y is a log."""

    name: str
    x: tuple[float, float]
    y: tuple[float, float]
    labels: tuple[str, str]
    log: bool = False


def fitted(*arrays: Any, log: bool = False) -> tuple[float, float]:
    """Return the range of the finite values, a little wider; 0 to 1 where there are none.

    >>> fitted([0.0, 10.0]), fitted([2.0, 2.0]), fitted([])
    ((-0.4, 10.4), (1.0, 3.0), (0.0, 1.0))
    """
    values = np.concatenate([np.ravel(np.asarray(a, dtype=np.float64)) for a in arrays])
    values = values[np.isfinite(values) & (values > 0 if log else True)]
    if not len(values):
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.2, high * 1.2
    reach = 0.04 * (high - low) or abs(low) / 2 or 1.0
    return low - reach, high + reach


def across(sketch: Sketch, x: Any) -> Any:
    """Return where x lies on the drawing."""
    low, high = sketch.x
    return _LEFT + (np.asarray(x, dtype=np.float64) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)


def up(sketch: Sketch, y: Any) -> Any:
    """Return where y lies on the drawing."""
    low, high = sketch.y
    y = np.asarray(y, dtype=np.float64)
    if sketch.log:
        low, high, y = math.log10(low), math.log10(high), np.log10(y)
    return HEIGHT - _BOTTOM - (y - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def drawn(sketch: Sketch, marks: Iterable[Html]) -> Html:
    """Return the whole drawing: grid, axes, and marks on top."""
    return element(
        "svg",
        _grid(sketch),
        *marks,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=sketch.name,
        class_="drawing",
    )


def line(sketch: Sketch, x: Any, y: Any, kind: str = "one") -> Html:
    """Return a line through the finite points; it is broken where one is not finite."""
    with np.errstate(all="ignore"):
        px, py = across(sketch, x), up(sketch, y)
    path, pen = [], "M"
    for a, b in zip(np.atleast_1d(px).tolist(), np.atleast_1d(py).tolist(), strict=True):
        if math.isfinite(a) and math.isfinite(b):
            path.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    return element("path", d="".join(path), class_=f"line {kind}")


def points(sketch: Sketch, x: Any, y: Any, kind: str = "one", r: float = 2.5) -> Html:
    """Return a mark for each finite point."""
    with np.errstate(all="ignore"):
        px, py = across(sketch, x), up(sketch, y)
    marks = (
        element("circle", cx=f"{a:.1f}", cy=f"{b:.1f}", r=r)
        for a, b in zip(np.ravel(px).tolist(), np.ravel(py).tolist(), strict=True)
        if math.isfinite(a) and math.isfinite(b)
    )
    return element("g", *marks, class_=f"point {kind}")


def whiskers(sketch: Sketch, x: Any, low: Any, high: Any) -> Html:
    """Return an upright interval at each x."""
    px, a, b = across(sketch, x), up(sketch, low), up(sketch, high)
    marks = (
        element("path", d=f"M{x:.1f} {from_:.1f}V{to:.1f}")
        for x, from_, to in zip(px.tolist(), a.tolist(), b.tolist(), strict=True)
    )
    return element("g", *marks, class_="whisker")


# ---------------------------------------------------------------- grid and axes


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers within a range.

    >>> ticks(0.0, 1.0), ticks(-0.4, 10.4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 2.5, 5.0, 7.5, 10.0])
    """
    raw = (high - low) / _TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers within a range for a logarithmic axis: powers of ten, where they do.

    >>> log_ticks(0.5, 2000.0), log_ticks(2.0, 30.0)
    ([1.0, 10.0, 100.0, 1000.0], [2.0, 5.0, 10.0, 20.0])
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= 2:  # noqa: PLR2004 - three powers make an axis
        every = math.ceil((last - first + 1) / _TICKS)
        return [10.0**i for i in range(first, last + 1, every)]
    steps = [m * 10.0**i for i in range(first - 1, last + 1) for m in (1, 2, 5)]
    found = [step for step in steps if low <= step <= high]
    return found if len(found) > 1 else [float(f"{v:.2g}") for v in (low, high)]


def _grid(sketch: Sketch) -> Html:
    xs = ticks(*sketch.x)
    ys = log_ticks(*sketch.y) if sketch.log else ticks(*sketch.y)
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    rows = []
    for value, place in zip(xs, across(sketch, xs).tolist(), strict=True):
        rows.append(element("path", d=f"M{place:.1f} {_TOP}V{bottom}", class_="grid"))
        rows.append(_text(label(value), place, bottom + 15, "middle"))
    for value, place in zip(ys, up(sketch, ys).tolist(), strict=True):
        if _TOP - 1 <= place <= bottom + 1:
            rows.append(element("path", d=f"M{_LEFT} {place:.1f}H{right}", class_="grid"))
            rows.append(_text(label(value), _LEFT - 5, place + 4, "end"))
    middle = (_TOP + bottom) / 2
    rows.append(_text(sketch.labels[0], (_LEFT + right) / 2, HEIGHT - 8, "middle", "axis"))
    turned = {"transform": f"rotate(-90 15 {middle:.0f})"}
    rows.append(_text(sketch.labels[1], 15, middle, "middle", "axis", **turned))
    return element("g", *rows, aria_hidden="true")


def _text(
    words: Any, x: float, y: float, anchor: str, kind: str | None = None, **more: str
) -> Html:
    return element(
        "text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=kind, **more
    )


def label(value: float) -> str:
    """Return the number at a tick, short.

    >>> label(1500.0), label(2e6), label(-0.5), label(1e-7)
    ('1500', '2e6', '−0.5', '1e−7')
    """
    text = f"{value:g}" if abs(value) < 1e5 else f"{value:.3g}"  # noqa: PLR2004 - still short
    head, mark, tail = text.partition("e")
    if mark:
        text = f"{head}e{int(tail)}"
    return text.replace("-", "−")


# Lines that can be told apart by colour and by dashes.
KINDS = ("one", "two", "three", "four", "five", "six")


class Line(NamedTuple):
    """A line of a run: its name, its kind, and where it goes."""

    name: str
    kind: str
    x: Any
    y: Any


def key(lines: Iterable[Line]) -> Html:
    """Return which line is whose: colour, dashes and name."""
    entries = (
        element("li", element("span", class_=f"swatch {one.kind}"), named(one.name))
        for one in lines
    )
    return element("ul", *entries, class_="key")


# ---------------------------------------------------------------- bars beside names


class Bar(NamedTuple):
    """A value with its interval (NaN: none), beside a name."""

    name: str
    value: float
    low: float
    high: float


_ROW, _NAMES, _ROOM = 22, 150, 15


def bars(name: str, rows: Sequence[Bar], axis: str) -> Html:
    """Return a dot with its interval for each name, about a line at 0."""
    low, high = fitted([(r.value, r.low, r.high) for r in rows], [0.0])
    height = _ROW * len(rows) + 44

    def place(value: float) -> float:
        return _NAMES + (value - low) / (high - low) * (WIDTH - _NAMES - 12)

    bottom = height - 38
    grid = [
        part
        for tick in ticks(low, high)[::2]
        for part in (
            element("path", d=f"M{place(tick):.1f} 4V{bottom}", class_="grid"),
            _text(label(tick), place(tick), bottom + 14, "middle"),
        )
    ]
    marks = [element("path", d=f"M{place(0.0):.1f} 4V{bottom}", class_="zero")]
    for i, row in enumerate(rows):
        y = 4 + _ROW * (i + 0.5)
        marks.append(_text(_short(row.name), _NAMES - 8, y + 4, "end"))
        if math.isfinite(row.value):
            marks.append(_dot(row, y, place))
    marks.append(_text(axis, (_NAMES + WIDTH) / 2, height - 6, "middle", "axis"))
    return element(
        "svg",
        *grid,
        *marks,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=name,
        class_="drawing",
    )


def _dot(row: Bar, y: float, place: Any) -> Html:
    ends = [v for v in (row.low, row.high) if math.isfinite(v)]
    reach = f"M{place(ends[0]):.1f} {y:.1f}H{place(ends[-1]):.1f}" if len(ends) > 1 else ""
    stem = f"M{place(0.0):.1f} {y:.1f}H{place(row.value):.1f}"
    return joined(
        [
            element("path", d=reach, class_="whisker thick")
            if reach
            else element("path", d=stem, class_="stem"),
            element(
                "circle", cx=f"{place(row.value):.1f}", cy=f"{y:.1f}", r="4", class_="point one"
            ),
        ]
    )


def _short(name: str) -> str:
    return name if len(name) <= _ROOM else f"{name[: _ROOM - 1]}…"


def spark(counts: Sequence[int]) -> Html | None:
    """Return a tiny histogram, or None where there is none."""
    if not counts:
        return None
    most = max(counts)
    rows = (
        element(
            "rect", x=i * 6, y=f"{18 - 18 * c / most:.1f}", width=5, height=f"{18 * c / most:.1f}"
        )
        for i, c in enumerate(counts)
        if c
    )
    return element(
        "svg",
        *rows,
        viewBox="0 0 72 18",
        width="72",
        height="18",
        class_="spark",
        aria_hidden="true",
    )
