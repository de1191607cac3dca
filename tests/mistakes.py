"""Seeded gradients written by hand, each with a known mistake, to examine `ds.check_gradient`.

    case("transposed", seed=7)              one mistake: its own model, data and point
    case("sign + missing-bias", seed=7)     two at once
    case("correct", seed=7)                 none

Everything is drawn from (name, seed).  A draw is passed over where nobody could name the mistake:
`tests.telling` and the `wants` of each mistake say when, and why.  Of the two ranges of seeds,
TUNING is open to whoever writes the detector, and HELD_OUT is kept apart from its making.

    python -m tests.mistakes --seeds 10000:10200

prints how many of each are named right, missed, or called by another name.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from tests import handwritten
from tests.handwritten import ACTIVATION, LOSS, Setting
from tests.problems import draw, task_of
from tests.telling import PLACED, RESIDUAL, other_losses, tells

import descend as ds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TUNING = range(5_000)
HELD_OUT = range(10_000, 15_000)

# A gradient that is constant between kinks is the same at the last theta as at this one.
CURVED = ("squared_error", "half_squared_error", "log_cosh", "poisson", "logistic", "softmax")
SHAPED = tuple(name for name in ACTIVATION if name != "identity")


@dataclass(frozen=True)
class Case:
    """A gradient to judge, and the verdict that is right.

    `ratio` is given/true where a `factor` was planted; `where` names, for the mistakes that lie in
    known slices of theta, which.  `gradient` may remember its last call: make a fresh case for
    each use.
    """

    seed: int
    codes: frozenset[str]
    ratio: float | None
    where: Mapping[str, tuple[str, ...]]
    task: ds.Task
    f: Callable[..., float]
    gradient: Callable[..., Any]
    point: Any
    X: Any
    y: Any
    sample_weight: Any
    layout: Any
    setting: Setting


# ---------------------------------------------------------------- the mistakes


def _always(rng, drawn):
    return True


def _one(rng, choices):
    return choices[int(rng.integers(len(choices)))] if choices else None


def _counted(drawn, ratio):
    """Return whether a ratio is a number of rows or outputs, or the mass of the weights.

    Or half or twice of one: half of n is as well the sum for the mean with a 2 left out.
    """
    setting, n = drawn.setting, len(drawn.X)
    mass = n if setting.weights is None else setting.weights.sum()
    counts = np.array([n, mass, *[setting.sizes[-1]] * (setting.sizes[-1] > 1)])
    taken = np.log(np.outer(counts, [0.5, 1, 2]))
    return bool((np.abs(taken - abs(np.log(ratio))) < 0.01).any())


def _ratio(rng, drawn):
    """Return 2 or 0.5, which are lost most often, or any other number above 0 without a name."""
    ratio = _one(rng, (2.0, 0.5, 2.0, 0.5, float(np.exp(rng.uniform(0.5, 3))), 0.1, 10.0))
    return None if _counted(drawn, ratio) else ratio


def _outputs(rng, drawn):
    """Return k, unless it counts something else as well."""
    k = drawn.setting.sizes[-1]
    return None if _counted(replace(drawn, setting=_one_output(drawn.setting)), k) else k


def _one_output(setting):
    return replace(setting, sizes=(*setting.sizes[:-1], 1))


def _biases(rng, drawn):
    names = tuple(drawn.setting.bias_names)
    return names if rng.random() < 0.6 else (_one(rng, names),)


def _one_weight(rng, drawn):
    return (_one(rng, drawn.setting.weight_names),)


def _forgotten_activations(rng, drawn):
    """Return all hidden layers, or one: those whose derivative is left out."""
    all_of_them = tuple(range(1, len(drawn.setting.sizes) - 1))
    return all_of_them if rng.random() < 0.6 else (_one(rng, all_of_them),)


def _layer_factors(rng, drawn):
    """Return, for a weight or a weight and its bias, factors that have no pattern."""
    setting = drawn.setting
    i = int(rng.integers(len(setting.weight_names)))
    names = [setting.weight_names[i]]
    if setting.bias and rng.random() < 0.5:
        names.append(setting.bias_names[i])
    return {name: rng.uniform(-2, 3, size=setting.shapes[name]) for name in names}


def _equal_slices(rng, drawn):
    shapes = drawn.setting.shapes
    return _one(rng, [p for p in itertools.combinations(shapes, 2) if shapes[p[0]] == shapes[p[1]]])


def _bad_number(rng, drawn):
    """Return a slice and a row that a division by a spread of 0, say, has spoilt."""
    name = _one(rng, drawn.setting.weight_names)
    row = int(rng.integers(drawn.setting.shapes[name][0]))
    return name, row, _one(rng, (np.nan, np.inf, -np.inf))


def _limit(rng, drawn):
    """Return a length below the gradient's, or a size that two entries at the least exceed."""
    right = drawn.gradient()
    if rng.random() < 0.5:
        return "norm", float(rng.uniform(0.2, 0.7) * np.linalg.norm(right))
    limit = float(np.quantile(np.abs(right), rng.uniform(0.3, 0.6)))
    return ("each", limit) if (np.abs(right) > 1.05 * limit).sum() >= 2 else None


def _added(rng, drawn):
    return float(_one(rng, (-1, 1)) * rng.uniform(0.1, 1) * np.abs(drawn.gradient()).max())


def _other_theta(rng, drawn):
    return drawn.point + rng.normal(scale=0.4, size=drawn.point.size)


def _previous(rng, drawn):
    """Return an earlier theta, and whether the first call uses it or has only its own to use."""
    return _other_theta(rng, drawn), bool(rng.random() < 0.5)


def _other_loss(rng, drawn):
    """Return another loss for such targets, without a number of its own to be guessed."""
    # Squared errors differ by a factor of 2; brier is 2 p (1 - p) times logistic, which is another
    # mistake and a factor.
    own = drawn.setting.loss
    same = [{"squared_error", "half_squared_error"}, {"logistic", "brier"}]
    kin = {own}.union(*(pair for pair in same if own in pair))
    return _one(rng, [name for name in other_losses(own) if name not in kin])


def _wrong_shape(rng, drawn):
    """Return a count that is not that of the weights alone: that would be missing biases."""
    biases = sum(drawn.setting.shapes[name][0] for name in drawn.setting.bias_names)
    kinds = {"one too few": -1, "two too few": -2, "one too many": 1}
    return _one(rng, [kind for kind, more in kinds.items() if more != -biases])


@dataclass(frozen=True)
class Mistake:
    """What a mistake needs of a draw, and how its detail is drawn (None: not this draw)."""

    wants: dict[str, Any]
    detail: Callable[..., Any] = _always


_PENALTY = {"penalty": True}
MISTAKES = {
    "factor": Mistake({}, _ratio),
    # With a penalty the data's part alone is multiplied: `reduction` says nothing of the penalty.
    "sum-for-mean": Mistake({"reduction": "mean"}),
    "mean-for-sum": Mistake({"reduction": "sum"}),
    # Two outputs would make it a factor of 2.
    "mean-over-outputs": Mistake({"outputs": (3, 4, 5)}, _outputs),
    # The whole gradient: turning the data's part alone is turning the penalty and then all.
    "sign": Mistake({}),
    "transposed": Mistake({}, _one_weight),
    "missing-bias": Mistake({"bias": True}, _biases),
    "missing-activation-derivative": Mistake(
        {"hidden": True, "activations": SHAPED}, _forgotten_activations
    ),
    # The rectifiers' derivatives only ask for a sign, which z and a share.
    "activation-derivative-at-output": Mistake(
        {
            "hidden": True,
            "activations": ("sigmoid", "tanh", "elu", "gelu", "silu", "softplus", "cos"),
        }
    ),
    "extra-link-derivative": Mistake({"losses": ("logistic",)}),
    "missing-link-derivative": Mistake({"losses": ("brier",)}),
    "penalty-on-bias": Mistake(
        {**_PENALTY, "penalised_biases": False, "bias": True},
        lambda rng, drawn: tuple(drawn.setting.bias_names),
    ),
    "penalty-missing": Mistake(_PENALTY),
    "penalty-factor": Mistake(_PENALTY, lambda rng, drawn: _one(rng, (2.0, 0.5))),
    "penalty-sign": Mistake(_PENALTY),
    "one-layer": Mistake({"hidden": True}, _layer_factors),
    "stale-parameters": Mistake({"losses": CURVED}, _previous),
    # A sum over n rows that became one over n² pairs would be a second mistake: means only.
    "broadcast": Mistake(
        {
            "losses": RESIDUAL,
            "outputs": (1,),
            "flat_targets": True,
            "reduction": "mean",
            "weighted": False,
        }
    ),
    "non-finite": Mistake({}, _bad_number),
    # One feature alone would leave a bias without its name.
    "missing-input": Mistake({}, lambda rng, drawn: (drawn.setting.weight_names[0],)),
    "weights-ignored": Mistake({"weighted": True}),
    "swapped-layers": Mistake({"hidden": True}, _equal_slices),
    "last-row-only": Mistake({}),
    "constant": Mistake({}, _added),
    "ignores-parameters": Mistake({"losses": CURVED}, _other_theta),
    "clipped": Mistake({"losses": CURVED}, _limit),
    "wrong-loss": Mistake(
        {"losses": tuple(name for name in LOSS if name != "softmax")}, _other_loss
    ),
    "shape": Mistake({}, _wrong_shape),
}
# An overflow of e^s / (1 + e^s), where the features are large.
OVERFLOW = Mistake({"losses": ("logistic",), "hidden": False}, lambda rng, drawn: "overflow")

COMBINED = (
    "sign + missing-bias",
    "factor + penalty-on-bias",
    "sum-for-mean + sign",
    "missing-activation-derivative + missing-bias",
    "factor + missing-bias",
    "mean-for-sum + penalty-missing",
    "sign + transposed",
    "sum-for-mean + missing-activation-derivative",
    "factor + extra-link-derivative",
    "transposed + missing-bias",
    "penalty-missing + missing-bias",
    "sign + missing-bias + penalty-missing",
)
NAMES = (*MISTAKES, *COMBINED)
# Those that a plain function, without its parts, is enough to name.
PLAIN = PLACED - {"swapped-layers"} | {
    "factor",
    "sum-for-mean",
    "mean-for-sum",
    "sign",
    "penalty-missing",
    "penalty-factor",
    "stale-parameters",
    "broadcast",
    "last-row-only",
    "constant",
    "ignores-parameters",
    "clipped",
    "shape",
}


def codes_of(name):
    return () if name == "correct" else tuple(name.split(" + "))


def plain_enough(name):
    """Return whether all its codes can be named for a plain function."""
    return PLAIN.issuperset(codes_of(name))


# ---------------------------------------------------------------- a case


def case(name, seed):
    """Return the case of that name and seed, the same in every process."""
    rng = np.random.default_rng([seed, *name.encode()])
    codes = codes_of(name)
    kinds = [MISTAKES[code] for code in codes]
    if name == "non-finite" and rng.random() < 0.25:
        kinds = [OVERFLOW]
    wants = {key: value for kind in kinds for key, value in kind.wants.items()}
    for _ in range(400):
        drawn = draw(rng, **wants)
        if kinds == [OVERFLOW]:
            drawn = replace(drawn, X=2000 * drawn.X)
        slips = {code: kind.detail(rng, drawn) for code, kind in zip(codes, kinds, strict=True)}
        known = all(detail is not None for detail in slips.values())
        if known and _usable(drawn) and (not slips or tells(drawn, slips)):
            return _finished(seed, drawn, slips)
    msg = f"No draw shows {name!r} with the seed {seed}: its wants contradict each other."
    raise AssertionError(msg)


def _usable(drawn):
    """Return whether the gradient at the point is one to be judged.

    Not where a kink is so near that differences would see both of its sides, nor where the data
    say nothing (every margin beyond a hinge): there a factor is one of the penalty.
    """
    kink = handwritten.nearest_kink(drawn.setting, drawn.point, drawn.X, drawn.y)
    length = np.linalg.norm(drawn.gradient())
    data = replace(drawn, setting=replace(drawn.setting, strength=0.0)).gradient()
    return kink > 1e-3 and 1e-6 < length < 1e6 and np.linalg.norm(data) > 0.01 * length


def _finished(seed, drawn, slips):
    setting = drawn.setting
    task = task_of(setting)
    return Case(
        seed=seed,
        codes=frozenset(slips),
        ratio=slips.get("factor"),
        where={code: _slices(drawn, slips, code) for code in slips if code in PLACED},
        task=task,
        f=lambda theta, X, y: handwritten.objective(setting, theta, X, y),
        gradient=_function(drawn, slips),
        point=drawn.point,
        X=drawn.X,
        y=drawn.y,
        sample_weight=setting.weights,
        layout=task.model.layout(setting.sizes[0], setting.sizes[-1]),
        setting=setting,
    )


def _function(drawn, slips):
    """Return gradient(theta, X, y) as the learner wrote it."""
    setting = drawn.setting
    if "ignores-parameters" in slips:
        there = slips["ignores-parameters"]
        once = handwritten.gradient(setting, there, drawn.X, drawn.y)
        return lambda theta, X, y: once.copy()
    if "stale-parameters" not in slips:
        return lambda theta, X, y: handwritten.gradient(setting, theta, X, y, slips)
    start, knows_its_start = slips["stale-parameters"]
    memory = [start] if knows_its_start else []

    def late(theta, X, y):
        memory.append(np.array(theta))
        return handwritten.gradient(setting, memory.pop(0) if memory[1:] else theta, X, y)

    return late


def _slices(drawn, slips, code):
    """Return the slices of theta that a mistake lies in."""
    if code == "non-finite":
        parts = drawn.setting.unpack(drawn.gradient(slips))
        return tuple(name for name, part in parts.items() if not np.isfinite(part).all())
    return tuple(slips[code])


# ---------------------------------------------------------------- the examination


def examine(found, expected):
    """Return one sentence for each way in which a verdict is not the right one."""
    codes = [discrepancy.code for discrepancy in found.discrepancies]
    if found.ok != (not codes):
        return [f"ok is {found.ok} beside {codes}"]
    if set(codes) != expected.codes or len(codes) != len(expected.codes):
        return [f"named {' + '.join(sorted(codes)) or 'nothing'}"]
    faults = []
    for discrepancy in found.discrepancies:
        code = discrepancy.code
        where = expected.where.get(code)
        if where is not None and set(discrepancy.where) != set(where):
            faults.append(f"{code} placed in {discrepancy.where}, not in {where}")
        if code == "factor" and not abs(discrepancy.ratio / expected.ratio - 1) < 1e-6:
            faults.append(f"the ratio is {discrepancy.ratio}, not {expected.ratio}")
        if not (discrepancy.evidence and discrepancy.fix):
            faults.append(f"{code} comes without evidence or fix")
    return faults


def verdict(name, seed, *, plain):
    """Return the case and what is wrong with descend's verdict on it."""
    expected = case(name, seed)
    found = ds.check_gradient(
        expected.f if plain else expected.task,
        expected.gradient,
        expected.point,
        expected.X,
        expected.y,
        layout=expected.layout if plain else None,
        sample_weight=expected.sample_weight,
    )
    return expected, examine(found, expected)


def _answer(name, seed, *, plain):
    """Return what is wrong with the verdict, a crash included."""
    try:
        return verdict(name, seed, plain=plain)[1]
    except Exception as error:  # noqa: BLE001 - a crash is one more wrong answer
        return [f"raised {type(error).__name__}: {error}"]


def _line(name, seeds, *, plain, each):
    """Return right, missed, and Counter of the other answers."""
    answers = Counter()
    for seed in seeds:
        faults = _answer(name, seed, plain=plain)
        if each and faults:
            print(f"  seed {seed}, {'plain' if plain else 'Task'}, {name}: {'; '.join(faults)}")
        answers["; ".join(_in_general(fault) for fault in faults) or "right"] += 1
    right, missed = answers.pop("right", 0), answers.pop("named nothing", 0)
    return right, missed, answers


def _in_general(fault):
    """Leave out what differs from case to case, so that like faults are counted together."""
    for mark, short in ((" placed in ", " misplaced"), ("the ratio is ", "wrong ratio")):
        if mark in fault:
            return fault.partition(mark)[0] + short
    return fault.partition(":")[0]


def report(seeds, *, each=False):
    """Print the table of one range of seeds; with `each`, every wrong answer as well."""
    which = "held out" if seeds[0] in HELD_OUT else "tuning"
    for plain in (False, True):
        form = "a plain function" if plain else "a Task"
        print(f"\n{which}, seeds {seeds[0]} to {seeds[-1]}, f is {form}")
        print(f"{'mistake':<48}{'right':>8}{'missed':>8}{'misnamed':>10}  as")
        total = Counter()
        for name in ("correct", *NAMES):
            if plain and not plain_enough(name):
                continue
            right, missed, others = _line(name, seeds, plain=plain, each=each)
            total.update(right=right, missed=missed, misnamed=others.total())
            told = ", ".join(f"{fault} ({count})" for fault, count in others.most_common(4))
            print(f"{name:<48}{right:>8}{missed:>8}{others.total():>10}  {told}", flush=True)
        print(f"{'all':<48}{total['right']:>8}{total['missed']:>8}{total['misnamed']:>10}")


def main():
    parser = argparse.ArgumentParser(description="Examine ds.check_gradient.")
    parser.add_argument("--seeds", action="append", help="first:last, as in range; may be repeated")
    parser.add_argument("--each", action="store_true", help="list every wrong answer")
    asked = parser.parse_args()
    warnings.simplefilter("error")  # as in the tests
    for text in asked.seeds or ["0:50", "10000:10050"]:
        first, last = map(int, text.split(":"))
        report(range(first, last), each=asked.each)


if __name__ == "__main__":
    main()
