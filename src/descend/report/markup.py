"""Markup: HTML put together from elements, with every text escaped unless it is markup already.

>>> element("p", "a < b", element("b", "&"), class_="note")
'<p class="note">a &lt; b<b>&amp;</b></p>'
"""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING, Any, final

from descend.showing.samples import spaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What a page may not hold, or would not show: controls, and halves of surrogate pairs.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = ("br", "hr", "wbr")
# Whole numbers up to here are exact, and written out.
_EXACT = 1e15


@final
class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: Any) -> Html:
    """Return any text as markup that shows it as it is.

    >>> escaped('<script>"x"</script>')
    '&lt;script&gt;&quot;x&quot;&lt;/script&gt;'
    """
    if isinstance(text, Html):
        return text
    kept = _UNFIT.sub("�", str(text)).replace(" %", "\N{NO-BREAK SPACE}%")
    return Html(html.escape(kept))


def element(name: str, *children: Any, **attributes: Any) -> Html:
    """Return an element: children that are None are left out, as are attributes.

    Attributes whose names are words of Python end in ``_``; other underlines become hyphens.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_quoted(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def _quoted(value: Any) -> str:
    """Return text for an attribute: no = in it, or it might pass for an attribute of its own."""
    return escaped(value).replace("=", "&#61;")


def joined(parts: Iterable[Any]) -> Html:
    """Return parts one after another, each escaped unless it is markup; None is left out."""
    return Html("".join(escaped(part) for part in parts if part is not None))


def named(text: Any) -> Html:
    """Return a name out of the data: code that cannot change the direction of what is around it."""
    return element("bdi", text, class_="name")


def paragraphs(sentences: Iterable[Any], class_: str | None = None) -> Html:
    """Return a paragraph for each sentence."""
    return joined(element("p", sentence, class_=class_) for sentence in sentences)


def section(anchor: str, title: str, *children: Any) -> Html:
    """Return a part of the page with its heading."""
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, *children, id=anchor, aria_labelledby=f"{anchor}-title")


def table(
    caption: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], *, words: Sequence[int] = (0,)
) -> Html:
    """Return a table that scrolls by itself where it is wide; its first column names the rows.

    `words` are the columns that hold words and stand to the left; others are numbers.
    """
    kinds = ["words" if i in words else None for i in range(len(head))]
    top = (
        element("th", cell, scope="col", class_=kind) if cell else element("td", class_=kind)
        for cell, kind in zip(head, kinds, strict=True)
    )
    body = (
        element(
            "tr",
            element("th", row[0], scope="row", class_="words"),
            *(element("td", c, class_=k) for c, k in zip(row[1:], kinds[1:], strict=False)),
        )
        for row in rows
    )
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *top)),
        element("tbody", *body),
    )
    return element("div", whole, class_="wide", role="group", tabindex="0", aria_label=caption)


def details(summary: str, *children: Any) -> Html:
    """Return what is folded away until it is asked for."""
    return element("details", element("summary", summary), *children)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number for people, or a dash where there is none.

    >>> number(0.123456), number(-12345678.5), number(float("nan")), number(3.0), number(2e-7)
    ('0.1235', '−12 345 678', '–', '3', '2e−07')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    whole = float(value).is_integer() or abs(value) >= 10**digits
    if whole and abs(value) < _EXACT:
        return f"{'−' if value < 0 else ''}{spaced(abs(round(value)))}"
    return f"{value:.{digits}g}".replace("-", "−")


def between(low: float, high: float, digits: int = 4) -> str:
    """Return an interval for people, or a dash.

    >>> between(-1.0, 2.5), between(float("nan"), 1.0)
    ('−1 to 2.5', '–')
    """
    if math.isnan(low) or math.isnan(high):
        return "–"
    return f"{number(low, digits)} to {number(high, digits)}"
