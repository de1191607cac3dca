"""Rows that only one of two runs gets right: the exact test of McNemar, and its interval.

Where two runs are alike, each of the m discordant rows is a fair coin, whatever the rows are.  The
test counts on the binomial distribution, without an approximation that few rows would spoil.  The
share of them that the second run gets right has the interval of Clopper and Pearson, and

    difference in accuracy = m/n (2 share - 1)

turns it into one that leaves out 0 exactly where the test rejects at 5 %.

References: Q. McNemar, "Note on the sampling error of the difference between correlated
proportions", Psychometrika 12 (1947); C. Clopper and E. Pearson, Biometrika 26 (1934).
"""

from __future__ import annotations


def difference(first: int, second: int, n: int) -> tuple[float, float]:
    """Return the exact 95 % interval of second less first, of rows that only one gets right.

    >>> [round(bound, 3) for bound in difference(0, 3, 66)]
    [-0.019, 0.045]
    >>> [round(bound, 3) for bound in difference(1, 9, 66)]
    [0.017, 0.151]
    >>> [round(bound, 3) for bound in difference(0, 0, 66)]  # none of 66 rows: at most so many
    [-0.054, 0.054]
    """
    m = first + second
    if m == 0:
        most = shares(0, n)[1]
        return -most, most
    low, high = shares(second, m)
    return m / n * (2 * low - 1), m / n * (2 * high - 1)


def shares(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Clopper and Pearson."""
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    low = float(betaincinv(hits, n - hits + 1, 0.025)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 0.975)) if hits < n else 1.0
    return low, high
