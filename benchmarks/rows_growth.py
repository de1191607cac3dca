"""How the cost of a gradient grows with the rows: a line, until memory is read from far away."""

from __future__ import annotations

import time

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Goal, Race, row
from benchmarks.rows_gradients import ours
from benchmarks.timing import Measured

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
ASIDE = Goal(float("inf"), most=True)
NAMES = {n: f"{n:,} rows".replace(",", " ") for n in ROWS}


@row(
    "growth",
    "one logistic gradient, 20 columns, 10 000 000 rows beside fewer",
    {
        NAMES[10_000]: ASIDE,
        NAMES[100_000]: ASIDE,
        NAMES[1_000_000]: Goal(11.5, most=True),
    },
    "Ours beside ourselves: time over 10 000 000 rows / over fewer. A turn of a smaller size "
    "repeats the gradient, up to 100 times, and counts one. Losses differ, as the rows do.",
)
def growth(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y = data.labels(ROWS[-1] // (1000 if smoke else 1), 20)
    theta = np.random.default_rng(1).standard_normal(21) / 10

    def contestant(n: int) -> Contestant:
        rows = len(X) * n // ROWS[-1]
        gradient = ours(ds.logistic(), X[:rows], y[:rows], theta)
        count = min(ROWS[-1] // n, 100)

        def turn() -> Measured:
            begun = time.perf_counter()
            for _ in range(count):
                loss, _ = gradient()
            return Measured(loss, (time.perf_counter() - begun) / count)

        return turn

    fewer = {NAMES[n]: contestant(n) for n in ROWS[:-1]}
    return Race(contestant(ROWS[-1]), fewer, tolerance=None)
