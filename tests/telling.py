"""Whether a mistake in a gradient can be told: that it shows, and is not another mistake as well.

It would not show: a matrix of one column transposed, a rectifier's derivative left out where
every unit is active, a bias missed out whose gradient is 0.  It would be another as well: a factor
that happens to be n, two layers that happen to be equal, two mistakes that make a third.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from descend.losses import LOSSES

RESIDUAL = ("squared_error", "half_squared_error", "log_cosh", "poisson", "logistic", "brier")
SCALINGS = {"factor", "sum-for-mean", "mean-for-sum", "mean-over-outputs", "sign", "clipped"}
# Those that lie in slices of theta which their detail names.
PLACED = frozenset(
    {
        "transposed",
        "missing-bias",
        "penalty-on-bias",
        "one-layer",
        "missing-input",
        "swapped-layers",
        "non-finite",
    }
)
SHOWS = 1e-3  # a mistake changes the gradient by at least this much of its length


def other_losses(own):
    """Return the losses that take such targets too, and have no number of their own to guess."""
    pool = {
        "numbers": ("squared_error", "half_squared_error", "absolute_error", "log_cosh"),
        "counts": ("squared_error", "half_squared_error"),
        "two labels": ("logistic", "brier", "hinge", "squared_hinge", "half_squared_error"),
        "labels": (),
    }
    return [name for name in pool[LOSSES.make(own).targets] if name != own]


def _far(a, b, scale):
    return not np.linalg.norm(a - b) <= SHOWS * scale


def _parallel(a, b):
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return lengths == 0 or abs(a @ b) > (1 - 1e-6) * lengths


def rivals(drawn):
    """Yield each simple mistake that could be made here, as slips."""
    setting = drawn.setting
    yield from ({code: True} for code in ("sign", "missing-input", "last-row-only"))
    yield {"sum-for-mean" if setting.reduction == "mean" else "mean-for-sum": True}
    if setting.sizes[-1] > 1:
        yield {"mean-over-outputs": True}
    if setting.strength:
        yield from ({code: True} for code in ("penalty-missing", "penalty-sign"))
        yield from ({"penalty-factor": factor} for factor in (2.0, 0.5))
        if not setting.penalised_biases:
            yield {"penalty-on-bias": True}
    if setting.weights is not None:
        yield {"weights-ignored": True}
    if setting.sizes[-1] == 1 and setting.loss in RESIDUAL and setting.weights is None:
        yield {"broadcast": True}
    if setting.loss in {"logistic", "brier"}:
        yield {"extra-link-derivative": True}
        yield {"missing-link-derivative": True}
    yield from ({"wrong-loss": name} for name in other_losses(setting.loss))
    yield from _sliced_rivals(setting)


def _sliced_rivals(setting):
    shapes = setting.shapes
    layers = range(1, len(setting.sizes) - 1)
    if layers:
        yield {"missing-activation-derivative": tuple(layers)}
        yield from ({"missing-activation-derivative": (layer,)} for layer in layers)
        if setting.activation != "softmax":
            yield {"activation-derivative-at-output": True}
    if setting.bias:
        yield {"missing-bias": tuple(setting.bias_names)}
        yield from ({"missing-bias": (name,)} for name in setting.bias_names)
    yield from ({"transposed": (name,)} for name in setting.weight_names)
    pairs = itertools.combinations(shapes, 2)
    yield from ({"swapped-layers": pair} for pair in pairs if shapes[pair[0]] == shapes[pair[1]])


def tells(drawn, slips):
    """Return whether each part of the mistake shows, and the whole is no other mistake as well."""
    right, given = drawn.gradient(), _given(drawn, slips)
    length = np.linalg.norm(right)
    if given.shape != right.shape or not np.isfinite(given).all():
        return True
    for code in slips:
        alone = drawn.gradient({other: slips[other] for other in slips if other != code})
        if not _far(given, alone, length):
            return False
        if code in PLACED and not _shows_in(drawn.setting, given, alone, slips[code]):
            return False
    if not SCALINGS.issuperset(slips) and _parallel(given, right):
        return False
    return all(_unlike(drawn, given, slips, rival) for rival in rivals(drawn))


def _given(drawn, slips):
    """Return what is given at the point; a gradient that remembers was asked elsewhere before."""
    if "stale-parameters" in slips:
        return replace(drawn, point=slips["stale-parameters"][0]).gradient()
    if "ignores-parameters" in slips:
        return replace(drawn, point=slips["ignores-parameters"]).gradient()
    return drawn.gradient(slips)


def _shows_in(setting, given, alone, names):
    """Return whether exactly the named slices are changed, each so that it can be seen."""
    changed = setting.unpack(given - alone)
    scale = SHOWS * np.linalg.norm(alone)
    return all((np.linalg.norm(part) > scale) == (name in names) for name, part in changed.items())


def _unlike(drawn, given, slips, rival):
    if set(rival) <= set(slips):
        return True
    other = drawn.gradient(rival)
    if not _far(given, other, np.linalg.norm(given)):
        return False
    # Two mistakes at once must not be another mistake with another factor or sign.
    pair = len(slips) > 1 and not SCALINGS.issuperset(slips) and not SCALINGS.issuperset(rival)
    return not (pair and _parallel(given, other))
