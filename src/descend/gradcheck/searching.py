"""The search for the mistakes: the fewest, and the most telling, that give what was given.

Variations change the whole gradient (`truths.Variation`); none, one, and two of them are tried.
Under each, every slice is explained by itself (`slices.pieces`), and the explanations are read
together: what is common to all slices is said once, and the sum of the ranks of all that has to be
said is the cost.  The cheapest wins.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend.gradcheck.slices import Piece, Slice, pieces, slices_of
from descend.gradcheck.truths import Judge, Variation, shares

if TYPE_CHECKING:
    from descend.gradcheck.calls import Seen

# Ratios nearer than this are the same; those of gradients in single precision are less sharp.
NEAR, NEAR_SINGLE = 1e-5, 5e-3
# An explanation this dear is no better than none.
DEAREST = 5.0
UNEXPLAINED = 3.4
# How many looks a story is tried at first, and the numbers that a slice's explanation may choose.
FEW, UNKNOWNS = 1, 3
# More variations are not tried for the sake of a gain below this.
SPARE = 0.4


class Cause(NamedTuple):
    """One thing that has to be said: a code, a number that goes with it, and where."""

    code: str
    number: float
    where: tuple[str, ...]
    rank: float
    choice: str = ""


class Story(NamedTuple):
    """An explanation of the whole gradient.

    Attributes
    ----------
    causes
        What has to be said, the common ratio apart.
    ratio
        The common ratio of given to true.
    cost
        The sum of the ranks.
    variations, pieces
        What it was built from.
    """

    causes: tuple[Cause, ...]
    ratio: float
    cost: float
    variations: tuple[Variation, ...]
    pieces: dict[str, Piece | None]


def search(  # noqa: PLR0913, PLR0917 - where, how closely, and how far to go
    judge: Judge,
    looks: list[Seen],
    near: float,
    loosen: float,
    counts: tuple[int, ...],
    best: Story | None = None,
) -> Story | None:
    """Return the cheapest story with so many variations, or None where nothing fits."""
    every = _possible(judge, looks, loosen)
    memory = {v for v in every if v.stage == "theta"}
    for count in counts:
        if enough(best, count):
            break
        for chosen in itertools.combinations(every, count):
            if len({v.stage for v in chosen}) < count:
                continue
            if memory and count > 1 and not memory.intersection(chosen):
                continue
            story = told(judge, looks, chosen, near, loosen)
            if story is not None and (best is None or story.cost < best.cost - 1e-9):
                best = story
    return best


def enough(best: Story | None, count: int) -> bool:
    """Tell whether a story is too good for one with so many variations to be better."""
    return best is not None and best.cost <= count + SPARE


def _possible(judge: Judge, looks: list[Seen], loosen: float) -> list[Variation]:
    """Return the variations, without those of a memory where none shows.

    A gradient with a memory answers otherwise when it is asked again, or, if it remembers its
    first call, always the same.
    """
    again = repeats(judge, looks, loosen)
    same = all((seen.given == looks[0].given).all() for seen in looks)
    fits = {"previous": not again, "accumulated": not again, "first": same}
    return [v for v in judge.variations() if v.stage != "theta" or fits[v.choice]]


def repeats(judge: Judge, looks: list[Seen], loosen: float) -> bool:
    """Tell whether the last look, at the theta of the first, gave the same."""
    first, last = looks[0], looks[-1]
    tolerance = loosen * judge.at(first).tolerance
    return bool((np.abs(last.given - first.given) <= tolerance).all())


def cut(
    judge: Judge, looks: list[Seen], chosen: tuple[Variation, ...], loosen: float
) -> list[Slice]:
    """Return the slices under some variations, with tolerances as loose as the dtype asks."""
    truths = [judge.at(seen, chosen) for seen in looks]
    truths = [t._replace(tolerance=t.tolerance * loosen) for t in truths]
    return slices_of(judge.layout, judge, np.array([seen.given for seen in looks]), truths)


def told(
    judge: Judge, looks: list[Seen], chosen: tuple[Variation, ...], near: float, loosen: float
) -> Story | None:
    """Return the story under some variations, or None."""
    if any(v.stage == "theta" for v in chosen):
        looks = [seen for seen in looks if seen.before]
    if chosen and len(looks) > FEW and not _plausible(judge, looks[-1 - FEW : -1], chosen, loosen):
        return None
    parts = cut(judge, looks, chosen, loosen)
    if not all(np.isfinite(one.data).all() for one in parts):
        return None
    found: dict[str, list[Piece]] = {}
    for one in parts:
        found[one.name] = pieces(one, parts)
        if chosen and not found[one.name]:
            return None
    if chosen and _changes_nothing(judge, looks, chosen):
        return None
    story = _cheapest(judge, chosen, parts, found, near)
    # What is the same at every look is soon explained: then only little may be said beside it.
    constant = any(v.choice == "first" and v.stage == "theta" for v in chosen)
    return None if constant and not enough(story, 2) else story


def _plausible(
    judge: Judge, looks: list[Seen], chosen: tuple[Variation, ...], loosen: float
) -> bool:
    """Tell whether a few looks leave some variations possible; most are turned down here."""
    parts = cut(judge, looks, chosen, 10 * loosen)
    large = [one for one in parts if one.given.size > UNKNOWNS]
    if not all(np.isfinite(one.data).all() for one in parts):
        return False
    return all(pieces(one, parts) for one in large)


def _changes_nothing(judge: Judge, looks: list[Seen], chosen: tuple[Variation, ...]) -> bool:
    """Tell whether one of the variations makes no difference here."""
    for left_out in chosen:
        rest = tuple(v for v in chosen if v is not left_out)
        differs = False
        for seen in looks:
            a, b = judge.at(seen, chosen), judge.at(seen, rest)
            differs = differs or bool((np.abs(a.data - b.data) > a.tolerance).any())
        if not differs:
            return True
    return False


def _cheapest(
    judge: Judge,
    chosen: tuple[Variation, ...],
    parts: list[Slice],
    found: dict[str, list[Piece]],
    near: float,
) -> Story | None:
    ratios = [1.0]
    for explained in found.values():
        for piece in explained:
            c = piece.c or 0.0
            if abs(c) > near and not any(close(c, r, near) for r in ratios):
                ratios.append(c)
    stories = [_read(judge, chosen, parts, found, ratio, near) for ratio in ratios[:8]]
    return min(
        (story for story in stories if story is not None), key=lambda s: s.cost, default=None
    )


def _read(  # noqa: PLR0913, PLR0917 - what is read, and how
    judge: Judge,
    chosen: tuple[Variation, ...],
    parts: list[Slice],
    found: dict[str, list[Piece]],
    ratio: float,
    near: float,
) -> Story | None:
    """Return the story in which `ratio` is common to all slices."""
    said: dict[tuple[str, float, str], list[str]] = {}
    kept: dict[str, Piece | None] = {}
    ranks: dict[tuple[str, float, str], float] = {}
    lost: list[str] = []
    for one in parts:
        options = [(_faults(one, piece, ratio, near), piece) for piece in found[one.name]]
        if not options:
            lost.append(one.name)
            kept[one.name] = None
            continue
        faults, piece = min(options, key=lambda option: sum(f.rank for f in option[0]))
        kept[one.name] = piece
        for fault in faults:
            key = _grouped(said, fault, near)
            said.setdefault(key, []).append(one.name)
            ranks[key] = fault.rank
    causes = [Cause(k[0], k[1], tuple(names), ranks[k], k[2]) for k, names in said.items()]
    causes = _by_layer(_one_penalty(causes), parts)
    if lost:
        # One number always is some multiple: beside a lost slice that says nothing.
        touched = {name for cause in causes for name in cause.where}
        lost = [one.name for one in parts if one.name in touched.union(lost)]
        if chosen or not _one_layer(lost, parts) or not close(ratio, 1.0, near):
            return None
        causes = [Cause("one-layer", np.nan, tuple(lost), UNEXPLAINED)]
    causes += [Cause(v.code, np.nan, (), v.rank, v.choice) for v in chosen]
    cost = sum(c.rank + 0.01 * len(c.where) for c in causes) + _ratio_rank(
        judge, chosen, ratio, near
    )
    return None if cost > DEAREST else Story(tuple(causes), ratio, cost, chosen, kept)


def _grouped(said: dict[Any, Any], fault: Cause, near: float) -> tuple[str, float, str]:
    for code, number, choice in said:
        same = code == fault.code and choice == fault.choice
        if same and (close(number, fault.number, near) or np.isnan(fault.number)):
            return code, number, choice
    return fault.code, fault.number, fault.choice


def _faults(one: Slice, piece: Piece, ratio: float, near: float) -> list[Cause]:
    """Return what has to be said about one slice, given the common ratio."""
    found: list[Cause] = []
    nan, where = float("nan"), (one.name,)
    c = ratio if piece.c is None else piece.c
    if piece.edit == "constant":
        found.append(Cause("constant", piece.constant, where, 1.3))
    elif piece.edit in {"transposed", "wrong-order", "missing-input"}:
        found.append(Cause(piece.edit, nan, where, 1.0))
    elif piece.edit:
        found.append(Cause("swapped-layers", nan, where, 1.0, "swapped"))
    if abs(c) <= near * max(abs(ratio), near):
        return [Cause("missing-bias" if one.bias else "zero", 0.0, where, 1.0)]
    if not close(c, ratio, near):
        found.append(Cause("local", c / ratio, where, 1.1))
    fault = _penalty_fault(one, piece, c, near)
    return [*found, fault] if fault else found


def _penalty_fault(one: Slice, piece: Piece, c: float, near: float) -> Cause | None:
    """Return what is wrong with a slice's penalty, if anything."""
    nan, where, p = float("nan"), (one.name,), piece.penalty
    # One sign may turn the penalty as well, and a factor of the rows may leave it.
    right = (1.0, c, -1.0) if c < 0 else (1.0, c)
    if piece.kept or (one.strength and any(close(p, r, near) for r in right)):
        return None
    if not one.strength:
        code = "penalty-on-bias" if one.bias else "penalty-extra"
        return Cause(code, p, where, (1.0 if one.bias else 1.05) + 0.2 * (p < 0))
    if abs(p) <= 10 * near:
        return Cause("penalty-off-bias" if one.bias else "penalty-missing", nan, where, 1.0)
    if close(p, -1.0, near) or close(p, -c, near):
        return Cause("penalty-sign", nan, where, 1.0)
    # The penalty's own factor: apart from the data's where that is the rounder number.
    own = p / c if roundness(p / c, near) < roundness(p, near) else p
    return Cause("penalty-factor", own, where, 1.05)


def _one_penalty(causes: list[Cause]) -> list[Cause]:
    """Join a penalty that is missing in weights and biases alike."""
    codes = {cause.code for cause in causes}
    if not {"penalty-missing", "penalty-off-bias"} <= codes:
        return causes
    joined = {
        name
        for c in causes
        if c.code in {"penalty-missing", "penalty-off-bias"}
        for name in c.where
    }
    return [
        cause._replace(where=tuple(sorted(joined))) if cause.code == "penalty-missing" else cause
        for cause in causes
        if cause.code != "penalty-off-bias"
    ]


def _by_layer(causes: list[Cause], parts: list[Slice]) -> list[Cause]:
    """Join zeros in a layer's weight and bias; call a lone layer's own factor by that name."""
    zeros = {name for c in causes if c.code == "zero" for name in c.where}
    layers = {layer_of(name) for name in zeros}
    every = {layer_of(one.name) for one in parts}
    found = []
    joined: list[str] = []
    for cause in causes:
        if cause.code == "missing-bias" and len(every) > 1:
            with_weight = tuple(name for name in cause.where if layer_of(name) in layers)
            joined += with_weight
            rest = tuple(name for name in cause.where if name not in with_weight)
            if rest:
                found.append(cause._replace(where=rest))
        elif cause.code != "zero":
            found.append(cause)
    if zeros and len(every) == 1:
        found.append(Cause("missing-weight", 0.0, tuple(sorted(zeros)), 1.1))
    elif zeros:
        order = [one.name for one in parts if one.name in {*zeros, *joined}]
        found.append(Cause("one-layer", 0.0, tuple(order), 1.1))
    return [
        c._replace(code="one-layer")
        if c.code == "local"
        and len(every) > 1
        and len({layer_of(name) for name in c.where}) == 1
        and not close(c.number, -1.0, NEAR)
        else c
        for c in found
    ]


def layer_of(name: str) -> str:
    """Return "layer1" for "layer1.weight", and the name itself where it has no parts."""
    return name.rpartition(".")[0] or re.sub(r"\W?(weight|bias)$|\[\d+\]$", "", name)


def _one_layer(names: list[str], parts: list[Slice]) -> bool:
    layers = {layer_of(one.name) for one in parts}
    return len({layer_of(name) for name in names}) == 1 < len(layers)


def _ratio_rank(judge: Judge, chosen: tuple[Variation, ...], ratio: float, near: float) -> float:
    """Return what the common ratio costs: nothing for 1, and for what a variation brings along."""
    if close(ratio, 1.0, near) or natural(judge, chosen, ratio, near):
        return 0.0
    masses = [m**power for m in judge.mass(None) if m > 0 for power in (1, -1)]
    rounded = [1.0, judge.columns(), 1 / judge.columns(), 2.0, 0.5]
    if close(ratio, -1.0, near):
        return 1.0
    for mass in masses:
        if close(abs(ratio), mass, near):
            return 1.0 + (ratio < 0)
        if any(close(abs(ratio), mass * r, near) for r in rounded):
            return 2.0 + (ratio < 0)
    return 1.0 if close(ratio, 2.0, near) or close(ratio, 0.5, near) else 1.15 + 0.5 * (ratio < 0)


def natural(judge: Judge, chosen: tuple[Variation, ...], ratio: float, near: float) -> bool:
    """Tell whether a ratio comes with a variation: one row of n may still be divided by n."""
    codes = {v.code for v in chosen}
    n = float(max(judge.source.n, 1))
    allowed = []
    for v in chosen:
        if v.stage == "rows":
            allowed += shares(judge.source, v.choice)
    if "broadcast" in codes:
        allowed += [n, 1 / n]
    if "weights-ignored" in codes:
        masses = judge.mass(None)
        allowed += [masses[0] / masses[-1], masses[-1] / masses[0]]
    return any(close(ratio, value, near) for value in allowed)


def roundness(number: float, near: float) -> int:
    """Return how unround a number is: 0 for 1, then small whole numbers and their parts."""
    size = abs(number)
    for rank, value in enumerate((1.0, 2.0, 0.5, 3.0, 4.0, 0.25, 10.0, 0.1)):
        if close(size, value, near):
            return rank
    return 100


def close(a: float, b: float, near: float) -> bool:
    """Tell whether two numbers are the same but for rounding."""
    return abs(a - b) <= near * max(abs(a), abs(b))
