"""Estimators with their defaults on twelve real tables: our scores and times, and scikit-learn's.

    python benchmarks/estimators.py                  # everything; an hour
    python benchmarks/estimators.py --only iris fair --seeds 2
    python benchmarks/estimators.py --json -         # the figures, for machines
    python benchmarks/estimators.py --smoke          # two tables, one seed: does it run?

The rule that chose the tables, before any score was looked at: every one that comes with
scikit-learn or statsmodels, names its own columns and its own one target, and has at least 100
rows.  A target of at most ten values is classified, any other is regressed; columns of text become
one column for each value.

Each estimator is as it comes, without an argument but its seed, and meets the rows as they are;
peers also behind a `StandardScaler`.  For each seed the rows are shuffled into five parts; each
part is predicted by what was fitted to the other four, one estimator after the other.  The score
(accuracy, R²) is the mean over parts and seeds; the time is that of the five fits, the median over
the seeds.  All fit each table once before the clock runs; what our first fits took, from an empty
cache of compiled kernels, is printed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn import datasets, linear_model, neural_network
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud")
ROWS, LABELS, PARTS = 100, 10, 5
# How far below the best peer a score may be.
LINEAR_SLACK, NET_SLACK = 0.005, 0.01


class Table(NamedTuple):
    """One table: X (n, d), y (n,), and whether y are labels."""

    X: Any
    y: Any
    labels: bool


def tables() -> dict[str, Table]:
    """Return the tables that the rule chooses, by name."""
    found = {}
    for name in BUNDLED:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        found[name] = (X, y)
    found |= dict(_of_statsmodels())
    return {
        name: Table(np.asarray(X, float), y.astype(int) if labels else y, labels)
        for name, (X, y) in found.items()
        if y.ndim == 1 and len(y) >= ROWS
        for labels in [len(np.unique(y)) <= LABELS]
    }


def _of_statsmodels() -> list[tuple[str, Any]]:
    import pandas as pd  # noqa: PLC0415 - likewise
    from statsmodels import datasets as theirs  # noqa: PLC0415 - slow, and only here

    found = []
    for name in sorted(dir(theirs)):
        load = getattr(getattr(theirs, name), "load_pandas", None)
        table: Any = None if load is None else load()
        if getattr(table, "endog", None) is not None and getattr(table, "exog", None) is not None:
            columns = pd.get_dummies(pd.DataFrame(table.exog), dtype=float)
            found.append((name, (columns.to_numpy(float), np.asarray(table.endog, float))))
    return found


def linear(table: Table, seed: int) -> dict[str, Any]:
    """Return the linear contestants, ours first."""
    from descend import estimators as ours  # noqa: PLC0415 - once its cache is an empty one

    if table.labels:
        sgd = linear_model.SGDClassifier(random_state=seed)
        plain: Any = linear_model.LogisticRegression()
        own: Any = ours.DescentClassifier(random_state=seed)
    else:
        sgd = linear_model.SGDRegressor(random_state=seed)
        plain = linear_model.LinearRegression()
        own = ours.DescentRegressor(random_state=seed)
    return {
        "ours": own,
        "SGD": sgd,
        "SGD scaled": make_pipeline(StandardScaler(), sgd),
        "plain": plain,
        "plain scaled": make_pipeline(StandardScaler(), plain),
    }


def nets(table: Table, seed: int) -> dict[str, Any]:
    """Return the nets of 100 hidden units, ours first."""
    from descend import estimators as ours  # noqa: PLC0415 - once its cache is an empty one

    name = "MLPClassifier" if table.labels else "MLPRegressor"
    peer = getattr(neural_network, name)(random_state=seed)
    return {
        "ours": getattr(ours, name)(random_state=seed),
        "MLP scaled": make_pipeline(StandardScaler(), peer),
    }


class Figures(NamedTuple):
    """What a contestant got: a score and the seconds of its fits, for each seed."""

    scores: list[float]
    seconds: list[float]

    @property
    def score(self) -> float:
        """The mean score."""
        return statistics.fmean(self.scores)

    @property
    def time(self) -> float:
        """The median time."""
        return statistics.median(self.seconds)


def raced(
    kind: Callable[[Table, int], Mapping[str, Any]], table: Table, seeds: int, parts: int
) -> dict[str, Figures]:
    """Return every contestant's figures on a table; they take turns, part by part."""
    found = {name: Figures([], []) for name in kind(table, 0)}
    for seed in range(seeds):
        split = (StratifiedKFold if table.labels else KFold)(parts, shuffle=True, random_state=seed)
        scores: dict[str, list[float]] = {name: [] for name in found}
        seconds = dict.fromkeys(found, 0.0)
        turns = list(split.split(table.X, table.y))
        if seed == 0:
            for estimator in kind(table, seed).values():
                estimator.fit(table.X[turns[0][0]], table.y[turns[0][0]])
        for rows, held in turns:
            for name, estimator in kind(table, seed).items():
                began = time.perf_counter()
                estimator.fit(table.X[rows], table.y[rows])
                seconds[name] += time.perf_counter() - began
                scores[name].append(estimator.score(table.X[held], table.y[held]))
        for name, (mean, total) in found.items():
            mean.append(statistics.fmean(scores[name]))
            total.append(seconds[name])
    return found


def cold(chosen: Mapping[str, Table]) -> float:
    """Return the seconds of our first fits of all tables."""
    began = time.perf_counter()
    for table in chosen.values():
        for kind in (linear, nets):
            kind(table, 0)["ours"].fit(table.X, table.y)
    return time.perf_counter() - began


def number(score: float) -> str:
    """Return four decimals, or the size of what exploded.

    >>> number(0.96666), number(-2.5e31)
    ('0.9667', '-2e+31')
    """
    return f"{score:.4f}" if abs(score) < 100 else f"{score:.0e}"


def printed(
    title: str, results: Mapping[str, Mapping[str, Figures]], slack: float, timed: Sequence[str]
) -> None:
    """Print one table: scores, how far ours is from the best, and times."""
    names = list(next(iter(results.values())))
    heads = [*names, "ours - best", "goal", "ours", *timed]
    print(f"\n{title}\n{'':15}{''.join(f'{head:>14}' for head in heads)}")
    for table, figures in results.items():
        best = max(figures[name].score for name in names if name != "ours")
        gap = figures["ours"].score - best
        cells = [number(figures[name].score) for name in names]
        cells += [f"{gap:+.4f}", "met" if gap >= -slack else "SHORT"]
        cells += [f"{figures[name].time:.3f} s" for name in ("ours", *timed)]
        print(f"{table:15}{''.join(f'{cell:>14}' for cell in cells)}")
    totals = [sum(f[name].time for f in results.values()) for name in ("ours", *timed)]
    met = "met" if all(totals[0] < peer for peer in totals[1:]) else "SHORT"
    blank = [""] * (len(names) + 1) + [met]
    cells = [*blank, *(f"{total:.3f} s" for total in totals)]
    print(f"{'all':15}{''.join(f'{cell:>14}' for cell in cells)}")


def main() -> None:
    """Run all of it and print two tables, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="these tables")
    parser.add_argument("--seeds", type=int, default=5, help="shuffles and starts; default 5")
    parser.add_argument("--json", metavar="FILE", help="write the figures too; '-': only them")
    parser.add_argument("--smoke", action="store_true", help="two tables, one seed, two parts")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")  # that a peer has not converged
    found = tables()
    if unknown := set(asked.only or ()) - set(found):
        parser.error(f"there is no table {', '.join(unknown)}; there are {', '.join(found)}")
    only = ["iris", "engel"] if asked.smoke and not asked.only else asked.only
    chosen = {name: table for name, table in found.items() if not only or name in only}
    seeds, parts = (1, 2) if asked.smoke else (asked.seeds, PARTS)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["DESCEND_CACHE"] = cache
        first = cold(chosen)
        results: dict[str, dict[str, dict[str, Figures]]] = {}
        for kind in (linear, nets):
            results[kind.__name__] = {}
            for name, table in chosen.items():
                print(f"{kind.__name__}: {name}", file=sys.stderr)
                results[kind.__name__][name] = raced(kind, table, seeds, parts)
    if asked.json:
        text = json.dumps({"cold": first, "seeds": seeds, "parts": parts} | results, indent=2)
        if asked.json == "-":
            print(text)
            return
        Path(asked.json).write_text(text, encoding="utf-8")
    shapes = ", ".join(
        f"{name} {table.X.shape[0]} x {table.X.shape[1]}" for name, table in chosen.items()
    )
    print(
        f"{parts} parts, {seeds} seed{'' if seeds == 1 else 's'}; {os.cpu_count()} cores; {shapes}"
    )
    print(f"our first fits, compiling included: {first:.1f} s")
    # "plain" is LogisticRegression or LinearRegression.
    printed(
        "Linear models; plain: LogisticRegression, LinearRegression",
        results["linear"],
        LINEAR_SLACK,
        ["SGD", "SGD scaled"],
    )
    printed("Nets of 100 hidden units", results["nets"], NET_SLACK, ["MLP scaled"])


if __name__ == "__main__":
    main()
