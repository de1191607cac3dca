"""From what was given to what is said: compare, search, and give each mistake its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.gradcheck.clipping import clipping
from descend.gradcheck.naming import Facts, discrepancy
from descend.gradcheck.ratios import Case, rounded, with_ratio
from descend.gradcheck.searching import NEAR, NEAR_SINGLE, Cause, cut, search
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
    near = NEAR if loosen <= 1.0 else NEAR_SINGLE
    story = search(judge, looks, near, loosen)
    if story is None or story.cost > 3.0:  # noqa: PLR2004 - dearer than clipping
        wrong = tuple(name for name, gap in gaps.items() if gap > 1.0)
        for other in (
            clipping(judge, looks, loosen, near),
            in_another_order(judge, looks, loosen),
            updated_before_use(judge, looks, loosen),
        ):
            if other is not None:
                where = _where(judge, parts, other, wrong)
                return error, [discrepancy(other, facts, where, _example(parts, where))]
    if story is None:
        return error, [_unknown(judge, parts, looks, gaps, facts)]
    case = Case(judge, caller, story, near, loosen)
    causes = with_ratio(case)
    return error, [_said(case, cause, parts, facts) for cause in causes]


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
