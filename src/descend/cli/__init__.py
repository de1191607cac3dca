"""The command line: ``descend fit``, ``predict``, ``show``, ``resume``, ``classics`` and others.

`app` declares the commands (those with a module of their own are imported here), `guard` turns
what goes wrong into a sentence and an exit status, `options` reads and writes option files, and
`words` puts results into text.
"""

from descend.cli import certifying as certifying
from descend.cli import doctoring as doctoring
from descend.cli import explaining as explaining
from descend.cli import exporting as exporting
from descend.cli import forecasting as forecasting
from descend.cli import grading as grading
from descend.cli import lab as lab
from descend.cli import plotting as plotting
from descend.cli import reporting as reporting
from descend.cli import sweeping as sweeping
from descend.cli.app import main as main
