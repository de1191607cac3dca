"""Stand-in."""

from __future__ import annotations


def stop_reason(run):
    return run.outcome.sentence


def divergence_message(run):
    return run.outcome.sentence


def data_warnings(run):
    return []


def is_at_an_end(run):
    return run.outcome.reason != "epochs"
