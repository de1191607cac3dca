"""From what was given to what is said: compare, search, and give each mistake its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.clipping import clipping
from descend.gradcheck.naming import Facts, discrepancy
from descend.gradcheck.ratios import Case, rounded, with_ratio
from descend.gradcheck.searching import (
    NEAR,
    NEAR_SINGLE,
    Cause,
    Story,
    close,
    cut,
    enough,
    repeats,
    search,
)
from descend.gradcheck.updating import in_another_order, updated_before_use

if TYPE_CHECKING:
    from descend.gradcheck.calls import Caller, Seen
    from descend.gradcheck.result import Discrepancy
    from descend.gradcheck.slices import Slice

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
    judge.look_for_penalty(looks)
    near = NEAR if loosen <= 1.0 else NEAR_SINGLE
    story = _story(judge, looks, near, loosen)
    facts, parts = _facts(judge), cut(judge, looks, (), loosen)
    if isinstance(story, Cause):
        wrong = tuple(name for name, gap in gaps.items() if gap > 1.0)
        where = _where(judge, parts, story, wrong)
        return error, [discrepancy(story, facts, where, _example(parts, where))]
    if story is None:
        steady = repeats(judge, looks, loosen)
        return error, [_unknown(judge, parts, looks, facts, steady=steady)]
    case = Case(judge, caller, story, near, loosen)
    causes = with_ratio(case)
    return error, [_said(case, cause, parts, facts) for cause in causes]


def _story(judge: Any, looks: list[Seen], near: float, loosen: float) -> Story | Cause | None:
    """Return the best story, or the one cause that is not of a story's kind: the cheap first."""
    story = _both_ways(judge, looks, near, loosen, (0, 1), None)
    if enough(story, 2):
        return story
    if not repeats(judge, looks, loosen):
        return search(judge, looks, near, loosen, (2,), story)
    other = _ignoring(judge, looks)
    if other is None and (story is None or story.cost > 3.0):  # noqa: PLR2004 - dearer than one thing
        other = (
            clipping(judge, looks, loosen, near)
            or in_another_order(judge, looks, loosen)
            or updated_before_use(judge, looks, loosen)
        )
    return other or _both_ways(judge, looks, near, loosen, (2,), story)


def _both_ways(  # noqa: PLR0913, PLR0917 - as search takes them
    judge: Any,
    looks: list[Seen],
    near: float,
    loosen: float,
    counts: tuple[int, ...],
    best: Story | None,
) -> Story | None:
    """Search, and again with the penalty on the biases where that is not known."""
    story = search(judge, looks, near, loosen, counts, best)
    told = {"penalty-on-bias"} if story is None else {c.code for c in story.causes}
    if not told & {"penalty-on-bias", "one-layer"} or not judge.read_again():
        return story
    other = search(judge, looks, near, loosen, counts)
    better = other is not None and (story is None or other.cost < story.cost - 1e-9)
    if better and other is not None and _alike(other, near):
        return other
    judge.read_again()
    return story


def _alike(story: Story, near: float) -> bool:
    """Tell whether the penalty is multiplied with the data in all slices, or in none."""
    kinds = {
        piece.kept
        for piece in story.pieces.values()
        if piece is not None and piece.c is not None and not close(abs(piece.c), 1.0, near)
    }
    return len(kinds) < 2  # noqa: PLR2004 - both


def _ignoring(judge: Any, looks: list[Seen]) -> Cause | None:
    """Return that theta is ignored, where what is given never changes and the truth does."""
    first = looks[0].given
    if not first.any() or any((seen.given != first).any() for seen in looks):
        return None
    truths = [judge.at(seen) for seen in looks]
    totals = np.array([judge.total(seen.probe.theta) for seen in looks])
    changes = np.ptp(totals, axis=0) > 100 * np.max([t.tolerance for t in truths], axis=0)
    return Cause("ignores-parameters", nan, (), 1.0) if changes.any() else None


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
    judge: Any,
    parts: list[Slice],
    looks: list[Seen],
    facts: Facts,
    *,
    steady: bool,
) -> Discrepancy:
    again, first = looks[-1].given, looks[0].given
    if not steady:
        cause = Cause("unrepeatable", nan, (), 1.0)
        i = int(np.abs(again - first).argmax())
        example = f"{first[i]:.6g}, then {again[i]:.6g}"
        return discrepancy(cause, facts, _where(judge, parts, cause, ()), example)
    wrong = tuple(one.name for one in parts if _gap(one) > 1.0)
    return discrepancy(Cause("unknown", nan, wrong, 1.0), facts, wrong, _example(parts, wrong))


# ---------------------------------------------------------------- in words


def _where(
    judge: Any, parts: list[Slice], cause: Cause, affected: tuple[str, ...]
) -> tuple[str, ...]:
    names = cause.where or affected or tuple(one.name for one in parts)
    by_entry = all(name.startswith("theta[") for name, _ in judge.layout.entries)
    return ("theta",) if by_entry and len(names) == len(parts) else names


def _said(case: Case, cause: Cause, parts: list[Slice], facts: Facts) -> Discrepancy:
    judge, story, caller = case.judge, case.story, case.caller
    wrong = tuple(one.name for one in parts if _gap(one) > 1.0)
    affected = wrong
    layer = next((v.layer for v in story.variations if v.code == cause.code), 0)
    if cause.code in {"missing-activation-derivative", "activation-derivative-at-output"}:
        affected = tuple(n for n in wrong if _below(n, parts))
        if layer:
            cause = cause._replace(choice=str(layer))
    where = _where(judge, parts, cause, affected)
    if cause.code == "penalty-factor":
        cause = cause._replace(number=rounded(cause.number, NEAR))
    found = discrepancy(cause, facts, where, _example(parts, where))
    if cause.code == "missing-bias" and caller.absent:
        return replace(found, evidence=caller.absent + found.evidence)
    return found


def _below(name: str, parts: list[Slice]) -> bool:
    """Tell whether a slice lies below an activation: not in the last layer."""
    return name.rpartition(".")[0] != parts[-1].name.rpartition(".")[0]
