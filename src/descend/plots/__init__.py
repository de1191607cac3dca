"""Figures of runs, by matplotlib."""
