"""The doctor: what is the matter with a run, why, and the smallest change that mends it.

A `Chart` holds what can be known of a run; rules read the chart, each for the codes in its module;
`diagnose` asks them all and puts the worst first.
"""

from descend.doctor.diagnosing import diagnose as diagnose
from descend.doctor.figures import check_figure as check_figure
from descend.doctor.findings import Diagnosis as Diagnosis
from descend.doctor.findings import Finding as Finding
from descend.doctor.findings import Fix as Fix
from descend.doctor.probabilities import check_probabilities as check_probabilities
from descend.doctor.trying import Trial as Trial
from descend.doctor.watching import Watch as Watch
