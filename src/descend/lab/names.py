r"""Names that somebody else has written: made fit for a terminal, a table and a file's name.

>>> clean("Ada\x1b[2J\u202e  Lovelace\n")
'Ada [2J Lovelace'
>>> slug("Ada Lovelace!")
'ada-lovelace'
"""

from __future__ import annotations

import re

LONGEST_SLUG = 40


def clean(text: object) -> str:
    """Return a text in one line, without what a terminal would obey rather than show."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def slug(name: str) -> str:
    """Return a name as a part of a file's name: small letters, digits and hyphens, or ""."""
    return re.sub(r"[\W_]+", "-", name.lower())[:LONGEST_SLUG].strip("-")
