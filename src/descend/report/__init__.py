"""The report: a run as one file that can be mailed."""

from descend.report.comparing import compare as compare
from descend.report.making import of_fit as of_fit
from descend.report.making import report as report
