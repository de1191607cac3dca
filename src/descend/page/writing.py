r"""Writing: one HTML document that needs nothing but itself.

Its Content-Security-Policy allows exactly its own scripts and style, by their digests, and pictures
that are in it; nothing can be fetched, and no text of the data can become code: it is escaped in
the body, and the payload is JSON in which ``<`` is written ``\u003c``.

Under that policy an element has no ``style="…"`` and no ``onclick="…"``; matplotlib's SVG, which
has styles, goes into an ``<img>`` as a data URL.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError
from descend.page.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MODULE, HOST = "module.js", "host.js"
# How esbuild ends a module with one export.
_EXPORT = re.compile(r"export\s*\{\s*([\w$]+)\s+as\s+default\s*\};?\s*\Z")
# Base 85 as Python has it, but for two characters that HTML reads.
_PLAIN = bytes.maketrans(b"<&", b",.")
# What has no place in a body: the policy blocks it, or it would end the data.
_FORBIDDEN = {"script", "style", "link", "iframe", "object", "embed", "base", "meta"}


def escaped(text: Any) -> str:
    """Return text that means itself in HTML, between tags and in quoted attributes.

    >>> escaped("<script>alert('1')</script>")
    '&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;'
    """
    return html.escape(str(text), quote=True)


def mount(number: int = 0) -> str:
    """Return the place in a document's body where its payload of that number is shown."""
    return (
        f'<div id="descend-run-{number}" class="descend-run">'
        "<noscript>The moving pictures need JavaScript.</noscript></div>"
    )


def document(
    title: str,
    body: str,
    *,
    payload: Payload | Sequence[Payload] | None = None,
    style: str = "",
    extra_scripts: Sequence[str] = (),
) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title
        As text; it is escaped.
    body
        HTML, with ``mount(0)``, ``mount(1)`` … where the payloads are to be shown.
    payload
        One, or several; default none, and then the module is not in the document.
    style
        One style sheet.
    extra_scripts
        Scripts of our own, run in order after the module.

    Raises
    ------
    InputError
        If the page's module is not there.
    """
    payloads = [payload] if isinstance(payload, Payload) else list(payload or ())
    assert not _blocked(body), f"the policy forbids {_blocked(body)} in the body"
    scripts = [*([_with_host(module())] if payloads else []), *extra_scripts]
    held = [_held(one, number) for number, one in enumerate(payloads)]
    text = "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, style)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escaped(title)}</title>",
            *([f"<style>{style}</style>"] if style else []),
            f"</head>\n<body>\n{body}",
            *held,
            *(f'<script type="module">{_inline(script)}</script>' for script in scripts),
            "</body>\n</html>\n",
        ]
    )
    # A file name may hold halves of characters, which no encoding can write.
    return text.encode("utf-8", "replace").decode()


def module() -> str:
    """Return the built module, an ES module in the anywidget contract.

    Raises
    ------
    InputError
        If it has not been built.
    """
    file = resources.files("descend.page") / MODULE
    if not file.is_file():
        msg = f"The page's module {MODULE} is not there; build it with 'make page'."
        raise InputError(msg)
    return file.read_text("utf-8")


# ---------------------------------------------------------------- scripts and style


def _with_host(text: str) -> str:
    """Return the module and its host as one script: its one export becomes a constant."""
    found = _EXPORT.search(text)
    assert found is not None, f"{MODULE} must end with its one export, as the default"
    host = (resources.files("descend.page") / HOST).read_text("utf-8")
    return f"{text[: found.start()]}const descendModule={found[1]};\n{{\n{host}}}\n"


def _inline(script: str) -> str:
    """Return a script that may stand in HTML as it is."""
    lowered = script.lower()
    assert "</script" not in lowered, "a script must not hold its own end"
    assert "<!--" not in lowered, "a script must not open a comment of HTML"
    return script


@final
class _Watch(HTMLParser):
    """Notes what the policy would block in a piece of HTML."""

    def __init__(self) -> None:
        HTMLParser.__init__(self)
        self.blocked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag."""
        if tag in _FORBIDDEN:
            self.blocked.append(f"<{tag}>")
        names = [name for name, _ in attrs if name == "style" or name.startswith("on")]
        self.blocked += [f"<{tag} {name}=…>" for name in names]


def _blocked(body: str) -> list[str]:
    """Return what the policy would block in a body, and the browser only tell on its console.

    >>> _blocked('<p style="color: red">Seen <b>once = 1</b></p>')
    ['<p style=…>']
    """
    watch = _Watch()
    watch.feed(body)
    return watch.blocked


def _policy(scripts: Iterable[str], style: str) -> str:
    styles = [style] if style else []
    return (
        f"default-src 'none'; script-src {_digests(scripts)}; style-src {_digests(styles)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digests(texts: Iterable[str]) -> str:
    found = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{digest}'" for digest in found) or "'none'"


# ---------------------------------------------------------------- payloads


def _held(payload: Payload, number: int) -> str:
    """Return a payload as two blocks of data, which no browser runs."""
    words = json.dumps(payload.page, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    words = words.replace("<", "\\u003c")
    return (
        f'<script type="application/json" id="descend-page-{number}">{words}</script>\n'
        f'<script type="application/octet-stream" id="descend-data-{number}">'
        f"{packed(payload.data)}</script>"
    )


def packed(data: bytes) -> str:
    """Return bytes as text: compressed, and four bytes in five characters.

    Base 85 takes a sixteenth less than base 64.
    """
    compressed = gzip.compress(data, compresslevel=9, mtime=0)
    return base64.b85encode(compressed).translate(_PLAIN).decode()
