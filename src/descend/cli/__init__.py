"""The command line: ``descend fit``, ``predict``, ``show``, ``resume``, ``classics`` and others.

`app` declares the commands (`exporting`, `explaining` and `certifying` one each), `guard` turns
what goes wrong into a sentence and an exit status, `options` reads and writes option files, and
`words` puts results into text.
"""

from descend.cli import certifying as certifying
from descend.cli import explaining as explaining
from descend.cli import exporting as exporting
from descend.cli.app import main as main
