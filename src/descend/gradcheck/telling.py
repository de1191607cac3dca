"""From what was given to what is said: compare, search, and give each mistake its numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.calls import Caller, Probe, Seen
from descend.gradcheck.clipping import clipping
from descend.gradcheck.naming import Facts, discrepancy
from descend.gradcheck.searching import (
    NEAR,
    NEAR_SINGLE,
    Cause,
    Story,
    close,
    cut,
    natural,
    search,
)
from descend.gradcheck.slices import Slice, edits

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.gradcheck.result import Discrepancy

nan = float("nan")


def tell(
    judge: Any, caller: Caller, looks: list[Seen], loosen: float
) -> tuple[float, list[Discrepancy]]:
    """Return the largest relative error and the mistakes; none where the gradient is right."""
    facts = _facts(judge)
    parts = cut(judge, looks, (), loosen)
    strange = [one.name for one in parts if not np.isfinite(one.given).all()]
    if strange:
        example = _non_finite(parts)
        cause = Cause("non-finite", nan, tuple(strange), 1.0)
        return np.inf, [discrepancy(cause, facts, tuple(strange), example)]
    gaps = {one.name: _gap(one) for one in parts}
    error = max((_relative(one) for one in parts), default=0.0)
    if all(gap <= 1.0 for gap in gaps.values()):
        return error, []
    near = NEAR if loosen <= 1.0 else NEAR_SINGLE
    story = search(judge, looks, near, loosen)
    if story is None or story.cost > 3.0:  # noqa: PLR2004 - dearer than clipping
        held = clipping(judge, looks, loosen, near)
        if held is not None:
            return error, [discrepancy(held, facts, _where(judge, parts, held, ()), "")]
    if story is None:
        return error, [_unknown(judge, parts, looks, gaps, facts)]
    causes = _with_ratio(judge, caller, story, near, loosen)
    return error, [_said(judge, cause, story, parts, facts, caller) for cause in causes]


def _facts(judge: Any) -> Facts:
    task = getattr(judge, "task", None)
    return Facts(
        judge.source.n,
        judge.columns(),
        float(judge.l2.max(initial=0.0)),
        task.reduction if task else "",
        bool(task and task.loss.targets == "labels"),
    )


def _gap(one: Slice) -> float:
    """Return the largest error of a slice, in tolerances; either side of an absolute penalty."""
    total = one.data + one.strength * one.theta
    plain, signed = (np.abs(one.given - total - s) / one.tolerance for s in (0.0, one.signs))
    return float(min(plain.max(initial=0.0), signed.max(initial=0.0)))


def _relative(one: Slice) -> float:
    total = one.data + one.strength * one.theta
    size = max(float(np.abs(total).max(initial=0.0)), np.finfo(float).tiny)
    gap = min(np.abs(one.given - total - s).max(initial=0.0) for s in (0.0, one.signs))
    return float(gap / size)


def _example(parts: list[Slice], names: tuple[str, ...]) -> str:
    """Return the entry that is furthest off, in words."""
    chosen = [one for one in parts if one.name in names] or parts
    worst, text = -1.0, ""
    for one in chosen:
        total = one.data + one.strength * one.theta
        gap = np.abs(one.given - total)
        if gap.size and gap.max() > worst:
            worst = float(gap.max())
            look, entry = np.unravel_index(int(gap.argmax()), gap.shape)
            place = _place(one, int(entry))
            given, true = one.given[look, entry], total[look, entry]
            text = f"at {place} {given:.6g} was given and {true:.6g} is true"
    return text


def _place(one: Slice, entry: int) -> str:
    if one.name.endswith("]") or one.shape == ():
        return one.name
    index = np.unravel_index(entry, one.shape)
    return f"{one.name}[{', '.join(str(int(i)) for i in index)}]"


def _non_finite(parts: list[Slice]) -> str:
    for one in parts:
        bad = ~np.isfinite(one.given)
        if bad.any():
            look, entry = np.argwhere(bad)[0]
            return f"at {_place(one, int(entry))} it is {one.given[look, entry]}"
    return ""


def _unknown(
    judge: Any, parts: list[Slice], looks: list[Seen], gaps: dict[str, float], facts: Facts
) -> Discrepancy:
    again, first = looks[-1].given, looks[0].given
    tolerance = np.concatenate([one.tolerance[0] for one in parts])
    if (np.abs(again - first) > tolerance).any():
        cause = Cause("unrepeatable", nan, (), 1.0)
        i = int(np.abs(again - first).argmax())
        example = f"{first[i]:.6g}, then {again[i]:.6g}"
        return discrepancy(cause, facts, _where(judge, parts, cause, ()), example)
    wrong = tuple(name for name, gap in gaps.items() if gap > 1.0)
    return discrepancy(Cause("unknown", nan, wrong, 1.0), facts, wrong, _example(parts, wrong))


# ---------------------------------------------------------------- the common ratio


def _with_ratio(
    judge: Any, caller: Caller, story: Story, near: float, loosen: float
) -> list[Cause]:
    """Return the story's causes, its ratio and its slices' own ratios named by what they count."""
    causes = []
    every = tuple(story.pieces)
    own = {name for c in story.causes if c.code == "local" for name in c.where}
    for cause in story.causes:
        if cause.code == "local":
            full = story.ratio * cause.number
            names = _ratio_names(judge, caller, story, full, cause.where, near, loosen)
            causes += [c._replace(where=cause.where) for c in names]
        else:
            causes.append(cause)
    if close(story.ratio, 1.0, near) or natural(judge, story.variations, story.ratio, near):
        return causes
    shared = tuple(name for name in every if name not in own)
    return [
        *_ratio_names(judge, caller, story, story.ratio, shared, near, loosen),
        *causes,
    ]


def _ratio_names(  # noqa: PLR0913 - a ratio, and where it was seen
    judge: Any,
    caller: Caller,
    story: Story,
    ratio: float,
    names: tuple[str, ...],
    near: float,
    loosen: float,
) -> list[Cause]:
    """Return what a ratio is made of: a sign, the rows, the outputs, and a constant."""
    found = [Cause("sign", -1.0, (), 1.0)] if ratio < 0 else []
    size = abs(ratio)
    power, mass = _power_of_rows(judge, caller, story, size, names, near, loosen)
    if power:
        found.append(Cause("sum-for-mean" if power > 0 else "mean-for-sum", size, (), 1.0))
        size /= mass**power
    k = float(judge.columns())
    labels = getattr(getattr(judge, "task", None), "loss", None)
    per_class = labels is not None and labels.targets == "labels"
    n = judge.source.n
    if power == 0 and n > 2 and close(size, n / (n - 1), near) and mass == -1.0:  # noqa: PLR2004
        found.append(Cause("n-minus-one", size, (), 1.0))
    elif k > 1 and close(size, 1 / k if per_class else k, near):
        found.append(Cause("mean-over-outputs", size, (), 1.0))
    elif not close(size, 1.0, near):
        found.append(Cause("factor", _rounded(size, near), (), 1.0))
    return found


def _rounded(size: float, near: float) -> float:
    """Return a ratio of small whole numbers where the size is one but for rounding."""
    for low in range(1, 13):
        if close(size, round(size * low) / low, near) and round(size * low) > 0:
            return round(size * low) / low
    return size


def _power_of_rows(  # noqa: PLR0913 - a ratio, and where it was seen
    judge: Any,
    caller: Caller,
    story: Story,
    size: float,
    names: tuple[str, ...],
    near: float,
    loosen: float,
) -> tuple[int, float]:
    """Return how the ratio grows with the rows, 1, 0 or -1, and what it grows with.

    Fewer rows decide; where the functions will not have them, the ratio's own size does.  A mass
    of -1 says that the ratio is that of n to n - 1, with fewer rows too.
    """
    n = judge.source.n
    masses = judge.mass(None)
    if n == 0:
        return 0, 1.0
    rows = np.arange((n + 1) // 2) if n > 1 else np.zeros(2, dtype=int)
    fewer = _ratio_at(judge, caller, story, rows, names, loosen)
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
        k = float(judge.columns())
        if n > 1 and any(close(size, full**power * r, near) for r in (1.0, 2.0, 0.5, k, 1 / k)):
            return power, full
    return 0, 1.0


def _ratio_at(  # noqa: PLR0913 - a ratio, and where it is looked for
    judge: Any, caller: Caller, story: Story, rows: Any, names: tuple[str, ...], loosen: float
) -> float | None:
    """Return the ratio of given to true over some of the rows, or None where it cannot be had."""
    if caller.takes < 2 or getattr(judge, "takes", 2) < 2:  # noqa: PLR2004 - X and y
        return None
    trial = Caller(caller.function, caller.layout, caller.data)
    trial.thetas = caller.thetas
    looks = [seen for seen in (trial(Probe(theta, rows)) for theta in caller.thetas[1:3]) if seen]
    if not looks or not all(np.isfinite(seen.given).all() for seen in looks):
        return None
    stale = any(v.stage == "theta" for v in story.variations)
    try:
        parts = cut(judge, looks, story.variations, loosen)
    except ValueError:
        return None
    given, true = [], []
    for one in parts:
        piece = story.pieces[one.name]
        if one.name not in names or piece is None or piece.c is None:
            continue
        for edit, data, theta in edits(one, parts):
            if edit == piece.edit or piece.edit == "constant":
                pull = one.strength * theta
                given.append(one.given - piece.constant - pull * (0 if piece.kept else piece.penalty))
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


# ---------------------------------------------------------------- in words


def _where(
    judge: Any, parts: list[Slice], cause: Cause, affected: tuple[str, ...]
) -> tuple[str, ...]:
    names = cause.where or affected or tuple(one.name for one in parts)
    by_entry = all(name.startswith("theta[") for name, _ in judge.layout.entries)
    return ("theta",) if by_entry and len(names) == len(parts) else names


def _said(  # noqa: PLR0913 - a cause, and all it is told with
    judge: Any,
    cause: Cause,
    story: Story,
    parts: list[Slice],
    facts: Facts,
    caller: Caller,
) -> Discrepancy:
    wrong = tuple(one.name for one in parts if _gap(one) > 1.0)
    affected = wrong
    layer = next((v.layer for v in story.variations if v.code == cause.code), 0)
    if cause.code in {"missing-activation-derivative", "activation-derivative-at-output"}:
        affected = tuple(n for n in wrong if _below(n, parts))
        if layer:
            cause = cause._replace(choice=str(layer))
    where = _where(judge, parts, cause, affected)
    if cause.code == "penalty-factor":
        cause = cause._replace(number=_rounded(cause.number, NEAR))
    found = discrepancy(cause, facts, where, _example(parts, where))
    if cause.code == "missing-bias" and caller.absent:
        return replace(found, evidence=caller.absent + found.evidence)
    return found


def _below(name: str, parts: list[Slice]) -> bool:
    """Tell whether a slice lies below an activation: not in the last layer."""
    return name.rpartition(".")[0] != parts[-1].name.rpartition(".")[0]


