"""What a ratio of given to true is made of: a sign, the rows, the outputs, a constant.

Whether a factor of 8 is a constant or counts 8 rows is not to be seen in one gradient: functions
are called again with half of the rows.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from descend.gradcheck.calls import Caller, Probe
from descend.gradcheck.searching import Cause, Story, close, cut, natural
from descend.gradcheck.slices import edits


class Case(NamedTuple):
    """A story, who told it, and how near numbers have to be."""

    judge: Any
    caller: Caller
    story: Story
    near: float
    loosen: float


def with_ratio(case: Case) -> list[Cause]:
    """Return the story's causes, its ratio and its slices' own ratios named by what they count."""
    judge, story, near = case.judge, case.story, case.near
    causes = []
    every = tuple(story.pieces)
    own = {name for c in story.causes if c.code == "local" for name in c.where}
    for cause in story.causes:
        if cause.code == "local":
            full = story.ratio * cause.number
            names = _ratio_names(case, full, cause.where)
            causes += [c._replace(where=cause.where) for c in names]
        else:
            causes.append(cause)
    if close(story.ratio, 1.0, near) or natural(judge, story.variations, story.ratio, near):
        return causes
    shared = tuple(name for name in every if name not in own)
    return [
        *_ratio_names(case, story.ratio, shared),
        *causes,
    ]


def _ratio_names(case: Case, ratio: float, names: tuple[str, ...]) -> list[Cause]:
    """Return what a ratio is made of: a sign, the rows, the outputs, and a constant."""
    judge, near = case.judge, case.near
    found = [Cause("sign", -1.0, (), 1.0)] if ratio < 0 else []
    size = abs(ratio)
    power, mass = _power_of_rows(case, size, names)
    if power:
        size /= mass**power
        found.append(Cause("sum-for-mean" if power > 0 else "mean-for-sum", mass, (), 1.0))
    k = float(judge.columns())
    labels = getattr(getattr(judge, "task", None), "loss", None)
    per_class = labels is not None and labels.targets == "labels"
    n = judge.source.n
    if power == 0 and n > 2 and close(size, n / (n - 1), near) and mass == -1.0:  # noqa: PLR2004
        found.append(Cause("n-minus-one", size, (), 1.0))
    elif k > 1 and close(size, 1 / k if per_class else k, near):
        found.append(Cause("mean-over-outputs", size, (), 1.0))
    elif not close(size, 1.0, near):
        found.append(Cause("factor", rounded(size, near), (), 1.0))
    return found


def rounded(size: float, near: float) -> float:
    """Return a ratio of small whole numbers where the size is one but for rounding."""
    for low in range(1, 13):
        if close(size, round(size * low) / low, 0.01 * near) and round(size * low) > 0:
            return round(size * low) / low
    return size


def _power_of_rows(case: Case, size: float, names: tuple[str, ...]) -> tuple[int, float]:
    """Return how the ratio grows with the rows, 1, 0 or -1, and what it grows with.

    Fewer rows decide; where the functions will not have them, the ratio's own size does.  A mass
    of -1 says that the ratio is that of n to n - 1, with fewer rows too.
    """
    judge, near = case.judge, case.near
    n = judge.source.n
    masses = judge.mass(None)
    if n == 0:
        return 0, 1.0
    rows = np.arange((n + 1) // 2) if n > 1 else np.zeros(2, dtype=int)
    fewer = _ratio_at(case, rows, names)
    if fewer is not None and fewer != 0:
        m = len(rows)
        for full, part in zip(masses, judge.mass(rows), strict=True):
            for power in (1, -1):
                if close(abs(fewer) / size, (part / full) ** power, max(near, 1e-4)):
                    return power, full
        if m > 1 and close(abs(fewer), m / (m - 1), max(near, 1e-4)):
            return 0, -1.0
        return 0, 1.0
    for full, power in itertools.product(masses, (1, -1)):
        if n > 1 and close(size, full**power, near):
            return power, full
    return 0, 1.0


def _ratio_at(case: Case, rows: Any, names: tuple[str, ...]) -> float | None:
    """Return the ratio of given to true over some of the rows, or None where it cannot be had."""
    judge, caller, story = case.judge, case.caller, case.story
    within = 2 if judge.source.parts[2] is None else 3  # X and y, and the weights
    own = getattr(judge, "takes", within)
    if min(caller.takes, own) < within:
        return None  # weights that are known within fit no other rows
    trial = Caller(caller.function, caller.layout, caller.data)
    trial.thetas = caller.thetas
    looks = [seen for seen in (trial(Probe(theta, rows)) for theta in caller.thetas[1:3]) if seen]
    if not looks or not all(np.isfinite(seen.given).all() for seen in looks):
        return None
    stale = any(v.stage == "theta" for v in story.variations)
    parts = cut(judge, looks, story.variations, case.loosen)
    given, true = [], []
    for one in parts:
        piece = story.pieces[one.name]
        if one.name not in names or piece is None or piece.c is None:
            continue
        for edit, data, theta in edits(one, parts):
            if piece.edit in {edit, "constant"}:
                pull = one.strength * theta
                given.append(
                    one.given - piece.constant - pull * (0 if piece.kept else piece.penalty)
                )
                true.append(data + pull if piece.kept else data)
                break
    if not given:
        return None
    g, t = (np.concatenate([part.ravel() for part in side]) for side in (given, true))
    length = float(t @ t)
    if length == 0 or not np.isfinite(length):
        return None
    c = float(g @ t) / length
    fits = np.abs(g - c * t).max() <= 1e-3 * np.abs(g).max() + (np.inf if stale else 0.0)
    return c if fits else None
