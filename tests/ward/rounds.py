"""Rounds: bed after bed, in two processes."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.ward import taking_in
from tests.ward.judge import Score, verdict

BEDS = 10


def examined(bed):
    """Return the verdict on one bed, or None where nobody was taken in; and what was drawn."""
    taking_in.DRAWN.clear()
    patient = taking_in.one(*bed)
    return (None if patient is None else verdict(patient)), dict(taking_in.DRAWN)


def taken(bed):
    """Return one bed, whether somebody lies in it, the seconds that took, and what was drawn."""
    taking_in.DRAWN.clear()
    begun = time.perf_counter()
    found = taking_in.one(*bed)
    return bed, found is not None, time.perf_counter() - begun, dict(taking_in.DRAWN)


def beds(codes, seeds, healthy):
    """Return (code, seed, bed): ten of each code a seed, and so many healthy in all."""
    made = [(code, s, b) for code in codes if code != "healthy" for s in seeds for b in range(BEDS)]
    if "healthy" in codes:
        made += [("healthy", s, b) for b in range(-(-healthy // len(seeds))) for s in seeds][
            :healthy
        ]
    return made


def visited(visit, places, processes):
    """Yield what `visit` returns for each bed, in order."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        yield from workers.map(visit, places, chunksize=2)


def judged(codes, seeds, healthy, processes=2):
    """Return the score over a range of seeds, and what became of each draft."""
    begun, score, drawn = time.perf_counter(), Score(), Counter()
    for found, seen in visited(examined, beds(codes, seeds, healthy), processes):
        drawn.update(seen)
        if found is not None:
            score.verdicts.append(found)
    score.seconds = time.perf_counter() - begun
    return score, drawn
