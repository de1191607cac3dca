"""The five teaching documents this library grew out of, run as written and mended.

Each runs under its own name with its own data, start, step and number of steps; every known
mistake is made again, measured, and mended.  The documents' wrong formulas live in `curiosities`
and in no registry.

    >>> round(run_classic("line_by_hand").ours["loss"], 6)
    2.742158
"""

from descend.classics.five import CLASSICS as CLASSICS
from descend.classics.five import run_classic as run_classic
from descend.classics.telling import Classic as Classic
from descend.classics.telling import Mistake as Mistake
from descend.classics.telling import as_text as as_text
from descend.classics.telling import to_json as to_json
