"""The report: a run as one file that can be mailed."""
