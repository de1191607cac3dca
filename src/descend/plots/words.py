"""The words of figures: numbers for people, names that fit, titles, and notes at the foot.

>>> number(1234567.0).split(APART), number(1234.0), number(3.2e-9), number(float("nan"))
(['1', '234', '567'], '1234', '3.2×10⁻⁹', 'not a number')
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

from matplotlib.backends import backend_agg
from matplotlib.font_manager import FontProperties

from descend.plots.style import DPI

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from descend.plots.style import Sheet

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Numbers within these are written out.
_SMALL, _LARGE = 1e-4, 1e7
LONGEST_NAME = 28
# Between thousands: narrow, and no place to break a line.
APART = "\N{NARROW NO-BREAK SPACE}"
_TITLE, _NOTE = 11.5, 8.5
_MOST_LINES = 3


def number(value: float, digits: int = 3) -> str:
    """Return a number for people: so many digits, thousands apart, powers of ten raised."""
    value = float(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("-" if value < 0 else "") + "infinite"
    if value == 0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        head = {"1": "", "-1": "-"}.get(mantissa, f"{mantissa}×")
        return f"{head}{ten_to(int(power))}".replace("-", "\N{MINUS SIGN}", 1)
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = apart(f"{value:,.{decimals}f}")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "\N{MINUS SIGN}")


def apart(text: str) -> str:
    """Return a number whose thousands are told by commas with spaces, from five digits on."""
    return text.replace(",", APART if text.count(",") > 1 or text.find(",") > 1 else "")


def percent(share: float) -> str:
    """Return a share in percent, never rounded up to all of it.

    >>> percent(0.9999), percent(1.0), percent(0.5), percent(0.01234)
    ('99.9 %', '100 %', '50 %', '1.23 %')
    """
    if 0.999 < share < 1 - 1e-9:  # noqa: PLR2004 - not all of it
        return "99.9 %"
    return f"{number(100 * share)} %"


def ten_to(power: int) -> str:
    """Return a power of ten, its exponent raised."""
    return f"10{str(power).translate(_RAISED)}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its word: ``1 update``, ``1200 updates``."""
    return f"{apart(f'{count:,}')} {one if count == 1 else many or one + 's'}"


def short(name: object, longest: int = LONGEST_NAME) -> str:
    """Return a name in one line that fits: a column may be called anything.

    >>> short("a" * 40)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in str(name))
    text = " ".join(part for part in "".join(kept).split(" ") if part)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def titled(figure: Figure, sheet: Sheet, title: str, *notes: str) -> None:
    """Write what is seen at the head, from the left, and notes at the foot, in lines that fit."""
    width = sheet.size[0] - 24
    left = 12 / sheet.size[0]
    lines = wrapped(title, width, _TITLE, weight="bold")
    figure.suptitle("\n".join(lines), x=left, ha="left")
    said = " ".join(note for note in notes if note)
    if said:
        size = _NOTE - 1 if sheet.small else _NOTE
        foot = "\n".join(wrapped(said, width, size))
        figure.supxlabel(foot, x=left, ha="left", color=sheet.theme.muted, fontsize=size)


def wrapped(
    text: str, width: float, size: float, *, weight: str = "normal", most: int = _MOST_LINES
) -> list[str]:
    """Return a text in lines no wider than so many pixels; what is too much ends in an ellipsis."""
    lines: list[str] = [""]
    for word in short(text, 10_000).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, weight) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(" ".join(lines[most - 1 :]), width, size, weight)]
    return [_cut(line, width, size, weight) for line in lines]


def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Return how many pixels wide a line of text is."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    measured: float = _MEASURE.get_text_width_height_descent(text, font, ismath=False)[0]
    return measured


def _cut(line: str, width: float, size: float, weight: str) -> str:
    if width_of(line, size, weight) <= width:
        return line
    while line and width_of(line + "…", size, weight) > width:
        line = line[:-1]
    return line.rstrip(" ,;.") + "…"


_AGG: Any = backend_agg
_MEASURE = _AGG.RendererAgg(1, 1, DPI)
